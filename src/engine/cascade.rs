//! `cascade`: those that depend on a service are restarted after it.
//!
//! There is one plan for each service, its [`NextStart`]. A restart that takes others along gives each of them its plan
//! when it begins; one that has a plan of its own waits for it, so that it restarts once. Whether a service is replaced is
//! decided by its own `validate` alone: what is refused goes on running, and so does what depends on nothing but that.

use crate::domain::{Marker, Outcome, Phase, ServiceName, Then};

use super::Engine;
use super::next_start::NextStart;
use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;

impl Engine {
    /// The service at `place` is being started again. With `cascade`, or if it was asked for, those that depend on it,
    /// directly or not, are restarted after it: each waits until what it needs is there again. A job that is done stays
    /// done.
    pub(super) fn take_dependents_along(&mut self, place: usize, started: &NextStart, turn: &mut Turn) {
        let service = &self.services[place];
        if service.run.id.0 < 2 || !(started.with_dependents || service.spec.cascade) {
            return;
        }
        let name = service.name().clone();
        // Each comes after those that it needs, so that a service that is not restarted is known before its dependents.
        let mut goes_along = vec![false; self.services.len()];
        goes_along[place] = true;
        for dependent in self.graph.with_dependents(&[place]) {
            let needs = self.graph.needs(dependent);
            if dependent != place && needs.iter().any(|&(on, _)| goes_along[on]) {
                goes_along[dependent] = self.take_along(dependent, &name, started.manner, turn);
            }
        }
    }

    /// Whether those that depend on it go along as well, now.
    fn take_along(&mut self, place: usize, name: &ServiceName, manner: Manner, turn: &mut Turn) -> bool {
        let has_changed = self.changes.is_about(self.services[place].name());
        let service = &mut self.services[place];
        if !service.wanted {
            return true;
        }
        match &service.phase {
            Phase::Starting { .. } | Phase::Running { .. } => {
                if service.is_refused() && manner == Manner::Polite {
                    let why =
                        service.refused_start().map_or("its changes have not passed validate", |one| &*one.problem);
                    let problem = format!("not restarted after {name} · {why}");
                    let watches = service.watches();
                    service.narrate(Marker::Stale { runs: true, watches, problem }, turn);
                    return false;
                }
                service.want(NextStart::after(name, manner), turn);
                // It may be refused; if it is not, its own start takes its dependents along.
                !(service.must_be_validated() || has_changed && service.spec.validate.is_some())
            }
            Phase::Retrying { .. } | Phase::CrashLoop { .. } => {
                service.want(NextStart::after(name, manner), turn);
                true
            }
            Phase::Finished(outcome) if *outcome != Outcome::Done => {
                service.want(NextStart::after(name, manner), turn);
                true
            }
            // Its start is to come, or it is done.
            Phase::Scheduled { .. }
            | Phase::Finished(_)
            | Phase::Blocked { .. }
            | Phase::Queued
            | Phase::Validating { .. }
            | Phase::Stopping { .. }
            | Phase::Down => true,
        }
    }

    /// A service that it needs, and that takes it along, is about to be replaced: another restart before that one would be
    /// one too many.
    pub(super) fn is_to_follow(&self, place: usize) -> Option<&ServiceName> {
        let direct = self.graph.needs(place);
        let needs = self.graph.with_needs(&[place]).into_iter().filter(|&needed| needed != place);
        let takes_it_along = |&needed: &usize| {
            let service = &self.services[needed];
            let asked = service.restarts.next.as_ref().is_some_and(|next| next.with_dependents);
            // What needs it directly cannot start before it anyway.
            let is_between = !direct.iter().any(|&(on, _)| on == needed);
            let will_restart = service.is_about_to_restart(is_between) && self.missing(needed).is_empty();
            service.wanted && (service.spec.cascade || asked) && will_restart
        };
        needs.into_iter().find(takes_it_along).map(|needed| self.services[needed].name())
    }
}

impl Service {
    /// Its restart is decided upon, or is being decided upon by a validation. `stopping`: also one whose old run is
    /// being ended for it.
    fn is_about_to_restart(&self, stopping: bool) -> bool {
        match &self.phase {
            Phase::Starting { .. } | Phase::Running { .. } => self.restarts.next.is_some(),
            Phase::Stopping { then: Then::Reconcile, .. } => stopping,
            // It was down, and its start, or the validation of that, begins in this turn, or when it has a place.
            Phase::Validating { .. } | Phase::Queued | Phase::Down => self.run.id.0 > 0,
            Phase::Stopping { .. }
            | Phase::Blocked { .. }
            | Phase::Scheduled { .. }
            | Phase::Retrying { .. }
            | Phase::CrashLoop { .. }
            | Phase::Finished(_) => false,
        }
    }
}
