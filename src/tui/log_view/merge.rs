//! The lines of several services in the order of arrival, forwards and backwards from any place.
//!
//! A place is a cut: for each service, the first line after it. Going on reads one line of one service, so that a merge
//! costs what is looked at of it, however long the logs are. Each service keeps its own order, also where a line that
//! was written over is younger than the one below it.

use super::jump::{next, previous};
use super::visible_lines::VisibleLines;
use crate::domain::Moment;
use crate::logs::{Line, LineId, Matches, Reader};

/// One service in a merge.
pub(in crate::tui) struct Lane<'a, 'd> {
    pub(in crate::tui) visible: VisibleLines<'a, 'd>,
    /// The lines that a search has found.
    pub(in crate::tui) search: Option<Matches<'a>>,
    /// The lines that tell of errors.
    pub(in crate::tui) errors: Option<Matches<'a>>,
    cut: LineId,
    /// The line after the cut, and the line before it, once they were read.
    head: Option<Option<Line>>,
    tail: Option<Option<Line>>,
}

impl<'a, 'd> Lane<'a, 'd> {
    /// A service with what was found in it, at its end.
    pub(in crate::tui) fn new(
        reader: &'a mut Reader<'d>,
        filter: Option<&'a Matches<'a>>,
        search: Option<Matches<'a>>,
        errors: Option<Matches<'a>>,
        floor: LineId,
    ) -> Self {
        let visible = VisibleLines::new(reader, filter, floor);
        let cut = visible.end();
        Self { visible, search, errors, cut, head: None, tail: None }
    }

    /// A service as it was when it ended there.
    pub(in crate::tui) fn up_to(reader: &'a mut Reader<'d>, end: LineId) -> Self {
        let mut lane = Self::new(reader, None, None, None, LineId(0));
        lane.visible.cut_at(end);
        lane
    }

    /// Where it stands.
    pub(in crate::tui) fn cut(&self) -> LineId {
        self.cut
    }

    /// Stands there from now on, or at the next line that is shown.
    pub(in crate::tui) fn go_to(&mut self, cut: LineId) {
        self.cut = self.visible.from(cut.max(self.visible.first()));
        (self.head, self.tail) = (None, None);
    }

    /// When the next line arrived.
    fn head_at(&mut self) -> Option<Moment> {
        if self.head.is_none() {
            let next = Some(self.cut).filter(|cut| *cut < self.visible.end());
            self.head = Some(next.and_then(|cut| self.visible.line(cut)));
        }
        self.head.as_ref()?.as_ref().map(|line| line.at)
    }

    /// When the line before arrived.
    fn tail_at(&mut self) -> Option<Moment> {
        if self.tail.is_none() {
            let before = self.visible.before(self.cut);
            self.tail = Some(before.and_then(|before| self.visible.line(before)));
        }
        self.tail.as_ref()?.as_ref().map(|line| line.at)
    }
}

/// Several services, and a place among their lines.
pub(in crate::tui) struct Merge<'a, 'd> {
    pub(in crate::tui) lanes: Vec<Lane<'a, 'd>>,
}

impl Merge<'_, '_> {
    /// Reads the next line: its lane, and the line.
    pub(in crate::tui) fn forward(&mut self) -> Option<(usize, Line)> {
        let heads = self.lanes.iter_mut().enumerate().filter_map(|(index, lane)| Some((lane.head_at()?, index)));
        let (_, index) = heads.min()?;
        let lane = self.lanes.get_mut(index)?;
        let line = lane.head.take().flatten()?;
        lane.go_to(LineId(line.id.0 + 1));
        Some((index, line))
    }

    /// Reads the line before.
    pub(in crate::tui) fn back(&mut self) -> Option<(usize, Line)> {
        let tails = self.lanes.iter_mut().enumerate().filter_map(|(index, lane)| Some((lane.tail_at()?, index)));
        let (_, index) = tails.max()?;
        let lane = self.lanes.get_mut(index)?;
        let line = lane.tail.take().flatten()?;
        (lane.cut, lane.head) = (line.id, None);
        Some((index, line))
    }

    /// The place, lane by lane.
    pub(in crate::tui) fn cuts(&self) -> Vec<LineId> {
        self.lanes.iter().map(Lane::cut).collect()
    }

    /// Stands there from now on.
    pub(in crate::tui) fn go_to(&mut self, cuts: &[LineId]) {
        for (lane, cut) in self.lanes.iter_mut().zip(cuts) {
            lane.go_to(*cut);
        }
    }

    /// The next line from a place on, where it stands afterwards.
    pub(in crate::tui) fn line_behind(&mut self, cuts: &[LineId]) -> Option<Line> {
        self.go_to(cuts);
        let line = self.forward().map(|(_, line)| line);
        self.go_to(cuts);
        line
    }

    /// After all lines.
    pub(in crate::tui) fn go_to_end(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.go_to(lane.visible.end()));
    }

    /// Right before a line of a lane; the others stand where they had come when it arrived.
    pub(in crate::tui) fn go_to_line(&mut self, index: usize, id: LineId) {
        let at = self.lanes.get_mut(index).and_then(|lane| lane.visible.line(id)).map(|line| line.at);
        for (other, lane) in self.lanes.iter_mut().enumerate() {
            let cut = match at {
                _ if other == index => id,
                // Of lines of the same moment, those of lanes further left come first.
                Some(at) if other < index => lane.visible.reader.line_after(at),
                Some(at) => lane.visible.reader.line_after(just_before(at)),
                None => lane.cut,
            };
            lane.go_to(cut);
        }
    }

    /// To the line with that number, or the one after it.
    pub(in crate::tui) fn walk_to(&mut self, number: LineId) {
        while self.number() > number && self.back().is_some() {}
        while self.number() < number && self.forward().is_some() {}
    }

    /// The number of the next line among all: it grows by one for each line that comes before, and stays when older
    /// lines are dropped.
    pub(in crate::tui) fn number(&self) -> LineId {
        LineId(self.lanes.iter().map(|lane| lane.cut.0).sum())
    }
}

/// The first match from that place on: its lane and its line.
pub(super) fn first_hit(merge: &mut Merge<'_, '_>, from: &[LineId], errors: bool) -> Option<(usize, LineId)> {
    hits(merge, from, errors, next).min().map(|(_, lane, line)| (lane, line))
}

/// The last match before that place: its lane and its line.
pub(super) fn last_hit(merge: &mut Merge<'_, '_>, before: &[LineId], errors: bool) -> Option<(usize, LineId)> {
    hits(merge, before, errors, previous).max().map(|(_, lane, line)| (lane, line))
}

/// What is found in each lane from its part of a place: when it arrived, its lane and its line.
fn hits(
    merge: &mut Merge<'_, '_>,
    place: &[LineId],
    errors: bool,
    find: impl Fn(&Matches<'_>, &mut VisibleLines<'_, '_>, LineId, bool) -> Option<LineId>,
) -> impl Iterator<Item = (Moment, usize, LineId)> {
    merge.lanes.iter_mut().zip(place).enumerate().filter_map(move |(index, (lane, place))| {
        let matches = if errors { &lane.errors } else { &lane.search };
        let found = find(matches.as_ref()?, &mut lane.visible, *place, errors)?;
        lane.visible.line(found).map(|line| (line.at, index, line.id))
    })
}

fn just_before(at: Moment) -> Moment {
    Moment::after_start(at.since_start().saturating_sub(std::time::Duration::from_micros(1)))
}
