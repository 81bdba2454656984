//! `kind = "worker"`: the keys of its own, those that it cannot have, and `[tasks]`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::diagnostic::Diagnostic;
use super::draft::{BackoffDraft, Draft, Given, StopDraft};
use super::group::Named;
use super::place::Place;
use super::problems::{Fields, Problems, Slot, as_key, shown};
use crate::domain::{Kind, TaskBackend, TaskBreaker, TaskFolders, WorkerSpec};

/// More often it would only write.
pub(super) const SHORTEST_HEARTBEAT: Duration = Duration::from_millis(100);

/// Folders of `triggers/` and `dlq/` that are no worker's.
const TAKEN_NAMES: [&str; 2] = ["orchestrator", "unrouted"];

/// The keys that only a worker has.
#[derive(Clone, Debug, Default)]
pub(super) struct WorkerDraft {
    pub(super) concurrency: Given<u32>,
    pub(super) timeout: Given<Duration>,
    pub(super) heartbeat: Given<Duration>,
    pub(super) remote: Given<bool>,
}

/// Reads them from the table of a service, or `[defaults]`.
pub(super) fn read(fields: &Fields<'_, '_>, problems: &mut Problems) -> WorkerDraft {
    WorkerDraft {
        concurrency: fields.read_value("concurrency", problems, |slot| slot.whole(1..=WorkerSpec::MOST_AT_ONCE)),
        timeout: fields.read_value("timeout", problems, Slot::some_duration),
        heartbeat: fields.read_value("heartbeat", problems, heartbeat),
        remote: fields.read_value("remote", problems, Slot::boolean),
    }
}

fn heartbeat(slot: Slot<'_, '_>) -> Result<Duration, Diagnostic> {
    let every = slot.some_duration()?;
    if every < SHORTEST_HEARTBEAT {
        return Err(Diagnostic::error("range", format!("{} must be at least 100ms", slot.what()))
            .at(slot.span(), "too often")
            .help("heartbeat = \"10s\""));
    }
    Ok(every)
}

/// `dir` of `[tasks]`, absolute. It need not be there yet.
pub(super) fn tasks_dir(slot: Slot<'_, '_>, place: &Place<'_>) -> Result<PathBuf, Diagnostic> {
    let written = slot.word()?;
    let problem = |message: String, label: &str| Diagnostic::error("dir", message).at(slot.span(), label);
    if written.contains("${") {
        return Err(problem(format!("{} cannot hold a variable", slot.what()), "devgroup expands nothing here")
            .help("write the folder itself, or set TASK_DIR, RESULT_DIR and so on: devgroup help workers"));
    }
    if written == "~" || written.starts_with("~/") {
        return Err(problem(format!("{} begins with `~`", slot.what()), "only a shell knows what this means")
            .help("write the whole path: \"/home/…\""));
    }
    let path = place.path(slot)?;
    match path.metadata() {
        Ok(found) if !found.is_dir() => Err(problem(format!("`{}` is not a folder", shown(written)), "this is a file")
            .help("`dir` is the folder for tasks/, results/ and so on")),
        _ => Ok(path),
    }
}

/// `backend` of `[tasks]`.
pub(super) fn tasks_backend(slot: Slot<'_, '_>) -> Result<TaskBackend, Diagnostic> {
    let written = slot.word()?;
    let problem = |message: String, label: &str| Diagnostic::error("backend", message).at(slot.span(), label);
    let Some(backend) = TaskBackend::parse(written) else {
        let message = format!("{} is not the address of a NATS server", slot.what());
        return Err(
            problem(message, "nats://HOST:PORT, or tls://HOST:PORT").help("backend = \"nats://127.0.0.1:4222\"")
        );
    };
    if !cfg!(feature = "nats") {
        let message = format!("{} needs the feature `nats`, which this devgroup was built without", slot.what());
        return Err(problem(message, "tasks through a NATS server")
            .help("build it with the feature: cargo install devgroup --features nats\nor remove the key: tasks stay in the folders of this machine"));
    }
    Ok(backend)
}

impl WorkerDraft {
    /// What this says, and where it says nothing, what `defaults` say: to workers alone.
    pub(super) fn over(self, defaults: &Self, is_worker: bool) -> Self {
        if !is_worker {
            return self;
        }
        Self {
            concurrency: self.concurrency.or_else(|| defaults.concurrency.clone()),
            timeout: self.timeout.or_else(|| defaults.timeout.clone()),
            heartbeat: self.heartbeat.or_else(|| defaults.heartbeat.clone()),
            remote: self.remote.or_else(|| defaults.remote.clone()),
        }
    }

    pub(super) fn is_remote(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| *remote.get_ref())
    }

    fn given(&self) -> [(&'static str, Option<Range<usize>>); 4] {
        [
            ("concurrency", self.concurrency.as_ref().map(Spanned::span)),
            ("timeout", self.timeout.as_ref().map(Spanned::span)),
            ("heartbeat", self.heartbeat.as_ref().map(Spanned::span)),
            ("remote", self.remote.as_ref().map(Spanned::span)),
        ]
    }
}

/// `[defaults]` as a worker takes it: without what a worker cannot have. Its own `run` or `remote` is said instead of the
/// other one.
pub(super) fn defaults_for(own: &Draft, defaults: &Draft) -> Draft {
    Draft {
        run: defaults.run.clone().filter(|_| !own.worker.is_remote()),
        worker: WorkerDraft {
            remote: defaults.worker.remote.clone().filter(|_| own.run.is_none()),
            ..defaults.worker.clone()
        },
        ready: None,
        alive: None,
        memory_limit: None,
        validate: None,
        cascade: None,
        restart: None,
        schedule: None,
        timezone: None,
        run_on_start: None,
        inputs: None,
        replicas: None,
        watch: None,
        ignore: None,
        debounce: None,
        on_change: None,
        view: None,
        backoff: BackoffDraft { reset_after: None, ..defaults.backoff.clone() },
        breaker: super::draft::BreakerDraft { within: None, ..defaults.breaker.clone() },
        stop: StopDraft { command: None, ..defaults.stop.clone() },
        ..defaults.clone()
    }
}

/// What the file says of a worker, if it is one. `retries`, `backoff` and `breaker` are about its tasks then, and are taken
/// out: a worker itself is started again as a service is.
pub(super) fn take_spec(draft: &mut Draft) -> Option<Arc<WorkerSpec>> {
    if draft.kind() != Kind::Worker {
        return None;
    }
    // Which folders they are, the whole group says.
    let usual = WorkerSpec::new(TaskFolders::below(PathBuf::new()));
    let (backoff, breaker) = (std::mem::take(&mut draft.backoff), std::mem::take(&mut draft.breaker));
    let worker = std::mem::take(&mut draft.worker);
    let remote = worker.is_remote();
    Some(Arc::new(WorkerSpec {
        concurrency: worker.concurrency.map_or(usual.concurrency, Spanned::into_inner),
        timeout: worker.timeout.map_or(usual.timeout, Spanned::into_inner),
        retries: draft.retries.take().map_or(usual.retries, Spanned::into_inner),
        backoff: backoff.finish(usual.backoff),
        breaker: TaskBreaker {
            failures: breaker.failures.map_or(usual.breaker.failures, Spanned::into_inner),
            cooldown: breaker.cooldown.map_or(usual.breaker.cooldown, Spanned::into_inner),
        },
        heartbeat: worker.heartbeat.map_or(usual.heartbeat, Spanned::into_inner),
        remote,
        folders: usual.folders,
        backend: None,
    }))
}

/// What a worker cannot have, and keys of workers in others.
pub(super) fn check(service: &Named, problems: &mut Problems) {
    match service.draft.kind() {
        Kind::Worker => {
            name(service, problems);
            command(service, problems);
            for Refused { key, span, reason, help } in refused(&service.draft) {
                problems.add(
                    Diagnostic::error(
                        "worker",
                        format!("worker `{}` cannot have `{key}`", shown(service.name.as_str())),
                    )
                    .at(span, reason)
                    .help(help),
                );
            }
        }
        kind => misplaced(service, if kind == Kind::Job { "job" } else { "service" }, problems),
    }
}

/// Its name is the name of folders and files that other programs read.
fn name(service: &Named, problems: &mut Problems) {
    let name = service.name.as_str();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let problem = |label: &str| {
        Diagnostic::error("worker", format!("`{}` is not a valid name for a worker", shown(name)))
            .at(service.header.clone(), label)
    };
    if TAKEN_NAMES.contains(&name) {
        problems.add(
            problem("the task folders have a folder of this name for something else")
                .help(format!("[services.{name}-1]")),
        );
    } else if name.len() > WorkerSpec::LONGEST_NAME {
        problems.add(problem("longer than 64 characters").help("its files have this name: choose a shorter one"));
    } else if !name.chars().all(fits) {
        let better: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
        let better = better.trim_matches('-');
        let problem = problem("only A-Z, a-z, 0-9, `_` and `-`: its files and folders have this name");
        problems.add(if better.is_empty() { problem } else { problem.help(format!("[services.{}]", as_key(better))) });
    }
}

/// Either `run` or `remote = true`.
fn command(service: &Named, problems: &mut Problems) {
    let (draft, name) = (&service.draft, shown(service.name.as_str()));
    match (&draft.run, draft.worker.is_remote()) {
        (None, false) if !draft.run_reported => problems.add(
            Diagnostic::error("missing-run", format!("service `{name}` has no command"))
                .at(service.header.clone(), "a worker needs `run`, or `remote = true`")
                .help("run = [\"claude\", \"-p\", \"${TASK_DESCRIPTION}\"]   or, if somebody else works through its tasks: remote = true"),
        ),
        (Some(run), true) => {
            let remote = draft.worker.remote.as_ref().map(Spanned::span).unwrap_or_default();
            problems.add(
                Diagnostic::error("worker", format!("worker `{name}` has both `run` and `remote = true`"))
                    .at(remote, "somebody else works through its tasks")
                    .at(run.span(), "devgroup runs this for each task")
                    .help("remove one of them"),
            );
        }
        (None, true) => {
            let given = draft.worker.given().into_iter().take(2);
            let given = given.chain([("retries", draft.retries.as_ref().map(Spanned::span))]);
            for (key, span) in given.filter_map(|(key, span)| Some((key, span?))) {
                problems.add(
                    Diagnostic::warning("worker", format!("`{key}` has no effect on the remote worker `{name}`"))
                        .at(span, "devgroup starts no tries of its tasks")
                        .help("remove it; `heartbeat` tells how often its heartbeat is expected"),
                );
            }
        }
        _ => {}
    }
}

/// A key that a worker cannot have.
struct Refused {
    key: &'static str,
    span: Range<usize>,
    reason: &'static str,
    help: &'static str,
}

fn refused(draft: &Draft) -> Vec<Refused> {
    const OF_WATCH: &str = "it belongs to `watch`, which a worker does not have";
    const OF_SCHEDULE: &str = "a task is tried when its file comes";
    const WATCH: &str = "remove it; a new task file is seen at once, whatever is watched";
    const TIMES: &str =
        "a job can add a task at set times: kind = \"job\", schedule = \"@daily\", run = \"devgroup task add NAME …\"";
    const REMOVE: &str = "remove it";
    let ignore = draft.ignore.as_ref().and_then(|ignore| ignore.first()).map(Spanned::span);
    let (backoff, breaker) = (&draft.backoff, &draft.breaker);
    let keys = [
        ("watch", span(&draft.watch), "only task files start a try", WATCH),
        ("ignore", ignore, OF_WATCH, REMOVE),
        ("debounce", span(&draft.debounce), OF_WATCH, REMOVE),
        ("on_change", span(&draft.on_change), OF_WATCH, REMOVE),
        (
            "ready",
            span(&draft.ready),
            "it works as soon as it is started",
            "remove it; what depends on it waits for its start",
        ),
        ("alive", span(&draft.alive), "a try that hangs is ended by `timeout`", "timeout = \"10m\""),
        (
            "restart",
            span(&draft.restart),
            "a worker runs until it is stopped",
            "for tasks that fail: retries = 3, with backoff and breaker",
        ),
        ("view", span(&draft.view), "its tries have no terminal: its pane shows their lines", REMOVE),
        ("cascade", span(&draft.cascade), "no file change restarts a worker, so nothing follows it", REMOVE),
        (
            "validate",
            span(&draft.validate),
            "each try is started anew, and replaces nothing",
            "to build first, make it a job, and write depends_on = [\"its name\"] here",
        ),
        ("schedule", span(&draft.schedule), OF_SCHEDULE, TIMES),
        ("timezone", span(&draft.timezone), OF_SCHEDULE, TIMES),
        ("run_on_start", span(&draft.run_on_start), OF_SCHEDULE, TIMES),
        ("inputs", span(&draft.inputs), "it is for jobs: a worker has no last success", REMOVE),
        ("replicas", span(&draft.replicas), "its tries run side by side already", "concurrency = 3"),
        (
            "limits",
            span(&draft.memory_limit),
            "a worker has no process of its own that could be restarted",
            "limit each try in `run`: run = \"ulimit -v 4000000; exec …\"",
        ),
        (
            "stop.command",
            span(&draft.stop.command),
            "it could not know which of the tries to end",
            "stop = { signal = \"TERM\", grace = \"5s\" } is for each try",
        ),
        ("backoff.reset_after", span(&backoff.reset_after), "each task counts its own tries", REMOVE),
        (
            "breaker.within",
            span(&breaker.within),
            "only failed tries in a row count, however long they take",
            "breaker = { failures = 5, cooldown = \"60s\" }",
        ),
    ];
    let given =
        keys.into_iter().filter_map(|(key, span, reason, help)| Some(Refused { key, span: span?, reason, help }));
    given.collect()
}

fn span<T>(given: &Given<T>) -> Option<Range<usize>> {
    given.as_ref().map(Spanned::span)
}

/// Keys of workers in a service or a job.
fn misplaced(service: &Named, kind: &'static str, problems: &mut Problems) {
    for (key, span) in service.draft.worker.given().into_iter().filter_map(|(key, span)| Some((key, span?))) {
        let instead = match key {
            "concurrency" if kind == "service" => "for several instances of a service: replicas = 3\n",
            "timeout" => {
                "each of these has its own: ready = { …, timeout = \"30s\" }, alive = { … }, validate = { … }, stop = { grace = \"5s\" }\n"
            }
            "heartbeat" if kind == "service" => {
                "for a file that the service keeps writing: alive = { file = \"tmp/beat\", max_age = \"120s\" }\n"
            }
            _ => "",
        };
        problems.add(
            Diagnostic::error("worker", format!("{kind} `{}` has `{key}`, which is for workers", service.name))
                .at(span, format!("a {kind} works through no tasks"))
                .help(format!("{instead}to work through task files: kind = \"worker\"")),
        );
    }
}

/// `[tasks]` says where the tasks of workers are.
pub(super) fn check_tasks(tasks: &Range<usize>, services: &[Named], problems: &mut Problems) {
    if services.iter().all(|service| service.draft.kind() != Kind::Worker) {
        problems.add(
            Diagnostic::warning("tasks", "`[tasks]` has no effect: no service is a worker")
                .at(tasks.clone(), "the folder of the workers' tasks")
                .help("[services.NAME]\nkind = \"worker\"\nrun = [\"program\", \"${TASK_DESCRIPTION}\"]"),
        );
    }
}
