//! What somebody is told of who does not look: the kinds of alerts, and where they go.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Exited, FactKind, FailedRun, Marker, Moment, NextTry, TaskMarker, TaskNews};

/// A kind of alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertKind {
    /// A service or a job has failed, and is not tried again by itself.
    Failed,
    /// The breaker of a service or a worker has opened.
    CrashLoop,
    /// A service was up and did nothing.
    Stuck,
    /// A service that had failed, was stuck or in a crash loop works again.
    Recovered,
    /// A task has become a dead letter.
    TaskDead,
    /// All tasks of a batch have ended.
    BatchDone,
}

impl AlertKind {
    /// All of them, with their words.
    pub const ALL: &[(&str, Self)] = &[
        ("failed", Self::Failed),
        ("crash-loop", Self::CrashLoop),
        ("stuck", Self::Stuck),
        ("recovered", Self::Recovered),
        ("task-dead", Self::TaskDead),
        ("batch-done", Self::BatchDone),
    ];

    /// Those that are told if the file says nothing.
    pub const DEFAULT: &[Self] = &[Self::Failed, Self::CrashLoop, Self::Stuck];

    /// The word of the file and the machine-readable outputs.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// Which kind a fact is by itself. What has recovered, only its past tells.
    pub fn of(fact: &FactKind) -> Option<Self> {
        match fact {
            FactKind::NotStarted { next, .. } => next.is_last().then_some(Self::Failed),
            FactKind::Ended { exit, exited: Some(Exited { failed, next, .. }), .. } => {
                // A job says which try it was; a service that says so is in a crash loop, which is told next.
                let has_failed = !exit.status.is_success() || exit.fault.is_some();
                let is_last = next.is_last() && !matches!(failed, Some(FailedRun::Crash(..)));
                (has_failed && is_last).then_some(Self::Failed)
            }
            FactKind::Marked(marker) => Self::of_marker(marker),
            _ => None,
        }
    }

    fn of_marker(marker: &Marker) -> Option<Self> {
        match marker {
            Marker::NotReady { next, .. } | Marker::OverLimit { next, .. } => next.is_last().then_some(Self::Failed),
            Marker::Stale { runs: false, .. } => Some(Self::Failed),
            Marker::GaveUp { .. } => Some(Self::CrashLoop),
            Marker::Stuck { .. } => Some(Self::Stuck),
            Marker::Task(TaskMarker::News { news, .. }) => match news {
                TaskNews::Dead { .. } => Some(Self::TaskDead),
                TaskNews::BatchDone { .. } => Some(Self::BatchDone),
                TaskNews::BreakerOpen { .. } => Some(Self::CrashLoop),
                _ => None,
            },
            _ => None,
        }
    }

    /// From here on the service is in trouble, until it has recovered.
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Failed | Self::CrashLoop | Self::Stuck)
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl NextTry {
    /// Nothing follows by itself, and nothing more is told of it.
    fn is_last(&self) -> bool {
        match self {
            Self::None | Self::AfterChange(_) | Self::ByHand => true,
            Self::In(_) | Self::Cooldown => false,
        }
    }
}

/// `[alerts]` as one file says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertKeys {
    /// `on`.
    pub on: Option<Vec<AlertKind>>,
    /// `run`, with the folder of its file.
    pub run: Option<AlertCommand>,
    /// `every`.
    pub every: Option<Duration>,
}

impl AlertKeys {
    /// These keys, and where they say nothing, those of another file.
    pub fn over(self, other: &Self) -> Self {
        Self {
            on: self.on.or_else(|| other.on.clone()),
            run: self.run.or_else(|| other.run.clone()),
            every: self.every.or(other.every),
        }
    }
}

/// A program that is told of alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertCommand {
    /// The program and its arguments; never empty.
    pub argv: Vec<String>,
    /// The folder of the file that names it, where it runs.
    pub dir: PathBuf,
}

/// What is told, how often, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSpec {
    /// The kinds that are told.
    pub on: Vec<AlertKind>,
    /// The program that is told.
    pub run: Option<AlertCommand>,
    /// Whether the desktop is told.
    pub desktop: bool,
    /// Of one service and kind, one in this time.
    pub every: Duration,
}

impl AlertSpec {
    /// `every` if no file says it.
    pub const EVERY: Duration = Duration::from_secs(30);

    /// What the keys of both files say.
    pub fn new(keys: &AlertKeys, desktop: bool) -> Self {
        Self {
            on: keys.on.clone().unwrap_or_else(|| AlertKind::DEFAULT.to_vec()),
            run: keys.run.clone(),
            desktop,
            every: keys.every.unwrap_or(Self::EVERY),
        }
    }

    /// Somebody is told something.
    pub fn is_on(&self) -> bool {
        (self.run.is_some() || self.desktop) && !self.on.is_empty()
    }
}

/// What came of telling one program of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertDelivery {
    /// The program.
    pub to: Arc<str>,
    /// Why it was not told, for people.
    pub problem: Option<Arc<str>>,
}

/// The last delivery of an alert that has failed, until one to the same program succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndeliveredAlert {
    /// When that was known.
    pub at: Moment,
    /// The program.
    pub to: Arc<str>,
    /// Why, for people.
    pub problem: Arc<str>,
}

impl UndeliveredAlert {
    /// What there is to say after one more delivery.
    pub fn after(before: Option<Self>, delivery: AlertDelivery, at: Moment) -> Option<Self> {
        match delivery.problem {
            Some(problem) => Some(Self { at, to: delivery.to, problem }),
            None => before.filter(|before| before.to != delivery.to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ExitStatus, LastExit, RunRecord};

    fn ended(code: i32, failed: Option<FailedRun>, next: NextTry) -> Option<AlertKind> {
        let (status, uptime) = (ExitStatus::Code(code), Duration::ZERO);
        let exit = LastExit { status, at: Moment::START, uptime, asked: false, fault: None };
        let record = RunRecord::elsewhere(std::time::SystemTime::UNIX_EPOCH, uptime, status);
        AlertKind::of(&FactKind::Ended { exit, record, exited: Some(Exited { status, failed, next }) })
    }

    #[test]
    fn a_failure_is_told_when_nothing_follows_it_by_itself() {
        let in_a_second = NextTry::In(Duration::from_secs(1));
        assert_eq!(ended(1, None, NextTry::None), Some(AlertKind::Failed));
        assert_eq!(ended(1, None, NextTry::AfterChange("a.rs".into())), Some(AlertKind::Failed));
        assert_eq!(ended(1, Some(FailedRun::Try(3, 3)), NextTry::None), Some(AlertKind::Failed));
        assert_eq!(ended(1, Some(FailedRun::Crash(2, 5)), in_a_second), None, "it is tried again");
        assert_eq!(ended(1, Some(FailedRun::Crash(5, 5)), NextTry::Cooldown), None, "the crash loop is told");
        assert_eq!(ended(0, None, NextTry::None), None, "a job is done");
        let not_ready = |next| {
            AlertKind::of(&FactKind::Marked(Marker::NotReady { probe: String::new(), after: Duration::ZERO, next }))
        };
        assert_eq!(not_ready(NextTry::ByHand), Some(AlertKind::Failed));
        assert_eq!(not_ready(NextTry::Cooldown), None);
    }

    #[test]
    fn each_key_of_the_user_replaces_that_of_the_project() {
        let command = |word: &str| AlertCommand { argv: vec![word.into()], dir: "/".into() };
        let project = AlertKeys {
            on: Some(vec![AlertKind::Stuck]),
            run: Some(command("project")),
            every: Some(Duration::from_secs(7)),
        };
        let user = AlertKeys { run: Some(command("user")), ..AlertKeys::default() };
        let spec = AlertSpec::new(&user.over(&project), false);
        assert_eq!((spec.on.as_slice(), spec.every), (&[AlertKind::Stuck][..], Duration::from_secs(7)));
        assert_eq!(spec.run, Some(command("user")));
        let nothing = AlertSpec::new(&AlertKeys::default(), false);
        assert_eq!((nothing.on.as_slice(), nothing.is_on()), (AlertKind::DEFAULT, false));
        assert!(AlertSpec::new(&AlertKeys::default(), true).is_on());
    }

    #[test]
    fn a_failed_delivery_is_told_until_that_program_is_reached() {
        let delivery =
            |to: &str, problem: Option<&str>| AlertDelivery { to: to.into(), problem: problem.map(Arc::from) };
        let at = Moment::from_millis;
        assert_eq!(UndeliveredAlert::after(None, delivery("hook", None), at(1)), None);
        let failed = UndeliveredAlert::after(None, delivery("hook", Some("exit 7")), at(2));
        let expected = UndeliveredAlert { at: at(2), to: "hook".into(), problem: "exit 7".into() };
        assert_eq!(failed, Some(expected.clone()));
        let other = UndeliveredAlert::after(failed, delivery("notify-send", None), at(3));
        assert_eq!(other, Some(expected), "the desktop was reached, and the hook was not");
        assert_eq!(UndeliveredAlert::after(other, delivery("hook", None), at(4)), None);
    }

    #[test]
    fn each_kind_has_a_word() {
        for (word, kind) in AlertKind::ALL {
            assert_eq!(kind.word(), *word);
        }
    }
}
