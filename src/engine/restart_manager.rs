//! Changes on their way to a restart: which services have which, until when each waits for quiet, and who holds them.
//!
//! Every change is in one of three states: pending (it waits for quiet), held, or decided. There is no timer: quiet is
//! a comparison of times, and cancelling is forgetting.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{FileEvent, FileJournal, HoldSnapshot, Match, Moment, ServiceName, Verdict};

use super::path_set::PathSet;

/// From so many different paths on, changes come from a tool (a generator, an installer, a checkout) and not from a
/// person who saves: wait longer, and as long as it takes.
const BULK: usize = 10;
/// The quiet time of a bulk. Longer than the pauses between the files of tools that write one after the other.
const BULK_QUIET: Duration = Duration::from_millis(300);
/// From so many different paths on …
const BIG_BULK: usize = 100;
/// … the pauses are longer as well: installers resolve, link and run scripts in between.
const BIG_BULK_QUIET: Duration = Duration::from_millis(500);
/// A service that has only a few of a bulk's changes waits for the end of it, to act once; but what goes on and on for
/// others does not keep it for longer than this.
const BESIDE_BULK_WAIT: Duration = Duration::from_secs(10);
/// A write that was not seen to be finished waits at least so long …
const UNFINISHED_QUIET: Duration = Duration::from_millis(50);
/// … or this many times its service's quiet time: its closing may have been missed, or come from a slow writer.
const UNFINISHED_FACTOR: f64 = 2.5;
/// Unfinished writes that are followed by path; of more, only the time of the last.
const OPEN_CAPACITY: usize = 1_000;

/// Who holds changes back. Holds of different owners overlap; each ends its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The `p` key, or `--paused`.
    Key,
}

#[derive(Clone, Debug)]
struct Hold {
    owner: Owner,
    label: Arc<str>,
    since: Moment,
}

/// The changes of one service that are to be decided now.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// Which.
    pub(super) paths: PathSet,
    /// The first entry of the journal that may be among them.
    first_entry: u64,
}

impl Changes {
    fn add(&mut self, path: &Arc<str>, entry: u64) {
        if self.paths.is_empty() {
            self.first_entry = entry;
        }
        self.paths.insert(path);
    }

    fn merge(&mut self, other: &Self) {
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
struct Pending {
    /// Those whose write is complete.
    saved: Changes,
    /// Those whose write is not, and when the last of it was seen.
    open: BTreeMap<Arc<str>, Moment>,
    /// The last write beyond the capacity of `open`.
    open_beyond: Option<Moment>,
    first_at: Moment,
    last_saved: Option<Moment>,
    first_entry: u64,
}

impl Pending {
    fn new(at: Moment, first_entry: u64) -> Self {
        Self {
            saved: Changes::default(),
            open: BTreeMap::new(),
            open_beyond: None,
            first_at: at,
            last_saved: None,
            first_entry,
        }
    }

    fn add(&mut self, event: &FileEvent, at: Moment, entry: u64) {
        if event.finished {
            self.open.remove(&event.path);
            self.saved.add(&event.path, entry);
            self.last_saved = Some(at);
        } else if self.open.contains_key(&event.path) || self.open.len() < OPEN_CAPACITY {
            self.open.insert(Arc::clone(&event.path), at);
        } else {
            self.saved.add(&event.path, entry);
            self.open_beyond = Some(at);
        }
    }

    /// When it has been quiet for long enough, if nothing more comes.
    fn due(&self, timing: &Timing, burst: &Burst) -> Moment {
        let unfinished = UNFINISHED_QUIET.max(timing.debounce.mul_f64(UNFINISHED_FACTOR));
        let saved = self.last_saved.map(|at| at + timing.debounce);
        let open = self.open.values().copied().chain(self.open_beyond).max().map(|at| at + unfinished);
        let quiet = saved.max(open).unwrap_or(self.first_at);
        match burst.quiet() {
            // To act in the middle of a bulk is what must not happen: no longest wait. It is shown as busy.
            Some(over) if self.len() >= BULK => quiet.max(over),
            Some(over) => quiet.max(over).min(self.first_at + BESIDE_BULK_WAIT.max(timing.debounce)),
            None => quiet.min(self.first_at + timing.max_wait.max(timing.debounce)),
        }
    }

    fn into_all(self) -> Changes {
        let mut all = self.saved;
        for path in self.open.keys() {
            all.add(path, self.first_entry);
        }
        all.first_entry = self.first_entry;
        all
    }

    fn len(&self) -> usize {
        self.saved.paths.len() + self.open.keys().filter(|path| !self.saved.paths.contains(path)).count()
    }
}

/// What a service says about quiet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// `debounce` of the service.
    pub(super) debounce: Duration,
    /// `[watch] max_wait`.
    pub(super) max_wait: Duration,
}

/// Matched changes of the whole group that follow each other closely.
#[derive(Clone, Debug, Default)]
struct Burst {
    paths: PathSet,
    last_at: Moment,
}

impl Burst {
    fn add(&mut self, path: &Arc<str>, at: Moment) {
        if at.since(self.last_at) > self.gap() {
            self.paths = PathSet::default();
        }
        self.paths.insert(path);
        self.last_at = self.last_at.max(at);
    }

    /// A longer pause than this ends it.
    fn gap(&self) -> Duration {
        if self.paths.len() >= BIG_BULK { BIG_BULK_QUIET } else { BULK_QUIET }
    }

    /// If it is a bulk: when it will have been quiet for long enough.
    fn quiet(&self) -> Option<Moment> {
        (self.paths.len() >= BULK).then(|| self.last_at + self.gap())
    }
}

/// See the top of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct RestartManager {
    holds: Vec<Hold>,
    pending: BTreeMap<ServiceName, Pending>,
    timing: BTreeMap<ServiceName, Timing>,
    burst: Burst,
    held: BTreeMap<ServiceName, Changes>,
    /// All that is held, for the number in the banner.
    held_in_all: PathSet,
    journal: Arc<FileJournal>,
}

impl RestartManager {
    /// The services that there are now. Changes of others are forgotten.
    pub(super) fn set_services(&mut self, timing: BTreeMap<ServiceName, Timing>) {
        self.pending.retain(|name, _| timing.contains_key(name));
        self.held.retain(|name, _| timing.contains_key(name));
        self.timing = timing;
        self.count_held();
    }

    /// Takes a change in.
    pub(super) fn record(&mut self, event: FileEvent, now: Moment) {
        let services: Vec<ServiceName> = match &event.matched {
            Match::Watched { services, .. } => {
                services.iter().filter(|name| self.timing.contains_key(name)).cloned().collect()
            }
            Match::Ignored(_) => return self.write_down(event, Verdict::Ignored),
            Match::NoMatch => return self.write_down(event, Verdict::NoMatch),
        };
        if services.is_empty() {
            return self.write_down(event, Verdict::NoMatch);
        }
        if self.is_holding() {
            self.write_down(event.clone(), Verdict::Held);
            let entry = self.last_entry();
            for name in services {
                self.held.entry(name).or_default().add(&event.path, entry);
            }
            self.held_in_all.insert(&event.path);
            return;
        }
        // Quiet counts from the write, not from when its news was read.
        let at = event.at.min(now);
        self.burst.add(&event.path, at);
        let verdict = if self.burst.quiet().is_some() { Verdict::Busy } else { Verdict::Pending };
        self.write_down(event.clone(), verdict);
        let entry = self.last_entry();
        for name in services {
            self.pending.entry(name).or_insert_with(|| Pending::new(at, entry)).add(&event, at, entry);
        }
    }

    fn write_down(&mut self, event: FileEvent, verdict: Verdict) {
        Arc::make_mut(&mut self.journal).push(event, verdict);
    }

    fn last_entry(&self) -> u64 {
        self.journal.entries().next_back().map_or(0, |entry| entry.seq)
    }

    fn due_of(&self, name: &ServiceName, pending: &Pending) -> Option<Moment> {
        Some(pending.due(self.timing.get(name)?, &self.burst))
    }

    /// When the next service will have had its quiet time.
    pub(super) fn next_due(&self) -> Option<Moment> {
        self.pending.iter().filter_map(|(name, pending)| self.due_of(name, pending)).min()
    }

    /// The changes of the services that have had their quiet time.
    pub(super) fn take_due(&mut self, now: Moment) -> BTreeMap<ServiceName, Changes> {
        let due: Vec<ServiceName> = self
            .pending
            .iter()
            .filter(|(name, pending)| self.due_of(name, pending).is_some_and(|due| due <= now))
            .map(|(name, _)| name.clone())
            .collect();
        due.into_iter()
            .filter_map(|name| self.pending.remove(&name).map(|pending| (name, pending.into_all())))
            .collect()
    }

    /// Writes down what became of changes. Of several services behind one entry, the strongest verdict stays, and those
    /// that it is true of.
    pub(super) fn decided(&mut self, name: &ServiceName, changes: &Changes, verdict: Verdict) {
        let journal = Arc::make_mut(&mut self.journal);
        for entry in journal.entries_mut().rev().take_while(|entry| entry.seq >= changes.first_entry) {
            if let Match::Watched { services, .. } = &entry.event.matched
                && services.contains(name)
                && changes.paths.contains(&entry.event.path)
            {
                match strength(verdict).cmp(&strength(entry.verdict)) {
                    Ordering::Less => {}
                    Ordering::Equal => {
                        entry.verdict = verdict;
                        if !entry.services.contains(name) {
                            entry.services.push(name.clone());
                        }
                    }
                    Ordering::Greater => {
                        entry.verdict = verdict;
                        entry.services = vec![name.clone()];
                    }
                }
            }
        }
    }

    /// A process of this service is being started: it will see what has been written until now, so these changes, held
    /// or not, are done with. Writes that are not finished go on waiting.
    pub(super) fn met_by_start(&mut self, name: &ServiceName) -> Option<Changes> {
        let mut met = Changes::default();
        if let Some(pending) = self.pending.get_mut(name) {
            met.merge(&std::mem::take(&mut pending.saved));
            if pending.open.is_empty() && pending.open_beyond.is_none() {
                self.pending.remove(name);
            }
        }
        if let Some(held) = self.held.remove(name) {
            met.merge(&held);
            self.count_held();
        }
        if met.paths.is_empty() {
            return None;
        }
        self.decided(name, &met, Verdict::Restart);
        Some(met)
    }

    /// Begins a hold; the changes that wait for quiet are held as well. A second hold of the same owner changes nothing.
    pub(super) fn hold(&mut self, owner: Owner, label: &str, now: Moment) {
        if self.is_held_by(owner) {
            return;
        }
        self.holds.push(Hold { owner, label: label.into(), since: now });
        for (name, pending) in std::mem::take(&mut self.pending) {
            let changes = pending.into_all();
            self.decided(&name, &changes, Verdict::Held);
            self.held.entry(name).or_default().merge(&changes);
        }
        self.burst = Burst::default();
        self.count_held();
    }

    /// Ends a hold. At the end of the last one, what was held is handed out to be decided.
    pub(super) fn release(&mut self, owner: Owner, discard: bool) -> BTreeMap<ServiceName, Changes> {
        if !self.is_held_by(owner) {
            return BTreeMap::new();
        }
        self.holds.retain(|hold| hold.owner != owner);
        if self.is_holding() {
            return BTreeMap::new();
        }
        let held = std::mem::take(&mut self.held);
        self.count_held();
        if !discard {
            return held;
        }
        for (name, changes) in &held {
            self.decided(name, changes, Verdict::Discarded);
        }
        BTreeMap::new()
    }

    /// The group is being stopped: nothing will be restarted any more.
    pub(super) fn cancel(&mut self) {
        for (name, pending) in std::mem::take(&mut self.pending) {
            self.decided(&name, &pending.into_all(), Verdict::Discarded);
        }
        for (name, changes) in std::mem::take(&mut self.held) {
            self.decided(&name, &changes, Verdict::Discarded);
        }
        self.holds.clear();
        self.burst = Burst::default();
        self.count_held();
    }

    fn count_held(&mut self) {
        self.held_in_all = PathSet::default();
        for changes in self.held.values() {
            self.held_in_all.merge(&changes.paths);
        }
    }

    pub(super) fn is_holding(&self) -> bool {
        !self.holds.is_empty()
    }

    pub(super) fn is_held_by(&self, owner: Owner) -> bool {
        self.holds.iter().any(|hold| hold.owner == owner)
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Oldest first.
    pub(super) fn holds(&self) -> Vec<HoldSnapshot> {
        self.holds.iter().map(|hold| HoldSnapshot { label: Arc::clone(&hold.label), since: hold.since }).collect()
    }

    /// Different paths that are held, of all services.
    pub(super) fn held_in_all(&self) -> usize {
        self.held_in_all.len()
    }

    /// Different paths that are held from this service.
    pub(super) fn held(&self, name: &ServiceName) -> usize {
        self.held.get(name).map_or(0, |changes| changes.paths.len())
    }

    /// Different paths of this service that wait for quiet.
    pub(super) fn pending(&self, name: &ServiceName) -> usize {
        self.pending.get(name).map_or(0, Pending::len)
    }

    /// Different paths of the bulk that somebody waits for; 0 if there is none.
    pub(super) fn busy(&self) -> usize {
        if self.is_waiting() && self.burst.quiet().is_some() { self.burst.paths.len() } else { 0 }
    }

    pub(super) fn journal(&self) -> &Arc<FileJournal> {
        &self.journal
    }
}

/// Which of two verdicts about one event people would rather know.
fn strength(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pending | Verdict::Busy | Verdict::Held | Verdict::Ignored | Verdict::NoMatch => 0,
        Verdict::Discarded => 1,
        Verdict::Notify => 2,
        Verdict::Run => 3,
        Verdict::Signal => 4,
        Verdict::Restart => 5,
    }
}
