//! Jobs that run at times, with the real clock.

use std::fs;

use serde_json::Value;

use crate::harness::{Dash, Project, Stream, detach, down, has, wait_for};

/// A job that says in a file that it has run.
fn job(name: &str, keys: &str) -> String {
    format!("[services.{name}]\nrun = \"echo run >> ../home/{name}\"\nkind = \"job\"\n{keys}\n")
}

fn runs(project: &Project, name: &str) -> usize {
    project.lines(&format!("../home/{name}"))
}

fn status(project: &Project, at: usize) -> Value {
    let status = Stream::ask(project, &["status", "--json"]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    status["services"][at].clone()
}

fn ask(project: &Project, arguments: &[&str]) {
    let answer = Stream::ask(project, arguments);
    assert_eq!(answer.code, Some(0), "{arguments:?}: {}", answer.stderr);
}

#[test]
fn a_job_runs_again_and_again_until_it_is_suspended() {
    let project = Project::new(&job("sync", "schedule = \"every 1s\""));
    detach(&project);
    wait_for("three runs", || runs(&project, "sync") >= 3);
    let logs = Stream::ask(&project, &["logs", "sync"]).stdout;
    assert!(logs.contains("restarted · on schedule"), "{logs}");
    ask(&project, &["stop", "sync", "--wait"]);
    let (sync, before) = (status(&project, 0), runs(&project, "sync"));
    assert_eq!((&sync["state"], &sync["next_run_at"]), (&"suspended".into(), &Value::Null));
    let started = Stream::ask(&project, &["start", "sync", "--wait"]);
    assert!(started.stdout.starts_with("sync: scheduled (next run "), "{}", started.stdout);
    assert_eq!(runs(&project, "sync"), before, "its times are resumed, and nothing is run");
    wait_for("it goes on", || runs(&project, "sync") > before);
    assert_eq!(status(&project, 0)["restarts"]["manual"], 0);
    down(&project);
}

#[test]
fn a_start_waits_for_no_scheduled_run_and_a_wait_says_the_word_of_status() {
    let runs = job("sync", "schedule = \"every 1h\"\nrun_on_start = true");
    let project =
        Project::new(&runs.replace("../home/sync", "../home/sync; until [ -e ../home/go ]; do sleep 0.02; done"));
    detach(&project);
    wait_for("it runs", || status(&project, 0)["state"] == "running");
    let started = Stream::ask(&project, &["start", "sync"]);
    assert_eq!(started.stdout, "sync: already running\n");
    project.write("../home/go", "");
    wait_for("it waits for its time", || status(&project, 0)["state"] == "scheduled");
    assert_eq!(Stream::ask(&project, &["wait", "sync"]).stdout, "sync: scheduled\n");
    down(&project);
}

#[test]
fn a_job_that_waits_for_its_time_can_be_run_now_and_its_failure_is_seen() {
    let keys = "schedule = \"0 0 1 1 *\"";
    let failing = job("tidy", keys).replace("../home/tidy", "../home/tidy; [ ! -e broken ]");
    let project = Project::new(&failing).with_env("TZ", "CET-1");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    let shows = |screen: &str, text: &str| screen.lines().any(|line| line.contains("tidy") && line.contains(text));
    dash.wait_for("it is scheduled", |screen| shows(screen, "scheduled") && screen.contains("next run"));
    let tidy = status(&project, 0);
    let next = tidy["next_run_at"].as_str().unwrap();
    assert!(next.ends_with("-12-31T23:00:00.000Z"), "midnight in the local time zone: {next}");
    assert_eq!((&tidy["state"], runs(&project, "tidy")), (&"scheduled".into(), 0));
    let table = Stream::ask(&project, &["status"]).stdout;
    assert!(table.contains("scheduled (next run "), "{table}");
    dash.wait_for("the footer says what r does", |screen| screen.contains("r run now"));
    assert_eq!(Stream::ask(&project, &["stop", "tidy"]).stdout, "tidy: suspended\n");
    dash.wait_for("the footer says what s does", |screen| screen.contains("s resume"));
    let started = Stream::ask(&project, &["start", "tidy"]).stdout;
    assert!(started.starts_with("tidy: scheduled (next run "), "{started}");
    ask(&project, &["restart", "tidy", "--wait"]);
    assert_eq!(runs(&project, "tidy"), 1);
    project.write("broken", "");
    let answer = Stream::ask(&project, &["restart", "tidy", "--wait"]);
    assert_eq!((answer.code, runs(&project, "tidy")), (Some(5), 2), "{}", answer.stdout);
    dash.wait_for("the failure is seen", |screen| shows(screen, "✗ tidy") || shows(screen, "scheduled · exit 1"));
    let tidy = status(&project, 0);
    let reason = "the last run failed: exit 1".into();
    assert_eq!((&tidy["state"], &tidy["reason"]), (&"scheduled".into(), &reason));
    fs::remove_file(project.path("broken")).unwrap();
    dash.keys("r");
    dash.wait_while_reading("it runs once more", |project| runs(project, "tidy") == 3);
    dash.wait_for("all is well", |screen| !shows(screen, "exit 1"));
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

#[test]
fn a_saved_file_runs_nothing_and_a_pause_counts_from_the_end() {
    let slow = "[services.slow]\nrun = \"echo up; until [ -e go ]; do sleep 0.05; done\"\nkind = \"job\"\nschedule = \"every 1s\"\nrun_on_start = true\n";
    let project = Project::new(&format!("{slow}{}", job("tidy", "schedule = \"@yearly\"")));
    let mut group = Stream::start(&project, &["--no-tui"]);
    group.wait_for_text("up");
    project
        .write("procgroup.toml", format!("{slow}{}", job("tidy", "schedule = \"30 12 * * *\"\nenv = { A = \"1\" }")));
    wait_for("the file is in force", || {
        status(&project, 1)["next_run_at"].as_str().is_some_and(|next| next.contains("T12:30:00"))
    });
    assert_eq!(
        (status(&project, 1)["run"].clone(), status(&project, 0)["state"].clone()),
        (0.into(), "running".into())
    );
    project.write("go", "");
    group.wait_for("it runs again after its end", |out| out.matches("up\n").count() > 1);
    down(&project);
    assert_eq!(group.wait_exit().code, Some(0));
}

#[test]
fn an_unknown_time_zone_is_answered_with_near_names() {
    if !has("the time zone database (tzdata)", fs::exists("/usr/share/zoneinfo/Europe/Berlin").unwrap()) {
        return;
    }
    let project = Project::empty();
    let said = |zone: &str| {
        let keys = format!("schedule = \"0 2 * * *\"\ntimezone = \"{zone}\"");
        project.write("procgroup.toml", job("tidy", &keys));
        Stream::ask(&project, &["check"])
    };
    assert_eq!(said("Europe/Berlin").code, Some(0));
    for (zone, part) in [
        ("Europe/Berlim", "did you mean `Europe/Berlin`"),
        ("berlin", "did you mean `Europe/Berlin`?"),
        ("New York", "did you mean `America/New_York`?"),
        ("local", "the local one is the default"),
        ("../../../etc/passwd", "unknown time zone"),
        ("Middle-earth/Bree", "not in the time zone database"),
    ] {
        let answer = said(zone);
        assert!(answer.stderr.contains(part) || answer.stdout.contains(part), "{zone}: {answer:?}");
        assert_eq!(answer.code, Some(3), "{zone}");
    }
}
