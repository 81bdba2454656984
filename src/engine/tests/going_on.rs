//! What is still to come, as stories: whoever asks what came of a change waits for it, and for nothing else.

use std::time::Duration;

use crate::domain::{
    ClientHold, Command, Condition, FactKind, GitLock, GitWork, OnChange, Outcome, Phase, RunCommand, ServiceSpec,
    Signal, Targets, Validate,
};
use crate::engine::Event;

use super::driver::Scenario;
use super::fixture::{checked, job, needs, service};

/// What goes on, of all services for which something does: `api: starting`.
fn going_on(s: &Scenario) -> String {
    let snapshot = s.snapshot();
    let of = snapshot.services.iter().filter_map(|one| Some(format!("{}: {}", one.name, one.going_on.as_ref()?)));
    of.collect::<Vec<_>>().join(", ")
}

/// Whether each change since was the first of a batch.
fn begins(s: &mut Scenario) -> Vec<bool> {
    let begins = |fact: &crate::domain::Fact| match fact.kind {
        FactKind::Change { begins, .. } => Some(begins),
        FactKind::Reload { begins, .. } => Some(begins),
        _ => None,
    };
    s.facts.drain(..).filter_map(|fact| begins(&fact)).collect()
}

fn validated(name: &str) -> ServiceSpec {
    let run = RunCommand::Shell(format!("make {name}"));
    ServiceSpec { validate: Some(Validate { run, timeout: Duration::from_secs(60) }), ..checked(name) }
}

#[test]
fn something_goes_on_from_a_change_until_it_is_ready_without_a_gap() {
    let mut s = Scenario::new(vec![validated("api")]);
    s.begin().validated("api", 1, None).started("api").ready("api");
    assert_eq!(going_on(&s), "");
    s.mute().until(1.0).save("a.rs", &["api"]);
    assert_eq!(going_on(&s), "api: waiting for quiet");
    s.until(1.5);
    assert_eq!(going_on(&s), "api: waiting for quiet", "the watcher has not answered yet");
    s.answer();
    assert_eq!(going_on(&s), "api: validating");
    s.validated("api", 2, None);
    assert_eq!(going_on(&s), "api: stopping");
    s.dies("api", 15);
    assert_eq!(going_on(&s), "api: starting");
    s.started("api");
    assert_eq!(going_on(&s), "api: starting");
    s.ready("api");
    assert_eq!(going_on(&s), "");
}

#[test]
fn what_is_refused_limited_held_or_retried_later_is_not_waited_for() {
    let mut s = Scenario::new(vec![validated("api")]);
    s.begin().validated("api", 1, None).started("api").ready("api");
    s.until(1.0).save("a.rs", &["api"]).until(1.5).validated("api", 2, Some("exit 1"));
    assert_eq!((going_on(&s).as_str(), s.service("api").stale), ("", true));
    let hold = ClientHold { id: 7, command: true, label: "fmt".into(), services: vec![] };
    s.ask(Command::Hold(hold)).save("a.rs", &["api"]);
    assert_eq!((going_on(&s).as_str(), s.service("api").held), ("", 1));
    s.mute().ask(Command::Release { id: 7, discard: false });
    assert_eq!(going_on(&s), "api: waiting for quiet");
    let mut s = Scenario::running(vec![checked("api")]);
    s.until(60.0).exits("api", 1);
    assert!(matches!(s.phase("api"), Phase::Retrying { .. }), "{:?}", s.phase("api"));
    assert_eq!(going_on(&s), "");
    let mut s = Scenario::running(vec![job("gen")]);
    for _ in 0..6 {
        let now = s.now.since_start().as_secs_f64();
        s.save("gen.txt", &["gen"]).exits("gen", 0).until(now + 0.05);
        if s.service("gen").next_restart.is_none() {
            s.started("gen");
        }
    }
    assert!(s.service("gen").next_restart.is_some());
    assert_eq!(going_on(&s), "");
}

#[test]
fn git_is_waited_for_since_its_hold_ends_by_itself() {
    let mut s = Scenario::running(vec![service("api")]);
    let work = |at, until| GitWork {
        tree: "".into(),
        at,
        lock: Some(GitLock { since: at, until }),
        stash: None,
        in_steps: false,
        label: None,
    };
    s.until(1.0);
    let at = s.now;
    s.event("git locks", Event::Git(work(at, None))).save("a.rs", &["api"]);
    assert_eq!(going_on(&s), "api: waiting for git");
    s.event("git unlocks", Event::Git(work(at, Some(at)))).until(1.4);
    assert_eq!(going_on(&s), "api: stopping");
}

#[test]
fn those_that_depend_on_it_wait_with_it_and_go_along() {
    let web = needs(checked("web"), "api", Condition::Ready);
    let mut s = Scenario::running(vec![ServiceSpec { cascade: true, ..checked("api") }, web]);
    s.until(1.0).save("a.rs", &["api"]);
    assert_eq!(going_on(&s), "api: waiting for quiet, web: waiting for api");
    s.until(1.5);
    assert_eq!(going_on(&s), "api: stopping, web: waiting for api");
    s.dies("api", 15);
    assert_eq!(going_on(&s), "api: starting, web: stopping");
    assert!(s.service("web").begins_anew && !s.service("api").begins_anew);
    s.dies("web", 15).started("api");
    assert_eq!(going_on(&s), "api: starting, web: waiting for api");
    s.exits("api", 1);
    assert_eq!(s.phase("api"), Phase::Finished(Outcome::Failed(crate::domain::ExitStatus::Code(1))));
    assert_eq!(going_on(&s), "", "what it waits for will not come by itself");
    s.until(9.0).save("a.rs", &["api"]).until(9.5).started("api").ready("api").started("web").ready("web");
    assert_eq!(going_on(&s), "");
}

#[test]
fn a_job_runs_to_its_end_and_holds_up_nobody_who_is_up() {
    let mut s = Scenario::running(vec![job("assets"), needs(service("api"), "assets", Condition::Started)]);
    assert_eq!(going_on(&s), "assets: running");
    s.exits("assets", 0);
    assert_eq!(going_on(&s), "");
}

#[test]
fn what_is_done_instead_of_a_restart_is_waited_for() {
    let with = |on_change| Scenario::running(vec![ServiceSpec { on_change, ..service("api") }]);
    let mut s = with(OnChange::Run("make".into()));
    s.until(1.0).save("a.rs", &["api"]).until(1.5);
    assert_eq!(going_on(&s), "api: running its on_change command");
    s.hook_ends("api", 1);
    assert_eq!(going_on(&s), "");
    let mut s = with(OnChange::Signal(Signal::Hup));
    s.until(0.1).save("a.rs", &["api"]).until(0.5);
    assert_eq!(going_on(&s), "api: about to be signalled", "it has not run for two seconds");
    s.until(2.5);
    assert_eq!(going_on(&s), "");
}

#[test]
fn a_batch_begins_a_second_after_all_that_changed_before_is_done() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.until(1.0).save_all(&["a.rs", "b.rs"], &["api"], true).save("c.rs", &["web"]);
    assert_eq!(begins(&mut s), [true, false, false]);
    s.until(2.0).dies("web", 15).started("web").until(8.0).save("c.rs", &["web"]);
    assert_eq!(begins(&mut s), [false], "api is being stopped");
    s.until(9.0).dies("api", 15).started("api").dies("web", 15).started("web").until(9.9).save("c.rs", &["web"]);
    assert_eq!(begins(&mut s), [false], "too soon");
    s.until(10.5).dies("web", 15).started("web").until(12.0).save("a.rs", &["api"]);
    assert_eq!(begins(&mut s), [true]);
    s.until(12.5).dies("api", 15).started("api");
    s.until(15.0).ask(Command::Pause { services: vec![] }).save("a.rs", &["api"]).until(20.0).save("b.rs", &["api"]);
    assert_eq!(begins(&mut s), [true, false], "what is held is not decided");
    s.ask(Command::Resume { services: vec![], discard: false }).until(21.0).dies("api", 15).started("api");
    s.until(30.0).save("b.rs", &["api"]);
    assert_eq!(begins(&mut s), [true]);
}

#[test]
fn a_crash_loop_of_another_service_keeps_no_batch_open() {
    let mut s = Scenario::running(vec![service("api"), checked("web")]);
    s.until(1.0).ready("web").until(20.0).save("a.rs", &["api"]).until(20.5).dies("api", 15).started("api");
    assert_eq!(begins(&mut s), [true]);
    s.until(21.0).exits("web", 1).until(30.0);
    assert_eq!(going_on(&s), "web: starting");
    s.save("a.rs", &["api"]);
    assert_eq!(begins(&mut s), [true]);
}

#[test]
fn the_file_of_the_group_is_waited_for_until_it_was_read_after_it_was_written() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0);
    let at = s.now;
    s.event("the file is written", Event::FileWritten { at });
    assert!(s.snapshot().file_unread);
    s.until(1.1).event("an older reading ends", Event::FileRead { since: crate::domain::Moment::from_millis(900) });
    assert!(s.snapshot().file_unread);
    s.reload(vec![service("api"), service("web")]).event("read", Event::FileRead { since: at });
    assert!(!s.snapshot().file_unread);
    assert_eq!(begins(&mut s), [true]);
    s.ask(Command::Start(Targets::All)).started("web");
    assert_eq!(going_on(&s), "");
}
