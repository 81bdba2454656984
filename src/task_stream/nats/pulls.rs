//! Asking consumers for messages.
//!
//! A task of a higher priority comes first: free places are filled by looking through the consumers in their order. When
//! they have nothing more, each is asked to send one as soon as there is one. A consumer that was asked so has nothing, and
//! need not be looked through.

use std::time::Duration;

use async_nats::jetstream::Message;
use futures_util::StreamExt as _;
use futures_util::stream::{self, LocalBoxStream};
use tokio::time::timeout;

use super::ops::{Done, Fetched, Op};
use super::server::Pull;
use crate::domain::{ServiceName, TaskId};

/// How long a consumer may take to send something.
const LONG: Duration = Duration::from_secs(600);

/// How long one may take to say that it has nothing.
const SHORT: Duration = Duration::from_secs(5);

/// How many returned messages are asked for at once.
const BACK: usize = 64;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Tasks of this place among the priorities.
    Tasks(usize),
    /// The messages that return to our folders.
    Back,
}

/// Something was heard.
pub(super) enum Heard {
    Message {
        worker: ServiceName,
        epoch: u64,
        what: What,
        message: Box<Message>,
    },
    /// Nothing more comes until it is asked again.
    Over {
        worker: ServiceName,
        epoch: u64,
        what: What,
    },
    /// A task is to end.
    CalledOff(ServiceName, TaskId),
}

/// Asks one consumer, which may take its time.
pub(super) fn ask(pull: Pull, worker: ServiceName, epoch: u64, what: What) -> LocalBoxStream<'static, Heard> {
    let most = if what == What::Back { BACK } else { 1 };
    let asked = async move { pull.batch().max_messages(most).expires(LONG).messages().await };
    let (of, its) = (worker.clone(), worker);
    let messages = stream::once(asked).flat_map(|asked| match asked {
        Ok(batch) => batch.left_stream(),
        Err(error) => {
            log::debug!("nats: {error}");
            stream::empty().right_stream()
        }
    });
    let heard = messages.filter_map(move |message| {
        let worker = of.clone();
        let heard = message.inspect_err(|error| log::debug!("nats: {error}")).ok();
        std::future::ready(heard.map(|message| Heard::Message { worker, epoch, what, message: Box::new(message) }))
    });
    heard.chain(stream::once(async move { Heard::Over { worker: its, epoch, what } })).boxed_local()
}

/// Looks through consumers in their order, until that many tasks are found.
pub(super) fn sweep(pulls: Vec<Pull>, worker: ServiceName, epoch: u64, asked: u32) -> Op {
    Box::pin(async move {
        let mut messages = Vec::new();
        for pull in pulls {
            let left = (asked as usize).saturating_sub(messages.len());
            if left == 0 {
                break;
            }
            match pull.fetch().max_messages(left).messages().await {
                // Without an answer it is over after a while: a message that is lost is delivered again.
                Ok(mut batch) => {
                    while let Ok(Some(Ok(message))) = timeout(SHORT, batch.next()).await {
                        messages.extend(Fetched::of(&message));
                    }
                }
                Err(error) => log::debug!("nats: {error}"),
            }
        }
        Done::Swept { worker, epoch, asked, messages }
    })
}
