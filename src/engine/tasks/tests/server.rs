//! Tasks that go through a server: the side of the folder, and that of the tries.

use std::time::Duration;

use super::fixture::{MARIE, World, after, head, id, spec, stamp};
use crate::domain::{
    FoundClaim, FoundTries, LastTry, TaskBackend, TaskHead, TaskNews, TaskStatus, WorkerHealth, WorkerSpec,
};
use crate::engine::tasks::{CameBack, TaskEffect, TaskEvent};

fn shared() -> WorkerSpec {
    WorkerSpec { backend: TaskBackend::parse("nats://localhost"), concurrency: 1, ..spec() }
}

/// The side of the folder, with a server that can be reached.
fn folder() -> World {
    let mut world = World::working(shared());
    server_is(&mut world, None);
    world.take();
    world
}

fn server_is(world: &mut World, problem: Option<&str>) {
    let problem = problem.map(Into::into);
    world.send(TaskEvent::Server { worker: MARIE.into(), problem, is_new: false });
}

/// What was published since the last time.
fn published(world: &mut World) -> Vec<String> {
    world.grant(|id| if id.as_str() == "b" { after("b", &["a"]) } else { head(id.as_str()) });
    let effects = world.take().into_iter();
    let published = effects.filter_map(|effect| match effect {
        TaskEffect::Publish { head, tries, .. } => Some(format!("{} {}", head.id, tries.retry_count)),
        _ => None,
    });
    published.collect()
}

fn came_back(world: &mut World, task: &str, status: TaskStatus) {
    let code = i32::from(status != TaskStatus::Completed);
    let last = LastTry { status, exit_code: Some(code), why: format!("exit {code}").into() };
    let outcome = CameBack { status, last, retry_count: 2, took: Duration::from_secs(1) };
    world.send(TaskEvent::CameBack { worker: MARIE.into(), id: id(task), outcome });
}

fn tries(retry_count: u32, running: bool, published: bool) -> FoundTries {
    FoundTries { retry_count, running, published, left: Duration::ZERO, last: None }
}

fn found(head: TaskHead, tries: Option<FoundTries>) -> FoundClaim {
    let file = format!("{}.json", head.id).into();
    FoundClaim {
        id: head.id.clone(),
        file,
        stamp: stamp(1),
        found: Ok(head),
        tries,
        result: None,
        kept: None,
        letter: None,
    }
}

/// The side of the tries.
fn hands() -> World {
    World::working(WorkerSpec { concurrency: 2, retries: 1, ..spec() })
}

fn delivered(world: &mut World, claim: FoundClaim, cancel: bool) {
    world.send(TaskEvent::Delivered { worker: MARIE.into(), claim: Box::new(claim), cancel });
}

#[test]
fn a_task_is_published_whatever_runs_and_what_came_of_it_is_written_here() {
    let mut world = folder();
    for task in ["a", "c", "d"] {
        world.drop_task(&head(task));
    }
    assert_eq!(published(&mut world), ["a 0", "c 0", "d 0"], "places mean nothing");
    assert_eq!(
        world.writes(),
        ["claim a", "tries a 0 waits 0ms", "claim c", "tries c 0 waits 0ms", "claim d", "tries d 0 waits 0ms"]
    );
    assert_eq!((world.snapshot().waiting, world.engine.away(&MARIE.into())), (3, 3));
    world.send(TaskEvent::Published { worker: MARIE.into(), id: id("a") });
    world.send(TaskEvent::TakenElsewhere { worker: MARIE.into(), id: id("a") });
    assert_eq!(world.snapshot().waiting, 2);
    world.wait_until(3_600_000);
    world.take();
    came_back(&mut world, "a", TaskStatus::Completed);
    assert_eq!(world.writes(), ["result a completed 0 2", "trigger a completed", "removal a"]);
    came_back(&mut world, "c", TaskStatus::Failed);
    let ends = ["result c failed 1 2", "letter c max_retries_exceeded: exit 1", "trigger c failed", "removal c"];
    assert_eq!(world.writes(), ends);
    came_back(&mut world, "c", TaskStatus::Completed);
    assert_eq!(world.writes(), [""; 0], "it is over");
}

#[test]
fn what_is_blocked_stays_here() {
    let mut world = folder();
    world.drop_task(&after("b", &["a"]));
    world.drop_task(&head("a"));
    assert_eq!(published(&mut world), ["a 0"]);
    assert_eq!(world.snapshot().blocked, 1);
    came_back(&mut world, "a", TaskStatus::Completed);
    assert_eq!(published(&mut world), ["b 0"]);
}

#[test]
fn while_the_server_is_away_tasks_wait_and_its_row_says_why() {
    let mut world = World::working(shared());
    world.drop_task(&head("a"));
    assert_eq!(published(&mut world), [""; 0], "nobody has heard of it");
    server_is(&mut world, Some("refused"));
    assert_eq!(world.news(), [TaskNews::ServerAway { problem: "refused".into() }]);
    assert_eq!(
        (world.snapshot().problem.as_deref(), world.snapshot().health),
        (Some("refused"), WorkerHealth::Unhealthy)
    );
    server_is(&mut world, None);
    assert_eq!(world.snapshot().problem, None);
    assert_eq!(published(&mut world), ["a 0"]);
    // It comes back empty: it is given all of it again.
    world.send(TaskEvent::Server { worker: MARIE.into(), problem: None, is_new: true });
    assert_eq!(published(&mut world), ["a 0"]);
}

#[test]
fn what_an_owner_before_has_published_is_published_again_and_what_it_has_tried_counts() {
    let mut world = World::locking(shared());
    let claims = [("a", Some(tries(3, false, true))), ("b", None), ("c", Some(tries(0, true, false)))];
    let claims = claims.map(|(task, tries)| found(head(task), tries));
    world.own(MARIE, claims.into());
    world.send(TaskEvent::Listed { worker: Some(MARIE.into()) });
    server_is(&mut world, None);
    assert_eq!(published(&mut world), ["a 3", "b 0"]);
    world.wait_until(60_000);
    assert_eq!(published(&mut world), ["c 1"], "it was interrupted");
}

#[test]
fn an_id_that_is_taken_makes_a_dead_letter_and_a_recalled_task_waits() {
    let mut world = folder();
    world.drop_task(&head("a"));
    world.drop_task(&head("b"));
    world.grant_all();
    world.writes();
    let (file, detail) = ("a.json".into(), "it is taken".into());
    world.send(TaskEvent::NotPublished { worker: MARIE.into(), id: id("a"), file, detail });
    assert_eq!(world.writes(), ["letter a.json duplicate_task_id: it is taken"]);
    world.send(TaskEvent::Drain { worker: MARIE.into() });
    world.send(TaskEvent::Recalled { worker: MARIE.into(), id: id("b"), tries: tries(2, false, false) });
    assert_eq!(world.writes(), ["back b b.json"]);
    world.take();
    world.drop_task(&head("b"));
    assert_eq!((published(&mut world), world.snapshot().waiting), (vec![], 1), "nothing more is published");
}

#[test]
fn a_stop_leaves_what_is_away_where_it_is_and_a_cancel_goes_there() {
    let mut world = folder();
    world.drop_task(&head("a"));
    world.grant_all();
    world.writes();
    world.take();
    world.send(TaskEvent::Cancel { worker: MARIE.into(), id: id("a"), ask: 7 });
    assert_eq!(world.take(), [TaskEffect::CallOff { worker: MARIE.into(), id: id("a") }]);
    came_back(&mut world, "a", TaskStatus::Cancelled);
    assert!(world.take().contains(&TaskEffect::Answer { ask: 7, result: Ok(()) }));
    world.drop_task(&head("b"));
    world.grant_all();
    world.writes();
    world.send(TaskEvent::Stop { worker: MARIE.into(), kill: false });
    assert_eq!(world.writes(), [""; 0]);
    assert!(world.take().iter().any(|effect| matches!(effect, TaskEffect::Over { .. })));
}

#[test]
fn a_delivered_task_is_tried_and_its_wait_is_the_server_s() {
    let mut world = hands();
    assert_eq!(world.engine.places(&MARIE.into()), 2);
    delivered(&mut world, found(head("a"), None), false);
    assert_eq!((world.begun(), world.writes()), (vec!["a 1".to_owned()], vec!["receipt a 1".to_owned()]));
    assert_eq!(world.engine.places(&MARIE.into()), 1);
    // It fails: that is written, and then the task is not ours.
    world.lost = Some("tries a 1");
    world.ends("a", 1);
    world.wait_until(10_000);
    assert_eq!(world.writes(), ["tries a 1 waits 1000ms"]);
    assert!(!world.engine.has_claim(&MARIE.into(), &id("a")));
    delivered(&mut world, found(head("b"), Some(tries(1, false, false))), false);
    assert_eq!(world.begun(), ["b 2"]);
    world.ends("b", 1);
    let writes = world.writes();
    assert!(
        writes.ends_with(
            &["result b failed 1 1", "letter b max_retries_exceeded: exit 1", "trigger b failed", "removal b"]
                .map(str::to_owned)
        ),
        "{writes:?}"
    );
}

#[test]
fn a_try_that_somebody_has_lost_counts_and_one_that_has_ended_is_finished() {
    let mut world = hands();
    delivered(&mut world, found(head("a"), Some(tries(0, true, false))), false);
    assert_eq!(world.writes(), ["tries a 1 waits 1000ms"]);
    delivered(&mut world, found(head("b"), Some(tries(1, true, false))), false);
    assert_eq!(world.writes()[..2], ["result b failed none 1", "letter b max_retries_exceeded: interrupted"]);
    let ended = FoundClaim { result: Some(TaskStatus::Completed), ..found(head("c"), Some(tries(0, true, false))) };
    delivered(&mut world, ended, false);
    assert_eq!(world.writes(), ["trigger c completed", "removal c"]);
    delivered(&mut world, found(head("d"), None), true);
    assert_eq!(world.writes(), ["result d cancelled none 0", "trigger d cancelled", "removal d"]);
    assert_eq!(world.begun(), [""; 0]);
}
