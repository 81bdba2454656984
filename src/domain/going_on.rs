//! What is still to come of a service, soon and by itself: whoever asks what came of a change waits for it.

use std::fmt;

use super::ServiceName;

/// What is still to come of a service, soon and by itself. A backoff, a restart limit, a schedule and a hold that somebody
/// has asked for are not: they have a time of their own, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoingOn {
    /// Its changes wait for quiet, or are compared.
    Changes,
    /// Its changes wait for git, which is at work.
    Git,
    /// Whether it may replace what runs is being found out.
    Validation,
    /// It waits for a place (`[start] parallel`).
    Queue,
    /// It is starting.
    Start,
    /// Its run is being ended.
    Stop,
    /// Its run is about to be replaced.
    Replacement,
    /// Its `on_change` command runs.
    Command,
    /// The signal of its `on_change` waits until it is ready.
    Signal,
    /// It is a job, and runs.
    Job,
    /// Something goes on with this one, which it depends on or waits for.
    Other(ServiceName),
}

impl GoingOn {
    /// Whether those that depend on it and are up wait for the end of it, too. A job may run as long as they do.
    pub fn concerns_dependents(&self) -> bool {
        *self != Self::Job
    }
}

/// For a sentence: `api: starting`.
impl fmt::Display for GoingOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changes => "waiting for quiet",
            Self::Git => "waiting for git",
            Self::Validation => "validating",
            Self::Queue => "queued",
            Self::Start => "starting",
            Self::Stop => "stopping",
            Self::Replacement => "about to restart",
            Self::Command => "running its on_change command",
            Self::Signal => "about to be signalled",
            Self::Job => "running",
            Self::Other(name) => return write!(f, "waiting for {name}"),
        })
    }
}
