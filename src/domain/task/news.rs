//! What has happened to the tasks of a worker, for its log.

use std::sync::Arc;
use std::time::Duration;

use super::{DeadReason, Standby, TaskId, TaskStatus};

/// One thing that has happened. It becomes a marker.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskNews {
    /// A try begins.
    Try {
        /// Of this task.
        id: TaskId,
        /// Its number, from 1.
        number: u32,
        /// How many there may be.
        of: u32,
        /// How the one before ended: `exit 1`.
        after: Option<Arc<str>>,
    },
    /// A try has failed, and there is another one after a wait.
    Retries {
        /// Of this task.
        id: TaskId,
        /// `exit 1`, `timeout`, `interrupted`.
        why: Arc<str>,
        /// How long it has taken; `None` if devgroup was ended in the middle of it.
        took: Option<Duration>,
        /// How long the wait is.
        wait: Duration,
    },
    /// A task is completed.
    Completed {
        /// This one.
        id: TaskId,
        /// How long its last try took.
        took: Duration,
    },
    /// All tasks of a batch have ended.
    BatchDone {
        /// Its name.
        batch: Arc<str>,
        /// How many are completed.
        completed: u64,
        /// How many are not, and will not be.
        failed: u64,
    },
    /// A task was cancelled.
    Cancelled {
        /// This one.
        id: TaskId,
    },
    /// A file has become a dead letter.
    Dead {
        /// Its id, or its name.
        name: Arc<str>,
        /// The word for it.
        reason: DeadReason,
        /// What is wrong.
        detail: Arc<str>,
        /// Of one that was tried: what its result says.
        status: Option<TaskStatus>,
        /// How long its last try has taken, where that is known.
        took: Option<Duration>,
    },
    /// A task waits again, since the worker stops.
    GivenBack {
        /// This one.
        id: TaskId,
    },
    /// A try took too long, and was asked to end.
    TimedOut {
        /// Of this task.
        id: TaskId,
        /// How long it may take.
        timeout: Duration,
    },
    /// A try did not end when it was asked to.
    Killed {
        /// Of this task.
        id: TaskId,
        /// How long was waited; none if nobody wanted to.
        grace: Option<Duration>,
    },
    /// A try outlives KILL.
    Unkillable {
        /// Of this task.
        id: TaskId,
    },
    /// So many tries have failed in a row that nothing is claimed for a while.
    BreakerOpen {
        /// How many.
        failures: u32,
        /// For how long.
        cooldown: Duration,
    },
    /// One task is the test.
    BreakerHalfOpen,
    /// The test was passed.
    BreakerClosed,
    /// The folder belongs to somebody else.
    Standby(Standby),
    /// The folder is this worker's.
    Owned {
        /// Claimed tasks that were found.
        claims: usize,
    },
    /// Files cannot be written.
    CannotWrite {
        /// Which, and what the system said.
        problem: Arc<str>,
    },
    /// They can again.
    WritesAgain,
    /// The server that its tasks go through cannot be reached.
    ServerAway {
        /// Which, and why.
        problem: Arc<str>,
    },
    /// It can again.
    ServerBack,
    /// The heartbeat of a remote worker is too old.
    Lost,
    /// It is there again.
    Found,
}

impl TaskNews {
    /// The task that it is about: its id, or the name of a file that is none.
    pub fn task(&self) -> Option<&str> {
        match self {
            Self::Try { id, .. }
            | Self::Retries { id, .. }
            | Self::Completed { id, .. }
            | Self::Cancelled { id }
            | Self::GivenBack { id }
            | Self::TimedOut { id, .. }
            | Self::Killed { id, .. }
            | Self::Unkillable { id } => Some(id.as_str()),
            Self::Dead { name, .. } => Some(name),
            Self::BreakerOpen { .. }
            | Self::BreakerHalfOpen
            | Self::BreakerClosed
            | Self::Standby(_)
            | Self::Owned { .. }
            | Self::CannotWrite { .. }
            | Self::WritesAgain
            | Self::ServerAway { .. }
            | Self::ServerBack
            | Self::BatchDone { .. }
            | Self::Lost
            | Self::Found => None,
        }
    }

    /// How long the try has taken that has ended by it, where that is known.
    pub fn took(&self) -> Option<Duration> {
        match self {
            Self::Completed { took, .. } => Some(*took),
            Self::Retries { took, .. } | Self::Dead { took, .. } => *took,
            _ => None,
        }
    }
}
