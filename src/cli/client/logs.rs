//! The client command `devgroup logs`.

use std::io;

use super::super::exit_code::Failure;
use super::arguments::LogsArguments;
use super::output;
use crate::clock::local_time_with_milliseconds;
use crate::config::any_of;
use crate::control::{Ask, Client, ClientError, LogLine, LogsAsk, NoField, Reply, Skipped};
use crate::display::{LineWriter, OutputStyle, Words};
use crate::domain::{framed, no_instances, visible};
use crate::logs::{Condition, Query, QueryKind};

/// Lines that are shown of a log without a word about where to begin.
const LINES: u64 = 200;

/// Text is written when there is so much of it, or nothing more comes at once.
const CHUNK: usize = 64 << 10;

/// What can be said before a group is asked.
pub(super) fn check(arguments: &LogsArguments) -> Result<(), Failure> {
    if let Some(text) = &arguments.grep {
        Query::new(text, QueryKind::Regex).map_err(|error| {
            Failure::Usage(format!(
                "--grep: `{}` is not a valid regex: {}\n  help: to match a special character itself, put `\\` before it",
                visible(text),
                visible(&error.to_string())
            ))
        })?;
    }
    for text in &arguments.conditions {
        Condition::parse(text)
            .map_err(|error| Failure::Usage(format!("--where: {}\n  help: {}", error.message, error.help)))?;
    }
    Ok(())
}

/// What the arguments ask the group for.
fn question(arguments: &LogsArguments, style: OutputStyle) -> LogsAsk {
    let begins = arguments.since.is_some() || arguments.since_restart || !arguments.cursors.is_empty();
    let seeks = arguments.grep.is_some() || arguments.level.is_some() || !arguments.conditions.is_empty();
    LogsAsk {
        services: arguments.services.clone(),
        follow: arguments.follow,
        last: arguments.lines.or((!begins && !seeks).then_some(LINES)),
        since_ms: arguments.since.map(super::orders::millis),
        since_restart: arguments.since_restart,
        cursors: arguments.cursors.clone(),
        grep: arguments.grep.clone(),
        level: arguments.level.clone(),
        conditions: arguments.conditions.clone(),
        styled: arguments.raw || (style.color && !arguments.json),
        depth: style.styles.depth,
        plain_underlines: !style.styles.underlines,
        links: style.links && !arguments.json,
        levels: arguments.json,
    }
}

pub(super) fn run(mut group: Client, arguments: LogsArguments) -> Result<u8, Failure> {
    let style = OutputStyle::of(&io::stdout());
    let (names, shown) = match group.ask(Ask::Status { follow: false, usage: false })? {
        Reply::Status(status) => {
            let (roster, written) = (status.roster(), || arguments.services.iter().map(String::as_str));
            let shown = written().flat_map(|written| roster.resolve([written]).unwrap_or_default());
            let shown: Vec<String> = shown.map(|name| name.as_str().to_owned()).collect();
            let none = roster.only_without_instances(written());
            if !none.is_empty() {
                // With --follow, those that come later are shown.
                super::super::print_message(&no_instances(&none, true));
            }
            (status.services.into_iter().map(|service| service.name).collect(), shown)
        }
        _ => Default::default(),
    };
    let mut printer = Printer::new(&arguments, names, &shown, style);
    group.send(Ask::Logs(question(&arguments, style)))?;
    loop {
        if !group.wait_for_more(io::stdout())? {
            return Ok(0);
        }
        let reply = match group.next_message() {
            Ok(message) => message.reply,
            Err(error) => {
                output::write(&printer.text)?;
                return match error {
                    ClientError::Ended { summary, .. } if arguments.follow => {
                        super::super::print_message(&summary);
                        Ok(0)
                    }
                    error => Err(error.into()),
                };
            }
        };
        match reply {
            Reply::Line(line) => printer.line(&line)?,
            Reply::Skipped(skipped) => printer.skipped(&skipped)?,
            Reply::NoField(unknown) => super::super::print_message(&told_unknown(&unknown, &arguments)),
            Reply::End {} => {
                output::write(&printer.text)?;
                return Ok(0);
            }
            _ => {}
        }
        if printer.text.len() >= CHUNK || !group.has_more() {
            if !output::write(&printer.text)? {
                return Ok(0);
            }
            printer.text.clear();
        }
    }
}

/// Why nothing was found. Of lines that other options leave out, nothing is known.
fn told_unknown(unknown: &NoField, arguments: &LogsArguments) -> String {
    let field = visible(&unknown.field);
    let leave_out = [
        ("--grep", arguments.grep.is_some()),
        ("--level", arguments.level.is_some()),
        ("--since", arguments.since.is_some()),
        ("--since-restart", arguments.since_restart),
        ("--cursor", !arguments.cursors.is_empty()),
    ];
    let given: Vec<_> = leave_out.into_iter().filter(|(_, is_given)| *is_given).map(|(option, _)| option).collect();
    let lines =
        if given.is_empty() { "no line".into() } else { format!("no line selected by {}", given.join(" and ")) };
    if !unknown.is_data {
        return format!("note: {lines} is JSON or logfmt, so none has the field `{field}`");
    }
    let near: Vec<_> = unknown.near.iter().map(|name| visible(name)).collect();
    let meant = if near.is_empty() { String::new() } else { format!(": did you mean {}?", any_of(&near)) };
    format!("note: {lines} has the field `{field}`{meant}")
}

/// Lines as text.
struct Printer {
    text: String,
    form: Form,
    names: Vec<String>,
    times: bool,
}

enum Form {
    Json,
    Raw,
    Plain(LineWriter),
    Prefixed(LineWriter),
}

impl Printer {
    /// `named`: the services that the arguments mean now.
    fn new(arguments: &LogsArguments, names: Vec<String>, named: &[String], style: OutputStyle) -> Self {
        let shown = names
            .iter()
            .map(String::as_str)
            .filter(|name| arguments.services.is_empty() || named.iter().any(|service| service == name));
        let writer = LineWriter::new(style, shown);
        let form = match arguments.services.as_slice() {
            _ if arguments.json => Form::Json,
            _ if arguments.raw => Form::Raw,
            // A group, or a service with instances, may be several soon.
            [one] if named == [one.as_str()] => Form::Plain(writer),
            _ => Form::Prefixed(writer),
        };
        Self { text: String::new(), form, names, times: arguments.timestamps }
    }

    fn line(&mut self, line: &LogLine) -> Result<(), Failure> {
        let text = line.styled.as_deref().unwrap_or(&line.text);
        let words = if line.marker { Words::Marker(&line.text) } else { Words::Output(text) };
        let time = if self.times { local_time_with_milliseconds(&line.at) } else { String::new() };
        match &self.form {
            Form::Json => self.text.push_str(&output::json(line)?),
            Form::Raw if line.marker => {}
            Form::Raw => {
                self.text.push_str(text);
                self.text.push('\n');
            }
            Form::Plain(writer) => writer.plain_line_at(&mut self.text, &time, words),
            Form::Prefixed(writer) => {
                let order = self.names.iter().position(|name| *name == line.service).unwrap_or(0);
                writer.line_at(&mut self.text, (&line.service, order), &time, words);
            }
        }
        Ok(())
    }

    fn skipped(&mut self, skipped: &Skipped) -> Result<(), Failure> {
        let name = skipped.service.as_deref().unwrap_or_default();
        let shown = visible(name);
        let words = match skipped.skipped {
            Some(1) => "1 line is missing: it was dropped before you could read it".to_owned(),
            Some(lines) => format!("{lines} lines are missing: they were dropped before you could read them"),
            None => {
                let text = "the cursor is from an earlier run of the group, or from another group: all lines follow";
                super::super::print_message(&format!("{shown}: {text}"));
                if let Form::Json = &self.form {
                    self.text.push_str(&output::json(skipped)?);
                }
                return Ok(());
            }
        };
        match &self.form {
            Form::Json => self.text.push_str(&output::json(skipped)?),
            Form::Raw => super::super::print_message(&format!("{shown}: {}", words)),
            Form::Plain(writer) => writer.plain_line(&mut self.text, Words::Marker(&framed(words))),
            Form::Prefixed(writer) => {
                let order = self.names.iter().position(|known| known == name).unwrap_or(0);
                writer.line(&mut self.text, name, order, Words::Marker(&framed(words)));
            }
        }
        Ok(())
    }
}
