//! The lock of a running group, as others see it: whether somebody holds it, and what the holder has noted in it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::abstract_socket;
use super::place::{Place, state_lock};
use crate::private;

/// A larger file is none of ours.
const LARGEST: u64 = 16 << 10;

/// What the holder of a lock has noted, a line for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockNote {
    /// The process by which the user knows the group; 0 if nothing could be noted.
    pub pid: u32,
    /// The group's name, as far as it is known.
    pub name: String,
    /// Where it can be asked, if that has a text.
    pub socket: Option<PathBuf>,
    /// Its `procgroup.toml`, if that has a text of one line.
    pub file: Option<PathBuf>,
    /// The mount namespace of its holder, as [`mount_namespace`] tells.
    pub mount_namespace: Option<u64>,
}

/// Whether the lock of a group is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockState {
    /// The group runs: the kernel gives a lock back when its holder ends.
    Held(LockNote),
    /// Its file is there, and nobody holds it.
    Free,
    /// There is no such file, or it cannot be read.
    Unknown,
}

impl LockNote {
    /// What stands in the file of a lock.
    pub fn read(lock: &Path) -> Self {
        let text = String::from_utf8(private::read(lock, LARGEST).unwrap_or_default()).unwrap_or_default();
        let mut lines = text.lines();
        let pid = lines.next().and_then(|pid| pid.parse().ok()).unwrap_or(0);
        let name = lines.next().unwrap_or_default().to_owned();
        let mut path = || lines.next().filter(|path| !path.is_empty()).map(PathBuf::from);
        let (socket, file) = (path(), path());
        let mount_namespace = lines.next().and_then(|number| number.parse().ok());
        Self { pid, name, socket, file, mount_namespace }
    }

    /// Where it can be asked, if that is an address.
    pub(super) fn address(&self) -> Option<&PathBuf> {
        self.socket.as_ref().filter(|noted| noted.is_absolute() || abstract_socket::is_name(noted))
    }

    /// Whether its holder sees other mounts than this process, as from outside of a sandbox: a socket that is missing here
    /// may be there. False where the system does not tell.
    pub(super) fn is_from_other_mounts(&self) -> bool {
        self.mount_namespace.zip(mount_namespace()).is_some_and(|(its, ours)| its != ours)
    }

    /// `shop is running here, pid 7`. On a full disk the holder could note nothing.
    pub fn who_runs(&self) -> String {
        match self.pid {
            0 => "a group is running here".into(),
            pid => format!("{} is running here, pid {pid}", self.name),
        }
    }

    /// The same as text.
    pub fn text(&self) -> String {
        // What has no text of one line cannot be noted; then it is found where it is by rule.
        let line = |path: &Option<PathBuf>| {
            let text = path.as_deref().and_then(Path::to_str).filter(|text| !text.contains('\n'));
            text.unwrap_or_default().to_owned()
        };
        let namespace = self.mount_namespace.map(|number| number.to_string()).unwrap_or_default();
        format!("{}\n{}\n{}\n{}\n{namespace}\n", self.pid, self.name, line(&self.socket), line(&self.file))
    }
}

/// The mount namespace of this process: two processes see the same mounts if it is the same. It is the number of the
/// inode, as `namespaces(7)` has it; `None` where the system has none.
pub fn mount_namespace() -> Option<u64> {
    fs::metadata("/proc/self/ns/mnt").ok().map(|namespace| namespace.ino())
}

/// Whether somebody runs the group of this file, by its lock.
pub fn lock_state(file: &Path) -> LockState {
    lock_state_of(state_lock(file).into_iter().chain(Place::candidates(file).iter().map(Place::lock)))
}

/// Whether somebody holds one of these locks.
pub(super) fn lock_state_of(locks: impl IntoIterator<Item = PathBuf>) -> LockState {
    let mut state = LockState::Unknown;
    for lock in locks {
        match is_held(&lock) {
            Some(true) => return LockState::Held(LockNote::read(&lock)),
            Some(false) => state = LockState::Free,
            None => {}
        }
    }
    state
}

/// Holds it itself for a moment, together with others who look; who wants it for good tries again.
fn is_held(lock: &Path) -> Option<bool> {
    match flock(private::open(lock, OpenOptions::new().read(true)).ok()?, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Some(false),
        Err(Errno::WOULDBLOCK) => Some(true),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_note_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("a.lock");
        assert_eq!((LockNote::read(&lock), is_held(&lock)), (LockNote::default(), None));
        for (socket, file) in [(None, Some("/a/b.toml".into())), (Some("/run/a.sock".into()), None)] {
            let mount_namespace = file.as_ref().map(|_| 4_026_531_841);
            let note = LockNote { pid: 7, name: "shop".into(), socket, file, mount_namespace };
            fs::write(&lock, note.text()).unwrap();
            assert_eq!(LockNote::read(&lock), note);
        }
        assert_eq!(is_held(&lock), Some(false));
        let holder = File::open(&lock).unwrap();
        flock(&holder, FlockOperation::LockExclusive).unwrap();
        assert_eq!(is_held(&lock), Some(true));
    }
}
