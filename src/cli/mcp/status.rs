//! The tool `status`.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::logs;
use crate::cli::client::status::{state, undelivered, watch};
use crate::cli::exit_code::Failure;
use crate::clock;
use crate::control::{Ask, Reply, Restarts, Service, Status};
use crate::domain::{approx, visible};

/// The state of the group, and a cursor for what its services print from now on.
pub(super) fn status(call: &Call) -> Result<Answer, Failure> {
    let mut group = call.group()?;
    let Reply::Status(status) = group.ask(Ask::Status { follow: false, usage: false })? else {
        return Err(Failure::Unexpected("the group did not report its state".into()));
    };
    let cursor = logs::end(&mut group, &[])?;
    let foot = cursor.as_ref().map(|cursor| format!("cursor: {cursor}\n")).unwrap_or_default();
    let mut answer = Answer::new(text(&status) + &foot, &status, false)?;
    if let (Some(cursor), Value::Object(value)) = (cursor, &mut answer.value) {
        value.insert("cursor".into(), json!(cursor));
    }
    Ok(answer)
}

/// A line for the group, and one for each service.
pub(super) fn text(status: &Status) -> String {
    let mut lines = vec![format!("{} · pid {} · {}", status.project, status.pid, watch(status))];
    if let Some(problem) = &status.file_problem {
        lines.push(format!("not loaded (previous version in use): {problem}"));
    }
    if let Some(problem) = &status.watch.problem {
        lines.push(format!("watcher: {problem}"));
    }
    lines.extend(status.undelivered_alert.iter().map(|alert| format!("alerts: {}", undelivered(alert))));
    lines.extend(status.services.iter().map(line));
    lines.iter().map(|line| visible(line).into_owned() + "\n").collect()
}

/// `api: ready · up 3m · restarts: 2 by change, 1 by crash · last change src/a.rs 2m ago · http://localhost:3000`
pub(super) fn line(service: &Service) -> String {
    let ago = |at: &str| clock::time_since(at).map(|ago| format!(" {} ago", approx(ago))).unwrap_or_default();
    let ended = || service.last_exit.as_ref().map(|exit| format!("ended{}", ago(&exit.at)));
    let parts = [
        Some(format!("{}: {}", service.name, state(service))),
        service.reason.clone().or_else(|| service.status_text.clone()),
        service.uptime_ms.map(|millis| format!("up {}", approx(Duration::from_millis(millis)))).or_else(ended),
        restarts(service.restarts),
        service.last_change.as_ref().map(|change| format!("last change {}{}", change.path, ago(&change.at))),
        service.url.clone(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn restarts(restarts: Restarts) -> Option<String> {
    let Restarts { change, crash, manual, config, dependency, liveness, limit } = restarts;
    let named = [
        (change, "by change"),
        (crash, "by crash"),
        (manual, "manual"),
        (config, "by procgroup.toml"),
        (dependency, "by dependency"),
        (liveness, "by being stuck"),
        (limit, "by its limit"),
    ];
    let named: Vec<String> =
        named.into_iter().filter(|(number, _)| *number > 0).map(|(number, by)| format!("{number} {by}")).collect();
    (!named.is_empty()).then(|| format!("restarts: {}", named.join(", ")))
}
