//! Learning that a process has ended without asking again and again: a handle that becomes readable.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

#[cfg(target_os = "linux")]
use crate::portable::is_linux;

/// A handle that becomes readable when this child of ours has ended. It is not reaped.
///
/// # Errors
/// Neither the kernel nor a thread can wait for it.
pub(super) fn of_child(pid: Pid) -> io::Result<OwnedFd> {
    match of_any(pid) {
        Some(handle) => Ok(handle),
        None => by_thread(pid),
    }
}

/// A handle that becomes readable when this process, whosever child it is, has ended. `None` where the kernel has no
/// such thing, or if it has ended already.
#[cfg(target_os = "linux")]
pub(super) fn of_any(pid: Pid) -> Option<OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    is_linux().then(|| pidfd_open(pid, PidfdFlags::empty()).ok()).flatten()
}

/// There is none.
#[cfg(not(target_os = "linux"))]
pub(super) fn of_any(_pid: Pid) -> Option<OwnedFd> {
    None
}

/// The same by a thread that waits and then closes its end of a pair.
fn by_thread(pid: Pid) -> io::Result<OwnedFd> {
    let (ours, theirs) = UnixStream::pair()?;
    thread::Builder::new().name("exit".into()).stack_size(64 << 10).spawn(move || {
        let _closed_at_the_end = theirs;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
    })?;
    Ok(ours.into())
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn becomes_readable(handle: &OwnedFd, within: Duration) -> bool {
        let timeout = Timespec::try_from(within).unwrap();
        poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&timeout)).unwrap() > 0
    }

    #[test]
    fn the_handle_tells_the_end_and_leaves_the_reaping_to_others() {
        for by in [of_child, by_thread] {
            let mut child = Command::new("sleep").arg("60").spawn().unwrap();
            let handle = by(Pid::from_child(&child)).unwrap();
            assert!(!becomes_readable(&handle, Duration::ZERO));
            child.kill().unwrap();
            assert!(becomes_readable(&handle, Duration::from_secs(5)));
            assert!(child.wait().is_ok());
        }
    }
}
