//! When a worker has to be looked at again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{Moment, TaskId};

/// What for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The next rung of the ladder that ends a try, or the end of a wait.
    Task(TaskId),
    /// Whether a file is whole.
    File(Arc<str>),
    /// The next heartbeat.
    Heartbeat,
    /// The cooldown of the breaker is over.
    Breaker,
    /// Whether files can be written again.
    Trouble,
    /// A heartbeat is too old.
    Lost,
}

/// The timers of a worker, one of each kind.
#[derive(Debug, Default)]
pub(super) struct Timers {
    by_time: BTreeSet<(Moment, Timer)>,
    times: BTreeMap<Timer, Moment>,
}

impl Timers {
    /// Sets a timer, whatever it was set to.
    pub(super) fn set(&mut self, timer: Timer, at: Moment) {
        self.clear(&timer);
        self.by_time.insert((at, timer.clone()));
        self.times.insert(timer, at);
    }

    pub(super) fn clear(&mut self, timer: &Timer) {
        if let Some((timer, at)) = self.times.remove_entry(timer) {
            self.by_time.remove(&(at, timer));
        }
    }

    pub(super) fn is_set(&self, timer: &Timer) -> bool {
        self.times.contains_key(timer)
    }

    pub(super) fn next(&self) -> Option<Moment> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// The first one that is over; it is set no longer.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<Timer> {
        let (at, timer) = self.by_time.first()?.clone();
        if at > now {
            return None;
        }
        self.clear(&timer);
        Some(timer)
    }
}
