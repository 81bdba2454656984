//! The answers of some commands as values: for programs that ask for them in another way than by a command line.

use serde::Serialize;
use serde_json::Value;

use super::super::arguments::Place;
use super::super::exit_code::Failure;
use super::arguments::{AddArguments, Chosen, RetryArguments, STATE_WORDS};
use super::workers::Workers;
use super::{list as lists, orders, show as shown, store};
use crate::config;
use crate::display::OutputStyle;
use crate::domain::{Priority, TaskId, visible};
use crate::logs::StyleSupport;

/// How text for such a program looks.
const PLAIN: OutputStyle =
    OutputStyle { links: false, color: false, styles: StyleSupport::FULL, unicode: true, columns: None };

/// An answer.
pub(in crate::cli) struct Answered {
    /// For a reader.
    pub(in crate::cli) text: String,
    /// The JSON of the command.
    pub(in crate::cli) value: Value,
    /// Something was refused.
    pub(in crate::cli) failed: bool,
}

impl Answered {
    fn new(text: String, value: &impl Serialize) -> Result<Self, Failure> {
        let value = serde_json::to_value(value).map_err(|error| Failure::Unexpected(error.to_string()))?;
        Ok(Self { text, value, failed: false })
    }
}

/// Whether a service of the group that is meant here is a worker.
pub(in crate::cli) fn has_workers(place: &Place) -> bool {
    Workers::of(place).is_ok()
}

/// `devgroup task list`.
pub(in crate::cli) fn list(
    place: &Place,
    worker: Option<&str>,
    state: Option<&str>,
    limit: usize,
) -> Result<Answered, Failure> {
    one_of("state", state, &STATE_WORDS)?;
    let workers = Workers::of(place)?;
    let chosen = workers.chosen(worker)?;
    let others = if worker.is_none() { store::of_no_worker(&workers) } else { Vec::new() };
    let (table, left_off) = store::list(chosen, others, state, limit)?;
    let notes = Workers::notes(chosen);
    let text = lists::text(&table, left_off, &notes, (PLAIN, super::now()));
    Answered::new(text, &lists::report(&table, left_off, &notes))
}

/// `devgroup task show`.
pub(in crate::cli) fn show(place: &Place, worker: Option<&str>, id: &str) -> Result<Answered, Failure> {
    let workers = Workers::of(place)?;
    let (_, details) = store::the_one(&workers, worker, id)?;
    Answered::new(shown::text(&details, PLAIN, super::now()), &shown::report(&details))
}

/// `devgroup task add`: one task.
pub(in crate::cli) fn add(
    place: &Place,
    worker: &str,
    text: String,
    priority: Option<String>,
    after: &[String],
) -> Result<Answered, Failure> {
    one_of("priority", priority.as_deref(), &Priority::ALL.map(Priority::word))?;
    let id = |id: &String| {
        TaskId::parse(id).ok_or_else(|| Failure::Usage(format!("`after`: `{}` is not a task id", visible(id))))
    };
    let arguments = AddArguments {
        worker: worker.to_owned(),
        text: Vec::new(),
        id: None,
        priority,
        timeout: None,
        after: after.iter().map(id).collect::<Result<_, _>>()?,
        meta: Vec::new(),
        file: None,
        batch: None,
        wait: false,
        json: true,
    };
    let (text, value) = super::add::add(&arguments, text, &Workers::of(place)?)?;
    Ok(Answered { text, value, failed: false })
}

/// `devgroup task retry`: these, or all that are dead.
pub(in crate::cli) fn retry(
    place: &Place,
    worker: Option<String>,
    ids: Vec<String>,
    all: bool,
) -> Result<Answered, Failure> {
    if ids.is_empty() != all {
        return Err(Failure::Usage("give `ids`, or `all`: true".into()));
    }
    let chosen = Chosen { ids, all, worker, reason: None };
    let workers = Workers::of(place)?;
    let given = orders::retried(&RetryArguments { chosen, with_dependents: false, json: true }, &workers)?;
    let text = given.text();
    let text = if text.is_empty() { format!("{}\n", orders::NOTHING) } else { text };
    Ok(Answered { failed: given.is_refused(), ..Answered::new(text, &given.report())? })
}

/// `devgroup task cancel`: one task.
pub(in crate::cli) fn cancel(place: &Place, worker: Option<&str>, id: &str) -> Result<Answered, Failure> {
    let workers = Workers::of(place)?;
    let given = orders::cancelled(&[id.to_owned()], worker, &workers)?;
    Ok(Answered { failed: given.is_refused(), ..Answered::new(given.text(), &given.report())? })
}

/// A word that the command line would refuse by itself.
fn one_of(what: &str, word: Option<&str>, words: &[&str]) -> Result<(), Failure> {
    let Some(word) = word.filter(|word| !words.contains(word)) else { return Ok(()) };
    let near = config::near(word, words.iter().copied());
    let near = if near.is_empty() {
        format!("write {}", config::any_of(words))
    } else {
        format!("did you mean {}?", config::any_of(&near))
    };
    Err(Failure::Usage(format!("`{what}`: `{}` is none\n  help: {near}", visible(word))))
}
