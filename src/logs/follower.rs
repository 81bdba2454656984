//! Reads a document line by line as it grows, each line once: for streams, which cannot take back printed lines.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::{Line, LineId, LogDocument};
use crate::domain::Moment;

/// A line without an end is handed out after it has rested for this long, if the cursor stands at its end, as after a
/// prompt. A progress bar leaves the cursor at its beginning, to write over itself: only its last state is handed out.
const PARTIAL_REST: Duration = Duration::from_millis(100);

/// Lines that are remembered, in case the service moves up and writes them again: more than a screen.
const REMEMBERED: usize = 256;

/// How far somebody has read one document.
#[derive(Debug, Default)]
pub struct Follower {
    next: LineId,
    version: Option<u64>,
    /// The line without an end: its text when it was last seen, and since when it has been so.
    resting: Option<(String, Moment)>,
    /// What was handed out already of the line `next`.
    begun: Option<String>,
    /// The last lines before `next`, as hashes of their texts.
    before: VecDeque<(LineId, u64)>,
    hasher: RandomState,
}

/// A line, or what is new of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The line as it is now.
    pub line: Line,
    /// Bytes of its text that were handed out before.
    pub skip: usize,
    /// Whoever begins here later on misses nothing: the line after this one, or an earlier one if the service may still
    /// change what it has printed.
    pub resume: LineId,
}

/// What is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Lines that were dropped before they could be handed out; they came before `pieces`.
    pub lost: u64,
    /// The new lines, in the order of the log.
    pub pieces: Vec<Piece>,
    /// There is more at once.
    pub more: bool,
}

impl Follower {
    /// Begins at that line.
    pub fn from(next: LineId) -> Self {
        Self { next, ..Self::default() }
    }

    /// The line that comes next.
    pub fn next(&self) -> LineId {
        self.next
    }

    /// When a line without an end will have rested.
    pub fn due(&self) -> Option<Moment> {
        self.resting.as_ref().map(|(_, since)| *since + PARTIAL_REST)
    }

    /// What is new, at most so many lines. `all`: also what the service may still change.
    pub fn take_new_lines(&mut self, document: &LogDocument, now: Moment, limit: usize, all: bool) -> Taken {
        let mut taken = Taken::default();
        let mut reader = document.read();
        if self.version == Some(reader.version()) && self.resting.is_none() && !all {
            return taken;
        }
        self.version = Some(reader.version());
        let first = LineId(reader.dropped());
        if self.next < first {
            taken.lost = first.0 - self.next.0;
            self.next = first;
            self.begun = None;
        }
        let settled = reader.settled();
        let until = if all { reader.end() } else { settled };
        // The service has moved up, to write again what is there, or something else, and maybe less of it.
        self.next = self.next.min(until.max(first));
        let mut count = 0;
        while self.next < until && count < limit {
            let after = LineId(self.next.0 + 1);
            if let Some(line) = reader.line(self.next).filter(|line| !self.is_known(line)) {
                let skip = match self.begun.take() {
                    Some(begun) if line.content.text == begun => None,
                    Some(begun) if line.content.text.starts_with(&begun) => Some(begun.len()),
                    _ => Some(0),
                };
                if let Some(skip) = skip {
                    taken.pieces.push(Piece { line, skip, resume: after.min(settled.max(first)) });
                }
            }
            self.next = after;
            (self.resting, self.begun) = (None, None);
            count += 1;
        }
        if self.next < until {
            self.version = None;
            taken.more = true;
            return taken;
        }
        let open = reader.line(self.next);
        let at_its_end = match (&open, reader.cursor()) {
            (Some(line), Some((id, byte))) => id == line.id && byte >= line.content.text.trim_end().len(),
            _ => false,
        };
        taken.pieces.extend(self.rest(open.filter(|_| at_its_end), now));
        taken
    }

    /// The line was handed out before as it is; if not, it counts as handed out from now on.
    fn is_known(&mut self, line: &Line) -> bool {
        let hash = self.hasher.hash_one(&line.content.text);
        if self.before.contains(&(line.id, hash)) {
            return true;
        }
        self.before.retain(|(id, _)| *id != line.id);
        if self.before.len() == REMEMBERED {
            self.before.pop_front();
        }
        self.before.push_back((line.id, hash));
        false
    }

    /// A line without an end is handed out once it has not changed for a while.
    fn rest(&mut self, line: Option<Line>, now: Moment) -> Option<Piece> {
        let Some(line) = line.filter(|line| {
            !line.content.text.is_empty() && self.begun.as_ref().is_none_or(|begun| *begun != line.content.text)
        }) else {
            self.resting = None;
            return None;
        };
        match &self.resting {
            Some((text, since)) if *text == line.content.text => {
                if now.since(*since) < PARTIAL_REST {
                    return None;
                }
                let skip = match self.begun.take() {
                    Some(begun) if line.content.text.starts_with(&begun) => begun.len(),
                    _ => 0,
                };
                self.begun = Some(line.content.text.clone());
                self.resting = None;
                Some(Piece { resume: line.id, line, skip })
            }
            _ => {
                self.resting = Some((line.content.text, now));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::RunId;
    use tokio::sync::watch;

    fn texts(taken: &Taken) -> Vec<(&str, u64)> {
        taken.pieces.iter().map(|piece| (&piece.line.content.text[piece.skip..], piece.resume.0)).collect()
    }

    #[test]
    fn whoever_resumes_sees_again_what_could_still_change() {
        let document = LogDocument::new(1 << 20, Clock::start(), watch::Sender::new(()));
        document.begin_run(RunId(1), None);
        document.feed(b"one\r\ntwo\r\nPassword: ");
        let now = Moment::from_millis(1_000);
        let all = Follower::default().take_new_lines(&document, now, 100, true);
        assert_eq!(texts(&all), [("one", 1), ("two", 2), ("Password: ", 2)]);
        let mut resumed = Follower::from(LineId(2));
        assert_eq!(texts(&resumed.take_new_lines(&document, now, 100, false)), []);
        document.feed(b"x\r\n");
        assert_eq!(texts(&resumed.take_new_lines(&document, now, 100, false)), [("Password: x", 3)]);
    }

    #[test]
    fn it_hands_out_in_slices_and_says_what_was_dropped() {
        let document = LogDocument::new(16 << 10, Clock::start(), watch::Sender::new(()));
        document.begin_run(RunId(1), None);
        for line in 0..20_000 {
            document.feed(format!("{line} {}\r\n", line * 7_919 % 10_007).as_bytes());
        }
        let dropped = document.read().dropped();
        let mut follower = Follower::from(LineId(3));
        let now = Moment::from_millis(1_000);
        let first = follower.take_new_lines(&document, now, 10, false);
        assert_eq!((first.lost, first.pieces.len(), first.more), (dropped - 3, 10, true));
        let second = follower.take_new_lines(&document, now, usize::MAX, false);
        assert_eq!((second.lost, second.more), (0, false));
        assert_eq!(second.pieces.last().map(|piece| piece.line.id), Some(LineId(19_999)));
    }
}
