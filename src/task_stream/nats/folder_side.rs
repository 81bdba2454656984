//! Tasks of folders of this group: published, called off, recalled, and come back.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};

use super::super::names;
use super::super::record::{Delivery, Publishing, Record, delivery, publishing};
use super::super::words::{News, Publish};
use super::ops::{Done, Fetched, Op, header};
use super::server::{Changed, Sent, Server};
use super::try_side::{LOOKS, Task, tell_end};
use crate::domain::{ServiceName, TaskId};

/// What the server could not do is done again after this time.
const SOON: Duration = Duration::from_secs(1);

/// Publishes a task. `again`: that has failed just now.
pub(super) fn publish(server: Rc<Server>, origin: Arc<str>, task: Arc<Publish>, again: bool) -> Op {
    Box::pin(async move {
        if again {
            tokio::time::sleep(SOON).await;
        }
        let (worker, id) = (task.worker.clone(), task.id.clone());
        let told = published(&server, &origin, &task).await;
        Done::Published { worker, id, told }
    })
}

async fn published(server: &Server, origin: &str, task: &Publish) -> Result<News, String> {
    let Publish { worker, id, .. } = task;
    let wanted = Record { origin: origin.into(), token: task.token.to_string(), ..Record::default() };
    let wanted = wanted.with_tries(false, task.retry_count, task.last.clone());
    let done = || News::Published(worker.clone(), id.clone());
    let refused = |why: &str| News::NotPublished(worker.clone(), id.clone(), why.into());
    for look in 0..LOOKS {
        // Most ids are new: whether this one is, creating its record says.
        let found = if look == 0 { None } else { server.record(worker, id).await? };
        let generation = match (publishing(found.as_ref().map(|(record, _)| record), &wanted), &found) {
            (Publishing::Begin(record), _) => {
                let revision = found.as_ref().map_or(0, |(_, revision)| *revision);
                match server.change(worker, id, &record, revision).await? {
                    Changed::Done(_) => record.generation,
                    Changed::Conflict(_) => continue,
                }
            }
            (Publishing::Again, Some((record, _))) => record.generation,
            (Publishing::Ended, Some((record, _))) => {
                // Its trigger is on the way, or was lost with the server.
                let task = Task { worker: worker.clone(), id: id.clone() };
                tell_end(server, &task, record, Vec::new(), "").await?;
                return Ok(done());
            }
            (Publishing::Taken(why), _) => return Ok(refused(why)),
            (Publishing::Again | Publishing::Ended, None) => continue,
        };
        let headers = [
            (names::ID, id.to_string()),
            (names::GENERATION, generation.to_string()),
            (names::ORIGIN, origin.to_owned()),
        ];
        let message_id = names::message(worker, id, generation);
        let subject = names::tasks(worker, task.priority);
        return match server.publish(subject, &message_id, &headers, task.task.clone()).await? {
            Sent::Done => Ok(done()),
            Sent::TooLarge => {
                forget(server, worker, id).await?;
                Ok(refused("the server takes no message as large as this task; see its `max_payload`"))
            }
        };
    }
    Err("the record of the task changes all the time".into())
}

/// Ends a task: at once if nobody tries it, else by who does.
pub(super) fn call_off(server: Rc<Server>, task: Task, result: Vec<u8>, trigger: Vec<u8>) -> Op {
    Box::pin(async move {
        if let Err(error) = called_off(&server, &task, &result, trigger).await {
            log::warn!("{} cannot be cancelled: {error}", task.id);
        }
        Done::Nothing
    })
}

async fn called_off(server: &Server, task: &Task, result: &[u8], trigger: Vec<u8>) -> Result<(), String> {
    let Task { worker, id } = task;
    for _ in 0..LOOKS {
        let Some((record, revision)) = server.record(worker, id).await? else { return Ok(()) };
        if record.result.is_some() {
            return Ok(());
        }
        let is_running = record.running;
        let cancelled = Record { cancelled: true, ..record };
        let cancelled = if is_running { cancelled } else { cancelled.ended(result.into()) };
        if let Changed::Conflict(_) = server.change(worker, id, &cancelled, revision).await? {
            continue;
        }
        if is_running {
            return server.call_off(worker, id).await;
        }
        // Nobody begins it any more: who wants to finds the record changed.
        tell_end(server, task, &cancelled, trigger, "cancelled").await?;
        return Ok(());
    }
    Err("its record changes all the time".into())
}

/// Frees the id of an ended task.
pub(super) fn free(server: Rc<Server>, worker: ServiceName, id: TaskId) -> Op {
    Box::pin(async move {
        if let Err(error) = forget(&server, &worker, &id).await {
            log::warn!("{id} is not forgotten by the server: {error}");
        }
        Done::Nothing
    })
}

async fn forget(server: &Server, worker: &ServiceName, id: &TaskId) -> Result<(), String> {
    for _ in 0..LOOKS {
        let Some((record, revision)) = server.record(worker, id).await? else { return Ok(()) };
        let generation = record.generation;
        if let Changed::Done(_) = server.change(worker, id, &record.recalled(), revision).await? {
            return server.remove_result(worker, id, generation).await;
        }
    }
    Ok(())
}

/// Fetches a task back into its folder. One of another folder is left to others.
pub(super) fn recall(
    server: Rc<Server>,
    worker: ServiceName,
    origin: Arc<str>,
    message: Fetched,
    wait: Duration,
) -> Op {
    Box::pin(async move {
        match recalled(&server, &worker, &origin, message, wait).await {
            Ok(Some(news)) => Done::News(news),
            Ok(None) => Done::Nothing,
            Err(error) => {
                // It is delivered again.
                log::debug!("nats: {error}");
                Done::Nothing
            }
        }
    })
}

async fn recalled(
    server: &Server,
    worker: &ServiceName,
    origin: &str,
    message: Fetched,
    wait: Duration,
) -> Result<Option<News>, String> {
    let reply = message.reply.clone();
    let Some(id) = message.id.filter(|_| message.origin == origin) else {
        server.acknowledge(&reply, AckKind::Nak(Some(wait))).await;
        return Ok(None);
    };
    let found = server.record(worker, &id).await?;
    let judged = delivery(found.as_ref().map(|(record, _)| record), message.generation, message.delivery);
    let (Delivery::Take, Some((record, revision))) = (judged, found) else {
        let kind = if judged == Delivery::Wait { AckKind::Nak(Some(wait)) } else { AckKind::Ack };
        server.acknowledge(&reply, kind).await;
        return Ok(None);
    };
    let task = Task { worker: worker.clone(), id: id.clone() };
    if record.result.is_some() {
        tell_end(server, &task, &record, Vec::new(), "").await?;
        server.acknowledge(&reply, AckKind::Ack).await;
        return Ok(None);
    }
    let (token, tries) = (Arc::from(record.token.as_str()), record.interrupted());
    match server.change(worker, &id, &record.recalled(), revision).await? {
        Changed::Done(_) => Ok(Some(News::Recalled { worker: worker.clone(), id, token, tries, reply })),
        Changed::Conflict(_) => {
            server.acknowledge(&reply, AckKind::Nak(None)).await;
            Ok(None)
        }
    }
}

/// What a message to a folder says.
pub(super) fn back(server: Rc<Server>, worker: ServiceName, message: Box<Message>) -> Op {
    Box::pin(async move {
        let Some(reply) = message.reply.as_ref().map(|reply| Arc::<str>::from(reply.as_str())) else {
            return Done::Nothing;
        };
        let token = header(&message, names::TOKEN).map(Arc::from);
        let id = header(&message, names::ID).as_deref().and_then(TaskId::parse);
        let (Some(token), Some(id)) = (token, id) else {
            server.acknowledge(&reply, AckKind::Term).await;
            return Done::Nothing;
        };
        let generation: Option<u64> = header(&message, names::GENERATION).and_then(|text| text.parse().ok());
        let Some(generation) = generation else {
            let receipt = message.payload.to_vec();
            return Done::News(News::Received { worker, id, receipt, reply });
        };
        let found = server.record(&worker, &id).await;
        let found = found.map(|found| found.filter(|(record, _)| record.generation == generation)?.0.result);
        match found {
            Ok(Some(result)) => {
                let result = result.to_vec();
                let why = header(&message, names::WHY).unwrap_or_default().into();
                Done::News(News::CameBack { worker, id, token, result, why, reply })
            }
            // It was dropped.
            Ok(None) => {
                server.acknowledge(&reply, AckKind::Ack).await;
                Done::Nothing
            }
            Err(error) => {
                log::debug!("nats: {error}");
                server.acknowledge(&reply, AckKind::Nak(Some(SOON))).await;
                Done::Nothing
            }
        }
    })
}
