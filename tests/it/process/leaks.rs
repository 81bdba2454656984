//! Nothing is left of a run that is over: no descriptor, no thread, no process.

use std::path::Path;
use std::time::{Duration, Instant};

use devgroup::domain::{ExitStatus, Signal};

use super::bench::{Bench, last_number, names_of_threads, shell, wait_for};

use crate::harness::is_linux;

/// Runs a test in a program of its own: the test binary, called for that test. To be asked by tests that count what the
/// whole program has, and by those whose runs carry a mark: whom a host adopts and no older run can have started is taken
/// for a member of the run and ended, and here that would be the groups of the tests beside it.
pub(crate) fn alone(test: &str) -> bool {
    const MARK: &str = "DEVGROUP_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1", "--nocapture"])
        .env(MARK, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "there is no test of the name {test}: {said}");
    false
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(Path::new("/proc/self").join(folder)).unwrap().count()
}

/// Threads, but for those that make processes: there are as many as were once needed.
fn threads() -> usize {
    names_of_threads().into_iter().filter(|name| name != "devgroup-spawn").count()
}

fn threads_of_runs() -> usize {
    names_of_threads().into_iter().filter(|name| name.starts_with("run ")).count()
}

fn wait_until_quiet() {
    wait_for("no run has a thread", || (threads_of_runs() == 0).then_some(()));
}

/// Pipes that are open.
fn pipes() -> usize {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("pipe:")).count()
}

#[test]
fn two_hundred_runs_leave_nothing_behind() {
    if !alone("process::leaks::two_hundred_runs_leave_nothing_behind") {
        return;
    }
    let mut bench = Bench::new();
    // What all quiet runs share is there.
    bench.sh("quiet", "echo up; exec sleep 1000");
    bench.line("quiet", "up");
    wait_until_quiet();
    let others = pipes();
    bench.change_command("api", "echo the thread for tasks is there");
    bench.line("api", "is there");
    let before = wait_for("the hook's pipe to be closed", || (pipes() == others).then(|| (count("fd"), threads())));
    for run in 1..=200 {
        bench.host.spawn(bench.launch("api", run, shell("echo up; exit 1")));
        assert_eq!(bench.exited("api"), (ExitStatus::Code(1), true));
    }
    wait_for("descriptors and threads to be given back", || {
        (count("fd") <= before.0 && threads() <= before.1).then_some(())
    });
    let children = std::fs::read_to_string(format!("/proc/self/task/{}/children", std::process::id())).unwrap();
    assert_eq!(children, "");
    bench.signal("quiet", Signal::Term);
    assert_eq!(bench.exited("quiet"), (ExitStatus::Signal(15), true));
}

#[test]
fn helpers_that_are_replaced_are_reaped() {
    if !alone("process::leaks::helpers_that_are_replaced_are_reaped") {
        return;
    }
    let bench = Bench::new();
    for number in 1..=20 {
        bench.change_command("api", &format!("echo hook {number}.; exec sleep 1000"));
        bench.line("api", &format!("hook {number}."));
    }
    bench.change_command("api", "true");
    wait_for("all of them to be gone, and not only dead", || {
        let threads = std::fs::read_dir("/proc/self/task").unwrap();
        let children = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")));
        children.filter_map(Result::ok).all(|children| children.is_empty()).then_some(())
    });
}

#[test]
fn services_that_sleep_cost_nothing() {
    if !is_linux() {
        return;
    }
    if !alone("process::leaks::services_that_sleep_cost_nothing") {
        return;
    }
    let mut bench = Bench::new();
    let services: Vec<String> = (0..8).map(|number| format!("s{number}")).collect();
    for service in &services {
        bench.sh(service, "echo up; exec sleep 1000");
    }
    for service in &services {
        bench.line(service, "up");
    }
    // One that has no terminal open any more: its end of the terminal says "hung up" without end.
    bench.sh(
        "s8",
        "exec </dev/null >/dev/null 2>&1; sleep 0.1; echo up >/dev/tty; sleep 0.1; : >/dev/tty; exec sleep 1000",
    );
    bench.line("s8", "up");
    wait_until_quiet();
    // Sleeping and being interrupted both count.
    let switches = || -> u64 {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
        // Our own thread polls; the one of the runs is looked at.
        let of_runs =
            tasks.filter(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name == "quiet runs\n"));
        let statuses: Vec<String> = of_runs.map(|task| std::fs::read_to_string(task.join("status")).unwrap()).collect();
        assert_eq!((statuses.len(), threads_of_runs()), (1, 0));
        let counts = statuses.iter().flat_map(|status| status.lines().filter(|line| line.contains("ctxt_switches")));
        counts.map(|line| u64::from(last_number(line))).sum()
    };
    let mut before = switches();
    let mut since = Instant::now();
    wait_for("a second without a wake-up", || {
        let now = switches();
        if now != before {
            (before, since) = (now, Instant::now());
        }
        (since.elapsed() > Duration::from_secs(1)).then_some(())
    });
    for service in &services {
        bench.signal(service, Signal::Term);
    }
    for service in &services {
        assert_eq!(bench.exited(service), (ExitStatus::Signal(15), true));
    }
}

#[test]
fn twenty_at_once_all_start_and_all_end() {
    let mut bench = Bench::new();
    let services: Vec<String> = (0..20).map(|number| format!("s{number}")).collect();
    for service in &services {
        bench.sh(service, &format!("echo I am {service}; exec sleep 1000"));
    }
    for service in &services {
        bench.line(service, &format!("I am {service}"));
    }
    for service in &services {
        bench.signal(service, Signal::Term);
    }
    for service in &services {
        assert_eq!(bench.exited(service), (ExitStatus::Signal(15), true));
    }
}
