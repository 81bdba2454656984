//! `/metrics`: the group in figures, for Prometheus.
//!
//! There is no registry: at a scrape the page is written from the snapshot that all clients see, from the logs, and from what
//! [`Counters`] has counted of the facts. So its figures are those of `status --json` and of the history, a service that is
//! gone or has another name is gone from the page, and nobody who does not ask costs anything. What runs use is measured at a
//! scrape alone.

mod counters;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::{Response, StatusCode};
use tokio::time::timeout;

use super::body::{self, Body};
use super::health::Turns;
use super::site::Site;
use crate::domain::{
    BreakerState, DeadReason, GroupSnapshot, Moment, RestartCounts, ServiceName, ServiceSnapshot, Usage, Verdict,
    WorkerSnapshot,
};
use crate::group_handle::GroupHandle;
pub use counters::Counters;
use counters::{Counts, RESULTS};
use text::{Page, Type};

/// What a scraper is told that it gets.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long a scrape waits for what runs use. It goes on without: a run that is beginning has nothing to tell yet.
const PATIENCE: Duration = Duration::from_millis(500);

/// How old a measurement may be at a scrape.
const FRESH: Duration = Duration::from_secs(1);

/// The statuses of results.
const STATUSES: [&str; 4] = ["completed", "failed", "timeout", "cancelled"];

/// What `app` keeps for this page and for `/health`, beside what every client sees.
#[derive(Clone, Debug, Default)]
pub struct Vitals {
    /// What has happened.
    pub counters: Arc<Counters>,
    /// How the run loop turns.
    pub turns: Arc<Turns>,
}

/// What a page is written from.
struct Source<'s> {
    group: &'s GroupSnapshot,
    counts: &'s BTreeMap<ServiceName, Counts>,
    /// Of each service that has a log: bytes of output, and lines that were dropped.
    logs: BTreeMap<ServiceName, (u64, u64)>,
    longest_turn: Duration,
    /// When it was asked for.
    asked: Moment,
}

/// `GET /metrics`
pub(super) async fn page(site: &Site) -> Response<Body> {
    body::whole(StatusCode::OK, KIND, text_of(site.inside.handle(), &site.vitals).await)
}

/// The page as it is now.
async fn text_of(group: &GroupHandle, vitals: &Vitals) -> String {
    let asked = group.logs().clock().now();
    // One who cannot answer in time is told of without.
    let _ = timeout(PATIENCE, group.measure()).await;
    let snapshot = group.snapshot();
    let log = |service: &ServiceSnapshot| {
        let document = group.logs().get(&service.name)?;
        let dropped = document.read().dropped();
        Some((service.name.clone(), (document.fed(), dropped)))
    };
    let source = Source {
        logs: snapshot.services.iter().filter_map(log).collect(),
        group: &snapshot,
        counts: &vitals.counters.all(),
        longest_turn: vitals.turns.longest(),
        asked,
    };
    source.page()
}

impl<'s> Source<'s> {
    fn page(&self) -> String {
        let mut page = Page::default();
        self.of_group(&mut page);
        self.of_runs(&mut page);
        self.of_logs(&mut page);
        self.of_usage(&mut page);
        self.of_workers(&mut page);
        self.of_tasks(&mut page);
        page.finish()
    }

    fn services(&self) -> impl Iterator<Item = (&'s ServiceName, &'s ServiceSnapshot)> {
        self.group.services.iter().map(|service| (&service.name, service))
    }

    fn workers(&self) -> impl Iterator<Item = (&'s ServiceName, &'s WorkerSnapshot)> {
        self.services().filter_map(|(name, service)| Some((name, service.worker.as_deref()?)))
    }

    fn counts(&self, name: &ServiceName) -> Option<&'s Counts> {
        self.counts.get(name)
    }

    fn of_group(&self, page: &mut Page) {
        let (watch, journal) = (&self.group.watch, &self.group.journal);
        page.metric("devgroup_info", Type::Gauge, "The version of devgroup and the name of the group; always 1.")
            .sample(&[("version", env!("CARGO_PKG_VERSION")), ("project", &*self.group.name)], 1);
        page.metric("devgroup_watched_directories", Type::Gauge, "Directories that the watcher watches, or polls.")
            .sample(&[], watch.directories);
        page.metric("devgroup_held_changes", Type::Gauge, "Different files that changed under the present holds.")
            .sample(&[], watch.held);
        page.metric("devgroup_loop_longest_turn_seconds", Type::Gauge, "The longest turn of the run loop so far.")
            .sample(&[], self.longest_turn.as_secs_f64());
        let help = "File events by verdict; one that comes to a further verdict counts there as well.";
        let mut events = page.metric("devgroup_file_events_total", Type::Counter, help);
        for verdict in Verdict::ALL {
            events.sample(&[("verdict", verdict.to_string().as_str())], journal.judged(verdict));
        }
    }

    fn of_runs(&self, page: &mut Page) {
        let help = "Whether a service is in a state: 1 for the one that it is in, 0 for the others.";
        let mut states = page.metric("devgroup_service_state", Type::Gauge, help);
        for (name, service) in self.services() {
            let now = service.state();
            for state in service.possible_states() {
                states.sample(&[("service", name.as_str()), ("state", state)], u8::from(state == now));
            }
        }
        let help = "Restarts by cause, as in `devgroup status`.";
        let mut restarts = page.metric("devgroup_restarts_total", Type::Counter, help);
        for (name, service) in self.services() {
            for (cause, count) in by_cause(service.restarts) {
                restarts.sample(&[("service", name.as_str()), ("cause", cause)], count);
            }
        }
        let mut exits = page.metric("devgroup_exits_total", Type::Counter, "Runs that are over, by how they ended.");
        for (name, _) in self.services() {
            for result in RESULTS {
                let count = self.counts(name).and_then(|counts| counts.exits.get(result)).copied();
                exits.sample(&[("service", name.as_str()), ("result", result)], count.unwrap_or_default());
            }
        }
        let help = "Time from the start of a run to its readiness.";
        let mut ready = page.metric("devgroup_time_to_ready_seconds", Type::Histogram, help);
        for (name, _) in self.services() {
            if let Some(counts) = self.counts(name) {
                ready.histogram(&[("service", name.as_str())], &counts.ready);
            }
        }
    }

    fn of_logs(&self, page: &mut Page) {
        let mut bytes = page.metric("devgroup_log_bytes_total", Type::Counter, "Bytes that a service has printed.");
        for (name, (fed, _)) in &self.logs {
            bytes.sample(&[("service", name.as_str())], fed);
        }
        let help = "Lines that were dropped from the log of a service, because its memory was full.";
        let mut lines = page.metric("devgroup_log_dropped_lines_total", Type::Counter, help);
        for (name, (_, dropped)) in &self.logs {
            lines.sample(&[("service", name.as_str())], dropped);
        }
    }

    /// What live runs use, if that was measured for this page.
    fn of_usage(&self, page: &mut Page) {
        let is_fresh = |usage: &Usage| self.asked.since(usage.at) < FRESH;
        let measured = |service: &ServiceSnapshot| service.usage.filter(is_fresh).filter(|_| service.can_be_measured());
        let live: Vec<(&str, Usage)> =
            self.services().filter_map(|(name, service)| Some((name.as_str(), measured(service)?))).collect();
        let help = "CPU time of the live run of a service, all its processes together, as far as scrapes have seen it.";
        let mut cpu = page.metric("devgroup_service_cpu_seconds_total", Type::Counter, help);
        for (name, time) in live.iter().filter_map(|(name, usage)| Some((*name, usage.cpu_time?))) {
            cpu.sample(&[("service", name)], time.as_secs_f64());
        }
        let help = "Memory of a service's processes together; what they share counts once.";
        let mut memory = page.metric("devgroup_service_resident_bytes", Type::Gauge, help);
        for (name, bytes) in live.iter().filter_map(|(name, usage)| Some((*name, usage.memory?))) {
            memory.sample(&[("service", name)], bytes);
        }
        let mut processes = page.metric("devgroup_service_processes", Type::Gauge, "Living processes of a service.");
        for (name, count) in live.iter().filter_map(|(name, usage)| Some((*name, usage.processes?))) {
            processes.sample(&[("service", name)], count);
        }
    }

    /// How workers are, by the names that they had before devgroup.
    fn of_workers(&self, page: &mut Page) {
        let mut size = page.metric(
            "watcher_task_queue_size",
            Type::Gauge,
            "Tasks that wait: for a place, a dependency, or their next try.",
        );
        for (name, worker) in self.workers() {
            size.sample(&[("worker", name.as_str())], worker.waiting + worker.blocked + worker.retrying);
        }
        let mut active = page.metric("watcher_active_tasks", Type::Gauge, "Tasks of which a try runs.");
        for (name, worker) in self.workers() {
            active.sample(&[("worker", name.as_str())], worker.active);
        }
        let help = "The circuit breaker: 0 closed, 1 half-open, 2 open.";
        let mut breaker = page.metric("watcher_circuit_breaker_state", Type::Gauge, help);
        for (name, worker) in self.workers() {
            let state = match worker.breaker {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open { .. } => 2,
            };
            breaker.sample(&[("worker", name.as_str())], state);
        }
    }

    /// What has become of tasks since the group began.
    fn of_tasks(&self, page: &mut Page) {
        let help = "Tasks that have a result, by its status, since the group began.";
        let mut processed = page.metric("watcher_tasks_processed_total", Type::Counter, help);
        for (name, _) in self.workers() {
            for status in STATUSES {
                let count = self.counts(name).and_then(|counts| counts.tasks.get(status)).copied();
                processed.sample(&[("worker", name.as_str()), ("status", status)], count.unwrap_or_default());
            }
        }
        let help = "Tasks that became dead letters, by the reason in the letter, since the group began.";
        let mut failed = page.metric("watcher_tasks_failed_total", Type::Counter, help);
        for (name, _) in self.workers() {
            for reason in DeadReason::ALL.map(DeadReason::word) {
                let count = self.counts(name).and_then(|counts| counts.dead.get(reason)).copied();
                failed.sample(&[("worker", name.as_str()), ("reason", reason)], count.unwrap_or_default());
            }
        }
        let help = "How long tries of tasks took that ended by themselves or by their timeout.";
        let mut tries = page.metric("watcher_task_duration_seconds", Type::Histogram, help);
        for (name, _) in self.workers() {
            if let Some(counts) = self.counts(name) {
                tries.histogram(&[("worker", name.as_str())], &counts.tries);
            }
        }
    }
}

/// Each cause and its count, by the words of `status --json`.
fn by_cause(counts: RestartCounts) -> [(&'static str, u32); 7] {
    let RestartCounts { change, crash, manual, config, dependency, liveness, limit } = counts;
    [
        ("change", change),
        ("crash", crash),
        ("manual", manual),
        ("config", config),
        ("dependency", dependency),
        ("liveness", liveness),
        ("limit", limit),
    ]
}

#[cfg(test)]
mod tests;
