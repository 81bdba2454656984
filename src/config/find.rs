//! Finding the file of the group that a folder belongs to.
//!
//! The nearest file is the group, unless a file further up includes it: then that one is, and so on upwards. Files of other
//! users are not read. If the `include` of a file cannot be read, perhaps because the file is being written, the file counts
//! as including: the user sees its error, and no part of a larger group runs alone.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::diagnostic::Diagnostic;
use super::gather::include_of;
use super::laid_over::lay_over;
use super::load::{FILE_NAME, read};
use super::sources::Sources;
use super::trust::{Foreign, Owners};
use crate::group_files::{IncludePattern, local_of};

/// A file of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The group's own.
    pub file: PathBuf,
    /// Files further up that were not read because they are another user's: one of them may include this one.
    pub unread: Vec<Foreign>,
}

/// The nearest [`FILE_NAME`] in a folder or above it. A folder of that name counts too: reading it says what is wrong.
pub fn find_nearest(from: &Path) -> Option<PathBuf> {
    above(from)?.next()
}

/// The file of the group that a folder belongs to. `owners`: whose a file may be, or whose it is if it is not to be read.
pub fn find(from: &Path, owners: impl Fn(&Path) -> Result<Owners, Foreign>) -> Option<Found> {
    let mut files = above(from)?;
    let mut found = Found { file: files.next()?, unread: Vec::new() };
    for file in files {
        match owners(&file) {
            Err(foreign) => found.unread.push(foreign),
            Ok(owners) if may_include(&file, &found.file, owners) => {
                // What that one includes, nobody else has to.
                found = Found { file, unread: Vec::new() };
            }
            Ok(_) => {}
        }
    }
    Some(found)
}

/// The files in a folder and above it, the nearest first.
fn above(from: &Path) -> Option<impl Iterator<Item = PathBuf>> {
    let from = std::path::absolute(from).ok()?;
    let folders: Vec<PathBuf> = from.ancestors().map(|folder| folder.join(FILE_NAME)).collect();
    Some(folders.into_iter().filter(|file| file.symlink_metadata().is_ok()))
}

/// Whether a file includes another one; also if that cannot be told because it is broken.
fn may_include(file: &Path, other: &Path, owners: Owners) -> bool {
    let Some(relative) = file.parent().and_then(|root| other.strip_prefix(root).ok()) else { return false };
    // What cannot be read at all is no group of anybody.
    let Ok(text) = read(file, owners) else { return false };
    let mut sources = Sources::of(file, &text);
    let local = local_of(file);
    if local.symlink_metadata().is_ok()
        && let Ok(text) = read(&local, owners)
    {
        sources.add(&local, &text);
    }
    let (mut tree, mut problems) = sources.tree(0);
    if sources.files().count() > 1 {
        let (over, found) = sources.tree(1);
        lay_over(&mut tree, over);
        problems.extend(found);
    }
    let mut patterns = include_of(&tree).into_iter().filter_map(|(text, _)| IncludePattern::new(&text).ok());
    patterns.any(|pattern| pattern.matches(relative)) || is_include_broken(&tree, &problems, &sources)
}

/// Whether what cannot be read is, or may be, the list of `include`.
fn is_include_broken(tree: &DeTable<'_>, problems: &[Diagnostic], sources: &Sources) -> bool {
    let line = |byte: usize| sources.text().get(..byte).unwrap_or_default().matches('\n').count();
    let mut broken = problems.iter().flat_map(|problem| &problem.labels).map(|label| line(label.span.start));
    match tree.get_key_value("include") {
        Some((key, value)) => broken.any(|at| (line(key.span().start)..=line(value.span().end)).contains(&at)),
        None => !problems.is_empty() && sources.text().lines().any(|line| line.trim_start().starts_with("include")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder_with(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for (file, text) in files {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), text).unwrap();
        }
        (folder, root)
    }

    const SERVICE: &str = "[services]\nx = 'x'\n";

    #[test]
    fn the_file_that_includes_the_nearest_is_the_group() {
        let include = "include = ['services/*/procgroup.toml']\n";
        for (top, group) in [
            (include.to_owned(), "procgroup.toml"),
            (SERVICE.to_owned(), "services/api/procgroup.toml"),
            ("include = ['services/web/procgroup.toml']\n".to_owned(), "services/api/procgroup.toml"),
            // Broken behind it, broken itself, and broken elsewhere.
            (format!("{include}[services"), "procgroup.toml"),
            ("include = ['services/*/proc\n".to_owned(), "procgroup.toml"),
            ("[services]\nx = = 1\n".to_owned(), "services/api/procgroup.toml"),
        ] {
            let (_folder, root) = folder_with(&[("procgroup.toml", &top), ("services/api/procgroup.toml", SERVICE)]);
            fs::create_dir_all(root.join("services/api/src")).unwrap();
            for from in ["services/api", "services/api/src"] {
                let found = find(&root.join(from), |_| Ok(Owners::Any)).unwrap();
                assert_eq!(found, Found { file: root.join(group), unread: Vec::new() }, "{top}");
            }
            assert_eq!(find_nearest(&root.join("services/api")), Some(root.join("services/api/procgroup.toml")));
        }
    }

    #[test]
    fn a_file_in_between_does_not_hide_the_one_that_includes() {
        let (_folder, root) = folder_with(&[
            ("procgroup.toml", "include = ['services/*/procgroup.toml']\n"),
            ("services/procgroup.toml", SERVICE),
            ("services/api/procgroup.toml", SERVICE),
        ]);
        let find = |from: &str| find(&root.join(from), |_| Ok(Owners::Any)).unwrap().file;
        assert_eq!(find("services/api"), root.join("procgroup.toml"));
        assert_eq!(find("services"), root.join("services/procgroup.toml"));
    }

    #[test]
    fn the_local_file_may_include_and_may_cease_to() {
        let (_folder, root) = folder_with(&[
            ("procgroup.toml", SERVICE),
            ("procgroup.local.toml", "include = ['a/procgroup.toml']\n"),
            ("a/procgroup.toml", SERVICE),
        ]);
        let find = || find(&root.join("a"), |_| Ok(Owners::Any)).unwrap().file;
        assert_eq!(find(), root.join("procgroup.toml"));
        fs::write(root.join("procgroup.toml"), "include = ['a/procgroup.toml']\n").unwrap();
        fs::write(root.join("procgroup.local.toml"), "include = []\n").unwrap();
        assert_eq!(find(), root.join("a/procgroup.toml"));
    }

    #[test]
    fn the_file_of_another_user_is_not_read_and_that_is_known() {
        let (_folder, root) =
            folder_with(&[("procgroup.toml", "include = ['a/procgroup.toml']\n"), ("a/procgroup.toml", SERVICE)]);
        let top = root.join("procgroup.toml");
        let foreign = Foreign::new(top.clone(), 61_234);
        let found =
            find(&root.join("a"), |file| if file == top { Err(foreign.clone()) } else { Ok(Owners::Any) }).unwrap();
        assert_eq!(found, Found { file: root.join("a/procgroup.toml"), unread: vec![foreign.clone()] });
    }
}
