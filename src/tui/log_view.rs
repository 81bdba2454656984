//! One service's log as a pane shows it: which lines, cut or wrapped, and where the reader stands.
//!
//! While the reader follows, the end is shown. Otherwise the first row is anchored to a line by its number, so that
//! nothing moves while output arrives and old lines are dropped.

mod jump;
mod marks;
mod shelf;

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::layout::Position;
use ratatui::text::{Line, Span};

use super::glyphs::Glyphs;
use super::text;
use super::theme::Theme;
use crate::clock::Clock;
use crate::domain::{Moment, RunId, human};
use crate::logs::{self, LevelReader, LineId, LineKind, Query, Reader, StyledText};
use shelf::Shelf;

pub(super) use jump::Jump;
pub(super) use marks::GutterMark;
pub(super) use shelf::{Found, Tally};

/// Bytes of a line that are shown; the rest is counted. A longer line would cost a whole frame to measure.
const LINE_LIMIT: usize = 16 << 10;
/// How far above the first row the beginning of a stack trace is looked for.
const TRACE_LINES: usize = 100;
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
    /// What devgroup's own lines are drawn with.
    pub(super) glyphs: &'static Glyphs,
    /// Colours.
    pub(super) theme: Theme,
    /// Dates the lines.
    pub(super) clock: Clock,
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
    /// What is beside the rows; shorter than them if there is nothing.
    pub(super) gutter: Vec<GutterMark>,
    /// How many lines the search has found.
    pub(super) tally: Option<Tally>,
    /// How many lines the filter shows, and of how many.
    pub(super) share: Option<(u64, u64)>,
    /// What is to be said about where the reader has gone.
    pub(super) notice: Option<&'static str>,
    /// The cursor of a full-screen program.
    pub(super) cursor: Option<Position>,
    /// The version of the document that this is.
    pub(super) version: u64,
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
    /// Cells that are cut off on the left of each line, unless it is wrapped.
    offset: usize,
    /// Where the next frame goes to.
    jump: Option<Jump>,
    /// Where the last jump has gone, while the reader has not moved otherwise.
    current: Option<LineId>,
    /// The last line in sight.
    bottom: LineId,
    /// Where the search that is being typed was begun.
    begun: Option<jump::Stand>,
    /// Lines before this one were cleared away; `u64::MAX` for those that there are at the next frame.
    floor: LineId,
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
            offset: 0,
            jump: None,
            current: None,
            bottom: LineId(0),
            begun: None,
            floor: LineId(0),
            run_starts: BTreeMap::new(),
        }
    }
}

impl LogView {
    /// To the end, and stay there.
    pub(super) fn follow(&mut self) {
        (self.follow, self.rows_wanted, self.pages_wanted) = (true, 0, 0);
        (self.jump, self.current) = (None, None);
    }

    /// Away with all lines that there are now; [`LogView::top`] shows them again.
    pub(super) fn clear(&mut self) {
        self.floor = LineId(u64::MAX);
        self.follow();
    }

    /// To the oldest line.
    pub(super) fn top(&mut self) {
        if self.follow {
            // The next frame says what was the end.
            self.seen = LineId(u64::MAX);
        }
        (self.follow, self.rows_wanted, self.pages_wanted) = (false, 0, 0);
        (self.line, self.row) = (LineId(0), 0);
        self.floor = LineId(0);
        (self.jump, self.current) = (None, None);
    }

    /// By so many rows; up is negative.
    pub(super) fn scroll(&mut self, rows: i64) {
        self.rows_wanted = self.rows_wanted.saturating_add(rows);
    }

    /// By so many cells, where lines are cut; left is negative.
    pub(super) fn sideways(&mut self, cells: isize) {
        self.offset = self.offset.saturating_add_signed(cells).min(LINE_LIMIT);
    }

    /// By so many pages; up is negative.
    pub(super) fn page(&mut self, pages: i64) {
        self.pages_wanted = self.pages_wanted.saturating_add(pages);
    }

    /// Carries out what was asked for, and takes the rows that are to be seen. The document is locked meanwhile.
    pub(super) fn take(&mut self, reader: &mut Reader<'_>, found: &Found<'_>, layout: &LineLayout) -> PaneText {
        let version = reader.version();
        if let Some(screen) = reader.screen() {
            self.jump = None;
            return PaneText { version, ..full_screen(&screen, layout) };
        }
        if self.floor.0 == u64::MAX {
            self.floor = reader.end();
        }
        let mut shelf = Shelf::new(reader, found.filter.as_ref(), self.floor);
        let end = shelf.end();
        // Until a filter has read everything, the line that the reader is at may only seem to be hidden.
        let anchor = (!shelf.is_complete() && !self.follow).then_some((self.line, self.row));
        let moved = self.move_to_wanted(&mut shelf, layout);
        let notice = self.carry_out(&mut shelf, found, layout);
        let query = found.search.as_ref().map(|(query, _)| *query);
        let mut gutter = Vec::with_capacity(layout.height);
        let mut rows = Vec::with_capacity(layout.height);
        let mut levels = LevelReader::default();
        let mut read_to = None;
        let (mut id, mut skip) = (self.line, self.row);
        while id < end && rows.len() < layout.height {
            if read_to != Some(id) {
                // The first line, or one below lines that a filter hides.
                levels = levels_above(shelf.reader, id);
            }
            read_to = Some(LineId(id.0 + 1));
            if let Some(line) = shelf.line(id) {
                let before = self.time_of(shelf.reader, &line, layout);
                let level = if line.kind == LineKind::Output { levels.read(&line.content.text) } else { None };
                let shown = Shown::new(&line, query, self.offset, layout);
                let room = layout.height - rows.len();
                rows.extend(shown.draw(&before, layout).skip(skip).take(room));
                let mark = GutterMark { level, hit: shown.hit, current: self.current == Some(id) };
                // Beside the first row of the line, if that is in sight.
                if skip == 0 {
                    gutter.push(mark);
                }
                gutter.resize(rows.len(), GutterMark::default());
                self.bottom = id;
            }
            (id, skip) = (shelf.after(id), 0);
        }
        let new = if self.follow { 0 } else { shelf.count_from(self.seen) };
        let tally = found.search.as_ref().map(|(_, matches)| Tally {
            place: self.current.filter(|line| matches.contains(*line)).map(|line| matches.rank(line) + 1),
            count: matches.count(),
            complete: matches.is_complete(),
        });
        let share = shelf.share();
        if let Some(anchor) = anchor.filter(|_| !moved) {
            (self.line, self.row) = anchor;
        }
        PaneText { rows, gutter, follow: self.follow, new, tally, share, notice, cursor: None, version }
    }

    /// Goes as far as keys and the wheel have asked for. The answer is whether they have.
    fn move_to_wanted(&mut self, shelf: &mut Shelf<'_, '_>, layout: &LineLayout) -> bool {
        let (first, end) = (shelf.first(), shelf.end());
        // Two rows of the page before stay in sight.
        let page = i64::try_from(layout.height.saturating_sub(2).max(1)).unwrap_or(1);
        let wanted = self.rows_wanted.saturating_add(self.pages_wanted.saturating_mul(page));
        (self.rows_wanted, self.pages_wanted) = (0, 0);
        if wanted != 0 {
            self.current = None;
        }
        if self.follow && wanted < 0 {
            (self.line, self.row) = last_page(shelf, layout);
            (self.follow, self.seen) = (false, end);
        }
        if self.follow {
            (self.line, self.row) = last_page(shelf, layout);
            return wanted != 0 || self.jump.is_some();
        }
        if self.seen.0 == u64::MAX {
            self.seen = end;
        }
        self.stay_inside(shelf, layout, first, end);
        match wanted {
            ..0 => self.up(shelf, layout, wanted.unsigned_abs(), first),
            0 => {}
            1.. => {
                self.down(shelf, layout, wanted.unsigned_abs(), end);
                if rows_from(shelf, layout, self.line, self.row, end) <= layout.height {
                    self.follow = true;
                    (self.line, self.row) = last_page(shelf, layout);
                }
            }
        }
        wanted != 0 || self.jump.is_some()
    }

    /// The anchor may point to a line that was dropped or is hidden, or to a row that the width does not have any more.
    fn stay_inside(&mut self, shelf: &mut Shelf<'_, '_>, layout: &LineLayout, first: LineId, end: LineId) {
        if self.line < first {
            (self.line, self.row) = (first, 0);
        }
        let line = shelf.from(self.line);
        if line != self.line {
            (self.line, self.row) = (line, 0);
        }
        if self.line >= end {
            (self.line, self.row) = last_page(shelf, layout);
        }
        self.row = self.row.min(rows_of(shelf, layout, self.line).saturating_sub(1));
    }

    fn up(&mut self, shelf: &mut Shelf<'_, '_>, layout: &LineLayout, rows: u64, first: LineId) {
        let mut left = usize::try_from(rows).unwrap_or(usize::MAX);
        while left > self.row {
            let Some(before) = shelf.before(self.line).filter(|before| *before >= first) else {
                self.row = 0;
                return;
            };
            left -= self.row;
            self.line = before;
            self.row = rows_of(shelf, layout, self.line);
        }
        self.row -= left;
    }

    fn down(&mut self, shelf: &mut Shelf<'_, '_>, layout: &LineLayout, rows: u64, end: LineId) {
        let mut left = usize::try_from(rows).unwrap_or(usize::MAX);
        while self.line < end {
            let rest = rows_of(shelf, layout, self.line).saturating_sub(self.row);
            if left < rest {
                self.row += left;
                return;
            }
            left -= rest;
            (self.line, self.row) = (shelf.after(self.line), 0);
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
                        let (start, _) = start_of_run(reader, line);
                        self.run_starts.insert(line.run, start);
                        start
                    }
                };
                format!("{:>8}", format!("+{}", human(line.at.since(start))))
            }
        }
    }
}

/// When the run of a line began, and its first line: of those that are kept. Runs are in order, so this is a binary
/// search.
fn start_of_run(reader: &mut Reader<'_>, line: &logs::Line) -> (Moment, LineId) {
    let (mut low, mut high) = (reader.first().0, line.id.0);
    let mut start = line.at;
    while low < high {
        let middle = low + (high - low) / 2;
        match reader.line(LineId(middle)) {
            Some(candidate) if candidate.run >= line.run => (high, start) = (middle, candidate.at),
            _ => low = middle + 1,
        }
    }
    (start, LineId(high))
}

/// What the lines above say of the level of the first one: a stack trace may have begun there.
fn levels_above(reader: &mut Reader<'_>, first: LineId) -> LevelReader {
    let mut above = Vec::new();
    let mut id = first;
    let mut depends = true;
    while depends
        && above.len() < TRACE_LINES
        && let Some(before) = id.0.checked_sub(1).map(LineId)
        && let Some(line) = reader.line(before)
    {
        // The lines that end a trace, or tell the message of a panic, look like any other.
        depends = above.is_empty() || LevelReader::depends(&line.content.text);
        above.push(line.content.text);
        id = before;
    }
    let mut levels = LevelReader::default();
    for text in above.iter().rev() {
        levels.read(text);
    }
    levels
}

/// The anchor from which the rest of the document just fills the pane.
fn last_page(shelf: &mut Shelf<'_, '_>, layout: &LineLayout) -> (LineId, usize) {
    let (mut id, mut rows) = (shelf.end(), 0);
    while rows < layout.height
        && let Some(before) = shelf.before(id)
    {
        id = before;
        rows += rows_of(shelf, layout, id);
    }
    (id, rows.saturating_sub(layout.height))
}

/// Rows from there to the end, counted no further than is needed.
fn rows_from(shelf: &mut Shelf<'_, '_>, layout: &LineLayout, line: LineId, row: usize, end: LineId) -> usize {
    let (mut id, mut rows) = (line, 0_usize);
    while id < end && rows <= layout.height + row {
        rows += rows_of(shelf, layout, id);
        id = shelf.after(id);
    }
    rows.saturating_sub(row)
}

/// Rows of one line.
fn rows_of(shelf: &mut Shelf<'_, '_>, layout: &LineLayout, id: LineId) -> usize {
    if !layout.wrap {
        return 1;
    }
    shelf.line(id).map_or(1, |line| Shown::new(&line, None, 0, layout).rows.len())
}

/// A full-screen program: its rows as they are, so that its cursor is in sight.
fn full_screen(screen: &logs::ScreenRows, layout: &LineLayout) -> PaneText {
    let below = screen.cursor.map_or(0, |(_, row)| (usize::from(row) + 1).saturating_sub(layout.height));
    let rows = screen.rows.iter().skip(below).take(layout.height);
    let rows = rows.map(|row| Line::from(spans(row, 0..row.text.len(), layout.theme))).collect();
    let cursor = screen
        .cursor
        .and_then(|(column, row)| Some(Position { x: column, y: row.checked_sub(u16::try_from(below).ok()?)? }));
    PaneText { rows, follow: true, cursor, ..PaneText::default() }
}

/// A line as it is shown.
struct Shown {
    content: StyledText,
    kind: LineKind,
    /// Bytes of each row.
    rows: Vec<Range<usize>>,
    /// Something is missing at the left, at the right.
    cut: (bool, bool),
    /// It has what is searched for.
    hit: bool,
}

impl Shown {
    fn new(line: &logs::Line, query: Option<&Query>, offset: usize, layout: &LineLayout) -> Self {
        let mut content = line.content.clone();
        let mut hit = query.is_some_and(|query| query.is_match(&content.text));
        if line.kind == LineKind::Marker {
            content = StyledText { text: layout.glyphs.own_text(&content.text), runs: Vec::new() };
        }
        if content.text.len() > LINE_LIMIT {
            let end = (0..=LINE_LIMIT).rev().find(|end| content.text.is_char_boundary(*end)).unwrap_or(0);
            let more = (content.text.len() - end).div_ceil(1024);
            content.text.truncate(end);
            content.text.push_str(&format!(" {} {more} KiB more", layout.glyphs.ellipsis));
        }
        if let Some(query) = query {
            let places = query.places(&content.text);
            hit |= !places.is_empty();
            marks::reverse(&mut content, &places);
        }
        let cells = text_cells(layout);
        if layout.wrap {
            let rows = text::wrap(&content.text, cells);
            return Self { content, kind: line.kind, rows, cut: (false, false), hit };
        }
        let ellipsis = text::width(layout.glyphs.ellipsis);
        let all = text::width(&content.text);
        let left = offset > 0 && all > 0;
        let start = if left { text::fitting(&content.text, offset + ellipsis) } else { 0 };
        let rest = content.text.get(start..).unwrap_or_default();
        let room = cells.saturating_sub(if left { ellipsis } else { 0 });
        let right = text::width(rest) > room;
        let end = if right { start + text::fitting(rest, room.saturating_sub(ellipsis)) } else { content.text.len() };
        let rows = std::iter::once(start..end).collect();
        Self { content, kind: line.kind, rows, cut: (left, right), hit }
    }

    fn draw(&self, before: &str, layout: &LineLayout) -> impl Iterator<Item = Line<'static>> {
        let theme = layout.theme;
        self.rows.iter().enumerate().map(move |(index, range)| {
            let mut row = Vec::new();
            if layout.times != Times::Off {
                let time = if index == 0 { before } else { "" };
                row.push(Span::styled(text::pad(time.to_owned(), TIME_CELLS), theme.dim()));
            }
            if self.cut.0 {
                row.push(Span::styled(layout.glyphs.ellipsis, theme.dim()));
            }
            let parts = spans(&self.content, range.clone(), theme);
            match self.kind {
                LineKind::Marker => row.extend(parts.into_iter().map(|part| part.patch_style(theme.dim()))),
                LineKind::Output => row.extend(parts),
            }
            if self.cut.1 {
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
