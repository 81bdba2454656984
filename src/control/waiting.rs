//! What became of services that somebody waits for: decisions only.

use std::time::Duration;

use super::wire::{Became, Goal};
use crate::domain::{Kind, Moment, Outcome as End, Phase, RunId, ServiceSnapshot};

/// A service without a readiness check is up when it has run for so long: a command that does not exist, or a port that
/// is taken, ends sooner.
const SETTLED: Duration = Duration::from_millis(250);

/// What has become of a service; before that is known, when to look again if there is no news: `None` if only news can
/// tell.
pub type Fate = Result<Became, Option<Moment>>;

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// An order: up, by a run that is newer than the one before. The first failure ends the wait: it is the answer.
    Restarted,
    /// An order: up, by whichever run.
    Started,
    /// An order: down.
    Stopped,
    /// No order: what comes by itself. A failure that is tried again ends no wait.
    Goal(Goal),
}

/// What a service was like when the wait began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Before {
    run: RunId,
    crashes: u32,
    live: bool,
}

impl Before {
    /// The service as it is now.
    pub(super) fn of(service: &ServiceSnapshot) -> Self {
        Self { run: service.run, crashes: service.restarts.crash, live: service.phase.live_run().is_some() }
    }
}

impl Wish {
    /// What has become of the service by now.
    pub(super) fn result(self, before: Before, service: &ServiceSnapshot, now: Moment) -> Fate {
        let known = match self {
            Self::Restarted => return up(before, service, true, now),
            Self::Started => return up(before, service, false, now),
            Self::Goal(Goal::Ready) => return is_up(service, now).unwrap_or_else(|| given_up(service).ok_or(None)),
            Self::Stopped => {
                let down = service.phase.live_run().is_none() && !service.wanted;
                down.then_some(Became::Stopped)
            }
            Self::Goal(Goal::Exit) => {
                let lives = service.phase.live_run().is_some_and(|run| run == before.run);
                (!lives).then(|| exit(service))
            }
            Self::Goal(Goal::Restart) => {
                let spawned = service.pid.is_some() || service.run > before.run.next();
                if service.run > before.run && (spawned || service.phase.live_run().is_none()) {
                    Some(Became::Restarted)
                } else {
                    given_up(service).filter(|_| !before.live || service.phase.live_run().is_none())
                }
            }
        };
        known.ok_or(None)
    }
}

/// What has become of a service at the start of its group.
pub fn first_start(service: &ServiceSnapshot, now: Moment) -> Fate {
    Wish::Started.result(Before::default(), service, now)
}

/// A run that was ordered is up, or has failed.
fn up(before: Before, service: &ServiceSnapshot, newer: bool, now: Moment) -> Fate {
    if service.restarts.crash > before.crashes {
        return Ok(Became::Failed);
    }
    if newer && service.run <= before.run {
        // What its files have become is not valid; or somebody has stopped it meanwhile, or it cannot be started.
        let kept = service.kept && matches!(service.phase, Phase::Running { .. });
        let over = given_up(service).filter(|_| service.phase.live_run().is_none());
        return if kept { Ok(Became::Failed) } else { over.ok_or(None) };
    }
    let failed = matches!(service.phase, Phase::BackingOff { .. } | Phase::CircuitOpen { .. });
    let over = || if failed { Some(Became::Failed) } else { given_up(service) };
    is_up(service, now).unwrap_or_else(|| over().ok_or(None))
}

/// It is as it should be, or will be at that moment if nothing happens until then.
fn is_up(service: &ServiceSnapshot, now: Moment) -> Option<Fate> {
    match &service.phase {
        Phase::Running { ready: false, since, .. } if service.kind == Kind::Service && *since + SETTLED > now => {
            Some(Err(Some(*since + SETTLED)))
        }
        Phase::Running { .. } if service.kind == Kind::Service => Some(Ok(Became::Ready)),
        Phase::Finished(End::Done) => Some(Ok(Became::Done)),
        _ => None,
    }
}

/// Nothing more will become of it by itself.
fn given_up(service: &ServiceSnapshot) -> Option<Became> {
    match &service.phase {
        Phase::Finished(End::Done) => Some(Became::Done),
        Phase::Finished(_) | Phase::CircuitOpen { .. } | Phase::Blocked { lost: Some(_), .. } => Some(Became::Failed),
        Phase::Down if !service.wanted => Some(Became::Stopped),
        _ => None,
    }
}

/// How its last run has ended.
fn exit(service: &ServiceSnapshot) -> Became {
    match (&service.phase, service.last_exit) {
        (Phase::Finished(End::NotReady | End::NotStarted | End::Stuck | End::Invalid), _) => Became::Failed,
        (_, Some(exit)) if exit.status.is_success() || exit.asked => Became::Done,
        (_, Some(_)) => Became::Failed,
        (_, None) => Became::Stopped,
    }
}

/// Why a service has failed, for people.
pub fn reason(service: &ServiceSnapshot) -> String {
    match &service.phase {
        Phase::Finished(outcome) => of_outcome(*outcome, service),
        Phase::BackingOff { after, .. } => format!("{}, and is tried again", of_outcome(*after, service)),
        Phase::CircuitOpen { .. } => "has crashed too often".into(),
        Phase::Blocked { lost: Some(loss), .. } => format!("waits in vain: {loss}"),
        Phase::Running { .. } if service.kept => "its `validate` failed, and the old run goes on".into(),
        _ => match service.last_exit {
            Some(exit) => format!("has ended ({}), and was tried again", exit.status),
            None => "has failed".into(),
        },
    }
}

fn of_outcome(outcome: End, service: &ServiceSnapshot) -> String {
    let ended_well = service.last_exit.is_some_and(|exit| exit.status.is_success() && !exit.asked);
    match outcome {
        End::Done if service.kind == Kind::Service => "has ended at once (exit 0)".into(),
        End::Done => "is done".into(),
        End::Failed(status) => format!("failed ({status})"),
        End::NotStarted => "could not be started".into(),
        End::NotReady if ended_well => "has ended (exit 0) before it was ready".into(),
        End::NotReady => "was not ready in time".into(),
        End::Stuck => "is stuck".into(),
        End::Invalid => "its `validate` failed".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ExitStatus, LastExit, Moment, PaneView, RestartCounts, RunHistory};

    const NOW: Moment = Moment::from_millis(5);

    impl Wish {
        /// As `result`, when every run has lasted.
        fn late(self, before: Before, service: &ServiceSnapshot) -> Option<Became> {
            self.result(before, service, NOW + SETTLED).ok()
        }
    }

    fn service(run: u32, phase: Phase) -> ServiceSnapshot {
        ServiceSnapshot {
            pid: phase.live_run().map(|_| 7),
            phase,
            run: RunId(run),
            name: "api".into(),
            kind: Kind::Service,
            group: None,
            url: None,
            command: "".into(),
            view: PaneView::Auto,
            since: NOW,
            wanted: true,
            watches: false,
            up_since: None,
            restarts: RestartCounts::default(),
            last_change: None,
            last_exit: None,
            next_try: None,
            next_restart: None,
            reason: None,
            held: 0,
            pending: 0,
            kept: false,
            history: RunHistory::default(),
            facts: None,
        }
    }

    fn running(run: u32) -> ServiceSnapshot {
        service(run, Phase::Running { run: RunId(run), since: NOW, ready: false })
    }

    fn starting(run: u32) -> ServiceSnapshot {
        service(run, Phase::Starting { run: RunId(run), since: NOW, ready_by: None, spawned: true })
    }

    fn failed(run: u32) -> ServiceSnapshot {
        service(run, Phase::Finished(End::Failed(ExitStatus::Code(1))))
    }

    fn backing_off(run: u32) -> ServiceSnapshot {
        service(run, Phase::BackingOff { until: NOW, attempt: 1, after: End::Failed(ExitStatus::Code(1)) })
    }

    #[test]
    fn a_restart_is_over_when_a_newer_run_is_up_or_has_failed() {
        let before = Before::of(&running(3));
        let result = |service: &ServiceSnapshot| Wish::Restarted.late(before, service);
        assert_eq!(result(&running(3)), None, "the old run is none");
        assert_eq!(result(&starting(4)), None);
        assert_eq!(result(&running(4)), Some(Became::Ready));
        assert_eq!(result(&failed(4)), Some(Became::Failed));
        assert_eq!(result(&backing_off(4)), Some(Became::Failed), "the first failure is the answer");
        let crashed_and_again =
            ServiceSnapshot { restarts: RestartCounts { crash: 1, ..RestartCounts::default() }, ..running(5) };
        assert_eq!(result(&crashed_and_again), Some(Became::Failed), "even if nobody saw it down");
        let stopped = ServiceSnapshot { wanted: false, ..service(3, Phase::Down) };
        assert_eq!(result(&stopped), Some(Became::Stopped));
    }

    #[test]
    fn a_service_without_a_readiness_check_is_up_when_it_has_run_for_a_while() {
        let before = Before::of(&running(3));
        let settled = NOW + SETTLED;
        for wish in [Wish::Restarted, Wish::Started, Wish::Goal(Goal::Ready)] {
            assert_eq!(wish.result(before, &running(4), NOW), Err(Some(settled)), "{wish:?}");
            assert_eq!(wish.result(before, &running(4), settled), Ok(Became::Ready), "{wish:?}");
            assert_eq!(wish.result(before, &starting(4), settled), Err(None), "{wish:?}: only news can tell");
            let ready = service(4, Phase::Running { run: RunId(4), since: NOW, ready: true });
            assert_eq!(wish.result(before, &ready, NOW), Ok(Became::Ready), "{wish:?}");
        }
    }

    #[test]
    fn the_first_failure_of_a_service_counts_even_if_it_is_tried_again() {
        let again = backing_off(1);
        assert_eq!(first_start(&again, NOW), Ok(Became::Failed));
        assert_eq!(reason(&again), "failed (exit 1), and is tried again");
        let crashed =
            ServiceSnapshot { restarts: RestartCounts { crash: 1, ..RestartCounts::default() }, ..running(2) };
        assert_eq!(first_start(&crashed, NOW), Ok(Became::Failed));
        let exit = |asked| LastExit { status: ExitStatus::Code(0), at: NOW, uptime: Duration::ZERO, asked };
        let not_ready =
            |asked| ServiceSnapshot { last_exit: Some(exit(asked)), ..service(1, Phase::Finished(End::NotReady)) };
        assert_eq!(reason(&not_ready(true)), "was not ready in time");
        assert_eq!(reason(&not_ready(false)), "has ended (exit 0) before it was ready");
    }

    #[test]
    fn a_task_is_up_when_it_has_ended_well() {
        let task = |phase| ServiceSnapshot { kind: Kind::Task, ..service(4, phase) };
        let before = Before::of(&running(3));
        let lives = task(Phase::Running { run: RunId(4), since: NOW, ready: false });
        assert_eq!(Wish::Restarted.late(before, &lives), None);
        assert_eq!(Wish::Restarted.late(before, &task(Phase::Finished(End::Done))), Some(Became::Done));
    }

    #[test]
    fn who_only_waits_bears_a_crash_that_is_tried_again() {
        let before = Before::of(&backing_off(3));
        let ready = Wish::Goal(Goal::Ready);
        assert_eq!(ready.late(before, &backing_off(3)), None);
        assert_eq!(ready.late(before, &running(4)), Some(Became::Ready));
        assert_eq!(ready.late(before, &service(9, Phase::CircuitOpen { until: NOW })), Some(Became::Failed));
        assert_eq!(ready.late(before, &failed(3)), Some(Became::Failed));
    }

    #[test]
    fn an_exit_and_a_restart_are_those_of_the_run_that_lives() {
        let before = Before::of(&running(3));
        let (exit, restart) = (Wish::Goal(Goal::Exit), Wish::Goal(Goal::Restart));
        assert_eq!(exit.late(before, &running(3)), None);
        let ended = |status, asked| ServiceSnapshot {
            last_exit: Some(LastExit { status, at: NOW, uptime: Duration::ZERO, asked }),
            ..running(4)
        };
        assert_eq!(exit.late(before, &ended(ExitStatus::Code(1), false)), Some(Became::Failed));
        assert_eq!(exit.late(before, &ended(ExitStatus::Signal(15), true)), Some(Became::Done));
        assert_eq!(restart.late(before, &running(3)), None);
        assert_eq!(restart.late(before, &running(4)), Some(Became::Restarted));
        assert_eq!(restart.late(before, &failed(3)), Some(Became::Failed), "none will come by itself");
    }

    #[test]
    fn a_stop_is_over_when_nothing_lives() {
        let before = Before::of(&running(3));
        assert_eq!(Wish::Stopped.late(before, &running(3)), None);
        let down = ServiceSnapshot { wanted: false, ..service(3, Phase::Down) };
        assert_eq!(Wish::Stopped.late(before, &down), Some(Became::Stopped));
        let done = ServiceSnapshot { wanted: false, ..service(3, Phase::Finished(End::Done)) };
        assert_eq!(Wish::Stopped.late(before, &done), Some(Became::Stopped));
    }
}
