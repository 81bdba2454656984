//! `devgroup status`.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::super::exit_code::Failure;
use super::output;
use crate::clock;
use crate::control::{Ask, Client, ClientError, Hold, Reply, Service, Status};
use crate::domain::{approx, visible};

pub(super) fn run(mut group: Client, json: bool, follow: bool) -> Result<u8, Failure> {
    group.send(Ask::Status { follow })?;
    let mut first = true;
    loop {
        if !group.wait_for_more(io::stdout())? {
            return Ok(0);
        }
        let status = match group.hear() {
            Ok(message) => match message.reply {
                Reply::Status(status) => status,
                _ => continue,
            },
            Err(ClientError::Ended { summary, .. }) if follow => {
                super::super::say(&summary);
                return Ok(0);
            }
            Err(error) => return Err(error.into()),
        };
        let text = if json { output::json(&status)? } else { table(&status) };
        let gap = if first || json { "" } else { "\n" };
        if !output::write(&format!("{gap}{text}"))? || !follow {
            return Ok(0);
        }
        first = false;
    }
}

fn table(status: &Status) -> String {
    let mut out = format!("{} · pid {} · {}\n", visible(&status.project), status.pid, visible(&watch(status)));
    if let Some(problem) = &status.watch.problem {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "watcher: {}", visible(problem));
    }
    let head = ["SERVICE", "STATE", "PID", "UP", "RUN", "RESTARTS", "LAST CHANGE"].map(str::to_owned);
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(status.services.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let gap = width.saturating_sub(cell.width()) + 2;
            let _ = write!(line, "{cell}{:gap$}", "");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// `hold: git checkout main`, `pause (api, worker)`.
pub(super) fn holder(hold: &Hold) -> String {
    let by = match hold.by.as_str() {
        "key" => format!("key {}", hold.label),
        "command" => format!("hold: {}", hold.label),
        _ => hold.label.clone(),
    };
    if hold.services.is_empty() { by } else { format!("{by} ({})", hold.services.join(", ")) }
}

fn watch(status: &Status) -> String {
    let watch = &status.watch;
    if status.stopping {
        return "stopping".into();
    }
    match watch.state.as_str() {
        "watching" => format!("watching {} directories", watch.directories),
        "off" => "watching nothing".into(),
        state => {
            let holders: Vec<_> = watch.holds.iter().map(holder).collect();
            let by = if holders.is_empty() { String::new() } else { format!(" by {}", holders.join(", ")) };
            let plural = if watch.held == 1 { "" } else { "s" };
            let held = if watch.held > 0 { format!(" · {} change{plural} held", watch.held) } else { String::new() };
            format!("{state}{by}{held}")
        }
    }
}

fn row(service: &Service) -> [String; 7] {
    let restarts = service.restarts;
    let causes = [
        ("↻", restarts.change),
        ("✗", restarts.crash),
        ("by hand ", restarts.manual),
        ("by file ", restarts.config),
        ("with others ", restarts.dependency),
        ("stuck ", restarts.liveness),
    ];
    let causes = causes.iter().filter(|(_, count)| *count > 0).map(|(sign, count)| format!("{sign}{count}"));
    let change = service.last_change.as_ref().map(|change| match clock::time_since(&change.at) {
        Some(ago) => format!("{} {} ago", change.path, approx(ago)),
        None => change.path.clone(),
    });
    let state = match &service.last_exit {
        Some(exit) if matches!(service.state.as_str(), "failed" | "backing-off" | "circuit-open") => {
            match (exit.code, exit.signal) {
                (Some(code), _) => format!("{} (exit {code})", service.state),
                (None, Some(signal)) => format!("{} (signal {signal})", service.state),
                (None, None) => service.state.clone(),
            }
        }
        _ if service.next_restart_at.is_some() => format!("{} (restart waits)", service.state),
        _ if service.kept => format!("{} (kept)", service.state),
        _ => service.state.clone(),
    };
    [
        service.name.clone(),
        state,
        service.pid.map_or_else(|| "-".into(), |pid| pid.to_string()),
        service.uptime_ms.map_or_else(|| "-".into(), |millis| approx(Duration::from_millis(millis))),
        service.run.to_string(),
        causes.collect::<Vec<_>>().join(" "),
        change.unwrap_or_default(),
    ]
    .map(|cell| visible(&cell).into_owned())
}
