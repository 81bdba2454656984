//! One run of a group from its start to its last line.

use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc, watch};

use super::background::Background;
use super::effect_runner::EffectRunner;
use super::ending::{Circumstances, Ending, ending};
use super::event_recorder::EventRecorder;
use super::history_file::HistoryFile;
use super::instance::Claim;
use super::log_files;
use super::os_signals::OsSignals;
use super::own_log;
use super::reload::{Recipe, Reloader};
use super::run_loop::RunLoop;
use super::status_file::StatusFile;
use super::stream::{self, StreamForm};
use super::web_desk::{WebMeans, WebOptions};
use crate::clock::Clock;
use crate::config::{Selection, SelectionError};
use crate::control::Server;
use crate::display::terminal_size;
use crate::domain::{AskedPort, GroupHistory, GroupSpec, Moment, ServiceName, Unknown, WatchFiles, visible};
use crate::engine::{Effect, Engine, Event, Finish};
use crate::group_handle::GroupHandle;
use crate::logs::{LogFiles, LogStore};
use crate::process::{ProcessHost, RunNews};
use crate::tui::{self, DashboardOptions};
use crate::watch::Watcher;
use crate::web::Vitals;
use clients::{Clients, OutputEnd};
use leftovers::see_to_leftovers;

mod clients;
mod leftovers;

/// How long a terminal that does not read may delay the end. Everything is stopped by then.
const TERMINAL_PATIENCE: Duration = Duration::from_millis(500);

/// What a group is shown with.
#[derive(Debug)]
pub enum Frontend {
    /// The dashboard in the terminal of this process.
    Dashboard(DashboardOptions),
    /// Lines on stdout, each with the name of its service.
    Stream(StreamForm),
    /// Nothing, until somebody attaches.
    Background(Background),
}

impl Frontend {
    /// The columns and rows that the services' terminals have at first.
    fn pane_size(&self, spec: &GroupSpec) -> (u16, u16) {
        let on_screen = |terminal| {
            let watches = spec.services.iter().any(|service| service.watch != WatchFiles::Off);
            // The instances of a service share a row, and a pane.
            tui::pane_size(spec.roster().members().len(), watches, terminal)
        };
        match self {
            Self::Dashboard(_) => on_screen(terminal_size()),
            Self::Stream(form) => stream::pane_size(*form, spec),
            Self::Background(background) => on_screen(background.terminal_size()),
        }
    }
}

/// How to run a group.
#[derive(Debug)]
pub struct RunOptions {
    /// The group as its file says.
    pub spec: GroupSpec,
    /// The services named on the command line, or by `--profile`.
    pub selection: Selection,
    /// How it is shown.
    pub frontend: Frontend,
    /// React to file changes.
    pub watch: bool,
    /// Apply changes of the file while the group runs.
    pub reload: bool,
    /// Hold changes from the start.
    pub paused: bool,
    /// End when this service ends, with its code.
    pub exit_with: Option<String>,
    /// End after this time.
    pub timeout: Option<Duration>,
    /// Do not end what an earlier run has left; only name it.
    pub keep_leftovers: bool,
    /// The group is there for runs in other terminals, and ends with the last of them.
    pub for_run: bool,
    /// The web page.
    pub web: WebOptions,
    /// What is wrong with the user's preferences, in a line.
    pub warning: Option<String>,
    /// What counts instead of `[metrics]`: the port, or that there are none. `None`: the file does.
    pub metrics: Option<Option<AskedPort>>,
}

impl RunOptions {
    /// How the group is made from its file, now and later.
    fn recipe(&self) -> Recipe {
        let (selection, watch, keeps_file) = (self.selection.clone(), self.watch, !self.reload);
        Recipe { selection, watch, keeps_file, metrics: self.metrics, ..Recipe::default() }
    }
}

/// Why a group could not be run.
#[derive(Debug, thiserror::Error)]
pub enum GroupRunError {
    /// A service that was asked for does not exist.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The service of `--exit-with` does not exist or is not part of this run.
    #[error("{0} in --exit-with")]
    ExitWith(Box<Unknown>),
    /// The name of `--exit-with` means several services, or none that there is now.
    #[error("--exit-with needs one service, and `{}` means {}", visible(.0), if .1.is_empty() { "none now" } else { .1 })]
    ExitWithSeveral(String, String),
    /// The operating system refused something that nothing works without.
    #[error("cannot {what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the operating system said.
        error: io::Error,
    },
    /// A group in the background could not be reached by anybody.
    #[error("cannot run in the background: there is no control socket to attach to it or stop it: {0}")]
    NoSocket(String),
    /// A bug: the loop panicked. Every process of the group was killed.
    #[error("devgroup crashed and killed its services; please report the message above")]
    Panicked,
    /// A bug: the dashboard panicked. Every service was stopped.
    #[error("the dashboard crashed, so the services were stopped; please report the message above")]
    DashboardPanicked,
}

/// Runs a group to its end. `claim`: the place of its file. `guard_pipe`: becomes readable when the guard is gone.
///
/// # Errors
/// See [`GroupRunError`]. Nothing is left running in any case.
pub fn run(options: RunOptions, mut claim: Claim, guard_pipe: Option<OwnedFd>) -> Result<Ending, GroupRunError> {
    let clock = Clock::start();
    let (recipe, file) = (options.recipe(), options.spec);
    let spec = recipe.select(file.clone())?;
    let exit_with = exit_with(options.exit_with, &spec)?;
    let runtime = event_loop().map_err(system("start the event loop"))?;
    let _inside = runtime.enter();
    let signals = OsSignals::install(guard_pipe).map_err(system("listen for signals"))?;

    let has_dashboard = matches!(options.frontend, Frontend::Dashboard(_));
    let streaming = matches!(options.frontend, Frontend::Stream(_));
    claim.sign(&spec.name, None);
    let is_clear = see_to_leftovers(&claim, &spec.name, options.keep_leftovers, has_dashboard);
    claim.begin(is_clear);
    own_log::begin_file(&spec);
    // Only now: what an earlier run has left had its ports.
    let spec = Arc::new(recipe.with_ports(spec));
    let history = open_history_beside(&spec, clock);
    let adapters = Adapters::start(&spec, clock, &options.frontend);
    let mut decisions = Decisions::new(&spec, clock, history);
    if options.for_run {
        decisions.engine.ends_with_last_run(clock.now());
    }
    let upkeep = Arc::new(Notify::new());
    let vitals = Vitals { counters: decisions.event_recorder.counters().clone(), turns: Arc::default() };
    let status_file = StatusFile::new(&spec, clock, claim.pid(), upkeep.clone(), vitals.turns.clone());
    let first = decisions.begin(options.paused, options.warning);

    let (snapshots_in, snapshots) = watch::channel(decisions.engine.snapshot());
    let (requests_in, requests) = mpsc::channel(GroupHandle::QUEUE);
    let (logs, events) = (adapters.logs.clone(), decisions.event_recorder.log().clone());
    let handle = GroupHandle::new(requests_in, snapshots, logs, events);
    let web = WebMeans { options: options.web, ports: recipe.ports.clone(), vitals };
    let clients = Clients::serve(options.frontend, &handle, &spec, &mut claim, (upkeep, web))?;
    let config_written = Arc::new(Notify::new());
    let (reloads_in, reloads) = mpsc::channel(8);
    let (scales, scales_out) = mpsc::channel(8);
    let reloader = Reloader { file, current: spec.clone(), recipe, events: reloads_in, clock };
    runtime.spawn(reloader.run(config_written.clone(), scales_out));

    // Only now, beside the drawing of the first picture, which knows already that they start.
    let (watcher, watch) = Watcher::start(spec.clone(), clock, Vec::new());
    let Adapters { logs, log_files, host, news } = adapters;
    let Decisions { engine, event_recorder, history, .. } = decisions;
    let mut run_loop = RunLoop {
        clock,
        engine,
        runner: EffectRunner::new(host.clone(), logs, watcher, &spec, clients.ways(), event_recorder),
        requests,
        news,
        watch,
        signals,
        reloads,
        scales,
        config_written,
        snapshots: snapshots_in,
        time_up: options.timeout.map(|timeout| clock.now() + timeout),
        exit_with,
        streaming,
        status_file,
    };
    history.iter().for_each(|history| run_loop.runner.remember_by(history.writer()));
    run_loop.runner.known_by(claim.pid());
    run_loop.begin(first);
    let result = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run_loop.run())));
    // Not where the user does not wait, or devgroup has a bug.
    let waits = result.as_ref().is_ok_and(|(finish, _)| !finish.abandoned);
    let (output, server) = close((run_loop, waits), clients, Files { history, log_files }, &host, runtime);
    end(result.map_err(|_| GroupRunError::Panicked)?, output, server, &spec.name, claim)
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> GroupRunError {
    move |error| GroupRunError::System { what, error }
}

/// Opens the history on another thread, until it is asked for; here and now, if the system has no thread.
fn open_history_beside(
    spec: &Arc<GroupSpec>,
    clock: Clock,
) -> impl FnOnce() -> (Option<HistoryFile>, GroupHistory) + use<> {
    let spec = spec.clone();
    let open = move || HistoryFile::open(&spec, clock);
    let thread = thread::Builder::new().name("history".into()).spawn(open.clone());
    move || match thread {
        Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
        Err(_) => open(),
    }
}

fn event_loop() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // What reads a file for us must not wake up later only to end.
        .thread_keep_alive(Duration::from_millis(1))
        .build()
}

/// What the runs of the services are started and printed by.
struct Adapters {
    logs: Arc<LogStore>,
    log_files: Option<LogFiles>,
    host: ProcessHost,
    news: mpsc::UnboundedReceiver<RunNews>,
}

impl Adapters {
    /// Starts them, with a log and a terminal for each service.
    fn start(spec: &GroupSpec, clock: Clock, frontend: &Frontend) -> Self {
        let logs = Arc::new(LogStore::new(clock));
        logs.set_total(spec.logs.total);
        logs.set_rotation(log_files::rotation(&spec.logs));
        let log_files = log_files::start(spec, &logs);
        let (news_in, news) = mpsc::unbounded_channel();
        let host = ProcessHost::new(clock, news_in);
        let (columns, rows) = frontend.pane_size(spec);
        for service in &spec.services {
            logs.open(&service.name, spec.logs.memory).resize(columns, rows);
            host.resize(&service.name, columns, rows);
        }
        Self { logs, log_files, host, news }
    }
}

/// What decides, and what keeps what was decided.
struct Decisions {
    clock: Clock,
    engine: Engine,
    event_recorder: EventRecorder,
    history: Option<HistoryFile>,
}

impl Decisions {
    /// An engine that knows the runs of earlier times.
    fn new(spec: &Arc<GroupSpec>, clock: Clock, history: impl FnOnce() -> (Option<HistoryFile>, GroupHistory)) -> Self {
        let mut engine = Engine::new(spec.clone(), seed());
        let (history, past) = history();
        engine.in_zone(Clock::zone());
        let (now, shows) = clock.both();
        engine.look_at_wall(now, shows);
        // Orders follow from the beginning only.
        engine.update(Event::Recall { start: clock.wall(Moment::START), past }, clock.now());
        Self { clock, engine, event_recorder: EventRecorder::new(clock), history }
    }

    /// The group begins. What the engine orders first. `warning`: a line for the user.
    fn begin(&mut self, paused: bool, warning: Option<String>) -> Vec<Effect> {
        let notice = warning.map(|warning| Event::Notice { problem: true, summary: warning.into(), detail: "".into() });
        let events = notice.into_iter().chain([Event::Begin { paused }]);
        events.flat_map(|event| self.engine.update(event, self.clock.now())).collect()
    }
}

/// What is written until the end.
struct Files {
    history: Option<HistoryFile>,
    log_files: Option<LogFiles>,
}

/// The loop is over: ends what lives and writes what is left. How the output has ended, and the server, which is told the
/// ending.
fn close(
    (mut run_loop, waits_for_alerts): (RunLoop, bool),
    clients: Clients,
    files: Files,
    host: &ProcessHost,
    runtime: Runtime,
) -> (OutputEnd, Option<Server>) {
    // The history is written on a thread of its own, which ends when nobody can write any more.
    run_loop.runner.tell_no_more();
    let history_is_written = files.history.map(HistoryFile::close);
    run_loop.runner.close_workers();
    if waits_for_alerts {
        run_loop.runner.wait_for_alerts();
    }
    host.kill_all();
    let (output, server) = clients.finish();
    run_loop.status_file.end();
    if let Some(wait) = history_is_written {
        wait();
    }
    if let Some(log_files) = files.log_files {
        log_files.finish();
    }
    runtime.shutdown_background();
    run_loop.runner.clear_up_watching();
    // The watcher must not begin to close its watches: the kernel takes its time for that (fsnotify waits for RCU), no thread
    // can be ended meanwhile, and the program ends now. Its end closes them without anybody waiting.
    std::mem::forget(run_loop);
    (output, server)
}

/// Says how the group has ended, to its clients first, and gives up its place.
fn end(
    (finish, mut circumstances): (Finish, Circumstances),
    output: OutputEnd,
    server: Option<Server>,
    group: &str,
    claim: Claim,
) -> Result<Ending, GroupRunError> {
    circumstances.output = output.error;
    if output.is_terminal_gone {
        // The group may have ended by that before the signal arrived that tells of it.
        circumstances.signal = circumstances.signal.or(Some(rustix::process::Signal::HUP.as_raw()));
    }
    let ending = ending(group, &finish, circumstances);
    // Before the place is given up: the next holder opens a socket of its own.
    if let Some(server) = server {
        server.finish(ending.code, &ending.summary);
    }
    if finish.given_up.is_empty() && !finish.abandoned {
        claim.is_clean();
    }
    if output.is_dashboard_broken { Err(GroupRunError::DashboardPanicked) } else { Ok(ending) }
}

fn exit_with(name: Option<String>, spec: &GroupSpec) -> Result<Option<ServiceName>, GroupRunError> {
    match name {
        None => Ok(None),
        Some(name) => match spec.roster().resolve([name.as_str()]) {
            Ok(found) => match <[ServiceName; 1]>::try_from(found) {
                Ok([one]) => Ok(Some(one)),
                Err(found) => {
                    let found = found.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
                    Err(GroupRunError::ExitWithSeveral(name, found))
                }
            },
            Err(unknown) => Err(GroupRunError::ExitWith(unknown.into())),
        },
    }
}

/// A panic must leave the terminal usable and its message readable. A panic of any other thread is a line in the log.
pub fn restore_terminal_on_panic() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let thread = thread::current();
        if matches!(thread.name(), Some("main" | tui::THREAD_NAME)) {
            tui::restore_terminal();
            default(info);
        } else {
            log::error!("a devgroup thread panicked: {info}");
        }
    }));
}

/// The seed of the jitter: different for every start, so that groups on one machine do not retry in step.
fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
