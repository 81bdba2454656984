//! The colours of the terminal: what it answers when asked (OSC 4, 10 and 11), and what services get that ask for them.
//!
//! Each dashboard asks its terminal with its first frame; the last answer wins. Without an answer, services get the
//! background of the theme.

use std::fmt::Write;
use std::sync::{Arc, PoisonError, RwLock};

/// Red, green and blue, of 65,535 each.
pub type Rgb = (u16, u16, u16);

/// Colours of the palette that are asked for: those that users choose.
const PALETTE: usize = 16;
/// Values that a question for several may hold.
const VALUES: usize = 64;

/// What is known of the colours of a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TerminalColors {
    /// Colour of text (OSC 10).
    pub foreground: Option<Rgb>,
    /// Colour of the background (OSC 11).
    pub background: Option<Rgb>,
    /// The first of the palette.
    pub palette: [Option<Rgb>; PALETTE],
}

impl TerminalColors {
    /// What asks a terminal for all of them.
    pub fn questions() -> String {
        let mut text = String::from("\x1b]10;?\x1b\\\x1b]11;?\x1b\\");
        for number in 0..PALETTE {
            // Writing to a String cannot fail.
            let _ = write!(text, "\x1b]4;{number};?\x1b\\");
        }
        text
    }

    /// Takes over what a terminal has answered, by the parameters of the OSC sequence. Whether it was an answer.
    pub fn add_answer(&mut self, answer: &[&[u8]]) -> bool {
        let (code, number, value) = match *answer {
            [code, value] => (code, None, value),
            [code, number, value] => (code, Some(number), value),
            _ => return false,
        };
        let (Some(place), Some(color)) = (self.place(code, number), parse(value)) else { return false };
        *place = Some(color);
        true
    }

    fn place(&mut self, code: &[u8], number: Option<&[u8]>) -> Option<&mut Option<Rgb>> {
        match (code, number) {
            (b"10", None) => Some(&mut self.foreground),
            (b"11", None) => Some(&mut self.background),
            (b"4", Some(number)) => self.palette.get_mut(std::str::from_utf8(number).ok()?.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// The answers to an OSC sequence (without its begin and end) of a service: none if it asks for nothing, or for
    /// what is not known. `end` is how it was ended, and the answers are.
    pub(super) fn answers(mut self, question: &str, end: &str) -> String {
        let mut text = String::new();
        let mut parts = question.split(';').take(VALUES);
        let first = parts.next().unwrap_or_default();
        if first == "4" {
            while let (Some(number), Some(value)) = (parts.next(), parts.next()) {
                if let (b"?", Some(Some(color))) = (value.as_bytes(), self.place(b"4", Some(number.as_bytes()))) {
                    let _ = write!(text, "\x1b]4;{number};{}{end}", written(*color));
                }
            }
            return text;
        }
        // Each further value is for the next code.
        let codes = ["10", "11"].into_iter().skip_while(|code| *code != first);
        for (code, value) in codes.zip(parts) {
            if let ("?", Some(Some(color))) = (value, self.place(code.as_bytes(), None)) {
                let _ = write!(text, "\x1b]{code};{}{end}", written(*color));
            }
        }
        text
    }
}

/// `rgb:` with one to four hexadecimal digits for each part. Some terminals add how opaque the colour is (`rgba:`).
fn parse(value: &[u8]) -> Option<Rgb> {
    let text = std::str::from_utf8(value).ok()?;
    let parts = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut parts = parts.split('/').map(|part| {
        let digits = u32::try_from(part.len()).ok().filter(|digits| (1..=4).contains(digits))?;
        let value = part.bytes().try_fold(0, |sum, byte| Some(sum * 16 + char::from(byte).to_digit(16)?))?;
        u16::try_from(value * 0xFFFF / (16u32.pow(digits) - 1)).ok()
    });
    Some((parts.next()??, parts.next()??, parts.next()??))
}

fn written((red, green, blue): Rgb) -> String {
    format!("rgb:{red:04x}/{green:04x}/{blue:04x}")
}

/// The colours that all services of a group are told.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupColors(Arc<RwLock<TerminalColors>>);

impl GroupColors {
    pub(super) fn get(&self) -> TerminalColors {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, colors: TerminalColors) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = colors;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(answers: &[&str]) -> TerminalColors {
        let mut colors = TerminalColors::default();
        for answer in answers {
            let parts: Vec<_> = answer.split(';').map(str::as_bytes).collect();
            assert!(colors.add_answer(&parts), "{answer}");
        }
        colors
    }

    #[test]
    fn what_a_terminal_answers_is_understood() {
        let colors = known(&["10;rgb:ffff/8080/0000", "11;rgba:f/00/12c/ffff", "4;15;rgb:ff/80/00"]);
        assert_eq!(colors.foreground, Some((0xFFFF, 0x8080, 0)));
        assert_eq!(colors.background, Some((0xFFFF, 0, 0x12C1)));
        assert_eq!(colors.palette[15], Some((0xFFFF, 0x8080, 0)));
        for odd in ["11;?", "11;red", "11;rgb:1/2", "11;rgb:+1/2/3", "11;rgb:12345/0/0", "11;rgb://", "4;16;rgb:0/0/0"]
        {
            let parts: Vec<_> = odd.split(';').map(str::as_bytes).collect();
            assert!(!TerminalColors::default().add_answer(&parts), "{odd}");
        }
    }

    #[test]
    fn only_what_is_asked_and_known_is_answered() {
        let colors = known(&["10;rgb:1/2/3", "11;rgb:ff/ff/ff", "4;1;rgb:cd/00/00"]);
        for (question, answer) in [
            ("10;?", "\x1b]10;rgb:1111/2222/3333!"),
            ("11;?", "\x1b]11;rgb:ffff/ffff/ffff!"),
            ("10;?;?", "\x1b]10;rgb:1111/2222/3333!\x1b]11;rgb:ffff/ffff/ffff!"),
            ("4;1;?;2;?;1;?", "\x1b]4;1;rgb:cdcd/0000/0000!\x1b]4;1;rgb:cdcd/0000/0000!"),
            ("4;1", ""),
            ("4;1;#ff0000", ""),
            ("4;-1;?", ""),
            ("11;#ff0000", ""),
            ("12;?", ""),
            ("2;?", ""),
            ("", ""),
        ] {
            assert_eq!(colors.answers(question, "!"), answer, "{question}");
            assert_eq!(TerminalColors::default().answers(question, "!"), "", "{question}");
        }
    }
}
