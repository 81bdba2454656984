//! Control sequences: what each of them does.

use vte::{Params, Perform};

use super::TerminalScreen;
use super::cursor::Charset;
use super::sgr;
use crate::logs::ansi::parameters as sgr_of;
use crate::logs::{ExtendedKeys, MouseEncoding, MouseEvents};

/// Carries out what the parser has recognised.
pub(super) struct Controls<'a> {
    pub(super) screen: &'a mut TerminalScreen,
    /// The sequence is complete: the parser is at plain text again.
    pub(super) complete: bool,
}

const CAN: u8 = 0x18;
const SUB: u8 = 0x1A;

impl Perform for Controls<'_> {
    fn print(&mut self, c: char) {
        // The parser has left a sequence that it ignored, without telling.
        self.complete = true;
        self.screen.print(c);
    }

    fn execute(&mut self, byte: u8) {
        self.complete |= matches!(byte, CAN | SUB);
        self.screen.execute(byte);
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        self.complete = true;
        if !ignore {
            self.screen.csi(params, intermediates, action);
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], ignore: bool, byte: u8) {
        self.complete = true;
        if !ignore {
            self.screen.esc(intermediates, byte);
        }
    }
}

impl TerminalScreen {
    /// Carries out a C0 control; one that is not known does nothing.
    pub(super) fn execute(&mut self, byte: u8) {
        match byte {
            0x08 => self.backspace(),
            b'\t' => self.tab(),
            b'\n' | 0x0B | 0x0C => {
                self.linefeed();
                if self.modes.input.newline {
                    self.go_to_column(0);
                }
            }
            b'\r' => self.carriage_return(),
            0x0E => self.grid.cursor.shift = 1,
            0x0F => self.grid.cursor.shift = 0,
            _ => {}
        }
    }

    fn esc(&mut self, intermediates: &[u8], byte: u8) {
        match (intermediates, byte) {
            ([], b'D') => self.linefeed(),
            ([], b'E') => {
                self.linefeed();
                self.go_to_column(0);
            }
            ([], b'H') => self.tabs.set(self.grid.cursor.column, true),
            ([], b'M') => self.reverse_linefeed(),
            ([], b'Z') => self.reply(PRIMARY_ATTRIBUTES),
            ([], b'c') => self.full_reset(),
            ([], b'7') => self.save_cursor(),
            ([], b'8') => self.restore_cursor(),
            ([], b'=') => self.modes.input.application_keypad = true,
            ([], b'>') => self.modes.input.application_keypad = false,
            ([b'#'], b'8') => self.align(),
            ([slot @ b'('..=b'+'], set) => {
                let charset = match set {
                    b'0' => Charset::Lines,
                    b'A' => Charset::British,
                    b'B' => Charset::Ascii,
                    _ => return,
                };
                if let Some(place) = self.grid.cursor.charsets.get_mut(usize::from(slot - b'(')) {
                    *place = charset;
                }
            }
            ([], b'n') => self.grid.cursor.shift = 2,
            ([], b'o') => self.grid.cursor.shift = 3,
            _ => {}
        }
    }

    fn csi(&mut self, params: &Params, intermediates: &[u8], action: char) {
        let mut numbers = params.iter().map(|param| param.first().copied().unwrap_or(0));
        let first = numbers.next().unwrap_or(0);
        let second = numbers.next().unwrap_or(0);
        // Most parameters count from 1, and 0 or nothing means 1.
        let count = usize::from(first.max(1));
        match (intermediates, action) {
            ([], '@') => self.insert_blanks(count),
            ([], 'A') => self.up(count),
            ([], 'B' | 'e') => self.down(count),
            ([], 'C' | 'a') => self.go_to_column(self.grid.cursor.column + count),
            ([], 'D') => self.go_to_column(self.grid.cursor.column.saturating_sub(count)),
            ([], 'E') => {
                self.down(count);
                self.go_to_column(0);
            }
            ([], 'F') => {
                self.up(count);
                self.go_to_column(0);
            }
            ([], 'G' | '`') => self.go_to_column(count - 1),
            ([], 'H' | 'f') => self.go_to(count - 1, usize::from(second.max(1)) - 1),
            ([], 'I') => self.tabs_forward(count),
            ([] | [b'?'], 'J') => match first {
                0 if self.homed && self.covered.is_none() => self.clear(true),
                0 => self.erase_display(true),
                1 => self.erase_display(false),
                2 => self.clear(true),
                3 => self.clear(false),
                _ => {}
            },
            ([] | [b'?'], 'K') => self.erase_line(first),
            ([], 'L') => self.insert_or_delete_lines(count, true),
            ([], 'M') => self.insert_or_delete_lines(count, false),
            ([], 'P') => self.delete_characters(count),
            ([], 'S') => self.scroll_up(self.top, count),
            // With more parameters it is an obsolete mouse mode.
            ([], 'T') if params.len() == 1 => self.scroll_down(self.top, count),
            ([], 'X') => self.erase_characters(count),
            ([], 'Z') => self.tabs_backward(count),
            ([], 'b') => self.repeat(count),
            ([], 'c') if first == 0 => self.reply(PRIMARY_ATTRIBUTES),
            ([b'>'], 'c') if first == 0 => self.reply(SECONDARY_ATTRIBUTES),
            ([], 'd') => self.go_to_row(count - 1),
            ([], 'g') if first == 0 => self.tabs.set(self.grid.cursor.column, false),
            ([], 'g') if first == 3 => self.tabs.clear(),
            ([b'?'], 'W') if first == 5 => self.tabs = super::Tabs::new(self.grid.columns),
            ([], 'm') => sgr::apply(self.style_mut(), params.iter()),
            ([], 'r') => {
                let bottom = if second == 0 { self.grid.lines() } else { usize::from(second).min(self.grid.lines()) };
                if count < bottom {
                    (self.top, self.bottom) = (count - 1, bottom);
                    self.go_to(0, 0);
                    self.homed = false;
                }
            }
            ([], 's') => self.save_cursor(),
            ([], 'u') => self.restore_cursor(),
            _ => self.csi_of_modes(params, intermediates, action, (first, second)),
        }
    }

    /// The control sequences that draw nothing: they set modes, or ask for them. `numbers`: the first two of the
    /// parameters, 0 where there is none.
    fn csi_of_modes(&mut self, params: &Params, intermediates: &[u8], action: char, numbers: (u16, u16)) {
        let (first, second) = numbers;
        match (intermediates, action) {
            ([], 'h' | 'l') => {
                for mode in params.iter().filter_map(|param| param.first()) {
                    match mode {
                        4 => self.modes.insert = action == 'h',
                        20 => self.modes.input.newline = action == 'h',
                        _ => {}
                    }
                }
            }
            ([b'?'], 'h' | 'l') => {
                for mode in params.iter().filter_map(|param| param.first()) {
                    self.set_private_mode(*mode, action == 'h');
                }
            }
            // modifyOtherKeys; without a value, and for all of its kind, as at first.
            ([b'>'], 'm') if matches!(first, 0 | 4) => {
                self.modes.input.extended_keys = match second {
                    1 if first == 4 => ExtendedKeys::Lost,
                    2 if first == 4 => ExtendedKeys::Other,
                    _ => ExtendedKeys::None,
                };
            }
            ([], 'n') => self.report_status(first),
            ([b'$'], 'p') => self.report_mode("", first, self.ansi_mode(first)),
            ([b'?', b'$'], 'p') => self.report_mode("?", first, self.private_mode(first)),
            ([b'!'], 'p') => self.soft_reset(),
            ([b' '], 'q') if first <= 6 => self.modes.cursor_shape = u8::try_from(first).unwrap_or(0),
            ([b'>'], 'q') if first == 0 => self.reply(&format!("\x1bP>|devgroup {}\x1b\\", env!("CARGO_PKG_VERSION"))),
            ([b'?'], 'u') => self.reply(&format!("\x1b[?{}u", self.grid.keys.last().copied().unwrap_or(0))),
            ([kind @ (b'>' | b'=' | b'<')], 'u') => self.kitty_keys(*kind, first, second),
            ([], 't') if first == 18 => {
                let size = format!("\x1b[8;{};{}t", self.grid.lines(), self.grid.columns);
                self.reply(&size);
            }
            _ => {}
        }
    }

    /// The kitty keyboard protocol: flags are pushed, set or popped. Of all flags, there is the first.
    fn kitty_keys(&mut self, kind: u8, first: u16, second: u16) {
        let flags = u8::from(first & 1 != 0);
        let stack = &mut self.grid.keys;
        match (kind, stack.last_mut()) {
            (b'<', _) => stack.truncate(stack.len().saturating_sub(usize::from(first.max(1)))),
            (b'>', _) => {
                if stack.len() >= KEY_STACK {
                    stack.remove(0);
                }
                stack.push(flags);
            }
            // 1 sets all, 2 sets those that are named, 3 takes them away.
            (_, Some(last)) => {
                *last = match second {
                    2 => *last | flags,
                    3 => *last & !flags,
                    _ => flags,
                }
            }
            (_, None) => stack.push(if second == 3 { 0 } else { flags }),
        }
    }

    fn save_cursor(&mut self) {
        self.grid.saved = self.grid.cursor;
        self.grid.saved.origin = self.modes.origin;
    }

    fn restore_cursor(&mut self) {
        self.homed = false;
        self.grid.cursor = self.grid.saved;
        self.modes.origin = self.grid.saved.origin;
    }

    fn set_private_mode(&mut self, mode: u16, on: bool) {
        let input = &mut self.modes.input;
        match mode {
            1 => input.application_cursor = on,
            // Columns stay as the pane has them; the rest of DECCOLM is done where it is allowed, as in xterm: `tput init`
            // switches it off, and clears nothing by that.
            3 if !self.modes.may_switch_columns => {}
            3 => {
                (self.top, self.bottom) = (0, self.grid.lines());
                self.clear(true);
                self.go_to(0, 0);
            }
            6 => {
                self.modes.origin = on;
                self.go_to(0, 0);
            }
            7 => self.modes.autowrap = on,
            25 => self.modes.cursor_visible = on,
            40 => self.modes.may_switch_columns = on,
            66 => input.application_keypad = on,
            9 | 1000 | 1002 | 1003 => {
                input.mouse = match mode {
                    _ if !on => MouseEvents::None,
                    9 => MouseEvents::Presses,
                    1000 => MouseEvents::Clicks,
                    1002 => MouseEvents::Drags,
                    _ => MouseEvents::Motion,
                }
            }
            1005 | 1006 | 1015 => {
                let encoding = match mode {
                    1005 => MouseEncoding::Utf8,
                    1006 => MouseEncoding::Sgr,
                    _ => MouseEncoding::Urxvt,
                };
                // Programs switch one on and another off, in any order.
                if on {
                    input.mouse_encoding = encoding;
                } else if input.mouse_encoding == encoding {
                    input.mouse_encoding = MouseEncoding::Bytes;
                }
            }
            1004 => input.focus_events = on,
            1007 => input.alternate_scroll = on,
            2004 => input.bracketed_paste = on,
            47 | 1047 if on => self.enter_alternate(),
            // These two leave the cursor where it is; 1049 restores it.
            47 | 1047 => {
                let cursor = self.grid.cursor;
                if self.covered.is_some() {
                    self.leave_alternate();
                    self.grid.cursor = cursor;
                }
            }
            1048 if on => self.save_cursor(),
            1048 => self.restore_cursor(),
            1049 if on => {
                if self.covered.is_none() {
                    self.save_cursor();
                }
                self.enter_alternate();
            }
            1049 => self.leave_alternate(),
            2026 => self.frame_open = on,
            _ => {}
        }
    }

    fn ansi_mode(&self, mode: u16) -> Option<bool> {
        match mode {
            4 => Some(self.modes.insert),
            20 => Some(self.modes.input.newline),
            _ => None,
        }
    }

    fn private_mode(&self, mode: u16) -> Option<bool> {
        let input = &self.modes.input;
        Some(match mode {
            1 => input.application_cursor,
            6 => self.modes.origin,
            7 => self.modes.autowrap,
            9 => input.mouse == MouseEvents::Presses,
            25 => self.modes.cursor_visible,
            47 | 1047 | 1049 => self.covered.is_some(),
            66 => input.application_keypad,
            1000 => input.mouse == MouseEvents::Clicks,
            1002 => input.mouse == MouseEvents::Drags,
            1003 => input.mouse == MouseEvents::Motion,
            1004 => input.focus_events,
            1005 => input.mouse_encoding == MouseEncoding::Utf8,
            1006 => input.mouse_encoding == MouseEncoding::Sgr,
            1007 => input.alternate_scroll,
            1015 => input.mouse_encoding == MouseEncoding::Urxvt,
            2004 => input.bracketed_paste,
            2026 => self.frame_open,
            _ => return None,
        })
    }

    /// DECRQM: tells the state of a mode.
    fn report_mode(&mut self, private: &str, mode: u16, state: Option<bool>) {
        let state = match state {
            None => 0,
            Some(true) => 1,
            Some(false) => 2,
        };
        self.reply(&format!("\x1b[{private}{mode};{state}$y"));
    }

    /// A string was sent to the terminal, of which only questions are answered: DECRQSS, what a setting is.
    pub(super) fn device_control(&mut self, text: &[u8]) {
        let Some(setting) = text.strip_prefix(b"$q") else { return };
        let value = match setting {
            b"m" => sgr_of(self.grid.cursor.style),
            b"r" => format!("{};{}", self.top + 1, self.bottom),
            b" q" => self.modes.cursor_shape.to_string(),
            // DECSCL: a VT220 that sends its answers in seven bits.
            b"\"p" => "62;1".to_owned(),
            _ => return self.reply("\x1bP0$r\x1b\\"),
        };
        self.reply(&format!("\x1bP1$r{value}{}\x1b\\", String::from_utf8_lossy(setting)));
    }

    /// An OSC sequence, of which only questions for colours are answered, and ended as they were.
    pub(super) fn system_command(&mut self, text: &[u8], end: &str) {
        if let Some(parameters) = text.strip_prefix(LINK) {
            self.style_mut().link = self.links.begin(parameters);
        } else if let Ok(text) = std::str::from_utf8(text) {
            self.reply(&self.colors.get().answers(text, end));
        }
    }

    /// An OSC sequence was too long, and this is its beginning. One that would begin a link ends the one before it.
    pub(super) fn skip_system_command(&mut self, beginning: &[u8]) {
        if beginning.starts_with(LINK) {
            self.style_mut().link = None;
        }
    }

    /// DSR: tells that all is well, or where the cursor is.
    fn report_status(&mut self, what: u16) {
        match what {
            5 => self.reply("\x1b[0n"),
            6 => {
                let first = if self.modes.origin { self.top } else { 0 };
                let (row, column) = (self.grid.cursor.row.saturating_sub(first) + 1, self.grid.cursor.column + 1);
                self.reply(&format!("\x1b[{row};{column}R"));
            }
            _ => {}
        }
    }

    fn reply(&mut self, text: &str) {
        if self.replies.len() + text.len() <= super::REPLIES {
            self.replies.extend_from_slice(text.as_bytes());
        }
    }
}

/// OSC 8, without its parameters.
const LINK: &[u8] = b"8;";
/// Flags of the kitty keyboard protocol that can be pushed.
const KEY_STACK: usize = 16;
/// DA1: a VT220 with colours.
const PRIMARY_ATTRIBUTES: &str = "\x1b[?62;22c";
/// DA2: a VT220, no firmware version to speak of.
const SECONDARY_ATTRIBUTES: &str = "\x1b[>1;10;0c";
