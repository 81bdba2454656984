//! A group in the background: nobody looks at it at first, and it tells once how its start went.

use std::fmt::Write;
use std::time::Duration;

use tokio::time::sleep_until;

use super::write_stderr_line;
use crate::control::{Became, Known, first_start};
use crate::domain::{GroupSnapshot, Moment, Phase, ServiceName, ServiceSnapshot, visible, without_keys};
use crate::group_handle::GroupHandle;
use crate::guard::Report;
use crate::logs::{Line, LineId};

/// Where there is no terminal, services write for one of this size: logs are wider than 80 columns.
const NO_TERMINAL: (u16, u16) = (160, 50);

/// Last lines that are told of a service that has failed …
const WORDS: usize = 5;

/// … which are looked for so far back.
const LOOK_BACK: u64 = 50;

/// How long a launcher that does not read may delay the report.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who waits longer than this is told for what, once.
const SILENCE: Duration = Duration::from_secs(2);

/// More names than these are told as a number.
const NAMED: usize = 5;

/// The exit code of the launcher if a service has failed.
const FAILED: u8 = 5;

/// How a group runs in the background.
#[derive(Debug)]
pub struct Background {
    /// Of the terminal that it was started in, for which the services get their first sizes; 0×0 if there was none.
    pub size: (u16, u16),
    /// Who waits for the end of the start.
    pub report: Report,
    /// The group is there for runs in other terminals, which say themselves what they wait for: it is reported at once.
    pub for_run: bool,
}

impl Background {
    /// The terminal that the first sizes are for.
    pub(super) fn terminal_size(&self) -> (u16, u16) {
        if self.size == (0, 0) { NO_TERMINAL } else { self.size }
    }
}

/// Waits until each service that is wanted is up or has failed, and reports. `pid`: by which the user knows the group.
pub(super) async fn report_start(handle: GroupHandle, report: Report, name: String, pid: u32) {
    let clock = handle.logs().clock();
    let mut snapshots = handle.snapshots();
    let first = handle.snapshot();
    let wanted: Vec<_> = first.services.iter().filter(|service| service.wanted).map(|s| s.name.clone()).collect();
    let mut tell_at = Some(clock.now() + SILENCE);
    let group = loop {
        let group = snapshots.borrow_and_update().clone();
        if group.stopping.is_some() {
            // Its own last line tells, and its code.
            return;
        }
        let now = clock.now();
        let Some(wake) = next_look(&group, &wanted, now) else { break group };
        if tell_at.is_some_and(|at| at <= now) {
            tell_at = None;
            let text = waits_for(&group, &wanted, &name, now);
            // Before the report: the launcher ends with that.
            let _ = tokio::task::spawn_blocking(move || write_stderr_line(&text, PATIENCE)).await;
        }
        let wake = wake.into_iter().chain(tell_at).min();
        let sleep = async {
            match wake {
                Some(moment) => sleep_until(clock.instant(moment).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = snapshots.changed() => if changed.is_err() { return },
            () = sleep => {}
        }
    };
    let (text, code) = words(&group, &wanted, &name, pid, clock.now(), |service| last_lines(&handle, service));
    let tell = move || {
        write_stderr_line(text.trim_end(), PATIENCE);
        report.send(code);
    };
    // Nobody waits for it: the runtime may end first.
    drop(tokio::task::spawn_blocking(tell));
}

/// When to look next: `None` if all is known, `Some(None)` after the next news.
fn next_look(group: &GroupSnapshot, wanted: &[ServiceName], now: Moment) -> Option<Option<Moment>> {
    let services = wanted.iter().filter_map(|name| group.service(name));
    let open: Vec<_> = services.filter_map(|service| first_start(service, now).err()).collect();
    (!open.is_empty()).then(|| open.into_iter().flatten().min())
}

/// What a person at a terminal can do meanwhile.
pub const BY_KEY: &str = " · Ctrl-C stops the group";

/// What a start waits for, with the state of each: `shop: waiting for install (running) · Ctrl-C stops the group`.
fn waits_for(group: &GroupSnapshot, wanted: &[ServiceName], name: &str, now: Moment) -> String {
    let services = wanted.iter().filter_map(|name| group.service(name));
    let open: Vec<_> = services.filter(|service| first_start(service, now).is_err()).collect();
    let names = open.iter().take(NAMED).map(|service| match service.reason.as_deref() {
        Some(reason) => {
            let reason = without_keys(reason, service.name.as_str());
            format!("{} ({} · {reason})", service.name, service.state())
        }
        None => format!("{} ({})", service.name, service.state()),
    });
    let names = names.collect::<Vec<_>>().join(", ");
    let more = open.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    visible(&format!("{name}: waiting for {names}{more}{BY_KEY}")).into_owned()
}

/// What is reported, and with which code.
fn words(
    group: &GroupSnapshot,
    wanted: &[ServiceName],
    name: &str,
    pid: u32,
    now: Moment,
    last_lines: impl Fn(&ServiceName) -> Vec<String>,
) -> (String, u8) {
    let services: Vec<_> = wanted.iter().filter_map(|name| group.service(name)).collect();
    let failed = services.iter().filter_map(|service| match first_start(service, now) {
        Ok(Known { became: Became::Failed, reason }) => Some((service, reason.unwrap_or_default())),
        _ => None,
    });
    let failed: Vec<_> = failed.collect();
    let mut text = String::new();
    let (blocked, broken): (Vec<_>, Vec<_>) =
        failed.iter().partition(|(service, _)| matches!(service.phase, Phase::Blocked { .. }));
    for (service, reason) in broken {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "error: {}: {}", service.name, reason);
        for line in last_lines(&service.name) {
            let _ = writeln!(text, "  {} │ {line}", service.name);
        }
    }
    // What is wrong has been told of those that they wait for.
    for (names, reason) in by_reason(&blocked) {
        let _ = writeln!(text, "error: {names}: {reason}");
    }
    let up = services.len() - failed.len();
    let plural = if services.len() == 1 { "service" } else { "services" };
    let state = match (services.len(), failed.len()) {
        (0, _) => "no service starts automatically".to_owned(),
        (all, 0) => format!("{all} {plural} started"),
        (all, _) => format!("{up} of {all} {plural} started"),
    };
    let _ = writeln!(
        text,
        "{name}: {state} · running in the background (pid {pid}) · open: devgroup attach · stop: devgroup down"
    );
    (text, if failed.is_empty() { 0 } else { FAILED })
}

/// The names of those with the same reason: a line for each reason.
fn by_reason<'s>(failed: &[&(&&'s ServiceSnapshot, String)]) -> Vec<(String, String)> {
    let mut lines: Vec<(Vec<&'s str>, &str)> = Vec::new();
    for (service, reason) in failed {
        match lines.iter_mut().find(|(_, known)| known == reason) {
            Some((names, _)) => names.push(service.name.as_str()),
            None => lines.push((vec![service.name.as_str()], reason)),
        }
    }
    let told = lines.into_iter().map(|(names, reason)| {
        let more = names.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        (names.into_iter().take(NAMED).collect::<Vec<_>>().join(", ") + &more, reason.to_owned())
    });
    told.collect()
}

/// The last lines of a service's log: what it has printed, and the markers, which tell how it ended.
fn last_lines(handle: &GroupHandle, name: &ServiceName) -> Vec<String> {
    let Some(document) = handle.logs().get(name) else { return Vec::new() };
    let mut reader = document.read();
    let (first, end) = (reader.first().0, reader.end().0);
    let lines = (first.max(end.saturating_sub(LOOK_BACK))..end).rev().filter_map(|id| reader.line(LineId(id)));
    let words = lines.filter(|line| !line.content.text.trim().is_empty());
    let told = |line: Line| match line.kind.is_marker() {
        true => without_keys(&line.content.text, name.as_str()),
        false => line.content.text.trim_end().to_owned(),
    };
    let mut last: Vec<_> = words.take(WORDS).map(told).collect();
    last.reverse();
    last
}
