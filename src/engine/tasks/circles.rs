//! Tasks that wait for each other in a circle, across all workers of the group.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{DeadReason, ServiceName, TaskId};

use super::turn::Turn;
use super::waits::Waits;
use super::work::Work;

/// A waiting task and its worker.
type Node = (ServiceName, TaskId);

/// Whose task is meant by an id: the worker's own, else the first one that has it.
fn meant(works: &BTreeMap<ServiceName, Work>, worker: &ServiceName, on: &TaskId) -> Option<ServiceName> {
    let has = |name: &ServiceName| works.get(name).is_some_and(|work| work.has_open(on));
    if has(worker) {
        return Some(worker.clone());
    }
    works.keys().find(|name| has(name)).cloned()
}

/// The circle that a task closes, from itself on. Only a task that others wait for can close one.
pub(super) fn find(
    works: &BTreeMap<ServiceName, Work>,
    waits: &Waits,
    worker: &ServiceName,
    id: &TaskId,
) -> Option<Vec<Node>> {
    if !works.keys().any(|name| waits.is_waited_for(name, id)) {
        return None;
    }
    let start = (worker.clone(), id.clone());
    let mut seen = BTreeSet::new();
    // The way to the node that is looked at, and what it waits for that was not looked at yet.
    let mut way = vec![(start.clone(), waited_for(works, waits, &start))];
    while let Some((_, left)) = way.last_mut() {
        let Some(next) = left.pop() else {
            way.pop();
            continue;
        };
        if next == start {
            return Some(way.into_iter().map(|(node, _)| node).collect());
        }
        if seen.insert(next.clone()) {
            let left = waited_for(works, waits, &next);
            way.push((next, left));
        }
    }
    None
}

fn waited_for(works: &BTreeMap<ServiceName, Work>, waits: &Waits, (worker, id): &Node) -> Vec<Node> {
    let Some(task) = works.get(worker).and_then(|work| work.queue.get(id)) else { return Vec::new() };
    let unmet = task.dependencies().iter().filter(|on| waits.has(worker, id, on));
    let mut nodes: Vec<Node> = unmet.filter_map(|on| Some((meant(works, worker, on)?, on.clone()))).collect();
    // The first one is looked at first.
    nodes.reverse();
    nodes
}

/// All tasks of a circle become dead letters, each with the way from itself to itself.
pub(super) fn bury(works: &mut BTreeMap<ServiceName, Work>, circle: &[Node], turn: &mut Turn<'_>) {
    for (at, (worker, id)) in circle.iter().enumerate() {
        let (before, from) = circle.split_at(at);
        let ids = from.iter().chain(before).chain(from.first()).map(|(_, id)| id.as_str());
        let path = ids.collect::<Vec<_>>().join(" → ");
        if let Some(work) = works.get_mut(worker) {
            work.bury_waiting(id, DeadReason::DependencyCycle, &path, turn);
        }
    }
}
