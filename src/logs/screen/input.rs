//! From bytes to what they ask for: text and plain SGR by the short way, other sequences through `vte`, strings (OSC,
//! DCS and their like) dropped.

use vte::Parser;

use super::TerminalScreen;
use super::control::Controls;
use super::sgr;
use crate::logs::Style;

/// The state between two pieces of output, which may be cut anywhere.
#[derive(Default)]
pub(in crate::logs) struct Input {
    parser: Parser,
    state: InputState,
    /// The beginning of a character whose end has not arrived.
    partial: Vec<u8>,
    /// The beginning of a string that may be a question.
    question: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum InputState {
    /// Text, outside of any sequence.
    #[default]
    Ground,
    /// In a sequence. `escape`: its last byte was ESC.
    Sequence { escape: bool },
    /// In a string that is dropped.
    String { kind: StringKind, length: usize },
}

/// Strings differ in what ends them, beside ESC, CAN and SUB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StringKind {
    /// Ended by BEL as well.
    Osc,
    /// The C1 control ST.
    Dcs,
    /// The title of a window of GNU screen: any control character, since it has none.
    Title,
    /// Nothing else ends it.
    Other,
}

const ESC: u8 = 0x1B;
const BEL: u8 = 0x07;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1A;
const ST: u8 = 0x9C;

/// Output that a string without an end may swallow: more than any picture that is sent this way.
const LONGEST_STRING: usize = 1024 * 1024;
/// A string that asks for something is not longer.
const QUESTION: usize = 256;
/// Nor is one that tells where a link leads.
const LINK: usize = 2560;
/// Parameters of an SGR sequence that takes the short way.
const SHORT_SGR: usize = 16;

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("state", &self.state).field("partial", &self.partial).finish_non_exhaustive()
    }
}

impl Input {
    /// Carries out what the bytes ask for.
    pub(in crate::logs) fn advance(&mut self, screen: &mut TerminalScreen, bytes: &[u8]) {
        // Output is found to be UTF-8 in one go, up to where it is not: asking for each stretch of text costs more.
        let (mut valid, mut valid_start) = ("", 0);
        let mut place = 0;
        // What of the output was not yet looked through for lines that scroll through: so many bytes at its end.
        let mut unseen = bytes.len();
        while let Some(rest @ [first, ..]) = bytes.get(place..) {
            place += match self.state {
                InputState::Ground if !self.partial.is_empty() => self.complete_character(screen, *first),
                InputState::Ground => {
                    if place >= valid_start + valid.len() {
                        (valid, valid_start) = (valid_prefix(rest), place);
                    }
                    // Nothing where a sequence has ended in the middle of a character.
                    let text = valid.get(place - valid_start..).unwrap_or_default();
                    self.ground(screen, rest, text, &mut unseen)
                }
                InputState::Sequence { escape } => self.sequence(screen, *first, escape),
                InputState::String { kind, length } => self.string(screen, rest, kind, length),
            };
        }
    }

    /// Carries out the next step; returns the bytes that it took. `valid` is the beginning of `bytes`, as text.
    fn ground(&mut self, screen: &mut TerminalScreen, bytes: &[u8], valid: &str, unseen: &mut usize) -> usize {
        match bytes {
            [b' '..=b'~', ..] => {
                let length = printable_prefix(bytes);
                screen.print_ascii(valid.get(..length).unwrap_or_default());
                length
            }
            [b'\r', b'\n', ..] => {
                screen.go_to_column(0);
                screen.linefeed();
                let rest = bytes.len() - 2;
                if rest > *unseen {
                    return 2;
                }
                let (taken, seen) = screen.pass_through(valid.get(2..).unwrap_or_default());
                *unseen = rest - seen;
                2 + taken
            }
            [ESC, rest @ ..] => match short_sgr(screen.style_mut(), rest) {
                Some(length) => 1 + length,
                None => self.sequence(screen, ESC, false),
            },
            [control @ ..0x20, ..] => {
                screen.execute(*control);
                1
            }
            [0x7F, ..] => 1,
            _ => self.characters(screen, bytes, valid),
        }
    }

    /// Text that begins with a character beyond ASCII, up to the next control character.
    fn characters(&mut self, screen: &mut TerminalScreen, bytes: &[u8], valid: &str) -> usize {
        let length = text_prefix(bytes);
        if let Some(text) = valid.get(..length) {
            screen.print_text(text);
            return length;
        }
        let run = bytes.get(..length).unwrap_or_default();
        let mut place = 0;
        for chunk in run.utf8_chunks() {
            place += chunk.valid().len() + chunk.invalid().len();
            screen.print_text(chunk.valid());
            match chunk.invalid() {
                // C1 controls as single bytes are ignored: they are no UTF-8, and nobody uses them.
                [] | [0x80..=0x9F] => {}
                cut if place == bytes.len() && is_cut(cut) => self.partial.extend_from_slice(cut),
                _ => screen.print(char::REPLACEMENT_CHARACTER),
            }
        }
        length
    }

    /// Goes on with a character that was cut. Returns how many bytes were used: 0 if this one does not belong to it.
    fn complete_character(&mut self, screen: &mut TerminalScreen, byte: u8) -> usize {
        self.partial.push(byte);
        match std::str::from_utf8(&self.partial) {
            Ok(text) => {
                text.chars().for_each(|c| screen.print(c));
                self.partial.clear();
                1
            }
            Err(error) if error.error_len().is_none() => 1,
            Err(_) => {
                screen.print(char::REPLACEMENT_CHARACTER);
                self.partial.clear();
                0
            }
        }
    }

    fn sequence(&mut self, screen: &mut TerminalScreen, byte: u8, escape: bool) -> usize {
        let string = match byte {
            b']' => Some(StringKind::Osc),
            b'P' => Some(StringKind::Dcs),
            b'k' => Some(StringKind::Title),
            b'X' | b'^' | b'_' => Some(StringKind::Other),
            _ => None,
        };
        if let (true, Some(kind)) = (escape, string) {
            self.question.clear();
            self.state = InputState::String { kind, length: 0 };
            return 1;
        }
        if byte == ESC && !escape {
            // The parser begins anew with an ESC in any state; a new one has no leftovers.
            self.parser = Parser::new();
        }
        let mut controls = Controls { screen, complete: false };
        self.parser.advance(&mut controls, &[byte]);
        self.state = if controls.complete { InputState::Ground } else { InputState::Sequence { escape: byte == ESC } };
        1
    }

    fn string(&mut self, screen: &mut TerminalScreen, bytes: &[u8], kind: StringKind, length: usize) -> usize {
        let ends = |byte: &u8| match *byte {
            ESC | CAN | SUB => true,
            BEL => matches!(kind, StringKind::Osc | StringKind::Title),
            ST => kind == StringKind::Dcs,
            ..0x20 => kind == StringKind::Title,
            _ => false,
        };
        let room = LONGEST_STRING.saturating_sub(length);
        let longest = if kind == StringKind::Osc { LINK } else { QUESTION };
        let end = bytes.iter().take(room).position(ends);
        if matches!(kind, StringKind::Dcs | StringKind::Osc) && length <= longest {
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            self.question.extend(part.iter().take(longest + 1 - self.question.len().min(longest)));
        }
        match end {
            Some(end) => {
                // An ESC is the beginning of ST, or of whatever interrupts the string.
                let escape = bytes.get(end) == Some(&ESC);
                if self.question.len() > longest && kind == StringKind::Osc {
                    screen.skip_system_command(&self.question);
                } else if self.question.len() <= longest && !matches!(bytes.get(end), Some(&(CAN | SUB))) {
                    let question = std::mem::take(&mut self.question);
                    match kind {
                        StringKind::Dcs => screen.device_control(&question),
                        StringKind::Osc => screen.system_command(&question, if escape { "\x1b\\" } else { "\x07" }),
                        StringKind::Title | StringKind::Other => {}
                    }
                }
                self.state = InputState::Ground;
                // A line end behind a title that has none is one.
                let stays = kind == StringKind::Title && matches!(bytes.get(end), Some(&(b'\t'..=b'\r')));
                end + usize::from(!escape && !stays)
            }
            None if bytes.len() < room => {
                self.state = InputState::String { kind, length: length + bytes.len() };
                bytes.len()
            }
            None => {
                self.state = InputState::Ground;
                room
            }
        }
    }
}

/// The bytes could be the beginning of a character; only the last ones of a text are.
fn is_cut(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// What of the bytes is UTF-8, from the first one on.
fn valid_prefix(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let (valid, _) = bytes.split_at(error.valid_up_to());
            std::str::from_utf8(valid).unwrap_or_default()
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Length of the printable ASCII at the beginning, eight bytes at a time.
pub(super) fn printable_prefix(bytes: &[u8]) -> usize {
    let mut length = 0;
    for chunk in bytes.chunks_exact(8) {
        let Ok(eight) = <[u8; 8]>::try_from(chunk) else { break };
        let word = u64::from_le_bytes(eight);
        // A borrow or carry out of a byte can only come from one that is not printable itself, so that the lowest bit
        // that is set is right.
        let below_space = word.wrapping_sub(ONES * 0x20);
        let above_tilde = word.wrapping_add(ONES);
        let odd = (word | below_space | above_tilde) & HIGH;
        if odd != 0 {
            return length + odd.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length + rest.iter().position(|byte| !(b' '..=b'~').contains(byte)).unwrap_or(rest.len())
}

/// Length of what has no control characters of one byte at the beginning, eight bytes at a time.
fn text_prefix(bytes: &[u8]) -> usize {
    let mut length = 0;
    for chunk in bytes.chunks_exact(8) {
        let Ok(eight) = <[u8; 8]>::try_from(chunk) else { break };
        let word = u64::from_le_bytes(eight);
        // As in `printable_prefix`; the lowest bit that is set is right.
        let below_space = word.wrapping_sub(ONES * 0x20) & !word;
        let delete = word ^ (ONES * 0x7F);
        let odd = (below_space | delete.wrapping_sub(ONES) & !delete) & HIGH;
        if odd != 0 {
            return length + odd.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length + rest.iter().position(|byte| matches!(byte, ..0x20 | 0x7F)).unwrap_or(rest.len())
}

/// `[ 1 ; 31 m` after an ESC, without colons and not too long: most sequences of a log. Returns its length.
pub(super) fn short_sgr(style: &mut Style, bytes: &[u8]) -> Option<usize> {
    let digit = |byte: u8| u16::from(byte - b'0');
    match *bytes {
        [b'[', b'm', ..] => {
            style.reset();
            return Some(2);
        }
        [b'[', one @ b'0'..=b'9', b'm', ..] => {
            sgr::apply_one(style, digit(one));
            return Some(3);
        }
        [b'[', ten @ b'0'..=b'9', one @ b'0'..=b'9', b'm', ..] => {
            sgr::apply_one(style, digit(ten) * 10 + digit(one));
            return Some(4);
        }
        _ => {}
    }
    let parameters = bytes.strip_prefix(b"[")?;
    let mut numbers = [0u16; SHORT_SGR];
    let mut last = 0;
    for (index, byte) in parameters.iter().enumerate() {
        let number = numbers.get_mut(last)?;
        match byte {
            b'0'..=b'9' => *number = number.saturating_mul(10).saturating_add(u16::from(byte - b'0')),
            b';' => last += 1,
            b'm' => {
                sgr::apply(style, numbers.get(..=last)?.chunks(1));
                return Some(index + 2);
            }
            _ => return None,
        }
    }
    None
}
