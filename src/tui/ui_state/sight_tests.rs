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
