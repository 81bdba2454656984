//! The pod of a service: its container, what is asked of it, and the init containers that wait.

use std::time::Duration;

use super::super::container::{self, Check};
use super::super::remarks::{MASKED, Remarks};
use super::super::shell::Exec;
use super::super::variables::{Variables, Way};
use super::super::yaml::{Node, Table};
use super::super::{Export, ExportError, is_worker};
use super::secrets::Secrets;
use super::{KUBECTL, labels, literal, literals, port_names, waiting_account};
use crate::domain::{AliveCheck, Condition, HttpCheck, Kind, ReadyCheck, ServiceSpec};

/// From one try of a startup probe to the next, in seconds.
const LOOKS_EVERY: u64 = 2;

/// The template of the pods.
///
/// # Errors
/// A path is no text, or two ports have one name.
pub(super) fn template(
    export: &Export<'_>,
    service: &ServiceSpec,
    image: &str,
    secrets: &Secrets,
    remarks: &mut Remarks,
) -> Result<Table, ExportError> {
    let mut spec = Table::default();
    let waits = waiting(export, service);
    if !waits.is_empty() {
        spec.add("serviceAccountName", waiting_account(export));
    }
    if service.kind == Kind::Job {
        spec.add("restartPolicy", "Never");
    }
    spec.add("terminationGracePeriodSeconds", whole_seconds(service.stop.grace));
    spec.add_some("initContainers", waits);
    spec.add("containers", vec![container(export, service, image, secrets, remarks)?]);
    let metadata = Table::of([("labels", labels(export, service).into())]);
    Ok(Table::of([("metadata", metadata.into()), ("spec", spec.into())]))
}

/// An init container for each service that is waited for. What it asks for may not be there yet: then it is run again.
fn waiting(export: &Export<'_>, service: &ServiceSpec) -> Vec<Table> {
    let wait = |(place, (on, until)): (usize, (&ServiceSpec, Condition))| {
        let name = export.name(on);
        let what = match (until, on.kind) {
            (Condition::Done, _) => vec!["--for=condition=Complete".into(), format!("job/{name}")],
            (Condition::Ready, Kind::Service | Kind::Worker) => {
                vec!["--for=condition=Available".into(), format!("deployment/{name}")]
            }
            (Condition::Ready, Kind::Job) | (Condition::Started, _) => {
                let selector = format!("--selector=app.kubernetes.io/name={name}");
                vec!["--for=jsonpath={.status.phase}=Running".into(), "pod".into(), selector]
            }
        };
        let args: Vec<String> = ["wait".to_owned()].into_iter().chain(what).chain(["--timeout=-1s".into()]).collect();
        let number = place + 1;
        Table::of([("name", format!("wait-{number}").into()), ("image", KUBECTL.into()), ("args", literals(args))])
    };
    export.dependencies(service).into_iter().enumerate().map(wait).collect()
}

fn container(
    export: &Export<'_>,
    service: &ServiceSpec,
    image: &str,
    secrets: &Secrets,
    remarks: &mut Remarks,
) -> Result<Table, ExportError> {
    let variables = Variables::of(service, Way::ByShell);
    let mut table = Table::of([("name", export.name(service).into()), ("image", image.into())]);
    match service.worker.as_ref().map(|worker| &worker.backend) {
        Some(None) => {
            let why = "pods share no folder, so it gets no tasks: set [tasks] backend";
            table.comment(remarks.lost(&service.name, "tasks", why));
        }
        Some(Some(backend)) if backend.is_here() => {
            let how = format!("in a pod, {backend} is the pod itself: set NATS_URL to what it is there");
            table.comment(remarks.differs(&service.name, "tasks", &how));
        }
        Some(Some(_)) | None => {}
    }
    if let Some(argv) = container::argv(export, service, &variables, (&mut table, remarks)) {
        table.add("command", literals(argv));
    }
    match container::folder(export, service, &variables)? {
        Ok(folder) => {
            if let Some(folder) = folder {
                table.add("workingDir", folder);
            }
        }
        Err(why) => table.comment(remarks.lost(&service.name, "dir", why)),
    }
    environment(export, service, (&variables, secrets), &mut table, remarks);
    let ports = port_names(export, service)?.into_iter();
    let ports = ports.map(|(name, number)| Table::of([("name", name.into()), ("containerPort", number.into())]));
    table.add_some("ports", ports.collect::<Vec<_>>());
    probes(export, service, &variables, &mut table, remarks);
    if let Some(command) = &service.stop.command {
        // Unlike the command of a probe, nothing is put into it.
        let exec = Table::of([("command", Exec::of(command, &variables).into_argv().into())]);
        table.add("lifecycle", Table::of([("preStop", Table::of([("exec", exec.into())]).into())]));
    }
    if let Some(memory) = service.limits.memory {
        table.comment("above it the container is killed, not stopped");
        let limits = Table::of([("memory", memory.to_string().into())]);
        table.add("resources", Table::of([("limits", limits.into())]));
    }
    Ok(table)
}

fn environment(
    export: &Export<'_>,
    service: &ServiceSpec,
    (variables, secrets): (&Variables, &Secrets),
    table: &mut Table,
    remarks: &mut Remarks,
) {
    if !is_worker(service) {
        let mut env: Vec<Table> = Vec::new();
        for (name, value) in &variables.table {
            for how in container::neighbours(export, service, value) {
                table.comment(remarks.differs(&service.name, &format!("env.{name}"), &how));
            }
        }
        for (name, value) in variables.texts() {
            env.push(Table::of([("name", name.into()), ("value", literal(&value).into())]));
        }
        for name in &variables.secret {
            let how = "its value is not written: fill it in in secrets.yaml.template";
            table.comment(remarks.differs(&service.name, &format!("env.{name}"), how));
            let value = secrets.value_from(service, name);
            env.push(Table::of([("name", name.as_str().into()), ("valueFrom", value)]));
        }
        for name in &variables.unnameable {
            table.comment(remarks.lost(&service.name, &format!("env.{name}"), "its value is known only at start"));
        }
        table.add_some("env", env);
    }
    table.add_some("envFrom", secrets.env_from(service));
}

fn probes(export: &Export<'_>, service: &ServiceSpec, variables: &Variables, table: &mut Table, remarks: &mut Remarks) {
    for key in container::masked_checks(service) {
        table.comment(remarks.differs(&service.name, key, MASKED));
    }
    let ready = Check::of_ready(export, service, variables).zip(service.ready.as_ref());
    if let Some((check, times)) = ready {
        match handler(&check, table) {
            Ok((key, asked)) => {
                table.add("startupProbe", startup(key, asked.clone(), times));
                let mut probe = Table::of([(key, asked)]);
                probe.add("timeoutSeconds", whole_seconds(AliveCheck::TIMEOUT));
                table.add("readinessProbe", probe);
            }
            Err(why) => table.comment(remarks.lost(&service.name, "ready", why)),
        }
    }
    let alive = Check::of_alive(export, service, variables).zip(service.alive.as_ref());
    if let Some((check, times)) = alive {
        match handler(&check, table) {
            Ok((key, asked)) => table.add("livenessProbe", liveness(key, asked, times)),
            Err(why) => table.comment(remarks.lost(&service.name, "alive", why)),
        }
    }
}

fn startup(key: &str, asked: Node, ready: &ReadyCheck) -> Table {
    let tries = ready.timeout.as_secs().div_ceil(LOOKS_EVERY).max(1);
    Table::of([
        (key, asked),
        ("periodSeconds", LOOKS_EVERY.into()),
        ("timeoutSeconds", whole_seconds(AliveCheck::TIMEOUT).into()),
        ("failureThreshold", tries.into()),
    ])
}

fn liveness(key: &str, asked: Node, alive: &AliveCheck) -> Table {
    let mut probe = Table::of([(key, asked)]);
    if !alive.grace.is_zero() {
        probe.add("initialDelaySeconds", whole_seconds(alive.grace));
    }
    probe.add("periodSeconds", whole_seconds(alive.every));
    probe.add("timeoutSeconds", whole_seconds(alive.timeout));
    probe.add("failureThreshold", u64::from(alive.failures));
    probe
}

/// What a probe asks, with its key. What the image needs for it is a comment.
fn handler(check: &Check, table: &mut Table) -> Result<(&'static str, Node), &'static str> {
    match check {
        Check::Port(port) => Ok(("tcpSocket", Table::of([("port", u64::from(*port).into())]).into())),
        Check::Http(http) => {
            if let Some(get) = get(http).filter(|_| http.status == HttpCheck::STATUS) {
                return Ok(("httpGet", get.into()));
            }
            command_of(check, table).ok_or("it cannot be asked")
        }
        Check::Command(_) => command_of(check, table).ok_or("it cannot be asked"),
        Check::None(why) => Err(why),
    }
}

fn command_of(check: &Check, table: &mut Table) -> Option<(&'static str, Node)> {
    let (exec, needs) = check.as_command()?;
    if let Some(program) = needs {
        table.comment(format!("the image needs {program}"));
    }
    Some(("exec", Table::of([("command", literals(exec.into_argv()))]).into()))
}

/// A GET of the pod itself: host and port of an address of this machine.
fn get(check: &HttpCheck) -> Option<Table> {
    let rest = check.url.strip_prefix("http://")?;
    let (place, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse::<u16>().ok()?),
        _ => (place, 80),
    };
    if !matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "0.0.0.0") {
        return None;
    }
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Some(Table::of([("path", path.into()), ("port", u64::from(port).into())]))
}

/// Seconds for a field that takes no parts of them, at least one.
fn whole_seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::super::yaml::document;
    use super::*;

    #[test]
    fn addresses_of_this_machine_are_a_get_of_the_pod() {
        let of = |url: &str| get(&HttpCheck::new(url)).map(|table| document(&table));
        assert_eq!(of("http://localhost:4000/a?b=1").as_deref(), Some("path: \"/a?b=1\"\nport: 4000\n"));
        assert_eq!(of("http://127.0.0.1").as_deref(), Some("path: \"/\"\nport: 80\n"));
        assert_eq!(of("http://[::1]:80?x").as_deref(), Some("path: \"/?x\"\nport: 80\n"));
        assert_eq!((of("http://api:4000/"), of("https://localhost/")), (None, None));
    }
}
