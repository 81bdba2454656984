//! Jobs with `inputs`: when they run, and when they are done at once.

use serde_json::Value;

use crate::harness::{Project, Stream, detach, down, has, wait_for};

/// A package that needs another one, in a folder: no network.
const NPM: &str = r#"
    name = "shop"
    [services.install]
    kind = "job"
    run = "npm ci --offline --no-audit --no-fund && echo ran >> ../runs"
    inputs = ["package-lock.json"]
    "#;

fn npm(project: &Project, version: &str) {
    project.write("lib/package.json", r#"{"name":"lib","version":"1.0.0"}"#);
    project.write("package.json", r#"{"name":"shop","version":"1.0.0","dependencies":{"lib":"file:lib"}}"#);
    project.write(
        "package-lock.json",
        format!(
            r#"{{"name":"shop","version":"{version}","lockfileVersion":3,"requires":true,"packages":{{
            "":{{"name":"shop","version":"1.0.0","dependencies":{{"lib":"file:lib"}}}},
            "lib":{{"version":"1.0.0"}},"node_modules/lib":{{"resolved":"lib","link":true}}}}}}"#
        ),
    );
}

/// Starts the group, waits for the job, and ends the group: what the job became, and what devgroup knows of it.
fn once(project: &Project) -> (Option<i32>, Value) {
    detach_any(project);
    let waited = Stream::ask(project, &["wait", "install", "--timeout", "60s"]);
    let status = status(project);
    down(project);
    (waited.code, status)
}

fn detach_any(project: &Project) {
    let started = Stream::ask(project, &["-d"]);
    assert!(matches!(started.code, Some(0 | 5)), "{}", started.stderr);
}

fn status(project: &Project) -> Value {
    let asked = Stream::ask(project, &["status", "--json"]);
    let status: Value = serde_json::from_str(&asked.stdout).unwrap();
    status["services"][0].clone()
}

#[test]
fn npm_ci_runs_once_and_again_after_another_lock_file() {
    let project = Project::new(NPM);
    if !has("npm", project.command("npm").arg("--version").output().is_ok_and(|output| output.status.success())) {
        return;
    }
    npm(&project, "1.0.0");
    assert_eq!(once(&project).0, Some(0));
    assert!(project.path("node_modules/lib").exists(), "it has installed");
    assert_eq!(project.lines("../runs"), 1);
    let (code, install) = once(&project);
    assert_eq!((code, project.lines("../runs")), (Some(0), 1), "not again");
    assert_eq!((&install["state"], &install["last_exit"]), (&"done".into(), &Value::Null));
    let reason = install["reason"].as_str().unwrap();
    assert!(reason.starts_with("package-lock.json unchanged since the last success ("), "{reason}");
    npm(&project, "1.0.1");
    assert_eq!(once(&project).0, Some(0));
    assert_eq!(once(&project).0, Some(0));
    assert_eq!(project.lines("../runs"), 2, "once more after the change");
}

/// A job that fails while a file says so.
const SHELL: &str = r#"
    name = "shop"
    [services.install]
    kind = "job"
    run = "echo ran >> ../runs; test ! -e ../broken"
    inputs = ["lock", "sql/*.sql"]
    "#;

fn shell() -> Project {
    let project = Project::new(SHELL);
    project.write("lock", "one");
    project.write("sql/1.sql", "one");
    project
}

#[test]
fn status_and_why_say_what_was_compared_and_with_which_success() {
    let project = shell();
    let why = |project: &Project| Stream::ask(project, &["why", "install"]).stdout;
    let before = why(&project);
    assert!(before.contains("\n  inputs  lock, sql/*.sql · 2 files, no success to compare with"), "{before}");
    let (_, ran) = once(&project);
    assert_eq!(ran["inputs"]["patterns"], serde_json::json!(["lock", "sql/*.sql"]));
    assert_eq!(ran["inputs"]["unchanged"], Value::Null, "it has run");
    let (_, skipped) = once(&project);
    let unchanged = &skipped["inputs"]["unchanged"];
    assert_eq!(unchanged["files"], 2);
    assert!(unchanged["last_success_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{unchanged}");
    let reason = skipped["reason"].as_str().unwrap();
    assert!(reason.starts_with("lock and 1 more (2 files) unchanged since the last success ("), "{reason}");
    let told = why(&project);
    assert!(
        told.starts_with("install\n  the group is not running\n  inputs  lock, sql/*.sql · 2 files, unchanged since"),
        "{told}"
    );
    assert!(told.contains("\n  start   has nothing to do; `devgroup run install --force` runs it anyway\n"), "{told}");
    let json = Stream::ask(&project, &["why", "install", "lock", "--json"]).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    let install = &json["services"][0];
    assert_eq!((&install["service"], &install["inputs"]["unchanged"]), (&"install".into(), &true.into()), "{json}");
    assert_eq!(install["inputs"]["last_success_at"], unchanged["last_success_at"]);
    assert_eq!(json["paths"][0]["path"], "lock");
    project.write("sql/1.sql", "two");
    let told = why(&project);
    assert!(told.contains(" · 2 files, changed since the last success ") && told.contains("start   runs it"), "{told}");
    project.write("sql/1.sql", "one");
    project.write("procgroup.toml", SHELL.replace("run = \"echo", "run = \"true; echo"));
    let told = why(&project);
    assert!(told.contains("the command, its folder or its environment has changed since"), "{told}");
    std::fs::remove_file(project.path("lock")).unwrap();
    let told = why(&project);
    assert!(told.contains("nothing matches lock") && told.contains("start   runs it"), "{told}");
    // A file of that name is meant as well.
    project.write("install", "");
    let told = why(&project);
    assert!(told.contains("start   runs it") && told.contains("\n\ninstall\n  no match"), "{told}");
    let file = Stream::ask(&project, &["why", "./install"]).stdout;
    assert!(file.starts_with("install\n  no match"), "{file}");
}

#[test]
fn why_says_what_is_true_where_there_is_no_success() {
    let project = Project::new(
        "name = 'shop'\n[services.install]\nkind = 'job'\ninputs = ['lock']\n\
         run = ': > ../begun; until test -e ../go; do sleep 0.02; done; : \"$@\"; test ! -e ../broken'\n",
    );
    project.write("lock", "one");
    let why = |expected: &str| {
        let told = Stream::ask(&project, &["why", "install"]).stdout;
        assert!(told.contains(&format!(" · 1 file, no success to compare with{expected}\n")), "{expected}: {told}");
    };
    why(" yet");
    let running = Stream::start(&project, &["run", "install"]);
    // Before that, its inputs may not have been read.
    wait_for("its command runs", || project.path("../begun").exists());
    assert!(Stream::ask(&project, &["why", "install"]).stdout.contains("it is running now"));
    project.write("lock", "two");
    project.write("../go", "");
    assert_eq!(running.wait_exit().code, Some(0));
    why(": an input changed during the last run");
    assert_eq!(Stream::run(&project, &["run", "install", "--", "more"]).code, Some(0));
    why(": the last run had arguments, so it does not count");
    project.write("../broken", "");
    assert_eq!(Stream::run(&project, &["run", "install"]).code, Some(1));
    why(": the last run failed or was stopped");
}

#[test]
fn a_failure_is_no_success_whatever_was_before() {
    let project = shell();
    assert_eq!(once(&project).0, Some(0));
    project.write("lock", "two");
    project.write("../broken", "");
    assert_eq!(once(&project).0, Some(5));
    assert_eq!(project.lines("../runs"), 2);
    // What it was at the success is there again, but what the failed run has left is not.
    std::fs::remove_file(project.path("../broken")).unwrap();
    project.write("lock", "one");
    assert_eq!(once(&project).0, Some(0));
    assert_eq!(once(&project).0, Some(0));
    assert_eq!(project.lines("../runs"), 3);
}

#[test]
fn a_checkout_there_and_back_is_no_change() {
    let project = shell();
    project.git(&["init", "-q"]);
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "one"]);
    project.git(&["checkout", "-qb", "other"]);
    project.write("lock", "two");
    project.git(&["commit", "-qam", "two"]);
    project.git(&["checkout", "-q", "main"]);
    assert_eq!(once(&project).0, Some(0));
    project.git(&["checkout", "-q", "other"]);
    project.git(&["checkout", "-q", "main"]);
    assert_eq!(once(&project).0, Some(0));
    assert_eq!(project.lines("../runs"), 1, "there and back");
    project.git(&["checkout", "-q", "other"]);
    assert_eq!(once(&project).0, Some(0));
    project.git(&["checkout", "-q", "main"]);
    assert_eq!(once(&project).0, Some(0));
    assert_eq!(project.lines("../runs"), 3, "it has run on the other branch");
}

#[test]
fn what_is_missing_or_damaged_or_asked_for_runs() {
    let project = shell();
    detach(&project);
    let runs = |count: usize| {
        wait_for("the job has run", || project.lines("../runs") == count && status(&project)["state"] == "done");
    };
    runs(1);
    assert_eq!(Stream::ask(&project, &["restart", "install", "--wait"]).code, Some(0));
    runs(2);
    let log = Stream::ask(&project, &["logs", "install"]).stdout;
    assert!(!log.contains("since the last success"), "{log}");
    assert_eq!(Stream::ask(&project, &["start", "install", "--wait"]).code, Some(0));
    runs(2);
    let log = Stream::ask(&project, &["logs", "install"]).stdout;
    assert!(log.contains("── done · lock and 1 more (2 files) unchanged since the last success ("), "{log}");
    down(&project);
    let check = Stream::ask(&project, &["check"]);
    assert!(!check.stderr.contains("missing-input"), "{}", check.stderr);
    std::fs::remove_file(project.path("sql/1.sql")).unwrap();
    let check = Stream::ask(&project, &["check"]);
    assert!(check.stderr.contains("no file matches this pattern, so `install` runs at each start"), "{}", check.stderr);
    assert_eq!((once(&project).0, project.lines("../runs")), (Some(0), 3));
    assert_eq!((once(&project).0, project.lines("../runs")), (Some(0), 4));
    project.write("sql/1.sql", "one");
    assert_eq!((once(&project).0, once(&project).0, project.lines("../runs")), (Some(0), Some(0), 5));
    let state = std::fs::read_dir(project.path("../home/state/devgroup")).unwrap().flatten();
    let group = state.map(|entry| entry.path()).find(|path| path.is_dir()).unwrap();
    let files = std::fs::read_dir(group).unwrap().flatten().map(|entry| entry.path());
    let record = files.into_iter().find(|path| path.to_string_lossy().contains("/inputs-")).unwrap();
    std::fs::write(record, "{\"version\":1").unwrap();
    assert_eq!((once(&project).0, project.lines("../runs")), (Some(0), 6), "a damaged record is none");
}

#[test]
fn an_input_that_cannot_be_read_is_told_by_check() {
    let project = Project::new("[services.install]\nkind = 'job'\nrun = 'true'\ninputs = ['pipe']\n");
    nix::unistd::mkfifo(&project.path("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let said = Stream::ask(&project, &["check"]).stderr;
    assert!(said.contains("its inputs cannot be compared, so `install` runs at each start"), "{said}");
    assert!(said.contains("pipe: not a regular file"), "{said}");
}

#[test]
fn a_group_ends_with_a_job_that_need_not_run() {
    let project = shell();
    for _ in 0..2 {
        let run = Stream::run(&project, &["--no-tui", "--exit-with", "install", "install"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    assert_eq!(project.lines("../runs"), 1);
}
