//! The machine: an event in, effects out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::task::{BatchCounts, Heartbeat};
use crate::domain::{DeadReason, DependencyState, Moment, ServiceName, StopSpec, TaskId, WorkerSnapshot, WorkerSpec};

use super::batches::Batches;
use super::effect::TaskEffect;
use super::event::{Subject, TaskEvent, WriteResult};
use super::routing::Routing;
use super::timers::Timer;
use super::turn::Turn;
use super::waits::Waits;
use super::work::{Work, WorkPhase};

/// The shortest time between two writes of `orchestrator.json`.
const AGGREGATE_EVERY: Duration = Duration::from_secs(1);

/// The decisions about the tasks of all workers of a group.
#[derive(Debug, Default)]
pub struct TaskEngine {
    pub(super) works: BTreeMap<ServiceName, Work>,
    waits: Waits,
    batches: Batches,
    routing: Routing,
    /// When `orchestrator.json` was last written.
    aggregated: Option<Moment>,
    /// It says something else now.
    aggregate: bool,
}

impl TaskEngine {
    /// Without workers: `TaskEvent::Begin` brings them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in one thing that has happened.
    pub fn update(&mut self, event: TaskEvent, now: Moment) -> Vec<TaskEffect> {
        let mut turn = Turn {
            now,
            effects: Vec::new(),
            ended: Vec::new(),
            blocked: Vec::new(),
            waits: &mut self.waits,
            batches: &mut self.batches,
            aggregate: false,
        };
        take_in(&mut self.works, &mut self.routing, event, &mut turn);
        settle(&mut self.works, &mut turn);
        for work in self.works.values_mut() {
            work.fill_places(&mut turn);
            work.end_if_done(&mut turn);
        }
        let mut effects = turn.effects;
        self.aggregate |= turn.aggregate;
        if self.aggregate_at().is_some_and(|at| at <= now) {
            self.aggregate = false;
            self.aggregated = Some(now);
            effects.push(TaskEffect::Aggregate);
        }
        effects
    }

    /// When it wants to be told the time.
    pub fn next_deadline(&self) -> Option<Moment> {
        let of_works = self.works.values().filter_map(|work| work.timers.next());
        of_works.chain(self.routing.timers.next()).chain(self.aggregate_at()).min()
    }

    fn aggregate_at(&self) -> Option<Moment> {
        let earliest = self.aggregated.map_or(Moment::START, |last| last + AGGREGATE_EVERY);
        self.aggregate.then_some(earliest)
    }

    /// How a worker is; none if it has never begun.
    pub fn snapshot(&self, worker: &ServiceName) -> Option<WorkerSnapshot> {
        self.works.get(worker).map(Work::snapshot)
    }

    /// What its heartbeat says now.
    pub fn heartbeat(&self, worker: &ServiceName, now: Moment) -> Option<Heartbeat> {
        self.works.get(worker).map(|work| work.heartbeat(now))
    }

    /// Others work in the folder as well, and nobody tells what they do: `orchestrator.json` is written again.
    pub fn look_at_others(&mut self) {
        self.aggregate = true;
    }

    /// How many tasks it would take from its server now.
    pub fn places(&self, worker: &ServiceName) -> u32 {
        self.works.get(worker).map_or(0, Work::places)
    }

    /// How many of its tasks are with the server.
    pub fn away(&self, worker: &ServiceName) -> usize {
        self.works.get(worker).map_or(0, Work::away)
    }

    /// Whether it has claimed this task, and something of it is left to do.
    pub fn has_claim(&self, worker: &ServiceName, id: &TaskId) -> bool {
        self.works.get(worker).is_some_and(|work| work.claims.contains(id))
    }

    /// For `orchestrator.json`: how far batches are.
    pub fn batches(&self) -> &BTreeMap<Arc<str>, BatchCounts> {
        self.batches.counts()
    }

    /// For `orchestrator.json`: tasks whose try runs longer than it may.
    pub fn overdue(&self, now: Moment) -> Vec<TaskId> {
        let running = self.works.values().flat_map(|work| work.claims.running());
        running.filter(|(_, run)| now.since(run.since) >= run.timeout).map(|(id, _)| id.clone()).collect()
    }

    /// For `orchestrator.json`: workers whose heartbeat is too old.
    pub fn lost(&self) -> Vec<ServiceName> {
        self.works.values().filter(|work| work.is_lost()).map(|work| work.name.clone()).collect()
    }
}

fn take_in(works: &mut BTreeMap<ServiceName, Work>, routing: &mut Routing, event: TaskEvent, turn: &mut Turn<'_>) {
    match event {
        TaskEvent::Group { workers } => routing.workers = workers,
        TaskEvent::Begin { worker, spec, stop } => begin(works, routing, worker, spec, stop, turn),
        TaskEvent::Batches { worker, ended } => {
            let work = works.get(&worker);
            let is_open = |name: &str| work.zip(TaskId::parse(name)).is_some_and(|(work, id)| work.has_live(&id));
            turn.batches.found(&worker, ended, is_open);
            turn.aggregate = true;
        }
        TaskEvent::Unrouted { file, stamp, found, has_folder } => {
            turn.effects.extend(routing.arrived(file, stamp, found, has_folder, turn.now));
        }
        TaskEvent::Gone { worker: None, file } => routing.gone(&file),
        TaskEvent::Listed { worker: None } => {}
        TaskEvent::ListAgain { worker: None } => turn.emit(TaskEffect::List { worker: None }),
        TaskEvent::Written { worker: None, subject, result } => routing.written(&subject, &result, turn.now),
        TaskEvent::TimePassed => {
            works.values_mut().for_each(|work| time_passed(work, turn));
            turn.effects.extend(routing.time_passed(turn.now));
        }
        event => for_worker(works, event, turn),
    }
}

fn begin(
    works: &mut BTreeMap<ServiceName, Work>,
    routing: &mut Routing,
    worker: ServiceName,
    spec: Arc<WorkerSpec>,
    stop: StopSpec,
    turn: &mut Turn<'_>,
) {
    let work = works.entry(worker.clone()).or_insert_with(|| Work::new(worker.clone(), spec.clone(), stop.clone()));
    // Its last run has not ended: nobody begins a second one.
    if !matches!(work.phase, WorkPhase::Over(_)) {
        return;
    }
    (work.spec, work.stop) = (spec, stop);
    if !routing.workers.contains(&worker) {
        routing.workers.push(worker);
    }
    let is_remote = work.spec.remote;
    work.begin(turn);
    if !is_remote && !routing.is_on {
        routing.is_on = true;
        turn.emit(TaskEffect::List { worker: None });
    }
}

/// What concerns one worker.
fn for_worker(works: &mut BTreeMap<ServiceName, Work>, event: TaskEvent, turn: &mut Turn<'_>) {
    let Some(worker) = worker_of(&event).cloned() else { return };
    let Some(work) = works.get_mut(&worker) else {
        if let TaskEvent::Cancel { ask, .. } | TaskEvent::Retry { ask, .. } | TaskEvent::Drop { ask, .. } = event {
            turn.answer([ask], Err(&format!("{worker} is not running here at the moment")));
        }
        return;
    };
    match event {
        TaskEvent::Respec { spec, stop, .. } => work.respec(spec, stop, turn),
        TaskEvent::Standby { owner, .. } => work.stand_by(owner, turn),
        TaskEvent::Refused { problem, .. } => work.refuse(problem, turn),
        TaskEvent::Owned { stats, dead, claims, .. } => {
            if matches!(work.phase, WorkPhase::Locking | WorkPhase::Standby(_)) {
                work.own(stats, dead, claims.len(), turn);
                claims.into_iter().for_each(|claim| work.found(claim, turn));
            }
        }
        TaskEvent::Arrived { file, stamp, found, has_result, .. } => {
            work.arrived(file, stamp, found, has_result, turn);
        }
        TaskEvent::Gone { file, .. } => work.gone(&file, turn),
        TaskEvent::Listed { .. } => work.listed(turn),
        TaskEvent::ListAgain { .. } if work.phase == WorkPhase::Working => work.list(turn),
        TaskEvent::Claimed { id, result, .. } => work.claimed(&id, result, turn),
        TaskEvent::Written { subject, result, .. } => written(work, &subject, result, turn),
        TaskEvent::BeatWritten { problem, .. } => work.heartbeat_written(problem, turn),
        TaskEvent::TryEnded { id, ended, .. } => work.try_ended(&id, ended, turn),
        TaskEvent::Outside { id, state, .. } => outside(work, &id, state, turn),
        TaskEvent::DeadLetters { count, .. } => {
            work.dead = count;
            turn.aggregate = true;
        }
        TaskEvent::Dropped { id, .. } => {
            turn.batches.dropped(&work.name, id.as_str());
            turn.aggregate = true;
        }
        TaskEvent::Beat { beat, .. } => work.beat_seen(beat, turn),
        TaskEvent::Cancel { id, ask, .. } => work.cancel(&id, ask, turn),
        TaskEvent::Retry { id, ask, .. } => work.retry(&id, ask, turn),
        TaskEvent::Drop { id, ask, .. } => work.forget(&id, ask, turn),
        TaskEvent::Server { problem, is_new, .. } => work.server_is(problem, is_new, turn),
        TaskEvent::Drain { .. } => work.drain(turn),
        TaskEvent::Published { id, .. } => work.published(&id),
        TaskEvent::TakenElsewhere { id, .. } => work.taken_elsewhere(&id),
        TaskEvent::NotPublished { id, file, detail, .. } => work.not_published(&id, file, &detail, turn),
        TaskEvent::CameBack { id, outcome, .. } => work.came_back(&id, outcome, turn),
        TaskEvent::Recalled { id, tries, .. } => work.recalled(&id, tries, turn),
        TaskEvent::Delivered { claim, cancel, .. } => work.delivered(claim, cancel, turn),
        TaskEvent::Stop { kill, .. } => work.stop(kill, turn),
        _ => {}
    }
}

fn worker_of(event: &TaskEvent) -> Option<&ServiceName> {
    match event {
        TaskEvent::Begin { worker, .. }
        | TaskEvent::Respec { worker, .. }
        | TaskEvent::Standby { worker, .. }
        | TaskEvent::Owned { worker, .. }
        | TaskEvent::Refused { worker, .. }
        | TaskEvent::Arrived { worker, .. }
        | TaskEvent::Claimed { worker, .. }
        | TaskEvent::BeatWritten { worker, .. }
        | TaskEvent::TryEnded { worker, .. }
        | TaskEvent::Outside { worker, .. }
        | TaskEvent::DeadLetters { worker, .. }
        | TaskEvent::Dropped { worker, .. }
        | TaskEvent::Beat { worker, .. }
        | TaskEvent::Cancel { worker, .. }
        | TaskEvent::Retry { worker, .. }
        | TaskEvent::Drop { worker, .. }
        | TaskEvent::Server { worker, .. }
        | TaskEvent::Drain { worker }
        | TaskEvent::Published { worker, .. }
        | TaskEvent::TakenElsewhere { worker, .. }
        | TaskEvent::NotPublished { worker, .. }
        | TaskEvent::CameBack { worker, .. }
        | TaskEvent::Recalled { worker, .. }
        | TaskEvent::Delivered { worker, .. }
        | TaskEvent::Stop { worker, .. } => Some(worker),
        TaskEvent::Gone { worker, .. }
        | TaskEvent::Listed { worker }
        | TaskEvent::ListAgain { worker }
        | TaskEvent::Written { worker, .. } => worker.as_ref(),
        TaskEvent::Group { .. } | TaskEvent::Batches { .. } | TaskEvent::Unrouted { .. } | TaskEvent::TimePassed => {
            None
        }
    }
}

fn written(work: &mut Work, subject: &Subject, result: WriteResult, turn: &mut Turn<'_>) {
    let is_claiming = matches!(subject, Subject::Task(id) if work.is_claiming(id));
    if is_claiming || !work.outstanding.remove(subject) {
        return;
    }
    match subject {
        Subject::Task(id) => work.task_written(id, result, turn),
        Subject::File(file) => work.burial_written(file, result, turn),
    }
}

/// What the folders say of a task that others wait for. What the worker itself has and has not ended counts more.
fn outside(work: &mut Work, id: &TaskId, state: DependencyState, turn: &mut Turn<'_>) {
    if work.has_open(id) {
        return;
    }
    match state {
        DependencyState::Unknown => {}
        DependencyState::Completed => release(work, id, true, turn),
        DependencyState::Dead => release(work, id, false, turn),
    }
}

/// Tasks have waited for one that has ended: they may begin, or die as well.
fn release(work: &mut Work, on: &TaskId, completed: bool, turn: &mut Turn<'_>) {
    let (tasks, unfollow) = turn.waits.settle(&work.name, on);
    turn.effects.extend(unfollow);
    for id in tasks {
        if completed {
            work.queue.one_is_met(&id);
        } else {
            let detail = format!("{on} failed");
            work.bury_waiting(&id, DeadReason::DependencyFailed, &detail, turn);
        }
    }
}

fn time_passed(work: &mut Work, turn: &mut Turn<'_>) {
    while let Some(timer) = work.timers.take_due(turn.now) {
        match timer {
            Timer::Task(id) => work.task_is_due(&id, turn),
            Timer::File(file) => turn.emit(TaskEffect::LookAgain { worker: Some(work.name.clone()), file }),
            Timer::Heartbeat => work.send_heartbeat(turn),
            Timer::Breaker => work.cooldown_is_over(turn),
            Timer::Trouble => work.try_stuck(turn),
            Timer::Lost => work.set_lost(true, turn),
        }
    }
}

/// What follows from what has happened, for all workers: who has waited for a task that has ended, and who waits in a
/// circle.
fn settle(works: &mut BTreeMap<ServiceName, Work>, turn: &mut Turn<'_>) {
    for (worker, id) in std::mem::take(&mut turn.blocked) {
        if let Some(circle) = super::circles::find(works, turn.waits, &worker, &id) {
            super::circles::bury(works, &circle, turn);
        }
    }
    while let Some((worker, id, completed)) = turn.ended.pop() {
        for work in works.values_mut() {
            // Its own task of this id is meant, unless that is the one that has ended.
            if work.name == worker || !work.has_open(&id) {
                release(work, &id, completed, turn);
            }
        }
    }
}
