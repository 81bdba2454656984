//! What can happen to the tasks of a group.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::task::{EndedOfBatch, Heartbeat};
use crate::domain::{
    DependencyState, EndedTry, FileStamp, FoundClaim, FoundTries, LastTry, ServiceName, Standby, StopSpec, TaskHead,
    TaskId, TaskRefusal, TaskStats, TaskStatus, WorkerSpec,
};

/// One thing that has happened. The answer to an effect is an event as well.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskEvent {
    /// These are the workers of the group, whether they work or not: tasks may name them.
    Group {
        /// All of them.
        workers: Vec<ServiceName>,
    },
    /// A worker is to work.
    Begin {
        /// Which.
        worker: ServiceName,
        /// What the file says of it.
        spec: Arc<WorkerSpec>,
        /// How its tries are ended.
        stop: StopSpec,
    },
    /// The file says something else of a worker that works: concurrency, timeout, retries, backoff, breaker, heartbeat, stop.
    Respec {
        /// Which.
        worker: ServiceName,
        /// What it says now.
        spec: Arc<WorkerSpec>,
        /// How its tries are ended from now on.
        stop: StopSpec,
    },
    /// The folder belongs to somebody else; it is waited for.
    Standby {
        /// Whose worker.
        worker: ServiceName,
        /// To whom.
        owner: Standby,
    },
    /// What has ended of its batches, by the files that were there when its folder became its own.
    Batches {
        /// Of which worker.
        worker: ServiceName,
        /// All of them.
        ended: Vec<EndedOfBatch>,
    },
    /// The folder is locked, and nothing of the predecessor runs any more.
    Owned {
        /// Whose.
        worker: ServiceName,
        /// From its last heartbeat.
        stats: TaskStats,
        /// Dead letters in its folder.
        dead: u32,
        /// What the predecessor has left.
        claims: Vec<FoundClaim>,
    },
    /// The folder cannot be locked, or not be made.
    Refused {
        /// Whose.
        worker: ServiceName,
        /// Why, for people.
        problem: Arc<str>,
    },
    /// A file is in the folder: it is new, it was written to, or it was looked at again.
    Arrived {
        /// In whose.
        worker: ServiceName,
        /// Its name.
        file: Arc<str>,
        /// Of this content.
        stamp: FileStamp,
        /// What is in it.
        found: Result<TaskHead, TaskRefusal>,
        /// There is a result for its id. Looked at after the file.
        has_result: bool,
    },
    /// The same for `tasks/*.json`.
    Unrouted {
        /// Its name.
        file: Arc<str>,
        /// Of this content.
        stamp: FileStamp,
        /// The worker that it names, if it names one.
        found: Result<Option<Arc<str>>, TaskRefusal>,
        /// `tasks/<that worker>/` exists: another group's worker may be meant.
        has_folder: bool,
    },
    /// A file is gone.
    Gone {
        /// From whose folder; none for `tasks/*.json`.
        worker: Option<ServiceName>,
        /// Its name.
        file: Arc<str>,
    },
    /// All files of a folder have been told since [`TaskEffect::List`](super::TaskEffect::List): what was not, is gone.
    Listed {
        /// Whose; none for `tasks/*.json`.
        worker: Option<ServiceName>,
    },
    /// Events were lost, or the folder was made anew: it has to be listed.
    ListAgain {
        /// Whose; none for `tasks/*.json`.
        worker: Option<ServiceName>,
    },
    /// What came of a claim.
    Claimed {
        /// Whose.
        worker: ServiceName,
        /// Of which task.
        id: TaskId,
        /// What.
        result: ClaimResult,
    },
    /// What came of a write.
    Written {
        /// Whose; none for a file of `tasks/*.json`.
        worker: Option<ServiceName>,
        /// Of what.
        subject: Subject,
        /// What.
        result: WriteResult,
    },
    /// What came of a heartbeat.
    BeatWritten {
        /// Whose.
        worker: ServiceName,
        /// Why it could not be written.
        problem: Option<Arc<str>>,
    },
    /// A try is over, with all that descended from it.
    TryEnded {
        /// Whose.
        worker: ServiceName,
        /// Of which task.
        id: TaskId,
        /// How.
        ended: EndedTry,
    },
    /// What the folders say of a task that others wait for.
    Outside {
        /// Whose tasks.
        worker: ServiceName,
        /// For which.
        id: TaskId,
        /// What.
        state: DependencyState,
    },
    /// How many dead letters there are, after somebody has removed some.
    DeadLetters {
        /// In whose folder.
        worker: ServiceName,
        /// How many.
        count: u32,
    },
    /// All that was left of an ended task was removed.
    Dropped {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
    },
    /// The heartbeat of a worker that somebody else works for was looked at.
    Beat {
        /// Whose.
        worker: ServiceName,
        /// What it says, and how old it is; none if there is none.
        beat: Option<(Heartbeat, Duration)>,
    },
    /// Somebody wants a task to end.
    Cancel {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// Who is told.
        ask: u64,
    },
    /// Somebody wants a dead or cancelled task to be tried anew; one that waits for its next try is tried at once.
    Retry {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// Who is told.
        ask: u64,
    },
    /// Somebody wants all that is left of an ended task to go.
    Drop {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// Who is told.
        ask: u64,
    },
    /// Whether its server can be reached.
    Server {
        /// Whose.
        worker: ServiceName,
        /// Why not, for people; none: it can.
        problem: Option<Arc<str>>,
        /// What it had is gone.
        is_new: bool,
    },
    /// Nothing more is to be published, and nothing more to be taken from the server: its tasks come back.
    Drain {
        /// Whose.
        worker: ServiceName,
    },
    /// The server has a task.
    Published {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
    },
    /// Somebody has taken a task from the server.
    TakenElsewhere {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
    },
    /// The server has a task of this id already, which is none of this folder. The file waits again.
    NotPublished {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// The name that its file has now.
        file: Arc<str>,
        /// Why, for people.
        detail: Arc<str>,
    },
    /// What came of a task that was published.
    CameBack {
        /// Whose.
        worker: ServiceName,
        /// Of which task.
        id: TaskId,
        /// What.
        outcome: CameBack,
    },
    /// A task that was published waits here again.
    Recalled {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// What was tried.
        tries: FoundTries,
    },
    /// A task from the server, which is ours as long as we say that it is.
    Delivered {
        /// Whose.
        worker: ServiceName,
        /// What is known of it. Without tries nobody has begun it; where one had begun, who did so is gone.
        claim: Box<FoundClaim>,
        /// Somebody wants it to end.
        cancel: bool,
    },
    /// A worker is to stop. Running tasks are given back.
    Stop {
        /// Which.
        worker: ServiceName,
        /// With KILL at once.
        kill: bool,
    },
    /// It is now.
    TimePassed,
}

/// What came of a task that somebody else may have tried.
#[derive(Clone, Debug, PartialEq)]
pub struct CameBack {
    /// How it ended.
    pub status: TaskStatus,
    /// Its last try.
    pub last: LastTry,
    /// Tries that have failed and were followed by another one.
    pub retry_count: u32,
    /// How long the last one took.
    pub took: Duration,
}

/// What is written about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A claimed task.
    Task(TaskId),
    /// A file that cannot be claimed.
    File(Arc<str>),
}

/// What came of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimResult {
    /// The file is in `.work`, and was read again there: this is what runs.
    Taken {
        /// What is in it.
        found: Result<TaskHead, TaskRefusal>,
        /// What was tried before it was given back.
        tries: Option<FoundTries>,
    },
    /// There is a result for its id. Looked at before the file was touched, which is where it was.
    HasResult,
    /// There is a claim of this id already, of which nobody has told. The file is where it was.
    Exists,
    /// The file is gone.
    Lost,
    /// It cannot be moved; and why, for people.
    Failed(Arc<str>),
}

/// What came of a write.
#[derive(Clone, Debug, PartialEq)]
pub enum WriteResult {
    /// It is there; the path of a dead letter.
    Done(Option<Arc<str>>),
    /// It was there already: an earlier attempt, or our predecessor's.
    Existed,
    /// What it was about is gone, or is somebody else's.
    Missing,
    /// It cannot be written, nothing half is there; and why, for people.
    Failed(Arc<str>),
}
