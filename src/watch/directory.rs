//! What is on disk: the entries of a folder, and the stamp of a file.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::Path;
use std::time::SystemTime;

/// An entry of a folder.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: OsString,
    pub(super) kind: FoundKind,
}

/// What an entry is. Links are not followed: a link to a folder is a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoundKind {
    /// With its inode, to tell a folder that was replaced.
    Folder { inode: u64 },
    /// A regular file or a link.
    File,
    /// A pipe, a socket, a device: nothing that has content.
    Other,
}

/// Lists a folder; no entry is asked for more than the listing tells (`d_type`), where the file system tells it.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(kind) = entry.file_type() else { continue };
        let kind = if kind.is_dir() {
            FoundKind::Folder { inode: entry.ino() }
        } else if kind.is_file() || kind.is_symlink() {
            FoundKind::File
        } else {
            FoundKind::Other
        };
        found.push(Found { name: entry.file_name(), kind });
    }
    Ok(found)
}

/// What tells two states of a file apart without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    /// Last change of the content: seconds and nanoseconds.
    modified: (i64, i64),
    /// Last change of anything, which no program can set.
    changed: (i64, i64),
    inode: u64,
}

impl Stamp {
    pub(super) fn inode(&self) -> u64 {
        self.inode
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether nothing says that the content is another one.
    pub(super) fn is_same_content(&self, other: &Self) -> bool {
        (self.size, self.modified, self.inode) == (other.size, other.modified, other.inode)
    }

    /// Whether the file system keeps whole seconds only, as far as this stamp tells.
    pub(super) fn is_coarse(&self) -> bool {
        self.modified.1 == 0 && self.changed.1 == 0
    }

    /// Whether anything of the file was changed after that moment. The time of the content does not count: programs set it,
    /// also to one that has not come yet.
    pub(super) fn is_changed_after(&self, moment: SystemTime) -> bool {
        self.changed > since_epoch(moment)
    }

    /// Whether anything of the file was changed at that moment or later.
    pub(super) fn is_changed_since(&self, moment: SystemTime) -> bool {
        self.changed >= since_epoch(moment)
    }

    /// Whether the content was changed at that moment or later, unless a program has set its time back since.
    pub(super) fn is_written_since(&self, moment: SystemTime) -> bool {
        self.modified.min(self.changed) >= since_epoch(moment)
    }
}

fn since_epoch(moment: SystemTime) -> (i64, i64) {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), i64::from(since.subsec_nanos()))
}

/// A file as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) stamp: Stamp,
    /// It can be open for writing and half written: a regular file, neither a link nor a second name of one.
    pub(super) may_be_half_written: bool,
    /// It holds nothing.
    pub(super) is_empty: bool,
    /// A symbolic link.
    pub(super) is_link: bool,
}

impl Seen {
    pub(super) fn new(metadata: &Metadata) -> Self {
        Self {
            stamp: Stamp {
                size: metadata.size(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
                inode: metadata.ino(),
            },
            may_be_half_written: metadata.is_file() && metadata.nlink() <= 1,
            is_empty: metadata.size() == 0,
            is_link: metadata.is_symlink(),
        }
    }
}

/// What is at a path now; `None` if nothing is, or nothing that can be seen. Links are not followed.
pub(super) fn at(path: &Path) -> Option<(FoundKind, Seen)> {
    fs::symlink_metadata(path).ok().map(|metadata| kind_and_stamp(&metadata))
}

/// What is at a path, or behind the link that is.
pub(super) fn behind(path: &Path) -> Option<(FoundKind, Seen)> {
    fs::metadata(path).ok().map(|metadata| kind_and_stamp(&metadata))
}

/// What tells a folder from every other one: its file system and its inode. Links are followed.
pub(super) fn identity(folder: &Path) -> Option<(u64, u64)> {
    fs::metadata(folder).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn kind_and_stamp(metadata: &Metadata) -> (FoundKind, Seen) {
    let kind = if metadata.is_dir() {
        FoundKind::Folder { inode: metadata.ino() }
    } else if metadata.is_file() || metadata.is_symlink() {
        FoundKind::File
    } else {
        FoundKind::Other
    };
    (kind, Seen::new(metadata))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::time_of_a_write;

    /// What is lost here is a change that nobody acts on.
    #[test]
    fn a_file_is_never_older_than_the_moment_before_its_write() {
        let folder = tempfile::tempdir().expect("a folder");
        for n in 0..200 {
            let before = time_of_a_write();
            let path = folder.path().join(n.to_string());
            fs::write(&path, "new").expect("written");
            let (_, seen) = at(&path).expect("there");
            assert!(seen.stamp.is_written_since(before), "{seen:?} {before:?}");
            assert!(seen.stamp.is_changed_since(before), "{seen:?} {before:?}");
        }
    }
}
