//! Paths that the operating system has reported and the watcher has not looked at yet: a bounded set, and a way to wake
//! the watcher's thread. Adding a path waits only for this lock, which is never held for long.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::domain::{Answer, FileReader, GroupSpec, Moment, ServiceName};

/// What was said about a path since it was last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EventFlags {
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
    /// Whether the last that came or went left something here. Not known where events have no order.
    pub(super) left: Option<bool>,
}

impl EventFlags {
    /// Nothing was said.
    pub(super) const NONE: Self = Self {
        created: false,
        written: false,
        closed: false,
        moved_in: false,
        moved_out: false,
        removed: false,
        left: None,
    };

    /// Adds what was said later.
    pub(super) fn join(&mut self, other: Self) {
        self.created |= other.created;
        self.written |= other.written;
        self.closed |= other.closed;
        self.moved_in |= other.moved_in;
        self.moved_out |= other.moved_out;
        self.removed |= other.removed;
        self.left = other.left.or(self.left);
    }
}

/// A path to look at.
#[derive(Debug)]
pub(super) struct PathEvent {
    pub(super) path: PathBuf,
    pub(super) flags: EventFlags,
    /// Of the first event.
    pub(super) since: Moment,
    /// Of the last event. No two events have the same moment: what came later is later.
    pub(super) at: Moment,
}

/// What the event thread has read at once.
#[derive(Debug, Default)]
pub(super) struct RawEvents {
    /// Paths and what happened there, in the order of the events.
    pub(super) notes: Vec<(PathBuf, EventFlags)>,
    /// Events were lost.
    pub(super) loss: bool,
    /// The highest number of a cookie that has come back; 0 for none.
    pub(super) cookie: u64,
    /// Something was mounted or unmounted, a folder above was renamed, or one that could not be read may be readable now.
    pub(super) places: bool,
}

/// A path to explain, and where the answer goes.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) path: PathBuf,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What the loop asks of the watcher's thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Which files of these services differ from their baselines.
    Compare {
        ask: u64,
        services: Vec<FileReader>,
        /// After all that has happened until now is known.
        sync: bool,
    },
    /// These services know what has changed until then; with `sync` also what has not been heard of yet.
    Baseline { services: Vec<ServiceName>, at: Moment, sync: bool },
    /// Everything is held, or nothing is any more.
    Held(bool),
    /// Say so when all that has happened until now has been reported.
    CatchUp(u64),
    /// The files of the group could not be used. One of them may have become unreadable since they were looked at.
    GroupRefused,
}

/// What the watcher's thread takes at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// In order of their first event.
    pub(super) path_events: Vec<PathEvent>,
    /// Events were lost: look everywhere.
    pub(super) sweep: bool,
    /// The folders that walks begin at may be others now: something was mounted, or a folder above them renamed.
    pub(super) places: bool,
    /// The group as its file says it now, if it was read again.
    pub(super) spec: Option<Arc<GroupSpec>>,
    /// What the loop asks for, in order.
    pub(super) requests: Vec<Request>,
    /// What somebody wants explained.
    pub(super) questions: Vec<Question>,
    /// The watcher is to end.
    pub(super) stop: bool,
}

/// What waits for the watch loop: a bounded set of paths, and requests.
#[derive(Debug, Default)]
pub(super) struct Pending {
    said: Mutex<Said>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    /// With the moments of the first and the last event.
    paths: HashMap<PathBuf, (Moment, EventFlags, Moment)>,
    /// Of the last event of all.
    last: Option<Moment>,
    sweep: bool,
    places: bool,
    spec: Option<Arc<GroupSpec>>,
    requests: Vec<Request>,
    /// The highest number of a cookie that has come back.
    cookie: u64,
    questions: Vec<Question>,
    stop: bool,
}

impl Said {
    fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.is_urgent()
    }

    fn is_urgent(&self) -> bool {
        self.sweep
            || self.places
            || self.stop
            || self.spec.is_some()
            || !self.requests.is_empty()
            || !self.questions.is_empty()
    }
}

impl Pending {
    /// Paths kept; beyond it one look everywhere is cheaper, and the memory stays bounded.
    pub(super) const CAPACITY: usize = 16_384;
    /// Questions that may wait.
    const QUESTIONS: usize = 256;
    /// After the first event of a batch: time for the rest of the same save (create, write, close) to arrive.
    const GATHER: Duration = Duration::from_millis(1);

    /// Notes what was heard. Of a path that is in the set already, one entry stays.
    pub(super) fn note_all(&self, raw_events: RawEvents, at: Moment) {
        let mut said = self.lock();
        said.sweep |= raw_events.loss;
        said.places |= raw_events.places;
        said.cookie = said.cookie.max(raw_events.cookie);
        for (path, flags) in raw_events.notes {
            if said.sweep {
                // Everything will be looked at anyway.
                break;
            }
            // They are read faster than one after the other, and what was first matters (git's lock, then a file).
            let at = said.last.map_or(at, |last| at.max(last + Duration::from_nanos(1)));
            said.last = Some(at);
            let (_, known, last) = said.paths.entry(path).or_insert((at, EventFlags::default(), at));
            known.join(flags);
            *last = at;
            said.sweep = said.paths.len() > Self::CAPACITY;
        }
        if said.sweep {
            said.paths = HashMap::new();
        }
        drop(said);
        self.wake.notify_one();
    }

    /// Nobody tells any more when a write ends: what was heard of so far counts as ended.
    pub(super) fn end_writes(&self) {
        self.lock().paths.values_mut().for_each(|(_, flags, _)| flags.closed = true);
    }

    /// Hands over new rules; of several, the last.
    pub(super) fn respec(&self, spec: Arc<GroupSpec>) {
        self.lock().spec = Some(spec);
        self.wake.notify_one();
    }

    /// Hands over what the loop asks for.
    pub(super) fn request(&self, request: Request) {
        self.lock().requests.push(request);
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

    /// Waits until there is something, at most so long, and takes it all.
    pub(super) fn wait(&self, patience: Option<Duration>) -> Batch {
        let empty = |said: &mut Said| said.is_empty();
        let said = self.lock();
        let mut said = match patience {
            None => self.wake.wait_while(said, empty).unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                self.wake.wait_timeout_while(said, patience, empty).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        if !said.is_urgent() && !said.paths.is_empty() {
            drop(said);
            std::thread::sleep(Self::GATHER);
            said = self.lock();
        }
        let paths = std::mem::take(&mut said.paths);
        let batch = Batch {
            path_events: Vec::new(),
            sweep: std::mem::take(&mut said.sweep),
            places: std::mem::take(&mut said.places),
            spec: said.spec.take(),
            requests: std::mem::take(&mut said.requests),
            questions: std::mem::take(&mut said.questions),
            stop: said.stop,
        };
        drop(said);
        Batch { path_events: in_order(paths), ..batch }
    }

    /// Waits until this cookie has come back, and takes what was said about files until then. What else was asked stays
    /// for [`Pending::wait`]. The second value: whether all that was said before the cookie is in the batch, which a
    /// sweep also makes sure of.
    pub(super) fn wait_for_cookie(&self, number: u64, patience: Duration) -> (Batch, bool) {
        let waits = |said: &mut Said| said.cookie < number && !said.sweep && !said.stop;
        let said = self.lock();
        let (mut said, _) = self.wake.wait_timeout_while(said, patience, waits).unwrap_or_else(PoisonError::into_inner);
        let complete = said.cookie >= number || said.sweep;
        let paths = std::mem::take(&mut said.paths);
        let sweep = std::mem::take(&mut said.sweep);
        drop(said);
        (Batch { path_events: in_order(paths), sweep, ..Batch::default() }, complete)
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        // Nothing in here can be left half done by a panic.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_order(paths: HashMap<PathBuf, (Moment, EventFlags, Moment)>) -> Vec<PathEvent> {
    // Not under the lock: the event thread may be waiting for it.
    let mut path_events: Vec<_> = paths.into_iter().collect();
    path_events.sort_unstable_by_key(|(_, (since, ..))| *since);
    path_events.into_iter().map(|(path, (since, flags, at))| PathEvent { path, flags, since, at }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: EventFlags = EventFlags { created: true, left: Some(true), ..EventFlags::NONE };
    const CLOSED: EventFlags = EventFlags { closed: true, ..EventFlags::NONE };
    const REMOVED: EventFlags = EventFlags { removed: true, left: Some(false), ..EventFlags::NONE };

    fn raw_events_of(path: &str, flags: EventFlags) -> RawEvents {
        RawEvents { notes: vec![(path.into(), flags)], ..RawEvents::default() }
    }

    fn note_events(pending: &Pending, raw_events: RawEvents, at: u64) {
        pending.note_all(raw_events, Moment::from_millis(at));
    }

    /// Half of a write whose end is never told would be waited for.
    #[test]
    fn what_was_heard_of_watches_that_are_given_up_is_whole() {
        let pending = Pending::default();
        note_events(&pending, raw_events_of("a", CREATED), 1);
        pending.end_writes();
        let flags: Vec<_> = pending.wait(None).path_events.iter().map(|event| event.flags).collect();
        assert_eq!(flags, [EventFlags { closed: true, ..CREATED }]);
    }

    #[test]
    fn events_of_a_path_are_one_and_keep_their_order() {
        let pending = Pending::default();
        note_events(&pending, raw_events_of("b", CREATED), 1);
        note_events(&pending, raw_events_of("a", CREATED), 2);
        note_events(&pending, raw_events_of("b", CLOSED), 3);
        let batch = pending.wait(None);
        let seen: Vec<_> = batch.path_events.iter().map(|event| (event.path.to_str(), event.flags, event.at)).collect();
        let both = EventFlags { closed: true, ..CREATED };
        let expected = [(Some("b"), both, Moment::from_millis(3)), (Some("a"), CREATED, Moment::from_millis(2))];
        assert_eq!(seen, expected);
        assert!(pending.is_empty());
    }

    #[test]
    fn what_came_and_went_keeps_which_was_last() {
        let pending = Pending::default();
        let left_after = |events: &[EventFlags]| {
            events.iter().for_each(|flags| note_events(&pending, raw_events_of("a", *flags), 1));
            pending.wait(None).path_events.first().map(|event| event.flags.left)
        };
        assert_eq!(left_after(&[CREATED, REMOVED]), Some(Some(false)));
        assert_eq!(left_after(&[CREATED, REMOVED, CREATED, CLOSED]), Some(Some(true)));
        assert_eq!(left_after(&[CLOSED]), Some(None));
    }

    #[test]
    fn too_many_paths_become_one_sweep() {
        let pending = Pending::default();
        for n in 0..2 * Pending::CAPACITY {
            note_events(&pending, raw_events_of(&n.to_string(), CREATED), 0);
            assert!(pending.lock().paths.len() <= Pending::CAPACITY);
        }
        let batch = pending.wait(None);
        assert!(batch.sweep && batch.path_events.is_empty());
        assert!(pending.is_empty(), "the next batch begins anew");
    }

    #[test]
    fn a_loss_is_a_sweep_and_of_several_rules_the_last_counts() {
        let pending = Pending::default();
        note_events(&pending, raw_events_of("a", CREATED), 0);
        note_events(&pending, RawEvents { loss: true, ..RawEvents::default() }, 0);
        pending.stop();
        let batch = pending.wait(None);
        assert!(batch.sweep && batch.stop && batch.path_events.is_empty() && batch.spec.is_none());
    }

    #[test]
    fn a_cookie_that_comes_back_brings_all_before_it_and_leaves_what_was_asked() {
        let pending = Pending::default();
        note_events(&pending, raw_events_of("a", CREATED), 0);
        note_events(&pending, RawEvents { cookie: 3, ..RawEvents::default() }, 0);
        pending.stop();
        let (batch, complete) = pending.wait_for_cookie(2, Duration::ZERO);
        assert!(complete && batch.path_events.len() == 1 && !batch.stop);
        note_events(&pending, raw_events_of("b", CREATED), 0);
        let (batch, complete) = pending.wait_for_cookie(4, Duration::ZERO);
        assert!(!complete && batch.path_events.len() == 1, "silent: what there is, is taken nevertheless");
        note_events(&pending, RawEvents { loss: true, ..RawEvents::default() }, 0);
        let (batch, complete) = pending.wait_for_cookie(5, Duration::ZERO);
        assert!(complete && batch.sweep, "the cookie may be among what was lost");
        assert!(pending.wait(None).stop);
    }

    #[test]
    fn a_wait_ends_with_its_patience() {
        let pending = Pending::default();
        let batch = pending.wait(Some(Duration::ZERO));
        assert!(batch.path_events.is_empty() && !batch.sweep && !batch.stop);
        note_events(&pending, RawEvents { places: true, ..RawEvents::default() }, 0);
        assert!(pending.wait(None).places);
    }
}
