//! What clients see of workers and their tasks.

use std::sync::Arc;
use std::time::SystemTime;

use super::{DeadReason, Priority, TaskId};
use crate::domain::{Moment, ServiceName};

/// The state of a worker at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSnapshot {
    /// Tries that run.
    pub active: u32,
    /// How many may.
    pub concurrency: u32,
    /// Tasks that wait for a place; where somebody else works them off, all that do not run.
    pub waiting: u32,
    /// Tasks that wait for a dependency.
    pub blocked: u32,
    /// Tasks that wait for their next try.
    pub retrying: u32,
    /// Dead letters in its folder.
    pub dead: u32,
    /// Whether tasks are claimed.
    pub breaker: BreakerState,
    /// How it is.
    pub health: WorkerHealth,
    /// What is wrong, for people.
    pub problem: Option<Arc<str>>,
    /// Its folder belongs to another group.
    pub standby: Option<Standby>,
    /// Somebody else works it off.
    pub remote: bool,
    /// Its heartbeat is too old.
    pub lost: bool,
    /// Since it was first started, ever.
    pub stats: TaskStats,
}

impl WorkerSnapshot {
    /// One that does not work, and has nothing to do.
    pub fn stopped(concurrency: u32) -> Self {
        Self {
            active: 0,
            concurrency,
            waiting: 0,
            blocked: 0,
            retrying: 0,
            dead: 0,
            breaker: BreakerState::Closed,
            health: WorkerHealth::Stopped,
            problem: None,
            standby: None,
            remote: false,
            lost: false,
            stats: TaskStats::default(),
        }
    }
}

#[cfg(test)]
impl WorkerSnapshot {
    /// One at work, for tests: two of three tries run, 14 tasks wait, one is dead.
    pub(crate) fn busy() -> Self {
        Self {
            active: 2,
            concurrency: 3,
            waiting: 14,
            blocked: 3,
            retrying: 1,
            dead: 1,
            breaker: BreakerState::Closed,
            health: WorkerHealth::Healthy,
            problem: None,
            standby: None,
            remote: false,
            lost: false,
            stats: TaskStats { processed: 812, failed: 31, retried: 24, dead: 3 },
        }
    }
}

/// Whether tasks are claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BreakerState {
    /// They are.
    #[default]
    Closed,
    /// Too many tries have failed: nothing is claimed until then.
    Open {
        /// When one task is the test.
        until: Moment,
    },
    /// One task is the test.
    HalfOpen,
}

impl BreakerState {
    /// The word in a heartbeat.
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// `status` of a heartbeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkerHealth {
    /// All is well.
    #[default]
    Healthy,
    /// The breaker is not closed.
    Degraded,
    /// It cannot write its files.
    Unhealthy,
    /// It does not work.
    Stopped,
}

/// To whom the folder belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standby {
    /// The name of that group; empty if it cannot be read.
    pub group: Arc<str>,
    /// Its program.
    pub pid: Option<u32>,
}

/// `stats` of a heartbeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskStats {
    /// Tasks that were completed.
    pub processed: u64,
    /// Tries that have failed.
    pub failed: u64,
    /// Tries after the first one of a task.
    pub retried: u64,
    /// Dead letters.
    pub dead: u64,
}

/// Where a task is in its life. The words of `task list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It waits for a place.
    Waiting,
    /// It waits for these.
    Blocked(Vec<TaskId>),
    /// A try of it runs.
    Running,
    /// It waits for its next try.
    Retrying {
        /// When that is due, if it is known.
        at: Option<SystemTime>,
    },
    /// Its result says so.
    Completed,
    /// Its result says that somebody wanted it to end.
    Cancelled,
    /// It is a dead letter.
    Dead(DeadReason),
}

impl TaskState {
    /// All words, in the order of the states.
    pub const WORDS: [&'static str; 7] =
        ["waiting", "blocked", "running", "retrying", "completed", "cancelled", "dead"];

    /// Whether nothing more is done about it.
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Dead(_))
    }

    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Blocked(_) => "blocked",
            Self::Running => "running",
            Self::Retrying { .. } => "retrying",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Dead(_) => "dead",
        }
    }
}

/// A task in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRow {
    /// Its id, or the name of a file that has none.
    pub id: Arc<str>,
    /// Whose it is.
    pub worker: ServiceName,
    /// Where it is in its life.
    pub state: TaskState,
    /// Its priority, if it could be read.
    pub priority: Option<Priority>,
    /// Tries that have begun.
    pub tries: u32,
    /// When it came into this state, as far as files tell.
    pub since: Option<SystemTime>,
    /// Why it is where it is, in a line for people; may be empty.
    pub reason: Arc<str>,
    /// Its batch.
    pub batch: Option<Arc<str>>,
}

/// The tasks of a folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskTable {
    /// The first of them: running, retrying, waiting in their order, blocked, dead, then cancelled and completed, each from
    /// the newest.
    pub rows: Vec<TaskRow>,
    /// How many there are of each state, in the order of [`TaskState`].
    pub counts: [usize; 7],
}

impl TaskTable {
    /// `2 running`, `14 waiting`: how many tasks are in each state, what needs a look first. Nothing is said of none.
    pub fn told(&self) -> Vec<String> {
        let [waiting, blocked, running, retrying, completed, cancelled, dead] = self.counts;
        let counts = [
            (running, "running"),
            (retrying, "retrying"),
            (waiting, "waiting"),
            (blocked, "blocked"),
            (dead, "dead"),
            (cancelled, "cancelled"),
            (completed, "completed"),
        ];
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect()
    }
}

/// A task, its last result and its output.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskDetails {
    /// As in the list.
    pub row: TaskRow,
    /// What is known of it, as texts below a heading each: the task, the result or dead letter, stdout, stderr.
    pub texts: Vec<TaskText>,
}

/// A text below a heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskText {
    /// What it is.
    pub title: &'static str,
    /// The text; may hold escape sequences.
    pub text: Arc<str>,
}
