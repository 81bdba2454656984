//! Workers: joins the decisions about tasks with their folders and their tries, as the run loop does for the group.
//!
//! One thread does all of it, for all workers of the group, and the run loop never waits for it: it may be held up by the
//! disk. To the run loop a worker is a service whose run is no process. It is begun and stopped by orders, and reports by
//! [`RunNews`](crate::process::RunNews). What each task wants done comes from the task engine, and is done at once; what
//! came of it is the engine's next event.

mod aggregation;
mod desk;
mod effects;
mod environment;
mod files;
mod questions;
mod resting;
mod shared;
mod tries;
mod writes;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::event_recorder::EventRecorder;
use crate::clock::Clock;
use crate::domain::task::EndedOfBatch;
use crate::domain::{
    Answer, LastExit, RunId, RunReport, ServiceName, ServiceSpec, Signal, StartCause, TaskQuestion, plain_error,
};
use crate::logs::LogDocument;
use crate::process::{AttemptEnd, Expand, ProcessHost, RunNews};
use crate::task_folder::Ownership;
pub(crate) use environment::{TryEnvironment, placeholders};

/// How long the end of the group waits for the thread, which may be held up by the disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the thread works with.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) host: ProcessHost,
    pub(crate) clock: Clock,
    /// The name of the group, for others that want its folders.
    pub(crate) group: Arc<str>,
    /// The process by which people know the group.
    pub(crate) pid: u32,
    /// How the marks of its tries begin.
    pub(crate) mark: String,
    /// Takes what has come of tasks.
    pub(crate) event_recorder: EventRecorder,
}

/// A run of a worker.
pub(crate) struct WorkerStart {
    pub(crate) spec: Arc<ServiceSpec>,
    pub(crate) run: RunId,
    /// Why it is started, for the marker.
    pub(crate) cause: StartCause,
    /// How the run before ended, for the marker.
    pub(crate) was: Option<LastExit>,
    pub(crate) environment: TryEnvironment,
    /// What `dir` becomes with the environment of a try; `None`: it is what stands here.
    pub(crate) expand: Option<Expand>,
    pub(crate) dir: PathBuf,
    pub(crate) document: Arc<LogDocument>,
}

/// What the thread is told.
enum Message {
    /// These are the workers of the group, as the file says now.
    Group(Vec<Arc<ServiceSpec>>),
    /// The file says something else of a worker that works.
    Respec(Arc<ServiceSpec>),
    /// A run begins.
    Begin(Box<WorkerStart>),
    /// A run is to end.
    Stop { worker: ServiceName, run: RunId, kill: bool },
    /// A client asks.
    Ask { question: TaskQuestion, answer: oneshot::Sender<Answer> },
    /// What has become of asking for a folder.
    Ownership { worker: ServiceName, run: RunId, ownership: Ownership },
    /// What has ended of the batches of a worker, by the files that were there when its folder became ours.
    Batches { worker: ServiceName, run: RunId, ended: Vec<EndedOfBatch> },
    /// How far the batches of workers are whose folders are not ours.
    Others { batches: BTreeMap<ServiceName, aggregation::BatchesOf>, took: Duration },
    /// A try is over.
    Ended { worker: ServiceName, serial: u64, end: Box<AttemptEnd> },
    /// Something has happened in a folder.
    Folder(files::FolderNews),
    /// The server has something to say.
    Server(crate::task_stream::News),
    /// The group is over.
    Close,
}

/// The way to the thread. It is begun as soon as the group has a worker whose folder may be here.
pub(crate) struct Workers {
    means: Means,
    /// It is known how people know the group.
    has_begun: bool,
    thread: Option<Thread>,
    group: Vec<Arc<ServiceSpec>>,
    /// The last run of each worker that was begun.
    runs: HashMap<ServiceName, RunId>,
}

struct Thread {
    messages: Sender<Message>,
    closed: Arc<AtomicBool>,
    /// Closed when the thread has ended.
    over: Receiver<()>,
}

impl Workers {
    /// No worker was begun.
    pub(crate) fn new(means: Means) -> Self {
        Self { means, has_begun: false, thread: None, group: Vec::new(), runs: HashMap::new() }
    }

    /// The group begins, and people know it by this process.
    pub(crate) fn set_pid(&mut self, pid: u32) {
        self.means.pid = pid;
        self.has_begun = true;
        self.look_at_resting();
    }

    /// These are the services of the group from now on.
    pub(crate) fn set_group(&mut self, services: &[Arc<ServiceSpec>]) {
        self.group = services.iter().filter(|service| service.worker.is_some()).cloned().collect();
        self.send(Message::Group(self.group.clone()));
        self.look_at_resting();
    }

    /// What waits for a worker is told also while it does not work.
    fn look_at_resting(&mut self) {
        let is_here = |worker: &Arc<ServiceSpec>| worker.worker.as_ref().is_some_and(|spec| !spec.remote);
        if self.has_begun
            && self.group.iter().any(is_here)
            && let Err(reason) = self.begin_thread()
        {
            log::warn!("what waits for workers is not counted: {reason}");
        }
    }

    fn begin_thread(&mut self) -> Result<(), String> {
        if self.thread.is_none() {
            self.thread = Some(Thread::start(&self.means)?);
            self.send(Message::Group(self.group.clone()));
        }
        Ok(())
    }

    /// A run begins. Reports [`RunReport::Started`] as soon as its folder is somebody's.
    pub(crate) fn begin(&mut self, start: WorkerStart) {
        let (service, run) = (start.spec.name.clone(), start.run);
        self.runs.insert(service.clone(), run);
        if let Err(reason) = self.begin_thread() {
            let report = RunReport::NotStarted { reason };
            return self.means.host.report(RunNews { service, run, report });
        }
        self.send(Message::Begin(Box::new(start)));
    }

    /// Whether this is a run of a worker. A signal for it is an order to stop, and with KILL to do so at once.
    pub(crate) fn signal(&self, worker: &ServiceName, run: RunId, signal: Signal) -> bool {
        let is_ours = self.runs.get(worker) == Some(&run);
        if is_ours {
            self.send(Message::Stop { worker: worker.clone(), run, kill: signal == Signal::Kill });
        }
        is_ours
    }

    /// Has the tries of these workers measured (empty: of all).
    pub(crate) fn measure(&self, services: &[ServiceName]) {
        let is_wanted = |worker: &&Arc<ServiceSpec>| services.is_empty() || services.contains(&worker.name);
        for worker in self.group.iter().filter(is_wanted) {
            let works_here = worker.worker.as_ref().is_some_and(|spec| !spec.remote);
            if let Some(run) = self.runs.get(&worker.name).filter(|_| works_here) {
                self.means.host.measure_attempts(&worker.name, *run);
            }
        }
    }

    /// The file says something else of a worker that works, for which it need not be restarted.
    pub(crate) fn respec(&self, spec: Arc<ServiceSpec>) {
        self.send(Message::Respec(spec));
    }

    /// Answers a question about tasks, also where no worker was ever begun.
    pub(crate) fn ask(&self, question: TaskQuestion, answer: oneshot::Sender<Answer>) {
        let about = questions::Workers::of(&self.group);
        match (&question, &self.thread) {
            (TaskQuestion::List { .. } | TaskQuestion::Show(..), _) | (_, None) => {
                questions::read(about, question, answer, self.means.clock);
            }
            (TaskQuestion::Retry(..) | TaskQuestion::Cancel(..), Some(_)) => {
                self.send(Message::Ask { question, answer })
            }
        }
    }

    /// Nothing more is decided or written: what is not finished by now is for the next owner of the folders. Before the
    /// tries are killed, which would otherwise count as failed.
    pub(crate) fn close(&self) {
        if let Some(thread) = &self.thread {
            thread.closed.store(true, Ordering::SeqCst);
            self.send(Message::Close);
            if thread.over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                log::warn!("the folders of tasks do not answer");
            }
        }
    }

    fn send(&self, message: Message) {
        if let Some(thread) = &self.thread {
            // A thread that is gone has had a bug, which was logged.
            let _ = thread.messages.send(message);
        }
    }
}

impl Thread {
    fn start(means: &Means) -> Result<Self, String> {
        let (messages, inbox) = channel();
        let (closed, (at_end, over)) = (Arc::<AtomicBool>::default(), channel::<()>());
        let (its_means, its_messages, its_closed) = (means.clone(), messages.clone(), closed.clone());
        let thread = thread::Builder::new().name("workers".into());
        let started = thread.spawn(move || {
            let _at_end = at_end;
            desk::Desk::new(its_means, (its_messages, inbox), its_closed).run();
        });
        match started {
            Ok(_) => Ok(Self { messages, closed, over }),
            Err(error) => Err(format!("cannot start a thread for it: {}", plain_error(&error))),
        }
    }
}
