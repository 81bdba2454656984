//! What is written for a task that the command line describes.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Number;

use crate::domain::TaskId;

/// The digits of ids: they sort as they stand.
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Digits of the time in an id: milliseconds until the year 2059.
const TIME_DIGITS: usize = 8;

/// Digits behind them that are drawn, for who asks in the same millisecond.
const DRAWN_DIGITS: usize = 2;

/// The `metadata` key that names the batch.
const BATCH: &str = "batch";

/// A task as its options describe it.
#[derive(Clone, Debug, Default)]
pub(super) struct Described {
    pub(super) worker: String,
    pub(super) text: String,
    pub(super) timeout: Option<Duration>,
    pub(super) priority: Option<String>,
    pub(super) after: Vec<TaskId>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// A file that is to be written for a worker.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NewFile {
    pub(super) id: TaskId,
    pub(super) bytes: Vec<u8>,
}

/// The keys of a task file, in their old order.
#[derive(Serialize)]
struct Keys<'t> {
    task_id: &'t str,
    worker: &'t str,
    description: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<Number>,
    priority: &'t str,
    dependencies: Vec<&'t str>,
    metadata: &'t BTreeMap<String, String>,
}

impl Described {
    /// The file of this task.
    pub(super) fn file(&self, id: &TaskId) -> serde_json::Result<NewFile> {
        let keys = Keys {
            task_id: id.as_str(),
            worker: &self.worker,
            description: &self.text,
            timeout: self.timeout.and_then(seconds),
            priority: self.priority.as_deref().unwrap_or("normal"),
            dependencies: self.after.iter().map(TaskId::as_str).collect(),
            metadata: &self.metadata,
        };
        let mut bytes = serde_json::to_vec(&keys)?;
        bytes.push(b'\n');
        Ok(NewFile { id: id.clone(), bytes })
    }

    /// The files of a batch of so many tasks. `None`: the numbers make its ids too long.
    pub(super) fn files_of_batch(&self, batch: &TaskId, count: u32) -> Option<serde_json::Result<Vec<NewFile>>> {
        let width = count.to_string().len();
        let numbered: Option<Vec<(u32, TaskId)>> =
            (1..=count).map(|n| Some((n, TaskId::parse(&format!("{batch}-{n:0width$}"))?))).collect();
        let files = numbered?.into_iter().map(|(n, id)| {
            let text = self.text.replace("{n}", &n.to_string());
            let mut metadata = self.metadata.clone();
            metadata.insert(BATCH.into(), batch.to_string());
            Self { text, metadata, ..self.clone() }.file(&id)
        });
        Some(files.collect())
    }
}

/// A duration as programs of the old system read it: a whole number of seconds where it is one.
fn seconds(duration: Duration) -> Option<Number> {
    match duration.subsec_nanos() {
        0 => Some(duration.as_secs().into()),
        _ => Number::from_f64(duration.as_secs_f64()),
    }
}

/// A new id: the letter, the time in milliseconds, and two digits that are drawn.
pub(super) fn new_id(letter: char) -> Option<TaskId> {
    let millis = super::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let drawn = RandomState::new().hash_one(millis);
    TaskId::parse(&id_text(letter, millis, drawn))
}

fn id_text(letter: char, millis: u128, drawn: u64) -> String {
    format!("{letter}-{}{}", digits(millis, TIME_DIGITS), digits(drawn.into(), DRAWN_DIGITS))
}

/// The last so many digits of a number.
fn digits(mut number: u128, count: usize) -> String {
    let mut text = vec!['0'; count];
    for place in text.iter_mut().rev() {
        *place = DIGITS.get((number % 36) as usize).map_or('0', |digit| char::from(*digit));
        number /= 36;
    }
    text.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn described() -> Described {
        Described { worker: "marie".into(), text: "do {n} of \"it\"\n$(x)".into(), ..Described::default() }
    }

    fn id(text: &str) -> TaskId {
        TaskId::parse(text).unwrap()
    }

    #[test]
    fn a_file_has_the_old_keys_in_the_old_order() {
        let file = described().file(&id("t-1")).unwrap();
        let expected = "{\"task_id\":\"t-1\",\"worker\":\"marie\",\"description\":\"do {n} of \\\"it\\\"\\n$(x)\",\
                        \"priority\":\"normal\",\"dependencies\":[],\"metadata\":{}}\n";
        assert_eq!(String::from_utf8(file.bytes).unwrap(), expected);
        let full = Described {
            timeout: Some(Duration::from_millis(1500)),
            priority: Some("high".into()),
            after: vec![id("a"), id("b")],
            metadata: [("ticket".into(), "42".into())].into(),
            ..described()
        };
        let value: Value = serde_json::from_slice(&full.file(&id("t-2")).unwrap().bytes).unwrap();
        assert_eq!(value["timeout"], 1.5);
        assert_eq!(value["priority"], "high");
        assert_eq!(value["dependencies"], serde_json::json!(["a", "b"]));
        assert_eq!(value["metadata"]["ticket"], "42");
        let whole = Described { timeout: Some(Duration::from_secs(600)), ..described() };
        assert!(String::from_utf8(whole.file(&id("t")).unwrap().bytes).unwrap().contains("\"timeout\":600,"));
    }

    #[test]
    fn the_tasks_of_a_batch_are_numbered_and_name_it() {
        let files = described().files_of_batch(&id("b-7f3"), 10).unwrap().unwrap();
        let ids: Vec<_> = files.iter().map(|file| file.id.as_str()).collect();
        assert_eq!((ids.len(), ids[0], ids[9]), (10, "b-7f3-01", "b-7f3-10"));
        assert!(ids.is_sorted());
        let value: Value = serde_json::from_slice(&files[8].bytes).unwrap();
        assert_eq!(value["description"], "do 9 of \"it\"\n$(x)");
        assert_eq!(value["metadata"]["batch"], "b-7f3");
        assert!(described().files_of_batch(&id(&"x".repeat(127)), 1).is_none(), "its ids are too long");
    }

    #[test]
    fn new_ids_are_short_and_sort_by_time() {
        let at = |millis| id_text('t', millis, 40);
        assert_eq!(at(1_764_448_000_000), "t-mikqs64g14");
        assert!(at(35) < at(36) && at(1_764_448_000_000) < at(1_764_448_000_001));
        let (one, other) = (new_id('t').unwrap(), new_id('b').unwrap());
        assert_eq!((one.as_str().len(), &other.as_str()[..2]), (12, "b-"));
    }
}
