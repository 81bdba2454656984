//! The tasks of a worker that are still files in its folder: their order, and what they wait for.
//!
//! There may be 100,000 of them: an entry is small, and what most of them do not have is in a box.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{FileStamp, Priority, TaskHead, TaskId};

/// The place of a task in the order: by priority, then by arrival, then by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    priority: Priority,
    /// Nanoseconds; grows with each file that an event tells of.
    arrival: u64,
    id: TaskId,
}

/// A waiting task.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    arrival: u64,
    more: Option<Box<More>>,
    /// The listing that has last seen it.
    seen: u32,
    pub(super) priority: Priority,
}

/// What few tasks have.
#[derive(Clone, Debug)]
struct More {
    /// The name of its file, unless that is `<id>.json`.
    odd_name: Option<Arc<str>>,
    dependencies: Box<[TaskId]>,
    /// How many of these are not completed.
    unmet: u32,
    batch: Option<Arc<str>>,
}

/// Waiting tasks, and claimed ones whose wait for the next try is over.
#[derive(Debug, Default)]
pub(super) struct Queue {
    tasks: BTreeMap<TaskId, Queued>,
    /// Files whose name is not that of their task.
    odd_names: BTreeMap<Arc<str>, TaskId>,
    /// Those that may begin. Blocked ones are not in here.
    order: BTreeSet<Place>,
    blocked: u32,
    /// The last arrival that an event has told of.
    last_arrival: u64,
    /// The number of the present listing.
    listing: u32,
}

impl Place {
    pub(super) fn new(priority: Priority, arrival: u64, id: TaskId) -> Self {
        Self { priority, arrival, id }
    }

    pub(super) fn arrival(&self) -> u64 {
        self.arrival
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = self.priority.cmp(&other.priority).then(self.arrival.cmp(&other.arrival));
        by_time.then_with(|| by_digits(self.id.as_str(), other.id.as_str())).then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Names in the order of people: `a-2` before `a-10`.
fn by_digits(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (number_a, rest_a) = a.split_at(a.iter().take_while(|byte| byte.is_ascii_digit()).count());
        let (number_b, rest_b) = b.split_at(b.iter().take_while(|byte| byte.is_ascii_digit()).count());
        let value = |digits: &[u8]| digits.iter().take_while(|digit| **digit == b'0').count();
        let (short_a, short_b) = (&number_a[value(number_a)..], &number_b[value(number_b)..]);
        let numbers = short_a.len().cmp(&short_b.len()).then_with(|| short_a.cmp(short_b));
        if !number_a.is_empty() && !number_b.is_empty() && numbers != Ordering::Equal {
            return numbers;
        }
        match (number_a.is_empty(), number_b.is_empty(), rest_a.first(), rest_b.first()) {
            (false, true, ..) => return number_a.first().cmp(&rest_b.first()),
            (true, false, ..) => return rest_a.first().cmp(&number_b.first()),
            (_, _, Some(one), Some(other)) if one == other => (a, b) = (&rest_a[1..], &rest_b[1..]),
            (_, _, one, other) => return one.cmp(&other),
        }
    }
}

impl Queued {
    /// The name of its file.
    pub(super) fn file(&self, id: &TaskId) -> Arc<str> {
        self.odd_name().cloned().unwrap_or_else(|| format!("{id}.json").into())
    }

    fn odd_name(&self) -> Option<&Arc<str>> {
        self.more.as_ref().and_then(|more| more.odd_name.as_ref())
    }

    pub(super) fn dependencies(&self) -> &[TaskId] {
        self.more.as_ref().map_or(&[], |more| &more.dependencies)
    }

    fn is_blocked(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.unmet > 0)
    }

    pub(super) fn arrival(&self) -> u64 {
        self.arrival
    }

    /// Whether a file that was read again says the same, as far as it is kept.
    pub(super) fn is_the_same(&self, head: &TaskHead) -> bool {
        let same_names = self.dependencies() == &*head.dependencies && self.batch() == head.batch.as_ref();
        self.priority == head.priority && same_names
    }

    pub(super) fn batch(&self) -> Option<&Arc<str>> {
        self.more.as_ref().and_then(|more| more.batch.as_ref())
    }

    pub(super) fn place(&self, id: &TaskId) -> Place {
        Place::new(self.priority, self.arrival, id.clone())
    }
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn blocked(&self) -> u32 {
        self.blocked
    }

    pub(super) fn get(&self, id: &TaskId) -> Option<&Queued> {
        self.tasks.get(id)
    }

    pub(super) fn contains(&self, id: &TaskId) -> bool {
        self.tasks.contains_key(id)
    }

    /// The task of a file.
    pub(super) fn of_file(&self, file: &str) -> Option<TaskId> {
        if let Some(id) = self.odd_names.get(file) {
            return Some(id.clone());
        }
        let id = TaskId::of_file(file)?;
        let has_its_name = |task: &Queued| task.odd_name().is_none();
        self.tasks.get(&id).is_some_and(has_its_name).then_some(id)
    }

    /// When a file has arrived: at its time where a listing tells of it, else after all that events have told of, since a
    /// file that is moved keeps its time.
    pub(super) fn arrival(&mut self, stamp: FileStamp, listed: bool) -> u64 {
        let at = nanoseconds(stamp);
        if listed {
            return at;
        }
        self.last_arrival = at.max(self.last_arrival.saturating_add(1));
        self.last_arrival
    }

    /// Puts a task into the order; `unmet` of its dependencies keep it out.
    pub(super) fn insert(&mut self, head: &TaskHead, file: &Arc<str>, arrival: u64, unmet: u32) {
        let odd_name = (TaskId::of_file(file).as_ref() != Some(&head.id)).then(|| file.clone());
        if let Some(name) = &odd_name {
            self.odd_names.insert(name.clone(), head.id.clone());
        }
        let has_more = odd_name.is_some() || !head.dependencies.is_empty() || head.batch.is_some();
        let more = || {
            let (dependencies, batch) = (head.dependencies.clone(), head.batch.clone());
            Box::new(More { odd_name, dependencies, unmet, batch })
        };
        let task = Queued { arrival, more: has_more.then(more), seen: self.listing, priority: head.priority };
        if task.is_blocked() {
            self.blocked += 1;
        } else {
            self.order.insert(task.place(&head.id));
        }
        self.tasks.insert(head.id.clone(), task);
    }

    pub(super) fn remove(&mut self, id: &TaskId) -> Option<Queued> {
        let task = self.tasks.remove(id)?;
        if task.is_blocked() {
            self.blocked -= 1;
        } else {
            self.order.remove(&task.place(id));
        }
        if let Some(name) = task.odd_name() {
            self.odd_names.remove(name);
        }
        Some(task)
    }

    /// One of its dependencies is completed.
    pub(super) fn one_is_met(&mut self, id: &TaskId) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        let Some(more) = task.more.as_mut().filter(|more| more.unmet > 0) else { return };
        more.unmet -= 1;
        if more.unmet == 0 {
            self.blocked -= 1;
            self.order.insert(task.place(id));
        }
    }

    /// A claimed task may begin its next try.
    pub(super) fn line_up(&mut self, place: Place) {
        self.order.insert(place);
    }

    pub(super) fn leave(&mut self, place: &Place) {
        self.order.remove(place);
    }

    /// Who comes next.
    pub(super) fn first(&self) -> Option<&TaskId> {
        self.order.first().map(|place| &place.id)
    }

    /// Whether the one that comes next has the highest priority.
    pub(super) fn is_first_critical(&self) -> bool {
        self.order.first().is_some_and(|place| place.priority == Priority::Critical)
    }

    /// A listing begins: what it does not tell is gone at its end.
    pub(super) fn begin_listing(&mut self) {
        self.listing = self.listing.wrapping_add(1);
    }

    pub(super) fn is_there(&mut self, id: &TaskId) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.seen = self.listing;
        }
    }

    /// What the listing has not told.
    pub(super) fn unseen(&self) -> Vec<TaskId> {
        let unseen = self.tasks.iter().filter(|(_, task)| task.seen != self.listing);
        unseen.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = (&TaskId, &Queued)> {
        self.tasks.iter()
    }
}

/// The time of a file as a number.
pub(super) fn nanoseconds(stamp: FileStamp) -> u64 {
    let since = stamp.modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_people_do() {
        let mut names = ["b", "a-10", "a-9", "a-010", "a", "a-1", "10", "9", "a10b2", "a10b1", "-"];
        names.sort_by(|a, b| by_digits(a, b).then(a.cmp(b)));
        assert_eq!(names, ["-", "9", "10", "a", "a-1", "a-9", "a-010", "a-10", "a10b1", "a10b2", "b"]);
    }

    #[test]
    fn an_entry_is_small() {
        // With two trees that are half full, and the text of an id, some 170 bytes for each waiting task.
        let (task, place) = (size_of::<Queued>(), size_of::<Place>());
        assert!(task <= 24 && place <= 32, "{task} {place}");
    }
}
