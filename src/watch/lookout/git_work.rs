//! Git at work, as its files tell it: the lock of the index, the log of the head, the folders of operations that go step by
//! step. Git itself is never run.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Lookout;
use crate::domain::{GitLock, GitWork, Moment, WatchReport};
use crate::watch::directory::{self, Stamp};
use crate::watch::git::Repository;
use crate::watch::pending::{Marks, Noted};

/// The repositories of the tree, by the folder that has their index.
#[derive(Debug, Default)]
pub(super) struct Repositories {
    known: HashMap<PathBuf, Known>,
    /// The folders of their logs, and whose.
    logs: HashMap<PathBuf, PathBuf>,
    /// When the watcher's thread last took something in.
    last: Moment,
}

#[derive(Debug)]
struct Known {
    /// As in [`GitWork::tree`].
    tree: Arc<str>,
    /// Since when the lock is taken, as far as was said until now.
    locked: Option<Moment>,
    /// When it was last released.
    released: Moment,
    /// The log of the head, as it was when it was last read.
    log: Option<Stamp>,
}

/// What a batch says about the repositories.
pub(super) type Said = BTreeMap<PathBuf, News>;

/// What a batch says about one of them.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Of the last of it.
    at: Moment,
    /// What was said about its lock.
    lock: Option<Lock>,
    /// The index of a stash came or went, last at this moment.
    stashed: Option<Moment>,
}

#[derive(Clone, Copy, Debug)]
struct Lock {
    marks: Marks,
    /// Of the first event.
    since: Moment,
    /// Of the last.
    until: Moment,
}

impl Repositories {
    /// The folders whose events matter.
    pub(super) fn folders(&self) -> impl Iterator<Item = PathBuf> + use<'_> {
        self.known.keys().chain(self.logs.keys()).cloned()
    }

    /// Whether what was noted is about the inside of a repository; what matters is added to `said`.
    pub(super) fn notes(&self, Noted { path, marks, since, at }: &Noted, said: &mut Said) -> bool {
        if self.known.contains_key(path) || self.logs.contains_key(path) {
            return true;
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
        let (mut lock, mut stashed) = (None, None);
        let git_dir = if self.known.contains_key(folder) {
            // Other files come and go with every operation, and say nothing by that.
            match name.as_encoded_bytes() {
                b"index.lock" => lock = Some(Lock { marks: *marks, since: *since, until: *at }),
                name if name.starts_with(b"index.stash.") => stashed = Some(*at),
                _ => return true,
            }
            folder
        } else if let Some(git_dir) = self.logs.get(folder) {
            if name != "HEAD" {
                return true;
            }
            git_dir
        } else {
            return false;
        };
        let news = said.entry(git_dir.to_path_buf()).or_default();
        news.at = news.at.max(*at);
        news.lock = lock.or(news.lock);
        news.stashed = news.stashed.max(stashed);
        true
    }

    /// All that was said until now is known.
    pub(super) fn up_to(&mut self, now: Moment) {
        self.last = now;
    }
}

impl Known {
    /// What the lock did, if it did something; `there`: it is there now, which events to come will tell as well. By events,
    /// because the disk is ahead of them, and only what they say is in one order with what they say of the tree.
    fn follow(&mut self, Lock { marks, since, until }: Lock, there: bool) -> Vec<GitLock> {
        let (came, went) = (marks.created || marks.moved_in, marks.removed || marks.moved_out);
        let locked = match (came, went) {
            (true, true) => there,
            (true, false) => true,
            (false, true) => false,
            (false, false) => self.locked.is_some(),
        };
        let before = self.locked;
        self.locked = match before {
            _ if !locked => None,
            Some(_) if went => Some(until),
            Some(before) => Some(before),
            None => Some(since),
        };
        // An end without a beginning: it was taken when the disk said that it was gone.
        let taken = before.unwrap_or(if came { since } else { self.released });
        let ended = went.then_some(GitLock { since: taken, until: Some(until) });
        if went {
            self.released = until;
        }
        let begun = self.locked.filter(|_| self.locked != before).map(|since| GitLock { since, until: None });
        ended.into_iter().chain(begun).collect()
    }

    /// The same where nothing was said: the disk was looked at, before that last at `last`. What has moved the head since
    /// then has had the lock.
    fn compare(&mut self, there: bool, moved: bool, last: Moment, at: Moment) -> Vec<GitLock> {
        self.released = at;
        let before = self.locked;
        self.locked = there.then(|| before.unwrap_or(at));
        match (before, there) {
            (None, true) => vec![GitLock { since: at, until: None }],
            (Some(since), false) => vec![GitLock { since, until: Some(at) }],
            (None, false) if moved => vec![GitLock { since: last, until: Some(at) }],
            (Some(_), true) | (None, false) => Vec::new(),
        }
    }
}

impl Lookout {
    /// Finds the repositories that there are now.
    pub(super) fn find_repositories(&mut self) {
        let mut before = std::mem::take(&mut self.repositories);
        self.repositories.last = before.last;
        let at = self.clock.now();
        let mut new = Vec::new();
        for repository in self.rules.repositories() {
            let git_dir = repository.git_dir.clone();
            let known = before.known.remove(&git_dir).unwrap_or_else(|| {
                new.push(git_dir.clone());
                let in_it = self.rules.root().starts_with(&repository.top);
                let tree = if in_it { "".into() } else { self.rules.shown(&repository.top) };
                Known { tree, locked: None, released: at, log: stamp_of_log(&git_dir) }
            });
            let [_, logs] = repository.head_folders();
            self.repositories.logs.insert(logs, git_dir.clone());
            self.repositories.known.insert(git_dir, known);
        }
        // It may be at work already.
        let new = new.into_iter().filter(|git_dir| is_locked(git_dir));
        self.tell_git_work(new.map(|git_dir| (git_dir, News { at, ..News::default() })).collect(), true);
    }

    /// Events were lost: looks at all of them.
    pub(super) fn look_at_repositories(&mut self, at: Moment, said: &mut Said) {
        for (git_dir, known) in &self.repositories.known {
            if is_locked(git_dir) != known.locked.is_some() || stamp_of_log(git_dir) != known.log {
                said.insert(git_dir.clone(), News { at, ..News::default() });
            }
        }
    }

    /// Reports what was said about them, or with `looked` what a look at the disk tells.
    pub(super) fn tell_git_work(&mut self, said: Said, looked: bool) {
        for (git_dir, News { at, lock, stashed }) in said {
            let Some(known) = self.repositories.known.get_mut(&git_dir) else { continue };
            let there = is_locked(&git_dir);
            let log = stamp_of_log(&git_dir);
            let label = if log == known.log { None } else { last_line_of_log(&git_dir) };
            let moved = std::mem::replace(&mut known.log, log) != log;
            let locks = match lock {
                _ if looked => known.compare(there, moved, self.repositories.last, at),
                Some(lock) => known.follow(lock, there),
                None => Vec::new(),
            };
            let in_steps = ["rebase-merge", "rebase-apply", "sequencer"].iter().any(|name| git_dir.join(name).exists());
            let work = GitWork { tree: Arc::clone(&known.tree), at, lock: None, stashed, in_steps, label };
            if locks.is_empty() && (work.stashed.is_some() || work.label.is_some()) {
                self.outbox.push(WatchReport::Git(work));
            } else {
                for lock in locks {
                    self.outbox.push(WatchReport::Git(GitWork { lock: Some(lock), ..work.clone() }));
                }
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
