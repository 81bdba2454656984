//! `devgroup history` and `events --since`: what has happened, over restarts of devgroup, a torn line and a full disk.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Dash, Project, Stream, down, has, wait_for};

const SHOP: &str = r#"
[services]
api = { run = "echo up; exec sleep 1000", watch = ["src/**"], ready = { log = "up" }, debounce = "0s" }
flaky = { run = "if [ -e ../home/tried ]; then exec sleep 1000; fi; : > ../home/tried; exit 3", restart = "always", backoff = { initial = "10ms" } }
"#;

fn shop() -> Project {
    let project = Project::new(SHOP);
    project.write("src/a.rs", "0");
    project
}

fn json(project: &Project, arguments: &[&str]) -> Value {
    let asked = Stream::ask(project, arguments);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    serde_json::from_str(&asked.stdout).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn past_events(project: &Project) -> Vec<Value> {
    let asked = Stream::ask(project, &["events", "--since", "24h", "--json"]);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    lines(&asked.stdout)
}

fn run_of(project: &Project, name: &str) -> Value {
    let status = json(project, &["status", "--json"]);
    let services = status["services"].as_array().unwrap().clone();
    let service = services.into_iter().find(|service| service["name"] == name).unwrap();
    Value::from(vec![service["run"].clone(), service["state"].clone()])
}

/// Edits a file that `api` watches, and waits for the run that follows.
fn edit(project: &Project, run: u32) {
    wait_for("it watches", || json(project, &["status", "--json"])["watch"]["state"] == "watching");
    // What it held before is no change.
    project.write("src/a.rs", format!("{}{run}", project.read("src/a.rs")));
    wait_for("it is ready again", || run_of(project, "api") == Value::from(vec![run.into(), Value::from("ready")]));
}

/// Starts the group in the background, one of whose services may crash at first.
fn start(project: &Project) {
    let started = Stream::ask(project, &["-d"]);
    assert!(matches!(started.code, Some(0 | 5)), "{}", started.stderr);
}

/// The files of events of the only group of the project.
fn files(project: &Project) -> Vec<PathBuf> {
    let groups = fs::read_dir(project.path("../home/state/devgroup")).unwrap();
    let folders = groups.map(|group| group.unwrap().path().join("events")).filter(|folder| folder.is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

/// The figures of a service, counted by a script of our own.
fn counted(events: &[Value], service: &str) -> Value {
    let of = |what: &str| -> Vec<&Value> {
        events.iter().filter(|event| event["service"] == service && event["type"] == what).collect()
    };
    let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut paths: BTreeMap<&str, u64> = BTreeMap::new();
    for restart in of("restart") {
        *causes.entry(restart["cause"].as_str().unwrap()).or_default() += 1;
        if let Some(path) = restart["path"].as_str() {
            *paths.entry(path).or_default() += 1;
        }
    }
    let median = |what: &str, key: &str| {
        let mut all: Vec<u64> = of(what).iter().filter_map(|event| event[key].as_u64()).collect();
        all.sort_unstable();
        match all.len() {
            0 => None,
            n if n % 2 == 1 => Some(all[n / 2]),
            n => Some((all[n / 2 - 1] + all[n / 2]) / 2),
        }
    };
    serde_json::json!({
        "service": service,
        "starts": of("start").len(),
        "restarts": of("restart").len(),
        "causes": causes,
        "median_up_ms": median("exit", "uptime_ms"),
        "median_ready_ms": median("ready", "ready_ms"),
        "most_often": paths.iter().max_by_key(|(_, count)| **count).map(|(path, count)| serde_json::json!({ "path": path, "restarts": count })),
    })
}

/// Asserts that the history says what the events come to.
fn assert_agrees(project: &Project) -> Value {
    let (history, events) = (json(project, &["history", "--json"]), past_events(project));
    for service in history["services"].as_array().unwrap() {
        let counted = counted(&events, service["service"].as_str().unwrap());
        for (key, value) in counted.as_object().unwrap() {
            assert_eq!(&service[key], value, "{key} of {service}");
        }
    }
    history
}

#[test]
fn the_figures_are_those_of_the_events_over_a_restart_of_devgroup() {
    let project = shop();
    assert_eq!(json(&project, &["history", "--json"])["services"], Value::from(Vec::<Value>::new()));
    let none = Stream::ask(&project, &["history"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), "nothing has happened in the last 24h\n"));
    start(&project);
    wait_for("it has crashed", || run_of(&project, "flaky")[0] == 2);
    (2..=3).for_each(|run| edit(&project, run));
    assert_agrees(&project);
    down(&project);
    let after = assert_agrees(&project);
    assert_eq!(after["services"][0]["causes"], serde_json::json!({ "change": 2 }), "{after}");
    assert_eq!(after["services"][1]["causes"], serde_json::json!({ "crash": 1 }), "{after}");
    // Whoever wrote it was killed.
    for file in files(&project) {
        OpenOptions::new().append(true).open(file).unwrap().write_all(br#"{"seq":9,"at":"20"#).unwrap();
    }
    start(&project);
    edit(&project, 2);
    let both = assert_agrees(&project);
    down(&project);
    let both_after = assert_agrees(&project);
    for history in [&both, &both_after] {
        assert_eq!(history["services"][0]["causes"], serde_json::json!({ "change": 3 }), "{history}");
        assert_eq!(history["services"][0]["starts"], 2, "{history}");
        assert_eq!(history["services"][0]["restarts_by_hour"][23], 3, "{history}");
    }
    let words = Stream::ask(&project, &["history", "api"]).stdout;
    assert!(words.starts_with("api  3 restarts (3 changes) · 0.1/h · median up "), "{words}");
    assert!(words.ends_with(" · most often src/a.rs (3)\n"), "{words}");
    let text = Stream::ask(&project, &["events", "--since", "1h"]).stdout;
    assert!(text.lines().all(|line| line.get(3..4) == Some(" ") && line.contains(':')), "with days: {text}");
    let unknown = Stream::ask(&project, &["history", "apj"]);
    assert_eq!(unknown.code, Some(6));
    assert!(unknown.stderr.contains("unknown service `apj`") && unknown.stderr.contains("`api`"), "{}", unknown.stderr);
    let group = Stream::ask(&project, &["history", "@back"]);
    assert_eq!(group.code, Some(6));
    assert!(group.stderr.contains("no service here has the key `group`"), "{}", group.stderr);
}

#[test]
fn who_follows_gets_each_event_once() {
    let project = shop();
    start(&project);
    edit(&project, 2);
    down(&project);
    start(&project);
    edit(&project, 2);
    let mut follower = Stream::start(&project, &["events", "--since", "24h", "-f", "--json"]);
    follower.wait_for("what has been", |text| text.lines().count() > 8);
    edit(&project, 3);
    let text = follower.wait_for("the new run is ready", |text| {
        text.ends_with('\n') && lines(text).iter().any(|event| event["type"] == "ready" && event["run"] == 3)
    });
    let events = lines(&text);
    let own = events.last().unwrap()["epoch"].as_str().unwrap().to_owned();
    let mut seqs: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for event in &events {
        seqs.entry(event["epoch"].as_str().unwrap().to_owned()).or_default().push(event["seq"].as_u64().unwrap());
    }
    assert_eq!(seqs.len(), 2, "those of both groups: {seqs:?}");
    let now = &seqs[&own];
    assert_eq!(*now, (1..=now.len() as u64).collect::<Vec<_>>(), "none is lost and none is doubled");
    let before = seqs.iter().find(|(epoch, _)| **epoch != own).unwrap().1;
    assert!(before.windows(2).all(|two| two[0] < two[1]), "{before:?}");
    assert!(events[0]["epoch"] != own.as_str(), "the oldest come first");
    down(&project);
    let ended = follower.wait_client();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let none = Stream::ask(&project, &["events", "--since", "24h", "-f"]);
    assert_eq!(none.code, Some(4), "{}", none.stderr);
}

/// In a namespace of its own, with a small file system for the state.
const FULL: &str = r#"
set -eu
mkdir -p "$XDG_STATE_HOME"
mount -t tmpfs -o size=256k tmpfs "$XDG_STATE_HOME"
"$DEVGROUP" -d || [ $? -eq 5 ]
"$DEVGROUP" restart api --wait
dd if=/dev/zero of="$XDG_STATE_HOME/fill" bs=1k 2>/dev/null || true
# What is left of the last block of a file can still be written.
for n in 1 2 3 4 5 6 7 8 9 10; do "$DEVGROUP" restart api --wait; done
"$DEVGROUP" status
rm "$XDG_STATE_HOME/fill"
"$DEVGROUP" restart api --wait
"$DEVGROUP" down
echo "--- events"
cat "$XDG_STATE_HOME"/devgroup/*/events/*
"#;

#[test]
fn a_full_disk_costs_events_and_nothing_else() {
    let words = ["-r", "-m"];
    let works = |words: &[&str]| {
        let mount = ["mount", "-t", "tmpfs", "tmpfs", "/mnt"];
        Command::new("unshare").args(words).args(mount).output().is_ok_and(|tried| tried.status.success())
    };
    let words: &[&str] = if works(&words[1..]) { &words[1..] } else { &words };
    if !has("unshare and mount", works(words)) {
        return;
    }
    let project = shop().with_env("DEVGROUP", env!("CARGO_BIN_EXE_devgroup"));
    let arguments: Vec<&str> = words.iter().copied().chain(["sh", "-c", FULL]).collect();
    let ended = Stream::start_program(&project, "unshare", &arguments).wait_exit();
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let events = lines(ended.stdout.split("--- events\n").nth(1).unwrap());
    let runs: Vec<u64> = events
        .iter()
        .filter(|event| event["service"] == "api" && event["type"] == "restart")
        .map(|event| event["run"].as_u64().unwrap())
        .collect();
    assert_eq!((runs.first(), runs.last()), (Some(&2), Some(&13)), "{runs:?}");
    assert!(runs.len() < 12, "the disk was full: {runs:?}");
}

#[test]
fn a_link_in_the_place_of_the_folder_is_not_followed() {
    let project = shop();
    start(&project);
    down(&project);
    let folder = files(&project)[0].parent().unwrap().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    let elsewhere = project.path("../home/elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
    start(&project);
    down(&project);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    let asked = Stream::ask(&project, &["history"]);
    assert_eq!(asked.code, Some(1));
    assert!(asked.stderr.contains("events: it is a link: remove it"), "{}", asked.stderr);
}

#[test]
fn one_day_that_cannot_be_read_is_named_and_the_others_are_shown() {
    let project = shop();
    start(&project);
    down(&project);
    let file = files(&project)[0].clone();
    let bad = file.with_extension("2.jsonl");
    fs::create_dir(&bad).unwrap();
    let name = bad.file_name().unwrap().to_str().unwrap();
    for arguments in [&["history"][..], &["events", "--since", "24h"]] {
        let asked = Stream::ask(&project, arguments);
        assert!(asked.code == Some(0) && asked.stdout.contains("api"), "{asked:?}");
        assert!(asked.stderr.contains("warning: cannot be read: ") && asked.stderr.contains(name), "{asked:?}");
    }
}

#[test]
fn the_details_show_the_restarts_of_the_last_hours() {
    let project = shop();
    start(&project);
    edit(&project, 2);
    down(&project);
    let mut dash = Dash::start(&project, (100, 40), &[]);
    dash.wait_for_text("2 running");
    dash.keys("1d");
    dash.wait_for("the bar", |screen| {
        let bar = screen.lines().find(|line| line.contains("last 24h"));
        bar.is_some_and(|line| line.contains('█') && line.contains("· 1 restart"))
    });
    dash.keys("\x1b");
    dash.wait_for("they are closed", |screen| !screen.contains("last 24h"));
    dash.keys("q");
    dash.wait_exit();
}
