//! The state of a group as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::worker_status::Worker;
use crate::clock::Clock;
use crate::domain::{
    ExitStatus, GroupSnapshot, Instance, Kind, Moment, Replicated, Roster, ServiceName, ServiceSnapshot, WatchBackend,
    WatchState, without_keys, without_secrets,
};

/// The state of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of this shape: 1. Keys are only ever added.
    pub version: u32,
    /// The name of the group.
    pub project: String,
    /// The process that runs it.
    pub pid: u32,
    /// Since when it runs. RFC 3339 UTC.
    #[serde(default)]
    pub started_at: String,
    /// It is being stopped.
    pub stopping: bool,
    /// Why the `procgroup.toml` on disk is not in force, with the remedy. What was read before is.
    #[serde(default)]
    pub file_problem: Option<String>,
    /// What the watcher does.
    pub watch: Watch,
    /// In the order of the file.
    pub services: Vec<Service>,
    /// How many instances each service with `replicas` is to have, by its name.
    #[serde(default)]
    pub replicas: BTreeMap<String, u32>,
    /// All files that it is read from, relative to the folder of its own, which is the first.
    #[serde(default)]
    pub files: Vec<String>,
    /// It was started by `devgroup run`, and ends with the last run that it is there for.
    #[serde(default)]
    pub temporary: bool,
    /// The last alert that did not reach whom it was for, until one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undelivered_alert: Option<UndeliveredAlert>,
    /// Where its web page is, if that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<String>,
}

/// An alert that did not reach whom it was for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndeliveredAlert {
    /// RFC 3339 UTC.
    pub at: String,
    /// The program that was to be told.
    pub to: String,
    /// Why it was not, for people.
    pub problem: String,
}

/// What the watcher does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// `watching`, `paused`, `held`, `busy`, `off`.
    pub state: String,
    /// Different paths that changed under the present holds.
    pub held: usize,
    /// `procgroup.toml` has changed under them, and is held as well.
    #[serde(default)]
    pub file_held: bool,
    /// What holds changes back now, oldest first.
    pub holds: Vec<Hold>,
    /// `native`, `poll`; nothing if nothing is watched.
    pub backend: Option<String>,
    /// With a watch.
    pub directories: usize,
    /// All files have been listed: until then the watcher does not know what is new.
    #[serde(default)]
    pub ready: bool,
    /// Branch and short commit: `main@3f2c1e`.
    #[serde(default)]
    pub git_head: Option<String>,
    /// What does not work, with the remedy.
    pub problem: Option<String>,
}

/// What holds changes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who: `key`, `git`, `command` (`devgroup hold`), `client` (`devgroup pause`, other programs).
    pub by: String,
    /// What is done meanwhile, for people.
    pub label: String,
    /// RFC 3339 UTC.
    pub since: String,
    /// Whose changes; of all if empty.
    #[serde(default)]
    pub services: Vec<String>,
}

/// The state of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// The key below `[services]`.
    pub name: String,
    /// `service`, `job` or `worker`.
    pub kind: String,
    /// `blocked` (a dependency has failed), `waiting` (for a dependency, or nothing runs and a start waits for its time after
    /// a change), `queued` (`[start] parallel` others are starting), `starting`, `running`, `ready`, `stopping`, `retrying`, `crash-loop`, `done`,
    /// `failed`, `stopped`; of a job with a schedule also `scheduled` and `suspended`; of a worker also `standby` (its folder
    /// belongs to another group), `unhealthy` (it cannot write its files), `remote` (somebody else works its tasks off) and
    /// `lost` (its heartbeat is too old).
    pub state: String,
    /// The leader of its live run.
    pub pid: Option<u32>,
    /// The number of its last run; 0 before the first.
    pub run: u32,
    /// How long its live run has lived.
    pub uptime_ms: Option<u64>,
    /// How often it was restarted, by cause.
    pub restarts: Restarts,
    /// The last file that changed for it.
    pub last_change: Option<Change>,
    /// How its last run ended.
    pub last_exit: Option<Exit>,
    /// When it is tried again by itself.
    pub next_try_at: Option<String>,
    /// When changes are acted on that have come right after a start, as others before. What runs goes on until then.
    pub next_restart_at: Option<String>,
    /// When it runs next by its schedule.
    #[serde(default)]
    pub next_run_at: Option<String>,
    /// What its state comes from, or what is waited for, where the state alone does not say it: `waiting for a change`.
    pub reason: Option<String>,
    /// It restarts when certain files change.
    #[serde(default)]
    pub watches: bool,
    /// Changes that a hold keeps from it.
    pub held: usize,
    /// `validate` is run: before a start, or beside what runs.
    pub validating: bool,
    /// It runs on although its files have changed: what they became is not valid, or a dependency is down.
    pub stale: bool,
    /// Of a job with `inputs`.
    #[serde(default)]
    pub inputs: Option<Inputs>,
    /// The process that runs it in another terminal.
    #[serde(default)]
    pub elsewhere: Option<u32>,
    /// Its page; credentials in it are masked.
    pub url: Option<String>,
    /// The service that it is an instance of.
    #[serde(default)]
    pub instance_of: Option<String>,
    /// Its number among the instances, from 1.
    #[serde(default)]
    pub replica: Option<u32>,
    /// Its `group`.
    #[serde(default)]
    pub group: Option<String>,
    /// Its ports by name: `port` is the one that it knows as `PORT`, the others are those of `ports`.
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
    /// What it says of itself (sd_notify's `STATUS=`), on one line.
    #[serde(default)]
    pub status_text: Option<String>,
    /// What its processes use together, if that was asked for and it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What a worker does with its tasks, from the first news of it on. Of one that has stopped: how it left them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<Worker>,
    /// The file that it stands in, as in `files`.
    #[serde(default)]
    pub file: String,
}

/// The inputs of a job: while these files are as at its last success, it is done without a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The patterns, as the file writes them.
    pub patterns: Vec<String>,
    /// That its last start was not needed.
    pub unchanged: Option<Unchanged>,
}

/// Why a start of a job was not needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchanged {
    /// How many files were compared.
    pub files: usize,
    /// When its last success ended. RFC 3339 UTC.
    pub last_success_at: String,
}

/// What the processes of a service use together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Percent of one core, since the measurement before. Nothing where the system does not tell.
    pub cpu_percent: Option<f64>,
    /// What they have in memory; what they share counts once. Nothing where the system does not tell.
    pub memory_bytes: Option<u64>,
}

/// Restarts by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is a cause, as in `domain::RestartCounts`")]
pub struct Restarts {
    pub change: u32,
    pub crash: u32,
    pub manual: u32,
    pub config: u32,
    pub dependency: u32,
    pub liveness: u32,
    #[serde(default)]
    pub limit: u32,
}

/// A file that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Relative to the root of the group.
    pub path: String,
    /// RFC 3339 UTC.
    pub at: String,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit code.
    pub code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// RFC 3339 UTC.
    pub at: String,
    /// Why that was a failure, where code and signal do not say it: `not ready in 2s`.
    #[serde(default)]
    pub fault: Option<String>,
}

impl Status {
    /// The state as it is sent. `pid`: the process by which the user knows the group.
    pub(super) fn new(group: &GroupSnapshot, pid: u32, clock: Clock) -> Self {
        // For the times that services have been up.
        let now = clock.now();
        let watch = &group.watch;
        let state = match watch.state {
            WatchState::Watching => "watching",
            WatchState::Paused => "paused",
            WatchState::Held => "held",
            WatchState::Busy => "busy",
            WatchState::Off => "off",
        };
        let holds = watch.holds.iter().map(|hold| Hold {
            by: hold.by.word().into(),
            label: hold.label.to_string(),
            since: clock.rfc3339(hold.since),
            services: hold.services.iter().map(ToString::to_string).collect(),
        });
        Self {
            version: super::VERSION,
            project: group.name.to_string(),
            pid,
            started_at: clock.rfc3339(Moment::START),
            stopping: group.stopping.is_some(),
            file_problem: group.file_problem.as_deref().map(|problem| without_secrets(problem).into_owned()),
            files: group.files.iter().map(ToString::to_string).collect(),
            temporary: group.temporary,
            web: None,
            undelivered_alert: group.undelivered.as_ref().map(|undelivered| UndeliveredAlert {
                at: clock.rfc3339(undelivered.at),
                to: undelivered.to.to_string(),
                problem: undelivered.problem.to_string(),
            }),
            watch: Watch {
                state: state.into(),
                held: watch.held,
                file_held: watch.file_held,
                holds: holds.collect(),
                backend: match watch.backend {
                    WatchBackend::Native => Some("native".into()),
                    WatchBackend::Notify => Some("notify".into()),
                    WatchBackend::Poll => Some("poll".into()),
                    WatchBackend::Off => None,
                },
                directories: watch.directories,
                ready: watch.ready,
                git_head: watch.git_head.as_deref().map(Into::into),
                problem: watch.problem.as_deref().map(Into::into),
            },
            services: group.services.iter().map(|service| Service::new(service, &group.file, clock, now)).collect(),
            replicas: group.replicated.iter().map(|one| (one.name.as_str().to_owned(), one.count)).collect(),
        }
    }
}

impl Status {
    /// The same, with what each service used when that was last measured.
    pub(super) fn with_usage(mut self, group: &GroupSnapshot) -> Self {
        for (service, its) in self.services.iter_mut().zip(&group.services) {
            service.usage = its.usage.map(|usage| Usage {
                cpu_percent: usage.cpu.map(|tenths| f64::from(tenths) / 10.0),
                memory_bytes: usage.memory,
            });
        }
        self
    }

    /// With the address of its web page.
    pub(super) fn with_web(self, address: Option<Arc<str>>) -> Self {
        Self { web: address.map(|address| address.to_string()), ..self }
    }

    /// What the group is there for, if it ends with that: ``temporary, for `devgroup run migrate` ``.
    pub fn temporary_for(&self) -> Option<String> {
        let jobs = self.services.iter().filter(|service| service.elsewhere.is_some());
        let runs: Vec<String> = jobs.map(|job| format!("`devgroup run {}`", job.name)).collect();
        let runs = if runs.is_empty() { "`devgroup run`".to_owned() } else { runs.join(", ") };
        self.temporary.then(|| format!("temporary, for {runs}"))
    }

    /// Who was in the group then.
    pub fn roster(&self) -> Roster {
        let names: Vec<(ServiceName, Option<Instance>)> = self
            .services
            .iter()
            .map(|service| {
                let of = service.instance_of.as_ref().map(ServiceName::new);
                let number = service.replica.unwrap_or_default();
                (ServiceName::new(&service.name), of.map(|of| Instance { of, number, count: number }))
            })
            .collect();
        let services = names.iter().zip(&self.services);
        let services = services.map(|((name, instance), service)| (name, instance.as_ref(), service.group.as_deref()));
        let replicated: Vec<Replicated> = self
            .replicas
            .iter()
            .map(|(name, count)| Replicated { name: ServiceName::new(name), group: None, count: *count })
            .collect();
        Roster::new(services, &replicated)
    }

    /// Nothing has happened between the two but that time has passed.
    pub fn is_same_but_for_time(&self, other: &Self) -> bool {
        let timeless = |status: &Self| {
            let mut status = status.clone();
            for service in &mut status.services {
                service.uptime_ms = None;
            }
            status
        };
        timeless(self) == timeless(other)
    }
}

impl Service {
    /// `file`: the group's own.
    fn new(service: &ServiceSnapshot, file: &str, clock: Clock, now: Moment) -> Self {
        let uptime = |since: Moment| u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX);
        let counts = service.restarts;
        Self {
            name: service.name.as_str().to_owned(),
            file: service.file.as_deref().unwrap_or(file).to_owned(),
            kind: match service.kind {
                Kind::Service => "service".into(),
                Kind::Job => "job".into(),
                Kind::Worker => "worker".into(),
            },
            instance_of: service.instance.as_ref().map(|instance| instance.of.as_str().to_owned()),
            replica: service.instance.as_ref().map(|instance| instance.number),
            group: service.group.as_deref().map(Into::into),
            state: service.state().into(),
            pid: service.pid,
            run: service.run.0,
            uptime_ms: service.up_since.map(uptime),
            restarts: Restarts {
                change: counts.change,
                crash: counts.crash,
                manual: counts.manual,
                config: counts.config,
                dependency: counts.dependency,
                liveness: counts.liveness,
                limit: counts.limit,
            },
            last_change: service
                .last_change
                .as_ref()
                .map(|change| Change { path: change.path.to_string(), at: clock.rfc3339(change.at) }),
            last_exit: service.last_exit.map(|exit| {
                let (code, signal) = match exit.status {
                    ExitStatus::Code(code) => (Some(code), None),
                    ExitStatus::Signal(number) => (None, Some(number)),
                };
                Exit { code, signal, at: clock.rfc3339(exit.at), fault: exit.fault.map(|fault| fault.to_string()) }
            }),
            next_try_at: service.next_try.map(|at| clock.rfc3339(at)),
            next_restart_at: service.next_restart.map(|at| clock.rfc3339(at)),
            next_run_at: service.next_run.map(Clock::rfc3339_of),
            reason: service.reason.as_deref().map(|reason| without_keys(reason, service.name.as_str())),
            watches: service.watches,
            held: service.held,
            validating: service.validating.is_some(),
            stale: service.stale,
            inputs: (!service.inputs.is_empty()).then(|| Inputs {
                patterns: service.inputs.iter().map(ToString::to_string).collect(),
                unchanged: service.unchanged.as_ref().map(|unchanged| Unchanged {
                    files: unchanged.files,
                    last_success_at: Clock::rfc3339_of(unchanged.since),
                }),
            }),
            elsewhere: service.elsewhere.as_ref().map(|elsewhere| elsewhere.pid),
            url: service.url.as_deref().map(|url| without_secrets(url).into_owned()),
            status_text: service.status_text.as_deref().map(Into::into),
            usage: None,
            worker: service.worker.as_deref().map(|worker| Worker::new(worker, clock)),
            ports: service.ports.iter().map(|(name, port)| (name.to_string(), *port)).collect(),
        }
    }
}
