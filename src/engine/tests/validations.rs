//! `validate`, as stories: a run is replaced only by one that has a chance.

use std::time::Duration;

use crate::domain::{
    Command, Condition, Outcome, Phase, RestartPolicy, RunCommand, ServiceSpec, Targets, Validate, Verdict,
};

use super::driver::Scenario;
use super::fixture::{checked, needs, service};

fn validated(name: &str) -> ServiceSpec {
    let run = RunCommand::Shell(format!("make {name}"));
    ServiceSpec { validate: Some(Validate { run, timeout: Duration::from_secs(60) }), ..service(name) }
}

/// A scenario in which it is up.
fn up(spec: ServiceSpec) -> Scenario {
    let mut s = Scenario::new(vec![spec]);
    s.begin().validated("api", 1, None).started("api");
    s.expect(
        "
        0.000 > begin
        0.000   api: validating · make api · at startup
        0.000   validate api 1
        0.000 > api validation 1 ends
        0.000   api: validated · 0.0s
        0.000   spawn api 1 · at startup
        0.000 > api started
    ",
    );
    s
}

#[test]
fn runs_beside_the_old_run_and_then_replaces_it() {
    let mut s = up(validated("api"));
    s.until(1.0).save("src/a.rs", &["api"]).until(2.0);
    assert!(s.phase("api").live_run().is_some() && s.service("api").validating.is_some());
    assert_eq!(s.service("api").pid, Some(101));
    s.validated("api", 2, None).until(2.1).dies("api", 15).started("api");
    s.expect(
        "
        1.000 > src/a.rs is saved
        1.020   api: validating · make api · src/a.rs changed
        1.020   validate api 2
        2.000 > api validation 2 ends
        2.000   api: validated · 1.0s
        2.000   SIGTERM to api 1
        2.100 > api dies of SIGTERM
        2.100   spawn api 2 · src/a.rs changed · was SIGTERM, up 2100ms
        2.100 > api started
    ",
    );
    assert_eq!(s.service("api").restarts.change, 1);
}

#[test]
fn that_fails_keeps_the_old_run_and_the_next_change_tries_again_with_all_that_has_changed() {
    let mut s = up(validated("api"));
    s.until(1.0).save("src/a.rs", &["api"]).until(2.0).validated("api", 2, Some("exit 101")).until(3.0);
    assert!(s.service("api").stale && matches!(s.phase("api"), Phase::Running { .. }));
    assert_eq!(s.engine.next_deadline(), None);
    s.save("src/b.rs", &["api"]).until(4.0).validated("api", 3, None).dies("api", 15);
    s.expect(
        "
        1.000 > src/a.rs is saved
        1.020   api: validating · make api · src/a.rs changed
        1.020   validate api 2
        2.000 > api validation 2 ends
        2.000   api: stale · validate failed · exit 101 · save a file or press r
        3.000 > src/b.rs is saved
        3.020   api: validating · make api · src/a.rs and 1 more changed
        3.020   validate api 3
        4.000 > api validation 3 ends
        4.000   api: validated · 1.0s
        4.000   SIGTERM to api 1
        4.000 > api dies of SIGTERM
        4.000   spawn api 2 · src/a.rs and 1 more changed · was SIGTERM, up 4000ms
    ",
    );
    assert!(!s.service("api").stale);
}

#[test]
fn a_change_meanwhile_starts_it_anew_and_news_of_the_old_one_is_ignored() {
    let mut s = up(validated("api"));
    s.until(1.0).save("src/a.rs", &["api"]).until(2.0).save("src/b.rs", &["api"]).until(3.0);
    s.validated("api", 2, None).validated("api", 3, Some("exit 1"));
    s.expect(
        "
        1.000 > src/a.rs is saved
        1.020   api: validating · make api · src/a.rs changed
        1.020   validate api 2
        2.000 > src/b.rs is saved
        2.020   end validation of api 2
        2.020   api: validating · make api · src/a.rs and 1 more changed
        2.020   validate api 3
        3.000 > api validation 2 ends
        3.000 > api validation 3 ends
        3.000   api: stale · validate failed · exit 1 · save a file or press r
    ",
    );
}

#[test]
fn is_over_when_the_files_are_again_what_runs() {
    let mut s = up(validated("api"));
    s.until(1.0).save("src/a.rs", &["api"]).until(2.0).validated("api", 2, Some("exit 1")).same(&["src/a.rs"]);
    s.save("src/a.rs", &["api"]).until(3.0);
    assert!(!s.service("api").stale);
    s.same(&[]).save("src/a.rs", &["api"]).until(4.0).same(&["src/a.rs"]).save("src/a.rs", &["api"]).until(5.0);
    assert_eq!(s.phase("api").word(), "running");
    s.expect(
        "
        1.000 > src/a.rs is saved
        1.020   api: validating · make api · src/a.rs changed
        1.020   validate api 2
        2.000 > api validation 2 ends
        2.000   api: stale · validate failed · exit 1 · save a file or press r
        2.000 > src/a.rs is saved
        3.000 > src/a.rs is saved
        3.020   api: validating · make api · src/a.rs changed
        3.020   validate api 3
        4.000 > src/a.rs is saved
        4.020   end validation of api 3
    ",
    );
}

#[test]
fn that_takes_too_long_has_failed() {
    let mut s = up(validated("api"));
    s.until(1.0).save("src/a.rs", &["api"]).until(70.0);
    s.expect(
        "
        1.000 > src/a.rs is saved
        1.020   api: validating · make api · src/a.rs changed
        1.020   validate api 2
        61.020   end validation of api 2
        61.020   api: stale · validate failed · timed out after 1m · save a file or press r
    ",
    );
    assert!(s.service("api").stale);
}

#[test]
fn before_the_first_start_a_failure_waits_for_a_change() {
    let mut s = Scenario::new(vec![validated("api"), needs(service("web"), "api", Condition::Ready)]);
    s.begin().validated("api", 1, Some("exit 101")).until(100.0);
    assert_eq!(s.phase("api"), Phase::Finished(Outcome::Invalid));
    s.save("src/a.rs", &["api"]).until(101.0);
    assert!(matches!(s.phase("api"), Phase::Validating { .. }));
    s.validated("api", 2, None);
    s.expect(
        "
        0.000 > begin
        0.000   api: validating · make api · at startup
        0.000   validate api 1
        0.000   web: waiting for api to be ready
        0.000 > api validation 1 ends
        0.000   api: not started · validate failed · exit 101 · save a file or press s
        0.000   web: blocked · api failed (validate failed)
        100.000 > src/a.rs is saved
        100.020   api: validating · make api · src/a.rs changed
        100.020   validate api 2
        101.000 > api validation 2 ends
        101.000   api: validated · 1.0s
        101.000   spawn api 1 · src/a.rs changed
    ",
    );
}

#[test]
fn is_asked_for_by_hand_as_well_but_not_by_force() {
    let mut s = up(validated("api"));
    s.restart("api").validated("api", 2, Some("exit 1"));
    s.expect(
        "
        0.000 > restart api
        0.000   api: validating · make api · manually
        0.000   validate api 2
        0.000 > api validation 2 ends
        0.000   api: stale · validate failed · exit 1 · save a file or press r
    ",
    );
    s.ask(Command::Restart { targets: Targets::one(&"api".into()), force: true }).dies("api", 9);
    s.expect(
        "
        0.000 > force restart api
        0.000   SIGKILL to api 1
        0.000   api: killed · at once
        0.000 > api dies of SIGKILL
        0.000   spawn api 2 · manually · was SIGKILL, up 0ms
    ",
    );
}

#[test]
fn is_not_asked_after_a_crash_unless_the_files_have_not_passed() {
    let mut s = up(validated("api"));
    s.until(2.0).exits("api", 1).until(3.5).started("api");
    s.expect(
        "
        2.000 > api exits 1
        2.000   api: exited · exit 1 · crash 1 of 5 · next try in 1.028s
        3.028   spawn api 2 · after crash 1 of 5 · was exit 1, up 2000ms
        3.500 > api started
    ",
    );
    s.save("src/a.rs", &["api"]).until(4.0).validated("api", 2, Some("exit 101")).exits("api", 1).until(6.0);
    s.validated("api", 3, Some("exit 101"));
    assert_eq!(s.phase("api"), Phase::Finished(Outcome::Invalid));
    s.expect(
        "
        3.500 > src/a.rs is saved
        3.520   api: validating · make api · src/a.rs changed
        3.520   validate api 2
        4.000 > api validation 2 ends
        4.000   api: stale · validate failed · exit 101 · save a file or press r
        4.000 > api exits 1
        4.000   api: exited · exit 1 · crash 1 of 5 · next try in 914ms
        4.914   api: validating · make api · after crash 1 of 5
        4.914   validate api 3
        6.000 > api validation 3 ends
        6.000   api: not started · validate failed · exit 101 · save a file or press s
    ",
    );
}

#[test]
fn goes_on_when_the_old_run_ends_meanwhile() {
    for (failed, ends) in [(None, "starting"), (Some("exit 1"), "retrying")] {
        let mut s = up(validated("api"));
        s.until(3.0).save("src/a.rs", &["api"]).until(3.5).exits("api", 1);
        assert_eq!(s.doing("api"), "validating");
        s.validated("api", 2, failed);
        assert_eq!(s.phase("api").word(), ends);
    }
}

#[test]
fn that_is_called_off_when_the_old_run_has_ended_begins_anew() {
    let mut s = Scenario::new(vec![ServiceSpec { restart: RestartPolicy::Never, ..validated("api") }]);
    s.begin().validated("api", 1, None).started("api").until(1.0).restart("api").exits("api", 1);
    s.ask(Command::Pause { services: vec![] }).save("a.rs", &["api"]).until(2.0).forget();
    s.ask(Command::Resume { services: vec![], discard: true });
    s.expect(
        "
        2.000 > resume and discard
        2.000   end validation of api 2
        2.000   api: validating · make api · manually
        2.000   validate api 3
    ",
    );
    s.validated("api", 3, None);
    assert_eq!(s.service("api").run.0, 2);
}

#[test]
fn is_cancelled_by_a_stop_and_by_the_end() {
    let mut s = up(validated("api"));
    s.save("src/a.rs", &["api"]).until(0.5).stop("api").dies("api", 15).validated("api", 2, None);
    s.expect(
        "
        0.000 > src/a.rs is saved
        0.020   api: validating · make api · src/a.rs changed
        0.020   validate api 2
        0.500 > stop api
        0.500   SIGTERM to api 1
        0.500   end validation of api 2
        0.500 > api dies of SIGTERM
        0.500   api: stopped · SIGTERM · 0ns after the signal
        0.500 > api validation 2 ends
    ",
    );
    assert_eq!(s.phase("api"), Phase::Down);
    let mut s = Scenario::new(vec![validated("api")]);
    s.begin().stop("api");
    assert_eq!(s.phase("api"), Phase::Down);
    s.start("api").ask(Command::Quit);
    s.expect(
        "
        0.000 > begin
        0.000   api: validating · make api · at startup
        0.000   validate api 1
        0.000 > stop api
        0.000   end validation of api 1
        0.000 > start api
        0.000   api: validating · make api · manually
        0.000   validate api 2
        0.000 > quit
        0.000   end validation of api 2
        0.000   finish · 0 stopped in 0ms · given up [] · failed []
    ",
    );
}

#[test]
fn a_change_while_the_old_run_stops_is_validated_before_the_start() {
    let mut s = up(validated("api"));
    s.save("src/a.rs", &["api"]).until(0.5).validated("api", 2, None).save("src/b.rs", &["api"]).until(1.0);
    s.dies("api", 15).validated("api", 3, None);
    s.expect(
        "
        0.000 > src/a.rs is saved
        0.020   api: validating · make api · src/a.rs changed
        0.020   validate api 2
        0.500 > api validation 2 ends
        0.500   api: validated · 0.5s
        0.500   SIGTERM to api 1
        0.500 > src/b.rs is saved
        1.000 > api dies of SIGTERM
        1.000   api: validating · make api · src/a.rs and 1 more changed
        1.000   validate api 3
        1.000 > api validation 3 ends
        1.000   api: validated · 0.0s
        1.000   spawn api 2 · src/a.rs and 1 more changed · was SIGTERM, up 1000ms
    ",
    );
}

#[test]
fn does_not_hide_readiness_from_dependents_nor_end_its_own_start() {
    let api = ServiceSpec { ready: checked("x").ready, ..validated("api") };
    let mut s = Scenario::new(vec![api, needs(service("web"), "api", Condition::Ready)]);
    s.begin().validated("api", 1, None).started("api").save("src/a.rs", &["api"]).until(1.0);
    assert_eq!(s.doing("api"), "validating");
    s.ready("api").started("web");
    assert_eq!((s.doing("web"), s.doing("api")), ("running", "validating"));
    s.validated("api", 2, Some("exit 1"));
    assert_eq!(s.phase("api").word(), "ready");
}

#[test]
fn with_dependents_they_follow_only_if_it_is_replaced() {
    let services = || vec![validated("api"), needs(service("web"), "api", Condition::Ready)];
    for failed in [None, Some("exit 1")] {
        let mut s = Scenario::new(services());
        s.begin().validated("api", 1, None).started("api").started("web");
        s.ask(Command::Restart { targets: Targets::WithDependents(vec!["api".into()]), force: false });
        assert_eq!((s.doing("api"), s.doing("web")), ("validating", "running"));
        s.validated("api", 2, failed);
        if failed.is_some() {
            assert_eq!((s.phase("api").word(), s.phase("web").word()), ("running", "running"));
            continue;
        }
        s.dies("api", 15);
        assert_eq!((s.phase("api").word(), s.phase("web").word()), ("starting", "stopping"));
        s.dies("web", 15).started("api").started("web");
        assert_eq!((s.service("api").restarts.manual, s.service("web").restarts.dependency), (1, 1));
    }
}

#[test]
fn of_files_that_have_changed_back_meanwhile_says_nothing() {
    let mut s = up(validated("api"));
    s.until(3.0).save("src/a.rs", &["api"]).restart("api").same(&["src/a.rs"]).save("src/a.rs", &["api"]).until(4.0);
    s.validated("api", 2, Some("exit 1")).validated("api", 3, None).dies("api", 15);
    assert_eq!((s.phase("api").word(), s.service("api").stale), ("starting", false));
}

#[test]
fn the_journal_names_only_those_that_were_restarted() {
    let mut s = Scenario::new(vec![service("web"), validated("api")]);
    s.begin().validated("api", 1, None).started("web").started("api");
    let last = |s: &Scenario| {
        let entry = s.snapshot().journal.entries().next_back().cloned().unwrap();
        (entry.verdict, entry.services.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    s.until(1.0).save("src/a.rs", &["web", "api"]).until(2.0).validated("api", 2, Some("exit 9"));
    assert_eq!(last(&s), (Verdict::Restart, vec!["web".to_owned()]));
    s.until(3.0).save("src/b.rs", &["api"]).until(4.0).validated("api", 3, Some("exit 9"));
    assert_eq!(last(&s), (Verdict::Refused, vec!["api".to_owned()]));
    s.until(5.0).save("src/b.rs", &["api"]).until(6.0).validated("api", 4, None).dies("api", 15).started("api");
    assert_eq!(last(&s), (Verdict::Restart, vec!["api".to_owned()]));
}
