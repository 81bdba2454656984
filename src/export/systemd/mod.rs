//! Units for the user's systemd: a target for the group, a service for each service, a timer for each schedule.
//!
//! Commands run through `/bin/sh -c`, because systemd looks for programs neither on the `PATH` of the user nor from the
//! working folder on. A plain command takes the place of that shell.

mod calendar;
mod unit;

use std::collections::BTreeSet;
use std::time::Duration;

use super::container::known_folder;
use super::names::of_unit;
use super::remarks::Remarks;
use super::shell::Exec;
use super::variables::{INSTANCE_NUMBER, Part, Variables, Way};
use super::{Export, ExportError, ExportedFile, is_worker};
use crate::domain::{Condition, Kind, Probe, RestartPolicy, Schedule, ServiceSpec, When, is_variable_name};
use unit::{Unit, is_plain_path, quoted, shell};

/// The files, the target first.
///
/// # Errors
/// A path is no text.
pub(super) fn files(
    export: &Export<'_>,
    head: &[String],
    remarks: &mut Remarks,
) -> Result<Vec<ExportedFile>, ExportError> {
    // What is said of the group stands in the target alone.
    let short = head.get(..1).unwrap_or_default();
    let mut units = Vec::new();
    for service in &export.services {
        units.push(file(&unit_name(export, service), service_unit(export, service, short, remarks)?));
        if let Some(schedule) = service.schedule.as_ref().filter(|_| has_timer(service)) {
            let name = format!("{}.timer", export.name(service));
            units.push(file(&name, timer(export, service, schedule, short)));
        }
    }
    let mut files = vec![file(&target_name(export), target(export, head))];
    files.extend(units);
    Ok(files)
}

fn file(name: &str, text: String) -> ExportedFile {
    ExportedFile { name: name.to_owned(), text, is_template: false }
}

/// The unit of the group.
fn target_name(export: &Export<'_>) -> String {
    format!("{}.target", of_unit(&export.group.name))
}

/// The unit of a service: of one with instances, a template.
fn unit_name(export: &Export<'_>, service: &ServiceSpec) -> String {
    let at = if service.replicas.is_some() { "@" } else { "" };
    format!("{}{at}.service", export.name(service))
}

/// Whether a timer can say the times of a schedule.
fn has_times(schedule: &Schedule) -> bool {
    match &schedule.when {
        When::Every(_) => true,
        When::At(times) => times.fields().is_some(),
    }
}

/// Whether a service has a timer.
fn has_timer(service: &ServiceSpec) -> bool {
    service.schedule.as_ref().is_some_and(|schedule| schedule.run_on_start || has_times(schedule))
}

/// The units that run a service: each instance is one.
fn running_units(export: &Export<'_>, service: &ServiceSpec) -> Vec<String> {
    let name = export.name(service);
    match service.replicas {
        None => vec![format!("{name}.service")],
        Some(count) => (1..=count).map(|number| format!("{name}@{number}.service")).collect(),
    }
}

fn target(export: &Export<'_>, head: &[String]) -> String {
    let mut unit = Unit::new(head);
    unit.section("Unit");
    unit.text("Description", &format!("the group {}", export.group.name));
    for service in &export.services {
        match &service.schedule {
            Some(_) if has_timer(service) && service.autostart && service.profiles.is_empty() => {
                unit.set("Wants", &format!("{}.timer", export.name(service)));
            }
            Some(_) => {}
            None if export.starts(service) => {
                running_units(export, service).iter().for_each(|name| unit.set("Wants", name));
            }
            None => unit.comment(&format!("{} does not start by itself", service.name)),
        }
    }
    unit.section("Install");
    unit.set("WantedBy", "default.target");
    unit.into_text()
}

fn service_unit(
    export: &Export<'_>,
    service: &ServiceSpec,
    head: &[String],
    remarks: &mut Remarks,
) -> Result<String, ExportError> {
    let way = if service.replicas.is_some() { Way::ByInstance } else { Way::ByShell };
    let mut variables = Variables::of(service, way);
    if is_worker(service) {
        variables = Variables::default();
    }
    let mut unit = Unit::new(head);
    unit.section("Unit");
    let number = if service.replicas.is_some() { " %i" } else { "" };
    unit.set("Description", &format!("{}: {}{number}", export.group.name.replace('%', "%%"), service.name));
    unit.set("PartOf", &target_name(export));
    for (on, until) in export.dependencies(service) {
        for name in running_units(export, on) {
            unit.set("Requires", &name);
            unit.set("After", &name);
        }
        if until == Condition::Ready && on.ready.is_some() && !notifies(on) {
            let how = format!("systemd waits until {} runs, not until it is ready", on.name);
            unit.comment(&remarks.differs(&service.name, &format!("depends_on {}", on.name), &how));
        }
    }
    limit_of_starts(service, &mut unit);
    unit.section("Service");
    remarks.of_service(export, service).iter().for_each(|comment| unit.comment(comment));
    if service.schedule.as_ref().is_some_and(|schedule| !has_times(schedule)) {
        unit.comment(&remarks.lost(&service.name, "schedule", "a timer cannot express these times"));
    }
    checks(service, &mut unit, remarks);
    kind(service, &mut unit);
    let folder = folder(export, service, &variables, &mut unit, remarks)?;
    environment(export, service, &mut variables, &mut unit, remarks)?;
    commands(export, service, &variables, folder.as_deref(), &mut unit);
    stop_and_restart(service, &mut unit);
    Ok(unit.into_text())
}

/// How many starts are too many, which stands in the head of a unit.
fn limit_of_starts(service: &ServiceSpec, unit: &mut Unit) {
    match service.kind {
        Kind::Job if service.retries > 0 => {
            unit.set("StartLimitIntervalSec", "infinity");
            unit.set("StartLimitBurst", &service.retries.saturating_add(1).to_string());
        }
        Kind::Service => {
            unit.set("StartLimitIntervalSec", &time(service.breaker.within));
            unit.set("StartLimitBurst", &service.breaker.failures.to_string());
        }
        Kind::Job | Kind::Worker => {}
    }
}

/// Whether it tells systemd itself that it is ready.
fn notifies(service: &ServiceSpec) -> bool {
    service.ready.as_ref().is_some_and(|ready| ready.probe == Probe::Notify)
}

fn checks(service: &ServiceSpec, unit: &mut Unit, remarks: &mut Remarks) {
    if is_worker(service) {
        return;
    }
    if service.ready.is_some() && !notifies(service) {
        unit.comment(&remarks.lost(&service.name, "ready", "it counts as ready as soon as it runs"));
    }
    let watchdog = service.notifications().and_then(|notifications| notifications.watchdog);
    if service.alive.is_some() && watchdog.is_none() {
        unit.comment(&remarks.lost(&service.name, "alive", ""));
    }
}

fn kind(service: &ServiceSpec, unit: &mut Unit) {
    match service.kind {
        Kind::Job => {
            unit.set("Type", "oneshot");
            // A timer starts only what has ended.
            if service.schedule.is_none() {
                unit.set("RemainAfterExit", "yes");
            }
        }
        _ if notifies(service) => unit.set("Type", "notify"),
        _ => unit.set("Type", "exec"),
    }
    if let Some(notifications) = service.notifications() {
        unit.set("NotifyAccess", "all");
        if let Some(every) = notifications.watchdog {
            unit.set("WatchdogSec", &time(every));
        }
    }
    let start = service.ready.as_ref().filter(|_| notifies(service)).map(|ready| ready.timeout);
    let validate = service.validate.as_ref().map(|validate| validate.timeout);
    if service.kind == Kind::Job {
        unit.set("TimeoutStartSec", "infinity");
    } else if start.is_some() || validate.is_some() {
        unit.set("TimeoutStartSec", &time(start.unwrap_or_default() + validate.unwrap_or_default()));
    }
}

/// The folder, unless it can stand in a line of the unit.
fn folder(
    export: &Export<'_>,
    service: &ServiceSpec,
    variables: &Variables,
    unit: &mut Unit,
    remarks: &mut Remarks,
) -> Result<Option<String>, ExportError> {
    let dir = if is_worker(service) { Some(export.group.root.clone()) } else { known_folder(service, variables) };
    let Some(dir) = dir else {
        unit.comment(&remarks.lost(&service.name, "dir", "known only at start"));
        return Ok(None);
    };
    let dir = export.text_of(service, &dir)?;
    if is_plain_path(dir) {
        unit.text("WorkingDirectory", dir);
        return Ok(None);
    }
    Ok(Some(dir.to_owned()))
}

/// Variables and environment files. A file would win over `Environment=`: what it gives too is left to the shell.
fn environment(
    export: &Export<'_>,
    service: &ServiceSpec,
    variables: &mut Variables,
    unit: &mut Unit,
    remarks: &mut Remarks,
) -> Result<(), ExportError> {
    let mut given: BTreeSet<&str> = BTreeSet::new();
    let mut is_unknown = false;
    for file in &service.env_files {
        match export.options.names.get(&file.path) {
            Some(names) => given.extend(names.iter().map(String::as_str)),
            None => is_unknown = true,
        }
        let path = export.text_of(service, &file.path)?;
        if is_plain_path(path) {
            unit.text("EnvironmentFile", &format!("-{path}"));
        } else {
            unit.comment(&remarks.lost(&service.name, "env_file", "its path cannot stand in a unit"));
        }
    }
    let table = std::mem::take(&mut variables.table);
    let (exported, plain): (Vec<_>, Vec<_>) =
        table.into_iter().partition(|(name, _)| is_unknown || given.contains(name.as_str()) || !is_variable_name(name));
    for (name, value) in &plain {
        let text = super::variables::fixed(value).unwrap_or_default();
        unit.set("Environment", &quoted(&format!("{name}={text}")));
    }
    variables.table = plain;
    // They are known, so that they come before those that only a start knows.
    let (exported, unnameable): (Vec<(String, Vec<Part>)>, Vec<_>) =
        exported.into_iter().partition(|(name, _)| is_variable_name(name));
    drop(variables.open.splice(0..0, exported));
    if service.replicas.is_some() {
        unit.set("Environment", &format!("\"{INSTANCE_NUMBER}=%i\""));
    }
    for name in &variables.secret {
        let how = "its value is not written: put it into an environment file";
        unit.comment(&remarks.differs(&service.name, &format!("env.{name}"), how));
    }
    for name in variables.unnameable.iter().chain(unnameable.iter().map(|(name, _)| name)) {
        unit.comment(&remarks.lost(&service.name, &format!("env.{name}"), "systemd has no such names"));
    }
    Ok(())
}

/// `folder`: to be gone to first.
fn commands(export: &Export<'_>, service: &ServiceSpec, variables: &Variables, folder: Option<&str>, unit: &mut Unit) {
    let line = |exec: Exec| {
        let exec = folder.map_or_else(|| exec.clone(), |folder| exec.clone().in_folder(folder));
        shell(&exec.into_line())
    };
    if let Some(validate) = &service.validate {
        unit.set("ExecStartPre", &line(Exec::of(&validate.run, variables)));
    }
    let run = match is_worker(service) {
        true => Exec::Argv(export.worker_argv(service)),
        false => Exec::of(&service.run, variables),
    };
    unit.set("ExecStart", &line(run));
    if let Some(stop) = &service.stop.command {
        unit.set("ExecStop", &line(Exec::of(stop, variables)));
    }
}

fn stop_and_restart(service: &ServiceSpec, unit: &mut Unit) {
    let stop = &service.stop;
    unit.set("KillSignal", &stop.signal.to_string());
    if stop.leader_only {
        unit.set("KillMode", "mixed");
    }
    unit.set("TimeoutStopSec", &time(stop.grace));
    let restart = match (service.kind, service.restart) {
        (Kind::Job, _) if service.retries > 0 => "on-failure",
        (Kind::Job, _) | (Kind::Service, RestartPolicy::Never) => "no",
        (Kind::Service, RestartPolicy::OnFailure) => "on-failure",
        (Kind::Service, RestartPolicy::Always) | (Kind::Worker, _) => "always",
    };
    unit.set("Restart", restart);
    if restart != "no" {
        unit.set("RestartSec", &time(service.backoff.initial));
    }
    if let Some(memory) = service.limits.memory {
        unit.comment("above it the service is killed, not stopped");
        unit.set("MemoryMax", &memory.to_string());
    }
}

fn timer(export: &Export<'_>, service: &ServiceSpec, schedule: &Schedule, head: &[String]) -> String {
    let mut unit = Unit::new(head);
    unit.section("Unit");
    unit.text("Description", &format!("the schedule of {}: {}", export.group.name, service.name));
    unit.set("PartOf", &target_name(export));
    unit.section("Timer");
    if schedule.run_on_start {
        unit.set("OnActiveSec", "0");
    }
    match &schedule.when {
        When::Every(pause) => {
            if !schedule.run_on_start {
                unit.set("OnActiveSec", &time(*pause));
            }
            unit.set("OnUnitInactiveSec", &time(*pause));
        }
        When::At(times) => {
            let times = times.fields().map(|fields| calendar::times(&fields, times.zone_name()));
            times.iter().flatten().for_each(|time| unit.set("OnCalendar", time));
        }
    }
    unit.set("AccuracySec", "1s");
    unit.set("Unit", &format!("{}.service", export.name(service)));
    unit.into_text()
}

fn time(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!((time(Duration::from_secs(90)), time(Duration::from_millis(1500))), ("90s".into(), "1500ms".into()));
    }
}
