//! What is to be run, as plain data.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{ExitStatus, ReadyCheck, RunCommand, RunId, ServiceName, StartCause};
use crate::logs::LogDocument;

/// A run of a service, with all that it takes.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Whose run.
    pub service: ServiceName,
    /// Its number.
    pub run: RunId,
    /// What is executed.
    pub command: RunCommand,
    /// The command on one line, for the marker.
    pub display: String,
    /// Where; absolute.
    pub dir: PathBuf,
    /// The whole environment: it replaces the inherited one. Later entries win. (`SHELL` is added by the terminal
    /// library if it is missing.)
    pub env: Vec<(OsString, OsString)>,
    /// When it counts as ready; `None`: nobody asks.
    pub ready: Option<ReadyCheck>,
    /// Why it is started, for the marker.
    pub cause: StartCause,
    /// How the run before ended, and after how long, for the marker.
    pub was: Option<(ExitStatus, Duration)>,
    /// Where its output goes.
    pub document: Arc<LogDocument>,
}

/// A command beside a service: a hook of `on_change`, or its stop command. It has no terminal and reads nothing; its
/// output goes to the log of the service in whole lines. What it leaves running in its process group ends with it.
#[derive(Clone, Debug)]
pub struct Aside {
    /// Beside whom.
    pub service: ServiceName,
    /// What is executed.
    pub command: RunCommand,
    /// Where; absolute.
    pub dir: PathBuf,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// Where its output goes.
    pub document: Arc<LogDocument>,
}
