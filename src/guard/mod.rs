//! The guard: the small parent of the program. It outlives the program whatever ends it (a bug, SIGKILL, no memory
//! left), and then gives the terminal back, ends every process that was started, and says in a line what happened.
//!
//! The first process of devgroup, the one that a shell sees, is the guard; the program is its fork. They share the
//! terminal, the process group, and so job control: what the terminal sends reaches both, what is sent to the guard alone
//! it passes on. When one of them stops, so does the other, and the guard gives the terminal back before it does; the program
//! takes it again when it goes on. The guard has done nothing before the fork and sleeps after it, so it stays small.
//!
//! Two pipes tie one to the other. The *guard pipe* is held open by the guard: if it breaks, the program is alone and quits.
//! Through the *life line* the program says good-bye: nothing is left, everything is given back, this is the exit code. The
//! guard then kills it and answers at once, since the kernel takes many milliseconds to take the program apart (more where
//! many folders were watched), and that is nothing that anybody should wait for. Where the system does not show processes,
//! the program also tells which process groups it has: there nothing is below the guard once the program is gone.
//!
//! Architecture invariant: the guard knows no service, no file and no thread. What it ends is what is below it in the
//! process tree.
//!
//! A fork, not a second `exec`: it costs 0.5 ms of CPU, and the guard stays small (2.8 MB, most of it shared). The
//! guard stops the program, and not the program itself: it can give the terminal back when the program cannot do
//! anything any more. Signals are passed on unless the terminal has sent them to both (`si_code`): twice would mean
//! "hurry".

pub mod foreground_command;
mod launch;
mod saved_terminal;
mod signals;
mod sweep;
mod watch;

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use fork::Fork;
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::process_tree::{self, ToGuard};
pub use launch::{Launch, Report, launch};
use saved_terminal::SavedTerminal;
use signals::{Blocked, Signals};
use watch::Guard;

/// Who one is after [`stand`].
#[derive(Debug)]
pub enum Stand {
    /// This is the program; the guard is its parent.
    Program(Ward),
    /// The guard, after the end of the program: the exit code for whoever started it.
    Over(u8),
}

/// The program's ties to its guard.
#[derive(Debug, Default)]
pub struct Ward {
    guard: Option<Pid>,
    guard_pipe: Option<OwnedFd>,
    life_line: Option<OwnedFd>,
}

/// Splits the process. Must come before anything else, since threads do not survive a fork. `leave`: what a terminal has
/// to be sent to leave the dashboard.
///
/// Without the means for a guard the program runs without one.
pub fn stand(leave: &'static str) -> Stand {
    split(leave).unwrap_or_else(|error| {
        log::warn!("cannot start the guard: {error}");
        Stand::Program(Ward::default())
    })
}

/// A pipe that no other program inherits: where it is read, and where it is written. By std, since rustix has none on macOS.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}

fn split(leave: &'static str) -> io::Result<Stand> {
    process_tree::take_name();
    let saved_terminal = SavedTerminal::remember(leave);
    let (guard_pipe, held) = pipe()?;
    let (life, life_line) = pipe()?;
    for end in [&life, &life_line] {
        rustix::io::ioctl_fionbio(end, true)?;
    }
    let strangers = if has_children() { sweep::below_us() } else { Vec::new() };
    // Blocked from before the fork on: no signal can end the guard, or be lost between the two.
    let blocked = Blocked::new()?;
    match fork::fork()? {
        Fork::Child => {
            blocked.undo();
            drop((held, life));
            if !process_tree::is_proc_ours()
                && let Ok(to) = life_line.as_fd().try_clone_to_owned()
            {
                process_tree::tell_groups(to);
            }
            Ok(Stand::Program(Ward {
                guard: rustix::process::getppid(),
                guard_pipe: Some(guard_pipe),
                life_line: Some(life_line),
            }))
        }
        Fork::Parent(program) => {
            drop((guard_pipe, life_line));
            process_tree::adopt_orphans();
            let Some(program) = Pid::from_raw(program) else { return Err(io::ErrorKind::InvalidData.into()) };
            let (signals, groups) = (Signals::listen(&blocked)?, Vec::new());
            let guard = Guard { program, signals, life: Some(life), saved_terminal, strangers, groups };
            let code = guard.watch();
            drop(held);
            Ok(Stand::Over(code))
        }
    }
}

/// Whether we have children, of whatever kind. (A shell may have had some before it became devgroup.)
fn has_children() -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::All, options), Err(Errno::CHILD))
}

impl Ward {
    /// The process that was started, by which the user knows us: the guard, or we ourselves if there is none.
    pub fn pid(&self) -> u32 {
        self.guard.map_or_else(std::process::id, |guard| guard.as_raw_pid().unsigned_abs())
    }

    /// A handle that becomes readable when the guard is gone. `None` if there never was one.
    pub fn guard_pipe(&self) -> Option<OwnedFd> {
        self.guard_pipe.as_ref()?.as_fd().try_clone_to_owned().ok()
    }

    /// The last act of the program: its exit code. If no process is left, the guard answers at once and kills the program,
    /// which has nothing more to do; otherwise it waits for its end, and then sees to the others.
    pub fn done(self, code: u8) {
        process_tree::reap_orphans();
        if let Some(life_line) = &self.life_line
            && !has_children()
        {
            ToGuard::Done(code).write(life_line);
        }
    }
}
