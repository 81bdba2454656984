//! What the footer offers where: errors, a search that was kept, a pause, and beside a message.

use super::super::fixture::{Bench, NOW, paused_shop, shop};
use crate::display::GlyphSet;
use crate::domain::{ChangeAction, Moment, Notice, Phase, Signal};

fn footer(bench: &mut Bench) -> String {
    bench.text().lines().last().unwrap_or_default().to_owned()
}

/// Looks for errors as the dashboard does now and then.
fn look_for_errors(bench: &mut Bench) {
    let snapshot = bench.snapshot.clone();
    let names = ["db", "api", "web"];
    let members: Vec<_> =
        names.iter().filter_map(|name| Some(((*name).into(), bench.log_store.get(&(*name).into())?))).collect();
    for _ in 0..3 {
        let mut behind = Vec::new();
        bench.ui.look_for_errors(&members, &snapshot, &mut behind);
        behind.iter().for_each(|scan| scan.run(|| true));
    }
}

#[test]
fn errors_are_offered_also_when_they_were_seen_and_have_left_the_screen() {
    let mut bench = Bench::shop(100, 30);
    assert!(footer(&mut bench).starts_with(" r restart  e error  / search "), "in sight: {}", footer(&mut bench));
    bench.press("1");
    assert!(!footer(&mut bench).contains("error"), "there is none");
    let db = bench.log_store.get(&"db".into()).expect("its log");
    db.feed(b"ERROR disk full\r\n");
    db.feed(&b"fine\r\n".repeat(300));
    assert!(!footer(&mut bench).contains("e error"), "nobody has looked yet");
    assert!(bench.ui.must_look_for_errors(&bench.snapshot));
    look_for_errors(&mut bench);
    assert!(footer(&mut bench).contains("  e error  "), "{}", footer(&mut bench));
    bench.press("C");
    look_for_errors(&mut bench);
    assert!(!footer(&mut bench).contains("e error"), "it was cleared away: {}", footer(&mut bench));
}

#[test]
fn at_an_error_the_ways_from_there_come_first() {
    for (columns, rows) in [(160, 50), (100, 30), (80, 24)] {
        let mut bench = Bench::shop(columns, rows);
        bench.press("e");
        bench.frame();
        let line = footer(&mut bench);
        assert!(line.starts_with(" Esc follow  r restart  c copy "), "there is no other error: {line}");
        let api = bench.log_store.get(&"api".into()).expect("its log");
        api.feed(b"ERROR two\r\nfine\r\nERROR three\r\nfine\r\n");
        bench.press("Ge");
        bench.frame();
        let line = footer(&mut bench);
        assert!(line.starts_with(" e oldest  E previous  Esc follow  r restart  c copy "), "at {columns}: {line}");
        assert!(line.contains("  v open log ") && line.ends_with(" ? help  q quit"), "at {columns}: {line}");
        bench.press("z");
        let line = footer(&mut bench);
        assert!(line.starts_with(" Esc back  e oldest  E previous  / search "), "at {columns}: {line}");
        bench.press("⎋E");
        bench.frame();
        assert!(footer(&mut bench).starts_with(" e next  E previous  Esc follow "), "{}", footer(&mut bench));
        bench.press("E");
        bench.frame();
        assert!(footer(&mut bench).starts_with(" e next  E newest  Esc follow "), "{}", footer(&mut bench));
        // A message leaves the words of these keys.
        bench.ui.show_message("x".repeat(100));
        let line = footer(&mut bench);
        let kept = if columns > 100 { " e next  E newest  Esc follow " } else { " e next  E newest  c copy   xxx" };
        assert!(line.starts_with(kept), "at {columns}: {line}");
        bench.press("G");
        assert!(footer(&mut bench).starts_with(" r restart  e error "), "{}", footer(&mut bench));
    }
}

#[test]
fn the_place_that_an_editor_opens_is_named_once_it_is_known() {
    let mut bench = Bench::shop(100, 30);
    bench.press("e");
    bench.frame();
    let marked = ("api".into(), crate::logs::LineId(9));
    assert!(bench.ui.opens.go_to(Some(marked.clone())) && !bench.ui.opens.go_to(Some(marked.clone())));
    bench.ui.opens.found(&marked, std::path::Path::new("/work/src/user.rs"), 19);
    assert!(footer(&mut bench).contains("  v open user.rs:19  "), "{}", footer(&mut bench));
    bench.ui.opens.found(&("web".into(), marked.1), std::path::Path::new("/other.rs"), 1);
    assert!(footer(&mut bench).contains("user.rs:19"), "news of another line changes nothing");
    bench.ui.opens.go_to(None);
    assert!(footer(&mut bench).contains("  v open log  "), "{}", footer(&mut bench));
}

#[test]
fn a_search_that_was_kept_says_how_it_goes_on_and_ends() {
    let first = " n next  N previous  Esc clear ";
    for (columns, rows) in [(160, 50), (100, 30), (80, 24), (40, 12)] {
        let mut bench = Bench::shop(columns, rows);
        bench.press("/health⏎");
        let line = footer(&mut bench);
        assert!(line.starts_with(first), "at {columns}: {line}");
        assert_eq!(line.ends_with("? help  q quit"), columns > 40, "at {columns}: {line}");
        bench.press("z");
        let line = footer(&mut bench);
        assert!(line.starts_with(first) && !line.contains("quit"), "q goes back there: {line}");
        bench.press("⎋");
        assert!(footer(&mut bench).starts_with(" Esc back "), "the search is over, the zoom is not");
        bench.press("⎋");
        bench.press("a/health⏎");
        let line = footer(&mut bench);
        assert!(columns == 40 || line.starts_with(" ⏎ go to"), "at {columns}: {line}");
        assert!(line.contains("n next  N previous  Esc clear"), "at {columns}: {line}");
    }
}

#[test]
fn the_line_of_a_search_over_all_services_names_whose_hit_it_is() {
    let mut bench = Bench::new(shop(), 100, 30, GlyphSet::Unicode);
    for name in ["web", "css"] {
        bench.log_store.get(&name.into()).expect("its log").feed(b"slow query\r\n");
    }
    bench.press("2/slow");
    let search_all = |bench: &mut Bench| {
        use super::super::action::{Action, Context};
        let snapshot = bench.snapshot.clone();
        let world = super::super::ui_state::World { snapshot: &snapshot, size: bench.size, now: NOW };
        bench.ui.apply(Action::QueryScope, Context::Prompt, &world);
    };
    search_all(&mut bench);
    bench.frame();
    assert!(bench.text().contains("api · 1 of 3"), "{}", bench.text());
    bench.press("⏎n");
    assert!(bench.text().contains("web · 2 of 3"), "{}", bench.text());
}

#[test]
fn the_pause_is_in_sight_also_where_a_service_has_a_page_and_an_error() {
    let mut bench = Bench::shop(80, 24);
    bench.snapshot.services[1].url = Some("http://localhost:4000".into());
    let line = footer(&mut bench);
    assert_eq!(line, " r restart  e error  o open url  / search  ⏎ zoom  p pause  ? help  q quit");
    bench.size = (100, 30);
    let line = footer(&mut bench);
    assert!(line.contains("  ⏎ zoom  i type  p pause watching  ? help"), "{line}");
}

#[test]
fn a_pause_says_what_its_end_does() {
    let mut bench = Bench::new(paused_shop(), 80, 24, GlyphSet::Unicode);
    bench.press("2");
    let line = footer(&mut bench);
    assert!(line.starts_with(" p resume (may restart api, worker, css)  P discard "), "{line}");
    bench.size = (160, 50);
    let line = footer(&mut bench);
    assert!(line.contains("  P discard  W show  r restart  e error  / search  ⏎ zoom  "), "{line}");
    bench.snapshot.services[1].next_action = ChangeAction::Signal(Signal::Hup);
    assert!(
        footer(&mut bench).starts_with(" p resume (applies changes to api, worker, css)  P "),
        "{}",
        footer(&mut bench)
    );
    bench.snapshot.watch.file_held = true;
    assert!(
        footer(&mut bench).starts_with(" p resume (reads procgroup.toml, applies changes to api"),
        "{}",
        footer(&mut bench)
    );
    for name in ["frontend-server", "backend-server", "middle"] {
        let mut service = bench.snapshot.services[1].clone();
        service.name = name.into();
        bench.snapshot.services.push(service);
    }
    bench.size = (80, 24);
    assert!(footer(&mut bench).contains(" more  P discard ") || footer(&mut bench).contains("? help"));
    bench.snapshot.services.iter_mut().for_each(|service| service.held = 0);
    (bench.snapshot.watch.held, bench.snapshot.watch.file_held) = (0, false);
    let line = footer(&mut bench);
    assert!(line.starts_with(" p resume  r restart ") && !line.contains("discard"), "{line}");
}

#[test]
fn a_message_leaves_the_first_three_hints_and_the_help() {
    let mut bench = Bench::shop(80, 24);
    for (said, hints) in [
        ("saved", " r restart  e error  / search "),
        ("procgroup.toml has errors and was not applied", " r e / ⏎ p  ? help  q quit "),
        (&"x".repeat(200), " r e / ⏎ p  ? help  q quit "),
    ] {
        let summary = said.into();
        bench.snapshot.notice = Some(Notice { at: NOW, problem: true, summary, detail: "all of it".into() });
        let line = footer(&mut bench);
        assert!(line.starts_with(hints) && line.contains("? help  q quit "), "{line}");
        assert!(line.ends_with(" · l shows all"), "{line}");
    }
}

#[test]
fn what_has_failed_is_selected_until_somebody_presses_a_key() {
    let selected = |bench: &mut Bench, millis| {
        let snapshot = bench.snapshot.clone();
        let now = Moment::from_millis(millis);
        let world = super::super::ui_state::World { snapshot: &snapshot, size: bench.size, now };
        bench.ui.adjust(&world);
        bench.ui.selected(&snapshot)
    };
    let new = || {
        let mut bench = Bench::new(shop(), 100, 30, GlyphSet::Unicode);
        let failed = std::mem::replace(&mut bench.snapshot.services[2].phase, Phase::Queued);
        (bench, failed)
    };
    let (mut bench, failed) = new();
    assert_eq!(selected(&mut bench, 100), Some(0), "nothing has failed yet");
    bench.snapshot.services[2].phase = failed;
    assert_eq!(selected(&mut bench, 400), Some(2));
    bench.snapshot.services[0].phase = bench.snapshot.services[2].phase.clone();
    assert_eq!(selected(&mut bench, 500), Some(2), "one that has failed stays");
    let (mut bench, failed) = new();
    assert_eq!(selected(&mut bench, 100), Some(0));
    let snapshot = bench.snapshot.clone();
    let world = super::super::ui_state::World { snapshot: &snapshot, size: bench.size, now: Moment::from_millis(200) };
    let key = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char('w'));
    bench.ui.input(super::super::input::Input::Key(key), &world);
    bench.snapshot.services[2].phase = failed.clone();
    assert_eq!(selected(&mut bench, 400), Some(0), "somebody reads");
    let (mut bench, _) = new();
    assert_eq!(selected(&mut bench, 100), Some(0));
    bench.snapshot.services[2].phase = failed;
    assert_eq!(selected(&mut bench, 60_000), Some(0), "that was not at the start");
}

#[test]
fn the_way_back_from_an_error_leads_to_the_end_also_in_other_panes() {
    let mut bench = Bench::shop(160, 56);
    let at_end = |bench: &mut Bench, name: &str| bench.ui.log(&name.into()).is_at_end();
    bench.press("3e");
    bench.frame();
    bench.press("2e");
    bench.frame();
    assert!(!at_end(&mut bench, "worker") && !at_end(&mut bench, "api"));
    bench.press("⎋");
    assert!(at_end(&mut bench, "worker") && at_end(&mut bench, "api"));
    bench.frame();
    assert!(!bench.text().contains("G follows"), "{}", bench.text());
    // Who has scrolled stays there.
    bench.press("g⎋");
    assert!(!at_end(&mut bench, "api"));
}

#[test]
fn a_kept_search_is_widened_and_repeated_without_its_text() {
    let mut bench = Bench::shop(160, 56);
    for name in ["web", "css"] {
        let document = bench.log_store.get(&name.into()).expect("its log");
        document.feed(&[&b"slow query\r\n"[..], &b"fine\r\n".repeat(100)].concat());
    }
    bench.press("/slow⏎/");
    let line = footer(&mut bench);
    assert!(bench.text().contains("/_ slow") && line.contains("  Shift-Tab all services  "), "{}", bench.text());
    let shift_tab = |bench: &mut Bench| {
        let key = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::BackTab);
        let snapshot = bench.snapshot.clone();
        let world = super::super::ui_state::World { snapshot: &snapshot, size: bench.size, now: NOW };
        bench.ui.key(key, &world);
    };
    shift_tab(&mut bench);
    assert!(bench.text().contains("1 of 3") && footer(&mut bench).contains("  Shift-Tab this service  "));
    shift_tab(&mut bench);
    assert!(bench.text().contains("1 of 1") && footer(&mut bench).contains("  Shift-Tab all services  "));
    shift_tab(&mut bench);
    bench.press("⏎nn");
    bench.frame();
    assert!(bench.text().contains("/slow (all services)") && bench.text().contains("3 of 3"), "{}", bench.text());
    let at_end = |bench: &mut Bench, name: &str| bench.ui.log(&name.into()).is_at_end();
    assert!(!at_end(&mut bench, "web") && !at_end(&mut bench, "css"));
    bench.press("/⏎");
    assert!(bench.ui.find.is_searching(), "it is repeated");
    // Its end lets the other logs go on.
    bench.press("⎋");
    assert!(at_end(&mut bench, "web") && !at_end(&mut bench, "css"));
}
