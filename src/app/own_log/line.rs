//! A record of devgroup's own log as a line.

use std::time::SystemTime;

use log::kv::{Error, Key, Value, VisitSource};
use log::{Level, Record};
use serde_json::{Map, Value as Json};

use super::LogFormat;
use crate::clock::Clock;
use crate::domain::{escaped_json, visible_lines};

/// What a record tells.
pub(super) struct OwnLine {
    at: SystemTime,
    level: Level,
    logger: String,
    message: String,
    /// Whom it is about, and what else there is to know.
    fields: Map<String, Json>,
}

/// Whom a record may be about. Its message for people begins with the name.
const SUBJECTS: [&str; 2] = ["service", "worker"];

impl OwnLine {
    pub(super) fn of(record: &Record<'_>, at: SystemTime) -> Self {
        let mut fields = Fields(Map::new());
        // The visitor never refuses.
        let _ = record.key_values().visit(&mut fields);
        let message = record.args().to_string();
        Self { at, level: record.level(), logger: record.target().to_owned(), message, fields: fields.0 }
    }

    /// What devgroup says at its end.
    pub(super) fn plain(message: &str, at: SystemTime) -> Self {
        let (level, logger) = (Level::Info, "devgroup".to_owned());
        Self { at, level, logger, message: message.to_owned(), fields: Map::new() }
    }

    /// For a terminal that shows other lines besides.
    pub(super) fn on_terminal(&self) -> String {
        format!("devgroup: {}", visible_lines(&self.message))
    }

    /// For the file.
    pub(super) fn in_format(&self, format: LogFormat) -> String {
        match format {
            LogFormat::Text => self.text(),
            LogFormat::Json => self.json(),
        }
    }

    fn text(&self) -> String {
        // What has several lines stays together.
        let message = visible_lines(&self.message).trim_end().replace('\n', "\n  ");
        format!("{} {:<5} {message}", Clock::rfc3339_of(self.at), level_word(self.level))
    }

    /// For programs.
    pub(super) fn json(&self) -> String {
        let subject = SUBJECTS.iter().find_map(|key| Some((*key, self.fields.get(*key)?)));
        let name = subject.and_then(|(_, name)| name.as_str());
        let said = name.and_then(|name| self.message.strip_prefix(name)?.strip_prefix(": "));
        let text = |text: &str| Json::String(text.to_owned());
        let first = [
            ("timestamp", Json::String(Clock::rfc3339_of(self.at))),
            ("level", text(level_word(self.level))),
            ("logger", text(&self.logger)),
        ];
        let subject = subject.map(|(key, value)| (key, value.clone()));
        let message = ("message", text(said.unwrap_or(&self.message)));
        let rest = self.fields.iter().filter(|(key, _)| !SUBJECTS.contains(&key.as_str()));
        let rest = rest.map(|(key, value)| (key.as_str(), value.clone()));
        let pairs: Vec<String> = first
            .into_iter()
            .chain(subject)
            .chain([message])
            .chain(rest)
            .map(|(key, value)| format!("{}:{value}", Json::String(key.to_owned())))
            .collect();
        escaped_json(format!("{{{}}}", pairs.join(",")))
    }
}

/// As services say it.
fn level_word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

struct Fields(Map<String, Json>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let whole = value.to_u64().map(Json::from);
        let json = whole.or_else(|| value.to_f64().map(Json::from)).unwrap_or_else(|| Json::String(value.to_string()));
        self.0.insert(key.as_str().to_owned(), json);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn line(level: Level, message: &str, pairs: &[(&str, Value<'_>)]) -> OwnLine {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_996_228_404);
        let pairs: Vec<(&str, Value<'_>)> = pairs.to_vec();
        let record = |args| {
            let source = pairs.as_slice();
            OwnLine::of(
                &Record::builder().level(level).target("devgroup::app").args(args).key_values(&source).build(),
                at,
            )
        };
        record(format_args!("{message}"))
    }

    #[test]
    fn a_record_is_a_line_for_people_and_an_object_for_programs() {
        let told = line(
            Level::Info,
            "marie: test-001 · completed after 45s",
            &[("worker", "marie".into()), ("task_id", "test-001".into()), ("duration", 45.2.into())],
        );
        assert_eq!(told.text(), "2026-11-29T23:50:28.404Z info  marie: test-001 · completed after 45s");
        assert_eq!(told.on_terminal(), "devgroup: marie: test-001 · completed after 45s");
        let json = "{\"timestamp\":\"2026-11-29T23:50:28.404Z\",\"level\":\"info\",\"logger\":\"devgroup::app\",\
                    \"worker\":\"marie\",\"message\":\"test-001 · completed after 45s\",\"duration\":45.2,\
                    \"task_id\":\"test-001\"}";
        assert_eq!(told.json(), json);
        let strange = line(Level::Warn, "a\u{1b}[31m\n\"b\"\n", &[("service", "a".into()), ("run", 3_u32.into())]);
        assert_eq!(strange.text(), "2026-11-29T23:50:28.404Z warn  a\\u{1b}[31m\n  \"b\"");
        let json: Json = serde_json::from_str(&strange.json()).unwrap();
        assert_eq!((json["message"].as_str(), json["run"].as_u64()), (Some("a\u{1b}[31m\n\"b\"\n"), Some(3)));
        assert!(!strange.json().contains(char::is_control));
    }
}
