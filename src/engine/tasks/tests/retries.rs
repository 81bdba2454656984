//! Failed tries: waits, time limits, dead letters, and the breaker.

use std::time::Duration;

use crate::domain::{
    BreakerState, FoundTries, LastTry, Moment, Signal, SignalTarget, TaskBreaker, TaskNews, TaskStatus, TryExit,
    WorkerHealth, WorkerSpec,
};
use crate::engine::tasks::{ClaimResult, TaskEffect, TaskEvent};

use super::fixture::{MARIE, World, head, id, spec};

#[test]
fn a_failing_task_waits_one_two_and_four_seconds_and_dies() {
    let mut world = World::working(spec());
    world.drop_task(&head("a"));
    assert_eq!(world.begun(), ["a 1"]);
    for (number, wait) in [(1, 1_000), (2, 2_000), (3, 4_000)] {
        world.writes();
        world.ends("a", 1);
        assert_eq!(world.writes(), [format!("tries a {number} waits {wait}ms")]);
        assert_eq!((world.snapshot().retrying, world.snapshot().active), (1, 0));
        let due = world.now.since_start().as_millis() as u64 + wait;
        world.wait_until(due - 1);
        assert!(world.begun().is_empty(), "before its time");
        world.wait_until(due);
        assert_eq!(world.begun(), [format!("a {}", number + 1)]);
        assert_eq!(world.writes(), [format!("tries a {number} running")]);
    }
    world.news();
    world.ends("a", 1);
    assert_eq!(
        world.writes(),
        ["result a failed 1 3", "letter a max_retries_exceeded: exit 1", "trigger a failed", "removal a"]
    );
    let stats = world.snapshot().stats;
    assert_eq!((stats.processed, stats.failed, stats.retried, stats.dead), (0, 4, 3, 1));
    assert_eq!((world.snapshot().dead, world.snapshot().waiting), (1, 0));
    world.wait_until(60_000);
    assert!(world.begun().is_empty());
}

#[test]
fn what_cannot_be_started_fails_with_its_code() {
    let mut world = World::working(WorkerSpec { retries: 0, ..spec() });
    world.drop_task(&head("a"));
    world.begun();
    world.ends_by("a", TryExit::NotStarted(127, "no such program".into()));
    let writes = world.writes();
    assert!(writes.contains(&"result a failed 127 0".into()), "{writes:?}");
    assert!(
        writes.contains(&"letter a max_retries_exceeded: it could not be started: no such program".into()),
        "{writes:?}"
    );
}

#[test]
fn a_try_that_takes_too_long_is_asked_to_end_and_then_killed() {
    let mut world = World::working(WorkerSpec { retries: 0, ..spec() });
    world.drop_task(&head("a"));
    world.grant(|id| crate::domain::TaskHead { timeout: Some(Duration::from_secs(2)), ..head(id.as_str()) });
    assert_eq!(world.begun(), ["a 1"]);
    let signals = |world: &mut World| {
        let effects = world.take().into_iter();
        let signals = effects.filter_map(|effect| match effect {
            TaskEffect::Signal { signal, target, .. } => Some((signal, target)),
            _ => None,
        });
        signals.collect::<Vec<_>>()
    };
    world.wait_until(1_999);
    assert!(signals(&mut world).is_empty());
    world.wait_until(2_000);
    assert_eq!(signals(&mut world), [(Signal::Term, SignalTarget::Group)]);
    assert_eq!(world.engine.overdue(world.now), [id("a")]);
    world.wait_until(6_999);
    assert!(signals(&mut world).is_empty());
    world.wait_until(7_000);
    assert_eq!(signals(&mut world), [(Signal::Kill, SignalTarget::Group)]);
    world.wait_until(16_999);
    assert!(signals(&mut world).is_empty());
    world.wait_until(17_000);
    assert_eq!(signals(&mut world), [(Signal::Kill, SignalTarget::Group)]);
    world.writes();
    // Even if it says that all is well.
    world.ends("a", 0);
    assert_eq!(
        world.writes(),
        ["result a timeout 124 0", "letter a max_retries_exceeded: timeout", "trigger a timeout", "removal a"]
    );
}

fn brittle() -> WorkerSpec {
    let breaker = TaskBreaker { failures: 5, cooldown: Duration::from_secs(60) };
    WorkerSpec { concurrency: 1, retries: 0, breaker, ..spec() }
}

#[test]
fn five_failures_in_a_row_open_the_breaker_and_one_task_is_the_test() {
    let mut world = World::working(brittle());
    for n in 1..=9 {
        world.drop_task(&head(&format!("t{n}")));
    }
    for n in 1..=5 {
        assert_eq!(world.begun(), [format!("t{n} 1")]);
        world.ends(&format!("t{n}"), 1);
    }
    assert!(world.begun().is_empty());
    assert_eq!(world.snapshot().breaker, BreakerState::Open { until: Moment::from_millis(60_000) });
    assert_eq!(world.snapshot().health, WorkerHealth::Degraded);
    world.wait_until(59_999);
    assert!(world.begun().is_empty());
    world.wait_until(60_000);
    assert_eq!(world.snapshot().breaker, BreakerState::HalfOpen);
    assert_eq!(world.begun(), ["t6 1"]);
    world.ends("t6", 1);
    assert!(world.begun().is_empty());
    world.wait_until(120_000);
    assert_eq!(world.begun(), ["t7 1"]);
    world.ends("t7", 0);
    assert_eq!(world.snapshot().breaker, BreakerState::Closed);
    assert_eq!(world.begun(), ["t8 1"]);
    assert_eq!(world.snapshot().health, WorkerHealth::Healthy);
    assert!(world.news().contains(&TaskNews::BreakerClosed));
}

#[test]
fn while_the_breaker_is_half_open_one_task_runs_whatever_the_concurrency() {
    let mut world = World::working(WorkerSpec { concurrency: 3, ..brittle() });
    for n in 1..=9 {
        world.drop_task(&head(&format!("t{n}")));
    }
    for n in 1..=5 {
        world.begun();
        world.ends(&format!("t{n}"), 1);
    }
    // Two had begun before: what becomes of them says nothing.
    world.ends("t6", 0);
    assert!(world.begun().is_empty());
    world.wait_until(60_000);
    assert_eq!(world.begun(), ["t8 1"]);
    world.ends("t7", 1);
    assert_eq!(world.snapshot().breaker, BreakerState::HalfOpen);
    assert!(world.begun().is_empty());
    world.ends("t8", 0);
    assert_eq!(world.begun(), ["t9 1"]);
}

#[test]
fn a_task_that_was_given_back_goes_on_with_its_count() {
    let mut world = World::working(spec());
    world.drop_task(&head("a"));
    let last = LastTry { status: TaskStatus::Failed, exit_code: Some(7), why: "exit 7".into() };
    let tries = FoundTries { retry_count: 3, running: true, published: false, left: Duration::ZERO, last: Some(last) };
    let result = ClaimResult::Taken { found: Ok(head("a")), tries: Some(tries) };
    world.send(TaskEvent::Claimed { worker: MARIE.into(), id: id("a"), result });
    assert_eq!(world.begun(), ["a 4"]);
    assert_eq!(world.writes(), ["claim a", "receipt a 4", "tries a 3 running"]);
    world.ends("a", 1);
    assert!(world.writes().contains(&"result a failed 1 3".into()));
}
