//! What comes in: everything that can happen, as plain data.

use std::sync::Arc;
use std::time::SystemTime;

use crate::domain::{
    AlertDelivery, Command, Comparison, FileEvent, GitWork, GroupHistory, GroupSpec, Moment, RunId, RunReport, Scaling,
    ServiceName, WatchStatus,
};

/// Everything that can happen to a group.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The group begins: services that start by themselves are wanted from here on.
    Begin {
        /// Hold changes from the start (`--paused`).
        paused: bool,
    },
    /// What is remembered of earlier calls of devgroup. To come before the beginning.
    Recall {
        /// What the clock on the wall showed at the start of the program.
        start: SystemTime,
        /// The last runs of each service, in earlier calls of devgroup.
        past: GroupHistory,
    },
    /// A client asks for something. With an id, an [`Effect::Answer`](super::Effect::Answer) follows in the same turn.
    Client {
        /// Whom to answer.
        id: Option<u64>,
        /// What is asked.
        command: Command,
    },
    /// News of a run.
    Run {
        /// Of which service.
        service: ServiceName,
        /// Of which run.
        run: RunId,
        /// What happened to the run.
        report: RunReport,
    },
    /// Files changed, after the rules.
    Files(Vec<FileEvent>),
    /// The answer to an [`Effect::Compare`](super::Effect::Compare).
    Compared(Comparison),
    /// Git took or released its lock, or has moved the head.
    Git(GitWork),
    /// What the watcher does has changed.
    Watch(WatchStatus),
    /// The file was written, and is about to be read.
    FileWritten {
        /// When the news of it arrived.
        at: Moment,
    },
    /// The file was read again; what came of it came before this.
    FileRead {
        /// When the reading began.
        since: Moment,
    },
    /// The files of the group were read again and are valid.
    Reloaded {
        /// What they say.
        spec: Arc<GroupSpec>,
        /// Those that were saved, for people: `procgroup.toml`.
        files: Arc<str>,
    },
    /// The group as it is with other numbers of instances. What the file says is as before.
    Scaled {
        /// All of it.
        spec: Arc<GroupSpec>,
        /// What is different.
        scalings: Vec<Scaling>,
    },
    /// The file was read again and cannot be used: what was read before stays in force.
    FileRefused {
        /// The problem in one line.
        summary: Arc<str>,
        /// What to do about it.
        remedy: Arc<str>,
        /// The whole message.
        detail: Arc<str>,
    },
    /// Files that were refused say again what is in force.
    FileRestored {
        /// Those that were saved, for people.
        files: Arc<str>,
    },
    /// Something the user should know.
    Notice {
        /// Something is wrong.
        problem: bool,
        /// The problem in one line.
        summary: Arc<str>,
        /// The whole message; may be empty.
        detail: Arc<str>,
    },
    /// A program was told of an alert, or was not.
    AlertTold(AlertDelivery),
    /// Nothing but time has passed.
    TimePassed,
}
