//! The thread of a run: feed its log, learn its end, wait for the rest of its family. While nothing happens to the run, it has
//! none ([`QuietRuns`]).

use std::collections::VecDeque;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;
use tokio::io::Interest;

use super::feeder::{Feeder, Gauge, PIECE, feed};
use super::launch::Launch;
use super::live_run::{LiveRun, Order};
use super::quiet_runs::QuietRuns;
use super::run_members::Remaining;
use super::terminal::{Hangup, Output, Terminal};
use super::{exit, spawners};
use crate::clock::Clock;
use crate::domain::{ExitStatus, Kind, Marker, RunReport, ServiceName, Signal, SignalTarget};
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

/// A run that has had nothing to say for so long gives its thread back. To start one again takes some 50 µs.
const RESTLESS: Duration = Duration::from_millis(250);

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

/// A process in its terminal.
pub(super) struct Made {
    /// The process.
    pub(super) leader: Pid,
    /// Our end of its terminal.
    pub(super) terminal: Arc<Terminal>,
    /// The terminal library has made it: whether it has become another program nobody knows.
    pub(super) by_library: bool,
}

/// Whether a child has never become another program: it still has the name of the thread from which it was forked. It has
/// ended and is not reaped yet. (Where there is no `/proc`, nobody knows.)
fn is_still_ours(child: Pid) -> bool {
    process_tree::is_proc_ours()
        && std::fs::read(format!("/proc/{child}/comm")).is_ok_and(|its| its.trim_ascii() == spawners::NAME.as_bytes())
}

/// A run that has a process.
pub(super) struct Run {
    launch: Arc<Launch>,
    live: Arc<LiveRun>,
    leader: Pid,
    /// Becomes readable at the end of the leader. `None`: it is asked now and then.
    exit: Option<OwnedFd>,
    /// It gives its thread back when it is quiet.
    rests: bool,
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
    quiet_runs: Arc<QuietRuns>,
    clock: Clock,
}

/// Why the thread woke up.
#[derive(Default, PartialEq, Eq)]
struct Woken {
    terminal: bool,
    orders: bool,
    end: bool,
}

impl Run {
    /// A run that begins.
    pub(super) fn new(
        launch: Arc<Launch>,
        live: Arc<LiveRun>,
        Made { leader, terminal, by_library }: Made,
        (orders, woken): Inbox,
        (quiet_runs, clock): (Arc<QuietRuns>, Clock),
    ) -> Self {
        let exit = exit::of_child(leader).ok();
        Self {
            launch,
            live,
            leader,
            rests: exit.is_some(),
            exit,
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
            quiet_runs,
            clock,
        }
    }

    /// The service.
    pub(super) fn service(&self) -> &ServiceName {
        &self.launch.service
    }

    /// From now on it keeps its thread, even when it is quiet.
    pub(super) fn keep_thread(&mut self) {
        self.rests = false;
    }

    /// Goes on until it is over or quiet.
    pub(super) fn carry_on(mut self: Box<Self>) {
        let (status, refused) = loop {
            if let Some(end) = self.until_end(self.rests.then_some(RESTLESS)) {
                break end;
            }
            match self.quiet_runs.clone().take(self) {
                Ok(()) => return,
                Err(run) => self = run,
            }
            self.keep_thread();
        };
        self.end(status, refused);
    }

    /// Serves it until its leader has ended: how, and whether that never became the program. `None`: nothing has happened
    /// for so long.
    fn until_end(&mut self, patience: Option<Duration>) -> Option<(ExitStatus, bool)> {
        let mut restless = patience.map(|patience| self.clock.now() + patience);
        loop {
            let look_again = if self.exit.is_none() { Some(SLOW_LOOK) } else { None };
            let rest = restless.map(|restless| restless.since(self.clock.now()));
            let woken = self.wait(self.exit.as_ref(), look_again.or(rest));
            self.serve(&woken);
            if woken.end || self.exit.is_none() {
                let refused = self.by_library && woken.end && is_still_ours(self.leader);
                if let Some(status) = self.live.reap() {
                    return Some((status, refused));
                }
            }
            let is_over = restless.is_some_and(|restless| restless <= self.clock.now());
            if is_over && woken == Woken::default() && self.is_quiet() {
                return None;
            }
            if is_over || woken != Woken::default() {
                restless = patience.map(|patience| self.clock.now() + patience);
            }
        }
    }

    /// Whether nothing is to be done for it until one of its handles says so.
    fn is_quiet(&mut self) -> bool {
        self.feed_the_rest();
        self.output().is_some() && self.launch.document.next_change().is_none()
    }

    /// What tells of news while it is quiet; `None`: it has to be looked at from time to time.
    pub(super) fn handles(&self) -> Option<[(BorrowedFd<'_>, Interest); 3]> {
        let exit = self.exit.as_ref().filter(|_| self.rests)?;
        let terminal = if self.writes() { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let (woken, exit) = (self.woken.as_fd(), exit.as_fd());
        Some([(woken, Interest::READABLE), (exit, Interest::READABLE), (self.output()?, terminal)])
    }

    /// The end of its leader, and what follows from it.
    fn end(&mut self, mut status: ExitStatus, refused: bool) {
        self.exit = None;
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
        let output = self.output();
        let events = if self.writes() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
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

    /// What becomes readable when the terminal has news; `None`: it is to be looked at from time to time.
    fn output(&self) -> Option<BorrowedFd<'_>> {
        match &self.hangup {
            None => Some(self.terminal.as_fd()),
            Some(hangup) => hangup.handle(),
        }
    }

    /// Whether the terminal has to take something.
    fn writes(&self) -> bool {
        !self.outbox.is_empty() && self.hangup.is_none()
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
            self.live.report(RunReport::Printed { at: self.clock.now() });
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
            self.feeder = Feeder::start(&self.launch, &self.live, self.clock);
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
