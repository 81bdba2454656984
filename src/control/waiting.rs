//! What became of services that somebody waits for: decisions only.

use super::wire::{Became, Goal};
use crate::domain::{Kind, Outcome as End, Phase, RunId, ServiceSnapshot};

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
    /// What has become of the service, once it is known.
    pub(super) fn result(self, before: Before, service: &ServiceSnapshot) -> Option<Became> {
        match self {
            Self::Restarted => up(before, service, true),
            Self::Started => up(before, service, false),
            Self::Stopped => {
                let down = service.phase.live_run().is_none() && !service.wanted;
                down.then_some(Became::Stopped)
            }
            Self::Goal(Goal::Ready) => is_up(service).or_else(|| given_up(service)),
            Self::Goal(Goal::Exit) => {
                let lives = service.phase.live_run().is_some_and(|run| run == before.run);
                (!lives).then(|| exit(service))
            }
            Self::Goal(Goal::Restart) => {
                let spawned = service.pid.is_some() || service.run > before.run.next();
                if service.run > before.run && (spawned || service.phase.live_run().is_none()) {
                    return Some(Became::Restarted);
                }
                given_up(service).filter(|_| !before.live || service.phase.live_run().is_none())
            }
        }
    }
}

/// What has become of a service at the start of its group, once it is known.
pub fn first_start(service: &ServiceSnapshot) -> Option<Became> {
    Wish::Started.result(Before::default(), service)
}

/// A run that was ordered is up, or has failed.
fn up(before: Before, service: &ServiceSnapshot, newer: bool) -> Option<Became> {
    if service.restarts.crash > before.crashes {
        return Some(Became::Failed);
    }
    if newer && service.run <= before.run {
        // What its files have become is not valid; or somebody has stopped it meanwhile, or it cannot be started.
        let kept = service.kept && matches!(service.phase, Phase::Running { .. });
        let over = given_up(service).filter(|_| service.phase.live_run().is_none());
        return if kept { Some(Became::Failed) } else { over };
    }
    let failed = matches!(service.phase, Phase::BackingOff { .. } | Phase::CircuitOpen { .. });
    is_up(service).or_else(|| failed.then_some(Became::Failed)).or_else(|| given_up(service))
}

/// It is as it should be.
fn is_up(service: &ServiceSnapshot) -> Option<Became> {
    match &service.phase {
        Phase::Running { .. } if service.kind == Kind::Service => Some(Became::Ready),
        Phase::Finished(End::Done) => Some(Became::Done),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ExitStatus, LastExit, Moment, PaneView, RestartCounts, RunHistory};
    use std::time::Duration;

    const NOW: Moment = Moment::from_millis(5);

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
        let result = |service: &ServiceSnapshot| Wish::Restarted.result(before, service);
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
    fn a_task_is_up_when_it_has_ended_well() {
        let task = |phase| ServiceSnapshot { kind: Kind::Task, ..service(4, phase) };
        let before = Before::of(&running(3));
        let lives = task(Phase::Running { run: RunId(4), since: NOW, ready: false });
        assert_eq!(Wish::Restarted.result(before, &lives), None);
        assert_eq!(Wish::Restarted.result(before, &task(Phase::Finished(End::Done))), Some(Became::Done));
    }

    #[test]
    fn who_only_waits_bears_a_crash_that_is_tried_again() {
        let before = Before::of(&backing_off(3));
        let ready = Wish::Goal(Goal::Ready);
        assert_eq!(ready.result(before, &backing_off(3)), None);
        assert_eq!(ready.result(before, &running(4)), Some(Became::Ready));
        assert_eq!(ready.result(before, &service(9, Phase::CircuitOpen { until: NOW })), Some(Became::Failed));
        assert_eq!(ready.result(before, &failed(3)), Some(Became::Failed));
    }

    #[test]
    fn an_exit_and_a_restart_are_those_of_the_run_that_lives() {
        let before = Before::of(&running(3));
        let (exit, restart) = (Wish::Goal(Goal::Exit), Wish::Goal(Goal::Restart));
        assert_eq!(exit.result(before, &running(3)), None);
        let ended = |status, asked| ServiceSnapshot {
            last_exit: Some(LastExit { status, at: NOW, uptime: Duration::ZERO, asked }),
            ..running(4)
        };
        assert_eq!(exit.result(before, &ended(ExitStatus::Code(1), false)), Some(Became::Failed));
        assert_eq!(exit.result(before, &ended(ExitStatus::Signal(15), true)), Some(Became::Done));
        assert_eq!(restart.result(before, &running(3)), None);
        assert_eq!(restart.result(before, &running(4)), Some(Became::Restarted));
        assert_eq!(restart.result(before, &failed(3)), Some(Became::Failed), "none will come by itself");
    }

    #[test]
    fn a_stop_is_over_when_nothing_lives() {
        let before = Before::of(&running(3));
        assert_eq!(Wish::Stopped.result(before, &running(3)), None);
        let down = ServiceSnapshot { wanted: false, ..service(3, Phase::Down) };
        assert_eq!(Wish::Stopped.result(before, &down), Some(Became::Stopped));
        let done = ServiceSnapshot { wanted: false, ..service(3, Phase::Finished(End::Done)) };
        assert_eq!(Wish::Stopped.result(before, &done), Some(Became::Stopped));
    }
}
