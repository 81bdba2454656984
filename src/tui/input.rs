//! What the user types, clicks and pastes: from the bytes of the terminal to events.
//!
//! Not crossterm's reader: when the terminal is closed it reads the end of file for ever (its loop knows only "would
//! block"), and half a sequence (Alt-[) blocks it until the next key. Its event types are used.

use std::io;
use std::os::fd::BorrowedFd;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Something the user did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A key was pressed or repeats.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
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
                    Ok(count) => return Ok(count),
                    Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                    Err(error) => return Err(error.into()),
                },
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The longest paste that is kept; the rest is dropped.
const PASTE_LIMIT: usize = 1 << 20;

/// Turns bytes into events; keeps what is incomplete.
#[derive(Default)]
pub(super) struct Decoder {
    parser: vte::Parser,
    sink: Sink,
    /// The last byte did not complete anything.
    open: bool,
    /// All that is incomplete is one ESC.
    lone_escape: bool,
}

impl Decoder {
    /// Takes bytes as they come.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<Input>) {
        for byte in bytes {
            if *byte == 0x1b && self.lone_escape && self.sink.paste.is_none() {
                self.sink.key(KeyCode::Esc, KeyModifiers::NONE);
            }
            self.sink.done = false;
            self.parser.advance(&mut self.sink, &[*byte]);
            self.open = !self.sink.done;
            self.lone_escape = *byte == 0x1b && self.open;
        }
        out.append(&mut self.sink.events);
    }

    /// Something is incomplete: if nothing more comes within a few milliseconds, call [`Decoder::give_up`].
    pub(super) fn is_waiting(&self) -> bool {
        self.open && self.sink.paste.is_none()
    }

    /// Nothing more has come: a lone ESC is the key; half a sequence is dropped.
    pub(super) fn give_up(&mut self, out: &mut Vec<Input>) {
        if self.lone_escape {
            self.sink.key(KeyCode::Esc, KeyModifiers::NONE);
        } else if self.sink.ss3 {
            self.sink.key(KeyCode::Char('O'), KeyModifiers::ALT);
        }
        self.sink.ss3 = false;
        self.parser = vte::Parser::new();
        self.open = false;
        self.lone_escape = false;
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
    /// The last byte completed something, understood or not.
    done: bool,
}

impl Sink {
    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.events.push(Input::Key(KeyEvent::new(code, modifiers)));
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
            if let Some(code) = letter_key(c) {
                self.key(code, KeyModifiers::NONE);
            }
            return;
        }
        // DEL is printable to the parser.
        let code = if c == '\u{7f}' { KeyCode::Backspace } else { KeyCode::Char(c) };
        self.key(code, KeyModifiers::NONE);
    }

    fn execute(&mut self, byte: u8) {
        self.done = true;
        if self.paste_char(if byte == b'\r' { '\n' } else { char::from(byte) }) {
            return;
        }
        let (code, modifiers) = control_key(byte);
        self.key(code, modifiers);
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        if self.paste.is_some() {
            self.done = true;
        } else if byte == b'O' {
            self.ss3 = true;
        } else {
            self.done = true;
            match byte {
                // The end of a string that nobody began.
                b'\\' => {}
                b'\x7f' => self.key(KeyCode::Backspace, KeyModifiers::ALT),
                _ => self.key(KeyCode::Char(char::from(byte)), KeyModifiers::ALT),
            }
        }
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
                    self.events.push(Input::Paste(text));
                }
            }
            _ if self.paste.is_some() => {}
            (b"<", 'M' | 'm') => {
                if let Some(event) = mouse(first, second, third, action == 'm') {
                    self.events.push(Input::Mouse(event));
                }
            }
            // The kitty protocol tells releases as kind 3.
            ([], _) if event_kind == 3 => {}
            ([], 'Z') => self.key(KeyCode::BackTab, KeyModifiers::SHIFT),
            ([], 'u') => {
                if let Some(c) = char::from_u32(u32::from(first)) {
                    let code = match u8::try_from(first) {
                        Ok(byte @ (0..0x20 | 0x7f)) => control_key(byte).0,
                        _ => KeyCode::Char(c),
                    };
                    self.key(code, modifiers(second));
                }
            }
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

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.done = true;
    }

    fn unhook(&mut self) {
        self.done = true;
    }
}

/// A byte below space, or DEL: the keys that have a name, else Ctrl and the letter.
fn control_key(byte: u8) -> (KeyCode, KeyModifiers) {
    match byte {
        b'\r' | b'\n' => (KeyCode::Enter, KeyModifiers::NONE),
        b'\t' => (KeyCode::Tab, KeyModifiers::NONE),
        0x08 | 0x7f => (KeyCode::Backspace, KeyModifiers::NONE),
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
        'F' => KeyCode::End,
        'H' => KeyCode::Home,
        'M' => KeyCode::Enter,
        'P' => KeyCode::F(1),
        'Q' => KeyCode::F(2),
        'R' => KeyCode::F(3),
        'S' => KeyCode::F(4),
        _ => return None,
    })
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
        23..=24 => KeyCode::F(u8::try_from(number - 12).ok()?),
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
        0 => MouseButton::Left,
        1 => MouseButton::Middle,
        2 => MouseButton::Right,
        _ => return None,
    };
    let kind = match (buttons & 64 != 0, buttons & 3) {
        (true, 0) => MouseEventKind::ScrollUp,
        (true, 1) => MouseEventKind::ScrollDown,
        (true, _) => return None,
        (false, _) if released => MouseEventKind::Up(button),
        (false, _) if buttons & 32 != 0 => MouseEventKind::Drag(button),
        (false, _) => MouseEventKind::Down(button),
    };
    let mut modifiers = KeyModifiers::NONE;
    for (bit, modifier) in [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)] {
        modifiers.set(modifier, buttons & bit != 0);
    }
    Some(MouseEvent { kind, column: column.saturating_sub(1), row: row.saturating_sub(1), modifiers })
}

#[cfg(test)]
mod tests;
