//! How far batches are.
//!
//! What has ended is counted for each worker: by the files that are there when it gets its folder, and from then on as it
//! happens. `orchestrator.json` is only written: another group may have worked meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::task::BatchCounts;
use crate::domain::{ServiceName, TaskNews};

/// So many are remembered. Of more, those that have ended longest ago go.
const REMEMBERED: usize = 1_000;

/// The batches of a group.
#[derive(Debug, Default)]
pub(super) struct Batches {
    counts: BTreeMap<Arc<str>, BatchCounts>,
    /// What of it has ended with which worker: completed, failed.
    ended: BTreeMap<ServiceName, BTreeMap<Arc<str>, (u64, u64)>>,
    /// When each has last changed, in changes.
    changed: BTreeMap<Arc<str>, u64>,
    changes: u64,
}

impl Batches {
    pub(super) fn counts(&self) -> &BTreeMap<Arc<str>, BatchCounts> {
        &self.counts
    }

    /// What has ended with a worker is counted anew from now on.
    pub(super) fn forget_ended(&mut self, worker: &ServiceName) {
        for (batch, (completed, failed)) in self.ended.remove(worker).unwrap_or_default() {
            self.change(Some(&batch), |counts| {
                counts.completed = counts.completed.saturating_sub(completed);
                counts.failed = counts.failed.saturating_sub(failed);
            });
        }
    }

    /// So many had ended with a worker when it got its folder.
    pub(super) fn found(&mut self, worker: &ServiceName, found: BTreeMap<Arc<str>, BatchCounts>) {
        for (batch, before) in found {
            self.ends(worker, &batch, (before.completed, before.failed));
        }
    }

    fn ends(&mut self, worker: &ServiceName, batch: &Arc<str>, (completed, failed): (u64, u64)) {
        let of_worker = self.ended.entry(worker.clone()).or_default().entry(batch.clone()).or_default();
        *of_worker = (of_worker.0 + completed, of_worker.1 + failed);
        self.change(Some(batch), |counts| {
            counts.completed += completed;
            counts.failed += failed;
        });
    }

    /// So many of its tasks wait.
    pub(super) fn appear(&mut self, batch: Option<&Arc<str>>, tasks: u64) {
        self.change(batch, |counts| counts.pending += tasks);
    }

    /// So many of its tasks are gone, and have not ended.
    pub(super) fn vanish(&mut self, batch: Option<&Arc<str>>, tasks: u64) {
        self.change(batch, |counts| counts.pending = counts.pending.saturating_sub(tasks));
    }

    /// One of its tasks has ended with this worker. What came of all of them, if it was the last.
    pub(super) fn end(&mut self, worker: &ServiceName, batch: Option<&Arc<str>>, completed: bool) -> Option<TaskNews> {
        let batch = batch?;
        self.ends(worker, batch, (u64::from(completed), u64::from(!completed)));
        self.vanish(Some(batch), 1);
        let counts = self.counts.get(batch)?;
        let done = || TaskNews::BatchDone { batch: batch.clone(), completed: counts.completed, failed: counts.failed };
        (counts.pending == 0).then(done)
    }

    fn change(&mut self, batch: Option<&Arc<str>>, change: impl Fn(&mut BatchCounts)) {
        let Some(batch) = batch else { return };
        let counts = self.counts.entry(batch.clone()).or_default();
        change(counts);
        counts.total = counts.completed + counts.failed + counts.pending;
        let is_empty = counts.total == 0;
        self.changes += 1;
        self.changed.insert(batch.clone(), self.changes);
        if is_empty {
            self.forget(batch);
        }
        if self.counts.len() > REMEMBERED {
            let ended =
                self.changed.iter().filter(|(batch, _)| self.counts.get(*batch).is_none_or(|one| one.pending == 0));
            if let Some(oldest) = ended.min_by_key(|(_, changed)| **changed).map(|(batch, _)| batch.clone()) {
                self.forget(&oldest);
            }
        }
    }

    fn forget(&mut self, batch: &Arc<str>) {
        self.counts.remove(batch);
        for of_worker in self.ended.values_mut() {
            of_worker.remove(batch);
        }
        self.changed.remove(batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_what_waits_and_what_has_ended() {
        let mut batches = Batches::default();
        let name: Arc<str> = "b".into();
        let (marie, anga) = (ServiceName::new("marie"), ServiceName::new("anga"));
        let before = || BTreeMap::from([(name.clone(), BatchCounts { completed: 2, failed: 1, ..Default::default() })]);
        batches.found(&marie, before());
        batches.appear(Some(&name), 4);
        batches.end(&marie, Some(&name), true);
        batches.end(&marie, Some(&name), false);
        batches.end(&anga, Some(&name), true);
        batches.vanish(Some(&name), 1);
        assert_eq!(batches.counts()["b"], BatchCounts { total: 6, completed: 4, failed: 2, pending: 0 });
        // Somebody else has had marie's folder, and she gets it back.
        batches.forget_ended(&marie);
        assert_eq!(batches.counts()["b"], BatchCounts { total: 1, completed: 1, failed: 0, pending: 0 });
        batches.found(&marie, before());
        assert_eq!(batches.counts()["b"], BatchCounts { total: 4, completed: 3, failed: 1, pending: 0 });
        batches.appear(None, 1);
        batches.appear(Some(&name), 1);
        let done = TaskNews::BatchDone { batch: name, completed: 4, failed: 1 };
        assert_eq!(batches.end(&anga, Some(&"b".into()), true), Some(done));
        assert_eq!(batches.end(&anga, None, true), None);
        assert_eq!(batches.counts().len(), 1);
    }

    #[test]
    fn a_long_life_does_not_grow_without_end() {
        let mut batches = Batches::default();
        let first: Arc<str> = "pending".into();
        batches.appear(Some(&first), 1);
        let marie = ServiceName::new("marie");
        for n in 0..1_500 {
            let name: Arc<str> = format!("b-{n}").into();
            batches.appear(Some(&name), 1);
            batches.end(&marie, Some(&name), true);
        }
        assert_eq!(batches.counts().len(), REMEMBERED);
        assert!(batches.counts().contains_key("pending") && batches.counts().contains_key("b-1499"));
    }
}
