//! The guard: the small parent of the program. It outlives the program whatever ends it (a bug, SIGKILL, no memory
//! left), and then gives the terminal back, ends every process that was started, and says in a line what happened.
//!
//! The first process of devgroup, the one that a shell sees, is the guard; the program is its fork. They share the
//! terminal, the process group, and so job control: what the terminal sends reaches both, what is sent to the guard alone
//! it passes on. The guard has done nothing before the fork and sleeps after it, so it stays small.
//!
//! Two pipes tell each of the end of the other. The *tether* is held open by the guard: if it breaks, the program is
//! alone and quits. The *life line* is held open by the program until the kernel takes it apart: after an orderly end
//! the guard need not wait for the rest of that, which is slow where many folders were watched.
//!
//! Architecture invariant: the guard knows no service, no file and no thread. What it ends is what is below it in the
//! process tree.

mod outer;
mod signals;
mod sweep;
mod watch;

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use fork::Fork;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::process_tree;
use outer::Outer;
use signals::{Blocked, Signals};
use watch::Guard;

/// Who one is after [`stand`].
#[derive(Debug)]
pub enum Stand {
    /// The program.
    Program(Ward),
    /// The guard, after the end of the program: the exit code for whoever started it.
    Over(u8),
}

/// The program's ties to its guard.
#[derive(Debug, Default)]
pub struct Ward {
    guard: Option<Pid>,
    tether: Option<OwnedFd>,
    life_line: Option<OwnedFd>,
}

/// The kernel closes the descriptors of a process in an order of its own, and for those that it queues it begins with
/// the last; a life line of a high number is closed before it turns to the slow ones.
const HIGH: i32 = 250;

/// Splits the process. Must come before anything else, since threads do not survive a fork. `leave`: what a terminal has
/// to be sent to leave the dashboard.
///
/// Without the means for a guard the program runs without one.
pub fn stand(leave: &'static str) -> Stand {
    split(leave).unwrap_or_else(|error| {
        log::warn!("no guard: {error}");
        Stand::Program(Ward::default())
    })
}

fn split(leave: &'static str) -> io::Result<Stand> {
    let outer = Outer::remember(leave);
    let (tether, held) = pipe_with(PipeFlags::CLOEXEC)?;
    let (life, life_line) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let strangers = if has_children() { process_tree::Tree::look().below_us() } else { Vec::new() };
    // Blocked from before the fork on: no signal can end the guard, or be lost between the two.
    let blocked = Blocked::new()?;
    match fork::fork()? {
        Fork::Child => {
            blocked.undo();
            drop((held, life));
            let life_line = rustix::io::fcntl_dupfd_cloexec(&life_line, HIGH).unwrap_or(life_line);
            Ok(Stand::Program(Ward {
                guard: rustix::process::getppid(),
                tether: Some(tether),
                life_line: Some(life_line),
            }))
        }
        Fork::Parent(program) => {
            drop((tether, life_line));
            process_tree::adopt_orphans();
            let Some(program) = Pid::from_raw(program) else { return Err(io::ErrorKind::InvalidData.into()) };
            let guard = Guard { program, signals: Signals::take(&blocked)?, life: Some(life), outer, strangers };
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
    pub fn tether(&self) -> Option<OwnedFd> {
        self.tether.as_ref()?.as_fd().try_clone_to_owned().ok()
    }

    /// The last act of the program: its exit code. If no process is left, the guard does not wait for the kernel to take
    /// the program apart.
    pub fn done(mut self, code: u8) {
        process_tree::reap_orphans();
        if let Some(life_line) = self.life_line.take() {
            if !has_children() {
                // Without it the guard waits, and then looks who is left.
                let _ = rustix::io::write(&life_line, &[code]);
            }
            // Closed by the kernel, when no thread runs any more.
            std::mem::forget(life_line);
        }
    }
}
