//! Whether what the group says is what is: its words beside the processes of the system and the files on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::group::{CRASHES, JOBS, Plan, TOLD, WORKERS};
use crate::harness::{Project, Stream};

/// A process of a service.
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) service: String,
    /// It is the first of a session, as a run is.
    pub(super) is_leader: bool,
    words: String,
}

/// What belongs to runs now. What runs beside a service, a check or a validation, does not.
pub(super) fn of_runs(project: &Project) -> Vec<Process> {
    let known = |(pid, words): (i32, String)| {
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let value = |name: &str| {
            let variables = environment.split(|byte| *byte == 0).filter_map(|one| std::str::from_utf8(one).ok());
            variables.filter_map(|one| one.split_once('=')).find(|(other, _)| *other == name).map(|(_, value)| value)
        };
        // Number 0 is what runs beside a service.
        let is_run = value("DEVGROUP_RUN").is_some_and(|run| !run.contains("-0-"));
        let service = value("DEVGROUP_SERVICE").filter(|_| is_run)?.to_owned();
        Some(Process { pid, service, is_leader: is_leader(pid), words })
    };
    project.processes().into_iter().filter_map(known).collect()
}

fn is_leader(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().nth(3) == Some(&pid.to_string())
}

/// The state of the group, as it tells it.
pub(super) fn status(project: &Project) -> Value {
    let asked = Stream::ask(project, &["status", "--json"]);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    serde_json::from_str(&asked.stdout).unwrap()
}

/// The services of a state.
pub(super) fn services(status: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let services = status["services"].as_array().into_iter().flatten();
    services.map(|service| (service["name"].as_str().unwrap_or_default(), service))
}

/// Services whose changes wait, since they have changed often.
pub(super) fn put_off(status: &Value) -> Vec<String> {
    let waiting = services(status).filter(|(_, service)| service["next_restart_at"].is_string());
    waiting.map(|(name, _)| name.to_owned()).collect()
}

/// What is to be true.
pub(super) struct Expected<'p> {
    /// The file that is in force.
    pub(super) plan: &'p Plan,
    /// The file on disk cannot be read: which of those before it is in force is not known.
    pub(super) is_broken: bool,
    /// All services are to be up.
    pub(super) is_at_rest: bool,
}

/// What does not agree, each as a sentence; nothing once the group is quiet.
pub(super) fn disagreements(project: &Project, status: &Value, expected: &Expected<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    if status["file_problem"].is_string() != expected.is_broken {
        complaints.push(format!("the problem of the file is {}", status["file_problem"]));
    }
    let named: BTreeSet<String> =
        services(status).filter(|(_, one)| one["instance_of"].is_null()).map(|(name, _)| name.to_owned()).collect();
    if !expected.is_broken && named != expected.plan.names() {
        let differ: Vec<_> = named.symmetric_difference(&expected.plan.names()).cloned().collect();
        complaints.push(format!("these services are there or not: {differ:?}"));
    }
    let mut processes: BTreeMap<String, Vec<Process>> = BTreeMap::new();
    for process in of_runs(project) {
        processes.entry(process.service.clone()).or_default().push(process);
    }
    for (name, service) in services(status) {
        let its = processes.remove(name).unwrap_or_default();
        let told = of_service(name, service, &its).or_else(|| of_content(project, name, service, &its, expected.plan));
        let told = told.or_else(|| expected.is_at_rest.then(|| of_rest(name, service)).flatten());
        complaints.extend(told.map(|told| format!("{name} ({}) {told}", service["state"])));
    }
    complaints.extend(processes.keys().map(|name| format!("{name} runs, and is no service")));
    complaints
}

/// The state of a service beside its processes.
fn of_service(name: &str, service: &Value, its: &[Process]) -> Option<String> {
    let leaders: Vec<i64> = its.iter().filter(|one| one.is_leader).map(|one| i64::from(one.pid)).collect();
    match service["state"].as_str().unwrap_or_default() {
        "running" | "ready" if WORKERS.contains(&name) => None,
        "running" | "ready" => {
            let pid = service["pid"].as_i64();
            (leaders.len() != 1 || pid != leaders.first().copied())
                .then(|| format!("has the pid {pid:?}, and its leaders are {leaders:?}"))
        }
        "retrying" if name != CRASHES => Some("is tried again".into()),
        "waiting" if service["next_restart_at"].is_string() => Some("waits for its time".into()),
        // The last two: for a service that somebody has stopped.
        "stopped" | "failed" | "done" | "crash-loop" | "retrying" | "scheduled" | "suspended" | "blocked"
        | "waiting" => {
            let left: Vec<_> = its.iter().map(|one| (one.pid, one.words.as_str())).collect();
            (!left.is_empty()).then(|| format!("has processes: {left:?}"))
        }
        _ => Some("is not at its end".into()),
    }
}

/// What a service runs beside what is on disk.
fn of_content(project: &Project, name: &str, service: &Value, its: &[Process], plan: &Plan) -> Option<String> {
    let state = service["state"].as_str().unwrap_or_default();
    let is_up = matches!(state, "running" | "ready");
    let seen = |name: &str| (project.read(&format!("../got/{name}")), project.read(&format!("src/{name}/v")));
    if let Some(folder) = plan.folder(name).filter(|_| is_up && service["stale"] == false) {
        let disk = project.read(&format!("src/{folder}/v"));
        let wanted = format!("sleep 1000.{}", disk.split_whitespace().next().unwrap_or_default());
        let runs = its.iter().find(|one| one.is_leader).map(|one| one.words.as_str());
        return (runs != Some(&wanted)).then(|| format!("runs {runs:?}, and {wanted:?} is what it would run now"));
    }
    if TOLD.contains(&name) && is_up || JOBS.contains(&name) && state == "done" {
        let (got, disk) = seen(name);
        return (got != disk).then(|| format!("has seen {got:?}, and on disk is {disk:?}"));
    }
    None
}

/// What a service is not that everything is when all were started.
fn of_rest(name: &str, service: &Value) -> Option<String> {
    let is_up = matches!(service["state"].as_str(), Some("running" | "ready" | "done"));
    let moves = name == CRASHES || name == "tick";
    (!moves && (!is_up || service["stale"] == true)).then(|| "is not up".into())
}

#[test]
fn what_is_said_and_is_not_so_is_found() {
    let project = Project::empty();
    project.write("src/sv00/v", "7");
    let mut started = project.command("setsid");
    started.args(["sleep", "1000.7"]).env("DEVGROUP_SERVICE", "sv00").env("DEVGROUP_RUN", "group-1-1-sv00");
    let mut started = started.spawn().unwrap();
    let its = || of_runs(&project);
    crate::harness::wait_for("it sleeps", || its().iter().any(|one| one.is_leader && one.words == "sleep 1000.7"));
    let plan = Plan::default();
    let said = |state: &str, pid: u32| {
        let service = serde_json::json!({ "state": state, "pid": pid, "stale": false, "next_restart_at": null });
        of_service("sv00", &service, &its()).or_else(|| of_content(&project, "sv00", &service, &its(), &plan))
    };
    let pid = started.id();
    assert_eq!(said("running", pid), None);
    for (state, pid) in [("running", pid + 1), ("stopped", pid), ("failed", pid), ("starting", pid), ("retrying", pid)]
    {
        assert!(said(state, pid).is_some(), "{state}");
    }
    project.write("src/sv00/v", "8");
    assert!(said("running", pid).unwrap().contains("sleep 1000.8"));
    started.kill().unwrap();
    started.wait().unwrap();
    assert!(said("running", pid).is_some() && said("stopped", pid).is_none());
}
