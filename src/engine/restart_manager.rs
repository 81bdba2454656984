//! Changes on their way to a restart: which services have which, until when each waits for quiet, and who holds them.
//!
//! Every change that is not decided is in one [`Stage`]. There is no timer: quiet is a comparison of times, and cancelling
//! is forgetting.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{FileEvent, FileJournal, Match, Moment, RunId, ServiceName, Verdict};

use super::holds::{Hold, Holds, Owner, Scope};
use super::path_set::PathSet;
use super::questions::{HoldOver, Occasion, Question, Questions};
use super::quiet::{Burst, Changes, Pending, Timing};

/// What the watcher is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asks {
    pub(super) id: u64,
    pub(super) services: Vec<ServiceName>,
    /// Everything that has happened until now is to be known first.
    pub(super) sync: bool,
}

/// Where the undecided changes of one service are.
#[derive(Clone, Debug)]
enum Stage {
    /// They wait for quiet.
    Quiet(Pending),
    /// Whether their content differs is being found out. Those that come meanwhile wait for the answer.
    Asked { question: u64, changes: Changes, newer: Option<Pending> },
    /// They came right after a start, and wait.
    Waiting { until: Moment, changes: Changes },
    /// Somebody holds them.
    Held(Changes),
}

impl Stage {
    fn into_all(self) -> Changes {
        match self {
            Self::Quiet(pending) => pending.into_all(),
            Self::Waiting { changes, .. } | Self::Held(changes) => changes,
            Self::Asked { mut changes, newer, .. } => {
                if let Some(newer) = newer {
                    changes.merge(&newer.into_all());
                }
                changes
            }
        }
    }

    fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

/// See the top of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct RestartManager {
    /// The time of the turn.
    now: Moment,
    holds: Holds,
    stages: BTreeMap<ServiceName, Stage>,
    timing: BTreeMap<ServiceName, Timing>,
    burst: Burst,
    /// All that is held, for the number in the banner.
    held_in_all: PathSet,
    questions: Questions,
    journal: Arc<FileJournal>,
}

impl RestartManager {
    /// What is decided from here on is decided at that time.
    pub(super) fn set_time(&mut self, now: Moment) {
        self.now = now;
    }

    /// The services that there are now. Changes of others are forgotten.
    pub(super) fn set_services(&mut self, timing: BTreeMap<ServiceName, Timing>) {
        self.stages.retain(|name, _| timing.contains_key(name));
        self.timing = timing;
        self.close_empty_questions(true);
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
        // Quiet counts from the write, not from when its news was read.
        let at = event.at.min(now);
        let verdict = self.first_verdict(&event, &services, at);
        self.write_down(event.clone(), verdict);
        let entry = self.last_entry();
        for name in services {
            if self.holds.covers(&name) {
                self.held_in_all.insert(&event.path);
                let stage = self.stages.entry(name).or_insert_with(|| Stage::Held(Changes::default()));
                if let Stage::Held(changes) = stage {
                    changes.add(&event.path, entry);
                }
                continue;
            }
            let stage = self.stages.entry(name).or_insert_with(|| Stage::Quiet(Pending::new(at, entry)));
            match stage {
                Stage::Quiet(pending) => pending.add(&event, at, entry),
                Stage::Asked { newer, .. } => {
                    newer.get_or_insert_with(|| Pending::new(at, entry)).add(&event, at, entry);
                }
                Stage::Waiting { changes, .. } | Stage::Held(changes) => changes.add(&event.path, entry),
            }
        }
    }

    fn first_verdict(&mut self, event: &FileEvent, services: &[ServiceName], at: Moment) -> Verdict {
        let mut free = services.iter().filter(|name| !self.holds.covers(name)).peekable();
        if free.peek().is_none() {
            return Verdict::Held;
        }
        let all_wait = free.all(|name| matches!(self.stages.get(name), Some(Stage::Waiting { .. })));
        self.burst.add(&event.path, at);
        match self.burst.quiet() {
            _ if all_wait => Verdict::Waits,
            Some(_) => Verdict::Busy,
            None => Verdict::Pending,
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

    /// When the next service will have had its quiet time or its wait, or the next answer is overdue.
    pub(super) fn next_due(&self) -> Option<Moment> {
        let due = self.stages.iter().filter_map(|(name, stage)| match stage {
            Stage::Quiet(pending) => self.due_of(name, pending),
            Stage::Waiting { until, .. } => Some(*until),
            Stage::Asked { .. } | Stage::Held(_) => None,
        });
        due.chain(self.questions.next_due()).min()
    }

    /// The questions about the services that have had their quiet time, or have waited long enough after a start.
    pub(super) fn take_due(&mut self, now: Moment) -> Vec<Asks> {
        let is_quiet = |manager: &Self, name: &ServiceName, stage: &Stage| match stage {
            Stage::Quiet(pending) => manager.due_of(name, pending).is_some_and(|due| due <= now),
            _ => false,
        };
        let quiet = self.ask(is_quiet, Occasion::Quiet, now);
        if quiet.is_some() {
            self.burst.acted();
        }
        let has_waited = |_: &Self, _: &ServiceName, stage: &Stage| match stage {
            Stage::Waiting { until, .. } => *until <= now,
            _ => false,
        };
        let waited = self.ask(has_waited, Occasion::WaitOver, now);
        quiet.into_iter().chain(waited).collect()
    }

    /// Nobody waits any longer because of a start.
    pub(super) fn end_waits(&mut self, now: Moment) -> Option<Asks> {
        self.ask(|_, _, stage| matches!(stage, Stage::Waiting { .. }), Occasion::WaitOver, now)
    }

    /// Asks about the changes that are chosen.
    fn ask(
        &mut self,
        chosen: impl Fn(&Self, &ServiceName, &Stage) -> bool,
        occasion: Occasion,
        now: Moment,
    ) -> Option<Asks> {
        let services: Vec<ServiceName> = self
            .stages
            .iter()
            .filter(|(name, stage)| chosen(self, name, stage))
            .map(|(name, _)| name.clone())
            .collect();
        if services.is_empty() {
            return None;
        }
        let sync = matches!(occasion, Occasion::HoldOver(_));
        let question = self.questions.ask(occasion, now);
        for name in &services {
            if let Some(stage) = self.stages.remove(name) {
                let asked = Stage::Asked { question, changes: stage.into_all(), newer: None };
                self.stages.insert(name.clone(), asked);
            }
        }
        Some(Asks { id: question, services, sync })
    }

    /// The question that this is the answer to, if it is open still, with its changes.
    pub(super) fn answered(&mut self, id: u64) -> Option<(Question, BTreeMap<ServiceName, Changes>)> {
        let question = self.questions.answered(id)?;
        Some(self.with_changes(question))
    }

    /// A question that nobody has answered in time, with its changes.
    pub(super) fn overdue(&mut self, now: Moment) -> Option<(Question, BTreeMap<ServiceName, Changes>)> {
        let question = self.questions.overdue(now)?;
        Some(self.with_changes(question))
    }

    fn with_changes(&mut self, question: Question) -> (Question, BTreeMap<ServiceName, Changes>) {
        let id = question.id;
        let is_asked = |stage: &Stage| matches!(stage, Stage::Asked { question, .. } if *question == id);
        let asked: Vec<ServiceName> =
            self.stages.iter().filter(|(_, stage)| is_asked(stage)).map(|(name, _)| name.clone()).collect();
        let mut all = BTreeMap::new();
        for name in asked {
            if let Some(Stage::Asked { changes, newer, .. }) = self.stages.remove(&name) {
                if let Some(newer) = newer {
                    self.stages.insert(name.clone(), Stage::Quiet(newer));
                }
                all.insert(name, changes);
            }
        }
        (question, all)
    }

    /// These changes came right after a start: they wait until then.
    pub(super) fn wait_until(&mut self, name: &ServiceName, mut changes: Changes, until: Moment) {
        if let Some(stage) = self.stages.remove(name) {
            changes.merge(&stage.into_all());
        }
        self.decided(name, &changes, Verdict::Waits);
        self.stages.insert(name.clone(), Stage::Waiting { until, changes });
    }

    /// Until when changes of this service wait so soon after a start.
    pub(super) fn waits_until(&self, name: &ServiceName) -> Option<Moment> {
        if let Some(Stage::Waiting { until, .. }) = self.stages.get(name) { Some(*until) } else { None }
    }

    /// Writes down what became of changes. Of several services behind one entry, the strongest verdict stays, and those
    /// that it is true of.
    pub(super) fn decided(&mut self, name: &ServiceName, changes: &Changes, verdict: Verdict) {
        let now = self.now;
        Arc::make_mut(&mut self.journal).judge(changes.first_entry, |entry| {
            if let Match::Watched { services, .. } = &entry.event.matched
                && services.contains(name)
                && changes.paths.contains(&entry.event.path)
            {
                let stands_back = strength(verdict) < strength(entry.verdict);
                entry.judged = if stands_back { entry.judged } else { now };
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
        });
    }

    /// These files have not passed: what was written down as a restart since its last start is none of this service.
    pub(super) fn refused(&mut self, name: &ServiceName, paths: &PathSet, started: Moment) {
        let now = self.now;
        Arc::make_mut(&mut self.journal).judge(0, |entry| {
            let is_it =
                entry.verdict == Verdict::Restart && entry.judged > started && paths.contains(&entry.event.path);
            if !is_it || !entry.services.contains(name) {
                return;
            }
            entry.services.retain(|other| other != name);
            if entry.services.is_empty() {
                entry.services.push(name.clone());
                (entry.verdict, entry.judged) = (Verdict::Refused, now);
            }
        });
    }

    /// A process of this service is being started: it will see what has been written until now, so these changes, held
    /// or not, are done with. Writes that are not finished go on waiting.
    pub(super) fn met_by_start(&mut self, name: &ServiceName) -> Option<Changes> {
        let was_held = self.stages.get(name).is_some_and(Stage::is_held);
        let (met, open) = match self.stages.remove(name)? {
            Stage::Quiet(pending) => pending.into_saved_and_open(),
            Stage::Asked { mut changes, newer, .. } => match newer.map(Pending::into_saved_and_open) {
                Some((saved, open)) => {
                    changes.merge(&saved);
                    (changes, open)
                }
                None => (changes, None),
            },
            Stage::Waiting { changes, .. } | Stage::Held(changes) => (changes, None),
        };
        if let Some(open) = open {
            self.stages.insert(name.clone(), Stage::Quiet(open));
        }
        self.close_empty_questions(true);
        if was_held {
            self.count_held();
        }
        if met.paths.is_empty() {
            return None;
        }
        self.decided(name, &met, Verdict::Restart);
        Some(met)
    }

    /// Closes the questions whose changes are decided. The end of a hold may be told all the same.
    fn close_empty_questions(&mut self, tell_holds: bool) {
        let stages = &self.stages;
        let is_about = |question: &Question| {
            let about = |stage: &Stage| matches!(stage, Stage::Asked { question: id, .. } if *id == question.id);
            let is_of_none = match question.occasion {
                Occasion::HoldOver(_) => tell_holds,
                Occasion::Discarded(_) => true,
                Occasion::Quiet | Occasion::WaitOver => false,
            };
            is_of_none || stages.values().any(about)
        };
        self.questions.retain(is_about);
    }

    /// Begins a hold; the undecided changes of its services are held as well. A second hold of the same owner only adds
    /// services.
    pub(super) fn hold(&mut self, hold: Hold) {
        // Git's begins with each file that it touches.
        if !self.holds.begin(hold) {
            return;
        }
        let covered = |(name, stage): &(&ServiceName, &Stage)| self.holds.covers(name) && !stage.is_held();
        let names: Vec<ServiceName> = self.stages.iter().filter(covered).map(|(name, _)| name.clone()).collect();
        for name in names {
            let Some(stage) = self.stages.remove(&name) else { continue };
            let changes = stage.into_all();
            self.decided(&name, &changes, Verdict::Held);
            self.stages.insert(name, Stage::Held(changes));
        }
        self.close_empty_questions(false);
        if !self.stages.values().any(|stage| matches!(stage, Stage::Quiet(_))) {
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
        let is_freed = |_: &Self, name: &ServiceName, stage: &Stage| stage.is_held() && freed.contains(name);
        let mut paths = PathSet::default();
        for (name, stage) in &self.stages {
            if let (Stage::Held(changes), true) = (stage, freed.contains(name)) {
                paths.merge(&changes.paths);
            }
        }
        let asks = self.ask(is_freed, Occasion::HoldOver(HoldOver { git, changes: paths.len() }), now);
        self.count_held();
        asks
    }

    /// Which of these runs are older than their files is asked before what was discarded is forgotten.
    pub(super) fn ask_of_discarded(&mut self, runs: Vec<(ServiceName, RunId)>, now: Moment) -> Option<Asks> {
        let services: Vec<ServiceName> = runs.iter().map(|(name, _)| name.clone()).collect();
        (!services.is_empty()).then(|| Asks {
            id: self.questions.ask(Occasion::Discarded(runs), now),
            services,
            sync: true,
        })
    }

    fn forget(&mut self, freed: BTreeSet<ServiceName>) -> Vec<ServiceName> {
        for name in &freed {
            if self.stages.get(name).is_some_and(Stage::is_held)
                && let Some(stage) = self.stages.remove(name)
            {
                self.decided(name, &stage.into_all(), Verdict::Discarded);
            }
        }
        self.count_held();
        freed.into_iter().collect()
    }

    /// The group is being stopped: nothing will be restarted any more.
    pub(super) fn cancel(&mut self) {
        for (name, stage) in std::mem::take(&mut self.stages) {
            self.decided(&name, &stage.into_all(), Verdict::Discarded);
        }
        self.questions = Questions::default();
        self.holds.clear();
        self.burst = Burst::default();
        self.count_held();
    }

    fn count_held(&mut self) {
        self.held_in_all = PathSet::default();
        for stage in self.stages.values() {
            if let Stage::Held(changes) = stage {
                self.held_in_all.merge(&changes.paths);
            }
        }
    }

    pub(super) fn holds(&self) -> &Holds {
        &self.holds
    }

    /// Something will be decided by itself.
    pub(super) fn is_waiting(&self) -> bool {
        self.stages.values().any(|stage| !stage.is_held())
    }

    /// Changes of this service wait for quiet, or for an answer.
    pub(super) fn is_to_be_decided(&self, name: &ServiceName) -> bool {
        matches!(self.stages.get(name), Some(Stage::Quiet(_) | Stage::Asked { .. }))
    }

    /// Changes of this service are held, and by nobody but git.
    pub(super) fn waits_for_git(&self, name: &ServiceName) -> bool {
        self.stages.get(name).is_some_and(Stage::is_held) && !self.holds.wanted_for(name)
    }

    /// There are undecided changes, of whichever service.
    pub(super) fn is_about_any(&self) -> bool {
        !self.stages.is_empty()
    }

    /// There are undecided changes of this service.
    pub(super) fn is_about(&self, name: &ServiceName) -> bool {
        self.stages.contains_key(name)
    }

    /// Different paths that are held, of all services.
    pub(super) fn held_in_all(&self) -> usize {
        self.held_in_all.len()
    }

    /// Different paths that are held from this service.
    pub(super) fn held(&self, name: &ServiceName) -> usize {
        if let Some(Stage::Held(changes)) = self.stages.get(name) { changes.paths.len() } else { 0 }
    }

    /// Different paths of this service that wait for quiet, for an answer, or for the end of a wait after a start.
    pub(super) fn pending(&self, name: &ServiceName) -> usize {
        match self.stages.get(name) {
            Some(Stage::Quiet(pending)) => pending.len(),
            Some(Stage::Asked { changes, newer, .. }) => changes.paths.len() + newer.as_ref().map_or(0, Pending::len),
            Some(Stage::Waiting { changes, .. }) => changes.paths.len(),
            Some(Stage::Held(_)) | None => 0,
        }
    }

    /// Different paths of the bulk that somebody waits for; 0 if there is none.
    pub(super) fn busy(&self) -> usize {
        let is_waited_for = self.stages.values().any(|stage| match stage {
            Stage::Quiet(_) => true,
            Stage::Asked { newer, .. } => newer.is_some(),
            Stage::Waiting { .. } | Stage::Held(_) => false,
        });
        if is_waited_for && self.burst.quiet().is_some() { self.burst.paths.len() } else { 0 }
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
        Verdict::Stopped | Verdict::Waits | Verdict::Refused => 3,
        Verdict::Mark => 4,
        Verdict::Run => 5,
        Verdict::Signal => 6,
        Verdict::Restart => 7,
    }
}
