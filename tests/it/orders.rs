//! Orders and waits: each is answered by what became of its own run, whatever happens beside it.

use crate::harness::{Project, Stream, detach, down, wait_for};

/// A service that is validated as long as `hold` is there, and not valid if `bad` is; it is ready when `ready` is there,
/// and fails at once if `broken` is.
const HELD: &str = r#"
    [services.api]
    run = "if [ -e ../home/broken ]; then exit 4; fi; exec sleep 1000"
    ready = { cmd = "test -e ../home/ready", timeout = "60s" }
    validate = { run = "while [ -e ../home/hold ]; do sleep 0.01; done; test ! -e ../home/bad" }
    [services.other]
    run = "exec sleep 1000"
    "#;

const OTHER: &str = "[services.other]\nrun = \"exec sleep 1000\"\n";

/// The group of [`HELD`], up.
fn held() -> Project {
    let project = Project::new(HELD);
    project.write("../home/ready", "");
    detach(&project);
    project
}

fn run_order(project: &Project, arguments: &[&str]) {
    let told = Stream::ask(project, arguments);
    assert_eq!(told.code, Some(0), "{arguments:?}: {}{}", told.stdout, told.stderr);
}

fn wait_for_state(project: &Project, name: &str, state: &str) {
    let is_so = |line: &str| line.starts_with(name) && line.contains(state);
    wait_for(&format!("{name} is {state}"), || Stream::ask(project, &["status"]).stdout.lines().any(is_so));
}

fn remove(project: &Project, path: &str) {
    std::fs::remove_file(project.path(path)).unwrap();
}

/// A restart that is waited for, longer than any test takes.
fn restart(project: &Project) -> Stream<'_> {
    Stream::start(project, &["restart", "api", "--wait", "--timeout", "5m"])
}

#[track_caller]
fn expect(waiting: Stream<'_>, code: i32, words: &str) {
    let ended = waiting.wait_client();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), words), "{}", ended.stderr);
}

const JOB: &str = r#"
    [services]
    job = { run = "while [ -e ../home/busy ]; do sleep 0.01; done; test ! -e ../home/bad", kind = "job", validate = { run = "while [ -e ../home/hold ]; do sleep 0.01; done" } }
    api = "exec sleep 1000"
    "#;

#[test]
fn the_exit_of_a_job_that_runs_again_is_that_of_the_new_run() {
    let project = Project::new(JOB);
    detach(&project);
    let wait = ["wait", "job", "--for", "exit", "--timeout", "5m"];
    run_order(&project, &wait);
    project.write("../home/bad", "");
    project.write("../home/hold", "");
    // The old run is over, the new one has not begun.
    run_order(&project, &["restart", "job"]);
    let waiting = Stream::start(&project, &wait);
    wait_for_state(&project, "job", "starting (validating)");
    remove(&project, "../home/hold");
    expect(waiting, 5, "job: failed (exit 1)\n");
    // The next one still runs when it is replaced.
    project.write("../home/busy", "");
    run_order(&project, &["restart", "job"]);
    wait_for_state(&project, "job", "running");
    let before = Stream::start(&project, &wait);
    run_order(&project, &["restart", "job"]);
    let after = Stream::start(&project, &wait);
    remove(&project, "../home/busy");
    expect(before, 5, "job: failed (exit 1)\n");
    expect(after, 5, "job: failed (exit 1)\n");
    down(&project);
}

#[test]
fn a_restart_that_is_not_valid_has_failed_whatever_the_old_run_does() {
    let project = held();
    project.write("../home/bad", "");
    let goes_on = "api: failed · validate failed · exit 1 · the old run continues\n";
    // The old run is up …
    expect(restart(&project), 5, goes_on);
    assert_eq!(Stream::ask(&project, &["wait", "api"]).code, Some(0), "the old run is ready still");
    // … is starting …
    remove(&project, "../home/bad");
    remove(&project, "../home/ready");
    run_order(&project, &["restart", "api"]);
    wait_for_state(&project, "api", "starting");
    project.write("../home/bad", "");
    expect(restart(&project), 5, goes_on);
    // … and is down.
    run_order(&project, &["stop", "api", "--wait"]);
    expect(restart(&project), 5, "api: failed · validate failed · exit 1\n");
    let start = Stream::ask(&project, &["start", "api", "--wait"]);
    assert_eq!(start.code, Some(5), "{}{}", start.stdout, start.stderr);
    down(&project);
}

#[test]
fn a_restart_that_another_one_overtakes_is_answered_by_the_last_run() {
    let project = held();
    // Before the first one has begun …
    project.write("../home/hold", "");
    let first = restart(&project);
    wait_for_state(&project, "api", "(validating)");
    // What fails here must not have been ready before.
    remove(&project, "../home/ready");
    project.write("../home/broken", "");
    run_order(&project, &["restart", "api"]);
    remove(&project, "../home/hold");
    expect(first, 5, "api: failed (exit 4)\n");
    // … and when it starts already.
    remove(&project, "../home/broken");
    let first = restart(&project);
    wait_for_state(&project, "api", "starting");
    project.write("../home/broken", "");
    run_order(&project, &["restart", "api"]);
    expect(first, 5, "api: failed (exit 4)\n");
    remove(&project, "../home/broken");
    let first = restart(&project);
    wait_for_state(&project, "api", "starting");
    run_order(&project, &["restart", "api"]);
    project.write("../home/ready", "");
    expect(first, 0, "api: ready\n");
    down(&project);
}

#[test]
fn a_stop_or_a_removal_ends_a_restart_that_is_waited_for() {
    let project = held();
    let stopped = "api: stopped\n";
    project.write("../home/hold", "");
    let waiting = restart(&project);
    wait_for_state(&project, "api", "(validating)");
    run_order(&project, &["stop", "api"]);
    expect(waiting, 5, stopped);
    remove(&project, "../home/hold");
    remove(&project, "../home/ready");
    let waiting = restart(&project);
    wait_for_state(&project, "api", "starting");
    run_order(&project, &["stop", "api"]);
    expect(waiting, 5, stopped);
    let waiting = restart(&project);
    wait_for_state(&project, "api", "starting");
    project.write("procgroup.toml", OTHER);
    expect(waiting, 5, stopped);
    down(&project);
}

#[test]
fn a_stop_is_over_although_somebody_starts_it_again() {
    let project = Project::new(
        "[services]\napi = \"trap 'while [ -e ../home/busy ]; do sleep 0.01; done; exit' TERM; touch ../home/up; while :; do sleep 0.01; done\"\n",
    );
    project.write("../home/busy", "");
    detach(&project);
    wait_for("it handles the signal", || project.path("../home/up").exists());
    let stopping = Stream::start(&project, &["stop", "api", "--wait", "--timeout", "5m"]);
    wait_for_state(&project, "api", "stopping");
    run_order(&project, &["start", "api"]);
    remove(&project, "../home/busy");
    expect(stopping, 0, "api: stopped\n");
    run_order(&project, &["wait", "api", "--timeout", "5m"]);
    down(&project);
}

#[test]
fn what_waits_for_a_change_is_waited_for_no_longer() {
    let project = Project::new(
        "[services]\napi = { run = \"test -e works || exit 3; exec sleep 1000\", watch = [\"works\"], ready = { cmd = \"test -e works\" } }\n",
    );
    let start = Stream::ask(&project, &["-d"]);
    assert_eq!(start.code, Some(5), "{}", start.stderr);
    for arguments in [&["wait", "api"][..], &["restart", "api", "--wait"], &["start", "api", "--wait"]] {
        let arguments = [arguments, &["--timeout", "5m"]].concat();
        expect(Stream::start(&project, &arguments), 5, "api: failed (exit 3)\n");
    }
    let status = Stream::ask(&project, &["status", "--json"]).stdout;
    assert!(
        status.contains(r#""reason":"waiting for a change to works · devgroup restart api restarts it""#),
        "{status}"
    );
    down(&project);
}
