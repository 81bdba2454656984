//! One row of the screen: plain while it was written from left to right, cells as soon as it is more.
//!
//! Most rows of most services stay plain from their first byte until they scroll into history, and are copied there as
//! text. This is the fast path of the document; it does not depend on how the output was cut into pieces.

mod ink;
mod pieces;

use super::cell::{Cell, CellKind, Glyph};
use super::width::columns_of;
use crate::domain::Moment;
use crate::logs::style::TextSink;
use crate::logs::{Attributes, Color, Style};
use ink::{Ink, Marks};
pub(super) use pieces::Piece;

/// A row. Its width is the grid's; methods that can reach the last column are told it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    ink: Ink,
    /// The line goes on in the next row: it was too long, no line end was printed.
    pub(super) wrapped: bool,
    /// So many columns stand in history already, because a marker was put after them. Writing into them makes the row
    /// new output.
    pub(super) filed: u16,
    /// When its first character arrived.
    pub(super) at: Moment,
}

/// `filed` of a row that is in history as a whole.
pub(super) const WHOLLY: u16 = u16::MAX;

/// The spaces of a tab.
const TAB: Style = blank(Attributes::TAB);
const TAB_REST: Style = blank(Attributes::TAB_REST);
/// Spaces of a plain row over which the cursor has jumped.
const PAD: Style = blank(Attributes::PAD);

const fn blank(attributes: Attributes) -> Style {
    let color = Color::Default;
    Style { foreground: color, background: color, underline: color, attributes, link: None }
}

/// Combining marks that one character may gather.
const CLUSTER_CAP: usize = 64;

impl Row {
    /// An empty row.
    pub(super) fn new(at: Moment) -> Self {
        Self { ink: Ink::default(), wrapped: false, filed: 0, at }
    }

    /// Empty again, in this background; keeps its buffers.
    pub(super) fn reset(&mut self, background: Color, columns: usize, at: Moment) {
        if self.ink.is_there() {
            self.clear_plain();
            self.ink.cells.clear();
            self.ink.clusters.clear();
        }
        self.wrapped = false;
        self.filed = 0;
        self.at = at;
        if background != Color::Default {
            self.ink.cells.resize(columns, Cell::erased(background));
        }
    }

    /// Prepares columns from `column` on for new output.
    fn touch(&mut self, column: usize, at: Moment) {
        if self.at != at && self.is_empty() {
            self.at = at;
        }
        if column < usize::from(self.filed) {
            self.filed = 0;
            self.at = at;
        }
    }

    /// A line end was printed in it: an empty line arrives by that.
    pub(super) fn ended(&mut self, at: Moment) {
        if self.is_empty() && self.filed == 0 {
            self.at = at;
        }
    }

    /// Nothing was printed on it, or what was is erased.
    fn is_empty(&self) -> bool {
        self.ink.cells.iter().all(|cell| cell.is_empty())
            && self.ink.spans.iter().all(|(_, style)| *style == PAD)
            && self.ink.tabs.is_empty()
    }

    /// Writes printable ASCII that fits into the row.
    pub(super) fn write_ascii(&mut self, column: usize, ascii: &str, style: Style, columns: usize, at: Moment) {
        self.touch(column, at);
        let end = column + ascii.len();
        if end >= columns {
            self.wrapped = false;
        }
        if self.ink.cells.is_empty() && end >= self.ink.written && self.truncate_plain(column) {
            self.push_plain(column, ascii, end, style);
            return;
        }
        self.cut_at(column, end, columns);
        for (cell, byte) in self.cells_mut(columns).iter_mut().skip(column).zip(ascii.bytes()) {
            *cell = Cell::new(char::from(byte), style, CellKind::Narrow);
        }
    }

    /// It is plain, and nothing stands at a column or behind it: text can be appended there.
    pub(super) fn ends_before(&self, column: usize) -> bool {
        self.ink.cells.is_empty() && column >= self.ink.written
    }

    /// Writes characters of one or two columns each, `width` together, where the row ends before. They fit.
    pub(super) fn append(
        &mut self,
        column: usize,
        (text, width): (&str, usize),
        style: Style,
        columns: usize,
        at: Moment,
    ) {
        self.touch(column, at);
        let end = column + width;
        if end >= columns {
            self.wrapped = false;
        }
        self.push_plain(column, text, end, style);
    }

    fn push_plain(&mut self, column: usize, text: &str, end: usize, style: Style) {
        self.pad_plain(column);
        self.ink.text.push_str(text);
        self.ink.written = end;
        self.extend_spans(style);
        self.ink.tabs.retain(|(from, _)| *from >= end);
    }

    /// A tab has moved the cursor. It is kept for whoever copies the text, if it jumped over nothing, and until one of its
    /// columns is written or erased.
    pub(super) fn tab(&mut self, from: usize, to: usize, columns: usize) {
        if !self.ends_before(from) {
            // Columns between the text may have been jumped over before, too.
            self.cells_mut(columns);
            return self.note_tab(from, to);
        }
        let place = self.ink.tabs.partition_point(|(_, end)| *end <= from);
        if from < to && self.ink.tabs.get(place).is_none_or(|(start, _)| *start >= to) {
            self.ink.tabs.insert(place, (from, to));
        }
    }

    fn note_tab(&mut self, from: usize, to: usize) {
        if let Some(jumped) = self.ink.cells.get_mut(from..to)
            && jumped.iter().all(|cell| cell.is_empty())
        {
            for (index, cell) in jumped.iter_mut().enumerate() {
                *cell = Cell::new(' ', if index == 0 { TAB } else { TAB_REST }, CellKind::Narrow);
            }
        }
    }

    /// Writes one cell; the caller cares for the other half of a wide one.
    pub(super) fn write_cell(&mut self, column: usize, cell: Cell, columns: usize, at: Moment) {
        self.touch(column, at);
        if column + 1 >= columns {
            self.wrapped = false;
        }
        self.cut_at(column, column + 1, columns);
        if let Some(place) = self.cells_mut(columns).get_mut(column) {
            *place = cell;
        }
    }

    /// Adds a combining mark to the character at a column.
    pub(super) fn combine(&mut self, column: usize, mark: char, columns: usize, at: Moment) {
        self.touch(column, at);
        let cells = self.cells_mut(columns);
        let column = match cells.get_mut(column) {
            Some(cell) if cell.kind == CellKind::WideEnd => column.saturating_sub(1),
            Some(cell) if cell.kind == CellKind::Filler => {
                *cell = cell.blanked();
                column
            }
            _ => column,
        };
        cut_tab(cells, column);
        cut_tab(cells, column + 1);
        if let Some(tab) = cells.get_mut(column).filter(|cell| cell.style == TAB) {
            *tab = Cell::erased(Color::Default);
        }
        let Some(glyph) = cells.get(column).map(|cell| cell.glyph()) else { return };
        let mut cluster = String::new();
        self.push_glyph(glyph, &mut cluster);
        if cluster.len() + mark.len_utf8() > CLUSTER_CAP {
            return;
        }
        cluster.push(mark);
        if self.ink.clusters.len() >= 2 * columns.max(CLUSTER_CAP) {
            self.drop_unused_clusters();
        }
        self.ink.clusters.push(cluster.into_boxed_str());
        let index = self.ink.clusters.len() - 1;
        if let Some(cell) = self.ink.cells.get_mut(column) {
            cell.set_cluster(index);
        }
    }

    /// Clusters whose cells were overwritten pile up when a program rewrites one row for ever.
    fn drop_unused_clusters(&mut self) {
        let Marks { cells, clusters, .. } = &mut *self.ink;
        let old = std::mem::take(clusters);
        for cell in cells {
            if let Glyph::Cluster(index) = cell.glyph()
                && let Some(cluster) = old.get(index)
            {
                clusters.push(cluster.clone());
                cell.set_cluster(clusters.len() - 1);
            }
        }
    }

    /// Erases the columns from `start` up to `end`.
    pub(super) fn erase(&mut self, start: usize, end: usize, background: Color, columns: usize) {
        let end = end.min(columns);
        if start >= end {
            return;
        }
        if end >= columns {
            self.wrapped = false;
        }
        if !self.ink.is_there() && background == Color::Default {
            return;
        }
        self.ink.tabs.retain(|(from, to)| *to <= start || *from >= end);
        if background == Color::Default && self.ink.cells.is_empty() {
            if end >= self.ink.written && self.truncate_plain(start) {
                return;
            }
        } else if background == Color::Default && start == 0 && end >= columns {
            self.ink.cells.clear();
            self.ink.clusters.clear();
            return;
        }
        self.cut_at(start, end, columns);
        for cell in self.cells_mut(columns).iter_mut().take(end).skip(start) {
            *cell = Cell::erased(background);
        }
    }

    /// Makes room for `count` cells at a column; what leaves at the right is lost.
    pub(super) fn insert(&mut self, column: usize, count: usize, background: Color, columns: usize, at: Moment) {
        let count = count.min(columns.saturating_sub(column));
        self.shift_prepare(column, columns, at);
        self.cut_at(columns.saturating_sub(count), columns, columns);
        if let Some(tail) = self.ink.cells.get_mut(column..) {
            tail.rotate_right(count);
            tail.iter_mut().take(count).for_each(|cell| *cell = Cell::erased(background));
        }
    }

    /// Takes `count` cells out at a column; the rest moves left.
    pub(super) fn delete(&mut self, column: usize, count: usize, background: Color, columns: usize, at: Moment) {
        let count = count.min(columns.saturating_sub(column));
        self.shift_prepare(column, columns, at);
        self.cut_at(column, column + count, columns);
        if let Some(tail) = self.ink.cells.get_mut(column..) {
            tail.rotate_left(count);
            tail.iter_mut().rev().take(count).for_each(|cell| *cell = Cell::erased(background));
        }
    }

    fn shift_prepare(&mut self, column: usize, columns: usize, at: Moment) {
        self.touch(column, at);
        self.wrapped = false;
        self.cut_at(column, column, columns);
        if let Some(last) = self.cells_mut(columns).last_mut()
            && last.kind == CellKind::Filler
        {
            *last = last.blanked();
        }
    }

    /// Blanks the outer parts of what a change of `start..end` cuts in two: wide characters and tabs.
    fn cut_at(&mut self, start: usize, end: usize, columns: usize) {
        let cells = self.cells_mut(columns);
        cut_tab(cells, start);
        cut_tab(cells, end);
        if start > 0
            && cells.get(start).is_some_and(|cell| cell.kind == CellKind::WideEnd)
            && let Some(left) = cells.get_mut(start - 1)
        {
            *left = left.blanked();
        }
        if let Some(right) = cells.get_mut(end)
            && right.kind == CellKind::WideEnd
        {
            *right = right.blanked();
        }
    }

    fn clear_plain(&mut self) {
        self.ink.text.clear();
        self.ink.written = 0;
        self.ink.spans.clear();
        self.ink.tabs.clear();
    }

    /// Takes away what stands from a column on. Refuses to cut a wide character in two; a tab that is cut is none.
    fn truncate_plain(&mut self, column: usize) -> bool {
        if column >= self.ink.written {
            return true;
        }
        let (length, start) = self.byte_from(column);
        if start != column {
            return false;
        }
        // A tab has one byte for each column.
        let cut = self.tab_before(length);
        let length = length - cut;
        self.ink.text.truncate(length);
        self.ink.written = column - cut;
        while let [.., before, _] = self.ink.spans.as_slice()
            && before.0 as usize >= length
        {
            self.ink.spans.pop();
        }
        match self.ink.spans.last_mut() {
            Some(last) if length > 0 => last.0 = offset(length),
            _ => self.ink.spans.clear(),
        }
        self.push_blanks(column, PAD);
        true
    }

    /// Columns of the tab that goes on over this byte of a plain row, as far as they are before it. Where a row was
    /// wrapped anew, it may begin in the row above.
    fn tab_before(&self, byte: usize) -> usize {
        let place = self.ink.spans.partition_point(|(end, _)| *end as usize <= byte);
        if self.ink.spans.get(place).is_none_or(|(_, style)| !style.attributes.contains(Attributes::TAB_REST)) {
            return 0;
        }
        let before = place.checked_sub(1).and_then(|before| self.ink.spans.get(before));
        let (rest, style) = before.map_or((0, TAB_REST), |(end, style)| (*end as usize, *style));
        byte - rest + usize::from(style == TAB)
    }

    /// The first character of a plain row that begins at a column or after it: its byte, and its column.
    fn byte_from(&self, column: usize) -> (usize, usize) {
        if column >= self.ink.written {
            return (self.ink.text.len(), self.ink.written);
        }
        if self.ink.text.len() == self.ink.written {
            return (column, column);
        }
        let mut at = 0;
        for (byte, c) in self.ink.text.char_indices() {
            if at >= column {
                return (byte, at);
            }
            at += columns_of(c).unwrap_or(1);
        }
        (self.ink.text.len(), self.ink.written)
    }

    fn pad_plain(&mut self, column: usize) {
        if column <= self.ink.written {
            return;
        }
        let mut tabs = std::mem::take(&mut self.ink.tabs);
        let behind = tabs.split_off(tabs.partition_point(|(from, _)| *from < column));
        for (from, to) in tabs.into_iter().filter(|(_, to)| *to <= column) {
            self.push_blanks(from, PAD);
            self.push_blanks(from + 1, TAB);
            self.push_blanks(to, TAB_REST);
        }
        self.push_blanks(column, PAD);
        self.ink.tabs = behind;
    }

    /// Spaces up to a column.
    fn push_blanks(&mut self, column: usize, style: Style) {
        if column > self.ink.written {
            let count = column - self.ink.written;
            self.ink.text.extend(std::iter::repeat_n(' ', count));
            self.ink.written = column;
            self.extend_spans(style);
        }
    }

    fn extend_spans(&mut self, style: Style) {
        let end = offset(self.ink.text.len());
        match self.ink.spans.last_mut() {
            Some(last) if last.1 == style => last.0 = end,
            _ => self.ink.spans.push((end, style)),
        }
    }

    fn cells_mut(&mut self, columns: usize) -> &mut Vec<Cell> {
        if self.ink.cells.is_empty() {
            let Marks { text, spans, cells, .. } = &mut *self.ink;
            cells.reserve(columns);
            let mut byte = 0;
            for (end, style) in spans {
                let end = *end as usize;
                for c in text.get(byte..end).unwrap_or_default().chars() {
                    if *style == PAD {
                        cells.push(Cell::erased(Color::Default));
                    } else if columns_of(c) == Some(2) {
                        cells.push(Cell::new(c, *style, CellKind::Wide));
                        cells.push(Cell::new(' ', *style, CellKind::WideEnd));
                    } else {
                        cells.push(Cell::new(c, *style, CellKind::Narrow));
                    }
                }
                byte = end;
            }
            cells.resize(columns, Cell::erased(Color::Default));
            for (from, to) in std::mem::take(&mut self.ink.tabs) {
                self.note_tab(from, to);
            }
            self.clear_plain();
        }
        &mut self.ink.cells
    }

    fn push_glyph(&self, glyph: Glyph, out: &mut String) {
        match glyph {
            Glyph::Char(c) => out.push(c),
            Glyph::Cluster(index) => out.push_str(self.ink.clusters.get(index).map_or(" ", |cluster| cluster)),
        }
    }

    /// Columns up to the last one that was printed to, and not erased: blanks count, as they are part of the text.
    pub(super) fn content_len(&self) -> usize {
        if !self.ink.cells.is_empty() {
            return self.ink.cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        }
        let pad = match self.ink.spans.as_slice() {
            [.., (before, _), (end, PAD)] => end - before,
            [(end, PAD)] => *end,
            _ => 0,
        };
        // They have one byte each.
        let printed = self.ink.written - pad as usize;
        self.ink.tabs.last().map_or(printed, |(_, to)| printed.max(*to))
    }

    /// Columns of a plain row up to the last one that shows something.
    fn seen_len(&self) -> usize {
        let mut length = self.ink.text.len();
        if !self.ink.text.ends_with(' ') {
            return self.ink.written;
        }
        for (index, (end, style)) in self.ink.spans.iter().enumerate().rev() {
            if *end as usize != length || !style.shows_nothing() {
                break;
            }
            let start = index.checked_sub(1).and_then(|before| self.ink.spans.get(before)).map_or(0, |s| s.0 as usize);
            length = start + self.ink.text.get(start..length).map_or(0, |part| part.trim_end_matches(' ').len());
            if length > start {
                break;
            }
        }
        // What was cut off are spaces of one byte and one column each.
        self.ink.written.saturating_sub(self.ink.text.len() - length)
    }

    /// It is empty, and nothing of it stands in history.
    pub(super) fn is_fresh(&self) -> bool {
        self.is_empty() && !self.wrapped && self.filed == 0
    }

    /// Nothing is to be seen on it.
    pub(super) fn is_blank(&self) -> bool {
        if self.ink.cells.is_empty() { self.seen_len() == 0 } else { self.ink.cells.iter().all(|cell| cell.is_blank()) }
    }

    /// Nothing was written after what stands in history.
    pub(super) fn is_filed(&self) -> bool {
        self.filed == WHOLLY || (self.filed > 0 && !self.wrapped && self.content_len() <= usize::from(self.filed))
    }

    /// Adds the text of the columns from `start` on: all of them if the line goes on in the next row, else those that
    /// were printed to.
    pub(super) fn append_to(&self, start: usize, columns: usize, sink: &mut impl TextSink) {
        let end = if self.wrapped { columns } else { self.content_len() };
        self.append_part(start, end, sink);
    }

    /// Adds the text of some columns.
    pub(super) fn append_part(&self, start: usize, end: usize, sink: &mut impl TextSink) {
        if !self.ink.cells.is_empty() {
            return self.append_cells(start, end, sink);
        }
        let (byte, stop) = (self.byte_from(start).0, self.byte_from(end).0);
        let text = self.ink.text.get(byte..stop).unwrap_or_default();
        // Spans before the part end at 0, those after it where it ends: nothing of them is pushed.
        let looks = |style| if style == PAD { Style::default() } else { style };
        let spans =
            self.ink.spans.iter().map(|(end, style)| ((*end as usize).min(stop).saturating_sub(byte), looks(*style)));
        sink.push_spans(text, spans);
        let mut column = self.ink.written.max(start);
        let mut push_to = |to: usize, style| {
            if to.min(end) > column {
                sink.push(&" ".repeat(to.min(end) - column), style);
                column = to.min(end);
            }
        };
        for (from, to) in &self.ink.tabs {
            push_to(*from, Style::default());
            push_to(*from + 1, TAB);
            push_to(*to, TAB_REST);
        }
        push_to(end, Style::default());
    }

    fn append_cells(&self, start: usize, end: usize, sink: &mut impl TextSink) {
        let mut text = String::with_capacity(end.saturating_sub(start));
        let mut style = Style::default();
        for cell in self.ink.cells.iter().take(end).skip(start) {
            if matches!(cell.kind, CellKind::WideEnd | CellKind::Filler) {
                continue;
            }
            if cell.style != style {
                sink.push(&text, style);
                text.clear();
                style = cell.style;
            }
            self.push_glyph(cell.glyph(), &mut text);
        }
        sink.push(&text, style);
    }
}

/// Nothing is left of a tab that goes on over this column.
fn cut_tab(cells: &mut [Cell], column: usize) {
    let goes_on = |cell: &Cell| cell.style.attributes.contains(Attributes::TAB_REST);
    if !cells.get(column).is_some_and(goes_on) {
        return;
    }
    let (before, behind) = cells.split_at_mut(column);
    let begins = before.iter().rposition(|cell| !goes_on(cell));
    let is_tab = |index: &usize| before.get(*index).is_some_and(|cell| cell.style == TAB);
    let first = begins.map_or(0, |index| if is_tab(&index) { index } else { index + 1 });
    let rest = behind.iter_mut().take_while(|cell| goes_on(cell));
    before.iter_mut().skip(first).chain(rest).for_each(|cell| *cell = Cell::erased(Color::Default));
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
