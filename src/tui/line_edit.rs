//! A line that is being typed: what keys do to it, wherever that is.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keymap::Key;

/// Carries out a key: a character, Backspace, Ctrl-W for the last word, Ctrl-U for all of it, as in a shell. Whether it
/// was one of these.
pub(super) fn edit(line: &mut String, event: KeyEvent, limit: usize) -> bool {
    if let Some(c) = Key::from(event).plain_char() {
        add(line, c.encode_utf8(&mut [0; 4]), limit);
        return true;
    }
    match event.code {
        KeyCode::Backspace => {
            line.pop();
        }
        KeyCode::Char('u') if event.modifiers == KeyModifiers::CONTROL => line.clear(),
        KeyCode::Char('w') if event.modifiers == KeyModifiers::CONTROL => {
            let rest = line.trim_end().trim_end_matches(|c: char| !c.is_whitespace()).len();
            line.truncate(rest);
        }
        _ => return false,
    }
    true
}

/// Adds text, as far as there is room for so many characters.
pub(super) fn add(line: &mut String, text: &str, limit: usize) {
    let room = limit.saturating_sub(line.chars().count());
    line.extend(text.chars().filter(|c| !c.is_control()).take(room));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ctrl(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    #[test]
    fn words_and_all_of_it_go_as_in_a_shell() {
        let mut line = String::from("  slow quéry /api");
        for left in ["  slow quéry ", "  slow ", "  ", "", ""] {
            assert!(edit(&mut line, ctrl('w'), 99));
            assert_eq!(line, left);
        }
        add(&mut line, "ab\tcd", 3);
        assert_eq!(line, "abc");
        assert!(edit(&mut line, KeyEvent::from(KeyCode::Char('d')), 3));
        assert_eq!(line, "abc", "no more than there is room for");
        assert!(edit(&mut line, KeyEvent::from(KeyCode::Backspace), 3));
        assert_eq!(line, "ab");
        assert!(edit(&mut line, ctrl('u'), 3) && line.is_empty());
        assert!(!edit(&mut line, ctrl('d'), 3));
        assert!(!edit(&mut line, KeyEvent::from(KeyCode::Enter), 3));
    }
}
