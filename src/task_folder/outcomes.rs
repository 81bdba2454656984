//! What became of tasks, as results and dead letters tell. Others write them as well: what is missing or of a wrong type
//! is not there.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use serde_json::{Map, Value};

use super::folder::Folder;
use super::letters::{LARGEST_LETTER, RAW, REASON};
use super::names::{ENDING, name_of, numbered};
use super::trouble::Trouble;
use crate::domain::{DeadReason, FileStamp, TaskId, TaskStatus};

/// A result or a dead letter, without its output.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// `task_id`.
    pub task_id: Option<String>,
    /// `status` of a result, `dlq_reason` of a letter.
    pub word: String,
    /// `exit_code`, `last_exit_code`.
    pub exit_code: Option<i64>,
    /// `retry_count`.
    pub retry_count: u32,
    /// `dlq_detail`.
    pub detail: Option<String>,
    /// `batch` of a result, `metadata.batch` of a letter.
    pub batch: Option<String>,
    /// `priority`.
    pub priority: Option<String>,
    /// `timestamp`, `dlq_timestamp`.
    pub timestamp: Option<String>,
    /// When its file was written.
    pub stamp: FileStamp,
    /// Its file does not end before its JSON does: an empty or a cut one is still being written.
    pub is_whole: bool,
}

impl Outcome {
    fn of(json: &Map<String, Value>, stamp: FileStamp, word: &str) -> Self {
        let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| json.get(key).and_then(Value::as_i64);
        let of_metadata = || Some(json.get("metadata")?.get("batch")?.as_str()?.to_owned());
        Self {
            task_id: text("task_id"),
            word: text(word).unwrap_or_default(),
            exit_code: number("exit_code").or_else(|| number("last_exit_code")),
            retry_count: number("retry_count").and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
            detail: text("dlq_detail"),
            batch: text("batch").or_else(of_metadata),
            priority: text("priority"),
            timestamp: text("timestamp").or_else(|| text("dlq_timestamp")),
            stamp,
            is_whole: true,
        }
    }

    /// That of a result of which only the status is known.
    pub(super) fn unwritten(status: TaskStatus, stamp: FileStamp) -> Self {
        Self { word: status.word().to_owned(), ..Self::of(&Map::new(), stamp, "status") }
    }

    /// Whether the task was completed.
    pub fn is_completed(&self) -> bool {
        self.word == "completed"
    }

    /// Whether a result says that all tries have failed: a letter follows.
    pub fn has_failed(&self) -> bool {
        [TaskStatus::Failed, TaskStatus::Timeout].iter().any(|status| status.word() == self.word)
    }

    /// Whether a letter was written after all tries of its task had failed.
    pub fn is_of_tries(&self) -> bool {
        self.word == DeadReason::MaxRetriesExceeded.word()
    }

    /// Whether a letter is of a second file with the id of a task that lives.
    pub fn is_of_another_file(&self) -> bool {
        self.word == DeadReason::DuplicateTaskId.word()
    }
}

/// Reads a result as a whole.
pub(super) fn result_of(results: &Folder, name: &OsStr) -> Result<Option<Outcome>, Trouble> {
    outcome_of(results, name, LARGEST_RESULT, "status")
}

/// Reads a letter: of the task itself, or the reason beside a file that is no JSON.
pub(super) fn letter_in(letters: &Folder, name: &OsStr) -> Result<Option<Outcome>, Trouble> {
    outcome_of(letters, name, LARGEST_LETTER, "dlq_reason")
}

fn outcome_of(folder: &Folder, name: &OsStr, limit: u64, word: &str) -> Result<Option<Outcome>, Trouble> {
    let read = || {
        let Some((file, stamp)) = folder.file(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let size = file.take(limit).read_to_end(&mut bytes)?;
        let json = serde_json::from_slice::<Value>(&bytes);
        // One that is too large is cut by us.
        let is_whole = !json.as_ref().is_err_and(serde_json::Error::is_eof) || u64::try_from(size) == Ok(limit);
        let json = json.unwrap_or_default();
        let nothing = Map::new();
        Ok(Some(Outcome { is_whole, ..Outcome::of(json.as_object().unwrap_or(&nothing), stamp, word) }))
    };
    read().map_err(|error: std::io::Error| Trouble::new("cannot read", &folder.path().join(name), error))
}

/// Both streams of a result, with all that JSON escapes.
pub(super) const LARGEST_RESULT: u64 = 32 << 20;

/// So much of a result holds its first keys.
const HEAD: u64 = 4 << 10;

/// … and so much its last ones, with room for the longest batch.
const TAIL: u64 = 1 << 10;

/// Reads the begin and the end of a result only: there may be 100,000 of them, of 2 MiB each, and most of that is output.
pub(super) fn result_head(results: &Folder, name: &OsStr) -> Option<Outcome> {
    let (mut file, stamp) = results.file(name).ok()??;
    let mut bytes = Vec::with_capacity(512);
    (&mut file).take(HEAD).read_to_end(&mut bytes).ok()?;
    let whole = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let json = match whole(&bytes) {
        Some(json) => json,
        None => {
            let text = String::from_utf8_lossy(&bytes);
            let head = text.find("\"stdout\"").and_then(|at| text.get(..at));
            let head = head.map(|head| head.trim_end().trim_end_matches(',').to_owned() + "}");
            match head.and_then(|head| whole(head.as_bytes())).filter(|json| json.get("status").is_some()) {
                Some(Value::Object(mut json)) => {
                    json.extend(tail(&mut file));
                    Value::Object(json)
                }
                // Its keys are in another order.
                _ => return result_of(results, name).ok().flatten(),
            }
        }
    };
    Some(Outcome::of(json.as_object().unwrap_or(&Map::new()), stamp, "status"))
}

/// The keys behind the output. In the output itself each quote has a backslash before it.
fn tail(file: &mut File) -> Map<String, Value> {
    let mut bytes = Vec::new();
    let begin = file.seek(SeekFrom::End(0)).map(|end| SeekFrom::Start(end.saturating_sub(TAIL)));
    let read = begin.and_then(|begin| file.seek(begin)).and_then(|_| file.take(TAIL).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let keys = text.rfind(",\"duration_seconds\"").and_then(|at| text.get(at + 1..)).filter(|_| read.is_ok());
    keys.and_then(|keys| serde_json::from_str(&format!("{{{keys}")).ok()).unwrap_or_default()
}

/// The letter of a task, with the name of its file: the last one that was written after its tries, else the last one at
/// all, and none that is of a second file with its id.
pub(super) fn letter_of(letters: &Folder, id: &TaskId) -> Result<Option<(String, Outcome)>, Trouble> {
    let mut last: Option<(String, Outcome)> = None;
    for (name, letter) in letters_of(letters, id)? {
        let is_better = last.as_ref().is_none_or(|(_, last)| letter.is_of_tries() || !last.is_of_tries());
        if !letter.is_of_another_file() && is_better {
            last = Some((name, letter));
        }
    }
    Ok(last)
}

/// All letters with that id, also those of second files.
pub(super) fn letters_of(letters: &Folder, id: &TaskId) -> Result<Vec<(String, Outcome)>, Trouble> {
    /// Somebody may have removed some of them.
    const MISSING: u32 = 3;
    let (mut found, mut missing) = (Vec::new(), 0);
    for number in 1.. {
        let name = numbered(id.as_str(), number) + ENDING;
        match letter_in(letters, OsStr::new(&name))? {
            // `a.2.json` may be the first letter of a task `a.2`.
            Some(letter) if letter.task_id.as_deref().is_none_or(|of| of == id.as_str()) => {
                missing = 0;
                found.push((name, letter));
            }
            _ if missing == MISSING => break,
            _ => missing += 1,
        }
    }
    Ok(found)
}

/// The reason beside a file that is no JSON.
pub(super) fn reason_of(letters: &Folder, raw: &str) -> Option<Outcome> {
    let stem = raw.strip_suffix(RAW)?;
    letter_in(letters, &name_of(&format!("{stem}{REASON}"))).ok().flatten()
}
