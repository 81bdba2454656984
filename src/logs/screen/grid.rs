//! A rectangle of rows with a cursor: the primary or the alternate screen.

use std::collections::VecDeque;
use std::ops::Range;

use super::cursor::Cursor;
use super::row::{Piece, Row, WHOLLY};
use crate::domain::Moment;
use crate::logs::Color;

/// A screen. Its cursor is always inside.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub(super) rows: VecDeque<Row>,
    pub(super) columns: usize,
    pub(super) cursor: Cursor,
    /// What DECSC saved.
    pub(super) saved: Cursor,
    /// The flags of the kitty keyboard protocol that were pushed; the last ones count.
    pub(super) keys: Vec<u8>,
}

impl Grid {
    /// An empty screen.
    pub(super) fn new(columns: usize, lines: usize, at: Moment) -> Self {
        let rows = (0..lines).map(|_| Row::new(at)).collect();
        Self { rows, columns, cursor: Cursor::default(), saved: Cursor::default(), keys: Vec::new() }
    }

    /// Number of rows.
    pub(super) fn lines(&self) -> usize {
        self.rows.len()
    }

    /// Rows that a reader is shown: down to the last with text, and to the cursor if its line is begun.
    pub(super) fn used(&self) -> usize {
        let begun = self.cursor.row + usize::from(self.cursor.column > 0 || self.cursor.pending_wrap);
        self.with_text().max(begun)
    }

    /// Rows down to the last with text.
    pub(super) fn with_text(&self) -> usize {
        self.rows.iter().rposition(|row| !row.is_blank()).map_or(0, |last| last + 1)
    }

    /// Moves the rows of a region up by some. Those that leave come back below, empty. One by one, a screen of many rows
    /// would be moved as often as it has rows.
    pub(super) fn move_up(&mut self, region: Range<usize>, count: usize, background: Color, at: Moment) {
        match count.min(region.len()) {
            0 => {}
            1 => self.recycle(region.start, region.end - 1, background, at),
            count => {
                if let Some(rows) = self.rows.make_contiguous().get_mut(region.clone()) {
                    rows.rotate_left(count);
                }
                self.empty(region.end - count..region.end, background, at);
            }
        }
    }

    /// The same downwards.
    pub(super) fn move_down(&mut self, region: Range<usize>, count: usize, background: Color, at: Moment) {
        match count.min(region.len()) {
            0 => {}
            1 => self.recycle(region.end - 1, region.start, background, at),
            count => {
                if let Some(rows) = self.rows.make_contiguous().get_mut(region.clone()) {
                    rows.rotate_right(count);
                }
                self.empty(region.start..region.start + count, background, at);
            }
        }
    }

    fn empty(&mut self, region: Range<usize>, background: Color, at: Moment) {
        for row in self.rows.iter_mut().take(region.end).skip(region.start) {
            row.reset(background, self.columns, at);
        }
    }

    /// Takes a row out at `from` and puts it back, empty, at `to`; those between move.
    fn recycle(&mut self, from: usize, to: usize, background: Color, at: Moment) {
        if from == 0 && to + 1 == self.rows.len() {
            // Most of all: a row is many words, and turning the ring moves none of them.
            self.rows.rotate_left(1);
            if let Some(row) = self.rows.back_mut() {
                row.reset(background, self.columns, at);
            }
            return;
        }
        let row = if from == 0 { self.rows.pop_front() } else { self.rows.remove(from) };
        if let Some(mut row) = row {
            row.reset(background, self.columns, at);
            if to == self.rows.len() {
                self.rows.push_back(row);
            } else {
                self.rows.insert(to, row);
            }
        }
    }

    /// Cut or padded to another size, as the alternate screen is: its program draws it anew.
    pub(super) fn cut(&mut self, columns: usize, lines: usize, at: Moment) {
        if columns != self.columns {
            self.rows.iter_mut().for_each(|row| row.set_width(columns));
            self.columns = columns;
        }
        // Rows go at the top as far as needed to keep the cursor's row.
        let above = (self.cursor.row + 1).saturating_sub(lines);
        self.rows.drain(..above);
        self.cursor.row -= above;
        self.set_lines(lines, at);
    }

    /// Another width: soft-wrapped lines are wrapped anew. There may be more or fewer rows than before; rows below the
    /// used ones are gone.
    pub(super) fn rewrap(&mut self, columns: usize) {
        let used = self.used().max(self.cursor.row + 1);
        let old = std::mem::replace(&mut self.columns, columns);
        let rows: Vec<Row> = self.rows.drain(..).take(used).collect();
        let mut line = LongLine::default();
        for (index, row) in rows.iter().enumerate() {
            line.add(row, old, (index == self.cursor.row).then_some(&self.cursor));
            if row.wrapped && index + 1 < rows.len() {
                continue;
            }
            let top = self.rows.len();
            let (wrapped, cursor) = std::mem::take(&mut line).wrap(columns);
            self.rows.extend(wrapped);
            if let Some((row, column, pending_wrap)) = cursor {
                self.cursor = Cursor { row: top + row, column, pending_wrap, ..self.cursor };
            }
        }
    }

    /// Another height, by rows at the bottom.
    pub(super) fn set_lines(&mut self, lines: usize, at: Moment) {
        self.rows.resize_with(lines, || Row::new(at));
        for cursor in [&mut self.cursor, &mut self.saved] {
            cursor.row = cursor.row.min(lines - 1);
            if cursor.column >= self.columns {
                cursor.column = self.columns - 1;
                cursor.pending_wrap = false;
            }
        }
    }
}

/// The rows of a line, joined to be wrapped at another width.
#[derive(Default)]
struct LongLine {
    pieces: Vec<Piece>,
    /// Rows from here on are new output; those before stand in history.
    filed: usize,
    /// … and nothing can be added to those without making them new output.
    whole: bool,
    at: Option<Moment>,
    /// Offset of the cursor.
    cursor: Option<usize>,
}

impl LongLine {
    fn add(&mut self, row: &Row, columns: usize, cursor: Option<&Cursor>) {
        let start = self.pieces.len();
        let at = self.at.get_or_insert(row.at);
        *at = (*at).min(row.at);
        self.pieces.extend(row.pieces(columns));
        if self.filed == start && row.filed > 0 {
            self.whole = row.filed == WHOLLY;
            self.filed = if self.whole { self.pieces.len() } else { start + usize::from(row.filed) };
        } else {
            self.whole = false;
        }
        if let Some(cursor) = cursor {
            let offset = start + cursor.column + usize::from(cursor.pending_wrap);
            // Columns between the text and the cursor count as written, as in other terminals.
            while self.pieces.len() < offset {
                self.pieces.push(Piece::blank());
            }
            self.cursor = Some(offset);
        }
    }

    /// The rows, and where among them the cursor is: row, column, and whether the next character wraps.
    fn wrap(self, columns: usize) -> (Vec<Row>, Option<(usize, usize, bool)>) {
        let at = self.at.unwrap_or_default();
        let mut rows = Vec::new();
        let mut cursor = None;
        let mut start = 0;
        loop {
            let rest = self.pieces.get(start..).unwrap_or_default();
            let mut length = rest.len().min(columns);
            let splits_wide = length == columns && rest.get(columns - 1).is_some_and(Piece::is_wide_start);
            length -= usize::from(splits_wide);
            let end = start + length;
            let mut row = Row::from_pieces(rest.get(..length).unwrap_or_default(), columns, at);
            let last = end >= self.pieces.len();
            if splits_wide {
                row.fill_last(columns);
            }
            row.wrapped = !last;
            row.file_to(self.filed.saturating_sub(start), length, last && !self.whole);
            if let Some(offset) = self.cursor
                && offset >= start
                && (offset < end || last)
            {
                let column = offset - start;
                cursor = Some((rows.len(), column.min(columns - 1), column >= columns));
            }
            rows.push(row);
            start = end;
            if last {
                return (rows, cursor);
            }
        }
    }
}
