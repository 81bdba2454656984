//! The thread: takes what has happened, lets the task engine decide, has the effects carried out, and reports.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::aggregation::Others;
use super::files::{Places, UnderWay};
use super::questions::Asks;
use super::resting::Resting;
use super::shared::{Link, Shared};
use super::tries::Try;
use super::{Means, Message, WorkerStart};
use crate::domain::{
    ExitStatus, Marker, Moment, RunId, RunReport, ServiceName, ServiceSpec, StartCause, TaskId, TaskMarker,
    WorkerSnapshot,
};
use crate::engine::tasks::{TaskEngine, TaskEvent};
use crate::process::{AttemptEnd, RunNews};
use crate::task_folder::{Askers, Owned, Ownership};

/// The shortest time between two snapshots of a worker.
const PICTURE: Duration = Duration::from_millis(50);

/// How many messages are taken before deadlines and snapshots get their turn: neither starves in a storm of them.
const BATCH: usize = 256;

/// A worker that works, or waits for its folder.
pub(super) struct Working {
    pub(super) start: WorkerStart,
    /// Its folder, while it is ours.
    pub(super) folder: Option<Box<Owned>>,
    /// The tries of claimed tasks, also those that have ended, until their tasks have.
    pub(super) tries: HashMap<TaskId, Try>,
    /// What was read when a task was claimed, until its try begins.
    pub(super) claimed: HashMap<TaskId, Arc<[u8]>>,
    /// Tasks whose result says that they were cancelled, until their claims are gone.
    pub(super) cancelled: HashSet<TaskId>,
    /// Why it has to end, for people.
    pub(super) fault: Option<Arc<str>>,
    /// What is on its way to a server and back, while its tasks go through one.
    pub(super) shared: Option<Box<Shared>>,
    has_started: bool,
    /// What was last told of it, and when.
    shown: Option<(Arc<WorkerSnapshot>, Moment)>,
}

/// What the thread knows.
pub(super) struct Desk {
    pub(super) means: Means,
    pub(super) engine: TaskEngine,
    /// The decisions about tasks that a server delivers.
    pub(super) hands: TaskEngine,
    /// The server, if tasks go through one.
    pub(super) server: Link,
    pub(super) messages: Sender<Message>,
    inbox: Receiver<Message>,
    closed: Arc<AtomicBool>,
    /// All workers of the group.
    pub(super) group: Vec<Arc<ServiceSpec>>,
    pub(super) working: BTreeMap<ServiceName, Working>,
    /// Those that do not work.
    pub(super) resting: Resting,
    /// The last run of each that has ever worked.
    runs: HashMap<ServiceName, RunId>,
    pub(super) askers: Askers,
    pub(super) places: Places,
    pub(super) asks: Asks,
    /// The number of the last try.
    pub(super) serial: u64,
    /// What the engine is to be told next.
    pub(super) events: VecDeque<TaskEvent>,
    /// … and the hands.
    pub(super) hand_events: VecDeque<TaskEvent>,
    /// Folders that are being listed.
    pub(super) listings: VecDeque<UnderWay>,
    /// Something may look different.
    changed: bool,
    /// Somebody else works for a worker whose heartbeat is in the folder.
    pub(super) has_others: bool,
    /// Workers whose folders are or were ours: their batches are known.
    pub(super) owned: BTreeSet<ServiceName>,
    pub(super) others: Others,
}

impl Desk {
    pub(super) fn new(
        means: Means,
        (messages, inbox): (Sender<Message>, Receiver<Message>),
        closed: Arc<AtomicBool>,
    ) -> Self {
        Self {
            means,
            engine: TaskEngine::new(),
            hands: TaskEngine::new(),
            server: Link::default(),
            places: Places::new(messages.clone()),
            messages,
            inbox,
            closed,
            group: Vec::new(),
            working: BTreeMap::new(),
            resting: Resting::default(),
            runs: HashMap::new(),
            askers: Askers::new(),
            asks: Asks::default(),
            serial: 0,
            events: VecDeque::new(),
            hand_events: VecDeque::new(),
            listings: VecDeque::new(),
            changed: false,
            has_others: false,
            owned: BTreeSet::new(),
            others: Others::default(),
        }
    }

    /// Works until the group is over.
    pub(super) fn run(mut self) {
        while let Ok(message) = self.next() {
            if let Some(message) = message {
                self.take(message);
            }
            for _ in 1..BATCH {
                let Ok(message) = self.inbox.try_recv() else { break };
                self.take(message);
            }
            if self.is_closed() {
                // The program ends now, which closes the watches without anybody waiting for that.
                std::mem::forget(self);
                return;
            }
            self.pass_time();
            self.show();
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(super) fn now(&self) -> Moment {
        self.means.clock.now()
    }

    /// The next message; `None` when something is due. An error: nobody can say anything more.
    fn next(&self) -> Result<Option<Message>, ()> {
        let picture = self.working.values().filter_map(|working| Some(working.shown.as_ref()?.1 + PICTURE)).min();
        let picture = picture.filter(|_| self.changed);
        let looks = [self.places.next_look(), self.resting.next_look()];
        let decisions = [self.engine.next_deadline(), self.hands.next_deadline()];
        let due = decisions.into_iter().chain([picture]).chain(looks).flatten().min();
        match due {
            None => self.inbox.recv().map(Some).map_err(|_| ()),
            Some(due) => match self.inbox.recv_timeout(due.since(self.now())) {
                Ok(message) => Ok(Some(message)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(()),
            },
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Group(group) => {
                let workers = group.iter().map(|worker| worker.name.clone()).collect();
                self.group = group;
                self.decide(TaskEvent::Group { workers });
                self.rest();
            }
            Message::Respec(spec) => self.respec(spec),
            Message::Begin(start) => self.begin(*start),
            Message::Stop { worker, run, kill } => {
                if self.working.get(&worker).is_some_and(|working| working.start.run == run) {
                    self.stop(worker, kill);
                    self.work_off();
                }
            }
            Message::Ask { question, answer } => self.ask(question, answer),
            Message::Ownership { worker, run, ownership } => self.ownership(&worker, run, ownership),
            Message::Batches { worker, run, ended } => {
                if self.working.get(&worker).is_some_and(|working| working.start.run == run) {
                    self.decide(TaskEvent::Batches { worker, ended });
                }
            }
            Message::Others { batches, took } => self.others_counted(batches, took),
            Message::Ended { worker, serial, end } => self.try_ended(worker, serial, *end),
            Message::Folder(news) => self.folder_news(news),
            Message::Server(news) => self.server_news(news),
            Message::Close => {}
        }
    }

    /// Tells the engine, and does what it orders, until there is nothing more to do.
    pub(super) fn decide(&mut self, event: TaskEvent) {
        self.answer(event);
        self.work_off();
    }

    /// The same with what it is to be told already, and with all that listings find.
    pub(super) fn work_off(&mut self) {
        self.work_off_events();
        while !self.is_closed() && self.read_on() {
            self.work_off_events();
        }
    }

    fn work_off_events(&mut self) {
        self.changed |= !self.events.is_empty() || !self.hand_events.is_empty();
        loop {
            let now = self.now();
            let (effects, of_hands) = match (self.events.pop_front(), self.hand_events.is_empty()) {
                (Some(event), _) => (self.engine.update(event, now), false),
                (None, false) => match self.hand_events.pop_front() {
                    Some(event) => (self.hands.update(event, now), true),
                    None => break,
                },
                (None, true) => break,
            };
            for effect in effects {
                // What is not done by now is for the next owner.
                if self.is_closed() {
                    self.events.clear();
                    self.hand_events.clear();
                    return;
                }
                if of_hands { self.carry_out_by_hand(effect) } else { self.carry_out(effect) }
            }
        }
        self.tell_server();
    }

    /// An effect has come to this.
    pub(super) fn answer(&mut self, event: TaskEvent) {
        self.events.push_back(event);
    }

    fn pass_time(&mut self) {
        let now = self.now();
        if self.engine.next_deadline().is_some_and(|due| due <= now) {
            self.decide(TaskEvent::TimePassed);
        }
        if self.hands.next_deadline().is_some_and(|due| due <= now) {
            self.hand_events.push_back(TaskEvent::TimePassed);
            self.work_off();
        }
        if self.places.next_look().is_some_and(|due| due <= now) {
            self.look_around(now);
        }
        self.count_resting(now);
    }

    /// A worker that works takes up what the file says of it now; its tries see no difference.
    fn respec(&mut self, spec: Arc<ServiceSpec>) {
        let (Some(working), Some(new)) = (self.working.get_mut(&spec.name), spec.worker.clone()) else { return };
        let (worker, stop) = (spec.name.clone(), spec.stop.clone());
        working.start.spec = spec;
        self.respec_hands(&worker, &new, &stop);
        self.decide(TaskEvent::Respec { worker, spec: new, stop });
    }

    fn begin(&mut self, start: WorkerStart) {
        let (spec, run) = (start.spec.clone(), start.run);
        let Some(worker) = spec.worker.clone() else { return };
        self.resting.remove(&spec.name);
        self.places.forget(&spec.name);
        self.runs.insert(spec.name.clone(), run);
        start.document.begin_run(run, None);
        let command = (!worker.remote).then(|| spec.run.display());
        start.document.mark(&match (&start.cause, start.was) {
            (StartCause::First, _) | (_, None) => {
                Marker::Task(TaskMarker::Begins { command, concurrency: worker.concurrency })
            }
            // How the run before ended was told then: it is no process, and has no exit code.
            (cause, Some(_)) => Marker::Restarted { cause: cause.clone(), was: None },
        });
        let working = Working {
            start,
            folder: None,
            tries: HashMap::new(),
            claimed: HashMap::new(),
            cancelled: HashSet::new(),
            fault: None,
            shared: None,
            has_started: false,
            shown: None,
        };
        self.working.insert(spec.name.clone(), working);
        if worker.remote {
            self.started(&spec.name);
        }
        self.decide(TaskEvent::Begin { worker: spec.name.clone(), spec: worker, stop: spec.stop.clone() });
    }

    fn ownership(&mut self, worker: &ServiceName, run: RunId, ownership: Ownership) {
        if self.working.get(worker).is_none_or(|working| working.start.run != run) {
            // It was stopped meanwhile: a folder that came too late is given up by being dropped.
            return;
        }
        match ownership {
            Ownership::Standby(owner) => {
                self.started(worker);
                self.decide(TaskEvent::Standby { worker: worker.clone(), owner });
            }
            Ownership::Ending(processes) => {
                let left = crate::process_tree::display(&processes);
                log::warn!("{worker}: waiting for tries of an earlier devgroup to end: {left}");
            }
            Ownership::Owned(folder) => self.own(worker, folder),
            Ownership::Refused(why) => self.decide(TaskEvent::Refused { worker: worker.clone(), problem: why.into() }),
        }
    }

    fn try_ended(&mut self, worker: ServiceName, serial: u64, end: AttemptEnd) {
        let Some(working) = self.working.get_mut(&worker) else { return };
        let its = working.tries.iter_mut().find(|(_, its)| its.serial == serial);
        let Some((id, its)) = its else { return };
        let id = id.clone();
        its.attempt = None;
        its.output = (end.output, end.errors);
        self.answer_about_try(TaskEvent::TryEnded { worker, id, ended: end.ended });
        self.work_off();
    }

    /// Says that a worker works, or waits for others to stop working: those that depend on it may start.
    pub(super) fn started(&mut self, worker: &ServiceName) {
        if let Some(working) = self.working.get_mut(worker).filter(|working| !working.has_started) {
            working.has_started = true;
            let run = working.start.run;
            self.report(worker, run, RunReport::Started { pid: 0 });
        }
    }

    /// The run of a worker is over.
    pub(super) fn over(&mut self, worker: &ServiceName, problem: Option<Arc<str>>) {
        let snapshot = self.snapshot(worker);
        let Some(working) = self.working.remove(worker) else { return };
        self.places.forget(worker);
        self.leave_server(worker);
        let run = working.start.run;
        if let Some(snapshot) = snapshot {
            self.report(worker, run, RunReport::Worker(Arc::new(snapshot)));
        }
        let report = match problem.or(working.fault) {
            Some(reason) if !working.has_started => {
                working.start.document.mark(&Marker::CouldNotStart { reason: reason.to_string() });
                RunReport::NotStarted { reason: reason.to_string() }
            }
            Some(problem) => {
                working.start.document.mark(&Marker::Task(TaskMarker::GivesUp { reason: problem }));
                RunReport::Exited { status: ExitStatus::Code(1), group_gone: true }
            }
            None => RunReport::Exited { status: ExitStatus::Code(0), group_gone: true },
        };
        self.report(worker, run, report);
        self.rest();
    }

    pub(super) fn report(&self, worker: &ServiceName, run: RunId, report: RunReport) {
        self.means.host.report(RunNews { service: worker.clone(), run, report });
    }

    /// The last run of a worker; that before the first if it has never worked.
    pub(super) fn last_run(&self, worker: &ServiceName) -> RunId {
        self.runs.get(worker).copied().unwrap_or_default()
    }

    /// Tells what workers look like now.
    fn show(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let now = self.now();
        let mut news = Vec::new();
        let snapshots: Vec<_> = self.working.keys().map(|name| self.snapshot(name)).collect();
        for ((name, working), snapshot) in self.working.iter_mut().zip(snapshots) {
            if working.shown.as_ref().is_some_and(|(_, at)| now < *at + PICTURE) {
                self.changed = true;
                continue;
            }
            let Some(snapshot) = snapshot else { continue };
            if working.shown.as_ref().is_some_and(|(shown, _)| **shown == snapshot) {
                continue;
            }
            let snapshot = Arc::new(snapshot);
            working.shown = Some((snapshot.clone(), now));
            news.push((name.clone(), working.start.run, snapshot));
        }
        for (worker, run, snapshot) in news {
            self.report(&worker, run, RunReport::Worker(snapshot));
        }
    }
}
