//! A file for Docker Compose (the Compose Specification, as docker-compose 1.29 and Compose 2 both read it).

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::container::{self, Check};
use super::remarks::{MASKED, Remarks};
use super::shell::Exec;
use super::variables::{Part, Variables, Way};
use super::yaml::{Node, Table, comment, document};
use super::{Export, ExportError, ExportedFile, is_worker};
use crate::domain::{AliveCheck, Condition, Kind, ReadyCheck, RestartPolicy, ServiceName, ServiceSpec};

/// The profile of what does not start by itself.
const BY_HAND: &str = "manual";

/// From one look to the next while a service becomes ready, in seconds, and how many may fail after the time it has.
const LOOKS: (u64, u64) = (2, 3);

/// The file.
///
/// # Errors
/// A service has no image, or a path is no text.
pub(super) fn files(
    export: &Export<'_>,
    head: &[String],
    remarks: &mut Remarks,
) -> Result<Vec<ExportedFile>, ExportError> {
    let images = export.images()?;
    let mut services = Table::default();
    for service in &export.services {
        let image = images.get(&service.name).copied().unwrap_or_default();
        services.add(export.name(service), entry(export, service, image, remarks)?);
    }
    let head: String = head.iter().map(|line| comment(line) + "\n").collect();
    let text = format!("{head}{}", document(&Table::of([("services", services.into())])));
    Ok(vec![ExportedFile { name: "compose.yaml".into(), text, is_template: false }])
}

fn entry(export: &Export<'_>, service: &ServiceSpec, image: &str, remarks: &mut Remarks) -> Result<Table, ExportError> {
    let variables = Variables::of(service, Way::Interpolated);
    let mut table = Table::default();
    table.comments(remarks.of_service(export, service));
    table.add("image", literal(image));
    if let Some(argv) = container::argv(export, service, &variables, (&mut table, remarks)) {
        table.add("command", literals(argv));
    }
    match container::folder(export, service, &variables)? {
        Ok(folder) => {
            if let Some(folder) = folder {
                table.add("working_dir", literal(&folder));
            }
        }
        Err(why) => table.comment(remarks.lost(&service.name, "dir", why)),
    }
    environment(export, service, &variables, &mut table, remarks)?;
    depends_on(export, service, &mut table);
    healthcheck(export, service, &variables, &mut table, remarks);
    ports(service, &mut table);
    if let Some(replicas) = service.replicas {
        table.add("scale", u64::from(replicas));
    }
    table.add("restart", restart(service).as_str());
    table.add("stop_signal", service.stop.signal.to_string());
    table.add("stop_grace_period", duration(service.stop.grace));
    if let Some(memory) = service.limits.memory {
        table.comment("above it the service is killed, not stopped");
        table.add("mem_limit", memory);
    }
    let profiles = profiles(export, service);
    table.add_some("profiles", profiles.into_iter().collect::<Vec<_>>());
    Ok(table)
}

/// A text in which compose puts nothing in.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

fn literals(words: impl IntoIterator<Item = String>) -> Node {
    words.into_iter().map(|word| literal(&word)).collect::<Vec<_>>().into()
}

fn environment(
    export: &Export<'_>,
    service: &ServiceSpec,
    variables: &Variables,
    table: &mut Table,
    remarks: &mut Remarks,
) -> Result<(), ExportError> {
    table.add_some("environment", variables_of(export, service, variables, remarks));
    let files = service.env_files.iter().map(|file| {
        let path = export.relative(&file.path);
        export.text_of(service, &path).map(literal)
    });
    table.add_some("env_file", files.collect::<Result<Vec<_>, _>>()?);
    if let Some(worker) = &service.worker {
        let dir = worker.folders.tasks.parent().unwrap_or(Path::new("/"));
        match dir.strip_prefix(&export.group.root) {
            Ok(below) => {
                let (from, to) = (export.relative(dir), export.text_of(service, below)?);
                let from = export.text_of(service, &from)?;
                table.add("volumes", vec![literal(&format!("{from}:{}/{to}", container::ROOT))]);
            }
            Err(_) => {
                let why = "its folder is outside of the group: [tasks] dir = \"shared\" would be mounted";
                table.comment(remarks.lost(&service.name, "tasks", why));
            }
        }
    }
    Ok(())
}

/// The table of variables. The devgroup that runs a worker reads its own file.
fn variables_of(export: &Export<'_>, service: &ServiceSpec, variables: &Variables, remarks: &mut Remarks) -> Table {
    let mut environment = Table::default();
    if is_worker(service) {
        return environment;
    }
    for (name, value) in &variables.table {
        for other in value.iter().filter_map(|part| in_file(export, service, part)) {
            let how = format!("{other} comes from Compose's own environment, not from an env_file");
            environment.comment(remarks.differs(&service.name, &format!("env.{name}"), &how));
        }
        for how in container::neighbours(export, service, value) {
            environment.comment(remarks.differs(&service.name, &format!("env.{name}"), &how));
        }
        environment.add(name, interpolated(value));
    }
    for name in &variables.secret {
        let how = "its value is not written; Compose takes it from its own environment";
        environment.comment(remarks.differs(&service.name, &format!("env.{name}"), how));
        environment.add(name, Node::Null);
    }
    for name in &variables.unnameable {
        environment.comment(remarks.lost(&service.name, &format!("env.{name}"), "its value is known only at start"));
    }
    environment
}

/// The variable of a part, if an environment file gives it that compose does not read by itself.
fn in_file<'p>(export: &Export<'_>, service: &ServiceSpec, part: &'p Part) -> Option<&'p str> {
    let Part::Variable { name, .. } = part else { return None };
    let own = export.options.folder.join(".env");
    let files = service.env_files.iter().filter(|file| file.path != own);
    let mut names = files.filter_map(|file| export.options.names.get(&file.path));
    names.any(|names| names.contains(name)).then_some(name)
}

/// A value with the variables that compose puts in.
fn interpolated(value: &[Part]) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => literal(text),
        Part::Variable { name, default: None } => format!("${{{name}}}"),
        Part::Variable { name, default: Some(default) } => {
            format!("${{{name}:-{}}}", super::variables::fixed(default).unwrap_or_default())
        }
        Part::OfInstance(number) => number.to_string(),
    };
    value.iter().map(part).collect()
}

fn depends_on(export: &Export<'_>, service: &ServiceSpec, table: &mut Table) {
    let mut needs = Table::default();
    for (on, until) in export.dependencies(service) {
        let variables = Variables::of(on, Way::Interpolated);
        let is_asked = Check::of_ready(export, on, &variables).is_some_and(|check| check.as_command().is_some());
        let condition = match until {
            Condition::Done => "service_completed_successfully",
            Condition::Ready if is_asked => "service_healthy",
            Condition::Ready | Condition::Started => "service_started",
        };
        needs.add(export.name(on), Table::of([("condition", condition.into())]));
    }
    table.add_some("depends_on", needs);
}

fn healthcheck(
    export: &Export<'_>,
    service: &ServiceSpec,
    variables: &Variables,
    table: &mut Table,
    remarks: &mut Remarks,
) {
    for key in container::masked_checks(service) {
        table.comment(remarks.differs(&service.name, key, MASKED));
    }
    let ready = Check::of_ready(export, service, variables);
    if let Some(Check::None(why)) = ready {
        table.comment(remarks.lost(&service.name, "ready", why));
    }
    let ready = ready.and_then(|check| check.as_command());
    let alive = Check::of_alive(export, service, variables);
    if let Some(check) = &alive {
        let why = if let Check::None(why) = check { why } else { "Compose does not restart unhealthy services" };
        table.comment(remarks.lost(&service.name, "alive", why));
    }
    let alive = alive.and_then(|check| check.as_command());
    let (check, times) = match (ready, alive, &service.ready, &service.alive) {
        (Some(check), _, Some(ready), _) => (check, times_of_ready(ready)),
        (None, Some(check), _, Some(alive)) => (check, times_of_alive(alive)),
        _ => return,
    };
    let (exec, needs) = check;
    if let Some(program) = needs {
        table.comment(format!("the image needs {program}"));
    }
    let test: Vec<String> = match exec {
        Exec::Argv(argv) => ["CMD".to_owned()].into_iter().chain(argv).collect(),
        Exec::Line(line) => vec!["CMD-SHELL".into(), line],
    };
    let mut healthcheck = Table::of([("test", literals(test))]);
    for (key, value) in times {
        healthcheck.add(key, value);
    }
    table.add("healthcheck", healthcheck);
}

/// It has its time to become ready before a failure counts.
fn times_of_ready(ready: &ReadyCheck) -> [(&'static str, Node); 4] {
    let (every, retries) = LOOKS;
    let patience = ready.timeout.saturating_sub(Duration::from_secs(every * retries));
    [
        ("interval", duration(Duration::from_secs(every)).into()),
        ("timeout", duration(AliveCheck::TIMEOUT).into()),
        ("start_period", duration(patience).into()),
        ("retries", retries.into()),
    ]
}

fn times_of_alive(alive: &AliveCheck) -> [(&'static str, Node); 4] {
    [
        ("interval", duration(alive.every).into()),
        ("timeout", duration(alive.timeout).into()),
        ("start_period", duration(alive.grace).into()),
        ("retries", u64::from(alive.failures).into()),
    ]
}

/// The ports of the machine, each that of the container. Several instances share a range of them.
fn ports(service: &ServiceSpec, table: &mut Table) {
    let more = u16::try_from(service.replicas.unwrap_or(1).saturating_sub(1)).unwrap_or(0);
    let port = |number: u16| match number.checked_add(more).filter(|_| more > 0) {
        Some(last) => format!("{number}-{last}:{number}"),
        None => format!("{number}:{number}"),
    };
    table.add_some("ports", service.ports.iter().map(|own| port(own.number)).collect::<Vec<_>>());
}

fn restart(service: &ServiceSpec) -> String {
    match (service.kind, service.restart) {
        (Kind::Job, _) if service.retries > 0 => format!("on-failure:{}", service.retries),
        (Kind::Job, _) | (Kind::Service, RestartPolicy::Never) => "no".into(),
        (Kind::Service, RestartPolicy::OnFailure) => "on-failure".into(),
        (Kind::Service, RestartPolicy::Always) | (Kind::Worker, _) => "always".into(),
    }
}

fn duration(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    }
}

/// The profiles of what does not start with the group. What others need has theirs too, or it could not start with them.
fn profiles(export: &Export<'_>, service: &ServiceSpec) -> BTreeSet<String> {
    if export.starts(service) {
        return BTreeSet::new();
    }
    let mut found = BTreeSet::new();
    let mut seen: BTreeSet<&ServiceName> = BTreeSet::new();
    let mut open: Vec<&ServiceSpec> = vec![service];
    while let Some(one) = open.pop() {
        if !seen.insert(&one.name) {
            continue;
        }
        match one.profiles.as_slice() {
            [] => drop(found.insert(BY_HAND.to_owned())),
            profiles => found.extend(profiles.iter().cloned()),
        }
        let needs_it = |other: &&&ServiceSpec| export.dependencies(other).iter().any(|(on, _)| on.name == one.name);
        open.extend(export.services.iter().filter(needs_it).copied());
    }
    found
}
