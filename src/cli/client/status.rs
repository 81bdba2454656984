//! The client command `devgroup status`.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::super::arguments::Place;
use super::super::exit_code::Failure;
use super::super::why_service::ports_text;
use super::{foreground, output};
use crate::app;
use crate::clock;
use crate::config::Owners;
use crate::control::{Ask, Client, ClientError, Exit, Hold, Reply, Service, Status, UndeliveredAlert};
use crate::display;
use crate::domain::{ExitStatus, approx, bytes, count, ports_by_name, visible};

/// `services`: only these are shown, if some are named.
pub(super) fn run(
    mut group: Client,
    services: &[String],
    json: bool,
    (follow, usage): (bool, bool),
) -> Result<u8, Failure> {
    // The group itself knows only its own workers, and of no program before it has tried to start it.
    let (unworked, unreached) = if json || !services.is_empty() { Default::default() } else { notes(&group) };
    group.send(Ask::Status { follow, usage })?;
    let mut last: Option<Status> = None;
    loop {
        if !group.wait_for_more(io::stdout())? {
            return Ok(0);
        }
        let status = match group.next_message() {
            Ok(message) => match message.reply {
                Reply::Status(status) => only(*status, services)?,
                _ => continue,
            },
            Err(ClientError::Ended { summary, .. }) if follow => {
                super::super::print_message(&summary);
                return Ok(0);
            }
            Err(error) => return Err(error.into()),
        };
        // The change was of another service.
        if !services.is_empty() && last.as_ref().is_some_and(|last| last.is_same_but_for_time(&status)) {
            continue;
        }
        // An alert that was not delivered says why.
        let unreached = if status.undelivered_alert.is_some() { "" } else { &unreached };
        let text = if json { output::json(&status)? } else { table(&status, usage) + &unworked + unreached };
        let gap = if last.is_none() || json { "" } else { "\n" };
        if !output::write(&format!("{gap}{text}"))? || !follow {
            return Ok(0);
        }
        last = Some(status);
    }
}

/// The state with the services that are meant by these names; with all if there are none.
fn only(mut status: Status, written: &[String]) -> Result<Status, Failure> {
    if written.is_empty() {
        return Ok(status);
    }
    let roster = status.roster();
    let names = roster.resolve(written.iter().map(String::as_str))?;
    let without: Vec<_> =
        written.iter().flat_map(|written| roster.only_without_instances([written.as_str()])).collect();
    status.services.retain(|service| names.iter().any(|name| name.as_str() == service.name));
    let shown = &status.services;
    status.replicas.retain(|name, _| {
        without.iter().any(|none| none.as_str() == name)
            || shown.iter().any(|service| service.instance_of.as_deref() == Some(name))
    });
    Ok(status)
}

/// Services whose ports are told where no group runs.
const SERVICES: usize = 8;

/// That no group runs here, with the ports that its services would have: those of `"auto"` stay the same.
pub(super) fn not_running(failure: Failure, place: &Place, json: bool) -> Failure {
    let Failure::NotRunning { file: Some(_), foreign: None } = &failure else { return failure };
    let file = super::super::file(place.config.as_deref()).ok().filter(|_| !json);
    let Some(spec) = file.and_then(|file| file.load().ok()).map(|loaded| foreground::as_it_runs(loaded.spec, None))
    else {
        return failure;
    };
    let with_ports: Vec<_> = spec.services.iter().filter(|service| !service.ports.is_empty()).collect();
    let told = with_ports.iter().take(SERVICES).map(|service| {
        let ports = ports_by_name(&service.ports).into_iter().map(|(name, port)| (name.to_string(), port)).collect();
        format!("{} {}", service.name, ports_text(&ports))
    });
    let told = told.collect::<Vec<_>>().join(" · ");
    let more = with_ports.len().saturating_sub(SERVICES);
    let more = if more == 0 { String::new() } else { format!(" · and {more} more: `devgroup url` lists them") };
    match with_ports.is_empty() {
        true => failure,
        false => Failure::Noted { failure: failure.into(), note: format!("ports when it runs: {told}{more}") },
    }
}

/// Tasks in folders that nobody works off, and programs that no alert can reach, a line each.
fn notes(group: &Client) -> (String, String) {
    // Whose file it is, is settled: the group runs.
    let Ok(loaded) = app::load_of(Path::new(&group.hello().file), Owners::Any) else { return Default::default() };
    let programs = app::alert_programs(&loaded.spec, &app::alerts_of_user().0).into_iter();
    let unreached = programs.filter_map(|(to, problem)| Some(format!("alerts: {to} gets none: {}", problem?)));
    let lines = |lines: Vec<String>| lines.iter().map(|line| format!("{}\n", visible(line))).collect();
    (lines(super::super::unworked::unworked(&loaded.spec)), lines(unreached.collect()))
}

/// `not delivered 2m ago: ./alert.sh: exit 7`.
pub(in crate::cli) fn undelivered(alert: &UndeliveredAlert) -> String {
    let ago = clock::time_since(&alert.at).map(|ago| format!(" {} ago", approx(ago))).unwrap_or_default();
    format!("not delivered{ago}: {}: {}", alert.to, alert.problem)
}

fn table(status: &Status, usage: bool) -> String {
    let temporary = status.temporary_for().map_or_else(String::new, |told| format!(" · {}", visible(&told)));
    let mut out =
        format!("{} · pid {}{temporary} · {}\n", visible(&status.project), status.pid, visible(&watch(status)));
    // Writing to a String cannot fail.
    if let Some(problem) = &status.file_problem {
        let _ = writeln!(out, "not loaded (previous version in use): {}", visible(problem));
    }
    if let Some(problem) = &status.watch.problem {
        let _ = writeln!(out, "watcher: {}", visible(problem));
    }
    if let Some(alert) = &status.undelivered_alert {
        let _ = writeln!(out, "alerts: {}", visible(&undelivered(alert)));
    }
    let reason = if status.services.iter().any(|service| service.reason.is_some() || service.status_text.is_some()) {
        "REASON"
    } else {
        ""
    };
    let head = ["SERVICE", "STATE", "PID", "UP", "CPU", "MEMORY", "RUN", "RESTARTS", "LAST CHANGE", reason];
    let rows = std::iter::once(head.map(str::to_owned)).chain(status.services.iter().map(row));
    let is_shown = |column: usize| usage || !matches!(head.get(column), Some(&"CPU" | &"MEMORY"));
    let rows: Vec<Vec<String>> = rows
        .map(|row| row.into_iter().enumerate().filter(|(at, _)| is_shown(*at)).map(|(_, cell)| cell).collect())
        .collect();
    let columns = rows.first().map_or(0, Vec::len);
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| display::width(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    // A service that has no instance now is still there.
    let none = status.replicas.iter().filter(|(_, count)| **count == 0);
    let none = none.map(|(name, _)| format!("{}  0 instances\n", visible(name))).collect::<String>();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let gap = width.saturating_sub(display::width(cell)) + 2;
            let _ = write!(line, "{cell}{:gap$}", "");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out + &none
}

/// `` `devgroup hold -- git checkout main` ``, `` `devgroup pause` (api, worker)``.
pub(super) fn holder(hold: &Hold) -> String {
    let by = match hold.by.as_str() {
        "key" => format!("key {}", hold.label),
        "command" => format!("`devgroup hold -- {}`", hold.label),
        "client" if hold.label == "pause" => "`devgroup pause`".to_owned(),
        _ => hold.label.clone(),
    };
    if hold.services.is_empty() { by } else { format!("{by} ({})", hold.services.join(", ")) }
}

pub(in crate::cli) fn watch(status: &Status) -> String {
    let watch = &status.watch;
    if status.stopping {
        return "stopping".into();
    }
    match watch.state.as_str() {
        "watching" => format!("watching {}", count(watch.directories, "folder")),
        "off" => "watching off".into(),
        state => {
            let holders: Vec<_> = watch.holds.iter().map(holder).collect();
            let by = if holders.is_empty() { String::new() } else { format!(" by {}", holders.join(", ")) };
            let file = watch.file_held.then(|| "procgroup.toml".to_owned());
            let held = file.into_iter().chain((watch.held > 0).then(|| count(watch.held, "change")));
            let held = held.collect::<Vec<_>>().join(" and ");
            let held = if held.is_empty() { held } else { format!(" · {held} held") };
            format!("{state}{by}{held}")
        }
    }
}

/// `failed (exit 1)`, `ready (stale, change waiting)`.
pub(in crate::cli) fn state(service: &Service) -> String {
    let has_failed = matches!(service.state.as_str(), "failed" | "retrying" | "crash-loop");
    // Of one that is waiting, the state says it.
    let waits = service.next_restart_at.is_some() && service.state != "waiting";
    let next_run = service.next_run_at.as_deref().filter(|_| service.state == "scheduled");
    // What a worker that ends did last says nothing; what waits for one that does not work does.
    let worker = service.worker.as_ref().filter(|worker| service.uptime_ms.is_some() || worker.is_stopped());
    let notes = [
        worker.map(|worker| worker.notes().join(", ")).filter(|notes| !notes.is_empty()),
        next_run.map(|at| format!("next run {}", clock::short_time(at))),
        service.last_exit.as_ref().filter(|_| has_failed).and_then(how_it_ended),
        service.validating.then(|| "validating".to_owned()),
        service.stale.then(|| "stale".to_owned()),
        service.elsewhere.map(|_| "elsewhere".to_owned()),
        waits.then(|| "change waiting".to_owned()),
    ];
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    if notes.is_empty() { service.state.clone() } else { format!("{} ({})", service.state, notes.join(", ")) }
}

/// `exit 1`, `SIGSEGV`, `not ready in 2s`.
fn how_it_ended(exit: &Exit) -> Option<String> {
    let status = exit.code.map(ExitStatus::Code).or(exit.signal.map(ExitStatus::Signal));
    exit.fault.clone().or_else(|| status.map(|status| status.to_string()))
}

fn row(service: &Service) -> [String; 10] {
    let (restarts, usage) = (service.restarts, service.usage);
    let causes = [
        ("↻", restarts.change),
        ("✗", restarts.crash),
        ("manual ", restarts.manual),
        ("config ", restarts.config),
        ("dependency ", restarts.dependency),
        ("stuck ", restarts.liveness),
        ("over limit ", restarts.limit),
    ];
    let causes = causes.iter().filter(|(_, count)| *count > 0).map(|(sign, count)| format!("{sign}{count}"));
    let change = service.last_change.as_ref().map(|change| match clock::time_since(&change.at) {
        Some(ago) => format!("{} {} ago", change.path, approx(ago)),
        None => change.path.clone(),
    });
    [
        service.name.clone(),
        state(service),
        service.pid.map_or_else(|| "-".into(), |pid| pid.to_string()),
        service.uptime_ms.map_or_else(|| "-".into(), |millis| approx(Duration::from_millis(millis))),
        usage.and_then(|usage| usage.cpu_percent).map_or_else(|| "-".into(), |cpu| format!("{cpu}%")),
        usage.and_then(|usage| usage.memory_bytes).map_or_else(|| "-".into(), bytes),
        service.run.to_string(),
        causes.collect::<Vec<_>>().join(" "),
        change.unwrap_or_default(),
        service.reason.clone().or_else(|| service.status_text.clone()).unwrap_or_default(),
    ]
    .map(|cell| visible(&cell).into_owned())
}
