//! Instances of a service, and other numbers of them, as stories.

use std::sync::Arc;

use crate::domain::{Condition, GroupSpec, Phase, RunCommand, Scale, Scaling, ServiceSpec, Targets};
use crate::engine::Event;
use crate::engine::reload::asks_how_many;

use super::driver::Scenario;
use super::fixture::{checked, group, needs, service};

/// A worker with readiness and an api that waits for it, before there are instances.
fn written(replicas: u32) -> Vec<ServiceSpec> {
    let worker = ServiceSpec { replicas: Some(replicas), ..checked("worker") };
    vec![worker, needs(service("api"), "worker", Condition::Ready)]
}

fn expanded(services: Vec<ServiceSpec>, scale: &[(&str, u32)]) -> GroupSpec {
    let scale: Scale = scale.iter().map(|(name, count)| ((*name).into(), *count)).collect();
    Arc::unwrap_or_clone(group(services)).with_instances(&scale)
}

fn running(services: Vec<ServiceSpec>) -> Scenario {
    let spec = expanded(services, &[]);
    Scenario::running(spec.services.into_iter().map(Arc::unwrap_or_clone).collect())
}

fn scale(s: &mut Scenario, services: Vec<ServiceSpec>, (from, to): (u32, u32)) {
    let spec = Arc::new(expanded(services, &[("worker", to)]));
    let scalings = vec![Scaling { name: "worker".into(), from, to }];
    s.event(&format!("scale to {to}"), Event::Scaled { spec, scalings });
}

fn phase(s: &Scenario, name: &str) -> String {
    let word = s.snapshot().service(&name.into()).map(|service| service.state().to_owned());
    word.unwrap_or_else(|| "gone".into())
}

#[test]
fn who_waits_for_a_service_waits_for_all_of_its_instances() {
    let spec = expanded(written(3), &[]);
    let mut s = Scenario::new(spec.services.into_iter().map(Arc::unwrap_or_clone).collect());
    s.begin();
    for name in ["worker.1", "worker.2", "worker.3"] {
        s.started(name);
    }
    s.ready("worker.3").ready("worker.1");
    assert_eq!(phase(&s, "api"), "waiting", "worker.2 is not ready yet");
    s.ready("worker.2");
    assert_eq!(phase(&s, "api"), "starting");
}

#[test]
fn surplus_instances_end_from_the_highest_and_the_others_go_on() {
    let mut s = running(written(3));
    scale(&mut s, written(3), (3, 1));
    s.exits("worker.3", 0).exits("worker.2", 0);
    s.expect(
        "
        0.000 > scale to 1
        0.000   rewatch 2 services
        0.000   SIGTERM to worker.3 1
        0.000   SIGTERM to worker.2 1
        0.000 > worker.3 exits 0
        0.000   worker.3: stopped · exit 0 · 0ns after the signal
        0.000   forget worker.3
        0.000 > worker.2 exits 0
        0.000   worker.2: stopped · exit 0 · 0ns after the signal
        0.000   forget worker.2
    ",
    );
    assert_eq!(s.notice(), "worker: 1 instance (before: 3)");
}

#[test]
fn new_instances_start_for_the_scaling_and_who_waited_is_not_disturbed() {
    let mut s = running(written(1));
    scale(&mut s, written(1), (1, 2));
    s.started("worker.2");
    s.expect(
        "
        0.000 > scale to 2
        0.000   rewatch 3 services
        0.000   spawn worker.2 1 · scaled to 2
        0.000 > worker.2 started
    ",
    );
    assert_eq!(phase(&s, "api"), "running");
}

#[test]
fn one_more_instance_of_what_is_stopped_stays_stopped() {
    let mut s = running(written(2));
    let all = Targets::Named(vec!["worker.1".into(), "worker.2".into()]);
    s.ask(crate::domain::Command::Stop(all)).exits("worker.1", 0).exits("worker.2", 0);
    scale(&mut s, written(2), (2, 3));
    assert_eq!(s.snapshot().service(&"worker.3".into()).map(|it| it.phase.clone()), Some(Phase::Down));
    // Of one that has none, the file decides.
    let mut s = running(written(0));
    scale(&mut s, written(0), (0, 1));
    assert_eq!(phase(&s, "worker.1"), "starting");
}

#[test]
fn a_number_that_a_process_was_told_in_words_restarts_it_and_no_other_does() {
    let restarts = |run: &str| {
        let like = || vec![ServiceSpec { replicas: Some(1), run: RunCommand::Shell(run.into()), ..service("worker") }];
        let mut s = running(like());
        scale(&mut s, like(), (1, 2));
        phase(&s, "worker.1") == "stopping"
    };
    assert!(restarts("shard --of $DEVGROUP_REPLICAS") && !restarts("shard $DEVGROUP_REPLICA"));
    let argv = RunCommand::Argv(vec!["shard".into(), "${DEVGROUP_REPLICAS}".into()]);
    let env = vec![("SHARDS".to_owned(), "${DEVGROUP_REPLICAS}".to_owned())];
    for spec in [ServiceSpec { run: argv, ..service("w") }, ServiceSpec { env, ..service("w") }] {
        assert!(asks_how_many(&spec), "{spec:?}");
    }
    assert!(!asks_how_many(&service("w")));
}

#[test]
fn an_instance_that_comes_back_while_it_ends_starts_after_that() {
    let mut s = running(written(2));
    scale(&mut s, written(2), (2, 1));
    scale(&mut s, written(2), (1, 2));
    assert_eq!(phase(&s, "worker.2"), "stopping");
    s.exits("worker.2", 0);
    assert_eq!(phase(&s, "worker.2"), "starting");
}
