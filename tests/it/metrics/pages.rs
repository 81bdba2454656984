//! The figures are those of the commands, and Debian's `promtool` reads them.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use super::{Page, get, json, project, service, start};
use crate::harness::{Dash, Stream, detach, down, has, is_linux, wait_for};

const SHOP: &str = r#"
[services]
api = { run = "echo up; exec sleep 1000", watch = ["src/**"], ready = { log = "up" }, debounce = "0s" }
flaky = { run = "if [ -e ../home/tried ]; then exec sleep 1000; fi; : > ../home/tried; exit 3", restart = "always", backoff = { initial = "10ms" } }
once = { run = "true", kind = "job" }
"#;

#[test]
fn the_figures_are_those_of_status_and_history() {
    let (project, port) = project(SHOP);
    project.write("src/a.rs", "0");
    start(&project);
    assert_eq!(Stream::ask(&project, &["restart", "api", "--wait"]).code, Some(0));
    wait_for("it watches", || json(&project, &["status", "--json"])["watch"]["state"] == "watching");
    project.write("src/a.rs", "1");
    wait_for("the change has restarted it", || service(&project, "api")["restarts"]["change"] == 1);
    wait_for("all is up", || get(port, "/ready").0 == 200);
    let page = Page::get(port);
    for name in ["api", "flaky", "once"] {
        let told = service(&project, name);
        for (cause, count) in told["restarts"].as_object().unwrap() {
            let sample = format!("devgroup_restarts_total{{service=\"{name}\",cause=\"{cause}\"}}");
            assert_eq!(page.value(&sample), count.as_f64(), "{sample}");
        }
        let state = format!("devgroup_service_state{{service=\"{name}\",state={}}}", told["state"]);
        assert_eq!(page.value(&state), Some(1.0), "{state}");
    }
    assert_eq!(page.sum("devgroup_service_state"), 3.0, "each is in one state");
    let exits = |name: &str, result: &str| {
        page.value(&format!("devgroup_exits_total{{service=\"{name}\",result=\"{result}\"}}"))
    };
    assert_eq!([exits("api", "stopped"), exits("flaky", "failed"), exits("once", "done")], [2.0, 1.0, 1.0].map(Some));
    let events = Stream::ask(&project, &["events", "--json"]).stdout;
    let exited = events.lines().filter(|line| line.contains("\"type\":\"exit\"")).count();
    assert_eq!(page.sum("devgroup_exits_total"), exited as f64, "{events}");
    assert_eq!(page.value("devgroup_time_to_ready_seconds_count{service=\"api\"}"), Some(3.0));
    assert!(page.value("devgroup_file_events_total{verdict=\"restart\"}").unwrap() >= 1.0);
    assert!(page.value("devgroup_watched_directories").unwrap() >= 2.0);
    assert!(page.value("devgroup_loop_longest_turn_seconds").unwrap() > 0.0);
    assert!(
        page.value("devgroup_log_bytes_total{service=\"api\"}").unwrap() >= 9.0,
        "`up` and the end of a line, thrice"
    );
    assert_eq!(page.value("devgroup_log_dropped_lines_total{service=\"api\"}"), Some(0.0));
    if is_linux() {
        assert_eq!(page.value("devgroup_service_processes{service=\"api\"}"), Some(1.0));
        assert!(page.value("devgroup_service_resident_bytes{service=\"api\"}").unwrap() > 100_000.0);
        assert!(page.value("devgroup_service_cpu_seconds_total{service=\"api\"}").is_some());
        assert_eq!(page.value("devgroup_service_processes{service=\"once\"}"), None, "it does not run");
    }
    down(&project);
}

#[test]
fn held_changes_are_counted() {
    let (project, port) = project("[services]\napi = { run = 'exec sleep 1000', watch = ['src/**'] }\n");
    project.write("src/a.rs", "0");
    let mut dash = Dash::start(&project, (100, 30), &["--paused"]);
    dash.wait_for_text("api");
    wait_for("it watches", || json(&project, &["status", "--json"])["watch"]["state"] == "paused");
    project.write("src/a.rs", "1");
    wait_for("the change is held", || Page::get(port).value("devgroup_held_changes") == Some(1.0));
    assert_eq!(Page::get(port).value("devgroup_file_events_total{verdict=\"restart\"}"), Some(0.0));
    dash.keys("q");
    dash.wait_exit();
}

#[test]
fn promtool_finds_nothing() {
    let promtool = Command::new("promtool").arg("--version").output().is_ok();
    if !has("promtool", promtool) {
        return;
    }
    let worker = "[services.marie]\nkind = 'worker'\nrun = 'true'\n";
    let (project, port) = project(&format!("[tasks]\ndir = 's'\n{SHOP}{worker}"));
    project.write("s/tasks/marie/t-1.json", r#"{"task_id":"t-1","worker":"marie","description":"x"}"#);
    start(&project);
    wait_for("the task is counted", || {
        Page::get(port).value("watcher_task_duration_seconds_count{worker=\"marie\"}") == Some(1.0)
    });
    let (_, text) = get(port, "/metrics");
    let mut command = Command::new("promtool");
    let command =
        command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
    down(&project);
}

#[test]
fn a_service_that_is_gone_or_renamed_is_gone_from_the_page() {
    let (project, port) = project("[services]\na = 'exec sleep 1000'\nb = 'exec sleep 1000'\n");
    detach(&project);
    assert!(Page::get(port).knows("a") && Page::get(port).knows("b"));
    project.write("procgroup.toml", project.read("procgroup.toml").replace("b = ", "c = "));
    wait_for("b is gone and c is there", || {
        let page = Page::get(port);
        page.knows("a") && !page.knows("b") && page.knows("c")
    });
    down(&project);
}

/// Bytes that a process has read from files, by the kernel.
fn read_by(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("rchar: "));
    line.and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[test]
fn what_runs_use_is_read_at_a_scrape_and_at_no_other_time() {
    let services: String = (0..20).map(|n| format!("s{n} = 'exec sleep 1000'\n")).collect();
    let (project, port) = project(&format!("[services]\n{services}"));
    let group = Stream::start(&project, &["--no-watch"]);
    wait_for("all is up", || !super::is_closed(port) && get(port, "/ready").0 == 200);
    let program = group.program();
    if !has("/proc/PID/io", read_by(program) > 0) {
        return;
    }
    Page::get(port);
    let before = read_by(program);
    for _ in 0..50 {
        assert_eq!((get(port, "/health").0, get(port, "/ready").0), (200, 200));
    }
    let between = read_by(program) - before;
    let before = read_by(program);
    // Who asks again within a quarter of a second is told what was found then.
    wait_for("it is measured again", || {
        Page::get(port);
        read_by(program) - before > 20 * 200
    });
    assert!(between < 20 * 100, "{between} bytes between two scrapes");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
}
