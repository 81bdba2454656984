//! A saved `procgroup.toml`, as stories.

use std::time::Duration;

use crate::domain::{Command, Condition, OnChange, Phase, RunCommand, ServiceSpec, WatchFiles};
use crate::engine::Event;

use super::driver::Scenario;
use super::fixture::{checked, needs, service, task};

#[test]
fn the_difference_is_carried_out_and_nothing_else() {
    let mut s = Scenario::running(vec![service("api"), service("web"), service("old")]);
    let api = ServiceSpec { run: RunCommand::Shell("bin/api --new".into()), ..service("api") };
    s.until(1.0).reload(vec![service("web"), api, service("new"), ServiceSpec { autostart: false, ..service("mail") }]);
    s.started("new").exits("old", 0).exits("api", 0);
    s.expect(
        "
        1.000 > the file is saved
        1.000   rewatch 4 services
        1.000   SIGTERM to api 1
        1.000   spawn new 1 · procgroup.toml changed
        1.000   SIGTERM to old 1
        1.000 > new started
        1.000 > old exits 0
        1.000   old: stopped · exit 0 · 0ns after the signal
        1.000   forget old
        1.000 > api exits 0
        1.000   spawn api 2 · procgroup.toml changed · was exit 0, up 1000ms
    ",
    );
    let names: Vec<String> = s.snapshot().services.iter().map(|service| service.name.to_string()).collect();
    assert_eq!(names, ["web", "api", "new", "mail"]);
}

#[test]
fn the_same_file_again_does_nothing() {
    let mut s = Scenario::running(vec![service("api")]);
    s.event("notice", Event::Notice { problem: true, summary: "broken".into(), detail: "".into() });
    s.reload(vec![service("api")]);
    s.expect(
        "
        0.000 > notice
        0.000 > the file is saved
    ",
    );
    assert_eq!(s.snapshot().notice, None);
}

#[test]
fn what_was_wrong_with_watching_is_not_said_any_more_when_it_is_well() {
    let mut s = Scenario::running(vec![service("api")]);
    let status = |problem: Option<&str>| {
        Event::Watch(crate::domain::WatchStatus { problem: problem.map(Into::into), ..Default::default() })
    };
    s.event("gone", status(Some("the root is gone")));
    assert_eq!(s.notice(), "the root is gone");
    s.event("back", status(None));
    assert_eq!((s.notice(), s.snapshot().watch.problem), (String::new(), None));
    s.event("gone", status(Some("the root is gone")));
    s.event("notice", Event::Notice { problem: true, summary: "broken".into(), detail: "".into() });
    s.event("back", status(None));
    assert_eq!(s.notice(), "broken", "that is still so");
}

#[test]
fn settings_that_do_not_change_the_process_do_not_restart_it() {
    let mut s = Scenario::running(vec![service("api")]);
    let mut api = needs(service("api"), "db", Condition::Ready);
    api.watch = WatchFiles::Off;
    api.debounce = Duration::from_secs(1);
    api.on_change = OnChange::Notify;
    api.group = Some("back".into());
    api.url = Some("http://localhost".into());
    api.stop.grace = Duration::from_secs(9);
    api.breaker.failures = 9;
    api.backoff.factor = 9.0;
    api.autostart = false;
    s.reload(vec![api, ServiceSpec { autostart: false, ..service("db") }]);
    s.expect(
        "
        0.000 > the file is saved
        0.000   rewatch 2 services
        0.000   spawn db 1 · procgroup.toml changed
    ",
    );
    assert_eq!(s.service("api").group.as_deref(), Some("back"));
}

#[test]
fn a_service_whose_command_is_repaired_is_tried_again() {
    let mut s = Scenario::running(vec![service("api"), task("done"), service("stopped")]);
    s.exits("api", 127).exits("done", 0).stop("stopped").exits("stopped", 0);
    s.expect(
        "
        0.000 > api exits 127
        0.000   api: exited · exit 127 · crash 1 of 5 · next try in 1.028s
        0.000 > done exits 0
        0.000   done: exited · exit 0
        0.000 > stop stopped
        0.000   SIGTERM to stopped 1
        0.000 > stopped exits 0
        0.000   stopped: stopped · exit 0 · 0ns after the signal
    ",
    );
    let repaired = |spec: ServiceSpec| ServiceSpec { dir: "/work/new".into(), ..spec };
    s.reload(vec![repaired(service("api")), repaired(task("done")), repaired(service("stopped"))]);
    s.expect(
        "
        0.000 > the file is saved
        0.000   rewatch 3 services
        0.000   spawn api 2 · procgroup.toml changed · was exit 127, up 0ms
    ",
    );
}

#[test]
fn one_that_is_taken_out_and_put_back_starts_when_its_old_run_has_ended() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.reload(vec![service("web")]).until(0.1).reload(vec![service("web"), service("api")]).until(0.2).exits("api", 0);
    s.expect(
        "
        0.000 > the file is saved
        0.000   rewatch 1 services
        0.000   SIGTERM to api 1
        0.100 > the file is saved
        0.100   rewatch 2 services
        0.200 > api exits 0
        0.200   spawn api 2 · procgroup.toml changed · was exit 0, up 200ms
    ",
    );
}

#[test]
fn changes_of_a_service_that_is_gone_are_forgotten() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.save("a.rs", &["api"]).reload(vec![service("web")]).until(1.0).exits("api", 0).until(2.0);
    s.expect(
        "
        0.000 > a.rs is saved
        0.000 > the file is saved
        0.000   rewatch 1 services
        0.000   SIGTERM to api 1
        1.000 > api exits 0
        1.000   api: stopped · exit 0 · 1s after the signal
        1.000   forget api
    ",
    );
    assert!(s.snapshot().service(&"api".into()).is_none());
}

#[test]
fn a_waiting_service_sees_its_new_dependencies() {
    let mut s = Scenario::new(vec![task("a"), needs(service("api"), "a", Condition::Done)]);
    s.begin().started("a").exits("a", 1);
    s.reload(vec![task("a"), service("api")]);
    assert_eq!(s.service("api").phase.word(), "starting");
}

#[test]
fn nothing_is_reloaded_during_a_shutdown() {
    let mut s = Scenario::running(vec![service("api")]);
    s.ask(Command::Quit).reload(vec![checked("other")]);
    assert!(matches!(s.phase("api"), Phase::Stopping { .. }));
    assert!(s.snapshot().service(&"other".into()).is_none());
}
