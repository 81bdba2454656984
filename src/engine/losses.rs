//! Dependencies that will not come by themselves, and those that wait for them: each of them says so.

use crate::domain::{Condition, Failure, Loss, Marker, Outcome, Phase, ServiceName, StartCause, Then};

use super::Engine;
use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;

impl Engine {
    /// The dependency because of which a service waits in vain, if there is one.
    pub(super) fn loss(&self, place: usize) -> Option<Loss> {
        let lost = |&(on, condition): &(usize, Condition)| {
            let dependency = &self.services[on];
            if dependency.has_reached(condition) { None } else { dependency.loss() }
        };
        self.graph.needs(place).iter().find_map(lost)
    }

    /// A service that has failed for good is told in the logs of those that use it and go on without.
    pub(super) fn tell_losses(&mut self, turn: &mut Turn) {
        for place in 0..self.services.len() {
            let failed = self.services[place].loss().filter(|loss| loss.word == Service::FAILED);
            let is_own = failed.as_ref().is_some_and(|loss| &loss.name == self.services[place].name());
            let is_news = is_own && !self.services[place].loss_told;
            self.services[place].loss_told = is_own;
            let Some(loss) = failed.filter(|_| is_news) else { continue };
            for &dependent in self.graph.dependents(place) {
                let dependent = &self.services[dependent];
                if matches!(dependent.phase, Phase::Starting { .. } | Phase::Running { .. }) {
                    turn.narrate(dependent.name(), Marker::Lost { loss: loss.to_string() });
                }
            }
        }
    }

    /// A service is being restarted: with `cascade`, those that depend on it, directly or not, are restarted after it.
    /// Each waits until what it needs is there again. A task that is done stays done.
    pub(super) fn cascade_from(&mut self, place: usize, turn: &mut Turn) {
        let service = &mut self.services[place];
        let asked = std::mem::take(&mut service.cascade_once);
        if service.run.0 < 2 || !(asked || service.spec.cascade) {
            return;
        }
        let name = service.name().clone();
        for dependent in self.graph.with_dependents(place).into_iter().filter(|&dependent| dependent != place) {
            let dependent = &mut self.services[dependent];
            let is_affected = match &dependent.phase {
                Phase::Starting { .. } | Phase::Running { .. } => true,
                Phase::BackingOff { .. } | Phase::CircuitOpen { .. } => true,
                Phase::Finished(outcome) => *outcome != Outcome::Done,
                // Its start is to come, or is not wanted.
                Phase::Blocked { .. } | Phase::Validating { .. } | Phase::Stopping { .. } | Phase::Down => false,
            };
            if dependent.wanted && is_affected {
                // One that would have been replaced for its own sake has a better reason.
                if !std::mem::take(&mut dependent.follows) {
                    dependent.want(StartCause::Dependency(name.clone()), None, turn);
                }
                dependent.end_run(Then::Reconcile, Manner::Polite, turn);
            }
        }
    }

    /// A service that it needs, and that takes it along, is about to be replaced: another restart before that one would be
    /// one too many.
    pub(super) fn will_follow(&self, place: usize) -> Option<&ServiceName> {
        let direct = self.graph.needs(place);
        let needs = self.graph.with_needs(&[place]).into_iter().filter(|&needed| needed != place);
        let takes_it_along = |&needed: &usize| {
            let service = &self.services[needed];
            let takes_along = service.wanted && (service.spec.cascade || service.cascade_once);
            // What needs it directly cannot start before it anyway.
            let restarts = matches!(service.phase, Phase::Stopping { then: Then::Reconcile, .. });
            let is_between = !direct.iter().any(|&(on, _)| on == needed);
            takes_along && (service.validation.is_some() || restarts && is_between)
        };
        needs.into_iter().find(takes_it_along).map(|needed| self.services[needed].name())
    }
}

impl Service {
    /// Nothing that takes it along is about to be replaced any more: it is replaced by itself.
    pub(super) fn follow(&mut self, turn: &mut Turn) {
        self.follows = false;
        if self.wanted && matches!(self.phase, Phase::Starting { .. } | Phase::Running { .. }) {
            self.replace(Manner::Polite, turn);
        }
    }

    const FAILED: &'static str = "failed";

    /// What to say about it to those that wait for it; `None` if it may come.
    fn loss(&self) -> Option<Loss> {
        let (word, detail) = match &self.phase {
            Phase::Blocked { lost, .. } => return lost.clone(),
            Phase::CircuitOpen { .. } => (Self::FAILED, Failure::CrashLoop.to_string()),
            Phase::Finished(Outcome::Done) => ("ended", String::new()),
            Phase::Finished(outcome) => {
                (Self::FAILED, outcome.failure().map(|failure| failure.to_string()).unwrap_or_default())
            }
            Phase::Down if !self.wanted => ("stopped", String::new()),
            Phase::Validating { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::BackingOff { .. }
            | Phase::Down => return None,
        };
        Some(Loss { name: self.name().clone(), word, detail: detail.into() })
    }
}
