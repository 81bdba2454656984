//! What is written of claimed tasks, in the order that a crash cannot confuse; and what a predecessor has left.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::task::TaskEnd;
use crate::domain::{
    DeadReason, FoundClaim, LastTry, Moment, Priority, TaskHead, TaskId, TaskNews, TaskStatus, TriesNote,
};

use super::claim::{Claim, ClaimState, Ending, Outcome, Step};
use super::effect::{LetterWords, ResultOutcome, TaskEffect, TaskWrite};
use super::event::{Subject, WriteResult};
use super::queue::{Place, nanoseconds};
use super::timers::Timer;
use super::tries::interrupted;
use super::turn::Turn;
use super::work::{Work, WorkPhase};

impl Claim {
    pub(super) fn new(head: TaskHead, file: Arc<str>, place: Place, state: ClaimState) -> Self {
        let (retry_count, last, took, cancel) = (0, None, Duration::ZERO, None);
        Self { head, file, place, retry_count, last, took, cancel, state }
    }

    /// How long its last try took; `None` where a predecessor was in the middle of it.
    pub(super) fn known_took(&self) -> Option<Duration> {
        Some(self.took).filter(|took| !took.is_zero())
    }

    fn exit_code(&self) -> Option<i32> {
        self.last.as_ref().and_then(|last| last.exit_code)
    }

    fn note(&self, running: bool, wait: Duration) -> TaskWrite {
        let (file, last) = (self.file.clone(), self.last.clone());
        TaskWrite::Tries(TriesNote { file, retry_count: self.retry_count, running, published: false, wait, last })
    }

    /// The note of a task that is about to be published.
    fn note_published(&self) -> TaskWrite {
        let (file, last, wait) = (self.file.clone(), self.last.clone(), Duration::ZERO);
        TaskWrite::Tries(TriesNote { file, retry_count: self.retry_count, running: false, published: true, wait, last })
    }

    fn outcome(&self, status: TaskStatus) -> ResultOutcome {
        ResultOutcome {
            status,
            exit_code: self.exit_code(),
            retry_count: self.retry_count,
            took: self.took,
            batch: self.head.batch.clone(),
        }
    }

    /// What is to be written of it now.
    fn next_write(&self, is_shared: bool, now: Moment) -> Option<TaskWrite> {
        Some(match &self.state {
            ClaimState::Receipt => {
                TaskWrite::Receipt { number: self.retry_count.saturating_add(1), batch: self.head.batch.clone() }
            }
            ClaimState::Noting if is_shared => self.note_published(),
            ClaimState::Noting => self.note(true, Duration::ZERO),
            ClaimState::NotingRest { until } => self.note(false, until.since(now)),
            ClaimState::GivingBack => TaskWrite::GiveBack { file: self.file.clone(), keep_tries: self.retry_count > 0 },
            ClaimState::Ending(ending) => self.step(ending),
            ClaimState::Claiming
            | ClaimState::Running(_)
            | ClaimState::Resting
            | ClaimState::Ready
            | ClaimState::Away(_) => return None,
        })
    }

    fn step(&self, ending: &Ending) -> TaskWrite {
        match (ending.step, &ending.outcome) {
            (Step::Result, outcome) => TaskWrite::Result(self.outcome(outcome.status())),
            (Step::Letter, _) => TaskWrite::Letter(self.letter()),
            (Step::Trigger, outcome) => TaskWrite::Trigger {
                end: TaskEnd::Status(outcome.status()),
                exit_code: self.exit_code(),
                retry_count: self.retry_count,
                letter: ending.letter.clone(),
                batch: self.head.batch.clone(),
            },
            (Step::Removal, _) => TaskWrite::Removal,
        }
    }

    fn letter(&self) -> LetterWords {
        let reason = DeadReason::MaxRetriesExceeded;
        let detail = self.last.as_ref().map_or_else(|| "".into(), |last| last.why.clone());
        let (id, last_exit_code) = (Some(self.head.id.clone()), self.exit_code());
        LetterWords { reason, detail, id, retry_count: self.retry_count, last_exit_code }
    }
}

impl Work {
    /// Asks for the next write, or for the move, of a claimed task.
    pub(super) fn write(&mut self, id: &TaskId, turn: &mut Turn<'_>) {
        let Some(claim) = self.claims.get(id) else { return };
        let worker = self.name.clone();
        let effect = match (&claim.state, claim.next_write(self.is_shared(), turn.now)) {
            (ClaimState::Claiming, _) => TaskEffect::Claim { worker, file: claim.file.clone(), id: id.clone() },
            (_, Some(write)) => TaskEffect::Write { worker: Some(worker), subject: Subject::Task(id.clone()), write },
            (_, None) => return,
        };
        if self.outstanding.insert(Subject::Task(id.clone())) {
            turn.emit(effect);
        }
    }

    /// A claimed task has ended: what came of it is written.
    pub(super) fn end_task(&mut self, id: &TaskId, outcome: Outcome, turn: &mut Turn<'_>) {
        self.timers.clear(&Timer::Task(id.clone()));
        let ending = Ending { outcome, step: Step::Result, letter: None };
        self.claims.enter(id, ClaimState::Ending(ending));
        self.write(id, turn);
    }

    /// What came of a write about a claimed task.
    pub(super) fn task_written(&mut self, id: &TaskId, result: WriteResult, turn: &mut Turn<'_>) {
        if let WriteResult::Failed(problem) = result {
            self.task_stuck(id, problem, turn);
            return;
        }
        let Some(claim) = self.claims.get_mut(id) else { return };
        if result == WriteResult::Missing && claim.state.can_be_lost() {
            self.forget_claim(id, "somebody else has it now", turn);
            return self.write_worked(&Subject::Task(id.clone()), turn);
        }
        match &mut claim.state {
            ClaimState::Receipt if claim.retry_count > 0 => {
                self.claims.enter(id, ClaimState::Noting);
                self.go_on(id, turn);
            }
            // The breaker has opened since it was claimed: it was not tried, and does not count.
            ClaimState::Receipt if self.circuit.is_open() => self.give_back(id, turn),
            ClaimState::Noting if self.circuit.is_open() => {
                self.claims.enter(id, ClaimState::NotingRest { until: turn.now });
                self.write(id, turn);
            }
            ClaimState::Receipt | ClaimState::Noting => {
                if claim.cancel.is_some() || self.phase != WorkPhase::Working {
                    self.go_on(id, turn);
                } else {
                    self.begin_try(id, turn);
                }
            }
            ClaimState::NotingRest { until } => {
                let until = *until;
                if claim.cancel.is_some() {
                    self.end_task(id, Outcome::Cancelled, turn);
                } else if until <= turn.now {
                    self.line_up(id);
                } else {
                    self.claims.enter(id, ClaimState::Resting);
                    self.timers.set(Timer::Task(id.clone()), until);
                }
            }
            ClaimState::GivingBack => self.given_back(id, turn),
            ClaimState::Ending(_) => self.step_done(id, result, turn),
            ClaimState::Claiming
            | ClaimState::Running(_)
            | ClaimState::Resting
            | ClaimState::Ready
            | ClaimState::Away(_) => {}
        }
        self.write_worked(&Subject::Task(id.clone()), turn);
    }

    /// A write about a claimed task has failed. One who stops leaves it as it is: its next owner goes on with it.
    fn task_stuck(&mut self, id: &TaskId, problem: Arc<str>, turn: &mut Turn<'_>) {
        let Some(claim) = self.claims.get(id) else { return };
        let result = match &claim.state {
            ClaimState::Ending(Ending { step: Step::Result, outcome, .. }) => Some(outcome.status()),
            _ => None,
        };
        let is_new = !self.trouble.stuck.contains(&Subject::Task(id.clone()));
        let outcome = result.filter(|_| is_new).map(|status| claim.outcome(status));
        self.answer_cancel(id, &problem, turn);
        if let Some(outcome) = outcome {
            turn.emit(TaskEffect::Keep { worker: self.name.clone(), id: id.clone(), outcome });
        }
        if matches!(self.phase, WorkPhase::Stopping { .. }) {
            self.leave_claim(id, turn);
        } else {
            self.write_failed(Subject::Task(id.clone()), problem, turn);
        }
    }

    /// One who stops leaves a claim as it is. What has not ended waits while nobody works.
    pub(super) fn leave_claim(&mut self, id: &TaskId, turn: &mut Turn<'_>) {
        self.answer_cancel(id, "the worker stops", turn);
        if let Some(claim) = self.drop_claim(id, turn).filter(|claim| !claim.state.is_settled()) {
            self.park(claim.head.batch);
        }
    }

    fn given_back(&mut self, id: &TaskId, turn: &mut Turn<'_>) {
        let Some(claim) = self.drop_claim(id, turn) else { return };
        turn.tell(&self.name, TaskNews::GivenBack { id: id.clone() });
        if self.phase == WorkPhase::Working {
            turn.batches.vanish(claim.head.batch.as_ref(), 1);
            let follow = turn.waits.lost(&self.name, id);
            turn.effects.extend(follow);
            turn.emit(TaskEffect::LookAgain { worker: Some(self.name.clone()), file: claim.file });
        } else {
            // It waits while nobody works.
            self.park(claim.head.batch);
        }
    }

    fn step_done(&mut self, id: &TaskId, result: WriteResult, turn: &mut Turn<'_>) {
        let Some(claim) = self.claims.get_mut(id) else { return };
        let ClaimState::Ending(ending) = &mut claim.state else { return };
        let (step, outcome) = (ending.step, ending.outcome);
        let is_new = !matches!(result, WriteResult::Existed);
        if let (Step::Letter, WriteResult::Done(path)) = (step, result) {
            ending.letter = path;
        }
        let next = outcome.step_after(step);
        if let Some(next) = next {
            ending.step = next;
        }
        match step {
            Step::Result => self.has_ended(id, outcome, turn),
            Step::Letter => self.is_buried(id, is_new, turn),
            Step::Trigger | Step::Removal => {}
        }
        match next {
            Some(_) => self.write(id, turn),
            None => drop(self.drop_claim(id, turn)),
        }
    }

    /// The result of a task is there.
    fn has_ended(&mut self, id: &TaskId, outcome: Outcome, turn: &mut Turn<'_>) {
        let Some(claim) = self.claims.get_mut(id) else { return };
        let completed = outcome == Outcome::Completed;
        let batch_done = turn.batches.end(&self.name, id.as_str(), claim.head.batch.as_ref(), completed);
        turn.answer(claim.cancel.take().unwrap_or_default(), Ok(()));
        turn.task_ended(&self.name, id, completed);
        if completed {
            self.stats.processed += 1;
            turn.tell(&self.name, TaskNews::Completed { id: id.clone(), took: claim.took });
        } else if outcome == Outcome::Cancelled {
            turn.tell(&self.name, TaskNews::Cancelled { id: id.clone() });
        }
        if let Some(news) = batch_done {
            turn.tell(&self.name, news);
        }
    }

    /// The dead letter of a task is there.
    fn is_buried(&mut self, id: &TaskId, is_new: bool, turn: &mut Turn<'_>) {
        let Some(claim) = self.claims.get(id) else { return };
        let (words, took) = (claim.letter(), claim.known_took());
        let status = match &claim.state {
            ClaimState::Ending(ending) => Some(ending.outcome.status()),
            _ => None,
        };
        if is_new {
            self.dead += 1;
            self.stats.dead += 1;
        }
        let (name, reason, detail) = (id.shared(), words.reason, words.detail);
        turn.tell(&self.name, TaskNews::Dead { name, reason, detail, status, took });
        turn.aggregate = true;
    }

    /// A claim of the predecessor.
    pub(super) fn found(&mut self, found: FoundClaim, turn: &mut Turn<'_>) {
        let FoundClaim { id, file, stamp, found, tries, result, kept, letter } = found;
        let is_task = found.as_ref().is_ok_and(|head| head.id == id);
        let head = found.unwrap_or_else(|_| TaskHead {
            id: id.clone(),
            priority: Priority::Normal,
            dependencies: Box::default(),
            timeout: None,
            batch: None,
        });
        let place = Place::new(head.priority, nanoseconds(stamp), id.clone());
        let batch = head.batch.clone();
        let mut claim = Claim::new(TaskHead { id: id.clone(), ..head }, file, place, ClaimState::Receipt);
        claim.last = kept.clone().or_else(|| tries.as_ref().and_then(|tries| tries.last.clone()));
        claim.retry_count = tries.as_ref().map_or(0, |tries| tries.retry_count);
        self.claims.insert(claim);
        turn.batches.appear(&self.name, id.as_str(), batch.as_ref());
        let left = result.map(|status| (status, true)).or_else(|| kept.map(|LastTry { status, .. }| (status, false)));
        if let Some((status, is_published)) = left {
            self.finish(&id, status, is_published, letter, turn);
        } else if !is_task {
            // It was written to while it was claimed.
            self.give_back(&id, turn);
        } else {
            match tries {
                // It was published, or was about to be: that it may be there already is the server's to find out.
                Some(tries) if tries.published => self.publish(&id, turn),
                None if self.is_shared() => {
                    self.claims.enter(&id, ClaimState::Noting);
                    self.write(&id, turn);
                }
                Some(tries) if !tries.running && tries.left.is_zero() => self.line_up(&id),
                Some(tries) if !tries.running => {
                    let until = turn.now + tries.left;
                    self.claims.enter(&id, ClaimState::Resting);
                    self.timers.set(Timer::Task(id), until);
                }
                _ => self.try_failed(&id, interrupted(), turn),
            }
        }
    }

    /// A task of the predecessor that has ended: what is missing is written.
    fn finish(
        &mut self,
        id: &TaskId,
        status: TaskStatus,
        is_published: bool,
        letter: Option<Arc<str>>,
        turn: &mut Turn<'_>,
    ) {
        let outcome = match status {
            TaskStatus::Completed => Outcome::Completed,
            TaskStatus::Cancelled => Outcome::Cancelled,
            TaskStatus::Failed | TaskStatus::Timeout => Outcome::Exhausted(status),
        };
        let step = match (is_published, &outcome, &letter) {
            (false, ..) => Step::Result,
            (true, Outcome::Exhausted(_), None) => Step::Letter,
            (true, ..) => Step::Trigger,
        };
        let ending = Ending { outcome, step, letter };
        self.claims.enter(id, ClaimState::Ending(ending));
        if is_published {
            self.has_ended(id, outcome, turn);
        }
        self.write(id, turn);
    }
}
