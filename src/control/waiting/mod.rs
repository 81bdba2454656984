//! What became of services that somebody waits for: decisions only.
//!
//! The one rule of `-d`, `start --wait`, `restart --wait`, `stop --wait` and `wait`. A wait is for an order, or for a run, by
//! its number: what the service does by now may be the doing of somebody else.

use std::time::Duration;

use super::wire::{Became, Goal};
use crate::domain::{
    Kind, LastExit, Loss, Moment, OrderFate, Ordered, Outcome as End, Phase, RunEnd, RunId, ServiceSnapshot,
};

/// A service without a readiness check is up when it has run for so long: a command that does not exist, or a port that
/// is taken, ends sooner.
const SETTLED: Duration = Duration::from_millis(250);

/// What has become of a service; before that is known, when to look again if there is no news: `None` if only news can
/// tell.
pub type Fate = Result<Known, Option<Moment>>;

/// What has become of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// In one word.
    pub became: Became,
    /// Why it has failed, for people.
    pub reason: Option<String>,
}

impl Known {
    fn failed(reason: impl Into<String>) -> Self {
        Self { became: Became::Failed, reason: Some(reason.into()) }
    }
}

impl From<Became> for Known {
    fn from(became: Became) -> Self {
        Self { became, reason: None }
    }
}

/// What somebody waits for, of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WaitGoal {
    what: What,
    of: Ordered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// An order: up. The first failure is the answer.
    Up,
    /// An order: down.
    Down,
    /// No order: what comes by itself. A failure that is tried again ends no wait.
    Goal(Goal),
}

impl WaitGoal {
    /// What a start or a restart was ordered for.
    pub(super) fn up(of: Ordered) -> Self {
        Self { what: What::Up, of }
    }

    /// What a stop was ordered for.
    pub(super) fn down(of: Ordered) -> Self {
        Self { what: What::Down, of }
    }

    /// What is waited for from now on. A start that was ordered before, and has not come yet, is what is meant.
    pub(super) fn goal(goal: Goal, service: &ServiceSnapshot) -> Self {
        let run = match goal {
            Goal::Ready => service.run,
            Goal::Exit if is_coming(service) => service.run.next(),
            Goal::Exit => service.run,
            Goal::Restart => service.run.next(),
        };
        let of = service.orders.pending().map_or(Ordered::Run(run), Ordered::Start);
        Self { what: What::Goal(goal), of }
    }

    /// What has become of the service by now.
    pub(super) fn result(self, service: &ServiceSnapshot, now: Moment) -> Fate {
        let run = match self.of {
            Ordered::Run(run) => run,
            Ordered::Start(order) => match service.orders.fate(order) {
                OrderFate::Began(run) => run,
                OrderFate::Pending => return lost(service).ok_or(None),
                OrderFate::NotValid(problem) => return Ok(not_valid(service, &problem)),
                OrderFate::Cancelled => return Ok(Became::Stopped.into()),
            },
        };
        match self.what {
            What::Up => up(service, run, now),
            What::Down => {
                let lives = service.phase.live_run() == Some(run);
                if lives { Err(None) } else { Ok(Became::Stopped.into()) }
            }
            What::Goal(Goal::Ready) => is_up(service, now).unwrap_or_else(|| given_up(service).ok_or(None)),
            What::Goal(Goal::Exit) => exit(service, run),
            What::Goal(Goal::Restart) => {
                let began = service.run > run
                    || service.run == run && (service.has_begun() || service.phase.live_run().is_none());
                if began { Ok(Became::Restarted.into()) } else { given_up(service).ok_or(None) }
            }
        }
    }
}

/// Until when it may still end at once, without a readiness check that would say more.
pub(super) fn unproven_until(service: &ServiceSnapshot, now: Moment) -> Option<Moment> {
    is_up(service, now)?.err().flatten()
}

/// What has become of a service at the start of its group. Of a job with a schedule that is its times: nobody waits for
/// its runs.
pub fn first_start(service: &ServiceSnapshot, now: Moment) -> Fate {
    let fate = WaitGoal::up(Ordered::Run(RunId(0).next())).result(service, now);
    if service.scheduled { fate.or(Ok(Became::Ready.into())) } else { fate }
}

/// Nothing lives, and a start is to come by itself, has just been refused, or cannot start.
fn is_coming(service: &ServiceSnapshot) -> bool {
    match service.phase {
        Phase::Down => service.wanted,
        Phase::Blocked { .. }
        | Phase::Queued
        | Phase::Validating { .. }
        | Phase::Scheduled { .. }
        | Phase::Retrying { .. } => true,
        Phase::Finished(outcome) => outcome == End::Invalid,
        Phase::Starting { .. } | Phase::Running { .. } | Phase::Stopping { .. } | Phase::CrashLoop { .. } => false,
    }
}

/// This run is up, or has failed. If it was asked to end before, the same is asked of the run that takes its place.
fn up(service: &ServiceSnapshot, run: RunId, now: Moment) -> Fate {
    if let Some(end) = service.ends.iter().find(|end| end.run >= run && end.outcome.is_some()) {
        return Ok(ended(service, end));
    }
    is_up(service, now).unwrap_or_else(|| given_up(service).ok_or(None))
}

/// This run has ended. The work of a job that was asked to end is done by the run that takes its place.
fn exit(service: &ServiceSnapshot, run: RunId) -> Fate {
    let counts = |end: &&RunEnd| end.run >= run && (service.kind == Kind::Service || end.outcome.is_some());
    match service.ends.iter().find(counts) {
        Some(RunEnd { outcome: None | Some(End::Done), .. }) => Ok(Became::Done.into()),
        Some(end) => Ok(ended(service, end)),
        None => given_up(service).ok_or(None),
    }
}

/// It is as it should be, or will be at that moment if nothing happens until then.
fn is_up(service: &ServiceSnapshot, now: Moment) -> Option<Fate> {
    match &service.phase {
        Phase::Running { ready: false, since, .. } if service.kind == Kind::Service && *since + SETTLED > now => {
            Some(Err(Some(*since + SETTLED)))
        }
        Phase::Running { .. } if service.kind != Kind::Job => Some(Ok(Became::Ready.into())),
        Phase::Finished(End::Done) => Some(Ok(Became::Done.into())),
        // It is as it should be until its time comes.
        Phase::Scheduled { .. } => Some(Ok(Became::Ready.into())),
        _ => None,
    }
}

/// Nothing more will become of it by itself.
fn given_up(service: &ServiceSnapshot) -> Option<Known> {
    match &service.phase {
        Phase::Finished(End::Done) => Some(Became::Done.into()),
        Phase::Finished(outcome) => Some(Known::failed(of_outcome(*outcome, service.kind, service.last_exit))),
        Phase::CrashLoop { .. } => Some(Known::failed(CRASH_LOOP)),
        Phase::Blocked { .. } => lost(service),
        Phase::Down if !service.wanted => Some(Became::Stopped.into()),
        _ => None,
    }
}

/// It waits for one that will not come.
fn lost(service: &ServiceSnapshot) -> Option<Known> {
    let cannot_start = |loss: &Loss| Known::failed(format!("cannot start: {loss}"));
    if let Phase::Blocked { lost, .. } = &service.phase { lost.as_ref().map(cannot_start) } else { None }
}

/// What became of a run by itself.
fn ended(service: &ServiceSnapshot, end: &RunEnd) -> Known {
    let is_last = end.run == service.run;
    match end.outcome {
        None => Became::Stopped.into(),
        Some(End::Done) if !end.again => Became::Done.into(),
        Some(_) if is_last && matches!(service.phase, Phase::CrashLoop { .. }) => Known::failed(CRASH_LOOP),
        Some(outcome) => {
            let again = if end.again { ", retrying" } else { "" };
            Known::failed(of_outcome(outcome, service.kind, end.exit) + again)
        }
    }
}

const CRASH_LOOP: &str = "crashed too often";

/// Why a start that was ordered has not come.
fn not_valid(service: &ServiceSnapshot, problem: &str) -> Known {
    let goes_on = if service.phase.live_run().is_some() { " · the old run continues" } else { "" };
    Known::failed(format!("{problem}{goes_on}"))
}

/// How a run has ended, for people.
fn of_outcome(outcome: End, kind: Kind, exit: Option<LastExit>) -> String {
    let ended_well = exit.is_some_and(|exit| exit.status.is_success() && !exit.asked);
    match outcome {
        End::Done if kind == Kind::Service => "exited at once (exit 0)".into(),
        End::Done => "is done".into(),
        End::Failed(status) => format!("failed ({status})"),
        End::NotStarted => "could not start".into(),
        End::NotReady if ended_well => "exited (exit 0) before it was ready".into(),
        End::NotReady => "not ready in time".into(),
        End::Stuck => "stuck".into(),
        End::OverLimit => "over its limit".into(),
        End::Daemonized => "went into the background: run it in the foreground".into(),
        End::Invalid => "failed `validate`".into(),
    }
}

#[cfg(test)]
mod tests;
