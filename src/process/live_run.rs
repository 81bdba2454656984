//! A run as the host and the run's thread share it: what may be signalled, and what may still be reported.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use rustix::process::{
    Pid, WaitOptions, WaitStatus, getpid, kill_process, kill_process_group, test_kill_process, waitpid,
};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::background_tasks::BackgroundTask;
use super::host::RunNews;
use super::meter::Meter;
use super::reach::Earlier;
use super::run_members::{self, Lineage, Remaining, RunMembers};
use super::terminal::{Size, Terminal};
use super::variables::{Environment, Variables};
use crate::clock::time_of_a_write;
use crate::domain::{Checks, ExitStatus, Moment, Probe, RunId, RunReport, ServiceName, Signal, SignalTarget, Usage};
use crate::logs::Fed;
use crate::process_tree::{self, Process, Tree};

/// How often in a row everybody is killed while new ones appear: who forks without end is ended by the first round that
/// is faster.
const ROUNDS: usize = 50;

/// What the host asks of the run's thread.
pub(super) enum Order {
    /// Write these bytes to the pty, as if they were typed.
    Write(Vec<u8>),
    /// Send this signal, also to what has left the group.
    Ask { signal: Signal, target: SignalTarget },
    /// The group has been killed; see to the rest of the run.
    Sweep,
    /// Another thread has fed the log: look for how long to wait.
    WaitAnew,
}

/// One run, from the request to the end of all that descends from it.
pub(super) struct LiveRun {
    pub(super) service: ServiceName,
    pub(super) run: RunId,
    reports: UnboundedSender<RunNews>,
    state: Mutex<LiveRunState>,
    forked: Condvar,
    /// Who listened on its ports before it began.
    earlier: OnceLock<Earlier>,
    /// Counts its signs of life by notification, from when somebody waits for them.
    beats: OnceLock<watch::Sender<u64>>,
    /// The time of a file that was written when the run was asked for.
    asked_at: SystemTime,
}

/// Guarded by one lock, so that nobody signals a number that is being given back.
struct LiveRunState {
    life: Life,
    size: Size,
    terminal: Option<Arc<Terminal>>,
    /// The way to the run's thread; closed with the run.
    thread: Option<(Sender<Order>, UnixStream)>,
    /// Signals that came before the process.
    early: Vec<(Signal, SignalTarget)>,
    /// KILL was sent to all: whoever of it is found later gets it too.
    killed: bool,
    /// Somebody has asked it to end.
    asked: bool,
    /// What its processes are known by …
    mark: Option<OsString>,
    /// … and what of them has lost it.
    lineage: Lineage,
    ready: bool,
    /// The liveness check. It ends with the leader.
    liveness_probe: Option<BackgroundTask>,
    /// The readiness check. It ends with the leader as well.
    probe: Option<BackgroundTask>,
    /// It is not that of the start any more.
    probe_exchanged: bool,
    /// Who listens to its notifications. It ends with the leader, too.
    listener: Option<BackgroundTask>,
    /// The environment that it was started in.
    env: Variables,
    /// What it used when that was last measured.
    meter: Meter,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Not forked yet.
    Asked,
    /// The process is being made.
    Forking,
    /// The leader has not been reaped: its number, and that of its group and session, is ours.
    Leader(Pid),
    /// The leader has been reaped, others may be left.
    Orphans(Pid),
    /// Nothing is left, or nothing ever was.
    Gone,
}

impl LiveRun {
    pub(super) fn new(
        (service, run): (ServiceName, RunId),
        size: Size,
        reports: UnboundedSender<RunNews>,
        thread: (Sender<Order>, UnixStream),
    ) -> Self {
        let state = LiveRunState {
            life: Life::Asked,
            size,
            terminal: None,
            thread: Some(thread),
            early: Vec::new(),
            killed: false,
            asked: false,
            mark: None,
            lineage: Lineage::default(),
            ready: false,
            liveness_probe: None,
            probe: None,
            probe_exchanged: false,
            listener: None,
            env: Variables::default(),
            meter: Meter::default(),
        };
        let (forked, earlier) = (Condvar::new(), OnceLock::new());
        let beats = OnceLock::new();
        Self { service, run, reports, state: Mutex::new(state), forked, earlier, beats, asked_at: time_of_a_write() }
    }

    /// What the run writes has no earlier time than this.
    pub(super) fn asked_at(&self) -> SystemTime {
        self.asked_at
    }

    fn state(&self) -> MutexGuard<'_, LiveRunState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what happened. The loop may be gone already; then nobody needs to know.
    pub(super) fn report(&self, report: RunReport) {
        let _ = self.reports.send(RunNews { service: self.service.clone(), run: self.run, report });
    }

    // What the host asks.

    /// Signals whom it is for, by the run's thread: it looks first who is there. KILL reaches the group at once.
    pub(super) fn signal(&self, signal: Signal, target: SignalTarget) {
        let mut state = self.state();
        state.asked |= target != SignalTarget::Handlers;
        match state.life {
            Life::Asked | Life::Forking => state.early.push((signal, target)),
            Life::Leader(_) | Life::Orphans(_) if signal == Signal::Kill => {
                state.lineage.note_descendants();
                state.send(signal, target);
                state.order(Order::Sweep);
            }
            Life::Leader(_) | Life::Orphans(_) => state.order(Order::Ask { signal, target }),
            Life::Gone => {}
        }
    }

    /// Types into the terminal.
    pub(super) fn write(&self, bytes: Vec<u8>) {
        self.state().order(Order::Write(bytes));
    }

    /// The terminal has this size from now on.
    pub(super) fn resize(&self, size: Size) {
        let mut state = self.state();
        if state.size != size {
            state.size = size;
            if let Some(terminal) = &state.terminal {
                terminal.resize(size);
            }
        }
    }

    /// Kills whoever is there, now. A fork that is under way is waited for, a while.
    pub(super) fn kill_now(&self) {
        let mut state = self.state();
        if state.life == Life::Asked {
            state.life = Life::Gone;
        }
        if state.life == Life::Forking {
            let forking = |state: &mut LiveRunState| state.life == Life::Forking;
            state = match self.forked.wait_timeout_while(state, Duration::from_millis(500), forking) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        state.killed = true;
        state.lineage.note_descendants();
        state.send(Signal::Kill, SignalTarget::Group);
        state.kill_remaining();
    }

    /// Whether anybody has sent it a signal.
    pub(super) fn was_asked(&self) -> bool {
        self.state().asked
    }

    /// Whether nothing of it is left.
    pub(super) fn is_gone(&self) -> bool {
        self.state().life == Life::Gone
    }

    /// Its processes, the leader first, and its environment; `None` if the leader does not live. Elsewhere than on Linux,
    /// the leader only.
    pub(super) fn processes_and_environment(&self) -> Option<(Vec<i32>, Environment)> {
        let mut state = self.state();
        let Life::Leader(leader) = state.life else { return None };
        let leader = leader.as_raw_pid();
        let remaining = state.remaining();
        let others = remaining.members().iter().map(|member| member.pid.as_raw_pid()).filter(|pid| *pid != leader);
        Some((std::iter::once(leader).chain(others).collect(), state.env.environment()))
    }

    /// What its processes use together; `None` if its leader does not live. Nothing of it is known where the system does not
    /// show processes. `tree`: one for all that are measured at once.
    pub(super) fn measure(&self, now: Moment, tree: &Tree) -> Option<Usage> {
        let mut state = self.state();
        let Life::Leader(_) = state.life else { return None };
        if !process_tree::is_proc_ours() {
            return Some(Usage::unknown(now));
        }
        let remaining = match state.members().and_then(|members| members.below_leader(tree)) {
            Some(family) => {
                let all = Remaining::Members(family);
                state.lineage.set_seen(&all);
                all
            }
            None => state.remaining(),
        };
        Some(state.meter.look(remaining.members(), now))
    }

    /// The CPU time that the looks at it have found.
    pub(super) fn cpu_time(&self) -> Option<Duration> {
        self.state().meter.cpu_time()
    }

    /// Who listened on its ports before it began; nobody, for what has not begun.
    pub(super) fn earlier(&self) -> &Earlier {
        self.earlier.get_or_init(Earlier::default)
    }

    /// Keeps the liveness check, as long as the leader lives.
    pub(super) fn is_looked_after(&self, liveness_probe: BackgroundTask) {
        let mut state = self.state();
        if matches!(state.life, Life::Leader(_)) {
            state.liveness_probe = Some(liveness_probe);
        }
    }

    /// Nobody looks after it any more.
    pub(super) fn is_looked_after_no_more(&self) {
        self.state().liveness_probe = None;
    }

    /// Keeps the readiness check in place of the one before, as long as the leader lives.
    pub(super) fn is_probed(&self, probe: Option<BackgroundTask>) {
        let mut state = self.state();
        state.probe_exchanged = true;
        if matches!(state.life, Life::Leader(_)) {
            state.probe = probe;
        }
    }

    /// Keeps the readiness check of the start, unless it was exchanged while the run began.
    pub(super) fn is_probed_first(&self, probe: Option<BackgroundTask>) {
        let mut state = self.state();
        if matches!(state.life, Life::Leader(_)) && !state.probe_exchanged {
            state.probe = probe;
        }
    }

    /// Keeps who listens to its notifications, as long as the leader lives.
    pub(super) fn is_listened_to(&self, listener: Option<BackgroundTask>) {
        let mut state = self.state();
        if matches!(state.life, Life::Leader(_)) {
            state.listener = listener;
        }
    }

    /// It has given a sign of life.
    pub(super) fn beat(&self) {
        if let Some(beats) = self.beats.get() {
            beats.send_modify(|beats| *beats += 1);
        }
    }

    /// Wakes with each of its signs of life.
    pub(super) fn beats(&self) -> watch::Receiver<u64> {
        self.beats.get_or_init(|| watch::Sender::new(0)).subscribe()
    }

    /// Whether this process is of the run, also one that has just ended and was not reaped yet.
    pub(super) fn has_member(&self, pid: i32) -> bool {
        let mut state = self.state();
        let Some(leader) = state.members().map(|members| members.leader) else { return false };
        let mut next = Pid::from_raw(pid);
        while let Some(pid) = next {
            if pid == leader || run_members::is_in(pid, leader) {
                return true;
            }
            let parent = Process::of(pid).and_then(|process| Pid::from_raw(process.parent));
            next = parent.filter(|parent| *parent != getpid());
        }
        // An orphan that has left its session.
        state.remaining().members().iter().any(|member| member.pid.as_raw_pid() == pid)
    }

    /// Reports readiness, once, and only while the leader lives.
    pub(super) fn become_ready(&self) {
        let mut state = self.state();
        if matches!(state.life, Life::Leader(_)) && !state.ready {
            state.ready = true;
            self.report(RunReport::Ready);
        }
    }

    // What the run's threads tell.

    /// What came of feeding the log elsewhere than on the run's thread.
    pub(super) fn report_fed(&self, fed: Fed) {
        if fed.ready {
            self.become_ready();
        }
        if !fed.replies.is_empty() {
            self.write(fed.replies);
        }
        if fed.frame_open {
            self.state().order(Order::WaitAnew);
        }
    }

    /// Reports what the values of its environment have made of the texts of the file.
    pub(super) fn report_expanded(&self, checks: Checks) {
        let port = checks.ready.map(|ready| ready.probe).filter(|probe| matches!(probe, Probe::Port(_)));
        let ready = port.map(|port| port.to_string().into());
        self.report(RunReport::Expanded { url: checks.url.map(Into::into), ready });
    }

    /// The environment that it was started in.
    pub(super) fn env(&self) -> Environment {
        self.state().env.environment()
    }

    /// It is about to begin: notes who listens on its ports.
    pub(super) fn note_listeners(&self, ports: &[u16]) {
        self.earlier.get_or_init(|| Earlier::listening_on(ports));
    }

    /// The size to start with; `None` if the run was killed before it began. `mark`: what its processes will be known by.
    pub(super) fn forking(&self, mark: Option<OsString>, env: &[(OsString, OsString)]) -> Option<Size> {
        let mut state = self.state();
        state.env = Variables::of(env);
        if state.life != Life::Asked {
            return None;
        }
        state.life = Life::Forking;
        state.mark = mark;
        Some(state.size)
    }

    /// The process exists: what came meanwhile is caught up on.
    pub(super) fn forked(&self, leader: Pid, terminal: Arc<Terminal>, size: Size) {
        let mut state = self.state();
        if state.size != size {
            terminal.resize(state.size);
        }
        state.begins(leader, terminal.name());
        state.terminal = Some(terminal);
        self.forked.notify_all();
    }

    /// The same of a process that has no terminal.
    pub(super) fn forked_without_terminal(&self, leader: Pid) {
        self.state().begins(leader, None);
        self.forked.notify_all();
    }

    /// Nothing is left, or no process could be made.
    pub(super) fn gone(&self) {
        let mut state = self.state();
        if let Life::Leader(leader) | Life::Orphans(leader) = std::mem::replace(&mut state.life, Life::Gone) {
            process_tree::group_is_gone(leader);
        }
        state.liveness_probe = None;
        state.probe = None;
        state.listener = None;
        state.lineage = Lineage::default();
        state.terminal = None;
        state.thread = None;
        self.forked.notify_all();
    }

    /// Reaps the leader, if it has ended.
    pub(super) fn reap(&self) -> Option<ExitStatus> {
        let mut state = self.state();
        let Life::Leader(leader) = state.life else { return None };
        let status = match waitpid(Some(leader), WaitOptions::NOHANG) {
            Ok(None) | Err(Errno::INTR) => return None,
            Ok(Some((_, status))) => exit_status(status),
            // Somebody else has reaped it (a parent that ignores SIGCHLD): how it ended is not known.
            Err(_) => ExitStatus::Code(-1),
        };
        state.life = Life::Orphans(leader);
        state.liveness_probe = None;
        state.probe = None;
        state.listener = None;
        Some(status)
    }

    /// Who is left of it. After a KILL each of them gets another one, since processes that were forked meanwhile have
    /// missed the first.
    pub(super) fn remaining(&self) -> Remaining {
        let mut state = self.state();
        if state.killed { state.kill_remaining() } else { state.remaining() }
    }

    /// Signals whom it is for, also outside of the group. False: it would end them all, since none handles it, and so it
    /// was not sent.
    pub(super) fn ask(&self, signal: Signal, target: SignalTarget) -> bool {
        let mut state = self.state();
        if target == SignalTarget::Handlers && signal.ends() && process_tree::is_proc_ours() {
            let remaining = state.remaining();
            drop(state);
            let handlers = run_members::handlers(remaining.members(), number(signal));
            handlers.iter().for_each(|handler| handler.signal(number(signal)));
            return !handlers.is_empty();
        }
        state.lineage.note_descendants();
        state.send(signal, target);
        drop(state);
        self.sweep(signal, target);
        true
    }

    /// After a signal to the group: members outside of it get the signal as well, and members that are stopped go on
    /// to be ended by it. Reports a leader that ignores it.
    pub(super) fn sweep(&self, signal: Signal, target: SignalTarget) {
        let mut state = self.state();
        let Some(leader) = state.members().map(|run_members| run_members.leader) else { return };
        let ends = matches!(signal, Signal::Term | Signal::Int | Signal::Quit | Signal::Hup);
        if ends && target != SignalTarget::Handlers && !process_tree::is_proc_ours() {
            // Nothing tells who is stopped, and the others do not notice.
            state.send(Signal::Cont, target);
        }
        let mut is_ignored = false;
        for member in state.remaining().members() {
            if member.pid == leader && member.ignores(number(signal)) {
                is_ignored = true;
                // An interactive shell ends when its terminal goes away, which that signal says.
                if signal == Signal::Term && member.catches(number(Signal::Hup)) {
                    member.signal(number(Signal::Hup));
                }
            }
            if target == SignalTarget::Leader && member.pid != leader {
                continue;
            }
            if member.group != leader.as_raw_pid() {
                member.signal(number(signal));
            }
            if member.stopped && ends {
                member.signal(rustix::process::Signal::CONT);
            }
        }
        if is_ignored {
            self.report(RunReport::Ignores(signal));
        }
    }
}

impl LiveRunState {
    /// The process exists. It gets the signals that came before it.
    fn begins(&mut self, leader: Pid, terminal: Option<PathBuf>) {
        process_tree::group_begins(leader);
        self.lineage = Lineage::begin(leader, terminal);
        self.life = Life::Leader(leader);
        let early = std::mem::take(&mut self.early);
        // Nobody handles anything yet: who is told of a change begins with it.
        for (signal, target) in early.into_iter().filter(|(_, target)| *target != SignalTarget::Handlers) {
            self.send(signal, target);
        }
    }

    /// How its processes are known, while there may be any.
    fn members(&self) -> Option<RunMembers<'_>> {
        let (leader, reaped) = match self.life {
            Life::Asked | Life::Forking | Life::Gone => return None,
            Life::Leader(leader) => (leader, false),
            Life::Orphans(leader) => (leader, true),
        };
        Some(RunMembers { leader, reaped, mark: self.mark.as_deref(), lineage: &self.lineage })
    }

    fn remaining(&mut self) -> Remaining {
        let remaining = self.members().map_or(Remaining::Nobody, RunMembers::remaining);
        self.lineage.set_seen(&remaining);
        remaining
    }

    /// Kills everybody who is left, again and again while new ones appear. Who is left then.
    fn kill_remaining(&mut self) -> Remaining {
        let mut known: Vec<Process> = Vec::new();
        let mut remaining = self.remaining();
        for _ in 0..ROUNDS {
            let is_new = |member: &Process| !known.iter().any(|known| known.is_same(member));
            if !remaining.members().iter().any(is_new) {
                break;
            }
            remaining.members().iter().for_each(Process::kill_group);
            known = remaining.members().to_vec();
            remaining = self.remaining();
        }
        remaining
    }

    /// Leaves an order with the run's thread and wakes it.
    fn order(&self, order: Order) {
        if let Some((orders, wake)) = &self.thread
            && orders.send(order).is_ok()
        {
            // A full pipe means that the thread has been woken already.
            let _ = (&*wake).write(&[0]);
        }
    }

    /// To the group, or to the leader if it lives. Errors mean that nobody is there, or somebody who runs as another
    /// user: neither can be helped.
    fn send(&mut self, signal: Signal, target: SignalTarget) {
        let to_leader = target == SignalTarget::Leader;
        match self.life {
            Life::Leader(leader) if to_leader => {
                let _ = kill_process(leader, number(signal));
            }
            Life::Leader(group) => {
                self.killed |= signal == Signal::Kill;
                let _ = kill_process_group(group, number(signal));
            }
            Life::Orphans(_) if to_leader => {}
            Life::Orphans(group) => {
                self.killed |= signal == Signal::Kill;
                // While a member is left, the kernel gives the number of the group to nobody: a process of that number
                // means that all of ours are gone.
                if test_kill_process(group) == Err(Errno::SRCH) {
                    let _ = kill_process_group(group, number(signal));
                }
            }
            Life::Asked | Life::Forking | Life::Gone => {}
        }
    }
}

/// How the kernel says it, in the words of the domain.
fn exit_status(status: WaitStatus) -> ExitStatus {
    match (status.exit_status(), status.terminating_signal()) {
        (_, Some(signal)) => ExitStatus::Signal(signal),
        (code, None) => ExitStatus::Code(code.unwrap_or(-1)),
    }
}

/// The system's signal.
pub(super) fn number(signal: Signal) -> rustix::process::Signal {
    match signal {
        Signal::Hup => rustix::process::Signal::HUP,
        Signal::Int => rustix::process::Signal::INT,
        Signal::Quit => rustix::process::Signal::QUIT,
        Signal::Kill => rustix::process::Signal::KILL,
        Signal::Usr1 => rustix::process::Signal::USR1,
        Signal::Usr2 => rustix::process::Signal::USR2,
        Signal::Term => rustix::process::Signal::TERM,
        Signal::Winch => rustix::process::Signal::WINCH,
        Signal::Cont => rustix::process::Signal::CONT,
    }
}
