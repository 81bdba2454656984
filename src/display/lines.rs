//! Prefixed lines: `api    │ listening on 4000`.

use std::fmt::Write;

use super::{OutputStyle, width};
use crate::domain::{in_ascii, visible};

/// Longer names are cut, so that one name does not push every line to the right.
const LONGEST_PREFIX: usize = 24;

/// Prefix colours: those of the 16 that mean neither failure nor nothing.
const COLORS: [u8; 10] = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

/// The width of the prefixes of these services.
pub fn prefix_width<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(width).max().unwrap_or(0).min(LONGEST_PREFIX)
}

/// Writes lines with prefixes of one width.
#[derive(Clone, Copy, Debug)]
pub struct LineWriter {
    style: OutputStyle,
    width: usize,
}

/// What stands behind the prefix.
#[derive(Clone, Copy, Debug)]
pub enum Words<'a> {
    /// Output, with its colours if they are wanted.
    Output(&'a str),
    /// What devgroup says itself.
    Marker(&'a str),
}

impl LineWriter {
    /// A writer for these services.
    pub fn new<'a>(style: OutputStyle, names: impl Iterator<Item = &'a str>) -> Self {
        Self { style, width: prefix_width(names) }
    }

    /// Adds a line. `order` is the place of the service in the file, which chooses its colour.
    pub fn line(&self, out: &mut String, name: &str, order: usize, words: Words<'_>) {
        self.line_at(out, (name, order), "", words);
    }

    /// The same with a time before the words, unless that is empty.
    pub fn line_at(&self, out: &mut String, (name, order): (&str, usize), time: &str, words: Words<'_>) {
        let bar = if self.style.unicode { '│' } else { '|' };
        let name = visible(name);
        let mut label: String = name.chars().take(LONGEST_PREFIX).collect();
        if label.len() < name.len() {
            label.pop();
            label.push(if self.style.unicode { '…' } else { '~' });
        }
        let pad = self.width.saturating_sub(width(&label));
        // Writing to a String cannot fail, here and below.
        let _ = if self.style.color {
            let color = COLORS[order % COLORS.len()];
            write!(out, "\x1b[{color}m{label}{:pad$} {bar}\x1b[0m ", "")
        } else {
            write!(out, "{label}{:pad$} {bar} ", "")
        };
        self.plain_line_at(out, time, words);
    }

    /// Adds a line without a prefix.
    pub fn plain_line(&self, out: &mut String, words: Words<'_>) {
        self.plain_line_at(out, "", words);
    }

    /// The same with a time before it, unless that is empty.
    pub fn plain_line_at(&self, out: &mut String, time: &str, words: Words<'_>) {
        let _ = match time {
            "" => Ok(()),
            _ if self.style.color => write!(out, "\x1b[2m{time}\x1b[0m "),
            _ => write!(out, "{time} "),
        };
        match words {
            Words::Output(text) => out.push_str(text),
            Words::Marker(text) => {
                let ascii;
                let text = if self.style.unicode {
                    text
                } else {
                    ascii = in_ascii(text);
                    &ascii
                };
                let _ = if self.style.color { write!(out, "\x1b[2m{text}\x1b[0m") } else { write!(out, "{text}") };
            }
        }
        out.push('\n');
    }
}
