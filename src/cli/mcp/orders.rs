//! The tools `restart`, `start`, `stop` and `send`.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::call::Call;
use super::lines::{self, Room};
use super::logs;
use crate::cli::client::orders::{code, line, millis};
use crate::cli::client::patient::{Collected, Patient};
use crate::cli::exit_code::Failure;
use crate::clock::Clock;
use crate::control::{self, Ask, Became, LogLine, LogsAsk, Order, Outcome, Reply};
use crate::domain::Moment;

/// How long an order is waited for without a word.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Lines of a run that are asked for; of more, the last.
const LINES: u64 = 400;

/// Lines of a service that is as it should be.
const FEW: u64 = 20;

/// What is typed is answered within this time, if at all …
const ANSWER: Duration = Duration::from_secs(2);

/// … and the answer is over when nothing has come for so long.
const REST: Duration = Duration::from_millis(300);

pub(super) fn restart(call: &Call) -> Result<Answer, Failure> {
    order(call, call.needed_texts("services")?, Ask::Restart, false)
}

pub(super) fn stop(call: &Call) -> Result<Answer, Failure> {
    order(call, call.needed_texts("services")?, Ask::Stop, true)
}

pub(super) fn start_services(call: &Call, services: Vec<String>) -> Result<Answer, Failure> {
    order(call, services, Ask::Start, false)
}

/// Gives an order, and tells what became of it: with the lines since, if they tell why.
fn order(call: &Call, services: Vec<String>, ask: fn(Order) -> Ask, ends: bool) -> Result<Answer, Failure> {
    let wait = call.flag("wait")?.unwrap_or(true);
    let timeout = call.time("timeout", TIMEOUT)?;
    let mut group = call.group_for(timeout)?;
    let clock = Clock::start();
    let order = Order { services, wait, timeout_ms: Some(millis(timeout)), ..Order::default() };
    let Reply::Done { services: outcomes } = group.ask(ask(order))? else {
        return Err(Failure::Unexpected("the group did not report what became of it".into()));
    };
    let took = clock.now().since(Moment::START);
    let mut answer = told(&mut group, &outcomes, wait && !ends, code(&outcomes, ends) != 0)?;
    if let (true, Value::Object(value)) = (wait, &mut answer.value) {
        value.insert("took_ms".into(), json!(millis(took)));
    }
    Ok(answer)
}

/// What became of services, with what their last runs have said.
pub(super) fn told(
    group: &mut Patient,
    outcomes: &[Outcome],
    with_lines: bool,
    failed: bool,
) -> Result<Answer, Failure> {
    group.allow_an_answer();
    let room = Room::NORMAL.part(outcomes.len());
    let (mut text, mut values, mut last) = (String::new(), Vec::new(), None);
    for outcome in outcomes {
        text += &format!("{}\n", line(outcome));
        let mut value = object(&json!(outcome));
        if with_lines {
            let is_well = matches!(outcome.result, Became::Ready | Became::Done | Became::Restarted);
            let found = since(group, outcome, if is_well { FEW } else { LINES })?;
            last = found.lines.last().map(|line| line.cursor.clone()).or(last);
            let shown = lines::shown(&found.lines, false, room);
            text += &indented(&shown.text);
            value.insert("lines".into(), shown.values.into());
            if let Some(hole) = shown.hole {
                value.insert("left_out".into(), hole.value());
            }
            if found.more {
                value.insert("more".into(), json!(true));
            }
        }
        values.push(Value::Object(value));
    }
    if outcomes.is_empty() {
        text = "nothing to do\n".into();
    }
    let cursor = last.or_else(|| outcomes.last().map(|outcome| outcome.cursor.clone()));
    if let Some(cursor) = &cursor {
        text += &format!("cursor: {cursor}\n");
    }
    let value = json!({ "version": control::VERSION, "services": values, "cursor": cursor });
    Answer::new(text, &value, failed)
}

/// The last lines of a run.
fn since(group: &mut Patient, outcome: &Outcome, most: u64) -> Result<Collected, Failure> {
    let services = vec![outcome.name.clone()];
    let cursors = vec![outcome.cursor.clone()];
    let ask = LogsAsk { services, cursors, last: Some(most + 1), levels: true, ..LogsAsk::default() };
    let mut found = group.lines(ask)?;
    let too_many = found.lines.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
    found.more = too_many > 0;
    found.lines.drain(..too_many);
    Ok(found)
}

/// Types a line, and tells what follows.
pub(super) fn send(call: &Call) -> Result<Answer, Failure> {
    let (service, text) = (call.needed_text("service")?, call.needed_text("text")?);
    let mut group = call.group()?;
    let services = vec![service.clone()];
    let before = logs::end(&mut group, &services)?;
    group.ask(Ask::Send { service, text: format!("{text}\n") })?;
    let lines = what_follows(call, services, before)?;
    let shown = lines::shown(&lines, false, Room::NORMAL);
    let cursor = lines.last().map(|line| line.cursor.clone());
    let foot = cursor.as_ref().map(|cursor| format!("cursor: {cursor}\n")).unwrap_or_default();
    let text = if lines.is_empty() { "sent · nothing was printed so far\n" } else { &shown.text };
    let value = json!({
        "version": control::VERSION,
        "lines": shown.values,
        "left_out": shown.hole.map(|hole| hole.value()),
        "cursor": cursor,
    });
    Answer::new(format!("{text}{foot}"), &value, false)
}

/// What a service prints after a place, until it rests.
fn what_follows(call: &Call, services: Vec<String>, after: Option<String>) -> Result<Vec<LogLine>, Failure> {
    let ask =
        LogsAsk { services, cursors: after.into_iter().collect(), follow: true, levels: true, ..LogsAsk::default() };
    let mut group = Patient::new(call.connect()?, Some(ANSWER), Some(call.called_off.clone()));
    group.send(Ask::Logs(ask))?;
    let (mut lines, clock) = (Vec::new(), Clock::start());
    while clock.now().since(Moment::START) < ANSWER
        && let Ok(message) = group.next()?
    {
        if let Reply::Line(line) = message.reply {
            lines.push(line);
            group.wait_only(REST);
        }
    }
    Ok(lines)
}

/// Lines that belong to the one above.
pub(super) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

pub(super) fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
