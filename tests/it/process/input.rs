//! Typing and sizes.

use devgroup::domain::{ExitStatus, RunId, Signal, SignalTarget};

use super::bench::{Bench, names_of_threads, shell, wait_for};

#[test]
fn what_is_typed_reaches_the_service() {
    let mut bench = Bench::new();
    bench.sh("cat", "stty -echo; echo up; exec cat");
    bench.line("cat", "up");
    bench.host.write(&"cat".into(), b"hello\n\xff\n".to_vec());
    bench.line("cat", "hello");
    // Ctrl-D at the start of a line is the end of the input.
    bench.host.write(&"cat".into(), b"\x04".to_vec());
    assert_eq!(bench.exited("cat"), (ExitStatus::Code(0), true));
    bench.host.write(&"cat".into(), b"to nobody".to_vec());
    bench.host.write(&"nobody".into(), b"to nobody".to_vec());
}

#[test]
fn a_run_has_a_thread_while_something_happens_to_it() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let mut bench = Bench::new();
    let wait_until_quiet =
        || wait_for("it has no thread", || (!names_of_threads().iter().any(|name| name == "run quiet")).then_some(()));
    bench.sh("quiet", "stty -echo; echo up; while read line; do echo \"read $line\"; done; exit 3");
    bench.line("quiet", "up");
    for round in 0..3 {
        wait_until_quiet();
        bench.host.write(&"quiet".into(), format!("{round}\n").into_bytes());
        bench.line("quiet", &format!("read {round}"));
    }
    wait_until_quiet();
    bench.host.write(&"quiet".into(), b"\x04".to_vec());
    assert_eq!(bench.exited("quiet"), (ExitStatus::Code(3), true));
    for (service, signal) in [("asked", Signal::Term), ("killed", Signal::Kill)] {
        bench.sh(service, "echo up; sleep 1000 & wait");
        bench.line(service, "up");
        wait_for("it has no thread", || (!names_of_threads().contains(&format!("run {service}"))).then_some(()));
        bench.signal(service, signal);
        assert_eq!(bench.exited(service).0, ExitStatus::Signal(if signal == Signal::Term { 15 } else { 9 }));
    }
}

#[test]
fn control_c_that_is_typed_interrupts() {
    let mut bench = Bench::new();
    bench.sh("api", "echo up; exec sleep 1000");
    bench.line("api", "up");
    bench.host.write(&"api".into(), b"\x03".to_vec());
    assert_eq!(bench.exited("api"), (ExitStatus::Signal(2), true));
}

#[test]
fn a_service_that_does_not_read_does_not_stop_anybody() {
    let mut bench = Bench::new();
    bench.sh("deaf", "stty raw -echo; echo up; sleep 1000");
    bench.line("deaf", "up");
    for _ in 0..100 {
        bench.host.write(&"deaf".into(), vec![b'x'; 100_000]);
    }
    bench.signal("deaf", Signal::Term);
    assert_eq!(bench.exited("deaf").0, ExitStatus::Signal(15));
}

#[test]
fn a_lot_of_input_arrives_whole() {
    let mut bench = Bench::new();
    bench.sh("count", "stty raw -echo; echo up; head -c 500000 | wc -c");
    bench.line("count", "up");
    for _ in 0..5 {
        bench.host.write(&"count".into(), vec![b'x'; 100_000]);
    }
    bench.line("count", "500000");
    bench.exited("count");
}

#[test]
fn sizes_are_remembered_and_changes_are_told() {
    let mut bench = Bench::new();
    bench.sh("default", "stty size");
    bench.host.resize(&"api".into(), 100, 30);
    bench.sh("api", "trap 'stty size' WINCH; stty size; while :; do sleep 0.01; done");
    bench.line("api", "30 100");
    bench.host.resize(&"api".into(), 101, 31);
    bench.line("api", "31 101");
    bench.host.resize(&"api".into(), 0, 0);
    bench.line("api", "1 2");
    bench.signal("api", Signal::Kill);
    bench.exited("api");
    bench.host.resize(&"api".into(), 120, 40);
    bench.host.spawn(bench.launch("api", 2, shell("stty size")));
    bench.line("api", "40 120");
    bench.line("default", "24 80");
}

#[test]
fn a_storm_of_sizes_ends_with_the_last() {
    let mut bench = Bench::new();
    bench.sh("api", "echo up; read x; stty size");
    for step in 0..500_u16 {
        bench.host.resize(&"api".into(), 20 + step % 97, 10 + step % 31);
    }
    bench.host.resize(&"api".into(), 77, 33);
    bench.line("api", "up");
    bench.host.write(&"api".into(), b"\n".to_vec());
    bench.line("api", "33 77");
    wait_for("the end", || {
        bench.host.signal(&"api".into(), RunId(1), Signal::Kill, SignalTarget::Group);
        Some(())
    });
    bench.exited("api");
}
