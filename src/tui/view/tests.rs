//! Whole screens as text, at four sizes. The files are to be read: they are what a user sees.

use std::sync::Arc;
use std::time::Duration;

use super::super::fixture::{Bench, NOW, farm, paused_shop, running, shop};
use super::super::selection::{Point, Selection, Unit};
use super::super::source::Source;
use crate::display::{GlyphSet, Ground};
use crate::domain::{
    ChangeAction, Command, ExitStatus, GroupSnapshot, Moment, Notice, Outcome, Phase, RestartCounts, RunDetails, RunId,
    RunRecord, RunVariable, ServiceSnapshot, Signal, StopProgress, StopState, Stopping, Usage, WatchState,
};
use crate::logs::LineId;

const SIZES: [(u16, u16); 4] = [(160, 50), (100, 30), (80, 24), (40, 12)];
const TOO_SMALL: [(u16, u16); 4] = [(19, 5), (80, 5), (1, 1), (0, 0)];

/// Draws the group at all sizes after these keys.
fn screens(name: &str, snapshot: impl Fn() -> GroupSnapshot, glyphs: GlyphSet, keys: &str) {
    let text = |(columns, rows)| {
        let mut bench = Bench::new(snapshot(), columns, rows, glyphs);
        bench.press("2");
        bench.frame();
        bench.press(keys);
        bench.text()
    };
    for (columns, rows) in SIZES {
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), text((columns, rows)));
    }
    for size in TOO_SMALL {
        // One line at most, whatever is open.
        assert_eq!(text(size).trim_end().lines().count(), usize::from(size.0 > 0), "{size:?}");
    }
}

#[test]
fn a_terminal_that_is_too_small_says_so_in_one_line() {
    let line = |columns, rows| Bench::shop(columns, rows).text().lines().next().unwrap_or_default().to_owned();
    assert_eq!(line(80, 5), "3● 1✗ — enlarge (q quits)");
    assert_eq!(line(19, 24), "3● 1✗ q quits");
    assert_eq!(line(8, 5), "3● 1✗ q");
    assert_eq!(line(3, 5), "1✗");
}

#[test]
fn the_normal_screen() {
    screens("normal", shop, GlyphSet::Unicode, "");
}

/// Four are up and measured, one of them only just.
fn measured_shop() -> GroupSnapshot {
    let mut shop = shop();
    let measured = [(Some(4), 38 << 20), (Some(1_254), 1_340 << 20), (None, 212 << 20)];
    for (service, (cpu, memory)) in shop.services.iter_mut().zip(measured) {
        service.usage = Some(Usage { cpu, memory: Some(memory), ..Usage::unknown(NOW) });
    }
    shop
}

#[test]
fn cpu_and_memory_stand_in_the_sidebar() {
    screens("usage", measured_shop, GlyphSet::Unicode, "u");
}

#[test]
fn folded_instances() {
    screens("folded", farm, GlyphSet::Unicode, "");
}

#[test]
fn opened_instances() {
    screens("opened", farm, GlyphSet::Unicode, "⏎j");
}

#[test]
fn the_cursor_is_on_the_prompt_or_the_focused_line() {
    let place = |(columns, rows), keys: &str, needle: &str| {
        let mut bench = Bench::shop(columns, rows);
        bench.press(keys);
        let text = bench.text();
        let (row, line) = text.lines().enumerate().find(|(_, line)| line.contains(needle)).expect(needle);
        let before = line.split(needle).next().unwrap_or_default().chars().count();
        let place = |cells: usize| u16::try_from(cells).ok();
        let drawn = place(before + needle.chars().count() - 1).zip(place(row));
        (bench.cursor, drawn, text)
    };
    for size in SIZES {
        for (keys, needle) in [("/row", "/row_"), ("&row", "& row_"), ("z/row", "/row_"), ("a&row", "& row_")] {
            let (cursor, drawn, text) = place(size, keys, needle);
            assert_eq!(cursor, drawn, "{keys} at {size:?}\n{text}");
        }
        // Of a query that is longer than the line, the end is seen.
        let (cursor, drawn, text) = place(size, &format!("/{}yz", "x".repeat(180)), "xyz_");
        assert_eq!(cursor, drawn, "{size:?}\n{text}");
        for keys in ["z/health⏎", "/health⏎"] {
            let (cursor, drawn, text) = place(size, keys, "GET /health");
            assert_eq!(cursor.map(|(_, y)| y), drawn.map(|(_, y)| y), "{keys} at {size:?}\n{text}");
        }
        let mut bench = Bench::shop(size.0, size.1);
        bench.press("a");
        bench.frame();
        let last = bench.cursor.expect("a cursor");
        bench.press("kkk");
        bench.frame();
        assert_eq!(bench.cursor, Some((last.0, last.1 - 3)), "the mark has gone up three lines at {size:?}");
        bench.press("az");
        bench.frame();
        let unit = |line: u64| {
            let line = LineId(line);
            (Point { line, byte: 0 }, Point { line, byte: 1 })
        };
        let (source, unit_is) = (Source::Service("api".into()), Unit::Line);
        let (anchor, head) = (unit(10), unit(7));
        bench.ui.selection = Some(Selection { source, rows: false, by_keys: true, unit: unit_is, anchor, head });
        let text = bench.text();
        let (_, row) = bench.cursor.expect("a cursor");
        assert!(text.lines().nth(row.into()).is_some_and(|line| line.contains("── ready")), "{size:?}\n{text}");
    }
}

/// The words and their order are a contract.
#[test]
fn the_hints_are_those_of_the_pictures() {
    let wide = " r restart  / search  ⏎ zoom  i type  p pause watching  W watcher  a all logs  x stop  : actions  d details  & filter  ? help  q quit";
    let at_100 = " r restart  / search  ⏎ zoom  i type  p pause watching  W watcher  a all logs  ? help  q quit";
    let failed = " r restart  e error  v open log  / search  ⏎ zoom  p pause watching  W watcher  a all logs  x stop  : actions  d details  & filter  ? help  q quit";
    let hints = [
        ((160, 50), "1", wide),
        ((100, 30), "1", at_100),
        ((80, 24), "1", " r restart  / search  ⏎ zoom  i type  p pause  W watcher  ? help  q quit"),
        ((80, 24), "", " r restart  e error  / search  ⏎ zoom  i type  p pause  ? help  q quit"),
        ((160, 50), "3", failed),
        (
            (100, 30),
            "3",
            " r restart  e error  v open log  / search  ⏎ zoom  p pause watching  W watcher  ? help  q quit",
        ),
        ((60, 24), "3", " r restart  e error  v open log  / search  ? help  q quit"),
        ((40, 12), "3", " r e v / ⏎  ? help  q quit"),
        ((80, 24), "6", " s start  / search  ⏎ zoom  d details  p pause  W watcher  ? help  q quit"),
        ((40, 12), "6", " s / ⏎ p  ? help  q quit"),
        ((80, 24), "'", " type to filter  ↑↓ choose  ⏎ select  Esc show all"),
        ((40, 12), "1", " r / ⏎ p  ? help  q quit"),
        ((40, 12), "", " r e / ⏎ p  ? help  q quit"),
        ((80, 24), "z", " Esc back  / search  e error  & filter  [ ] runs  w wrap  c copy  ? help"),
        ((40, 12), "z", " Esc back  / & e  ? help"),
        ((80, 24), "W", " ⏎ why  p pause  x watched only  / search  Esc back  ? help"),
        ((40, 12), "W", " ⏎ why  Esc back  ?"),
        ((80, 24), "?", " type to filter  ↑↓ scroll  Esc close"),
        ((80, 24), "/404", " ⏎ done (then n/N)  Shift-Tab all services  Tab kind  Esc cancel"),
        ((60, 24), "/404", " ⏎ done (then n/N)  Shift-Tab all services  Esc cancel"),
        ((40, 12), "/404", " ⏎ done, then n/N  Tab kind  Esc cancel"),
        ((80, 24), "&404", " ⏎ apply  Tab text, regex, word  ! inverts  empty: all lines  Esc cancel"),
    ];
    for ((columns, rows), keys, footer) in hints {
        let mut bench = Bench::shop(columns, rows);
        bench.press(keys);
        assert_eq!(bench.text().lines().last(), Some(footer), "{keys} at {columns}x{rows}");
    }
    let footer = |columns, rows| Bench::new(paused_shop(), columns, rows, GlyphSet::Unicode).text();
    assert!(footer(40, 12).ends_with(" p resume  P without restarts  ?\n"));
    let mut unwatched = shop();
    unwatched.watch.state = WatchState::Off;
    let mut bench = Bench::new(unwatched, 80, 24, GlyphSet::Unicode);
    bench.press("1");
    let without = " r restart  / search  ⏎ zoom  i type  ? help  q quit";
    assert_eq!(bench.text().lines().last(), Some(without), "nothing is watched");
    bench.size = (40, 12);
    assert_eq!(bench.text().lines().last(), Some(" r / ⏎  ? help  q quit"));
    let mut ascii = Bench::new(shop(), 80, 24, GlyphSet::Ascii);
    ascii.press("1");
    let picture = " r restart  / search  Enter zoom  i type  p pause  W watcher  ? help  q quit";
    assert_eq!(ascii.text().lines().last(), Some(picture));
}

#[test]
fn the_sign_for_the_rest_of_a_line_is_selected_with_it() {
    let mut bench = Bench::shop(80, 24);
    let unit = |byte| (Point { line: LineId(0), byte }, Point { line: LineId(0), byte });
    let (source, anchor) = (Source::Service("api".into()), unit(10));
    let mut last_cells = |to| {
        let (source, head) = (source.clone(), unit(to));
        bench.ui.selection =
            Some(Selection { source, rows: false, by_keys: false, unit: Unit::Character, anchor, head });
        let (text, frame) = (bench.text(), bench.frame());
        let row = text.lines().position(|line| line.contains("slow query")).and_then(|row| u16::try_from(row).ok());
        let cells = (76..80).filter_map(|x| frame.cell((x, row?)));
        let reversed = |cell: &ratatui::buffer::Cell| cell.modifier.contains(ratatui::style::Modifier::REVERSED);
        cells.map(|cell| (cell.symbol().to_owned(), reversed(cell))).collect::<Vec<_>>()
    };
    let (whole, part) = (last_cells(200), last_cells(20));
    assert!(whole.contains(&("…".to_owned(), true)), "{whole:?}");
    assert!(part.contains(&("…".to_owned(), false)), "{part:?}");
}

#[test]
fn a_name_in_the_narrow_sidebar_is_cut_only_where_its_own_row_has_no_room() {
    let mut shop = shop();
    for (service, name) in shop.services.iter_mut().zip(["frontend", "frontserver", "a-name-that-is-too-long"]) {
        service.name = name.into();
        service.restarts = RestartCounts::default();
    }
    shop.services[1].restarts.change = 1_234;
    shop.services[2].restarts = RestartCounts { change: 11, crash: 3, ..RestartCounts::default() };
    shop.services[3].restarts = RestartCounts { change: 111, crash: 33, liveness: 5, ..RestartCounts::default() };
    shop.services[3].name = "frontserver-2".into();
    shop.services[4].stale = true;
    shop.services[4].phase = shop.services[0].phase.clone();
    let mut bench = Bench::new(shop, 80, 24, GlyphSet::Unicode);
    let text = bench.text();
    assert!(text.contains("● frontend        "), "{text}");
    // The name gives way to failures, and the count of changes to the name.
    for row in ["frontserv… ↻1234 ", "a-name-t… ↻11 ✗3 ", "frontser… ✗33 !5 "] {
        assert!(text.contains(row), "{row}\n{text}");
    }
    assert!(text.contains("● css     stale ↻3 "), "{text}");
    bench.size = (40, 12);
    bench.press("5");
    let text = bench.text();
    assert!(text.contains("5●css stale"), "{text}");
}

#[test]
fn the_line_of_a_title_tells_of_the_focus_and_of_failures_and_the_state_has_its_own_look() {
    use ratatui::style::{Color, Modifier, Style};
    let mut bench = Bench::shop(160, 50);
    bench.ui.theme.ground = Ground::Dark;
    let frame = bench.frame();
    let text = bench.text();
    let looks = |title: &str| {
        let (y, line) = text.lines().enumerate().find(|(_, line)| line.contains(title)).expect(title);
        let before = line.split(title).next().unwrap_or_default().chars().count();
        let cell = |x: usize| frame.cell((u16::try_from(x).ok()?, u16::try_from(y).ok()?)).map(|cell| cell.style());
        let at = |x: usize| cell(x).unwrap_or_default();
        let look = |style: Style| (style.fg, style.add_modifier.contains(Modifier::DIM));
        // The line, and the first letter of the word.
        (look(at(before)), look(at(before + title.chars().count() - 1)))
    };
    let (reset, red) = (Some(Color::Reset), Some(Color::Red));
    assert_eq!(looks("── 2 api ● r"), ((Some(Color::Cyan), false), (reset, false)));
    assert_eq!(looks("── 3 worker ✗ r"), ((red, false), (reset, false)));
    bench.press("1");
    bench.snapshot.services[2].phase = Phase::Down;
    bench.snapshot.services[4].phase = Phase::Down;
    let (text, frame) = (bench.text(), bench.frame());
    let (y, line) = text.lines().enumerate().find(|(_, line)| line.contains("── 2 api ● r")).expect("its pane");
    let x = line.split("ready").next().unwrap_or_default().chars().count();
    let cell = |x: usize| frame.cell((u16::try_from(x).unwrap_or(0), u16::try_from(y).unwrap_or(0)));
    let dim = |x: usize| cell(x).is_some_and(|cell| cell.modifier.contains(Modifier::DIM));
    assert!(!dim(x) && dim(x + 8), "the line is dim and no state is: {text}");
    assert_eq!(cell(x + 8).map(|cell| cell.fg), reset);
}

#[test]
fn a_title_has_one_timer_and_names_what_comes() {
    let now = NOW;
    let title = |change: &dyn Fn(&mut ServiceSnapshot)| {
        let mut shop = shop();
        let worker = &mut shop.services[2];
        worker.next_restart = Some(now + Duration::from_secs(9));
        change(worker);
        let mut bench = Bench::new(shop, 160, 50, GlyphSet::Unicode);
        bench.press("3");
        let text = bench.text();
        text.lines().find(|line| line.contains("── 3 worker ")).unwrap_or_default().to_owned()
    };
    let tried = title(&|_| {});
    assert!(tried.contains("worker ✗ retrying · exit 1 · retry in 4s ─"), "the try meets the change: {tried}");
    let limited = title(&|worker| {
        (worker.phase, worker.next_try, worker.next_action) =
            (Phase::Finished(Outcome::Failed(ExitStatus::Code(1))), None, ChangeAction::Start);
    });
    assert!(limited.contains("worker ◌ waiting · start in 9s ─"), "{limited}");
    let told = title(&|worker| {
        let signal = ChangeAction::Signal(Signal::Hup);
        let running = Phase::Running { run: worker.run, since: now, ready: true };
        (worker.phase, worker.next_try, worker.next_action) = (running, None, signal);
        worker.stale = true;
    });
    assert!(told.contains("worker ● ready · stale · SIGHUP in 9s ─"), "both are to be seen: {told}");
}

#[test]
fn many_services_beside_a_wide_pane_keep_the_words_of_their_states() {
    let mut shop = shop();
    let (failed, starting) = (shop.services[2].clone(), shop.services[4].clone());
    let waits = Phase::Blocked { on: vec!["migrate".into()], lost: None };
    let blocked = ServiceSnapshot { phase: waits, up_since: None, ..running("frontserver", false, 1) };
    for number in 0..7 {
        let name = format!("service-{number}");
        let like = [&blocked, &failed, &starting][number % 3].clone();
        shop.services.push(ServiceSnapshot { name: name.as_str().into(), ..like });
    }
    let failing = format!("✗ service-1 {} 4s", shop.services[2].state());
    let text = Bench::new(shop, 160, 50, GlyphSet::Unicode).text();
    for row in [" ready ", "◌ service-0 waiting ", &failing, "◐ service-2 starting"] {
        assert!(text.contains(row), "{row}\n{text}");
    }
}

#[test]
fn the_zoomed_log() {
    screens("zoom", shop, GlyphSet::Unicode, "z");
}

#[test]
fn a_search_while_it_is_typed() {
    screens("search", shop, GlyphSet::Unicode, "/404");
}

#[test]
fn a_search_in_a_zoomed_log_under_a_filter() {
    screens("filter", shop, GlyphSet::Unicode, "z&!health⏎/info⏎");
}

#[test]
fn all_services_in_one_pane() {
    screens("merged", shop, GlyphSet::Unicode, "5a6/404⏎");
}

#[test]
fn the_filter_of_the_services() {
    screens("service_filter", shop, GlyphSet::Unicode, "'we");
}

#[test]
fn the_filter_of_the_sidebar_selects_the_first_and_ends() {
    // Zoomed, there is no sidebar, and the last line has the filter.
    for (size, before) in
        [((160, 50), ""), ((80, 24), ""), ((40, 12), ""), ((20, 6), ""), ((80, 24), "z"), ((80, 24), "b")]
    {
        let mut bench = Bench::shop(size.0, size.1);
        bench.press(before);
        bench.press("'w");
        let text = bench.text();
        let found = |text: &str, name: &str| text.lines().any(|line| line.contains(name) && !line.contains('─'));
        assert!(text.contains("'w") && found(&text, "worker") && !text.contains(" db  "), "{size:?} {before}\n{text}");
        let row = text.lines().position(|line| line.contains("'w")).unwrap_or_default();
        assert_eq!(bench.cursor.map(|(_, y)| usize::from(y)), Some(row), "{size:?} {before}\n{text}");
        bench.press("e⏎");
        assert_eq!(bench.ui.selected(&bench.snapshot), Some(3), "web: {size:?} {before}");
        assert!(!bench.text().contains("'we"), "{size:?} {before}");
        bench.press("'zz⏎");
        assert!(bench.text().contains("no such service") || size.0 < 24, "{}", bench.text());
        bench.press("⎋");
        assert_eq!(bench.ui.selected(&bench.snapshot), Some(3), "Esc selects nothing");
        bench.press("'↓⏎");
        assert_eq!(bench.ui.selected(&bench.snapshot), Some(1), "the second of all");
    }
}

#[test]
fn the_line_of_the_watcher_leaves_out_what_nobody_watches() {
    let line = |rows, columns, keys: &str| {
        let mut bench = Bench::shop(columns, rows);
        bench.press(keys);
        let (screen, text) = (bench.ui.screen(&bench.world()), bench.text());
        let strip = screen.strip.expect("a strip");
        let lines = text.lines().skip(strip.y.into()).take(strip.height.into()).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    let lines = line(50, 160, "");
    let all = lines.join("\n");
    assert!(!all.contains(".swp") && !all.contains("README.md"), "{all}");
    let newest = lines.last().expect("a line");
    let said = "restarted 1s ago   services.css.watch (procgroup.toml:9)";
    assert!(newest.starts_with(" ↻ css     styles/app.scss modified ") && newest.contains(said), "{all}");
    assert!(newest.ends_with("3 ignored"), "{all}");
    let narrow = line(40, 60, "").pop().expect("a line");
    assert!(narrow.contains("styles/app.scss") && narrow.contains("1s ago"), "{narrow}");
}

#[test]
fn the_watcher_panel_with_the_reason() {
    screens("watcher", shop, GlyphSet::Unicode, "W↓↓⏎");
}

#[test]
fn the_help() {
    screens("help", shop, GlyphSet::Unicode, "?");
}

#[test]
fn the_details() {
    screens("details", shop, GlyphSet::Unicode, "3d");
}

#[test]
fn the_restart_menu() {
    screens("menu", shop, GlyphSet::Unicode, "R↓");
}

#[test]
fn the_palette() {
    screens("palette", shop, GlyphSet::Unicode, ":");
    screens("palette_found", shop, GlyphSet::Ascii, ":rest↓");
}

#[test]
fn typing_into_a_service() {
    screens("typing", shop, GlyphSet::Unicode, "i");
    screens("typing_ascii", shop, GlyphSet::Ascii, "zi");
}

#[test]
fn the_paused_banner() {
    screens("paused", paused_shop, GlyphSet::Unicode, "");
}

#[test]
fn the_ascii_set() {
    screens("ascii", shop, GlyphSet::Ascii, "");
}

#[test]
fn the_quit_screen() {
    screens("stopping", stopping_shop, GlyphSet::Unicode, "");
}

#[test]
fn a_notice_takes_the_footer() {
    let noticed = || {
        let mut shop = shop();
        shop.notice = Some(Notice {
            problem: true,
            at: NOW,
            summary: "procgroup.toml has errors and was not applied".into(),
            detail: "error: unknown key `wacth` in service `api`\n  help: without it nothing restarts api".into(),
        });
        shop
    };
    screens("notice", noticed, GlyphSet::Unicode, "");
}

#[test]
fn a_log_that_is_read_says_how_much_is_new() {
    let mut bench = Bench::shop(80, 24);
    let document = bench.log_store.get(&"api".into()).expect("the log of api");
    for number in 0..40 {
        document.feed(format!("GET /users/{number} 200\r\n").as_bytes());
    }
    bench.press("z");
    bench.frame();
    bench.press("⇞");
    let before = bench.frame();
    for number in 0..38 {
        document.feed(format!("GET /orders/{number} 200\r\n").as_bytes());
    }
    let text = bench.text();
    assert!(text.contains("▼ 38 new lines · G follow"), "{text}");
    let rows = |buffer: &ratatui::buffer::Buffer| buffer.content()[2 * 80..22 * 80].to_vec();
    assert_eq!(rows(&before), rows(&bench.frame()), "the text moved while it was read");
    bench.press("G");
    assert!(bench.text().contains("GET /orders/37 200"));
}

fn stopping_shop() -> GroupSnapshot {
    let ago = |seconds| Moment::after_start(NOW.since_start() - Duration::from_secs(seconds));
    let stopped = |signal, millis| StopState::Stopped { signal, after: Duration::from_millis(millis) };
    let states = [
        ("web", stopped(Some(Signal::Term), 200)),
        ("api", stopped(Some(Signal::Term), 1_100)),
        ("worker", StopState::WasNotRunning),
        ("css", StopState::Killed { at: ago(3) }),
        (
            "db",
            StopState::Asked {
                signal: Some(Signal::Int),
                at: ago(8),
                kill_at: NOW + Duration::from_secs(12),
                ignored: false,
            },
        ),
        ("mail", StopState::WasNotRunning),
    ];
    let mut shop = shop();
    shop.stopping = Some(Stopping {
        since: ago(8),
        killing: false,
        services: states.into_iter().map(|(name, state)| StopProgress { name: name.into(), state }).collect(),
    });
    shop
}

/// A service with a past and an environment.
fn experienced() -> GroupSnapshot {
    let mut shop = shop();
    let record = |run: u32| RunRecord {
        run: RunId(run),
        began: std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(run) * 3600),
        cause: "change".into(),
        reason: format!("src/file-{run}.rs changed").into(),
        files: None,
        ready_after: Some(Duration::from_millis(2_900)),
        uptime: Duration::from_secs(552),
        exit: Some(ExitStatus::Code(1)),
        asked: false,
        fault: None,
    };
    let variable =
        |name: &str, value: &str, inherited| RunVariable { name: name.into(), value: value.into(), inherited };
    let api = &mut shop.services[1];
    api.history = Arc::new((1..=50).map(record).collect());
    api.details = Some(Arc::new(RunDetails {
        run: api.run,
        ports: vec![4000, 9229],
        pids: vec![48_213, 48_214],
        env: vec![variable("PORT", "4000", false), variable("ZEBRA", "the last\nof all", true)],
    }));
    shop
}

#[test]
fn all_of_the_details_can_be_reached_at_every_size() {
    for set in [GlyphSet::Unicode, GlyphSet::Ascii] {
        for (columns, rows) in SIZES.into_iter().chain([(60, 16), (300, 200), (20, 6)]) {
            let mut bench = Bench::new(experienced(), columns, rows, set);
            assert!(matches!(bench.press("2d").last(), Some(Command::Inspect { .. })));
            let height = usize::from(rows).saturating_sub(3).clamp(1, 10);
            let (mut seen, mut end) = (String::new(), bench.text());
            while !seen.ends_with(&end) {
                seen.push_str(&end);
                bench.press(&"j".repeat(height));
                end = bench.text();
            }
            // Line by line up again, also from beyond the end.
            bench.press("k");
            assert!(rows > 100 || bench.text() != end, "{columns}x{rows}: it does not move at once\n{end}");
            bench.press("G");
            assert_eq!(bench.text(), end);
            bench.press("g");
            if columns >= 80 {
                for text in [
                    "4000, 9229",
                    "48214",
                    "src/file-50.rs changed",
                    "src/file-1.rs changed",
                    "PORT=4000",
                    "ZEBRA=the last\\nof all",
                ] {
                    assert!(seen.contains(text), "{text} is not to be reached at {columns}x{rows}");
                }
                assert!(seen.find("src/file-50.rs") < seen.find("src/file-49.rs"), "the newest comes first");
            }
            assert!(bench.text().contains("command"), "{columns}x{rows}");
        }
    }
}

#[test]
fn runs_of_earlier_starts_of_the_group_stand_under_a_heading_of_their_own() {
    const EARLIER: &str = "RUNS BEFORE THIS START";
    let shown = |runs: &[u32], run: u32, lives: bool| {
        let mut bench = Bench::new(experienced(), 100, 60, GlyphSet::Unicode);
        let api = &mut bench.snapshot.services[1];
        let record = api.history[0].clone();
        api.history = Arc::new(runs.iter().map(|run| RunRecord { run: RunId(*run), ..record.clone() }).collect());
        api.run = RunId(run);
        api.last_exit = None;
        api.phase = if lives { Phase::Running { run: api.run, since: NOW, ready: true } } else { Phase::Down };
        bench.press("2d");
        let text = bench.text();
        let lines = text.lines().map(|line| line.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
        let told = lines.filter(|line| line.contains("RUNS") || line.starts_with("run "));
        told.map(|line| if line.contains("RUNS") { line } else { &line[..5] }.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(shown(&[1, 2], 3, true), ["PREVIOUS RUNS", "run 2", "run 1"]);
    assert_eq!(shown(&[7, 1, 2], 3, true), ["PREVIOUS RUNS", "run 2", "run 1", EARLIER, "run 7"]);
    assert_eq!(shown(&[1], 1, true), [EARLIER, "run 1"]);
    assert_eq!(shown(&[1], 1, false), ["PREVIOUS RUNS", "run 1"]);
    assert_eq!(shown(&[1, 1], 0, false), [EARLIER, "run 1", "run 1"], "it has not run yet");
}

#[test]
fn several_events_with_one_outcome_are_told_as_events_and_times_of_day_are_whole() {
    for columns in [80, 160] {
        let mut bench = Bench::new(shop(), columns, 24, GlyphSet::Unicode);
        let journal = Arc::make_mut(&mut bench.snapshot.journal);
        let last = journal.entries().next_back().expect("an event").clone();
        for _ in 0..2 {
            journal.push(last.event.clone(), last.verdict);
        }
        bench.press("W");
        let text = bench.text();
        let row = text.lines().find(|line| line.contains("styles/app.scss (3 events)"));
        assert!(row.is_some_and(|row| row.contains("14:02:25 ")), "{text}");
        assert!(!text.contains("restart x"), "{text}");
    }
}
