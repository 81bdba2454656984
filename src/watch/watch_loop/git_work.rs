//! Git at work, as its files tell it: the lock of the index, the log of the head, the folders of operations that go step by
//! step. Git itself is never run.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::WatchLoop;
use crate::domain::{GitLock, GitWork, Moment, WatchReport};
use crate::watch::directory::{self, Stamp};
use crate::watch::git::Repository;
use crate::watch::pending::{EventFlags, PathEvent};

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
    /// What is seen of `index.lock`.
    lock: Lock,
    /// The index of a stash.
    stash: Lock,
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
    lock: Option<Told>,
    /// What was said about the index of a stash.
    stash: Option<Told>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    flags: EventFlags,
    /// Of the first event.
    since: Moment,
    /// Of the last.
    until: Moment,
    /// It is there after the last of them.
    there: bool,
}

/// A file that tells by being there.
#[derive(Clone, Copy, Debug, Default)]
struct Lock {
    /// Since when it is there, as far as was said until now.
    there: Option<Moment>,
    /// When it was last removed.
    gone: Moment,
}

impl Repositories {
    /// The folders whose events matter.
    pub(super) fn folders(&self) -> impl Iterator<Item = PathBuf> + use<'_> {
        self.known.keys().chain(self.logs.keys()).cloned()
    }

    /// Whether what was noted is about the inside of a repository; what matters is added to `said`.
    pub(super) fn notes(&self, PathEvent { path, flags, since, at }: &PathEvent, said: &mut Said) -> bool {
        if self.known.contains_key(path) || self.logs.contains_key(path) {
            return true;
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
        let (mut lock, mut stash) = (None, None);
        let git_dir = if self.known.contains_key(folder) {
            let told = || Told { flags: *flags, since: *since, until: *at, there: is_left(*flags, path) };
            // Other files come and go with every operation, and say nothing by that.
            match name.as_encoded_bytes() {
                b"index.lock" => lock = Some(told()),
                name if is_stash(name) => stash = Some(told()),
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
        news.stash = stash.or(news.stash);
        true
    }

    /// All that was said until now is known.
    pub(super) fn up_to(&mut self, now: Moment) {
        self.last = now;
    }
}

impl Lock {
    /// What it did, if it did something. By events, because the disk is ahead of them, and only what they say is in one
    /// order with what they say of the tree.
    fn follow(&mut self, Told { flags, since, until, there }: Told) -> Vec<GitLock> {
        let (came, went) = (flags.created || flags.moved_in, flags.removed || flags.moved_out);
        let before = self.there;
        self.there = match (came, went) {
            (true, true) => there.then_some(until),
            (true, false) => Some(since),
            (false, true) => None,
            (false, false) => before,
        };
        // An end without a beginning: it came when the disk said that it was gone.
        let began = before.or(came.then_some(since)).unwrap_or(self.gone);
        let ended = match (came, went) {
            (_, true) => Some(GitLock { since: began, until: Some(until) }),
            // Another one, in place of what was left behind.
            (true, false) => before.map(|began| GitLock { since: began, until: Some(since) }),
            (false, false) => None,
        };
        self.gone = ended.and_then(|ended| ended.until).unwrap_or(self.gone);
        let begun = self.there.filter(|_| came).map(|since| GitLock { since, until: None });
        ended.into_iter().chain(begun).collect()
    }

    /// The same where nothing was said: the disk was looked at, before that last at `last`. What has moved the head since
    /// then has had the lock.
    fn compare(&mut self, there: bool, moved: bool, last: Moment, at: Moment) -> Vec<GitLock> {
        self.gone = at;
        let before = self.there;
        self.there = there.then(|| before.unwrap_or(at));
        match (before, there) {
            (None, true) => vec![GitLock { since: at, until: None }],
            (Some(since), false) => vec![GitLock { since, until: Some(at) }],
            (None, false) if moved => vec![GitLock { since: last, until: Some(at) }],
            (Some(_), true) | (None, false) => Vec::new(),
        }
    }
}

impl WatchLoop {
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
                let lock = Lock { there: None, gone: at };
                Known { tree, lock, stash: lock, log: stamp_of_log(&git_dir) }
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
            if is_locked(git_dir) != known.lock.there.is_some() || stamp_of_log(git_dir) != known.log {
                said.insert(git_dir.clone(), News { at, ..News::default() });
            }
        }
    }

    /// Reports what was said about them, or with `looked` what a look at the disk tells.
    pub(super) fn tell_git_work(&mut self, said: Said, looked: bool) {
        for (git_dir, News { at, lock, stash }) in said {
            let Some(known) = self.repositories.known.get_mut(&git_dir) else { continue };
            let log = stamp_of_log(&git_dir);
            let label = if log == known.log { None } else { last_line_of_log(&git_dir) };
            let moved = std::mem::replace(&mut known.log, log) != log;
            let in_steps = ["rebase-merge", "rebase-apply", "sequencer"].iter().any(|name| git_dir.join(name).exists());
            let work = GitWork { tree: Arc::clone(&known.tree), at, lock: None, stash: None, in_steps, label };
            let locks = match lock {
                _ if looked => known.lock.compare(is_locked(&git_dir), moved, self.repositories.last, at),
                Some(told) => known.lock.follow(told),
                None => Vec::new(),
            };
            let stashes = stash.map(|told| known.stash.follow(told)).unwrap_or_default();
            if locks.is_empty() && stashes.is_empty() && work.label.is_some() {
                self.outbox.push(WatchReport::Git(work.clone()));
            }
            for lock in locks {
                self.outbox.push(WatchReport::Git(GitWork { lock: Some(lock), ..work.clone() }));
            }
            for stash in stashes {
                self.outbox.push(WatchReport::Git(GitWork { stash: Some(stash), ..work.clone() }));
            }
        }
    }
}

/// Whether a file is there after what was said of it. The disk is asked only where the events do not tell: it is ahead
/// of them, and would take a lock that was released, taken and released again for one that was released once.
fn is_left(flags: EventFlags, path: &Path) -> bool {
    flags.left.unwrap_or_else(|| directory::at(path).is_some())
}

/// `index.stash.4711`, not its lock.
fn is_stash(name: &[u8]) -> bool {
    name.strip_prefix(b"index.stash.").is_some_and(|number| number.iter().all(u8::is_ascii_digit))
}

fn is_locked(git_dir: &Path) -> bool {
    directory::at(&git_dir.join("index.lock")).is_some()
}

fn stamp_of_log(git_dir: &Path) -> Option<Stamp> {
    directory::at(&git_dir.join("logs").join("HEAD")).map(|(_, seen)| seen.stamp)
}

/// What git has written last: `checkout: moving from main to feat`.
fn last_line_of_log(git_dir: &Path) -> Option<Arc<str>> {
    Repository::last_action(git_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAME: EventFlags = EventFlags { created: true, written: true, closed: true, ..EventFlags::NONE };
    const WENT: EventFlags = EventFlags { created: false, moved_out: true, ..CAME };
    const BOTH: EventFlags = EventFlags { moved_out: true, ..CAME };
    const WRITTEN: EventFlags = EventFlags { created: false, ..CAME };

    /// What is told of a lock after each of these: marks, first and last event, and whether it is there then.
    fn locks_after(events: &[(EventFlags, u64, u64, bool)]) -> Vec<Vec<(u64, Option<u64>)>> {
        let (mut lock, at) = (Lock::default(), Moment::from_millis);
        let follow = |&(flags, since, until, there): &(EventFlags, u64, u64, bool)| {
            let told = lock.follow(Told { flags, since: at(since), until: at(until), there });
            let millis = |at: Moment| u64::try_from(at.since_start().as_millis()).unwrap_or(u64::MAX);
            told.into_iter().map(|lock| (millis(lock.since), lock.until.map(millis))).collect()
        };
        events.iter().map(follow).collect()
    }

    #[test]
    fn a_lock_is_followed_by_what_was_said_although_the_disk_is_ahead() {
        assert_eq!(
            locks_after(&[(CAME, 1, 2, true), (WRITTEN, 3, 3, false), (WENT, 4, 4, false)]),
            [vec![(1, None)], vec![], vec![(1, Some(4))],]
        );
        assert_eq!(
            locks_after(&[(BOTH, 1, 3, false), (BOTH, 5, 9, true), (WENT, 11, 11, false)]),
            [vec![(1, Some(3))], vec![(5, Some(9)), (9, None)], vec![(9, Some(11))],]
        );
        // Released and taken again, and released a second time later.
        assert_eq!(
            locks_after(&[(CAME, 1, 1, true), (BOTH, 3, 4, true), (WENT, 6, 6, false)]),
            [vec![(1, None)], vec![(1, Some(4)), (4, None)], vec![(4, Some(6))],]
        );
        // The same without an order of events: it was released before anybody looked.
        assert_eq!(
            locks_after(&[(CAME, 1, 1, true), (BOTH, 3, 4, false), (WENT, 6, 6, false)]),
            [vec![(1, None)], vec![(1, Some(4))], vec![(4, Some(6))],]
        );
        // One that was left behind, and another.
        assert_eq!(
            locks_after(&[(CAME, 1, 1, true), (CAME, 7, 8, true)]),
            [vec![(1, None)], vec![(1, Some(7)), (7, None)]]
        );
    }

    #[test]
    fn the_order_of_events_counts_more_than_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("index.lock");
        let after = |left| EventFlags { left, ..BOTH };
        assert!(is_left(after(Some(true)), &lock) && !is_left(after(None), &lock));
        std::fs::write(&lock, "").unwrap();
        assert!(!is_left(after(Some(false)), &lock) && is_left(after(None), &lock));
    }

    #[test]
    fn a_look_tells_what_may_have_been_meanwhile() {
        let at = Moment::from_millis;
        let mut lock = Lock::default();
        assert_eq!(lock.compare(false, true, at(2), at(5)), [GitLock { since: at(2), until: Some(at(5)) }]);
        assert_eq!(lock.compare(false, false, at(5), at(6)), []);
        assert_eq!(lock.compare(true, false, at(6), at(7)), [GitLock { since: at(7), until: None }]);
        assert_eq!(lock.compare(true, true, at(7), at(8)), []);
        assert_eq!(lock.compare(false, true, at(8), at(9)), [GitLock { since: at(7), until: Some(at(9)) }]);
    }

    #[test]
    fn the_index_of_a_stash_is_known_by_its_number() {
        assert!(is_stash(b"index.stash.4711"));
        assert!(!is_stash(b"index.stash.4711.lock") && !is_stash(b"index.lock") && !is_stash(b"index"));
    }
}
