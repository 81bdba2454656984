//! The next start of a service: why it is to happen, and with which changes.
//!
//! Each service has one plan, and every reason is merged into it. A cascade gives each dependent a plan of its own, and
//! its own `validate` alone decides whether its run is replaced: what is refused goes on running.

use crate::domain::{ServiceName, StartCause};

use super::path_set::PathSet;
use super::stop_ladder::Manner;

/// A start that somebody has asked for and that has not happened yet. While a run is up, it is to be replaced.
#[derive(Clone, Debug)]
pub(super) struct NextStart {
    pub(super) cause: StartCause,
    /// The files behind a change.
    pub(super) paths: PathSet,
    /// How the run that is up is to be ended.
    pub(super) manner: Manner,
    /// Those that depend on the service are restarted after it, whatever `cascade` says.
    pub(super) with_dependents: bool,
    /// A job runs although its inputs are as at its last success: a person has said so.
    pub(super) anyway: bool,
}

impl NextStart {
    /// A start for this reason.
    pub(super) fn new(cause: StartCause) -> Self {
        Self { cause, paths: PathSet::default(), manner: Manner::Polite, with_dependents: false, anyway: false }
    }

    /// A start because of these files; `None` if there are none.
    pub(super) fn change(paths: &PathSet) -> Option<Self> {
        let cause = StartCause::Change(paths.files()?);
        Some(Self { paths: paths.clone(), ..Self::new(cause) })
    }

    /// A start after that of a service that this one depends on.
    pub(super) fn after(dependency: &ServiceName, manner: Manner) -> Self {
        Self { manner, with_dependents: true, ..Self::new(StartCause::Dependency(dependency.clone())) }
    }

    /// Of two reasons for one start, the stronger one is told: a person's, then the need of another service, then a
    /// change, then the others. Changes add up.
    pub(super) fn merge(&mut self, other: Self) {
        if other.manner == Manner::Kill {
            self.manner = Manner::Kill;
        }
        self.with_dependents |= other.with_dependents;
        self.anyway |= other.anyway;
        if is_change(&self.cause) && is_change(&other.cause) {
            self.paths.merge(&other.paths);
        } else if strength(&other.cause) >= strength(&self.cause) {
            (self.cause, self.paths) = (other.cause, other.paths);
        }
    }

    /// The cause, with all the files of a change.
    pub(super) fn told_cause(&self) -> StartCause {
        match (&self.cause, self.paths.files()) {
            (StartCause::Change(_), Some(files)) => StartCause::Change(files),
            (cause, _) => cause.clone(),
        }
    }

    /// It is for what was saved, and nobody has asked for it in another way: by hand, or because a dependency is replaced.
    /// Only then may the run that is up go on while there is nothing to take its place.
    pub(super) fn is_for_a_save(&self) -> bool {
        let is_saved = matches!(self.cause, StartCause::Change(_) | StartCause::Config { .. } | StartCause::Scaled(_));
        is_saved && !self.with_dependents && self.manner == Manner::Polite
    }

    /// Whether a job may be done at once if its inputs are as at its last success: nobody has restarted it, and no file that
    /// it watches has changed.
    pub(super) fn may_be_done_at_once(&self) -> bool {
        !self.anyway && !is_change(&self.cause)
    }

    /// In words: `src/a.rs changed`.
    pub(super) fn reason(&self) -> String {
        self.told_cause().to_string()
    }
}

fn is_change(cause: &StartCause) -> bool {
    matches!(cause, StartCause::Change(_))
}

fn strength(cause: &StartCause) -> u8 {
    match cause {
        StartCause::Crash { .. } | StartCause::Retry { .. } | StartCause::Stuck(_) | StartCause::OverLimit(_) => 0,
        StartCause::Dependency(_) => 1,
        StartCause::Change(_) => 2,
        StartCause::NeededBy(_) => 3,
        StartCause::First
        | StartCause::Hand
        | StartCause::Client(_)
        | StartCause::Config { .. }
        | StartCause::Scaled(_)
        | StartCause::Schedule => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str) -> NextStart {
        let mut paths = PathSet::default();
        paths.insert(&path.into());
        NextStart::change(&paths).expect("a path")
    }

    fn merged(first: NextStart, then: NextStart) -> String {
        let mut next = first;
        next.merge(then);
        next.reason()
    }

    #[test]
    fn a_person_comes_before_a_change_and_a_change_before_the_rest() {
        let hand = || NextStart::new(StartCause::Hand);
        let crash = || NextStart::new(StartCause::Crash { attempt: 1, of: 5 });
        let after = || NextStart::after(&"db".into(), Manner::Polite);
        assert_eq!(merged(change("a"), change("b")), "a and 1 more changed");
        assert_eq!(merged(hand(), change("a")), "manually");
        assert_eq!(merged(change("a"), hand()), "manually");
        let needed = || NextStart::new(StartCause::NeededBy("web".into()));
        assert_eq!([merged(hand(), needed()), merged(needed(), hand())], ["manually", "manually"]);
        assert_eq!(merged(needed(), change("a")), "needed by web");
        assert_eq!(merged(crash(), change("a")), "a changed");
        assert_eq!(merged(change("a"), crash()), "a changed");
        assert_eq!(merged(change("a"), after()), "a changed");
        assert_eq!(merged(crash(), after()), "db restarted");
    }

    #[test]
    fn a_job_that_somebody_restarts_runs_whatever_else_asks_for_it() {
        let restarted = || NextStart { anyway: true, ..NextStart::new(StartCause::Hand) };
        let mut next = NextStart::new(StartCause::Config { files: "procgroup.toml".into() });
        assert!(next.may_be_done_at_once() && !change("a").may_be_done_at_once());
        next.merge(restarted());
        next.merge(NextStart::new(StartCause::Config { files: "procgroup.toml".into() }));
        assert!(!next.may_be_done_at_once());
    }

    #[test]
    fn what_is_to_follow_is_kept_whatever_the_reason() {
        let mut next = change("a");
        next.merge(NextStart::after(&"db".into(), Manner::Kill));
        assert!(next.with_dependents && next.manner == Manner::Kill);
    }
}
