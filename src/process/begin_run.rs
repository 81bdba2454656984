//! How a run begins: its environment, its terminal, its process.

use std::ffi::OsString;
use std::sync::Arc;

use super::background_tasks::BackgroundTasks;
use super::launch::{Launch, Prepared};
use super::live_run::LiveRun;
use super::notify::{self, NotifySocket};
use super::probe::Prober;
use super::quiet_runs::QuietRuns;
use super::run::{Inbox, Made, Run};
use super::terminal::Terminal;
use super::{listener, probe, program, quiet_runs, shell};
use crate::clock::Clock;
use crate::domain::{
    Marker, PortMarker, Probe, ReadyCheck, RunCommand, RunReport, StartCause, plain_error, port_is_taken,
};
use crate::process_tree;

/// What a run needs to begin and to be waited for.
pub(super) struct RunMeans {
    pub(super) background_tasks: Arc<BackgroundTasks>,
    pub(super) quiet_runs: Arc<QuietRuns>,
    pub(super) clock: Clock,
}

/// Begins a run, on a thread that outlives it, and leaves it to others to wait for.
pub(super) fn begin(launch: &Arc<Launch>, live: &Arc<LiveRun>, inbox: Inbox, means: &RunMeans) {
    if let Some(run) = make(launch, live, inbox, means)
        && let Err(run) = means.quiet_runs.take(run).or_else(quiet_runs::serve)
    {
        // Neither is there a thread for all that are quiet, nor can one be started: then it has this one.
        run.carry_on();
    }
}

/// Makes the process. `None`: there is none, and why is told.
fn make(launch: &Arc<Launch>, live: &Arc<LiveRun>, inbox: Inbox, means: &RunMeans) -> Option<Box<Run>> {
    let begin_log = |launch: &Launch| {
        launch.document.begin_run(launch.run, launch.ready.as_ref().and_then(ReadyCheck::pattern));
    };
    let (launch, begun) = match prepare(launch, live) {
        Ok((launch, prepared)) => {
            if let Some(inputs) = &launch.inputs {
                if let Some(inputs) = inputs.look(&prepared).filter(|_| launch.looks_at_inputs) {
                    live.gone();
                    live.report(RunReport::Unchanged { inputs });
                    return None;
                }
                inputs.begins(false);
            }
            begin_log(&launch);
            let begun = start(&launch, &prepared, live, means);
            (launch, begun)
        }
        Err(reason) => {
            begin_log(launch);
            (launch.clone(), Err(reason))
        }
    };
    let Begun { made, prober, notify } = match begun {
        Ok(begun) => begun,
        Err(reason) => {
            live.gone();
            live.report(RunReport::NotStarted { reason });
            return None;
        }
    };
    let background_tasks = &means.background_tasks;
    let probe =
        prober.and_then(|prober| background_tasks.begin(prober.until_ready(background_tasks.means(), live.clone())));
    live.is_probed_first(probe);
    let for_ready = launch.ready.as_ref().is_some_and(|ready| ready.probe == Probe::Notify);
    let listens = |socket| background_tasks.begin(notify::listen(socket, for_ready, live.clone()));
    live.is_listened_to(notify.and_then(listens));
    Some(Box::new(Run::new(launch, live.clone(), made, inbox, (means.quiet_runs.clone(), means.clock))))
}

/// What it is told of notifications: those of a service manager around devgroup are not for it.
const NOTIFY_VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// The variables of an environment.
type Variables = Vec<(OsString, OsString)>;

/// A run whose process was made.
struct Begun {
    made: Made,
    prober: Option<Prober>,
    notify: Option<NotifySocket>,
}

/// The environment of the run, and the launch with the values of it.
fn prepare(launch: &Arc<Launch>, live: &LiveRun) -> Result<(Arc<Launch>, Prepared), String> {
    let prepared = (launch.prepare)()?;
    if launch.expand.is_none() {
        return Ok((launch.clone(), prepared));
    }
    let (launch, checks) = launch.expanded(&prepared.env)?;
    checks.into_iter().for_each(|checks| live.report_expanded(checks));
    Ok((Arc::new(launch), prepared))
}

/// Makes the process and says so, in the log before anything that it prints.
fn start(launch: &Launch, prepared: &Prepared, live: &LiveRun, means: &RunMeans) -> Result<Begun, String> {
    let background_tasks = &means.background_tasks;
    let command = match &prepared.command {
        RunCommand::Shell(text) => RunCommand::Shell(shell::leading(text, (launch.stop, launch.told_by))),
        list @ RunCommand::Argv(_) => list.clone(),
    };
    let program = program::find(&command, &launch.dir, &prepared.env)?;
    let taken = look_at_ports(launch, live);
    let prober = Prober::new(launch, &prepared.env, background_tasks).map(|prober| prober.knows_taken(&taken));
    let (notify, env) = open_notify(launch, prepared)?;
    let mark = env.iter().rev().find(|(name, _)| name == process_tree::MARK).map(|(_, value)| value.clone());
    live.note_listeners(&probe::ports(launch));
    let size = live.forking(mark, &env).ok_or("it was killed before it started")?;
    let (terminal, slave) = Terminal::open(size, &launch.dir, background_tasks.children())?;
    let terminal = Arc::new(terminal);
    let by_library = slave.is_of_library();
    let leader = slave.start(program, &launch.dir, &env, background_tasks.children())?;
    live.forked(leader, terminal.clone(), size);
    let made = Made { leader, terminal, by_library };
    let pid = leader.as_raw_pid().unsigned_abs();
    launch.document.mark(&match (&launch.cause, launch.was) {
        (StartCause::First, _) | (_, None) => {
            let why = launch.cause.is_on_request().then(|| launch.cause.to_string());
            Marker::Started { why, command: launch.display.clone(), pid }
        }
        (cause, was) => Marker::Restarted { cause: cause.clone(), was },
    });
    live.report(RunReport::Started { pid });
    Ok(Begun { made, prober, notify })
}

/// The socket for the notifications of the run, if the file asks for them, and its environment with the way there.
fn open_notify(launch: &Launch, prepared: &Prepared) -> Result<(Option<NotifySocket>, Variables), String> {
    let mut env = prepared.env.clone();
    let Some(notify) = &launch.notify else { return Ok((None, env)) };
    let socket = NotifySocket::open(notify.folder.as_deref());
    let socket = socket.map_err(|error| format!("sd_notify: {}", plain_error(&error)))?;
    let own = socket.variables(notify.watchdog);
    env.retain(|(name, _)| !NOTIFY_VARIABLES.iter().any(|own| name == own));
    env.extend(own);
    Ok((Some(socket), env))
}

/// Says of which of its ports somebody else has them, and which are others than usual. The answer: those that are taken.
fn look_at_ports(launch: &Launch, live: &LiveRun) -> Vec<u16> {
    let mut taken = Vec::new();
    let mut problems = Vec::new();
    for port in &launch.ports {
        if let Some(moved) = &port.moved {
            let (service, from, holder) = (launch.service.clone(), moved.from, moved.holder.to_string());
            let moved = PortMarker::Moved { service, port: port.number, from, holder };
            launch.document.mark(&Marker::Port(moved));
        }
        let port = port.number;
        if taken.contains(&port) {
            continue;
        }
        if let Some(holder) = listener::holder_on_localhost(port) {
            let problem = port_is_taken(port, &holder);
            log::warn!("{} {problem}", launch.service);
            let marker = PortMarker::Taken { service: launch.service.clone(), port, holder };
            launch.document.mark(&Marker::Port(marker));
            problems.push(problem);
            taken.push(port);
        }
    }
    if !problems.is_empty() {
        live.report(RunReport::PortTaken { problem: problems.join(" · ").into() });
    }
    taken
}
