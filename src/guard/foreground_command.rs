//! A command that is run to its end in our place: in the same terminal and process group, so that job control and
//! Ctrl-C are its own; what is sent to us alone is passed on.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn, posix_spawnp};
use nix::sys::signal::{SigSet, Signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitOptions, getpid, kill_process, waitpid};

use super::signals::{Blocked, News, Signals, stop_here};
use super::sweep::{Spared, sweep};
use crate::clock::Clock;
use crate::domain::{ExitStatus, Moment};
use crate::process_tree::{self, Process};

/// How long what the command has left may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// How long the command may take to end when our guard is gone, as a service has by default.
const ALONE_GRACE: Duration = Duration::from_secs(5);

/// Runs a program, found by `PATH`, to its end, with our environment and these variables. The result is its exit code, or
/// 128 and the number of the signal that ended it.
///
/// # Errors
/// It cannot be started ([`io::ErrorKind::NotFound`]: there is no such program), or the system refuses.
pub fn run(command: &[OsString], variables: &[(&str, &OsStr)]) -> io::Result<u8> {
    // From before its start: one that comes while it starts is passed on as well.
    let mut foreground = Foreground::begin(None)?;
    foreground.run_by_path(command, variables).map(shell_code)
}

/// What a shell would answer.
pub fn shell_code(status: ExitStatus) -> u8 {
    u8::try_from(status.shell_code()).unwrap_or(u8::MAX)
}

/// A program with all that it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foregrounded {
    /// The file.
    pub path: PathBuf,
    /// The words that it gets, its own name first.
    pub argv: Vec<OsString>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
}

/// The signals of this process, which are those of a command while one runs, until this is dropped.
pub struct Foreground {
    blocked: Blocked,
    signals: Signals,
    /// Readable when our guard is gone; `None` from then on.
    guard_pipe: Option<OwnedFd>,
}

impl Foreground {
    /// Begins to take the signals. `guard_pipe`: becomes readable when our guard is gone, if we have one.
    ///
    /// # Errors
    /// The system refuses.
    pub fn begin(guard_pipe: Option<OwnedFd>) -> io::Result<Self> {
        let blocked = Blocked::new()?;
        match Signals::listen(&blocked) {
            Ok(signals) => Ok(Self { blocked, signals, guard_pipe }),
            Err(error) => {
                blocked.undo();
                Err(error)
            }
        }
    }

    /// Readable when a signal has come.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }

    /// The signal that has come and means the end, while no command runs. At a stop, we stop.
    pub fn interruption(&mut self) -> Option<i32> {
        while let Some(news) = self.signals.next() {
            match news {
                News::PassOn(signal) => return Some(signal.as_raw()),
                News::Both => return Some(Signal::SIGINT as i32),
                News::Stop => stop_here(),
                News::Child => {}
            }
        }
        None
    }

    /// Runs a program, found by our `PATH`, to its end, with our environment and these variables.
    ///
    /// # Errors
    /// As of [`run`].
    pub fn run_by_path(&mut self, command: &[OsString], variables: &[(&str, &OsStr)]) -> io::Result<ExitStatus> {
        let words = terminated_words(command)?;
        let program = words.first().ok_or(io::ErrorKind::InvalidInput)?;
        let own = std::env::vars_os().filter(|(name, _)| variables.iter().all(|(other, _)| name != other));
        let added = variables.iter().map(|(name, value)| ((*name).into(), (*value).to_owned()));
        let environment = terminated_variables(own.chain(added))?;
        let (actions, attributes) = (PosixSpawnFileActions::init()?, self.attributes()?);
        let pid = posix_spawnp(program, &actions, &attributes, &words, &environment)?;
        self.accompany(Pid::from_raw(pid.as_raw()))
    }

    /// Runs a program to its end, in the current folder, and ends what it leaves running: how it ended, and what
    /// was left, for people.
    ///
    /// # Errors
    /// It cannot be executed, or the system refuses.
    pub fn run(&mut self, program: &Foregrounded) -> io::Result<(ExitStatus, String)> {
        let words = terminated_words(&program.argv)?;
        let environment = terminated_variables(program.env.iter().cloned())?;
        // What leaves its family becomes ours.
        process_tree::adopt_orphans();
        let (actions, attributes) = (PosixSpawnFileActions::init()?, self.attributes()?);
        let pid = posix_spawn(program.path.as_path(), &actions, &attributes, &words, &environment)?;
        let status = self.accompany(Pid::from_raw(pid.as_raw()))?;
        let swept = sweep(&mut self.signals, &Spared { strangers: &[], program: getpid() }, GRACE);
        let left: Vec<Process> = swept.ended.into_iter().chain(swept.left).collect();
        Ok((status, process_tree::display(&left)))
    }

    /// Not by `std`: its children have the signals blocked that we have.
    fn attributes(&self) -> io::Result<PosixSpawnAttr> {
        let mut attributes = PosixSpawnAttr::init()?;
        attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF)?;
        attributes.set_sigmask(self.blocked.before())?;
        // Programs in Rust ignore this one, and others rely on it.
        attributes.set_sigdefault(&SigSet::from(Signal::SIGPIPE))?;
        Ok(attributes)
    }

    /// Passes signals on until the command has ended.
    fn accompany(&mut self, pid: Option<Pid>) -> io::Result<ExitStatus> {
        let pid = pid.ok_or_else(|| io::Error::other("the system gave it no pid"))?;
        let (clock, mut killed_at) = (Clock::start(), None);
        loop {
            if let Some((_, status)) = waitpid(Some(pid), WaitOptions::NOHANG | WaitOptions::UNTRACED)? {
                if let Some(signal) = status.terminating_signal() {
                    return Ok(ExitStatus::Signal(signal));
                }
                if let Some(code) = status.exit_status() {
                    return Ok(ExitStatus::Code(code));
                }
                // It has stopped itself, as an editor does at Ctrl-Z, and the shell sees only us. (SIGSTOP is for it alone.)
                if status.stopping_signal().is_some_and(|signal| signal != Signal::SIGSTOP as i32) {
                    stop_here();
                    let _ = kill_process(pid, rustix::process::Signal::CONT);
                }
            }
            let rest = killed_at.map(|at: Moment| at.since(clock.now()));
            self.signals.wait(self.guard_pipe.as_ref().map(AsFd::as_fd), rest);
            if self.is_alone() {
                // Nobody would see to it any more when we end.
                self.guard_pipe = None;
                killed_at = Some(clock.now() + ALONE_GRACE);
                let _ = kill_process(pid, rustix::process::Signal::TERM);
                let _ = kill_process(pid, rustix::process::Signal::CONT);
            }
            if killed_at.is_some_and(|at| at <= clock.now()) {
                killed_at = None;
                let _ = kill_process(pid, rustix::process::Signal::KILL);
            }
            while let Some(news) = self.signals.next() {
                match news {
                    // It has not been waited for, so the number is its own. If it has ended, that is seen next.
                    News::PassOn(signal) => drop(kill_process(pid, signal)),
                    // The terminal stops both.
                    News::Stop => stop_here(),
                    News::Child | News::Both => {}
                }
            }
        }
    }
}

impl Foreground {
    /// Our guard is gone.
    fn is_alone(&self) -> bool {
        self.guard_pipe.as_ref().is_some_and(|pipe| {
            let mut handles = [PollFd::new(pipe, PollFlags::IN)];
            poll(&mut handles, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
        })
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        self.blocked.undo();
    }
}

fn terminated_words(words: &[OsString]) -> io::Result<Vec<CString>> {
    words.iter().cloned().map(terminated).collect()
}

fn terminated_variables(variables: impl Iterator<Item = (OsString, OsString)>) -> io::Result<Vec<CString>> {
    variables.map(|(name, value)| terminated([name, value].join(OsStr::new("=")))).collect()
}

fn terminated(word: OsString) -> io::Result<CString> {
    CString::new(word.into_vec()).map_err(io::Error::from)
}
