//! The client command `devgroup events`.

use std::fmt::Write;
use std::io;

use super::super::exit_code::Failure;
use super::output;
use crate::clock;
use crate::control::{Ask, Client, ClientError, EventLine, Reply};
use crate::domain::{count, framed, visible};

/// Text is written when there is so much of it, or nothing more comes at once.
const CHUNK: usize = 64 << 10;

pub(super) fn run(mut group: Client, follow: bool, json: bool) -> Result<u8, Failure> {
    group.send(Ask::Events { follow, after: 0, epoch: None })?;
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
            Reply::Event(event) if json => text.push_str(&output::json(&event)?),
            Reply::Event(event) => line(&mut text, &event),
            Reply::Skipped(skipped) if json => text.push_str(&output::json(&skipped)?),
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

/// `14:02:11 restart api · src/main.rs changed`.
fn line(out: &mut String, event: &EventLine) {
    let who = match &event.service {
        Some(service) => service.clone(),
        None => event.services.join(", "),
    };
    let parts = [who.as_str(), event.message.as_str()];
    let rest = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
    let line = format!("{} {:<8} {rest}", clock::local_time_of_day(&event.at), event.what);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", visible(line.trim_end()));
}
