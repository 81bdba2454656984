//! What the commands ask of the folders: which tasks there are, whose they are, whether an id is free.

use std::collections::HashSet;
use std::path::PathBuf;

use serde_json::Value;

use super::super::exit_code::Failure;
use super::arguments::STATE_WORDS;
use super::new_task::NewFile;
use super::orders::Target;
use super::wait::Wanted;
use super::workers::{Worker, Workers};
use crate::config;
use crate::domain::task::UNROUTED;
use crate::domain::{
    DeadReason, TaskDetails, TaskFile, TaskId, TaskRefusal, TaskRow, TaskState, TaskStatus, TaskTable, visible,
    visible_path,
};
use crate::task_folder::{self, Adder, Ended, LARGEST_TASK, Listed, NamedLetter, Open, Trouble};

/// So many ids are compared with one that nobody knows.
const MOST_NEAR: usize = 1_000;

/// An error of the folders.
pub(super) fn failure(trouble: &Trouble) -> Failure {
    Failure::Unexpected(trouble.to_string())
}

/// Checks a new task by the rules of its worker.
///
/// # Errors
/// What its dead letter would say.
pub(super) fn check(worker: &Worker, file: &NewFile) -> Result<(), String> {
    id_of(worker, &file.bytes, file.id.as_str()).map(|_| ())
}

/// The id of a task, checked by the rules of its worker. `own`: what its file is called if it has no id inside.
///
/// # Errors
/// What its dead letter would say.
pub(super) fn id_of(worker: &Worker, bytes: &[u8], own: &str) -> Result<TaskId, String> {
    if bytes.len() as u64 > LARGEST_TASK {
        return Err(format!("the task has {} bytes, and more than 1 MiB is too large", bytes.len()));
    }
    let task = TaskFile::parse(bytes, &format!("{own}.json"), worker.home());
    let head = task.map(|task| task.head).map_err(|TaskRefusal { detail, .. }| detail)?;
    if head.dependencies.contains(&head.id) {
        return Err(format!("{} would wait for itself", head.id));
    }
    Ok(head.id)
}

/// The state of the task that has this id already, by the names of files: one that waits, runs, or has a result.
pub(super) fn holder_of(worker: &Worker, id: &TaskId) -> Result<Option<&'static str>, Failure> {
    let (folders, name) = (&worker.spec.folders, worker.name());
    match task_folder::open_task(folders, name, id).map_err(|trouble| failure(&trouble))? {
        Some(Open::Waiting) => return Ok(Some("waiting")),
        Some(Open::Claimed) => return Ok(Some("running")),
        None => {}
    }
    // A dead letter without a result frees its id.
    Ok(match task_folder::ended(folders, name, id).map_err(|trouble| failure(&trouble))? {
        Some(Ended::Result(result)) if result.is_completed() => Some("completed"),
        Some(Ended::Result(result)) if result.word == TaskStatus::Cancelled.word() => Some("cancelled"),
        Some(Ended::Result(_)) => Some("dead"),
        Some(Ended::Letter(_)) | None => None,
    })
}

/// Writes new tasks. How many were written is in the result, also if one of them could not be.
pub(super) fn put_all(worker: &Worker, files: &[NewFile]) -> (Vec<PathBuf>, Option<NotPut>) {
    let queue = worker.spec.folders.queue(worker.name());
    let mut paths = Vec::with_capacity(files.len());
    let adder = match Adder::open(&worker.spec.folders, worker.name()) {
        Ok(adder) => adder,
        Err(trouble) => return (paths, Some(NotPut::Failed(trouble))),
    };
    for file in files {
        match adder.add(&file.id, &file.bytes) {
            Ok(true) => paths.push(queue.join(format!("{}.json", file.id))),
            Ok(false) => return (paths, Some(NotPut::Taken(file.id.clone()))),
            Err(trouble) => return (paths, Some(NotPut::Failed(trouble))),
        }
    }
    (paths, None)
}

/// Why a task was not written.
pub(super) enum NotPut {
    /// Somebody was faster with that id.
    Taken(TaskId),
    Failed(Trouble),
}

/// The tasks of these workers, of one state if one is named, and how many more there are. `others`: and these, such as the
/// dead letters that are for no worker.
pub(super) fn list(
    workers: &[Worker],
    others: Vec<Listed>,
    state: Option<&str>,
    limit: usize,
) -> Result<(TaskTable, usize), Failure> {
    let Some(first) = workers.first() else { return Ok((TaskTable::default(), 0)) };
    let folders = &first.spec.folders;
    for worker in workers {
        task_folder::can_be_read(folders, worker.name()).map_err(|trouble| failure(&trouble))?;
    }
    let listed: Vec<Listed> = workers.iter().map(Worker::listed).chain(others).collect();
    let table = task_folder::list(folders, &listed, state, limit, super::now());
    let counted = STATE_WORDS.iter().zip(table.counts);
    let all: usize =
        counted.filter(|(word, _)| state.is_none_or(|state| state == **word)).map(|(_, count)| count).sum();
    let left_off = all.saturating_sub(table.rows.len());
    Ok((table, left_off))
}

/// What is listed beside the tasks of workers where no worker is named.
pub(super) fn of_no_worker(workers: &Workers) -> Vec<Listed> {
    workers.nobodys().into_iter().chain([Listed::unrouted()]).collect()
}

/// A task that is for no worker of the file: it waits in a queue that nobody works off, or is a dead letter.
pub(super) fn for_no_worker(workers: &Workers, id: &str) -> Option<TaskDetails> {
    let (folders, id) = (&workers.all().first()?.spec.folders, TaskId::parse(id)?);
    of_no_worker(workers).iter().find_map(|listed| task_folder::details(folders, listed, &id, super::now()))
}

/// The workers of these that have a task of this id, with all that is known of it.
fn holders<'w>(workers: &'w [Worker], id: &TaskId) -> Vec<(&'w Worker, TaskDetails)> {
    let details = |worker: &'w Worker| {
        let look = || task_folder::details(&worker.spec.folders, &worker.listed(), id, super::now());
        // It may have moved on between the looks of one.
        Some((worker, look().or_else(look)?))
    };
    workers.iter().filter_map(details).collect()
}

/// The task that the command line means.
pub(super) fn the_one<'w>(
    workers: &'w Workers,
    worker: Option<&str>,
    id: &str,
) -> Result<(&'w Worker, TaskDetails), Failure> {
    let chosen = workers.chosen(worker)?;
    let mut found = TaskId::parse(id).map(|id| holders(chosen, &id)).unwrap_or_default();
    match (found.pop(), found.as_slice()) {
        (Some(found), []) => Ok(found),
        (Some((last, _)), others) => {
            let names = others.iter().map(|(worker, _)| *worker).chain([last]);
            let names: Vec<_> = names.map(|worker| format!("of {}", worker.name())).collect();
            let first = others.first().map_or(last, |(worker, _)| *worker).name();
            let message = format!("`{}` is a task {}", visible(id), names.join(" and "));
            Err(Failure::Usage(format!("{message}\n  help: add --worker {first}")))
        }
        (None, _) => {
            let for_nobody = worker.is_none().then(|| is_for_nobody(workers, id)).flatten();
            Err(for_nobody.unwrap_or_else(|| unknown(chosen, id)))
        }
    }
}

/// A dead letter that is for no worker.
fn unrouted(workers: &Workers, id: &str) -> Option<TaskDetails> {
    let folders = &workers.all().first()?.spec.folders;
    task_folder::details(folders, &Listed::unrouted(), &TaskId::parse(id)?, super::now())
}

fn is_for_nobody(workers: &Workers, id: &str) -> Option<Failure> {
    unrouted(workers, id)?;
    let folders = &workers.all().first()?.spec.folders;
    Some(Failure::Unknown {
        what: "task",
        message: format!("`{id}` is for no worker of this group"),
        help: format!(
            "correct its `worker` in {}, and move it to {}; or remove it",
            visible_path(&folders.dlq.join(UNROUTED)),
            visible_path(&folders.tasks)
        ),
    })
}

fn unknown(workers: &[Worker], id: &str) -> Failure {
    let table = match list(workers, Vec::new(), None, MOST_NEAR) {
        Ok((table, _)) => table,
        Err(failure) => return failure,
    };
    let near = config::near(id, table.rows.iter().map(|row| &*row.id));
    let near: Vec<_> = near.into_iter().map(visible).collect();
    let of = match workers {
        [only] => format!("{} has", only.name()),
        _ => "there is".into(),
    };
    Failure::Unknown {
        what: "task",
        message: format!("{of} no task `{}`", visible(id)),
        help: match near.as_slice() {
            [] => "`devgroup task list` shows all tasks".into(),
            near => format!("did you mean {}?", config::any_of(near)),
        },
    }
}

/// A task to wait for. Of a worker elsewhere nobody here knows which it has.
pub(super) fn wanted<'w>(workers: &'w Workers, worker: Option<&str>, id: &str) -> Result<Wanted<'w>, Failure> {
    match (the_one(workers, worker, id), TaskId::parse(id)) {
        (Ok((worker, _)), Some(id)) => Ok(Wanted { worker, id }),
        (Err(Failure::Unknown { .. }), Some(id)) if worker.is_some_and(|worker| workers.is_remote(worker)) => {
            Ok(Wanted { worker: workers.named(worker.unwrap_or_default())?, id })
        }
        (Err(failure), _) => Err(failure),
        (Ok(_), None) => Err(unknown(workers.all(), id)),
    }
}

/// The tasks of a batch.
pub(super) fn batch<'w>(workers: &'w Workers, worker: Option<&str>, batch: &str) -> Result<Vec<Wanted<'w>>, Failure> {
    let chosen = workers.chosen(worker)?;
    let (table, _) = list(chosen, Vec::new(), None, usize::MAX)?;
    let is_of_it = |row: &&TaskRow| match (&row.batch, &row.state) {
        (Some(of), _) => &**of == batch,
        (None, state) => state.has_ended() && result_names(chosen, row, batch),
    };
    // The dead letter of a second file is none of its tasks.
    let is_of_it = |row: &&TaskRow| !matches!(row.state, TaskState::Dead(DeadReason::DuplicateTaskId)) && is_of_it(row);
    let mut wanted: Vec<Wanted<'w>> = Vec::new();
    let mut known = HashSet::new();
    for row in table.rows.iter().filter(is_of_it) {
        if let Some((worker, id)) = meant(chosen, row)
            && known.insert((worker.name().clone(), id.clone()))
        {
            wanted.push(Wanted { worker, id });
        }
    }
    if wanted.is_empty() {
        let batches: HashSet<&str> = table.rows.iter().filter_map(|row| row.batch.as_deref()).collect();
        let near: Vec<_> = config::near(batch, batches.into_iter().take(MOST_NEAR)).into_iter().map(visible).collect();
        return Err(Failure::Unknown {
            what: "batch",
            message: format!("there is no task of the batch `{}`", visible(batch)),
            help: match near.as_slice() {
                [] => "`devgroup task list --json` shows the batch of each task".into(),
                near => format!("did you mean {}?", config::any_of(near)),
            },
        });
    }
    wanted.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(wanted)
}

/// Whether the result of a row is of this batch. Behind much output a list does not see that.
fn result_names(workers: &[Worker], row: &TaskRow, batch: &str) -> bool {
    let Some((worker, id)) = meant(workers, row) else { return false };
    match task_folder::ended(&worker.spec.folders, worker.name(), &id) {
        Ok(Some(Ended::Result(result))) => result.batch.as_deref() == Some(batch),
        _ => false,
    }
}

/// Whose the row is, and its id if it has one.
fn meant<'w>(workers: &'w [Worker], row: &TaskRow) -> Option<(&'w Worker, TaskId)> {
    let worker = workers.iter().find(|worker| *worker.name() == row.worker)?;
    Some((worker, TaskId::parse(&row.id)?))
}

/// The dead tasks of workers that work here, for this reason if one is named. A second file with the id of a task that lives
/// is none: what is done with that id is done with the other task.
pub(super) fn dead<'w>(
    workers: &'w Workers,
    worker: Option<&str>,
    reason: Option<&str>,
) -> Result<Vec<Target<'w>>, Failure> {
    let chosen = workers.chosen(worker)?;
    let (table, _) = list(chosen, Vec::new(), Some("dead"), usize::MAX)?;
    let mut targets: Vec<Target<'w>> = Vec::new();
    let mut known = HashSet::new();
    for row in &table.rows {
        let TaskState::Dead(of) = row.state else { continue };
        let is_meant = of != DeadReason::DuplicateTaskId && reason.is_none_or(|reason| reason == of.word());
        let Some((worker, id)) = meant(chosen, row).filter(|_| is_meant) else { continue };
        if !worker.spec.remote && known.insert((worker.name().clone(), id.clone())) {
            targets.push(Target { worker, id });
        }
    }
    targets.sort_by(|a, b| (a.worker.name(), &a.id).cmp(&(b.worker.name(), &b.id)));
    Ok(targets)
}

/// The dead letters that only the names of their files tell apart, for this reason if one is named.
pub(super) fn named_letters<'w>(
    workers: &'w Workers,
    worker: Option<&str>,
    reason: Option<&str>,
) -> Result<Vec<(&'w Worker, NamedLetter)>, Failure> {
    let chosen = workers.chosen(worker)?;
    let (table, _) = list(chosen, Vec::new(), Some("dead"), usize::MAX)?;
    let letters = table.rows.iter().filter_map(|row| {
        let TaskState::Dead(of) = row.state else { return None };
        let has_no_id = of == DeadReason::DuplicateTaskId || TaskId::parse(&row.id).is_none();
        let worker = chosen.iter().find(|worker| *worker.name() == row.worker && !worker.spec.remote)?;
        let is_meant = has_no_id && reason.is_none_or(|reason| reason == of.word());
        let find = || task_folder::letter_named(&worker.spec.folders, worker.name(), &row.id);
        is_meant.then(find).flatten().map(|letter| (worker, letter))
    });
    Ok(letters.collect())
}

/// The tasks that are dead only because they depend on a dead one, each with what it depends on.
pub(super) fn dead_dependents(workers: &Workers) -> Result<Vec<(Target<'_>, Vec<String>)>, Failure> {
    let all = dead(workers, None, Some(DeadReason::DependencyFailed.word()))?;
    let with_needs = |target| {
        let needs = dependencies(&target);
        (target, needs)
    };
    Ok(all.into_iter().map(with_needs).collect())
}

/// What a dead task depends on, by its letter.
fn dependencies(target: &Target<'_>) -> Vec<String> {
    let folders = &target.worker.spec.folders;
    let details = task_folder::details(folders, &target.worker.listed(), &target.id, super::now());
    let texts = details.map(|details| details.texts).unwrap_or_default();
    let letter = texts.iter().find(|text| text.title == "dead letter");
    let keys: Value = letter.and_then(|letter| serde_json::from_str(&letter.text).ok()).unwrap_or_default();
    let ids = keys.get("dependencies").and_then(Value::as_array);
    ids.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
