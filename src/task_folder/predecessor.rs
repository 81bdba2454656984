//! What an owner that is gone has left running: the tries that carry its mark.
//!
//! Who has the lock may be sure that nobody starts a try any more: a child between its fork and its program has a copy
//! of the lock's descriptor, which closes when the program begins, and from then on its environment holds the mark.
//! Where the system does not show processes (`process_tree::blindness`), there is nothing to be found.

use std::ffi::OsStr;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::domain::ServiceName;
use crate::process_tree::{self, Process, Tree};

/// One that is just executing a program has no environment for a moment. It is looked at again so soon, and later by
/// doubling, up to [`LATE`]: 50 ms in all. Who has no words after that never has any.
const SOON: Duration = Duration::from_micros(50);
const LATE: Duration = Duration::from_millis(25);

/// Whoever was killed needs a moment to go.
const AFTER_KILL: Duration = Duration::from_millis(1);

/// So many looks in a row must find nobody: one that has begun during a look may not be in it.
const LOOKS: u32 = 2;

/// Ends all tries of a worker that carry an owner's mark, with all that descends from them. `goes_on` is asked before each
/// look, with those that are left; where it says no, they stay: false.
pub(super) fn end_tries(mark: &str, worker: &ServiceName, mut goes_on: impl FnMut(&[Process]) -> bool) -> bool {
    let (mut empty, mut wait) = (0, SOON);
    loop {
        let (found, is_unsure) = look(mark, worker);
        if found.is_empty() {
            let is_over = !is_unsure || wait > LATE;
            empty = if is_over { empty + 1 } else { 0 };
            if empty >= LOOKS {
                return true;
            }
            if !is_over {
                thread::sleep(wait);
                wait *= 2;
            }
            continue;
        }
        (empty, wait) = (0, SOON);
        if !goes_on(&found) {
            return false;
        }
        for process in &found {
            process.signal(Signal::KILL);
        }
        thread::sleep(AFTER_KILL);
    }
}

/// The living processes of these tries.
pub(super) fn tries_of(mark: &str, worker: &ServiceName) -> Vec<Process> {
    look(mark, worker).0
}

/// Those that carry the mark, and what descends from them; and whether there is somebody of whom it cannot be told.
fn look(mark: &str, worker: &ServiceName) -> (Vec<Process>, bool) {
    if mark.is_empty() {
        return (Vec::new(), false);
    }
    let lineage = process_tree::lineage();
    let mut is_unsure = false;
    let mut marked = Vec::new();
    for pid in process_tree::pids() {
        if lineage.contains(&pid) || !process_tree::is_of_our_user(pid) {
            continue;
        }
        match process_tree::mark_of(pid) {
            Some(found) if is_of(&found, mark, worker) => marked.push(pid),
            Some(_) => {}
            None => is_unsure |= is_between_programs(pid),
        }
    }
    let family = if marked.is_empty() { Vec::new() } else { Tree::read().below(marked) };
    let living = |process: &Process| !process.ended && !lineage.contains(&process.pid);
    (family.into_iter().filter(living).collect(), is_unsure)
}

fn is_between_programs(pid: Pid) -> bool {
    /// The parent of the kernel's own threads, which have no words either.
    const KERNEL: i32 = 2;
    let is_program =
        |process: Process| !process.ended && process.parent != KERNEL && process.pid.as_raw_pid() != KERNEL;
    process_tree::is_in_between(pid) && Process::of(pid).is_some_and(is_program)
}

/// Whether a mark, `<group>-<pid>-<run>.<try>-<worker>`, is one of the tries of this owner, `<group>-<pid>`.
fn is_of(found: &OsStr, owner: &str, worker: &ServiceName) -> bool {
    let rest = found.to_str().and_then(|found| found.strip_prefix(owner)?.strip_prefix('-')?.split_once('-'));
    rest.is_some_and(|(_, name)| name == worker.as_str())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::process_tree::MARK;

    #[test]
    fn a_mark_belongs_to_one_owner_and_one_worker() {
        let worker = ServiceName::new("ma-rie");
        for (mark, is_its) in [
            ("key-7-1.1-ma-rie", true),
            ("key-7-31.400-ma-rie", true),
            ("key-77-1.1-ma-rie", false),
            ("key-7-1.1-rie", false),
            ("key-7-1.1-x-ma-rie", false),
            ("key-7", false),
            ("", false),
        ] {
            assert_eq!(is_of(OsStr::new(mark), "key-7", &worker), is_its, "{mark}");
        }
    }

    #[test]
    fn tries_end_with_their_children_and_others_live_on() {
        let worker = ServiceName::new("marie");
        let owner = format!("testkey{}-7", std::process::id());
        let start = |mark: String| {
            let mut shell = Command::new("sh");
            shell.args(["-c", "env -i sleep 1000 & exec sleep 1000"]).env(MARK, mark).stdin(Stdio::null());
            shell.spawn().unwrap()
        };
        let mut ours: Vec<_> = (0..3).map(|number| start(format!("{owner}-1.{number}-marie"))).collect();
        let mut other = start(format!("{owner}-1.1-bob"));
        let mut asked = 0;
        assert!(!end_tries(&owner, &worker, |_| false), "somebody does not want to");
        assert!(end_tries(&owner, &worker, |left| {
            asked += left.len();
            true
        }));
        assert!(asked >= 3);
        assert!(tries_of(&owner, &worker).is_empty());
        for child in &mut ours {
            assert!(!child.wait().unwrap().success());
        }
        assert!(other.try_wait().unwrap().is_none(), "another worker's");
        let number = Pid::from_raw(other.id().cast_signed()).unwrap();
        for process in Tree::read().below([number]) {
            process.signal(Signal::KILL);
        }
        other.wait().unwrap();
    }
}
