//! `alive`, as stories: a run that is only there is found and replaced, and that cannot go on without end.

use std::time::Duration;

use crate::domain::{AliveCheck, AliveProbe, Breaker, Failure, Phase, Probe, ReadyCheck, RestartPolicy, ServiceSpec};

use super::driver::Scenario;
use super::fixture::{checked, job, service};

fn watched(spec: ServiceSpec) -> ServiceSpec {
    let check = AliveCheck {
        probe: AliveProbe::Port(4000),
        every: Duration::from_secs(10),
        timeout: Duration::from_secs(2),
        failures: 3,
        grace: Duration::from_secs(30),
    };
    ServiceSpec { alive: Some(check), ..spec }
}

#[test]
fn so_many_failures_in_a_row_are_stuck_and_the_restart_says_why() {
    let mut s = Scenario::new(vec![watched(service("api"))]);
    s.begin().started("api").alive("api").until(10.0).silent("api").silent("api").alive("api");
    s.until(100.0).silent("api").until(110.0).silent("api").until(120.0).silent("api").until(120.5).dies("api", 15);
    s.until(122.0).started("api");
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · at startup
        0.000 > api started
        0.000   look after api 1
        0.000 > api shows life
        10.000 > api is silent
        10.000 > api is silent
        10.000 > api shows life
        100.000 > api is silent
        110.000 > api is silent
        120.000 > api is silent
        120.000   api: stuck · port 4000 refused, 3 times in a row · next try in 1s
        120.000   SIGTERM to api 1
        120.500 > api dies of SIGTERM
        121.028   spawn api 2 · stuck: port 4000 refused, 3 times in a row · was stuck, up 120500ms
        122.000 > api started
        122.000   look after api 2
    ",
    );
    let restarts = s.service("api").restarts;
    assert_eq!((restarts.liveness, restarts.crash, restarts.manual), (1, 0, 0));
}

#[test]
fn within_the_grace_failures_do_not_count_until_there_was_a_sign_of_life() {
    let mut s = Scenario::new(vec![watched(service("api"))]);
    s.begin().started("api").until(5.0).silent("api").silent("api").silent("api").silent("api");
    assert_eq!(s.phase("api").word(), "running");
    s.until(30.0).silent("api").silent("api");
    assert_eq!(s.phase("api").word(), "running");
    s.silent("api");
    assert_eq!(s.phase("api").word(), "stopping");
    let mut s = Scenario::new(vec![watched(service("api"))]);
    s.begin().started("api").alive("api").until(5.0).silent("api").silent("api").silent("api");
    assert_eq!(s.phase("api").word(), "stopping");
}

#[test]
fn with_a_readiness_check_it_begins_when_that_has_succeeded() {
    let mut s = Scenario::new(vec![watched(checked("api"))]);
    s.begin().started("api").silent("api").silent("api").silent("api").until(3.0).ready("api");
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · at startup
        0.000 > api started
        0.000 > api is silent
        0.000 > api is silent
        0.000 > api is silent
        3.000 > api is ready
        3.000   api: ready · 3s after start
        3.000   look after api 1
    ",
    );
}

#[test]
fn one_that_is_stuck_again_and_again_opens_the_circuit_however_slowly() {
    let breaker = Breaker { failures: 3, within: Duration::from_secs(60), cooldown: Duration::from_secs(300) };
    let mut s = Scenario::new(vec![ServiceSpec { breaker, ..watched(service("api")) }]);
    s.begin();
    let mut time = 0.0;
    for _ in 0..3 {
        s.started("api");
        time += 121.0;
        s.until(time).silent("api").silent("api").silent("api").dies("api", 15);
        if let Some(next) = s.service("api").next_try.filter(|_| s.phase("api").word() == "retrying") {
            time = next.since_start().as_secs_f64();
            s.until(time);
        }
    }
    assert!(matches!(s.phase("api"), Phase::CrashLoop { .. }), "{:?}", s.phase("api"));
    // After the cooldown one run is tried; one that shows life closes the circuit.
    s.until(time + 300.0).started("api").alive("api").until(time + 320.0);
    s.silent("api").silent("api").silent("api").dies("api", 15);
    assert!(matches!(s.phase("api"), Phase::Retrying { attempt: 1, .. }), "{:?}", s.phase("api"));
    assert_eq!(s.service("api").failure(), Some(Failure::Stuck));
}

#[test]
fn being_ready_is_no_sign_of_life_for_the_breaker() {
    let breaker = Breaker { failures: 1, within: Duration::from_secs(60), cooldown: Duration::from_secs(5) };
    let mut s = Scenario::new(vec![ServiceSpec { breaker, ..watched(checked("api")) }]);
    s.begin();
    for _ in 0..3 {
        s.started("api").ready("api");
        let later = s.now.since_start().as_secs_f64() + 31.0;
        s.until(later).silent("api").silent("api").silent("api").dies("api", 15);
        assert!(matches!(s.phase("api"), Phase::CrashLoop { .. }), "{:?}", s.phase("api"));
        s.until(later + 5.0);
    }
}

#[test]
fn what_is_never_restarted_is_ended_and_has_failed() {
    let never = ServiceSpec { restart: RestartPolicy::Never, ..watched(service("api")) };
    for spec in [never, watched(job("api"))] {
        let mut s = Scenario::new(vec![spec]);
        s.begin().started("api").alive("api").silent("api").silent("api").silent("api").dies("api", 15).until(100.0);
        assert_eq!(s.service("api").failure(), Some(Failure::Stuck));
        assert_eq!(s.phase("api").word(), "failed");
    }
}

#[test]
fn silence_while_it_is_being_stopped_means_nothing() {
    let mut s = Scenario::new(vec![watched(service("api"))]);
    s.begin().started("api").alive("api").restart("api").silent("api").silent("api").silent("api").dies("api", 15);
    s.started("api");
    let restarts = s.service("api").restarts;
    assert_eq!((restarts.liveness, restarts.manual), (0, 1));
}

#[test]
fn a_service_that_is_to_notify_another_way_is_restarted_and_says_nothing_of_the_run_before() {
    let notifying = |every: Option<u64>| {
        let alive = every.map(|every| AliveCheck {
            probe: AliveProbe::Notify,
            every: Duration::from_secs(every),
            timeout: AliveCheck::TIMEOUT,
            failures: 1,
            grace: Duration::ZERO,
        });
        let ready = ReadyCheck { probe: Probe::Notify, timeout: Duration::from_secs(30) };
        ServiceSpec { ready: Some(ready), alive, ..service("api") }
    };
    let mut s = Scenario::running(vec![notifying(None)]);
    s.says("api", "Serving");
    assert_eq!(s.service("api").status_text.as_deref(), Some("Serving"));
    s.reload(vec![notifying(None)]);
    assert_eq!(s.phase("api").word(), "ready");
    for (run, every) in [(2, Some(30)), (3, Some(10)), (4, None)] {
        s.reload(vec![notifying(every)]);
        assert_eq!(s.phase("api").word(), "stopping", "{every:?}");
        s.dies("api", 15).started("api").ready("api");
        assert_eq!((s.service("api").run.0, s.service("api").status_text), (run, None));
    }
}
