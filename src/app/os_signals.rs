//! Signals of the operating system, as commands.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Sleep, sleep};

use crate::domain::Command;
use crate::process_tree;

/// The shortest time between two looks for orphans that have ended. Tries of tasks may end a thousand times a second, and
/// mostly leave none.
const REAP_EVERY: Duration = Duration::from_millis(20);

/// What the operating system has to say.
pub(crate) enum OsNews {
    /// A signal: its number, and what it asks for.
    Signal(i32, Command),
    /// The guard is gone: nobody waits for us any more, and nobody would clear up after us.
    Alone,
}

/// The signals that end a group. SIGHUP comes when the terminal was closed.
pub(crate) struct OsSignals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hang_up: Signal,
    child: Signal,
    /// Until it is over, nobody looks for orphans.
    rest: Option<Pin<Box<Sleep>>>,
    guard_pipe: Option<Receiver>,
}

impl OsSignals {
    /// Takes the signals over. `guard_pipe`: becomes readable when the guard is gone.
    pub(crate) fn install(guard_pipe: Option<OwnedFd>) -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
            child: signal(SignalKind::child())?,
            rest: None,
            guard_pipe: guard_pipe.map(Receiver::from_owned_fd).transpose()?,
        })
    }

    /// The next news. Cancel-safe. Reaps meanwhile what services have left to us, so it must be asked on the main thread.
    pub(crate) async fn next(&mut self) -> OsNews {
        let ends = |kind: SignalKind| OsNews::Signal(kind.as_raw_value(), Command::Interrupt);
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return ends(SignalKind::interrupt()),
                _ = self.terminate.recv() => return ends(SignalKind::terminate()),
                _ = self.quit.recv() => return ends(SignalKind::quit()),
                // The shell and the terminal may both send it: twice is not "hurry".
                _ = self.hang_up.recv() => return OsNews::Signal(SignalKind::hangup().as_raw_value(), Command::Quit),
                _ = self.child.recv(), if self.rest.is_none() => {
                    process_tree::reap_orphans();
                    self.rest = Some(Box::pin(sleep(REAP_EVERY)));
                }
                () = over(self.rest.as_mut()) => self.rest = None,
                () = broken(self.guard_pipe.as_ref()) => {
                    self.guard_pipe = None;
                    return OsNews::Alone;
                }
            }
        }
    }
}

/// Waits for the end of a rest; for ever without one.
async fn over(rest: Option<&mut Pin<Box<Sleep>>>) {
    match rest {
        Some(rest) => rest.await,
        None => std::future::pending().await,
    }
}

/// Waits for the end of the guard, which never writes.
async fn broken(guard_pipe: Option<&Receiver>) {
    match guard_pipe {
        // An error is no reason to go on alone either.
        Some(guard_pipe) => drop(guard_pipe.readable().await),
        None => std::future::pending().await,
    }
}
