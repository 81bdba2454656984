//! Whole screens as text, at the sizes of the contract. The files are to be read: they are what a user sees.

use std::sync::Arc;
use std::time::Duration;

use super::super::fixture::{Bench, NOW, paused_shop, shop};
use super::super::options::GlyphSet;
use crate::domain::{
    Command, ExitStatus, FactVariable, GroupSnapshot, Moment, Notice, RunFacts, RunId, RunRecord, Signal, StopProgress,
    StopState, Stopping,
};

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
    assert_eq!(line(80, 5), "4● 1✗ — enlarge (q quits)");
    assert_eq!(line(19, 24), "4● 1✗ q quits");
    assert_eq!(line(8, 5), "4● 1✗ q");
    assert_eq!(line(3, 5), "1✗");
}

#[test]
fn the_normal_screen() {
    screens("normal", shop, GlyphSet::Unicode, "");
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
    let document = bench.book.get(&"api".into()).expect("the log of api");
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
    assert!(text.contains("▲ 38 new lines · G follow"), "{text}");
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
        ("db", StopState::Asked { signal: Some(Signal::Int), at: ago(8), kill_at: NOW + Duration::from_secs(12) }),
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
    };
    let variable =
        |name: &str, value: &str, inherited| FactVariable { name: name.into(), value: value.into(), inherited };
    let api = &mut shop.services[1];
    api.history = Arc::new((1..=50).map(record).collect());
    api.facts = Some(Arc::new(RunFacts {
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
                    "ZEBRA=the last of all",
                ] {
                    assert!(seen.contains(text), "{text} is not to be reached at {columns}x{rows}");
                }
                assert!(seen.find("src/file-50.rs") < seen.find("src/file-49.rs"), "the newest comes first");
            }
            assert!(bench.text().contains("command"), "{columns}x{rows}");
        }
    }
}
