//! `devgroup task`: the tasks of workers, by the files in their folders. The group need not run.

mod add;
mod answers;
mod arguments;
mod drain;
mod ended;
mod events;
mod folder_orders;
mod letter_orders;
mod list;
mod new_task;
mod orders;
mod row;
mod show;
mod store;
mod task_input;
mod wait;
mod workers;

use std::io;
use std::time::{Duration, SystemTime};

pub(super) use answers::{Answered, add, cancel, has_workers, list as listed, retry, show};
#[cfg(test)]
pub(super) use arguments::STATE_WORDS;
pub(super) use arguments::TasksArguments;

use super::arguments::Place;
use super::exit_code::Failure;
use super::json::line as json_line;
use super::print;
use crate::clock::Clock;
use crate::display::OutputStyle;
use crate::domain::Moment;
use arguments::{ListArguments, TaskCommand, WaitArguments};
use wait::{Waited, Wanted};
use workers::Workers;

/// Carries a command out. The result is the exit code.
pub(super) fn run(tasks: TasksArguments, place: &Place) -> Result<u8, Failure> {
    let workers = Workers::of(place)?;
    match tasks.command {
        TaskCommand::Add(arguments) => add::run(&arguments, &workers),
        TaskCommand::List(arguments) => list(&arguments, &workers),
        TaskCommand::Show(arguments) => show::run(&arguments, &workers),
        TaskCommand::Wait(arguments) => wait(&arguments, &workers),
        TaskCommand::Retry(arguments) => orders::retry(&arguments, &workers),
        TaskCommand::Cancel(arguments) => orders::cancel(&arguments, &workers),
        TaskCommand::Drop(arguments) => orders::drop(&arguments, &workers),
        TaskCommand::Drain(arguments) => drain::run(&arguments, &workers),
    }
}

/// The time of day, which ages of files are counted from.
fn now() -> SystemTime {
    Clock::start().both().1
}

fn list(arguments: &ListArguments, workers: &Workers) -> Result<u8, Failure> {
    let chosen = workers.chosen(arguments.worker.as_deref())?;
    let others = if arguments.worker.is_none() { store::of_no_worker(workers) } else { Vec::new() };
    let (table, left_off) = store::list(chosen, others, arguments.state.as_deref(), arguments.lines)?;
    let notes = Workers::notes(chosen);
    print(&match arguments.json {
        true => json_line(&list::report(&table, left_off, &notes))?,
        false => list::text(&table, left_off, &notes, (OutputStyle::of(&io::stdout()), now())),
    })?;
    Ok(0)
}

fn wait(arguments: &WaitArguments, workers: &Workers) -> Result<u8, Failure> {
    let (worker, batch) = (arguments.worker.as_deref(), arguments.batch.as_deref());
    let Some(batch) = batch else {
        return wait_for(wanted(&arguments.ids, worker, workers)?, Some(arguments.timeout), None, arguments.json);
    };
    let clock = Clock::start();
    let mut all: Vec<Waited<'_>> = Vec::new();
    let mut wanted = store::batch(workers, worker, batch)?;
    // More of its tasks may come while it is waited for.
    while !wanted.is_empty() {
        let left = arguments.timeout.saturating_sub(clock.now().since(Moment::START));
        all.extend(wait::wait(wanted, Some(left), |waited| tell(waited, arguments.json))?);
        wanted = store::batch(workers, worker, batch)?;
        wanted.retain(|wanted| !all.iter().any(|waited| waited.wanted == *wanted));
    }
    outcome(&all, Some(batch), arguments.json)
}

/// The tasks of these ids, each once.
fn wanted<'w>(ids: &[String], worker: Option<&str>, workers: &'w Workers) -> Result<Vec<Wanted<'w>>, Failure> {
    let mut all: Vec<Wanted<'w>> = Vec::with_capacity(ids.len());
    for id in ids {
        let wanted = store::wanted(workers, worker, id)?;
        if !all.contains(&wanted) {
            all.push(wanted);
        }
    }
    Ok(all)
}

/// Waits for these, and tells of each as it ends. The result is the exit code.
fn wait_for(
    wanted: Vec<Wanted<'_>>,
    timeout: Option<Duration>,
    batch: Option<&str>,
    json: bool,
) -> Result<u8, Failure> {
    let all = wait::wait(wanted, timeout, |waited| tell(waited, json))?;
    outcome(&all, batch, json)
}

fn tell(waited: &Waited<'_>, json: bool) -> Result<(), Failure> {
    if json { Ok(()) } else { print(&wait::line(waited)) }
}

fn outcome(all: &[Waited<'_>], batch: Option<&str>, json: bool) -> Result<u8, Failure> {
    if json {
        wait::print_report(all, batch)?;
    }
    Ok(wait::code(all))
}
