//! What every client sees of a group that is being stopped.

use std::time::Duration;

use super::{Moment, ServiceName, Signal};

/// The group is being stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopping {
    /// When it was asked to.
    pub since: Moment,
    /// KILL was asked for.
    pub killing: bool,
    /// Each service, in the order in which they stop.
    pub services: Vec<StopProgress>,
}

impl Stopping {
    /// How many services have stopped, and of how many that ran: what did not run need not stop.
    pub fn progress(&self) -> (usize, usize) {
        let ran = || self.services.iter().filter(|service| service.state != StopState::WasNotRunning);
        let stopped = ran().filter(|service| matches!(service.state, StopState::Stopped { .. }));
        (stopped.count(), ran().count())
    }
}

/// How far one service is with stopping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopProgress {
    /// Name of the service.
    pub name: ServiceName,
    /// What it has been sent, and whether it has ended.
    pub state: StopState,
}

/// How far a service is with stopping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopState {
    /// There was nothing to stop.
    WasNotRunning,
    /// Those that depend on it stop first.
    Waiting,
    /// It was asked to end.
    Asked {
        /// The signal; `None` for a stop command.
        signal: Option<Signal>,
        /// When the signal was sent, or the stop command started.
        at: Moment,
        /// When KILL follows.
        kill_at: Moment,
        /// It ignores the signal: nothing else is to be expected of it.
        ignored: bool,
    },
    /// KILL was sent.
    Killed {
        /// When KILL was sent.
        at: Moment,
    },
    /// KILL did not end it.
    GivenUp,
    /// It has ended, with all of its group.
    Stopped {
        /// The last signal that it was sent; `None` for a stop command.
        signal: Option<Signal>,
        /// From the first signal to the end.
        after: Duration,
    },
}
