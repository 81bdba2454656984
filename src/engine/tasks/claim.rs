//! A claimed task, from the claim to its removal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{LastTry, Moment, TaskHead, TaskId, TaskStatus};

use super::queue::Place;

/// A task whose file is in `.work`, or on its way there.
#[derive(Debug)]
pub(super) struct Claim {
    /// What is in it.
    pub(super) head: TaskHead,
    /// The name that its file had.
    pub(super) file: Arc<str>,
    /// Its place in the order.
    pub(super) place: Place,
    /// Tries that have failed.
    pub(super) retry_count: u32,
    /// The last try that has ended.
    pub(super) last: Option<LastTry>,
    /// How long that took.
    pub(super) took: Duration,
    /// It is to end, and who is told.
    pub(super) cancel: Option<Vec<u64>>,
    pub(super) state: ClaimState,
}

/// What a claimed task does.
#[derive(Debug)]
pub(super) enum ClaimState {
    /// Its file is being moved.
    Claiming,
    /// Its receipt is being written.
    Receipt,
    /// The begin of its next try is being noted.
    Noting,
    /// A try runs.
    Running(Running),
    /// Its failed try is being noted; the wait has begun.
    NotingRest { until: Moment },
    /// It waits for its next try.
    Resting,
    /// It may begin its next try, and is in the order.
    Ready,
    /// It has ended: what is left to write.
    Ending(Ending),
    /// It is being given back.
    GivingBack,
    /// It is with the server, until what came of it comes back.
    Away(Away),
}

/// How far a task is that is with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Away {
    /// It is being published.
    Leaving,
    /// It waits there.
    Waits,
    /// Somebody has taken it.
    Taken,
}

/// A try that runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    pub(super) since: Moment,
    pub(super) timeout: Duration,
    pub(super) rung: TryRung,
}

/// How far a try is on the way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TryRung {
    /// It may run until its time is up.
    Free,
    /// It was asked to end, and why.
    Asked(EndedBy),
    /// It was killed.
    Killed(EndedBy),
    /// It outlives that.
    GivenUp(EndedBy),
}

/// Why a try is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndedBy {
    Timeout,
    Cancel,
    Stop,
}

/// What is left to write of a task that has ended.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) step: Step,
    /// The path of its dead letter.
    pub(super) letter: Option<Arc<str>>,
}

/// What came of a claimed task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Completed,
    Cancelled,
    /// All tries have failed: a result, and a dead letter.
    Exhausted(TaskStatus),
}

/// One write, in their order. A crash between two of them is finished by the next owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Result,
    Letter,
    Trigger,
    Removal,
}

impl Outcome {
    /// The status of its result.
    pub(super) fn status(self) -> TaskStatus {
        match self {
            Self::Completed => TaskStatus::Completed,
            Self::Cancelled => TaskStatus::Cancelled,
            Self::Exhausted(status) => status,
        }
    }

    /// The step behind one; none after the last.
    pub(super) fn step_after(self, step: Step) -> Option<Step> {
        match step {
            Step::Result if matches!(self, Self::Exhausted(_)) => Some(Step::Letter),
            Step::Result | Step::Letter => Some(Step::Trigger),
            Step::Trigger => Some(Step::Removal),
            Step::Removal => None,
        }
    }
}

impl ClaimState {
    /// It has a place: a try of it runs, or is about to.
    fn has_place(&self) -> bool {
        matches!(self, Self::Claiming | Self::Receipt | Self::Noting | Self::Running(_))
    }

    /// Its result is there: others may know.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self, Self::Ending(ending) if ending.step != Step::Result)
    }

    /// What is written of it says whether it is still ours: a task from a server may be somebody else's by then.
    pub(super) fn can_be_lost(&self) -> bool {
        let is_result = matches!(self, Self::Ending(ending) if ending.step == Step::Result);
        is_result || matches!(self, Self::Receipt | Self::Noting | Self::NotingRest { .. })
    }

    /// It waits for its next try.
    fn rests(&self) -> bool {
        matches!(self, Self::NotingRest { .. } | Self::Resting | Self::Ready)
    }
}

/// The claimed tasks of a worker. A state is changed by [`Claims::enter`] alone, so that the counts are right.
#[derive(Debug, Default)]
pub(super) struct Claims {
    tasks: BTreeMap<TaskId, Claim>,
    /// Those that have a place.
    busy: BTreeSet<TaskId>,
    resting: u32,
    /// Those that are being published, and those that wait on the server.
    leaving: u32,
    waiting: u32,
}

impl Claims {
    pub(super) fn get(&self, id: &TaskId) -> Option<&Claim> {
        self.tasks.get(id)
    }

    /// Everything but the state may be changed.
    pub(super) fn get_mut(&mut self, id: &TaskId) -> Option<&mut Claim> {
        self.tasks.get_mut(id)
    }

    pub(super) fn contains(&self, id: &TaskId) -> bool {
        self.tasks.contains_key(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&TaskId, &Claim)> {
        self.tasks.iter()
    }

    /// Those that have a place.
    pub(super) fn busy(&self) -> &BTreeSet<TaskId> {
        &self.busy
    }

    /// Those whose try runs.
    pub(super) fn running(&self) -> impl Iterator<Item = (&TaskId, &Running)> {
        self.busy.iter().filter_map(|id| match &self.tasks.get(id)?.state {
            ClaimState::Running(running) => Some((id, running)),
            _ => None,
        })
    }

    pub(super) fn resting(&self) -> u32 {
        self.resting
    }

    /// How many are being published.
    pub(super) fn leaving(&self) -> u32 {
        self.leaving
    }

    /// How many wait on the server, or are on the way there.
    pub(super) fn waiting(&self) -> u32 {
        self.leaving + self.waiting
    }

    pub(super) fn insert(&mut self, claim: Claim) {
        let id = claim.head.id.clone();
        self.remove(&id);
        self.count_in(&id, &claim.state);
        self.tasks.insert(id, claim);
    }

    pub(super) fn remove(&mut self, id: &TaskId) -> Option<Claim> {
        let claim = self.tasks.remove(id)?;
        self.count_out(id, &claim.state);
        Some(claim)
    }

    /// Puts a task into another state.
    pub(super) fn enter(&mut self, id: &TaskId, state: ClaimState) {
        if let Some(claim) = self.remove(id) {
            self.insert(Claim { state, ..claim });
        }
    }

    fn count_in(&mut self, id: &TaskId, state: &ClaimState) {
        if state.has_place() {
            self.busy.insert(id.clone());
        }
        self.resting += u32::from(state.rests());
        self.leaving += u32::from(matches!(state, ClaimState::Away(Away::Leaving)));
        self.waiting += u32::from(matches!(state, ClaimState::Away(Away::Waits)));
    }

    fn count_out(&mut self, id: &TaskId, state: &ClaimState) {
        if state.has_place() {
            self.busy.remove(id);
        }
        self.resting -= u32::from(state.rests());
        self.leaving -= u32::from(matches!(state, ClaimState::Away(Away::Leaving)));
        self.waiting -= u32::from(matches!(state, ClaimState::Away(Away::Waits)));
    }
}
