//! Who waits for which task. Only what is not settled is in here.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{ServiceName, TaskId};

use super::effect::TaskEffect;

/// Tasks of one worker that wait for the same one.
#[derive(Debug, Default)]
struct Wait {
    tasks: BTreeSet<TaskId>,
    /// The folders are asked: the worker itself does not have it.
    followed: bool,
}

/// The waits of all workers: by worker, and what its tasks wait for.
#[derive(Debug, Default)]
pub(super) struct Waits(BTreeMap<(ServiceName, TaskId), Wait>);

impl Waits {
    /// A task waits for another one. `is_live`: the worker itself has that, so no folder needs to be asked.
    pub(super) fn add(
        &mut self,
        worker: &ServiceName,
        task: &TaskId,
        on: &TaskId,
        is_live: bool,
    ) -> Option<TaskEffect> {
        let wait = self.0.entry((worker.clone(), on.clone())).or_default();
        wait.tasks.insert(task.clone());
        (!is_live).then(|| wait.follow(worker, on))?
    }

    /// A task waits no longer, for whatever reason.
    pub(super) fn remove(&mut self, worker: &ServiceName, task: &TaskId, on: &TaskId) -> Option<TaskEffect> {
        let key = (worker.clone(), on.clone());
        let wait = self.0.get_mut(&key)?;
        wait.tasks.remove(task);
        if wait.tasks.is_empty() { self.settle(worker, on).1 } else { None }
    }

    /// The worker has lost a task, and it has not ended: somebody else may have it.
    pub(super) fn lost(&mut self, worker: &ServiceName, on: &TaskId) -> Option<TaskEffect> {
        self.0.get_mut(&(worker.clone(), on.clone()))?.follow(worker, on)
    }

    /// What a task was waited for is known. Who has waited.
    pub(super) fn settle(&mut self, worker: &ServiceName, on: &TaskId) -> (BTreeSet<TaskId>, Option<TaskEffect>) {
        let wait = self.0.remove(&(worker.clone(), on.clone())).unwrap_or_default();
        let unfollow = || TaskEffect::Unfollow { worker: worker.clone(), id: on.clone() };
        (wait.tasks, wait.followed.then(unfollow))
    }

    /// Whether a task waits for another one.
    pub(super) fn has(&self, worker: &ServiceName, task: &TaskId, on: &TaskId) -> bool {
        self.0.get(&(worker.clone(), on.clone())).is_some_and(|wait| wait.tasks.contains(task))
    }

    /// Whether any task of a worker waits for it.
    pub(super) fn is_waited_for(&self, worker: &ServiceName, on: &TaskId) -> bool {
        self.0.contains_key(&(worker.clone(), on.clone()))
    }

    /// The worker works no longer.
    pub(super) fn forget(&mut self, worker: &ServiceName) -> Vec<TaskEffect> {
        let of_worker: Vec<TaskId> =
            self.0.keys().filter(|(name, _)| name == worker).map(|(_, on)| on.clone()).collect();
        of_worker.iter().filter_map(|on| self.settle(worker, on).1).collect()
    }
}

impl Wait {
    fn follow(&mut self, worker: &ServiceName, on: &TaskId) -> Option<TaskEffect> {
        let follows = std::mem::replace(&mut self.followed, true);
        (!follows).then(|| TaskEffect::Follow { worker: worker.clone(), id: on.clone() })
    }
}
