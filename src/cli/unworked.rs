//! Tasks in folders that nobody works off, `3 tasks for bob, but no worker has that name`, and dead letters that are nobody's.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::domain::task::UNROUTED;
use crate::domain::{GroupSpec, ServiceName, TaskFolders, count, visible_path};

/// Who has more files waiting needs no exact number.
const MOST: usize = 100_000;

/// A sentence for each folder of tasks beside those of the workers of a group in which tasks wait, by name. A folder that
/// another group works off is none.
pub(super) fn unworked(spec: &GroupSpec) -> Vec<String> {
    let workers = spec.services.iter().filter_map(|service| Some((&service.name, service.worker.as_ref()?)));
    let workers: Vec<_> = workers.collect();
    // All workers of a group have their tasks in one folder.
    let Some((_, first)) = workers.first() else { return Vec::new() };
    let tasks = &first.folders.tasks;
    let is_ours = |name: &str| workers.iter().any(|(worker, _)| **worker == ServiceName::new(name));
    let folders = fs::read_dir(tasks)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut found: Vec<String> = folders
        .filter(|entry| !entry.file_name().as_bytes().starts_with(b"."))
        .filter(|entry| !entry.file_name().to_str().is_some_and(is_ours))
        .filter_map(|entry| {
            let waiting = waiting(&entry.path());
            let name = visible_path(Path::new(&entry.file_name())).into_owned();
            (waiting > 0 && !has_owner(&entry.path()))
                .then(|| format!("{} for {name}, but no worker has that name", count(waiting, "task")))
        })
        .collect();
    found.sort();
    found.extend(workers.iter().flat_map(|(worker, spec)| no_files(&spec.folders, worker)));
    found.extend(unrouted(&first.folders));
    found
}

/// What has the name of a task in the folder of a worker, and is no regular file: it is never taken.
pub(super) fn no_files(folders: &TaskFolders, worker: &ServiceName) -> Option<String> {
    /// So many are named.
    const NAMED: usize = 3;
    let entries = fs::read_dir(folders.queue(worker)).into_iter().flatten().flatten();
    let is_meant = |name: &[u8]| !name.starts_with(b".") && name.ends_with(b".json");
    let others = entries.filter(|entry| is_meant(entry.file_name().as_bytes()));
    let others = others.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_file()));
    let mut names: Vec<_> = others.map(|entry| visible_path(Path::new(&entry.file_name())).into_owned()).collect();
    names.sort();
    let more = names.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    (!names.is_empty())
        .then(|| format!("{worker} takes regular files only, so these stay in its folder: {named}{rest}"))
}

/// Dead letters of tasks that name no worker.
fn unrouted(folders: &TaskFolders) -> Option<String> {
    let folder = folders.dlq.join(UNROUTED);
    // The reason beside a file that is no JSON is not one more.
    let letters =
        with_end(&folder, b".json").saturating_sub(with_end(&folder, b".reason.json")) + with_end(&folder, b".raw");
    (letters > 0)
        .then(|| format!("{} for no worker that is known: {}", count(letters, "dead letter"), visible_path(&folder)))
}

/// The tasks in a folder: those that wait, and those that were claimed.
fn waiting(folder: &Path) -> usize {
    with_end(folder, b".json") + with_end(&folder.join(".work"), b".task.json")
}

/// How many files of a folder end so.
fn with_end(folder: &Path, end: &[u8]) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let is_meant = |name: &std::ffi::OsString| !name.as_bytes().starts_with(b".") && name.as_bytes().ends_with(end);
    entries.filter(is_meant).take(MOST).count()
}

/// Whether somebody holds the lock of the folder. To know it one must have it for a moment.
fn has_owner(folder: &Path) -> bool {
    let Ok(owner) = File::open(folder.join(".work/owner.json")) else { return false };
    flock(&owner, FlockOperation::NonBlockingLockShared).is_err_and(|error| error == rustix::io::Errno::WOULDBLOCK)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Kind, RunCommand, ServiceSpec, WorkerSpec};

    #[test]
    fn tasks_are_told_whose_worker_is_nobodys() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "{}").unwrap();
        };
        for path in [
            "tasks/marie/a.json",
            "tasks/bob/a.json",
            "tasks/bob/b.json",
            "tasks/bob/.work/c.task.json",
            "tasks/bob/.d.json",
            "tasks/bob/notes.txt",
            "tasks/amy/one.json",
            "tasks/.hidden/a.json",
            "tasks/empty/x.txt",
            "tasks/loose.json",
            "tasks/owned/a.json",
            "tasks/owned/.work/owner.json",
        ] {
            make(path);
        }
        let owner = File::open(root.path().join("tasks/owned/.work/owner.json")).unwrap();
        flock(&owner, FlockOperation::LockExclusive).unwrap();
        let mut marie = ServiceSpec::new("marie".into(), RunCommand::Shell("a".into()), root.path().into());
        marie.kind = Kind::Worker;
        marie.worker = Some(Arc::new(WorkerSpec::new(TaskFolders::below(root.path().into()))));
        let spec = GroupSpec::new("g", root.path().into(), vec![Arc::new(marie)]);
        assert_eq!(
            unworked(&spec),
            ["1 task for amy, but no worker has that name", "3 tasks for bob, but no worker has that name"]
        );
        fs::create_dir_all(root.path().join("tasks/marie/folder.json")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("tasks/marie/link.json")).unwrap();
        let stays = "marie takes regular files only, so these stay in its folder: folder.json, link.json";
        assert_eq!(unworked(&spec).last().map(String::as_str), Some(stays));
        drop(owner);
        assert_eq!(unworked(&spec).len(), 4, "its owner is gone");
        for name in ["a.json", "b.raw", "b.reason.json", ".begun.json"] {
            make(&format!("dlq/unrouted/{name}"));
        }
        let folder = root.path().join("dlq/unrouted").display().to_string();
        let last = unworked(&spec).pop();
        assert_eq!(last, Some(format!("2 dead letters for no worker that is known: {folder}")));
        assert_eq!(unworked(&GroupSpec::new("g", root.path().into(), Vec::new())), [""; 0]);
    }
}
