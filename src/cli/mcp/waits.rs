//! The tools `wait` and `settle`.

use std::time::Duration;

use serde_json::json;

use super::answer::Answer;
use super::call::Call;
use super::lines::{self, Room};
use super::orders::{self, indented};
use crate::cli::client::orders::{code, line, millis};
use crate::cli::client::{settle, wait_text};
use crate::cli::exit_code::Failure;
use crate::config;
use crate::control::{Ask, Goal, Reply, SettleAsk, Settled};
use crate::domain::{count, visible};

/// How long is waited without a word.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Lines of a service that are asked for after edits.
const LINES: u64 = 200;

/// What can be waited for.
const WORDS: [&str; 4] = ["ready", "exit", "restart", "text"];

/// Waits for a service.
pub(super) fn wait(call: &Call) -> Result<Answer, Failure> {
    let service = call.needed_text("service")?;
    let timeout = call.time("timeout", TIMEOUT)?;
    let text = call.text("text")?;
    let goal = match call.text("for")?.as_deref() {
        // A text says by itself what is waited for.
        Some("text") | None if text.is_some() => return for_text(call, &service, &call.needed_text("text")?, timeout),
        Some("text") => return Err(Failure::Usage("`text` is missing: what is waited for".into())),
        None | Some("ready") => Goal::Ready,
        Some("exit") => Goal::Exit,
        Some("restart") => Goal::Restart,
        Some(other) => {
            let near = config::near(other, WORDS);
            let near = if near.is_empty() { WORDS.to_vec() } else { near };
            let help = format!("did you mean {}?", config::any_of(&near));
            return Err(Failure::Usage(format!("`for`: unknown value `{}`\n  help: {help}", visible(other))));
        }
    };
    let mut group = call.group_for(timeout)?;
    let ask = Ask::Wait { services: vec![service], goal, timeout_ms: Some(millis(timeout)) };
    let Reply::Done { services: outcomes } = group.ask(ask)? else {
        return Err(Failure::Unexpected("the group did not report what became of it".into()));
    };
    orders::told(&mut group, &outcomes, true, code(&outcomes, goal == Goal::Exit) != 0)
}

/// Waits until a service has printed a text.
fn for_text(call: &Call, service: &str, text: &str, timeout: Duration) -> Result<Answer, Failure> {
    let group =
        crate::cli::client::patient::Patient::new(call.connect()?, Some(timeout), Some(call.called_off.clone()));
    let report = wait_text::wait(group, service, text)?;
    let failed = report.code() != 0;
    let mut said: String = match failed {
        true => report.services.iter().map(|outcome| line(outcome) + "\n").collect(),
        false => String::new(),
    };
    let shown = lines::shown(&report.lines, false, Room::NORMAL);
    said += &if failed { indented(&shown.text) } else { shown.text };
    let cursor = report.lines.last().map(|line| line.cursor.clone());
    if let Some(cursor) = &cursor {
        said += &format!("cursor: {cursor}\n");
    }
    let mut value = json!(report);
    value["lines"] = shown.values.into();
    value["cursor"] = json!(cursor);
    Answer::new(said, &value, failed)
}

/// What came of edits: since the last time that this session asked, if it says nothing else.
pub(super) fn after_edits(call: &Call) -> Result<Answer, Failure> {
    let timeout = call.time("timeout", TIMEOUT)?;
    let (services, timeout_ms) = (call.texts("services")?, Some(millis(timeout)));
    let since = call.text("since")?.filter(|since| !since.is_empty());
    let since = since.or_else(|| call.session.settled().cursor(&services));
    let mut group = call.group_for(timeout)?;
    let ask = SettleAsk { services: services.clone(), since, timeout_ms, lines: Some(LINES) };
    let Reply::Settled(settled) = group.ask(Ask::Settle(ask))? else {
        return Err(Failure::Unexpected("the group did not report what came of the changes".into()));
    };
    call.session.settled().note(services, settled.cursor.clone());
    told(&settled)
}

fn told(settled: &Settled) -> Result<Answer, Failure> {
    let room = Room::NORMAL.part(settled.services.len());
    let mut value = json!(settled);
    let mut text = String::new();
    for (service, told) in settled.services.iter().zip(value["services"].as_array_mut().into_iter().flatten()) {
        let shown = lines::shown(&service.lines, false, room);
        text += &format!("{}\n{}", visible(&settle::line(service)), indented(&shown.text));
        if service.skipped > 0 {
            text += &format!("  … and {}\n", count(service.skipped, "more line"));
        }
        told["lines"] = shown.values.into();
        if let Some(hole) = shown.hole {
            told["left_out"] = hole.value();
        }
    }
    if let Some(problem) = &settled.file_problem {
        text += &format!("not loaded (previous version in use): {}\n", visible(problem));
    }
    text += &format!("{}\n", visible(&settle::summary(settled)));
    text += &settled.notes.iter().map(|note| format!("note: {}\n", visible(note))).collect::<String>();
    text += &format!("cursor: {}\n", settled.cursor);
    Answer::new(text, &value, settle::code(settled) != 0)
}
