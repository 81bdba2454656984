//! What the watcher finds when it compares files with what they were, and what it sees of git.

use std::sync::Arc;

use super::{Moment, ServiceName};

/// A service whose files are compared with what they were when it last started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReader {
    /// Its name.
    pub service: ServiceName,
    /// When its process began, which has the values of `env_file` since then.
    pub began: Moment,
    /// Until when its run may have read its files. What a file held for a moment until then is perhaps what runs: such a
    /// file differs, also if it holds again what it held at the start.
    pub until: Moment,
}

/// The answer to the question which files differ from what they were when a service last started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Number of the question that this answers.
    pub ask: u64,
    /// Those that were asked about. Of one that is missing nothing is known.
    pub services: Vec<(ServiceName, Difference)>,
}

/// The files of one service that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Which; in the order in which they first changed.
    pub files: Vec<Differs>,
    /// How many more there may be: too many were changed to follow each of them.
    pub more: usize,
}

impl Difference {
    /// Files that are named; of more, only the number.
    pub const NAMED: usize = 10_000;

    /// Whether no file differs.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.more == 0
    }
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    /// As in [`FileEvent::path`](super::FileEvent::path).
    pub path: Arc<str>,
    /// When it first changed since the service started.
    pub first_at: Moment,
    /// When it last changed.
    pub last_at: Moment,
    /// It was not there before.
    pub is_new: bool,
}

/// What git does to a tree, as seen from outside: git itself is never run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitWork {
    /// The folder that the repository's tree begins at, as in [`FileEvent::path`](super::FileEvent::path); empty if the
    /// group's root lies in it.
    pub tree: Arc<str>,
    /// When the last of this was.
    pub at: Moment,
    /// What `index.lock` did, if it did something.
    pub lock: Option<GitLock>,
    /// What the index of a stash did, if it did something: beside it git brings untracked files back, and when it is gone
    /// removes them, without the lock.
    pub stash: Option<GitLock>,
    /// It works step by step (a rebase, a sequence of picks): the next lock may follow soon.
    pub in_steps: bool,
    /// What git has written into the log of `HEAD` since the lock was taken: `checkout: moving from main to feat`.
    pub label: Option<Arc<str>>,
}

/// When `index.lock`, or the index of a stash, was there. Git writes the files of a tree between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GitLock {
    /// When it was made.
    pub since: Moment,
    /// When it was removed; `None`: it is there.
    pub until: Option<Moment>,
}

/// Whether a path lies in a tree that is written as in [`GitWork::tree`].
pub fn covers(tree: &str, path: &str) -> bool {
    match tree {
        "" => !path.starts_with('/'),
        _ => path.strip_prefix(tree).is_some_and(|rest| rest.starts_with('/')),
    }
}
