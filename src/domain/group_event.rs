//! What has happened to a group, one thing at a time: for those who listen instead of looking.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{
    ChangeKind, ExitStatus, Fault, HoldSnapshot, Moment, Rule, RunId, ServiceName, StartCause, human, visible,
    without_secrets,
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
    },
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
            Self::Exit { status, asked, fault: None } => {
                write!(f, "{status}{}", if *asked { ", as requested" } else { "" })
            }
            Self::Hold(hold) | Self::Release(hold) => hold.fmt(f),
            Self::Scale(text) | Self::Validate(text) | Self::Error(text) | Self::Notice(text) => {
                f.write_str(&visible(&without_secrets(text)))
            }
            Self::Reload { files, .. } => f.write_str(&visible(files)),
            Self::Stop => Ok(()),
        }
    }
}
