//! What keys, clicks and pastes do.

use std::time::Duration;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::*;
use crate::display::{DisplaySupport, GlyphSet};
use crate::domain::{Phase, Targets};
use crate::tui::fixture::{Bench, NOW, paused_shop, running, shop, stopping};
use crate::tui::panel::RestartMenu;

fn name(bench: &Bench) -> &str {
    let selected = bench.ui.selected(&bench.snapshot).expect("a service is selected");
    bench.snapshot.services[selected].name.as_str()
}

fn click(bench: &mut Bench, column: u16, row: u16) {
    mouse(bench, MouseEventKind::Down(MouseButton::Left), column, row);
}

fn mouse(bench: &mut Bench, kind: MouseEventKind, column: u16, row: u16) {
    let snapshot = bench.snapshot.clone();
    let world = World { snapshot: &snapshot, size: bench.size, now: NOW };
    bench.ui.pointer(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }, &world);
}

fn ctrl_c(bench: &mut Bench) -> Vec<Command> {
    let snapshot = bench.snapshot.clone();
    let world = World { snapshot: &snapshot, size: bench.size, now: NOW };
    bench.ui.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL), &world)
}

#[test]
fn q_quits_from_the_dashboard_only() {
    let mut bench = Bench::shop(80, 24);
    for open in ["z", "W", "?", "d", "R", "l"] {
        let asked = bench.press(open);
        // The details ask what is known of the run.
        assert!(asked.iter().all(|command| open == "d" && matches!(command, Command::Inspect { .. })), "{asked:?}");
        assert_eq!(bench.press("q"), [], "q quits after {open}");
    }
    assert_eq!(bench.press("q"), [Command::Quit]);
    assert_eq!(bench.press("Q"), [Command::QuitNow]);
    assert_eq!(ctrl_c(&mut bench), [Command::Interrupt]);
}

#[test]
fn esc_never_quits() {
    let mut bench = Bench::shop(80, 24);
    assert_eq!(bench.press("zW?⎋⎋⎋⎋⎋⎋"), []);
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Normal);
}

#[test]
fn a_pasted_q_never_quits() {
    let mut bench = Bench::shop(80, 24);
    let snapshot = bench.snapshot.clone();
    let world = World { snapshot: &snapshot, size: (80, 24), now: NOW };
    bench.ui.paste("q\nQ", &world);
    assert!(bench.ui.message(&snapshot, NOW).expect("a hint").to_string().contains("pasted"));
    bench.press("?");
    let world = World { snapshot: &snapshot, size: (80, 24), now: NOW };
    bench.ui.paste("scr\u{1b}oll", &world);
    assert_eq!(bench.ui.panels.over(), Some(&Panel::Help(Help { filter: "scroll".into(), scroll: 0 })));
}

#[test]
fn keys_mean_the_selected_service() {
    let mut bench = Bench::shop(80, 24);
    let one = |name: &str| Targets::Named(vec![name.into()]);
    assert_eq!(bench.press("r"), [Command::Restart { targets: one("api"), force: false }]);
    assert_eq!(bench.press("js"), [Command::Start(one("worker"))]);
    assert_eq!(bench.press("5x"), [Command::Stop(one("css"))]);
    assert_eq!(bench.press("9X"), [Command::Kill(one("css"))], "there is no ninth");
    assert_eq!(bench.press("jjjjjj"), []);
    assert_eq!(name(&bench), "mail");
    assert_eq!(bench.press("kkkkkkkkk"), []);
    assert_eq!(name(&bench), "db");
    assert_eq!(bench.press("pP"), [Command::PauseByKey, Command::Resume { services: Vec::new(), discard: true }]);
}

#[test]
fn the_menu_of_restarts() {
    let mut bench = Bench::shop(80, 24);
    let restart = |targets, force| [Command::Restart { targets, force }];
    let api: ServiceName = "api".into();
    assert_eq!(bench.press("R⏎"), restart(Targets::one(&api), false));
    assert_eq!(bench.press("R↓⏎"), restart(Targets::All, false));
    assert_eq!(bench.press("Rf"), restart(Targets::Failed, false));
    assert_eq!(bench.press("Rd"), restart(Targets::WithDependents(vec![api.clone()]), false));
    assert_eq!(bench.press("RF"), restart(Targets::one(&api), true));
    assert_eq!(bench.press("R⎋"), []);
    assert_eq!(bench.ui.panels.over(), None);
    for (place, key) in ["r", "a", "f", "d", "F"].iter().enumerate() {
        let expected = RestartMenu::of(api.clone(), vec![api.clone()]).items(&bench.snapshot)[place].command.clone();
        assert_eq!(bench.press(&format!("R{key}")), [expected]);
    }
}

#[test]
fn tab_goes_to_the_next_pane_and_leaves_the_panes_where_they_are() {
    let mut bench = Bench::shop(100, 40);
    let panes = |bench: &Bench| -> Vec<usize> {
        bench.ui.screen(&bench.world()).panes.iter().map(|pane| pane.service).collect()
    };
    bench.frame();
    assert_eq!(panes(&bench), [1, 2, 4], "what has failed, and what starts");
    bench.press("⇥");
    assert_eq!((name(&bench), panes(&bench)), ("worker", vec![1, 2, 4]));
    bench.press("⇥⇥");
    assert_eq!(name(&bench), "api");
    // When a failure is over, nothing moves.
    bench.press("⇥");
    bench.snapshot.services[2] = running("worker", true, 1);
    bench.frame();
    assert_eq!((name(&bench), panes(&bench)), ("worker", vec![1, 2, 4]));
    // When a service is stopped, its pane goes, and the focus with it.
    bench.snapshot.services[2].phase = Phase::Down;
    bench.frame();
    assert_eq!((name(&bench), panes(&bench)), ("api", vec![1, 4, 0]));
    bench.press("3");
    bench.frame();
    assert_eq!(panes(&bench)[0], 2, "selected, it is shown all the same");
    let mut single = Bench::shop(80, 24);
    single.press("⇥");
    assert_eq!(name(&single), "worker");
}

#[test]
fn clicks_select_what_is_under_them() {
    let mut bench = Bench::shop(160, 50);
    click(&mut bench, 5, 5);
    assert_eq!(name(&bench), "worker", "the row of its file");
    click(&mut bench, 5, 6);
    assert_eq!(name(&bench), "web");
    bench.frame();
    click(&mut bench, 120, 42);
    assert_eq!(name(&bench), "css", "the second of the small panes");
    let mut small = Bench::shop(40, 12);
    click(&mut small, 13, 1);
    assert_eq!(name(&small), "worker");
    small.press("W");
    small.frame();
    click(&mut small, 5, 3);
    assert!(small.ui.panels.watcher().is_some_and(|panel| panel.marked == Some(5)));
}

#[test]
fn the_wheel_scrolls_the_pane_under_it() {
    let mut bench = Bench::shop(160, 50);
    for number in 0..50 {
        bench.log_store.get(&"worker".into()).expect("its log").feed(format!("job {number}\r\n").as_bytes());
    }
    bench.frame();
    mouse(&mut bench, MouseEventKind::ScrollUp, 50, 32);
    let text = bench.text();
    assert!(text.contains("job 46") && !text.contains("job 47"), "{text}");
    assert_eq!(name(&bench), "api", "scrolling selects nothing");
}

#[test]
fn good_news_gets_old_and_bad_news_stays_until_it_is_read() {
    let mut bench = Bench::shop(80, 24);
    let news = |problem| crate::domain::Notice { at: NOW, problem, summary: "the file".into(), detail: "".into() };
    let later = NOW + Duration::from_secs(6);
    bench.snapshot.notice = Some(news(false));
    assert_eq!(bench.ui.message(&bench.snapshot, NOW).map(|text| text.to_string()).as_deref(), Some("the file"));
    assert!(bench.ui.message(&bench.snapshot, later).is_none());
    bench.snapshot.notice = Some(news(true));
    assert_eq!(bench.ui.message(&bench.snapshot, later).map(|text| text.to_string()).as_deref(), Some("✗ the file"));
    bench.press("j");
    assert!(bench.ui.message(&bench.snapshot, NOW).is_some(), "who presses keys just then has not read it");
    let snapshot = bench.snapshot.clone();
    bench.ui.show_message("something else");
    bench.ui.key(KeyEvent::from(KeyCode::Up), &World { snapshot: &snapshot, size: bench.size, now: later });
    assert!(bench.ui.message(&bench.snapshot, later).is_some(), "nor has who saw something else in its place");
    let selected = name(&bench).to_owned();
    let snapshot = bench.snapshot.clone();
    bench.ui.key(KeyEvent::from(KeyCode::Up), &World { snapshot: &snapshot, size: bench.size, now: later });
    assert!(bench.ui.message(&bench.snapshot, later).is_none());
    assert_ne!(name(&bench), selected, "and the key does what it does");
}

#[test]
fn a_problem_of_before_a_client_came_leaves_the_hints_their_place() {
    let mut bench = Bench::shop(80, 24);
    let at = Moment::from_millis(5_000);
    let (summary, detail) = ("procgroup.toml:50:9: invalid TOML: it has no end".into(), "all of it".into());
    bench.snapshot.notice = Some(crate::domain::Notice { at, problem: true, summary, detail });
    let text = bench.text();
    let footer = text.lines().last().unwrap_or_default();
    assert!(footer.starts_with(" r restart  ? help  q quit ") && footer.ends_with(" · l shows all"), "{footer}");
    assert!(footer.contains("✗ procgroup.toml:50:9: invalid"), "{footer}");
    bench.ui = UiState::new(DashboardOptions::new(DisplaySupport::from_variables(|_| None)))
        .attached_as(Attachment::Guest, NOW);
    let said = |bench: &Bench, seconds| bench.ui.message(&bench.snapshot, NOW + Duration::from_secs(seconds));
    assert!(said(&bench, 0).is_some() && said(&bench, 6).is_none());
    bench.snapshot.notice.as_mut().expect("a notice").at = NOW;
    assert!(said(&bench, 600).is_some(), "what is wrong since then stays");
}

#[test]
fn a_key_takes_the_message_of_before_away() {
    let mut bench = Bench::shop(80, 24);
    let said = |bench: &Bench| bench.ui.message(&bench.snapshot, NOW).map(|message| message.to_string());
    for (keys, text, next) in [("C", "view cleared", "g"), ("/zzzz⏎n", "no match", "&"), ("D", "not detached", "z")] {
        bench.press(keys);
        bench.frame();
        assert!(said(&bench).is_some_and(|said| said.contains(text)), "{keys}: {:?}", said(&bench));
        bench.press(next);
        bench.frame();
        assert_eq!(said(&bench), None, "{next} after {keys}");
        bench.press("⎋⎋");
    }
    bench.press("M");
    assert!(said(&bench).is_some_and(|said| said.contains("mouse")), "one that makes a new one shows it");
}

#[test]
fn resuming_says_what_became_of_what_was_held() {
    let mut bench = Bench::new(paused_shop(), 80, 24, GlyphSet::Unicode);
    let said = |bench: &Bench| bench.ui.message(&bench.snapshot, NOW).map(|message| message.to_string());
    bench.press("P");
    assert_eq!(said(&bench).as_deref(), Some("14 held changes discarded · no restart"));
    bench.press("p");
    assert_eq!(said(&bench), None, "the group says it");
    bench.snapshot.watch.held = 0;
    for key in ["p", "P"] {
        bench.press(key);
        assert_eq!(said(&bench).as_deref(), Some("watching again · no changes were held"), "{key}");
    }
    bench.snapshot = shop();
    bench.press("P");
    assert_eq!(said(&bench).as_deref(), Some("nothing is paused: p pauses"));
    bench.press("p");
    assert_eq!(said(&bench), None);
}

#[test]
fn words_and_lines_that_are_typed_are_deleted_as_in_a_shell() {
    let mut bench = Bench::shop(100, 30);
    let ctrl = |bench: &mut Bench, c: char| {
        let snapshot = bench.snapshot.clone();
        let world = World { snapshot: &snapshot, size: bench.size, now: NOW };
        assert_eq!(bench.ui.key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL), &world), []);
    };
    for begin in ["/", "&", "W/"] {
        bench.press(&format!("{begin}user not found"));
        ctrl(&mut bench, 'w');
        assert!(bench.text().contains("user not _"), "{begin}: {}", bench.text());
        ctrl(&mut bench, 'u');
        bench.press("INFO");
        let text = bench.text();
        assert!(text.contains("INFO_") && !text.contains("not INFO"), "{begin}: {text}");
        bench.press("⎋⎋");
    }
}

#[test]
fn the_watcher_panel_finds_what_is_typed_and_asks_for_each_reason_once() {
    let mut bench = Bench::shop(100, 30);
    bench.press("W/RS.swp");
    assert!(bench.text().contains("/RS.swp_"));
    assert_eq!(
        bench.text().lines().filter(|line| line.contains("ignored") && line.contains(".user.rs.swp")).count(),
        1
    );
    assert!(!bench.text().contains("app.scss  mod"), "only what has the text");
    bench.press("⏎⏎");
    let text = bench.text();
    assert!(text.contains("6 built-in") && text.contains("ignored") && text.contains("*.swp"), "{text}");
    let snapshot = bench.snapshot.clone();
    let panel = bench.ui.panels.watcher_mut().expect("the panel");
    assert_eq!(panel.question(&snapshot.journal), None, "it is known");
    bench.press("⎋");
    assert!(
        bench.ui.panels.watcher().is_some() && bench.text().contains("styles/app.scss"),
        "Esc ends the search first"
    );
    bench.press("⎋⎋");
    assert!(bench.ui.panels.watcher().is_none(), "then the reason, then the panel");
}

#[test]
fn the_marked_event_stays_marked_while_others_come() {
    let mut bench = Bench::shop(80, 24);
    bench.press("W↓↓");
    let marked = bench.ui.panels.watcher().cloned().expect("the panel").marked;
    let entry = bench.snapshot.journal.entries().next().expect("an event").clone();
    let mut journal = (*bench.snapshot.journal).clone();
    journal.push(entry.event, entry.verdict);
    bench.snapshot.journal = journal.into();
    let panel = bench.ui.panels.watcher().cloned().expect("the panel");
    assert_eq!((panel.marked, panel.place(&bench.snapshot.journal)), (marked, 3));
    bench.press("x");
    let panel = bench.ui.panels.watcher().cloned().expect("the panel");
    assert!(panel.entries(&bench.snapshot.journal).all(|entry| entry.verdict != crate::domain::Verdict::Ignored));
}

proptest! {
    #![proptest_config(crate::logs::cases(64))]

    /// Keys, clicks, sizes and changes of the group in any order: every frame can be drawn.
    #[test]
    fn nothing_that_is_done_breaks_a_frame(
        steps in prop::collection::vec((0_u8..6, any::<u16>(), 0_u16..220, 0_u16..70), 1..60),
        ascii in any::<bool>(),
    ) {
        let glyphs = if ascii { GlyphSet::Ascii } else { GlyphSet::Unicode };
        let mut bench = Bench::new(shop(), 160, 50, glyphs);
        let keys: Vec<char> = "rRpPqQsxX⏎⎋↑↓⇥⇞⇟jkzdWlfGgwtbLM?123456789aadFhq +-eEnNmC/".chars().collect();
        for (what, number, column, row) in steps {
            match what {
                0 | 1 => {
                    let key = keys[usize::from(number) % keys.len()];
                    bench.press(&key.to_string());
                }
                2 => {
                    let kinds = [MouseEventKind::ScrollUp, MouseEventKind::ScrollDown,
                        MouseEventKind::Down(MouseButton::Left), MouseEventKind::Drag(MouseButton::Left)];
                    mouse(&mut bench, kinds[usize::from(number) % kinds.len()], column, row);
                }
                3 => bench.size = (column, row),
                4 => {
                    bench.snapshot = match number % 5 {
                        0 => paused_shop(),
                        1 => stopping(),
                        2 => GroupSnapshot { services: Vec::new(), ..shop() },
                        3 => {
                            let long = "a name of sixty characters that nobody would really give to a";
                            let many = (0..40).map(|number| running(&format!("{long}{number}"), true, number));
                            GroupSnapshot { services: many.collect(), ..shop() }
                        }
                        _ => shop(),
                    };
                }
                _ => {
                    if let Some(log) = bench.log_store.get(&"api".into()) {
                        log.feed(&number.to_le_bytes().repeat(usize::from(row)));
                    }
                }
            }
            let buffer = bench.frame();
            prop_assert_eq!((buffer.area.width, buffer.area.height), bench.size);
            for position in buffer.area.positions() {
                let symbol = buffer.cell(position).map_or("", |cell| cell.symbol());
                prop_assert!(!symbol.chars().any(char::is_control), "a control character at {}", position);
            }
        }
    }
}

pub(super) fn lines(bench: &Bench, service: &str, count: std::ops::Range<u32>) {
    let document = bench.log_store.get(&service.into()).expect("a log");
    for number in count {
        let word = if number % 100 == 7 { "ERROR" } else { "INFO" };
        document.feed(format!("{number} {word} GET /users/{number} Agent\r\n").as_bytes());
    }
}

#[test]
fn a_search_finds_while_it_is_typed_and_goes_round() {
    let mut bench = Bench::shop(80, 24);
    lines(&bench, "api", 0..5_000);
    bench.press("/");
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Prompt);
    bench.press("users/77");
    let text = bench.text();
    assert!(text.contains("/users/77_") && text.contains("11 of 11"), "{text}");
    assert!(text.contains(">779 INFO"), "the match is in sight, and marked: {text}");
    assert_eq!(bench.press("q"), [], "q is a letter here");
    assert!(bench.text().contains("no match"));
    bench.press("⌫⏎");
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Normal);
    bench.press("n");
    let text = bench.text();
    assert!(text.contains("1 of 11") && text.contains("continuing from") && text.contains(">77 INFO"), "{text}");
    bench.press("N");
    assert!(bench.text().contains("11 of 11"));
    bench.press("N");
    assert!(bench.text().contains("10 of 11"));
    bench.press("⎋");
    let text = bench.text();
    assert!(!text.contains(" of 11") && !text.contains('>'), "{text}");
    bench.press("n");
    assert!(bench.text().contains("no search: / starts one"));
}

#[test]
fn a_cancelled_search_goes_back_to_where_it_was_begun() {
    let mut bench = Bench::shop(80, 24);
    lines(&bench, "api", 0..5_000);
    let before = bench.text();
    bench.press("/users/12");
    assert_ne!(bench.text(), before);
    bench.press("⎋");
    assert_eq!(bench.text(), before);
}

#[test]
fn a_match_beyond_the_cut_is_brought_into_sight() {
    let mut bench = Bench::shop(80, 24);
    bench.press("/and paid");
    let text = bench.text();
    assert!(text.contains("AND paid ORDER BY at") && text.contains("!…"), "{text}");
    bench.press("⎋");
    assert!(bench.text().contains("14:01:58 WARN"));
    // Also when it was kept: other lines are shorter.
    bench.press("/and paid⏎");
    assert!(bench.text().contains("!…"));
    bench.press("⎋");
    assert!(bench.text().contains("14:01:58 WARN"), "{}", bench.text());
}

#[test]
fn a_bad_expression_says_so() {
    let mut bench = Bench::shop(80, 24);
    bench.press("/⇥get (");
    let text = bench.text();
    assert!(text.contains("/get (_ (regex)") && text.contains("unclosed group"), "{text}");
    bench.press("⏎");
    assert!(bench.text().contains("/get (_ (regex)"), "it can be mended");
    bench.press("⌫/use");
    assert!(bench.text().contains("1 of 1"));
    bench.press("⇥");
    assert!(bench.text().contains("(word)") && bench.text().contains("no match"));
}

#[test]
fn a_filter_shows_only_what_it_lets_through_and_says_how_much() {
    let mut bench = Bench::shop(100, 24);
    lines(&bench, "worker", 0..1_000);
    bench.press("3&error⏎");
    let text = bench.text();
    assert!(text.contains("filter error · 10 of 1,006 lines"), "{text}");
    assert!(text.contains("907 ERROR") && !text.contains("INFO"), "{text}");
    bench.press("&!users/9⏎");
    let text = bench.text();
    assert!(text.contains("filter error & !users/9 · 9 of 1,006 lines") && !text.contains("907 ERROR"), "{text}");
    bench.press("&⏎");
    assert!(bench.text().contains("999 INFO") && !bench.text().contains("lines"));
}

#[test]
fn what_is_read_under_a_filter_stays() {
    let mut bench = Bench::shop(80, 24);
    lines(&bench, "api", 0..9_000);
    bench.press("&error⏎");
    bench.frame();
    bench.press("⇞");
    let before = bench.text();
    lines(&bench, "api", 9_000..9_500);
    let after = bench.text();
    assert!(after.contains("▼ 5 new"), "{after}");
    let lines = |text: &str| text.lines().filter(|line| line.contains("ERROR")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&before), lines(&after));
}

#[test]
fn from_error_to_error() {
    let mut bench = Bench::shop(80, 24);
    lines(&bench, "api", 0..1_000);
    bench.press("E");
    assert!(bench.text().contains("✗907 ERROR"), "{}", bench.text());
    bench.press("E");
    bench.frame();
    bench.press("E");
    assert!(bench.text().contains("✗707 ERROR"), "{}", bench.text());
    bench.press("e");
    assert!(bench.text().contains("✗807 ERROR"), "{}", bench.text());
    let document = bench.log_store.get(&"api".into()).expect("a log");
    document.feed(b"Traceback (most recent call last):\r\n  File x\r\nValueError: no\r\nok\r\n");
    bench.press("GE");
    bench.frame();
    bench.press("E");
    assert!(bench.text().contains("✗907 ERROR"), "a trace is one error: {}", bench.text());
    bench.press("Ge");
    assert!(bench.text().contains("✗Traceback"), "at the end, the newest: {}", bench.text());
    bench.press("1e");
    assert!(bench.text().contains("no errors"));
}

#[test]
fn keys_that_come_faster_than_frames_count_each() {
    let mut bench = Bench::shop(80, 24);
    lines(&bench, "api", 0..1_000);
    bench.press("EEE");
    assert!(bench.text().contains("✗707 ERROR"), "{}", bench.text());
    bench.press("EEEEeeee");
    assert!(bench.text().contains("✗707 ERROR"), "{}", bench.text());
    bench.press("G/users/1⏎NNN");
    assert!(bench.text().contains(" 109 of 112") || bench.text().contains("108 of 111"), "{}", bench.text());
    let one_by_one = bench.text();
    bench.press("nN");
    assert_eq!(bench.text(), one_by_one);
}

#[test]
fn errors_that_nobody_has_seen_are_told_in_the_tabs_as_well() {
    let mut bench = Bench::shop(60, 12);
    lines(&bench, "db", 0..300);
    let members: Vec<_> =
        ["db", "api"].map(|name| (name.into(), bench.log_store.get(&name.into()).expect("a log"))).into();
    bench.ui.unseen.mark_seen(&"api".into(), crate::logs::LineId(u64::MAX));
    let mut behind = Vec::new();
    bench.ui.unseen.count(&members, |_| false, &mut behind);
    behind.iter().for_each(|scan| scan.run(|| true));
    assert!(bench.ui.unseen.count(&members, |_| false, &mut behind));
    let text = bench.text();
    let strip = text.lines().find(|line| line.contains("1●db")).unwrap_or_default();
    assert!(strip.contains("1●db e3 ▸2●api"), "{text}");
    // A click on what is behind them meets the next service.
    let row =
        u16::try_from(text.lines().position(|line| line.contains("1●db")).unwrap_or_default()).unwrap_or_default();
    click(&mut bench, 2, row);
    assert_eq!(name(&bench), "db");
    click(&mut bench, 11, row);
    assert_eq!(name(&bench), "api");
}

#[test]
fn a_marker_a_clear_view_and_what_is_further_right() {
    let mut bench = Bench::shop(80, 24);
    bench.press("m");
    assert!(bench.text().contains("── mark 1 ──"), "{}", bench.text());
    bench.press("C");
    assert!(!bench.text().contains("mark 1"));
    lines(&bench, "api", 0..1);
    assert!(bench.text().contains("0 INFO GET /users/0 Agent"));
    bench.press("→");
    assert!(bench.text().contains("…T /users/0 Agent"), "{}", bench.text());
    bench.press("←g");
    assert!(bench.text().contains("0 INFO GET") && bench.text().contains("mark 1"));
}

proptest! {
    #![proptest_config(crate::logs::cases(24))]

    /// Whatever is searched, filtered and printed, in whatever order: a frame can be drawn, and nothing waits for ever.
    #[test]
    fn any_keys_in_any_log(keys in "[/&nNeE\\[\\]mCw⎋⏎⇥⇞⇟⌫→←z1-3a-c(!?*]{0,40}", more in 0_u32..300) {
        let mut bench = Bench::shop(60, 16);
        for key in keys.chars() {
            bench.press(&key.to_string());
            bench.frame();
            lines(&bench, "api", 0..more / 10);
        }
        prop_assert!(!bench.text().is_empty());
    }
}

#[test]
fn who_wants_to_be_asked_quits_by_pressing_twice() {
    let mut bench = Bench::shop(100, 30);
    let asks =
        DashboardOptions { confirm_quit: true, ..DashboardOptions::new(DisplaySupport::from_variables(|_| None)) };
    bench.ui = UiState::new(asks);
    assert_eq!(bench.press("q"), []);
    let message = bench.ui.message(&bench.snapshot, NOW).map(|message| message.to_string());
    assert_eq!(message.as_deref(), Some("stop 4 services and quit? press q again"));
    assert_eq!(bench.press("q"), [Command::Quit]);
    assert_eq!(bench.press("jq"), [], "another key has taken the question away");
    assert_eq!(bench.press("Q"), [Command::QuitNow], "who kills is not asked");
}

#[test]
fn the_palette_does_what_is_typed() {
    let mut bench = Bench::shop(100, 30);
    let api: ServiceName = "api".into();
    bench.press("2");
    let restart = |targets, force| [Command::Restart { targets, force }];
    assert_eq!(bench.press(":restart⏎"), restart(Targets::one(&api), false));
    assert_eq!(bench.press(":rfai⏎"), restart(Targets::Failed, false));
    assert_eq!(bench.press(":force⏎"), restart(Targets::one(&api), true));
    assert_eq!(bench.ui.panels.over(), None);
    assert_eq!(bench.press(":select worker⏎r"), restart(Targets::one(&"worker".into()), false));
    assert_eq!(bench.press(":zoom⏎"), []);
    assert!(bench.ui.panes.zoom);
    assert_eq!(bench.press(":quit⏎"), [Command::Quit]);
    assert_eq!(bench.press(":q⎋"), [], "q is text there, and Esc closes it");
    assert_eq!(bench.ui.panels.over(), None);
    assert_eq!(bench.press(":zzzz⏎"), [], "nothing is found, and it stays open");
    assert!(bench.ui.panels.over().is_some());
}

#[test]
fn the_reason_of_an_event_is_closed_before_its_panel() {
    for key in ["⎋", "q"] {
        let mut bench = Bench::shop(100, 30);
        bench.press("W⏎");
        bench.frame();
        assert!(bench.ui.panels.watcher().is_some_and(|panel| panel.why));
        bench.press(key);
        assert_eq!(bench.ui.context(&bench.snapshot), Context::Watcher, "x is a key of the panel still");
        bench.press(key);
        assert_eq!(bench.ui.context(&bench.snapshot), Context::Normal);
    }
}
