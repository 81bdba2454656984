//! A task of a worker, and the words for what becomes of it.

mod id;
mod question;
mod snapshot;
mod told;
mod words;

pub use id::TaskId;
pub use question::{TaskAnswer, TaskQuestion};
pub use snapshot::{
    BreakerState, Standby, TaskDetails, TaskRow, TaskState, TaskStats, TaskTable, TaskText, WorkerHealth,
    WorkerSnapshot,
};
pub use told::worker_counts;
pub use words::{DeadReason, EndedTry, Priority, TaskHead, TaskStatus, TryExit, WhyFailed};
