//! The client command `devgroup events`.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use super::super::arguments::Place;
use super::super::exit_code::Failure;
use super::super::history::{Past, remembered, whose};
use super::output;
use crate::clock;
use crate::control::{Ask, Client, ClientError, Reply};
use crate::domain::{count, framed, visible};
use crate::logs::EventLine;

/// Text is written when there is so much of it, or nothing more comes at once.
const CHUNK: usize = 64 << 10;

/// How events are printed.
#[derive(Clone, Copy)]
struct Format<'e> {
    json: bool,
    /// Events of several days are together: each with its day, and with the run of the group that it belongs to.
    epoch: Option<&'e str>,
}

/// Prints the events of a group that runs.
pub(super) fn run(mut group: Client, follow: bool, json: bool) -> Result<u8, Failure> {
    group.send(Ask::Events { follow, after: 0, epoch: None })?;
    print(&mut group, follow, Format { json, epoch: None })
}

/// Prints the events of that time, also of earlier runs of the group: those of this run as it remembers them, the others
/// from disk. Each is printed once, and none between them is left out.
pub(super) fn run_since(place: &Place, time: Duration, follow: bool, json: bool) -> Result<u8, Failure> {
    let (spec, group) = whose(place)?;
    let mut group = match group {
        Ok(group) => Some(group),
        // It says why there is none.
        Err(_) if follow => Some(super::find::running(place)?),
        Err(Failure::Client { error }) => {
            // Changes of files are not on disk.
            super::super::print_message(&format!("warning: {error}\n  note: the events below are those on disk"));
            None
        }
        Err(_) => None,
    };
    let epoch = group.as_ref().map(|group| group.hello().epoch.clone()).unwrap_or_default();
    // First what the group remembers: what it forgets meanwhile is on disk by then.
    let remembered = group.as_mut().map(remembered).transpose()?.unwrap_or_default();
    let last = remembered.last().map_or(0, |event| event.seq);
    let past = Past::read(&spec, time)?.with_remembered(remembered, &epoch);
    past.tell_unread();
    let format = Format { json, epoch: Some(epoch.as_str()) };
    for piece in past.events.chunks(1000) {
        let mut text = String::new();
        for event in piece {
            write_event(&mut text, event.clone(), format)?;
        }
        if !output::write(&text)? {
            return Ok(0);
        }
    }
    match group.filter(|_| follow) {
        Some(mut group) => {
            group.send(Ask::Events { follow, after: last, epoch: Some(epoch.clone()) })?;
            print(&mut group, follow, format)
        }
        None => Ok(0),
    }
}

/// Prints each event as it arrives.
fn print(group: &mut Client, follow: bool, format: Format<'_>) -> Result<u8, Failure> {
    let mut text = String::new();
    loop {
        if !group.wait_for_more(io::stdout())? {
            return Ok(0);
        }
        let reply = match group.next_message() {
            Ok(message) => message.reply,
            Err(ClientError::Ended { summary, .. }) if follow => {
                output::write(&text)?;
                super::super::print_message(&summary);
                return Ok(0);
            }
            Err(error) => {
                output::write(&text)?;
                return Err(error.into());
            }
        };
        match reply {
            Reply::Event(event) => write_event(&mut text, *event, format)?,
            Reply::Skipped(skipped) if format.json => text.push_str(&output::json(&skipped)?),
            Reply::Skipped(skipped) => {
                text.push_str(&framed(format_args!(
                    "{} dropped before you could read them",
                    count(skipped.skipped.unwrap_or(0), "event")
                )));
                text.push('\n');
            }
            Reply::End {} => {
                output::write(&text)?;
                return Ok(0);
            }
            _ => {}
        }
        if text.len() >= CHUNK || !group.has_more() {
            if !output::write(&text)? {
                return Ok(0);
            }
            text.clear();
        }
    }
}

fn write_event(out: &mut String, mut event: EventLine, format: Format<'_>) -> Result<(), Failure> {
    if !format.json {
        line(out, &event, format.epoch.is_some());
        return Ok(());
    }
    if let Some(epoch) = format.epoch {
        event.epoch.get_or_insert_with(|| epoch.to_owned());
    }
    out.push_str(&output::json(&event)?);
    Ok(())
}

/// `14:02:11 restart api · src/main.rs changed`.
fn line(out: &mut String, event: &EventLine, with_day: bool) {
    let who = match &event.service {
        Some(service) => service.clone(),
        None => event.services.join(", "),
    };
    let parts = [who.as_str(), event.message.as_str()];
    let rest = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
    let time = if with_day { clock::local_date_and_time(&event.at) } else { clock::local_time_of_day(&event.at) };
    let line = format!("{time} {:<8} {rest}", event.what);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", visible(line.trim_end()));
}
