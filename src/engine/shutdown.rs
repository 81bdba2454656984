//! The end of the group: everything that was to be tried is called off in the same turn, then the services stop, those
//! that are needed by others last.

use std::collections::HashSet;
use std::time::Duration;

use crate::domain::{
    FactKind, Moment, Outcome, Phase, Rung, ServiceName, Signal, StopProgress, StopState, Stopping, Then,
};

use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;
use super::{Effect, Engine, Finish};

/// How a quit was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    Polite,
    Kill,
}

/// The group is being stopped.
#[derive(Clone, Debug)]
pub(super) struct Shutdown {
    since: Moment,
    /// KILL was asked for.
    killing: bool,
    /// It was asked for once more.
    leaving: bool,
    /// `--timeout` was up.
    timed_out: bool,
    /// What had failed when the end was asked for. What ends now has been stopped by us.
    failed: Vec<ServiceName>,
    /// Those that had ended well.
    done: Vec<ServiceName>,
    /// What was running then.
    live: HashSet<ServiceName>,
    /// The last order has been given.
    finished: bool,
}

impl Engine {
    /// Quits, or goes on with quitting: politely once, then KILL, then at once.
    pub(super) fn quit(&mut self, urgency: Urgency, timed_out: bool, turn: &mut Turn) {
        if self.shutdown.is_none() {
            self.begin_shutdown(timed_out, turn);
            turn.stopping = true;
        } else if let Some(shutdown) = &mut self.shutdown
            && urgency == Urgency::Kill
            && shutdown.killing
        {
            shutdown.leaving = true;
        }
        if let Some(shutdown) = &mut self.shutdown
            && urgency == Urgency::Kill
            && !shutdown.killing
        {
            shutdown.killing = true;
            for service in &mut self.services {
                service.end_run(Then::Reconcile, Manner::Kill, turn);
            }
        }
    }

    fn begin_shutdown(&mut self, timed_out: bool, turn: &mut Turn) {
        let named = |keep: &dyn Fn(&Service) -> bool| {
            self.services.iter().filter(|service| keep(service)).map(|service| service.name().clone()).collect()
        };
        self.shutdown = Some(Shutdown {
            since: turn.now,
            killing: false,
            leaving: false,
            timed_out,
            failed: named(&Service::has_failed),
            done: named(&|service| service.phase == Phase::Finished(Outcome::Done)),
            live: self.services.iter().filter(|service| service.is_live()).map(|one| one.name().clone()).collect(),
            finished: false,
        });
        self.changes.cancel();
        self.git.cancel();
        self.tell_holds(turn);
        turn.tell(FactKind::Stop);
        for service in &mut self.services {
            service.want_no_more(turn);
            match &mut service.phase {
                Phase::Blocked { .. }
                | Phase::Queued
                | Phase::Scheduled { .. }
                | Phase::Retrying { .. }
                | Phase::CrashLoop { .. } => {
                    service.enter(Phase::Down, turn);
                }
                // It is ended in its turn; whether it gets ready before that is of no interest.
                Phase::Starting { ready_by, .. } => *ready_by = None,
                Phase::Validating { .. }
                | Phase::Running { .. }
                | Phase::Stopping { .. }
                | Phase::Finished(_)
                | Phase::Down => {}
            }
        }
    }

    /// Asks each service to end once all that need it have, and leaves when all have ended.
    pub(super) fn advance_shutdown(&mut self, turn: &mut Turn) {
        let Some(shutdown) = &self.shutdown else { return };
        if shutdown.finished {
            return;
        }
        for at in (0..self.graph.order.len()).rev() {
            let place = self.graph.order[at];
            let is_up = matches!(self.services[place].phase, Phase::Starting { .. } | Phase::Running { .. });
            if is_up && self.graph.dependents(place).iter().all(|&dependent| has_ended(&self.services[dependent])) {
                self.services[place].end_run(Then::Reconcile, Manner::Polite, turn);
            }
        }
        if shutdown.leaving || self.services.iter().all(has_ended) {
            self.finish(turn);
        }
    }

    fn finish(&mut self, turn: &mut Turn) {
        let Some(shutdown) = &mut self.shutdown else { return };
        shutdown.finished = true;
        let named = |keep: &dyn Fn(&Service) -> bool| {
            self.services.iter().filter(|service| keep(service)).map(|service| service.name().clone()).collect()
        };
        let was_stopped = |service: &Service| shutdown.live.contains(service.name()) && !service.is_live();
        let by_kill = |service: &Service| service.run.stop.is_some_and(|record| record.signal == Some(Signal::Kill));
        let stopped: Vec<ServiceName> = named(&was_stopped);
        let finish = Finish {
            given_up: if shutdown.leaving { named(&Service::is_live) } else { named(&is_given_up) },
            failed: shutdown.failed.clone(),
            done: shutdown.done.clone(),
            killed: named(&|service| was_stopped(service) && by_kill(service)),
            stopped: stopped.len(),
            took: turn.now.since(shutdown.since),
            timed_out: shutdown.timed_out,
            abandoned: shutdown.leaving,
        };
        turn.emit(Effect::Finish(finish));
    }

    /// The last order has been given.
    pub(super) fn has_finished(&self) -> bool {
        self.shutdown.as_ref().is_some_and(|shutdown| shutdown.finished)
    }

    /// For the quit screen, in the order in which services stop.
    pub(super) fn stopping(&self) -> Option<Stopping> {
        let shutdown = self.shutdown.as_ref()?;
        let services = self.graph.order.iter().rev().map(|&place| {
            let service = &self.services[place];
            let was_live = shutdown.live.contains(service.name());
            StopProgress { name: service.name().clone(), state: stop_state(service, was_live) }
        });
        Some(Stopping { since: shutdown.since, killing: shutdown.killing, services: services.collect() })
    }
}

fn is_given_up(service: &Service) -> bool {
    matches!(service.phase, Phase::Stopping { rung: Rung::GivenUp, .. })
}

/// Nobody needs to wait for it any more.
fn has_ended(service: &Service) -> bool {
    !service.is_live() || is_given_up(service)
}

fn stop_state(service: &Service, was_live: bool) -> StopState {
    match &service.phase {
        Phase::Starting { .. } | Phase::Running { .. } => StopState::Waiting,
        Phase::Stopping { rung, escalate_at, since, .. } => {
            let at = service.run.stop.map_or(*since, |record| record.signalled);
            match *rung {
                Rung::Asked(signal) => {
                    let ignored = signal.is_some() && service.run.ignores == signal;
                    StopState::Asked { signal, at, kill_at: *escalate_at, ignored }
                }
                Rung::Killed => StopState::Killed { at },
                Rung::GivenUp => StopState::GivenUp,
            }
        }
        Phase::Blocked { .. }
        | Phase::Queued
        | Phase::Scheduled { .. }
        | Phase::Validating { .. }
        | Phase::Retrying { .. }
        | Phase::CrashLoop { .. }
        | Phase::Finished(_)
        | Phase::Down => match service.run.stop {
            Some(record) if was_live => {
                let after = record.ended.map_or(Duration::ZERO, |ended| ended.since(record.began));
                StopState::Stopped { signal: record.signal, after }
            }
            _ => StopState::WasNotRunning,
        },
    }
}
