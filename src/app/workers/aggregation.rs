//! `orchestrator.json`: what is known of all workers whose heartbeats are in the folder, whoever works for them.
//!
//! Several groups may have one folder. So each says of its own workers what it knows, and of the others what these have
//! written; and what has ended of a batch is counted by the files, each time a worker gets its folder.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use super::Message;
use super::desk::Desk;
use crate::domain::task::{BatchCounts, Heartbeat, Orchestrator, orchestrator_json, read_batches, read_heartbeat};
use crate::domain::{FoundClaim, Moment, ServiceName, TaskFolders, plain_error};
use crate::task_folder;

/// So many batches are kept that others have written down.
const KEPT: usize = 1_000;

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
        let ours = self.engine.batches();
        let all = match are_all_ours {
            true => None,
            false => Some(with_those_of_others(folders, ours)),
        };
        let text = orchestrator_json(&Orchestrator {
            at,
            workers: &workers,
            batches: all.as_ref().unwrap_or(ours),
            overdue: &[self.engine.overdue(now), self.hands.overdue(now)].concat(),
            lost: &self.engine.lost(),
        });
        if let Err(trouble) = task_folder::aggregate(folders, text.as_bytes()) {
            log::warn!("{trouble}");
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

/// Our batches, and what the file says of others.
fn with_those_of_others(
    folders: &TaskFolders,
    ours: &BTreeMap<Arc<str>, BatchCounts>,
) -> BTreeMap<Arc<str>, BatchCounts> {
    let written = task_folder::aggregation(folders).map(|bytes| read_batches(&bytes)).unwrap_or_default();
    let mut all = ours.clone();
    let others = written.into_iter().filter(|(batch, _)| !ours.contains_key(batch));
    all.extend(others.take(KEPT));
    all
}
