//! What keys, clicks and pastes do.

use proptest::prelude::*;

use super::*;
use crate::domain::{Signal, StopProgress, StopState, Stopping};
use crate::tui::fixture::{Bench, NOW, paused_shop, running, shop};
use crate::tui::options::GlyphSet;

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
        assert_eq!(bench.press(open), []);
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
    assert!(bench.ui.message(&snapshot, NOW).expect("a hint").0.contains("pasted"));
    bench.press("?");
    let world = World { snapshot: &snapshot, size: (80, 24), now: NOW };
    bench.ui.paste("scr\u{1b}oll", &world);
    assert_eq!(bench.ui.overlay, Some(Overlay::Help { filter: "scroll".into(), scroll: 0 }));
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
    assert_eq!(bench.press("pP"), [Command::TogglePause, Command::Resume { discard: true }]);
}

#[test]
fn the_menu_of_restarts() {
    let mut bench = Bench::shop(80, 24);
    let restart = |targets, force| [Command::Restart { targets, force }];
    let api: ServiceName = "api".into();
    assert_eq!(bench.press("R⏎"), restart(Targets::one(&api), false));
    assert_eq!(bench.press("R↓⏎"), restart(Targets::All, false));
    assert_eq!(bench.press("Rf"), restart(Targets::Failed, false));
    assert_eq!(bench.press("Rd"), restart(Targets::WithDependents(api.clone()), false));
    assert_eq!(bench.press("RF"), restart(Targets::one(&api), true));
    assert_eq!(bench.press("R⎋"), []);
    assert_eq!(bench.ui.overlay, None);
    // The lines show the keys of the table.
    for (place, key) in crate::tui::view::MENU_KEYS.iter().enumerate() {
        let expected = restart_menu(&bench.snapshot, &api)[place].command.clone();
        assert_eq!(bench.press(&format!("R{key}")), [expected]);
    }
}

#[test]
fn tab_goes_to_the_next_pane_and_leaves_the_panes_where_they_are() {
    let mut bench = Bench::shop(100, 30);
    let panes = |bench: &Bench| -> Vec<usize> {
        bench.ui.screen(&bench.world()).panes.iter().map(|pane| pane.service).collect()
    };
    assert_eq!(panes(&bench), [1, 2]);
    bench.press("⇥");
    assert_eq!((name(&bench), panes(&bench)), ("worker", vec![1, 2]));
    bench.press("⇥");
    assert_eq!(name(&bench), "api");
    // When the failure is over, its pane goes, and the focus with it.
    bench.press("⇥");
    bench.snapshot.services[2] = running("worker", true, 1);
    bench.frame();
    assert_eq!((name(&bench), panes(&bench)), ("api", vec![1]));
    let mut single = Bench::shop(80, 24);
    single.press("⇥");
    assert_eq!(name(&single), "worker");
}

#[test]
fn clicks_select_what_is_under_them() {
    let mut bench = Bench::shop(160, 50);
    click(&mut bench, 5, 6);
    assert_eq!(name(&bench), "worker", "the first of its two lines");
    click(&mut bench, 5, 9);
    assert_eq!(name(&bench), "web", "the second of its two lines");
    click(&mut bench, 120, 35);
    assert_eq!(name(&bench), "mail");
    let mut small = Bench::shop(40, 12);
    click(&mut small, 13, 1);
    assert_eq!(name(&small), "worker");
    small.press("W");
    small.frame();
    click(&mut small, 5, 3);
    assert!(small.ui.watcher.is_some_and(|panel| panel.marked == Some(5)));
}

#[test]
fn the_wheel_scrolls_the_pane_under_it() {
    let mut bench = Bench::shop(160, 50);
    for number in 0..50 {
        bench.book.get(&"worker".into()).expect("its log").feed(format!("job {number}\r\n").as_bytes());
    }
    bench.frame();
    mouse(&mut bench, MouseEventKind::ScrollUp, 50, 20);
    let text = bench.text();
    assert!(text.contains("job 46") && !text.contains("job 47"), "{text}");
    assert_eq!(name(&bench), "api", "scrolling selects nothing");
}

#[test]
fn good_news_gets_old_and_bad_news_stays_until_it_is_read() {
    let mut bench = Bench::shop(80, 24);
    let news = |problem| crate::domain::Notice { at: NOW, problem, summary: "the file".into(), detail: "".into() };
    let later = NOW + Duration::from_secs(21);
    bench.snapshot.notice = Some(news(false));
    assert_eq!(bench.ui.message(&bench.snapshot, NOW).map(|(text, _)| text).as_deref(), Some("the file"));
    assert!(bench.ui.message(&bench.snapshot, later).is_none());
    bench.snapshot.notice = Some(news(true));
    assert_eq!(bench.ui.message(&bench.snapshot, later).map(|(text, _)| text).as_deref(), Some("✗ the file"));
    bench.press("⎋");
    assert!(bench.ui.message(&bench.snapshot, NOW).is_none());
}

#[test]
fn the_marked_event_stays_marked_while_others_come() {
    let mut bench = Bench::shop(80, 24);
    bench.press("W↓↓");
    let marked = bench.ui.watcher.expect("the panel").marked;
    let entry = bench.snapshot.journal.entries().next().expect("an event").clone();
    let mut journal = (*bench.snapshot.journal).clone();
    journal.push(entry.event, entry.verdict);
    bench.snapshot.journal = journal.into();
    let panel = bench.ui.watcher.expect("the panel");
    assert_eq!((panel.marked, panel.place(&bench.snapshot.journal)), (marked, 3));
    bench.press("x");
    let panel = bench.ui.watcher.expect("the panel");
    assert!(panel.entries(&bench.snapshot.journal).all(|entry| entry.verdict != crate::domain::Verdict::Ignored));
}

fn stopping() -> GroupSnapshot {
    let mut shop = shop();
    let state = StopState::Asked { signal: Some(Signal::Term), at: NOW, kill_at: NOW + Duration::from_secs(5) };
    let services = shop.services.iter().map(|it| StopProgress { name: it.name.clone(), state: state.clone() });
    shop.stopping = Some(Stopping { since: NOW, killing: false, services: services.collect() });
    shop
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Keys, clicks, sizes and changes of the group in any order: every frame can be drawn.
    #[test]
    fn nothing_that_is_done_breaks_a_frame(
        steps in prop::collection::vec((0_u8..6, any::<u16>(), 0_u16..220, 0_u16..70), 1..60),
        ascii in any::<bool>(),
    ) {
        let glyphs = if ascii { GlyphSet::Ascii } else { GlyphSet::Unicode };
        let mut bench = Bench::new(shop(), 160, 50, glyphs);
        let keys: Vec<char> = "rRpPqQsxX⏎⎋↑↓⇥⇞⇟jkzdWlfGgwtbLM?123456789adFhq +-".chars().collect();
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
                    if let Some(log) = bench.book.get(&"api".into()) {
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
