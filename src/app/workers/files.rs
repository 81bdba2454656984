//! What lies in folders, on its way to the engine; and what is asked there, on its way back.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};

use super::desk::{Desk, Working};
use super::{Message, shared};
use crate::domain::task::{TaskHome, read_heartbeat};
use crate::domain::{
    DeadReason, DependencyState, Moment, RunCommand, ServiceName, ServiceSpec, TaskFolders, TaskHead, TaskId,
    TaskRefusal, TaskStats,
};
use crate::engine::tasks::{ClaimResult, LetterWords, Subject, TaskEvent, TaskWrite};
pub(super) use crate::task_folder::FolderNews;
use crate::task_folder::{self, Claim, Contents, FolderEvents, Hall, Moved, Owned, Pieces, Renewed, check};

/// How often folders are looked at of which the system tells nothing.
const LOOK: Duration = Duration::from_secs(2);

/// Who removes a folder removes one file after the other. It is made again when nothing was removed for so long.
const REMOVED: Duration = Duration::from_millis(200);

/// Outcomes that come within this time are looked at together.
const SOON: Duration = Duration::from_millis(20);

/// A listing of a worker's folder that is under way.
pub(super) struct UnderWay {
    worker: ServiceName,
    files: Pieces<Result<TaskHead, TaskRefusal>>,
    /// Tasks that have a result.
    ended: HashSet<String>,
}

/// What is watched, and what is followed.
pub(super) struct Places {
    messages: Sender<Message>,
    events: Option<FolderEvents>,
    /// `tasks/*.json`
    hall: Option<Hall>,
    /// Tasks that others wait for, by those who wait, and what was last said of them.
    followed: BTreeMap<(ServiceName, TaskId), DependencyState>,
    /// Workers that somebody else works for: elsewhere, or here while they are on standby.
    remote: BTreeSet<ServiceName>,
    /// When their last heartbeats were written, as these say.
    beats: BTreeMap<ServiceName, SystemTime>,
    /// Queues of which the system tells nothing.
    unheard: BTreeSet<ServiceName>,
    /// Heartbeats of which the system tells nothing.
    unheard_beats: bool,
    /// Outcomes of others of which the system tells nothing.
    unheard_outcomes: bool,
    /// When those are looked at next.
    next_look: Option<Moment>,
    /// An outcome of somebody else has come: when tasks that others wait for are looked at.
    outcomes_look: Option<Moment>,
    /// Workers of which a folder was removed, and when it is made again.
    removed: BTreeMap<ServiceName, Moment>,
}

impl Places {
    pub(super) fn new(messages: Sender<Message>) -> Self {
        Self {
            messages,
            events: None,
            hall: None,
            followed: BTreeMap::new(),
            remote: BTreeSet::new(),
            beats: BTreeMap::new(),
            unheard: BTreeSet::new(),
            unheard_beats: false,
            unheard_outcomes: false,
            next_look: None,
            outcomes_look: None,
            removed: BTreeMap::new(),
        }
    }

    /// When something is looked at of which the system tells nothing, or a folder is made again.
    pub(super) fn next_look(&self) -> Option<Moment> {
        let looks = [self.next_look.filter(|_| self.needs_looks()), self.outcomes_look];
        looks.into_iter().flatten().chain(self.removed.values().copied()).min()
    }

    fn needs_looks(&self) -> bool {
        let of_others = self.unheard_outcomes && !self.followed.is_empty();
        !self.unheard.is_empty() || of_others || self.unheard_beats && !self.remote.is_empty()
    }

    fn look_soon(&mut self, now: Moment) {
        if self.needs_looks() && self.next_look.is_none_or(|due| due <= now) {
            self.next_look = Some(now + LOOK);
        }
    }

    fn events(&mut self) -> Option<&mut FolderEvents> {
        if self.events.is_none() {
            let messages = self.messages.clone();
            let opened = FolderEvents::open(move |news| {
                // Without the thread nobody needs to know.
                let _ = messages.send(Message::Folder(news));
            });
            match opened {
                Ok(events) => self.events = Some(events),
                Err(why) => log::warn!("task folders are looked at every {} s: no events: {why}", LOOK.as_secs()),
            }
        }
        self.events.as_mut()
    }

    fn watch_queue(&mut self, folders: &TaskFolders, worker: &ServiceName, now: Moment) {
        if self.events().is_some_and(|events| events.watch_queue(folders, worker)) {
            self.unheard.remove(worker);
        } else {
            self.unheard.insert(worker.clone());
            self.look_soon(now);
        }
    }

    /// Watches what waits for a worker that does not work. Its folder is made, so that it can be watched: producers put tasks
    /// there.
    pub(super) fn watch_resting(&mut self, folders: &TaskFolders, worker: &ServiceName) {
        // Where it cannot be made, nothing can wait.
        let _ = std::fs::create_dir_all(folders.queue(worker));
        if let Some(events) = self.events() {
            events.watch_resting(folders, worker);
        }
    }

    /// Nothing of a worker is of interest any more.
    pub(super) fn forget(&mut self, worker: &ServiceName) {
        self.unheard.remove(worker);
        self.removed.remove(worker);
        self.unfollow_beat(worker);
        self.beats.remove(worker);
        self.followed.retain(|(waits, _), _| waits != worker);
        if let Some(events) = &mut self.events {
            events.forget(worker);
        }
    }

    /// Nobody else works for this worker any more.
    fn unfollow_beat(&mut self, worker: &ServiceName) {
        self.remote.remove(worker);
        if let Some(events) = self.events.as_mut().filter(|_| self.remote.is_empty()) {
            events.unfollow_heartbeats();
        }
    }

    /// When the last heartbeat of a worker was written that somebody else works for.
    pub(super) fn beat_of(&self, worker: &ServiceName) -> Option<SystemTime> {
        self.beats.get(worker).copied()
    }

    /// `tasks/*.json`, if it could be opened.
    pub(super) fn hall(&mut self) -> Option<&mut Hall> {
        self.hall.as_mut()
    }

    /// Nobody waits for this task any more.
    pub(super) fn unfollow(&mut self, worker: &ServiceName, id: &TaskId) {
        self.followed.remove(&(worker.clone(), id.clone()));
        if let Some(events) = self.events.as_mut().filter(|_| self.followed.is_empty()) {
            events.unfollow_outcomes();
        }
    }
}

impl Working {
    /// Where the file of a claimed task is.
    pub(super) fn claimed_file(&self, id: &TaskId) -> PathBuf {
        let Some(folder) = &self.folder else { return PathBuf::new() };
        if self.shared.is_some() { folder.leased_path(id) } else { folder.claimed_path(id) }
    }
}

/// Whether a task has no id but the name of its file.
fn is_named_by_file(hall: &mut Hall, file: &str) -> bool {
    let nobody = TaskHome { worker: None, names_description: false };
    let mut id =
        |name: &str| hall.look(file).and_then(|(_, contents)| Some(check(name, contents, nobody).ok()?.head.id));
    id(file) != id("another.json")
}

/// Whose tasks are in the folder of a worker, and what its command can take.
pub(super) fn home_of(spec: &ServiceSpec) -> TaskHome<'_> {
    TaskHome { worker: Some(spec.name.as_str()), names_description: names_description(spec) }
}

/// Whether the description becomes an argument of the command.
pub(super) fn names_description(spec: &ServiceSpec) -> bool {
    match &spec.run {
        RunCommand::Argv(words) => words.iter().any(|word| word.contains("${TASK_DESCRIPTION")),
        RunCommand::Shell(_) => false,
    }
}

impl Desk {
    /// The folders of the group: all of its workers have the same.
    pub(super) fn folders(&self) -> Option<&TaskFolders> {
        let of_working = self.working.values().map(|working| &working.start.spec);
        of_working.chain(&self.group).find_map(|spec| spec.worker.as_ref()).map(|worker| &worker.folders)
    }

    /// The folder of a worker is ours, and nothing of the predecessor runs.
    pub(super) fn own(&mut self, worker: &ServiceName, mut folder: Box<Owned>) {
        let (now, at) = self.means.clock.both();
        let Some(working) = self.working.get_mut(worker) else { return };
        let Some(spec) = working.start.spec.worker.clone() else { return };
        let claims = folder.claims(home_of(&working.start.spec), at, spec.backoff.max);
        let dead = u32::try_from(folder.count_letters(at)).unwrap_or(u32::MAX);
        let beat = task_folder::heartbeat_of(&spec.folders, worker);
        let stats =
            beat.and_then(|bytes| read_heartbeat(worker, &bytes)).map_or(TaskStats::default(), |it| it.beat.stats);
        let claims = match claims {
            Ok(claims) => claims,
            Err(trouble) => {
                folder.release();
                let problem = trouble.to_string().into();
                return self.decide(TaskEvent::Refused { worker: worker.clone(), problem });
            }
        };
        let left = shared::left_at_server(&spec, worker, &claims);
        let shared = left.map_or_else(|| self.share(worker, &mut folder), |problem| Err(problem.into()));
        if let Err(problem) = shared {
            folder.release();
            return self.decide(TaskEvent::Refused { worker: worker.clone(), problem });
        }
        let Some(working) = self.working.get_mut(worker) else { return };
        working.folder = Some(folder);
        self.owned.insert(worker.clone());
        self.places.unfollow_beat(worker);
        self.places.watch_queue(&spec.folders, worker, now);
        self.started(worker);
        self.count_batches(worker, &claims);
        self.decide(TaskEvent::Owned { worker: worker.clone(), stats, dead, claims });
        self.begin_hands(worker, stats);
        if self.places.hall.is_none() {
            self.places.hall = Hall::open(&spec.folders).inspect_err(|trouble| log::warn!("{trouble}")).ok();
            self.list_unrouted();
            self.work_off();
        }
        self.look_for_requests(worker);
    }

    /// All files that wait for a worker. They are told piece by piece; a listing of the same folder that is still under
    /// way is over.
    pub(super) fn list(&mut self, worker: ServiceName) {
        self.listings.retain(|listing| listing.worker != worker);
        let Some(working) = self.working.get_mut(&worker) else { return };
        let (spec, Some(folder)) = (working.start.spec.clone(), working.folder.as_mut()) else { return };
        let head = move |file: &str, contents| check(file, contents, home_of(&spec)).map(|task| task.head);
        match folder.list(head) {
            Ok(files) => {
                // One listing of the results is cheaper than a lookup for each file. A result that arrives later is seen
                // by the claim.
                let ended = folder.ids_with_result().unwrap_or_default();
                self.listings.push_back(UnderWay { worker, files, ended });
            }
            Err(trouble) => {
                log::warn!("{trouble}");
                self.answer(TaskEvent::Listed { worker: Some(worker) });
            }
        }
    }

    /// Takes a piece of the first listing that is under way. False if there is none.
    pub(super) fn read_on(&mut self) -> bool {
        let Some(mut listing) = self.listings.pop_front() else { return false };
        if self.working.get(&listing.worker).is_none_or(|working| working.folder.is_none()) {
            return true;
        }
        match listing.files.next() {
            Some(seen) => {
                self.events.extend(seen.into_iter().map(|seen| {
                    let has_result = seen.found.as_ref().is_ok_and(|head| listing.ended.contains(head.id.as_str()));
                    let (worker, file, stamp, found) = (listing.worker.clone(), seen.file, seen.stamp, seen.found);
                    TaskEvent::Arrived { worker, file, stamp, found, has_result }
                }));
                self.listings.push_front(listing);
            }
            None => self.answer(TaskEvent::Listed { worker: Some(listing.worker) }),
        }
        true
    }

    /// A file that waits for a worker.
    pub(super) fn look(&mut self, worker: ServiceName, file: Arc<str>) {
        let Some(working) = self.working.get_mut(&worker) else { return };
        let (spec, Some(folder)) = (working.start.spec.clone(), working.folder.as_ref()) else { return };
        let event = match folder.look(&file) {
            Some((stamp, contents)) => {
                let found = check(&file, contents, home_of(&spec)).map(|task| task.head);
                let has_result = has_result(working, &found);
                TaskEvent::Arrived { worker, file, stamp, found, has_result }
            }
            None => TaskEvent::Gone { worker: Some(worker), file },
        };
        self.answer(event);
    }

    /// All files of `tasks/*.json`.
    pub(super) fn list_unrouted(&mut self) {
        let nobody = TaskHome { worker: None, names_description: false };
        let Some(folders) = self.folders().cloned() else { return };
        if let Some(hall) = &mut self.places.hall {
            match hall.list(|file, contents| check(file, contents, nobody).map(|task| task.worker)) {
                Ok(seen) => self.events.extend(seen.into_iter().map(|seen| {
                    let has_folder = has_folder(&folders, &seen.found);
                    let (file, stamp, found) = (seen.file, seen.stamp, seen.found);
                    TaskEvent::Unrouted { file, stamp, found, has_folder }
                })),
                Err(trouble) => log::warn!("{trouble}"),
            }
        }
        self.answer(TaskEvent::Listed { worker: None });
    }

    /// A file of `tasks/*.json`.
    pub(super) fn look_unrouted(&mut self, file: Arc<str>) {
        let nobody = TaskHome { worker: None, names_description: false };
        let Some(folders) = self.folders().cloned() else { return };
        let Some(hall) = &mut self.places.hall else { return };
        let event = match hall.look(&file) {
            Some((stamp, contents)) => {
                let found = check(&file, contents, nobody).map(|task| task.worker);
                let has_folder = has_folder(&folders, &found);
                TaskEvent::Unrouted { file, stamp, found, has_folder }
            }
            None => TaskEvent::Gone { worker: None, file },
        };
        self.answer(event);
    }

    /// Moves a file to those that wait for its worker. One that is named by its file alone keeps that name, or it would be
    /// another task.
    pub(super) fn route(&mut self, file: &str, to: &ServiceName) {
        let Some(hall) = &mut self.places.hall else { return };
        let stem = file.strip_suffix(".json").unwrap_or(file);
        let others = (2..).map(|number: u32| format!("{stem}.{number}.json"));
        for name in std::iter::once(file.to_owned()).chain(others) {
            match hall.route(file, to, &name) {
                Ok(Moved::Taken) if is_named_by_file(hall, file) => {
                    let detail = format!("a file of this name is in the folder of {to} already").into();
                    let (reason, id) = (DeadReason::DuplicateTaskId, TaskId::parse(stem));
                    let words = LetterWords { reason, detail, id, retry_count: 0, last_exit_code: None };
                    return self.write(None, Subject::File(file.into()), TaskWrite::Letter(words));
                }
                Ok(Moved::Taken) => {}
                Ok(Moved::Done) => return self.look(to.clone(), name.into()),
                Ok(Moved::Gone) => return,
                Err(trouble) => return log::warn!("{trouble}"),
            }
        }
    }

    /// Claims a task, unless it has a result.
    pub(super) fn claim(&mut self, worker: ServiceName, file: &str, id: TaskId) {
        let Some(working) = self.working.get_mut(&worker) else { return };
        let result = working.claim(file, &id, self.means.clock.both().1);
        self.answer(TaskEvent::Claimed { worker, id, result });
    }

    /// What the folders say of a task that others wait for, now and whenever it changes.
    pub(super) fn follow(&mut self, worker: ServiceName, id: TaskId) {
        let Some(folders) = self.folders().cloned() else { return };
        let now = self.now();
        if self.places.followed.is_empty() {
            self.watch_others(&folders);
        }
        let state = task_folder::dependency(&folders, &worker, &id);
        self.places.followed.insert((worker.clone(), id.clone()), state);
        self.places.look_soon(now);
        self.answer(TaskEvent::Outside { worker, id, state });
    }

    /// Watches the results of workers that this group does not run.
    fn watch_others(&mut self, folders: &TaskFolders) {
        // What is to be watched has to be there.
        for above in [&folders.results, &folders.dlq] {
            if let Err(error) = std::fs::create_dir_all(above) {
                log::warn!("cannot make {}: {error}", above.display());
            }
        }
        let mut is_heard = self.places.events().is_some_and(|events| events.watch_all_outcomes(folders));
        // Watch first, then list: a folder that is made in between is reported, listed, or both.
        let is_ours = |other: &ServiceName| self.working.get(other).is_some_and(|working| working.folder.is_some());
        let others: Vec<ServiceName> =
            task_folder::workers_with_folders(folders).into_iter().filter(|other| !is_ours(other)).collect();
        if let Some(events) = self.places.events() {
            is_heard = others.iter().fold(is_heard, |all, other| events.watch_outcomes(folders, other) && all);
        }
        self.places.unheard_outcomes = !is_heard;
    }

    /// Others may work for a worker from now on, while tasks of ours wait for theirs.
    pub(super) fn given_up(&mut self) {
        if let Some(folders) = self.folders().cloned().filter(|_| !self.places.followed.is_empty()) {
            self.watch_others(&folders);
        }
    }

    /// The heartbeat of a worker that somebody else works for, now and whenever it changes.
    pub(super) fn follow_beat(&mut self, worker: ServiceName) {
        let Some(folders) = self.folders().cloned() else { return };
        let now = self.now();
        // It is looked for in a folder that nobody may have made yet.
        if let Err(error) = std::fs::create_dir_all(&folders.heartbeats) {
            log::warn!("cannot make {}: {error}", folders.heartbeats.display());
        }
        self.places.unheard_beats = !self.places.events().is_some_and(|events| events.watch_heartbeats(&folders));
        self.places.remote.insert(worker.clone());
        self.places.look_soon(now);
        self.see_beat(worker);
    }

    fn see_beat(&mut self, worker: ServiceName) {
        let Some(folders) = self.folders() else { return };
        let read = task_folder::heartbeat_of(folders, &worker).and_then(|bytes| read_heartbeat(&worker, &bytes));
        let count = u32::try_from(task_folder::count_letters(folders, &worker)).unwrap_or(u32::MAX);
        let (_, wall) = self.means.clock.both();
        // Without a time it is as old as can be.
        let age = |at: Option<SystemTime>| at.map_or(Duration::MAX, |at| wall.duration_since(at).unwrap_or_default());
        if let Some(at) = read.as_ref().and_then(|read| read.at) {
            self.places.beats.insert(worker.clone(), at);
        }
        let beat = read.map(|read| (read.beat, age(read.at)));
        self.answer(TaskEvent::Beat { worker: worker.clone(), beat });
        if self.engine.snapshot(&worker).is_some_and(|snapshot| snapshot.dead != count) {
            self.answer(TaskEvent::DeadLetters { worker, count });
        }
    }

    /// The system has told something.
    pub(super) fn folder_news(&mut self, news: FolderNews) {
        let now = self.now();
        match news {
            FolderNews::Seen(Some(worker), _) | FolderNews::Gone(Some(worker), _) | FolderNews::Moved(worker)
                if self.resting.stir(&worker, now) => {}
            FolderNews::Letter(worker) => {
                self.resting.stir(&worker, now);
                if !self.places.followed.is_empty() {
                    self.outcome_elsewhere(&worker);
                }
            }
            FolderNews::Seen(Some(worker), file) => self.look(worker, file),
            FolderNews::Seen(None, file) => self.look_unrouted(file),
            FolderNews::Gone(worker, file) => self.answer(TaskEvent::Gone { worker, file }),
            FolderNews::Request(worker) => self.look_for_requests(&worker),
            FolderNews::Heartbeat(worker) => {
                if self.places.remote.contains(&worker) {
                    self.see_beat(worker);
                }
            }
            FolderNews::Outcome(other) => self.outcome_elsewhere(&other),
            FolderNews::Moved(worker) => {
                if self.working.contains_key(&worker) {
                    let again = now + REMOVED;
                    self.places.removed.insert(worker, again);
                }
            }
            FolderNews::Lost => {
                self.look_at_all(true);
                self.resting.stir_all(now);
            }
        }
        self.work_off();
    }

    /// Looks at everything of which the system tells nothing, and makes folders again.
    pub(super) fn look_around(&mut self, now: Moment) {
        let mut due = Vec::new();
        self.places.removed.retain(|worker, again| {
            let is_due = *again <= now;
            due.extend(is_due.then(|| worker.clone()));
            !is_due
        });
        due.iter().for_each(|worker| self.moved(worker));
        if self.places.outcomes_look.is_some_and(|due| due <= now) {
            self.places.outcomes_look = None;
            self.see_followed();
        }
        if self.places.next_look.is_none_or(|due| due <= now) {
            self.places.next_look = Some(now + LOOK);
            self.look_at_all(false);
        }
        self.work_off();
    }

    /// `lost`: at everything.
    fn look_at_all(&mut self, lost: bool) {
        let owned = self.working.iter().filter(|(_, working)| working.folder.is_some());
        let names: Vec<ServiceName> = owned.map(|(name, _)| name.clone()).collect();
        let unheard = names.iter().filter(|name| lost || self.places.unheard.contains(*name)).cloned();
        let unheard: Vec<ServiceName> = unheard.collect();
        for worker in &unheard {
            self.moved(worker);
            self.answer(TaskEvent::ListAgain { worker: Some(worker.clone()) });
            self.look_for_requests(worker);
        }
        if !unheard.is_empty() {
            self.answer(TaskEvent::ListAgain { worker: None });
        }
        if lost {
            self.given_up();
        }
        for worker in self.places.remote.clone() {
            if lost || self.places.unheard_beats {
                self.see_beat(worker);
            }
        }
        self.see_followed();
    }

    /// A result or a dead letter of somebody else has come, and more may come with it.
    fn outcome_elsewhere(&mut self, other: &ServiceName) {
        let Some(folders) = self.folders().cloned() else { return };
        if let Some(events) = self.places.events() {
            events.watch_outcomes(&folders, other);
        }
        let soon = self.now() + SOON;
        self.places.outcomes_look.get_or_insert(soon);
    }

    fn see_followed(&mut self) {
        let Some(folders) = self.folders().cloned() else { return };
        let mut news = Vec::new();
        for ((worker, id), known) in &mut self.places.followed {
            let state = task_folder::dependency(&folders, worker, id);
            if std::mem::replace(known, state) != state {
                news.push(TaskEvent::Outside { worker: worker.clone(), id: id.clone(), state });
            }
        }
        news.into_iter().for_each(|event| self.answer(event));
    }

    /// A folder of a worker was removed or replaced: goes on with the one that is there now.
    fn moved(&mut self, worker: &ServiceName) {
        let now = self.now();
        let Some(working) = self.working.get_mut(worker) else { return };
        let (Some(folder), Some(spec)) = (working.folder.as_mut(), working.start.spec.worker.clone()) else { return };
        match folder.renew() {
            Ok(Renewed::Same) => self.places.watch_queue(&spec.folders, worker, now),
            Ok(Renewed::Another) => {
                log::warn!("{worker}: its folder was removed or replaced");
                self.places.watch_queue(&spec.folders, worker, now);
                self.answer(TaskEvent::ListAgain { worker: Some(worker.clone()) });
            }
            Ok(Renewed::Lost(owner)) => {
                working.fault = Some(format!("its folder was replaced, and belongs to {} now", owner.group).into());
                self.stop(worker.clone(), true);
            }
            Err(trouble) => {
                log::warn!("{worker}: {trouble}");
                self.places.unheard.insert(worker.clone());
                self.places.look_soon(now);
            }
        }
    }
}

impl Working {
    fn claim(&mut self, file: &str, id: &TaskId, now: SystemTime) -> ClaimResult {
        let longest = self.start.spec.worker.as_ref().map(|spec| spec.backoff.max).unwrap_or_default();
        let Some(folder) = self.folder.as_mut() else { return ClaimResult::Lost };
        let (contents, tries) = match folder.claim(file, id) {
            Ok(Claim::Claimed { contents, tries, .. }) => (contents, tries),
            Ok(Claim::HasResult) => return ClaimResult::HasResult,
            Ok(Claim::Lost) => return ClaimResult::Lost,
            Ok(Claim::Taken) => return ClaimResult::Exists,
            Err(trouble) => return ClaimResult::Failed(trouble.to_string().into()),
        };
        let tries =
            tries.and_then(|bytes| crate::domain::task::read_tries(&bytes, now, longest)).map(|read| read.tries);
        if let Contents::Bytes(bytes) = &contents {
            self.claimed.insert(id.clone(), bytes.as_slice().into());
        }
        // By the name that it had: it may be the only one to tell the id.
        let found = check(file, contents, home_of(&self.start.spec)).map(|task| task.head);
        ClaimResult::Taken { found, tries }
    }
}

fn has_result<E>(working: &mut Working, found: &Result<TaskHead, E>) -> bool {
    let Some(folder) = working.folder.as_mut() else { return false };
    // Where that cannot be seen, the claim will say so.
    found.as_ref().is_ok_and(|head| folder.has_result(&head.id).unwrap_or(false))
}

fn has_folder<E>(folders: &TaskFolders, found: &Result<Option<Arc<str>>, E>) -> bool {
    let named = found.as_ref().ok().and_then(|worker| worker.as_deref());
    named.is_some_and(|worker| task_folder::has_queue(folders, worker))
}
