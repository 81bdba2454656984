//! Workers of the group that do not work: what waits for them and what is dead is counted by the files, when some come or go.
//! It is shown like that of a worker that works.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::desk::Desk;
use crate::domain::{Moment, RunReport, ServiceName, TaskFolders, WorkerSnapshot};
use crate::task_folder::{self, FileCounts};

/// Files that come and go within this time are counted together …
const SOON: Duration = Duration::from_millis(20);

/// … and in a storm of them no more often than this.
const EVERY: Duration = Duration::from_secs(1);

/// Those that do not work.
#[derive(Default)]
pub(super) struct Resting(BTreeMap<ServiceName, Rest>);

struct Rest {
    folders: TaskFolders,
    /// How many tries it may run.
    concurrency: u32,
    /// When its files are counted next; `None`: nothing has come or gone.
    due: Option<Moment>,
    /// When they were counted last.
    counted: Option<Moment>,
    told: Option<Arc<WorkerSnapshot>>,
}

impl Resting {
    /// When files are to be counted.
    pub(super) fn next_look(&self) -> Option<Moment> {
        self.0.values().filter_map(|rest| rest.due).min()
    }

    /// Something has happened in the folders of a worker. Whether it is one of these.
    pub(super) fn stir(&mut self, worker: &ServiceName, now: Moment) -> bool {
        let Some(rest) = self.0.get_mut(worker) else { return false };
        let earliest = rest.counted.map_or(now, |counted| counted + EVERY);
        rest.due.get_or_insert(earliest.max(now + SOON));
        true
    }

    /// In the folders of all of them.
    pub(super) fn stir_all(&mut self, now: Moment) {
        let names: Vec<ServiceName> = self.0.keys().cloned().collect();
        for worker in &names {
            self.stir(worker, now);
        }
    }

    /// A worker begins to work.
    pub(super) fn remove(&mut self, worker: &ServiceName) {
        self.0.remove(worker);
    }
}

impl Desk {
    /// Looks who of the group does not work now. One that has just stopped, or is new, is counted soon; most begin at once.
    pub(super) fn rest(&mut self) {
        let soon = self.now() + SOON;
        let mut before = std::mem::take(&mut self.resting.0);
        for spec in &self.group {
            let Some(worker) = spec.worker.as_ref().filter(|worker| !worker.remote) else { continue };
            if self.working.contains_key(&spec.name) {
                continue;
            }
            let rest = before.remove(&spec.name).filter(|rest| rest.folders == worker.folders);
            let rest = rest.unwrap_or_else(|| Rest {
                folders: worker.folders.clone(),
                concurrency: worker.concurrency,
                due: Some(soon),
                counted: None,
                told: None,
            });
            self.resting.0.insert(spec.name.clone(), Rest { concurrency: worker.concurrency, ..rest });
        }
        let gone: Vec<ServiceName> = before.into_keys().filter(|worker| !self.working.contains_key(worker)).collect();
        gone.iter().for_each(|worker| self.places.forget(worker));
    }

    /// Counts the files of those where some have come or gone.
    pub(super) fn count_resting(&mut self, now: Moment) {
        let is_due = |rest: &Rest| rest.due.is_some_and(|due| due <= now);
        let due: Vec<ServiceName> =
            self.resting.0.iter().filter(|(_, rest)| is_due(rest)).map(|(worker, _)| worker.clone()).collect();
        for worker in due {
            self.count_one(&worker, now);
        }
    }

    fn count_one(&mut self, worker: &ServiceName, now: Moment) {
        let Some(rest) = self.resting.0.get_mut(worker) else { return };
        // Watched before it is counted: a file that comes during the count is told.
        self.places.watch_resting(&rest.folders, worker);
        let FileCounts { waiting, claimed, dead } = task_folder::count_files(&rest.folders, worker);
        (rest.due, rest.counted) = (None, Some(now));
        let known = self.engine.snapshot(worker).unwrap_or_else(|| WorkerSnapshot::stopped(rest.concurrency));
        let [waiting, retrying, dead] = [waiting, claimed, dead].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        let concurrency = rest.concurrency;
        let snapshot = Arc::new(WorkerSnapshot { concurrency, waiting, blocked: 0, retrying, dead, ..known });
        if rest.told.as_ref() != Some(&snapshot) {
            rest.told = Some(snapshot.clone());
            // Of no run that lives.
            self.report(worker, self.last_run(worker), RunReport::Worker(snapshot));
        }
    }
}
