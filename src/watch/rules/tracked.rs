//! What git tracks, from the index of a repository: no pattern of git's takes that out.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use super::git_index::{Entry, EntryKind, Index};
use crate::watch::git::not_read;

/// The names of all tracked files, relative to the top of the repository, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tracked {
    names: Vec<u8>,
    /// Where each name ends in `names`.
    ends: Vec<u32>,
    /// Those that are repositories themselves: submodules.
    modules: Vec<Box<[u8]>>,
    /// Of the index that it was read from.
    stamp: Option<Stamp>,
    /// Why the index is not read, in a sentence.
    pub(super) problem: Option<String>,
}

/// What tells two states of the index apart: git never writes into the file, it renames a new one into its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        Self {
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
            inode: found.ino(),
        }
    }
}

impl Tracked {
    /// Reads the index of a repository; `before` is the answer again if the file is the same. Without an index, or with one
    /// that cannot be read, nothing is tracked, and git's patterns decide alone.
    pub(super) fn read(git_dir: &Path, sha256: bool, before: Option<&Arc<Self>>) -> Arc<Self> {
        let file = git_dir.join("index");
        let stamp = fs::metadata(&file).ok().map(|found| Stamp::of(&found));
        if let Some(before) = before
            && before.stamp == stamp
        {
            return Arc::clone(before);
        }
        let mut tracked = match Index::open(&file, sha256).and_then(|index| index.complete(git_dir, sha256)) {
            Ok(index) => Self::from(index),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    let lost = "tracked files that are ignored are not watched";
                    let problem = format!("{}: {lost}", not_read(&file, error));
                    Self { problem: Some(problem), ..Self::default() }
                } else {
                    Self::default()
                }
            }
        };
        tracked.stamp = stamp;
        Arc::new(tracked)
    }

    /// Whether the same files are tracked.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.ends == other.ends && self.names == other.names && self.modules == other.modules
    }

    /// Whether a file is tracked, or a folder is a submodule.
    pub(super) fn has(&self, name: &[u8], is_dir: bool) -> bool {
        if is_dir {
            return self.modules.iter().any(|module| **module == *name);
        }
        self.name(self.first_from(name)) == Some(name)
    }

    /// Whether something in a folder, or below, is tracked; a submodule is.
    pub(super) fn has_below(&self, folder: &[u8]) -> bool {
        if self.has(folder, true) {
            return true;
        }
        let prefix = [folder, b"/"].concat();
        self.name(self.first_from(&prefix)).is_some_and(|name| name.starts_with(&prefix))
    }

    /// The place of the first name that is not before this one.
    fn first_from(&self, wanted: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.name(middle).is_some_and(|name| name < wanted) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn name(&self, place: usize) -> Option<&[u8]> {
        let end = usize::try_from(*self.ends.get(place)?).ok()?;
        let begin = match place.checked_sub(1) {
            Some(before) => usize::try_from(*self.ends.get(before)?).ok()?,
            None => 0,
        };
        self.names.get(begin..end)
    }
}

impl From<Index> for Tracked {
    fn from(index: Index) -> Self {
        let mut entries = index.entries;
        if !entries.is_sorted() {
            entries.sort_unstable();
        }
        // One for each stage of a conflict.
        entries.dedup();
        let mut tracked = Self::default();
        for Entry { name, kind } in entries {
            if kind == EntryKind::Module {
                tracked.modules.push(name.as_slice().into());
            }
            tracked.names.extend(name);
            // The file is smaller than that.
            tracked.ends.push(u32::try_from(tracked.names.len()).unwrap_or(u32::MAX));
        }
        tracked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracked(names: &[&str], modules: &[&str]) -> Tracked {
        let entry = |kind| move |name: &&str| Entry { name: name.as_bytes().to_vec(), kind };
        let files = names.iter().map(entry(EntryKind::File));
        let entries = files.chain(modules.iter().map(entry(EntryKind::Module))).collect();
        Tracked::from(Index { entries, shared: None })
    }

    #[test]
    fn files_and_what_is_above_them_are_found() {
        let tracked = tracked(&["a.c", "a/b", "a/b", "ab/c/d", "z"], &["lib/module"]);
        for file in ["a.c", "a/b", "ab/c/d", "z"] {
            assert!(tracked.has(file.as_bytes(), false), "{file}");
        }
        for file in ["", "a", "a/", "ab/c", "zz", "lib"] {
            assert!(!tracked.has(file.as_bytes(), false), "{file}");
        }
        for folder in ["a", "ab", "ab/c", "lib", "lib/module"] {
            assert!(tracked.has_below(folder.as_bytes()), "{folder}");
        }
        for folder in ["a.c", "b", "z", "lib/module/src"] {
            assert!(!tracked.has_below(folder.as_bytes()), "{folder}");
        }
        assert!(tracked.has(b"lib/module", true) && !tracked.has(b"lib", true));
    }
}
