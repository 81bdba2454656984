//! Those that depend on others, as stories: what they are told, and when they follow.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::domain::{
    Command, Condition, ExitStatus, HISTORY, Phase, RestartPolicy, RunCommand, RunId, RunRecord, ServiceName,
    ServiceSpec, Validate,
};
use crate::engine::Event;

use super::driver::Scenario;
use super::fixture::{checked, job, needs, service};

fn chain() -> Vec<ServiceSpec> {
    vec![
        ServiceSpec { cascade: true, ..checked("db") },
        needs(job("migrate"), "db", Condition::Ready),
        needs(needs(service("api"), "db", Condition::Ready), "migrate", Condition::Done),
        needs(service("web"), "api", Condition::Ready),
        service("mail"),
    ]
}

fn running() -> Scenario {
    let mut s = Scenario::new(chain());
    s.begin().started("db").started("mail").ready("db").started("migrate").exits("migrate", 0);
    s.started("api").started("web").expect(
        "
        0.000 > begin
        0.000   spawn db 1 · at startup
        0.000   migrate: waiting for db to be ready
        0.000   api: waiting for db to be ready, migrate to be done
        0.000   web: waiting for api to be ready
        0.000   spawn mail 1 · at startup
        0.000 > db started
        0.000 > mail started
        0.000 > db is ready
        0.000   db: ready · 0ns after start
        0.000   spawn migrate 1 · at startup
        0.000 > migrate started
        0.000 > migrate exits 0
        0.000   migrate: exited · exit 0
        0.000   spawn api 1 · at startup
        0.000 > api started
        0.000   spawn web 1 · at startup
        0.000 > web started
    ",
    );
    s
}

#[test]
fn a_cascade_restarts_them_after_it_and_leaves_what_is_done() {
    let mut s = running();
    s.restart("db")
        .dies("db", 15)
        .dies("web", 15)
        .dies("api", 15)
        .started("db")
        .ready("db")
        .started("api")
        .started("web");
    s.expect(
        "
        0.000 > restart db
        0.000   SIGTERM to db 1
        0.000 > db dies of SIGTERM
        0.000   spawn db 2 · manually · was SIGTERM, up 0ms
        0.000   SIGTERM to api 1
        0.000   SIGTERM to web 1
        0.000 > web dies of SIGTERM
        0.000   web: waiting for api to be ready
        0.000 > api dies of SIGTERM
        0.000   api: waiting for db to be ready
        0.000 > db started
        0.000 > db is ready
        0.000   db: ready · 0ns after restart
        0.000   spawn api 2 · db restarted · was SIGTERM, up 0ms
        0.000 > api started
        0.000   spawn web 2 · db restarted · was SIGTERM, up 0ms
        0.000 > web started
    ",
    );
    assert_eq!(s.service("api").restarts.dependency, 1);
    assert_eq!(s.service("web").restarts.dependency, 1);
    assert_eq!((s.service("migrate").run, s.service("mail").run), (RunId(1), RunId(1)));
}

/// As [`running`], with a validation of `db`.
fn validated() -> Scenario {
    let mut chain = chain();
    let run = RunCommand::Shell("make db".to_owned());
    chain[0].validate = Some(Validate { run, timeout: Duration::from_secs(60) });
    chain.push(needs(service("log"), "db", Condition::Started));
    let mut s = Scenario::new(chain);
    s.begin()
        .started("mail")
        .validated("db", 1, None)
        .started("db")
        .started("log")
        .ready("db")
        .started("migrate")
        .exits("migrate", 0);
    s.started("api").started("web").until(1.0).save("lib.rs", &["db", "api", "web"]).until(2.0);
    s
}

#[test]
fn who_has_changed_with_what_takes_it_along_restarts_once_after_that_has_been_validated() {
    let mut s = validated();
    assert_eq!((s.doing("db"), s.doing("api"), s.doing("web")), ("validating", "running", "running"));
    // More changes add up.
    s.save("web.rs", &["web"]).until(3.0).validated("db", 2, None).dies("db", 15);
    s.dies("api", 15).dies("web", 15).started("db").ready("db").started("api").started("web");
    for name in ["db", "api", "web"] {
        let counts = s.service(name).restarts;
        assert_eq!((s.service(name).run, counts.change, counts.dependency), (RunId(2), 1, 0), "{name}");
    }
    s.until(100.0);
    assert_eq!(s.phase("web").word(), "running");
}

#[test]
fn who_has_changed_with_what_is_kept_restarts_by_itself() {
    let mut s = validated();
    s.validated("db", 2, Some("exit 1")).dies("api", 15).dies("web", 15).started("api").started("web").until(9.0);
    assert_eq!(s.service("db").run, RunId(1));
    assert_eq!((s.service("api").run, s.service("api").restarts.change), (RunId(2), 1));
    assert_eq!((s.service("web").run, s.service("web").restarts.change), (RunId(2), 1));
}

#[test]
fn who_has_changed_with_what_had_failed_and_takes_it_along_restarts_once_as_well() {
    let mut s = validated();
    s.validated("db", 2, Some("exit 1")).dies("api", 15).dies("web", 15).started("api").started("web");
    s.until(60.0).exits("db", 1);
    assert_eq!((s.phase("db").word(), s.phase("log").word()), ("retrying", "running"));
    let before = s.service("log").run;
    s.save("log.rs", &["db", "log"]).until(60.5);
    assert_eq!((s.doing("db"), s.doing("log")), ("validating", "running"));
    s.validated("db", 3, None).dies("log", 15).started("db").ready("db").started("log").until(99.0);
    assert_eq!((s.phase("log").word(), s.service("log").run), ("running", before.next()));
}

#[test]
fn who_waits_to_follow_can_be_stopped_and_goes_on_if_its_change_is_undone() {
    let mut s = validated();
    s.stop("api").dies("api", 15).validated("db", 2, Some("exit 1"));
    assert_eq!(s.phase("api"), Phase::Down);
    let mut s = validated();
    s.same(&["lib.rs"]).save("lib.rs", &["web"]).until(3.0).validated("db", 2, Some("exit 1"));
    assert_eq!((s.phase("web").word(), s.service("web").run), ("running", RunId(1)));
}

#[test]
fn who_has_changed_with_what_takes_it_along_from_afar_is_no_quicker_than_that() {
    let mut s = running();
    s.save("lib.rs", &["db", "web"]).until(1.0);
    assert_eq!((s.phase("db").word(), s.phase("web").word()), ("stopping", "running"));
    s.dies("db", 15);
    s.dies("web", 15).dies("api", 15).started("db").ready("db").started("api").started("web");
    assert_eq!((s.service("web").run, s.service("web").restarts.change), (RunId(2), 1));
}

#[test]
fn a_cascade_follows_a_crash_as_well_but_not_a_first_start() {
    let mut s = running();
    s.exits("db", 1).until(2.0);
    assert_eq!((s.phase("db").word(), s.phase("api").word()), ("starting", "stopping"));
    assert_eq!(s.service("mail").phase.word(), "running");
}

#[test]
fn a_cascade_does_not_start_what_nobody_wants() {
    let mut s = running();
    s.stop("web").dies("web", 15).restart("db").dies("db", 15);
    assert_eq!(s.phase("web"), Phase::Down);
}

#[test]
fn a_dependency_that_is_lost_is_told_to_all_that_wait_and_to_those_that_run() {
    let db = ServiceSpec { restart: RestartPolicy::Never, ..checked("db") };
    let mut s = Scenario::new(vec![
        db,
        needs(service("api"), "db", Condition::Ready),
        needs(service("web"), "api", Condition::Ready),
        needs(service("log"), "db", Condition::Started),
    ]);
    s.begin().started("db").started("log").until(1.0).exits("db", 3).until(2.0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn db 1 · at startup
        0.000   api: waiting for db to be ready
        0.000   web: waiting for api to be ready
        0.000   log: waiting for db to start
        0.000 > db started
        0.000   spawn log 1 · at startup
        0.000 > log started
        1.000 > db exits 3
        1.000   db: exited · exit 3
        1.000   api: blocked · db failed (exit 3)
        1.000   web: blocked · db failed (exit 3)
        1.000   log: db failed (exit 3)
    ",
    );
    for name in ["api", "web"] {
        let Phase::Blocked { lost: Some(lost), .. } = s.phase(name) else { panic!("{:?}", s.phase(name)) };
        assert_eq!(lost.to_string(), "db failed (exit 3)");
    }
    // Somebody tries again: they wait as before.
    s.start("db");
    assert!(matches!(s.phase("web"), Phase::Blocked { lost: None, .. }));
    s.stop("db").started("db").dies("db", 15);
    let Phase::Blocked { lost: Some(lost), .. } = s.phase("api") else { panic!("{:?}", s.phase("api")) };
    assert_eq!(lost.to_string(), "db stopped");
}

#[test]
fn a_crash_that_will_be_tried_again_is_no_loss() {
    let mut s = Scenario::new(vec![checked("db"), needs(service("api"), "db", Condition::Ready)]);
    s.begin().started("db").ready("db").exits("db", 1).stop("api").exits("api", 0).start("api");
    assert_eq!(s.phase("api"), Phase::Blocked { on: vec!["db".into()], lost: None });
}

#[test]
fn runs_that_are_over_are_remembered_with_those_of_earlier_calls() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let earlier = RunRecord {
        run: RunId(7),
        began: start - Duration::from_secs(60),
        cause: "manual".into(),
        reason: "manually".into(),
        files: None,
        ready_after: None,
        uptime: Duration::from_secs(1),
        exit: Some(ExitStatus::Code(0)),
        asked: true,
        fault: None,
    };
    let past = [(ServiceName::from("db"), Arc::new(vec![earlier.clone()]))].into();
    let mut s = Scenario::new(vec![checked("db")]);
    s.event("recall", Event::Recall { start, past });
    s.begin().until(1.0).started("db").until(1.5).ready("db").save("a.sql", &["db"]).until(2.0).dies("db", 15);
    s.not_started("db");
    let history = s.service("db").history;
    assert_eq!(history.len(), 3);
    assert_eq!(history[0], earlier);
    assert_eq!((history[1].began, history[1].ready_after), (start, Some(Duration::from_millis(500))));
    assert_eq!((&*history[1].cause, history[1].exit), ("first", Some(ExitStatus::Signal(15))));
    assert_eq!((history[1].uptime, history[1].asked), (Duration::from_secs(1), true));
    assert_eq!((&*history[2].reason, history[2].exit), ("a.sql changed", None));
    assert_eq!(history[2].files.as_ref().map(|files| &*files.first), Some("a.sql"));
    for _ in 0..60 {
        s.start("db").started("db").kill("db").dies("db", 9);
    }
    let history = s.service("db").history;
    assert_eq!(history.len(), HISTORY);
    assert_eq!(history.last().map(|record| record.run), Some(s.service("db").run));
}

/// `db` and what needs it, both up; then `db` fails for good.
fn without_db() -> Scenario {
    let db = ServiceSpec { restart: RestartPolicy::Never, ..checked("db") };
    let mut s = Scenario::running(vec![db, needs(service("api"), "db", Condition::Ready)]);
    s.until(5.0).exits("db", 3).forget();
    s
}

#[test]
fn a_save_does_not_take_down_what_could_not_start_again() {
    let mut s = without_db();
    s.until(6.0).save("a.rs", &["api"]).until(7.0);
    let api = s.service("api");
    assert_eq!((api.state(), api.stale, api.reason.as_deref()), ("running", true, Some("waiting for db to be ready")));
    // Once, whatever else is saved; and what is saved adds up.
    s.save("b.rs", &["api"]).until(9.0).start("db").started("db").until(9.5).ready("db").dies("api", 15);
    s.expect(
        "
        6.000 > a.rs is saved
        6.020   api: stale · a.rs changed · waiting for db to be ready · db failed (exit 3)
        7.000 > b.rs is saved
        9.000 > start db
        9.000   spawn db 2 · manually · was exit 3, up 5000ms
        9.000 > db started
        9.500 > db is ready
        9.500   db: ready · 500ms after restart
        9.500   SIGTERM to api 1
        9.500 > api dies of SIGTERM
        9.500   spawn api 2 · a.rs and 1 more changed · was SIGTERM, up 9500ms
    ",
    );
    assert!(!s.service("api").stale);
}

#[test]
fn who_is_kept_without_its_dependency_is_stopped_and_restarted_by_hand_and_can_be_as_before() {
    let mut s = without_db();
    s.save("a.rs", &["api"]).until(6.0).same(&["a.rs"]).save("a.rs", &["api"]).until(7.0);
    assert_eq!((s.service("api").stale, s.service("api").reason), (false, None));
    s.same(&[]).save("a.rs", &["api"]).until(8.0).restart("api");
    assert_eq!((s.phase("api").word(), s.phase("db").word()), ("stopping", "starting"));
    let mut s = without_db();
    s.save("a.rs", &["api"]).until(6.0).stop("api").dies("api", 15);
    assert_eq!((s.phase("api"), s.service("api").stale), (Phase::Down, false));
    // The group ends while it is up: nothing is waited for any more.
    let mut s = without_db();
    s.save("a.rs", &["api"]).until(6.0).ask(Command::Quit);
    assert_eq!((s.service("api").stale, s.service("api").reason), (false, None));
    // It ends by itself: what was to come waits as anybody does.
    let mut s = without_db();
    s.save("a.rs", &["api"]).until(6.0).exits("api", 1);
    assert_eq!((s.service("api").state(), s.service("api").reason.as_deref()), ("blocked", Some("db failed (exit 3)")));
}

#[test]
fn who_is_kept_without_its_dependency_follows_its_cascade_once() {
    let db = ServiceSpec { cascade: true, restart: RestartPolicy::Never, ..checked("db") };
    let mut s = Scenario::running(vec![db, needs(service("api"), "db", Condition::Ready)]);
    s.until(5.0).exits("db", 3).save("a.rs", &["api"]).until(6.0).start("db");
    assert_eq!(s.phase("api").word(), "stopping");
    s.dies("api", 15).started("db").ready("db").until(9.0);
    assert_eq!((s.service("api").run, s.service("api").restarts.change), (RunId(2), 1));
}

#[test]
fn whether_a_change_is_valid_is_known_before_its_dependency_is_back() {
    let run = RunCommand::Shell("make api".to_owned());
    let validate = Some(Validate { run, timeout: Duration::from_secs(60) });
    let api = ServiceSpec { validate, ..needs(service("api"), "db", Condition::Ready) };
    let db = ServiceSpec { restart: RestartPolicy::Never, ..checked("db") };
    let mut s = Scenario::new(vec![db, api]);
    s.begin().started("db").ready("db").validated("api", 1, None).started("api").until(5.0).exits("db", 3).forget();
    s.save("a.rs", &["api"]).until(6.0).validated("api", 2, None).until(7.0);
    s.expect(
        "
        5.000 > a.rs is saved
        5.020   api: validating · make api · a.rs changed
        5.020   validate api 2
        6.000 > api validation 2 ends
        6.000   api: validated · 1.0s
        6.000   api: stale · a.rs changed · waiting for db to be ready · db failed (exit 3)
    ",
    );
    s.start("db").started("db").ready("db");
    assert_eq!(s.phase("api").word(), "stopping");
}
