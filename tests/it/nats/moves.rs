//! From files to a server, and back.

use std::fs;

use super::{Server, end, is_done, start, text};
use crate::harness::{Project, Stream, wait_for};
use crate::tasks::{DIR, drop_task, json, names, path, result};

/// A try that takes a moment, and says where it ran.
const RUN: &str = "'''echo \"$TASK_ID\" >> ../tries; sleep 0.05'''";

fn without_server() -> String {
    let with = text("nats://127.0.0.1:9", RUN, "");
    with.lines().filter(|line| !line.starts_with("backend")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn in_the_middle_of_a_batch_tasks_go_over_to_a_server_and_back() {
    let Some(server) = Server::start() else { return };
    let project = Project::new(&without_server());
    let group = start(&project);
    let added = Stream::ask(&project, &["task", "add", "marie", "Do {n}", "--batch", "60"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    let done = || names(&project, "results/marie").len();
    wait_for("some are done by files", || done() >= 5);
    // The file is followed: the worker begins anew, with the server.
    project.write("procgroup.toml", text(&server.url(), RUN, ""));
    wait_for("the server has tasks", || server.messages("TASKS").is_some_and(|count| count > 0));
    let before = done();
    wait_for("some are done by the server", || done() >= before + 5);
    assert!(done() < 60);
    let drained = Stream::ask(&project, &["task", "drain"]);
    assert_eq!(
        (drained.code, &*drained.stdout),
        (Some(0), "marie: no task is with the server any more\n"),
        "{drained:?}"
    );
    assert_eq!(server.messages("TASKS"), Some(0));
    assert!(!names(&project, "tasks/marie").is_empty());
    project.write("procgroup.toml", without_server());
    wait_for("all are done", || done() == 60 && is_done(&project));
    let tries = project.read("../tries");
    let mut ids: Vec<&str> = tries.lines().collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 60);
    // What a restart has given back was begun twice, three at most each time.
    assert!(tries.lines().count() <= 66, "{tries}");
    wait_for("the batch is counted", || {
        let told = json(&path(&project, "orchestrator.json"));
        let batches = told["batches"].as_object().cloned().unwrap_or_default();
        batches.values().any(|batch| batch["completed"] == 60 && batch["failed"] == 0)
    });
    end(group);
}

#[test]
fn without_the_key_tasks_of_a_server_are_not_tried_here() {
    let Some(server) = Server::start() else { return };
    let project =
        Project::new(&text(&server.url(), "\"while [ ! -e ../go ]; do sleep 0.02; done\"", "concurrency = 1"));
    let group = start(&project);
    for id in ["a", "b"] {
        drop_task(&project, id, "x");
    }
    wait_for("both are with the server", || server.messages("TASKS") == Some(2));
    end(group);
    let listed = Stream::ask(&project, &["task", "list"]);
    assert!(listed.stdout.contains("2 waiting"), "{listed:?}");
    let drained = Stream::ask(&project, &["task", "drain"]);
    assert!(drained.stderr.contains("no group is running marie"), "{drained:?}");
    project.write("procgroup.toml", without_server());
    let refused = Stream::ask(&project, &["task", "drain"]);
    assert!(refused.stderr.contains("`backend` is not set"), "{refused:?}");
    let mut group = start(&project);
    group.wait_for_text("2 tasks of marie are with a server");
    end(group);
    project.write(
        "procgroup.toml",
        text(&server.url(), "\"while [ ! -e ../go ]; do sleep 0.02; done\"", "concurrency = 1"),
    );
    let group = start(&project);
    fs::write(project.path("../go"), "").unwrap();
    wait_for("both are done", || is_done(&project) && ["a", "b"].iter().all(|id| !result(&project, id).is_null()));
    end(group);
    assert!(project.path(DIR).exists());
}
