//! Metrics of workers, by the names that they had before devgroup.

use serde_json::{Value, json};

use super::{Page, free_port, get, is_closed, service};
use crate::harness::{Project, Stream, detach, down, is_linux, wait_for};
use crate::tasks::{drop_text, drop_with, project, wait_for_result};

fn worker(port: u16, keys: &str) -> Project {
    let project = project("'''sh -c \"$TASK_DESCRIPTION\"'''", keys);
    project.write("procgroup.toml", format!("[metrics]\nport = {port}\n{}", project.read("procgroup.toml")));
    project
}

fn task(project: &Project, id: &str, description: &str, more: &Value) {
    let mut task = json!({ "task_id": id, "worker": "marie", "description": description });
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    drop_with(project, id, &task);
}

#[test]
fn tasks_are_counted_by_their_results_and_letters_by_their_reasons() {
    let port = free_port();
    let project = worker(port, "retries = 1\nbackoff = { initial = '10ms' }\nbreaker = { failures = 100 }");
    detach(&project);
    task(&project, "good", "exit 0", &json!({}));
    task(&project, "bad", "exit 3", &json!({}));
    task(&project, "slow", "exec sleep 1000", &json!({ "timeout": 0.2 }));
    drop_text(&project, "broken", "{");
    for id in ["good", "bad", "slow"] {
        wait_for_result(&project, id);
    }
    let stats = || service(&project, "marie")["worker"]["stats"].clone();
    wait_for("all is over", || stats()["tasks_dlq"] == 3);
    let count = |name: &str, labels: &str| Page::get(port).value(&format!("{name}{{worker=\"marie\"{labels}}}"));
    for (status, expected) in [("completed", 1.0), ("failed", 1.0), ("timeout", 1.0), ("cancelled", 0.0)] {
        let found = count("watcher_tasks_processed_total", &format!(",status=\"{status}\""));
        assert_eq!(found, Some(expected), "{status}");
    }
    for (reason, expected) in [("max_retries_exceeded", 2.0), ("invalid_json", 1.0), ("too_large", 0.0)] {
        let found = count("watcher_tasks_failed_total", &format!(",reason=\"{reason}\""));
        assert_eq!(found, Some(expected), "{reason}");
    }
    let (page, told) = (Page::get(port), stats());
    let completed = page.value("watcher_tasks_processed_total{worker=\"marie\",status=\"completed\"}");
    assert_eq!(completed, told["tasks_processed"].as_f64());
    assert_eq!(page.sum("watcher_tasks_failed_total"), told["tasks_dlq"].as_f64().unwrap());
    // One that was completed; two that have failed twice each.
    assert_eq!(count("watcher_task_duration_seconds_count", ""), Some(5.0));
    assert!(count("watcher_task_duration_seconds_sum", "").unwrap() >= 0.4);
    for gauge in ["watcher_task_queue_size", "watcher_active_tasks", "watcher_circuit_breaker_state"] {
        assert_eq!(count(gauge, ""), Some(0.0), "{gauge}");
    }
    down(&project);
}

#[test]
fn a_queue_an_active_task_and_an_open_breaker_are_seen() {
    let port = free_port();
    let project = worker(port, "retries = 0\nconcurrency = 1\nbreaker = { failures = 1, cooldown = '10m' }");
    detach(&project);
    task(&project, "first", "until [ -e ../home/go ]; do sleep 0.05; done; exit 1", &json!({ "priority": "high" }));
    let gauges = || {
        let page = Page::get(port);
        ["watcher_active_tasks", "watcher_task_queue_size", "watcher_circuit_breaker_state"]
            .map(|gauge| page.value(&format!("{gauge}{{worker=\"marie\"}}")))
    };
    wait_for("the first is tried", || gauges() == [Some(1.0), Some(0.0), Some(0.0)]);
    task(&project, "second", "exit 0", &json!({}));
    wait_for("the second waits", || gauges() == [Some(1.0), Some(1.0), Some(0.0)]);
    if is_linux() {
        let processes = || Page::get(port).value("devgroup_service_processes{service=\"marie\"}");
        // It is active from its claim on, before its process is there.
        wait_for("it has a process", || processes().is_some_and(|count| count >= 1.0));
    }
    project.write("../home/go", "");
    wait_for("the breaker is open", || gauges() == [Some(0.0), Some(1.0), Some(2.0)]);
    down(&project);
}

#[test]
fn a_lone_worker_has_its_metrics_where_the_variable_says() {
    let (port, in_file) = (free_port(), free_port());
    let project = worker(in_file, "").with_env("METRICS_PORT", &port.to_string());
    let checked = Stream::run(&project, &["check"]);
    let told =
        format!("METRICS_PORT={port} is as [metrics] port where a worker alone is run (devgroup --no-tui WORKER)");
    assert!(checked.stdout.contains(&told) || checked.stderr.contains(&told), "{checked:?}");
    let group = Stream::start(&project, &["--no-tui", "marie"]);
    wait_for("it is open", || !is_closed(port) && get(port, "/ready").0 == 200);
    assert!(is_closed(in_file), "the variable wins");
    let text = project.read("procgroup.toml").replace(&in_file.to_string(), &free_port().to_string());
    project.write("procgroup.toml", format!("{text}concurrency = 7\n"));
    wait_for("the file was read again", || service(&project, "marie")["worker"]["concurrency"] == 7);
    assert_eq!(get(port, "/health").0, 200, "also after a save");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
    // Not for a whole group.
    detach(&project);
    wait_for("that of the file is open", || !is_closed(in_file_of(&project)));
    assert!(is_closed(port));
    down(&project);
    let off = project.with_env("ENABLE_METRICS", "false");
    let group = Stream::start(&off, &["--no-tui", "marie"]);
    wait_for("it works", || Stream::ask(&off, &["status"]).code == Some(0));
    assert!(is_closed(port) && is_closed(in_file_of(&off)));
    assert_eq!(Stream::ask(&off, &["down"]).code, Some(0));
    group.wait_exit();
    let wrong = off.with_env("ENABLE_METRICS", "maybe");
    let refused = Stream::run(&wrong, &["--no-tui", "marie"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("ENABLE_METRICS is `maybe`; it must be true or false"), "{}", refused.stderr);
}

/// The port of `[metrics]` in the file.
fn in_file_of(project: &Project) -> u16 {
    let text = project.read("procgroup.toml");
    let line = text.lines().find_map(|line| line.strip_prefix("port = ")).unwrap();
    line.parse().unwrap()
}
