//! What clients may ask for. The dashboard, the streams and the signals of the operating system all speak this.

use std::path::PathBuf;
use std::sync::Arc;

use super::{
    ElsewhereRun, ExitStatus, Explanation, Moment, Ordered, Scaling, ServiceName, TaskAnswer, TaskQuestion, visible,
};

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Want these up. Also ends a backoff or an open circuit: "now".
    Start(Targets),
    /// Want these down.
    Stop(Targets),
    /// Want these down, with KILL at once.
    Kill(Targets),
    /// Stop (where it runs) and start.
    Restart {
        /// The services to restart.
        targets: Targets,
        /// Without the polite rung: KILL at once.
        force: bool,
    },
    /// One of the commands above, of a client that says who it is.
    Of {
        /// For people, printable and short: `devgroup restart`, `agent claude-code`.
        client: Arc<str>,
        /// What it asks for.
        command: Box<Command>,
    },
    /// The `p` key while nothing is held by hand: hold changes. A second time changes nothing, so that two who press it at once
    /// both get what they want.
    PauseByKey,
    /// Hold changes by hand until they are resumed. A second time only adds services.
    Pause {
        /// Whose changes (empty: of all services).
        services: Vec<ServiceName>,
    },
    /// End what the `p` key and [`Command::Pause`] hold: apply it once, or forget it.
    Resume {
        /// Whose changes (empty: of all services).
        services: Vec<ServiceName>,
        /// Forget what is held.
        discard: bool,
    },
    /// Hold changes for a client, which sees to it that a [`Command::Release`] follows.
    Hold(ClientHold),
    /// End the hold of a client: apply what is held once, or forget it.
    Release {
        /// As in [`ClientHold::id`].
        id: u64,
        /// Forget what is held.
        discard: bool,
    },
    /// Run a job in another terminal: what it needs is started, and the group does not start it meanwhile. The client sees to
    /// it that a [`Command::ElsewhereOver`] follows.
    RunElsewhere(ElsewhereRun),
    /// A run in another terminal is over.
    ElsewhereOver {
        /// As in [`ElsewhereRun::id`].
        id: u64,
        /// How it ended, if it began and that is known.
        status: Option<ExitStatus>,
    },
    /// Quit gracefully. A second time changes nothing.
    Quit,
    /// Quit; kill what is left. Once more: leave at once.
    QuitNow,
    /// What Ctrl-C, SIGINT and SIGTERM mean: quit gracefully, then kill what is left, then leave at once.
    Interrupt,
    /// Quit gracefully because a time is up (`--timeout`): exit code 124.
    TimeOut,
    /// Have this many instances of services with `replicas`, until that key in the file changes. The reloader
    /// carries it out, as it does a change of the file.
    Scale {
        /// The services as the file writes them, each once.
        counts: Vec<(ServiceName, u32)>,
    },
    /// Bytes for the terminal of a service. Carried out by the effect runner; no decision is in it.
    Input {
        /// Name of the service.
        service: ServiceName,
        /// As a terminal would send them.
        bytes: Vec<u8>,
    },
    /// Look at the live run of a service: its ports, its processes, its environment. Carried out by the effect runner; the
    /// answer is in a later snapshot.
    Inspect {
        /// Name of the service.
        service: ServiceName,
    },
    /// Measure what live runs use: somebody looks. Carried out by the effect runner; the answer is in a later snapshot.
    Measure {
        /// Of which services (empty: of all).
        services: Vec<ServiceName>,
    },
    /// The pane of a service has this size now. Carried out by the effect runner; no decision is in it.
    Resize {
        /// Name of the service.
        service: ServiceName,
        /// At least 2.
        columns: u16,
        /// At least 1.
        rows: u16,
    },
    /// Answer when all that has happened until now can be seen in the snapshot. No decision is in it.
    CatchUp {
        /// Also what has happened to files: the watcher answers it.
        files: bool,
    },
    /// Why a change of this path restarts whom it restarts. The watcher answers it; no decision is in it.
    Why {
        /// Absolute, or relative to the root of the group. It need not exist.
        path: PathBuf,
    },
    /// What is asked about tasks. Whoever works them off answers it; no decision of the group is in it.
    Task(TaskQuestion),
}

/// A hold that belongs to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHold {
    /// That of no other hold.
    pub id: u64,
    /// It lasts as long as a command that the client runs.
    pub command: bool,
    /// What is done meanwhile, for people.
    pub label: Arc<str>,
    /// Whose changes; of all if empty.
    pub services: Vec<ServiceName>,
}

/// Which services a command means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// These, by name.
    Named(Vec<ServiceName>),
    /// These, and afterwards those that depend on them, directly or not.
    WithDependents(Vec<ServiceName>),
    /// All: every service that is wanted (`restart`, `stop`, `kill`), or that starts by itself (`start`).
    All,
    /// Those that have failed, back off or have an open circuit.
    Failed,
}

impl Targets {
    /// Only the service of this name.
    pub fn one(name: &ServiceName) -> Self {
        Self::Named(vec![name.clone()])
    }
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was taken up at that moment, and meant these services.
    Accepted {
        /// When the engine took it up.
        at: Moment,
        /// Which, and what that means for each.
        services: Vec<(ServiceName, Ordered)>,
    },
    /// What [`Command::Scale`] has done.
    Scaled(Vec<Scaling>),
    /// What [`Command::Task`] asks for.
    Task(TaskAnswer),
    /// What [`Command::Why`] asks for.
    Explained(Box<Explanation>),
    /// It was not.
    Refused(Refusal),
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No service has this name.
    #[error("unknown service `{}`", visible(.0.as_str()))]
    UnknownService(ServiceName),
    /// Services cannot have so many instances, for this reason.
    #[error("{0}")]
    Scale(String),
    /// It is a service, and only a job can be run in another terminal.
    #[error("`{0}` is a service, not a job")]
    NoJob(ServiceName),
    /// The job is already running.
    #[error("{job} is already running {how}")]
    Runs {
        /// Name of the job.
        job: ServiceName,
        /// Where, for people.
        how: Arc<str>,
    },
    /// The group is being stopped.
    #[error("the group is stopping")]
    Stopping,
    /// The queue of the group is full, or the group has ended.
    #[error("the group cannot take commands right now")]
    Unavailable,
}
