//! `validate`: a command that must succeed before a run is replaced, and before a first start. It runs beside the old run,
//! whose phase goes on; without one, the service is in [`Phase::Validating`].
//!
//! What is validated are files: a start for another reason (a crash, a restarted dependency) takes the files as they
//! were when they were validated last, unless they have not passed since.

use crate::domain::{Marker, Moment, Outcome, Phase, StartCause, Then, Validated};

use super::Effect;
use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;

/// The validation that runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validation {
    /// Grows with each one of the service: news of an older one is ignored.
    number: u32,
    since: Moment,
    /// When it has failed.
    until: Moment,
    /// There is a new reason: it begins anew.
    stale: bool,
}

impl Service {
    /// Whether the next start is to be validated first.
    pub(super) fn must_be_validated(&self) -> bool {
        self.spec.validate.is_some()
            && !self.validated
            && match self.cause {
                StartCause::First | StartCause::Change(_) | StartCause::Hand | StartCause::Reload => true,
                StartCause::Crash { .. } | StartCause::Stuck(_) | StartCause::Dependency(_) => {
                    self.kept || self.validation.is_some()
                }
            }
    }

    /// Ends the run that is up, to be started again: after `validate`, if there is one and nobody is in a hurry.
    pub(super) fn replace(&mut self, manner: Manner, turn: &mut Turn) {
        let is_up = matches!(self.phase, Phase::Starting { .. } | Phase::Running { .. });
        if is_up && manner == Manner::Polite && self.must_be_validated() {
            self.begin_validation(turn);
            return;
        }
        // Whoever kills does not ask.
        self.validated |= manner == Manner::Kill;
        self.end_run(Then::Reconcile, manner, turn);
    }

    /// Validates before a start without a run: begins, or goes on.
    pub(super) fn validate_first(&mut self, turn: &mut Turn) {
        if self.validation.is_none_or(|validation| validation.stale) {
            self.begin_validation(turn);
        }
        if let Some(Validation { since, until, .. }) = self.validation
            && !matches!(self.phase, Phase::Validating { .. })
        {
            self.enter(Phase::Validating { run: None, since, until }, turn);
        }
    }

    /// One that runs already is ended: the files are others now.
    fn begin_validation(&mut self, turn: &mut Turn) {
        let Some(validate) = self.spec.validate.clone() else { return };
        self.end_validation(turn);
        self.validations = self.validations.wrapping_add(1);
        let number = self.validations;
        self.validation =
            Some(Validation { number, since: turn.now, until: turn.now + validate.timeout, stale: false });
        let cause = match (&self.cause, self.cause_paths.files()) {
            (StartCause::Change(_), Some(files)) => files.to_string(),
            (cause, _) => cause.to_string(),
        };
        turn.narrate(&self.spec.name, Marker::Validating { command: validate.run.display(), cause });
        turn.order(Effect::Validate { spec: self.spec.clone(), number });
    }

    fn end_validation(&mut self, turn: &mut Turn) {
        if let Some(Validation { number, .. }) = self.validation.take() {
            turn.order(Effect::EndValidation { service: self.name().clone(), number });
        }
    }

    /// Nobody wants to know any more.
    pub(super) fn cancel_validation(&mut self, turn: &mut Turn) {
        self.end_validation(turn);
        if let Phase::Validating { .. } = self.phase {
            self.enter(Phase::Down, turn);
        }
    }

    /// Its files are what they were when the live run started: nothing is kept any more, and nothing is left to validate.
    pub(super) fn is_as_it_runs(&mut self, turn: &mut Turn) {
        if matches!(self.phase, Phase::Starting { .. } | Phase::Running { .. }) {
            self.kept = false;
            if let StartCause::Change(_) = self.cause {
                self.follows = false;
                self.cancel_validation(turn);
            }
        }
    }

    /// There is a new reason to start it.
    pub(super) fn validation_is_stale(&mut self) {
        self.validated = false;
        if let Some(validation) = &mut self.validation {
            validation.stale = true;
        }
    }

    /// The phase as clients see it: a validation beside a live run hides what the run does meanwhile, but not that it is
    /// being stopped.
    pub(super) fn shown_phase(&self) -> Phase {
        match (self.validation, &self.phase) {
            (None, phase) | (_, phase @ Phase::Stopping { .. }) => phase.clone(),
            (Some(Validation { since, until, .. }), phase) => Phase::Validating { run: phase.live_run(), since, until },
        }
    }

    pub(super) fn validation_until(&self) -> Option<Moment> {
        self.validation.map(|validation| validation.until)
    }

    /// A validation has ended.
    pub(super) fn hear_validated(&mut self, number: u32, result: Validated, turn: &mut Turn) {
        let Some(validation) = self.validation.filter(|validation| validation.number == number) else { return };
        self.validation = None;
        match result {
            Validated::Passed => {
                turn.narrate(&self.spec.name, Marker::Valid { after: turn.now.since(validation.since) });
                self.validated = true;
                self.kept = false;
                match self.phase {
                    Phase::Starting { .. } | Phase::Running { .. } => {
                        self.end_run(Then::Reconcile, Manner::Polite, turn);
                    }
                    // The run beside it has ended meanwhile, or there was none.
                    Phase::Validating { .. }
                    | Phase::BackingOff { .. }
                    | Phase::CircuitOpen { .. }
                    | Phase::Finished(_) => self.enter(Phase::Down, turn),
                    // Only its group is left: the start follows.
                    Phase::Stopping { .. } => self.end_run(Then::Reconcile, Manner::Polite, turn),
                    Phase::Blocked { .. } | Phase::Down => {}
                }
            }
            Validated::Failed(problem) => self.keep(problem, turn),
        }
    }

    /// The time of the validation is over.
    pub(super) fn give_up_validating(&mut self, turn: &mut Turn) {
        let Some(Validation { since, until, .. }) = self.validation else { return };
        if until > turn.now {
            return;
        }
        self.end_validation(turn);
        self.keep(format!("not done in {}", crate::domain::approx(until.since(since))), turn);
    }

    /// It has failed: what runs goes on, and the next change tries again.
    fn keep(&mut self, problem: String, turn: &mut Turn) {
        let runs = matches!(self.phase, Phase::Starting { .. } | Phase::Running { .. });
        // Of a service whose run has ended meanwhile, the next try is validated as well.
        self.kept = !matches!(self.phase, Phase::Validating { .. });
        turn.narrate(&self.spec.name, Marker::Kept { runs, problem });
        if let Phase::Validating { .. } = self.phase {
            self.enter(Phase::Finished(Outcome::Invalid), turn);
        }
    }
}
