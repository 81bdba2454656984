//! The names of all that is on the server.

use crate::domain::{Priority, ServiceName, TaskId};

/// The stream of tasks.
pub(super) const TASKS: &str = "TASKS";
/// The stream of what goes back to folders.
pub(super) const TRIGGERS: &str = "TASK_TRIGGERS";
/// The stream of dead letters.
pub(super) const DEAD_LETTERS: &str = "TASK_DEAD_LETTERS";
/// The bucket of records.
pub(super) const STATES: &str = "TASK_STATES";
/// The bucket of results.
pub(super) const RESULTS: &str = "TASK_RESULTS";
/// The bucket of heartbeats.
pub(super) const HEARTBEATS: &str = "TASK_HEARTBEATS";

/// All subjects of each stream.
pub(super) const ALL_TASKS: &str = "tasks.*.*";
pub(super) const ALL_TRIGGERS: &str = "triggers.*.*";
pub(super) const ALL_DEAD_LETTERS: &str = "dead_letters.*";

/// The priorities, the first one first.
pub(super) const PRIORITIES: [Priority; 4] = [Priority::Critical, Priority::High, Priority::Normal, Priority::Low];

/// Headers of a task: its id, and which generation it is.
pub(super) const ID: &str = "Task-Id";
pub(super) const GENERATION: &str = "Task-Generation";
/// The folder that it came from.
pub(super) const ORIGIN: &str = "Task-Origin";
/// Headers of a trigger: of which publication, and how the last try ended.
pub(super) const TOKEN: &str = "Task-Token";
pub(super) const WHY: &str = "Task-Reason";

/// Where tasks of a worker are published.
pub(super) fn tasks(worker: &ServiceName, priority: Priority) -> String {
    format!("tasks.{worker}.{}", priority.word())
}

/// The consumer for that.
pub(super) fn consumer(worker: &ServiceName, priority: Priority) -> String {
    format!("{worker}-{}", priority.word())
}

/// Where a folder is told of its tasks.
pub(super) fn triggers(origin: &str, worker: &ServiceName) -> String {
    format!("triggers.{origin}.{worker}")
}

/// The consumer for that.
pub(super) fn back(origin: &str, worker: &ServiceName) -> String {
    format!("{worker}-{origin}")
}

/// Where dead letters are published.
pub(super) fn dead_letters(worker: &ServiceName) -> String {
    format!("dead_letters.{worker}")
}

/// Where those who try tasks of a worker hear of one that is to end. It is in no stream.
pub(super) fn call_offs(worker: &ServiceName) -> String {
    format!("task_call_offs.{worker}")
}

/// An id as a piece of a key: there, a dot parts the pieces.
fn piece(id: &TaskId) -> String {
    id.as_str().replace('.', "=")
}

/// The key of a record.
pub(super) fn state(worker: &ServiceName, id: &TaskId) -> String {
    format!("{worker}.{}", piece(id))
}

/// The key of a result, and what tells messages about a generation apart.
pub(super) fn generation(worker: &ServiceName, id: &TaskId, generation: u64) -> String {
    format!("{worker}.{}.{generation}", piece(id))
}

/// The key of a heartbeat.
pub(super) fn heartbeat(worker: &ServiceName, origin: &str) -> String {
    format!("{worker}.{origin}")
}

/// The `Nats-Msg-Id` of a task. The same id may be that of tasks of two workers.
pub(super) fn message(worker: &ServiceName, id: &TaskId, generation: u64) -> String {
    format!("{worker}/{id}.{generation}")
}

/// A text for a header: one line of ASCII.
pub(super) fn header(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_to_one_and_can_be_keys() {
        let marie = ServiceName::new("marie");
        let ids = ["a", "a.1", "a..1", "a.", "a-1", "a_1", "A.1.2"].map(|id| TaskId::parse(id).unwrap());
        let mut keys: Vec<String> = ids.iter().map(|id| generation(&marie, id, 1)).collect();
        keys.extend(ids.iter().map(|id| state(&marie, id)));
        let is_good = |key: &String| {
            let pieces = key.split('.').all(|piece| !piece.is_empty());
            pieces && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-/_=.".contains(&byte))
        };
        assert!(keys.iter().all(is_good), "{keys:?}");
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
        assert_eq!(tasks(&marie, Priority::High), "tasks.marie.high");
        assert_eq!(message(&marie, &ids[1], 2), "marie/a.1.2");
        assert_eq!(header("exit 1\n…"), "exit 1??");
    }
}
