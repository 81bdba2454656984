//! What has happened since a moment, service by service, counted from the events of the group.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::domain::{GroupEvent, GroupEventKind, Moment, RunId, ServiceName, StartCause};
use crate::group_handle::EventLog;

/// Events that are taken at once.
const AT_ONCE: usize = 1_000;

/// Different files, in the order of their first change.
#[derive(Debug, Default)]
pub(super) struct Files {
    all: Vec<Arc<str>>,
    known: HashSet<Arc<str>>,
}

impl Files {
    /// Files that are named; of more, only the number.
    const NAMED: usize = 100;

    fn add(&mut self, path: &Arc<str>) {
        if self.known.insert(Arc::clone(path)) {
            self.all.push(Arc::clone(path));
        }
    }

    pub(super) fn named(&self) -> Vec<String> {
        self.all.iter().take(Self::NAMED).map(ToString::to_string).collect()
    }

    pub(super) fn more(&self) -> u64 {
        self.all.len().saturating_sub(Self::NAMED) as u64
    }
}

/// A run that has begun since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) run: RunId,
    /// The change that it is for; without one, when it was ordered.
    pub(super) from: Moment,
    /// When it was ready, or ended.
    pub(super) until: Option<Moment>,
}

/// What has happened to one service.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) files: Files,
    /// The last change of its files.
    pub(super) changed: Option<Moment>,
    /// The last run that was ordered, but for those after a crash.
    pub(super) begun: Option<Begun>,
    /// When the last validation of its files has ended.
    pub(super) validated: Option<Moment>,
    /// What was told of it last, without a time: what was done instead of a restart.
    pub(super) said: Option<Arc<str>>,
}

/// What has happened to all.
#[derive(Debug, Default)]
pub(super) struct Happened {
    /// The number of the last event that is in it.
    pub(super) seen: u64,
    /// Events that were forgotten before they could be counted.
    pub(super) lost: u64,
    pub(super) files: Files,
    pub(super) services: BTreeMap<ServiceName, Told>,
}

impl Happened {
    pub(super) fn after(seq: u64) -> Self {
        Self { seen: seq, ..Self::default() }
    }

    /// Takes in what has happened meanwhile.
    pub(super) fn take(&mut self, log: &EventLog) {
        loop {
            let events = log.after(self.seen, AT_ONCE);
            events.iter().for_each(|event| self.add(event));
            if events.len() < AT_ONCE {
                return;
            }
        }
    }

    fn add(&mut self, event: &GroupEvent) {
        self.lost += event.seq.saturating_sub(self.seen + 1);
        self.seen = event.seq;
        match (&event.kind, &event.service) {
            (GroupEventKind::Change { path, services, .. }, _) => {
                self.files.add(path);
                for name in services.iter() {
                    let told = self.services.entry(name.clone()).or_default();
                    told.files.add(path);
                    told.changed = told.changed.max(Some(event.at));
                }
            }
            (GroupEventKind::Reload { files, .. }, _) => self.files.add(files),
            (GroupEventKind::Start(reason) | GroupEventKind::Restart(reason), Some(name)) => {
                self.begun(name, &reason.cause, event);
            }
            (GroupEventKind::Ready(_) | GroupEventKind::Exit { .. }, Some(name)) => {
                let begun = self.services.get_mut(name).and_then(|told| told.begun.as_mut());
                if let Some(begun) = begun.filter(|begun| Some(begun.run) == event.run) {
                    begun.until.get_or_insert(event.at);
                }
            }
            (GroupEventKind::Validate(_), Some(name)) => {
                if let Some(told) = self.services.get_mut(name) {
                    told.validated = Some(event.at);
                }
            }
            (GroupEventKind::Notice(text), Some(name)) => {
                if let Some(told) = self.services.get_mut(name) {
                    told.said = Some(Arc::clone(text));
                }
            }
            _ => {}
        }
    }

    /// A run was ordered. One by its schedule is none that a change has led to.
    fn begun(&mut self, name: &ServiceName, cause: &StartCause, event: &GroupEvent) {
        let is_again = match cause {
            StartCause::Schedule => return,
            StartCause::Crash { .. } | StartCause::Retry { .. } | StartCause::Stuck(_) | StartCause::OverLimit(_) => {
                true
            }
            StartCause::First
            | StartCause::Change(_)
            | StartCause::Hand
            | StartCause::Client(_)
            | StartCause::NeededBy(_)
            | StartCause::Dependency(_)
            | StartCause::Config { .. }
            | StartCause::Scaled(_) => false,
        };
        let told = self.services.entry(name.clone()).or_default();
        match cause {
            // What it is for may have changed before.
            StartCause::Change(files) => told.files.add(&files.first),
            StartCause::Config { files } => told.files.add(files),
            _ => {}
        }
        if !is_again || told.begun.is_none() {
            let run = event.run.unwrap_or_default();
            told.begun = Some(Begun { run, from: told.changed.unwrap_or(event.at), until: None });
        }
    }
}

/// A run that has begun then, for tests.
#[cfg(test)]
pub(super) fn begun_at(from: Moment) -> Begun {
    Begun { run: RunId(2), from, until: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ChangeKind, ExitStatus, FilesChanged, RestartReason, Rule, RuleSource};
    use std::time::Duration;

    fn change(path: &str, services: &[&str]) -> GroupEventKind {
        GroupEventKind::Change {
            path: path.into(),
            kind: ChangeKind::Modified,
            services: services.iter().map(|name| ServiceName::from(*name)).collect(),
            rule: Rule { source: RuleSource::GroupAlso, line: None, file: None, pattern: "**".into() },
            begins: false,
        }
    }

    fn restart(cause: StartCause) -> GroupEventKind {
        GroupEventKind::Restart(RestartReason { cause, rule: None })
    }

    fn by(first: &str) -> StartCause {
        StartCause::Change(FilesChanged { first: first.into(), more: 0 })
    }

    fn exit() -> GroupEventKind {
        GroupEventKind::Exit { status: ExitStatus::Code(1), asked: false, fault: None, uptime: Duration::ZERO }
    }

    /// Each at its time in milliseconds, to `api` in that run.
    fn happened(events: Vec<(u64, u32, GroupEventKind)>) -> Happened {
        let log = EventLog::default();
        for (at, run, kind) in events {
            log.push(GroupEvent::new(Moment::from_millis(at), Some("api".into()), Some(RunId(run)), kind));
        }
        let mut happened = Happened::after(0);
        happened.take(&log);
        happened
    }

    fn took(happened: &Happened) -> Option<u128> {
        let begun = happened.services.get(&ServiceName::from("api"))?.begun?;
        Some(begun.until?.since(begun.from).as_millis())
    }

    #[test]
    fn a_run_takes_from_the_change_until_it_is_ready_whatever_happens_later() {
        let ready = || GroupEventKind::Ready(Duration::ZERO);
        let crash = || restart(StartCause::Crash { attempt: 1, of: 5 });
        let happened = happened(vec![
            (0, 0, change("a", &["api", "web"])),
            (20, 0, change("a", &["api", "web"])),
            (30, 0, change("b", &["web"])),
            (100, 1, exit()),
            (110, 2, restart(by("a"))),
            (300, 2, ready()),
            (900, 2, exit()),
            (950, 3, crash()),
            (999, 3, ready()),
        ]);
        assert_eq!(took(&happened), Some(280), "from the last change");
        let files = |name: &str| happened.services[&ServiceName::from(name)].files.named();
        assert_eq!((files("api"), files("web")), (vec!["a".to_owned()], vec!["a".into(), "b".into()]));
        assert_eq!((happened.files.named().len(), happened.files.more(), happened.lost), (2, 0, 0));
    }

    #[test]
    fn a_restart_for_an_earlier_change_names_its_file_and_a_schedule_concerns_nobody() {
        let happened_by = |cause| happened(vec![(110, 2, restart(cause)), (300, 2, exit())]);
        let happened = happened_by(by("old.rs"));
        assert_eq!(happened.services[&ServiceName::from("api")].files.named(), ["old.rs"]);
        assert_eq!(took(&happened), Some(190));
        assert!(happened_by(StartCause::Schedule).services.is_empty());
        let happened = happened_by(StartCause::Config { files: "procgroup.toml".into() });
        assert_eq!(happened.services[&ServiceName::from("api")].files.named(), ["procgroup.toml"]);
    }

    #[test]
    fn what_was_done_instead_of_a_restart_is_told() {
        let notice = GroupEventKind::Notice("sent SIGHUP · a changed".into());
        let happened = happened(vec![(0, 1, change("a", &["api"])), (20, 1, notice)]);
        assert_eq!(happened.services[&ServiceName::from("api")].said.as_deref(), Some("sent SIGHUP · a changed"));
    }

    #[test]
    fn what_is_forgotten_is_counted() {
        let log = EventLog::default();
        for n in 0..EventLog::CAPACITY as u64 + 7 {
            log.push(GroupEvent::new(Moment::from_millis(n), None, None, change(&n.to_string(), &["api"])));
        }
        let mut happened = Happened::after(0);
        happened.take(&log);
        assert_eq!(
            (happened.lost, happened.files.named().len(), happened.files.more()),
            (7, 100, EventLog::CAPACITY as u64 - 100)
        );
    }
}
