//! Dependencies that will not come by themselves, and those that wait for them: each of them says so.

use crate::domain::{Condition, Failure, Loss, Marker, Outcome, Phase};

use super::Engine;
use super::service::Service;
use super::turn::Turn;

impl Engine {
    /// The dependency that keeps a service from starting for good, if there is one.
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
                    dependent.narrate(Marker::Lost { loss: loss.to_string(), blocks: false }, turn);
                }
            }
        }
    }
}

impl Service {
    const FAILED: &'static str = "failed";

    /// What to say about it to those that wait for it; `None` if it may come.
    fn loss(&self) -> Option<Loss> {
        let (word, detail) = match &self.phase {
            Phase::Blocked { lost, .. } => return lost.clone(),
            Phase::CrashLoop { .. } => (Self::FAILED, Failure::CrashLoop.to_string()),
            Phase::Finished(Outcome::Done) => ("ended", String::new()),
            Phase::Finished(outcome) => {
                (Self::FAILED, outcome.failure().map(|failure| failure.to_string()).unwrap_or_default())
            }
            Phase::Down if !self.wanted => ("stopped", String::new()),
            Phase::Queued
            | Phase::Scheduled { .. }
            | Phase::Validating { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Retrying { .. }
            | Phase::Down => return None,
        };
        Some(Loss { name: self.name().clone(), word, detail: detail.into() })
    }
}
