//! Orders for dead letters that are named by their files: no task has their id, or another one has.

use super::super::exit_code::Failure;
use super::store;
use super::workers::{Worker, Workers};
use crate::domain::{DeadReason, TaskState, visible};
use crate::task_folder::{self, NamedLetter, Order};

/// The dead letter of this name, if there is one.
pub(super) fn find<'w>(
    workers: &'w Workers,
    worker: Option<&str>,
    name: &str,
) -> Result<Option<(&'w Worker, NamedLetter)>, Failure> {
    let chosen = workers.chosen(worker)?;
    let of = |worker: &'w Worker| Some((worker, task_folder::letter_named(&worker.spec.folders, worker.name(), name)?));
    let mut found: Vec<_> = chosen.iter().filter_map(of).collect();
    if let [(first, _), (second, _), ..] = found.as_slice() {
        let (name, first, second) = (visible(name), first.name(), second.name());
        let message = format!("`{name}` is a dead letter of {first} and of {second}");
        return Err(Failure::Usage(format!("{message}\n  help: add --worker {first}")));
    }
    Ok(found.pop())
}

/// Carries an order out. Why it was refused, if it was.
pub(super) fn give(order: Order, worker: &Worker, letter: &NamedLetter) -> Result<Option<String>, Failure> {
    let (folders, name) = (&worker.spec.folders, worker.name());
    if worker.spec.remote {
        return Ok(Some(format!("{name} is remote: run this command there")));
    }
    let done = match order {
        Order::Cancel => return Ok(Some("it has ended".into())),
        // It names no letter.
        Order::Drain => return Ok(None),
        Order::Drop => task_folder::drop_letter(folders, name, &letter.file),
        Order::Retry => {
            let is_second = matches!(letter.details.row.state, TaskState::Dead(DeadReason::DuplicateTaskId));
            if let Some(id) = letter.id.as_ref().filter(|_| is_second)
                && let Some(state) = store::holder_of(worker, id)?
            {
                return Ok(Some(format!("{id} is {state}, and this has the same id; drop {id} first")));
            }
            task_folder::retry_letter(folders, name, &letter.file)
        }
    };
    let is_done = done.map_err(|trouble| store::failure(&trouble))?;
    Ok((!is_done).then(|| "it is gone".into()))
}
