//! Where the reader of a pane stands, and what is said of it: to errors and back, and what goes first where there is no
//! room.

use std::sync::Arc;
use std::time::Duration;

use super::super::fixture::{Bench, NOW, paused_shop, shop, stopping};
use crate::display::GlyphSet;
use crate::domain::{ChangeKind, FileEvent, FileJournal, Match, Moment, Notice, StopState, Verdict};
use crate::logs::LogDocument;

/// What a server prints of one request.
const REQUEST: &[u8] =
    b"Internal Server Error: /orders/17\r\nTraceback (most recent call last):\r\n  File \"a.py\"\r\n\
    KeyError: 17\r\n\"GET /orders/17 HTTP/1.1\" 500 -\r\n";

fn log(bench: &Bench, name: &str) -> Arc<LogDocument> {
    bench.log_store.get(&name.into()).expect("its log")
}

/// The text of the line that the cursor of the terminal is on.
fn line_of_cursor(bench: &mut Bench) -> String {
    let text = bench.text();
    let row = bench.cursor.map_or(0, |(_, y)| usize::from(y));
    text.lines().nth(row).unwrap_or_default().to_owned()
}

#[test]
fn the_key_e_finds_errors_that_have_left_the_screen_since_errors_were_looked_for() {
    let mut bench = Bench::shop(160, 50);
    bench.press("e");
    assert!(bench.text().contains("error 1 of 1 · G follows"), "{}", bench.text());
    bench.press("G");
    bench.frame();
    let api = log(&bench, "api");
    api.feed(b"14:02:24 ERROR pool timed out\r\n");
    api.feed(&b"14:02:25 INFO  fine\r\n".repeat(300));
    bench.press("e");
    assert!(line_of_cursor(&mut bench).contains("pool timed out"), "{}", bench.text());
    assert!(bench.text().contains("error 2 of 2 · G follows"), "{}", bench.text());
    bench.press("E");
    assert!(line_of_cursor(&mut bench).contains("user 19 not found"), "{}", bench.text());
}

#[test]
fn the_key_e_goes_to_where_a_failure_begins_although_its_beginning_was_not_read_yet() {
    let mut bench = Bench::shop(160, 50);
    let api = log(&bench, "api");
    api.feed(REQUEST);
    // Only the end of it is on the screen of the service.
    api.resize(200, 3);
    bench.press("e");
    assert!(line_of_cursor(&mut bench).contains("Internal Server Error"), "{}", bench.text());
    assert!(bench.text().contains("error 2 of 2"), "they follow at once: {}", bench.text());
}

#[test]
fn who_goes_round_and_comes_back_to_the_same_line_is_told_that_it_is_the_only_one() {
    let mut bench = Bench::shop(160, 50);
    let said = |bench: &mut Bench, keys: &str, said: &str| {
        bench.press(keys);
        assert!(bench.text().contains(said), "{keys}\n{}", bench.text());
    };
    bench.press("e");
    bench.frame();
    said(&mut bench, "e", "this is the only error");
    said(&mut bench, "E", "this is the only error");
    bench.press("/migrations⏎");
    bench.frame();
    said(&mut bench, "n", "this is the only match");
    log(&bench, "css").feed(b"ERROR one\r\nfine\r\nfine\r\n");
    log(&bench, "css").feed(b"fine\r\n");
    log(&bench, "web").feed(&[REQUEST, b"fine\r\n", REQUEST].concat());
    bench.press("4e");
    bench.frame();
    said(&mut bench, "e", "no more errors below, continuing from the top");
}

#[test]
fn the_state_in_a_title_is_cut_last() {
    for columns in [60, 70, 80, 100, 160] {
        let mut bench = Bench::shop(columns, 24);
        let api = log(&bench, "api");
        api.feed(&[REQUEST, &b"fine\r\n".repeat(60)].concat());
        bench.press("e");
        bench.frame();
        api.feed(&b"fine\r\n".repeat(123));
        let text = bench.text();
        let title = text.lines().find(|line| line.contains("── 2 api ")).unwrap_or_default();
        assert!(title.contains("── 2 api ● ready ─"), "at {columns}: {title}");
        // The way back to the end is always there, and more where there is room.
        assert!(title.contains("G follows"), "at {columns}: {title}");
        assert_eq!(title.contains("error 2 of 2"), columns >= 70, "at {columns}: {title}");
        assert_eq!(title.contains("▼ 123 new"), columns >= 80, "at {columns}: {title}");
    }
}

#[test]
fn a_message_leaves_the_hints_that_are_needed_most() {
    let mut bench = Bench::shop(80, 24);
    bench.press("3");
    let summary = "procgroup.toml has errors and was not applied".into();
    bench.snapshot.notice = Some(Notice { at: NOW, problem: true, summary, detail: "all of it".into() });
    let footer = |bench: &mut Bench| bench.text().lines().last().unwrap_or_default().to_owned();
    for columns in [80, 100, 160] {
        bench.size.0 = columns;
        let line = footer(&mut bench);
        // What fits beside help and quit alone is told in full.
        let hints = [if columns == 80 { " " } else { " r restart " }, " ? help ", " q quit "];
        assert!(hints.iter().all(|hint| line.contains(hint)), "at {columns}: {line}");
        assert!(line.contains("procgroup.toml has errors") && line.ends_with(" · l shows all"), "at {columns}: {line}");
    }
    // What fits beside fewer hints is told in full.
    let said = format!("`{}` failed: exit 3", "x".repeat(30));
    bench.size.0 = 80;
    bench.ui.show_message(said.clone());
    assert!(footer(&mut bench).ends_with(&said) && footer(&mut bench).starts_with(" r restart  ? help  q quit "));
    // Also where that is half of the line.
    bench.size.0 = 74;
    bench.ui.show_message("no errors in web · worker has 1");
    assert!(footer(&mut bench).starts_with(" r restart  e error  ? help  q quit "), "{}", footer(&mut bench));
    bench.size.0 = 80;
    bench.ui.show_message("saved");
    assert!(footer(&mut bench).starts_with(" r restart ") && footer(&mut bench).ends_with(" saved"));
    bench.press("⎋");
    bench.size.0 = 60;
    assert!(footer(&mut bench).starts_with(" ? help  q quit "), "{}", footer(&mut bench));
}

#[test]
fn only_services_that_run_are_counted_while_the_group_stops() {
    let mut shop = stopping();
    let services = &mut shop.stopping.as_mut().expect("it stops").services;
    services[5].state = StopState::WasNotRunning;
    services[0].state = StopState::Stopped { signal: None, after: Duration::ZERO };
    for (size, counts) in [((160, 50), "1 of 5 stopped"), ((80, 24), "1 of 5 stopped"), ((40, 12), " 1/5")] {
        let text = Bench::new(shop.clone(), size.0, size.1, GlyphSet::Unicode).text();
        assert!(text.contains("stopping 5 services") && text.contains(counts), "{text}");
    }
}

#[test]
fn each_held_file_counts_once_in_the_total_and_a_hold_without_changes_says_so() {
    let held = |change: &dyn Fn(&mut crate::domain::GroupSnapshot)| {
        let mut shop = paused_shop();
        change(&mut shop);
        Bench::new(shop, 160, 50, GlyphSet::Unicode).text()
    };
    assert!(held(&|_| {}).contains("‖ 14 changes held: api 9, worker 4, css 1 "));
    let shared = held(&|shop| shop.watch.held = 10);
    assert!(shared.contains("‖ 10 changes held, for api, worker and css "), "{shared}");
    let none = |shop: &mut crate::domain::GroupSnapshot| {
        shop.watch.held = 0;
        shop.services.iter_mut().for_each(|service| service.held = 0);
    };
    let text = held(&|shop| {
        none(shop);
        shop.journal = Arc::default();
    });
    assert!(text.contains("‖ WATCHING PAUSED 2m · no watched file has changed\n"), "{text}");
    let unwatched = held(&|shop| {
        none(shop);
        let since = shop.watch.holds[0].since;
        let mut journal = FileJournal::default();
        for (path, verdict, after) in [
            ("before.md", Verdict::NoMatch, false),
            ("a.md", Verdict::NoMatch, true),
            ("b.tmp", Verdict::Ignored, true),
            ("c.md", Verdict::NoMatch, true),
            ("a.md", Verdict::NoMatch, true),
        ] {
            let at = if after { since + Duration::from_millis(1) } else { Moment::START };
            let (kind, matched) = (ChangeKind::Modified, Match::NoMatch);
            journal.push(FileEvent { at, path: path.into(), kind, finished: true, matched }, verdict);
        }
        shop.journal = Arc::new(journal);
    });
    assert!(unwatched.contains("· 2 files changed, no service watches them (W shows)\n"), "{unwatched}");
    assert!(unwatched.contains(" p resume  W show changes  "), "{unwatched}");
    // The files of the shop have changed since, and a restart has met that.
    let text = held(&none);
    assert!(text.contains("‖ WATCHING PAUSED 2m · nothing held\n"), "{text}");
}

#[test]
fn the_other_panes_show_errors_that_nobody_has_seen_before_those_who_spoke_last() {
    let mut bench = Bench::new(shop(), 160, 56, GlyphSet::Unicode);
    let db = log(&bench, "db");
    db.feed(&[REQUEST, &b"fine\r\n".repeat(500)].concat());
    let members = vec![("db".into(), db)];
    for _ in 0..3 {
        let mut behind = Vec::new();
        bench.ui.unseen.count(&members, |_| false, &mut behind);
        behind.iter().for_each(|scan| scan.run(|| true));
    }
    bench.press("2");
    bench.frame();
    let panes = bench.ui.screen(&bench.world()).panes;
    let names = panes.iter().map(|pane| bench.snapshot.services[pane.service].name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["api", "worker", "css", "db"]);
}
