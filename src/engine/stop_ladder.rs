//! The ladder by which every run is ended: the stop signal (or command), grace, KILL, given up.
//!
//! A stop that is asked for twice is one: there is one ladder for each run, and it is only climbed.

use std::time::Duration;

use crate::domain::{Marker, Outcome, Phase, RunId, Rung, Signal, SignalTarget, Then};

use super::Effect;
use super::run::StopRecord;
use super::service::Service;
use super::turn::Turn;

/// How long KILL may take. A process that outlives it sits in the kernel (a dead network file system, a debugger).
pub(super) const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// How often KILL is sent again to what survived it: such a process may come free, or have new children.
pub(super) const KILL_AGAIN: Duration = Duration::from_secs(10);

/// Where the ladder is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// With the stop signal, and grace.
    Polite,
    /// KILL to the whole group.
    Kill,
}

impl Service {
    /// Ends the live run, if there is one. While it is being ended already, only what follows and the manner change.
    pub(super) fn end_run(&mut self, then: Then, manner: Manner, turn: &mut Turn) {
        let Some(run) = self.phase.live_run() else { return };
        if let Phase::Stopping { then: following, rung, .. } = &mut self.phase {
            *following = then;
            if manner == Manner::Kill && *rung != Rung::Killed {
                self.kill(None, turn);
            }
            return;
        }
        let first = match self.run.spec.stop.command {
            Some(_) => None,
            None => Some(self.run.spec.stop.signal),
        };
        self.enter_stopping(run, first, then, turn);
        match manner {
            Manner::Polite => self.ask(turn),
            Manner::Kill => self.kill(None, turn),
        }
    }

    /// The leader has ended by itself and left others of its group behind: ends those.
    pub(super) fn clear_group(&mut self, outcome: Outcome, turn: &mut Turn) {
        let Some(run) = self.phase.live_run() else { return };
        let signal = self.run.spec.stop.signal;
        self.enter_stopping(run, Some(signal), Then::Settle(outcome), turn);
        turn.emit(Effect::Signal { service: self.name().clone(), run, signal, target: SignalTarget::Group });
    }

    fn enter_stopping(&mut self, run: RunId, first: Option<Signal>, then: Then, turn: &mut Turn) {
        self.end_hooks(turn);
        self.note_readiness(turn);
        let now = turn.now;
        self.run.stop = Some(StopRecord { began: now, signal: first, signalled: now, ended: None });
        let rung = Rung::Asked(first);
        self.enter(Phase::Stopping { run, since: now, rung, escalate_at: now + self.run.spec.stop.grace, then }, turn);
    }

    /// The first rung. A process that does not exist yet is asked as soon as it does.
    fn ask(&mut self, turn: &mut Turn) {
        let (Phase::Stopping { run, rung: Rung::Asked(first), .. }, Some(_)) = (&self.phase, self.run.pid) else {
            return;
        };
        let run = *run;
        turn.emit(match *first {
            Some(signal) => {
                let to_leader = self.run.spec.stop.leader_only && !self.run.leader_gone;
                let target = if to_leader { SignalTarget::Leader } else { SignalTarget::Group };
                Effect::Signal { service: self.name().clone(), run, signal, target }
            }
            None => Effect::StopCommand { spec: self.run.spec.clone(), run },
        });
    }

    /// The second rung. `grace`: the time that the first one had; `None` if nobody wanted to wait.
    fn kill(&mut self, grace: Option<Duration>, turn: &mut Turn) {
        let Phase::Stopping { run, rung, escalate_at, .. } = &mut self.phase else { return };
        let run = *run;
        *rung = Rung::Killed;
        *escalate_at = turn.now + KILL_PATIENCE;
        if let Some(record) = &mut self.run.stop {
            record.signal = Some(Signal::Kill);
            record.signalled = turn.now;
        }
        if self.run.pid.is_some() {
            self.send_kill(run, turn);
            self.narrate(Marker::Killed { grace }, turn);
        }
    }

    fn send_kill(&self, run: RunId, turn: &mut Turn) {
        let service = self.name().clone();
        turn.emit(Effect::Signal { service, run, signal: Signal::Kill, target: SignalTarget::Group });
    }

    /// The time of the present rung is over.
    pub(super) fn climb(&mut self, turn: &mut Turn) {
        let Phase::Stopping { run, rung, escalate_at, .. } = &mut self.phase else { return };
        if *escalate_at > turn.now {
            return;
        }
        let run = *run;
        match rung {
            Rung::Asked(_) => self.kill(Some(self.run.spec.stop.grace), turn),
            Rung::Killed => {
                *rung = Rung::GivenUp;
                *escalate_at = turn.now + KILL_AGAIN;
                if let Some(pid) = self.run.pid.filter(|pid| *pid > 0) {
                    self.narrate(Marker::Unkillable { pid }, turn);
                }
            }
            Rung::GivenUp => {
                *escalate_at = turn.now + KILL_AGAIN;
                if self.run.pid.is_some() {
                    self.send_kill(run, turn);
                }
            }
        }
    }

    /// The process that was asked to end before it existed exists: the ladder begins now.
    pub(super) fn started_while_stopping(&mut self, turn: &mut Turn) {
        let grace = self.run.spec.stop.grace;
        let Phase::Stopping { rung, escalate_at, .. } = &mut self.phase else { return };
        let asked = matches!(rung, Rung::Asked(_));
        *escalate_at = turn.now + grace;
        if let Some(record) = &mut self.run.stop {
            record.signalled = turn.now;
        }
        if asked {
            self.ask(turn);
        } else {
            self.kill(None, turn);
        }
    }

    /// The leader has ended as it was asked to, and others of its group have not. Where they have not heard the request
    /// (it went to the leader, or was a command), they hear it now; the grace is that of the first request.
    pub(super) fn leader_ended_while_stopping(&mut self, turn: &mut Turn) {
        let unheard = self.run.spec.stop.leader_only || self.run.spec.stop.command.is_some();
        let Phase::Stopping { run, rung, .. } = &mut self.phase else { return };
        if !unheard || !matches!(rung, Rung::Asked(_)) {
            return;
        }
        let signal = self.run.spec.stop.signal;
        *rung = Rung::Asked(Some(signal));
        if let Some(record) = &mut self.run.stop {
            record.signal = Some(signal);
            record.signalled = turn.now;
        }
        let run = *run;
        turn.emit(Effect::Signal { service: self.name().clone(), run, signal, target: SignalTarget::Group });
    }
}
