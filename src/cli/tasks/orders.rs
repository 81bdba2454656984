//! `devgroup task retry`, `cancel` and `drop`: orders to whoever works a folder off, or carried out here if nobody does.

use std::collections::HashSet;

use serde::Serialize;

use super::super::exit_code::Failure;
use super::super::json::line as json_line;
use super::super::{print, print_message};
use super::arguments::{CancelArguments, Chosen, DropArguments, RetryArguments};
use super::folder_orders::{self, Refused};
use super::store;
use super::workers::{Worker, Workers};
use crate::control;
use crate::domain::{TaskId, count, visible};
use crate::task_folder::Order;

/// A task that an order is for.
#[derive(Clone)]
pub(super) struct Target<'w> {
    pub(super) worker: &'w Worker,
    pub(super) id: TaskId,
}

impl PartialEq for Target<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.worker.name() == other.worker.name() && self.id == other.id
    }
}

/// What became of an order.
#[derive(Serialize)]
struct Report<'t> {
    version: u32,
    tasks: Vec<TaskReport<'t>>,
}

#[derive(Serialize)]
struct TaskReport<'t> {
    task_id: &'t str,
    worker: &'t str,
    /// `retried`, `cancelled`, `dropped`, or `refused`.
    result: &'static str,
    /// Why it was refused.
    reason: Option<&'t str>,
}

/// Tries dead tasks anew.
pub(super) fn retry(arguments: &RetryArguments, workers: &Workers) -> Result<u8, Failure> {
    tell(&retried(arguments, workers)?, arguments.json)
}

/// The same, without a word.
pub(super) fn retried<'w>(arguments: &RetryArguments, workers: &'w Workers) -> Result<Given<'w>, Failure> {
    let mut layers = vec![targets(&arguments.chosen, workers)?];
    if arguments.with_dependents {
        add_dependents(&mut layers, store::dead_dependents(workers)?);
    }
    give(Order::Retry, layers)
}

/// Ends tasks that wait or run.
pub(super) fn cancel(arguments: &CancelArguments, workers: &Workers) -> Result<u8, Failure> {
    let targets = named(&arguments.ids, arguments.worker.as_deref(), workers)?;
    tell(&give(Order::Cancel, vec![targets])?, arguments.json)
}

/// Removes tasks.
pub(super) fn drop(arguments: &DropArguments, workers: &Workers) -> Result<u8, Failure> {
    let targets = targets(&arguments.chosen, workers)?;
    if arguments.chosen.all && !arguments.yes && !targets.is_empty() {
        let dead = count(targets.len(), "dead task");
        return Err(Failure::Usage(format!("this removes {dead} for good\n  help: add --yes if that is meant")));
    }
    tell(&give(Order::Drop, vec![targets])?, arguments.json)
}

/// Those that are named, or all that are dead.
fn targets<'w>(chosen: &Chosen, workers: &'w Workers) -> Result<Vec<Target<'w>>, Failure> {
    let worker = chosen.worker.as_deref();
    match chosen.all {
        true => store::dead(workers, worker, chosen.reason.as_deref()),
        false => named(&chosen.ids, worker, workers),
    }
}

/// The tasks of these ids, each once.
fn named<'w>(ids: &[String], worker: Option<&str>, workers: &'w Workers) -> Result<Vec<Target<'w>>, Failure> {
    let mut targets: Vec<Target<'w>> = Vec::with_capacity(ids.len());
    for id in ids {
        let (worker, details) = store::the_one(workers, worker, id)?;
        let no_id = || Failure::Usage(format!("`{}` is no id: its file can only be removed by hand", visible(id)));
        let target = Target { worker, id: TaskId::parse(&details.row.id).ok_or_else(no_id)? };
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    Ok(targets)
}

/// Adds layers of tasks that are dead because one of the layer before is: each comes after what it depends on.
fn add_dependents<'w>(layers: &mut Vec<Vec<Target<'w>>>, mut dead: Vec<(Target<'w>, Vec<String>)>) {
    let mut known: HashSet<String> = layers.iter().flatten().map(|target| target.id.to_string()).collect();
    loop {
        let is_meant = |(_, needs): &mut (Target<'w>, Vec<String>)| needs.iter().any(|id| known.contains(id));
        let layer: Vec<Target<'w>> = dead.extract_if(.., is_meant).map(|(target, _)| target).collect();
        let before = known.len();
        known.extend(layer.iter().map(|target| target.id.to_string()));
        let new: Vec<_> =
            layer.into_iter().filter(|target| !layers.iter().flatten().any(|one| one == target)).collect();
        if !new.is_empty() {
            layers.push(new);
        }
        if known.len() == before {
            break;
        }
    }
}

/// Gives an order for these, one layer after the other.
fn give(order: Order, layers: Vec<Vec<Target<'_>>>) -> Result<Given<'_>, Failure> {
    let mut answers: Vec<(Target<'_>, Refused)> = Vec::new();
    for mut layer in layers {
        while let Some(first) = layer.first().cloned() {
            let (of_one, others): (Vec<_>, Vec<_>) =
                layer.into_iter().partition(|target| target.worker.name() == first.worker.name());
            layer = others;
            let ids = of_one.iter().map(|target| target.id.clone()).collect();
            answers.extend(of_one.into_iter().zip(folder_orders::give(order, first.worker, ids)?));
        }
    }
    Ok(Given { order, answers })
}

/// An order that was given, and what became of it for each task.
pub(super) struct Given<'w> {
    order: Order,
    answers: Vec<(Target<'w>, Refused)>,
}

impl Given<'_> {
    /// It was not carried out for one of them.
    pub(super) fn is_refused(&self) -> bool {
        self.answers.iter().any(|(_, refused)| refused.is_some())
    }

    /// For programs.
    pub(super) fn report(&self) -> impl Serialize {
        let tasks = self.answers.iter().map(|(target, refused)| TaskReport {
            task_id: target.id.as_str(),
            worker: target.worker.name().as_str(),
            result: if refused.is_some() { "refused" } else { done(self.order) },
            reason: refused.as_deref(),
        });
        Report { version: control::VERSION, tasks: tasks.collect() }
    }

    /// For people, a line each.
    pub(super) fn text(&self) -> String {
        let line = |(target, refused): &(Target<'_>, Refused)| {
            let line = match refused {
                None => format!("{}: {}", target.id, done(self.order)),
                Some(reason) => format!("{}: not {} · {reason}", target.id, done(self.order)),
            };
            format!("{}\n", visible(&line))
        };
        self.answers.iter().map(line).collect()
    }
}

/// What is said where there was nothing to do.
pub(super) const NOTHING: &str = "nothing to do: no such dead tasks";

/// Says what became of an order. The result is the exit code.
fn tell(given: &Given<'_>, json: bool) -> Result<u8, Failure> {
    if json {
        print(&json_line(&given.report())?)?;
    } else if given.answers.is_empty() {
        print_message(NOTHING);
    } else {
        print(&given.text())?;
    }
    Ok(u8::from(given.is_refused()))
}

/// The word for an order that was carried out.
fn done(order: Order) -> &'static str {
    match order {
        Order::Retry => "retried",
        Order::Cancel => "cancelled",
        Order::Drop => "dropped",
    }
}
