//! When git holds: changes of a tree while its repository's lock is taken belong together, and nothing is acted on before
//! git is done with them.
//!
//! Git writes the files of a tree only under `index.lock`; `git stash` also before and after, beside an index of its own. A
//! lock without changes of the tree (`git status`, the editor of `git commit -a`) means nothing, what changes after the
//! lock is not git's, and a lock that somebody left behind must not stop the work for ever.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{FileEvent, GitLock, GitWork, Match, Moment, covers};

/// A change this soon after the index of a stash came or went still is git's.
const BESIDE_STASH: Duration = Duration::from_millis(150);
/// Git is done when its lock is gone and the tree has been quiet for so long …
const QUIET: Duration = Duration::from_millis(300);
/// … or, between the steps of a rebase or of a sequence of picks, for so long.
const STEP_QUIET: Duration = Duration::from_millis(700);
/// The lock of another command that is taken when git is done may be for changes that belong to these, but not if they
/// take longer to come than this.
const NEXT_LOCK: Duration = Duration::from_secs(1);
/// A lock does not hold any more so long after the last change of the tree …
const IDLE_LOCK: Duration = Duration::from_secs(10);
/// … nor so long after it was taken. Git itself rarely holds it for a second.
const OLD_LOCK: Duration = Duration::from_secs(60);
/// Locks that are remembered: the news of them overtakes the news of the files.
const PAST_LOCKS: usize = 64;

/// What is known of one repository.
#[derive(Clone, Debug, Default)]
struct Work {
    /// The lock, if it is taken.
    lock: Option<Lock>,
    /// When it was taken before, from and until: changes of the tree within are git's.
    past: VecDeque<(Moment, Moment)>,
    in_steps: bool,
    hold: Option<GitHold>,
    /// What git has written into the log of `HEAD` last, and when.
    label: Option<(Moment, Arc<str>)>,
}

#[derive(Clone, Copy, Debug)]
struct Lock {
    since: Moment,
    /// The last change of the tree under it.
    changed: Option<Moment>,
    /// It is too old to hold, and that has been said.
    old: bool,
}

#[derive(Clone, Copy, Debug)]
struct GitHold {
    /// When the first lock that it is for was taken.
    since: Moment,
    /// The last that was seen of what it is for.
    last: Moment,
}

/// A hold of git that ends now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Done {
    /// The tree, whose hold it is.
    pub(super) tree: Arc<str>,
    /// What git says that it has done.
    pub(super) label: Option<Arc<str>>,
    /// The lock is still there, and so old.
    pub(super) stale: Option<Duration>,
}

/// What a change of a file means here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// It is git's: the hold of this tree begins, or goes on.
    Holds(Arc<str>),
    /// A lock is there and too old to hold: it is to be said, once.
    OldLock { tree: Arc<str>, age: Duration },
    /// Git has nothing to do with it.
    Free,
}

/// All repositories that have been at work, by their tree.
#[derive(Clone, Debug, Default)]
pub(super) struct GitGate {
    works: BTreeMap<Arc<str>, Work>,
}

impl Lock {
    /// From when on it is too old.
    fn old_at(&self) -> Moment {
        (self.changed.unwrap_or(self.since) + IDLE_LOCK).min(self.since + OLD_LOCK)
    }
}

impl Work {
    /// When its hold ends by itself.
    fn ends_at(&self) -> Option<Moment> {
        let quiet = if self.in_steps { STEP_QUIET } else { QUIET };
        let done = self.hold?.last + quiet;
        Some(match &self.lock {
            None => done,
            Some(lock) if lock.changed.is_none() => done.max(lock.since + NEXT_LOCK),
            Some(lock) => lock.old_at(),
        })
    }

    fn taken(&mut self, since: Moment) {
        self.lock.get_or_insert(Lock { since, changed: None, old: false });
    }

    fn released(&mut self, until: Moment) {
        let Some(lock) = self.lock.take() else { return };
        self.remember(lock.since, until);
        if lock.changed.is_some() {
            self.goes_on(until);
        }
    }

    fn remember(&mut self, since: Moment, until: Moment) {
        if self.past.len() == PAST_LOCKS {
            self.past.pop_front();
        }
        self.past.push_back((since, until));
    }

    fn goes_on(&mut self, at: Moment) {
        if let Some(hold) = &mut self.hold {
            hold.last = hold.last.max(at);
        }
    }
}

impl GitGate {
    /// News of git.
    pub(super) fn hear(&mut self, news: GitWork) {
        let work = self.works.entry(news.tree).or_default();
        work.in_steps = news.in_steps;
        if let Some(GitLock { since, until }) = news.lock {
            work.taken(since);
            if let Some(until) = until {
                work.released(until);
            }
        }
        if let Some(at) = news.stashed {
            work.remember(at, at + BESIDE_STASH);
        }
        if let Some(label) = news.label {
            work.goes_on(news.at);
            work.label = Some((news.at, label));
        }
    }

    /// A file has changed: whether that is git's doing.
    pub(super) fn touched(&mut self, event: &FileEvent, now: Moment) -> Touched {
        if matches!(event.matched, Match::Ignored(_)) {
            return Touched::Free;
        }
        let covering = self.works.iter_mut().filter(|(tree, _)| covers(tree, &event.path));
        // A repository within another one: the inner one.
        let Some((tree, work)) = covering.max_by_key(|(tree, _)| tree.len()) else { return Touched::Free };
        let at = event.at;
        let (since, last) = if let Some(lock) = work.lock.as_mut().filter(|lock| lock.since <= at) {
            if lock.old {
                return Touched::Free;
            }
            if lock.old_at() <= at {
                lock.old = true;
                return Touched::OldLock { tree: Arc::clone(tree), age: now.since(lock.since) };
            }
            lock.changed = lock.changed.max(Some(at));
            (lock.since, at)
        } else if let Some((since, until)) = work.past.iter().find(|(since, until)| (*since..=*until).contains(&at)) {
            (*since, *until)
        } else {
            return Touched::Free;
        };
        if work.hold.is_none() && !matches!(event.matched, Match::Watched { .. }) {
            return Touched::Free;
        }
        let hold = work.hold.get_or_insert(GitHold { since, last });
        *hold = GitHold { since: hold.since.min(since), last: hold.last.max(last) };
        if matches!(event.matched, Match::Watched { .. }) { Touched::Holds(Arc::clone(tree)) } else { Touched::Free }
    }

    /// When the next hold ends by itself.
    pub(super) fn next_due(&self) -> Option<Moment> {
        self.works.values().filter_map(Work::ends_at).min()
    }

    /// A hold that ends now.
    pub(super) fn done(&mut self, now: Moment) -> Option<Done> {
        let (tree, work) = self.works.iter_mut().find(|(_, work)| work.ends_at().is_some_and(|end| end <= now))?;
        let hold = work.hold.take()?;
        // Of an operation before this one it would say something else.
        let label = work.label.take().filter(|(at, _)| *at >= hold.since).map(|(_, label)| label);
        let lock = work.lock.as_mut().filter(|lock| lock.changed.is_some());
        let stale = lock.map(|lock| {
            lock.old = true;
            now.since(lock.since)
        });
        Some(Done { tree: Arc::clone(tree), label, stale })
    }

    /// Nothing is to be held any more.
    pub(super) fn cancel(&mut self) {
        self.works.clear();
    }
}
