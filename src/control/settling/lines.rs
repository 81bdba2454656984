//! What a service has printed since a moment: errors first, then its last lines; of more, only the number.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::task::yield_now;

use crate::control::log_line::LogLine;
use crate::domain::{Moment, ServiceName};
use crate::group_handle::GroupHandle;
use crate::logs::{Level, LevelReader, Line, LineId, LineKind, Piece};

/// Lines that are read at once: the lock is held for a fraction of a millisecond.
const SLICE: u64 = 500;
/// Of more lines than this, only the last are looked through for errors.
const LOOKED_AT: u64 = 20_000;
/// Lines for each service, if nobody says how many.
pub(super) const USUAL: u64 = 50;
/// The most that somebody may ask for.
pub(super) const MOST: u64 = 1_000;

/// The lines that are chosen of those that come.
#[derive(Debug)]
struct Choice<T> {
    /// Lines of errors that are chosen from both ends.
    errors: usize,
    first: Vec<(u64, T)>,
    last: VecDeque<(u64, T)>,
    /// The last of the others.
    others: VecDeque<(u64, T)>,
    most: usize,
    seen: u64,
}

impl<T> Choice<T> {
    fn new(most: usize) -> Self {
        let (first, last, others) = (Vec::new(), VecDeque::new(), VecDeque::new());
        // A quarter is left for what a service said last.
        Self { errors: most - most / 4, first, last, others, most, seen: 0 }
    }

    fn add(&mut self, line: T, is_error: bool) {
        let line = (self.seen, line);
        self.seen += 1;
        if !is_error {
            push(&mut self.others, line, self.most);
        } else if self.first.len() < self.errors.div_ceil(2) {
            self.first.push(line);
        } else {
            push(&mut self.last, line, self.errors / 2);
        }
    }

    /// Errors first, and how many lines there were beside these. With each goes whether it does not follow on the one
    /// before.
    fn into_lines(mut self) -> (Vec<(bool, T)>, u64) {
        let mut lines = self.first;
        lines.extend(self.last);
        let room = self.most.saturating_sub(lines.len());
        lines.extend(self.others.drain(self.others.len().saturating_sub(room)..));
        let skipped = self.seen - lines.len() as u64;
        let mut expected = None;
        let with_gap = |(place, line)| {
            let gap = expected.replace(place + 1).is_some_and(|expected| expected != place);
            (gap, line)
        };
        (lines.into_iter().map(with_gap).collect(), skipped)
    }
}

/// Keeps the last so many.
fn push<T>(last: &mut VecDeque<T>, line: T, most: usize) {
    if most == 0 {
        return;
    }
    if last.len() == most {
        last.pop_front();
    }
    last.push_back(line);
}

/// At most so many of the lines that the service has printed since, and how many there are beside these.
pub(super) async fn lines(handle: &GroupHandle, name: &ServiceName, since: Moment, most: usize) -> (Vec<LogLine>, u64) {
    let Some(document) = handle.logs().get(name) else { return (Vec::new(), 0) };
    let before = Moment::after_start(since.since_start().saturating_sub(Duration::from_nanos(1)));
    let (mut next, end, unread, mut levels) = {
        let mut reader = document.read();
        let (first, end) = (reader.line_after(before), reader.end());
        let next = LineId(first.0.max(end.0.saturating_sub(LOOKED_AT)));
        let levels = LevelReader::at(&mut reader, next);
        (next, end, next.0 - first.0.min(next.0), levels)
    };
    let mut choice = Choice::new(most);
    while next < end {
        let until = LineId(end.0.min(next.0 + SLICE));
        {
            let mut reader = document.read();
            for line in (next.0..until.0).filter_map(|id| reader.line(LineId(id))) {
                let level = levels.pass(&line);
                if line.kind == LineKind::Output && !line.content.text.trim().is_empty() {
                    choice.add((line, level), level.is_some_and(|level| level >= Level::Error));
                }
            }
        }
        next = until;
        yield_now().await;
    }
    let (chosen, skipped) = choice.into_lines();
    let (epoch, clock) = (document.epoch(), handle.logs().clock());
    let sent = |(gap, (line, level)): (bool, (Line, Option<Level>))| {
        let resume = LineId(line.id.0 + 1);
        LogLine { gap, ..LogLine::new((name, epoch), &Piece { line, skip: 0, resume }, level, None, clock) }
    };
    (chosen.into_iter().map(sent).collect(), skipped + unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors have odd numbers.
    fn chosen(lines: std::ops::Range<u32>, most: usize) -> (Vec<u32>, u64) {
        let mut choice = Choice::new(most);
        lines.for_each(|line| choice.add(line, line % 2 == 1));
        let (lines, skipped) = choice.into_lines();
        (lines.into_iter().map(|(_, line)| line).collect(), skipped)
    }

    #[test]
    fn two_traces_that_are_cut_do_not_run_into_each_other() {
        let mut choice = Choice::new(8);
        (0..20).for_each(|line| choice.add(line, true));
        (20..25).for_each(|line| choice.add(line, false));
        let (lines, skipped) = choice.into_lines();
        let shown: Vec<String> =
            lines.into_iter().map(|(gap, line)| if gap { format!("… {line}") } else { line.to_string() }).collect();
        assert_eq!((shown.join(" ").as_str(), skipped), ("0 1 2 … 17 18 19 … 23 24", 17));
    }

    #[test]
    fn errors_come_first_and_last_words_have_a_place() {
        assert_eq!(chosen(0..4, 50), (vec![1, 3, 0, 2], 0));
        assert_eq!(chosen(0..100, 8), (vec![1, 3, 5, 95, 97, 99, 96, 98], 92));
        assert_eq!(chosen(0..100, 1), (vec![1], 99));
        assert_eq!(chosen(0..100, 0), (vec![], 100));
        let mut calm = Choice::new(4);
        (0..10).for_each(|line| calm.add(line, line == 2));
        assert_eq!(calm.into_lines(), (vec![(false, 2), (true, 7), (false, 8), (false, 9)], 6));
    }
}
