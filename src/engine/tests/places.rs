//! `[start] parallel`, as stories: who starts when, and what is queued.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Command, Condition, GroupSpec, Phase, RunCommand, ServiceSpec, Validate, WatchFiles};

use super::driver::Scenario;
use super::fixture::{checked, group, job, needs, service};

/// A group of which so many may be starting at once.
fn limited(parallel: u32, services: Vec<ServiceSpec>) -> Arc<GroupSpec> {
    let mut spec = (*group(services)).clone();
    spec.start.parallel = NonZeroU32::new(parallel);
    Arc::new(spec)
}

fn states(s: &Scenario) -> String {
    s.snapshot().services.iter().map(|one| format!("{} {}", one.name, one.state())).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_place_is_free_when_one_is_ready_or_has_run_for_two_seconds_or_has_ended() {
    let services = vec![checked("db"), service("web"), job("migrate"), service("api"), service("mail")];
    let mut s = Scenario::of(limited(2, services));
    s.begin().started("db").started("web");
    assert_eq!(states(&s), "db starting, web running, migrate queued, api queued, mail queued");
    let reason = "waiting for db, web to come up · [start] parallel = 2";
    assert_eq!(s.service("mail").reason.as_deref(), Some(reason));
    s.until(0.5).ready("db").started("migrate").until(0.7).exits("migrate", 0).started("api").until(5.0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn db 1 · at startup
        0.000   spawn web 1 · at startup
        0.000   migrate: queued · [start] parallel = 2
        0.000   api: queued · [start] parallel = 2
        0.000   mail: queued · [start] parallel = 2
        0.000 > db started
        0.000 > web started
        0.500 > db is ready
        0.500   db: ready · 500ms after start
        0.500   spawn migrate 1 · at startup
        0.500 > migrate started
        0.700 > migrate exits 0
        0.700   migrate: exited · exit 0
        0.700   spawn api 1 · at startup
        0.700 > api started
        2.000   spawn mail 1 · at startup
    ",
    );
}

#[test]
fn what_waits_for_others_takes_no_place() {
    // Were api given the only place, db could never come.
    let api = needs(service("api"), "db", Condition::Ready);
    let mut s = Scenario::of(limited(1, vec![api, service("web"), checked("db")]));
    s.begin();
    assert_eq!(states(&s), "api waiting, web queued, db starting");
    s.started("db").until(1.0).ready("db").started("api").until(3.0).started("web");
    s.expect(
        "
        0.000 > begin
        0.000   spawn db 1 · at startup
        0.000   api: waiting for db to be ready
        0.000   web: queued · [start] parallel = 1
        0.000 > db started
        1.000 > db is ready
        1.000   db: ready · 1s after start
        1.000   spawn api 1 · at startup
        1.000 > api started
        3.000   spawn web 1 · at startup
        3.000 > web started
    ",
    );
}

#[test]
fn one_that_never_gets_ready_gives_its_place_up_at_its_time_limit() {
    let mut s = Scenario::of(limited(1, vec![checked("db"), service("web")]));
    s.begin().started("db").until(29.9);
    assert_eq!(states(&s), "db starting, web queued");
    s.until(30.0);
    assert_eq!(states(&s), "db stopping, web starting");
}

#[test]
fn a_queued_service_can_be_stopped_and_a_quit_calls_it_off() {
    let mut s = Scenario::of(limited(1, vec![checked("db"), service("web"), service("api")]));
    s.begin().stop("web").started("db").ready("db").started("api");
    assert_eq!(states(&s), "db ready, web stopped, api running");
    s.start("web");
    assert_eq!(states(&s), "db ready, web queued, api running");
    s.ask(Command::Quit);
    assert_eq!(s.phase("web"), Phase::Down);
    s.exits("db", 0).exits("api", 0);
    assert!(s.trace().contains("finish · 2 stopped"), "{}", s.trace());
}

#[test]
fn every_start_takes_a_place_also_after_a_change_and_after_a_crash() {
    let mut s = Scenario::of(limited(1, vec![checked("db"), service("web"), service("api")]));
    s.begin().started("db").ready("db").started("web").until(2.0).started("api").until(20.0).forget();
    s.dies("api", 9).save("a.rs", &["web"]).until(20.5).exits("web", 0).until(25.0);
    s.expect(
        "
        20.000 > api dies of SIGKILL
        20.000   api: exited · SIGKILL · crash 1 of 5 · next try in 1.028s
        20.000 > a.rs is saved
        20.020   SIGTERM to web 1
        20.500 > web exits 0
        20.500   spawn web 2 · a.rs changed · was exit 0, up 20500ms
        21.028   api: queued · [start] parallel = 1
    ",
    );
    s.started("web").until(27.0);
    assert_eq!(states(&s), "db ready, web running, api starting");
}

#[test]
fn a_validation_before_a_start_takes_the_place() {
    let run = RunCommand::Shell("make".into());
    let validated = |name: &str| ServiceSpec {
        validate: Some(Validate { run: run.clone(), timeout: Duration::from_secs(60) }),
        ..service(name)
    };
    let mut s = Scenario::of(limited(1, vec![validated("api"), validated("web")]));
    s.begin().until(9.0);
    assert_eq!(states(&s), "api starting, web queued");
    s.validated("api", 1, None).started("api").until(11.0);
    assert_eq!(states(&s), "api running, web starting");
    s.validated("web", 1, Some("exit 1"));
    assert_eq!(states(&s), "api running, web failed");
}

#[test]
fn a_saved_file_changes_the_number_and_restarts_nothing() {
    let services = || vec![checked("db"), checked("web"), checked("api"), checked("mail"), checked("jobs")];
    let mut s = Scenario::of(limited(1, services()));
    s.begin().started("db").reload_group(limited(3, services())).started("web").started("api");
    assert_eq!(states(&s), "db starting, web starting, api starting, mail queued, jobs queued");
    // Fewer: those that are starting go on.
    s.reload_group(limited(2, services())).ready("db");
    assert_eq!(states(&s), "db ready, web starting, api starting, mail queued, jobs queued");
    s.ready("web").started("mail").reload_group(group(services()));
    assert_eq!(states(&s), "db ready, web ready, api starting, mail starting, jobs starting");
    assert!(!s.trace().contains("SIGTERM"), "{}", s.trace());
}

#[test]
fn a_group_without_a_limit_is_woken_for_no_place() {
    let unwatched = |name: &str| ServiceSpec { watch: WatchFiles::Off, ..service(name) };
    let mut s = Scenario::new(vec![unwatched("web"), unwatched("api")]);
    s.begin().started("web").started("api");
    assert_eq!(s.engine.next_deadline(), None);
    let mut s = Scenario::of(limited(4, vec![unwatched("web"), unwatched("api")]));
    s.begin().started("web").started("api");
    assert_eq!(s.engine.next_deadline(), None, "nobody waits for a place");
}
