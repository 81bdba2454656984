//! `[alerts]` and `notifications = "desktop"`: who is told, how often, and what it costs.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Project, Stream, detach, down, has, wait_for, write_program};

const FAILS: &str = "[services]\napi = { run = \"read x; exit 3\", restart = \"never\" }\n";

/// A program that appends what it reads to a file, and says when.
fn keeper(project: &Project) {
    write_program(&project.path("hooks/keep.sh"), "#!/bin/sh\ncat >> \"${0%/*}/../../home/told\"\n");
}

fn told(project: &Project) -> Vec<Value> {
    project.read("../home/told").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ask(project: &Project, arguments: &[&str]) -> String {
    let asked = Stream::ask(project, arguments);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    asked.stdout
}

fn fail(project: &Project) {
    ask(project, &["send", "api", "x"]);
    wait_for("it has failed", || ask(project, &["status"]).contains("exit 3"));
}

#[test]
fn the_desktop_is_told_of_what_fails_by_itself_and_of_nothing_else() {
    let project = Project::new(FAILS);
    write_program(
        &project.path("../bin/notify-send"),
        "#!/bin/sh\nprintf '<%s>' \"$@\" >> ../home/shown\necho >> ../home/shown\n",
    );
    let path = format!("{}:{}", project.path("../bin").display(), std::env::var("PATH").unwrap());
    let project = project.with_env("PATH", &path);
    project.write("../home/config/devgroup/config.toml", "notifications = \"desktop\"\n");
    detach(&project);
    ask(&project, &["restart", "api", "--wait"]);
    ask(&project, &["stop", "api", "--wait"]);
    ask(&project, &["start", "api", "--wait"]);
    assert_eq!(project.read("../home/shown"), "", "what the user does is not told");
    fail(&project);
    wait_for("it is shown", || project.lines("../home/shown") == 1);
    assert_eq!(project.read("../home/shown"), "<--app-name=devgroup><--><app: api failed><exit 3>\n");
    down(&project);
    assert_eq!(ask(&project, &["alerts", "test"]), "notify-send: delivered\n");
    assert_eq!(project.lines("../home/shown"), 2, "{}", project.read("../home/shown"));
}

#[test]
fn a_real_desktop_program_is_understood_and_what_it_says_is_told() {
    let is_there = |name: &str| Command::new(name).arg("--version").output().is_ok();
    let tools = ["dbus-run-session", "notify-send"];
    if !cfg!(target_os = "linux") || !has("dbus and libnotify-bin", tools.into_iter().all(is_there)) {
        return;
    }
    let project = Project::new(FAILS);
    project.write("../home/config/devgroup/config.toml", "notifications = \"desktop\"\n");
    // A bus without a desktop: it takes the arguments, asks for a desktop, and says that there is none.
    let arguments = ["--", env!("CARGO_BIN_EXE_devgroup"), "alerts", "test", "--json"];
    let ended = Stream::start_program(&project, "dbus-run-session", &arguments).wait_client();
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&report["alerts"][0]["to"], ended.code), (&"notify-send".into(), Some(1)), "{report}");
    let problem = report["alerts"][0]["problem"].as_str().unwrap();
    assert!(problem.starts_with("exit 1 · ") && problem.contains("org.freedesktop.Notifications"), "{problem}");
}

#[test]
fn a_program_gets_the_event_and_can_post_it() {
    if !has("curl", Command::new("curl").arg("--version").output().is_ok()) {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut request = Vec::new();
        let mut piece = [0; 4096];
        while !request.ends_with(b"}\n") {
            let length = stream.read(&mut piece).unwrap();
            assert!(length > 0, "{}", String::from_utf8_lossy(&request));
            request.extend(&piece[..length]);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").unwrap();
        String::from_utf8(request).unwrap()
    });
    let project = Project::new(&format!(
        "[alerts]\nrun = [\"curl\", \"-fsS\", \"--data-binary\", \"@-\", \"http://127.0.0.1:{port}/hook\"]\n{FAILS}"
    ));
    detach(&project);
    fail(&project);
    let request = server.join().unwrap();
    assert!(request.starts_with("POST /hook "), "{request}");
    let event: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    for (key, value) in [("alert", "failed"), ("service", "api"), ("project", "app"), ("type", "exit")] {
        assert_eq!(event[key], value, "{event}");
    }
    assert_eq!((&event["code"], &event["text"]), (&3.into(), &"app: api failed · exit 3".into()), "{event}");
    down(&project);
}

#[test]
fn a_crash_loop_is_one_message_in_a_time_and_the_next_says_how_many() {
    let every = Duration::from_secs(2);
    let project = Project::new(
        "[alerts]\nrun = [\"hooks/keep.sh\"]\non = [\"failed\", \"crash-loop\"]\nevery = \"2s\"\n[services]\n\
         api = { run = \"exit 1\", restart = \"always\", backoff = { initial = \"10ms\", max = \"10ms\" }, \
         breaker = { failures = 2, cooldown = \"100ms\" }, ready = { log = \"up\" } }\n",
    );
    keeper(&project);
    detach_failing(&project);
    let is_again = || told(&project).len() >= 2;
    wait_for("the second message has come", is_again);
    let told = told(&project);
    assert!(told.iter().all(|alert| alert["alert"] == "crash-loop"), "{told:?}");
    assert_eq!((&told[0]["more"], told[0]["message"].as_str().unwrap().starts_with("gave up")), (&0.into(), true));
    let more = told[1]["more"].as_u64().unwrap();
    assert!(more > 1 && told[1]["text"].as_str().unwrap().ends_with(&format!(" · and {more} more")), "{told:?}");
    let at = |alert: &Value| alert["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let gap = Duration::try_from(at(&told[1]).duration_since(at(&told[0]))).unwrap();
    assert!(gap >= every - Duration::from_millis(5), "{gap:?}");
    down(&project);
}

/// The start of the group reports that its service has failed.
fn detach_failing(project: &Project) {
    assert_eq!(Stream::ask(project, &["-d"]).code, Some(5));
}

#[test]
fn one_that_hangs_holds_nobody_up_for_long() {
    let project = Project::new(&format!("[alerts]\nrun = [\"sleep\", \"1000\"]\n{FAILS}"));
    detach(&project);
    fail(&project);
    wait_for("it is told", || project.processes().iter().any(|(_, line)| line == "sleep 1000"));
    ask(&project, &["status"]);
    let began = Instant::now();
    down(&project);
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(1_500) && took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn each_key_of_the_user_s_file_replaces_that_of_the_project_and_a_save_is_in_force() {
    let project = Project::new(&format!("[alerts]\nrun = [\"false\"]\non = [\"stuck\"]\n{FAILS}"));
    write_program(&project.path("../home/config/devgroup/keep.sh"), "#!/bin/sh\ncat >> ../../told\n");
    project.write("../home/config/devgroup/config.toml", "[alerts]\nrun = [\"./keep.sh\"]\n");
    detach(&project);
    fail(&project);
    project.write("procgroup.toml", format!("[alerts]\non = [\"failed\", \"recovered\"]\n{FAILS}"));
    let reloaded = || ask(&project, &["events"]).contains(" reload ");
    wait_for("it is in force", reloaded);
    assert!(told(&project).is_empty(), "the project has not asked for it before");
    ask(&project, &["start", "api", "--wait"]);
    fail(&project);
    wait_for("the user's program is told", || told(&project).len() == 1);
    assert_eq!(told(&project)[0]["alert"], "failed");
    down(&project);
    assert_eq!(ask(&project, &["alerts", "test"]), "./keep.sh: delivered\n");
    let other = Project::new(&format!("[alerts]\nrun = [\"sh\", \"-c\", \"echo nobody there >&2; exit 7\"]\n{FAILS}"));
    let tested = Stream::ask(&other, &["alerts", "test"]);
    assert_eq!(tested.code, Some(1));
    assert!(tested.stdout.ends_with(": failed · exit 7 · nobody there\n"), "{}", tested.stdout);
    let nobody = Project::new(FAILS);
    let tested = Stream::ask(&nobody, &["alerts", "test"]);
    assert_eq!(tested.code, Some(1));
    assert!(tested.stderr.contains("no alert reaches anybody"), "{}", tested.stderr);
}

#[test]
fn what_the_user_s_file_says_now_is_what_the_running_group_does() {
    let project = Project::new(FAILS);
    write_program(&project.path("../home/config/devgroup/keep.sh"), "#!/bin/sh\ncat >> ../../told\n");
    detach(&project);
    let user = |on: &str| {
        let text = format!("[alerts]\nrun = [\"./keep.sh\"]\nevery = \"0s\"\non = {on}\n");
        project.write("../home/config/devgroup/config.toml", text);
    };
    let doctor = || Stream::ask(&project, &["doctor"]).stdout;
    let fail_again = || {
        ask(&project, &["start", "api", "--wait"]);
        fail(&project);
    };
    user("[\"failed\"]");
    assert!(doctor().contains("./keep.sh gets the alerts"), "{}", doctor());
    fail(&project);
    wait_for("the program is told, which was not there at the start", || told(&project).len() == 1);
    user("[]");
    assert!(doctor().contains("off: `on = []`"), "{}", doctor());
    let tested = Stream::ask(&project, &["alerts", "test"]);
    assert!(tested.code == Some(0) && tested.stderr.contains("alerts are off"), "{tested:?}");
    assert_eq!(told(&project).len(), 2, "the test");
    fail_again();
    user("[\"recovered\", \"failed\"]");
    fail_again();
    wait_for("it is told again", || told(&project).len() >= 3);
    down(&project);
    let kinds: Vec<_> = told(&project).iter().map(|alert| alert["alert"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["failed", "test", "failed"], "the one between was not told");
}

#[test]
fn what_works_again_and_what_has_come_of_tasks_is_told() {
    let project = Project::new(
        "[alerts]\nrun = [\"hooks/keep.sh\"]\non = [\"recovered\", \"task-dead\", \"batch-done\"]\n[tasks]\ndir = \"../home/shared\"\n\
         [services]\n\
         api = { run = \"test -e ../home/fixed && echo up && exec sleep 1000; exit 1\", ready = { log = \"up\" }, restart = \"never\" }\n\
         marie = { kind = \"worker\", run = 'case \"$TASK_ID\" in *1) exit 0;; esac; exit 1', retries = 0 }\n",
    );
    keeper(&project);
    detach_failing(&project);
    project.write("../home/fixed", "");
    ask(&project, &["start", "api", "--wait"]);
    wait_for("it has recovered", || told(&project).len() == 1);
    assert_eq!((&told(&project)[0]["alert"], &told(&project)[0]["type"]), (&"recovered".into(), &"ready".into()));
    let batch = ask(&project, &["task", "add", "marie", "number {n}", "--batch", "2"]).trim().to_owned();
    wait_for("both are told", || told(&project).len() >= 3);
    let told = told(&project);
    let dead = told.iter().find(|alert| alert["alert"] == "task-dead").unwrap();
    assert_eq!((&dead["task"], &dead["result"]), (&format!("{batch}-2").into(), &"dead".into()), "{dead}");
    let done = told.iter().rfind(|alert| alert["alert"] == "batch-done").unwrap();
    assert_eq!((&done["batch"], &done["service"]), (&batch.as_str().into(), &"marie".into()), "{done}");
    down(&project);
    let history = ask(&project, &["history", "marie"]);
    assert!(history.contains("tasks: 1 completed, 1 dead"), "{history}");
}

#[test]
fn a_program_that_is_not_reached_is_told_by_check_status_and_doctor() {
    let project = Project::new(&format!("[alerts]\nrun = [\"./hook.sh\"]\n{FAILS}"));
    let check = Stream::ask(&project, &["check"]);
    let missing = "the program of [alerts] cannot be started: program not found: ./hook.sh";
    assert!(check.code == Some(0) && check.stderr.contains(missing), "{check:?}");
    project.write("hook.sh", "#!/bin/sh\necho no way there >&2; exit 7\n");
    let check = Stream::ask(&project, &["check"]);
    assert!(check.stderr.contains("cannot be started: not executable: ./hook.sh"), "{}", check.stderr);
    let doctor = |project: &Project| Stream::ask(project, &["doctor"]).stdout;
    assert!(doctor(&project).contains("./hook.sh gets no alerts: not executable: ./hook.sh"), "{}", doctor(&project));
    detach(&project);
    let not_told = "alerts: ./hook.sh gets none: not executable: ./hook.sh\n";
    assert!(ask(&project, &["status"]).ends_with(not_told), "{}", ask(&project, &["status"]));
    write_program(&project.path("hook.sh"), "#!/bin/sh\necho no way there >&2; exit 7\n");
    assert_eq!(Stream::ask(&project, &["check"]).stderr, "");
    assert!(!ask(&project, &["status"]).contains("alerts: "), "it was not asked yet");
    fail(&project);
    let status = || -> Value { serde_json::from_str(&ask(&project, &["status", "--json"])).unwrap() };
    wait_for("it is told", || status()["undelivered_alert"].is_object());
    let alert = &status()["undelivered_alert"];
    assert_eq!((&alert["to"], &alert["problem"]), (&"./hook.sh".into(), &"exit 7 · no way there".into()), "{alert}");
    let (text, found) = (ask(&project, &["status"]), doctor(&project));
    assert!(text.contains(" ago: ./hook.sh: exit 7 · no way there\n"), "{text}");
    assert!(
        found.contains("./hook.sh gets the alerts\n") && found.contains(": ./hook.sh: exit 7 · no way there\n"),
        "{found}"
    );
    write_program(&project.path("hook.sh"), "#!/bin/sh\ncat > ../home/told\n");
    // The same kind is told again only after a while.
    project.write("procgroup.toml", format!("[alerts]\nrun = [\"./hook.sh\"]\nevery = \"0s\"\n{FAILS}"));
    wait_for("somebody else is told now", || status()["undelivered_alert"].is_null());
    ask(&project, &["start", "api", "--wait"]);
    fail(&project);
    wait_for("it was told", || told(&project).len() == 1);
    assert!(!ask(&project, &["status"]).contains("not delivered"), "{}", ask(&project, &["status"]));
    down(&project);
}
