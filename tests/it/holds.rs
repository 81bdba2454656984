//! `devgroup hold`, `pause` and `resume`: who holds what back, for how long, and with which code it ends.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Dash, Project, Stream, wait_for};

const SHOP: &str = r#"
    name = "shop"
    [services]
    api = { run = "echo api up; exec sleep 1000", watch = ["src/**"] }
    web = { run = "echo web up; exec sleep 1000", watch = ["src/**"] }
    "#;

/// A running group that watches.
fn shop(project: &Project) -> Stream<'_> {
    project.write("src/a.rs", "one");
    project.write("src/b.rs", "one");
    let mut group = Stream::start(project, &[]);
    group.wait_for("both are up", |out| out.contains("api up") && out.contains("web up"));
    wait_for("it watches", || status(project)["watch"]["state"] == "watching");
    group
}

fn end(project: &Project, group: Stream<'_>) {
    assert_eq!(Stream::ask(project, &["down"]).code, Some(0));
    group.wait_exit();
}

fn status(project: &Project) -> Value {
    let asked = Stream::ask(project, &["status", "--json"]);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    serde_json::from_str(&asked.stdout).unwrap()
}

fn holds(project: &Project) -> Vec<String> {
    let status = status(project);
    let holds = status["watch"]["holds"].as_array().unwrap().iter();
    holds.map(|hold| format!("{} {}", hold["by"].as_str().unwrap(), hold["label"].as_str().unwrap())).collect()
}

fn restarts(project: &Project) -> [u64; 2] {
    let status = status(project);
    [0, 1].map(|place| status["services"][place]["restarts"]["change"].as_u64().unwrap())
}

/// A command of `hold` that tells that it runs, and ends when it is told.
const WAITS: &str = "echo runs; while [ ! -e ../home/go ]; do sleep 0.01; done; exit 3";

#[test]
fn changes_are_held_while_the_command_runs_and_applied_once() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let mut hold = Stream::start(&project, &["hold", "--", "sh", "-c", WAITS]);
    hold.wait_for_text("runs\n");
    let before = status(&project);
    assert_eq!((&before["watch"]["state"], &before["watch"]["holds"][0]["by"]), (&"held".into(), &"command".into()));
    assert!(before["watch"]["holds"][0]["since"].as_str().unwrap().ends_with('Z'), "{before}");
    assert!(Stream::ask(&project, &["status"]).stdout.contains("held by `devgroup hold -- sh -c 'echo runs; "));
    project.write("src/a.rs", "two");
    project.write("src/b.rs", "two");
    wait_for("both are held", || status(&project)["watch"]["held"] == 2);
    assert_eq!(restarts(&project), [0, 0]);
    project.write("../home/go", "");
    let ended = hold.wait_client();
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(3), "runs\n", ""));
    assert!(holds(&project).is_empty(), "it has ended before the command has");
    wait_for("each has restarted once", || restarts(&project) == [1, 1]);
    end(&project, group);
}

#[test]
fn a_hold_ends_with_its_process_however_that_ends() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let mut hold = Stream::start(&project, &["hold", "--discard", "--", "sh", "-c", WAITS]);
    hold.wait_for_text("runs\n");
    project.write("src/a.rs", "two");
    wait_for("it is held", || status(&project)["watch"]["held"] == 1);
    hold.signal(Signal::KILL);
    wait_for("nobody said that it is to be forgotten", || restarts(&project) == [1, 1]);
    assert!(holds(&project).is_empty());
    project.write("../home/go", "");
    hold.wait_client();
    end(&project, group);
}

#[test]
fn what_the_command_has_changed_can_be_forgotten() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let hold = Stream::ask(&project, &["hold", "--discard", "sh", "-c", "echo two > src/a.rs"]);
    assert_eq!((hold.code, hold.stdout.as_str(), hold.stderr.as_str()), (Some(0), "", ""));
    project.write("src/b.rs", "two");
    wait_for("the save after it is acted on", || restarts(&project) == [1, 1]);
    let events = Stream::ask(&project, &["events"]).stdout;
    assert!(events.contains("api · src/b.rs changed\n"), "alone: {events}");
    assert!(!events.contains(" · src/a.rs changed\n"), "{events}");
    end(&project, group);
}

#[test]
fn a_hold_of_one_service_keeps_only_its_changes() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let mut hold = Stream::start(&project, &["hold", "--service", "web", "--", "sh", "-c", WAITS]);
    hold.wait_for_text("runs\n");
    assert_eq!(status(&project)["watch"]["holds"][0]["services"], Value::from(vec!["web"]));
    project.write("src/a.rs", "two");
    wait_for("the other one restarts", || restarts(&project) == [1, 0]);
    assert_eq!(status(&project)["services"][1]["held"], 1);
    project.write("../home/go", "");
    hold.wait_client();
    wait_for("then this one", || restarts(&project) == [1, 1]);
    end(&project, group);
}

#[test]
fn codes_say_what_became_of_the_command() {
    let project = Project::new(SHOP);
    let codes = |running: bool| {
        let hold = |command: &[&str]| Stream::ask(&project, &[&["hold", "--"], command].concat());
        assert_eq!(hold(&["sh", "-c", "exit 7"]).code, Some(7));
        assert_eq!(hold(&["sh", "-c", "kill -KILL $$"]).code, Some(137));
        let missing = hold(&["no-such-command"]);
        assert_eq!((missing.code, missing.stdout.as_str()), (Some(127), ""));
        assert_eq!(missing.stderr, "error: no-such-command: command not found\n");
        std::fs::write(project.path("../home/plain"), "").unwrap();
        std::fs::set_permissions(project.path("../home/plain"), PermissionsExt::from_mode(0o644)).unwrap();
        let plain = hold(&["../home/plain"]);
        assert_eq!(plain.code, Some(126));
        assert!(plain.stderr.contains("../home/plain: cannot execute: "), "{}", plain.stderr);
        let own = hold(&["sh", "-c", "echo ${DEVGROUP_SOCKET:-none}"]);
        assert_eq!(Path::new(own.stdout.trim()).exists(), running, "{}", own.stdout);
        let lines = hold(&["echo", "-n", "--json", "a"]);
        assert_eq!((lines.stdout.as_str(), lines.stderr.as_str()), ("--json a", ""), "only what the command says");
    };
    codes(false);
    let group = shop(&project);
    codes(true);
    let unknown = Stream::ask(&project, &["hold", "--service", "wep", "--", "touch", "../home/ran"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(125), ""));
    assert!(unknown.stderr.contains("unknown service `wep`") && unknown.stderr.contains("did you mean `web`?"));
    assert!(!project.path("../home/ran").exists(), "without the hold it is not run");
    assert_eq!(Stream::ask(&project, &["hold"]).code, Some(2));
    end(&project, group);
}

#[test]
fn signals_are_passed_on_to_the_command() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let command = "trap 'echo told; exit 9' TERM; echo runs; while true; do sleep 0.01; done";
    let mut hold = Stream::start(&project, &["hold", "sh", "-c", command]);
    hold.wait_for_text("runs\n");
    hold.signal(Signal::TERM);
    let ended = hold.wait_client();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(9), "runs\ntold\n"));
    assert!(holds(&project).is_empty());
    let mut hold = Stream::start(&project, &["hold", "sh", "-c", "echo runs; exec sleep 1000"]);
    hold.wait_for_text("runs\n");
    hold.signal(Signal::INT);
    assert_eq!(hold.wait_client().code, Some(130));
    end(&project, group);
}

#[test]
fn a_command_outlives_the_group_that_held_for_it() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let mut hold = Stream::start(&project, &["hold", "--", "sh", "-c", WAITS]);
    hold.wait_for_text("runs\n");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_client();
    project.write("../home/go", "");
    let ended = hold.wait_client();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(3), ""));
}

#[test]
fn a_pause_can_be_of_some_services_and_lasts() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let ask = |arguments: &[&str]| assert_eq!(Stream::ask(&project, arguments).code, Some(0), "{arguments:?}");
    ask(&["pause", "web"]);
    assert_eq!(holds(&project), ["client pause"]);
    project.write("src/a.rs", "two");
    wait_for("the other one restarts", || restarts(&project) == [1, 0]);
    assert_eq!(status(&project)["watch"]["state"], "paused");
    assert!(Stream::ask(&project, &["status"]).stdout.contains("paused by `devgroup pause` (web) · 1 change held"));
    ask(&["resume", "web"]);
    wait_for("then this one", || restarts(&project) == [1, 1]);
    ask(&["pause"]);
    let mut hold = Stream::start(&project, &["hold", "--", "sh", "-c", WAITS]);
    hold.wait_for_text("runs\n");
    let resumed = Stream::ask(&project, &["resume", "--discard"]);
    assert!(resumed.stderr.starts_with("still paused by `devgroup hold -- sh -c 'echo runs; "), "{}", resumed.stderr);
    project.write("../home/go", "");
    hold.wait_client();
    for command in ["pause", "resume"] {
        assert_eq!(Stream::ask(&project, &[command, "wep"]).code, Some(6), "{command}");
    }
    end(&project, group);
}

#[test]
fn the_screen_names_who_holds_and_the_key_ends_a_pause() {
    let project = Project::new(SHOP);
    project.write("src/a.rs", "one");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("watching 2 services");
    let mut hold = Stream::start(&project, &["hold", "--service", "api", "--", "sh", "-c", WAITS]);
    hold.wait_for_text("runs\n");
    dash.wait_for_text("HELD by hold: sh -c 'echo runs; while [ ! -e");
    project.write("../home/go", "");
    hold.wait_client();
    dash.wait_for("the banner is gone", |screen| !screen.contains("HELD"));
    assert_eq!(Stream::ask(&project, &["pause", "api"]).code, Some(0));
    dash.wait_for_text("PAUSED api");
    dash.keys("p");
    dash.wait_for("the banner is gone", |screen| !screen.contains("PAUSED"));
    assert!(holds(&project).is_empty());
    dash.keys("q");
    dash.wait_exit();
}

#[test]
fn the_file_is_held_while_all_is_paused_and_applied_once() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let runs = || [0, 1].map(|place| status(&project)["services"][place]["run"].as_u64().unwrap());
    assert_eq!(Stream::ask(&project, &["pause"]).code, Some(0));
    for command in ["echo api first", "echo api second"] {
        project.write("procgroup.toml", SHOP.replace("echo api up", command));
        wait_for("the file is held", || status(&project)["watch"]["file_held"] == true);
    }
    project.write("src/a.rs", "two");
    wait_for("a change is held as well", || status(&project)["watch"]["held"] == 1);
    let said = Stream::ask(&project, &["status"]).stdout;
    assert!(said.contains("· procgroup.toml and 1 change held\n"), "{said}");
    assert_eq!(runs(), [1, 1]);
    // An order acts, with what is in force.
    assert_eq!(Stream::ask(&project, &["restart", "web", "--wait"]).code, Some(0));
    assert_eq!(runs(), [1, 2]);
    assert_eq!(Stream::ask(&project, &["resume"]).code, Some(0));
    wait_for("the file is in force", || {
        Stream::ask(&project, &["logs", "api"]).stdout.contains("api second") && runs()[0] == 2
    });
    assert_eq!((status(&project)["watch"]["file_held"].clone(), runs()[0]), (false.into(), 2));
    end(&project, group);
}
