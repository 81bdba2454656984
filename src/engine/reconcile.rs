//! Desire meets fact: after each event every service is moved towards what is wanted. The one place that starts runs.

use std::sync::Arc;

use crate::domain::{Condition, FactKind, LastChange, Marker, OrderFate, Phase, Rung, ServiceName, StartCause, Then};

use super::next_start::NextStart;
use super::run::Run;
use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;
use super::validation::Validity;
use super::{Effect, Engine};

impl Engine {
    /// Compares desire with fact for each service, dependencies first.
    pub(super) fn reconcile(&mut self, turn: &mut Turn) {
        // A shutdown has an order of its own: nothing starts, and ends come in reverse.
        if self.shutdown.is_some() {
            return;
        }
        // What ends, ends before anything starts: what is new may need the port of what is gone.
        for at in 0..self.graph.order.len() {
            self.reconcile_live(self.graph.order[at], turn);
        }
        for at in 0..self.graph.order.len() {
            let place = self.graph.order[at];
            // A start before may have taken it along.
            self.reconcile_live(place, turn);
            self.reconcile_down(place, turn);
        }
        self.fill_timetables(turn);
        self.begin_elsewhere(turn);
        self.tell_losses(turn);
        self.forget_retired(turn);
    }

    /// A run that nobody wants is ended, and one that is to be replaced is, when its turn has come and it may be.
    fn reconcile_live(&mut self, place: usize, turn: &mut Turn) {
        let service = &mut self.services[place];
        let held_up_by = std::mem::take(&mut service.restarts.held_up_by);
        if !service.wanted {
            service.want_no_more(turn);
        }
        if !service.is_up() {
            return;
        }
        if !service.wanted {
            service.end_run(Then::Reconcile, Manner::Polite, turn);
        } else if let Some(manner) = service.restarts.next.as_ref().map(|next| next.manner)
            && (manner == Manner::Kill || self.is_to_follow(place).is_none())
        {
            self.replace(place, manner, &held_up_by, turn);
        }
    }

    /// Ends the run that is up, to be started again: after `validate`, if there is one and nobody is in a hurry.
    ///
    /// `told`: those that have held it up until now.
    fn replace(&mut self, place: usize, manner: Manner, told: &[ServiceName], turn: &mut Turn) {
        self.take_in_undecided(place);
        let missing = self.missing(place);
        let service = &mut self.services[place];
        // Whether the files are valid is good to know at once. What is in environment files is for the start.
        if service.must_be_validated() && (service.spec.validate.is_some() || missing.is_empty()) {
            service.begin_validation(turn);
        } else if missing.is_empty() {
            service.end_run(Then::Reconcile, manner, turn);
        } else {
            self.hold_up(place, &missing, told, turn);
        }
    }

    /// What a save would start in place of the run that is up needs these, and they are not there: to end the run now would
    /// leave nothing. Those that are being replaced themselves do not count: one save restarts all that it is for.
    pub(super) fn missing(&self, place: usize) -> Vec<(ServiceName, Condition)> {
        let service = &self.services[place];
        if !service.is_up() || !service.restarts.next.as_ref().is_some_and(NextStart::is_for_a_save) {
            return Vec::new();
        }
        let is_being_replaced = |name: &ServiceName| {
            self.services.iter().find(|one| one.name() == name).is_some_and(Service::is_being_replaced)
        };
        self.unmet(place).into_iter().filter(|(name, _)| !is_being_replaced(name)).collect()
    }

    /// The run that is up goes on, although it is to be replaced, until all that its successor needs is there.
    fn hold_up(&mut self, place: usize, missing: &[(ServiceName, Condition)], told: &[ServiceName], turn: &mut Turn) {
        let loss = self.loss(place).map(|loss| format!(" · {loss}")).unwrap_or_default();
        let service = &mut self.services[place];
        if service.spec.validate.is_none() {
            // Environment files are read when the start comes.
            service.cancel_validation(turn);
        }
        service.restarts.held_up_by = missing.iter().map(|(name, _)| name.clone()).collect();
        if service.restarts.held_up_by.iter().any(|name| !told.contains(name)) {
            let reason = service.restarts.next.as_ref().map(NextStart::reason).unwrap_or_default();
            let problem = format!("{reason} · {}{loss}", waiting_for(missing));
            service.narrate(Marker::HeldUp { problem }, turn);
        }
    }

    /// A start for another reason than a change reads the files as they are now. Where those are to be validated and have
    /// changed, what was validated before says nothing of them.
    fn take_in_undecided(&mut self, place: usize) {
        let service = &mut self.services[place];
        let Some(next) = &service.restarts.next else { return };
        let asks = service.spec.validate.is_some() && matches!(service.validation.validity, Validity::Passed);
        if !asks || next.manner == Manner::Kill || Service::is_attempt(&next.cause) {
            return;
        }
        if let Some(changes) = self.changes.met_by_start(service.name())
            && let Some(change) = NextStart::change(&changes.paths)
        {
            service.validation.validity = Validity::Unchecked;
            service.restarts.merge(change);
        }
    }

    fn reconcile_down(&mut self, place: usize, turn: &mut Turn) {
        let service = &mut self.services[place];
        match (&service.phase, service.wanted) {
            (Phase::Down | Phase::Finished(_), true) if service.rests() => service.rest(&self.wall, turn),
            (Phase::Scheduled { after }, true) if service.spec.schedule.is_none() => {
                let after = *after;
                service.rest_without_schedule(after, turn);
                if service.phase == Phase::Down {
                    self.start_or_wait(place, turn);
                }
            }
            (Phase::Down | Phase::Blocked { .. } | Phase::Queued, true) => self.start_or_wait(place, turn),
            (Phase::Retrying { until, .. }, true) if *until <= turn.now => self.start_or_wait(place, turn),
            (Phase::CrashLoop { until }, true) if *until <= turn.now => {
                service.restarts.crashes.half_open();
                self.start_or_wait(place, turn);
            }
            (
                Phase::Blocked { .. }
                | Phase::Queued
                | Phase::Scheduled { .. }
                | Phase::Retrying { .. }
                | Phase::CrashLoop { .. },
                false,
            ) => {
                service.enter(Phase::Down, turn);
            }
            (Phase::Validating { .. }, _)
            | (Phase::Starting { .. } | Phase::Running { .. }, _)
            | (Phase::Scheduled { .. } | Phase::Retrying { .. } | Phase::CrashLoop { .. }, true)
            | (Phase::Stopping { .. } | Phase::Finished(_), _)
            | (Phase::Down, false) => {}
        }
    }

    fn start_or_wait(&mut self, place: usize, turn: &mut Turn) {
        if self.wait_for_elsewhere(place, turn) {
            return;
        }
        let unmet = self.unmet(place);
        let making_way = self.making_way(place);
        if unmet.is_empty() && making_way.is_empty() {
            if self.is_full(turn.now) {
                return self.queue(place, turn);
            }
            self.take_in_undecided(place);
            if self.services[place].must_be_validated() {
                self.services[place].validate_first(turn);
            } else {
                self.start(place, turn);
            }
            return;
        }
        let lost = self.loss(place);
        let service = &mut self.services[place];
        let on: Vec<ServiceName> = unmet.iter().map(|(name, _)| name).chain(&making_way).cloned().collect();
        let told = match &mut service.phase {
            Phase::Blocked { on: before, lost: told } => {
                *before = on;
                std::mem::replace(told, lost.clone())
            }
            _ => {
                service.enter(Phase::Blocked { on, lost: lost.clone() }, turn);
                let needs = unmet.iter().map(|(name, condition)| awaited(name, *condition));
                let texts: Vec<String> = needs.chain(making_way.iter().map(|name| format!("{name} to stop"))).collect();
                service.narrate(Marker::Waits { on: texts.join(", ") }, turn);
                None
            }
        };
        if let Some(loss) = lost.filter(|loss| told.as_ref() != Some(loss)) {
            service.narrate(Marker::Lost { loss: loss.to_string(), blocks: true }, turn);
        }
    }

    /// Those that end because of the same saved `procgroup.toml` that starts this one, and may have what it needs: what is
    /// gone from the file may be the same program under another name, and what is replaced may give it a port. One that does
    /// not end holds nobody up.
    fn making_way(&self, place: usize) -> Vec<ServiceName> {
        let service = &self.services[place];
        let is_by_file = |service: &Service| {
            service.restarts.next.as_ref().is_some_and(|next| matches!(next.cause, StartCause::Config { .. }))
        };
        if !is_by_file(service) {
            return Vec::new();
        }
        let ends = |other: &&Service| {
            let by_file = other.retired || is_by_file(other);
            let is_ending = match other.phase {
                Phase::Stopping { rung, .. } => rung != Rung::GivenUp,
                // It ends as soon as it is known that it could start again.
                _ => other.is_up() && other.asks_only_whether_it_could_start(),
            };
            by_file && is_ending && other.name() != service.name() && (other.retired || service.takes_over_from(other))
        };
        self.services.iter().filter(ends).map(|other| other.name().clone()).collect()
    }

    /// Starts a run. Called where the service is wanted, the group is not being stopped, no run is live, and all that it
    /// depends on has been reached; nobody else orders a start.
    fn start(&mut self, place: usize, turn: &mut Turn) {
        let met = self.changes.met_by_start(self.services[place].name());
        let service = &mut self.services[place];
        let mut next = service.restarts.next.take().unwrap_or_else(|| service.start_with_others());
        if let (Some(met), StartCause::Change(_)) = (met, &next.cause) {
            next.paths.merge(&met.paths);
            if let Some(path) = met.paths.last() {
                service.last_change = Some(LastChange { path: Arc::clone(path), at: turn.now });
            }
        }
        service.begin_run(next.told_cause(), next.may_be_done_at_once(), turn);
        self.take_dependents_along(place, &next, turn);
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
    pub(super) fn want_by_hand(&mut self, place: usize, turn: &mut Turn) {
        self.want_needs(place, turn);
        self.services[place].want(NextStart::new(turn.hand()), turn);
    }

    /// Wants all that this needs and that is neither up nor done.
    pub(super) fn want_needs(&mut self, place: usize, turn: &mut Turn) {
        let all = self.graph.with_needs(&[place]);
        let dependent = self.services[place].name().clone();
        for &needed in all.iter().filter(|&&needed| needed != place) {
            let reached = all
                .iter()
                .flat_map(|&place| self.graph.needs(place))
                .filter(|(on, _)| *on == needed)
                .all(|&(_, condition)| self.services[needed].has_reached(condition));
            let service = &mut self.services[needed];
            let is_on_its_way = service.wanted
                && (service.is_live()
                    || matches!(service.phase, Phase::Blocked { .. } | Phase::Queued | Phase::Validating { .. }));
            if !reached && !is_on_its_way {
                service.want(NextStart::new(StartCause::NeededBy(dependent.clone())), turn);
            }
        }
    }
}

impl Service {
    /// Why it starts if nobody has asked for it but the group, or a service that needs it.
    pub(super) fn start_with_others(&self) -> NextStart {
        NextStart::new(if self.run.id.0 == 0 { StartCause::First } else { StartCause::Hand })
    }

    /// `may_be_done`: a job with `inputs` is done if these are as at its last success.
    fn begin_run(&mut self, cause: StartCause, may_be_done: bool, turn: &mut Turn) {
        debug_assert!(self.wanted && !turn.stopping && !self.is_live(), "{self:?}");
        // What starts now are the files as they are: they have passed, or nobody asks.
        let is_environment_known = matches!(self.validation.validity, Validity::Passed);
        self.cancel_validation(turn);
        self.validation.validity = self.unchanged();
        self.restarts.limit.begin(turn.now);
        (self.start_problem, self.environment, self.discarded) = (None, None, None);
        let run = self.run.id.next();
        let is_start = self.run.was_down && cause.is_on_request();
        let was = self.last_exit.filter(|_| !is_start);
        self.run = Run::new(run, self.spec.clone(), cause.clone(), turn.now);
        self.run.is_restart = run.0 > 1 && !is_start;
        self.restarts.orders.answer(OrderFate::Began(run));
        self.enter(Phase::Starting { run, since: turn.now, ready_by: None, spawned: false }, turn);
        // Before the process exists: what is written from here on may be what it does not see.
        turn.emit(Effect::Baseline { services: vec![self.name().clone()], at: turn.now, sync: false });
        let looks_at_inputs = may_be_done && !self.spec.inputs.is_empty();
        self.run.looks_at_inputs = looks_at_inputs;
        if !looks_at_inputs {
            self.tell_start(turn);
        }
        turn.emit(Effect::Spawn { spec: self.spec.clone(), run, cause, was, is_environment_known, looks_at_inputs });
    }
}

impl Service {
    /// The run that was ordered is one: it counts, and is told.
    pub(super) fn tell_start(&mut self, turn: &mut Turn) {
        self.run.looks_at_inputs = false;
        let (cause, is_restart) = (self.run.cause.clone(), self.run.is_restart);
        if is_restart {
            self.restarts.count(&cause);
        }
        self.tell(FactKind::Ordered { cause, is_restart }, turn);
    }
}

/// `waiting for db to be ready, migrate to be done`.
pub(super) fn waiting_for(needs: &[(ServiceName, Condition)]) -> String {
    let needs: Vec<String> = needs.iter().map(|(name, condition)| awaited(name, *condition)).collect();
    format!("waiting for {}", needs.join(", "))
}

/// What is waited for, for people.
fn awaited(name: &ServiceName, condition: Condition) -> String {
    match condition {
        Condition::Started => format!("{name} to start"),
        Condition::Ready => format!("{name} to be ready"),
        Condition::Done => format!("{name} to be done"),
    }
}
