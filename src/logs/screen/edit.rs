//! What changes the screen without printing: movement, erasing, inserting and deleting.

use super::TerminalScreen;
use super::row::Row;
use crate::logs::Color;

impl TerminalScreen {
    /// Row and column from 0, as CUP means them: below the margin if the origin is set to it.
    pub(super) fn go_to(&mut self, row: usize, column: usize) {
        let (first, last) = if self.modes.origin { (self.top, self.bottom - 1) } else { (0, self.grid.lines() - 1) };
        let cursor = &mut self.grid.cursor;
        cursor.row = first.saturating_add(row).min(last);
        cursor.column = column.min(self.grid.columns - 1);
        cursor.pending_wrap = false;
        self.homed = cursor.row == 0 && cursor.column == 0;
    }

    /// VPA: the cursor goes to a row.
    pub(super) fn go_to_row(&mut self, row: usize) {
        self.go_to(row, self.grid.cursor.column);
        self.homed = false;
    }

    /// CHA and HPA: the cursor goes to a column.
    pub(super) fn go_to_column(&mut self, column: usize) {
        self.homed = false;
        let cursor = &mut self.grid.cursor;
        cursor.column = column.min(self.grid.columns - 1);
        cursor.pending_wrap = false;
    }

    /// CUU: not out of the scrolling region.
    pub(super) fn up(&mut self, count: usize) {
        let row = self.grid.cursor.row;
        let first = if row >= self.top { self.top } else { 0 };
        self.grid.cursor.row = row.saturating_sub(count).max(first);
        self.go_to_column(self.grid.cursor.column);
    }

    /// CUD: not out of the scrolling region.
    pub(super) fn down(&mut self, count: usize) {
        let row = self.grid.cursor.row;
        let last = if row < self.bottom { self.bottom - 1 } else { self.grid.lines() - 1 };
        self.grid.cursor.row = row.saturating_add(count).min(last);
        self.go_to_column(self.grid.cursor.column);
    }

    /// RI: a row up; at the top of the region, everything scrolls down.
    pub(super) fn reverse_linefeed(&mut self) {
        self.homed = false;
        if self.grid.cursor.row == self.top {
            self.scroll_down(self.top, 1);
        } else {
            self.grid.cursor.row = self.grid.cursor.row.saturating_sub(1);
        }
    }

    /// HT: the cursor goes to the next tab stop.
    pub(super) fn tab(&mut self) {
        self.homed = false;
        if self.grid.cursor.pending_wrap {
            // There is no stop behind the last column, and what follows is still to go to the next row.
            return;
        }
        let grid = &mut self.grid;
        let (from, to) = (grid.cursor.column, self.tabs.next(grid.cursor.column));
        grid.cursor.column = to;
        let columns = grid.columns;
        if let Some(row) = grid.rows.get_mut(grid.cursor.row) {
            row.tab(from, to, columns);
        }
    }

    /// CHT: the cursor goes on by so many tab stops.
    pub(super) fn tabs_forward(&mut self, count: usize) {
        for _ in 0..count.min(self.grid.columns) {
            self.grid.cursor.column = self.tabs.next(self.grid.cursor.column);
        }
    }

    /// CBT: the cursor goes back by so many tab stops.
    pub(super) fn tabs_backward(&mut self, count: usize) {
        for _ in 0..count.min(self.grid.columns) {
            self.grid.cursor.column = self.tabs.previous(self.grid.cursor.column);
        }
        self.grid.cursor.pending_wrap = false;
    }

    /// BS: the cursor goes one column back.
    pub(super) fn backspace(&mut self) {
        if self.grid.cursor.column > 0 {
            self.go_to_column(self.grid.cursor.column - 1);
        }
    }

    /// CR: the cursor goes to the first column.
    pub(super) fn carriage_return(&mut self) {
        self.look_for_ready_in_cursor_line();
        self.go_to_column(0);
    }

    /// ED 0 and ED 1.
    pub(super) fn erase_display(&mut self, below: bool) {
        self.look_for_ready_in_cursor_line();
        let (cursor, background, columns) = (self.grid.cursor, self.background(), self.grid.columns);
        let now = self.now;
        let erase_rows = |rows: &mut dyn Iterator<Item = &mut Row>| {
            rows.for_each(|row| erase_row(row, background, columns, now));
        };
        if below {
            self.erase_in_row(cursor.column, columns);
            erase_rows(&mut self.grid.rows.iter_mut().skip(cursor.row + 1));
        } else {
            self.erase_in_row(0, cursor.column + 1);
            erase_rows(&mut self.grid.rows.iter_mut().take(cursor.row));
        }
    }

    /// EL: erases the line behind the cursor (0), before it (1), or all of it (2).
    pub(super) fn erase_line(&mut self, what: u16) {
        self.look_for_ready_in_cursor_line();
        let (cursor, columns) = (self.grid.cursor, self.grid.columns);
        match what {
            // The character in the last column is not erased by what follows it.
            0 if cursor.pending_wrap => {}
            0 => self.erase_in_row(cursor.column, columns),
            1 => self.erase_in_row(0, cursor.column + 1),
            2 => self.erase_in_row(0, columns),
            _ => {}
        }
    }

    /// ECH: erases so many cells from the cursor on.
    pub(super) fn erase_characters(&mut self, count: usize) {
        let column = self.grid.cursor.column;
        self.erase_in_row(column, column.saturating_add(count));
    }

    fn erase_in_row(&mut self, start: usize, end: usize) {
        let background = self.background();
        let columns = self.grid.columns;
        if let Some(row) = self.grid.rows.get_mut(self.grid.cursor.row) {
            row.erase(start, end, background, columns);
        }
    }

    /// ICH: makes room for so many cells at the cursor.
    pub(super) fn insert_blanks(&mut self, count: usize) {
        let (background, cursor, columns) = (self.background(), self.grid.cursor, self.grid.columns);
        if let Some(row) = self.grid.rows.get_mut(cursor.row) {
            row.insert(cursor.column, count, background, columns, self.now);
        }
    }

    /// DCH: takes so many cells out at the cursor; the rest of the line moves up.
    pub(super) fn delete_characters(&mut self, count: usize) {
        let (background, cursor, columns) = (self.background(), self.grid.cursor, self.grid.columns);
        if let Some(row) = self.grid.rows.get_mut(cursor.row) {
            row.delete(cursor.column, count, background, columns, self.now);
        }
    }

    /// IL and DL: only inside of the scrolling region.
    pub(super) fn insert_or_delete_lines(&mut self, count: usize, insert: bool) {
        let row = self.grid.cursor.row;
        if row < self.top || row >= self.bottom {
            return;
        }
        if insert {
            self.scroll_down(row, count);
        } else {
            self.scroll_up(row, count);
        }
    }

    /// DECALN: fills the screen with `E`.
    pub(super) fn align(&mut self) {
        (self.top, self.bottom) = (0, self.grid.lines());
        self.go_to(0, 0);
        let text = "E".repeat(self.grid.columns);
        for row in &mut self.grid.rows {
            row.reset(Color::Default, self.grid.columns, self.now);
            row.write_ascii(0, &text, crate::logs::Style::default(), self.grid.columns, self.now);
        }
        self.start_printing();
    }

    pub(super) fn background(&self) -> Color {
        self.grid.cursor.style.background
    }
}

/// Erases a row without forgetting that it stands in history.
fn erase_row(row: &mut Row, background: Color, columns: usize, now: crate::domain::Moment) {
    let filed = row.filed;
    row.reset(background, columns, now);
    row.filed = filed;
}
