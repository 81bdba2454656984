//! What clients see of the machine.

use std::sync::Arc;

use crate::domain::{
    GroupSnapshot, GroupSpec, Kind, Moment, Outcome, Phase, ServiceSnapshot, WatchBackend, WatchFiles, WatchSnapshot,
    WatchState, WatchStatus,
};

use super::Engine;
use super::service::Service;

/// A group of which nothing has been seen yet.
pub(super) fn empty(spec: &GroupSpec) -> GroupSnapshot {
    let status = WatchStatus::default();
    GroupSnapshot {
        seq: 0,
        at: Moment::START,
        name: Arc::clone(&spec.name),
        services: Vec::new(),
        watch: WatchSnapshot {
            state: WatchState::Off,
            backend: status.backend,
            directories: 0,
            ready: false,
            git_head: None,
            problem: None,
            holds: Vec::new(),
            held: 0,
            busy: 0,
            last_release: None,
        },
        journal: Arc::default(),
        stopping: None,
        notice: None,
    }
}

impl Engine {
    /// The view of the present state; its `seq` is for the caller to set.
    pub(super) fn view(&self, now: Moment) -> GroupSnapshot {
        GroupSnapshot {
            seq: 0,
            at: now,
            name: Arc::clone(&self.spec.name),
            services: self.services.iter().map(|service| self.view_service(service)).collect(),
            watch: self.view_watch(),
            journal: Arc::clone(self.changes.journal()),
            stopping: self.stopping(),
            notice: self.notice.clone(),
        }
    }

    fn view_service(&self, service: &Service) -> ServiceSnapshot {
        let phase = service.shown_phase();
        let next_try = match phase {
            Phase::BackingOff { until, .. } | Phase::CircuitOpen { until } => Some(until),
            Phase::Blocked { .. }
            | Phase::Validating { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Finished(_)
            | Phase::Down => None,
        };
        ServiceSnapshot {
            name: service.name().clone(),
            kind: service.spec.kind,
            group: service.labels.group.clone(),
            url: service.labels.url.clone(),
            command: Arc::clone(&service.labels.command),
            view: service.spec.view,
            since: if let Phase::Validating { since, .. } = phase { since } else { service.since },
            phase,
            wanted: service.wanted,
            watches: watches(service),
            pid: service.pid,
            run: service.run,
            up_since: service.up_since,
            restarts: service.counts,
            last_change: service.last_change.clone(),
            last_exit: service.last_exit,
            next_try,
            held: if service.wanted { self.changes.held(service.name()) } else { 0 },
            pending: self.changes.pending(service.name()),
            kept: service.is_refused() && service.is_live(),
            next_restart: self.changes.waits_until(service.name()).filter(|_| service.wanted),
            reason: service.reason(),
            history: Arc::clone(&service.history),
            ends: Arc::clone(&service.ends),
            orders: service.orders.clone(),
            facts: service.facts.clone(),
        }
    }

    fn view_watch(&self) -> WatchSnapshot {
        let busy = self.changes.busy();
        let state = if self.changes.holds().are_by_hand() {
            WatchState::Paused
        } else if !self.changes.holds().is_empty() {
            WatchState::Held
        } else if self.watch.backend == WatchBackend::Off || !self.services.iter().any(watches) {
            WatchState::Off
        } else if busy > 0 {
            WatchState::Busy
        } else {
            WatchState::Watching
        };
        WatchSnapshot {
            state,
            backend: self.watch.backend,
            directories: self.watch.directories,
            ready: self.watch.ready,
            git_head: self.watch.git_head.clone(),
            problem: self.watch.problem.clone(),
            holds: self.changes.holds().snapshots(),
            held: self.changes.held_in_all(),
            busy,
            last_release: self.last_release.clone(),
        }
    }
}

fn watches(service: &Service) -> bool {
    service.spec.watch != WatchFiles::Off
}

impl Service {
    /// It has failed, and a change of its files would start it.
    pub(super) fn waits_for_change(&self) -> bool {
        self.reason().is_some() && self.run_spec.kind == Kind::Service && watches(self)
    }

    /// What its state comes from, where the state alone does not say it.
    fn reason(&self) -> Option<&'static str> {
        match self.phase {
            Phase::Finished(Outcome::Done) => None,
            Phase::Finished(_) if self.wanted && !self.retired => Some("waiting for a change"),
            _ => None,
        }
    }
}
