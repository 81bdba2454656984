//! Whose file it is. What others wrote is not run only because it lies in a folder above: as with git's repositories, the
//! user has to say so.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::process::geteuid;
use toml::Spanned;
use toml::de::DeValue;

use super::load;
use super::preferences::preferences_file;
use super::syntax;
use crate::domain::visible_path;

/// A file that is somebody else's, neither ours nor root's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The file, or a link on the way to it.
    path: PathBuf,
    /// The user whose it is.
    owner: u32,
}

#[cfg(test)]
impl Foreign {
    pub(super) fn new(path: PathBuf, owner: u32) -> Self {
        Self { path, owner }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = if self.path.is_symlink() { "the link " } else { "" };
        write!(f, "{link}{} belongs to {}", visible_path(&self.path), user_shown(self.owner))
    }
}

/// Whose a file may be that is read. It is asked of what was opened: what lies under a name can be another file by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owners {
    /// Anybody: the user has said so.
    Any,
    /// The user and root; for root also the one who has called it.
    Ours {
        /// As whom we run.
        user: u32,
        /// By whom root was called.
        caller: Option<u32>,
    },
}

impl Owners {
    fn ours(variable: impl Fn(&str) -> Option<PathBuf>) -> Self {
        Self::Ours { user: geteuid().as_raw(), caller: caller(variable) }
    }

    /// Whether a file of this user is read.
    pub(super) fn include(self, owner: u32) -> bool {
        match self {
            Self::Any => true,
            Self::Ours { user, caller } => is_ours(owner, user, caller),
        }
    }

    /// What is said of the file of another.
    pub(super) fn refusal(owner: u32) -> String {
        format!("belongs to {}", user_shown(owner))
    }
}

/// Whose a file may be that was found and not named: anybody's in a folder that the user's own file trusts, else only ours.
///
/// # Errors
/// It belongs to somebody else, or a link on the way to it does.
pub fn consent(file: &Path, variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Owners, Foreign> {
    let ours = Owners::ours(&variable);
    let Some(foreign) = foreign(file, ours) else { return Ok(ours) };
    let folder = file.parent().and_then(|folder| fs::canonicalize(folder).ok());
    let trusts = |trusted: &PathBuf| {
        let trusted = fs::canonicalize(trusted);
        trusted.is_ok_and(|trusted| folder.as_ref().is_some_and(|folder| folder.starts_with(trusted)))
    };
    // Nobody else may say whom we trust.
    let own_file = preferences_file(&variable).filter(|own| self::foreign(own, ours).is_none());
    let trusted = own_file.map(|own| trusted_folders(&own, variable("HOME").as_deref(), ours)).unwrap_or_default();
    if trusted.iter().any(trusts) { Ok(Owners::Any) } else { Err(foreign) }
}

/// The user by whom `sudo` was called, if we run by that.
pub(super) fn caller(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<u32> {
    variable("SUDO_UID")?.to_str()?.parse().ok()
}

/// Whether what belongs to this user is as good as our own. `caller`: by whom root was called.
pub(super) fn is_ours(owner: u32, user: u32, caller: Option<u32>) -> bool {
    owner == user || owner == 0 || (user == 0 && Some(owner) == caller)
}

/// Who else's the file is, or a link that leads to it: whoever has the link decides which file is read.
fn foreign(file: &Path, owners: Owners) -> Option<Foreign> {
    let mut way = way(file);
    way.find(|(_, owner)| !owners.include(*owner)).map(|(path, owner)| Foreign { path, owner })
}

/// The same of a file that the one of a group names: also the links between the group's folder and it count.
pub(super) fn foreign_below(root: &Path, file: &Path, owners: Owners) -> Option<Foreign> {
    let names = file.strip_prefix(root).ok()?;
    let mut way = way_from(root, names);
    way.find(|(_, owner)| !owners.include(*owner)).map(|(path, owner)| Foreign { path, owner })
}

/// All links on the way to a file, in its folder and behind it, and the file itself, each with its owner. What is above the
/// file is only looked at for links that lead on: where the user is, the user has gone.
fn way(file: &Path) -> impl Iterator<Item = (PathBuf, u32)> {
    way_from(file.parent().unwrap_or(Path::new("/")), Path::new(file.file_name().unwrap_or_default()))
}

/// The same from a folder on.
fn way_from(folder: &Path, names: &Path) -> impl Iterator<Item = (PathBuf, u32)> {
    /// As many as the system follows.
    const LINKS: usize = 40;
    let mut here = folder.to_owned();
    let mut ahead: Vec<OsString> = names.iter().rev().map(OsString::from).collect();
    let mut links = 0;
    std::iter::from_fn(move || {
        while let Some(name) = ahead.pop() {
            // A folder that is named so is no link, and where it leads is known.
            if name == ".." {
                here.pop();
                continue;
            }
            let path = here.join(&name);
            let found = path.symlink_metadata().ok()?;
            if !found.is_symlink() {
                here.clone_from(&path);
                if ahead.is_empty() {
                    return Some((path, found.uid()));
                }
                continue;
            }
            links += 1;
            if links > LINKS {
                return None;
            }
            let target = fs::read_link(&path).ok()?;
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            let parts = target.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
            ahead.extend(parts.map(|part| part.as_os_str().to_owned()).collect::<Vec<_>>().into_iter().rev());
            return Some((path, found.uid()));
        }
        None
    })
}

/// The folders of `trusted` in the user's own file; what else is in it is read elsewhere, and what is wrong said there.
fn trusted_folders(file: &Path, home: Option<&Path>, owners: Owners) -> Vec<PathBuf> {
    let Ok(text) = load::read(file, owners) else { return Vec::new() };
    let (tree, _) = syntax::tree(&text);
    let Some(DeValue::Array(folders)) = tree.get("trusted").map(Spanned::get_ref) else { return Vec::new() };
    let texts = folders.iter().filter_map(|folder| match folder.get_ref() {
        DeValue::String(folder) => Some(folder.to_string()),
        _ => None,
    });
    texts.filter_map(|folder| trusted_folder(&folder, home)).collect()
}

/// A folder as people write it: absolute, or below their home.
pub(super) fn trusted_folder(text: &str, home: Option<&Path>) -> Option<PathBuf> {
    let below_home = |rest: &str| home.map(|home| home.join(rest));
    let folder = match text.strip_prefix("~/") {
        Some(rest) => below_home(rest)?,
        None if text == "~" => below_home("")?,
        None => text.into(),
    };
    folder.is_absolute().then_some(folder)
}

/// `bob (user 1001)`.
pub(super) fn user_shown(user: u32) -> String {
    user_name(user).map_or_else(|| format!("user {user}"), |name| format!("{name} (user {user})"))
}

/// The name of a user, where the machine itself knows it.
fn user_name(user: u32) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_what_is_ours_or_root_s_or_of_who_called_root() {
        let table = [
            (7, 7, None, true),
            (0, 7, None, true),
            (8, 7, None, false),
            (8, 7, Some(8), false),
            (8, 0, None, false),
            (8, 0, Some(8), true),
            (9, 0, Some(8), false),
        ];
        for (owner, user, caller, ours) in table {
            assert_eq!(is_ours(owner, user, caller), ours, "{owner} {user} {caller:?}");
        }
    }

    #[test]
    fn every_link_on_the_way_is_seen_also_of_folders() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let path = |name: &str| root.join(name);
        fs::create_dir_all(path("a/b")).unwrap();
        fs::write(path("a/b/file"), "").unwrap();
        let link = |target: &Path, at: &str| std::os::unix::fs::symlink(target, path(at)).unwrap();
        link(Path::new("../a/./b"), "a/to-b");
        link(&path("a/to-b/file"), "absolute");
        link(Path::new("absolute"), "first");
        let ways = |name: &str| way(&path(name)).map(|(path, _)| path).collect::<Vec<_>>();
        assert_eq!(ways("first"), ["first", "absolute", "a/to-b", "a/b/file"].map(&path));
        assert_eq!(ways("a/b/file"), [path("a/b/file")]);
        link(Path::new("round"), "round");
        assert_eq!(ways("round").len(), 40);
        assert!(ways("nothing").is_empty());
        let link = Foreign { path: path("first"), owner: 0 };
        assert!(link.to_string().starts_with("the link "), "{link}");
    }

    #[test]
    fn trusted_folders_are_absolute_or_below_home() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, "trusted = [\"/w\", \"~/a\", \"~\", \"b\", 1]\n").unwrap();
        let home = Some(Path::new("/h"));
        assert_eq!(trusted_folders(&file, home, Owners::Any), ["/w", "/h/a", "/h/"].map(PathBuf::from));
        fs::write(&file, "trusted = \"/\"\n").unwrap();
        assert!(trusted_folders(&file, home, Owners::Any).is_empty());
    }
}
