//! Reading files that others have made: only regular ones, and only up to a size.
//!
//! A repository that is only looked at may hold anything under a name that is read: a named pipe blocks whoever opens it, a
//! device may never end, and opening one may do something. So nothing waits in the opening, the kind is asked of what was
//! opened and not of the name, and reading ends at the limit.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a file for reading, if it is a regular one, or a link to one.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidInput`] if it is something else than a file.
pub fn open_regular(path: &Path) -> io::Result<(File, Metadata)> {
    open(path, OFlags::empty())
}

/// The same, and not by way of a link.
///
/// # Errors
/// Those of [`open_regular`], and [`io::ErrorKind::InvalidInput`] if it is a link.
pub fn open_regular_and_no_link(path: &Path) -> io::Result<(File, Metadata)> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(is_no_file("a link, which git does not follow"));
    }
    // It may have become a link meanwhile.
    open(path, OFlags::NOFOLLOW)
}

fn open(path: &Path, flags: OFlags) -> io::Result<(File, Metadata)> {
    // Opening a device can have an effect, so its kind is asked before, too.
    check(&fs::metadata(path)?)?;
    let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let found = file.metadata()?;
    check(&found)?;
    Ok((file, found))
}

fn check(found: &Metadata) -> io::Result<()> {
    if found.is_file() { Ok(()) } else { Err(is_no_file("not a regular file")) }
}

fn is_no_file(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// Reads a regular file as a whole.
///
/// # Errors
/// Those of [`open_regular`], and [`io::ErrorKind::FileTooLarge`] if it has more than `limit` bytes.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, found) = open_regular(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(found.len().min(limit)).unwrap_or_default());
    // What it says of its size may not be true any more, and files of /proc say 0.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// Reads a regular file as text.
///
/// # Errors
/// Those of [`read_regular`], and [`io::ErrorKind::InvalidData`] if it is not UTF-8.
pub fn read_regular_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read_regular(path, limit)?).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn only_files_are_read_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "text").unwrap();
        symlink("file", path("link")).unwrap();
        mkfifo(&path("pipe"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        symlink("pipe", path("to-pipe")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        assert_eq!(read_regular(&path("file"), 4).unwrap(), b"text");
        assert_eq!(read_regular_text(&path("link"), 9).unwrap(), "text");
        assert_eq!(read_regular(&path("file"), 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_regular(&path("none"), 3).unwrap_err().kind(), io::ErrorKind::NotFound);
        for other in [path("pipe"), path("to-pipe"), path("folder"), "/dev/zero".into(), "/dev/null".into()] {
            let error = read_regular(&other, 9).unwrap_err();
            assert_eq!(error.to_string(), "not a regular file", "{}", other.display());
        }
        assert!(open_regular_and_no_link(&path("file")).is_ok());
        let error = open_regular_and_no_link(&path("link")).unwrap_err();
        assert_eq!(error.to_string(), "a link, which git does not follow");
    }
}
