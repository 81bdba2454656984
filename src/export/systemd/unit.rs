//! The text of a unit: sections with lines, in which `%` and `$` are those of the text and not of systemd.

use std::fmt::Write;

use crate::domain::{misleads, visible};

/// A unit that is being written.
#[derive(Default)]
pub(super) struct Unit(String);

impl Unit {
    /// A unit that begins with these comments.
    pub(super) fn new(head: &[String]) -> Self {
        let mut unit = Self::default();
        head.iter().for_each(|line| unit.comment(line));
        unit
    }

    /// Begins a section.
    pub(super) fn section(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0 += &format!("[{name}]\n");
    }

    /// A line that is a comment. A backslash at its end would go on in the next line.
    pub(super) fn comment(&mut self, text: &str) {
        self.0 += &format!("# {}\n", visible(text).trim_end_matches('\\'));
    }

    /// A key with a value that is written as it is.
    pub(super) fn set(&mut self, key: &str, value: &str) {
        self.0 += &format!("{key}={value}\n");
    }

    /// A key with a value of words for people, or a path, in which no specifier counts.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.set(key, &visible(value).replace('%', "%%"));
    }

    /// The whole text.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// A word in double quotes, as `Environment=` reads it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        let code = u32::from(c);
        // Nothing can go wrong when a text is written to.
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            '%' => write!(out, "%%"),
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            _ if code < 0x20 || code == 0x7f => write!(out, "\\x{code:02x}"),
            c if misleads(c) => write!(out, "\\u{code:04x}"),
            c => write!(out, "{c}"),
        };
    }
    out.push('"');
    out
}

/// A line for a shell, as `ExecStart=` reads it: `$` is put in there, too.
pub(super) fn shell(line: &str) -> String {
    format!("/bin/sh -c {}", quoted(&line.replace('$', "$$")))
}

/// Whether a path can stand in a line as it is.
pub(super) fn is_plain_path(path: &str) -> bool {
    path.starts_with('/') && path.trim() == path && !path.ends_with('\\') && !path.contains(misleads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_read_by_systemd() {
        assert_eq!(
            quoted("a \"b\" \\ 100% $HOME\n\té\u{1b}\u{85}"),
            "\"a \\\"b\\\" \\\\ 100%% $HOME\\n\\té\\x1b\\u0085\""
        );
        assert_eq!(shell("echo $A '%i'"), "/bin/sh -c \"echo $$A '%%i'\"");
        assert!(
            is_plain_path("/srv/my app") && !is_plain_path("/srv/a ") && !is_plain_path("/a\nb") && !is_plain_path("a")
        );
        let mut unit = Unit::new(&["one\ntwo\\".into()]);
        unit.section("Unit");
        unit.text("Description", "50%\nfull");
        assert_eq!(unit.into_text(), "# one\\ntwo\n\n[Unit]\nDescription=50%%\\nfull\n");
    }
}
