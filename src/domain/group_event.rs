//! What has happened to a group, one thing at a time: for those who listen instead of looking.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{
    AlertKind, ChangeKind, ExitStatus, Fault, HoldSnapshot, Moment, Rule, RunId, ServiceName, StartCause, TaskId,
    TaskNews, human, visible, without_secrets,
};

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupEvent {
    /// From 1, and growing by one.
    pub seq: u64,
    /// When it happened, on the clock of the group.
    pub at: Moment,
    /// To which service; `None` for the group as a whole.
    pub service: Option<ServiceName>,
    /// In which of its runs.
    pub run: Option<RunId>,
    /// What has happened, with its details.
    pub kind: GroupEventKind,
    /// Somebody may want to be told of it who does not look.
    pub alert: Option<AlertKind>,
}

impl GroupEvent {
    /// One that has no number yet, and that nobody need be told of.
    pub fn new(at: Moment, service: Option<ServiceName>, run: Option<RunId>, kind: GroupEventKind) -> Self {
        Self { seq: 0, at, service, run, kind, alert: None }
    }
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupEventKind {
    /// A file changed that somebody watches.
    Change {
        /// Relative to the root of the group.
        path: Arc<str>,
        /// What happened to it.
        kind: ChangeKind,
        /// Who watches it.
        services: Arc<[ServiceName]>,
        /// The rule that says so.
        rule: Rule,
        /// All that had changed before has been decided: a batch of changes begins with it.
        begins: bool,
    },
    /// The first run was ordered.
    Start(RestartReason),
    /// A further run was ordered.
    Restart(RestartReason),
    /// It is ready, so long after its start.
    Ready(Duration),
    /// A run has ended.
    Exit {
        /// Exit code or signal of the leader.
        status: ExitStatus,
        /// It had been asked to.
        asked: bool,
        /// Why that was a failure, where the status does not say it.
        fault: Option<Fault>,
        /// How long it ran.
        uptime: Duration,
    },
    /// Something has come of tasks, in a sentence.
    Task(TaskEnd, Arc<str>),
    /// What its files became is tried before the run is replaced, or was tried, in a sentence.
    Validate(Arc<str>),
    /// Changes are held back from here on.
    Hold(HoldSnapshot),
    /// A hold has ended.
    Release(HoldSnapshot),
    /// Files of the group were read again and are in force.
    Reload {
        /// Those that were saved, for people.
        files: Arc<str>,
        /// As of a change.
        begins: bool,
    },
    /// Services have other numbers of instances, in a sentence.
    Scale(Arc<str>),
    /// The group is being stopped.
    Stop,
    /// Something is wrong, in a sentence.
    Error(Arc<str>),
    /// Something worth knowing, in a sentence.
    Notice(Arc<str>),
}

/// Why a run was ordered.
#[derive(Clone, Debug, PartialEq)]
pub struct RestartReason {
    /// What the run was ordered for.
    pub cause: StartCause,
    /// If a file has changed: the rule by which that matters, if it is remembered.
    pub rule: Option<Rule>,
}

/// What has come of tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    /// This task is completed.
    Completed(TaskId),
    /// This task was cancelled.
    Cancelled(TaskId),
    /// This file is a dead letter: the id of its task, or its name.
    Dead(Arc<str>),
    /// All tasks of a batch have ended.
    Batch(Arc<str>),
    /// The breaker has opened: nothing is claimed for a while.
    BreakerOpen,
    /// The breaker has closed: tasks are claimed again.
    BreakerClosed,
}

impl TaskEnd {
    /// What the news come to; nothing while a task goes on.
    pub fn of(news: &TaskNews) -> Option<Self> {
        Some(match news {
            TaskNews::Completed { id, .. } => Self::Completed(id.clone()),
            TaskNews::Cancelled { id } => Self::Cancelled(id.clone()),
            TaskNews::Dead { name, .. } => Self::Dead(name.clone()),
            TaskNews::BatchDone { batch, .. } => Self::Batch(batch.clone()),
            TaskNews::BreakerOpen { .. } => Self::BreakerOpen,
            TaskNews::BreakerClosed => Self::BreakerClosed,
            _ => return None,
        })
    }

    /// The word of the machine-readable outputs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Completed(_) => "completed",
            Self::Cancelled(_) => "cancelled",
            Self::Dead(_) => "dead",
            Self::Batch(_) => "batch-done",
            Self::BreakerOpen => "breaker-open",
            Self::BreakerClosed => "breaker-closed",
        }
    }

    /// The task, if it is about one.
    pub fn task(&self) -> Option<&str> {
        match self {
            Self::Completed(id) | Self::Cancelled(id) => Some(id.as_str()),
            Self::Dead(name) => Some(name),
            Self::Batch(_) | Self::BreakerOpen | Self::BreakerClosed => None,
        }
    }

    /// The batch, if it is about one.
    pub fn batch(&self) -> Option<&str> {
        match self {
            Self::Batch(batch) => Some(batch),
            _ => None,
        }
    }
}

impl GroupEventKind {
    /// A batch of changes begins with it.
    pub fn begins_batch(&self) -> bool {
        matches!(self, Self::Change { begins: true, .. } | Self::Reload { begins: true, .. })
    }

    /// The word of the machine-readable outputs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Change { .. } => "change",
            Self::Start(_) => "start",
            Self::Restart(_) => "restart",
            Self::Ready(_) => "ready",
            Self::Exit { .. } => "exit",
            Self::Task(..) => "task",
            Self::Validate(_) => "validate",
            Self::Hold(_) => "hold",
            Self::Release(_) => "release",
            Self::Reload { .. } => "reload",
            Self::Scale(_) => "scale",
            Self::Stop => "stop",
            Self::Error(_) => "error",
            Self::Notice(_) => "notice",
        }
    }
}

/// What there is to say beyond the word and the service; may be empty. On one line, without secrets.
impl fmt::Display for GroupEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change { path, kind, .. } => write!(f, "{} {kind}", visible(path)),
            Self::Start(reason) | Self::Restart(reason) => reason.cause.fmt(f),
            Self::Ready(after) => write!(f, "{} after start", human(*after)),
            Self::Exit { status, fault: Some(fault), .. } => write!(f, "{status}, {fault}"),
            Self::Exit { status, asked, fault: None, .. } => {
                write!(f, "{status}{}", if *asked { ", as requested" } else { "" })
            }
            Self::Hold(hold) | Self::Release(hold) => hold.fmt(f),
            Self::Scale(text) | Self::Validate(text) | Self::Error(text) | Self::Notice(text) | Self::Task(_, text) => {
                f.write_str(&visible(&without_secrets(text)))
            }
            Self::Reload { files, .. } => f.write_str(&visible(files)),
            Self::Stop => Ok(()),
        }
    }
}
