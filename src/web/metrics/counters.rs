//! What has happened since the group began, counted: one more reader of facts. All else on the page is in the snapshot.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::text::Histogram;
use crate::domain::{Fact, FactKind, Fault, Marker, ServiceName, TaskMarker, TaskNews};

/// The results of runs.
pub(super) const RESULTS: [&str; 8] =
    ["done", "failed", "stopped", "not-ready", "stuck", "over-limit", "daemonized", "not-started"];

/// In seconds: from a program that is up at once to the longest that `ready` waits by default, and beyond.
const READY: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// In seconds: from a script to the work of an agent.
const TRIES: &[f64] = &[0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0];

/// The counts of all services and workers. Of those that are gone as well: who comes back goes on counting.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<ServiceName, Counts>>);

/// What has happened to a service or a worker.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counts {
    /// Runs that are over, by their result.
    pub(super) exits: BTreeMap<&'static str, u64>,
    /// From the start of a run to its readiness.
    pub(super) ready: Histogram,
    /// Tasks that have a result, by its status.
    pub(super) tasks: BTreeMap<&'static str, u64>,
    /// Dead letters, by their reason.
    pub(super) dead: BTreeMap<&'static str, u64>,
    /// Tries that have ended by themselves or by their timeout.
    pub(super) tries: Histogram,
}

impl Default for Counts {
    fn default() -> Self {
        let (exits, tasks, dead) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { exits, ready: Histogram::new(READY), tasks, dead, tries: Histogram::new(TRIES) }
    }
}

impl Counters {
    /// Something has happened.
    pub fn record(&self, fact: &Fact) {
        let Some(service) = &fact.service else { return };
        match &fact.kind {
            FactKind::Marked(Marker::Ready { after, .. }) => self.count(service, |counts| counts.ready.add(*after)),
            FactKind::Marked(Marker::Task(TaskMarker::News { news, .. })) => {
                self.count(service, |counts| counts.news(news));
            }
            kind => {
                if let Some(result) = result(kind) {
                    self.count(service, |counts| add(&mut counts.exits, result));
                }
            }
        }
    }

    /// All that was counted, for a page: who counts must not wait until that is written.
    pub(super) fn all(&self) -> BTreeMap<ServiceName, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, service: &ServiceName, count: impl FnOnce(&mut Counts)) {
        count(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(service.clone()).or_default());
    }
}

impl Counts {
    fn news(&mut self, news: &TaskNews) {
        match news {
            TaskNews::Completed { .. } => add(&mut self.tasks, "completed"),
            TaskNews::Cancelled { .. } => add(&mut self.tasks, "cancelled"),
            TaskNews::Dead { reason, status, .. } => {
                add(&mut self.dead, reason.word());
                if let Some(status) = status {
                    add(&mut self.tasks, status.word());
                }
            }
            _ => {}
        }
        if let Some(took) = news.took() {
            self.tries.add(took);
        }
    }
}

fn add(counts: &mut BTreeMap<&'static str, u64>, word: &'static str) {
    let count = counts.entry(word).or_default();
    *count = count.saturating_add(1);
}

/// How a run has ended, if it has.
fn result(kind: &FactKind) -> Option<&'static str> {
    Some(match kind {
        FactKind::NotStarted { .. } => "not-started",
        FactKind::Ended { exit, .. } => match exit.fault {
            Some(Fault::NotReady(_)) => "not-ready",
            Some(Fault::Stuck) => "stuck",
            Some(Fault::OverLimit(_)) => "over-limit",
            Some(Fault::Daemonized) => "daemonized",
            Some(Fault::EndedEarly) => "failed",
            None if exit.asked => "stopped",
            None if exit.status.is_success() => "done",
            None => "failed",
        },
        FactKind::EndedElsewhere { record, .. } if record.exit?.is_success() => "done",
        FactKind::EndedElsewhere { .. } => "failed",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::domain::{DeadReason, ExitStatus, LastExit, Moment, NextTry, RunId, RunRecord, TaskId, TaskStatus};

    fn record(exit: Option<ExitStatus>) -> RunRecord {
        RunRecord { exit, ..RunRecord::elsewhere(SystemTime::UNIX_EPOCH, Duration::ZERO, ExitStatus::Code(0)) }
    }

    fn fact(kind: FactKind) -> Fact {
        Fact { at: Moment::START, service: Some("api".into()), run: Some(RunId(1)), kind }
    }

    fn ended(status: ExitStatus, asked: bool, fault: Option<Fault>) -> FactKind {
        let exit = LastExit { status, at: Moment::START, uptime: Duration::ZERO, asked, fault };
        FactKind::Ended { exit, record: record(Some(status)), exited: None }
    }

    #[test]
    fn each_end_of_a_run_has_one_result() {
        let seconds = Duration::from_secs;
        let (good, bad) = (ExitStatus::Code(0), ExitStatus::Code(3));
        let killed = ExitStatus::Signal(9);
        let over = crate::domain::OverLimit { memory: 2, limit: 1 };
        for (kind, word) in [
            (ended(good, false, None), "done"),
            (ended(bad, false, None), "failed"),
            (ended(killed, false, None), "failed"),
            (ended(killed, true, None), "stopped"),
            (ended(killed, true, Some(Fault::NotReady(seconds(2)))), "not-ready"),
            (ended(killed, true, Some(Fault::Stuck)), "stuck"),
            (ended(killed, true, Some(Fault::OverLimit(over))), "over-limit"),
            (ended(good, false, Some(Fault::EndedEarly)), "failed"),
            (ended(good, false, Some(Fault::Daemonized)), "daemonized"),
            (FactKind::NotStarted { reason: "x".into(), record: record(None), next: NextTry::ByHand }, "not-started"),
        ] {
            assert_eq!(result(&kind), Some(word), "{kind:?}");
            assert!(RESULTS.contains(&word));
        }
        let elsewhere = |exit| {
            let marker = Marker::Ready { after: Duration::ZERO, restart: false };
            result(&FactKind::EndedElsewhere { marker, record: record(exit) })
        };
        assert_eq!(
            [elsewhere(Some(good)), elsewhere(Some(bad)), elsewhere(None)],
            [Some("done"), Some("failed"), None]
        );
        assert_eq!(result(&FactKind::Stop), None);
    }

    #[test]
    fn what_happens_to_a_service_is_counted_there() {
        let counters = Counters::default();
        for _ in 0..2 {
            counters.record(&fact(ended(ExitStatus::Code(1), false, None)));
        }
        counters.record(&fact(FactKind::Marked(Marker::Ready { after: Duration::from_secs(3), restart: false })));
        counters.record(&Fact { service: None, ..fact(FactKind::Stop) });
        let all = counters.all();
        let (names, api): (Vec<_>, _) = (all.keys().cloned().collect(), &all[&ServiceName::from("api")]);
        assert_eq!((names, api.exits.clone(), api.ready.count()), (vec!["api".into()], [("failed", 2)].into(), 1));
    }

    #[test]
    fn a_task_has_one_result_and_each_of_its_tries_a_duration() {
        let id = || TaskId::parse("t").unwrap();
        let took = Some(Duration::from_secs(1));
        let mut counts = Counts::default();
        let dead = |reason, status| TaskNews::Dead { name: "t".into(), reason, detail: "".into(), status, took };
        counts.news(&TaskNews::Retries { id: id(), why: "exit 1".into(), took, wait: Duration::ZERO });
        counts.news(&dead(DeadReason::MaxRetriesExceeded, Some(TaskStatus::Timeout)));
        counts.news(&TaskNews::Completed { id: id(), took: Duration::from_secs(2) });
        counts.news(&TaskNews::Cancelled { id: id() });
        let invalid = TaskNews::Dead {
            name: "x.json".into(),
            reason: DeadReason::InvalidJson,
            detail: "".into(),
            status: None,
            took: None,
        };
        counts.news(&invalid);
        counts.news(&TaskNews::BreakerClosed);
        assert_eq!(counts.tasks, [("cancelled", 1), ("completed", 1), ("timeout", 1)].into());
        assert_eq!(counts.dead, [("invalid_json", 1), ("max_retries_exceeded", 1)].into());
        assert_eq!(counts.tries.count(), 3);
    }
}
