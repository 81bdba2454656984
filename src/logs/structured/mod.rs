//! Lines that are data: one JSON object, or logfmt (`level=info msg="listening" port=4000`).
//!
//! The text of a line stays as it was printed. What is read from it is for those who ask: its level, its own time, its
//! fields, and a short form for people ([`folded`]).

mod condition;
mod fields;
mod folded;
mod logfmt;
mod time;

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::level::{Level, level_of_letter, level_of_word, without_prefixes};
pub use condition::{Condition, ConditionError};
pub use fields::Fields;
pub use folded::folded;
use time::time_of;

/// A longer line is text, whatever it looks like: nobody waits for it to be read again and again.
const LONGEST: usize = 64 << 10;

/// Where loggers put the level, the most usual first.
const LEVELS: &[&str] = &[
    "level",
    "severity",
    "lvl",
    "log.level",
    "severityText",
    "severity_text",
    "levelname",
    "loglevel",
    "@level",
    "@l",
];
/// What every line of mongod has, whose level is a letter in `s`.
const OF_MONGOD: &[&str] = &["t", "s", "c", "id"];
/// Where they put the time.
const TIMES: &[&str] = &["time", "ts", "timestamp", "@timestamp", "@t", "t.$date"];
/// Where they put what a person reads.
const MESSAGES: &[&str] = &["formattedMessage", "msg", "message", "event", "fields.message", "@message", "@m", "body"];

/// A line that is data.
#[derive(Clone, Debug, PartialEq)]
pub struct Structured {
    /// Bytes before the data: what a tool has put before each line of another.
    prefix: usize,
    /// The data.
    pub fields: Fields,
}

impl Structured {
    /// Reads a line. `None` for text.
    pub fn read(line: &str) -> Option<Self> {
        let said = without_prefixes(line);
        let prefix = line.len() - said.len();
        let data = said.trim();
        if data.len() > LONGEST {
            return None;
        }
        let fields = if data.starts_with('{') { Fields::from_json(data)? } else { logfmt::read(data)? };
        Some(Self { prefix, fields })
    }

    /// The level that it names.
    pub fn level(&self) -> Option<Level> {
        self.level_field().map(|(_, level)| level)
    }

    /// Its own time, which is not when it arrived.
    pub fn time(&self) -> Option<Timestamp> {
        self.time_field().map(|(_, time)| time)
    }

    fn level_field(&self) -> Option<(&Value, Level)> {
        self.first_of(LEVELS, level_of_value).or_else(|| self.level_of_mongod())
    }

    fn time_field(&self) -> Option<(&Value, Timestamp)> {
        self.first_of(TIMES, time_of)
    }

    /// What a person reads.
    fn message(&self) -> Option<&Value> {
        self.first_of(MESSAGES, |value| (!value.is_object()).then_some(())).map(|(value, ())| value)
    }

    /// `{"t":{"$date":…},"s":"I","c":"NETWORK","id":22943,…}`.
    fn level_of_mongod(&self) -> Option<(&Value, Level)> {
        let is_of_mongod = OF_MONGOD.iter().all(|name| self.fields.get(name).is_some());
        let value = self.fields.get("s").filter(|_| is_of_mongod)?;
        Some((value, level_of_letter(value.as_str()?.get(..1)?)?))
    }

    /// The first of these fields that tells something.
    fn first_of<T>(&self, paths: &[&str], tell: impl Fn(&Value) -> Option<T>) -> Option<(&Value, T)> {
        paths.iter().find_map(|path| {
            let value = self.fields.get(path)?;
            Some((value, tell(value)?))
        })
    }
}

/// What level a JSON object names, if any. `None` if the line is no such object.
pub(super) fn level_of_object(line: &str) -> Option<Option<Level>> {
    let line = line.trim_end();
    // Most lines that are cut off are told without reading them.
    if line.len() > LONGEST || !line.ends_with('}') {
        return None;
    }
    let is_wanted = |name: &str| LEVELS.contains(&name) || name == "log" || OF_MONGOD.contains(&name);
    Some(Structured { prefix: 0, fields: Fields::of_json(line, is_wanted)? }.level())
}

/// `"warn"`, `"INFO+2"` (Go's slog between two levels), `40` (pino, bunyan).
fn level_of_value(value: &Value) -> Option<Level> {
    match value {
        Value::String(word) => {
            let end = word.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(word.len());
            level_of_word(word.get(..end)?)
        }
        Value::Number(number) => level_of_word(&number.to_string()),
        _ => None,
    }
}

/// A value as text: a string without its quotes, all else as JSON.
fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
mod formats;
#[cfg(test)]
mod tests;
