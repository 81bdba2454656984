//! What the details of a worker say of its tasks: what it does, its limits, its folders.

use super::super::glyphs::Glyphs;
use crate::domain::{
    BreakerState, Moment, ServiceSnapshot, WorkerHealth, WorkerSnapshot, WorkerSpec, count, human, visible_path,
};

/// Tells of a worker; nothing of any other service.
pub(super) fn tell(service: &ServiceSnapshot, now: Moment, glyphs: &Glyphs, fact: &mut impl FnMut(&str, String)) {
    let dot = format!(" {} ", glyphs.dot);
    let Some(spec) = service.worker_spec.as_deref() else { return };
    if let Some(worker) = service.working() {
        fact("tasks", tasks(worker, &dot));
        fact("breaker", breaker(worker, spec, now, &dot));
        let state = match worker.health {
            WorkerHealth::Healthy => "healthy",
            WorkerHealth::Degraded => "degraded",
            WorkerHealth::Unhealthy => "unhealthy",
            WorkerHealth::Stopped => "stopped",
        };
        let state = if worker.lost { "lost" } else { state };
        fact("heartbeat", format!("{state}{dot}every {}", round(spec.heartbeat)));
        let stats = worker.stats;
        let all = [
            format!("{} completed", stats.processed),
            count(stats.failed, "failed try"),
            format!("{} retried", stats.retried),
            count(stats.dead, "dead letter"),
        ];
        fact("so far", all.join(&dot));
    } else if let Some(worker) = service.resting() {
        fact("tasks", tasks(worker, &dot));
    }
    fact("limits", if spec.remote { "set where it runs".to_owned() } else { limits(spec, &dot) });
    let name = &service.name;
    let folders = &spec.folders;
    for (what, path) in [
        ("queue", folders.queue(name)),
        ("results", folders.results.join(name.as_str())),
        ("dead letters", folders.dlq.join(name.as_str())),
    ] {
        fact(what, visible_path(&path).into_owned());
    }
}

/// `2 of 3 running · 14 waiting · 1 dead · 3 blocked · 1 retrying`.
fn tasks(worker: &WorkerSnapshot, dot: &str) -> String {
    let running = worker.works_here().then(|| format!("{} of {} running", worker.active, worker.concurrency));
    let always = [(worker.waiting, "waiting"), (worker.dead, "dead")].into_iter();
    let some = [(worker.blocked, "blocked"), (worker.retrying, "retrying")].into_iter().filter(|(count, _)| *count > 0);
    let counts = always.chain(some).map(|(count, word)| format!("{count} {word}"));
    running.into_iter().chain(counts).collect::<Vec<_>>().join(dot)
}

/// `closed · opens for 60s after 5 failed tries in a row`.
fn breaker(worker: &WorkerSnapshot, spec: &WorkerSpec, now: Moment, dot: &str) -> String {
    match worker.breaker {
        BreakerState::Closed if spec.remote => "closed".to_owned(),
        BreakerState::Closed => {
            let failures = count(spec.breaker.failures, "failed try");
            format!("closed{dot}opens for {} after {failures} in a row", round(spec.breaker.cooldown))
        }
        BreakerState::Open { until } => format!("open{dot}tests one task in {}", human(until.since(now))),
        BreakerState::HalfOpen => format!("half-open{dot}tests one task"),
    }
}

/// `3 tasks at once · 10m per try · 3 retries after 1s to 5m`.
fn limits(spec: &WorkerSpec, dot: &str) -> String {
    let retries = match spec.retries {
        0 => "no retries".to_owned(),
        number => {
            let first = round(spec.backoff.initial);
            // Waits grow from one to the next.
            let wait = if number == 1 { first } else { format!("{first} to {}", round(spec.backoff.max)) };
            format!("{} after {wait}", count(number, "retry"))
        }
    };
    [format!("{} at once", count(spec.concurrency, "task")), format!("{} per try", round(spec.timeout)), retries]
        .join(dot)
}

/// A time that somebody chose, without what is zero: `1s`, `10m`, `1h`.
fn round(time: std::time::Duration) -> String {
    let text = human(time);
    let round = [" 0s", " 0m", " 0h"].into_iter().find_map(|zero| text.strip_suffix(zero));
    match (round, text.strip_suffix(".0s")) {
        (Some(round), _) => round.to_owned(),
        (None, Some(seconds)) => format!("{seconds}s"),
        (None, None) => text,
    }
}
