//! What a document promises its readers.

use std::sync::atomic::{AtomicBool, Ordering};

use proptest::strategy::Strategy;

use super::*;
use crate::domain::{ExitStatus, MarkerKind};

fn document() -> LogDocument {
    LogDocument::new(1 << 20, Clock::start(), watch::Sender::new(()))
}

fn fed(bytes: impl AsRef<[u8]>) -> LogDocument {
    let document = document();
    document.begin_run(RunId(1), None);
    document.feed(bytes.as_ref());
    document
}

fn lines(document: &LogDocument) -> Vec<String> {
    let mut reader = document.read();
    (reader.first().0..reader.end().0).map(|id| reader.line(LineId(id)).unwrap().content.text).collect()
}

const STOPPED: Marker = Marker::Stopped { status: ExitStatus::Code(0), after: Duration::from_millis(1500), by: None };
const STOPPED_LINE: &str = "── stopped · exit 0 · 1.5s after the signal ──";
const CLEARED_LINE: &str = "── cleared by the service ──";

#[test]
fn tabs_are_spaces_on_the_screen_and_tabs_again_when_copied() {
    let document = fed("");
    document.resize(80, 3);
    let printed = ["java.lang.Error: x", "\tat a.b.C(D.java:7)", "a\tb\t\tc\t\u{e9}\t\u{6f22}\td", "  \t x"];
    document.feed(printed.map(|line| format!("{line}\r\n")).concat().as_bytes());
    // Written over, and jumped over text: those are spaces.
    document.feed(b"\tx\rab\r\nlong\r\ty\r\n\x1b[4h\tz\ty\r\n");
    let mut reader = document.read();
    let lines: Vec<_> = (0..7).map(|id| reader.line(LineId(id)).unwrap().content).collect();
    assert_eq!(lines[1].text, "        at a.b.C(D.java:7)");
    assert!(lines.iter().all(|line| !line.text.contains('\t')));
    let copied: Vec<_> = lines.iter().map(|line| line.as_printed(0..line.text.len())).collect();
    assert_eq!(copied[..4], printed);
    assert_eq!(copied[4..], ["ab      x", "long    y", "\tz\ty"]);
    assert_eq!(lines[1].as_printed(3..11), "     at ");
    assert_eq!(lines[1].as_printed(0..11), "\tat ");
}

#[test]
fn an_untouched_document_has_no_lines() {
    let document = document();
    assert_eq!(lines(&document), [""; 0]);
    document.begin_run(RunId(1), None);
    assert_eq!(lines(&document), [""; 0]);
    assert_eq!(document.read().cursor(), Some((LineId(0), 0)));
}

#[test]
fn a_begun_line_counts_and_is_not_settled() {
    let document = fed("one\r\ntwo\r\n\r\nthr");
    assert_eq!(lines(&document), ["one", "two", "", "thr"]);
    let reader = document.read();
    assert_eq!((reader.settled(), reader.end()), (LineId(3), LineId(4)));
    assert_eq!(reader.cursor(), Some((LineId(3), 3)));
}

#[test]
fn a_line_end_begins_no_line() {
    let document = fed("one\r\n");
    let reader = document.read();
    assert_eq!((reader.settled(), reader.end()), (LineId(1), LineId(1)));
}

#[test]
fn lines_keep_their_numbers_run_and_time_when_they_scroll_into_history() {
    let document = fed("first\r\n\x1b[31msecond\x1b[m\r\n");
    let line = |id| document.read().line(LineId(id)).unwrap();
    let before = [line(0), line(1)];
    document.feed("more\r\n".repeat(20_000).as_bytes());
    assert_eq!([line(0), line(1)], before);
    assert_eq!(document.read().end(), LineId(20_002));
    assert_eq!(before[1].content.runs.len(), 1);
    assert_eq!(before[1].run, RunId(1));
}

#[test]
fn soft_wrapped_rows_are_one_line_on_the_screen_and_in_history() {
    let text = "0123456789".repeat(500);
    let document = fed(&text);
    assert_eq!(lines(&document), [text.as_str()]);
    document.feed(b"\r\nnext");
    assert_eq!(lines(&document), [text.as_str(), "next"]);
    document.resize(30, 2);
    document.feed("\r\n\r\n\r\n".as_bytes());
    assert_eq!(lines(&document), [text.as_str(), "next", "", ""]);
}

#[test]
fn a_marker_stands_between_the_output_before_and_after_it() {
    let document = fed("one\r\ntwo\r\n");
    document.mark(&STOPPED);
    document.feed(b"three\r\n");
    assert_eq!(lines(&document), ["one", "two", STOPPED_LINE, "three"]);
    let mut reader = document.read();
    let kinds: Vec<_> = (0..4).map(|id| reader.line(LineId(id)).unwrap().kind).collect();
    assert_eq!(kinds, [LineKind::Output, LineKind::Output, LineKind::Marker(MarkerKind::Other), LineKind::Output]);
}

#[test]
fn a_marker_does_not_stick_to_a_begun_line_which_goes_on_after_it() {
    let document = fed("Building");
    document.mark(&STOPPED);
    assert_eq!(lines(&document), ["Building", STOPPED_LINE]);
    document.feed(b" done\r\nnext");
    assert_eq!(lines(&document), ["Building", STOPPED_LINE, " done", "next"]);
    document.feed("\r\nmore".repeat(60).as_bytes());
    assert_eq!(lines(&document)[..4], ["Building", STOPPED_LINE, " done", "next"]);
}

#[test]
fn a_progress_bar_that_is_redrawn_stands_after_the_marker_as_a_whole() {
    let document = fed("10 %");
    document.mark(&STOPPED);
    document.feed(b"\r20 %");
    assert_eq!(lines(&document), ["10 %", STOPPED_LINE, "20 %"]);
}

#[test]
fn a_program_that_redraws_rows_above_its_cursor_is_not_disturbed_by_a_marker() {
    let document = fed("web: starting\r\ndb: starting\r\n");
    document.mark(&STOPPED);
    document.feed(b"\x1b[2A\x1b[2Kweb: running\r\n\x1b[2Kdb: running\r\n");
    let expected = ["web: starting", "db: starting", STOPPED_LINE, "web: running", "db: running"];
    assert_eq!(lines(&document), expected);
    document.feed(b"\x1b[2A\x1b[2Kweb: healthy\r\n\r\nlog\r\n");
    let expected = ["web: starting", "db: starting", STOPPED_LINE, "web: healthy", "db: running", "log"];
    assert_eq!(lines(&document), expected);
}

#[test]
fn a_marker_and_another_size_keep_order_and_text() {
    let document = fed("a long line that will be wrapped when the pane gets narrow\r\nbegun");
    document.mark(&STOPPED);
    document.feed(b" end");
    for (columns, rows) in [(12, 3), (200, 50), (2, 1), (80, 24)] {
        document.resize(columns, rows);
        let expected = ["a long line that will be wrapped when the pane gets narrow", "begun", STOPPED_LINE, " end"];
        assert_eq!(lines(&document), expected, "{columns} columns, {rows} rows");
    }
}

#[test]
fn a_marker_while_the_alternate_screen_is_shown_goes_to_the_log() {
    let document = fed("log\r\n\x1b[?1049hfull screen");
    document.mark(&STOPPED);
    assert_eq!(lines(&document), ["log", STOPPED_LINE]);
    assert_eq!(document.read().screen().unwrap().rows[1].text, "full screen");
    document.feed(b"\x1b[?1049lmore");
    assert_eq!(lines(&document), ["log", STOPPED_LINE, "more"]);
}

#[test]
fn a_marker_may_quote_anything() {
    let document = document();
    document.mark(&Marker::CouldNotStart { reason: String::from("no \x1b[2J\n") });
    assert!(!lines(&document)[0].contains(char::is_control));
}

#[test]
fn clearing_keeps_the_log_and_leaves_one_marker() {
    for clear in [
        "\x1b[2J",
        "\x1b[3J",
        "\x1bc",
        "\x1b[H\x1b[J",
        "\x1b[1;1H\x1b[0J",
        "\x1b[H\x1b[2J\x1b[3J",
        "\x1b[2J\x1b[3J\x1b[H",
    ] {
        let document = fed(format!("one\r\ntwo\r\n{clear}{clear}\x1b[Hthree"));
        assert_eq!(lines(&document), ["one", "two", CLEARED_LINE, "three"], "{clear:?}");
    }
}

#[test]
fn clearing_before_anything_was_printed_leaves_no_marker() {
    let document = fed("\x1b[2J\x1b[3J\x1b[Hone");
    assert_eq!(lines(&document), ["one"]);
    document.begin_run(RunId(2), None);
    document.feed(b"\x1bctwo");
    assert_eq!(lines(&document), ["one", "two"]);
}

#[test]
fn a_spinner_at_the_top_of_the_screen_clears_nothing() {
    let document = fed("⠋ install\r\n1 of 9");
    document.feed("\x1b[1A\r\x1b[J⠙ install\r\n2 of 9".as_bytes());
    assert_eq!(lines(&document), ["⠙ install", "2 of 9"]);
}

#[test]
fn clearing_the_alternate_screen_is_no_matter_of_the_log() {
    let document = fed("log\r\n\x1b[?1049hx\x1b[2J\x1b[H\x1b[Jy");
    assert_eq!(lines(&document), ["log"]);
}

#[test]
fn the_alternate_screen_is_shown_and_forgotten() {
    for (enter, leave) in [("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?47h", "\x1b[?47l"), ("\x1b[?1047h", "\x1b[?1047l")] {
        let document = fed(format!("log{enter}\x1b[2;3H\x1b[7mmenu\x1b[m"));
        let screen = document.read().screen().unwrap();
        assert_eq!(screen.rows.len(), usize::from(ROWS));
        assert_eq!(screen.rows[1].text, "  menu");
        assert_eq!(screen.cursor, Some((6, 1)));
        assert_eq!(document.read().cursor(), None);
        document.feed(leave.as_bytes());
        assert_eq!(document.read().screen(), None);
        assert_eq!(lines(&document)[0], "log");
        assert!(!lines(&document).concat().contains("menu"));
    }
}

#[test]
fn what_a_program_showed_when_it_was_killed_on_the_alternate_screen_is_kept() {
    let document = fed("log\r\nhalf\x1b[?1049h\x1b[2J\x1b[Hframe\r\n\x1b[3;3Hpanic: no");
    document.end_run();
    document.mark(&STOPPED);
    assert_eq!(document.read().screen(), None);
    assert_eq!(lines(&document), ["log", "half", "frame", "", "  panic: no", STOPPED_LINE]);
    document.begin_run(RunId(2), None);
    document.feed(b"next");
    assert_eq!(lines(&document), ["log", "half", "frame", "", "  panic: no", STOPPED_LINE, "next"]);
    let document = fed("log\x1b[?1049hframe\x1b[?1049l");
    document.end_run();
    assert_eq!(lines(&document), ["log"], "it has ended well");
}

#[test]
fn a_new_run_is_a_new_terminal_wherever_the_old_one_was() {
    for leftover in
        ["\x1b[?1049h\x1b[31mx", "\x1b[31;", "\x1b]0;tit", "\x1b[2;3r\x1b[?6h\x1b[4h\x1b(0", "\x1bP", "\x1b"]
    {
        let document = fed(format!("old\r\n{leftover}"));
        document.feed(&"é".as_bytes()[..1]);
        document.begin_run(RunId(2), None);
        document.feed("new qé\r\nline\r\n".as_bytes());
        let all = lines(&document);
        assert_eq!(all[0], "old", "{leftover:?}");
        assert_eq!(all[all.len() - 2..], ["new qé", "line"], "{leftover:?}");
        let mut reader = document.read();
        let last = reader.line(LineId(reader.end().0 - 1)).unwrap();
        assert_eq!((last.run, last.content.runs.len()), (RunId(2), 0), "{leftover:?}");
        assert!(reader.screen().is_none());
    }
}

#[test]
fn queries_are_answered() {
    let cases = [
        ("\x1b[c", "\x1b[?62;22c"),
        ("\x1b[>c", "\x1b[>1;10;0c"),
        ("\x1b[5n", "\x1b[0n"),
        ("ab\r\nc\x1b[6n", "\x1b[2;2R"),
        ("\x1b[?2026$p", "\x1b[?2026;2$y"),
        ("\x1b[?25$p\x1b[?9999$p\x1b[4$p", "\x1b[?25;1$y\x1b[?9999;0$y\x1b[4;2$y"),
        ("\x1b[18t", "\x1b[8;24;80t"),
        // The host terminal is asked nothing, and tells nothing.
        ("\x1b]11;?\x07\x1b]52;c;?\x07\x1bP+q544e\x1b\\\x1b[21t", ""),
    ];
    for (query, answer) in cases {
        let document = document();
        assert_eq!(document.feed(query.as_bytes()).replies, answer.as_bytes(), "{query:?}");
        assert_eq!(document.feed(b"x").replies, b"");
    }
    let flood = document().feed("\x1b[c".repeat(100_000).as_bytes()).replies;
    assert!(flood.len() < 10_000 && flood.ends_with(b"c"));
}

#[test]
fn modes_for_typing_are_known() {
    let document = fed("\x1b[?1;1002;1006;1004;2004h\x1b=");
    let modes = document.input_modes();
    assert_eq!(
        modes,
        InputModes {
            application_cursor: true,
            application_keypad: true,
            bracketed_paste: true,
            focus_events: true,
            alternate_scroll: true,
            mouse: super::super::MouseEvents::Drags,
            mouse_encoding: super::super::MouseEncoding::Sgr,
            ..InputModes::default()
        }
    );
    document.feed(b"\x1b[?1049h");
    assert!(document.input_modes().alternate_screen);
    document.begin_run(RunId(2), None);
    assert!(!document.input_modes().bracketed_paste && !document.input_modes().alternate_screen);
}

#[test]
fn a_string_without_an_end_swallows_only_so_much() {
    for begin in ["\x1b]0;", "\x1bPq", "\x1b_"] {
        let document = fed(begin);
        document.feed("x".repeat(2 << 20).as_bytes());
        document.feed(b"\r\nstill here");
        assert_eq!(lines(&document).last().unwrap(), "still here", "{begin:?}");
    }
}

#[test]
fn a_line_without_an_end_is_cut_into_lines_and_stays_in_the_budget() {
    let document = fed("y".repeat(1 << 20));
    let all = lines(&document);
    assert!(all.len() > 10 && all.iter().all(|line| line.len() < 80 << 10));
    assert_eq!(all.concat().len(), 1 << 20);
    for _ in 0..10 {
        document.feed(&[0xC3; 1 << 18]);
    }
    assert!(document.lock().screen.history.bytes() <= 1 << 20);
}

#[test]
fn a_long_line_is_one_up_to_a_mebibyte_where_there_is_room_for_it() {
    let document = LogDocument::new(64 << 20, Clock::start(), watch::Sender::new(()));
    document.begin_run(RunId(1), None);
    let line = format!("{}needle{}", "x".repeat((64 << 10) - 3), "y".repeat(900 << 10));
    format!("before\r\n{line}\r\nafter\r\n").as_bytes().chunks(4096).for_each(|piece| drop(document.feed(piece)));
    assert_eq!(lines(&document).iter().map(String::len).collect::<Vec<_>>(), [6, line.len(), 5]);
    let found = lines(&document).iter().position(|line| line.contains("needle"));
    assert_eq!(found, Some(1), "also across the seam of 64 KiB");
    document.feed("z".repeat(3 << 20).as_bytes());
    let longest = lines(&document).iter().map(String::len).max();
    assert!(longest.is_some_and(|longest| longest < (1 << 20) + 100), "{longest:?}");
}

#[test]
fn the_oldest_lines_are_dropped_and_counted() {
    let document = LogDocument::new(64 << 10, Clock::start(), watch::Sender::new(()));
    for line in 0..30_000 {
        document.feed(format!("line {line} {}\r\n", line * 7919 % 10_007).as_bytes());
    }
    let mut reader = document.read();
    assert!(reader.dropped() > 1000);
    assert_eq!(reader.first(), LineId(reader.dropped() - 1));
    assert_eq!(reader.end(), LineId(30_000));
    assert_eq!(reader.line(LineId(0)), None);
    let (first, last) = (reader.first(), reader.end().0 - 1);
    let loss = reader.line(first).unwrap();
    let words = format!("── {} older lines dropped · [logs] memory is full ──", reader.dropped());
    assert_eq!((loss.kind, loss.content.text), (LineKind::Marker(MarkerKind::Other), words));
    let oldest = LineId(first.0 + 1);
    assert!(reader.line(oldest).unwrap().content.text.starts_with(&format!("line {} ", oldest.0)));
    assert!(reader.line(LineId(last)).unwrap().content.text.starts_with("line 29999 "));
    drop(reader);
    let version = document.version();
    document.set_memory(0);
    assert!(document.version() > version && document.read().first() > first);
}

#[test]
fn readiness_is_found_wherever_it_is_printed() {
    let literal = TextPattern::Literal("ready in".into());
    let regex = TextPattern::Regex("^VITE v[0-9]+ ready".into());
    let filler = "x\r\n".repeat(5000);
    let cases: [(&TextPattern, Vec<String>, bool); 12] = [
        (&literal, vec!["server ready in 3 ms\r\n".into()], true),
        (&literal, vec!["server rea".into(), "dy i".into(), "n".into()], true),
        (&literal, vec!["\x1b[32mready\x1b[0m \x1b[1min\x1b[0m".into()], true),
        (&literal, vec![format!("{filler}ready in\r\n{filler}")], true),
        (&literal, vec![format!("{}ready in", "w".repeat(77))], true),
        (&literal, vec!["ready\r\nin".into()], false),
        (&literal, vec!["ready in\rgone    ".into()], true),
        (&literal, vec!["\x1b[?1049h\x1b[5;5Hready in\x1b[?1049l".into()], true),
        (&literal, vec!["ready in\x1b[2J".into()], true),
        (&regex, vec!["VITE v5 ready".into()], true),
        (&regex, vec!["the VITE v5 ready".into()], false),
        (&regex, vec!["\x1b[1mVITE\x1b[5Gx\r\x1b[KVITE v".into(), "12 ready\r\n".into()], true),
    ];
    for (pattern, pieces, expected) in cases {
        let document = document();
        document.begin_run(RunId(1), Some(pattern));
        let found: Vec<bool> = pieces.iter().map(|piece| document.feed(piece.as_bytes()).ready).collect();
        assert_eq!(found.iter().filter(|ready| **ready).count(), usize::from(expected), "{pieces:?}");
        assert!(!document.feed(b"\r\nready in\r\n").ready || !expected);
    }
}

#[test]
fn readiness_is_not_found_in_markers_or_in_the_run_before() {
    let pattern = TextPattern::Literal("ready".into());
    let document = fed("ready\r\n");
    document.begin_run(RunId(2), Some(&pattern));
    document.mark(&Marker::CouldNotStart { reason: "not ready".into() });
    document.feed("other\r\n".repeat(100).as_bytes());
    assert!(!document.feed(b"\x1b[H\x1b[J\x1bc").ready);
    assert!(document.feed(b"ready").ready);
}

#[test]
fn a_frame_is_seen_when_it_is_complete() {
    let document = fed("old\r\n");
    document.feed(b"\x1b[?2026h\x1b[H\x1b[2Jhalf");
    assert_eq!(lines(&document), ["old"]);
    assert!(document.next_change().is_some());
    document.feed(b" and half\x1b[?2026l");
    assert_eq!(lines(&document), ["old", CLEARED_LINE, "half and half"]);
    assert_eq!(document.next_change(), None);
}

#[test]
fn a_frame_that_is_never_completed_is_shown_in_the_end() {
    let document = fed("\x1b[?2026hpanic: ");
    assert!(document.feed(b"it broke").frame_open);
    assert_eq!(lines(&document), [""; 0]);
    let until = document.next_change().unwrap();
    let (mut inner, mut changes) = (document.lock(), document.changed.subscribe());
    let hidden = inner.version;
    assert!(!inner.thaw(Moment::after_start(until.since_start() - Duration::from_millis(1))));
    assert_eq!(inner.version, hidden);
    inner.frozen.as_mut().unwrap().1 = Moment::START;
    drop(inner);
    document.show_what_is_due();
    assert!(changes.has_changed().unwrap(), "readers are woken");
    changes.mark_unchanged();
    assert_ne!(document.version(), hidden, "and see that there is something new");
    document.show_what_is_due();
    assert!(!changes.has_changed().unwrap(), "once");
    assert_eq!(lines(&document), ["panic: it broke"]);
}

proptest::proptest! {
    #![proptest_config(crate::logs::cases(64))]

    /// In insert mode each character takes the long way, cell by cell; at the end of a line it ends in the same.
    #[test]
    fn the_short_way_of_text_ends_as_the_long_way(
        parts in proptest::collection::vec(
            proptest::prop_oneof![
                4 => "[ -~]{1,50}",
                3 => "(\r\n){1,3}",
                1 => "\t{1,2}",
                2 => proptest::sample::select(vec!["\x1b[31m", "\x1b[m", "\x1b[1;38;5;9m", "\x1b[48;2;1;2;3m", "\x1b[7m"])
                    .prop_map(str::to_owned),
            ],
            1..80,
        ),
        piece in 1usize..200, columns in 2u16..60, rows in 1u16..8,
    ) {
        let contents = |prefix: &str| {
            let document = fed(prefix);
            document.resize(columns, rows);
            parts.concat().as_bytes().chunks(piece).for_each(|part| drop(document.feed(part)));
            let mut reader = document.read();
            let all: Vec<_> = (0..reader.end().0).map(|id| reader.line(LineId(id)).unwrap().content).collect();
            (all, reader.cursor(), reader.settled())
        };
        proptest::prop_assert_eq!(contents(""), contents("\x1b[4h"));
    }
}

#[test]
fn versions_grow_with_changes_only() {
    let document = fed("x");
    let version = document.version();
    document.feed(b"");
    document.resize(COLUMNS, ROWS);
    drop(document.read());
    assert_eq!(document.version(), version);
    document.feed(b"y");
    document.resize(10, 10);
    document.mark(&STOPPED);
    assert_eq!(document.version(), version + 3);
}

#[test]
fn origin_mode_counts_from_the_margin_once() {
    let document = fed("\x1b[3;5r\x1b[?6h\x1b[2;4Hx\x1b[9;1Hy\x1b[6n");
    let texts = lines(&document);
    assert_eq!(texts[3], "   x");
    assert_eq!(texts[4], "y");
    assert_eq!(document.feed(b"\x1b[6n").replies, b"\x1b[3;2R");
}

#[test]
fn relative_movement_ends_at_the_margins() {
    let document = fed("\x1b[3;5r\x1b[4;1H\x1b[9Atop\x1b[9Bend");
    let texts = lines(&document);
    assert_eq!((texts[2].as_str(), texts[4].as_str()), ("top", "   end"));
}

#[test]
fn halves_of_wide_characters_never_stay() {
    assert_eq!(lines(&fed("漢字\x1b[2G\x1b[Kx")), [" x"]);
    assert_eq!(lines(&fed("漢字\x1b[2G\x1b[X")), ["  字"]);
    assert_eq!(lines(&fed("漢字\x1b[2G\x1b[@")), ["   字"]);
    assert_eq!(lines(&fed("漢字\x1b[2G\x1b[2Px")), [" x"]);
    assert_eq!(lines(&fed("漢字\x1b[1G\x1b[P")), [" 字"]);
}

#[test]
fn soft_reset_and_alignment_do_what_the_manual_says() {
    let document = fed("\x1b[2;3r\x1b[?25l\x1b[4h\x1b[31m\x1b[!pab\x1b[1Gc\x1b[6n");
    assert_eq!(lines(&document), ["cb"]);
    assert!(document.read().cursor().is_some());
    let document = fed("\x1b[5;6r\x1b#8x");
    assert_eq!(lines(&document)[0], format!("x{}", "E".repeat(usize::from(COLUMNS) - 1)));
}

#[test]
fn a_reader_gets_its_turn_while_a_writer_floods() {
    let document = document();
    let piece = "a line of a flood that never ends\r\n".repeat(1000);
    let reading = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while reading.load(Ordering::Relaxed) {
                document.feed(piece.as_bytes());
            }
        });
        while document.version() == 0 {
            std::thread::yield_now();
        }
        let mut most = 0;
        for _ in 0..50 {
            let before = document.version();
            most = most.max(document.read().version() - before);
        }
        reading.store(false, Ordering::Relaxed);
        // Without its turn, a reader waits for as many pieces as the writer manages before it is preempted.
        assert!(most <= 3, "a reader waited for {most} pieces");
    });
}

/// The lines as a copy has them.
fn printed(document: &LogDocument) -> Vec<String> {
    let mut reader = document.read();
    let lines = (reader.first().0..reader.end().0).filter_map(|id| reader.line(LineId(id)));
    lines.map(|line| line.content.as_printed(0..line.content.text.len())).collect()
}

#[test]
fn blanks_that_were_printed_at_the_end_of_a_line_are_text_and_erased_ones_are_not() {
    let cases: [(&[u8], &str); 12] = [
        (b"at foo (a.js:1)  ", "at foo (a.js:1)  "),
        (b"a\t", "a\t"),
        (b"a\t \t", "a\t \t"),
        (b"\t\t", "\t\t"),
        (b"   ", "   "),
        (b"\x1b[32mgreen \x1b[0m ", "green  "),
        (b"abcdef\x1b[3D\x1b[K", "abc"),
        (b"abc   \x1b[2D\x1b[K", "abc "),
        // Jumped over, written behind, erased again.
        (b"a\x1b[5Cb\x1b[D\x1b[K", "a"),
        (b"a\x1b[5C ", "a      "),
        // Cells: a letter in the middle was written over.
        (b"abc  \r\x1b[Cx", "axc  "),
        (b"abcdef  \r\x1b[Cx\x1b[20G\x1b[3X\x1b[7G\x1b[K", "axcdef"),
    ];
    for (bytes, expected) in cases {
        let document = fed(bytes);
        assert_eq!(printed(&document).first().map(String::as_str), Some(expected), "{bytes:?} on the screen");
        document.feed(&b"\r\nnext".repeat(30));
        assert_eq!(printed(&document).first().map(String::as_str), Some(expected), "{bytes:?} in history");
    }
}

#[test]
fn blanks_at_the_end_of_a_line_survive_another_width_and_a_marker() {
    let document = fed("");
    document.resize(40, 5);
    document.feed(b"one  \r\ntwo\t\r\nthree ");
    document.resize(20, 5);
    document.resize(40, 5);
    document.mark(&Marker::Mark { number: 1 });
    document.feed(b" x \r\n");
    let lines = printed(&document);
    assert_eq!(lines.get(..3).map(<[_]>::to_vec), Some(vec!["one  ".to_owned(), "two\t".into(), "three ".into()]));
    assert!(lines.iter().any(|line| line == " x "), "{lines:?}");
}

#[test]
fn when_a_run_began_is_known_also_when_its_first_lines_are_dropped() {
    let document = LogDocument::new(10_000, Clock::start(), watch::Sender::new(()));
    document.begin_run(RunId(1), None);
    document.feed(b"first\r\n");
    let first = document.read().line(LineId(0)).unwrap().at;
    while document.read().dropped() == 0 {
        let lines: String = (0..1_000).map(|line| format!("{} {}\r\n", line * 7919 % 10_007, line)).collect();
        document.feed(lines.as_bytes());
    }
    let start = document.read().start_of(RunId(1)).unwrap();
    assert!(start <= first);
    for run in 2..2_000 {
        document.begin_run(RunId(run), None);
    }
    assert_eq!(document.read().start_of(RunId(1)), None, "not of ever more runs");
}
