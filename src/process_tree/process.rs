//! One process: what the system tells of it, and signals that cannot hit another one.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, waitid};

use super::{is_proc_ours, read};
use crate::domain::visible;

/// The flag of a task that ends (include/linux/sched.h).
const PF_EXITING: u32 = 4;

/// A process at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The number that the system has given it, in our pid namespace.
    pub pid: Pid,
    /// Its program's name, at most 15 bytes.
    pub name: String,
    /// Its parent; 0 for none that we can see.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Number of its session: the process id of the session's leader.
    pub session: i32,
    /// It is stopped (`T`): signals other than KILL and CONT wait until it goes on.
    pub stopped: bool,
    /// It has ended. Who should reap it may never do so, and it does nothing more.
    pub ended: bool,
    /// It is ending: it has no environment any more, but may still have children.
    pub ending: bool,
    /// How many threads it has.
    pub(super) threads: u32,
    /// The CPU time that it has used, with that of its children that it has waited for, in ticks.
    pub ticks: u64,
    /// When it was started, in ticks since the machine was: with the number, this is nobody else.
    start: u64,
}

impl Process {
    /// Looks at a process; `None` if there is none, or where the system does not tell.
    pub fn of(pid: Pid) -> Option<Self> {
        Self::parse(pid, &read(&format!("/proc/{pid}/stat"))?)
    }

    /// Looks at a child of ours that has not been reaped, of which nothing else is known. Nobody else can get its number.
    pub(super) fn of_child(pid: Pid) -> Option<Self> {
        use nix::unistd;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let ended = waitid(WaitId::Pid(pid), options).ok()?.is_some();
        let number = unistd::Pid::from_raw(pid.as_raw_pid());
        let group = unistd::getpgid(Some(number)).map_or(0, unistd::Pid::as_raw);
        let session = unistd::getsid(Some(number)).map_or(0, unistd::Pid::as_raw);
        let (name, parent) = ("a process".into(), getpid().as_raw_pid());
        // It may be stopped: then it has to go on before it can end.
        Some(Self {
            pid,
            name,
            parent,
            group,
            session,
            stopped: true,
            ended,
            ending: false,
            threads: 1,
            ticks: 0,
            start: 0,
        })
    }

    /// The process of this number, as it is now.
    fn now(pid: Pid) -> Option<Self> {
        if is_proc_ours() { Self::of(pid) } else { Self::of_child(pid) }
    }

    /// Reads a line of `/proc/<pid>/stat` (proc_pid_stat(5)): `pid (comm) state ppid pgrp session …`. The name may hold
    /// anything, also parentheses.
    fn parse(pid: Pid, stat: &[u8]) -> Option<Self> {
        let begin = stat.iter().position(|byte| *byte == b'(')? + 1;
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let name = String::from_utf8_lossy(stat.get(begin..end)?).into_owned();
        let mut fields = std::str::from_utf8(stat.get(end + 1..)?).ok()?.split_ascii_whitespace();
        let state = fields.next()?;
        let mut number = || fields.next()?.parse::<i32>().ok();
        let (parent, group, session) = (number()?, number()?, number()?);
        // Fields 9, 14 to 17, 20 and 22 of the line.
        let flags: u32 = fields.nth(2)?.parse().ok()?;
        let mut ticks = 0_u64;
        for place in [4, 0, 0, 0] {
            // Those of children have a sign.
            ticks = ticks.saturating_add(fields.nth(place)?.parse::<i64>().ok()?.max(0).unsigned_abs());
        }
        let threads: u32 = fields.nth(2)?.parse().ok()?;
        let start = fields.nth(1)?.parse().ok()?;
        // A main thread that has ended before the others looks like a zombie.
        let ended = matches!(state, "Z" | "X") && threads <= 1;
        let ending = !matches!(state, "Z" | "X") && flags & PF_EXITING != 0;
        Some(Self { pid, name, parent, group, session, stopped: state == "T", ended, ending, threads, ticks, start })
    }

    /// Whether both are the same process, at two moments.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.pid, self.start) == (other.pid, other.start)
    }

    /// Whether it was started after the other one, as far as ticks tell.
    pub fn is_younger_than(&self, other: &Self) -> bool {
        self.start >= other.start
    }

    /// Whether it catches a signal.
    pub fn catches(&self, signal: Signal) -> bool {
        self.has_in_mask("SigCgt:", signal)
    }

    /// Whether it ignores a signal.
    pub fn ignores(&self, signal: Signal) -> bool {
        self.has_in_mask("SigIgn:", signal)
    }

    /// Whether it has blocked a signal, and why: to take it by itself (`sigwait`, `signalfd`), or for as long as it makes
    /// another process.
    pub fn blocks(&self, signal: Signal) -> Blocks {
        let status = read(&format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let status = String::from_utf8_lossy(&status);
        if !is_in_mask(&status, "SigBlk:", signal.as_raw()) {
            return Blocks::No;
        }
        // Who makes another process does not sleep meanwhile: it runs, or waits for that one to execute (`D`, vfork(2)).
        if is_asleep(&status) { Blocks::Asleep } else { Blocks::Awake }
    }

    fn has_in_mask(&self, name: &str, signal: Signal) -> bool {
        let status = read(&format!("/proc/{}/status", self.pid)).unwrap_or_default();
        is_in_mask(&String::from_utf8_lossy(&status), name, signal.as_raw())
    }

    /// Signals it, and nobody else who may have got its number meanwhile.
    pub fn signal(&self, signal: Signal) {
        let is_it = || Self::now(self.pid).is_some_and(|now| now.is_same(self));
        #[cfg(target_os = "linux")]
        if crate::portable::is_linux() {
            use rustix::io::Errno;
            use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
            match pidfd_open(self.pid, PidfdFlags::empty()) {
                Ok(handle) => {
                    if is_it() {
                        // Fails if it has ended by itself, or runs as somebody else.
                        let _ = pidfd_send_signal(&handle, signal);
                    }
                    return;
                }
                Err(Errno::SRCH) => return,
                // An old kernel, or no descriptor left: by number.
                Err(_) => {}
            }
        }
        if is_it() {
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Kills it with its whole process group at once, so that who forks without end has no moment to do so. For
    /// processes below us only: their groups are in sessions that began below us. A group of our own session is not
    /// touched, since we are in it.
    pub fn kill_group(&self) {
        self.signal(Signal::KILL);
        // Not rustix: a session outside of our pid namespace has the number 0, which is no `Pid` there.
        let own = nix::unistd::getsid(None).map_or(0, nix::unistd::Pid::as_raw);
        // Not when it has just gone: nobody would hold the number of its group.
        if self.session != own
            && Self::now(self.pid).is_some_and(|now| now.is_same(self) && now.group == self.group)
            && let Some(group) = Pid::from_raw(self.group)
        {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }

    /// Its name and number, for people: `node (48213)`.
    pub fn display(&self) -> String {
        format!("{} ({})", visible(&self.name), self.pid)
    }
}

/// Whether a process has blocked a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocks {
    /// It has not.
    No,
    /// It has, and it is busy.
    Awake,
    /// It has, and it waits for something to happen.
    Asleep,
}

/// Whether a `/proc/<pid>/status` says that it waits for something to happen.
fn is_asleep(status: &str) -> bool {
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    state.is_some_and(|state| state.trim_start().starts_with('S'))
}

/// Whether a `/proc/<pid>/status` (proc_pid_status(5)) has this signal in the mask of this name.
fn is_in_mask(status: &str, name: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix(name)?.trim(), 16).ok());
    let bit = u32::try_from(signal - 1).ok().and_then(|bit| 1_u64.checked_shl(bit));
    mask.zip(bit).is_some_and(|(mask, bit)| mask & bit != 0)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn parsed(stat: &str) -> Option<Process> {
        Process::parse(Pid::from_raw(7).unwrap(), stat.as_bytes())
    }

    #[test]
    fn a_line_of_proc_tells_who_it_is_whatever_the_name() {
        let rest = "0 -1 4194304 86 0 0 0 0 0 0 0 20 0";
        let plain = parsed(&format!("7 (sleep) S 1 6 5 {rest} 1 0 99 0")).unwrap();
        assert_eq!((plain.parent, plain.group, plain.session, plain.start), (1, 6, 5, 99));
        assert_eq!((plain.name.as_str(), plain.stopped, plain.ended), ("sleep", false, false));
        let busy = parsed("7 (sleep) S 1 6 5 0 -1 4194304 86 7 0 0 30 4 200 1000 20 0 1 0 99 0").unwrap();
        assert_eq!((plain.ticks, busy.ticks, busy.start), (0, 1234, 99));
        assert_eq!((plain.threads, parsed(&format!("7 (node) S 1 6 5 {rest} 12 0 99 0")).unwrap().threads), (1, 12));
        let odd = parsed(&format!("7 (a) Z 9 (b) T 1 6 5 {rest} 1 0 99 0")).unwrap();
        assert_eq!((odd.name.as_str(), odd.stopped, odd.group), ("a) Z 9 (b", true, 6));
        assert!(!odd.ending && parsed("7 (a) S 1 6 5 0 -1 4194308 86 0 0 0 0 0 0 0 20 0 1 0 99 0").unwrap().ending);
        assert!(parsed(&format!("7 (sleep) Z 1 6 5 {rest} 1 0 99 0")).unwrap().ended);
        assert!(!parsed(&format!("7 (node) Z 1 6 5 {rest} 3 0 99 0")).unwrap().ended, "other threads go on");
        for junk in ["", "7", "7 (", "7 (a)", "7 (a) S", "7 (a) S x y z", "7 )("] {
            assert_eq!(parsed(junk), None, "{junk}");
        }
    }

    #[test]
    fn who_handles_a_signal_is_told_by_its_masks() {
        let status = "Name:\tsh\nSigBlk:\t0000000000000200\nSigIgn:\t0000000000000002\nSigCgt:\t0000000000000001\n";
        assert_eq!([1, 2, 10].map(|signal| is_in_mask(status, "SigCgt:", signal)), [true, false, false]);
        assert_eq!([1, 2, 10].map(|signal| is_in_mask(status, "SigBlk:", signal)), [false, false, true]);
        assert!(!is_in_mask("", "SigCgt:", 1));
    }

    #[test]
    fn another_process_of_the_same_number_is_left_alone() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let found = Process::of(Pid::from_child(&child)).unwrap();
        Process { start: found.start + 1, ..found.clone() }.signal(Signal::KILL);
        assert_eq!(child.try_wait().unwrap(), None);
        found.signal(Signal::KILL);
        child.wait().unwrap();
    }
}
