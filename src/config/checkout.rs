//! The checkout that a file is in: the main worktree of a git repository, a linked one, or none. It reads git's own files
//! and never runs git.
//!
//! Layout: <https://git-scm.com/docs/gitrepository-layout>. In a linked worktree, `.git` is a file that names a folder with a
//! file `commondir`. In a submodule it is a file, too, but there is no such file: the checkout around it counts.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::place::clean;
use crate::domain::Checkout;
use crate::regular_file::read_regular;

/// Git's small files are not larger, nor is a configuration.
const MAX_BYTES: u64 = 1 << 20;

/// Nobody has more worktrees of one repository.
const MOST_WORKTREES: usize = 1000;

/// How the main worktree is called, and what is in no repository.
const MAIN: &str = "main";

/// Longer names are cut: PostgreSQL takes 63 bytes for the name of a database, of which this is a part.
const LONGEST: usize = 40;

/// A checkout of a git repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Worktree {
    /// `${worktree}`.
    name: String,
    /// Of a linked worktree: its folder, and that of the main checkout, if there is one.
    linked: Option<(PathBuf, Option<PathBuf>)>,
}

impl Worktree {
    /// The one that a folder is in.
    pub(super) fn of(folder: &Path) -> Self {
        let linked = folder.ancestors().find_map(|top| match git_of(top)? {
            Git::Main => Some(None),
            Git::Linked { id, common } => Some(Some((top, id, common))),
        });
        let Some((top, id, common)) = linked.flatten() else { return Self { name: MAIN.into(), linked: None } };
        let main = main_checkout(&common);
        Self { name: name(top, &id, &common, main.is_some()), linked: Some((top.to_owned(), main)) }
    }

    /// For a file in this folder.
    pub(super) fn checkout(&self, folder: &Path) -> Checkout {
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        Checkout::new(self.name.as_str(), folder.as_os_str().as_bytes())
    }

    /// Where the main checkout would have a file of this linked worktree.
    pub(super) fn in_main(&self, file: &Path) -> Option<PathBuf> {
        let (top, main) = self.linked.as_ref()?;
        Some(main.as_ref()?.join(file.strip_prefix(top).ok()?))
    }
}

/// What stands under the name `.git`.
enum Git {
    /// The repository itself.
    Main,
    /// The name of a linked worktree, and the folder of its repository.
    Linked { id: Vec<u8>, common: PathBuf },
}

/// What the tree of a folder belongs to; `None`: it is no checkout, or a submodule.
fn git_of(top: &Path) -> Option<Git> {
    let git = top.join(".git");
    let found = fs::metadata(&git).ok()?;
    if found.is_dir() {
        // An empty folder of that name is none.
        return git.join("HEAD").exists().then_some(Git::Main);
    }
    let text = read_regular(&git, MAX_BYTES).ok()?;
    let dir = clean(&top.join(path_in(text.strip_prefix(b"gitdir:")?)));
    let common = read_regular(&dir.join("commondir"), MAX_BYTES).ok()?;
    Some(Git::Linked { id: dir.file_name()?.as_bytes().to_owned(), common: clean(&dir.join(path_in(&common))) })
}

/// A path in a file of git's.
fn path_in(text: &[u8]) -> PathBuf {
    OsStr::from_bytes(text.trim_ascii()).into()
}

/// The folder of the main worktree; none if the repository is bare, or does not say where it is.
fn main_checkout(common: &Path) -> Option<PathBuf> {
    let mut core = Core::default();
    for file in ["config", "config.worktree"] {
        core.read(&String::from_utf8_lossy(&read_regular(&common.join(file), MAX_BYTES).unwrap_or_default()));
    }
    match core {
        Core { bare: true, .. } => None,
        Core { worktree: Some(worktree), .. } => Some(clean(&common.join(worktree))),
        _ => (common.file_name()? == ".git").then(|| common.parent().map(Path::to_owned)).flatten(),
    }
}

/// What `[core]` says of the main worktree.
#[derive(Debug, Default, PartialEq)]
struct Core {
    bare: bool,
    worktree: Option<String>,
}

impl Core {
    fn read(&mut self, text: &str) {
        let mut section = String::new();
        for line in text.lines().map(str::trim) {
            if let Some(header) = line.strip_prefix('[') {
                section = header.split(']').next().unwrap_or_default().trim().to_ascii_lowercase();
            } else if section == "core" {
                let (key, value) = line.split_once('=').unwrap_or((line, "true"));
                let value = value.split([';', '#']).next().unwrap_or_default().trim();
                match key.trim().to_ascii_lowercase().as_str() {
                    "bare" => self.bare = matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1"),
                    "worktree" => self.worktree = Some(value.trim_matches('"').to_owned()),
                    _ => {}
                }
            }
        }
    }
}

/// The name of a linked worktree: that of its folder, in letters that a database and a compose project both take. Where
/// another worktree of the repository would have the same, the one keeps it that git knows by it, and the others get a few
/// digits more.
fn name(top: &Path, id: &[u8], common: &Path, has_main: bool) -> String {
    let name = slug(top.file_name().unwrap_or_default());
    let is_main = |name: &str| has_main && name == MAIN;
    let is_shared = || others(common, id).any(|other| slug(&other) == name) && name.as_bytes() != id;
    if !name.is_empty() && name.len() <= LONGEST && !is_main(&name) && !is_shared() {
        return name;
    }
    // Git has no two of one name, and keeps them.
    let digits = format!("{:06x}", xxh3_64(id) & 0xff_ffff);
    let short = name.get(..name.len().min(LONGEST - 7)).unwrap_or_default();
    format!("{short}_{digits}").trim_start_matches('_').to_owned()
}

/// A name in lowercase letters, digits and `_`: PostgreSQL takes no `-` without quotes, and a compose project has to begin
/// with a letter or a digit.
fn slug(name: &OsStr) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    name.to_string_lossy().chars().map(fits).collect::<String>().trim_matches('_').to_owned()
}

/// The names of the folders of all other linked worktrees of a repository.
fn others(common: &Path, id: &[u8]) -> impl Iterator<Item = std::ffi::OsString> {
    let entries = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten().take(MOST_WORKTREES);
    let others = entries.filter(move |entry| entry.file_name().as_bytes() != id);
    others.filter_map(|entry| {
        let git = path_in(&read_regular(&entry.path().join("gitdir"), MAX_BYTES).ok()?);
        Some(git.parent()?.file_name()?.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A repository with linked worktrees, as git lays them out: by the name that git has for each, and its folder.
    fn repository(root: &Path, config: &str, worktrees: &[(&str, &str)]) {
        write(&root.join("shop/.git/HEAD"), "ref: refs/heads/main\n");
        write(&root.join("shop/.git/config"), config);
        for (id, folder) in worktrees {
            let (own, top) = (root.join("shop/.git/worktrees").join(id), root.join(folder));
            write(&own.join("commondir"), "../..\n");
            write(&own.join("gitdir"), &format!("{}\n", top.join(".git").display()));
            write(&top.join(".git"), &format!("gitdir: {}\n", own.display()));
        }
    }

    fn named(path: &Path) -> String {
        Worktree::of(path).name
    }

    #[test]
    fn a_worktree_is_called_by_its_folder_and_the_main_one_main() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let long = "x".repeat(60);
        let trees =
            [("Feature-Login", "Feature-Login"), ("main", "trees/main"), ("x", &long), ("x1", "größe"), ("x2", "дом")];
        repository(root, "[core]\n\tbare = false\n", &trees);
        assert_eq!(named(&root.join("shop/services/api")), "main");
        assert_eq!(named(root), "main", "outside of git");
        assert_eq!(named(&root.join("Feature-Login/services")), "feature_login");
        let main = named(&root.join("trees/main"));
        assert!(main.starts_with("main_") && main.len() == 11, "{main}: there is another main");
        assert_eq!(named(&root.join(&long)).len(), LONGEST);
        assert_eq!(named(&root.join("größe")), "gr__e");
        assert_eq!(named(&root.join("дом")).len(), 6, "nothing of it is left");
    }

    #[test]
    fn two_worktrees_never_have_one_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let trees =
            [("feat", "a/feat"), ("feat1", "b/feat"), ("log-in", "log-in"), ("log_in", "log_in"), ("Log.in", "Log.in")];
        repository(root, "", &trees);
        assert_eq!((named(&root.join("a/feat")).as_str(), named(&root.join("log_in")).as_str()), ("feat", "log_in"));
        let mut names: Vec<String> = trees.iter().map(|(_, folder)| named(&root.join(folder))).collect();
        assert!(names[1].starts_with("feat_") && names[2].starts_with("log_in_"), "{names:?}");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), trees.len());
    }

    #[test]
    fn the_worktrees_of_a_bare_repository_have_no_main_checkout() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        repository(root, "[core]\n\tBare = true\n", &[("main", "main")]);
        assert_eq!(named(&root.join("main")), "main");
        assert_eq!(Worktree::of(&root.join("main")).in_main(&root.join("main/.env")), None);
    }

    #[test]
    fn a_file_has_its_place_in_the_main_checkout() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        repository(root, "[core]\n", &[("feat", "feat")]);
        let linked = Worktree::of(&root.join("feat/api"));
        assert_eq!(linked.in_main(&root.join("feat/api/.env")), Some(root.join("shop/api/.env")));
        assert_eq!(linked.in_main(Path::new("/etc/env")), None, "outside of the checkout");
        assert_eq!(Worktree::of(&root.join("shop")).in_main(&root.join("shop/.env")), None, "it is there");
        let mut core = Core::default();
        core.read("[user]\n\tbare = true\n[core]\n\tworktree = ../../../lib ; of a submodule\n");
        assert_eq!(core, Core { bare: false, worktree: Some("../../../lib".into()) });
    }

    #[test]
    fn a_submodule_belongs_to_the_checkout_around_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        repository(root, "", &[("feat", "feat")]);
        for (top, own) in [("shop/lib", "shop/.git/modules/lib"), ("feat/lib", "shop/.git/worktrees/feat/modules/lib")]
        {
            write(&root.join(own).join("HEAD"), "ref: refs/heads/main\n");
            write(&root.join(top).join(".git"), &format!("gitdir: {}\n", root.join(own).display()));
        }
        assert_eq!((named(&root.join("shop/lib")), named(&root.join("feat/lib"))), ("main".into(), "feat".into()));
    }
}
