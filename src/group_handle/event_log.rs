//! The last things that have happened, for any number of listeners.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::{GroupEvent, GroupEventKind, Rule};
use crate::logs::Epoch;

/// What has happened to a group: the newest events. Whoever writes never waits for whoever reads.
#[derive(Debug)]
pub struct EventLog {
    epoch: Epoch,
    events: Mutex<VecDeque<GroupEvent>>,
    /// The number of the last event.
    last: watch::Sender<u64>,
}

impl Default for EventLog {
    fn default() -> Self {
        Self { epoch: Epoch::begin(), events: Mutex::default(), last: watch::Sender::new(0) }
    }
}

impl EventLog {
    /// Events that are kept. A checkout of 5,000 files is not too much; and it is a few megabytes at most.
    pub const CAPACITY: usize = 10_000;

    /// Of them, those that are looked through for a rule: no longer than a save takes to become a restart.
    const LOOKED_AT: usize = 1_000;

    /// Adds what has happened, and gives it its number.
    pub fn push(&self, event: GroupEvent) -> GroupEvent {
        let mut events = self.lock();
        let seq = *self.last.borrow() + 1;
        if events.len() == Self::CAPACITY {
            events.pop_front();
        }
        let event = GroupEvent { seq, ..event };
        events.push_back(event.clone());
        self.last.send_replace(seq);
        event
    }

    /// By which its numbers are told from those of another run of the group.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// At most so many of the events after that number, oldest first.
    pub fn after(&self, seq: u64, limit: usize) -> Vec<GroupEvent> {
        let events = self.lock();
        let from = events.partition_point(|event| event.seq <= seq);
        events.range(from..).take(limit).cloned().collect()
    }

    /// The rule by which the last change of a file mattered, if it is among the newest events.
    pub fn rule_of(&self, file: &str) -> Option<Rule> {
        self.lock().iter().rev().take(Self::LOOKED_AT).find_map(|event| match &event.kind {
            GroupEventKind::Change { path, rule, .. } if **path == *file => Some(rule.clone()),
            _ => None,
        })
    }

    /// The number of the last event; wakes with each.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<GroupEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Moment;

    #[test]
    fn the_oldest_are_forgotten_and_the_numbers_tell() {
        let log = EventLog::default();
        for _ in 0..EventLog::CAPACITY + 3 {
            let kind = GroupEventKind::Reload { files: "procgroup.toml".into() };
            log.push(GroupEvent { seq: 0, at: Moment::START, service: None, run: None, kind, alert: None });
        }
        assert_eq!(log.after(0, 1).first().map(|event| event.seq), Some(4));
        assert_eq!(log.after(EventLog::CAPACITY as u64 + 2, 9).len(), 1);
        assert_eq!(*log.changes().borrow(), EventLog::CAPACITY as u64 + 3);
    }
}
