//! How a line of devgroup stands among the lines of services: the one place where words are put between dashes.

use std::fmt::Display;

/// The words as a line, without a line end: `── ready · 2.9s after start ──`. Logs keep it, and clients are sent it, like this
/// wherever it is shown.
pub fn framed(words: impl Display) -> String {
    format!("── {words} ──")
}

/// What devgroup says, for a terminal that shows nothing but ASCII: `-- ready - 2.9s after start --`. Characters of others stay.
pub fn in_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '─' | '·' | '—' => ascii.push('-'),
            '…' => ascii.push_str("..."),
            '→' => ascii.push_str("->"),
            other => ascii.push(other),
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_framed_and_each_mark_of_devgroup_has_its_ascii() {
        assert_eq!(framed("ready · 2.9s after start"), "── ready · 2.9s after start ──");
        assert_eq!(in_ascii(&framed("a → b · run it — größer…")), "-- a -> b - run it - größer... --");
    }
}
