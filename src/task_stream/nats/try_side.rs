//! Tasks that are tried here: from their delivery to their acknowledgement.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::AckKind;

use super::super::names;
use super::super::record::{Delivery, Lease, Record, delivery};
use super::super::words::{Delivered, Write, Wrote};
use super::ops::{Done, Fetched, Op};
use super::server::{Changed, Sent, Server};
use crate::domain::task::read_result;
use crate::domain::{ServiceName, TaskId, TaskStatus};

/// How often a record that others change is looked at again.
pub(super) const LOOKS: usize = 5;

/// A delivered task, and whose it is.
#[derive(Clone)]
pub(super) struct Task {
    pub(super) worker: ServiceName,
    pub(super) id: TaskId,
}

/// Whether a message is ours to try. `wait`: how long a lease is.
pub(super) fn judge(server: Rc<Server>, worker: ServiceName, epoch: u64, message: Fetched, wait: Duration) -> Op {
    Box::pin(async move {
        let reply = message.reply.clone();
        let task = match judged(&server, &worker, message, wait).await {
            Ok(task) => task,
            Err(error) => {
                log::debug!("nats: {error}");
                server.acknowledge(&reply, AckKind::Nak(Some(Duration::from_secs(1)))).await;
                None
            }
        };
        Done::Judged { worker, epoch, task }
    })
}

async fn judged(
    server: &Server,
    worker: &ServiceName,
    message: Fetched,
    wait: Duration,
) -> Result<Option<(Box<Delivered>, Lease)>, String> {
    let found = match &message.id {
        Some(id) => server.record(worker, id).await?,
        None => None,
    };
    match (delivery(found.as_ref().map(|(record, _)| record), message.generation, message.delivery), found, message.id)
    {
        (Delivery::Take, Some((record, revision)), Some(id)) => {
            let tries = record.tries();
            let is_untried = tries.retry_count == 0 && !tries.running;
            let delivered = Delivered {
                worker: worker.clone(),
                id,
                task: message.task,
                tries: Some(tries).filter(|_| !is_untried),
                result: record.result.as_deref().map(|it| read_result(it).map_or(TaskStatus::Failed, |it| it.status)),
                cancelled: record.cancelled,
                token: Arc::from(record.token.as_str()),
            };
            let lease = Lease { reply: message.reply, delivery: message.delivery, record, revision };
            Ok(Some((Box::new(delivered), lease)))
        }
        (Delivery::Wait, ..) => {
            server.acknowledge(&message.reply, AckKind::Nak(Some(wait))).await;
            Ok(None)
        }
        // It has ended, was recalled, or is of nobody.
        _ => {
            server.acknowledge(&message.reply, AckKind::Ack).await;
            Ok(None)
        }
    }
}

/// Writes something of a delivered task.
pub(super) fn write(server: Rc<Server>, task: Task, lease: Lease, write: Write) -> Op {
    Box::pin(async move {
        let Task { worker, id } = task.clone();
        let done = match write {
            Write::Begin { retry_count, last, receipt } => {
                let record = lease.record.with_tries(true, retry_count, last);
                let record = Record { delivery: lease.delivery, ..record };
                begin(&server, &task, lease.clone(), record, receipt).await
            }
            Write::Rest { retry_count, last, wait } => {
                let record = lease.record.with_tries(false, retry_count, last);
                rest(&server, &task, &lease, record, Some(wait)).await.map(|()| (Wrote::Missing, None))
            }
            Write::GiveBack => {
                let record = Record { running: false, ..lease.record.clone() };
                rest(&server, &task, &lease, record, None).await.map(|()| (Wrote::Done, None))
            }
            Write::Result(result) => end(&server, &task, lease.clone(), result).await,
            Write::Letter(letter) => {
                let message_id = names::message(&worker, &id, lease.record.generation);
                let sent = server.publish(names::dead_letters(&worker), &message_id, &[], letter).await;
                sent.map(|_| (Wrote::Done, Some(lease.clone())))
            }
            Write::Trigger { trigger, why } => {
                let record = &lease.record;
                tell_end(&server, &task, record, trigger, &why).await.map(|_| (Wrote::Done, Some(lease.clone())))
            }
        };
        let (wrote, lease) = done.unwrap_or_else(|error| (Wrote::Failed(error.into()), Some(lease)));
        Done::Wrote { worker, id, wrote, lease }
    })
}

/// Ends a task, if nobody else has begun to try it meanwhile.
async fn end(
    server: &Server,
    Task { worker, id }: &Task,
    mut lease: Lease,
    result: Arc<[u8]>,
) -> Result<(Wrote, Option<Lease>), String> {
    for _ in 0..LOOKS {
        let ended = lease.record.ended(result.clone());
        if let Changed::Done(revision) = server.change(worker, id, &ended, lease.revision).await? {
            return Ok((Wrote::Done, Some(Lease { record: ended, revision, ..lease })));
        }
        // Somebody has cancelled it, or has begun to try it.
        match server.record(worker, id).await? {
            Some((found, revision)) if found.result.is_none() && found.is_with(&lease.record) => {
                (lease.record, lease.revision) = (found, revision);
            }
            _ => return Ok((Wrote::Missing, None)),
        }
    }
    Err("its record changes all the time".into())
}

/// Says that a try begins, and tells the folder if it is the first one.
async fn begin(
    server: &Server,
    Task { worker, id }: &Task,
    lease: Lease,
    record: Record,
    receipt: Option<Vec<u8>>,
) -> Result<(Wrote, Option<Lease>), String> {
    let told = async {
        let Some(receipt) = receipt else { return Ok(Sent::Done) };
        let subject = names::triggers(&record.origin, worker);
        let message_id = format!("{}.{}", names::message(worker, id, record.generation), lease.delivery);
        let headers = [(names::ID, id.to_string()), (names::TOKEN, record.token.clone())];
        server.publish(subject, &message_id, &headers, receipt).await
    };
    let changed = server.change(worker, id, &record, lease.revision);
    let (changed, told) = futures_util::future::join(changed, told).await;
    match changed? {
        Changed::Done(revision) => {
            let lease = Lease { record: record.clone(), revision, ..lease };
            told.map(|_| (Wrote::Done, Some(lease)))
        }
        Changed::Conflict(found) => {
            give_up(server, &lease, found).await;
            Ok((Wrote::Missing, None))
        }
    }
}

/// Says what was tried, and gives the message back.
async fn rest(
    server: &Server,
    Task { worker, id }: &Task,
    lease: &Lease,
    record: Record,
    wait: Option<Duration>,
) -> Result<(), String> {
    if record != lease.record
        && let Changed::Conflict(found) = server.change(worker, id, &record, lease.revision).await?
    {
        give_up(server, lease, found).await;
        return Ok(());
    }
    server.acknowledge(&lease.reply, AckKind::Nak(wait)).await;
    // Who stops says nothing more.
    server.flush().await;
    Ok(())
}

/// The record says something else than what we know. If somebody wants the task to end, or nobody is at it, it comes again;
/// else it is with who has it.
async fn give_up(server: &Server, lease: &Lease, found: Option<Record>) {
    if found.is_none_or(|found| found.cancelled || !found.running) {
        server.acknowledge(&lease.reply, AckKind::Nak(None)).await;
    }
}

/// Tells the folder that a task has ended, and all others how.
pub(super) async fn tell_end(
    server: &Server,
    Task { worker, id }: &Task,
    record: &Record,
    trigger: Vec<u8>,
    why: &str,
) -> Result<Sent, String> {
    let message_id = format!("{}.end", names::message(worker, id, record.generation));
    let headers = [
        (names::ID, id.to_string()),
        (names::TOKEN, record.token.clone()),
        (names::GENERATION, record.generation.to_string()),
        (names::WHY, names::header(why)),
    ];
    let told = server.publish(names::triggers(&record.origin, worker), &message_id, &headers, trigger);
    let (copied, told) = futures_util::future::join(server.copy_result(worker, id, record), told).await;
    copied.and(told)
}
