//! `devgroup task retry`, `cancel` and `drop`: orders to whoever works a folder off, or carried out here if nobody does.

use std::collections::HashSet;

use serde::Serialize;

use super::super::exit_code::Failure;
use super::super::json::line as json_line;
use super::super::{print, print_message};
use super::arguments::{CancelArguments, Chosen, DropArguments, RetryArguments};
use super::folder_orders::{self, Refused};
use super::letter_orders;
use super::store;
use super::workers::{Worker, Workers};
use crate::control;
use crate::domain::{TaskId, count, visible};
use crate::task_folder::{NamedLetter, Order};

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

/// What an order names: tasks, dead letters by their files, and what nobody knows, with the reason.
#[derive(Default)]
struct Named<'w> {
    tasks: Vec<Target<'w>>,
    letters: Vec<(&'w Worker, NamedLetter)>,
    unknown: Vec<(String, String)>,
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
    worker: Option<&'t str>,
    /// `retried`, `cancelled`, `dropped`, or `refused`.
    result: &'static str,
    /// Why it was refused.
    reason: Option<&'t str>,
}

/// Retries dead tasks.
pub(super) fn retry(arguments: &RetryArguments, workers: &Workers) -> Result<u8, Failure> {
    tell(&retried(arguments, workers)?, arguments.json)
}

/// The same, without a word.
pub(super) fn retried<'w>(arguments: &RetryArguments, workers: &'w Workers) -> Result<Given<'w>, Failure> {
    let mut named = targets(&arguments.chosen, workers)?;
    let mut layers = vec![std::mem::take(&mut named.tasks)];
    if arguments.with_dependents {
        add_dependents(&mut layers, store::dead_dependents(workers)?);
    }
    give(Order::Retry, layers, named)
}

/// Ends tasks that wait or run.
pub(super) fn cancel(arguments: &CancelArguments, workers: &Workers) -> Result<u8, Failure> {
    tell(&cancelled(&arguments.ids, arguments.worker.as_deref(), workers)?, arguments.json)
}

/// The same, without a word.
pub(super) fn cancelled<'w>(ids: &[String], worker: Option<&str>, workers: &'w Workers) -> Result<Given<'w>, Failure> {
    let mut named = named(ids, worker, workers)?;
    give(Order::Cancel, vec![std::mem::take(&mut named.tasks)], named)
}

/// Removes tasks.
pub(super) fn drop(arguments: &DropArguments, workers: &Workers) -> Result<u8, Failure> {
    let chosen = &arguments.chosen;
    let mut named = targets(chosen, workers)?;
    if chosen.all {
        named.letters = store::named_letters(workers, chosen.worker.as_deref(), chosen.reason.as_deref())?;
    }
    let all = named.tasks.len() + named.letters.len();
    if chosen.all && !arguments.yes && all > 0 {
        let dead = count(all, "dead task");
        return Err(Failure::Usage(format!("this removes {dead} for good\n  help: add --yes if that is meant")));
    }
    tell(&give(Order::Drop, vec![std::mem::take(&mut named.tasks)], named)?, arguments.json)
}

/// Those that are named, or all that are dead.
fn targets<'w>(chosen: &Chosen, workers: &'w Workers) -> Result<Named<'w>, Failure> {
    let worker = chosen.worker.as_deref();
    match chosen.all {
        true => Ok(Named { tasks: store::dead(workers, worker, chosen.reason.as_deref())?, ..Named::default() }),
        false => named(&chosen.ids, worker, workers),
    }
}

/// What has these names, each once. Of several, one that nobody knows holds nothing up.
fn named<'w>(ids: &[String], worker: Option<&str>, workers: &'w Workers) -> Result<Named<'w>, Failure> {
    let mut named = Named::default();
    for id in ids {
        let failure = match store::the_one(workers, worker, id) {
            Ok((worker, details)) => match TaskId::parse(&details.row.id) {
                Some(id) => {
                    let target = Target { worker, id };
                    if !named.tasks.contains(&target) {
                        named.tasks.push(target);
                    }
                    continue;
                }
                None => {
                    Failure::Usage(format!("`{}` is not a valid id: its file can only be removed by hand", visible(id)))
                }
            },
            Err(failure) => failure,
        };
        if !matches!(failure, Failure::Unknown { what: "task", .. }) {
            return Err(failure);
        }
        match (letter_orders::find(workers, worker, id)?, failure) {
            (Some(letter), _) => named.letters.push(letter),
            (None, Failure::Unknown { message, .. }) if ids.len() > 1 => named.unknown.push((id.clone(), message)),
            (None, failure) => return Err(failure),
        }
    }
    Ok(named)
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

/// Gives an order for these, one layer after the other, and for what else is named.
fn give<'w>(order: Order, layers: Vec<Vec<Target<'w>>>, named: Named<'w>) -> Result<Given<'w>, Failure> {
    let mut answers = Vec::new();
    for mut layer in layers {
        while let Some(first) = layer.first().cloned() {
            let (of_one, others): (Vec<_>, Vec<_>) =
                layer.into_iter().partition(|target| target.worker.name() == first.worker.name());
            layer = others;
            let ids = of_one.iter().map(|target| target.id.clone()).collect();
            let refused = folder_orders::give(order, first.worker, ids)?;
            let told = of_one.into_iter().zip(refused);
            answers.extend(told.map(|(target, refused)| (target.id.to_string(), Some(target.worker), refused)));
        }
    }
    for (worker, letter) in named.letters {
        let refused = letter_orders::give(order, worker, &letter)?;
        answers.push((letter.details.row.id.to_string(), Some(worker), refused));
    }
    answers.extend(named.unknown.into_iter().map(|(id, why)| (id, None, Some(why))));
    Ok(Given { order, answers })
}

/// An order that was given, and what became of it: for each name with its worker, if it has one.
pub(super) struct Given<'w> {
    order: Order,
    answers: Vec<(String, Option<&'w Worker>, Refused)>,
}

impl Given<'_> {
    /// It was not carried out for one of them.
    pub(super) fn is_refused(&self) -> bool {
        self.answers.iter().any(|(_, _, refused)| refused.is_some())
    }

    /// For programs.
    pub(super) fn report(&self) -> impl Serialize {
        let tasks = self.answers.iter().map(|(name, worker, refused)| TaskReport {
            task_id: name,
            worker: worker.map(|worker| worker.name().as_str()),
            result: if refused.is_some() { "refused" } else { done(self.order) },
            reason: refused.as_deref(),
        });
        Report { version: control::VERSION, tasks: tasks.collect() }
    }

    /// For people, a line each.
    pub(super) fn text(&self) -> String {
        let line = |(name, _, refused): &(String, Option<&Worker>, Refused)| {
            let line = match refused {
                None => format!("{name}: {}", done(self.order)),
                Some(reason) => format!("{name}: not {} · {reason}", done(self.order)),
            };
            format!("{}\n", visible(&line))
        };
        self.answers.iter().map(line).collect()
    }
}

/// What is said where there was nothing to do.
pub(super) const NOTHING: &str = "nothing to do: no dead tasks";

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
        Order::Drain => "fetched back",
    }
}
