//! The rows of a pane.

use ratatui::layout::Position;
use ratatui::text::Span;

use super::super::text;
use super::shown::Shown;
use super::viewport::{Mark, Viewport};
use super::{Frame, GutterMark, PaneText, hold_cursor, time_of};
use crate::logs::{Level, LevelReader, Line, LineId, LineKind, LineSource};

/// The levels of lines that are read in the order of arrival.
struct Levels(Vec<Option<(LevelReader, LineId)>>);

impl Levels {
    /// The level of a line, and whether the line belongs to what is above, as the first of a lane may, and one below lines
    /// that a filter hides.
    fn of(&mut self, source: &mut LineSource<'_>, lane: usize, line: &Line) -> Option<(Level, bool)> {
        let known = self.0.get_mut(lane).and_then(Option::take).filter(|(_, next)| *next == line.id);
        let mut levels = match known {
            Some((levels, _)) => levels,
            None => LevelReader::at(source.lanes.get_mut(lane)?.lines.reader(), line.id),
        };
        let goes_on = line.kind == LineKind::Output && levels.goes_on_with(&line.content.text);
        let level = levels.pass(line);
        if let Some(known) = self.0.get_mut(lane) {
            *known = Some((levels, LineId(line.id.0 + 1)));
        }
        let fails = matches!(line.kind, LineKind::Marker(kind) if kind.is_failure());
        let level = if fails { Some(Level::Error) } else { level };
        Some((level?, goes_on))
    }
}

impl Viewport {
    /// Takes the rows from where the reader stands, and notes what is in sight.
    pub(super) fn draw(&mut self, source: &mut LineSource<'_>, frame: &Frame<'_>, text: &mut PaneText) {
        let layout = &frame.layout;
        source.go_to(&self.stand.place);
        let mut levels = Levels(vec![None; source.lanes.len()]);
        let mut skip = self.stand.row;
        let (mut last, mut cursor) = (None, None);
        while text.rows.len() < layout.height {
            let number = source.number();
            let Some((lane, id)) = source.forward() else { break };
            let Some(line) = source.line(lane, id) else { continue };
            let level = levels.of(source, lane, &line);
            let mut shown = Shown::new(&line, frame.query, self.stand.offset, layout);
            if let Some(lane) = source.lanes.get_mut(lane) {
                shown.link(lane.lines.reader());
            }
            if let Some((row, column)) = hold_cursor(source, (lane, id), &mut shown, layout) {
                cursor = (text.rows.len() + row).checked_sub(skip).map(|row| (column, row));
            }
            text.hides_match |= shown.hides_match;
            self.add_line(source, frame, (lane, &line, number, &shown, skip), text);
            let current = self.current.as_ref().is_some_and(|mark| mark.lane == lane && mark.id == id);
            let marks = text.gutter.len()..text.rows.len();
            text.gutter.extend(marks.zip(skip..).map(|(_, row)| GutterMark {
                level: level.map(|(level, _)| level),
                goes_on: row > 0 || level.is_some_and(|(_, goes_on)| goes_on),
                hit: shown.hit && row == 0,
                current,
            }));
            (last, skip) = (Some((lane, id)), 0);
        }
        let place = source.place();
        self.last = last.map(|(lane, id)| Mark { lane, id, place: place.clone().with(lane, id), is_error: false });
        self.stand.bottom = self.last.as_ref().map_or(place, Mark::behind);
        let cursor = cursor
            .filter(|(_, row)| *row < layout.height)
            .and_then(|(column, row)| Some(Position { x: u16::try_from(column).ok()?, y: u16::try_from(row).ok()? }));
        if let (Some(cursor), Some(lane)) = (cursor, source.lanes.first_mut()) {
            let (_, row) = lane.lines.reader().cursor_cell();
            text.top = i32::try_from(row).ok().and_then(|row| row.checked_sub(cursor.y.into())).unwrap_or(0);
        }
        text.cursor = cursor;
    }

    /// Adds the rows of a line, but for those that are skipped, as far as there is room.
    fn add_line(
        &self,
        source: &mut LineSource<'_>,
        frame: &Frame<'_>,
        (lane, line, number, shown, skip): (usize, &Line, LineId, &Shown, usize),
        text: &mut PaneText,
    ) {
        let layout = &frame.layout;
        let (Some(name), Some(lane_of)) = (frame.names.get(lane), source.lanes.get_mut(lane)) else { return };
        let label = frame.labels.get(lane);
        let cells = label.map_or(0, |label| text::width(&label.text));
        let places = shown.places(number, layout).map(|mut place| {
            place.before += cells;
            place.spans_before += usize::from(label.is_some());
            place
        });
        let before = time_of(lane_of.lines.reader(), line, layout);
        let rows = shown.draw(&before, layout).enumerate().map(|(row, mut spans)| {
            if let Some(label) = label {
                let prefix = if row == 0 { &label.text } else { &label.rest };
                spans.spans.insert(0, Span::styled(prefix.clone(), label.style));
            }
            spans
        });
        let room = layout.height - text.rows.len();
        for place in places.skip(skip).take(room) {
            text.links.extend(shown.links_of(text.places.len(), &place));
            text.places.push(place);
        }
        text.rows.extend(rows.skip(skip).take(room));
        text.sources.push((number, name.clone(), line.id));
    }
}
