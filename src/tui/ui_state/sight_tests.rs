//! What is in sight after a jump, and what stands beside it.

use super::tests::lines;
use crate::tui::fixture::Bench;

#[test]
fn what_was_gone_to_is_a_third_from_the_top_and_stands_out_as_a_whole() {
    use ratatui::style::Modifier;
    let mut bench = Bench::shop(80, 24);
    lines(&bench, "api", 0..1_000);
    for (keys, found) in
        [("E", "907 ERROR"), ("E", "807 ERROR"), ("e", "907 ERROR"), ("G/users/5⏎N", "598 INFO"), ("n", "599 INFO")]
    {
        bench.press(keys);
        let (text, frame) = (bench.text(), bench.frame());
        let row = text.lines().position(|line| line.contains(found));
        assert_eq!(row, Some(8), "six of the twenty rows are above {found}: {text}");
        let reversed =
            |x: u16, y: u16| frame.cell((x, y)).is_some_and(|cell| cell.modifier.contains(Modifier::REVERSED));
        for y in 2..20 {
            assert_eq!(reversed(79, y) && reversed(24, y), y == 8, "row {y} after {keys}: {text}");
        }
        // What is searched for is to be seen in it.
        assert_eq!((24..80).all(|x| reversed(x, 8)), !keys.contains(['N', 'n']), "{text}");
    }
}

#[test]
fn a_trace_is_in_sight_to_its_last_line_where_there_is_room_for_it() {
    let mut bench = Bench::shop(80, 24);
    let document = bench.log_store.get(&"api".into()).expect("a log");
    for (name, deep) in [("short", 3), ("long", 16), ("endless", 40)] {
        lines(&bench, "api", 0..100);
        let frames: String = (0..deep).map(|n| format!("  File \"{name}.py\", line {n}, in f\r\n")).collect();
        let trace = format!("Traceback (most recent call last):\r\n{frames}KeyError: '{name}'\r\n");
        document.feed(trace.as_bytes());
    }
    lines(&bench, "api", 0..100);
    for (name, first_row, ends) in [("endless", 2, false), ("long", 4, true), ("short", 8, true)] {
        // Over the error among the lines below it.
        bench.press("EE");
        let text = bench.text();
        let row = text.lines().position(|line| line.contains("Traceback"));
        assert_eq!((row, text.contains(&format!("KeyError: '{name}'"))), (Some(first_row), ends), "{name}: {text}");
    }
}

#[test]
fn an_error_that_was_gone_to_stays_in_sight_when_the_filter_ends() {
    let mut bench = Bench::shop(80, 24);
    lines(&bench, "api", 0..1_000);
    bench.press("&ERROR⏎e");
    let text = bench.text();
    assert!(text.contains("907 ERROR") && !text.contains("908 INFO"), "{text}");
    bench.press("⎋");
    let text = bench.text();
    assert!(text.contains("907 ERROR") && text.contains("908 INFO"), "{text}");
}

#[test]
fn whoever_selects_with_the_terminal_in_a_zoomed_log_gets_no_marks() {
    let mut bench = Bench::shop(80, 24);
    let marked = |bench: &mut Bench| bench.text().contains("✗14:02:23 ERROR");
    assert!(marked(&mut bench));
    bench.press("z");
    assert!(marked(&mut bench));
    bench.press("M");
    assert!(!marked(&mut bench) && bench.text().contains(" 14:02:23 ERROR"));
    bench.press("z");
    assert!(marked(&mut bench), "there are other things beside the text");
}

#[test]
fn from_run_to_run() {
    let mut bench = Bench::shop(80, 24);
    let document = bench.log_store.get(&"api".into()).expect("a log");
    for run in 1..4 {
        document.begin_run(crate::domain::RunId(run), None);
        document.feed(format!("run {run} begins\r\n").as_bytes());
        lines(&bench, "api", 0..100);
    }
    let mut first = |keys: &str| {
        bench.press(keys);
        let text = bench.text();
        text.lines().nth(2).unwrap_or_default().to_owned()
    };
    assert!(first("[").contains("run 3 begins"));
    assert!(first("[").contains("run 2 begins"));
    assert!(first("[").contains("run 1 begins"));
    assert!(first("]").contains("run 2 begins"));
    assert!(first("]").contains("run 3 begins"));
    assert!(first("]").contains("run 3 begins"), "there is no later run");
}

#[test]
fn a_title_names_keys_where_they_act_and_says_which_error_this_is() {
    let mut bench = Bench::shop(160, 50);
    bench.press("3e");
    let title = |bench: &mut Bench, name: &str| {
        let text = bench.text();
        text.lines().find(|line| line.contains(&format!("── {name} "))).unwrap_or_default().to_owned()
    };
    let focused = title(&mut bench, "3 worker");
    assert!(focused.contains(" error 1 of 1 · G follows ─"), "{focused}");
    bench.press("⇥");
    let left = title(&mut bench, "3 worker");
    assert!(left.contains(" scrolled ─") && !left.contains("G follows") && !left.contains("error"), "{left}");
    bench.press("3G");
    let at_end = title(&mut bench, "3 worker");
    assert!(at_end.contains(" crash 2 of 5 ─"), "{at_end}");
}

#[test]
fn a_small_screen_says_where_its_reader_stands_beside_the_hints() {
    let mut bench = Bench::shop(40, 12);
    bench.press("e");
    let text = bench.text();
    let footer = text.lines().last().unwrap_or_default();
    assert!(footer.contains("  ?  q  ") && footer.ends_with("error 1/1 · G"), "{footer}");
}
