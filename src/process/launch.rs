//! What is to be run, as plain data.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::notify::Notify;
use crate::domain::{
    AliveCheck, AliveProbe, Checks, Kind, LastExit, Port, ReadyCheck, RunCommand, RunId, ServiceName, Signal,
    StartCause, UnchangedInputs, without_values,
};
use crate::logs::LogDocument;

/// A command with its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// What is executed.
    pub command: RunCommand,
    /// The whole environment: it replaces the inherited one. Later entries win. (`SHELL` is added by the terminal
    /// library if it is missing, where a run is started by that: not on Linux, as a rule.)
    pub env: Vec<(OsString, OsString)>,
}

/// Works out the command and its environment, on the thread that runs it: it may read files. The error is for people.
pub type Prepare = Arc<dyn Fn() -> Result<Prepared, String> + Send + Sync>;

/// What a start makes of the texts that hold variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Expanded {
    /// Where it runs; absolute.
    pub dir: PathBuf,
    /// What is asked of it.
    pub checks: Checks,
}

/// Puts the values of an environment into these texts. The error is for people.
pub type Expand = Arc<dyn Fn(&[(OsString, OsString)]) -> Result<Expanded, String> + Send + Sync>;

/// Whether a job has to run, by its inputs, and what is remembered of that. Asked on the thread of the run: it reads files.
pub trait JobInputs: Send + Sync {
    /// Looks at them. That they are as at the last success; `None`: it has to run.
    fn look(&self, prepared: &Prepared) -> Option<UnchangedInputs>;

    /// It runs now: until it has succeeded, nothing is as at a success. `with_arguments`: of the command line, so that its
    /// success says nothing of the next run.
    fn begins(&self, with_arguments: bool);

    /// It has ended with 0, by itself. To be remembered if they are what they were when they were looked at.
    fn succeeded(&self);
}

/// A run of a service, with all that it takes.
#[derive(Clone)]
pub struct Launch {
    /// Name of the service.
    pub service: ServiceName,
    /// Number of the run.
    pub run: RunId,
    /// Whether it is to go on, or to come to an end.
    pub kind: Kind,
    /// What is executed, and with which environment.
    pub prepare: Prepare,
    /// What `dir`, `ready` and `alive` become with that environment; `None`: they are what stands here.
    pub expand: Option<Expand>,
    /// The command on one line, for the marker.
    pub display: String,
    /// Working directory, absolute.
    pub dir: PathBuf,
    /// What it is sent first when it is to stop.
    pub stop: Signal,
    /// By which signal it is told of changes, if it is.
    pub told_by: Option<Signal>,
    /// When it counts as ready; `None`: nobody asks.
    pub ready: Option<ReadyCheck>,
    /// Its liveness check, which begins later: who answers it must not have been there before the start.
    pub alive: Option<AliveCheck>,
    /// What it is told of notifications, if the file asks for them.
    pub notify: Option<Notify>,
    /// Its own ports, of which it is said if somebody has them.
    pub ports: Vec<Port>,
    /// Why it is started, for the marker.
    pub cause: StartCause,
    /// How the run before ended, and after how long, for the marker.
    pub was: Option<LastExit>,
    /// Of a job with `inputs`.
    pub inputs: Option<Arc<dyn JobInputs>>,
    /// It is done if these are as at its last success.
    pub looks_at_inputs: bool,
    /// Where its output goes.
    pub document: Arc<LogDocument>,
}

/// A command beside a service: its `validate`, a hook of `on_change`, or its stop command. It reads nothing; its output goes
/// to the log of the service in whole lines. All but the stop command print to a terminal of the size of the service's pane.
/// What it leaves running in its process group ends with it.
#[derive(Clone)]
pub struct ChangeCommand {
    /// Name of the service that it runs beside.
    pub service: ServiceName,
    /// What it is, for devgroup's own log: the name of the key that asks for it.
    pub label: &'static str,
    /// What is executed, and with which environment.
    pub prepare: Prepare,
    /// What `dir` becomes with that environment; `None`: it is what stands here.
    pub expand: Option<Expand>,
    /// Working directory, absolute.
    pub dir: PathBuf,
    /// Where its output goes.
    pub document: Arc<LogDocument>,
}

/// A run that is up and is to be looked after.
#[derive(Clone)]
pub struct LivenessProbe {
    /// Name of the service.
    pub service: ServiceName,
    /// Number of the run.
    pub run: RunId,
    /// What is tried, and how often.
    pub check: AliveCheck,
    /// What `check` and `dir` become with the environment of the run; `None`: they are what stands here.
    pub expand: Option<Expand>,
    /// Where a command of it runs; absolute. The environment is that of the run.
    pub dir: PathBuf,
}

impl Launch {
    /// The launch with the values of this environment put in.
    ///
    /// # Errors
    /// A value is missing, or makes no sense; for people.
    pub(super) fn expanded(&self, env: &[(OsString, OsString)]) -> Result<(Self, Option<Checks>), String> {
        let Some(expand) = &self.expand else { return Ok((self.clone(), None)) };
        let Expanded { dir, mut checks } = expand(env)?;
        // It is only shown, and a value that is a secret by its name may have no shape by which it would be known later.
        let variables = env.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
        checks.url = checks.url.map(|url| without_values(&url, variables));
        let launch = Self { dir, ready: checks.ready.clone(), alive: checks.alive.clone(), ..self.clone() };
        Ok((launch, Some(checks)))
    }
}

impl LivenessProbe {
    /// What is to be done with the values of this environment put in, and how people are told what is asked: as it is
    /// written, but for a port. A value may be a secret.
    ///
    /// # Errors
    /// A value is missing, or makes no sense; for people.
    pub(super) fn expanded(mut self, env: &[(OsString, OsString)]) -> Result<(Self, String), String> {
        let written = self.check.probe.to_string();
        if let Some(expand) = &self.expand {
            let Expanded { dir, checks } = expand(env)?;
            self.dir = dir;
            self.check = checks.alive.unwrap_or(self.check);
        }
        let name = match &self.check.probe {
            AliveProbe::Port(port) => format!("port {port}"),
            _ => written,
        };
        Ok((self, name))
    }
}

impl fmt::Debug for LivenessProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkup").field("service", &self.service).field("run", &self.run).finish_non_exhaustive()
    }
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch").field("service", &self.service).field("run", &self.run).finish_non_exhaustive()
    }
}

impl fmt::Debug for ChangeCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aside").field("service", &self.service).field("label", &self.label).finish_non_exhaustive()
    }
}
