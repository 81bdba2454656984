//! How a task has ended, for who waits for it.

use super::super::exit_code::Failure;
use super::store;
use super::workers::Worker;
use crate::domain::{TaskId, TaskStatus};
use crate::task_folder::{self, Open, Outcome};

/// The end of a task, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// It has a result.
    Status(TaskStatus),
    /// It is a dead letter, and was never tried.
    Dead,
}

/// The end of a task.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ended {
    pub(super) became: Became,
    pub(super) exit_code: Option<i64>,
    reason: Option<String>,
}

impl Became {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Status(status) => status.word(),
            Self::Dead => "dead",
        }
    }
}

impl Ended {
    /// Why it has ended so, for people.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The end of a task, if it has ended.
    pub(super) fn of(worker: &Worker, id: &TaskId) -> Result<Option<Self>, Failure> {
        let (folders, name) = (&worker.spec.folders, worker.name());
        let Some(found) = task_folder::ended(folders, name, id).map_err(|trouble| store::failure(&trouble))? else {
            return Ok(None);
        };
        // Its dead letter comes behind its result. Without that, nobody can say why, or try it anew.
        if matches!(&found, task_folder::Ended::Result(result) if result.has_failed() && result.detail.is_none()) {
            let open = task_folder::open_task(folders, name, id).map_err(|trouble| store::failure(&trouble))?;
            if open == Some(Open::Claimed) {
                return Ok(None);
            }
        }
        Ok(Some(Self::from(found)))
    }
}

impl From<task_folder::Ended> for Ended {
    fn from(ended: task_folder::Ended) -> Self {
        match ended {
            task_folder::Ended::Result(result) => {
                // A word that nobody knows is a failure: it has ended, and not well.
                let status = TaskStatus::parse(&result.word).unwrap_or(TaskStatus::Failed);
                let is_told = matches!(status, TaskStatus::Completed | TaskStatus::Timeout | TaskStatus::Cancelled);
                let reason = why(result.detail, result.exit_code).filter(|_| !is_told);
                Self { became: Became::Status(status), exit_code: result.exit_code, reason }
            }
            // Its result follows, or somebody has removed it.
            task_folder::Ended::Letter(letter) if letter.is_of_tries() => {
                let reason = why(letter.detail, letter.exit_code);
                Self { became: Became::Status(TaskStatus::Failed), exit_code: letter.exit_code, reason }
            }
            task_folder::Ended::Letter(Outcome { word, exit_code, detail, .. }) => {
                let reason = detail.map_or_else(|| word.clone(), |detail| format!("{word}: {detail}"));
                Self { became: Became::Dead, exit_code, reason: Some(reason) }
            }
        }
    }
}

/// A signal has a name; a code is the next best.
fn why(detail: Option<String>, exit_code: Option<i64>) -> Option<String> {
    detail.or_else(|| exit_code.map(|code| format!("exit {code}")))
}
