//! Desire meets fact: after each event every service is moved towards what is wanted. The one place that starts runs.

use std::sync::Arc;

use crate::domain::{Condition, LastChange, Marker, Phase, ServiceName, StartCause, Then};

use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;
use super::{Effect, Engine};

impl Engine {
    /// Compares desire with fact for each service, dependencies first.
    pub(super) fn reconcile(&mut self, turn: &mut Turn) {
        // A shutdown has an order of its own: nothing starts, and ends come in reverse.
        if self.shutdown.is_some() {
            return;
        }
        for at in 0..self.graph.order.len() {
            let place = self.graph.order[at];
            if self.services[place].follows && self.will_follow(place).is_none() {
                self.services[place].follow(turn);
            }
            let service = &mut self.services[place];
            if !service.wanted {
                service.cancel_validation(turn);
                service.kept = false;
                (service.cascade_once, service.follows) = (false, false);
            }
            match (&service.phase, service.wanted) {
                (Phase::Down | Phase::Blocked { .. }, true) => self.start_or_wait(place, turn),
                (Phase::BackingOff { until, .. }, true) if *until <= turn.now => self.start_or_wait(place, turn),
                (Phase::CircuitOpen { until }, true) if *until <= turn.now => {
                    service.crashes.half_open();
                    self.start_or_wait(place, turn);
                }
                (Phase::Starting { .. } | Phase::Running { .. }, false) => {
                    service.end_run(Then::Reconcile, Manner::Polite, turn);
                }
                (Phase::Blocked { .. } | Phase::BackingOff { .. } | Phase::CircuitOpen { .. }, false) => {
                    service.enter(Phase::Down, turn);
                }
                (Phase::Validating { .. }, _)
                | (Phase::Starting { .. } | Phase::Running { .. }, true)
                | (Phase::BackingOff { .. } | Phase::CircuitOpen { .. }, true)
                | (Phase::Stopping { .. } | Phase::Finished(_), _)
                | (Phase::Down, false) => {}
            }
        }
        self.tell_losses(turn);
        self.forget_retired(turn);
    }

    fn start_or_wait(&mut self, place: usize, turn: &mut Turn) {
        let unmet = self.unmet(place);
        if unmet.is_empty() {
            if self.services[place].must_be_validated() {
                self.services[place].validate_first(turn);
            } else {
                self.start(place, turn);
            }
            return;
        }
        let lost = self.loss(place);
        let service = &mut self.services[place];
        let on: Vec<ServiceName> = unmet.iter().map(|(name, _)| name.clone()).collect();
        let told = match &mut service.phase {
            Phase::Blocked { on: before, lost: told } => {
                *before = on;
                std::mem::replace(told, lost.clone())
            }
            _ => {
                service.enter(Phase::Blocked { on, lost: lost.clone() }, turn);
                let texts: Vec<String> = unmet.iter().map(|(name, condition)| awaited(name, *condition)).collect();
                turn.narrate(&service.spec.name, Marker::Waits { on: texts.join(", ") });
                None
            }
        };
        if let Some(loss) = lost.filter(|loss| told.as_ref() != Some(loss)) {
            turn.narrate(&service.spec.name, Marker::Lost { loss: loss.to_string() });
        }
    }

    /// Starts a run. Called where the service is wanted, the group is not being stopped, no run is live, and all that it
    /// depends on has been reached; nobody else orders a start.
    fn start(&mut self, place: usize, turn: &mut Turn) {
        let service = &mut self.services[place];
        if let Some(met) = self.changes.met_by_start(service.name())
            && let StartCause::Change(_) = service.cause
        {
            service.cause_paths.merge(&met.paths);
            if let Some(path) = met.paths.last() {
                service.last_change = Some(LastChange { path: Arc::clone(path), at: turn.now });
            }
        }
        let cause = match (std::mem::replace(&mut service.cause, StartCause::Hand), service.cause_paths.files()) {
            (StartCause::Change(_), Some(files)) => StartCause::Change(files),
            (cause, _) => cause,
        };
        service.begin_run(cause, turn);
        self.cascade_from(place, turn);
    }

    /// What the service depends on and that has not been reached.
    pub(super) fn unmet(&self, place: usize) -> Vec<(ServiceName, Condition)> {
        self.graph
            .needs(place)
            .iter()
            .filter(|&&(on, condition)| !self.services[on].has_reached(condition))
            .map(|&(on, condition)| (self.services[on].name().clone(), condition))
            .collect()
    }

    /// Wants these up with the group, with all that they need, in the order of starts.
    pub(super) fn want_with_needs(&mut self, places: &[usize]) {
        for place in self.graph.with_needs(places) {
            let service = &mut self.services[place];
            service.wanted = !service.retired;
        }
    }

    /// Wants this up because somebody asked for it, with all that it needs and that is neither up nor done.
    pub(super) fn want_by_hand(&mut self, place: usize, turn: &Turn) {
        let all = self.graph.with_needs(&[place]);
        for &needed in all.iter().filter(|&&needed| needed != place) {
            let reached = all
                .iter()
                .flat_map(|&dependent| self.graph.needs(dependent))
                .filter(|(on, _)| *on == needed)
                .all(|&(_, condition)| self.services[needed].has_reached(condition));
            let service = &mut self.services[needed];
            let is_on_its_way = service.wanted
                && (service.is_live() || matches!(service.phase, Phase::Blocked { .. } | Phase::Validating { .. }));
            if !reached && !is_on_its_way {
                service.want(StartCause::Hand, None, turn);
            }
        }
        self.services[place].want(StartCause::Hand, None, turn);
    }
}

impl Service {
    fn begin_run(&mut self, cause: StartCause, turn: &mut Turn) {
        debug_assert!(self.wanted && !turn.stopping && !self.is_live(), "{self:?}");
        if self.run.0 > 0 {
            let counts = &mut self.counts;
            match cause {
                StartCause::Change(_) => counts.change = counts.change.saturating_add(1),
                StartCause::Hand | StartCause::Reload => counts.manual = counts.manual.saturating_add(1),
                StartCause::Stuck(_) => counts.liveness = counts.liveness.saturating_add(1),
                StartCause::Dependency(_) => counts.dependency = counts.dependency.saturating_add(1),
                // A crash was counted when it happened.
                StartCause::Crash { .. } | StartCause::First => {}
            }
        }
        self.cancel_validation(turn);
        (self.kept, self.validated, self.follows) = (false, false, false);
        (self.asked_at, self.ready_after, self.run_cause) = (turn.now, None, cause.clone());
        if let StartCause::First | StartCause::Hand | StartCause::Reload = cause {
            self.own_writes.forget();
        }
        self.own_writes.begin(turn.now);
        self.run = self.run.next();
        self.cause_paths = Default::default();
        self.stop = None;
        let run = self.run;
        self.enter(Phase::Starting { run, since: turn.now, ready_by: None, spawned: false }, turn);
        let was = self.last_exit.map(|exit| (exit.status, exit.uptime));
        // Before the process exists: what is written from here on may be what it does not see.
        turn.order(Effect::Baseline { services: vec![self.name().clone()], at: turn.now, sync: false });
        turn.order(Effect::Spawn { spec: self.spec.clone(), run, cause, was });
    }
}

/// What is waited for, for people.
fn awaited(name: &ServiceName, condition: Condition) -> String {
    match condition {
        Condition::Started => format!("{name} to start"),
        Condition::Ready => format!("{name} to be ready"),
        Condition::Done => format!("{name} to be done"),
    }
}
