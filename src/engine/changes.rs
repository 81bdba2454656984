//! What a change of files does to the services that watch them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    ClientHold, Comparison, Difference, FileEvent, Holder, LastChange, Marker, Notice, ServiceName, Verdict, count,
    human,
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

/// What a line about the end of a hold by git says of those that are restarted.
const RESTARTED: &str = " restarted";

/// Characters of the names of services in one line.
const NAMES: usize = 60;

impl Engine {
    pub(super) fn take_in_files(&mut self, files: Vec<FileEvent>, turn: &Turn) {
        for event in files {
            match self.git.touched(&event, self.spec.watch.git_hold, turn.now) {
                Touched::Free => {}
                Touched::Holds(tree) => {
                    let (owner, by, label) = (Owner::Git(tree), Holder::Git, "git".into());
                    self.changes.hold(Hold { owner, by, label, scope: Scope::All, since: turn.now });
                }
                Touched::OldLock { tree, age } => self.notice = Some(old_lock(&tree, age, turn)),
            }
            self.changes.record(event, turn.now);
        }
    }

    /// Quiet has come for some, or git is done: the watcher is asked what that comes to. And who is not answered in time
    /// goes by what is known.
    pub(super) fn changes_expire(&mut self, turn: &mut Turn) {
        while let Some(Done { tree, label, stale }) = self.git.done(self.spec.watch.git_hold, turn.now) {
            let label = match stale {
                Some(age) => format!("index.lock is {} old: ignored, remove it if no git runs", human(age)).into(),
                None => label.unwrap_or_default(),
            };
            let asks = self.changes.release(&Owner::Git(tree), Some(label), turn.now);
            ask(asks, turn);
        }
        ask(self.changes.take_due(turn.now), turn);
        while let Some((question, changes)) = self.changes.overdue(turn.now) {
            self.decide(question, changes, BTreeMap::new(), turn);
        }
    }

    /// A person has looked into what waits: it waits no longer.
    pub(super) fn end_limits(&mut self, turn: &mut Turn) {
        self.services.iter_mut().for_each(|service| service.restarts.limit.end_wait());
        ask(self.changes.end_waits(turn.now), turn);
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
        if let Occasion::HoldOver(HoldOver { git, changes }) = question.occasion {
            self.tell_end_of_hold(git, changes, matter.len(), &acted, turn);
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
                    turn.narrate(&name, Marker::TakenBack { action: service.change_action() });
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
                    if !was_limited {
                        self.notice = Some(limited(&name, &marker, turn));
                    }
                    turn.narrate(&name, marker);
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
            turn.narrate(&name, Marker::Waits { on: format!("{first} to be replaced first") });
        }
        Some((paths, verdict))
    }

    /// One line about what came of all that was held.
    fn tell_end_of_hold(
        &mut self,
        git: Option<Arc<str>>,
        changes: usize,
        matter: usize,
        acted: &[(ServiceName, Verdict)],
        turn: &Turn,
    ) {
        let all = count(changes, "change");
        let waits = |(_, verdict): &&(ServiceName, Verdict)| *verdict == Verdict::Waits;
        let names: Vec<&str> = acted.iter().filter(|one| !waits(one)).map(|(name, _)| name.as_str()).collect();
        let late: Vec<&str> = acted.iter().filter(waits).map(|(name, _)| name.as_str()).collect();
        // What is to be validated first may be refused.
        let is_expected = |(name, verdict): &(ServiceName, Verdict)| {
            let service = self.services.iter().find(|service| service.name() == name);
            *verdict == Verdict::Waits
                || *verdict == Verdict::Restart && service.is_some_and(Service::is_to_be_replaced)
        };
        let did = if acted.iter().all(is_expected) { RESTARTED } else { "" };
        let waiting = (!late.is_empty())
            .then(|| format!("{} {}", some_of(&late), if late.len() == 1 { "waits" } else { "wait" }));
        let now = (!names.is_empty()).then(|| some_of(&names));
        let by_git = git.is_some();
        let now = now.map(|names| if by_git { names + did } else { names });
        let who = now.into_iter().chain(waiting).collect::<Vec<_>>().join(", ");
        let summary = match (git, acted.is_empty()) {
            (Some(label), true) if matter == 0 => {
                format!("{} · {all} cancelled out · no restart", git_words(&label))
            }
            (Some(label), true) => format!("{} · {all} · no restart", git_words(&label)),
            (Some(label), false) => {
                format!("{} · {all} · {who}", git_words(&label))
            }
            (None, _) if matter == 0 => format!("{} cancelled out · no restart", count(changes, "held change")),
            (None, _) => {
                let verb = if matter == 1 { "matters" } else { "matter" };
                let who = if acted.is_empty() { "nothing runs that they are for" } else { &who };
                // More may differ than was held: what did not pass before is tried again with it.
                match matter <= changes {
                    true => format!("{matter} of {all} {verb}: {who}"),
                    false => format!("{matter} files differ: {who}"),
                }
            }
        };
        let summary: Arc<str> = summary.into();
        self.last_release = Some(Arc::clone(&summary));
        let said = by_git && !did.is_empty();
        self.said_restarted = acted.iter().filter(|_| said).map(|(name, _)| name.clone()).collect();
        // What is wrong stays on the screen.
        if self.notice.as_ref().is_none_or(|notice| !notice.problem) {
            self.notice = Some(Notice { at: turn.now, problem: false, summary, detail: "".into() });
        }
    }

    /// The line about the last hold says that all of its services were restarted. One of them could not be: it says only
    /// which services it was about.
    pub(super) fn correct_end_of_hold(&mut self) {
        let is_refused = |one: &Service| one.is_refused() && self.said_restarted.contains(one.name());
        if !self.services.iter().any(is_refused) {
            return;
        }
        self.said_restarted.clear();
        let Some(said) = &self.last_release else { return };
        // The last one: what git says that it has done, which may hold the word as well, comes before it.
        let corrected: Arc<str> = match said.rsplit_once(RESTARTED) {
            Some((before, after)) => format!("{before}{after}").into(),
            None => return,
        };
        if let Some(notice) = self.notice.as_mut().filter(|notice| notice.summary == *said) {
            notice.summary = Arc::clone(&corrected);
        }
        self.last_release = Some(corrected);
    }

    /// The `p` key, or `--paused`.
    pub(super) fn hold_by_key(&mut self, turn: &Turn) {
        let (owner, by, label) = (Owner::Key, Holder::Key, "p".into());
        self.changes.hold(Hold { owner, by, label, scope: Scope::All, since: turn.now });
    }

    /// The `p` key: ends all that is held by hand, or holds.
    pub(super) fn toggle_pause(&mut self, turn: &mut Turn) {
        if self.changes.holds().are_by_hand() {
            self.resume(&Scope::All, false, turn);
        } else {
            self.hold_by_key(turn);
        }
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
        } else {
            ask(self.changes.release_by_hand(scope, turn.now), turn);
        }
    }

    /// What was changed under a hold is as it should be, also where the news of it has not come yet. But nobody has
    /// validated it: a validation that runs begins anew.
    fn forget(&mut self, services: Vec<ServiceName>, turn: &mut Turn) {
        for service in self.services.iter_mut().filter(|service| services.contains(service.name())) {
            service.cancel_validation(turn);
            service.restarts.limit.take_back();
        }
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
        } else {
            ask(self.changes.release(&owner, None, turn.now), turn);
        }
    }
}

fn ask(asks: impl IntoIterator<Item = Asks>, turn: &mut Turn) {
    for Asks { id, services, sync } in asks {
        turn.emit(Effect::Compare { ask: id, services, sync });
    }
}

fn paths_of(difference: &Difference) -> PathSet {
    let mut paths = PathSet::default();
    difference.files.iter().for_each(|file| paths.insert(&file.path));
    paths.add_unnamed(difference.more);
    paths
}

/// The first wait of a service, for those who do not look at its log.
fn limited(name: &ServiceName, marker: &Marker, turn: &Turn) -> Notice {
    Notice { at: turn.now, problem: false, summary: format!("{name}: {}", marker.words("")).into(), detail: "".into() }
}

/// As many of these as there is room for, and how many more there are: `api, worker and 7 more`.
fn some_of(names: &[&str]) -> String {
    let mut used = 0;
    let fitting = names.iter().take_while(|name| {
        used += name.chars().count() + 2;
        used <= NAMES + 2
    });
    let count = fitting.count().max(1);
    match names.split_at_checked(count) {
        Some((first, rest)) if !rest.is_empty() => format!("{} and {} more", first.join(", "), rest.len()),
        _ => names.join(", "),
    }
}

/// `git checkout: moving from main to feat`.
fn git_words(label: &str) -> String {
    if label.is_empty() { "git".to_owned() } else { format!("git {label}") }
}

fn old_lock(tree: &str, age: std::time::Duration, turn: &Turn) -> Notice {
    let place = if tree.is_empty() { String::new() } else { format!(" of {tree}") };
    let summary = format!("git index.lock{place} is {} old: ignored, remove it if no git runs", human(age));
    Notice { at: turn.now, problem: false, summary: summary.into(), detail: "".into() }
}

#[cfg(test)]
mod tests {
    use super::some_of;

    #[test]
    fn names_are_left_out_only_where_there_is_no_room() {
        assert_eq!(some_of(&["api", "web", "db", "css", "worker"]), "api, web, db, css, worker");
        let many: Vec<_> = std::iter::repeat_n("service", 10).collect();
        assert_eq!(some_of(&many), "service, service, service, service, service, service and 4 more");
        assert_eq!(some_of(&[&"x".repeat(100), "web"]), format!("{} and 1 more", "x".repeat(100)));
    }
}
