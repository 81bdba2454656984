//! Signals reach everybody of a session, and nobody else.

use std::path::Path;

use devgroup::domain::{ExitStatus, RunId, RunReport, Signal, SignalTarget};

use devgroup::process::Launch;

use super::bench::{Bench, last_number, lives, running, shell, wait_for};
use crate::harness::{has, is_linux, write_program};

#[test]
fn the_whole_group_gets_the_signal() {
    let mut bench = Bench::new();
    bench.sh("api", "sleep 1000 & echo pid $!; sleep 1000");
    let child = last_number(&bench.line("api", "pid"));
    bench.signal("api", Signal::Term);
    let (status, gone) = bench.exited("api");
    assert_eq!(status, ExitStatus::Signal(15));
    if !gone {
        bench.group_gone("api");
    }
    assert!(!lives(child));
}

/// With the shell, the terminal would hang up on everybody.
#[test]
fn no_shell_ends_before_those_that_it_waits_for() {
    let drain = r#"sh -c 'trap "sleep 0.3; echo drained; exit 3" TERM; echo up; while :; do sleep 0.01; done'"#;
    let texts =
        [drain.to_owned(), format!("cd . && {drain}"), format!("{drain} & wait"), format!("{drain}; echo next")];
    for text in texts {
        let mut bench = Bench::new();
        bench.sh("api", &text);
        bench.line("api", "up");
        bench.signal("api", Signal::Term);
        bench.line("api", "drained");
        let expected = if text == drain { ExitStatus::Code(3) } else { ExitStatus::Signal(15) };
        assert_eq!(bench.exited("api").0, expected, "{text}");
        assert!(!bench.output("api").iter().any(|line| line.contains("next")));
    }
}

#[test]
fn the_leader_alone_gets_it_if_asked() {
    let mut bench = Bench::new();
    bench.sh(
        "api",
        "(trap '' HUP; touch deaf; exec sleep 1000) & echo pid $!; trap 'exit 7' INT; \
         while ! test -e deaf; do :; done; echo up; wait",
    );
    let child = last_number(&bench.line("api", "pid"));
    bench.line("api", "up");
    bench.host.signal(&"api".into(), RunId(1), Signal::Int, SignalTarget::Leader);
    assert_eq!(bench.exited("api"), (ExitStatus::Code(7), false));
    assert!(lives(child));
    bench.signal("api", Signal::Term);
    bench.group_gone("api");
}

/// A signal that tells of changes must reach a script behind a shell, and must end neither the shell nor what stands beside
/// the script.
#[test]
fn a_signal_for_those_that_handle_it_leaves_the_others_alone() {
    if !is_linux() {
        return;
    }
    let script = "#!/bin/sh\ntrap 'echo reloaded' HUP\necho up pid $$\nwhile :; do sleep 0.01; done\n";
    for text in
        ["./s.sh", "LOG=1 ./s.sh", "cd . && ./s.sh", "./s.sh | cat", "./s.sh & wait", "nohup sleep 1000 & ./s.sh"]
    {
        let mut bench = Bench::new();
        write_program(&bench.path("s.sh"), script);
        bench.host.spawn(Launch { told_by: Some(Signal::Hup), ..bench.launch("api", 1, shell(text)) });
        let leader = bench.started("api");
        bench.line("api", "up pid");
        for times in 1..=2 {
            bench.host.signal(&"api".into(), RunId(1), Signal::Hup, SignalTarget::Handlers);
            wait_for(&format!("{text} to be told"), || {
                (bench.output("api").iter().filter(|line| line.contains("reloaded")).count() == times).then_some(())
            });
        }
        assert!(lives(leader), "{text}");
        assert_eq!(bench.others(), [], "{text}");
        assert!(!bench.markers("api").iter().any(|line| line.contains("not sent")), "{text}");
        bench.signal("api", Signal::Kill);
        bench.exited("api");
    }
}

#[test]
fn a_signal_that_nobody_handles_and_that_would_end_the_run_is_not_sent() {
    if !is_linux() {
        return;
    }
    let mut bench = Bench::new();
    bench.host.spawn(Launch { told_by: Some(Signal::Usr1), ..bench.launch("api", 1, shell("echo up; sleep 1000")) });
    bench.line("api", "up");
    bench.host.signal(&"api".into(), RunId(1), Signal::Usr1, SignalTarget::Handlers);
    wait_for("the marker", || {
        bench.markers("api").contains(&"── SIGUSR1 not sent · no process of api handles it ──".into()).then_some(())
    });
    // Who does not handle this one goes on.
    bench.host.signal(&"api".into(), RunId(1), Signal::Winch, SignalTarget::Handlers);
    bench.signal("api", Signal::Term);
    assert_eq!(bench.exited("api").0, ExitStatus::Signal(15));
    assert_eq!(bench.markers("api").iter().filter(|line| line.contains("not sent")).count(), 1);
}

#[test]
fn who_ignores_term_is_ended_by_kill() {
    let mut bench = Bench::new();
    bench.sh("api", "trap 'echo ignored' TERM; echo up; while :; do sleep 0.01; done");
    bench.line("api", "up");
    bench.signal("api", Signal::Term);
    bench.line("api", "ignored");
    bench.signal("api", Signal::Kill);
    assert_eq!(bench.exited("api").0, ExitStatus::Signal(9));
}

/// It ignores TERM, and nobody is to wait for its KILL.
#[test]
fn an_interactive_shell_ends_as_with_its_terminal() {
    if !is_linux() || !has("bash", Path::new("/bin/bash").exists()) {
        return;
    }
    let mut bench = Bench::new();
    bench.sh("api", "echo 'echo up' > rc; exec /bin/bash --noprofile --rcfile rc -i");
    bench.line("api", "up");
    bench.signal("api", Signal::Term);
    assert_eq!(bench.exited("api").0, ExitStatus::Signal(1));
}

#[test]
fn a_stopped_process_is_ended_by_term() {
    let mut bench = Bench::new();
    bench.sh("api", "echo up; kill -STOP $$; echo went on; sleep 1000");
    let leader = bench.started("api");
    wait_for("the process to be stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{leader}/stat")).ok()?;
        stat.contains(") T ").then_some(())
    });
    bench.signal("api", Signal::Term);
    assert_eq!(bench.exited("api").0, ExitStatus::Signal(15));
}

#[test]
fn members_with_a_group_of_their_own_belong_to_the_run() {
    if !is_linux() {
        return;
    }
    let mut bench = Bench::new();
    // Job control: `set -m` gives each job its own process group.
    bench.sh(
        "api",
        "set -m; (trap '' HUP; touch deaf; exec sleep 1000) & echo pid $!; while ! test -e deaf; do :; done; exit 0",
    );
    let job = last_number(&bench.line("api", "pid"));
    assert_eq!(bench.exited("api"), (ExitStatus::Code(0), false));
    assert!(lives(job));
    bench.signal("api", Signal::Term);
    bench.group_gone("api");
    assert!(!lives(job));
}

#[test]
fn members_outside_of_the_group_get_the_signal_while_the_leader_lives() {
    if !is_linux() {
        return;
    }
    let mut bench = Bench::new();
    bench.sh("api", "trap 'echo leader' USR1; set -m; sh -c 'trap \"echo job; exit\" USR1; echo up; while :; do sleep 0.01; done' & set +m; while :; do sleep 0.01; done");
    bench.line("api", "up");
    bench.signal("api", Signal::Usr1);
    bench.line("api", "job");
    bench.line("api", "leader");
    bench.signal("api", Signal::Kill);
    bench.exited("api");
}

#[test]
fn kill_catches_up_with_those_who_go_on_forking() {
    if !is_linux() {
        return;
    }
    let mut bench = Bench::new();
    // Each link of the chain has a process group of its own, forks the next one and ends.
    let relay = bench.path("relay.sh");
    let text = "#!/bin/sh\ntrap '' HUP TERM\nset -m\nsleep 0.01\n$0 &\ntouch relayed\n";
    write_program(&relay, text);
    bench.sh("api", "$PWD/relay.sh & sleep 1000");
    wait_for("the first links", || bench.path("relayed").exists().then_some(()));
    bench.signal("api", Signal::Kill);
    let (status, gone) = bench.exited("api");
    assert_eq!(status, ExitStatus::Signal(9));
    if !gone {
        bench.group_gone("api");
    }
    assert!(!running(relay.to_str().unwrap()));
}

#[test]
fn a_signal_before_the_process_exists_is_not_lost() {
    let mut bench = Bench::new();
    for service in ["a", "b", "c", "d"] {
        bench.sh(service, "sleep 1000");
        bench.signal(service, Signal::Term);
    }
    for service in ["a", "b", "c", "d"] {
        let (status, gone) = bench.exited(service);
        assert_eq!(status, ExitStatus::Signal(15));
        if !gone {
            // A shell that had forked already: its child ends by the same signal, a moment later.
            bench.group_gone(service);
        }
    }
}

#[test]
fn a_signal_to_a_run_that_is_gone_or_never_was_does_nothing() {
    let mut bench = Bench::new();
    bench.sh("api", "true");
    bench.exited("api");
    bench.signal("api", Signal::Kill);
    bench.signal("nobody", Signal::Kill);
    bench.host.signal(&"api".into(), RunId(9), Signal::Kill, SignalTarget::Group);
    assert!(matches!(bench.others().as_slice(), [RunReport::Started { .. }]));
}

#[test]
fn kill_all_leaves_nobody_and_lets_nobody_begin() {
    if !is_linux() {
        return;
    }
    let mut bench = Bench::new();
    let services = ["a", "b", "c"];
    for service in services {
        bench.sh(service, "trap '' TERM HUP; set -m; sleep 1000 & echo pid $!; set +m; sleep 1000; sleep 1000");
    }
    let jobs = services.map(|service| last_number(&bench.line(service, "pid")));
    bench.change_command("a", "trap '' TERM; echo aside pid $$; sleep 1000; sleep 1000");
    let change_command = last_number(&bench.line("a", "aside pid"));
    bench.sh("late", "sleep 1000");
    bench.host.kill_all();
    for service in services {
        let (status, gone) = bench.exited(service);
        assert_eq!(status, ExitStatus::Signal(9));
        if !gone {
            bench.group_gone(service);
        }
    }
    wait_for("all to be gone", || (!jobs.into_iter().chain([change_command]).any(lives)).then_some(()));
    bench.report("late", "an end", |report| match report {
        RunReport::NotStarted { .. } | RunReport::Exited { .. } => Some(()),
        _ => None,
    });
    bench.sh("later", "sleep 1000");
    bench.report("later", "the refusal", |report| matches!(report, RunReport::NotStarted { .. }).then_some(()));
}
