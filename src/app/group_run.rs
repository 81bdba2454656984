//! One run of a group from its start to its last line.

use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};

use super::background::{Background, report_start};
use super::effect_runner::EffectRunner;
use super::ending::{Ending, ending};
use super::event_recorder::EventRecorder;
use super::history_file::HistoryFile;
use super::instance::Claim;
use super::log_files;
use super::os_signals::OsSignals;
use super::reload::{Recipe, reload_when_written};
use super::run_loop::RunLoop;
use super::state_folder;
use super::status_file::StatusFile;
use super::stderr::write_stderr_line;
use super::stream::{Stream, StreamOptions};
use crate::clock::Clock;
use crate::config::{Selection, SelectionError};
use crate::control::{About, AttachHandler, BoundSocket, Server};
use crate::domain::{GroupSpec, Moment, ServiceName, visible};
use crate::engine::{Engine, Event};
use crate::group_handle::GroupHandle;
use crate::logs::LogStore;
use crate::process::ProcessHost;
use crate::process_tree::{self, Process};
use crate::tui::{self, Dashboard, DashboardOptions, Sizing};
use crate::watch::Watcher;

/// How long a terminal that does not read may delay the end. Everything is stopped by then.
const TERMINAL_PATIENCE: Duration = Duration::from_millis(500);

/// What a group is shown with.
#[derive(Debug)]
pub enum Frontend {
    /// The dashboard.
    Dashboard(DashboardOptions),
    /// Prefixed lines.
    Stream(StreamOptions),
    /// Nothing, until somebody attaches.
    Background(Background),
}

/// How to run a group.
#[derive(Debug)]
pub struct RunOptions {
    /// The group as its file says.
    pub spec: GroupSpec,
    /// Which services.
    pub selection: Selection,
    /// How it is shown.
    pub frontend: Frontend,
    /// React to file changes.
    pub watch: bool,
    /// Hold changes from the start.
    pub paused: bool,
    /// End when this service ends, with its code.
    pub exit_with: Option<String>,
    /// End after this time.
    pub timeout: Option<Duration>,
    /// Do not end what an earlier run has left; only name it.
    pub keep_leftovers: bool,
    /// What is wrong with the user's preferences, in a line.
    pub warning: Option<String>,
}

/// Why a group could not be run.
#[derive(Debug, thiserror::Error)]
pub enum GroupRunError {
    /// A service that was asked for does not exist.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The service of `--exit-with` does not exist or is not part of this run.
    #[error("unknown service `{}` in --exit-with", visible(.0))]
    ExitWith(String),
    /// The operating system refused something that nothing works without.
    #[error("cannot {what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Its reason.
        error: std::io::Error,
    },
    /// A group in the background could not be reached by anybody.
    #[error("cannot run in the background, since nobody could attach to it or end it: no control socket: {0}")]
    NoSocket(String),
    /// A bug: the loop panicked. Every process of the group was killed.
    #[error("devgroup failed and has killed its services; please report the message above")]
    Panicked,
    /// A bug: the dashboard panicked. Every service was stopped.
    #[error("the dashboard failed, so the services were stopped; please report the message above")]
    DashboardPanicked,
}

/// Runs a group to its end. `claim`: the place of its file. `guard_pipe`: becomes readable when the guard is gone.
///
/// # Errors
/// See [`GroupRunError`]. Nothing is left running in any case.
pub fn run(options: RunOptions, mut claim: Claim, guard_pipe: Option<OwnedFd>) -> Result<Ending, GroupRunError> {
    let system = |what| move |error| GroupRunError::System { what, error };
    let clock = Clock::start();
    let recipe = Recipe { selection: options.selection, watch: options.watch };
    let spec = Arc::new(recipe.apply(options.spec)?);
    let exit_with = exit_with(options.exit_with, &spec)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // What reads a file for us must not wake up later only to end.
        .thread_keep_alive(Duration::from_millis(1))
        .build()
        .map_err(system("start the event loop"))?;
    let _inside = runtime.enter();
    let signals = OsSignals::install(guard_pipe).map_err(system("listen for signals"))?;

    claim.sign(&spec.name, None);
    let has_dashboard = matches!(options.frontend, Frontend::Dashboard(_));
    let is_clear = see_to_leftovers(&claim, &spec.name, options.keep_leftovers, has_dashboard);
    claim.begin(is_clear);
    let logs = Arc::new(LogStore::new(clock));
    logs.set_total(spec.logs.total);
    let log_files = log_files::start(&spec, &logs);
    let (news_in, news) = mpsc::unbounded_channel();
    let host = ProcessHost::new(clock, news_in);
    let (columns, rows) = match &options.frontend {
        Frontend::Dashboard(_) => tui::pane_size(spec.services.len(), tui::terminal_size()),
        Frontend::Stream(stream) => stream.pane_size(&spec),
        Frontend::Background(background) => tui::pane_size(spec.services.len(), background.terminal_size()),
    };
    for service in &spec.services {
        logs.open(&service.name, spec.logs.memory).resize(columns, rows);
        host.resize(&service.name, columns, rows);
    }

    let mut engine = Engine::new(spec.clone(), seed());
    let (history, past) = HistoryFile::open(&spec);
    // Orders follow from the beginning only.
    engine.update(Event::Recall { start: clock.wall(Moment::START), past }, clock.now());
    let upkeep = Arc::new(Notify::new());
    let status_file = StatusFile::new(&spec, clock, claim.pid(), upkeep.clone());
    let end_status_file = status_file.end();
    let mut event_recorder = EventRecorder::new(clock);
    let first = engine.update(Event::Begin { paused: options.paused }, clock.now());
    if let Some(warning) = options.warning {
        let notice = Event::Notice { problem: true, summary: warning.into(), detail: "".into() };
        event_recorder.record_event(&notice, clock.now());
        // Nothing follows from it.
        engine.update(notice, clock.now());
    }
    let (snapshots_in, snapshots) = watch::channel(Arc::new(engine.snapshot(clock.now())));
    let (requests_in, requests) = mpsc::channel(GroupHandle::QUEUE);
    let handle = GroupHandle::new(requests_in, snapshots, logs.clone(), event_recorder.log().clone());
    let config_written = Arc::new(Notify::new());
    let (reloads_in, reloads) = mpsc::channel(8);
    runtime.spawn(reload_when_written(config_written.clone(), spec.clone(), recipe, reloads_in));

    // Before the first start: services find it in their environment.
    let bound_socket = match BoundSocket::open(&spec.file, claim.take_name()) {
        Ok(bound_socket) => Some(bound_socket),
        Err(why) if matches!(options.frontend, Frontend::Background(_)) => return Err(GroupRunError::NoSocket(why)),
        Err(why) => {
            log::warn!("no control socket: {why}");
            None
        }
    };
    claim.sign(&spec.name, bound_socket.as_ref().map(BoundSocket::address));
    let socket = bound_socket.as_ref().map(|bound_socket| bound_socket.address().into());
    // Where that is not ours, nothing is saved.
    let state = state_folder::of_group(&spec, state_folder::variable).ok();
    let saved = state.filter(|folder| state_folder::make(folder).is_ok()).map(|folder| folder.join("saved"));
    let sizing = Sizing::default();
    let attach_handler = {
        let (handle, sizing, saved) = (handle.clone(), sizing.clone(), saved.clone());
        Arc::new(move |terminal| tui::attach(handle.clone(), terminal, &sizing, saved.clone()))
    };
    let server = bound_socket
        .and_then(|bound_socket| serve(bound_socket, handle.clone(), &spec, &claim, (attach_handler, upkeep)));
    let streaming = matches!(options.frontend, Frontend::Stream(_));
    let client = match options.frontend {
        Frontend::Dashboard(frontend) => {
            restore_terminal_on_panic();
            Client::Dashboard(Dashboard::start(handle, frontend, &sizing, saved).map_err(system("use this terminal"))?)
        }
        Frontend::Stream(frontend) => {
            Client::Stream(Stream::start(handle, frontend).map_err(system("start the stream"))?)
        }
        Frontend::Background(_) if server.is_none() => {
            return Err(GroupRunError::NoSocket("it could not be served".into()));
        }
        Frontend::Background(background) => {
            restore_terminal_on_panic();
            runtime.spawn(report_start(handle, background.report, spec.name.to_string(), claim.pid()));
            Client::Nobody
        }
    };
    // Only now, beside the drawing of the first picture, which knows already that they start.
    let (watcher, watch) = Watcher::start(spec.clone(), clock, Vec::new());
    let mut runner = EffectRunner::new(host.clone(), logs, watcher, &spec, socket);
    if let Some(history) = &history {
        runner.remember_by(history.sender());
    }
    for effect in first {
        event_recorder.ordered(&effect, clock.now());
        // Nobody has asked anything yet, and nothing can be over.
        let _ = runner.carry_out(effect);
    }
    let mut run_loop = RunLoop {
        clock,
        engine,
        runner,
        event_recorder,
        requests,
        news,
        watch,
        signals,
        reloads,
        config_written,
        snapshots: snapshots_in,
        time_up: options.timeout.map(|timeout| clock.now() + timeout),
        exit_with,
        streaming,
        status_file,
    };
    let result = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run_loop.run())));
    // The history is written on a thread of its own, which ends when the run loop has dropped its sender.
    run_loop.runner.remember_no_more();
    let history_is_written = history.map(HistoryFile::close);
    host.kill_all();
    let (mut is_broken, mut is_terminal_gone) = (false, false);
    let output = match client {
        Client::Dashboard(dashboard) => {
            match dashboard.finish(TERMINAL_PATIENCE) {
                Ok(gone) => is_terminal_gone = gone,
                Err(_) => is_broken = true,
            }
            Ok(())
        }
        Client::Stream(stream) => stream.finish(),
        Client::Nobody => Ok(()),
    };
    end_status_file();
    if let Some(wait) = history_is_written {
        wait();
    }
    if let Some(log_files) = log_files {
        log_files.finish();
    }
    runtime.shutdown_background();
    run_loop.runner.clear_up_watching();
    // The watcher must not begin to close its watches: the kernel takes its time for that (fsnotify waits for RCU), no thread
    // can be ended meanwhile, and the program ends now. Its end closes them without anybody waiting.
    std::mem::forget(run_loop);
    let (finish, mut circumstances) = result.map_err(|_| GroupRunError::Panicked)?;
    circumstances.output = output.map_err(|error| error.kind()).err();
    if is_terminal_gone {
        // The group may have ended by that before the signal arrived that tells of it.
        circumstances.signal = circumstances.signal.or(Some(rustix::process::Signal::HUP.as_raw()));
    }
    let ending = ending(&spec.name, &finish, circumstances);
    // Before the place is given up: the next holder opens a socket of its own.
    if let Some(server) = server {
        server.finish(ending.code, &ending.summary);
    }
    if finish.given_up.is_empty() && !finish.abandoned {
        claim.is_clean();
    }
    if is_broken {
        return Err(GroupRunError::DashboardPanicked);
    }
    Ok(ending)
}

fn serve(
    bound_socket: BoundSocket,
    handle: GroupHandle,
    spec: &GroupSpec,
    claim: &Claim,
    (attach_handler, upkeep): (AttachHandler, Arc<Notify>),
) -> Option<Server> {
    let about = About { project: spec.name.to_string(), pid: claim.pid(), file: spec.file.clone() };
    let lock = claim.lock();
    let keeper = Box::new(move |address: &Path| {
        if let Some(lock) = &lock {
            lock.renew(address);
        }
    });
    let server = Server::start(bound_socket, handle, about, attach_handler, (upkeep, keeper));
    server.inspect_err(|error| log::warn!("no control socket: {error}")).ok()
}

/// So many leftovers are named on the terminal; the others in devgroup's own log.
const NAMED: usize = 100;

/// Ends what an earlier run of this group has left, if it was ended together with its guard. Whether nothing is left.
fn see_to_leftovers(claim: &Claim, group: &str, keep: bool, has_dashboard: bool) -> bool {
    let found = claim.leftovers();
    if found.is_empty() {
        return true;
    }
    let names = process_tree::display(&found);
    let tell = |line: String| {
        // Without a dashboard, the log is printed as well.
        if has_dashboard {
            write_stderr_line(&line, TERMINAL_PATIENCE);
        }
        log::warn!("{line}");
    };
    if keep {
        tell(format!("{group}: an earlier run has left {names} · kept"));
        return false;
    }
    let named = Cell::new(0);
    let left = claim.end_leftovers(|found| {
        let names: Vec<String> = found.iter().map(Process::display).collect();
        let line = format!("{group}: ending what an earlier run has left: {}", names.join(", "));
        named.set(named.get() + found.len());
        // One that forks without end is not to fill the terminal.
        if named.get() <= NAMED { tell(line) } else { log::info!("{line}") }
    });
    tell(match left.as_slice() {
        [] => format!("{group}: an earlier run had left {names} · ended"),
        left => {
            format!("{group}: an earlier run had left {names} · could not be ended: {}", process_tree::display(left))
        }
    });
    left.is_empty()
}

enum Client {
    Dashboard(Dashboard),
    Stream(Stream),
    Nobody,
}

fn exit_with(name: Option<String>, spec: &GroupSpec) -> Result<Option<ServiceName>, GroupRunError> {
    match name {
        None => Ok(None),
        Some(name) => {
            let service = ServiceName::new(&name);
            spec.service(&service).map(|_| Some(service)).ok_or(GroupRunError::ExitWith(name))
        }
    }
}

/// A panic must leave the terminal usable and its message readable. A panic of any other thread is a line in the log.
pub fn restore_terminal_on_panic() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let thread = std::thread::current();
        if matches!(thread.name(), Some("main" | tui::THREAD_NAME)) {
            tui::restore_terminal();
            default(info);
        } else {
            log::error!("a thread of devgroup failed: {info}");
        }
    }));
}

/// The seed of the jitter: different for every start, so that groups on one machine do not retry in step.
fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
