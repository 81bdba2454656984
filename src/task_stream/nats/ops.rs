//! What is done with the server side by side, and what came of it.

use std::sync::Arc;

use async_nats::jetstream::Message;
use futures_util::future::LocalBoxFuture;

use super::super::names;
use super::super::record::Lease;
use super::super::words::{Delivered, News, Wrote};
use crate::domain::{ServiceName, TaskId};

/// One thing that is done.
pub(super) type Op = LocalBoxFuture<'static, Done>;

/// What came of one.
pub(super) enum Done {
    /// Nobody waits for it.
    Nothing,
    /// To be told.
    News(News),
    /// A task was published, or refused.
    Published { worker: ServiceName, id: TaskId, told: Result<News, String> },
    /// A write about a delivered task. The lease as it is now; none: it is not ours any more.
    Wrote { worker: ServiceName, id: TaskId, wrote: Wrote, lease: Option<Lease> },
    /// A message was looked at: a task that is ours, or none.
    Judged { worker: ServiceName, epoch: u64, task: Option<(Box<Delivered>, Lease)> },
    /// What several consumers had. `asked`: how many were wanted, of which priorities.
    Swept { worker: ServiceName, epoch: u64, asked: u32, messages: Vec<Fetched> },
}

/// A message of the stream of tasks.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) reply: Arc<str>,
    /// For the nth time.
    pub(super) delivery: u64,
    pub(super) id: Option<TaskId>,
    pub(super) generation: u64,
    pub(super) origin: String,
    pub(super) task: Vec<u8>,
}

impl Fetched {
    /// `None`: it has not come by a consumer.
    pub(super) fn of(message: &Message) -> Option<Self> {
        let delivery = message.info().ok()?.delivered;
        let header = |name: &str| header(message, name);
        Some(Self {
            reply: Arc::from(message.reply.as_ref()?.as_str()),
            delivery: u64::try_from(delivery).unwrap_or_default(),
            id: header(names::ID).as_deref().and_then(TaskId::parse),
            generation: header(names::GENERATION).and_then(|text| text.parse().ok()).unwrap_or_default(),
            origin: header(names::ORIGIN).unwrap_or_default(),
            task: message.payload.to_vec(),
        })
    }
}

/// A header of a message.
pub(super) fn header(message: &Message, name: &str) -> Option<String> {
    message.headers.as_ref()?.get(name).map(|value| value.as_str().to_owned())
}
