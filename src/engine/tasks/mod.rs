//! The decisions about task files: one synchronous state machine for all workers of a group, beside that for services.
//!
//! Architecture invariant: as in `engine`, nothing here reads a clock, sleeps, locks or does input or output. A folder
//! is known by events only; what is done to it is an effect, and what came of that is the next event.
//!
//! The rooms: `machine` takes an event in; `work` is a worker from its begin to its end; `arrivals` judges files,
//! `routing` those that have no folder of their own, `queue` keeps their order; `waits` knows who waits for whom and
//! `circles` who does so without effect; `tries` begins and ends tries, and `circuit` says when none may begin; `claim` is what is
//! known of a claimed task, and `endings` what is written of it, step by step; `trouble` is when nothing can be written;
//! `asks` is what people want of single tasks; `batches` counts, and `timers` wake; `server` is what is different where tasks
//! go through one.

mod arrivals;
mod asks;
mod batches;
mod circles;
mod circuit;
mod claim;
mod effect;
mod endings;
mod event;
mod machine;
mod queue;
mod routing;
mod server;
#[cfg(test)]
mod tests;
mod timers;
mod tries;
mod trouble;
mod turn;
mod waits;
mod work;

pub use effect::{LetterWords, ResultOutcome, TaskEffect, TaskWrite};
pub use event::{CameBack, ClaimResult, Subject, TaskEvent, WriteResult};
pub use machine::TaskEngine;
