//! sd_notify: a service says by itself that it is ready, what it does, and that it lives.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Project, Stream, detach, down, has, is_linux, wait_for};

/// Sends what it finds in files of the home folder, by the standard library alone; each once.
const SAYS: &str = r"
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ['NOTIFY_SOCKET'])
print('socket', os.environ['NOTIFY_SOCKET'], 'watchdog', os.environ.get('WATCHDOG_USEC'), flush=True)
while True:
    for name in ('first', 'second', 'third'):
        path = '../home/' + name
        if os.path.exists(path):
            s.send(open(path, 'rb').read())
            os.rename(path, path + '.sent')
    if not os.path.exists('../home/mute'):
        s.send(b'WATCHDOG=1')
    time.sleep(0.02)
";

/// The same by the library that Python programs use.
const BY_LIBRARY: &str = r"
import sdnotify, time
n = sdnotify.SystemdNotifier(debug=True)
n.notify('STATUS=Warming up')
n.notify('READY=1')
time.sleep(1000)
";

fn is_linux_with_python() -> bool {
    let python = std::process::Command::new("python3").arg("--version").output().is_ok();
    is_linux() && has("python3", python)
}

/// The Python that has the package `sdnotify`, which `.ci/run` makes.
fn python_with_library() -> Option<String> {
    let python = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/sdnotify/bin/python"));
    has("sdnotify (.ci/run installs it)", python.exists()).then(|| python.display().to_string())
}

fn service(project: &Project, name: &str) -> Value {
    let asked = Stream::ask(project, &["status", "--json"]);
    let status: Value = serde_json::from_str(&asked.stdout).unwrap();
    status["services"].as_array().unwrap().iter().find(|service| service["name"] == name).unwrap().clone()
}

/// The address that the service has printed.
fn address(project: &Project) -> String {
    let logs = Stream::ask(project, &["logs", "api", "--raw"]).stdout;
    logs.split_whitespace().nth(1).unwrap_or_default().to_owned()
}

#[test]
fn it_is_ready_when_it_says_so_and_nobody_else_may() {
    if !is_linux_with_python() {
        return;
    }
    let project = Project::new(
        "[services]\napi = { run = 'exec python3 says.py', ready = { sd_notify = true } }\nweb = { run = 'exec sleep 1000', \
         depends_on = ['api'] }\nnone = 'echo notify $NOTIFY_SOCKET.; exec sleep 1000'\n",
    );
    // As inside of a unit of systemd: that is not for its services.
    let project = project.with_env("WATCHDOG_USEC", "7");
    project.write("says.py", SAYS);
    let mut group = Stream::start(&project, &[]);
    group.wait_for_text("watchdog None");
    group.wait_for_text("none │ notify .");
    let socket = address(&project);
    assert!(socket.ends_with(".notify") && std::path::Path::new(&socket).exists(), "{socket}");
    // This test knows the address, and is no process of the service.
    let stranger = UnixDatagram::unbound().unwrap();
    stranger.send_to(b"READY=1\nSTATUS=hello from elsewhere", &socket).unwrap();
    project.write("../home/new", "STATUS=Loading \x1b[31m3 of 7\nUNKNOWN=x\n");
    std::fs::rename(project.path("../home/new"), project.path("../home/first")).unwrap();
    wait_for("its status is shown", || service(&project, "api")["status_text"] == "Loading \\u{1b}[31m3 of 7");
    assert_eq!(
        (&service(&project, "api")["state"], &service(&project, "web")["state"]),
        (&"starting".into(), &"waiting".into())
    );
    let table = Stream::ask(&project, &["status"]).stdout;
    assert!(table.contains("Loading \\u{1b}[31m3 of 7"), "{table}");
    project.write("../home/new", "READY=1\nSTATUS=Serving");
    std::fs::rename(project.path("../home/new"), project.path("../home/second")).unwrap();
    wait_for("it is ready", || service(&project, "api")["state"] == "ready");
    wait_for("what waited for it runs", || service(&project, "web")["state"] == "running");
    wait_for("its status is the new one", || service(&project, "api")["status_text"] == "Serving");
    assert_eq!(Stream::ask(&project, &["stop", "api", "--wait"]).code, Some(0));
    assert!(!std::path::Path::new(&socket).exists(), "the socket goes with the run");
    assert_eq!(service(&project, "api")["status_text"], Value::Null);
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
}

#[test]
fn a_silent_watchdog_is_stuck_and_restarted() {
    if !is_linux_with_python() {
        return;
    }
    let project = Project::new(
        "[services]\napi = { run = 'exec python3 says.py', alive = { sd_notify = true, every = '2s' }, backoff = { initial = \
         '10ms' } }\n",
    );
    project.write("says.py", SAYS);
    let mut group = Stream::start(&project, &[]);
    group.wait_for_text("watchdog 2000000");
    project.write("../home/mute", "");
    group.wait_for_text("stuck · no WATCHDOG=1 for 2s · ");
    std::fs::remove_file(project.path("../home/mute")).unwrap();
    group.wait_for_text("restarted · stuck: no WATCHDOG=1 for 2s");
    let api = service(&project, "api");
    assert_eq!(api["restarts"]["liveness"], 1, "{api}");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
}

#[test]
fn a_real_library_is_understood() {
    let Some(python) = python_with_library().filter(|_| is_linux()) else { return };
    let project = Project::new(&format!(
        "[services.api]\nrun = [\"{python}\", \"notifies.py\"]\nready = {{ sd_notify = true }}\n"
    ));
    project.write("notifies.py", BY_LIBRARY);
    detach(&project);
    let api = service(&project, "api");
    assert_eq!((&api["state"], &api["status_text"]), (&"ready".into(), &"Warming up".into()), "{api}");
    down(&project);
}

#[test]
fn one_that_never_says_it_has_failed_and_the_message_names_what_was_waited_for() {
    if !is_linux() {
        return;
    }
    let project = Project::new(
        "[services]\napi = { run = 'exec sleep 1000', ready = { sd_notify = true, timeout = '300ms' }, restart = 'never' }\n",
    );
    let mut group = Stream::start(&project, &[]);
    group.wait_for_text("not ready · READY=1 (sd_notify) · gave up after 0.3s");
    assert_eq!(group.wait_exit().code, Some(5));
}
