//! Who listens on a port, and on which ports the processes of a run listen: from `/proc`, where there is one.
//!
//! A program that cannot bind its port because an old one still has it looks ready from outside: the old one answers.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use rustix::process::Pid;

use super::reach;
use crate::domain::{visible, visible_path};
use crate::portable::is_linux;
use crate::process_tree::{self, Process};

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
    /// Whose it is, by the number of the user.
    user: u32,
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

/// Who listens on this port, on whichever address, for people; `None` if nobody does.
pub fn listener_on(port: u16) -> Option<String> {
    if !has_tables() {
        return reach::loopbacks(port).iter().any(reach::answers).then(|| INVISIBLE.into());
    }
    let sockets = numbers(listening().iter().filter(|socket| socket.port == port));
    (!sockets.is_empty()).then(|| holder_of(&sockets))
}

/// Whether this process, or one below it, listens on this port.
pub fn listens_below(port: u16, root: u32) -> bool {
    let Some(root) = i32::try_from(root).ok().and_then(Pid::from_raw) else { return false };
    let below: Vec<i32> = process_tree::Tree::read().below([root]).iter().map(|one| one.pid.as_raw_pid()).collect();
    who_listens(port, &below) == Listener::Ours
}

/// Who keeps a program of this machine from listening on this port of it, for people; `None` if nobody does. Who listens on
/// another address alone, as some name servers do, keeps nobody from it.
pub(super) fn holder_on_localhost(port: u16) -> Option<String> {
    if !has_tables() {
        return listener_on(port);
    }
    let listening = listening();
    let serving = reach::loopbacks(port).into_iter().flat_map(|address| serving(&listening, address));
    let sockets = numbers(&serving.collect::<Vec<_>>());
    (!sockets.is_empty()).then(|| holder_of(&sockets))
}

/// Who it is, where only its answer is seen.
pub(super) const INVISIBLE: &str = "a process that is not visible from here";

/// The system tells who listens.
fn has_tables() -> bool {
    is_linux() && fs::metadata("/proc/net/tcp").is_ok()
}

/// The numbers of sockets.
pub(super) fn numbers<'a>(sockets: impl IntoIterator<Item = &'a Socket>) -> BTreeSet<u64> {
    sockets.into_iter().map(|socket| socket.number).collect()
}

/// The first process that has one of these sockets, for people; but not one that has it from its parent: the workers of a
/// server, or a fork that has not become another program yet.
pub(super) fn holder_of(sockets: &BTreeSet<u64>) -> String {
    let pids = process_tree::pids().into_iter();
    let holders = pids.filter(|pid| has_one_of(pid.as_raw_pid(), sockets)).filter_map(Process::of);
    let holders: Vec<_> = holders.map(|process| (process.pid.as_raw_pid(), process.parent)).collect();
    let Some(pid) = first_holder(&holders) else { return stranger(sockets) };
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    let name = visible(String::from_utf8_lossy(&name).trim_end()).into_owned();
    match fs::read_link(format!("/proc/{pid}/cwd")).ok().filter(|folder| folder != Path::new("/")) {
        Some(folder) => format!("{name} (pid {pid}, {})", from_home(&folder, std::env::var_os("HOME").as_deref())),
        None => format!("{name} (pid {pid})"),
    }
}

/// The first of these processes whose parent is none of them. Each is given with its parent.
fn first_holder(holders: &[(i32, i32)]) -> Option<i32> {
    let is_holder = |pid: i32| holders.iter().any(|(other, _)| *other == pid);
    holders.iter().find(|(_, parent)| !is_holder(*parent)).map(|(pid, _)| *pid)
}

/// Whoever has one of these sockets and is not to be looked into.
fn stranger(sockets: &BTreeSet<u64>) -> String {
    let ours = rustix::process::getuid().as_raw();
    let users = listening().into_iter().filter(|socket| sockets.contains(&socket.number)).map(|socket| socket.user);
    match users.into_iter().find(|user| *user != ours) {
        Some(0) => "a process of root".into(),
        Some(user) => format!("a process of another user (uid {user})"),
        None => "a process that cannot be inspected".into(),
    }
}

/// A folder as people write it: `~/other/shop`.
fn from_home(folder: &Path, home: Option<&OsStr>) -> String {
    let below = home.filter(|home| home.len() > 1).and_then(|home| folder.strip_prefix(home).ok());
    match below {
        Some(rest) if rest.as_os_str().is_empty() => "~".into(),
        Some(rest) => format!("~/{}", visible_path(rest)),
        None => visible_path(folder).into_owned(),
    }
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
    if !is_linux() {
        return Vec::new();
    }
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

/// Reads a line of `/proc/net/tcp` (proc_net(5)): `sl local_address rem_address st … uid timeout inode`, numbers in hexadecimal
/// but for user and inode. `0A` is TCP_LISTEN.
fn listening_socket(line: &str) -> Option<Socket> {
    let fields: Vec<&str> = line.split_ascii_whitespace().take(10).collect();
    let [_, local, _, "0A", _, _, _, user, _, number] = fields.as_slice() else { return None };
    let (address, port) = local.rsplit_once(':')?;
    Some(Socket {
        number: number.parse().ok()?,
        address: address_of(address)?,
        port: u16::from_str_radix(port, 16).ok()?,
        user: user.parse().ok()?,
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
    fn a_server_is_named_and_none_of_its_workers() {
        assert_eq!(first_holder(&[]), None);
        assert_eq!(first_holder(&[(7, 1), (8, 7), (9, 7)]), Some(7));
        assert_eq!(first_holder(&[(7, 9), (8, 9), (9, 1)]), Some(9), "numbers of processes begin anew");
        assert_eq!(first_holder(&[(7, 5), (8, 7)]), Some(7), "its parent has no such socket");
    }

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
        let socket =
            |number: u64, address: &str| Socket { number, address: address.parse().unwrap(), port: 80, user: 0 };
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

    #[test]
    fn a_folder_is_told_from_the_home_folder_on() {
        let told = |folder: &str| from_home(Path::new(folder), Some(OsStr::new("/home/ann")));
        assert_eq!(told("/home/ann/other/shop"), "~/other/shop");
        assert_eq!((told("/home/ann"), told("/home/anna")), ("~".into(), "/home/anna".into()));
        assert_eq!(from_home(Path::new("/srv"), Some(OsStr::new("/"))), "/srv", "that of root in a container");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whoever_listens_is_told_from_others() {
        use std::net::TcpListener;
        use std::time::{Duration, Instant};
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let us = std::process::id();
        let ours = [i32::try_from(us).unwrap()];
        assert_eq!(who_listens(port, &ours), Listener::Ours);
        assert!(listens_below(port, us) && !listens_below(port, u32::MAX) && !listens_below(port, 0));
        assert!(ports(&ours).contains(&port) && ports(&[]).is_empty());
        let Listener::Foreign(holder) = who_listens(port, &[]) else { panic!("it is somebody else's then") };
        assert!(holder.contains(&format!(" (pid {us}, ")), "{holder}");
        assert_eq!(listener_on(port), Some(holder.clone()));
        assert_eq!(holder_on_localhost(port), Some(holder));
        drop(listener);
        // A child that another test has just started keeps the port open until it executes its program.
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match who_listens(port, &ours) {
                Listener::Unknown => break,
                still => assert!(Instant::now() < deadline, "port {port} is still open after 30 s: {still:?}"),
            }
            std::thread::yield_now();
        }
    }
}
