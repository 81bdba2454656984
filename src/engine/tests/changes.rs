//! Saves, bulks and holds, as stories.

use std::time::Duration;

use crate::domain::{
    ChangeKind, Command, Condition, FileEvent, Match, Moment, OnChange, Phase, Rule, RuleSource, ServiceSpec, Signal,
    Verdict, WatchSpec, WatchState,
};
use crate::engine::Event;
use crate::engine::quiet::{UNFINISHED_QUIET, UNFINISHED_WAIT};

use super::driver::{Scenario, file_event};
use super::fixture::{checked, job, needs, service};

fn paths(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("src/{n}.rs")).collect()
}

fn save_many(s: &mut Scenario, count: usize, services: &[&str]) {
    let paths = paths(count);
    s.save_all(&paths.iter().map(String::as_str).collect::<Vec<_>>(), services, true);
}

#[test]
fn a_save_restarts_after_its_quiet_time() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0).save("src/a.rs", &["api"]).until(1.1).exits("api", 0).started("api");
    s.expect(
        "
        1.000 > src/a.rs is saved
        1.020   SIGTERM to api 1
        1.100 > api exits 0
        1.100   spawn api 2 · src/a.rs changed · was exit 0, up 1100ms
        1.100 > api started
    ",
    );
    assert_eq!(s.service("api").restarts.change, 1);
    assert_eq!(s.verdicts(), [Verdict::Restart]);
}

#[test]
fn saves_that_follow_each_other_closely_are_one() {
    let mut s = Scenario::running(vec![service("api")]);
    for n in 0..5 {
        s.until(1.0 + f64::from(n) * 0.015).save(&format!("{n}.rs"), &["api"]);
    }
    s.until(2.0).exits("api", 0);
    s.expect(
        "
        1.000 > 0.rs is saved
        1.015 > 1.rs is saved
        1.030 > 2.rs is saved
        1.045 > 3.rs is saved
        1.060 > 4.rs is saved
        1.080   SIGTERM to api 1
        2.000 > api exits 0
        2.000   spawn api 2 · 0.rs and 4 more changed · was exit 0, up 2000ms
    ",
    );
}

/// A service with the quiet time that it has if nobody says otherwise.
fn usual(name: &str) -> ServiceSpec {
    ServiceSpec { debounce: WatchSpec::DEBOUNCE, ..service(name) }
}

#[test]
fn one_finished_save_is_acted_on_soon_and_several_when_they_are_over() {
    let mut s = Scenario::running(vec![usual("api")]);
    s.until(1.0).save("a.rs", &["api"]).until(1.1).exits("api", 0).started("api");
    // "Save all", and what is saved right after it.
    for (file, at) in [("a.rs", 2.0), ("b.rs", 2.004), ("c.rs", 2.02), ("d.rs", 2.035)] {
        s.until(at).save(file, &["api"]);
    }
    s.until(2.1).exits("api", 0).started("api").until(2.2).save("d.rs", &["api"]).until(3.0);
    s.expect(
        "
        1.000 > a.rs is saved
        1.005   SIGTERM to api 1
        1.100 > api exits 0
        1.100   spawn api 2 · a.rs changed · was exit 0, up 1100ms
        1.100 > api started
        2.000 > a.rs is saved
        2.004 > b.rs is saved
        2.020 > c.rs is saved
        2.035 > d.rs is saved
        2.055   SIGTERM to api 2
        2.100 > api exits 0
        2.100   spawn api 3 · a.rs and 3 more changed · was exit 0, up 1000ms
        2.100 > api started
        2.200 > d.rs is saved
        2.500   SIGTERM to api 3
    ",
    );
}

#[test]
fn a_save_right_after_one_that_was_acted_on_waits_for_others() {
    let mut s = Scenario::running(vec![usual("api")]);
    s.until(1.0).save("a.rs", &["api"]).until(1.006).exits("api", 0).started("api");
    for at in [1.01, 1.025, 1.04] {
        s.until(at).save("a.rs", &["api"]);
    }
    s.until(2.0);
    s.expect(
        "
        1.000 > a.rs is saved
        1.005   SIGTERM to api 1
        1.006 > api exits 0
        1.006   spawn api 2 · a.rs changed · was exit 0, up 1006ms
        1.006 > api started
        1.010 > a.rs is saved
        1.025 > a.rs is saved
        1.040 > a.rs is saved
        1.060   SIGTERM to api 2
    ",
    );
}

#[test]
fn a_file_that_is_new_may_be_renamed_and_one_that_is_gone_may_come_back() {
    let mut s = Scenario::running(vec![usual("api")]);
    s.until(1.0).come_or_go(ChangeKind::Removed, "a.rs", &["api"]).until(1.015).save("a.rs", &["api"]).until(1.5);
    s.expect(
        "
        1.000 > a.rs is removed
        1.015 > a.rs is saved
        1.020   SIGTERM to api 1
    ",
    );
    let mut s = Scenario::running(vec![usual("api")]);
    s.until(1.0).come_or_go(ChangeKind::Removed, "a.rs", &["api"]).until(1.5);
    s.expect(
        "
        1.000 > a.rs is removed
        1.020   SIGTERM to api 1
    ",
    );
    let mut s = Scenario::running(vec![usual("api")]);
    s.until(1.0).come_or_go(ChangeKind::Created, "a.tmp", &["api"]).until(1.01);
    s.come_or_go(ChangeKind::Removed, "a.tmp", &["api"]).save("a.rs", &["api"]).until(1.5);
    s.expect(
        "
        1.000 > a.tmp is created
        1.010 > a.tmp is removed
        1.010 > a.rs is saved
        1.030   SIGTERM to api 1
    ",
    );
}

#[test]
fn one_save_restarts_all_that_watch_it_in_one_turn_dependencies_first() {
    let mut s =
        Scenario::running(vec![needs(service("api"), "core", Condition::Ready), service("core"), service("web")]);
    s.until(1.0).save("lib.rs", &["api", "core"]).until(1.1).exits("api", 0).exits("core", 0).started("core");
    s.expect(
        "
        1.000 > lib.rs is saved
        1.020   SIGTERM to core 1
        1.020   SIGTERM to api 1
        1.100 > api exits 0
        1.100   api: waiting for core to be ready
        1.100 > core exits 0
        1.100   spawn core 2 · lib.rs changed · was exit 0, up 1100ms
        1.100 > core started
        1.100   spawn api 2 · lib.rs changed · was exit 0, up 1100ms
    ",
    );
}

#[test]
fn a_write_that_is_not_finished_waits_for_its_end() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0).save_all(&["a.rs"], &["api"], false).until(1.04).save("a.rs", &["api"]).until(1.5);
    s.expect(
        "
        1.000 > a.rs is being written
        1.040 > a.rs is saved
        1.060   SIGTERM to api 1
    ",
    );
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0).save_all(&["a.rs"], &["api"], false).until(3.5);
    let waited = 1.0 + UNFINISHED_QUIET.as_secs_f64();
    s.expect(&format!(
        "
        1.000 > a.rs is being written
        {waited:.3}   SIGTERM to api 1
    "
    ));
}

#[test]
#[cfg(target_os = "linux")]
fn a_slow_writer_is_one_save() {
    let mut s = Scenario::running(vec![service("api")]);
    for at in [1.0, 2.9, 4.8, 6.7] {
        s.until(at).save_all(&["a.rs"], &["api"], false);
    }
    // What is saved beside it would be read together with a part of it.
    s.until(7.0).save("b.rs", &["api"]).until(8.6).save("a.rs", &["api"]).until(10.0);
    s.expect(
        "
        1.000 > a.rs is being written
        2.900 > a.rs is being written
        4.800 > a.rs is being written
        6.700 > a.rs is being written
        7.000 > b.rs is saved
        8.600 > a.rs is saved
        8.600   SIGTERM to api 1
    ",
    );
}

#[test]
fn a_file_that_is_never_closed_is_acted_on_when_it_has_been_waited_for_long_enough() {
    let mut s = Scenario::running(vec![service("api")]);
    let longest = if cfg!(target_os = "linux") { UNFINISHED_WAIT } else { Duration::from_secs(2) };
    for run in 1..=2 {
        let first = s.now;
        let mut chunks = 0;
        while !matches!(s.phase("api"), Phase::Stopping { .. }) {
            let at = s.now.since_start() + Duration::from_millis(40);
            s.until(at.as_secs_f64()).save_all(&["a.rs"], &["api"], false);
            chunks += 1;
            assert!(chunks < 1_000, "it waits for ever");
        }
        let waited = s.now.since(first);
        assert!((longest..=longest + Duration::from_millis(80)).contains(&waited), "run {run}: {waited:?}");
        s.exits("api", 0).started("api");
    }
}

#[test]
fn a_few_files_that_are_written_all_the_time_do_not_wait_longer_than_the_cap() {
    let mut s = Scenario::running(vec![service("api")]);
    let mut restarted_at = None;
    for n in 0..300_u32 {
        let now = f64::from(n) * 0.01;
        s.until(now).save("a.rs", &["api"]);
        if restarted_at.is_none() && matches!(s.phase("api"), Phase::Stopping { .. }) {
            restarted_at = Some(now);
        }
    }
    assert!(restarted_at.is_some_and(|at| (2.0..2.02).contains(&at)), "{restarted_at:?}");
}

#[test]
fn a_bulk_is_busy_and_acts_once_when_it_is_over_however_long_it_takes() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.until(1.0);
    save_many(&mut s, 20, &["api"]);
    for n in 1..=600_u32 {
        s.until(1.0 + f64::from(n) * 0.05).save(&format!("gen/{n}.rs"), &["api"]);
        if n == 300 {
            s.save("app.css", &["web"]);
        }
        assert_eq!(s.snapshot().watch.state, WatchState::Busy, "file {n}");
        assert_eq!(s.service("api").phase.word(), "running", "file {n}");
        // A service with only a few of the changes does not wait for ever.
        let web = if n < 500 { "running" } else { "stopping" };
        assert_eq!(s.service("web").phase.word(), web, "file {n}");
    }
    assert_eq!(s.snapshot().watch.busy, 621);
    s.until(31.499);
    assert_eq!(s.service("api").phase.word(), "running");
    s.until(31.5);
    assert_eq!(s.service("api").phase.word(), "stopping");
    assert_eq!(s.snapshot().watch.state, WatchState::Watching);
}

#[test]
fn a_checkout_of_many_files_is_one_restart_each() {
    let mut s = Scenario::running(vec![service("api"), service("web"), service("db")]);
    s.until(1.0);
    save_many(&mut s, 300, &["api"]);
    s.until(1.2);
    save_many(&mut s, 500, &["api", "web"]);
    assert_eq!(s.snapshot().watch.busy, 500);
    s.until(3.0);
    s.expect(
        "
        1.000 > 300 files are saved
        1.200 > 500 files are saved
        1.700   SIGTERM to api 1
        1.700   SIGTERM to web 1
    ",
    );
    assert_eq!(s.snapshot().watch.state, WatchState::Watching);
}

#[test]
fn the_quiet_time_of_a_service_is_its_own() {
    let slow = ServiceSpec { debounce: Duration::from_secs(5), ..service("slow") };
    let mut s = Scenario::running(vec![service("api"), slow]);
    s.until(1.0).save("a.rs", &["api", "slow"]).until(10.0);
    s.expect(
        "
        1.000 > a.rs is saved
        1.020   SIGTERM to api 1
        6.000   SIGTERM to slow 1
        6.020   SIGKILL to api 1
        6.020   api: killed · after 5s grace
    ",
    );
}

#[test]
fn a_change_during_a_restart_is_met_by_the_start_that_comes() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0).save("a.rs", &["api"]).until(1.1).save("b.rs", &["api"]).until(1.2).save("c.rs", &["api"]);
    s.until(1.21).exits("api", 0).started("api").until(5.0);
    s.expect(
        "
        1.000 > a.rs is saved
        1.020   SIGTERM to api 1
        1.100 > b.rs is saved
        1.200 > c.rs is saved
        1.210 > api exits 0
        1.210   spawn api 2 · a.rs and 2 more changed · was exit 0, up 1210ms
        1.210 > api started
    ",
    );
    assert_eq!(s.verdicts(), [Verdict::Restart; 3]);
}

#[test]
fn a_write_that_goes_on_during_a_start_is_not_met_by_it() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0).restart("api").save("a.rs", &["api"]).save_all(&["b.rs"], &["api"], false).until(1.01);
    s.exits("api", 0).started("api");
    assert_eq!(s.service("api").pending, 1);
    s.until(3.5);
    let waited = 1.0 + UNFINISHED_QUIET.as_secs_f64();
    s.expect(&format!(
        "
        1.000 > restart api
        1.000   SIGTERM to api 1
        1.000 > a.rs is saved
        1.000 > b.rs is being written
        1.010 > api exits 0
        1.010   spawn api 2 · manually · was exit 0, up 1010ms
        1.010 > api started
        {waited:.3}   SIGTERM to api 2
    "
    ));
}

#[test]
fn a_change_during_a_start_starts_again() {
    let mut s = Scenario::new(vec![service("api")]);
    s.begin().until(0.01).save("a.rs", &["api"]).until(0.1).started("api").exits("api", 0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · at startup
        0.010 > a.rs is saved
        0.100 > api started
        0.100   SIGTERM to api 1
        0.100 > api exits 0
        0.100   spawn api 2 · a.rs changed · was exit 0, up 0ms
    ",
    );
}

#[test]
fn a_save_is_a_reason_to_try_what_is_broken_again() {
    let mut s = Scenario::running(vec![checked("api"), job("build")]);
    s.exits("api", 1).exits("build", 1).until(0.1).save("a.rs", &["api", "build"]).until(0.2);
    s.expect(
        "
        0.000 > api exits 1
        0.000   api: exited · exit 1 · crash 1 of 5 · next try in 1.028s
        0.000 > build exits 1
        0.000   build: exited · exit 1
        0.100 > a.rs is saved
        0.120   spawn api 2 · a.rs changed · was exit 1, up 0ms
        0.120   spawn build 2 · a.rs changed · was exit 1, up 0ms
    ",
    );
}

#[test]
fn a_save_closes_an_open_circuit() {
    let mut spec = checked("api");
    spec.breaker.failures = 1;
    let mut s = Scenario::running(vec![spec]);
    s.exits("api", 1);
    assert!(matches!(s.phase("api"), Phase::CrashLoop { .. }));
    s.until(1.0).save("a.rs", &["api"]).until(1.5);
    s.expect(
        "
        0.000 > api exits 1
        0.000   api: exited · exit 1 · crash 1 of 1
        0.000   api: gave up · 1 crashes in 60s · next try in 60s
        1.000 > a.rs is saved
        1.020   spawn api 2 · a.rs changed · was exit 1, up 0ms
    ",
    );
}

#[test]
fn a_save_does_not_overrule_a_person() {
    let mut s = Scenario::running(vec![service("api")]);
    s.stop("api").exits("api", 0).until(1.0).save("a.rs", &["api"]).until(2.0);
    assert_eq!(s.phase("api"), Phase::Down);
    assert_eq!(s.verdicts(), [Verdict::Stopped]);
}

#[test]
fn on_change_says_what_is_done() {
    let hup = ServiceSpec { on_change: OnChange::Signal(Signal::Hup), ..service("hup") };
    let css = ServiceSpec { on_change: OnChange::Run("make css".into()), ..service("css") };
    let say = ServiceSpec { on_change: OnChange::Mark, ..service("say") };
    let mut s = Scenario::running(vec![hup, css, say]);
    s.until(2.0).save("1", &["hup"]).save("2", &["css"]).save("3", &["say"]).until(3.0);
    s.expect(
        "
        2.000 > 1 is saved
        2.000 > 2 is saved
        2.000 > 3 is saved
        2.020   hup: sent SIGHUP · 1 changed
        2.020   SIGHUP to hup 1 · those that handle it
        2.020   css: on_change · make css · 2 changed
        2.020   run make css beside css
        2.020   say: 3 changed
    ",
    );
    assert_eq!(s.verdicts(), [Verdict::Signal, Verdict::Run, Verdict::Mark]);
    s.exits("say", 1).save("4", &["say"]).until(3.1);
    s.expect(
        "
        3.000 > say exits 1
        3.000   say: exited · exit 1 · crash 1 of 5 · next try in 1.067s
        3.000 > 4 is saved
        3.020   spawn say 2 · 4 changed · was exit 1, up 3000ms
    ",
    );
}

#[test]
fn a_watched_task_runs_again() {
    let mut s = Scenario::running(vec![job("build"), needs(service("api"), "build", Condition::Done)]);
    s.exits("build", 0)
        .started("api")
        .until(1.0)
        .save("a.rs", &["build"])
        .until(1.1)
        .started("build")
        .exits("build", 0);
    s.expect(
        "
        0.000 > build exits 0
        0.000   build: exited · exit 0
        0.000   spawn api 1 · at startup
        0.000 > api started
        1.000 > a.rs is saved
        1.020   spawn build 2 · a.rs changed · was exit 0, up 0ms
        1.100 > build started
        1.100 > build exits 0
        1.100   build: exited · exit 0
    ",
    );
}

#[test]
fn what_a_hold_keeps_is_applied_once() {
    let mut s = Scenario::running(vec![service("api"), service("web"), service("db")]);
    s.until(1.0).save("early.rs", &["api"]).until(1.01).ask(Command::PauseByKey).ask(Command::PauseByKey).until(2.0);
    save_many(&mut s, 40, &["api"]);
    save_many(&mut s, 40, &["api"]);
    s.save("app.css", &["web"]).until(60.0);
    let snapshot = s.snapshot();
    assert_eq!(snapshot.watch.state, WatchState::Paused);
    assert_eq!((snapshot.watch.held, s.service("api").held, s.service("web").held), (42, 41, 1));
    assert!(s.verdicts().iter().all(|verdict| *verdict == Verdict::Held));
    s.ask(Command::Resume { services: Vec::new(), discard: false }).until(61.0);
    s.expect(
        "
        1.000 > early.rs is saved
        1.010 > pausebykey
        1.010 > pausebykey
        2.000 > 40 files are saved
        2.000 > 40 files are saved
        2.000 > app.css is saved
        60.000 > resume
        60.000   SIGTERM to api 1
        60.000   SIGTERM to web 1
    ",
    );
    assert_eq!(s.snapshot().watch.held, 0);
    assert!(s.verdicts().iter().all(|verdict| *verdict == Verdict::Restart), "{:?}", s.verdicts());
}

#[test]
fn what_a_hold_keeps_can_be_forgotten() {
    let mut s = Scenario::running(vec![service("api")]);
    s.ask(Command::Pause { services: Vec::new() })
        .ask(Command::Pause { services: Vec::new() })
        .save("a.rs", &["api"])
        .ask(Command::Resume { services: Vec::new(), discard: true })
        .until(9.0);
    s.expect(
        "
        0.000 > pause
        0.000 > pause
        0.000 > a.rs is saved
        0.000 > resume and discard
        0.000   api: discarded: a.rs changed · r restarts
    ",
    );
    assert_eq!(s.verdicts(), [Verdict::Discarded]);
    assert_eq!(s.snapshot().watch.state, WatchState::Watching);
    s.ask(Command::Resume { services: Vec::new(), discard: false });
}

#[test]
fn a_restart_by_hand_during_a_hold_uses_up_what_is_held_from_it() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.ask(Command::Pause { services: Vec::new() })
        .save("a.rs", &["api", "web"])
        .restart("api")
        .exits("api", 0)
        .started("api");
    assert_eq!((s.service("api").held, s.service("web").held, s.snapshot().watch.held), (0, 1, 1));
    s.ask(Command::Resume { services: Vec::new(), discard: false });
    s.expect(
        "
        0.000 > pause
        0.000 > a.rs is saved
        0.000 > restart api
        0.000   SIGTERM to api 1
        0.000 > api exits 0
        0.000   spawn api 2 · manually · was exit 0, up 0ms
        0.000 > api started
        0.000 > resume
        0.000   SIGTERM to web 1
    ",
    );
}

#[test]
fn a_group_may_begin_on_hold() {
    let mut s = Scenario::new(vec![service("api")]);
    s.event("begin paused", Event::Begin { paused: true });
    assert_eq!(s.snapshot().watch.state, WatchState::Paused);
    assert_eq!(s.service("api").phase.word(), "starting");
}

#[test]
fn ignored_and_unknown_files_are_written_down_and_wake_nobody() {
    let mut s = Scenario::running(vec![service("api")]);
    let rule = Rule { source: RuleSource::BuiltIn("log files"), line: None, file: None, pattern: "*.log".into() };
    let ignored = FileEvent { matched: Match::Ignored(rule), ..file_event("x.log", &[], true, Moment::START) };
    let unmatched = FileEvent { matched: Match::NoMatch, ..file_event("README", &[], true, Moment::START) };
    let unknown = file_event("old.rs", &["removed"], true, Moment::START);
    s.event("noise", Event::Files(vec![ignored, unmatched, unknown]));
    assert_eq!(s.verdicts(), [Verdict::Ignored, Verdict::NoMatch, Verdict::NoMatch]);
    assert_eq!(s.engine.next_deadline(), None);
    assert_eq!((s.snapshot().journal.events, s.snapshot().journal.judged(Verdict::Ignored)), (3, 1));
}

#[test]
fn quiet_counts_from_the_write() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0);
    let written = file_event("a.rs", &["api"], true, Moment::from_millis(500));
    s.event("late news", Event::Files(vec![written]));
    s.expect(
        "
        1.000 > late news
        1.000   SIGTERM to api 1
    ",
    );
}
