//! `on_change`: what a change does to a service that runs, where that is not a restart.
//!
//! A signal waits until the run is ready: a program that is still starting has not said yet what the signal means to it,
//! and would be ended by it. Of hooks one runs at a time, and one more waits behind it: however many changes come
//! meanwhile, it sees all of them. Both end with the run.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    ChangeAction, FilesChanged, GoingOn, Marker, Moment, OnChange, Phase, Signal, SignalTarget, StartCause, Verdict,
};

use super::Effect;
use super::next_start::NextStart;
use super::path_set::PathSet;
use super::service::Service;
use super::turn::Turn;

/// A run without a readiness check counts as ready when it has lived so long.
pub(super) const READY_WITHOUT_CHECK: Duration = Duration::from_secs(2);

/// What is to be done beside the live run.
#[derive(Clone, Debug, Default)]
pub(super) struct Hooks {
    /// The files behind a signal that waits for the run to be ready.
    signal: Option<PathSet>,
    /// The hook that runs.
    running: Option<u32>,
    /// How many there were.
    number: u32,
    /// The files behind the hook that waits for the end of that one.
    waiting: Option<PathSet>,
    /// Why the last hook of the run has failed, for people: the run has not taken in what has changed.
    problem: Option<Arc<str>>,
}

impl Hooks {
    /// The files that the run has not been told of yet.
    pub(super) fn untold(&self) -> Option<PathSet> {
        let mut all = self.signal.clone().or_else(|| self.waiting.clone())?;
        self.waiting.iter().for_each(|waiting| all.merge(waiting));
        Some(all)
    }

    /// What the run has not been told of yet, or not to the end.
    pub(super) fn going_on(&self) -> Option<GoingOn> {
        if self.running.is_some() {
            return Some(GoingOn::Command);
        }
        self.signal.is_some().then_some(GoingOn::Signal)
    }

    /// The last one has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.problem.is_some()
    }

    /// Nothing more is to be begun.
    pub(super) fn forget_waiting(&mut self) {
        (self.signal, self.waiting) = (None, None);
    }
}

impl Service {
    /// Its files have changed: what is done about it.
    ///
    /// A service that is broken, has ended, or waits for its next try is started whatever `on_change` says: a save is a
    /// reason to try. One that a person stopped, or that was never wanted, stays down: a save is no reason to overrule
    /// the person.
    pub(super) fn act_on_change(&mut self, paths: &PathSet, turn: &mut Turn) -> Verdict {
        if !self.wanted {
            return Verdict::Stopped;
        }
        if !self.watches() {
            return self.note_environment(paths, turn);
        }
        let Some(next) = NextStart::change(paths) else { return Verdict::SameContent };
        match self.spec.on_change.clone() {
            _ if !self.is_up() => {
                self.want(next, turn);
                Verdict::Restart
            }
            OnChange::Restart => {
                self.want(next, turn);
                Verdict::Restart
            }
            OnChange::Signal(_) => {
                self.hooks.signal.get_or_insert_default().merge(paths);
                self.send_due_signal(turn);
                Verdict::Signal
            }
            OnChange::Run(command) => {
                if self.hooks.running.is_some() {
                    self.hooks.waiting.get_or_insert_default().merge(paths);
                } else {
                    self.begin_hook(command, paths, turn);
                }
                Verdict::Run
            }
            OnChange::Mark => {
                self.say_changed(paths.files().map(|files| files.to_string()).unwrap_or_default(), turn);
                self.took_note(turn);
                Verdict::Mark
            }
        }
    }

    /// It watches no files, and its environment has changed: the run that is up has the old one. Nothing is restarted, and its
    /// next start reads the new one.
    fn note_environment(&mut self, paths: &PathSet, turn: &mut Turn) -> Verdict {
        if !self.is_up() {
            return Verdict::Stopped;
        }
        let before = self.environment.as_ref().map_or(0, PathSet::len);
        self.environment = Some(paths.clone());
        if paths.len() > before
            && let Some(said) = self.environment_problem()
        {
            self.say_changed(said, turn);
        }
        Verdict::Mark
    }

    /// Of a run with an environment of before: `.env changed · r restarts`.
    pub(super) fn environment_problem(&self) -> Option<String> {
        let files = self.environment.as_ref()?.files()?;
        Some(format!("{files} · r restarts"))
    }

    /// The same of a run that has not seen changes because somebody has discarded them: `discarded: src/a.rs changed`.
    pub(super) fn unseen_problem(&self) -> Option<String> {
        let discarded = || Some(format!("discarded: {} · r restarts", self.discarded.as_ref()?.files()?));
        self.environment_problem().or_else(discarded)
    }

    /// Why what runs is older than its files, where they are not at fault: [`Self::unseen_problem`], or the hook has failed.
    pub(super) fn problem_of_run(&self) -> Option<String> {
        let of_hook = || Some(format!("on_change failed: {}", self.hooks.problem.as_ref()?));
        self.unseen_problem().or_else(of_hook)
    }

    /// These are changes that somebody has discarded. Unless the run was told of them since.
    pub(super) fn note_discarded(&mut self, paths: &PathSet, turn: &mut Turn) {
        let Some(discarded) = &mut self.discarded else { return };
        discarded.merge(paths);
        if let Some(said) = self.unseen_problem() {
            self.say_changed(said, turn);
        }
    }

    /// A run that is up, and that changes would be told to: who discards them leaves it older than its files.
    pub(super) fn is_told_of_changes(&self) -> bool {
        self.is_up() && self.spec.on_change != OnChange::Mark
    }

    /// Whether changes of its files start anything, so that they can follow each other without end.
    pub(super) fn change_starts_something(&self) -> bool {
        self.wanted && self.watches() && (!self.is_up() || self.spec.on_change != OnChange::Mark)
    }

    /// What a change of its files would do now.
    pub(super) fn change_action(&self) -> ChangeAction {
        if self.spec.validate.is_some() && (!self.is_up() || self.spec.on_change == OnChange::Restart) {
            return ChangeAction::Validation;
        }
        match self.spec.on_change {
            _ if !self.is_up() => ChangeAction::Start,
            OnChange::Signal(signal) => ChangeAction::Signal(signal),
            OnChange::Run(_) => ChangeAction::Command,
            OnChange::Restart | OnChange::Mark => ChangeAction::Restart,
        }
    }

    /// When a signal that waits is sent, if the run has no readiness check.
    pub(super) fn hooks_due(&self) -> Option<Moment> {
        match self.phase {
            Phase::Running { ready: false, since, .. } if self.hooks.signal.is_some() => {
                Some(since + READY_WITHOUT_CHECK)
            }
            _ => None,
        }
    }

    /// Sends the signal that waits, if the run is ready for it.
    pub(super) fn send_due_signal(&mut self, turn: &mut Turn) {
        let run = match self.phase {
            Phase::Running { run, ready: true, .. } => run,
            Phase::Running { run, since, .. } if since + READY_WITHOUT_CHECK <= turn.now => run,
            _ => return,
        };
        let Some(paths) = self.hooks.signal.take() else { return };
        let OnChange::Signal(signal) = self.spec.on_change else {
            // The file says something else meanwhile.
            self.act_on_change(&paths, turn);
            return;
        };
        self.say_done(&format!("sent {signal}"), &paths, turn);
        self.signal_for_change(run, signal, turn);
        self.took_note(turn);
        self.restarts.limit.settle(turn.now);
    }

    fn signal_for_change(&self, run: crate::domain::RunId, signal: Signal, turn: &mut Turn) {
        turn.emit(Effect::Signal { service: self.name().clone(), run, signal, target: SignalTarget::Handlers });
    }

    fn begin_hook(&mut self, command: String, paths: &PathSet, turn: &mut Turn) {
        self.say_done(&format!("on_change · {command}"), paths, turn);
        self.hooks.number = self.hooks.number.wrapping_add(1);
        let number = self.hooks.number;
        self.hooks.running = Some(number);
        // Before it begins: what is written from here on may be what it does not see.
        self.took_note(turn);
        turn.emit(Effect::RunHook { spec: self.spec.clone(), command, number });
    }

    /// A hook has ended; `problem`: why it has failed.
    pub(super) fn hook_ended(&mut self, number: u32, problem: Option<Arc<str>>, turn: &mut Turn) {
        if self.hooks.running != Some(number) {
            return;
        }
        self.hooks.running = None;
        if let Some(problem) = &problem {
            let marker = Marker::ChangeCommandFailed { what: "on_change", problem: problem.to_string() };
            self.narrate(marker, turn);
        }
        self.hooks.problem = problem;
        self.restarts.limit.settle(turn.now);
        if let Some(paths) = self.hooks.waiting.take() {
            self.act_on_change(&paths, turn);
        }
    }

    /// The run ends, and with it what was done beside it.
    pub(super) fn end_hooks(&mut self, turn: &mut Turn) {
        self.hooks.forget_waiting();
        self.hooks.problem = None;
        if let Some(number) = self.hooks.running.take() {
            turn.emit(Effect::EndHook { service: self.name().clone(), number });
        }
    }

    /// It has been told of its changes without a start: from now on it is as if it had started with them.
    fn took_note(&mut self, turn: &mut Turn) {
        (self.discarded, self.hooks.problem) = (None, None);
        self.restarts.limit.begin(turn.now);
        self.run.reads_again(turn.now);
        turn.emit(Effect::Baseline { services: vec![self.name().clone()], at: turn.now, sync: false });
    }

    fn say_done(&self, what: &str, paths: &PathSet, turn: &mut Turn) {
        let files = paths.files().map(|files: FilesChanged| format!(" · {files}")).unwrap_or_default();
        self.say_changed(format!("{what}{files}"), turn);
    }

    fn say_changed(&self, action: String, turn: &mut Turn) {
        self.narrate(Marker::Changed { action }, turn);
    }

    /// Whether a run that was begun for this reason and fails before it was ready is a program that does not work as it is
    /// now, rather than one that has crashed.
    pub(super) fn is_attempt(cause: &StartCause) -> bool {
        match cause {
            StartCause::First
            | StartCause::Change(_)
            | StartCause::Hand
            | StartCause::Client(_)
            | StartCause::NeededBy(_)
            | StartCause::Config { .. }
            | StartCause::Scaled(_)
            | StartCause::Schedule => true,
            StartCause::Crash { .. }
            | StartCause::Retry { .. }
            | StartCause::Dependency(_)
            | StartCause::Stuck(_)
            | StartCause::OverLimit(_) => false,
        }
    }
}
