//! When git holds: changes of a tree while its repository's lock is taken belong together, and nothing is acted on before
//! git is done with them.
//!
//! Git writes the files of a tree only under `index.lock`; `git stash` also before and after, beside an index of its own. A
//! lock without changes of the tree (`git status`, the editor of `git commit -a`) means nothing, what changes after the
//! lock is not git's, and a lock that somebody left behind must not stop the work for ever.
//!
//! The times of each tree are kept as intervals, also while `git_hold` is off, and a change is git's if it came within
//! one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{FileEvent, GitLock, GitWork, Match, Moment, covers};

/// A change this soon after the index of a stash went still is git's.
const AFTER_STASH: Duration = Duration::from_millis(150);
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
/// Intervals that are remembered, also when they are over: the news of locks overtakes the news of the files.
const INTERVALS: usize = 64;

/// What is known of one repository.
#[derive(Clone, Debug, Default)]
struct Repository {
    /// When git had its tree: those that are over, and at most one of each kind that goes on.
    intervals: VecDeque<Interval>,
    /// A rebase, or a sequence of picks, is between two steps.
    in_steps: bool,
    hold: Option<GitHold>,
    /// What git has written into the log of `HEAD` last, and when.
    label: Option<(Moment, Arc<str>)>,
}

/// A time in which git has a tree: what changes in it is git's.
#[derive(Clone, Copy, Debug)]
struct Interval {
    by: LockFile,
    since: Moment,
    /// When the file was removed; `None`: it is there.
    until: Option<Moment>,
    /// The last change of the tree in it.
    changed: Option<Moment>,
    /// From then on it does not count although the file is there: it is too old, and that has been said.
    given_up: Option<Moment>,
}

/// What tells by being there that git has the tree. If both do, the second is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LockFile {
    /// The lock of the index, `index.lock`.
    Index,
    /// The index of a stash. Git goes on for a moment when it is gone.
    Stash,
}

/// Who had a tree at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// Nobody has it: a change is the user's.
    Free,
    /// Git, in this interval.
    Git(usize),
    /// Anybody: the `index.lock` of this interval was there, and too old.
    OldLock(usize),
}

#[derive(Clone, Copy, Debug)]
struct GitHold {
    /// When the first interval that it is for began.
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
    repositories: BTreeMap<Arc<str>, Repository>,
}

impl Interval {
    fn is_open(&self) -> bool {
        self.until.is_none()
    }

    /// Whether a change at this time is git's by it.
    fn owns(&self, at: Moment) -> bool {
        let is_over = match self.end() {
            Some(end) => end < at,
            None => self.too_old_at() <= at,
        };
        self.since <= at && !is_over && self.given_up.is_none_or(|given_up| at < given_up)
    }

    /// The last moment of it; `None` while it goes on.
    fn end(&self) -> Option<Moment> {
        self.until.map(|until| match self.by {
            LockFile::Index => until,
            LockFile::Stash => until + AFTER_STASH,
        })
    }

    /// From when on its file is too old, if it is there still.
    fn too_old_at(&self) -> Moment {
        (self.changed.unwrap_or(self.since) + IDLE_LOCK).min(self.since + OLD_LOCK)
    }
}

impl Repository {
    /// Who had the tree then, as far as is known now.
    fn owner_at(&self, at: Moment) -> Owner {
        let numbered = || self.intervals.iter().enumerate();
        let owning = numbered().filter(|(_, interval)| interval.owns(at));
        if let Some((number, _)) = owning.max_by_key(|(_, interval)| (interval.is_open(), interval.by)) {
            return Owner::Git(number);
        }
        let is_lock = |interval: &Interval| interval.by == LockFile::Index && interval.is_open();
        match numbered().find(|(_, interval)| is_lock(interval) && interval.since <= at) {
            Some((number, _)) => Owner::OldLock(number),
            None => Owner::Free,
        }
    }

    fn open(&mut self) -> impl Iterator<Item = &mut Interval> {
        self.intervals.iter_mut().filter(|interval| interval.is_open())
    }

    /// News of one of the files.
    fn record_lock(&mut self, by: LockFile, GitLock { since, until }: GitLock) {
        if !self.open().any(|interval| interval.by == by) {
            if self.intervals.len() >= INTERVALS {
                let oldest = self.intervals.iter().position(|interval| !interval.is_open());
                oldest.and_then(|number| self.intervals.remove(number));
            }
            self.intervals.push_back(Interval { by, since, until: None, changed: None, given_up: None });
        }
        let Some(until) = until else { return };
        let Some(interval) = self.open().find(|interval| interval.by == by) else { return };
        interval.until = Some(until);
        if interval.changed.is_some() && interval.given_up.is_none() {
            self.hold_on(until);
        }
    }

    /// The hold, if there is one, is for this as well.
    fn hold_on(&mut self, at: Moment) {
        if let Some(hold) = &mut self.hold {
            hold.last = hold.last.max(at);
        }
    }

    /// When its hold ends by itself.
    fn ends_at(&self) -> Option<Moment> {
        let quiet = if self.in_steps { STEP_QUIET } else { QUIET };
        let done = self.hold?.last + quiet;
        let open = self.intervals.iter().filter(|interval| interval.is_open() && interval.given_up.is_none());
        let ends = open.map(|interval| match interval.changed {
            None => done.max(interval.since + NEXT_LOCK),
            Some(_) => interval.too_old_at(),
        });
        Some(ends.max().unwrap_or(done))
    }

    /// What has changed in open intervals, and is not done with, is left behind. How old the lock is if it is.
    fn give_up(&mut self, now: Moment) -> Option<Duration> {
        let mut age = None;
        for interval in self.open() {
            if interval.changed.is_some() {
                interval.given_up.get_or_insert(now);
            }
            if interval.by == LockFile::Index && interval.given_up.is_some() {
                age = Some(now.since(interval.since));
            }
        }
        age
    }
}

impl GitGate {
    /// News of git.
    pub(super) fn record_git_work(&mut self, news: GitWork) {
        let repository = self.repositories.entry(news.tree).or_default();
        repository.in_steps = news.in_steps;
        if let Some(lock) = news.lock {
            repository.record_lock(LockFile::Index, lock);
        }
        if let Some(stash) = news.stash {
            repository.record_lock(LockFile::Stash, stash);
        }
        if let Some(label) = news.label {
            repository.hold_on(news.at);
            repository.label = Some((news.at, label));
        }
    }

    /// A file has changed: whether that is git's doing. Without `may_hold` it is only noted, so that the state of the locks
    /// is right when git may hold again.
    pub(super) fn touched(&mut self, event: &FileEvent, may_hold: bool, now: Moment) -> Touched {
        match event.matched {
            Match::Ignored(_) => Touched::Free,
            Match::Watched { .. } => self.touched_path(&event.path, event.at, true, (may_hold, now)),
            Match::NoMatch => self.touched_path(&event.path, event.at, false, (may_hold, now)),
        }
    }

    /// As [`Self::touched`], of a path. `is_watched`: somebody acts on its changes.
    pub(super) fn touched_path(
        &mut self,
        path: &str,
        at: Moment,
        is_watched: bool,
        (may_hold, now): (bool, Moment),
    ) -> Touched {
        let covering = self.repositories.iter_mut().filter(|(tree, _)| covers(tree, path));
        // A repository within another one: the inner one.
        let Some((tree, repository)) = covering.max_by_key(|(tree, _)| tree.len()) else { return Touched::Free };
        let (interval, is_old) = match repository.owner_at(at) {
            Owner::Free => return Touched::Free,
            Owner::Git(number) => (repository.intervals.get_mut(number), false),
            Owner::OldLock(number) => (repository.intervals.get_mut(number), true),
        };
        let Some(interval) = interval else { return Touched::Free };
        if is_old && may_hold {
            let is_news = interval.given_up.is_none();
            interval.given_up.get_or_insert(at);
            let age = now.since(interval.since);
            return if is_news { Touched::OldLock { tree: Arc::clone(tree), age } } else { Touched::Free };
        }
        if !is_old {
            interval.changed = interval.changed.max(Some(at));
        }
        if !may_hold {
            return Touched::Free;
        }
        if repository.hold.is_none() && !is_watched {
            return Touched::Free;
        }
        let (since, last) = (interval.since, interval.end().unwrap_or(at));
        let hold = repository.hold.get_or_insert(GitHold { since, last });
        *hold = GitHold { since: hold.since.min(since), last: hold.last.max(last) };
        if is_watched { Touched::Holds(Arc::clone(tree)) } else { Touched::Free }
    }

    /// When the next hold ends by itself.
    pub(super) fn next_due(&self) -> Option<Moment> {
        self.repositories.values().filter_map(Repository::ends_at).min()
    }

    /// A hold that ends now: each, if git may not hold any more.
    pub(super) fn done(&mut self, may_hold: bool, now: Moment) -> Option<Done> {
        let is_due = |repository: &Repository| repository.ends_at().is_some_and(|end| end <= now || !may_hold);
        let (tree, repository) = self.repositories.iter_mut().find(|(_, repository)| is_due(repository))?;
        let hold = repository.hold.take()?;
        if !may_hold {
            return Some(Done { tree: Arc::clone(tree), label: None, stale: None });
        }
        // Of an operation before this one it would say something else.
        let label = repository.label.take().filter(|(at, _)| *at >= hold.since).map(|(_, label)| label);
        let stale = repository.give_up(now);
        Some(Done { tree: Arc::clone(tree), label, stale })
    }

    /// Nothing is to be held any more.
    pub(super) fn cancel(&mut self) {
        self.repositories.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Moment {
        Moment::START + Duration::from_secs_f64(seconds)
    }

    /// Each time as seconds, and who had the tree then: `-` nobody, `old` an old lock, else since when git had it.
    fn owners(repository: &Repository, times: &[f64]) -> Vec<String> {
        let owner = |time: &f64| match repository.owner_at(at(*time)) {
            Owner::Free => String::from("-"),
            Owner::OldLock(_) => String::from("old"),
            Owner::Git(number) => {
                let interval = repository.intervals[number];
                format!("{:?} {}", interval.by, interval.since.since_start().as_secs_f64())
            }
        };
        times.iter().map(owner).collect()
    }

    #[test]
    fn the_tree_belongs_to_whose_interval_it_is_however_late_one_asks() {
        let mut repository = Repository::default();
        repository.record_lock(LockFile::Index, GitLock { since: at(1.0), until: Some(at(2.0)) });
        repository.record_lock(LockFile::Stash, GitLock { since: at(3.0), until: None });
        repository.record_lock(LockFile::Index, GitLock { since: at(4.0), until: None });
        let times = [0.5, 1.0, 2.0, 2.01, 3.5, 4.5, 12.9, 13.5, 14.5];
        let expected = ["-", "Index 1", "Index 1", "-", "Stash 3", "Stash 3", "Stash 3", "Index 4", "old"];
        assert_eq!(owners(&repository, &times), expected);
        // It is gone: nobody had left it behind.
        repository.record_lock(LockFile::Stash, GitLock { since: at(3.0), until: Some(at(20.0)) });
        assert_eq!(
            owners(&repository, &[3.5, 4.5, 14.5, 20.1, 20.2]),
            ["Stash 3", "Index 4", "Stash 3", "Stash 3", "old"]
        );
    }

    #[test]
    fn intervals_that_are_over_are_forgotten_before_one_that_goes_on() {
        let mut repository = Repository::default();
        repository.record_lock(LockFile::Stash, GitLock { since: at(0.0), until: None });
        for n in 1..=200_u32 {
            let since = at(f64::from(n));
            repository.record_lock(LockFile::Index, GitLock { since, until: Some(since) });
        }
        assert_eq!(repository.intervals.len(), INTERVALS);
        assert_eq!(owners(&repository, &[5.0, 100.0, 200.0]), ["Stash 0", "-", "Index 200"]);
    }
}
