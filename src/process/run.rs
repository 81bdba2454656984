//! The thread of a run: start it, feed its log, learn its end, wait for the rest of its family.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;

use super::background_tasks::BackgroundTasks;
use super::feeder::{Feeder, Gauge, PIECE, feed};
use super::launch::{Launch, Prepared};
use super::live_run::{LiveRun, Order};
use super::notify::{self, NotifySocket};
use super::probe::Prober;
use super::run_members::Remaining;
use super::terminal::{Hangup, Output, Terminal};
use super::{exit, listener, probe, program, shell};
use crate::clock::Clock;
use crate::domain::{
    ExitStatus, Kind, Marker, PortMarker, Probe, ReadyCheck, RunCommand, RunReport, Signal, SignalTarget, StartCause,
    plain_error, port_is_taken,
};
use crate::process_tree::{self, Process};

/// Input that waits for a service that does not read. What is beyond is dropped, with a warning.
const OUTBOX: usize = 1 << 20;

/// The most that a pty gives at once. Feeding more together costs less.
const PTY_PIECE: usize = 4 << 10;

/// After the exit, the output is complete when there was none for so long …
const QUIET: Duration = Duration::from_millis(10);

/// … and is waited for no longer than this, whoever goes on printing.
const DRAIN: Duration = Duration::from_millis(100);

/// How long the hang-up may take to end those that a run leaves.
const HANG_UP: Duration = Duration::from_millis(100);

/// How often it is asked whether the rest of the run is gone: from here …
const FIRST_LOOK: Duration = Duration::from_millis(2);

/// … doubling to here …
const SLOW_LOOK: Duration = Duration::from_millis(50);

/// … or to here if the kernel wakes us when a member ends.
const RARE_LOOK: Duration = Duration::from_secs(1);

/// How often a terminal that nobody has open is read, where the kernel does not tell that somebody opened it again.
const HANGUP_LOOK: Duration = Duration::from_millis(500);

/// How a child ends that could not become the program: the terminal library has closed the pipe through which the
/// standard library wants to tell, which then aborts.
const ABORTED: ExitStatus = ExitStatus::Signal(6);

/// What a shell answers for a program that it cannot execute.
const NOT_EXECUTABLE: ExitStatus = ExitStatus::Code(126);

/// What wakes the thread of a run, and what it then finds.
pub(super) type Inbox = (Receiver<Order>, UnixStream);

/// Runs a launch to its end, on the thread that calls.
pub(super) fn supervise(
    launch: &Arc<Launch>,
    live: &Arc<LiveRun>,
    inbox: Inbox,
    background_tasks: &BackgroundTasks,
    clock: Clock,
) {
    if let Some((mut run, leader)) = begin(launch, live, inbox, background_tasks, clock) {
        run.carry_on(leader);
    }
}

/// Makes the process. What that takes, its environment above all, is given back before the run is waited for: of a thousand
/// runs it would be megabytes. That is also why it is not inlined, nor what it calls: a thread keeps what it has once used
/// of its stack. (A thread that ends with this cannot do it: the child of a thread that has ended counts as adopted.) `None`:
/// there is no process, and why is told.
#[inline(never)]
fn begin<'a>(
    launch: &Arc<Launch>,
    live: &'a Arc<LiveRun>,
    (orders, woken): Inbox,
    background_tasks: &BackgroundTasks,
    clock: Clock,
) -> Option<(Box<Run<'a>>, Pid)> {
    let begin_log = |launch: &Launch| {
        launch.document.begin_run(launch.run, launch.ready.as_ref().and_then(ReadyCheck::pattern));
    };
    let (launch, begun) = match prepare(launch, live) {
        Ok((launch, prepared)) => {
            if let Some(inputs) = &launch.inputs {
                if let Some(inputs) = inputs.look(&prepared).filter(|_| launch.looks_at_inputs) {
                    live.gone();
                    live.report(RunReport::Unchanged { inputs });
                    return None;
                }
                inputs.begins(false);
            }
            begin_log(&launch);
            let begun = start(&launch, &prepared, live, background_tasks);
            (launch, begun)
        }
        Err(reason) => {
            begin_log(launch);
            (launch.clone(), Err(reason))
        }
    };
    let Begun { leader, terminal, by_library, prober, notify } = match begun {
        Ok(begun) => begun,
        Err(reason) => {
            live.gone();
            live.report(RunReport::NotStarted { reason });
            return None;
        }
    };
    let probe =
        prober.and_then(|prober| background_tasks.begin(prober.until_ready(background_tasks.means(), live.clone())));
    live.is_probed_first(probe);
    let for_ready = launch.ready.as_ref().is_some_and(|ready| ready.probe == Probe::Notify);
    let listens = |socket| background_tasks.begin(notify::listen(socket, for_ready, live.clone()));
    live.is_listened_to(notify.and_then(listens));
    let run = Run {
        launch,
        live,
        terminal,
        by_library,
        hangup: None,
        orders,
        woken,
        outbox: VecDeque::new(),
        buffer: Vec::new(),
        gauge: Gauge::default(),
        has_printed: false,
        feeder: None,
        clock,
    };
    Some((Box::new(run), leader))
}

/// What it is told of notifications: those of a service manager around devgroup are not for it.
const NOTIFY_VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// The variables of an environment.
type Variables = Vec<(OsString, OsString)>;

/// A run whose process was made.
struct Begun {
    leader: Pid,
    terminal: Arc<Terminal>,
    /// Whether it has become another program nobody knows.
    by_library: bool,
    prober: Option<Prober>,
    notify: Option<NotifySocket>,
}

/// The environment of the run, and the launch with the values of it.
#[inline(never)]
fn prepare(launch: &Arc<Launch>, live: &LiveRun) -> Result<(Arc<Launch>, Prepared), String> {
    let prepared = (launch.prepare)()?;
    if launch.expand.is_none() {
        return Ok((launch.clone(), prepared));
    }
    let (launch, checks) = launch.expanded(&prepared.env)?;
    checks.into_iter().for_each(|checks| live.report_expanded(checks));
    Ok((Arc::new(launch), prepared))
}

/// Makes the process and says so, in the log before anything that it prints.
#[inline(never)]
fn start(
    launch: &Launch,
    prepared: &Prepared,
    live: &LiveRun,
    background_tasks: &BackgroundTasks,
) -> Result<Begun, String> {
    let command = match &prepared.command {
        RunCommand::Shell(text) => RunCommand::Shell(shell::leading(text, (launch.stop, launch.told_by))),
        list @ RunCommand::Argv(_) => list.clone(),
    };
    let program = program::find(&command, &launch.dir, &prepared.env)?;
    let taken = look_at_ports(launch, live);
    let prober = Prober::new(launch, &prepared.env, background_tasks).map(|prober| prober.knows_taken(&taken));
    let (notify, env) = open_notify(launch, prepared)?;
    let mark = env.iter().rev().find(|(name, _)| name == process_tree::MARK).map(|(_, value)| value.clone());
    live.note_listeners(&probe::ports(launch));
    let size = live.forking(mark, &env).ok_or("it was killed before it started")?;
    let (terminal, slave) = Terminal::open(size, &launch.dir, background_tasks.children())?;
    let terminal = Arc::new(terminal);
    let by_library = slave.is_of_library();
    let leader = slave.start(program, &launch.dir, &env, background_tasks.children())?;
    live.forked(leader, terminal.clone(), size);
    let pid = leader.as_raw_pid().unsigned_abs();
    launch.document.mark(&match (&launch.cause, launch.was) {
        (StartCause::First, _) | (_, None) => {
            let by = if let StartCause::Client(name) = &launch.cause { Some(Arc::clone(name)) } else { None };
            Marker::Started { by, command: launch.display.clone(), pid }
        }
        (cause, was) => Marker::Restarted { cause: cause.clone(), was },
    });
    live.report(RunReport::Started { pid });
    Ok(Begun { leader, terminal, by_library, prober, notify })
}

/// The socket for the notifications of the run, if the file asks for them, and its environment with the way there.
fn open_notify(launch: &Launch, prepared: &Prepared) -> Result<(Option<NotifySocket>, Variables), String> {
    let mut env = prepared.env.clone();
    let Some(notify) = &launch.notify else { return Ok((None, env)) };
    let socket = NotifySocket::open(notify.folder.as_deref());
    let socket = socket.map_err(|error| format!("sd_notify: {}", plain_error(&error)))?;
    let own = socket.variables(notify.watchdog);
    env.retain(|(name, _)| !NOTIFY_VARIABLES.iter().any(|own| name == own));
    env.extend(own);
    Ok((Some(socket), env))
}

/// Says of which of its ports somebody else has them, and which are others than usual. The answer: those that are taken.
fn look_at_ports(launch: &Launch, live: &LiveRun) -> Vec<u16> {
    let mut taken = Vec::new();
    let mut problems = Vec::new();
    for port in &launch.ports {
        if let Some(moved) = &port.moved {
            let (service, from, holder) = (launch.service.clone(), moved.from, moved.holder.to_string());
            let moved = PortMarker::Moved { service, port: port.number, from, holder };
            launch.document.mark(&Marker::Port(moved));
        }
        let port = port.number;
        if taken.contains(&port) {
            continue;
        }
        if let Some(holder) = listener::holder_on_localhost(port) {
            let problem = port_is_taken(port, &holder);
            log::warn!("{} {problem}", launch.service);
            let marker = PortMarker::Taken { service: launch.service.clone(), port, holder };
            launch.document.mark(&Marker::Port(marker));
            problems.push(problem);
            taken.push(port);
        }
    }
    if !problems.is_empty() {
        live.report(RunReport::PortTaken { problem: problems.join(" · ").into() });
    }
    taken
}

/// Whether a child has never become another program: it still has the name of this thread, from which it was forked.
/// It has ended and is not reaped yet. (Where there is no `/proc`, nobody knows.)
fn is_still_ours(child: Pid) -> bool {
    let name = |path: &str| std::fs::read(path).ok();
    process_tree::is_proc_ours()
        && name(&format!("/proc/{child}/comm")).is_some_and(|its| Some(its) == name("/proc/thread-self/comm"))
}

/// A run that has a process.
struct Run<'a> {
    launch: Arc<Launch>,
    live: &'a Arc<LiveRun>,
    terminal: Arc<Terminal>,
    by_library: bool,
    /// Nobody has the other end open.
    hangup: Option<Hangup>,
    orders: Receiver<Order>,
    woken: UnixStream,
    outbox: VecDeque<u8>,
    /// What was read; room for it is there while it floods only.
    buffer: Vec<u8>,
    gauge: Gauge,
    has_printed: bool,
    /// Feeds the log in place of this thread, while the run floods.
    feeder: Option<Feeder>,
    clock: Clock,
}

/// Why the thread woke up.
#[derive(Default)]
struct Woken {
    terminal: bool,
    orders: bool,
    end: bool,
}

impl Run<'_> {
    fn carry_on(&mut self, leader: Pid) {
        let exit = exit::of_child(leader).ok();
        let (mut status, refused) = loop {
            let woken = self.wait(exit.as_ref(), exit.is_none().then_some(SLOW_LOOK));
            self.serve(&woken);
            if woken.end || exit.is_none() {
                let refused = self.by_library && woken.end && is_still_ours(leader);
                if let Some(status) = self.live.reap() {
                    break (status, refused);
                }
            }
        };
        drop(exit);
        self.drain();
        self.launch.document.end_run();
        if refused && status == ABORTED {
            status = NOT_EXECUTABLE;
            let reason = format!("the system refused to execute it: {}", self.launch.display);
            self.launch.document.mark(&Marker::CouldNotStart { reason });
        }
        if let Some(inputs) = self.launch.inputs.as_ref().filter(|_| status.is_success() && !self.live.was_asked()) {
            inputs.succeeded();
        }
        let remaining = self.after_hang_up();
        let group_gone = remaining == Remaining::Nobody;
        if !remaining.members().is_empty() && !self.live.was_asked() {
            let names: Vec<String> = remaining.members().iter().map(Process::display).collect();
            let daemon = self.launch.kind == Kind::Service && status.is_success();
            self.live.report(RunReport::LeftBehind { names: process_tree::display(remaining.members()).into() });
            self.launch.document.mark(&Marker::LeftBehind { names, daemon });
        }
        if group_gone {
            self.live.gone();
        }
        self.live.report(RunReport::Exited { status, group_gone });
        if !group_gone {
            self.outlive(remaining);
            self.live.gone();
            self.live.report(RunReport::GroupGone);
        }
    }

    /// Reads what was printed before the exit. The kernel carries it over in its own time, so it may arrive a moment
    /// later; but when all have closed the other end, nothing more can come.
    fn drain(&mut self) {
        let give_up = self.clock.now() + DRAIN;
        let mut complete = self.clock.now() + QUIET;
        loop {
            if self.pump() {
                complete = self.clock.now() + QUIET;
            }
            let rest = complete.min(give_up).since(self.clock.now());
            if self.hangup.is_some() || rest.is_zero() {
                return self.feed_the_rest();
            }
            if self.wait(None, Some(rest)).orders {
                self.take_orders();
            }
        }
    }

    /// Who is left of a run that ended by itself. The hang-up of its terminal ends most of those that it leaves, and takes
    /// a moment: they have not been left behind.
    fn after_hang_up(&mut self) -> Remaining {
        let give_up = self.clock.now() + HANG_UP;
        loop {
            let remaining = self.live.remaining();
            if remaining.members().is_empty() || self.live.was_asked() || self.clock.now() >= give_up {
                return remaining;
            }
            let woken = self.wait(None, Some(FIRST_LOOK));
            self.serve(&woken);
        }
    }

    /// Goes on reading until nobody of the run is left.
    fn outlive(&mut self, mut remaining: Remaining) {
        let mut pause = FIRST_LOOK;
        let mut look_at = self.clock.now() + pause;
        while remaining != Remaining::Nobody {
            let end = remaining.members().first().and_then(|member| exit::of_any(member.pid));
            let woken = loop {
                let woken = self.wait(end.as_ref(), Some(look_at.since(self.clock.now())));
                self.serve(&woken);
                if woken.end || self.clock.now() >= look_at {
                    break woken;
                }
            };
            if !woken.end {
                pause = (pause * 2).min(if end.is_some() { RARE_LOOK } else { SLOW_LOOK });
            }
            look_at = self.clock.now() + pause;
            remaining = self.live.remaining();
        }
        self.pump();
        self.feed_the_rest();
    }

    /// Sleeps until there is something to do.
    fn wait(&self, end: Option<&OwnedFd>, timeout: Option<Duration>) -> Woken {
        // A frame that is left open is shown after a while, also if nothing more is printed.
        let document = &self.launch.document;
        let due = document.next_change().map(|due| due.since(self.clock.now()));
        let woken = self.sleep(end, timeout.into_iter().chain(due).min());
        if due.is_some() {
            document.show_what_is_due();
        }
        woken
    }

    fn sleep(&self, end: Option<&OwnedFd>, timeout: Option<Duration>) -> Woken {
        let output = match &self.hangup {
            None => Some(self.terminal.as_fd()),
            Some(hangup) => hangup.handle(),
        };
        let events = if self.outbox.is_empty() || self.hangup.is_some() {
            PollFlags::IN
        } else {
            PollFlags::IN | PollFlags::OUT
        };
        let mut handles = vec![PollFd::new(&self.woken, PollFlags::IN)];
        handles.extend(end.map(|end| PollFd::new(end, PollFlags::IN)));
        handles.extend(output.map(|output| PollFd::from_borrowed_fd(output, events)));
        let unseen = output.is_none();
        let timeout = if unseen { Some(timeout.map_or(HANGUP_LOOK, |time| time.min(HANGUP_LOOK))) } else { timeout };
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        // The only error in practice is an interruption: nothing happened.
        if poll(&mut handles, timeout.as_ref()).is_err() {
            return Woken::default();
        }
        let mut fired = handles.iter().map(|handle| !handle.revents().is_empty());
        Woken {
            orders: fired.next() == Some(true),
            end: end.is_some() && fired.next() == Some(true),
            terminal: unseen || fired.next() == Some(true),
        }
    }

    fn serve(&mut self, woken: &Woken) {
        if woken.orders {
            self.take_orders();
        }
        if woken.terminal {
            self.pump();
        }
        self.type_out();
    }

    /// Reads what is there, up to a piece, and feeds it. Whether there was anything.
    fn pump(&mut self) -> bool {
        self.buffer.clear();
        while self.buffer.len() < PIECE {
            self.buffer.reserve(PTY_PIECE);
            match self.terminal.read(&mut self.buffer) {
                Output::Bytes => self.hangup = None,
                Output::Nothing => break,
                Output::Closed => {
                    match &self.hangup {
                        Some(hangup) => hangup.wait_for_edge(),
                        None => self.hangup = Some(Hangup::of(&self.terminal)),
                    }
                    break;
                }
            }
        }
        if self.buffer.is_empty() {
            self.forget_buffer();
            return false;
        }
        if !std::mem::replace(&mut self.has_printed, true) {
            self.live.report(RunReport::Printed);
        }
        self.see_to_feeder(self.buffer.len());
        if !self.feeder.as_ref().is_some_and(|feeder| feeder.push_output(&self.buffer)) {
            let fed = feed(&self.launch, &self.buffer);
            if fed.ready {
                self.live.become_ready();
            }
            self.post(&fed.replies);
        }
        self.forget_buffer();
        true
    }

    /// Most services print little, and seldom.
    fn forget_buffer(&mut self) {
        if self.feeder.is_none() {
            self.buffer = Vec::new();
        }
    }

    /// Starts the second thread when a flood begins, and ends it afterwards.
    fn see_to_feeder(&mut self, read: usize) {
        let floods = self.gauge.read(read, self.clock.now());
        if !floods {
            self.feed_the_rest();
        } else if self.feeder.is_none() {
            // Without it, all is fed here.
            self.feeder = Feeder::start(&self.launch, self.live, self.clock);
        }
    }

    /// Waits until the log has all that was read.
    fn feed_the_rest(&mut self) {
        if let Some(feeder) = self.feeder.take() {
            feeder.finish();
        }
    }

    fn take_orders(&mut self) {
        let mut wakes = [0; 64];
        while matches!(self.woken.read(&mut wakes), Ok(length) if length > 0) {}
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Write(bytes) => self.post(&bytes),
                Order::Ask { signal, target } => {
                    if !self.live.ask(signal, target) {
                        let service = self.launch.service.clone();
                        self.launch.document.mark(&Marker::SignalNotSent { signal, service });
                    }
                }
                Order::Sweep => self.live.sweep(Signal::Kill, SignalTarget::Group),
                Order::WaitAnew => {}
            }
        }
    }

    /// Puts bytes into the line to the service.
    fn post(&mut self, bytes: &[u8]) {
        if self.outbox.len() + bytes.len() <= OUTBOX {
            self.outbox.extend(bytes);
        } else {
            log::warn!("{} does not read its input: {} bytes dropped", self.launch.service, bytes.len());
        }
        self.type_out();
    }

    /// Writes what the terminal takes.
    fn type_out(&mut self) {
        while !self.outbox.is_empty() {
            let (head, _) = self.outbox.as_slices();
            match self.terminal.write(head) {
                Ok(0) => return,
                Ok(length) => drop(self.outbox.drain(..length)),
                Err(_) => self.outbox.clear(),
            }
        }
    }
}
