//! What a worker does with its tasks, as JSON.

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::domain::{BreakerState, WorkerHealth, WorkerSnapshot, worker_counts};

/// `status` of one that does not work.
const STOPPED: &str = "stopped";

/// The tasks of a worker, and how it is. `concurrency` and `active` are 0 where somebody else works them off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Tries that run.
    pub active: u32,
    /// How many may run at once.
    pub concurrency: u32,
    /// Tasks that wait for a place; where somebody else works them off, all that do not run.
    pub waiting: u32,
    /// Dead letters in its folder.
    pub dead: u32,
    /// `closed`, `open` (nothing is claimed, because too many tries in a row have failed), `half_open` (one task is the test).
    pub breaker: String,
    /// When an open breaker lets one task through. RFC 3339 UTC.
    #[serde(default)]
    pub breaker_until: Option<String>,
    /// Tasks that wait for a dependency.
    #[serde(default)]
    pub blocked: u32,
    /// Tasks that wait for their next try.
    #[serde(default)]
    pub retrying: u32,
    /// `healthy`, `degraded`, `unhealthy`, `stopped`, as in its heartbeat.
    #[serde(default)]
    pub status: String,
    /// What is wrong, for people.
    #[serde(default)]
    pub problem: Option<String>,
    /// The group that its folder belongs to, while that is another one.
    #[serde(default)]
    pub standby: Option<Owner>,
    /// Somebody else works its tasks off.
    #[serde(default)]
    pub remote: bool,
    /// Its heartbeat is too old.
    #[serde(default)]
    pub lost: bool,
    /// Since it was first started, ever.
    #[serde(default)]
    pub stats: Stats,
}

/// A group that has the folder of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its name; empty if it cannot be read.
    pub group: String,
    /// Its process.
    pub pid: Option<u32>,
}

/// `stats` of the worker's heartbeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Tasks that were completed.
    pub tasks_processed: u64,
    /// Tries that have failed.
    pub tasks_failed: u64,
    /// Tries after the first one of a task.
    pub tasks_retried: u64,
    /// Dead letters.
    pub tasks_dlq: u64,
}

impl Worker {
    pub(super) fn new(worker: &WorkerSnapshot, clock: Clock) -> Self {
        let (breaker, until) = match worker.breaker {
            BreakerState::Closed => ("closed", None),
            BreakerState::Open { until } => ("open", Some(clock.rfc3339(until))),
            BreakerState::HalfOpen => ("half_open", None),
        };
        let status = match worker.health {
            WorkerHealth::Healthy => "healthy",
            WorkerHealth::Degraded => "degraded",
            WorkerHealth::Unhealthy => "unhealthy",
            WorkerHealth::Stopped => STOPPED,
        };
        Self {
            active: worker.active,
            concurrency: worker.concurrency,
            waiting: worker.waiting,
            dead: worker.dead,
            breaker: breaker.into(),
            breaker_until: until,
            blocked: worker.blocked,
            retrying: worker.retrying,
            status: status.into(),
            problem: worker.problem.as_deref().map(Into::into),
            standby: worker.standby.as_ref().map(|owner| Owner { group: owner.group.to_string(), pid: owner.pid }),
            remote: worker.remote,
            lost: worker.lost,
            stats: Stats {
                tasks_processed: worker.stats.processed,
                tasks_failed: worker.stats.failed,
                tasks_retried: worker.stats.retried,
                tasks_dlq: worker.stats.dead,
            },
        }
    }

    /// Whether it does not work.
    pub fn is_stopped(&self) -> bool {
        self.status == STOPPED
    }

    /// `2/3`, `14 waiting`, `1 dead`, `3 blocked`, `breaker open`: as the dashboard says it.
    pub fn notes(&self) -> Vec<String> {
        let works_here = !self.remote && self.standby.is_none() && !self.is_stopped();
        let places = works_here.then_some((self.active, self.concurrency));
        let breaker = (self.breaker != "closed").then(|| format!("breaker {}", self.breaker.replace('_', "-")));
        let counts = [self.waiting, self.dead, self.blocked, self.retrying];
        worker_counts(places, counts).into_iter().chain(breaker).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Moment, Standby};

    #[test]
    fn the_keys_of_the_contract_come_first() {
        let json = serde_json::to_string(&Worker::new(&WorkerSnapshot::busy(), Clock::start())).unwrap();
        let first =
            r#"{"active":2,"concurrency":3,"waiting":14,"dead":1,"breaker":"closed","breaker_until":null,"blocked":3,"#;
        assert!(json.starts_with(first), "{json}");
        let stats = r#""stats":{"tasks_processed":812,"tasks_failed":31,"tasks_retried":24,"tasks_dlq":3}}"#;
        assert!(json.ends_with(stats), "{json}");
        let old = r#"{"active":2,"concurrency":3,"waiting":14,"dead":1,"breaker":"closed"}"#;
        assert_eq!(serde_json::from_str::<Worker>(old).unwrap().waiting, 14, "a group of another version");
    }

    #[test]
    fn it_is_told_as_on_the_dashboard() {
        let notes = |worker: WorkerSnapshot| Worker::new(&worker, Clock::start()).notes().join(", ");
        assert_eq!(notes(WorkerSnapshot::busy()), "2/3, 14 waiting, 1 dead, 3 blocked, 1 retrying");
        let notes = |worker| notes(WorkerSnapshot { blocked: 0, retrying: 0, ..worker });
        let open = BreakerState::Open { until: Moment::from_millis(1) };
        assert_eq!(
            notes(WorkerSnapshot { breaker: open, ..WorkerSnapshot::busy() }),
            "2/3, 14 waiting, 1 dead, breaker open"
        );
        let half = BreakerState::HalfOpen;
        assert_eq!(
            notes(WorkerSnapshot { breaker: half, dead: 0, ..WorkerSnapshot::busy() }),
            "2/3, 14 waiting, breaker half-open"
        );
        let standby = Some(Standby { group: "shop".into(), pid: Some(48_001) });
        assert_eq!(notes(WorkerSnapshot { standby, waiting: 0, dead: 0, ..WorkerSnapshot::busy() }), "");
        assert_eq!(notes(WorkerSnapshot { waiting: 14, ..WorkerSnapshot::stopped(3) }), "14 waiting");
    }
}
