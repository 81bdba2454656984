//! What the web page asks the command line for: the same functions that the commands call, within the process of the group.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::arguments::Place;
use super::exit_code::Failure;
use super::tasks::{self, Answered};
use super::{history, told};
use crate::control::{ClientError, Problem, ProblemCode};
use crate::web::{Chore, CommandLine, NewTask, TaskName, Told};

/// The command line for the group of this file.
pub(super) fn of_group(file: &Path) -> Arc<dyn CommandLine> {
    Arc::new(WebAnswers { file: file.to_owned() })
}

#[derive(Debug)]
struct WebAnswers {
    file: PathBuf,
}

impl CommandLine for WebAnswers {
    fn told(&self, problem: Problem) -> Told {
        told::told(&ClientError::Refused(problem).into())
    }

    fn carry_out(&self, chore: Chore) -> Result<Value, Told> {
        let client = Some("devgroup web".to_owned());
        let place = Place { config: Some(self.file.clone()), directory: None, group: None, client };
        carry_out(&place, chore).map_err(|failure| told::told(&failure))
    }
}

fn carry_out(place: &Place, chore: Chore) -> Result<Value, Failure> {
    match chore {
        Chore::History { services, since } => history::report(place, &services, since),
        Chore::Tasks { worker, state, limit } => {
            done(tasks::listed(place, worker.as_deref(), state.as_deref(), limit)?)
        }
        Chore::Task(TaskName { id, worker }) => done(tasks::show(place, worker.as_deref(), &id)?),
        Chore::AddTask(NewTask { worker, text, priority, after }) => {
            done(tasks::add(place, &worker, text, priority, &after)?)
        }
        Chore::RetryTask(TaskName { id, worker }) => done(tasks::retry(place, worker, vec![id], false)?),
        Chore::CancelTask(TaskName { id, worker }) => done(tasks::cancel(place, worker.as_deref(), &id)?),
    }
}

/// The JSON of the command, if it has done what was asked.
fn done(answered: Answered) -> Result<Value, Failure> {
    match answered.failed {
        false => Ok(answered.value),
        true => {
            let problem = Problem::new(ProblemCode::Refused, answered.text.trim_end());
            Err(ClientError::Refused(problem).into())
        }
    }
}
