//! JSON on stdout and stderr, with an escape for each character that a terminal would obey or that would turn text around.
//!
//! JSON itself only asks for escapes of C0, so that names of files with others (C1, DEL, marks of direction) would reach the
//! terminal of whoever looks at it. A program reads the same text either way.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::exit_code::Failure;
use crate::domain::misleads;

/// A value as one line of JSON, with its end.
pub(super) fn line(value: &impl Serialize) -> Result<String, Failure> {
    compact(value).map(|text| text + "\n")
}

/// A value as JSON without a line end.
pub(super) fn compact(value: &impl Serialize) -> Result<String, Failure> {
    written(value, CompactFormatter)
}

/// A value as JSON of many lines.
pub(super) fn pretty(value: &impl Serialize) -> Result<String, Failure> {
    written(value, PrettyFormatter::new()).map(|text| text + "\n")
}

fn written(value: &impl Serialize, formatter: impl Formatter) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let unexpected = |error: String| Failure::Unexpected(error);
    let mut serializer = Serializer::with_formatter(&mut bytes, Plain(formatter));
    value.serialize(&mut serializer).map_err(|error| unexpected(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| unexpected(error.to_string()))
}

/// A formatter that escapes what [`misleads`].
struct Plain<F>(F);

impl<F: Formatter> Formatter for Plain<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| misleads(*c)) {
            let (before, after) = rest.split_at(at);
            // All of them are in the first plane.
            write!(writer, "{before}\\u{:04x}", u32::from(c))?;
            rest = after.get(c.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_key(writer)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
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
