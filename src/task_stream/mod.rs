//! Tasks through a NATS server, for workers on several machines: the second adapter beside `task_folder`. It decides nothing
//! about tasks either: `engine::tasks` says what is published, tried, tried again and buried.
//!
//! # What is where
//!
//! | on the server | what it holds |
//! |---|---|
//! | stream `TASKS`, subjects `tasks.<worker>.<priority>` | the bytes of each task until it has ended: a work queue, with one durable pull consumer for each worker and priority, and deliveries without limit |
//! | bucket `TASK_STATES`, a key for each task | its record: whose folder, which generation, what was tried, and its result. A change needs the number of the last change |
//! | bucket `TASK_RESULTS`, a key for each generation | a copy of the result, for others to read; it is only ever created |
//! | stream `TASK_TRIGGERS`, subjects `triggers.<origin>.<worker>` | receipts and ends, on their way to the folder that a task came from |
//! | stream `TASK_DEAD_LETTERS`, subjects `dead_letters.<worker>` | dead letters, to be read by anybody |
//! | bucket `TASK_HEARTBEATS`, a key for each worker of each folder | heartbeats, which fade |
//!
//! # The steps of a task
//!
//! 1. *Folder:* its file is claimed as ever (`.work/<id>.task.json`) when all that it depends on is completed. The note beside
//!    it says `published`, and when: the token of this publication.
//! 2. The record is created, or a new generation begun; then the task is published. A crash in between: the same again. The
//!    token tells an attempt of ours from another task, and `Nats-Msg-Id` keeps the second message out.
//! 3. *Tries:* a message is fetched when there is a place. The record must be as the message says, and have no result.
//! 4. The record says `running` and by which delivery; then the receipt; then the try. The lease is renewed meanwhile. Who
//!    finds `running` in a later delivery counts that try as interrupted. In a delivery that is no later, the server has
//!    forgotten what it did, and the other one may live: the lease is waited for once more.
//! 5. A failed try: the record counts it, then the message is given back for the time of the wait. Without retries left: the
//!    record gets the result, then the dead letter is published, then the trigger beside the copy of the result, and only
//!    then is the message acknowledged. One change of the record both ends the task and keeps others from beginning it, so
//!    no try begins after the result. Who is too late with a result has lost the task.
//! 6. *Folder:* the trigger comes back, the result is read from the record, and from there on it is as if the try had run here: result,
//!    dead letter, trigger, the claim goes. Then the trigger is acknowledged.
//!
//! A message is acknowledged after all that follows from it. What a crash leaves is delivered again, and each step finds that
//! it was done. A server that comes back empty is given all tasks again.
//!
//! Going back (`task drain`): the folder fetches its own messages, marks their records `recalled`, moves the files back to
//! those that wait, and acknowledges. What is tried meanwhile ends as usual.

mod link;
#[cfg(feature = "nats")]
mod names;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "nats")]
mod record;
mod words;

pub use link::Link;
pub use words::{Delivered, News, Order, Publish, Write, Wrote};
