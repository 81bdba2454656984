//! What news of a run means: started, ready, ended; and what follows an end.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    ExitStatus, Exited, Expandable, FactKind, FailedRun, Fault, JobMarker, Kind, LastExit, Marker, Moment, NextTry,
    Outcome, Phase, Probe, RestartPolicy, RunEnd, RunId, RunReport, StartCause, TaskMarker, Then, UnchangedInputs,
};

use super::Effect;
use super::backoff;
use super::next_start::NextStart;
use super::on_change::READY_WITHOUT_CHECK;
use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;

/// What becomes of a service whose run ended without having been asked to.
pub(super) struct Consequence {
    pub(super) phase: Phase,
    /// Which crash or try, of how many.
    failed: Option<FailedRun>,
    pub(super) next: NextTry,
    pub(super) gave_up: Option<Marker>,
}

impl Service {
    /// News of a run. News of any but the live run is of the past and ignored, but for what waits for a worker that does not
    /// run.
    pub(super) fn report(&mut self, run: RunId, report: RunReport, turn: &mut Turn) {
        if let RunReport::Validated { number, result } = report {
            return self.validation_ended(number, result, turn);
        }
        if let RunReport::HookEnded { number, problem } = report {
            return self.hook_ended(number, problem, turn);
        }
        if self.phase.live_run() != Some(run) {
            if let (RunReport::Worker(worker), None) = (report, self.phase.live_run()) {
                self.run.worker = Some(worker);
            }
            return;
        }
        match report {
            RunReport::Started { pid } => self.started(run, pid, turn),
            RunReport::Expanded { url, ready } => {
                // The file may say another one since.
                if matches!(self.spec.url, Some(Expandable::Text(_))) {
                    self.labels.url = url;
                }
                self.run.ready_label = ready;
            }
            RunReport::Unchanged { inputs } => self.not_needed(inputs, turn),
            RunReport::NotStarted { reason } => self.not_started(&reason, turn),
            RunReport::Printed { at } => self.printed(at),
            RunReport::Ready => self.ready(run, turn),
            RunReport::Unready { problem } => self.is_unready(problem),
            RunReport::PortTaken { problem } => self.run.port_taken = Some(problem),
            RunReport::Alive => self.shows_life(),
            RunReport::Silent { problem } => self.stays_silent(problem, turn),
            RunReport::Ignores(signal) => self.run.ignores = Some(signal),
            RunReport::Details(details) => self.run.details = Some(details),
            RunReport::StatusText(text) => self.run.status_text = Some(text).filter(|text| !text.is_empty()),
            RunReport::Worker(worker) => self.run.worker = Some(worker),
            RunReport::Usage(usage) => self.measured(usage, turn),
            RunReport::Validated { .. } | RunReport::HookEnded { .. } => {}
            RunReport::LeftBehind { names } => self.run.left_behind = Some(names),
            RunReport::Exited { status, group_gone } => self.exited(status, group_gone, turn),
            RunReport::GroupGone => self.group_gone(turn),
        }
    }

    fn started(&mut self, run: RunId, pid: u32, turn: &mut Turn) {
        if self.run.pid.is_some() {
            return;
        }
        if self.run.looks_at_inputs {
            self.tell_start(turn);
        }
        self.run.pid = Some(pid);
        self.run.up_since = Some(turn.now);
        self.run.has_environment = Some(turn.now);
        self.watch_memory(turn);
        if let Phase::Stopping { .. } = self.phase {
            self.started_while_stopping(turn);
            return;
        }
        let Phase::Starting { since, .. } = self.phase else { return };
        match &self.run.spec.ready {
            Some(check) => {
                // Still the same phase: only its deadline is known now.
                // While the group is being stopped nobody waits for readiness.
                let ready_by = (!turn.stopping).then(|| turn.now + check.timeout);
                self.phase = Phase::Starting { run, since, ready_by, spawned: true };
            }
            None => self.is_running(run, turn),
        }
        // The file was saved between the order and the process.
        if std::mem::take(&mut self.run.exchange_is_due) {
            let spec = self.run.spec.clone();
            if spec.has_unexpanded_checks() {
                turn.emit(Effect::Expand { spec: spec.clone(), run });
            }
            turn.emit(Effect::CheckReady { spec, run });
        }
    }

    /// The readiness check has found something else. Where it asks the port itself, its earlier holder is gone then.
    fn is_unready(&mut self, problem: Arc<str>) {
        let probe = self.run.spec.ready.as_ref().map(|check| &check.probe);
        let asks_port = matches!(probe, Some(Probe::Port(_) | Probe::Http(_)));
        self.run.port_taken.take_if(|taken| asks_port && !taken.contains(&*problem));
        self.run.unready = Some(problem);
    }

    /// It runs, and there is no check to say more.
    pub(super) fn is_running(&mut self, run: RunId, turn: &mut Turn) {
        let since = self.run.up_since.unwrap_or(turn.now);
        self.enter(Phase::Running { run, since, ready: false }, turn);
        // A job is done when it has ended.
        if self.run.spec.kind != Kind::Job {
            self.restarts.limit.settle(turn.now);
        }
        self.watch_over(run, turn);
    }

    /// Where neither a check nor the end says it, a program that prints has read what it is.
    fn printed(&mut self, at: Moment) {
        if self.run.spec.ready.is_none() && self.run.spec.kind != Kind::Job {
            self.run.read_files.get_or_insert(at);
        }
    }

    fn ready(&mut self, run: RunId, turn: &mut Turn) {
        let Phase::Starting { spawned: true, .. } = self.phase else { return };
        let since = self.run.up_since.unwrap_or(turn.now);
        // Where there is a sign of life to wait for, being ready is none.
        if self.run.spec.alive.is_none() {
            self.restarts.crashes.ready();
        }
        // It has its port by now.
        self.run.port_taken = None;
        let after = turn.now.since(since);
        self.run.ready_after = Some(after);
        self.run.read_files.get_or_insert(turn.now);
        self.enter(Phase::Running { run, since, ready: true }, turn);
        self.restarts.limit.settle(turn.now);
        self.narrate(Marker::Ready { after, restart: self.run.is_restart }, turn);
        self.watch_over(run, turn);
        self.send_due_signal(turn);
    }

    /// The readiness check has used up its time: the run is ended, and that was a crash.
    pub(super) fn give_up_waiting(&mut self, turn: &mut Turn) {
        let Phase::Starting { ready_by: Some(ready_by), .. } = self.phase else { return };
        let Some(check) = &self.run.spec.ready else { return };
        if ready_by > turn.now {
            return;
        }
        let mut probe = match (&check.probe, &self.run.ready_label) {
            (Probe::Text(_), Some(label)) => label.to_string(),
            (probe, _) => probe.to_string(),
        };
        if let Some(problem) = &self.run.unready {
            probe.push_str(" · ");
            probe.push_str(problem);
        }
        let after = check.timeout;
        let consequence = self.consequence(Outcome::NotReady, false, None, turn);
        self.narrate(Marker::NotReady { probe, after, next: consequence.next }, turn);
        self.run.aftermath = Some(consequence.phase);
        if let Some(marker) = consequence.gave_up {
            self.narrate(marker, turn);
        }
        self.end_run(Then::Settle(Outcome::NotReady), Manner::Polite, turn);
    }

    /// Its inputs are as at its last success: it is done, and no process was made. That was no run to be counted or told.
    fn not_needed(&mut self, inputs: UnchangedInputs, turn: &mut Turn) {
        if self.run.pid.is_some() {
            return;
        }
        // How the run before ended says nothing about this one.
        (self.start_problem, self.last_exit) = (None, None);
        self.restarts.limit.settle(turn.now);
        let Phase::Starting { .. } = self.phase else { return self.run_over(turn) };
        self.narrate(Marker::Job(JobMarker::Unchanged { inputs: inputs.to_string() }), turn);
        self.run.unchanged = Some(inputs);
        let consequence = self.consequence(Outcome::Done, false, None, turn);
        self.clear_run(turn);
        let phase = if self.is_start_due() { Phase::Down } else { consequence.phase };
        self.enter(phase, turn);
    }

    fn not_started(&mut self, reason: &str, turn: &mut Turn) {
        if self.run.pid.is_some() {
            return;
        }
        if self.run.looks_at_inputs {
            self.tell_start(turn);
        }
        self.start_problem = Some(reason.into());
        // How the run before ended says nothing about this one.
        self.last_exit = None;
        let record = self.remember(None, Duration::ZERO, matches!(self.phase, Phase::Stopping { .. }), turn);
        let consequence = match self.phase {
            Phase::Starting { .. } => Some(self.consequence(Outcome::NotStarted, false, None, turn)),
            _ => None,
        };
        // Of one that was being ended, what follows is no consequence of this.
        let next = consequence.as_ref().map_or(NextTry::Cooldown, |consequence| consequence.next.clone());
        self.tell(FactKind::NotStarted { reason: reason.into(), record, next }, turn);
        self.restarts.limit.settle(turn.now);
        if let Some(consequence) = consequence {
            if let Some(marker) = consequence.gave_up {
                self.narrate(marker, turn);
            }
            self.clear_run(turn);
            let phase = if self.is_start_due() { Phase::Down } else { consequence.phase };
            self.enter(phase, turn);
        } else {
            self.run_over(turn);
        }
    }

    fn exited(&mut self, status: ExitStatus, group_gone: bool, turn: &mut Turn) {
        if self.run.leader_gone {
            return;
        }
        self.run.leader_gone = true;
        self.restarts.limit.settle(turn.now);
        self.run.read_files.get_or_insert(turn.now);
        let uptime = self.run.uptime(turn.now);
        let asked = matches!(self.phase, Phase::Stopping { .. });
        let outcome = self.outcome(status, uptime, turn);
        let fault = if asked { self.fault_of_asked() } else { outcome.1 };
        let exit = LastExit { status, at: turn.now, uptime, asked, fault };
        self.last_exit = Some(exit);
        let record = self.remember(Some(status), uptime, asked, turn);
        if asked {
            self.tell(FactKind::Ended { exit, record, exited: None }, turn);
            if group_gone {
                self.run_over(turn);
            } else {
                self.leader_ended_while_stopping(turn);
            }
            return;
        }
        // A run that never became ready has not lasted, however long it took.
        let lasted = matches!(self.phase, Phase::Running { .. }) && uptime >= self.spec.backoff.reset_after;
        let (outcome, _) = outcome;
        let consequence = self.consequence(outcome, lasted, None, turn);
        self.note_readiness(turn);
        let (failed, next) = (consequence.failed, consequence.next);
        self.tell(FactKind::Ended { exit, record, exited: Some(Exited { status, failed, next }) }, turn);
        if let Some(marker) = consequence.gave_up {
            self.narrate(marker, turn);
        }
        self.run.aftermath = Some(consequence.phase);
        let untold = self.hooks.untold();
        if group_gone {
            self.settle(turn);
        } else {
            self.clear_group(outcome, turn);
        }
        self.go_on_with_what_is_due(untold.as_ref().and_then(NextStart::change), turn);
    }

    /// What a run is that ends now by itself, and why it has failed if the status does not say it.
    fn outcome(&self, status: ExitStatus, uptime: Duration, turn: &Turn) -> (Outcome, Option<Fault>) {
        let is_service = self.run.spec.kind != Kind::Job;
        match &self.phase {
            _ if !status.is_success() => (Outcome::Failed(status), None),
            // What it left is ended, and with it all that others need it for.
            _ if is_service
                && self.run.left_behind.is_some()
                && (uptime < READY_WITHOUT_CHECK || !self.is_proven(turn)) =>
            {
                (Outcome::Daemonized, Some(Fault::Daemonized))
            }
            // Only a job is done by ending well.
            Phase::Starting { .. } if self.run.spec.ready.is_some() && is_service => {
                (Outcome::NotReady, Some(Fault::EndedEarly))
            }
            _ => (Outcome::Done, None),
        }
    }

    /// Why a run that was asked to end has failed all the same.
    fn fault_of_asked(&self) -> Option<Fault> {
        match self.run.became?.0 {
            Outcome::NotReady => self.run.spec.ready.as_ref().map(|check| Fault::NotReady(check.timeout)),
            Outcome::Stuck => Some(Fault::Stuck),
            Outcome::OverLimit => self.run.over_limit.map(Fault::OverLimit),
            Outcome::Done | Outcome::Daemonized | Outcome::Failed(_) | Outcome::NotStarted | Outcome::Invalid => None,
        }
    }

    /// The run was to be replaced, or to be told of changes, and has ended too soon for that: that is still a reason to
    /// try. What is being validated is started when it has passed.
    fn go_on_with_what_is_due(&mut self, untold: Option<NextStart>, turn: &mut Turn) {
        if !self.wanted || turn.stopping {
            return;
        }
        if let Some(next) = untold {
            self.want(next, turn);
        } else if self.is_start_due()
            && let Some(next) = self.restarts.next.take()
        {
            self.want(next, turn);
        }
    }

    fn group_gone(&mut self, turn: &mut Turn) {
        // Before the leader has ended its group cannot be gone; the report of the exit, with its status, is to come.
        if self.run.leader_gone {
            self.run_over(turn);
        }
    }

    /// The last process of a run that was being ended is gone.
    fn run_over(&mut self, turn: &mut Turn) {
        let Phase::Stopping { then, .. } = &self.phase else { return };
        if let Some(record) = &mut self.run.stop {
            record.ended = Some(turn.now);
        }
        match then {
            Then::Settle(_) => self.settle(turn),
            Then::Reconcile => {
                // What ended by itself has been told already, and before a restart the marker of the start tells it.
                if let (false, Some(exit), Some(record)) = (self.wanted, self.last_exit, self.run.stop)
                    && self.run.leader_gone
                    && exit.asked
                {
                    let after = turn.now.since(record.began);
                    let by = self.run.stopped_by.clone();
                    let marker = match self.spec.kind {
                        Kind::Worker => Marker::Task(TaskMarker::Stopped { by }),
                        _ => Marker::Stopped { status: exit.status, after, by },
                    };
                    self.narrate(marker, turn);
                }
                self.clear_run(turn);
                self.enter(Phase::Down, turn);
            }
        }
    }

    /// Nothing is left of a run that ended by itself.
    fn settle(&mut self, turn: &mut Turn) {
        let is_due = self.is_start_due();
        let aftermath = self.run.aftermath.take().filter(|_| self.wanted && !is_due).unwrap_or(Phase::Down);
        self.clear_run(turn);
        self.enter(aftermath, turn);
    }

    /// The run was to be replaced: how it ends does not hold up the next one. What is being validated is started when it
    /// has passed.
    fn is_start_due(&self) -> bool {
        self.check().is_none() && self.restarts.next.as_ref().is_some_and(|next| Self::is_attempt(&next.cause))
    }

    /// Nothing is left of the live run.
    fn clear_run(&mut self, turn: &mut Turn) {
        self.end_hooks(turn);
        let (outcome, again) = self.run.became.take().unzip();
        let ends = Arc::make_mut(&mut self.ends);
        if ends.len() >= RunEnd::KEPT {
            ends.drain(..=ends.len() - RunEnd::KEPT);
        }
        ends.push(RunEnd { run: self.run.id, outcome, again: again == Some(true), exit: self.last_exit });
        self.run.clear();
    }

    /// Decides what follows a run that ended without having been asked to, and counts it.
    ///
    /// `cause`: why it is started again, if that is no crash.
    pub(super) fn consequence(
        &mut self,
        outcome: Outcome,
        lasted: bool,
        cause: Option<StartCause>,
        turn: &Turn,
    ) -> Consequence {
        let consequence = self.policy(outcome, lasted, cause, turn);
        self.run.became = Some((outcome, !matches!(consequence.phase, Phase::Finished(_))));
        consequence
    }

    /// What the policy of the service says.
    fn policy(&mut self, outcome: Outcome, lasted: bool, cause: Option<StartCause>, turn: &Turn) -> Consequence {
        let success = outcome == Outcome::Done;
        let finished = |next| Consequence { phase: Phase::Finished(outcome), failed: None, next, gave_up: None };
        if turn.stopping {
            return finished(NextTry::None);
        }
        if self.run.spec.kind == Kind::Job {
            return if success { finished(NextTry::None) } else { self.retry(outcome, turn) };
        }
        match self.spec.restart {
            RestartPolicy::Never => return finished(NextTry::None),
            RestartPolicy::OnFailure if success => return finished(NextTry::None),
            // What does not work as it is now is no better for being tried again.
            RestartPolicy::OnFailure if self.fails_as_it_is(outcome, turn) => {
                let files = self.watches().then(|| self.watched_files());
                return finished(files.map_or(NextTry::ByHand, NextTry::AfterChange));
            }
            RestartPolicy::OnFailure | RestartPolicy::Always => {}
        }
        let breaker = self.spec.breaker;
        let count = match outcome {
            Outcome::Stuck | Outcome::OverLimit => self.restarts.crashes.stuck(&breaker, lasted, turn.now),
            _ => self.restarts.crashes.crash(&breaker, lasted, turn.now),
        };
        let of = breaker.failures.max(1);
        // What devgroup has ended for a reason of its own is counted when it is restarted.
        if !success && !matches!(outcome, Outcome::Stuck | Outcome::OverLimit) {
            self.restarts.counts.crash = self.restarts.counts.crash.saturating_add(1);
        }
        // A run that ended well is no crash, but it is counted like one: `always` must not become a tight loop.
        let attempt = if success { 0 } else { count.number };
        let failed = (!success).then_some(FailedRun::Crash(count.number, of));
        self.restarts.merge(NextStart::new(cause.unwrap_or(StartCause::Crash { attempt, of })));
        if let Some((crashes, within)) = count.opens {
            let (cooldown, watches) = (breaker.cooldown, self.watches());
            let gave_up = Some(Marker::GaveUp { crashes, within, cooldown, watches });
            let phase = Phase::CrashLoop { until: turn.now + breaker.cooldown };
            return Consequence { phase, failed, next: NextTry::Cooldown, gave_up };
        }
        let (phase, next) = self.back_off(outcome, count.in_a_row, turn);
        Consequence { phase, failed, next, gave_up: None }
    }

    /// A job that has failed is tried again as often as `retries` says, and otherwise not: a migration that failed half-way
    /// is not to be repeated blindly.
    fn retry(&mut self, outcome: Outcome, turn: &Turn) -> Consequence {
        let retries = self.spec.retries;
        let failures = self.restarts.crashes.failed_again();
        let of = retries.saturating_add(1);
        let failed = (retries > 0).then_some(FailedRun::Try(failures.min(of), of));
        if failures > retries {
            return Consequence { phase: Phase::Finished(outcome), failed, next: NextTry::None, gave_up: None };
        }
        self.restarts.counts.crash = self.restarts.counts.crash.saturating_add(1);
        self.restarts.merge(NextStart::new(StartCause::Retry { attempt: failures, of }));
        let (phase, next) = self.back_off(outcome, failures, turn);
        Consequence { phase, failed, next, gave_up: None }
    }

    fn back_off(&mut self, after: Outcome, in_a_row: u32, turn: &Turn) -> (Phase, NextTry) {
        let wait = backoff::wait(&self.spec.backoff, in_a_row, &mut self.restarts.jitter);
        let until: Moment = turn.now + wait;
        let attempt = if after == Outcome::Done { 0 } else { in_a_row };
        (Phase::Retrying { until, attempt, after }, NextTry::In(wait))
    }

    /// It would fail once more, as it is now. One that was stuck, or has grown too large, has worked.
    fn fails_as_it_is(&self, outcome: Outcome, turn: &Turn) -> bool {
        match outcome {
            Outcome::Daemonized => true,
            Outcome::Stuck | Outcome::OverLimit => false,
            Outcome::Done | Outcome::Failed(_) | Outcome::NotStarted | Outcome::NotReady | Outcome::Invalid => {
                !self.is_proven(turn) && self.is_an_attempt()
            }
        }
    }

    /// Whether the live run was begun to see whether it works: it fails as it is if it was not ready before it ended. One
    /// that follows a service that it depends on is, unless it has worked before.
    fn is_an_attempt(&self) -> bool {
        Self::is_attempt(&self.run.cause)
            || matches!(self.run.cause, StartCause::Dependency(_)) && !self.restarts.was_ready
    }

    /// The live run ends: whether it had been ready counts for those after it.
    pub(super) fn note_readiness(&mut self, turn: &Turn) {
        if self.is_up() {
            self.restarts.was_ready = self.is_proven(turn);
        }
    }

    /// The run has been ready; without a check, it has lived for a while.
    fn is_proven(&self, turn: &Turn) -> bool {
        match self.phase {
            Phase::Running { ready: true, .. } => true,
            Phase::Running { since, .. } => turn.now.since(since) >= READY_WITHOUT_CHECK,
            _ => false,
        }
    }
}
