//! What keys do where instances of a service share a row.

use crate::display::GlyphSet;
use crate::domain::{Command, ExitStatus, Instance, Outcome, Phase, ServiceName, ServiceSnapshot, Targets};
use crate::tui::fixture::{Bench, farm};

fn bench(columns: u16, rows: u16) -> Bench {
    let mut bench = Bench::new(farm(), columns, rows, GlyphSet::Unicode);
    bench.frame();
    bench
}

fn selected(bench: &Bench) -> String {
    bench.ui.selected_name(&bench.snapshot).map(|name| name.to_string()).unwrap_or_default()
}

fn names(names: &[&str]) -> Vec<ServiceName> {
    names.iter().map(|name| (*name).into()).collect()
}

#[test]
fn the_row_of_instances_is_a_row_among_others() {
    let mut bench = bench(160, 50);
    let text = bench.text();
    assert!(text.contains("2✗ worker 2/3") || text.contains("2 ✗ worker 2/3"), "{text}");
    assert!(!text.contains("worker.1") && text.contains("cron 0/0"), "{text}");
    bench.press("j");
    assert_eq!(selected(&bench), "worker.2", "the worst");
    bench.press("j");
    assert_eq!(selected(&bench), "web");
    bench.press("k");
    assert_eq!(selected(&bench), "worker.2");
    bench.press("3");
    assert_eq!(selected(&bench), "web", "the instances have one number together");
}

#[test]
fn enter_opens_the_row_then_zooms_and_escape_goes_back_step_by_step() {
    let mut bench = bench(160, 50);
    bench.press("2⏎");
    assert!(!bench.ui.panes.zoom, "it opens first");
    let text = bench.text();
    for name in ["worker.1", "worker.2", "worker.3"] {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
    bench.press("j");
    assert_eq!(selected(&bench), "worker.3");
    bench.press("⏎");
    assert!(bench.ui.panes.zoom);
    bench.press("⎋");
    assert!(!bench.ui.panes.zoom && bench.text().contains("worker.1"));
    bench.press("⎋");
    let text = bench.text();
    assert!(text.contains("worker 2/3") && !text.contains("worker.1"), "{text}");
    assert_eq!(selected(&bench), "worker.3", "what was selected is what the row shows");
}

#[test]
fn orders_mean_all_of_a_folded_row_and_one_of_an_opened() {
    let mut bench = bench(160, 50);
    let all = names(&["worker.1", "worker.2", "worker.3"]);
    let restart = |targets| vec![Command::Restart { targets, force: false }];
    assert_eq!(bench.press("2r"), restart(Targets::Named(all.clone())));
    assert_eq!(bench.press("x"), [Command::Stop(Targets::Named(all.clone()))]);
    bench.press("R");
    assert!(bench.text().contains("worker (3 instances), then its dependents"), "{}", bench.text());
    assert_eq!(bench.press("d"), restart(Targets::WithDependents(all)));
    bench.press("⏎");
    assert_eq!(bench.press("r"), restart(Targets::one(&"worker.2".into())));
    // One that was chosen by its name is meant alone.
    bench.press("⎋:select worker.3⏎");
    assert_eq!(bench.press("s"), [Command::Start(Targets::one(&"worker.3".into()))]);
}

#[test]
fn folded_instances_have_one_pane_and_tab() {
    let mut bench = bench(200, 60);
    let panes = |bench: &Bench| bench.ui.screen(&bench.world()).panes.len();
    bench.frame();
    assert_eq!(panes(&bench), 3, "db, worker, web");
    bench.press("2⏎");
    bench.frame();
    assert_eq!(panes(&bench), 5);
    bench.press("⎋");
    bench.size = (40, 12);
    let text = bench.text();
    assert!(text.contains("worker 2/3"), "{text}");
}

#[test]
fn the_number_is_changed_from_the_palette_and_the_merged_view_hides_all_instances() {
    let mut bench = bench(160, 50);
    assert_eq!(bench.press(":scale worker=5⏎"), [Command::Scale { counts: vec![("worker".into(), 5)] }]);
    bench.press("a2");
    assert!(!bench.ui.is_merged(&"worker.1".into()) && !bench.ui.is_merged(&"worker.3".into()));
    bench.press("2");
    assert!(bench.ui.is_merged(&"worker.1".into()) && bench.ui.is_merged(&"web".into()));
}

#[test]
fn the_filter_finds_all_instances_or_one() {
    let mut bench = bench(160, 50);
    bench.press("'work⏎");
    assert_eq!((selected(&bench).as_str(), bench.text().contains("worker.1")), ("worker.2", false));
    bench.press("'er.3⏎");
    assert_eq!((selected(&bench).as_str(), bench.text().contains("worker.1")), ("worker.3", true));
}

#[test]
fn a_folded_row_goes_to_the_instance_that_fails_unless_one_was_chosen() {
    let failed = || Phase::Finished(Outcome::Failed(ExitStatus::Code(1)));
    let all_up = |bench: &mut Bench| {
        let up = bench.snapshot.services[1].phase.clone();
        (2..4).for_each(|index| bench.snapshot.services[index].phase = up.clone());
        bench.frame();
    };
    let mut bench = bench(160, 50);
    bench.press("2");
    all_up(&mut bench);
    assert_eq!(selected(&bench), "worker.2", "nothing jumps back");
    bench.snapshot.services[3].phase = failed();
    bench.frame();
    assert_eq!(selected(&bench), "worker.3");
    assert!(bench.text().contains("2 worker.3"), "its log is shown: {}", bench.text());
    bench.snapshot.services[1].phase = failed();
    bench.frame();
    assert_eq!(selected(&bench), "worker.3", "it is no better off");
    // One that was chosen in the opened row stays.
    bench.snapshot.services[1].phase = bench.snapshot.services[2].phase.clone();
    bench.press("⏎k⎋");
    bench.snapshot.services[3].phase = bench.snapshot.services[1].phase.clone();
    bench.frame();
    assert_eq!(selected(&bench), "worker.2");
    bench.snapshot.services[3].phase = failed();
    bench.frame();
    assert_eq!(selected(&bench), "worker.2");
    // Whose log is read as well.
    all_up(&mut bench);
    bench.press("12");
    let read = selected(&bench);
    bench.press("g");
    bench.snapshot.services[3].phase = failed();
    bench.frame();
    assert_eq!(selected(&bench), read);
    bench.press("G");
    bench.frame();
    assert_eq!(selected(&bench), "worker.3", "at the end again");
}

#[test]
fn a_service_without_instances_is_selected_and_says_how_to_start_one() {
    let mut bench = bench(160, 50);
    bench.press("4");
    assert_eq!(selected(&bench), "cron");
    let text = bench.text();
    assert!(text.contains("cron has 0 instances."), "{text}");
    assert!(text.contains("To start one, press : and type scale cron=1, or run devgroup scale cron=1"), "{text}");
    assert!(text.contains("cron 0/0") && !text.contains("stopped"), "{text}");
    for key in ["r", "s", "x", "X", "R", "d", "i", ":restart force⏎"] {
        assert_eq!(bench.press(key), [], "{key}");
        assert!(bench.text().lines().last().unwrap().contains("has 0 instances"), "{key}: {}", bench.text());
    }
    assert_eq!(bench.press(":scale cron=2⏎"), [Command::Scale { counts: vec![("cron".into(), 2)] }]);
    // What comes is selected, and what goes leaves its row.
    let instance = |number| Instance { of: "cron".into(), number, count: 2 };
    let blank = bench.snapshot.services.pop().unwrap();
    let of = |number| ServiceSnapshot {
        name: instance(number).of.instance(number),
        instance: Some(instance(number)),
        ..blank.clone()
    };
    bench.snapshot.services.extend([of(1), of(2)]);
    bench.frame();
    assert_eq!(selected(&bench), "cron.1");
    bench.snapshot.services.truncate(5);
    bench.snapshot.services.push(blank);
    bench.frame();
    assert_eq!(selected(&bench), "cron");
    assert!(!bench.text().contains("no longer in the group"), "{}", bench.text());
}
