//! A task of a worker, and the words for what becomes of it.

/// Whose the dead letters are that are for no worker. No worker has this name.
pub const UNROUTED: &str = "unrouted";

mod cancelled;
mod claim;
mod file;
mod id;
mod json;
mod keys;
mod news;
mod question;
mod readers;
mod snapshot;
mod told;
mod words;

pub use claim::{DependencyState, FileStamp, FoundClaim, FoundTries, LastTry, TriesNote};
pub use file::{DESCRIPTION_IN_ARGUMENTS, TaskFile, TaskHome, TaskRefusal, is_batch};
pub use id::TaskId;
pub use json::{
    BatchCounts, EndedOfBatch, Heartbeat, Letter, Orchestrator, Receipt, TaskEnd, TaskResult, Trigger, heartbeat_json,
    letter_json, orchestrator_json, raw_reason_json, receipt_json, result_json, rfc3339, tries_json, trigger_json,
};
pub use keys::{JsonFault, TaskKeys};
pub use news::TaskNews;
pub use question::{TaskAnswer, TaskQuestion};
pub use readers::{
    ReadHeartbeat, ReadLetter, ReadResult, ReadTries, read_heartbeat, read_letter, read_result, read_tries,
};
pub use snapshot::{
    BreakerState, Standby, TaskDetails, TaskRow, TaskState, TaskStats, TaskTable, TaskText, WorkerHealth,
    WorkerSnapshot,
};
pub use told::{is_open, worker_counts};
pub use words::{DeadReason, EndedTry, Priority, TaskHead, TaskStatus, TryExit, WhyFailed};
