//! Tasks that end badly, late, or not at all.

use std::fs;
use std::time::Duration;

use super::{
    claimed, drop_task, drop_text, drop_with, json, letter, log, names, path, project, result, wait_for_result,
};
use crate::harness::{Stream, detach, down, wait_for};

/// Nanoseconds that a script has written, a line each.
fn times(project: &crate::harness::Project, file: &str) -> Vec<Duration> {
    project.read(file).lines().map(|line| Duration::from_nanos(line.parse().unwrap())).collect()
}

#[test]
fn a_task_that_fails_is_tried_again_after_one_two_and_four_seconds_and_then_dead() {
    let project = project("'''date +%s%N >> ../times; echo no >&2; exit 7'''", "");
    drop_text(&project, "bad", r#"{"worker":"marie","task_id":"bad","description":"x","other":1.50}"#);
    detach(&project);
    wait_for("it is dead", || !letter(&project, "bad").is_null());
    let times = times(&project, "../times");
    assert_eq!(times.len(), 4);
    for (pair, wait) in times.windows(2).zip([1, 2, 4]) {
        let waited = pair[1] - pair[0];
        assert!(waited >= Duration::from_secs(wait), "{waited:?} instead of {wait} s");
    }
    let text = fs::read_to_string(path(&project, "dlq/marie/bad.json")).unwrap();
    let begin = r#"{"worker":"marie","task_id":"bad","description":"x","other":1.50,"dlq_reason":"max_retries_exceeded","dlq_timestamp":"#;
    assert!(text.starts_with(begin), "{text}");
    let letter = letter(&project, "bad");
    assert_eq!((&letter["retry_count"], &letter["last_exit_code"]), (&3.into(), &7.into()));
    let result = wait_for_result(&project, "bad");
    assert_eq!((&result["status"], &result["exit_code"]), (&"failed".into(), &7.into()));
    assert_eq!((&result["stderr"], &result["retry_count"]), (&"no\n".into(), &3.into()));
    let shown = log(&project);
    assert!(shown.contains("── bad · try 2 of 4 · after exit 7 ──"), "{shown}");
    down(&project);
}

#[test]
fn at_its_timeout_a_try_is_asked_to_end_and_then_killed_with_its_children() {
    let run = "'''trap \"\" TERM; (trap \"\" TERM; setsid sleep 1001) & echo up; sleep 1002; sleep 1003'''";
    let project = project(run, "timeout = \"300ms\"\nretries = 0\nstop = { grace = \"300ms\" }");
    drop_task(&project, "slow", "x");
    detach(&project);
    let result = wait_for_result(&project, "slow");
    assert_eq!((&result["status"], &result["exit_code"]), (&"timeout".into(), &124.into()));
    assert_eq!(result["stdout"], "up\n");
    let sleeps = project.processes().into_iter().filter(|(_, command)| command.starts_with("sleep 100")).count();
    assert_eq!(sleeps, 0, "{:?}", project.processes());
    let shown = log(&project);
    assert!(shown.contains("slow · timeout after 300ms"), "{shown}");
    assert!(shown.contains("slow · killed · SIGKILL after 300ms grace"), "{shown}");
    down(&project);
}

#[test]
fn a_task_can_have_a_timeout_of_its_own_and_one_that_handles_the_signal_ends_by_itself() {
    let run = "'''trap \"echo asked; exit 0\" TERM; while :; do sleep 0.02; done'''";
    let project = project(run, "timeout = \"1h\"\nretries = 0");
    drop_with(&project, "own", &serde_json::json!({ "task_id": "own", "description": "x", "timeout": 0.2 }));
    detach(&project);
    let result = wait_for_result(&project, "own");
    assert_eq!((&result["status"], &result["stdout"]), (&"timeout".into(), &"asked\n".into()), "{result}");
    down(&project);
}

#[test]
fn the_breaker_opens_after_five_lets_one_through_and_closes() {
    let run = "'''date +%s%N >> ../times; [ \"$TASK_DESCRIPTION\" = good ]'''";
    let keys = "concurrency = 1\nretries = 0\nheartbeat = \"100ms\"\nbreaker = { failures = 5, cooldown = \"2s\" }";
    let project = project(run, keys);
    for number in 1..=5 {
        drop_task(&project, &format!("bad-{number}"), "bad");
    }
    detach(&project);
    let beat = |key: &str| json(&path(&project, "heartbeats/marie.json"))[key].clone();
    wait_for("the breaker is open", || beat("circuit_breaker_state") == "open");
    drop_task(&project, "good-1", "good");
    drop_task(&project, "good-2", "good");
    wait_for_result(&project, "good-2");
    let times = times(&project, "../times");
    assert_eq!(times.len(), 7);
    assert!(times[5] - times[4] >= Duration::from_secs(2), "nothing is claimed while it is open: {times:?}");
    wait_for("it is closed", || beat("circuit_breaker_state") == "closed");
    let shown = log(&project);
    for marker in ["breaker open · 5 failed tries in a row", "breaker half open", "breaker closed"] {
        assert!(shown.contains(marker), "{marker}: {shown}");
    }
    down(&project);
}

#[test]
fn a_stop_gives_running_tasks_back_and_does_not_count_them() {
    let run = "'''echo \"$TASK_TRY\" >> ../tries; [ -e ../go ] || sleep 1001'''";
    let project = project(run, "stop = { grace = \"5s\" }");
    drop_task(&project, "long", "x");
    let before = fs::read(path(&project, "tasks/marie/long.json")).unwrap();
    detach(&project);
    wait_for("it runs", || project.lines("../tries") == 1);
    assert_eq!(claimed(&project), ["long"]);
    let stopped = Stream::ask(&project, &["stop", "marie", "--wait"]);
    assert_eq!(stopped.code, Some(0), "{}{}", stopped.stdout, stopped.stderr);
    assert_eq!(fs::read(path(&project, "tasks/marie/long.json")).unwrap(), before);
    assert!(claimed(&project).is_empty() && result(&project, "long").is_null());
    assert!(project.processes().iter().all(|(_, command)| !command.starts_with("sleep")));
    project.write("../go", "");
    assert_eq!(Stream::ask(&project, &["start", "marie", "--wait"]).code, Some(0));
    let result = wait_for_result(&project, "long");
    assert_eq!((&result["status"], &result["retry_count"]), (&"completed".into(), &0.into()));
    assert_eq!(project.read("../tries"), "1\n1\n");
    // The end of the group does the same.
    fs::remove_file(project.path("../go")).unwrap();
    drop_task(&project, "later", "x");
    wait_for("it runs", || project.lines("../tries") == 3);
    down(&project);
    assert_eq!(names(&project, "tasks/marie"), ["later.json"]);
}

#[test]
fn what_cannot_be_started_is_tried_again_and_says_why() {
    let project = project(
        "[\"no-such-agent\", \"-p\", \"${TASK_DESCRIPTION}\"]",
        "retries = 1\nbackoff = { initial = \"10ms\" }",
    );
    drop_task(&project, "none", "x");
    detach(&project);
    let result = wait_for_result(&project, "none");
    assert_eq!((&result["status"], &result["exit_code"]), (&"failed".into(), &127.into()));
    let shown = log(&project);
    assert!(shown.contains("no-such-agent"), "{shown}");
    down(&project);
}
