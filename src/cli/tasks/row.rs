//! A task of a list, for programs.

use std::time::SystemTime;

use serde::Serialize;

use crate::clock::Clock;
use crate::domain::{Priority, TaskRow, TaskState};

/// Where a task is, as `--json` prints it. A key that does not apply is null.
#[derive(Serialize)]
pub(super) struct RowReport<'r> {
    task_id: &'r str,
    worker: &'r str,
    state: &'static str,
    priority: Option<&'static str>,
    /// Tries that have begun.
    tries: u32,
    /// When it came into this state.
    since: Option<String>,
    /// For people.
    reason: Option<&'r str>,
    batch: Option<&'r str>,
    blocked_on: Vec<&'r str>,
    next_try_at: Option<String>,
    dlq_reason: Option<&'static str>,
}

impl<'r> RowReport<'r> {
    pub(super) fn of(row: &'r TaskRow) -> Self {
        let mut report = Self {
            task_id: &row.id,
            worker: row.worker.as_str(),
            state: row.state.word(),
            priority: row.priority.map(Priority::word),
            tries: row.tries,
            since: row.since.map(time),
            reason: Some(&*row.reason).filter(|reason| !reason.is_empty()),
            batch: row.batch.as_deref(),
            blocked_on: Vec::new(),
            next_try_at: None,
            dlq_reason: None,
        };
        match &row.state {
            TaskState::Blocked(ids) => report.blocked_on = ids.iter().map(|id| id.as_str()).collect(),
            TaskState::Retrying { at } => report.next_try_at = at.map(time),
            TaskState::Dead(reason) => report.dlq_reason = Some(reason.word()),
            TaskState::Waiting | TaskState::Running | TaskState::Completed | TaskState::Cancelled => {}
        }
        report
    }
}

fn time(time: SystemTime) -> String {
    Clock::rfc3339_of(time)
}
