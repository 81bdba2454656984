//! One run of a service: what it was started with, and what has become of it.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Kind, Moment, Outcome, OverLimit, Phase, RunDetails, RunId, ServiceSpec, Signal, StartCause, UnchangedInputs,
    Usage, WorkerSnapshot,
};

use super::liveness::Liveness;

/// How long a run that prints nothing is taken to read its files. Its script or program is read at once. Longer would restart
/// it for a checkout there and back soon after its start.
const READING: Duration = Duration::from_millis(50);

/// A run, from the order to start it until the next one.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Counts the runs of a service; 0 before the first.
    pub(super) id: RunId,
    /// What it was started with. It keeps its stop, its kind and its grace, whatever the file says meanwhile.
    pub(super) spec: Arc<ServiceSpec>,
    /// Why it was started.
    pub(super) cause: StartCause,
    /// When it was asked for.
    pub(super) asked_at: Moment,
    /// Its leader, once that exists, until nothing is left of it.
    pub(super) pid: Option<u32>,
    /// When its process began to exist.
    pub(super) up_since: Option<Moment>,
    /// When it had its environment: its process began.
    pub(super) has_environment: Option<Moment>,
    /// When it had read its files, as far as its signs tell: it was ready, or has printed something, or ended.
    pub(super) read_files: Option<Moment>,
    /// It follows another one, and nobody had stopped the service in between.
    pub(super) is_restart: bool,
    /// It is over, and its service was down since: what follows is a start, and no restart.
    pub(super) was_down: bool,
    /// What it is waited for by, with the values of its start.
    pub(super) ready_label: Option<Arc<str>>,
    /// What the last try of its readiness check has found.
    pub(super) unready: Option<Arc<str>>,
    /// A port of it was taken when it was started: by whom, for people.
    pub(super) port_taken: Option<Arc<str>>,
    /// How long it took to get ready.
    pub(super) ready_after: Option<Duration>,
    /// Its checks were exchanged before its process was there.
    pub(super) exchange_is_due: bool,
    pub(super) liveness: Liveness,
    pub(super) details: Option<Arc<RunDetails>>,
    /// What it used when that was measured last.
    pub(super) usage: Option<Usage>,
    /// What it does with its tasks, if it is one of a worker.
    pub(super) worker: Option<Arc<WorkerSnapshot>>,
    /// What it says of itself.
    pub(super) status_text: Option<Arc<str>>,
    /// When its memory is looked at next, if it has a limit.
    pub(super) memory_look: Option<Moment>,
    /// It is ended because it had more memory than it may have.
    pub(super) over_limit: Option<OverLimit>,
    /// Whether it is needed is being looked at: its start is not told yet.
    pub(super) looks_at_inputs: bool,
    /// It was not needed.
    pub(super) unchanged: Option<UnchangedInputs>,
    /// Its leader has ended; others of its group have not.
    pub(super) leader_gone: bool,
    /// What it left running when it put itself into the background, for people.
    pub(super) left_behind: Option<Arc<str>>,
    /// What has become of it by itself, and whether it is to be tried again.
    pub(super) became: Option<(Outcome, bool)>,
    /// What follows if it ended by itself, once its group is gone.
    pub(super) aftermath: Option<Phase>,
    /// A signal that it was sent to end, and ignores.
    pub(super) ignores: Option<Signal>,
    /// How it was stopped, if it was.
    pub(super) stop: Option<StopRecord>,
    /// Who has asked for its end, if a client has and says who it is.
    pub(super) stopped_by: Option<Arc<str>>,
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

impl Run {
    /// A run that has been asked for. No process is there yet.
    pub(super) fn new(id: RunId, spec: Arc<ServiceSpec>, cause: StartCause, now: Moment) -> Self {
        Self {
            id,
            spec,
            cause,
            asked_at: now,
            pid: None,
            up_since: None,
            has_environment: None,
            read_files: None,
            is_restart: false,
            was_down: false,
            ready_label: None,
            unready: None,
            port_taken: None,
            ready_after: None,
            exchange_is_due: false,
            liveness: Liveness::default(),
            details: None,
            usage: None,
            worker: None,
            status_text: None,
            memory_look: None,
            over_limit: None,
            looks_at_inputs: false,
            unchanged: None,
            leader_gone: false,
            left_behind: None,
            became: None,
            aftermath: None,
            ignores: None,
            stop: None,
            stopped_by: None,
        }
    }

    /// How long its process has been there; nothing before it was.
    pub(super) fn uptime(&self, now: Moment) -> Duration {
        self.up_since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// Until when it may have read its files: until it was ready or, as a job, until its end. A run without a check has
    /// read them when it first prints something, or after a while.
    pub(super) fn reads_until(&self, now: Moment) -> Moment {
        let has_sign = self.spec.ready.is_some() || self.spec.kind == Kind::Job;
        let silent = self.up_since.filter(|_| !has_sign).map(|since| since + READING);
        self.read_files.or(silent).map_or(now, |at| at.min(now))
    }

    /// It was told of changes without a start.
    pub(super) fn reads_again(&mut self, now: Moment) {
        self.read_files = self.read_files.map(|_| now + READING);
    }

    /// Nothing is left of it. How it was begun and stopped is still told, and how a worker left its tasks.
    pub(super) fn clear(&mut self) {
        self.pid = None;
        self.up_since = None;
        self.leader_gone = false;
        self.aftermath = None;
        self.details = None;
        self.usage = None;
        self.status_text = None;
        self.exchange_is_due = false;
    }
}
