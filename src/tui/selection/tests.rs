//! What a stretch of a document is as text, and what is a word.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::clock::Clock;
use crate::logs::{Criterion, Lane, LogStore, Query, QueryKind, Scan, Term, VisibleLines};

fn document(bytes: &str) -> Arc<LogDocument> {
    let document = LogStore::new(Clock::start()).open(&"api".into(), 1 << 20);
    document.resize(10, 4);
    document.feed(bytes.as_bytes());
    document
}

fn point(line: u64, byte: usize) -> Point {
    Point { line: LineId(line), byte }
}

/// The lines that a filter shows, if there is one.
fn lines<'a>(document: &'a LogDocument, filter: Option<&'a Scan>) -> LineSource<'a> {
    let mut reader = document.read();
    let shown = filter.map(|filter| filter.matches(&mut reader));
    LineSource { lanes: vec![Lane::new(VisibleLines::new(reader).filtered(shown, LineId(0)))] }
}

fn text_of(document: &LogDocument, stretch: Stretch, filter: Option<&Scan>) -> Copied {
    printed_first(|markers| {
        let mut copied = Copied::default();
        let mut place = place_of(&mut lines(document, filter), &Place::default(), stretch.0.line);
        while copy_some(&mut lines(document, filter), &mut place, stretch, markers, &mut copied) {}
        copied
    })
}

fn copied(document: &LogDocument, from: Point, to: Point) -> (String, usize) {
    let copied = text_of(document, (from, to), None);
    (copied.text, copied.lines)
}

#[test]
fn lines_are_joined_however_they_were_wrapped() {
    let document = document("a line of thirty characters!!!\r\n\r\n  third\r\n");
    assert_eq!(
        copied(&document, point(0, 0), point(2, usize::MAX)),
        ("a line of thirty characters!!!\n\n  third".into(), 3)
    );
    assert_eq!(copied(&document, point(0, 2), point(0, 6)), ("line".into(), 1));
    assert_eq!(copied(&document, point(0, 27), point(2, 4)), ("!!!\n\n  th".into(), 3));
    assert_eq!(copied(&document, point(1, 0), point(9, 0)), ("\n  third".into(), 2));
    assert_eq!(copied(&document, point(7, 0), point(9, 0)), (String::new(), 0));
}

#[test]
fn lines_that_a_filter_hides_are_neither_copied_nor_stepped_on() {
    let text: String = (0..9).map(|n| format!("{} {n}\r\n", if n % 3 == 0 { "yes" } else { "no" })).collect();
    let document = document(&text);
    let query = Query::new("yes", QueryKind::Literal).unwrap();
    let scan = Scan::new(document.clone(), Criterion::Filter(vec![Term { query, inverted: false }]));
    assert!(scan.claim());
    scan.run(|| true);
    let copied = text_of(&document, (point(0, 0), point(8, usize::MAX)), Some(&scan));
    assert_eq!((copied.text.as_str(), copied.lines), ("yes 0\nyes 3\nyes 6", 3));
    let whole = whole_text(&document, (point(3, 0), point(5, usize::MAX)));
    assert_eq!((whole.text.as_str(), whole.lines), ("yes 3\nno 4\nno 5", 3), "of an error, all lines are meant");
    let step = |from: u64, by: i64, scan: Option<&Scan>| {
        let mut shown = lines(&document, scan);
        shown.go_to_number(LineId(from));
        shown.step(by);
        shown.number().0
    };
    for (from, lines, all, filtered) in
        [(3, 1, 4, 6), (3, -1, 2, 0), (3, i64::MAX, 8, 6), (3, i64::MIN, 0, 0), (6, 7, 8, 6), (0, -2, 0, 0)]
    {
        assert_eq!((step(from, lines, None), step(from, lines, Some(&scan))), (all, filtered), "{from} {lines}");
    }
}

#[test]
fn the_rows_of_a_full_screen_program_are_copied_as_they_stand() {
    let document = document("\x1b[?1049h\x1b[2;3Htwo\x1b[3;1Hthree");
    let copied = rows_text(&document, (point(1, 0), point(2, usize::MAX)));
    assert_eq!((copied.text.as_str(), copied.lines), ("  two\nthree", 2));
}

#[test]
fn words_are_what_terminals_take_for_words() {
    let line = "see src/a.rs:41:18 (http://x.y/?q=1), 日本語 e\u{301}té";
    let at = |needle: &str| {
        let (start, end) = word(line, line.find(needle).unwrap());
        &line[start..end]
    };
    assert_eq!(at("a.rs"), "src/a.rs:41:18");
    assert_eq!(at("x.y"), "http://x.y/?q=1");
    assert_eq!(at("("), "(");
    assert_eq!(at(" ("), " ");
    assert_eq!(at("本"), "日本語");
    assert_eq!(at("t\u{e9}"), "e\u{301}té");
    assert_eq!(word(line, line.len()), (line.len(), line.len()));
    assert_eq!(word("", 5), (0, 0));
}

proptest! {
    /// Whatever is selected of lines that were printed is what was printed there.
    #[test]
    fn what_is_copied_is_what_was_printed(
        lines in prop::collection::vec("[a-z日é]{0,30}", 1..30),
        columns in 2_u16..40,
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let document = LogStore::new(Clock::start()).open(&"api".into(), 1 << 20);
        document.resize(columns, 4);
        document.feed((lines.join("\r\n") + "\r\n").as_bytes());
        let (from, to) = (from.index(lines.len()), to.index(lines.len()));
        let (from, to) = (from.min(to), from.max(to));
        let (text, count) = copied(&document, point(from as u64, 0), point(to as u64, usize::MAX));
        // Empty lines at the end of the screen are not there yet.
        let kept = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        let expected = &lines[from..(to + 1).min(kept.max(from))];
        prop_assert!(text.trim_end() == expected.join("\n").trim_end(), "{text:?} {expected:?}");
        prop_assert!(count >= expected.len());
    }

    #[test]
    fn any_place_of_any_text_has_its_units(text in "\\PC{0,20}", byte in 0_usize..80) {
        for (start, end) in [word(&text, byte), character(&text, byte)] {
            prop_assert!(start <= end && text.get(start..end).is_some());
        }
    }
}
