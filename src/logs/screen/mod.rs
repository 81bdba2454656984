//! The terminal of a service: the primary screen, the alternate screen while it is in use, and the history that the
//! primary screen scrolls into.
//!
//! It behaves like xterm, in the subset that today's programs use; its tests compare it with `alacritty_terminal`.

mod cell;
mod control;
mod cursor;
mod edit;
mod flow;
mod grid;
mod input;
#[cfg(test)]
mod junk_tests;
#[cfg(test)]
mod oracle_tests;
mod row;
mod sgr;
mod switch;
mod view;
#[cfg(test)]
mod vttest_tests;
mod width;
#[cfg(test)]
mod xterm_tests;

use super::history::History;
use super::links::Links;
use super::ready::ReadyPattern;
use super::terminal_colors::GroupColors;
use super::{InputModes, Style};
use crate::domain::Moment;
use cell::{Cell, CellKind};
use cursor::{Cursor, Tabs};
use grid::Grid;
pub(super) use input::Input;
pub(super) use view::{Frame, Layout, View};
pub use width::columns_of;

/// The state of a terminal: both screens, the cursor, modes and colours.
#[derive(Debug)]
pub(super) struct TerminalScreen {
    /// The screen that is written to.
    grid: Grid,
    /// The primary screen while the alternate one covers it.
    covered: Option<Box<Grid>>,
    /// What DECSC saved on the alternate screen when that was left.
    alternate_saved: Cursor,
    pub(super) history: History,
    tabs: Tabs,
    /// The scrolling region: its first row, and the row after its last.
    top: usize,
    bottom: usize,
    modes: Modes,
    /// The last character printed, which REP repeats.
    last_char: Option<char>,
    /// The cursor was sent to the corner, and nothing was printed since: erasing below clears the screen.
    homed: bool,
    /// Something was printed since the screen was last cleared.
    printed: bool,
    /// The first line after the service last cleared its primary screen, in this run.
    cleared: Option<u64>,
    /// A frame is being drawn: readers see the one before it.
    frame_open: bool,
    /// What it is told of the colours that it is shown in.
    colors: GroupColors,
    /// Where its links lead.
    pub(super) links: Links,
    /// Answers to the service.
    replies: Vec<u8>,
    /// What readiness is looked for by, until it is found.
    ready: Option<ReadyPattern>,
    /// Arrival of the bytes that are being worked on.
    now: Moment,
}

/// Modes of the terminal that are its own matter.
#[derive(Clone, Copy, Debug)]
struct Modes {
    insert: bool,
    origin: bool,
    autowrap: bool,
    cursor_visible: bool,
    /// DECSCUSR: 0 is that of the terminal.
    cursor_shape: u8,
    /// Mode 40: mode 3 may be set.
    may_switch_columns: bool,
    input: InputModes,
}

impl Default for Modes {
    fn default() -> Self {
        let input = InputModes { alternate_scroll: true, ..InputModes::default() };
        Self {
            insert: false,
            origin: false,
            autowrap: true,
            cursor_visible: true,
            cursor_shape: 0,
            may_switch_columns: false,
            input,
        }
    }
}

/// Most answers that one piece of input may cause, in bytes.
const REPLIES: usize = 4096;

/// REP prints so many characters also where the screen is smaller: what the log has is not to depend on a tiny pane.
const REPEATS: usize = 256;

impl TerminalScreen {
    /// Prints a run of printable ASCII.
    fn print_ascii(&mut self, text: &str) {
        let plain = self.grid.cursor.charset() == cursor::Charset::Ascii && !self.modes.insert && self.modes.autowrap;
        if !plain {
            return text.chars().for_each(|c| self.print(c));
        }
        self.start_printing();
        self.last_char = text.chars().next_back();
        let mut rest = text;
        while !rest.is_empty() {
            if self.grid.cursor.pending_wrap {
                self.wrap();
            }
            let grid = &mut self.grid;
            let (column, columns) = (grid.cursor.column, grid.columns);
            let (part, later) = rest.split_at(rest.len().min(columns - column));
            if let Some(row) = grid.rows.get_mut(grid.cursor.row) {
                row.write_ascii(column, part, grid.cursor.style, columns, self.now);
            }
            let end = column + part.len();
            grid.cursor.column = end.min(columns - 1);
            grid.cursor.pending_wrap = end >= columns;
            rest = later;
        }
    }

    /// Prints a character.
    fn print(&mut self, c: char) {
        let Some(width) = columns_of(c) else { return };
        self.start_printing();
        self.last_char = Some(c);
        let columns = self.grid.columns;
        if width == 0 {
            let cursor = self.grid.cursor;
            let column = if cursor.pending_wrap { cursor.column } else { cursor.column.saturating_sub(1) };
            if let Some(row) = self.grid.rows.get_mut(cursor.row) {
                row.combine(column, c, columns, self.now);
            }
            return;
        }
        if self.grid.cursor.pending_wrap && self.modes.autowrap {
            self.wrap();
        }
        let cursor = self.grid.cursor;
        if self.modes.insert
            && cursor.column + width < columns
            && let Some(row) = self.grid.rows.get_mut(cursor.row)
        {
            row.insert(cursor.column, width, super::Color::Default, columns, self.now);
        }
        let c = if width == 1 { cursor.charset().map(c) } else { c };
        if width == 2 && cursor.column + 1 >= columns {
            if !self.modes.autowrap {
                self.grid.cursor.pending_wrap = true;
                return;
            }
            self.write(Cell::new(' ', cursor.style, CellKind::Filler));
            self.wrap();
        }
        let grid = &mut self.grid;
        let column = grid.cursor.column;
        let row = grid.rows.get_mut(grid.cursor.row).filter(|row| row.ends_before(column));
        if let Some(row) = row {
            row.append(column, (c.encode_utf8(&mut [0; 4]), width), cursor.style, columns, self.now);
        } else if width == 1 {
            self.write(Cell::new(c, cursor.style, CellKind::Narrow));
        } else {
            self.write(Cell::new(c, cursor.style, CellKind::Wide));
            self.grid.cursor.column += 1;
            self.write(Cell::new(' ', cursor.style, CellKind::WideEnd));
        }
        let cursor = &mut self.grid.cursor;
        cursor.column = column + width;
        if cursor.column >= columns {
            cursor.column = columns - 1;
            cursor.pending_wrap = true;
        }
    }

    /// Prints text without control characters.
    fn print_text(&mut self, mut text: &str) {
        while let Some(first) = text.chars().next() {
            let used = self.append_text(text);
            if used == 0 {
                self.print(first);
            }
            text = text.get(used.max(first.len_utf8())..).unwrap_or_default();
        }
    }

    /// REP: prints the last character again, at most as often as the screen has room for it: a few bytes are not to fill
    /// the log.
    fn repeat(&mut self, count: usize) {
        let Some(c) = self.last_char else { return };
        let text = String::from(c).repeat(count.min(REPEATS.max(self.grid.columns * self.grid.lines())));
        if c.is_ascii() { self.print_ascii(&text) } else { self.print_text(&text) }
    }

    /// Prints as much of a text as can be appended to a row at once; may be none of it. Returns its bytes.
    fn append_text(&mut self, text: &str) -> usize {
        let plain = self.grid.cursor.charset() == cursor::Charset::Ascii && !self.modes.insert && self.modes.autowrap;
        let cursor = self.grid.cursor;
        let wraps = cursor.pending_wrap;
        let ends = |row: &row::Row| row.ends_before(cursor.column);
        if !plain || !(wraps || self.grid.rows.get(cursor.row).is_some_and(ends)) {
            return 0;
        }
        let columns = self.grid.columns;
        let (used, width) = fitting(text, if wraps { columns } else { columns - cursor.column });
        let part = text.get(..used).unwrap_or_default();
        if part.is_empty() {
            return 0;
        }
        if wraps {
            self.wrap();
        }
        let grid = &mut self.grid;
        let column = grid.cursor.column;
        let Some(row) = grid.rows.get_mut(grid.cursor.row).filter(|row| row.ends_before(column)) else { return 0 };
        row.append(column, (part, width), grid.cursor.style, columns, self.now);
        grid.cursor.column = (column + width).min(columns - 1);
        grid.cursor.pending_wrap = column + width >= columns;
        self.last_char = part.chars().next_back();
        self.start_printing();
        used
    }

    /// Writes a cell at the cursor.
    fn write(&mut self, cell: Cell) {
        let grid = &mut self.grid;
        let column = grid.cursor.column;
        if let Some(row) = grid.rows.get_mut(grid.cursor.row) {
            row.write_cell(column, cell, grid.columns, self.now);
        }
    }

    fn start_printing(&mut self) {
        self.homed = false;
        self.printed = true;
    }

    /// Goes to the next row because the line is too long for this one.
    fn wrap(&mut self) {
        let grid = &mut self.grid;
        if let Some(row) = grid.rows.get_mut(grid.cursor.row) {
            row.wrapped = true;
        }
        self.linefeed();
        self.grid.cursor.column = 0;
        self.grid.cursor.pending_wrap = false;
    }

    /// LF: a row down; at the bottom of the region, everything scrolls.
    fn linefeed(&mut self) {
        self.homed = false;
        let now = self.now;
        if let Some(row) = self.grid.rows.get_mut(self.grid.cursor.row) {
            row.ended(now);
        }
        let next = self.grid.cursor.row + 1;
        if next == self.bottom {
            self.scroll_up(self.top, 1);
        } else if next < self.grid.lines() {
            self.grid.cursor.row = next;
        }
    }

    /// Rows from `origin` to the bottom of the region move up. From the top of the primary screen they move into
    /// history.
    fn scroll_up(&mut self, origin: usize, count: usize) {
        let count = count.min(self.bottom.saturating_sub(origin));
        if origin == 0 && self.covered.is_none() {
            (0..count).for_each(|row| self.archive(row));
        }
        let background = self.grid.cursor.style.background;
        self.grid.move_up(origin..self.bottom, count, background, self.now);
    }

    /// Rows from `origin` to the bottom of the region move down; those that leave are lost.
    fn scroll_down(&mut self, origin: usize, count: usize) {
        let background = self.grid.cursor.style.background;
        self.grid.move_down(origin..self.bottom, count, background, self.now);
    }

    /// Copies a row of the written screen to the end of history, as far as it is not there.
    fn archive(&mut self, index: usize) {
        let Some(row) = self.grid.rows.get(index) else { return };
        if row.is_filed() {
            return;
        }
        let block = self.history.line_to_extend(row.at);
        row.append_to(row.filed.into(), self.grid.columns, block);
        if !row.wrapped {
            self.end_line();
        }
    }

    /// Ends the line that has begun in history, and looks for readiness in it.
    fn end_line(&mut self) {
        if let Some(ready) = &mut self.ready {
            ready.search(self.history.begun_text());
        }
        self.history.end_line();
    }

    /// The style of what is printed next.
    fn style_mut(&mut self) -> &mut Style {
        &mut self.grid.cursor.style
    }
}

/// How much of a text is characters of one or two columns that fit into so many columns: bytes and columns.
fn fitting(text: &str, room: usize) -> (usize, usize) {
    let mut columns = 0;
    for (byte, c) in text.char_indices() {
        match columns_of(c) {
            Some(width @ 1..) if columns + width <= room => columns += width,
            _ => return (byte, columns),
        }
    }
    (text.len(), columns)
}
