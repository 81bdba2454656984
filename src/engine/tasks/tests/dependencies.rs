//! Tasks that wait for others, in their own folder, in those of others, and in circles.

use std::time::Duration;

use crate::domain::{DependencyState, ServiceName, WorkerSpec};
use crate::engine::tasks::{TaskEffect, TaskEvent};

use super::fixture::{MARIE, World, after, head, id, spec};

fn outside(world: &mut World, name: &str, state: DependencyState) {
    world.send(TaskEvent::Outside { worker: MARIE.into(), id: id(name), state });
}

fn follows(world: &mut World) -> Vec<String> {
    let effects = world.take().into_iter();
    let lines = effects.filter_map(|effect| match effect {
        TaskEffect::Follow { id, .. } => Some(format!("follow {id}")),
        TaskEffect::Unfollow { id, .. } => Some(format!("unfollow {id}")),
        _ => None,
    });
    lines.collect()
}

#[test]
fn a_task_waits_until_all_that_it_depends_on_is_completed() {
    let mut world = World::working(spec());
    world.drop_task(&after("c", &["a", "b"]));
    assert_eq!(follows(&mut world), ["follow a", "follow b"]);
    assert_eq!((world.snapshot().waiting, world.snapshot().blocked), (0, 1));
    outside(&mut world, "a", DependencyState::Unknown);
    outside(&mut world, "b", DependencyState::Completed);
    assert_eq!(follows(&mut world), ["unfollow b"]);
    world.drop_task(&head("a"));
    assert_eq!(world.begun(), ["a 1"]);
    world.ends("a", 0);
    assert_eq!(world.snapshot().blocked, 0);
    world.grant(|name| after(name.as_str(), &["a", "b"]));
    assert_eq!(world.begun(), ["c 1"]);
}

#[test]
fn what_depends_on_a_dead_task_is_dead_and_so_on() {
    let mut world = World::working(WorkerSpec { retries: 0, ..spec() });
    world.drop_task(&head("a"));
    world.drop_task(&after("b", &["a"]));
    world.drop_task(&after("c", &["b"]));
    assert_eq!(world.begun(), ["a 1"]);
    world.writes();
    world.ends("a", 1);
    let letters: Vec<_> = world.writes().into_iter().filter(|line| line.starts_with("letter")).collect();
    assert_eq!(
        letters,
        [
            "letter a max_retries_exceeded: exit 1",
            "letter b.json dependency_failed: a failed",
            "letter c.json dependency_failed: b failed",
        ]
    );
    assert_eq!(world.snapshot().waiting, 0);
}

#[test]
fn a_cancelled_task_takes_its_dependents_along() {
    let mut world = World::working(WorkerSpec { concurrency: 1, ..spec() });
    world.drop_task(&head("busy"));
    world.drop_task(&head("a"));
    world.drop_task(&after("b", &["a"]));
    world.begun();
    world.writes();
    world.send(TaskEvent::Cancel { worker: MARIE.into(), id: id("a"), ask: 1 });
    world.grant_all();
    let writes = world.writes();
    assert_eq!(writes[..2], ["claim a", "result a cancelled none 0"]);
    assert!(writes.iter().any(|line| line.starts_with("letter b.json dependency_failed")), "{writes:?}");
}

#[test]
fn a_circle_is_found_when_it_is_closed_whoever_is_in_it() {
    let mut world = World::working(spec()).with("anga");
    world.drop_task(&after("a", &["b"]));
    world.drop_task(&after("x", &["a"]));
    world.drop_file("anga", "b.json", &after("b", &["c"]));
    assert!(world.writes().is_empty());
    world.drop_task(&after("c", &["a"]));
    let mut writes = world.writes();
    writes.retain(|line| line.starts_with("letter"));
    writes.sort();
    assert_eq!(
        writes,
        [
            "letter a.json dependency_cycle: a → b → c → a",
            "letter b.json dependency_cycle: b → c → a → b",
            "letter c.json dependency_cycle: c → a → b → c",
            "letter x.json dependency_failed: a failed",
        ]
    );
}

#[test]
fn who_depends_on_himself_is_a_circle() {
    let mut world = World::working(spec());
    world.drop_task(&after("a", &["a"]));
    assert_eq!(world.writes(), ["letter a.json dependency_cycle: a → a", "trigger a.json dead"]);
}

#[test]
fn a_task_of_another_worker_counts_unless_the_own_one_has_it() {
    let mut world = World::working(spec()).with("anga");
    world.drop_task(&after("c", &["a"]));
    world.drop_file("anga", "a.json", &head("a"));
    world.drop_task(&head("a"));
    assert_eq!(world.begun(), ["a 1", "a 1"]);
    let ended = crate::domain::EndedTry {
        exit: crate::domain::TryExit::Ended(crate::domain::ExitStatus::Code(0)),
        took: Duration::ZERO,
    };
    world.send(TaskEvent::TryEnded { worker: "anga".into(), id: id("a"), ended });
    assert_eq!(world.snapshot().blocked, 1);
    world.ends("a", 0);
    assert_eq!(world.snapshot().blocked, 0);
    assert!(world.engine.snapshot(&ServiceName::from("anga")).is_some());
}

#[test]
fn a_dependency_that_is_removed_is_asked_for() {
    let mut world = World::working(WorkerSpec { concurrency: 1, ..spec() });
    world.drop_task(&head("busy"));
    world.drop_task(&head("a"));
    world.drop_task(&after("b", &["a"]));
    world.begun();
    assert!(follows(&mut world).is_empty());
    world.send(TaskEvent::Gone { worker: Some(MARIE.into()), file: "a.json".into() });
    assert_eq!(follows(&mut world), ["follow a"]);
    outside(&mut world, "a", DependencyState::Dead);
    let writes = world.writes();
    assert!(writes.iter().any(|line| line.starts_with("letter b.json dependency_failed")), "{writes:?}");
}
