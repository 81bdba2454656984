//! The dashboard of a running group in other terminals: `devgroup attach`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::control::{greeted, read_message, send_message, socket};
use crate::harness::{Dash, Project, Stream, down, process, program_below, wait_for, write_program};

const SHOP: &str = r#"
    name = "shop"
    [services]
    api = "for i in $(seq 200); do echo api says $i; done; exec sleep 1000"
    worker = "echo worker is here; while read line; do echo got $line at $(stty size); done"
    "#;

const NORMAL: (u16, u16) = (120, 30);

/// Starts a group in the background.
fn background(project: &Project) -> u32 {
    let started = Stream::ask(project, &["-d"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    let after = started.stderr.split("pid ").nth(1).unwrap_or_default();
    after.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

fn attach(project: &Project, size: (u16, u16)) -> Dash<'_> {
    let mut dash = Dash::start(project, size, &["attach"]);
    dash.wait_for("the whole dashboard is there", |screen| {
        ["shop", "api", "worker", "D detach"].iter().all(|text| screen.contains(text))
            && screen.contains("api says 200")
    });
    dash
}

fn assert_runs(project: &Project) {
    let status = Stream::ask(project, &["status", "--json"]);
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    assert_eq!(status.stdout.matches(r#""state":"running""#).count(), 2, "{}", status.stdout);
}

#[test]
fn each_terminal_has_its_own_size_selection_and_zoom_and_d_leaves_the_group_running() {
    let project = Project::new(SHOP);
    let pid = background(&project);
    let mut large = attach(&project, (150, 40));
    let mut small = attach(&project, (80, 24));
    small.keys("2z");
    small.wait_for("the small one shows the worker alone", |screen| {
        screen.contains("worker is here") && !screen.contains("api says")
    });
    large.keys("b");
    let screen = large.wait_for("the large one has no sidebar", |screen| !screen.contains("─ services"));
    assert!(screen.contains("api says 200"), "it shows its own selection\n{screen}");
    large.resize((100, 20));
    large.wait_for("it is drawn for the new size", |screen| {
        screen.lines().next().is_some_and(|line| line.contains("shop")) && screen.contains("api says 200")
    });
    small.keys("D");
    let ended = small.wait_end();
    assert_eq!(ended.code, Some(0));
    assert_eq!(
        ended.last_line.split(" · ").take(2).collect::<Vec<_>>(),
        ["shop: detached", &format!("still running (pid {pid})")],
        "{ended:?}"
    );
    assert_runs(&project);
    large.keys("D");
    assert_eq!(large.wait_end().code, Some(0));
    assert_runs(&project);
    down(&project);
}

/// The columns of the worker's terminal, as it sees them itself.
fn columns_of_worker(project: &Project) -> Option<u16> {
    assert_eq!(Stream::ask(project, &["send", "worker", "ask"]).code, Some(0));
    let log = Stream::ask(project, &["logs", "worker", "--raw", "--grep", "got ask", "-n", "1"]).stdout;
    log.split(" at ").nth(1)?.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_service_has_the_size_of_the_terminal_that_was_used_last() {
    let project = Project::new(SHOP);
    background(&project);
    let is_small = || columns_of_worker(&project).is_some_and(|columns| columns < 80);
    let is_large = || columns_of_worker(&project).is_some_and(|columns| columns > 80);
    wait_for("without any, it is that of an imagined terminal", is_large);
    let mut small = attach(&project, (80, 24));
    wait_for("it is that of who comes", is_small);
    let mut large = attach(&project, (150, 70));
    wait_for("it is that of who comes next", is_large);
    small.keys("2i");
    wait_for("it is that of who types", is_small);
    small.keys("größe\r");
    small.wait_for_text("got größe at ");
    large.keys("j");
    wait_for("it is that of who types next", is_large);
    large.keys("D");
    large.wait_end();
    wait_for("it is that of who is left", is_small);
    drop(small);
    down(&project);
}

#[test]
fn q_asks_and_the_second_one_stops_the_group_for_all() {
    let project = Project::new(SHOP);
    background(&project);
    let mut one = attach(&project, NORMAL);
    let other = attach(&project, NORMAL);
    one.keys("q");
    one.wait_for_text("D detaches · q again stops the whole group");
    assert_runs(&project);
    one.keys("qq");
    let ended = one.wait_end();
    assert_eq!(ended.code, Some(0));
    assert!(ended.last_line.starts_with("shop: 2 services stopped in"), "{ended:?}");
    let ended = other.wait_exit();
    assert_eq!(ended.code, Some(0));
    assert!(ended.last_line.starts_with("shop: 2 services stopped in"), "{ended:?}");
}

#[test]
fn down_ends_those_who_look_with_a_line() {
    let project = Project::new(SHOP);
    background(&project);
    let dash = attach(&project, NORMAL);
    let down = Stream::start(&project, &["down"]);
    let ended = dash.wait_end();
    assert_eq!(ended.code, Some(0));
    assert!(ended.last_line.starts_with("shop: 2 services stopped in"), "{ended:?}");
    assert_eq!(down.wait_exit().code, Some(0));
}

#[test]
fn a_closed_terminal_and_a_killed_client_leave_the_group_running() {
    let project = Project::new(SHOP);
    background(&project);
    let mut dash = attach(&project, NORMAL);
    let client = dash.pid();
    dash.hang_up();
    wait_for("the client is gone", || project.processes().iter().all(|(pid, _)| *pid != client as i32));
    drop(dash);
    assert_runs(&project);
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let dash = attach(&project, NORMAL);
        dash.signal(signal);
        // Its terminal is as it was.
        assert_eq!(dash.wait_end().code, Some(code));
    }
    let dash = attach(&project, NORMAL);
    kill_process(process(dash.program()), Signal::KILL).unwrap();
    assert_eq!(dash.wait_end().code, Some(137), "the guard gives the terminal back");
    assert_runs(&project);
    down(&project);
}

#[test]
fn a_group_that_is_killed_gives_the_terminals_of_its_clients_back() {
    let project = Project::new(SHOP);
    let guard = background(&project);
    let dash = attach(&project, NORMAL);
    kill_process(process(program_below(guard).unwrap()), Signal::KILL).unwrap();
    let ended = dash.wait_end();
    assert_eq!(ended.code, Some(4));
    assert_eq!(ended.last_line, "  help: `devgroup` starts it again");
    wait_for("the guard has cleared up", || project.processes().is_empty());
}

#[test]
fn a_dashboard_that_fails_harms_neither_the_group_nor_the_terminal() {
    let project = Project::new(SHOP);
    let fault = project.path("../home/fault");
    let project = project.with_env("DEVGROUP_FAULT", &format!("attached={}", fault.display()));
    background(&project);
    let mut dash = attach(&project, NORMAL);
    fs::write(&fault, "").unwrap();
    dash.keys("j");
    let ended = dash.wait_end();
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.last_line, "error: the dashboard crashed; the group keeps running");
    fs::remove_file(&fault).unwrap();
    assert_runs(&project);
    attach(&project, NORMAL).keys("D");
    down(&project);
}

#[test]
fn a_second_view_of_a_group_that_has_a_terminal_of_its_own() {
    let project = Project::new(SHOP);
    let mut own = Dash::start(&project, NORMAL, &[]);
    own.wait_for_text("api says 200");
    own.keys("D");
    own.wait_for_text("not detached");
    let mut second = attach(&project, (80, 24));
    second.keys("D");
    assert_eq!(second.wait_end().code, Some(0));
    let third = attach(&project, (80, 24));
    own.keys("q");
    assert_eq!(third.wait_end().code, Some(0));
    assert_eq!(own.wait_exit().code, Some(0));
}

#[test]
fn closing_the_terminal_of_a_group_that_is_not_detached_stops_it() {
    let project = Project::new(SHOP);
    let mut own = Dash::start(&project, NORMAL, &[]);
    own.wait_for_text("api says 200");
    let second = attach(&project, NORMAL);
    own.hang_up();
    let ended = second.wait_end();
    assert!(ended.last_line.contains("ended by SIGHUP"), "{ended:?}");
    assert_eq!(ended.code, Some(129));
    own.wait_exit();
}

#[test]
fn who_cannot_be_shown_a_dashboard_is_told_so() {
    let project = Project::new(SHOP);
    let nobody = Stream::ask(&project, &["attach"]);
    assert_eq!(nobody.code, Some(4), "{}", nobody.stderr);
    background(&project);
    let pipe = Stream::ask(&project, &["attach"]);
    assert_eq!(pipe.code, Some(2), "{}", pipe.stderr);
    assert!(pipe.stderr.contains("the dashboard needs a terminal on stdin and stdout"), "{}", pipe.stderr);
    down(&project);
}

#[test]
fn a_terminal_that_never_reads_and_one_that_talks_nonsense_do_no_harm() {
    let project =
        Project::new("[services]\napi = \"while :; do echo much to see; done\"\nworker = \"exec sleep 1000\"\n");
    background(&project);
    let size = json!({"id": 1, "ask": {"attach": {"columns": 200, "rows": 60}}});
    let mut deaf = greeted(&project);
    send_message(&mut deaf, &size);
    let frame = read_message(&mut deaf);
    assert!(frame["reply"]["terminal"]["show"].as_str().unwrap().contains("worker"), "{frame}");
    // It never says that it has shown it: keys are taken, and nothing more is sent.
    for _ in 0..2000 {
        send_message(&mut deaf, &json!({"keys": "jk"}));
    }
    for (nonsense, code) in [(json!({"keys": 7}), "malformed"), (json!({"id": 2, "ask": {"status": {}}}), "malformed")]
    {
        let mut client = greeted(&project);
        send_message(&mut client, &size);
        read_message(&mut client);
        send_message(&mut client, &nonsense);
        let answer = read_message(&mut client);
        assert_eq!(answer["reply"]["error"]["code"], code, "{answer}");
        assert_eq!(read_message(&mut client), Value::Null);
    }
    // Neither do terminals of no size, and of one that no memory could hold.
    for (columns, rows) in [(0, 0), (1, 1), (65535, 65535)] {
        let mut client = greeted(&project);
        send_message(&mut client, &json!({"id": 1, "ask": {"attach": {"columns": columns, "rows": rows}}}));
        assert!(read_message(&mut client)["reply"]["terminal"]["show"].is_string());
        send_message(&mut client, &json!({"size": {"columns": rows, "rows": 3}}));
        send_message(&mut client, &json!({"shown": {}}));
        assert!(read_message(&mut client)["reply"]["terminal"]["show"].is_string());
    }
    assert_nothing_comes(deaf.get_mut());
    assert_runs(&project);
    down(&project);
}

/// Asserts that nothing is to be read.
fn assert_nothing_comes(stream: &mut UnixStream) {
    stream.set_nonblocking(true).unwrap();
    let mut buffer = [0; 1];
    let read = stream.read(&mut buffer);
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn the_log_is_opened_in_the_editor_of_who_looks() {
    let project = Project::new(SHOP);
    background(&project);
    let project =
        project.with_env("EDITOR", "sh -c 'echo editing $1; read word; echo read $word > ../home/edited; exit 3' --");
    let mut dash = attach(&project, NORMAL);
    dash.keys("v");
    dash.wait_for_text("editing ");
    dash.keys("fine\r");
    dash.wait_for("the dashboard is back, and says how it ended", |screen| {
        screen.contains("failed: exit 3") && screen.contains("api says 200")
    });
    assert_eq!(project.read("../home/edited"), "read fine\n");
    dash.keys("v");
    dash.wait_for_text("editing ");
    // An editor is no reason to stay when the group ends.
    assert_eq!(dash.ask(&["down"]).code, Some(0));
    let ended = dash.wait_exit();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn what_the_terminal_can_is_said_by_the_client() {
    let project = Project::new(SHOP);
    background(&project);
    let project = project.with_env("LANG", "C").with_env("NO_COLOR", "1");
    let mut dash = Dash::start(&project, NORMAL, &["attach"]);
    let screen = dash.wait_for_text("api says 200");
    assert!(screen.is_ascii(), "{screen}");
    let colours = ["\x1b[31m", "\x1b[32m", "\x1b[36m", "38;5;", "48;5;"];
    let raw = String::from_utf8_lossy(dash.raw()).into_owned();
    assert_eq!(colours.iter().find(|colour| raw.contains(**colour)), None);
    dash.keys("D");
    dash.wait_end();
    down(&project);
}

#[test]
fn what_is_copied_goes_to_the_clipboard_of_who_looks() {
    let project = Project::new(SHOP);
    background(&project);
    let folder = project.path("../home/bin");
    let script = "#!/bin/sh\ncat > ../home/clip.new && mv ../home/clip.new ../home/clip\n";
    write_program(&folder.join("xclip"), script);
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let project = project.with_env("PATH", &path).with_env("DISPLAY", ":0");
    let mut dash = attach(&project, NORMAL);
    dash.keys("c");
    dash.wait_for_text("copied ");
    dash.wait_while_reading("the program has got it", |project| project.read("../home/clip").ends_with("api says 200"));
    assert!(dash.raw().windows(7).any(|part| part == b"\x1b]52;c;"), "and so has the terminal");
    dash.keys("D");
    dash.wait_end();
    down(&project);
}

#[test]
fn a_terminal_that_stands_still_holds_nobody_up() {
    let project = Project::new(
        "name = \"shop\"\n[services]\napi = \"while :; do echo much to see; done\"\nworker = \"exec sleep 1000\"\n",
    );
    background(&project);
    let mut dash = Dash::start(&project, (200, 60), &["attach"]);
    dash.wait_for_text("much to see");
    // From here on nobody reads it.
    for key in ["z", "a", "W", "?", "2"].iter().cycle().take(60) {
        dash.keys(key);
    }
    wait_for("the terminal is full", || dash.is_full());
    assert_runs(&project);
    let mut other = Dash::start(&project, NORMAL, &["attach"]);
    other.wait_for_text("much to see");
    drop(other);
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    let ended = dash.wait_exit();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_service_is_not_shown_the_dashboard_that_it_is_in() {
    let project = Project::new(&format!(
        "[services]\nmirror = \"{} attach; echo code $?; exec sleep 1000\"\n",
        env!("CARGO_BIN_EXE_devgroup")
    ));
    background(&project);
    let mut log = Stream::start(&project, &["logs", "-f"]);
    let said = log.wait_for_text("code 2");
    assert!(said.contains("started from inside mirror, a service of this group"), "{said}");
    down(&project);
}

#[test]
fn a_group_of_another_version_is_told_from_a_broken_one() {
    let project = Project::new(SHOP);
    background(&project);
    let socket = socket(&project);
    down(&project);
    let listener = UnixListener::bind(&socket).unwrap();
    for (answer, expected) in [
        (
            r#"{"reply":{"error":{"code":"version","message":"this group speaks version 2, not 1"}}}"#,
            "error: this group speaks version 2, not 1",
        ),
        (
            r#"{"reply":{"hello":{"version":1,"project":"shop","pid":1,"file":"/x"}}}"#,
            "error: this group runs on an older devgroup without `attach`: stop it with `devgroup down` and start it again",
        ),
    ] {
        let client = listener.try_clone().unwrap();
        let serve = move || {
            let (mut stream, _) = client.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            lines.next().unwrap().unwrap();
            stream.write_all(format!("{answer}\n").as_bytes()).unwrap();
            if lines.next().is_some() {
                let unknown = r#"{"id":1,"reply":{"error":{"code":"malformed","message":"not a message: unknown variant `attach`, expected one of"}}}"#;
                stream.write_all(format!("{unknown}\n").as_bytes()).unwrap();
            }
        };
        let server = thread::spawn(serve);
        let dash = Dash::start(&project, (160, 20), &["attach"]);
        let ended = dash.wait_end();
        assert_eq!((ended.code, ended.last_line.as_str()), (Some(1), expected));
        server.join().unwrap();
    }
}

#[test]
fn what_a_client_types_after_the_end_of_a_service_is_for_nobody() {
    let project = Project::new(SHOP);
    background(&project);
    let mut dash = attach(&project, NORMAL);
    dash.keys("2i");
    dash.wait_for_text("TYPING INTO worker");
    dash.keys("half a li");
    // It is removed from the file.
    project.write("procgroup.toml", "name = \"shop\"\n[services]\napi = \"exec sleep 1000\"\n");
    dash.wait_for_text("worker has exited");
    dash.keys("neQQDx");
    dash.wait_for_text("not typed: worker has exited");
    dash.keys("\r");
    dash.wait_for("typing is over", |screen| !screen.contains("stops typing"));
    dash.keys("D");
    assert_eq!(dash.wait_end().code, Some(0));
    assert_eq!(Stream::ask(&project, &["status"]).code, Some(0), "the group runs on");
    down(&project);
}
