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
    /// Somebody was told what came of that batch: the next change begins another.
    is_told: bool,
}

impl Kept {
    fn begin_batch(&mut self, seq: u64, at: Moment) {
        (self.batch, self.is_told) = (Some((seq, at)), false);
    }
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
        if event.kind.begins_batch() || kept.is_told && is_change(&event) {
            kept.begin_batch(seq, event.at);
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

    /// Somebody was told what came of all changes up to that event: those after it are of another batch.
    pub fn end_batch(&self, told: u64) {
        let mut kept = self.lock();
        let newer = kept.events.iter().rev().take_while(|event| event.seq > told);
        match newer.filter(|event| is_change(event)).last().map(|event| (event.seq, event.at)) {
            None => kept.is_told = true,
            Some((seq, at)) if kept.batch.is_some_and(|(begun, _)| begun <= told) => kept.begin_batch(seq, at),
            Some(_) => {}
        }
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

fn is_change(event: &GroupEvent) -> bool {
    matches!(event.kind, GroupEventKind::Change { .. })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{ChangeKind, RuleSource};

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

    #[test]
    fn what_was_told_is_not_told_again_with_the_next_change() {
        let log = EventLog::default();
        let change = |at: u64, begins| {
            let rule = Rule { source: RuleSource::GroupAlso, line: None, file: None, pattern: "**".into() };
            let kind = ChangeKind::Modified;
            let kind = GroupEventKind::Change { path: "a".into(), kind, services: Arc::new([]), rule, begins };
            log.push(GroupEvent::new(Moment::from_millis(at), None, None, kind)).seq
        };
        let batch = || log.last_batch().map(|(seq, at)| (seq, at.since_start().as_millis()));
        let first = change(100, true);
        change(110, false);
        assert_eq!(batch(), Some((1, 100)));
        log.end_batch(2);
        assert_eq!(batch(), Some((1, 100)), "the same for who asks again");
        assert_eq!((change(120, false), change(130, false), batch()), (3, 4, Some((3, 120))));
        log.end_batch(first);
        assert_eq!(batch(), Some((3, 120)), "of an earlier one");
        log.end_batch(3);
        assert_eq!(batch(), Some((4, 130)), "it came after what was told");
    }
}
