//! The mouse as a terminal sends it, to a service that has asked for it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::keys;
use crate::logs::{InputModes, MouseEncoding, MouseEvents};

/// Arrow keys for one notch of the wheel, where a full-screen program has no other use for it.
const WHEEL_LINES: usize = 3;

/// The bytes of a mouse event at that cell of the service's screen, counted from 0; `None` if the service does not want
/// the mouse, so that it is free for something else.
pub(in crate::tui) fn encode(event: MouseEvent, column: u16, row: u16, modes: InputModes) -> Option<Vec<u8>> {
    if modes.mouse == MouseEvents::None {
        return wheel_as_arrows(event.kind, modes);
    }
    let button = |button| match button {
        MouseButton::Left => 0_u16,
        MouseButton::Middle => 1,
        MouseButton::Right => 2,
    };
    let (code, released, wanted_from) = match event.kind {
        MouseEventKind::Down(which) => (button(which), false, MouseEvents::Presses),
        MouseEventKind::Up(which) => (button(which), true, MouseEvents::Clicks),
        MouseEventKind::Drag(which) => (button(which) + 32, false, MouseEvents::Drags),
        MouseEventKind::Moved => (3 + 32, false, MouseEvents::Motion),
        MouseEventKind::ScrollUp => (64, false, MouseEvents::Presses),
        MouseEventKind::ScrollDown => (65, false, MouseEvents::Presses),
        MouseEventKind::ScrollLeft => (66, false, MouseEvents::Presses),
        MouseEventKind::ScrollRight => (67, false, MouseEvents::Presses),
    };
    if rank(modes.mouse) < rank(wanted_from) {
        return Some(Vec::new());
    }
    let bits = [(KeyModifiers::SHIFT, 4), (KeyModifiers::ALT, 8), (KeyModifiers::CONTROL, 16)];
    let modifiers = bits.iter().filter(|(flag, _)| event.modifiers.contains(*flag)).map(|(_, bit)| bit).sum::<u16>();
    // Mode 9 knows no modifiers.
    let code = if modes.mouse == MouseEvents::Presses { code } else { code + modifiers };
    Some(write(code, released, (column.saturating_add(1), row.saturating_add(1)), modes.mouse_encoding))
}

fn write(code: u16, released: bool, (x, y): (u16, u16), encoding: MouseEncoding) -> Vec<u8> {
    // Only the SGR form tells which button was released.
    let anonymous = if released { code | 3 } else { code };
    match encoding {
        MouseEncoding::Sgr => format!("\u{1b}[<{code};{x};{y}{}", if released { 'm' } else { 'M' }).into_bytes(),
        MouseEncoding::Urxvt => format!("\u{1b}[{};{x};{y}M", anonymous + 32).into_bytes(),
        MouseEncoding::Bytes => {
            let bytes = [anonymous, x, y].map(|number| u8::try_from(number + 32));
            match bytes {
                [Ok(code), Ok(x), Ok(y)] => vec![0x1b, b'[', b'M', code, x, y],
                // There is no way to tell of a cell so far away.
                _ => Vec::new(),
            }
        }
        MouseEncoding::Utf8 => {
            let characters = [anonymous, x, y].map(|number| char::from_u32(u32::from(number) + 32));
            match characters {
                [Some(code), Some(x), Some(y)] if x <= '\u{7ff}' && y <= '\u{7ff}' => {
                    format!("\u{1b}[M{code}{x}{y}").into_bytes()
                }
                _ => Vec::new(),
            }
        }
    }
}

/// How much of the mouse is wanted; each kind of events includes those before it.
fn rank(events: MouseEvents) -> u8 {
    match events {
        MouseEvents::None => 0,
        MouseEvents::Presses => 1,
        MouseEvents::Clicks => 2,
        MouseEvents::Drags => 3,
        MouseEvents::Motion => 4,
    }
}

/// Mode 1007: a pager scrolls by the wheel although it does not know the mouse.
fn wheel_as_arrows(kind: MouseEventKind, modes: InputModes) -> Option<Vec<u8>> {
    let arrow = match kind {
        MouseEventKind::ScrollUp => KeyCode::Up,
        MouseEventKind::ScrollDown => KeyCode::Down,
        _ => return None,
    };
    let wanted = modes.alternate_scroll && modes.alternate_screen;
    wanted.then(|| keys::encode(KeyEvent::new(arrow, KeyModifiers::NONE), modes).repeat(WHEEL_LINES))
}
