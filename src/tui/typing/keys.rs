//! Keys and pastes as a terminal sends them: xterm's defaults ("Xterm Control Sequences", PC-Style Function Keys and
//! VT220-Style Function Keys), in the modes that the service has asked for.

use crossterm::event::{KeyCode, KeyEvent, KeyEventState, KeyModifiers};

use crate::logs::{ExtendedKeys, InputModes};

const ESC: u8 = 0x1b;

/// The bytes of a key; none if a terminal sends nothing for it.
pub(in crate::tui) fn encode(key: KeyEvent, modes: InputModes) -> Vec<u8> {
    let KeyEvent { code, modifiers, state, .. } = key;
    if state.contains(KeyEventState::KEYPAD)
        && modes.application_keypad
        && let Some(letter) = keypad_letter(code)
    {
        return vec![ESC, b'O', letter];
    }
    if let Some(form) = function_key(code) {
        return sequence(form, modifiers, modes);
    }
    if let Some(bytes) = extended(key, modes.extended_keys) {
        return bytes;
    }
    let ctrl = modifiers.contains(KeyModifiers::CONTROL);
    let mut bytes = match code {
        KeyCode::Char(c) if ctrl => match control_byte(c) {
            Some(byte) => vec![byte],
            None => utf8(c),
        },
        KeyCode::Char(c) if modifiers.contains(KeyModifiers::SHIFT) => c.to_uppercase().flat_map(utf8).collect(),
        KeyCode::Char(c) => utf8(c),
        KeyCode::Enter if ctrl => vec![b'\n'],
        KeyCode::Enter if modes.newline => vec![b'\r', b'\n'],
        KeyCode::Enter => vec![b'\r'],
        KeyCode::Tab => vec![b'\t'],
        KeyCode::BackTab => vec![ESC, b'[', b'Z'],
        KeyCode::Backspace => vec![if ctrl { 0x08 } else { 0x7f }],
        KeyCode::Esc => vec![ESC],
        _ => return Vec::new(),
    };
    if modifiers.contains(KeyModifiers::ALT) {
        bytes.insert(0, ESC);
    }
    bytes
}

/// A key in a form that tells it from all others, if the service has asked for that and it has such a form.
fn extended(key: KeyEvent, asked: ExtendedKeys) -> Option<Vec<u8>> {
    let modifiers = match key.code {
        KeyCode::BackTab => key.modifiers | KeyModifiers::SHIFT,
        _ => key.modifiers,
    };
    let (ctrl, alt) = (modifiers.contains(KeyModifiers::CONTROL), modifiers.contains(KeyModifiers::ALT));
    let shift = modifiers.contains(KeyModifiers::SHIFT);
    let (number, lost) = match key.code {
        // A terminal without such forms has sent a control character, which may have been Ctrl-\ as well as Ctrl-4.
        KeyCode::Char('4'..='7') if modifiers == KeyModifiers::CONTROL => return None,
        // With Shift alone it is another character, and is sent as that.
        KeyCode::Char(c) if ctrl || alt => {
            let number = u16::try_from(u32::from(c.to_ascii_lowercase())).ok()?;
            (number, ctrl && (shift || control_byte(c).is_none()))
        }
        KeyCode::Enter => (13, ctrl || shift),
        KeyCode::Tab | KeyCode::BackTab => (9, ctrl || (alt && shift)),
        KeyCode::Backspace => (127, shift),
        KeyCode::Esc => (27, ctrl || shift),
        _ => return None,
    };
    let parameter = modifier_parameter(modifiers);
    match asked {
        ExtendedKeys::Kitty if parameter == 1 && key.code == KeyCode::Esc => Some(b"\x1b[27u".to_vec()),
        ExtendedKeys::None => None,
        _ if parameter == 1 => None,
        ExtendedKeys::Kitty => Some(format!("\u{1b}[{number};{parameter}u").into_bytes()),
        ExtendedKeys::Lost if !lost => None,
        ExtendedKeys::Lost | ExtendedKeys::Other => Some(format!("\u{1b}[27;{parameter};{number}~").into_bytes()),
    }
}

/// The bytes of a paste. A service that has asked for it is told where the paste begins and ends; no text can pretend
/// to be that end.
pub(in crate::tui) fn paste(text: &str, modes: InputModes) -> Vec<u8> {
    // Terminals send what the Enter key sends.
    let text = text.replace("\r\n", "\r").replace('\n', "\r");
    if !modes.bracketed_paste {
        return text.into_bytes();
    }
    let text = text.replace('\u{1b}', "");
    format!("\u{1b}[200~{text}\u{1b}[201~").into_bytes()
}

fn utf8(c: char) -> Vec<u8> {
    c.encode_utf8(&mut [0; 4]).as_bytes().to_vec()
}

/// Ctrl with a character; `None` if that is the character itself.
fn control_byte(c: char) -> Option<u8> {
    Some(match c {
        '@'..='_' | 'a'..='z' => u8::try_from(c).ok()? & 0x1f,
        ' ' | '2' => 0,
        '3'..='7' => u8::try_from(c).ok()? - b'3' + ESC,
        '/' => 0x1f,
        '8' | '?' => 0x7f,
        _ => return None,
    })
}

/// What comes after the introducer of a function key.
#[derive(Clone, Copy)]
enum Form {
    /// A letter, after SS3 in the application mode of the cursor keys.
    Cursor(u8),
    /// A letter, always after SS3.
    Letter(u8),
    /// A number and `~`.
    Number(u8),
}

fn function_key(code: KeyCode) -> Option<Form> {
    /// The numbers from F5 on have gaps where the VT220's keyboard had them.
    const NUMBERS: [u8; 16] = [15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34];
    Some(match code {
        KeyCode::Up => Form::Cursor(b'A'),
        KeyCode::Down => Form::Cursor(b'B'),
        KeyCode::Right => Form::Cursor(b'C'),
        KeyCode::Left => Form::Cursor(b'D'),
        KeyCode::KeypadBegin => Form::Cursor(b'E'),
        KeyCode::End => Form::Cursor(b'F'),
        KeyCode::Home => Form::Cursor(b'H'),
        KeyCode::Insert => Form::Number(2),
        KeyCode::Delete => Form::Number(3),
        KeyCode::PageUp => Form::Number(5),
        KeyCode::PageDown => Form::Number(6),
        KeyCode::F(n @ 1..=4) => Form::Letter(b'P' + n - 1),
        KeyCode::F(n) => Form::Number(*NUMBERS.get(usize::from(n.checked_sub(5)?))?),
        _ => return None,
    })
}

/// 1 + bits, as the second parameter.
fn sequence(form: Form, modifiers: KeyModifiers, modes: InputModes) -> Vec<u8> {
    match (form, modifier_parameter(modifiers) - 1) {
        (Form::Cursor(letter), 0) if !modes.application_cursor => vec![ESC, b'[', letter],
        (Form::Cursor(letter) | Form::Letter(letter), 0) => vec![ESC, b'O', letter],
        (Form::Cursor(letter) | Form::Letter(letter), bits) => {
            format!("\u{1b}[1;{}{}", bits + 1, char::from(letter)).into_bytes()
        }
        (Form::Number(number), 0) => format!("\u{1b}[{number}~").into_bytes(),
        (Form::Number(number), bits) => format!("\u{1b}[{number};{}~", bits + 1).into_bytes(),
    }
}

fn modifier_parameter(modifiers: KeyModifiers) -> u8 {
    let bits = [(KeyModifiers::SHIFT, 1), (KeyModifiers::ALT, 2), (KeyModifiers::CONTROL, 4)];
    1 + bits.iter().filter(|(flag, _)| modifiers.contains(*flag)).map(|(_, bit)| bit).sum::<u8>()
}

/// The letter of a key of the keypad in application mode.
fn keypad_letter(code: KeyCode) -> Option<u8> {
    Some(match code {
        KeyCode::Enter => b'M',
        KeyCode::Char('=') => b'X',
        // `*` to `/`, then the digits.
        KeyCode::Char(c @ '*'..='9') => u8::try_from(c).ok()? - b'*' + b'j',
        _ => return None,
    })
}
