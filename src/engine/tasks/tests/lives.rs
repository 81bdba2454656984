//! The life of a task, step by step.

use super::fixture::{World, head, spec};

#[test]
fn a_good_task_is_claimed_tried_and_published() {
    let mut world = World::working(spec());
    world.drop_task(&head("a"));
    assert_eq!(world.begun(), ["a 1"]);
    assert_eq!(world.writes(), ["claim a", "receipt a 1"]);
    assert_eq!((world.snapshot().active, world.snapshot().waiting), (1, 0));
    world.ends("a", 0);
    assert_eq!(world.writes(), ["result a completed 0 0", "trigger a completed", "removal a"]);
    let snapshot = world.snapshot();
    assert_eq!((snapshot.active, snapshot.waiting, snapshot.stats.processed), (0, 0, 1));
}
