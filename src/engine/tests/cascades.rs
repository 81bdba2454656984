//! `cascade` and `validate` together, as stories: what is refused goes on running.

use std::time::Duration;

use crate::domain::{Command, Condition, RunCommand, RunId, ServiceSpec, Targets, Validate};

use super::driver::Scenario;
use super::fixture::{needs, service};

fn validated(spec: ServiceSpec) -> ServiceSpec {
    let run = RunCommand::Shell("! grep bad a.txt".into());
    ServiceSpec { validate: Some(Validate { run, timeout: Duration::from_secs(60) }), ..spec }
}

fn cascade(name: &str) -> ServiceSpec {
    ServiceSpec { cascade: true, ..service(name) }
}

fn after(spec: ServiceSpec, on: &str) -> ServiceSpec {
    needs(spec, on, Condition::Ready)
}

/// Everything up, for three seconds; first validations have passed.
fn up(services: Vec<ServiceSpec>) -> Scenario {
    let names: Vec<String> = services.iter().map(|spec| spec.name.to_string()).collect();
    let validated: Vec<bool> = services.iter().map(|spec| spec.validate.is_some()).collect();
    let mut s = Scenario::new(services);
    s.begin();
    for (name, validated) in names.iter().zip(validated) {
        if validated {
            s.validated(name, 1, None);
        }
        s.started(name);
    }
    s.until(3.0).forget();
    s
}

fn runs(s: &Scenario) -> Vec<u32> {
    s.snapshot().services.iter().map(|service| service.run.0).collect()
}

#[test]
fn a_dependent_is_validated_before_it_is_taken_along() {
    for failed in [None, Some("exit 1")] {
        let mut s = up(vec![cascade("s0"), validated(after(service("s1"), "s0")), after(service("s2"), "s1")]);
        s.save("a.txt", &["s0", "s1"]).until(3.1).dies("s0", 15).started("s0");
        assert_eq!((s.doing("s1"), s.doing("s2")), ("validating", "running"));
        s.validated("s1", 2, failed);
        if failed.is_some() {
            assert_eq!((s.phase("s1").word(), s.phase("s2").word(), runs(&s)), ("running", "running", vec![2, 1, 1]));
            assert!(s.service("s1").stale);
            // It goes on, whatever becomes of what it depends on.
            s.restart("s0").dies("s0", 15).started("s0").until(60.0);
            assert_eq!((s.phase("s1").word(), runs(&s)), ("running", vec![3, 1, 1]));
            continue;
        }
        s.dies("s1", 15).started("s1").dies("s2", 15).started("s2").until(60.0);
        assert_eq!(runs(&s), [2, 2, 2]);
        assert_eq!((s.service("s1").restarts.change, s.service("s2").restarts.dependency), (1, 1));
    }
}

#[test]
fn a_validation_of_each_decides_for_each() {
    let chain = || {
        vec![
            validated(cascade("s0")),
            validated(after(cascade("s1"), "s0")),
            validated(after(cascade("s2"), "s1")),
            after(service("s3"), "s2"),
        ]
    };
    // The first is refused: nobody is replaced but who passes by itself.
    let mut s = up(chain());
    s.save("a.txt", &["s0", "s1"]).until(3.1);
    assert_eq!((s.doing("s0"), s.doing("s1")), ("validating", "running"));
    s.validated("s0", 2, Some("exit 1")).validated("s1", 2, Some("exit 1")).until(60.0);
    assert_eq!(runs(&s), [1, 1, 1, 1]);
    assert!(s.service("s0").stale && s.service("s1").stale && !s.service("s2").stale);
    // The one in the middle is refused: what is behind it is not taken along.
    let mut s = up(chain());
    s.save("a.txt", &["s0", "s1"]).until(3.1).validated("s0", 2, None).dies("s0", 15).started("s0");
    s.validated("s1", 2, Some("exit 1")).until(60.0);
    assert_eq!((runs(&s), s.phase("s3").word()), (vec![2, 1, 1, 1], "running"));
    // Where no file of theirs has changed, they are asked as well.
    let mut s = up(chain());
    s.save("a.txt", &["s0"]).until(3.1).validated("s0", 2, None).dies("s0", 15).started("s0");
    for name in ["s1", "s2", "s3"] {
        if name != "s3" {
            assert_eq!(s.doing(name), "validating", "{name}");
            s.validated(name, 2, None);
        }
        assert_eq!(s.phase(name).word(), "stopping", "{name}");
        s.dies(name, 15).started(name);
    }
    assert_eq!(runs(&s), [2, 2, 2, 2]);
}

#[test]
fn what_nobody_has_decided_about_is_validated_before_a_cascade() {
    let mut s = up(vec![cascade("s0"), validated(after(service("s1"), "s0"))]);
    s.ask(Command::Pause { services: vec!["s1".into()] }).save("a.txt", &["s1"]).until(4.0);
    s.restart("s0").dies("s0", 15).started("s0");
    assert_eq!(s.doing("s1"), "validating");
    s.validated("s1", 2, Some("exit 1")).until(60.0);
    assert_eq!((s.phase("s1").word(), s.service("s1").run, s.service("s1").stale), ("running", RunId(1), true));
}

/// Its `validate` may look at files that it does not watch.
#[test]
fn a_dependent_that_watches_nothing_is_validated_before_a_cascade() {
    let mut s = up(vec![cascade("s0"), validated(after(service("s1"), "s0"))]);
    s.save("a.txt", &["s0"]).until(3.1).dies("s0", 15).started("s0");
    assert_eq!(s.doing("s1"), "validating");
    s.validated("s1", 2, Some("exit 1")).until(60.0);
    assert_eq!((s.phase("s1").word(), runs(&s), s.service("s1").stale), ("running", vec![2, 1], true));
    s.save("a.txt", &["s0"]).until(60.1).dies("s0", 15).started("s0");
    assert_eq!((s.phase("s1").word(), runs(&s)), ("running", vec![3, 1]), "what was refused goes on");
}

#[test]
fn by_force_nobody_is_asked() {
    let mut s = up(vec![service("s0"), validated(after(service("s1"), "s0"))]);
    s.save("a.txt", &["s1"]).until(3.1).validated("s1", 2, Some("exit 1"));
    s.ask(Command::Restart { targets: Targets::WithDependents(vec!["s0".into()]), force: true })
        .dies("s0", 9)
        .dies("s1", 9);
    s.started("s0").started("s1");
    assert_eq!((runs(&s), s.service("s1").stale), (vec![2, 2], false));
}

#[test]
fn a_half_written_environment_file_does_not_take_a_service_down() {
    let api = ServiceSpec { env_files: vec!["/work/.env".into()], ..service("api") };
    let mut s = up(vec![api]);
    s.save(".env", &["api"]).until(3.1);
    assert_eq!(s.phase("api").word(), "running", "that it is read is nothing to show");
    s.cannot_start("api", 1, ".env:2: a quote is not closed").until(4.0);
    assert!(s.service("api").stale);
    s.save(".env", &["api"]).until(5.0).validated("api", 2, None).dies("api", 15);
    s.expect(
        "
        3.000 > .env is saved
        3.020   validate api 1
        3.100 > api validation 1 ends
        3.100   api: stale · .env:2: a quote is not closed · save a file or press r
        4.000 > .env is saved
        4.020   validate api 2
        5.000 > api validation 2 ends
        5.000   SIGTERM to api 1
        5.000 > api dies of SIGTERM
        5.000   spawn api 2 · .env changed · was SIGTERM, up 5000ms
    ",
    );
}

#[test]
fn a_dependent_that_has_never_worked_is_tried_once_after_each_restart_of_what_it_needs() {
    let mut s = up(vec![cascade("s0"), after(service("s1"), "s0")]);
    // It has worked: a failure is a crash.
    s.restart("s0").dies("s0", 15).started("s0").dies("s1", 15).started("s1").exits("s1", 1);
    assert_eq!(s.phase("s1").word(), "retrying");
    s.restart("s1").started("s1").exits("s1", 1);
    let now = |s: &Scenario| (s.phase("s1").word(), s.service("s1").run.0, s.service("s1").restarts.crash);
    assert_eq!(now(&s), ("failed", 3, 1), "it is not started again by itself: that is no restart");
    s.restart("s0").dies("s0", 15).started("s0").started("s1").exits("s1", 1).until(60.0);
    assert_eq!(now(&s), ("failed", 4, 1), "it has not worked");
}
