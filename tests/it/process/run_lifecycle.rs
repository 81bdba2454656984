//! How runs begin and end.

use devgroup::domain::{ExitStatus, FilesChanged, Kind, LastExit, Moment, RunReport, Signal, StartCause};
use devgroup::process::Launch;

use super::bench::{Bench, environment, last_number, lives, shell, wait_for, words};
use super::leaks::alone;
use crate::harness::{is_linux, is_portable, write_program};

#[test]
fn exit_codes_and_signals_are_told_apart() {
    let mut bench = Bench::new();
    bench.sh("zero", "true");
    bench.sh("code", "exit 3");
    bench.sh("large", "exit 143");
    bench.sh("signal", "kill -TERM $$");
    bench.sh("crash", "kill -SEGV $$");
    assert_eq!(bench.exited("zero"), (ExitStatus::Code(0), true));
    assert_eq!(bench.exited("code"), (ExitStatus::Code(3), true));
    assert_eq!(bench.exited("large"), (ExitStatus::Code(143), true));
    assert_eq!(bench.exited("signal"), (ExitStatus::Signal(15), true));
    assert_eq!(bench.exited("crash"), (ExitStatus::Signal(11), true));
}

#[test]
fn a_program_that_cannot_be_started_is_named_and_nothing_else_follows() {
    let mut bench = Bench::new();
    let cases = [
        ("missing", words(&["no-such-program"]), "program not found: no-such-program"),
        ("path", words(&["./no/such"]), "program not found: ./no/such"),
        ("folder", words(&["/tmp"]), "a folder, not a program: /tmp"),
        ("plain", words(&["/etc/passwd"]), "not executable: /etc/passwd"),
        ("nothing", words(&[]), "no program given"),
        ("nul", words(&["echo", "a\0b"]), "nul byte found in provided data"),
    ];
    for (service, command, reason) in cases {
        bench.host.spawn(bench.launch(service, 1, command));
        let said = bench.report(service, "the refusal", |report| match report {
            RunReport::NotStarted { reason } => Some(reason.clone()),
            _ => None,
        });
        assert_eq!(said, reason);
        assert!(bench.markers(service).is_empty(), "the engine has its log say so");
    }
    let gone = Launch { dir: "/no/such/folder".into(), ..bench.launch("dir", 1, shell("true")) };
    bench.host.spawn(gone);
    bench.report("dir", "the refusal", |report| {
        (*report == RunReport::NotStarted { reason: "folder /no/such/folder: no such file or directory".into() })
            .then_some(())
    });
    assert_eq!(bench.others(), []);
}

#[test]
fn a_program_that_the_system_refuses_to_execute_is_not_started() {
    if !is_linux() {
        return;
    }
    let mut bench = Bench::new();
    let longer_than_the_kernel_takes = "x".repeat(200_000);
    bench.host.spawn(bench.launch("api", 1, words(&["true", &longer_than_the_kernel_takes])));
    if is_portable() {
        // `portable-pty` forks and does not say why `exec` failed: there was a process, and its end tells that it was never
        // the program.
        assert_eq!(bench.exited("api").0, ExitStatus::Code(126));
        let markers = bench.markers("api");
        let said = |marker: &String| marker.starts_with("── could not start · the system refused to execute it: ");
        assert!(markers.iter().any(said), "{markers:?}");
        return;
    }
    let reason = bench.report("api", "the refusal", |report| match report {
        RunReport::NotStarted { reason } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(reason, "the system refused to execute it: argument list too long");
    // Is being written: as while a compiler still links.
    std::fs::copy("/bin/echo", bench.path("busy")).unwrap();
    let writer = std::fs::OpenOptions::new().append(true).open(bench.path("busy")).unwrap();
    bench.host.spawn(bench.launch("busy", 1, words(&["./busy", "hello"])));
    bench.report("busy", "the refusal", |report| {
        (*report == RunReport::NotStarted { reason: "the system refused to execute it: text file busy".into() })
            .then_some(())
    });
    drop(writer);
    // A service that aborts by itself is another thing.
    bench.sh("abort", "kill -ABRT $$");
    assert_eq!(bench.exited("abort"), (ExitStatus::Signal(6), true));
}

#[test]
fn a_script_without_a_first_line_is_read_by_a_shell() {
    let mut bench = Bench::new();
    write_program(&bench.path("script"), "echo \"$0\" \"$1\"\n");
    bench.host.spawn(bench.launch("api", 1, words(&["./script", "a  b"])));
    assert_eq!(bench.exited("api").0, ExitStatus::Code(0));
    let output = bench.output("api").concat();
    assert!(output.ends_with("/script a  b"), "{output}");
}

#[test]
fn the_log_says_why_a_run_began_before_the_run_says_anything() {
    let mut bench = Bench::new();
    bench.sh("api", "echo one");
    let pid = bench.started("api");
    bench.exited("api");
    let cause = StartCause::Change(FilesChanged { first: "src/a.rs".into(), more: 0 });
    let uptime = std::time::Duration::from_secs(12);
    let was = Some(LastExit { status: ExitStatus::Code(0), at: Moment::START, uptime, asked: true, fault: None });
    bench.host.spawn(Launch { cause, was, ..bench.launch("api", 2, shell("echo two")) });
    bench.exited("api");
    let markers = bench.markers("api");
    assert!(markers[0].starts_with(&format!("── started · echo one · pid {pid} · ")), "{markers:?}");
    assert!(markers[1].starts_with("── restarted · src/a.rs changed · "), "{markers:?}");
    assert!(markers[1].ends_with(" · was exit 0 · up 12s ──"), "{markers:?}");
    assert_eq!(bench.output("api"), ["one", "two"]);
}

#[test]
fn a_list_is_executed_as_it_is_and_finds_relative_programs_in_its_folder() {
    let mut bench = Bench::new();
    std::fs::create_dir(bench.path("bin")).unwrap();
    std::os::unix::fs::symlink("/bin/echo", bench.path("bin/say")).unwrap();
    bench.host.spawn(bench.launch("relative", 1, words(&["bin/say", "a  b", "$HOME", "*", ""])));
    let path = vec![("PATH".into(), "/nowhere:bin".into())];
    bench.host.spawn(bench.launch_in("path", 1, words(&["say", "found"]), path));
    assert_eq!(bench.exited("relative").0, ExitStatus::Code(0));
    assert_eq!(bench.exited("path").0, ExitStatus::Code(0));
    assert_eq!(bench.output("relative"), ["a  b $HOME *"]);
    assert_eq!(bench.output("path"), ["found"]);
}

#[test]
fn a_child_gets_its_own_terminal_and_environment_and_nothing_else() {
    // Tests beside this one open terminals by a library that lets them be inherited for a moment.
    if !alone("process::run_lifecycle::a_child_gets_its_own_terminal_and_environment_and_nothing_else") {
        return;
    }
    let mut bench = Bench::new();
    let look = "env | sort; tty; ps -o tpgid= -o pgid= -o sid= -p $$; echo pid $$";
    let mut env = environment();
    env.extend(
        [("SHELL", "/bin/sh"), ("PORT", "1"), ("PORT", "4000")].map(|(name, value)| (name.into(), value.into())),
    );
    bench.host.spawn(bench.launch_in("api", 1, shell(look), env));
    // 3 is the folder that ls reads.
    bench.host.spawn(bench.launch("fds", 1, words(&["ls", "/proc/self/fd"])));
    // Of itself, and not of a shell, which blocks signals while it forks.
    bench.host.spawn(bench.launch("masks", 1, words(&["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"])));
    bench.exited("api");
    bench.exited("fds");
    bench.exited("masks");
    assert_eq!(bench.output("fds").join(" ").split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    let output = bench.output("api");
    let names: Vec<&str> = output.iter().filter_map(|line| line.split_once('=').map(|(name, _)| name)).collect();
    // PWD is the shell's own.
    assert_eq!(names, ["PATH", "PORT", "PWD", "SHELL", "TERM"], "{output:#?}");
    assert!(output.contains(&"PORT=4000".to_owned()), "the last one wins: {output:#?}");
    assert!(output.iter().any(|line| line.starts_with("/dev/pts/")), "{output:#?}");
    let masks: Vec<u64> = bench
        .output("masks")
        .iter()
        .map(|line| u64::from_str_radix(line.rsplit(|c: char| !c.is_ascii_hexdigit()).next().unwrap(), 16).unwrap())
        .collect();
    // Without the two that the C library keeps for itself, which nobody can reset.
    assert_eq!(masks.iter().map(|mask| mask & 0x7fff_ffff).collect::<Vec<_>>(), [0, 0], "{output:#?}");
    let pid = last_number(output.last().unwrap());
    let ids: Vec<u32> = output[output.len() - 2].split_whitespace().map(|number| number.parse().unwrap()).collect();
    assert_eq!(ids, [pid, pid, pid], "in the foreground, leader of its group and session");
}

#[test]
fn a_grandchild_that_keeps_the_terminal_does_not_keep_the_service_running() {
    let mut bench = Bench::new();
    // It ignores the hang-up that the kernel sends when the leader of the session ends.
    bench.sh(
        "api",
        "(trap '' HUP; touch deaf; while :; do echo still; sleep 0.01; done) & echo pid $!; \
         while ! test -e deaf; do :; done; exit 4",
    );
    assert_eq!(bench.exited("api"), (ExitStatus::Code(4), false));
    let grandchild = last_number(&bench.line("api", "pid"));
    assert!(lives(grandchild));
    let so_far = bench.length("api");
    wait_for("output of the grandchild after the exit", || (bench.length("api") > so_far + 3).then_some(()));
    bench.signal("api", Signal::Kill);
    bench.group_gone("api");
    assert!(!lives(grandchild));
}

#[test]
fn the_hang_up_ends_what_a_shell_leaves_behind() {
    if !is_linux() {
        return;
    }
    let mut bench = Bench::new();
    let command = words(&["sh", "-c", "sleep 1000 & sleep 1000 & exit 0"]);
    bench.host.spawn(bench.launch("api", 1, command));
    let (status, gone) = bench.exited("api");
    assert_eq!(status, ExitStatus::Code(0));
    if !gone {
        bench.group_gone("api");
    }
    let others = bench.others();
    // On a machine so busy that the kernel had not ended them in time, they are named.
    assert_eq!(others.len(), if gone { 1 } else { 2 }, "started, and nothing else: {others:?}");
}

#[test]
fn what_leaves_the_session_is_part_of_the_run_by_descent_or_by_its_mark() {
    if !is_linux()
        || !alone("process::run_lifecycle::what_leaves_the_session_is_part_of_the_run_by_descent_or_by_its_mark")
    {
        return;
    }
    let mut bench = Bench::new();
    let mark = format!("test-{}-1", std::process::id());
    let mut env = environment();
    env.push(("DEVGROUP_RUN".into(), mark.into()));
    // Below the leader; and with all between them gone.
    let text = "setsid sh -c 'echo near pid $$; exec sleep 1000' & \
                (setsid sh -c 'trap \"\" HUP; echo far pid $$; exec sleep 1000' &); wait";
    bench.host.spawn(bench.launch_in("api", 1, shell(text), env));
    let daemons = ["near pid", "far pid"].map(|part| last_number(&bench.line("api", part)));
    bench.signal("api", Signal::Term);
    let (status, gone) = bench.exited("api");
    assert_eq!(status, ExitStatus::Signal(15));
    if !gone {
        bench.group_gone("api");
    }
    assert_eq!(daemons.map(lives), [false, false]);
}

#[test]
fn a_daemon_that_is_left_behind_holds_the_run_and_is_named() {
    if !is_linux() || !alone("process::run_lifecycle::a_daemon_that_is_left_behind_holds_the_run_and_is_named") {
        return;
    }
    let mut bench = Bench::new();
    let mut env = environment();
    env.push(("DEVGROUP_RUN".into(), format!("test-{}-2", std::process::id()).into()));
    let text = "(setsid sh -c 'trap \"\" TERM; echo pid $$; while :; do sleep 0.01; done' &); sleep 0.1";
    bench.host.spawn(bench.launch_in("api", 1, shell(text), env));
    let daemon = last_number(&bench.line("api", "pid"));
    assert_eq!(bench.exited("api"), (ExitStatus::Code(0), false));
    let markers = bench.markers("api");
    assert!(markers[1].starts_with("── killed leftover processes · "), "{markers:?}");
    assert!(markers[1].contains(&format!("sh ({daemon})")), "{markers:?}");
    assert!(markers[1].contains("run it in the foreground"), "{markers:?}");
    bench.signal("api", Signal::Term);
    assert!(lives(daemon));
    bench.signal("api", Signal::Kill);
    bench.group_gone("api");
    assert!(!lives(daemon));
}

/// Of neither it is known that it wanted to be a daemon.
#[test]
fn a_task_or_a_crash_that_leaves_something_behind_is_not_told_to_stay_in_the_foreground() {
    if !is_linux()
        || !alone(
            "process::run_lifecycle::a_task_or_a_crash_that_leaves_something_behind_is_not_told_to_stay_in_the_foreground",
        )
    {
        return;
    }
    for (kind, code) in [(Kind::Job, 0), (Kind::Service, 1)] {
        let mut bench = Bench::new();
        let mut env = environment();
        env.push(("DEVGROUP_RUN".into(), format!("test-{}-4", std::process::id()).into()));
        let text =
            format!("(setsid sh -c 'touch deaf; exec sleep 1000' &); while ! test -e deaf; do :; done; exit {code}");
        bench.host.spawn(Launch { kind, ..bench.launch_in("api", 1, shell(&text), env) });
        assert_eq!(bench.exited("api"), (ExitStatus::Code(code), false));
        let markers = bench.markers("api");
        assert!(markers[1].starts_with("── killed leftover processes · "), "{markers:?}");
        assert!(!markers[1].contains("foreground"), "{markers:?}");
        bench.signal("api", Signal::Kill);
        bench.group_gone("api");
    }
}

#[test]
fn who_forks_without_end_outside_of_the_session_is_ended() {
    if !is_linux() || !alone("process::run_lifecycle::who_forks_without_end_outside_of_the_session_is_ended") {
        return;
    }
    let mut bench = Bench::new();
    let chain = "trap '' TERM HUP\necho hop >> hops\nsleep 0.002\nsetsid sh ./chain.sh &\n";
    std::fs::write(bench.path("chain.sh"), chain).unwrap();
    let mut env = environment();
    env.push(("DEVGROUP_RUN".into(), format!("test-{}-3", std::process::id()).into()));
    bench.host.spawn(bench.launch_in("api", 1, shell("setsid sh ./chain.sh & exec sleep 1000"), env));
    let hops = |bench: &Bench| std::fs::read_to_string(bench.path("hops")).unwrap_or_default().lines().count();
    wait_for("some hops", || (hops(&bench) > 5).then_some(()));
    bench.signal("api", Signal::Kill);
    if !bench.exited("api").1 {
        bench.group_gone("api");
    }
    let (then, mut since) = (hops(&bench), std::time::Instant::now());
    let mut last = then;
    wait_for("a moment without a hop", || {
        let now = hops(&bench);
        if now != last {
            (last, since) = (now, std::time::Instant::now());
        }
        (since.elapsed() > std::time::Duration::from_millis(50)).then_some(())
    });
    assert_eq!(hops(&bench), then);
}

#[test]
fn a_child_of_a_host_that_is_dropped_is_killed() {
    let mut bench = Bench::new();
    bench.sh("api", "trap '' TERM HUP; sleep 1000 & echo pid $!; wait");
    let leader = bench.started("api");
    let child = last_number(&bench.line("api", "pid"));
    let Bench { host, .. } = bench;
    drop(host);
    wait_for("both to be gone", || (!lives(leader) && !lives(child)).then_some(()));
}
