//! CPU and memory: measured while somebody looks, and limited where the file says so.

use serde_json::Value;

use crate::harness::{Dash, Project, Stream, detach, down, has, is_linux, quit};

/// A parent and its fork, which share 64 MiB.
const FORKS: &str = "import mmap, os, time\nm = mmap.mmap(-1, 64 << 20)\nm.write(b'x' * (64 << 20))\n\
                     print('shared', flush=True)\nif os.fork() == 0:\n    m.seek(0)\n    m.write(b'y' * (64 << 20))\n\
                     print('up', flush=True)\ntime.sleep(1000)\n";

/// Takes 80 MiB when it is told to, as often as it is started.
const GROWS: &str = "import os, time\nb = b''\nwhile True:\n    if not b and os.path.exists('../home/grow'):\n        \
                     b = bytearray(80 << 20)\n    time.sleep(0.05)\n";

fn status(project: &Project, arguments: &[&str]) -> Value {
    let asked = Stream::ask(project, &[&["status", "--json"], arguments].concat());
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    serde_json::from_str(&asked.stdout).unwrap()
}

fn service<'v>(status: &'v Value, name: &str) -> &'v Value {
    status["services"].as_array().unwrap().iter().find(|service| service["name"] == name).unwrap()
}

#[test]
fn usage_is_told_to_who_asks_and_shared_memory_counts_once() {
    let python = std::process::Command::new("python3").arg("--version").output().is_ok();
    if !has("python3", python) {
        return;
    }
    let project = Project::new(
        "[services]\nbusy = 'while :; do :; done'\nidle = 'exec sleep 1000'\nforks = { run = 'exec python3 forks.py', ready \
         = { log = 'up' } }\noff = { run = 'true', autostart = false }\n",
    );
    project.write("forks.py", FORKS);
    detach(&project);
    assert!(service(&status(&project, &[]), "idle").get("usage").is_none(), "nobody has asked");
    let told = status(&project, &["--usage"]);
    if is_linux() {
        let number = |name: &str, key: &str| service(&told, name)["usage"][key].as_f64().unwrap();
        assert!(number("busy", "cpu_percent") > number("idle", "cpu_percent") + 2.0, "{told}");
        assert!(number("idle", "memory_bytes") > f64::from(100 << 10), "{told}");
        let forks = number("forks", "memory_bytes") / f64::from(1 << 20);
        assert!(64.0 < forks && forks < 120.0, "{forks} MiB");
    }
    assert!(service(&told, "off").get("usage").is_none(), "it does not run");
    let table = Stream::ask(&project, &["status", "--usage"]).stdout;
    let head = table.lines().nth(1).unwrap();
    assert!(
        head.split_whitespace().eq("SERVICE STATE PID UP CPU MEMORY RUN RESTARTS LAST CHANGE".split(' ')),
        "{table}"
    );
    assert!(!Stream::ask(&project, &["status"]).stdout.contains("MEMORY"));
    let mut follows = Stream::start(&project, &["status", "-f", "--usage", "--json"]);
    follows.wait_for("it is told again and again", |out| out.lines().count() >= 3);
    down(&project);
    follows.wait_exit();
}

#[test]
fn the_sidebar_and_the_details_show_it_while_they_are_open() {
    let project = Project::new("[services]\nbusy = 'while :; do :; done'\nidle = 'exec sleep 1000'\n");
    let mut dash = Dash::start(&project, (80, 24), &[]);
    dash.wait_for_text("running");
    let before = dash.screen();
    assert!(!before.contains('%'), "{before}");
    if is_linux() {
        dash.keys("u");
        let row =
            |screen: &str, name: &str| screen.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
        let is_measured = |screen: &str| ["busy", "idle"].iter().all(|name| row(screen, name).contains('%'));
        dash.wait_for("CPU and memory are in the sidebar", is_measured);
        dash.keys("u");
        dash.wait_for("they are gone", |screen| !screen.contains('%'));
        dash.keys("d");
        dash.wait_for("the details have them", |screen| {
            let usage = row(screen, "usage ");
            usage.contains("% of a core") && usage.contains("of memory")
        });
        dash.keys("q");
    }
    quit(dash);
}

#[test]
fn what_grows_above_its_limit_is_restarted() {
    let python = std::process::Command::new("python3").arg("--version").output().is_ok();
    if !has("python3", python) || !is_linux() {
        return;
    }
    let project = Project::new(
        "[services]\ngrows = { run = 'exec python3 grows.py', limits = { memory = '60MiB' } }\nother = 'exec sleep 1000'\n",
    );
    project.write("grows.py", GROWS);
    project.write("../home/grow", "");
    let mut group = Stream::start(&project, &[]);
    group.wait_for("it is over its limit", |out| {
        out.lines().any(|line| line.contains("over its limit · memory ") && line.contains(", limit 60MiB · "))
    });
    std::fs::remove_file(project.path("../home/grow")).unwrap();
    group.wait_for_text("restarted · over its limit: memory ");
    let told = status(&project, &[]);
    assert_eq!(service(&told, "grows")["restarts"]["limit"], 1, "{told}");
    let fault = service(&told, "grows")["last_exit"]["fault"].as_str().unwrap();
    assert!(fault.starts_with("memory ") && fault.ends_with(", limit 60MiB"), "{fault}");
    assert_eq!(service(&told, "other")["run"], 1);
    let events = Stream::ask(&project, &["events"]).stdout;
    assert!(events.contains("over its limit"), "{events}");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
}
