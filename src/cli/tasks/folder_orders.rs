//! Orders for the tasks of a worker. If a group owns the folder, it gets the order. If none does, this command locks the
//! folder for a moment and carries the order out by the same steps.

use std::time::Duration;

use super::super::exit_code::Failure;
use super::store;
use super::workers::Worker;
use crate::clock::Clock;
use crate::domain::task::{TaskResult, is_open, result_json, trigger_json};
use crate::domain::{Moment, TaskId, TaskRow, TaskState, count, path_text};
use crate::task_folder::{
    self, Access, Answers, Claim, Contents, Order, Owned, Request, Retried, Trouble, ask_owner, take_for_a_moment,
};

/// How long somebody who works a folder off may take for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Another command has the folder for a moment: one looks again so soon.
const SOON: Duration = Duration::from_millis(20);

/// Why an order was not carried out, if it was not, for each id.
pub(super) type Refused = Option<String>;

/// Gives an order for tasks of one worker. The answers are in the order of the ids.
pub(super) fn give(order: Order, worker: &Worker, ids: Vec<TaskId>) -> Result<Vec<Refused>, Failure> {
    if worker.spec.remote {
        let name = worker.name();
        let message = format!("{name} is remote: its tasks are with whoever works through them");
        return Err(Failure::Usage(format!("{message}\n  help: run this command there")));
    }
    let clock = Clock::start();
    let request = Request { order, ids };
    let (folders, name) = (&worker.spec.folders, worker.name());
    loop {
        let access = take_for_a_moment(folders, name).map_err(|trouble| store::failure(&trouble))?;
        match access {
            Access::Free(mut owned) => {
                let carry_out = |id: &TaskId| Folder { worker, owned: &mut owned }.carry_out(order, id);
                return Ok(request.ids.iter().map(carry_out).collect());
            }
            Access::Owned(_) if !task_folder::is_worked_off(folders, name) => std::thread::sleep(SOON),
            Access::Owned(_) => {
                let answer =
                    ask_owner(folders, name, &request, clock, PATIENCE).map_err(|trouble| store::failure(&trouble))?;
                if let Some(mut answers) = answer {
                    return Ok(request.ids.iter().map(|id| answer_for(&mut answers, id)).collect());
                }
            }
            Access::Running(left) => {
                let processes = count(left.len(), "process");
                let message = format!("no group is running {name}, but its last tries left {processes} running");
                return Err(Failure::Unexpected(format!("{message}\n  help: start its group, which ends them first")));
            }
        }
        if clock.now().since(Moment::START) > PATIENCE {
            let message = format!("the group that runs {name} does not answer");
            return Err(Failure::Unexpected(format!("{message}\n  help: `devgroup doctor` shows more")));
        }
    }
}

fn answer_for(answers: &mut Answers, id: &TaskId) -> Refused {
    answers.remove(id.as_str()).unwrap_or_else(|| Some("there was no answer".into()))
}

/// A folder that is ours for a moment.
struct Folder<'f> {
    worker: &'f Worker,
    owned: &'f mut Owned,
}

impl Folder<'_> {
    fn carry_out(&mut self, order: Order, id: &TaskId) -> Refused {
        let done = match order {
            Order::Retry => self.retry(id),
            Order::Cancel => self.cancel(id),
            Order::Drop => self.forget(id),
            // It names no task.
            Order::Drain => Ok(None),
        };
        done.unwrap_or_else(|trouble| Some(trouble.to_string()))
    }

    fn row(&self, id: &TaskId) -> Option<TaskRow> {
        let listed = self.worker.listed();
        let details = task_folder::details(&self.worker.spec.folders, &listed, id, super::now());
        details.map(|details| details.row)
    }

    fn retry(&mut self, id: &TaskId) -> Result<Refused, Trouble> {
        let Some(row) = self.row(id) else { return Ok(unknown()) };
        let refused = match row.state {
            TaskState::Waiting | TaskState::Blocked(_) => Some("it is already waiting"),
            TaskState::Running | TaskState::Retrying { .. } => Some("it is running, or will be retried automatically"),
            TaskState::Completed | TaskState::Cancelled | TaskState::Dead(_) => match self.owned.retry(id)? {
                Retried::Waits(_) => None,
                Retried::Nothing => Some("it is neither dead nor cancelled"),
            },
        };
        Ok(refused.map(str::to_owned))
    }

    fn cancel(&mut self, id: &TaskId) -> Result<Refused, Trouble> {
        let Some(row) = self.row(id) else { return Ok(unknown()) };
        let retry_count = match row.state {
            TaskState::Completed | TaskState::Cancelled | TaskState::Dead(_) => return Ok(Some("it has ended".into())),
            TaskState::Running => row.tries.saturating_sub(1),
            TaskState::Retrying { .. } => row.tries,
            TaskState::Waiting if self.owned.published()?.contains(id) => {
                return Ok(Some("it is with the server; start its group, and cancel it then".into()));
            }
            TaskState::Waiting | TaskState::Blocked(_) => {
                let Some(file) = self.waiting(id)? else { return Ok(unknown()) };
                match self.owned.claim(&file, id)? {
                    Claim::Claimed { .. } => 0,
                    Claim::HasResult => return Ok(Some("it has ended".into())),
                    Claim::Lost | Claim::Taken => return Ok(unknown()),
                }
            }
        };
        self.end_as_cancelled(id, retry_count, row.batch.as_deref())?;
        Ok(None)
    }

    /// The steps of an owner: the result, the trigger, and then the claim goes.
    fn end_as_cancelled(&mut self, id: &TaskId, retry_count: u32, batch: Option<&str>) -> Result<(), Trouble> {
        let worker = self.worker.name().clone();
        let at = super::now();
        let result = TaskResult::cancelled(id, &worker, retry_count, batch, at);
        let published = self.owned.publish(id, result_json(&result).as_bytes())?;
        if published {
            let path = self.worker.spec.folders.results.join(worker.as_str()).join(format!("{id}.json"));
            let path = path_text(&path).into_owned();
            let trigger = result.trigger(Some(&path));
            self.owned.tell_end(id, trigger_json(&trigger).as_bytes())?;
        }
        self.owned.finish(id, true)
    }

    fn forget(&mut self, id: &TaskId) -> Result<Refused, Trouble> {
        let Some(row) = self.row(id) else { return Ok(unknown()) };
        if !row.state.has_ended() {
            return Ok(Some(is_open(id)));
        }
        // Its owner may have died between its result and this.
        self.owned.finish(id, false)?;
        self.owned.forget(id)?;
        Ok(None)
    }

    /// The file of a task that waits.
    fn waiting(&self, id: &TaskId) -> Result<Option<String>, Trouble> {
        let (own, worker, id) = (format!("{id}.json"), self.worker.clone(), id.clone());
        let is_it = move |name: &str, contents: Contents| match task_folder::check(name, contents, worker.home()) {
            Ok(task) => task.head.id == id,
            Err(refusal) => refusal.id.as_ref() == Some(&id),
        };
        if self.owned.look(&own).is_some_and(|(_, contents)| is_it(&own, contents)) {
            return Ok(Some(own));
        }
        for piece in self.owned.list(is_it)? {
            if let Some(seen) = piece.into_iter().find(|seen| seen.found) {
                return Ok(Some(seen.file.to_string()));
            }
        }
        Ok(None)
    }
}

fn unknown() -> Refused {
    Some("there is no such task any more".into())
}
