//! The variables of the environment that say something else of workers than the file does, and where their tasks are if
//! neither says it. The system that workers come from was set up by these variables alone.

use std::ffi::OsString;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::load::Loaded;
use super::place::clean;
use super::problems::shown;
use super::units;
use super::worker::SHORTEST_HEARTBEAT;
use crate::domain::{GroupSpec, ServiceName, TaskBackend, TaskFolders, WorkerSpec, visible, visible_path};

/// A variable that is set, and what it overrides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskVariable {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What it overrides: `concurrency`.
    pub key: &'static str,
    /// What it was of each worker, or of all of them (no name).
    pub before: Vec<(Option<ServiceName>, String)>,
}

impl fmt::Display for TaskVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key;
        if key.starts_with(['-', '[']) {
            let value = visible(&self.value);
            return write!(
                f,
                "{}={value} is as {key} where a worker alone is run (devgroup --no-tui WORKER)",
                self.name
            );
        }
        write!(f, "{}={} overrides {key}", self.name, visible(&self.value))?;
        for (at, (worker, before)) in self.before.iter().enumerate() {
            let before = visible(before);
            match worker {
                Some(worker) => write!(f, "{}{worker} ({before})", if at == 0 { " of " } else { ", " })?,
                None => write!(f, " ({before})")?,
            }
        }
        Ok(())
    }
}

/// A variable and what it sets.
struct Known {
    name: &'static str,
    key: &'static str,
    sets: Sets,
}

enum Sets {
    Count(RangeInclusive<u32>, fn(&mut WorkerSpec) -> &mut u32),
    /// Seconds, or a duration as in the file; at least this long.
    Time(Duration, fn(&mut WorkerSpec) -> &mut Duration),
    Factor(fn(&mut WorkerSpec) -> &mut f64),
    Folder(fn(&mut TaskFolders) -> &mut PathBuf),
    /// Where the server is, as this machine sees it; only where the file says that there is one.
    Backend,
    /// Something of devgroup itself, where one worker alone is run (`cli/lone_worker.rs`).
    WhereAlone,
}

const fn known(name: &'static str, key: &'static str, sets: Sets) -> Known {
    Known { name, key, sets }
}

/// The variable that programs of NATS know its server by.
const NATS_URL: &str = "NATS_URL";

const HEARTBEAT: &str = "HEARTBEAT_INTERVAL";
const FIRST_WAIT: &str = "INITIAL_RETRY_DELAY";

const KNOWN: [Known; 18] = [
    known(
        "MAX_CONCURRENT_TASKS",
        "concurrency",
        Sets::Count(1..=WorkerSpec::MOST_AT_ONCE, |spec| &mut spec.concurrency),
    ),
    known("TASK_TIMEOUT", "timeout", Sets::Time(Duration::from_millis(1), |spec| &mut spec.timeout)),
    known(HEARTBEAT, "heartbeat", Sets::Time(SHORTEST_HEARTBEAT, |spec| &mut spec.heartbeat)),
    known("MAX_RETRIES", "retries", Sets::Count(0..=u32::MAX, |spec| &mut spec.retries)),
    known("RETRY_BACKOFF", "backoff.factor", Sets::Factor(|spec| &mut spec.backoff.factor)),
    known(FIRST_WAIT, "backoff.initial", Sets::Time(Duration::ZERO, |spec| &mut spec.backoff.initial)),
    known(
        "CIRCUIT_BREAKER_THRESHOLD",
        "breaker.failures",
        Sets::Count(1..=u32::MAX, |spec| &mut spec.breaker.failures),
    ),
    known("CIRCUIT_BREAKER_TIMEOUT", "breaker.cooldown", Sets::Time(Duration::ZERO, |spec| &mut spec.breaker.cooldown)),
    known("TASK_DIR", "the folder of tasks", Sets::Folder(|folders| &mut folders.tasks)),
    known("TRIGGER_DIR", "the folder of triggers", Sets::Folder(|folders| &mut folders.triggers)),
    known("RESULT_DIR", "the folder of results", Sets::Folder(|folders| &mut folders.results)),
    known("HEARTBEAT_DIR", "the folder of heartbeats", Sets::Folder(|folders| &mut folders.heartbeats)),
    known("DLQ_DIR", "the folder of dead letters", Sets::Folder(|folders| &mut folders.dlq)),
    known(NATS_URL, "backend of [tasks]", Sets::Backend),
    known("LOG_LEVEL", "--log-level", Sets::WhereAlone),
    known("LOG_FORMAT", "--log-format", Sets::WhereAlone),
    known("ENABLE_METRICS", "[metrics]", Sets::WhereAlone),
    known("METRICS_PORT", "[metrics] port", Sets::WhereAlone),
];

impl Loaded {
    /// The group as it is in this environment. Only where a service is a worker is anything asked: `variable` for variables,
    /// `state_folder` for the group's own folder, which holds the tasks if the file does not say where they are.
    ///
    /// # Errors
    /// A variable has a value that cannot be used, or there is no folder for tasks; warnings included.
    pub fn in_environment(
        mut self,
        variable: &dyn Fn(&str) -> Option<OsString>,
        state_folder: &dyn Fn(&GroupSpec) -> Result<PathBuf, String>,
    ) -> Result<Self, Diagnostics> {
        let worker = |spec: &GroupSpec| {
            spec.services.iter().find_map(|service| Some((service.name.clone(), service.worker.clone()?)))
        };
        let Some((name, first)) = worker(&self.spec) else { return Ok(self) };
        let mut problems = Vec::new();
        if first.folders == TaskFolders::below(PathBuf::new()) {
            match state_folder(&self.spec) {
                Ok(folder) => {
                    change_all(&mut self.spec, |spec| spec.folders = TaskFolders::below(folder.join("shared")))
                }
                Err(reason) => {
                    let problem =
                        Diagnostic::error("tasks", format!("there is no folder for the tasks of workers: {reason}"));
                    let header = self.places.headers.get(&name).cloned().unwrap_or_default();
                    problems.push(problem.at(header, "a worker").help("[tasks]\ndir = \"shared\""));
                }
            }
        }
        for known in &KNOWN {
            // An empty one is as none: files for containers pass variables on like this.
            let Some(value) = variable(known.name).filter(|value| !value.is_empty()) else { continue };
            if matches!(known.sets, Sets::Backend) && !has_backend(&self.spec) {
                continue;
            }
            match known.apply(&value, &mut self.spec) {
                Ok(found) => self.task_variables.push(found),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            return Ok(self);
        }
        self.warnings.extend(problems);
        Err(self.warnings)
    }
}

impl Known {
    /// Puts the value into all workers that it is about.
    fn apply(&self, value: &OsString, spec: &mut GroupSpec) -> Result<TaskVariable, Diagnostic> {
        let text = value.to_string_lossy().into_owned();
        let mut found = TaskVariable { name: self.name, value: text.clone(), key: self.key, before: Vec::new() };
        match &self.sets {
            Sets::WhereAlone => {}
            Sets::Backend => {
                // It may hold a password.
                let backend = TaskBackend::parse(text.trim())
                    .ok_or_else(|| self.wrong("…", "the address of a NATS server, such as nats://127.0.0.1:4222"))?;
                found.value = backend.to_string();
                let mut before = None;
                change_all(spec, |worker| {
                    if worker.backend.is_some() {
                        before = worker.backend.replace(backend.clone());
                    }
                });
                found.before.extend(before.map(|before| (None, before.to_string())));
            }
            Sets::Count(range, of) => {
                let count = text.trim().parse().ok().filter(|count: &u32| range.contains(count));
                let count = count.ok_or_else(|| self.wrong(&text, &whole_number(range)))?;
                self.each(spec, &mut found, |worker| std::mem::replace(of(worker), count).to_string());
            }
            Sets::Time(least, of) => {
                let time = seconds(text.trim()).filter(|time| time >= least);
                let time = time.ok_or_else(|| {
                    self.wrong(&text, &format!("a time, as in 10 (seconds) or 5m{}", at_least(*least)))
                })?;
                self.each(spec, &mut found, |worker| format!("{:?}", std::mem::replace(of(worker), time)));
                self.fits_the_longest_wait(&text, spec)?;
            }
            Sets::Factor(of) => {
                let factor = text.trim().parse().ok().filter(|factor: &f64| factor.is_finite() && *factor >= 1.0);
                let factor = factor.ok_or_else(|| {
                    self.wrong(&text, "a number, at least 1: each wait is so many times the one before")
                })?;
                self.each(spec, &mut found, |worker| std::mem::replace(of(worker), factor).to_string());
            }
            Sets::Folder(of) => {
                let folder = clean(&spec.root.join(value));
                if folder.exists() && !folder.is_dir() {
                    return Err(self.wrong(&text, "a folder"));
                }
                let mut before = None;
                change_all(spec, |worker| {
                    before = Some(std::mem::replace(of(&mut worker.folders), folder.clone()));
                });
                found.before.extend(before.map(|before| (None, visible_path(&before).into_owned())));
            }
        }
        Ok(found)
    }

    /// Of a remote worker, only its heartbeat is followed.
    fn each(&self, spec: &mut GroupSpec, found: &mut TaskVariable, mut set: impl FnMut(&mut WorkerSpec) -> String) {
        for service in &mut spec.services {
            let service = Arc::make_mut(service);
            let (name, Some(worker)) = (&service.name, &mut service.worker) else { continue };
            if worker.remote && self.name != HEARTBEAT {
                continue;
            }
            found.before.push((Some(name.clone()), set(Arc::make_mut(worker))));
        }
    }

    fn fits_the_longest_wait(&self, text: &str, spec: &GroupSpec) -> Result<(), Diagnostic> {
        let mut workers = spec.services.iter().filter_map(|service| Some((&service.name, service.worker.as_ref()?)));
        match workers.find(|(_, worker)| worker.backoff.initial > worker.backoff.max) {
            Some((name, worker)) if self.name == FIRST_WAIT => {
                Err(self
                    .wrong(text, &format!("at most `max` in `backoff` of {name}, which is {:?}", worker.backoff.max)))
            }
            _ => Ok(()),
        }
    }

    fn wrong(&self, text: &str, must_be: &str) -> Diagnostic {
        let message = format!("the variable {} is `{}`; it must be {must_be}", self.name, shown(text));
        Diagnostic::error("task-variable", message)
            .help(format!("it overrides {} of the workers in this file: set it right, or unset it", self.key))
    }
}

/// Whether the file says that tasks go through a server.
fn has_backend(spec: &GroupSpec) -> bool {
    let mut workers = spec.services.iter().filter_map(|service| service.worker.as_ref());
    workers.any(|worker| worker.backend.is_some())
}

fn change_all(spec: &mut GroupSpec, mut change: impl FnMut(&mut WorkerSpec)) {
    for service in &mut spec.services {
        if service.worker.is_some()
            && let Some(worker) = &mut Arc::make_mut(service).worker
        {
            change(Arc::make_mut(worker));
        }
    }
}

/// Seconds, as the old system had them, or a duration with its unit.
fn seconds(text: &str) -> Option<Duration> {
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    units::duration(&if is_plain { format!("{text}s") } else { text.to_owned() }).ok()
}

fn at_least(least: Duration) -> String {
    match least {
        Duration::ZERO => String::new(),
        least if least < SHORTEST_HEARTBEAT => ", longer than 0".into(),
        least => format!(", at least {least:?}"),
    }
}

fn whole_number(range: &RangeInclusive<u32>) -> String {
    match *range.end() {
        u32::MAX => format!("a whole number, at least {}", range.start()),
        end => format!("a whole number from {} to {end}", range.start()),
    }
}
