//! What is different where the tasks of a worker go through a server.
//!
//! There are two sides, and a worker of a group mostly has both. Each is a machine of its own:
//!
//! * **The side of the folder** (its spec names a `backend`): what would be tried is published, and is *away* until what came
//!   of it is back. Checks, the order, dependencies, batches, and all that is written into the folder are as ever. It tries
//!   nothing, so places, time limits and the breaker mean nothing here.
//! * **The side of the tries** (without a `backend`): tasks are delivered to it, and from then on each is a claim like any
//!   other. Only the wait for a next try is the server's: when that is written, the claim is gone (`WriteResult::Missing`).

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{BreakerState, FoundClaim, FoundTries, TaskId, TaskNews, TaskStatus};

use super::claim::{Away, Claim, ClaimState, Outcome};
use super::effect::TaskEffect;
use super::event::CameBack;
use super::queue::{Place, nanoseconds};
use super::turn::Turn;
use super::work::{Work, WorkPhase};

/// How many tasks may be on their way to the server at once: its answers are waited for, and what the folders have to say is
/// heard in between.
const LEAVING: u32 = 64;

/// What a worker knows of its server.
#[derive(Debug, Default)]
pub(super) struct Server {
    /// It was heard of.
    is_known: bool,
    problem: Option<Arc<str>>,
    /// Tasks come back from it, and none goes there.
    drains: bool,
}

impl Server {
    pub(super) fn problem(&self) -> Option<&Arc<str>> {
        self.problem.as_ref()
    }
}

impl Work {
    /// Its tasks go through a server, and this is the side of the folder.
    pub(super) fn is_shared(&self) -> bool {
        self.spec.backend.is_some()
    }

    pub(super) fn may_publish(&self) -> bool {
        let Server { is_known, problem, drains } = &self.server;
        *is_known && problem.is_none() && !drains && self.claims.leaving() < LEAVING
    }

    /// Whether the server can be reached.
    pub(super) fn server_is(&mut self, problem: Option<Arc<str>>, is_new: bool, turn: &mut Turn<'_>) {
        let (was, is) = (self.server.problem.is_some(), problem.is_some());
        // Of the two sides one is enough to tell it.
        if self.is_shared() && was != is {
            let news = problem.clone().map_or(TaskNews::ServerBack, |problem| TaskNews::ServerAway { problem });
            turn.tell(&self.name, news);
        }
        (self.server.is_known, self.server.problem) = (true, problem);
        turn.aggregate |= was != is;
        if is_new {
            let away = |(id, claim): (&TaskId, &Claim)| matches!(claim.state, ClaimState::Away(_)).then(|| id.clone());
            let away: Vec<TaskId> = self.claims.iter().filter_map(away).collect();
            away.iter().for_each(|id| self.publish(id, turn));
        }
    }

    /// Its tasks come back.
    pub(super) fn drain(&mut self, turn: &mut Turn<'_>) {
        self.server.drains = true;
        turn.aggregate = true;
    }

    /// How many tasks it would take.
    pub(super) fn places(&self) -> u32 {
        let works = self.phase == WorkPhase::Working && !self.server.drains && self.server.problem.is_none();
        if !works || !self.trouble.stuck.is_empty() || !self.circuit.lets_through() {
            return 0;
        }
        let most = if self.circuit.state() == BreakerState::HalfOpen { 1 } else { self.spec.concurrency.max(1) };
        most.saturating_sub(u32::try_from(self.claims.busy().len()).unwrap_or(u32::MAX))
    }

    /// How many of its tasks are with the server.
    pub(super) fn away(&self) -> usize {
        self.claims.iter().filter(|(_, claim)| matches!(claim.state, ClaimState::Away(_))).count()
    }

    /// Has a claimed task published, for the first time or again.
    pub(super) fn publish(&mut self, id: &TaskId, turn: &mut Turn<'_>) {
        let Some(claim) = self.claims.get(id) else { return };
        let (retry_count, last) = (claim.retry_count, claim.last.clone());
        let tries = FoundTries { retry_count, running: false, published: true, left: Duration::ZERO, last };
        let head = claim.head.clone();
        self.claims.enter(id, ClaimState::Away(Away::Leaving));
        turn.emit(TaskEffect::Publish { worker: self.name.clone(), head, tries });
    }

    fn is_away(&self, id: &TaskId) -> bool {
        self.claims.get(id).is_some_and(|claim| matches!(claim.state, ClaimState::Away(_)))
    }

    /// The server has it.
    pub(super) fn published(&mut self, id: &TaskId) {
        if self.claims.get(id).is_some_and(|claim| matches!(claim.state, ClaimState::Away(Away::Leaving))) {
            self.claims.enter(id, ClaimState::Away(Away::Waits));
        }
    }

    /// Somebody has begun to try it.
    pub(super) fn taken_elsewhere(&mut self, id: &TaskId) {
        if self.is_away(id) {
            self.claims.enter(id, ClaimState::Away(Away::Taken));
        }
    }

    /// The task of this id on the server is another one.
    pub(super) fn not_published(&mut self, id: &TaskId, file: Arc<str>, detail: &str, turn: &mut Turn<'_>) {
        if self.is_away(id) && self.forget_claim(id, detail, turn).is_some() {
            self.bury_duplicate(file, id.clone(), detail, turn);
        }
    }

    /// What came of it: from here on it is as if it had been tried here.
    pub(super) fn came_back(&mut self, id: &TaskId, outcome: CameBack, turn: &mut Turn<'_>) {
        let Some(claim) = self.claims.get_mut(id).filter(|claim| matches!(claim.state, ClaimState::Away(_))) else {
            return;
        };
        let CameBack { status, last, retry_count, took } = outcome;
        (claim.last, claim.retry_count, claim.took) = (Some(last), retry_count, took);
        let outcome = match status {
            TaskStatus::Completed => Outcome::Completed,
            TaskStatus::Cancelled => Outcome::Cancelled,
            TaskStatus::Failed | TaskStatus::Timeout => Outcome::Exhausted(status),
        };
        self.end_task(id, outcome, turn);
    }

    /// It waits here again.
    pub(super) fn recalled(&mut self, id: &TaskId, tries: FoundTries, turn: &mut Turn<'_>) {
        let Some(claim) = self.claims.get_mut(id).filter(|claim| matches!(claim.state, ClaimState::Away(_))) else {
            return;
        };
        (claim.retry_count, claim.last) = (tries.retry_count, tries.last);
        self.give_back(id, turn);
    }

    /// A task from the server.
    pub(super) fn delivered(&mut self, claim: Box<FoundClaim>, cancel: bool, turn: &mut Turn<'_>) {
        let id = claim.id.clone();
        if self.phase != WorkPhase::Working || self.claims.contains(&id) {
            return;
        }
        let had_begun = claim.tries.as_ref().is_some_and(|tries| tries.running);
        let cancel = cancel.then(Vec::new);
        if claim.result.is_some() || (had_begun && cancel.is_none()) {
            return self.found(*claim, turn);
        }
        let FoundClaim { file, stamp, found, tries, .. } = *claim;
        let Ok(head) = found else { return };
        let place = Place::new(head.priority, nanoseconds(stamp), id.clone());
        let mut claim = Claim::new(head, file, place, ClaimState::Receipt);
        (claim.cancel, claim.retry_count) = (cancel, tries.as_ref().map_or(0, |tries| tries.retry_count));
        claim.last = tries.and_then(|tries| tries.last);
        self.claims.insert(claim);
        self.circuit.took(&id);
        self.go_on(&id, turn);
    }
}
