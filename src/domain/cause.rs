//! Why a run was started, and how often each reason has restarted a service.

use std::fmt;
use std::sync::Arc;

use super::{OverLimit, ServiceName, visible};

/// Why a run was started.
#[derive(Clone, Debug, PartialEq)]
pub enum StartCause {
    /// With the group.
    First,
    /// Files that the service watches have other contents.
    Change(FilesChanged),
    /// By a key, or by a client that does not say who it is.
    Hand,
    /// By a client that says who it is: `devgroup restart`, `agent claude-code`.
    Client(Arc<str>),
    /// Somebody has started this one, which needs it, and it was neither up nor done.
    NeededBy(ServiceName),
    /// The run before ended by itself; the number of the crash in a row, from 1, and of how many the breaker bears.
    Crash {
        /// From 1; 0 if the run before ended with 0 (`restart = "always"`).
        attempt: u32,
        /// Crashes that open the breaker: `breaker.failures`.
        of: u32,
    },
    /// A job has failed and is tried again; which try that was, from 1, and how many it has.
    Retry {
        /// Number of the attempt, from 1.
        attempt: u32,
        /// `retries`, and the first one.
        of: u32,
    },
    /// A service that this one depends on was restarted.
    Dependency(ServiceName),
    /// It was up and did nothing: what was stale, and for how long.
    Stuck(Stuck),
    /// It had more memory than its `limits` allow.
    OverLimit(OverLimit),
    /// What the files of the group say of it changed.
    Config {
        /// Those that were saved, for people: `procgroup.toml`.
        files: Arc<str>,
    },
    /// One of the times of its `schedule` has come.
    Schedule,
    /// Somebody wants so many instances of it.
    Scaled(u32),
}

impl fmt::Display for StartCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("at startup"),
            Self::Change(files) => files.fmt(f),
            Self::Hand => f.write_str("manually"),
            Self::Client(name) => write!(f, "by {}", visible(name)),
            Self::NeededBy(name) => write!(f, "needed by {name}"),
            Self::Crash { attempt: 0, .. } => f.write_str("after it exited"),
            Self::Crash { attempt, of } => write!(f, "after crash {attempt} of {of}"),
            Self::Retry { attempt, of } => write!(f, "try {} of {of}", attempt.saturating_add(1)),
            Self::Dependency(name) => write!(f, "{name} restarted"),
            Self::Stuck(stuck) => write!(f, "stuck: {stuck}"),
            Self::OverLimit(over) => write!(f, "over its limit: {over}"),
            Self::Config { files } => write!(f, "{} changed", visible(files)),
            Self::Schedule => f.write_str("on schedule"),
            Self::Scaled(count) => write!(f, "scaled to {count}"),
        }
    }
}

impl StartCause {
    /// It was started on request, not by what happened to it: its own start was asked for, or that of one that needs it.
    pub fn is_on_request(&self) -> bool {
        matches!(self, Self::Hand | Self::Client(_) | Self::NeededBy(_))
    }

    /// The word of the machine-readable outputs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Change(_) => "change",
            Self::Hand | Self::Client(_) | Self::NeededBy(_) => "manual",
            Self::Crash { .. } | Self::Retry { .. } => "crash",
            Self::Dependency(_) => "dependency",
            Self::Stuck(_) => "liveness",
            Self::OverLimit(_) => "limit",
            Self::Config { .. } => "config",
            Self::Schedule => "schedule",
            Self::Scaled(_) => "scale",
        }
    }
}

/// Why a run counts as stuck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// What the last try found: `tmp/status.json not written for 121s (max_age 120s)`.
    pub problem: Arc<str>,
    /// So many tries in a row had failed.
    pub failures: u32,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible(&self.problem))?;
        match self.failures {
            0 | 1 => Ok(()),
            failures => write!(f, ", {failures} times in a row"),
        }
    }
}

/// The files behind one restart: the first by name, the others by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesChanged {
    /// Relative to the root of the group.
    pub first: Arc<str>,
    /// How many others.
    pub more: usize,
}

impl fmt::Display for FilesChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.more {
            0 => write!(f, "{} changed", visible(&self.first)),
            more => write!(f, "{} and {more} more changed", visible(&self.first)),
        }
    }
}

/// Restarts of a service by cause. The first start is none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestartCounts {
    /// Files changed.
    pub change: u32,
    /// It crashed, and was started again by itself, or is to be when its wait is over. A crash that nothing follows is none.
    pub crash: u32,
    /// Restarts that somebody asked for.
    pub manual: u32,
    /// What the files of the group say of it changed.
    pub config: u32,
    /// A dependency was restarted.
    pub dependency: u32,
    /// It was stuck (`!` in the sidebar).
    pub liveness: u32,
    /// It had more memory than it may have (`!` in the sidebar as well).
    pub limit: u32,
}
