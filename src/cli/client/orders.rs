//! `devgroup start`, `stop`, `restart`, `wait`, `send`, `pause`, `resume`, `down`.

use std::fmt::Write;
use std::time::Duration;

use rustix::process::Pid;

use super::super::exit_code::Failure;
use super::arguments::OrderArguments;
use super::output;
use crate::control::{Ask, Became, Client, ClientError, Goal, LogLine, OrderReport, Outcome, Reply, Service};
use crate::domain::{no_instances, visible};

/// How long the program of a group may take to end after its last word.
pub(super) const END_PATIENCE: Duration = Duration::from_secs(10);

/// A duration on the wire.
pub(in crate::cli) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Gives an order, and says what became of it.
pub(super) fn send_order(mut group: Client, ask: Ask, arguments: &OrderArguments, doing: &str) -> Result<u8, Failure> {
    let ends = matches!(ask, Ask::Stop(_));
    let with_lines = arguments.json && arguments.wait && !ends;
    let is_restart = matches!(ask, Ask::Restart(_));
    let outcomes = outcomes(group.ask(ask)?);
    let code = code(&outcomes, ends);
    if arguments.json {
        let lines = if with_lines { Some(lines_since(&mut group, &outcomes)?) } else { None };
        report(outcomes, lines)?;
    } else if outcomes.is_empty() {
        let none = nobody(&mut group, &arguments.services);
        super::super::print_message(none.as_deref().unwrap_or("nothing to do"));
    } else {
        let jobs = if is_restart { Vec::new() } else { jobs(&mut group) };
        let mut text = String::new();
        for outcome in &outcomes {
            // Writing to a String cannot fail.
            let _ = match (outcome.result, jobs.iter().find(|job| job.name == outcome.name)) {
                (Became::Asked, _) if outcome.reason.is_some() => {
                    let found = outcome.reason.as_deref().unwrap_or_default();
                    writeln!(text, "{}: {}", visible(&outcome.name), visible(found))
                }
                (_, Some(job)) if is_all_that_became(job, outcome.result) => {
                    writeln!(text, "{}: {}", visible(&job.name), visible(&super::status::state(job)))
                }
                (Became::Asked, _) => writeln!(text, "{}: {doing}", visible(&outcome.name)),
                _ => writeln!(text, "{}", line(outcome)),
            };
        }
        output::write(&text)?;
    }
    Ok(code)
}

/// That none of these services has an instance, if it is so.
fn nobody(group: &mut Client, written: &[String]) -> Option<String> {
    let Ok(Reply::Status(status)) = group.ask(Ask::Status { follow: false, usage: false }) else { return None };
    let none = status.roster().only_without_instances(written.iter().map(String::as_str));
    (!none.is_empty()).then(|| no_instances(&none, true))
}

/// The jobs of the group, as they are now. None of a group that has ended by what was ordered.
fn jobs(group: &mut Client) -> Vec<Service> {
    let Ok(Reply::Status(status)) = group.ask(Ask::Status { follow: false, usage: false }) else { return Vec::new() };
    status.services.into_iter().filter(|service| service.kind == "job").collect()
}

/// A start or a stop of a job with a schedule means its times: it has not to run, or to end, for that. And one that ran
/// already when its start was asked for was not started.
fn is_all_that_became(job: &Service, result: Became) -> bool {
    match job.state.as_str() {
        "scheduled" => matches!(result, Became::Asked | Became::Ready),
        "suspended" => matches!(result, Became::Asked | Became::Stopped),
        "running" => result == Became::Asked,
        _ => false,
    }
}

/// Waits for services.
pub(super) fn wait(
    mut group: Client,
    mut services: Vec<String>,
    goal: Goal,
    timeout: Duration,
    json: bool,
) -> Result<u8, Failure> {
    let mut seen = Vec::new();
    services.retain(|name| {
        !seen.contains(name) && {
            seen.push(name.clone());
            true
        }
    });
    let outcomes = outcomes(group.ask(Ask::Wait { services, goal, timeout_ms: Some(millis(timeout)) })?);
    let code = code(&outcomes, goal == Goal::Exit);
    if json {
        report(outcomes, None)?;
    } else {
        let text: String = outcomes.iter().map(|outcome| line(outcome) + "\n").collect();
        output::write(&text)?;
    }
    Ok(code)
}

/// Asks for something that is simply done.
pub(super) fn send_command(mut group: Client, ask: Ask) -> Result<u8, Failure> {
    group.ask(ask)?;
    Ok(0)
}

/// Ends what is held by hand, and says what is held all the same.
pub(super) fn resume(mut group: Client, services: Vec<String>, discard: bool) -> Result<u8, Failure> {
    group.ask(Ask::Resume { services, discard })?;
    if let Reply::Status(status) = group.ask(Ask::Status { follow: false, usage: false })? {
        for hold in &status.watch.holds {
            super::super::print_message(&format!("still paused by {}", visible(&super::status::holder(hold))));
        }
    }
    Ok(0)
}

/// Stops the group, and waits for its end.
pub(super) fn down(mut group: Client, now: bool) -> Result<u8, Failure> {
    let hello = group.hello();
    let (project, pid) = (hello.project.clone(), hello.pid);
    // Before it is asked to end: later the number could be somebody else's.
    let process = Process::of_pid(pid);
    let ended = |error| match error {
        ClientError::Ended { code, summary } => Ok((code, summary)),
        // It was told, and is gone.
        ClientError::Lost => Ok((0, format!("{project}: ended"))),
        error => Err(Failure::from(error)),
    };
    let farewell = match group.ask(Ask::Down { now }) {
        Err(error) => ended(error)?,
        Ok(_) => loop {
            if let Err(error) = group.next_message() {
                break ended(error)?;
            }
        },
    };
    if let Some(process) = process {
        process.wait(END_PATIENCE);
    }
    super::super::print_message(&farewell.1);
    // The group's own code says how its work went; ours, whether it is down.
    Ok(if farewell.0 == 7 { 7 } else { 0 })
}

/// A process, to be waited for.
pub(super) struct Process(#[cfg(target_os = "linux")] std::os::fd::OwnedFd, #[cfg(not(target_os = "linux"))] Pid);

impl Process {
    /// The process of this number, if there is one.
    pub(super) fn of_pid(pid: u32) -> Option<Self> {
        Pid::from_raw(pid.cast_signed()).and_then(Self::of)
    }

    #[cfg(target_os = "linux")]
    fn of(pid: Pid) -> Option<Self> {
        rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok().map(Self)
    }

    #[cfg(not(target_os = "linux"))]
    fn of(pid: Pid) -> Option<Self> {
        Some(Self(pid))
    }

    /// Returns when it has ended, or after that time.
    #[cfg(target_os = "linux")]
    pub(super) fn wait(&self, patience: Duration) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let patience = Timespec { tv_sec: patience.as_secs().cast_signed(), tv_nsec: 0 };
        // Interrupted or not: the group has said good-bye already.
        let _ = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&patience));
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn wait(&self, patience: Duration) {
        let look = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        while waited < patience && rustix::process::test_kill_process(self.0).is_ok() {
            std::thread::sleep(look);
            waited += look;
        }
    }
}

fn outcomes(reply: Reply) -> Vec<Outcome> {
    match reply {
        Reply::Done { services } => services,
        _ => Vec::new(),
    }
}

fn report(outcomes: Vec<Outcome>, lines: Option<Vec<LogLine>>) -> Result<(), Failure> {
    output::write(&output::json(&OrderReport::new(outcomes, lines))?)?;
    Ok(())
}

/// What the services have said since their last runs began.
fn lines_since(group: &mut Client, outcomes: &[Outcome]) -> Result<Vec<LogLine>, Failure> {
    let mut all = Vec::new();
    for outcome in outcomes {
        group.send(Ask::Logs(outcome.lines()))?;
        loop {
            match group.next_message()?.reply {
                Reply::Line(line) => all.push(line),
                Reply::End {} => break,
                _ => {}
            }
        }
    }
    Ok(all)
}

/// The exit code. A failure counts more than a time that was up. A service that is down because nobody wants it up
/// has failed who waits for it to come, but not who waits for its end (`ends`).
pub(in crate::cli) fn code(outcomes: &[Outcome], ends: bool) -> u8 {
    let any = |became| outcomes.iter().any(|outcome| outcome.result == became);
    if any(Became::Failed) || (!ends && any(Became::Stopped)) {
        5
    } else if any(Became::TimedOut) {
        124
    } else {
        0
    }
}

/// `api: ready`, `api: failed (exit 3)`, `api: failed · not ready in time`.
pub(in crate::cli) fn line(outcome: &Outcome) -> String {
    let word = match outcome.result {
        // In the word of `status`: without a readiness check it runs, with a schedule it waits for its time.
        Became::Ready if !outcome.state.is_empty() => outcome.state.as_str(),
        result => word(result),
    };
    let line = match outcome.reason.as_deref() {
        None => format!("{}: {word}", outcome.name),
        Some(reason) if reason.starts_with(word) => format!("{}: {reason}", outcome.name),
        Some(reason) => format!("{}: {word} · {reason}", outcome.name),
    };
    visible(&line).into_owned()
}

fn word(became: Became) -> &'static str {
    match became {
        Became::Asked => "requested",
        Became::Ready => "ready",
        Became::Done => "done",
        Became::Stopped => "stopped",
        Became::Restarted => "restarted",
        Became::Failed => "failed",
        Became::TimedOut => "timed out",
    }
}
