//! One turn of the machine: the time it happens at, and the orders it has given so far.

use std::sync::Arc;
use std::time::SystemTime;

use crate::domain::{Fact, FactKind, FileEvent, Match, Moment, StartCause};

use super::Effect;
use super::batch::Batch;

/// One call of [`Engine::update`](super::Engine::update).
#[derive(Debug)]
pub(super) struct Turn {
    /// The time, the same throughout the turn.
    pub(super) now: Moment,
    /// What the clock on the wall showed at the start of the program.
    start: SystemTime,
    /// The group is being stopped: nothing is tried again.
    pub(super) stopping: bool,
    /// Who has asked for what is done in this turn, if a client has and says who it is.
    pub(super) client: Option<Arc<str>>,
    /// The orders, in order.
    pub(super) effects: Vec<Effect>,
}

impl Turn {
    pub(super) fn new(now: Moment, start: SystemTime, stopping: bool) -> Self {
        Self { now, start, stopping, client: None, effects: Vec::new() }
    }

    /// The time of day of a moment. Arithmetic, no look at a clock.
    pub(super) fn wall(&self, moment: Moment) -> SystemTime {
        self.start.checked_add(moment.since_start()).unwrap_or(self.start)
    }

    /// Why that is started which somebody asks for in this turn.
    pub(super) fn hand(&self) -> StartCause {
        self.client.clone().map_or(StartCause::Hand, StartCause::Client)
    }

    pub(super) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Tells of a file, if somebody watches it. Its time is that of the write, not of when its news was read.
    pub(super) fn tell_change(&mut self, file: &FileEvent, batch: &mut Batch) {
        if let Match::Watched { services, rule } = &file.matched {
            let (path, kind, services) = (Arc::clone(&file.path), file.kind, Arc::clone(services));
            let at = file.at.min(self.now);
            let kind = FactKind::Change { path, kind, services, rule: rule.clone(), begins: batch.add(at) };
            self.emit(Effect::Tell(Fact { at, service: None, run: None, kind }));
        }
    }

    /// Tells what has happened to the group as a whole.
    pub(super) fn tell(&mut self, kind: FactKind) {
        self.emit(Effect::Tell(Fact { at: self.now, service: None, run: None, kind }));
    }
}
