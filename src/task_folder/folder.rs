//! One folder that is held open: files are read, put, moved and removed in it, also when it is renamed.
//!
//! These are files of the user, for `ls` and `cat`: their modes are what the umask says. Whatever a name holds is only
//! opened as a regular file, and nothing waits in the opening. Nothing is synced to the disk: what is promised is about
//! processes that are killed, and what a process has written outlives it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, linkat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use super::trouble::Trouble;
use crate::domain::FileStamp;

const FILE_MODE: Mode = Mode::from_raw_mode(0o666);

/// Temporary files of all processes: `.devgroup-<pid>-<number>.tmp`, `.devgroup-<pid>-<name>.tmp`.
const TEMPORARY: &str = ".devgroup-";

/// Which temporary file of this process is next.
static NEXT: AtomicU64 = AtomicU64::new(0);

fn stamp_of(found: &Metadata) -> FileStamp {
    FileStamp { size: found.len(), modified: found.modified().unwrap_or(SystemTime::UNIX_EPOCH) }
}

/// When it was last written to.
fn time_of(found: &Stat) -> SystemTime {
    let (seconds, nanos) = (u64::try_from(found.st_mtime), u32::try_from(found.st_mtime_nsec));
    SystemTime::UNIX_EPOCH + Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// What was found in a file.
#[derive(Debug)]
pub enum Contents {
    /// All of it.
    Bytes(Vec<u8>),
    /// It is larger than what is read.
    TooLarge,
    /// It cannot be read; why, for people.
    Unreadable(String),
}

/// What became of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The file is there now.
    Done,
    /// It was not here.
    Gone,
    /// Another file has the name there.
    Taken,
}

/// How a folder may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// A link to a folder is the user's choice of a place.
    Follow,
    /// It is ours, and no link.
    Refuse,
}

/// A folder that is held open.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    links: Links,
    handle: OwnedFd,
    identity: (u64, u64),
}

impl Folder {
    /// Opens it; makes it, and all above it, if it is missing.
    pub(super) fn make(path: PathBuf, links: Links) -> Result<Self, Trouble> {
        match Self::open(path.clone(), links) {
            Err(trouble) if trouble.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&path).map_err(|error| Trouble::new("cannot make", &path, error))?;
                Self::open(path, links)
            }
            opened => opened,
        }
    }

    /// Opens it.
    pub(super) fn open(path: PathBuf, links: Links) -> Result<Self, Trouble> {
        let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if links == Links::Refuse {
            flags |= OFlags::NOFOLLOW;
        }
        let opened = openat(CWD, &path, flags, Mode::empty()).map_err(io::Error::from).and_then(|handle| {
            let found = File::from(handle.try_clone()?).metadata()?;
            Ok((handle, (found.dev(), found.ino())))
        });
        match opened {
            Ok((handle, identity)) => Ok(Self { path, links, handle, identity }),
            Err(error) => Err(Trouble::new("cannot open", &path, error)),
        }
    }

    /// The same folder, for another thread.
    pub(super) fn duplicate(&self) -> Result<Self, Trouble> {
        let handle = self.handle.try_clone().map_err(|error| Trouble::new("cannot open", &self.path, error))?;
        Ok(Self { path: self.path.clone(), links: self.links, handle, identity: self.identity })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its path still leads to it.
    pub(super) fn is_in_place(&self) -> bool {
        let found = match self.links {
            Links::Follow => fs::metadata(&self.path),
            Links::Refuse => fs::symlink_metadata(&self.path),
        };
        found.is_ok_and(|found| (found.dev(), found.ino()) == self.identity)
    }

    fn trouble(&self, what: &'static str, name: &OsStr, error: impl Into<io::Error>) -> Trouble {
        Trouble::new(what, &self.path.join(name), error)
    }

    /// Opens a regular file for reading; `None` if there is none of that name.
    pub(super) fn file(&self, name: &OsStr) -> io::Result<Option<(File, FileStamp)>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => {
                let file = File::from(handle);
                let found = file.metadata()?;
                Ok(found.is_file().then(|| (file, stamp_of(&found))))
            }
            // Nothing, a link, a socket.
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::MLINK | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a regular file of at most `limit` bytes; `None` if there is none of that name.
    pub(super) fn look(&self, name: &OsStr, limit: u64) -> Option<(FileStamp, Contents)> {
        let unreadable = |error: io::Error| {
            let nothing = FileStamp { size: 0, modified: SystemTime::UNIX_EPOCH };
            let stamp = fs::symlink_metadata(self.path.join(name)).map_or(nothing, |found| stamp_of(&found));
            (stamp, Contents::Unreadable(self.trouble("cannot read", name, error).to_string()))
        };
        let (mut file, stamp) = match self.file(name) {
            Ok(found) => found?,
            Err(error) => return Some(unreadable(error)),
        };
        match read_whole(&mut file, stamp.size, limit) {
            Ok(bytes) if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit => Some((stamp, Contents::TooLarge)),
            Ok(bytes) => Some((stamp, Contents::Bytes(bytes))),
            Err(error) => Some(unreadable(error)),
        }
    }

    /// Reads a file of ours; `None` if there is none.
    pub(super) fn read(&self, name: &OsStr, limit: u64) -> Result<Option<Vec<u8>>, Trouble> {
        let Some((file, _)) = self.file(name).map_err(|error| self.trouble("cannot read", name, error))? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes).map_err(|error| self.trouble("cannot read", name, error))?;
        Ok(Some(bytes))
    }

    /// When a file was written, if there is one.
    pub(super) fn stamp(&self, name: &OsStr) -> Option<FileStamp> {
        fs::symlink_metadata(self.path.join(name)).ok().filter(Metadata::is_file).map(|found| stamp_of(&found))
    }

    /// When a regular file was last written to; `None` if there is none of that name.
    pub(super) fn time(&self, name: &OsStr) -> Option<SystemTime> {
        let found = statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
        is_file.then(|| time_of(&found))
    }

    /// Which folder this is, and when a file last came into it, left it or got another name.
    pub(super) fn state(&self) -> Option<((u64, u64), SystemTime)> {
        Some((self.identity, time_of(&fstat(&self.handle).ok()?)))
    }

    /// When a file came to be what and where it is: a move changes the time of the inode, and not that of its contents.
    pub(super) fn came(&self, name: &OsStr) -> Option<SystemTime> {
        let found = fs::symlink_metadata(self.path.join(name)).ok()?;
        let (seconds, nanos) = (found.ctime().try_into().ok()?, found.ctime_nsec().try_into().ok()?);
        Some(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos))
    }

    /// Whether there is anything of that name.
    pub(super) fn has(&self, name: &OsStr) -> bool {
        statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Puts a file that is whole from its first moment, and overwrites nothing: false if there is one of that name.
    pub(super) fn put_new(&self, name: &OsStr, bytes: &[u8]) -> Result<bool, Trouble> {
        let put = match self.put_unnamed(name, bytes) {
            Ok(put) => Ok(put),
            // Not on every file system, and not without /proc. What else is wrong is said by the other way.
            Err(_) => self.put_by_name(name, bytes),
        };
        put.map_err(|error| self.trouble("cannot write", name, error))
    }

    #[cfg(target_os = "linux")]
    fn put_unnamed(&self, name: &OsStr, bytes: &[u8]) -> io::Result<bool> {
        if !crate::portable::is_linux() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let handle = openat(&self.handle, ".", OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, FILE_MODE)?;
        let mut file = File::from(handle);
        file.write_all(bytes)?;
        let unnamed = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        linked(linkat(CWD, unnamed, &self.handle, name, AtFlags::SYMLINK_FOLLOW))
    }

    #[cfg(not(target_os = "linux"))]
    fn put_unnamed(&self, _: &OsStr, _: &[u8]) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// A file system without links can still rename without overwriting.
    fn put_by_name(&self, name: &OsStr, bytes: &[u8]) -> io::Result<bool> {
        self.with_temporary(bytes, |temporary| {
            let put = linked(self.rename_new(OsStr::new(temporary), self, name));
            if !matches!(put, Ok(true)) {
                let _ = unlinkat(&self.handle, temporary, AtFlags::empty());
            }
            put
        })
    }

    /// Writes a file as a whole: whoever reads it sees the old one or the new one.
    pub(super) fn replace(&self, name: &OsStr, bytes: &[u8]) -> Result<(), Trouble> {
        let replaced = self.with_temporary(bytes, |temporary| {
            renameat(&self.handle, temporary, &self.handle, name).map_err(io::Error::from)
        });
        replaced.map_err(|error| self.trouble("cannot write", name, error))
    }

    /// The same for a file that is mostly not there: to link it is one step in the folder less than to rename it.
    pub(super) fn put(&self, name: &OsStr, bytes: &[u8]) -> Result<(), Trouble> {
        match self.put_unnamed(name, bytes) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => self.replace(name, bytes),
        }
    }

    /// The same for a file that is replaced again and again: two files take turns, since to make and remove one each time
    /// costs a file system with a journal more than all the rest. The other one has a temporary name of this process.
    pub(super) fn replace_in_turn(&self, name: &OsStr, bytes: &[u8]) -> Result<(), Trouble> {
        let spare = spare_of(name);
        let replaced = self.write_spare(&spare, bytes).and_then(|()| Ok(self.exchange(&spare, name)?));
        if replaced.is_err() {
            self.remove_spare(name);
        }
        replaced.map_err(|error| self.trouble("cannot write", name, error))
    }

    /// Ends the turns.
    pub(super) fn remove_spare(&self, name: &OsStr) {
        let _ = unlinkat(&self.handle, spare_of(name), AtFlags::empty());
    }

    fn write_spare(&self, spare: &str, bytes: &[u8]) -> io::Result<()> {
        let open = || {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            io::Result::Ok(File::from(openat(&self.handle, spare, flags, FILE_MODE)?))
        };
        // What somebody has put there, or has given another name as well, is not written to.
        let is_ours = |file: &File| file.metadata().is_ok_and(|found| found.is_file() && found.nlink() == 1);
        let mut file = match open() {
            Ok(file) if is_ours(&file) => file,
            _ => {
                let _ = unlinkat(&self.handle, spare, AtFlags::empty());
                open()?
            }
        };
        file.write_all(bytes)?;
        file.set_len(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    }

    fn exchange(&self, spare: &str, name: &OsStr) -> Result<(), Errno> {
        #[cfg(target_os = "linux")]
        if crate::portable::is_linux() {
            use rustix::fs::{RenameFlags, renameat_with};
            match renameat_with(&self.handle, spare, &self.handle, name, RenameFlags::EXCHANGE) {
                // There is none of that name, or this file system cannot say it.
                Err(Errno::NOENT | Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                exchanged => return exchanged,
            }
        }
        renameat(&self.handle, spare, &self.handle, name)
    }

    /// Writes a temporary file and hands its name on. Nothing of it stays where anything fails.
    fn with_temporary<T>(&self, bytes: &[u8], then: impl FnOnce(&str) -> io::Result<T>) -> io::Result<T> {
        let temporary = format!("{TEMPORARY}{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.handle, &*temporary, flags, FILE_MODE)?);
        let done = file.write_all(bytes).and_then(|()| then(&temporary));
        if done.is_err() {
            let _ = unlinkat(&self.handle, &*temporary, AtFlags::empty());
        }
        done
    }

    /// Removes a file: false if there is none.
    pub(super) fn remove(&self, name: &OsStr) -> Result<bool, Trouble> {
        match unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(self.trouble("cannot remove", name, error)),
        }
    }

    /// Moves a file to a folder and a name, and overwrites nothing.
    pub(super) fn move_to(&self, name: &OsStr, there: &Self, new: &OsStr) -> Result<Moved, Trouble> {
        match self.rename_new(name, there, new) {
            Ok(()) => Ok(Moved::Done),
            Err(Errno::NOENT) => Ok(Moved::Gone),
            Err(Errno::EXIST) => Ok(Moved::Taken),
            Err(Errno::XDEV) => self.copy_to(name, there, new),
            Err(error) => Err(self.trouble("cannot move", name, error)),
        }
    }

    fn rename_new(&self, name: &OsStr, there: &Self, new: &OsStr) -> Result<(), Errno> {
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        {
            use rustix::fs::{RenameFlags, renameat_with};
            match renameat_with(&self.handle, name, &there.handle, new, RenameFlags::NOREPLACE) {
                // This file system cannot say it.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                renamed => return renamed,
            }
        }
        linkat(&self.handle, name, &there.handle, new, AtFlags::empty())?;
        match unlinkat(&self.handle, name, AtFlags::empty()) {
            // Two have linked it to two names, and the other one was faster.
            Err(Errno::NOENT) => {
                let _ = unlinkat(&there.handle, new, AtFlags::empty());
                Err(Errno::NOENT)
            }
            removed => removed,
        }
    }

    /// Another file system: the copy is there before this one goes.
    fn copy_to(&self, name: &OsStr, there: &Self, new: &OsStr) -> Result<Moved, Trouble> {
        let Some((mut file, _)) = self.file(name).map_err(|error| self.trouble("cannot read", name, error))? else {
            return Ok(Moved::Gone);
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| self.trouble("cannot read", name, error))?;
        if !there.put_new(new, &bytes)? {
            return Ok(Moved::Taken);
        }
        self.remove(name)?;
        Ok(Moved::Done)
    }

    /// The names of all that is in it, of which a file system may not say what it is. Without order.
    pub(super) fn names(&self) -> Result<Vec<(OsString, FileType)>, Trouble> {
        let failed = |error: Errno| Trouble::new("cannot list", &self.path, error);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push((OsStr::from_bytes(name).to_owned(), entry.file_type()));
            }
        }
        Ok(names)
    }

    /// The names of files.
    pub(super) fn files(&self) -> Result<impl Iterator<Item = OsString>, Trouble> {
        let may_be_file = |kind| matches!(kind, FileType::RegularFile | FileType::Unknown);
        Ok(self.names()?.into_iter().filter(move |(_, kind)| may_be_file(*kind)).map(|(name, _)| name))
    }

    /// Removes what a process that is gone has left half written.
    pub(super) fn sweep(&self, pid: u32) {
        let begin = format!("{TEMPORARY}{pid}-");
        let Ok(files) = self.files() else { return };
        for name in files.filter(|name| name.as_bytes().starts_with(begin.as_bytes())) {
            let _ = unlinkat(&self.handle, &name, AtFlags::empty());
        }
    }

    /// Opens a file for reading and writing, makes it if it is missing.
    pub(super) fn open_for_writing(&self, name: &OsStr) -> Result<File, Trouble> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = openat(&self.handle, name, flags, FILE_MODE).map(File::from);
        opened.map_err(|error| self.trouble("cannot open", name, error))
    }
}

/// Reads a regular file of about that size, and one byte more than the limit at most. A read that leaves room is the last
/// one: of 100,000 small files each costs but one.
fn read_whole(file: &mut File, size: u64, limit: u64) -> io::Result<Vec<u8>> {
    let most = limit.saturating_add(1);
    let room = size.saturating_add(1).min(most);
    let mut bytes = vec![0; usize::try_from(room).unwrap_or_default()];
    let count = loop {
        match file.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    if count < bytes.len() {
        bytes.truncate(count);
    } else {
        // It has grown, or is too large.
        file.take(most - room).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The file that takes turns with the one of this name.
fn spare_of(name: &OsStr) -> String {
    format!("{TEMPORARY}{}-{}.tmp", std::process::id(), name.to_string_lossy())
}

fn linked(linked: Result<(), Errno>) -> io::Result<bool> {
    match linked {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_put_whole_both_ways_and_nothing_is_overwritten_or_left() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::make(home.path().join("a/b"), Links::Follow).unwrap();
        let name = |text: &'static str| OsStr::new(text);
        assert!(folder.put_new(name("x"), b"1").unwrap());
        assert!(folder.put_by_name(name("y"), b"1").unwrap());
        for present in ["x", "y"] {
            assert!(!folder.put_new(name(present), b"2").unwrap());
            assert!(!folder.put_by_name(name(present), b"2").unwrap());
            assert_eq!(folder.read(name(present), 9).unwrap().unwrap(), b"1");
            folder.put(name(present), b"3").unwrap();
            assert_eq!(folder.read(name(present), 9).unwrap().unwrap(), b"3");
        }
        let mut names: Vec<_> = folder.names().unwrap().into_iter().map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, ["x", "y"]);
        // A name that no file can have.
        let long = "x".repeat(300);
        let said = folder.put_new(OsStr::new(&long), b"").unwrap_err().to_string();
        assert!(said.starts_with("cannot write ") && said.ends_with("file name too long"), "{said}");
        assert!(folder.replace(OsStr::new(&long), b"").is_err());
        assert_eq!(folder.names().unwrap().len(), 2, "nothing half stays");
    }

    #[test]
    fn two_files_take_turns_and_nothing_of_others_is_written_to() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(home.path().to_path_buf(), Links::Follow).unwrap();
        let (name, path) = (OsStr::new("x"), home.path().join("x"));
        for text in ["a long one", "one", "another"] {
            folder.replace_in_turn(name, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        // A copy that shares its content with what was there keeps that.
        fs::hard_link(&path, home.path().join("copy")).unwrap();
        folder.replace_in_turn(name, b"b").unwrap();
        folder.replace_in_turn(name, b"c").unwrap();
        assert_eq!(fs::read_to_string(home.path().join("copy")).unwrap(), "another");
        // A link, and a file that is gone.
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("copy", &path).unwrap();
        for text in ["d", "e"] {
            folder.replace_in_turn(name, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_to_string(home.path().join("copy")).unwrap(), "another");
        fs::remove_file(&path).unwrap();
        folder.replace_in_turn(name, b"f").unwrap();
        folder.remove_spare(name);
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), folder.names().unwrap().len()), ("f", 2));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_move_to_another_file_system_copies_and_overwrites_nothing() {
        let home = tempfile::tempdir().unwrap();
        let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return println!("skipped: needs /dev/shm") };
        let from = Folder::open(home.path().to_path_buf(), Links::Follow).unwrap();
        let to = Folder::open(other.path().to_path_buf(), Links::Follow).unwrap();
        if from.identity.0 == to.identity.0 {
            return println!("skipped: needs a temporary folder that is not on /dev/shm's file system");
        }
        let name = OsStr::new("x");
        from.put_new(name, b"1").unwrap();
        assert_eq!(from.move_to(name, &to, name).unwrap(), Moved::Done);
        assert_eq!((from.has(name), to.read(name, 9).unwrap().unwrap()), (false, b"1".to_vec()));
        assert_eq!(from.move_to(name, &to, name).unwrap(), Moved::Gone);
        from.put_new(name, b"2").unwrap();
        assert_eq!(from.move_to(name, &to, name).unwrap(), Moved::Taken);
        assert_eq!(to.read(name, 9).unwrap().unwrap(), b"1");
    }
}
