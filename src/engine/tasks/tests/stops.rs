//! Begins and ends of a worker: its lock, its heartbeats, what it gives back, and what its predecessor has left.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::task::{EndedOfBatch, Heartbeat};
use crate::domain::{
    DeadReason, FoundClaim, FoundTries, LastTry, Signal, SignalTarget, Standby, StopSpec, TaskHead, TaskNews,
    TaskRefusal, TaskStats, TaskStatus, WorkerHealth, WorkerSpec,
};
use crate::engine::tasks::{TaskEffect, TaskEvent};

use super::fixture::{MARIE, World, head, id, spec, stamp};

fn stop(kill: bool) -> TaskEvent {
    TaskEvent::Stop { worker: MARIE.into(), kill }
}

/// What a worker wants of its folder and of its tries.
fn orders(world: &mut World) -> Vec<&'static str> {
    let words = |effect| match effect {
        TaskEffect::Lock { .. } => Some("lock"),
        TaskEffect::Unlock { .. } => Some("unlock"),
        TaskEffect::Heartbeat { .. } => Some("heartbeat"),
        TaskEffect::Over { .. } => Some("over"),
        TaskEffect::Signal { signal: Signal::Term, .. } => Some("TERM"),
        TaskEffect::Signal { signal: Signal::Kill, .. } => Some("KILL"),
        _ => None,
    };
    world.take().into_iter().filter_map(words).collect()
}

#[test]
fn a_stop_gives_running_tasks_back_uncounted() {
    let mut world = World::working(spec());
    world.drop_task(&head("a"));
    world.drop_task(&head("b"));
    assert_eq!(world.begun(), ["a 1", "b 1"]);
    world.take();
    world.writes();
    world.send(stop(false));
    assert_eq!(orders(&mut world), ["TERM", "TERM"]);
    world.ends("a", 143);
    // Also who says that all is well: it was asked to end.
    world.ends("b", 0);
    assert_eq!(world.writes(), ["back a a.json", "back b b.json"]);
    assert_eq!(orders(&mut world), ["heartbeat", "unlock", "over"]);
    assert_eq!(world.snapshot().health, WorkerHealth::Stopped);
    assert_eq!(world.snapshot().stats, TaskStats::default());
    let beat = world.engine.heartbeat(&MARIE.into(), world.now).unwrap();
    assert_eq!((beat.queue_size, beat.status), (2, WorkerHealth::Stopped));
    world.wait_until(2_000);
    assert!(world.engine.next_deadline().is_none());
}

#[test]
fn a_live_try_is_ended_as_the_file_says_now() {
    let mut world = World::working(spec());
    world.drop_task(&head("a"));
    assert_eq!(world.begun(), ["a 1"]);
    world.take();
    let by_int =
        StopSpec { signal: Signal::Int, grace: Duration::from_secs(1), leader_only: true, ..StopSpec::default() };
    world.send(TaskEvent::Respec { worker: MARIE.into(), spec: Arc::new(spec()), stop: by_int });
    world.send(stop(false));
    let effects = world.take();
    let is_meant = |effect: &TaskEffect| {
        matches!(effect, TaskEffect::Signal { signal: Signal::Int, target: SignalTarget::Leader, .. })
    };
    assert!(effects.iter().any(is_meant), "{effects:?}");
    world.wait_until(1_001);
    assert_eq!(orders(&mut world), ["KILL"]);
}

#[test]
fn a_stop_that_is_not_heeded_kills() {
    let mut world = World::working(spec());
    world.drop_task(&head("a"));
    world.begun();
    world.take();
    world.send(stop(false));
    world.wait_until(4_999);
    assert_eq!(orders(&mut world), ["TERM"]);
    world.wait_until(5_000);
    assert_eq!(orders(&mut world), ["KILL"]);

    let mut world = World::working(spec());
    world.drop_task(&head("a"));
    world.begun();
    world.take();
    world.send(stop(true));
    world.send(stop(true));
    assert_eq!(orders(&mut world), ["KILL"]);
}

#[test]
fn who_waits_for_the_folder_can_stop_and_writes_nothing() {
    let mut world = World::locking(spec());
    assert_eq!(orders(&mut world), ["lock"]);
    let owner = Standby { group: "shop".into(), pid: Some(48_001) };
    world.send(TaskEvent::Standby { worker: MARIE.into(), owner: owner.clone() });
    assert_eq!(world.snapshot().standby, Some(owner));
    // What it tells of the tasks is what the owner says.
    assert!(world.take().contains(&TaskEffect::FollowBeat { worker: MARIE.into() }));
    let beat = Some((beat(WorkerHealth::Healthy), Duration::from_secs(999)));
    world.send(TaskEvent::Beat { worker: MARIE.into(), beat });
    world.send(TaskEvent::DeadLetters { worker: MARIE.into(), count: 3 });
    let snapshot = world.snapshot();
    assert_eq!((snapshot.waiting, snapshot.dead, snapshot.lost), (4, 3, false));
    world.wait_until(60_000);
    world.send(stop(false));
    assert_eq!(orders(&mut world), ["unlock", "over"]);
    assert!(world.writes().is_empty());
}

#[test]
fn who_gets_the_folder_counts_by_itself() {
    let mut world = World::locking(spec());
    let owner = Standby { group: "shop".into(), pid: None };
    world.send(TaskEvent::Standby { worker: MARIE.into(), owner });
    let beat = Some((beat(WorkerHealth::Healthy), Duration::ZERO));
    world.send(TaskEvent::Beat { worker: MARIE.into(), beat });
    world.own(MARIE, Vec::new());
    let snapshot = world.snapshot();
    assert_eq!((snapshot.waiting, snapshot.active, snapshot.dead, snapshot.stats.processed), (0, 0, 0, 0));
}

/// What somebody else says of a worker.
fn beat(status: WorkerHealth) -> Heartbeat {
    Heartbeat {
        worker: MARIE.into(),
        uptime: Duration::ZERO,
        queue_size: 4,
        active_tasks: 2,
        circuit: "closed",
        stats: TaskStats { processed: 9, ..TaskStats::default() },
        status,
    }
}

#[test]
fn a_folder_that_cannot_be_locked_ends_the_run() {
    let mut world = World::locking(spec());
    world.take();
    world.send(TaskEvent::Refused { worker: MARIE.into(), problem: "a network file system".into() });
    let over = TaskEffect::Over { worker: MARIE.into(), problem: Some("a network file system".into()) };
    assert!(world.take().contains(&over));
    assert_eq!(world.snapshot().problem.as_deref(), Some("a network file system"));
}

#[test]
fn heartbeats_come_at_their_times_and_nothing_else_wakes() {
    let mut world = World::working(spec());
    world.wait_until(1_000);
    world.take();
    let mut woken = Vec::new();
    while let Some(next) = world.engine.next_deadline().filter(|next| next.since_start() < Duration::from_secs(35)) {
        world.now = next;
        world.send(TaskEvent::TimePassed);
        woken.push((next.since_start().as_secs(), orders(&mut world).len()));
    }
    assert_eq!(woken, [(10, 1), (20, 1), (30, 1)]);
}

#[test]
fn the_aggregation_is_written_when_something_has_changed() {
    let mut world = World::working(spec());
    let aggregations = |world: &mut World, until| {
        world.wait_until(until);
        world.take().iter().filter(|effect| matches!(effect, TaskEffect::Aggregate)).count()
    };
    aggregations(&mut world, 15_000);
    assert_eq!(aggregations(&mut world, 60_000), 0, "five heartbeats say the same");
    world.drop_task(&head("a"));
    world.begun();
    assert_eq!(aggregations(&mut world, 75_000), 1, "a try runs");
    world.engine.look_at_others();
    assert_eq!(aggregations(&mut world, 79_000), 1);
}

#[test]
fn the_aggregation_is_written_at_most_once_a_second() {
    let mut world = World::working(spec());
    world.take();
    for n in 0..100 {
        world.now = world.now + Duration::from_millis(30);
        world.drop_task(&head(&format!("t{n}")));
        world.begun();
        world.ends(&format!("t{n}"), 0);
        world.send(TaskEvent::TimePassed);
    }
    let count = world.take().iter().filter(|effect| matches!(effect, TaskEffect::Aggregate)).count();
    assert!((2..=4).contains(&count), "{count} in 3 s");
}

fn claim(name: &str) -> FoundClaim {
    FoundClaim {
        id: id(name),
        file: format!("{name}.json").into(),
        stamp: stamp(1),
        found: Ok(head(name)),
        tries: None,
        result: None,
        kept: None,
        letter: None,
    }
}

/// What is written for a claim of the predecessor at once.
fn taken_over(claim: FoundClaim) -> Vec<String> {
    let mut world = World::locking(WorkerSpec { retries: 1, ..spec() });
    world.own(MARIE, vec![claim]);
    world.send(TaskEvent::Listed { worker: Some(MARIE.into()) });
    world.writes()
}

#[test]
fn what_the_predecessor_has_left_is_finished_or_counts_as_a_try() {
    let tries = |retry_count, running| {
        Some(FoundTries { retry_count, running, published: false, left: Duration::from_secs(3), last: None })
    };
    let kept = |status, exit_code| Some(LastTry { status, exit_code, why: "exit".into() });
    let finished = ["trigger a completed", "removal a"];
    assert_eq!(taken_over(FoundClaim { result: Some(TaskStatus::Completed), ..claim("a") }), finished);
    assert_eq!(
        taken_over(FoundClaim { kept: kept(TaskStatus::Completed, Some(0)), ..claim("a") }),
        ["result a completed 0 0", "trigger a completed", "removal a"]
    );
    assert_eq!(
        taken_over(FoundClaim { result: Some(TaskStatus::Failed), tries: tries(1, true), ..claim("a") }),
        ["letter a max_retries_exceeded: ", "trigger a failed", "removal a"]
    );
    let letter = Some("dlq/marie/a.json".into());
    assert_eq!(
        taken_over(FoundClaim { result: Some(TaskStatus::Timeout), letter: letter.clone(), ..claim("a") }),
        ["trigger a timeout", "removal a"]
    );
    let refusal = TaskRefusal { reason: DeadReason::InvalidJson, detail: "it is wrong".into(), id: None, batch: None };
    assert_eq!(taken_over(FoundClaim { found: Err(refusal), letter, ..claim("a") }), ["back a a.json"]);
    assert_eq!(taken_over(claim("a")), ["tries a 1 waits 1000ms"]);
    assert_eq!(
        taken_over(FoundClaim { tries: tries(1, true), ..claim("a") }),
        ["result a failed none 1", "letter a max_retries_exceeded: interrupted", "trigger a failed", "removal a"]
    );
    assert!(taken_over(FoundClaim { tries: tries(1, false), ..claim("a") }).is_empty());
}

#[test]
fn a_wait_of_the_predecessor_goes_on() {
    let mut world = World::locking(spec());
    let tries =
        Some(FoundTries { retry_count: 1, running: false, published: false, left: Duration::from_secs(3), last: None });
    world.own(MARIE, vec![FoundClaim { tries, ..claim("a") }]);
    world.send(TaskEvent::Listed { worker: Some(MARIE.into()) });
    world.wait_until(2_999);
    assert!(world.begun().is_empty());
    world.wait_until(3_000);
    assert_eq!(world.begun(), ["a 2"]);
}

#[test]
fn a_remote_worker_is_lost_when_its_heartbeat_is_too_old_and_not_when_it_has_stopped() {
    let seen = |world: &mut World, beat, age| {
        let beat = Some((beat, Duration::from_secs(age)));
        world.send(TaskEvent::Beat { worker: MARIE.into(), beat });
    };
    let mut world = World::locking(WorkerSpec { remote: true, ..spec() });
    assert!(world.take().contains(&TaskEffect::FollowBeat { worker: MARIE.into() }));
    seen(&mut world, beat(WorkerHealth::Healthy), 20);
    assert_eq!((world.snapshot().waiting, world.snapshot().active, world.snapshot().stats.processed), (4, 2, 9));
    world.wait_until(99_999);
    assert!(!world.snapshot().lost);
    world.wait_until(100_000);
    assert!(world.snapshot().lost);
    assert_eq!(world.engine.lost(), [MARIE.into()]);
    assert!(world.news().contains(&TaskNews::Lost));
    seen(&mut world, beat(WorkerHealth::Stopped), 0);
    world.wait_until(999_000);
    assert!(!world.snapshot().lost);
    world.take();
    world.send(stop(false));
    assert_eq!(orders(&mut world), ["over"]);
}

#[test]
fn batches_are_counted_also_over_a_stop() {
    let mut world = World::locking(WorkerSpec { concurrency: 1, retries: 0, ..spec() });
    let ended = |names: &[(&str, bool)]| {
        let one = |&(name, completed): &(&str, bool)| EndedOfBatch { name: name.into(), batch: "b".into(), completed };
        TaskEvent::Batches { worker: MARIE.into(), ended: names.iter().map(one).collect() }
    };
    world.own(MARIE, Vec::new());
    world.send(ended(&[("v", true)]));
    world.send(TaskEvent::Listed { worker: Some(MARIE.into()) });
    let of_batch = |name: &str| TaskHead { batch: Some("b".into()), ..head(name) };
    for name in ["x", "y", "z"] {
        world.drop_task(&of_batch(name));
    }
    let counts = |world: &World| {
        let counts = world.engine.batches()["b"];
        (counts.total, counts.completed, counts.failed, counts.pending)
    };
    world.grant(|name| of_batch(name.as_str()));
    world.ends("x", 0);
    world.grant(|name| of_batch(name.as_str()));
    world.ends("y", 1);
    assert_eq!(counts(&world), (4, 2, 1, 1));
    world.grant(|name| of_batch(name.as_str()));
    world.send(stop(false));
    world.ends("z", 143);
    assert_eq!(counts(&world), (4, 2, 1, 1));
    world.begin(MARIE, spec());
    world.own(MARIE, Vec::new());
    assert!(world.engine.batches().is_empty(), "the files are counted anew");
    world.send(ended(&[("v", true), ("x", true), ("y", false)]));
    assert_eq!(counts(&world), (3, 2, 1, 0));
    world.drop_task(&of_batch("z"));
    assert_eq!(counts(&world), (4, 2, 1, 1));
}

/// Refused, a second file, without an id: each task of a batch counts once, and the end of each is told.
#[test]
fn tasks_that_die_untried_count_and_are_told_once() {
    let mut world = World::working(spec());
    let refused = |reason, name: Option<&str>| {
        let batch = Some("b".into());
        Err(TaskRefusal { reason, detail: "it is wrong".into(), id: name.map(id), batch })
    };
    let arrive = |world: &mut World, file: &str, found| {
        let (worker, file) = (MARIE.into(), file.into());
        world.send(TaskEvent::Arrived { worker, file, stamp: stamp(1), found, has_result: false });
    };
    let counts = |world: &World| {
        let counts = world.engine.batches()["b"];
        (counts.total, counts.failed, counts.pending)
    };
    world.take();
    arrive(&mut world, "a.json", refused(DeadReason::InvalidField, Some("a")));
    assert_eq!(counts(&world), (1, 1, 0));
    assert_eq!(world.writes(), ["letter a.json invalid_field: it is wrong", "trigger a.json dead"]);
    arrive(&mut world, "with space.json", refused(DeadReason::InvalidTaskId, None));
    assert_eq!(counts(&world), (2, 2, 0));
    let mended = TaskHead { batch: Some("b".into()), ..head("a") };
    world.drop_task(&mended);
    assert_eq!(counts(&world), (2, 1, 1), "it came again");
    arrive(&mut world, "a2.json", refused(DeadReason::InvalidField, Some("a")));
    assert_eq!(counts(&world), (2, 1, 1), "a second file is no task");
    world.send(TaskEvent::Dropped { worker: MARIE.into(), id: id("with-space") });
    assert_eq!(counts(&world), (2, 1, 1), "nobody knows it");
}
