//! What the user types, clicks and pastes: from the bytes of the terminal to events.
//!
//! Not crossterm's reader: when the terminal is closed it reads the end of file for ever (its loop knows only "would
//! block"), and half a sequence (Alt-[) blocks it until the next key. Its event types are used.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::last_answer;
use crate::logs::TerminalColors;

/// Something the user did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A key was pressed or repeats.
    Key(KeyEvent),
    /// A button, a movement, or the wheel.
    Mouse(MouseEvent),
    /// Text was pasted. Its line ends are `\n`.
    Paste(String),
    /// The window has got the focus, or lost it.
    Focus(bool),
}

/// Standard input as the runtime waits for it.
#[derive(Debug)]
pub(super) struct Keyboard {
    fd: AsyncFd<BorrowedFd<'static>>,
}

impl Keyboard {
    /// Standard input.
    ///
    /// # Errors
    /// The operating system cannot wait for it.
    #[expect(deprecated, reason = "what replaces it is unsafe; standard input is never closed, so it is sound here")]
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { fd: AsyncFd::with_interest(rustix::stdio::stdin(), Interest::READABLE)? })
    }

    /// The next bytes; 0 at the end. Loses nothing when it is dropped while it waits.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut guard = self.fd.readable().await?;
            // The descriptor is shared with whoever started us and stays blocking: ask before each read.
            let mut fds = [PollFd::new(guard.get_inner(), PollFlags::IN)];
            match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
                Ok(0) => guard.clear_ready(),
                Ok(_) => match rustix::io::read(guard.get_inner(), &mut *buffer) {
                    Ok(count) => {
                        last_answer::read(buffer.get(..count).unwrap_or_default());
                        return Ok(count);
                    }
                    Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                    Err(error) => return Err(error.into()),
                },
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

const ESC: u8 = 0x1b;

/// So long a lone ESC may be the beginning of a sequence.
const ESCAPE: Duration = Duration::from_millis(30);
/// So long an answer of the terminal may pause, on its way from far away: the rest of it would be keys.
const ANSWER: Duration = Duration::from_secs(1);
/// The longest paste that is kept; the rest is dropped.
const PASTE_LIMIT: usize = 1 << 20;

/// Turns bytes into events; keeps what is incomplete.
#[derive(Default)]
pub(super) struct Decoder {
    parser: vte::Parser,
    sink: Sink,
    /// The first bytes of what is incomplete; empty if nothing is.
    begun: Vec<u8>,
}

impl Decoder {
    /// Takes bytes as they come.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<Input>) {
        for byte in bytes {
            self.take_byte(*byte);
        }
        out.append(&mut self.sink.events);
    }

    fn take_byte(&mut self, byte: u8) {
        if self.begun == [ESC] && self.sink.paste.is_none() && self.after_escape(byte) {
            return;
        }
        self.sink.done = false;
        self.parser.advance(&mut self.sink, &[byte]);
        if byte == ESC && !self.is_in_string() {
            self.begun.clear();
        }
        if self.sink.done {
            self.begun.clear();
        } else if self.begun.len() < 3 {
            self.begun.push(byte);
        }
    }

    /// ESC and one more byte is Alt with a key, unless the byte goes on with a sequence. The parser does not see these:
    /// it would take a control character for a key of its own, and a space for the begin of a sequence.
    fn after_escape(&mut self, byte: u8) -> bool {
        match byte {
            ESC => self.sink.key(KeyCode::Esc, KeyModifiers::NONE),
            b'[' | b']' | b'O' | b'P' | b'X' | b'^' | b'_' => {}
            0x80.. => {
                // The begin of a character.
                self.forget();
                self.sink.alt = true;
            }
            0..0x20 | 0x7f => {
                self.forget();
                let (code, modifiers) = control_key(byte);
                self.sink.key(code, modifiers | KeyModifiers::ALT);
                return true;
            }
            0x20..0x7f => {
                self.forget();
                self.sink.key(KeyCode::Char(char::from(byte)), KeyModifiers::ALT);
                return true;
            }
        }
        false
    }

    /// A string that only ESC \ ends, and of which the parser tells nothing.
    fn is_in_string(&self) -> bool {
        matches!(self.begun.get(1), Some(b'X' | b'^' | b'_'))
    }

    fn forget(&mut self) {
        self.parser = vte::Parser::new();
        self.begun.clear();
        (self.sink.ss3, self.sink.alt) = (false, false);
    }

    /// Something is incomplete: if nothing more comes within that time, call [`Decoder::give_up`].
    pub(super) fn patience(&self) -> Option<Duration> {
        if self.begun.is_empty() || self.sink.paste.is_some() {
            return None;
        }
        let is_answer = self.begun.starts_with(b"\x1b]") && self.begun.len() > 2 || self.begun == b"\x1b[?";
        Some(if is_answer { ANSWER } else { ESCAPE })
    }

    /// What the terminal has told of its colours since this was asked last.
    pub(super) fn take_colors(&mut self) -> Option<TerminalColors> {
        std::mem::take(&mut self.sink.told).then_some(self.sink.colors)
    }

    /// Whether the terminal has answered the last question (DA1) since this was asked last.
    pub(super) fn take_last_answer(&mut self) -> bool {
        std::mem::take(&mut self.sink.answered)
    }

    /// Nothing more has come: a lone ESC is the key, and one more character is Alt with it; the rest is dropped.
    pub(super) fn give_up(&mut self, out: &mut Vec<Input>) {
        match *self.begun.as_slice() {
            [ESC] => self.sink.key(KeyCode::Esc, KeyModifiers::NONE),
            [ESC, byte @ 0x20..0x7f] => self.sink.key(KeyCode::Char(char::from(byte)), KeyModifiers::ALT),
            _ => {}
        }
        self.forget();
        out.append(&mut self.sink.events);
    }
}

/// Where the parser puts what it has understood.
#[derive(Default)]
struct Sink {
    events: Vec<Input>,
    /// The text of a bracketed paste that has not ended.
    paste: Option<String>,
    /// `ESC O` was seen: the next character is a function key.
    ss3: bool,
    /// ESC was seen: the character that follows has Alt.
    alt: bool,
    /// The last byte completed something, understood or not.
    done: bool,
    /// All that the terminal has told of its colours, and whether it was something new.
    colors: TerminalColors,
    told: bool,
    /// It has answered what it is (DA1).
    answered: bool,
}

impl Sink {
    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.events.push(Input::Key(KeyEvent::new(code, modifiers)));
    }

    /// A key by its code, as the kitty protocol and xterm's modifyOtherKeys send those that have no sequence of their own.
    fn coded_key(&mut self, code: u16, modifiers: KeyModifiers) {
        /// The codes of the kitty protocol for keys that are no character.
        const PRIVATE: std::ops::RangeInclusive<u16> = 57_344..=63_743;
        let shift = modifiers.contains(KeyModifiers::SHIFT);
        match u8::try_from(code) {
            Ok(b'\t') if shift => self.key(KeyCode::BackTab, modifiers),
            Ok(byte @ (0..0x20 | 0x7f)) => self.key(control_key(byte).0, modifiers),
            _ if PRIVATE.contains(&code) => {
                if let Some((code, state)) = private_key(code) {
                    self.events.push(Input::Key(KeyEvent { state, ..KeyEvent::new(code, modifiers) }));
                }
            }
            _ => {
                if let Some(c) = char::from_u32(u32::from(code)) {
                    self.key(KeyCode::Char(c), modifiers);
                }
            }
        }
    }

    fn paste_char(&mut self, c: char) -> bool {
        let Some(text) = &mut self.paste else { return false };
        if text.len() < PASTE_LIMIT {
            text.push(c);
        }
        true
    }
}

impl vte::Perform for Sink {
    fn print(&mut self, c: char) {
        self.done = true;
        if self.paste_char(c) {
            return;
        }
        if std::mem::take(&mut self.ss3) {
            if let Some(code) = keypad_key(c) {
                let (kind, state) = (KeyEventKind::Press, KeyEventState::KEYPAD);
                let event = KeyEvent::new_with_kind_and_state(code, KeyModifiers::NONE, kind, state);
                self.events.push(Input::Key(event));
            } else if let Some(code) = letter_key(c) {
                self.key(code, KeyModifiers::NONE);
            }
            return;
        }
        // DEL is printable to the parser.
        let code = if c == '\u{7f}' { KeyCode::Backspace } else { KeyCode::Char(c) };
        let alt = if std::mem::take(&mut self.alt) { KeyModifiers::ALT } else { KeyModifiers::NONE };
        self.key(code, alt);
    }

    fn execute(&mut self, byte: u8) {
        self.done = true;
        if self.paste_char(char::from(byte)) {
            return;
        }
        let (code, modifiers) = control_key(byte);
        self.key(code, modifiers);
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        // What else comes here is the end of a string.
        self.ss3 = byte == b'O' && self.paste.is_none();
        self.done = !self.ss3;
    }

    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], _: bool, action: char) {
        self.done = true;
        let mut numbers = [0u16; 4];
        for (slot, param) in numbers.iter_mut().zip(params.iter()) {
            *slot = param.first().copied().unwrap_or(0);
        }
        let event_kind = params.iter().nth(1).and_then(|param| param.get(1)).copied().unwrap_or(1);
        let [first, second, third, _] = numbers;
        match (intermediates, action) {
            ([], '~') if first == 200 => self.paste = Some(String::new()),
            ([], '~') if first == 201 => {
                if let Some(text) = self.paste.take() {
                    self.events.push(Input::Paste(text.replace("\r\n", "\n").replace('\r', "\n")));
                }
            }
            _ if self.paste.is_some() => {}
            (b"<", 'M' | 'm') => {
                if let Some(event) = mouse(first, second, third, action == 'm') {
                    self.events.push(Input::Mouse(event));
                }
            }
            (b"?", 'c') => self.answered = true,
            ([], 'I' | 'O') if params.iter().all(|param| param == [0]) => self.events.push(Input::Focus(action == 'I')),
            // The kitty protocol tells releases as kind 3.
            ([], _) if event_kind == 3 => {}
            ([], 'Z') => self.key(KeyCode::BackTab, KeyModifiers::SHIFT),
            ([], 'u') => self.coded_key(first, modifiers(second)),
            // xterm's modifyOtherKeys.
            ([], '~') if first == 27 => self.coded_key(third, modifiers(second)),
            ([], '~') => {
                if let Some(code) = number_key(first) {
                    self.key(code, modifiers(second));
                }
            }
            ([], _) => {
                if let Some(code) = letter_key(action) {
                    self.key(code, modifiers(second));
                }
            }
            _ => {}
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        self.done = true;
        self.told |= self.paste.is_none() && self.colors.add_answer(params);
    }

    fn unhook(&mut self) {
        self.done = true;
    }
}

/// A byte below space, or DEL: the keys that have a name, else Ctrl and the letter.
fn control_key(byte: u8) -> (KeyCode, KeyModifiers) {
    match byte {
        b'\r' => (KeyCode::Enter, KeyModifiers::NONE),
        b'\t' => (KeyCode::Tab, KeyModifiers::NONE),
        0x7f => (KeyCode::Backspace, KeyModifiers::NONE),
        // Ctrl-H, or the key itself on some terminals.
        0x08 => (KeyCode::Backspace, KeyModifiers::CONTROL),
        0x1b => (KeyCode::Esc, KeyModifiers::NONE),
        0 => (KeyCode::Char(' '), KeyModifiers::CONTROL),
        1..0x1b => (KeyCode::Char(char::from(byte - 1 + b'a')), KeyModifiers::CONTROL),
        _ => (KeyCode::Char(char::from(byte.wrapping_sub(0x1c).wrapping_add(b'4'))), KeyModifiers::CONTROL),
    }
}

/// `CSI … letter` and `ESC O letter`.
fn letter_key(letter: char) -> Option<KeyCode> {
    Some(match letter {
        'A' => KeyCode::Up,
        'B' => KeyCode::Down,
        'C' => KeyCode::Right,
        'D' => KeyCode::Left,
        'E' => KeyCode::KeypadBegin,
        'F' => KeyCode::End,
        'H' => KeyCode::Home,
        'P' => KeyCode::F(1),
        'Q' => KeyCode::F(2),
        'R' => KeyCode::F(3),
        'S' => KeyCode::F(4),
        _ => return None,
    })
}

/// `ESC O letter` of the keypad in application mode.
fn keypad_key(letter: char) -> Option<KeyCode> {
    Some(match letter {
        'M' => KeyCode::Enter,
        'X' => KeyCode::Char('='),
        // `*` to `/`, then the digits.
        'j'..='y' => KeyCode::Char(char::from(u8::try_from(letter).ok()? - b'j' + b'*')),
        _ => return None,
    })
}

/// The kitty protocol's codes for the keypad, and for function keys beyond those of a terminal.
fn private_key(code: u16) -> Option<(KeyCode, KeyEventState)> {
    const KEYPAD: [KeyCode; 29] = [
        KeyCode::Char('0'),
        KeyCode::Char('1'),
        KeyCode::Char('2'),
        KeyCode::Char('3'),
        KeyCode::Char('4'),
        KeyCode::Char('5'),
        KeyCode::Char('6'),
        KeyCode::Char('7'),
        KeyCode::Char('8'),
        KeyCode::Char('9'),
        KeyCode::Char('.'),
        KeyCode::Char('/'),
        KeyCode::Char('*'),
        KeyCode::Char('-'),
        KeyCode::Char('+'),
        KeyCode::Enter,
        KeyCode::Char('='),
        KeyCode::Char(','),
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Insert,
        KeyCode::Delete,
        KeyCode::KeypadBegin,
    ];
    match code {
        57_376..=57_398 => Some((KeyCode::F(u8::try_from(code - 57_376 + 13).ok()?), KeyEventState::NONE)),
        57_399..=57_427 => Some((*KEYPAD.get(usize::from(code - 57_399))?, KeyEventState::KEYPAD)),
        _ => None,
    }
}

/// `CSI number ~`.
fn number_key(number: u16) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(u8::try_from(number - 10).ok()?),
        17..=21 => KeyCode::F(u8::try_from(number - 11).ok()?),
        23..=26 => KeyCode::F(u8::try_from(number - 12).ok()?),
        28..=29 => KeyCode::F(u8::try_from(number - 13).ok()?),
        31..=34 => KeyCode::F(u8::try_from(number - 14).ok()?),
        _ => return None,
    })
}

/// The second parameter: 1 + bits (xterm's "PC-Style Function Keys").
fn modifiers(parameter: u16) -> KeyModifiers {
    let bits = parameter.saturating_sub(1);
    let mut modifiers = KeyModifiers::NONE;
    for (bit, modifier) in [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)] {
        modifiers.set(modifier, bits & bit != 0);
    }
    modifiers
}

/// `CSI < buttons ; column ; row M` or `m` (xterm's mode 1006).
fn mouse(buttons: u16, column: u16, row: u16, released: bool) -> Option<MouseEvent> {
    let button = match buttons & 3 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    };
    let kind = match (buttons & 0b1110_0000, button) {
        (64, _) => match buttons & 3 {
            0 => MouseEventKind::ScrollUp,
            1 => MouseEventKind::ScrollDown,
            2 => MouseEventKind::ScrollLeft,
            _ => MouseEventKind::ScrollRight,
        },
        (32, None) => MouseEventKind::Moved,
        (0 | 32, Some(button)) if released => MouseEventKind::Up(button),
        (32, Some(button)) => MouseEventKind::Drag(button),
        (0, Some(button)) => MouseEventKind::Down(button),
        _ => return None,
    };
    let mut modifiers = KeyModifiers::NONE;
    for (bit, modifier) in [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)] {
        modifiers.set(modifier, buttons & bit != 0);
    }
    Some(MouseEvent { kind, column: column.saturating_sub(1), row: row.saturating_sub(1), modifiers })
}

#[cfg(test)]
mod tests;
