//! What goes out: orders for the adapters, as plain data.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Answer, Fact, FileReader, GroupSpec, LastExit, Moment, RunId, ServiceName, ServiceSpec, Signal, SignalTarget,
    StartCause,
};

/// An order. The effect runner carries it out and decides nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a run. Reports of it come back as [`Event::Run`](super::Event::Run). Also begins its readiness check.
    Spawn {
        /// The service as it is to be run.
        spec: Arc<ServiceSpec>,
        /// The number of the run.
        run: RunId,
        /// Why, for the marker.
        cause: StartCause,
        /// How the run before ended; nothing if somebody has stopped the service since, and starts it again.
        was: Option<LastExit>,
        /// Its environment files were read just before, by an [`Effect::Validate`]: what pipes said then is what they say.
        is_environment_known: bool,
        /// The job is done if its inputs are as at its last success: [`RunReport::Unchanged`](crate::domain::RunReport::Unchanged).
        looks_at_inputs: bool,
    },
    /// Send a signal to a run.
    Signal {
        /// Name of the service.
        service: ServiceName,
        /// Number of the run.
        run: RunId,
        /// The signal to send.
        signal: Signal,
        /// To whom of it.
        target: SignalTarget,
    },
    /// Run the stop command of a service beside it.
    StopCommand {
        /// The service, as the file says it now.
        spec: Arc<ServiceSpec>,
        /// The run that is to end.
        run: RunId,
    },
    /// Run `on_change = "run:…"` beside the service, in its folder and environment; output goes to its log. Its end comes
    /// back as [`RunReport::HookEnded`](crate::domain::RunReport::HookEnded).
    RunHook {
        /// The service, as the file says it now.
        spec: Arc<ServiceSpec>,
        /// The command, a text for the shell.
        command: String,
        /// The number of the hook.
        number: u32,
    },
    /// End a hook, with all of its group; nothing of it is reported any more.
    EndHook {
        /// Name of the service.
        service: ServiceName,
        /// The number of the hook.
        number: u32,
    },
    /// Run `validate` of a service beside it, if there is one, and see whether it could be started: its environment can be
    /// read, its folder and its program are there. How that ended comes back as
    /// [`RunReport::Validated`](crate::domain::RunReport::Validated).
    Validate {
        /// The service, as the file says it now.
        spec: Arc<ServiceSpec>,
        /// The number of the validation.
        number: u32,
    },
    /// End a validation, with all of its group; nothing of it is reported any more.
    EndValidation {
        /// Name of the service.
        service: ServiceName,
        /// The number of the validation.
        number: u32,
    },
    /// The readiness check of a live run is the one of this spec now, or none. It ends with the run.
    CheckReady {
        /// The service, as the file says it now.
        spec: Arc<ServiceSpec>,
        /// Number of the live run.
        run: RunId,
    },
    /// The liveness check of a live run is the one of this spec now, or none. It ends with the run.
    CheckAlive {
        /// The service, as the file says it now.
        spec: Arc<ServiceSpec>,
        /// Number of the live run.
        run: RunId,
    },
    /// The file says something else of a live worker, which takes it up without a new run: how many tasks at once, how long,
    /// how often.
    Respec {
        /// The worker, as the file says it now.
        spec: Arc<ServiceSpec>,
        /// Number of the live run.
        run: RunId,
    },
    /// Measure what the live run of a service uses. The answer is a
    /// [`RunReport::Usage`](crate::domain::RunReport::Usage).
    Measure {
        /// Name of the service.
        service: ServiceName,
    },
    /// Say anew what the environment of a live run makes of `url` and `ready`.
    Expand {
        /// The service, as the file says it now.
        spec: Arc<ServiceSpec>,
        /// Number of the live run.
        run: RunId,
    },
    /// Something has happened: whoever is to know is told.
    Tell(Fact),
    /// Answer a client.
    Answer {
        /// Number of the client's request.
        id: u64,
        /// What the client is told.
        answer: Answer,
    },
    /// Ask the watcher which files of these services differ from what they were at the services' baselines. The answer is
    /// an [`Event::Compared`](super::Event::Compared).
    Compare {
        /// The number of the question.
        ask: u64,
        /// The services to compare.
        services: Vec<FileReader>,
        /// Everything that has happened until now is to be known first: a hold has ended.
        sync: bool,
    },
    /// What has changed until now is known to these services: later changes are compared with how things are now.
    Baseline {
        /// Names of the services whose baseline it is.
        services: Vec<ServiceName>,
        /// The moment from which later changes count.
        at: Moment,
        /// What has happened until now and is not known yet counts as known as well: held changes are discarded.
        sync: bool,
    },
    /// Whether everything is held by somebody else than git has changed: while it is, nobody needs to look for changes.
    Holding(bool),
    /// Services or rules have changed: watch by this spec from now on, and give each service its log.
    Rewatch(Arc<GroupSpec>),
    /// A service is gone from the file and its last run has ended: forget its log.
    Forget(ServiceName),
    /// Something does not hold that must always hold: it is to be logged as a bug of devgroup.
    Broken(String),
    /// All is ended: leave.
    Finish(Finish),
}

/// How a group ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// Services whose processes are left: they could not be killed, or the user did not wait. Exit code 7.
    pub given_up: Vec<ServiceName>,
    /// Services that are not as they should be at the end: failed jobs, crashed services. Not those we stopped.
    pub failed: Vec<ServiceName>,
    /// Services that had run and ended with 0 before the end was asked for.
    pub done: Vec<ServiceName>,
    /// Services that the shutdown had to end with SIGKILL.
    pub killed: Vec<ServiceName>,
    /// How many were stopped by the shutdown.
    pub stopped: usize,
    /// From the first request to the end.
    pub took: Duration,
    /// `--timeout` was up.
    pub timed_out: bool,
    /// The user quit before all services had stopped (a third Ctrl-C).
    pub abandoned: bool,
}
