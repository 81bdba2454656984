//! How a group ends: when a stream is over, which exit code, which last line. Decisions only.

use std::io::ErrorKind;

use crate::domain::{ExitStatus, GroupSnapshot, Kind, Outcome, Phase, ServiceName, human, visible};
use crate::engine::Finish;

/// The end of a run of devgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The exit code of the program.
    pub code: u8,
    /// One line that says how it ended.
    pub summary: String,
}

/// What else, besides the services, decides the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// Lines were streamed: a failed service is a failure of the program.
    pub(crate) streaming: bool,
    /// The number of the signal that asked for the end.
    pub(crate) signal: Option<i32>,
    /// How the service of `--exit-with` ended by itself.
    pub(crate) exit_with: Option<ExitStatus>,
    /// The service of `--exit-with` is gone from the file: nothing is left to wait for.
    pub(crate) has_lost_exit_with: bool,
    /// Why not all of the stream could be written.
    pub(crate) output: Option<ErrorKind>,
}

/// The exit code and the last line. What devgroup could not end outranks everything, because somebody must look.
pub(crate) fn ending(group: &str, finish: &Finish, circumstances: Circumstances) -> Ending {
    let code = if !finish.given_up.is_empty() || finish.abandoned {
        7
    } else if finish.timed_out {
        124
    } else if let Some(status) = circumstances.exit_with {
        status.shell_code()
    } else if circumstances.has_lost_exit_with {
        5
    } else if let Some(kind) = circumstances.output {
        // 141 is what a shell says of a program that SIGPIPE has ended.
        if kind == ErrorKind::BrokenPipe { 141 } else { 1 }
    } else if let Some(signal) = circumstances.signal {
        128 + signal
    } else if circumstances.streaming && !finish.failed.is_empty() {
        5
    } else {
        0
    };
    let took = human(finish.took);
    let mut parts = Vec::new();
    match finish.stopped {
        0 => {}
        1 => parts.push(format!("1 service stopped in {took}")),
        n => parts.push(format!("{n} services stopped in {took}")),
    }
    for (word, services) in [
        ("done", &finish.done),
        ("failed", &finish.failed),
        ("killed", &finish.killed),
        ("could not be killed", &finish.given_up),
    ] {
        if !services.is_empty() {
            parts.push(format!("{word}: {}", names(services)));
        }
    }
    if parts.is_empty() {
        parts.push("nothing was running".into());
    }
    if finish.abandoned {
        parts.push("quit before all services had stopped".into());
    }
    if finish.timed_out {
        parts.push("timed out".into());
    }
    if circumstances.has_lost_exit_with {
        parts.push("the --exit-with service is no longer in the group".into());
    }
    if let Some(signal) = circumstances.signal {
        parts.push(format!("ended by {}", ExitStatus::Signal(signal)));
    }
    if let Some(kind) = circumstances.output {
        parts.push(format!("cannot write the output: {kind}"));
    }
    Ending {
        code: u8::try_from(code).unwrap_or(1),
        summary: visible(&format!("{group}: {}", parts.join(" · "))).into_owned(),
    }
}

fn names(services: &[ServiceName]) -> String {
    services.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ")
}

/// Nothing runs and nothing can start by itself: a stream has nothing more to print. While services watch files, a
/// save could start one again, so then only a group of jobs is over.
pub(crate) fn is_over(group: &GroupSnapshot) -> bool {
    let mut only_jobs = true;
    let mut watches = false;
    for service in group.services.iter().filter(|service| service.wanted || service.run.0 > 0) {
        only_jobs &= service.kind == Kind::Job;
        watches |= service.watches;
        match &service.phase {
            Phase::Queued
            | Phase::Scheduled { .. }
            | Phase::Validating { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Retrying { .. }
            | Phase::CrashLoop { .. } => return false,
            // What it waits for has ended without success, or is looked at in its own turn.
            Phase::Blocked { .. } | Phase::Finished(_) => {}
            Phase::Down => {
                if service.wanted {
                    return false;
                }
            }
        }
        if service.pending > 0 || service.held > 0 {
            return false;
        }
    }
    only_jobs || !watches
}

/// How the service of `--exit-with` has ended by itself, once it has.
pub(crate) fn has_ended(group: &GroupSnapshot, name: &ServiceName) -> Option<ExitStatus> {
    let service = group.service(name)?;
    match (service.last_exit, &service.phase) {
        (Some(exit), _) if !exit.asked => Some(exit.status),
        // A job whose inputs are as at its last success.
        (None, Phase::Finished(Outcome::Done)) => Some(ExitStatus::Code(0)),
        (_, Phase::Finished(Outcome::NotStarted)) => Some(ExitStatus::Code(127)),
        // `validate` failed before the first start. Nobody is there to save a file.
        (None, Phase::Finished(Outcome::Invalid)) => Some(ExitStatus::Code(1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn finish() -> Finish {
        Finish {
            given_up: Vec::new(),
            failed: Vec::new(),
            done: Vec::new(),
            killed: Vec::new(),
            stopped: 3,
            took: Duration::from_millis(1_200),
            timed_out: false,
            abandoned: false,
        }
    }

    #[test]
    fn the_exit_code_says_the_worst_thing_that_happened() {
        let plain = Circumstances::default();
        let streaming = Circumstances { streaming: true, ..plain };
        let failed = Finish { failed: vec!["api".into()], ..finish() };
        assert_eq!(ending("shop", &finish(), plain).code, 0);
        assert_eq!(ending("shop", &failed, plain).code, 0);
        assert_eq!(ending("shop", &failed, streaming).code, 5);
        assert_eq!(ending("shop", &finish(), Circumstances { signal: Some(15), ..plain }).code, 143);
        let code = Circumstances {
            exit_with: Some(ExitStatus::Code(3)),
            signal: Some(15),
            streaming: true,
            output: Some(ErrorKind::BrokenPipe),
            has_lost_exit_with: true,
        };
        assert_eq!(ending("shop", &failed, code).code, 3);
        let code = Circumstances { exit_with: None, ..code };
        assert_eq!(ending("shop", &finish(), code).code, 5);
        assert_eq!(ending("shop", &failed, Circumstances { has_lost_exit_with: false, ..code }).code, 141);
        let full = Circumstances { output: Some(ErrorKind::StorageFull), ..streaming };
        assert_eq!(ending("shop", &finish(), full).code, 1);
        assert_eq!(ending("shop", &Finish { timed_out: true, ..finish() }, code).code, 124);
        assert_eq!(ending("shop", &Finish { given_up: vec!["db".into()], timed_out: true, ..finish() }, code).code, 7);
    }

    #[test]
    fn the_last_line_names_what_matters() {
        let finish = Finish { failed: vec!["api".into()], given_up: vec!["db".into()], ..finish() };
        assert_eq!(
            ending("shop", &finish, Circumstances::default()).summary,
            "shop: 3 services stopped in 1.2s · failed: api · could not be killed: db"
        );
        let ended = Finish { stopped: 0, done: vec!["test".into()], ..self::finish() };
        assert_eq!(ending("shop", &ended, Circumstances::default()).summary, "shop: done: test");
    }
}
