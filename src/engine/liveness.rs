//! `alive`: what tells a run that works from one that is only there. The tries are made elsewhere; what they mean is
//! decided here.

use std::sync::Arc;

use crate::domain::{Marker, Outcome, Phase, RunId, StartCause, Stuck, Then};

use super::Effect;
use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;

/// What the tries of the live run have shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Liveness {
    /// A try has succeeded.
    proven: bool,
    /// Failed tries in a row.
    failures: u32,
}

impl Service {
    /// A run is up: it is looked at from now on.
    pub(super) fn watch_over(&mut self, run: RunId, turn: &mut Turn) {
        self.run.liveness = Liveness::default();
        if self.run.spec.alive.is_some() && !turn.stopping {
            turn.emit(Effect::CheckAlive { spec: self.run.spec.clone(), run });
        }
    }

    /// The file has another check for the run, or none any more.
    pub(super) fn watch_over_anew(&mut self, run: RunId, turn: &mut Turn) {
        self.run.liveness = Liveness::default();
        if !turn.stopping {
            turn.emit(Effect::CheckAlive { spec: self.run.spec.clone(), run });
        }
    }

    /// A try has succeeded.
    pub(super) fn shows_life(&mut self) {
        self.run.liveness = Liveness { proven: true, ..Liveness::default() };
        if self.run.spec.alive.is_some() {
            self.restarts.crashes.ready();
        }
    }

    /// A try has failed: with enough of them the run is ended, and started again by its policy, backoff and breaker.
    pub(super) fn stays_silent(&mut self, problem: Arc<str>, turn: &mut Turn) {
        let (Phase::Running { .. }, Some(check)) = (&self.phase, &self.run.spec.alive) else { return };
        if turn.stopping || (!self.run.liveness.proven && turn.now.since(self.since) < check.grace) {
            return;
        }
        self.run.liveness.failures = self.run.liveness.failures.saturating_add(1);
        if self.run.liveness.failures < check.failures.max(1) {
            return;
        }
        let stuck = Stuck { problem, failures: self.run.liveness.failures };
        // One that never showed a sign of life has not lasted, however long it took to find that out.
        let uptime = self.run.uptime(turn.now);
        let lasted = self.run.liveness.proven && uptime >= self.spec.backoff.reset_after;
        let cause = StartCause::Stuck(stuck.clone());
        let consequence = self.consequence(Outcome::Stuck, lasted, Some(cause), turn);
        self.narrate(Marker::Stuck { stuck, next: consequence.next }, turn);
        if let Some(marker) = consequence.gave_up {
            self.narrate(marker, turn);
        }
        self.run.aftermath = Some(consequence.phase);
        self.end_run(Then::Settle(Outcome::Stuck), Manner::Polite, turn);
    }
}
