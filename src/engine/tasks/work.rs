//! A worker and all that it has to do with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::task::Heartbeat;
use crate::domain::{
    BreakerState, FileStamp, Moment, ServiceName, Standby, StopSpec, TaskId, TaskNews, TaskStats, WorkerHealth,
    WorkerSnapshot, WorkerSpec,
};

use super::arrivals::Burial;
use super::circuit::Circuit;
use super::claim::Claims;
use super::effect::TaskEffect;
use super::event::Subject;
use super::queue::Queue;
use super::server::Server;
use super::timers::{Timer, Timers};
use super::trouble::Trouble;
use super::turn::Turn;

/// The heartbeat of a worker that somebody else works for is lost after so many intervals, and not before this time.
const LOST_AFTER: u32 = 3;
const LOST_NEVER_BEFORE: Duration = Duration::from_secs(120);

/// A worker.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) name: ServiceName,
    pub(super) spec: Arc<WorkerSpec>,
    pub(super) stop: StopSpec,
    pub(super) phase: WorkPhase,
    pub(super) queue: Queue,
    pub(super) claims: Claims,
    /// Files that become dead letters without having been claimed.
    pub(super) burials: BTreeMap<Arc<str>, Burial>,
    /// Files that may still be being written: what they are like, and since when.
    pub(super) unfinished: BTreeMap<Arc<str>, (FileStamp, Moment)>,
    /// Files whose task seems to be there already. They are looked at once more before they are called so.
    pub(super) suspects: BTreeSet<Arc<str>>,
    /// Writes and claims of which nobody has told what came of them.
    pub(super) outstanding: BTreeSet<Subject>,
    pub(super) circuit: Circuit,
    pub(super) stats: TaskStats,
    /// Dead letters in its folder.
    pub(super) dead: u32,
    pub(super) trouble: Trouble,
    /// What the last heartbeat said, but for how long it works.
    told: Option<Heartbeat>,
    /// Why the heartbeat cannot be written.
    beat_problem: Option<Arc<str>>,
    pub(super) timers: Timers,
    /// When it began to work.
    since: Moment,
    /// The listing at the begin is complete: before it is, nobody knows who is first, but for a critical task.
    pub(super) is_listed: bool,
    /// A listing is under way.
    pub(super) is_listing: bool,
    /// Somebody else's heartbeat.
    beat: Option<Heartbeat>,
    lost: bool,
    /// Batches of tasks that wait while it does not work.
    parked: BTreeMap<Arc<str>, u64>,
    /// How many have waited when it stopped.
    left: u32,
    /// What its server is like, if its tasks go through one.
    pub(super) server: Server,
}

/// What a worker does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WorkPhase {
    /// It waits for its folder.
    Locking,
    /// The folder belongs to somebody else.
    Standby(Standby),
    /// It works.
    Working,
    /// Somebody else works.
    Following,
    /// What runs is ended and given back.
    Stopping { kill: bool },
    /// It does not work; and why, if that is a fault.
    Over(Option<Arc<str>>),
}

impl Work {
    pub(super) fn new(name: ServiceName, spec: Arc<WorkerSpec>, stop: StopSpec) -> Self {
        Self {
            name,
            spec,
            stop,
            phase: WorkPhase::Over(None),
            queue: Queue::default(),
            claims: Claims::default(),
            burials: BTreeMap::new(),
            unfinished: BTreeMap::new(),
            suspects: BTreeSet::new(),
            outstanding: BTreeSet::new(),
            circuit: Circuit::default(),
            stats: TaskStats::default(),
            dead: 0,
            trouble: Trouble::default(),
            told: None,
            beat_problem: None,
            timers: Timers::default(),
            since: Moment::START,
            is_listed: false,
            is_listing: false,
            beat: None,
            lost: false,
            parked: BTreeMap::new(),
            left: 0,
            server: Server::default(),
        }
    }

    /// It is to work. What it was before is over.
    pub(super) fn begin(&mut self, turn: &mut Turn<'_>) {
        let old = Self::new(self.name.clone(), self.spec.clone(), self.stop.clone());
        let old = std::mem::replace(self, old);
        (self.stats, self.dead, self.parked, self.since) = (old.stats, old.dead, old.parked, turn.now);
        turn.aggregate = true;
        let worker = self.name.clone();
        if self.spec.remote {
            self.phase = WorkPhase::Following;
            self.timers.set(Timer::Lost, turn.now + self.lost_after());
            turn.emit(TaskEffect::FollowBeat { worker });
        } else {
            self.phase = WorkPhase::Locking;
            turn.emit(TaskEffect::Lock { worker });
        }
    }

    /// The file says something else of it.
    pub(super) fn respec(&mut self, spec: Arc<WorkerSpec>, stop: StopSpec, turn: &mut Turn<'_>) {
        if spec.heartbeat != self.spec.heartbeat && self.timers.is_set(&Timer::Heartbeat) {
            self.timers.set(Timer::Heartbeat, next_beat(turn.now, spec.heartbeat));
        }
        self.spec = spec;
        self.stop = stop;
    }

    /// The folder belongs to somebody else.
    pub(super) fn stand_by(&mut self, owner: Standby, turn: &mut Turn<'_>) {
        if matches!(self.phase, WorkPhase::Locking | WorkPhase::Standby(_)) {
            turn.tell(&self.name, TaskNews::Standby(owner.clone()));
            self.phase = WorkPhase::Standby(owner);
            turn.emit(TaskEffect::FollowBeat { worker: self.name.clone() });
        }
    }

    /// The folder cannot be had.
    pub(super) fn refuse(&mut self, problem: Arc<str>, turn: &mut Turn<'_>) {
        if matches!(self.phase, WorkPhase::Locking | WorkPhase::Standby(_)) {
            self.phase = WorkPhase::Over(Some(problem.clone()));
            turn.emit(TaskEffect::Over { worker: self.name.clone(), problem: Some(problem) });
        }
    }

    /// The folder is its own.
    pub(super) fn own(&mut self, stats: TaskStats, dead: u32, claims: usize, turn: &mut Turn<'_>) {
        self.phase = WorkPhase::Working;
        (self.stats, self.dead, self.since, self.beat) = (stats, dead, turn.now, None);
        // Somebody else may have ended more of them meanwhile: they are counted anew.
        turn.batches.forget_ended(&self.name);
        for (batch, tasks) in std::mem::take(&mut self.parked) {
            turn.batches.vanish(Some(&batch), tasks);
        }
        turn.tell(&self.name, TaskNews::Owned { claims });
        self.send_heartbeat(turn);
        self.list(turn);
    }

    /// Asks for all files of the folder.
    pub(super) fn list(&mut self, turn: &mut Turn<'_>) {
        self.is_listing = true;
        self.queue.begin_listing();
        turn.emit(TaskEffect::List { worker: Some(self.name.clone()) });
    }

    /// It is to stop. What runs is ended and given back.
    pub(super) fn stop(&mut self, kill: bool, turn: &mut Turn<'_>) {
        match self.phase {
            WorkPhase::Over(_) => return,
            WorkPhase::Locking | WorkPhase::Standby(_) => {
                turn.emit(TaskEffect::Unlock { worker: self.name.clone() });
                self.end(turn);
                return;
            }
            WorkPhase::Following => {
                self.end(turn);
                return;
            }
            WorkPhase::Working => {
                self.phase = WorkPhase::Stopping { kill };
                self.forget_files();
                self.try_all_stuck(turn);
                self.end_tries(kill, turn);
            }
            WorkPhase::Stopping { kill: killing } => {
                self.phase = WorkPhase::Stopping { kill: kill || killing };
                if kill && !killing {
                    self.end_tries(true, turn);
                }
            }
        }
        turn.aggregate = true;
    }

    /// Timers of files are of no use to one who stops.
    fn forget_files(&mut self) {
        for file in std::mem::take(&mut self.unfinished).into_keys() {
            self.timers.clear(&Timer::File(file));
        }
        self.timers.clear(&Timer::Breaker);
        self.timers.clear(&Timer::Trouble);
    }

    /// Whether nothing of what it has begun is left to do, so that it can go.
    pub(super) fn end_if_done(&mut self, turn: &mut Turn<'_>) {
        let is_stopping = matches!(self.phase, WorkPhase::Stopping { .. });
        let is_busy = !self.outstanding.is_empty() || !self.claims.busy().is_empty();
        if !is_stopping || is_busy {
            return;
        }
        let worker = self.name.clone();
        self.phase = WorkPhase::Over(None);
        turn.emit(TaskEffect::Heartbeat { worker: worker.clone() });
        turn.emit(TaskEffect::Unlock { worker });
        self.end(turn);
    }

    /// A task of this batch waits while nobody works.
    pub(super) fn park(&mut self, batch: Option<Arc<str>>) {
        if let Some(batch) = batch {
            *self.parked.entry(batch).or_default() += 1;
        }
        self.left += 1;
    }

    fn end(&mut self, turn: &mut Turn<'_>) {
        let waiting = self.queue.ids().filter_map(|(_, task)| task.batch());
        let claimed = self.claims.iter().filter_map(|(_, claim)| claim.head.batch.as_ref());
        let mut parked = self.parked.clone();
        for batch in waiting.chain(claimed) {
            *parked.entry(batch.clone()).or_default() += 1;
        }
        for effect in turn.waits.forget(&self.name) {
            turn.emit(effect);
        }
        let old = Self::new(self.name.clone(), self.spec.clone(), self.stop.clone());
        let old = std::mem::replace(self, old);
        self.left = old.queued();
        (self.stats, self.dead, self.since) = (old.stats, old.dead, old.since);
        self.parked = parked;
        turn.aggregate = true;
        turn.emit(TaskEffect::Over { worker: self.name.clone(), problem: None });
    }

    /// Writes the heartbeat, and sets the time of the next one.
    pub(super) fn send_heartbeat(&mut self, turn: &mut Turn<'_>) {
        turn.emit(TaskEffect::Heartbeat { worker: self.name.clone() });
        self.timers.set(Timer::Heartbeat, next_beat(turn.now, self.spec.heartbeat));
        let beat = Heartbeat { uptime: Duration::ZERO, ..self.heartbeat(turn.now) };
        turn.aggregate |= self.told.as_ref() != Some(&beat);
        self.told = Some(beat);
    }

    pub(super) fn heartbeat_written(&mut self, problem: Option<Arc<str>>, turn: &mut Turn<'_>) {
        if let (None, Some(problem)) = (&self.beat_problem, &problem) {
            turn.tell(&self.name, TaskNews::CannotWrite { problem: problem.clone() });
        }
        self.beat_problem = problem;
    }

    fn lost_after(&self) -> Duration {
        self.spec.heartbeat.saturating_mul(LOST_AFTER).max(LOST_NEVER_BEFORE)
    }

    /// The heartbeat of somebody else.
    pub(super) fn beat_seen(&mut self, beat: Option<(Heartbeat, Duration)>, turn: &mut Turn<'_>) {
        match self.phase {
            WorkPhase::Following => {}
            // Whether its owner lives, the lock says.
            WorkPhase::Standby(_) => {
                self.beat = beat.map(|(beat, _)| beat);
                return;
            }
            _ => return,
        }
        let limit = self.lost_after();
        let Some((beat, age)) = beat else {
            self.beat = None;
            return;
        };
        // Who stops in order is not lost.
        let is_lost = age >= limit && beat.status != WorkerHealth::Stopped;
        if beat.status == WorkerHealth::Stopped {
            self.timers.clear(&Timer::Lost);
        } else if !is_lost {
            self.timers.set(Timer::Lost, turn.now + (limit - age));
        }
        self.beat = Some(beat);
        self.set_lost(is_lost, turn);
    }

    pub(super) fn set_lost(&mut self, lost: bool, turn: &mut Turn<'_>) {
        if self.lost != lost {
            self.lost = lost;
            turn.tell(&self.name, if lost { TaskNews::Lost } else { TaskNews::Found });
        }
        turn.aggregate = true;
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// It has this task, and it is not known how that ends.
    pub(super) fn has_open(&self, id: &TaskId) -> bool {
        self.queue.contains(id) || self.claims.get(id).is_some_and(|claim| !claim.state.is_settled())
    }

    /// It has this task, and something of it is left to do.
    pub(super) fn has_live(&self, id: &TaskId) -> bool {
        self.queue.contains(id) || self.claims.contains(id)
    }

    fn health(&self) -> WorkerHealth {
        match (&self.phase, &self.beat) {
            (WorkPhase::Over(_), _) => WorkerHealth::Stopped,
            (WorkPhase::Following, beat) => beat.as_ref().map_or(WorkerHealth::Stopped, |beat| beat.status),
            _ if self.problem().is_some() => WorkerHealth::Unhealthy,
            _ if self.circuit.state() != BreakerState::Closed => WorkerHealth::Degraded,
            _ => WorkerHealth::Healthy,
        }
    }

    fn problem(&self) -> Option<Arc<str>> {
        let refused = match &self.phase {
            WorkPhase::Over(problem) => problem.clone(),
            _ => None,
        };
        let of_server = || self.server.problem().cloned();
        refused.or_else(|| self.trouble.problem().cloned()).or_else(of_server).or_else(|| self.beat_problem.clone())
    }

    fn active(&self) -> u32 {
        let active = self.claims.running().count();
        self.beat.as_ref().map_or_else(|| count(active), |beat| beat.active_tasks)
    }

    /// All that is not tried now: for a place, for others, or between two tries.
    fn queued(&self) -> u32 {
        let own = count(self.queue.len()) + self.claims.resting() + self.claims.waiting() + self.left;
        self.beat.as_ref().map_or(own, |beat| beat.queue_size)
    }

    pub(super) fn heartbeat(&self, now: Moment) -> Heartbeat {
        Heartbeat {
            worker: self.name.clone(),
            uptime: now.since(self.since),
            queue_size: self.queued(),
            active_tasks: self.active(),
            circuit: self.circuit.state().word(),
            stats: self.beat.as_ref().map_or(self.stats, |beat| beat.stats),
            status: self.health(),
        }
    }

    pub(super) fn snapshot(&self) -> WorkerSnapshot {
        let standby = match &self.phase {
            WorkPhase::Standby(owner) => Some(owner.clone()),
            _ => None,
        };
        WorkerSnapshot {
            active: self.active(),
            concurrency: self.spec.concurrency,
            waiting: self.queued().saturating_sub(self.queue.blocked() + self.claims.resting()),
            blocked: self.queue.blocked(),
            retrying: self.claims.resting(),
            dead: self.dead,
            breaker: self.circuit.state(),
            health: self.health(),
            problem: self.problem(),
            standby,
            remote: self.spec.remote,
            lost: self.lost,
            stats: self.beat.as_ref().map_or(self.stats, |beat| beat.stats),
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Heartbeats of all workers are at the same moments, so that the program wakes once for all of them.
fn next_beat(now: Moment, every: Duration) -> Moment {
    let millis = u64::try_from(every.as_millis()).unwrap_or(u64::MAX).max(1);
    let passed = u64::try_from(now.since_start().as_millis()).unwrap_or(u64::MAX) / millis;
    Moment::from_millis((passed + 1).saturating_mul(millis))
}
