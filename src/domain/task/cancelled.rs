//! What is written of a task that was cancelled: the same by the group that works for it and by a command.

use std::time::{Duration, SystemTime};

use super::json::{TaskEnd, TaskResult, Trigger};
use super::{TaskId, TaskStatus};
use crate::domain::ServiceName;

impl<'a> TaskResult<'a> {
    /// That of a task that was cancelled before a try of it has ended.
    pub fn cancelled(
        id: &'a TaskId,
        worker: &'a ServiceName,
        retry_count: u32,
        batch: Option<&'a str>,
        at: SystemTime,
    ) -> Self {
        Self {
            id,
            worker,
            status: TaskStatus::Cancelled,
            exit_code: None,
            stdout: "",
            stderr: "",
            took: Duration::ZERO,
            at,
            retry_count,
            stdout_dropped: 0,
            stderr_dropped: 0,
            batch,
        }
    }

    /// The trigger that tells of it. `result_file`: where it is, if that is known.
    pub fn trigger(&self, result_file: Option<&'a str>) -> Trigger<'a> {
        let Self { id, worker, exit_code, retry_count, at, batch, .. } = *self;
        let end = TaskEnd::Status(self.status);
        Trigger { end, id, worker, exit_code, retry_count, result_file, dlq_file: None, at, batch }
    }
}
