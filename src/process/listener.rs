//! Who listens on a port, and on which ports the processes of a run listen: from `/proc`, where there is one.
//!
//! A program that cannot bind its port because an old one still has it looks ready from outside: the old one answers.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::domain::visible;
use crate::process_tree;

/// Who listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    /// One of these processes.
    Ours,
    /// Somebody else, for people: `node (pid 123)`.
    Foreign(String),
    /// The system does not tell.
    Unknown,
}

/// A TCP socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    /// Its number, which no other socket has as long as it is open.
    pub(super) number: u64,
    address: IpAddr,
    pub(super) port: u16,
}

/// Who listens on this port, if these processes are ours.
pub(super) fn who_listens(port: u16, ours: &[i32]) -> Listener {
    let sockets = numbers(listening().iter().filter(|socket| socket.port == port));
    if sockets.is_empty() {
        Listener::Unknown
    } else if ours.iter().any(|&pid| has_one_of(pid, &sockets)) {
        Listener::Ours
    } else {
        Listener::Foreign(holder_of(&sockets))
    }
}

/// Who listens on this port, for people; `None` if nobody does, or if the system does not tell.
pub fn listener_on(port: u16) -> Option<String> {
    let sockets = numbers(listening().iter().filter(|socket| socket.port == port));
    (!sockets.is_empty()).then(|| holder_of(&sockets))
}

/// The numbers of sockets.
pub(super) fn numbers<'a>(sockets: impl IntoIterator<Item = &'a Socket>) -> BTreeSet<u64> {
    sockets.into_iter().map(|socket| socket.number).collect()
}

/// The first process that has one of these sockets, for people.
pub(super) fn holder_of(sockets: &BTreeSet<u64>) -> String {
    let holder = process_tree::pids().into_iter().map(|pid| pid.as_raw_pid()).find(|&pid| has_one_of(pid, sockets));
    holder.map_or_else(
        || "a process that cannot be inspected".into(),
        |pid| {
            let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
            format!("{} (pid {pid})", visible(String::from_utf8_lossy(&name).trim_end()))
        },
    )
}

/// The ports that these processes listen on, each once.
pub(super) fn ports(run: &[i32]) -> Vec<u16> {
    let listening = listening();
    if listening.is_empty() {
        return Vec::new();
    }
    let sockets: BTreeSet<u64> = run.iter().copied().flat_map(sockets_of).collect();
    let theirs = listening.iter().filter(|socket| sockets.contains(&socket.number));
    theirs.map(|socket| socket.port).collect::<BTreeSet<u16>>().into_iter().collect()
}

/// Whether a process has one of these sockets open; not if it is not to be looked into.
pub(super) fn has_one_of(pid: i32, sockets: &BTreeSet<u64>) -> bool {
    sockets_of(pid).iter().any(|socket| sockets.contains(socket))
}

/// The sockets that a process has open, by number; none if it is not to be looked into.
fn sockets_of(pid: i32) -> Vec<u64> {
    if !process_tree::is_proc_ours() {
        return Vec::new();
    }
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

/// The listening TCP sockets of this network namespace; none where the system does not tell.
pub(super) fn listening() -> Vec<Socket> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|table| fs::read_to_string(table).ok());
    tables.flat_map(|table| table.lines().filter_map(listening_socket).collect::<Vec<_>>()).collect()
}

/// Those of these sockets that a connection to this address may have reached. One of IPv6 takes connections by IPv4 only
/// where none of IPv4 does: otherwise it could not have been bound.
pub(super) fn serving(sockets: &[Socket], peer: SocketAddr) -> Vec<Socket> {
    let to = peer.ip().to_canonical();
    let on_port = || sockets.iter().filter(|socket| socket.port == peer.port());
    let takes = |socket: &&Socket| {
        let at = socket.address.to_canonical();
        at == to || at.is_unspecified() && at.is_ipv4() == to.is_ipv4()
    };
    let same: Vec<Socket> = on_port().filter(takes).copied().collect();
    if !same.is_empty() || to.is_ipv6() {
        return same;
    }
    on_port().filter(|socket| socket.address == IpAddr::V6(Ipv6Addr::UNSPECIFIED)).copied().collect()
}

/// Reads a line of `/proc/net/tcp` (proc_net(5)): `sl local_address rem_address st … inode`, numbers in hexadecimal but
/// for the inode. `0A` is TCP_LISTEN.
fn listening_socket(line: &str) -> Option<Socket> {
    let fields: Vec<&str> = line.split_ascii_whitespace().take(10).collect();
    let [_, local, _, "0A", .., number] = fields.as_slice() else { return None };
    let (address, port) = local.rsplit_once(':')?;
    Some(Socket {
        number: number.parse().ok()?,
        address: address_of(address)?,
        port: u16::from_str_radix(port, 16).ok()?,
    })
}

/// `0100007F`: words of 32 bits, each printed as the machine reads it.
fn address_of(text: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(text.get(8 * at..8 * at + 8)?, 16).ok().map(u32::to_ne_bytes);
    if text.len() == 8 {
        return Some(IpAddr::V4(Ipv4Addr::from(word(0)?)));
    }
    let words = [word(0)?, word(1)?, word(2)?, word(3)?];
    (text.len() == 32).then(|| IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(words.concat()).unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_socket_address_and_port_of_those_that_listen() {
        let v4 =
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000";
        let v6 = "   1: 00000000000000000000000001000000:0050 0000:0000 0A 0:0 00:0 0 0 0 42 1 0";
        let found = |line: &str| listening_socket(line).map(|socket| (socket.number, socket.port));
        assert_eq!((found(v4), found(v6)), (Some((4711, 8080)), Some((42, 80))));
        #[cfg(target_endian = "little")]
        for (line, address) in [(v4, "127.0.0.1"), (v6, "::1")] {
            assert_eq!(listening_socket(line).unwrap().address, address.parse::<IpAddr>().unwrap());
        }
        assert_eq!(found(&v4.replace(" 0A ", " 01 ")), None, "a connection");
        for junk in ["", "sl local_address rem_address st", "0: x 0 0A 0 0 0 0 0 1", "0: 0100007:1 0 0A 0 0 0 0 0 1"] {
            assert_eq!(listening_socket(junk), None);
        }
    }

    #[test]
    fn a_connection_may_have_reached_those_that_are_bound_to_its_address() {
        let socket = |number: u64, address: &str| Socket { number, address: address.parse().unwrap(), port: 80 };
        let reached = |sockets: &[Socket], peer: &str| -> Vec<u64> {
            serving(sockets, peer.parse().unwrap()).iter().map(|socket| socket.number).collect()
        };
        let all = [socket(1, "127.0.0.1"), socket(2, "0.0.0.0"), socket(3, "::1"), socket(4, "::")];
        assert_eq!(reached(&all, "127.0.0.1:80"), [1, 2]);
        assert_eq!(reached(&all, "10.0.0.1:80"), [2]);
        assert_eq!(reached(&all, "[::1]:80"), [3, 4]);
        assert_eq!(reached(&all[2..], "127.0.0.1:80"), [4], "a socket of both");
        assert_eq!(reached(&[socket(5, "::ffff:127.0.0.1")], "127.0.0.1:80"), [5]);
        assert_eq!(reached(&all, "127.0.0.1:81"), [0; 0]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whoever_listens_is_told_from_others() {
        use std::net::TcpListener;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let us = std::process::id();
        let ours = [i32::try_from(us).unwrap()];
        assert_eq!(who_listens(port, &ours), Listener::Ours);
        assert!(ports(&ours).contains(&port) && ports(&[]).is_empty());
        let Listener::Foreign(holder) = who_listens(port, &[]) else { panic!("it is somebody else's then") };
        assert!(holder.ends_with(&format!(" (pid {us})")), "{holder}");
        drop(listener);
        assert_eq!(who_listens(port, &ours), Listener::Unknown);
    }
}
