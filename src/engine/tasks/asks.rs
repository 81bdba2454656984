//! What people ask of single tasks: to end one, to try it anew, to forget it.

use crate::domain::TaskId;
use crate::domain::task::is_open;

use super::claim::{ClaimState, EndedBy, Outcome};
use super::effect::TaskEffect;
use super::turn::Turn;
use super::work::{Work, WorkPhase};

impl Work {
    /// Somebody wants a task to end. It gets a result that says so.
    pub(super) fn cancel(&mut self, id: &TaskId, ask: u64, turn: &mut Turn<'_>) {
        if !self.may_be_asked(ask, turn) {
            return;
        }
        if self.queue.contains(id) {
            self.claim(id, Some(vec![ask]), turn);
            return;
        }
        let Some(claim) = self.claims.get_mut(id) else {
            let why = format!("{id} is neither waiting nor running, so there is nothing to cancel");
            turn.answer([ask], Err(&why));
            return;
        };
        let running = match &claim.state {
            ClaimState::Ending(_) => {
                turn.answer([ask], Err("it has ended already"));
                return;
            }
            ClaimState::GivingBack => {
                turn.answer([ask], Err("it is being given back; try again"));
                return;
            }
            ClaimState::Running(running) => Some(*running),
            _ => None,
        };
        let rests = matches!(claim.state, ClaimState::Resting | ClaimState::Ready);
        let is_away = matches!(claim.state, ClaimState::Away(_));
        claim.cancel.get_or_insert_default().push(ask);
        if is_away {
            return turn.emit(TaskEffect::CallOff { worker: self.name.clone(), id: id.clone() });
        }
        if let Some(running) = running {
            self.ask_to_end(id, running, EndedBy::Cancel, turn);
        } else if rests {
            self.queue.leave(&claim.place.clone());
            self.end_task(id, Outcome::Cancelled, turn);
        }
    }

    /// Somebody wants a task to be tried anew. One that waits for its next try gets it at once; of one that has ended,
    /// a new generation begins.
    pub(super) fn retry(&mut self, id: &TaskId, ask: u64, turn: &mut Turn<'_>) {
        if !self.may_be_asked(ask, turn) {
            return;
        }
        match self.claims.get(id).map(|claim| &claim.state) {
            Some(ClaimState::Resting) => {
                self.line_up(id);
                turn.answer([ask], Ok(()));
            }
            Some(ClaimState::Ready) => turn.answer([ask], Ok(())),
            Some(_) => turn.answer([ask], Err("it is running")),
            None if self.queue.contains(id) => turn.answer([ask], Err("it is already waiting")),
            None => turn.emit(TaskEffect::Renew { worker: self.name.clone(), id: id.clone(), ask }),
        }
    }

    /// Somebody wants all that is left of an ended task to go.
    pub(super) fn forget(&mut self, id: &TaskId, ask: u64, turn: &mut Turn<'_>) {
        if !self.may_be_asked(ask, turn) {
            return;
        }
        if self.has_live(id) {
            turn.answer([ask], Err(&is_open(id)));
        } else {
            turn.emit(TaskEffect::Remove { worker: self.name.clone(), id: id.clone(), ask });
        }
    }

    /// Those who wanted a task to end are told that it cannot be written. It ends all the same, as soon as it can.
    pub(super) fn answer_cancel(&mut self, id: &TaskId, problem: &str, turn: &mut Turn<'_>) {
        if let Some(asks) = self.claims.get_mut(id).and_then(|claim| claim.cancel.as_mut()) {
            turn.answer(std::mem::take(asks), Err(problem));
        }
    }

    pub(super) fn is_claiming(&self, id: &TaskId) -> bool {
        self.claims.get(id).is_some_and(|claim| matches!(claim.state, ClaimState::Claiming))
    }

    fn may_be_asked(&self, ask: u64, turn: &mut Turn<'_>) -> bool {
        let works = self.phase == WorkPhase::Working;
        if !works {
            let why = format!("{} is not running here at the moment", self.name);
            turn.answer([ask], Err(&why));
        }
        works
    }
}
