//! Facts that the adapters report.

use std::sync::Arc;

use super::{
    Comparison, ExitStatus, FileEvent, GitWork, Moment, RunId, Signal, UnchangedInputs, Usage, WorkerSnapshot,
};

/// News of a run. News of any but the current run of a service is ignored by the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum RunReport {
    /// The process exists.
    Started {
        /// Its leader, which is also its process group and session.
        pid: u32,
    },
    /// What the values of this start make of the texts of `url` and `ready`.
    Expanded {
        /// The address that people open (`url`).
        url: Option<Arc<str>>,
        /// What is waited for, for people, if that is a port. Anything else is told as it is written: a value may be a secret.
        ready: Option<Arc<str>>,
    },
    /// The inputs of the job are as at its last success: it is done, and no process was made. No other report of this run
    /// follows.
    Unchanged {
        /// Which they are, and since when.
        inputs: UnchangedInputs,
    },
    /// No process could be made. The reason is in the log already. No other report of this run follows.
    NotStarted {
        /// Why there is no process, for people.
        reason: String,
    },
    /// The run has printed something, for the first time.
    Printed {
        /// When that was read. The report may come later, and a file may have changed meanwhile.
        at: Moment,
    },
    /// The readiness check has succeeded.
    Ready,
    /// A try of the readiness check has failed otherwise than the one before.
    Unready {
        /// What it found, for people: `program not found: ./probe`.
        problem: Arc<str>,
    },
    /// Somebody has a port of its own, just before it is started. It is started all the same.
    PortTaken {
        /// Which port, and who has it, for people.
        problem: Arc<str>,
    },
    /// A try of the liveness check has succeeded: the first, or the first after one that failed.
    Alive,
    /// A try of the liveness check has failed.
    Silent {
        /// What it found, for people: `port 4000 refused`.
        problem: Arc<str>,
    },
    /// What the run says of itself (sd_notify's `STATUS=`), on one line; may be empty.
    StatusText(Arc<str>),
    /// What the run uses, measured because somebody has asked or because it has a limit.
    Usage(Usage),
    /// What a worker does now.
    Worker(Arc<WorkerSnapshot>),
    /// The leader ignores a signal that it was sent to end it.
    Ignores(Signal),
    /// What was asked about the run.
    Details(Arc<RunDetails>),
    /// A validation of the service has ended. It is beside the runs: the number of the run says nothing.
    Validated {
        /// Number of the validation, as in the effect that began it.
        number: u32,
        /// How it ended.
        result: Validated,
    },
    /// The leader has ended without having been asked to, and these of its processes go on; they are ended now. The exit
    /// follows.
    LeftBehind {
        /// For people: `node (48213)`.
        names: Arc<str>,
    },
    /// The leader has ended and all of its output is in the log.
    Exited {
        /// Exit code or signal of the leader.
        status: ExitStatus,
        /// No process of its group is left either. Otherwise [`RunReport::GroupGone`] follows.
        group_gone: bool,
    },
    /// The last process of the group is gone.
    GroupGone,
    /// A hook of `on_change` has ended. It is beside the runs: the number of the run says nothing.
    HookEnded {
        /// Number of the hook, as in the effect that began it.
        number: u32,
        /// Why it has failed, for people: `exit 7`. Nothing of one that ended with 0.
        problem: Option<Arc<str>>,
    },
}

/// How a validation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validated {
    /// The command ended with 0.
    Passed,
    /// `validate` did not, for people: `exit 101`, `program not found: cargo`.
    Failed(String),
    /// What it is asked for could not start, for people: `program not found: ./api`, `.env:2: a quote is not closed`.
    CannotStart(String),
}

/// What the operating system knows of a run. Secrets are masked before it leaves the process adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunDetails {
    /// Number of the run that was looked at.
    pub run: RunId,
    /// TCP ports that its processes listen on; empty also where the system does not tell.
    pub ports: Vec<u16>,
    /// Its processes, the leader first.
    pub pids: Vec<u32>,
    /// Its environment: first what is not inherited from devgroup as it is, then the rest, each by name.
    pub env: Vec<RunVariable>,
}

/// A variable of the environment of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunVariable {
    /// Its name; what is not UTF-8 is replaced.
    pub name: String,
    /// Its value, masked if it may be a secret.
    pub value: String,
    /// devgroup has it too, with the same value.
    pub inherited: bool,
}

/// News from the watcher.
#[derive(Clone, Debug)]
pub enum WatchReport {
    /// Changes, after the rules; in order of arrival, at most a few hundred at a time.
    Files(Vec<FileEvent>),
    /// What the watcher does has changed.
    Status(WatchStatus),
    /// `procgroup.toml` was written; the news of it arrived then.
    ConfigWritten(Moment),
    /// The answer to a question. All changes that it knows of have been reported before.
    Compared(Comparison),
    /// Git took or released its lock, or has moved the head.
    Git(GitWork),
    /// All that had happened when this was asked for is known, and has been reported before; with the number of the question.
    CaughtUp(u64),
}

/// What the watcher does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchStatus {
    /// Where events come from.
    pub backend: WatchBackend,
    /// Directories with a watch; when polling, those that are looked at.
    pub directories: usize,
    /// The first listing is complete.
    pub ready: bool,
    /// Branch and short commit of the root's repository: `main@3f2c1e`.
    pub git_head: Option<Arc<str>>,
    /// What does not work, with the remedy, for people.
    pub problem: Option<Arc<str>>,
}

/// Where file events come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchBackend {
    /// The operating system, by our own inotify.
    #[default]
    Native,
    /// The operating system, by the `notify` crate.
    Notify,
    /// devgroup looks by itself, now and then.
    Poll,
    /// Nothing is watched.
    Off,
}
