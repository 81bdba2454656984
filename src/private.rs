//! Files and folders of our own: nobody else's, through no link, and for nobody else to read, whatever the umask is.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::geteuid;

use crate::domain::visible_path;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Makes a folder, or sees to it that it is a folder of ours that nobody else can look into. What is above it may be a
/// link, and of anybody. `variable`: by which variable the user chooses another place.
///
/// # Errors
/// It cannot be made; or what is there is a link, no folder, or somebody else's: what, and what to do.
pub fn make_folder(folder: &Path, variable: &str) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", visible_path(folder)));
    match DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder) {
        // What is there is looked at.
        Err(error) if folder.symlink_metadata().is_err() => return Err(named(error)),
        _ => {}
    }
    // Not through a link: anyone could have laid one where others may write.
    let found = fs::symlink_metadata(folder).map_err(named)?;
    let refuse = |what: String| {
        let folder = visible_path(folder);
        Err(io::Error::other(format!("{folder} {what}: remove it, or set {variable} to a folder that you own")))
    };
    if found.is_symlink() {
        return refuse("is a link".into());
    }
    if !found.is_dir() {
        return refuse("is not a folder".into());
    }
    if found.uid() != geteuid().as_raw() {
        return refuse(format!("belongs to another user (uid {})", found.uid()));
    }
    if found.mode() & 0o777 == FOLDER_MODE {
        return Ok(());
    }
    match fs::set_permissions(folder, fs::Permissions::from_mode(FOLDER_MODE)) {
        // A file system without modes says what its mount says.
        Err(_) if found.mode() & 0o022 == 0 => Ok(()),
        set => set.map_err(named),
    }
}

/// Opens a file of ours, as the options say.
///
/// # Errors
/// The system's; or what is there is a link, no file, or somebody else's.
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // A pipe that is there in its place must not keep us waiting before it is seen to be one.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = options.mode(FILE_MODE).custom_flags(flags).open(path).map_err(|error| {
        match path.symlink_metadata().map(|found| found.file_type()) {
            Ok(kind) if kind.is_symlink() => io::Error::other("it is a link: remove it"),
            // Some kinds are refused by the system, in words of its own.
            Ok(kind) if !kind.is_file() => io::Error::other("it is not a file: remove it"),
            _ => error,
        }
    })?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("it is not a file: remove it"));
    }
    if found.uid() != geteuid().as_raw() {
        return Err(io::Error::other(format!("it belongs to another user (uid {}): remove it", found.uid())));
    }
    if found.mode() & 0o777 != FILE_MODE {
        // Where a file system has no modes, the folder decides alone.
        let _ = file.set_permissions(fs::Permissions::from_mode(FILE_MODE));
    }
    Ok(file)
}

/// Reads a file of ours as a whole.
///
/// # Errors
/// Those of [`open`]; or it has more bytes than `limit`.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path, OpenOptions::new().read(true))?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Writes a file as a whole: whoever reads it sees the old one or the new one.
///
/// # Errors
/// The system's.
pub fn replace(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let new = folder.join(format!(".{name}.{}", std::process::id()));
    // One of a process of the same number, which was killed in between.
    let _ = fs::remove_file(&new);
    let written = open(&new, OpenOptions::new().write(true).create_new(true))
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&new, folder.join(name)));
    if written.is_err() {
        // Half a file is of no use; it may not even be there.
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_folder_that_others_can_look_into_is_closed_and_a_link_is_none() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/devgroup");
        make_folder(&folder, "HERE").unwrap();
        for open in [folder.as_path(), folder.parent().unwrap()] {
            fs::set_permissions(open, fs::Permissions::from_mode(0o755)).unwrap();
        }
        make_folder(&folder, "HERE").unwrap();
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(folder.parent().unwrap()), 0o755, "that is the user's");
        let link = home.path().join("link");
        symlink(home.path().join("a"), &link).unwrap();
        make_folder(&link.join("other"), "HERE").unwrap();
        let said = make_folder(&link, "HERE").unwrap_err().to_string();
        assert!(said.ends_with("link is a link: remove it, or set HERE to a folder that you own"), "{said}");
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(make_folder(&file, "HERE").unwrap_err().to_string().contains("is not a folder"));
        assert!(make_folder(&file.join("below"), "HERE").unwrap_err().to_string().contains("file/below: "));
    }

    #[test]
    fn a_file_is_for_us_alone_and_no_link_is_followed() {
        let home = tempfile::tempdir().unwrap();
        let (file, link, pipe) = (home.path().join("file"), home.path().join("link"), home.path().join("pipe"));
        fs::write(&file, "secret").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read(&file, 6).unwrap(), b"secret");
        assert_eq!(mode(&file), 0o600);
        assert!(read(&file, 5).is_err(), "too large");
        for target in [file.as_path(), Path::new("nothing")] {
            symlink(target, &link).unwrap();
            let said = open(&link, OpenOptions::new().append(true).create(true)).unwrap_err().to_string();
            assert_eq!(said, "it is a link: remove it");
            fs::remove_file(&link).unwrap();
        }
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let write = OpenOptions::new().append(true).create(true).clone();
        for options in [OpenOptions::new().read(true), OpenOptions::new().read(true).write(true), &mut write.clone()] {
            assert_eq!(open(&pipe, &mut options.clone()).unwrap_err().to_string(), "it is not a file: remove it");
        }
        // A link in the place of the new file would lead elsewhere.
        let new = home.path().join(format!(".file.{}", std::process::id()));
        symlink(home.path().join("elsewhere"), &new).unwrap();
        replace(home.path(), "file", b"new").unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("new", 0o600));
        assert!(!home.path().join("elsewhere").exists() && !new.is_symlink());
    }
}
