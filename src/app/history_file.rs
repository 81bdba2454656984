//! What has happened, across calls of devgroup: the events that count, a line each (`logs/event_files.rs`), and what became
//! of the last runs of each service (`history.json`), which a start reads at once: to read the events takes longer.
//!
//! Both are told by facts, and written by a thread of its own. Events are written as they come, and those of a storm many at
//! once; `history.json` as a whole and renamed into place, at most once a second and at the end. Two devgroups at once write
//! one after the other, each with what the other has written. A file that cannot be read loses nothing but itself.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::state_folder;
use crate::clock::Clock;
use crate::domain::{
    ExitStatus, FilesChanged, GroupHistory, GroupSpec, HISTORY, Moment, RunId, RunRecord, ServiceName, plain_error,
    visible_path,
};
use crate::logs::{EventFiles, EventLine};
use crate::private;

const NAME: &str = "history.json";

/// Of the format. Keys are only ever added within a version.
const VERSION: u32 = 1;

/// A larger file is none of ours.
const LARGEST: u64 = 16 << 20;

/// Services that are remembered, also those that are gone from the file; those that ran last.
const SERVICES: usize = 200;

/// How long records are collected before they are written …
const PAUSE: Duration = Duration::from_secs(1);

/// … unless there are this many: a group of a thousand services ends at once.
const COLLECTED: usize = 1_000;

/// How long the end waits for the disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// The shortest time between two writes: long enough for a storm, too short for somebody who asks after an event.
const REST: Duration = Duration::from_millis(10);

/// How many entries may wait for the disk. Further ones are dropped. A group of a thousand services has three for each when
/// it ends. (Not a bounded channel: it takes the memory for all of them at once.)
const WAITING: usize = 16_384;

/// How many are written at once.
const AT_ONCE: usize = 1_024;

/// What became of a run of a service.
type Remembered = (ServiceName, RunRecord);

/// What is to be written.
enum Entry {
    Run(Box<Remembered>),
    Event(Box<EventLine>),
}

/// The way to who writes. Never waits.
#[derive(Clone)]
pub(crate) struct HistoryWriter {
    entries: Sender<Entry>,
    /// Entries that wait.
    waiting: Arc<AtomicUsize>,
    /// Closed with the last of them: who writes need not rest any more.
    _open: Sender<()>,
    /// Something was left out, which was said.
    is_missing: Arc<AtomicBool>,
}

impl HistoryWriter {
    /// A run is over.
    pub(crate) fn run(&self, service: &ServiceName, record: &RunRecord) {
        self.send(Entry::Run(Box::new((service.clone(), record.clone()))));
    }

    /// An event that counts.
    pub(crate) fn event(&self, event: EventLine) {
        self.send(Entry::Event(Box::new(event)));
    }

    fn send(&self, entry: Entry) {
        if self.waiting.load(Ordering::Relaxed) < WAITING {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            if self.entries.send(entry).is_err() {
                // Without the thread that writes there is no history.
                self.waiting.fetch_sub(1, Ordering::Relaxed);
            }
        } else if !self.is_missing.swap(true, Ordering::Relaxed) {
            log::warn!("the disk is too slow: something is missing in the history");
        }
    }
}

/// Keeps the files.
pub(crate) struct HistoryFile {
    entries: HistoryWriter,
    done: Receiver<()>,
}

impl HistoryFile {
    /// Reads what there is, and begins to keep it. If that cannot be, the group runs without.
    pub(crate) fn open(spec: &GroupSpec, clock: Clock) -> (Option<Self>, GroupHistory) {
        let folder = match state_folder::of_group(spec, state_folder::variable) {
            Ok(folder) => folder,
            Err(why) => {
                log::info!("the run history is off: {why}");
                return (None, GroupHistory::new());
            }
        };
        let mut keeps_runs = true;
        let past = match read(&folder) {
            Ok(past) => past,
            Err(Unreadable::Newer) => {
                log::warn!("{} was written by a newer devgroup and is left as it is", visible_path(&folder.join(NAME)));
                keeps_runs = false;
                GroupHistory::new()
            }
            Err(unreadable) => {
                let path = folder.join(NAME);
                log::warn!("previous runs are not shown: {}: {unreadable}", visible_path(&path));
                GroupHistory::new()
            }
        };
        let (entries, inbox) = mpsc::channel();
        let waiting = Arc::<AtomicUsize>::default();
        let (open, closed) = mpsc::channel();
        let entries = HistoryWriter { entries, waiting: waiting.clone(), _open: open, is_missing: Arc::default() };
        let (tell, done) = mpsc::channel();
        let keep = move || {
            keep(&folder, (&inbox, &waiting, &closed), keeps_runs, clock);
            let _ = tell.send(());
        };
        match thread::Builder::new().name("history".into()).stack_size(256 << 10).spawn(keep) {
            Ok(_) => (Some(Self { entries, done }), past),
            Err(error) => {
                log::warn!("the run history is off: {error}");
                (None, past)
            }
        }
    }

    /// Takes what is to be written. All of them are to be dropped before [`Self::close`].
    pub(crate) fn writer(&self) -> HistoryWriter {
        self.entries.clone()
    }

    /// Begins to write the rest. What is returned waits for it, a while.
    pub(crate) fn close(self) -> impl FnOnce() {
        let Self { entries, done } = self;
        drop(entries);
        move || {
            if done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                log::warn!("the run history was not written in time");
            }
        }
    }
}

/// Remembers a run that no group has seen. If that cannot be, the run is not the worse for it.
pub fn remember(spec: &GroupSpec, service: &ServiceName, record: RunRecord) {
    let folder = state_folder::of_group(spec, state_folder::variable);
    let added =
        folder.and_then(|folder| add(&folder, vec![(service.clone(), record)]).map_err(|error| error.to_string()));
    if let Err(why) = added {
        log::warn!("the run of {service} is not in the run history: {why}");
    }
}

/// Writes each entry until all senders are gone. `keeps_runs`: `history.json` is ours to write.
fn keep(
    folder: &Path,
    (inbox, waiting, closed): (&Receiver<Entry>, &AtomicUsize, &Receiver<()>),
    keeps_runs: bool,
    clock: Clock,
) {
    let events = EventFiles::of(folder);
    let (mut runs_fail, mut events_fail) = (Told::default(), Told::default());
    let (mut records, mut due) = (Vec::new(), None::<Moment>);
    let mut open = true;
    while open {
        let first = match due {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => inbox.recv_timeout(due.since(clock.now())),
        };
        open = !matches!(first, Err(RecvTimeoutError::Disconnected));
        let mut lines = Vec::new();
        for entry in first.into_iter().chain(inbox.try_iter()).take(AT_ONCE) {
            waiting.fetch_sub(1, Ordering::Relaxed);
            match entry {
                Entry::Event(line) => lines.push(*line),
                Entry::Run(record) if keeps_runs => records.push(*record),
                Entry::Run(_) => {}
            }
        }
        let has_lines = !lines.is_empty();
        if has_lines {
            events_fail.tell(state_folder::make(folder).and_then(|()| events.add(&lines)));
        }
        let now = clock.now();
        due = if records.is_empty() { None } else { Some(due.unwrap_or(now + PAUSE)) };
        // A group that crashes all the time is written as well.
        if due.is_some_and(|due| !open || records.len() >= COLLECTED || now >= due) {
            let path = folder.join(NAME);
            let named = |error| io::Error::other(format!("{}: {error}", visible_path(&path)));
            runs_fail.tell(add(folder, std::mem::take(&mut records)).map_err(named));
            due = None;
        }
        if has_lines && open {
            // Entries of this time are written together. Nothing is ever sent on `closed`: it closes, or the time is up.
            let _ = closed.recv_timeout(REST);
        }
    }
}

/// Whether it was told that something cannot be written: once, since a full disk is full for a while.
#[derive(Default)]
struct Told(bool);

impl Told {
    fn tell(&mut self, result: io::Result<()>) {
        let failed = result.inspect_err(|error| {
            if !self.0 {
                log::warn!("the history cannot be written: {error}");
            }
        });
        self.0 = failed.is_err();
    }
}

/// Adds records to the file, whoever else does.
fn add(folder: &Path, records: Vec<Remembered>) -> io::Result<()> {
    state_folder::make(folder)?;
    let turn = File::open(folder)?;
    // Given back with the descriptor.
    flock(&turn, FlockOperation::LockExclusive)?;
    let mut history = match read(folder) {
        Ok(history) => history,
        Err(Unreadable::Newer) => return Err(io::Error::other("it was written by a newer devgroup")),
        Err(unreadable) => {
            let broken = folder.join("history.json.broken");
            let path = folder.join(NAME);
            let (path, broken_path) = (visible_path(&path), visible_path(&broken));
            log::warn!("{path} could not be read ({unreadable}); moved to {broken_path}");
            // It may be gone meanwhile; what is there is replaced in any case.
            let _ = fs::rename(folder.join(NAME), broken);
            GroupHistory::new()
        }
    };
    for (service, record) in records {
        let runs = Arc::make_mut(history.entry(service).or_default());
        if !runs.contains(&record) {
            runs.push(record);
        }
        runs.sort_by_key(|run| (run.began, run.run));
        let surplus = runs.len().saturating_sub(HISTORY);
        runs.drain(..surplus);
    }
    while history.len() > SERVICES {
        let last_run = |runs: &Arc<Vec<RunRecord>>| runs.last().map(|run| run.began);
        let Some(oldest) = history.iter().min_by_key(|(_, runs)| last_run(runs)).map(|(name, _)| name.clone()) else {
            break;
        };
        history.remove(&oldest);
    }
    let text = serde_json::to_vec(&Written::of(&history)).map_err(io::Error::other)?;
    private::replace(folder, NAME, &text)
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("{}", plain_error(.0))]
    Io(#[from] io::Error),
    #[error("malformed: {0}")]
    Syntax(#[from] serde_json::Error),
    #[error("too large")]
    TooLarge,
    #[error("written by a newer version")]
    Newer,
}

fn read(folder: &Path) -> Result<GroupHistory, Unreadable> {
    let path: PathBuf = folder.join(NAME);
    let text = match private::read(&path, LARGEST) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(GroupHistory::new()),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Err(Unreadable::TooLarge),
        Err(error) => return Err(error.into()),
    };
    let newer = |head: Head| head.version != VERSION;
    match serde_json::from_slice::<Written>(&text) {
        Ok(written) if written.version == VERSION => Ok(written.history()),
        Ok(_) => Err(Unreadable::Newer),
        Err(_) if serde_json::from_slice(&text).is_ok_and(newer) => Err(Unreadable::Newer),
        Err(error) => Err(error.into()),
    }
}

/// What every version has.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    services: BTreeMap<String, Vec<Run>>,
}

/// One run, as it is written. Times are RFC 3339 UTC, durations are in milliseconds.
#[derive(Serialize, Deserialize)]
struct Run {
    run: u32,
    at: Timestamp,
    cause: String,
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default)]
    more: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ready_ms: Option<u64>,
    uptime_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    #[serde(default)]
    asked: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

impl Written {
    fn of(history: &GroupHistory) -> Self {
        let services = history.iter().map(|(name, runs)| {
            let runs = runs.iter().filter_map(Run::of).collect();
            (name.as_str().to_owned(), runs)
        });
        Self { version: VERSION, services: services.collect() }
    }

    fn history(self) -> GroupHistory {
        let services = self.services.into_iter().map(|(name, runs)| {
            let surplus = runs.len().saturating_sub(HISTORY);
            let runs = runs.into_iter().skip(surplus).map(Run::record).collect();
            (ServiceName::new(name), Arc::new(runs))
        });
        services.collect()
    }
}

impl Run {
    fn of(record: &RunRecord) -> Option<Self> {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (code, signal) = match record.exit {
            None => (None, None),
            Some(ExitStatus::Code(code)) => (Some(code), None),
            Some(ExitStatus::Signal(signal)) => (None, Some(signal)),
        };
        Some(Self {
            run: record.run.0,
            at: Timestamp::try_from(record.began).ok()?,
            cause: record.cause.to_string(),
            reason: record.reason.to_string(),
            path: record.files.as_ref().map(|files| files.first.to_string()),
            more: record.files.as_ref().map_or(0, |files| files.more),
            ready_ms: record.ready_after.map(millis),
            uptime_ms: millis(record.uptime),
            code,
            signal,
            asked: record.asked,
            fault: record.fault.as_deref().map(Into::into),
        })
    }

    fn record(self) -> RunRecord {
        let exit = match (self.code, self.signal) {
            (_, Some(signal)) => Some(ExitStatus::Signal(signal)),
            (code, None) => code.map(ExitStatus::Code),
        };
        RunRecord {
            run: RunId(self.run),
            began: SystemTime::from(self.at),
            cause: self.cause.into(),
            reason: self.reason.into(),
            files: self.path.map(|path| FilesChanged { first: path.into(), more: self.more }),
            ready_after: self.ready_ms.map(Duration::from_millis),
            uptime: Duration::from_millis(self.uptime_ms),
            exit,
            asked: self.asked,
            fault: self.fault.map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(run: u32, seconds: u64) -> RunRecord {
        RunRecord {
            run: RunId(run),
            began: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
            cause: "change".into(),
            reason: "src/ä.rs and 2 more changed".into(),
            files: Some(FilesChanged { first: "src/ä.rs".into(), more: 2 }),
            ready_after: Some(Duration::from_millis(40)),
            uptime: Duration::from_millis(1_500),
            exit: Some(ExitStatus::Signal(15)),
            asked: true,
            fault: Some("not ready in 2s".into()),
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("deep/state");
        assert!(read(&state).unwrap().is_empty());
        add(&state, (1..=60).map(|n| ("api".into(), record(n, n.into()))).collect()).unwrap();
        // Another devgroup, and one that tells the same once more.
        add(&state, vec![("web".into(), record(1, 7)), ("api".into(), record(60, 60))]).unwrap();
        let history = read(&state).unwrap();
        assert_eq!(history[&ServiceName::from("api")].len(), HISTORY);
        assert_eq!(history[&ServiceName::from("api")].last(), Some(&record(60, 60)));
        assert_eq!(history[&ServiceName::from("api")][0].run, RunId(11));
        assert_eq!(**history[&ServiceName::from("web")], [record(1, 7)]);
        add(&state, (0..300).map(|n| (ServiceName::new(format!("s{n}")), record(1, 1000 + n))).collect()).unwrap();
        let history = read(&state).unwrap();
        assert_eq!(history.len(), SERVICES);
        assert!(!history.contains_key(&ServiceName::from("web")) && history.contains_key(&ServiceName::from("s299")));
        let left: Vec<_> = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [NAME], "nothing else is left there");
    }

    #[test]
    fn a_broken_file_loses_nothing_but_itself_and_a_newer_one_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for broken in
            [&b"{\"version\":1,\"serv"[..], b"", b"\xff\xfe", b"[]", b"{\"version\":1,\"services\":{\"a\":[{}]}}"]
        {
            fs::write(folder.path().join(NAME), broken).unwrap();
            assert!(read(folder.path()).is_err());
            add(folder.path(), vec![("api".into(), record(1, 1))]).unwrap();
            assert_eq!(read(folder.path()).unwrap().len(), 1);
            assert_eq!(fs::read(folder.path().join("history.json.broken")).unwrap(), broken);
        }
        let newer = br#"{"version":2,"services":{"a":"unlike"}}"#;
        fs::write(folder.path().join(NAME), newer).unwrap();
        assert!(add(folder.path(), vec![("api".into(), record(1, 1))]).is_err());
        assert_eq!(fs::read(folder.path().join(NAME)).unwrap(), newer);
    }

    #[test]
    fn two_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for writer in 0..4_u32 {
                let folder = folder.path();
                scope.spawn(move || {
                    for n in 0..10 {
                        add(folder, vec![("api".into(), record(writer, u64::from(writer * 100 + n)))]).unwrap();
                    }
                });
            }
        });
        assert_eq!(read(folder.path()).unwrap()[&ServiceName::from("api")].len(), 40);
    }
}
