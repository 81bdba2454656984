//! Where a reader wants to go in a source: to what a search has found, to errors, and to where runs begin.

use super::super::{LineId, Matches};
use super::failures::begins_failure;
use super::{Lane, LineSource, Place};
use crate::domain::Moment;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landmark {
    /// A line that the search has found.
    Hit,
    /// A line that tells of an error: of those of one failure, the first.
    Error,
}

impl LineSource<'_> {
    /// Whether all lines were read for it; nothing if nobody reads them for it.
    pub fn is_known(&self, what: Landmark) -> Option<bool> {
        let known = self.lanes.iter().map(|lane| Some(lane.matches(what)?.is_complete()));
        Some(known.collect::<Option<Vec<_>>>()?.into_iter().all(|complete| complete))
    }

    /// Whether what was printed before that place was read for it: output that was printed later is not waited for.
    pub fn is_read_to(&self, what: Landmark, place: &Place) -> bool {
        let is_read = |(index, lane): (usize, &Lane<'_>)| {
            lane.matches(what).is_none_or(|matches| matches.has_read_to(place.of(index)))
        };
        self.lanes.iter().enumerate().all(is_read)
    }

    /// The first from a place on: its lane, and the line.
    pub fn first_from(&mut self, place: &Place, what: Landmark) -> Option<(usize, LineId)> {
        self.by_arrival(|index, lane| lane.first_from(place.of(index), what)).min().map(|(_, lane, line)| (lane, line))
    }

    /// The last before a place: its lane, and the line.
    pub fn last_before(&mut self, place: &Place, what: Landmark) -> Option<(usize, LineId)> {
        self.by_arrival(|index, lane| lane.last_before(place.of(index), what)).max().map(|(_, lane, line)| (lane, line))
    }

    /// The first line of the next run of any lane, of the lines after the one that is next: its lane, and the line.
    pub fn next_run(&mut self) -> Option<(usize, LineId)> {
        self.forward();
        self.by_arrival(|_, lane| lane.next_run()).min().map(|(_, lane, line)| (lane, line))
    }

    /// Where a run of any lane has begun last, before the next line: its lane, and the first line of that run.
    pub fn previous_run(&mut self) -> Option<(usize, LineId)> {
        self.by_arrival(|_, lane| lane.previous_run()).max().map(|(_, lane, line)| (lane, line))
    }

    /// What is found in each lane: when it arrived, the lane and the line.
    fn by_arrival(
        &mut self,
        mut find: impl FnMut(usize, &mut Lane<'_>) -> Option<LineId>,
    ) -> impl Iterator<Item = (Moment, usize, LineId)> {
        let alone = self.lanes.len() == 1;
        self.lanes.iter_mut().enumerate().filter_map(move |(index, lane)| {
            let found = find(index, lane)?;
            let at = if alone { Moment::START } else { lane.line(found)?.at };
            Some((at, index, found))
        })
    }
}

impl Lane<'_> {
    /// What was found of it.
    pub fn matches(&self, what: Landmark) -> Option<&Matches<'_>> {
        match what {
            Landmark::Hit => self.search.as_ref(),
            Landmark::Error => self.errors.as_ref(),
        }
    }

    fn first_from(&mut self, from: LineId, what: Landmark) -> Option<LineId> {
        let mut from = from;
        loop {
            let found = self.matches(what)?.first_from(from)?;
            if self.is_landmark(found, what) {
                return Some(found);
            }
            from = self.lines.after(found);
            if from >= self.lines.end() {
                return None;
            }
        }
    }

    fn last_before(&mut self, before: LineId, what: Landmark) -> Option<LineId> {
        let mut before = before;
        loop {
            let found = self.matches(what)?.last_before(before)?;
            if self.is_landmark(found, what) {
                return Some(found);
            }
            before = LineId(self.lines.before(found)?.0 + 1);
        }
    }

    /// What was found can be gone to.
    fn is_landmark(&mut self, found: LineId, what: Landmark) -> bool {
        self.lines.shows(found) && (what == Landmark::Hit || self.is_first_of_failure(found))
    }

    /// No error of the same failure is shown above it: a filter may hide where that begins. As long as lines above it were
    /// not read, nobody knows.
    fn is_first_of_failure(&mut self, found: LineId) -> bool {
        let mut line = found;
        while !begins_failure(self.lines.reader(), line) {
            let Some(errors) = &self.errors else { return false };
            match errors.last_before(line) {
                Some(above) if !self.lines.shows(above) => line = above,
                Some(_) => return false,
                None => return errors.is_complete(),
            }
        }
        true
    }

    /// The first line that is shown of a later run than the line before the place.
    fn next_run(&mut self) -> Option<LineId> {
        let (cut, end) = (self.cut, self.lines.end());
        let id = match self.lines.before(cut) {
            None => cut,
            Some(before) => {
                let reader = self.lines.reader();
                let run = reader.line(before)?.run;
                reader.partition_point(before..end, |line| line.run <= run)
            }
        };
        Some(self.lines.from(id)).filter(|id| *id < end)
    }

    /// The first line that is shown of the run of the line before the place.
    fn previous_run(&mut self) -> Option<LineId> {
        let before = self.lines.before(self.cut)?;
        let line = self.lines.reader().line(before)?;
        let (_, first) = self.lines.reader().beginning_of(&line);
        Some(self.lines.from(first.max(self.lines.first())))
    }
}
