//! Workers whose tasks go through a server: what the two sides have to say to it, and it to them.
//!
//! The folder of such a worker has its owner as ever, and the same engine, for which a task that is published is away. What
//! is delivered is worked off by a second engine, the *hands*; most groups have both sides (`engine/tasks/server.rs`). The
//! server itself is `task_stream`.

mod folder_side;
mod try_side;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::Message;
use super::desk::Desk;
use crate::domain::task::{Heartbeat, read_tries};
use crate::domain::{
    FoundClaim, Moment, ServiceName, StopSpec, TaskId, TaskStats, WorkerHealth, WorkerSnapshot, WorkerSpec, count,
};
use crate::engine::tasks::TaskEvent;
use crate::task_folder::Owned;
use crate::task_stream::{self, News, Order};

/// For how many heartbeats a task stays ours without a word from us, and for this time at least.
const LEASE: u32 = 3;
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// The way to a server.
#[derive(Default)]
pub(super) struct Link {
    link: Option<task_stream::Link>,
    /// Whether it can be reached, and the largest message then; none: that is not known yet.
    state: Option<Result<usize, Arc<str>>>,
}

impl Link {
    fn order(&self, order: Order) {
        if let Some(link) = &self.link {
            link.order(order);
        }
    }

    fn largest(&self) -> usize {
        self.state.as_ref().and_then(|state| state.as_ref().ok()).copied().unwrap_or(1 << 20)
    }
}

/// What is on its way to a server and back, of one worker.
#[derive(Default)]
pub(in crate::app::workers) struct Shared {
    /// What tells the publication of a task from others: as it is noted beside it.
    tokens: HashMap<TaskId, Arc<str>>,
    /// What came back, until it is in the folder: its result, and what is to be settled then.
    back: HashMap<TaskId, (Option<Vec<u8>>, Arc<str>)>,
    /// What is done, and can be settled.
    settled: Vec<Arc<str>>,
    /// Tasks that are tried here.
    leased: HashMap<TaskId, Leased>,
    /// Publications that have ended here, and tasks of these: the hands have told of them.
    ended_here: HashSet<Arc<str>>,
    told: HashSet<TaskId>,
    /// How many tasks were delivered, and what was last asked for.
    seen: u64,
    wanted: Option<(u32, u64)>,
    /// All tasks of the folder are fetched back.
    drains: bool,
    /// The hands do nothing any more, and whether the folder is given up at once.
    is_stopping: bool,
}

/// A task that is tried here.
struct Leased {
    token: Arc<str>,
    batch: Option<Arc<str>>,
    /// The result, once it was written: it stays the same.
    result: Option<Arc<[u8]>>,
    /// How its last try ended, for people.
    why: Arc<str>,
}

impl Shared {
    /// The note of a task was written.
    pub(in crate::app::workers) fn noted(&mut self, id: &TaskId, text: &str) {
        if let Some(token) = token_in(text.as_bytes()) {
            self.tokens.insert(id.clone(), token);
        }
    }

    /// The result that came back.
    pub(in crate::app::workers) fn result_of(&self, id: &TaskId) -> Option<Vec<u8>> {
        self.back.get(id)?.0.clone()
    }

    /// Nothing of a task is claimed in the folder any more.
    pub(in crate::app::workers) fn is_done(&mut self, id: &TaskId) {
        self.tokens.remove(id);
        self.told.remove(id);
        self.settled.extend(self.back.remove(id).map(|(_, reply)| reply));
    }
}

/// The token in a note.
fn token_in(note: &[u8]) -> Option<Arc<str>> {
    read_tries(note, std::time::SystemTime::UNIX_EPOCH, Duration::ZERO)?.published_at
}

/// Tasks that are with a server of which the file says nothing: nobody here may try them.
pub(super) fn left_at_server(spec: &WorkerSpec, worker: &ServiceName, claims: &[FoundClaim]) -> Option<String> {
    let is_away =
        |claim: &&FoundClaim| claim.result.is_none() && claim.tries.as_ref().is_some_and(|tries| tries.published);
    let away = u32::try_from(claims.iter().filter(is_away).count()).unwrap_or(u32::MAX);
    (away > 0 && spec.backend.is_none()).then(|| {
        let tasks = count(away, "task");
        format!("{tasks} of {worker} are with a server: set `backend` again, run `devgroup task drain`, then remove it")
    })
}

impl Desk {
    /// Whether the tasks of a worker go through a server now.
    pub(super) fn is_shared(&self, worker: &ServiceName) -> bool {
        self.working.get(worker).is_some_and(|working| working.shared.is_some())
    }

    /// The folder of a worker is ours, and nothing was done in it yet: its tasks go through the server, if the file says so.
    ///
    /// # Errors
    /// They cannot; why, for people.
    pub(super) fn share(&mut self, worker: &ServiceName, folder: &mut Owned) -> Result<(), Arc<str>> {
        let Some(working) = self.working.get_mut(worker) else { return Ok(()) };
        let Some(spec) = working.start.spec.worker.clone() else { return Ok(()) };
        let Some(backend) = &spec.backend else { return Ok(()) };
        let origin = folder.origin().map_err(|trouble| Arc::<str>::from(trouble.to_string()))?.into();
        self.server.open(backend, &self.messages)?;
        working.shared = Some(Box::default());
        let lease = spec.heartbeat.saturating_mul(LEASE).max(SHORTEST_LEASE);
        self.server.order(Order::Open { worker: worker.clone(), origin, lease });
        Ok(())
    }

    /// The folder is known: tasks are published and taken from now on.
    pub(super) fn begin_hands(&mut self, worker: &ServiceName, stats: TaskStats) {
        let Some(working) = self.working.get(worker).filter(|working| working.shared.is_some()) else { return };
        let Some(spec) = &working.start.spec.worker else { return };
        let (spec, stop) =
            (Arc::new(WorkerSpec { backend: None, ..(**spec).clone() }), working.start.spec.stop.clone());
        self.hand_events.push_back(TaskEvent::Begin { worker: worker.clone(), spec, stop });
        let (of, claims) = (worker.clone(), Vec::new());
        self.hand_events.push_back(TaskEvent::Owned { worker: of, stats, dead: 0, claims });
        if let Some(state) = self.server.state.clone() {
            self.server_is(worker, state.err(), false);
        }
        self.work_off();
    }

    /// The hands take up what the file says of a worker now.
    pub(super) fn respec_hands(&mut self, worker: &ServiceName, spec: &WorkerSpec, stop: &StopSpec) {
        if self.is_shared(worker) {
            let spec = Arc::new(WorkerSpec { backend: None, ..spec.clone() });
            self.hand_events.push_back(TaskEvent::Respec { worker: worker.clone(), spec, stop: stop.clone() });
        }
    }

    /// A worker is to stop. Where its tasks go through a server, what it tries is given back first.
    pub(super) fn stop(&mut self, worker: ServiceName, kill: bool) {
        match self.working.get_mut(&worker).and_then(|working| working.shared.as_mut()) {
            Some(shared) => {
                shared.is_stopping = true;
                self.hand_events.push_back(TaskEvent::Stop { worker, kill });
            }
            None => self.answer(TaskEvent::Stop { worker, kill }),
        }
    }

    /// The run of a worker is over.
    pub(super) fn leave_server(&mut self, worker: &ServiceName) {
        self.server.order(Order::Close { worker: worker.clone() });
        if !self.working.values().any(|working| working.shared.is_some()) {
            self.server = Link::default();
        }
    }

    /// The event of a try, for who has begun it.
    pub(super) fn answer_about_try(&mut self, event: TaskEvent) {
        match &event {
            TaskEvent::TryEnded { worker, .. } if self.is_shared(worker) => self.hand_events.push_back(event),
            _ => self.answer(event),
        }
    }

    /// How a worker is: its folder, and its tries.
    pub(super) fn snapshot(&self, worker: &ServiceName) -> Option<WorkerSnapshot> {
        let folder = self.engine.snapshot(worker)?;
        let Some(hands) = self.hands.snapshot(worker).filter(|_| self.is_shared(worker)) else { return Some(folder) };
        let health = worse(folder.health, hands.health);
        Some(WorkerSnapshot {
            active: hands.active,
            retrying: folder.retrying + hands.retrying,
            breaker: hands.breaker,
            health,
            problem: folder.problem.or(hands.problem),
            stats: hands.stats,
            ..folder
        })
    }

    /// What its heartbeat says.
    pub(super) fn heartbeat(&self, worker: &ServiceName, now: Moment) -> Option<Heartbeat> {
        let folder = self.engine.heartbeat(worker, now)?;
        let Some(hands) = self.hands.heartbeat(worker, now).filter(|_| self.is_shared(worker)) else {
            return Some(folder);
        };
        let queue_size = folder.queue_size + hands.queue_size;
        Some(Heartbeat { queue_size, status: worse(folder.status, hands.status), ..hands })
    }

    /// The same for those who look at the server.
    pub(super) fn beat_at_server(&self, worker: &ServiceName, text: String) {
        if self.is_shared(worker) {
            self.server.order(Order::Beat { worker: worker.clone(), heartbeat: text.into_bytes() });
        }
    }

    fn server_is(&mut self, worker: &ServiceName, problem: Option<Arc<str>>, is_new: bool) {
        let event = || TaskEvent::Server { worker: worker.clone(), problem: problem.clone(), is_new };
        let (of_folder, of_hands) = (event(), event());
        self.answer(of_folder);
        self.hand_events.push_back(of_hands);
    }

    /// The server has something to say.
    pub(super) fn server_news(&mut self, news: News) {
        match news {
            News::Up { largest, is_new } => self.server_state(Ok(largest), is_new),
            News::Down(problem) => self.server_state(Err(problem), false),
            News::Published(worker, id) => self.answer(TaskEvent::Published { worker, id }),
            News::NotPublished(worker, id, why) => self.not_published(worker, id, why),
            News::Received { worker, id, receipt, reply } => self.received(worker, id, &receipt, reply),
            News::CameBack { worker, id, token, result, why, reply } => {
                self.came_back(worker, id, &token, (result, why, reply));
            }
            News::Recalled { worker, id, token, tries, reply } => self.recalled(worker, id, &token, (tries, reply)),
            News::Delivered(delivered) => self.delivered(*delivered),
            News::Wrote(worker, id, wrote) => self.wrote(worker, id, wrote),
            News::CalledOff(worker, id) => self.hand_events.push_back(TaskEvent::Cancel { worker, id, ask: 0 }),
        }
        self.work_off();
    }

    fn server_state(&mut self, state: Result<usize, Arc<str>>, is_new: bool) {
        self.server.state = Some(state.clone());
        let shared = self.working.iter().filter(|(_, working)| working.shared.is_some());
        let shared: Vec<ServiceName> = shared.map(|(worker, _)| worker.clone()).collect();
        let problem = state.err();
        shared.iter().for_each(|worker| self.server_is(worker, problem.clone(), is_new));
    }

    /// Tells the server what has come of the last decisions: what is done, and how many tasks are wanted.
    pub(super) fn tell_server(&mut self) {
        if self.server.link.is_none() {
            return;
        }
        for (worker, working) in &mut self.working {
            let Some(shared) = &mut working.shared else { continue };
            for reply in shared.settled.drain(..) {
                self.server.order(Order::Settle { reply });
            }
            let wanted = (self.hands.places(worker), shared.seen);
            if shared.wanted.replace(wanted) != Some(wanted) {
                let (places, seen) = wanted;
                self.server.order(Order::Want { worker: worker.clone(), places, seen });
            }
            if shared.drains && self.engine.away(worker) == 0 {
                shared.drains = false;
                self.server.order(Order::Drained { worker: worker.clone() });
            }
        }
    }
}

impl Link {
    /// Goes to this server, if nobody did so yet.
    fn open(
        &mut self,
        backend: &crate::domain::TaskBackend,
        messages: &std::sync::mpsc::Sender<Message>,
    ) -> Result<(), Arc<str>> {
        if self.link.as_ref().is_some_and(|link| link.backend() == backend) {
            return Ok(());
        }
        let messages = messages.clone();
        let link = task_stream::Link::start(backend, move |news| {
            // Without the thread nobody needs to know.
            let _ = messages.send(Message::Server(news));
        })?;
        (self.link, self.state) = (Some(link), None);
        Ok(())
    }
}

/// Of two, the one that people have to know.
fn worse(one: WorkerHealth, other: WorkerHealth) -> WorkerHealth {
    let rank = |health| match health {
        WorkerHealth::Healthy => 0,
        WorkerHealth::Degraded => 1,
        WorkerHealth::Unhealthy => 2,
        WorkerHealth::Stopped => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}
