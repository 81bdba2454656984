//! Where runs wait to which nothing happens: all on one thread, which gives each a thread of its own with the first news. Of a
//! thousand services that wait for requests, a thousand threads would be 26 MB of stacks and of what the allocator keeps for
//! each thread.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::run::Run;
use crate::domain::plain_error;

/// When a run could get no thread, it is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// The stack of a thread. Only what is used takes memory.
const STACK: usize = 1 << 20;

/// The thread, which ends when this is dropped: with the host and its last run.
#[derive(Default)]
pub(super) struct QuietRuns {
    /// `None`: there could be no such thread.
    thread: OnceLock<Option<Thread>>,
}

struct Thread {
    runtime: Handle,
    _stop: oneshot::Sender<()>,
}

impl QuietRuns {
    /// A run waits here for news.
    ///
    /// # Errors
    /// There is nobody to wait; the run is given back.
    pub(super) fn take(&self, mut run: Box<Run>) -> Result<(), Box<Run>> {
        let begin =
            || begin().inspect_err(|error| log::warn!("quiet services keep their threads: {}", plain_error(error)));
        let Some(thread) = self.thread.get_or_init(|| begin().ok()) else { return Err(run) };
        if run.handles().is_none() {
            return Err(run);
        }
        thread.runtime.spawn(async move {
            if let Some(handles) = run.handles()
                && let Err(error) = news(handles).await
            {
                log::warn!("{} keeps its thread: {}", run.service(), plain_error(&error));
                run.keep_thread();
            }
            while let Err(unserved) = serve(run) {
                run = unserved;
                tokio::time::sleep(AGAIN).await;
            }
        });
        Ok(())
    }
}

fn begin() -> io::Result<Thread> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let thread = Thread { runtime: runtime.handle().clone(), _stop: stop };
    thread::Builder::new().name("quiet runs".into()).spawn(move || {
        // An error is what it waits for: the sender is gone.
        let _ = runtime.block_on(stopped);
    })?;
    Ok(thread)
}

/// Waits until one of the handles has news.
async fn news(handles: [(BorrowedFd<'_>, Interest); 3]) -> io::Result<()> {
    let [woken, exit, terminal] = handles.map(|(handle, interest)| register(handle, interest));
    let (woken, exit, terminal) = (woken?, exit?, terminal?);
    let of_terminal = handles[2].1;
    tokio::select! {
        ready = woken.readable() => ready.map(drop),
        ready = exit.readable() => ready.map(drop),
        ready = terminal.ready(of_terminal) => ready.map(drop),
    }
}

#[expect(deprecated, reason = "what replaces it is unsafe; the handle outlives it, so this is sound")]
fn register(handle: BorrowedFd<'_>, interest: Interest) -> io::Result<AsyncFd<BorrowedFd<'_>>> {
    AsyncFd::with_interest(handle, interest)
}

/// Gives a run a thread.
///
/// # Errors
/// There is none; the run is given back.
pub(super) fn serve(run: Box<Run>) -> Result<(), Box<Run>> {
    let (give, given) = channel::<Box<Run>>();
    let work = move || given.into_iter().for_each(Run::carry_on);
    match thread::Builder::new().name(format!("run {}", run.service())).stack_size(STACK).spawn(work) {
        Ok(_) => give.send(run).map_err(|unsent| unsent.0),
        Err(error) => {
            log::warn!("cannot start a thread for {}: {}", run.service(), plain_error(&error));
            Err(run)
        }
    }
}
