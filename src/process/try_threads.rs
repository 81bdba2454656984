//! The threads of tries. One that has carried a try through waits a moment for the next one: to begin and to end a thread
//! takes about as long as all that is written of a short try.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a thread waits for its next try.
const PATIENCE: Duration = Duration::from_secs(1);

/// The stack of a thread. Only what is used takes memory.
const STACK: usize = 1 << 20;

/// Carries a try through.
type Work = Box<dyn FnOnce() + Send>;

/// All threads that carry tries through.
#[derive(Default)]
pub(super) struct TryThreads {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// Never more than there are threads that wait for one.
    tries: VecDeque<Work>,
    threads: usize,
}

impl TryThreads {
    /// Has a thread carry a try through: one that waits, or a new one.
    ///
    /// # Errors
    /// There is none, and none can be started.
    pub(super) fn run(self: &Arc<Self>, work: Work) -> io::Result<()> {
        let mut waiting = self.waiting();
        if waiting.tries.len() < waiting.threads {
            waiting.tries.push_back(work);
            self.more.notify_one();
            return Ok(());
        }
        drop(waiting);
        let all = Arc::clone(self);
        let thread = thread::Builder::new().name("try".into()).stack_size(STACK);
        thread.spawn(move || {
            work();
            while let Some(work) = all.next() {
                work();
            }
        })?;
        Ok(())
    }

    /// The next try; `None` if none came.
    fn next(&self) -> Option<Work> {
        let mut waiting = self.waiting();
        waiting.threads += 1;
        let is_idle = |waiting: &mut Waiting| waiting.tries.is_empty();
        let waited = self.more.wait_timeout_while(waiting, PATIENCE, is_idle);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.threads -= 1;
        waiting.tries.pop_front()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(30);

    #[test]
    fn a_thread_that_waits_takes_the_next_try_and_a_busy_one_is_not_waited_for() {
        let threads = Arc::<TryThreads>::default();
        let (tell, told) = channel();
        let say = || {
            let tell = tell.clone();
            Box::new(move || tell.send(thread::current().id()).unwrap())
        };
        let (free, busy) = channel::<()>();
        threads.run(Box::new(move || assert!(busy.recv().is_err()))).unwrap();
        threads.run(say()).unwrap();
        let second = told.recv_timeout(DEADLINE).unwrap();
        while threads.waiting().threads == 0 {
            thread::yield_now();
        }
        threads.run(say()).unwrap();
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), second, "it has waited");
        drop(free);
        // Both at once: neither waits behind the other.
        while threads.waiting().threads < 2 {
            thread::yield_now();
        }
        let (first, other) = (channel::<()>(), channel::<()>());
        let ends = [first.0, other.0];
        let tries = [first.1, other.1].map(|end| {
            let tell = tell.clone();
            Box::new(move || {
                tell.send(thread::current().id()).unwrap();
                assert!(end.recv().is_err());
            })
        });
        for work in tries {
            threads.run(work).unwrap();
        }
        let ids = [told.recv_timeout(DEADLINE).unwrap(), told.recv_timeout(DEADLINE).unwrap()];
        assert_ne!(ids[0], ids[1]);
        drop(ends);
    }

    #[test]
    fn a_try_that_panics_takes_its_thread_alone_along() {
        let threads = Arc::<TryThreads>::default();
        let (tell, told) = channel();
        threads.run(Box::new(|| std::panic::resume_unwind(Box::new("a bug")))).unwrap();
        threads.run(Box::new(move || tell.send(()).unwrap())).unwrap();
        told.recv_timeout(DEADLINE).unwrap();
    }
}
