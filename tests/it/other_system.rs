//! What macOS does not tell, played on Linux (`DEVGROUP_PORTABLE=all`): what does not hold there fails softly, and what stays in
//! the process group of its service ends with it, whatever becomes of devgroup.

use std::collections::HashSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rustix::process::{Pid, Signal, WaitOptions, getpgid, getpgrp, waitpgid};
use serde_json::Value;

use crate::harness::{Project, Stream, kill, pause, wait_for};

fn project(services: &str) -> Project {
    Project::new(services).with_env("DEVGROUP_PORTABLE", "all")
}

/// The commands that begin so, of what lives.
fn living(project: &Project, beginning: &str) -> Vec<String> {
    let commands = project.processes().into_iter().map(|(_, command)| command);
    let mut living: Vec<String> = commands.filter(|command| command.starts_with(beginning)).collect();
    living.sort_unstable();
    living
}

/// Takes note of the ends in the process groups of the services until the answer is dropped, as the first process of a system
/// does. Tests of hosts beside this one make this program the parent of whom nobody has any more, and a group whose members
/// nobody has taken note of is still there.
fn reap(project: &Project, program: u32) -> Arc<()> {
    let group_of = |pid: i32| getpgid(Pid::from_raw(pid)).ok();
    // Not who is waited for by this test itself.
    let others = [group_of(program.cast_signed()), Some(getpgrp())];
    let members = project.processes().into_iter().filter_map(|(pid, _)| group_of(pid));
    let groups: HashSet<Pid> = members.filter(|group| !others.contains(&Some(*group))).collect();
    let wanted = Arc::new(());
    let still_wanted = Arc::downgrade(&wanted);
    thread::spawn(move || {
        while still_wanted.strong_count() > 0 {
            for group in &groups {
                while waitpgid(*group, WaitOptions::NOHANG).is_ok_and(|ended| ended.is_some()) {}
            }
            pause();
        }
    });
    wanted
}

#[test]
fn what_is_not_told_is_said_and_stops_nothing_else() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let project = project(&format!(
        "[defaults]\nrestart = 'never'\n[services]\n\
         shell = {{ run = 'sleep 1000; true', limits = {{ memory = '1MiB' }} }}\n\
         notifies = {{ run = 'exec sleep 1001', ready = {{ sd_notify = true }} }}\n\
         serves = {{ run = 'exec sleep 1002', port = {port} }}\n"
    ));
    let mut group = Stream::start(&project, &["--no-tui"]);
    group.wait_for_text("could not start · sd_notify: this system does not tell who sends a notification");
    let holder = "a process that is not visible from here";
    group.wait_for_text(&format!("serves cannot have port {port}: {holder} listens on it"));
    wait_for("both run", || living(&project, "sleep ") == ["sleep 1000", "sleep 1002"]);

    let asked = Stream::ask(&project, &["status", "--usage", "--json"]);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    let status: Value = serde_json::from_str(&asked.stdout).unwrap();
    let shell = &status["services"][0];
    let nothing = serde_json::json!({ "cpu_percent": null, "memory_bytes": null });
    assert_eq!((&shell["state"], &shell["usage"]), (&"running".into(), &nothing), "{status}");
    assert_eq!(status["watch"]["backend"], Value::Null, "nothing is watched");

    let restarted = Stream::ask(&project, &["restart", "shell", "--wait"]);
    assert_eq!(restarted.code, Some(0), "{}", restarted.stderr);
    assert_eq!(living(&project, "sleep "), ["sleep 1000", "sleep 1002"], "one of each");
    assert_eq!(Stream::ask(&project, &["stop", "shell", "--wait"]).code, Some(0));
    assert_eq!(living(&project, "sleep "), ["sleep 1002"]);
    let down = Stream::ask(&project, &["down"]);
    assert_eq!(down.code, Some(0), "{}", down.stderr);
    assert_eq!(group.wait_exit().code, Some(5), "one could not start");
}

/// It is the limit that the README names.
#[test]
fn who_has_left_the_session_of_its_service_outlives_it_and_nobody_waits_for_that() {
    let project = project("[services]\ndaemon = 'setsid sleep 1001 & exec sleep 1000'\n");
    let group = Stream::start(&project, &["--no-tui"]);
    wait_for("both are up", || living(&project, "sleep ") == ["sleep 1000", "sleep 1001"]);
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    assert_eq!(group.wait_client().code, Some(0));
    assert_eq!(living(&project, "sleep "), ["sleep 1001"]);
}

#[test]
fn the_guard_ends_the_process_groups_of_a_program_that_was_killed() {
    let project = project(
        "[tasks]\ndir = 'shared'\n[services]\n\
         shell = 'sleep 1000; true'\n\
         deaf = \"trap '' TERM HUP; touch ../home/up; while :; do sleep 0.05; done\"\n\
         gone = 'exit 0'\n\
         marie = { kind = 'worker', run = 'exec sleep 1001' }\n",
    );
    project.write("shared/tasks/marie/one.json", r#"{"task_id":"one","description":"x"}"#);
    let mut group = Stream::start(&project, &["--no-tui"]);
    wait_for("all are up", || {
        project.path("../home/up").exists() && living(&project, "sleep 1") == ["sleep 1000", "sleep 1001"]
    });
    group.wait_for("one has ended", |out| out.lines().any(|line| line.starts_with("gone") && line.contains("exit 0")));
    let _reaper = reap(&project, group.program());
    kill(group.program().cast_signed(), Signal::KILL);
    let ended = group.wait_exit();
    assert_eq!(ended.code, Some(137), "{ended:?}");
    let said = ended.stderr.lines().find(|line| line.starts_with("devgroup was killed by SIGKILL")).unwrap_or_default();
    let (_, groups) = said.split_once(" · killed leftover process groups: ").unwrap_or_else(|| panic!("{ended:?}"));
    assert_eq!(groups.split(", ").count(), 3, "{said}");
}
