//! The tool `logs`.

use std::time::Duration;

use serde_json::json;

use super::answer::Answer;
use super::call::Call;
use super::lines::{self, Room};
use crate::cli::client::orders::millis;
use crate::cli::client::patient::{Collected, Patient};
use crate::cli::exit_code::Failure;
use crate::config;
use crate::control::{self, LogLine, LogsAsk};
use crate::domain::{count, visible};

/// Lines without a word about how many, and at most.
const LINES: u64 = 100;
const MOST: u64 = 10_000;

/// Where to begin.
enum Since {
    /// The last lines.
    Last,
    Restart,
    Ago(Duration),
    After(String),
}

/// Lines of logs. After a cursor they are read forwards, so that nobody who goes on from cursor to cursor misses one;
/// otherwise the last ones are wanted.
pub(super) fn logs(call: &Call) -> Result<Answer, Failure> {
    let services: Vec<String> = call.text("service")?.into_iter().collect();
    let since = since(call)?;
    let limit = call.number("limit", LINES, MOST)?;
    let mut ask = LogsAsk {
        services: services.clone(),
        grep: call.text("grep")?,
        level: call.text("level")?,
        levels: true,
        ..LogsAsk::default()
    };
    if ask.level.is_some() {
        // With an expression, lines are counted, and no errors with their traces.
        ask.grep.get_or_insert_with(|| "^".into());
    }
    let mut group = call.group()?;
    // Before the lines: a line that arrives meanwhile is then read twice, and never missed.
    let end = end(&mut group, &services)?;
    let room = if limit > LINES { Room::LARGE } else { Room::NORMAL };
    let forwards = matches!(since, Since::After(_));
    let found = read(&mut group, ask, since, (limit, room))?;
    let with_name = with_name(&services, &found.lines);
    let shown = lines::shown(&found.lines, with_name, room);
    let cursor = found.lines.last().map(|last| last.cursor.clone()).or(end);
    let lines = if found.lines.is_empty() { "no lines\n" } else { &shown.text };
    let text = notes(&found) + lines + &foot(cursor.as_deref(), found.more, forwards, limit);
    let value = json!({
        "version": control::VERSION,
        "lines": shown.values,
        "left_out": shown.hole.map(|hole| hole.value()),
        "cursor": cursor,
        "skipped": found.skipped,
        "more": found.more,
    });
    Answer::new(text, &value, false)
}

/// Reads as many lines as are wanted; after a cursor, no more than there is room for.
fn read(group: &mut Patient, ask: LogsAsk, since: Since, (limit, room): (u64, Room)) -> Result<Collected, Failure> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let (since_ms, since_restart) = match since {
        Since::After(cursor) => {
            let services = ask.services.clone();
            let mut found = group.some_lines(LogsAsk { cursors: vec![cursor], ..ask }, most)?;
            let fits = lines::first(&found.lines, with_name(&services, &found.lines), room).max(1);
            found.more |= found.lines.len() > fits;
            found.lines.truncate(fits);
            return Ok(found);
        }
        Since::Ago(ago) => (Some(millis(ago)), false),
        Since::Restart => (None, true),
        Since::Last => (None, false),
    };
    let mut found = group.lines(LogsAsk { since_ms, since_restart, last: Some(limit.saturating_add(1)), ..ask })?;
    let too_many = found.lines.len().saturating_sub(most);
    found.more = too_many > 0;
    found.lines.drain(..too_many);
    Ok(found)
}

/// Whether each line is to say whose it is: there are several services.
fn with_name(services: &[String], lines: &[LogLine]) -> bool {
    services.is_empty() || lines.iter().any(|line| !services.contains(&line.service))
}

fn since(call: &Call) -> Result<Since, Failure> {
    let Some(text) = call.text("since")?.filter(|text| !text.is_empty()) else { return Ok(Since::Last) };
    if text == "restart" {
        return Ok(Since::Restart);
    }
    if control::is_cursor(&text) {
        return Ok(Since::After(text));
    }
    config::parse_duration(&text).map(Since::Ago).map_err(|_| {
        let help = "write `restart`, a time such as `5m`, or the cursor of an earlier answer";
        Failure::Usage(format!("`since`: cannot read `{}`\n  help: {help}", visible(&text)))
    })
}

/// The cursor behind the last line there is.
pub(super) fn end(group: &mut Patient, services: &[String]) -> Result<Option<String>, Failure> {
    let last = group.lines(LogsAsk { services: services.to_vec(), last: Some(1), ..LogsAsk::default() })?;
    Ok(last.lines.last().map(|line| line.cursor.clone()))
}

fn notes(found: &Collected) -> String {
    let anew = "the cursor is from an earlier run of the group, or from another group: all lines are new\n";
    let skipped = format!("{} dropped before they could be read\n", count(found.skipped, "line"));
    let said = [(found.is_anew, anew), (found.skipped > 0, &*skipped)];
    said.into_iter().filter(|(is_so, _)| *is_so).map(|(_, note)| note).collect()
}

fn foot(cursor: Option<&str>, more: bool, forwards: bool, limit: u64) -> String {
    let Some(cursor) = cursor else { return String::new() };
    let more = match (more, forwards) {
        (false, _) => "",
        (true, true) => " · there are more after it",
        (true, false) if limit >= MOST => " · there are earlier lines: grep or level finds them, or `devgroup logs`",
        (true, false) => " · there are earlier lines: a higher limit, grep or level shows them",
    };
    format!("cursor: {cursor}{more}\n")
}
