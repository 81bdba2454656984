//! How far batches are, by what lies on the disk: of what has ended, nothing else is certain.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

use super::check::check;
use super::folder::{Folder, Links};
use super::layout::WORK;
use super::letters::{self, RAW};
use super::listing::LARGEST_TASK;
use super::names::{ENDING, Work, is_task_file, text_of};
use super::outcomes;
use super::owned::Owned;
use crate::domain::task::{BatchCounts, EndedOfBatch, is_batch};
use crate::domain::{ServiceName, TaskFolders, TaskHome, TaskId};

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
        ended.letters.retain(|name| is_of_task(name));
        ended
    }
}

/// How far the batches of a worker are whose folder is not ours, by all that lies in its folders.
pub fn batches_of(folders: &TaskFolders, worker: &ServiceName) -> BTreeMap<Arc<str>, BatchCounts> {
    let open = |path: PathBuf, links| Folder::open(path, links).ok();
    let files = |folder: Option<&Folder>| -> Vec<OsString> {
        folder.and_then(|folder| folder.files().ok()).into_iter().flatten().collect()
    };
    let (queue, name) = (folders.queue(worker), worker.as_str());
    let (waiting, work) = (open(queue.clone(), Links::Follow), open(queue.join(WORK), Links::Refuse));
    // In the order of a task's life: what moves on meanwhile is met at its next place.
    let pending = files(waiting.as_ref()).into_iter().filter(|name| is_task_file(name)).collect::<Vec<_>>();
    let claimed = files(work.as_ref()).into_iter().filter_map(|file| match Work::parse(&file)? {
        (id, Work::Task) => Some((id, file)),
        _ => None,
    });
    let claimed: Vec<(TaskId, OsString)> = claimed.collect();
    let (results, letters) =
        (open(folders.results.join(name), Links::Follow), open(folders.dlq.join(name), Links::Follow));
    let results: Vec<OsString> = files(results.as_ref()).into_iter().filter(|name| id_of(name).is_some()).collect();
    let with_result: HashSet<TaskId> = results.iter().filter_map(|name| id_of(name)).collect();
    let letters = files(letters.as_ref()).into_iter().filter(|name| is_of_task(name)).collect();

    let home = TaskHome { worker: Some(name), names_description: false };
    let read = |folder: Option<&Folder>, file: &OsStr, name: &str| {
        let (_, contents) = folder?.look(file, LARGEST_TASK)?;
        Some(match check(name, contents, home) {
            Ok(task) => (task.head.id.shared(), task.head.batch),
            Err(refusal) => (refusal.id.as_ref().map_or_else(|| stem(file).into(), TaskId::shared), refusal.batch),
        })
    };
    let waiting = pending.iter().filter_map(|file| read(waiting.as_ref(), file, &text_of(file)));
    let claimed = claimed.iter().filter_map(|(id, file)| read(work.as_ref(), file, &format!("{id}{ENDING}")));
    // What has a result has ended, and what waits has not, whatever an older letter says.
    let has_result = |name: &str| TaskId::parse(name).is_some_and(|id| with_result.contains(&id));
    let pending: HashMap<Arc<str>, Option<Arc<str>>> =
        waiting.chain(claimed).filter(|(name, _)| !has_result(name)).collect();
    let ended = EndedFiles { results, letters }.of_batches(folders, worker);
    let ended = ended.into_iter().filter(|task| has_result(&task.name) || !pending.contains_key(&*task.name));
    let mut counts: BTreeMap<Arc<str>, BatchCounts> = BTreeMap::new();
    ended.for_each(|task| counts.entry(task.batch).or_default().count(Some(task.completed)));
    for batch in pending.values().flatten() {
        counts.entry(batch.clone()).or_default().count(None);
    }
    counts
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

/// Whether a file is a letter that holds its task.
fn is_of_task(letter: &OsStr) -> bool {
    let file = text_of(letter);
    letters::is_letter(&file) && !file.ends_with(RAW)
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
