//! Cells as the bytes that draw them.
//!
//! Not by crossterm: it sends the 16 colours as two of 256 (`38;5;1`), which a terminal of 16 takes for blinking.

use std::fmt::Write;

use ratatui::buffer::Cell;
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};

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
        let its = (cell.fg, cell.bg, cell.modifier);
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

/// CUP.
pub(super) fn move_to(to: Position, out: &mut String) {
    // Writing to a String cannot fail, here and below.
    let _ = write!(out, "\x1b[{};{}H", u32::from(to.y) + 1, u32::from(to.x) + 1);
}

fn style(cell: &Cell, out: &mut String) {
    const MODIFIERS: [(Modifier, &str); 9] = [
        (Modifier::BOLD, ";1"),
        (Modifier::DIM, ";2"),
        (Modifier::ITALIC, ";3"),
        (Modifier::UNDERLINED, ";4"),
        (Modifier::SLOW_BLINK, ";5"),
        (Modifier::RAPID_BLINK, ";6"),
        (Modifier::REVERSED, ";7"),
        (Modifier::HIDDEN, ";8"),
        (Modifier::CROSSED_OUT, ";9"),
    ];
    out.push_str("\x1b[0");
    for (modifier, code) in MODIFIERS {
        if cell.modifier.contains(modifier) {
            out.push_str(code);
        }
    }
    color(cell.fg, 30, out);
    color(cell.bg, 40, out);
    out.push('m');
}

/// Of the text (30), or of what is behind it (40).
fn color(color: Color, base: u8, out: &mut String) {
    let number = match color {
        Color::Reset => return,
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
        Color::Rgb(red, green, blue) => {
            let _ = write!(out, ";{};2;{red};{green};{blue}", base + 8);
            return;
        }
    };
    let _ = match number {
        0..8 => write!(out, ";{}", base + number),
        8..16 => write!(out, ";{}", base + 52 + number),
        _ => write!(out, ";{};5;{number}", base + 8),
    };
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
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
        draw(before.diff_iter(&after), &mut out);
        assert_eq!(
            out,
            "\x1b[0m\x1b[1;2H\x1b[0;31;100mX\x1b[0;1;7;38;5;196mY\x1b[0m漢\x1b[1;6H\x1b[0;48;2;1;2;3mf\x1b[0m"
        );
    }

    #[test]
    fn nothing_is_nothing_but_a_reset() {
        let mut out = String::new();
        draw(std::iter::empty(), &mut out);
        assert_eq!(out, "\x1b[0m");
    }
}
