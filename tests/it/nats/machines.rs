//! Several groups on one server, each with folders of its own.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Server, end, is_done, project, start, text};
use crate::harness::{Project, Stream, wait_for};
use crate::tasks::{drop_task, letter, names, path, result, wait_for_result};

#[test]
fn a_worker_on_another_machine_needs_the_file_and_the_address() {
    let Some(server) = Server::start() else { return };
    let run = "\"pwd; sleep 0.2\"";
    let here = project(&server, run, "concurrency = 1");
    let there = Project::new(&text("nats://127.0.0.1:9", run, "concurrency = 2")).with_env("NATS_URL", &server.url());
    let checked = Stream::ask(&there, &["check"]);
    assert!(
        checked.stdout.contains("NATS_URL=nats://127.0.0.1:") || checked.stderr.contains("NATS_URL="),
        "{checked:?}"
    );
    let group = start(&here);
    let lone = Stream::start(&there, &["--no-tui", "marie"]);
    let ids: Vec<String> = (0..12).map(|number| format!("t-{number}")).collect();
    ids.iter().for_each(|id| drop_task(&here, id, "x"));
    let places: BTreeSet<String> =
        ids.iter().map(|id| wait_for_result(&here, id)["stdout"].as_str().unwrap().trim().to_owned()).collect();
    let expected = [&here, &there].map(|project| project.root().canonicalize().unwrap().display().to_string());
    assert_eq!(places, BTreeSet::from(expected));
    wait_for("all are over", || is_done(&here));
    assert_eq!(names(&there, "results/marie"), [""; 0], "they are told where they came from");
    assert_eq!(names(&there, "dlq/marie"), [""; 0]);
    end(group);
    end(lone);
}

#[test]
fn an_id_belongs_to_the_first_folder_and_each_has_its_own_results() {
    let Some(server) = Server::start() else { return };
    let projects = [project(&server, "\"pwd\"", ""), project(&server, "\"pwd\"", "")];
    let groups = projects.each_ref().map(start);
    let [first, second] = &projects;
    drop_task(first, "same", "x");
    wait_for_result(first, "same");
    wait_for("it is over", || is_done(first));
    drop_task(second, "same", "x");
    wait_for("the second one is dead", || letter(second, "same")["dlq_reason"] == "duplicate_task_id");
    assert!(result(second, "same").is_null());
    for (number, project) in projects.iter().enumerate() {
        for task in 0..5 {
            drop_task(project, &format!("own-{number}-{task}"), "x");
        }
    }
    for (number, project) in projects.iter().enumerate() {
        let own: Vec<String> = (0..5).map(|task| format!("own-{number}-{task}.json")).collect();
        wait_for("all are over", || names(project, "results/marie").len() >= 5 && is_done(project));
        let there = names(project, "results/marie");
        assert!(own.iter().all(|name| there.contains(name)), "{there:?}");
        assert_eq!(there.len(), if number == 0 { 6 } else { 5 });
    }
    // Once the first one has dropped it, the id is free.
    assert_eq!(Stream::ask(first, &["task", "drop", "same"]).code, Some(0));
    drop_task(second, "same", "x");
    assert_eq!(wait_for_result(second, "same")["status"], "completed");
    groups.into_iter().for_each(end);
}

#[test]
fn an_id_may_be_that_of_tasks_of_two_workers() {
    let Some(server) = Server::start() else { return };
    let more = "[services.anga]\nkind = \"worker\"\nrun = \"echo anga\"";
    let project = project(&server, "\"echo marie\"", more);
    let group = start(&project);
    for worker in ["marie", "anga"] {
        let task = json!({ "task_id": "same", "worker": worker, "description": "x" });
        project.write(&format!("shared/tasks/{worker}.json"), task.to_string());
    }
    for worker in ["marie", "anga"] {
        let file = path(&project, &format!("results/{worker}/same.json"));
        wait_for("it has a result", || crate::tasks::json(&file)["stdout"] == format!("{worker}\n"));
    }
    end(group);
}
