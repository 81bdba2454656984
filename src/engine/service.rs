//! One service: what is wanted, what is, and what led there.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::{
    Condition, Expandable, Fact, FactKind, Kind, LastChange, LastExit, Marker, Moment, OrderFate, Outcome, Phase,
    RunEnd, RunHistory, RunId, ServiceName, ServiceSpec, StartCause, Then, WatchFiles, ports_by_name, visible_path,
};

use super::Effect;
use super::elsewhere::Foreign;
use super::next_start::NextStart;
use super::on_change::Hooks;
use super::path_set::PathSet;
use super::restarts::Restarts;
use super::run::Run;
use super::timetable::Timetable;
use super::turn::Turn;
use super::validation::{Validation, Validity};

/// The state of one service.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) spec: Arc<ServiceSpec>,
    /// Whether it is to run.
    pub(super) wanted: bool,
    /// Fact. Changed through [`Service::enter`], so that `since` is right.
    pub(super) phase: Phase,
    /// When the phase began.
    pub(super) since: Moment,
    /// It is gone from the file and only its last run is left.
    pub(super) retired: bool,
    /// The live run, or the last one.
    pub(super) run: Run,
    /// Somebody runs it in another terminal.
    pub(super) elsewhere: Option<Foreign>,
    pub(super) restarts: Restarts,
    pub(super) validation: Validation,
    /// When it runs by its schedule.
    pub(super) timetable: Timetable,
    /// What `on_change` is to do, or does, instead of a restart.
    pub(super) hooks: Hooks,
    pub(super) last_exit: Option<LastExit>,
    pub(super) last_change: Option<LastChange>,
    /// Why the last start could not be, for people.
    pub(super) start_problem: Option<Arc<str>>,
    /// The files of its environment that have changed since its run began, if it does not watch.
    pub(super) environment: Option<PathSet>,
    /// The files that have changed since its run began, and that somebody has discarded: the run has not seen them. Empty
    /// while that is not known yet.
    pub(super) discarded: Option<PathSet>,
    /// Its failure has been told to those that depend on it.
    pub(super) loss_told: bool,
    pub(super) history: RunHistory,
    /// Of the runs of this call of devgroup, how the last ones ended.
    pub(super) ends: Arc<Vec<RunEnd>>,
    /// The command on one line, `group`, `url` and folders: made once, because every snapshot holds them.
    pub(super) labels: Labels,
}

/// Texts and paths of a service that every snapshot has.
#[derive(Clone, Debug)]
pub(super) struct Labels {
    pub(super) command: Arc<str>,
    pub(super) group: Option<Arc<str>>,
    pub(super) depends_on: Arc<[ServiceName]>,
    /// The patterns of `inputs`.
    pub(super) inputs: Arc<[Arc<str>]>,
    /// The files that it watches, for people, where those are not all of the root.
    pub(super) watched: Option<Arc<str>>,
    /// With its values; `None` also before they are known.
    pub(super) url: Option<Arc<str>>,
    pub(super) folders: Arc<[PathBuf]>,
    pub(super) ports: Arc<[(Arc<str>, u16)]>,
}

/// Characters of the patterns that are named.
const PATTERNS: usize = 60;

/// The files of which a change matters, for people: `src/**/*.rs, Cargo.toml`, `files in web/`. Nothing for all of the root.
fn watched_files(spec: &ServiceSpec) -> Option<Arc<str>> {
    if let Some(patterns) = spec.watch.patterns(PATTERNS) {
        return Some(patterns.into());
    }
    let dir = spec.dir.known()?.strip_prefix(&spec.root).ok()?;
    let dir = Some(visible_path(dir)).filter(|dir| !dir.is_empty() && spec.watch != WatchFiles::Off)?;
    Some(format!("files in {dir}/").into())
}

impl Labels {
    fn of(spec: &ServiceSpec) -> Self {
        Self {
            command: spec.run.display().into(),
            group: spec.group.as_deref().map(Arc::from),
            depends_on: spec.depends_on.iter().map(|dependency| dependency.on.clone()).collect(),
            inputs: spec.inputs.iter().map(|pattern| pattern.text.as_str().into()).collect(),
            watched: watched_files(spec),
            url: spec.url.as_ref().and_then(Expandable::known).map(|url| url.as_str().into()),
            folders: spec
                .dir
                .known()
                .filter(|dir| **dir != spec.root)
                .into_iter()
                .chain([&spec.root])
                .cloned()
                .collect(),
            ports: ports_by_name(&spec.ports).into(),
        }
    }
}

impl Service {
    pub(super) fn new(spec: Arc<ServiceSpec>, seed: u64, now: Moment) -> Self {
        Self {
            wanted: false,
            phase: Phase::Down,
            since: now,
            retired: false,
            elsewhere: None,
            // Number 0: there was none yet.
            run: Run::new(RunId::default(), spec.clone(), StartCause::First, now),
            restarts: Restarts::new(seed, &spec.name),
            validation: Validation::default(),
            timetable: Timetable::default(),
            hooks: Hooks::default(),
            last_exit: None,
            last_change: None,
            start_problem: None,
            environment: None,
            discarded: None,
            loss_told: false,
            history: RunHistory::default(),
            ends: Arc::default(),
            labels: Labels::of(&spec),
            spec,
        }
    }

    pub(super) fn name(&self) -> &ServiceName {
        &self.spec.name
    }

    /// Tells what has happened to it.
    pub(super) fn tell(&self, kind: FactKind, turn: &mut Turn) {
        let run = Some(self.run.id).filter(|run| run.0 > 0);
        turn.emit(Effect::Tell(Fact { at: turn.now, service: Some(self.name().clone()), run, kind }));
    }

    /// Tells what its log is to say.
    pub(super) fn narrate(&self, marker: Marker, turn: &mut Turn) {
        self.tell(FactKind::Marked(marker), turn);
    }

    /// From now on it is as the file says now.
    pub(super) fn respec(&mut self, spec: Arc<ServiceSpec>) {
        let url = self.labels.url.take().filter(|_| self.spec.url == spec.url);
        self.labels = Labels { url, ..Labels::of(&spec) };
        if let Some(url) = spec.url.as_ref().and_then(Expandable::known) {
            self.labels.url = Some(url.as_str().into());
        }
        if self.spec.schedule != spec.schedule {
            self.timetable.forget();
        }
        self.spec = spec;
    }

    pub(super) fn enter(&mut self, phase: Phase, turn: &Turn) {
        self.run.was_down |= phase == Phase::Down && !self.wanted;
        self.phase = phase;
        self.since = turn.now;
    }

    pub(super) fn is_live(&self) -> bool {
        self.phase.live_run().is_some()
    }

    /// A process was asked for, or runs, and nobody has asked it to end.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Starting { .. } | Phase::Running { .. })
    }

    /// The run that was up is being ended for a new one.
    pub(super) fn is_being_replaced(&self) -> bool {
        self.wanted
            && self.restarts.next.is_some()
            && matches!(self.phase, Phase::Stopping { then: Then::Reconcile, .. })
    }

    /// It is not up, and that is a failure.
    pub(super) fn has_failed(&self) -> bool {
        match &self.phase {
            Phase::Retrying { attempt, .. } => *attempt > 0,
            Phase::CrashLoop { .. } => true,
            Phase::Scheduled { after } => after.is_some_and(|outcome| outcome != Outcome::Done),
            Phase::Finished(outcome) => *outcome != Outcome::Done,
            Phase::Blocked { .. }
            | Phase::Queued
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
                self.run.spec.ready.is_none() || self.run.spec.kind == Kind::Job
            }
            // It was stopped when it was done already.
            (Condition::Ready | Condition::Done, Phase::Down) => {
                self.run.spec.kind == Kind::Job && !self.wanted && self.succeeded()
            }
            _ => false,
        }
    }

    /// Its last run has ended well, by itself, or was not needed.
    fn succeeded(&self) -> bool {
        self.run.unchanged.is_some() || self.last_exit.is_some_and(|exit| exit.status.is_success() && !exit.asked)
    }

    /// Wants it up, and up soon: a backoff, an open circuit or an end does not stand in the way, and a run that is up is
    /// replaced. No effect on one that is gone from the file and only ends.
    pub(super) fn want(&mut self, mut next: NextStart, turn: &mut Turn) {
        if self.retired {
            return;
        }
        self.wanted = true;
        let is_change = matches!(next.cause, StartCause::Change(_));
        if let (Validity::Refused(refused), true) = (&self.validation.validity, is_change) {
            // What did not pass is part of what is tried next.
            let mut all = refused.paths.clone();
            all.merge(&next.paths);
            next.paths = all;
        }
        if is_change && self.restarts.limit.is_limiting() {
            // It has been tried often enough to know that a change is no remedy.
            self.restarts.crashes.half_open_if(matches!(self.phase, Phase::CrashLoop { .. }));
        } else {
            self.restarts.crashes.forget();
        }
        match next.cause {
            StartCause::First
            | StartCause::Hand
            | StartCause::Client(_)
            | StartCause::NeededBy(_)
            | StartCause::Config { .. }
            | StartCause::Scaled(_)
            | StartCause::Change(_)
            | StartCause::Schedule => {
                self.cancel_validation(turn);
            }
            // The files that it watches are as they were. `validate` may look at others, and what runs is only replaced by what
            // has passed.
            StartCause::Dependency(_) if self.is_up() && self.restarts.next.is_none() => {
                if matches!(self.validation.validity, Validity::Passed) {
                    self.validation.validity = Validity::Unchecked;
                }
            }
            StartCause::Crash { .. }
            | StartCause::Retry { .. }
            | StartCause::Stuck(_)
            | StartCause::OverLimit(_)
            | StartCause::Dependency(_) => {}
        }
        self.restarts.merge(next);
        self.rest_no_more(turn);
        if let Phase::Stopping { then, .. } = &mut self.phase {
            *then = Then::Reconcile;
        }
    }

    /// No run lives, and how the last one ended, or a validation, does not hold up the next one any more.
    pub(super) fn rest_no_more(&mut self, turn: &Turn) {
        match self.phase {
            Phase::Validating { .. }
            | Phase::Scheduled { .. }
            | Phase::Retrying { .. }
            | Phase::CrashLoop { .. }
            | Phase::Finished(_) => {
                self.enter(Phase::Down, turn);
            }
            Phase::Blocked { .. }
            | Phase::Queued
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Down => {}
        }
    }

    /// Nobody wants it any more: nothing is to be started, validated or told to it.
    pub(super) fn want_no_more(&mut self, turn: &mut Turn) {
        self.wanted = false;
        self.restarts.next = None;
        self.restarts.held_up_by.clear();
        self.restarts.orders.answer(OrderFate::Cancelled);
        self.hooks.forget_waiting();
        self.cancel_validation(turn);
    }

    /// When something happens by itself.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let of_phase = match &self.phase {
            Phase::Starting { ready_by, .. } => *ready_by,
            Phase::Stopping { escalate_at, .. } => Some(*escalate_at),
            Phase::Retrying { until, .. } | Phase::CrashLoop { until } => Some(*until),
            Phase::Blocked { .. }
            | Phase::Queued
            | Phase::Scheduled { .. }
            | Phase::Validating { .. }
            | Phase::Running { .. }
            | Phase::Finished(_)
            | Phase::Down => None,
        };
        of_phase.into_iter().chain(self.memory_due()).chain(self.validation_until()).chain(self.hooks_due()).min()
    }
}
