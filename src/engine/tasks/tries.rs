//! From the order to the end of a try: claims, begins, time limits, and what a failure means.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    EndedTry, ExitStatus, FoundTries, LastTry, Moment, Signal, SignalTarget, TaskHead, TaskId, TaskNews, TaskRefusal,
    TaskStatus, TryExit, WhyFailed,
};

use super::super::backoff;
use super::super::stop_ladder::KILL_AGAIN;
use super::circuit::CircuitChange;
use super::claim::{Claim, ClaimState, EndedBy, Outcome, Running, TryRung};
use super::effect::TaskEffect;
use super::event::{ClaimResult, Subject};
use super::timers::Timer;
use super::turn::Turn;
use super::work::{Work, WorkPhase};

/// `exit_code` of a try whose time was up.
const TIMED_OUT: i32 = 124;

impl Work {
    /// Begins what may begin: the only place that does.
    pub(super) fn fill_places(&mut self, turn: &mut Turn<'_>) {
        while self.may_begin() {
            let Some(id) = self.queue.first().cloned() else { return };
            self.circuit.took(&id);
            if self.queue.contains(&id) {
                self.claim(&id, None, turn);
            } else if let Some(claim) = self.claims.get(&id) {
                self.queue.leave(&claim.place.clone());
                self.claims.enter(&id, ClaimState::Noting);
                self.write(&id, turn);
            } else {
                return;
            }
        }
    }

    fn may_begin(&self) -> bool {
        if self.is_shared() && !self.may_publish() {
            return false;
        }
        let has_place = self.claims.busy().len() < self.spec.concurrency.max(1) as usize;
        // Before the listing is complete nobody knows who is first, unless nothing can come before it: the oldest are told
        // first.
        let is_known = self.is_listed || self.queue.is_first_critical();
        let works = self.phase == WorkPhase::Working && is_known;
        // What has just ended may find the disk full: nothing begins before that is known.
        let can_write = self.trouble.stuck.is_empty() && self.outstanding.is_empty();
        works && has_place && can_write && self.circuit.lets_through()
    }

    /// Takes a file out of the folder. `cancel`: to end its task, and who is told.
    pub(super) fn claim(&mut self, id: &TaskId, cancel: Option<Vec<u64>>, turn: &mut Turn<'_>) {
        let Some(task) = self.take(id, turn) else { return };
        let head = TaskHead {
            id: id.clone(),
            priority: task.priority,
            dependencies: task.dependencies().into(),
            timeout: None,
            batch: task.batch().cloned(),
        };
        let mut claim = Claim::new(head, task.file(id), task.place(id), ClaimState::Claiming);
        claim.cancel = cancel;
        self.claims.insert(claim);
        self.write(id, turn);
    }

    /// What came of a claim.
    pub(super) fn claimed(&mut self, id: &TaskId, result: ClaimResult, turn: &mut Turn<'_>) {
        let subject = Subject::Task(id.clone());
        if !self.is_claiming(id) || !self.outstanding.remove(&subject) {
            return;
        }
        match result {
            ClaimResult::Failed(problem) => {
                self.answer_cancel(id, &problem, turn);
                if matches!(self.phase, WorkPhase::Stopping { .. }) {
                    self.leave_claim(id, turn);
                } else {
                    self.write_failed(subject, problem, turn);
                }
                return;
            }
            ClaimResult::Taken { found, tries } => self.taken(id, found, tries, turn),
            ClaimResult::Lost => {
                self.forget_claim(id, "its file is gone", turn);
            }
            ClaimResult::HasResult | ClaimResult::Exists => {
                let detail = format!("{id} is running or already has a result");
                if let Some(claim) = self.forget_claim(id, &detail, turn) {
                    self.bury_duplicate(claim.file, id.clone(), &detail, turn);
                }
            }
        }
        self.write_worked(&subject, turn);
    }

    /// The task is not ours, and has not ended.
    pub(super) fn forget_claim(&mut self, id: &TaskId, why: &str, turn: &mut Turn<'_>) -> Option<Claim> {
        let mut claim = self.drop_claim(id, turn)?;
        turn.answer(claim.cancel.take().unwrap_or_default(), Err(why));
        turn.batches.vanish(claim.head.batch.as_ref(), 1);
        let follow = turn.waits.lost(&self.name, id);
        turn.effects.extend(follow);
        Some(claim)
    }

    /// A claim has failed, and meanwhile the breaker has opened.
    pub(super) fn may_not_claim(&self, id: &TaskId) -> bool {
        let is_wanted = self.claims.get(id).is_some_and(|claim| claim.cancel.is_some());
        self.circuit.is_open() && self.is_claiming(id) && !is_wanted
    }

    /// Puts a task that could not be claimed back into the queue. All that it depends on is completed.
    pub(super) fn requeue(&mut self, id: &TaskId, turn: &mut Turn<'_>) {
        if let Some(claim) = self.drop_claim(id, turn) {
            self.queue.insert(&claim.head, &claim.file, claim.place.arrival(), 0);
        }
    }

    /// Thinks of a claim no longer.
    pub(super) fn drop_claim(&mut self, id: &TaskId, turn: &mut Turn<'_>) -> Option<Claim> {
        let claim = self.claims.remove(id)?;
        self.queue.leave(&claim.place);
        self.circuit.says_nothing(id);
        self.timers.clear(&Timer::Task(id.clone()));
        turn.aggregate |= claim.head.batch.is_some();
        Some(claim)
    }

    fn taken(
        &mut self,
        id: &TaskId,
        found: Result<TaskHead, TaskRefusal>,
        tries: Option<FoundTries>,
        turn: &mut Turn<'_>,
    ) {
        let Some(claim) = self.claims.get_mut(id) else { return };
        match found {
            // It was written to since it was looked at. What it is now has to be judged from the begin.
            Ok(head) if head.id == *id && head.dependencies == claim.head.dependencies => {
                if head.batch != claim.head.batch {
                    turn.batches.vanish(claim.head.batch.as_ref(), 1);
                    turn.batches.appear(&self.name, id.as_str(), head.batch.as_ref());
                }
                claim.head = head;
                if let Some(tries) = tries {
                    claim.retry_count = tries.retry_count;
                    claim.last = tries.last;
                }
                // The receipt of a task that is published comes from who takes it.
                let next = if self.is_shared() { ClaimState::Noting } else { ClaimState::Receipt };
                self.claims.enter(id, next);
                self.go_on(id, turn);
            }
            Ok(_) | Err(_) => {
                self.answer_cancel(id, "its file has changed; look at it, and cancel it again", turn);
                self.give_back(id, turn);
            }
        }
    }

    /// A claimed task goes on to its next try, unless somebody wants something else.
    pub(super) fn go_on(&mut self, id: &TaskId, turn: &mut Turn<'_>) {
        let Some(claim) = self.claims.get(id) else { return };
        if claim.cancel.is_some() {
            self.circuit.says_nothing(id);
            self.end_task(id, Outcome::Cancelled, turn);
        } else if self.phase != WorkPhase::Working {
            self.give_back(id, turn);
        } else {
            self.write(id, turn);
        }
    }

    /// Moves a task back to where it was. What was not tried does not count.
    pub(super) fn give_back(&mut self, id: &TaskId, turn: &mut Turn<'_>) {
        self.circuit.says_nothing(id);
        self.claims.enter(id, ClaimState::GivingBack);
        self.write(id, turn);
    }

    /// Starts a try.
    pub(super) fn begin_try(&mut self, id: &TaskId, turn: &mut Turn<'_>) {
        if self.is_shared() {
            return self.publish(id, turn);
        }
        let Some(claim) = self.claims.get(id) else { return };
        let number = claim.retry_count.saturating_add(1);
        let timeout = claim.head.timeout.unwrap_or(self.spec.timeout);
        let head = claim.head.clone();
        if number > 1 {
            self.stats.retried += 1;
        }
        let after = claim.last.as_ref().map(|last| last.why.clone());
        let of = self.spec.retries.saturating_add(1).max(number);
        turn.tell(&self.name, TaskNews::Try { id: id.clone(), number, of, after });
        self.timers.set(Timer::Task(id.clone()), turn.now + timeout);
        self.claims.enter(id, ClaimState::Running(Running { since: turn.now, timeout, rung: TryRung::Free }));
        turn.emit(TaskEffect::Begin { worker: self.name.clone(), head, number });
    }

    /// The time of a claimed task is over: of its try, of a rung, or of its wait.
    pub(super) fn task_is_due(&mut self, id: &TaskId, turn: &mut Turn<'_>) {
        match self.claims.get(id).map(|claim| &claim.state) {
            Some(ClaimState::Running(running)) => {
                let running = *running;
                match running.rung {
                    TryRung::Free => {
                        turn.tell(&self.name, TaskNews::TimedOut { id: id.clone(), timeout: running.timeout });
                        turn.aggregate = true;
                        self.ask_to_end(id, running, EndedBy::Timeout, turn);
                    }
                    TryRung::Asked(by) => self.kill(id, running, by, Some(self.stop.grace), turn),
                    TryRung::Killed(by) => {
                        turn.tell(&self.name, TaskNews::Unkillable { id: id.clone() });
                        self.send_kill(id, running, TryRung::GivenUp(by), turn);
                    }
                    TryRung::GivenUp(_) => self.send_kill(id, running, running.rung, turn),
                }
            }
            Some(ClaimState::Resting) => self.line_up(id),
            _ => {}
        }
    }

    /// A claimed task may begin its next try as soon as it is its turn.
    pub(super) fn line_up(&mut self, id: &TaskId) {
        self.timers.clear(&Timer::Task(id.clone()));
        self.claims.enter(id, ClaimState::Ready);
        if let Some(claim) = self.claims.get(id) {
            self.queue.line_up(claim.place.clone());
        }
    }

    /// The first rung.
    pub(super) fn ask_to_end(&mut self, id: &TaskId, running: Running, by: EndedBy, turn: &mut Turn<'_>) {
        if running.rung != TryRung::Free {
            return;
        }
        let worker = self.name.clone();
        let id_of = id.clone();
        turn.emit(match self.stop.command {
            Some(_) => TaskEffect::StopCommand { worker, id: id_of },
            None => {
                let target = if self.stop.leader_only { SignalTarget::Leader } else { SignalTarget::Group };
                TaskEffect::Signal { worker, id: id_of, signal: self.stop.signal, target }
            }
        });
        self.timers.set(Timer::Task(id.clone()), turn.now + self.stop.grace);
        self.claims.enter(id, ClaimState::Running(Running { rung: TryRung::Asked(by), ..running }));
    }

    fn kill(&mut self, id: &TaskId, running: Running, by: EndedBy, grace: Option<Duration>, turn: &mut Turn<'_>) {
        turn.tell(&self.name, TaskNews::Killed { id: id.clone(), grace });
        self.send_kill(id, running, TryRung::Killed(by), turn);
    }

    fn send_kill(&mut self, id: &TaskId, running: Running, rung: TryRung, turn: &mut Turn<'_>) {
        let worker = self.name.clone();
        let (signal, target) = (Signal::Kill, SignalTarget::Group);
        turn.emit(TaskEffect::Signal { worker, id: id.clone(), signal, target });
        self.timers.set(Timer::Task(id.clone()), turn.now + KILL_AGAIN);
        self.claims.enter(id, ClaimState::Running(Running { rung, ..running }));
    }

    /// The worker stops: all that runs is ended.
    pub(super) fn end_tries(&mut self, kill: bool, turn: &mut Turn<'_>) {
        let running: Vec<_> = self.claims.running().map(|(id, running)| (id.clone(), *running)).collect();
        for (id, running) in running {
            match running.rung {
                TryRung::Killed(_) | TryRung::GivenUp(_) => {}
                TryRung::Asked(by) if kill => self.kill(&id, running, by, None, turn),
                TryRung::Free if kill => self.kill(&id, running, EndedBy::Stop, None, turn),
                _ => self.ask_to_end(&id, running, EndedBy::Stop, turn),
            }
        }
    }

    /// A try is over.
    pub(super) fn try_ended(&mut self, id: &TaskId, ended: EndedTry, turn: &mut Turn<'_>) {
        let Some(claim) = self.claims.get_mut(id) else { return };
        let ClaimState::Running(Running { rung, .. }) = claim.state else { return };
        self.timers.clear(&Timer::Task(id.clone()));
        claim.took = ended.took;
        let by = match rung {
            TryRung::Free => None,
            TryRung::Asked(by) | TryRung::Killed(by) | TryRung::GivenUp(by) => Some(by),
        };
        let is_good = ended.exit == TryExit::Ended(ExitStatus::Code(0));
        if claim.cancel.is_some() {
            claim.last = Some(last_try(&WhyFailed::Exit(ended.exit)));
            self.circuit.says_nothing(id);
            self.end_task(id, Outcome::Cancelled, turn);
        } else if by == Some(EndedBy::Stop) {
            self.give_back(id, turn);
        } else if by.is_none() && is_good {
            claim.last = Some(LastTry { status: TaskStatus::Completed, exit_code: Some(0), why: "exit 0".into() });
            self.tell_circuit(id, true, turn);
            self.end_task(id, Outcome::Completed, turn);
        } else {
            let why = if by.is_some() { WhyFailed::Timeout } else { WhyFailed::Exit(ended.exit) };
            self.tell_circuit(id, false, turn);
            self.try_failed(id, last_try(&why), turn);
        }
    }

    /// A try counts as failed: there is a next one, or the task is dead.
    pub(super) fn try_failed(&mut self, id: &TaskId, last: LastTry, turn: &mut Turn<'_>) {
        let Some(claim) = self.claims.get_mut(id) else { return };
        self.stats.failed += 1;
        turn.aggregate = true;
        let status = last.status;
        let why = last.why.clone();
        let took = claim.known_took();
        claim.last = Some(last);
        if claim.retry_count >= self.spec.retries {
            self.end_task(id, Outcome::Exhausted(status), turn);
            return;
        }
        claim.retry_count += 1;
        let wait = backoff::growth(&self.spec.backoff, claim.retry_count);
        let until = turn.now + wait;
        turn.tell(&self.name, TaskNews::Retries { id: id.clone(), why, took, wait });
        self.rest(id, until, turn);
    }

    /// A claimed task waits for its next try, which is noted.
    fn rest(&mut self, id: &TaskId, until: Moment, turn: &mut Turn<'_>) {
        self.claims.enter(id, ClaimState::NotingRest { until });
        self.write(id, turn);
    }

    fn tell_circuit(&mut self, id: &TaskId, good: bool, turn: &mut Turn<'_>) {
        match self.circuit.ended(id, good, self.spec.breaker, turn.now) {
            Some(CircuitChange::Opened { failures, cooldown, until }) => {
                turn.tell(&self.name, TaskNews::BreakerOpen { failures, cooldown });
                if self.phase == WorkPhase::Working {
                    self.timers.set(Timer::Breaker, until);
                }
            }
            Some(CircuitChange::Closed) => turn.tell(&self.name, TaskNews::BreakerClosed),
            None => {}
        }
    }

    /// The cooldown of the breaker is over.
    pub(super) fn cooldown_is_over(&mut self, turn: &mut Turn<'_>) {
        if self.circuit.half_open(turn.now) {
            turn.tell(&self.name, TaskNews::BreakerHalfOpen);
        }
    }
}

/// A failed try, as it is kept.
fn last_try(why: &WhyFailed) -> LastTry {
    let (status, exit_code) = match why {
        WhyFailed::Exit(exit) => (TaskStatus::Failed, Some(exit.code())),
        WhyFailed::Timeout => (TaskStatus::Timeout, Some(TIMED_OUT)),
        WhyFailed::Interrupted => (TaskStatus::Failed, None),
    };
    LastTry { status, exit_code, why: Arc::from(why.to_string()) }
}

/// The try in the middle of which devgroup was ended.
pub(super) fn interrupted() -> LastTry {
    last_try(&WhyFailed::Interrupted)
}
