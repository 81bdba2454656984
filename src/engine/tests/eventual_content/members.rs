//! The group of these tests.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    AliveCheck, AliveProbe, Condition, GroupSpec, OnChange, RunCommand, ServiceSpec, Signal, StopSpec, Validate,
};
use crate::engine::tests::fixture::{checked, group, job, needs, service};

pub(super) const FILES: [&str; 5] = ["a", "b", "c", "gen", "d"];
pub(super) const SERVICES: [&str; 7] = ["s0", "s1", "s2", "s3", "job", "hup", "gen"];
/// Which files a service watches.
pub(super) fn watches(name: &str) -> &'static [&'static str] {
    match name {
        "s0" => &["a", "b"],
        "s1" => &["a", "c"],
        "s2" => &["a", "b", "d"],
        "s3" => &["c", "d"],
        "job" => &["b", "d"],
        "hup" => &["a"],
        _ => &["gen", "d"],
    }
}

/// A cascade of four with validations, a job, one that is told of changes, and one that writes what it watches. The bits
/// of `variant` change each key that a reload may change.
pub(super) fn spec(variant: u32) -> Arc<GroupSpec> {
    let is_on = |bit: u32| variant & (1 << bit) != 0;
    let validated = |spec: ServiceSpec, bit: u32| {
        let validate = Validate { run: RunCommand::Shell("check".into()), timeout: Duration::from_secs(100_000) };
        ServiceSpec { validate: (!is_on(bit)).then_some(validate), ..spec }
    };
    let alive = AliveCheck {
        probe: AliveProbe::Port(4000),
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        failures: 2,
        grace: Duration::from_secs(2),
    };
    let first = if is_on(0) { checked("s0") } else { service("s0") };
    let mut services = vec![
        ServiceSpec { cascade: !is_on(1), ..first },
        validated(ServiceSpec { cascade: true, ..needs(service("s1"), "s0", Condition::Ready) }, 2),
        validated(needs(checked("s2"), "s1", Condition::Ready), 3),
        needs(service("s3"), "s2", Condition::Started),
        ServiceSpec { retries: u32::from(is_on(4)), ..job("job") },
        ServiceSpec { on_change: OnChange::Signal(Signal::Hup), ..service("hup") },
        if is_on(5) { service("gen") } else { job("gen") },
    ];
    services[3].env_files = if is_on(6) { vec!["/work/.env".into()] } else { Vec::new() };
    services[0].alive = is_on(7).then_some(alive);
    if is_on(8) {
        services[1].env = vec![("A".into(), "1".into()), ("B".into(), "2".into())];
    } else {
        services[1].env = vec![("B".into(), "2".into()), ("A".into(), "1".into())];
    }
    services[5].on_change = if is_on(9) { OnChange::Run("make".into()) } else { services[5].on_change.clone() };
    services[4].dir = if is_on(10) { "/other".into() } else { services[4].dir.clone() };
    if is_on(11) {
        services[0].name = "t0".into();
        services.iter_mut().flat_map(|one| &mut one.depends_on).for_each(|need| {
            if need.on.as_str() == "s0" {
                need.on = "t0".into();
            }
        });
    }
    for service in &mut services {
        service.stop = StopSpec { grace: Duration::from_millis(700), ..StopSpec::default() };
    }
    let mut spec = Arc::unwrap_or_clone(group(services));
    spec.watch.git_hold = !is_on(12);
    Arc::new(spec)
}
