//! How far batches are, by what lies on the disk: of what has ended, nothing else is certain.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use super::folder::{Folder, Links};
use super::letters::{self, RAW};
use super::names::{ENDING, text_of};
use super::outcomes;
use super::owned::Owned;
use crate::domain::task::BatchCounts;
use crate::domain::{DeadReason, ServiceName, TaskFolders, TaskId};

/// The results and dead letters that were there at one moment.
#[derive(Debug)]
pub struct EndedFiles {
    results: Vec<OsString>,
    letters: Vec<OsString>,
}

impl Owned {
    /// Those that are there now, without those of tasks that are still claimed: how these end is yet to be told.
    pub fn ended_files(&mut self, claimed: &HashSet<TaskId>) -> EndedFiles {
        let files = |folder: Result<&Folder, _>| folder.and_then(Folder::files).into_iter().flatten().collect();
        let mut ended = EndedFiles {
            results: files(self.outlets.results.in_place()),
            letters: files(self.outlets.letters.in_place()),
        };
        ended.results.retain(|name| id_of(name).is_some_and(|id| !claimed.contains(&id)));
        ended.letters.retain(|name| {
            let file = text_of(name);
            letters::is_letter(&file) && !file.ends_with(RAW)
        });
        ended
    }
}

impl EndedFiles {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.results.is_empty() && self.letters.is_empty()
    }

    /// Reads them: there may be 100,000. What is gone meanwhile is not counted.
    pub fn count(self, folders: &TaskFolders, worker: &ServiceName) -> BTreeMap<Arc<str>, BatchCounts> {
        let mut counts: BTreeMap<Arc<str>, BatchCounts> = BTreeMap::new();
        let mut add = |batch: Option<String>, completed: bool| {
            let Some(batch) = batch else { return };
            let counts = counts.entry(batch.into()).or_default();
            counts.completed += u64::from(completed);
            counts.failed += u64::from(!completed);
        };
        let open = |above: &std::path::Path| Folder::open(above.join(worker.as_str()), Links::Follow).ok();
        let mut known: HashSet<String> = HashSet::new();
        if let Some(results) = open(&folders.results) {
            for name in &self.results {
                let Some(result) = outcomes::result_head(&results, name) else { continue };
                known.extend(id_of(name).map(|id| id.as_str().to_owned()));
                add(result.batch.clone(), result.is_completed());
            }
        }
        // Most letters stand beside a result. The others are of tasks that were never tried.
        if let Some(letters) = open(&folders.dlq) {
            for name in &self.letters {
                let Ok(Some(letter)) = outcomes::letter_in(&letters, name) else { continue };
                let is_untried = [DeadReason::DependencyFailed, DeadReason::DependencyCycle]
                    .iter()
                    .any(|reason| reason.word() == letter.word);
                if is_untried && letter.task_id.clone().is_some_and(|id| known.insert(id)) {
                    add(letter.batch, false);
                }
            }
        }
        counts
    }
}

fn id_of(name: &OsStr) -> Option<TaskId> {
    TaskId::parse(name.to_str()?.strip_suffix(ENDING)?)
}
