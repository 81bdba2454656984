//! `[start] parallel`: never more services start at once than may, and each has its turn.

use serde_json::Value;

use crate::harness::{Dash, Project, Stream, detach, down};

/// A service that says in a file when it begins to start and when it is up.
fn slow(name: &str) -> String {
    let note = |sign: char| format!("echo {sign} >> ../home/starts");
    let run = format!("{}; sleep 0.2; {}; echo {name}-is-up; exec sleep 1000", note('+'), note('-'));
    format!("[services.{name}]\nrun = \"{run}\"\nready = {{ log = \"{name}-is-up\" }}\n")
}

#[test]
fn never_more_start_at_once_than_may() {
    let names = ["anna", "bert", "cleo", "dora", "emil", "fred", "gina"];
    let project = Project::new(&format!("[start]\nparallel = 2\n{}", names.map(slow).concat()));
    detach(&project);
    let mut starting = 0;
    let mut most = 0;
    for line in project.read("../home/starts").lines() {
        starting += if line == "+" { 1 } else { -1 };
        most = most.max(starting);
    }
    assert_eq!((most, starting, project.lines("../home/starts")), (2, 0, 2 * names.len()));
    down(&project);
}

#[test]
fn what_is_queued_says_so_and_is_let_go_by_a_saved_file() {
    let gate =
        "run = \"until [ -e go ]; do sleep 0.05; done; echo is-up; exec sleep 1000\"\nready = { log = \"is-up\" }";
    let services = format!("[services.db]\n{gate}\n[services.web]\n{gate}\n");
    let project = Project::new(&format!("[start]\nparallel = 1\n{services}"));
    let mut dash = Dash::start(&project, (100, 30), &[]);
    let shows =
        |screen: &str, name: &str, state: &str| screen.lines().any(|line| line.contains(name) && line.contains(state));
    dash.wait_for("web is queued", |screen| shows(screen, "db", "starting") && shows(screen, "web", "queued"));
    let status = Stream::ask(&project, &["status", "--json"]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    let web = &status["services"][1];
    assert_eq!(web["state"], "queued");
    assert_eq!(web["reason"], "waiting for db to come up · [start] parallel = 1");
    project.write("procgroup.toml", services);
    dash.wait_for("both start", |screen| shows(screen, "db", "starting") && shows(screen, "web", "starting"));
    project.write("go", "");
    dash.wait_for("both are ready", |screen| shows(screen, "db", "ready") && shows(screen, "web", "ready"));
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}
