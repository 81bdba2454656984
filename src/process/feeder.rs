//! The second thread of a run that floods: it feeds the log while the run's thread goes on reading the terminal, which
//! holds so little that the process would otherwise stand still meanwhile.
//!
//! It is there only as long as the flood is, and stays awake: a terminal passes its output on in 4 KiB, from the process
//! to the kernel's worker to us, and a processor that falls asleep at each of these steps and has to be woken for the
//! next takes longer for that than for the work. Measured with 200 MB of plain lines on two virtual processors: 3.7 s
//! with a feeder that sleeps, 1.9 s with one that yields, for a fifth more CPU time; a lone reader takes 3.1 s.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle, yield_now};
use std::time::Duration;

use super::launch::Launch;
use super::live_run::LiveRun;
use crate::clock::Clock;
use crate::domain::Moment;
use crate::logs::Fed;

/// Bytes that wait to be fed; whoever brings more waits. As many again are being fed.
const WAITING: usize = 512 << 10;

/// What the log is fed at once. Readers get their turn after each.
pub(super) const PIECE: usize = 64 << 10;

/// How long less than a piece waits for more, and how long the thread stays awake for it.
const WAKEFUL: Duration = Duration::from_millis(4);

/// How long it then sleeps at a time, if nothing came.
const NAP: Duration = Duration::from_millis(2);

/// Naps without anything new after which the flood is over: with the wakeful times between them, 120 ms.
const NAPS: u32 = 20;

/// So much within …
const FLOOD: usize = 1 << 20;

/// … such a time is a flood.
const WINDOW: Duration = Duration::from_millis(100);

/// Half of the processors may feed: where more runs flood than that, further threads only take the time of those that
/// draw, and of a single processor, that of the reader.
static ROOM: LazyLock<AtomicUsize> = LazyLock::new(|| AtomicUsize::new(processors() / 2));

/// As many as there are, or as the share of a container comes to.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The leave for one thread, until it is dropped.
struct Leave;

impl Leave {
    fn reserve() -> Option<Self> {
        let one_less = |room: usize| room.checked_sub(1);
        ROOM.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok().map(|_| Self)
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        ROOM.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tells whether a run floods, by what was read of it.
#[derive(Default)]
pub(super) struct Gauge {
    since: Moment,
    bytes: usize,
    flooding: bool,
}

impl Gauge {
    /// So much was read now. Whether that makes a flood.
    pub(super) fn read(&mut self, bytes: usize, now: Moment) -> bool {
        if now.since(self.since) > WINDOW {
            self.flooding = self.flooding && self.bytes >= FLOOD && now.since(self.since) <= 2 * WINDOW;
            (self.since, self.bytes) = (now, 0);
        }
        self.bytes += bytes;
        self.flooding |= self.bytes >= FLOOD;
        self.flooding
    }
}

/// Feeds the log of a run, which is read and reaped to its end, and its group ended, even if its log has a bug.
pub(super) fn feed(launch: &Launch, bytes: &[u8]) -> Fed {
    catch_unwind(AssertUnwindSafe(|| launch.document.feed(bytes))).unwrap_or_else(|_| {
        log::error!("the log of {} lost {} bytes", launch.service, bytes.len());
        Fed::default()
    })
}

/// The way to the thread.
pub(super) struct Feeder {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    _leave: Option<Leave>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<FeederState>,
    /// A piece waits, or nothing more will come: what the thread looks at while it stays awake.
    enough: AtomicBool,
    /// Something is to be fed, or nothing more will come.
    arrived: Condvar,
    /// What waited was taken.
    taken: Condvar,
}

#[derive(Default)]
struct FeederState {
    waiting: Vec<u8>,
    /// The thread sleeps.
    asleep: bool,
    /// Whoever brings output waits for room.
    crowded: bool,
    /// Nothing more will come.
    closed: bool,
    /// The thread takes nothing any more.
    ended: bool,
}

impl Feeder {
    /// Starts the thread, unless enough others feed, or the system has none for it.
    pub(super) fn start(launch: &Launch, live: &Arc<LiveRun>, clock: Clock) -> Option<Self> {
        let leave = Leave::reserve()?;
        let shared = Arc::<Shared>::default();
        let (its, launch, live) = (shared.clone(), launch.clone(), live.clone());
        let thread = Builder::new().name(format!("feed {}", launch.service));
        let thread = thread.spawn(move || its.feed_all(clock, |bytes| live.report_fed(feed(&launch, bytes)))).ok()?;
        Some(Self { shared, thread, _leave: Some(leave) })
    }

    /// Hands output over, and waits while too much of it waits. False: the thread has ended, having fed all before this.
    pub(super) fn push_output(&self, bytes: &[u8]) -> bool {
        let mut state = self.shared.state();
        while !state.ended && state.waiting.len() + bytes.len() > WAITING {
            state.crowded = true;
            state = self.shared.taken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.ended {
            return false;
        }
        state.waiting.extend_from_slice(bytes);
        if state.waiting.len() >= PIECE {
            self.shared.enough.store(true, Ordering::Relaxed);
            if std::mem::take(&mut state.asleep) {
                self.shared.arrived.notify_one();
            }
        }
        true
    }

    /// Waits until all is fed.
    pub(super) fn finish(self) {
        self.shared.state().closed = true;
        self.shared.enough.store(true, Ordering::Relaxed);
        self.shared.arrived.notify_one();
        // It catches what its log panics with.
        let _ = self.thread.join();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, FeederState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn feed_all(&self, clock: Clock, feed: impl Fn(&[u8])) {
        let mut bytes = Vec::new();
        while self.next(clock, &mut bytes) {
            bytes.chunks(PIECE).for_each(&feed);
            bytes.clear();
        }
    }

    /// What there is to feed, in exchange for the empty buffer; false when the thread is to end.
    fn next(&self, clock: Clock, empty: &mut Vec<u8>) -> bool {
        let mut naps = 0;
        loop {
            let sleepy = clock.now() + WAKEFUL;
            while !self.enough.load(Ordering::Relaxed) && clock.now() < sleepy {
                yield_now();
            }
            let mut state = self.state();
            if state.waiting.is_empty() && !state.closed {
                state.asleep = true;
                let slept = self.arrived.wait_timeout(state, NAP);
                state = slept.unwrap_or_else(PoisonError::into_inner).0;
                state.asleep = false;
                naps += 1;
            }
            if !state.waiting.is_empty() {
                std::mem::swap(&mut state.waiting, empty);
                self.enough.store(state.closed, Ordering::Relaxed);
                if std::mem::take(&mut state.crowded) {
                    self.taken.notify_one();
                }
                return true;
            }
            if state.closed || naps == NAPS {
                state.ended = true;
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn a_flood_is_much_in_a_short_time() {
        let at = |millis| Moment::after_start(Duration::from_millis(millis));
        let mut gauge = Gauge::default();
        assert!(!gauge.read(FLOOD - 1, at(1000)));
        assert!(!gauge.read(FLOOD - 1, at(2000)), "what is long ago does not count");
        assert!(gauge.read(1, at(2010)));
        assert!(gauge.read(1, at(2110)), "a new window has begun, and the last was full");
        assert!(!gauge.read(1, at(2220)), "the last was not");
        assert!(gauge.read(FLOOD, at(2221)));
        assert!(!gauge.read(1, at(3000)), "silence ends it");
    }

    #[test]
    fn whoever_gives_leave_back_lets_another_in() {
        let taken: Vec<Leave> = std::iter::from_fn(Leave::reserve).collect();
        assert_eq!(taken.len(), processors() / 2);
        drop(taken);
        assert_eq!(Leave::reserve().is_some(), processors() > 1);
    }

    #[test]
    fn all_is_fed_in_order_and_whoever_is_ahead_waits() {
        let shared = Arc::<Shared>::default();
        let fed = Arc::new(Mutex::new(Vec::new()));
        let (its, sink, gate) = (shared.clone(), fed.clone(), Arc::new(Barrier::new(2)));
        let opened = gate.clone();
        let thread = std::thread::spawn(move || {
            opened.wait();
            its.feed_all(Clock::start(), |bytes| sink.lock().unwrap().extend_from_slice(bytes));
        });
        let feeder = Feeder { shared, thread, _leave: None };
        let all: Vec<u8> = (0..8 * WAITING).map(|place| (place / 7 % 251) as u8).collect();
        let (first, rest) = all.split_at(WAITING);
        assert!(first.chunks(1000).all(|part| feeder.push_output(part)), "there is room for so much");
        assert!(fed.lock().unwrap().is_empty());
        gate.wait();
        assert!(rest.chunks(PIECE - 1).all(|part| feeder.push_output(part)));
        feeder.finish();
        assert!(*fed.lock().unwrap() == all);
    }

    #[test]
    fn it_ends_by_itself_when_nothing_comes_and_takes_nothing_then() {
        let shared = Arc::<Shared>::default();
        shared.feed_all(Clock::start(), |_| {});
        let feeder = Feeder { shared, thread: std::thread::spawn(|| {}), _leave: None };
        assert!(!feeder.push_output(b"late"));
        feeder.finish();
    }
}
