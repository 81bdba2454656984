//! Cookies: devgroup creates a file in a folder of its own, and waits until its event comes back in the same stream as
//! those of the tree. Then every earlier event has been delivered. Watchman and git's file watcher use the same word.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, geteuid, test_kill_process};

use crate::domain::visible_path;

/// The folder of this watcher's cookies. It is made for the first one.
#[derive(Debug)]
pub(super) struct Cookies {
    shared: PathBuf,
    folder: PathBuf,
    state: Mutex<CookiesState>,
}

#[derive(Debug, Default)]
struct CookiesState {
    last: u64,
    closed: bool,
}

/// What the names of the folders begin with; the number of the process follows.
const PREFIX: &str = "watch-";

impl Cookies {
    /// The place, below `$XDG_RUNTIME_DIR/devgroup`, else below a folder of the user's own in the temporary one.
    /// Nothing is made yet. `since` tells several watchers of one process apart.
    pub(super) fn new(since: u64) -> Self {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute() && folder.is_dir());
        let shared = match runtime {
            Some(folder) => folder.join("devgroup"),
            None => std::env::temp_dir().join(format!("devgroup-{}", geteuid().as_raw())),
        };
        Self::below(shared, since)
    }

    fn below(shared: PathBuf, since: u64) -> Self {
        let folder = shared.join(format!("{PREFIX}{}-{since}", std::process::id()));
        Self { shared, folder, state: Mutex::default() }
    }

    /// What is devgroup's own.
    pub(super) fn own(&self) -> &Path {
        &self.shared
    }

    /// The folder, which is there when this returns.
    ///
    /// # Errors
    /// It cannot be made, the folder above it belongs to somebody else, or the watcher is at its end.
    pub(super) fn folder(&self) -> io::Result<&Path> {
        let state = self.lock();
        if state.closed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if state.last == 0 {
            make_own(&self.shared)?;
            remove_leftovers(&self.shared);
        }
        match make(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_own(&self.shared)?;
                make(&self.folder)?;
            }
            made => made?,
        }
        Ok(&self.folder)
    }

    /// Makes a cookie, and removes it again at once: its event stays. Its number.
    ///
    /// # Errors
    /// Those of the file system: full, read-only.
    pub(super) fn bake(&self) -> io::Result<u64> {
        let mut state = self.lock();
        if state.closed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        state.last += 1;
        let cookie = self.folder.join(state.last.to_string());
        File::create_new(&cookie)?;
        // It stays until the end if it cannot be removed; nothing else depends on it.
        let _ = fs::remove_file(&cookie);
        Ok(state.last)
    }

    /// The number of a cookie, by the name of its file.
    pub(super) fn number(name: &[u8]) -> Option<u64> {
        std::str::from_utf8(name).ok()?.parse().ok()
    }

    /// The end: the folder is removed, and no other is made.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        if state.last > 0 {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    fn lock(&self) -> MutexGuard<'_, CookiesState> {
        // Nothing in here can be left half done by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Makes a folder that only this user may enter, or makes sure that it is one: the temporary folder is everybody's.
fn make_own(folder: &Path) -> io::Result<()> {
    make(folder)?;
    let found = fs::symlink_metadata(folder)?;
    if found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{}: not a folder of our own", visible_path(folder))))
}

/// Folders of processes that were killed.
fn remove_leftovers(shared: &Path) {
    for entry in fs::read_dir(shared).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok())
        else {
            continue;
        };
        let gone = |pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH);
        if Pid::from_raw(pid).is_some_and(gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_folder_is_private_comes_with_the_first_cookie_and_goes_at_the_end() {
        let temporary = tempfile::tempdir().expect("a folder");
        let shared = temporary.path().join("devgroup");
        let cookies = Cookies::below(shared.clone(), 1);
        assert!(!shared.exists());
        make(&shared).expect("made");
        let leftover = shared.join(format!("{PREFIX}{}-1", i32::MAX));
        make(&leftover).expect("made");
        let folder = cookies.folder().expect("made").to_path_buf();
        assert!(!leftover.exists(), "its process is gone");
        for made in [&shared, &folder] {
            assert_eq!(fs::metadata(made).expect("there").mode() & 0o777, 0o700);
        }
        assert_eq!((cookies.bake().ok(), cookies.bake().ok()), (Some(1), Some(2)));
        fs::remove_dir_all(&shared).expect("removed by a cleaner");
        assert!(cookies.bake().is_err());
        cookies.folder().expect("made again");
        assert!(cookies.bake().is_ok());
        assert_eq!(fs::read_dir(&folder).expect("listed").count(), 0);
        cookies.close();
        assert!(!folder.exists() && shared.exists());
        assert!(cookies.folder().is_err() && cookies.bake().is_err());
    }

    #[test]
    fn a_folder_of_others_is_not_used() {
        let temporary = tempfile::tempdir().expect("a folder");
        let shared = temporary.path().join("devgroup");
        make(&shared).expect("made");
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).expect("changed");
        assert!(Cookies::below(shared.clone(), 1).folder().is_err());
        fs::remove_dir(&shared).expect("removed");
        std::os::unix::fs::symlink(temporary.path(), &shared).expect("linked");
        assert!(Cookies::below(shared, 1).folder().is_err());
    }

    #[test]
    fn a_cookie_is_known_by_its_name() {
        assert_eq!(Cookies::number(b"17"), Some(17));
        assert_eq!(Cookies::number(b"x17"), None);
        assert_eq!(Cookies::number(b"\xff"), None);
    }
}
