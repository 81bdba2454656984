//! Signals of the operating system, as commands.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::domain::Command;

/// The signals that end a group. SIGHUP comes when the terminal was closed.
pub(crate) struct OsSignals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hang_up: Signal,
}

impl OsSignals {
    /// Takes the signals over.
    pub(crate) fn take() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal: its number, and what it asks for. Cancel-safe.
    pub(crate) async fn next(&mut self) -> (i32, Command) {
        tokio::select! {
            _ = self.interrupt.recv() => (SignalKind::interrupt().as_raw_value(), Command::Interrupt),
            _ = self.terminate.recv() => (SignalKind::terminate().as_raw_value(), Command::Interrupt),
            _ = self.quit.recv() => (SignalKind::quit().as_raw_value(), Command::Interrupt),
            // The shell and the terminal may both send it: twice is not "hurry".
            _ = self.hang_up.recv() => (SignalKind::hangup().as_raw_value(), Command::Quit),
        }
    }
}
