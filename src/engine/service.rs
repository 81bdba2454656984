//! One service: what is wanted, what is, and what led there.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Condition, Kind, LastChange, LastExit, Moment, Outcome, Phase, RestartCounts, RunFacts, RunHistory, RunId,
    ServiceName, ServiceSpec, Signal, StartCause,
};

use super::backoff::Jitter;
use super::breaker::CrashRecord;
use super::liveness::Liveness;
use super::own_writes::OwnWrites;
use super::path_set::PathSet;
use super::turn::Turn;
use super::validation::Validation;

/// The state of one service.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) spec: Arc<ServiceSpec>,
    /// Desire.
    pub(super) wanted: bool,
    /// Fact. Changed through [`Service::enter`], so that `since` is right.
    pub(super) phase: Phase,
    /// When the phase began.
    pub(super) since: Moment,
    /// It is gone from the file and only its last run is left.
    pub(super) retired: bool,
    /// The number of the last run; 0 before the first.
    pub(super) run: RunId,
    /// The leader of the live run, once it exists.
    pub(super) pid: Option<u32>,
    /// When the live run's process began to exist.
    pub(super) up_since: Option<Moment>,
    /// The leader of the live run has ended; others of its group have not.
    pub(super) leader_gone: bool,
    /// Why the next start happens.
    pub(super) cause: StartCause,
    /// The files behind `cause`, if it is a change.
    pub(super) cause_paths: PathSet,
    /// What follows a run that ended by itself, once its group is gone.
    pub(super) aftermath: Option<Phase>,
    /// The stop of the last run, if it was stopped.
    pub(super) stop: Option<StopRecord>,
    pub(super) counts: RestartCounts,
    pub(super) crashes: CrashRecord,
    pub(super) jitter: Jitter,
    pub(super) own_writes: OwnWrites,
    pub(super) last_exit: Option<LastExit>,
    pub(super) last_change: Option<LastChange>,
    /// The validation that runs, beside the live run or before a start.
    pub(super) validation: Option<Validation>,
    /// How many there were.
    pub(super) validations: u32,
    /// The next start has passed.
    pub(super) validated: bool,
    /// The last change did not pass: what runs is older than the files.
    pub(super) kept: bool,
    pub(super) liveness: Liveness,
    /// Those that depend on it are restarted after its next start.
    pub(super) cascade_once: bool,
    /// Its files have changed, and so have those of a service that takes it along (see [`Engine::will_follow`]): it is
    /// replaced after that one, or when that one is kept.
    ///
    /// [`Engine::will_follow`]: super::Engine::will_follow
    pub(super) follows: bool,
    /// Its failure has been told to those that depend on it.
    pub(super) loss_told: bool,
    /// Why the last run was started, when it was asked for, and how long it took to get ready.
    pub(super) run_cause: StartCause,
    pub(super) asked_at: Moment,
    pub(super) ready_after: Option<Duration>,
    pub(super) history: RunHistory,
    pub(super) facts: Option<Arc<RunFacts>>,
    /// The command on one line, `group` and `url`: made once, because every snapshot holds them.
    pub(super) labels: Labels,
}

/// Texts of a service that every snapshot shows.
#[derive(Clone, Debug)]
pub(super) struct Labels {
    pub(super) command: Arc<str>,
    pub(super) group: Option<Arc<str>>,
    pub(super) url: Option<Arc<str>>,
}

impl Labels {
    fn of(spec: &ServiceSpec) -> Self {
        Self {
            command: spec.run.display().into(),
            group: spec.group.as_deref().map(Arc::from),
            url: spec.url.as_deref().map(Arc::from),
        }
    }
}

/// How the last run was stopped.
#[derive(Clone, Copy, Debug)]
pub(super) struct StopRecord {
    /// When it was asked to end.
    pub(super) began: Moment,
    /// The last signal; `None` for a stop command.
    pub(super) signal: Option<Signal>,
    /// When that was sent.
    pub(super) signalled: Moment,
    /// When the last of its group was gone.
    pub(super) ended: Option<Moment>,
}

impl Service {
    pub(super) fn new(spec: Arc<ServiceSpec>, seed: u64, now: Moment) -> Self {
        Self {
            wanted: false,
            phase: Phase::Down,
            since: now,
            retired: false,
            run: RunId::default(),
            pid: None,
            up_since: None,
            leader_gone: false,
            cause: StartCause::First,
            cause_paths: PathSet::default(),
            aftermath: None,
            stop: None,
            counts: RestartCounts::default(),
            crashes: CrashRecord::default(),
            jitter: Jitter::new(seed, &spec.name),
            own_writes: OwnWrites::default(),
            last_exit: None,
            last_change: None,
            validation: None,
            validations: 0,
            validated: false,
            kept: false,
            liveness: Liveness::default(),
            cascade_once: false,
            follows: false,
            loss_told: false,
            run_cause: StartCause::First,
            asked_at: now,
            ready_after: None,
            history: RunHistory::default(),
            facts: None,
            labels: Labels::of(&spec),
            spec,
        }
    }

    pub(super) fn name(&self) -> &ServiceName {
        &self.spec.name
    }

    /// From now on it is as the file says now.
    pub(super) fn respec(&mut self, spec: Arc<ServiceSpec>) {
        self.labels = Labels::of(&spec);
        self.spec = spec;
    }

    pub(super) fn enter(&mut self, phase: Phase, turn: &Turn) {
        self.phase = phase;
        self.since = turn.now;
    }

    pub(super) fn is_live(&self) -> bool {
        self.phase.live_run().is_some()
    }

    /// Its start is under way already: a reason to start it that comes now is met by that start.
    pub(super) fn start_is_coming(&self) -> bool {
        self.wanted
            && match &self.phase {
                Phase::Stopping { then, .. } => *then == crate::domain::Then::Reconcile,
                Phase::Blocked { .. } | Phase::Validating { .. } => true,
                _ if self.validation.is_some() || self.follows => true,
                Phase::Starting { .. }
                | Phase::Running { .. }
                | Phase::BackingOff { .. }
                | Phase::CircuitOpen { .. }
                | Phase::Finished(_)
                | Phase::Down => false,
            }
    }

    /// It is not up, and that is a failure.
    pub(super) fn has_failed(&self) -> bool {
        match &self.phase {
            Phase::BackingOff { attempt, .. } => *attempt > 0,
            Phase::CircuitOpen { .. } => true,
            Phase::Finished(outcome) => *outcome != Outcome::Done,
            Phase::Blocked { .. }
            | Phase::Validating { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Down => false,
        }
    }

    /// It has reached what a dependent waits for.
    ///
    /// A service without a readiness check that ended with 0 was up and has done its part (`docker compose up -d`):
    /// those that wait for it may start, as they would have while it ran.
    pub(super) fn has_reached(&self, condition: Condition) -> bool {
        match (condition, &self.phase) {
            (Condition::Started, Phase::Starting { spawned, .. }) => *spawned,
            (Condition::Started | Condition::Ready, Phase::Running { .. }) => true,
            (Condition::Started | Condition::Done, Phase::Finished(Outcome::Done)) => true,
            (Condition::Ready, Phase::Finished(Outcome::Done)) => {
                self.spec.ready.is_none() || self.spec.kind == Kind::Task
            }
            _ => false,
        }
    }

    /// Sets why the next start happens. Of two reasons for one start, a person's wins, and changes add up.
    pub(super) fn because(&mut self, cause: StartCause, paths: Option<&PathSet>) {
        let coming = self.start_is_coming();
        match (&cause, &self.cause) {
            // What did not pass is part of what is tried next.
            (StartCause::Change(_), StartCause::Change(_)) if coming || self.kept => {}
            (StartCause::Change(_), _) if coming => return,
            _ => self.cause_paths = PathSet::default(),
        }
        if let Some(paths) = paths {
            self.cause_paths.merge(paths);
        }
        self.cause = cause;
    }

    /// Wants it up, and up soon: a backoff, an open circuit or an end does not stand in the way. No effect on a live run,
    /// and none on one that is gone from the file and only ends.
    pub(super) fn want(&mut self, cause: StartCause, paths: Option<&PathSet>, turn: &Turn) {
        if self.retired {
            return;
        }
        self.because(cause, paths);
        self.wanted = true;
        self.crashes.forget();
        self.validation_is_stale();
        match &mut self.phase {
            Phase::Stopping { then, .. } => *then = crate::domain::Then::Reconcile,
            Phase::Validating { .. } | Phase::BackingOff { .. } | Phase::CircuitOpen { .. } | Phase::Finished(_) => {
                self.enter(Phase::Down, turn)
            }
            Phase::Blocked { .. } | Phase::Starting { .. } | Phase::Running { .. } | Phase::Down => {}
        }
    }

    /// When something happens by itself.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let of_phase = match &self.phase {
            Phase::Starting { ready_by, .. } => *ready_by,
            Phase::Stopping { escalate_at, .. } => Some(*escalate_at),
            Phase::BackingOff { until, .. } | Phase::CircuitOpen { until } => Some(*until),
            Phase::Blocked { .. }
            | Phase::Validating { .. }
            | Phase::Running { .. }
            | Phase::Finished(_)
            | Phase::Down => None,
        };
        of_phase.into_iter().chain(self.validation_until()).chain(self.next_look()).min()
    }
}
