//! What the log says, word for word.

use super::*;
use crate::domain::{Fault, FilesChanged, Moment, Stuck};

fn ended(status: ExitStatus, seconds: u64, fault: Option<Fault>) -> LastExit {
    LastExit { status, at: Moment::START, uptime: Duration::from_secs(seconds), asked: fault.is_some(), fault }
}

fn gave_up(crashes: u32, watches: bool) -> Marker {
    let (within, cooldown) = (Duration::from_secs(60), Duration::from_secs(120));
    Marker::GaveUp { crashes, within, cooldown, watches }
}

fn limited(action: ChangeAction) -> Marker {
    Marker::Limited { action, wait: Duration::from_secs(4), written: None, starts: 8, soon: HowSoon::RightAfter }
}

fn read_as(cases: &[(Marker, &str)]) {
    for (marker, line) in cases {
        assert_eq!(marker.line("14:02:11"), *line);
    }
}

#[test]
fn a_secret_in_a_command_hides_nothing_behind_it() {
    let validating = |command: &str| Marker::Validating { command: command.into(), cause: "src/a.rs changed".into() };
    read_as(&[
        (
            validating("curl -H X-Api-Key: abc"),
            "── validating · curl -H X-Api-Key: ****** · src/a.rs changed · 14:02:11 ──",
        ),
        (validating("api --password 'a b"), "── validating · api --password '****** · src/a.rs changed · 14:02:11 ──"),
        (
            validating("K=-----BEGIN PRIVATE KEY-----abc"),
            "── validating · K=-----BEGIN PRIVATE KEY-----****** · src/a.rs changed · 14:02:11 ──",
        ),
        (
            Marker::Started { why: None, command: "curl -H 'Cookie: a b".into(), pid: 7 },
            "── started · curl -H 'Cookie: ****** · pid 7 · 14:02:11 ──",
        ),
    ]);
}

#[test]
fn markers_of_a_run_read_as_the_documentation_shows_them() {
    read_as(&[
        (
            Marker::Started { why: None, command: "cargo run -p api".into(), pid: 48213 },
            "── started · cargo run -p api · pid 48213 · 14:02:11 ──",
        ),
        (
            Marker::Restarted {
                cause: StartCause::Change(FilesChanged { first: "src/main.rs".into(), more: 8 }),
                was: Some(ended(ExitStatus::Code(0), 552, None)),
            },
            "── restarted · src/main.rs and 8 more changed · 14:02:11 · was exit 0 · up 9m 12s ──",
        ),
        (
            Marker::Restarted {
                cause: StartCause::Hand,
                was: Some(ended(ExitStatus::Signal(15), 2, Some(Fault::NotReady(Duration::from_secs(2))))),
            },
            "── restarted manually · 14:02:11 · was not ready in 2s · up 2.0s ──",
        ),
        (
            Marker::Started { why: Some("by devgroup start".into()), command: "bin/api".into(), pid: 7 },
            "── started · by devgroup start · bin/api · pid 7 · 14:02:11 ──",
        ),
        (
            Marker::Restarted { cause: StartCause::NeededBy("web".into()), was: None },
            "── restarted · needed by web · 14:02:11 ──",
        ),
        (
            Marker::Restarted { cause: StartCause::Client("agent claude-code".into()), was: None },
            "── restarted · by agent claude-code · 14:02:11 ──",
        ),
        (Marker::Ready { after: Duration::from_millis(2_900), restart: false }, "── ready · 2.9s after start ──"),
        (
            Marker::Exited(Exited {
                status: ExitStatus::Code(1),
                failed: Some(FailedRun::Crash(2, 5)),
                next: NextTry::In(Duration::from_millis(3_976)),
            }),
            "── exited · code 1 · 14:02:11 · crash 2 of 5 · next try in 4s ──",
        ),
        (
            Marker::Exited(Exited {
                status: ExitStatus::Code(1),
                failed: Some(FailedRun::Try(1, 3)),
                next: NextTry::In(Duration::from_secs(1)),
            }),
            "── exited · code 1 · 14:02:11 · try 1 of 3 failed · next try in 1s ──",
        ),
        (
            Marker::Exited(Exited {
                status: ExitStatus::Code(1),
                failed: Some(FailedRun::Crash(1, 5)),
                next: NextTry::ByHand,
            }),
            "── exited · code 1 · 14:02:11 · crash 1 of 5 · not retried: it would fail again · fix it and press s ──",
        ),
        (Marker::Killed { grace: Some(Duration::from_secs(5)) }, "── killed · SIGKILL after 5s grace ──"),
        (
            Marker::LeftBehind { names: vec!["node (7)".into()], daemon: false },
            "── killed leftover processes · node (7) ──",
        ),
        (Marker::Cleared, "── cleared by the service ──"),
    ]);
}

#[test]
fn markers_of_what_devgroup_decides_read_as_the_documentation_shows_them() {
    read_as(&[
        (gave_up(5, true), "── gave up · 5 crashes in 60s · save a file or press s (or wait 2m) ──"),
        (gave_up(1, false), "── gave up · 1 crash in 60s · fix it and press s (or wait 2m) ──"),
        (
            limited(ChangeAction::Command),
            "── on_change command in 4s · a file changed right after each of the last 8 commands · \
             r restarts now ──",
        ),
        (
            limited(ChangeAction::Signal(Signal::Hup)),
            "── SIGHUP in 4s · a file changed right after each of the last 8 signals · r restarts now ──",
        ),
        (Marker::Queued { parallel: 4 }, "── queued · [start] parallel = 4 · 14:02:11 ──"),
        (Marker::NewReady, "── ready check changed · applies from the next start · 14:02:11 ──"),
        (Marker::TakenBack { action: ChangeAction::Restart }, "── no restart · the changes were undone · 14:02:11 ──"),
        (
            Marker::Restarted {
                cause: StartCause::Stuck(Stuck {
                    problem: "tmp/status.json not written for 121s (max_age 120s)".into(),
                    failures: 1,
                }),
                was: Some(ended(ExitStatus::Signal(15), 552, Some(Fault::Stuck))),
            },
            "── restarted · stuck: tmp/status.json not written for 121s (max_age 120s) · 14:02:11 · up 9m 12s ──",
        ),
        (
            Marker::Stale { runs: true, watches: true, problem: "validate failed · exit 101".into() },
            "── stale · validate failed · exit 101 · 14:02:11 · save a file or press r ──",
        ),
    ]);
}
