//! A fact: one thing that has happened, told once. What a log says of it, what listeners and the history are told, and what
//! the user is to know, is made from it here, by one function each.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::{
    ChangeKind, Exited, GroupEventKind, HoldResult, HoldSnapshot, LastExit, Marker, Moment, NextTry, Notice,
    RestartReason, Rule, RunId, RunRecord, Scaling, ServiceName, StartCause, TaskEnd, TaskMarker, human, without_keys,
};

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// When it happened, on the clock of the group.
    pub at: Moment,
    /// To which service; `None` for the group as a whole.
    pub service: Option<ServiceName>,
    /// In which of its runs: the live one, or the last.
    pub run: Option<RunId>,
    /// What has happened, with its details.
    pub kind: FactKind,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum FactKind {
    /// A file changed that somebody watches.
    Change {
        /// Relative to the root of the group.
        path: Arc<str>,
        /// What happened to it.
        kind: ChangeKind,
        /// Who watches it.
        services: Arc<[ServiceName]>,
        /// The rule that says so.
        rule: Rule,
        /// All that had changed before has been decided: a batch of changes begins with it.
        begins: bool,
    },
    /// A run was ordered. What its log says follows when there is a process: it stands before all that this one prints.
    Ordered {
        /// Why.
        cause: StartCause,
        /// It follows another run, and nobody had stopped the service in between.
        is_restart: bool,
    },
    /// No process could be made.
    NotStarted {
        /// Why, for people.
        reason: Arc<str>,
        /// What is remembered of the run.
        record: RunRecord,
        /// What follows.
        next: NextTry,
    },
    /// The process of a run has ended.
    Ended {
        /// Its exit code or signal, when, and after how long.
        exit: LastExit,
        /// What is remembered of the run.
        record: RunRecord,
        /// If nobody had asked for that: what follows.
        exited: Option<Exited>,
    },
    /// A run of a job in another terminal has ended.
    EndedElsewhere {
        /// What the log says of it.
        marker: Marker,
        /// What is remembered of the run.
        record: RunRecord,
    },
    /// A service came to where its log says so.
    Marked(Marker),
    /// A run of a service that had failed has lasted so long.
    Lasted {
        /// How long.
        up: Duration,
    },
    /// A change waits, because it came soon after each of the last starts.
    Limited {
        /// What the log says of it.
        marker: Marker,
        /// None has waited just before.
        is_first: bool,
    },
    /// Changes are held back from here on.
    Hold(HoldSnapshot),
    /// A hold has ended.
    Release(HoldSnapshot),
    /// What was held is decided.
    HoldOver(HoldResult),
    /// As told before, but for the restarts that it promised.
    HoldCorrected(HoldResult),
    /// An `index.lock` of git is there, and too old to hold.
    OldLock {
        /// The tree of its repository, relative to the root of the group.
        tree: Arc<str>,
        /// How old it is.
        age: Duration,
    },
    /// Files of the group were read again and are in force.
    Reload {
        /// Those that were saved, for people: `procgroup.toml`.
        files: Arc<str>,
        /// It says something else than before.
        differs: bool,
        /// Which services came, went or run differently, for people: ` · mail added`. Empty if none did.
        services: Arc<str>,
        /// As of a change.
        begins: bool,
    },
    /// Services have other numbers of instances.
    Scaled(Vec<Scaling>),
    /// The watcher cannot do something.
    WatchProblem(Arc<str>),
    /// The watcher can do again what it could not.
    WatchWell(Arc<str>),
    /// `--timeout` is up.
    TimeUp,
    /// The group is being stopped.
    Stop,
    /// What somebody else has to say to the user.
    Notice(Notice),
}

impl Fact {
    /// What the log of the service says.
    pub fn marker(&self) -> Option<Cow<'_, Marker>> {
        Some(match &self.kind {
            FactKind::Marked(marker) | FactKind::Limited { marker, .. } | FactKind::EndedElsewhere { marker, .. } => {
                Cow::Borrowed(marker)
            }
            FactKind::NotStarted { reason, .. } => Cow::Owned(Marker::CouldNotStart { reason: reason.to_string() }),
            FactKind::Ended { exited, .. } => Cow::Owned(Marker::Exited(exited.clone()?)),
            _ => return None,
        })
    }

    /// What listeners are told. They have no keys, and tell its time themselves.
    pub fn event(&self) -> Option<GroupEventKind> {
        Some(match &self.kind {
            FactKind::Change { path, kind, services, rule, begins } => GroupEventKind::Change {
                path: Arc::clone(path),
                kind: *kind,
                services: Arc::clone(services),
                rule: rule.clone(),
                begins: *begins,
            },
            FactKind::Ordered { cause, is_restart } => {
                let reason = RestartReason { cause: cause.clone(), rule: None };
                if *is_restart { GroupEventKind::Restart(reason) } else { GroupEventKind::Start(reason) }
            }
            FactKind::NotStarted { reason, .. } => GroupEventKind::Error(format!("could not start: {reason}").into()),
            FactKind::Ended { exit: LastExit { status, asked, fault, uptime, .. }, .. } => {
                GroupEventKind::Exit { status: *status, asked: *asked, fault: *fault, uptime: *uptime }
            }
            FactKind::Marked(marker) | FactKind::Limited { marker, .. } | FactKind::EndedElsewhere { marker, .. } => {
                let service = self.service.as_ref().map_or("", ServiceName::as_str);
                event_of_marker(marker, || without_keys(&marker.untimed_words(), service).into())?
            }
            FactKind::Lasted { up } => GroupEventKind::Notice(format!("up for {} again", human(*up)).into()),
            FactKind::Hold(hold) => GroupEventKind::Hold(hold.clone()),
            FactKind::Release(hold) => GroupEventKind::Release(hold.clone()),
            FactKind::HoldOver(result) | FactKind::HoldCorrected(result) => {
                GroupEventKind::Notice(result.to_string().into())
            }
            FactKind::Reload { files, begins, .. } => {
                GroupEventKind::Reload { files: Arc::clone(files), begins: *begins }
            }
            FactKind::Scaled(scalings) => GroupEventKind::Scale(told(scalings).into()),
            FactKind::WatchProblem(problem) => GroupEventKind::Error(Arc::clone(problem)),
            FactKind::TimeUp => GroupEventKind::Notice("timed out".into()),
            FactKind::Stop => GroupEventKind::Stop,
            FactKind::Notice(Notice { problem: true, summary, .. }) => GroupEventKind::Error(Arc::clone(summary)),
            FactKind::Notice(_) | FactKind::OldLock { .. } | FactKind::WatchWell(_) => return None,
        })
    }

    /// What is remembered of a run that is over.
    pub fn record(&self) -> Option<&RunRecord> {
        match &self.kind {
            FactKind::NotStarted { record, .. }
            | FactKind::Ended { record, .. }
            | FactKind::EndedElsewhere { record, .. } => Some(record),
            _ => None,
        }
    }

    /// What the user is to know from now on; `shown` is what that was before.
    pub fn notice(&self, shown: Option<Notice>) -> Option<Notice> {
        let say = |problem, summary: Arc<str>| Some(Notice { at: self.at, problem, summary, detail: "".into() });
        match &self.kind {
            FactKind::Notice(notice) => Some(notice.clone()),
            FactKind::WatchProblem(problem) => say(true, Arc::clone(problem)),
            // It is well again: nobody need read what was wrong.
            FactKind::WatchWell(problem) => shown.filter(|shown| shown.summary != *problem),
            FactKind::Reload { differs: true, files, services, .. } => {
                say(false, format!("{files} reloaded{services}").into())
            }
            // What is wrong stays on the screen.
            FactKind::Scaled(_) if shown.as_ref().is_some_and(|shown| shown.problem) => shown,
            FactKind::Scaled(scalings) => say(false, told(scalings).into()),
            // The first wait, for those who do not look at the log of the service.
            FactKind::Limited { marker, is_first: true } => {
                let name = self.service.as_ref().map(ToString::to_string).unwrap_or_default();
                say(false, format!("{name}: {}", marker.untimed_words()).into())
            }
            FactKind::OldLock { tree, age } => say(false, old_lock(tree, *age).into()),
            // What is wrong stays on the screen.
            FactKind::HoldOver(_) if shown.as_ref().is_some_and(|shown| shown.problem) => shown,
            FactKind::HoldOver(result) => say(false, result.to_string().into()),
            FactKind::HoldCorrected(result) => {
                let before = HoldResult { says_restarted: true, ..result.clone() }.to_string();
                let is_it = |shown: &Notice| *shown.summary == before;
                let corrected = |shown: Notice| match is_it(&shown) {
                    true => Notice { summary: result.to_string().into(), ..shown },
                    false => shown,
                };
                shown.map(corrected)
            }
            _ => shown,
        }
    }
}

/// What listeners are told beside what the log of a service says, which is `words`.
fn event_of_marker(marker: &Marker, words: impl Fn() -> Arc<str>) -> Option<GroupEventKind> {
    Some(match marker {
        Marker::Ready { after, .. } => GroupEventKind::Ready(*after),
        Marker::Task(TaskMarker::News { news, .. }) => GroupEventKind::Task(TaskEnd::of(news)?, words()),
        Marker::Validating { .. } | Marker::Stale { .. } | Marker::HeldUp { .. } | Marker::Valid { .. } => {
            GroupEventKind::Validate(words())
        }
        Marker::NotReady { .. }
        | Marker::Stuck { .. }
        | Marker::OverLimit { .. }
        | Marker::Unkillable { .. }
        | Marker::GaveUp { .. }
        | Marker::ChangeCommandFailed { .. }
        | Marker::Lost { .. } => GroupEventKind::Error(words()),
        // It has not happened; or another fact says it.
        Marker::CouldNotStart { .. }
        | Marker::Exited(_)
        | Marker::Stopped { .. }
        | Marker::Task(TaskMarker::Stopped { .. })
        | Marker::NotStarted { .. }
        | Marker::Started { .. }
        | Marker::Restarted { .. } => return None,
        _ => GroupEventKind::Notice(words()),
    })
}

fn told(scalings: &[Scaling]) -> String {
    scalings.iter().map(ToString::to_string).collect::<Vec<_>>().join(" · ")
}

fn old_lock(tree: &str, age: Duration) -> String {
    let place = if tree.is_empty() { String::new() } else { format!(" of {tree}") };
    format!("git index.lock{place} is {} old and is ignored; remove it if git is not running", human(age))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ExitStatus, HowSoon};

    fn fact(kind: FactKind) -> Fact {
        Fact { at: Moment::from_millis(7_000), service: Some("api".into()), run: Some(RunId(2)), kind }
    }

    fn of_group(kind: FactKind) -> Fact {
        Fact { service: None, run: None, ..fact(kind) }
    }

    fn event(fact: &Fact) -> Option<String> {
        fact.event().map(|kind| format!("{} {kind}", kind.word()))
    }

    fn words(fact: &Fact) -> Option<String> {
        fact.marker().map(|marker| marker.words("14:02:11"))
    }

    fn shown(summary: &str, problem: bool) -> Option<Notice> {
        Some(Notice { at: Moment::START, problem, summary: summary.into(), detail: "".into() })
    }

    fn summary(fact: &Fact, shown: Option<Notice>) -> Option<String> {
        fact.notice(shown).map(|notice| notice.summary.to_string())
    }

    fn record() -> RunRecord {
        let (run, began) = (RunId(2), std::time::SystemTime::UNIX_EPOCH);
        let (cause, reason) = ("change".into(), "a.rs changed".into());
        let (files, ready_after, uptime, exit, fault) = (None, None, Duration::ZERO, None, None);
        RunRecord { run, began, cause, reason, files, ready_after, uptime, exit, asked: false, fault }
    }

    #[test]
    fn one_end_is_a_marker_an_event_and_a_line_of_history() {
        let (status, at, uptime) = (ExitStatus::Code(1), Moment::START, Duration::from_secs(2));
        let exit = LastExit { status, at, uptime, asked: false, fault: None };
        let exited = Some(Exited { status, failed: None, next: NextTry::AfterChange("src/*.rs".into()) });
        let ended = fact(FactKind::Ended { exit, record: record(), exited });
        let said = "exited · code 1 · 14:02:11 · waiting for a change to src/*.rs · r restarts";
        assert_eq!((words(&ended).as_deref(), event(&ended).as_deref()), (Some(said), Some("exit exit 1")));
        assert_eq!((ended.record(), ended.notice(None)), (Some(&record()), None));
        let asked = fact(FactKind::Ended { exit: LastExit { asked: true, ..exit }, record: record(), exited: None });
        assert_eq!((words(&asked), event(&asked).as_deref()), (None, Some("exit exit 1, as requested")));
        let none =
            fact(FactKind::NotStarted { reason: "no such file".into(), record: record(), next: NextTry::ByHand });
        assert_eq!(words(&none).as_deref(), Some("could not start · no such file · 14:02:11"));
        assert_eq!(event(&none).as_deref(), Some("error could not start: no such file"));
        assert_eq!(none.record(), Some(&record()));
    }

    #[test]
    fn who_has_asked_for_an_end_is_told_with_it() {
        let (status, after) = (ExitStatus::Code(0), Duration::from_millis(1_500));
        let stopped = |by: Option<&str>| {
            words(&fact(FactKind::Marked(Marker::Stopped { status, after, by: by.map(Into::into) })))
        };
        assert_eq!(stopped(None).as_deref(), Some("stopped · exit 0 · 1.5s after the signal"));
        let by = Some("stopped · by devgroup stop · exit 0 · 1.5s after the signal");
        assert_eq!(stopped(Some("devgroup stop")).as_deref(), by);
    }

    #[test]
    fn a_wait_is_told_to_the_user_the_first_time_only() {
        let (action, wait) = (crate::domain::ChangeAction::Restart, Duration::from_secs(4));
        let marker = Marker::Limited { action, wait, written: None, starts: 8, soon: HowSoon::RightAfter };
        let limited = |is_first| fact(FactKind::Limited { marker: marker.clone(), is_first });
        let said = marker.untimed_words();
        assert_eq!(summary(&limited(true), shown("broken", true)), Some(format!("api: {said}")));
        assert_eq!(summary(&limited(false), shown("broken", true)), Some("broken".into()));
        assert_eq!(event(&limited(false)), Some(format!("notice {}", without_keys(&said, "api"))));
    }

    #[test]
    fn an_event_tells_its_time_once_and_names_no_key() {
        let waits = fact(FactKind::Marked(Marker::Waits { on: "db to be ready".into() }));
        assert_eq!(words(&waits).as_deref(), Some("waiting for db to be ready · 14:02:11"));
        assert_eq!(event(&waits).as_deref(), Some("notice waiting for db to be ready"));
        let problem = "validate failed · exit 1".into();
        let stale = fact(FactKind::Marked(Marker::Stale { runs: true, watches: true, problem }));
        let told = "validate stale · validate failed · exit 1 · save a file, or run devgroup restart api";
        assert_eq!(event(&stale).as_deref(), Some(told));
    }

    #[test]
    fn a_notice_goes_with_what_it_was_about_and_gives_way_to_nothing_less() {
        let well = of_group(FactKind::WatchWell("no watches".into()));
        assert_eq!(summary(&well, shown("no watches", true)), None);
        assert_eq!(summary(&well, shown("broken", true)).as_deref(), Some("broken"));
        assert_eq!(event(&well), None);
        let names = vec![ServiceName::from("api")];
        let result = HoldResult {
            git: Some("".into()),
            changes: 1,
            matter: 1,
            acted: names,
            wait: vec![],
            says_restarted: true,
        };
        let over = of_group(FactKind::HoldOver(result.clone()));
        assert_eq!(summary(&over, shown("broken", true)).as_deref(), Some("broken"));
        assert_eq!(summary(&over, shown("news", false)).as_deref(), Some("git · 1 change · api restarted"));
        let corrected = of_group(FactKind::HoldCorrected(HoldResult { says_restarted: false, ..result }));
        assert_eq!(summary(&corrected, over.notice(None)).as_deref(), Some("git · 1 change · api"));
        assert_eq!(summary(&corrected, shown("news", false)).as_deref(), Some("news"));
        let (files, services): (Arc<str>, Arc<str>) = ("procgroup.toml".into(), " · mail added".into());
        let reload = |differs| {
            let (files, services) = (files.clone(), services.clone());
            of_group(FactKind::Reload { differs, files, services, begins: false })
        };
        let reloaded = Some("procgroup.toml reloaded · mail added");
        assert_eq!(summary(&reload(true), shown("broken", true)).as_deref(), reloaded);
        assert_eq!(summary(&reload(false), shown("broken", true)).as_deref(), Some("broken"));
    }

    #[test]
    fn a_restart_is_told_from_a_start() {
        let ordered = |is_restart| event(&fact(FactKind::Ordered { cause: StartCause::Hand, is_restart }));
        assert_eq!(ordered(true).as_deref(), Some("restart manually"));
        assert_eq!(ordered(false).as_deref(), Some("start manually"));
    }
}
