//! One turn of the machine: what it is given, and what it gives.

use crate::domain::{Moment, ServiceName, TaskId, TaskNews};

use super::batches::Batches;
use super::effect::TaskEffect;
use super::waits::Waits;

/// What a turn collects, and what all workers share.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) now: Moment,
    pub(super) effects: Vec<TaskEffect>,
    /// Tasks that have ended in this turn, and whether they are completed: others may wait for them.
    pub(super) ended: Vec<(ServiceName, TaskId, bool)>,
    /// Tasks that wait for others since this turn: they may close a circle.
    pub(super) blocked: Vec<(ServiceName, TaskId)>,
    pub(super) waits: &'a mut Waits,
    pub(super) batches: &'a mut Batches,
    /// `orchestrator.json` says something else now.
    pub(super) aggregate: bool,
}

impl Turn<'_> {
    pub(super) fn emit(&mut self, effect: TaskEffect) {
        self.effects.push(effect);
    }

    pub(super) fn tell(&mut self, worker: &ServiceName, news: TaskNews) {
        self.emit(TaskEffect::Tell { worker: worker.clone(), news });
    }

    pub(super) fn answer(&mut self, asks: impl IntoIterator<Item = u64>, result: Result<(), &str>) {
        for ask in asks {
            self.emit(TaskEffect::Answer { ask, result: result.map_err(Into::into) });
        }
    }

    /// A task has ended, in whichever way.
    pub(super) fn task_ended(&mut self, worker: &ServiceName, id: &TaskId, completed: bool) {
        self.ended.push((worker.clone(), id.clone(), completed));
        self.aggregate = true;
    }
}
