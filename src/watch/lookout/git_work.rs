//! Git at work, as its files tell it: the lock of the index, the log of the head, the folders of operations that go step by
//! step. Git itself is never run.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Lookout;
use crate::domain::{GitWork, Moment, WatchReport};
use crate::watch::directory::{self, Stamp};
use crate::watch::git::Repository;
use crate::watch::pending::{Marks, Noted};

/// The repositories of the tree, by the folder that has their index.
#[derive(Debug, Default)]
pub(super) struct Repositories {
    known: HashMap<PathBuf, Known>,
    /// The folders of their logs, and whose.
    logs: HashMap<PathBuf, PathBuf>,
}

#[derive(Debug)]
struct Known {
    /// As in [`GitWork::tree`].
    tree: Arc<str>,
    locked: bool,
    /// The log of the head, as it was when it was last read.
    log: Option<Stamp>,
}

/// What a batch says about the repositories.
pub(super) type Said = BTreeMap<PathBuf, (Marks, Moment)>;

impl Repositories {
    /// The folders whose events matter.
    pub(super) fn folders(&self) -> impl Iterator<Item = PathBuf> + use<'_> {
        self.known.keys().chain(self.logs.keys()).cloned()
    }

    /// Whether what was noted is about the inside of a repository; what matters is added to `said`.
    pub(super) fn notes(&self, Noted { path, marks, at }: &Noted, said: &mut Said) -> bool {
        if self.known.contains_key(path) || self.logs.contains_key(path) {
            return true;
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
        let (git_dir, marks) = if self.known.contains_key(folder) {
            // Other files come and go with every operation, and say nothing by that.
            (folder, if name == "index.lock" { *marks } else { return true })
        } else if let Some(git_dir) = self.logs.get(folder) {
            (git_dir.as_path(), if name == "HEAD" { Marks::default() } else { return true })
        } else {
            return false;
        };
        let (known, last) = said.entry(git_dir.to_path_buf()).or_default();
        known.join(marks);
        *last = (*last).max(*at);
        true
    }
}

impl Lookout {
    /// Finds the repositories that there are now.
    pub(super) fn find_repositories(&mut self) {
        let mut before = std::mem::take(&mut self.repositories);
        let at = self.clock.now();
        let mut new = Vec::new();
        for repository in self.rules.repositories() {
            let git_dir = repository.git_dir.clone();
            let known = before.known.remove(&git_dir).unwrap_or_else(|| {
                new.push(git_dir.clone());
                let in_it = self.rules.root().starts_with(&repository.top);
                let tree = if in_it { "".into() } else { self.rules.shown(&repository.top) };
                Known { tree, locked: false, log: stamp_of_log(&git_dir) }
            });
            let [_, logs] = repository.head_folders();
            self.repositories.logs.insert(logs, git_dir.clone());
            self.repositories.known.insert(git_dir, known);
        }
        // It may be at work already.
        let new = new.into_iter().filter(|git_dir| is_locked(git_dir));
        let said: Said = new.map(|git_dir| (git_dir, (Marks { created: true, ..Marks::default() }, at))).collect();
        self.tell_git_work(said);
    }

    /// Events were lost: looks at all of them.
    pub(super) fn look_at_repositories(&mut self, said: &mut Said) {
        let at = self.clock.now();
        for (git_dir, known) in &self.repositories.known {
            if is_locked(git_dir) != known.locked || stamp_of_log(git_dir) != known.log {
                said.entry(git_dir.clone()).or_insert((Marks::default(), at));
            }
        }
    }

    /// Reports what was said about them.
    pub(super) fn tell_git_work(&mut self, said: Said) {
        for (git_dir, (marks, at)) in said {
            let Some(known) = self.repositories.known.get_mut(&git_dir) else { continue };
            let locked = is_locked(&git_dir);
            let log = stamp_of_log(&git_dir);
            let label = if log == known.log { None } else { last_line_of_log(&git_dir) };
            let was_locked = std::mem::replace(&mut known.locked, locked);
            known.log = log;
            let in_steps = ["rebase-merge", "rebase-apply", "sequencer"].iter().any(|name| git_dir.join(name).exists());
            let work = GitWork { tree: Arc::clone(&known.tree), at, locked, in_steps, label };
            let taken = marks.created || marks.moved_in;
            if locked && (marks.removed || marks.moved_out) {
                // Released and taken again.
                self.outbox.push(WatchReport::Git(GitWork { locked: false, ..work.clone() }));
            }
            if locked || was_locked || taken || work.label.is_some() {
                self.outbox.push(WatchReport::Git(work));
            }
        }
    }
}

fn is_locked(git_dir: &Path) -> bool {
    directory::at(&git_dir.join("index.lock")).is_some()
}

fn stamp_of_log(git_dir: &Path) -> Option<Stamp> {
    directory::at(&git_dir.join("logs").join("HEAD")).map(|(_, seen)| seen.stamp)
}

/// What git has written last: `checkout: moving from main to feat`.
fn last_line_of_log(git_dir: &Path) -> Option<Arc<str>> {
    Repository::last_action(&fs::File::open(git_dir.join("logs").join("HEAD")).ok()?)
}
