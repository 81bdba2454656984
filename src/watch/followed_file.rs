//! Whether a file was written, however its editor does that, and also through a symbolic link.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::directory::{Seen, Stamp};
use super::pending::EventFlags;

/// A file, as it was when it was last reported.
#[derive(Debug)]
pub(super) struct FollowedFile {
    path: PathBuf,
    /// Where it really is, if that is elsewhere.
    target: Option<PathBuf>,
    stamp: Option<Stamp>,
    /// We may not read it. The stamp of a change of permissions may be the one before, within the grain of its clock.
    unreadable: bool,
}

impl FollowedFile {
    /// The file as it is now, which is not news.
    pub(super) fn new(path: &Path) -> Self {
        let mut file = Self::unseen(path);
        file.unreadable = file.is_unreadable();
        file.stamp = file.read_stamp().map(|seen| seen.stamp);
        file
    }

    /// A file that is news if it is there.
    pub(super) fn unseen(path: &Path) -> Self {
        let mut file = Self { path: path.to_path_buf(), target: None, stamp: None, unreadable: false };
        file.follow();
        file
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where its content is: behind the link, if it is one.
    pub(super) fn content(&self) -> &Path {
        self.target.as_deref().unwrap_or(&self.path)
    }

    /// It was there when it was last reported.
    pub(super) fn is_there(&self) -> bool {
        self.stamp.is_some()
    }

    /// We may not read it, now.
    pub(super) fn is_unreadable(&self) -> bool {
        access(&self.path, Access::READ_OK) == Err(Errno::ACCESS)
    }

    /// Its content was written at that moment or later.
    pub(super) fn is_written_since(&self, moment: SystemTime) -> bool {
        self.stamp.is_some_and(|stamp| stamp.is_written_since(moment))
    }

    /// The folders in which something may happen to it.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.path), self.target.as_ref()].into_iter().flatten().filter_map(|path| path.parent())
    }

    /// Whether something that happened at `path` happened to it.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.path == path || self.target.as_deref() == Some(path)
    }

    /// Whether it is complete and another than before, or gone.
    pub(super) fn was_written(&mut self, flags: EventFlags) -> bool {
        let unreadable = self.is_unreadable();
        let Some(seen) = self.read_stamp() else {
            return self.stamp.take().is_some();
        };
        let is_same = self.stamp == Some(seen.stamp) && self.unreadable == unreadable;
        let being_written = flags.written && !flags.closed && !flags.moved_in;
        if is_same || being_written || seen.is_empty && !flags.closed {
            return false;
        }
        (self.stamp, self.unreadable) = (Some(seen.stamp), unreadable);
        true
    }

    /// Finds out anew where it really is. Whether that has changed.
    pub(super) fn follow(&mut self) -> bool {
        let target = self.real_path().filter(|target| *target != self.path);
        let before = std::mem::replace(&mut self.target, target);
        before != self.target
    }

    /// Where it really is. What lies below its folder is spelt as that is: when the root itself is reached through a
    /// link, the operating system has but one watch for both spellings and would report under the other one.
    fn real_path(&self) -> Option<PathBuf> {
        let folder = self.path.parent()?;
        let target = fs::canonicalize(&self.path).ok()?;
        match target.strip_prefix(fs::canonicalize(folder).ok()?) {
            Ok(below) => Some(folder.join(below)),
            Err(_) => Some(target),
        }
    }

    fn read_stamp(&self) -> Option<Seen> {
        // What is written into a pipe is no change of it.
        fs::metadata(&self.path).ok().filter(Metadata::is_file).map(|metadata| Seen::new(&metadata))
    }
}
