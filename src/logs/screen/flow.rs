//! The shortest way: lines that scroll through the whole screen within one piece of output go to history straight from
//! the bytes. No row ever holds them.
//!
//! As many of the last lines as the screen shows are held back and printed as always, so that the screen is afterwards
//! what it would be without this.

use super::TerminalScreen;
use super::cursor::Charset;
use super::input::{printable_prefix, short_sgr};
use super::width::columns_of;
use crate::logs::{Color, Style};

/// Output is not looked through for less than so many bytes for each row of the screen: nothing would come of it.
const LEAST_OF_A_ROW: usize = 32;

/// A longer line takes the long way, which cuts it if need be.
const LONGEST_LINE: usize = 32 * 1024;

/// Lines that are looked at beyond those that are held back, before the older ones are given to history.
const LINES: usize = 256;

/// Whole lines of nothing but text and styles.
#[derive(Default)]
struct Lines {
    lines: Vec<SimpleLine>,
    pieces: Vec<Piece>,
    /// Rows that they take together.
    rows: usize,
}

/// One of them.
struct SimpleLine {
    start: At,
    /// Rows that it takes.
    rows: usize,
    /// Pieces up to its end.
    pieces_end: usize,
}

/// A byte, and the style there.
#[derive(Clone, Copy)]
struct At {
    place: usize,
    style: Style,
}

/// A piece of text in one style: from one byte to another.
type Piece = (usize, usize, Style);

impl TerminalScreen {
    /// Takes lines that scroll through, if the cursor is where that can happen: in a fresh row at the bottom. The answer
    /// is how many bytes were taken, and how many were looked at: up to the first that is no part of a whole simple line.
    pub(super) fn pass_through(&mut self, text: &str) -> (usize, usize) {
        if text.len() < self.grid.lines() * LEAST_OF_A_ROW || !self.lines_can_pass() {
            return (0, 0);
        }
        let on_screen = self.grid.lines() - 1;
        let mut held = Lines::default();
        let mut at = At { place: 0, style: self.grid.cursor.style };
        let mut passed = false;
        loop {
            let goes_on = held.read_line(text, &mut at, self.grid.columns);
            if goes_on && held.lines.len() < on_screen + LINES {
                continue;
            }
            let count = held.beyond(on_screen);
            if count > 0 && !passed {
                passed = true;
                (0..on_screen).for_each(|row| self.archive(row));
            }
            self.file_lines(text, &mut held, count);
            if !goes_on {
                break;
            }
        }
        if !passed {
            return (0, at.place);
        }
        let first = held.lines.first().map_or(at, |first| first.start);
        self.blank(Color::Default);
        let cursor = &mut self.grid.cursor;
        (cursor.row, cursor.column, cursor.pending_wrap, cursor.style) = (0, 0, false, first.style);
        (first.place, at.place)
    }

    /// The cursor is in a fresh row at the bottom of the primary screen, below the end of a line, and what is printed
    /// there is printed in the usual way.
    fn lines_can_pass(&self) -> bool {
        let (cursor, lines) = (&self.grid.cursor, self.grid.lines());
        let whole = self.top == 0 && self.bottom == lines && self.covered.is_none();
        let usual = cursor.charset() == Charset::Ascii && !self.modes.insert && self.modes.autowrap;
        let fresh = self.grid.rows.back().is_some_and(|row| row.is_fresh());
        let above = lines.checked_sub(2).and_then(|row| self.grid.rows.get(row));
        let begins = cursor.row + 1 == lines && cursor.column == 0 && fresh && above.is_none_or(|row| !row.wrapped);
        whole && usual && begins
    }

    /// Gives the first lines to history.
    fn file_lines(&mut self, text: &str, held: &mut Lines, count: usize) {
        let mut place = 0;
        for line in held.lines.iter().take(count) {
            let block = self.history.line_to_extend(self.now);
            for (start, end, style) in held.pieces.get(place..line.pieces_end).unwrap_or_default() {
                block.push_piece(text.get(*start..*end).unwrap_or_default(), *style);
            }
            place = line.pieces_end;
            held.rows -= line.rows;
            self.end_line();
        }
        if let Some((start, end, _)) = place.checked_sub(1).and_then(|last| held.pieces.get(last)) {
            self.printed = true;
            self.last_char = text.get(*start..*end).and_then(|piece| piece.chars().next_back());
        }
        held.lines.drain(..count);
        held.pieces.drain(..place);
        held.lines.iter_mut().for_each(|line| line.pieces_end -= place);
    }
}

impl Lines {
    /// How many of the first lines scroll out of the screen by those behind them.
    fn beyond(&self, on_screen: usize) -> usize {
        let mut rest = self.rows;
        let leaves = |line: &&SimpleLine| {
            rest -= line.rows;
            rest >= on_screen
        };
        self.lines.iter().take_while(leaves).count()
    }

    /// Adds the line that begins here, if it is whole and nothing but text of one or two columns and plain SGR, and goes
    /// to its end.
    fn read_line(&mut self, text: &str, at: &mut At, columns: usize) -> bool {
        let (start, before) = (*at, self.pieces.len());
        match self.read_pieces(text, at, columns) {
            Some(rows) => {
                self.rows += rows;
                self.lines.push(SimpleLine { start, rows, pieces_end: self.pieces.len() });
                true
            }
            None => {
                self.pieces.truncate(before);
                *at = start;
                false
            }
        }
    }

    /// The rows of the line. A row that begins where a colour is behind the text is filled with it: not plain enough.
    fn read_pieces(&mut self, text: &str, at: &mut At, columns: usize) -> Option<usize> {
        let At { mut place, mut style } = *at;
        let (start, mut rows, mut column) = (place, 1, 0);
        loop {
            let rest = text.as_bytes().get(place..)?;
            match rest {
                [b' '..=b'~', ..] => {
                    let length = printable_prefix(rest);
                    self.pieces.push((place, place + length, style));
                    place += length;
                    column += length;
                    if column > columns {
                        if style.background != Color::Default {
                            return None;
                        }
                        rows += (column - 1) / columns;
                        column = (column - 1) % columns + 1;
                    }
                }
                [b'\r', b'\n', ..] if style.background == Color::Default => {
                    *at = At { place: place + 2, style };
                    return Some(rows);
                }
                [0x1B, sequence @ ..] => place += 1 + short_sgr(&mut style, sequence)?,
                [0x80..=0xFF, ..] => {
                    let from = place;
                    for c in text.get(place..)?.chars().take_while(|c| *c >= ' ' && *c != '\x7F') {
                        let width @ 1.. = columns_of(c)? else { return None };
                        column += width;
                        if column > columns {
                            if style.background != Color::Default {
                                return None;
                            }
                            rows += 1;
                            column = width;
                        }
                        place += c.len_utf8();
                    }
                    self.pieces.push((from, place, style));
                }
                _ => return None,
            }
            if place - start > LONGEST_LINE {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Input;
    use super::*;
    use crate::domain::Moment;
    use crate::logs::{Line, StyledText};

    fn screen(columns: u16, lines: u16) -> TerminalScreen {
        TerminalScreen::new(columns, lines, usize::MAX)
    }

    /// All that can be told of a screen and its history.
    fn state(screen: &mut TerminalScreen) -> (Vec<Option<Line>>, Vec<(Moment, StyledText)>, String) {
        let history = (screen.history.first()..screen.history.end()).map(|id| screen.history.line(id)).collect();
        let covered = screen.covered.iter().flat_map(|grid| &grid.rows);
        let rows = screen.grid.rows.iter().chain(covered).map(|row| {
            let mut text = StyledText::default();
            row.append_to(0, screen.grid.columns, &mut text);
            (row.at, text)
        });
        let rows = rows.collect();
        let begun = screen.history.begun();
        let wraps: Vec<bool> = screen.grid.rows.iter().map(|row| row.wrapped).collect();
        let rest = (screen.grid.cursor, begun, wraps, screen.last_char, screen.homed, screen.printed);
        (history, rows, format!("{rest:?}"))
    }

    #[test]
    fn lines_that_scroll_through_are_taken_at_once() {
        let mut screen = screen(10, 3);
        Input::default().advance(&mut screen, b"1\r\n2\r\n3\r\n");
        let text: String = (4..100).map(|number| format!("line \x1b[31m{number}\x1b[m\r\n")).collect();
        let (taken, seen) = screen.pass_through(&text);
        assert_eq!((seen, screen.history.end()), (text.len(), 97));
        assert!(text[taken..].starts_with("line \x1b[31m98"), "two lines are left for the screen");
    }

    #[test]
    fn an_empty_line_arrives_with_its_end() {
        let at = Moment::from_millis;
        let mut screen = screen(10, 4);
        let mut input = Input::default();
        for (millis, text) in [(5, "\r\n"), (6, "b"), (7, "\r\n"), (8, "\r\n\r\n"), (9, "c\r\n\r\n\r\n\r\n\r\n")] {
            screen.set_now(at(millis));
            input.advance(&mut screen, text.as_bytes());
        }
        let times: Vec<Moment> = (0..5).filter_map(|id| Some(screen.history.line(id)?.at)).collect();
        assert_eq!(times, [5, 6, 8, 8, 9].map(at));
    }

    fn part() -> impl Strategy<Value = String> {
        prop_oneof![
            12 => "[ -~]{0,9}",
            3 => "[ a漢字é✓👍–]{1,7}",
            1 => "[a\u{301}\u{200d}\u{1f468}\u{85}\u{ad}]{1,4}",
            4 => proptest::sample::select(vec![
                "\x1b[m", "\x1b[0m", "\x1b[1m", "\x1b[32m", "\x1b[39m", "\x1b[97m", "\x1b[1;38;5;9m", "\x1b[4:3m", "\x1b[0;1;7m",
            ]).prop_map(str::to_owned),
            1 => proptest::sample::select(vec!["\x1b[44m", "\x1b[49m", "\t", "\x1b[A", "\x1b[2K", "\r", "\x1b[2b", "\x7f", "\x1b]0;t\x07", "\x1b[3C", "\x1b[K", "\x1b[2X", "\x08", "\x1b[P", "\x1b[2@"])
                .prop_map(str::to_owned),
        ]
    }

    fn line() -> impl Strategy<Value = String> {
        let end = prop_oneof![30 => Just("\r\n"), 1 => Just("\n"), 1 => Just(""), 1 => Just("\x1b[44m\r\n")];
        (proptest::collection::vec(part(), 0..4), end).prop_map(|(parts, end)| parts.concat() + end)
    }

    /// What may leave a row plain or make it cells, by where the output is cut.
    fn change() -> impl Strategy<Value = String> {
        let changes = "a|ab|xyzabcdefgh|  |漢|\u{301}|\t|\t\t|\r|\x08|\r\n|\x1b[A|\x1b[5C|\x1b[3D|\x1b[H|\x1b[K|\x1b[1K|\x1b[2X|\
            \x1b[2P|\x1b[2@|\x1b[2I|\x1b[Z|\x1b[J|\x1b[L|\x1b[M|\x1b[3b|\x1b[41m|\x1b[7m|\x1b[m|\x1b[4h|\x1b[4l|\x1b[?1049h|\x1b[?1049l";
        proptest::sample::select(changes.split('|').collect::<Vec<_>>()).prop_map(str::to_owned)
    }

    proptest! {
        #![proptest_config(crate::logs::cases(1024))]

        /// Fed by single bytes, few rows stay plain.
        #[test]
        fn a_row_of_cells_shows_what_a_plain_one_does(
            parts in proptest::collection::vec((proptest::collection::vec(change(), 0..16), 2_u16..24, 1_u16..4), 1..4),
        ) {
            let parts = parts.iter().map(|(changes, columns, rows)| (changes.concat(), *columns, *rows));
            parts_end_the_same(&parts.collect::<Vec<_>>());
        }
    }

    /// Each part comes later than the one before, and in a terminal of another size.
    fn parts_end_the_same(parts: &[(String, u16, u16)]) {
        let (mut whole, mut bytes) = (screen(20, 2), screen(20, 2));
        let (mut of_whole, mut of_bytes) = (Input::default(), Input::default());
        for (millis, (text, columns, rows)) in (1..).zip(parts) {
            for screen in [&mut whole, &mut bytes] {
                screen.resize(*columns, *rows, Moment::from_millis(millis));
                screen.set_now(Moment::from_millis(millis));
            }
            of_whole.advance(&mut whole, text.as_bytes());
            text.as_bytes().chunks(1).for_each(|byte| of_bytes.advance(&mut bytes, byte));
            assert_eq!(state(&mut whole), state(&mut bytes));
        }
    }

    proptest! {
        #![proptest_config(crate::logs::cases(256))]

        /// Fed by single bytes, no line ever takes the shortest way.
        #[test]
        fn output_ends_the_same_however_it_is_cut(
            lines in proptest::collection::vec(line(), 0..120),
            columns in 2_u16..24,
            rows in 1_u16..6,
            cuts in proptest::collection::vec(1_usize..4000, 1..9),
        ) {
            ends_the_same(&lines.concat(), columns, rows, &cuts);
        }
    }

    fn ends_the_same(text: &str, columns: u16, rows: u16, cuts: &[usize]) {
        let (mut whole, mut pieces, mut bytes) = (screen(columns, rows), screen(columns, rows), screen(columns, rows));
        Input::default().advance(&mut whole, text.as_bytes());
        let mut input = Input::default();
        let mut rest = text.as_bytes();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, later) = rest.split_at((*cut).min(rest.len()));
            input.advance(&mut pieces, piece);
            rest = later;
        }
        let mut input = Input::default();
        text.as_bytes().chunks(1).for_each(|byte| input.advance(&mut bytes, byte));
        assert_eq!(state(&mut whole), state(&mut bytes));
        assert_eq!(state(&mut pieces), state(&mut bytes));
    }

    #[test]
    fn only_what_is_printed_counts_however_output_is_cut() {
        ends_the_same(&"\r\n".repeat(99), 10, 2, &[1]);
        let part = |text: &str| (text.to_owned(), 10, 2);
        parts_end_the_same(&["ab\rxyz\r\x1b[3X", "c"].map(part));
        parts_end_the_same(&["ab\rxyz\r\x1b[3X", "\r\n"].map(part));
    }

    #[test]
    fn a_tab_that_is_wrapped_anew_can_be_written_over() {
        for text in ["\rabcd", "\ra", "\r\x1b[2Cab", "\r\x1b[K", "\x08\x1b[K", "\x1b[A\rabcdefg"] {
            parts_end_the_same(&[("\t".to_owned(), 20, 2), (text.to_owned(), 4, 3)]);
        }
    }

    #[test]
    fn tabs_and_what_was_jumped_over_are_kept_however_output_is_cut() {
        for text in [
            "0a\t\r\n\x1b[A  \r\n",
            "0a\t\r\n\x1b[Axyz\r\n",
            "0a\t\r\n\x1b[Axyzabcdefgh\r\n",
            "0a\t\r\n\x1b[A\x1b[5Cx\r\n",
            "0a\tb\r\n\x1b[Axyz\x1b[2C\x1b[K\r\n",
            "0a\tb\r\n\x1b[Axyz\x1b[5C\x1b[K\r\n",
            "\x1b[8C\t\r\t\t\r\n",
            "\x1b[19C\t\r\n",
            "ab\rxy\x1b[2Cc\rw\x1b[3C\x1b[K\r\n",
            "a \x1b[2Cc\x08\x1b[K\r\n",
            "ab\rx \x1b[2Cc\x08\x1b[K\r\n",
            "ab\rxyz\x1b[10Cq\r\x1b[5C\t\r\n",
        ] {
            for columns in [4, 10, 20] {
                ends_the_same(text, columns, 2, &[1]);
                ends_the_same(text, columns, 2, &[5, 3]);
            }
        }
    }
}
