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

use super::links::{END, Link, Links};
use super::text;
use crate::logs::Underline;

/// A part of a link, which [`Links`] knows; in a bit that ratatui leaves free.
pub(super) const LINKED: Modifier = Modifier::from_bits_retain(1 << 13);
/// An overline, and the kinds of underlines, in bits that ratatui leaves free and keeps: it has a name for one kind only.
pub(super) const OVERLINED: Modifier = Modifier::from_bits_retain(1 << 12);
const KIND_SHIFT: u32 = 9;
const KIND: u16 = 0b111;

/// An underline of a kind.
pub(super) fn underline(kind: Underline) -> Modifier {
    Modifier::UNDERLINED.union(Modifier::from_bits_retain((kind as u16 - 1) << KIND_SHIFT))
}

/// What a terminal shows: cells, and where those lead that are parts of links.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) cells: Buffer,
    pub(super) links: Links,
}

impl From<Buffer> for Picture {
    fn from(cells: Buffer) -> Self {
        Self { cells, links: Links::default() }
    }
}

impl Picture {
    fn link(&self, cell: &Cell, (x, y): (u16, u16)) -> Option<&Link> {
        if cell.modifier.contains(LINKED) { self.links.at(x, y) } else { None }
    }
}

/// A cell to draw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    at: Position,
    cell: &'a Cell,
    link: Option<&'a Link>,
}

/// The cells to draw where `before` is shown and `after` is to be, both of one size.
///
/// Not ratatui's difference: of a wide character that a narrow one replaces it leaves the right half to the terminal,
/// and not all of them blank it.
pub(super) fn changes<'a>(shown: &Picture, wanted: &'a Picture) -> Vec<Change<'a>> {
    let area = wanted.cells.area;
    let width = usize::from(area.width).max(1);
    let rows = shown.cells.content.chunks(width).zip(wanted.cells.content.chunks(width));
    let mut changes = Vec::new();
    for ((before, after), y) in rows.zip(area.y..) {
        // Columns before this one show a part of what was written over.
        let (mut torn, mut x) = (0, 0);
        while let (Some(was), Some(cell)) = (before.get(x), after.get(x)) {
            let end = x + columns_of(cell);
            let at = Position { x: u16::try_from(x).unwrap_or(u16::MAX), y };
            let link = wanted.link(cell, (at.x, y));
            let leads_elsewhere = match (shown.link(was, (at.x, y)), link) {
                (Some(was), Some(is)) => !was.is_one_with(is),
                (was, is) => was.is_some() != is.is_some(),
            };
            if was != cell || leads_elsewhere || x < torn {
                changes.push(Change { at, cell, link });
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
pub(super) fn draw<'a>(changes: impl IntoIterator<Item = Change<'a>>, out: &mut String) {
    let (mut next, mut looks) = (None, None);
    let mut open: Option<&Link> = None;
    out.push_str("\x1b[0m");
    for Change { at: Position { x, y }, cell, link } in changes {
        let goes_on = open.zip(link).is_some_and(|(open, link)| open.is_one_with(link));
        if !goes_on && open.is_some() {
            out.push_str(END);
        }
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
        if !goes_on && let Some(link) = link {
            link.begin(out);
        }
        open = link;
        out.push_str(cell.symbol());
    }
    if open.is_some() {
        out.push_str(END);
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

    use super::super::log_view::{PaneText, RowLink};
    use super::*;
    use crate::logs::LineId;

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
        draw(changes(&before.into(), &after.into()), &mut out);
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
            draw(changes(&before.into(), &after.into()), &mut out);
            out.strip_prefix("\x1b[0m\x1b[1;1H\x1b[0;1;").unwrap().strip_suffix("mx\x1b[0m").unwrap().to_owned()
        };
        assert_eq!(looks(underline(Underline::Single), Color::Reset), "4;7");
        assert_eq!(looks(underline(Underline::Double), Color::Green), "4;7;4:2;58:5:2");
        assert_eq!(looks(underline(Underline::Curly), Color::Rgb(1, 2, 3)), "4;7;4:3;58:2::1:2:3");
        assert_eq!(looks(underline(Underline::Dashed) | OVERLINED, Color::Indexed(196)), "4;7;53;4:5;58:5:196");
        assert_eq!(looks(OVERLINED, Color::Reset), "7;53");
    }

    /// `a link b`, of which four cells lead somewhere.
    fn picture(target: &str, columns: std::ops::Range<usize>) -> Picture {
        let mut cells = Buffer::with_lines(["a link b"]);
        cells.set_style(ratatui::layout::Rect::new(2, 0, 4, 1), Style::new().add_modifier(LINKED));
        let link = RowLink { row: 0, columns, begins: (LineId(7), 2), target: target.into() };
        let mut links = Links::default();
        links.add(cells.area, &PaneText { links: vec![link], ..PaneText::default() });
        Picture { cells, links }
    }

    #[test]
    fn a_link_is_told_around_its_cells() {
        let drawn = |from: &Picture, to: &Picture| {
            let mut out = String::new();
            draw(changes(from, to), &mut out);
            out
        };
        let nothing: Picture = Buffer::with_lines(["        "]).into();
        let one = picture("http://x", 2..6);
        let begin = "\x1b]8;id=7.2;http://x\x1b\\";
        assert_eq!(
            drawn(&nothing, &one),
            format!("\x1b[0m\x1b[1;1H\x1b[0ma\x1b[1;3H\x1b[0m{begin}link\x1b]8;;\x1b\\\x1b[1;8H\x1b[0mb\x1b[0m")
        );
        assert_eq!(drawn(&one, &one), "\x1b[0m");
        // The same cells lead elsewhere, or not all of them lead somewhere any more.
        assert!(drawn(&one, &picture("http://y", 2..6)).contains("http://y\x1b\\link\x1b]8;;\x1b\\"));
        assert_eq!(drawn(&one, &picture("http://x", 2..4)), "\x1b[0m\x1b[1;5H\x1b[0mnk\x1b[0m");
        // What covers the text is no part of the link.
        let mut covered = one.clone();
        covered.cells.cell_mut((3, 0)).unwrap().reset();
        covered.cells.cell_mut((3, 0)).unwrap().set_char('#');
        assert_eq!(drawn(&one, &covered), "\x1b[0m\x1b[1;4H\x1b[0m#\x1b[0m");
    }

    #[test]
    fn nothing_is_nothing_but_a_reset() {
        let mut out = String::new();
        draw(Vec::new(), &mut out);
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
        let (from, to) = (Buffer::with_lines([from]).into(), Buffer::with_lines([to]).into());
        for Change { at, cell, .. } in changes(&from, &to) {
            let (x, c) = (usize::from(at.x), cell.symbol().chars().next().unwrap());
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
            let row = Buffer::with_lines([row.as_str()]).into();
            prop_assert!(changes(&row, &row).is_empty());
        }
    }
}
