//! Text that others have chosen (names of files, folders and branches, words of a command line), made safe to show.
//!
//! A terminal obeys some characters instead of showing them, a newline begins a line that nobody wrote, and marks of direction
//! reorder what stands around them. All of these are shown as escapes. Ordinary text of any script stays as it is. Programs
//! get the true text: JSON escapes the same characters in its own way ([`escaped_json`]).

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::{self, Write};

/// Whether a terminal or a reader would be led astray by this character: control characters (C0, DEL, C1), separators of
/// lines and paragraphs, marks that change the direction of a text, and what nobody sees (U+200B and its like), so that two
/// names look the same. The joiners U+200C and U+200D stay: words and emoji are written with them.
pub fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// The text on one line, with an escape for each character that [`misleads`]: `\u{1b}`, `\n`, `\u{202e}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, misleads)
}

/// The same for text of several lines: line ends stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && misleads(c))
}

fn escaped(text: &str, hide: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hide) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hide(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// JSON text with an escape for each character that [`misleads`]: only strings can hold one, and a program reads the same
/// text either way. Line ends stand between values: those of strings are escaped already.
pub fn escaped_json(json: String) -> String {
    let hide = |c: char| c != '\n' && misleads(c);
    if !json.contains(hide) {
        return json;
    }
    let mut plain = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        if hide(c) {
            // All of them are in the first plane. Writing to a String cannot fail.
            let _ = write!(plain, "\\u{:04x}", u32::from(c));
        } else {
            plain.push(c);
        }
    }
    plain
}

/// A path, or a word of a command line, as text, with `\xff` for each byte that is no text. All other characters are themselves: this is for
/// programs; see [`visible_path`].
pub fn path_text<P: AsRef<OsStr> + ?Sized>(path: &P) -> Cow<'_, str> {
    let path = path.as_ref();
    if let Some(text) = path.to_str() {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for chunk in path.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    Cow::Owned(text)
}

/// A path, or a word of a command line, for people, on one line.
pub fn visible_path<P: AsRef<OsStr> + ?Sized>(path: &P) -> Cow<'_, str> {
    match path_text(path) {
        Cow::Borrowed(text) => visible(text),
        Cow::Owned(text) => Cow::Owned(visible(&text).into_owned()),
    }
}

/// The system's words for an error, without its number: `no such file or directory`.
pub fn plain_error(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let Some((words, _)) = text.split_once(" (os error") else { return text };
    // Others may have put a path before the words.
    let mut letters = words.chars();
    match letters.next().filter(|_| !words.contains(": ")) {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use super::*;

    #[test]
    fn an_error_of_the_system_has_no_number_and_a_path_keeps_its_capitals() {
        let missing = std::io::Error::from_raw_os_error(2);
        assert_eq!(plain_error(&missing), "no such file or directory");
        let of_others = std::io::Error::other(format!("/Home/Me: {missing}"));
        assert_eq!(plain_error(&of_others), "/Home/Me: No such file or directory");
        assert_eq!(plain_error(&std::io::Error::other("is a link")), "is a link");
    }

    #[test]
    fn what_a_terminal_obeys_is_shown_and_all_else_stays() {
        let cases = [
            ("a\x1b[31mb", "a\\u{1b}[31mb"),
            ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("bell\x07 del\x7f csi\u{9b}m", "bell\\u{7} del\\u{7f} csi\\u{9b}m"),
            ("\u{202e}txt.exe\u{2066}\u{200f}\u{61c}", "\\u{202e}txt.exe\\u{2066}\\u{200f}\\u{61c}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("a\u{200b}b\u{feff}\u{ad}", "a\\u{200b}b\\u{feff}\\u{ad}"),
        ];
        for (text, shown) in cases {
            assert_eq!(visible(text), shown);
            assert!(matches!(visible(shown), Cow::Borrowed(_)), "what is visible stays as it is: {shown}");
        }
        for plain in ["src/main.rs", "übung/日本語.txt", "عربي/עברית", "👩\u{200d}💻", "नमस्ते\u{200c}", "a\\b", ""]
        {
            assert!(matches!(visible(plain), Cow::Borrowed(text) if text == plain), "{plain}");
        }
        assert_eq!(visible_lines("a\nb\x1b"), "a\nb\\u{1b}");
    }

    #[test]
    fn bytes_that_are_no_text_are_told_apart() {
        let path = |bytes: &'static [u8]| Path::new(OsStr::from_bytes(bytes));
        assert_eq!(path_text(path(b"a\xff/b\xfe\x1b")), "a\\xff/b\\xfe\x1b");
        assert_eq!(visible_path(path(b"a\xff/b\xfe\x1b")), "a\\xff/b\\xfe\\u{1b}");
        assert!(matches!(visible_path("src/é.rs"), Cow::Borrowed("src/é.rs")));
    }
}
