//! Lines as real loggers print them.

use std::fmt::Write;

use super::*;
use crate::clock::Clock;
use crate::logs::StyledText;

/// Printed by the loggers themselves (pino 10, bunyan 1.8, winston 3, structlog 25, tracing-subscriber 0.3, slog-json 2),
/// or written as their sources have it (zap, logrus, Go's slog, logback, lograge, mongod).
const LINES: &str = include_str!("../../../tests/recordings/loggers/lines.txt");

#[test]
fn each_logger_tells_its_level_its_time_and_its_fields() {
    let mut told = String::new();
    for line in LINES.lines() {
        let (name, text) = line.split_once(" │ ").unwrap();
        let read = Structured::read(text).unwrap_or_else(|| panic!("{name} is text: {text}"));
        let level = read.level();
        let time = read.time().map_or("no time".to_owned(), |time| time.to_string());
        let fields = serde_json::to_string(&read.fields).unwrap();
        let folded = folded(&StyledText { text: text.to_owned(), runs: Vec::new() }).unwrap();
        // The time of day there is that of the machine.
        let short = read.time().map_or(folded.text.as_str(), |time| {
            folded.text.split_once(&Clock::time_with_milliseconds(time)).map_or("", |(_, rest)| rest)
        });
        assert_eq!(Level::of(text), level.or(Level::of(text)), "{name}: the one judge and the other");
        let level = level.map_or("no level", Level::word);
        writeln!(told, "{name} · {level} · {time}\n  {fields}\n  {}", short.trim_start()).unwrap();
    }
    insta::assert_snapshot!(told);
}
