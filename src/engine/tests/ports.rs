//! Ports, as stories: which change of one restarts whom, and what is said of one that is taken.

use crate::domain::{AskedPort, Phase, Port, RestartPolicy, RunId, RunReport, ServiceSpec};
use crate::engine::Event;

use super::driver::Scenario;
use super::fixture::{checked, service};

/// A service with a port.
fn at_port(spec: ServiceSpec, number: u16) -> ServiceSpec {
    ServiceSpec { ports: vec![Port::new(None, AskedPort::Fixed(number), 0)], ..spec }
}

#[test]
fn another_port_restarts_whom_it_concerns() {
    let told = |number: u16| ServiceSpec {
        values_in_files: vec![("services.api.port".into(), number.to_string())],
        ..service("web")
    };
    let group = |number: u16| vec![at_port(service("api"), number), told(number), service("mail")];
    let mut s = Scenario::running(group(4000));
    assert_eq!(*s.service("api").ports, [("port".into(), 4000)]);
    assert_eq!(s.service("api").address().as_deref(), Some("http://localhost:4000"));
    s.reload(group(4001));
    let ends = |name: &str| matches!(s.service(name).phase, Phase::Stopping { .. });
    assert_eq!([ends("api"), ends("web"), ends("mail")], [true, true, false]);
    assert_eq!(*s.service("api").ports, [("port".into(), 4001)]);
}

#[test]
fn a_taken_port_is_the_reason_while_it_starts_and_when_it_fails() {
    const PROBLEM: &str = "cannot have port 4000: node (pid 812) listens on it";
    let reason = |s: &Scenario| s.service("api").reason.as_deref().unwrap_or_default().to_owned();
    let api = || at_port(ServiceSpec { restart: RestartPolicy::Never, ..checked("api") }, 4000);
    let starting = || {
        let mut s = Scenario::new(vec![api()]);
        s.begin();
        let report = RunReport::PortTaken { problem: PROBLEM.into() };
        s.event("taken", Event::Run { service: "api".into(), run: RunId(1), report });
        assert_eq!(reason(&s), PROBLEM);
        s.started("api");
        assert_eq!(reason(&s), PROBLEM);
        s
    };
    let mut s = starting();
    s.exits("api", 1);
    assert_eq!(reason(&s), format!("{PROBLEM} · waiting for a change to its files · r restarts"));
    // Its check finds the same, and then something else: the holder is gone.
    let mut s = starting();
    for (problem, left) in [(PROBLEM, PROBLEM), ("port 4000 refused", "")] {
        let report = RunReport::Unready { problem: problem.into() };
        s.event("unready", Event::Run { service: "api".into(), run: RunId(1), report });
        assert_eq!(reason(&s), left);
    }
    // Whoever becomes ready has got it.
    let mut s = starting();
    s.ready("api");
    assert_eq!(reason(&s), "");
    s.exits("api", 1);
    assert_eq!(reason(&s), "waiting for a change to its files · r restarts");
}
