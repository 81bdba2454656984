//! Files: their order, whether they are whole, and what is wrong with them.

use std::sync::Arc;

use crate::domain::{DeadReason, FileStamp, Priority, TaskHead, TaskRefusal, WorkerHealth, WorkerSpec};
use crate::engine::tasks::{ClaimResult, TaskEffect, TaskEvent};

use super::fixture::{MARIE, World, head, id, spec, stamp};

fn one_place() -> WorkerSpec {
    WorkerSpec { concurrency: 1, ..spec() }
}

fn refusal(reason: DeadReason, name: Option<&str>) -> TaskRefusal {
    TaskRefusal { reason, detail: "it is wrong".into(), id: name.map(id), batch: None }
}

fn arrives(world: &mut World, file: &str, stamp: FileStamp, found: Result<TaskHead, TaskRefusal>, has_result: bool) {
    world.send(TaskEvent::Arrived { worker: MARIE.into(), file: file.into(), stamp, found, has_result });
}

/// The order in which all that waits begins.
fn order(world: &mut World) -> Vec<String> {
    let mut order = Vec::new();
    while let [next] = &world.begun()[..] {
        let name = next.trim_end_matches(" 1").to_owned();
        world.ends(&name, 0);
        order.push(name);
    }
    order
}

#[test]
fn priority_comes_before_arrival_and_only_what_is_critical_begins_before_all_are_known() {
    let mut world = World::locking(one_place());
    world.own(MARIE, Vec::new());
    let files = [("b", 3, Priority::Normal), ("a-10", 3, Priority::Normal), ("a-9", 3, Priority::Normal)];
    let more = [("old", 1, Priority::Normal), ("low", 0, Priority::Low), ("now", 9, Priority::High)];
    for (name, second, priority) in files.into_iter().chain(more) {
        let found = Ok(TaskHead { priority, ..head(name) });
        arrives(&mut world, &format!("{name}.json"), stamp(second), found, false);
    }
    assert!(world.begun().is_empty());
    let urgent = TaskHead { priority: Priority::Critical, ..head("urgent") };
    arrives(&mut world, "urgent.json", stamp(9), Ok(urgent), false);
    assert_eq!(order(&mut world), ["urgent"], "nothing can come before it");
    world.send(TaskEvent::Listed { worker: Some(MARIE.into()) });
    assert_eq!(order(&mut world), ["now", "old", "a-9", "a-10", "b", "low"]);
}

#[test]
fn files_that_events_tell_of_keep_the_order_of_the_events() {
    let mut world = World::working(one_place());
    for (name, second) in [("first", 9), ("moved-here", 2), ("last", 3)] {
        arrives(&mut world, &format!("{name}.json"), stamp(second), Ok(head(name)), false);
    }
    assert_eq!(order(&mut world), ["first", "moved-here", "last"]);
}

#[test]
fn a_file_that_does_not_parse_is_dead_when_it_was_the_same_for_two_seconds() {
    let mut world = World::working(spec());
    let broken = || Err(refusal(DeadReason::InvalidJson, Some("a")));
    let looks = |world: &mut World| {
        let effects = world.take();
        effects.iter().filter(|effect| matches!(effect, TaskEffect::LookAgain { .. })).count()
    };
    arrives(&mut world, "a.json", stamp(1), broken(), false);
    world.wait_until(1_500);
    assert_eq!(looks(&mut world), 0);
    arrives(&mut world, "a.json", stamp(2), broken(), false);
    world.wait_until(3_499);
    assert_eq!(looks(&mut world), 0);
    world.wait_until(3_500);
    assert_eq!(looks(&mut world), 1);
    assert!(world.writes().is_empty());
    arrives(&mut world, "a.json", stamp(2), broken(), false);
    assert_eq!(world.writes(), ["letter a.json invalid_json: it is wrong", "trigger a.json dead"]);
    assert_eq!(world.snapshot().dead, 1);
}

#[test]
fn a_file_that_is_whole_in_the_end_is_a_task() {
    let mut world = World::working(spec());
    arrives(&mut world, "a.json", stamp(1), Err(refusal(DeadReason::InvalidJson, None)), false);
    world.wait_until(1_000);
    arrives(&mut world, "a.json", stamp(2), Ok(head("a")), false);
    assert_eq!(world.begun(), ["a 1"]);
    world.take();
    world.wait_until(9_000);
    assert!(!world.take().iter().any(|effect| matches!(effect, TaskEffect::LookAgain { .. })));
}

#[test]
fn what_is_wrong_is_dead_at_once() {
    let mut world = World::working(spec());
    arrives(&mut world, "a.json", stamp(1), Err(refusal(DeadReason::InvalidField, Some("a"))), false);
    arrives(&mut world, "ä.json", stamp(1), Err(refusal(DeadReason::InvalidTaskId, None)), false);
    assert_eq!(
        world.writes(),
        [
            "letter a.json invalid_field: it is wrong",
            "trigger a.json dead",
            "letter ä.json invalid_task_id: it is wrong"
        ]
    );
}

#[test]
fn a_second_file_of_an_id_is_looked_at_once_more_before_it_is_called_a_duplicate() {
    let mut world = World::working(one_place());
    world.drop_task(&head("busy"));
    world.drop_task(&head("a"));
    world.begun();
    world.take();
    world.drop_file(MARIE, "again.json", &head("a"));
    let look = |file: &str| TaskEffect::LookAgain { worker: Some(MARIE.into()), file: file.into() };
    assert_eq!(world.take(), [look("a.json"), look("again.json")]);
    world.writes();
    world.drop_task(&head("a"));
    world.drop_file(MARIE, "again.json", &head("a"));
    // Not even a trigger: the task of this id has not ended.
    assert_eq!(world.writes(), ["letter again.json duplicate_task_id: a is already waiting or running"]);
    assert_eq!(world.snapshot().waiting, 1);
}

#[test]
fn a_renamed_file_is_no_duplicate() {
    let mut world = World::working(one_place());
    world.drop_task(&head("busy"));
    world.drop_task(&head("a"));
    world.begun();
    world.drop_file(MARIE, "renamed.json", &head("a"));
    world.send(TaskEvent::Gone { worker: Some(MARIE.into()), file: "a.json".into() });
    world.drop_file(MARIE, "renamed.json", &head("a"));
    world.writes();
    world.ends("busy", 0);
    assert_eq!(world.begun(), ["a 1"]);
    assert!(world.writes().iter().all(|line| !line.contains("duplicate")));
}

#[test]
fn an_id_that_has_a_result_is_not_tried_again() {
    let mut world = World::working(spec());
    arrives(&mut world, "a.json", stamp(1), Ok(head("a")), true);
    assert_eq!(
        world.writes(),
        [
            "letter a.json duplicate_task_id: a has a result already: drop a, then retry this letter by the name of its file"
        ]
    );
    // The result came between the look and the claim.
    world.drop_task(&head("b"));
    world.writes();
    world.send(TaskEvent::Claimed { worker: MARIE.into(), id: id("b"), result: ClaimResult::HasResult });
    assert_eq!(world.writes(), ["letter b.json duplicate_task_id: b is running or already has a result"]);
    assert!(world.begun().is_empty());
}

#[test]
fn a_listing_forgets_what_is_gone_and_a_claim_that_somebody_else_won() {
    let mut world = World::working(one_place());
    for name in ["busy", "a", "b"] {
        world.drop_task(&head(name));
    }
    world.begun();
    world.send(TaskEvent::ListAgain { worker: Some(MARIE.into()) });
    world.drop_task(&head("b"));
    world.send(TaskEvent::Listed { worker: Some(MARIE.into()) });
    assert_eq!(world.snapshot().waiting, 1);
    world.ends("busy", 0);
    world.send(TaskEvent::Claimed { worker: MARIE.into(), id: id("b"), result: ClaimResult::Lost });
    assert_eq!((world.snapshot().waiting, world.snapshot().active), (0, 0));
}

#[test]
fn what_was_written_to_since_it_was_seen_is_judged_anew() {
    let mut world = World::working(spec());
    world.drop_task(&head("a"));
    world.grant(|_| head("other"));
    assert_eq!(world.writes(), ["claim a", "back a a.json"]);
    assert!(world.take().contains(&TaskEffect::LookAgain { worker: Some(MARIE.into()), file: "a.json".into() }));
    assert_eq!(world.snapshot().active, 0);
}

#[test]
fn files_without_a_folder_go_to_the_worker_that_they_name() {
    let mut world = World::working(spec());
    let workers = vec!["marie".into(), "anga".into()];
    world.send(TaskEvent::Group { workers });
    let mut route = |named: Option<&str>, has_folder: bool| {
        let (file, found) = (Arc::from("x.json"), Ok(named.map(Arc::from)));
        world.send(TaskEvent::Unrouted { file, stamp: stamp(1), found, has_folder });
        let routed = world.take().into_iter().find_map(|effect| match effect {
            TaskEffect::Route { to, .. } => Some(to.to_string()),
            _ => None,
        });
        routed.unwrap_or_else(|| world.writes().join("; "))
    };
    assert_eq!(route(Some("anga"), false), "anga");
    assert_eq!(route(Some("bob"), true), "bob");
    let unknown = "letter x.json unknown_worker: no worker is called \"mariee\"; did you mean `marie`?";
    assert_eq!(route(Some("mariee"), false), unknown);
    let nobody = "letter x.json unknown_worker: there is no `worker` in it, and it is in no worker's folder";
    assert_eq!(route(None, false), nobody);
}

#[test]
fn what_cannot_be_written_is_kept_and_nothing_new_begins() {
    let mut world = World::working(one_place());
    world.drop_task(&head("a"));
    world.drop_task(&head("b"));
    world.begun();
    world.writes();
    world.broken = Some("result");
    world.ends("a", 0);
    assert!(world.begun().is_empty() && world.writes().is_empty());
    let snapshot = world.snapshot();
    assert_eq!((snapshot.health, snapshot.problem.as_deref()), (WorkerHealth::Unhealthy, Some("no space left")));
    world.wait_until(60_000);
    assert!(world.begun().is_empty() && world.writes().is_empty());
    world.broken = None;
    world.wait_until(70_000);
    assert_eq!(world.begun(), ["b 1"]);
    let writes = world.writes();
    assert_eq!(writes[..3], ["result a completed 0 0", "trigger a completed", "removal a"]);
    assert_eq!(world.snapshot().health, WorkerHealth::Healthy);
}

#[test]
fn a_new_file_of_a_name_that_is_being_buried_is_looked_at_when_that_is_over() {
    let mut world = World::working(spec());
    world.broken = Some("trigger");
    arrives(&mut world, "a.json", stamp(1), Err(refusal(DeadReason::InvalidField, Some("a"))), false);
    arrives(&mut world, "a.json", stamp(2), Ok(head("a")), false);
    world.take();
    world.broken = None;
    world.wait_until(1_000);
    let look = TaskEffect::LookAgain { worker: Some(MARIE.into()), file: "a.json".into() };
    assert!(world.take().contains(&look));
}

#[test]
fn a_file_that_cannot_be_claimed_is_no_duplicate_of_itself() {
    let mut world = World::working(spec());
    world.drop_task(&head("a"));
    world.take();
    let result = ClaimResult::Failed("read-only file system".into());
    world.send(TaskEvent::Claimed { worker: MARIE.into(), id: id("a"), result });
    world.send(TaskEvent::ListAgain { worker: Some(MARIE.into()) });
    world.drop_task(&head("a"));
    world.drop_task(&head("a"));
    world.send(TaskEvent::Listed { worker: Some(MARIE.into()) });
    assert_eq!(world.snapshot().health, WorkerHealth::Unhealthy);
    world.wait_until(1_000);
    assert_eq!(world.begun(), ["a 1"]);
    assert!(world.writes().iter().all(|line| !line.contains("duplicate")));
}

#[test]
fn a_file_that_cannot_be_claimed_and_is_removed_leaves_its_id_free() {
    let mut world = World::working(spec());
    world.drop_file(MARIE, "odd.json", &head("a"));
    world.take();
    let result = ClaimResult::Failed("read-only file system".into());
    world.send(TaskEvent::Claimed { worker: MARIE.into(), id: id("a"), result });
    world.send(TaskEvent::Gone { worker: Some(MARIE.into()), file: "odd.json".into() });
    world.drop_task(&head("a"));
    assert_eq!(world.begun(), ["a 1"]);
}
