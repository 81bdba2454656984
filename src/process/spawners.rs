//! The threads on which runs begin. They live as long as the host: the kernel gives the children of a thread that ends to the
//! main thread, among the orphans that we have adopted, and whoever looks for those would have to look at every run.
//!
//! There are few of them: what a thousand starts at once allocate for their environments stays with the allocator, 14 MB that
//! nobody uses any more. One that is held up, by a folder on a file system that does not answer or by hashing the inputs of a
//! job, holds up nobody else: others are then added.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::domain::plain_error;

/// How many there are, if none of them is held up. A start mostly waits, for a processor that the new process gets: beside
/// other work, 1,000 starts took twice as long with 4 threads as with 16.
const THREADS: usize = 16;

/// When all have been busy with the same starts for so long, one is added.
const PATIENCE: Duration = Duration::from_millis(100);

/// What they are called. A child that has not become another program is known by that.
pub(super) const NAME: &str = "devgroup-spawn";

/// The stack of a thread. Only what is used takes memory.
const STACK: usize = 1 << 20;

/// Begins a run.
type Work = Box<dyn FnOnce() + Send>;

/// All threads on which runs begin. They end when this is dropped.
#[derive(Default)]
pub(super) struct Spawners {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is more to begin, or nothing any more.
    more: Condvar,
    /// The same, for the one that adds threads.
    late: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    threads: usize,
    idle: usize,
    /// There is a thread that adds others.
    is_watched: bool,
    /// How many runs were begun, or are being begun.
    begun: u64,
    closed: bool,
}

impl Spawners {
    /// Has one of the threads begin a run.
    ///
    /// # Errors
    /// There is none, and none can be started.
    pub(super) fn begin(&self, work: Work) -> io::Result<()> {
        let mut state = self.shared.state();
        if state.idle <= state.waiting.len() && state.threads < THREADS {
            let added = self.shared.add_thread(&mut state);
            if state.threads == 0 {
                return added;
            }
        }
        if state.threads == THREADS && !state.is_watched {
            // Without it, a start may have to wait for one that is held up.
            let shared = self.shared.clone();
            let thread = thread::Builder::new().name(NAME.into()).stack_size(STACK);
            state.is_watched = thread.spawn(move || shared.add_threads()).is_ok();
        }
        state.waiting.push_back(work);
        drop(state);
        self.shared.more.notify_one();
        self.shared.late.notify_one();
        Ok(())
    }
}

impl Drop for Spawners {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.more.notify_all();
        self.shared.late.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_thread(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let shared = self.clone();
        let thread = thread::Builder::new().name(NAME.into()).stack_size(STACK);
        thread.spawn(move || shared.begin_runs())?;
        state.threads += 1;
        Ok(())
    }

    /// Begins runs, one after the other.
    fn begin_runs(&self) {
        let mut state = self.state();
        loop {
            if let Some(work) = state.waiting.pop_front() {
                state.begun += 1;
                drop(state);
                work();
                state = self.state();
            } else if state.closed {
                return;
            } else {
                state.idle += 1;
                state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }

    /// Adds a thread whenever nobody comes to what waits.
    fn add_threads(self: &Arc<Self>) {
        let mut state = self.state();
        while !state.closed {
            if state.waiting.is_empty() {
                state = self.late.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let begun = state.begun;
            let none_began = |state: &mut State| state.begun == begun && !state.closed;
            let waited = self.late.wait_timeout_while(state, PATIENCE, none_began);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if none_began(&mut state)
                && let Err(error) = self.add_thread(&mut state)
            {
                log::warn!("cannot start another thread that starts services: {}", plain_error(&error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(60);

    #[test]
    fn a_thread_begins_one_run_after_the_other_and_one_that_hangs_holds_up_nobody() {
        let spawners = Spawners::default();
        let (tell, told) = channel();
        let say = || {
            let tell = tell.clone();
            spawners.begin(Box::new(move || tell.send(thread::current().id()).unwrap())).unwrap();
            told.recv_timeout(DEADLINE).unwrap()
        };
        let first = say();
        while spawners.shared.state().idle == 0 {
            thread::yield_now();
        }
        assert_eq!(say(), first);
        let (free, held) = channel::<()>();
        let held = Arc::new(Mutex::new(held));
        for _ in 0..2 * THREADS {
            let held = held.clone();
            spawners.begin(Box::new(move || assert!(held.lock().unwrap().recv().is_err()))).unwrap();
        }
        say();
        assert!(spawners.shared.state().threads > 2 * THREADS);
        drop(free);
        let shared = Arc::downgrade(&spawners.shared);
        drop(spawners);
        while shared.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
