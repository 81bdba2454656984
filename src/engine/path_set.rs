//! How many different paths, in bounded memory.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::domain::FilesChanged;

/// Different paths: the first by name, the others by hash.
#[derive(Clone, Debug, Default)]
pub(super) struct PathSet {
    first: Option<Arc<str>>,
    last: Option<Arc<str>>,
    hashes: BTreeSet<u64>,
    /// Those that came after the set was full; a path that comes twice then counts twice.
    beyond: usize,
}

impl PathSet {
    /// Paths that are told apart: 160 KB for each service at worst. A branch checkout of a big repository stays below.
    const CAPACITY: usize = 10_000;

    pub(super) fn insert(&mut self, path: &Arc<str>) {
        if self.first.is_none() {
            self.first = Some(Arc::clone(path));
        }
        self.last = Some(Arc::clone(path));
        self.add(hash(path));
    }

    /// Adds paths of which only the number is known.
    pub(super) fn add_unnamed(&mut self, count: usize) {
        if count > 0 {
            self.first.get_or_insert_with(|| "many files".into());
            self.beyond = self.beyond.saturating_add(count);
        }
    }

    /// The path that came last.
    pub(super) fn last(&self) -> Option<&Arc<str>> {
        self.last.as_ref()
    }

    fn add(&mut self, hash: u64) {
        if self.hashes.len() < Self::CAPACITY {
            self.hashes.insert(hash);
        } else if !self.hashes.contains(&hash) {
            self.beyond = self.beyond.saturating_add(1);
        }
    }

    /// Adds all of the other.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        for &hash in &other.hashes {
            self.add(hash);
        }
        self.last = other.last.clone().or(self.last.take());
        self.beyond = self.beyond.saturating_add(other.beyond);
    }

    /// Whether the path is in it. Of a set that was full when it came, this says yes to every path.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.beyond > 0 || self.hashes.contains(&hash(path))
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len().saturating_add(self.beyond)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// For a sentence; `None` if there are none.
    pub(super) fn files(&self) -> Option<FilesChanged> {
        let first = self.first.clone()?;
        Some(FilesChanged { first, more: self.len().saturating_sub(1) })
    }
}

fn hash(path: &str) -> u64 {
    // Without random keys: the same paths give the same counts in every run.
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Arc<str> {
        text.into()
    }

    #[test]
    fn it_counts_different_paths() {
        let mut set = PathSet::default();
        assert!(set.is_empty() && set.files().is_none());
        for text in ["a", "b", "a"] {
            set.insert(&path(text));
        }
        let mut other = PathSet::default();
        other.insert(&path("b"));
        other.insert(&path("c"));
        set.merge(&other);
        assert_eq!(set.files(), Some(FilesChanged { first: path("a"), more: 2 }));
        assert!(set.contains("c") && !set.contains("d"));
    }

    #[test]
    fn beyond_its_capacity_only_the_number_grows() {
        let mut set = PathSet::default();
        for n in 0..PathSet::CAPACITY + 500 {
            set.insert(&path(&n.to_string()));
        }
        assert_eq!(set.len(), PathSet::CAPACITY + 500);
        assert_eq!(set.hashes.len(), PathSet::CAPACITY);
        set.insert(&path("0"));
        assert_eq!(set.len(), PathSet::CAPACITY + 500);
    }
}
