//! The words of task files.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::TaskId;
use crate::domain::ExitStatus;

/// Which of two waiting tasks comes first. In this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Before all others.
    Critical,
    /// Before the usual ones.
    High,
    /// As usual.
    #[default]
    Normal,
    /// After all others.
    Low,
}

/// What is kept of a task while it waits. There may be 100,000 of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskHead {
    /// `task_id`, else the name of the file.
    pub id: TaskId,
    /// `priority`.
    pub priority: Priority,
    /// `dependencies`: these must be completed first.
    pub dependencies: Box<[TaskId]>,
    /// `timeout`, if the task has one of its own.
    pub timeout: Option<Duration>,
    /// `metadata.batch`: which batch it is part of.
    pub batch: Option<Arc<str>>,
}

/// `status` of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskStatus {
    /// A try has ended with 0.
    Completed,
    /// The last try has failed.
    Failed,
    /// The last try took too long.
    Timeout,
    /// Somebody has cancelled it.
    Cancelled,
}

/// `dlq_reason`: why a task is a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeadReason {
    /// Not JSON, no object, or not UTF-8.
    InvalidJson,
    /// Above 1 MiB.
    TooLarge,
    /// Its id cannot be the name of a file.
    InvalidTaskId,
    /// A key has a wrong type or value.
    InvalidField,
    /// Too long for the list form of `run`, which names it.
    DescriptionTooLong,
    /// It names another worker than its folder.
    WrongWorker,
    /// It names a worker that nobody knows.
    UnknownWorker,
    /// A task of this id waits, runs, or has a result.
    DuplicateTaskId,
    /// Something that it depends on is a dead letter.
    DependencyFailed,
    /// It depends on itself.
    DependencyCycle,
    /// All tries have failed.
    MaxRetriesExceeded,
}

impl Priority {
    /// All of them, in the order of their words in the contract.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// The word in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// The one of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.word() == word)
    }
}

impl DeadReason {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::InvalidJson,
        Self::TooLarge,
        Self::InvalidTaskId,
        Self::InvalidField,
        Self::DescriptionTooLong,
        Self::WrongWorker,
        Self::UnknownWorker,
        Self::DuplicateTaskId,
        Self::DependencyFailed,
        Self::DependencyCycle,
        Self::MaxRetriesExceeded,
    ];

    /// The one of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// The word in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::TooLarge => "too_large",
            Self::InvalidTaskId => "invalid_task_id",
            Self::InvalidField => "invalid_field",
            Self::DescriptionTooLong => "description_too_long",
            Self::WrongWorker => "wrong_worker",
            Self::UnknownWorker => "unknown_worker",
            Self::DuplicateTaskId => "duplicate_task_id",
            Self::DependencyFailed => "dependency_failed",
            Self::DependencyCycle => "dependency_cycle",
            Self::MaxRetriesExceeded => "max_retries_exceeded",
        }
    }

    /// Whether a file that was to be buried for the other reason may be buried for this one after a crash: of a circle, those
    /// that are gone by then have failed.
    pub fn may_have_been(self, other: Self) -> bool {
        let is_of_dependencies = |reason| matches!(reason, Self::DependencyFailed | Self::DependencyCycle);
        self == other || is_of_dependencies(self) && is_of_dependencies(other)
    }
}

impl TaskStatus {
    /// The one of this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Completed, Self::Failed, Self::Timeout, Self::Cancelled].into_iter().find(|status| status.word() == word)
    }

    /// The word in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TryExit {
    /// Its program has ended.
    Ended(ExitStatus),
    /// No process could be made: 127 for a program that is not there, 126 otherwise; and why, for people.
    NotStarted(i32, Arc<str>),
}

impl TryExit {
    /// `exit_code`: the code itself, 128 and the signal, 126 or 127.
    pub fn code(&self) -> i32 {
        match self {
            Self::Ended(status) => status.shell_code(),
            Self::NotStarted(code, _) => *code,
        }
    }
}

impl fmt::Display for TryExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(status) => status.fmt(f),
            Self::NotStarted(_, problem) => write!(f, "it could not be started: {problem}"),
        }
    }
}

impl fmt::Display for WhyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(exit) => exit.fmt(f),
            Self::Timeout => f.write_str("timeout"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// Why a try counts as failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyFailed {
    /// It ended so by itself.
    Exit(TryExit),
    /// Its time was up.
    Timeout,
    /// devgroup was ended in the middle of it.
    Interrupted,
}

/// A try that is over, with all that descended from it.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedTry {
    /// How.
    pub exit: TryExit,
    /// From its start to the end of its output.
    pub took: Duration,
}
