//! What came of edits, as JSON.

use serde::{Deserialize, Serialize};

use crate::control::log_line::LogLine;

/// What came of what has changed since a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Of this shape: 1. Keys are only ever added.
    pub version: u32,
    /// The place to go on from the next time: `since` takes it.
    pub cursor: String,
    /// Since when this tells what came of changes, RFC 3339 UTC.
    pub since: String,
    /// Those that somebody watches and that have changed since then, relative to the folder of `procgroup.toml`; in the order
    /// of their first change.
    pub files: Vec<String>,
    /// How many more.
    #[serde(default)]
    pub more_files: u64,
    /// The services concerned, in the order of the file.
    pub services: Vec<SettledService>,
    /// Why the `procgroup.toml` on disk is not in force, with the remedy. This is exit code 5.
    #[serde(default)]
    pub file_problem: Option<String>,
    /// Something was still going on when the time was up.
    pub timed_out: bool,
    /// What limits the answer, for people: an older cursor, a watcher that does not work.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What came of it for one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledService {
    /// The key below `[services]`.
    pub name: String,
    /// What it does now, as in `status --json`.
    pub state: String,
    /// It is not as the files want it: failed, stale, blocked, in a crash loop. This is exit code 5.
    #[serde(default)]
    pub failed: bool,
    /// It runs on although its files have changed.
    #[serde(default)]
    pub stale: bool,
    /// What its state comes from, or what is waited for: `exit 1 · waiting for a change`.
    pub reason: Option<String>,
    /// What came of it, in one word.
    pub result: SettleResult,
    /// What still went on when the time was up, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub going_on: Option<String>,
    /// Its files that have changed.
    pub files: Vec<String>,
    /// How many more.
    #[serde(default)]
    pub more_files: u64,
    /// From the last change of its files (without one, from its start) until it was ready, up or done, or had failed.
    pub took_ms: Option<u64>,
    /// When it acts on changes that wait, because they came right after a start; when it is tried again.
    #[serde(default)]
    pub next_at: Option<String>,
    /// The number of its last run; 0 before the first.
    pub run: u32,
    /// What it has printed since: errors first, then its last lines. Each with its level and its cursor.
    pub lines: Vec<LogLine>,
    /// How many lines it has printed beside those.
    pub skipped: u64,
}

/// What came of changes for a service, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleResult {
    /// A new run has begun since.
    Restarted,
    /// What runs, or ran, is as its files are; also if it was told of a change by its `on_change`.
    Unchanged,
    /// It runs on although its files have changed, and will not be replaced by itself: they are not valid, its `on_change` has
    /// failed, or what it needs is not there.
    Stale,
    /// A hold keeps its changes, or they wait because they came right after a start.
    Held,
    /// It does not run, and no run has begun since.
    NotStarted,
}
