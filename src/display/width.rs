//! How many cells text takes, and what of it fits.

use crate::domain::visible;
use crate::logs::columns_of;

/// Cells of a text: those of its characters, as the terminals of the services count. What some terminals draw as one,
/// like a family of emoji, others do not.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char_width).sum() }
}

/// Cells of a character: none for one that combines with another, or that a terminal obeys.
pub fn char_width(c: char) -> usize {
    columns_of(c).unwrap_or(0)
}

/// The longest beginning that fits, with the ellipsis if something is missing: for messages.
pub fn cut_right(text: &str, cells: usize, ellipsis: &str) -> String {
    let text = &*visible(text);
    if width(text) <= cells {
        return text.to_owned();
    }
    let ellipsis = if width(ellipsis) < cells { ellipsis } else { "" };
    let end = fitting(text, cells - width(ellipsis));
    format!("{}{ellipsis}", text.get(..end).unwrap_or_default())
}

/// How many bytes from the start fit into so many cells. Characters without a width stay with the one before.
pub fn fitting(text: &str, cells: usize) -> usize {
    if text.is_ascii() {
        return text.len().min(cells);
    }
    let mut room = cells;
    for (at, c) in text.char_indices() {
        match room.checked_sub(char_width(c)) {
            Some(left) => room = left,
            None => return at,
        }
    }
    text.len()
}

#[cfg(test)]
#[test]
fn text_is_as_wide_as_the_terminals_of_the_services_draw_it() {
    for (text, cells) in [("", 0), ("abc", 3), ("日本", 4), ("e\u{301}", 1), ("👩\u{200d}💻", 4)] {
        assert_eq!(width(text), cells, "{text:?}");
    }
}
