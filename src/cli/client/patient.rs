//! A connection to a group that is waited on only until a time is up, or until somebody calls it off.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use super::super::exit_code::Failure;
use crate::clock::Clock;
use crate::control::{Ask, Client, ClientError, Heard, LogLine, LogsAsk, Message, Reply, Skipped};
use crate::domain::Moment;

/// How long a group may take for an answer that it has at hand.
const ANSWER: Duration = Duration::from_secs(10);

/// Ends waits: whoever has one is told when the other end is closed.
pub(in crate::cli) type CalledOff = Arc<OwnedFd>;

/// A connection, and how long it is waited on.
pub(in crate::cli) struct Patient {
    group: Client,
    clock: Clock,
    until: Option<Duration>,
    called_off: Option<CalledOff>,
}

/// Lines of logs.
#[derive(Debug, Default)]
pub(in crate::cli) struct Collected {
    pub(in crate::cli) lines: Vec<LogLine>,
    /// Lines that were dropped before they could be sent.
    pub(in crate::cli) skipped: u64,
    /// The cursor was of an earlier run of the group: all lines are new.
    pub(in crate::cli) is_anew: bool,
    /// There are more than were wanted.
    pub(in crate::cli) more: bool,
}

/// Nothing has come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct TimeUp;

impl Patient {
    /// `until`: so long from now on.
    pub(in crate::cli) fn new(group: Client, until: Option<Duration>, called_off: Option<CalledOff>) -> Self {
        Self { group, clock: Clock::start(), until, called_off }
    }

    /// Asks, without waiting for an answer.
    pub(in crate::cli) fn send(&mut self, ask: Ask) -> Result<u64, Failure> {
        Ok(self.group.send(ask)?)
    }

    /// The next message, if it comes in time.
    pub(in crate::cli) fn next(&mut self) -> Result<Result<Message, TimeUp>, Failure> {
        loop {
            let waited = self.clock.now().since(Moment::START);
            let patience = self.until.map(|until| until.saturating_sub(waited));
            match self.group.listen(self.called_off.as_ref().map(|fd| fd.as_fd()), patience)? {
                Heard::More => return Ok(Ok(self.group.next_message()?)),
                Heard::Other => return Err(Failure::Unexpected("called off".into())),
                Heard::Nothing if patience == Some(Duration::ZERO) => return Ok(Err(TimeUp)),
                Heard::Nothing => {}
            }
        }
    }

    /// Gives the group time to answer a question, even if the time for waiting is up.
    pub(in crate::cli) fn allow_an_answer(&mut self) {
        (self.clock, self.until) = (Clock::start(), self.until.map(|until| until.max(ANSWER)));
    }

    /// Starts the clock again: waits for at most this long from now on.
    pub(in crate::cli) fn wait_only(&mut self, patience: Duration) {
        (self.clock, self.until) = (Clock::start(), Some(patience));
    }

    /// The lines that a question brings, which follows nothing.
    pub(in crate::cli) fn lines(&mut self, ask: LogsAsk) -> Result<Collected, Failure> {
        self.some_lines(ask, usize::MAX)
    }

    /// The first of them.
    pub(in crate::cli) fn some_lines(&mut self, ask: LogsAsk, most: usize) -> Result<Collected, Failure> {
        let mut collected = Collected::default();
        let id = self.send(Ask::Logs(ask))?;
        loop {
            let Ok(message) = self.next()? else { return Err(ClientError::Silent.into()) };
            match message.reply {
                _ if message.id != Some(id) => {}
                Reply::Line(_) if collected.lines.len() == most => {
                    collected.more = true;
                    self.send(Ask::Cancel { id })?;
                    return Ok(collected);
                }
                Reply::Line(line) => collected.lines.push(line),
                Reply::Skipped(Skipped { skipped: Some(lines), .. }) => collected.skipped += lines,
                Reply::Skipped(Skipped { skipped: None, .. }) => collected.is_anew = true,
                Reply::End {} => return Ok(collected),
                _ => {}
            }
        }
    }

    /// Asks, and waits for the one answer, which comes by itself.
    pub(in crate::cli) fn ask(&mut self, ask: Ask) -> Result<Reply, Failure> {
        let id = self.send(ask)?;
        loop {
            match self.next()? {
                Ok(message) if message.id == Some(id) => return Ok(message.reply),
                Ok(_) => {}
                Err(TimeUp) => return Err(ClientError::Silent.into()),
            }
        }
    }
}
