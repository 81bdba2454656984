//! `limits`, as stories: what has too much memory is replaced, and what always has too much is given up.

use crate::domain::{Failure, Limits, Phase, ServiceSpec};

use super::driver::Scenario;
use super::fixture::{checked, job, service};

fn limited(spec: ServiceSpec, mebibytes: u64) -> ServiceSpec {
    ServiceSpec { limits: Limits { memory: Some(mebibytes << 20) }, ..spec }
}

#[test]
fn what_grows_above_its_limit_is_restarted_and_the_restart_says_why() {
    let mut s = Scenario::new(vec![limited(service("api"), 512)]);
    s.begin().started("api").until(10.0).measured("api", 512).until(20.0).measured("api", 600);
    s.until(20.5).dies("api", 15).until(22.0).started("api");
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · at startup
        0.000 > api started
        10.000   measure api
        10.000 > api has 512 MiB
        20.000   measure api
        20.000 > api has 600 MiB
        20.000   api: over its limit · memory 600MiB, limit 512MiB · next try in 1s
        20.000   SIGTERM to api 1
        20.500 > api dies of SIGTERM
        21.028   spawn api 2 · over its limit: memory 600MiB, limit 512MiB · was over its limit, up 20500ms
        22.000 > api started
    ",
    );
    let restarts = s.service("api").restarts;
    assert_eq!((restarts.limit, restarts.crash, restarts.liveness), (1, 0, 0));
    s.until(31.0);
    s.expect("");
    s.until(32.0);
    s.expect("32.000   measure api");
}

#[test]
fn what_always_has_too_much_is_given_up_however_slowly_it_is_found_out() {
    let mut s = Scenario::new(vec![limited(checked("api"), 100)]);
    s.begin();
    for run in 1..=5 {
        let begun = s.now.since_start().as_secs_f64();
        s.started("api").ready("api").until(begun + 10.0).measured("api", 90).until(begun + 20.0).measured("api", 101);
        s.dies("api", 15);
        assert_eq!(s.service("api").run.0, run);
        if run < 5 {
            assert!(matches!(s.phase("api"), Phase::Retrying { .. }), "{run}: {:?}", s.phase("api"));
            assert_eq!(s.service("api").reason.as_deref(), Some("memory 101MiB, limit 100MiB, retrying"));
            let wait = s.service("api").next_try.unwrap().since_start().as_secs_f64();
            s.until(wait);
        }
    }
    assert!(matches!(s.phase("api"), Phase::CrashLoop { .. }), "{:?}", s.phase("api"));
    assert_eq!(s.service("api").failure(), Some(Failure::CrashLoop));
}

#[test]
fn a_leak_that_takes_longer_is_no_loop() {
    let mut s = Scenario::new(vec![limited(service("api"), 100)]);
    s.begin();
    for _ in 0..20 {
        let begun = s.now.since_start().as_secs_f64();
        s.started("api").until(begun + 70.0).measured("api", 101).dies("api", 15);
        assert!(matches!(s.phase("api"), Phase::Retrying { attempt: 1, .. }), "{:?}", s.phase("api"));
        let wait = s.service("api").next_try.unwrap().since_start().as_secs_f64();
        s.until(wait);
    }
}

#[test]
fn without_a_limit_nobody_looks_and_a_new_limit_holds_at_once() {
    let mut s = Scenario::new(vec![service("api")]);
    s.begin().started("api").until(1.0);
    assert_eq!(s.engine.next_deadline(), None);
    s.measured("api", 90_000);
    assert_eq!(s.service("api").usage.and_then(|usage| usage.memory), Some(90_000 << 20), "somebody has asked");
    s.trace();
    s.reload(vec![limited(service("api"), 100)]);
    assert_eq!((s.service("api").run.0, s.phase("api").word()), (1, "running"), "no reason to restart");
    s.until(11.0).measured("api", 101);
    assert_eq!(s.phase("api").word(), "stopping");
    let mut s = Scenario::new(vec![limited(service("api"), 100)]);
    s.begin().started("api").until(1.0).reload(vec![service("api")]);
    assert_eq!(s.engine.next_deadline(), None);
}

#[test]
fn a_job_over_its_limit_has_failed() {
    let mut s = Scenario::new(vec![limited(job("etl"), 100)]);
    s.begin().started("etl").until(10.0).measured("etl", 200).dies("etl", 15);
    assert_eq!(s.service("etl").failure(), Some(Failure::OverLimit));
    assert_eq!(s.service("etl").reason.unwrap().split(" · ").next(), Some("memory 200MiB, limit 100MiB"));
}

#[test]
fn what_is_stopped_already_is_left_alone() {
    let mut s = Scenario::new(vec![limited(service("api"), 100)]);
    s.begin().started("api").until(9.0).stop("api").measured("api", 200);
    assert_eq!(s.service("api").restarts.limit, 0);
    s.dies("api", 15);
    assert_eq!(s.phase("api").word(), "stopped");
}
