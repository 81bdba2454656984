//! Notifications of a run by sd_notify(3): a socket for each run, `READY=1`, `STATUS=…` and `WATCHDOG=1`.
//!
//! Whoever knows the address can write there, so the kernel is asked who has (`SCM_CREDENTIALS`): only processes of the run
//! count, as with systemd's `NotifyAccess=all`. The socket is a file beside the control socket, which also those find that
//! know no other kind and those in another network namespace; where there is no place for a file, it is a name.

use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use tokio::io::Interest;
use tokio::time::sleep;

use super::live_run::LiveRun;
use crate::domain::{RunReport, visible, without_secrets};
use crate::portable::is_linux;

/// What a run is to know of its notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Where there is room for sockets, if there is.
    pub folder: Option<PathBuf>,
    /// How often it is to send `WATCHDOG=1`, if it is.
    pub watchdog: Option<Duration>,
}

/// Bytes of a message: systemd takes no more either.
const LONGEST: usize = 4096;

/// Descriptors that may come with a message. They are closed, which is what `BARRIER=1` waits for.
#[cfg(target_os = "linux")]
const DESCRIPTORS: usize = 16;

/// Characters of a status that are shown.
const SHOWN: usize = 200;

/// After what was there has been read: who writes without end must not keep us busy.
const REST: Duration = Duration::from_millis(20);

/// The extension of the sockets that are files.
const EXTENSION: &str = "notify";

/// The socket of a run. Its file is removed with it.
#[derive(Debug)]
pub(super) struct NotifySocket {
    socket: UnixDatagram,
    address: OsString,
    file: Option<PathBuf>,
}

impl NotifySocket {
    /// Opens a socket for a run. `folder`: where there is room for its file, if there is.
    ///
    /// # Errors
    /// The system's; it may have no way to tell who has written.
    pub(super) fn open(folder: Option<&Path>) -> io::Result<Self> {
        if !is_linux() {
            let unknown = "this system does not tell who sends a notification";
            return Err(io::Error::new(io::ErrorKind::Unsupported, unknown));
        }
        /// One for each run.
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let file = folder.map(|folder| folder.join(format!("{name}.{EXTENSION}")));
        let (socket, address) = match &file {
            Some(file) => {
                file.parent().into_iter().for_each(sweep);
                let _ = std::fs::remove_file(file);
                (UnixDatagram::bind(file)?, file.clone().into_os_string())
            }
            None => imp::bind_name(&format!("devgroup/{EXTENSION}/{name}"))?,
        };
        let opened = Self { socket, address, file };
        imp::ask_who_writes(&opened.socket)?;
        opened.socket.set_nonblocking(true)?;
        Ok(opened)
    }

    /// By which the run finds it, and what it is asked for. No `WATCHDOG_PID`: whichever of its processes it likes may write.
    pub(super) fn variables(&self, watchdog: Option<Duration>) -> Vec<(OsString, OsString)> {
        let watchdog = watchdog.map(|every| ("WATCHDOG_USEC".into(), every.as_micros().to_string().into()));
        std::iter::once(("NOTIFY_SOCKET".into(), self.address.clone())).chain(watchdog).collect()
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Somebody may have cleaned up.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Removes what programs have left that were killed.
fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_ours = path.extension().is_some_and(|extension| extension == EXTENSION);
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let pid = name.split('-').next().and_then(|pid| Pid::from_raw(pid.parse().ok()?));
        if is_ours && pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH)) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Listens for as long as the leader of the run lives. `for_ready`: `READY=1` makes it ready.
pub(super) async fn listen(opened: NotifySocket, for_ready: bool, live: Arc<LiveRun>) {
    let socket = opened.socket.try_clone().and_then(tokio::net::UnixDatagram::from_std);
    let socket = match socket {
        Ok(socket) => socket,
        Err(error) => return log::warn!("{}: no notifications: {error}", live.service),
    };
    let (mut strangers, mut status) = (false, String::new());
    let mut buffer = [0; LONGEST];
    while socket.readable().await.is_ok() {
        let mut said = Said::default();
        while let Ok(message) = socket.try_io(Interest::READABLE, || imp::receive(&socket, &mut buffer)) {
            let Message { length, sender } = message;
            if sender.is_some_and(|sender| live.has_member(sender)) {
                said.take(buffer.get(..length).unwrap_or_default());
            } else if !std::mem::replace(&mut strangers, true) {
                log::warn!(
                    "{}: a notification was ignored: its sender is not one of its processes, or has ended",
                    live.service
                );
            }
        }
        if said.ready && for_ready {
            live.become_ready();
        }
        if said.beat {
            live.beat();
        }
        if let Some(new) = said.status.filter(|new| *new != status) {
            live.report(RunReport::StatusText(new.as_str().into()));
            status = new;
        }
        sleep(REST).await;
    }
}

/// A message that has come.
struct Message {
    length: usize,
    /// Who has written it, as the kernel says.
    sender: Option<i32>,
}

/// What the messages that were there have said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    ready: bool,
    beat: bool,
    /// The last one.
    status: Option<String>,
}

impl Said {
    /// Takes a message in: lines of `NAME=value`. What is not known is left.
    fn take(&mut self, message: &[u8]) {
        for line in String::from_utf8_lossy(message).lines() {
            match line.split_once('=') {
                Some(("READY", "1")) => self.ready = true,
                Some(("WATCHDOG", "1")) => self.beat = true,
                Some(("STATUS", text)) => {
                    let text = without_secrets(text.trim());
                    self.status = Some(visible(&text).chars().take(SHOWN).collect());
                }
                _ => {}
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::ffi::OsString;
    use std::io::{self, IoSliceMut};
    use std::os::fd::{AsRawFd, RawFd};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg};

    use super::{DESCRIPTORS, Message};

    pub(super) fn bind_name(name: &str) -> io::Result<(UnixDatagram, OsString)> {
        let address = SocketAddr::from_abstract_name(name)?;
        Ok((UnixDatagram::bind_addr(&address)?, format!("@{name}").into()))
    }

    pub(super) fn ask_who_writes(socket: &UnixDatagram) -> io::Result<()> {
        Ok(rustix::net::sockopt::set_socket_passcred(socket, true)?)
    }

    pub(super) fn receive(socket: &impl AsRawFd, buffer: &mut [u8]) -> io::Result<Message> {
        let mut parts = [IoSliceMut::new(buffer)];
        let mut space = nix::cmsg_space!(UnixCredentials, [RawFd; DESCRIPTORS]);
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
        let mut sender = None;
        // With more descriptors than there is room for, nobody knows who has sent them.
        for part in message.cmsgs().into_iter().flatten() {
            match part {
                ControlMessageOwned::ScmCredentials(who) => sender = Some(who.pid()),
                ControlMessageOwned::ScmRights(descriptors) => {
                    for descriptor in descriptors {
                        // It is closed, whatever the system says.
                        let _ = nix::unistd::close(descriptor);
                    }
                }
                _ => {}
            }
        }
        let is_whole = !message.flags.contains(MsgFlags::MSG_TRUNC);
        Ok(Message { length: message.bytes, sender: sender.filter(|_| is_whole) })
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::ffi::OsString;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixDatagram;

    use super::Message;

    pub(super) fn bind_name(_: &str) -> io::Result<(UnixDatagram, OsString)> {
        Err(unsupported())
    }

    pub(super) fn ask_who_writes(_: &UnixDatagram) -> io::Result<()> {
        Err(unsupported())
    }

    pub(super) fn receive(_: &impl AsRawFd, _: &mut [u8]) -> io::Result<Message> {
        Err(unsupported())
    }

    fn unsupported() -> io::Error {
        io::ErrorKind::Unsupported.into()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::fd::AsRawFd;

    use nix::sys::socket::MsgFlags;

    use super::imp::receive;
    use super::*;

    #[test]
    fn a_message_is_lines_and_the_last_status_counts() {
        let mut said = Said::default();
        said.take(b"STATUS=Loading\nREADY=0\nMAINPID=7");
        assert_eq!(said, Said { status: Some("Loading".into()), ..Said::default() });
        said.take(b"READY=1\nSTATUS= 3 of 7 \xff\x1b[31m\nWATCHDOG=1\n");
        assert_eq!((said.ready, said.beat), (true, true));
        assert_eq!(said.status.as_deref(), Some("3 of 7 \u{fffd}\\u{1b}[31m"));
        said.take(format!("STATUS={}", "x".repeat(3000)).as_bytes());
        assert_eq!(said.status.map(|status| status.len()), Some(SHOWN));
        let mut junk = Said::default();
        for message in [&b""[..], b"=", b"READY", b"READY=1x", b"WATCHDOG=trigger", b"\0\0", b"ready=1"] {
            junk.take(message);
        }
        assert_eq!(junk, Said::default());
    }

    #[test]
    fn the_kernel_says_who_has_written_and_descriptors_are_closed() {
        let folder = tempfile::tempdir().unwrap();
        for place in [Some(folder.path()), None] {
            let opened = NotifySocket::open(place).unwrap();
            let [(_, address)] = &opened.variables(None)[..] else { panic!("one variable") };
            let sender = UnixDatagram::unbound().unwrap();
            match address.to_str().unwrap().strip_prefix('@') {
                Some(name) => {
                    use std::os::linux::net::SocketAddrExt;
                    let name = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
                    sender.connect_addr(&name).unwrap();
                }
                None => sender.connect(address).unwrap(),
            }
            let mut buffer = [0; LONGEST];
            sender.send(b"READY=1").unwrap();
            let message = receive(&opened.socket, &mut buffer).unwrap();
            assert_eq!((&buffer[..message.length], message.sender), (&b"READY=1"[..], Some(std::process::id() as i32)));
            let (barrier, other_end) = std::os::unix::net::UnixStream::pair().unwrap();
            let descriptors = [other_end.as_raw_fd()];
            let rights = [nix::sys::socket::ControlMessage::ScmRights(&descriptors)];
            let parts = [io::IoSlice::new(b"BARRIER=1")];
            nix::sys::socket::sendmsg::<()>(sender.as_raw_fd(), &parts, &rights, MsgFlags::empty(), None).unwrap();
            drop(other_end);
            assert!(receive(&opened.socket, &mut buffer).unwrap().sender.is_some());
            assert_eq!(io::Read::read(&mut &barrier, &mut [0]).unwrap(), 0, "nobody holds the other end");
            sender.send(&[b'x'; LONGEST + 1]).unwrap();
            assert!(receive(&opened.socket, &mut buffer).unwrap().sender.is_none(), "it is cut");
            assert_eq!(receive(&opened.socket, &mut buffer).err().map(|e| e.kind()), Some(io::ErrorKind::WouldBlock));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file goes with the socket");
    }

    #[test]
    fn what_a_killed_program_has_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["2147483646-1.notify", "2147483646-1.sock", "x-1.notify"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let opened = NotifySocket::open(Some(folder.path())).unwrap();
        let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.retain(|name| Some(name.as_os_str()) != opened.file.as_ref().unwrap().file_name());
        left.sort();
        assert_eq!(left, ["2147483646-1.sock", "x-1.notify"]);
    }

    #[test]
    fn fuzz_of_notifications() {
        const SEEDS: [&[u8]; 4] = [
            b"READY=1\nSTATUS=3 of 7\nWATCHDOG=1\n",
            b"STATUS=token=ghp_0123456789abcdefghijklmnopqrstuvwxyz\x1b[31m",
            b"RELOADING=1\nMONOTONIC_USEC=18446744073709551616\nMAINPID=-1",
            b"STATUS=\xe2\x80\xae\xff\n\nREADY=1\0WATCHDOG=trigger",
        ];
        crate::fuzz::run("notifications", 3_000, &SEEDS, |bytes| {
            let mut said = Said::default();
            said.take(bytes);
            let status = said.status.as_deref().unwrap_or_default();
            assert!(status.chars().count() <= SHOWN && !status.contains(crate::domain::misleads), "{status:?}");
            (said.ready, said.beat, status.chars().count().min(3))
        });
    }
}
