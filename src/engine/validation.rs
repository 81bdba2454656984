//! `validate`: a command that must succeed before a run is replaced, and before a first start. It runs beside the old run,
//! whose phase goes on; without one, the service is in [`Phase::Validating`].
//!
//! What is validated are files: a start for another reason (a crash, a restarted dependency) takes the files as they
//! were when they were validated last, unless they have not passed since. What is refused goes on running, whatever
//! happens to those that it depends on.
//!
//! Whether a service could start at all is asked in the same way before its run is replaced: an environment file that is only
//! half written, a variable, a program or a folder that is missing must not take it down. Where it is replaced after another
//! service, only what depends on values is asked: it is no other program than the one that runs.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Marker, Moment, OrderFate, Outcome, Phase, StartCause, Then, Validated};

use super::Effect;
use super::next_start::NextStart;
use super::path_set::PathSet;
use super::service::Service;
use super::stop_ladder::Manner;
use super::turn::Turn;

/// How long it may take to find out whether a service could start: longer than any disk, shorter than patience.
const START_LIMIT: Duration = Duration::from_secs(10);

/// The validations of a service.
#[derive(Clone, Debug, Default)]
pub(super) struct Validation {
    /// What `validate` says of the files as they are now.
    pub(super) validity: Validity,
    /// The number of the last one; 0 before the first.
    number: u32,
    /// Files that have just not passed, for the journal of file events.
    refused_now: Option<PathSet>,
}

/// What is known of the files as they are now.
#[derive(Clone, Debug, Default)]
pub(super) enum Validity {
    /// They have not been validated, or have changed since, or somebody asks anew.
    #[default]
    Unchecked,
    /// They are being validated.
    Checking(Check),
    /// They have passed, or whoever started the service by force did not ask.
    Passed,
    /// They have not passed: what runs is older.
    Refused(Refused),
}

/// Files that have not passed.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    /// Those that have changed since the run that is up was started.
    pub(super) paths: PathSet,
    /// Why they have not passed, for people.
    pub(super) problem: Arc<str>,
    /// What runs could not have been followed: something that a start needs is missing.
    pub(super) cannot_start: bool,
}

/// The validation that runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    /// Grows with each one of the service: news of an older one is ignored.
    number: u32,
    since: Moment,
    /// When it has failed.
    until: Moment,
    /// Only whether it could start is looked at, which is told only if it could not.
    quiet: bool,
}

impl Service {
    /// Whether the next start is to be validated first.
    pub(super) fn must_be_validated(&self) -> bool {
        let for_itself = |next: &NextStart| !matches!(next.cause, StartCause::Dependency(_));
        let may_fail = self.spec.needs_values() || self.restarts.next.as_ref().is_some_and(for_itself);
        let asks = self.spec.validate.is_some() || self.is_up() && may_fail;
        let by_force = self.restarts.next.as_ref().is_some_and(|next| next.manner == Manner::Kill);
        asks && !by_force && !matches!(self.validation.validity, Validity::Passed)
    }

    /// Nothing but a missing program or folder would keep it from being restarted.
    pub(super) fn is_to_be_replaced(&self) -> bool {
        !self.must_be_validated() || self.spec.validate.is_none() && !self.spec.needs_values()
    }

    /// The validation that runs.
    pub(super) fn check(&self) -> Option<Check> {
        if let Validity::Checking(check) = self.validation.validity { Some(check) } else { None }
    }

    /// Whether it could be started at all is being found out, and nothing else.
    pub(super) fn asks_only_whether_it_could_start(&self) -> bool {
        self.check().is_some_and(|check| check.quiet)
    }

    /// Why the last change did not pass.
    pub(super) fn problem_of_files(&self) -> Option<&Arc<str>> {
        if let Validity::Refused(refused) = &self.validation.validity { Some(&refused.problem) } else { None }
    }

    /// The last change did not pass.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self.validation.validity, Validity::Refused(_))
    }

    /// The files that have not passed, where that is not in the journal yet.
    pub(super) fn take_refused(&mut self) -> Option<PathSet> {
        self.validation.refused_now.take()
    }

    /// What could not have been started, if that is why the last change did not pass.
    pub(super) fn refused_start(&self) -> Option<&Refused> {
        if let Validity::Refused(refused) = &self.validation.validity {
            Some(refused).filter(|one| one.cannot_start)
        } else {
            None
        }
    }

    /// Validates before a start without a run: begins, or goes on.
    pub(super) fn validate_first(&mut self, turn: &mut Turn) {
        self.begin_validation(turn);
        if let Some(Check { since, until, .. }) = self.check()
            && !matches!(self.phase, Phase::Validating { .. })
        {
            self.enter(Phase::Validating { since, until }, turn);
        }
    }

    /// Begins a validation, unless one of these files runs already.
    pub(super) fn begin_validation(&mut self, turn: &mut Turn) {
        if self.check().is_some() {
            return;
        }
        let quiet = self.spec.validate.is_none();
        let limit = self.spec.validate.as_ref().map_or(START_LIMIT, |validate| validate.timeout);
        self.validation.number = self.validation.number.wrapping_add(1);
        let number = self.validation.number;
        self.validation.validity =
            Validity::Checking(Check { number, since: turn.now, until: turn.now + limit, quiet });
        if let Some(validate) = &self.spec.validate {
            let cause =
                self.restarts.next.as_ref().map_or_else(|| self.start_with_others().reason(), NextStart::reason);
            self.narrate(Marker::Validating { command: validate.run.display(), cause }, turn);
            // What it writes itself must not begin it anew for ever.
            self.restarts.limit.begin(turn.now);
        }
        turn.emit(Effect::Validate { spec: self.spec.clone(), number });
    }

    /// Nobody wants to know any more: of these files nothing is known.
    pub(super) fn cancel_validation(&mut self, turn: &mut Turn) {
        if let Some(Check { number, .. }) = self.check() {
            turn.emit(Effect::EndValidation { service: self.name().clone(), number });
            // The run beside it may have ended meanwhile: what was to start is still to start.
            self.rest_no_more(turn);
        }
        self.validation.validity = Validity::Unchecked;
    }

    /// Its files are what they were when the live run started: nothing is left to validate, or to replace it for.
    pub(super) fn is_as_it_runs(&mut self, turn: &mut Turn) {
        self.environment = None;
        if !self.is_up() {
            return;
        }
        match self.restarts.next.as_ref().map(|next| &next.cause) {
            Some(StartCause::Change(_)) => {
                self.cancel_validation(turn);
                self.restarts.next = None;
                self.validation.validity = self.unchanged();
            }
            None => self.validation.validity = self.unchanged(),
            // The files that are being validated are not those any more: it begins anew.
            Some(_) => self.cancel_validation(turn),
        }
    }

    /// What is known of files that have not changed. That it could have started once says nothing of now.
    pub(super) fn unchanged(&self) -> Validity {
        if self.spec.validate.is_some() { Validity::Passed } else { Validity::Unchecked }
    }

    /// Since when a validation runs that clients are told of.
    pub(super) fn validating_since(&self) -> Option<Moment> {
        self.check().filter(|check| !check.quiet).map(|check| check.since)
    }

    /// The phase as clients see it: a validation beside no live run is the beginning of a start.
    pub(super) fn shown_phase(&self) -> Phase {
        match self.check() {
            Some(Check { since, until, quiet: false, .. }) if !self.is_live() && self.phase != Phase::Queued => {
                Phase::Validating { since, until }
            }
            _ => self.phase.clone(),
        }
    }

    pub(super) fn validation_until(&self) -> Option<Moment> {
        self.check().map(|check| check.until)
    }

    /// A validation has ended.
    pub(super) fn validation_ended(&mut self, number: u32, result: Validated, turn: &mut Turn) {
        let Some(check) = self.check().filter(|check| check.number == number) else { return };
        match result {
            Validated::Passed => self.passed(check, turn),
            Validated::Failed(problem) => self.refuse(format!("validate failed · {problem}"), false, turn),
            Validated::CannotStart(problem) => self.refuse(problem, true, turn),
        }
    }

    fn passed(&mut self, check: Check, turn: &mut Turn) {
        if !check.quiet {
            self.narrate(Marker::Valid { after: turn.now.since(check.since) }, turn);
            self.restarts.limit.settle(turn.now);
        }
        self.validation.validity = Validity::Passed;
        // The run beside it may have ended meanwhile, or there was none.
        self.rest_no_more(turn);
        if let Phase::Stopping { .. } = self.phase {
            // Only its group is left: the start follows.
            self.end_run(Then::Reconcile, Manner::Polite, turn);
        }
    }

    /// The time of the validation is over.
    pub(super) fn give_up_validating(&mut self, turn: &mut Turn) {
        let Some(check) = self.check().filter(|check| check.until <= turn.now) else { return };
        turn.emit(Effect::EndValidation { service: self.name().clone(), number: check.number });
        let late = format!("timed out after {}", crate::domain::approx(check.until.since(check.since)));
        let problem = if check.quiet {
            format!("checking its folder and files {late}")
        } else {
            format!("validate failed · {late}")
        };
        self.refuse(problem, check.quiet, turn);
    }

    /// It has failed: what runs goes on, and the next change tries again.
    ///
    /// `cannot_start`: that was no fault of what `validate` looks at.
    fn refuse(&mut self, problem: String, cannot_start: bool, turn: &mut Turn) {
        self.restarts.limit.settle(turn.now);
        let paths = self.restarts.next.as_ref().map(|next| next.paths.clone()).unwrap_or_default();
        let reason: Arc<str> = problem.as_str().into();
        self.start_problem = Some(reason.clone()).filter(|_| cannot_start);
        self.validation.refused_now = Some(paths.clone());
        self.validation.validity = Validity::Refused(Refused { paths, problem: reason.clone(), cannot_start });
        self.restarts.orders.answer(OrderFate::NotValid(reason));
        self.narrate(Marker::Stale { runs: self.is_up(), watches: self.watches(), problem }, turn);
        match self.phase {
            Phase::Validating { .. } => {
                self.restarts.next = None;
                // A start for whatever reason validates again.
                self.validation.validity = Validity::Unchecked;
                let outcome = if cannot_start { Outcome::NotStarted } else { Outcome::Invalid };
                self.enter(Phase::Finished(outcome), turn);
            }
            Phase::Starting { .. } | Phase::Running { .. } | Phase::Finished(_) => self.restarts.next = None,
            // The run beside it has ended meanwhile: its next try is validated as well.
            _ => {}
        }
    }
}
