//! Readiness: one probe of each kind, and their ends.

use std::io::{Read, Write};
use std::net::{TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use devgroup::domain::{ExitStatus, HttpCheck, Probe, RunReport, Signal};

use super::bench::{Bench, lives, shell, wait_for, words};

/// A port that nobody listens on.
fn free_port(address: impl ToSocketAddrs) -> u16 {
    TcpListener::bind(address).unwrap().local_addr().unwrap().port()
}

#[test]
fn a_port_is_ready_when_it_accepts() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(_) = TcpListener::bind(address) else { continue };
        let mut bench = Bench::new();
        let port = free_port(address);
        bench.sh_until("api", "sleep 1000", Probe::Port(port));
        bench.started("api");
        assert_eq!(bench.others(), []);
        let _listener = TcpListener::bind((address.trim_end_matches(":0").trim_matches(['[', ']']), port)).unwrap();
        bench.ready("api");
        bench.signal("api", Signal::Term);
        bench.exited("api");
        assert!(!bench.others().contains(&RunReport::Ready), "it is said once");
    }
}

#[test]
fn http_is_ready_with_the_first_good_answer() {
    let mut bench = Bench::new();
    let port = free_port("127.0.0.1:0");
    bench.sh_until("api", "sleep 1000", Probe::Http(HttpCheck::new(format!("http://localhost:{port}/health?full=1"))));
    bench.started("api");
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /health?full=1 HTTP/1.1\r\nHost: localhost:"));
            let answers = ["HTTP/1.1 503 Not yet\r\n\r\n", "HTTP/1.1 404 Where\r\n\r\n", "HTTP/1.1 204 Yes\r\n\r\n"];
            let answer = answers[count.fetch_add(1, Ordering::Relaxed) as usize];
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    bench.ready("api");
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    bench.signal("api", Signal::Term);
    bench.exited("api");
}

#[test]
fn a_command_is_asked_until_it_says_yes() {
    let mut bench = Bench::new();
    let run = "until [ $(cat asked 2>/dev/null | wc -l) -ge 2 ]; do sleep 0.01; done; touch up; sleep 1000";
    bench.sh_until("api", run, Probe::Cmd(shell("echo asked >> asked; test -e up")));
    bench.ready("api");
    assert!(bench.path("up").exists());
    bench.signal("api", Signal::Term);
    bench.exited("api");
}

#[test]
fn why_a_command_says_no_is_reported_once() {
    let mut bench = Bench::new();
    let missing = |report: &RunReport| match report {
        RunReport::Unready { problem } => Some(problem.to_string()),
        _ => None,
    };
    bench.sh_until("argv", "sleep 1000", Probe::Cmd(words(&["./no-such-probe"])));
    assert_eq!(bench.report("argv", "why it is not ready", missing), "program not found: ./no-such-probe");
    let probe = "echo asked >> asked; test -e up && exit 0; test -e later && exit 3; no-such-probe 2>/dev/null";
    bench.sh_until("shell", "sleep 1000", Probe::Cmd(shell(probe)));
    assert_eq!(bench.report("shell", "why it is not ready", missing), "exit 127 (usually: program not found)");
    wait_for("it is asked again", || {
        let asked = std::fs::read_to_string(bench.path("asked")).unwrap_or_default();
        (asked.lines().count() >= 3).then_some(())
    });
    assert!(!bench.others().iter().any(|report| missing(report).is_some()), "it is said once");
    std::fs::write(bench.path("later"), "").unwrap();
    assert_eq!(bench.report("shell", "another reason", missing), "exit 3");
    std::fs::write(bench.path("up"), "").unwrap();
    bench.ready("shell");
    for service in ["argv", "shell"] {
        bench.signal(service, Signal::Kill);
        bench.exited(service);
    }
}

#[test]
fn a_file_counts_only_if_it_is_written_after_the_start() {
    let mut bench = Bench::new();
    std::fs::write(bench.path("old"), "of the run before").unwrap();
    bench.sh_until("old", "read x; echo new > old; sleep 1000", Probe::File(bench.path("old")));
    bench.sh_until("new", "sleep 0.05; touch new; sleep 1000", Probe::File(bench.path("new")));
    bench.ready("new");
    let pid = bench.started("old");
    assert!(lives(pid));
    assert!(!bench.others().contains(&RunReport::Ready));
    bench.host.write(&"old".into(), b"\n".to_vec());
    bench.ready("old");
    for service in ["old", "new"] {
        bench.signal(service, Signal::Kill);
        bench.exited(service);
    }
}

#[test]
fn a_delay_is_ready_when_it_is_over() {
    let mut bench = Bench::new();
    let begun = Instant::now();
    bench.sh_until("api", "sleep 1000", Probe::Delay(Duration::from_millis(100)));
    bench.ready("api");
    assert!(begun.elapsed() >= Duration::from_millis(100));
    bench.signal("api", Signal::Kill);
    bench.exited("api");
}

#[test]
fn a_probe_ends_with_its_run_and_takes_its_processes_along() {
    let mut bench = Bench::new();
    bench.sh_until(
        "api",
        "while ! test -e asking; do sleep 0.01; done; exit 5",
        Probe::Cmd(shell("echo $$ > part; mv part asking; sleep 1000; sleep 1000")),
    );
    assert_eq!(bench.exited("api"), (ExitStatus::Code(5), true));
    let asker = std::fs::read_to_string(bench.path("asking")).unwrap().trim().parse().unwrap();
    wait_for("the probe's command to be gone", || (!lives(asker)).then_some(()));
    assert!(!bench.others().contains(&RunReport::Ready));
}
