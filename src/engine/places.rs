//! `[start] parallel`: how many services may be starting at once. Those that may not yet are [`Phase::Queued`].
//!
//! Every start takes a place, whatever it is for: also one after a change or a crash, which costs the machine as much. The
//! place is free again when the service is ready, has run for two seconds without a check, or has ended. Readiness
//! checks and `validate` have time limits, so every place is freed in the end. Places are given in start order, and only to
//! services that wait for nothing else. So a queued service never holds up one that it depends on.

use crate::domain::{Marker, Moment, Phase};

use super::Engine;
use super::on_change::READY_WITHOUT_CHECK;
use super::service::Service;
use super::turn::Turn;

/// Names of those that are starting, in a reason.
const NAMED: usize = 3;

impl Engine {
    /// Those that take a place.
    pub(super) fn starting(&self, now: Moment) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(move |service| service.takes_place(now))
    }

    /// No further one may start.
    pub(super) fn is_full(&self, now: Moment) -> bool {
        self.spec.start.parallel.is_some_and(|parallel| self.starting(now).nth(parallel.get() as usize - 1).is_some())
    }

    /// It starts when a place is free.
    pub(super) fn queue(&mut self, place: usize, turn: &mut Turn) {
        let service = &mut self.services[place];
        if service.phase == Phase::Queued {
            return;
        }
        service.enter(Phase::Queued, turn);
        if let Some(parallel) = self.spec.start.parallel {
            service.narrate(Marker::Queued { parallel: parallel.get() }, turn);
        }
    }

    /// When a place gets free by time alone, if somebody waits for one.
    pub(super) fn place_due(&self) -> Option<Moment> {
        let waits = self.services.iter().any(|service| service.phase == Phase::Queued);
        if waits { self.starting(self.now).filter_map(Service::place_until).min() } else { None }
    }

    /// What a queued service waits for.
    pub(super) fn reason_of_queue(&self) -> Option<String> {
        let parallel = self.spec.start.parallel?;
        let mut names: Vec<&str> = self.starting(self.now).map(|service| service.name().as_str()).collect();
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        let names = names.join(", ");
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        Some(format!("waiting for {names}{more} to come up · [start] parallel = {parallel}"))
    }
}

impl Service {
    /// It is starting: it takes one of the places of `[start] parallel`.
    fn takes_place(&self, now: Moment) -> bool {
        match self.phase {
            Phase::Starting { .. } | Phase::Validating { .. } => true,
            Phase::Running { .. } => self.place_until().is_some_and(|until| until > now),
            _ => false,
        }
    }

    /// When it takes no place any more, if nothing tells it before.
    fn place_until(&self) -> Option<Moment> {
        match self.phase {
            Phase::Running { ready: false, since, .. } => Some(since + READY_WITHOUT_CHECK),
            _ => None,
        }
    }
}
