//! The tools for the tasks of workers.

use super::answer::Answer;
use super::call::Call;
use crate::cli::exit_code::Failure;
use crate::cli::tasks::{self, Answered};

/// Tasks that are listed without a word about how many, and at most.
const TASKS: u64 = 50;
const MOST: u64 = 1_000;

pub(super) fn add(call: &Call) -> Result<Answer, Failure> {
    let (worker, text) = (call.needed_text("worker")?, call.needed_text("text")?);
    answer(tasks::add(&call.session.place()?, &worker, text, call.text("priority")?, &call.texts("after")?)?)
}

pub(super) fn list(call: &Call) -> Result<Answer, Failure> {
    let (worker, state) = (call.text("worker")?, call.text("state")?);
    let limit = usize::try_from(call.number("limit", TASKS, MOST)?).unwrap_or(usize::MAX);
    answer(tasks::listed(&call.session.place()?, worker.as_deref(), state.as_deref(), limit)?)
}

pub(super) fn show(call: &Call) -> Result<Answer, Failure> {
    answer(tasks::show(&call.session.place()?, call.text("worker")?.as_deref(), &call.needed_text("id")?)?)
}

pub(super) fn retry(call: &Call) -> Result<Answer, Failure> {
    let all = call.flag("all")?.unwrap_or(false);
    answer(tasks::retry(&call.session.place()?, call.text("worker")?, call.texts("ids")?, all)?)
}

fn answer(Answered { text, value, failed }: Answered) -> Result<Answer, Failure> {
    Answer::new(text, &value, failed)
}
