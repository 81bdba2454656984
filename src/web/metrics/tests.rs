//! A page as a whole, of a group that was made up.

use crate::domain::{
    ExitStatus, Fact, FactKind, LastExit, Marker, Phase, RestartCounts, RunId, RunRecord, TaskMarker, TaskNews,
    WorkerSnapshot,
};

use super::*;

const NOW: Moment = Moment::from_millis(60_000);

fn service(name: &str, run: u32) -> ServiceSnapshot {
    let phase = Phase::Running { run: RunId(run), since: Moment::START, ready: true };
    ServiceSnapshot { pid: Some(7), ..ServiceSnapshot::blank(name, RunId(run), phase, Moment::START) }
}

/// A group with a service that was measured just now, one that was measured long ago, and a worker.
fn shop() -> GroupSnapshot {
    let usage = |at| {
        Some(Usage {
            memory: Some(3 << 20),
            cpu_time: Some(Duration::from_millis(2_340)),
            processes: Some(2),
            ..Usage::unknown(at)
        })
    };
    let restarts = RestartCounts { change: 7, crash: 2, ..RestartCounts::default() };
    let api = ServiceSnapshot { restarts, usage: usage(NOW), ..service("api", 10) };
    let web = ServiceSnapshot { usage: usage(Moment::from_millis(30_000)), ..service("web", 1) };
    let breaker = BreakerState::Open { until: NOW };
    let worker = Some(Arc::new(WorkerSnapshot { breaker, ..WorkerSnapshot::busy() }));
    let kind = crate::domain::Kind::Worker;
    let marie = ServiceSnapshot { kind, worker, pid: None, ..service("marie", 1) };
    let empty = GroupSnapshot::empty("my \"shop\"".into(), "procgroup.toml".into(), Arc::default());
    GroupSnapshot { services: vec![api, web, marie], ..empty }
}

/// What was told of a group.
fn counters() -> Counters {
    let counters = Counters::default();
    let tell = |service: &str, kind| {
        counters.record(&Fact { at: NOW, service: Some(service.into()), run: Some(RunId(1)), kind });
    };
    let status = ExitStatus::Code(1);
    let exit = LastExit { status, at: NOW, uptime: Duration::ZERO, asked: false, fault: None };
    let record = RunRecord::elsewhere(std::time::SystemTime::UNIX_EPOCH, Duration::ZERO, status);
    for service in ["api", "api", "gone"] {
        tell(service, FactKind::Ended { exit, record: record.clone(), exited: None });
    }
    tell("api", FactKind::Marked(Marker::Ready { after: Duration::from_millis(2_900), restart: true }));
    let id = crate::domain::TaskId::parse("t-1").unwrap();
    let news = TaskNews::Completed { id, took: Duration::from_secs(45) };
    tell("marie", FactKind::Marked(Marker::Task(TaskMarker::News { worker: "marie".into(), news })));
    counters
}

fn page(group: &GroupSnapshot) -> String {
    let counts = counters().all();
    let logs = [("api".into(), (1_234, 5))].into();
    let longest_turn = Duration::from_millis(12);
    Source { group, counts: &counts, logs, longest_turn, asked: NOW }.page()
}

/// The value of a sample, by all that stands before it.
fn value<'p>(page: &'p str, sample: &str) -> Option<&'p str> {
    page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))
}

#[test]
fn the_figures_are_those_of_the_snapshot_and_the_facts() {
    let page = page(&shop());
    let version = env!("CARGO_PKG_VERSION");
    for (sample, expected) in [
        (&*format!(r#"devgroup_info{{version="{version}",project="my \"shop\""}}"#), "1"),
        (r#"devgroup_restarts_total{service="api",cause="change"}"#, "7"),
        (r#"devgroup_restarts_total{service="api",cause="crash"}"#, "2"),
        (r#"devgroup_restarts_total{service="web",cause="liveness"}"#, "0"),
        (r#"devgroup_exits_total{service="api",result="failed"}"#, "2"),
        (r#"devgroup_exits_total{service="api",result="done"}"#, "0"),
        (r#"devgroup_service_state{service="api",state="ready"}"#, "1"),
        (r#"devgroup_service_state{service="api",state="failed"}"#, "0"),
        (r#"devgroup_time_to_ready_seconds_bucket{service="api",le="2.5"}"#, "0"),
        (r#"devgroup_time_to_ready_seconds_bucket{service="api",le="5"}"#, "1"),
        (r#"devgroup_time_to_ready_seconds_sum{service="api"}"#, "2.9"),
        (r#"devgroup_log_bytes_total{service="api"}"#, "1234"),
        (r#"devgroup_log_dropped_lines_total{service="api"}"#, "5"),
        (r#"devgroup_loop_longest_turn_seconds"#, "0.012"),
        (r#"devgroup_file_events_total{verdict="same content"}"#, "0"),
        (r#"devgroup_held_changes"#, "0"),
        (r#"devgroup_watched_directories"#, "0"),
        (r#"devgroup_service_cpu_seconds_total{service="api"}"#, "2.34"),
        (r#"devgroup_service_resident_bytes{service="api"}"#, "3145728"),
        (r#"devgroup_service_processes{service="api"}"#, "2"),
        (r#"watcher_tasks_processed_total{worker="marie",status="completed"}"#, "1"),
        (r#"watcher_tasks_failed_total{worker="marie",reason="invalid_json"}"#, "0"),
        (r#"watcher_task_duration_seconds_bucket{worker="marie",le="60"}"#, "1"),
        (r#"watcher_task_duration_seconds_count{worker="marie"}"#, "1"),
        (r#"watcher_task_queue_size{worker="marie"}"#, "18"),
        (r#"watcher_active_tasks{worker="marie"}"#, "2"),
        (r#"watcher_circuit_breaker_state{worker="marie"}"#, "2"),
    ] {
        assert_eq!(value(&page, sample), Some(expected), "{sample}\n{page}");
    }
}

#[test]
fn who_is_gone_is_not_on_the_page_and_old_measurements_are_not_either() {
    let mut group = shop();
    let before = page(&group);
    assert!(!before.contains("gone"), "{before}");
    assert_eq!(value(&before, r#"devgroup_service_resident_bytes{service="web"}"#), None, "long ago");
    assert_eq!(value(&before, r#"devgroup_service_processes{service="marie"}"#), None, "never");
    group.services.remove(0);
    let after = page(&group);
    // The log goes with the service, by who keeps it.
    assert!(!after.lines().any(|line| line.contains("\"api\"") && !line.starts_with("devgroup_log_")), "{after}");
}

#[test]
fn a_group_without_workers_says_nothing_of_tasks() {
    let mut group = shop();
    group.services.truncate(1);
    assert!(!page(&group).contains("watcher_"));
    group.services.clear();
    assert!(page(&group).starts_with("# HELP devgroup_info "));
}

#[test]
fn each_state_has_its_word_on_the_page() {
    let group = shop();
    for service in &group.services {
        let now = service.possible_states().filter(|state| *state == service.state()).count();
        assert_eq!(now, 1, "{} is {}", service.name, service.state());
    }
    let worker = &group.services[2];
    assert!(
        ["standby", "lost", "remote", "unhealthy"].iter().all(|state| worker.possible_states().any(|it| it == *state))
    );
}
