//! Addresses in a text: `http://`, `https://` and `file://`, as people write them.

use std::fmt::Write;
use std::ops::Range;

use crate::logs::link_target;

const BEHIND_SCHEME: &str = "://";

/// The addresses in a text: where they stand, and what they are for a terminal.
pub(super) fn addresses(text: &str) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(colon) = text.get(from..).and_then(|rest| rest.find(BEHIND_SCHEME)).map(|at| from + at) {
        let place = place(text, from, colon);
        from = place.end.max(colon + BEHIND_SCHEME.len());
        let address = encoded(text.get(place.clone()).unwrap_or_default());
        if let Some(target) = link_target(&address) {
            found.push((place, target.to_owned()));
        }
    }
    found
}

/// From the beginning of the scheme up to the last character that belongs to the address.
fn place(text: &str, from: usize, colon: usize) -> Range<usize> {
    let before = text.get(from..colon).unwrap_or_default();
    let scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let start = from + before.trim_end_matches(scheme).len();
    let is_quoted = text.get(..start).is_some_and(|before| before.ends_with('\''));
    let first = colon + BEHIND_SCHEME.len();
    let rest = text.get(first..).unwrap_or_default();
    let mut open = Vec::new();
    let ends = |c: char| match c {
        '\'' => is_quoted,
        '(' | '[' => {
            open.push(if c == '(' { ')' } else { ']' });
            false
        }
        // One that closes what was opened before the address.
        ')' | ']' => open.pop() != Some(c),
        '"' | '<' | '>' | '`' | '{' | '}' | '|' | '\\' | '^' => true,
        // Letters of all languages are part of an address; arrows, borders and their like end it.
        _ => !(c.is_ascii_graphic() || c.is_alphanumeric()),
    };
    let part = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
    // The end of a sentence, and not of the address.
    start..first + part.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'']).len()
}

/// In ASCII: bytes of other characters as `%C3`.
fn encoded(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for byte in address.bytes() {
        if byte.is_ascii() {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_ends_where_people_end_it() {
        for (text, expected) in [
            ("Starting at http://127.0.0.1:8101/", &["http://127.0.0.1:8101/"][..]),
            ("see https://x.org/a?b=c#d.", &["https://x.org/a?b=c#d"]),
            ("(see http://x/a_(b), or <https://y>)", &["http://x/a_(b)", "https://y"]),
            ("[http://x] http://[::1]:80/a", &["http://x", "http://[::1]:80/a"]),
            ("'http://x','http://y' \"http://z\"", &["http://x", "http://y", "http://z"]),
            ("http://x/O'Brien's", &["http://x/O'Brien's"]),
            ("│http://x│ http://y→ http://z…", &["http://x", "http://y", "http://z"]),
            ("http://de.org/Köln!", &["http://de.org/K%C3%B6ln"]),
            ("file:///home/me/a%20b.rs", &["file:///home/me/a%20b.rs"]),
            ("HTTPS://X.ORG", &["HTTPS://X.ORG"]),
            ("http://x://y", &["http://x://y"]),
            ("git+https://x redis://x postgres://u:p@h xhttp://x javascript://x", &[]),
            ("http:// http://. :// ://x http//x", &[]),
        ] {
            let found: Vec<_> = addresses(text).into_iter().map(|(_, address)| address).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn the_place_is_that_in_the_text() {
        let text = "→ http://é.org/ö, https://x";
        let places: Vec<_> = addresses(text).into_iter().map(|(place, _)| &text[place]).collect();
        assert_eq!(places, ["http://é.org/ö", "https://x"]);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(http|https|file|x|://|/|[ ()'\\[\\].é→\u{7}]){0,40}") {
            let mut end = 0;
            for (place, target) in addresses(&text) {
                prop_assert!(place.start >= end && text.get(place.clone()).is_some());
                prop_assert!(target.bytes().all(|byte| byte.is_ascii_graphic()));
                end = place.end;
            }
        }
    }
}
