//! Specs written down in a line.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Backoff, Breaker, Condition, Dependency, GroupSpec, Kind, LogSpec, OnChange, PaneView, Probe, ReadyCheck,
    RestartPolicy, RunCommand, ServiceSpec, StopSpec, WatchFiles, WatchSpec,
};

pub(super) fn service(name: &str) -> ServiceSpec {
    ServiceSpec {
        name: name.into(),
        kind: Kind::Service,
        run: RunCommand::Shell(format!("bin/{name}")),
        root: PathBuf::from("/work"),
        dir: "/work".into(),
        env: Vec::new(),
        env_files: Vec::new(),
        depends_on: Vec::new(),
        ready: None,
        alive: None,
        validate: None,
        cascade: false,
        restart: RestartPolicy::OnFailure,
        retries: 0,
        backoff: Backoff::default(),
        breaker: Breaker::default(),
        stop: StopSpec::default(),
        autostart: true,
        left_out: false,
        profiles: Vec::new(),
        group: None,
        url: None,
        watch: WatchFiles::All { line: 1 },
        ignore: Vec::new(),
        debounce: WatchSpec::DEBOUNCE,
        on_change: OnChange::Restart,
        view: PaneView::Auto,
    }
}

pub(super) fn task(name: &str) -> ServiceSpec {
    ServiceSpec { kind: Kind::Task, ..service(name) }
}

/// With a readiness check.
pub(super) fn checked(name: &str) -> ServiceSpec {
    let ready = Some(ReadyCheck { probe: Probe::Port(4000), timeout: Duration::from_secs(30) });
    ServiceSpec { ready, ..service(name) }
}

pub(super) fn needs(mut spec: ServiceSpec, on: &str, until: Condition) -> ServiceSpec {
    spec.depends_on.push(Dependency { on: on.into(), until });
    spec
}

pub(super) fn group(services: Vec<ServiceSpec>) -> Arc<GroupSpec> {
    Arc::new(GroupSpec {
        name: "shop".into(),
        root: PathBuf::from("/work"),
        file: PathBuf::from("/work/procgroup.toml"),
        services: services.into_iter().map(Arc::new).collect(),
        watch: WatchSpec::default(),
        logs: LogSpec::default(),
    })
}
