//! One group with a server: what producers see is what they see without one.

use std::fs;

use serde_json::json;

use super::{Server, end, is_done, project, result_path, start};
use crate::harness::{Stream, wait_for};
use crate::tasks::{drop_task, drop_with, json, letter, log, names, path, result, wait_for_result};

#[test]
fn what_is_dropped_comes_back_as_files() {
    let Some(server) = Server::start() else { return };
    let project = project(&server, "\"cat; echo $TASK_TRY; echo oops >&2; test -s $TASK_FILE\"", "");
    let group = start(&project);
    drop_task(&project, "test.001", "write a test");
    let result = wait_for_result(&project, "test.001");
    assert_eq!((&result["status"], &result["exit_code"]), (&json!("completed"), &json!(0)));
    let stdout = result["stdout"].as_str().unwrap();
    assert!(stdout.contains("\"write a test\"") && stdout.ends_with("1\n"), "{stdout}");
    assert_eq!(result["stderr"], "oops\n");
    wait_for("it is over", || is_done(&project));
    let ended = json(&path(&project, "triggers/orchestrator/marie.test.001.json"));
    assert_eq!(ended["event"], "completed");
    assert_eq!(ended["result_file"], result_path(&project, "test.001").display().to_string());
    assert_eq!(json(&path(&project, "triggers/marie/test.001.json"))["event"], "received");
    wait_for("the heartbeat counts it", || {
        json(&path(&project, "heartbeats/marie.json"))["stats"]["tasks_processed"] == 1
    });
    wait_for("the server has nothing more to do", || {
        server.messages("TASKS") == Some(0) && server.messages("TASK_TRIGGERS") == Some(0)
    });
    assert_eq!(server.messages("KV_TASK_RESULTS"), Some(1));
    let log = log(&project);
    assert_eq!(log.matches("test.001 · completed").count(), 1, "{log}");
    assert_eq!(log.matches("test.001 · try 1 of 4").count(), 1, "{log}");
    assert_eq!(names(&project, "tasks/marie/.work"), ["origin.json", "owner.json", "requests"]);
    end(group);
    assert_eq!(json(&path(&project, "heartbeats/marie.json"))["status"], "stopped");
}

#[test]
fn critical_tasks_come_first_and_low_ones_last() {
    let Some(server) = Server::start() else { return };
    let run =
        "'''[ \"$TASK_ID\" != first ] || while [ ! -e ../go ]; do sleep 0.02; done; echo \"$TASK_ID\" >> ../order'''";
    let project = project(&server, run, "concurrency = 1");
    let group = start(&project);
    drop_task(&project, "first", "x");
    wait_for("the first one runs", || path(&project, "triggers/marie/first.json").exists());
    for priority in ["low", "normal", "critical", "high"] {
        drop_with(&project, priority, &json!({ "task_id": priority, "description": "x", "priority": priority }));
    }
    wait_for("all are published", || server.messages("TASKS") == Some(5));
    fs::write(project.path("../go"), "").unwrap();
    wait_for("all are over", || is_done(&project));
    assert_eq!(project.read("../order"), "first\ncritical\nhigh\nnormal\nlow\n");
    end(group);
}

#[test]
fn what_fails_is_tried_again_after_a_wait() {
    let Some(server) = Server::start() else { return };
    let run = "'''date +%s%3N >> ../tries; [ \"$(wc -l < ../tries)\" -ge 3 ]'''";
    let project = project(&server, run, "backoff = { initial = \"300ms\" }");
    let group = start(&project);
    drop_task(&project, "t", "x");
    let result = wait_for_result(&project, "t");
    assert_eq!((&result["status"], &result["retry_count"]), (&json!("completed"), &json!(2)));
    let tries: Vec<u64> = project.read("../tries").lines().map(|line| line.parse().unwrap()).collect();
    assert!(tries[1] - tries[0] >= 300 && tries[2] - tries[1] >= 600, "{tries:?}");
    let log = log(&project);
    assert!(log.contains("t · exit 1 · next try in 300ms") && log.contains("t · try 3 of 4 · after exit 1"), "{log}");
    end(group);
}

#[test]
fn a_dead_task_is_buried_and_can_be_retried_and_dropped() {
    let Some(server) = Server::start() else { return };
    let project = project(&server, "\"[ -e ../good ] || exit 3\"", "retries = 1\nbackoff = { initial = \"10ms\" }");
    let group = start(&project);
    drop_with(&project, "t", &json!({ "task_id": "t", "description": "x", "more": [1] }));
    wait_for("it is dead", || path(&project, "triggers/orchestrator/marie.t.json").exists() && is_done(&project));
    let letter = letter(&project, "t");
    assert_eq!((&letter["dlq_reason"], &letter["more"]), (&json!("max_retries_exceeded"), &json!([1])));
    assert_eq!(
        (&letter["retry_count"], &letter["last_exit_code"], &letter["dlq_detail"]),
        (&json!(1), &json!(3), &json!("exit 3"))
    );
    assert_eq!(result(&project, "t")["status"], "failed");
    let ended = json(&path(&project, "triggers/orchestrator/marie.t.json"));
    assert_eq!(ended["dlq_file"], path(&project, "dlq/marie/t.json").display().to_string());
    assert_eq!(server.messages("TASK_DEAD_LETTERS"), Some(1));
    fs::write(project.path("../good"), "").unwrap();
    assert_eq!(Stream::ask(&project, &["task", "retry", "t"]).code, Some(0));
    wait_for("it is completed", || result(&project, "t")["status"] == "completed" && is_done(&project));
    assert_eq!(names(&project, "dlq/marie"), [""; 0]);
    // Its id is free again, and what is dropped under it is another task.
    assert_eq!(Stream::ask(&project, &["task", "drop", "t"]).code, Some(0));
    drop_task(&project, "t", "again");
    wait_for_result(&project, "t");
    wait_for("it is over", || is_done(&project));
    end(group);
}

#[test]
fn a_blocked_task_stays_until_what_it_depends_on_is_completed() {
    let Some(server) = Server::start() else { return };
    let run = "'''while [ ! -e ../go ]; do sleep 0.02; done; [ \"$TASK_ID\" != bad ]'''";
    let project = project(&server, run, "retries = 0");
    let group = start(&project);
    drop_with(&project, "b", &json!({ "task_id": "b", "description": "x", "dependencies": ["a"] }));
    drop_with(&project, "c", &json!({ "task_id": "c", "description": "x", "dependencies": ["bad"] }));
    drop_task(&project, "a", "x");
    drop_task(&project, "bad", "x");
    wait_for("two run", || ["a", "bad"].iter().all(|id| path(&project, &format!("triggers/marie/{id}.json")).exists()));
    assert_eq!(server.messages("TASKS"), Some(2));
    assert_eq!(names(&project, "tasks/marie"), ["b.json", "c.json"]);
    fs::write(project.path("../go"), "").unwrap();
    assert_eq!(wait_for_result(&project, "b")["status"], "completed");
    wait_for("all are over", || is_done(&project));
    assert_eq!(letter(&project, "c")["dlq_reason"], "dependency_failed");
    end(group);
}

#[test]
fn a_batch_is_counted() {
    let Some(server) = Server::start() else { return };
    let project = project(&server, "\"true\"", "");
    let mut group = start(&project);
    group.wait_for_text("started");
    let added = Stream::ask(&project, &["task", "add", "marie", "Do {n}", "--batch", "20", "--wait"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    wait_for("it is counted", || {
        let told = json(&path(&project, "orchestrator.json"));
        let batches = told["batches"].as_object().cloned().unwrap_or_default();
        batches.values().any(|batch| batch["total"] == 20 && batch["completed"] == 20)
    });
    assert_eq!(names(&project, "results/marie").len(), 20);
    end(group);
}

#[test]
fn tasks_are_cancelled_where_they_are() {
    let Some(server) = Server::start() else { return };
    let project = project(&server, "\"exec sleep 1000\"", "concurrency = 1");
    let group = start(&project);
    drop_task(&project, "runs", "x");
    wait_for("it runs", || path(&project, "triggers/marie/runs.json").exists());
    drop_task(&project, "waits", "x");
    wait_for("both are with the server", || server.messages("TASKS") == Some(2));
    for id in ["waits", "runs"] {
        let said = Stream::ask(&project, &["task", "cancel", id]);
        assert_eq!(said.code, Some(0), "{id}: {said:?}");
        assert_eq!(wait_for_result(&project, id)["status"], "cancelled");
    }
    wait_for("both are over", || is_done(&project) && server.messages("TASKS") == Some(0));
    end(group);
}
