//! One service's log as a pane shows it: which lines, cut or wrapped, and where the reader stands.
//!
//! While the reader follows, the end is shown. Otherwise the first row is anchored to a line by its number, so that
//! nothing moves while output arrives and old lines are dropped.

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::layout::Position;
use ratatui::text::{Line, Span};

use super::glyphs::Glyphs;
use super::selection::Point;
use super::text;
use super::theme::Theme;
use crate::clock::Clock;
use crate::domain::{Moment, RunId, human};
use crate::logs::{self, LineId, LineKind, Reader, StyledText};

/// Bytes of a line that are shown; the rest is counted. A longer line would cost a whole frame to measure.
const LINE_LIMIT: usize = 16 << 10;
/// Cells of a time before a line.
const TIME_CELLS: usize = 9;

/// What is before each line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Times {
    /// Nothing.
    #[default]
    Off,
    /// The time of day.
    Clock,
    /// Since the start of the run.
    SinceStart,
}

impl Times {
    /// The one after this, in the order of the key.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Off => Self::Clock,
            Self::Clock => Self::SinceStart,
            Self::SinceStart => Self::Off,
        }
    }
}

/// How the lines are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineLayout {
    /// Cells of a row.
    pub(super) width: usize,
    /// Rows.
    pub(super) height: usize,
    /// Long lines continue in the next row; otherwise they are cut.
    pub(super) wrap: bool,
    /// What is before each line.
    pub(super) times: Times,
    /// The service is typed into: its cursor is in sight, and rows end where they do on its terminal.
    pub(super) typed: bool,
    /// What devgroup's own lines are drawn with.
    pub(super) glyphs: &'static Glyphs,
    /// Colours.
    pub(super) theme: Theme,
    /// Dates the lines.
    pub(super) clock: Clock,
}

impl LineLayout {
    /// For a service that is typed into.
    pub(super) fn as_terminal(self) -> Self {
        Self { typed: true, wrap: true, times: Times::Off, ..self }
    }
}

/// What a pane shows.
#[derive(Clone, Debug, Default)]
pub(super) struct PaneText {
    /// Row by row.
    pub(super) rows: Vec<Line<'static>>,
    /// The end is shown, and stays so.
    pub(super) follow: bool,
    /// Lines that have come since the reader left the end.
    pub(super) new: u64,
    /// The cursor of a full-screen program, or of a service that is typed into.
    pub(super) cursor: Option<Position>,
    /// The row of the service's screen that is in the first row.
    pub(super) top: i32,
    /// What of the document each row shows.
    pub(super) places: Vec<RowPlace>,
    /// They are the rows of a full-screen program.
    pub(super) rows_of_screen: bool,
    /// The version of the document that this is.
    pub(super) version: u64,
}

/// What of a document a row shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RowPlace {
    /// The line; the row, of a full-screen program.
    pub(super) line: LineId,
    /// These bytes of it.
    pub(super) bytes: Range<usize>,
    /// Cells before them, which are not of the line.
    pub(super) before: usize,
}

impl PaneText {
    /// The text of a row, without what stands before and after it.
    pub(super) fn text_of_row(&self, row: usize) -> Option<(&RowPlace, String)> {
        let place = self.places.get(row)?;
        let spans = self.rows.get(row)?.spans.iter().skip(usize::from(place.before > 0));
        let mut text: String = spans.map(|span| &*span.content).collect();
        text.truncate(text::floor(&text, place.bytes.len()));
        Some((place, text))
    }

    /// What of the document a cell shows: below the last row, its end.
    pub(super) fn point(&self, (column, row): (usize, usize)) -> Option<Point> {
        let last = self.places.len().checked_sub(1)?;
        let (place, text) = self.text_of_row(row.min(last))?;
        let length = if row > last { text.len() } else { text::fitting(&text, column.saturating_sub(place.before)) };
        Some(Point { line: place.line, byte: place.bytes.start + length })
    }
}

/// Where the reader of a log stands.
#[derive(Clone, Debug)]
pub(super) struct LogView {
    follow: bool,
    /// The first row, unless the end is followed: its line, and which row of that line.
    line: LineId,
    row: usize,
    /// Lines before this one are not new.
    seen: LineId,
    /// What keys and the wheel have asked for since the last frame; up is negative.
    rows_wanted: i64,
    pages_wanted: i64,
    /// The next frame shows this line.
    revealed: Option<LineId>,
    /// When the runs began, as far as they were looked up.
    run_starts: BTreeMap<RunId, Moment>,
}

impl Default for LogView {
    fn default() -> Self {
        Self {
            follow: true,
            line: LineId(0),
            row: 0,
            seen: LineId(0),
            rows_wanted: 0,
            pages_wanted: 0,
            revealed: None,
            run_starts: BTreeMap::new(),
        }
    }
}

impl LogView {
    /// To the end, and stay there.
    pub(super) fn follow(&mut self) {
        (self.follow, self.rows_wanted, self.pages_wanted) = (true, 0, 0);
    }

    /// Stays with what is in sight.
    pub(super) fn stop_following(&mut self) {
        if self.follow {
            self.seen = LineId(u64::MAX);
        }
        self.follow = false;
    }

    /// The next frame shows that line, and moves no further than it must.
    pub(super) fn reveal(&mut self, line: LineId) {
        self.stop_following();
        self.revealed = Some(line);
    }

    /// To the oldest line.
    pub(super) fn top(&mut self) {
        if self.follow {
            // The next frame says what was the end.
            self.seen = LineId(u64::MAX);
        }
        (self.follow, self.rows_wanted, self.pages_wanted) = (false, 0, 0);
        (self.line, self.row) = (LineId(0), 0);
    }

    /// By so many rows; up is negative.
    pub(super) fn scroll(&mut self, rows: i64) {
        self.rows_wanted = self.rows_wanted.saturating_add(rows);
    }

    /// By so many pages; up is negative.
    pub(super) fn page(&mut self, pages: i64) {
        self.pages_wanted = self.pages_wanted.saturating_add(pages);
    }

    /// Carries out what was asked for, and takes the rows that are to be seen. The document is locked meanwhile.
    pub(super) fn take(&mut self, reader: &mut Reader<'_>, layout: &LineLayout) -> PaneText {
        let version = reader.version();
        if let Some(screen) = reader.screen() {
            return PaneText { version, ..full_screen(&screen, layout) };
        }
        let first = reader.first();
        let typed = if layout.typed { reader.cursor() } else { None };
        // The cursor may be where nothing has been printed yet.
        let end = typed.map_or(reader.end(), |(line, _)| reader.end().max(LineId(line.0 + 1)));
        // Two rows of the page before stay in sight.
        let page = i64::try_from(layout.height.saturating_sub(2).max(1)).unwrap_or(1);
        let wanted = self.rows_wanted.saturating_add(self.pages_wanted.saturating_mul(page));
        (self.rows_wanted, self.pages_wanted) = (0, 0);
        if self.follow && wanted < 0 {
            (self.line, self.row) = last_page(reader, layout, end);
            (self.follow, self.seen) = (false, end);
        }
        if self.follow {
            (self.line, self.row) = last_page(reader, layout, end);
        } else {
            if self.seen.0 == u64::MAX {
                self.seen = end;
            }
            self.stay_inside(reader, layout, first, end);
            match wanted {
                ..0 => self.up(reader, layout, wanted.unsigned_abs(), first),
                0 => {}
                1.. => {
                    self.down(reader, layout, wanted.unsigned_abs(), end);
                    if rows_from(reader, layout, self.line, self.row, end) <= layout.height {
                        self.follow = true;
                        (self.line, self.row) = last_page(reader, layout, end);
                    }
                }
            }
        }
        if let Some(line) = self.revealed.take().filter(|_| !self.follow) {
            self.bring_into_sight(reader, layout, line);
        }
        let mut places = Vec::with_capacity(layout.height);
        let mut rows: Vec<Line<'static>> = Vec::with_capacity(layout.height);
        let mut cursor = None;
        let (mut id, mut skip) = (self.line, self.row);
        while id < end && rows.len() < layout.height {
            if let Some(line) = reader.line(id) {
                let before = self.time_of(reader, &line, layout);
                let shown = Shown::new(&line, layout);
                if let Some((_, byte)) = typed.filter(|(line, _)| *line == id) {
                    let (row, column) = shown.place(byte, reader.cursor_cell().0, layout);
                    cursor = (rows.len() + row).checked_sub(skip).map(|row| (column, row));
                }
                let room = layout.height - rows.len();
                let cells = if layout.times == Times::Off { 0 } else { TIME_CELLS };
                let place = |bytes: &Range<usize>| RowPlace { line: id, bytes: bytes.clone(), before: cells };
                places.extend(shown.rows.iter().skip(skip).take(room).map(place));
                rows.extend(shown.draw(&before, layout).skip(skip).take(room));
            } else if id >= reader.end() {
                cursor = Some((0, rows.len()));
                rows.push(Line::default());
                places.push(RowPlace { line: id, ..RowPlace::default() });
            }
            (id, skip) = (LineId(id.0 + 1), 0);
        }
        let cursor = cursor
            .filter(|(_, row)| *row < layout.height)
            .and_then(|(column, row)| Some(Position { x: u16::try_from(column).ok()?, y: u16::try_from(row).ok()? }));
        let top = cursor.and_then(|cursor| i32::try_from(reader.cursor_cell().1).ok()?.checked_sub(cursor.y.into()));
        let new = if self.follow { 0 } else { end.0.saturating_sub(self.seen.0) };
        let top = top.unwrap_or(0);
        PaneText { rows, follow: self.follow, new, cursor, top, places, rows_of_screen: false, version }
    }

    /// Moves the anchor as little as is needed for a line to be in sight as a whole.
    fn bring_into_sight(&mut self, reader: &mut Reader<'_>, layout: &LineLayout, line: LineId) {
        if line <= self.line {
            (self.line, self.row) = (line, 0);
            return;
        }
        let (mut id, mut rows) = (LineId(line.0 + 1), 0);
        while id > self.line && rows < layout.height {
            id = LineId(id.0 - 1);
            rows += rows_of(reader, layout, id);
        }
        if id > self.line || rows.saturating_sub(self.row) > layout.height {
            (self.line, self.row) = (id, rows.saturating_sub(layout.height));
        }
    }

    /// The anchor may point to a line that was dropped, or to a row that the width does not have any more.
    fn stay_inside(&mut self, reader: &mut Reader<'_>, layout: &LineLayout, first: LineId, end: LineId) {
        if self.line < first {
            (self.line, self.row) = (first, 0);
        }
        if self.line >= end {
            (self.line, self.row) = last_page(reader, layout, end);
        }
        self.row = self.row.min(rows_of(reader, layout, self.line).saturating_sub(1));
    }

    fn up(&mut self, reader: &mut Reader<'_>, layout: &LineLayout, rows: u64, first: LineId) {
        let mut left = usize::try_from(rows).unwrap_or(usize::MAX);
        while left > self.row {
            if self.line <= first {
                self.row = 0;
                return;
            }
            left -= self.row;
            self.line = LineId(self.line.0 - 1);
            self.row = rows_of(reader, layout, self.line);
        }
        self.row -= left;
    }

    fn down(&mut self, reader: &mut Reader<'_>, layout: &LineLayout, rows: u64, end: LineId) {
        let mut left = usize::try_from(rows).unwrap_or(usize::MAX);
        while self.line < end {
            let rest = rows_of(reader, layout, self.line).saturating_sub(self.row);
            if left < rest {
                self.row += left;
                return;
            }
            left -= rest;
            (self.line, self.row) = (LineId(self.line.0 + 1), 0);
        }
    }

    /// What stands before the first row of a line.
    fn time_of(&mut self, reader: &mut Reader<'_>, line: &logs::Line, layout: &LineLayout) -> String {
        if line.kind == LineKind::Marker {
            return String::new();
        }
        match layout.times {
            Times::Off => String::new(),
            Times::Clock => layout.clock.time_of_day(line.at),
            Times::SinceStart => {
                let start = match self.run_starts.get(&line.run) {
                    Some(start) => *start,
                    None => {
                        let start = start_of_run(reader, line);
                        self.run_starts.insert(line.run, start);
                        start
                    }
                };
                format!("{:>8}", format!("+{}", human(line.at.since(start))))
            }
        }
    }
}

/// When the run of a line began: the time of its first line that is kept. Runs are in order, so this is a binary search.
fn start_of_run(reader: &mut Reader<'_>, line: &logs::Line) -> Moment {
    let (mut low, mut high) = (reader.first().0, line.id.0);
    let mut start = line.at;
    while low < high {
        let middle = low + (high - low) / 2;
        match reader.line(LineId(middle)) {
            Some(candidate) if candidate.run >= line.run => (high, start) = (middle, candidate.at),
            _ => low = middle + 1,
        }
    }
    start
}

/// The anchor from which the rest of the document just fills the pane.
fn last_page(reader: &mut Reader<'_>, layout: &LineLayout, end: LineId) -> (LineId, usize) {
    let first = reader.first();
    let (mut id, mut rows) = (end, 0);
    while id > first && rows < layout.height {
        id = LineId(id.0 - 1);
        rows += rows_of(reader, layout, id);
    }
    (id, rows.saturating_sub(layout.height))
}

/// Rows from there to the end, counted no further than is needed.
fn rows_from(reader: &mut Reader<'_>, layout: &LineLayout, line: LineId, row: usize, end: LineId) -> usize {
    let (mut id, mut rows) = (line, 0_usize);
    while id < end && rows <= layout.height + row {
        rows += rows_of(reader, layout, id);
        id = LineId(id.0 + 1);
    }
    rows.saturating_sub(row)
}

/// Rows of one line.
fn rows_of(reader: &mut Reader<'_>, layout: &LineLayout, id: LineId) -> usize {
    if !layout.wrap {
        return 1;
    }
    reader.line(id).map_or(1, |line| Shown::new(&line, layout).rows.len())
}

/// A full-screen program: its rows as they are, so that its cursor is in sight.
fn full_screen(screen: &logs::ScreenRows, layout: &LineLayout) -> PaneText {
    let below = screen.cursor.map_or(0, |(_, row)| (usize::from(row) + 1).saturating_sub(layout.height));
    let shown = || screen.rows.iter().zip(0..).skip(below).take(layout.height);
    let place = |(row, index): (&StyledText, u64)| {
        let bytes = 0..row.text.trim_end().len();
        RowPlace { line: LineId(index), bytes, before: 0 }
    };
    let places = shown().map(place).collect();
    let rows = shown().map(|(row, _)| row).map(|row| Line::from(spans(row, 0..row.text.len(), layout.theme))).collect();
    let cursor = screen
        .cursor
        .and_then(|(column, row)| Some(Position { x: column, y: row.checked_sub(u16::try_from(below).ok()?)? }));
    let top = i32::try_from(below).unwrap_or(0);
    PaneText { rows, follow: true, new: 0, cursor, top, places, rows_of_screen: true, version: 0 }
}

/// A line as it is shown.
struct Shown {
    content: StyledText,
    kind: LineKind,
    /// Bytes of each row.
    rows: Vec<Range<usize>>,
    /// Something is missing at the right.
    cut: bool,
}

impl Shown {
    fn new(line: &logs::Line, layout: &LineLayout) -> Self {
        let mut content = line.content.clone();
        if line.kind == LineKind::Marker {
            content = StyledText { text: layout.glyphs.own_text(&content.text), runs: Vec::new() };
        }
        if content.text.len() > LINE_LIMIT {
            let end = (0..=LINE_LIMIT).rev().find(|end| content.text.is_char_boundary(*end)).unwrap_or(0);
            let more = (content.text.len() - end).div_ceil(1024);
            content.text.truncate(end);
            content.text.push_str(&format!(" {} {more} KiB more", layout.glyphs.ellipsis));
        }
        let cells = text_cells(layout);
        let mut cut = false;
        let one_row = |end| std::iter::once(0..end).collect();
        let rows = if layout.wrap {
            text::wrap(&content.text, cells)
        } else if text::width(&content.text) <= cells {
            one_row(content.text.len())
        } else {
            cut = true;
            one_row(text::fitting(&content.text, cells.saturating_sub(text::width(layout.glyphs.ellipsis))))
        };
        Self { content, kind: line.kind, rows, cut }
    }

    /// Row and column of the cursor, which is after that byte and in that column of the service's terminal. At the end
    /// of a full row it stays on the last cell, until something moves it.
    fn place(&self, byte: usize, column: usize, layout: &LineLayout) -> (usize, usize) {
        let row = self.rows.iter().rposition(|row| row.start <= byte).unwrap_or(0);
        let start = self.rows.get(row).map_or(0, |row| row.start);
        let before = self.content.text.get(start..byte).unwrap_or_default();
        let (last, column) = (layout.width.saturating_sub(1), column.min(layout.width.saturating_sub(1)));
        (row + usize::from(column < text::width(before).min(last)), column)
    }

    fn draw(&self, before: &str, layout: &LineLayout) -> impl Iterator<Item = Line<'static>> {
        let theme = layout.theme;
        self.rows.iter().enumerate().map(move |(index, range)| {
            let mut row = Vec::new();
            if layout.times != Times::Off {
                let time = if index == 0 { before } else { "" };
                row.push(Span::styled(text::pad(time.to_owned(), TIME_CELLS), theme.dim()));
            }
            match self.kind {
                LineKind::Marker => {
                    let text = self.content.text.get(range.clone()).unwrap_or_default();
                    row.push(Span::styled(text.to_owned(), theme.dim()));
                }
                LineKind::Output => row.extend(spans(&self.content, range.clone(), theme)),
            }
            if self.cut {
                row.push(Span::styled(layout.glyphs.ellipsis, theme.dim()));
            }
            Line::from(row)
        })
    }
}

/// Cells that are left for the text of a line.
fn text_cells(layout: &LineLayout) -> usize {
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

#[cfg(test)]
mod tests;
