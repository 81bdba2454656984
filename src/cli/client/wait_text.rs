//! `devgroup wait SERVICE --for text TEXT`: until a service has printed a text.
//!
//! The lines of the live run count from its beginning: whoever starts something and then waits for what it prints must not
//! have to be faster than it. The text is plain, not an expression; where it has no capitals, these count as small letters.

use serde::Serialize;

use super::super::exit_code::Failure;
use super::output;
use super::patient::{Collected, Patient, TimeUp};
use crate::control::{Ask, Became, Cursor, LogLine, LogsAsk, Outcome, Reply, Service, Status};
use crate::domain::{ServiceName, visible};
use crate::logs::LineId;

/// Lines around the one with the text: so many before it, and so many after it as are there.
const AROUND: u64 = 5;

/// The text has come, or not.
#[derive(Serialize)]
pub(in crate::cli) struct Report {
    version: u32,
    /// As of every wait.
    pub(in crate::cli) services: Vec<Outcome>,
    /// The line with the text.
    pub(in crate::cli) line: Option<LogLine>,
    /// That line, with those around it; without it, the last ones.
    pub(in crate::cli) lines: Vec<LogLine>,
}

/// What is waited for: from which run on.
struct Wanted {
    /// Name of the service, as the group writes it.
    service: String,
    run: u32,
}

/// Waits, and says what has come. The result is the exit code.
pub(super) fn run(group: Patient, service: &str, text: &str, json: bool) -> Result<u8, Failure> {
    let report = wait(group, service, text)?;
    let code = report.code();
    if json {
        output::write(&output::json(&report)?)?;
        return Ok(code);
    }
    let lines: String = report.lines.iter().map(|line| visible(&line.text).into_owned() + "\n").collect();
    output::write(&lines)?;
    if code != 0 {
        let said: Vec<String> = report.services.iter().map(super::orders::line).collect();
        super::super::print_message(&said.join("\n"));
    }
    Ok(code)
}

impl Report {
    /// The exit code, as of every wait.
    pub(in crate::cli) fn code(&self) -> u8 {
        super::orders::code(&self.services, false)
    }
}

/// Waits until a service has printed a text, will not print it any more, or the time is up.
pub(in crate::cli) fn wait(mut group: Patient, service: &str, text: &str) -> Result<Report, Failure> {
    let wanted = wanted(&mut group, service)?;
    if text.is_empty() || text.contains('\n') {
        let problem = if text.is_empty() { "the text is empty" } else { "the text has more than one line" };
        return Err(Failure::Usage(format!("{problem}\n  help: write a part of one line")));
    }
    let grep = Some(regex::escape(text));
    let asked = LogsAsk { services: vec![wanted.service.clone()], grep, since_restart: true, ..LogsAsk::default() };
    let lines = group.send(Ask::Logs(LogsAsk { follow: true, ..asked.clone() }))?;
    let states = group.send(Ask::Status { follow: true, usage: false })?;
    let is_it = |line: &LogLine| !line.marker && line.run >= wanted.run;
    loop {
        let message = match group.next()? {
            Ok(message) => message,
            Err(TimeUp) => return report(&mut group, &wanted, Became::TimedOut, None),
        };
        match message.reply {
            Reply::Line(line) if message.id == Some(lines) && is_it(&line) => {
                return found(&mut group, &wanted, line);
            }
            Reply::Status(status) if message.id == Some(states) => {
                let Some(reason) = given_up(&status, &wanted) else { continue };
                group.allow_an_answer();
                // What it has printed before is known by now, but may not have been sent yet.
                let id = group.send(Ask::Logs(asked))?;
                let late = first_of(&mut group, id, is_it)?;
                return match late {
                    Some(line) => found(&mut group, &wanted, line),
                    None => report(&mut group, &wanted, Became::Failed, Some(reason)),
                };
            }
            _ => {}
        }
    }
}

/// The service that is meant, and the first run whose lines count: the live one, else the next.
fn wanted(group: &mut Patient, written: &str) -> Result<Wanted, Failure> {
    let Reply::Status(status) = group.ask(Ask::Status { follow: false, usage: false })? else {
        return Err(Failure::Unexpected("the group did not report its state".into()));
    };
    let names = status.roster().resolve([written])?;
    let service = match names.as_slice() {
        [one] => status.services.iter().find(|service| service.name == one.as_str()),
        // The group says that there is no instance.
        [] => None,
        several => {
            let several = several.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("`{}` means several services: {several}", visible(written));
            return Err(Failure::Usage(format!("{message}\n  help: name one of them")));
        }
    };
    let Some(service) = service else {
        group.ask(Ask::Wait {
            services: vec![written.into()],
            goal: crate::control::Goal::Ready,
            timeout_ms: Some(0),
        })?;
        return Err(Failure::Usage(format!("no service `{}`", visible(written))));
    };
    let run = first_run(&service.state, service.uptime_ms.is_some(), service.run);
    Ok(Wanted { service: service.name.clone(), run })
}

/// The first run whose lines count, of a service in this state with this last run. `is_up`: the run has a process. One that
/// was just ordered has none for a moment, and counts.
fn first_run(state: &str, is_up: bool, run: u32) -> u32 {
    let is_it = is_up || matches!(state, "starting" | "done");
    if is_it { run } else { run.saturating_add(1) }
}

/// Why the text will not come any more, if it will not.
fn given_up(status: &Status, wanted: &Wanted) -> Option<String> {
    let Some(service) = status.services.iter().find(|service| service.name == wanted.service) else {
        return Some("it is not in the file any more".into());
    };
    let is_over = |service: &Service| {
        matches!(service.state.as_str(), "failed" | "crash-loop" | "stopped" | "done" | "suspended")
            || (service.state == "blocked" && service.reason.is_some())
    };
    is_over(service).then(|| format!("{} before it printed the text", super::status::state(service)))
}

/// The first of the lines that a question brings, if it is one of those.
fn first_of(group: &mut Patient, id: u64, is_it: impl Fn(&LogLine) -> bool) -> Result<Option<LogLine>, Failure> {
    let mut found = None;
    while let Ok(message) = group.next()? {
        match message.reply {
            Reply::Line(line) if message.id == Some(id) && found.is_none() && is_it(&line) => found = Some(line),
            Reply::End {} if message.id == Some(id) => break,
            _ => {}
        }
    }
    Ok(found)
}

/// The line, and those around it.
fn found(group: &mut Patient, wanted: &Wanted, line: LogLine) -> Result<Report, Failure> {
    let place = Cursor::parse(&line.cursor).map(|mut cursor| {
        cursor.next = LineId(cursor.next.0.saturating_sub(AROUND + 1));
        cursor.to_string()
    });
    group.allow_an_answer();
    let services = vec![wanted.service.clone()];
    let ask = LogsAsk { services, cursors: place.into_iter().collect(), levels: true, ..LogsAsk::default() };
    let id = group.send(Ask::Logs(ask))?;
    let (mut lines, mut after) = (Vec::new(), None::<u64>);
    while after.is_none_or(|after| after < AROUND)
        && let Ok(message) = group.next()?
    {
        match message.reply {
            Reply::Line(next) if message.id == Some(id) => {
                after = after.map(|after| after + 1).or_else(|| (next.cursor == line.cursor).then_some(0));
                lines.push(next);
            }
            Reply::End {} if message.id == Some(id) => break,
            _ => {}
        }
    }
    let outcome = outcome(wanted, Became::Ready, &line, None);
    Ok(Report { version: crate::control::VERSION, services: vec![outcome], line: Some(line), lines })
}

/// That it has not come, with the last lines.
fn report(group: &mut Patient, wanted: &Wanted, became: Became, reason: Option<String>) -> Result<Report, Failure> {
    group.allow_an_answer();
    let services = vec![wanted.service.clone()];
    let ask = LogsAsk { services, last: Some(2 * AROUND), levels: true, ..LogsAsk::default() };
    let Collected { lines, .. } = group.lines(ask)?;
    let outcome = match lines.last() {
        Some(last) => outcome(wanted, became, last, reason),
        None => {
            let (name, cursor, state) = (wanted.service.clone(), String::new(), String::new());
            Outcome { name, result: became, run: wanted.run, cursor, reason, state }
        }
    };
    Ok(Report { version: crate::control::VERSION, services: vec![outcome], line: None, lines })
}

fn outcome(wanted: &Wanted, result: Became, at: &LogLine, reason: Option<String>) -> Outcome {
    let (name, cursor, state) = (wanted.service.clone(), at.cursor.clone(), String::new());
    Outcome { name, result, run: at.run, cursor, reason, state }
}

#[cfg(test)]
mod tests {
    use super::first_run;
    use crate::logs::{Query, QueryKind};

    #[test]
    fn a_run_that_was_just_ordered_counts() {
        assert_eq!(first_run("ready", true, 2), 2);
        assert_eq!(first_run("starting", false, 2), 2, "its process is being made");
        assert_eq!(first_run("done", false, 2), 2);
        for state in ["stopped", "failed", "retrying", "blocked", "queued", "validating"] {
            assert_eq!(first_run(state, false, 2), 3, "{state}");
        }
    }

    #[test]
    fn a_text_is_found_as_it_is_written() {
        for text in ["listening on [::]:3000 (*)", "a.b|c\\d", "$^{}#-~ é", "<b>&'\"`,;:!?@%=/_"] {
            let query = Query::new(&regex::escape(text), QueryKind::Regex).unwrap();
            assert!(query.is_match(&format!("x{text}y")), "{text}");
        }
        let query = Query::new(&regex::escape("a.b"), QueryKind::Regex).unwrap();
        assert!(!query.is_match("axb") && query.is_match("A.B"));
    }
}
