//! Files of a worker's folder: whole or not, good or not, new or not.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::task::TaskEnd;
use crate::domain::{DeadReason, FileStamp, Moment, TaskHead, TaskId, TaskNews, TaskRefusal};

use super::effect::{LetterWords, TaskEffect, TaskWrite};
use super::event::{Subject, WriteResult};
use super::queue::Queued;
use super::timers::Timer;
use super::turn::Turn;
use super::work::{Work, WorkPhase};

/// A file that does not parse is whole when it has been the same for so long.
pub(super) const WHOLE_AFTER: Duration = Duration::from_secs(2);

/// A file that becomes a dead letter without having been claimed.
#[derive(Debug)]
pub(super) struct Burial {
    words: LetterWords,
    batch: Option<Arc<str>>,
    /// It is the task of its id that is dead, and not a second file of that id.
    is_the_task: bool,
    /// It is buried, and where: the trigger is next.
    letter: Option<Option<Arc<str>>>,
    /// A file of this name was told of meanwhile: an old one, or a new one.
    came_again: bool,
}

/// How long a file has been what it is: since when, and whether that is long enough.
pub(super) fn seen_unfinished(before: Option<(FileStamp, Moment)>, stamp: FileStamp, now: Moment) -> (Moment, bool) {
    match before {
        Some((same, since)) if same == stamp => (since, now.since(since) >= WHOLE_AFTER),
        _ => (now, false),
    }
}

impl Work {
    /// A file is there, and this is in it.
    pub(super) fn arrived(
        &mut self,
        file: Arc<str>,
        stamp: FileStamp,
        found: Result<TaskHead, TaskRefusal>,
        has_result: bool,
        turn: &mut Turn<'_>,
    ) {
        if self.phase != WorkPhase::Working {
            return;
        }
        if let Some(burial) = self.burials.get_mut(&file) {
            burial.came_again = true;
            return;
        }
        let head = match found {
            Ok(head) => head,
            Err(refusal) if refusal.reason == DeadReason::InvalidJson => {
                self.unqueue_file(&file, turn);
                self.may_be_unfinished(file, stamp, refusal, turn);
                return;
            }
            Err(refusal) => {
                self.unqueue_file(&file, turn);
                self.bury_refused(file, refusal, turn);
                return;
            }
        };
        self.is_whole(&file);
        if has_result {
            self.unqueue_file(&file, turn);
            let id = &head.id;
            let detail =
                format!("{id} has a result already: drop {id}, then retry this letter by the name of its file");
            self.bury_duplicate(file, head.id, &detail, turn);
        } else {
            self.good_file(file, stamp, head, turn);
        }
    }

    fn good_file(&mut self, file: Arc<str>, stamp: FileStamp, head: TaskHead, turn: &mut Turn<'_>) {
        let mut arrival = None;
        match self.queue.of_file(&file) {
            Some(id) if id == head.id => {
                self.queue.is_there(&id);
                match self.queue.get(&id) {
                    Some(task) if task.is_the_same(&head) => return,
                    task => arrival = task.map(Queued::arrival),
                }
                self.unqueue(&id, turn);
            }
            Some(other) => self.unqueue(&other, turn),
            None => {}
        }
        if self.has_file(&head.id, &file) && self.is_claiming(&head.id) {
            // It could not be moved, and is tried again.
            return;
        }
        if self.has_live(&head.id) {
            self.suspect(file, &head.id, turn);
            return;
        }
        self.suspects.remove(&file);
        let arrival = arrival.unwrap_or_else(|| self.queue.arrival(stamp, self.is_listing));
        self.enqueue(&head, &file, arrival, turn);
    }

    /// A second file with an id that waits or runs. What is known of the first one may be old: it may just have been
    /// renamed. So both are looked at, and if the second one comes again, it is what it seems.
    fn suspect(&mut self, file: Arc<str>, id: &TaskId, turn: &mut Turn<'_>) {
        if self.suspects.remove(&file) {
            let detail = format!("{id} is already waiting or running");
            self.bury_duplicate(file, id.clone(), &detail, turn);
            return;
        }
        self.suspects.insert(file.clone());
        let worker = Some(self.name.clone());
        if let Some(first) = self.queue.get(id) {
            turn.emit(TaskEffect::LookAgain { worker: worker.clone(), file: first.file(id) });
        }
        turn.emit(TaskEffect::LookAgain { worker, file });
    }

    /// Puts a task into the queue. Each of its dependencies counts as unmet until somebody says something else.
    fn enqueue(&mut self, head: &TaskHead, file: &Arc<str>, arrival: u64, turn: &mut Turn<'_>) {
        if head.dependencies.contains(&head.id) {
            self.bury_circle(head.id.clone(), file.clone(), head.batch.clone(), &format!("{0} → {0}", head.id), turn);
            return;
        }
        let unmet = u32::try_from(head.dependencies.len()).unwrap_or(u32::MAX);
        self.queue.insert(head, file, arrival, unmet);
        turn.batches.appear(&self.name, head.id.as_str(), head.batch.as_ref());
        turn.aggregate |= head.batch.is_some();
        for on in &head.dependencies {
            let follow = turn.waits.add(&self.name, &head.id, on, self.has_open(on));
            turn.effects.extend(follow);
        }
        if unmet > 0 {
            turn.blocked.push((self.name.clone(), head.id.clone()));
        }
    }

    /// Takes a task out of the queue: it is claimed, or dies.
    pub(super) fn take(&mut self, id: &TaskId, turn: &mut Turn<'_>) -> Option<Queued> {
        let task = self.queue.remove(id)?;
        for on in task.dependencies() {
            let unfollow = turn.waits.remove(&self.name, id, on);
            turn.effects.extend(unfollow);
        }
        Some(task)
    }

    /// Takes a task out of the queue that is gone without an end.
    fn unqueue(&mut self, id: &TaskId, turn: &mut Turn<'_>) {
        if let Some(task) = self.take(id, turn) {
            turn.batches.vanish(task.batch(), 1);
            turn.aggregate |= task.batch().is_some();
            let follow = turn.waits.lost(&self.name, id);
            turn.effects.extend(follow);
        }
    }

    fn unqueue_file(&mut self, file: &str, turn: &mut Turn<'_>) {
        if let Some(id) = self.queue.of_file(file) {
            self.unqueue(&id, turn);
        }
    }

    /// A file is gone.
    pub(super) fn gone(&mut self, file: &Arc<str>, turn: &mut Turn<'_>) {
        self.is_whole(file);
        self.suspects.remove(file);
        self.unqueue_file(file, turn);
        let stuck = self.trouble.stuck.iter().find_map(|subject| match subject {
            Subject::Task(id) if self.is_claiming(id) => Some(id).filter(|id| self.has_file(id, file)),
            _ => None,
        });
        if let Some(id) = stuck.cloned() {
            // It could not be moved, and now never will be.
            self.outstanding.remove(&Subject::Task(id.clone()));
            self.forget_claim(&id, "its file is gone", turn);
            self.write_worked(&Subject::Task(id), turn);
        }
    }

    fn has_file(&self, id: &TaskId, file: &Arc<str>) -> bool {
        self.claims.get(id).is_some_and(|claim| claim.file == *file)
    }

    /// A listing is complete.
    pub(super) fn listed(&mut self, turn: &mut Turn<'_>) {
        for id in self.queue.unseen() {
            self.unqueue(&id, turn);
        }
        self.is_listing = false;
        self.is_listed = true;
    }

    fn is_whole(&mut self, file: &Arc<str>) {
        if self.unfinished.remove(file).is_some() {
            self.timers.clear(&Timer::File(file.clone()));
        }
    }

    fn may_be_unfinished(&mut self, file: Arc<str>, stamp: FileStamp, refusal: TaskRefusal, turn: &mut Turn<'_>) {
        let (since, is_whole) = seen_unfinished(self.unfinished.get(&file).copied(), stamp, turn.now);
        if is_whole {
            self.bury_refused(file, refusal, turn);
        } else {
            self.timers.set(Timer::File(file.clone()), since + WHOLE_AFTER);
            self.unfinished.insert(file, (stamp, since));
        }
    }

    fn bury_refused(&mut self, file: Arc<str>, refusal: TaskRefusal, turn: &mut Turn<'_>) {
        let is_the_task = refusal.id.as_ref().is_some_and(|id| !self.has_live(id));
        // What is refused without an id counts by the name of its file.
        let batch = refusal.batch.filter(|_| is_the_task || refusal.id.is_none());
        let words = letter(refusal.reason, refusal.detail.as_str(), refusal.id);
        turn.batches.appear(&self.name, &name_of(&words, &file), batch.as_ref());
        self.bury(file, Burial { words, batch, is_the_task, letter: None, came_again: false }, turn);
    }

    pub(super) fn bury_duplicate(&mut self, file: Arc<str>, id: TaskId, detail: &str, turn: &mut Turn<'_>) {
        let words = letter(DeadReason::DuplicateTaskId, detail, Some(id));
        self.bury(file, Burial { words, batch: None, is_the_task: false, letter: None, came_again: false }, turn);
    }

    fn bury_circle(&mut self, id: TaskId, file: Arc<str>, batch: Option<Arc<str>>, path: &str, turn: &mut Turn<'_>) {
        turn.batches.appear(&self.name, id.as_str(), batch.as_ref());
        let words = letter(DeadReason::DependencyCycle, path, Some(id));
        self.bury(file, Burial { words, batch, is_the_task: true, letter: None, came_again: false }, turn);
    }

    /// A waiting task dies of its dependencies.
    pub(super) fn bury_waiting(&mut self, id: &TaskId, reason: DeadReason, detail: &str, turn: &mut Turn<'_>) {
        let Some(task) = self.take(id, turn) else { return };
        let words = letter(reason, detail, Some(id.clone()));
        let burial = Burial { words, batch: task.batch().cloned(), is_the_task: true, letter: None, came_again: false };
        self.bury(task.file(id), burial, turn);
    }

    fn bury(&mut self, file: Arc<str>, burial: Burial, turn: &mut Turn<'_>) {
        self.is_whole(&file);
        self.suspects.remove(&file);
        self.burials.insert(file.clone(), burial);
        self.write_burial(&file, turn);
    }

    /// The next write of a burial.
    pub(super) fn write_burial(&mut self, file: &Arc<str>, turn: &mut Turn<'_>) {
        let subject = Subject::File(file.clone());
        let Some(burial) = self.burials.get(file) else { return };
        if !self.outstanding.insert(subject.clone()) {
            return;
        }
        let trigger = burial.letter.clone().zip(burial.words.id.clone());
        let write = match trigger {
            None => TaskWrite::Letter(burial.words.clone()),
            Some((letter, id)) => TaskWrite::Trigger {
                id,
                end: TaskEnd::Dead,
                exit_code: None,
                retry_count: 0,
                has_result: false,
                letter,
                batch: burial.batch.clone(),
            },
        };
        turn.emit(TaskEffect::Write { worker: Some(self.name.clone()), subject, write });
    }

    /// What came of a write of a burial.
    pub(super) fn burial_written(&mut self, file: &Arc<str>, result: WriteResult, turn: &mut Turn<'_>) {
        let subject = Subject::File(file.clone());
        let Some(burial) = self.burials.get_mut(file) else { return };
        let path = match result {
            WriteResult::Failed(problem) => {
                if matches!(self.phase, WorkPhase::Stopping { .. }) {
                    let left = self.burials.remove(file).filter(|burial| burial.letter.is_none());
                    left.into_iter().for_each(|burial| self.park(burial.batch));
                } else {
                    self.write_failed(subject, problem, turn);
                }
                return;
            }
            WriteResult::Missing if burial.letter.is_none() => {
                // Somebody was faster: nothing is dead.
                turn.batches.vanish(burial.batch.as_ref(), 1);
                let waited_for = burial.words.id.clone().filter(|_| burial.is_the_task);
                let follow = waited_for.and_then(|id| turn.waits.lost(&self.name, &id));
                turn.effects.extend(follow);
                self.end_burial(file, turn);
                self.write_worked(&subject, turn);
                return;
            }
            WriteResult::Done(path) => path,
            WriteResult::Existed | WriteResult::Missing => None,
        };
        let is_over = burial.letter.is_some() || !burial.is_the_task;
        if burial.letter.is_none() {
            burial.letter = Some(path);
            let words = burial.words.clone();
            self.dead += 1;
            self.stats.dead += 1;
            let name = words.id.as_ref().map_or_else(|| file.clone(), TaskId::shared);
            let batch_done = turn.batches.end(&self.name, &name_of(&words, file), burial.batch.as_ref(), false);
            let (reason, detail) = (words.reason, words.detail);
            turn.tell(&self.name, TaskNews::Dead { name, reason, detail, status: None, took: None });
            batch_done.into_iter().for_each(|news| turn.tell(&self.name, news));
            turn.aggregate = true;
            if let (true, Some(id)) = (burial.is_the_task, &words.id) {
                turn.task_ended(&self.name, id, false);
            }
        }
        if is_over {
            self.end_burial(file, turn);
        } else {
            self.write_burial(file, turn);
        }
        self.write_worked(&subject, turn);
    }

    fn end_burial(&mut self, file: &Arc<str>, turn: &mut Turn<'_>) {
        let burial = self.burials.remove(file);
        if burial.is_some_and(|burial| burial.came_again) && self.phase == WorkPhase::Working {
            turn.emit(TaskEffect::LookAgain { worker: Some(self.name.clone()), file: file.clone() });
        }
    }
}

/// What a dead task counts by.
fn name_of(words: &LetterWords, file: &str) -> Arc<str> {
    let of_file = || file.strip_suffix(".json").unwrap_or(file).into();
    words.id.as_ref().map_or_else(of_file, TaskId::shared)
}

fn letter(reason: DeadReason, detail: &str, id: Option<TaskId>) -> LetterWords {
    LetterWords { reason, detail: detail.into(), id, retry_count: 0, last_exit_code: None }
}
