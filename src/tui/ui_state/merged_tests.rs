//! The merged view, and searches over all services.

use super::*;
use crate::display::GlyphSet;
use crate::logs::LineId;
use crate::tui::action::Context;
use crate::tui::fixture::{Bench, NOW, shop};

/// Three services that print in turn, each so many lines.
fn turns(count: usize, size: (u16, u16)) -> Bench {
    let mut group = shop();
    group.services.truncate(3);
    let mut bench = Bench::new(group, size.0, size.1, GlyphSet::Unicode);
    // Their logs begin with the shop's lines.
    feed(&mut bench, 0..count);
    bench.press("a");
    bench
}

fn feed(bench: &mut Bench, turns: std::ops::Range<usize>) {
    for turn in turns {
        for name in ["db", "api", "worker"] {
            let word = if turn % 100 == 7 && name == "worker" { "ERROR" } else { "INFO" };
            let document = bench.log_store.get(&name.into()).expect("a log");
            document.feed(format!("{word} turn {turn} of {name}\r\n").as_bytes());
        }
    }
}

/// The lines of the merged pane that begin with the name of a service.
fn shown(bench: &mut Bench) -> Vec<String> {
    // Behind the sidebar, the line beside it and the marks.
    let text = bench.text();
    let lines = text.lines().map(|line| line.chars().skip(24).collect::<String>());
    lines.filter(|line| ["db ", "api ", "worker "].iter().any(|name| line.starts_with(name))).collect()
}

/// The line that stands out.
fn marked_line(bench: &mut Bench) -> String {
    let (text, frame) = (bench.text(), bench.frame());
    let is_reversed = |x, y| {
        let cell: Option<&ratatui::buffer::Cell> = frame.cell((x, y));
        cell.is_some_and(|cell| cell.modifier.contains(ratatui::style::Modifier::REVERSED))
    };
    let row = (2..23).find(|y| is_reversed(24, *y) && is_reversed(79, *y)).expect("a line stands out");
    text.lines().nth(row.into()).unwrap_or_default().to_owned()
}

#[test]
fn all_services_are_shown_in_the_order_of_arrival() {
    let mut bench = turns(400, (80, 24));
    let lines = shown(&mut bench);
    assert_eq!(lines.len(), 20, "{lines:#?}");
    assert_eq!(lines[18], "api    │ INFO turn 399 of api");
    assert_eq!(lines[19], "worker │ INFO turn 399 of worker");
    let text = bench.text();
    assert!(text.contains("─ all logs") && !text.contains("scrolled"), "{text}");
    feed(&mut bench, 400..401);
    assert_eq!(shown(&mut bench).last().map(String::as_str), Some("worker │ INFO turn 400 of worker"));
    // Far up and down again, by pages: each line once, in order.
    let mut seen: Vec<String> = Vec::new();
    bench.press("g");
    for _ in 0..100 {
        let lines = shown(&mut bench);
        let known = lines.iter().rposition(|line| seen.last() == Some(line)).map_or(0, |last| last + 1);
        seen.extend(lines.into_iter().skip(known));
        bench.press("⇟");
    }
    let turns: Vec<_> = seen.iter().filter(|line| line.contains("turn")).collect();
    assert_eq!(turns.len(), 1203);
    for (place, line) in turns.iter().enumerate() {
        assert!(line.contains(&format!("turn {} of {}", place / 3, ["db", "api", "worker"][place % 3])), "{line}");
    }
    assert!(!bench.text().contains("scrolled"), "the end is followed again");
}

#[test]
fn what_is_read_stays_while_all_print() {
    let mut bench = turns(300, (80, 24));
    bench.frame();
    bench.press("⇞⇞");
    let before = shown(&mut bench);
    feed(&mut bench, 300..310);
    assert_eq!(shown(&mut bench), before);
    assert!(bench.text().contains("▼ 30 new"), "{}", bench.text());
    // Another width, and back.
    bench.size = (60, 24);
    bench.frame();
    bench.size = (80, 24);
    assert_eq!(shown(&mut bench), before);
    bench.press("G");
    assert!(shown(&mut bench).last().is_some_and(|line| line.contains("turn 309 of worker")));
}

#[test]
fn the_merged_view_does_not_stand_past_its_end() {
    let mut bench = turns(10, (80, 24));
    let loud = bench.log_store.get(&"worker".into()).expect("a log");
    for number in 0..200 {
        loud.feed(format!("INFO turn {number} of worker\r\n").as_bytes());
    }
    bench.frame();
    bench.press("kkkk");
    bench.frame();
    bench.press("3");
    let lines = shown(&mut bench);
    assert_eq!((lines.len(), lines[19].as_str()), (20, "api │ INFO turn 9 of api"));
    bench.press("3");
    bench.frame();
    // The same for a filter, which gives the place back when it goes; and for a pane that has become higher.
    bench.press("G");
    bench.frame();
    bench.press("⇞");
    let before = shown(&mut bench);
    bench.press("&9⏎");
    let text = bench.text();
    assert_eq!(shown(&mut bench).len(), 20, "{text}");
    bench.press("&⏎");
    assert_eq!(shown(&mut bench), before);
    bench.size = (80, 50);
    let lines = shown(&mut bench);
    assert!(lines.len() > 30 && bench.text().contains("scrolled"), "{lines:#?}");
}

#[test]
fn services_are_hidden_and_shown_by_their_numbers() {
    let mut bench = turns(300, (80, 24));
    bench.press("2");
    let lines = shown(&mut bench);
    assert!(lines.len() == 20 && lines.iter().all(|line| !line.starts_with("api")), "{lines:#?}");
    assert!(bench.text().contains("without api"));
    bench.press("13");
    assert!(bench.ui.message(&bench.snapshot, NOW).is_some_and(|text| text.to_string().contains("last service shown")));
    assert!(shown(&mut bench).iter().all(|line| line.starts_with("worker")));
    bench.press("⇞");
    bench.frame();
    bench.press("12");
    let lines = shown(&mut bench);
    let turn = |line: &String| line.split_whitespace().nth(4).and_then(|turn| turn.parse::<usize>().ok());
    let turns: Vec<_> = lines.iter().filter_map(turn).collect();
    assert!(turns.is_sorted() && turns.len() > 10, "{lines:#?}");
}

#[test]
fn enter_goes_to_the_line_in_the_pane_of_its_service() {
    let mut bench = turns(500, (80, 24));
    bench.frame();
    bench.press("⇞⇞↑↑");
    let marked = marked_line(&mut bench);
    let turn = marked.split("turn ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a turn").to_owned();
    let name = marked.split("of ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a name").to_owned();
    bench.press("⏎");
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Normal);
    let there = marked_line(&mut bench);
    assert!(there.contains(&format!("INFO turn {turn} of {name}")), "{marked}\n{there}\n{}", bench.text());
    bench.press("aq");
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Normal, "q goes back");
}

#[test]
fn searches_filters_and_errors_go_through_all() {
    let mut bench = turns(600, (80, 24));
    bench.press("/turn 42");
    assert!(bench.text().contains("33 of 33"), "{}", bench.text());
    bench.press("⏎n");
    assert!(bench.text().contains("1 of 33") && bench.text().contains("continuing from"), "{}", bench.text());
    bench.press("n");
    assert!(
        bench.text().contains("2 of 33") && bench.text().contains(">api    │ INFO turn 42 of api"),
        "{}",
        bench.text()
    );
    bench.press("N");
    bench.frame();
    bench.press("N");
    assert!(bench.text().contains("33 of 33") && bench.text().contains("turn 429 of worker"), "{}", bench.text());
    bench.press("⎋G");
    bench.frame();
    bench.press("E");
    assert!(bench.text().contains("✗worker │ ERROR turn 507 of worker"), "{}", bench.text());
    bench.press("E");
    assert!(bench.text().contains("✗worker │ ERROR turn 407 of worker"), "{}", bench.text());
    bench.press("&turn 1⏎G");
    let text = bench.text();
    assert!(text.contains("filter turn 1 · 333 of 1,8"), "{text}");
    assert_eq!(shown(&mut bench).last().map(String::as_str), Some("worker │ INFO turn 199 of worker"));
    bench.press("&⏎");
    assert!(!bench.text().contains("lines"));
}

#[test]
fn what_is_copied_has_no_names() {
    let mut bench = turns(700, (80, 24));
    bench.frame();
    bench.press("⇞");
    let lines = shown(&mut bench);
    let members: Vec<Member> =
        ["db", "api", "worker"].map(|n| (n.into(), bench.log_store.get(&n.into()).expect("a log"))).into();
    let snapshot = bench.snapshot.clone();
    let screen = bench.ui.screen(&bench.world());
    let pane = screen.merged.expect("the merged pane");
    let text = bench.ui.read_merged(&pane, &members, &snapshot, bench.clock, false);
    let (first, last) = (text.places.first().expect("a row").line, text.places.last().expect("a row").line);
    let point = |line, byte| crate::tui::selection::Point { line, byte };
    let copied = bench.ui.text_of(&Source::Merged, &members, (point(first, 0), point(last, usize::MAX)));
    let expected: Vec<_> = lines.iter().map(|line| line.split(" │ ").nth(1).expect("a line").to_owned()).collect();
    assert_eq!(copied.text.lines().collect::<Vec<_>>(), expected);
    // Long before what is in sight, and only a part of the first line.
    let copied =
        bench.ui.text_of(&Source::Merged, &members, (point(LineId(first.0 - 300), 5), point(first, usize::MAX)));
    assert_eq!(copied.lines, 301);
    assert!(copied.text.starts_with("turn "), "{}", copied.text.lines().next().unwrap_or_default());
}

#[test]
fn a_search_over_all_services_goes_from_one_to_the_next() {
    let mut bench = turns(300, (80, 24));
    bench.press("a1/turn 77");
    assert!(bench.text().contains("1 of 1"), "{}", bench.text());
    bench.press("⎋/turn 7");
    bench.ui.find.next_scope();
    bench.frame();
    let text = bench.text();
    assert!(text.contains("(all services)") && text.contains("11 of 33"), "{text}");
    bench.press("⏎n");
    let text = bench.text();
    assert!(text.contains("2 ● api") && text.contains("12 of 33") && text.contains(">INFO turn 7 of api"), "{text}");
    for _ in 0..11 {
        bench.press("n");
        bench.frame();
    }
    let text = bench.text();
    assert!(text.contains("23 of 33") && text.contains("turn 7 of worker"), "{text}");
    bench.press("N");
    assert!(bench.text().contains("22 of 33") && bench.text().contains("turn 79 of api"), "{}", bench.text());
    bench.press("1g");
    bench.frame();
    bench.press("n");
    assert!(bench.text().contains("1 of 33"), "{}", bench.text());
    // As many at once go as far as one by one, also from service to service.
    bench.press(&"n".repeat(25));
    assert!(bench.text().contains("26 of 33"), "{}", bench.text());
    bench.press(&"N".repeat(25));
    assert!(bench.text().contains("1 of 33"), "{}", bench.text());
    bench.press("N");
    let text = bench.text();
    assert!(text.contains("33 of 33") && text.contains("continuing from"), "{text}");
}

#[test]
fn a_count_leaves_out_what_a_filter_hides() {
    let mut bench = turns(1_000, (80, 24));
    bench.press("a3/turn⏎");
    assert!(bench.text().contains("1,000"), "{}", bench.text());
    bench.press("&error⏎");
    let text = bench.text();
    assert!(text.lines().any(|line| line.ends_with(" 10 matches")), "the line that was gone to is hidden: {text}");
    bench.press("N");
    assert!(bench.text().contains("10 of 10"), "{}", bench.text());
    bench.press("N");
    assert!(bench.text().contains("9 of 10"), "{}", bench.text());
}

#[test]
fn the_line_that_tells_of_dropped_lines_is_never_filtered_out() {
    let mut bench = turns(0, (80, 24));
    let document = bench.log_store.open(&"api".into(), 64 << 10);
    for number in 0..60_000 {
        let noise = number * 7919 % 100_003;
        document.feed(format!("line {number} {noise:x} {}\r\n", noise * 31).as_bytes());
    }
    assert!(document.read().dropped() > 0);
    bench.press("a2&line 5999⏎g");
    let text = bench.text();
    assert!(text.contains("lines dropped") || text.contains("older lines"), "{text}");
    assert!(text.contains("line 59999"), "{text}");
}

#[test]
fn a_match_far_down_in_a_wrapped_line_is_brought_into_sight() {
    let mut bench = turns(0, (80, 24));
    let document = bench.log_store.get(&"api".into()).expect("a log");
    document.feed(format!("{}\r\n", "x".repeat(9_000)).as_bytes());
    document.feed(format!("{} needle {}\r\n", "y".repeat(5_000), "z".repeat(5_000)).as_bytes());
    feed(&mut bench, 0..100);
    // Wrapped in the merged view, and in the log of the service, which is wrapped where it is zoomed.
    for keys in ["w/needle", "⎋⎋2⏎/needle", "⏎gn", "GN"] {
        bench.press(keys);
        let text = bench.text();
        assert!(text.contains("y needle z") && text.contains("1 of 1"), "{keys}: {text}");
    }
}

#[test]
fn what_is_read_of_a_long_line_stays_in_another_width_and_is_there_again() {
    let mut bench = turns(0, (80, 24));
    let document = bench.log_store.get(&"api".into()).expect("a log");
    let words: Vec<_> = (0..1_500).map(|word| format!("w{word:04}")).collect();
    document.feed(format!("{}\r\n", words.join(" ")).as_bytes());
    feed(&mut bench, 0..100);
    // The first whole word of a row of that line.
    let first = |bench: &mut Bench| {
        let text = bench.text();
        let word = text.split_whitespace().map(|word| word.trim_start_matches('┃'));
        let word = word.filter(|word| word.len() == 5).find_map(|word| word.strip_prefix('w')?.parse::<u32>().ok());
        word.unwrap_or_else(|| panic!("{text}"))
    };
    for keys in ["w/w0600", "q2⏎/w0600"] {
        bench.press(keys);
        bench.frame();
        bench.press("⏎⎋⇟⇟");
        let before = first(&mut bench);
        assert!(before > 600, "{before}");
        for width in [50, 200, 63] {
            bench.size = (width, 24);
            let now = first(&mut bench);
            assert!(now <= before && before - now <= 40, "{keys}: {before}, in {width} columns {now}");
        }
        bench.press("w");
        bench.frame();
        bench.press("w");
        bench.size = (80, 24);
        assert_eq!(first(&mut bench), before, "{keys}");
    }
}
