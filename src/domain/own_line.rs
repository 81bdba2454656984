//! How a line of devgroup stands among the lines of services: the one place where words are put between dashes.

use std::fmt::Display;

/// The words as a line, without a line end: `── ready · 2.9s after start ──`. Logs keep it, and clients are sent it, like this
/// wherever it is shown.
pub fn framed(words: impl Display) -> String {
    format!("── {words} ──")
}

/// The beginning of such a line, for a pane that draws the rest: `── ready · 2.9s after start`.
pub fn begun(parts: &[&str]) -> String {
    format!("── {}", parts.join(" · "))
}

/// The parts of what such a line says, and the time of day that was among them.
pub fn unframed(line: &str) -> Option<(Vec<&str>, Option<&str>)> {
    let words = line.strip_prefix("── ")?.strip_suffix(" ──")?;
    let (clock, parts): (Vec<_>, Vec<_>) = words.split(" · ").partition(|part| is_clock(part));
    Some((parts, clock.first().copied()))
}

/// A local time of day: `14:02:11`.
fn is_clock(text: &str) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    matches!(text.as_bytes(), [a, b, b':', c, d, b':', e, f] if [a, b, c, d, e, f].into_iter().all(is_digit))
}

/// What devgroup says, for a terminal that shows nothing but ASCII: `-- ready - 2.9s after start --`. Characters of others stay.
pub fn in_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '─' | '·' | '—' => ascii.push('-'),
            '…' => ascii.push_str("..."),
            '→' => ascii.push_str("->"),
            other => ascii.push(other),
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_framed_and_each_mark_of_devgroup_has_its_ascii() {
        assert_eq!(framed("ready · 2.9s after start"), "── ready · 2.9s after start ──");
        let exited = framed("exited · code 1 · 14:02:11 · crash 2 of 5");
        assert_eq!(unframed(&exited), Some((vec!["exited", "code 1", "crash 2 of 5"], Some("14:02:11"))));
        assert_eq!(unframed(&framed("cleared by 14:02:1x")), Some((vec!["cleared by 14:02:1x"], None)));
        assert_eq!(unframed("exited"), None);
        assert_eq!(begun(&["exited", "code 1"]), "── exited · code 1");
        assert_eq!(in_ascii(&framed("a → b · run it — größer…")), "-- a -> b - run it - größer... --");
    }
}
