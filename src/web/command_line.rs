//! What the server leaves to the command line, so that both say the same in the same words: errors, the history, and tasks,
//! which are files.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::control::Problem;

/// The command line of this program, as the server uses it.
pub trait CommandLine: Send + Sync + std::fmt::Debug {
    /// A problem as the command line tells it.
    fn told(&self, problem: Problem) -> Told;

    /// Carries something out that may take its time. The answer is the JSON of the command.
    ///
    /// # Errors
    /// As the command line tells it.
    fn carry_out(&self, chore: Chore) -> Result<Value, Told>;
}

/// Why something was not done, as `--json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// One word for programs; it stays when the message is put better.
    pub code: &'static str,
    /// The exit code of the command.
    pub exit_code: u8,
    /// A sentence for people.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Told {
    /// A request that makes no sense.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code: "usage", exit_code: 2, message: message.into(), help: Some(help.into()) }
    }
}

/// What only the command line can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chore {
    /// `devgroup history`
    History {
        /// Of these services (empty: of all).
        services: Vec<String>,
        /// How far back.
        since: Duration,
    },
    /// `devgroup task list`
    Tasks {
        /// Of this worker.
        worker: Option<String>,
        /// In this state.
        state: Option<String>,
        /// How many are listed at most.
        limit: usize,
    },
    /// `devgroup task show`
    Task(TaskName),
    /// `devgroup task add`
    AddTask(NewTask),
    /// `devgroup task retry`
    RetryTask(TaskName),
    /// `devgroup task cancel`
    CancelTask(TaskName),
}

/// Which task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskName {
    /// Its id.
    pub id: String,
    /// Its worker, if several have a task with this id.
    pub worker: Option<String>,
}

/// A task to add.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    /// For whom.
    pub worker: String,
    /// What is to be done.
    pub text: String,
    /// Which waiting tasks come first.
    #[serde(default)]
    pub priority: Option<String>,
    /// The tasks that must be completed before it.
    #[serde(default)]
    pub after: Vec<String>,
}
