//! Whose file it is. What others wrote is not run only because it lies in a folder above: as with git's repositories, the
//! user has to say so.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::Diagnostic;
use super::load::{self, Loaded};
use super::preferences::preferences_file;
use super::syntax;
use crate::domain::visible_path;

/// A file that is somebody else's, neither ours nor root's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The file, or the link to it.
    path: PathBuf,
    /// The user whose it is.
    owner: u32,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = if self.path.is_symlink() { "the link " } else { "" };
        write!(f, "{link}{} belongs to {}", visible_path(&self.path), user_shown(self.owner))
    }
}

/// Says whose a file is that was found and not named, if it is not to be run: it belongs to somebody else, who is not the
/// one that `sudo` was called by, and its folder is not one of those that the user's own file trusts.
pub fn distrusted(file: &Path, variable: impl Fn(&str) -> Option<PathBuf>) -> Option<Foreign> {
    let is_ours = |owner: u32| is_ours(owner, geteuid().as_raw(), caller(&variable));
    let foreign = foreign(file, is_ours)?;
    let folder = file.parent().and_then(|folder| fs::canonicalize(folder).ok());
    let trusts = |trusted: &PathBuf| {
        let trusted = fs::canonicalize(trusted);
        trusted.is_ok_and(|trusted| folder.as_ref().is_some_and(|folder| folder.starts_with(trusted)))
    };
    // Nobody else may say whom we trust.
    let own_file = preferences_file(&variable).filter(|own| foreign_owner(own, is_ours).is_none());
    let trusted = own_file.map(|own| trusted_folders(&own, variable("HOME").as_deref())).unwrap_or_default();
    (!trusted.iter().any(trusts)).then_some(foreign)
}

/// The user by whom `sudo` was called, if we run by that.
fn caller(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<u32> {
    variable("SUDO_UID")?.to_str()?.parse().ok()
}

/// Whether what belongs to this user is as good as our own. `caller`: by whom root was called.
fn is_ours(owner: u32, user: u32, caller: Option<u32>) -> bool {
    owner == user || owner == 0 || (user == 0 && Some(owner) == caller)
}

/// Who else's the file is, or the link that leads to it.
fn foreign(file: &Path, is_ours: impl Fn(u32) -> bool) -> Option<Foreign> {
    foreign_owner(file, is_ours).map(|(path, owner)| Foreign { path, owner })
}

fn foreign_owner(file: &Path, is_ours: impl Fn(u32) -> bool) -> Option<(PathBuf, u32)> {
    let link = file.symlink_metadata().ok().map(|found| (file.to_owned(), found.uid()));
    let target = fs::canonicalize(file).ok().and_then(|target| {
        let owner = target.metadata().ok()?.uid();
        Some((target, owner))
    });
    link.into_iter().chain(target).find(|(_, owner)| !is_ours(*owner))
}

/// The folders of `trusted` in the user's own file; what else is in it is read elsewhere, and what is wrong said there.
fn trusted_folders(file: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    let Ok(text) = load::read(file) else { return Vec::new() };
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
fn user_shown(user: u32) -> String {
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

/// Whether a group may have another member than this user and root. One that the machine itself does not know may.
fn has_others(group: u32, user: u32, users: &str, groups: &str) -> bool {
    let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let number = |fields: &[String], at: usize| fields.get(at).and_then(|field| field.parse::<u32>().ok());
    let users: Vec<Vec<String>> = users.lines().map(fields).collect();
    let is_other = |fields: &Vec<String>| number(fields, 2).is_none_or(|other| other != user && other != 0);
    if users.iter().any(|fields| number(fields, 3) == Some(group) && is_other(fields)) {
        return true;
    }
    let Some(group) = groups.lines().map(fields).find(|fields| number(fields, 2) == Some(group)) else { return true };
    let members = group.get(3).map(String::as_str).unwrap_or_default();
    let by_name = |name: &str| users.iter().find(|fields| fields.first().is_some_and(|known| known == name));
    members.split(',').filter(|name| !name.is_empty()).any(|name| by_name(name).is_none_or(is_other))
}

/// Who else may write here, and what to do about it. In a folder with the sticky bit, nobody but its owner can put another
/// file in the place of one.
fn other_writer(path: &Path, is_ours: impl Fn(u32) -> bool) -> Option<(String, String)> {
    let found = path.metadata().ok()?;
    if !is_ours(found.uid()) {
        return Some((user_shown(found.uid()), format!("who may write it: ls -ld {}", visible_path(path))));
    }
    if found.is_dir() && found.mode() & 0o1000 != 0 {
        return None;
    }
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let group = found.mode() & 0o020 != 0
        && has_others(found.gid(), geteuid().as_raw(), &read("/etc/passwd"), &read("/etc/group"));
    let (who, mode) = match (group, found.mode() & 0o002 != 0) {
        (false, false) => return None,
        (true, false) => ("its group", "g-w"),
        (false, true) => ("everybody", "o-w"),
        (true, true) => ("everybody", "go-w"),
    };
    Some((who.into(), format!("chmod {mode} {}", visible_path(path))))
}

impl Loaded {
    /// Warns of a file, or a folder of it, that others can write: what they put there is run as the user.
    pub fn warn_writable(&mut self, variable: impl Fn(&str) -> Option<PathBuf>) {
        let is_ours = |owner| is_ours(owner, geteuid().as_raw(), caller(&variable));
        let file = self.spec.file.clone();
        let target = fs::canonicalize(&file).ok();
        let folders = [file.parent(), target.as_deref().and_then(Path::parent)];
        let mut places: Vec<&Path> = [Some(file.as_path())].into_iter().chain(folders).flatten().collect();
        places.dedup();
        for place in places {
            let Some((who, help)) = other_writer(place, is_ours) else { continue };
            let (what, name) = match place.is_dir() {
                true => ("the folder ", visible_path(place)),
                false => ("", visible_path(file.file_name().unwrap_or(file.as_os_str()))),
            };
            let problem = format!("{what}`{name}` can be written by {who}: what stands there then is run as you");
            self.warnings.extend(vec![Diagnostic::warning("writable", problem).help(help)]);
        }
    }
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
    fn a_link_and_its_target_are_both_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(foreign(&link, |_| true), None);
        let not_ours = foreign(&link, |_| false).unwrap();
        assert_eq!(not_ours.path, link);
        assert!(not_ours.to_string().starts_with("the link "), "{not_ours}");
        assert_eq!(foreign(&folder.path().join("nothing"), |_| false), None);
    }

    #[test]
    fn trusted_folders_are_absolute_or_below_home() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, "trusted = [\"/w\", \"~/a\", \"~\", \"b\", 1]\n").unwrap();
        let home = Some(Path::new("/h"));
        assert_eq!(trusted_folders(&file, home), ["/w", "/h/a", "/h/"].map(PathBuf::from));
        fs::write(&file, "trusted = \"/\"\n").unwrap();
        assert!(trusted_folders(&file, home).is_empty());
    }

    #[test]
    fn a_group_of_one_s_own_has_no_others() {
        let users = "root:x:0:0::/:\nann:x:7:7::/:\nbob:x:8:8::/:\ncy:x:9:100::/:\n";
        let groups = "root:x:0:\nann:x:7:\ndev:x:50:ann,bob\nown:x:51:ann,root\nodd:x:52:gone\nusers:x:100:\n";
        let table = [(7, false), (8, true), (50, true), (51, false), (52, true), (99, true), (100, true), (0, false)];
        for (group, others) in table {
            assert_eq!(has_others(group, 7, users, groups), others, "{group}");
        }
    }
}
