//! Stops, restarts and the ladder, as stories.

use crate::domain::{Command, ExitStatus, Phase, RunCommand, RunId, RunReport, ServiceSpec, Signal, StopSpec, Targets};
use crate::engine::Event;

use super::driver::Scenario;
use super::fixture::{checked, service};

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
        2.200   spawn api 2 · manually · was exit 0, up 2100ms
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
        0.500   spawn api 2 · manually · was exit 0, up 500ms
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
        0.000   spawn api 1 · at startup
        0.000 > api started
        0.300 > restart api
        0.300   SIGTERM to api 1
        0.300 > api dies of SIGTERM
        0.300   spawn api 2 · manually · was SIGTERM, up 300ms
        0.300 > api started
        0.300 > api is ready
        0.300   api: ready · 0ns after restart
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
        0.000   spawn api 1 · at startup
        0.000 > stop api
        0.100 > api started
        0.100   SIGTERM to api 1
        0.200 > api dies of SIGTERM
        0.200   api: stopped · SIGTERM · 200ms after the signal
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
        0.000   spawn api 1 · at startup
        0.000 > kill api
        0.100 > api started
        0.100   SIGKILL to api 1
        0.100   api: killed · at once
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
        0.200   spawn api 2 · manually · was exit 0, up 200ms
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
        0.200   api: stopped · exit 0 · 200ms after the signal
    ",
    );
}

#[test]
fn a_restart_during_a_backoff_starts_now_and_counts_afresh() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(2.0).exits("api", 1).until(2.1).restart("api").started("api").until(4.1).exits("api", 1);
    s.expect(
        "
        2.000 > api exits 1
        2.000   api: exited · exit 1 · crash 1 of 5 · next try in 1.028s
        2.100 > restart api
        2.100   spawn api 2 · manually · was exit 1, up 2000ms
        2.100 > api started
        4.100 > api exits 1
        4.100   api: exited · exit 1 · crash 1 of 5 · next try in 914ms
    ",
    );
}

#[test]
fn a_stop_during_a_backoff_calls_the_next_try_off() {
    let mut s = Scenario::running(vec![checked("api")]);
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
        5.000   db: killed · after 5s grace
        10.000   db: still running after SIGKILL · pid 101
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
        1.000   db: killed · at once
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
        0.000   db: killed · at once
        0.100 > db dies of SIGKILL
        0.100   spawn db 2 · manually · was SIGKILL, up 100ms
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
        5.000   npm: killed · after 5s grace
        6.000 > npm is gone
        6.000   npm: stopped · exit 0 · 6s after the signal
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
        5.000   db: killed · after 5s grace
        6.000 > db dies of SIGKILL
        6.000   db: stopped · SIGKILL · 6s after the signal
    ",
    );
}

#[test]
fn the_end_of_a_group_means_nothing_before_the_end_of_its_leader() {
    let mut s = Scenario::running(vec![service("api")]);
    s.stop("api").gone("api").until(0.1).exits("api", 3);
    s.expect(
        "
        0.000 > stop api
        0.000   SIGTERM to api 1
        0.000 > api is gone
        0.100 > api exits 3
        0.100   api: stopped · exit 3 · 100ms after the signal
    ",
    );
}

#[test]
fn news_of_an_older_run_means_nothing() {
    let mut s = Scenario::running(vec![service("api")]);
    s.restart("api").exits("api", 0).started("api");
    let before = s.phase("api");
    for report in [
        RunReport::Exited { status: ExitStatus::Code(1), group_gone: true },
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
