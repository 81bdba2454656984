//! What people ask of single tasks.

use crate::domain::{TaskId, WorkerSpec};
use crate::engine::tasks::{TaskEffect, TaskEvent};

use super::fixture::{MARIE, World, head, id, spec};

type Ask = fn(&str) -> TaskEvent;

fn cancel(name: &str) -> TaskEvent {
    TaskEvent::Cancel { worker: MARIE.into(), id: id(name), ask: 7 }
}

fn retry(name: &str) -> TaskEvent {
    TaskEvent::Retry { worker: MARIE.into(), id: id(name), ask: 7 }
}

fn forget(name: &str) -> TaskEvent {
    TaskEvent::Drop { worker: MARIE.into(), id: id(name), ask: 7 }
}

/// The answer: `ok`, what is wrong, or nothing yet.
fn answer(world: &mut World) -> Option<String> {
    world.take().into_iter().find_map(|effect| match effect {
        TaskEffect::Answer { ask: 7, result } => {
            Some(result.map_or_else(|problem| problem.to_string(), |()| "ok".into()))
        }
        TaskEffect::Renew { id, .. } => Some(format!("renew {id}")),
        TaskEffect::Remove { id, .. } => Some(format!("remove {id}")),
        _ => None,
    })
}

/// `runs` runs, `rests` waits for its next try, and `waits` for a place.
fn world() -> World {
    let mut world = World::working(WorkerSpec { concurrency: 1, ..spec() });
    world.drop_task(&head("rests"));
    world.begun();
    world.ends("rests", 1);
    world.drop_task(&head("runs"));
    world.begun();
    world.drop_task(&head("waits"));
    world.writes();
    world.take();
    world
}

#[test]
fn each_ask_has_its_answer() {
    let cases: [(Ask, &str, &str); 8] = [
        (cancel, "ended", "ended is neither waiting nor running, so there is nothing to cancel"),
        (cancel, "rests", "ok"),
        (retry, "waits", "it is already waiting"),
        (retry, "runs", "it is running"),
        (retry, "rests", "ok"),
        (retry, "ended", "renew ended"),
        (forget, "waits", "waits is waiting or running; cancel it first"),
        (forget, "ended", "remove ended"),
    ];
    for (ask, name, expected) in cases {
        let mut world = world();
        world.send(ask(name));
        assert_eq!(answer(&mut world).as_deref(), Some(expected), "{name}");
    }
}

#[test]
fn a_waiting_task_that_is_cancelled_never_runs() {
    let mut world = world();
    world.send(cancel("waits"));
    world.grant_all();
    assert_eq!(
        world.writes(),
        ["claim waits", "result waits cancelled none 0", "trigger waits cancelled", "removal waits"]
    );
    assert_eq!(answer(&mut world).as_deref(), Some("ok"));
    assert_eq!(world.snapshot().active, 1);
}

#[test]
fn a_running_task_that_is_cancelled_is_ended_first() {
    let mut world = world();
    world.send(cancel("runs"));
    let effects = world.take();
    assert!(effects.iter().any(|effect| matches!(effect, TaskEffect::Signal { .. })), "{effects:?}");
    assert!(!effects.iter().any(|effect| matches!(effect, TaskEffect::Answer { .. })));
    world.ends("runs", 143);
    assert_eq!(answer(&mut world).as_deref(), Some("ok"));
    assert_eq!(world.writes()[..2], ["result runs cancelled 143 0", "trigger runs cancelled"]);
    assert_eq!(world.snapshot().stats.failed, 1);
}

#[test]
fn a_task_that_waits_for_its_next_try_can_be_tried_at_once() {
    let mut world = world();
    world.send(retry("rests"));
    world.ends("runs", 0);
    assert_eq!(world.begun(), ["rests 2"]);
}

#[test]
fn what_cannot_be_written_is_answered() {
    let mut world = world();
    world.broken = Some("result");
    world.send(cancel("rests"));
    assert_eq!(answer(&mut world).as_deref(), Some("no space left"));
    world.broken = None;
    world.wait_until(30_000);
    assert!(world.writes().contains(&"result rests cancelled 1 1".into()));
}

#[test]
fn a_worker_that_does_not_work_says_so() {
    let mut world = World::locking(spec());
    world.send(cancel("a"));
    assert_eq!(answer(&mut world).as_deref(), Some("marie is not running here at the moment"));
    let bob = TaskEvent::Cancel { worker: "bob".into(), id: TaskId::parse("a").unwrap(), ask: 7 };
    world.send(bob);
    assert_eq!(answer(&mut world).as_deref(), Some("bob is not running here at the moment"));
}
