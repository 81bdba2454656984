//! What a change of files does to the services that watch them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    ClientHold, Comparison, Difference, FileEvent, FilesChanged, Holder, LastChange, Marker, Notice, OnChange, Phase,
    ServiceName, SignalTarget, StartCause, Verdict, human,
};

use super::git_gate::{Done, Touched};
use super::holds::{Hold, Owner, Scope};
use super::own_writes::Judged;
use super::path_set::PathSet;
use super::questions::{After, Question};
use super::quiet::Changes;
use super::restart_manager::Asks;
use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;
use super::{Effect, Engine};

/// Characters of the names of services in one line.
const NAMES: usize = 60;

impl Engine {
    pub(super) fn take_in_files(&mut self, files: Vec<FileEvent>, turn: &Turn) {
        for event in files {
            match self.git.touched(&event, turn.now) {
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
        while let Some(Done { tree, label, stale }) = self.git.done(turn.now) {
            let label = match stale {
                Some(age) => format!("index.lock is {} old: ignored, remove it if no git runs", human(age)).into(),
                None => label.unwrap_or_default(),
            };
            let asks = self.changes.release(&Owner::Git(tree), Some(label), turn.now);
            ask(asks, true, turn);
        }
        if let Some(asks) = self.changes.take_due(turn.now) {
            for service in self.services.iter_mut().filter(|service| asks.services.contains(service.name())) {
                service.observe_before_judgement(turn);
            }
            ask(Some(asks), false, turn);
        }
        while let Some(question) = self.changes.overdue(turn.now) {
            self.quiet_reached(question, BTreeMap::new(), turn);
        }
    }

    /// The watcher has compared. An answer to a question that is not open any more is of the past.
    pub(super) fn compared(&mut self, Comparison { ask, services }: Comparison, turn: &mut Turn) {
        if let Some(question) = self.changes.answered(ask) {
            self.quiet_reached(question, services.into_iter().collect(), turn);
        }
    }

    /// The one place where changes that have had their quiet time, or whose hold has ended, become actions: each service
    /// acts once, dependencies first. What differs is known of those in `differences`; the changes of others count.
    fn quiet_reached(
        &mut self,
        mut question: Question,
        mut differences: BTreeMap<ServiceName, Difference>,
        turn: &mut Turn,
    ) {
        let mut matter = PathSet::default();
        let mut acted = Vec::new();
        for at in 0..self.graph.order.len() {
            let place = self.graph.order[at];
            let follows = self.will_follow(place).cloned();
            let service = &mut self.services[place];
            let Some((name, mut changes)) = question.changes.remove_entry(service.name()) else { continue };
            if let Some(difference) = differences.remove(&name) {
                self.changes.decided(&name, &changes, Verdict::SameContent);
                let by_itself = question.after == After::Quiet;
                if difference == Difference::default() {
                    service.is_as_it_runs(turn);
                }
                let Judged { matter, caught } = service.judge_own_writes(difference, by_itself, turn);
                if !caught.is_empty() {
                    let caught = Changes { paths: caught, ..changes };
                    self.changes.decided(&name, &caught, Verdict::OwnWrite);
                }
                changes.paths = matter;
            }
            let Some(files) = changes.paths.files() else { continue };
            matter.merge(&changes.paths);
            if let Some(path) = changes.paths.last() {
                service.last_change = Some(LastChange { path: Arc::clone(path), at: turn.now });
            }
            let verdict = service.changed(&changes, files, follows, turn);
            self.changes.decided(&name, &changes, verdict);
            if service.wanted {
                acted.push((name, verdict));
            }
        }
        if let After::Hold { git, changes } = question.after {
            self.tell_end_of_hold(git, changes, matter.len(), &acted, turn);
        }
        if let Some((written, service)) = self.services.iter_mut().find_map(Service::take_caught) {
            self.notice = Some(super::own_writes::notice(&written, &service, turn));
        }
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
        let plural = if changes == 1 { "" } else { "s" };
        let names: Vec<&str> = acted.iter().map(|(name, _)| name.as_str()).collect();
        let who = some_of(&names);
        let restarted = acted.iter().all(|(_, verdict)| *verdict == Verdict::Restart);
        let summary = match (git, acted.is_empty()) {
            (Some(label), true) if matter == 0 => {
                format!("{} · {changes} change{plural} cancelled out · no restart", git_words(&label))
            }
            (Some(label), true) => format!("{} · {changes} change{plural} · no restart", git_words(&label)),
            (Some(label), false) => {
                let did = if restarted { " restarted" } else { "" };
                format!("{} · {changes} change{plural} · {who}{did}", git_words(&label))
            }
            (None, _) if matter == 0 => format!("{changes} held change{plural} cancelled out · no restart"),
            (None, _) => {
                let verb = if matter == 1 { "matters" } else { "matter" };
                let who = if acted.is_empty() { "nothing runs that they are for" } else { &who };
                format!("{matter} of {changes} change{plural} {verb}: {who}")
            }
        };
        let summary: Arc<str> = summary.into();
        self.last_release = Some(Arc::clone(&summary));
        // What is wrong stays on the screen.
        if self.notice.as_ref().is_none_or(|notice| !notice.problem) {
            self.notice = Some(Notice { at: turn.now, problem: false, summary, detail: "".into() });
        }
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

    /// `devgroup pause`.
    pub(super) fn pause(&mut self, services: &[ServiceName], turn: &Turn) {
        let (owner, by, label) = (Owner::Pause, Holder::Client, "pause".into());
        self.changes.hold(Hold { owner, by, label, scope: Scope::of(services), since: turn.now });
    }

    /// Ends what is held by hand of these services.
    pub(super) fn resume(&mut self, scope: &Scope, discard: bool, turn: &mut Turn) {
        if discard {
            forget(self.changes.discard_by_hand(scope), turn);
        } else {
            ask(self.changes.release_by_hand(scope, turn.now), true, turn);
        }
    }

    /// The hold of a client begins.
    pub(super) fn hold_for_client(&mut self, wish: ClientHold, turn: &Turn) {
        let ClientHold { id, command, label, services } = wish;
        let by = if command { Holder::Command } else { Holder::Client };
        let scope = Scope::of(&services);
        self.changes.hold(Hold { owner: Owner::Client(id), by, label, scope, since: turn.now });
    }

    /// The hold of a client ends.
    pub(super) fn release_for_client(&mut self, id: u64, discard: bool, turn: &mut Turn) {
        let owner = Owner::Client(id);
        if discard {
            forget(self.changes.discard(&owner), turn);
        } else {
            ask(self.changes.release(&owner, None, turn.now), true, turn);
        }
    }
}

fn ask(asks: Option<Asks>, sync: bool, turn: &mut Turn) {
    if let Some(Asks { id, services }) = asks {
        turn.order(Effect::Compare { ask: id, services, sync });
    }
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

/// What was changed under a hold is as it should be, also where the news of it has not come yet.
fn forget(services: Vec<ServiceName>, turn: &mut Turn) {
    if !services.is_empty() {
        turn.order(Effect::Baseline { services, at: turn.now, sync: true });
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

impl Service {
    /// Its files have changed.
    ///
    /// A service that is broken, has ended, or waits for its next try is started whatever `on_change` says: a save is a
    /// reason to try. One that a person stopped, or that was never wanted, stays down: a save is no reason to overrule
    /// the person. One that `follows` another is replaced when that one has been.
    fn changed(
        &mut self,
        changes: &Changes,
        files: FilesChanged,
        follows: Option<ServiceName>,
        turn: &mut Turn,
    ) -> Verdict {
        if !self.wanted {
            return Verdict::Notify;
        }
        let up = match self.phase {
            Phase::Starting { run, .. } | Phase::Running { run, .. } => Some(run),
            Phase::Blocked { .. }
            | Phase::Validating { .. }
            | Phase::Stopping { .. }
            | Phase::BackingOff { .. }
            | Phase::CircuitOpen { .. }
            | Phase::Finished(_)
            | Phase::Down => None,
        };
        let Some(run) = up else {
            self.want(StartCause::Change(files), Some(&changes.paths), turn);
            return Verdict::Restart;
        };
        match self.spec.on_change.clone() {
            OnChange::Restart => {
                self.want(StartCause::Change(files), Some(&changes.paths), turn);
                let Some(first) = follows else {
                    self.follows = false;
                    self.replace(Manner::Polite, turn);
                    return Verdict::Restart;
                };
                // Its own validation begins when its turn has come.
                self.cancel_validation(turn);
                if !std::mem::replace(&mut self.follows, true) {
                    turn.narrate(&self.spec.name, Marker::Waits { on: format!("{first} to be replaced first") });
                }
                Verdict::Restart
            }
            // A process that does not exist yet will read the files as they are now.
            OnChange::Signal(_) | OnChange::Run(_) | OnChange::Notify if self.pid.is_none() => {
                self.took_note(turn);
                Verdict::Restart
            }
            OnChange::Signal(signal) => {
                self.say_changed(format!("sent {signal} · {files}"), turn);
                turn.order(Effect::Signal {
                    service: self.name().clone(),
                    run,
                    signal,
                    target: SignalTarget::Handlers,
                });
                self.took_note(turn);
                Verdict::Signal
            }
            OnChange::Run(command) => {
                self.say_changed(format!("runs {command} · {files}"), turn);
                turn.order(Effect::RunHook { spec: self.spec.clone(), command });
                self.took_note(turn);
                Verdict::Run
            }
            OnChange::Notify => {
                self.say_changed(files.to_string(), turn);
                self.took_note(turn);
                Verdict::Notify
            }
        }
    }

    /// It has been told of its changes without a start: from now on it is as if it had started with them.
    fn took_note(&mut self, turn: &mut Turn) {
        self.own_writes.begin(turn.now);
        turn.order(Effect::Baseline { services: vec![self.name().clone()], at: turn.now, sync: false });
    }

    fn say_changed(&self, action: String, turn: &mut Turn) {
        turn.narrate(&self.spec.name, Marker::Changed { action });
    }
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
