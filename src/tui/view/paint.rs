//! The strokes that all parts of the screen are drawn with. None of them leaves its area, however small.
//!
//! Each character has the cells that xterm counts for it. What U+200D joins or U+FE0F widens is drawn apart and plain:
//! terminals do not agree about its width, and one cell shifts all behind it. The text keeps it, so a copy has it.

use std::ops::Range;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::super::glyphs::Glyphs;
use super::super::text;

/// Writes a text into one row of an area. The answer is the column after it.
pub(super) fn put_text(buffer: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let area = area.intersection(buffer.area);
    if x < area.left() || x >= area.right() || y < area.top() || y >= area.bottom() {
        return x;
    }
    let before = x.checked_sub(1).and_then(|x| buffer.cell_mut((x, y)));
    if let Some(cell) = before.filter(|cell| text::width(cell.symbol()) > 1) {
        // Its right half is written over.
        cell.set_char(' ');
    }
    let mut x = x;
    let mut last = None;
    for c in text.chars().filter(|c| !c.is_control()) {
        let width = u16::try_from(text::char_width(c)).unwrap_or(0);
        if width > area.right() - x {
            break;
        }
        if width == 0 {
            if let Some(cell) = last.and_then(|x| buffer.cell_mut((x, y))) {
                combine(cell, c);
            }
            continue;
        }
        last = Some(x);
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_char(c).set_style(style);
        }
        for hidden in x + 1..x + width {
            if let Some(cell) = buffer.cell_mut((hidden, y)) {
                cell.reset();
            }
        }
        x += width;
    }
    x
}

/// Adds a mark to the character of a cell, if every terminal leaves it as wide as it was. Others draw an emoji of two
/// cells for a heart and a selector, or join what stands in two cells, and all behind it in the row would be shifted.
fn combine(cell: &mut Cell, mark: char) {
    let shapes = matches!(mark,
        '\u{AD}' | '\u{61C}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{20E3}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}');
    if !shapes {
        let mut symbol = cell.symbol().to_owned();
        symbol.push(mark);
        if symbol.width() == cell.symbol().width() {
            cell.set_symbol(&symbol);
        }
    }
}

/// Writes styled parts into one row of an area. The answer is the column after them.
pub(super) fn put_spans(buffer: &mut Buffer, area: Rect, x: u16, y: u16, spans: &[Span<'_>]) -> u16 {
    spans.iter().fold(x, |x, span| put_text(buffer, area, x, y, &span.content, span.style))
}

/// Writes a line into a row of an area, from its left edge.
pub(super) fn put_line(buffer: &mut Buffer, area: Rect, row: u16, line: &Line<'_>) {
    put_spans(buffer, area, area.x, area.y.saturating_add(row), &line.spans);
}

/// Makes an area empty: what is behind it must not shine through. A wide character that reaches into it goes as a whole.
pub(super) fn clear(buffer: &mut Buffer, area: Rect) {
    for y in area.top()..area.bottom() {
        let before = area.left().checked_sub(1).and_then(|x| buffer.cell_mut((x, y)));
        if let Some(cell) = before.filter(|cell| text::width(cell.symbol()) > 1) {
            cell.reset();
        }
    }
    for position in area.intersection(buffer.area).positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            cell.reset();
        }
    }
}

/// Cells of all parts together.
pub(super) fn spans_width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| text::width(&span.content)).sum()
}

/// What is written into a border.
#[derive(Clone, Debug, Default)]
pub(super) struct Titles<'a> {
    /// Above, on the left; cut if there is no room.
    pub(super) left: Vec<Span<'a>>,
    /// Above, on the right.
    pub(super) right: Vec<Span<'a>>,
    /// Below, on the right.
    pub(super) below: Vec<Span<'a>>,
}

/// Draws a border with its titles. The answer is the area inside.
pub(super) fn frame(
    buffer: &mut Buffer,
    area: Rect,
    glyphs: &Glyphs,
    focused: bool,
    style: Style,
    titles: &Titles<'_>,
) -> Rect {
    if area.width < 2 || area.height < 2 {
        return Rect { width: 0, height: 0, ..area };
    }
    let border = if focused { glyphs.thick } else { glyphs.thin };
    let [top_left, top_right, bottom_right, bottom_left, horizontal, vertical] = border;
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for x in area.left()..area.right() {
        put_text(buffer, area, x, area.top(), horizontal, style);
        put_text(buffer, area, x, bottom, horizontal, style);
    }
    for y in area.top()..area.bottom() {
        put_text(buffer, area, area.left(), y, vertical, style);
        put_text(buffer, area, right, y, vertical, style);
    }
    put_text(buffer, area, area.left(), area.top(), top_left, style);
    put_text(buffer, area, right, area.top(), top_right, style);
    put_text(buffer, area, right, bottom, bottom_right, style);
    put_text(buffer, area, area.left(), bottom, bottom_left, style);
    title_row(buffer, border_row(area, area.y), glyphs, titles);
    let below = spans_width(&titles.below);
    if below > 0 && below + 4 <= usize::from(area.width) {
        let x = right.saturating_sub(u16::try_from(below + 3).unwrap_or(right));
        let inside = Rect { x: area.x + 1, width: area.width - 2, ..area };
        let x = put_text(buffer, inside, x, bottom, " ", Style::new());
        let x = put_spans(buffer, inside, x, bottom, &titles.below);
        put_text(buffer, inside, x, bottom, " ", Style::new());
    }
    Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
}

/// Draws a thin line from the top of an area to its end.
pub(super) fn upright(buffer: &mut Buffer, area: Rect, glyphs: &Glyphs, style: Style) {
    let [.., line] = glyphs.thin;
    for y in area.top()..area.bottom() {
        put_text(buffer, area, area.x, y, line, style);
    }
}

/// The row of a border between its corners.
fn border_row(area: Rect, y: u16) -> Rect {
    Rect { x: area.x.saturating_add(1), y, width: area.width.saturating_sub(2), height: 1 }
}

/// Cells that a title on the left may have, beside the one on the right. It begins in the third cell of the row.
pub(super) fn left_room(row: Rect, right: &[Span<'_>]) -> usize {
    let right = right_room(row, right);
    usize::from(row.width).saturating_sub(right.unwrap_or(1) + 3)
}

/// Cells of the title on the right and around it, if it is shown.
fn right_room(row: Rect, right: &[Span<'_>]) -> Option<usize> {
    let cells = spans_width(right) + 3;
    (cells > 3 && cells + 8 <= usize::from(row.width)).then_some(cells)
}

/// Writes titles into one row: ` left ` and ` right `, each one cell away from the end of the row. The right one goes
/// first when there is no room for both. The answer is the columns that they take.
pub(super) fn title_row(buffer: &mut Buffer, row: Rect, glyphs: &Glyphs, titles: &Titles<'_>) -> [Range<u16>; 2] {
    let mut taken = [0..0, 0..0];
    let left_room = left_room(row, &titles.right);
    if left_room > 0 && !titles.left.is_empty() {
        let x = put_text(buffer, row, row.x + 1, row.y, " ", Style::new());
        let x = put_cut(buffer, row, x, row.y, &titles.left, left_room, glyphs.ellipsis);
        taken[0] = row.x + 1..put_text(buffer, row, x, row.y, " ", Style::new());
    }
    if let Some(right_room) = right_room(row, &titles.right) {
        let from = row.right().saturating_sub(u16::try_from(right_room).unwrap_or(0));
        let x = put_text(buffer, row, from, row.y, " ", Style::new());
        let x = put_spans(buffer, row, x, row.y, &titles.right);
        taken[1] = from..put_text(buffer, row, x, row.y, " ", Style::new());
    }
    taken
}

/// Writes styled parts, cut on the right to so many cells. The answer is the column after them.
pub(super) fn put_cut(
    buffer: &mut Buffer,
    area: Rect,
    x: u16,
    y: u16,
    spans: &[Span<'_>],
    cells: usize,
    ellipsis: &str,
) -> u16 {
    if spans_width(spans) <= cells {
        return put_spans(buffer, area, x, y, spans);
    }
    let ellipsis = if text::width(ellipsis) <= cells { ellipsis } else { "" };
    let mut room = cells - text::width(ellipsis);
    let mut x = x;
    for span in spans {
        let end = text::fitting(&span.content, room);
        let part = span.content.get(..end).unwrap_or_default();
        x = put_text(buffer, area, x, y, part, span.style);
        room -= text::width(part).min(room);
        if end < span.content.len() {
            return put_text(buffer, area, x, y, ellipsis, span.style);
        }
    }
    put_text(buffer, area, x, y, ellipsis, Style::new())
}

/// A box of at most that size in the middle of an area.
pub(super) fn centered(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

#[cfg(test)]
mod tests {
    use super::super::super::terminal::{FrameWriter, HostModes};
    use super::*;

    fn cells(text: &str, width: u16) -> Vec<String> {
        let area = Rect { x: 0, y: 0, width, height: 1 };
        let mut buffer = Buffer::empty(area);
        put_text(&mut buffer, area, 0, 0, text, Style::new());
        buffer.content().iter().map(|cell| cell.symbol().to_owned()).collect()
    }

    #[test]
    fn each_character_stands_where_the_terminal_of_its_service_has_it() {
        // Woman and laptop, joined; a heart as emoji; a keycap; a flag; a tone of skin; a soft hyphen.
        assert_eq!(cells("👩\u{200d}💻x", 6), ["👩", " ", "💻", " ", "x", " "]);
        assert_eq!(cells("❤\u{fe0f}x", 3), ["❤", "x", " "]);
        assert_eq!(cells("1\u{fe0f}\u{20e3}x", 3), ["1", "x", " "]);
        assert_eq!(cells("🇩🇪x", 4), ["🇩", "🇪", "x", " "]);
        assert_eq!(cells("👍🏽x", 5), ["👍", " ", "🏽", " ", "x"]);
        assert_eq!(cells("a\u{ad}b", 2), ["a", "b"]);
        assert_eq!(cells("e\u{301}漢\u{301}x", 4), ["e\u{301}", "漢\u{301}", " ", "x"]);
        assert_eq!(cells("\u{301}ab漢", 3), ["a", "b", " "], "nothing to combine with, and no room");
    }

    #[test]
    fn half_of_a_wide_character_does_not_stay() {
        let area = Rect { x: 0, y: 0, width: 4, height: 1 };
        let mut buffer = Buffer::empty(area);
        put_text(&mut buffer, area, 0, 0, "漢漢", Style::new());
        put_text(&mut buffer, area, 1, 0, "ab", Style::new());
        assert_eq!(buffer.content().iter().map(Cell::symbol).collect::<String>(), " ab ");
    }

    #[test]
    fn nothing_is_left_of_a_flag_whose_halves_the_terminal_takes_for_two() {
        let mut frame_writer = FrameWriter::new(HostModes::default());
        let mut drawn = |line: &str| {
            let area = Rect { x: 0, y: 0, width: 11, height: 1 };
            let mut frame = Buffer::empty(area);
            put_text(&mut frame, area, 0, 0, line, Style::new());
            frame_writer.frame(frame, None).unwrap_or_default()
        };
        drawn("flag 🇩🇪 end");
        // Each half has a cell of its own, and both are written over.
        let changed = drawn("flag    end");
        assert!(changed.contains("  ") && !changed.contains("end"), "{changed:?}");
        let changed = drawn("flug    end");
        assert!(changed.contains('u') && !changed.contains("end"), "{changed:?}");
    }
}
