//! The lines of a document that a pane shows: those that no filter hides and that were not cleared away.

use super::super::glyphs::Glyphs;
use super::shown::Shown;
use super::{LineLayout, text};
use crate::logs::{Line, LineId, Matches, Query, Reader};

/// What was looked for in a document, and what of it was found.
#[derive(Debug, Default)]
pub(in crate::tui) struct Found<'a> {
    /// What is searched for, and the lines that have it.
    pub(in crate::tui) search: Option<(&'a Query, Matches<'a>)>,
    /// The lines that are shown; all of them without a filter.
    pub(in crate::tui) filter: Option<Matches<'a>>,
    /// The lines that tell of errors, once somebody has asked for them.
    pub(in crate::tui) errors: Option<Matches<'a>>,
    /// The search goes on in other services when there is nothing more in this one.
    pub(in crate::tui) roams: bool,
}

/// How many lines a search has found, and which of them the reader is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) struct MatchCount {
    /// From 1.
    pub(in crate::tui) place: Option<u64>,
    /// All that were found so far.
    pub(in crate::tui) count: u64,
    /// All lines were read.
    pub(in crate::tui) complete: bool,
}

impl MatchCount {
    /// `2 of 31`, with the ellipsis while more may be found; `2/31` where every cell counts.
    pub(in crate::tui) fn text(self, compact: bool, glyphs: &Glyphs) -> String {
        let of = if compact { "/" } else { " of " };
        let more = if self.complete { "" } else { glyphs.ellipsis };
        let count = text::thousands(self.count);
        match self.place {
            _ if self.count == 0 && self.complete => "no match".into(),
            Some(place) => format!("{}{of}{count}{more}", text::thousands(place)),
            None => format!("{count}{more}"),
        }
    }
}

/// The lines of a document that are shown.
pub(in crate::tui) struct VisibleLines<'a, 'd> {
    pub(in crate::tui) reader: &'a mut Reader<'d>,
    filter: Option<&'a Matches<'a>>,
    /// The first line that is not cleared away.
    floor: LineId,
    end: LineId,
    /// The line that the cursor is in, and the byte, if the service is typed into.
    cursor: Option<(LineId, usize)>,
}

impl<'a, 'd> VisibleLines<'a, 'd> {
    pub(super) fn new(reader: &'a mut Reader<'d>, filter: Option<&'a Matches<'a>>, floor: LineId) -> Self {
        let end = reader.end();
        Self { reader, filter, floor, end, cursor: None }
    }

    /// The line of the cursor is shown, even where nothing has been printed yet.
    pub(super) fn include(&mut self, cursor: (LineId, usize)) {
        self.floor = self.floor.min(cursor.0);
        self.end = self.end.max(LineId(cursor.0.0.saturating_add(1)));
        self.cursor = Some(cursor);
    }

    /// Makes room for the cursor, if it is in that line. The answer is its row and column.
    pub(super) fn hold_cursor(&self, line: LineId, shown: &mut Shown, layout: &LineLayout) -> Option<(usize, usize)> {
        let (_, byte) = self.cursor.filter(|(here, _)| *here == line)?;
        Some(shown.hold_cursor(byte, self.reader.cursor_cell().0, layout))
    }

    /// Lines from there on are not shown.
    pub(super) fn cut_at(&mut self, end: LineId) {
        self.end = self.end.min(end);
    }

    /// Where a service that has cleared its screen expects its first row to be.
    pub(super) fn cleared(&self) -> Option<LineId> {
        self.reader.cleared().filter(|_| self.filter.is_none()).map(|line| line.min(self.end()))
    }

    /// The line so many further down, or up; the first or the last if there are not so many.
    pub(in crate::tui) fn step(&self, from: LineId, lines: i64) -> LineId {
        let last = self.before(self.end()).unwrap_or(from);
        match (self.filter, lines) {
            (_, i64::MIN) => self.first().min(last),
            (_, i64::MAX) => last,
            (None, lines) => LineId(from.0.saturating_add_signed(lines)).clamp(self.first().min(last), last),
            (Some(_), lines) => {
                let mut id = from;
                for _ in 0..lines.unsigned_abs() {
                    let next = if lines < 0 { self.before(id) } else { Some(self.after(id)) };
                    match next.filter(|next| *next < self.end()) {
                        Some(next) => id = next,
                        None => break,
                    }
                }
                id
            }
        }
    }

    /// The oldest line that may be shown.
    pub(in crate::tui) fn first(&self) -> LineId {
        let first = self.reader.first().max(self.floor);
        self.from(first)
    }

    /// The line after the last.
    pub(in crate::tui) fn end(&self) -> LineId {
        self.end
    }

    /// The first line that is shown from there on, or the end.
    pub(in crate::tui) fn from(&self, id: LineId) -> LineId {
        let end = self.end();
        match self.filter {
            Some(_) if self.loss().is_some_and(|loss| id <= loss) => self.loss().unwrap_or(end),
            Some(filter) => filter.first_from(id).unwrap_or(end).min(end),
            None => id.min(end),
        }
    }

    /// The line that says how many were dropped: no filter hides it.
    fn loss(&self) -> Option<LineId> {
        (self.reader.dropped() > 0).then(|| self.reader.first()).filter(|loss| *loss >= self.floor)
    }

    /// The line after that one, or the end.
    pub(in crate::tui) fn after(&self, id: LineId) -> LineId {
        self.from(LineId(id.0 + 1))
    }

    /// The line before that one.
    pub(in crate::tui) fn before(&self, id: LineId) -> Option<LineId> {
        let before = match self.filter {
            Some(filter) => {
                let loss = self.loss().filter(|loss| *loss < id);
                filter.last_before(id).filter(|before| *before >= self.floor).or(loss)?
            }
            None => LineId(id.0.checked_sub(1)?),
        };
        (before >= self.reader.first().max(self.floor)).then_some(before)
    }

    /// The line is shown, if it is there at all.
    pub(super) fn shows(&self, id: LineId) -> bool {
        id >= self.floor && (self.loss() == Some(id) || self.filter.is_none_or(|filter| filter.contains(id)))
    }

    /// So many lines are shown from there on.
    pub(super) fn count_from(&self, id: LineId) -> u64 {
        match self.filter {
            Some(filter) => filter.count().saturating_sub(filter.rank(id)),
            None => self.end().0.saturating_sub(id.0),
        }
    }

    /// How many of the lines that are shown and come before that one have been found.
    pub(super) fn rank(&self, matches: &Matches<'_>, id: LineId) -> u64 {
        let cleared = matches.rank_shown(self.floor, self.filter);
        matches.rank_shown(id, self.filter).saturating_sub(cleared)
    }

    /// How many of the lines that are shown have been found.
    pub(in crate::tui) fn count(&self, matches: &Matches<'_>) -> u64 {
        self.rank(matches, LineId(u64::MAX))
    }

    /// How many lines of the service the filter shows, and of how many. Markers do not count.
    pub(super) fn share(&self) -> Option<(u64, u64)> {
        let filter = self.filter?;
        let all = self.reader.end().0.saturating_sub(self.reader.dropped());
        let (markers, shown) = filter.markers();
        Some((filter.count().saturating_sub(shown), all.saturating_sub(markers)))
    }

    /// There is a filter.
    pub(super) fn is_filtered(&self) -> bool {
        self.filter.is_some()
    }

    /// Every line that is shown is known.
    pub(super) fn is_complete(&self) -> bool {
        self.filter.is_none_or(Matches::is_complete)
    }

    pub(super) fn line(&mut self, id: LineId) -> Option<Line> {
        self.reader.line(id)
    }
}
