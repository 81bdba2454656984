//! What every client sees: the state of the group at one moment, immutable.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{
    Elsewhere, ExitStatus, FailedRun, FileJournal, GoingOn, Instance, Kind, Moment, Orders, Outcome, OverLimit,
    PaneView, Phase, Replicated, RestartCounts, RunDetails, RunEnd, RunHistory, RunId, ServiceName, Signal, Stopping,
    UnchangedInputs, UndeliveredAlert, Usage, WatchBackend, WatchSnapshot, WatchState, WorkerHealth, WorkerSnapshot,
    WorkerSpec, address_of_port, short,
};

/// How the reason of a service begins that a change of its files would start.
pub const WAITS_FOR_CHANGE: &str = "waiting for a change to ";
/// How the reason of one begins that only a person starts.
pub const STARTS_BY_HAND: &str = "start it with s, or devgroup start ";

/// The state of the group at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSnapshot {
    /// Grows with each snapshot that differs.
    pub seq: u64,
    /// When it was taken.
    pub at: Moment,
    /// The name of the group.
    pub name: Arc<str>,
    /// The group's file, as rules name it.
    pub file: Arc<str>,
    /// In the order of the file.
    pub services: Vec<ServiceSnapshot>,
    /// The services with `replicas`, and how many instances each is to have: maybe none.
    pub replicated: Arc<[Replicated]>,
    /// What the watcher does.
    pub watch: WatchSnapshot,
    /// The last file events.
    pub journal: Arc<FileJournal>,
    /// All files that it is read from, relative to the root: its own first.
    pub files: Arc<[Arc<str>]>,
    /// The group is being stopped.
    pub stopping: Option<Stopping>,
    /// A file of the group was written, and is still to be read, or waits for git.
    pub file_unread: bool,
    /// The last thing that the user should know: a broken file, a failed hook.
    pub notice: Option<Notice>,
    /// Why the file on disk is not in force, with the remedy. What was read before is.
    pub file_problem: Option<Arc<str>>,
    /// The last alert that did not reach whom it was for.
    pub undelivered: Option<UndeliveredAlert>,
    /// It is there for runs in other terminals, and ends with the last of them.
    pub temporary: bool,
}

impl GroupSnapshot {
    /// The services that depend on that one, in the order of the file.
    pub fn dependents<'s>(&'s self, name: &'s ServiceName) -> impl Iterator<Item = &'s ServiceSnapshot> {
        self.services.iter().filter(move |service| service.depends_on.contains(name))
    }

    /// A group of which nothing has been seen yet. `file`: the group's own; `files`: all of them, as rules name them.
    pub fn empty(name: Arc<str>, file: Arc<str>, files: Arc<[Arc<str>]>) -> Self {
        Self {
            seq: 0,
            at: Moment::START,
            name,
            file,
            files,
            services: Vec::new(),
            replicated: Arc::default(),
            watch: WatchSnapshot {
                state: WatchState::Off,
                backend: WatchBackend::default(),
                directories: 0,
                ready: false,
                git_head: None,
                problem: None,
                holds: Vec::new(),
                held: 0,
                file_held: false,
                busy: 0,
                last_release: None,
            },
            journal: Arc::default(),
            stopping: None,
            file_unread: false,
            notice: None,
            file_problem: None,
            undelivered: None,
            temporary: false,
        }
    }

    /// The service of that name.
    pub fn service(&self, name: &ServiceName) -> Option<&ServiceSnapshot> {
        self.services.iter().find(|service| &service.name == name)
    }
}

/// A sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When it happened, on the clock of the group.
    pub at: Moment,
    /// Something is wrong, and stays so until another notice says otherwise.
    pub problem: bool,
    /// The message in one line.
    pub summary: Arc<str>,
    /// The whole message, several lines; empty if the summary is all.
    pub detail: Arc<str>,
}

/// The state of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSnapshot {
    /// The key below `[services]`.
    pub name: ServiceName,
    /// Job or service.
    pub kind: Kind,
    /// Which instance of a service with `replicas` it is.
    pub instance: Option<Instance>,
    /// Its heading in the sidebar.
    pub group: Option<Arc<str>>,
    /// The address that people open (`url`).
    pub url: Option<Arc<str>>,
    /// Its ports by name; `port` is the one that it knows as `PORT`, and the first.
    pub ports: Arc<[(Arc<str>, u16)]>,
    /// What it waits for before each start.
    pub depends_on: Arc<[ServiceName]>,
    /// The patterns of `inputs`: while these files are as at its last success, it is done without a run.
    pub inputs: Arc<[Arc<str>]>,
    /// Its last start was not needed, because they were.
    pub unchanged: Option<UnchangedInputs>,
    /// Where relative paths in its output may begin: its `dir`, if that is known before a start, then the folder of the file.
    pub folders: Arc<[PathBuf]>,
    /// The command on one line.
    pub command: Arc<str>,
    /// What its pane shows.
    pub view: PaneView,
    /// What it does now.
    pub phase: Phase,
    /// When the phase began.
    pub since: Moment,
    /// Since when `validate` is run: before a start, or beside what runs.
    pub validating: Option<Moment>,
    /// It is run in another terminal.
    pub elsewhere: Option<Elsewhere>,
    /// Whether it is to run.
    pub wanted: bool,
    /// The included file that it stands in, relative to the root of the group; `None` if that is the group's own.
    pub file: Option<Arc<str>>,
    /// It watches files.
    pub watches: bool,
    /// Which ones, for people, where the file says more than all of its folder: `src/**/*.rs, Cargo.toml`.
    pub watched: Option<Arc<str>>,
    /// The leader of its live run.
    pub pid: Option<u32>,
    /// The number of its last run; 0 before the first.
    pub run: RunId,
    /// When its live run started.
    pub up_since: Option<Moment>,
    /// Restarts by cause.
    pub restarts: RestartCounts,
    /// The last file that changed.
    pub last_change: Option<LastChange>,
    /// How its last run ended.
    pub last_exit: Option<LastExit>,
    /// When the next try follows by itself.
    pub next_try: Option<Moment>,
    /// While that is waited for: which failure it follows, and of how many.
    pub failed_run: Option<FailedRun>,
    /// It is a job with a `schedule`.
    pub scheduled: bool,
    /// When it runs next by that.
    pub next_run: Option<SystemTime>,
    /// Changes that a hold keeps from it.
    pub held: usize,
    /// Changes that wait for quiet.
    pub pending: usize,
    /// What runs is older than the files: they did not pass `validate`, `on_change` has failed, a dependency is down, or the
    /// changes were discarded.
    pub stale: bool,
    /// When changes that came right after a start are acted on. What runs goes on until then.
    pub next_restart: Option<Moment>,
    /// What happens then.
    pub next_action: ChangeAction,
    /// What is still to come, soon and by itself.
    pub going_on: Option<GoingOn>,
    /// A new run was asked for, by a change, a person, or the restart of another service, and has not begun.
    pub begins_anew: bool,
    /// What its state comes from, or what is waited for, in words, where the state alone does not say it: `waiting for a
    /// change`.
    pub reason: Option<Arc<str>>,
    /// Its last runs that are over.
    pub history: RunHistory,
    /// Of those of this call of devgroup, how the last ones ended; oldest first.
    pub ends: Arc<Vec<RunEnd>>,
    /// What became of the last starts that were ordered.
    pub orders: Orders,
    /// What was asked about its live run ([`Command::Inspect`](super::Command::Inspect)).
    pub details: Option<Arc<RunDetails>>,
    /// What its live run used when that was measured last ([`Command::Measure`](super::Command::Measure)).
    pub usage: Option<Usage>,
    /// What it does with its tasks. Of workers only, from the first news of its run on.
    pub worker: Option<Arc<WorkerSnapshot>>,
    /// How it works off its tasks. Of workers only.
    pub worker_spec: Option<Arc<WorkerSpec>>,
    /// What its live run says of itself (sd_notify's `STATUS=`).
    pub status_text: Option<Arc<str>>,
}

impl ServiceSnapshot {
    /// One that nothing has happened to.
    pub(crate) fn blank(name: &str, run: RunId, phase: Phase, since: Moment) -> Self {
        Self {
            name: name.into(),
            kind: Kind::Service,
            instance: None,
            group: None,
            url: None,
            ports: Arc::default(),
            depends_on: Arc::default(),
            inputs: Arc::default(),
            unchanged: None,
            folders: Arc::default(),
            command: "".into(),
            view: PaneView::Auto,
            phase,
            since,
            validating: None,
            elsewhere: None,
            wanted: true,
            file: None,
            watches: false,
            watched: None,
            pid: None,
            run,
            up_since: None,
            restarts: RestartCounts::default(),
            last_change: None,
            last_exit: None,
            next_try: None,
            failed_run: None,
            next_restart: None,
            next_action: ChangeAction::Restart,
            going_on: None,
            begins_anew: false,
            reason: None,
            scheduled: false,
            next_run: None,
            held: 0,
            pending: 0,
            stale: false,
            history: RunHistory::default(),
            ends: Arc::default(),
            orders: Orders::default(),
            details: None,
            usage: None,
            worker: None,
            worker_spec: None,
            status_text: None,
        }
    }
}

impl ServiceSnapshot {
    /// What was ordered has begun: its run has a process, or, of a worker, works off tasks.
    pub fn has_begun(&self) -> bool {
        let works = || self.kind == Kind::Worker && matches!(self.phase, Phase::Running { .. });
        self.pid.is_some() || works()
    }

    /// It has processes that can be measured; of a worker, its tries.
    pub fn can_be_measured(&self) -> bool {
        let is_elsewhere = self.worker_spec.as_ref().is_some_and(|worker| worker.remote);
        self.has_begun() && !is_elsewhere
    }

    /// It does not run. Its next start waits for another service, or for the end of a restart limit.
    pub fn is_waiting(&self) -> bool {
        if let Some(elsewhere) = &self.elsewhere {
            return elsewhere.waits_for.is_some();
        }
        match self.phase {
            Phase::Blocked { ref lost, .. } => lost.is_none(),
            _ => self.phase.live_run().is_none() && matches!(self.next_timer(), Some((_, Timer::Change))),
        }
    }

    /// Whether somebody may answer at its address: what a job has started may serve after the job is done.
    pub fn may_answer(&self) -> bool {
        self.kind == Kind::Job || self.phase.live_run().is_some()
    }

    /// The address that is opened: its `url`, or that of its port.
    pub fn address(&self) -> Option<Arc<str>> {
        let of_port = || self.ports.first().map(|(_, port)| address_of_port(*port).into());
        self.url.clone().or_else(of_port)
    }

    /// The state in the word of the machine-readable outputs.
    pub fn state(&self) -> &'static str {
        match self.phase {
            _ if self.is_waiting() => "waiting",
            _ if self.elsewhere.is_some() => "running",
            // Nobody has stopped a run of it, but its times.
            Phase::Down if self.scheduled => "suspended",
            Phase::Running { .. } => self.working().and_then(WorkerSnapshot::state).unwrap_or(self.phase.word()),
            _ => self.phase.word(),
        }
    }

    /// All words that [`Self::state`] may have for it.
    pub fn possible_states(&self) -> impl Iterator<Item = &'static str> + use<> {
        const ALL: [&str; 12] = [
            "blocked",
            "waiting",
            "queued",
            "starting",
            "running",
            "ready",
            "stopping",
            "retrying",
            "crash-loop",
            "done",
            "failed",
            "stopped",
        ];
        const WITH_SCHEDULE: &[&str] = &["scheduled", "suspended"];
        const OF_WORKERS: &[&str] = &["standby", "unhealthy", "remote", "lost"];
        let of_its_kind = match self.kind {
            Kind::Worker => OF_WORKERS,
            _ if self.scheduled => WITH_SCHEDULE,
            _ => &[],
        };
        ALL.into_iter().chain(of_its_kind.iter().copied())
    }

    /// What a worker does with its tasks, if it runs.
    pub fn working(&self) -> Option<&WorkerSnapshot> {
        self.worker.as_deref().filter(|_| matches!(self.phase, Phase::Running { .. }))
    }

    /// The tasks of a worker of this group that does not run; nothing if it has none.
    pub fn resting(&self) -> Option<&WorkerSnapshot> {
        let worker = self.worker.as_deref().filter(|_| !matches!(self.phase, Phase::Running { .. }))?;
        let has_tasks = !worker.remote && worker.health == WorkerHealth::Stopped && !worker.counts().is_empty();
        has_tasks.then_some(worker)
    }

    /// What happens next by itself, and when: where a try after a crash and a change wait, the first of both meets the
    /// other.
    pub fn next_timer(&self) -> Option<(Moment, Timer)> {
        let next_try = self.next_try.map(|at| (at, Timer::Try));
        let next_change = self.next_restart.map(|at| (at, Timer::Change));
        next_try.into_iter().chain(next_change).min_by_key(|(at, _)| *at)
    }

    /// It has failed and is not up: what `R failed` and the header's count mean.
    pub fn failure(&self) -> Option<Failure> {
        match &self.phase {
            _ if self.elsewhere.is_some() => None,
            Phase::CrashLoop { .. } => Some(Failure::CrashLoop),
            Phase::Retrying { attempt: 1.., after: outcome, .. }
            | Phase::Scheduled { after: Some(outcome) }
            | Phase::Finished(outcome) => outcome.failure(),
            _ => None,
        }
    }
}

/// What a service waits for that has a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The next try after a crash.
    Try,
    /// Changes that came right after a start.
    Change,
}

/// What a change of its files does to a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangeAction {
    /// Nothing runs: it is started.
    #[default]
    Start,
    /// What runs is replaced.
    Restart,
    /// Its `validate` runs.
    Validation,
    /// Its `on_change` sends this.
    Signal(Signal),
    /// Its `on_change` runs a command.
    Command,
}

/// How soon after a start a change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowSoon {
    /// Before it was ready or had ended, or within two seconds.
    RightAfter,
    /// Later, but before it was calm.
    SoonAfter,
}

/// As in `right after each of the last 6 starts`.
impl fmt::Display for HowSoon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RightAfter => "right after",
            Self::SoonAfter => "soon after",
        })
    }
}

impl ChangeAction {
    /// Several of them, as in `the last 6 restarts`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Start | Self::Restart => "starts",
            Self::Validation => "validations",
            Self::Signal(_) => "signals",
            Self::Command => "commands",
        }
    }
}

/// As in `restart in 4s`.
impl fmt::Display for ChangeAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Restart => f.write_str("restart"),
            Self::Validation => f.write_str("validation"),
            Self::Signal(signal) => signal.fmt(f),
            Self::Command => f.write_str("on_change command"),
        }
    }
}

/// How a service has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// `exit 1`, `SIGSEGV`.
    Exit(ExitStatus),
    /// The circuit is open.
    CrashLoop,
    /// No process could be made.
    NotStarted,
    /// Not ready in time.
    NotReady,
    /// It was up and did nothing.
    Stuck,
    /// It had more memory than it may have.
    OverLimit,
    /// It put itself into the background.
    Daemonized,
    /// `validate` failed before the first start.
    Invalid,
}

impl Outcome {
    /// Which failure it is, if it is one.
    pub fn failure(self) -> Option<Failure> {
        match self {
            Self::Done => None,
            Self::Failed(status) => Some(Failure::Exit(status)),
            Self::NotStarted => Some(Failure::NotStarted),
            Self::NotReady => Some(Failure::NotReady),
            Self::Stuck => Some(Failure::Stuck),
            Self::OverLimit => Some(Failure::OverLimit),
            Self::Daemonized => Some(Failure::Daemonized),
            Self::Invalid => Some(Failure::Invalid),
        }
    }
}

impl fmt::Display for Failure {
    /// In a word or two.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => status.fmt(f),
            Self::CrashLoop => f.write_str("crash-loop"),
            Self::NotStarted => f.write_str("could not start"),
            Self::NotReady => f.write_str("not ready"),
            Self::Stuck => f.write_str("stuck"),
            Self::OverLimit => f.write_str("over its limit"),
            Self::Daemonized => f.write_str("daemonized"),
            Self::Invalid => f.write_str("validate failed"),
        }
    }
}

/// The last file that changed for a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastChange {
    /// Relative to the root of the group.
    pub path: Arc<str>,
    /// When it happened, on the clock of the group.
    pub at: Moment,
}

/// How the last run of a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastExit {
    /// Exit code or signal of the leader.
    pub status: ExitStatus,
    /// When it happened, on the clock of the group.
    pub at: Moment,
    /// How long it had run.
    pub uptime: Duration,
    /// It had been asked to end.
    pub asked: bool,
    /// Why that was a failure, where the status does not say it.
    pub fault: Option<Fault>,
}

impl LastExit {
    /// What it was, as in `was exit 1`.
    pub fn state(&self) -> String {
        match self.fault {
            Some(Fault::Stuck) => "stuck".to_owned(),
            Some(Fault::OverLimit(_)) => "over its limit".to_owned(),
            Some(Fault::Daemonized) => "daemonized".to_owned(),
            Some(Fault::NotReady(_) | Fault::EndedEarly) | None => self.to_string(),
        }
    }
}

/// As in a list: `exit 1`, `not ready in 2s`.
impl fmt::Display for LastExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            Some(fault) => fault.fmt(f),
            None => self.status.fmt(f),
        }
    }
}

/// Why a run has failed that devgroup ended, or that ended with 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was ended because it was not ready in this time.
    NotReady(Duration),
    /// It was ended because its `alive` check failed.
    Stuck,
    /// It was ended because it had more memory than it may have.
    OverLimit(OverLimit),
    /// It ended with 0 before it was ready.
    EndedEarly,
    /// It ended with 0 as soon as it had put itself into the background.
    Daemonized,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady(after) => write!(f, "not ready in {}", short(*after)),
            Self::Stuck => f.write_str("alive check failed"),
            Self::OverLimit(over) => over.fmt(f),
            Self::EndedEarly => f.write_str("exit 0 before it was ready"),
            Self::Daemonized => f.write_str("went into the background"),
        }
    }
}
