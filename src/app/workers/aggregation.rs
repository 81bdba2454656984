//! `orchestrator.json`: what is known of all workers whose heartbeats are in the folder, whoever works for them.
//!
//! Several groups may have one folder. So each says of its own workers what it knows, and of the others what their
//! heartbeats say. Batches are counted by the files: of its own workers what has ended, each time one gets its folder; of all
//! others whatever lies there, now and then.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use super::Message;
use super::desk::Desk;
use crate::domain::task::{BatchCounts, Heartbeat, Orchestrator, orchestrator_json, read_heartbeat};
use crate::domain::{FoundClaim, Moment, ServiceName, TaskFolders, plain_error};
use crate::task_folder;

/// From this many batches on, those of others are not added.
const MOST: usize = 2_000;

/// The shortest time between two counts of the batches of others …
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// … and how much longer it is than such a count takes: 100,000 files of others must not keep a processor busy.
const TIMES: u32 = 100;

/// How far batches are.
pub(super) type BatchesOf = BTreeMap<Arc<str>, BatchCounts>;

/// The batches of workers whose folders are not ours.
#[derive(Default)]
pub(super) struct Others {
    batches: BTreeMap<ServiceName, BatchesOf>,
    is_counting: bool,
    /// When they may be counted again.
    next: Option<Moment>,
}

impl Desk {
    /// Has counted what has ended of the batches of a worker, on a thread of its own. Its folder is ours, and nothing was
    /// done in it yet.
    pub(super) fn count_batches(&mut self, worker: &ServiceName, claims: &[FoundClaim]) {
        let Some(working) = self.working.get_mut(worker) else { return };
        let (Some(folder), Some(spec)) = (working.folder.as_mut(), working.start.spec.worker.clone()) else { return };
        let claimed: HashSet<_> = claims.iter().map(|claim| claim.id.clone()).collect();
        let ended = folder.ended_files(&claimed);
        let (messages, run, worker) = (self.messages.clone(), working.start.run, worker.clone());
        if ended.is_empty() {
            // Nobody waits for a thread that would find nothing.
            let _ = messages.send(Message::Batches { worker, run, ended: Vec::new() });
            return;
        }
        let counting = thread::Builder::new().name("batches".into()).spawn(move || {
            let ended = ended.of_batches(&spec.folders, &worker);
            // Without the thread of the workers nobody wants to know.
            let _ = messages.send(Message::Batches { worker, run, ended });
        });
        if let Err(error) = counting {
            log::warn!("cannot start a thread to count batches: {}", plain_error(&error));
        }
    }

    pub(super) fn aggregate(&mut self) {
        let Some(folders) = self.folders().cloned() else { return };
        let folders = &folders;
        let (now, at) = self.means.clock.both();
        let (workers, are_all_ours) = self.heartbeats(folders, (now, at));
        self.has_others = !are_all_ours;
        self.count_others(folders, now);
        let ours = self.engine.batches();
        let others = self.others.batches.iter().filter(|(worker, _)| !self.owned.contains(*worker));
        let all = with_those_of_others(ours, others.map(|(_, batches)| batches));
        let text = orchestrator_json(&Orchestrator {
            at,
            workers: &workers,
            batches: &all,
            overdue: &[self.engine.overdue(now), self.hands.overdue(now)].concat(),
            lost: &self.engine.lost(),
        });
        if let Err(trouble) = task_folder::aggregate(folders, text.as_bytes()) {
            log::warn!("{trouble}");
        }
    }

    /// Has counted how far the batches of workers are whose folders are not ours, on a thread of its own.
    fn count_others(&mut self, folders: &TaskFolders, now: Moment) {
        if self.others.is_counting || self.others.next.is_some_and(|next| next > now) {
            return;
        }
        // One that has just begun is about to count its own.
        let begins = |worker: &ServiceName| {
            self.working.contains_key(worker)
                && self.engine.snapshot(worker).is_none_or(|known| known.standby.is_none() && !known.remote)
        };
        let is_others = |worker: &ServiceName| !self.owned.contains(worker) && !begins(worker);
        let others: Vec<_> = task_folder::workers_with_folders(folders).into_iter().filter(is_others).collect();
        if others.is_empty() {
            self.others.batches.clear();
            return;
        }
        let (messages, folders, clock) = (self.messages.clone(), folders.clone(), self.means.clock);
        let counting = thread::Builder::new().name("batches".into()).spawn(move || {
            let begun = clock.now();
            let count = |worker: ServiceName| {
                let batches = task_folder::batches_of(&folders, &worker);
                (worker, batches)
            };
            let batches = others.into_iter().map(count).collect();
            // Without the thread of the workers nobody wants to know.
            let _ = messages.send(Message::Others { batches, took: clock.now().since(begun) });
        });
        match counting {
            Ok(_) => self.others.is_counting = true,
            Err(error) => log::warn!("cannot start a thread to count batches: {}", plain_error(&error)),
        }
    }

    /// The batches of others are counted.
    pub(super) fn others_counted(&mut self, batches: BTreeMap<ServiceName, BatchesOf>, took: Duration) {
        self.others.is_counting = false;
        self.others.next = Some(self.now() + (took * TIMES).max(COUNT_EVERY));
        if self.others.batches != batches {
            self.others.batches = batches;
            self.engine.look_at_others();
        }
    }

    /// The heartbeats of all workers, each with its time; and whether nobody else works for any of them.
    fn heartbeats(
        &self,
        folders: &TaskFolders,
        (now, at): (Moment, SystemTime),
    ) -> (Vec<(Heartbeat, SystemTime)>, bool) {
        let mut names: BTreeSet<ServiceName> = task_folder::workers_with_heartbeats(folders).into_iter().collect();
        names.extend(self.group.iter().map(|worker| worker.name.clone()));
        let mut are_all_ours = true;
        let beats = names.into_iter().filter_map(|worker| {
            let ours = || self.heartbeat(&worker, now);
            let is_remote = self
                .working
                .get(&worker)
                .is_some_and(|its| its.start.spec.worker.as_ref().is_some_and(|spec| spec.remote));
            if is_remote {
                return Some((ours()?, self.places.beat_of(&worker).unwrap_or(at)));
            }
            if self.working.get(&worker).is_some_and(|working| working.folder.is_some()) {
                return Some((ours()?, at));
            }
            let read = task_folder::heartbeat_of(folders, &worker).and_then(|bytes| read_heartbeat(&worker, &bytes));
            match read {
                Some(read) => {
                    are_all_ours = false;
                    Some((read.beat, read.at.unwrap_or(SystemTime::UNIX_EPOCH)))
                }
                None => Some((ours()?, at)),
            }
        });
        let beats = beats.collect();
        (beats, are_all_ours)
    }
}

/// Our batches with those of others: one may have tasks for several workers.
fn with_those_of_others<'b>(ours: &BatchesOf, others: impl Iterator<Item = &'b BatchesOf>) -> BatchesOf {
    let mut all = ours.clone();
    for (batch, counts) in others.flatten() {
        if all.len() < MOST || all.contains_key(batch) {
            let together = all.entry(batch.clone()).or_default();
            *together = together.with(*counts);
        }
    }
    all
}
