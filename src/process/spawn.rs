//! A process in a session of its own without a copy of us: `posix_spawn` (Linux).
//!
//! A fork copies the tables of our memory, with all our threads in each other's way: 2.4 ms for a dashboard that has drawn.
//! Here the child borrows the memory until it executes, and the error of `exec` comes back as one.
//!
//! The thread that makes the process has a working directory of its own (`unshare(CLONE_FS)`). Where that is refused, as in
//! many containers, and the folder is not devgroup's own, `portable-pty` starts the run.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc::POSIX_SPAWN_SETSID;
use nix::sched::{CloneFlags, unshare};
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;
use nix::sys::stat::Mode;
use rustix::process::Pid;

use super::program::{Program, SHELL};
use crate::domain::plain_error;

/// Descriptors that whoever started us has left open for children (an editor's terminal, `devgroup 9<file`). What we open
/// ourselves is closed by `exec`.
static INHERITED: LazyLock<Vec<i32>> = LazyLock::new(|| {
    let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten();
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.filter(|number| *number > 2 && stays_open(*number)).collect()
});

/// Whether a descriptor survives `exec` (proc_pid_fdinfo(5): the flags, in octal).
fn stays_open(number: i32) -> bool {
    // The flags stand in the second line: one read is enough.
    let mut head = [0; 64];
    let file = std::fs::File::open(format!("/proc/self/fdinfo/{number}"));
    let length = file.and_then(|mut file| file.read(&mut head)).unwrap_or(0);
    let info = String::from_utf8_lossy(head.get(..length).unwrap_or_default());
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| !OFlag::from_bits_retain(flags).contains(OFlag::O_CLOEXEC))
}

/// Looks at what was inherited. To be called before other threads open anything.
pub(super) fn look_at_inherited() {
    LazyLock::force(&INHERITED);
}

/// The calling thread is in a folder. It goes back where it was: whoever stays in a folder keeps its file system from
/// being unmounted.
pub(super) struct Entered {
    before: Option<PathBuf>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // The thread has a folder of its own, since it could enter another one.
            let _ = std::env::set_current_dir(before);
        }
    }
}

/// Makes `dir` the working directory of the calling thread alone, which its children begin in. `None` if this system does
/// not let us (as the seccomp profile of many containers): then they have to be started another way.
///
/// # Errors
/// The folder cannot be entered.
pub(super) fn enter(dir: &Path) -> io::Result<Option<Entered>> {
    let here = std::env::current_dir();
    if here.as_ref().is_ok_and(|here| here == dir) {
        return Ok(Some(Entered { before: None }));
    }
    if unshare(CloneFlags::CLONE_FS).is_err() {
        return Ok(None);
    }
    std::env::set_current_dir(dir)?;
    // A folder that was removed meanwhile has no name any more.
    Ok(Some(Entered { before: Some(here.unwrap_or_else(|_| PathBuf::from("/"))) }))
}

/// What the three descriptors of a process are.
#[derive(Clone, Copy)]
pub(super) enum Streams<'a> {
    /// Output and errors go the same way.
    Together {
        /// Which file it reads.
        input: &'a CStr,
        /// Where output and errors go.
        output: Output<'a>,
    },
    /// What it reads, its output and its errors, each open here.
    Apart([BorrowedFd<'a>; 3]),
}

/// Where a process prints to.
#[derive(Clone, Copy)]
pub(super) enum Output<'a> {
    /// The file that it reads.
    Input,
    /// What is open here.
    Handle(BorrowedFd<'a>),
}

/// Starts a program in the folder that was entered, as the leader of a new session and process group. The first terminal
/// that it is given by name becomes its controlling one (tty(4)); without one it has none.
///
/// All signals are as at the start of the world, and no descriptors but the three are open.
///
/// # Errors
/// Why there is no process, for people.
pub(super) fn spawn(program: &Program, env: &[(OsString, OsString)], streams: Streams<'_>) -> Result<Pid, String> {
    let argv = program.argv.iter().map(|word| terminated(word.clone())).collect::<Result<Vec<_>, _>>()?;
    // Later ones win. (One by one: to collect them sorts them in 4 KiB of the stack, which the thread of a run keeps.)
    let mut last = BTreeMap::new();
    for (name, value) in env {
        last.insert(name.as_os_str(), value.as_os_str());
    }
    let entry = |(name, value): (&OsStr, &OsStr)| terminated([name, value].join(OsStr::new("=")));
    let env = last.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let path = terminated(program.path.clone().into_os_string())?;
    let spawn = || {
        let (actions, attributes) = (actions(streams)?, attributes()?);
        match posix_spawn(path.as_c_str(), &actions, &attributes, &argv, &env) {
            // A script without a first line that says by whom it is read: by a shell, as everywhere (execvp(3)).
            Err(Errno::ENOEXEC) => {
                let shell = terminated(SHELL.into()).map_err(|_| Errno::EINVAL)?;
                let argv: Vec<&CString> = [&shell, &path].into_iter().chain(argv.iter().skip(1)).collect();
                posix_spawn(shell.as_c_str(), &actions, &attributes, &argv, &env)
            }
            result => result,
        }
    };
    match spawn() {
        Ok(pid) => Pid::from_raw(pid.as_raw()).ok_or_else(|| "the system gave it no pid".into()),
        Err(error @ (Errno::EAGAIN | Errno::ENOMEM)) => Err(words(error)),
        Err(error) => Err(format!("the system refused to execute it: {}", words(error))),
    }
}

fn words(error: Errno) -> String {
    plain_error(&io::Error::from(error))
}

fn terminated(text: OsString) -> Result<CString, String> {
    CString::new(text.into_vec()).map_err(|_| "nul byte found in provided data".into())
}

/// What is done with descriptors, after the session has begun.
fn actions(streams: Streams<'_>) -> nix::Result<PosixSpawnFileActions> {
    let mut actions = PosixSpawnFileActions::init()?;
    match streams {
        Streams::Together { input, output } => {
            actions.add_open(0, input, OFlag::O_RDWR, Mode::empty())?;
            match output {
                Output::Input => actions.add_dup2(0, 1)?,
                Output::Handle(handle) => actions.add_dup2(handle.as_raw_fd(), 1)?,
            }
            actions.add_dup2(1, 2)?;
        }
        // None of them is one of the three: the standard library opens those at the start if they are closed.
        Streams::Apart(handles) => {
            for (handle, number) in handles.iter().zip(0..) {
                actions.add_dup2(handle.as_raw_fd(), number)?;
            }
        }
    }
    for number in INHERITED.iter() {
        actions.add_close(*number)?;
    }
    Ok(actions)
}

fn attributes() -> nix::Result<PosixSpawnAttr> {
    let mut attributes = PosixSpawnAttr::init()?;
    // A flag of POSIX 2024 that nix does not name.
    let session = PosixSpawnFlags::from_bits_retain(i32::from(POSIX_SPAWN_SETSID));
    let signals = PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK;
    attributes.set_flags(session | signals)?;
    attributes.set_sigdefault(&SigSet::all())?;
    attributes.set_sigmask(&SigSet::empty())?;
    Ok(attributes)
}
