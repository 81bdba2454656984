//! What the decisions about tasks want done. The adapter answers each with an event.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::task::TaskEnd;
use crate::domain::{
    DeadReason, FoundTries, ServiceName, Signal, SignalTarget, TaskHead, TaskId, TaskNews, TaskStatus, TriesNote,
};

use super::event::Subject;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskEffect {
    /// Lock the folder, end what the predecessor has left running, look at what is claimed. Answers: `Standby`, later
    /// `Owned`; or `Refused`.
    Lock {
        /// Whose.
        worker: ServiceName,
    },
    /// Give the folder back, or wait for it no longer. No answer.
    Unlock {
        /// Whose.
        worker: ServiceName,
    },
    /// Tell all files of a folder. Answers: `Arrived` or `Unrouted` for each, then `Listed`.
    List {
        /// Whose; none for `tasks/*.json`.
        worker: Option<ServiceName>,
    },
    /// Look at a file again. Answers: `Arrived`, `Unrouted` or `Gone`.
    LookAgain {
        /// In whose folder; none for `tasks/*.json`.
        worker: Option<ServiceName>,
        /// Its name.
        file: Arc<str>,
    },
    /// Move a file to `.work`, if there is no result for it, and read it there. Answer: `Claimed`.
    Claim {
        /// Whose.
        worker: ServiceName,
        /// Its name.
        file: Arc<str>,
        /// Its id.
        id: TaskId,
    },
    /// Write something, or move a file. Answer: `Written`.
    Write {
        /// Whose; none for a file of `tasks/*.json`.
        worker: Option<ServiceName>,
        /// About what.
        subject: Subject,
        /// What.
        write: TaskWrite,
    },
    /// Write the result beside the claim, since it cannot be published. It does not matter if that fails too. No answer.
    Keep {
        /// Whose.
        worker: ServiceName,
        /// Of which task.
        id: TaskId,
        /// What the result says.
        outcome: ResultOutcome,
    },
    /// Start a try. Answer: `TryEnded`, also when it cannot be started.
    Begin {
        /// Whose.
        worker: ServiceName,
        /// Of this task.
        head: TaskHead,
        /// `TASK_TRY`: from 1.
        number: u32,
    },
    /// Publish a claimed task. Answers: `Published` or `NotPublished`, later `TakenElsewhere` and `CameBack`.
    Publish {
        /// Whose.
        worker: ServiceName,
        /// This one.
        head: TaskHead,
        /// What was tried of it here.
        tries: FoundTries,
    },
    /// End a task that is published. Answer: `CameBack`.
    CallOff {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
    },
    /// A signal for a try and all that descends from it.
    Signal {
        /// Whose.
        worker: ServiceName,
        /// Of which task.
        id: TaskId,
        /// Which.
        signal: Signal,
        /// To which of its processes.
        target: SignalTarget,
    },
    /// Run the stop command of the worker for a try.
    StopCommand {
        /// Whose.
        worker: ServiceName,
        /// Of which task.
        id: TaskId,
    },
    /// Say what the folders know of a task that others wait for, now and whenever it changes. Answer: `Outside`.
    Follow {
        /// Whose tasks wait: its folders are looked at first.
        worker: ServiceName,
        /// For which.
        id: TaskId,
    },
    /// Nobody waits for it any more. No answer.
    Unfollow {
        /// Whose tasks have waited.
        worker: ServiceName,
        /// For which.
        id: TaskId,
    },
    /// Write the heartbeat (`TaskEngine::heartbeat`). Answer: `BeatWritten`.
    Heartbeat {
        /// Whose.
        worker: ServiceName,
    },
    /// Follow the heartbeat of a worker that somebody else works for. Answers: `Beat`, now and at each change.
    FollowBeat {
        /// Whose.
        worker: ServiceName,
    },
    /// Write `orchestrator.json` (`TaskEngine::batches` and its neighbours). No answer.
    Aggregate,
    /// Begin a new generation of an ended task, and tell who has asked. No answer but the file that comes back.
    Renew {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// Who is told.
        ask: u64,
    },
    /// Remove all that is left of an ended task, and tell who has asked. No answer but `Dropped` and `DeadLetters`.
    Remove {
        /// Whose.
        worker: ServiceName,
        /// Which.
        id: TaskId,
        /// Who is told.
        ask: u64,
    },
    /// Move a file of `tasks/*.json` to its worker, without overwriting. Nothing is said if somebody else was first.
    Route {
        /// Its name.
        file: Arc<str>,
        /// Whose it is.
        to: ServiceName,
    },
    /// For the worker's log.
    Tell {
        /// Whose.
        worker: ServiceName,
        /// What has happened.
        news: TaskNews,
    },
    /// For who has asked.
    Answer {
        /// Who.
        ask: u64,
        /// Done; or why not, for people.
        result: Result<(), Arc<str>>,
    },
    /// The run of the worker is over.
    Over {
        /// Which.
        worker: ServiceName,
        /// Why it could not work, for people.
        problem: Option<Arc<str>>,
    },
}

/// What is written. Everything may be asked for twice: what is there already is no fault.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskWrite {
    /// `triggers/<worker>/<id>.json`, replacing an older one.
    Receipt {
        /// The number of the try that follows.
        number: u32,
        /// Of the task.
        batch: Option<Arc<str>>,
    },
    /// `.work/<id>.tries.json`, replacing an older one.
    Tries(TriesNote),
    /// `results/<worker>/<id>.json`, by a link that overwrites nothing.
    Result(ResultOutcome),
    /// `dlq/<worker>/`, beside older ones. To bury what is buried already (all the same but for the time) writes no second
    /// letter. Of a file in `tasks/` itself the file goes, or is moved there if it is no JSON.
    Letter(LetterWords),
    /// A file that waits becomes a dead letter: first the letter, then the trigger if a task ends by it, then the file
    /// goes. A crash between two of these leaves the file, and all of it is done again, without a second letter.
    Burial {
        /// What the letter says.
        words: LetterWords,
        /// It is the task of its id that is dead, and not a second file of that id: there is a trigger.
        ends_task: bool,
        /// Its batch, for the trigger.
        batch: Option<Arc<str>>,
    },
    /// `triggers/orchestrator/<worker>.<id>.json`, replacing an older one. The task has a result.
    Trigger {
        /// How it has ended.
        end: TaskEnd,
        /// Of its last try.
        exit_code: Option<i32>,
        /// Tries that have failed and were followed by another one.
        retry_count: u32,
        /// Its dead letter: the path that `Written` has told.
        letter: Option<Arc<str>>,
        /// Its batch.
        batch: Option<Arc<str>>,
    },
    /// The claim, what was tried, and the result that was kept are removed: the task is over.
    Removal,
    /// The claim is moved to `tasks/<worker>/`: to this name, or to another one if that is taken. What was tried stays,
    /// if the flag says so.
    GiveBack {
        /// The name that it had.
        file: Arc<str>,
        /// Tries have failed before.
        keep_tries: bool,
    },
}

/// What a result says beside the output.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultOutcome {
    /// `status`.
    pub status: TaskStatus,
    /// `exit_code`; none where there was no try, or nobody saw its end.
    pub exit_code: Option<i32>,
    /// `retry_count`.
    pub retry_count: u32,
    /// `duration_seconds`.
    pub took: Duration,
    /// `batch`.
    pub batch: Option<Arc<str>>,
}

/// What a dead letter says behind the keys of its task.
#[derive(Clone, Debug, PartialEq)]
pub struct LetterWords {
    /// `dlq_reason`.
    pub reason: DeadReason,
    /// `dlq_detail`.
    pub detail: Arc<str>,
    /// Its id, if it can have one: the name of the letter.
    pub id: Option<TaskId>,
    /// `retry_count`.
    pub retry_count: u32,
    /// `last_exit_code`.
    pub last_exit_code: Option<i32>,
}
