//! When git holds: changes of a tree while its repository's lock is taken belong together, and nothing is acted on before
//! git is done with them.
//!
//! Git writes the files of a tree only under `index.lock`. A lock without changes of the tree (`git status`, the editor
//! of `git commit -a`) means nothing, and a lock that somebody left behind must not stop the work for ever.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{FileEvent, GitWork, Match, Moment, covers};

/// A change this soon after the lock was released still is git's.
const AFTERWARDS: Duration = Duration::from_millis(150);
/// Git is done when its lock is gone and the tree has been quiet for so long …
const QUIET: Duration = Duration::from_millis(300);
/// … or, between the steps of a rebase or of a sequence of picks, for so long.
const STEP_QUIET: Duration = Duration::from_millis(700);
/// A lock does not hold any more so long after the last change of the tree …
const IDLE_LOCK: Duration = Duration::from_secs(10);
/// … nor so long after it was taken. Git itself rarely holds it for a second.
const OLD_LOCK: Duration = Duration::from_secs(60);

/// What is known of one repository.
#[derive(Clone, Debug, Default)]
struct Work {
    /// Since when the lock is taken.
    locked: Option<Moment>,
    released: Option<Moment>,
    in_steps: bool,
    /// The last change of the tree that belongs to it.
    changed: Option<Moment>,
    /// The lock is too old to hold, and that has been said.
    old: bool,
    /// It holds.
    holds: bool,
    label: Option<Arc<str>>,
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

impl Work {
    /// From when on a lock is too old; `None` if there is none.
    fn old_at(&self) -> Option<Moment> {
        let locked = self.locked?;
        let active = self.changed.map_or(locked, |changed| changed.max(locked));
        Some((active + IDLE_LOCK).min(locked + OLD_LOCK))
    }

    /// When its hold ends by itself.
    fn ends_at(&self) -> Option<Moment> {
        if !self.holds {
            return None;
        }
        let quiet = if self.in_steps { STEP_QUIET } else { QUIET };
        self.old_at().or_else(|| self.released.max(self.changed).map(|last| last + quiet))
    }
}

impl GitGate {
    /// News of git.
    pub(super) fn hear(&mut self, news: GitWork) {
        let work = self.works.entry(news.tree).or_default();
        work.in_steps = news.in_steps;
        if news.label.is_some() || (!news.locked && work.locked.is_none() && !work.holds) {
            // Without a hold, what an operation before this one was called is of the past.
            work.label = news.label;
        }
        if news.locked {
            if work.locked.is_none() {
                work.locked = Some(news.at);
                work.old = false;
                if !work.holds {
                    work.changed = None;
                    work.label = None;
                }
            }
        } else if work.locked.take().is_some() || news.at > work.released.unwrap_or_default() {
            work.released = Some(news.at);
            work.old = false;
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
        let at = event.at.min(now);
        if let Some(old_at) = work.old_at() {
            if work.old {
                return Touched::Free;
            }
            if old_at <= at {
                work.old = true;
                let age = now.since(work.locked.unwrap_or(now));
                return Touched::OldLock { tree: Arc::clone(tree), age };
            }
        } else if work.released.is_none_or(|released| at > released + AFTERWARDS) {
            return Touched::Free;
        }
        work.changed = work.changed.max(Some(at));
        if !matches!(event.matched, Match::Watched { .. }) {
            return Touched::Free;
        }
        work.holds = true;
        Touched::Holds(Arc::clone(tree))
    }

    /// When the next hold ends by itself.
    pub(super) fn next_due(&self) -> Option<Moment> {
        self.works.values().filter_map(Work::ends_at).min()
    }

    /// A hold that ends now.
    pub(super) fn done(&mut self, now: Moment) -> Option<Done> {
        let (tree, work) = self.works.iter_mut().find(|(_, work)| work.ends_at().is_some_and(|end| end <= now))?;
        work.holds = false;
        let stale = work.locked.map(|since| now.since(since));
        work.old |= stale.is_some();
        Some(Done { tree: Arc::clone(tree), label: work.label.take(), stale })
    }

    /// Nothing is to be held any more.
    pub(super) fn cancel(&mut self) {
        self.works.clear();
    }
}
