//! What news of a run means: started, ready, ended; and what follows an end.

use std::time::Duration;

use crate::domain::{
    ExitStatus, Exited, Kind, LastExit, Marker, Moment, NextTry, Outcome, Phase, RestartPolicy, RunId, RunReport,
    StartCause, Then,
};

use super::backoff;
use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;

/// What becomes of a service whose run ended without having been asked to.
pub(super) struct Consequence {
    pub(super) phase: Phase,
    /// Which crash, of how many.
    crash: Option<(u32, u32)>,
    pub(super) next: NextTry,
    pub(super) gave_up: Option<Marker>,
}

impl Service {
    /// News of a run. News of any but the live run is of the past and ignored.
    pub(super) fn report(&mut self, run: RunId, report: RunReport, turn: &mut Turn) {
        if let RunReport::Validated { number, result } = report {
            return self.hear_validated(number, result, turn);
        }
        if self.phase.live_run() != Some(run) {
            return;
        }
        match report {
            RunReport::Started { pid } => self.started(run, pid, turn),
            RunReport::NotStarted { .. } => self.not_started(turn),
            RunReport::Ready => self.ready(run, turn),
            RunReport::Alive => self.shows_life(),
            RunReport::Silent { problem } => self.stays_silent(problem, turn),
            RunReport::Facts(facts) => self.facts = Some(facts),
            RunReport::Validated { .. } => {}
            RunReport::Exited { status, group_gone } => self.exited(status, group_gone, turn),
            RunReport::GroupGone => self.group_gone(turn),
            RunReport::Slept { since, until } => self.own_writes.has_slept(since, until),
        }
    }

    fn started(&mut self, run: RunId, pid: u32, turn: &mut Turn) {
        if self.pid.is_some() {
            return;
        }
        self.pid = Some(pid);
        self.up_since = Some(turn.now);
        if let Phase::Stopping { .. } = self.phase {
            self.started_while_stopping(turn);
            return;
        }
        let Phase::Starting { since, .. } = self.phase else { return };
        match &self.spec.ready {
            Some(check) => {
                // Still the same phase: only its deadline is known now.
                // While the group is being stopped nobody waits for readiness.
                let ready_by = (!turn.stopping).then(|| turn.now + check.timeout);
                self.phase = Phase::Starting { run, since, ready_by, spawned: true };
            }
            None => {
                self.enter(Phase::Running { run, since: turn.now, ready: false }, turn);
                self.watch_over(run, turn);
            }
        }
    }

    fn ready(&mut self, run: RunId, turn: &mut Turn) {
        let Phase::Starting { spawned: true, .. } = self.phase else { return };
        let since = self.up_since.unwrap_or(turn.now);
        // Where there is a sign of life to wait for, being ready is none.
        if self.spec.alive.is_none() {
            self.crashes.ready();
        }
        let after = turn.now.since(since);
        self.ready_after = Some(after);
        self.enter(Phase::Running { run, since, ready: true }, turn);
        turn.narrate(&self.spec.name, Marker::Ready { after, restart: run.0 > 1 });
        self.watch_over(run, turn);
    }

    /// The readiness check has used up its time: the run is ended, and that was a crash.
    pub(super) fn give_up_waiting(&mut self, turn: &mut Turn) {
        let Phase::Starting { ready_by: Some(ready_by), .. } = self.phase else { return };
        let Some(check) = &self.spec.ready else { return };
        if ready_by > turn.now {
            return;
        }
        turn.narrate(&self.spec.name, Marker::NotReady { probe: check.probe.to_string(), after: check.timeout });
        let consequence = self.consequence(Outcome::NotReady, false, None, turn);
        self.aftermath = Some(consequence.phase);
        if let Some(marker) = consequence.gave_up {
            turn.narrate(&self.spec.name, marker);
        }
        self.end_run(Then::Settle(Outcome::NotReady), Manner::Polite, turn);
    }

    fn not_started(&mut self, turn: &mut Turn) {
        if self.pid.is_some() {
            return;
        }
        // How the run before ended says nothing about this one.
        self.last_exit = None;
        self.remember(None, Duration::ZERO, matches!(self.phase, Phase::Stopping { .. }), turn);
        if let Phase::Starting { .. } = self.phase {
            let consequence = self.consequence(Outcome::NotStarted, false, None, turn);
            if let Some(marker) = consequence.gave_up {
                turn.narrate(&self.spec.name, marker);
            }
            self.clear_run();
            self.enter(consequence.phase, turn);
        } else {
            self.run_over(turn);
        }
    }

    fn exited(&mut self, status: ExitStatus, group_gone: bool, turn: &mut Turn) {
        if self.leader_gone {
            return;
        }
        self.leader_gone = true;
        let uptime = self.up_since.map_or(Duration::ZERO, |since| turn.now.since(since));
        let asked = matches!(self.phase, Phase::Stopping { .. });
        self.last_exit = Some(LastExit { status, at: turn.now, uptime, asked });
        self.remember(Some(status), uptime, asked, turn);
        if asked {
            if group_gone {
                self.run_over(turn);
            } else {
                self.leader_ended_while_stopping(turn);
            }
            return;
        }
        // A run that never became ready has not lasted, however long it took.
        let lasted = matches!(self.phase, Phase::Running { .. }) && uptime >= self.spec.backoff.reset_after;
        let outcome = match (&self.phase, status.is_success()) {
            (_, false) => Outcome::Failed(status),
            // Only a task is done by ending well.
            (Phase::Starting { .. }, true) if self.spec.ready.is_some() && self.spec.kind == Kind::Service => {
                Outcome::NotReady
            }
            (_, true) => Outcome::Done,
        };
        let consequence = self.consequence(outcome, lasted, None, turn);
        let (crash, next) = (consequence.crash, consequence.next);
        turn.narrate(&self.spec.name, Marker::Exited(Exited { status, crash, next }));
        if let Some(marker) = consequence.gave_up {
            turn.narrate(&self.spec.name, marker);
        }
        self.aftermath = Some(consequence.phase);
        if group_gone {
            self.settle(turn);
        } else {
            self.clear_group(outcome, turn);
        }
    }

    fn group_gone(&mut self, turn: &mut Turn) {
        // Before the leader has ended its group cannot be gone; the report of the exit, with its status, is to come.
        if self.leader_gone {
            self.run_over(turn);
        }
    }

    /// The last process of a run that was being ended is gone.
    fn run_over(&mut self, turn: &mut Turn) {
        let Phase::Stopping { then, .. } = &self.phase else { return };
        if let Some(record) = &mut self.stop {
            record.ended = Some(turn.now);
        }
        match then {
            Then::Settle(_) => self.settle(turn),
            Then::Reconcile => {
                // What ended by itself has been told already, and before a restart the marker of the start tells it.
                if let (false, Some(exit), Some(record)) = (self.wanted, self.last_exit, self.stop)
                    && self.leader_gone
                    && exit.asked
                {
                    let after = turn.now.since(record.began);
                    turn.narrate(&self.spec.name, Marker::Stopped { status: exit.status, after });
                }
                self.clear_run();
                self.enter(Phase::Down, turn);
            }
        }
    }

    /// Nothing is left of a run that ended by itself.
    fn settle(&mut self, turn: &mut Turn) {
        let aftermath = self.aftermath.take().filter(|_| self.wanted).unwrap_or(Phase::Down);
        self.clear_run();
        self.enter(aftermath, turn);
    }

    fn clear_run(&mut self) {
        self.pid = None;
        self.up_since = None;
        self.leader_gone = false;
        self.aftermath = None;
        self.facts = None;
    }

    /// Decides what follows a run that ended without having been asked to, and counts it.
    ///
    /// `cause`: why it is started again, if that is no crash. Tasks are never tried again by policy: a migration that failed half-way is not to be repeated blindly.
    pub(super) fn consequence(
        &mut self,
        outcome: Outcome,
        lasted: bool,
        cause: Option<StartCause>,
        turn: &Turn,
    ) -> Consequence {
        let success = outcome == Outcome::Done;
        let finished = Consequence { phase: Phase::Finished(outcome), crash: None, next: NextTry::None, gave_up: None };
        if turn.stopping || self.spec.kind == Kind::Task {
            return finished;
        }
        // One that was stuck is counted when it is restarted.
        if !success && outcome != Outcome::Stuck {
            self.counts.crash = self.counts.crash.saturating_add(1);
        }
        let again = match self.spec.restart {
            RestartPolicy::Never => false,
            RestartPolicy::OnFailure => !success,
            RestartPolicy::Always => true,
        };
        if !again {
            return finished;
        }
        let breaker = self.spec.breaker;
        let count = match outcome {
            Outcome::Stuck => self.crashes.stuck(&breaker, lasted, turn.now),
            _ => self.crashes.crash(&breaker, lasted, turn.now),
        };
        let of = breaker.failures.max(1);
        // A run that ended well is no crash, but it is counted like one: `always` must not become a tight loop.
        let attempt = if success { 0 } else { count.number };
        let crash = (!success).then_some((count.number, of));
        self.because(cause.unwrap_or(StartCause::Crash { attempt, of }), None);
        if let Some((crashes, within)) = count.opens {
            let gave_up = Some(Marker::GaveUp { crashes, within, cooldown: breaker.cooldown });
            let phase = Phase::CircuitOpen { until: turn.now + breaker.cooldown };
            return Consequence { phase, crash, next: NextTry::None, gave_up };
        }
        let wait = backoff::wait(&self.spec.backoff, count.in_a_row, &mut self.jitter);
        let until: Moment = turn.now + wait;
        let attempt = if success { 0 } else { count.in_a_row };
        Consequence {
            phase: Phase::BackingOff { until, attempt, after: outcome },
            crash,
            next: NextTry::In(wait),
            gave_up: None,
        }
    }
}
