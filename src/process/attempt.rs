//! A try of a task: a process that reads the task from a pipe and prints into two, with all that descends from it.
//!
//! One thread carries it through (`try_threads`). It shares with the runs of services how it is signalled and how its
//! family is found. What it leaves behind is ended at once: a try is over when nobody of it is left.

use std::fmt;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;

use super::capture::{Capture, Captured};
use super::child::Children;
use super::launch::{Expand, Prepare};
use super::live_run::{LiveRun, Order};
use super::piped::{self, Pipes, Read};
use super::run_members::Remaining;
use super::scratch::Scratch;
use super::{exit, program};
use crate::clock::Clock;
use crate::domain::{EndedTry, Moment, RunId, ServiceName, Signal, SignalTarget, TryExit};
use crate::process_tree::{self, Process};

/// What is read of a stream at once.
const PIECE: usize = 64 << 10;

/// What a stream can still hold when all of the try have ended: no pipe is larger, unless somebody with rights made it so.
const PIPE: usize = 1 << 20;

/// So much of a line is shown.
const LONGEST_LINE: usize = 16 << 10;

/// How often it is asked whether the rest of the try is gone: from here …
const FIRST_LOOK: Duration = Duration::from_millis(2);

/// … doubling to here.
const SLOW_LOOK: Duration = Duration::from_millis(50);

/// What a shell answers for a program that it cannot execute.
const NOT_EXECUTABLE: i32 = 126;

/// What a try is started with.
pub struct AttemptLaunch {
    /// Name of the worker.
    pub worker: ServiceName,
    /// Number of the run of the worker.
    pub run: RunId,
    /// What is executed, and with which environment. The mark in it is of this try alone.
    pub prepare: Prepare,
    /// What `dir` becomes with that environment; `None`: it is what stands here.
    pub expand: Option<Expand>,
    /// Working directory, absolute.
    pub dir: PathBuf,
    /// What it reads.
    pub input: Arc<[u8]>,
    /// Takes whole lines of what it prints, some at a time, each with its colours and nothing else for a terminal.
    pub lines: Box<dyn FnMut(Vec<String>) + Send>,
    /// Is told the end.
    pub ended: Box<dyn FnOnce(AttemptEnd) + Send>,
}

/// What came of a try. Nothing of it is left.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptEnd {
    /// How it ended, and how long it took.
    pub ended: EndedTry,
    /// What it printed.
    pub output: Captured,
    /// What it complained of.
    pub errors: Captured,
    /// Processes that it left running, for people; they were ended. Of one that was asked to end, nobody says that.
    pub left_behind: Vec<String>,
}

/// A try that was begun. Dropping it changes nothing.
#[derive(Clone)]
pub struct Attempt {
    pub(super) live: Arc<LiveRun>,
}

impl Attempt {
    /// Signals all of it, or some. One that is still being started gets it as soon as it exists; one that has ended gets
    /// nothing.
    pub fn signal(&self, signal: Signal, target: SignalTarget) {
        self.live.signal(signal, target);
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").finish_non_exhaustive()
    }
}

/// Says that a try has not begun.
pub(super) fn refuse(launch: AttemptLaunch, why: &str) -> Option<Attempt> {
    (launch.ended)(not_started((NOT_EXECUTABLE, why.to_owned()), Duration::ZERO));
    None
}

fn not_started((code, why): (i32, String), took: Duration) -> AttemptEnd {
    let ended = EndedTry { exit: TryExit::NotStarted(code, why.into()), took };
    AttemptEnd { ended, output: Captured::default(), errors: Captured::default(), left_behind: Vec::new() }
}

/// Carries a try through to its end, on the thread that calls.
pub(super) fn supervise(
    launch: AttemptLaunch,
    live: &LiveRun,
    (orders, woken): (Receiver<Order>, UnixStream),
    children: &Children,
    clock: Clock,
) {
    let AttemptLaunch { lines, ended, .. } = launch;
    let means = Means { prepare: launch.prepare, expand: launch.expand, dir: launch.dir };
    let begin = clock.now();
    // Whoever waits for the end must be told of it, whatever is wrong with us.
    let started = catch_unwind(AssertUnwindSafe(|| start(&means, live, children)));
    let started = started.unwrap_or_else(|_| Err((NOT_EXECUTABLE, "devgroup crashed when it started it".to_owned())));
    let end = match started {
        Ok((leader, pipes)) => {
            let Pipes { input, output, errors } = pipes;
            let streams = [Stream::of(output), Stream::of(errors)];
            let mut running = Running {
                live,
                orders,
                woken,
                input: Some((input, launch.input, 0)),
                streams,
                buffer: vec![0; PIECE].into(),
                lines,
                clock,
            };
            running.carry_on(leader, begin)
        }
        Err(problem) => not_started(problem, clock.now().since(begin)),
    };
    live.gone();
    ended(end);
}

/// What a start takes.
struct Means {
    prepare: Prepare,
    expand: Option<Expand>,
    dir: PathBuf,
}

/// Makes the process. Otherwise the exit code that a shell would give, and why there is none, for people.
fn start(means: &Means, live: &LiveRun, children: &Children) -> Result<(Pid, Pipes), (i32, String)> {
    let refused = |why: String| (NOT_EXECUTABLE, why);
    let prepared = (means.prepare)().map_err(refused)?;
    let expanded = means.expand.as_ref().map(|expand| expand(&prepared.env)).transpose().map_err(refused)?;
    let dir = expanded.map_or_else(|| means.dir.clone(), |expanded| expanded.dir);
    let program = program::find_for_foreground(&prepared.command, &dir, &prepared.env);
    let program = program.map_err(|(code, why)| (i32::from(code), why))?;
    let env = prepared.env;
    let mark = env.iter().rev().find(|(name, _)| name == process_tree::MARK).map(|(_, value)| value.clone());
    live.forking(mark, &env).ok_or_else(|| refused("it was killed before it started".into()))?;
    let (leader, pipes) = piped::start(program, (&dir, &env), children).map_err(refused)?;
    live.forked_without_terminal(leader);
    Ok((leader, pipes))
}

/// A stream of a try.
struct Stream {
    /// `None`: it has ended.
    pipe: Option<OwnedFd>,
    capture: Capture,
    /// `None`: nothing was printed yet.
    scratch: Option<Scratch>,
}

impl Stream {
    fn of(pipe: OwnedFd) -> Self {
        Self { pipe: Some(pipe), capture: Capture::default(), scratch: None }
    }
}

/// A try that has a process.
struct Running<'a> {
    live: &'a LiveRun,
    orders: Receiver<Order>,
    woken: UnixStream,
    /// Where it reads from, what, and how far that was written. `None`: it has got all, or does not want more.
    input: Option<(OwnedFd, Arc<[u8]>, usize)>,
    streams: [Stream; 2],
    buffer: Box<[u8]>,
    lines: Box<dyn FnMut(Vec<String>) + Send>,
    clock: Clock,
}

impl Running<'_> {
    fn carry_on(&mut self, leader: Pid, begin: Moment) -> AttemptEnd {
        self.write();
        let exit = exit::of_child(leader).ok();
        let status = loop {
            let ended = self.wait(exit.as_ref(), exit.is_none().then_some(SLOW_LOOK));
            if (ended || exit.is_none())
                && let Some(status) = self.live.reap()
            {
                break status;
            }
        };
        self.input = None;
        let left_behind = self.end_family();
        self.drain();
        let took = self.clock.now().since(begin);
        for at in 0..self.streams.len() {
            self.finish_lines(at);
        }
        let [output, errors] = self.streams.each_mut().map(|stream| std::mem::take(&mut stream.capture).finish());
        AttemptEnd { ended: EndedTry { exit: TryExit::Ended(status), took }, output, errors, left_behind }
    }

    /// The leader has ended: ends whoever is left, and waits until nobody is. Who that was, if it was not asked to end.
    fn end_family(&mut self) -> Vec<String> {
        let mut remaining = self.live.remaining();
        if remaining == Remaining::Nobody {
            return Vec::new();
        }
        let names = remaining.members().iter().map(Process::display).collect();
        let was_asked = self.live.was_asked();
        self.live.kill_now();
        let mut pause = FIRST_LOOK;
        loop {
            remaining = self.live.remaining();
            if remaining == Remaining::Nobody {
                return if was_asked { Vec::new() } else { names };
            }
            let end = remaining.members().first().and_then(|member| exit::of_any(member.pid));
            self.wait(end.as_ref(), Some(pause));
            pause = (pause * 2).min(SLOW_LOOK);
        }
    }

    /// Reads what was printed before the end. Somebody else may have the other end open still, and print without end.
    fn drain(&mut self) {
        for at in 0..self.streams.len() {
            let mut most = PIPE;
            while most > 0 {
                match self.read(at) {
                    0 => break,
                    length => most = most.saturating_sub(length),
                }
            }
        }
    }

    /// Sleeps until there is something to do, and does it. Whether this end has come.
    fn wait(&mut self, end: Option<&OwnedFd>, timeout: Option<Duration>) -> bool {
        let [output, errors] = &self.streams;
        let mut handles = vec![PollFd::new(&self.woken, PollFlags::IN)];
        let mut what = vec![Handle::Orders];
        let others = [
            (end, PollFlags::IN, Handle::End),
            (output.pipe.as_ref(), PollFlags::IN, Handle::Stream(0)),
            (errors.pipe.as_ref(), PollFlags::IN, Handle::Stream(1)),
            (self.input.as_ref().map(|(pipe, ..)| pipe), PollFlags::OUT, Handle::Input),
        ];
        for (handle, events, which) in others {
            if let Some(handle) = handle {
                handles.push(PollFd::from_borrowed_fd(handle.as_fd(), events));
                what.push(which);
            }
        }
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        // The only error in practice is an interruption: nothing happened.
        if poll(&mut handles, timeout.as_ref()).is_err() {
            return false;
        }
        let fired = handles.iter().zip(what).filter(|(handle, _)| !handle.revents().is_empty());
        let fired: Vec<Handle> = fired.map(|(_, what)| what).collect();
        drop(handles);
        let mut ended = false;
        for what in fired {
            match what {
                Handle::Orders => self.take_orders(),
                Handle::End => ended = true,
                Handle::Stream(at) => drop(self.read(at)),
                Handle::Input => self.write(),
            }
        }
        ended
    }

    /// Reads a piece of a stream. How much that was.
    fn read(&mut self, at: usize) -> usize {
        let Some(stream) = self.streams.get_mut(at) else { return 0 };
        let Some(pipe) = &stream.pipe else { return 0 };
        match piped::read(pipe, &mut self.buffer) {
            Read::Bytes(length) => {
                let bytes = self.buffer.get(..length).unwrap_or_default();
                stream.capture.push(bytes);
                let (lines, clock) = (&mut self.lines, self.clock);
                // The try is read and reaped to its end even if the log has a bug.
                let shown = catch_unwind(AssertUnwindSafe(|| {
                    let scratch = stream.scratch.get_or_insert_with(|| Scratch::bounded(clock, LONGEST_LINE));
                    scratch.feed_pipe(bytes);
                    scratch.take_lines(false, lines);
                }));
                if shown.is_err() {
                    log::error!("the log of {} lost {length} bytes", self.live.service);
                }
                length
            }
            Read::Nothing => 0,
            Read::End => {
                stream.pipe = None;
                0
            }
        }
    }

    /// Shows what has no line end.
    fn finish_lines(&mut self, at: usize) {
        let lines = &mut self.lines;
        if let Some(scratch) = self.streams.get_mut(at).and_then(|stream| stream.scratch.take()) {
            let shown = catch_unwind(AssertUnwindSafe(|| scratch.finish(lines)));
            if shown.is_err() {
                log::error!("the log of {} lost a line", self.live.service);
            }
        }
    }

    /// Writes what the pipe takes. Whoever does not read all of it may do so.
    fn write(&mut self) {
        let Some((pipe, bytes, written)) = &mut self.input else { return };
        match piped::write(pipe, bytes.get(*written..).unwrap_or_default()) {
            Some(length) => {
                *written += length;
                if *written >= bytes.len() {
                    self.input = None;
                }
            }
            None => self.input = None,
        }
    }

    fn take_orders(&mut self) {
        let mut wakes = [0; 64];
        while matches!(self.woken.read(&mut wakes), Ok(length) if length > 0) {}
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Ask { signal, target } => drop(self.live.ask(signal, target)),
                Order::Sweep => self.live.sweep(Signal::Kill, SignalTarget::Group),
                // It has no terminal.
                Order::Write(_) | Order::WaitAnew => {}
            }
        }
    }
}

/// What the thread of a try waits for.
#[derive(Clone, Copy)]
enum Handle {
    Orders,
    End,
    Stream(usize),
    Input,
}
