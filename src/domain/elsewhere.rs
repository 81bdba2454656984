//! A job that is run in another terminal (`devgroup run`).

use std::sync::Arc;

use super::{Loss, Moment, ServiceName};

/// What somebody wants to run in his terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElsewhereRun {
    /// That of no other one.
    pub id: u64,
    /// Name of the job.
    pub job: ServiceName,
    /// The process that runs it, for people.
    pub pid: u32,
    /// How it ends is how the job ends: it has no arguments of its own.
    pub counts: bool,
}

/// A run in another terminal, as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// As in [`ElsewhereRun::id`].
    pub id: u64,
    /// The process that runs it.
    pub pid: u32,
    /// When it began, or was asked for.
    pub since: Moment,
    /// What must be there before it begins, for people: `waiting for db to be ready`. `None`: it has begun.
    pub waits_for: Option<Arc<str>>,
    /// One of those that will not come by itself.
    pub lost: Option<Loss>,
}
