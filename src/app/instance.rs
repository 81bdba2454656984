//! One devgroup for each file, and what an earlier one could not end.
//!
//! A running group holds a lock on a file of its own in the runtime folder. The kernel gives a lock back when its holder
//! ends, however it ends. The file is removed at an orderly end only: one that is there and not locked tells that the
//! last end was none, so that only then all processes are searched for what is left.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Signal, getuid};

use super::environment::{group_key, is_left_of};
use crate::clock::Clock;
use crate::domain::Moment;
use crate::process_tree::{self, Process};

/// What an earlier run has left gets as long as a service has by default …
const GRACE: Duration = Duration::from_secs(5);

/// … and KILL may take as long as with a service.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks whether they are gone.
const LOOK: Duration = Duration::from_millis(5);

/// The place of a group: nobody else runs it while this is held.
#[derive(Debug)]
pub struct Claim {
    lock: Option<(PathBuf, File)>,
    key: String,
    /// The process that was started: the guard.
    pid: u32,
    /// The last holder has not said good-bye, or something of it was kept.
    is_unclean: bool,
    /// Something was started that may be left.
    has_begun: bool,
}

/// Somebody else runs this group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupied {
    /// The process that was started: its guard.
    pub pid: u32,
    /// The group's name, as far as it is known.
    pub name: String,
}

/// Claims the group of a file for the process `pid`, by which the user knows us. Where there is no place for a lock, the group runs without, and a warning says so.
///
/// # Errors
/// Somebody else runs it.
pub fn claim(file: &Path, pid: u32) -> Result<Claim, Occupied> {
    let key = group_key(file);
    let unlocked = |why: String| {
        log::warn!("a second start of this group would not be noticed: {why}");
        Ok(Claim { lock: None, key: key.clone(), pid, is_unclean: false, has_begun: false })
    };
    let folder = match runtime_folder(|name| std::env::var_os(name).map(PathBuf::from)) {
        Ok(folder) => folder,
        Err(why) => return unlocked(why),
    };
    let path = folder.join(format!("{key}.lock"));
    let mut lock = match lock(&path) {
        Ok(Some(lock)) => lock,
        Ok(None) => return Err(occupied(&path, file)),
        Err(error) => return unlocked(format!("{}: {error}", path.display())),
    };
    let mut before = String::new();
    let is_unclean = lock.read_to_string(&mut before).is_ok() && !before.is_empty();
    let claim = Claim { lock: Some((path, lock)), key, pid, is_unclean, has_begun: false };
    claim.sign(&folder_name(file));
    Ok(claim)
}

impl Claim {
    /// Notes the name of the group, for those who come second.
    pub fn sign(&self, name: &str) {
        let Some((path, mut file)) = self.lock.as_ref().map(|(path, file)| (path, file)) else { return };
        let text = format!("{}\n{name}\n", self.pid);
        let write = |file: &mut &File| {
            file.seek(SeekFrom::Start(0))?;
            file.set_len(0)?;
            file.write_all(text.as_bytes())
        };
        if let Err(error) = write(&mut file) {
            log::warn!("{}: {error}", path.display());
        }
    }

    /// What is left of an earlier run that was ended together with its guard.
    pub fn leftovers(&self) -> Vec<Process> {
        if self.is_unclean { process_tree::marked(|mark| is_left_of(mark, &self.key)) } else { Vec::new() }
    }

    /// Ends what an earlier run has left: asked first, killed when the grace is over. Who is left in spite of that.
    pub(super) fn end_leftovers(&self) -> Vec<Process> {
        let clock = Clock::start();
        let mut known: Vec<Process> = Vec::new();
        loop {
            // Again from the start: who forks has another child meanwhile.
            let left = self.leftovers();
            let waited = clock.now().since(Moment::START);
            if left.is_empty() || waited >= GRACE + KILL_PATIENCE {
                return left;
            }
            let is_new = |process: &&Process| !known.iter().any(|known| known.is_same(process));
            if waited >= GRACE {
                left.iter().for_each(Process::kill_group);
            } else {
                for process in left.iter().filter(is_new) {
                    process.signal(Signal::TERM);
                    process.signal(Signal::CONT);
                }
            }
            known = left;
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

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.lock
            && !self.has_begun
            && !self.is_unclean
        {
            // It is only a hint.
            let _ = fs::remove_file(path);
        }
    }
}

/// Opens and locks a file; `None` if somebody else holds the lock.
fn lock(path: &Path) -> io::Result<Option<File>> {
    loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // The holder before us may have removed it between our two steps.
        let (ours, named) = (file.metadata()?, fs::metadata(path));
        if named.is_ok_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino())) {
            return Ok(Some(file));
        }
    }
}

fn occupied(path: &Path, file: &Path) -> Occupied {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines();
    let pid = lines.next().and_then(|pid| pid.parse().ok()).unwrap_or(0);
    let name = lines.next().filter(|name| !name.is_empty()).map_or_else(|| folder_name(file), str::to_owned);
    Occupied { pid, name }
}

fn folder_name(file: &Path) -> String {
    let name = file.parent().and_then(Path::file_name).unwrap_or(file.as_os_str());
    name.to_string_lossy().into_owned()
}

/// `$XDG_RUNTIME_DIR/devgroup`, or a folder of the user's own below the temporary folder. Made if it is missing.
///
/// # Errors
/// Why there is none, for people.
fn runtime_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, String> {
    let runtime = variable("XDG_RUNTIME_DIR").filter(|path| path.is_absolute());
    let own = || std::env::temp_dir().join(format!("devgroup-{}", getuid().as_raw()));
    let candidates = runtime.map(|runtime| runtime.join("devgroup")).into_iter().chain([own()]);
    let mut why = String::new();
    for folder in candidates {
        match private(&folder) {
            Ok(()) => return Ok(folder),
            Err(problem) => why = format!("{}: {problem}", folder.display()),
        }
    }
    Err(why)
}

/// Makes a folder that only we can enter, or checks that one is.
fn private(folder: &Path) -> Result<(), String> {
    match DirBuilder::new().mode(0o700).recursive(folder.ends_with("devgroup")).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.to_string()),
    }
    // Not through a link, which somebody else may have laid there.
    let found = fs::symlink_metadata(folder).map_err(|error| error.to_string())?;
    if !found.is_dir() || found.uid() != getuid().as_raw() {
        return Err("it is not a folder of yours".into());
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(|error| error.to_string())?;
    }
    Ok(())
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

    #[test]
    fn the_runtime_folder_is_private_or_none() {
        let home = tempfile::tempdir().unwrap();
        let runtime = home.path().to_owned();
        let folder = runtime_folder(|_| Some(runtime.clone())).unwrap();
        assert_eq!(folder, runtime.join("devgroup"));
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        private(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        let link = home.path().join("link");
        std::os::unix::fs::symlink(home.path(), &link).unwrap();
        assert_eq!(private(&link), Err("it is not a folder of yours".into()));
    }
}
