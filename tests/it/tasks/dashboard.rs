//! The table of tasks in the dashboard, with a group that runs.

use std::fs;

use super::{claimed, drop_task, log, names, path, project, result, wait_for_result};
use crate::harness::{Dash, Stream, is_linux, key, quit, wait_for};

/// Whether the line of a task has this in it.
fn shows(screen: &str, id: &str, text: &str) -> bool {
    screen.lines().any(|line| line.contains(&format!(" {id} ")) && line.contains(text))
}

/// Whether the row of the worker, or the line above its log, says this.
fn tells(screen: &str, text: &str) -> bool {
    screen.lines().any(|line| line.contains("marie") && line.contains(text))
}

#[test]
fn the_table_shows_tasks_and_retries_and_cancels_them() {
    let run = "'''case $TASK_DESCRIPTION in fail) [ -e mended ] || exit 3;; long) sleep 1000;; esac; echo did-it'''";
    let project = project(run, "retries = 0\nconcurrency = 1\nstop = { grace = \"1s\" }");
    for (id, description) in [("bad", "fail"), ("good", "x")] {
        drop_task(&project, id, description);
    }
    let mut dash = Dash::start(&project, (120, 30), &[]);
    wait_for_result(&project, "good");
    dash.wait_for("the row counts the dead", |screen| {
        screen.lines().any(|line| line.contains("marie") && line.contains("0/1") && line.contains("1 dead"))
    });
    dash.keys("T");
    dash.wait_for("both are there", |screen| {
        screen.contains("1 dead · 1 completed") && shows(screen, "bad", "exit 3") && shows(screen, "good", "completed")
    });
    // They come while one looks.
    drop_task(&project, "endless", "long");
    dash.wait_for("it appears by itself", |screen| shows(screen, "endless", "running"));
    drop_task(&project, "next", "x");
    dash.wait_for("and the next one", |screen| shows(screen, "next", "waiting"));

    // `/` finds a task, `x` ends it.
    dash.keys("/endless\r");
    dash.wait_for("only that one is left", |screen| {
        !shows(screen, "next", "waiting") && shows(screen, "endless", "running")
    });
    dash.keys("x");
    dash.wait_for("it is cancelled", |screen| shows(screen, "endless", "cancelled"));
    assert_eq!(result(&project, "endless")["status"], "cancelled");
    wait_for_result(&project, "next");

    // Enter shows a task, `r` tries it anew.
    project.write("mended", "");
    dash.keys(key::ESCAPE_IN_FULL);
    dash.wait_for("all are there again", |screen| shows(screen, "bad", "dead") && shows(screen, "next", "completed"));
    dash.keys("/bad\r");
    dash.wait_for("it is found", |screen| !shows(screen, "next", "completed"));
    dash.keys(key::ENTER);
    dash.wait_for("all of it", |screen| screen.contains("DEAD LETTER") && screen.contains("max_retries_exceeded"));
    dash.keys("r");
    wait_for("it is completed now", || result(&project, "bad")["status"] == "completed");
    dash.wait_for("its output is there", |screen| screen.contains("STDOUT") && screen.contains("did-it"));
    dash.keys("q");
    dash.wait_for("the table again", |screen| screen.contains("tasks /bad"));
    dash.keys(key::ESCAPE_IN_FULL);
    dash.wait_for("all of it again", |screen| shows(screen, "next", "completed"));
    dash.keys(key::ESCAPE_IN_FULL);
    dash.wait_for("its log", |screen| screen.contains("1 marie ◆ running"));
    quit(dash);
}

#[test]
fn x_and_r_on_the_row_of_a_worker_give_its_running_tasks_back_uncounted() {
    let agent = "'''echo \"$TASK_ID $TASK_TRY\" >> ../tries; [ -e ../go ] || exec sleep 1000'''";
    let project = project(agent, "concurrency = 1\nstop = { grace = \"5s\" }");
    let mut dash = Dash::start(&project, (120, 30), &[]);
    drop_task(&project, "long", "x");
    dash.wait_for("it runs", |screen| screen.contains("1/1"));
    wait_for("its try has begun", || project.lines("../tries") == 1);
    drop_task(&project, "next", "x");
    dash.wait_for("the other one waits", |screen| screen.contains("1/1") && screen.contains("1 waiting"));

    dash.keys("r");
    wait_for("it is tried again", || project.lines("../tries") == 2);
    dash.wait_for("it works again", |screen| screen.contains("restarted manually") && screen.contains("1/1"));
    assert_eq!(project.read("../tries"), "long 1\nlong 1\n", "the first try was not counted");

    dash.keys("x");
    dash.wait_for("it has stopped", |screen| {
        screen.contains("── stopped ──") && screen.contains("long · given back · it waits again")
    });
    wait_for("both wait", || names(&project, "tasks/marie") == ["long.json", "next.json"]);
    assert_eq!((claimed(&project), project.lines("../tries")), (Vec::new(), 2));
    dash.wait_for("its row says what waits", |screen| tells(screen, "stopped · 2 waiting"));
    drop_task(&project, "third", "x");
    dash.wait_for("and what comes meanwhile", |screen| tells(screen, "stopped · 3 waiting"));
    let said = log(&project);
    assert!(!said.contains("exit 0") && !said.contains("signal"), "a worker has no exit code: {said}");

    project.write("../go", "");
    dash.keys("s");
    for id in ["long", "next", "third"] {
        assert_eq!(wait_for_result(&project, id)["retry_count"], 0, "{id}");
    }
    assert_eq!(project.read("../tries"), "long 1\nlong 1\nlong 1\nnext 1\nthird 1\n");
    quit(dash);
}

#[test]
fn a_worker_that_was_never_started_tells_what_waits_and_what_is_dead() {
    let project = project("'''true'''", "autostart = false");
    drop_task(&project, "first", "x");
    fs::create_dir_all(path(&project, "dlq/marie")).unwrap();
    fs::write(path(&project, "dlq/marie/old.json"), r#"{"task_id":"old","dlq_reason":"invalid_field"}"#).unwrap();
    let mut dash = Dash::start(&project, (120, 30), &[]);
    dash.wait_for("what lies there is counted", |screen| tells(screen, "stopped · 1 waiting · 1 dead"));
    drop_task(&project, "second", "x");
    dash.wait_for("and what comes", |screen| tells(screen, "stopped · 2 waiting · 1 dead"));
    assert_eq!(Stream::ask(&project, &["task", "drop", "old"]).code, Some(0));
    dash.wait_for("and what goes", |screen| tells(screen, "stopped · 2 waiting") && !tells(screen, "dead"));
    let status = Stream::ask(&project, &["status"]).stdout;
    assert!(status.contains("stopped (2 waiting)"), "{status}");

    // `r` starts what does not run; `x` lets nothing wait.
    dash.keys("r");
    for id in ["first", "second"] {
        assert_eq!(wait_for_result(&project, id)["status"], "completed", "{id}");
    }
    dash.wait_for("it works", |screen| tells(screen, "running · 0/3"));
    dash.keys("x");
    dash.wait_for("nothing waits", |screen| tells(screen, "stopped") && !tells(screen, "waiting"));
    quit(dash);
}

#[test]
fn what_the_tries_of_a_worker_use_is_its_usage() {
    if !is_linux() {
        return println!("skipped: needs Linux");
    }
    let project = project("'''while :; do :; done'''", "concurrency = 2");
    let mut dash = Dash::start(&project, (120, 30), &[]);
    let usage = || {
        let asked = Stream::ask(&project, &["status", "--usage", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&asked.stdout).unwrap();
        status["services"][0]["usage"].clone()
    };
    wait_for("it works", || names(&project, "heartbeats") == ["marie.json"]);
    assert_eq!((usage()["cpu_percent"].as_f64(), usage()["memory_bytes"].as_u64()), (Some(0.0), Some(0)));
    drop_task(&project, "one", "x");
    wait_for("it runs", || claimed(&project) == ["one"]);
    wait_for("it is measured", || usage()["cpu_percent"].as_f64() > Some(2.0));
    let one = usage()["memory_bytes"].as_u64().unwrap();
    assert!(one > 100 << 10, "{one}");
    drop_task(&project, "two", "x");
    wait_for("both are measured", || usage()["memory_bytes"].as_u64() > Some(one + one / 2));
    dash.keys("u");
    dash.wait_for("the sidebar has it", |screen| {
        screen.lines().any(|line| line.contains("marie") && line.contains("%    ") && line.contains("M │"))
    });
    dash.keys("x");
    dash.wait_for("one that has stopped uses nothing", |screen| {
        screen.contains("── stopped ──") && !screen.lines().any(|line| line.contains("marie") && line.contains('%'))
    });
    quit(dash);
}
