//! The lines of several documents in the order of arrival, forwards and backwards from any place. The log of one
//! service is a source with one lane.
//!
//! Each step reads one line of one document, so the cost depends on what is viewed, not on the length of the logs. With
//! one lane a step reads nothing. Each document keeps its own order, even where an overwritten line is younger than the
//! line below it.

mod failures;
mod landmarks;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{Line, LineId, Matches, Reader, VisibleLines};
use crate::domain::Moment;
pub use failures::{Failures, failure_around};
pub use landmarks::Landmark;

/// A place among the lines of a source: for each lane, the first line after it. The default is before all lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place(Vec<LineId>);

impl Place {
    /// The first line of a lane after it.
    pub fn of(&self, lane: usize) -> LineId {
        self.0.get(lane).copied().unwrap_or_default()
    }

    /// The same place, but for one lane.
    pub fn with(mut self, lane: usize, line: LineId) -> Self {
        if let Some(cut) = self.0.get_mut(lane) {
            *cut = line;
        }
        self
    }
}

impl FromIterator<LineId> for Place {
    fn from_iter<T: IntoIterator<Item = LineId>>(lines: T) -> Self {
        Self(lines.into_iter().collect())
    }
}

/// One document of a source.
#[derive(Debug)]
pub struct Lane<'a> {
    /// Its lines as far as the level lets them be seen.
    pub lines: VisibleLines<'a>,
    /// Those that a search has found.
    pub search: Option<Matches<'a>>,
    /// Those that tell of errors.
    pub errors: Option<Matches<'a>>,
    /// The first line after the place.
    cut: LineId,
    /// The line after the place and the line before it, once they were read.
    head: Option<Line>,
    tail: Option<Line>,
}

impl<'a> Lane<'a> {
    /// A document without anything found in it.
    pub fn new(lines: VisibleLines<'a>) -> Self {
        let cut = lines.end();
        Self { lines, search: None, errors: None, cut, head: None, tail: None }
    }

    /// With what was found in it.
    pub fn with(self, search: Option<Matches<'a>>, errors: Option<Matches<'a>>) -> Self {
        Self { search, errors, ..self }
    }

    fn go_to(&mut self, line: LineId) {
        self.cut = self.lines.from(line.max(self.lines.first()));
        (self.head, self.tail) = (None, None);
    }

    fn next(&self) -> Option<LineId> {
        (self.cut < self.lines.end()).then_some(self.cut)
    }

    /// When the next line arrived. One that cannot be read holds nobody up.
    fn next_at(&mut self) -> Option<Moment> {
        let next = self.next()?;
        if self.head.is_none() {
            self.head = self.lines.line(next);
        }
        Some(self.head.as_ref().map_or(Moment::START, |line| line.at))
    }

    fn previous_at(&mut self) -> Option<Moment> {
        let previous = self.lines.before(self.cut)?;
        if self.tail.is_none() {
            self.tail = self.lines.line(previous);
        }
        Some(self.tail.as_ref().map_or(Moment::START, |line| line.at))
    }

    fn go_on(&mut self, line: LineId) {
        self.cut = self.lines.after(line);
        self.tail = self.head.take();
    }

    fn go_back(&mut self, line: LineId) {
        self.cut = line;
        self.head = self.tail.take();
    }

    fn line(&mut self, id: LineId) -> Option<Line> {
        let known = [&self.head, &self.tail].into_iter().flatten().find(|line| line.id == id).cloned();
        known.or_else(|| self.lines.line(id))
    }
}

/// The lines of some documents in the order of arrival, and a place among them.
#[derive(Debug)]
pub struct LineSource<'a> {
    /// The documents that are merged, one for each service.
    pub lanes: Vec<Lane<'a>>,
}

impl<'a> LineSource<'a> {
    /// All lines of one document.
    pub fn of(reader: Reader<'a>) -> Self {
        Self { lanes: vec![Lane::new(VisibleLines::new(reader))] }
    }

    /// Goes over the next line: its lane, and the line.
    pub fn forward(&mut self) -> Option<(usize, LineId)> {
        let index = match self.lanes.as_mut_slice() {
            [_] => 0,
            lanes => {
                let heads = lanes.iter_mut().enumerate().filter_map(|(index, lane)| Some((lane.next_at()?, index)));
                heads.min()?.1
            }
        };
        let lane = self.lanes.get_mut(index)?;
        let line = lane.next()?;
        lane.go_on(line);
        Some((index, line))
    }

    /// Goes back over the line before: its lane, and the line.
    pub fn back(&mut self) -> Option<(usize, LineId)> {
        let index = match self.lanes.as_mut_slice() {
            [_] => 0,
            lanes => {
                let tails = lanes.iter_mut().enumerate().filter_map(|(index, lane)| Some((lane.previous_at()?, index)));
                tails.max()?.1
            }
        };
        let lane = self.lanes.get_mut(index)?;
        let line = lane.lines.before(lane.cut)?;
        lane.go_back(line);
        Some((index, line))
    }

    /// A line of a lane.
    pub fn line(&mut self, lane: usize, id: LineId) -> Option<Line> {
        self.lanes.get_mut(lane)?.line(id)
    }

    /// Goes over the next line, and reads it. One that cannot be read is left out.
    pub fn forward_line(&mut self) -> Option<(usize, Line)> {
        loop {
            let (lane, id) = self.forward()?;
            if let Some(line) = self.line(lane, id) {
                return Some((lane, line));
            }
        }
    }

    /// The next line, where the source stands still.
    pub fn peek(&mut self) -> Option<(usize, LineId)> {
        let place = self.place();
        let (lane, id) = self.forward()?;
        // It is likely to be wanted again.
        for (lane, cut) in self.lanes.iter_mut().zip(place.0) {
            if lane.cut != cut {
                lane.go_back(cut);
            }
        }
        Some((lane, id))
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        self.lanes.iter().map(|lane| lane.cut).collect()
    }

    /// The number of the next line among all: it grows by one for each line that comes before, and stays when older lines
    /// are dropped. With one lane, it is that of the line.
    pub fn number(&self) -> LineId {
        LineId(self.lanes.iter().map(|lane| lane.cut.0).sum())
    }

    /// Stands there from now on, or at the next lines that are shown.
    pub fn go_to(&mut self, place: &Place) {
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            lane.go_to(place.of(index));
        }
    }

    /// After all lines.
    pub fn go_to_end(&mut self) {
        for lane in &mut self.lanes {
            lane.go_to(lane.lines.end());
        }
    }

    /// Right before a line of a lane; the others stand where they had come when it arrived.
    pub fn go_to_line(&mut self, index: usize, id: LineId) {
        if self.lanes.len() == 1 {
            return self.lanes.iter_mut().for_each(|lane| lane.go_to(id));
        }
        let at = self.line(index, id).map(|line| line.at);
        for (other, lane) in self.lanes.iter_mut().enumerate() {
            let cut = match at {
                _ if other == index => id,
                // Of lines of the same moment, those of lanes further left come first.
                Some(at) if other < index => lane.lines.reader().line_after(at),
                Some(at) => lane.lines.reader().line_after(just_before(at)),
                None => lane.cut,
            };
            lane.go_to(cut);
        }
    }

    /// To the line with that number, or the one after it.
    pub fn go_to_number(&mut self, number: LineId) {
        if let [lane] = self.lanes.as_mut_slice() {
            return lane.go_to(number);
        }
        while self.number() > number && self.back().is_some() {}
        while self.number() < number && self.forward().is_some() {}
    }

    /// Goes so many lines on, or back if there are fewer than none; no further than to the last line, or the first.
    pub fn step(&mut self, lines: i64) {
        match lines {
            i64::MIN => self.go_to(&Place::default()),
            i64::MAX => self.go_to_end(),
            _ if lines < 0 => (lines..0).take_while(|_| self.back().is_some()).for_each(drop),
            _ => (0..lines).take_while(|_| self.forward().is_some()).for_each(drop),
        }
        if self.peek().is_none() {
            self.back();
        }
    }

    /// Some lines are hidden by a filter.
    pub fn is_filtered(&self) -> bool {
        self.lanes.iter().any(|lane| lane.lines.is_filtered())
    }
}

fn just_before(at: Moment) -> Moment {
    Moment::after_start(at.since_start().saturating_sub(Duration::from_micros(1)))
}
