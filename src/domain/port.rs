//! The ports of services: what the file asks for, and which number each one gets.
//!
//! The number of an `"auto"` port follows from the folder of the file, the service and the name of the port, so that it is
//! the same tomorrow and another one in a second worktree. Where somebody has it, the next one is taken.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{GroupSpec, ServiceName};

/// Where `"auto"` looks. Below the ports that systems give to outgoing connections (Linux: 32768 to 60999, `ip_local_port_range`
/// in its ip-sysctl; others: 49152 to 65535, RFC 6335), below those that Kubernetes gives to services (30000 to 32767), and
/// above those that programs for developers listen on by themselves.
pub const AUTO_PORTS: RangeInclusive<u16> = 20_000..=29_999;

/// Ports in between that programs listen on by themselves: Usermin, Syncthing, Vite (for reloads), Minecraft, RabbitMQ,
/// CockroachDB, Redis Sentinel, MongoDB, RethinkDB, Kafka (from outside of its container).
const KNOWN: [u16; 12] =
    [20_000, 22_000, 24_678, 25_565, 25_672, 26_257, 26_379, 27_017, 27_018, 27_019, 28_015, 29_092];

/// How the port of `port` is called, beside those of `ports`.
pub const MAIN_PORT: &str = "port";

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name in `ports`; `None`: it is that of `port`.
    pub name: Option<Arc<str>>,
    /// What the file says.
    pub asked: AskedPort,
    /// The number that it has.
    pub number: u16,
    /// Why it has not the number that follows from its name.
    pub moved: Option<Moved>,
}

/// What the file says of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedPort {
    /// This one.
    Fixed(u16),
    /// `"auto"`: one that is free.
    Auto,
}

/// The port that would have been taken, and who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Number of the port that would have been taken.
    pub from: u16,
    /// Who has it, for people: `node (pid 812, ~/other/shop)`, `web`.
    pub holder: Arc<str>,
}

impl Port {
    /// A port that nobody has a number for yet, but the one that the file says. `offset`: of instances of one service, each
    /// one has its own.
    pub fn new(name: Option<Arc<str>>, asked: AskedPort, offset: u16) -> Self {
        let number = match asked {
            AskedPort::Fixed(base) => base.saturating_add(offset),
            AskedPort::Auto => 0,
        };
        Self { name, asked, number, moved: None }
    }

    /// The same of an instance of the service, counted from 1: a number that the file says is that of the first one.
    #[must_use]
    pub fn of_instance(&self, number: u32) -> Self {
        let offset = u16::try_from(number.saturating_sub(1)).unwrap_or(u16::MAX);
        Self::new(self.name.clone(), self.asked, offset)
    }

    /// How it is called: `http`, or `port`.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(MAIN_PORT)
    }

    /// The variable of its own that the service gets: `PORT_HTTP`, or `PORT`.
    fn variable(&self) -> String {
        match &self.name {
            Some(name) => format!("PORT_{}", name.to_ascii_uppercase()),
            None => "PORT".into(),
        }
    }
}

/// What is said of a service whose port somebody has, behind its name: `cannot have port 8155: python3 (pid 20267) listens on
/// it`.
pub fn port_is_taken(port: u16, holder: &str) -> String {
    format!("cannot have port {port}: {holder} listens on it")
}

/// The address that is opened of a service that says none.
pub fn address_of_port(port: u16) -> String {
    format!("http://localhost:{port}")
}

/// The variables that tell a service its ports. `PORT` is the first one.
pub fn port_variables(ports: &[Port]) -> Vec<(String, u16)> {
    let main = ports.first().filter(|port| port.name.is_some()).map(|port| ("PORT".to_owned(), port.number));
    main.into_iter().chain(ports.iter().map(|port| (port.variable(), port.number))).collect()
}

/// The ports by their names. `port` is the first one.
pub fn ports_by_name(ports: &[Port]) -> Vec<(Arc<str>, u16)> {
    let main = ports.first().map(|port| (MAIN_PORT.into(), port.number));
    let named = ports.iter().filter_map(|port| Some((port.name.clone()?, port.number)));
    main.into_iter().chain(named).collect()
}

/// The `"auto"` ports that a group has given out. They stay as they are as long as it lives: others know them.
#[derive(Clone, Debug, Default)]
pub struct PortLedger {
    given: BTreeMap<PortKey, (u16, Option<Moved>)>,
}

/// A port: of which service, and how it is called.
type PortKey = (ServiceName, Option<Arc<str>>);

impl PortLedger {
    /// Gives each `"auto"` port of the group its number. Those that have one keep it, also those of services that are gone:
    /// they may be ending still, or come back. `holder` tells who has a port, and is asked only about those that nobody here
    /// has.
    pub fn assign(&mut self, group: &mut GroupSpec, holder: &mut dyn FnMut(u16) -> Option<String>) {
        let mut used: HashMap<u16, ServiceName> = HashMap::new();
        for service in &group.services {
            let fixed = service.ports.iter().filter(|port| port.asked != AskedPort::Auto);
            used.extend(fixed.map(|port| (port.number, service.name.clone())));
        }
        used.extend(self.given.iter().map(|((service, _), (number, _))| (*number, service.clone())));
        let seed = group.checkout.seed;
        for service in &mut group.services {
            let name = service.name.clone();
            if service.ports.iter().all(|port| port.asked != AskedPort::Auto) {
                continue;
            }
            for port in &mut Arc::make_mut(service).ports {
                if port.asked != AskedPort::Auto {
                    continue;
                }
                let given = self
                    .given
                    .entry((name.clone(), port.name.clone()))
                    .or_insert_with(|| find(preferred(seed, &name, port.name.as_deref()), &used, holder));
                (port.number, port.moved) = given.clone();
                used.insert(port.number, name.clone());
            }
        }
    }

    /// Gives a port of devgroup itself its number by the same rules. `name`: no service has it, `[web]`. `holder`: as of
    /// [`Self::assign`].
    pub fn own(&mut self, group: &GroupSpec, name: &str, holder: &mut dyn FnMut(u16) -> Option<String>) -> u16 {
        let ports = group.services.iter().flat_map(|service| service.ports.iter().map(|port| (&service.name, port)));
        let mut used: HashMap<u16, ServiceName> = ports.map(|(name, port)| (port.number, name.clone())).collect();
        used.extend(self.given.iter().map(|((service, _), (number, _))| (*number, service.clone())));
        let name = ServiceName::new(name);
        let seed = group.checkout.seed;
        let given = self.given.entry((name.clone(), None));
        given.or_insert_with(|| find(preferred(seed, &name, None), &used, holder)).0
    }
}

/// The first port from this one on that nobody has, and who has this one. Where all are taken, this one.
fn find(
    preferred: u16,
    used: &HashMap<u16, ServiceName>,
    holder: &mut dyn FnMut(u16) -> Option<String>,
) -> (u16, Option<Moved>) {
    let mut moved = None;
    for number in from(preferred) {
        let taken = used.get(&number).map(ToString::to_string).or_else(|| holder(number));
        match taken {
            None => return (number, moved),
            Some(holder) => moved = moved.or(Some(Moved { from: number, holder: holder.into() })),
        }
    }
    (preferred, None)
}

/// All ports that `"auto"` may take, from this one on and round.
fn from(first: u16) -> impl Iterator<Item = u16> {
    let all = (first..=*AUTO_PORTS.end()).chain(*AUTO_PORTS.start()..first);
    all.filter(|number| !KNOWN.contains(number))
}

/// The port that follows from the names: never change this, or all of them change.
fn preferred(seed: u64, service: &ServiceName, name: Option<&str>) -> u16 {
    let text = format!("{service}\0{}", name.unwrap_or(""));
    let count = u64::from(*AUTO_PORTS.end() - *AUTO_PORTS.start()) + 1;
    let offset = u16::try_from(xxh3_64_with_seed(text.as_bytes(), seed) % count).unwrap_or_default();
    from(AUTO_PORTS.start() + offset).next().unwrap_or(*AUTO_PORTS.start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Checkout, RunCommand, ServiceSpec};

    /// A service and its ports.
    type Asks<'a> = (&'a str, &'a [(Option<&'a str>, AskedPort)]);

    fn group(folder: &str, services: &[Asks<'_>]) -> GroupSpec {
        let service = |(name, ports): &Asks<'_>| {
            let spec = ServiceSpec::new((*name).into(), RunCommand::Shell("x".into()), "/".into());
            let ports = ports.iter().map(|(name, asked)| Port::new(name.map(Into::into), *asked, 0)).collect();
            Arc::new(ServiceSpec { ports, ..spec })
        };
        GroupSpec {
            checkout: Checkout::new("main", folder.as_bytes()),
            ..GroupSpec::new("shop", folder.into(), services.iter().map(service).collect())
        }
    }

    fn numbers(group: &GroupSpec) -> Vec<u16> {
        group.services.iter().flat_map(|service| &service.ports).map(|port| port.number).collect()
    }

    fn assigned(mut group: GroupSpec, ledger: &mut PortLedger, taken: &[u16]) -> GroupSpec {
        ledger.assign(&mut group, &mut |port| taken.contains(&port).then(|| format!("node (pid {port})")));
        group
    }

    const AUTO: AskedPort = AskedPort::Auto;
    const SHOP: &[Asks<'_>] =
        &[("api", &[(None, AUTO)]), ("web", &[(Some("http"), AUTO), (Some("debug"), AskedPort::Fixed(9229))])];

    #[test]
    fn a_port_of_our_own_is_the_same_tomorrow_and_no_service_has_it() {
        let web = |ledger: &mut PortLedger, group: &GroupSpec, taken: u16| {
            ledger.own(group, "[web]", &mut |port| (port == taken).then(|| "node".to_owned()))
        };
        let (today, tomorrow) = (&mut PortLedger::default(), &mut PortLedger::default());
        let group = assigned(group("/shop", SHOP), &mut PortLedger::default(), &[]);
        let port = web(today, &group, 0);
        assert!(AUTO_PORTS.contains(&port));
        assert_eq!(web(tomorrow, &group, 0), port);
        assert_eq!(web(today, &group, port), port, "it stays for the life of a group, also while we have it ourselves");
        assert_ne!(web(&mut PortLedger::default(), &group, port), port, "somebody has it");
        let mut fixed = group.clone();
        let service = Arc::make_mut(&mut fixed.services[0]);
        service.ports = vec![Port::new(None, AskedPort::Fixed(port), 0)];
        assert_ne!(web(&mut PortLedger::default(), &fixed, 0), port, "a service has it");
    }

    #[test]
    fn an_auto_port_follows_from_folder_service_and_name_for_ever() {
        let of = |folder: &str| numbers(&assigned(group(folder, SHOP), &mut PortLedger::default(), &[]));
        assert_eq!(of("/home/ann/shop"), of("/home/ann/shop"));
        assert_eq!(of("/home/ann/shop"), FIXED, "numbers of yesterday");
        assert_ne!(of("/home/ann/shop"), of("/home/ann/shop-2"));
        for folder in (0..500).map(|number| format!("/work/tree{number}")) {
            let [api, web, 9229] = of(&folder)[..] else { panic!("three ports") };
            assert!(AUTO_PORTS.contains(&api) && !KNOWN.contains(&api) && api != web, "{folder}: {api} {web}");
        }
    }

    const FIXED: [u16; 3] = [24_351, 27_899, 9229];

    #[test]
    fn who_finds_its_port_taken_gets_the_next_one_and_keeps_it() {
        let [first, web, _] = FIXED;
        let mut ledger = PortLedger::default();
        let shop = assigned(group("/home/ann/shop", SHOP), &mut ledger, &[first]);
        assert_eq!(numbers(&shop), [first + 1, web, 9229]);
        let moved = shop.services[0].ports[0].moved.clone().unwrap();
        assert_eq!((moved.from, &*moved.holder), (first, &*format!("node (pid {first})")));
        // At a reload the first one is free, and the group's own listen on what they have.
        let again = assigned(group("/home/ann/shop", SHOP), &mut ledger, &[first + 1, web]);
        assert_eq!(numbers(&again), numbers(&shop));
        // What is gone from the file may come back.
        let gone = assigned(group("/home/ann/shop", &SHOP[1..]), &mut ledger, &[]);
        assert_eq!(numbers(&gone), [web, 9229]);
        let back = assigned(group("/home/ann/shop", SHOP), &mut ledger, &[]);
        assert_eq!(numbers(&back), numbers(&shop));
    }

    #[test]
    fn no_two_ports_of_a_group_are_the_same() {
        let [first, ..] = FIXED;
        let fixed = [("db", &[(None, AskedPort::Fixed(first))][..]), SHOP[0], SHOP[1]];
        let shop = assigned(group("/home/ann/shop", &fixed), &mut PortLedger::default(), &[first + 1]);
        assert_eq!(numbers(&shop)[..2], [first, first + 2]);
        assert_eq!(&*shop.services[1].ports[0].moved.clone().unwrap().holder, "db");
        // More of them than there are.
        let names: Vec<String> = (0..10_000).map(|number| format!("s{number}")).collect();
        let many: Vec<Asks<'_>> = names.iter().map(|name| (name.as_str(), &[(None, AUTO)][..])).collect();
        let mut all = numbers(&assigned(group("/home/ann/shop", &many), &mut PortLedger::default(), &[]));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 10_000 - KNOWN.len());
    }

    #[test]
    fn a_service_is_told_its_ports_by_variables() {
        let port = |name: Option<&str>, number| Port::new(name.map(Into::into), AskedPort::Fixed(number), 0);
        let told = |ports: &[Port]| {
            port_variables(ports).iter().map(|(name, number)| format!("{name}={number}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told(&[]), "");
        assert_eq!(told(&[port(None, 1), port(Some("http"), 2)]), "PORT=1 PORT_HTTP=2");
        assert_eq!(told(&[port(Some("http"), 2), port(Some("my_debug"), 3)]), "PORT=2 PORT_HTTP=2 PORT_MY_DEBUG=3");
        assert_eq!(Port::new(None, AskedPort::Fixed(4000), 2).number, 4002, "the third instance");
        let by_name = ports_by_name(&[port(Some("http"), 2), port(Some("debug"), 3)]);
        assert_eq!(by_name, [("port".into(), 2), ("http".into(), 2), ("debug".into(), 3)]);
    }
}
