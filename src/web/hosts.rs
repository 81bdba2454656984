//! The names by which a listener is reached: what `Host` and `Origin` of a request may say.
//!
//! A website can have its name point to the loopback and then talk to us as its own (DNS rebinding). The name gives it away,
//! so a name is compared as a whole: a prefix is no match.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The port that a browser leaves out of `http://` addresses.
const HTTP: u16 = 80;

/// The names of one listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// With their ports, in small letters, as `Host` has them.
    ours: Vec<String>,
    /// Those of `hosts` in the file. A proxy in front of them may speak TLS.
    named: Vec<String>,
    /// Other machines may reach it.
    is_remote: bool,
}

impl Hosts {
    /// Those of a listener at this address. `named`: `hosts` of the file; one without a port has ours.
    pub fn new(bound: SocketAddr, named: &[String]) -> Self {
        let port = bound.port();
        // Who listens everywhere is reached by the loopback, too; nobody has the unspecified address as a name.
        let address = match bound.ip() {
            IpAddr::V4(any) if any.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(any) if any.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            address => address,
        };
        let mut ours = vec![SocketAddr::new(address, port).to_string(), format!("localhost:{port}")];
        if port == HTTP {
            let bare: Vec<String> = ours.iter().filter_map(|name| Some(name.strip_suffix(":80")?.to_owned())).collect();
            ours.extend(bare);
        }
        let named = named.iter().map(|name| {
            let name = name.to_ascii_lowercase();
            if has_port(&name) { name } else { format!("{name}:{port}") }
        });
        Self { named: named.collect(), ours, is_remote: !bound.ip().is_loopback() }
    }

    /// The name that is told to people: the first of the file where other machines reach the listener.
    pub fn name(&self) -> &str {
        let theirs = self.named.first().filter(|_| self.is_remote);
        theirs.or(self.ours.first()).map_or("localhost", String::as_str)
    }

    /// Whether `Host` may say this.
    pub(super) fn has(&self, host: &str) -> bool {
        let is_it = |name: &String| name.eq_ignore_ascii_case(host);
        self.ours.iter().any(is_it) || self.named.iter().any(|name| is_it(name) || is_without_port(name, host))
    }

    /// Whether `Origin` may say this.
    pub(super) fn has_origin(&self, origin: &str) -> bool {
        match (origin.strip_prefix("http://"), origin.strip_prefix("https://")) {
            (Some(host), _) => self.has(host),
            (None, Some(host)) => !self.ours.iter().any(|name| name.eq_ignore_ascii_case(host)) && self.has(host),
            (None, None) => false,
        }
    }
}

/// A name with the port of its scheme is said without it.
fn is_without_port(name: &str, host: &str) -> bool {
    [":80", ":443"].iter().any(|port| name.strip_suffix(port).is_some_and(|name| name.eq_ignore_ascii_case(host)))
}

/// Whether a name has a port behind it; `[::1]` has none.
fn has_port(name: &str) -> bool {
    name.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
        && !name.ends_with(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(bound: &str, named: &[&str]) -> Hosts {
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        Hosts::new(bound.parse().unwrap(), &named)
    }

    #[test]
    fn a_name_is_ours_as_a_whole_and_with_our_port() {
        let ours = hosts("127.0.0.1:7700", &[]);
        for host in ["127.0.0.1:7700", "localhost:7700", "LocalHost:7700"] {
            assert!(ours.has(host), "{host}");
        }
        let others = [
            "",
            "127.0.0.1",
            "localhost",
            "127.0.0.1:7701",
            "127.0.0.1:77000",
            "127.0.0.1.evil.example:7700",
            "localhost.evil.example:7700",
            "evil.example:7700",
            "user@localhost:7700",
            "localhost:7700 ",
            "0.0.0.0:7700",
            "127.0.0.2:7700",
            "[::1]:7700",
        ];
        for host in others {
            assert!(!ours.has(host), "{host}");
        }
        assert!(hosts("[::1]:7700", &[]).has("[::1]:7700"));
        assert!(hosts("127.0.0.1:80", &[]).has("localhost"));
    }

    #[test]
    fn a_name_of_the_file_has_our_port_or_its_own() {
        let ours = hosts("0.0.0.0:7700", &["Dev.box", "proxy.box:443", "[fd00::1]"]);
        let these =
            ["dev.box:7700", "proxy.box:443", "proxy.box", "[fd00::1]:7700", "127.0.0.1:7700", "localhost:7700"];
        for host in these {
            assert!(ours.has(host), "{host}");
        }
        assert_eq!(ours.name(), "dev.box:7700");
        assert_eq!(hosts("127.0.0.1:7700", &["dev.box"]).name(), "127.0.0.1:7700");
        for host in ["dev.box", "dev.box:443", "proxy.box:7700", "dev.box.evil.example:7700", "0.0.0.0:7700"] {
            assert!(!ours.has(host), "{host}");
        }
    }

    #[test]
    fn an_origin_is_ours_with_its_scheme() {
        let ours = hosts("127.0.0.1:7700", &["dev.box:443"]);
        for origin in ["http://127.0.0.1:7700", "http://localhost:7700", "https://dev.box"] {
            assert!(ours.has_origin(origin), "{origin}");
        }
        let others =
            ["null", "", "http://localhost:3000", "https://localhost:7700", "127.0.0.1:7700", "http://localhost:7700/"];
        for origin in others {
            assert!(!ours.has_origin(origin), "{origin}");
        }
    }
}
