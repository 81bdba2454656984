//! Specs written down in a line.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Checkout, Condition, Dependency, GroupSpec, Kind, LogSpec, Probe, ReadyCheck, RunCommand, ServiceSpec, StartSpec,
    WatchFiles, WatchSpec,
};

pub(super) fn service(name: &str) -> ServiceSpec {
    let run = RunCommand::Shell(format!("bin/{name}"));
    ServiceSpec { watch: WatchFiles::All { line: 1, file: None }, ..ServiceSpec::new(name.into(), run, "/work".into()) }
}

pub(super) fn job(name: &str) -> ServiceSpec {
    ServiceSpec { kind: Kind::Job, ..service(name) }
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
        files: vec![PathBuf::from("/work/procgroup.toml")],
        include: Vec::new(),
        services: services.into_iter().map(Arc::new).collect(),
        replicated: Vec::new(),
        watch: WatchSpec::default(),
        logs: LogSpec::default(),
        start: StartSpec::default(),
        checkout: Checkout::default(),
    })
}
