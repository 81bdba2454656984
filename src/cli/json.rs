//! JSON on stdout and stderr, with an escape for each character that a terminal would obey or that would turn text around.
//!
//! JSON itself only asks for escapes of C0, so that names of files with others (C1, DEL, marks of direction) would reach the
//! terminal of whoever looks at it. A program reads the same text either way.

use std::fmt::Write;

use serde::Serialize;

use super::exit_code::Failure;
use crate::domain::misleads;

/// A value as one line of JSON, with its end.
pub(super) fn line(value: &impl Serialize) -> Result<String, Failure> {
    compact(value).map(|text| text + "\n")
}

/// A value as JSON without a line end.
pub(super) fn compact(value: &impl Serialize) -> Result<String, Failure> {
    escaped(serde_json::to_string(value))
}

/// A value as JSON of many lines.
pub(super) fn pretty(value: &impl Serialize) -> Result<String, Failure> {
    escaped(serde_json::to_string_pretty(value)).map(|text| text + "\n")
}

/// Only strings can hold such characters. Line ends stand between values: those of strings are escaped already.
fn escaped(json: serde_json::Result<String>) -> Result<String, Failure> {
    let text = json.map_err(|error| Failure::Unexpected(error.to_string()))?;
    let hide = |c: char| c != '\n' && misleads(c);
    if !text.contains(hide) {
        return Ok(text);
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hide(c) {
            // All of them are in the first plane. Writing to a String cannot fail.
            let _ = write!(plain, "\\u{:04x}", u32::from(c));
        } else {
            plain.push(c);
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_reads_as_it_was() {
        let value = json!({ "a\u{9b}": ["x\u{7f}\u{202e}y\u{1b}\n\"", "\u{2028}日本語é"], "n": {}, "z": [] });
        for text in [line(&value).unwrap(), compact(&value).unwrap(), pretty(&value).unwrap()] {
            assert!(!text.contains(|c| c != '\n' && misleads(c)), "{text:?}");
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
        assert_eq!(compact(&"a\u{202e}é").unwrap(), "\"a\\u202eé\"");
        assert_eq!(pretty(&json!({ "a": [1] })).unwrap(), format!("{:#}\n", json!({ "a": [1] })));
    }
}
