//! How far batches are.
//!
//! The rule: each task of a batch counts once, by its id, or by the name of its file if it has none. It is pending while
//! it waits or is claimed; it is completed or failed by its result, and failed if there is only its dead letter, whatever
//! that says. A second file with the id of another task is no task. What has ended is told by the files that are there
//! when a worker gets its folder, and from then on as it happens: both come to the same. `orchestrator.json` is only
//! written: another group may have worked meanwhile.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::domain::task::{BatchCounts, EndedOfBatch};
use crate::domain::{ServiceName, TaskNews};

/// So many are remembered. Of more, those that have ended longest ago go.
const REMEMBERED: usize = 1_000;

/// A task, by the hash of its name: there may be a million of them, and two with the same one are not to be expected.
type Key = u64;

/// The batches of a group.
#[derive(Debug, Default)]
pub(super) struct Batches {
    counts: BTreeMap<Arc<str>, BatchCounts>,
    /// What of it has ended with which worker, and whether it was completed.
    ended: BTreeMap<ServiceName, BTreeMap<Arc<str>, HashMap<Key, bool>>>,
    /// Workers whose files are being counted, and what was dropped meanwhile.
    counting: BTreeMap<ServiceName, HashSet<Key>>,
    /// When each has last changed, in changes.
    changed: BTreeMap<Arc<str>, u64>,
    changes: u64,
}

fn key(name: &str) -> Key {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

impl Batches {
    pub(super) fn counts(&self) -> &BTreeMap<Arc<str>, BatchCounts> {
        &self.counts
    }

    /// What has ended with a worker is counted anew from now on.
    pub(super) fn forget_ended(&mut self, worker: &ServiceName) {
        for (batch, tasks) in self.ended.remove(worker).unwrap_or_default() {
            for completed in tasks.into_values() {
                self.change(&batch, |counts| less(counts, completed));
            }
        }
        self.counting.insert(worker.clone(), HashSet::new());
    }

    /// These had ended with a worker when it got its folder. What has happened since is known better.
    pub(super) fn found(&mut self, worker: &ServiceName, found: Vec<EndedOfBatch>, is_open: impl Fn(&str) -> bool) {
        let dropped = self.counting.remove(worker).unwrap_or_default();
        for EndedOfBatch { name, batch, completed } in found {
            let is_known = self.ended.get(worker).and_then(|all| all.get(&batch)?.get(&key(&name))).is_some();
            if !is_known && !dropped.contains(&key(&name)) && !is_open(&name) {
                self.put(worker, key(&name), &batch, completed);
            }
        }
    }

    fn put(&mut self, worker: &ServiceName, key: Key, batch: &Arc<str>, completed: bool) {
        let of_batch = self.ended.entry(worker.clone()).or_default().entry(batch.clone()).or_default();
        let before = of_batch.insert(key, completed);
        self.change(batch, |counts| {
            if let Some(before) = before {
                less(counts, before);
            }
            if completed { counts.completed += 1 } else { counts.failed += 1 }
        });
    }

    /// One of its tasks waits with this worker; if it had ended, it has begun anew.
    pub(super) fn appear(&mut self, worker: &ServiceName, name: &str, batch: Option<&Arc<str>>) {
        let Some(batch) = batch else { return };
        self.take(worker, key(name), batch);
        self.change(batch, |counts| counts.pending += 1);
    }

    /// So many of its tasks are gone, and have not ended.
    pub(super) fn vanish(&mut self, batch: Option<&Arc<str>>, tasks: u64) {
        let Some(batch) = batch else { return };
        self.change(batch, |counts| counts.pending = counts.pending.saturating_sub(tasks));
    }

    /// One of its tasks has ended with this worker. What came of all of them, if it was the last.
    pub(super) fn end(
        &mut self,
        worker: &ServiceName,
        name: &str,
        batch: Option<&Arc<str>>,
        completed: bool,
    ) -> Option<TaskNews> {
        let batch = batch?;
        self.put(worker, key(name), batch, completed);
        self.vanish(Some(batch), 1);
        let counts = self.counts.get(batch)?;
        let done = || TaskNews::BatchDone { batch: batch.clone(), completed: counts.completed, failed: counts.failed };
        (counts.pending == 0).then(done)
    }

    /// All that was left of an ended task was removed.
    pub(super) fn dropped(&mut self, worker: &ServiceName, name: &str) {
        let key = key(name);
        if let Some(dropped) = self.counting.get_mut(worker) {
            dropped.insert(key);
        }
        let of_worker = self.ended.get(worker).into_iter().flatten();
        let batches: Vec<_> =
            of_worker.filter(|(_, tasks)| tasks.contains_key(&key)).map(|(batch, _)| batch.clone()).collect();
        batches.iter().for_each(|batch| self.take(worker, key, batch));
    }

    fn take(&mut self, worker: &ServiceName, key: Key, batch: &Arc<str>) {
        let Some(tasks) = self.ended.get_mut(worker).and_then(|all| all.get_mut(batch)) else { return };
        if let Entry::Occupied(task) = tasks.entry(key) {
            let completed = task.remove();
            self.change(batch, |counts| less(counts, completed));
        }
    }

    fn change(&mut self, batch: &Arc<str>, change: impl Fn(&mut BatchCounts)) {
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

fn less(counts: &mut BatchCounts, completed: bool) {
    let of = if completed { &mut counts.completed } else { &mut counts.failed };
    *of = of.saturating_sub(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(name: &str, completed: bool) -> EndedOfBatch {
        EndedOfBatch { name: name.into(), batch: "b".into(), completed }
    }

    fn counts(batches: &Batches) -> (u64, u64, u64, u64) {
        let counts = batches.counts().get("b").copied().unwrap_or_default();
        (counts.total, counts.completed, counts.failed, counts.pending)
    }

    #[test]
    fn the_total_is_what_waits_and_what_has_ended() {
        let mut batches = Batches::default();
        let name: Arc<str> = "b".into();
        let (marie, anga) = (ServiceName::new("marie"), ServiceName::new("anga"));
        let before = || vec![ended("1", true), ended("2", true), ended("3", false)];
        batches.found(&marie, before(), |_| false);
        for task in ["4", "5", "6"] {
            batches.appear(&marie, task, Some(&name));
        }
        batches.appear(&anga, "7", Some(&name));
        batches.end(&marie, "4", Some(&name), true);
        batches.end(&marie, "5", Some(&name), false);
        batches.end(&anga, "7", Some(&name), true);
        batches.vanish(Some(&name), 1);
        assert_eq!(counts(&batches), (6, 4, 2, 0));
        // Somebody else has had marie's folder, and she gets it back.
        batches.forget_ended(&marie);
        assert_eq!(counts(&batches), (1, 1, 0, 0));
        batches.found(&marie, before(), |_| false);
        assert_eq!(counts(&batches), (4, 3, 1, 0));
        batches.appear(&marie, "8", None);
        batches.appear(&anga, "9", Some(&name));
        let done = TaskNews::BatchDone { batch: name.clone(), completed: 4, failed: 1 };
        assert_eq!(batches.end(&anga, "9", Some(&name), true), Some(done));
        assert_eq!(batches.end(&anga, "10", None, true), None);
        assert_eq!(batches.counts().len(), 1);
    }

    #[test]
    fn a_task_counts_once_whatever_becomes_of_it() {
        let mut batches = Batches::default();
        let name: Arc<str> = "b".into();
        let marie = ServiceName::new("marie");
        batches.appear(&marie, "a", Some(&name));
        batches.end(&marie, "a", Some(&name), false);
        assert_eq!(counts(&batches), (1, 0, 1, 0));
        batches.appear(&marie, "a", Some(&name));
        assert_eq!(counts(&batches), (1, 0, 0, 1), "it is retried");
        batches.end(&marie, "a", Some(&name), true);
        assert_eq!(counts(&batches), (1, 1, 0, 0));
        batches.dropped(&marie, "a");
        assert!(batches.counts().is_empty());
        // What happens while the files are counted is known better than by the count.
        batches.forget_ended(&marie);
        batches.appear(&marie, "b", Some(&name));
        batches.end(&marie, "b", Some(&name), true);
        batches.dropped(&marie, "c");
        let found = ["b", "c", "d", "e"].map(|task| ended(task, false));
        batches.found(&marie, found.into(), |task| task == "d");
        assert_eq!(counts(&batches), (2, 1, 1, 0));
    }

    #[test]
    fn a_long_life_does_not_grow_without_end() {
        let mut batches = Batches::default();
        let first: Arc<str> = "pending".into();
        let marie = ServiceName::new("marie");
        batches.appear(&marie, "first", Some(&first));
        for n in 0..1_500 {
            let name: Arc<str> = format!("b-{n}").into();
            batches.appear(&marie, &name, Some(&name));
            batches.end(&marie, &name, Some(&name), true);
        }
        assert_eq!(batches.counts().len(), REMEMBERED);
        assert_eq!(batches.ended[&marie].len(), REMEMBERED - 1);
        assert!(batches.counts().contains_key("pending") && batches.counts().contains_key("b-1499"));
    }
}
