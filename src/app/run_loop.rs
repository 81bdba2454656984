//! The one loop: takes an event from whichever source has one, lets the engine decide, carries the effects out, and
//! publishes what it looks like now.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::effect_runner::{EffectRunner, LoopAction};
use super::ending::{self, Circumstances};
use super::os_signals::{OsNews, OsSignals};
use super::reload::{Reloading, ScaleRequest};
use super::status_file::StatusFile;
use super::stopwatch::Stopwatch;
use crate::clock::Clock;
use crate::domain::{
    AlertDelivery, Answer, Command, GroupSnapshot, Moment, Refusal, RunReport, ServiceName, WatchReport,
};
use crate::engine::{Effect, Engine, Event, Finish};
use crate::failpoint;
use crate::group_handle::Request;
use crate::process::RunNews;
use crate::tui;
use crate::watch::WatchReports;

/// Events that are taken before the state is published once: bounds how old the picture can get in a storm.
const BATCH: usize = 256;

/// All that the loop joins.
pub(crate) struct RunLoop {
    pub(crate) clock: Clock,
    pub(crate) engine: Engine,
    pub(crate) runner: EffectRunner,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) news: mpsc::UnboundedReceiver<RunNews>,
    pub(crate) watch: WatchReports,
    pub(crate) signals: OsSignals,
    pub(crate) reloads: mpsc::Receiver<Reloading>,
    /// Other numbers of instances go to who reads the file.
    pub(crate) scales: mpsc::Sender<ScaleRequest>,
    pub(crate) config_written: Arc<Notify>,
    pub(crate) snapshots: watch::Sender<Arc<GroupSnapshot>>,
    /// When `--timeout` is up.
    pub(crate) time_up: Option<Moment>,
    /// The service of `--exit-with`.
    pub(crate) exit_with: Option<ServiceName>,
    /// Lines are streamed: the group ends by itself when it is over.
    pub(crate) streaming: bool,
    /// What others see of the loop's health.
    pub(crate) status_file: StatusFile,
}

/// Signals that come closer together than this are one: `timeout`, and wrappers that forward what the terminal has sent
/// already, send it twice. A person who is in a hurry is slower.
const ONE_SIGNAL: Duration = Duration::from_millis(100);

/// What one source had to say.
enum Incoming {
    Request(Request),
    News(RunNews),
    Watch(WatchReport),
    Os(OsNews),
    Reload(Reloading),
    Delivery(AlertDelivery),
    Time,
}

impl Incoming {
    /// For a turn that took too long.
    fn name(&self) -> &'static str {
        match self {
            Self::Request(request) => match &request.command {
                Command::Input { .. } => "typing",
                Command::Resize { .. } => "a resize",
                _ => "a command",
            },
            Self::News(news) => match &news.report {
                RunReport::Started { .. } | RunReport::NotStarted { .. } => "the start of a run",
                RunReport::Printed { .. } => "the first output of a run",
                RunReport::Ready | RunReport::Unready { .. } | RunReport::PortTaken { .. } => "the readiness of a run",
                RunReport::Alive | RunReport::Silent { .. } => "a liveness result",
                RunReport::Expanded { .. } => "the address of a run",
                RunReport::StatusText(_) => "what a run says of itself",
                RunReport::Ignores(_) => "a signal that is ignored",
                RunReport::Worker(_) => "what a worker does",
                RunReport::Usage(_) => "the usage of a run",
                RunReport::Details(_) => "the details of a run",
                RunReport::LeftBehind { .. } | RunReport::Exited { .. } | RunReport::GroupGone => "the end of a run",
                RunReport::Validated { .. } => "the end of a validation",
                RunReport::Unchanged { .. } => "an unchanged job",
                RunReport::HookEnded { .. } => "the end of a hook",
            },
            Self::Watch(WatchReport::Files(_)) => "file changes",
            Self::Watch(WatchReport::Compared(_)) => "a comparison of files",
            Self::Watch(WatchReport::Git(_)) => "a git report",
            Self::Watch(WatchReport::Status(_) | WatchReport::ConfigWritten(_) | WatchReport::CaughtUp(_)) => {
                "a watcher report"
            }
            Self::Os(OsNews::Signal(..)) => "a signal",
            Self::Os(OsNews::Alone) => "the end of the guard",
            Self::Reload(Reloading { event: Event::Reloaded { .. }, .. }) => "a new procgroup.toml",
            Self::Reload(Reloading { event: Event::Scaled { .. }, .. }) => "other numbers of instances",
            Self::Reload(_) => "a notice",
            Self::Delivery(_) => "the delivery of an alert",
            Self::Time => "a timer",
        }
    }
}

/// What grows while the loop runs.
#[derive(Default)]
struct Progress {
    answers: HashMap<u64, oneshot::Sender<Answer>>,
    /// Answers that are sent once their effect can be seen in a snapshot.
    answered: Vec<(oneshot::Sender<Answer>, Answer)>,
    next_id: u64,
    circumstances: Circumstances,
    finish: Option<Finish>,
    /// When the last signal came.
    signalled: Option<Moment>,
    /// The watcher was ready.
    watching: bool,
}

impl RunLoop {
    /// Carries out what the engine has ordered at the beginning.
    pub(crate) fn begin(&mut self, first: Vec<Effect>) {
        for effect in first {
            // Nobody has asked anything yet, and nothing can be over.
            let _ = self.runner.carry_out(effect);
        }
    }

    /// Runs a group that has begun to its end.
    pub(crate) async fn run(&mut self) -> (Finish, Circumstances) {
        let mut progress = Progress {
            circumstances: Circumstances { streaming: self.streaming, ..Circumstances::default() },
            ..Progress::default()
        };
        let mut incoming = Incoming::Time;
        loop {
            let mut stopwatch = Stopwatch::start(self.clock);
            let name = incoming.name();
            self.handle(incoming, &mut progress);
            stopwatch.lap(name);
            for _ in 1..BATCH {
                let Some(more) = self.queued() else { break };
                let name = more.name();
                self.handle(more, &mut progress);
                stopwatch.lap(name);
            }
            self.pass_time(&mut progress);
            stopwatch.lap("due timers");
            self.publish(&mut progress);
            for (client, answer) in progress.answered.drain(..) {
                // A client that does not wait any more needs no answer.
                let _ = client.send(answer);
            }
            stopwatch.lap("publishing the snapshot");
            let (now, took) = stopwatch.stop();
            self.status_file.turned(now, took);
            if let Some(finish) = progress.finish.take() {
                return (finish, progress.circumstances);
            }
            incoming = self.next().await;
        }
    }

    /// Waits for whatever comes first.
    async fn next(&mut self) -> Incoming {
        let deadline =
            [self.engine.next_deadline(), self.runner.next_deadline(), self.time_up, Some(self.status_file.due())]
                .into_iter()
                .flatten()
                .min();
        let clock = self.clock;
        let timer = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(clock.instant(deadline).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            news = self.signals.next() => Incoming::Os(news),
            Some(request) = self.requests.recv() => Incoming::Request(request),
            Some(news) = self.news.recv() => Incoming::News(news),
            Some(reloading) = self.reloads.recv() => Incoming::Reload(reloading),
            Some(delivery) = self.runner.next_delivery() => Incoming::Delivery(delivery),
            () = timer => Incoming::Time,
            Some(report) = self.watch.next() => Incoming::Watch(report),
        }
    }

    /// What waits already, without waiting.
    fn queued(&mut self) -> Option<Incoming> {
        if let Ok(request) = self.requests.try_recv() {
            return Some(Incoming::Request(request));
        }
        self.news.try_recv().ok().map(Incoming::News)
    }

    fn handle(&mut self, incoming: Incoming, progress: &mut Progress) {
        failpoint::hit("loop");
        failpoint::hang("turn");
        let event = match incoming {
            Incoming::Reload(Reloading { event, told }) => {
                progress.answered.extend(told);
                if matches!(event, Event::FileRefused { .. }) {
                    self.runner.group_refused();
                }
                event
            }
            Incoming::Time => Event::TimePassed,
            Incoming::Delivery(delivery) => Event::AlertTold(delivery),
            Incoming::News(news) => return self.take_news(news, progress),
            Incoming::Watch(WatchReport::Files(files)) => Event::Files(files),
            Incoming::Watch(WatchReport::Status(status)) => {
                if status.ready && !progress.watching {
                    // A save between the reading of the file and the first look at it was seen by nobody.
                    progress.watching = true;
                    self.config_written.notify_one();
                }
                Event::Watch(status)
            }
            Incoming::Watch(WatchReport::Compared(comparison)) => Event::Compared(comparison),
            Incoming::Watch(WatchReport::Git(work)) => Event::Git(work),
            Incoming::Watch(WatchReport::ConfigWritten(at)) => {
                self.config_written.notify_one();
                Event::FileWritten { at }
            }
            Incoming::Os(OsNews::Alone) => {
                log::error!("devgroup's guard process is gone");
                // Whoever started it has the terminal back.
                tui::restore_terminal();
                Event::Client { id: None, command: Command::Quit }
            }
            Incoming::Os(OsNews::Signal(number, command)) => {
                log::info!("received signal {number}");
                let now = self.clock.now();
                if progress.signalled.replace(now).is_some_and(|before| now.since(before) < ONE_SIGNAL) {
                    return;
                }
                progress.circumstances.signal.get_or_insert(number);
                Event::Client { id: None, command }
            }
            Incoming::Watch(WatchReport::CaughtUp(number)) => {
                if let Some(client) = progress.answers.remove(&number) {
                    progress.answered.push((client, self.accepted()));
                }
                return;
            }
            Incoming::Request(Request { command: Command::CatchUp { files }, answer }) => {
                return self.catch_up(files, answer, progress);
            }
            Incoming::Request(request) => {
                let Some(Request { command, answer }) = self.pass_on(request) else { return };
                let id = answer.map(|answer| {
                    progress.next_id += 1;
                    progress.answers.insert(progress.next_id, answer);
                    progress.next_id
                });
                Event::Client { id, command }
            }
        };
        self.decide(event, progress);
    }

    /// Takes in news, and what else has come of other services, at once. With a second piece of news of one it ends: what
    /// follows from the first comes before that.
    fn take_news(&mut self, first: RunNews, progress: &mut Progress) {
        let mut services = HashSet::from([first.service.clone()]);
        let (mut together, mut second) = (vec![first], None);
        while together.len() < BATCH
            && let Ok(more) = self.news.try_recv()
        {
            if !services.insert(more.service.clone()) {
                second = Some(more);
                break;
            }
            together.push(more);
        }
        for news in [together, second.into_iter().collect()] {
            let of = |RunNews { service, run, report }| Event::Run { service, run, report };
            self.decide_all(news.into_iter().map(of).collect(), progress);
        }
    }

    /// Answers when all that has happened until now is in the snapshot. A client that is not answered knows by that.
    fn catch_up(&self, files: bool, answer: Option<oneshot::Sender<Answer>>, progress: &mut Progress) {
        let Some(client) = answer else { return };
        if !files {
            progress.answered.push((client, self.accepted()));
            return;
        }
        progress.next_id += 1;
        if self.runner.catch_up(progress.next_id) {
            progress.answers.insert(progress.next_id, client);
        }
    }

    fn accepted(&self) -> Answer {
        Answer::Accepted { at: self.clock.now(), services: Vec::new() }
    }

    /// Gives requests that decide nothing straight to the adapters, so that a typed key costs no look at the whole group.
    /// Any other one comes back.
    fn pass_on(&self, request: Request) -> Option<Request> {
        let Request { command, answer } = request;
        match command {
            Command::Input { service, bytes } => self.runner.write(&service, bytes),
            Command::Inspect { service } => self.runner.inspect(&service),
            Command::Measure { services } => self.runner.measure(&services),
            Command::Resize { service, columns, rows } => self.runner.resize(&service, columns, rows),
            Command::Why { path } => {
                if let Some(answer) = answer {
                    self.runner.why(path, answer);
                }
                return None;
            }
            Command::Task(question) => {
                if let Some(answer) = answer {
                    self.runner.ask_about_tasks(question, answer);
                }
                return None;
            }
            Command::Scale { counts } => {
                let refused = self.scale(ScaleRequest { counts, answer });
                if let Some((client, refusal)) = refused {
                    // A client that does not wait any more needs no answer.
                    let _ = client.send(Answer::Refused(refusal));
                }
                return None;
            }
            command => return Some(Request { command, answer }),
        }
        if let Some(client) = answer {
            // A client that does not wait any more needs no answer.
            let _ = client.send(self.accepted());
        }
        None
    }

    /// Passes other numbers of instances on to who reads the file; or whom to tell why that cannot be.
    fn scale(&self, request: ScaleRequest) -> Option<(oneshot::Sender<Answer>, Refusal)> {
        if self.snapshots.borrow().stopping.is_some() {
            return request.answer.map(|client| (client, Refusal::Stopping));
        }
        match self.scales.try_send(request) {
            Ok(()) => None,
            Err(TrySendError::Full(request) | TrySendError::Closed(request)) => {
                request.answer.map(|client| (client, Refusal::Unavailable))
            }
        }
    }

    fn decide(&mut self, event: Event, progress: &mut Progress) {
        self.decide_all(vec![event], progress);
    }

    fn decide_all(&mut self, events: Vec<Event>, progress: &mut Progress) {
        if progress.finish.is_some() || events.is_empty() {
            return;
        }
        let (now, shows) = self.clock.both();
        self.engine.look_at_wall(now, shows);
        for effect in self.engine.update_all(events, now) {
            match self.runner.carry_out(effect) {
                None => {}
                Some(LoopAction::Finish(finish)) => progress.finish = Some(finish),
                Some(LoopAction::Answer(id, answer)) => {
                    if let Some(client) = progress.answers.remove(&id) {
                        progress.answered.push((client, answer));
                    }
                }
            }
        }
    }

    /// A storm of events must not put off what is due.
    fn pass_time(&mut self, progress: &mut Progress) {
        let now = self.clock.now();
        if self.engine.next_deadline().is_some_and(|due| due <= now) {
            self.decide(Event::TimePassed, progress);
        }
        if self.runner.next_deadline().is_some_and(|due| due <= now) {
            self.runner.pass_time(now);
        }
        if self.time_up.is_some_and(|due| due <= now) {
            self.time_up = None;
            self.decide(Event::Client { id: None, command: Command::TimeOut }, progress);
        }
    }

    fn publish(&mut self, progress: &mut Progress) {
        let snapshot = self.engine.snapshot();
        if Arc::ptr_eq(&snapshot, &self.snapshots.borrow()) {
            return;
        }
        if snapshot.stopping.is_none() {
            let ended = self.exit_with.as_ref().and_then(|name| ending::has_ended(&snapshot, name));
            progress.circumstances.exit_with = ended;
            let lost = self.exit_with.as_ref().filter(|name| snapshot.service(name).is_none());
            if let Some(name) = lost {
                log::error!("{name}, the --exit-with service, is no longer in the group: stopping the group");
                progress.circumstances.has_lost_exit_with = true;
            }
            if ended.is_some() || lost.is_some() || (self.streaming && ending::is_over(&snapshot)) {
                self.decide(Event::Client { id: None, command: Command::Quit }, progress);
                self.snapshots.send_replace(self.engine.snapshot());
                return;
            }
        }
        self.snapshots.send_replace(snapshot);
    }
}
