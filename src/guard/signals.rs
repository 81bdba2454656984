//! The signals that the guard takes, as something that can be waited for with a deadline.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// What is passed on to the program.
const PASSED_ON: [Signal; 6] =
    [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGUSR2];

/// A signal that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A child has ended, or stopped.
    Child,
    /// For the program, which has not got it.
    PassOn(rustix::process::Signal),
    /// The terminal has sent it to both.
    Both,
    /// We are to stop until we are told to go on (TSTP).
    Stop,
}

/// The signals of the guard, blocked.
pub(super) struct Blocked {
    ours: SigSet,
    before: SigSet,
}

impl Blocked {
    /// Blocks the signals for this thread.
    pub(super) fn new() -> io::Result<Self> {
        let mut ours = SigSet::empty();
        PASSED_ON.into_iter().chain([Signal::SIGCHLD, Signal::SIGTSTP]).for_each(|signal| ours.add(signal));
        let before = ours.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self { ours, before })
    }

    /// What was blocked before.
    pub(super) fn before(&self) -> &SigSet {
        &self.before
    }

    /// Lets through what was let through before, in the program.
    pub(super) fn undo(&self) {
        // Cannot fail for a set that the kernel has given.
        let _ = self.before.thread_set_mask();
    }
}

/// Stops this process, as TSTP does by itself, and returns when it goes on: at once where no shell would see it (in an
/// orphaned process group).
pub(super) fn stop_here() {
    let stop = SigSet::from(Signal::SIGTSTP);
    // None of it can fail for a signal that exists.
    let _ = raise(Signal::SIGTSTP);
    let _ = stop.thread_unblock();
    let _ = stop.thread_block();
}

/// Where the signals arrive.
pub(super) struct Signals(Source);

enum Source {
    #[cfg(target_os = "linux")]
    Handle(by_handle::Source),
    Thread(by_thread::Source),
}

impl Signals {
    /// Makes the blocked signals readable, one after the other.
    pub(super) fn listen(blocked: &Blocked) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if crate::portable::is_linux() {
            return Ok(Self(Source::Handle(by_handle::Source::new(&blocked.ours)?)));
        }
        Ok(Self(Source::Thread(by_thread::Source::new(&blocked.ours)?)))
    }

    /// The next one that has come, without waiting.
    pub(super) fn next(&mut self) -> Option<News> {
        let (number, from_terminal) = match &mut self.0 {
            #[cfg(target_os = "linux")]
            Source::Handle(source) => source.next()?,
            Source::Thread(source) => source.next()?,
        };
        let signal = Signal::try_from(number).ok()?;
        Some(match signal {
            Signal::SIGCHLD => News::Child,
            Signal::SIGTSTP => News::Stop,
            // A terminal that is closed tells only the leader of the session.
            Signal::SIGINT | Signal::SIGQUIT if from_terminal => News::Both,
            other => News::PassOn(rustix::process::Signal::from_named_raw(other as i32)?),
        })
    }

    /// Readable when there is one.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            #[cfg(target_os = "linux")]
            Source::Handle(source) => source.as_fd(),
            Source::Thread(source) => source.as_fd(),
        }
    }

    /// Sleeps until there is one, or something in `other`, or the time is over.
    pub(super) fn wait(&self, other: Option<BorrowedFd<'_>>, timeout: Option<Duration>) {
        let mut handles = vec![PollFd::from_borrowed_fd(self.as_fd(), PollFlags::IN)];
        handles.extend(other.map(|other| PollFd::from_borrowed_fd(other, PollFlags::IN)));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        // An interrupted wait is a short one.
        let _ = poll(&mut handles, timeout.as_ref());
    }
}

#[cfg(target_os = "linux")]
mod by_handle {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd};

    use nix::sys::signal::SigSet;
    use nix::sys::signalfd::{SfdFlags, SignalFd};

    /// `si_code` of what the kernel itself sends (sigaction(2)).
    const SI_KERNEL: i32 = 0x80;

    pub(super) struct Source(SignalFd);

    impl Source {
        pub(super) fn new(set: &SigSet) -> io::Result<Self> {
            Ok(Self(SignalFd::with_flags(set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
        }

        /// The number, and whether the kernel sent it.
        pub(super) fn next(&mut self) -> Option<(i32, bool)> {
            let info = self.0.read_signal().ok()??;
            Some((i32::try_from(info.ssi_signo).ok()?, info.ssi_code == SI_KERNEL))
        }

        pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }
}

mod by_thread {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    use nix::sys::signal::SigSet;
    use nix::unistd::{getpgrp, tcgetpgrp};

    /// Signals by a thread that waits for them and writes their numbers into a pipe.
    pub(super) struct Source(OwnedFd);

    impl Source {
        pub(super) fn new(set: &SigSet) -> io::Result<Self> {
            let (reader, writer) = crate::guard::pipe()?;
            rustix::io::ioctl_fionbio(&reader, true)?;
            let set = *set;
            std::thread::Builder::new().name("signals".into()).stack_size(64 << 10).spawn(move || {
                while let Ok(signal) = set.wait() {
                    let _ = rustix::io::write(&writer, &[signal as u8]);
                }
            })?;
            Ok(Self(reader))
        }

        /// The number, and whether it may well have come from the terminal: nothing tells here.
        pub(super) fn next(&mut self) -> Option<(i32, bool)> {
            let mut number = [0];
            match rustix::io::read(&self.0, &mut number) {
                Ok(1) => {
                    let stdin = rustix::stdio::stdin();
                    Some((i32::from(number[0]), tcgetpgrp(stdin).is_ok_and(|foreground| foreground == getpgrp())))
                }
                _ => None,
            }
        }

        pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }
}
