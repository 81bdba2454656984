//! Where the reader stands, while output arrives and old lines go.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::display::{DisplaySupport, GlyphSet};
use crate::logs::LogStore;
use crate::logs::{LogDocument, StyleSupport};
use crate::tui::ink;
use crate::tui::options::DashboardOptions;

fn layout(width: usize, height: usize, wrap: bool) -> LineLayout {
    let display = DisplaySupport { color: true, ..DisplaySupport::from_variables(|_| None) };
    LineLayout {
        width,
        height,
        wrap,
        times: Times::Off,
        folded: false,
        typed: false,
        view: PaneView::Auto,
        glyphs: Glyphs::of(GlyphSet::Unicode),
        theme: Theme::new(DashboardOptions::new(DisplaySupport { styles: StyleSupport::FULL, ..display })),
        clock: Clock::start(),
    }
}

fn document(lines: Range<u32>) -> Arc<LogDocument> {
    let document = LogStore::new(Clock::start()).open(&"api".into(), 1 << 20);
    document.resize(80, 10);
    append(&document, lines);
    document
}

fn append(document: &LogDocument, lines: Range<u32>) {
    for number in lines {
        document.feed(format!("line {number}\r\n").as_bytes());
    }
}

fn take_rows(view: &mut Viewport, document: &LogDocument, layout: &LineLayout) -> PaneText {
    let names = ["api".into()];
    let frame = Frame { names: &names, labels: &[], query: None, roams: false, layout: *layout };
    view.take(&mut LineSource::of(document.read()), &frame)
}

fn shown(text: &PaneText) -> Vec<String> {
    text.rows.iter().map(|row| row.spans.iter().map(|span| &*span.content).collect()).collect()
}

#[test]
fn the_end_is_followed() {
    let (document, layout, mut view) = (document(0..30), layout(80, 3, false), Viewport::default());
    assert_eq!(shown(&take_rows(&mut view, &document, &layout)), ["line 27", "line 28", "line 29"]);
    append(&document, 30..31);
    let text = take_rows(&mut view, &document, &layout);
    assert_eq!(shown(&text), ["line 28", "line 29", "line 30"]);
    assert!(text.follow);
}

#[test]
fn whoever_goes_away_from_the_end_of_a_full_screen_program_reads_the_log() {
    let (document, layout, mut view) = (document(0..30), layout(80, 3, false), Viewport::default());
    document.feed(b"\x1b[?1049hframe");
    let rows = |view: &mut Viewport, layout: &LineLayout| {
        let text = take_rows(view, &document, layout);
        (text.rows_of_screen, text.follow, shown(&text).concat())
    };
    let frame = (true, true, "frame".to_owned());
    assert_eq!(rows(&mut view, &layout), frame);
    view.scroll(3);
    assert_eq!(rows(&mut view, &layout), frame, "below it is nothing");
    view.page(-1);
    assert_eq!(rows(&mut view, &layout), (false, false, "line 26line 27line 28".into()));
    view.page(1);
    assert_eq!(rows(&mut view, &layout), frame);
    view.top();
    assert_eq!(rows(&mut view, &layout), (false, false, "line 0line 1line 2".into()));
    assert_eq!(rows(&mut view, &layout.as_terminal()), frame, "it is typed into");
    view.follow();
    let log = LineLayout { view: PaneView::Log, ..layout };
    assert_eq!(rows(&mut view, &log), (false, true, "line 27line 28line 29".into()));
}

#[test]
fn a_pane_may_always_show_the_terminal() {
    let (document, mut view) = (document(0..5), Viewport::default());
    let layout = LineLayout { view: PaneView::Screen, ..layout(80, 10, false) };
    document.feed(b"\x1b[2;1Htop\x1b[K");
    let text = take_rows(&mut view, &document, &layout);
    assert!(text.rows_of_screen);
    assert_eq!(shown(&text)[..3], ["line 0", "top", "line 2"]);
    view.scroll(-1);
    assert!(!take_rows(&mut view, &document, &layout).rows_of_screen);
}

#[test]
fn a_short_log_begins_at_the_top() {
    let (document, layout, mut view) = (document(0..2), layout(80, 5, false), Viewport::default());
    assert_eq!(shown(&take_rows(&mut view, &document, &layout)), ["line 0", "line 1"]);
}

#[test]
fn what_is_read_stays_and_what_comes_is_counted() {
    let (document, layout, mut view) = (document(0..30), layout(80, 3, false), Viewport::default());
    take_rows(&mut view, &document, &layout);
    view.scroll(-5);
    let before = shown(&take_rows(&mut view, &document, &layout));
    assert_eq!(before, ["line 22", "line 23", "line 24"]);
    append(&document, 30..68);
    let text = take_rows(&mut view, &document, &layout);
    assert_eq!((shown(&text), text.follow, text.new), (before, false, 38));
    view.follow();
    let text = take_rows(&mut view, &document, &layout);
    assert_eq!((text.new, shown(&text).pop()), (0, Some("line 67".into())));
}

#[test]
fn what_comes_between_the_last_frame_and_the_stop_is_new() {
    let (document, layout, mut view) = (document(0..30), layout(80, 3, false), Viewport::default());
    take_rows(&mut view, &document, &layout);
    append(&document, 30..35);
    let before = shown(&take_rows(&mut view, &document, &layout));
    view.stop_following();
    append(&document, 35..42);
    let text = take_rows(&mut view, &document, &layout);
    assert_eq!((shown(&text), text.new), (before, 7));
}

#[test]
fn what_is_new_becomes_less_on_the_way_down() {
    let (document, layout, mut view) = (document(0..30), layout(80, 4, false), Viewport::default());
    take_rows(&mut view, &document, &layout);
    view.scroll(-2);
    take_rows(&mut view, &document, &layout);
    append(&document, 30..60);
    let mut new = vec![take_rows(&mut view, &document, &layout).new];
    for _ in 0..4 {
        view.scroll(5);
        new.push(take_rows(&mut view, &document, &layout).new);
    }
    assert_eq!(new, [30, 27, 22, 17, 12]);
}

#[test]
fn the_view_does_not_stand_past_the_end() {
    let (document, wide, mut view) = (document(0..30), layout(80, 4, false), Viewport::default());
    take_rows(&mut view, &document, &wide);
    view.scroll(-2);
    assert_eq!(shown(&take_rows(&mut view, &document, &wide)), ["line 24", "line 25", "line 26", "line 27"]);
    // A pane that has become higher shows what is above.
    let text = take_rows(&mut view, &document, &layout(80, 12, false));
    assert_eq!((text.rows.len(), shown(&text)[0].as_str(), text.follow), (12, "line 18", false));
    append(&document, 30..31);
    assert_eq!(shown(&take_rows(&mut view, &document, &layout(80, 12, false)))[0], "line 18", "and stays there");
}

#[test]
fn what_stands_for_the_rest_of_a_line_is_the_rest() {
    let document = document(0..0);
    document.feed(b"0123456789abcdef\r\nshort\r\n");
    let mut view = Viewport::default();
    let text = take_rows(&mut view, &document, &layout(10, 3, false));
    let byte = |text: &PaneText, column, row| text.point((column, row)).map(|point| point.byte);
    assert_eq!(
        (byte(&text, 8, 0), byte(&text, 9, 0), byte(&text, 20, 0)),
        (Some(8), Some(usize::MAX), Some(usize::MAX))
    );
    assert_eq!((byte(&text, 9, 1), byte(&text, 0, 5)), (Some(5), Some(5)), "nothing is cut off there");
    view.sideways(4);
    let text = take_rows(&mut view, &document, &layout(10, 3, false));
    assert_eq!(shown(&text)[0], "…56789abc…");
    assert_eq!((byte(&text, 0, 0), byte(&text, 1, 0), byte(&text, 9, 0)), (Some(0), Some(5), Some(usize::MAX)));
}

#[test]
fn lines_that_are_data_are_short_and_stand_for_all_that_was_printed() {
    let document = document(0..1);
    document
        .feed(b"{\"level\":\"warn\",\"msg\":\"a slow query of a customer\",\"ms\":812,\"secret\":\"\"}\r\ntext\r\n");
    let folded = LineLayout { folded: true, ..layout(24, 6, true) };
    let text = take_rows(&mut Viewport::default(), &document, &folded);
    assert_eq!(shown(&text), ["line 0", "warn  a slow query of a ", "customer  ms=812 secret=", "\"\"", "text"]);
    let is_folded: Vec<bool> = text.places.iter().map(|place| place.folded).collect();
    assert_eq!(is_folded, [false, true, true, true, false]);
    assert!(text.is_folded(text.places[1].line) && !text.is_folded(text.places[0].line));
    // Scrolled by rows, as they are to be seen.
    let (mut view, small) = (Viewport::default(), LineLayout { height: 2, ..folded });
    assert_eq!(shown(&take_rows(&mut view, &document, &small)), ["\"\"", "text"]);
    view.scroll(-1);
    assert_eq!(shown(&take_rows(&mut view, &document, &small)), ["customer  ms=812 secret=", "\"\""]);
    // As printed again, the same line is in the first row.
    let printed = take_rows(&mut view, &document, &LineLayout { folded: false, ..small });
    assert!(printed.places[0].line == LineId(1) && !printed.places[0].folded, "{:?}", shown(&printed));
    assert!(!folded.as_terminal().folded, "who types sees what the program draws");
}

#[test]
fn a_match_in_what_is_folded_away_is_told() {
    let document = document(0..0);
    document.feed(b"{\"level\":\"warn\",\"msg\":\"slow query\",\"ms\":812}\r\n");
    let take = |query: &str, folded: bool| {
        let query = Query::new(query, logs::QueryKind::Literal).unwrap();
        let (names, layout) = (["api".into()], LineLayout { folded, ..layout(80, 3, false) });
        let frame = Frame { names: &names, labels: &[], query: Some(&query), roams: false, layout };
        let text = Viewport::default().take(&mut LineSource::of(document.read()), &frame);
        (text.gutter[0].hit, text.hides_match)
    };
    assert_eq!(take("slow", true), (true, false));
    assert_eq!(take("\"ms\":812", true), (true, true));
    assert_eq!(take("\"ms\":812", false), (true, false));
    assert_eq!(take("ms=812", true), (false, false), "nobody has printed that");
}

#[test]
fn scrolling_down_to_the_end_follows_again() {
    let (document, layout, mut view) = (document(0..30), layout(80, 4, false), Viewport::default());
    take_rows(&mut view, &document, &layout);
    view.page(-1);
    assert!(!take_rows(&mut view, &document, &layout).follow);
    view.page(1);
    assert!(take_rows(&mut view, &document, &layout).follow);
}

#[test]
fn the_top_is_the_oldest_line_and_scrolling_stops_there() {
    let (document, layout, mut view) = (document(0..30), layout(80, 3, false), Viewport::default());
    view.top();
    let text = take_rows(&mut view, &document, &layout);
    assert_eq!((shown(&text)[0].as_str(), text.new), ("line 0", 0));
    append(&document, 30..32);
    assert_eq!(take_rows(&mut view, &document, &layout).new, 2);
    view.scroll(-1000);
    assert_eq!(shown(&take_rows(&mut view, &document, &layout))[0], "line 0");
}

#[test]
fn a_line_that_was_dropped_gives_way_to_the_oldest() {
    let document = LogStore::new(Clock::start()).open(&"api".into(), 20_000);
    document.resize(80, 4);
    append(&document, 0..10);
    let (layout, mut view) = (layout(80, 3, false), Viewport::default());
    view.top();
    take_rows(&mut view, &document, &layout);
    append(&document, 10..20_000);
    let first = document.read().first();
    assert!(first > LineId(0), "the budget has dropped nothing");
    let text = take_rows(&mut view, &document, &layout);
    assert_eq!(text.rows.len(), 3);
    assert!(!text.follow);
}

#[test]
fn long_lines_are_cut_or_wrapped() {
    let document = document(0..0);
    document.feed("0123456789abcdef日本\r\n".as_bytes());
    let mut view = Viewport::default();
    assert_eq!(shown(&take_rows(&mut view, &document, &layout(10, 3, false))), ["012345678…"]);
    assert_eq!(shown(&take_rows(&mut view, &document, &layout(10, 3, true))), ["0123456789", "abcdef日本"]);
    view.scroll(-1);
    assert_eq!(shown(&take_rows(&mut view, &document, &layout(10, 1, true))), ["0123456789"]);
}

#[test]
fn a_line_of_a_megabyte_is_shown_up_to_its_limit() {
    let document = document(0..0);
    document.feed(&vec![b'x'; 1 << 20]);
    document.feed(b"\r\n");
    let text = take_rows(&mut Viewport::default(), &document, &layout(100, 400, true));
    let all: String = shown(&text).concat();
    assert!(all.ends_with("KiB more"), "{}", &all[all.len() - 40..]);
    assert!(text.rows.len() <= 400);
}

#[test]
fn the_colours_of_the_service_are_kept_and_markers_are_dim() {
    use ratatui::style::{Color, Modifier};
    let document = document(0..0);
    document.feed(b"plain \x1b[1;31mred\x1b[0m \x1b[48;5;200mback\x1b[0m\r\n");
    document.mark(&crate::domain::Marker::Cleared);
    let text = take_rows(&mut Viewport::default(), &document, &layout(80, 3, false));
    let styles: Vec<_> = text.rows[0].spans.iter().map(|span| (&*span.content, span.style.fg, span.style.bg)).collect();
    assert_eq!(
        styles,
        [
            ("plain ", None, None),
            ("red", Some(Color::Red), None),
            (" ", None, None),
            ("back", None, Some(Color::Indexed(200)))
        ]
    );
    assert!(text.rows[1].spans.iter().all(|span| span.style.add_modifier.contains(Modifier::DIM)));
}

#[test]
fn a_line_of_devgroup_goes_across_the_pane_and_keeps_its_reason_longest() {
    use crate::domain::{ExitStatus, Exited, FailedRun, Marker, NextTry};
    let document = document(0..0);
    document.mark(&Marker::Exited(Exited {
        status: ExitStatus::Code(1),
        failed: Some(FailedRun::Crash(2, 5)),
        next: NextTry::In(std::time::Duration::from_secs(4)),
    }));
    let row = |width, wrap| shown(&take_rows(&mut Viewport::default(), &document, &layout(width, 3, wrap)));
    let marks = take_rows(&mut Viewport::default(), &document, &layout(90, 3, false)).gutter;
    assert!(marks[0].level >= Some(logs::Level::Error), "it tells of a failure: {marks:?}");
    let wide = row(90, false).concat();
    let (said, rest) = wide.split_once(" ───").expect("a line");
    assert_eq!(said, "── exited · code 1 · crash 2 of 5 · next try in 4s");
    let clock = rest.trim_matches('─').trim();
    assert!(clock.len() == 8 && clock.matches(':').count() == 2, "{wide}");
    assert!(wide.ends_with(&format!("─ {clock} ─")) && text::width(&wide) == 90, "{wide}");
    let narrow = row(56, false).concat();
    assert!(!narrow.contains(':') && narrow.ends_with("next try in 4s ─────"), "the time goes first: {narrow}");
    assert_eq!(row(38, false), ["── exited · code 1 · next try in 4s ──"]);
    assert_eq!(row(30, false), ["── exited · code 1 · next try…"]);
    assert_eq!(row(20, false), ["── exited · code 1 …"]);
    assert_eq!(row(30, true).concat(), said, "all of it is there");
    document.mark(&Marker::Started { why: None, command: "printf 'a long command with many words'".into(), pid: 7 });
    assert_eq!(row(40, false)[1], "── started · printf 'a long com… · pid 7");
    let ascii = LineLayout { glyphs: Glyphs::of(GlyphSet::Ascii), ..layout(90, 3, false) };
    assert!(shown(&take_rows(&mut Viewport::default(), &document, &ascii))[0].ends_with(&format!("- {clock} -")));
}

#[test]
fn an_error_and_what_belongs_to_it_are_marked_apart() {
    use crate::logs::Level;
    let document = document(0..1);
    document.feed(b"Traceback (most recent call last):\r\n  File \"a.py\"\r\nValueError: no\r\nok\r\n");
    let mut view = Viewport::default();
    let text = take_rows(&mut view, &document, &layout(20, 20, true));
    let marks = |text: &PaneText| {
        let mark = |mark: &GutterMark| (mark.level.is_some_and(|level| level >= Level::Error), mark.goes_on);
        text.gutter.iter().map(mark).collect::<Vec<_>>()
    };
    let (first, more, other) = ((true, false), (true, true), (false, false));
    // The second row is the rest of the first line.
    assert_eq!(marks(&text), [other, first, more, more, more, other], "{:?}", shown(&text));
    let text = take_rows(&mut view, &document, &layout(20, 4, true));
    assert_eq!(marks(&text), [more, more, more, other], "its beginning is above: {:?}", shown(&text));
}

#[test]
fn times_are_before_the_lines() {
    let document = document(0..1);
    let mut layout = layout(20, 3, false);
    layout.times = Times::SinceStart;
    let since = shown(&take_rows(&mut Viewport::default(), &document, &layout));
    assert!(since[0].trim_start().starts_with('+') && since[0].ends_with("s line 0"), "{since:?}");
    layout.times = Times::Clock;
    let clock = shown(&take_rows(&mut Viewport::default(), &document, &layout));
    assert_eq!(clock[0].len(), "14:02:11 line 0".len());
}

proptest! {
    /// Whatever is scrolled, printed and resized: never more rows than the pane has, and none of them too wide.
    #[test]
    fn the_pane_is_never_overfull(
        steps in prop::collection::vec((0_u8..7, -40_i64..40, 1_usize..30, 0_usize..12), 1..40)
    ) {
        let document = LogStore::new(Clock::start()).open(&"api".into(), 8_000);
        document.resize(20, 5);
        let mut view = Viewport::default();
        for (what, amount, width, height) in steps {
            match what {
                0 => view.scroll(amount),
                1 => view.page(amount),
                2 => view.top(),
                3 => view.follow(),
                _ => {
                    let text = "日本 \u{1b}[31mword ".repeat(usize::try_from(amount.abs()).unwrap_or(0));
                    document.feed(text.as_bytes());
                    document.feed(b"\r\n");
                }
            }
            let layout = layout(width, height, amount % 2 == 0);
            let text = take_rows(&mut view, &document, &layout);
            prop_assert!(text.rows.len() <= height);
            for row in shown(&text) {
                // A character that is wider than the pane is cut by the buffer.
                prop_assert!(text::width(&row) <= width.max(2), "{:?} in {}", row, width);
            }
        }
    }
}

#[test]
fn whoever_types_sees_a_cleared_screen_and_above_it_the_log() {
    let (document, mut view) = (document(0..30), Viewport::default());
    let typed = layout(80, 10, false).as_terminal();
    for clear in ["\x1b[H\x1b[2J\x1b[3J", "\x1b[H\x1b[J", "\x1bc"] {
        document.feed(clear.as_bytes());
        let text = take_rows(&mut view, &document, &typed);
        assert_eq!((shown(&text), text.cursor), (vec![String::new()], Some(Position { x: 0, y: 0 })), "{clear:?}");
        document.feed(b"$ ");
        let text = take_rows(&mut view, &document, &typed);
        assert_eq!((shown(&text), text.cursor, text.top), (vec!["$ ".into()], Some(Position { x: 2, y: 0 }), 0));
    }
    assert_eq!(shown(&take_rows(&mut Viewport::default(), &document, &layout(80, 3, false))).len(), 3, "nobody types");
    document.feed(b"\x1b[?1049h\x1b[2J\x1b[?1049l");
    assert_eq!(shown(&take_rows(&mut view, &document, &typed)), ["$ "], "that was another screen");
    view.scroll(-1);
    let text = take_rows(&mut view, &document, &typed);
    assert!(!text.follow && shown(&text).len() == 10 && !shown(&text).concat().contains("── $"), "{:?}", shown(&text));
    assert!(shown(&text)[0].starts_with("line "), "{:?}", shown(&text));
    view.scroll(1);
    let text = take_rows(&mut view, &document, &typed);
    assert_eq!((text.follow, shown(&text)), (true, vec!["$ ".into()]));
    // What scrolls, scrolls as always.
    document.feed(b"ls\r\n");
    append(&document, 0..9);
    assert_eq!(shown(&take_rows(&mut view, &document, &typed))[0], "line 0");
    assert_eq!(shown(&take_rows(&mut view, &document, &typed)).len(), 10, "with the line of the cursor");
    // A new run begins below the log.
    document.feed(b"\x1b[H\x1b[2J");
    document.begin_run(crate::domain::RunId(2), None);
    assert_eq!(shown(&take_rows(&mut view, &document, &typed)).len(), 10);
}

mod typed {
    use super::*;

    fn cursor(bytes: &str, height: usize) -> (Option<Position>, Vec<String>) {
        let document = document(0..0);
        document.feed(bytes.as_bytes());
        let text = take_rows(&mut Viewport::default(), &document, &layout(80, height, false).as_terminal());
        (text.cursor, shown(&text))
    }

    #[test]
    fn the_cursor_is_where_the_service_has_it() {
        assert_eq!(cursor("$ ", 5).0, Some(Position { x: 2, y: 0 }));
        assert_eq!(cursor("one\r\n日本 x\x1b[2D", 5).0, Some(Position { x: 4, y: 1 }));
        let (at, rows) = cursor("one\r\ntwo\r\n", 2);
        assert_eq!((at, rows), (Some(Position { x: 0, y: 1 }), vec!["two".into(), String::new()]));
        assert_eq!(cursor("one\x1b[?25l", 5).0, None);
    }

    #[test]
    fn a_long_line_goes_on_in_the_next_row() {
        let (at, rows) = cursor(&"x".repeat(85), 5);
        assert_eq!((at, rows.len()), (Some(Position { x: 5, y: 1 }), 2));
        assert_eq!(cursor(&"x".repeat(80), 5).0, Some(Position { x: 79, y: 0 }));
    }

    #[test]
    fn a_row_that_is_erased_behind_a_full_one_is_there_for_the_cursor() {
        let full = "x".repeat(80);
        let (at, rows) = cursor(&format!("one\r\n{full}yz\x1b[2K"), 2);
        assert_eq!((at, rows), (Some(Position { x: 2, y: 1 }), vec![full.clone(), String::new()]));
        let (at, rows) = cursor(&format!("{full}yz\r\x1b[K\n\nend\x1b[2A\r"), 5);
        assert_eq!((at, rows), (Some(Position { x: 0, y: 1 }), vec![full, String::new(), String::new(), "end".into()]));
    }

    #[test]
    fn the_cursor_may_stand_on_the_right_half_of_a_wide_character() {
        assert_eq!(cursor("日本\x1b[D", 1).0, Some(Position { x: 3, y: 0 }));
    }

    #[test]
    fn the_first_row_of_the_pane_is_told_in_rows_of_the_screen() {
        let document = document(0..25);
        let text = take_rows(&mut Viewport::default(), &document, &layout(80, 4, false).as_terminal());
        assert_eq!((text.top, text.cursor), (6, Some(Position { x: 0, y: 3 })));
    }
}

/// The links of a pane: row, cells and target.
fn links(text: &PaneText) -> Vec<(usize, Range<usize>, &str)> {
    text.links.iter().map(|link| (link.row, link.columns.clone(), &*link.target)).collect()
}

#[test]
fn links_stand_where_their_text_does() {
    let document = document(0..0);
    document.feed("漢 \x1b]8;;http://x/\x1b\\here\x1b]8;;\x1b\\ http://y.org/0123456789 z\r\n".as_bytes());
    let mut view = Viewport::default();
    let text = take_rows(&mut view, &document, &layout(80, 3, false));
    let y = "http://y.org/0123456789";
    assert_eq!(links(&text), [(0, 3..7, "http://x/"), (0, 8..31, y)]);
    // Cut, they lead where all of them did; wrapped, each row has its part.
    let text = take_rows(&mut view, &document, &layout(16, 3, false));
    assert_eq!(links(&text), [(0, 3..7, "http://x/"), (0, 8..15, y)]);
    let text = take_rows(&mut view, &document, &layout(16, 3, true));
    let parts = [(0, 3..7, "http://x/"), (0, 8..16, y), (1, 0..15, y)];
    assert_eq!((links(&text), text.links[1].begins), (parts.to_vec(), text.links[2].begins));
    let modifier = |row: usize, span: usize| text.rows[row].spans[span].style.add_modifier;
    assert!(modifier(1, 0).contains(ink::LINKED) && !modifier(1, 1).contains(ink::LINKED), "{:?}", text.rows[1]);
    // Times stand before the text.
    let text = take_rows(&mut view, &document, &LineLayout { times: Times::Clock, ..layout(80, 3, false) });
    assert_eq!(links(&text)[0], (0, 12..16, "http://x/"));
}

#[test]
fn a_full_screen_program_has_the_links_that_it_prints() {
    let document = document(0..0);
    document.feed(b"\x1b[?1049h\x1b[2;3H\x1b]8;;http://x/\x1b\\here\x1b]8;;\x1b\\ http://y");
    let text = take_rows(&mut Viewport::default(), &document, &layout(80, 10, false));
    assert_eq!((links(&text), text.rows_of_screen), (vec![(1, 2..6, "http://x/")], true));
}
