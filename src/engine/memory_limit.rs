//! `limits`: a run that has more memory than it may is ended, and started again by its policy, backoff and breaker.

use std::time::Duration;

use crate::domain::{Marker, Moment, Outcome, OverLimit, StartCause, Then, Usage};

use super::Effect;
use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;

/// Between two looks at the memory of a run that has a limit.
const LOOK: Duration = Duration::from_secs(10);

impl Service {
    /// The run has a process, or another limit: the first look comes after this.
    pub(super) fn watch_memory(&mut self, turn: &Turn) {
        self.run.memory_look = self.run.spec.limits.memory.map(|_| turn.now + LOOK);
    }

    /// When the memory of the run is looked at next.
    pub(super) fn memory_due(&self) -> Option<Moment> {
        self.run.memory_look.filter(|_| self.is_up() && self.run.pid.is_some())
    }

    /// Has the memory looked at if that is due.
    pub(super) fn look_at_memory(&mut self, turn: &mut Turn) {
        if self.memory_due().is_none_or(|due| due > turn.now) {
            return;
        }
        self.run.memory_look = Some(turn.now + LOOK);
        if !turn.stopping {
            turn.emit(Effect::Measure { service: self.name().clone() });
        }
    }

    /// What a run uses was measured, for whomever.
    pub(super) fn measured(&mut self, usage: Usage, turn: &mut Turn) {
        self.run.usage = Some(usage);
        let (Some(memory), Some(limit)) = (usage.memory, self.run.spec.limits.memory) else { return };
        if memory <= limit || !self.is_up() || turn.stopping {
            return;
        }
        let over = OverLimit { memory, limit };
        self.run.over_limit = Some(over);
        // One that always has too much is found to a few seconds after its start, again and again: a run has lasted if
        // it was longer than the time in which crashes are counted.
        let longest = self.spec.backoff.reset_after.max(self.spec.breaker.within);
        let lasted = self.run.uptime(turn.now) >= longest;
        let cause = StartCause::OverLimit(over);
        let consequence = self.consequence(Outcome::OverLimit, lasted, Some(cause), turn);
        self.narrate(Marker::OverLimit { over, next: consequence.next }, turn);
        if let Some(marker) = consequence.gave_up {
            self.narrate(marker, turn);
        }
        self.run.aftermath = Some(consequence.phase);
        self.end_run(Then::Settle(Outcome::OverLimit), Manner::Polite, turn);
    }
}
