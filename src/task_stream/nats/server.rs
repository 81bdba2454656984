//! What is on the server: made where it is missing, read and written.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::kv::{CreateErrorKind, Operation, Store, UpdateErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{AckKind, Context, ContextBuilder};
use async_nats::{Client, ConnectOptions, Event};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::names;
use super::super::record::Record;
use crate::domain::{Priority, ServiceName, TaskBackend, TaskId};

/// How long an answer of the server is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Within this time the server keeps a second message with the same `Nats-Msg-Id` out.
const WINDOW: Duration = Duration::from_secs(24 * 3600);

/// A heartbeat that is older than this is gone.
const BEATS_FADE: Duration = Duration::from_secs(120);

/// A consumer that is asked for tasks.
pub(super) type Pull = Consumer<pull::Config>;

/// All that is used of a server.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) client: Client,
    jetstream: Context,
    tasks: Stream,
    triggers: Stream,
    states: Store,
    results: Store,
    heartbeats: Store,
    /// When the stream of tasks was made.
    pub(super) made: String,
    /// The largest message, in bytes.
    pub(super) largest: usize,
}

/// What changing a record came to.
pub(super) enum Changed {
    /// It says so now; its number.
    Done(u64),
    /// Somebody has changed it since we have looked: what it says now.
    Conflict(Option<Record>),
}

/// What became of a message that is published.
pub(super) enum Sent {
    /// The server has it.
    Done,
    /// It is larger than the server takes.
    TooLarge,
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Server {
    /// Connects, and makes what is missing. Why not, for people.
    pub(super) async fn connect(backend: &TaskBackend) -> Result<(Self, UnboundedReceiver<Event>), String> {
        let (tell, events) = unbounded_channel();
        let options = ConnectOptions::new()
            .name("devgroup")
            .connection_timeout(PATIENCE)
            .request_timeout(Some(PATIENCE))
            // A lost connection is made anew from the begin, with the reason for people.
            .max_reconnects(Some(1))
            .event_callback(move |event| {
                // Without the session nobody needs to know.
                let _ = tell.send(event);
                std::future::ready(())
            });
        let addresses: Vec<String> = backend.addresses().map(str::to_owned).collect();
        let client = options.connect(addresses).await.map_err(|error| why(&error))?;
        let jetstream = ContextBuilder::new().timeout(PATIENCE).build(client.clone());
        let queue = |name: &str, subjects: &str, retention| stream::Config {
            name: name.into(),
            subjects: vec![subjects.into()],
            retention,
            storage: StorageType::File,
            duplicate_window: WINDOW,
            allow_direct: true,
            ..stream::Config::default()
        };
        let work = RetentionPolicy::WorkQueue;
        let tasks = made(&jetstream, queue(names::TASKS, names::ALL_TASKS, work)).await?;
        let triggers = made(&jetstream, queue(names::TRIGGERS, names::ALL_TRIGGERS, work)).await?;
        made(&jetstream, queue(names::DEAD_LETTERS, names::ALL_DEAD_LETTERS, RetentionPolicy::Limits)).await?;
        let states = bucket(&jetstream, names::STATES, None).await?;
        let results = bucket(&jetstream, names::RESULTS, None).await?;
        let heartbeats = bucket(&jetstream, names::HEARTBEATS, Some(BEATS_FADE)).await?;
        let made = format!("{:?}", tasks.cached_info().created);
        let largest = client.max_payload();
        Ok((Self { client, jetstream, tasks, triggers, states, results, heartbeats, made, largest }, events))
    }

    /// The consumer for the tasks of a worker with this priority.
    pub(super) async fn tasks_of(
        &self,
        worker: &ServiceName,
        priority: Priority,
        lease: Duration,
    ) -> Result<Pull, String> {
        let name = names::consumer(worker, priority);
        let config = pull::Config {
            durable_name: Some(name.clone()),
            filter_subject: names::tasks(worker, priority),
            ack_policy: AckPolicy::Explicit,
            ack_wait: lease,
            // Without limit: behind one, the server drops without a word. We count, and bury.
            max_deliver: -1,
            // Tasks between two tries count, and there may be many.
            max_ack_pending: -1,
            ..pull::Config::default()
        };
        self.tasks.get_or_create_consumer(&name, config).await.map_err(said)
    }

    /// The consumer of the messages that return to a folder.
    pub(super) async fn back_to(&self, origin: &str, worker: &ServiceName) -> Result<Pull, String> {
        let name = names::back(origin, worker);
        let config = pull::Config {
            durable_name: Some(name.clone()),
            filter_subject: names::triggers(origin, worker),
            ack_policy: AckPolicy::Explicit,
            ack_wait: PATIENCE,
            max_deliver: -1,
            ..pull::Config::default()
        };
        self.triggers.get_or_create_consumer(&name, config).await.map_err(said)
    }

    /// The record of a task, and its number.
    pub(super) async fn record(&self, worker: &ServiceName, id: &TaskId) -> Result<Option<(Record, u64)>, String> {
        let entry = self.states.entry(names::state(worker, id)).await.map_err(said)?;
        let entry = entry.filter(|entry| entry.operation == Operation::Put);
        Ok(entry.and_then(|entry| Some((Record::read(&entry.value)?, entry.revision))))
    }

    /// Changes a record of which this was the last change; 0: there is none.
    pub(super) async fn change(
        &self,
        worker: &ServiceName,
        id: &TaskId,
        record: &Record,
        revision: u64,
    ) -> Result<Changed, String> {
        let (key, text) = (names::state(worker, id), record.text());
        match revision {
            0 => match self.states.create(&key, text.into()).await {
                Ok(revision) => return Ok(Changed::Done(revision)),
                Err(error) if error.kind() == CreateErrorKind::AlreadyExists => {}
                Err(error) => return Err(said(error)),
            },
            revision => match self.states.update(&key, text.into(), revision).await {
                Ok(revision) => return Ok(Changed::Done(revision)),
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {}
                Err(error) => return Err(said(error)),
            },
        }
        // An attempt of ours may have come through without our hearing of it.
        match self.record(worker, id).await? {
            Some((found, revision)) if found == *record => Ok(Changed::Done(revision)),
            found => Ok(Changed::Conflict(found.map(|(record, _)| record))),
        }
    }

    /// Copies the result of an ended task to where others look for it. Nothing is overwritten.
    pub(super) async fn copy_result(&self, worker: &ServiceName, id: &TaskId, record: &Record) -> Result<(), String> {
        let Some(result) = &record.result else { return Ok(()) };
        let key = names::generation(worker, id, record.generation);
        match self.results.create(&key, result.to_vec().into()).await {
            Err(error) if error.kind() != CreateErrorKind::AlreadyExists => Err(said(error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Removes that copy.
    pub(super) async fn remove_result(&self, worker: &ServiceName, id: &TaskId, generation: u64) -> Result<(), String> {
        self.results.purge(names::generation(worker, id, generation)).await.map_err(said)
    }

    /// Publishes to a stream. The server has it, or had it already, when this is back.
    pub(super) async fn publish(
        &self,
        subject: String,
        message_id: &str,
        headers: &[(&str, String)],
        payload: Vec<u8>,
    ) -> Result<Sent, String> {
        let mut message = PublishMessage::build().payload(payload.into()).message_id(message_id);
        for (name, value) in headers {
            message = message.header(*name, value.as_str());
        }
        match self.jetstream.send_publish(subject, message).await {
            Ok(sent) => sent.await.map(|_| Sent::Done).map_err(said),
            Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => Ok(Sent::TooLarge),
            Err(error) => Err(said(error)),
        }
    }

    /// Writes a heartbeat.
    pub(super) async fn beat(&self, worker: &ServiceName, origin: &str, beat: Vec<u8>) -> Result<(), String> {
        self.heartbeats.put(names::heartbeat(worker, origin), beat.into()).await.map(drop).map_err(said)
    }

    /// Says what becomes of a message. Whether it is heard shows by its being delivered again.
    pub(super) async fn acknowledge(&self, reply: &str, kind: AckKind) {
        if let Err(error) = self.client.publish(reply.to_owned(), kind.into()).await {
            log::debug!("nats: {error}");
        }
    }

    /// Waits until all of that is on its way.
    pub(super) async fn flush(&self) {
        let _ = tokio::time::timeout(PATIENCE, self.client.flush()).await;
    }

    /// Tells those who try tasks of a worker that one is to end.
    pub(super) async fn call_off(&self, worker: &ServiceName, id: &TaskId) -> Result<(), String> {
        let payload = id.as_str().to_owned().into_bytes();
        self.client.publish(names::call_offs(worker), payload.into()).await.map_err(said)
    }
}

async fn made(jetstream: &Context, config: stream::Config) -> Result<Stream, String> {
    let name = config.name.clone();
    jetstream.get_or_create_stream(config).await.map_err(|error| format!("the stream {name}: {error}"))
}

/// A bucket is a stream of such a shape. The library makes one only after a question that servers before 2.10 answer in a way
/// that it does not understand.
async fn bucket(jetstream: &Context, name: &str, fades: Option<Duration>) -> Result<Store, String> {
    let config = stream::Config {
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        max_age: fades.unwrap_or_default(),
        storage: if fades.is_some() { StorageType::Memory } else { StorageType::File },
        discard: DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        num_replicas: 1,
        ..stream::Config::default()
    };
    made(jetstream, config).await?;
    jetstream.get_key_value(name).await.map_err(|error| format!("the bucket {name}: {error}"))
}

/// The last reason in the chain says it best: `Connection refused`.
fn why(error: &async_nats::ConnectError) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let text = last.to_string();
    // What the system says has its number behind it.
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
