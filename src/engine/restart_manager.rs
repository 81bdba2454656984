//! Changes on their way to a restart: which services have which, until when each waits for quiet, and who holds them.
//!
//! Every change is in one of four states: pending (it waits for quiet), held, asked about (whether its content differs
//! is being found out), or decided. There is no timer: quiet is a comparison of times, and cancelling is forgetting.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{FileEvent, FileJournal, HoldSnapshot, Holder, Match, Moment, ServiceName, Verdict};

use super::path_set::PathSet;
use super::questions::{After, Question, Questions};
use super::quiet::{Burst, Changes, Pending, Timing};

/// Who holds changes back. Holds of different owners overlap; each ends its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The `p` key, or `--paused`.
    Key,
    /// Git at work in the repository of this tree, as in [`GitWork::tree`](crate::domain::GitWork::tree).
    Git(Arc<str>),
}

/// What the watcher is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asks {
    pub(super) id: u64,
    pub(super) services: Vec<ServiceName>,
}

#[derive(Clone, Debug)]
struct Hold {
    owner: Owner,
    label: Arc<str>,
    since: Moment,
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
    questions: Questions,
    journal: Arc<FileJournal>,
}

impl RestartManager {
    /// The services that there are now. Changes of others are forgotten.
    pub(super) fn set_services(&mut self, timing: BTreeMap<ServiceName, Timing>) {
        self.pending.retain(|name, _| timing.contains_key(name));
        self.held.retain(|name, _| timing.contains_key(name));
        self.questions.retain_services(|name| timing.contains_key(name));
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

    /// When the next service will have had its quiet time, or the next answer is overdue.
    pub(super) fn next_due(&self) -> Option<Moment> {
        let quiet = self.pending.iter().filter(|(name, _)| self.questions.about(name).is_none());
        quiet.filter_map(|(name, pending)| self.due_of(name, pending)).chain(self.questions.next_due()).min()
    }

    /// The question about the services that have had their quiet time. While an answer about a service is waited for,
    /// its further changes wait as well.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<Asks> {
        let due: Vec<ServiceName> = self
            .pending
            .iter()
            .filter(|(name, _)| self.questions.about(name).is_none())
            .filter(|(name, pending)| self.due_of(name, pending).is_some_and(|due| due <= now))
            .map(|(name, _)| name.clone())
            .collect();
        let changes = due
            .into_iter()
            .filter_map(|name| self.pending.remove(&name).map(|pending| (name, pending.into_all())))
            .collect();
        let asks = self.ask(changes, After::Quiet, now)?;
        self.burst.acted();
        Some(asks)
    }

    fn ask(&mut self, changes: BTreeMap<ServiceName, Changes>, after: After, now: Moment) -> Option<Asks> {
        if changes.is_empty() {
            return None;
        }
        let services = changes.keys().cloned().collect();
        Some(Asks { id: self.questions.ask(changes, after, now), services })
    }

    /// The question that this is the answer to, if it is open still.
    pub(super) fn answered(&mut self, id: u64) -> Option<Question> {
        self.questions.answered(id)
    }

    /// A question that nobody has answered in time.
    pub(super) fn overdue(&mut self, now: Moment) -> Option<Question> {
        self.questions.overdue(now)
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
            if !pending.is_open() {
                self.pending.remove(name);
            }
        }
        if let Some(asked) = self.questions.drop_service(name) {
            met.merge(&asked);
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
        if self.is_held_by(&owner) {
            return;
        }
        self.holds.push(Hold { owner, label: label.into(), since: now });
        let pending = std::mem::take(&mut self.pending).into_iter().map(|(name, pending)| (name, pending.into_all()));
        let asked = self.questions.take_all().into_iter().flat_map(|question| question.changes);
        for (name, changes) in pending.chain(asked).collect::<Vec<_>>() {
            self.decided(&name, &changes, Verdict::Held);
            self.held.entry(name).or_default().merge(&changes);
        }
        self.burst = Burst::default();
        self.count_held();
    }

    /// Ends a hold. At the end of the last one, what was held is to be compared.
    pub(super) fn release(&mut self, owner: &Owner, git: Option<Arc<str>>, now: Moment) -> Option<Asks> {
        if !self.end_hold(owner) {
            return None;
        }
        let after = After::Hold { git, changes: self.held_in_all.len() };
        let held = std::mem::take(&mut self.held);
        self.count_held();
        self.ask(held, after, now)
    }

    /// Ends a hold. At the end of the last one, what was held is forgotten; the services that it is forgotten of.
    pub(super) fn discard(&mut self, owner: &Owner) -> Vec<ServiceName> {
        if !self.end_hold(owner) {
            return Vec::new();
        }
        let held = std::mem::take(&mut self.held);
        self.count_held();
        for (name, changes) in &held {
            self.decided(name, changes, Verdict::Discarded);
        }
        held.into_keys().collect()
    }

    /// Whether that was the last one.
    fn end_hold(&mut self, owner: &Owner) -> bool {
        let held = self.is_held_by(owner);
        self.holds.retain(|hold| hold.owner != *owner);
        held && !self.is_holding()
    }

    /// The group is being stopped: nothing will be restarted any more.
    pub(super) fn cancel(&mut self) {
        for (name, pending) in std::mem::take(&mut self.pending) {
            self.decided(&name, &pending.into_all(), Verdict::Discarded);
        }
        for (name, changes) in std::mem::take(&mut self.held) {
            self.decided(&name, &changes, Verdict::Discarded);
        }
        for (name, changes) in self.questions.take_all().into_iter().flat_map(|question| question.changes) {
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

    pub(super) fn is_held_by(&self, owner: &Owner) -> bool {
        self.holds.iter().any(|hold| hold.owner == *owner)
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.pending.is_empty() || !self.questions.is_empty()
    }

    /// Oldest first.
    pub(super) fn holds(&self) -> Vec<HoldSnapshot> {
        self.holds
            .iter()
            .map(|hold| HoldSnapshot {
                by: match hold.owner {
                    Owner::Key => Holder::Key,
                    Owner::Git(_) => Holder::Git,
                },
                label: Arc::clone(&hold.label),
                since: hold.since,
            })
            .collect()
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
        let asked = self.questions.about(name).map_or(0, |changes| changes.paths.len());
        self.pending.get(name).map_or(0, Pending::len) + asked
    }

    /// Different paths of the bulk that somebody waits for; 0 if there is none.
    pub(super) fn busy(&self) -> usize {
        if !self.pending.is_empty() && self.burst.quiet().is_some() { self.burst.paths.len() } else { 0 }
    }

    pub(super) fn journal(&self) -> &Arc<FileJournal> {
        &self.journal
    }
}

/// Which of two verdicts about one event people would rather know.
fn strength(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pending | Verdict::Busy | Verdict::Held | Verdict::Ignored | Verdict::NoMatch => 0,
        Verdict::SameContent => 1,
        Verdict::Discarded => 2,
        Verdict::OwnWrite => 3,
        Verdict::Notify => 4,
        Verdict::Run => 5,
        Verdict::Signal => 6,
        Verdict::Restart => 7,
    }
}
