//! What the folders say of tasks that others wait for, and of workers that others work for.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::ended::is_worked_off;
use super::folder::{Folder, Links};
use super::layout::WORK;
use super::letters;
use super::names::{ENDING, Work, is_task_file, text_of};
use super::outcomes;
use crate::domain::task::{UNROUTED, read_tries};
use crate::domain::{DependencyState, ServiceName, TaskFolders, TaskId};
use crate::regular_file::read_regular;

/// The folders of this kind, one for each worker, here or elsewhere. Names that no worker can have are passed over.
fn workers_in(folder: &Path) -> Vec<ServiceName> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    let mut workers: Vec<_> = names.filter(|name| is_worker(name)).map(ServiceName::new).collect();
    workers.sort();
    workers
}

/// `[A-Za-z0-9_-]{1,64}`
fn is_worker(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// The workers that have a queue, a folder of results or one of dead letters.
pub fn workers_with_folders(folders: &TaskFolders) -> Vec<ServiceName> {
    let mut workers = workers_in(&folders.tasks);
    workers.extend(workers_in(&folders.results));
    workers.extend(workers_in(&folders.dlq).into_iter().filter(|worker| worker.as_str() != UNROUTED));
    workers.sort();
    workers.dedup();
    workers
}

/// Whether there is a queue of that name.
pub fn has_queue(folders: &TaskFolders, worker: &str) -> bool {
    is_worker(worker) && folders.tasks.join(worker).is_dir()
}

/// How many files a worker has that does not work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// Those that wait.
    pub waiting: usize,
    /// Tasks that are claimed still: they wait for their next try.
    pub claimed: usize,
    /// Dead letters.
    pub dead: usize,
}

/// Counts the files of a worker that does not work, by their names alone.
pub fn count_files(folders: &TaskFolders, worker: &ServiceName) -> FileCounts {
    let queue = folders.queue(worker);
    let count = |path: PathBuf, links: Links, is_meant: fn(&OsStr) -> bool| {
        let files =
            Folder::open(path, links).and_then(|folder| Ok(folder.files()?.filter(|name| is_meant(name)).count()));
        files.unwrap_or_default()
    };
    let is_claim = |name: &OsStr| Work::parse(name).is_some_and(|(_, work)| work == Work::Task);
    FileCounts {
        waiting: count(queue.clone(), Links::Follow, is_task_file),
        claimed: count(queue.join(WORK), Links::Refuse, is_claim),
        dead: count_letters(folders, worker),
    }
}

/// How many dead letters a worker has, here or elsewhere.
pub fn count_letters(folders: &TaskFolders, worker: &ServiceName) -> usize {
    let letters = Folder::open(folders.dlq.join(worker.as_str()), Links::Follow);
    letters.map_or(0, |letters| letters::count(&letters))
}

/// The queues that nobody works off, neither one of these workers nor another group.
pub fn queues_of_nobody<'w>(
    folders: &TaskFolders,
    workers: impl IntoIterator<Item = &'w ServiceName>,
) -> Vec<ServiceName> {
    let workers: Vec<_> = workers.into_iter().collect();
    let others = workers_in(&folders.tasks).into_iter().filter(|worker| !workers.contains(&worker));
    others.filter(|worker| !is_worked_off(folders, worker)).collect()
}

/// The tasks of a worker that are with a server, by what its owner has noted.
pub fn published(folders: &TaskFolders, worker: &ServiceName) -> Vec<TaskId> {
    let work = Folder::open(folders.queue(worker).join(WORK), Links::Refuse);
    work.and_then(|work| published_in(&work)).unwrap_or_default()
}

/// The same in a folder that is held open.
pub(super) fn published_in(work: &Folder) -> Result<Vec<TaskId>, super::Trouble> {
    let names: Vec<_> = work.files()?.collect();
    let is_published = |id: &TaskId| {
        let noted = work.read(OsStr::new(&Work::Tries.file(id)), LARGEST_NOTE).ok().flatten();
        let noted = noted.and_then(|bytes| read_tries(&bytes, SystemTime::UNIX_EPOCH, Duration::ZERO));
        noted.is_some_and(|noted| noted.tries.published) && work.has(OsStr::new(&Work::Task.file(id)))
    };
    let noted = names.iter().filter_map(|name| Work::parse(name)).filter(|(_, work)| *work == Work::Tries);
    Ok(noted.map(|(id, _)| id).filter(is_published).collect())
}

const LARGEST_NOTE: u64 = 1 << 20;

/// What the folders say of a task: those of this worker first, then all others.
pub fn dependency(folders: &TaskFolders, worker: &ServiceName, id: &TaskId) -> DependencyState {
    match dependency_of(folders, worker, id) {
        DependencyState::Unknown => {}
        known => return known,
    }
    let others = workers_with_folders(folders).into_iter().filter(|other| other != worker);
    let states = others.map(|other| dependency_of(folders, &other, id));
    let mut known = states.filter(|state| *state != DependencyState::Unknown);
    // Of two workers that have this id, one that has completed it is what somebody waits for.
    let first = known.next().unwrap_or(DependencyState::Unknown);
    if known.any(|state| state == DependencyState::Completed) { DependencyState::Completed } else { first }
}

fn dependency_of(folders: &TaskFolders, worker: &ServiceName, id: &TaskId) -> DependencyState {
    let folder = |above: &Path| Folder::open(above.join(worker.as_str()), Links::Follow).ok();
    let name = format!("{id}{ENDING}");
    let result = folder(&folders.results).and_then(|results| outcomes::result_head(&results, OsStr::new(&name)));
    if let Some(result) = result.filter(|result| result.is_whole) {
        return if result.is_completed() { DependencyState::Completed } else { DependencyState::Dead };
    }
    let letter = folder(&folders.dlq).and_then(|letters| outcomes::letter_of(&letters, id).ok().flatten());
    if letter.is_some() { DependencyState::Dead } else { DependencyState::Unknown }
}

/// The heartbeat of a worker as it is written, if there is one.
pub fn heartbeat_of(folders: &TaskFolders, worker: &ServiceName) -> Option<Vec<u8>> {
    read_regular(&folders.heartbeats.join(format!("{worker}{ENDING}")), LARGEST_HEARTBEAT).ok()
}

const LARGEST_HEARTBEAT: u64 = 64 << 10;

/// The workers of which a heartbeat is written. Names that no worker can have are passed over.
pub fn workers_with_heartbeats(folders: &TaskFolders) -> Vec<ServiceName> {
    let Ok(entries) = fs::read_dir(&folders.heartbeats) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let stems = names.filter_map(|name| name.strip_suffix(ENDING).map(str::to_owned));
    stems.filter(|name| is_worker(name)).map(ServiceName::new).collect()
}

/// Replaces `orchestrator.json`.
///
/// # Errors
/// It cannot be written. Nothing half stays.
pub fn aggregate(folders: &TaskFolders, text: &[u8]) -> Result<(), super::Trouble> {
    let path = &folders.orchestrator;
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        let error = std::io::Error::from(std::io::ErrorKind::InvalidInput);
        return Err(super::Trouble::new("cannot write", path, error));
    };
    Folder::make(above.to_path_buf(), Links::Follow)?.replace(name, text)
}

/// The name of a file as people read it.
pub(super) fn shown(name: &OsStr) -> String {
    let text = text_of(name);
    text.strip_prefix('/').unwrap_or(&text).to_owned()
}
