//! Instances of a service: what `replicas = 3` makes of it, how they are called, and how many there are now.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::{Dependency, GroupSpec, PortLedger, ServiceName, ServiceSpec, count};

/// Which instance of which service this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The service as the file writes it: `worker`.
    pub of: ServiceName,
    /// Its number, from 1: that of `worker.2` is 2.
    pub number: u32,
    /// How many there are.
    pub count: u32,
}

impl Instance {
    /// The variable that tells a run its number.
    pub const NUMBER_VARIABLE: &str = "DEVGROUP_REPLICA";
    /// The variable that tells a run how many there are.
    pub const COUNT_VARIABLE: &str = "DEVGROUP_REPLICAS";
    /// Instances of one service at most: each is a process with a terminal and a log of its own.
    pub const MOST: u32 = 100;
    /// Instances of all services of a group at most.
    pub const MOST_OF_ALL: u32 = 1_000;
}

/// A service of the file that has `replicas`, and how many instances it has now: maybe none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replicated {
    /// The key below `[services]`.
    pub name: ServiceName,
    /// Its `group`.
    pub group: Option<Arc<str>>,
    /// Instances that are to be there.
    pub count: u32,
}

/// How many instances services have in place of their `replicas` (`devgroup scale`).
pub type Scale = BTreeMap<ServiceName, u32>;

/// The number of instances of a service has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// The service.
    pub name: ServiceName,
    /// Instances before.
    pub from: u32,
    /// Instances from now on.
    pub to: u32,
}

impl Scaling {
    /// The instances that come, lowest first.
    pub fn new_ones(&self) -> impl Iterator<Item = ServiceName> {
        (self.from.saturating_add(1)..=self.to).map(|number| self.name.instance(number))
    }

    /// The instances that are too many, highest first: so they are stopped.
    pub fn surplus(&self) -> impl Iterator<Item = ServiceName> {
        (self.to.saturating_add(1)..=self.from).rev().map(|number| self.name.instance(number))
    }
}

/// As in `worker: 5 instances (before: 3)`.
impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = usize::try_from(self.to).unwrap_or(usize::MAX);
        write!(f, "{}: {}", self.name, count(to, "instance"))?;
        if self.from == self.to { f.write_str(" already") } else { write!(f, " (before: {})", self.from) }
    }
}

impl ServiceSpec {
    /// Which instance it is; of a service that is still to become several, the first.
    pub fn first_instance(&self) -> Option<Instance> {
        let first = |count| Instance { of: self.name.clone(), number: 1, count };
        self.instance.clone().or_else(|| self.replicas.map(first))
    }
}

impl GroupSpec {
    /// The group with the instances of each service that has `replicas` in the place of that service. Whoever waits for it
    /// waits for all of them. Nothing is left to be done the second time.
    #[must_use]
    pub fn with_instances(self, scale: &Scale) -> Self {
        let count = |service: &ServiceSpec| {
            let written = service.replicas?;
            Some(scale.get(&service.name).copied().unwrap_or(written).min(Instance::MOST))
        };
        let new = self.services.iter().filter_map(|service| {
            let group = service.group.as_deref().map(Arc::from);
            Some(Replicated { name: service.name.clone(), group, count: count(service)? })
        });
        let replicated: Vec<Replicated> = self.replicated.iter().cloned().chain(new).collect();
        if replicated.is_empty() {
            return self;
        }
        let counts: BTreeMap<&ServiceName, u32> = replicated.iter().map(|one| (&one.name, one.count)).collect();
        let mut services = Vec::with_capacity(self.services.len());
        for service in &self.services {
            let mut spec = ServiceSpec::clone(service);
            spec.depends_on = each_instance(&service.depends_on, &counts);
            let Some(count) = spec.replicas.take().and_then(|_| counts.get(&service.name).copied()) else {
                services.push(Arc::new(spec));
                continue;
            };
            let one = |number| ServiceSpec {
                name: service.name.instance(number),
                instance: Some(Instance { of: service.name.clone(), number, count }),
                ports: spec.ports.iter().map(|port| port.of_instance(number)).collect(),
                ..spec.clone()
            };
            services.extend((1..=count).map(one).map(Arc::new));
        }
        let mut group = Self { services, replicated, ..self };
        // As if all ports were free: who runs the group looks.
        PortLedger::default().assign(&mut group, &mut |_| None);
        group
    }
}

/// Dependencies with each instance of what has instances now. Those that are not there are not waited for.
fn each_instance(written: &[Dependency], counts: &BTreeMap<&ServiceName, u32>) -> Vec<Dependency> {
    let mut seen = HashSet::new();
    let all = written.iter().flat_map(|Dependency { on, until }| {
        let names: Vec<ServiceName> = match (counts.get(on), on.split_instance()) {
            (Some(count), _) => (1..=*count).map(|number| on.instance(number)).collect(),
            (None, Some((of, number))) if counts.get(&of).is_some_and(|count| number > *count) => Vec::new(),
            (None, _) => vec![on.clone()],
        };
        names.into_iter().map(|on| Dependency { on, until: *until })
    });
    all.filter(|dependency| seen.insert(dependency.on.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AUTO_PORTS, AskedPort, Condition, Port, RunCommand};

    fn group(services: Vec<ServiceSpec>) -> GroupSpec {
        GroupSpec::new("shop", "/work".into(), services.into_iter().map(Arc::new).collect())
    }

    #[test]
    fn each_instance_has_a_port_of_its_own() {
        let ports = vec![
            Port::new(None, AskedPort::Fixed(4000), 0),
            Port::new(Some("debug".into()), AskedPort::Fixed(65_535), 0),
            Port::new(Some("metrics".into()), AskedPort::Auto, 0),
        ];
        let worker = ServiceSpec { ports, ..service("worker", Some(3), &[]) };
        let group = group(vec![worker]).with_instances(&Scale::default());
        let numbers =
            |place: usize| -> Vec<u16> { group.services.iter().map(|service| service.ports[place].number).collect() };
        assert_eq!(numbers(0), [4000, 4001, 4002]);
        // There is none above: the start says that the port is taken.
        assert_eq!(numbers(1), [65_535, 65_535, 65_535]);
        let auto = numbers(2);
        assert!(
            auto.iter().all(|port| AUTO_PORTS.contains(port)) && auto[0] != auto[1] && auto[1] != auto[2],
            "{auto:?}"
        );
    }

    fn service(name: &str, replicas: Option<u32>, on: &[&str]) -> ServiceSpec {
        let needs = on.iter().map(|on| Dependency { on: (*on).into(), until: Condition::Ready });
        let usual = ServiceSpec::new(name.into(), RunCommand::Shell("x".into()), "/work".into());
        ServiceSpec { replicas, depends_on: needs.collect(), ..usual }
    }

    fn shown(group: &GroupSpec) -> Vec<String> {
        let needs =
            |service: &ServiceSpec| service.depends_on.iter().map(|on| on.on.to_string()).collect::<Vec<_>>().join(",");
        group.services.iter().map(|service| format!("{} [{}]", service.name, needs(service))).collect()
    }

    #[test]
    fn instances_stand_where_their_service_stood_and_are_waited_for_one_by_one() {
        let written = group(vec![
            service("db", None, &[]),
            service("worker", Some(2), &["db"]),
            service("api", None, &["worker", "db"]),
            service("probe", None, &["worker.2", "worker.9", "worker"]),
        ]);
        let expected =
            ["db []", "worker.1 [db]", "worker.2 [db]", "api [worker.1,worker.2,db]", "probe [worker.2,worker.1]"];
        let expanded = written.clone().with_instances(&Scale::new());
        assert_eq!(shown(&expanded), expected);
        let second = Instance { of: "worker".into(), number: 2, count: 2 };
        assert_eq!(expanded.services[2].instance, Some(second));
        assert_eq!(expanded.clone().with_instances(&Scale::new()), expanded, "a second time changes nothing");
        let none = written.with_instances(&Scale::from([("worker".into(), 0)]));
        assert_eq!(shown(&none), ["db []", "api [db]", "probe []"]);
        let known = Replicated { name: "worker".into(), group: None, count: 0 };
        assert_eq!(none.replicated, [known], "its name is still known");
    }

    #[test]
    fn a_service_without_the_key_keeps_its_name_and_one_with_it_has_a_number() {
        let written = group(vec![service("api", None, &[]), service("worker", Some(1), &[])]);
        assert_eq!(shown(&written.with_instances(&Scale::new())), ["api []", "worker.1 []"]);
    }

    #[test]
    fn surplus_instances_are_named_from_the_highest() {
        let down = Scaling { name: "worker".into(), from: 5, to: 3 };
        assert_eq!(down.surplus().map(|name| name.to_string()).collect::<Vec<_>>(), ["worker.5", "worker.4"]);
        assert_eq!((down.new_ones().count(), down.to_string()), (0, "worker: 3 instances (before: 5)".into()));
        let up = Scaling { name: "worker".into(), from: 0, to: 1 };
        assert_eq!(up.new_ones().map(|name| name.to_string()).collect::<Vec<_>>(), ["worker.1"]);
        let same = Scaling { name: "worker".into(), from: 1, to: 1 };
        assert_eq!(same.to_string(), "worker: 1 instance already");
    }
}
