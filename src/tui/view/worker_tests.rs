//! Workers on the screen, at four sizes. The files are to be read: they are what a user sees.

use super::super::fixture::Bench;
use super::super::worker_fixture::workshop;
use crate::display::GlyphSet;
use crate::domain::{Command, Phase, RunId, Rung, Signal, Targets, Then};

/// Draws the workshop at all sizes after these keys.
fn screens(name: &str, keys: &str) {
    for (columns, rows) in [(160, 50), (100, 30), (80, 24), (40, 12)] {
        let mut bench = Bench::new(workshop(), columns, rows, GlyphSet::Unicode);
        bench.press("2");
        for key in keys.chars() {
            bench.frame();
            bench.press(&key.to_string());
        }
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), bench.text());
    }
}

#[test]
fn a_group_with_workers() {
    screens("workers", "");
}

#[test]
fn the_details_of_a_worker() {
    screens("worker_details", "d");
}

#[test]
fn the_table_of_tasks() {
    screens("tasks", "T");
}

#[test]
fn tasks_that_a_text_is_found_in() {
    screens("tasks_found", "T/b-7f3");
}

#[test]
fn a_task_with_its_output() {
    screens("task", "T⏎");
}

#[test]
fn signs_of_ascii() {
    let mut bench = Bench::new(workshop(), 100, 30, GlyphSet::Ascii);
    bench.press("2");
    let text = bench.text();
    assert!(text.contains("@ marie") && text.is_ascii(), "{text}");
    bench.press("T");
    let text = bench.text();
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn the_row_of_a_worker_is_started_and_stopped_as_any_other() {
    let mut bench = Bench::new(workshop(), 160, 50, GlyphSet::Unicode);
    let marie = || Targets::Named(vec!["marie".into()]);
    assert_eq!(bench.press("2xs"), [Command::Stop(marie()), Command::Start(marie())]);
    let rung = Rung::Asked(Some(Signal::Term));
    let (since, escalate_at) = (bench.snapshot.at, bench.snapshot.at);
    let phase = Phase::Stopping { run: RunId(1), since, rung, escalate_at, then: Then::Reconcile };
    bench.snapshot.services[1].phase = phase;
    let text = bench.text();
    assert!(text.contains("2 marie ◐ stopping · gives 2 tasks back"), "{text}");
    bench.snapshot.services[1].phase =
        Phase::Stopping { run: RunId(1), since, rung: Rung::Killed, escalate_at, then: Then::Reconcile };
    let text = bench.text();
    assert!(text.contains("2 marie ◐ stopping") && !text.contains("back"), "{text}");
}
