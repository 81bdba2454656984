//! What became of the runs of a service: the last ones, also those of earlier calls of devgroup.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{ExitStatus, FilesChanged, LastExit, Outcome, RunId, ServiceName};

/// Runs that are remembered of each service.
pub const HISTORY: usize = 50;

/// One run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its number, in the call of devgroup that it belongs to; 0 in another terminal.
    pub run: RunId,
    /// When it was asked for.
    pub began: SystemTime,
    /// Why, in one word: `change`, `crash`, `manual`, …
    pub cause: Arc<str>,
    /// Why, for people.
    pub reason: Arc<str>,
    /// The files behind it, if it was a change.
    pub files: Option<FilesChanged>,
    /// From its start to its readiness; `None` without a check, or if it never was ready.
    pub ready_after: Option<Duration>,
    /// How long it ran; zero if no process could be made.
    pub uptime: Duration,
    /// How it ended; `None` if no process could be made.
    pub exit: Option<ExitStatus>,
    /// It had been asked to end.
    pub asked: bool,
    /// Why that was a failure, where the status does not say it: `not ready in 2s`.
    pub fault: Option<Arc<str>>,
}

impl RunRecord {
    /// A run of a job in another terminal (`devgroup run`). No group has given it a number.
    pub fn elsewhere(began: SystemTime, uptime: Duration, exit: ExitStatus) -> Self {
        Self {
            run: RunId::default(),
            began,
            cause: "elsewhere".into(),
            reason: "devgroup run".into(),
            files: None,
            ready_after: None,
            uptime,
            exit: Some(exit),
            asked: false,
            fault: None,
        }
    }

    /// Its number; `None`: it was in another terminal.
    pub fn number(&self) -> Option<RunId> {
        Some(self.run).filter(|run| *run != RunId::default())
    }
}

/// The last runs of a service, oldest first; at most [`HISTORY`].
pub type RunHistory = Arc<Vec<RunRecord>>;

/// How a run of this call of devgroup has ended, with all of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// Number of the run.
    pub run: RunId,
    /// What became of it by itself; `None` if it was asked to end before.
    pub outcome: Option<Outcome>,
    /// It was to be tried again.
    pub again: bool,
    /// How its process ended; `None` if there was none.
    pub exit: Option<LastExit>,
}

impl RunEnd {
    /// Ends that are kept of each service.
    pub const KEPT: usize = 8;
}

/// The last runs of all services.
pub type GroupHistory = BTreeMap<ServiceName, RunHistory>;
