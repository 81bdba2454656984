//! Folders that cannot be written, in the middle of a batch: nothing is lost, and all is published after.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use super::{DIR, claimed, drop_task, json, names, path, project, wait_until_done};
use crate::harness::{Dash, Project, Stream, detach, down, wait_for};
use crate::trust::{SOMEBODY, can_be_others, give_to_user, start_as};

const DONE: &str = "'''echo x >> tries; echo \"$TASK_DESCRIPTION\"'''";
const KEYS: &str = "heartbeat = \"100ms\"";

fn health(project: &Project) -> serde_json::Value {
    json(&path(project, "heartbeats/marie.json"))["status"].clone()
}

#[test]
fn results_without_permission_are_published_when_there_is_some() {
    if !can_be_others() {
        return;
    }
    let project = project(DONE, KEYS);
    drop_task(&project, "first", "x");
    fs::create_dir_all(path(&project, "results/marie")).unwrap();
    give_to_user(&project, SOMEBODY);
    let mut group = start_as(&project, SOMEBODY, &["--no-tui"]);
    group.wait_for_text("first · completed");
    let results = path(&project, "results/marie");
    fs::set_permissions(&results, fs::Permissions::from_mode(0o555)).unwrap();
    for number in 0..20 {
        drop_task(&project, &format!("t-{number}"), "x");
    }
    wait_for("the worker says so", || health(&project) == "unhealthy");
    assert_eq!(names(&project, "results/marie"), ["first.json"]);
    let waiting = names(&project, "tasks/marie").len();
    assert!(waiting > 0, "nothing more is claimed");
    assert!(!claimed(&project).is_empty());
    fs::set_permissions(&results, fs::Permissions::from_mode(0o755)).unwrap();
    wait_for("all have results", || names(&project, "results/marie").len() == 21);
    wait_until_done(&project);
    wait_for("it is well again", || health(&project) == "healthy");
    assert_eq!(project.lines("tries"), 21, "nothing is tried twice");
    assert!(names(&project, "dlq/marie").is_empty());
    group.signal(rustix::process::Signal::TERM);
    group.wait_exit();
}

/// A small disk, for as long as this lives. `None` if this user may not mount one.
struct Disk(PathBuf);

impl Disk {
    fn mount(place: PathBuf) -> Option<Self> {
        fs::create_dir_all(&place).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&place).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: needs the right to mount");
            return None;
        }
        Some(Self(place))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Nobody is left in it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn on_a_full_disk_outcomes_are_kept_and_published_when_there_is_room() {
    // More than one page each.
    let project = project("'''echo x >> ../tries; head -c 9000 /dev/zero | tr \"\\0\" x'''", KEYS);
    let Some(_disk) = Disk::mount(path(&project, "")) else { return };
    for number in 0..5 {
        drop_task(&project, &format!("early-{number}"), "x");
    }
    detach(&project);
    wait_for("the first have results", || names(&project, "results/marie").len() == 5);
    for number in 0..15 {
        drop_task(&project, &format!("t-{number}"), "x");
    }
    // What is left of the disk, while the batch runs.
    let ballast = path(&project, "ballast");
    let _ = fs::write(&ballast, vec![0; 1 << 20]);
    wait_for("the worker says so, or is done", || {
        let log = super::log(&project);
        log.contains("nothing is claimed until that works") || names(&project, "results/marie").len() == 20
    });
    fs::remove_file(&ballast).unwrap();
    wait_for("all have results", || names(&project, "results/marie").len() == 20);
    wait_until_done(&project);
    assert_eq!(project.lines("../tries"), 20, "nothing is tried twice");
    assert!(names(&project, "dlq/marie").is_empty());
    assert_eq!(Stream::ask(&project, &["stop", "marie", "--wait"]).code, Some(0));
    down(&project);
}

#[test]
fn a_disk_that_does_not_answer_holds_up_neither_keys_nor_services_nor_the_end() {
    let services = "[services.marie]\nkind = \"worker\"\nrun = \"echo done\"\nstop = { grace = \"500ms\" }\n\
        [services.web]\nrun = \"echo up; exec sleep 1000\"\n";
    let project = Project::new(&format!("[tasks]\ndir = \"{DIR}\"\n{services}"));
    let (hangs, reached) = (project.path("../hangs"), project.path("../hangs.reached"));
    let project = project.with_env("DEVGROUP_FAULT", &format!("task folder={}", hangs.display()));
    let mut dash = Dash::start(&project, (120, 30), &[]);
    dash.wait_for("both run", |screen| {
        screen.contains("marie") && screen.contains("0/3") && screen.contains("running")
    });
    fs::write(&hangs, "").unwrap();
    drop_task(&project, "first", "x");
    wait_for("the thread of the workers hangs", || reached.exists());

    dash.keys("2");
    dash.wait_for("the other service is chosen", |screen| screen.contains("2 web"));
    dash.keys("r");
    dash.wait_for("it restarts", |screen| screen.contains("restarted manually"));
    dash.keys("z");
    dash.wait_for("its log is alone", |screen| !screen.contains("marie"));
    dash.keys("q");
    dash.wait_for("the others are there again", |screen| screen.contains("marie"));
    let status = Stream::ask(&project, &["status", "--json"]);
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    assert!(!path(&project, "results/marie/first.json").exists());
    fs::remove_file(&hangs).unwrap();
    super::wait_for_result(&project, "first");

    fs::remove_file(&reached).unwrap();
    fs::write(&hangs, "").unwrap();
    drop_task(&project, "second", "x");
    wait_for("it hangs again", || reached.exists());
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(7), "what does not answer is not waited for, and that is said");
    fs::remove_file(&hangs).unwrap();
    detach(&project);
    assert_eq!(super::wait_for_result(&project, "second")["status"], "completed", "nothing is lost");
    down(&project);
}
