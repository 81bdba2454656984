//! Fact: where a service is in its life.

use std::fmt;
use std::sync::Arc;

use super::{Moment, RunId, ServiceName, Signal};

/// What a service is doing. Desire (`wanted`) is a different field; the engine drives one to the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Wanted, but waits for these.
    Blocked {
        /// The dependencies that have not reached their condition.
        on: Vec<ServiceName>,
        /// One that will not reach it by itself: one of them, or one that they wait for.
        lost: Option<Loss>,
    },
    /// Wanted, and nothing is in its way but that as many others are starting as may at once (`[start] parallel`).
    Queued,
    /// The command of `validate` runs before a start, and nothing else of the service does.
    Validating {
        /// When it began.
        since: Moment,
        /// When it has failed.
        until: Moment,
    },
    /// A process was asked for, or runs and is not ready yet.
    Starting {
        /// Number of the run.
        run: RunId,
        /// When the process was asked for.
        since: Moment,
        /// When the start has failed; `None` while the process does not exist yet, or without a readiness check.
        ready_by: Option<Moment>,
        /// The process exists.
        spawned: bool,
    },
    /// A process runs; with a readiness check, it has become ready.
    Running {
        /// Number of the run.
        run: RunId,
        /// When it started.
        since: Moment,
        /// A readiness check has succeeded (`ready`); otherwise it is only known to run (`up`).
        ready: bool,
    },
    /// A run is being ended, or has ended and left processes of its group behind.
    Stopping {
        /// Number of the run.
        run: RunId,
        /// When the stop began.
        since: Moment,
        /// The rung of the ladder.
        rung: Rung,
        /// When the next rung follows. Every stop has a deadline.
        escalate_at: Moment,
        /// What is done when it has stopped.
        then: Then,
    },
    /// A job that runs at its times (`schedule`) and waits for the next one.
    Scheduled {
        /// How its last run has ended; `None` if it has not run since it was wanted.
        after: Option<Outcome>,
    },
    /// Ended by itself; the next try follows.
    Retrying {
        /// When the next try begins.
        until: Moment,
        /// How many crashes in a row, from 1; 0 if it ended with 0.
        attempt: u32,
        /// How it ended.
        after: Outcome,
    },
    /// Too many crashes: no try until then.
    CrashLoop {
        /// When one run is tried.
        until: Moment,
    },
    /// Ended, and not started again by itself.
    Finished(Outcome),
    /// Not running, because nobody wants it to: stopped by hand, or never started.
    Down,
}

impl Phase {
    /// The run that is alive, if there is one.
    pub fn live_run(&self) -> Option<RunId> {
        match self {
            Self::Starting { run, .. } | Self::Running { run, .. } | Self::Stopping { run, .. } => Some(*run),
            Self::Blocked { .. }
            | Self::Queued
            | Self::Validating { .. }
            | Self::Scheduled { .. }
            | Self::Retrying { .. }
            | Self::CrashLoop { .. }
            | Self::Finished(_)
            | Self::Down => None,
        }
    }

    /// The word of the machine-readable outputs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Blocked { .. } => "blocked",
            Self::Queued => "queued",
            Self::Scheduled { .. } => "scheduled",
            Self::Validating { .. } | Self::Starting { .. } => "starting",
            Self::Running { ready: true, .. } => "ready",
            Self::Running { ready: false, .. } => "running",
            Self::Stopping { .. } => "stopping",
            Self::Retrying { .. } => "retrying",
            Self::CrashLoop { .. } => "crash-loop",
            Self::Finished(Outcome::Done) => "done",
            Self::Finished(_) => "failed",
            Self::Down => "stopped",
        }
    }
}

/// The rungs of the stop ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// The first signal was sent, or the stop command was started (`None`).
    Asked(Option<Signal>),
    /// KILL was sent.
    Killed,
    /// KILL did not end it within its time; named, and exit code 7.
    GivenUp,
}

/// What follows the end of a run that is being stopped.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// Whatever is wanted then: a start, or nothing.
    Reconcile,
    /// The run has ended by itself and only its group is being cleared, or it not ready in time: this is what
    /// became of it.
    Settle(Outcome),
}

/// How a service that is not started again has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Done,
    /// It ended with 0 as soon as it had put itself into the background.
    Daemonized,
    /// Any other exit.
    Failed(ExitStatus),
    /// No process could be made; the reason is in its log.
    NotStarted,
    /// Not ready in time.
    NotReady,
    /// It was up and did nothing.
    Stuck,
    /// It had more memory than it may have.
    OverLimit,
    /// `validate` failed, and nothing ran before: a change tries again.
    Invalid,
}

/// A dependency that will not come by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Name of the service that is lacking.
    pub name: ServiceName,
    /// In one word: `failed`, `stopped`, `ended`.
    pub word: &'static str,
    /// More about it, for people: `exit 1`; may be empty.
    pub detail: Arc<str>,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.word)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// By itself, with this code.
    Code(i32),
    /// By this signal number.
    Signal(i32),
}

impl ExitStatus {
    /// Exit code 0.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// The code that a shell gives: the code itself, or 128 + the signal.
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(number) => 128 + number,
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code(code) => write!(f, "exit {code}"),
            Self::Signal(number) => match signal_name(number) {
                Some(name) => f.write_str(name),
                None => write!(f, "signal {number}"),
            },
        }
    }
}

/// Names of the signals that end processes in practice. The numbers are those of Linux and macOS where both agree,
/// and SIGBUS, which is 7 on Linux and 10 on macOS.
fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 if cfg!(target_os = "linux") => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 if cfg!(target_os = "linux") => "SIGUSR1",
        10 => "SIGBUS",
        11 => "SIGSEGV",
        12 if cfg!(target_os = "linux") => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}
