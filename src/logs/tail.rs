//! Reads several documents line by line as they grow, in the order of arrival: for streams, which never read backwards.
//! Each document is locked for one slice of its lines at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Follower, LineId, LogDocument, Piece};
use crate::domain::Moment;

/// One document that is followed together with others, and its lines that were read but not handed out yet.
#[derive(Debug)]
pub struct Tail {
    document: Arc<LogDocument>,
    follower: Follower,
    ready: VecDeque<Piece>,
    /// Lines that were dropped before they could be read. They came before those that are ready.
    lost: u64,
    /// There may be more to be read at once.
    more: bool,
    /// The first line that is no longer read. `None`: the document is followed without an end.
    end: Option<LineId>,
}

impl Tail {
    /// Begins at the line `start`.
    pub fn new(document: Arc<LogDocument>, start: LineId, end: Option<LineId>) -> Self {
        let (follower, ready) = (Follower::from(start), VecDeque::new());
        Self { document, follower, ready, lost: 0, more: true, end }
    }

    /// Whose lines these are.
    pub fn document(&self) -> &Arc<LogDocument> {
        &self.document
    }

    /// The line that is read next.
    pub fn next(&self) -> LineId {
        self.follower.next()
    }

    /// The first line that is no longer read.
    pub fn end(&self) -> Option<LineId> {
        self.end
    }

    /// When a line without a line end counts as complete.
    pub fn due(&self) -> Option<Moment> {
        self.follower.due()
    }

    /// The document may have changed.
    pub fn look_again(&mut self) {
        self.more = true;
    }

    /// It must be read before any line is handed out: its next line may be the earliest of all.
    pub fn is_hungry(&self) -> bool {
        self.more && self.ready.is_empty()
    }

    /// All that there was is handed out.
    pub fn is_drained(&self) -> bool {
        !self.more && self.ready.is_empty() && self.lost == 0
    }

    /// Reads at most `limit` new lines. `all`: also lines that the service may still change.
    pub fn read(&mut self, now: Moment, limit: usize, all: bool) {
        let left = self.end.map_or(u64::MAX, |end| end.0.saturating_sub(self.follower.next().0));
        let limit = limit.min(usize::try_from(left).unwrap_or(limit));
        let taken = self.follower.take_new_lines(&self.document, now, limit, all);
        self.lost += taken.lost;
        // It may have gone on behind the end, if what was before that was dropped.
        self.ready.extend(taken.pieces.into_iter().filter(|piece| self.end.is_none_or(|end| piece.line.id < end)));
        self.more = taken.more && self.end.is_none_or(|end| self.follower.next() < end);
    }

    /// Lines that were lost before those that are ready; they are counted once.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// The next line.
    pub fn take(&mut self) -> Option<Piece> {
        self.ready.pop_front()
    }

    /// The tail that comes next: the one with the earliest line, or one that has only lost lines. `None` while one is
    /// hungry.
    pub fn earliest<'a>(tails: impl Iterator<Item = &'a Self> + Clone) -> Option<usize> {
        if tails.clone().any(Self::is_hungry) {
            return None;
        }
        let heads = tails.enumerate().filter_map(|(place, tail)| match tail.ready.front() {
            Some(piece) => Some((piece.line.at, place)),
            None => (tail.lost > 0).then_some((Moment::START, place)),
        });
        heads.min().map(|(_, place)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use tokio::sync::watch;

    /// The lines of all tails in the order in which they are handed out, read `limit` at a time.
    fn handed_out(tails: &mut [Tail], limit: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while !tails.iter().all(Tail::is_drained) {
            let hungry = tails.iter_mut().filter(|tail| tail.is_hungry());
            hungry.for_each(|tail| tail.read(Moment::from_millis(1_000), limit, true));
            while let Some(place) = Tail::earliest(tails.iter()) {
                texts.extend((tails[place].take_lost() > 0).then(|| "lost".to_owned()));
                texts.extend(tails[place].take().map(|piece| piece.line.content.text));
            }
        }
        texts
    }

    #[test]
    fn the_order_is_that_of_arrival_however_little_is_read_at_once() {
        let clock = Clock::start();
        let documents = [1, 2].map(|_| Arc::new(LogDocument::new(1 << 20, clock, watch::Sender::new(()))));
        let mut printed = Vec::new();
        for number in 0..300 {
            // One prints a lot, the other now and then.
            let document = &documents[usize::from(number % 7 == 0)];
            document.feed(format!("line {number}\r\n").as_bytes());
            printed.push(format!("line {number}"));
        }
        for limit in [1, 5, 1_000] {
            let tails = documents.iter().map(|document| Tail::new(document.clone(), LineId(0), None));
            assert_eq!(handed_out(&mut tails.collect::<Vec<_>>(), limit), printed, "{limit}");
        }
        let mut tails = [Tail::new(documents[1].clone(), LineId(1), Some(LineId(3)))];
        assert_eq!(handed_out(&mut tails, 10), ["line 7", "line 14"]);
    }

    #[test]
    fn lines_that_are_lost_are_told_before_those_that_are_left() {
        let document = Arc::new(LogDocument::new(16 << 10, Clock::start(), watch::Sender::new(())));
        for line in 0..20_000 {
            document.feed(format!("{line} {}\r\n", line * 7_919 % 10_007).as_bytes());
        }
        let dropped = document.read().dropped();
        assert!(dropped > 100);
        let texts = handed_out(&mut [Tail::new(document.clone(), LineId(0), None)], 50);
        assert_eq!((texts[0].as_str(), texts.len() as u64), ("lost", 20_001 - dropped));
        let mut gone = [Tail::new(document, LineId(0), Some(LineId(100)))];
        assert_eq!(handed_out(&mut gone, 50), ["lost"]);
    }
}
