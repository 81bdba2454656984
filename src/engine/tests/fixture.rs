//! Specs written down in a line.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Condition, Dependency, GroupSpec, Kind, Probe, ReadyCheck, RunCommand, ServiceSpec, WatchFiles};

/// With a quiet time that is the same after one save and after several: the stories have one number for it.
pub(super) fn service(name: &str) -> ServiceSpec {
    let run = RunCommand::Shell(format!("bin/{name}"));
    let spec = ServiceSpec::new(name.into(), run, "/work".into());
    ServiceSpec { watch: WatchFiles::All { line: 1, file: None }, debounce: Duration::from_millis(20), ..spec }
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
    Arc::new(GroupSpec::new("shop", PathBuf::from("/work"), services.into_iter().map(Arc::new).collect()))
}
