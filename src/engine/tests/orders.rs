//! Starts that clients order, and what becomes of them; and the ends of runs, by their numbers.

use std::time::Duration;

use crate::domain::{
    Command, Condition, ExitStatus, OrderFate, OrderId, Outcome, RestartPolicy, RunCommand, RunId, ServiceSpec,
    Validate,
};

use super::driver::Scenario;
use super::fixture::{checked, job, needs, service};

fn validated(spec: ServiceSpec) -> ServiceSpec {
    let run = RunCommand::Shell("make".into());
    ServiceSpec { validate: Some(Validate { run, timeout: Duration::from_secs(60) }), ..spec }
}

/// What has become of the first orders of `api`.
fn fates<const N: usize>(s: &Scenario) -> [OrderFate; N] {
    let orders = s.service("api").orders;
    std::array::from_fn(|at| orders.fate(OrderId(u32::try_from(at).unwrap_or_default() + 1)))
}

fn began(run: u32) -> OrderFate {
    OrderFate::Began(RunId(run))
}

fn not_valid() -> OrderFate {
    OrderFate::NotValid("validate failed · exit 1".into())
}

/// How runs of a service have ended, the first ones first.
fn ends(s: &Scenario, name: &str) -> Vec<(u32, Option<Outcome>, bool)> {
    s.service(name).ends.iter().map(|end| (end.run.0, end.outcome, end.again)).collect()
}

#[test]
fn all_that_are_pending_are_answered_by_the_next_start() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0).start("api");
    assert_eq!(s.service("api").orders.pending(), None, "it is up: nothing is to start");
    s.restart("api").restart("api");
    assert_eq!(fates(&s), [OrderFate::Pending, OrderFate::Pending]);
    s.dies("api", 15);
    assert_eq!(fates(&s), [began(2), began(2)]);
    s.started("api").until(5.0).restart("api").start("api").dies("api", 15);
    assert_eq!(fates(&s), [began(2), began(2), began(3), began(3)]);
    assert_eq!(ends(&s, "api"), [(1, None, false), (2, None, false)], "both were asked to end");
}

#[test]
fn one_that_is_not_valid_is_refused_whatever_the_old_run_does() {
    let spec = || validated(ServiceSpec { restart: RestartPolicy::Never, ..checked("api") });
    let starting = || {
        let mut s = Scenario::new(vec![spec()]);
        s.begin().validated("api", 1, None).started("api").until(1.0);
        s
    };
    let (mut starts, mut runs, mut ends, mut is_late) = (starting(), starting(), starting(), starting());
    starts.restart("api");
    runs.ready("api").restart("api");
    ends.restart("api").exits("api", 1);
    is_late.restart("api").until(31.0);
    for s in [&mut starts, &mut runs, &mut ends, &mut is_late] {
        assert_eq!(fates(s), [OrderFate::Pending]);
        s.validated("api", 2, Some("exit 1"));
        assert_eq!(fates(s), [not_valid()]);
    }
    assert_eq!(starts.service("api").run, RunId(1), "it goes on");
    starts.restart("api").validated("api", 3, None).dies("api", 15);
    assert_eq!(fates(&starts), [not_valid(), began(2)]);
}

#[test]
fn a_start_that_joins_a_validation_is_answered_by_it() {
    let mut s = Scenario::new(vec![validated(service("api"))]);
    s.begin().start("api").validated("api", 1, Some("exit 1"));
    assert_eq!(fates(&s), [not_valid()]);
    s.start("api").start("api").validated("api", 2, None);
    assert_eq!(fates(&s), [not_valid(), began(1), began(1)]);
}

#[test]
fn a_stop_a_removal_and_the_end_of_the_group_cancel_what_is_pending() {
    let pending = || {
        let mut s = Scenario::running(vec![service("api"), service("web")]);
        s.until(1.0).restart("api");
        s
    };
    let (mut stopped, mut removed, mut ended) = (pending(), pending(), pending());
    stopped.stop("api");
    removed.reload(vec![service("web")]);
    ended.ask(Command::Quit);
    for s in [&stopped, &removed, &ended] {
        assert_eq!(fates(s), [OrderFate::Cancelled]);
    }
    stopped.start("api").dies("api", 15);
    assert_eq!(fates(&stopped), [OrderFate::Cancelled, began(2)]);
    removed.dies("api", 15).reload(vec![service("api"), service("web")]);
    assert_eq!(fates(&removed), [OrderFate::Cancelled], "it is another service, which knows nothing of the order");
}

#[test]
fn a_run_of_its_own_that_fails_meanwhile_holds_up_no_start_that_was_ordered() {
    // `api` is to follow `db`, of which it is not known yet whether it is replaced.
    let db = ServiceSpec { cascade: true, ..validated(service("db")) };
    let api = needs(checked("api"), "db", Condition::Started);
    let mut s = Scenario::new(vec![db, ServiceSpec { restart: RestartPolicy::Never, ..api }]);
    s.begin().validated("db", 1, None).started("db").started("api").until(1.0);
    s.save("a.rs", &["db"]).until(2.0).restart("api").until(31.0).forget();
    assert_eq!(fates(&s), [OrderFate::Pending]);
    s.dies("api", 15);
    s.expect(
        "
        31.000 > api dies of SIGTERM
        31.000   spawn api 2 · manually · was not ready in 30s, up 31000ms
    ",
    );
    assert_eq!(fates(&s), [began(2)]);
    assert_eq!(ends(&s, "api"), [(1, Some(Outcome::NotReady), false)]);
}

#[test]
fn each_end_is_told_by_the_number_of_its_run() {
    let mut s = Scenario::new(vec![checked("api"), ServiceSpec { retries: 1, ..job("job") }]);
    s.begin().started("api").started("job").until(1.0).exits("job", 3).until(2.5).started("job").exits("job", 0);
    assert_eq!(
        ends(&s, "job"),
        [(1, Some(Outcome::Failed(ExitStatus::Code(3))), true), (2, Some(Outcome::Done), false)]
    );
    s.until(31.0).dies("api", 15).restart("api").not_started("api").start("api").started("api").stop("api");
    assert_eq!(ends(&s, "api").len(), 2, "it is being stopped");
    s.leaves_others("api", 0).gone("api");
    assert_eq!(
        ends(&s, "api"),
        [(1, Some(Outcome::NotReady), false), (2, Some(Outcome::NotStarted), false), (3, None, false)]
    );
    let exits: Vec<_> = s.service("api").ends.iter().map(|end| end.exit.map(|exit| exit.status)).collect();
    assert_eq!(exits, [Some(ExitStatus::Signal(15)), None, Some(ExitStatus::Code(0))]);
}
