//! Whether all that a change leads to has been done: what is still to come of a service by itself, and soon.
//!
//! What is not: a restart that is limited, a backoff, a schedule, and what somebody holds. Git's hold ends by itself.

use std::collections::HashMap;

use crate::domain::{GoingOn, Kind, Phase, Rung, ServiceName, StartCause};

use super::Engine;
use super::service::Service;

impl Engine {
    /// Of each place: what is still to come.
    pub(super) fn going_on(&self) -> Vec<Option<GoingOn>> {
        let places: HashMap<&ServiceName, usize> =
            self.services.iter().enumerate().map(|(place, service)| (service.name(), place)).collect();
        let mut all: Vec<Option<GoingOn>> = vec![None; self.services.len()];
        // Each after those that it depends on.
        for &place in &self.graph.order {
            let of = |name: &ServiceName| places.get(name).and_then(|&on| all.get(on)?.as_ref());
            let found = self.own(place, of).or_else(|| self.of_dependency(place, &all));
            if let Some(slot) = all.get_mut(place) {
                *slot = found;
            }
        }
        all
    }

    /// What goes on with the service itself. `of`: with one that it depends on.
    fn own<'a>(&self, place: usize, of: impl Fn(&ServiceName) -> Option<&'a GoingOn>) -> Option<GoingOn> {
        let service = &self.services[place];
        let waits_for = |names: &[ServiceName]| names.iter().find(|name| of(name).is_some()).cloned();
        if self.changes.is_to_be_decided(service.name()) {
            return Some(GoingOn::Changes);
        }
        if self.changes.waits_for_git(service.name()) {
            return Some(GoingOn::Git);
        }
        if service.elsewhere.is_some() {
            return None;
        }
        if service.check().is_some() {
            return Some(GoingOn::Validation);
        }
        match &service.phase {
            Phase::Blocked { on, lost: None } => {
                // Of those that it does not depend on, it waits for the end.
                let needs = self.graph.needs(place);
                let is_need = |name: &ServiceName| needs.iter().any(|&(on, _)| self.services[on].name() == name);
                let making_way = on.iter().find(|name| !is_need(name)).cloned();
                waits_for(on).or(making_way).map(GoingOn::Other)
            }
            Phase::Queued => Some(GoingOn::Queue),
            Phase::Validating { .. } => Some(GoingOn::Validation),
            Phase::Starting { .. } => Some(GoingOn::Start),
            Phase::Stopping { rung: Rung::GivenUp, .. } => None,
            Phase::Stopping { .. } => Some(GoingOn::Stop),
            Phase::Running { .. } if !service.restarts.held_up_by.is_empty() => {
                waits_for(&service.restarts.held_up_by).map(GoingOn::Other)
            }
            Phase::Running { .. } if service.restarts.next.is_some() => Some(GoingOn::Replacement),
            Phase::Running { .. } => {
                service.hooks.going_on().or((service.run.spec.kind == Kind::Job).then_some(GoingOn::Job))
            }
            Phase::Blocked { lost: Some(_), .. }
            | Phase::Scheduled { .. }
            | Phase::Retrying { .. }
            | Phase::CrashLoop { .. }
            | Phase::Finished(_)
            | Phase::Down => None,
        }
    }

    /// What goes on with one that it depends on: that may take it along.
    fn of_dependency(&self, place: usize, all: &[Option<GoingOn>]) -> Option<GoingOn> {
        let is_wanted = self.services[place].wanted;
        let goes_on = |on: usize| all.get(on)?.as_ref().filter(|what| what.concerns_dependents());
        let on = self.graph.needs(place).iter().filter(|_| is_wanted).find(|&&(on, _)| goes_on(on).is_some())?.0;
        Some(GoingOn::Other(self.services[on].name().clone()))
    }
}

impl Service {
    /// A new run of it was asked for: by a change, a person, or the restart of another service.
    pub(super) fn is_to_begin_anew(&self) -> bool {
        self.restarts.next.as_ref().is_some_and(|next| is_asked_for(&next.cause))
    }

    /// The run that it has, or the one that is to follow, was asked for in this way.
    pub(super) fn does_what_was_asked(&self) -> bool {
        self.is_to_begin_anew() || is_asked_for(&self.run.cause)
    }
}

fn is_asked_for(cause: &StartCause) -> bool {
    match cause {
        StartCause::Change(_)
        | StartCause::Hand
        | StartCause::Client(_)
        | StartCause::NeededBy(_)
        | StartCause::Dependency(_)
        | StartCause::Config { .. }
        | StartCause::Scaled(_) => true,
        StartCause::First
        | StartCause::Crash { .. }
        | StartCause::Retry { .. }
        | StartCause::Stuck(_)
        | StartCause::OverLimit(_)
        | StartCause::Schedule => false,
    }
}
