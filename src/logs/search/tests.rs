//! A search finds what a plain look at every line finds, while output goes on and old lines go.

use proptest::prelude::*;
use tokio::sync::watch;

use super::*;
use crate::clock::Clock;
use crate::domain::{Marker, MarkerKind};

fn document(memory: usize) -> Arc<LogDocument> {
    let document = LogDocument::new(memory, Clock::start(), watch::Sender::new(()));
    document.resize(60, 5);
    Arc::new(document)
}

fn query(text: &str, kind: QueryKind) -> Criterion {
    Criterion::Query(Query::new(text, kind).expect("a query"))
}

/// The lines that a scan has found.
fn found(scan: &Scan) -> Vec<u64> {
    let mut reader = scan.document.read();
    let matches = scan.matches(&mut reader);
    let mut lines = Vec::new();
    let mut from = LineId(0);
    while let Some(line) = matches.first_from(from) {
        assert!(matches.contains(line));
        assert_eq!(matches.rank(line), lines.len() as u64);
        assert_eq!(matches.last_before(LineId(line.0 + 1)), Some(line));
        lines.push(line.0);
        from = LineId(line.0 + 1);
    }
    assert_eq!(matches.count(), lines.len() as u64);
    lines
}

/// The lines that a look at every line finds.
fn expected(scan: &Scan) -> Vec<u64> {
    let mut reader = scan.document.read();
    let ids = reader.dropped()..reader.end().0;
    let lines: Vec<_> = ids.filter_map(|id| reader.line(LineId(id))).collect();
    let met = lines.into_iter().filter(|line| scan.criterion.is_met(&line.content.text, line.kind));
    let mut met: Vec<_> = met.map(|line| (line.id.0, line.kind)).collect();
    let next: Vec<_> = met.iter().skip(1).map(|(_, kind)| *kind).chain([LineKind::Marker(MarkerKind::Other)]).collect();
    let mut next = next.into_iter();
    // A filter shows the markers that output follows.
    let filters = matches!(scan.criterion, Criterion::Filter(_));
    met.retain(|(_, kind)| next.next() == Some(LineKind::Output) || *kind == LineKind::Output || !filters);
    met.into_iter().map(|(id, _)| id).collect()
}

#[test]
fn cases_and_words() {
    let is = |text: &str, kind, line: &str| Query::new(text, kind).expect("a query").is_match(line);
    assert!(is("error", QueryKind::Literal, "an Error"));
    assert!(!is("Error", QueryKind::Literal, "an error"));
    assert!(is("größe", QueryKind::Literal, "GRÖSSE GRÖßE".replace("SS", "ß").as_str()));
    assert!(is("a.c", QueryKind::Literal, "a.c") && !is("a.c", QueryKind::Literal, "abc"));
    assert!(is(r"\W404$", QueryKind::Regex, "GET 404") && is(r"get\S* 4", QueryKind::Regex, "GET 404"));
    assert!(is("404", QueryKind::Word, "x404 404") && !is("404", QueryKind::Word, "x404 4040 _404"));
    assert!(!is("", QueryKind::Literal, "text") && !is("", QueryKind::Word, ""));
    let places = |text, kind, line| Query::new(text, kind).expect("a query").places(line);
    assert_eq!(places("aa", QueryKind::Literal, "aaaa a aa"), [0..2, 2..4, 7..9]);
    assert_eq!(places("x*", QueryKind::Regex, "axéx"), [1..2, 4..5]);
}

#[test]
fn an_expression_that_means_nothing_says_so() {
    let error = |text| Query::new(text, QueryKind::Regex).expect_err("not an expression").to_string();
    assert_eq!(error("a("), "unclosed group");
    assert!(error(r"\w{100000}").contains("size limit"), "{}", error(r"\w{100000}"));
    assert!(!error("[").contains('\n'));
}

#[test]
fn what_begins_in_one_line_and_ends_in_the_next_is_not_found() {
    let document = document(1 << 20);
    for line in ["one ab", "ab two", "b", "abab", ""] {
        document.feed(format!("{line}\r\n").as_bytes());
    }
    (0..6).for_each(|_| document.mark(&Marker::Cleared));
    let scan = Scan::new(document, query("abab", QueryKind::Literal));
    scan.run(|| true);
    assert_eq!(found(&scan), expected(&scan));
    assert_eq!(found(&scan).len(), 1);
}

#[test]
fn a_filter_keeps_the_markers_that_something_follows_and_counts_all() {
    let document = document(1 << 20);
    for number in 0..40 {
        document.feed(format!("GET /{} {}\r\n", number, if number % 4 == 0 { 404 } else { 200 }).as_bytes());
    }
    (0..3).for_each(|_| document.mark(&Marker::Cleared));
    document.feed(b"GET /40 404\r\n");
    document.mark(&Marker::Cleared);
    document.feed(&b"\r\n".repeat(10));
    let term = |text: &str, inverted| Term { query: Query::new(text, QueryKind::Literal).expect("a query"), inverted };
    let scan = Scan::new(document.clone(), Criterion::Filter(vec![term("404", false), term("/8 ", true)]));
    scan.run(|| true);
    assert_eq!(found(&scan), expected(&scan));
    let counts = |scan: &Scan| {
        let mut reader = scan.document.read();
        let matches = scan.matches(&mut reader);
        (matches.count(), matches.markers(), matches.is_complete())
    };
    assert_eq!(counts(&scan), (11, (4, 1), true));
    document.mark(&Marker::Cleared);
    scan.run(|| true);
    assert_eq!(counts(&scan), (11, (5, 1), true));
    // The last one waits for what comes.
    document.feed(b"GET /41 404\r\n");
    scan.run(|| true);
    assert_eq!(counts(&scan), (13, (5, 2), true));
}

#[test]
fn only_one_is_at_it() {
    let scan = Scan::new(document(1 << 20), query("x", QueryKind::Literal));
    assert!(scan.claim() && !scan.claim());
    scan.run(|| true);
    assert!(scan.claim());
}

proptest! {
    #![proptest_config(crate::logs::cases(32))]

    /// Output, dropped lines, and scans that stop after each slice, in any order.
    #[test]
    fn a_scan_finds_what_a_plain_look_finds(
        steps in prop::collection::vec((0_u8..4, 1_usize..400), 1..12),
        text in prop_oneof![Just("ab"), Just("a"), Just("é"), Just("AB"), Just("b c")],
        kind in prop_oneof![
            Just(Some(QueryKind::Literal)), Just(Some(QueryKind::Regex)), Just(Some(QueryKind::Word)), Just(None)
        ],
        small in any::<bool>(),
        filters in any::<bool>(),
    ) {
        let document = document(if small { 12 << 10 } else { 1 << 20 });
        let criterion = match kind.map(|kind| query(text, kind)) {
            Some(Criterion::Query(query)) if filters => Criterion::Filter(vec![Term { query, inverted: false }]),
            criterion => criterion.unwrap_or(Criterion::Errors),
        };
        let scan = Scan::new(document.clone(), criterion);
        for (what, amount) in steps {
            match what {
                0 => scan.run(|| false),
                1 => document.mark(&Marker::Cleared),
                _ => for number in 0..amount {
                    let words = ["ab", "aB c", "é ERROR", "b", "panic: x"];
                    let line = format!("{} {} {number}\r\n", words[number % 5], words[amount % 5]);
                    document.feed(line.repeat(1 + number % 3).as_bytes());
                },
            }
        }
        scan.run(|| true);
        prop_assert_eq!(found(&scan), expected(&scan));
        let mut reader = scan.document.read();
        let matches = scan.matches(&mut reader);
        prop_assert!(matches.is_complete() && !matches.is_behind());
    }
}

#[test]
fn a_tab_is_found_where_one_was_printed() {
    let document = document(1 << 20);
    document.resize(80, 5);
    document.feed(b"\tat a.b(c)\tend\r\n[tx] t\r\n");
    let line = |id| document.read().line(LineId(id)).unwrap().content.text;
    let finds = |text: &str, id| Query::new(text, QueryKind::Regex).unwrap().is_match(&line(id));
    for text in [r"^\tat ", "^\tat ", r"^[\t ]+at .*\tend$", r"^\s+at", r"\)\t+e", r"[]\t]at"] {
        assert!(finds(text, 0), "{text}");
        assert!(!finds(text, 1), "{text}");
    }
    assert!(finds(r"^\[t[^\t]\] t$", 1) && !finds(r"\\t", 1));
}

#[test]
fn fuzz_of_queries() {
    // The kind, the query, and after a NUL the line.
    const SEEDS: [&[u8]; 7] = [
        "lÄrger\0the lärger, the LÄRGER".as_bytes(),
        b"rtime(out)?|refused\0timeout refused timeouts",
        b"wabc\0abc abcd abc",
        b"r(a*)*b\0aaaaaaaaaaaaaaaaaaaaaaaaaaaac",
        b"r\\b[^\\x00-\\x7f]{2,3}$\0x",
        b"r(?i)\\pL{1,200}{1,200}\0x",
        "l\u{130}\0i\u{307}".as_bytes(),
    ];
    crate::fuzz::run("queries", 1_500, &SEEDS, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let (query, line) = text.split_once('\0').unwrap_or((&text, ""));
        let (kind, query) = match query.chars().next() {
            Some('r') => (QueryKind::Regex, query.get(1..)),
            Some('w') => (QueryKind::Word, query.get(1..)),
            _ => (QueryKind::Literal, query.get(1..)),
        };
        let query = Query::new(query.unwrap_or_default(), kind).map_err(|error| error.to_string());
        let found = query.map(|query| {
            let places = query.places(line);
            assert!(places.iter().all(|place| !place.is_empty() && line.get(place.clone()).is_some()));
            assert!(places.windows(2).all(|two| two[0].end <= two[1].start), "they do not overlap");
            assert!(places.is_empty() || query.is_match(line));
            places.len().min(4)
        });
        (kind, found.map_err(|said| said.chars().filter(|c| c.is_ascii_lowercase()).take(40).collect::<String>()))
    });
}
