//! The lines of a document that are shown: those that no filter hides and that were not cleared.

use super::{Line, LineId, LineKind, Matches, Reader, StyledText};
use crate::domain::Moment;

/// The lines of a locked document that are shown.
#[derive(Debug)]
pub struct VisibleLines<'a> {
    reader: Reader<'a>,
    filter: Option<Matches<'a>>,
    /// The first line that is not cleared away.
    floor: LineId,
    end: LineId,
    /// The line that the cursor is in, and the byte, if it is to be in sight.
    cursor: Option<(LineId, usize)>,
}

impl<'a> VisibleLines<'a> {
    /// All lines of a document.
    pub fn new(reader: Reader<'a>) -> Self {
        let end = reader.end();
        Self { reader, filter: None, floor: LineId(0), end, cursor: None }
    }

    /// Only the lines that a filter shows, from `floor` on.
    pub fn filtered(self, filter: Option<Matches<'a>>, floor: LineId) -> Self {
        Self { filter, floor, ..self }
    }

    /// Only the lines before that one.
    pub fn up_to(self, end: LineId) -> Self {
        Self { end: self.end.min(end), ..self }
    }

    /// The document below, with all of its lines.
    pub fn reader(&mut self) -> &mut Reader<'a> {
        &mut self.reader
    }

    /// The line of the cursor is shown, even where nothing has been printed yet.
    pub fn include_cursor(&mut self) {
        self.cursor = self.reader.cursor();
        if let Some((line, _)) = self.cursor {
            self.floor = self.floor.min(line);
            self.end = self.end.max(LineId(line.0.saturating_add(1)));
        }
    }

    /// The byte and the column of the cursor, if it is in that line and is to be in sight.
    pub fn cursor_in(&self, line: LineId) -> Option<(usize, usize)> {
        let (_, byte) = self.cursor.filter(|(here, _)| *here == line)?;
        Some((byte, self.reader.cursor_cell().0))
    }

    /// Where a service that has cleared its screen expects its first row to be.
    pub fn cleared(&self) -> Option<LineId> {
        self.reader.cleared().filter(|_| self.filter.is_none()).map(|line| line.min(self.end))
    }

    /// The first line that is shown.
    pub fn first(&self) -> LineId {
        self.from(self.oldest())
    }

    /// The line after the last.
    pub fn end(&self) -> LineId {
        self.end
    }

    /// The first line that is shown from there on, or the end.
    pub fn from(&self, id: LineId) -> LineId {
        match &self.filter {
            Some(_) if self.loss().is_some_and(|loss| id <= loss) => self.loss().unwrap_or(self.end),
            Some(filter) => filter.first_from(id).unwrap_or(self.end).min(self.end),
            None => id.min(self.end),
        }
    }

    /// The line after that one, or the end.
    pub fn after(&self, id: LineId) -> LineId {
        self.from(LineId(id.0.saturating_add(1)))
    }

    /// The line before that one.
    pub fn before(&self, id: LineId) -> Option<LineId> {
        let before = match &self.filter {
            Some(filter) => {
                let loss = self.loss().filter(|loss| *loss < id);
                filter.last_before(id).filter(|before| *before >= self.floor).or(loss)?
            }
            None => LineId(id.0.checked_sub(1)?),
        };
        (before >= self.oldest()).then_some(before)
    }

    /// The line is shown, if it is there at all.
    pub fn shows(&self, id: LineId) -> bool {
        id >= self.floor && (self.loss() == Some(id) || self.filter.as_ref().is_none_or(|filter| filter.contains(id)))
    }

    /// So many lines are shown from there on.
    pub fn count_from(&self, id: LineId) -> u64 {
        match &self.filter {
            Some(filter) => filter.count().saturating_sub(filter.rank(id)),
            None => self.end.0.saturating_sub(id.0),
        }
    }

    /// How many of the lines that are shown and come before that one have been found.
    pub fn rank(&self, matches: &Matches<'_>, id: LineId) -> u64 {
        let cleared = matches.rank_shown(self.floor, self.filter.as_ref());
        matches.rank_shown(id, self.filter.as_ref()).saturating_sub(cleared)
    }

    /// How many of the lines that are shown have been found.
    pub fn count(&self, matches: &Matches<'_>) -> u64 {
        self.rank(matches, LineId(u64::MAX))
    }

    /// How many lines of the service the filter shows, and of how many. Markers do not count.
    pub fn share(&self) -> Option<(u64, u64)> {
        let filter = self.filter.as_ref()?;
        let all = self.reader.end().0.saturating_sub(self.reader.dropped());
        let (markers, shown) = filter.markers();
        Some((filter.count().saturating_sub(shown), all.saturating_sub(markers)))
    }

    /// There is a filter.
    pub fn is_filtered(&self) -> bool {
        self.filter.is_some()
    }

    /// Every line that is shown is known.
    pub fn is_complete(&self) -> bool {
        self.filter.as_ref().is_none_or(Matches::is_complete)
    }

    /// A line. The one that the cursor would begin is empty.
    pub fn line(&mut self, id: LineId) -> Option<Line> {
        if id >= self.reader.end() && self.cursor.is_some_and(|(here, _)| here == id) {
            let run = self.reader.run();
            return Some(Line { id, at: Moment::START, run, kind: LineKind::Output, content: StyledText::default() });
        }
        self.reader.line(id)
    }

    /// The oldest line that a filter may show.
    fn oldest(&self) -> LineId {
        self.reader.first().max(self.floor)
    }

    /// The line that says how many were dropped: no filter hides it.
    fn loss(&self) -> Option<LineId> {
        (self.reader.dropped() > 0).then(|| self.reader.first()).filter(|loss| *loss >= self.floor)
    }
}
