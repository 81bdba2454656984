//! Stopped by a signal and let go on by the shell, as by `kill -TSTP` and `fg`: the terminal is given back and taken again.

use std::fs;
use std::path::Path;

use rustix::process::{Signal, getpgid, kill_process, kill_process_group};

use crate::harness::{Dash, Project, Stream, has, process, program_below};

const GROUP: &str = "name = 'shop'\n[services]\napi = 'echo api\\-is-up; exec sleep 1000'\n\
    clock = 'while :; do echo tick >> ../home/ticks; sleep 0.02; done'\n";

/// Who is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    All,
    Guard,
    Program,
}

const STOPS: [(Whom, Signal); 5] = [
    (Whom::All, Signal::TSTP),
    (Whom::Guard, Signal::TSTP),
    (Whom::Program, Signal::TSTP),
    (Whom::Program, Signal::STOP),
    // Nobody can do anything before it: the terminal stays as it is until all go on.
    (Whom::All, Signal::STOP),
];

fn stop(guard: u32, (whom, signal): (Whom, Signal)) {
    match whom {
        Whom::All => kill_process_group(getpgid(Some(process(guard))).unwrap(), signal),
        Whom::Guard => kill_process(process(guard), signal),
        Whom::Program => kill_process(process(program_below(guard).unwrap()), signal),
    }
    .unwrap();
}

/// Stops a dashboard below a shell in every way, and lets it go on each time.
fn stop_and_go_on(project: &Project, shell: &str, arguments: &str) {
    let devgroup = env!("CARGO_BIN_EXE_devgroup");
    let again = "echo stopped-$(($? > 128)); read line; echo got-$line; fg >/dev/null";
    let again = [again; STOPS.len()].join("; ");
    let script = format!("set -m; {devgroup} {arguments}; {again}; echo over-$?; read line");
    let mut dash = Dash::start_program(project, shell, (100, 30), &["-c", &script]);
    let is_up = |screen: &str| screen.contains("api-is-up") && screen.contains("clock") && !screen.contains("got-");
    dash.wait_for("the dashboard is there", is_up);
    dash.wait_while_reading("the clock ticks", |project| project.lines("../home/ticks") > 0);
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", dash.pid())).unwrap();
    let guard: u32 = children.trim().parse().unwrap();
    let (before, inside) = (dash.modes_before(), dash.modes());
    assert!(before != inside);
    for (number, how) in STOPS.into_iter().enumerate() {
        stop(guard, how);
        dash.wait_for_text("stopped-1");
        if how != (Whom::All, Signal::STOP) {
            assert_eq!(dash.modes(), before, "{how:?} in {shell}: the terminal is as it was\n{}", dash.screen());
        }
        let ticks = project.lines("../home/ticks");
        dash.wait_while_reading("the services go on", |project| project.lines("../home/ticks") > ticks + 3);
        dash.keys(&format!("{number}\n"));
        dash.wait_for(&format!("{how:?} in {shell}: everything is drawn again"), is_up);
        dash.wait_until_raw(&format!("{how:?} in {shell}: the terminal has all modes again"), |dash| {
            dash.modes() == inside
        });
        dash.keys("?");
        dash.wait_for_text("type to filter");
        dash.keys("\x1b");
        dash.wait_for(&format!("{how:?} in {shell}: it takes keys"), is_up);
    }
    dash.keys(if arguments.is_empty() { "q" } else { "D" });
    dash.wait_for_text("over-0");
    dash.keys("\n");
    dash.wait_end();
}

/// Presses Ctrl-Z in front of `devgroup hold`, as in front of any other command.
fn stop_a_hold(shell: &str) {
    let project = Project::new(GROUP);
    let devgroup = env!("CARGO_BIN_EXE_devgroup");
    let held = "echo run\"\"s; read line; echo got-$line; exit 3";
    let script =
        format!("set -m; {devgroup} hold -- sh -c '{held}'; echo stopped-$(($? > 128)); fg >/dev/null; echo over-$?");
    let mut dash = Dash::start_program(&project, shell, (100, 30), &["-c", &script]);
    dash.wait_for_text("runs");
    dash.keys("\x1a");
    dash.wait_for_text("stopped-1");
    dash.keys("on\n");
    dash.wait_for_text("got-on");
    dash.wait_for_text("over-3");
    dash.wait_exit();
}

fn in_each_shell(run: impl Fn(&str)) {
    for shell in ["/bin/bash", "/bin/dash"] {
        if has(shell, Path::new(shell).exists()) {
            run(shell);
        }
    }
}

#[test]
fn a_dashboard_gives_the_terminal_back_and_takes_it_again() {
    in_each_shell(|shell| {
        let project = Project::new(GROUP);
        stop_and_go_on(&project, shell, "");
        project.assert_nothing_left();
    });
}

#[test]
fn who_is_stopped_before_the_dashboard_listens_gets_it_back_too() {
    let project = Project::new(GROUP);
    let (hangs, reached) = (project.path("../hangs"), project.path("../hangs.reached"));
    fs::write(&hangs, "").unwrap();
    let project = project.with_env("DEVGROUP_FAULT", &format!("dashboard begins to listen={}", hangs.display()));
    let devgroup = env!("CARGO_BIN_EXE_devgroup");
    let script = format!("set -m; {devgroup}; echo stopped-$(($? > 128)); read line; fg >/dev/null; echo over-$?");
    let mut dash = Dash::start_program(&project, "/bin/sh", (100, 30), &["-c", &script]);
    dash.wait_until_raw("the first frame is drawn, and nobody listens", |_| reached.exists());
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", dash.pid())).unwrap();
    stop(children.trim().parse().unwrap(), (Whom::All, Signal::TSTP));
    dash.wait_for_text("stopped-1");
    fs::remove_file(&reached).unwrap();
    dash.keys("\n");
    dash.wait_until_raw("it has gone on", |_| reached.exists());
    fs::remove_file(&hangs).unwrap();
    dash.wait_for("everything is drawn", |screen| screen.contains("clock") && !screen.contains("stopped-1"));
    dash.keys("q");
    dash.wait_for_text("over-0");
    dash.wait_end();
    project.assert_nothing_left();
}

#[test]
fn a_hold_stops_with_its_command() {
    in_each_shell(stop_a_hold);
}

#[test]
fn a_dashboard_that_has_attached_does_so_too() {
    in_each_shell(|shell| {
        let project = Project::new(GROUP);
        assert_eq!(Stream::ask(&project, &["-d"]).code, Some(0));
        stop_and_go_on(&project, shell, "attach");
        assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
        project.assert_nothing_left();
    });
}
