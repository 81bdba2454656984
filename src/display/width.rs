//! How many cells text takes.

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

#[cfg(test)]
#[test]
fn text_is_as_wide_as_the_terminals_of_the_services_draw_it() {
    for (text, cells) in [("", 0), ("abc", 3), ("日本", 4), ("e\u{301}", 1), ("👩\u{200d}💻", 4)] {
        assert_eq!(width(text), cells, "{text:?}");
    }
}
