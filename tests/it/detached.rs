//! Groups in the background: `devgroup -d`, what it says, with which code it ends, and what the group outlives.

use std::fs;

use rustix::process::{Signal, kill_process};

use crate::harness::{Dash, Project, Stream, down, process, wait_for};

const SHOP: &str = r#"
    name = "shop"
    [services]
    api = "echo api is here; exec sleep 1000"
    worker = { run = "touch ../home/asked; while [ ! -e ../home/go ]; do sleep 0.01; done; echo ready-now; exec sleep 1000", ready = { log = "ready-now" } }
    mail = { run = "exec sleep 1000", autostart = false }
    "#;

/// Starts a group in the background, and returns what was said.
fn detach(project: &Project) -> String {
    project.write("../home/go", "");
    let started = Stream::ask(project, &["-d"]);
    assert_eq!((started.code, started.stdout.as_str()), (Some(0), ""), "{}", started.stderr);
    started.stderr
}

/// The number after `pid `.
fn pid_in(text: &str) -> u32 {
    let after = text.split("pid ").nth(1).unwrap_or_default();
    after.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

/// Session and controlling terminal of a process (proc_pid_stat(5), fields 6 and 7).
fn session_and_terminal(pid: u32) -> (u32, u32) {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<u32> = stat.rsplit(')').next().unwrap().split(' ').filter_map(|field| field.parse().ok()).collect();
    (fields[2], fields[3])
}

#[test]
fn it_returns_when_the_group_is_up_and_holds_nothing_of_the_caller() {
    let project = Project::new(SHOP);
    let mut start = Stream::start(&project, &["--detach"]);
    wait_for("the worker is asked for", || project.path("../home/asked").exists());
    assert!(!start.has_ended(), "the worker is not ready");
    project.write("../home/go", "");
    // `wait_client` also waits until nobody holds the pipes.
    let start = start.wait_client();
    assert_eq!(start.code, Some(0), "{}", start.stderr);
    let pid = pid_in(&start.stderr);
    assert_eq!(
        start.stderr,
        format!(
            "shop: 2 services started · running in the background (pid {pid}) · open: devgroup attach · stop: devgroup down\n"
        )
    );
    assert_eq!(session_and_terminal(pid), (pid, 0), "a session of its own, and no terminal");
    let status = Stream::ask(&project, &["status"]);
    assert!(status.stdout.contains("worker   ready"), "{}", status.stdout);
    let second = Stream::ask(&project, &["-d"]);
    assert_eq!(second.code, Some(1));
    assert_eq!(
        second.stderr,
        format!(
            "error: shop is already running here, pid {pid}\n  help: `devgroup attach` opens it, `devgroup down` stops it\n"
        )
    );
    for (arguments, word) in [
        (&["stats"][..], "unknown service `stats`\n  help: services here"),
        (&["-d", "--profile", "nope"], "unknown profile"),
    ] {
        let slip = Stream::ask(&project, arguments);
        assert_eq!(slip.code, Some(6), "{}", slip.stderr);
        assert!(slip.stderr.contains(word), "{}", slip.stderr);
    }
    down(&project);
}

#[test]
fn it_is_found_from_where_sockets_are_elsewhere() {
    let project = Project::new(SHOP);
    let guard = pid_in(&detach(&project));
    let elsewhere = project.path("../home/elsewhere").display().to_string();
    let ask = |arguments: &[&str]| {
        let runtime = format!("XDG_RUNTIME_DIR={elsewhere}");
        let program = [&runtime, env!("CARGO_BIN_EXE_devgroup")];
        Stream::start_program(&project, "env", &[&program, arguments].concat()).wait_client()
    };
    let second = ask(&["-d"]);
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    assert!(second.stderr.contains(&format!("shop is already running here, pid {guard}\n")), "{}", second.stderr);
    let status = ask(&["status"]);
    assert!(status.stdout.contains("worker   ready"), "{}{}", status.stdout, status.stderr);
    let down = ask(&["down"]);
    assert_eq!(down.code, Some(0), "{}", down.stderr);
    project.assert_nothing_left();
    assert_eq!(ask(&["status"]).code, Some(4));
}

#[test]
fn it_outlives_the_terminal_that_it_was_started_in() {
    let project = Project::new(SHOP);
    project.write("../home/go", "");
    let script = format!("{} -d; echo code $?; read line", env!("CARGO_BIN_EXE_devgroup"));
    let mut shell = Dash::start_program(&project, "sh", (100, 20), &["-c", &script]);
    let screen = shell.wait_for_text("code 0");
    let pid = pid_in(&screen.replace('\n', ""));
    shell.hang_up();
    wait_for("the shell is gone", || {
        project.processes().iter().all(|(_, command)| !command.starts_with("sh -c") || !command.contains("read line"))
    });
    assert_eq!(session_and_terminal(pid), (pid, 0));
    let status = Stream::ask(&project, &["status", "--json"]);
    assert!(status.stdout.contains(r#""name":"api","kind":"service","state":"running""#), "{}", status.stdout);
    down(&project);
}

#[test]
fn a_service_that_fails_at_the_start_is_code_5_with_its_reason_and_the_others_run() {
    let project = Project::new(
        r#"
        name = "shop"
        [services]
        api = "echo fine; exec sleep 1000"
        gone = { run = ["./nowhere"] }
        web = { run = "echo 'no port is free'; exit 3", ready = { port = 1 }, restart = "never" }
        page = { run = "exec sleep 1000", depends_on = ["web"] }
        shop = { run = "exec sleep 1000", depends_on = ["web"] }
        "#,
    );
    let start = Stream::ask(&project, &["-d"]);
    assert_eq!(start.code, Some(5), "{}", start.stderr);
    for expected in [
        "error: gone: could not start",
        "error: web: failed (exit 3)\n",
        "  web │ no port is free\n",
        "error: page, shop: cannot start: web failed (exit 3)\n",
        "shop: 1 of 5 services started · running in the background (pid ",
    ] {
        assert!(start.stderr.contains(expected), "{expected}\nis missing in\n{}", start.stderr);
    }
    let status = Stream::ask(&project, &["status"]);
    assert!(status.stdout.contains("api      running"), "{}", status.stdout);
    down(&project);
}

#[test]
fn a_group_that_cannot_be_run_says_why_and_leaves_nothing() {
    let project = Project::new("[services]\napi = { rnu = \"true\" }\n");
    let start = Stream::run(&project, &["-d"]);
    assert_eq!(start.code, Some(3), "{}", start.stderr);
    assert!(start.stderr.contains("unknown key `rnu`"), "{}", start.stderr);
    let start = Stream::run(&Project::empty(), &["-d"]);
    assert_eq!(start.code, Some(3), "{}", start.stderr);
    let project = Project::new(SHOP);
    let start = Stream::run(&project, &["-d", "aip"]);
    assert_eq!(start.code, Some(6), "{}", start.stderr);
    let start = Stream::run(&project, &["-d", "--no-tui"]);
    assert_eq!(start.code, Some(2), "{}", start.stderr);
}

#[test]
fn a_start_while_the_group_is_stopping_says_so() {
    let project = Project::new(
        "name = 'shop'\n[services]\n\
         api = { run = \"trap 'touch ../home/asked' TERM; echo up; while :; do sleep 0.05; done\", ready = { log = 'up' }, \
         stop = { grace = '60s' } }\n",
    );
    let pid = pid_in(&detach(&project));
    let down = Stream::start(&project, &["down"]);
    wait_for("it is asked to end", || project.path("../home/asked").exists());
    let second = Stream::ask(&project, &["-d"]);
    assert_eq!(second.code, Some(1));
    let help = "help: start it again when it has stopped; `devgroup status` shows what it waits for";
    assert_eq!(second.stderr, format!("error: shop is still stopping, pid {pid}\n  {help}\n"));
    assert_eq!(Stream::ask(&project, &["down", "--now"]).code, Some(0));
    assert_eq!(down.wait_exit().code, Some(0));
}

#[test]
fn whoever_interrupts_the_start_ends_the_group() {
    let project = Project::new(SHOP);
    let start = Stream::start(&project, &["-d"]);
    wait_for("the worker is asked for", || project.path("../home/asked").exists());
    start.signal(Signal::INT);
    let start = start.wait_exit();
    assert_eq!(start.code, Some(130), "{}", start.stderr);
    assert!(start.stderr.contains("2 services stopped"), "{}", start.stderr);
}

#[test]
fn whoever_waits_long_for_the_start_is_told_for_what() {
    let project = Project::new(
        "name = 'shop'\n[services.install]\nkind = 'job'\nrun = 'until test -e ../go; do sleep 0.02; done'\n\
         [services.api]\nrun = 'exec sleep 1000'\ndepends_on = ['install']\n",
    );
    let mut start = Stream::start(&project, &["up"]);
    start.wait_for_message("shop: waiting for install (running), api (waiting · waiting for install");
    start.wait_for_message("Ctrl-C stops the group");
    project.write("../go", "");
    let start = start.wait_client();
    assert_eq!(start.code, Some(0), "{}", start.stderr);
    assert_eq!(start.stderr.matches("waiting for install (").count(), 1, "once: {}", start.stderr);
    down(&project);
}

#[test]
fn the_guard_still_sees_to_what_a_killed_program_leaves() {
    let project = Project::new(SHOP);
    let guard = pid_in(&detach(&project));
    let program = crate::harness::program_below(guard).unwrap();
    kill_process(process(program), Signal::KILL).unwrap();
    wait_for("the guard is gone", || !project.processes().iter().any(|(pid, _)| *pid == guard as i32));
    project.assert_nothing_left();
    let status = Stream::ask(&project, &["status"]);
    assert_eq!(status.code, Some(4));
    // Nothing is in the way of the next one.
    detach(&project);
    down(&project);
}
