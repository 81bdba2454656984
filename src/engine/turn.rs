//! One turn of the machine: the time it happens at, and the orders it has given so far.

use std::time::SystemTime;

use crate::domain::{Marker, Moment, ServiceName};

use super::Effect;

/// One call of [`Engine::update`](super::Engine::update).
#[derive(Debug)]
pub(super) struct Turn {
    /// The time, the same throughout the turn.
    pub(super) now: Moment,
    /// What the clock on the wall showed at the start of the program.
    start: SystemTime,
    /// The group is being stopped: nothing is tried again.
    pub(super) stopping: bool,
    /// The orders, in order.
    pub(super) effects: Vec<Effect>,
}

impl Turn {
    pub(super) fn new(now: Moment, start: SystemTime, stopping: bool) -> Self {
        Self { now, start, stopping, effects: Vec::new() }
    }

    /// The time of day of a moment. Arithmetic, no look at a clock.
    pub(super) fn wall(&self, moment: Moment) -> SystemTime {
        self.start.checked_add(moment.since_start()).unwrap_or(self.start)
    }

    pub(super) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Puts a marker into a log.
    pub(super) fn narrate(&mut self, service: &ServiceName, marker: Marker) {
        self.emit(Effect::Narrate { service: service.clone(), marker });
    }
}
