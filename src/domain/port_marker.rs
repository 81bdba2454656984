//! What a service's log says of its ports.

use std::fmt::{self, Write};

use super::{ServiceName, port_is_taken};

/// A port of a service is not as the service needs it. Who has a port is told for people: `node (pid 123, ~/other/shop)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortMarker {
    /// The port by which it became ready is listened to by somebody else.
    Foreign {
        /// Number of the TCP port.
        port: u16,
        /// Who listens, as far as can be seen.
        holder: String,
    },
    /// It was taken before the service was started: who answers there is somebody else.
    Taken {
        /// The service that is to have it.
        service: ServiceName,
        /// Number of the TCP port.
        port: u16,
        /// Who has it.
        holder: String,
    },
    /// An `"auto"` port is another one than usual.
    Moved {
        /// The service that has it.
        service: ServiceName,
        /// Number of the TCP port.
        port: u16,
        /// The one that it would have had.
        from: u16,
        /// Who has that one.
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
