//! How many columns a character takes.

use unicode_width::UnicodeWidthChar;

/// Columns that a character takes: 0 for a combining one, `None` for a control character.
pub fn columns_of(c: char) -> Option<usize> {
    match c {
        // What is printed most, without looking it up.
        ' '..='~' | '\u{C0}'..='\u{2FF}' | '\u{2010}'..='\u{2027}' | '\u{2500}'..='\u{259F}' => Some(1),
        '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' => Some(2),
        _ => c.width().map(|width| width.min(2)),
    }
}

#[cfg(test)]
#[test]
fn what_is_known_by_heart_is_what_the_table_says() {
    for c in '\0'..=char::MAX {
        assert_eq!(columns_of(c), c.width().map(|width| width.min(2)), "{c:?}");
    }
}
