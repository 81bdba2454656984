//! `/health` and `/ready`.

use serde_json::Value;

use super::{Page, get, project};
use crate::harness::{Stream, detach, down, wait_for};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_group_is_ready_when_all_that_is_to_run_is() {
    let (project, port) = project(
        "[services]\ndb = 'exec sleep 1000'\napi = { run = 'exec sleep 1000', ready = { file = '../home/ready' } }\n\
         off = { run = 'true', autostart = false }\n",
    );
    let group = Stream::start(&project, &[]);
    wait_for("metrics are there", || !super::is_closed(port));
    wait_for("db is up", || json(&get(port, "/ready").1)["ready"] == 1);
    let (code, text) = get(port, "/ready");
    assert_eq!((code, text.trim()), (503, r#"{"ready":1,"total":2,"not_ready":["api"]}"#));
    // What was written before it began does not count.
    wait_for("api has begun", || Stream::ask(&project, &["logs", "api"]).stdout.contains("started"));
    project.write("../home/ready", "");
    wait_for("api is ready", || get(port, "/ready").0 == 200);
    assert_eq!(get(port, "/ready").1.trim(), r#"{"ready":2,"total":2,"not_ready":[]}"#);
    assert_eq!(Stream::ask(&project, &["stop", "api"]).code, Some(0));
    assert_eq!(get(port, "/ready").1.trim(), r#"{"ready":1,"total":1,"not_ready":[]}"#, "it is not to run");
    let (code, text) = get(port, "/health");
    let told = json(&text);
    assert_eq!((code, &told["status"], &told["version"]), (200, &"ok".into(), &1.into()), "{text}");
    assert_eq!(told["pid"], group.guard(), "{text}");
    assert!(told["uptime_seconds"].is_u64() && told["last_turn_ms"].is_u64() && told["project"].is_string(), "{text}");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
}

#[test]
fn a_group_that_is_being_stopped_says_so_and_is_not_ready() {
    let (project, port) = project(
        "[services]\napi = { run = \"trap '' TERM; echo up; while :; do sleep 0.1; done\", ready = { log = 'up' }, stop = { grace = '60s' } }\n",
    );
    detach(&project);
    let mut stopping = Stream::start(&project, &["down"]);
    wait_for("it is stopping", || json(&get(port, "/health").1)["status"] == "stopping");
    assert_eq!((get(port, "/health").0, get(port, "/ready").0), (200, 503));
    assert_eq!(Stream::ask(&project, &["down", "--now"]).code, Some(0));
    wait_for("the first client is told", || stopping.has_ended());
    project.assert_nothing_left();
}

#[test]
#[cfg(debug_assertions)]
fn a_loop_that_does_not_turn_is_told_after_ten_seconds() {
    let (project, port) = project("[services]\napi = 'exec sleep 1000'\n");
    let fault = project.path("../home/hang");
    let project = project.with_env("DEVGROUP_FAULT", &format!("turn={}", fault.display()));
    detach(&project);
    assert_eq!(get(port, "/health").0, 200);
    project.write("../home/hang", "");
    let begun = std::time::Instant::now();
    let (code, text) = get(port, "/health");
    assert_eq!((code, &json(&text)["status"]), (503, &"stuck".into()), "{text}");
    assert!(begun.elapsed().as_secs() >= 9, "before its time");
    assert_eq!(get(port, "/health").0, 503, "and from then on at once");
    assert_eq!(Page::get(port).value("devgroup_service_processes{service=\"api\"}"), None, "the page is there without");
    std::fs::remove_file(&fault).unwrap();
    wait_for("it turns again", || get(port, "/health").0 == 200);
    assert!(Page::get(port).value("devgroup_loop_longest_turn_seconds").unwrap() > 9.0);
    down(&project);
}
