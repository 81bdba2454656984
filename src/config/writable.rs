//! Who else may write the file of a group, or put another one in its place: what stands there then is run as the user.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::diagnostic::Diagnostic;
use super::load::Loaded;
use super::trust::{caller, is_ours, user_shown};
use crate::domain::visible_path;

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
        return Some((user_shown(found.uid()), format!("check who may write to it: ls -ld {}", visible_path(path))));
    }
    if found.is_dir() && found.mode() & 0o1000 != 0 {
        return None;
    }
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let (users, groups) = (read("/etc/passwd"), read("/etc/group"));
    let has_others = |group| has_others(group, geteuid().as_raw(), &users, &groups);
    let listed = if found.mode() & 0o020 != 0 { access_list(path) } else { None };
    if let Some(list) = &listed {
        // The bits of the group are the most that anybody in the list may do.
        let writer = list.iter().find(|entry| match entry.who {
            Listed::User(user) => entry.writes && !is_ours(user),
            Listed::Group(group) => entry.writes && has_others(group.unwrap_or(found.gid())),
        });
        if let Some(writer) = writer {
            let who = match writer.who {
                Listed::User(user) => user_shown(user),
                Listed::Group(Some(group)) => format!("group {group}"),
                Listed::Group(None) => "its group".into(),
            };
            return Some((format!("{who}, by its access list"), format!("setfacl -b {}", visible_path(path))));
        }
    }
    let group = found.mode() & 0o020 != 0 && listed.is_none() && has_others(found.gid());
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
        let mut places: Vec<(PathBuf, PathBuf)> = Vec::new();
        for file in &self.spec.files {
            let target = fs::canonicalize(file).ok();
            let folders = [file.parent(), target.as_deref().and_then(Path::parent)];
            for place in [Some(file.as_path())].into_iter().chain(folders).flatten() {
                // Several files may share a folder.
                if !places.iter().any(|(known, _)| known == place) {
                    places.push((place.to_owned(), file.clone()));
                }
            }
        }
        for (place, file) in places {
            let Some((who, help)) = other_writer(&place, is_ours) else { continue };
            let (what, name) = match place.is_dir() {
                true => ("the folder ", visible_path(&place).into_owned()),
                false => ("", self.warnings.file_name(&file)),
            };
            let problem = format!("{what}`{name}` is writable by {who}: what they put there runs as you");
            let problem = Diagnostic { file: Some(file), ..Diagnostic::warning("writable", problem).help(help) };
            self.warnings.extend(vec![problem]);
        }
    }
}

/// Whom an entry of an access list is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listed {
    User(u32),
    /// `None`: that of the file.
    Group(Option<u32>),
}

/// An entry of an access list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ListEntry {
    who: Listed,
    writes: bool,
}

/// The access list of a file, if it has one beside its mode.
fn access_list(path: &Path) -> Option<Vec<ListEntry>> {
    /// Far more than people write.
    const MOST: usize = 4096;
    let mut bytes = vec![0; MOST];
    let length = rustix::fs::getxattr(path, "system.posix_acl_access", &mut bytes).ok()?;
    parse_access_list(bytes.get(..length)?)
}

/// Reads a list as Linux keeps it: a version, and for each entry its tag, what it may and whom it is about.
fn parse_access_list(bytes: &[u8]) -> Option<Vec<ListEntry>> {
    const VERSION: [u8; 4] = 2_u32.to_le_bytes();
    const WRITE: u16 = 2;
    let (entries, []) = bytes.strip_prefix(&VERSION)?.as_chunks::<8>() else { return None };
    let entries = entries.iter().filter_map(|[tag, tag_high, may, may_high, id @ ..]| {
        let id = u32::from_le_bytes(*id);
        let who = match u16::from_le_bytes([*tag, *tag_high]) {
            0x02 => Listed::User(id),
            0x04 => Listed::Group(None),
            0x08 => Listed::Group(Some(id)),
            // The owner, the others and the mask: the mode says the same.
            _ => return None,
        };
        Some(ListEntry { who, writes: u16::from_le_bytes([*may, *may_high]) & WRITE != 0 })
    });
    Some(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_one_s_own_has_no_others() {
        let users = "root:x:0:0::/:\nann:x:7:7::/:\nbob:x:8:8::/:\ncy:x:9:100::/:\n";
        let groups = "root:x:0:\nann:x:7:\ndev:x:50:ann,bob\nown:x:51:ann,root\nodd:x:52:gone\nusers:x:100:\n";
        let table = [(7, false), (8, true), (50, true), (51, false), (52, true), (99, true), (100, true), (0, false)];
        for (group, others) in table {
            assert_eq!(has_others(group, 7, users, groups), others, "{group}");
        }
    }

    #[test]
    fn an_access_list_says_who_may_write() {
        let entry =
            |tag: u16, may: u16, id: u32| [&tag.to_le_bytes()[..], &may.to_le_bytes(), &id.to_le_bytes()].concat();
        let list = [(1, 6, u32::MAX), (2, 6, 8), (2, 4, 9), (4, 6, u32::MAX), (8, 2, 50), (16, 6, 0), (32, 4, 0)];
        let bytes = [2_u32.to_le_bytes().to_vec()].into_iter();
        let bytes: Vec<u8> = bytes.chain(list.map(|(tag, may, id)| entry(tag, may, id))).flatten().collect();
        let read = parse_access_list(&bytes).unwrap();
        let wanted = [
            (Listed::User(8), true),
            (Listed::User(9), false),
            (Listed::Group(None), true),
            (Listed::Group(Some(50)), true),
        ];
        assert_eq!(read, wanted.map(|(who, writes)| ListEntry { who, writes }));
        for broken in [&bytes[..7], &bytes[1..], b""] {
            assert_eq!(parse_access_list(broken), None, "{broken:?}");
        }
    }
}
