//! What a change of files does to the services that watch them.

use std::collections::BTreeMap;

use crate::domain::{
    Command, FileEvent, FilesChanged, LastChange, Marker, Match, OnChange, Phase, ServiceName, StartCause, Verdict,
};

use super::restart_manager::{Changes, Owner};
use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;
use super::{Effect, Engine};

impl Engine {
    /// What the `p` key's hold is called.
    pub(super) const KEY_LABEL: &str = "p";

    pub(super) fn take_in_files(&mut self, files: Vec<FileEvent>, turn: &Turn) {
        for event in files {
            if let Match::Watched { services, .. } = &event.matched {
                for service in self.services.iter_mut().filter(|service| services.contains(service.name())) {
                    service.last_change = Some(LastChange { path: event.path.clone(), at: event.at.min(turn.now) });
                }
            }
            self.changes.record(event, turn.now);
        }
    }

    /// The one place where changes that have had their quiet time, or whose hold has ended, become actions: each service
    /// acts once, dependencies first. A comparison of contents belongs here, before the loop.
    pub(super) fn quiet_reached(&mut self, mut changes: BTreeMap<ServiceName, Changes>, turn: &mut Turn) {
        if changes.is_empty() {
            return;
        }
        for at in 0..self.graph.order.len() {
            let service = &mut self.services[self.graph.order[at]];
            if let Some((name, changes)) = changes.remove_entry(service.name())
                && let Some(files) = changes.paths.files()
            {
                let verdict = service.changed(&changes, files, turn);
                self.changes.decided(&name, &changes, verdict);
            }
        }
    }

    /// Carries out what is asked of the `p` key's hold.
    pub(super) fn hold_or_release(&mut self, command: &Command, turn: &mut Turn) {
        let held = self.changes.is_held_by(Owner::Key);
        let discard = match command {
            Command::Pause => None,
            Command::TogglePause if !held => None,
            Command::Resume { discard } => Some(*discard),
            _ => Some(false),
        };
        match discard {
            None => self.changes.hold(Owner::Key, Self::KEY_LABEL, turn.now),
            Some(discard) => {
                let released = self.changes.release(Owner::Key, discard);
                self.quiet_reached(released, turn);
            }
        }
    }
}

impl Service {
    /// Its files have changed.
    ///
    /// A service that is broken, has ended, or waits for its next try is started whatever `on_change` says: a save is a
    /// reason to try. One that a person stopped, or that was never wanted, stays down: a save is no reason to overrule
    /// the person.
    fn changed(&mut self, changes: &Changes, files: FilesChanged, turn: &mut Turn) -> Verdict {
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
                self.replace(Manner::Polite, turn);
                Verdict::Restart
            }
            // A process that does not exist yet will read the files as they are now.
            OnChange::Signal(_) | OnChange::Run(_) | OnChange::Notify if self.pid.is_none() => Verdict::Restart,
            OnChange::Signal(signal) => {
                self.say_changed(format!("sent {signal} · {files}"), turn);
                turn.order(Effect::Signal { service: self.name().clone(), run, signal, leader_only: false });
                Verdict::Signal
            }
            OnChange::Run(command) => {
                self.say_changed(format!("runs {command} · {files}"), turn);
                turn.order(Effect::RunHook { spec: self.spec.clone(), command });
                Verdict::Run
            }
            OnChange::Notify => {
                self.say_changed(files.to_string(), turn);
                Verdict::Notify
            }
        }
    }

    fn say_changed(&self, action: String, turn: &mut Turn) {
        turn.narrate(&self.spec.name, Marker::Changed { action });
    }
}
