//! What `procgroup.toml` says of workers, as a user meets it: `check`, `doctor`, `why`, `status`, and the stand-in for an
//! agent in the example.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Project, Stream, detach, down, wait_for};

const FILE: &str = "[tasks]\ndir = \"shared\"\n\
    [services.api]\nrun = \"echo started >> ../starts; exec sleep 1000\"\nwatch = true\n\
    [services.marie]\nkind = \"worker\"\nautostart = false\nconcurrency = 5\n\
    run = [\"agent\", \"${TASK_DESCRIPTION}\"]\n";

fn ask(project: &Project, arguments: &[&str]) -> String {
    let told = Stream::ask(project, arguments);
    assert_eq!(told.code, Some(0), "{arguments:?}: {told:?}");
    told.stdout
}

fn with_tasks_for_bob(project: &Project) {
    for path in ["shared/tasks/bob/1.json", "shared/tasks/bob/2.json", "shared/tasks/marie/1.json"] {
        project.write(path, "{\"description\": \"x\"}");
    }
}

const FOR_BOB: &str = "2 tasks for bob, but no worker has that name";

#[test]
fn check_lists_what_overrides_the_file_and_what_nobody_works_off() {
    let project = Project::new(FILE).with_env("MAX_CONCURRENT_TASKS", "9").with_env("LOG_LEVEL", "debug");
    with_tasks_for_bob(&project);
    let said = Stream::ask(&project, &["check"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    let expected = [
        "procgroup.toml: ok, 2 services",
        "MAX_CONCURRENT_TASKS=9 overrides concurrency of marie (5)",
        "LOG_LEVEL=debug is as --log-level where a worker alone is run (devgroup --no-tui WORKER)",
        FOR_BOB,
    ];
    assert_eq!(said.stdout.lines().collect::<Vec<_>>(), expected);
    let report: Value = serde_json::from_str(&ask(&project, &["check", "--json"])).unwrap();
    assert_eq!(report["notes"].as_array().unwrap().len(), 3);
    let doctor = ask(&project, &["doctor"]);
    assert!(doctor.contains("MAX_CONCURRENT_TASKS=9 overrides") && doctor.contains(FOR_BOB), "{doctor}");
}

#[test]
fn a_variable_that_cannot_be_used_is_an_error_that_names_it() {
    let project = Project::new(FILE).with_env("TASK_TIMEOUT", "soon");
    let said = Stream::ask(&project, &["check"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.stderr.contains("the variable TASK_TIMEOUT is `soon`"), "{}", said.stderr);
    let other = Project::new("[services]\napi = \"sleep 1000\"\n").with_env("TASK_TIMEOUT", "soon");
    assert_eq!(ask(&other, &["check"]), "procgroup.toml: ok, 1 service\n", "it is read only for workers");
}

#[test]
fn what_a_worker_cannot_have_and_what_its_shell_would_split_is_told() {
    let project = Project::new("[services.marie]\nkind = \"worker\"\nrun = \"agent $TASK_DESCRIPTION\"\n");
    let said = Stream::ask(&project, &["check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("`$TASK_DESCRIPTION` is not in double quotes"), "{}", said.stderr);
    assert!(said.stderr.contains("[unquoted-task-variable]"), "{}", said.stderr);
    project.write("procgroup.toml", "[services.marie]\nkind = \"worker\"\nrun = \"agent\"\nreplicas = 2\n");
    let said = Stream::ask(&project, &["check"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.stderr.contains("worker `marie` cannot have `replicas`"), "{}", said.stderr);
    let said = Stream::ask(&project, &["run", "marie"]);
    assert_eq!(said.code, Some(3), "{said:?}");
}

#[test]
fn tasks_restart_no_service_whatever_it_watches() {
    let file = FILE.replacen("watch = true", "watch = [\"**\"]\nignore = [\"!shared/tasks/marie/*\"]", 1);
    let project = Project::new(&file);
    project.write("shared/tasks/marie/0.json", "{}");
    let why = ask(&project, &["why", "shared/tasks/marie/0.json"]);
    assert!(why.contains("the tasks of workers are never watched"), "{why}");
    detach(&project);
    wait_for("api has started", || project.lines("../starts") == 1);
    wait_for("the watcher watches", || ask(&project, &["status"]).contains("watching"));
    with_tasks_for_bob(&project);
    project.write("touched", "x");
    wait_for("api has restarted", || project.lines("../starts") == 2);
    let logs = ask(&project, &["logs", "api"]);
    assert!(logs.contains("touched") && !logs.contains("tasks"), "{logs}");
    let status = ask(&project, &["status"]);
    assert!(status.ends_with(&format!("{FOR_BOB}\n")), "{status}");
    down(&project);
}

#[test]
fn a_watch_that_means_the_tasks_is_told_to_have_no_effect() {
    let project = Project::new(&FILE.replacen("watch = true", "watch = [\"shared/tasks/**\"]", 1));
    with_tasks_for_bob(&project);
    let said = Stream::ask(&project, &["check"]);
    assert!(said.stderr.contains("[dead-watch]"), "{}", said.stderr);
    assert!(!said.stderr.contains("to watch them anyway"), "{}", said.stderr);
}

#[test]
fn the_stand_in_for_an_agent_does_what_the_task_says() {
    let project = Project::empty();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/examples/workers/agent.sh");
    let run = |task: &str, number: &str| {
        let output = project.command("sh").arg(&script).arg(task).env("TASK_TRY", number).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    assert_eq!(
        run("write $(touch pwned) a * `test`", "1"),
        (Some(0), "done: write $(touch pwned) a * `test`".into(), String::new())
    );
    assert_eq!(run("fail at this", "3"), (Some(1), String::new(), "cannot do this: fail at this".into()));
    assert_eq!(run("flaky 2 parser", "2"), (Some(1), String::new(), "not at try 2".into()));
    assert_eq!(run("flaky 2 parser", "3").0, Some(0));
    assert_eq!((run("slow 0 x", "1").0, run("", "1").0), (Some(0), Some(0)));
    assert!(!project.path("pwned").exists());
}
