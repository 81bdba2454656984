//! JSON on stdout and stderr, with an escape for each character that a terminal would obey or that would turn text around.
//!
//! JSON itself only asks for escapes of C0, so that names of files with others (C1, DEL, marks of direction) would reach the
//! terminal of whoever looks at it. A program reads the same text either way.

use serde::Serialize;

use super::exit_code::Failure;
use crate::domain::escaped_json;

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

fn escaped(json: serde_json::Result<String>) -> Result<String, Failure> {
    json.map(escaped_json).map_err(|error| Failure::Unexpected(error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::misleads;

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
