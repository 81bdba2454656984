//! Reading what was written about tasks, by us or by others: unknown keys are passed over, missing ones are no fault.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::Value;

use super::{DeadReason, FoundTries, Heartbeat, LastTry, TaskId, TaskKeys, TaskStats, TaskStatus, WorkerHealth};
use crate::domain::ServiceName;

/// What a result says.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadResult {
    /// `task_id`, if it can be one.
    pub id: Option<TaskId>,
    /// `status`.
    pub status: TaskStatus,
    /// `exit_code`.
    pub exit_code: Option<i32>,
    /// `retry_count`.
    pub retry_count: u32,
    /// `duration_seconds`.
    pub took: Option<Duration>,
    /// `timestamp`.
    pub at: Option<SystemTime>,
    /// `stdout`.
    pub stdout: String,
    /// `stderr`.
    pub stderr: String,
    /// `batch`.
    pub batch: Option<Arc<str>>,
}

/// What a dead letter says, or the reason beside one that is no JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadLetter {
    /// `task_id`, if it can be one.
    pub id: Option<TaskId>,
    /// `dlq_reason`.
    pub reason: DeadReason,
    /// `dlq_detail`.
    pub detail: String,
    /// `dlq_timestamp`.
    pub at: Option<SystemTime>,
    /// `retry_count`.
    pub retry_count: u32,
    /// `last_exit_code`.
    pub last_exit_code: Option<i32>,
}

/// What a heartbeat says, and when it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadHeartbeat {
    /// The state of the worker.
    pub beat: Heartbeat,
    /// `timestamp`.
    pub at: Option<SystemTime>,
}

/// What is noted of tries, and the name of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadTries {
    /// The name that the file had.
    pub file: Option<Arc<str>>,
    /// What was tried. The rest of the wait is never longer than the longest one.
    pub tries: FoundTries,
    /// When it was published, as it is written there.
    pub published_at: Option<Arc<str>>,
}

/// Reads a result. A word for its status that nobody knows is a failure: it has ended, and not well.
pub fn read_result(bytes: &[u8]) -> Option<ReadResult> {
    let object = Object::read(bytes)?;
    Some(ReadResult {
        id: object.text("task_id").as_deref().and_then(TaskId::parse),
        status: TaskStatus::parse(&object.text("status")?).unwrap_or(TaskStatus::Failed),
        exit_code: object.code("exit_code"),
        retry_count: object.count("retry_count"),
        took: object.number("duration_seconds").and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        at: object.time("timestamp"),
        stdout: object.text("stdout").unwrap_or_default(),
        stderr: object.text("stderr").unwrap_or_default(),
        batch: object.text("batch").map(Arc::from),
    })
}

/// Reads a dead letter.
pub fn read_letter(bytes: &[u8]) -> Option<ReadLetter> {
    let object = Object::read(bytes)?;
    Some(ReadLetter {
        id: object.text("task_id").as_deref().and_then(TaskId::parse),
        reason: DeadReason::parse(&object.text("dlq_reason")?)?,
        detail: object.text("dlq_detail").unwrap_or_default(),
        at: object.time("dlq_timestamp"),
        retry_count: object.count("retry_count"),
        last_exit_code: object.code("last_exit_code"),
    })
}

/// Reads the heartbeat of this worker, whatever name it gives itself.
pub fn read_heartbeat(worker: &ServiceName, bytes: &[u8]) -> Option<ReadHeartbeat> {
    let object = Object::read(bytes)?;
    let stats = object.object("stats").unwrap_or_default();
    let count = |key| stats.number(key).map_or(0, |count| count as u64);
    let beat = Heartbeat {
        worker: worker.clone(),
        uptime: Duration::try_from_secs_f64(object.number("uptime_seconds").unwrap_or_default()).unwrap_or_default(),
        queue_size: object.count("queue_size"),
        active_tasks: object.count("active_tasks"),
        circuit: match object.text("circuit_breaker_state").as_deref() {
            Some("open") => "open",
            Some("half_open") => "half_open",
            _ => "closed",
        },
        stats: TaskStats {
            processed: count("tasks_processed"),
            failed: count("tasks_failed"),
            retried: count("tasks_retried"),
            dead: count("tasks_dlq"),
        },
        status: match object.text("status").as_deref() {
            Some("degraded") => WorkerHealth::Degraded,
            Some("unhealthy") => WorkerHealth::Unhealthy,
            Some("stopped") => WorkerHealth::Stopped,
            _ => WorkerHealth::Healthy,
        },
    };
    Some(ReadHeartbeat { beat, at: object.time("timestamp") })
}

/// Reads what was tried. `longest`: the longest wait that can have been noted, since clocks can be set.
pub fn read_tries(bytes: &[u8], now: SystemTime, longest: Duration) -> Option<ReadTries> {
    let object = Object::read(bytes)?;
    let left = object.time("next_at").and_then(|at| at.duration_since(now).ok()).unwrap_or_default();
    let last = object.text("last_reason").map(|why| LastTry {
        status: object.text("last_status").and_then(|word| TaskStatus::parse(&word)).unwrap_or(TaskStatus::Failed),
        exit_code: object.code("last_exit_code"),
        why: why.into(),
    });
    let phase = object.text("phase");
    let (waits, published) = (phase.as_deref() == Some("waiting"), phase.as_deref() == Some("published"));
    let (running, retry_count) = (!waits && !published, object.count("retry_count"));
    let tries = FoundTries { retry_count, running, published, left: left.min(longest), last };
    let published_at = object.text("published_at").map(Arc::from).filter(|_| published);
    Some(ReadTries { file: object.text("file").map(Arc::from), tries, published_at })
}

/// An object of which single keys are read.
#[derive(Default)]
struct Object(TaskKeys);

impl Object {
    fn read(bytes: &[u8]) -> Option<Self> {
        TaskKeys::parse(bytes).ok().map(Self)
    }

    fn value(&self, key: &str) -> Option<Value> {
        serde_json::from_str(self.0.get(key)?).ok()
    }

    fn object(&self, key: &str) -> Option<Self> {
        Self::read(self.0.get(key)?.as_bytes())
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.value(key)?.as_f64()
    }

    fn count(&self, key: &str) -> u32 {
        self.number(key).map_or(0, |count| count as u32)
    }

    fn code(&self, key: &str) -> Option<i32> {
        self.value(key)?.as_i64().and_then(|code| i32::try_from(code).ok())
    }

    fn time(&self, key: &str) -> Option<SystemTime> {
        Some(self.text(key)?.parse::<Timestamp>().ok()?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{TriesNote, heartbeat_json, tries_json};
    use super::*;

    #[test]
    fn what_others_write_is_read_as_far_as_it_goes() {
        let result = read_result(br#"{"status":"exploded","exit_code":"x","stdout":7,"more":{}}"#).unwrap();
        assert_eq!((result.status, result.exit_code, result.stdout.as_str()), (TaskStatus::Failed, None, ""));
        assert!(
            read_result(b"{}").is_none()
                && read_result(b"[]").is_none()
                && read_letter(br#"{"dlq_reason":"x"}"#).is_none()
        );
        let beat =
            read_heartbeat(&"bob".into(), br#"{"timestamp":"2025-11-19T10:30:00Z","queue_size":-3,"status":"?"}"#);
        let beat = beat.unwrap();
        assert_eq!((beat.beat.queue_size, beat.beat.status, beat.at.is_some()), (0, WorkerHealth::Healthy, true));
    }

    #[test]
    fn the_wait_that_is_left_is_counted_from_now_and_has_a_limit() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let wait = Duration::from_secs(4);
        let last = LastTry { status: TaskStatus::Timeout, exit_code: Some(124), why: "timeout".into() };
        let note = TriesNote {
            file: "x y.json".into(),
            retry_count: 2,
            running: false,
            published: false,
            wait,
            last: Some(last.clone()),
        };
        let text = tries_json(&note, at);
        let left = |now: u64, longest: u64| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now);
            read_tries(text.as_bytes(), now, Duration::from_secs(longest)).unwrap().tries.left.as_secs()
        };
        assert_eq!([left(1_001, 300), left(1_009, 300), left(0, 300), left(0, 2)], [3, 0, 300, 2]);
        let read = read_tries(text.as_bytes(), at, wait).unwrap();
        assert_eq!(read.file.as_deref(), Some("x y.json"));
        assert_eq!(
            read.tries,
            FoundTries { retry_count: 2, running: false, published: false, left: wait, last: Some(last) }
        );
    }

    #[test]
    fn fuzz_of_what_is_written_about_tasks() {
        const SEEDS: [&[u8]; 5] = [
            br#"{"task_id":"t","worker":"m","status":"completed","exit_code":0,"stdout":"done\n","stderr":"","duration_seconds":45.2,"timestamp":"2025-11-19T10:30:00Z","retry_count":0,"batch":"b"}"#,
            br#"{"task_id":"t","dlq_reason":"max_retries_exceeded","dlq_timestamp":"2025-11-19T10:30:00+02:00","dlq_detail":"x","retry_count":4,"last_exit_code":-1}"#,
            br#"{"worker":"m","timestamp":"2025-11-19T10:30:00Z","uptime_seconds":120,"queue_size":14,"active_tasks":2,"circuit_breaker_state":"half_open","stats":{"tasks_processed":40,"tasks_dlq":-3},"status":"degraded"}"#,
            br#"{"file":"x y.json","phase":"waiting","retry_count":2,"next_at":"9999-12-31T23:59:59Z","last_reason":"timeout","last_status":"timeout"}"#,
            br#"{"status":7,"duration_seconds":-1,"uptime_seconds":1e308,"queue_size":1e20}"#,
        ];
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        crate::fuzz::run("task-results", 3_000, &SEEDS, |bytes| {
            let longest = Duration::from_secs(300);
            let tries = read_tries(bytes, now, longest);
            assert!(tries.as_ref().is_none_or(|read| read.tries.left <= longest));
            let beat = read_heartbeat(&"bob".into(), bytes);
            if let Some(beat) = &beat {
                // What was read is written and read again as it was, but for parts of a second.
                let text = heartbeat_json(&beat.beat, beat.at.unwrap_or(now));
                let again = read_heartbeat(&"bob".into(), text.as_bytes()).expect("what we write can be read").beat;
                assert_eq!(
                    (again.queue_size, again.status, again.circuit),
                    (beat.beat.queue_size, beat.beat.status, beat.beat.circuit)
                );
            }
            let result =
                read_result(bytes).map(|result| (result.status, result.exit_code.is_some(), result.took.is_some()));
            let letter = read_letter(bytes).map(|letter| (letter.reason, letter.at.is_some()));
            let tries = tries.map(|read| (read.tries.running, read.tries.last.is_some()));
            (result, letter, beat.map(|beat| beat.beat.circuit), tries)
        });
    }
}
