//! A line that is data, in the short form of people: `14:02:11.114 warn  slow query  ms=812 table=orders`.

use std::fmt::Write;

use serde_json::Value;

use super::fields::DEEPEST;
use super::{Structured, text_of};
use crate::clock::Clock;
use crate::domain::visible;
use crate::logs::{Attributes, Color, Level, Style, StyleRun, StyledText};

/// The line in its short form. `None` for text.
pub fn folded(line: &StyledText) -> Option<StyledText> {
    let structured = Structured::read(&line.text)?;
    let mut writer = Writer::default();
    writer.push(line.text.get(..structured.prefix).unwrap_or_default(), Style::default());
    let time = structured.time_field();
    if let Some((_, time)) = time {
        writer.push(&Clock::time_with_milliseconds(time), dim());
        writer.push(" ", Style::default());
    }
    let level = structured.level_field();
    if let Some((_, level)) = level {
        writer.push(&format!("{:<5}", level.word()), style_of(level));
        writer.push(" ", Style::default());
    }
    let message = structured.message();
    if let Some(message) = message {
        writer.push(&visible(&text_of(message)), Style::default());
    }
    // What was told already is not told twice.
    let told = [time.map(|(value, _)| value), level.map(|(value, _)| value), message];
    let told: Vec<&Value> = told.into_iter().flatten().collect();
    let mut gap = if message.is_some() { "  " } else { "" };
    for (name, value) in structured.fields.iter() {
        writer.fields((name.to_owned(), value), &told, &mut gap, DEEPEST);
    }
    Some(writer.0)
}

#[derive(Default)]
struct Writer(StyledText);

impl Writer {
    fn push(&mut self, text: &str, style: Style) {
        let offset = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let start = offset(self.0.text.len());
        self.0.text.push_str(text);
        if style != Style::default() && !text.is_empty() {
            self.0.runs.push(StyleRun { start, end: offset(self.0.text.len()), style });
        }
    }

    /// A field; of an object, each of its fields by a name with dots, as `--where` takes it.
    fn fields(&mut self, (name, value): (String, &Value), told: &[&Value], gap: &mut &str, deepest: usize) {
        if told.iter().any(|told| std::ptr::eq(*told, value)) {
            return;
        }
        if let (Some(object), Some(deepest)) = (value.as_object(), deepest.checked_sub(1))
            && !object.is_empty()
        {
            for (inner, value) in object {
                self.fields((format!("{name}.{inner}"), value), told, gap, deepest);
            }
            return;
        }
        self.push(&format!("{gap}{}=", visible(&name)), dim());
        self.push(&shown(value), Style::default());
        *gap = " ";
    }
}

/// A value on one line; in quotes if it would be mistaken for two.
fn shown(value: &Value) -> String {
    let text = text_of(value);
    let plain = visible(&text);
    let mut shown = String::with_capacity(plain.len() + 2);
    if value.is_string() && (text.is_empty() || text.contains([' ', '"', '=']) || *plain != *text) {
        // Writing to a String cannot fail.
        let _ = write!(shown, "\"{}\"", plain.replace('"', "\\\""));
    } else {
        shown.push_str(&plain);
    }
    shown
}

fn dim() -> Style {
    Style { attributes: Attributes::DIM, ..Style::default() }
}

/// As most loggers colour their levels for a terminal.
fn style_of(level: Level) -> Style {
    let color = |index| Style { foreground: Color::Indexed(index), ..Style::default() };
    match level {
        Level::Trace | Level::Debug => dim(),
        Level::Info => color(2),
        Level::Warn => color(3),
        Level::Error | Level::Fatal => color(1),
    }
}
