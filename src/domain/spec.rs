//! What the user asked for: `procgroup.toml` after all defaults are filled in and all names are checked.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{
    AlertKeys, AliveCheck, AliveProbe, AskedPort, Checkout, EnvFile, ExportSpec, GroupValues, Instance, Limits,
    Notifications, OnChange, Port, Probe, ReadyCheck, Replicated, Schedule, ServiceName, Signal, SpecPattern, Validate,
    WatchFiles, WatchSpec, WebSpec, WorkerSpec, visible, without_secrets,
};

/// A validated group. Everything here is what the file says; nothing is optional only because a default was forgotten.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSpec {
    /// `name`, else the name of the folder.
    pub name: Arc<str>,
    /// The folder of the file, absolute: paths are relative to it.
    pub root: PathBuf,
    /// The file itself, absolute.
    pub file: PathBuf,
    /// All files that it was read from, absolute: the file itself first, then those that it includes, each with its local
    /// file behind it, if it has one.
    pub files: Vec<PathBuf>,
    /// The patterns of `include`, relative to `root`.
    pub include: Vec<String>,
    /// In the order of the file: that of starts that nothing else orders, and, within a group, that on the screen.
    pub services: Vec<Arc<ServiceSpec>>,
    /// The services with `replicas` whose instances are among the services now ([`GroupSpec::with_instances`]).
    pub replicated: Vec<Replicated>,
    /// The settings of the watcher (`[watch]`).
    pub watch: WatchSpec,
    /// The settings of the logs (`[logs]`).
    pub logs: LogSpec,
    /// How services start (`[start]`).
    pub start: StartSpec,
    /// Who is told what, as the files of the group say (`[alerts]`).
    pub alerts: AlertKeys,
    /// Where the web page is served (`[web]`); `None`: only if somebody asks for it.
    pub web: Option<WebSpec>,
    /// The port of a listener that serves figures and health alone (`[metrics]`); `None`: there is none.
    pub metrics: Option<AskedPort>,
    /// What other engines run the services in (`[export]`).
    pub export: ExportSpec,
    /// The checkout that the file is in.
    pub checkout: Checkout,
}

impl GroupSpec {
    /// A group of which the file says no more than its services, with the defaults of all other keys. `root` is the folder
    /// of its `procgroup.toml`.
    pub fn new(name: &str, root: PathBuf, services: Vec<Arc<ServiceSpec>>) -> Self {
        let file = root.join("procgroup.toml");
        Self {
            name: name.into(),
            root,
            files: vec![file.clone()],
            file,
            include: Vec::new(),
            services,
            replicated: Vec::new(),
            watch: WatchSpec::default(),
            logs: LogSpec::default(),
            start: StartSpec::default(),
            alerts: AlertKeys::default(),
            web: None,
            metrics: None,
            export: ExportSpec::default(),
            checkout: Checkout::default(),
        }
    }

    /// The service of that name.
    pub fn service(&self, name: &ServiceName) -> Option<&Arc<ServiceSpec>> {
        self.services.iter().find(|service| &service.name == name)
    }
}

/// One service. Two specs that are equal need no restart when the file is reloaded.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSpec {
    /// The key below `[services]`.
    pub name: ServiceName,
    /// Whether it is to keep running, or to end by itself (`kind`).
    pub kind: Kind,
    /// `run`, before `${NAME}` is put into the words of a list.
    pub run: RunCommand,
    /// The file that it stands in, relative to the root of the group; empty if nobody has said it.
    pub file: Arc<str>,
    /// The folder of that file: what its relative paths and patterns begin at.
    pub root: PathBuf,
    /// `dir`, absolute. Default: `root`.
    pub dir: Expandable<PathBuf>,
    /// `[defaults] env`, then the service's `env`: later entries win. Values may hold `${NAME}`.
    pub env: Vec<(String, String)>,
    /// `env_file`, absolute; later ones win, `env` wins over all. Read at each start.
    pub env_files: Vec<EnvFile>,
    /// `port` and `ports`, the one first that is `PORT`.
    pub ports: Vec<Port>,
    /// What the group says to `${services.…}` and `${worktree}` where a start reads them: in environment files.
    pub values: Arc<GroupValues>,
    /// Of those, what its environment files asked for when `procgroup.toml` was read, with the values.
    pub values_in_files: Vec<(String, String)>,
    /// What it waits for before each start (`depends_on`).
    pub depends_on: Vec<Dependency>,
    /// How it is found out that it is ready (`ready`).
    pub ready: Option<ReadyCheck>,
    /// How it is found out that it is stuck (`alive`).
    pub alive: Option<AliveCheck>,
    /// What a run may use (`limits`).
    pub limits: Limits,
    /// What must pass before a run is replaced (`validate`).
    pub validate: Option<Validate>,
    /// `cascade`: those that depend on it, directly or not, are restarted after it.
    pub cascade: bool,
    /// Whether it is started again when it ends (`restart`).
    pub restart: RestartPolicy,
    /// `retries`: starts after the first one when it fails, with `backoff`. Of jobs only, in place of `restart` and
    /// `breaker`; 0 for services.
    pub retries: u32,
    /// `schedule`: when it runs by itself. Of jobs only.
    pub schedule: Option<Schedule>,
    /// `inputs`, globs relative to `root`: while these files are as at its last success, it is done at once. Of jobs only.
    pub inputs: Vec<SpecPattern>,
    /// How long it waits between attempts (`backoff`).
    pub backoff: Backoff,
    /// How many crashes end the attempts (`breaker`).
    pub breaker: Breaker,
    /// How it is ended: signal or command, and grace (`stop`).
    pub stop: StopSpec,
    /// How it works off its tasks. Of workers only.
    pub worker: Option<Arc<WorkerSpec>>,
    /// `replicas`, until its instances stand in its place.
    pub replicas: Option<u32>,
    /// Which instance of a service with `replicas` it is.
    pub instance: Option<Instance>,
    /// `autostart`, already made false for services that this call of devgroup did not select.
    pub autostart: bool,
    /// It would start by itself, but this call of devgroup did not select it.
    pub left_out: bool,
    /// The profiles that it belongs to (`profiles`).
    pub profiles: Vec<String>,
    /// `group`: the heading in the sidebar.
    pub group: Option<String>,
    /// The address that people open (`url`).
    pub url: Option<Expandable<String>>,
    /// Which files restart it (`watch`).
    pub watch: WatchFiles,
    /// `ignore`, gitignore syntax with `!`.
    pub ignore: Vec<SpecPattern>,
    /// `[watch] ignore` of the included file that it stands in.
    pub file_ignore: Vec<SpecPattern>,
    /// `[watch] also` of the included file that it stands in.
    pub file_also: Vec<SpecPattern>,
    /// `debounce` of the service; the group's otherwise.
    pub debounce: Duration,
    /// What a change does (`on_change`).
    pub on_change: OnChange,
    /// How its pane shows it (`view`).
    pub view: PaneView,
}

impl ServiceSpec {
    /// A service of which the file says no more than this, with the defaults of all other keys. `root` is the folder of the
    /// file.
    pub fn new(name: ServiceName, run: RunCommand, root: PathBuf) -> Self {
        Self {
            name,
            kind: Kind::default(),
            run,
            dir: Expandable::Known(root.clone()),
            file: "".into(),
            root,
            env: Vec::new(),
            env_files: Vec::new(),
            ports: Vec::new(),
            values: Arc::default(),
            values_in_files: Vec::new(),
            depends_on: Vec::new(),
            ready: None,
            alive: None,
            limits: Limits::default(),
            validate: None,
            cascade: false,
            restart: RestartPolicy::default(),
            retries: 0,
            schedule: None,
            inputs: Vec::new(),
            backoff: Backoff::default(),
            breaker: Breaker::default(),
            stop: StopSpec::default(),
            worker: None,
            replicas: None,
            instance: None,
            autostart: true,
            left_out: false,
            profiles: Vec::new(),
            group: None,
            url: None,
            watch: WatchFiles::default(),
            ignore: Vec::new(),
            file_ignore: Vec::new(),
            file_also: Vec::new(),
            debounce: WatchSpec::DEBOUNCE,
            on_change: OnChange::default(),
            view: PaneView::default(),
        }
    }

    /// Whether a start depends on values that only the start knows: those of environment files, or of `${NAME}`.
    pub fn needs_values(&self) -> bool {
        let is_list_with = |command: &RunCommand| match command {
            RunCommand::Argv(argv) => argv.iter().any(|word| word.contains(VARIABLE)),
            RunCommand::Shell(_) => false,
        };
        let commands = [
            Some(&self.run),
            self.validate.as_ref().map(|validate| &validate.run),
            self.stop.command.as_ref(),
            self.ready.as_ref().and_then(|ready| if let Probe::Cmd(cmd) = &ready.probe { Some(cmd) } else { None }),
            self.alive
                .as_ref()
                .and_then(|alive| if let AliveProbe::Cmd(cmd) = &alive.probe { Some(cmd) } else { None }),
        ];
        !self.env_files.is_empty()
            || self.env.iter().any(|(_, value)| value.contains(VARIABLE))
            || matches!(self.dir, Expandable::Text(_))
            || self.has_unexpanded_checks()
            || commands.into_iter().flatten().any(is_list_with)
    }

    /// Whether it tells of itself by sd_notify(3), and how often.
    pub fn notifications(&self) -> Option<Notifications> {
        let alive = self.alive.as_ref().filter(|alive| alive.probe == AliveProbe::Notify);
        let ready = self.ready.as_ref().filter(|ready| ready.probe == Probe::Notify);
        (ready.is_some() || alive.is_some()).then(|| Notifications { watchdog: alive.map(|alive| alive.every) })
    }

    /// Whether `ready`, `alive` or `url` hold `${NAME}`.
    pub fn has_unexpanded_checks(&self) -> bool {
        matches!(self.url, Some(Expandable::Text(_)))
            || self.ready.as_ref().is_some_and(|ready| matches!(ready.probe, Probe::Text(_)))
            || self.alive.as_ref().is_some_and(|alive| matches!(alive.probe, AliveProbe::Text { .. }))
    }
}

/// How a variable begins.
const VARIABLE: &str = "${";

/// A value of the file: known, or a text that holds `${NAME}` and becomes a value at each start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expandable<T> {
    /// What it is.
    Known(T),
    /// The text as the file writes it, with `${NAME}`.
    Text(String),
}

impl<T> Expandable<T> {
    /// The value, where the file alone says it.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Text(_) => None,
        }
    }
}

impl<T: for<'a> From<&'a str>> From<&str> for Expandable<T> {
    fn from(value: &str) -> Self {
        Self::Known(value.into())
    }
}

/// Whether a run is expected to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Runs until it is stopped.
    #[default]
    Service,
    /// Runs to the end; exit code 0 is `done`.
    Job,
    /// Works off task files: it runs until it is stopped, and each try of a task is a process of its own.
    Worker,
}

/// What the pane of a live run shows while the end is followed. Whoever scrolls, searches or filters reads the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaneView {
    /// The terminal while a program fills the alternate screen (an editor, a pager), otherwise the log.
    #[default]
    Auto,
    /// Its log, also while a program fills the screen.
    Log,
    /// The terminal, always: for programs that draw without the alternate screen.
    Screen,
}

/// What is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunCommand {
    /// A text: through `sh -c`, which puts all variables in.
    Shell(String),
    /// A list: executed as it is, with `${NAME}` put in at the start; never empty.
    Argv(Vec<String>),
}

impl RunCommand {
    /// The command on one line, as the marker shows it: without secrets.
    pub fn display(&self) -> String {
        let line = match self {
            Self::Shell(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
            // A word is known as a whole here; an option and its value are two.
            Self::Argv(argv) => argv.iter().map(|word| without_secrets(word)).collect::<Vec<_>>().join(" "),
        };
        visible(&without_secrets(&line)).into_owned()
    }
}

/// One entry of `depends_on`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The service that must come first.
    pub on: ServiceName,
    /// What it must have reached.
    pub until: Condition,
}

/// What a dependency must have reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Its process runs.
    Started,
    /// It is ready; without a readiness check, it runs. The default for services.
    Ready,
    /// It has ended with 0. The default for jobs.
    Done,
}

/// `restart`: what happens when a run ends without having been asked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    /// It stays ended.
    Never,
    /// Started again unless it ended with 0.
    #[default]
    OnFailure,
    /// It is started again however it ended.
    Always,
}

/// `backoff`: the wait before try n is `initial × factor^(n-1)`, at most `max`, with jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The first wait.
    pub initial: Duration,
    /// What each further wait is multiplied with; at least 1.
    pub factor: f64,
    /// The longest wait.
    pub max: Duration,
    /// A run that lasted this long starts the count anew.
    pub reset_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_secs(30),
            reset_after: Duration::from_secs(10),
        }
    }
}

/// `breaker`: so many crashes within that time open the circuit; after the cooldown one run is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Crashes that open it; at least 1.
    pub failures: u32,
    /// Within this time.
    pub within: Duration,
    /// How long it stays open before one run is tried.
    pub cooldown: Duration,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, within: Duration::from_secs(60), cooldown: Duration::from_secs(60) }
    }
}

/// `stop`: the ladder signal (or command) → grace → KILL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopSpec {
    /// The first signal.
    pub signal: Signal,
    /// From the first signal to KILL.
    pub grace: Duration,
    /// Run instead of the first signal, like `run`, in the service's folder and environment.
    pub command: Option<RunCommand>,
    /// `to = "leader"`: the first signal goes to the leader only; the rest of the group is ended
    /// after the leader is gone or the grace is over.
    pub leader_only: bool,
}

impl Default for StopSpec {
    fn default() -> Self {
        Self { signal: Signal::Term, grace: Duration::from_secs(5), command: None, leader_only: false }
    }
}

/// How services start (`[start]`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartSpec {
    /// So many may be starting at once; any number without it.
    pub parallel: Option<NonZeroU32>,
}

/// The settings of the logs (`[logs]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSpec {
    /// Bytes of history kept for each service; the oldest lines go first.
    pub memory: usize,
    /// Bytes of history kept for all services together; the service that keeps the most gives up its oldest lines.
    pub total: usize,
    /// Also on disk, in the state folder.
    pub files: bool,
    /// A file that would become larger than so many bytes gets another name, and a new one begins.
    pub max_size: u64,
    /// Files for each service; the oldest goes.
    pub max_files: u32,
}

impl LogSpec {
    /// [`LogSpec::total`] unless the file says otherwise; never less than what one service may keep.
    pub const TOTAL: usize = 256 << 20;
    /// [`LogSpec::max_size`] unless the file says otherwise.
    pub const FILE_SIZE: u64 = 32 << 20;
    /// [`LogSpec::max_files`] unless the file says otherwise.
    pub const FILES: u32 = 4;
}

impl Default for LogSpec {
    fn default() -> Self {
        let (max_size, max_files) = (Self::FILE_SIZE, Self::FILES);
        Self { memory: 64 << 20, total: Self::TOTAL, files: false, max_size, max_files }
    }
}
