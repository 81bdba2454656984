//! Who belongs to a run: its leader and all that descends from it, also what has left its session.
//!
//! A descendant whose parents have ended is adopted by us. It is known by its session, or, if it has left that, by the
//! mark in its environment. What has thrown away its environment as well is known by the lineage of the run: it was seen
//! below it, or has its terminal open, or nobody else can have started it. What is none of these ends with devgroup.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, test_kill_process_group};

use crate::process_tree::{
    Blocks, Process, Tree, has_open, has_our_environment, is_awake, is_in_between, is_of_our_user, is_proc_ours,
    mark_of,
};

/// One that is just executing another program or ending is looked at again so soon: both take some hundred microseconds …
const SOON: Duration = Duration::from_micros(50);

/// … and, by doubling, at last after this time: 50 ms in all, for a machine that is busy. While one is awake it is looked
/// at again until [`MAKES_PROCESS`] is over.
const LATE: Duration = Duration::from_millis(25);

/// Who has blocked a signal is looked at again after this time, and after twice that, up to [`LATE`] …
const SHORT: Duration = Duration::from_millis(1);

/// … and until this time is over if it is busy: another program has to be executed meanwhile, on a machine with other work.
const MAKES_PROCESS: Duration = Duration::from_secs(2);

/// How often one looks again because somebody has come or gone meanwhile: those who fork without end come and go always.
const ROUNDS: usize = 20;

/// The leaders of all runs that are not gone. Whom this process adopts is its own, whichever host started it.
static LEADERS: Mutex<Vec<Process>> = Mutex::new(Vec::new());

/// What tells of a run who belongs to it, besides session and mark.
#[derive(Default)]
pub(super) struct Lineage {
    /// Its first process.
    leader: Option<Process>,
    /// Its terminal, which processes mostly still have open that have thrown away all else.
    terminal: Option<PathBuf>,
    /// Whom the last look has found.
    seen: Vec<Process>,
}

impl Lineage {
    /// That of a run which begins.
    pub(super) fn begin(leader: Pid, terminal: Option<PathBuf>) -> Self {
        let leader = Process::of(leader);
        LEADERS.lock().unwrap_or_else(PoisonError::into_inner).extend(leader.clone());
        Self { leader, terminal, seen: Vec::new() }
    }

    /// Notes who is below the leader, before a signal takes their parents from them.
    pub(super) fn note_descendants(&mut self) {
        let Some(leader) = self.leader.as_ref().filter(|_| is_proc_ours()) else { return };
        for process in Tree::read().below([leader.pid]) {
            if !self.seen.iter().any(|seen| seen.is_same(&process)) {
                self.seen.push(process);
            }
        }
    }

    /// A look has found them.
    pub(super) fn set_seen(&mut self, remaining: &Remaining) {
        self.seen = remaining.members().to_vec();
    }

    /// Whether an adopted process without a mark, in a session of its own, came from the run.
    fn leads_to(&self, pid: Pid) -> bool {
        // What runs as somebody else could not be killed.
        let Some(process) = Process::of(pid).filter(|_| is_of_our_user(pid)) else { return false };
        let is_known = |seen: &Process| seen.is_same(&process) || seen.session == process.session && seen.session > 0;
        self.seen.iter().any(is_known)
            || self.terminal.as_ref().is_some_and(|terminal| has_open(pid, terminal))
            || self.alone_can_have_started(&process)
    }

    /// No other run was there when it began, and it is none of ours.
    fn alone_can_have_started(&self, process: &Process) -> bool {
        let Some(leader) = self.leader.as_ref().filter(|leader| process.is_younger_than(leader)) else { return false };
        let leaders = LEADERS.lock().unwrap_or_else(PoisonError::into_inner);
        let mut others = leaders.iter().filter(|other| !other.is_same(leader));
        !others.any(|other| process.is_younger_than(other)) && !has_our_environment(process.pid)
    }
}

impl Drop for Lineage {
    fn drop(&mut self) {
        if let Some(leader) = &self.leader {
            LEADERS.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !other.is_same(leader));
        }
    }
}

/// Who is left of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remaining {
    /// Nobody. Zombies do not count: they do nothing more, and who should reap them may never do it.
    Nobody,
    /// These processes are left.
    Members(Vec<Process>),
    /// Somebody; this system does not tell whom.
    Somebody,
}

impl Remaining {
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
pub(super) struct RunMembers<'a> {
    /// Its first process, whose number is that of its session and its process group.
    pub(super) leader: Pid,
    /// The leader has been reaped: a process of its number may be somebody else.
    pub(super) reaped: bool,
    /// What its processes have in their environment, unless they have changed it.
    pub(super) mark: Option<&'a OsStr>,
    /// What else tells.
    pub(super) lineage: &'a Lineage,
}

impl RunMembers<'_> {
    /// Its leader, which lives, and all below it. `None` while anybody is adopted, who may be of it as well: then it takes
    /// [a look at each](Self::remaining). `tree`: one for all the runs that are looked at together.
    pub(super) fn below_leader(self, tree: &Tree) -> Option<Vec<Process>> {
        let nobody_is_adopted = || tree.adopted().is_empty();
        let family = nobody_is_adopted().then(|| tree.below([self.leader]))?;
        // Who has just been adopted may be missing below the leader.
        nobody_is_adopted().then_some(family)
    }

    /// Who is left.
    pub(super) fn remaining(self) -> Remaining {
        if !is_proc_ours() {
            let is_gone = test_kill_process_group(self.leader) == Err(Errno::SRCH);
            return if is_gone { Remaining::Nobody } else { Remaining::Somebody };
        }
        let (mut pause, mut waited, mut rounds) = (SOON, Duration::ZERO, 0);
        loop {
            let tree = Tree::read();
            let adopted = tree.adopted();
            // A process gives its children to us before it has ended itself: while anybody is left, the list is not empty.
            if adopted.is_empty() && self.reaped {
                return Remaining::Nobody;
            }
            let mut unsure: Vec<Pid> = Vec::new();
            let ours: Vec<Pid> = adopted
                .iter()
                .copied()
                .filter(|pid| match self.has(*pid) {
                    Has::Yes => true,
                    Has::No => false,
                    Has::Unsure => {
                        unsure.push(*pid);
                        false
                    }
                })
                .collect();
            // Where others are found, the next look finds these.
            let waits_on = || waited < MAKES_PROCESS && self.reaped && ours.is_empty();
            if !unsure.is_empty() && (pause <= LATE || waits_on() && unsure.iter().any(|pid| is_awake(*pid))) {
                let now = pause.min(LATE);
                thread::sleep(now);
                waited += now;
                pause = (pause * 2).min(LATE * 2);
                continue;
            }
            let members = tree.below((!self.reaped).then_some(self.leader).into_iter().chain(ours));
            // Who has ended meanwhile has given its children to us. The kernel may also skip one in a list of which another
            // is just ending (proc_pid_children(5)).
            rounds += 1;
            if rounds < ROUNDS && tree.adopted() != adopted {
                continue;
            }
            if !members.is_empty() {
                return Remaining::Members(members);
            }
            // Whose it was is not known; but its children may be of this run, and signals do nothing to it.
            let mut ending: Vec<Process> = unsure.into_iter().filter_map(Process::of).collect();
            ending.retain(|process| process.ending);
            if !ending.is_empty() {
                return Remaining::Members(ending);
            }
            if rounds < ROUNDS || tree.adopted() == adopted {
                return Remaining::Nobody;
            }
        }
    }

    /// Whether an adopted process is of this run.
    fn has(self, pid: Pid) -> Has {
        let Some(mark) = self.mark else { return if is_in(pid, self.leader) { Has::Yes } else { Has::No } };
        // Before the mark: who has got through meanwhile has one by then.
        let in_between = is_in_between(pid);
        match mark_of(pid) {
            Some(found) if found == mark => Has::Yes,
            Some(_) => Has::No,
            None if is_in(pid, self.leader) => Has::Yes,
            // It may also have begun between the two. A zombie has given its children to us already.
            None if (in_between || is_in_between(pid)) && Process::of(pid).is_some_and(|process| !process.ended) => {
                Has::Unsure
            }
            None if self.lineage.leads_to(pid) => Has::Yes,
            None => Has::No,
        }
    }
}

/// Those of these processes that handle a signal.
pub(super) fn handlers(members: &[Process], signal: Signal) -> Vec<&Process> {
    let (mut handlers, others): (Vec<&Process>, Vec<&Process>) =
        members.iter().partition(|member| member.catches(signal));
    let mut blocking: Vec<&Process> = others.into_iter().filter(|member| member.blocks(signal) != Blocks::No).collect();
    // Who only makes another process has blocked all signals meanwhile. On a busy machine that takes its time, and the
    // signal would end it afterwards: so one that is awake is looked at again, and one that sleeps twice.
    let (mut pause, mut waited, mut awake) = (SHORT, Duration::ZERO, true);
    while !blocking.is_empty() && (pause <= LATE || awake && waited < MAKES_PROCESS) {
        let now = pause.min(LATE);
        thread::sleep(now);
        waited += now;
        pause *= 2;
        awake = false;
        blocking.retain(|member| {
            let blocks = member.blocks(signal);
            awake |= blocks == Blocks::Awake;
            blocks != Blocks::No
        });
    }
    handlers.extend(blocking);
    handlers
}

/// Whether a process is of a run.
enum Has {
    Yes,
    No,
    /// It cannot be told now.
    Unsure,
}

/// Whether a process is in a session now.
pub(super) fn is_in(pid: Pid, session: Pid) -> bool {
    // Not rustix: a process whose session is outside of our pid namespace has the session 0, which is no `Pid` there.
    let number = nix::unistd::Pid::from_raw(pid.as_raw_pid());
    nix::unistd::getsid(Some(number)).is_ok_and(|found| found.as_raw() == session.as_raw_pid())
}
