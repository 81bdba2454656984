//! The terminal that devgroup was started in, as it was before.

use std::time::Duration;

use nix::unistd::{getpgrp, tcgetpgrp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{OptionalActions, QueueSelector, Termios, isatty, tcflush, tcgetattr, tcsetattr};

/// How long a terminal that reads nothing may delay a line.
const PATIENCE: Duration = Duration::from_millis(200);

/// How the terminal was.
pub(super) struct SavedTerminal {
    modes: Option<Termios>,
    leave: &'static str,
}

impl SavedTerminal {
    /// Looks at the terminal, if there is one.
    pub(super) fn remember(leave: &'static str) -> Self {
        Self { modes: tcgetattr(stdin()).ok(), leave }
    }

    /// Whether we were started in one.
    pub(super) fn is_there(&self) -> bool {
        self.modes.is_some()
    }

    /// Puts the terminal back if the program left it changed. The modes of the line tell: a dashboard changes them
    /// first and gives them back last. While somebody else has the terminal (a shell, after its user has stopped us), it
    /// is theirs. What is to be seen on it goes out if it takes that within `patience`.
    pub(super) fn restore(&self, patience: Duration) {
        let Some(before) = &self.modes else { return };
        let is_ours = tcgetpgrp(stdin()).is_ok_and(|foreground| foreground == getpgrp());
        let changed = tcgetattr(stdin()).is_ok_and(|now| !is_same(&now, before));
        if !is_ours || !changed {
            return;
        }
        if isatty(stdout()) && is_writable(stdout(), patience) {
            let _ = rustix::io::write(stdout(), self.leave.as_bytes());
        }
        // What the mouse has reported meanwhile is not for the shell. Nothing can be done about errors.
        let _ = tcflush(stdin(), QueueSelector::IFlush);
        let _ = tcsetattr(stdin(), OptionalActions::Now, before);
    }
}

fn is_same(one: &Termios, other: &Termios) -> bool {
    let modes = |modes: &Termios| (modes.input_modes, modes.output_modes, modes.control_modes, modes.local_modes);
    modes(one) == modes(other)
}

fn is_writable(output: std::os::fd::BorrowedFd<'_>, patience: Duration) -> bool {
    let patience = Timespec::try_from(patience).ok();
    matches!(poll(&mut [PollFd::new(&output, PollFlags::OUT)], patience.as_ref()), Ok(ready) if ready > 0)
}

/// Writes a line to stderr, if it takes one.
pub(super) fn write_stderr_line(line: &str) {
    if is_writable(stderr(), PATIENCE) {
        let _ = rustix::io::write(stderr(), format!("{line}\n").as_bytes());
    }
}
