//! Who belongs to a run: its leader and all that descends from it, also what has left its session.
//!
//! A descendant whose parents have ended is adopted by us. It is known by its session, or, if it has left that, by the
//! mark in its environment. What has thrown away its environment as well belongs to no run: it ends with devgroup.

use std::ffi::OsStr;
use std::sync::LazyLock;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process_group};

use crate::process_tree::{Process, Tree, mark_of};

/// Whether this system tells who descends from whom.
static TELLS: LazyLock<bool> =
    LazyLock::new(|| cfg!(target_os = "linux") && Process::of(rustix::process::getpid()).is_some());

/// Who is left of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nobody. Zombies do not count: they do nothing more, and who should reap them may never do it.
    Nobody,
    /// These.
    Members(Vec<Process>),
    /// Somebody; this system does not tell whom.
    Somebody,
}

impl Left {
    /// The members that are known.
    pub(super) fn members(&self) -> &[Process] {
        match self {
            Self::Members(members) => members,
            Self::Nobody | Self::Somebody => &[],
        }
    }
}

/// How a run is known.
#[derive(Clone, Copy)]
pub(super) struct Kin<'a> {
    /// Its first process, whose number is that of its session and its process group.
    pub(super) leader: Pid,
    /// The leader has been reaped: a process of its number may be somebody else.
    pub(super) reaped: bool,
    /// What its processes have in their environment, unless they have changed it.
    pub(super) mark: Option<&'a OsStr>,
}

impl Kin<'_> {
    /// Who is left.
    pub(super) fn left(self) -> Left {
        if !*TELLS {
            let is_gone = test_kill_process_group(self.leader) == Err(Errno::SRCH);
            return if is_gone { Left::Nobody } else { Left::Somebody };
        }
        loop {
            let tree = Tree::look();
            let adopted = tree.adopted();
            let ours = adopted.iter().copied().filter(|pid| self.has(*pid));
            let members = tree.below((!self.reaped).then_some(self.leader).into_iter().chain(ours));
            if !members.is_empty() {
                return Left::Members(members);
            }
            // The kernel may skip one in a list of which another is just ending (proc_pid_children(5)).
            if adopted.is_empty() || tree.adopted() == adopted {
                return Left::Nobody;
            }
        }
    }

    /// Whether an adopted process is of this run.
    fn has(self, pid: Pid) -> bool {
        match (self.mark, mark_of(pid)) {
            (Some(mark), Some(found)) => found == mark,
            (_, _) => is_in(pid, self.leader),
        }
    }
}

/// Whether a process is in a session now.
fn is_in(pid: Pid, session: Pid) -> bool {
    // Not rustix: a process whose session is outside of our pid namespace has the session 0, which is no `Pid` there.
    let number = nix::unistd::Pid::from_raw(pid.as_raw_pid());
    nix::unistd::getsid(Some(number)).is_ok_and(|found| found.as_raw() == session.as_raw_pid())
}
