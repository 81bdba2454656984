//! The connection to a server: made, lost and made again, on a thread of its own.

mod folder_side;
mod ops;
mod pulls;
mod server;
mod session;
mod try_side;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use super::record::Lease;
use super::words::{News, Order, Publish, Write, Wrote};
use crate::domain::{ServiceName, TaskBackend, TaskId, plain_error};
use server::Server;

/// Hears of everything.
type Tell = Box<dyn Fn(News) + Send>;

/// How long is waited before the next attempt to connect: at first, and at most.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A worker whose tasks go through the server.
#[derive(Debug)]
struct Opened {
    origin: Arc<str>,
    lease: Duration,
    /// How many tasks are wanted, and how many had been delivered when that was said.
    places: u32,
    seen: u64,
    /// How many were delivered, in all.
    delivered: u64,
    /// Its tasks are fetched back.
    drains: bool,
    /// Tells this time from the one before.
    epoch: u64,
}

/// What is known beyond the end of a connection.
struct Courier {
    backend: TaskBackend,
    inbox: UnboundedReceiver<Order>,
    tell: Tell,
    workers: BTreeMap<ServiceName, Opened>,
    /// Delivered tasks that are ours.
    leases: HashMap<(ServiceName, TaskId), Lease>,
    /// Those of which something is being written.
    writing: HashSet<(ServiceName, TaskId)>,
    /// Tasks that the server may not have.
    unpublished: HashMap<(ServiceName, TaskId), Arc<Publish>>,
    /// What is to be done when it is back.
    later: Vec<Order>,
    /// When its stream of tasks was made.
    made: Option<String>,
    epoch: u64,
    problem: Option<Arc<str>>,
}

/// Begins.
pub(super) fn start(backend: TaskBackend, inbox: UnboundedReceiver<Order>, tell: Tell) -> Result<(), Arc<str>> {
    let cannot = |error: std::io::Error| Arc::from(format!("cannot connect to {backend}: {}", plain_error(&error)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let named = backend.clone();
    let courier = move || {
        let courier = Courier {
            backend: named,
            inbox,
            tell,
            workers: BTreeMap::new(),
            leases: HashMap::new(),
            writing: HashSet::new(),
            unpublished: HashMap::new(),
            later: Vec::new(),
            made: None,
            epoch: 0,
            problem: None,
        };
        runtime.block_on(courier.run());
    };
    thread::Builder::new().name("nats".into()).spawn(courier).map(drop).map_err(cannot)
}

impl Courier {
    async fn run(mut self) {
        let mut wait = FIRST_WAIT;
        loop {
            match Server::connect(&self.backend).await {
                Ok((server, events)) => match Box::pin(session::serve(&mut self, server, events)).await {
                    Some(problem) => {
                        self.is_away(&problem);
                        if problem == session::LOST {
                            wait = FIRST_WAIT;
                        }
                    }
                    None => return,
                },
                Err(problem) => self.is_away(&problem),
            }
            if !self.rest(wait).await {
                return;
            }
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        }
    }

    /// It can be reached, and has what is needed.
    fn is_here(&mut self, server: &Server) {
        let is_new = self.made.as_ref().is_some_and(|made| *made != server.made);
        self.made = Some(server.made.clone());
        self.problem = None;
        (self.tell)(News::Up { largest: server.largest, is_new });
    }

    /// Says why the server cannot be reached, each reason once; and that what was under way has failed.
    fn is_away(&mut self, problem: &str) {
        let problem: Arc<str> = format!("cannot reach {}: {problem}", self.backend).into();
        if self.problem.as_ref() != Some(&problem) {
            log::warn!("{problem}");
            self.problem = Some(problem.clone());
            (self.tell)(News::Down(problem));
        }
        for (worker, id) in self.writing.drain() {
            let problem = self.problem.clone().unwrap_or_default();
            (self.tell)(News::Wrote(worker, id, Wrote::Failed(problem)));
        }
    }

    /// Waits for the next attempt. False: nobody wants anything any more.
    async fn rest(&mut self, wait: Duration) -> bool {
        let over = tokio::time::sleep(wait);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return true,
                order = self.inbox.recv() => match order {
                    Some(order) => self.take_alone(order),
                    None => return false,
                },
            }
        }
    }

    /// What is wanted while there is no connection.
    fn take_alone(&mut self, order: Order) {
        match order {
            Order::Write { worker, id, write } => {
                // Nobody waits for a task that is to be given back: the server does so by itself.
                let wrote = match write {
                    Write::GiveBack => Wrote::Missing,
                    _ => Wrote::Failed(self.problem.clone().unwrap_or_else(|| "the server is away".into())),
                };
                if wrote == Wrote::Missing {
                    self.leases.remove(&(worker.clone(), id.clone()));
                }
                (self.tell)(News::Wrote(worker, id, wrote));
            }
            Order::CallOff { .. } | Order::Forget { .. } => self.later.push(order),
            order => self.note(order),
        }
    }

    /// What has to be known beyond the end of a connection.
    fn note(&mut self, order: Order) {
        match order {
            Order::Open { worker, origin, lease } => {
                self.epoch += 1;
                let (places, seen, delivered, drains) = (0, 0, 0, false);
                let opened = Opened { origin, lease, places, seen, delivered, drains, epoch: self.epoch };
                self.workers.insert(worker, opened);
            }
            Order::Close { worker } => {
                self.workers.remove(&worker);
                self.leases.retain(|(of, _), _| *of != worker);
                self.unpublished.retain(|(of, _), _| *of != worker);
            }
            Order::Publish(publish) => {
                self.unpublished.insert((publish.worker.clone(), publish.id.clone()), Arc::from(publish));
            }
            Order::Want { worker, places, seen } => {
                if let Some(opened) = self.workers.get_mut(&worker) {
                    (opened.places, opened.seen) = (places, seen);
                }
            }
            Order::Drain { worker } => self.drains(&worker, true),
            Order::Drained { worker } => self.drains(&worker, false),
            Order::Finish { worker, id } | Order::Return { worker, id } => drop(self.leases.remove(&(worker, id))),
            // What was told is told again, and heartbeats come anew.
            Order::Settle { .. } | Order::Beat { .. } => {}
            Order::CallOff { .. } | Order::Forget { .. } | Order::Write { .. } => {}
        }
    }
    fn drains(&mut self, worker: &ServiceName, drains: bool) {
        if let Some(opened) = self.workers.get_mut(worker) {
            opened.drains = drains;
        }
    }
}
