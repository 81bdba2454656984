//! Who listens on a port, and on which ports the processes of a run listen: from `/proc`, where there is one.
//!
//! A program that cannot bind its port because an old one still has it looks ready from outside: the old one answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Who listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    /// A process of the run.
    Ours,
    /// Somebody else, for people: `node, pid 123`.
    Foreign(String),
    /// The system does not tell.
    Unknown,
}

/// Who listens on this port, if these are the processes of the run.
pub(super) fn who_listens(port: u16, run: &[i32]) -> Listener {
    let sockets: BTreeSet<u64> =
        listening().into_iter().filter(|(_, its)| *its == port).map(|(socket, _)| socket).collect();
    if sockets.is_empty() {
        return Listener::Unknown;
    }
    let holds = |pid: i32| sockets_of(pid).iter().any(|socket| sockets.contains(socket));
    if run.iter().copied().any(holds) {
        return Listener::Ours;
    }
    Listener::Foreign(holder_of(&sockets))
}

/// Who listens on this port, for people; `None` if nobody does, or if the system does not tell.
pub fn listener_on(port: u16) -> Option<String> {
    let sockets: BTreeSet<u64> =
        listening().into_iter().filter(|(_, its)| *its == port).map(|(socket, _)| socket).collect();
    (!sockets.is_empty()).then(|| holder_of(&sockets))
}

/// The first process that has one of these sockets.
fn holder_of(sockets: &BTreeSet<u64>) -> String {
    let holder = processes().find(|&pid| sockets_of(pid).iter().any(|socket| sockets.contains(socket)));
    holder.map_or_else(
        || "a process of another user".into(),
        |pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            format!("{}, pid {pid}", name.trim_end())
        },
    )
}

/// The ports that these processes listen on, each once.
pub(super) fn ports(run: &[i32]) -> Vec<u16> {
    let listening = listening();
    if listening.is_empty() {
        return Vec::new();
    }
    let sockets = run.iter().copied().flat_map(sockets_of);
    let ports: BTreeSet<u16> = sockets.filter_map(|socket| listening.get(&socket).copied()).collect();
    ports.into_iter().collect()
}

/// All processes, of whomever.
fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The sockets that a process has open, by number; none if it is not to be looked into.
fn sockets_of(pid: i32) -> Vec<u64> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

/// The listening TCP sockets of this network namespace: number and port.
fn listening() -> BTreeMap<u64, u16> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|table| fs::read_to_string(table).ok());
    tables.flat_map(|table| table.lines().filter_map(listening_socket).collect::<Vec<_>>()).collect()
}

/// Reads a line of `/proc/net/tcp` (proc_net(5)): `sl local_address rem_address st … inode`, numbers in hexadecimal but
/// for the inode. `0A` is TCP_LISTEN.
fn listening_socket(line: &str) -> Option<(u64, u16)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().take(10).collect();
    let [_, local, _, "0A", .., socket] = fields.as_slice() else { return None };
    let (_, port) = local.rsplit_once(':')?;
    Some((socket.parse().ok()?, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_line_tells_socket_and_port_of_those_that_listen() {
        let v4 =
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000";
        let v6 = "   1: 00000000000000000000000001000000:0050 0000:0000 0A 0:0 00:0 0 0 0 42 1 0";
        assert_eq!(listening_socket(v4), Some((4711, 8080)));
        assert_eq!(listening_socket(v6), Some((42, 80)));
        assert_eq!(listening_socket(&v4.replace(" 0A ", " 01 ")), None, "a connection");
        for junk in ["", "sl local_address rem_address st", "0: x 0 0A 0 0 0 0 0 1"] {
            assert_eq!(listening_socket(junk), None);
        }
    }

    fn holder_of(listener: Listener) -> Option<u32> {
        let Listener::Foreign(holder) = listener else { return None };
        holder.rsplit(' ').next()?.parse().ok()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whoever_listens_is_told_from_others() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let us = std::process::id();
        let ours = [i32::try_from(us).unwrap()];
        assert_eq!(who_listens(port, &ours), Listener::Ours);
        assert!(ports(&ours).contains(&port) && ports(&[]).is_empty());
        assert_eq!(holder_of(who_listens(port, &[])), Some(us));
        drop(listener);
        assert_eq!(who_listens(port, &ours), Listener::Unknown);
    }
}
