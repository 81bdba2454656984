//! `ready`, `alive` and `validate`: one of several ways to find out, and how long it may take.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use super::diagnostic::Diagnostic;
use super::draft::AliveDraft;
use super::expand::Dollars;
use super::keys::{ALIVE, READY, VALIDATE};
use super::near::any_of;
use super::place::{Place, clean};
use super::problems::{Fields, Problems, Slot, shown};
use crate::domain::{AliveCheck, AliveProbe, Expandable, HttpCheck, Probe, ProbeText, ReadyCheck, Validate};

/// The longest start, where the file does not say.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the readiness check; `None` if it has a problem, which is added.
pub(super) fn ready(slot: Slot<'_, '_>, place: &Place<'_>, problems: &mut Problems) -> Option<ReadyCheck> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        let problem = slot.wrong_type();
        problems.add(match slot.value.get_ref() {
            DeValue::Integer(port) => problem.help(format!("ready = {{ port = {port} }}")),
            DeValue::String(text) if text.starts_with("http://") => {
                problem.help(format!("ready = {{ http = \"{}\" }}", shown(text)))
            }
            DeValue::String(text) => problem.help(format!("ready = {{ log = \"{}\" }}", shown(text))),
            _ => problem.help("ready = { port = 4000 }   or with http, log, cmd, file, delay, sd_notify"),
        });
        return None;
    };
    let before = problems.items.len();
    let fields = Fields::open(&READY, table, format!("`ready` of {}", slot.place), problems);
    let port = fields.read_value("port", problems, port);
    let http = fields.read_value("http", problems, http);
    let log = fields.read_value("log", problems, Slot::text_pattern);
    let cmd = fields.read("cmd", problems, Slot::command);
    let file = fields.read_value("file", problems, |slot| file(slot, place));
    let delay = fields.read_value("delay", problems, Slot::duration);
    let notify = fields.read_value("sd_notify", problems, Slot::yes);
    let status = fields.read_value("status", problems, status).map_or(HttpCheck::STATUS, |status| status.into_inner());
    let timeout = fields.read_value("timeout", problems, Slot::some_duration);

    one_way(&fields, (&slot, "ready"), READY.ways, before, problems);
    status_belongs_to_http(&fields, "ready", problems);
    let probe = None
        .or(port.map(|port| match port.into_inner() {
            Expandable::Known(port) => Probe::Port(port),
            Expandable::Text(text) => Probe::Text(ProbeText::Port(text)),
        }))
        .or(http.map(|address| match address.into_inner() {
            Expandable::Known(url) => Probe::Http(HttpCheck { url, status }),
            Expandable::Text(url) => Probe::Text(ProbeText::Http { url, status }),
        }))
        .or(log.map(|pattern| match pattern.into_inner() {
            Expandable::Known(pattern) => Probe::Log(pattern),
            Expandable::Text(text) => Probe::Text(ProbeText::Log(text)),
        }))
        .or(cmd.map(|command| Probe::Cmd(command.into_inner())))
        .or(file.map(|file| match file.into_inner() {
            Expandable::Known((path, _)) => Probe::File(path),
            Expandable::Text(text) => Probe::Text(ProbeText::File(text)),
        }))
        .or(delay.map(|delay| Probe::Delay(delay.into_inner())))
        .or(notify.map(|_| Probe::Notify))?;
    Some(ReadyCheck { probe, timeout: timeout.map_or(TIMEOUT, |timeout| timeout.into_inner()) })
}

/// Reads the liveness check; `None` if it has a problem, which is added.
pub(super) fn alive(slot: Slot<'_, '_>, place: &Place<'_>, problems: &mut Problems) -> Option<AliveDraft> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        let problem = slot.wrong_type();
        problems.add(match slot.value.get_ref() {
            DeValue::Integer(port) => problem.help(format!("alive = {{ port = {port} }}")),
            DeValue::String(text) if text.starts_with("http://") => {
                problem.help(format!("alive = {{ http = \"{}\" }}", shown(text)))
            }
            _ => problem.help("alive = { port = 4000 }   or with http, cmd, sd_notify, or file and max_age"),
        });
        return None;
    };
    let before = problems.items.len();
    let fields = Fields::open(&ALIVE, table, format!("`alive` of {}", slot.place), problems);
    let port = fields.read_value("port", problems, port);
    let http = fields.read_value("http", problems, http);
    let cmd = fields.read("cmd", problems, Slot::command);
    let file = fields.read_value("file", problems, |slot| file(slot, place));
    let max_age = fields.read_value("max_age", problems, Slot::some_duration);
    let notify = fields.read_value("sd_notify", problems, Slot::yes);
    let status = fields.read_value("status", problems, status).map_or(HttpCheck::STATUS, |status| status.into_inner());
    let every = fields.read_value("every", problems, Slot::some_duration);
    let timeout = fields.read_value("timeout", problems, Slot::some_duration);
    let failures = fields.read_value("failures", problems, |slot| slot.whole(1..=u32::MAX));
    let grace = fields.read_value("grace", problems, Slot::duration);

    one_way(&fields, (&slot, "alive"), ALIVE.ways, before, problems);
    status_belongs_to_http(&fields, "alive", problems);
    file_and_max_age(&fields, slot.place, problems);
    let beats = file.is_some() || notify.is_some();
    let file = file.zip(max_age).map(|(file, max_age)| {
        let max_age = max_age.into_inner();
        match file.into_inner() {
            Expandable::Known((path, name)) => AliveProbe::File { path, name, max_age },
            Expandable::Text(text) => AliveProbe::Text { probe: ProbeText::File(text), max_age },
        }
    });
    let probe = None
        .or(port.map(|port| sign_of_life(port.into_inner(), AliveProbe::Port, ProbeText::Port)))
        .or(http.map(|address| {
            let known = |url| AliveProbe::Http(HttpCheck { url, status });
            sign_of_life(address.into_inner(), known, |url| ProbeText::Http { url, status })
        }))
        .or(cmd.map(|command| AliveProbe::Cmd(command.into_inner())))
        .or(file)
        .or(notify.map(|_| AliveProbe::Notify))?;
    let grace = grace.map(|grace| grace.into_inner());
    let check = AliveCheck {
        probe,
        every: every.map_or(AliveCheck::EVERY, |every| every.into_inner()),
        timeout: timeout.map_or(AliveCheck::TIMEOUT, |timeout| timeout.into_inner()),
        failures: failures.map_or(if beats { 1 } else { AliveCheck::FAILURES }, |failures| failures.into_inner()),
        grace: grace.unwrap_or_default(),
    };
    Some(AliveDraft { check, grace })
}

/// A file needs its `max_age`, and nothing else has one.
fn file_and_max_age(fields: &Fields<'_, '_>, place: &str, problems: &mut Problems) {
    match (fields.key_span("file"), fields.key_span("max_age")) {
        (Some(span), None) => problems.add(
            Diagnostic::error("alive", format!("`alive` of {place} does not say how old the file may get"))
                .at(span, "needs `max_age`")
                .help("alive = { file = \"tmp/status.json\", max_age = \"120s\" }"),
        ),
        (None, Some(span)) if ["port", "http", "cmd", "sd_notify"].iter().any(|way| fields.key_span(way).is_some()) => {
            problems.add(
                Diagnostic::error("alive", "`max_age` works only with `file`")
                    .at(span, "there is no `file` here")
                    .help("for the time between tries, use `every`"),
            );
        }
        _ => {}
    }
}

/// A sign of life that is no file: what it asks, or the text of that.
fn sign_of_life<T>(
    value: Expandable<T>,
    known: impl FnOnce(T) -> AliveProbe,
    text: impl FnOnce(String) -> ProbeText,
) -> AliveProbe {
    match value {
        Expandable::Known(value) => known(value),
        Expandable::Text(written) => AliveProbe::Text { probe: text(written), max_age: Duration::ZERO },
    }
}

/// Reads the validation; `None` if it has a problem, which is added.
pub(super) fn validate(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<Validate> {
    const EXAMPLE: &str = "validate = { run = \"cargo build\", timeout = \"5m\" }";
    let DeValue::Table(table) = slot.value.get_ref() else {
        let problem = slot.wrong_type();
        problems.add(match slot.value.get_ref() {
            DeValue::String(text) => problem.help(format!("validate = {{ run = {:?} }}", shown(text))),
            _ => problem.help(EXAMPLE),
        });
        return None;
    };
    let fields = Fields::open(&VALIDATE, table, format!("`validate` of {}", slot.place), problems);
    let run = fields.read("run", problems, Slot::command);
    let timeout = fields.read_value("timeout", problems, Slot::some_duration);
    if run.is_none() && fields.key_span("run").is_none() && !fields.is_meant("run") {
        problems.add(
            Diagnostic::error("missing-run", format!("`validate` of {} has no command", slot.place))
                .at(slot.span(), "needs `run`")
                .help(EXAMPLE),
        );
    }
    Some(Validate {
        run: run?.into_inner(),
        timeout: timeout.map_or(Validate::TIMEOUT, |timeout| timeout.into_inner()),
    })
}

/// Exactly one of several keys must be there.
fn one_way(
    fields: &Fields<'_, '_>,
    (slot, key): (&Slot<'_, '_>, &'static str),
    ways: &[&'static str],
    before: usize,
    problems: &mut Problems,
) {
    let mut given = ways.iter().filter_map(|way| fields.key_span(way).map(|span| (*way, span)));
    match (given.next(), given.next()) {
        (Some(_), None) => {}
        (Some(first), Some(second)) => {
            let (first, second) = if first.1.start < second.1.start { (first, second) } else { (second, first) };
            problems.add(
                Diagnostic::error(key, format!("`{key}` of {} has more than one check", slot.place))
                    .at(second.1, format!("and `{}`", second.0))
                    .at(first.1, format!("`{}`", first.0))
                    .help("keep one; a `cmd` can combine several checks"),
            );
        }
        (None, _) if problems.items.len() == before => problems.add(
            Diagnostic::error(
                key,
                format!(
                    "`{key}` of {} does not say what to {}",
                    slot.place,
                    if key == "ready" { "wait for" } else { "check" }
                ),
            )
            .at(slot.span(), format!("one of {} is missing", any_of(ways)))
            .help(format!("{key} = {{ port = 4000 }}")),
        ),
        (None, _) => {}
    }
}

fn status_belongs_to_http(fields: &Fields<'_, '_>, key: &str, problems: &mut Problems) {
    if let (Some(span), None) = (fields.key_span("status"), fields.key_span("http")) {
        problems.add(
            Diagnostic::error("status", "`status` works only with `http`")
                .at(span, "there is no `http` here")
                .help(format!("{key} = {{ http = \"http://localhost:4000/health\", status = \"200-299\" }}")),
        );
    }
}

/// `204`, `"204"` or `"200-299"`: the first and the last code that is good.
fn status(slot: Slot<'_, '_>) -> Result<(u16, u16), Diagnostic> {
    let text = match slot.value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::String(text) => text.trim(),
        _ => return Err(slot.wrong_type().help("status = 204   or   status = \"200-299\"")),
    };
    let code = |text: &str| text.trim().parse::<u16>().ok().filter(|code| (100..=599).contains(code));
    let range = match text.split_once('-') {
        Some((first, last)) => code(first).zip(code(last)),
        None => code(text).map(|code| (code, code)),
    };
    range.filter(|(first, last)| first <= last).ok_or_else(|| {
        Diagnostic::error("range", format!("{} must be {}", slot.what(), slot.key.form.must_be()))
            .at(slot.span(), "codes range from 100 to 599")
            .help("status = 204   or   status = \"200-299\"")
    })
}

/// A number, or a text that becomes one.
fn port(slot: Slot<'_, '_>) -> Result<Expandable<u16>, Diagnostic> {
    if let DeValue::String(written) = slot.value.get_ref()
        && slot.fixed(written, Dollars::Ours)?.is_none()
    {
        return Ok(Expandable::Text(written.to_string()));
    }
    let number = slot.whole(1..=u32::from(u16::MAX))?;
    Ok(Expandable::Known(u16::try_from(number).unwrap_or(u16::MAX)))
}

/// A path, and how it is called.
fn file(slot: Slot<'_, '_>, place: &Place<'_>) -> Result<Expandable<(PathBuf, Arc<str>)>, Diagnostic> {
    let written = slot.line()?;
    Ok(match slot.fixed(written, Dollars::Ours)? {
        Some(text) => Expandable::Known((clean(&place.root.join(&text)), text.into())),
        None => Expandable::Text(written.into()),
    })
}

/// Reads an address to ask: `http://host[:port][/path]`.
fn http(slot: Slot<'_, '_>) -> Result<Expandable<String>, Diagnostic> {
    let written = slot.word()?;
    let Some(text) = slot.fixed(written, Dollars::Ours)? else { return Ok(Expandable::Text(written.into())) };
    let Some(wrong) = wrong_address(&text) else { return Ok(Expandable::Known(text)) };
    let problem = Diagnostic::error("url", format!("`{}` cannot be requested", shown(&text))).at(slot.span(), wrong);
    Err(match text.strip_prefix("https://") {
        Some(rest) => {
            let key = if slot.place.starts_with("`alive`") { "alive" } else { "ready" };
            let authority = rest.split('/').next().unwrap_or("");
            let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).unwrap_or(443);
            problem.help(format!("for https, check the port instead: {key} = {{ port = {port} }}"))
        }
        None => problem.help("http = \"http://localhost:4000/health\""),
    })
}

/// Why an address cannot be asked.
pub(super) fn wrong_address(text: &str) -> Option<&'static str> {
    if text.starts_with("https://") {
        return Some("only plain http:// is supported");
    }
    let Some(rest) = text.strip_prefix("http://") else { return Some("it must begin with http://") };
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Some("it contains a space or a control character");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if authority.contains('@') {
        return Some("a user name and password are not sent");
    }
    // The colons of an IPv6 address are inside of brackets.
    let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if host.is_empty() {
        return Some("the host is missing");
    }
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Some("put an IPv6 address into brackets: http://[::1]:4000");
    }
    let bad_port = port.is_some_and(|port| port.parse::<u16>().ok().is_none_or(|port| port == 0));
    bad_port.then_some("the port must be a number from 1 to 65535")
}
