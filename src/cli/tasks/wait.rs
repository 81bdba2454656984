//! `devgroup task wait`: until tasks have ended, by the events of the folders in which their results come.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use serde::Serialize;

use super::super::exit_code::Failure;
use super::super::json::line as json_line;
use super::super::print;
use super::ended::{Became, Ended};
use super::events::{FolderEvents, News};
use super::workers::Worker;
use crate::clock::Clock;
use crate::control;
use crate::domain::{Moment, TaskId, TaskStatus, visible};

/// A task that is waited for.
pub(super) struct Wanted<'w> {
    pub(super) worker: &'w Worker,
    pub(super) id: TaskId,
}

impl PartialEq for Wanted<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.worker.name() == other.worker.name()
    }
}

/// What became of it.
pub(super) struct Waited<'w> {
    pub(super) wanted: Wanted<'w>,
    /// `None`: the time was up.
    ended: Option<Ended>,
}

#[derive(Serialize)]
struct Report<'w> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<&'w str>,
    tasks: Vec<TaskReport<'w>>,
}

#[derive(Serialize)]
struct TaskReport<'w> {
    task_id: &'w str,
    worker: &'w str,
    /// `completed`, `failed`, `timeout`, `cancelled`, `dead`, or `timed-out`: it has not ended.
    result: &'static str,
    exit_code: Option<i64>,
    reason: Option<&'w str>,
}

/// Waits until all tasks have ended, or until `timeout`. Calls `told` for each task as it ends.
pub(super) fn wait<'w>(
    wanted: Vec<Wanted<'w>>,
    timeout: Option<Duration>,
    mut told: impl FnMut(&Waited<'w>) -> Result<(), Failure>,
) -> Result<Vec<Waited<'w>>, Failure> {
    let clock = Clock::start();
    let mut events = FolderEvents::of(folders(&wanted));
    let mut pending: Vec<Wanted<'w>> = wanted;
    let mut over = Vec::new();
    let mut news = News::LookAgain;
    loop {
        let (ended, open) = look(pending, &news)?;
        for waited in ended {
            told(&waited)?;
            over.push(waited);
        }
        pending = open;
        let left = timeout.map(|timeout| timeout.saturating_sub(clock.now().since(Moment::START)));
        if pending.is_empty() || left == Some(Duration::ZERO) {
            break;
        }
        news = events.wait(left.unwrap_or(Duration::MAX));
    }
    for wanted in pending {
        let waited = Waited { wanted, ended: None };
        told(&waited)?;
        over.push(waited);
    }
    Ok(over)
}

/// Those of these that have ended, and the others. Only what the news name is looked at.
fn look<'w>(pending: Vec<Wanted<'w>>, news: &News) -> Result<(Vec<Waited<'w>>, Vec<Wanted<'w>>), Failure> {
    let mut ended = Vec::new();
    let mut open = Vec::with_capacity(pending.len());
    let named = match news {
        News::Files(files) => Some(ids_of(files)),
        News::LookAgain => None,
    };
    for wanted in pending {
        let is_meant = named.as_ref().is_none_or(|named| named.contains(wanted.id.as_str()));
        match if is_meant { Ended::of(wanted.worker, &wanted.id)? } else { None } {
            Some(end) => ended.push(Waited { wanted, ended: Some(end) }),
            None => open.push(wanted),
        }
    }
    Ok((ended, open))
}

/// The ids whose results or dead letters these files may be: `t-1.json`, and `t-1.2.json` of a second dead letter.
fn ids_of(files: &BTreeSet<OsString>) -> BTreeSet<&str> {
    let stems = files.iter().filter_map(|file| OsStr::to_str(file)?.strip_suffix(".json"));
    let without_number = |stem: &'_ str| {
        let (before, number) = stem.rsplit_once('.')?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then_some(before.len())
    };
    stems.flat_map(|stem| [Some(stem), without_number(stem).map(|end| &stem[..end])]).flatten().collect()
}

/// The folders in which these tasks end, each once.
fn folders(wanted: &[Wanted<'_>]) -> Vec<std::path::PathBuf> {
    let mut workers: HashMap<&str, &Worker> = HashMap::new();
    for wanted in wanted {
        workers.insert(wanted.worker.name().as_str(), wanted.worker);
    }
    let of = |worker: &&Worker| {
        let folders = &worker.spec.folders;
        [folders.results.join(worker.name().as_str()), folders.dlq.join(worker.name().as_str())]
    };
    workers.values().flat_map(of).collect()
}

/// `t-1: completed`, `t-2: failed (exit 1)`.
pub(super) fn line(waited: &Waited<'_>) -> String {
    let word = waited.ended.as_ref().map_or("timed out", |ended| ended.became.word());
    let mut line = format!("{}: {word}", waited.wanted.id);
    if let Some(reason) = waited.ended.as_ref().and_then(Ended::reason) {
        line += &format!(" · {reason}");
    }
    visible(&line).into_owned() + "\n"
}

/// The exit code of all: one that has failed counts more than one that has not ended.
pub(super) fn code(all: &[Waited<'_>]) -> u8 {
    let became = |waited: &Waited<'_>| waited.ended.as_ref().map(|ended| ended.became);
    if all.iter().any(|waited| became(waited).is_some_and(|became| became != Became::Status(TaskStatus::Completed))) {
        5
    } else if all.iter().any(|waited| waited.ended.is_none()) {
        124
    } else {
        0
    }
}

/// All of them as one JSON object.
pub(super) fn print_report(all: &[Waited<'_>], batch: Option<&str>) -> Result<(), Failure> {
    let report = Report { version: control::VERSION, batch, tasks: all.iter().map(TaskReport::of).collect() };
    print(&json_line(&report)?)
}

impl Waited<'_> {
    /// For programs.
    fn word(&self) -> &'static str {
        self.ended.as_ref().map_or("timed-out", |ended| ended.became.word())
    }
}

impl<'w> TaskReport<'w> {
    fn of(waited: &'w Waited<'_>) -> Self {
        let ended = waited.ended.as_ref();
        Self {
            task_id: waited.wanted.id.as_str(),
            worker: waited.wanted.worker.name().as_str(),
            result: waited.word(),
            exit_code: ended.and_then(|ended| ended.exit_code),
            reason: ended.and_then(Ended::reason),
        }
    }
}
