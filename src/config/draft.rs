//! What a table of a service says, before and after `[defaults]` and the defaults of `ServiceSpec::new` fill in the rest.

use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use toml::Spanned;

use super::place::Place;
use super::schedule;
use super::worker::{self, WorkerDraft};
use crate::domain::{
    AliveCheck, AliveProbe, AskedPort, Backoff, Breaker, Condition, Dependency, EnvFile, Expandable, Kind, Limits,
    OnChange, PaneView, Port, Probe, ReadyCheck, RestartPolicy, RunCommand, ServiceName, ServiceSpec, Signal,
    SpecPattern, StopSpec, Validate, WatchFiles, When, means,
};

/// The entries of `depends_on`, each with its place: first as they are written, then one for each service that they mean.
/// Without a condition, the kind of the other service decides.
pub(super) type Needs = Vec<Need>;

/// One entry of `depends_on`.
pub(super) type Need = Spanned<(ServiceName, Option<Condition>)>;

/// The entries of `ports`, each with the place of its number.
pub(super) type NamedPorts = Vec<(Arc<str>, Spanned<AskedPort>)>;

/// A value and its place, if the file gives it.
pub(super) type Given<T> = Option<Spanned<T>>;

/// What a table of a service says. What it does not say, `[defaults]` or `ServiceSpec::new` says.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// What `run` says, if it is there.
    pub(super) run: Given<RunCommand>,
    /// `run` is missing or wrong, and that has been said.
    pub(super) run_reported: bool,
    pub(super) kind: Given<Kind>,
    pub(super) dir: Given<Expandable<PathBuf>>,
    pub(super) env: Vec<(String, Spanned<String>)>,
    pub(super) env_files: Given<Vec<EnvFile>>,
    pub(super) port: Given<AskedPort>,
    pub(super) ports: Given<NamedPorts>,
    pub(super) depends_on: Option<Needs>,
    pub(super) ready: Given<ReadyCheck>,
    pub(super) alive: Given<AliveDraft>,
    pub(super) memory_limit: Given<u64>,
    pub(super) validate: Given<Validate>,
    pub(super) cascade: Given<bool>,
    pub(super) restart: Given<RestartPolicy>,
    pub(super) retries: Given<u32>,
    pub(super) schedule: Given<When>,
    pub(super) timezone: Given<TimeZone>,
    pub(super) run_on_start: Given<bool>,
    pub(super) inputs: Given<Vec<Spanned<SpecPattern>>>,
    pub(super) backoff: BackoffDraft,
    pub(super) breaker: BreakerDraft,
    pub(super) stop: StopDraft,
    pub(super) worker: WorkerDraft,
    pub(super) replicas: Given<u32>,
    pub(super) autostart: Given<bool>,
    pub(super) profiles: Given<Vec<String>>,
    pub(super) group: Given<String>,
    pub(super) url: Given<Expandable<String>>,
    pub(super) watch: Given<Watched>,
    pub(super) ignore: Option<Vec<Spanned<SpecPattern>>>,
    pub(super) debounce: Given<Duration>,
    pub(super) on_change: Given<OnChange>,
    pub(super) view: Given<PaneView>,
}

/// `alive`. How long failures do not count depends on whether there is a readiness check, which `[defaults]` may give.
#[derive(Clone, Debug)]
pub(super) struct AliveDraft {
    pub(super) check: AliveCheck,
    /// `grace`, if the file gives it.
    pub(super) grace: Option<Duration>,
}

/// `watch`, each pattern with its place.
#[derive(Clone, Debug)]
pub(super) enum Watched {
    Off,
    All { line: u32, file: Option<Arc<str>> },
    Globs(Vec<Spanned<SpecPattern>>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct BackoffDraft {
    pub(super) initial: Given<Duration>,
    pub(super) factor: Given<f64>,
    pub(super) max: Given<Duration>,
    pub(super) reset_after: Given<Duration>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct BreakerDraft {
    pub(super) failures: Given<u32>,
    pub(super) within: Given<Duration>,
    pub(super) cooldown: Given<Duration>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct StopDraft {
    pub(super) signal: Given<Signal>,
    pub(super) grace: Given<Duration>,
    pub(super) command: Given<RunCommand>,
    pub(super) leader_only: Given<bool>,
}

impl Draft {
    /// What this says, and where it says nothing, what `defaults` say. `env` is joined by name, and `stop`, `limits`,
    /// `backoff` and `breaker` key by key; every other value is replaced as a whole.
    pub(super) fn over(self, name: &ServiceName, defaults: &Self) -> Self {
        let kind = self.kind.as_ref().or(defaults.kind.as_ref()).map(|kind| *kind.get_ref());
        let (is_job, is_worker) = (kind == Some(Kind::Job), kind == Some(Kind::Worker));
        let of_worker = is_worker.then(|| worker::defaults_for(&self, defaults));
        let defaults = of_worker.as_ref().unwrap_or(defaults);
        let own: HashSet<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        let mut env: Vec<(String, Spanned<String>)> =
            defaults.env.iter().filter(|(name, _)| !own.contains(name.as_str())).cloned().collect();
        env.extend(self.env);
        let group = self.group.or_else(|| defaults.group.clone());
        // `[defaults] depends_on = ["db", "@infra"]` makes neither db nor what is in that group wait for itself.
        let its_group = group.as_ref().map(|group| group.get_ref().as_str());
        let depends_on = self.depends_on.or_else(|| {
            let entries = defaults.depends_on.as_ref()?.iter();
            Some(entries.filter(|entry| !means(entry.get_ref().0.as_str(), name, its_group)).cloned().collect())
        });
        // What `[defaults]` say of these is for the jobs that have a schedule.
        let schedule = self.schedule.or_else(|| defaults.schedule.clone().filter(|_| is_job));
        let is_scheduled = schedule.is_some();
        Self {
            timezone: self.timezone.or_else(|| defaults.timezone.clone().filter(|_| is_scheduled)),
            run_on_start: self.run_on_start.or_else(|| defaults.run_on_start.clone().filter(|_| is_scheduled)),
            schedule,
            run_reported: self.run_reported || (self.run.is_none() && defaults.run_reported),
            run: self.run.or_else(|| defaults.run.clone()),
            kind: self.kind.or_else(|| defaults.kind.clone()),
            dir: self.dir.or_else(|| defaults.dir.clone()),
            env,
            env_files: self.env_files.or_else(|| defaults.env_files.clone()),
            port: self.port.or_else(|| defaults.port.clone()),
            ports: self.ports.or_else(|| defaults.ports.clone()),
            depends_on,
            ready: self.ready.or_else(|| defaults.ready.clone()),
            alive: self.alive.or_else(|| defaults.alive.clone()),
            memory_limit: self.memory_limit.or_else(|| defaults.memory_limit.clone()),
            validate: self.validate.or_else(|| defaults.validate.clone()),
            cascade: self.cascade.or_else(|| defaults.cascade.clone()),
            // What `[defaults]` say of these is for the services among all, of `inputs` for the jobs, and of `retries` for
            // the workers as well.
            restart: self.restart.or_else(|| defaults.restart.clone().filter(|_| !is_job)),
            retries: self.retries.or_else(|| defaults.retries.clone().filter(|_| is_job || is_worker)),
            inputs: self.inputs.or_else(|| defaults.inputs.clone().filter(|_| is_job)),
            backoff: self.backoff.over(&defaults.backoff),
            breaker: BreakerDraft {
                failures: self.breaker.failures.or_else(|| defaults.breaker.failures.clone().filter(|_| !is_job)),
                within: self.breaker.within.or_else(|| defaults.breaker.within.clone().filter(|_| !is_job)),
                cooldown: self.breaker.cooldown.or_else(|| defaults.breaker.cooldown.clone().filter(|_| !is_job)),
            },
            stop: self.stop.over(&defaults.stop),
            worker: self.worker.over(&defaults.worker, is_worker),
            replicas: self.replicas.or_else(|| defaults.replicas.clone()),
            autostart: self.autostart.or_else(|| defaults.autostart.clone()),
            profiles: self.profiles.or_else(|| defaults.profiles.clone()),
            group,
            url: self.url.or_else(|| defaults.url.clone()),
            watch: self.watch.or_else(|| defaults.watch.clone()),
            ignore: self.ignore.or_else(|| defaults.ignore.clone()),
            debounce: self.debounce.or_else(|| defaults.debounce.clone()),
            on_change: self.on_change.or_else(|| defaults.on_change.clone()),
            view: self.view.or_else(|| defaults.view.clone()),
        }
    }

    /// What it is.
    pub(super) fn kind(&self) -> Kind {
        self.kind.as_ref().map_or(Kind::default(), |kind| *kind.get_ref())
    }

    /// All commands, each with the place of the value.
    pub(super) fn commands(&self) -> Vec<(&RunCommand, Range<usize>)> {
        let ready = self.ready.as_ref().and_then(|ready| match &ready.get_ref().probe {
            Probe::Cmd(command) => Some((command, ready.span())),
            _ => None,
        });
        let alive = self.alive.as_ref().and_then(|alive| match &alive.get_ref().check.probe {
            AliveProbe::Cmd(command) => Some((command, alive.span())),
            _ => None,
        });
        let commands = [
            self.run.as_ref().map(|run| (run.get_ref(), run.span())),
            self.validate.as_ref().map(|validate| (&validate.get_ref().run, validate.span())),
            self.stop.command.as_ref().map(|command| (command.get_ref(), command.span())),
            ready,
            alive,
        ];
        commands.into_iter().flatten().collect()
    }

    /// The texts that the shell reads, each with the place of the value.
    pub(super) fn shell_texts(&self) -> Vec<(&str, Range<usize>)> {
        let texts = self.commands().into_iter().filter_map(|(command, span)| match command {
            RunCommand::Shell(text) => Some((text.as_str(), span)),
            RunCommand::Argv(_) => None,
        });
        let on_change = self.on_change.as_ref().and_then(|on_change| match on_change.get_ref() {
            OnChange::Run(text) => Some((text.as_str(), on_change.span())),
            _ => None,
        });
        texts.chain(on_change).collect()
    }

    /// Where the values stand that a start puts variables into.
    pub(super) fn value_places(&self) -> Vec<(String, Range<usize>)> {
        let keys = [
            ("the command", self.run.as_ref().map(Spanned::span)),
            ("dir", self.dir.as_ref().map(Spanned::span)),
            ("env_file", self.env_files.as_ref().map(Spanned::span)),
            ("ready", self.ready.as_ref().map(Spanned::span)),
            ("alive", self.alive.as_ref().map(Spanned::span)),
            ("validate", self.validate.as_ref().map(Spanned::span)),
            ("stop", self.stop.command.as_ref().map(Spanned::span)),
            ("url", self.url.as_ref().map(Spanned::span)),
        ];
        let keys = keys.into_iter().filter_map(|(key, span)| Some((key.to_owned(), span?)));
        keys.chain(self.env.iter().map(|(name, value)| (format!("env.{name}"), value.span()))).collect()
    }

    /// The service, with the defaults of `ServiceSpec::new` for what nobody says. `kind_of` tells the kind of the others.
    pub(super) fn finish(
        mut self,
        name: &ServiceName,
        place: &Place<'_>,
        debounce: Duration,
        kind_of: &dyn Fn(&ServiceName) -> Kind,
    ) -> ServiceSpec {
        let plain = |patterns: Vec<Spanned<SpecPattern>>| patterns.into_iter().map(Spanned::into_inner).collect();
        let worker = worker::take_spec(&mut self);
        // Without a command there is an error, and the group is never handed out; or it is a remote worker.
        let run = or(self.run, RunCommand::Shell(String::new()));
        let usual = ServiceSpec::new(name.clone(), run, place.root.clone());
        let main = self.port.map(|port| Port::new(None, port.into_inner(), 0));
        let named = self.ports.map(Spanned::into_inner).unwrap_or_default();
        let named = named.into_iter().map(|(name, port)| Port::new(Some(name), port.into_inner(), 0));
        let ports = main.into_iter().chain(named).collect();
        ServiceSpec {
            kind: or(self.kind, usual.kind),
            dir: or(self.dir, usual.dir),
            env: self.env.into_iter().map(|(name, value)| (name, value.into_inner())).collect(),
            env_files: or(self.env_files, usual.env_files),
            ports,
            depends_on: self
                .depends_on
                .unwrap_or_default()
                .into_iter()
                .map(|entry| {
                    let (on, until) = entry.into_inner();
                    let default = || match kind_of(&on) {
                        Kind::Job => Condition::Done,
                        Kind::Service => Condition::Ready,
                        Kind::Worker => Condition::Started,
                    };
                    Dependency { until: until.unwrap_or_else(default), on }
                })
                .collect(),
            alive: self.alive.map(|alive| alive.into_inner().finish(self.ready.is_some())),
            limits: Limits { memory: self.memory_limit.map(Spanned::into_inner) },
            validate: self.validate.map(Spanned::into_inner),
            cascade: or(self.cascade, usual.cascade),
            ready: self.ready.map(Spanned::into_inner),
            restart: or(self.restart, usual.restart),
            retries: or(self.retries, usual.retries),
            schedule: schedule::joined(self.schedule, self.timezone, self.run_on_start),
            inputs: self.inputs.map(|inputs| plain(inputs.into_inner())).unwrap_or_default(),
            backoff: self.backoff.finish(usual.backoff),
            breaker: self.breaker.finish(usual.breaker),
            stop: self.stop.finish(usual.stop),
            worker,
            replicas: self.replicas.map(Spanned::into_inner),
            autostart: or(self.autostart, usual.autostart),
            profiles: or(self.profiles, usual.profiles),
            group: self.group.map(Spanned::into_inner),
            url: self.url.map(Spanned::into_inner),
            watch: match or(self.watch, Watched::Off) {
                Watched::Off => WatchFiles::Off,
                Watched::All { line, file } => WatchFiles::All { line, file },
                Watched::Globs(globs) => WatchFiles::Globs(plain(globs)),
            },
            ignore: plain(self.ignore.unwrap_or_default()),
            debounce: or(self.debounce, debounce),
            on_change: or(self.on_change, usual.on_change),
            view: or(self.view, usual.view),
            file: place.name(),
            ..usual
        }
    }
}

impl BackoffDraft {
    fn over(self, defaults: &Self) -> Self {
        Self {
            initial: self.initial.or_else(|| defaults.initial.clone()),
            factor: self.factor.or_else(|| defaults.factor.clone()),
            max: self.max.or_else(|| defaults.max.clone()),
            reset_after: self.reset_after.or_else(|| defaults.reset_after.clone()),
        }
    }

    pub(super) fn finish(self, usual: Backoff) -> Backoff {
        Backoff {
            initial: or(self.initial, usual.initial),
            factor: or(self.factor, usual.factor),
            max: or(self.max, usual.max),
            reset_after: or(self.reset_after, usual.reset_after),
        }
    }
}

impl BreakerDraft {
    fn finish(self, usual: Breaker) -> Breaker {
        Breaker {
            failures: or(self.failures, usual.failures),
            within: or(self.within, usual.within),
            cooldown: or(self.cooldown, usual.cooldown),
        }
    }
}

impl StopDraft {
    fn over(self, defaults: &Self) -> Self {
        Self {
            signal: self.signal.or_else(|| defaults.signal.clone()),
            grace: self.grace.or_else(|| defaults.grace.clone()),
            command: self.command.or_else(|| defaults.command.clone()),
            leader_only: self.leader_only.or_else(|| defaults.leader_only.clone()),
        }
    }

    fn finish(self, usual: StopSpec) -> StopSpec {
        StopSpec {
            signal: or(self.signal, usual.signal),
            grace: or(self.grace, usual.grace),
            command: self.command.map(Spanned::into_inner),
            leader_only: or(self.leader_only, usual.leader_only),
        }
    }
}

impl AliveDraft {
    /// Where nothing tells that the service is ready, the check waits for its start by itself.
    fn finish(self, has_ready: bool) -> AliveCheck {
        let waits_for_the_start = !has_ready && !self.check.probe.is_heartbeat();
        let usual = if waits_for_the_start { AliveCheck::GRACE } else { Duration::ZERO };
        AliveCheck { grace: self.grace.unwrap_or(usual), ..self.check }
    }
}

fn or<T>(given: Given<T>, default: T) -> T {
    given.map_or(default, Spanned::into_inner)
}
