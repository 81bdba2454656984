//! Starts, dependencies and commands, as stories.

use crate::domain::{
    Answer, Command, Condition, Fact, FactKind, Loss, Moment, OnChange, Ordered, Phase, Refusal, RestartPolicy, RunId,
    ServiceSpec, Targets, WatchBackend, WatchFiles,
};
use crate::engine::{Effect, Event};

use super::driver::Scenario;
use super::fixture::{checked, job, needs, service};

#[test]
fn what_needs_nothing_starts_at_once_and_the_rest_as_soon_as_it_may() {
    let mail = ServiceSpec { autostart: false, ..service("mail") };
    let migrate = needs(job("migrate"), "db", Condition::Ready);
    let api = needs(needs(service("api"), "migrate", Condition::Done), "db", Condition::Ready);
    let mut s = Scenario::new(vec![api, checked("db"), migrate, service("web"), mail]);
    s.begin().started("web").started("db").until(0.5).ready("db").started("migrate").until(0.8).exits("migrate", 0);
    s.expect(
        "
        0.000 > begin
        0.000   mail: not started · autostart = false · press s
        0.000   spawn db 1 · at startup
        0.000   migrate: waiting for db to be ready
        0.000   api: waiting for migrate to be done, db to be ready
        0.000   spawn web 1 · at startup
        0.000 > web started
        0.000 > db started
        0.500 > db is ready
        0.500   db: ready · 500ms after start
        0.500   spawn migrate 1 · at startup
        0.500 > migrate started
        0.800 > migrate exits 0
        0.800   migrate: exited · exit 0
        0.800   spawn api 1 · at startup
    ",
    );
    s.started("api");
    assert_eq!(s.service("api").phase.word(), "running");
    assert_eq!(s.phase("mail"), Phase::Down);
}

#[test]
fn a_dependency_that_does_not_start_by_itself_starts_when_it_is_needed() {
    let db = ServiceSpec { autostart: false, ..service("db") };
    let mut s = Scenario::new(vec![needs(service("api"), "db", Condition::Started), db]);
    s.begin().started("db");
    s.expect(
        "
        0.000 > begin
        0.000   spawn db 1 · at startup
        0.000   api: waiting for db to start
        0.000 > db started
        0.000   spawn api 1 · at startup
    ",
    );
}

#[test]
fn a_start_by_name_brings_what_it_needs() {
    let db = ServiceSpec { autostart: false, ..checked("db") };
    let migrate = ServiceSpec { autostart: false, ..needs(job("migrate"), "db", Condition::Ready) };
    let api = ServiceSpec { autostart: false, ..needs(service("api"), "migrate", Condition::Done) };
    let mut s = Scenario::new(vec![api, migrate, db, ServiceSpec { autostart: false, ..service("web") }]);
    s.begin().start("api").started("db").ready("db").started("migrate").exits("migrate", 0).started("api");
    s.expect(
        "
        0.000 > begin
        0.000   api: not started · autostart = false · press s
        0.000   migrate: not started · autostart = false · press s
        0.000   db: not started · autostart = false · press s
        0.000   web: not started · autostart = false · press s
        0.000 > start api
        0.000   spawn db 1 · needed by api
        0.000   migrate: waiting for db to be ready
        0.000   api: waiting for migrate to be done
        0.000 > db started
        0.000 > db is ready
        0.000   db: ready · 0ns after start
        0.000   spawn migrate 1 · needed by api
        0.000 > migrate started
        0.000 > migrate exits 0
        0.000   migrate: exited · exit 0
        0.000   spawn api 1 · manually
        0.000 > api started
    ",
    );
    // What is there already is left alone.
    s.stop("api").exits("api", 0).start("api");
    s.expect(
        "
        0.000 > stop api
        0.000   SIGTERM to api 1
        0.000 > api exits 0
        0.000   api: stopped · exit 0 · 0ns after the signal
        0.000 > start api
        0.000   spawn api 2 · manually
    ",
    );
    s.started("api").restart("api").exits("api", 0);
    let restarts = |name: &str| s.service(name).restarts.manual;
    assert_eq!(["db", "migrate", "api"].map(restarts), [0, 0, 1], "a start after a stop is no restart");
    let is_restart = |fact: &Fact| match (&fact.service, &fact.kind) {
        (Some(name), FactKind::Ordered { is_restart, .. }) if name.as_str() == "api" => Some(*is_restart),
        _ => None,
    };
    assert_eq!(s.facts.iter().filter_map(is_restart).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn a_failed_dependency_keeps_its_dependents_waiting_until_it_recovers() {
    let mut s = Scenario::new(vec![job("migrate"), needs(service("api"), "migrate", Condition::Done)]);
    s.begin().started("migrate").exits("migrate", 1);
    let lost = Loss { name: "migrate".into(), word: "failed", detail: "exit 1".into() };
    assert_eq!(s.phase("api"), Phase::Blocked { on: vec!["migrate".into()], lost: Some(lost) });
    assert!(s.engine.all_settled(), "nothing will happen by itself");
    s.until(3.0).save("migrations/1.sql", &["migrate"]).until(3.1).started("migrate").exits("migrate", 0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn migrate 1 · at startup
        0.000   api: waiting for migrate to be done
        0.000 > migrate started
        0.000 > migrate exits 1
        0.000   migrate: exited · exit 1
        0.000   api: blocked · migrate failed (exit 1)
        3.000 > migrations/1.sql is saved
        3.020   spawn migrate 2 · migrations/1.sql changed · was exit 1, up 0ms
        3.100 > migrate started
        3.100 > migrate exits 0
        3.100   migrate: exited · exit 0
        3.100   spawn api 1 · at startup
    ",
    );
}

#[test]
fn a_dependency_that_restarts_leaves_its_dependents_alone() {
    let mut s = Scenario::running(vec![service("db"), needs(service("api"), "db", Condition::Ready)]);
    s.restart("db").exits("db", 0);
    s.expect(
        "
        0.000 > restart db
        0.000   SIGTERM to db 1
        0.000 > db exits 0
        0.000   spawn db 2 · manually · was exit 0, up 0ms
    ",
    );
    // One that comes back meanwhile waits.
    s.restart("api").exits("api", 0).started("db");
    s.expect(
        "
        0.000 > restart api
        0.000   SIGTERM to api 1
        0.000 > api exits 0
        0.000   api: waiting for db to be ready
        0.000 > db started
        0.000   spawn api 2 · manually · was exit 0, up 0ms
    ",
    );
}

#[test]
fn a_restart_with_dependents_takes_them_along_in_order() {
    let api = needs(service("api"), "db", Condition::Ready);
    let idle = ServiceSpec { autostart: false, ..needs(service("idle"), "db", Condition::Ready) };
    let mut s = Scenario::running(vec![api, checked("db"), service("web"), idle]);
    s.ask(Command::Restart { targets: Targets::WithDependents(vec!["db".into()]), force: false });
    s.until(0.1).exits("db", 0).exits("api", 0).started("db").ready("db");
    s.expect(
        "
        0.000 > restart db and dependents
        0.000   SIGTERM to db 1
        0.100 > db exits 0
        0.100   spawn db 2 · manually · was exit 0, up 100ms
        0.100   SIGTERM to api 1
        0.100 > api exits 0
        0.100   api: waiting for db to be ready
        0.100 > db started
        0.100 > db is ready
        0.100   db: ready · 0ns after restart
        0.100   spawn api 2 · db restarted · was exit 0, up 100ms
    ",
    );
    assert_eq!(s.service("api").restarts.dependency, 1);
}

#[test]
fn failed_means_what_the_count_in_the_header_means() {
    let never = ServiceSpec { restart: RestartPolicy::Never, ..service("never") };
    let mut s = Scenario::running(vec![checked("api"), never, service("web"), job("done")]);
    s.exits("api", 1).exits("never", 2).exits("done", 0);
    s.ask(Command::Restart { targets: Targets::Failed, force: false });
    s.expect(
        "
        0.000 > api exits 1
        0.000   api: exited · exit 1 · crash 1 of 5 · next try in 1.028s
        0.000 > never exits 2
        0.000   never: exited · exit 2
        0.000 > done exits 0
        0.000   done: exited · exit 0
        0.000 > restart failed
        0.000   spawn api 2 · manually · was exit 1, up 0ms
        0.000   spawn never 2 · manually · was exit 2, up 0ms
    ",
    );
}

#[test]
fn start_all_leaves_alone_what_is_up_or_done() {
    let mail = ServiceSpec { autostart: false, ..service("mail") };
    let mut s = Scenario::running(vec![service("api"), service("web"), job("build"), mail]);
    s.exits("build", 0).stop("web").exits("web", 0).ask(Command::Start(Targets::All));
    s.expect(
        "
        0.000 > build exits 0
        0.000   build: exited · exit 0
        0.000 > stop web
        0.000   SIGTERM to web 1
        0.000 > web exits 0
        0.000   web: stopped · exit 0 · 0ns after the signal
        0.000 > start all
        0.000   spawn web 2 · manually
    ",
    );
}

#[test]
fn restart_all_goes_through_the_order_again() {
    let mut s = Scenario::running(vec![job("migrate"), needs(service("api"), "migrate", Condition::Done)]);
    s.exits("migrate", 0).started("api").until(1.0);
    s.ask(Command::Restart { targets: Targets::All, force: false })
        .exits("api", 0)
        .started("migrate")
        .exits("migrate", 0);
    s.expect(
        "
        0.000 > migrate exits 0
        0.000   migrate: exited · exit 0
        0.000   spawn api 1 · at startup
        0.000 > api started
        1.000 > restart all
        1.000   spawn migrate 2 · manually · was exit 0, up 0ms
        1.000   SIGTERM to api 1
        1.000 > api exits 0
        1.000   api: waiting for migrate to be done
        1.000 > migrate started
        1.000 > migrate exits 0
        1.000   migrate: exited · exit 0
        1.000   spawn api 2 · manually · was exit 0, up 1000ms
    ",
    );
}

#[test]
fn time_never_goes_back() {
    let mut s = Scenario::new(vec![service("api")]);
    s.until(5.0).begin().started("api");
    let stop = Event::Client { id: None, command: Command::Stop(Targets::All) };
    s.engine.update(stop, Moment::from_millis(1_000));
    assert_eq!(s.engine.next_deadline(), Some(Moment::from_millis(10_000)));
}

#[test]
fn a_command_is_answered_in_its_turn_and_one_unknown_name_refuses_all() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    let mut ask = |command| {
        let effects = s.engine.update(Event::Client { id: Some(7), command }, Moment::from_millis(9));
        let answers = effects.iter().filter_map(|effect| match effect {
            Effect::Answer { id: 7, answer } => Some(answer.clone()),
            _ => None,
        });
        (answers.collect::<Vec<_>>(), effects.len())
    };
    let (at, run) = (Moment::from_millis(9), Ordered::Run(RunId(1)));
    let targets = Targets::Named(vec!["web".into(), "wbe".into()]);
    let refused = Answer::Refused(Refusal::UnknownService("wbe".into()));
    assert_eq!(ask(Command::Stop(targets)), (vec![refused], 1));
    let targets = Targets::Named(vec!["web".into(), "api".into(), "web".into()]);
    let accepted = Answer::Accepted { at, services: vec![("api".into(), run), ("web".into(), run)] };
    assert_eq!(ask(Command::Stop(targets)).0, vec![accepted]);
    let nothing = Answer::Accepted { at, services: vec![] };
    assert_eq!(ask(Command::Start(Targets::Named(vec![]))), (vec![nothing], 1));
    assert_eq!(ask(Command::Quit).0.len(), 1);
    assert_eq!(ask(Command::Start(Targets::All)).0, vec![Answer::Refused(Refusal::Stopping)]);
}

#[test]
fn a_group_is_settled_when_nothing_runs_and_nothing_will() {
    let mut s = Scenario::new(vec![job("a"), needs(job("b"), "a", Condition::Done)]);
    assert!(!s.engine.all_settled());
    s.begin().started("a");
    assert!(!s.engine.all_settled());
    s.exits("a", 0);
    assert!(!s.engine.all_settled());
    s.started("b").exits("b", 3);
    assert!(s.engine.all_settled());
    s.save("x", &["a"]);
    assert!(!s.engine.all_settled(), "a change is on its way");
}

#[test]
fn a_snapshot_gets_a_new_number_only_when_something_is_seen() {
    let mut s = Scenario::running(vec![ServiceSpec { on_change: OnChange::Mark, ..service("api") }]);
    let before = s.snapshot();
    s.until(5.0).event("nothing", Event::TimePassed).start("api");
    assert_eq!(s.snapshot().seq, before.seq);
    s.save("a.rs", &["api"]);
    assert!(s.snapshot().seq > before.seq);
    assert_eq!(s.service("api").pending, 1);
    s.until(5.1);
    assert_eq!(s.service("api").last_change.map(|change| change.path), Some("a.rs".into()));
}

#[test]
fn who_watches_nothing_has_no_watcher_before_that_has_said_so() {
    let quiet = ServiceSpec { watch: WatchFiles::Off, ..service("api") };
    let backend = |spec: ServiceSpec| Scenario::new(vec![spec]).snapshot().watch.backend;
    assert_eq!(backend(quiet), WatchBackend::Off);
    assert_ne!(backend(service("api")), WatchBackend::Off);
}
