//! Folders that change under a worker's hands.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{drop_task, drop_with, json, letter, names, path, project, result, wait_for_result};
use crate::harness::{Stream, detach, down, wait_for};

const DONE: &str = "'''echo \"$TASK_DESCRIPTION\"'''";

#[test]
fn a_file_that_is_written_slowly_is_waited_for() {
    let project = project(DONE, "");
    detach(&project);
    wait_for("the folder is there", || path(&project, "tasks/marie/.work/owner.json").exists());
    let mut file = fs::File::create(path(&project, "tasks/marie/slow.json")).unwrap();
    let text = r#"{"task_id":"slow","description":"written slowly, over some seconds"}"#;
    for part in text.as_bytes().chunks(8) {
        file.write_all(part).unwrap();
        file.flush().unwrap();
        let written = Instant::now();
        wait_for("a moment has passed", || written.elapsed() > Duration::from_millis(400));
    }
    drop(file);
    let result = wait_for_result(&project, "slow");
    assert_eq!(result["stdout"], "written slowly, over some seconds\n");
    assert!(names(&project, "dlq/marie").is_empty());
    down(&project);
}

#[test]
fn what_stays_half_is_a_dead_letter_after_two_seconds() {
    let project = project(DONE, "");
    detach(&project);
    wait_for("the folder is there", || path(&project, "tasks/marie/.work/owner.json").exists());
    let written = Instant::now();
    fs::write(path(&project, "tasks/marie/half.json"), "{\"task_id\":\"half\",").unwrap();
    wait_for("it is dead", || path(&project, "dlq/marie/half.raw").exists());
    assert!(written.elapsed() >= Duration::from_secs(2), "{:?}", written.elapsed());
    down(&project);
}

#[test]
fn a_folder_that_is_removed_is_made_again() {
    let project = project(DONE, "");
    detach(&project);
    drop_task(&project, "before", "x");
    wait_for_result(&project, "before");
    // It may be made again while it is being removed.
    wait_for("the folder is removed whole", || fs::remove_dir_all(path(&project, "")).is_ok());
    wait_for("the folder is made again", || path(&project, "tasks/marie/.work/owner.json").exists());
    drop_task(&project, "after", "x");
    wait_for_result(&project, "after");
    wait_for("the folder is removed whole", || fs::remove_dir_all(path(&project, "tasks/marie")).is_ok());
    wait_for("the folder is made again", || path(&project, "tasks/marie/.work/owner.json").exists());
    drop_task(&project, "again", "x");
    wait_for_result(&project, "again");
    down(&project);
}

#[test]
fn tasks_that_name_their_worker_are_moved_to_it() {
    let project = project(DONE, "");
    detach(&project);
    wait_for("the folder is there", || path(&project, "tasks/marie/.work/owner.json").exists());
    let put = |name: &str, worker: &str| {
        let task = serde_json::json!({ "task_id": name, "worker": worker, "description": "x" });
        fs::write(path(&project, &format!("tasks/{name}.json")), task.to_string()).unwrap();
    };
    put("routed", "marie");
    put("lost", "mary");
    wait_for_result(&project, "routed");
    let lost = path(&project, "dlq/unrouted/lost.json");
    wait_for("the other one is dead", || json(&lost)["dlq_reason"] == "unknown_worker");
    assert!(json(&lost)["dlq_detail"].as_str().unwrap().contains("did you mean `marie`?"), "{}", json(&lost));
    let listed = Stream::ask(&project, &["task", "list"]).stdout;
    let line = listed.lines().find(|line| line.contains(" lost ")).unwrap_or_default();
    assert!(line.starts_with("dead") && line.contains("unrouted") && line.contains("unknown_worker"), "{listed}");
    assert!(listed.contains("1 dead"), "{listed}");
    assert!(!Stream::ask(&project, &["task", "list", "marie"]).stdout.contains("lost"), "it is not marie's");
    assert!(Stream::ask(&project, &["task", "show", "lost"]).stdout.contains("── dead letter ──"));
    let refused = Stream::ask(&project, &["task", "retry", "lost"]);
    assert_eq!(refused.code, Some(6), "{}", refused.stderr);
    assert!(refused.stderr.contains("`lost` is for no worker of this group"), "{}", refused.stderr);
    // The wrong folder.
    drop_with(&project, "wrong", &serde_json::json!({ "task_id": "wrong", "worker": "anga", "description": "x" }));
    wait_for("the third one is dead", || letter(&project, "wrong")["dlq_reason"] == "wrong_worker");
    down(&project);
}

#[test]
fn a_second_file_of_an_id_is_a_dead_letter_and_the_first_is_untouched() {
    let project = project("'''until [ -e ../go ]; do sleep 0.02; done; echo \"$TASK_DESCRIPTION\"'''", "");
    detach(&project);
    drop_with(&project, "one", &serde_json::json!({ "task_id": "same", "description": "first" }));
    wait_for("it runs", || super::claimed(&project) == ["same"]);
    drop_with(&project, "two", &serde_json::json!({ "task_id": "same", "description": "second" }));
    wait_for("the second is dead", || letter(&project, "same")["dlq_reason"] == "duplicate_task_id");
    project.write("../go", "");
    assert_eq!(wait_for_result(&project, "same")["stdout"], "first\n");
    drop_with(&project, "three", &serde_json::json!({ "task_id": "same", "description": "third" }));
    wait_for("the third is dead", || letter(&project, "same.2")["dlq_reason"] == "duplicate_task_id");
    assert_eq!(result(&project, "same")["stdout"], "first\n");
    let task = |words: &[&str]| {
        let said = Stream::ask(&project, &[&["task"], words].concat());
        said.stdout + &said.stderr
    };
    // Each second file is named for itself, and an order for the first one leaves it alone.
    let listed = task(&["list", "--state", "dead"]);
    assert!(listed.contains("same.json") && listed.contains("same.2.json"), "{listed}");
    assert!(task(&["show", "same.2.json"]).contains("third"));
    assert!(
        task(&["add", "marie", "x", "--id", "itself", "--after", "itself"]).contains("itself would wait for itself")
    );
    let scaled = Stream::ask(&project, &["scale", "marie=3"]);
    let concurrency = "marie is a worker: set `concurrency` below [services.marie] instead";
    assert!(scaled.stderr.contains(concurrency), "{}", scaled.stderr);
    let two = task(&["drop", "same.json", "nobody"]);
    assert_eq!(two, "same.json: dropped\nnobody: not dropped · marie has no task `nobody`\n");
    let refused = "same.2.json: not retried · same is completed, and this has the same id; drop same first\n";
    assert_eq!(task(&["retry", "same.2.json"]), refused);
    assert_eq!(task(&["drop", "same"]), "same: dropped\n");
    assert_eq!(task(&["retry", "same.2.json"]), "same.2.json: retried\n");
    assert_eq!(wait_for_result(&project, "same")["stdout"], "third\n");
    assert!(names(&project, "dlq/marie").is_empty());
    // So is one that has no id.
    drop_with(&project, "with space", &serde_json::json!({ "description": "x" }));
    wait_for("it is dead", || !letter(&project, "with space").is_null());
    assert_eq!(task(&["drop", "with space"]), "with space: dropped\n");
    assert!(names(&project, "dlq/marie").is_empty());
    down(&project);
}

#[test]
fn a_worker_that_somebody_else_works_for_is_followed() {
    let file = "[tasks]\ndir = \"shared\"\n[services.bob]\nkind = \"worker\"\nremote = true\n\
        [services.marie]\nkind = \"worker\"\nrun = \"true\"\n";
    let project = crate::harness::Project::new(file);
    detach(&project);
    let beat = |processed: u32| {
        let now = jiff_now();
        let text = serde_json::json!({
            "worker": "bob", "timestamp": now, "uptime_seconds": 5, "queue_size": 7, "active_tasks": 2,
            "circuit_breaker_state": "closed",
            "stats": { "tasks_processed": processed, "tasks_failed": 0, "tasks_retried": 0, "tasks_dlq": 0 },
            "status": "healthy",
        });
        let folder = path(&project, "heartbeats");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(".bob.begun"), text.to_string()).unwrap();
        fs::rename(folder.join(".bob.begun"), folder.join("bob.json")).unwrap();
    };
    beat(3);
    let all = || json(&path(&project, "orchestrator.json"));
    wait_for("its heartbeat is in the aggregation", || all()["workers"]["bob"]["stats"]["tasks_processed"] == 3);
    beat(4);
    wait_for("the next one as well", || all()["workers"]["bob"]["stats"]["tasks_processed"] == 4);
    assert_eq!(all()["lost"], serde_json::json!([]));
    // A task of ours waits for one of his.
    drop_with(&project, "ours", &serde_json::json!({ "task_id": "ours", "description": "x", "dependencies": ["his"] }));
    wait_for("it is blocked", || all()["workers"]["marie"]["queue_size"] == 1);
    let his = path(&project, "results/bob");
    fs::create_dir_all(&his).unwrap();
    fs::write(his.join("his.json"), r#"{"task_id":"his","worker":"bob","status":"completed","exit_code":0}"#).unwrap();
    wait_for_result(&project, "ours");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
}

/// How often the thread of the workers has gone to sleep.
fn sleeps(program: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{program}/task")).unwrap().flatten().map(|thread| thread.path());
    let is_it = |thread: &PathBuf| fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.trim() == "workers");
    let status = fs::read_to_string(threads.into_iter().find(is_it).unwrap().join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    line.trim().parse().unwrap()
}

#[test]
fn a_blocked_task_is_woken_by_the_folder_of_somebody_else_and_nobody_looks_now_and_then() {
    let project = project(DONE, "heartbeat = \"1h\"");
    let group = Stream::start(&project, &["--no-tui"]);
    wait_for("the folder is there", || path(&project, "tasks/marie/.work/owner.json").exists());
    drop_with(&project, "ours", &serde_json::json!({ "task_id": "ours", "description": "x", "dependencies": ["his"] }));
    wait_for("it is blocked", || {
        Stream::ask(&project, &["task", "list", "--json"]).stdout.contains("\"blocked\":1")
            && path(&project, "results").is_dir()
    });
    if cfg!(target_os = "linux") {
        let blocked = Instant::now();
        wait_for("it has settled", || blocked.elapsed() > Duration::from_secs(1));
        let before = sleeps(group.program());
        wait_for("two looks would have been", || blocked.elapsed() > Duration::from_secs(6));
        assert_eq!(sleeps(group.program()), before, "nobody looks");
    }
    // A folder that comes to be, and a file in it right after.
    let his = path(&project, "results/bob");
    fs::create_dir_all(&his).unwrap();
    fs::write(his.join("his.json"), r#"{"task_id":"his","worker":"bob","status":"completed","exit_code":0}"#).unwrap();
    wait_for_result(&project, "ours");
    group.signal(rustix::process::Signal::TERM);
    group.wait_exit();
}

#[test]
fn a_dead_letter_of_a_worker_that_does_not_work_ends_what_waits_for_its_task() {
    let file = "[tasks]\ndir = \"shared\"\n[services.bob]\nkind = \"worker\"\nrun = \"true\"\nautostart = false\n\
        [services.marie]\nkind = \"worker\"\nrun = \"true\"\n";
    let project = crate::harness::Project::new(file);
    let his = path(&project, "dlq/bob");
    fs::create_dir_all(&his).unwrap();
    detach(&project);
    let listed = |text: &str| Stream::ask(&project, &["status", "--json"]).stdout.contains(text);
    fs::write(his.join("old.json"), r#"{"task_id":"old","dlq_reason":"invalid_field"}"#).unwrap();
    wait_for("his letters are counted", || listed("\"dead\":1"));
    drop_with(&project, "ours", &serde_json::json!({ "task_id": "ours", "description": "x", "dependencies": ["his"] }));
    wait_for("it is blocked", || listed("\"blocked\":1"));
    fs::write(his.join("his.json"), r#"{"task_id":"his","dlq_reason":"max_retries_exceeded"}"#).unwrap();
    let letter = path(&project, "dlq/marie/ours.json");
    wait_for("what waits for it is dead", || json(&letter)["dlq_reason"] == "dependency_failed");
    down(&project);
}

/// The time as a heartbeat says it.
fn jiff_now() -> String {
    let output = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
