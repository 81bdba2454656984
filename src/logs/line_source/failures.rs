//! Failures: an error with the errors that follow it at once, as a server prints of one request. A stack trace that follows
//! another one is a failure of its own.

use std::time::Duration;

use super::super::{Level, LevelReader, Line, LineId, Matches, Reader};

/// An error that comes so long after the one above it is another failure.
const APART: Duration = Duration::from_secs(1);
/// As many lines on either side of a line as are taken for one failure.
const LONGEST: u64 = 500;

/// The line, which tells of an error by itself, is the first of a failure: it goes on from none above it.
pub(super) fn begins_failure(reader: &mut Reader<'_>, id: LineId) -> bool {
    let Some(above) = id.0.checked_sub(1).and_then(|above| reader.line(LineId(above))) else { return true };
    let mut levels = LevelReader::at(reader, above.id);
    let level = levels.pass(&above);
    let Some(line) = reader.line(id) else { return true };
    !(levels.goes_on_with(&line.content.text) || is_error(level) && follow(&levels, &above, &line))
}

/// The first and the last line of the failure that this line is a part of: what failed, its stack trace, and what a server
/// says of the request. `None` if the line tells of no error.
pub fn failure_around(reader: &mut Reader<'_>, line: LineId) -> Option<(LineId, LineId)> {
    let from = LineId(line.0.saturating_sub(LONGEST));
    let mut levels = LevelReader::at(reader, from);
    let mut failure: Option<(LineId, Line)> = None;
    for id in (from.0..=line.0.saturating_add(LONGEST)).map(LineId) {
        let here = reader.line(id);
        let is_more = |(_, above): &(LineId, Line), here: &Line| {
            levels.goes_on_with(&here.content.text) || follow(&levels, above, here)
        };
        let goes_on = failure.as_ref().zip(here.as_ref()).is_some_and(|(failure, here)| is_more(failure, here));
        let here = here.filter(|here| is_error(levels.pass(here)));
        let first = match (&failure, &here) {
            (Some((first, _)), Some(_)) if goes_on => *first,
            _ if id > line => break,
            _ => id,
        };
        failure = here.map(|here| (first, here));
        if failure.is_none() && id >= line {
            break;
        }
    }
    failure.map(|(first, last)| (first, last.id))
}

fn is_error(level: Option<Level>) -> bool {
    level.is_some_and(|level| level >= Level::Error)
}

/// An error belongs to the one right above it, to which the reader has come, if it is printed at once. Not behind an empty
/// line, as compilers part what they find; and a stack trace has one first line.
fn follow(levels: &LevelReader, above: &Line, below: &Line) -> bool {
    let is_another = above.content.text.is_empty() || levels.is_begun_anew_by(&below.content.text);
    below.at.since(above.at) <= APART && !is_another
}

/// Where the failures of a log begin, as far as its errors were looked at.
#[derive(Debug, Default)]
pub struct Failures {
    /// In order.
    begins: Vec<LineId>,
    /// Errors before this line were looked at.
    read: LineId,
}

impl Failures {
    /// Of the lines from there on.
    pub fn since(line: LineId) -> Self {
        Self { begins: Vec::new(), read: line }
    }

    /// Looks at the errors that are new, but at no more than so many beside those on the screen. The answer is whether none is
    /// left.
    pub fn read_on(&mut self, reader: &mut Reader<'_>, errors: &Matches<'_>, most: usize) -> bool {
        // Those on the screen may have changed.
        let from = self.read.min(reader.archived());
        self.begins.truncate(self.begins.partition_point(|line| *line < from));
        let dropped = self.begins.partition_point(|line| *line < reader.first());
        self.begins.drain(..dropped);
        let known_to = errors.known_to().min(reader.end());
        let (mut next, mut left) = (from, most);
        loop {
            let Some(found) = errors.first_from(next).filter(|found| *found < known_to) else {
                self.read = known_to.max(next);
                return self.read == reader.end();
            };
            if found < reader.archived() {
                if left == 0 {
                    self.read = found;
                    return false;
                }
                left -= 1;
            }
            if begins_failure(reader, found) {
                self.begins.push(found);
            }
            next = LineId(found.0 + 1);
        }
    }

    /// How many begin before that line.
    pub fn rank(&self, line: LineId) -> usize {
        self.begins.partition_point(|begin| *begin < line)
    }

    /// How many begin at that line or behind it.
    pub fn count_from(&self, line: LineId) -> usize {
        self.begins.len() - self.rank(line)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::{Moment, RunId};
    use crate::logs::{Criterion, LineKind, LogDocument, LogStore, Scan, StyledText};

    /// What a server prints of one request, with a line of another one behind it.
    const REQUEST: &str = "Internal Server Error: /orders/17\r\nTraceback (most recent call last):\r\n  File \"a.py\"\r\n\
        KeyError: 17\r\n\"GET /orders/17 HTTP/1.1\" 500 -\r\n\"GET / HTTP/1.1\" 200 -\r\n";

    fn document(text: &str) -> Arc<LogDocument> {
        let document = LogStore::new(Clock::start()).open(&"api".into(), 1 << 20);
        document.resize(100, 24);
        document.feed(text.as_bytes());
        document
    }

    fn count(document: &Arc<LogDocument>, failures: &mut Failures, most: usize) -> (usize, bool) {
        let scan = Scan::new(document.clone(), Criterion::Errors);
        assert!(scan.claim());
        scan.run(|| true);
        let mut reader = document.read();
        let matches = scan.matches(&mut reader);
        let is_done = failures.read_on(&mut reader, &matches, most);
        (failures.count_from(LineId(0)), is_done)
    }

    #[test]
    fn what_one_request_prints_is_one_failure() {
        let document = document(&REQUEST.repeat(3));
        let mut failures = Failures::default();
        assert_eq!(count(&document, &mut failures, 100), (3, true));
        assert_eq!((failures.rank(LineId(6)), failures.count_from(LineId(6))), (1, 2));
        let mut reader = document.read();
        for line in 6..11 {
            let around = failure_around(&mut reader, LineId(line));
            assert_eq!(around, Some((LineId(6), LineId(10))), "line {line}");
        }
        assert_eq!(failure_around(&mut reader, LineId(11)), None, "it tells of no error");
        assert_eq!(failure_around(&mut reader, LineId(99)), None);
    }

    #[test]
    fn a_long_log_is_read_in_parts_and_what_is_new_is_read_on() {
        let document = document(&REQUEST.repeat(40));
        let mut failures = Failures::default();
        let mut rounds = 0;
        while !count(&document, &mut failures, 10).1 {
            rounds += 1;
        }
        assert!(rounds > 5, "{rounds}");
        assert_eq!(failures.count_from(LineId(0)), 40);
        document.feed(REQUEST.as_bytes());
        assert_eq!(count(&document, &mut failures, 10), (41, true));
        document.feed(b"\"GET /orders/17 HTTP/1.1\" 500 -\r\n");
        assert_eq!(count(&document, &mut failures, 10), (42, true));
    }

    #[test]
    fn an_error_much_later_is_another_failure() {
        let line = |seconds: f64| Line {
            id: LineId(0),
            at: Moment::after_start(Duration::from_secs_f64(seconds)),
            run: RunId(1),
            kind: LineKind::Output,
            content: StyledText { text: "an error".into(), ..StyledText::default() },
        };
        let follow = |above: f64, below: f64| follow(&LevelReader::default(), &line(above), &line(below));
        assert!(follow(1.0, 2.0) && !follow(1.0, 2.1));
        assert!(follow(2.0, 1.0), "what is overwritten is younger than what is below it");
    }

    #[test]
    fn a_trace_behind_a_trace_and_what_stands_behind_an_empty_line_are_failures_of_their_own() {
        let trace = "Traceback (most recent call last):\r\n  File \"a.py\", line 1, in f\r\nKeyError: 'a'\r\n";
        let chained =
            format!("{trace}\r\nDuring handling of the above exception, another exception occurred:\r\n\r\n{trace}");
        let of = |text: &str| count(&document(text), &mut Failures::default(), 100).0;
        assert_eq!([of(&trace.repeat(2)), of(&chained), of(&chained.repeat(2))], [2, 1, 2]);
        let rustc = "error[E0308]: mismatched types\r\n --> src/a.rs:1:2\r\n  |\r\n1 | x\r\n  | ^\r\n\r\n";
        assert_eq!(of(&rustc.repeat(3)), 3);
        let document = document(&trace.repeat(2));
        let around = |line| failure_around(&mut document.read(), LineId(line));
        assert_eq!([around(1), around(4)], [Some((LineId(0), LineId(2))), Some((LineId(3), LineId(5)))]);
    }
}
