//! A line as it is shown: cut or wrapped, with its time and its marks.

use std::ops::Range;

use ratatui::layout::Position;
use ratatui::text::{Line, Span};

use super::super::text;
use super::super::theme::Theme;
use super::linked::{self, TextLink};
use super::separator::separator;
use super::{LINE_LIMIT, LineLayout, PaneText, RowLink, RowPlace, TIME_CELLS, Times, marks};
use crate::logs::{self, LineId, LineKind, Query, Reader, StyledText};

/// A full-screen program: its rows as they are, so that its cursor is in sight. Its links are those that it prints: an
/// address may go on in the next row, and only the program knows.
pub(super) fn full_screen(screen: &logs::ScreenRows, reader: &Reader<'_>, layout: &LineLayout) -> PaneText {
    let below = screen.cursor.map_or(0, |(_, row)| (usize::from(row) + 1).saturating_sub(layout.height));
    let (mut rows, mut places, mut links) = (Vec::new(), Vec::new(), Vec::new());
    for (row, index) in screen.rows.iter().zip(0..).skip(below).take(layout.height) {
        let mut row = row.clone();
        let bytes = 0..row.text.trim_end().len();
        let place = RowPlace { line: LineId(index), bytes, ..RowPlace::default() };
        let of_row = linked::printed(&row, |link| reader.link(link));
        linked::note(&mut row, &of_row);
        links.extend(linked::of_row(&of_row, &row.text, (rows.len(), &place)));
        rows.push(Line::from(spans(&row, 0..row.text.len(), layout.theme)));
        places.push(place);
    }
    let cursor = screen
        .cursor
        .and_then(|(column, row)| Some(Position { x: column, y: row.checked_sub(u16::try_from(below).ok()?)? }));
    let top = i32::try_from(below).unwrap_or(0);
    PaneText { rows, follow: true, cursor, top, places, links, rows_of_screen: true, ..PaneText::default() }
}

/// A line as it is shown.
pub(super) struct Shown {
    content: StyledText,
    kind: LineKind,
    /// Bytes of each row.
    pub(super) rows: Vec<Range<usize>>,
    /// Something is missing at the left, at the right.
    cut: (bool, bool),
    /// It has what is searched for.
    pub(super) hit: bool,
    /// It is in its short form.
    folded: bool,
    /// It has what is searched for in what is not to be seen of it.
    pub(super) hides_match: bool,
    links: Vec<TextLink>,
}

impl Shown {
    /// Lays it out, with what is searched for marked; that many cells on the left are cut off unless it is wrapped.
    pub(super) fn new(line: &logs::Line, query: Option<&Query>, offset: usize, layout: &LineLayout) -> Self {
        let mut hit = query.is_some_and(|query| query.is_match(&line.content.text));
        let short = short_form(line, layout);
        let folded = short.is_some();
        let mut content = short.unwrap_or_else(|| line.content.clone());
        let mut hides_match = false;
        let cells = text_cells(layout);
        if line.kind.is_marker() {
            let time = layout.clock.time_of_day(line.at);
            content = StyledText { text: separator(&content.text, &time, cells, layout), runs: Vec::new() };
        }
        if content.text.len() > LINE_LIMIT {
            let end = (0..=LINE_LIMIT).rev().find(|end| content.text.is_char_boundary(*end)).unwrap_or(0);
            let more = (content.text.len() - end).div_ceil(1024);
            content.text.truncate(end);
            content.text.push_str(&format!(" {} {more} KiB more", layout.glyphs.ellipsis));
        }
        // What is searched for is looked for in what was printed.
        if let Some(query) = query.filter(|_| hit || !folded) {
            let places = query.places(&content.text);
            hides_match = folded && places.is_empty();
            hit |= !places.is_empty();
            marks::reverse(&mut content, &places);
        }
        let (kind, links) = (line.kind, Vec::new());
        if layout.wrap {
            let rows = text::wrap(&content.text, cells);
            return Self { content, kind, rows, cut: (false, false), hit, folded, hides_match, links };
        }
        let ellipsis = text::width(layout.glyphs.ellipsis);
        let all = text::width(&content.text);
        let left = offset > 0 && all > 0;
        let start = if left { text::fitting(&content.text, offset + ellipsis) } else { 0 };
        let rest = content.text.get(start..).unwrap_or_default();
        let room = cells.saturating_sub(if left { ellipsis } else { 0 });
        // Blanks at the end are text, but nobody misses them.
        let right = text::width(rest.trim_end()) > room;
        let end = start + text::fitting(rest, room.saturating_sub(if right { ellipsis } else { 0 }));
        let rows = std::iter::once(start..end).collect();
        Self { content, kind, rows, cut: (left, right), hit, folded, hides_match, links }
    }

    /// With its links, as its terminal knows them. devgroup's own lines have none.
    pub(super) fn link(&mut self, reader: &Reader<'_>) {
        if self.kind == LineKind::Output {
            let printed = linked::printed(&self.content, |link| reader.link(link));
            self.links = linked::with_addresses(&self.content, printed);
            linked::note(&mut self.content, &self.links);
        }
    }

    /// The parts of its links in one of its rows, which is that row of the pane.
    pub(super) fn links_of(&self, row: usize, place: &RowPlace) -> Vec<RowLink> {
        linked::of_row(&self.links, &self.content.text, (row, place))
    }

    /// Row and column of the cursor, which is after that byte and in that column of the service's terminal. At the end
    /// of a full row it stays on the last cell, until something moves it; a row that is erased behind a full one, and
    /// holds nothing but the cursor, is shown for it.
    pub(super) fn hold_cursor(&mut self, byte: usize, column: usize, layout: &LineLayout) -> (usize, usize) {
        let row = self.rows.iter().rposition(|row| row.start <= byte).unwrap_or(0);
        let start = self.rows.get(row).map_or(0, |row| row.start);
        let before = self.content.text.get(start..byte).unwrap_or_default();
        // One less: it may be on the right half of a wide character, and one may not fit into the last cell.
        let cells = text::width(before);
        let row = row + usize::from(column + 1 < cells && cells + 1 >= layout.width);
        let end = self.rows.last().map_or(0, |row| row.end);
        self.rows.resize(self.rows.len().max(row + 1), end..end);
        (row, column.min(layout.width.saturating_sub(1)))
    }

    /// What of its line each row shows.
    pub(super) fn places(&self, line: LineId, layout: &LineLayout) -> impl Iterator<Item = RowPlace> {
        let times = layout.times != Times::Off;
        let ellipsis = |cut| if cut { text::width(layout.glyphs.ellipsis) } else { 0 };
        let cut = (ellipsis(self.cut.0), ellipsis(self.cut.1));
        let before = if times { TIME_CELLS } else { 0 } + cut.0;
        let spans_before = usize::from(times) + usize::from(self.cut.0);
        let folded = self.folded;
        self.rows.iter().map(move |bytes| RowPlace { line, bytes: bytes.clone(), before, spans_before, cut, folded })
    }

    /// The rows; the first has that time before it.
    pub(super) fn draw(&self, before: &str, layout: &LineLayout) -> impl Iterator<Item = Line<'static>> {
        let theme = layout.theme;
        self.rows.iter().enumerate().map(move |(index, range)| {
            let mut row = Vec::new();
            if layout.times != Times::Off {
                let time = if index == 0 { before } else { "" };
                row.push(Span::styled(text::pad(time.to_owned(), TIME_CELLS), theme.structure()));
            }
            if self.cut.0 {
                row.push(Span::styled(layout.glyphs.ellipsis, theme.structure()));
            }
            let parts = spans(&self.content, range.clone(), theme);
            match self.kind {
                LineKind::Marker(_) => row.extend(parts.into_iter().map(|part| part.patch_style(theme.structure()))),
                LineKind::Output => row.extend(parts),
            }
            if self.cut.1 {
                row.push(Span::styled(layout.glyphs.ellipsis, theme.structure()));
            }
            Line::from(row)
        })
    }
}

/// The short form of a line, if it is data and such lines are folded.
pub(super) fn short_form(line: &logs::Line, layout: &LineLayout) -> Option<StyledText> {
    (layout.folded && line.kind == LineKind::Output).then(|| logs::folded(&line.content)).flatten()
}

/// Cells that are left for the text of a line.
pub(super) fn text_cells(layout: &LineLayout) -> usize {
    let before = if layout.times == Times::Off { 0 } else { TIME_CELLS };
    layout.width.saturating_sub(before).max(1)
}

/// A part of a styled text.
fn spans(content: &StyledText, range: Range<usize>, theme: Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut at = range.start;
    let mut push = |part: Range<usize>, style| {
        if let Some(text) = content.text.get(part)
            && !text.is_empty()
        {
            spans.push(Span::styled(text.to_owned(), style));
        }
    };
    for run in &content.runs {
        let start = usize::try_from(run.start).unwrap_or(usize::MAX).clamp(at, range.end);
        let end = usize::try_from(run.end).unwrap_or(usize::MAX).clamp(start, range.end);
        if start < end {
            push(at..start, ratatui::style::Style::new());
            push(start..end, theme.of(run.style));
            at = end;
        }
    }
    push(at..range.end, ratatui::style::Style::new());
    spans
}
