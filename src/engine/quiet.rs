//! Quiet: how long the changes of a service wait, so that a save is acted on at once and a tool's many writes together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{ChangeKind, FileEvent, Moment};

use super::path_set::PathSet;

/// One finished save of a file that was there waits as long as its service says. Several files, a save right after one that
/// was acted on, a file that is new and may be renamed, and one that is gone and may come back wait at least this long: the
/// steps of "save all", of a formatter, and of an editor that puts another file in the place of the old one, are not acted on
/// one by one.
const SEVERAL_QUIET: Duration = Duration::from_millis(20);
/// From so many different paths on, changes come from a tool (a generator, an installer, a checkout) and not from a
/// person who saves: wait longer, and as long as it takes.
const BULK: usize = 10;
/// The quiet time of a bulk. Longer than the pauses between the files of tools that write one after the other.
const BULK_QUIET: Duration = Duration::from_millis(300);
/// From so many different paths on …
const BIG_BULK: usize = 100;
/// … the pauses are longer as well: installers resolve, link and run scripts in between.
const BIG_BULK_QUIET: Duration = Duration::from_millis(500);
/// From so many different paths on, of which some have been acted on already, those that follow closely wait like a bulk.
const DRIP: usize = 3;
/// A service that has only a few of a bulk's changes waits for the end of it, to act once; but what goes on and on for
/// others does not keep it for longer than this.
const BESIDE_BULK_WAIT: Duration = Duration::from_secs(10);
/// Whether the system says when a file that was written to is closed: only the kernel of Linux does. Elsewhere no write is
/// seen to be finished, so that each save would wait for the end of a slow writer.
const TELLS_ENDS: bool = cfg!(any(target_os = "linux", target_os = "android"));
/// A write that was not seen to be finished waits at least so long for the next part of it: a restart in between would read
/// a part …
pub(super) const UNFINISHED_QUIET: Duration = Duration::from_millis(if TELLS_ENDS { 2_000 } else { 50 });
/// … or this many times its service's quiet time.
const UNFINISHED_FACTOR: f64 = 2.5;
/// … but what is never finished is acted on so long after the first of it.
pub(super) const UNFINISHED_WAIT: Duration = Duration::from_secs(10);
/// Unfinished writes that are followed by path; of more, only the time of the last.
const OPEN_CAPACITY: usize = 1_000;

/// The changes of one service that are to be decided now.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// The files that changed.
    pub(super) paths: PathSet,
    /// The first entry of the journal that may be among them.
    pub(super) first_entry: u64,
}

impl Changes {
    pub(super) fn add(&mut self, path: &Arc<str>, entry: u64) {
        if self.paths.is_empty() {
            self.first_entry = entry;
        }
        self.paths.insert(path);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.first_entry = match (self.paths.is_empty(), other.paths.is_empty()) {
            (true, _) => other.first_entry,
            (false, true) => self.first_entry,
            (false, false) => self.first_entry.min(other.first_entry),
        };
        self.paths.merge(&other.paths);
    }
}

/// Changes of one service that wait for quiet.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Those whose write is complete.
    pub(super) saved: Changes,
    /// Those whose write is not, and when the last of it was seen.
    open: BTreeMap<Arc<str>, Moment>,
    /// The last write beyond the capacity of `open`.
    open_beyond: Option<Moment>,
    /// Since when there has been a write that is not complete.
    open_since: Option<Moment>,
    first_at: Moment,
    last_saved: Option<Moment>,
    /// The last of them was a file that is new, or gone: perhaps one step of two.
    comes_or_goes: bool,
    first_entry: u64,
}

impl Pending {
    pub(super) fn new(at: Moment, first_entry: u64) -> Self {
        Self {
            saved: Changes::default(),
            open: BTreeMap::new(),
            open_beyond: None,
            open_since: None,
            first_at: at,
            last_saved: None,
            comes_or_goes: false,
            first_entry,
        }
    }

    pub(super) fn add(&mut self, event: &FileEvent, at: Moment, entry: u64) {
        if event.finished {
            self.open.remove(&event.path);
            self.saved.add(&event.path, entry);
            self.last_saved = Some(at);
            self.comes_or_goes = event.kind != ChangeKind::Modified;
        } else if self.open.contains_key(&event.path) || self.open.len() < OPEN_CAPACITY {
            self.open.insert(Arc::clone(&event.path), at);
        } else {
            self.saved.add(&event.path, entry);
            self.open_beyond = Some(at);
        }
        self.open_since = self.is_open().then(|| self.open_since.unwrap_or(at));
    }

    /// When it has been quiet for long enough, if nothing more comes.
    pub(super) fn due(&self, timing: &Timing, burst: &Burst) -> Moment {
        let is_one_save = burst.is_one_file() && !self.comes_or_goes;
        let debounce = if is_one_save { timing.debounce } else { timing.debounce.max(SEVERAL_QUIET) };
        let quiet = self.last_saved.map_or(self.first_at, |at| at + debounce);
        let quiet = match burst.quiet() {
            // To act in the middle of a bulk is what must not happen: no longest wait. It is shown as busy.
            Some(over) if self.len() >= BULK => quiet.max(over),
            Some(over) => quiet.max(over).min(self.first_at + BESIDE_BULK_WAIT.max(timing.debounce)),
            None => quiet.max(burst.drips().unwrap_or(quiet)).min(self.first_at + timing.max_wait.max(timing.debounce)),
        };
        self.written(timing).map_or(quiet, |written| quiet.max(written))
    }

    /// When what is being written will have been left alone for long enough.
    fn written(&self, timing: &Timing) -> Option<Moment> {
        let last = self.open.values().copied().chain(self.open_beyond).max()?;
        let unfinished = UNFINISHED_QUIET.max(timing.debounce.mul_f64(UNFINISHED_FACTOR));
        let longest = if TELLS_ENDS { UNFINISHED_WAIT } else { timing.max_wait };
        Some((last + unfinished).min(self.open_since? + longest.max(unfinished)))
    }

    /// What is complete, and the writes that are going on, if there are any.
    pub(super) fn into_saved_and_open(mut self) -> (Changes, Option<Self>) {
        let saved = std::mem::take(&mut self.saved);
        let is_open = self.is_open();
        (saved, is_open.then_some(self))
    }

    /// Writes are going on.
    fn is_open(&self) -> bool {
        !self.open.is_empty() || self.open_beyond.is_some()
    }

    pub(super) fn into_all(self) -> Changes {
        let mut all = self.saved;
        for path in self.open.keys() {
            all.add(path, self.first_entry);
        }
        all.first_entry = self.first_entry;
        all
    }

    pub(super) fn len(&self) -> usize {
        self.saved.paths.len() + self.open.keys().filter(|path| !self.saved.paths.contains(path)).count()
    }
}

/// What a service says about quiet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// `debounce` of the service, for one finished save.
    pub(super) debounce: Duration,
    /// How long changes that go on may put off the restart (`[watch] max_wait`).
    pub(super) max_wait: Duration,
}

/// Matched changes of the whole group that follow each other closely.
#[derive(Clone, Debug, Default)]
pub(super) struct Burst {
    pub(super) paths: PathSet,
    last_at: Moment,
    /// A part of it has been acted on already.
    acted: bool,
}

impl Burst {
    pub(super) fn add(&mut self, path: &Arc<str>, at: Moment) {
        if at.since(self.last_at) > self.gap() {
            *self = Self { last_at: self.last_at, ..Self::default() };
        }
        self.paths.insert(path);
        self.last_at = self.last_at.max(at);
    }

    /// A longer pause than this ends it.
    fn gap(&self) -> Duration {
        if self.paths.len() >= BIG_BULK { BIG_BULK_QUIET } else { BULK_QUIET }
    }

    /// If it is a bulk: when it will have been quiet for long enough.
    pub(super) fn quiet(&self) -> Option<Moment> {
        (self.paths.len() >= BULK).then(|| self.last_at + self.gap())
    }

    /// It is of one file, and nothing has been acted on yet.
    fn is_one_file(&self) -> bool {
        self.paths.len() == 1 && !self.acted
    }

    /// Something has been acted on while it may be going on.
    pub(super) fn acted(&mut self) {
        self.acted = true;
    }

    /// A tool seems to write one file after the other, with pauses that look like quiet: it would cause a restart for each.
    fn drips(&self) -> Option<Moment> {
        (self.acted && self.paths.len() >= DRIP).then(|| self.last_at + self.gap())
    }
}
