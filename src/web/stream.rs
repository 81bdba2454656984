//! Answers that go on: lines of logs, states, events, each a line of JSON.
//!
//! Nothing is collected for a client: what it has not read stays in the log, and what the log drops meanwhile is counted and
//! said.

use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::Bytes;
use serde_json::json;

use super::body::line;
use super::site::Site;
use crate::control::{Replies, Reply};

/// Lines are handed over when there are so many bytes of them, or nothing more is there at once.
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
        match (reply, self.form) {
            (Reply::Line(log), Form::Logs) => text.push_str(&line(&log)),
            (Reply::Skipped(skipped), Form::Logs) => text.push_str(&line(&skipped)),
            (Reply::Line(log), Form::Tagged) => text.push_str(&line(&json!({ "log": log }))),
            (Reply::Skipped(skipped), Form::Tagged) => {
                let skipped = json!({ "service": skipped.service, "lines": skipped.skipped });
                text.push_str(&line(&json!({ "skipped": skipped })));
            }
            (Reply::Status(status), _) => text.push_str(&line(&json!({ "status": status }))),
            (Reply::Event(event), _) => text.push_str(&line(&json!({ "event": event }))),
            (Reply::Error(problem), _) => {
                text.push_str(&line(&json!({ "error": self.site.command_line.told(problem) })));
                self.is_over = true;
            }
            // Questions that go on have no end of their own.
            (Reply::End {}, Form::Logs) => self.is_over = true,
            _ => {}
        }
    }
}
