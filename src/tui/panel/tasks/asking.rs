//! When the table of tasks asks: at once, and then when a worker has done something, at most four times a second, and
//! rarely where answers take long.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{GroupSnapshot, Moment, WorkerSnapshot};

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(250);

/// As many times as long as an answer takes, nothing is asked: folders may be large, and disks slow.
const REST: u32 = 4;

/// What was asked, and of which state of the workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asking {
    /// When the question was asked that has no answer yet.
    open: Option<Moment>,
    /// Before that nothing is asked.
    next: Option<Moment>,
    /// The workers when it was asked last; nothing before that, and where it must be asked again.
    workers: Option<Vec<Option<Arc<WorkerSnapshot>>>>,
    /// When the question is due that was too early.
    due: Option<Moment>,
}

impl Asking {
    /// Whether to ask now.
    pub(super) fn asks(&mut self, snapshot: &GroupSnapshot, now: Moment) -> bool {
        let workers: Vec<_> = snapshot.services.iter().map(|service| service.worker.clone()).collect();
        self.due = None;
        if self.open.is_some() || self.workers.as_ref() == Some(&workers) {
            return false;
        }
        if let Some(next) = self.next.filter(|next| *next > now) {
            self.due = Some(next);
            return false;
        }
        self.open = Some(now);
        self.workers = Some(workers);
        true
    }

    /// The answer has come.
    pub(super) fn answered(&mut self, now: Moment) {
        if let Some(asked) = self.open.take() {
            let took = now.since(asked);
            self.next = Some(now + PAUSE.max(took.saturating_mul(REST)));
        }
    }

    /// Something else is to be asked, or something was done: the next frame asks.
    pub(super) fn hurry(&mut self) {
        (self.workers, self.next) = (None, None);
    }

    /// When a question is due.
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }
}
