//! What an engine has no counterpart for: told once, as a comment at its place and as a warning.

use super::shell::without_secrets_of;
use super::{Export, Target, is_worker};
use crate::domain::{
    AlertKeys, Backoff, Breaker, GroupSpec, Kind, RestartPolicy, ServiceName, ServiceSpec, Signal, StartSpec, StopSpec,
    WatchFiles,
};

/// What is to be told.
pub(super) struct Remarks {
    target: Target,
    warnings: Vec<String>,
}

impl Remarks {
    pub(super) fn new(target: Target) -> Self {
        Self { target, warnings: Vec::new() }
    }

    pub(super) fn into_warnings(self) -> Vec<String> {
        self.warnings
    }

    /// A key of a service has no counterpart. The result is the comment. `why`: what is so instead; it may be empty.
    pub(super) fn lost(&mut self, service: &ServiceName, what: &str, why: &str) -> String {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        let target = self.target.name();
        self.warnings.push(format!("{what} of {service} has no counterpart in {target}{why}"));
        format!("{what}: no counterpart in {target}{why}")
    }

    /// Something about a key of a service is not as it was. The result is the comment.
    pub(super) fn differs(&mut self, service: &ServiceName, what: &str, how: &str) -> String {
        self.warnings.push(format!("{what} of {service}: {how}"));
        format!("{what}: {how}")
    }

    /// What is said for the whole group.
    pub(super) fn of_group(&mut self, group: &GroupSpec) -> Vec<String> {
        let target = self.target.name();
        let keys = [
            ("[alerts]", group.alerts != AlertKeys::default()),
            ("[start] parallel", group.start != StartSpec::default()),
            ("[logs] files", group.logs.files),
        ];
        let lost = keys.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| {
            self.warnings.push(format!("{key} has no counterpart in {target}"));
            format!("{key}: no counterpart in {target}")
        });
        lost.collect()
    }

    /// What all engines treat alike, or this one by its nature. Each is a comment for the head of the service.
    pub(super) fn of_service(&mut self, export: &Export<'_>, service: &ServiceSpec) -> Vec<String> {
        let name = &service.name;
        let mut comments: Vec<String> = Vec::new();
        for (key, why) in lost_keys(service, self.target) {
            comments.push(self.lost(name, key, why));
        }
        for on in export.missing(service) {
            comments.push(self.differs(
                name,
                &format!("depends_on {on}"),
                "it is not exported, and nothing waits for it",
            ));
        }
        let commands = [
            ("run", Some(&service.run).filter(|_| !is_worker(service))),
            ("stop.command", service.stop.command.as_ref()),
            ("validate", service.validate.as_ref().map(|validate| &validate.run)),
        ];
        for (key, command) in commands.into_iter().filter_map(|(key, command)| Some((key, command?))) {
            if without_secrets_of(command) != *command {
                comments.push(self.differs(name, key, MASKED));
            }
        }
        comments
    }
}

/// What is said of a secret in a command.
pub(super) const MASKED: &str = "a secret in it is masked with ******: pass it by an environment file";

/// The keys of a service that the engine does nothing about, each with what is so instead.
fn lost_keys(service: &ServiceSpec, target: Target) -> Vec<(&'static str, &'static str)> {
    let is_procfile = target == Target::Procfile;
    let is_systemd = target == Target::Systemd;
    let (stop, usual) = (&service.stop, StopSpec::default());
    let is_plain = service.kind == Kind::Service;
    let keys: [(&'static str, &'static str, bool); 19] = [
        (
            "kind",
            "the runner stops everything when one process ends; start it by hand",
            is_procfile && service.kind == Kind::Job,
        ),
        ("watch", "", service.watch != WatchFiles::Off),
        ("validate", "", service.validate.is_some() && !is_systemd),
        ("cascade", "", service.cascade),
        ("inputs", "it runs each time", !service.inputs.is_empty()),
        ("depends_on", "the runner starts everything at once", is_procfile && !service.depends_on.is_empty()),
        ("ready", "", is_procfile && service.ready.is_some()),
        ("alive", "", is_procfile && service.alive.is_some()),
        ("limits", "", is_procfile && service.limits.memory.is_some()),
        ("replicas", "the runner has an option for it: `-m NAME=3`", is_procfile && service.replicas.is_some()),
        ("port", "the runner sets PORT itself", is_procfile && !service.ports.is_empty()),
        ("restart", "the runner stops everything when one process ends", {
            is_procfile && is_plain && service.restart != RestartPolicy::default()
        }),
        ("restart", "pods are always restarted", {
            target == Target::Kubernetes && is_plain && service.restart != RestartPolicy::Always
        }),
        ("retries", "", is_procfile && service.retries > 0),
        ("schedule", "start it by hand, or by cron", {
            matches!(target, Target::Procfile | Target::Compose) && service.schedule.is_some()
        }),
        ("backoff", "the engine has its own delays", {
            let differs = service.backoff != Backoff::default() && !is_worker(service);
            differs && (!is_systemd || service.backoff.factor > 1.0)
        }),
        ("breaker", "", !is_systemd && is_plain && service.breaker != Breaker::default()),
        ("stop.signal", "", {
            let differs = stop.signal != Signal::Term;
            differs && matches!(target, Target::Kubernetes | Target::Procfile)
        }),
        ("stop.grace", "", is_procfile && stop.grace != usual.grace),
    ];
    let command =
        ("stop.command", "", { stop.command.is_some() && matches!(target, Target::Compose | Target::Procfile) });
    let profiles = ("profiles", "exported, but not started by default", {
        !service.profiles.is_empty() && target != Target::Compose
    });
    let leader = ("stop.to", "", is_procfile && stop.leader_only);
    let all = keys.into_iter().chain([command, profiles, leader]);
    // All else of a worker is done by the devgroup that runs it.
    let of_worker = |key: &str| matches!(key, "depends_on" | "profiles");
    let is_told = |(key, _, is_lost): &(&str, &str, bool)| *is_lost && (!is_worker(service) || of_worker(key));
    all.filter(is_told).map(|(key, why, _)| (key, why)).collect()
}
