//! One connection, from its begin to its end: what is wanted, what is heard, and what is done side by side.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Event;
use async_nats::jetstream::AckKind;
use futures_util::StreamExt as _;
use futures_util::stream::{FuturesUnordered, LocalBoxStream, SelectAll};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::super::names;
use super::super::record::Lease;
use super::super::words::{Delivered, News, Order, Publish, Wrote};
use super::ops::{Done, Fetched, Op};
use super::pulls::{self, Heard, What};
use super::server::{Pull, Server};
use super::try_side::Task;
use super::{Courier, Opened, folder_side, try_side};
use crate::domain::{ServiceName, TaskId};

/// How many tasks are fetched back at once.
const BACK_AT_ONCE: u32 = 64;

/// Why most connections end.
pub(super) const LOST: &str = "the connection is lost";

/// The consumers of a worker.
struct Line {
    tasks: [Pull; 4],
    back: Pull,
    /// Those that send a task as soon as they have one.
    asked: [bool; 4],
    /// How many tasks the look that is under way wants.
    sweep: Option<u32>,
    /// Messages that are being looked at.
    judging: u32,
    /// How long a delivered task is ours, as the server says.
    lease: Duration,
}

/// One connection.
struct Session<'c> {
    courier: &'c mut Courier,
    server: Rc<Server>,
    lines: BTreeMap<ServiceName, Line>,
    ops: FuturesUnordered<Op>,
    heard: SelectAll<LocalBoxStream<'static, Heard>>,
    renewal: Interval,
}

/// Serves until the connection is lost: why, for people. `None`: nobody wants anything any more.
pub(super) async fn serve(courier: &mut Courier, server: Server, events: UnboundedReceiver<Event>) -> Option<String> {
    let mut session = Session {
        courier,
        server: Rc::new(server),
        lines: BTreeMap::new(),
        ops: FuturesUnordered::new(),
        heard: SelectAll::new(),
        renewal: renewal(Duration::from_secs(10)),
    };
    session.run(events).await.err()
}

fn renewal(every: Duration) -> Interval {
    let mut renewal = interval(every.max(Duration::from_millis(20)));
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    renewal
}

impl Session<'_> {
    async fn run(&mut self, mut events: UnboundedReceiver<Event>) -> Result<(), String> {
        let workers: Vec<ServiceName> = self.courier.workers.keys().cloned().collect();
        for worker in workers {
            self.open(&worker).await?;
        }
        let server = self.server.clone();
        self.courier.is_here(&server);
        for task in self.courier.unpublished.values().cloned().collect::<Vec<_>>() {
            self.publish(&task, false);
        }
        for order in std::mem::take(&mut self.courier.later) {
            self.take(order).await?;
        }
        loop {
            tokio::select! {
                order = self.courier.inbox.recv() => match order {
                    Some(order) => self.take(order).await?,
                    None => {
                        self.server.flush().await;
                        return Ok(());
                    }
                },
                Some(done) = self.ops.next() => self.done(done),
                Some(heard) = self.heard.next() => self.hear(heard),
                event = events.recv() => match event {
                    Some(Event::Disconnected | Event::Closed) | None => return Err(LOST.into()),
                    Some(Event::ServerError(error)) => log::warn!("nats: {error}"),
                    Some(_) => {}
                },
                _ = self.renewal.tick(), if !self.courier.leases.is_empty() => self.renew().await,
            }
        }
    }

    /// What is wanted.
    async fn take(&mut self, order: Order) -> Result<(), String> {
        match order {
            Order::Open { ref worker, .. } => {
                let worker = worker.clone();
                self.courier.note(order);
                self.open(&worker).await?;
            }
            Order::Close { ref worker } => {
                self.lines.remove(worker);
                self.courier.note(order);
            }
            Order::Publish(publish) => {
                let publish = Arc::from(publish);
                self.publish(&publish, false);
                self.courier.unpublished.insert((publish.worker.clone(), publish.id.clone()), publish);
            }
            Order::CallOff { worker, id, result, trigger } => {
                self.ops.push(folder_side::call_off(self.server.clone(), Task { worker, id }, result, trigger));
            }
            Order::Forget { worker, id } => self.ops.push(folder_side::free(self.server.clone(), worker, id)),
            Order::Settle { reply } => self.server.acknowledge(&reply, AckKind::Ack).await,
            Order::Want { ref worker, .. } | Order::Drain { ref worker } | Order::Drained { ref worker } => {
                let worker = worker.clone();
                self.courier.note(order);
                self.pump(&worker);
            }
            Order::Write { worker, id, write } => match self.lease(&worker, &id) {
                Some(lease) => {
                    self.courier.writing.insert((worker.clone(), id.clone()));
                    self.ops.push(try_side::write(self.server.clone(), Task { worker, id }, lease, write));
                }
                None => (self.courier.tell)(News::Wrote(worker, id, Wrote::Missing)),
            },
            Order::Finish { worker, id } => self.let_go(worker, id, AckKind::Ack).await,
            Order::Return { worker, id } => self.let_go(worker, id, AckKind::Nak(None)).await,
            Order::Beat { worker, heartbeat } => {
                if let Some(opened) = self.courier.workers.get(&worker) {
                    let (server, origin) = (self.server.clone(), opened.origin.clone());
                    self.ops.push(Box::pin(async move {
                        if let Err(error) = server.beat(&worker, &origin, heartbeat).await {
                            log::debug!("nats: {error}");
                        }
                        Done::Nothing
                    }));
                }
            }
        }
        Ok(())
    }

    fn lease(&self, worker: &ServiceName, id: &TaskId) -> Option<Lease> {
        self.courier.leases.get(&(worker.clone(), id.clone())).cloned()
    }

    async fn let_go(&mut self, worker: ServiceName, id: TaskId, kind: AckKind) {
        if let Some(lease) = self.courier.leases.remove(&(worker, id)) {
            self.server.acknowledge(&lease.reply, kind).await;
        }
    }

    /// Makes what a worker needs, and begins to listen.
    async fn open(&mut self, worker: &ServiceName) -> Result<(), String> {
        let Some(Opened { origin, lease, epoch, .. }) = self.courier.workers.get(worker) else { return Ok(()) };
        let (origin, wanted, epoch) = (origin.clone(), *lease, *epoch);
        let [critical, high, normal, low] = names::PRIORITIES;
        let tasks = [
            self.server.tasks_of(worker, critical, wanted).await?,
            self.server.tasks_of(worker, high, wanted).await?,
            self.server.tasks_of(worker, normal, wanted).await?,
            self.server.tasks_of(worker, low, wanted).await?,
        ];
        let back = self.server.back_to(&origin, worker).await?;
        // Who came first has decided.
        let lease = tasks.iter().map(|pull| pull.cached_info().config.ack_wait).min().unwrap_or(wanted);
        let called_off = self.server.client.subscribe(names::call_offs(worker)).await.map_err(|it| it.to_string())?;
        let of = worker.clone();
        let called_off = called_off.filter_map(move |message| {
            let id = std::str::from_utf8(&message.payload).ok().and_then(TaskId::parse);
            std::future::ready(id.map(|id| Heard::CalledOff(of.clone(), id)))
        });
        self.heard.push(called_off.boxed_local());
        self.heard.push(pulls::ask(back.clone(), worker.clone(), epoch, What::Back));
        let line = Line { tasks, back, asked: [false; 4], sweep: None, judging: 0, lease };
        self.lines.insert(worker.clone(), line);
        let shortest = self.lines.values().map(|line| line.lease).min().unwrap_or(wanted);
        self.renewal = renewal(shortest / 3);
        self.pump(worker);
        Ok(())
    }

    fn publish(&self, task: &Arc<Publish>, again: bool) {
        if let Some(opened) = self.courier.workers.get(&task.worker) {
            self.ops.push(folder_side::publish(self.server.clone(), opened.origin.clone(), task.clone(), again));
        }
    }

    /// How many tasks are to be fetched now.
    fn wanted(&self, worker: &ServiceName) -> u32 {
        let (Some(opened), Some(line)) = (self.courier.workers.get(worker), self.lines.get(worker)) else { return 0 };
        if opened.drains {
            return if line.sweep.is_some() { 0 } else { BACK_AT_ONCE };
        }
        let unseen = u32::try_from(opened.delivered.saturating_sub(opened.seen)).unwrap_or(u32::MAX);
        let on_the_way = unseen.saturating_add(line.judging).saturating_add(line.sweep.unwrap_or(0));
        opened.places.saturating_sub(on_the_way)
    }

    /// Asks for tasks, if some are wanted.
    fn pump(&mut self, worker: &ServiceName) {
        let wanted = self.wanted(worker);
        let Some(epoch) = self.courier.workers.get(worker).map(|opened| opened.epoch) else { return };
        let Some(line) = self.lines.get_mut(worker).filter(|line| line.sweep.is_none() && wanted > 0) else { return };
        let unasked = line.tasks.iter().zip(line.asked).filter(|(_, asked)| !asked);
        let pulls: Vec<Pull> = unasked.map(|(pull, _)| pull.clone()).collect();
        if !pulls.is_empty() {
            line.sweep = Some(wanted);
            self.ops.push(pulls::sweep(pulls, worker.clone(), epoch, wanted));
        }
    }

    /// A look through the consumers is over.
    fn swept(&mut self, worker: &ServiceName, epoch: u64, asked: u32, messages: Vec<Fetched>) {
        let is_now = self.courier.workers.get(worker).is_some_and(|opened| opened.epoch == epoch);
        let Some(line) = self.lines.get_mut(worker).filter(|_| is_now) else {
            return messages.into_iter().for_each(|message| self.return_message(&message));
        };
        line.sweep = None;
        let had_less = messages.len() < asked as usize;
        messages.into_iter().for_each(|message| self.fetched(worker, message));
        if had_less && self.wanted(worker) > 0 {
            let Some(line) = self.lines.get_mut(worker) else { return };
            for (place, asked) in line.asked.iter_mut().enumerate().filter(|(_, asked)| !**asked) {
                *asked = true;
                if let Some(pull) = line.tasks.get(place) {
                    self.heard.push(pulls::ask(pull.clone(), worker.clone(), epoch, What::Tasks(place)));
                }
            }
        } else {
            self.pump(worker);
        }
    }

    fn return_message(&self, message: &Fetched) {
        let (server, reply) = (self.server.clone(), message.reply.clone());
        self.ops.push(Box::pin(async move {
            server.acknowledge(&reply, AckKind::Nak(None)).await;
            Done::Nothing
        }));
    }

    /// A task has come.
    fn fetched(&mut self, worker: &ServiceName, message: Fetched) {
        let Some(opened) = self.courier.workers.get(worker) else { return self.return_message(&message) };
        let Some(line) = self.lines.get_mut(worker) else { return self.return_message(&message) };
        if let Some(id) = &message.id
            && let Some(lease) = self.courier.leases.get_mut(&(worker.clone(), id.clone()))
            && lease.record.generation == message.generation
        {
            // It is ours, and the server has forgotten it.
            lease.reply = message.reply;
            return;
        }
        let (server, wait) = (self.server.clone(), line.lease);
        if opened.drains {
            let origin = opened.origin.clone();
            self.ops.push(folder_side::recall(server, worker.clone(), origin, message, wait));
        } else {
            line.judging += 1;
            self.ops.push(try_side::judge(server, worker.clone(), opened.epoch, message, wait));
        }
    }

    /// Something was done.
    fn done(&mut self, done: Done) {
        match done {
            Done::Nothing => {}
            Done::News(news) => {
                if let News::Recalled { worker, id, .. } = &news {
                    self.courier.unpublished.remove(&(worker.clone(), id.clone()));
                }
                (self.courier.tell)(news);
            }
            Done::Published { worker, id, told: Ok(news) } => {
                self.courier.unpublished.remove(&(worker, id));
                (self.courier.tell)(news);
            }
            Done::Published { worker, id, told: Err(error) } => {
                log::debug!("nats: {id} is not published yet: {error}");
                if let Some(task) = self.courier.unpublished.get(&(worker, id)).cloned() {
                    self.publish(&task, true);
                }
            }
            Done::Wrote { worker, id, wrote, lease } => {
                let key = (worker, id);
                self.courier.writing.remove(&key);
                match (lease, self.courier.leases.get_mut(&key)) {
                    // The message may have been delivered again meanwhile.
                    (Some(new), Some(known)) => (known.record, known.revision) = (new.record, new.revision),
                    (None, _) => drop(self.courier.leases.remove(&key)),
                    (Some(_), None) => {}
                }
                (self.courier.tell)(News::Wrote(key.0, key.1, wrote));
            }
            Done::Judged { worker, epoch, task } => self.judged(&worker, epoch, task),
            Done::Swept { worker, epoch, asked, messages } => self.swept(&worker, epoch, asked, messages),
        }
    }

    fn judged(&mut self, worker: &ServiceName, epoch: u64, task: Option<(Box<Delivered>, Lease)>) {
        let opened = self.courier.workers.get_mut(worker).filter(|opened| opened.epoch == epoch);
        let (Some(opened), Some(line)) = (opened, self.lines.get_mut(worker)) else { return };
        line.judging = line.judging.saturating_sub(1);
        match task {
            Some((delivered, lease)) => {
                opened.delivered += 1;
                self.courier.leases.insert((worker.clone(), delivered.id.clone()), lease);
                (self.courier.tell)(News::Delivered(delivered));
            }
            None => self.pump(worker),
        }
    }

    /// Something has come by itself.
    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::CalledOff(worker, id) => {
                if self.courier.leases.contains_key(&(worker.clone(), id.clone())) {
                    (self.courier.tell)(News::CalledOff(worker, id));
                }
            }
            Heard::Message { worker, what: What::Back, message, .. } => {
                self.ops.push(folder_side::back(self.server.clone(), worker, message));
            }
            Heard::Message { worker, epoch, what: What::Tasks(_), message } => {
                let Some(message) = Fetched::of(&message) else { return };
                let is_now = self.courier.workers.get(&worker).is_some_and(|opened| opened.epoch == epoch);
                if is_now && self.wanted(&worker) > 0 {
                    self.fetched(&worker, message);
                } else {
                    self.return_message(&message);
                }
            }
            Heard::Over { worker, epoch, what } => {
                let is_now = self.courier.workers.get(&worker).is_some_and(|opened| opened.epoch == epoch);
                let Some(line) = self.lines.get_mut(&worker).filter(|_| is_now) else { return };
                match what {
                    What::Back => self.heard.push(pulls::ask(line.back.clone(), worker, epoch, What::Back)),
                    What::Tasks(place) => {
                        line.asked.get_mut(place).into_iter().for_each(|asked| *asked = false);
                        self.pump(&worker);
                    }
                }
            }
        }
    }

    /// Says of all delivered tasks that they are ours still.
    async fn renew(&mut self) {
        for lease in self.courier.leases.values() {
            self.server.acknowledge(&lease.reply, AckKind::Progress).await;
        }
    }
}
