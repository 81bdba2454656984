//! Output of programs as plain lines: whatever a terminal would obey is gone.

use vte::{Parser, Perform};

use crate::domain::misleads;

/// Columns from one tab stop to the next.
const TAB: usize = 8;

/// The lines of a text. Escape sequences are left out; other characters that mislead are shown as escapes.
pub(super) fn lines(text: &str) -> Vec<String> {
    let mut lines = Lines::default();
    let mut parser = Parser::new();
    parser.advance(&mut lines, text.as_bytes());
    if !lines.last.is_empty() {
        lines.end();
    }
    lines.all
}

#[derive(Default)]
struct Lines {
    all: Vec<String>,
    last: String,
    /// A carriage return was the last character.
    returned: bool,
}

impl Lines {
    fn end(&mut self) {
        self.all.push(std::mem::take(&mut self.last));
    }

    fn add(&mut self, c: char) {
        // What a program writes over, such as a bar that grows, is a line of its own.
        if std::mem::take(&mut self.returned) && !self.last.is_empty() {
            self.end();
        }
        if misleads(c) { self.last.extend(c.escape_default()) } else { self.last.push(c) }
    }
}

impl Perform for Lines {
    fn print(&mut self, c: char) {
        self.add(c);
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => {
                self.returned = false;
                self.end();
            }
            b'\r' => self.returned = true,
            b'\t' => {
                let missing = TAB - self.last.chars().count() % TAB;
                (0..missing).for_each(|_| self.add(' '));
            }
            // Bells, and the like.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_would_obey() {
        assert_eq!(lines("\u{1b}[1;31mred\u{1b}[0m\r\n\u{1b}]0;title\u{7}\u{1b}[2Jdone\u{7}"), ["red", "done"]);
        assert_eq!(lines("one\n\ntwo\n"), ["one", "", "two"]);
        assert_eq!(lines("10%\r50%\r100%\n"), ["10%", "50%", "100%"]);
        assert_eq!(lines("a\tb\n12345678\tc"), ["a       b", "12345678        c"]);
        assert_eq!(lines("\u{202e}evil\u{9b}31m"), ["\\u{202e}evil31m"], "no terminal obeys what is left");
        assert_eq!(lines("cut \u{1b}["), ["cut "]);
        assert_eq!(lines("größe 日本"), ["größe 日本"]);
        assert!(lines("").is_empty());
    }
}
