//! What a change of files does to the services that watch them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    ClientHold, Comparison, Difference, FactKind, FileEvent, FileReader, HoldResult, Holder, LastChange, Marker, RunId,
    ServiceName, Verdict, human,
};

use super::git_gate::{Done, Touched};
use super::holds::{Hold, Owner, Scope};
use super::path_set::PathSet;
use super::questions::{HoldOver, Occasion, Question};
use super::quiet::Changes;
use super::restart_manager::Asks;
use super::service::Service;
use super::turn::Turn;
use super::{Effect, Engine};

impl Engine {
    pub(super) fn take_in_files(&mut self, files: Vec<FileEvent>, turn: &mut Turn) {
        for event in files {
            let touched = self.git.touched(&event, self.spec.watch.git_hold, turn.now);
            self.hold_for_git(touched, turn);
            self.changes.record(event, turn.now);
        }
    }

    /// What git has changed is held until git is done.
    pub(super) fn hold_for_git(&mut self, touched: Touched, turn: &mut Turn) {
        match touched {
            Touched::Free => {}
            Touched::Holds(tree) => {
                let (owner, by, label) = (Owner::Git(tree), Holder::Git, "git".into());
                self.changes.hold(Hold { owner, by, label, scope: Scope::All, since: turn.now });
            }
            Touched::OldLock { tree, age } => turn.tell(FactKind::OldLock { tree, age }),
        }
    }

    /// Quiet has come for some, or git is done: the watcher is asked what that comes to. And who is not answered in time
    /// goes by what is known.
    pub(super) fn changes_expire(&mut self, turn: &mut Turn) {
        while let Some(Done { tree, label, stale }) = self.git.done(self.spec.watch.git_hold, turn.now) {
            let label = match stale {
                Some(age) => {
                    format!("index.lock is {} old and is ignored; remove it if git is not running", human(age)).into()
                }
                None => label.unwrap_or_default(),
            };
            let asks = self.changes.release(&Owner::Git(tree), Some(label), turn.now);
            self.ask_watcher(asks, turn);
        }
        let asks = self.changes.take_due(turn.now);
        self.ask_watcher(asks, turn);
        while let Some((question, changes)) = self.changes.overdue(turn.now) {
            self.decide(question, changes, BTreeMap::new(), turn);
        }
    }

    /// A person has looked into what waits: it waits no longer.
    pub(super) fn end_limits(&mut self, turn: &mut Turn) {
        self.services.iter_mut().for_each(|service| service.restarts.limit.end_wait());
        let asks = self.changes.end_waits(turn.now);
        self.ask_watcher(asks, turn);
    }

    /// As [`Self::end_limits`], by a restart of this service: what waits is met by that.
    pub(super) fn end_limit(&mut self, place: usize) {
        let service = &mut self.services[place];
        service.restarts.limit.end_wait();
        if self.changes.waits_until(service.name()).is_some() {
            self.changes.met_by_start(service.name());
        }
    }

    /// The watcher has compared. An answer to a question that is not open any more is of the past.
    pub(super) fn compared(&mut self, Comparison { ask, services }: Comparison, turn: &mut Turn) {
        if let Some((question, changes)) = self.changes.answered(ask) {
            self.decide(question, changes, services.into_iter().collect(), turn);
        }
    }

    /// The one place where changes that have had their quiet time, or whose wait or hold has ended, become actions: each
    /// service acts once, dependencies first. What differs is known of those in `differences`; the changes of others count.
    fn decide(
        &mut self,
        question: Question,
        mut changes: BTreeMap<ServiceName, Changes>,
        mut differences: BTreeMap<ServiceName, Difference>,
        turn: &mut Turn,
    ) {
        let mut matter = PathSet::default();
        let mut acted = Vec::new();
        for at in 0..self.graph.order.len() {
            let place = self.graph.order[at];
            let Some((name, changes)) = changes.remove_entry(self.services[place].name()) else { continue };
            let difference = differences.remove(&name);
            let has_waited = question.occasion == Occasion::WaitOver;
            let Some((paths, verdict)) = self.decide_one(place, changes, difference, has_waited, turn) else {
                continue;
            };
            matter.merge(&paths);
            if self.services[place].wanted {
                acted.push((name, verdict));
            }
        }
        match question.occasion {
            Occasion::HoldOver(over) => self.tell_end_of_hold(over, matter.len(), acted, turn),
            Occasion::Discarded(runs) => self.note_discarded(&runs, &differences, turn),
            Occasion::Quiet | Occasion::WaitOver => {}
        }
    }

    /// Those of these runs that are up still, and whose files differ from what they have seen, are older than these. What
    /// nobody could compare in time is not said of any.
    fn note_discarded(
        &mut self,
        runs: &[(ServiceName, RunId)],
        differences: &BTreeMap<ServiceName, Difference>,
        turn: &mut Turn,
    ) {
        for service in &mut self.services {
            let differs = differences.get(service.name()).filter(|difference| !difference.is_empty());
            let is_meant = runs.iter().any(|(name, run)| name == service.name() && *run == service.run.id);
            if let Some(difference) = differs.filter(|_| is_meant && service.is_up()) {
                service.note_discarded(&paths_of(difference), turn);
            }
        }
    }

    /// Acts on the changes of one service, or lets them wait. The files that matter, and what became of them; `None` if
    /// none does.
    fn decide_one(
        &mut self,
        place: usize,
        mut changes: Changes,
        difference: Option<Difference>,
        has_waited: bool,
        turn: &mut Turn,
    ) -> Option<(PathSet, Verdict)> {
        let service = &mut self.services[place];
        let name = service.name().clone();
        if let Some(difference) = &difference {
            self.changes.decided(&name, &changes, Verdict::SameContent);
            if difference.is_empty() {
                if service.restarts.limit.take_back() && service.wanted {
                    service.narrate(Marker::TakenBack { action: service.change_action() }, turn);
                }
                service.is_as_it_runs(turn);
                return None;
            }
            changes.paths = paths_of(difference);
        }
        changes.paths.files()?;
        if let Some(path) = changes.paths.last() {
            service.last_change = Some(LastChange { path: Arc::clone(path), at: turn.now });
        }
        let paths = changes.paths.clone();
        if !has_waited && service.change_starts_something() {
            let first_at = difference.iter().flat_map(|difference| &difference.files).map(|file| file.first_at).min();
            let was_limited = service.restarts.limit.is_limiting();
            if let Some(until) =
                service.restarts.limit.wait(first_at.unwrap_or(turn.now), difference.as_ref(), turn.now)
            {
                if let Some(marker) = service.restarts.limit.marker(service.change_action(), turn.now) {
                    service.tell(FactKind::Limited { marker, is_first: !was_limited }, turn);
                }
                self.changes.wait_until(&name, changes, until);
                return Some((paths, Verdict::Waits));
            }
        }
        let was_to_follow = service.restarts.next.is_some();
        let verdict = service.act_on_change(&paths, turn);
        self.changes.decided(&name, &changes, verdict);
        let service = &self.services[place];
        if service.is_up()
            && service.restarts.next.is_some()
            && !was_to_follow
            && let Some(first) = self.is_to_follow(place)
        {
            service.narrate(Marker::Waits { on: format!("{first} to restart first") }, turn);
        }
        Some((paths, verdict))
    }

    /// What came of all that was held is told.
    fn tell_end_of_hold(&mut self, over: HoldOver, matter: usize, acted: Vec<(ServiceName, Verdict)>, turn: &mut Turn) {
        // What is to be validated first may be refused.
        let is_expected = |(name, verdict): &(ServiceName, Verdict)| {
            let service = self.services.iter().find(|service| service.name() == name);
            *verdict == Verdict::Waits
                || *verdict == Verdict::Restart && service.is_some_and(Service::is_to_be_replaced)
        };
        let says_restarted = acted.iter().all(is_expected);
        let (wait, acted): (Vec<_>, Vec<_>) = acted.into_iter().partition(|(_, verdict)| *verdict == Verdict::Waits);
        let names = |all: Vec<(ServiceName, Verdict)>| all.into_iter().map(|(name, _)| name).collect();
        let HoldOver { git, changes } = over;
        let result = HoldResult { git, changes, matter, acted: names(acted), wait: names(wait), says_restarted };
        turn.tell(FactKind::HoldOver(result.clone()));
        self.last_release = Some(result);
    }

    /// The line about the last hold says that all of its services were restarted. One of them could not be: it says only
    /// which services it was about.
    pub(super) fn correct_end_of_hold(&mut self, turn: &mut Turn) {
        let Some(result) = self.last_release.as_mut().filter(|result| result.promises_restarts()) else { return };
        if self.services.iter().any(|service| service.is_refused() && result.names(service.name())) {
            result.says_restarted = false;
            turn.tell(FactKind::HoldCorrected(result.clone()));
        }
    }

    /// The journal says that a change has restarted services. Those whose files have not passed were not restarted.
    pub(super) fn correct_journal(&mut self) {
        for service in &mut self.services {
            if let Some(paths) = service.take_refused() {
                self.changes.refused(service.name(), &paths, service.run.asked_at);
            }
        }
    }

    /// Tells which holds have begun, and which have ended, since it was told last.
    pub(super) fn tell_holds(&mut self, turn: &mut Turn) {
        let holds = self.changes.holds().snapshots();
        let told = std::mem::replace(&mut self.told_holds, holds);
        for gone in told.iter().filter(|hold| !self.told_holds.contains(hold)) {
            turn.tell(FactKind::Release(gone.clone()));
        }
        for new in self.told_holds.iter().filter(|hold| !told.contains(hold)) {
            turn.tell(FactKind::Hold(new.clone()));
        }
    }

    /// The `p` key, or `--paused`.
    pub(super) fn hold_by_key(&mut self, turn: &Turn) {
        let (owner, by, label) = (Owner::Key, Holder::Key, "p".into());
        self.changes.hold(Hold { owner, by, label, scope: Scope::All, since: turn.now });
    }

    /// Holds changes by hand, as `devgroup pause` does; of all services if none is named.
    pub(super) fn pause(&mut self, services: &[ServiceName], turn: &Turn) {
        let (owner, by, label) = (Owner::Pause, Holder::Client, "pause".into());
        self.changes.hold(Hold { owner, by, label, scope: Scope::of(services), since: turn.now });
    }

    /// Ends what is held by hand of these services.
    pub(super) fn resume(&mut self, scope: &Scope, discard: bool, turn: &mut Turn) {
        if discard {
            let services = self.changes.discard_by_hand(scope);
            self.forget(services, turn);
            self.discard_file();
        } else {
            let asks = self.changes.release_by_hand(scope, turn.now);
            self.ask_watcher(asks, turn);
        }
    }

    /// What was changed under a hold is as it should be, also where the news of it has not come yet. But nobody has
    /// validated it: a validation that runs begins anew.
    fn forget(&mut self, services: Vec<ServiceName>, turn: &mut Turn) {
        for service in self.services.iter_mut().filter(|service| services.contains(service.name())) {
            service.cancel_validation(turn);
            service.restarts.limit.take_back();
        }
        let mut runs = Vec::new();
        for service in self.services.iter_mut().filter(|service| services.contains(service.name())) {
            if service.is_told_of_changes() {
                service.discarded.get_or_insert_default();
                runs.push((service.name().clone(), service.run.id));
            }
        }
        let asks = self.changes.ask_of_discarded(runs, turn.now);
        self.ask_watcher(asks, turn);
        if !services.is_empty() {
            turn.emit(Effect::Baseline { services, at: turn.now, sync: true });
        }
    }

    /// The hold of a client begins.
    pub(super) fn hold_for_client(&mut self, request: ClientHold, turn: &Turn) {
        let ClientHold { id, command, label, services } = request;
        let by = if command { Holder::Command } else { Holder::Client };
        let scope = Scope::of(&services);
        self.changes.hold(Hold { owner: Owner::Client(id), by, label, scope, since: turn.now });
    }

    /// The hold of a client ends.
    pub(super) fn release_for_client(&mut self, id: u64, discard: bool, turn: &mut Turn) {
        let owner = Owner::Client(id);
        if discard {
            let services = self.changes.discard(&owner);
            self.forget(services, turn);
            self.discard_file();
        } else {
            let asks = self.changes.release(&owner, None, turn.now);
            self.ask_watcher(asks, turn);
        }
    }

    fn ask_watcher(&self, asks: impl IntoIterator<Item = Asks>, turn: &mut Turn) {
        for Asks { id, services, sync } in asks {
            let now = turn.now;
            let reader = |service: ServiceName| {
                let run = self.place_of(&service).ok().map(|place| &self.services[place].run);
                let began = run.and_then(|run| run.has_environment).unwrap_or(now);
                FileReader { service, began, until: run.map_or(now, |run| run.reads_until(now)) }
            };
            let services = services.into_iter().map(reader).collect();
            turn.emit(Effect::Compare { ask: id, services, sync });
        }
    }
}

fn paths_of(difference: &Difference) -> PathSet {
    let mut paths = PathSet::default();
    difference.files.iter().for_each(|file| paths.insert(&file.path));
    paths.add_unnamed(difference.more);
    paths
}
