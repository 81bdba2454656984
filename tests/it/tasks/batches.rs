//! Many tasks, and what each leaves.

use std::fs;

use super::{claimed, drop_task, drop_with, json, log, names, path, project, result, wait_for_result, wait_until_done};
use crate::harness::{detach, down, wait_for};

/// Says how many run beside it, by folders of its own.
const COUNTS: &str = "'''mkdir -p ../running && mkdir \"../running/$TASK_ID\" && ls ../running | wc -l >> ../counts; \
    sleep 0.02; cat > /dev/null; echo \"did $TASK_DESCRIPTION\"; rmdir \"../running/$TASK_ID\"'''";

#[test]
fn ten_and_a_hundred_tasks_by_hand_are_each_done_once_and_never_more_at_once_than_allowed() {
    let project = project(COUNTS, "concurrency = 3");
    // Before there is anybody, and while somebody works.
    for number in 1..=10 {
        drop_task(&project, &format!("ten-{number}"), "one of ten");
    }
    detach(&project);
    for number in 1..=100 {
        drop_task(&project, &format!("hundred-{number}"), "one of a hundred");
    }
    wait_for("all have results", || names(&project, "results/marie").len() == 110);
    wait_until_done(&project);
    let counts: Vec<u32> = project.read("../counts").lines().map(|line| line.trim().parse().unwrap()).collect();
    assert_eq!(counts.len(), 110, "each is tried once");
    assert_eq!(counts.iter().max(), Some(&3), "three at once, and never more");
    assert!(names(&project, "dlq/marie").is_empty());

    let text = fs::read_to_string(path(&project, "results/marie/ten-1.json")).unwrap();
    let begin = r#"{"task_id":"ten-1","worker":"marie","status":"completed","exit_code":0,"stdout":"did one of ten\n","stderr":"","duration_seconds":"#;
    assert!(text.starts_with(begin), "{text}");
    let receipt = json(&path(&project, "triggers/marie/ten-1.json"));
    assert_eq!((&receipt["event"], &receipt["try"]), (&"received".into(), &1.into()));
    wait_for("all have triggers", || names(&project, "triggers/orchestrator").len() == 110);
    let trigger = json(&path(&project, "triggers/orchestrator/marie.ten-1.json"));
    assert_eq!((&trigger["event"], &trigger["exit_code"]), (&"completed".into(), &0.into()));
    assert!(trigger["result_file"].as_str().unwrap().ends_with("results/marie/ten-1.json"), "{trigger}");

    let shown = log(&project);
    assert!(shown.contains("ten-1 did one of ten"), "{shown}");
    assert!(shown.contains("── ten-1 · try 1 of 4 ──"), "{shown}");
    down(&project);
    let beat = json(&path(&project, "heartbeats/marie.json"));
    assert_eq!((&beat["status"], &beat["stats"]["tasks_processed"]), (&"stopped".into(), &110.into()), "{beat}");
}

#[test]
fn order_is_by_priority_and_then_by_arrival_and_dependencies_come_first() {
    let project = project("'''echo \"$TASK_ID\" >> ../order'''", "concurrency = 1");
    let task = |id: &str, more: serde_json::Value| {
        let mut task = serde_json::json!({ "task_id": id, "description": "x" });
        task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        drop_with(&project, id, &task);
    };
    task("waits", serde_json::json!({ "priority": "critical", "dependencies": ["low"] }));
    task("low", serde_json::json!({ "priority": "low" }));
    task("first", serde_json::json!({}));
    task("second", serde_json::json!({}));
    task("high", serde_json::json!({ "priority": "high" }));
    detach(&project);
    wait_for_result(&project, "waits");
    assert_eq!(project.read("../order").lines().collect::<Vec<_>>(), ["high", "first", "second", "low", "waits"]);
    down(&project);
}

#[test]
fn a_try_gets_its_file_on_the_standard_input_and_nothing_else_open() {
    let run = "'''cat > ../input; echo \"$TASK_WORKER $TASK_TRY $TASK_FILE $DEVGROUP_SERVICE\"; ls /proc/$$/fd | wc -l; \
        [ -t 0 ] || echo no terminal; echo complaint >&2'''";
    let project = project(run, "");
    let task = serde_json::json!({ "task_id": "a", "description": "ä", "other": [1, 2], "metadata": { "b": "c" } });
    drop_with(&project, "any name", &task);
    detach(&project);
    let result = wait_for_result(&project, "a");
    assert_eq!(project.read("../input"), task.to_string(), "the bytes as they came");
    let lines: Vec<&str> = result["stdout"].as_str().unwrap().lines().collect();
    let file = path(&project, "tasks/marie/.work/a.task.json");
    assert_eq!(lines.first(), Some(&format!("marie 1 {} marie", file.display()).as_str()));
    // The shell may have opened the pipe of its own.
    assert!(lines.get(1).is_some_and(|count| count.trim().parse::<u32>().unwrap() <= 5), "{lines:?}");
    assert_eq!((lines.get(2), &result["stderr"]), (Some(&"no terminal"), &"complaint\n".into()));
    wait_until_done(&project);
    assert!(claimed(&project).is_empty() && !super::result(&project, "a").is_null());
    down(&project);
}

#[test]
fn long_output_is_cut_in_the_middle_and_counted() {
    let project = project("'''head -c 3000000 /dev/zero | tr \"\\0\" x; echo; echo end'''", "");
    drop_task(&project, "long", "x");
    detach(&project);
    wait_for_result(&project, "long");
    let result = result(&project, "long");
    assert_eq!(result["stdout"].as_str().unwrap().len(), 1 << 20);
    assert_eq!(result["stdout_dropped_bytes"], 3_000_005 - (1 << 20));
    assert!(result["stdout"].as_str().unwrap().ends_with("x\nend\n"));
    let shown = log(&project);
    assert!(shown.contains("more bytes") && shown.contains("long end"), "{}", shown.len());
    down(&project);
}

#[test]
fn a_batch_has_the_same_numbers_at_any_time_and_each_end_is_told() {
    let project = project("'''[ \"$TASK_DESCRIPTION\" = good ]'''", "retries = 0");
    let put = |name: &str, more: serde_json::Value| {
        let mut task = serde_json::json!({ "description": "good", "metadata": { "batch": "mix" } });
        task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        drop_with(&project, name, &task);
    };
    put("d1", serde_json::json!({ "dependencies": ["f"] }));
    put("d2", serde_json::json!({ "dependencies": ["d1"] }));
    put("f", serde_json::json!({ "description": "bad" }));
    put("empty", serde_json::json!({ "description": "" }));
    put("other", serde_json::json!({ "worker": "bob" }));
    put("a", serde_json::json!({}));
    put("b", serde_json::json!({}));
    put("second", serde_json::json!({ "task_id": "b" }));
    let counted = |failed: u32| {
        let expected = serde_json::json!({ "total": 2 + failed, "completed": 2, "failed": failed, "pending": 0 });
        let what = format!("two are completed and {failed} have failed");
        wait_for(&what, || json(&path(&project, "orchestrator.json"))["batches"]["mix"] == expected);
    };
    detach(&project);
    counted(5);
    for id in ["d1", "d2", "empty", "other"] {
        let trigger = || json(&path(&project, &format!("triggers/orchestrator/marie.{id}.json")));
        wait_for("its end is told", || trigger()["event"] == "dead");
        assert!(trigger()["dlq_file"].as_str().unwrap().ends_with(&format!("dlq/marie/{id}.json")), "{}", trigger());
    }
    let task = |words: &[&str]| crate::harness::Stream::ask(&project, &[&["task"], words].concat());
    let waited = task(&["wait", "--batch", "mix"]);
    assert_eq!(waited.stdout.lines().count(), 7, "{}{}", waited.stdout, waited.stderr);
    assert_eq!(task(&["retry", "f"]).code, Some(0));
    wait_for("it has failed again", || path(&project, "dlq/marie/f.json").exists() && claimed(&project).is_empty());
    counted(5);
    down(&project);
    fs::remove_file(path(&project, "orchestrator.json")).unwrap();
    detach(&project);
    counted(5);
    assert_eq!(task(&["drop", "empty"]).code, Some(0));
    counted(4);
    down(&project);
}

#[test]
fn batches_are_counted_by_the_files_whoever_has_worked_before() {
    let project = project("'''echo \"$TASK_DESCRIPTION\"'''", "retries = 0");
    let put = |name: &str, text: serde_json::Value| {
        let file = path(&project, name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text.to_string()).unwrap();
    };
    // Written in the order of its keys: the batch is behind the output.
    let result = |id: &str, status: &str, output: usize| {
        format!(
            r#"{{"task_id":"{id}","worker":"marie","status":"{status}","exit_code":0,"stdout":"{}","stderr":"","duration_seconds":1.5,"timestamp":"2025-11-19T10:30:00Z","retry_count":2,"batch":"b"}}"#,
            "x".repeat(output)
        )
    };
    fs::create_dir_all(path(&project, "results/marie")).unwrap();
    fs::write(path(&project, "results/marie/b-1.json"), result("b-1", "completed", 100_000)).unwrap();
    fs::write(path(&project, "results/marie/b-2.json"), result("b-2", "failed", 1)).unwrap();
    let letter = |id: &str, reason: &str| serde_json::json!({ "task_id": id, "description": "x", "metadata": { "batch": "b" }, "dlq_reason": reason });
    put("dlq/marie/b-2.json", letter("b-2", "max_retries_exceeded"));
    put("dlq/marie/b-3.json", letter("b-3", "dependency_failed"));
    put("dlq/marie/b-1.2.json", letter("b-1", "duplicate_task_id"));
    // Another group has written last, and knows less of marie's, and of bob's what is long gone.
    let others = serde_json::json!({ "total": 5, "completed": 5, "failed": 0, "pending": 0 });
    put("orchestrator.json", serde_json::json!({ "batches": { "b": others, "bobs": others } }));
    put("heartbeats/bob.json", serde_json::json!({ "worker": "bob", "status": "healthy", "queue_size": 7 }));
    put("results/bob/x.json", serde_json::json!({ "task_id": "x", "status": "completed", "batch": "bobs" }));
    // Of one batch for both, bob has some as well.
    put("results/bob/y.json", serde_json::json!({ "task_id": "y", "status": "completed", "batch": "both" }));
    put("tasks/bob/z.json", serde_json::json!({ "task_id": "z", "description": "x", "metadata": { "batch": "both" } }));
    put("results/marie/w.json", serde_json::json!({ "task_id": "w", "status": "completed", "batch": "both" }));
    detach(&project);
    let all = || json(&path(&project, "orchestrator.json"));
    let of_batch = |completed: u32, failed: u32| serde_json::json!({ "total": completed + failed, "completed": completed, "failed": failed, "pending": 0 });
    wait_for("the files are counted", || all()["batches"]["b"] == of_batch(1, 2));
    wait_for("those of bob as well", || {
        let both = serde_json::json!({ "total": 3, "completed": 2, "failed": 0, "pending": 1 });
        (&all()["batches"]["bobs"], &all()["batches"]["both"]) == (&of_batch(1, 0), &both)
    });
    assert_eq!(all()["workers"]["bob"]["queue_size"], 7, "{}", all());
    drop_with(
        &project,
        "b-4",
        &serde_json::json!({ "task_id": "b-4", "description": "x", "metadata": { "batch": "b" } }),
    );
    wait_for("the next one is counted", || all()["batches"]["b"] == of_batch(2, 2));
    let listed = crate::harness::Stream::ask(&project, &["task", "list", "--json"]).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let is_first = |task: &&serde_json::Value| task["task_id"] == "b-1" && task["state"] == "completed";
    let first = listed["tasks"].as_array().unwrap().iter().find(is_first).unwrap();
    assert_eq!((&first["batch"], &first["tries"]), (&"b".into(), &3.into()), "what is behind much output is read");
    down(&project);
    fs::remove_file(path(&project, "orchestrator.json")).unwrap();
    detach(&project);
    wait_for("a new program counts the same", || all()["batches"]["b"] == of_batch(2, 2));
    down(&project);
}
