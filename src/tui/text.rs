//! Text in cells: where it is cut. What is cut for the screen is also made visible.

use std::ops::Range;

pub(super) use crate::display::{char_width, cut_right, fitting, width};
use crate::domain::visible;

/// The longest end that fits, with the ellipsis if something is missing: for paths, whose end tells most.
pub(super) fn cut_left(text: &str, cells: usize, ellipsis: &str) -> String {
    let text = &*visible(text);
    if width(text) <= cells {
        return text.to_owned();
    }
    let ellipsis = if width(ellipsis) < cells { ellipsis } else { "" };
    let mut room = cells - width(ellipsis);
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        let Some(left) = room.checked_sub(char_width(c)) else { break };
        (room, start) = (left, at);
    }
    format!("{ellipsis}{}", text.get(start..).unwrap_or_default())
}

/// As many of these as fit, at least one, and how many more there are: `api, worker and 7 more`.
pub(super) fn first_of(mut parts: Vec<String>, cells: usize) -> String {
    let mut text = parts.join(", ");
    let mut more = 0;
    while width(&text) > cells && parts.len() > 1 {
        parts.pop();
        more += 1;
        text = format!("{} and {more} more", parts.join(", "));
    }
    text
}

/// Cut on the right or filled with spaces: exactly so many cells.
pub(super) fn column(text: &str, cells: usize, ellipsis: &str) -> String {
    pad(cut_right(text, cells, ellipsis), cells)
}

/// Filled with spaces on the right.
pub(super) fn pad(mut text: String, cells: usize) -> String {
    let missing = cells.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// The rows of a text that is wrapped at that width, as ranges of bytes; at least one. A character that is wider than
/// the row gets a row of its own.
pub(super) fn wrap(text: &str, cells: usize) -> Vec<Range<usize>> {
    let cells = cells.max(1);
    let mut rows = Vec::new();
    let mut start = 0;
    loop {
        let rest = text.get(start..).unwrap_or_default();
        let length = full_row(rest, cells);
        rows.push(start..start + length);
        start += length;
        if start >= text.len() {
            return rows;
        }
    }
}

/// How many bytes from the start fill a row: at least one character.
fn full_row(text: &str, cells: usize) -> usize {
    let first = || text.chars().next().map_or(0, char::len_utf8);
    Some(fitting(text, cells)).filter(|length| *length > 0).unwrap_or_else(first)
}

/// The same for prose: a row ends after a blank, if it has one behind its first word.
pub(super) fn wrap_words(text: &str, cells: usize) -> Vec<Range<usize>> {
    let mut rows = Vec::new();
    let mut start = 0;
    loop {
        let rest = text.get(start..).unwrap_or_default();
        let full = full_row(rest, cells.max(1));
        // A blank that would be the first of the next row ends this one.
        let blank = full + rest.get(full..).map_or(0, |next| next.len() - next.trim_start_matches(' ').len());
        let word = rest.get(..full).and_then(|row| row.trim_end_matches(' ').rfind(' ').map(|space| space + 1));
        let end = match word {
            _ if full == rest.len() => full,
            _ if blank > full || rest.get(..full).is_some_and(|row| row.ends_with(' ')) => blank,
            Some(end) if rest.get(..end).is_some_and(|row| !row.trim().is_empty()) => end,
            _ => full,
        };
        rows.push(start..start + end);
        start += end;
        if start >= text.len() {
            return rows;
        }
    }
}

/// The byte, or the begin of the character that it is in; at most the end.
pub(super) fn floor(text: &str, byte: usize) -> usize {
    let byte = byte.min(text.len());
    (0..=byte).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// A number with commas: `1,204`.
pub(super) fn thousands(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_names_the_first_are_told_and_the_number_of_the_others() {
        let told = |cells| first_of(["api", "worker", "web", "db"].map(String::from).to_vec(), cells);
        assert_eq!(told(20), "api, worker, web, db");
        assert_eq!(told(19), "api and 3 more");
        assert_eq!(told(22 + 4), "api, worker, web, db");
        assert_eq!(told(2), "api and 3 more", "one is always there");
        assert_eq!(
            first_of(vec!["a".repeat(30), "b".into(), "c".into()], 35),
            format!("{} and 2 more", "a".repeat(30))
        );
        assert_eq!(first_of(Vec::new(), 5), "");
    }

    #[test]
    fn messages_are_cut_on_the_right_and_paths_on_the_left() {
        assert_eq!(cut_right("slow query", 6, "…"), "slow …");
        assert_eq!(cut_right("slow", 4, "…"), "slow");
        assert_eq!(cut_left("src/routes/user.rs", 14, "…"), "…utes/user.rs".replace("…", "…o"));
        assert_eq!(cut_left("a", 0, "…"), "");
        assert_eq!(cut_right("ab", 1, "…"), "a");
    }

    #[test]
    fn wide_characters_are_never_halved() {
        assert_eq!(cut_right("日本語", 4, "…"), "日…");
        assert_eq!(cut_left("日本語", 4, "…"), "…語");
        assert_eq!(wrap("日本語", 4), vec![0..6, 6..9]);
        assert_eq!(wrap("日", 1), vec![0..3]);
        assert_eq!(wrap("e\u{301}e\u{301}", 1), vec![0..3, 3..6]);
    }

    #[test]
    fn an_empty_line_is_one_row() {
        assert_eq!(wrap("", 10), vec![0..0]);
        assert_eq!(wrap("abcdef", 3), vec![0..3, 3..6]);
    }

    #[test]
    fn prose_is_wrapped_at_blanks_and_words_only_where_they_must() {
        let rows = |text: &str, cells| -> Vec<String> {
            wrap_words(text, cells).into_iter().map(|row| text[row].trim_end().to_owned()).collect()
        };
        assert_eq!(rows("0 by dependencies · 0 stuck", 10), ["0 by", "dependenci", "es · 0", "stuck"]);
        assert_eq!(rows("0 by dependencies · 0 stuck", 17), ["0 by dependencies", "· 0 stuck"]);
        assert_eq!(rows("SIGTERM as asked", 12), ["SIGTERM as", "asked"]);
        assert_eq!(rows("SIGTERM as asked", 10), ["SIGTERM as", "asked"]);
        assert_eq!(rows("SIGTERM as asked", 11), ["SIGTERM as", "asked"]);
        assert_eq!(rows("", 10), [""]);
        assert_eq!(rows("a      b", 3), ["a", "b"]);
        assert_eq!(rows("日本 語", 4), ["日本", "語"]);
        for cells in 0..20 {
            let text = "  one two-three   four 日本語 five ";
            let rows = wrap_words(text, cells);
            assert!(rows.windows(2).all(|pair| pair[0].end == pair[1].start), "{cells}");
            assert_eq!(rows.last().map(|row| row.end), Some(text.len()));
        }
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!(thousands(0_u32), "0");
        assert_eq!(thousands(999_u32), "999");
        assert_eq!(thousands(1_204_u32), "1,204");
        assert_eq!(thousands(1_234_567_u32), "1,234,567");
    }
}
