//! The keys of a task file, in their order and with their values as they came, so that a dead letter has them all.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::file::kind;

/// The top level of a task file.
#[derive(Clone, Debug, Default)]
pub struct TaskKeys(Vec<(String, Box<RawValue>)>);

/// Why bytes are no JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonFault {
    /// What is wrong, without the place.
    pub problem: String,
    /// The line, and the place in it in bytes, both from 1. None where all of it is something else.
    pub at: Option<(usize, usize)>,
}

/// What some editors on Windows put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl TaskKeys {
    /// Reads an object. Of a key that is there twice, the last value counts, at the place of the first.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonFault> {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        if let Err(error) = std::str::from_utf8(bytes) {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            return Err(JsonFault { problem: String::from("this is not UTF-8"), at: Some((line, column)) });
        }
        serde_json::from_slice(bytes).map_err(|error| fault(bytes, error))
    }

    /// The text of a value; `None` if the key is not there, or is `null`.
    pub fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(name, _)| name == key)?;
        Some(value.get()).filter(|text| *text != "null")
    }

    /// The keys with their values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), &**value))
    }

    fn set(&mut self, key: String, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }
}

fn fault(bytes: &[u8], error: serde_json::Error) -> JsonFault {
    let of_all = |problem| JsonFault { problem, at: None };
    if bytes.trim_ascii().is_empty() {
        return of_all(String::from("the file is empty"));
    }
    let error = match serde_json::from_slice::<Value>(bytes) {
        Ok(value) if !value.is_object() => {
            return of_all(format!("a task is an object, `{{…}}`, and this is {}", kind(&value)));
        }
        // It begins as something else, and is not even that.
        Err(other) if error.is_data() => other,
        _ => error,
    };
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    let problem = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    JsonFault { problem, at: Some((line, column.max(1))) }
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(f, "line {line}, column {column}: {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

impl PartialEq for TaskKeys {
    fn eq(&self, other: &Self) -> bool {
        let text =
            |keys: &Self| keys.iter().map(|(key, value)| (key.to_owned(), value.get().to_owned())).collect::<Vec<_>>();
        text(self) == text(other)
    }
}

impl Serialize for TaskKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for TaskKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = TaskKeys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, `{…}`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TaskKeys, A::Error> {
                let mut keys = TaskKeys::default();
                while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    keys.set(key, value);
                }
                Ok(keys)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_their_values_as_they_came() {
        let text = r#"{"z": 1.50, "task_id": "a", "metadata": {"b": [1, 2],  "a": null}, "z": 1e2, "n": null}"#;
        let keys = TaskKeys::parse(text.as_bytes()).unwrap();
        let written = serde_json::to_string(&keys).unwrap();
        assert_eq!(written, r#"{"z":1e2,"task_id":"a","metadata":{"b": [1, 2],  "a": null},"n":null}"#);
        assert_eq!((keys.get("z"), keys.get("n"), keys.get("x")), (Some("1e2"), None, None));
    }

    #[test]
    fn what_is_no_object_is_told_with_its_place() {
        let fault = |bytes: &[u8]| TaskKeys::parse(bytes).unwrap_err().to_string();
        let cases: [(&[u8], &str); 9] = [
            (b"", "the file is empty"),
            (b" \n", "the file is empty"),
            (b"{\n  \"a\": 1,\n}", "line 3, column 1: trailing comma"),
            (b"[1]", "a task is an object, `{…}`, and this is a list"),
            (b"17", "a task is an object, `{…}`, and this is a number"),
            (b"[1", "line 1, column 2: EOF while parsing a list"),
            (b"{} {}", "line 1, column 4: trailing characters"),
            (b"{\"a\":\n \"\xff\"}", "line 2, column 3: this is not UTF-8"),
            (b"{\"a\": nul}", "line 1, column 10: expected ident"),
        ];
        for (bytes, text) in cases {
            assert_eq!(fault(bytes), text, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert!(TaskKeys::parse(b"\xef\xbb\xbf{}").is_ok());
    }
}
