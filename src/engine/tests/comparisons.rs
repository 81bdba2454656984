//! What a comparison of contents makes of changes: as stories.

use crate::domain::{
    Command, Moment, OnChange, Phase, RunReport, ServiceSpec, Signal, Verdict, WatchFiles, WatchState,
};
use crate::engine::{Effect, Event};

use super::driver::Scenario;
use super::fixture::service;

#[test]
fn what_holds_what_it_held_restarts_nobody() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.same(&["a.rs"]).until(1.0).save("a.rs", &["api", "web"]).until(2.0);
    s.expect("1.000 > a.rs is saved");
    assert_eq!(s.verdicts(), [Verdict::SameContent]);
    assert_eq!(s.service("api").last_change, None);
    assert_eq!(s.notice(), "", "nothing is said about a save without an edit");
}

#[test]
fn a_restart_names_the_files_that_differ() {
    let mut s = Scenario::running(vec![service("api")]);
    s.same(&["a.rs"]).until(1.0).save("a.rs", &["api"]).save("b.rs", &["api"]).until(1.5).exits("api", 0);
    s.expect(
        "
        1.000 > a.rs is saved
        1.000 > b.rs is saved
        1.020   SIGTERM to api 1
        1.500 > api exits 0
        1.500   spawn api 2 · b.rs changed · was exit 0, up 1500ms
    ",
    );
    assert_eq!(s.verdicts(), [Verdict::SameContent, Verdict::Restart]);
    assert_eq!(s.service("api").last_change.map(|change| change.path).as_deref(), Some("b.rs"));
}

#[test]
fn a_watcher_that_does_not_answer_is_not_waited_for() {
    let mut s = Scenario::running(vec![service("api")]);
    s.mute().until(1.0).save("a.rs", &["api"]).until(3.0).save("b.rs", &["api"]).until(6.0);
    assert_eq!(s.service("api").pending, 2);
    s.until(6.1);
    s.expect(
        "
        1.000 > a.rs is saved
        3.000 > b.rs is saved
        6.020   SIGTERM to api 1
    ",
    );
    // An answer that comes too late is of the past.
    s.answer().exits("api", 0).started("api").answer().until(20.0);
    s.expect(
        "
        6.100 > api exits 0
        6.100   spawn api 2 · a.rs and 1 more changed · was exit 0, up 6100ms
        6.100 > api started
    ",
    );
}

#[test]
fn a_change_while_an_answer_is_waited_for_is_neither_lost_nor_doubled() {
    let mut s = Scenario::running(vec![service("api")]);
    s.mute().until(1.0).save("a.rs", &["api"]).until(1.021).save("b.rs", &["api"]).until(1.1).answer();
    s.until(1.2).answer().exits("api", 0).started("api").until(1.3).answer().until(9.0);
    s.expect(
        "
        1.000 > a.rs is saved
        1.021 > b.rs is saved
        1.100   SIGTERM to api 1
        1.200 > api exits 0
        1.200   spawn api 2 · a.rs and 1 more changed · was exit 0, up 1200ms
        1.200 > api started
    ",
    );
    assert_eq!(s.verdicts(), [Verdict::Restart; 2]);
}

#[test]
fn a_start_while_an_answer_is_waited_for_has_met_the_change() {
    let mut s = Scenario::running(vec![service("api")]);
    s.mute().until(1.0).save("a.rs", &["api"]).until(1.05).restart("api").exits("api", 0).started("api");
    s.answer().until(20.0);
    s.expect(
        "
        1.000 > a.rs is saved
        1.050 > restart api
        1.050   SIGTERM to api 1
        1.050 > api exits 0
        1.050   spawn api 2 · manually · was exit 0, up 1050ms
        1.050 > api started
    ",
    );
}

#[test]
fn a_hold_or_a_quit_takes_back_what_was_asked() {
    let mut s = Scenario::running(vec![service("api")]);
    s.mute().until(1.0).save("a.rs", &["api"]).until(1.05).ask(Command::Pause { services: Vec::new() }).answer();
    assert_eq!((s.service("api").held, s.phase("api").word()), (1, "running"));
    s.ask(Command::Resume { services: Vec::new(), discard: false }).ask(Command::Quit);
    s.answer().until(1.1).exits("api", 0);
    s.expect(
        "
        1.000 > a.rs is saved
        1.050 > pause
        1.050 > resume
        1.050 > quit
        1.050   SIGTERM to api 1
        1.100 > api exits 0
        1.100   api: stopped · exit 0 · 50ms after the signal
        1.100   finish · 1 stopped in 50ms · given up [] · failed []
    ",
    );
    assert_eq!(s.verdicts(), [Verdict::Discarded]);
}

#[test]
fn the_end_of_a_hold_says_what_came_of_it() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.ask(Command::Pause { services: Vec::new() }).save_all(&["a", "b", "c"], &["api"], true).same(&["a", "b", "c"]);
    s.ask(Command::Resume { services: Vec::new(), discard: false });
    assert_eq!(s.notice(), "3 held changes cancelled out · no restart");
    assert_eq!(s.verdicts(), [Verdict::SameContent; 3]);
    s.ask(Command::Pause { services: Vec::new() })
        .save_all(&["a", "b", "c", "d"], &["api", "web"], true)
        .same(&["a", "b"]);
    s.ask(Command::Resume { services: Vec::new(), discard: false });
    assert_eq!(s.notice(), "api, web restarted · 2 of 4 changed files");
    assert_eq!(s.snapshot().watch.last_release.as_deref(), Some("api, web restarted · 2 of 4 changed files"));
    assert_eq!((s.phase("api").word(), s.phase("web").word()), ("stopping", "stopping"));
}

#[test]
fn a_signal_is_a_new_baseline_as_a_start_is() {
    let hup = ServiceSpec { on_change: OnChange::Signal(Signal::Hup), ..service("hup") };
    let mut s = Scenario::running(vec![hup]);
    s.until(2.0).save("a", &["hup"]).until(3.0).same(&["b"]).save("b", &["hup"]).until(4.0);
    s.expect(
        "
        2.000 > a is saved
        2.020   hup: sent SIGHUP · a changed
        2.020   SIGHUP to hup 1 · those that handle it
        3.000 > b is saved
    ",
    );
    assert_eq!(s.verdicts(), [Verdict::Signal, Verdict::SameContent]);
}

#[test]
fn a_tool_that_writes_file_after_file_does_not_restart_for_each() {
    let mut s = Scenario::running(vec![service("api")]);
    let mut restarts = 0;
    for n in 0..40_u32 {
        s.until(1.0 + f64::from(n) * 0.25).save(&format!("gen/{n}.rs"), &["api"]);
        s.until(1.0 + f64::from(n) * 0.25 + 0.1);
        if let Phase::Stopping { .. } = s.phase("api") {
            restarts += 1;
            s.exits("api", 0).started("api");
        }
    }
    assert_eq!(s.snapshot().watch.state, WatchState::Busy);
    assert!(restarts <= 2, "{restarts} restarts");
    s.until(20.0);
    assert_eq!(s.phase("api").word(), "stopping");
}

#[test]
fn a_changed_environment_is_told_to_who_does_not_watch_and_is_as_it_was_when_it_is_put_back() {
    let web = ServiceSpec { watch: WatchFiles::Off, ..service("web") };
    let mut s = Scenario::running(vec![service("api"), web]);
    s.until(1.0).save(".env", &["api", "web"]).until(1.1).exits("api", 0);
    s.expect(
        "
        1.000 > .env is saved
        1.020   web: .env changed · r restarts
        1.020   SIGTERM to api 1
        1.100 > api exits 0
        1.100   spawn api 2 · .env changed · was exit 0, up 1100ms
    ",
    );
    let reason = |s: &Scenario| s.service("web").reason.as_deref().map(str::to_owned);
    assert_eq!((s.service("web").stale, reason(&s).as_deref()), (true, Some(".env changed · r restarts")));
    assert!(matches!(s.phase("web"), Phase::Running { .. }));
    // The same once more is not told once more.
    s.until(2.0).save(".env", &["web"]).until(3.0);
    s.expect("2.000 > .env is saved");
    s.same(&[".env"]).save(".env", &["web"]).until(4.0);
    s.expect("3.000 > .env is saved");
    assert_eq!((s.service("web").stale, reason(&s)), (false, None));
    // One that does not run reads it at its next start.
    s.stop("web").exits("web", 0).until(5.0);
    s.save(".env", &["web"]).until(6.0);
    assert!(!s.service("web").stale && matches!(s.phase("web"), Phase::Down));
}

#[test]
fn a_run_has_read_its_files_when_it_prints_however_late_that_is_told() {
    let mut s = Scenario::new(vec![service("api")]);
    s.begin().started("api").until(1.0);
    let (run, printed) = (s.service("api").run, Moment::from_millis(10));
    s.event("api printed", Event::Run { service: "api".into(), run, report: RunReport::Printed { at: printed } });
    s.save("a.rs", &["api"]);
    let due = s.engine.next_deadline().unwrap();
    let effects = s.engine.update(Event::TimePassed, due);
    let until = effects.iter().find_map(|effect| match effect {
        Effect::Compare { services, .. } => Some(services[0].until),
        _ => None,
    });
    assert_eq!(until, Some(printed), "what was written since is not what runs");
}
