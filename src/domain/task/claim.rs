//! What lies beside claimed tasks, and what is found of it at a takeover.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{TaskHead, TaskId, TaskRefusal, TaskStatus};

/// What tells two states of a file apart while it is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written to.
    pub modified: SystemTime,
}

/// What is known of the last try of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastTry {
    /// [`TaskStatus::Timeout`] or [`TaskStatus::Failed`]; of a result that is kept any.
    pub status: TaskStatus,
    /// `exit_code`; none where nobody saw its end.
    pub exit_code: Option<i32>,
    /// For people: `exit 1`, `SIGTERM`, `timeout`, `interrupted`.
    pub why: Arc<str>,
}

/// `.work/<id>.tries.json`: what was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriesNote {
    /// The name of the file, for the case that it is given back.
    pub file: Arc<str>,
    /// Tries that have failed.
    pub retry_count: u32,
    /// The next try has begun; else it is waited for.
    pub running: bool,
    /// It is published: the next try is a matter of whoever takes it from the server.
    pub published: bool,
    /// How long the next try is waited for, from now.
    pub wait: Duration,
    /// The last one that has ended.
    pub last: Option<LastTry>,
}

/// The same, as it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTries {
    /// Tries that have failed.
    pub retry_count: u32,
    /// A try had begun.
    pub running: bool,
    /// It was published, or was about to be.
    pub published: bool,
    /// The rest of the wait for the next one.
    pub left: Duration,
    /// The last one that has ended.
    pub last: Option<LastTry>,
}

/// A claimed task that the predecessor has left.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundClaim {
    /// Its id, from the name of the claim.
    pub id: TaskId,
    /// The name that its file had; `<id>.json` where nobody has written it down.
    pub file: Arc<str>,
    /// Of the claimed file.
    pub stamp: FileStamp,
    /// What is in it.
    pub found: Result<TaskHead, TaskRefusal>,
    /// What was tried; none: it is in its first try.
    pub tries: Option<FoundTries>,
    /// It has a result, in the folder of results.
    pub result: Option<TaskStatus>,
    /// Its result could not be published, and is kept beside it: its status and exit code.
    pub kept: Option<LastTry>,
    /// The path of its dead letter with `max_retries_exceeded`. Others of this id are those of other files.
    pub letter: Option<Arc<str>>,
}

/// What folders say of a task that others depend on: of the own worker first, then of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyState {
    /// There is neither a result nor a dead letter.
    Unknown,
    /// It has a result with `completed`.
    Completed,
    /// It has another result; or a dead letter (none with `duplicate_task_id`), and no result.
    Dead,
}
