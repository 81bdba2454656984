//! The file was saved: the difference between what it said and what it says now is carried out, and nothing else.

use std::sync::Arc;

use crate::domain::{GroupSpec, Outcome, Phase, ServiceName, ServiceSpec, StartCause};

use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;
use super::{Effect, Engine};

impl Engine {
    /// Services that are new start, if they start by themselves; those that are gone are ended; those that would run
    /// differently are restarted; all others go on undisturbed, with their new settings.
    pub(super) fn reload(&mut self, spec: Arc<GroupSpec>, turn: &mut Turn) {
        if turn.stopping {
            return;
        }
        self.notice = None;
        if spec == self.spec {
            return;
        }
        // First of all, because each new service gets its log by it.
        turn.order(Effect::Rewatch(spec.clone()));
        self.spec = spec;

        let mut before = std::mem::take(&mut self.services);
        let mut needed: Vec<ServiceName> = Vec::new();
        for new in &self.spec.services {
            let known = before.iter().position(|service| service.name() == &new.name).map(|place| before.remove(place));
            let is_new = known.as_ref().is_none_or(|service| service.retired);
            let mut service = known.unwrap_or_else(|| Service::new(new.clone(), self.seed, turn.now));
            if is_new {
                // It may have been taken out of the file a moment ago, and be ending still: it starts after that.
                service.retired = false;
                service.cause = StartCause::Reload;
                service.respec(new.clone());
                if new.autostart {
                    needed.push(new.name.clone());
                }
            } else {
                if service.wanted {
                    let known = |name| service.spec.depends_on.iter().any(|old| &old.on == name);
                    needed.extend(new.depends_on.iter().filter(|one| !known(&one.on)).map(|one| one.on.clone()));
                }
                service.own_writes.forget();
                service.reloaded(new.clone(), turn);
            }
            self.services.push(service);
        }
        for mut gone in before {
            gone.retired = true;
            gone.wanted = false;
            self.services.push(gone);
        }
        self.services_have_changed();
        if self.begun {
            let places: Vec<usize> =
                (0..self.services.len()).filter(|&place| needed.contains(self.services[place].name())).collect();
            self.want_with_needs(&places);
        }
    }

    /// Forgets the services that are gone from the file and have ended.
    pub(super) fn forget_retired(&mut self, turn: &mut Turn) {
        let is_over = |service: &Service| service.retired && !service.is_live();
        if !self.services.iter().any(is_over) {
            return;
        }
        for service in self.services.iter().filter(|service| is_over(service)) {
            turn.order(Effect::Forget(service.name().clone()));
        }
        self.services.retain(|service| !is_over(service));
        self.services_have_changed();
    }
}

impl Service {
    /// Takes over what the file says now. Only what changes the process itself is a reason to restart it; a task that is
    /// done stays done.
    fn reloaded(&mut self, new: Arc<ServiceSpec>, turn: &mut Turn) {
        let differs = runs_differently(&self.spec, &new);
        self.respec(new);
        if self.spec.validate.is_none() {
            self.cancel_validation(turn);
        }
        if !differs || !self.wanted || self.phase == Phase::Finished(Outcome::Done) {
            return;
        }
        let is_up = matches!(self.phase, Phase::Starting { .. } | Phase::Running { .. });
        self.want(StartCause::Reload, None, turn);
        if is_up {
            self.replace(Manner::Polite, turn);
        }
    }
}

/// Whether a process started by one would differ from one started by the other, or be waited for differently.
fn runs_differently(old: &ServiceSpec, new: &ServiceSpec) -> bool {
    old.run != new.run
        || old.dir != new.dir
        || old.env != new.env
        || old.env_files != new.env_files
        || old.kind != new.kind
        || old.ready != new.ready
        || old.alive != new.alive
}
