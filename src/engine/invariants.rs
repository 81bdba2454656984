//! What must hold after every turn, whatever has come in. Checked after each turn of a debug build, and by the tests.

use crate::domain::{Phase, Then};

use super::service::Service;
use super::{Effect, Engine};

impl Engine {
    /// Checks the state after a turn, and the orders that the turn has given.
    ///
    /// # Errors
    /// A sentence about the first thing that does not hold.
    pub(super) fn check_invariants(&self, effects: &[Effect]) -> Result<(), String> {
        if let Some(deadline) = self.earliest_deadline()
            && deadline <= self.now
        {
            return Err(format!("the deadline {deadline:?} has passed at {:?}", self.now));
        }
        for (place, service) in self.services.iter().enumerate() {
            let follows = service.restarts.next.is_some()
                && (self.is_to_follow(place).is_some() || !self.missing(place).is_empty());
            self.check_service(service, follows)
                .map_err(|broken| format!("{}: {broken}: {service:?}", service.name()))?;
        }
        self.check_places(effects)?;
        for (at, effect) in effects.iter().enumerate() {
            match effect {
                Effect::Spawn { spec, run, .. } => {
                    if self.shutdown.is_some() {
                        return Err(format!("{} is started while the group is being stopped", spec.name));
                    }
                    let place = self.services.iter().position(|service| service.name() == &spec.name);
                    let Some(place) = place else { return Err(format!("{} is started and not known", spec.name)) };
                    if !self.unmet(place).is_empty() {
                        return Err(format!("{} is started before what it depends on", spec.name));
                    }
                    if self.services[place].phase.live_run() != Some(*run) {
                        return Err(format!("run {run} of {} is started and not the live one", spec.name));
                    }
                }
                Effect::Finish(_) if at + 1 != effects.len() => return Err("an effect follows the last one".into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Nothing is started beyond what `[start] parallel` allows. A saved file may allow less than are starting already.
    fn check_places(&self, effects: &[Effect]) -> Result<(), String> {
        let begins = |effect: &Effect| match effect {
            Effect::Spawn { .. } => true,
            Effect::Validate { spec, .. } => self
                .services
                .iter()
                .any(|service| service.name() == &spec.name && matches!(service.phase, Phase::Validating { .. })),
            _ => false,
        };
        let Some(parallel) = self.spec.start.parallel.filter(|_| effects.iter().any(begins)) else { return Ok(()) };
        match self.starting(self.now).count() {
            starting if starting <= parallel.get() as usize => Ok(()),
            starting => Err(format!("{starting} are starting, and only {parallel} may")),
        }
    }

    fn check_service(&self, service: &Service, follows: bool) -> Result<(), &'static str> {
        let live = service.is_live();
        if service.phase.live_run().is_some_and(|run| run != service.run.id) {
            return Err("a live run is not the last one");
        }
        if service.run.pid.is_some() && !live {
            return Err("there is a process but no run");
        }
        if matches!(service.phase, Phase::Validating { .. }) && service.check().is_none() {
            return Err("it is being validated, but no validation runs");
        }
        if service.restarts.orders.pending().is_some() {
            let rests = matches!(
                service.phase,
                Phase::Scheduled { .. } | Phase::Retrying { .. } | Phase::CrashLoop { .. } | Phase::Finished(_)
            );
            if !service.wanted || rests && service.check().is_none() {
                return Err("a start was ordered, but nothing starts it");
            }
        }
        if service.check().is_some() && (!service.wanted || service.retired) {
            return Err("an unwanted service is validated");
        }
        if matches!(service.phase, Phase::Running { .. }) && service.run.pid.is_none() {
            return Err("it runs without a process");
        }
        if service.retired && (service.wanted || !live && self.shutdown.is_none()) {
            return Err("it is gone from the file, but wanted or not forgotten");
        }
        if self.shutdown.is_some() {
            let pending = matches!(
                service.phase,
                Phase::Blocked { .. }
                    | Phase::Queued
                    | Phase::Scheduled { .. }
                    | Phase::Retrying { .. }
                    | Phase::CrashLoop { .. }
            );
            return if pending || service.wanted { Err("a start is pending during a shutdown") } else { Ok(()) };
        }
        if service.is_up() && service.restarts.next.is_some() && service.check().is_none() && !follows {
            return Err("it is to be replaced, but waits for nothing");
        }
        match (&service.phase, service.wanted) {
            (Phase::Down, true) => Err("it is wanted but left down"),
            (Phase::Stopping { then: Then::Reconcile | Then::Settle(_), .. }, _) => Ok(()),
            (Phase::Down | Phase::Finished(_), false) => Ok(()),
            (_, false) => Err("it is not wanted but not being stopped"),
            (_, true) => Ok(()),
        }
    }
}
