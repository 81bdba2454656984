//! Who belongs to a run: the members of its session.
//!
//! A process group is always inside one session, so the session holds the leader's group and also the groups that a
//! shell with job control makes. What leaves the session by `setsid` is not seen here.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, test_kill_process, test_kill_process_group};

/// Who is left of a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nobody. Zombies do not count: they do nothing more, and who should reap them may never do it.
    Nobody,
    /// These.
    Members(Vec<Member>),
    /// Somebody; this system does not tell whom.
    Somebody,
}

impl Left {
    /// The members that are known.
    pub(super) fn members(&self) -> &[Member] {
        match self {
            Self::Members(members) => members,
            Self::Nobody | Self::Somebody => &[],
        }
    }
}

/// A living process of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its number.
    pub(super) pid: Pid,
    /// Its process group.
    pub(super) group: Pid,
    /// It is stopped (`T`): signals other than KILL and CONT wait until it goes on.
    pub(super) stopped: bool,
}

/// Who is left of the session of this leader. `reaped`: the leader itself has been, so that a process of its number is
/// somebody else; the kernel gives a number away only after the last member of its session is gone.
pub(super) fn left(leader: Pid, reaped: bool) -> Left {
    if reaped && test_kill_process(leader) != Err(Errno::SRCH) {
        return Left::Nobody;
    }
    match members(leader) {
        Some(members) if members.is_empty() => Left::Nobody,
        Some(members) => Left::Members(members),
        None if test_kill_process_group(leader) == Err(Errno::SRCH) => Left::Nobody,
        None => Left::Somebody,
    }
}

/// Signals a member, and nobody else who may have got its number meanwhile.
pub(super) fn signal(session: Pid, member: &Member, signal: Signal) {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
        match pidfd_open(member.pid, PidfdFlags::empty()) {
            Ok(handle) => {
                if is_in(member.pid, session) {
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
    if is_in(member.pid, session) {
        let _ = kill_process(member.pid, signal);
    }
}

/// Whether a process is in a session now.
fn is_in(pid: Pid, session: Pid) -> bool {
    // Not rustix: a process whose session is outside of our pid namespace has the session 0, which is no `Pid` there.
    let number = nix::unistd::Pid::from_raw(pid.as_raw_pid());
    nix::unistd::getsid(Some(number)).is_ok_and(|found| found.as_raw() == session.as_raw_pid())
}

/// The living processes of a session, from `/proc`; `None` where there is none.
fn members(session: Pid) -> Option<Vec<Member>> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let mut members = Vec::new();
    for entry in fs::read_dir("/proc").ok()? {
        let Some(pid) = entry.ok().and_then(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)) else {
            continue;
        };
        // A system call is 20 times cheaper than a file of /proc: most processes are not ours.
        if !is_in(pid, session) {
            continue;
        }
        if let Some(member) = fs::read(format!("/proc/{pid}/stat")).ok().and_then(|stat| living(pid, session, &stat)) {
            members.push(member);
        }
    }
    Some(members)
}

/// Reads a line of `/proc/<pid>/stat` (proc_pid_stat(5)): `pid (comm) state ppid pgrp session …`. The name may hold
/// anything, also parentheses.
fn living(pid: Pid, session: Pid, stat: &[u8]) -> Option<Member> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let fields = std::str::from_utf8(stat.get(after_name..)?).ok()?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().take(18).collect();
    let [state, _, group, its_session, ..] = fields.as_slice() else { return None };
    // A main thread that has ended before the others looks like a zombie; field 20 counts the threads.
    let threads = fields.get(17).and_then(|count| count.parse().ok()).unwrap_or(1);
    if (matches!(*state, "Z" | "X") && threads <= 1) || its_session.parse() != Ok(session.as_raw_pid()) {
        return None;
    }
    Some(Member { pid, group: Pid::from_raw(group.parse().ok()?)?, stopped: *state == "T" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(number: i32) -> Pid {
        Pid::from_raw(number).unwrap()
    }

    fn read(stat: &str) -> Option<(i32, bool)> {
        living(pid(7), pid(5), stat.as_bytes()).map(|member| (member.group.as_raw_pid(), member.stopped))
    }

    #[test]
    fn a_line_of_proc_tells_group_and_state_whatever_the_name() {
        let rest = "0 -1 4194304 86 0 0 0 0 0 0 0 20 0";
        assert_eq!(read(&format!("7 (sleep) S 1 6 5 {rest} 1 0 99 0")), Some((6, false)));
        assert_eq!(read(&format!("7 (a) Z 9 (b) T 1 6 5 {rest} 1 0 99 0")), Some((6, true)));
        assert_eq!(read(&format!("7 (sleep) Z 1 6 5 {rest} 1 0 99 0")), None, "a zombie");
        assert_eq!(read(&format!("7 (node) Z 1 6 5 {rest} 3 0 99 0")), Some((6, false)), "other threads go on");
        assert_eq!(read(&format!("7 (sleep) S 1 6 4 {rest} 1 0 99 0")), None, "another session");
        for junk in ["", "7", "7 (", "7 (a)", "7 (a) S", "7 (a) S x y z"] {
            assert_eq!(read(junk), None, "{junk}");
        }
    }
}
