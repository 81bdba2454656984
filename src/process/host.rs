//! What the loop asks for: start, signal, type, resize. Everything returns at once.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};

use super::attempt::{self, Attempt, AttemptLaunch};
use super::background_tasks::{BackgroundTask, BackgroundTasks};
use super::begin_run::{self, RunMeans};
use super::launch::{ChangeCommand, Launch, LivenessProbe};
use super::live_run::LiveRun;
use super::probe::Prober;
use super::quiet_runs::QuietRuns;
#[cfg(target_os = "linux")]
use super::spawn;
use super::spawners::Spawners;
use super::terminal::Size;
use super::told::{self, Told};
use super::try_threads::TryThreads;
use super::{change_command, details, liveness_probe};
use crate::clock::Clock;
use crate::domain::{
    Marker, ReadyCheck, RunId, RunReport, ServiceName, Signal, SignalTarget, Usage, Validated, plain_error,
};
use crate::process_tree::{self, Tree};

/// Why a validation could not begin.
const NO_THREAD: &str = "cannot start a thread for it";

/// The stack of a thread that looks at something. Only what is used takes memory.
const STACK: usize = 1 << 20;

/// News of a run, on its way to the loop.
#[derive(Clone, Debug, PartialEq)]
pub struct RunNews {
    /// Of which service.
    pub service: ServiceName,
    /// Of which run.
    pub run: RunId,
    /// What happened to the run.
    pub report: RunReport,
}

/// All processes of the group. Clones are the same host. When the last one is dropped, whatever is left is killed.
#[derive(Clone)]
pub struct ProcessHost {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    reports: UnboundedSender<RunNews>,
    background_tasks: Arc<BackgroundTasks>,
    spawners: Spawners,
    quiet_runs: Arc<QuietRuns>,
    try_threads: Arc<TryThreads>,
    runs: Mutex<Runs>,
}

#[derive(Default)]
struct Runs {
    /// Of each service, in the order of their starts. Those that are gone are cleared away by its next start.
    live: BTreeMap<ServiceName, Vec<Arc<LiveRun>>>,
    /// The tries of tasks, in the same way, of all workers.
    attempts: Vec<Arc<LiveRun>>,
    /// Of the last run of each worker: the CPU time of tries that were looked at and have been cleared away.
    spent: HashMap<ServiceName, (RunId, Duration)>,
    /// The sizes of the panes, also of services that do not run.
    sizes: HashMap<ServiceName, PaneSize>,
    /// The validation and the hook of a service, with its number; also one that has ended.
    beside: HashMap<(ServiceName, Beside), (u32, BackgroundTask)>,
    /// The stop commands of a service; each ends when its sender is dropped. Also of those that have ended.
    stops: HashMap<ServiceName, Vec<oneshot::Sender<()>>>,
    closed: bool,
}

/// The size of a pane, and the way to who prints there beside a run: most panes never have one.
#[derive(Default)]
struct PaneSize {
    now: Size,
    told: Option<watch::Sender<Size>>,
}

impl PaneSize {
    /// Whether it is another one.
    fn set(&mut self, size: Size) -> bool {
        let is_new = std::mem::replace(&mut self.now, size) != size;
        if let Some(told) = self.told.as_ref().filter(|_| is_new) {
            told.send_replace(size);
        }
        is_new
    }

    /// Tells of others from here on.
    fn subscribe(&mut self) -> watch::Receiver<Size> {
        self.told.get_or_insert_with(|| watch::Sender::new(self.now)).subscribe()
    }
}

/// What runs beside a service, one of each at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Beside {
    /// The validation of the service.
    Validation,
    /// The command of its `on_change`.
    Hook,
}

impl Runs {
    /// Forgets tries that are gone, but for the time that they have used.
    fn clear_attempts(&mut self) {
        for gone in self.attempts.extract_if(.., |attempt| attempt.is_gone()) {
            let Some(time) = gone.cpu_time() else { continue };
            let (run, spent) = self.spent.entry(gone.service.clone()).or_default();
            *spent = if *run == gone.run { *spent + time } else { time };
            *run = gone.run;
        }
    }
}

impl ProcessHost {
    /// A host without processes. What happens to them is sent to `reports`, in order for each run. What their services
    /// leave behind becomes a child of this process: the main thread is to reap it, see [`process_tree::reap_orphans`].
    pub fn new(clock: Clock, reports: UnboundedSender<RunNews>) -> Self {
        process_tree::adopt_orphans();
        if let Some(problem) = process_tree::blindness() {
            log::warn!("{problem}");
        }
        #[cfg(target_os = "linux")]
        spawn::look_at_inherited();
        let (background_tasks, spawners, quiet_runs) = (Arc::default(), Spawners::default(), Arc::default());
        let (try_threads, runs) = (Arc::default(), Mutex::default());
        let inner = Inner { clock, reports, background_tasks, spawners, quiet_runs, try_threads, runs };
        Self { inner: Arc::new(inner) }
    }

    /// Starts a run in a terminal of the size that was last given for the service. Reports
    /// [`RunReport::Started`] or [`RunReport::NotStarted`].
    pub fn spawn(&self, launch: Launch) {
        let (orders, inbox) = mpsc::channel();
        let (wake, woken) = match wake_pair() {
            Ok(pair) => pair,
            Err(error) => return self.inner.refuse(&launch, &plain_error(&error)),
        };
        let mut runs = self.inner.runs();
        if runs.closed {
            drop(runs);
            return self.inner.refuse(&launch, "devgroup is shutting down");
        }
        let size = runs.sizes.get(&launch.service).map(|size| size.now).unwrap_or_default();
        let (who, reports) = ((launch.service.clone(), launch.run), self.inner.reports.clone());
        let live = Arc::new(LiveRun::new(who, size, reports, (orders, wake)));
        let its = runs.live.entry(launch.service.clone()).or_default();
        its.retain(|live| !live.is_gone());
        its.push(live.clone());
        drop(runs);
        let launch = Arc::new(launch);
        let means = self.inner.run_means();
        let (its_launch, its_live) = (launch.clone(), live.clone());
        let begin = move || begin_run::begin(&its_launch, &its_live, (inbox, woken), &means);
        if let Err(error) = self.inner.spawners.begin(Box::new(begin)) {
            live.gone();
            self.inner.refuse(&launch, &format!("cannot start a thread for it: {}", plain_error(&error)));
        }
    }

    /// Passes on what has happened to a run that is no process of this host: a worker's.
    pub fn report(&self, news: RunNews) {
        // The loop may be gone already; then nobody needs to know.
        let _ = self.inner.reports.send(news);
    }

    /// Begins a try of a task, on a thread that has nothing else to do meanwhile, which tells its end. `None`: it could not, and the end is told.
    pub fn attempt(&self, launch: AttemptLaunch) -> Option<Attempt> {
        let (orders, inbox) = mpsc::channel();
        // A try is signalled as a run is; but nothing of it is news of a run.
        let (nobody, _) = unbounded_channel();
        let who = (launch.worker.clone(), launch.run);
        let (wake, woken) = match wake_pair() {
            Ok(pair) => pair,
            Err(error) => return attempt::refuse(launch, &plain_error(&error)),
        };
        let live = Arc::new(LiveRun::new(who, Size::default(), nobody, (orders, wake)));
        let mut runs = self.inner.runs();
        if runs.closed {
            drop(runs);
            return attempt::refuse(launch, "devgroup is shutting down");
        }
        runs.clear_attempts();
        runs.attempts.push(live.clone());
        drop(runs);
        let (children, clock) = (self.inner.background_tasks.children().clone(), self.inner.clock);
        let launch = Arc::new(Mutex::new(Some(launch)));
        let taken =
            |launch: &Mutex<Option<AttemptLaunch>>| launch.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (its, its_live) = (launch.clone(), live.clone());
        let begun = self.inner.try_threads.run(Box::new(move || {
            if let Some(launch) = taken(&its) {
                attempt::supervise(launch, &its_live, (inbox, woken), &children, clock);
            }
        }));
        if let Err(error) = begun
            && let Some(launch) = taken(&launch)
        {
            live.gone();
            return attempt::refuse(launch, &format!("cannot start a thread for it: {}", plain_error(&error)));
        }
        Some(Attempt { live })
    }

    /// Signals everybody of a run, or some of it. A run that is gone, or that never was, gets nothing.
    /// One that is still being started gets it as soon as it exists. A process that is stopped is made to go on, so
    /// that it can end.
    pub fn signal(&self, service: &ServiceName, run: RunId, signal: Signal, target: SignalTarget) {
        let live = self.inner.of(service).into_iter().find(|live| live.run == run);
        if let Some(live) = live {
            live.signal(signal, target);
        }
        if signal == Signal::Kill {
            // It has had its time. If the run has ended sooner, it may still have to clear up.
            self.inner.runs().stops.remove(service);
        }
    }

    /// Runs a stop command. It is killed when it takes longer than the run has to end, when the run is killed, and when the
    /// host ends.
    pub fn run_stop_command(&self, change_command: ChangeCommand, limit: Duration) {
        let live = self.inner.of(&change_command.service).pop();
        let (ends, over) = oneshot::channel();
        let mut runs = self.inner.runs();
        let stops = runs.stops.entry(change_command.service.clone()).or_default();
        stops.retain(|stop| !stop.is_closed());
        stops.push(ends);
        drop(runs);
        let background_tasks = &self.inner.background_tasks;
        background_tasks.send_off(change_command::stop(change_command, background_tasks.means(), live, over, limit));
    }

    /// Begins to look after a run that is up, instead of as before. Reports [`RunReport::Alive`] and
    /// [`RunReport::Silent`]; ends with the run.
    pub fn check_alive(&self, liveness_probe: LivenessProbe) {
        let runs = self.inner.of(&liveness_probe.service);
        let Some(live) = runs.into_iter().find(|live| live.run == liveness_probe.run) else { return };
        let (liveness_probe, name) = match liveness_probe.expanded(&live.env()) {
            Ok(expanded) => expanded,
            Err(problem) => return live.report(RunReport::Silent { problem: problem.into() }),
        };
        let background_tasks = &self.inner.background_tasks;
        if let Some(background_task) = background_tasks.begin(liveness_probe::probe_run(
            liveness_probe,
            name,
            background_tasks.means(),
            live.clone(),
        )) {
            live.is_looked_after(background_task);
        }
    }

    /// Nobody looks after a live run any more.
    pub fn check_alive_no_more(&self, service: &ServiceName, run: RunId) {
        if let Some(live) = self.inner.of(service).into_iter().find(|live| live.run == run) {
            live.is_looked_after_no_more();
        }
    }

    /// The live run is ready from now on when this check says so; with none, nobody asks.
    pub fn check_ready(&self, launch: Launch) {
        let Some(live) = self.inner.of(&launch.service).into_iter().find(|live| live.run == launch.run) else { return };
        let background_tasks = self.inner.background_tasks.clone();
        // It may read files, and look through a long log.
        self.beside_the_loop(&launch.service.clone(), move || {
            let env = live.env();
            let launch = match launch.expanded(&env) {
                Ok((launch, checks)) => {
                    checks.into_iter().for_each(|checks| live.report_expanded(checks));
                    launch
                }
                Err(error) => {
                    log::warn!("{}: ready: {error}", launch.service);
                    launch.document.mark(&Marker::ChangeCommandFailed { what: "ready", problem: error });
                    return live.is_probed(None);
                }
            };
            if launch.document.expect_ready(launch.run, launch.ready.as_ref().and_then(ReadyCheck::pattern)) {
                live.become_ready();
            }
            let prober = Prober::of_live_run(&launch, &env, &background_tasks);
            let begin =
                |prober: Prober| background_tasks.begin(prober.until_ready(background_tasks.means(), live.clone()));
            live.is_probed(prober.and_then(begin));
        });
    }

    /// Reports anew what the environment of a live run makes of the texts of the file.
    pub fn expand(&self, launch: Launch) {
        let Some(live) = self.inner.of(&launch.service).into_iter().find(|live| live.run == launch.run) else { return };
        match launch.expanded(&live.env()) {
            Ok((_, checks)) => live.report_expanded(checks.unwrap_or_default()),
            Err(error) => log::warn!("{}: {error}", launch.service),
        }
    }

    /// Tells a program something, as a background task. `ended`: what came of it; dropped if the host ends before.
    pub fn tell_program(&self, told: Told, ended: impl FnOnce(Result<(), String>) + Send + 'static) {
        let background_tasks = &self.inner.background_tasks;
        let means = background_tasks.means();
        background_tasks.send_off(async move { ended(told::tell(told, means).await) });
    }

    /// Does what may take a while, on a thread of its own.
    fn beside_the_loop(&self, service: &ServiceName, work: impl FnOnce() + Send + 'static) {
        let thread = thread::Builder::new().name(format!("ask {service}")).stack_size(STACK);
        if let Err(error) = thread.spawn(work) {
            log::warn!("{service}: cannot start a thread to inspect it: {}", plain_error(&error));
        }
    }

    /// Runs a validation beside whatever runs, and sees whether `start` could be executed then. Reports
    /// [`RunReport::Validated`] with this number. An older one of the same service is ended.
    pub fn validate(&self, change_command: ChangeCommand, start: ChangeCommand, number: u32) {
        let (service, means) = (change_command.service.clone(), self.inner.background_tasks.means());
        let tell = self.inner.tell(&service, number);
        let tell_later = tell.clone();
        let begun = self.begin_beside(&service, Beside::Validation, number, |live, size| async move {
            tell_later(change_command::validate(&change_command, &start, &means, live.as_deref(), size).await);
        });
        if !begun {
            tell(Validated::Failed(NO_THREAD.into()));
        }
    }

    /// Runs a hook beside whatever runs. Reports [`RunReport::HookEnded`] with this number. An older one of the same
    /// service is ended. It is killed when it takes longer than a minute.
    pub fn run_hook(&self, change_command: ChangeCommand, number: u32) {
        let (service, means) = (change_command.service.clone(), self.inner.background_tasks.means());
        let (name, reports) = (service.clone(), self.inner.reports.clone());
        let tell = move |problem: Option<String>| {
            let report = RunReport::HookEnded { number, problem: problem.map(Arc::from) };
            // The loop may be gone already; then nobody needs to know.
            let _ = reports.send(RunNews { service: name.clone(), run: RunId::default(), report });
        };
        let tell_later = tell.clone();
        let begun = self.begin_beside(&service, Beside::Hook, number, |live, size| async move {
            tell_later(change_command::hook(&change_command, &means, live.as_deref(), size).await);
        });
        if !begun {
            tell(Some(NO_THREAD.into()));
        }
    }

    /// Begins a background task beside the live run of a service, in the place of an older one; whether there was a thread for it.
    fn begin_beside<F: Future<Output = ()> + Send + 'static>(
        &self,
        service: &ServiceName,
        what: Beside,
        number: u32,
        background_task: impl FnOnce(Option<Arc<LiveRun>>, watch::Receiver<Size>) -> F,
    ) -> bool {
        let live = self.inner.of(service).pop();
        let mut runs = self.inner.runs();
        // Before the new one begins: two of them at once would be in each other's way.
        drop(runs.beside.remove(&(service.clone(), what)));
        let size = runs.sizes.entry(service.clone()).or_default().subscribe();
        match self.inner.background_tasks.begin(background_task(live, size)) {
            Some(background_task) => {
                runs.beside.insert((service.clone(), what), (number, background_task));
                true
            }
            None => false,
        }
    }

    /// Ends a validation or a hook, with all of its group.
    pub fn end_beside(&self, service: &ServiceName, what: Beside, number: u32) {
        let (mut runs, key) = (self.inner.runs(), (service.clone(), what));
        if runs.beside.get(&key).is_some_and(|(its, _)| *its == number) {
            runs.beside.remove(&key);
        }
    }

    /// Sees whether `start` could be executed now: by the rules of a start, on a thread of its own. Reports
    /// [`RunReport::Validated`] with this number.
    pub fn check_start(&self, start: ChangeCommand, number: u32) {
        let tell = self.inner.tell(&start.service, number);
        self.beside_the_loop(&start.service.clone(), move || {
            tell(start.program().map_or_else(Validated::CannotStart, |_| Validated::Passed));
        });
    }

    /// Looks at the live run of a service. Reports [`RunReport::Details`]; nothing if there is none.
    pub fn inspect(&self, service: &ServiceName) {
        let Some(live) = self.inner.of(service).pop() else { return };
        self.inner.background_tasks.send_off(async move {
            if let Some((pids, env)) = live.processes_and_environment() {
                live.report(RunReport::Details(Arc::new(details::of(live.run, &pids, &env))));
            }
        });
    }

    /// Measures the live runs of these services (empty: of all). Reports [`RunReport::Usage`] for each.
    pub fn measure(&self, services: &[ServiceName]) {
        let runs = self.inner.runs();
        let wanted = |live: &&Arc<LiveRun>| services.is_empty() || services.contains(&live.service);
        let live: Vec<Arc<LiveRun>> = runs.live.values().flatten().filter(wanted).cloned().collect();
        drop(runs);
        let clock = self.inner.clock;
        self.inner.background_tasks.send_off(async move {
            let tree = Tree::read();
            let measured = live.iter().filter_map(|live| Some((live, live.measure(clock.now(), &tree)?)));
            // All are told together: the loop takes them in one turn, and not in one for each.
            for (live, usage) in measured.collect::<Vec<_>>() {
                live.report(RunReport::Usage(usage));
            }
        });
    }

    /// Measures the tries of a run of a worker, together. Reports [`RunReport::Usage`] for that run, also if no try runs.
    pub fn measure_attempts(&self, worker: &ServiceName, run: RunId) {
        let mut runs = self.inner.runs();
        runs.clear_attempts();
        let is_of_it = |live: &&Arc<LiveRun>| live.service == *worker && live.run == run;
        let live: Vec<Arc<LiveRun>> = runs.attempts.iter().filter(is_of_it).cloned().collect();
        let spent = runs.spent.get(worker).filter(|(of, _)| *of == run).map_or(Duration::ZERO, |(_, spent)| *spent);
        drop(runs);
        let (clock, reports, service) = (self.inner.clock, self.inner.reports.clone(), worker.clone());
        self.inner.background_tasks.send_off(async move {
            let now = clock.now();
            let is_told = process_tree::is_proc_ours();
            let none = Usage {
                cpu: is_told.then_some(0),
                memory: is_told.then_some(0),
                cpu_time: is_told.then_some(spent),
                processes: is_told.then_some(0),
                ..Usage::unknown(now)
            };
            // One that has ended keeps what it has used.
            let ended = |live: &LiveRun| Usage { cpu: none.cpu, cpu_time: live.cpu_time(), ..Usage::unknown(now) };
            let tree = Tree::read();
            let each = live.iter().map(|live| live.measure(now, &tree).unwrap_or_else(|| ended(live)));
            let usage = match each.reduce(Usage::with) {
                Some(usage) => Usage { cpu: usage.cpu, ..usage.with(none) },
                None => none,
            };
            // The loop may be gone already; then nobody needs to know.
            let _ = reports.send(RunNews { service, run, report: RunReport::Usage(Usage { at: now, ..usage }) });
        });
    }

    /// Types into the terminal of the service's run; nothing happens if there is none. A service that does not read
    /// gets the first megabyte.
    pub fn write(&self, service: &ServiceName, bytes: Vec<u8>) {
        if let Some(live) = self.inner.of(service).pop() {
            live.write(bytes);
        }
    }

    /// The pane of the service has this size, now and for further runs. At least 2×1. The log document is told by
    /// whoever calls this.
    pub fn resize(&self, service: &ServiceName, columns: u16, rows: u16) {
        let size = Size::new(columns, rows);
        // Under the lock, so that a start does not miss it.
        let mut runs = self.inner.runs();
        if runs.sizes.entry(service.clone()).or_default().set(size) {
            for live in runs.live.get(service).into_iter().flatten() {
                live.resize(size);
            }
        }
    }

    /// The service is gone from the group: what is gone of its runs is cleared away.
    pub fn forget(&self, service: &ServiceName) {
        let mut runs = self.inner.runs();
        if runs.live.get(service).is_some_and(|its| its.iter().all(|live| live.is_gone())) {
            runs.live.remove(service);
        }
    }

    /// The last resort before the program leaves: KILL to everything that is left, before this returns. Nothing can
    /// be started afterwards.
    pub fn kill_all(&self) {
        self.inner.kill_all();
    }
}

impl fmt::Debug for ProcessHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessHost").finish_non_exhaustive()
    }
}

impl Inner {
    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a run needs to begin and to be waited for.
    fn run_means(&self) -> RunMeans {
        let (background_tasks, quiet_runs) = (self.background_tasks.clone(), self.quiet_runs.clone());
        RunMeans { background_tasks, quiet_runs, clock: self.clock }
    }

    /// Says that a run cannot begin.
    fn refuse(&self, launch: &Launch, reason: &str) {
        let (service, run, report) =
            (launch.service.clone(), launch.run, RunReport::NotStarted { reason: reason.into() });
        // The loop may be gone already; then nobody needs to know.
        let _ = self.reports.send(RunNews { service, run, report });
    }

    /// Reports what became of a validation.
    fn tell(&self, service: &ServiceName, number: u32) -> impl Fn(Validated) + Clone + Send + 'static + use<> {
        let (reports, service) = (self.reports.clone(), service.clone());
        move |result| {
            let report = RunReport::Validated { number, result };
            // The loop may be gone already; then nobody needs to know.
            let _ = reports.send(RunNews { service: service.clone(), run: RunId::default(), report });
        }
    }

    /// The runs of a service of which anything is left, the newest last.
    fn of(&self, service: &ServiceName) -> Vec<Arc<LiveRun>> {
        let runs = self.runs();
        let its = runs.live.get(service).into_iter().flatten();
        its.filter(|live| !live.is_gone()).cloned().collect()
    }

    fn kill_all(&self) {
        let mut runs = self.runs();
        runs.closed = true;
        runs.beside.clear();
        let live = std::mem::take(&mut runs.live);
        let attempts = std::mem::take(&mut runs.attempts);
        drop(runs);
        self.background_tasks.children().kill_all();
        for live in live.into_values().flatten().chain(attempts) {
            live.kill_now();
        }
    }
}

/// Two ends of a pipe that never block: one to wake a thread, and the one that wakes it.
fn wake_pair() -> io::Result<(UnixStream, UnixStream)> {
    let (wake, woken) = UnixStream::pair()?;
    wake.set_nonblocking(true)?;
    woken.set_nonblocking(true)?;
    Ok((wake, woken))
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.kill_all();
    }
}
