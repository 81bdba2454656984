//! What became of services, as every command that waits for them tells it: one rule for all.

use std::fs;

use serde_json::Value;

use crate::harness::{Project, Stream, wait_for};

const FAILING: &str = r#"
    name = "shop"
    [services]
    bad = { run = "exit 3", restart = "never", autostart = false }
    crash = { run = "echo c; exit 2", autostart = false }
    exits = { run = "sleep 0.1; exit 0", ready = { log = "zz" }, restart = "never", autostart = false }
    page = { run = "exec sleep 1000", depends_on = ["exits"], autostart = false }
    api = "exec sleep 1000"
    "#;

fn detach(project: &Project) {
    let started = Stream::ask(project, &["-d"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
}

fn down(project: &Project) {
    let down = Stream::ask(project, &["down"]);
    assert_eq!(down.code, Some(0), "{}", down.stderr);
    project.assert_nothing_left();
}

#[test]
fn a_service_that_dies_at_once_was_never_ready() {
    let project = Project::new(FAILING);
    detach(&project);
    for arguments in [&["start", "bad"][..], &["restart", "bad"], &["restart", "--failed"], &["start", "crash"]] {
        let arguments = [arguments, &["--wait"]].concat();
        let asked = Stream::ask(&project, &arguments);
        assert_eq!(asked.code, Some(5), "{arguments:?}: {}{}", asked.stdout, asked.stderr);
        assert!(asked.stdout.contains(": failed (exit "), "{arguments:?}: {}", asked.stdout);
    }
    let asked = Stream::ask(&project, &["restart", "bad", "api", "--wait", "--json"]);
    let report: Value = serde_json::from_str(&asked.stdout).unwrap();
    let of = |name: &str| report["services"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone();
    assert_eq!((asked.code, &of("bad")["result"]), (Some(5), &"failed".into()));
    assert_eq!((&of("bad")["reason"], &of("api")["result"]), (&"failed (exit 3)".into(), &"ready".into()));
    assert_eq!(Stream::ask(&project, &["wait", "bad", "--timeout", "60s"]).code, Some(5));
    down(&project);
}

#[test]
fn a_service_that_ends_well_before_it_is_ready_has_failed() {
    let project = Project::new(FAILING);
    let started = Stream::ask(&project, &["-d", "page"]);
    assert_eq!(started.code, Some(5), "{}", started.stderr);
    let reason = "has ended (exit 0) before it was ready";
    assert!(started.stderr.contains(&format!("error: exits: {reason}\n")), "{}", started.stderr);
    assert!(started.stderr.contains("error: page: cannot start: exits failed (not ready)\n"), "{}", started.stderr);
    for arguments in [&["wait", "exits"][..], &["restart", "exits", "--wait"]] {
        let asked = Stream::ask(&project, arguments);
        assert_eq!((asked.code, asked.stdout), (Some(5), format!("exits: failed · {reason}\n")), "{arguments:?}");
    }
    down(&project);
}

#[test]
fn a_stop_command_that_hangs_ends_with_the_grace() {
    let hangs = r#"[services]
        api = { run = "exec sleep 1000", stop = { command = "sleep 1001", grace = "200ms" } }
        "#;
    let project = Project::new(hangs);
    detach(&project);
    for _ in 0..3 {
        assert_eq!(Stream::ask(&project, &["restart", "api", "--wait"]).code, Some(0));
    }
    wait_for("no stop command is left", || {
        !project.processes().iter().any(|(_, command)| command.contains("sleep 1001"))
    });
    wait_for("the log names each", || {
        Stream::ask(&project, &["logs", "api"]).stdout.matches("stop failed · killed").count() == 3
    });
    down(&project);
}

#[test]
fn following_the_status_tells_only_what_differs() {
    let project = Project::new("[services]\napi = { run = \"exec sleep 1000\", watch = [\"*.rs\"] }\n");
    project.write("a.rs", "one");
    detach(&project);
    // What it prints is written into the project, where no rule matches it.
    let follow = format!("exec {} status -f --json > status.txt", env!("CARGO_BIN_EXE_devgroup"));
    let _follows = Stream::start_program(&project, "sh", &["-c", &follow]);
    wait_for("it is followed", || project.lines("status.txt") > 0);
    for _ in 0..3 {
        assert_eq!(Stream::ask(&project, &["restart", "api", "--wait"]).code, Some(0));
    }
    assert_eq!(Stream::ask(&project, &["stop", "api"]).code, Some(0));
    wait_for("the last is told", || {
        project.read("status.txt").lines().last().is_some_and(|line| line.contains("stopped"))
    });
    let states: Vec<Value> = project
        .read("status.txt")
        .lines()
        .map(|line| {
            let mut status: Value = serde_json::from_str(line).unwrap();
            status["services"][0]["uptime_ms"] = Value::Null;
            status
        })
        .collect();
    for pair in states.windows(2) {
        assert_ne!(pair[0], pair[1], "told twice");
    }
    down(&project);
}

#[test]
fn a_clean_end_leaves_nothing_beside_the_socket() {
    let project = Project::new("[services]\napi = { run = \"exec sleep 1000\", watch = [\"src/**\"] }\n");
    project.write("src/a.rs", "one");
    let started = Stream::ask(&project, &["-d", "--paused"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    let held = || Stream::ask(&project, &["status", "--json"]).stdout;
    // Written again and again: before the watch is there, a change is not one.
    let mut round = 0;
    wait_for("a change is held", || {
        round += 1;
        project.write("src/a.rs", round.to_string());
        !held().contains(r#""held":0,"holds""#)
    });
    assert_eq!(Stream::ask(&project, &["resume"]).code, Some(0));
    wait_for("it is applied", || held().contains(r#""change":1"#));
    down(&project);
    let folder = fs::read_dir(project.path("../home/run/devgroup")).unwrap();
    let left: Vec<_> = folder.map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}
