//! A few bytes that stand for the content of a file: two equal fingerprints mean an unchanged file.
//!
//! Small files are hashed; large files use size, change time and inode. So do unreadable files, which never equal
//! anything.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use xxhash_rust::xxh3::Xxh3;

use super::directory::{self, FoundKind, Seen, Stamp};
use super::tree::{Content, KnownFile};

/// Files above this size are not read: that would take longer than a restart may wait, and nobody edits them by hand.
const LARGEST: u64 = 8 << 20;

/// A file that was changed within this time before it was read may be changed again without another time stamp: file
/// systems take the time of the kernel's last tick, which is up to 10 ms old. Git calls such a file racily clean.
pub(super) const GRAIN: Duration = Duration::from_millis(20);
/// The same for file systems that keep whole seconds; FAT keeps every second one.
const COARSE_GRAIN: Duration = Duration::from_secs(2);

/// See the top of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fingerprint {
    /// Nothing is there, or nothing that has content.
    Absent,
    /// 128 bits of the content (XXH3), or of where a link leads.
    Hash([u64; 2]),
    /// Too large to be read.
    Large(Stamp),
    /// Not known, or not readable.
    Unknown,
}

/// A file as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) print: Fingerprint,
    /// What it looked like meanwhile; `None` if it is not there, or was changed while it was read.
    pub(super) seen: Option<Seen>,
    /// Whether it cannot have been changed since without another time stamp.
    pub(super) sure: bool,
}

impl Fingerprint {
    /// Of a file that holds nothing.
    pub(super) const EMPTY: Self = Self::Hash([0x99aa_06d3_0147_98d8, 0x6001_c324_468d_497f]);

    /// Of a file as it is known; `None` is a file that was not there.
    pub(super) fn of(known: Option<&KnownFile>) -> Self {
        match known {
            None => Self::Absent,
            Some(KnownFile { stamp: Some(stamp), .. }) if stamp.size() > LARGEST => Self::Large(*stamp),
            Some(KnownFile { content: Content::Racy(hash) | Content::Sure(hash), .. }) => Self::Hash(*hash),
            Some(_) => Self::Unknown,
        }
    }

    /// Whether both surely hold the same.
    pub(super) fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => false,
            (Self::Large(one), Self::Large(other)) => one.is_same_content(&other),
            (one, other) => one == other,
        }
    }
}

/// Reads the file at a path. `now` is the time on the wall.
pub(super) fn read(path: &Path, now: SystemTime) -> Look {
    let Some((kind, seen)) = directory::at(path) else {
        return Look { print: Fingerprint::Absent, seen: None, sure: true };
    };
    if kind != FoundKind::File {
        return Look { print: Fingerprint::Absent, seen: None, sure: true };
    }
    let print = if seen.is_link {
        fs::read_link(path).map(|target| hash_of(target.as_os_str().as_bytes(), LINK_SEED))
    } else if seen.stamp.size() > LARGEST {
        return Look { print: Fingerprint::Large(seen.stamp), seen: Some(seen), sure: true };
    } else {
        hash_file(path, &seen)
    };
    match print {
        Ok(hash) => {
            let grain = if seen.stamp.is_coarse() { COARSE_GRAIN } else { GRAIN };
            let is_past = now.checked_sub(grain).is_some_and(|then| !seen.stamp.is_changed_after(then));
            // The clock was set back since: to wait until then is to read it again and again.
            let is_future = now.checked_add(COARSE_GRAIN).is_some_and(|then| seen.stamp.is_changed_after(then));
            let sure = is_past || is_future;
            Look { print: Fingerprint::Hash(hash), seen: Some(seen), sure }
        }
        Err(_) => Look { print: Fingerprint::Unknown, seen: None, sure: false },
    }
}

/// A link to a text is not a file with that text.
const LINK_SEED: u64 = 1;

fn hash_of(bytes: &[u8], seed: u64) -> [u64; 2] {
    let mut hasher = Xxh3::with_seed(seed);
    hasher.update(bytes);
    digest(&hasher)
}

fn digest(hasher: &Xxh3) -> [u64; 2] {
    let digest = hasher.digest128();
    [(digest >> 64) as u64, digest as u64]
}

fn hash_file(path: &Path, seen: &Seen) -> io::Result<[u64; 2]> {
    // It may be a link or a pipe by now: neither is followed or waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let mut hasher = Xxh3::with_seed(0);
    let mut buffer = [0; 32 << 10];
    let mut rest = LARGEST + 1;
    while rest > 0 {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        rest = rest.saturating_sub(count as u64);
    }
    if stamp_of(&file)? != seen.stamp {
        return Err(io::Error::other("it changed while being read"));
    }
    Ok(digest(&hasher))
}

fn stamp_of(file: &File) -> io::Result<Stamp> {
    Ok(Seen::new(&file.metadata()?).stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Duration = Duration::from_secs(3600);

    fn print(path: &Path) -> Fingerprint {
        read(path, SystemTime::now() + LATER).print
    }

    #[test]
    fn the_content_decides_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        assert_eq!(print(&file), Fingerprint::Absent);
        fs::write(&file, "text").expect("written");
        let text = print(&file);
        fs::write(&file, "other").expect("written");
        assert!(!text.is_same(print(&file)));
        fs::remove_file(&file).expect("removed");
        fs::write(&file, "text").expect("written");
        assert!(text.is_same(print(&file)));
        std::os::unix::fs::symlink("text", folder.path().join("b")).expect("linked");
        assert!(!text.is_same(print(&folder.path().join("b"))));
        assert_eq!(print(folder.path()), Fingerprint::Absent);
        fs::write(&file, "").expect("written");
        assert_eq!(print(&file), Fingerprint::EMPTY);
    }

    #[test]
    fn what_was_just_written_is_not_sure_and_a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        fs::write(&file, "text").expect("written");
        assert!(!read(&file, SystemTime::now()).sure);
        assert!(read(&file, SystemTime::now() + LATER).sure);
        let pipe = folder.path().join("p");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        assert_eq!(print(&pipe), Fingerprint::Absent);
    }

    #[test]
    fn times_that_have_not_come_yet_make_nobody_read_a_file_for_ever() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        fs::write(&file, "text").expect("written");
        let set =
            File::options().append(true).open(&file).and_then(|open| open.set_modified(SystemTime::now() + LATER));
        set.expect("set");
        assert!(read(&file, SystemTime::now() + Duration::from_secs(1)).sure);
        assert!(read(&file, SystemTime::now() - LATER).sure, "the clock was set back");
    }

    #[test]
    fn large_and_unreadable_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        File::create(&file).and_then(|file| file.set_len(LARGEST + 1)).expect("made");
        let large = print(&file);
        assert!(matches!(large, Fingerprint::Large(_)) && large.is_same(print(&file)));
        File::create(&file).and_then(|file| file.set_len(LARGEST + 2)).expect("made");
        assert!(!large.is_same(print(&file)));
        assert!(!Fingerprint::Unknown.is_same(Fingerprint::Unknown));
    }
}
