//! The screen against `alacritty_terminal`: the same bytes in different pieces must end in the same cells, styles,
//! cursor and scrolled-off text.
//!
//! Known differences, which the generated input avoids, because ours is what xterm and the DEC manuals say, or what a
//! log needs:
//! - relative vertical movement ends at the margins, and origin mode applies once (alacritty: neither);
//! - DCH of several characters never reaches left of the cursor; ED 1 erases the first row as well; CBT ends a pending
//!   wrap; DECALN resets the margins and goes home; DECSC saves the shift state; LF obeys LNM;
//! - half a wide character is blanked when the other half is erased or shifted away;
//! - ED at home, ED 3 and RIS move what they erase into history instead of dropping it (tested beside the document);
//! - a wrap ends when DCH moves its last character away (alacritty: the character takes it along, and ICH or insert
//!   mode brings it back);
//! - the column that is left free before a wide character never becomes text, also when that character is overwritten;
//! - SGR 21 is a double underline (alacritty: the end of bold); a tab after a full row waits there (alacritty: it wraps);
//! - growing does not take rows back from history, which readers show above the screen anyway.

use alacritty_terminal::event::VoidListener;
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::{Column, Line as Place};
use alacritty_terminal::term::cell::{Cell as TheirCell, Flags};
use alacritty_terminal::term::{Config, Term};
use alacritty_terminal::vte::ansi::{Color as TheirColor, NamedColor, Processor};
use proptest::prelude::*;

use super::{Input, TerminalScreen};
use crate::domain::Moment;
use crate::logs::{Attributes, Color, LinkId, Style, StyledText, Underline};

const HISTORY: usize = 100_000;

#[derive(Clone, Copy)]
struct Size(u16, u16);

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        self.1.into()
    }
    fn screen_lines(&self) -> usize {
        self.1.into()
    }
    fn columns(&self) -> usize {
        self.0.into()
    }
}

/// Both terminals, given the same.
pub(super) struct Pair {
    input: Input,
    pub(super) ours: TerminalScreen,
    parser: Processor,
    theirs: Term<VoidListener>,
}

impl Pair {
    pub(super) fn new(columns: u16, lines: u16) -> Self {
        let config = Config { scrolling_history: HISTORY, ..Config::default() };
        Self {
            input: Input::default(),
            ours: TerminalScreen::new(columns, lines, usize::MAX),
            parser: Processor::new(),
            theirs: Term::new(config, &Size(columns, lines), VoidListener),
        }
    }

    /// The oracle gets all at once, ours in pieces.
    pub(super) fn feed(&mut self, bytes: &[u8], piece: usize) {
        self.parser.advance(&mut self.theirs, bytes);
        if self.parser.sync_timeout().sync_timeout().is_some() {
            // It would show an unfinished frame only later.
            self.parser.stop_sync(&mut self.theirs);
        }
        bytes.chunks(piece.max(1)).for_each(|part| self.input.advance(&mut self.ours, part));
    }

    pub(super) fn compare_cells(&self) {
        let grid = &self.ours.grid;
        for (index, row) in grid.rows.iter().enumerate() {
            let theirs = &self.theirs.grid()[Place(i32::try_from(index).unwrap())];
            for column in 0..grid.columns {
                let mut text = StyledText::default();
                row.append_part(column, column + 1, &mut text);
                let run = text.runs.first().map_or(Style::default(), |run| run.style);
                let mut style = Style { link: run.link, ..run.visible_part() };
                // Theirs do not blink, and have no overlines.
                style.attributes = style.attributes.without(Attributes::BLINK).without(Attributes::OVERLINE);
                let ours = (text.text.as_str(), style);
                let (their_text, their_style) = cell(&theirs[Column(column)]);
                if ours.0.is_empty() && their_text == " " && column + 1 == grid.columns {
                    continue; // our filler, which theirs was until its wide character was overwritten
                }
                assert_eq!(ours, (their_text.as_str(), their_style), "row {index}, column {column}");
            }
            let their_wrap = theirs[Column(grid.columns - 1)].flags.contains(Flags::WRAPLINE);
            assert_eq!(row.wrapped, their_wrap, "row {index} wraps");
        }
    }

    pub(super) fn compare_cursor(&self) {
        let (ours, theirs) = (self.ours.grid.cursor, &self.theirs.grid().cursor);
        let place = (theirs.point.line.0, theirs.point.column.0, theirs.input_needs_wrap);
        assert_eq!((i32::try_from(ours.row).unwrap(), ours.column, ours.pending_wrap), place, "cursor");
    }

    pub(super) fn compare_text(&mut self) {
        assert_eq!(self.our_lines(), self.their_lines());
    }

    fn compare_text_without_spaces(&mut self) {
        let squeeze = |lines: Vec<String>| -> Vec<String> { lines.iter().map(|line| line.replace(' ', "")).collect() };
        assert_eq!(squeeze(self.our_lines()), squeeze(self.their_lines()));
    }

    /// All lines, without spaces at their ends and empty lines at the end.
    pub(super) fn our_lines(&mut self) -> Vec<String> {
        let mut lines: Vec<String> = (self.ours.history.first()..self.ours.history.end())
            .filter_map(|id| self.ours.history.line(id))
            .map(|line| line.content.text.trim_end().to_owned())
            .collect();
        let view = self.ours.view();
        let layout = view.layout();
        let live = (0..layout.len()).filter_map(|index| view.line(&layout, index));
        lines.extend(live.map(|(_, line)| line.text.trim_end().to_owned()));
        without_empty_end(lines)
    }

    pub(super) fn their_lines(&self) -> Vec<String> {
        let grid = self.theirs.grid();
        let mut lines = Vec::new();
        let mut line = String::new();
        for index in grid.topmost_line().0..=grid.bottommost_line().0 {
            let row = &grid[Place(index)];
            for column in 0..grid.columns() {
                line.push_str(&cell(&row[Column(column)]).0);
            }
            if !row[Column(grid.columns() - 1)].flags.contains(Flags::WRAPLINE) {
                lines.push(line.trim_end().to_owned());
                line.clear();
            }
        }
        lines.push(line.trim_end().to_owned());
        without_empty_end(lines)
    }
}

fn without_empty_end(mut lines: Vec<String>) -> Vec<String> {
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn cell(cell: &TheirCell) -> (String, Style) {
    // A mark on the column that was left free before a wide character makes it text.
    let free = cell.flags.contains(Flags::LEADING_WIDE_CHAR_SPACER) && cell.zerowidth().is_none_or(<[char]>::is_empty);
    if free || cell.flags.contains(Flags::WIDE_CHAR_SPACER) {
        return (String::new(), Style::default());
    }
    // Their tabs are cells; ours are movement.
    let mut text = String::from(if cell.c == '\t' { ' ' } else { cell.c });
    text.extend(cell.zerowidth().unwrap_or_default());
    let mut attributes = Attributes::default();
    let pairs = [
        (Flags::BOLD, Attributes::BOLD),
        (Flags::DIM, Attributes::DIM),
        (Flags::ITALIC, Attributes::ITALIC),
        (Flags::INVERSE, Attributes::REVERSE),
        (Flags::HIDDEN, Attributes::HIDDEN),
        (Flags::STRIKEOUT, Attributes::STRIKE),
    ];
    for (theirs, ours) in pairs {
        if cell.flags.intersects(theirs) {
            attributes = attributes.with(ours);
        }
    }
    let kinds = [
        (Flags::UNDERLINE, Underline::Single),
        (Flags::DOUBLE_UNDERLINE, Underline::Double),
        (Flags::UNDERCURL, Underline::Curly),
        (Flags::DOTTED_UNDERLINE, Underline::Dotted),
        (Flags::DASHED_UNDERLINE, Underline::Dashed),
    ];
    let kind = kinds.iter().find(|(flag, _)| cell.flags.contains(*flag)).map(|(_, kind)| *kind);
    let attributes = attributes.with_underline(kind);
    let underline = cell.underline_color().map_or(Color::Default, color);
    // All links of these tests have one target.
    let link = cell.hyperlink().and_then(|_| LinkId::from_number(1));
    (text, Style { foreground: color(cell.fg), background: color(cell.bg), underline, attributes, link })
}

fn color(color: TheirColor) -> Color {
    match color {
        TheirColor::Named(NamedColor::Foreground | NamedColor::Background) => Color::Default,
        TheirColor::Named(name) => Color::Indexed(u8::try_from(name as usize).unwrap()),
        TheirColor::Indexed(index) => Color::Indexed(index),
        TheirColor::Spec(rgb) => Color::Rgb(rgb.r, rgb.g, rgb.b),
    }
}

fn ascii() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ -~]{1,12}", 1 => "[a-z ]{20,60}"]
}

fn unicode() -> impl Strategy<Value = String> {
    let any = prop_oneof![
        Just("é"),
        Just("漢"),
        Just("字"),
        Just("e\u{301}"),
        Just("👍"),
        Just("👩\u{200d}💻"),
        Just("ｗ"),
        Just("─"),
        Just("\u{fe0f}"),
        Just("ab"),
        Just("\u{ad}"),
        Just("한")
    ];
    prop::collection::vec(any, 1..8).prop_map(|parts| parts.concat())
}

fn sgr() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        prop::sample::select(vec![
            "",
            "0",
            "1",
            "2",
            "3",
            "4",
            "5",
            "7",
            "8",
            "9",
            "22",
            "23",
            "24",
            "27",
            "28",
            "29",
            "39",
            "49",
            "4:0",
            "4:1",
            "4:2",
            "4:3",
            "4:4",
            "4:5",
            "4:9",
            "53",
            "55",
            "58;5;3",
            "58:5:200",
            "58;2;4;5;6",
            "58:2:7:8:9",
            "58:2::1:2:3",
            "58;5",
            "58:5:256",
            "59",
            "38:2:1:2:3",
            "48:2::9:8:7",
            "38;5",
            "38;2;300;1;1",
            "48;5;256"
        ])
        .prop_map(str::to_owned),
        (30u16..=37).prop_map(|n| n.to_string()),
        (40u16..=47).prop_map(|n| n.to_string()),
        (90u16..=107).prop_map(|n| n.to_string()),
        any::<u8>().prop_map(|n| format!("38;5;{n}")),
        any::<(u8, u8, u8)>().prop_map(|(r, g, b)| format!("48;2;{r};{g};{b}")),
        any::<(u8, u8, u8)>().prop_map(|(r, g, b)| format!("38:2::{r}:{g}:{b}")),
    ];
    prop::collection::vec(one, 1..4).prop_map(|parts| format!("\x1b[{}m", parts.join(";")))
}

fn line_ends() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "\r\n", "\n", "\r", "\r\n\r\n", "\x0b", "\x08", "\x08\x08", "\x08\t", "\x08\t\t", "\x07", "\x00",
    ])
    .prop_map(str::to_owned)
}

fn harmless() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "\x1b]0;title\x07",
        "\x1b]8;;http://x\x1b\\",
        "\x1b]8;;\x1b\\",
        "\x1bP1$r0m\x1b\\",
        "\x1b_apc\x1b\\",
        "\x1b^pm\x1b\\",
        "\x1b[?1h",
        "\x1b[?2004h",
        "\x1b[?1000h",
        "\x1b[?25l",
        "\x1b[>4;1m",
        "\x1b[1;2;3;4;5q",
        "\x1b[?1;2c",
        "\x1b[12\x18",
        "\x1b]52;c;AAAA\x1b\\",
        "\x1b[38;5;1\x1a",
        "\x1b\x1b[1m",
        "\x1b(B",
        "\x1b[<1;2u",
        "\x1b[1 q",
        "\x1b[3$z",
    ])
    .prop_map(str::to_owned)
}

fn movement() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u16..8, prop::sample::select(vec!['A', 'B', 'C', 'D', 'E', 'F', 'a', 'e']))
            .prop_map(|(n, c)| format!("\x1b[{n}{c}")),
        (0u16..30, prop::sample::select(vec!['G', '`', 'd', 'I'])).prop_map(|(n, c)| format!("\x1b[{n}{c}")),
        (2u16..12, 2u16..30).prop_map(|(row, column)| format!("\x1b[{row};{column}H")),
        prop::sample::select(vec!["\x1b7", "\x1b8", "\x1b[s", "\x1b[u", "\x1bH", "\x1b[g", "\x1b[3g"])
            .prop_map(str::to_owned),
    ]
}

fn edits() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u16..3).prop_map(|n| format!("\x1b[{n}K")),
        Just(String::from("\x1b[J")),
        (0u16..6, prop::sample::select(vec!['@', 'L', 'M', 'X', 'S', 'T'])).prop_map(|(n, c)| format!("\x1b[{n}{c}")),
        Just(String::from("\x1b[P")),
        (1u16..9).prop_map(|n| format!("x\x1b[{n}b")),
        prop::sample::select(vec!["\x1bD", "\x1bE", "\x1bM", "\x1b[4h", "\x1b[4l", "\x1b[?7l", "\x1b[?7h"])
            .prop_map(str::to_owned),
    ]
}

fn script(part: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec(part, 1..60).prop_map(|parts| parts.concat()).prop_filter(
        "a wrap moves there and back",
        |text| {
            let moves_right = text.contains("\x1b[4h") || (0..6).any(|n| text.contains(&format!("\x1b[{n}@")));
            !(moves_right && text.contains("\x1b[P"))
        },
    )
}

proptest! {
    #![proptest_config(crate::logs::cases(96))]

    #[test]
    fn addressing_and_editing_of_ascii_ends_as_in_the_oracle(
        text in script(prop_oneof![6 => ascii(), 3 => line_ends(), 2 => sgr(), 3 => movement(), 3 => edits(), 1 => harmless()]),
        columns in 2u16..30, lines in 1u16..12, piece in 1usize..40,
    ) {
        let mut pair = Pair::new(columns, lines);
        pair.feed(text.as_bytes(), piece);
        pair.compare_cells();
        pair.compare_cursor();
        pair.compare_text();
    }

    #[test]
    fn wide_and_combining_characters_end_as_in_the_oracle(
        text in script(prop_oneof![3 => ascii(), 6 => unicode(), 3 => line_ends(), 2 => sgr(), 2 => movement()]),
        columns in 2u16..30, lines in 1u16..12, piece in 1usize..40,
    ) {
        let mut pair = Pair::new(columns, lines);
        pair.feed(text.as_bytes(), piece);
        pair.compare_cells();
        pair.compare_cursor();
        pair.compare_text_without_spaces();
    }

    #[test]
    fn scrolling_regions_and_the_alternate_screen_end_as_in_the_oracle(
        text in script(prop_oneof![
            6 => ascii(), 3 => line_ends(), 1 => sgr(),
            3 => (0u16..5, 0u16..14).prop_map(|(top, bottom)| format!("\x1b[{top};{bottom}r")),
            2 => (2u16..12, 2u16..30).prop_map(|(row, column)| format!("\x1b[{row};{column}H")),
            2 => (prop_oneof![4 => 0u16..6, 1 => Just(u16::MAX)], prop::sample::select(vec!['L', 'M', 'S', 'T'])).prop_map(|(n, c)| format!("\x1b[{n}{c}")),
            2 => prop::sample::select(vec!["\x1bD", "\x1bE", "\x1bM"]).prop_map(str::to_owned),
            1 => prop::sample::select(vec!["\x1b[?1049h", "\x1b[?1049l"]).prop_map(str::to_owned),
        ]),
        columns in 2u16..30, lines in 5u16..12, piece in 1usize..40,
    ) {
        let mut pair = Pair::new(columns, lines);
        pair.feed(text.as_bytes(), piece);
        pair.compare_cells();
        pair.compare_cursor();
        // What the primary screen under the alternate one holds is compared when it comes back.
        if pair.ours.covered.is_none() {
            pair.compare_text();
        }
    }

    #[test]
    fn line_drawing_ends_as_in_the_oracle(
        text in script(prop_oneof![
            4 => ascii(), 2 => line_ends(), 1 => sgr(),
            3 => prop::sample::select(vec!["\x1b(0", "\x1b(B", "\x1b)0", "\x0e", "\x0f"]).prop_map(str::to_owned),
        ]),
        columns in 2u16..30, lines in 1u16..12, piece in 1usize..40,
    ) {
        let mut pair = Pair::new(columns, lines);
        pair.feed(text.as_bytes(), piece);
        pair.compare_cells();
        pair.compare_cursor();
        pair.compare_text();
    }

    #[test]
    fn any_size_keeps_what_was_printed(
        parts in prop::collection::vec(
            (prop::collection::vec(prop_oneof![3 => "[a-z ]{0,30}[a-z]", 1 => unicode()], 0..6), 2u16..40, 1u16..14),
            1..6,
        ),
        piece in 1usize..40,
    ) {
        let mut pair = Pair::new(20, 6);
        let mut printed = Vec::new();
        for (lines, columns, rows) in parts {
            // A mark at the beginning of a line would be combined with what the oracle and ours have in that place.
            let lines: Vec<String> = lines.iter().map(|line| format!("x{line}")).collect();
            pair.feed(lines.iter().map(|line| format!("{line}\r\n")).collect::<String>().as_bytes(), piece);
            pair.ours.resize(columns, rows, Moment::START);
            printed.extend(lines);
            prop_assert_eq!(&pair.our_lines(), &printed);
        }
    }

    #[test]
    fn the_cursor_stays_on_its_character_when_the_width_changes(
        text in "[a-z]{1,90}", back in 0usize..20, columns in 2u16..40, other in 2u16..40,
    ) {
        let mut pair = Pair::new(columns, 60);
        pair.feed(format!("{text}{}", "\x08".repeat(back)).as_bytes(), 7);
        let view = pair.ours.view();
        let before = view.cursor(&view.layout());
        pair.ours.resize(other, 60, Moment::START);
        let view = pair.ours.view();
        prop_assert_eq!(view.cursor(&view.layout()), before);
    }
}

#[test]
fn a_tab_after_a_full_row_makes_no_empty_one() {
    let rows = |text: &str| {
        let mut pair = Pair::new(8, 4);
        pair.feed(text.as_bytes(), 3);
        pair.our_lines()
    };
    assert_eq!(rows("abcdefgh\t\r\nx"), ["abcdefgh", "x"]);
    assert_eq!(rows("abcdefgh\tij\r\nx"), ["abcdefghij", "x"]);
}

#[test]
fn columns_are_switched_only_where_it_is_allowed() {
    let rows = |text: &str| {
        let mut pair = Pair::new(8, 4);
        pair.feed(text.as_bytes(), 3);
        pair.our_lines()
    };
    assert_eq!(rows("one\r\n\x1b[!p\x1b[?3;4l\x1b[4l\x1b>two"), ["one", "two"], "what `tput init` prints");
    let allowed = rows("one\r\n\x1b[?40h\x1b[?3ltwo");
    assert!(allowed.contains(&"two".into()) && allowed.iter().any(|line| line.contains("cleared")), "{allowed:?}");
}

#[test]
fn a_double_underline_is_one() {
    let mut style = Style::default();
    super::sgr::apply(&mut style, [[1].as_slice(), &[21]].into_iter());
    assert_eq!(style.attributes, Attributes::BOLD.with_underline(Some(Underline::Double)));
    super::sgr::apply(&mut style, [[24].as_slice()].into_iter());
    assert_eq!(style.attributes, Attributes::BOLD);
}

#[test]
fn a_mark_on_the_column_left_free_before_a_wide_character_is_shown() {
    let text = "👍ab👍abe\u{301}한aaaa aaaa   a  aaaaaa aa aa   a aaaaaaa aaaaa aa a👍ab👍漢\u{1b}[2;17H漢👩\u{200d}💻👍aDo%h.D%=\u{b}\u{fe0f}👩\u{200d}💻\u{fe0f}e\u{301}\u{fe0f}👩\u{200d}💻é";
    for text in [text, "abc漢\x1b[1;4H\u{301}", "abc漢\x1b[1;4H\u{301}\x1b[2;1Hab"] {
        for columns in [4, 17] {
            let mut pair = Pair::new(columns, 11);
            pair.feed(text.as_bytes(), 7);
            pair.compare_cells();
            pair.compare_cursor();
            pair.compare_text_without_spaces();
        }
    }
}

/// What real tools printed into a terminal of 80×24.
#[test]
fn recordings_of_real_tools_end_as_in_the_oracle() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue; // looked at elsewhere
        }
        let bytes = std::fs::read(&path).unwrap();
        // Every beginning is a state that somebody could have looked at.
        for end in [bytes.len() / 4, bytes.len() / 2, bytes.len() * 3 / 4, bytes.len()] {
            eprintln!("{} up to byte {end}", path.display());
            let mut pair = Pair::new(80, 24);
            pair.feed(&bytes[..end], 1 + end % 1000);
            pair.compare_cells();
            pair.compare_cursor();
            // ED 3 makes the oracle forget; and it scrolls an empty row away when an empty screen is cleared.
            let forgets = bytes[..end].windows(4).any(|part| part == b"\x1b[3J");
            if pair.ours.covered.is_none() && !forgets {
                let with_text = |lines: Vec<String>| -> Vec<String> {
                    lines.into_iter().filter(|line| !line.is_empty() && !line.contains("── cleared")).collect()
                };
                assert_eq!(with_text(pair.our_lines()), with_text(pair.their_lines()));
            }
        }
        seen += 1;
    }
    assert!(seen >= 10);
}
