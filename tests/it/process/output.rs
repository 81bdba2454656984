//! Output: nothing is lost, nothing blocks.

use devgroup::domain::{ExitStatus, RunReport, Signal};
use devgroup::logs::{LineId, StyleSupport};

use super::bench::{Bench, shell, wait_for};

#[test]
fn output_right_before_the_exit_is_never_lost() {
    let mut bench = Bench::new();
    for run in 1..=50 {
        bench.host.spawn(bench.launch(
            "api",
            run,
            shell("i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i; done"),
        ));
        assert_eq!(bench.exited("api"), (ExitStatus::Code(0), true));
        // A few more, for the marker before them and the empty line of the cursor after them.
        let output = bench.tail("api", 1002);
        let printed: Vec<String> = (1..=1000).map(|number| format!("line {number}")).collect();
        assert!(output.ends_with(&printed), "run {run}: {output:?}");
    }
}

#[test]
fn a_last_line_without_an_end_is_there_too() {
    let mut bench = Bench::new();
    bench.sh("api", "printf 'one\\ntwo'");
    bench.exited("api");
    assert_eq!(bench.output("api"), ["one", "two"]);
}

#[test]
fn bytes_that_are_no_text_and_endless_lines_do_no_harm() {
    let mut bench = Bench::new();
    // The upper bytes of a linear congruential generator (Knuth's MMIX), so that each run of the test is the same.
    let next =
        |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    let junk: Vec<u8> =
        std::iter::successors(Some(1), next).map(|state| state.to_be_bytes()[0]).take(100_000).collect();
    std::fs::write(bench.path("junk"), junk).unwrap();
    bench.sh("bytes", "stty -echo; cat junk; printf '\\033c\\nafter\\n'");
    bench.sh("line", "head -c 1000000 /dev/zero | tr '\\0' x; printf '\\nafter\\n'");
    assert_eq!(bench.exited("bytes"), (ExitStatus::Code(0), true));
    assert_eq!(bench.exited("line"), (ExitStatus::Code(0), true));
    bench.line("bytes", "after");
    let line = bench.output("line");
    assert_eq!(line.last().map(String::as_str), Some("after"));
    assert_eq!(line.iter().map(|line| line.matches('x').count()).sum::<usize>(), 1_000_000);
}

#[test]
fn a_flood_is_drained_while_others_start_and_end() {
    let mut bench = Bench::new();
    bench.sh("flood", "while :; do echo y; done & echo $! > flood.pid; wait");
    wait_for("the flood", || (bench.length("flood") > 1000).then_some(()));
    for run in 1..=10 {
        bench.host.spawn(bench.launch("quick", run, shell("echo quick")));
        assert_eq!(bench.exited("quick"), (ExitStatus::Code(0), true));
    }
    let so_far = bench.length("flood");
    wait_for("the flood to go on", || (bench.length("flood") > so_far + 1000).then_some(()));
    bench.signal("flood", Signal::Kill);
    bench.exited("flood");
}

#[test]
fn a_terminal_that_all_have_closed_is_read_again_when_somebody_opens_it() {
    let mut bench = Bench::new();
    // As ssh does to ask for a password, though all its output goes elsewhere.
    bench.sh("api", "exec </dev/null >log 2>&1; sleep 0.2; echo hello >/dev/tty; echo again >/dev/tty; sleep 0.2; echo third >/dev/tty; exec sleep 1000");
    bench.line("api", "third");
    assert_eq!(bench.output("api"), ["hello", "again", "third"]);
    bench.signal("api", Signal::Term);
    assert_eq!(bench.exited("api"), (ExitStatus::Signal(15), true));
}

#[test]
fn change_commands_print_whole_lines_into_the_log_and_take_their_group_along() {
    let mut bench = Bench::new();
    bench.sh("api", "echo up; sleep 1000");
    bench.line("api", "up");
    bench.change_command("api", "echo out; echo err >&2; printf 'no end'; sleep 1000 & echo $! > left.pid");
    bench.line("api", "no end");
    assert_eq!(bench.output("api"), ["up", "out", "err", "no end"]);
    let left = std::fs::read_to_string(bench.path("left.pid")).unwrap().trim().parse().unwrap();
    wait_for("what the hook left", || (!super::bench::lives(left)).then_some(()));
    bench.signal("api", Signal::Term);
    assert_eq!(bench.exited("api").0, ExitStatus::Signal(15));
}

#[test]
fn what_runs_beside_a_service_prints_as_in_its_pane_and_cannot_disturb_it() {
    let mut bench = Bench::new();
    bench.host.resize(&"api".into(), 61, 17);
    bench.document("api").resize(61, 17);
    bench.sh("api", "echo up; exec sleep 1000");
    bench.line("api", "up");
    let beside = [
        "test -t 1 && test -t 2 && stty size <&1 && printf '\\033[31mred\\033[0m\\n'",
        "read -r line || echo nothing to read",
        // A bar that is drawn over itself, and the tricks of those that have a screen of their own.
        "printf 'bar 10%%\\rbar 99%%\\r\\033[Kbuilt\\n\\033[2J\\033[H\\033[?1049hlast words'",
    ];
    for text in beside {
        bench.change_command("api", text);
        bench
            .report("api", "the end of the hook", |report| matches!(report, RunReport::HookEnded { .. }).then_some(()));
    }
    assert_eq!(bench.output("api"), ["up", "17 61", "red", "nothing to read", "built", "last words"]);
    assert!(bench.document("api").read().screen().is_none(), "the service has not left its screen");
    let document = bench.document("api");
    let mut reader = document.read();
    let red = (0..reader.end().0).filter_map(|id| reader.line(LineId(id))).find(|line| line.content.text == "red");
    assert_eq!(red.unwrap().to_ansi(0, StyleSupport::FULL), "\x1b[0;31mred\x1b[0m");
    drop(reader);
    bench.host.resize(&"api".into(), 70, 20);
    bench.change_command(
        "api",
        "stty size <&1; exec 3>&1; until test \"$(stty size <&3)\" = '30 90'; do sleep 0.01; done; echo followed",
    );
    bench.line("api", "20 70");
    bench.host.resize(&"api".into(), 90, 30);
    bench.line("api", "followed");
    bench.signal("api", Signal::Term);
    bench.exited("api");
}
