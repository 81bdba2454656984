//! Cells as the bytes that draw them.
//!
//! Not by crossterm: it sends the 16 colours as two of 256 (`38;5;1`), which a terminal of 16 takes for blinking.
//!
//! The difference between two frames is our own: where a narrow character replaces a wide one, both of its cells are
//! written. ratatui writes one, and a terminal that does not blank the other shows half a character. The kind of an
//! underline and the overline are bits that ratatui's modifiers leave free.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};

use super::text;
use crate::logs::Underline;

/// An overline, and the kinds of underlines, in bits that ratatui leaves free and keeps: it has a name for one kind only.
pub(super) const OVERLINED: Modifier = Modifier::from_bits_retain(1 << 12);
const KIND_SHIFT: u32 = 9;
const KIND: u16 = 0b111;

/// An underline of a kind.
pub(super) fn underline(kind: Underline) -> Modifier {
    Modifier::UNDERLINED.union(Modifier::from_bits_retain((kind as u16 - 1) << KIND_SHIFT))
}

/// The cells to draw where `before` is shown and `after` is to be, both of one size.
///
/// Not ratatui's difference: of a wide character that a narrow one replaces it leaves the right half to the terminal,
/// and not all of them blank it.
pub(super) fn changes<'a>(before: &Buffer, after: &'a Buffer) -> Vec<(u16, u16, &'a Cell)> {
    let width = usize::from(after.area.width).max(1);
    let rows = before.content.chunks(width).zip(after.content.chunks(width));
    let mut changes = Vec::new();
    for ((before, after), y) in rows.zip(after.area.y..) {
        // Columns before this one show a part of what was written over.
        let (mut torn, mut x) = (0, 0);
        while let (Some(was), Some(cell)) = (before.get(x), after.get(x)) {
            let end = x + columns_of(cell);
            if was != cell || x < torn {
                changes.push((u16::try_from(x).unwrap_or(u16::MAX), y, cell));
                let over = before.iter().enumerate().take(end).skip(x);
                torn = over.map(|(x, cell)| x + columns_of(cell)).fold(torn, usize::max);
            }
            x = end;
        }
    }
    changes
}

/// Columns that the character of a cell takes up; what it hides is blank.
fn columns_of(cell: &Cell) -> usize {
    // Wide characters have at least three bytes.
    if cell.symbol().len() < 3 { 1 } else { text::width(cell.symbol()).max(1) }
}

/// Begins with the looks of a terminal that was reset, and ends with them.
pub(super) fn draw<'a>(cells: impl Iterator<Item = (u16, u16, &'a Cell)>, out: &mut String) {
    let (mut next, mut looks) = (None, None);
    out.push_str("\x1b[0m");
    for (x, y, cell) in cells {
        if next != Some((x, y)) {
            move_to(Position { x, y }, out);
        }
        // Behind a wide character, the next cell is not the next column.
        next = Some((x.saturating_add(1), y));
        let its = (cell.fg, cell.bg, cell.underline_color, cell.modifier);
        if looks != Some(its) {
            looks = Some(its);
            style(cell, out);
        }
        out.push_str(cell.symbol());
    }
    if looks.is_some() {
        out.push_str("\x1b[0m");
    }
}

/// CUP: the cursor goes to a cell.
pub(super) fn move_to(to: Position, out: &mut String) {
    // Writing to a String cannot fail, here and below.
    let _ = write!(out, "\x1b[{};{}H", u32::from(to.y) + 1, u32::from(to.x) + 1);
}

fn style(cell: &Cell, out: &mut String) {
    const MODIFIERS: [(Modifier, &str); 10] = [
        (Modifier::BOLD, ";1"),
        (Modifier::DIM, ";2"),
        (Modifier::ITALIC, ";3"),
        (Modifier::UNDERLINED, ";4"),
        (Modifier::SLOW_BLINK, ";5"),
        (Modifier::RAPID_BLINK, ";6"),
        (Modifier::REVERSED, ";7"),
        (Modifier::HIDDEN, ";8"),
        (Modifier::CROSSED_OUT, ";9"),
        (OVERLINED, ";53"),
    ];
    out.push_str("\x1b[0");
    for (modifier, code) in MODIFIERS {
        if cell.modifier.contains(modifier) {
            out.push_str(code);
        }
    }
    let kind = cell.modifier.bits() >> KIND_SHIFT & KIND;
    if kind > 0 && cell.modifier.contains(Modifier::UNDERLINED) {
        // After a plain one, which stays where this kind is not known.
        let _ = write!(out, ";4:{}", kind + 1);
    }
    color(cell.fg, 30, out);
    color(cell.bg, 40, out);
    underline_color(cell.underline_color, out);
    out.push('m');
}

/// Of the text (30), or of what is behind it (40).
fn color(color: Color, base: u8, out: &mut String) {
    let _ = match numbered(color) {
        Numbered::Reset => return,
        Numbered::Rgb(red, green, blue) => write!(out, ";{};2;{red};{green};{blue}", base + 8),
        Numbered::Index(number @ 0..8) => write!(out, ";{}", base + number),
        Numbered::Index(number @ 8..16) => write!(out, ";{}", base + 52 + number),
        Numbered::Index(number) => write!(out, ";{};5;{number}", base + 8),
    };
}

/// With colons: a terminal that does not know 58 takes what follows a semicolon for blinking.
fn underline_color(color: Color, out: &mut String) {
    let _ = match numbered(color) {
        Numbered::Reset => return,
        Numbered::Rgb(red, green, blue) => write!(out, ";58:2::{red}:{green}:{blue}"),
        Numbered::Index(number) => write!(out, ";58:5:{number}"),
    };
}

/// A colour as terminals are told it.
enum Numbered {
    Reset,
    Index(u8),
    Rgb(u8, u8, u8),
}

fn numbered(color: Color) -> Numbered {
    let number = match color {
        Color::Reset => return Numbered::Reset,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(number) => number,
        Color::Rgb(red, green, blue) => return Numbered::Rgb(red, green, blue),
    };
    Numbered::Index(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn what_is_drawn_is_a_difference() {
        let before = Buffer::with_lines(["abcdef"]);
        let mut after = Buffer::with_lines(["aXY漢f"]);
        after.set_style(ratatui::layout::Rect::new(1, 0, 1, 1), Style::new().fg(Color::Red).bg(Color::DarkGray));
        let modifier = Modifier::BOLD | Modifier::REVERSED;
        after.set_style(
            ratatui::layout::Rect::new(2, 0, 1, 1),
            Style::new().fg(Color::Indexed(196)).add_modifier(modifier),
        );
        after.set_style(ratatui::layout::Rect::new(5, 0, 1, 1), Style::new().bg(Color::Rgb(1, 2, 3)));
        let mut out = String::new();
        draw(changes(&before, &after).into_iter(), &mut out);
        assert_eq!(
            out,
            "\x1b[0m\x1b[1;2H\x1b[0;31;100mX\x1b[0;1;7;38;5;196mY\x1b[0m漢\x1b[1;6H\x1b[0;48;2;1;2;3mf\x1b[0m"
        );
    }

    #[test]
    fn underlines_are_drawn_in_their_kind_and_colour() {
        let looks = |modifier: Modifier, color: Color| {
            let before = Buffer::with_lines([" "]);
            let mut after = Buffer::with_lines(["x"]);
            // In steps, as styles are put on top of each other.
            let style = Style::new().patch(Style::new().add_modifier(modifier)).underline_color(color);
            after.set_style(after.area, style);
            after.set_style(after.area, Style::new().add_modifier(Modifier::BOLD).remove_modifier(Modifier::ITALIC));
            after.content[0].modifier.toggle(Modifier::REVERSED);
            let mut out = String::new();
            draw(changes(&before, &after).into_iter(), &mut out);
            out.strip_prefix("\x1b[0m\x1b[1;1H\x1b[0;1;").unwrap().strip_suffix("mx\x1b[0m").unwrap().to_owned()
        };
        assert_eq!(looks(underline(Underline::Single), Color::Reset), "4;7");
        assert_eq!(looks(underline(Underline::Double), Color::Green), "4;7;4:2;58:5:2");
        assert_eq!(looks(underline(Underline::Curly), Color::Rgb(1, 2, 3)), "4;7;4:3;58:2::1:2:3");
        assert_eq!(looks(underline(Underline::Dashed) | OVERLINED, Color::Indexed(196)), "4;7;53;4:5;58:5:196");
        assert_eq!(looks(OVERLINED, Color::Reset), "7;53");
    }

    #[test]
    fn nothing_is_nothing_but_a_reset() {
        let mut out = String::new();
        draw(std::iter::empty(), &mut out);
        assert_eq!(out, "\x1b[0m");
    }

    /// What each column of a terminal shows: a character, the left half of one, or the right half.
    type Shown = Vec<(char, bool)>;

    const RIGHT: (char, bool) = ('>', true);

    fn expected(row: &str) -> Shown {
        let cells = row.chars().flat_map(|c| [Some((c, c == '漢')), (c == '漢').then_some(RIGHT)]);
        cells.flatten().collect()
    }

    /// Draws `to` over `from` on a terminal that blanks what is left of a wide character, or on one that leaves it.
    fn drawn(from: &str, to: &str, blanks: bool) -> Shown {
        let mut shown = expected(from);
        let (from, to) = (Buffer::with_lines([from]), Buffer::with_lines([to]));
        for (x, _, cell) in changes(&from, &to) {
            let (x, c) = (usize::from(x), cell.symbol().chars().next().unwrap());
            for x in x..x + columns_of(cell) {
                if blanks && shown[x] == RIGHT {
                    shown[x - 1] = (' ', false);
                } else if blanks && shown[x].1 {
                    shown[x + 1] = (' ', false);
                }
            }
            shown[x] = (c, c == '漢');
            if c == '漢' {
                shown[x + 1] = RIGHT;
            }
        }
        shown
    }

    /// A row of eight columns.
    fn row() -> impl Strategy<Value = String> {
        proptest::collection::vec(proptest::sample::select(vec!["漢", "漢", "aa", "a ", " a", "  "]), 4).prop_flat_map(
            |pairs| {
                let text = pairs.concat();
                // Wide characters begin in columns of either kind.
                proptest::bool::ANY.prop_map(move |odd| match odd {
                    true => format!("x{}y", text.chars().fold(String::new(), row_of_six)),
                    false => text.clone(),
                })
            },
        )
    }

    /// Adds a character, as far as there are six columns.
    fn row_of_six(mut row: String, c: char) -> String {
        if text::width(&row) + text::char_width(c) <= 6 {
            row.push(c);
        }
        row
    }

    proptest! {
        #[test]
        fn no_half_of_a_wide_character_is_left_on_any_terminal(from in row(), to in row()) {
            prop_assume!(text::width(&from) == 8 && text::width(&to) == 8);
            for blanks in [false, true] {
                prop_assert_eq!(drawn(&from, &to, blanks), expected(&to), "blanks: {}", blanks);
            }
        }

        #[test]
        fn what_does_not_change_is_not_drawn(row in row()) {
            let row = Buffer::with_lines([row.as_str()]);
            prop_assert!(changes(&row, &row).is_empty());
        }
    }
}
