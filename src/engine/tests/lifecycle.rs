//! Starts, ends, retries and stops, as stories.

use std::time::Duration;

use crate::domain::{
    Answer, Command, Condition, OnChange, Outcome, Phase, Refusal, RestartPolicy, RunCommand, RunId, RunReport,
    ServiceSpec, Signal, StopSpec, Targets,
};
use crate::engine::{Effect, Event};

use super::driver::Scenario;
use super::fixture::{checked, needs, service, task};

#[test]
fn what_needs_nothing_starts_at_once_and_the_rest_as_soon_as_it_may() {
    let mail = ServiceSpec { autostart: false, ..service("mail") };
    let migrate = needs(task("migrate"), "db", Condition::Ready);
    let api = needs(needs(service("api"), "migrate", Condition::Done), "db", Condition::Ready);
    let mut s = Scenario::new(vec![api, checked("db"), migrate, service("web"), mail]);
    s.begin().started("web").started("db").until(0.5).ready("db").started("migrate").until(0.8).exits("migrate", 0);
    s.expect(
        "
        0.000 > begin
        0.000   mail: not started · autostart = false · press s
        0.000   spawn db 1 · with the group
        0.000   migrate: waits · db to be ready
        0.000   api: waits · migrate to be done, db to be ready
        0.000   spawn web 1 · with the group
        0.000 > web started
        0.000 > db started
        0.500 > db is ready
        0.500   db: ready · 0.5s after start
        0.500   spawn migrate 1 · with the group
        0.500 > migrate started
        0.800 > migrate exits 0
        0.800   migrate: exited · code 0
        0.800   spawn api 1 · with the group
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
        0.000   spawn db 1 · with the group
        0.000   api: waits · db to start
        0.000 > db started
        0.000   spawn api 1 · with the group
    ",
    );
}

#[test]
fn crashes_back_off_longer_and_longer() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(0.2).exits("api", 1).until(2.0).started("api").until(2.5).dies("api", 11).until(5.0);
    s.expect(
        "
        0.200 > api exits 1
        0.200   api: exited · code 1 · crash 1 of 5 · next try in 1.0s (s = now)
        1.228   spawn api 2 · after crash 1 of 5 · was exit 1, up 200ms
        2.000 > api started
        2.500 > api dies of SIGSEGV
        2.500   api: exited · SIGSEGV · crash 2 of 5 · next try in 1.8s (s = now)
        4.327   spawn api 3 · after crash 2 of 5 · was SIGSEGV, up 500ms
    ",
    );
    assert_eq!(s.service("api").restarts.crash, 2);
}

#[test]
fn a_run_that_lasted_starts_the_backoff_anew() {
    let mut s = Scenario::running(vec![service("api")]);
    s.exits("api", 1).until(1.5).started("api").exits("api", 1).until(5.0).started("api").until(16.0).exits("api", 1);
    s.until(17.5);
    s.expect(
        "
        0.000 > api exits 1
        0.000   api: exited · code 1 · crash 1 of 5 · next try in 1.0s (s = now)
        1.028   spawn api 2 · after crash 1 of 5 · was exit 1, up 0ms
        1.500 > api started
        1.500 > api exits 1
        1.500   api: exited · code 1 · crash 2 of 5 · next try in 1.8s (s = now)
        3.327   spawn api 3 · after crash 2 of 5 · was exit 1, up 0ms
        5.000 > api started
        16.000 > api exits 1
        16.000   api: exited · code 1 · crash 3 of 5 · next try in 926ms (s = now)
        16.926   spawn api 4 · after crash 3 of 5 · was exit 1, up 11000ms
    ",
    );
}

fn crash_until_open(s: &mut Scenario) {
    for _ in 0..5 {
        s.started("api").exits("api", 1);
        let next = s.service("api").next_try.map_or(0.0, |at| at.since_start().as_secs_f64());
        if let Phase::BackingOff { .. } = s.phase("api") {
            s.until(next);
        }
    }
}

#[test]
fn five_crashes_open_the_circuit_and_after_the_cooldown_one_run_is_tried() {
    let mut s = Scenario::new(vec![service("api")]);
    s.begin();
    crash_until_open(&mut s);
    s.until(120.0).started("api").until(121.0).exits("api", 1).until(190.0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · with the group
        0.000 > api started
        0.000 > api exits 1
        0.000   api: exited · code 1 · crash 1 of 5 · next try in 1.0s (s = now)
        1.028   spawn api 2 · after crash 1 of 5 · was exit 1, up 0ms
        1.028 > api started
        1.028 > api exits 1
        1.028   api: exited · code 1 · crash 2 of 5 · next try in 1.8s (s = now)
        2.855   spawn api 3 · after crash 2 of 5 · was exit 1, up 0ms
        2.855 > api started
        2.855 > api exits 1
        2.855   api: exited · code 1 · crash 3 of 5 · next try in 3.7s (s = now)
        6.559   spawn api 4 · after crash 3 of 5 · was exit 1, up 0ms
        6.559 > api started
        6.559 > api exits 1
        6.559   api: exited · code 1 · crash 4 of 5 · next try in 7.8s (s = now)
        14.368   spawn api 5 · after crash 4 of 5 · was exit 1, up 0ms
        14.368 > api started
        14.368 > api exits 1
        14.368   api: exited · code 1 · crash 5 of 5
        14.368   api: gave up · 5 crashes in 60s · save a file or press s · next try in 60s
        74.368   spawn api 6 · after crash 5 of 5 · was exit 1, up 0ms
        120.000 > api started
        121.000 > api exits 1
        121.000   api: exited · code 1 · crash 5 of 5
        121.000   api: gave up · 6 crashes in 121s · save a file or press s · next try in 60s
        181.000   spawn api 7 · after crash 5 of 5 · was exit 1, up 1000ms
    ",
    );
}

#[test]
fn the_one_try_closes_the_circuit_when_it_lasts() {
    let mut s = Scenario::new(vec![service("api")]);
    s.begin();
    crash_until_open(&mut s);
    s.until(80.0).started("api").until(95.0).exits("api", 1);
    assert!(matches!(s.phase("api"), Phase::BackingOff { attempt: 1, .. }), "{:?}", s.phase("api"));
}

#[test]
fn the_one_try_closes_the_circuit_when_it_gets_ready() {
    let mut s = Scenario::new(vec![checked("api")]);
    s.begin();
    crash_until_open(&mut s);
    s.until(80.0).started("api").ready("api").until(81.0).exits("api", 1);
    assert!(matches!(s.phase("api"), Phase::BackingOff { attempt: 1, .. }), "{:?}", s.phase("api"));
}

#[test]
fn what_follows_an_end_is_the_policy() {
    let cases = [
        (RestartPolicy::Never, 0, "done"),
        (RestartPolicy::Never, 1, "failed"),
        (RestartPolicy::OnFailure, 0, "done"),
        (RestartPolicy::OnFailure, 1, "backing-off"),
        (RestartPolicy::Always, 0, "backing-off"),
        (RestartPolicy::Always, 1, "backing-off"),
    ];
    for (restart, code, word) in cases {
        let mut s = Scenario::running(vec![ServiceSpec { restart, ..service("api") }]);
        s.exits("api", code);
        assert_eq!(s.service("api").phase.word(), word, "{restart:?} {code}");
        let mut s = Scenario::running(vec![ServiceSpec { restart, ..task("api") }]);
        s.exits("api", code);
        let word = if code == 0 { "done" } else { "failed" };
        assert_eq!(s.service("api").phase.word(), word, "task {restart:?} {code}");
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
        20.000   poll: exited · code 0 · next try in 1.0s (s = now)
        21.019   spawn poll 2 · after it ended · was exit 0, up 20000ms
    ",
    );
    assert_eq!(s.service("poll").restarts.crash, 0);
}

#[test]
fn a_run_that_is_not_ready_in_time_is_ended_and_counts_as_a_crash() {
    let mut s = Scenario::new(vec![checked("api")]);
    s.begin().started("api").until(30.5).dies("api", 15).until(33.0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · with the group
        0.000 > api started
        30.000   api: not ready · port 4000 · gave up after 30s
        30.000   SIGTERM to api 1
        30.500 > api dies of SIGTERM
        31.028   spawn api 2 · after crash 1 of 5 · was SIGTERM, up 30500ms
    ",
    );
}

#[test]
fn not_ready_in_time_is_the_end_where_nothing_is_tried_again() {
    let mut s = Scenario::new(vec![ServiceSpec { restart: RestartPolicy::Never, ..checked("api") }]);
    s.begin().started("api").until(31.0).dies("api", 15);
    assert_eq!(s.phase("api"), Phase::Finished(Outcome::NotReady));
}

#[test]
fn a_process_that_cannot_be_made_is_tried_again_under_backoff() {
    let never = ServiceSpec { restart: RestartPolicy::Never, ..service("never") };
    let mut s = Scenario::new(vec![service("api"), never]);
    s.begin().not_started("api").not_started("never").until(1.5);
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · with the group
        0.000   spawn never 1 · with the group
        0.000 > api could not start
        0.000 > never could not start
        1.028   spawn api 2 · after crash 1 of 5
    ",
    );
    assert_eq!(s.phase("never"), Phase::Finished(Outcome::NotStarted));
}

#[test]
fn others_of_the_group_that_a_leader_leaves_behind_are_ended_before_the_next_try() {
    let mut s = Scenario::running(vec![service("api")]);
    s.leaves_others("api", 1).until(4.0).gone("api").started("api");
    s.expect(
        "
        0.000 > api exits 1, leaving others
        0.000   api: exited · code 1 · crash 1 of 5 · next try in 1.0s (s = now)
        0.000   SIGTERM to api 1
        4.000 > api is gone
        4.000   spawn api 2 · after crash 1 of 5 · was exit 1, up 0ms
        4.000 > api started
    ",
    );
}

#[test]
fn a_reason_to_start_while_others_of_the_group_are_ended_starts_as_soon_as_they_are_gone() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.leaves_others("api", 1).leaves_others("web", 1).save("a.rs", &["api"]).stop("web").until(0.3);
    s.gone("api").gone("web").until(60.0);
    s.expect(
        "
        0.000 > api exits 1, leaving others
        0.000   api: exited · code 1 · crash 1 of 5 · next try in 1.0s (s = now)
        0.000   SIGTERM to api 1
        0.000 > web exits 1, leaving others
        0.000   web: exited · code 1 · crash 1 of 5 · next try in 1.0s (s = now)
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
    let mut s = Scenario::running(vec![task("build")]);
    s.leaves_others("build", 0).until(5.5).gone("build");
    s.expect(
        "
        0.000 > build exits 0, leaving others
        0.000   build: exited · code 0
        0.000   SIGTERM to build 1
        5.000   SIGKILL to build 1
        5.000   build: killed · SIGKILL after 5s grace
        5.500 > build is gone
    ",
    );
    assert_eq!(s.phase("build"), Phase::Finished(Outcome::Done));
}

#[test]
fn a_restart_starts_when_the_group_of_the_old_run_is_gone() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(2.0).restart("api").until(2.1).leaves_others("api", 0).until(2.2).gone("api").started("api");
    s.expect(
        "
        2.000 > restart api
        2.000   SIGTERM to api 1
        2.100 > api exits 0, leaving others
        2.200 > api is gone
        2.200   spawn api 2 · by hand · was exit 0, up 2100ms
        2.200 > api started
    ",
    );
    assert_eq!(s.service("api").restarts.manual, 1);
}

#[test]
fn a_restart_that_is_asked_for_twice_is_one() {
    let mut s = Scenario::running(vec![service("api")]);
    s.restart("api").restart("api").save("a.rs", &["api"]).until(0.5).restart("api").exits("api", 0).started("api");
    s.until(1.0);
    s.expect(
        "
        0.000 > restart api
        0.000   SIGTERM to api 1
        0.000 > restart api
        0.000 > a.rs is saved
        0.500 > restart api
        0.500 > api exits 0
        0.500   spawn api 2 · by hand · was exit 0, up 500ms
        0.500 > api started
    ",
    );
    assert_eq!(s.service("api").run, RunId(2));
}

#[test]
fn a_restart_during_a_start_starts_again() {
    let mut s = Scenario::new(vec![checked("api")]);
    s.begin().started("api").until(0.3).restart("api").dies("api", 15).started("api").ready("api");
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · with the group
        0.000 > api started
        0.300 > restart api
        0.300   SIGTERM to api 1
        0.300 > api dies of SIGTERM
        0.300   spawn api 2 · by hand · was SIGTERM, up 300ms
        0.300 > api started
        0.300 > api is ready
        0.300   api: ready · 0.0s after restart
    ",
    );
}

#[test]
fn a_stop_before_the_process_exists_reaches_it_when_it_does() {
    let mut s = Scenario::new(vec![service("api")]);
    s.begin().stop("api").until(0.1).started("api").until(0.2).dies("api", 15);
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · with the group
        0.000 > stop api
        0.100 > api started
        0.100   SIGTERM to api 1
        0.200 > api dies of SIGTERM
        0.200   api: stopped · SIGTERM · 0.2s after the signal
    ",
    );
    assert_eq!(s.phase("api"), Phase::Down);
}

#[test]
fn a_stop_before_the_process_exists_is_over_when_none_can_be_made() {
    let mut s = Scenario::new(vec![service("api")]);
    s.begin().stop("api").not_started("api");
    assert_eq!(s.phase("api"), Phase::Down);
}

#[test]
fn a_process_that_comes_after_its_kill_is_killed() {
    let mut s = Scenario::new(vec![service("api")]);
    s.begin().kill("api").until(0.1).started("api");
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · with the group
        0.000 > kill api
        0.100 > api started
        0.100   SIGKILL to api 1
        0.100   api: killed · SIGKILL at once
    ",
    );
}

#[test]
fn a_start_during_a_stop_starts_after_it() {
    let mut s = Scenario::running(vec![service("api")]);
    s.stop("api").until(0.1).start("api").until(0.2).exits("api", 0);
    s.expect(
        "
        0.000 > stop api
        0.000   SIGTERM to api 1
        0.100 > start api
        0.200 > api exits 0
        0.200   spawn api 2 · by hand · was exit 0, up 200ms
    ",
    );
}

#[test]
fn a_stop_during_a_restart_is_a_stop() {
    let mut s = Scenario::running(vec![service("api")]);
    s.restart("api").until(0.1).stop("api").until(0.2).exits("api", 0).until(100.0);
    s.expect(
        "
        0.000 > restart api
        0.000   SIGTERM to api 1
        0.100 > stop api
        0.200 > api exits 0
        0.200   api: stopped · exit 0 · 0.2s after the signal
    ",
    );
}

#[test]
fn a_restart_during_a_backoff_starts_now_and_counts_afresh() {
    let mut s = Scenario::running(vec![service("api")]);
    s.exits("api", 1).until(0.1).restart("api").started("api").exits("api", 1);
    s.expect(
        "
        0.000 > api exits 1
        0.000   api: exited · code 1 · crash 1 of 5 · next try in 1.0s (s = now)
        0.100 > restart api
        0.100   spawn api 2 · by hand · was exit 1, up 0ms
        0.100 > api started
        0.100 > api exits 1
        0.100   api: exited · code 1 · crash 1 of 5 · next try in 914ms (s = now)
    ",
    );
}

#[test]
fn a_stop_during_a_backoff_calls_the_next_try_off() {
    let mut s = Scenario::running(vec![service("api")]);
    s.exits("api", 1).stop("api");
    assert_eq!((s.phase("api"), s.engine.next_deadline()), (Phase::Down, None));
}

#[test]
fn the_ladder_is_climbed_to_its_end() {
    let mut s = Scenario::running(vec![service("db")]);
    s.stop("db").until(3.0).stop("db").until(21.0).dies("db", 9);
    s.expect(
        "
        0.000 > stop db
        0.000   SIGTERM to db 1
        3.000 > stop db
        5.000   SIGKILL to db 1
        5.000   db: killed · SIGKILL after 5s grace
        10.000   db: does not end · pid 101 survived SIGKILL
        20.000   SIGKILL to db 1
        21.000 > db dies of SIGKILL
        21.000   db: stopped · SIGKILL · 21s after the signal
    ",
    );
}

#[test]
fn a_kill_during_the_grace_does_not_wait_for_its_end() {
    let mut s = Scenario::running(vec![service("db")]);
    s.stop("db").until(1.0).kill("db").kill("db").until(1.1).dies("db", 9);
    s.expect(
        "
        0.000 > stop db
        0.000   SIGTERM to db 1
        1.000 > kill db
        1.000   SIGKILL to db 1
        1.000   db: killed · SIGKILL at once
        1.000 > kill db
        1.100 > db dies of SIGKILL
        1.100   db: stopped · SIGKILL · 1.1s after the signal
    ",
    );
}

#[test]
fn a_forced_restart_kills_at_once() {
    let mut s = Scenario::running(vec![service("db")]);
    s.ask(Command::Restart { targets: Targets::one(&"db".into()), force: true }).until(0.1).dies("db", 9);
    s.expect(
        "
        0.000 > force restart db
        0.000   SIGKILL to db 1
        0.000   db: killed · SIGKILL at once
        0.100 > db dies of SIGKILL
        0.100   spawn db 2 · by hand · was SIGKILL, up 100ms
    ",
    );
}

#[test]
fn a_stop_for_the_leader_reaches_the_others_when_the_leader_is_gone() {
    let stop = StopSpec { signal: Signal::Int, leader_only: true, ..StopSpec::default() };
    let mut s = Scenario::running(vec![ServiceSpec { stop, ..service("npm") }]);
    s.stop("npm").until(1.0).leaves_others("npm", 0).until(6.0).gone("npm");
    s.expect(
        "
        0.000 > stop npm
        0.000   SIGINT to npm 1 · leader only
        1.000 > npm exits 0, leaving others
        1.000   SIGINT to npm 1
        5.000   SIGKILL to npm 1
        5.000   npm: killed · SIGKILL after 5s grace
        6.000 > npm is gone
        6.000   npm: stopped · exit 0 · 6.0s after the signal
    ",
    );
}

#[test]
fn a_stop_command_takes_the_place_of_the_first_signal() {
    let stop = StopSpec { command: Some(RunCommand::Shell("docker stop db".into())), ..StopSpec::default() };
    let mut s = Scenario::running(vec![ServiceSpec { stop, ..service("db") }]);
    s.stop("db").until(6.0).dies("db", 9);
    s.expect(
        "
        0.000 > stop db
        0.000   stop command of db 1
        5.000   SIGKILL to db 1
        5.000   db: killed · SIGKILL after 5s grace
        6.000 > db dies of SIGKILL
        6.000   db: stopped · SIGKILL · 6.0s after the signal
    ",
    );
}

#[test]
fn a_start_by_name_brings_what_it_needs() {
    let db = ServiceSpec { autostart: false, ..checked("db") };
    let migrate = ServiceSpec { autostart: false, ..needs(task("migrate"), "db", Condition::Ready) };
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
        0.000   spawn db 1 · by hand
        0.000   migrate: waits · db to be ready
        0.000   api: waits · migrate to be done
        0.000 > db started
        0.000 > db is ready
        0.000   db: ready · 0.0s after start
        0.000   spawn migrate 1 · by hand
        0.000 > migrate started
        0.000 > migrate exits 0
        0.000   migrate: exited · code 0
        0.000   spawn api 1 · by hand
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
        0.000   api: stopped · exit 0 · 0.0s after the signal
        0.000 > start api
        0.000   spawn api 2 · by hand · was exit 0, up 0ms
    ",
    );
}

#[test]
fn a_failed_dependency_keeps_its_dependents_waiting_until_it_recovers() {
    let mut s = Scenario::new(vec![task("migrate"), needs(service("api"), "migrate", Condition::Done)]);
    s.begin().started("migrate").exits("migrate", 1);
    assert_eq!(s.phase("api"), Phase::Blocked { on: vec!["migrate".into()] });
    assert!(s.engine.all_settled(), "nothing will happen by itself");
    s.until(3.0).save("migrations/1.sql", &["migrate"]).until(3.1).started("migrate").exits("migrate", 0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn migrate 1 · with the group
        0.000   api: waits · migrate to be done
        0.000 > migrate started
        0.000 > migrate exits 1
        0.000   migrate: exited · code 1
        3.000 > migrations/1.sql is saved
        3.020   spawn migrate 2 · migrations/1.sql changed · was exit 1, up 0ms
        3.100 > migrate started
        3.100 > migrate exits 0
        3.100   migrate: exited · code 0
        3.100   spawn api 1 · with the group
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
        0.000   spawn db 2 · by hand · was exit 0, up 0ms
    ",
    );
    // One that comes back meanwhile waits.
    s.restart("api").exits("api", 0).started("db");
    s.expect(
        "
        0.000 > restart api
        0.000   SIGTERM to api 1
        0.000 > api exits 0
        0.000   api: waits · db to be ready
        0.000 > db started
        0.000   spawn api 2 · by hand · was exit 0, up 0ms
    ",
    );
}

#[test]
fn a_restart_with_dependents_takes_them_along_in_order() {
    let api = needs(service("api"), "db", Condition::Ready);
    let idle = ServiceSpec { autostart: false, ..needs(service("idle"), "db", Condition::Ready) };
    let mut s = Scenario::running(vec![api, checked("db"), service("web"), idle]);
    s.ask(Command::Restart { targets: Targets::WithDependents("db".into()), force: false });
    s.until(0.1).exits("api", 0).exits("db", 0).started("db").ready("db");
    s.expect(
        "
        0.000 > restart db and dependents
        0.000   SIGTERM to db 1
        0.000   SIGTERM to api 1
        0.100 > api exits 0
        0.100   api: waits · db to be ready
        0.100 > db exits 0
        0.100   spawn db 2 · by hand · was exit 0, up 100ms
        0.100 > db started
        0.100 > db is ready
        0.100   db: ready · 0.0s after restart
        0.100   spawn api 2 · db restarted · was exit 0, up 100ms
    ",
    );
    assert_eq!(s.service("api").restarts.dependency, 1);
}

#[test]
fn failed_means_what_the_count_in_the_header_means() {
    let never = ServiceSpec { restart: RestartPolicy::Never, ..service("never") };
    let mut s = Scenario::running(vec![service("api"), never, service("web"), task("done")]);
    s.exits("api", 1).exits("never", 2).exits("done", 0);
    s.ask(Command::Restart { targets: Targets::Failed, force: false });
    s.expect(
        "
        0.000 > api exits 1
        0.000   api: exited · code 1 · crash 1 of 5 · next try in 1.0s (s = now)
        0.000 > never exits 2
        0.000   never: exited · code 2
        0.000 > done exits 0
        0.000   done: exited · code 0
        0.000 > restart failed
        0.000   spawn api 2 · by hand · was exit 1, up 0ms
        0.000   spawn never 2 · by hand · was exit 2, up 0ms
    ",
    );
}

#[test]
fn start_all_leaves_alone_what_is_up_or_done() {
    let mail = ServiceSpec { autostart: false, ..service("mail") };
    let mut s = Scenario::running(vec![service("api"), service("web"), task("build"), mail]);
    s.exits("build", 0).stop("web").exits("web", 0).ask(Command::Start(Targets::All));
    s.expect(
        "
        0.000 > build exits 0
        0.000   build: exited · code 0
        0.000 > stop web
        0.000   SIGTERM to web 1
        0.000 > web exits 0
        0.000   web: stopped · exit 0 · 0.0s after the signal
        0.000 > start all
        0.000   spawn web 2 · by hand · was exit 0, up 0ms
    ",
    );
}

#[test]
fn restart_all_goes_through_the_order_again() {
    let mut s = Scenario::running(vec![task("migrate"), needs(service("api"), "migrate", Condition::Done)]);
    s.exits("migrate", 0).started("api").until(1.0);
    s.ask(Command::Restart { targets: Targets::All, force: false })
        .exits("api", 0)
        .started("migrate")
        .exits("migrate", 0);
    s.expect(
        "
        0.000 > migrate exits 0
        0.000   migrate: exited · code 0
        0.000   spawn api 1 · with the group
        0.000 > api started
        1.000 > restart all
        1.000   SIGTERM to api 1
        1.000   spawn migrate 2 · by hand · was exit 0, up 0ms
        1.000 > api exits 0
        1.000   api: waits · migrate to be done
        1.000 > migrate started
        1.000 > migrate exits 0
        1.000   migrate: exited · code 0
        1.000   spawn api 2 · by hand · was exit 0, up 1000ms
    ",
    );
}

#[test]
fn news_of_an_older_run_means_nothing() {
    let mut s = Scenario::running(vec![service("api")]);
    s.restart("api").exits("api", 0).started("api");
    let before = s.phase("api");
    for report in [
        RunReport::Exited { status: crate::domain::ExitStatus::Code(1), group_gone: true },
        RunReport::GroupGone,
        RunReport::Started { pid: 1 },
        RunReport::NotStarted { reason: String::new() },
        RunReport::Ready,
    ] {
        s.event("old news", Event::Run { service: "api".into(), run: RunId(1), report });
    }
    assert_eq!(s.phase("api"), before);
    s.event("nobody", Event::Run { service: "nobody".into(), run: RunId(1), report: RunReport::Ready });
}

#[test]
fn a_command_is_answered_in_its_turn_and_one_unknown_name_refuses_all() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    let mut ask = |command| {
        let effects = s.engine.update(Event::Client { id: Some(7), command }, crate::domain::Moment::from_millis(9));
        let answers = effects.iter().filter_map(|effect| match effect {
            Effect::Answer { id: 7, answer } => Some(answer.clone()),
            _ => None,
        });
        (answers.collect::<Vec<_>>(), effects.len())
    };
    let at = crate::domain::Moment::from_millis(9);
    let targets = Targets::Named(vec!["web".into(), "wbe".into()]);
    let refused = Answer::Refused(Refusal::UnknownService("wbe".into()));
    assert_eq!(ask(Command::Stop(targets)), (vec![refused], 1));
    let targets = Targets::Named(vec!["web".into(), "api".into(), "web".into()]);
    let accepted = Answer::Accepted { at, services: vec!["api".into(), "web".into()] };
    assert_eq!(ask(Command::Stop(targets)).0, vec![accepted]);
    let nothing = Answer::Accepted { at, services: vec![] };
    assert_eq!(ask(Command::Resize { service: "api".into(), columns: 80, rows: 24 }), (vec![nothing.clone()], 1));
    assert_eq!(ask(Command::Start(Targets::Named(vec![]))), (vec![nothing], 1));
    assert_eq!(ask(Command::Quit).0.len(), 1);
    assert_eq!(ask(Command::Start(Targets::All)).0, vec![Answer::Refused(Refusal::Stopping)]);
}

#[test]
fn a_group_is_settled_when_nothing_runs_and_nothing_will() {
    let mut s = Scenario::new(vec![task("a"), needs(task("b"), "a", Condition::Done)]);
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
    let mut s = Scenario::running(vec![ServiceSpec { on_change: OnChange::Notify, ..service("api") }]);
    let before = s.snapshot();
    s.until(5.0).event("nothing", Event::TimePassed).start("api");
    assert_eq!(s.snapshot().seq, before.seq);
    s.save("a.rs", &["api"]);
    assert!(s.snapshot().seq > before.seq);
    assert_eq!(s.service("api").pending, 1);
    assert_eq!(s.service("api").last_change.map(|change| change.path), Some("a.rs".into()));
}

#[test]
fn odd_times_are_no_times() {
    let now = Duration::ZERO;
    let mut spec = checked("api");
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
        0.000   spawn api 1 · with the group
        0.000 > api started
        0.000   api: not ready · port 4000 · gave up after 0.0s
        0.000   api: gave up · 1 crashes in 18446744073709551615s · save a file or press s · next try in 0ms
        0.000   SIGTERM to api 1
        0.000   SIGKILL to api 1
        0.000   api: killed · SIGKILL after 0ms grace
        5.000   api: does not end · pid 101 survived SIGKILL
        7.000 > api dies of SIGKILL
        7.000   spawn api 2 · after crash 1 of 1 · was SIGKILL, up 7000ms
    ",
    );
}
