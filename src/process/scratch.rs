//! What comes through a pipe, as lines with their colours and nothing else of what a terminal can be told. Whoever moves
//! the cursor or clears the screen does so on a scratch terminal of its own, and not between the lines of others.

use tokio::sync::watch;

use crate::clock::Clock;
use crate::domain::{Moment, count};
use crate::logs::{Follower, Line, LineKind, LogDocument, StyleSupport};

/// More than is read at once: no line is lost on the scratch terminal.
const SCRATCH: usize = 1 << 20;

/// Lines that are taken from the scratch terminal at once.
const LINES: usize = 256;

/// A scratch terminal, and how far it was read.
pub(super) struct Scratch {
    document: LogDocument,
    follower: Follower,
    /// Bytes of a line that are shown.
    longest: usize,
    /// Bytes of the line that goes on.
    length: usize,
}

impl Scratch {
    /// An empty one.
    pub(super) fn new(clock: Clock) -> Self {
        let document = LogDocument::new(SCRATCH, clock, watch::Sender::new(()));
        Self { document, follower: Follower::default(), longest: usize::MAX, length: 0 }
    }

    /// One that shows so many bytes of a line, and says how many there are more.
    pub(super) fn bounded(clock: Clock, longest: usize) -> Self {
        Self { longest, ..Self::new(clock) }
    }

    /// The terminal, to be fed with what is meant for one.
    pub(super) fn document(&self) -> &LogDocument {
        &self.document
    }

    /// What has come through a pipe: its line ends would not return to the left on a terminal.
    pub(super) fn feed_pipe(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (line, ends) = part.strip_suffix(b"\n").map_or((part, false), |line| (line, true));
            let mut room = self.longest.saturating_sub(self.length).min(line.len());
            while room > 0 && room < line.len() && line.get(room).is_some_and(|byte| byte & 0xC0 == 0x80) {
                room -= 1;
            }
            self.length += line.len();
            self.document.feed(line.get(..room).unwrap_or_default());
            if ends {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let more = std::mem::take(&mut self.length).saturating_sub(self.longest);
        if more > 0 {
            // The cut may be within a sequence, which this ends (CAN).
            self.document.feed(format!("\x18\x1b[0m… {}", count(more, "more byte")).as_bytes());
        }
        self.document.feed(b"\r\n");
    }

    /// Hands the new lines over, some at a time, each with its styles and without a line end. `all`: also one that has no
    /// end yet.
    pub(super) fn take_lines(&mut self, all: bool, mut take: impl FnMut(Vec<String>)) {
        loop {
            // No time passes: a line without an end may never rest, and is passed on with its end.
            let taken = self.follower.take_new_lines(&self.document, Moment::START, LINES, all);
            // Markers of the scratch terminal are about the scratch terminal: that it was cleared.
            let output = taken.pieces.iter().filter(|piece| piece.line.kind == LineKind::Output);
            let target = |id| self.document.read().link(id);
            let ansi = |line: &Line, skip| line.to_ansi_with_links(skip, StyleSupport::FULL, target);
            let lines: Vec<String> = output.map(|piece| ansi(&piece.line, piece.skip)).collect();
            if !lines.is_empty() {
                take(lines);
            }
            if !taken.more {
                return;
            }
        }
    }

    /// There will be no more: hands the rest over.
    pub(super) fn finish(mut self, take: impl FnMut(Vec<String>)) {
        if self.length > self.longest {
            self.end_line();
        }
        // What was on the alternate screen is its last words.
        self.document.end_run();
        self.take_lines(true, take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_colours_and_nothing_else() {
        let mut scratch = Scratch::new(Clock::start());
        let mut lines = Vec::new();
        scratch.feed_pipe(b"plain\n\x1b[31mred\x1b[0m\x1b[2J\n\x1b]0;title\x07\x1b[9;9Hfar\n10%\r100%\nope");
        scratch.take_lines(false, |some| lines.extend(some));
        assert!(!lines.contains(&"ope".to_owned()), "it may go on: {lines:?}");
        scratch.feed_pipe(b"n\xFF\n");
        scratch.finish(|some| lines.extend(some));
        let shown: Vec<&str> = lines.iter().map(|line| line.trim_start()).filter(|line| !line.is_empty()).collect();
        assert_eq!(shown.last(), Some(&"open\u{FFFD}"), "{lines:?}");
        assert!(shown.contains(&"\u{1b}[0;31mred\u{1b}[0m") && shown.contains(&"100%"), "{lines:?}");
        let escapes = lines.iter().flat_map(|line| line.match_indices('\u{1b}')).count();
        assert_eq!(escapes, 2, "{lines:?}");
    }

    #[test]
    fn of_a_long_line_the_beginning_is_shown() {
        let mut scratch = Scratch::bounded(Clock::start(), 10);
        let mut lines = Vec::new();
        scratch.feed_pipe("1234567890\n123456789ä\n".as_bytes());
        for piece in ["1234567\x1b[3", "1mred", "and more\nnext\n", "12345678901234"] {
            scratch.feed_pipe(piece.as_bytes());
        }
        scratch.finish(|some| lines.extend(some));
        assert_eq!(
            lines,
            ["1234567890", "123456789… 1 more byte", "1234567… 13 more bytes", "next", "1234567890… 4 more bytes"]
        );
    }
}
