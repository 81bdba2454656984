//! The files that are written about tasks. The keys of the old system come first, in its order; ours only behind them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{DeadReason, LastTry, TaskId, TaskKeys, TaskStats, TaskStatus, TriesNote, WorkerHealth};
use crate::domain::ServiceName;

/// A result.
#[derive(Clone, Debug)]
pub struct TaskResult<'a> {
    /// Whose.
    pub id: &'a TaskId,
    /// Who worked it off.
    pub worker: &'a ServiceName,
    /// What came of it.
    pub status: TaskStatus,
    /// Of its last try; none where there was none, or nobody saw its end.
    pub exit_code: Option<i32>,
    /// What was kept of its standard output.
    pub stdout: &'a str,
    /// What was kept of its standard error.
    pub stderr: &'a str,
    /// How long its last try took.
    pub took: Duration,
    /// Now.
    pub at: SystemTime,
    /// Tries that have failed and were followed by another one.
    pub retry_count: u32,
    /// What was dropped of its standard output.
    pub stdout_dropped: u64,
    /// What was dropped of its standard error.
    pub stderr_dropped: u64,
    /// Its batch.
    pub batch: Option<&'a str>,
}

/// What a dead letter says behind the keys of its task.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    /// `dlq_reason`.
    pub reason: DeadReason,
    /// Now.
    pub at: SystemTime,
    /// Tries that have failed and were followed by another one.
    pub retry_count: u32,
    /// What is wrong, for people.
    pub detail: &'a str,
    /// Of its last try.
    pub last_exit_code: Option<i32>,
}

/// A trigger: a task has been claimed.
#[derive(Clone, Debug)]
pub struct Receipt<'a> {
    /// Whose.
    pub id: &'a TaskId,
    /// By whom.
    pub worker: &'a ServiceName,
    /// The number of the try that follows.
    pub number: u32,
    /// Now.
    pub at: SystemTime,
    /// Its batch.
    pub batch: Option<&'a str>,
}

/// How a task has ended, as its trigger says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    /// With a result.
    Status(TaskStatus),
    /// As a dead letter without one.
    Dead,
}

/// A trigger: a task has ended.
#[derive(Clone, Debug)]
pub struct Trigger<'a> {
    /// How.
    pub end: TaskEnd,
    /// Which.
    pub id: &'a TaskId,
    /// Whose.
    pub worker: &'a ServiceName,
    /// Of its last try.
    pub exit_code: Option<i32>,
    /// Tries that have failed and were followed by another one.
    pub retry_count: u32,
    /// Its result, as a path.
    pub result_file: Option<&'a str>,
    /// Its dead letter, as a path.
    pub dlq_file: Option<&'a str>,
    /// Now.
    pub at: SystemTime,
    /// Its batch.
    pub batch: Option<&'a str>,
}

/// The state of a worker, as its heartbeat says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whose.
    pub worker: ServiceName,
    /// Since it began to work.
    pub uptime: Duration,
    /// Tasks that wait: for a place, for others, or for their next try.
    pub queue_size: u32,
    /// Tries that run.
    pub active_tasks: u32,
    /// `closed`, `open` or `half_open`.
    pub circuit: &'static str,
    /// Since it was first started, ever.
    pub stats: TaskStats,
    /// How it is.
    pub status: WorkerHealth,
}

/// A task of a batch that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedOfBatch {
    /// Its id, or the name of its file if it has none.
    pub name: Arc<str>,
    /// Which batch.
    pub batch: Arc<str>,
    /// Whether it was completed.
    pub completed: bool,
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BatchCounts {
    /// Its tasks.
    pub total: u64,
    /// With a result that says so.
    pub completed: u64,
    /// Those that ended otherwise.
    pub failed: u64,
    /// Those that have not ended.
    pub pending: u64,
}

impl BatchCounts {
    /// One of its tasks has ended so; `None`: it has not.
    pub fn count(&mut self, completed: Option<bool>) {
        self.total += 1;
        match completed {
            Some(true) => self.completed += 1,
            Some(false) => self.failed += 1,
            None => self.pending += 1,
        }
    }

    /// Both together.
    pub fn with(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            completed: self.completed + other.completed,
            failed: self.failed + other.failed,
            pending: self.pending + other.pending,
        }
    }
}

/// The aggregation.
#[derive(Clone, Debug)]
pub struct Orchestrator<'a> {
    /// Now.
    pub at: SystemTime,
    /// The heartbeats of all workers, with their times.
    pub workers: &'a [(Heartbeat, SystemTime)],
    /// All batches.
    pub batches: &'a BTreeMap<Arc<str>, BatchCounts>,
    /// Tasks whose try runs longer than it may.
    pub overdue: &'a [TaskId],
    /// Workers whose heartbeat is too old.
    pub lost: &'a [ServiceName],
}

impl TaskEnd {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Status(status) => status.word(),
            Self::Dead => "dead",
        }
    }
}

impl WorkerHealth {
    /// The word in a heartbeat.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
            Self::Stopped => "stopped",
        }
    }
}

/// A time as all files say it: `2025-11-19T10:30:00Z`.
pub fn rfc3339(at: SystemTime) -> String {
    let seconds = Timestamp::try_from(at).map(Timestamp::as_second).unwrap_or_default();
    Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

/// `results/<worker>/<id>.json`.
pub fn result_json(result: &TaskResult<'_>) -> String {
    let worker = result.worker.as_str();
    object(|map| {
        map.entry("task_id", result.id.as_str());
        map.entry("worker", worker);
        map.entry("status", result.status.word());
        map.entry("exit_code", &result.exit_code);
        map.entry("stdout", result.stdout);
        map.entry("stderr", result.stderr);
        map.entry("duration_seconds", &seconds(result.took));
        map.entry("timestamp", &rfc3339(result.at));
        map.entry("retry_count", &result.retry_count);
        map.if_any("stdout_dropped_bytes", Some(result.stdout_dropped).filter(|dropped| *dropped > 0));
        map.if_any("stderr_dropped_bytes", Some(result.stderr_dropped).filter(|dropped| *dropped > 0));
        map.if_any("batch", result.batch);
    })
}

/// `dlq/<worker>/<id>.json`. What an older dead letter said of the same task is not said again.
pub fn letter_json(keys: &TaskKeys, letter: &Letter<'_>) -> String {
    const OURS: [&str; 5] = ["dlq_reason", "dlq_timestamp", "retry_count", "dlq_detail", "last_exit_code"];
    object(|map| {
        for (key, value) in keys.iter().filter(|(key, _)| !OURS.contains(key)) {
            map.entry(key, value);
        }
        letter_keys(map, letter);
    })
}

/// `dlq/<worker>/<name>.reason.json`: why a file that is no JSON, and lies beside it, is a dead letter.
pub fn raw_reason_json(file: &str, letter: &Letter<'_>) -> String {
    object(|map| {
        map.entry("file", file);
        letter_keys(map, letter);
    })
}

fn letter_keys(map: &mut Entries, letter: &Letter<'_>) {
    map.entry("dlq_reason", letter.reason.word());
    map.entry("dlq_timestamp", &rfc3339(letter.at));
    map.entry("retry_count", &letter.retry_count);
    map.if_any("dlq_detail", Some(letter.detail).filter(|detail| !detail.is_empty()));
    map.if_any("last_exit_code", letter.last_exit_code);
}

/// `triggers/<worker>/<id>.json`.
pub fn receipt_json(receipt: &Receipt<'_>) -> String {
    object(|map| {
        map.entry("event", "received");
        map.entry("task_id", receipt.id.as_str());
        map.entry("worker", receipt.worker.as_str());
        map.entry("try", &receipt.number);
        map.entry("timestamp", &rfc3339(receipt.at));
        map.if_any("batch", receipt.batch);
    })
}

/// `triggers/orchestrator/<worker>.<id>.json`.
pub fn trigger_json(trigger: &Trigger<'_>) -> String {
    object(|map| {
        map.entry("event", trigger.end.word());
        map.entry("task_id", trigger.id.as_str());
        map.entry("worker", trigger.worker.as_str());
        map.entry("exit_code", &trigger.exit_code);
        map.entry("retry_count", &trigger.retry_count);
        map.entry("result_file", &trigger.result_file);
        map.entry("dlq_file", &trigger.dlq_file);
        map.entry("timestamp", &rfc3339(trigger.at));
        map.if_any("batch", trigger.batch);
    })
}

/// `tasks/<worker>/.work/<id>.tries.json`.
pub fn tries_json(note: &TriesNote, at: SystemTime) -> String {
    let next_at = SignedDuration::try_from(note.wait).ok();
    let next_at = Timestamp::try_from(at).ok().zip(next_at).and_then(|(at, wait)| at.checked_add(wait).ok());
    object(|map| {
        map.entry("file", &*note.file);
        map.entry("retry_count", &note.retry_count);
        let phase = if note.published { "published" } else { "waiting" };
        map.entry("phase", if note.running { "running" } else { phase });
        // No two publications of a task have the same: the server is told by it which one it has.
        let published_at = Timestamp::try_from(at).ok().filter(|_| note.published);
        map.if_any("published_at", published_at.map(|at| at.to_string()));
        map.if_any("next_at", next_at.filter(|_| !note.running && !note.published).map(|at| at.to_string()));
        if let Some(LastTry { status, exit_code, why }) = &note.last {
            map.entry("last_status", status.word());
            map.entry("last_exit_code", exit_code);
            map.entry("last_reason", &**why);
        }
    })
}

/// `heartbeats/<worker>.json`.
pub fn heartbeat_json(beat: &Heartbeat, at: SystemTime) -> String {
    serde_json::to_string(&Beat(beat, at)).unwrap_or_default() + "\n"
}

/// `orchestrator.json`.
pub fn orchestrator_json(all: &Orchestrator<'_>) -> String {
    let sum = |count: fn(&Heartbeat) -> u64| all.workers.iter().map(|(beat, _)| count(beat)).sum::<u64>();
    let totals = [
        ("workers", all.workers.len() as u64),
        ("queue_size", sum(|beat| beat.queue_size.into())),
        ("active_tasks", sum(|beat| beat.active_tasks.into())),
        ("tasks_processed", sum(|beat| beat.stats.processed)),
        ("tasks_failed", sum(|beat| beat.stats.failed)),
        ("tasks_retried", sum(|beat| beat.stats.retried)),
        ("tasks_dlq", sum(|beat| beat.stats.dead)),
    ];
    object(|map| {
        map.entry("timestamp", &rfc3339(all.at));
        let beats = all.workers.iter().map(|(beat, at)| (beat.worker.as_str(), Beat(beat, *at)));
        map.entry("workers", &Map(beats.collect()));
        map.entry("totals", &Map(totals.to_vec()));
        map.entry("batches", &Map(all.batches.iter().map(|(name, counts)| (&**name, counts)).collect()));
        map.entry("overdue", &all.overdue.iter().map(TaskId::as_str).collect::<Vec<_>>());
        map.entry("lost", &all.lost.iter().map(ServiceName::as_str).collect::<Vec<_>>());
    })
}

/// Seconds with at most three digits behind the dot.
fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

struct Beat<'a>(&'a Heartbeat, SystemTime);

impl Serialize for Beat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(beat, at) = self;
        let stats = [
            ("tasks_processed", beat.stats.processed),
            ("tasks_failed", beat.stats.failed),
            ("tasks_retried", beat.stats.retried),
            ("tasks_dlq", beat.stats.dead),
        ];
        let mut map = serializer.serialize_map(Some(8))?;
        map.serialize_entry("worker", beat.worker.as_str())?;
        map.serialize_entry("timestamp", &rfc3339(*at))?;
        map.serialize_entry("uptime_seconds", &beat.uptime.as_secs())?;
        map.serialize_entry("queue_size", &beat.queue_size)?;
        map.serialize_entry("active_tasks", &beat.active_tasks)?;
        map.serialize_entry("circuit_breaker_state", beat.circuit)?;
        map.serialize_entry("stats", &Map(stats.to_vec()))?;
        map.serialize_entry("status", beat.status.word())?;
        map.end()
    }
}

/// An object whose keys keep their order.
struct Map<'a, V>(Vec<(&'a str, V)>);

impl<V: Serialize> Serialize for Map<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// The text of an object, with a line end.
fn object(write: impl Fn(&mut Entries)) -> String {
    let mut entries = Entries { text: String::from("{") };
    write(&mut entries);
    entries.text.push_str("}\n");
    entries.text
}

/// The keys of an object that is being written.
struct Entries {
    text: String,
}

impl Entries {
    fn entry(&mut self, key: &str, value: &(impl Serialize + ?Sized)) {
        // Texts, numbers and lists of them always have a JSON text.
        let (Ok(key), Ok(value)) = (serde_json::to_string(key), serde_json::to_string(value)) else { return };
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.text.push_str(&key);
        self.text.push(':');
        self.text.push_str(&value);
    }

    fn if_any(&mut self, key: &str, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.entry(key, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_763_548_200_900)
    }

    fn id() -> TaskId {
        TaskId::parse("test-001").unwrap()
    }

    #[test]
    fn a_result_has_the_old_keys_in_the_old_order() {
        let (id, worker) = (id(), ServiceName::from("marie"));
        let mut result = TaskResult {
            id: &id,
            worker: &worker,
            status: TaskStatus::Completed,
            exit_code: Some(0),
            stdout: "Grüße\n\u{1b}",
            stderr: "",
            took: Duration::from_millis(45_200),
            at: at(),
            retry_count: 0,
            stdout_dropped: 0,
            stderr_dropped: 0,
            batch: None,
        };
        assert_eq!(
            result_json(&result),
            concat!(
                r#"{"task_id":"test-001","worker":"marie","status":"completed","exit_code":0,"stdout":"Grüße\n\u001b","#,
                r#""stderr":"","duration_seconds":45.2,"timestamp":"2025-11-19T10:30:00Z","retry_count":0}"#,
                "\n"
            )
        );
        result.stdout_dropped = 7;
        result.batch = Some("b-7f3");
        result.exit_code = None;
        let text = result_json(&result);
        assert!(text.ends_with("\"retry_count\":0,\"stdout_dropped_bytes\":7,\"batch\":\"b-7f3\"}\n"), "{text}");
        assert!(text.contains("\"exit_code\":null"), "{text}");
    }

    #[test]
    fn a_dead_letter_has_the_keys_of_its_task_and_says_each_thing_once() {
        let text = br#"{"mine":[1, 2],"task_id":"test-001","dlq_reason":"invalid_field","retry_count":9}"#;
        let letter = Letter {
            reason: DeadReason::MaxRetriesExceeded,
            at: at(),
            retry_count: 3,
            detail: "exit 1",
            last_exit_code: Some(1),
        };
        let keys = TaskKeys::parse(text).unwrap();
        assert_eq!(
            letter_json(&keys, &letter),
            concat!(
                r#"{"mine":[1, 2],"task_id":"test-001","dlq_reason":"max_retries_exceeded","#,
                r#""dlq_timestamp":"2025-11-19T10:30:00Z","retry_count":3,"dlq_detail":"exit 1","last_exit_code":1}"#,
                "\n"
            )
        );
        let letter =
            Letter { detail: "", last_exit_code: None, reason: DeadReason::InvalidJson, retry_count: 0, ..letter };
        assert_eq!(
            raw_reason_json("a b.json", &letter),
            concat!(
                r#"{"file":"a b.json","dlq_reason":"invalid_json","dlq_timestamp":"2025-11-19T10:30:00Z","retry_count":0}"#,
                "\n"
            )
        );
    }

    #[test]
    fn triggers_say_what_has_happened() {
        let (id, worker) = (id(), ServiceName::from("marie"));
        let receipt = Receipt { id: &id, worker: &worker, number: 1, at: at(), batch: None };
        assert_eq!(
            receipt_json(&receipt),
            concat!(
                r#"{"event":"received","task_id":"test-001","worker":"marie","try":1,"timestamp":"2025-11-19T10:30:00Z"}"#,
                "\n"
            )
        );
        let trigger = Trigger {
            end: TaskEnd::Status(TaskStatus::Timeout),
            id: &id,
            worker: &worker,
            exit_code: Some(124),
            retry_count: 3,
            result_file: Some("results/marie/test-001.json"),
            dlq_file: None,
            at: at(),
            batch: Some("b"),
        };
        assert_eq!(
            trigger_json(&trigger),
            concat!(
                r#"{"event":"timeout","task_id":"test-001","worker":"marie","exit_code":124,"retry_count":3,"#,
                r#""result_file":"results/marie/test-001.json","dlq_file":null,"timestamp":"2025-11-19T10:30:00Z","batch":"b"}"#,
                "\n"
            )
        );
        assert_eq!(TaskEnd::Dead.word(), "dead");
    }

    fn beat() -> Heartbeat {
        Heartbeat {
            worker: "marie".into(),
            uptime: Duration::from_millis(90_700),
            queue_size: 14,
            active_tasks: 2,
            circuit: "half_open",
            stats: TaskStats { processed: 4, failed: 3, retried: 2, dead: 1 },
            status: WorkerHealth::Degraded,
        }
    }

    #[test]
    fn a_heartbeat_has_the_old_keys_in_the_old_order() {
        assert_eq!(
            heartbeat_json(&beat(), at()),
            concat!(
                r#"{"worker":"marie","timestamp":"2025-11-19T10:30:00Z","uptime_seconds":90,"queue_size":14,"active_tasks":2,"#,
                r#""circuit_breaker_state":"half_open","stats":{"tasks_processed":4,"tasks_failed":3,"tasks_retried":2,"tasks_dlq":1},"#,
                r#""status":"degraded"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn the_aggregation_sums_all_workers() {
        let other = Heartbeat { worker: "anga".into(), ..beat() };
        let batches = [("b-7f3".into(), BatchCounts { total: 3, completed: 1, failed: 1, pending: 1 })].into();
        let text = orchestrator_json(&Orchestrator {
            at: at(),
            workers: &[(beat(), at()), (other, at())],
            batches: &batches,
            overdue: &[id()],
            lost: &["bob".into()],
        });
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["totals"]["queue_size"], 28);
        assert_eq!(value["workers"]["anga"]["status"], "degraded");
        assert!(text.ends_with("\"batches\":{\"b-7f3\":{\"total\":3,\"completed\":1,\"failed\":1,\"pending\":1}},\"overdue\":[\"test-001\"],\"lost\":[\"bob\"]}\n"), "{text}");
    }

    #[test]
    fn what_was_tried_is_noted_with_the_time_of_the_next_try() {
        let last = LastTry { status: TaskStatus::Failed, exit_code: Some(1), why: "exit 1".into() };
        let file = "a name.json".into();
        let mut note = TriesNote {
            file,
            retry_count: 1,
            running: false,
            published: false,
            wait: Duration::from_secs(1),
            last: Some(last),
        };
        assert_eq!(
            tries_json(&note, at()),
            concat!(
                r#"{"file":"a name.json","retry_count":1,"phase":"waiting","next_at":"2025-11-19T10:30:01.9Z","#,
                r#""last_status":"failed","last_exit_code":1,"last_reason":"exit 1"}"#,
                "\n"
            )
        );
        note.running = true;
        assert!(tries_json(&note, at()).contains("\"phase\":\"running\",\"last_status\""));
    }
}
