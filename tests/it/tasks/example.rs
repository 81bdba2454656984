//! The example group of the guide, as it stands in the repository.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{json, path, wait_for_result};
use crate::harness::{Project, Stream, Streamed, detach, down, wait_for};

/// The files of the example, and its group in the background.
fn running() -> Project {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/examples/workers");
    let project = Project::new(&fs::read_to_string(example.join("procgroup.toml")).unwrap());
    project.write("agent.sh", fs::read(example.join("agent.sh")).unwrap());
    detach(&project);
    project
}

fn task(project: &Project, arguments: &[&str]) -> Streamed {
    let arguments: Vec<&str> = ["task"].into_iter().chain(arguments.iter().copied()).collect();
    Stream::ask(project, &arguments)
}

/// A worker in `status --json`.
fn worker(project: &Project, name: &str) -> Value {
    let status = Stream::ask(project, &["status", "--json"]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    let services = status["services"].as_array().unwrap().clone();
    services.into_iter().find(|service| service["name"] == name).unwrap()
}

#[test]
fn the_example_does_what_the_guide_says_of_it() {
    let project = running();
    let said = task(&project, &["add", "marie", "Write a test for the parser", "--id", "good", "--wait"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "good\ngood: completed\n"), "{}", said.stderr);
    assert_eq!(super::result(&project, "good")["stdout"], "done: Write a test for the parser\n");
    let said = task(&project, &["add", "anga", "flaky 1 x", "--id", "flaky", "--wait"]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert_eq!(json(&path(&project, "results/anga/flaky.json"))["retry_count"], 1);
    let said = task(&project, &["add", "anga", "fail at this", "--id", "bad", "--wait"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(5), "bad\nbad: failed · exit 1\n"), "{}", said.stderr);
    assert_eq!(json(&path(&project, "dlq/anga/bad.json"))["dlq_reason"], "max_retries_exceeded");

    // A file without an id, one that names its worker, and one that names nobody's.
    project.write("shared/tasks/marie/typo.json", "{\"description\": \"Fix the typo\"}");
    wait_for_result(&project, "typo");
    project.write("shared/tasks/any.json", "{\"worker\": \"marie\", \"description\": \"x\"}");
    wait_for_result(&project, "any");
    project.write("shared/tasks/lost.json", "{\"worker\": \"mary\", \"description\": \"x\"}");
    wait_for("it is put aside", || path(&project, "dlq/unrouted/lost.json").exists());
    for command in ["status", "check", "doctor"] {
        let said = Stream::ask(&project, &[command]);
        assert!(said.stdout.contains("1 dead letter for no worker that is known: "), "{command}: {}", said.stdout);
    }
    down(&project);
}

#[test]
fn a_worker_that_has_stopped_still_tells_of_its_dead_letters() {
    let project = running();
    assert_eq!(task(&project, &["add", "anga", "fail", "--wait"]).code, Some(5));
    wait_for("its dead letter is told", || worker(&project, "anga")["worker"]["dead"] == 1);
    assert_eq!(Stream::ask(&project, &["stop", "anga", "--wait"]).code, Some(0));
    let anga = worker(&project, "anga");
    let told = ["active", "dead", "status"].map(|key| anga["worker"][key].clone());
    assert_eq!((&anga["state"], told), (&"stopped".into(), [0.into(), 1.into(), "stopped".into()]));
    let said = task(&project, &["add", "anga", "x", "--id", "later"]);
    assert_eq!(said.stderr, "no group is running anga now: the task waits until one does\n");
    assert_eq!(Stream::ask(&project, &["start", "anga"]).code, Some(0));
    assert_eq!(task(&project, &["wait", "later"]).code, Some(0));
    down(&project);
}

#[test]
fn a_signal_that_ends_a_task_is_named_everywhere() {
    let project = super::project("'''kill -SEGV $$'''", "retries = 0");
    detach(&project);
    let said = task(&project, &["add", "marie", "x", "--id", "a", "--wait"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(5), "a\na: failed · SIGSEGV\n"), "{}", said.stderr);
    let listed = task(&project, &["list"]).stdout;
    assert!(listed.contains("max_retries_exceeded: SIGSEGV"), "{listed}");
    down(&project);
}
