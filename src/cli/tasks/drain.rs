//! `devgroup task drain`: tasks that are with a server become files of this machine again.

use std::thread;
use std::time::Duration;

use super::super::exit_code::Failure;
use super::super::{print, print_message};
use super::arguments::DrainArguments;
use super::folder_orders;
use super::workers::{Worker, Workers};
use crate::clock::Clock;
use crate::domain::{Moment, count};
use crate::task_folder::{self, Order};

/// Between two looks whether all tasks are back.
const LOOK: Duration = Duration::from_millis(50);

/// Carries it out. The result is the exit code.
pub(super) fn run(arguments: &DrainArguments, workers: &Workers) -> Result<u8, Failure> {
    let chosen = workers.chosen(arguments.worker.as_deref())?;
    let away = |worker: &Worker| task_folder::published(&worker.spec.folders, worker.name()).len();
    let at_server: Vec<&Worker> =
        chosen.iter().filter(|worker| worker.spec.backend.is_some() || away(worker) > 0).collect();
    if at_server.is_empty() {
        print_message("nothing to do: no task is with a server");
        return Ok(0);
    }
    for worker in &at_server {
        if worker.spec.backend.is_none() {
            let message = format!("{} has tasks on a server, but `backend` is not set", worker.name());
            return Err(Failure::Usage(format!(
                "{message}\n  help: set `backend` of [tasks] again, and start the group"
            )));
        }
        order(worker)?;
    }
    let clock = Clock::start();
    for worker in at_server {
        while away(worker) > 0 {
            if clock.now().since(Moment::START) >= arguments.timeout {
                let left = count(u32::try_from(away(worker)).unwrap_or(u32::MAX), "task");
                print_message(&format!("{}: {left} still with the server", worker.name()));
                return Ok(124);
            }
            is_worked_for(worker)?;
            thread::sleep(LOOK);
        }
        print(&format!("{}: no task is with the server any more\n", worker.name()))?;
    }
    Ok(0)
}

/// Gives the order to the group that works for it. Only the owner of the folder can write the tasks there again.
fn order(worker: &Worker) -> Result<(), Failure> {
    is_worked_for(worker)?;
    // It names no task, so there is none that could be refused.
    folder_orders::give(Order::Drain, worker, Vec::new()).map(drop)
}

/// # Errors
/// Nobody works for it, so its tasks stay with the server.
fn is_worked_for(worker: &Worker) -> Result<(), Failure> {
    let name = worker.name();
    if task_folder::is_worked_off(&worker.spec.folders, name) {
        return Ok(());
    }
    let message = format!("no group is running {name}, so its tasks stay on the server");
    Err(Failure::Usage(format!("{message}\n  help: start its group, and run this command again")))
}
