//! What was read becomes a task or a refusal.

use super::folder::Contents;
use super::listing::LARGEST_TASK;
use super::names::stem_of;
use crate::domain::{DeadReason, TaskFile, TaskHome, TaskId, TaskRefusal};

/// Checks a task file. What cannot be read is treated as what cannot be understood: it may be readable soon.
///
/// # Errors
/// Why it is a dead letter.
pub fn check(file: &str, contents: Contents, home: TaskHome<'_>) -> Result<TaskFile, TaskRefusal> {
    let refusal = |reason, detail| Err(TaskRefusal { reason, detail, id: TaskId::parse(stem_of(file)), batch: None });
    match contents {
        Contents::Bytes(bytes) => TaskFile::parse(&bytes, file, home),
        Contents::TooLarge => {
            refusal(DeadReason::TooLarge, format!("the file is larger than {} MiB", LARGEST_TASK >> 20))
        }
        Contents::Unreadable(why) => refusal(DeadReason::InvalidJson, why),
    }
}
