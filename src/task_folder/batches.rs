//! How far batches are, by what lies on the disk: of what has ended, nothing else is certain.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use super::folder::{Folder, Links};
use super::letters::{self, RAW};
use super::names::{ENDING, text_of};
use super::outcomes;
use super::owned::Owned;
use crate::domain::task::{EndedOfBatch, is_batch};
use crate::domain::{ServiceName, TaskFolders, TaskId};

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

    /// Reads them: there may be 100,000. Each task of a batch is told once; what is gone meanwhile is not told.
    pub fn of_batches(self, folders: &TaskFolders, worker: &ServiceName) -> Vec<EndedOfBatch> {
        let mut all = Vec::new();
        let mut batches: HashSet<Arc<str>> = HashSet::new();
        let mut add = |name: &str, batch: Option<String>, completed: bool| {
            let Some(batch) = batch.filter(|batch| is_batch(batch)) else { return };
            let batch = batches.get(batch.as_str()).cloned().unwrap_or_else(|| batch.into());
            batches.insert(batch.clone());
            all.push(EndedOfBatch { name: name.into(), batch, completed });
        };
        let open = |above: &std::path::Path| Folder::open(above.join(worker.as_str()), Links::Follow).ok();
        let mut known: HashSet<String> = HashSet::new();
        if let Some(results) = open(&folders.results) {
            for name in &self.results {
                let Some((id, result)) = id_of(name).zip(outcomes::result_head(&results, name)) else { continue };
                known.insert(id.as_str().to_owned());
                add(id.as_str(), result.batch.clone(), result.is_completed());
            }
        }
        // Most letters stand beside a result. The others are of tasks that were never tried.
        if let Some(letters) = open(&folders.dlq) {
            let stems: HashSet<String> = self.letters.iter().map(|name| stem(name)).collect();
            for file in &self.letters {
                let Ok(Some(letter)) = outcomes::letter_in(&letters, file) else { continue };
                let own = letter.task_id.as_deref().and_then(TaskId::parse).map(|id| id.as_str().to_owned());
                let name = own.unwrap_or_else(|| without_number(stem(file), |stem| stems.contains(stem)));
                if !letter.is_of_another_file() && known.insert(name.clone()) {
                    add(&name, letter.batch, false);
                }
            }
        }
        all
    }
}

fn stem(letter: &OsStr) -> String {
    let file = text_of(letter);
    file.strip_suffix(ENDING).unwrap_or(&file).to_owned()
}

/// `a` of `a.2`, the second letter of a file without an id, if there is a first one.
fn without_number(stem: String, is_there: impl Fn(&str) -> bool) -> String {
    match stem.rsplit_once('.') {
        Some((first, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) && is_there(first) => {
            first.to_owned()
        }
        _ => stem,
    }
}

fn id_of(name: &OsStr) -> Option<TaskId> {
    TaskId::parse(name.to_str()?.strip_suffix(ENDING)?)
}
