//! What a group and its server have to say to each other.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{FoundTries, LastTry, Priority, ServiceName, TaskId, TaskStatus};

/// What a group wants of its server.
#[derive(Debug)]
pub enum Order {
    /// From now on the tasks of a worker go through it.
    Open {
        /// Whose.
        worker: ServiceName,
        /// What the server knows the folder by.
        origin: Arc<str>,
        /// How long a delivered task is ours without a word from us. The first one to ask for its consumers decides.
        lease: Duration,
    },
    /// They do so no longer. Leases are not renewed.
    Close {
        /// Whose.
        worker: ServiceName,
    },
    /// Publish a task. Answers: `Published` or `NotPublished`.
    Publish(Box<Publish>),
    /// End a task that is published: by who tries it, or at once.
    CallOff {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// Its result, if nobody tries it.
        result: Vec<u8>,
        /// Its trigger then.
        trigger: Vec<u8>,
    },
    /// Forget an ended task: its id is free.
    Forget {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
    },
    /// Fetch the tasks back that came from this folder. Answers: `Recalled`.
    Drain {
        /// Whose.
        worker: ServiceName,
    },
    /// All of them are back.
    Drained {
        /// Whose.
        worker: ServiceName,
    },
    /// What was told with this subject is done.
    Settle {
        /// The one that came with it.
        reply: Arc<str>,
    },
    /// This many tasks are wanted.
    Want {
        /// By whom.
        worker: ServiceName,
        /// How many.
        places: u32,
        /// How many had been delivered to it when that was decided, in all.
        seen: u64,
    },
    /// Something is to be written of a delivered task. Answer: `Wrote`.
    Write {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// What.
        write: Write,
    },
    /// A delivered task is over here: it is acknowledged.
    Finish {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
    },
    /// A delivered task is not wanted: somebody else gets it at once.
    Return {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
    },
    /// A heartbeat.
    Beat {
        /// Whose.
        worker: ServiceName,
        /// As it is written into its file.
        heartbeat: Vec<u8>,
    },
}

/// A task that is published.
#[derive(Debug)]
pub struct Publish {
    /// Whose.
    pub worker: ServiceName,
    /// Which.
    pub id: TaskId,
    /// Which of the four subjects.
    pub priority: Priority,
    /// What tells this publication from others of the same id.
    pub token: Arc<str>,
    /// Its bytes, as they came.
    pub task: Vec<u8>,
    /// Tries that have failed here before.
    pub retry_count: u32,
    /// The last of them.
    pub last: Option<LastTry>,
}

/// What is written of a delivered task.
#[derive(Debug)]
pub enum Write {
    /// A try begins. `Missing`: the task is somebody else's.
    Begin {
        /// Tries that have failed.
        retry_count: u32,
        /// The last of them.
        last: Option<LastTry>,
        /// What tells its folder of it, before the first try.
        receipt: Option<Vec<u8>>,
    },
    /// A try has failed; the next one is wanted after a wait, from any group that has a place. Always `Missing` if it works.
    Rest {
        /// Tries that have failed.
        retry_count: u32,
        /// The last of them.
        last: Option<LastTry>,
        /// The wait.
        wait: Duration,
    },
    /// It was not tried, or does not count.
    GiveBack,
    /// The result. `Missing`: there is another one.
    Result(Arc<[u8]>),
    /// The dead letter.
    Letter(Vec<u8>),
    /// The trigger for its folder.
    Trigger {
        /// As it is written into its file there, but for the paths.
        trigger: Vec<u8>,
        /// For people: `exit 1`.
        why: Arc<str>,
    },
}

/// What came of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// It is there.
    Done,
    /// The task is not ours any more.
    Missing,
    /// It could not be written, for all that is known; why, for people.
    Failed(Arc<str>),
}

/// What a server has to say.
#[derive(Debug)]
pub enum News {
    /// It can be reached.
    Up {
        /// The largest message, in bytes.
        largest: usize,
        /// Its streams are new: what was there is gone.
        is_new: bool,
    },
    /// It cannot be reached; why, for people.
    Down(Arc<str>),
    /// It has a task.
    Published(ServiceName, TaskId),
    /// It does not take it; why, for people.
    NotPublished(ServiceName, TaskId, Arc<str>),
    /// A task was taken. `Settle` it.
    Received {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// The receipt.
        receipt: Vec<u8>,
        /// For `Settle`.
        reply: Arc<str>,
    },
    /// A task has ended. `Settle` it.
    CameBack {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// Of which publication.
        token: Arc<str>,
        /// Its result.
        result: Vec<u8>,
        /// How its last try ended, for people.
        why: Arc<str>,
        /// For `Settle`.
        reply: Arc<str>,
    },
    /// A task is with the server no longer. `Settle` it when its file waits again.
    Recalled {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// Of which publication.
        token: Arc<str>,
        /// What was tried.
        tries: FoundTries,
        /// For `Settle`.
        reply: Arc<str>,
    },
    /// A task for a place.
    Delivered(Box<Delivered>),
    /// What came of a write.
    Wrote(ServiceName, TaskId, Wrote),
    /// Somebody wants a delivered task to end.
    CalledOff(ServiceName, TaskId),
}

/// A task from the server.
#[derive(Debug)]
pub struct Delivered {
    /// Whose.
    pub worker: ServiceName,
    /// Which.
    pub id: TaskId,
    /// Its bytes.
    pub task: Vec<u8>,
    /// What was tried; none: nothing.
    pub tries: Option<FoundTries>,
    /// It has a result already.
    pub result: Option<TaskStatus>,
    /// Somebody wants it to end.
    pub cancelled: bool,
    /// The token of its publication: whether it came from here.
    pub token: Arc<str>,
}
