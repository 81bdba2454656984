//! `devgroup doctor` from outside: with no file, with a broken one, beside a running group, and with what it is to find.

use std::net::TcpListener;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Project, Stream, has, kill, stop, wait_for};

/// The findings: area, level, message, remedy.
fn doctor(project: &Project, code: i32) -> Vec<[String; 4]> {
    let asked = Stream::ask(project, &["doctor", "--json"]);
    assert_eq!(asked.code, Some(code), "{}{}", asked.stdout, asked.stderr);
    let answer: Value = serde_json::from_str(&asked.stdout).unwrap();
    assert_eq!((&answer["version"], &answer["ok"]), (&1.into(), &Value::Bool(code == 0)));
    let text = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let checks = answer["checks"].as_array().unwrap().iter();
    checks.map(|check| ["area", "level", "message", "remedy"].map(|key| text(check, key))).collect()
}

/// The only finding of an area.
fn of<'f>(found: &'f [[String; 4]], area: &str) -> &'f [String; 4] {
    let mut found = found.iter().filter(|[its, ..]| its == area);
    let first = found.next().unwrap_or_else(|| panic!("nothing is said of {area}"));
    assert!(found.next().is_none(), "{area} has two lines");
    first
}

#[test]
fn without_a_file_it_still_looks_at_the_machine() {
    let project = Project::empty();
    let found = doctor(&project, 0);
    let [_, level, _, remedy] = of(&found, "file");
    assert_eq!((level.as_str(), remedy.as_str()), ("warn", "devgroup init"));
    for area in ["group", "leftovers", "inotify", "socket", "shell", "terminal", "clipboard"] {
        of(&found, area);
    }
    let text = Stream::ask(&project, &["doctor"]).stdout;
    assert!(text.contains("warn  file") && text.contains("help: devgroup init"), "{text}");
}

#[test]
fn a_broken_file_fails() {
    let project = Project::new("[services]\napi = 1\n");
    let found = doctor(&project, 1);
    assert_eq!(of(&found, "file")[1], "fail");
    assert_eq!(of(&found, "file")[3], "devgroup check");
}

#[test]
fn a_port_that_is_taken_is_said_with_who_has_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let project =
        Project::new(&format!("[services]\napi = {{ run = 'a', ready = {{ http = 'http://localhost:{port}/x' }} }}\n"));
    let found = doctor(&project, 0);
    let [_, level, message, _] = of(&found, "ports");
    assert_eq!(level, "warn");
    assert!(message.starts_with(&format!("api cannot have port {port}: ")), "{message}");
    assert!(message.contains(&format!(" (pid {}, ", std::process::id())), "{message}");
    drop(listener);
    let found = doctor(&project, 0);
    assert_eq!(of(&found, "ports")[1], "ok");
}

#[test]
fn ports_are_those_that_instances_get_and_an_automatic_one_goes_to_the_next() {
    let project = Project::new(
        "[services]\napi = { run = 'exec sleep 1000', port = 'auto' }\nworker = { run = 'exec sleep 1000', port = 'auto', replicas = 2 }\n",
    );
    let urls = Stream::ask(&project, &["url"]).stdout;
    let port = |name: &str| -> u16 {
        let line = urls.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(':').next().unwrap().parse().unwrap()
    };
    let found = doctor(&project, 0);
    let [_, level, message, _] = of(&found, "ports");
    let each = ["api", "worker.1", "worker.2"].map(|name| format!("{} ({name})", port(name)));
    assert_eq!((level.as_str(), message.as_str()), ("ok", format!("free: {}", each.join(", ")).as_str()));
    let _taker = TcpListener::bind(("127.0.0.1", port("api"))).unwrap();
    let found = doctor(&project, 0);
    let [_, level, message, _] = of(&found, "ports");
    let taken = format!("{} (api)", port("api"));
    assert!(level == "ok" && message.contains(" (api)") && !message.contains(&taken), "the next free one: {message}");
    // While the group runs, what it has is meant.
    let started = Stream::ask(&project, &["-d"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    let next = Stream::ask(&project, &["url", "api"]).stdout;
    let next = next.trim().rsplit(':').next().unwrap();
    let found = doctor(&project, 0);
    assert!(found.iter().any(|[_, _, message, _]| message.contains(&format!("{next} (api)"))), "{found:?}");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
}

#[test]
fn the_port_of_a_service_that_has_failed_is_said_with_who_has_it() {
    let taker = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taker.local_addr().unwrap().port();
    let project = Project::new(&format!(
        "[services]\napi = {{ run = 'exit 3', restart = 'never', port = {port}, ready = {{ log = 'up' }} }}\nweb = 'exec sleep 1000'\n"
    ));
    assert_eq!(Stream::ask(&project, &["-d"]).code, Some(5));
    let found = doctor(&project, 0);
    let [_, level, message, _] = of(&found, "ports");
    assert!(level == "warn" && message.starts_with(&format!("api cannot have port {port}: ")), "{message}");
    assert!(message.contains(&format!(" (pid {}, ", std::process::id())), "{message}");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
}

#[test]
fn a_running_group_and_its_loop_are_told_and_one_that_hangs_fails() {
    let project = Project::new(
        "name = 'shop'\n[services]\napi = 'echo here; exec sleep 1000'\nbad = { run = 'exit 3', restart = 'never' }\n",
    );
    let mut group = Stream::start(&project, &[]);
    group.wait_for("both have run", |out| out.contains("│ here") && out.contains("code 3"));
    let found = doctor(&project, 0);
    let [_, level, message, remedy] = of(&found, "group");
    assert_eq!((level.as_str(), remedy.as_str()), ("warn", "devgroup logs bad"), "{message}");
    assert_ne!(of(&found, "loop")[1], "fail");

    let program = i32::try_from(group.program()).unwrap();
    stop(program);
    let found = doctor(&project, 1);
    assert_eq!(of(&found, "group")[1], "fail");
    kill(program, Signal::CONT);
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
    assert!(of(&doctor(&project, 0), "group")[2].contains("not running here"));
}

#[test]
fn what_a_killed_devgroup_has_left_is_named() {
    let project = Project::empty();
    let mut left = Command::new("sleep");
    // The mark of a run of a devgroup whose process number nobody can have.
    let mut left = left.arg("1000").env("DEVGROUP_RUN", "0123456789abcdef-2147483646-1-api").spawn().unwrap();
    let found = doctor(&project, 0);
    let [_, level, message, _] = of(&found, "leftovers");
    let named = message.contains(&format!("sleep ({})", left.id()));
    left.kill().unwrap();
    left.wait().unwrap();
    assert!(level == "warn" && named, "{message}");
}

#[test]
fn what_runs_in_another_pid_namespace_is_nobody_s_to_kill() {
    let words = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"];
    let works = Command::new("unshare").args(words).arg("true").output().is_ok_and(|tried| tried.status.success());
    if !has("unshare", works) {
        return;
    }
    let project = Project::empty();
    // A mark as that of a devgroup in there, whose number nobody has out here.
    let mut inside = project
        .command("unshare")
        .args(words)
        .args(["env", "DEVGROUP_RUN=0123456789abcdef-2147483646-1-api", "sleep", "1000"])
        .spawn()
        .unwrap();
    let sleep = || project.processes().into_iter().find(|(_, line)| line == "sleep 1000").map(|(pid, _)| pid);
    wait_for("it runs", || sleep().is_some());
    let sleep = sleep().unwrap();
    let found = doctor(&project, 0);
    let [_, _, message, _] = of(&found, "leftovers");
    let named = message.contains(&format!("({sleep})"));
    inside.kill().unwrap();
    inside.wait().unwrap();
    assert!(!named, "{message}");
}
