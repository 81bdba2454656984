//! The order of lines, forwards and backwards, and the places among them.

use std::sync::Arc;

use proptest::prelude::*;
use tokio::sync::watch;

use super::*;
use crate::clock::Clock;
use crate::domain::RunId;
use crate::logs::{Criterion, LogDocument, Query, QueryKind, Scan, Term};

/// So many documents that are dated by one clock.
fn new_documents<const N: usize>() -> [Arc<LogDocument>; N] {
    let clock = Clock::start();
    std::array::from_fn(|_| Arc::new(LogDocument::new(1 << 20, clock, watch::Sender::new(()))))
}

fn source(documents: &[Arc<LogDocument>]) -> LineSource<'_> {
    LineSource { lanes: documents.iter().map(|document| Lane::new(VisibleLines::new(document.read()))).collect() }
}

/// Two documents with runs that begin in turn: `a 1`, `b 1`, `a 2`, …
fn in_turn(runs: u32) -> [Arc<LogDocument>; 2] {
    let documents = new_documents();
    for run in 1..=runs {
        for (name, document) in ["a", "b"].iter().zip(&documents) {
            document.begin_run(RunId(run), None);
            document.feed(format!("{name} {run}\r\nmore of {name}\r\n").as_bytes());
        }
    }
    documents
}

fn filter(document: &Arc<LogDocument>, text: &str) -> Scan {
    let term = Term { query: Query::new(text, QueryKind::Literal).unwrap(), inverted: false };
    let scan = Scan::new(document.clone(), Criterion::Filter(vec![term]));
    assert!(scan.claim());
    scan.run(|| true);
    scan
}

#[test]
fn runs_are_gone_to_in_the_order_in_which_they_began() {
    let documents = in_turn(3);
    let mut source = source(&documents);
    source.go_to(&Place::default());
    let mut texts = Vec::new();
    while let Some((lane, id)) = source.next_run() {
        texts.push(source.line(lane, id).unwrap().content.text);
        source.go_to_line(lane, id);
    }
    assert_eq!(texts, ["b 1", "a 2", "b 2", "a 3", "b 3"]);
    texts.clear();
    source.go_to_end();
    while let Some((lane, id)) = source.previous_run() {
        texts.push(source.line(lane, id).unwrap().content.text);
        source.go_to_line(lane, id);
    }
    assert_eq!(texts, ["b 3", "a 3", "b 2", "a 2", "b 1", "a 1"]);
}

#[test]
fn a_run_whose_first_lines_are_hidden_begins_with_the_first_that_is_shown() {
    let documents = in_turn(3);
    let scan = filter(&documents[0], "more");
    let mut reader = documents[0].read();
    let shown = scan.matches(&mut reader);
    let lines = VisibleLines::new(reader).filtered(Some(shown), LineId(0));
    let mut source = LineSource { lanes: vec![Lane::new(lines)] };
    source.go_to_end();
    let mut found = Vec::new();
    while let Some((lane, id)) = source.previous_run() {
        found.push(id.0);
        source.go_to_line(lane, id);
    }
    assert_eq!(found, [5, 3, 1]);
    assert_eq!(source.next_run(), Some((0, LineId(3))));
}

#[test]
fn steps_end_at_the_first_and_the_last_line() {
    let documents = in_turn(2);
    let mut turns = source(&documents);
    for (from, lines, to) in [(3, 1, 4), (3, -2, 1), (3, 99, 7), (3, -99, 0), (3, i64::MAX, 7), (3, i64::MIN, 0)] {
        turns.go_to_number(LineId(from));
        turns.step(lines);
        assert_eq!(turns.number().0, to, "{from} {lines}");
    }
    let empty = new_documents::<1>();
    let mut none = source(&empty);
    none.step(1);
    assert_eq!((none.number(), none.peek()), (LineId(0), None));
}

proptest! {
    /// Whatever is printed by whom: all lines, each once, each document in its order; backwards the same.
    #[test]
    fn the_way_back_is_the_way(printed in prop::collection::vec((0_usize..3, 1_usize..4), 1..60)) {
        let documents = new_documents::<3>();
        for (index, lines) in &printed {
            for _ in 0..*lines {
                documents[*index].feed(b"line\r\n");
            }
        }
        let mut source = source(&documents);
        source.go_to(&Place::default());
        let mut there = Vec::new();
        loop {
            let (number, place, peeked) = (source.number(), source.place(), source.peek());
            prop_assert_eq!(source.place(), place.clone());
            let Some((lane, line)) = source.forward_line() else { break };
            prop_assert_eq!(peeked, Some((lane, line.id)));
            prop_assert_eq!(number.0, there.len() as u64);
            there.push((place, lane, line.id, line.at));
        }
        prop_assert!(there.is_sorted_by_key(|(_, lane, _, at)| (*at, *lane)));
        prop_assert_eq!(there.len(), printed.iter().map(|(_, lines)| lines).sum::<usize>());
        for (place, lane, id, _) in there.iter().rev() {
            prop_assert_eq!(source.back(), Some((*lane, *id)));
            prop_assert_eq!(&source.place(), place);
            source.go_to_line(*lane, *id);
            prop_assert_eq!(&source.place(), place);
        }
        prop_assert_eq!(source.back(), None);
    }
}
