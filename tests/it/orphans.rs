//! Processes that have left their session and thrown away their environment still end with their run.

use std::fs;

use crate::harness::{Project, Stream, is_linux, wait_for};

/// `sleep 1001` in a session of its own, with nothing of its environment left but what the test knows it by.
const STRAY: &str = r#"env -i DEVGROUP_TEST_ID="$DEVGROUP_TEST_ID" setsid sh -c 'sleep 1001; :'"#;

fn orphans(project: &Project) -> usize {
    project.processes().iter().filter(|(_, command)| command == "sleep 1001").count()
}

/// Restarts `api` some times: there is one of it, then and after the end none.
fn check(services: &str) {
    if !is_linux() {
        return;
    }
    let project = Project::new(&format!("[defaults]\nstop = {{ grace = \"2s\" }}\n[services]\n{services}"));
    let started = Stream::ask(&project, &["-d"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    for _ in 0..4 {
        wait_for("the stray is there", || orphans(&project) > 0);
        let restarted = Stream::ask(&project, &["restart", "api", "--wait"]);
        assert_eq!(restarted.code, Some(0), "{}{}", restarted.stdout, restarted.stderr);
        assert!(orphans(&project) <= 1, "{:?}", project.processes());
    }
    assert_eq!(Stream::ask(&project, &["stop", "api", "--wait"]).code, Some(0));
    assert_eq!(orphans(&project), 0, "{:?}", project.processes());
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    project.assert_nothing_left();
}

#[test]
fn one_that_was_below_its_run_when_that_was_asked_to_end() {
    let away = "</dev/null >/dev/null 2>&1";
    check(&format!("other = \"exec sleep 1000\"\napi = '''{STRAY} {away} & exec sleep 1002'''\n"));
}

#[test]
fn one_that_was_an_orphan_before_and_has_the_terminal_open() {
    check(&format!("other = \"exec sleep 1000\"\napi = '''({STRAY} &); exec sleep 1002'''\n"));
}

#[test]
fn one_that_was_an_orphan_before_and_that_nobody_else_can_have_started() {
    check(&format!("api = '''({STRAY} </dev/null >/dev/null 2>&1 &); exec sleep 1002'''\n"));
}

#[test]
fn a_devgroup_that_is_called_otherwise_is_known_as_one() {
    let project = Project::new("[services]\napi = \"echo up; exec sleep 1000\"\n");
    let link = project.root().join("dg");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_devgroup"), &link).unwrap();
    let mut group = Stream::start_program(&project, link.to_str().unwrap(), &[]);
    group.wait_for_text("up");
    let program = group.program();
    assert_eq!(fs::read_to_string(format!("/proc/{program}/comm")).unwrap(), "devgroup\n");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    assert_eq!(group.wait_exit().code, Some(0));
}
