//! One devgroup for each file, and what an earlier one could not end.
//!
//! A running group holds a lock on a file of its own in the folder for state, in which it notes who it is and where its
//! socket is. The kernel gives a lock back when its holder
//! ends, however it ends. The file is removed at an orderly end only: one that is there and not locked tells that the
//! last end was none, so that only then all processes are searched for what is left.
//!
//! The lock alone is not enough: two shells may differ in where state is, and the file may be removed while it is held. So a
//! start also asks whether the group is served already, and takes its name (`control/abstract_socket.rs`), which depends on
//! neither. A lock that was removed is made anew with the next upkeep.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, test_kill_process};

use super::environment::orphans;
use crate::clock::Clock;
use crate::control::{
    LockNote, LockState, NameTaken, Place, Served, group_key, lock_state, mount_namespace, served_by, state_lock,
    take_name,
};
use crate::domain::{Moment, visible_path};
use crate::private;
use crate::process_tree::{NAME, Process};

/// What an earlier run has left gets as long as a service has by default …
const GRACE: Duration = Duration::from_secs(5);

/// … and KILL may take as long as with a service.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// Whose guard is gone is ending: a place that is held by it will be free by then.
const ENDING: Duration = Duration::from_secs(1);

/// Between two looks whether they are gone.
const LOOK: Duration = Duration::from_millis(5);

/// The place of a group: nobody else runs it while this is held.
#[derive(Debug)]
pub struct Claim {
    lock: Option<Lock>,
    name: Option<(PathBuf, UnixListener)>,
    key: String,
    /// The process that was started: the guard.
    pid: u32,
    /// The last holder has not said good-bye, or something of it was kept.
    is_unclean: bool,
    /// Something was started that may be left.
    has_begun: bool,
}

/// The lock that we hold, shared with who looks after it.
#[derive(Clone, Debug)]
pub(super) struct Lock(Arc<Mutex<Held>>);

#[derive(Debug)]
struct Held {
    path: PathBuf,
    file: File,
    note: LockNote,
    /// Why it could not be written, as it was said last.
    problem: Option<String>,
}

/// Somebody else runs this group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupied {
    /// The process that was started: its guard; 0 if it is not known.
    pub pid: u32,
    /// The group's name, as far as it is known.
    pub name: String,
}

impl Occupied {
    /// Whether the process that was started lives; also if the system does not tell.
    fn lives(&self) -> bool {
        is_alive(self.pid)
    }
}

/// Whether this process lives; also if the system does not tell.
pub(super) fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| match Process::of(pid) {
        Some(process) => !process.ended,
        None => test_kill_process(pid) != Err(Errno::SRCH),
    })
}

/// Claims the group of a file for the process `pid`, by which the user knows us. Where there is no place for a lock, the
/// group runs without, and a warning says so.
///
/// # Errors
/// Somebody else runs it.
pub fn claim(file: &Path, pid: u32) -> Result<Claim, Occupied> {
    let mut claim = lock_group(file, pid)?;
    claim.name = take_group_name(file)?;
    claim.sign(&folder_name(file), None);
    Ok(claim)
}

fn lock_group(file: &Path, pid: u32) -> Result<Claim, Occupied> {
    let key = group_key(file);
    let mut problem = String::new();
    for place in [state_lock(file), Place::make(file).map(|place| place.lock())] {
        match place.map(|path| (take_lock(&path, file), path)) {
            Ok((Ok(taken), path)) => {
                let mut taken = taken?;
                let mut before = String::new();
                let is_unclean = taken.read_to_string(&mut before).is_ok() && !before.is_empty();
                let note = LockNote {
                    pid,
                    file: Some(file.to_owned()),
                    mount_namespace: mount_namespace(),
                    ..LockNote::default()
                };
                let held = Held { path, file: taken, note, problem: None };
                let lock = Some(Lock(Arc::new(Mutex::new(held))));
                return Ok(Claim { lock, name: None, key, pid, is_unclean, has_begun: false });
            }
            Ok((Err(error), path)) => {
                // On a read-only file system, as in a sandbox, it can still be seen that somebody holds it.
                if let LockState::Held(note) = lock_state(file) {
                    return Err(occupied(note, file));
                }
                problem = format!("{}: {error}", visible_path(&path));
            }
            Err(why) => problem = why,
        }
    }
    log::warn!("a second start of this group cannot be detected: {problem}");
    Ok(Claim { lock: None, name: None, key, pid, is_unclean: false, has_begun: false })
}

/// Nobody else serves the group, whatever its lock says. Who is ending lets its name go soon.
fn take_group_name(file: &Path) -> Result<Option<(PathBuf, UnixListener)>, Occupied> {
    let clock = Clock::start();
    loop {
        let is_late = clock.now().since(Moment::START) >= ENDING;
        match served(file) {
            Some((occupied, is_ending)) if !is_ending || is_late => return Err(occupied),
            Some(_) => {}
            None => match take_name(file) {
                Ok(name) => return Ok(name),
                Err(NameTaken) if is_late => return Err(Occupied { pid: 0, name: folder_name(file) }),
                Err(NameTaken) => {}
            },
        }
        std::thread::sleep(LOOK);
    }
}

/// Who serves the group, and whether it is ending: its guard has gone before it, and the kernel has not closed its sockets
/// yet.
fn served(file: &Path) -> Option<(Occupied, bool)> {
    let (pid, name, is_ending) = match served_by(file)? {
        Served::Known { pid, name } => (pid, name, !is_alive(pid)),
        Served::Mute(None) => (0, folder_name(file), false),
        Served::Mute(Some(program)) => {
            let guard = guard_of(program);
            (guard, folder_name(file), guard == program)
        }
    };
    Some((Occupied { pid, name }, is_ending))
}

/// The process by which the user knows the group of a program: its guard, if it has one.
pub fn guard_of(program: u32) -> u32 {
    let process = |pid: i32| Pid::from_raw(pid).and_then(Process::of);
    let parent = i32::try_from(program).ok().and_then(process).and_then(|program| process(program.parent));
    parent.filter(|parent| parent.name == NAME).map_or(program, |guard| guard.pid.as_raw_pid().unsigned_abs())
}

/// Takes the lock at this path; whoever holds it may be ending.
fn take_lock(path: &Path, file: &Path) -> io::Result<Result<File, Occupied>> {
    if let Some(folder) = path.parent() {
        super::state_folder::make(folder)?;
    }
    let clock = Clock::start();
    loop {
        if let Some(lock) = lock(path)? {
            return Ok(Ok(lock));
        }
        let holder = occupied(LockNote::read(path), file);
        if holder.lives() || clock.now().since(Moment::START) >= ENDING {
            // On a full disk it could not note its number.
            let served = || served(file).map(|(occupied, _)| occupied);
            return Ok(Err(if holder.pid == 0 { served().unwrap_or(holder) } else { holder }));
        }
        // Killed a moment ago: the kernel has not closed its files yet.
        std::thread::sleep(LOOK);
    }
}

impl Claim {
    /// The process by which the user knows us.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Notes the name of the group, for those who come second, and where it can be asked.
    pub fn sign(&self, name: &str, address: Option<&Path>) {
        if let Some(lock) = &self.lock {
            let mut held = lock.held();
            held.note.name = name.to_owned();
            held.note.socket = address.map(Path::to_owned);
            held.write();
        }
    }

    /// The name by which the group is met, which keeps others from it until it is dropped.
    pub fn take_name(&mut self) -> Option<(PathBuf, UnixListener)> {
        self.name.take()
    }

    /// The lock, for who looks after it.
    pub(super) fn lock(&self) -> Option<Lock> {
        self.lock.clone()
    }

    /// What is left of an earlier run that was ended together with its guard.
    pub fn leftovers(&self) -> Vec<Process> {
        if !self.is_unclean {
            return Vec::new();
        }
        orphans(|group| group == self.key).into_iter().map(|(_, process)| process).collect()
    }

    /// Ends what an earlier run has left: asked first, killed when the grace is over. `tell`: is told of each process before
    /// anything is done to it. Who is left in spite of that.
    pub(super) fn end_leftovers(&self, tell: impl Fn(&[Process])) -> Vec<Process> {
        let clock = Clock::start();
        let mut known: Vec<Process> = Vec::new();
        loop {
            // Again from the start: who forks has another child meanwhile.
            let mut left = self.leftovers();
            let is_among = |process: &Process, all: &[Process]| all.iter().any(|other| other.is_same(process));
            let new: Vec<Process> = left.iter().filter(|process| !is_among(process, &known)).cloned().collect();
            // What has thrown away its mark descends from nobody any more when its parents have ended.
            left.extend(
                known.iter().filter(|known| !is_among(known, &left) && lives(known)).cloned().collect::<Vec<_>>(),
            );
            let waited = clock.now().since(Moment::START);
            if left.is_empty() || waited >= GRACE + KILL_PATIENCE {
                return left;
            }
            if !new.is_empty() {
                tell(&new);
            }
            if waited >= GRACE {
                // Each by itself: in its process group there may be others.
                left.iter().for_each(|process| process.signal(Signal::KILL));
            } else {
                for process in &new {
                    process.signal(Signal::TERM);
                    process.signal(Signal::CONT);
                }
            }
            known.extend(new);
            std::thread::sleep(LOOK);
        }
    }

    /// From here on, an end without [`Self::is_clean`] may leave something. `is_clear`: of an earlier run nothing is left.
    pub fn begin(&mut self, is_clear: bool) {
        self.has_begun = true;
        self.is_unclean = !is_clear;
    }

    /// Everything that was started has ended: the next start need not look for it.
    pub fn is_clean(mut self) {
        self.has_begun = false;
    }
}

/// Whether it is still there.
fn lives(process: &Process) -> bool {
    Process::of(process.pid).is_some_and(|now| now.is_same(process) && !now.ended)
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(lock) = &self.lock
            && !self.has_begun
            && !self.is_unclean
        {
            let held = lock.held();
            if held.is_there() {
                // It is only a hint.
                let _ = fs::remove_file(&held.path);
            }
        }
    }
}

impl Lock {
    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes it anew if its file was removed, and notes where the group is met now. `address`: that.
    pub(super) fn renew(&self, address: &Path) {
        let mut held = self.held();
        let is_new = !held.is_there();
        if is_new {
            let taken = held.path.parent().map_or(Ok(()), super::state_folder::make).and_then(|()| lock(&held.path));
            match taken {
                Ok(Some(file)) => held.file = file,
                // A second start, which will find that we serve the group; or there is no place for it any more.
                Ok(None) | Err(_) => return,
            }
        }
        if is_new || held.note.socket.as_deref() != Some(address) {
            held.note.socket = Some(address.to_owned());
            held.write();
        }
    }
}

impl Held {
    /// The file that we hold has its name still.
    fn is_there(&self) -> bool {
        let same = |named: fs::Metadata, ours: fs::Metadata| (named.dev(), named.ino()) == (ours.dev(), ours.ino());
        fs::symlink_metadata(&self.path).is_ok_and(|named| self.file.metadata().is_ok_and(|ours| same(named, ours)))
    }

    fn write(&mut self) {
        let text = self.note.text();
        let write = |mut file: &File| {
            file.seek(SeekFrom::Start(0))?;
            file.set_len(0)?;
            file.write_all(text.as_bytes())
        };
        let problem = write(&self.file).err().map(|error| format!("{}: {error}", visible_path(&self.path)));
        // It is written several times, and a disk that is full stays so.
        if let Some(problem) = problem.as_ref().filter(|problem| self.problem.as_ref() != Some(problem)) {
            log::warn!("{problem}");
        }
        self.problem = problem;
    }
}

/// Opens and locks a file; `None` if somebody else holds the lock.
///
/// # Errors
/// The system's; or what is there is none of our files.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    loop {
        let file = private::open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // The holder before us may have removed it between our two steps.
        let (ours, named) = (file.metadata()?, fs::symlink_metadata(path));
        if named.is_ok_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino())) {
            return Ok(Some(file));
        }
    }
}

fn occupied(note: LockNote, file: &Path) -> Occupied {
    let LockNote { pid, name, .. } = note;
    Occupied { pid, name: if name.is_empty() { folder_name(file) } else { name } }
}

fn folder_name(file: &Path) -> String {
    let name = file.parent().and_then(Path::file_name).unwrap_or(file.as_os_str());
    visible_path(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_one_holder_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let first = lock(&path).unwrap().unwrap();
        assert!(lock(&path).unwrap().is_none());
        drop(first);
        let second = lock(&path).unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        // The removed file is no place any more: whoever comes now has a new one.
        assert!(lock(&path).unwrap().is_some());
        drop(second);
    }
}
