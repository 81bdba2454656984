//! What became of services, phase by phase.

use std::sync::Arc;

use super::*;
use crate::domain::{ExitStatus, OrderId};

const NOW: Moment = Moment::from_millis(5);
const RUN_3: Ordered = Ordered::Run(RunId(3));
const RUN_4: Ordered = Ordered::Run(RunId(4));
const ORDER: Ordered = Ordered::Start(OrderId(1));

impl WaitGoal {
    /// As `result`, in one word, when every run has lasted.
    fn late(self, service: &ServiceSnapshot) -> Option<Became> {
        self.result(service, NOW + SETTLED).ok().map(|known| known.became)
    }

    fn reason(self, service: &ServiceSnapshot) -> String {
        self.result(service, NOW + SETTLED).ok().and_then(|known| known.reason).unwrap_or_default()
    }
}

fn service(run: u32, phase: Phase) -> ServiceSnapshot {
    let pid = phase.live_run().map(|_| 7);
    ServiceSnapshot { pid, ..ServiceSnapshot::blank("api", RunId(run), phase, NOW) }
}

fn running(run: u32) -> ServiceSnapshot {
    service(run, Phase::Running { run: RunId(run), since: NOW, ready: false })
}

fn starting(run: u32) -> ServiceSnapshot {
    service(run, Phase::Starting { run: RunId(run), since: NOW, ready_by: None, spawned: true })
}

fn validating() -> ServiceSnapshot {
    service(3, Phase::Validating { since: NOW, until: NOW })
}

fn failed(run: u32) -> ServiceSnapshot {
    with_end(service(run, Phase::Finished(CRASH)), run, Some(CRASH), false)
}

fn backing_off(run: u32) -> ServiceSnapshot {
    with_end(service(run, Phase::Retrying { until: NOW, attempt: 1, after: CRASH }), run, Some(CRASH), true)
}

fn stopped(run: u32) -> ServiceSnapshot {
    with_end(ServiceSnapshot { wanted: false, ..service(run, Phase::Down) }, run, None, false)
}

const CRASH: End = End::Failed(ExitStatus::Code(1));

/// One run more has ended so.
fn with_end(mut service: ServiceSnapshot, run: u32, outcome: Option<End>, again: bool) -> ServiceSnapshot {
    let ends = Arc::make_mut(&mut service.ends);
    ends.push(RunEnd { run: RunId(run), outcome, again, exit: None });
    ends.sort_by_key(|end| end.run);
    service
}

/// A start has been ordered, and this became of it.
fn with_order(mut service: ServiceSnapshot, fate: Option<OrderFate>) -> ServiceSnapshot {
    service.orders.add();
    if let Some(fate) = fate {
        service.orders.answer(fate);
    }
    service
}

fn began(service: ServiceSnapshot) -> ServiceSnapshot {
    with_order(service, Some(OrderFate::Began(RunId(4))))
}

fn job(service: ServiceSnapshot) -> ServiceSnapshot {
    ServiceSnapshot { kind: Kind::Job, ..service }
}

#[test]
fn an_order_is_over_when_its_run_is_up_or_has_failed() {
    let wait_goal = WaitGoal::up(ORDER);
    assert_eq!(wait_goal.late(&with_order(running(3), None)), None, "the old run is none");
    assert_eq!(wait_goal.late(&with_order(validating(), None)), None);
    assert_eq!(wait_goal.late(&began(starting(4))), None);
    assert_eq!(wait_goal.late(&began(running(4))), Some(Became::Ready));
    assert_eq!(wait_goal.late(&began(failed(4))), Some(Became::Failed));
    assert_eq!(wait_goal.late(&began(backing_off(4))), Some(Became::Failed), "the first failure is the answer");
    let crashed_and_again = with_end(running(5), 4, Some(CRASH), true);
    assert_eq!(wait_goal.late(&began(crashed_and_again)), Some(Became::Failed), "even if nobody saw it down");
    let before = with_end(running(4), 3, Some(CRASH), true);
    assert_eq!(wait_goal.late(&began(before)), Some(Became::Ready), "how a run before it ended does not count");
}

#[test]
fn an_order_that_is_refused_or_cancelled_has_failed_whatever_the_old_run_does() {
    let not_valid = || Some(OrderFate::NotValid("validate failed · exit 1".into()));
    let wait_goal = WaitGoal::up(ORDER);
    for old in [starting(3), running(3), validating(), failed(3), backing_off(3), stopped(3)] {
        assert_eq!(wait_goal.late(&with_order(old.clone(), not_valid())), Some(Became::Failed), "{old:?}");
        let cancelled = with_order(old.clone(), Some(OrderFate::Cancelled));
        assert_eq!(wait_goal.late(&cancelled), Some(Became::Stopped), "{old:?}");
    }
    assert_eq!(
        wait_goal.reason(&with_order(starting(3), not_valid())),
        "validate failed · exit 1 · the old run continues"
    );
    assert_eq!(wait_goal.reason(&with_order(stopped(3), not_valid())), "validate failed · exit 1");
    assert_eq!(wait_goal.late(&running(1)), Some(Became::Stopped), "it was taken out of the file, and is back");
}

#[test]
fn a_run_that_is_replaced_before_it_is_up_is_followed_by_the_next_one() {
    let wait_goal = WaitGoal::up(ORDER);
    let replaced = |now: ServiceSnapshot| with_end(began(now), 4, None, false);
    assert_eq!(wait_goal.late(&replaced(starting(5))), None);
    assert_eq!(wait_goal.late(&replaced(running(5))), Some(Became::Ready));
    assert_eq!(wait_goal.late(&replaced(failed(5))), Some(Became::Failed));
    assert_eq!(wait_goal.late(&began(stopped(4))), Some(Became::Stopped));
    let invalid = replaced(service(4, Phase::Finished(End::Invalid)));
    assert_eq!(
        (wait_goal.late(&invalid), wait_goal.reason(&invalid)),
        (Some(Became::Failed), "failed `validate`".into())
    );
}

#[test]
fn whoever_waits_for_what_cannot_come_has_failed() {
    let lost = Loss { name: "db".into(), word: "failed", detail: "exit 1".into() };
    let blocked = |lost| service(0, Phase::Blocked { on: vec!["db".into()], lost });
    let goals = [Goal::Ready, Goal::Exit, Goal::Restart];
    let of = |service: &ServiceSnapshot| {
        goals.map(|goal| WaitGoal::goal(goal, service)).into_iter().chain([WaitGoal::up(ORDER)]).collect::<Vec<_>>()
    };
    let hopeless = with_order(blocked(Some(lost.clone())), None);
    for wait_goal in of(&hopeless) {
        assert_eq!(wait_goal.reason(&hopeless), "cannot start: db failed (exit 1)", "{wait_goal:?}");
    }
    let waits = with_order(blocked(None), None);
    assert!(of(&waits).into_iter().all(|wait_goal| wait_goal.late(&waits).is_none()));
    let unasked = blocked(Some(lost));
    assert!(goals.iter().all(|goal| WaitGoal::goal(*goal, &unasked).late(&unasked) == Some(Became::Failed)));
}

#[test]
fn a_service_without_a_readiness_check_is_up_when_it_has_run_for_a_while() {
    let settled = NOW + SETTLED;
    for wait_goal in [WaitGoal::up(RUN_4), WaitGoal::goal(Goal::Ready, &running(3))] {
        assert_eq!(wait_goal.result(&running(4), NOW), Err(Some(settled)), "{wait_goal:?}");
        assert_eq!(wait_goal.late(&running(4)), Some(Became::Ready), "{wait_goal:?}");
        assert_eq!(wait_goal.result(&starting(4), settled), Err(None), "{wait_goal:?}: only news can tell");
        let ready = service(4, Phase::Running { run: RunId(4), since: NOW, ready: true });
        assert_eq!(wait_goal.result(&ready, NOW), Ok(Became::Ready.into()), "{wait_goal:?}");
    }
}

#[test]
fn the_first_failure_of_a_service_counts_even_if_it_is_tried_again() {
    let first = |service: &ServiceSnapshot| first_start(service, NOW).ok().and_then(|known| known.reason);
    assert_eq!(first(&service(0, Phase::Down)), None);
    assert_eq!(first(&backing_off(1)), Some("failed (exit 1), retrying".into()));
    assert_eq!(first(&with_end(running(2), 1, Some(CRASH), true)), Some("failed (exit 1), retrying".into()));
    let open = with_end(service(5, Phase::CrashLoop { until: NOW }), 5, Some(CRASH), true);
    assert_eq!(first(&open), Some("crashed too often".into()));
    let exit = |asked| LastExit { status: ExitStatus::Code(0), at: NOW, uptime: Duration::ZERO, asked, fault: None };
    let not_ready = |asked| {
        let mut service = service(1, Phase::Finished(End::NotReady));
        let end = RunEnd { run: RunId(1), outcome: Some(End::NotReady), again: false, exit: Some(exit(asked)) };
        service.ends = Arc::new(vec![end]);
        service
    };
    assert_eq!(first(&not_ready(true)), Some("not ready in time".into()));
    assert_eq!(first(&not_ready(false)), Some("exited (exit 0) before it was ready".into()));
    let always = with_end(starting(2), 1, Some(End::Done), true);
    assert_eq!(first(&always), Some("exited at once (exit 0), retrying".into()));
}

#[test]
fn a_job_is_up_when_it_has_ended_well() {
    let wait_goal = WaitGoal::up(RUN_4);
    assert_eq!(wait_goal.late(&job(running(4))), None);
    let done = with_end(job(service(4, Phase::Finished(End::Done))), 4, Some(End::Done), false);
    assert_eq!(wait_goal.late(&done), Some(Became::Done));
    let seen_late =
        ServiceSnapshot { wanted: false, ..with_end(job(service(4, Phase::Down)), 4, Some(End::Done), false) };
    assert_eq!(wait_goal.late(&seen_late), Some(Became::Done), "it was stopped when it was done already");
}

#[test]
fn who_only_waits_bears_a_crash_that_is_tried_again() {
    let ready = WaitGoal::goal(Goal::Ready, &backing_off(3));
    assert_eq!(ready.late(&backing_off(3)), None);
    assert_eq!(ready.late(&running(4)), Some(Became::Ready));
    assert_eq!(ready.late(&service(9, Phase::CrashLoop { until: NOW })), Some(Became::Failed));
    assert_eq!(ready.late(&failed(3)), Some(Became::Failed));
}

#[test]
fn a_start_that_is_ordered_already_is_what_is_waited_for() {
    let old = with_order(running(3), None);
    for (goal, became) in [(Goal::Ready, Became::Ready), (Goal::Restart, Became::Restarted)] {
        let wait_goal = WaitGoal::goal(goal, &old);
        assert_eq!(wait_goal.late(&old), None, "{goal:?}: the run that is to be replaced");
        assert_eq!(wait_goal.late(&began(running(4))), Some(became), "{goal:?}");
        let refused = with_order(running(3), Some(OrderFate::NotValid("exit 1".into())));
        assert_eq!(wait_goal.late(&refused), Some(Became::Failed), "{goal:?}");
    }
}

#[test]
fn an_exit_and_a_restart_are_those_of_the_run_that_lives() {
    let (exit, restart) = (WaitGoal::goal(Goal::Exit, &running(3)), WaitGoal::goal(Goal::Restart, &running(3)));
    assert_eq!(exit.late(&running(3)), None);
    assert_eq!(exit.late(&with_end(running(4), 3, Some(CRASH), true)), Some(Became::Failed));
    assert_eq!(exit.late(&with_end(running(4), 3, None, false)), Some(Became::Done), "it was asked to end");
    let then_failed = with_end(failed(4), 3, Some(End::Done), false);
    assert_eq!(exit.late(&then_failed), Some(Became::Done), "of its own run");
    assert_eq!(restart.late(&running(3)), None);
    assert_eq!(restart.late(&running(4)), Some(Became::Restarted));
    assert_eq!(restart.late(&failed(3)), Some(Became::Failed), "none will come by itself");
}

#[test]
fn an_exit_is_of_the_run_that_was_ordered_or_is_to_come_or_was_the_last() {
    let done = |run| with_end(job(service(run, Phase::Finished(End::Done))), run, Some(End::Done), false);
    let last = WaitGoal::goal(Goal::Exit, &done(3));
    assert_eq!(last.late(&done(3)), Some(Became::Done));
    let again = with_end(job(validating()), 3, Some(End::Done), false);
    for before in [with_order(again.clone(), None), again] {
        let exit = WaitGoal::goal(Goal::Exit, &before);
        assert_eq!(exit.late(&before), None, "a start is to come");
        let then = |now: ServiceSnapshot| with_end(job(began(now)), 3, Some(End::Done), false);
        assert_eq!(exit.late(&then(running(4))), None);
        assert_eq!(exit.late(&then(failed(4))), Some(Became::Failed));
        assert_eq!(exit.late(&then(done(4))), Some(Became::Done));
    }
    let invalid = with_end(service(3, Phase::Finished(End::Invalid)), 3, Some(End::Done), false);
    assert_eq!(WaitGoal::goal(Goal::Exit, &invalid).late(&invalid), Some(Became::Failed), "the last start was refused");
    let never = ServiceSnapshot { wanted: false, ..service(0, Phase::Down) };
    assert_eq!(WaitGoal::goal(Goal::Exit, &never).late(&never), Some(Became::Stopped));
}

#[test]
fn the_exit_of_a_job_that_is_replaced_is_that_of_the_run_that_takes_its_place() {
    let exit = WaitGoal::goal(Goal::Exit, &job(running(3)));
    let replaced = |now: ServiceSnapshot| with_end(job(now), 3, None, false);
    assert_eq!(exit.late(&replaced(validating())), None);
    assert_eq!(exit.late(&replaced(running(4))), None);
    assert_eq!(exit.late(&replaced(failed(4))), Some(Became::Failed));
    assert_eq!(exit.late(&job(stopped(3))), Some(Became::Stopped));
}

#[test]
fn a_stop_is_over_when_its_run_does_not_live() {
    let wait_goal = WaitGoal::down(RUN_3);
    assert_eq!(wait_goal.late(&running(3)), None);
    assert_eq!(wait_goal.late(&stopped(3)), Some(Became::Stopped));
    assert_eq!(wait_goal.late(&running(4)), Some(Became::Stopped), "somebody has started it meanwhile");
    let done = ServiceSnapshot { wanted: false, ..service(3, Phase::Finished(End::Done)) };
    assert_eq!(wait_goal.late(&done), Some(Became::Stopped));
}
