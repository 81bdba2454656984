//! Answers that go on: lines of logs, states, events, each a line of JSON.
//!
//! Nothing is collected for a client: what it has not read stays in the log, and what the log drops meanwhile is counted and
//! said.

use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::Bytes;
use serde::Serialize;

use super::body::line;
use super::command_line::Told;
use super::site::Site;
use crate::control::{LogLine, Replies, Reply, Skipped, Status};
use crate::logs::EventLine;

/// Bytes of lines that are handed over at once. Fewer go out where no more are there.
const CHUNK: usize = 32 << 10;

/// How a line says what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Not at all: all are lines of logs, as `devgroup logs --json` prints them.
    Logs,
    /// By its key: `{"log":…}`, `{"status":…}`, `{"event":…}`, `{"skipped":…}`.
    Tagged,
}

/// The lines of one answer.
pub(super) struct Lines {
    site: Arc<Site>,
    replies: Replies,
    form: Form,
    /// Lines of logs that may still follow.
    room: u64,
    is_over: bool,
}

impl Lines {
    /// No more than `limit` lines of logs.
    pub(super) fn new(site: Arc<Site>, replies: Replies, form: Form, limit: Option<u64>) -> Self {
        Self { site, replies, form, room: limit.unwrap_or(u64::MAX), is_over: false }
    }

    /// What there is now; `None` after the last.
    pub(super) fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut text = String::new();
        while !self.is_over && text.len() < CHUNK {
            match self.replies.poll_next(context) {
                Poll::Ready(Some(reply)) => self.add(&mut text, reply),
                Poll::Ready(None) => self.is_over = true,
                Poll::Pending if text.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready((!text.is_empty()).then(|| text.into()))
    }

    fn add(&mut self, text: &mut String, reply: Reply) {
        if matches!(reply, Reply::Line(_)) {
            self.room = self.room.saturating_sub(1);
            self.is_over = self.room == 0;
        }
        text.push_str(&match (&reply, self.form) {
            (Reply::Line(log), Form::Logs) => line(log),
            (Reply::Skipped(skipped), Form::Logs) => line(skipped),
            // Questions that go on have no end of their own.
            (Reply::End {}, Form::Logs) => {
                self.is_over = true;
                return;
            }
            (Reply::Line(log), Form::Tagged) => line(&Tagged::Log(log)),
            (Reply::Skipped(Skipped { service, skipped }), Form::Tagged) => {
                line(&Tagged::Skipped { service: service.as_deref(), lines: *skipped })
            }
            (Reply::Status(status), _) => line(&Tagged::Status(status)),
            (Reply::Event(event), _) => line(&Tagged::Event(event)),
            (Reply::Error(problem), _) => {
                self.is_over = true;
                line(&Tagged::Error(&self.site.command_line.told(problem.clone())))
            }
            _ => return,
        });
    }
}

/// A line that says what it is.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Tagged<'r> {
    Log(&'r LogLine),
    Status(&'r Status),
    Event(&'r EventLine),
    Skipped { service: Option<&'r str>, lines: Option<u64> },
    Error(&'r Told),
}
