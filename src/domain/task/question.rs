//! What clients of a group ask about tasks.

use super::{TaskDetails, TaskId, TaskTable};
use crate::domain::ServiceName;

/// What is asked. The folders are read on a thread of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskQuestion {
    /// Which tasks there are.
    List {
        /// Of this worker only.
        worker: Option<ServiceName>,
        /// The most rows to return.
        limit: usize,
    },
    /// All that is known of a task.
    Show(ServiceName, TaskId),
    /// Try a dead or cancelled task anew, from the first try.
    Retry(ServiceName, TaskId),
    /// End a task: it waits no longer, or its try is stopped.
    Cancel(ServiceName, TaskId),
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskAnswer {
    /// The list.
    Table(TaskTable),
    /// The task.
    Details(Box<TaskDetails>),
    /// It is done.
    Done,
    /// It could not be done, and why, for people.
    Failed(String),
}
