//! Changes on their way to a restart: which services have which, until when each waits for quiet, and who holds them.
//!
//! Every change is in one of four states: pending (it waits for quiet), held, asked about (whether its content differs
//! is being found out), or decided. There is no timer: quiet is a comparison of times, and cancelling is forgetting.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{FileEvent, FileJournal, Match, Moment, ServiceName, Verdict};

use super::holds::{Hold, Holds, Owner, Scope};
use super::path_set::PathSet;
use super::questions::{After, Question, Questions};
use super::quiet::{Burst, Changes, Pending, Timing};

/// What the watcher is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asks {
    pub(super) id: u64,
    pub(super) services: Vec<ServiceName>,
}

/// See the top of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct RestartManager {
    holds: Holds,
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
        let (held, free): (Vec<_>, Vec<_>) = services.into_iter().partition(|name| self.holds.covers(name));
        // Quiet counts from the write, not from when its news was read.
        let at = event.at.min(now);
        let verdict = if free.is_empty() {
            Verdict::Held
        } else {
            self.burst.add(&event.path, at);
            if self.burst.quiet().is_some() { Verdict::Busy } else { Verdict::Pending }
        };
        self.write_down(event.clone(), verdict);
        let entry = self.last_entry();
        for name in held {
            self.held.entry(name).or_default().add(&event.path, entry);
            self.held_in_all.insert(&event.path);
        }
        for name in free {
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

    /// Begins a hold; the changes of its services that wait for quiet are held as well. A second hold of the same owner
    /// only adds services.
    pub(super) fn hold(&mut self, hold: Hold) {
        // Git's begins with each file that it touches.
        if !self.holds.begin(hold) {
            return;
        }
        let holds = &self.holds;
        let pending = std::mem::take(&mut self.pending);
        let (held, free): (BTreeMap<_, _>, _) = pending.into_iter().partition(|(name, _)| holds.covers(name));
        self.pending = free;
        let asked = self.questions.take(|name| holds.covers(name));
        let held = held.into_iter().map(|(name, pending)| (name, pending.into_all()));
        for (name, changes) in held.chain(asked) {
            self.decided(&name, &changes, Verdict::Held);
            self.held.entry(name).or_default().merge(&changes);
        }
        if self.pending.is_empty() {
            self.burst = Burst::default();
        }
        self.count_held();
    }

    /// Ends a hold. What it was the last to hold is to be compared.
    pub(super) fn release(&mut self, owner: &Owner, git: Option<Arc<str>>, now: Moment) -> Option<Asks> {
        let freed = self.freed_by(Holds::covers, |holds, _| holds.end(owner));
        self.compare(&freed, git, now)
    }

    /// As [`Self::release`], of what a person holds of these services.
    pub(super) fn release_by_hand(&mut self, scope: &Scope, now: Moment) -> Option<Asks> {
        let freed = self.freed_by(Holds::covers, |holds, timing| holds.end_by_hand(scope, timing.keys()));
        self.compare(&freed, None, now)
    }

    /// Ends a hold. What it was the last to hold is forgotten; the services that it is forgotten of, also of those whose
    /// changes are not known yet. Git does not count: it holds a while longer than it works, and who discards what a
    /// checkout has changed means that. What changes later is git's again.
    pub(super) fn discard(&mut self, owner: &Owner) -> Vec<ServiceName> {
        let freed = self.freed_by(Holds::wanted_for, |holds, _| holds.end(owner));
        self.forget(freed)
    }

    /// As [`Self::discard`], of what a person holds of these services.
    pub(super) fn discard_by_hand(&mut self, scope: &Scope) -> Vec<ServiceName> {
        let freed = self.freed_by(Holds::wanted_for, |holds, timing| holds.end_by_hand(scope, timing.keys()));
        self.forget(freed)
    }

    /// The services that are held before and not after.
    fn freed_by(
        &mut self,
        held: impl Fn(&Holds, &ServiceName) -> bool,
        end: impl FnOnce(&mut Holds, &BTreeMap<ServiceName, Timing>),
    ) -> BTreeSet<ServiceName> {
        let before: Vec<ServiceName> = self.timing.keys().filter(|name| held(&self.holds, name)).cloned().collect();
        end(&mut self.holds, &self.timing);
        before.into_iter().filter(|name| !held(&self.holds, name)).collect()
    }

    fn compare(&mut self, freed: &BTreeSet<ServiceName>, git: Option<Arc<str>>, now: Moment) -> Option<Asks> {
        let held = self.take_held(freed);
        let mut paths = PathSet::default();
        held.values().for_each(|changes| paths.merge(&changes.paths));
        self.ask(held, After::Hold { git, changes: paths.len() }, now)
    }

    fn forget(&mut self, freed: BTreeSet<ServiceName>) -> Vec<ServiceName> {
        for (name, changes) in self.take_held(&freed) {
            self.decided(&name, &changes, Verdict::Discarded);
        }
        freed.into_iter().collect()
    }

    fn take_held(&mut self, freed: &BTreeSet<ServiceName>) -> BTreeMap<ServiceName, Changes> {
        let (taken, left) = std::mem::take(&mut self.held).into_iter().partition(|(name, _)| freed.contains(name));
        self.held = left;
        self.count_held();
        taken
    }

    /// The group is being stopped: nothing will be restarted any more.
    pub(super) fn cancel(&mut self) {
        for (name, pending) in std::mem::take(&mut self.pending) {
            self.decided(&name, &pending.into_all(), Verdict::Discarded);
        }
        for (name, changes) in std::mem::take(&mut self.held) {
            self.decided(&name, &changes, Verdict::Discarded);
        }
        for (name, changes) in self.questions.take(|_| true) {
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

    pub(super) fn holds(&self) -> &Holds {
        &self.holds
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.pending.is_empty() || !self.questions.is_empty()
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
