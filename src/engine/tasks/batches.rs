//! How far batches are.
//!
//! What has ended is counted here and in `orchestrator.json`, and nowhere else: reading all results at each start would
//! take longer than all else.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::TaskNews;
use crate::domain::task::BatchCounts;

/// So many are remembered. Of more, those that have ended longest ago go.
const REMEMBERED: usize = 1_000;

/// The batches of a group.
#[derive(Debug, Default)]
pub(super) struct Batches {
    counts: BTreeMap<Arc<str>, BatchCounts>,
    /// When each has last changed, in changes.
    changed: BTreeMap<Arc<str>, u64>,
    changes: u64,
}

impl Batches {
    pub(super) fn counts(&self) -> &BTreeMap<Arc<str>, BatchCounts> {
        &self.counts
    }

    /// What has ended before this program.
    pub(super) fn remember(&mut self, found: BTreeMap<Arc<str>, BatchCounts>) {
        for (batch, before) in found {
            self.change(Some(&batch), |counts| {
                counts.completed += before.completed;
                counts.failed += before.failed;
            });
        }
    }

    /// So many of its tasks wait.
    pub(super) fn appear(&mut self, batch: Option<&Arc<str>>, tasks: u64) {
        self.change(batch, |counts| counts.pending += tasks);
    }

    /// So many of its tasks are gone, and have not ended.
    pub(super) fn vanish(&mut self, batch: Option<&Arc<str>>, tasks: u64) {
        self.change(batch, |counts| counts.pending = counts.pending.saturating_sub(tasks));
    }

    /// One of its tasks has ended. What came of all of them, if it was the last.
    pub(super) fn end(&mut self, batch: Option<&Arc<str>>, completed: bool) -> Option<TaskNews> {
        self.change(batch, |counts| {
            counts.pending = counts.pending.saturating_sub(1);
            counts.completed += u64::from(completed);
            counts.failed += u64::from(!completed);
        });
        let (batch, counts) = batch.and_then(|batch| Some((batch, self.counts.get(batch)?)))?;
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
        batches.remember([(name.clone(), BatchCounts { total: 9, completed: 2, failed: 1, pending: 6 })].into());
        batches.appear(Some(&name), 3);
        assert_eq!(batches.end(Some(&name), true), None);
        assert_eq!(batches.end(Some(&name), false), None, "one waits");
        batches.vanish(Some(&name), 1);
        assert_eq!(batches.counts()["b"], BatchCounts { total: 5, completed: 3, failed: 2, pending: 0 });
        batches.appear(None, 1);
        batches.appear(Some(&name), 1);
        let done = TaskNews::BatchDone { batch: name, completed: 4, failed: 2 };
        assert_eq!(batches.end(Some(&"b".into()), true), Some(done));
        assert_eq!(batches.end(None, true), None);
        assert_eq!(batches.counts().len(), 1);
    }

    #[test]
    fn a_long_life_does_not_grow_without_end() {
        let mut batches = Batches::default();
        let first: Arc<str> = "pending".into();
        batches.appear(Some(&first), 1);
        for n in 0..1_500 {
            let name: Arc<str> = format!("b-{n}").into();
            batches.appear(Some(&name), 1);
            batches.end(Some(&name), true);
        }
        assert_eq!(batches.counts().len(), REMEMBERED);
        assert!(batches.counts().contains_key("pending") && batches.counts().contains_key("b-1499"));
    }
}
