//! Questions to the watcher that wait for an answer: which of these changes differ from what their services last saw.
//!
//! A question that is not answered in time is answered with yes: a change is never lost because somebody was slow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Moment, ServiceName};

use super::quiet::Changes;

/// How long an answer may take. Ten thousand files are stamped and read in less than a second; what takes longer is a
/// dead network file system, or a watcher that has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a question was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Quiet has come.
    Quiet,
    /// The last hold has ended.
    Hold {
        /// What git says that it has done, if it was git that held.
        git: Option<Arc<str>>,
        /// Different paths that were held.
        changes: usize,
    },
}

/// A question.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) id: u64,
    /// What it is about; of services that were started meanwhile nothing is left.
    pub(super) changes: BTreeMap<ServiceName, Changes>,
    pub(super) after: After,
    /// Then the answer is yes.
    until: Moment,
}

/// All that are open. The services of two of them are never the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Questions {
    open: Vec<Question>,
    last: u64,
}

impl Questions {
    /// Asks; the answer is the number of the question.
    pub(super) fn ask(&mut self, changes: BTreeMap<ServiceName, Changes>, after: After, now: Moment) -> u64 {
        self.last += 1;
        self.open.push(Question { id: self.last, changes, after, until: now + PATIENCE });
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

    /// The changes of a service that an answer is waited for.
    pub(super) fn about(&self, name: &ServiceName) -> Option<&Changes> {
        self.open.iter().find_map(|question| question.changes.get(name))
    }

    /// Nothing is asked about this service any more. What was.
    pub(super) fn drop_service(&mut self, name: &ServiceName) -> Option<Changes> {
        let dropped = self.open.iter_mut().find_map(|question| question.changes.remove(name));
        // The end of a hold is told all the same.
        self.open.retain(|question| !question.changes.is_empty() || question.after != After::Quiet);
        dropped
    }

    /// Takes back what was asked about these services.
    pub(super) fn take(&mut self, which: impl Fn(&ServiceName) -> bool) -> Vec<(ServiceName, Changes)> {
        let mut all = Vec::new();
        for question in &mut self.open {
            let (taken, left) = std::mem::take(&mut question.changes).into_iter().partition(|(name, _)| which(name));
            question.changes = left;
            all.extend::<BTreeMap<_, _>>(taken);
        }
        self.open.retain(|question| !question.changes.is_empty());
        all
    }

    pub(super) fn retain_services(&mut self, keep: impl Fn(&ServiceName) -> bool) {
        for question in &mut self.open {
            question.changes.retain(|name, _| keep(name));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}
