//! What became of services, as every command that waits for them tells it: one rule for all.

use std::fs;

use serde_json::Value;

use crate::harness::{Project, Stream, detach, down, wait_for};

const FAILING: &str = r#"
    name = "shop"
    [services]
    bad = { run = "exit 3", restart = "never", autostart = false }
    crash = { run = "echo c; exit 2", autostart = false }
    exits = { run = "sleep 0.1; exit 0", ready = { log = "zz" }, restart = "never", autostart = false }
    page = { run = "exec sleep 1000", depends_on = ["exits"], autostart = false }
    api = "exec sleep 1000"
    "#;

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
    let reason = "exited (exit 0) before it was ready";
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
        Stream::ask(&project, &["logs", "api"]).stdout.matches("stop command failed · killed").count() == 3
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

/// What `status` says of a service, after its name: `failed (exit 1)`.
fn status_row(project: &Project, name: &str) -> String {
    let table = Stream::ask(project, &["status"]).stdout;
    let row = table.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    row.trim().to_owned()
}

#[test]
fn why_devgroup_ended_a_run_is_said_and_not_by_which_signal() {
    let project = Project::new(
        "[services]\nslow = { run = \"exec sleep 1000\", ready = { log = \"zz\", timeout = \"200ms\" } }\n\
         gone = \"exit 3\"\n",
    );
    let start = Stream::ask(&project, &["-d"]);
    assert_eq!(start.code, Some(5));
    assert!(start.stderr.contains("fix it, then run devgroup start gone"), "{}", start.stderr);
    wait_for("it has ended", || status_row(&project, "slow").starts_with("failed (not ready in 200ms)"));
    // Neither watches a file.
    assert!(status_row(&project, "slow").ends_with("not ready in 200ms · start it with devgroup start slow"));
    assert!(status_row(&project, "gone").starts_with("failed (exit 3)"), "{}", status_row(&project, "gone"));
    assert!(status_row(&project, "gone").ends_with("start it with devgroup start gone"));
    let logs = Stream::ask(&project, &["logs"]).stdout;
    assert!(logs.contains("fix it, then run devgroup start gone") && !logs.contains("waiting for a change"), "{logs}");
    let events = Stream::ask(&project, &["events"]).stdout;
    assert!(events.contains("SIGTERM, not ready in 200ms"), "{events}");
    let status: Value = serde_json::from_str(&Stream::ask(&project, &["status", "--json"]).stdout).unwrap();
    assert_eq!(status["services"][0]["last_exit"]["fault"], "not ready in 200ms");
    down(&project);
}

#[test]
fn a_service_that_puts_itself_into_the_background_has_failed_and_is_ended() {
    let project = Project::new(
        "[services]\ndb = \"setsid sh -c 'touch up; exec sleep 999' & while ! test -e up; do sleep 0.01; done\"\n\
         page = { run = \"exec sleep 1000\", depends_on = [\"db\"] }\n",
    );
    Stream::ask(&project, &["-d"]);
    wait_for("it has failed", || status_row(&project, "db").starts_with("failed (went into the background)"));
    let (row, logs) = (status_row(&project, "db"), Stream::ask(&project, &["logs", "db"]).stdout);
    assert!(row.contains("exited, but left sleep (") && row.contains("run it in the foreground"), "{row}");
    assert!(logs.contains("killed leftover processes"), "{logs}");
    wait_for("nothing of it is left", || !project.processes().iter().any(|(_, command)| command.contains("sleep 999")));
    down(&project);
}

#[test]
fn a_save_while_a_dependency_is_down_takes_nothing_down() {
    let project = Project::new(
        "[services]\ndb = { run = \"exec sleep 1000\", ready = { delay = \"10ms\" } }\n\
         api = { run = \"echo up >> ../home/api; exec sleep 1000\", watch = [\"*.rs\"], depends_on = [\"db\"] }\n",
    );
    detach(&project);
    wait_for("api is up", || project.lines("../home/api") == 1);
    assert_eq!(Stream::ask(&project, &["stop", "db", "--wait"]).code, Some(0));
    project.write("a.rs", "1");
    wait_for("api is stale", || status_row(&project, "api").starts_with("running (stale)"));
    assert!(status_row(&project, "api").ends_with("waiting for db to be ready"), "{}", status_row(&project, "api"));
    let logs = Stream::ask(&project, &["logs", "api"]).stdout;
    assert!(logs.contains("stale · a.rs changed · waiting for db to be ready · db stopped"), "{logs}");
    assert_eq!(project.lines("../home/api"), 1);
    assert_eq!(Stream::ask(&project, &["start", "db", "--wait"]).code, Some(0));
    wait_for("api runs with the new content", || project.lines("../home/api") == 2);
    down(&project);
}

#[test]
fn a_readiness_check_that_is_added_holds_from_the_next_start_and_the_log_says_so() {
    let text = |ready: &str| format!("[services.api]\nrun = \"echo up >> ../home/api; exec sleep 1000\"\n{ready}\n");
    let project = Project::new(&text(""));
    detach(&project);
    wait_for("it is up", || status_row(&project, "api").starts_with("running"));
    project.write("procgroup.toml", text("ready = { file = \"ready\" }"));
    let logs = || Stream::ask(&project, &["logs", "api"]).stdout;
    wait_for("the log says it", || logs().contains("── ready check changed · applies from the next start · "));
    assert!(status_row(&project, "api").starts_with("running"), "{}", status_row(&project, "api"));
    assert_eq!(project.lines("../home/api"), 1);
    assert_eq!(Stream::ask(&project, &["restart", "api"]).code, Some(0));
    wait_for("it is asked", || status_row(&project, "api").starts_with("starting"));
    // What is written before the process began is not of this run.
    wait_for("its process has begun", || project.lines("../home/api") == 2);
    project.write("ready", "");
    wait_for("it is ready", || status_row(&project, "api").starts_with("ready"));
    down(&project);
}

#[test]
fn why_a_start_failed_is_said_by_the_status() {
    let project =
        Project::new("[services.api]\nrun = ['./gone']\n[services.web]\nrun = 'exec sleep 1000'\ndir = 'sub'\n");
    project.write("sub/a", "");
    fs::remove_file(project.path("sub/a")).unwrap();
    fs::remove_dir(project.path("sub")).unwrap();
    let text = Stream::ask(&project, &["-d"]);
    assert_eq!(text.code, Some(3), "a folder that is missing is a mistake of the file: {}", text.stderr);
    fs::create_dir(project.path("sub")).unwrap();
    assert_eq!(Stream::ask(&project, &["-d"]).code, Some(5));
    wait_for("it has failed", || status_row(&project, "api").starts_with("failed"));
    let row = status_row(&project, "api");
    assert!(row.ends_with("program not found: ./gone · start it with devgroup start api"), "{row}");
    assert_eq!(Stream::ask(&project, &["stop", "web", "--wait"]).code, Some(0));
    fs::remove_dir(project.path("sub")).unwrap();
    assert_eq!(Stream::ask(&project, &["start", "web", "--wait"]).code, Some(5));
    let row = status_row(&project, "web");
    assert!(row.contains("sub: no such file or directory"), "{row}");
    down(&project);
}

#[test]
fn what_makes_a_change_wait_is_named_with_the_line_that_ends_it() {
    let project =
        Project::new("[services.gen]\nrun = \"date +%N >> gen.txt; exec sleep 1000\"\nwatch = [\"gen.txt\"]\n");
    project.write("gen.txt", "");
    detach(&project);
    let line = "gen.txt changed right after each of the last ";
    wait_for("the change waits", || status_row(&project, "gen").contains(line));
    let status = Stream::ask(&project, &["status", "--json"]).stdout;
    let status: Value = serde_json::from_str(&status).unwrap();
    let reason = status["services"][0]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains(line) && reason.ends_with("ignore = [\"gen.txt\"]"), "{reason}");
    down(&project);
}
