//! Whose a worker's folder is: who has the lock on `.work/owner.json`.
//!
//! It is a lock of the kernel (flock(2)), which any death frees. It lies on the file itself: after it was taken, the path
//! must still lead to that file, or it is taken on the one that is there now. The file says who has it. It is written in
//! place, never replaced, and only when all tries of the one before are gone: until then it names that one, so that
//! whoever comes next, at any time, knows whose tries to end. An owner that leaves in order empties it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::folder::Folder;
use super::layout::Queue;
use super::trouble::Trouble;
use crate::domain::Standby;
use crate::mounts;
use crate::process_tree::{Process, is_proc_ours};

pub(super) const OWNER: &str = "owner.json";

/// Whoever has the lock without a name is looked at again so soon, and so often.
const SOON: Duration = Duration::from_millis(10);
const LOOKS: usize = 20;

/// A file of ours of this size is none.
const LARGEST: u64 = 64 << 10;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// The name of its group.
    pub group: String,
    /// Its program.
    pub pid: u32,
    /// How the marks of its tries begin: `<key of the group>-<pid>`.
    pub mark: String,
    /// Since when, in RFC 3339.
    pub since: String,
    /// The process by which people know its group, as `status` and `ls` say it; 0 if that is not known.
    pub group_pid: u32,
}

impl Owner {
    fn parse(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// Whether its process lives, as far as can be seen.
    fn lives(&self) -> bool {
        if !is_proc_ours() {
            return true;
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        pid.and_then(Process::of).is_some_and(|process| !process.ended)
    }
}

/// As clients see it.
pub(super) fn standby_of(owner: &Owner) -> Standby {
    let pid = [owner.group_pid, owner.pid].into_iter().find(|pid| *pid != 0);
    Standby { group: Arc::from(owner.group.as_str()), pid }
}

/// The lock, held as long as this lives.
#[derive(Debug)]
pub(super) struct Lock(File);

/// What trying to take it came to.
#[derive(Debug)]
pub(super) enum Taking {
    /// It is ours. The file says who had it before.
    Taken(Lock, Owner),
    /// Somebody else has it, who may not have written its name yet.
    Held(Owner),
}

impl Lock {
    /// Takes it, if nobody who lives has it. Who has just got it, or holds it for a moment, as the command line does, has
    /// not written its name; and a child of an owner that is gone has it until its program begins.
    pub(super) fn take_soon(queue: &Queue) -> Result<Taking, Trouble> {
        let mut looks = 0;
        loop {
            match Self::take(queue, false)? {
                Taking::Held(by) if !is_named(&by) && looks < LOOKS => {
                    looks += 1;
                    thread::sleep(SOON);
                }
                taking => return Ok(taking),
            }
        }
    }

    /// Takes it, or waits for it.
    pub(super) fn take(queue: &Queue, waits: bool) -> Result<Taking, Trouble> {
        let operation = if waits { FlockOperation::LockExclusive } else { FlockOperation::NonBlockingLockExclusive };
        loop {
            let mut file = queue.work.open_for_writing(OsStr::new(OWNER))?;
            match flock(&file, operation) {
                Ok(()) => {}
                Err(Errno::INTR) => continue,
                Err(Errno::WOULDBLOCK) => return Ok(Taking::Held(read(&mut file))),
                Err(error) => return Err(Trouble::new("cannot lock", &queue.work.path().join(OWNER), error)),
            }
            // Somebody may have removed it meanwhile, and others have locked a new one.
            if is_at(&file, &queue.work.path().join(OWNER)) {
                let before = read(&mut file);
                return Ok(Taking::Taken(Self(file), before));
            }
            if !queue.work.is_in_place() {
                let gone = io::Error::new(io::ErrorKind::NotFound, "the folder was removed or replaced");
                return Err(Trouble::new("cannot lock", queue.work.path(), gone));
            }
        }
    }

    /// Whether it still lies on the file of that folder.
    pub(super) fn is_in_place(&self, queue: &Queue) -> bool {
        is_at(&self.0, &queue.work.path().join(OWNER))
    }

    /// When the owner's name was written.
    pub(super) fn modified(&self) -> SystemTime {
        self.0.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Writes who has it, for those that come after. It is one write of some bytes: nobody is killed in the middle of it.
    pub(super) fn write(&mut self, owner: &Owner, queue: &Queue) -> Result<(), Trouble> {
        let mut text = serde_json::to_vec(owner).unwrap_or_default();
        text.push(b'\n');
        self.overwrite(&text).map_err(|error| Trouble::new("cannot write", &queue.work.path().join(OWNER), error))
    }

    /// Says that it has left nothing behind, and gives the lock up.
    pub(super) fn leave(mut self) {
        let _ = self.overwrite(b"");
    }

    /// First what is new, then its length: there is no moment without a name.
    fn overwrite(&mut self, text: &[u8]) -> io::Result<()> {
        self.0.rewind()?;
        // What was longer has blanks behind it until it is cut: still the same text to who reads it.
        let length = usize::try_from(self.0.metadata()?.len().min(LARGEST)).unwrap_or_default();
        let mut padded = text.to_vec();
        padded.resize(text.len().max(length), b' ');
        self.0.write_all(&padded)?;
        self.0.set_len(u64::try_from(text.len()).unwrap_or_default())
    }
}

fn read(file: &mut File) -> Owner {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.take(LARGEST).read_to_end(&mut bytes));
    if read.is_err() { Owner::default() } else { Owner::parse(&bytes) }
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    match (file.metadata().map(identity), fs::symlink_metadata(path).map(identity)) {
        (Ok(ours), Ok(there)) => ours == there,
        _ => false,
    }
}

/// Whether the file names somebody who lives: otherwise it is too early to say who has the lock.
pub(super) fn is_named(owner: &Owner) -> bool {
    owner.pid != 0 && owner.lives()
}

/// Whether the file of that folder names somebody who lives.
pub(super) fn is_worked_off(work: &Folder) -> bool {
    work.read(OsStr::new(OWNER), LARGEST).is_ok_and(|bytes| bytes.is_some_and(|bytes| is_named(&Owner::parse(&bytes))))
}

/// Why a folder cannot be worked off here, if its file system is one of other machines: a lock there may be seen by this
/// one alone.
pub(super) fn refusal(folder: &Path) -> Option<String> {
    mounts::silent(folder).map(|kind| not_here(folder, &kind))
}

fn not_here(folder: &Path, kind: &str) -> String {
    let folder = crate::domain::visible_path(folder);
    format!(
        "{folder} is on a network file system ({kind}), where it cannot be locked: put it on a disk of this machine, or \
         use a `backend` for tasks of several machines"
    )
}

/// The same for a lock that the system refuses.
pub(super) fn cannot_lock(trouble: &Trouble) -> String {
    format!("{trouble}: put it on a disk of this machine, or use a `backend` for tasks of several machines")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ServiceName, TaskFolders};

    fn queue(home: &Path) -> Queue {
        Queue::make(&TaskFolders::below(home.to_path_buf()), &ServiceName::new("marie")).unwrap()
    }

    fn owner(group: &str) -> Owner {
        Owner {
            group: group.into(),
            pid: std::process::id(),
            mark: "key-1".into(),
            since: "2025-11-19T10:30:00Z".into(),
            group_pid: 7,
        }
    }

    #[test]
    fn one_has_the_lock_and_its_name_stays_until_it_leaves_in_order() {
        let home = tempfile::tempdir().unwrap();
        let queue = queue(home.path());
        let Taking::Taken(mut lock, before) = Lock::take(&queue, false).unwrap() else { panic!("nobody has it") };
        assert_eq!(before, Owner::default());
        lock.write(&owner("a group with a long name"), &queue).unwrap();
        lock.write(&owner("shop"), &queue).unwrap();
        let Taking::Held(by) = Lock::take(&queue, false).unwrap() else { panic!("it is held") };
        assert_eq!(by, owner("shop"));
        assert!(is_named(&by));
        assert_eq!(standby_of(&by).pid, Some(7), "as its group is known");
        assert_eq!(standby_of(&Owner { group_pid: 0, ..by.clone() }).pid, Some(by.pid), "of an older devgroup");
        // It is killed.
        drop(lock);
        let Taking::Taken(lock, before) = Lock::take(&queue, true).unwrap() else { panic!("it is free") };
        assert_eq!(before, owner("shop"), "whose tries may be left");
        lock.leave();
        let Taking::Taken(_, before) = Lock::take(&queue, true).unwrap() else { panic!("it is free") };
        assert_eq!(before, Owner::default());
    }

    #[test]
    fn a_lock_on_a_file_that_was_removed_is_none() {
        let home = tempfile::tempdir().unwrap();
        let queue = queue(home.path());
        let Taking::Taken(lock, _) = Lock::take(&queue, false).unwrap() else { panic!("nobody has it") };
        assert!(lock.is_in_place(&queue));
        fs::remove_file(queue.work.path().join(OWNER)).unwrap();
        assert!(!lock.is_in_place(&queue));
        assert!(matches!(Lock::take(&queue, false).unwrap(), Taking::Taken(..)));
        fs::remove_dir_all(queue.work.path()).unwrap();
        assert_eq!(Lock::take(&queue, false).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn other_machines_are_refused_with_a_word_on_what_to_do() {
        let said = not_here(Path::new("/net/tasks"), "nfs");
        assert!(
            said.starts_with("/net/tasks is on a network file system (nfs)") && said.contains("`backend`"),
            "{said}"
        );
        let home = tempfile::tempdir().unwrap();
        assert_eq!(refusal(home.path()), None);
    }

    #[test]
    fn what_cannot_be_read_names_nobody() {
        assert_eq!(Owner::parse(b"{\"group\":7}"), Owner::default());
        assert_eq!(Owner::parse(b"{\"group\":\"x\",\"more\":1}   \n").group, "x");
        assert!(!is_named(&Owner::default()));
    }
}
