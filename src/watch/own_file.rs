//! Whether the group's own file was written, however its editor does that, and also through a symbolic link.

use std::fs;
use std::path::{Path, PathBuf};

use super::directory::{Seen, Stamp};
use super::pending::EventFlags;

/// `procgroup.toml`, as it was when it was last reported.
#[derive(Debug)]
pub(super) struct OwnFile {
    path: PathBuf,
    /// Where it really is, if that is elsewhere.
    target: Option<PathBuf>,
    stamp: Option<Stamp>,
}

impl OwnFile {
    /// The file as it is now, which is not news.
    pub(super) fn new(path: &Path) -> Self {
        let mut file = Self { path: path.to_path_buf(), target: None, stamp: None };
        file.follow();
        file.stamp = file.read_stamp().map(|seen| seen.stamp);
        file
    }

    /// The file's path.
    pub(super) fn path(&self) -> &Path {
        &self.path
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
        let Some(seen) = self.read_stamp() else {
            return self.stamp.take().is_some();
        };
        let being_written = flags.written && !flags.closed && !flags.moved_in;
        if self.stamp == Some(seen.stamp) || being_written || seen.is_empty && !flags.closed {
            return false;
        }
        self.stamp = Some(seen.stamp);
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
        fs::metadata(&self.path).ok().map(|metadata| Seen::new(&metadata))
    }
}
