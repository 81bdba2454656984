//! `ready`: one of several ways to find out, and how long it may take.

use std::time::Duration;

use toml::de::DeValue;

use super::diagnostic::Diagnostic;
use super::keys::READY;
use super::near::any_of;
use super::place::Place;
use super::problems::{Fields, Problems, Slot, shown};
use crate::domain::{Probe, ReadyCheck};

/// The longest start, where the file does not say.
const TIMEOUT: Duration = Duration::from_secs(30);
const WAYS: [&str; 6] = ["port", "http", "log", "cmd", "file", "delay"];

/// Reads `ready`.
pub(super) fn ready(slot: Slot<'_, '_>, place: &Place<'_>, problems: &mut Problems) -> Option<ReadyCheck> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        let problem = slot.wrong_type();
        problems.add(match slot.value.get_ref() {
            DeValue::Integer(port) => problem.help(format!("ready = {{ port = {port} }}")),
            DeValue::String(text) if text.starts_with("http://") => {
                problem.help(format!("ready = {{ http = \"{}\" }}", shown(text)))
            }
            DeValue::String(text) => problem.help(format!("ready = {{ log = \"{}\" }}", shown(text))),
            _ => problem.help("ready = { port = 4000 }   or with http, log, cmd, file, delay"),
        });
        return None;
    };
    let before = problems.items.len();
    let fields = Fields::open(&READY, table, format!("`ready` of {}", slot.place), problems);
    let port = fields.take("port", problems, |slot| slot.whole(1..=u32::from(u16::MAX)));
    let http = fields.take("http", problems, http);
    let log = fields.take("log", problems, Slot::text_pattern);
    let cmd = fields.read("cmd", problems, Slot::command);
    let file = fields.take("file", problems, |slot| place.path(slot));
    let delay = fields.take("delay", problems, Slot::duration);
    let timeout = fields.take("timeout", problems, Slot::some_duration);

    let mut given = WAYS.iter().filter_map(|way| fields.key_span(way).map(|span| (*way, span)));
    match (given.next(), given.next()) {
        (Some(_), None) => {}
        (Some(first), Some(second)) => {
            let (first, second) = if first.1.start < second.1.start { (first, second) } else { (second, first) };
            problems.add(
                Diagnostic::error("ready", format!("`ready` of {} has more than one way to find out", slot.place))
                    .at(second.1, format!("and `{}`", second.0))
                    .at(first.1, format!("`{}`", first.0))
                    .help("one of them; a `cmd` can combine several checks"),
            );
        }
        (None, _) if problems.items.len() == before => problems.add(
            Diagnostic::error("ready", format!("`ready` of {} does not say what to wait for", slot.place))
                .at(slot.span(), format!("one of {} is missing", any_of(&WAYS)))
                .help("ready = { port = 4000 }"),
        ),
        (None, _) => {}
    }
    let probe = None
        .or(port.and_then(|port| u16::try_from(port.into_inner()).ok()).map(Probe::Port))
        .or(http.map(|address| Probe::Http(address.into_inner())))
        .or(log.map(|pattern| Probe::Log(pattern.into_inner())))
        .or(cmd.map(|command| Probe::Cmd(command.into_inner())))
        .or(file.map(|file| Probe::File(file.into_inner())))
        .or(delay.map(|delay| Probe::Delay(delay.into_inner())))?;
    Some(ReadyCheck { probe, timeout: timeout.map_or(TIMEOUT, |timeout| timeout.into_inner()) })
}

/// `http://host[:port][/path]`.
fn http(slot: Slot<'_, '_>) -> Result<String, Diagnostic> {
    let text = slot.word()?;
    let wrong = |label: &str| {
        Diagnostic::error("url", format!("`{}` is not an address that can be asked", shown(text)))
            .at(slot.span(), label)
            .help("http = \"http://localhost:4000/health\"")
    };
    if text.starts_with("https://") {
        let authority = text.trim_start_matches("https://").split('/').next().unwrap_or("");
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).unwrap_or(443);
        return Err(wrong("only plain http:// is asked")
            .help(format!("for https, see whether the port accepts: ready = {{ port = {port} }}")));
    }
    let Some(rest) = text.strip_prefix("http://") else { return Err(wrong("it must begin with http://")) };
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(wrong("a blank or a control character is in it"));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if authority.contains('@') {
        return Err(wrong("a name and password are not sent"));
    }
    // The colons of an IPv6 address are inside of brackets.
    let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if host.is_empty() {
        return Err(wrong("there is no host"));
    }
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err(wrong("an IPv6 address stands in brackets: http://[::1]:4000"));
    }
    if port.is_some_and(|port| port.parse::<u16>().ok().is_none_or(|port| port == 0)) {
        return Err(wrong("the port must be a number from 1 to 65535"));
    }
    Ok(text.to_owned())
}
