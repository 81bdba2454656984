//! What the server keeps of a task, and what follows from it: without input or output.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{FoundTries, LastTry, TaskStatus};

/// The last try of a task that has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastOfRecord {
    /// `failed` or `timeout`.
    pub(super) status: String,
    /// `exit_code`.
    pub(super) exit_code: Option<i32>,
    /// For people.
    pub(super) why: String,
}

/// The state of a task, from its publication on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    /// The folder that it came from.
    pub(super) origin: String,
    /// Which publication it is.
    pub(super) token: String,
    /// Which task of this id: 1, and one more after each retry, drop or recall.
    pub(super) generation: u64,
    /// It is with the server no longer, and its id is free.
    pub(super) recalled: bool,
    /// Somebody wants it to end.
    pub(super) cancelled: bool,
    /// A try has begun.
    pub(super) running: bool,
    /// By which delivery of its message.
    pub(super) delivery: u64,
    /// Tries that have failed and were followed by another one.
    pub(super) retry_count: u32,
    /// The last of them.
    pub(super) last: Option<LastOfRecord>,
    /// How it has ended. It stands here so that one change of the record both ends a task and keeps others from beginning it.
    #[serde(skip)]
    pub(super) result: Option<Arc<[u8]>>,
}

/// What is known of a delivered task as long as it is ours.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    /// Where its message is acknowledged.
    pub(super) reply: Arc<str>,
    /// Which delivery it is.
    pub(super) delivery: u64,
    /// What is known of it.
    pub(super) record: Record,
    /// The change of the record that we have seen.
    pub(super) revision: u64,
}

/// What a publication comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Publishing {
    /// A generation begins with this record.
    Begin(Record),
    /// It has begun, by an attempt of ours: the message is published again, which does nothing if it is there.
    Again,
    /// It has ended.
    Ended,
    /// The id belongs to another task; why, for people.
    Taken(&'static str),
}

/// What a delivery comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// The message is about nothing any more.
    Drop,
    /// Somebody may be at it.
    Wait,
    /// It is ours, if only to tell of its end.
    Take,
}

impl Record {
    /// Reads one; nothing but a record is one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
        let record: Self = serde_json::from_slice(parts.next()?).ok()?;
        let result = parts.next().map(Arc::from);
        Some(Self { result, ..record }).filter(|record| record.generation > 0)
    }

    /// A line of JSON, and the result behind it.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        if let Some(result) = &self.result {
            text.push(b'\n');
            text.extend_from_slice(result);
        }
        text
    }

    /// The same task, ended.
    pub(super) fn ended(&self, result: Arc<[u8]>) -> Self {
        Self { running: false, result: Some(result), ..self.clone() }
    }

    /// The same task, with the server no longer.
    pub(super) fn recalled(self) -> Self {
        Self { recalled: true, running: false, result: None, ..self }
    }

    /// Whether a task is still with who knows this of it: nobody has begun to try it since then.
    pub(super) fn is_with(&self, known: &Self) -> bool {
        (self.generation, self.delivery, self.recalled) == (known.generation, known.delivery, known.recalled)
    }

    /// What was tried, as the decisions take it.
    pub(super) fn tries(&self) -> FoundTries {
        let Self { retry_count, running, .. } = *self;
        FoundTries { retry_count, running, published: false, left: Duration::ZERO, last: self.last() }
    }

    fn last(&self) -> Option<LastTry> {
        self.last.as_ref().map(|last| LastTry {
            status: TaskStatus::parse(&last.status).unwrap_or(TaskStatus::Failed),
            exit_code: last.exit_code,
            why: last.why.as_str().into(),
        })
    }

    /// The same with other tries.
    pub(super) fn with_tries(&self, running: bool, retry_count: u32, last: Option<LastTry>) -> Self {
        let last = last.map(LastOfRecord::of);
        Self { running, retry_count, last, ..self.clone() }
    }

    /// When its owner is gone, a try that had begun counts as one that has failed.
    pub(super) fn interrupted(&self) -> FoundTries {
        let tries = self.tries();
        if !tries.running {
            return tries;
        }
        let why: Arc<str> = "interrupted".into();
        let last = Some(LastTry { status: TaskStatus::Failed, exit_code: None, why });
        FoundTries { running: false, retry_count: tries.retry_count.saturating_add(1), last, ..tries }
    }
}

impl LastOfRecord {
    fn of(last: LastTry) -> Self {
        Self { status: last.status.word().into(), exit_code: last.exit_code, why: last.why.to_string() }
    }
}

/// Whether a folder may publish a task. `found`: what is there of its id.
pub(super) fn publishing(found: Option<&Record>, wanted: &Record) -> Publishing {
    let begin = |generation| Publishing::Begin(Record { generation, ..wanted.clone() });
    let Some(record) = found else { return begin(1) };
    let (is_of_folder, has_ended) = (record.origin == wanted.origin, record.result.is_some());
    match (is_of_folder && record.token == wanted.token, has_ended) {
        _ if record.recalled => begin(record.generation.saturating_add(1)),
        (true, true) => Publishing::Ended,
        (true, false) => Publishing::Again,
        (false, false) => Publishing::Taken("a task of this id is with the server already"),
        // Its result, or its dead letter, was taken out of the folder: it is to be done anew.
        (false, true) if is_of_folder => begin(record.generation.saturating_add(1)),
        (false, true) => Publishing::Taken("a task of this id from another folder has a result already"),
    }
}

/// What becomes of a message of this generation that is delivered for the nth time.
pub(super) fn delivery(record: Option<&Record>, generation: u64, delivery: u64) -> Delivery {
    match record {
        Some(record) if !record.recalled && record.generation == generation => {
            if record.running && delivery <= record.delivery {
                return Delivery::Wait;
            }
            Delivery::Take
        }
        _ => Delivery::Drop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(origin: &str, token: &str, generation: u64) -> Record {
        Record { origin: origin.into(), token: token.into(), generation, ..Record::default() }
    }

    #[test]
    fn a_folder_publishes_what_is_its_own() {
        let wanted = record("here", "t1", 0);
        let begun = |generation| Publishing::Begin(record("here", "t1", generation));
        let comes_to = |found: Option<(Record, bool)>| {
            let found = found.map(|(record, ends)| if ends { record.ended(b"{}"[..].into()) } else { record });
            publishing(found.as_ref(), &wanted)
        };
        assert_eq!(comes_to(None), begun(1));
        // A crash after the record, and after the result.
        assert_eq!(comes_to(Some((record("here", "t1", 4), false))), Publishing::Again);
        assert_eq!(comes_to(Some((record("here", "t1", 4), true))), Publishing::Ended);
        // It was retried, or dropped, or recalled.
        assert_eq!(comes_to(Some((record("here", "t0", 4), true))), begun(5));
        assert_eq!(comes_to(Some((Record { recalled: true, ..record("there", "t0", 4) }, false))), begun(5));
        assert_eq!(comes_to(Some((Record { recalled: true, ..record("here", "t1", 4) }, false))), begun(5));
        for (found, has_result) in [("there", true), ("there", false), ("here", false)] {
            let taken = comes_to(Some((record(found, "t0", 4), has_result)));
            assert!(matches!(taken, Publishing::Taken(_)), "{found} {has_result}");
        }
    }

    #[test]
    fn who_gets_a_message_may_not_be_the_only_one() {
        let known = record("here", "t1", 2);
        assert_eq!(delivery(None, 1, 1), Delivery::Drop);
        assert_eq!(delivery(Some(&known), 1, 9), Delivery::Drop, "of an older generation");
        assert_eq!(delivery(Some(&Record { recalled: true, ..known.clone() }), 2, 1), Delivery::Drop);
        assert_eq!(delivery(Some(&known), 2, 1), Delivery::Take);
        let running = Record { running: true, delivery: 3, ..known.clone() };
        assert_eq!(delivery(Some(&running), 2, 3), Delivery::Wait, "the server has forgotten a delivery");
        assert_eq!(delivery(Some(&running), 2, 4), Delivery::Take);
        let given_back = Record { running: false, ..running.clone() };
        assert_eq!(delivery(Some(&given_back), 2, 4), Delivery::Take);
        assert!(running.is_with(&given_back) && !running.is_with(&known));
        let cancelled = Record { cancelled: true, ..known };
        assert_eq!(delivery(Some(&cancelled), 2, 1), Delivery::Take);
    }

    #[test]
    fn a_record_is_what_it_was() {
        let last = LastTry { status: TaskStatus::Timeout, exit_code: Some(124), why: "timeout".into() };
        let written = record("here", "t1", 2).with_tries(true, 3, Some(last.clone()));
        let read = Record::read(&written.text()).unwrap();
        assert_eq!(read, written);
        let tries =
            FoundTries { retry_count: 3, running: true, published: false, left: Duration::ZERO, last: Some(last) };
        assert_eq!(read.tries(), tries);
        assert_eq!((read.interrupted().retry_count, read.interrupted().running), (4, false));
        let ended = written.ended(b"{\n\"status\": 1}\n"[..].into());
        assert_eq!(Record::read(&ended.text()).unwrap(), Record { running: false, ..ended.clone() });
        assert_eq!(delivery(Some(&ended), 2, 1), Delivery::Take, "to tell of its end");
        assert_eq!((ended.clone().recalled().result, ended.recalled().recalled), (None, true));
        assert_eq!((Record::read(b"{}"), Record::read(b"nonsense")), (None, None));
        let newer = br#"{"generation":1,"origin":"x","something":"else"}"#;
        assert_eq!(Record::read(newer).unwrap().origin, "x");
    }
}
