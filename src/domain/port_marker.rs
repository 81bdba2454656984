//! What a service's log says of its ports.

use std::fmt::{self, Write};

use super::{ServiceName, port_is_taken};

/// Something is wrong with a port of a service, or it has moved. The holder is described for people: `node (pid 123,
/// ~/other/shop)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortMarker {
    /// Another program listens on the port that made the service ready.
    Foreign {
        /// Number of the TCP port.
        port: u16,
        /// Who listens there, if it can be found out.
        holder: String,
    },
    /// It was taken before the service started, so another program answers there.
    Taken {
        /// The service that needs it.
        service: ServiceName,
        /// Number of the TCP port.
        port: u16,
        /// Who has it.
        holder: String,
    },
    /// An `"auto"` port is not the usual one.
    Moved {
        /// The service that has it.
        service: ServiceName,
        /// Number of the TCP port.
        port: u16,
        /// The usual one.
        from: u16,
        /// Who has the usual one.
        holder: String,
    },
}

impl PortMarker {
    /// What it says. `clock` is the local time of day.
    pub(super) fn write(&self, text: &mut String, clock: &str) -> fmt::Result {
        match self {
            Self::Foreign { port, holder } => {
                write!(text, "warning · port {port} belongs to {holder}, not to this service")
            }
            Self::Taken { service, port, holder } => {
                let taken = port_is_taken(*port, holder);
                write!(text, "{service} {taken} · stop it, or give this service another port · {clock}")
            }
            Self::Moved { service, port, from, holder } => {
                write!(text, "{service} has port {port} · {from} is in use by {holder} · {clock}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Marker;

    #[test]
    fn ports_are_told_as_the_documentation_shows_it() {
        let holder = || String::from("python3 (pid 20267, ~/shop)");
        let service = || ServiceName::from("api");
        for (marker, line) in [
            (
                PortMarker::Taken { service: service(), port: 8155, holder: holder() },
                "── api cannot have port 8155: python3 (pid 20267, ~/shop) listens on it · stop it, or give this service \
                 another port · 14:02:11 ──",
            ),
            (
                PortMarker::Moved { service: service(), port: 24_818, from: 24_817, holder: holder() },
                "── api has port 24818 · 24817 is in use by python3 (pid 20267, ~/shop) · 14:02:11 ──",
            ),
            (
                PortMarker::Foreign { port: 8155, holder: holder() },
                "── warning · port 8155 belongs to python3 (pid 20267, ~/shop), not to this service ──",
            ),
        ] {
            assert_eq!(Marker::Port(marker).line("14:02:11"), line);
        }
    }
}
