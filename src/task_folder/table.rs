//! All tasks of a folder, for people: read beside an owner that works. What is gone between two looks is not there.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::check::check;
use super::folder::{Folder, Links};
use super::layout::WORK;
use super::letters::{self, RAW};
use super::listing::{self, LARGEST_TASK};
use super::names::{ENDING, Work, in_order, text_of};
use super::outcomes::{self, Outcome};
use super::outside::{dependency, shown};
use super::owner;
use crate::domain::task::{UNROUTED, read_tries};
use crate::domain::{
    DeadReason, DependencyState, FileStamp, FoundTries, Priority, ServiceName, TaskFolders, TaskHead, TaskHome, TaskId,
    TaskRefusal, TaskRow, TaskState, TaskStatus, TaskTable,
};

/// A worker whose tasks are looked at.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Whose.
    pub worker: ServiceName,
    /// Its `run` names the description (`TaskHome`).
    pub names_description: bool,
    /// Nobody works for it: its tasks wait, and what has ended is not looked at.
    pub is_nobodys: bool,
}

impl Listed {
    /// The dead letters that are for no worker.
    pub fn unrouted() -> Self {
        Self { worker: ServiceName::new(UNROUTED), names_description: false, is_nobodys: false }
    }

    /// The tasks of a queue that nobody works off.
    pub fn nobodys(worker: ServiceName) -> Self {
        Self { worker, names_description: false, is_nobodys: true }
    }

    pub(super) fn home(&self) -> TaskHome<'_> {
        TaskHome { worker: Some(self.worker.as_str()), names_description: self.names_description }
    }
}

/// A wait that was noted is never longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The tasks of these workers: the first rows, of one state only (`TaskState::word`) if one is named, and how many there
/// are of each state.
pub fn list(
    folders: &TaskFolders,
    workers: &[Listed],
    state: Option<&str>,
    limit: usize,
    now: SystemTime,
) -> TaskTable {
    let mut all = States::default();
    let mut unmet = Unmet { folders, known: HashMap::new() };
    for listed in workers {
        let worker = Reader { folders, listed, now };
        if listed.worker.as_str() == UNROUTED {
            worker.ended(&HashSet::new(), &mut all);
            continue;
        }
        let claimed = worker.claimed(&mut all);
        worker.waiting(&mut all, &mut unmet);
        if !listed.is_nobodys {
            worker.ended(&claimed, &mut all);
        }
    }
    let counts = all.each_ref().map(Vec::len);
    let mut rows = Vec::new();
    for place in [RUNNING, RETRYING, WAITING, BLOCKED, DEAD, CANCELLED, COMPLETED] {
        let Some(found) = all.get_mut(place) else { continue };
        found.sort_by(|a, b| (a.priority, a.age).cmp(&(b.priority, b.age)).then_with(|| in_order(&a.name, &b.name)));
        for found in found.drain(..) {
            if rows.len() == limit {
                break;
            }
            rows.extend(found.row(state));
        }
    }
    TaskTable { rows, counts }
}

/// What was found of each state, by its place in the counts.
type States = [Vec<Found>; TaskState::WORDS.len()];

const WAITING: usize = 0;
const BLOCKED: usize = 1;
const RUNNING: usize = 2;
const RETRYING: usize = 3;
const COMPLETED: usize = 4;
const CANCELLED: usize = 5;
const DEAD: usize = 6;

/// The place of a state in the counts.
fn place_of(state: &TaskState) -> usize {
    match state {
        TaskState::Waiting => WAITING,
        TaskState::Blocked(_) => BLOCKED,
        TaskState::Running => RUNNING,
        TaskState::Retrying { .. } => RETRYING,
        TaskState::Completed => COMPLETED,
        TaskState::Cancelled => CANCELLED,
        TaskState::Dead(_) => DEAD,
    }
}

/// A task, of which the row may be read later: only for those that are shown.
struct Found {
    /// Only of those that wait.
    priority: Option<Priority>,
    age: i128,
    name: Arc<str>,
    row: Source,
}

enum Source {
    Row(Box<TaskRow>),
    Letter(Arc<Folder>, String, ServiceName),
}

impl Found {
    fn of(priority: Option<Priority>, age: i128, row: TaskRow) -> Self {
        Self { priority, age, name: Arc::clone(&row.id), row: Source::Row(Box::new(row)) }
    }

    fn is(&self, worker: &ServiceName, id: &TaskId) -> bool {
        matches!(&self.row, Source::Row(row) if row.worker == *worker && *row.id == *id.as_str())
    }

    fn row(self, state: Option<&str>) -> Option<TaskRow> {
        let row = match self.row {
            Source::Row(row) => Some(*row),
            Source::Letter(letters, file, worker) => letter_row(&letters, &file, &worker),
        };
        row.filter(|row| state.is_none_or(|state| row.state.word() == state))
    }
}

/// For the order: the oldest first, or, with a minus, the newest.
fn age(at: SystemTime) -> i128 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    i128::try_from(since).unwrap_or(i128::MAX)
}

/// One worker whose folders are read.
pub(super) struct Reader<'a> {
    pub(super) folders: &'a TaskFolders,
    pub(super) listed: &'a Listed,
    pub(super) now: SystemTime,
}

impl Reader<'_> {
    pub(super) fn worker(&self) -> &ServiceName {
        &self.listed.worker
    }

    pub(super) fn queue(&self) -> Option<Folder> {
        Folder::open(self.folders.queue(self.worker()), Links::Follow).ok()
    }

    pub(super) fn work(&self) -> Option<Folder> {
        Folder::open(self.folders.queue(self.worker()).join(WORK), Links::Refuse).ok()
    }

    pub(super) fn results(&self) -> Option<Folder> {
        Folder::open(self.folders.results.join(self.worker().as_str()), Links::Follow).ok()
    }

    pub(super) fn letters(&self) -> Option<Folder> {
        Folder::open(self.folders.dlq.join(self.worker().as_str()), Links::Follow).ok()
    }

    fn claimed(&self, all: &mut States) -> HashSet<TaskId> {
        let Some(work) = self.work() else { return HashSet::new() };
        let Ok(names) = work.files() else { return HashSet::new() };
        let ids: HashSet<TaskId> = names
            .filter_map(|name| Work::parse(&name).filter(|(_, work)| *work == Work::Task).map(|(id, _)| id))
            .collect();
        for id in &ids {
            if let Some(row) = self.claim_row(&work, id) {
                push(all, Found::of(None, row.since.map_or(0, age), row));
            }
        }
        ids
    }

    /// The row of a claimed task.
    pub(super) fn claim_row(&self, work: &Folder, id: &TaskId) -> Option<TaskRow> {
        let task = Work::Task.file(id);
        if let Some(kept) = outcomes::result_head(work, Work::Kept.file(id).as_ref()) {
            return Some(with_reason(self.result_row(id, &kept), "its result cannot be written yet"));
        }
        if let Some(row) = self.unwritten_row(work, id) {
            return Some(row);
        }
        let (_, contents) = work.look(task.as_ref(), LARGEST_TASK)?;
        let head = check(&format!("{id}{ENDING}"), contents, self.listed.home()).ok().map(|task| task.head);
        let noted = work.read(Work::Tries.file(id).as_ref(), LARGEST_TASK).ok().flatten();
        let tries = noted.and_then(|bytes| read_tries(&bytes, self.now, LONGEST_WAIT)).map(|noted| noted.tries);
        let failed = tries.as_ref().map_or(0, |tries| tries.retry_count);
        let waits = tries.as_ref().filter(|tries| !tries.running);
        let (state, tried) = match waits {
            Some(tries) if tries.published => (TaskState::Waiting, failed),
            Some(tries) => (TaskState::Retrying { at: self.now.checked_add(tries.left) }, failed),
            None => (TaskState::Running, failed.saturating_add(1)),
        };
        // The begin of each try but the first is noted there, and the first one begins with the claim.
        let noted = work.stamp(Work::Tries.file(id).as_ref()).map(|stamp| stamp.modified);
        let since = noted.filter(|_| tries.is_some()).or_else(|| work.came(task.as_ref()));
        Some(TaskRow {
            id: Arc::from(id.as_str()),
            worker: self.worker().clone(),
            state,
            priority: head.as_ref().map(|head| head.priority),
            tries: tried,
            since,
            reason: after(tries.as_ref(), owner::is_worked_off(work)),
            batch: head.and_then(|head| head.batch),
        })
    }

    /// The row of a claimed task of whose result there is no more than how it says that the task has ended.
    fn unwritten_row(&self, work: &Folder, id: &TaskId) -> Option<TaskRow> {
        let all = [TaskStatus::Completed, TaskStatus::Failed, TaskStatus::Timeout, TaskStatus::Cancelled];
        let stamp_of = |status| Some((status, work.stamp(Work::Unwritten(status).file(id).as_ref())?));
        let (status, stamp) = all.into_iter().find_map(stamp_of)?;
        let row = self.result_row(id, &Outcome::unwritten(status, stamp));
        Some(with_reason(row, "its result cannot be written, nor kept"))
    }

    fn waiting(&self, all: &mut States, unmet: &mut Unmet<'_>) {
        let Some(queue) = self.queue() else { return };
        let home = self.listed.home();
        let heads = listing::list(&queue, |file, contents| check(file, contents, home).map(|task| task.head));
        for seen in heads.unwrap_or_default() {
            let row = self.waiting_row(&seen.file, seen.stamp, seen.found, |id| unmet.is(self.worker(), id));
            push(all, Found::of(row.priority, age(seen.stamp.modified), row));
        }
    }

    /// The row of a file that waits.
    pub(super) fn waiting_row(
        &self,
        file: &str,
        stamp: FileStamp,
        found: Result<TaskHead, TaskRefusal>,
        is_unmet: impl FnMut(&TaskId) -> bool,
    ) -> TaskRow {
        let mut row = TaskRow {
            id: shown(super::names::name_of(file).as_ref()).into(),
            worker: self.worker().clone(),
            state: TaskState::Waiting,
            priority: None,
            tries: 0,
            since: Some(stamp.modified),
            reason: Arc::default(),
            batch: None,
        };
        match found {
            Ok(head) => {
                let mut is_unmet = is_unmet;
                let unmet: Vec<TaskId> = head.dependencies.iter().filter(|id| is_unmet(id)).cloned().collect();
                if !unmet.is_empty() {
                    row.reason = blocked_on(&unmet).into();
                    row.state = TaskState::Blocked(unmet);
                }
                (row.id, row.priority, row.batch) = (head.id.as_str().into(), Some(head.priority), head.batch);
                if self.listed.is_nobodys {
                    row.reason = "no worker has that name".into();
                }
            }
            // It is about to become a dead letter, or somebody still writes it.
            Err(refusal) => {
                row.reason = refusal.detail.into();
                if let Some(id) = refusal.id {
                    row.id = id.as_str().into();
                }
            }
        }
        row
    }

    fn ended(&self, claimed: &HashSet<TaskId>, all: &mut States) {
        let mut dead = HashSet::new();
        if let Some(letters) = self.letters().map(Arc::new) {
            for name in letters.files().into_iter().flatten() {
                let file = text_of(&name).into_owned();
                if !letters::is_letter(&file) {
                    continue;
                }
                let Some(stamp) = letters.stamp(&name) else { continue };
                dead.insert(file.strip_suffix(ENDING).unwrap_or(&file).to_owned());
                let (name, age) = (file.as_str().into(), -age(stamp.modified));
                let row = Source::Letter(Arc::clone(&letters), file, self.worker().clone());
                push(all, Found { priority: None, age, name, row });
            }
        }
        let Some(results) = self.results() else { return };
        let names: Vec<OsString> = results.files().into_iter().flatten().collect();
        for name in names {
            let id = name.to_str().and_then(|name| name.strip_suffix(ENDING)).and_then(TaskId::parse);
            let Some(id) = id else { continue };
            let Some(result) = outcomes::result_head(&results, &name) else { continue };
            // With a result it has ended: its claim goes next.
            if claimed.contains(&id) {
                for place in [RUNNING, RETRYING, COMPLETED, CANCELLED, DEAD] {
                    all.get_mut(place).into_iter().for_each(|rows| rows.retain(|row| !row.is(self.worker(), &id)));
                }
            }
            let row = self.result_row(&id, &result);
            // A letter stands for a task that has failed. Beside a result that is good, it is of a second file.
            if !(matches!(row.state, TaskState::Dead(_)) && dead.contains(id.as_str())) {
                push(all, Found::of(None, -age(result.stamp.modified), row));
            }
        }
    }

    /// The row of a result, which has no letter.
    pub(super) fn result_row(&self, id: &TaskId, result: &Outcome) -> TaskRow {
        let status = TaskStatus::parse(&result.word).unwrap_or(TaskStatus::Failed);
        let (state, reason) = match status {
            TaskStatus::Completed => (TaskState::Completed, String::new()),
            TaskStatus::Cancelled => (TaskState::Cancelled, String::new()),
            TaskStatus::Failed | TaskStatus::Timeout => {
                (TaskState::Dead(DeadReason::MaxRetriesExceeded), how_it_ended(result))
            }
        };
        let was_never_tried = status == TaskStatus::Cancelled && result.retry_count == 0 && result.exit_code.is_none();
        TaskRow {
            id: id.as_str().into(),
            worker: self.worker().clone(),
            state,
            priority: None,
            tries: result.retry_count.saturating_add(u32::from(!was_never_tried)),
            since: Some(result.stamp.modified),
            reason: reason.into(),
            batch: result.batch.as_deref().map(Arc::from),
        }
    }
}

/// With one more reason.
fn with_reason(row: TaskRow, reason: &str) -> TaskRow {
    let words = [&*row.reason, reason];
    let all = words.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" · ");
    TaskRow { reason: all.into(), ..row }
}

fn push(all: &mut States, found: Found) {
    let place = match &found.row {
        Source::Row(row) => place_of(&row.state),
        Source::Letter(..) => DEAD,
    };
    if let Some(of_state) = all.get_mut(place) {
        of_state.push(found);
    }
}

/// The row of a dead letter.
pub(super) fn letter_row(letters: &Folder, file: &str, worker: &ServiceName) -> Option<TaskRow> {
    let name = super::names::name_of(file);
    let stamp = letters.stamp(&name)?;
    let letter = match file.ends_with(RAW) {
        true => outcomes::reason_of(letters, file),
        false => outcomes::letter_in(letters, &name).ok()?,
    };
    let known = letter.as_ref().and_then(|letter| DeadReason::parse(&letter.word));
    let is_tried = letter.as_ref().is_some_and(Outcome::is_of_tries);
    let stem = file.strip_suffix(RAW).or_else(|| file.strip_suffix(ENDING)).unwrap_or(file);
    let id = letter.as_ref().and_then(|letter| letter.task_id.as_deref()).and_then(TaskId::parse);
    let reason = match &letter {
        Some(letter) => letter.detail.clone().unwrap_or_else(|| how_it_ended(letter)),
        None => "its reason is not there".to_owned(),
    };
    // Another task has the id of a second file, which is named by its own.
    let id = id.filter(|_| known != Some(DeadReason::DuplicateTaskId));
    let stem = if known == Some(DeadReason::DuplicateTaskId) { file } else { stem };
    Some(TaskRow {
        id: id.map_or_else(|| shown(super::names::name_of(stem).as_ref()).into(), |id| id.as_str().into()),
        worker: worker.clone(),
        state: TaskState::Dead(known.unwrap_or(DeadReason::InvalidJson)),
        priority: letter.as_ref().and_then(|letter| Priority::parse(letter.priority.as_deref()?)),
        tries: letter.as_ref().filter(|_| is_tried).map_or(0, |letter| letter.retry_count.saturating_add(1)),
        since: Some(stamp.modified),
        reason: reason.into(),
        batch: letter.and_then(|letter| letter.batch.map(Arc::from)),
    })
}

fn how_it_ended(outcome: &Outcome) -> String {
    match outcome.exit_code {
        _ if outcome.word == TaskStatus::Timeout.word() => "timeout".to_owned(),
        Some(code) => format!("exit {code}"),
        None => outcome.word.replace('_', " "),
    }
}

/// Why a claimed task is where it is.
fn after(tries: Option<&FoundTries>, is_worked_off: bool) -> Arc<str> {
    if tries.is_some_and(|tries| tries.published) {
        return "published".into();
    }
    let last = tries.and_then(|tries| tries.last.as_ref()).map(|last| format!("after {}", last.why));
    match (last, is_worked_off) {
        (last, true) => last.unwrap_or_default().into(),
        (_, false) => "no group is running it".into(),
    }
}

fn blocked_on(unmet: &[TaskId]) -> String {
    const NAMED: usize = 3;
    let named: Vec<&str> = unmet.iter().take(NAMED).map(TaskId::as_str).collect();
    let more = unmet.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("blocked on {}{rest}", named.join(", "))
}

/// Dependencies that are not completed. Each is looked for once.
struct Unmet<'a> {
    folders: &'a TaskFolders,
    known: HashMap<(ServiceName, TaskId), bool>,
}

impl Unmet<'_> {
    fn is(&mut self, worker: &ServiceName, id: &TaskId) -> bool {
        let key = (worker.clone(), id.clone());
        *self.known.entry(key).or_insert_with(|| dependency(self.folders, worker, id) != DependencyState::Completed)
    }
}
