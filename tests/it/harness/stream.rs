//! devgroup in a pipe: lines out.

use std::io::{PipeReader, Read};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, kill_process};

use super::{PATIENCE, Project, TICK, process, program_below, wait_until};

/// The program with its output in pipes.
pub(crate) struct Stream<'p> {
    project: &'p Project,
    child: Child,
    stdout: Source,
    stderr: Source,
}

/// A pipe, until it ends, and what has come through it.
struct Source {
    pipe: Option<PipeReader>,
    text: Vec<u8>,
}

/// How the program ended, and all that it said.
#[derive(Debug)]
pub(crate) struct Streamed {
    /// Its exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it has written to stdout.
    pub(crate) stdout: String,
    /// What it has written to stderr.
    pub(crate) stderr: String,
}

impl<'p> Stream<'p> {
    /// Starts devgroup with these arguments.
    pub(crate) fn start(project: &'p Project, arguments: &[&str]) -> Self {
        Self::start_program(project, env!("CARGO_BIN_EXE_devgroup"), arguments)
    }

    /// Starts a program that becomes devgroup.
    pub(crate) fn start_program(project: &'p Project, program: &str, arguments: &[&str]) -> Self {
        let mut command = project.command(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = Source::new(child.stdout.take().unwrap());
        let stderr = Source::new(child.stderr.take().unwrap());
        Self { project, child, stdout, stderr }
    }

    /// Runs devgroup to its end.
    pub(crate) fn run(project: &'p Project, arguments: &[&str]) -> Streamed {
        Self::start(project, arguments).wait_exit()
    }

    /// Asks a running group, by a command of its own.
    pub(crate) fn ask(project: &'p Project, arguments: &[&str]) -> Streamed {
        Self::start(project, arguments).wait_client()
    }

    /// The program has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(process(self.child.id()), signal).unwrap();
    }

    /// The program itself, below its guard.
    pub(crate) fn program(&self) -> u32 {
        program_below(self.child.id()).unwrap()
    }

    /// The guard, which is what was started.
    pub(crate) fn guard(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end of one that was killed; what it leaves is for the next start.
    pub(crate) fn wait_killed(mut self) {
        let look = |stream: &mut Self| {
            stream.pump();
            stream.child.try_wait().unwrap()
        };
        wait_until("it has ended", PATIENCE, &mut self, look, |stream| stream.all_output());
    }

    /// Closes the pipe of the results under the program.
    pub(crate) fn close_stdout(&mut self) {
        self.stdout.pipe = None;
    }

    /// Waits until the results so far are as they should be, and returns them.
    pub(crate) fn wait_for(&mut self, name: &str, condition: impl Fn(&str) -> bool) -> String {
        let look = |stream: &mut Self| {
            stream.pump();
            Some(stream.out()).filter(|out| condition(out))
        };
        wait_until(name, PATIENCE, self, look, |stream| stream.all_output())
    }

    /// Waits until a text has come.
    pub(crate) fn wait_for_text(&mut self, text: &str) -> String {
        self.wait_for(&format!("`{text}` is printed"), |out| out.contains(text))
    }

    /// Waits until a message has come.
    pub(crate) fn wait_for_message(&mut self, part: &str) {
        self.wait_for_messages(1, part);
    }

    /// Waits until that has been said so often in the log.
    pub(crate) fn wait_for_messages(&mut self, times: usize, part: &str) {
        let look = |stream: &mut Self| {
            stream.pump();
            (text(&stream.stderr.text).matches(part).count() >= times).then_some(())
        };
        wait_until(&format!("`{part}` is said {times} times"), PATIENCE, self, look, |stream| stream.all_output());
    }

    /// Waits for the end of the program, and asserts that it left no process behind.
    pub(crate) fn wait_exit(self) -> Streamed {
        self.wait_end(true)
    }

    /// Waits for the end of a client, while the group goes on.
    pub(crate) fn wait_client(self) -> Streamed {
        self.wait_end(false)
    }

    fn wait_end(mut self, nothing_left: bool) -> Streamed {
        let look = |stream: &mut Self| {
            stream.pump();
            stream.child.try_wait().unwrap()
        };
        let status = wait_until("the program has ended", PATIENCE, &mut self, look, |stream| stream.all_output());
        if nothing_left {
            self.project.assert_nothing_left();
        }
        let rest = |stream: &mut Self| {
            stream.pump();
            (stream.stdout.pipe.is_none() && stream.stderr.pipe.is_none()).then_some(())
        };
        wait_until("nobody holds its output", PATIENCE, &mut self, rest, |stream| stream.all_output());
        Streamed { code: status.code(), stdout: self.out(), stderr: text(&self.stderr.text) }
    }

    fn out(&self) -> String {
        text(&self.stdout.text)
    }

    fn all_output(&self) -> String {
        format!("stdout:\n{}\nstderr:\n{}", self.out(), text(&self.stderr.text))
    }

    /// Reads what is there, waiting for it for at most a tick.
    fn pump(&mut self) {
        let pipes = [&self.stdout.pipe, &self.stderr.pipe];
        let mut polled: Vec<_> = pipes.into_iter().flatten().map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
        // An interrupted poll is no news.
        let _ = poll(&mut polled, Some(&TICK));
        let mut news = polled.iter().map(|polled| !polled.revents().is_empty()).collect::<Vec<_>>().into_iter();
        for source in [&mut self.stdout, &mut self.stderr] {
            if source.pipe.is_some() && news.next() == Some(true) {
                source.read();
            }
        }
    }
}

impl Source {
    fn new(pipe: impl Into<OwnedFd>) -> Self {
        Self { pipe: Some(PipeReader::from(pipe.into())), text: Vec::new() }
    }

    /// Reads once; the pipe must have news.
    fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut buffer = [0; 16 * 1024];
        let count = pipe.read(&mut buffer).unwrap();
        self.text.extend(&buffer[..count]);
        if count == 0 {
            self.pipe = None;
        }
    }
}

impl Drop for Stream<'_> {
    /// Ends the program if the test did not get so far.
    fn drop(&mut self) {
        // It may have ended meanwhile.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Starts the group in the background.
pub(crate) fn detach(project: &Project) {
    let started = Stream::ask(project, &["-d"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
}

/// Ends the group, of which nothing is left.
pub(crate) fn down(project: &Project) {
    let down = Stream::ask(project, &["down"]);
    assert_eq!(down.code, Some(0), "{}", down.stderr);
    project.assert_nothing_left();
}
