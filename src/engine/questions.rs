//! Questions to the watcher that wait for an answer: which of these changes differ from what their services last saw.
//!
//! A question that is not answered in time is answered with yes: a change is never lost because somebody was slow.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Moment, RunId, ServiceName};

/// How long an answer may take. Ten thousand files are stamped and read in less than a second; what takes longer is a
/// dead network file system, or a watcher that has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a question was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Quiet has come.
    Quiet,
    /// The time that changes had to wait, so soon after a start, is over.
    WaitOver,
    /// The last hold has ended.
    HoldOver(HoldOver),
    /// Changes were discarded: which of these runs are older than their files.
    Discarded(Vec<(ServiceName, RunId)>),
}

/// What a hold was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HoldOver {
    /// What git says that it has done, if it was git that held.
    pub(super) git: Option<Arc<str>>,
    /// Different paths that were held.
    pub(super) changes: usize,
}

/// A question that waits for its answer. The changes that it is about are kept with those of all services.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) id: u64,
    pub(super) occasion: Occasion,
    /// Then the answer is yes.
    until: Moment,
}

/// All that are open.
#[derive(Clone, Debug, Default)]
pub(super) struct Questions {
    open: Vec<Question>,
    last: u64,
}

impl Questions {
    /// Asks; the answer is the number of the question.
    pub(super) fn ask(&mut self, occasion: Occasion, now: Moment) -> u64 {
        self.last += 1;
        self.open.push(Question { id: self.last, occasion, until: now + PATIENCE });
        self.last
    }

    /// Takes out the question that is answered. `None`: it is not open any more.
    pub(super) fn answered(&mut self, id: u64) -> Option<Question> {
        let place = self.open.iter().position(|question| question.id == id)?;
        Some(self.open.remove(place))
    }

    /// Takes out one that nobody has answered in time.
    pub(super) fn overdue(&mut self, now: Moment) -> Option<Question> {
        let place = self.open.iter().position(|question| question.until <= now)?;
        Some(self.open.remove(place))
    }

    /// When the next one is overdue.
    pub(super) fn next_due(&self) -> Option<Moment> {
        self.open.iter().map(|question| question.until).min()
    }

    /// Closes those that are about nothing any more.
    pub(super) fn retain(&mut self, is_about_something: impl Fn(&Question) -> bool) {
        self.open.retain(is_about_something);
    }
}
