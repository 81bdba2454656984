//! Carries out what the engine orders. Knows every adapter, and decides nothing.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::alerts::AlertTeller;
use super::environment;
use super::event_recorder::{EventRecorder, log_fact};
use super::history_file::HistoryWriter;
use super::job_inputs::Inputs;
use super::log_files;
use super::state_folder;
use super::web_desk::WebDesk;
use super::workers::{Means, TryEnvironment, WorkerStart, Workers};
use crate::config::{self, Pipes};
use crate::control::group_key;
use crate::domain::{
    AlertDelivery, Answer, Fact, GroupSpec, LastExit, Moment, Notifications, OnChange, RunCommand, RunId, RunReport,
    ServiceName, ServiceSpec, Signal, StartCause, TaskQuestion, Validated,
};
use crate::engine::{Effect, Finish};
use crate::logs::{LogDocument, LogStore};
use crate::process::{
    Beside, ChangeCommand, Expand, Expanded, Launch, LivenessProbe, Notify, Prepare, Prepared, ProcessHost, RunNews,
};
use crate::watch::Watcher;

/// Joins effects with adapters.
pub(crate) struct EffectRunner {
    host: ProcessHost,
    logs: Arc<LogStore>,
    watcher: Watcher,
    group: Arc<str>,
    ways: Ways,
    memory: usize,
    event_recorder: EventRecorder,
    alert_teller: AlertTeller,
    inherited: Arc<[(OsString, OsString)]>,
    /// The folder of the group's own files, if there is one.
    folder: Option<PathBuf>,
    pipes: Pipes,
    /// Services whose last validation was called off: another one follows for the same start.
    called_off: HashSet<ServiceName>,
    workers: Workers,
}

/// By which clients come in.
pub(crate) struct Ways {
    /// The address of the control socket, if there is one.
    pub(crate) socket: Option<Arc<Path>>,
    /// The web page.
    pub(crate) web: Arc<WebDesk>,
}

/// What the runner leaves to the loop.
pub(crate) enum LoopAction {
    /// Answer this client.
    Answer(u64, Answer),
    /// End the run loop, with what became of the services.
    Finish(Finish),
}

impl EffectRunner {
    /// The process by which people know the group.
    pub(crate) fn known_by(&mut self, pid: u32) {
        self.workers.set_pid(pid);
    }

    /// A runner for the group of this spec.
    pub(crate) fn new(
        host: ProcessHost,
        logs: Arc<LogStore>,
        watcher: Watcher,
        spec: &GroupSpec,
        ways: Ways,
        event_recorder: EventRecorder,
    ) -> Self {
        let group: Arc<str> = group_key(&spec.file).into();
        let mut workers = Workers::new(Means {
            host: host.clone(),
            clock: logs.clock(),
            group: spec.name.to_string().into(),
            pid: std::process::id(),
            mark: format!("{group}-{}", std::process::id()),
            event_recorder: event_recorder.clone(),
        });
        workers.set_group(&spec.services);
        let alert_teller = AlertTeller::new(host.clone());
        event_recorder.alert_by(alert_teller.sender(spec));
        Self {
            host,
            logs,
            watcher,
            group,
            ways,
            memory: spec.logs.memory,
            event_recorder,
            alert_teller,
            inherited: environment::inherited().into(),
            folder: state_folder::of_group(spec, state_folder::variable).ok(),
            pipes: Pipes::default(),
            called_off: HashSet::new(),
            workers,
        }
    }

    /// Carries one effect out. Never blocks: whatever may wait is done on the thread of the run.
    pub(crate) fn carry_out(&mut self, effect: Effect) -> Option<LoopAction> {
        match effect {
            Effect::Spawn { spec, run, cause, was, is_environment_known, .. } if spec.worker.is_some() => {
                self.event_recorder.begins(&spec);
                self.begin_worker(&spec, run, (cause, was), is_environment_known);
            }
            Effect::Spawn { spec, run, cause, was, is_environment_known, looks_at_inputs } => {
                self.called_off.remove(&spec.name);
                self.event_recorder.begins(&spec);
                let prepare = self.prepare_start(&spec, run, is_environment_known);
                let inputs = Inputs::of(&spec, self.folder.as_deref());
                self.host.spawn(Launch { cause, was, prepare, inputs, looks_at_inputs, ..self.launch(&spec, run) });
            }
            Effect::CheckReady { spec, run } => {
                self.host.check_ready(self.launch(&spec, run));
            }
            Effect::Signal { service, run, signal, target } => {
                if !self.workers.signal(&service, run, signal) {
                    self.host.signal(&service, run, signal, target);
                }
            }
            // The stop command of a worker is for its tries.
            Effect::StopCommand { spec, run } if self.workers.signal(&spec.name, run, Signal::Term) => {}
            Effect::StopCommand { spec, run } => {
                if let Some(command) = &spec.stop.command {
                    self.host
                        .run_stop_command(self.change_command(&spec, command, run, "stop command"), spec.stop.grace);
                }
            }
            Effect::RunHook { spec, command, number } => {
                let change_command =
                    self.change_command(&spec, &RunCommand::Shell(command), RunId::default(), "on_change");
                self.host.run_hook(change_command, number);
            }
            Effect::EndHook { service, number } => self.host.end_beside(&service, Beside::Hook, number),
            Effect::Validate { spec, number } => self.validate(&spec, number),
            Effect::EndValidation { service, number } => {
                self.host.end_beside(&service, Beside::Validation, number);
                self.called_off.insert(service);
            }
            Effect::CheckAlive { spec, run } => match spec.alive.clone() {
                Some(check) => {
                    let (service, expand, dir) = (spec.name.clone(), expand(&spec), known_dir(&spec));
                    self.host.check_alive(LivenessProbe { service, run, check, expand, dir });
                }
                None => self.host.check_alive_no_more(&spec.name, run),
            },
            // The thread of tasks takes it up.
            Effect::Respec { spec, .. } => self.workers.respec(spec),
            Effect::Measure { service } => self.host.measure(&[service]),
            Effect::Expand { spec, run } => self.host.expand(self.launch(&spec, run)),
            Effect::Tell(fact) => self.tell(&fact),
            Effect::Answer { id, answer } => return Some(LoopAction::Answer(id, answer)),
            Effect::Compare { ask, services, sync } => self.watcher.compare(ask, services, sync),
            Effect::Baseline { services, at, sync } => self.watcher.baseline(services, at, sync),
            Effect::Holding(held) => self.watcher.set_held(held),
            Effect::Rewatch(spec) => self.respec(spec),
            Effect::Broken(what) => log::error!("bug in devgroup, please report it: {what}"),
            Effect::Forget(service) => {
                self.host.forget(&service);
                self.logs.remove(&service);
            }
            Effect::Finish(finish) => return Some(LoopAction::Finish(finish)),
        }
        None
    }

    /// The files of the group say something else.
    fn respec(&mut self, spec: Arc<GroupSpec>) {
        self.memory = spec.logs.memory;
        self.logs.set_total(spec.logs.total);
        self.logs.set_rotation(log_files::rotation(&spec.logs));
        for service in &spec.services {
            self.document(&service.name);
        }
        self.workers.set_group(&spec.services);
        self.event_recorder.alert_by(self.alert_teller.sender(&spec));
        self.ways.web.follow(spec.clone());
        self.watcher.respec(spec);
    }

    /// Something has happened. The readers of facts: logs, and, by the recorder of events, the history, alerts and listeners.
    /// The notices of the snapshot are the engine's.
    fn tell(&self, fact: &Fact) {
        log_fact(fact);
        if let (Some(service), Some(marker)) = (&fact.service, fact.marker()) {
            self.document(service).mark(&marker);
        }
        self.event_recorder.record(fact);
    }

    /// Whether the service may replace what runs: `validate`, if it has one, and then whether it could be started.
    fn validate(&mut self, spec: &Arc<ServiceSpec>, number: u32) {
        if spec.worker.as_ref().is_some_and(|worker| worker.remote) {
            let (service, result) = (spec.name.clone(), Validated::Passed);
            let report = RunReport::Validated { number, result };
            return self.host.report(RunNews { service, run: RunId::default(), report });
        }
        let check = self.check_environment(spec);
        let run = RunId::default();
        let start = self.change_command(spec, &spec.run, run, "start");
        match &spec.validate {
            Some(validate) => {
                let prepare = self.prepare_by(spec, &validate.run, run, check);
                let change_command =
                    ChangeCommand { prepare, ..self.change_command(spec, &validate.run, run, "validate") };
                // Its pipes are read by then: what they have said is kept for the start.
                let ahead = self.pipes.for_next_start(&spec.name, false);
                let prepare = self.prepare_by(spec, &spec.run, run, move || Ok(ahead.clone()));
                self.host.validate(change_command, ChangeCommand { prepare, ..start }, number);
            }
            None => {
                let prepare = self.prepare_by(spec, &spec.run, run, check);
                self.host.check_start(ChangeCommand { prepare, ..start }, number);
            }
        }
    }

    /// What a client asks about tasks.
    pub(crate) fn ask_about_tasks(&self, question: TaskQuestion, answer: oneshot::Sender<Answer>) {
        self.workers.ask(question, answer);
    }

    /// Nothing is done with tasks any more. To be called before processes are killed.
    pub(crate) fn close_workers(&self) {
        self.workers.close();
    }

    /// Bytes typed into a service.
    pub(crate) fn write(&self, service: &ServiceName, bytes: Vec<u8>) {
        self.host.write(service, bytes);
    }

    /// Somebody wants to know more of a run.
    pub(crate) fn inspect(&self, service: &ServiceName) {
        self.host.inspect(service);
    }

    /// Somebody looks at what these services use (empty: all).
    pub(crate) fn measure(&self, services: &[ServiceName]) {
        self.host.measure(services);
        self.workers.measure(services);
    }

    /// What is to be remembered goes there from now on.
    pub(crate) fn remember_by(&self, history: HistoryWriter) {
        self.event_recorder.remember_by(history);
    }

    /// No more is to be remembered, and nobody is told anything more.
    pub(crate) fn tell_no_more(&self) {
        self.event_recorder.remember_no_more();
        self.event_recorder.alert_by(None);
    }

    /// What has come of the next alert. Waits as long as it takes.
    pub(crate) async fn next_delivery(&mut self) -> Option<AlertDelivery> {
        self.alert_teller.next_delivery().await
    }

    /// Waits for the alerts that are on their way, a while. To be called after [`Self::tell_no_more`].
    pub(crate) fn wait_for_alerts(&mut self) {
        self.alert_teller.wait();
    }

    /// When [`Self::pass_time`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        self.event_recorder.next_deadline()
    }

    /// Tells what has come true by time alone.
    pub(crate) fn pass_time(&self, now: Moment) {
        self.event_recorder.pass_time(now);
    }

    /// The watcher is never dropped: what it has made is removed now.
    pub(crate) fn clear_up_watching(&self) {
        self.watcher.clear_up();
    }

    /// The pane of a service has a new size.
    pub(crate) fn resize(&self, service: &ServiceName, columns: u16, rows: u16) {
        self.document(service).resize(columns, rows);
        self.host.resize(service, columns, rows);
    }

    /// Asks the watcher to say so when all that has happened to files until now has been reported. False: it has ended.
    pub(crate) fn catch_up(&self, number: u64) -> bool {
        self.watcher.catch_up(number)
    }

    /// Tells the watcher that the files of the group could not be used.
    pub(crate) fn group_refused(&self) {
        self.watcher.group_refused();
    }

    /// Why a path does or does not restart somebody. The watcher answers.
    pub(crate) fn why(&self, path: PathBuf, answer: oneshot::Sender<Answer>) {
        self.watcher.why(path, answer);
    }

    fn document(&self, service: &ServiceName) -> Arc<LogDocument> {
        self.logs.open(service, self.memory)
    }

    fn change_command(
        &self,
        spec: &Arc<ServiceSpec>,
        command: &RunCommand,
        run: RunId,
        label: &'static str,
    ) -> ChangeCommand {
        ChangeCommand {
            service: spec.name.clone(),
            label,
            prepare: self.prepare(spec, command, run),
            expand: expand(spec),
            dir: known_dir(spec),
            document: self.document(&spec.name),
        }
    }

    fn launch(&self, spec: &Arc<ServiceSpec>, run: RunId) -> Launch {
        Launch {
            service: spec.name.clone(),
            run,
            kind: spec.kind,
            display: spec.run.display(),
            prepare: self.prepare(spec, &spec.run, run),
            expand: expand(spec),
            dir: known_dir(spec),
            stop: spec.stop.signal,
            told_by: if let OnChange::Signal(signal) = &spec.on_change { Some(*signal) } else { None },
            ready: spec.ready.clone(),
            alive: spec.alive.clone(),
            notify: spec
                .notifications()
                .map(|Notifications { watchdog }| Notify { folder: self.socket_folder(), watchdog }),
            ports: spec.ports.clone(),
            cause: StartCause::First,
            was: None,
            inputs: None,
            looks_at_inputs: false,
            document: self.document(&spec.name),
        }
    }

    /// A run of a worker begins. `known`: its pipes were read for it.
    fn begin_worker(
        &mut self,
        spec: &Arc<ServiceSpec>,
        run: RunId,
        (cause, was): (StartCause, Option<LastExit>),
        known: bool,
    ) {
        self.called_off.remove(&spec.name);
        self.pipes.begin(&spec.name, known);
        let environment = TryEnvironment {
            spec: spec.clone(),
            run,
            inherited: self.inherited.clone(),
            group: self.group.clone(),
            socket: self.ways.socket.clone(),
            pipes: self.pipes.clone(),
        };
        let (expand, dir, document) = (expand(spec), known_dir(spec), self.document(&spec.name));
        self.workers.begin(WorkerStart { spec: spec.clone(), run, cause, was, environment, expand, dir, document });
    }

    /// Where there is room for sockets; none where the group is met by name alone.
    fn socket_folder(&self) -> Option<PathBuf> {
        self.ways.socket.as_deref().filter(|socket| socket.is_absolute()).and_then(Path::parent).map(Path::to_owned)
    }

    /// The first that is asked of a start: pipes are read for it, or `known` already.
    fn prepare_start(&self, spec: &Arc<ServiceSpec>, run: RunId, known: bool) -> Prepare {
        let (pipes, service) = (self.pipes.clone(), spec.name.clone());
        self.prepare_by(spec, &spec.run, run, move || {
            pipes.begin(&service, known);
            Ok(pipes.clone())
        })
    }

    /// For what runs beside a run, with what pipes have said at its start.
    fn prepare(&self, spec: &Arc<ServiceSpec>, command: &RunCommand, run: RunId) -> Prepare {
        let pipes = self.pipes.clone();
        self.prepare_by(spec, command, run, move || Ok(pipes.clone()))
    }

    /// Environment files are read at each start, on the thread of the run: a slow disk must not hold the loop up.
    fn prepare_by(
        &self,
        spec: &Arc<ServiceSpec>,
        command: &RunCommand,
        run: RunId,
        pipes: impl Fn() -> Result<Pipes, String> + Send + Sync + 'static,
    ) -> Prepare {
        let (spec, command) = (spec.clone(), command.clone());
        let (inherited, group, socket) = (self.inherited.clone(), self.group.clone(), self.ways.socket.clone());
        Arc::new(move || {
            let mark = |variables: &mut Vec<(OsString, OsString)>| {
                environment::mark(variables, &group, socket.as_deref(), &spec, &run);
            };
            let mut known = inherited.to_vec();
            mark(&mut known);
            let resolved =
                config::environment(&spec, &command, &known, &pipes()?).map_err(|error| error.to_string())?;
            let mut env = resolved.variables;
            // No file takes these away.
            mark(&mut env);
            Ok(Prepared { command: resolved.command, env })
        })
    }

    /// Whether the next start would get its environment, before the run that is up is ended for it. What pipes say then is
    /// what that start gets.
    fn check_environment(
        &mut self,
        spec: &Arc<ServiceSpec>,
    ) -> impl Fn() -> Result<Pipes, String> + Send + Sync + 'static + use<> {
        let anew = !self.called_off.remove(&spec.name);
        let mut known = self.inherited.to_vec();
        environment::mark(&mut known, &self.group, self.ways.socket.as_deref(), spec, &RunId::default());
        let (spec, pipes) = (spec.clone(), self.pipes.clone());
        move || {
            let pipes = pipes.for_next_start(&spec.name, anew);
            config::check_environment(&spec, &known, &pipes).map_err(|error| error.to_string())?;
            Ok(pipes)
        }
    }
}

/// Puts the values of a start into what the file leaves open; `None`: it leaves nothing open.
fn expand(spec: &Arc<ServiceSpec>) -> Option<Expand> {
    let spec = spec.needs_values().then(|| spec.clone())?;
    Some(Arc::new(move |env| {
        let (dir, checks) = config::expanded(&spec, env).map_err(|error| error.to_string())?;
        Ok(Expanded { dir, checks })
    }))
}

/// `dir`, where the file alone says it.
fn known_dir(spec: &ServiceSpec) -> PathBuf {
    spec.dir.known().unwrap_or(&spec.root).clone()
}
