//! Ends that nobody asked for, and what follows, as stories.

use std::time::Duration;

use crate::domain::{Condition, Outcome, Phase, RestartPolicy, RunId, RunReport, ServiceSpec, WatchFiles};
use crate::engine::Event;

use super::driver::Scenario;
use super::fixture::{checked, job, needs, service};

#[test]
fn crashes_back_off_longer_and_longer() {
    let mut s = Scenario::running(vec![checked("api")]);
    s.until(0.2).exits("api", 1).until(2.0).started("api").until(2.5).dies("api", 11).until(5.0);
    s.expect(
        "
        0.200 > api exits 1
        0.200   api: exited · exit 1 · crash 1 of 5 · next try in 1.028s
        1.228   spawn api 2 · after crash 1 of 5 · was exit 1, up 200ms
        2.000 > api started
        2.500 > api dies of SIGSEGV
        2.500   api: exited · SIGSEGV · crash 2 of 5 · next try in 1.827s
        4.327   spawn api 3 · after crash 2 of 5 · was SIGSEGV, up 500ms
    ",
    );
    assert_eq!(s.service("api").restarts.crash, 2);
}

#[test]
fn a_run_that_lasted_starts_the_backoff_anew() {
    let mut s = Scenario::running(vec![checked("api")]);
    s.exits("api", 1).until(1.5).started("api").exits("api", 1).until(5.0).started("api").ready("api").until(16.0);
    s.exits("api", 1).until(17.5);
    s.expect(
        "
        0.000 > api exits 1
        0.000   api: exited · exit 1 · crash 1 of 5 · next try in 1.028s
        1.028   spawn api 2 · after crash 1 of 5 · was exit 1, up 0ms
        1.500 > api started
        1.500 > api exits 1
        1.500   api: exited · exit 1 · crash 2 of 5 · next try in 1.827s
        3.327   spawn api 3 · after crash 2 of 5 · was exit 1, up 0ms
        5.000 > api started
        5.000 > api is ready
        5.000   api: ready · 0ns after restart
        16.000 > api exits 1
        16.000   api: exited · exit 1 · crash 3 of 5 · next try in 926ms
        16.926   spawn api 4 · after crash 3 of 5 · was exit 1, up 11000ms
    ",
    );
}

#[test]
fn a_service_that_ends_well_before_it_is_ready_has_failed() {
    let mut s = Scenario::new(vec![checked("api"), ServiceSpec { ready: checked("db").ready, ..job("job") }]);
    s.begin().started("api").started("job").until(0.2).exits("api", 0).exits("job", 0);
    assert_eq!(s.phase("api"), Phase::Finished(Outcome::NotReady));
    assert_eq!(s.phase("job"), Phase::Finished(Outcome::Done), "a job is done by ending");
    s.start("api").started("api").ready("api").exits("api", 1).until(2.0).started("api").exits("api", 0);
    assert!(
        matches!(s.phase("api"), Phase::Retrying { attempt: 2, after: Outcome::NotReady, .. }),
        "{:?}",
        s.phase("api")
    );
    s.until(5.0).started("api").ready("api").exits("api", 0);
    assert_eq!(s.phase("api"), Phase::Finished(Outcome::Done), "it had been ready");
    let never = ServiceSpec { restart: RestartPolicy::Never, ..checked("api") };
    let mut s = Scenario::new(vec![never]);
    s.begin().started("api").exits("api", 0);
    assert_eq!(s.phase("api"), Phase::Finished(Outcome::NotReady));
}

/// It has been ready once, and then crashes before it is.
fn crash_until_open(s: &mut Scenario) {
    for crash in 0..5 {
        s.started("api");
        if crash == 0 {
            s.ready("api");
        }
        s.exits("api", 1);
        let next = s.service("api").next_try.map_or(0.0, |at| at.since_start().as_secs_f64());
        if let Phase::Retrying { .. } = s.phase("api") {
            s.until(next);
        }
    }
}

#[test]
fn five_crashes_open_the_circuit_and_after_the_cooldown_one_run_is_tried() {
    let mut s = Scenario::new(vec![checked("api")]);
    s.begin();
    crash_until_open(&mut s);
    s.until(120.0).started("api").until(121.0).exits("api", 1).until(190.0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · at startup
        0.000 > api started
        0.000 > api is ready
        0.000   api: ready · 0ns after start
        0.000 > api exits 1
        0.000   api: exited · exit 1 · crash 1 of 5 · next try in 1.028s
        1.028   spawn api 2 · after crash 1 of 5 · was exit 1, up 0ms
        1.028 > api started
        1.028 > api exits 1
        1.028   api: exited · exit 1 · crash 2 of 5 · next try in 1.827s
        2.855   spawn api 3 · after crash 2 of 5 · was exit 1, up 0ms
        2.855 > api started
        2.855 > api exits 1
        2.855   api: exited · exit 1 · crash 3 of 5 · next try in 3.704s
        6.559   spawn api 4 · after crash 3 of 5 · was exit 1, up 0ms
        6.559 > api started
        6.559 > api exits 1
        6.559   api: exited · exit 1 · crash 4 of 5 · next try in 7.809s
        14.368   spawn api 5 · after crash 4 of 5 · was exit 1, up 0ms
        14.368 > api started
        14.368 > api exits 1
        14.368   api: exited · exit 1 · crash 5 of 5
        14.368   api: gave up · 5 crashes in 60s · next try in 60s
        74.368   spawn api 6 · after crash 5 of 5 · was exit 1, up 0ms
        120.000 > api started
        121.000 > api exits 1
        121.000   api: exited · exit 1 · crash 5 of 5
        121.000   api: gave up · 6 crashes in 121s · next try in 60s
        181.000   spawn api 7 · after crash 5 of 5 · was exit 1, up 1000ms
    ",
    );
}

#[test]
fn the_one_try_closes_the_circuit_when_it_lasts() {
    let mut s = Scenario::new(vec![checked("api")]);
    s.begin();
    crash_until_open(&mut s);
    s.until(80.0).started("api").ready("api").until(95.0).exits("api", 1);
    assert!(matches!(s.phase("api"), Phase::Retrying { attempt: 1, .. }), "{:?}", s.phase("api"));
}

#[test]
fn the_one_try_closes_the_circuit_when_it_gets_ready() {
    let mut s = Scenario::new(vec![checked("api")]);
    s.begin();
    crash_until_open(&mut s);
    s.until(80.0).started("api").ready("api").until(81.0).exits("api", 1);
    assert!(matches!(s.phase("api"), Phase::Retrying { attempt: 1, .. }), "{:?}", s.phase("api"));
}

#[test]
fn what_follows_an_end_is_the_policy() {
    let cases = [
        (RestartPolicy::Never, 0, "done"),
        (RestartPolicy::Never, 1, "failed"),
        (RestartPolicy::OnFailure, 0, "done"),
        (RestartPolicy::OnFailure, 1, "retrying"),
        (RestartPolicy::Always, 0, "retrying"),
        (RestartPolicy::Always, 1, "retrying"),
    ];
    for (restart, code, word) in cases {
        let mut s = Scenario::running(vec![ServiceSpec { restart, ..service("api") }]);
        s.until(2.0).exits("api", code);
        assert_eq!(s.service("api").phase.word(), word, "{restart:?} {code}");
        let mut s = Scenario::running(vec![ServiceSpec { restart, ..job("api") }]);
        s.exits("api", code);
        let word = if code == 0 { "done" } else { "failed" };
        assert_eq!(s.service("api").phase.word(), word, "job {restart:?} {code}");
    }
}

#[test]
fn a_service_that_ends_well_and_is_always_wanted_is_not_called_a_crash() {
    let mut s = Scenario::running(vec![ServiceSpec { restart: RestartPolicy::Always, ..service("poll") }]);
    s.until(20.0).exits("poll", 0);
    assert_eq!(s.service("poll").failure(), None);
    s.until(22.0);
    s.expect(
        "
        20.000 > poll exits 0
        20.000   poll: exited · exit 0 · next try in 1.019s
        21.019   spawn poll 2 · after it exited · was exit 0, up 20000ms
    ",
    );
    assert_eq!(s.service("poll").restarts.crash, 0);
}

#[test]
fn a_run_that_is_not_ready_in_time_is_ended_and_is_a_crash_only_after_one() {
    let mut s = Scenario::new(vec![checked("api")]);
    s.begin().started("api").until(30.5).dies("api", 15).until(40.0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · at startup
        0.000 > api started
        30.000   api: not ready · port 4000 · 30s · waiting for a change
        30.000   SIGTERM to api 1
        30.500 > api dies of SIGTERM
    ",
    );
    assert_eq!((s.phase("api"), s.service("api").restarts.crash), (Phase::Finished(Outcome::NotReady), 0));
    let mut told = Scenario::new(vec![checked("api")]);
    let report = RunReport::Unready { problem: "answered 503".into() };
    told.begin().started("api").event("503", Event::Run { service: "api".into(), run: RunId(1), report }).until(30.5);
    assert!(told.trace().contains("not ready · port 4000 · answered 503 · 30s"), "{}", told.trace());
    assert_eq!(
        s.service("api").reason.as_deref(),
        Some("not ready in 30s · waiting for a change to its files · r restarts")
    );
    let mut s = Scenario::running(vec![checked("api")]);
    s.until(1.0).exits("api", 1).until(2.5).started("api").until(33.0).dies("api", 15).until(36.0);
    s.expect(
        "
        1.000 > api exits 1
        1.000   api: exited · exit 1 · crash 1 of 5 · next try in 1.028s
        2.028   spawn api 2 · after crash 1 of 5 · was exit 1, up 1000ms
        2.500 > api started
        32.500   api: not ready · port 4000 · 30s · next try in 1.827s
        32.500   SIGTERM to api 2
        33.000 > api dies of SIGTERM
        34.327   spawn api 3 · after crash 2 of 5 · was not ready in 30s, up 30500ms
    ",
    );
}

#[test]
fn what_fails_before_it_was_ready_waits_for_a_change_and_is_no_restart() {
    let always = ServiceSpec { restart: RestartPolicy::Always, ..service("always") };
    let mut s = Scenario::running(vec![service("api"), always]);
    s.until(1.9).exits("api", 101).exits("always", 1).until(60.0);
    assert_eq!(s.service("api").restarts.crash, 0);
    s.save("src/a.rs", &["api"]).until(61.0).started("api").exits("api", 101).until(100.0);
    s.save("src/a.rs", &["api"]).until(101.0).started("api").until(103.0).exits("api", 101).until(105.0);
    s.expect(
        "
        1.900 > api exits 101
        1.900   api: exited · exit 101 · waiting for a change
        1.900 > always exits 1
        1.900   always: exited · exit 1 · crash 1 of 5 · next try in 919ms
        2.819   spawn always 2 · after crash 1 of 5 · was exit 1, up 1900ms
        60.000 > src/a.rs is saved
        60.020   spawn api 2 · src/a.rs changed · was exit 101, up 1900ms
        61.000 > api started
        61.000 > api exits 101
        61.000   api: exited · exit 101 · waiting for a change
        100.000 > src/a.rs is saved
        100.020   spawn api 3 · src/a.rs changed · was exit 101, up 0ms
        101.000 > api started
        103.000 > api exits 101
        103.000   api: exited · exit 101 · crash 1 of 5 · next try in 1.028s
        104.028   spawn api 4 · after crash 1 of 5 · was exit 101, up 2000ms
    ",
    );
}

#[test]
fn a_job_is_tried_again_as_often_as_its_retries_say() {
    let mut s = Scenario::running(vec![ServiceSpec { retries: 2, ..job("migrate") }]);
    s.exits("migrate", 1).until(1.5).started("migrate").exits("migrate", 1).until(4.0).started("migrate");
    s.exits("migrate", 1).until(60.0);
    s.expect(
        "
        0.000 > migrate exits 1
        0.000   migrate: exited · exit 1 · try 1 of 3 failed · next try in 1.077s
        1.077   spawn migrate 2 · try 2 of 3 · was exit 1, up 0ms
        1.500 > migrate started
        1.500 > migrate exits 1
        1.500   migrate: exited · exit 1 · try 2 of 3 failed · next try in 2.157s
        3.657   spawn migrate 3 · try 3 of 3 · was exit 1, up 0ms
        4.000 > migrate started
        4.000 > migrate exits 1
        4.000   migrate: exited · exit 1 · try 3 of 3 failed
    ",
    );
    assert!(s.service("migrate").failure().is_some());
    s.save("a.sql", &["migrate"]).until(61.0).started("migrate").exits("migrate", 1);
    assert!(matches!(s.phase("migrate"), Phase::Retrying { attempt: 1, .. }), "a change counts afresh");
}

#[test]
fn not_ready_in_time_is_the_end_where_nothing_is_tried_again() {
    let mut s = Scenario::new(vec![ServiceSpec { restart: RestartPolicy::Never, ..checked("api") }]);
    s.begin().started("api").until(31.0).dies("api", 15);
    assert_eq!(s.phase("api"), Phase::Finished(Outcome::NotReady));
}

#[test]
fn a_process_that_cannot_be_made_after_a_crash_is_tried_again_under_backoff() {
    let never = ServiceSpec { restart: RestartPolicy::Never, ..service("never") };
    let mut s = Scenario::new(vec![checked("api"), never]);
    s.begin().started("api").ready("api").exits("api", 1).not_started("never").until(1.1).not_started("api").until(3.0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · at startup
        0.000   spawn never 1 · at startup
        0.000 > api started
        0.000 > api is ready
        0.000   api: ready · 0ns after start
        0.000 > api exits 1
        0.000   api: exited · exit 1 · crash 1 of 5 · next try in 1.028s
        0.000 > never could not start
        0.000   never: could not start · no such file
        1.028   spawn api 2 · after crash 1 of 5 · was exit 1, up 0ms
        1.100 > api could not start
        1.100   api: could not start · no such file
        2.927   spawn api 3 · after crash 2 of 5
    ",
    );
    assert_eq!(s.phase("never"), Phase::Finished(Outcome::NotStarted));
}

#[test]
fn others_of_the_group_that_a_leader_leaves_behind_are_ended_before_the_next_try() {
    let mut s = Scenario::running(vec![checked("api")]);
    s.leaves_others("api", 1).until(4.0).gone("api").started("api");
    s.expect(
        "
        0.000 > api exits 1, leaving others
        0.000   api: exited · exit 1 · crash 1 of 5 · next try in 1.028s
        0.000   SIGTERM to api 1
        4.000 > api is gone
        4.000   spawn api 2 · after crash 1 of 5 · was exit 1, up 0ms
        4.000 > api started
    ",
    );
}

#[test]
fn a_reason_to_start_while_others_of_the_group_are_ended_starts_as_soon_as_they_are_gone() {
    let mut s = Scenario::running(vec![checked("api"), checked("web")]);
    s.leaves_others("api", 1).leaves_others("web", 1).save("a.rs", &["api"]).stop("web").until(0.3);
    s.gone("api").gone("web").until(60.0);
    s.expect(
        "
        0.000 > api exits 1, leaving others
        0.000   api: exited · exit 1 · crash 1 of 5 · next try in 1.028s
        0.000   SIGTERM to api 1
        0.000 > web exits 1, leaving others
        0.000   web: exited · exit 1 · crash 1 of 5 · next try in 1.03s
        0.000   SIGTERM to web 1
        0.000 > a.rs is saved
        0.000 > stop web
        0.300 > api is gone
        0.300   spawn api 2 · a.rs changed · was exit 1, up 0ms
        0.300 > web is gone
    ",
    );
}

#[test]
fn a_leader_that_ends_well_is_done_once_its_group_is_gone() {
    let mut s = Scenario::running(vec![job("build")]);
    s.leaves_others("build", 0).until(5.5).gone("build");
    s.expect(
        "
        0.000 > build exits 0, leaving others
        0.000   build: exited · exit 0
        0.000   SIGTERM to build 1
        5.000   SIGKILL to build 1
        5.000   build: killed · after 5s grace
        5.500 > build is gone
    ",
    );
    assert_eq!(s.phase("build"), Phase::Finished(Outcome::Done));
}

#[test]
fn a_run_that_never_got_ready_has_not_lasted() {
    let mut s = Scenario::new(vec![checked("api")]);
    s.begin().started("api").ready("api").until(1.0).exits("api", 1).until(3.0).started("api").until(22.0);
    s.exits("api", 1);
    assert!(matches!(s.phase("api"), Phase::Retrying { attempt: 2, .. }), "{:?}", s.phase("api"));
}

#[test]
fn odd_times_are_no_times() {
    let now = Duration::ZERO;
    let mut spec = ServiceSpec { restart: RestartPolicy::Always, ..checked("api") };
    spec.stop.grace = now;
    spec.backoff.initial = now;
    spec.breaker.cooldown = now;
    spec.breaker.within = Duration::MAX;
    spec.breaker.failures = 0;
    if let Some(check) = &mut spec.ready {
        check.timeout = now;
    }
    let mut s = Scenario::new(vec![spec]);
    s.begin().started("api").until(7.0).dies("api", 9).until(8.0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · at startup
        0.000 > api started
        0.000   api: not ready · port 4000 · 0ns
        0.000   api: gave up · 1 crashes in 18446744073709551615.999999999s · next try in 0ns
        0.000   SIGTERM to api 1
        0.000   SIGKILL to api 1
        0.000   api: killed · after 0ns grace
        5.000   api: still running after SIGKILL · pid 101
        7.000 > api dies of SIGKILL
        7.000   spawn api 2 · after crash 1 of 1 · was not ready in 0ms, up 7000ms
    ",
    );
}

#[test]
fn what_watches_nothing_waits_for_no_change() {
    let unwatched = |spec: ServiceSpec| ServiceSpec { watch: WatchFiles::Off, ..spec };
    let mut s = Scenario::new(vec![unwatched(service("api"))]);
    s.begin().started("api").exits("api", 1);
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · at startup
        0.000 > api started
        0.000 > api exits 1
        0.000   api: exited · exit 1 · fix it and press s
    ",
    );
    assert_eq!(s.service("api").reason.as_deref(), Some("start it with s, or devgroup start api"));
    // A job as well, and one that is never tried again.
    let never = ServiceSpec { restart: RestartPolicy::Never, ..service("web") };
    let mut s = Scenario::running(vec![unwatched(job("job")), never]);
    s.exits("job", 1).exits("web", 1);
    assert_eq!(s.service("job").reason.as_deref(), Some("start it with s, or devgroup start job"));
    assert_eq!(s.service("web").reason.as_deref(), Some("waiting for a change to its files · r restarts"));
}

#[test]
fn why_our_signal_ended_a_run_is_said_wherever_its_end_is() {
    let api = ServiceSpec { restart: RestartPolicy::Never, ..checked("api") };
    let mut s = Scenario::new(vec![api]);
    s.begin().started("api").until(30.5).dies("api", 15);
    let api = s.service("api");
    assert_eq!(api.last_exit.map(|exit| exit.to_string()).as_deref(), Some("not ready in 30s"));
    assert_eq!(api.history.last().and_then(|record| record.fault.as_deref()), Some("not ready in 30s"));
    assert_eq!(api.reason.as_deref(), Some("not ready in 30s · waiting for a change to its files · r restarts"));
    // The end of the next run is its own.
    s.start("api").started("api").exits("api", 2);
    assert_eq!(s.service("api").last_exit.map(|exit| exit.to_string()).as_deref(), Some("exit 2"));
    assert_eq!(s.service("api").reason.as_deref(), Some("waiting for a change to its files · r restarts"));
    s.start("api").started("api").exits("api", 0);
    assert_eq!(
        s.service("api").reason.as_deref(),
        Some("exit 0 before it was ready · waiting for a change to its files · r restarts")
    );
}

#[test]
fn a_service_that_puts_itself_into_the_background_has_failed() {
    let mut s = Scenario::running(vec![service("db"), needs(service("api"), "db", Condition::Ready)]);
    s.until(0.5).daemonizes("db", "redis-server (7)").gone("db").until(60.0);
    s.expect(
        "
        0.500 > db leaves redis-server (7)
        0.500 > db exits 0, leaving others
        0.500   db: exited · exit 0 · waiting for a change
        0.500   SIGTERM to db 1
        0.500 > db is gone
        0.500   api: db failed (daemonized)
    ",
    );
    let reason = "exited, but left redis-server (7) running: run it in the foreground · waiting for a change to its files · r restarts";
    assert_eq!((s.phase("db").word(), s.service("db").reason.as_deref()), ("failed", Some(reason)));
    // After it has worked, what is left is a leftover as any other; without one, it is done as before.
    let mut s = Scenario::running(vec![service("db"), service("up")]);
    s.exits("up", 0).until(60.0).daemonizes("db", "logger (7)").gone("db");
    assert_eq!((s.phase("db").word(), s.phase("up").word()), ("done", "done"));
}

#[test]
fn while_a_try_is_waited_for_it_is_known_which_failure_it_follows() {
    let mut s = Scenario::running(vec![checked("api"), ServiceSpec { retries: 2, ..job("seed") }]);
    s.until(0.2).exits("api", 1).exits("seed", 1).until(0.3);
    let failed = |s: &Scenario| ["api", "seed"].map(|name| s.service(name).failed_run.map(|run| run.to_string()));
    assert_eq!(failed(&s), [Some("crash 1 of 5".into()), Some("try 1 of 3 failed".into())]);
    s.until(3.0);
    assert_eq!(failed(&s), [None, None], "they have been started again");
}
