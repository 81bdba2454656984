//! A group in the background: the process that was started becomes its launcher, which waits until the group is up, or
//! tells why it is not, and ends.
//!
//! The group gets a session of its own, so that no terminal can end it, and no descriptor of the terminal. What it says
//! while it starts comes through a pipe and is passed on; when the launcher is gone, nobody listens.
//!
//! What counts as up is what `start --wait` and `wait` mean by it. A service without a readiness check must have run
//! for 250 ms: a command that does not exist is no start. One with a check that ends before it is ready has failed,
//! also with code 0. If a service fails, the answer is code 5 and the group runs on: a save may mend it, and its log is
//! to be read.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use fork::Fork;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, setsid, waitpid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr};

use super::pipe;
use super::signals::{Blocked, News, Signals, stop_here};
use super::watch::exit_status;

/// Who one is after [`launch`].
#[derive(Debug)]
pub enum Launch {
    /// The group, which goes on in the background.
    Group(Report),
    /// The launcher, after the start of the group: the exit code for whoever started it.
    Over(u8),
}

/// How the group tells its launcher that the start is over.
#[derive(Debug)]
pub struct Report(OwnedFd);

impl Report {
    /// The start is over: the launcher ends with this code. What was said before on stderr is passed on first.
    pub fn send(self, code: u8) {
        // It may have been killed; the group goes on.
        let _ = rustix::io::write(&self.0, &[code]);
    }
}

/// Splits the process. Must come before anything else, even the guard.
///
/// # Errors
/// The operating system refuses what is needed for it. Nothing was started.
pub fn launch() -> io::Result<Launch> {
    let (report, report_in) = pipe()?;
    let (words, words_in) = pipe()?;
    let nothing = File::open("/dev/null")?;
    let blocked = Blocked::new()?;
    match fork::fork()? {
        Fork::Child => {
            blocked.undo();
            drop((report, words));
            setsid()?;
            dup2_stdin(&nothing)?;
            dup2_stdout(&words_in)?;
            dup2_stderr(&words_in)?;
            Ok(Launch::Group(Report(report_in)))
        }
        Fork::Parent(group) => {
            drop((report_in, words_in));
            let group = Pid::from_raw(group).ok_or(io::ErrorKind::InvalidData)?;
            let signals = Signals::listen(&blocked)?;
            Ok(Launch::Over(Launcher { group, report, words, signals }.wait()))
        }
    }
}

/// The process that was started.
struct Launcher {
    /// The guard of the group.
    group: Pid,
    report: OwnedFd,
    words: OwnedFd,
    signals: Signals,
}

impl Launcher {
    /// Waits until the start is over: the exit code.
    fn wait(mut self) -> u8 {
        let mut has_words = true;
        loop {
            let (said, over) = self.wait_for_news(has_words);
            while let Some(news) = self.signals.next() {
                // It is our child and not reaped: nobody else has its number. Its end shows as that of the pipes.
                let signal = match news {
                    News::Child => continue,
                    // In its own session the group goes on.
                    News::Stop => {
                        stop_here();
                        continue;
                    }
                    News::PassOn(signal) => signal,
                    // In its own session the group got nothing from the terminal.
                    News::Both => Signal::INT,
                };
                let _ = kill_process(self.group, signal);
            }
            if over {
                let mut code = [0];
                let reported = rustix::io::read(&self.report, &mut code) == Ok(1);
                let code = if reported { code[0] } else { self.ended() };
                // What it has said is in the pipe by now.
                while has_words && self.has_words() {
                    has_words = self.pass_on();
                }
                return code;
            }
            if said {
                has_words = self.pass_on();
            }
        }
    }

    /// Sleeps until there is something. Whether the group has said something, and whether its start is over.
    fn wait_for_news(&self, listens: bool) -> (bool, bool) {
        let mut handles = vec![
            PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN),
            PollFd::new(&self.report, PollFlags::IN),
        ];
        if listens {
            handles.push(PollFd::new(&self.words, PollFlags::IN));
        }
        if poll(&mut handles, None).is_err() {
            // An interrupted wait is a short one.
            return (false, false);
        }
        let has_news = |index: usize| handles.get(index).is_some_and(|handle| !handle.revents().is_empty());
        (has_news(2), has_news(1))
    }

    /// More can be read of what the group says, or its end.
    fn has_words(&self) -> bool {
        let mut handles = [PollFd::new(&self.words, PollFlags::IN)];
        poll(&mut handles, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Passes on what the group says. False at the end.
    fn pass_on(&self) -> bool {
        let mut buffer = [0; 4096];
        match rustix::io::read(&self.words, &mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                let mut rest = buffer.get(..count).unwrap_or_default();
                while let Ok(written @ 1..) = rustix::io::write(stderr(), rest) {
                    rest = rest.get(written..).unwrap_or_default();
                }
                true
            }
            Err(error) => error == rustix::io::Errno::INTR,
        }
    }

    /// The exit code of a group that has ended before it was up.
    fn ended(&self) -> u8 {
        match waitpid(Some(self.group), WaitOptions::empty()) {
            Ok(Some((_, status))) => u8::try_from(exit_status(status).shell_code()).unwrap_or(1),
            _ => 1,
        }
    }
}
