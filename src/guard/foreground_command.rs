//! A command that is run to its end in our place: in the same terminal and process group, so that job control and
//! Ctrl-C are its own; what is sent to us alone is passed on.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp};
use nix::sys::signal::{SigSet, Signal};
use rustix::process::{Pid, WaitOptions, kill_process, waitpid};

use super::signals::{Blocked, News, Signals, stop_here};

/// Runs a program, found by `PATH`, to its end, with our environment and these variables. The result is its exit code, or
/// 128 and the number of the signal that ended it.
///
/// # Errors
/// It cannot be started ([`io::ErrorKind::NotFound`]: there is no such program), or the system refuses.
pub fn run(command: &[OsString], variables: &[(&str, &OsStr)]) -> io::Result<u8> {
    // From before its start: one that comes while it starts is passed on as well.
    let blocked = Blocked::new()?;
    let code = start(&blocked, command, variables).and_then(|pid| accompany(&blocked, pid));
    blocked.undo();
    code
}

/// Not by `std`: its children have the signals blocked that we have.
fn start(blocked: &Blocked, command: &[OsString], variables: &[(&str, &OsStr)]) -> io::Result<Pid> {
    let words = command.iter().cloned().map(terminated).collect::<io::Result<Vec<_>>>()?;
    let program = words.first().ok_or(io::ErrorKind::InvalidInput)?;
    let own = std::env::vars_os().filter(|(name, _)| variables.iter().all(|(other, _)| name != other));
    let added = variables.iter().map(|(name, value)| ((*name).into(), (*value).to_owned()));
    let environment: Vec<_> = own
        .chain(added)
        .map(|(name, value)| terminated([name, value].join(OsStr::new("="))))
        .collect::<Result<_, _>>()?;
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF)?;
    attributes.set_sigmask(blocked.before())?;
    // Programs in Rust ignore this one, and others rely on it.
    attributes.set_sigdefault(&SigSet::from(Signal::SIGPIPE))?;
    let pid = posix_spawnp(program, &PosixSpawnFileActions::init()?, &attributes, &words, &environment)?;
    Pid::from_raw(pid.as_raw()).ok_or_else(|| io::Error::other("the system gave it no pid"))
}

fn terminated(word: OsString) -> io::Result<CString> {
    CString::new(word.into_vec()).map_err(io::Error::from)
}

fn accompany(blocked: &Blocked, pid: Pid) -> io::Result<u8> {
    let mut signals = Signals::listen(blocked)?;
    loop {
        if let Some((_, status)) = waitpid(Some(pid), WaitOptions::NOHANG)? {
            let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
            if let Some(code) = code {
                return Ok(u8::try_from(code).unwrap_or(u8::MAX));
            }
        }
        signals.wait(None, None);
        while let Some(news) = signals.next() {
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
