//! What the footer offers where: errors, a search that was kept, a pause, and beside a message.

use super::super::fixture::{Bench, NOW, paused_shop, shop};
use crate::display::GlyphSet;
use crate::domain::{ChangeAction, Moment, Notice, Outcome, Phase, Signal};

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
        let open = if columns == 80 { "  v open  " } else { "  v open log  " };
        assert!(line.contains(open) && line.ends_with(" ? help  q quit"), "at {columns}: {line}");
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
        let kept = match columns {
            101.. => " e next  E newest  Esc follow ",
            _ => " e next  E newest  c copy ",
        };
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
    assert!(line.starts_with(" p resume (may restart api, worker, css)  P without restarts "), "{line}");
    bench.size = (160, 50);
    let line = footer(&mut bench);
    assert!(
        line.contains("  P resume without restarts  W show changes  r restart  e error  / search  ⏎ zoom  "),
        "{line}"
    );
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
    let line = footer(&mut bench);
    assert!(line.starts_with(" p resume (reads procgroup.toml)  P without restarts  "), "{line}");
    bench.snapshot.watch.file_held = false;
    let line = footer(&mut bench);
    assert!(line.starts_with(" p resume (applies changes to 6 services)  P without restarts "), "{line}");
    bench.size = (60, 24);
    assert!(footer(&mut bench).starts_with(" p resume  P without restarts "), "{}", footer(&mut bench));
    bench.size = (80, 24);
    bench.snapshot.services.iter_mut().for_each(|service| service.held = 0);
    (bench.snapshot.watch.held, bench.snapshot.watch.file_held) = (0, false);
    let line = footer(&mut bench);
    assert!(line.starts_with(" p resume  r restart ") && !line.contains("without restarts"), "{line}");
}

#[test]
fn a_message_leaves_the_first_hints_and_the_help() {
    let mut bench = Bench::shop(80, 24);
    for (said, hints) in [
        ("saved", " r restart  e error  / search "),
        ("procgroup.toml has errors and was not applied", " ? help  q quit "),
        (&"x".repeat(200), " r restart  ? help  q quit "),
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
    // The same for who has scrolled, and there alone.
    bench.press("3g2g");
    bench.frame();
    assert!(bench.text().lines().last().is_some_and(|footer| footer.contains("Esc follow")), "{}", bench.text());
    bench.press("⎋");
    assert!(at_end(&mut bench, "api") && !at_end(&mut bench, "worker"));
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

#[test]
fn where_nothing_is_found_the_way_to_all_services_is_told() {
    let mut bench = Bench::shop(120, 30);
    bench.press("1/GET");
    let text = bench.text();
    let all = text.split("no match in db · Shift-Tab: ").nth(1).and_then(|rest| rest.split(' ').next());
    let all: u64 = all.and_then(|all| all.parse().ok()).unwrap_or_else(|| panic!("{text}"));
    assert!(all > 0 && text.contains(&format!("Shift-Tab: {all} in all services")), "{text}");
    bench.press("⏎");
    let text = bench.text();
    assert!(text.contains(&format!("no match in db · / Shift-Tab: {all} in all services")), "{text}");
    let line = footer(&mut bench);
    assert!(line.starts_with(" Esc clear ") && !line.contains("n next"), "there is no next one: {line}");
    bench.size = (80, 24);
    assert!(bench.text().contains(&format!("no match · / Shift-Tab: {all} in all")), "{}", bench.text());
    bench.press("⎋/nowhere");
    assert!(bench.text().contains("/nowhere_") && bench.text().contains("no match in any service"), "{}", bench.text());
    bench.size = (120, 30);
    bench.press("⎋⎋&checkpoint⏎/GET");
    assert!(bench.text().contains("no match in the filtered lines of db"), "{}", bench.text());
}

#[test]
fn a_search_of_all_services_goes_to_its_first_match() {
    use super::super::action::{Action, Context};
    let mut bench = Bench::new(shop(), 100, 30, GlyphSet::Unicode);
    bench.log_store.get(&"web".into()).expect("its log").feed(b"slow query\r\nslow query\r\n");
    bench.press("1/slow query");
    let snapshot = bench.snapshot.clone();
    let world = super::super::ui_state::World { snapshot: &snapshot, size: bench.size, now: NOW };
    bench.ui.apply(Action::QueryScope, Context::Prompt, &world);
    bench.frame();
    assert!(bench.text().contains(" matches"), "a number alone says little: {}", bench.text());
    bench.press("⏎");
    bench.frame();
    assert_ne!(bench.ui.selected(&bench.snapshot), Some(0), "{}", bench.text());
    assert!(bench.text().contains(" 1 of "), "{}", bench.text());
}

#[test]
fn a_filter_is_left_as_a_search_is() {
    for (columns, hint) in [(100, "Esc clear filter"), (40, "Esc unfilter")] {
        let mut bench = Bench::shop(columns, if columns == 40 { 12 } else { 30 });
        bench.press("2&nothing like that⏎");
        let line = footer(&mut bench);
        assert!(line.starts_with(&format!(" {hint} ")), "{line}");
        bench.press("⎋");
        assert!(!footer(&mut bench).contains("filter ") && !footer(&mut bench).contains("unfilter"));
        bench.press("z&x⏎⎋");
        assert!(footer(&mut bench).starts_with(" Esc back "), "the zoom stays: {}", footer(&mut bench));
    }
}

#[test]
fn a_cleared_pane_says_so() {
    let mut bench = Bench::shop(100, 30);
    bench.press("2");
    assert!(!bench.text().contains("cleared"));
    bench.press("C");
    // What was said of it lies over the hints for a while.
    bench.ui.messages.take_back();
    bench.frame();
    assert!(bench.text().contains("cleared · g shows all"), "{}", bench.text());
    bench.press("g");
    assert!(!bench.text().contains("cleared"), "{}", bench.text());
}

#[test]
fn at_an_error_the_least_room_is_for_its_copy_and_the_ways_from_it() {
    let mut bench = Bench::shop(40, 12);
    bench.press("2");
    bench.log_store.get(&"api".into()).expect("its log").feed(b"fine\r\nERROR two\r\nfine\r\nERROR three\r\nfine\r\n");
    bench.press("e");
    bench.frame();
    let line = footer(&mut bench);
    assert!(line.starts_with(" c copy  E prev  Esc  ?  q  ") && line.contains(" error 3/3"), "{line}");
    bench.ui.opens.copies = Some(9);
    bench.size = (100, 30);
    assert!(footer(&mut bench).contains("  c copy error (9 lines)  "), "{}", footer(&mut bench));
}

#[test]
fn only_what_has_a_terminal_is_typed_into() {
    use super::super::action::Context;
    let mut bench = Bench::shop(100, 30);
    bench.press("1");
    assert!(footer(&mut bench).contains("  i type  "));
    bench.snapshot.services[0].phase = Phase::Finished(Outcome::Done);
    assert!(!footer(&mut bench).contains("i type"), "it is over: {}", footer(&mut bench));
    let mut bench = Bench::new(super::super::worker_fixture::workshop(), 100, 30, GlyphSet::Unicode);
    bench.press("2i");
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Normal);
    assert!(bench.text().contains("marie is a worker: its tasks have no terminal"), "{}", bench.text());
}

#[test]
fn what_is_stale_or_has_failed_is_said_in_words() {
    for columns in [160, 120, 80] {
        let mut bench = Bench::shop(columns, 30);
        bench.press("1");
        assert!(!bench.text().contains("stale"));
        bench.snapshot.services[1].stale = true;
        let text = bench.text();
        assert!(text.lines().any(|line| line.contains("2 ● api") && line.contains("stale")), "at {columns}: {text}");
    }
    let mut bench = Bench::shop(80, 24);
    bench.snapshot.services[0].phase = Phase::Finished(Outcome::Failed(crate::domain::ExitStatus::Code(1)));
    let text = bench.text();
    assert!(text.lines().any(|line| line.contains("1 ✗ db") && line.contains(" failed")), "{text}");
}

#[test]
fn a_zoom_says_how_the_pause_ends() {
    let mut bench = Bench::new(paused_shop(), 80, 24, GlyphSet::Unicode);
    bench.press("2z");
    assert!(footer(&mut bench).starts_with(" Esc back  p resume  / search "), "{}", footer(&mut bench));
    let mut bench = Bench::shop(160, 50);
    bench.press("2z");
    assert!(!footer(&mut bench).contains("p pause"), "{}", footer(&mut bench));
}

#[test]
fn the_page_of_a_service_that_is_not_running_is_not_opened() {
    let mut bench = Bench::shop(160, 50);
    bench.snapshot.services[5].url = Some("http://localhost:4000".into());
    bench.press("6");
    assert!(!footer(&mut bench).contains("o open url"), "{}", footer(&mut bench));
    bench.press("o");
    let said = bench.ui.message(&bench.snapshot, NOW).map(|message| message.to_string());
    assert_eq!(said.as_deref(), Some("mail is not running · s starts it"));
}

#[test]
fn a_stop_is_offered_for_what_runs_or_has_failed_and_not_for_what_is_done() {
    let mut bench = Bench::shop(160, 50);
    let offers = |bench: &mut Bench| bench.text().lines().last().is_some_and(|footer| footer.contains("  x stop"));
    bench.press("3");
    assert!(bench.snapshot.services[2].failure().is_some() && offers(&mut bench), "{}", bench.text());
    bench.press("1");
    assert!(offers(&mut bench));
    bench.snapshot.services[0].phase = Phase::Finished(Outcome::Done);
    assert!(bench.snapshot.services[0].wanted && !offers(&mut bench), "{}", bench.text());
}
