//! What the operating system has said and nobody has looked at yet: a bounded set of paths, and a way to wake the
//! watcher's thread. Putting something in never waits for anything but this lock, which is never held for long.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::domain::{Answer, GroupSpec, Moment};

/// What was said about a path since it was last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// It appeared here.
    pub(super) created: bool,
    /// It was written to.
    pub(super) written: bool,
    /// It was closed after it had been open for writing.
    pub(super) closed: bool,
    /// It was renamed to here.
    pub(super) moved_in: bool,
    /// It was renamed to elsewhere.
    pub(super) moved_out: bool,
    /// It was removed.
    pub(super) removed: bool,
}

impl Marks {
    pub(super) fn join(&mut self, other: Self) {
        self.created |= other.created;
        self.written |= other.written;
        self.closed |= other.closed;
        self.moved_in |= other.moved_in;
        self.moved_out |= other.moved_out;
        self.removed |= other.removed;
    }
}

/// A path to look at.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) path: PathBuf,
    pub(super) marks: Marks,
    /// Of the last event.
    pub(super) at: Moment,
}

/// A path to explain, and where the answer goes.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) path: PathBuf,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What the watcher's thread takes at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// In order of their first event.
    pub(super) noted: Vec<Noted>,
    /// Events were lost: look everywhere.
    pub(super) sweep: bool,
    /// New rules.
    pub(super) spec: Option<Arc<GroupSpec>>,
    /// What somebody wants explained.
    pub(super) questions: Vec<Question>,
    /// The end.
    pub(super) stop: bool,
}

/// The set.
#[derive(Debug, Default)]
pub(super) struct Pending {
    said: Mutex<Said>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    /// With the number of the first event, for the order.
    paths: HashMap<PathBuf, (u64, Marks, Moment)>,
    next: u64,
    sweep: bool,
    spec: Option<Arc<GroupSpec>>,
    questions: Vec<Question>,
    stop: bool,
}

impl Said {
    fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.is_urgent()
    }

    fn is_urgent(&self) -> bool {
        self.sweep || self.stop || self.spec.is_some() || !self.questions.is_empty()
    }
}

impl Pending {
    /// Paths kept; beyond it one look everywhere is cheaper, and the memory stays bounded.
    pub(super) const CAPACITY: usize = 16_384;
    /// Questions that may wait.
    const QUESTIONS: usize = 256;
    /// After the first event of a batch: time for the rest of the same save (create, write, close) to arrive.
    const GATHER: Duration = Duration::from_millis(1);

    /// Notes what was said about a path.
    pub(super) fn note(&self, path: PathBuf, marks: Marks, at: Moment) {
        let mut said = self.lock();
        if said.sweep {
            // Everything will be looked at anyway.
            return;
        }
        let was_empty = said.is_empty();
        let number = said.next;
        said.next += 1;
        let (_, known, last) = said.paths.entry(path).or_insert((number, Marks::default(), at));
        known.join(marks);
        *last = at;
        if said.paths.len() > Self::CAPACITY {
            said.paths = HashMap::new();
            said.sweep = true;
        }
        if was_empty {
            self.wake.notify_one();
        }
    }

    /// Events were lost.
    pub(super) fn note_loss(&self) {
        let mut said = self.lock();
        said.paths = HashMap::new();
        said.sweep = true;
        self.wake.notify_one();
    }

    /// Hands over new rules; of several, the last.
    pub(super) fn respec(&self, spec: Arc<GroupSpec>) {
        self.lock().spec = Some(spec);
        self.wake.notify_one();
    }

    /// Asks for an explanation. One that comes when too many wait is dropped, and its asker told by that.
    pub(super) fn ask(&self, question: Question) {
        let mut said = self.lock();
        if said.questions.len() < Self::QUESTIONS {
            said.questions.push(question);
            self.wake.notify_one();
        }
    }

    /// Asks the thread to end.
    pub(super) fn stop(&self) {
        self.lock().stop = true;
        self.wake.notify_one();
    }

    /// Whether the thread was asked to end.
    pub(super) fn stopped(&self) -> bool {
        self.lock().stop
    }

    /// Whether there is something to take.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Waits until there is something, and takes it all.
    pub(super) fn wait(&self) -> Batch {
        let mut said = self.lock();
        while said.is_empty() {
            said = self.wake.wait(said).unwrap_or_else(PoisonError::into_inner);
        }
        if !said.is_urgent() {
            drop(said);
            std::thread::sleep(Self::GATHER);
            said = self.lock();
        }
        let mut noted: Vec<_> = said.paths.drain().collect();
        let batch = Batch {
            noted: Vec::new(),
            sweep: std::mem::take(&mut said.sweep),
            spec: said.spec.take(),
            questions: std::mem::take(&mut said.questions),
            stop: said.stop,
        };
        drop(said);
        noted.sort_unstable_by_key(|(_, (number, ..))| *number);
        Batch { noted: noted.into_iter().map(|(path, (_, marks, at))| Noted { path, marks, at }).collect(), ..batch }
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        // Nothing in here can be left half done by a panic.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: Marks =
        Marks { created: true, written: false, closed: false, moved_in: false, moved_out: false, removed: false };
    const CLOSED: Marks = Marks { created: false, closed: true, ..CREATED };

    #[test]
    fn events_of_a_path_are_one_and_keep_their_order() {
        let pending = Pending::default();
        pending.note("b".into(), CREATED, Moment::from_millis(1));
        pending.note("a".into(), CREATED, Moment::from_millis(2));
        pending.note("b".into(), CLOSED, Moment::from_millis(3));
        let batch = pending.wait();
        let seen: Vec<_> = batch.noted.iter().map(|noted| (noted.path.to_str(), noted.marks, noted.at)).collect();
        let both = Marks { closed: true, ..CREATED };
        let expected = [(Some("b"), both, Moment::from_millis(3)), (Some("a"), CREATED, Moment::from_millis(2))];
        assert_eq!(seen, expected);
        assert!(pending.is_empty());
    }

    #[test]
    fn too_many_paths_become_one_sweep() {
        let pending = Pending::default();
        for n in 0..2 * Pending::CAPACITY {
            pending.note(n.to_string().into(), CREATED, Moment::START);
            assert!(pending.lock().paths.len() <= Pending::CAPACITY);
        }
        let batch = pending.wait();
        assert!(batch.sweep && batch.noted.is_empty());
        assert!(pending.is_empty(), "the next batch begins anew");
    }

    #[test]
    fn a_loss_is_a_sweep_and_of_several_rules_the_last_counts() {
        let pending = Pending::default();
        pending.note("a".into(), CREATED, Moment::START);
        pending.note_loss();
        pending.stop();
        let batch = pending.wait();
        assert!(batch.sweep && batch.stop && batch.noted.is_empty() && batch.spec.is_none());
    }
}
