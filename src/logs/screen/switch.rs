//! What changes the screen as a whole: clearing, the alternate screen, a new run, a new size, a marker in between.

use super::cursor::{Cursor, Tabs};
use super::grid::Grid;
use super::row::WHOLLY;
use super::{Modes, TerminalScreen};
use crate::domain::{Marker, MarkerKind, Moment, RunId, visible};
use crate::logs::Color;
use crate::logs::history::History;
use crate::logs::links::Links;
use crate::logs::ready::ReadyPattern;
use crate::logs::terminal_colors::GroupColors;

/// The smallest screen: a wide character must fit.
const SMALLEST: (usize, usize) = (2, 1);
/// The largest: more cells than any terminal has only cost memory.
const LARGEST: usize = 4096;

impl TerminalScreen {
    /// A new terminal.
    pub(in crate::logs) fn new(columns: u16, lines: u16, memory: usize) -> Self {
        let (columns, lines) = clamp(columns, lines);
        Self {
            grid: Grid::new(columns, lines, Moment::START),
            covered: None,
            alternate_saved: Cursor::default(),
            history: History::new(memory),
            tabs: Tabs::new(columns),
            top: 0,
            bottom: lines,
            modes: Modes::default(),
            last_char: None,
            homed: false,
            printed: false,
            cleared: None,
            frame_open: false,
            colors: GroupColors::default(),
            links: Links::default(),
            replies: Vec::new(),
            ready: None,
            now: Moment::START,
        }
    }

    /// The same, which tells services that ask these colours.
    pub(in crate::logs) fn in_colors(self, colors: GroupColors) -> Self {
        Self { colors, ..self }
    }

    /// What is on the screen goes to history, and the terminal is a new one.
    pub(in crate::logs) fn begin_run(&mut self, run: RunId, ready: Option<ReadyPattern>, now: Moment) {
        self.now = now;
        self.ready = None;
        self.leave_alternate();
        self.file_rows(self.grid.with_text());
        self.reset();
        self.history.set_run(run);
        self.ready = ready;
        self.printed = false;
        self.cleared = None;
    }

    /// This is looked for from now on.
    pub(in crate::logs) fn expect_ready(&mut self, ready: Option<ReadyPattern>) {
        self.ready = ready;
    }

    /// Puts a marker after everything that was printed.
    ///
    /// What is on the screen is copied to history before it and counts as filed, but stays on the screen for the
    /// service, which does not know of the marker and may move its cursor into it. Rows that it rewrites are new
    /// output, after the marker.
    pub(in crate::logs) fn mark(&mut self, text: &str, kind: MarkerKind, now: Moment) {
        self.now = now;
        let alternate = self.uncover();
        self.file_rows(self.grid.used());
        self.cover(alternate);
        self.history.push_marker(&visible(text), kind, now);
    }

    /// The run is over. A program that did not leave the alternate screen by itself was killed or has crashed on it: what
    /// it showed last goes to the log.
    pub(in crate::logs) fn end_run(&mut self, now: Moment) {
        self.now = now;
        self.look_for_ready_on_screen();
        if let Some(last) = self.uncover() {
            self.file_rows(self.grid.used());
            let primary = std::mem::replace(&mut self.grid, last);
            self.file_rows(self.grid.used());
            self.grid = primary;
            self.homed = false;
        }
    }

    /// Takes the alternate screen away for a while.
    fn uncover(&mut self) -> Option<Grid> {
        self.covered.take().map(|primary| std::mem::replace(&mut self.grid, *primary))
    }

    fn cover(&mut self, alternate: Option<Grid>) {
        if let Some(alternate) = alternate {
            self.covered = Some(Box::new(std::mem::replace(&mut self.grid, alternate)));
        }
    }

    /// Copies rows of the primary screen to the end of history, as far as they are not there.
    fn file_rows(&mut self, count: usize) {
        let cursor = self.grid.cursor;
        for index in 0..count {
            self.archive(index);
            let Some(row) = self.grid.rows.get_mut(index) else { break };
            let begun = cursor.column.max(row.content_len());
            let open = index == cursor.row && !cursor.pending_wrap && cursor.column >= row.content_len();
            row.filed = match u16::try_from(begun) {
                Ok(columns) if open => columns,
                _ => WHOLLY,
            };
        }
        self.end_line();
    }

    /// ED 2, ED 3, and ED 0 after the cursor was sent home: the service clears its screen, not its log.
    pub(super) fn clear(&mut self, erase: bool) {
        if self.covered.is_none() {
            self.file_rows(self.grid.with_text());
            if self.printed {
                let marker = Marker::Cleared;
                self.history.push_marker(&marker.line(""), marker.kind(), self.now);
                self.printed = false;
            }
            if erase {
                self.cleared = Some(self.history.end());
            }
        }
        if erase {
            let background = self.background();
            self.blank(background);
        }
    }

    pub(super) fn blank(&mut self, background: Color) {
        for row in &mut self.grid.rows {
            row.reset(background, self.grid.columns, self.now);
        }
    }

    /// RIS: all is as at first.
    pub(super) fn full_reset(&mut self) {
        self.leave_alternate();
        self.clear(true);
        self.reset();
    }

    fn reset(&mut self) {
        self.grid.cursor = Cursor::default();
        self.grid.saved = Cursor::default();
        self.alternate_saved = Cursor::default();
        self.grid.keys.clear();
        self.blank(Color::Default);
        self.tabs = Tabs::new(self.grid.columns);
        (self.top, self.bottom) = (0, self.grid.lines());
        self.modes = Modes::default();
        self.last_char = None;
        self.homed = false;
        self.frame_open = false;
    }

    /// DECSTR: most modes, and the styles, are as at first; the text stays.
    pub(super) fn soft_reset(&mut self) {
        let Modes { input, may_switch_columns, cursor_shape, .. } = self.modes;
        self.modes = Modes { may_switch_columns, cursor_shape, ..Modes::default() };
        self.modes.input.bracketed_paste = input.bracketed_paste;
        self.modes.input.mouse = input.mouse;
        self.modes.input.mouse_encoding = input.mouse_encoding;
        self.modes.input.focus_events = input.focus_events;
        (self.top, self.bottom) = (0, self.grid.lines());
        let cursor = &mut self.grid.cursor;
        *cursor =
            Cursor { row: cursor.row, column: cursor.column, pending_wrap: cursor.pending_wrap, ..Cursor::default() };
        self.grid.saved = Cursor::default();
    }

    /// Modes 47, 1047 and 1049: the alternate screen begins empty.
    pub(super) fn enter_alternate(&mut self) {
        if self.covered.is_some() {
            return;
        }
        self.homed = false;
        let mut alternate = Grid::new(self.grid.columns, self.grid.lines(), self.now);
        (alternate.cursor, alternate.saved) = (self.grid.cursor, self.alternate_saved);
        // It may have been saved when the screen was larger.
        alternate.set_lines(self.grid.lines(), self.now);
        let primary = std::mem::replace(&mut self.grid, alternate);
        self.covered = Some(Box::new(primary));
        let background = self.background();
        self.blank(background);
    }

    /// Nothing of the alternate screen is kept.
    pub(super) fn leave_alternate(&mut self) {
        self.look_for_ready_on_screen();
        if let Some(primary) = self.covered.take() {
            self.alternate_saved = std::mem::replace(&mut self.grid, *primary).saved;
            self.homed = false;
        }
    }

    /// Another size. Soft-wrapped lines are wrapped anew; what does not fit any more goes to history at the top.
    pub(in crate::logs) fn resize(&mut self, columns: u16, lines: u16, now: Moment) -> bool {
        let (columns, lines) = clamp(columns, lines);
        if (columns, lines) == (self.grid.columns, self.grid.lines()) {
            return false;
        }
        self.now = now;
        self.homed = false;
        let alternate = self.uncover();
        if columns != self.grid.columns {
            self.grid.rewrap(columns);
        }
        let needed = self.grid.used().max(self.grid.cursor.row + 1);
        let above = needed.saturating_sub(lines);
        for index in 0..above {
            self.archive(index);
        }
        self.grid.rows.drain(..above);
        self.grid.cursor.row = self.grid.cursor.row.saturating_sub(above);
        self.grid.saved.row = self.grid.saved.row.saturating_sub(above);
        self.grid.set_lines(lines, now);
        self.cover(alternate.map(|mut alternate| {
            alternate.cut(columns, lines, now);
            alternate
        }));
        self.tabs.resize(columns);
        (self.top, self.bottom) = (0, lines);
        true
    }
}

fn clamp(columns: u16, lines: u16) -> (usize, usize) {
    let (least_columns, least_lines) = SMALLEST;
    (usize::from(columns).clamp(least_columns, LARGEST), usize::from(lines).clamp(least_lines, LARGEST))
}
