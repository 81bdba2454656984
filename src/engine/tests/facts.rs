//! What happens is told once, where it happens: events and notices are made from the facts of each turn.

use crate::domain::{ClientHold, Command, Fact, FactKind, Marker, Targets};
use crate::engine::Event;

use super::driver::Scenario;
use super::fixture::{checked, service};

#[test]
fn listeners_are_told_what_happens_to_a_run_in_its_order() {
    let mut s = Scenario::new(vec![checked("api")]);
    s.begin().started("api").until(2.0).ready("api");
    assert_eq!(s.events(), ["api start at startup", "api ready 2.0s after start"]);
    s.until(3.0).save("a.rs", &["api"]).until(4.0).exits("api", 0).until(5.0);
    let expected = ["change a.rs modified", "api exit exit 0, as requested", "api restart a.rs changed"];
    assert_eq!(s.events(), expected);
    s.not_started("api");
    assert_eq!(s.events(), ["api error could not start: no such file"]);
    s.ask(Command::Start(Targets::All)).started("api").exits("api", 3);
    assert_eq!(s.events(), ["api restart manually", "api exit exit 3"]);
}

#[test]
fn who_has_asked_for_a_run_and_for_its_end_is_told() {
    let mut s = Scenario::running(vec![service("api")]);
    s.events();
    let of = |client: &str, command| Command::Of { client: client.into(), command: Box::new(command) };
    let targets = Targets::Named(vec!["api".into()]);
    s.ask(of("agent x", Command::Restart { targets: targets.clone(), force: false })).exits("api", 0).started("api");
    assert_eq!(s.events(), ["api exit exit 0, as requested", "api restart by agent x"]);
    assert_eq!(s.service("api").restarts.manual, 1);
    s.ask(of("devgroup stop", Command::Stop(targets.clone()))).exits("api", 0);
    let stopped = |fact: &Fact| match fact.marker().as_deref() {
        Some(Marker::Stopped { by, .. }) => Some(by.clone()),
        _ => None,
    };
    assert_eq!(s.facts.iter().find_map(stopped), Some(Some("devgroup stop".into())));
    s.facts.clear();
    // A key says nothing of itself, and of an earlier client nothing is left.
    s.ask(of("devgroup start", Command::Start(targets.clone()))).started("api").ask(Command::Stop(targets));
    s.exits("api", 0);
    assert_eq!(s.facts.iter().find_map(stopped), Some(None));
}

#[test]
fn a_hold_is_told_when_it_begins_when_it_grows_and_when_it_ends() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.events();
    let hold = |name: &str| ClientHold { id: 7, command: true, label: "true".into(), services: vec![name.into()] };
    s.ask(Command::Hold(hold("api")));
    assert_eq!(s.events(), ["hold hold: true (api)"]);
    s.ask(Command::Hold(hold("api")));
    assert!(s.events().is_empty(), "it is no other one");
    s.ask(Command::Hold(hold("web")));
    assert_eq!(s.events(), ["release hold: true (api)", "hold hold: true (api, web)"]);
    s.save("a.rs", &["api"]).ask(Command::Release { id: 7, discard: false });
    let expected = ["change a.rs modified", "release hold: true (api, web)", "notice api restarted · 1 changed file"];
    assert_eq!(s.events(), expected);
}

#[test]
fn the_end_is_told_after_what_it_ends_and_before_what_follows() {
    let mut s = Scenario::running(vec![service("api")]);
    s.ask(Command::Pause { services: vec![] });
    s.events();
    s.ask(Command::TimeOut);
    assert_eq!(s.events(), ["notice timed out", "release pause", "stop"]);
    s.ask(Command::Quit).exits("api", 0);
    assert_eq!(s.events(), ["api exit exit 0, as requested"]);
}

#[test]
fn each_run_that_is_over_is_told_with_what_is_remembered_of_it() {
    let mut s = Scenario::running(vec![checked("api")]);
    s.exits("api", 3);
    let records = |facts: &[Fact]| facts.iter().filter_map(Fact::record).cloned().collect::<Vec<_>>();
    assert_eq!(records(&s.facts), **s.service("api").history);
    s.until(2.0).not_started("api");
    assert_eq!(records(&s.facts), **s.service("api").history);
    assert!(s.facts.iter().any(|fact| matches!(fact.kind, FactKind::NotStarted { .. })));
}

#[test]
fn a_notice_of_the_watcher_comes_and_goes_with_what_it_cannot_do() {
    let mut s = Scenario::running(vec![service("api")]);
    s.events();
    let status = |problem: Option<&str>| {
        let problem = problem.map(Into::into);
        Event::Watch(crate::domain::WatchStatus { problem, ..Default::default() })
    };
    s.event("broken", status(Some("no watches"))).event("still", status(Some("no watches")));
    assert_eq!((s.events(), s.notice()), (vec!["error no watches".into()], "no watches".into()));
    s.event("well", status(None));
    assert_eq!((s.events(), s.notice()), (vec![], String::new()));
}
