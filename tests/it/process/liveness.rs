//! Liveness checks with real processes and files, and who listens on a port.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use devgroup::domain::{AliveCheck, AliveProbe, HttpCheck, Probe, RunId, RunReport, Signal, Validated};
use devgroup::process::{Beside, ChangeCommand, Launch, LivenessProbe};

use super::bench::{Bench, environment, lives, shell, wait_for};
use super::leaks::alone;

use crate::harness::is_linux;

fn check(probe: AliveProbe) -> AliveCheck {
    let (every, timeout) = (Duration::from_millis(20), Duration::from_millis(300));
    AliveCheck { probe, every, timeout, failures: 1, grace: Duration::ZERO }
}

/// A run that sleeps and is looked after.
fn looked_after(bench: &mut Bench, probe: AliveProbe) -> u32 {
    looked_after_by(bench, check(probe))
}

fn looked_after_by(bench: &mut Bench, check: AliveCheck) -> u32 {
    bench.sh("api", "exec sleep 1000");
    let pid = bench.started("api");
    bench.host.check_alive(LivenessProbe {
        service: "api".into(),
        run: RunId(1),
        check,
        expand: None,
        dir: bench.dir.path().to_owned(),
    });
    pid
}

fn problem(bench: &mut Bench) -> String {
    bench.report("api", "a failed try", |report| match report {
        RunReport::Silent { problem } => Some(problem.to_string()),
        _ => None,
    })
}

fn alive(bench: &mut Bench) {
    bench.report("api", "a sign of life", |report| (*report == RunReport::Alive).then_some(()));
}

fn end(bench: &mut Bench) {
    bench.signal("api", Signal::Kill);
    bench.exited("api");
}

#[test]
fn a_port_that_accepts_is_alive_and_is_told_once() {
    let mut bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    looked_after(&mut bench, AliveProbe::Port(port));
    alive(&mut bench);
    drop(listener);
    assert_eq!(problem(&mut bench), format!("port {port} refused the connection"));
    assert!(!bench.others().contains(&RunReport::Alive), "good news come once");
    let _again = TcpListener::bind(("127.0.0.1", port)).unwrap();
    alive(&mut bench);
    end(&mut bench);
}

#[test]
fn http_is_told_by_its_code_or_its_silence() {
    let mut bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for (n, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            match n {
                0 => stream.write_all(b"HTTP/1.1 401 Who\r\n\r\n").unwrap(),
                1 => stream.write_all(b"HTTP/1.1 503 No\r\n\r\n").unwrap(),
                2 => stream.write_all(b"hello\r\n").unwrap(),
                _ => open.push(stream),
            }
        }
    });
    let url = format!("http://127.0.0.1:{port}/health");
    // Long, so that only who never answers takes longer.
    let timeout = Duration::from_secs(3);
    let probe = AliveProbe::Http(HttpCheck { url: url.clone(), status: (200, 401) });
    looked_after_by(&mut bench, AliveCheck { timeout, ..check(probe) });
    alive(&mut bench);
    assert_eq!(problem(&mut bench), format!("{url} answered 503"));
    assert_eq!(problem(&mut bench), format!("{url} did not answer in HTTP"));
    assert_eq!(problem(&mut bench), format!("{url} did not answer in 3s"));
    end(&mut bench);
}

#[test]
fn a_command_is_asked_one_at_a_time_and_ends_with_the_run() {
    let mut bench = Bench::new();
    let command = shell("echo $$ >> asked; test -e stuck && exec sleep 1000; exit 0");
    looked_after(&mut bench, AliveProbe::Cmd(command));
    alive(&mut bench);
    fs::write(bench.path("stuck"), "").unwrap();
    let problem = problem(&mut bench);
    assert!(problem.ends_with("did not finish in 300ms"), "{problem}");
    let asked = fs::read_to_string(bench.path("asked")).unwrap();
    let pids: Vec<u32> = asked.lines().map(|pid| pid.parse().unwrap()).collect();
    wait_for("no more than one of them", || (pids.iter().filter(|pid| lives(**pid)).count() <= 1).then_some(()));
    end(&mut bench);
    wait_for("none of them", || {
        let asked = fs::read_to_string(bench.path("asked")).unwrap();
        (!asked.lines().any(|pid| lives(pid.parse().unwrap()))).then_some(())
    });
}

#[test]
fn a_heartbeat_file_is_stale_when_it_was_not_written_for_so_long() {
    let mut bench = Bench::new();
    let path = bench.path("status.json");
    // Of a run before: it says nothing.
    fs::write(&path, "old").unwrap();
    let max_age = Duration::from_millis(400);
    looked_after(&mut bench, AliveProbe::File { path: path.clone(), name: "tmp/status.json".into(), max_age });
    problem(&mut bench);
    let mut written = Instant::now();
    wait_for("a sign of life", || {
        written = Instant::now();
        fs::write(&path, format!("{written:?}")).unwrap();
        bench.others().contains(&RunReport::Alive).then_some(())
    });
    let problem = problem(&mut bench);
    // The file system dates with the clock's last tick, which was before.
    let tick = Duration::from_millis(10);
    assert!(written.elapsed() + tick >= max_age, "{:?}", written.elapsed());
    assert!(
        problem.starts_with("tmp/status.json not written for ") && problem.ends_with(" (max_age 400ms)"),
        "{problem}"
    );
    end(&mut bench);
}

#[test]
fn a_heartbeat_file_that_never_comes_is_stale_too() {
    let mut bench = Bench::new();
    let path = bench.path("none");
    let max_age = Duration::from_millis(200);
    looked_after(&mut bench, AliveProbe::File { path, name: "none".into(), max_age });
    assert!(problem(&mut bench).starts_with("none not written for"));
    end(&mut bench);
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn somebody_else_who_comes_later_makes_it_ready_and_is_told() {
    if !is_linux() {
        return;
    }
    if !alone("process::liveness::somebody_else_who_comes_later_makes_it_ready_and_is_told") {
        return;
    }
    for http in [false, true] {
        let mut bench = Bench::new();
        let port = free_port();
        let url = format!("http://localhost:{port}/");
        bench.sh_until(
            "api",
            "exec sleep 1000",
            if http { Probe::Http(HttpCheck::new(url)) } else { Probe::Port(port) },
        );
        bench.started("api");
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // Whoever only connects is gone already.
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(b"HTTP/1.1 200 Yes\r\n\r\n");
            }
        });
        bench.ready("api");
        let markers = bench.markers("api");
        let us = format!("(pid {}, ", std::process::id());
        let told = |line: &String| {
            line.contains(&format!("port {port} belongs to "))
                && line.contains(&us)
                && line.contains(", not to this service")
        };
        assert!(markers.iter().any(told), "{markers:?}");
        end(&mut bench);
    }
}

#[test]
fn somebody_else_who_was_there_before_is_neither_ready_nor_a_sign_of_life() {
    if !is_linux() {
        return;
    }
    // The somebody is we ourselves. A process that a test beside this one makes has our listener open until it executes, and
    // is below us: what answers would then be ours.
    if !alone("process::liveness::somebody_else_who_was_there_before_is_neither_ready_nor_a_sign_of_life") {
        return;
    }
    for http in [false, true] {
        let mut bench = Bench::new();
        let old = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = old.local_addr().unwrap().port();
        let url = HttpCheck::new(format!("http://127.0.0.1:{port}/"));
        let (ready, sign) = if http {
            (Probe::Http(url.clone()), AliveProbe::Http(url))
        } else {
            (Probe::Port(port), AliveProbe::Port(port))
        };
        let check = check(sign);
        let launch = bench.launch("api", 1, shell("exec sleep 1000"));
        let ready = Some(devgroup::domain::ReadyCheck { probe: ready, timeout: Duration::from_secs(20) });
        let liveness_probe = LivenessProbe {
            service: "api".into(),
            run: RunId(1),
            check: check.clone(),
            expand: None,
            dir: launch.dir.clone(),
        };
        bench.host.spawn(Launch { ready, alive: Some(check), ..launch });
        bench.started("api");
        let taken = format!("cannot have port {port}: ");
        let marker = wait_for("the marker", || bench.markers("api").into_iter().find(|line| line.contains(&taken)));
        assert!(marker.contains(&format!("(pid {}, ", std::process::id())), "{marker}");
        bench.host.check_alive(liveness_probe);
        for _ in 0..3 {
            let found = problem(&mut bench);
            assert!(found.starts_with(&taken), "{found}");
        }
        let others = bench.others();
        assert!(!others.iter().any(|report| matches!(report, RunReport::Ready | RunReport::Alive)), "{others:?}");
        assert_eq!(bench.markers("api").iter().filter(|line| line.contains(&taken)).count(), 1);
        drop(old);
        let _new = wait_for("the port", || TcpListener::bind(("127.0.0.1", port)).ok());
        if !http {
            bench.ready("api");
            alive(&mut bench);
        }
        end(&mut bench);
    }
}

#[test]
fn what_is_asked_about_a_run_is_its_processes_and_its_environment_without_secrets() {
    let mut bench = Bench::new();
    let mut env = environment();
    env.push(("API_TOKEN".into(), "s3cret".into()));
    env.push(("DATABASE_URL".into(), "postgres://shop:s3cret@db/shop".into()));
    env.push(("PORT".into(), "4000".into()));
    bench.host.spawn(Launch { ..bench.launch_in("api", 1, shell("sleep 1000 & wait"), env) });
    let pid = bench.started("api");
    let facts = wait_for("both processes", || {
        bench.host.inspect(&"api".into());
        let facts = bench.report("api", "what is known", |report| match report {
            RunReport::Details(facts) => Some(facts.clone()),
            _ => None,
        });
        // Elsewhere than on Linux its leader alone is known.
        (facts.pids.len() == if is_linux() { 2 } else { 1 }).then_some(facts)
    });
    assert_eq!((facts.run, facts.pids[0], facts.ports.len()), (RunId(1), pid, 0));
    let value =
        |name: &str| facts.env.iter().find(|one| one.name == name).map(|one| (one.value.as_str(), one.inherited));
    assert_eq!(value("PORT"), Some(("4000", false)));
    assert_eq!(value("API_TOKEN"), Some(("******", false)));
    assert_eq!(value("DATABASE_URL"), Some(("postgres://shop:******@db/shop", false)));
    assert_eq!(value("PATH").map(|(_, inherited)| inherited), Some(true));
    assert!(!format!("{facts:?}").contains("s3cret"));
    end(&mut bench);
}

#[test]
fn a_validation_is_ended_by_the_next_one_with_all_of_its_group() {
    let mut bench = Bench::new();
    let change_command = |bench: &Bench, text: &str| {
        let Launch { service, prepare, expand, dir, document, .. } = bench.launch("api", 0, shell(text));
        ChangeCommand { service, label: "validate", prepare, expand, dir, document }
    };
    let first = change_command(&bench, "echo first; sleep 1000 & echo $! > part; mv part child; wait");
    let validate = |bench: &Bench, text: &str, number| {
        bench.host.validate(change_command(bench, text), change_command(bench, "true"), number);
    };
    bench.host.validate(first, change_command(&bench, "true"), 1);
    let child = wait_for("its child", || fs::read_to_string(bench.path("child")).ok()?.trim().parse().ok());
    bench.line("api", "first");
    validate(&bench, "echo second; exit 101", 2);
    let result = bench.report("api", "the end of a validation", |report| match report {
        RunReport::Validated { number, result } => Some((*number, result.clone())),
        _ => None,
    });
    assert_eq!(result, (2, Validated::Failed("exit 101".into())));
    wait_for("the child to be gone", || (!lives(child)).then_some(()));
    assert_eq!(bench.output("api"), ["first", "second"]);
    validate(&bench, "exec sleep 1000", 3);
    bench.host.end_beside(&"api".into(), Beside::Validation, 2);
    bench.host.end_beside(&"api".into(), Beside::Validation, 3);
    validate(&bench, "true", 4);
    let passed = bench.report("api", "the end of a validation", |report| match report {
        RunReport::Validated { number, result } => Some((*number, result.clone())),
        _ => None,
    });
    assert_eq!(passed, (4, Validated::Passed));
}
