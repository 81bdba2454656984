//! The last things that have happened, for any number of listeners.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::{GroupEvent, GroupEventKind, Moment, Rule};
use crate::logs::Epoch;

/// What has happened to a group: the newest events. Whoever writes never waits for whoever reads.
#[derive(Debug)]
pub struct EventLog {
    epoch: Epoch,
    events: Mutex<Kept>,
    /// The number of the last event.
    last: watch::Sender<u64>,
}

/// What is remembered.
#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<GroupEvent>,
    /// The event that the last batch of changes has begun with: its number, and when it was.
    batch: Option<(u64, Moment)>,
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
        let mut kept = self.lock();
        let seq = *self.last.borrow() + 1;
        if kept.events.len() == Self::CAPACITY {
            kept.events.pop_front();
        }
        if event.kind.begins_batch() {
            kept.batch = Some((seq, event.at));
        }
        let event = GroupEvent { seq, ..event };
        kept.events.push_back(event.clone());
        self.last.send_replace(seq);
        event
    }

    /// By which its numbers are told from those of another run of the group.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// At most so many of the events after that number, oldest first.
    pub fn after(&self, seq: u64, limit: usize) -> Vec<GroupEvent> {
        let kept = self.lock();
        let from = kept.events.partition_point(|event| event.seq <= seq);
        kept.events.range(from..).take(limit).cloned().collect()
    }

    /// The number of the last event before that moment; 0 if there is none. Of those that are kept.
    pub fn before(&self, moment: Moment) -> u64 {
        let kept = self.lock();
        // The time of a change is that of the write: a little earlier than that of what was told before it.
        let later = kept.events.iter().find(|event| event.at >= moment);
        later.map_or(*self.last.borrow(), |event| event.seq - 1)
    }

    /// The event that the last batch of changes has begun with: its number, and when it was. Kept longer than the event.
    pub fn last_batch(&self) -> Option<(u64, Moment)> {
        self.lock().batch
    }

    /// The rule by which the last change of a file mattered, if it is among the newest events.
    pub fn rule_of(&self, file: &str) -> Option<Rule> {
        self.lock().events.iter().rev().take(Self::LOOKED_AT).find_map(|event| match &event.kind {
            GroupEventKind::Change { path, rule, .. } if **path == *file => Some(rule.clone()),
            _ => None,
        })
    }

    /// The number of the last event; wakes with each.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_the_numbers_tell() {
        let log = EventLog::default();
        for n in 0..EventLog::CAPACITY + 3 {
            let kind = GroupEventKind::Reload { files: "procgroup.toml".into(), begins: n == 0 };
            log.push(GroupEvent::new(Moment::START, None, None, kind));
        }
        assert_eq!(log.last_batch(), Some((1, Moment::START)), "longer than its event");
        assert_eq!(log.after(0, 1).first().map(|event| event.seq), Some(4));
        assert_eq!(log.after(EventLog::CAPACITY as u64 + 2, 9).len(), 1);
        assert_eq!(*log.changes().borrow(), EventLog::CAPACITY as u64 + 3);
    }
}
