//! What clients see of the machine.

use std::sync::Arc;

use crate::domain::{
    FailedRun, GoingOn, GroupSnapshot, GroupSpec, Kind, Moment, Outcome, Phase, STARTS_BY_HAND, ServiceName,
    ServiceSnapshot, StartCause, WAITS_FOR_CHANGE, WatchBackend, WatchFiles, WatchSnapshot, WatchState, path_text,
};

use super::Engine;
use super::reconcile::waiting_for;
use super::service::Service;

/// A group of which nothing has been seen yet.
pub(super) fn empty(spec: &GroupSpec) -> GroupSnapshot {
    GroupSnapshot::empty(Arc::clone(&spec.name), file(spec), files(spec))
}

/// The group's file, as rules name it.
pub(super) fn file(spec: &GroupSpec) -> Arc<str> {
    path_text(spec.file.strip_prefix(&spec.root).unwrap_or(&spec.file)).into()
}

/// All files of the group, as rules name them.
pub(super) fn files(spec: &GroupSpec) -> Arc<[Arc<str>]> {
    spec.files.iter().map(|file| Arc::from(path_text(file.strip_prefix(&spec.root).unwrap_or(file)))).collect()
}

impl Engine {
    /// The view of the present state; its `seq` is for the caller to set.
    pub(super) fn view(&self, now: Moment) -> GroupSnapshot {
        let going_on = self.going_on();
        let services = going_on.into_iter().enumerate().map(|(place, going_on)| self.view_service(place, going_on));
        GroupSnapshot {
            seq: 0,
            at: now,
            name: Arc::clone(&self.spec.name),
            file: file(&self.spec),
            files: Arc::clone(&self.files),
            services: services.collect(),
            replicated: self.spec.replicated.as_slice().into(),
            watch: self.view_watch(),
            journal: Arc::clone(self.changes.journal()),
            stopping: self.stopping(),
            file_unread: self.file_is_unread(),
            notice: self.notice.clone(),
            file_problem: self.file_problem.clone(),
            undelivered: self.undelivered.clone(),
            temporary: self.is_temporary(),
        }
    }

    fn view_service(&self, place: usize, going_on: Option<GoingOn>) -> ServiceSnapshot {
        let service = &self.services[place];
        let next_restart = self.changes.waits_until(service.name()).filter(|_| service.wanted);
        let phase = service.shown_phase();
        let next_try = match phase {
            Phase::Retrying { until, .. } | Phase::CrashLoop { until } => Some(until),
            Phase::Blocked { .. }
            | Phase::Queued
            | Phase::Scheduled { .. }
            | Phase::Validating { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Finished(_)
            | Phase::Down => None,
        };
        ServiceSnapshot {
            name: service.name().clone(),
            kind: service.spec.kind,
            instance: service.spec.instance.clone(),
            group: service.labels.group.clone(),
            url: service.labels.url.clone(),
            ports: Arc::clone(&service.labels.ports),
            depends_on: Arc::clone(&service.labels.depends_on),
            inputs: Arc::clone(&service.labels.inputs),
            unchanged: service.run.unchanged.clone(),
            folders: Arc::clone(&service.labels.folders),
            command: Arc::clone(&service.labels.command),
            view: service.spec.view,
            since: if let Phase::Validating { since, .. } = phase { since } else { service.since },
            phase,
            validating: service.validating_since(),
            elsewhere: self.view_elsewhere(place),
            wanted: service.wanted,
            file: Some(&service.spec.file)
                .filter(|file| !file.is_empty() && Some(*file) != self.files.first())
                .cloned(),
            watches: service.watches(),
            watched: service.labels.watched.clone(),
            // A worker has no process of its own.
            pid: service.run.pid.filter(|pid| *pid != 0),
            run: service.run.id,
            up_since: service.run.up_since,
            restarts: service.restarts.counts,
            last_change: service.last_change.clone(),
            last_exit: service.last_exit,
            next_try,
            failed_run: service.failed_run(),
            scheduled: service.spec.schedule.is_some(),
            next_run: service.next_run(),
            held: if service.wanted { self.changes.held(service.name()) } else { 0 },
            pending: self.changes.pending(service.name()),
            stale: service.is_stale(),
            next_restart,
            next_action: service.change_action(),
            going_on,
            begins_anew: service.is_to_begin_anew(),
            reason: self.reason(place, next_restart.is_some()),
            history: Arc::clone(&service.history),
            ends: Arc::clone(&service.ends),
            orders: service.restarts.orders.clone(),
            details: service.run.details.clone(),
            usage: service.run.usage,
            worker: service.run.worker.clone(),
            worker_spec: service.spec.worker.clone(),
            status_text: service.run.status_text.clone(),
        }
    }

    fn view_watch(&self) -> WatchSnapshot {
        let busy = self.changes.busy();
        let watches = self.services.iter().any(Service::watches);
        // The watcher says so as well, once it has begun.
        let backend = if watches { self.watch.backend } else { WatchBackend::Off };
        let state = if self.changes.holds().are_by_hand() {
            WatchState::Paused
        } else if !self.changes.holds().is_empty() {
            WatchState::Held
        } else if backend == WatchBackend::Off {
            WatchState::Off
        } else if busy > 0 {
            WatchState::Busy
        } else {
            WatchState::Watching
        };
        WatchSnapshot {
            state,
            backend,
            directories: self.watch.directories,
            ready: self.watch.ready,
            git_head: self.watch.git_head.clone(),
            problem: self.watch.problem.clone(),
            holds: self.changes.holds().snapshots(),
            held: self.changes.held_in_all(),
            file_held: self.held_file.is_some(),
            busy,
            last_release: self.last_release.as_ref().map(|result| result.to_string().into()),
        }
    }
}

impl Engine {
    /// What the state of a service comes from, and what waits, where the state alone does not say it. `limited`: a change
    /// waits that came right after a start.
    fn reason(&self, place: usize, limited: bool) -> Option<Arc<str>> {
        let service = &self.services[place];
        let limit = limited.then(|| {
            let ((starts, soon), what) = (service.restarts.limit.counted(), service.change_action().plural());
            let (file, line) = match service.restarts.limit.written() {
                Some(written) => (written.to_string(), format!(" · {}", written.ignore_line())),
                None => ("files".into(), String::new()),
            };
            format!("a change is waiting: {file} changed {soon} each of the last {starts} {what}{line}")
        });
        let elsewhere = self.view_elsewhere(place).and_then(|elsewhere| elsewhere.waits_for);
        let state = match &service.phase {
            _ if service.elsewhere.is_some() => elsewhere.map(|text| text.to_string()).or(service.runs_elsewhere()),
            Phase::Blocked { lost: Some(loss), .. } => Some(loss.to_string()),
            Phase::Blocked { on, lost: None } => {
                let unmet = self.unmet(place);
                let on = on.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
                Some(if unmet.is_empty() { format!("waiting for {on} to stop") } else { waiting_for(&unmet) })
            }
            Phase::Queued => self.reason_of_queue(),
            Phase::Starting { .. } | Phase::Running { .. } if !service.restarts.held_up_by.is_empty() => {
                Some(waiting_for(&self.missing(place)))
            }
            Phase::Starting { .. } => {
                let problem = service.problem_of_files().or(service.run.port_taken.as_ref()).map(ToString::to_string);
                problem.or_else(|| service.problem_of_run())
            }
            Phase::Running { .. } => {
                let of_worker = service.run.worker.as_deref().and_then(|worker| worker.reason(service.name()));
                let problem = of_worker.or_else(|| service.problem_of_files().map(|text| text.to_string()));
                problem.or_else(|| service.problem_of_run())
            }
            _ => service.reason(limited),
        };
        let all: Vec<String> = state.into_iter().chain(limit).collect();
        (!all.is_empty()).then(|| all.join(" · ").into())
    }
}

impl Service {
    /// Which failure it is that the next try follows.
    fn failed_run(&self) -> Option<FailedRun> {
        let next = self.restarts.next.as_ref().filter(|_| matches!(self.phase, Phase::Retrying { .. }))?;
        match next.cause {
            StartCause::Crash { attempt: attempt @ 1.., of } => Some(FailedRun::Crash(attempt, of)),
            StartCause::Retry { attempt, of } => Some(FailedRun::Try(attempt, of)),
            _ => None,
        }
    }

    /// It watches files.
    pub(super) fn watches(&self) -> bool {
        self.spec.watch != WatchFiles::Off
    }

    /// What runs is older than its files: these are not valid, a dependency is down, nobody has restarted it, its `on_change`
    /// has failed, or somebody has discarded the changes.
    fn is_stale(&self) -> bool {
        let is_held_up = !self.restarts.held_up_by.is_empty();
        let has_not_seen = self.environment.is_some() || self.discarded.as_ref().is_some_and(|paths| !paths.is_empty());
        self.is_live() && (self.is_refused() || is_held_up || has_not_seen || self.hooks.has_failed())
    }

    /// The files of which a change starts it, for people: `src/**/*.rs, Cargo.toml`.
    pub(super) fn watched_files(&self) -> Arc<str> {
        self.labels.watched.clone().unwrap_or_else(|| "its files".into())
    }

    /// It has failed, and a change of its files would start it.
    pub(super) fn waits_for_change(&self) -> bool {
        self.has_failed_for_good() && self.run.spec.kind == Kind::Service && self.watches()
    }

    /// It is wanted, has failed, and is not tried again by itself.
    fn has_failed_for_good(&self) -> bool {
        matches!(self.phase, Phase::Finished(outcome) if outcome != Outcome::Done) && self.wanted && !self.retired
    }

    /// Of one that does not live: why, where the state does not say it, and what would start it. `limited`: a change that
    /// will start it waits already.
    fn reason(&self, limited: bool) -> Option<String> {
        let exit = self.last_exit.map(|exit| match &self.run.port_taken {
            Some(taken) => format!("{taken} · {exit}"),
            None => exit.to_string(),
        });
        match &self.phase {
            Phase::Retrying { after: Outcome::NotStarted, .. } => {
                let why = self.start_problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default();
                Some(format!("could not start{why}, retrying"))
            }
            Phase::Retrying { .. } => exit.map(|exit| format!("{exit}, retrying")),
            Phase::Scheduled { after: Some(outcome) } => {
                let failure = outcome.failure().map(|failure| failure.to_string());
                failure.map(|failure| format!("the last run failed: {failure}"))
            }
            Phase::CrashLoop { .. } => Some(match exit {
                Some(exit) => format!("too many crashes, last: {exit}"),
                None => "too many crashes".into(),
            }),
            Phase::Finished(Outcome::Done) => self.run.unchanged.as_ref().map(|inputs| format!("{inputs}; r runs it")),
            Phase::Finished(outcome) if self.has_failed_for_good() => {
                let why = match (outcome, &self.run.left_behind) {
                    (Outcome::Daemonized, Some(names)) => {
                        Some(format!("exited, but left {names} running: run it in the foreground"))
                    }
                    (Outcome::NotStarted, _) => self.start_problem.as_ref().map(ToString::to_string),
                    _ => self.last_exit.and_then(|exit| exit.fault).map(|fault| fault.to_string()),
                };
                let why = self.run.port_taken.as_ref().map(ToString::to_string).into_iter().chain(why);
                let next = match (limited, self.watches()) {
                    (true, _) => None,
                    (false, true) => Some(format!("{WAITS_FOR_CHANGE}{} · r restarts", self.watched_files())),
                    (false, false) => Some(format!("{STARTS_BY_HAND}{}", self.name())),
                };
                let all: Vec<String> = why.chain(next).collect();
                (!all.is_empty()).then(|| all.join(" · "))
            }
            _ => None,
        }
    }
}
