//! What could not start takes the place of nothing, as stories.

use crate::domain::{Command, Condition, Outcome, Phase, RunCommand, ServiceSpec, Targets};

use super::driver::Scenario;
use super::fixture::{needs, service};

const MISSING: Option<&str> = Some("program not found: ./api");

#[test]
fn a_missing_program_does_not_take_a_service_down_and_the_next_save_tries_again() {
    let mut s = Scenario::running(vec![service("api")]);
    s.lacks("api", MISSING).save("api", &["api"]).until(1.0);
    let api = s.service("api");
    assert_eq!((api.phase.word(), api.stale, api.reason.as_deref()), ("running", true, MISSING));
    s.lacks("api", None).save("api", &["api"]).until(2.0).dies("api", 15).started("api");
    s.expect(
        "
        0.000 > api is saved
        0.020   api: stale · program not found: ./api · save a file or press r
        1.000 > api is saved
        1.020   SIGTERM to api 1
        2.000 > api dies of SIGTERM
        2.000   spawn api 2 · api changed · was SIGTERM, up 2000ms
        2.000 > api started
    ",
    );
    assert!(!s.service("api").stale);
}

#[test]
fn what_is_again_as_it_runs_is_kept_no_more() {
    let mut s = Scenario::running(vec![service("api")]);
    s.lacks("api", MISSING).save("api", &["api"]).until(1.0);
    s.lacks("api", None).same(&["api"]).save("api", &["api"]).until(2.0);
    let api = s.service("api");
    assert_eq!((api.run.0, api.stale, api.reason), (1, false, None));
}

#[test]
fn who_saves_the_file_while_it_is_looked_at_has_it_looked_at_anew() {
    let mut s = Scenario::running(vec![service("api")]);
    s.slow().lacks("api", MISSING).save("api", &["api"]).until(1.0);
    // What was seen before is told after.
    s.lacks("api", None).reload(vec![service("api")]).cannot_start("api", 1, "program not found: ./api");
    s.look_at_starts();
    assert_eq!((s.phase("api").word(), s.service("api").stale), ("stopping", false));
}

#[test]
fn by_hand_it_is_asked_as_well_but_not_by_force() {
    let mut s = Scenario::running(vec![service("api")]);
    s.lacks("api", MISSING).restart("api");
    assert_eq!(s.phase("api").word(), "running");
    s.ask(Command::Restart { targets: Targets::one(&"api".into()), force: true });
    assert_eq!(s.phase("api").word(), "stopping");
}

#[test]
fn a_folder_that_the_file_names_and_that_is_missing_is_asked_for_again_when_the_file_is_saved() {
    let moved = || vec![ServiceSpec { dir: "/work/new".into(), ..service("api") }];
    let problem = Some("folder /work/new: no such file or directory");
    let mut s = Scenario::running(vec![service("api")]);
    s.lacks("api", problem).reload(moved());
    assert_eq!((s.service("api").stale, s.service("api").run.0), (true, 1));
    s.forget().reload(moved()).lacks("api", None).reload(moved());
    s.expect(
        "
        0.000 > the file is saved
        0.000   api: stale · folder /work/new: no such file or directory · save a file or press r
        0.000 > the file is saved
        0.000   SIGTERM to api 1
    ",
    );
}

#[test]
fn a_file_that_is_taken_back_restarts_nothing_that_could_not_start() {
    let mut s = Scenario::running(vec![service("api")]);
    let broken = ServiceSpec { run: RunCommand::Argv(vec!["./apu".into()]), ..service("api") };
    s.lacks("api", Some("program not found: ./apu")).reload(vec![broken]);
    assert!(s.service("api").stale);
    s.lacks("api", None).reload(vec![service("api")]).until(10.0);
    assert_eq!((s.service("api").stale, s.service("api").run.0, s.phase("api").word()), (false, 1, "running"));
}

/// A service that listens on this port.
fn on(name: &str, port: &str) -> ServiceSpec {
    ServiceSpec { env: vec![("PORT".into(), port.into())], ..service(name) }
}

#[test]
fn who_is_given_a_port_waits_for_the_one_that_has_it() {
    // Also as long as it is not known whether that one will be replaced.
    let mut s = Scenario::running(vec![on("api", "4000"), on("web", "4001")]);
    s.reload(vec![on("api", "4001"), on("web", "4000"), on("new", "4000")]);
    s.dies("web", 15);
    assert_eq!((s.phase("web").word(), s.phase("new").word()), ("blocked", "blocked"));
    s.dies("api", 15);
    assert_eq!(["api", "web", "new"].map(|name| s.service(name).run.0), [2, 2, 1]);
    let mut s = Scenario::running(vec![on("api", "4000")]);
    s.lacks("api", MISSING).reload(vec![on("api", "4001"), on("new", "4000")]);
    assert_eq!((s.phase("new").word(), s.service("api").stale), ("starting", true));
}

#[test]
fn those_that_give_each_other_nothing_do_not_wait_for_each_other() {
    let mut s = Scenario::running(vec![on("api", "4000"), on("web", "5000")]);
    s.reload(vec![on("api", "4001"), on("web", "5001"), on("new", "6000")]).dies("web", 15);
    assert_eq!(["api", "web", "new"].map(|name| s.service(name).run.0), [1, 2, 1]);
}

#[test]
fn what_could_not_start_is_not_restarted_after_what_it_depends_on() {
    let db = ServiceSpec { cascade: true, ..service("db") };
    let mut s = Scenario::running(vec![db, needs(service("api"), "db", Condition::Ready)]);
    s.lacks("api", MISSING).save("api", &["api"]).until(1.0).forget();
    s.restart("db").dies("db", 15).started("db");
    s.expect(
        "
        1.000 > restart db
        1.000   SIGTERM to db 1
        1.000 > db dies of SIGTERM
        1.000   spawn db 2 · manually · was SIGTERM, up 1000ms
        1.000   api: stale · not restarted after db · program not found: ./api · save a file or press r
        1.000 > db started
    ",
    );
}

#[test]
fn a_failed_start_says_why_until_the_next_one() {
    let mut s = Scenario::new(vec![service("api")]);
    s.begin().not_started("api");
    let api = s.service("api");
    assert_eq!(
        (api.phase, api.reason.as_deref()),
        (Phase::Finished(Outcome::NotStarted), Some("no such file · waiting for a change to its files · r restarts"))
    );
    s.start("api");
    assert_eq!(s.service("api").reason, None);
}
