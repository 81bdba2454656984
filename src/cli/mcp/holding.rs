//! The tool `hold`: one connection holds changes back, for as long as this process has it. Its end is settled at once.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{AT_HAND, Call};
use super::waits;
use crate::cli::exit_code::Failure;
use crate::control::{self, Ask, Client, ClientError, HoldAsk, Problem, ProblemCode, Reply};
use crate::domain::count;

/// What a session holds.
pub(super) struct Held {
    group: Client,
    question: u64,
}

impl Held {
    /// Changes that are held now; `None` if the group that held them has ended.
    fn changes(&mut self) -> Option<usize> {
        match self.group.ask(Ask::Status { follow: false, usage: false }) {
            Ok(Reply::Status(status)) => Some(status.watch.held),
            _ => None,
        }
    }
}

pub(super) fn hold(call: &Call) -> Result<Answer, Failure> {
    if call.needed_flag("on")? { begin(call) } else { end(call) }
}

fn begin(call: &Call) -> Result<Answer, Failure> {
    let mut held = call.session.held();
    if call.session.is_over() {
        return Err(Failure::Unexpected("the session is over".into()));
    }
    if let Some(changes) = held.as_mut().and_then(Held::changes) {
        return answer(true, changes, &format!("holding already · {} so far", count(changes, "change")));
    }
    *held = None;
    let mut group = call.connect()?;
    group.set_patience(AT_HAND)?;
    let ask = HoldAsk { label: call.client(), command: false, services: Vec::new() };
    let question = group.send(Ask::Hold(ask))?;
    while !matches!(group.next_message()?.reply, Reply::Held {}) {}
    *held = Some(Held { group, question });
    answer(true, 0, "holding: nothing restarts until hold is off, or this session ends")
}

fn end(call: &Call) -> Result<Answer, Failure> {
    let Some(mut held) = call.session.held().take() else { return answer(false, 0, "nothing was held") };
    let ended = "the group that held them has ended: nothing is held";
    if held.changes().is_none() {
        return answer(false, 0, ended);
    }
    match held.group.ask(Ask::Release { hold: held.question, discard: false }) {
        Ok(_) => released(call),
        Err(ClientError::Ended { .. } | ClientError::Lost) => answer(false, 0, ended),
        Err(ClientError::Refused(Problem { code: ProblemCode::Refused, .. })) => answer(false, 0, ended),
        Err(error) => Err(error.into()),
    }
}

/// What came of the changes that were held: whoever lets go wants to know that next.
fn released(call: &Call) -> Result<Answer, Failure> {
    let mut settled = waits::after_edits(call)?;
    settled.text.insert_str(0, "released\n");
    if let Value::Object(value) = &mut settled.value {
        value.insert("on".into(), false.into());
    }
    Ok(settled)
}

fn answer(on: bool, changes: usize, text: &str) -> Result<Answer, Failure> {
    let value = json!({ "version": control::VERSION, "on": on, "changes": changes });
    Answer::new(format!("{text}\n"), &value, false)
}
