//! One service's log as a pane shows it: which lines, cut or wrapped, and where the reader stands.
//!
//! While the reader follows, the end is shown. Otherwise the first row is anchored to a line by its number, so that
//! nothing moves while output arrives and old lines are dropped.

mod anchor;
mod jump;
mod marks;
mod merge;
mod merged;
mod shown;
mod visible_lines;

use std::ops::Range;

use ratatui::layout::Position;
use ratatui::text::Line;

use super::glyphs::Glyphs;
use super::selection::Point;
use super::text;
use super::theme::Theme;
use crate::clock::Clock;
use crate::domain::{Moment, PaneView, ServiceName, human};
use crate::logs::{self, LevelReader, LineId, LineKind, Matches, Reader, ScreenRows};
use shown::{Shown, full_screen, text_cells};

use anchor::Anchor;
use jump::Jumps;
pub(super) use jump::{Jump, is_inside_trace};
pub(super) use marks::GutterMark;
pub(super) use merge::{Lane, Merge};
pub(super) use merged::{Frame as MergedFrame, Label, MergedView};
pub(super) use visible_lines::{Found, MatchCount, VisibleLines};

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
    /// What is shown at the end: the log or the terminal.
    pub(super) view: PaneView,
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
    /// Lines below what is in sight that have come since the reader left the end.
    pub(super) new: u64,
    /// What is beside the rows; shorter than them if there is nothing.
    pub(super) gutter: Vec<GutterMark>,
    /// How many lines the search has found.
    pub(super) match_count: Option<MatchCount>,
    /// How many lines the filter shows, and of how many.
    pub(super) share: Option<(u64, u64)>,
    /// What is to be said about where the reader has gone.
    pub(super) notice: Option<&'static str>,
    /// There is no further match in this service: down, or up.
    pub(super) leaves: Option<bool>,
    /// The cursor of a full-screen program, or of a service that is typed into.
    pub(super) cursor: Option<Position>,
    /// The row of the service's screen that is in the first row.
    pub(super) top: i32,
    /// What of the document each row shows.
    pub(super) places: Vec<RowPlace>,
    /// In the merged view: whose the lines in sight are, by the numbers that they have there.
    pub(super) sources: Vec<(LineId, ServiceName, LineId)>,
    /// Lines of a service before that one are in sight, or above what is.
    pub(super) seen: Vec<(ServiceName, LineId)>,
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
    /// Spans of the row that these are.
    pub(super) spans_before: usize,
    /// Cells on the left and on the right of the bytes that stand for what is cut off there.
    pub(super) cut: (usize, usize),
}

impl PaneText {
    /// The text of a row, without what stands before and after it.
    pub(super) fn text_of_row(&self, row: usize) -> Option<(&RowPlace, String)> {
        let place = self.places.get(row)?;
        let spans = self.rows.get(row)?.spans.iter().skip(place.spans_before);
        let mut text: String = spans.map(|span| &*span.content).collect();
        text.truncate(text::floor(&text, place.bytes.len()));
        Some((place, text))
    }

    /// In the merged view: the service of a line in sight, and its number there.
    pub(super) fn source_of(&self, line: LineId) -> Option<(&ServiceName, LineId)> {
        self.sources.iter().find(|(number, ..)| *number == line).map(|(_, service, line)| (service, *line))
    }

    /// What of the document a cell shows: below the last row, its end.
    pub(super) fn point(&self, (column, row): (usize, usize)) -> Option<Point> {
        let last = self.places.len().checked_sub(1)?;
        let (place, text) = self.text_of_row(row.min(last))?;
        // Whoever points at what stands for the rest of a line means the rest.
        let byte = match place.cut {
            (1.., _) if row <= last && column < place.before => 0,
            (_, 1..) if row > last || column >= place.before + text::width(&text) => usize::MAX,
            _ if row > last => place.bytes.start + text.len(),
            _ => place.bytes.start + text::fitting(&text, column.saturating_sub(place.before)),
        };
        Some(Point { line: place.line, byte })
    }
}

/// Where the reader of a log stands.
#[derive(Clone, Debug)]
pub(super) struct LogView {
    follow: bool,
    /// The first row, unless the end is followed: its line, and which row of that line.
    line: LineId,
    row: usize,
    anchor: Anchor<LineId>,
    /// Lines before this one are not new.
    seen: LineId,
    /// What keys and the wheel have asked for since the last frame; up is negative.
    rows_wanted: i64,
    pages_wanted: i64,
    /// The next frame shows this line.
    revealed: Option<LineId>,
    /// Cells that are cut off on the left of each line, unless it is wrapped.
    offset: usize,
    /// Where the next frame goes to.
    jumps: Jumps,
    /// Where the last jump has gone, while the reader has not moved otherwise.
    current: Option<LineId>,
    /// The search has left this log: down, or up.
    leaves: Option<bool>,
    /// The last line in sight.
    bottom: LineId,
    /// Where the search that is being typed was begun.
    begun: Option<jump::Stand>,
    /// Lines before this one were cleared away; `u64::MAX` for those that there are at the next frame.
    floor: LineId,
}

impl Default for LogView {
    fn default() -> Self {
        Self {
            follow: true,
            line: LineId(0),
            row: 0,
            anchor: Anchor::default(),
            seen: LineId(0),
            rows_wanted: 0,
            pages_wanted: 0,
            revealed: None,
            offset: 0,
            jumps: Jumps::default(),
            current: None,
            leaves: None,
            bottom: LineId(0),
            begun: None,
            floor: LineId(0),
        }
    }
}

impl LogView {
    /// To the end, and stay there.
    pub(super) fn follow(&mut self) {
        (self.follow, self.rows_wanted, self.pages_wanted) = (true, 0, 0);
        self.forget_jump();
    }

    /// Away with all lines that there are now; [`LogView::top`] shows them again.
    pub(super) fn clear(&mut self) {
        self.floor = LineId(u64::MAX);
        self.follow();
    }

    /// The line that keys mean: the one that was gone to, or the first in sight; nothing for the end.
    pub(super) fn marked(&self) -> Option<LineId> {
        self.current.or((!self.follow).then_some(self.line))
    }

    /// Stays with what is in sight.
    pub(super) fn stop_following(&mut self) {
        if self.follow {
            self.seen = LineId(u64::MAX);
        }
        self.follow = false;
    }

    /// With the end again, and nothing else is forgotten.
    pub(super) fn follow_on(&mut self) {
        self.follow = true;
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
        self.floor = LineId(0);
        self.forget_jump();
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

    /// Lines before this one are in sight, or above what is; `end` is where the document ends.
    pub(super) fn end_of_seen(&self, end: LineId) -> LineId {
        if self.follow { end } else { LineId(self.bottom.0.saturating_add(1)).min(end) }
    }

    /// Carries out what was asked for, and takes the rows that are to be seen. The document is locked meanwhile.
    pub(super) fn take_rows(&mut self, reader: &mut Reader<'_>, found: &Found<'_>, layout: &LineLayout) -> PaneText {
        let version = reader.version();
        if let Some(terminal) = self.terminal(reader, found, layout) {
            return PaneText { version, ..full_screen(&terminal, layout) };
        }
        if self.floor.0 == u64::MAX {
            self.floor = reader.end();
        }
        let followed = self.follow;
        let typed = if layout.typed { reader.cursor() } else { None };
        let mut visible = self.visible_lines(reader, found.filter.as_ref());
        if let Some(cursor) = typed {
            visible.include(cursor);
        }
        let end = visible.end();
        if !self.follow {
            self.row = self.anchor.settle((&self.line, self.row), layout, || visible.line(self.line));
        }
        // A filter may hide the line that the reader is at: without it, it is there again.
        let anchor = (visible.is_filtered() && !self.follow).then_some((self.line, self.row));
        let moved = self.move_to_wanted(&mut visible, layout) || self.revealed.is_some();
        if let Some(line) = self.revealed.take().filter(|_| !self.follow) {
            self.bring_into_sight(&mut visible, layout, line);
        }
        let notice = self.carry_out_all(&mut visible, found, layout);
        let query = found.search.as_ref().map(|(query, _)| *query);
        let mut gutter = Vec::with_capacity(layout.height);
        let mut places = Vec::with_capacity(layout.height);
        let mut rows: Vec<Line<'static>> = Vec::with_capacity(layout.height);
        let mut cursor = None;
        let mut levels = LevelReader::default();
        let mut read_to = None;
        let (mut id, mut skip) = (self.line, self.row);
        while id < end && rows.len() < layout.height {
            if read_to != Some(id) {
                // The first line, or one below lines that a filter hides.
                levels = LevelReader::at(visible.reader, id);
            }
            read_to = Some(LineId(id.0 + 1));
            if let Some(line) = visible.line(id) {
                let before = time_of(visible.reader, &line, layout);
                let level = levels.pass(&line);
                let mut shown = Shown::new(&line, query, self.offset, layout);
                if let Some((row, column)) = visible.hold_cursor(id, &mut shown, layout) {
                    cursor = (rows.len() + row).checked_sub(skip).map(|row| (column, row));
                }
                let room = layout.height - rows.len();
                places.extend(shown.places(id, layout).skip(skip).take(room));
                rows.extend(shown.draw(&before, layout).skip(skip).take(room));
                let mark = GutterMark { level, hit: shown.hit, current: self.current == Some(id) };
                // Beside the first row of the line, if that is in sight.
                if skip == 0 {
                    gutter.push(mark);
                }
                gutter.resize(rows.len(), GutterMark::default());
                self.bottom = id;
            } else if id >= visible.reader.end() {
                cursor = Some((0, rows.len()));
                rows.push(Line::default());
                places.push(RowPlace { line: id, ..RowPlace::default() });
            }
            (id, skip) = (visible.after(id), 0);
        }
        let new =
            if self.follow { 0 } else { visible.count_from(self.seen.max(LineId(self.bottom.0.saturating_add(1)))) };
        let match_count = found.search.as_ref().map(|(_, matches)| MatchCount {
            place: self
                .current
                .filter(|line| matches.contains(*line) && visible.shows(*line))
                .map(|line| visible.rank(matches, line) + 1),
            count: visible.count(matches),
            complete: matches.is_complete() && visible.is_complete(),
        });
        let share = visible.share();
        if let Some(anchor) = anchor.filter(|_| !moved) {
            (self.line, self.row) = anchor;
        }
        if !self.follow {
            self.anchor.keep((&self.line, self.row), layout, || visible.line(self.line));
        }
        let cursor = cursor
            .filter(|(_, row)| *row < layout.height)
            .and_then(|(column, row)| Some(Position { x: u16::try_from(column).ok()?, y: u16::try_from(row).ok()? }));
        let top = cursor.and_then(|cursor| i32::try_from(reader.cursor_cell().1).ok()?.checked_sub(cursor.y.into()));
        if self.follow
            && !followed
            && let Some(terminal) = self.terminal(reader, found, layout)
        {
            // It is what stands at the end.
            return PaneText { version, ..full_screen(&terminal, layout) };
        }
        let (top, follow) = (top.unwrap_or(0), self.follow);
        let leaves = self.leaves.take();
        let of_one = PaneText { cursor, top, leaves, version, ..PaneText::default() };
        PaneText { rows, follow, new, gutter, match_count, share, notice, places, ..of_one }
    }

    /// The terminal instead of the log, if that is to be shown and nobody reads the log.
    fn terminal(&mut self, reader: &Reader<'_>, found: &Found<'_>, layout: &LineLayout) -> Option<ScreenRows> {
        let at_end = self.follow && found.search.is_none() && found.filter.is_none();
        let terminal = match layout.view {
            _ if !at_end && !layout.typed => None,
            PaneView::Screen => Some(reader.terminal()),
            PaneView::Log if !layout.typed => None,
            PaneView::Auto | PaneView::Log => reader.screen(),
        }?;
        let goes_up = self.rows_wanted < 0 || self.pages_wanted < 0;
        // Up from the terminal is the end of the log; further down is nothing.
        (self.rows_wanted, self.pages_wanted) = (-i64::from(goes_up), 0);
        let leaves = goes_up || self.jumps.len() > 0 || self.revealed.is_some();
        (layout.typed || !leaves).then_some(terminal)
    }

    /// The lines that are shown of those that no filter hides.
    pub(super) fn visible_lines<'a, 'd>(
        &self,
        reader: &'a mut Reader<'d>,
        filter: Option<&'a Matches<'a>>,
    ) -> VisibleLines<'a, 'd> {
        VisibleLines::new(reader, filter, self.floor)
    }

    /// Moves the anchor as little as is needed for a line to be in sight as a whole.
    fn bring_into_sight(&mut self, visible: &mut VisibleLines<'_, '_>, layout: &LineLayout, line: LineId) {
        if line <= self.line {
            (self.line, self.row) = (line, 0);
            return;
        }
        let (mut id, mut rows) = (line, rows_of(visible, layout, line));
        while id > self.line
            && rows < layout.height
            && let Some(before) = visible.before(id)
        {
            id = before;
            rows += rows_of(visible, layout, id);
        }
        if id > self.line || rows.saturating_sub(self.row) > layout.height {
            (self.line, self.row) = (id, rows.saturating_sub(layout.height));
        }
    }

    /// Goes as far as keys and the wheel have asked for. The answer is whether they have.
    fn move_to_wanted(&mut self, visible: &mut VisibleLines<'_, '_>, layout: &LineLayout) -> bool {
        let (first, end) = (visible.first(), visible.end());
        // Two rows of the page before stay in sight.
        let page = i64::try_from(layout.height.saturating_sub(2).max(1)).unwrap_or(1);
        let wanted = self.rows_wanted.saturating_add(self.pages_wanted.saturating_mul(page));
        (self.rows_wanted, self.pages_wanted) = (0, 0);
        if wanted != 0 {
            self.current = None;
        }
        if self.follow && wanted < 0 {
            (self.line, self.row) = last_page(visible, layout);
            (self.follow, self.seen) = (false, end);
        }
        if self.follow {
            (self.line, self.row) = end_page(visible, layout);
            return wanted != 0 || self.jumps.len() > 0;
        }
        if self.seen.0 == u64::MAX {
            self.seen = end;
        }
        self.stay_inside(visible, layout, first, end);
        match wanted {
            ..0 => self.up(visible, layout, wanted.unsigned_abs(), first),
            0 => {}
            1.. => {
                self.down(visible, layout, wanted.unsigned_abs(), end);
                if rows_from(visible, layout, self.line, self.row, end) <= layout.height {
                    self.follow = true;
                    (self.line, self.row) = end_page(visible, layout);
                }
            }
        }
        wanted != 0 || self.jumps.len() > 0
    }

    /// The anchor may point to a line that was dropped or is hidden, or to a row that the width does not have any more; or
    /// what is left below it does not fill the pane.
    fn stay_inside(&mut self, visible: &mut VisibleLines<'_, '_>, layout: &LineLayout, first: LineId, end: LineId) {
        if self.line < first {
            (self.line, self.row) = (first, 0);
        }
        let line = visible.from(self.line);
        if line != self.line {
            (self.line, self.row) = (line, 0).min(last_page(visible, layout));
        }
        self.row = self.row.min(rows_of(visible, layout, self.line).saturating_sub(1));
        if rows_from(visible, layout, self.line, self.row, end) < layout.height {
            (self.line, self.row) = last_page(visible, layout);
        }
    }

    fn up(&mut self, visible: &mut VisibleLines<'_, '_>, layout: &LineLayout, rows: u64, first: LineId) {
        let mut left = usize::try_from(rows).unwrap_or(usize::MAX);
        while left > self.row {
            let Some(before) = visible.before(self.line).filter(|before| *before >= first) else {
                self.row = 0;
                return;
            };
            left -= self.row;
            self.line = before;
            self.row = rows_of(visible, layout, self.line);
        }
        self.row -= left;
    }

    fn down(&mut self, visible: &mut VisibleLines<'_, '_>, layout: &LineLayout, rows: u64, end: LineId) {
        let mut left = usize::try_from(rows).unwrap_or(usize::MAX);
        while self.line < end {
            let rest = rows_of(visible, layout, self.line).saturating_sub(self.row);
            if left < rest {
                self.row += left;
                return;
            }
            left -= rest;
            (self.line, self.row) = (visible.after(self.line), 0);
        }
    }
}

/// What stands before the first row of a line.
fn time_of(reader: &mut Reader<'_>, line: &logs::Line, layout: &LineLayout) -> String {
    if line.kind == LineKind::Marker {
        return String::new();
    }
    match layout.times {
        Times::Off => String::new(),
        Times::Clock => layout.clock.time_of_day(line.at),
        Times::SinceStart => {
            let start = reader.start_of(line.run).unwrap_or_else(|| start_of_run(reader, line).0);
            format!("{:>8}", format!("+{}", human(line.at.since(start))))
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

/// The anchor from which the rest of the document just fills the pane.
fn last_page(visible: &mut VisibleLines<'_, '_>, layout: &LineLayout) -> (LineId, usize) {
    let (mut id, mut rows) = (visible.end(), 0);
    while rows < layout.height
        && let Some(before) = visible.before(id)
    {
        id = before;
        rows += rows_of(visible, layout, id);
    }
    (id, rows.saturating_sub(layout.height))
}

/// What is shown at the end: the last page. Whoever types sees a screen that was cleared as the service does, from its top.
fn end_page(visible: &mut VisibleLines<'_, '_>, layout: &LineLayout) -> (LineId, usize) {
    let cleared = visible.cleared().filter(|_| layout.typed).map(|line| (line, 0));
    cleared.into_iter().fold(last_page(visible, layout), Ord::max)
}

/// Rows from there to the end, counted no further than is needed.
fn rows_from(visible: &mut VisibleLines<'_, '_>, layout: &LineLayout, line: LineId, row: usize, end: LineId) -> usize {
    let (mut id, mut rows) = (line, 0_usize);
    while id < end && rows <= layout.height + row {
        rows += rows_of(visible, layout, id);
        id = visible.after(id);
    }
    rows.saturating_sub(row)
}

/// Rows of one line.
fn rows_of(visible: &mut VisibleLines<'_, '_>, layout: &LineLayout, id: LineId) -> usize {
    if !layout.wrap {
        return 1;
    }
    let Some(line) = visible.line(id) else { return 1 };
    let mut shown = Shown::new(&line, None, 0, layout);
    visible.hold_cursor(id, &mut shown, layout);
    shown.rows.len()
}

#[cfg(test)]
mod tests;
