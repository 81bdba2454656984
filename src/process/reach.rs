//! Connecting to a service, and to nobody who was there before its run began: a program that cannot bind its port because
//! another project has it would look ready, since the other one answers.
//!
//! A listener is known by the number of its socket, which tells old ones from new ones whoever has them. What the tables of
//! the system do not show (a port that is forwarded into a container; a system without `/proc`) is known by whether it
//! answered before the start.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;

use super::listener::{self, Socket};
use crate::domain::port_is_taken;
use crate::process_tree::Tree;

/// An address of our own that has not answered after this time does not answer.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Who listened before a run began.
#[derive(Debug)]
pub(super) struct Earlier {
    state: Mutex<EarlierState>,
    /// Tells who was started by this group.
    ours: fn() -> Vec<i32>,
}

/// Those of them that are still there.
#[derive(Debug, Default)]
struct EarlierState {
    /// The port of each socket.
    sockets: BTreeMap<u64, u16>,
    /// What answered, though no table has it.
    unseen: BTreeSet<SocketAddr>,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nobody takes it.
    Refused,
    /// Somebody does who was there before the run.
    Taken {
        /// Number of the port that was tried.
        port: u16,
        /// Who, for people: `node (pid 123, ~/other/shop)`.
        holder: String,
    },
}

impl fmt::Display for Refusal {
    /// To be read behind the address, or by itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused"),
            Self::Taken { port, holder } => f.write_str(&port_is_taken(*port, holder)),
        }
    }
}

/// Both addresses of this machine for itself. `localhost` is both, whatever the hosts file says (RFC 6761, 6.3).
pub(super) fn loopbacks(port: u16) -> [SocketAddr; 2] {
    [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)].map(|ip| SocketAddr::new(ip, port))
}

/// Connects to the first of these addresses at which somebody answers who was not there before.
///
/// # Errors
/// Nobody does. If somebody does who was there before, it is he who is told.
pub(super) async fn connect(
    addresses: impl IntoIterator<Item = SocketAddr>,
    earlier: &Earlier,
) -> Result<TcpStream, Refusal> {
    let mut refusal = Refusal::Refused;
    for address in addresses {
        match connect_to(address, earlier).await {
            Ok(stream) => return Ok(stream),
            Err(Refusal::Refused) => {}
            Err(taken) => refusal = taken,
        }
    }
    Err(refusal)
}

async fn connect_to(address: SocketAddr, earlier: &Earlier) -> Result<TcpStream, Refusal> {
    let stream = match TcpStream::connect(address).await {
        Ok(stream) if !is_itself(&stream.local_addr(), &stream.peer_addr()) => stream,
        Err(error) if error.kind() != ErrorKind::ConnectionRefused => return Err(Refusal::Refused),
        Ok(_) | Err(_) => {
            earlier.refused(address);
            return Err(Refusal::Refused);
        }
    };
    match (stream.local_addr(), stream.peer_addr()) {
        // A connection within this machine has one address at both ends.
        (Ok(ours), Ok(peer)) if ours.ip() == peer.ip() => earlier.check_peer(peer, &listener::listening())?,
        _ => {}
    }
    Ok(stream)
}

/// Whether a connection is one with itself. Linux does that when nobody listens on a port of the range that it takes
/// outgoing ports from: it may pick the very port that it connects to.
fn is_itself(ours: &std::io::Result<SocketAddr>, theirs: &std::io::Result<SocketAddr>) -> bool {
    matches!((ours, theirs), (Ok(ours), Ok(theirs)) if ours == theirs)
}

/// The processes that this group has started.
pub(super) fn ours() -> Vec<i32> {
    Tree::read().below_us().iter().map(|process| process.pid.as_raw_pid()).collect()
}

impl Default for Earlier {
    /// A run that asks for no port: nobody listened.
    fn default() -> Self {
        Self { state: Mutex::default(), ours }
    }
}

impl Earlier {
    /// Who listens now on these ports. Blocks for a moment only.
    pub(super) fn listening_on(ports: &[u16]) -> Self {
        let mut state = EarlierState::default();
        let listening = if ports.is_empty() { Vec::new() } else { listener::listening() };
        for &port in ports {
            let there = listening.iter().filter(|socket| socket.port == port);
            state.sockets.extend(there.clone().map(|socket| (socket.number, port)));
            if there.count() == 0 {
                state.unseen.extend(loopbacks(port).into_iter().filter(answers));
            }
        }
        Self { state: Mutex::new(state), ours }
    }

    fn state(&self) -> MutexGuard<'_, EarlierState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever answered there before is gone.
    fn refused(&self, address: SocketAddr) {
        self.state().unseen.remove(&address);
    }

    /// Whether a connection to this address of ours was taken by somebody who came after the start, while these listen.
    ///
    /// Whoever is below us was started by this group, and is meant: a service may be looked at through the one before it.
    fn check_peer(&self, peer: SocketAddr, listening: &[Socket]) -> Result<(), Refusal> {
        let port = peer.port();
        let mut state = self.state();
        let some_were_seen = state.sockets.values().any(|its| *its == port);
        let open = listener::numbers(listening);
        state.sockets.retain(|number, _| open.contains(number));
        let serving = listener::serving(listening, peer);
        if serving.is_empty() {
            return match (some_were_seen, state.unseen.contains(&peer)) {
                // It has just been closed.
                (true, _) => Err(Refusal::Refused),
                (false, true) => Err(Refusal::Taken { port, holder: listener::INVISIBLE.into() }),
                (false, false) => Ok(()),
            };
        }
        if serving.iter().any(|socket| !state.sockets.contains_key(&socket.number)) {
            return Ok(());
        }
        drop(state);
        let sockets = listener::numbers(&serving);
        if (self.ours)().into_iter().any(|pid| listener::has_one_of(pid, &sockets)) {
            return Ok(());
        }
        Err(Refusal::Taken { port, holder: listener::holder_of(&sockets) })
    }
}

/// Whether somebody takes connections there.
pub(super) fn answers(address: &SocketAddr) -> bool {
    let stream = std::net::TcpStream::connect_timeout(address, AT_ONCE);
    stream.is_ok_and(|stream| !is_itself(&stream.local_addr(), &stream.peer_addr()))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn listen(address: &str) -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// Children of the tests beside these hold all sockets until they execute, and would be taken for services.
    fn earlier_on(port: u16) -> Earlier {
        Earlier { ours: Vec::new, ..Earlier::listening_on(&[port]) }
    }

    fn judged(earlier: &Earlier, peer: SocketAddr) -> Result<(), Refusal> {
        earlier.check_peer(peer, &listener::listening())
    }

    #[test]
    fn who_listened_before_is_told_from_who_came_later() {
        if listener::listening().is_empty() && cfg!(not(target_os = "linux")) {
            return;
        }
        let (first, address) = listen("127.0.0.1:0");
        let earlier = earlier_on(address.port());
        let us = format!("(pid {}, ", std::process::id());
        let taken = judged(&earlier, address).unwrap_err().to_string();
        let begins = format!("cannot have port {}: ", address.port());
        assert!(taken.starts_with(&begins) && taken.contains(&us) && taken.ends_with(" listens on it"), "{taken}");
        assert_eq!(judged(&Earlier::listening_on(&[]), address), Ok(()), "a run that asks for no port");
        drop(first);
        // A test beside this one that makes a process holds it for a moment.
        while !listener::serving(&listener::listening(), address).is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(judged(&earlier, address), Err(Refusal::Refused), "just closed");
        assert_eq!(judged(&earlier, address), Ok(()), "somebody else, whom no table shows");
        let (_later, later) = listen(&address.to_string());
        assert_eq!(judged(&earlier, later), Ok(()));
    }

    #[test]
    fn what_no_table_shows_is_known_by_its_answer_before_the_start() {
        let (listener, address) = listen("127.0.0.1:0");
        let earlier = Earlier::default();
        earlier.state().unseen.extend([address].into_iter().filter(answers));
        let taken = earlier.check_peer(address, &[]);
        assert!(matches!(taken, Err(Refusal::Taken { port, .. }) if port == address.port()), "{taken:?}");
        drop(listener);
        assert!(!answers(&address));
        earlier.refused(address);
        assert_eq!(earlier.check_peer(address, &[]), Ok(()));
    }

    #[tokio::test]
    async fn either_loopback_address_will_do_and_the_one_that_was_there_before_will_not() {
        let (_old, old) = listen("127.0.0.1:0");
        let earlier = earlier_on(old.port());
        let refusal = connect(loopbacks(old.port()), &earlier).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Taken { .. }), "{refusal:?}");
        let Ok(_ours) = TcpListener::bind(("::1", old.port())) else { return };
        let stream = connect(loopbacks(old.port()), &earlier).await.unwrap();
        assert!(stream.peer_addr().unwrap().is_ipv6());
    }
}
