//! The socket of a group that is no file: a name in Linux's abstract namespace (unix(7)).
//!
//! No variable decides where it is and nobody can remove it; the kernel forgets it with the process that listens. So it is
//! the guard against a second copy of a group whose lock and socket are elsewhere or were removed, and a way to reach
//! such a group. It is known within one network namespace only, where the socket file may be seen from others: hence both.
//!
//! An address of this kind is a path that begins with `@`, as elsewhere on Linux.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Whether an address is a name and no file.
pub(super) fn is_name(address: &Path) -> bool {
    address.as_os_str().as_encoded_bytes().first() == Some(&b'@')
}

/// The name of the group of this file. With the identity of its folder: in two containers that share a network, the same
/// path may be two groups. `None` where there are no such names, or no folder.
pub(super) fn address(file: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    if !crate::portable::is_linux() {
        return None;
    }
    let folder = file.parent()?.metadata().ok()?;
    let (user, key) = (rustix::process::geteuid().as_raw(), super::group_key(file));
    Some(format!("@devgroup/{user}/{key}/{:x}-{:x}", folder.dev(), folder.ino()).into())
}

/// Listens on a name.
///
/// # Errors
/// [`io::ErrorKind::AddrInUse`]: somebody has it.
pub(super) fn listen(address: &Path) -> io::Result<UnixListener> {
    imp::listen(imp::bytes(address)?)
}

/// Connects to a name.
///
/// # Errors
/// [`io::ErrorKind::ConnectionRefused`]: nobody has it.
pub(super) fn connect(address: &Path) -> io::Result<UnixStream> {
    imp::connect(imp::bytes(address)?)
}

/// Whether somebody has the name, by the list of the system: for who may not connect.
pub(super) fn is_taken(address: &Path) -> bool {
    let list = std::fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let name = address.to_string_lossy();
    list.lines().any(|line| line.split_ascii_whitespace().next_back() == Some(&*name))
}

#[cfg(target_os = "linux")]
mod imp {
    use std::io;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
    use std::path::Path;

    pub(super) fn bytes(address: &Path) -> io::Result<&[u8]> {
        address.as_os_str().as_encoded_bytes().strip_prefix(b"@").ok_or(io::ErrorKind::InvalidInput.into())
    }

    pub(super) fn listen(name: &[u8]) -> io::Result<UnixListener> {
        UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)
    }

    pub(super) fn connect(name: &[u8]) -> io::Result<UnixStream> {
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::io;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;

    pub(super) fn bytes(_: &Path) -> io::Result<&[u8]> {
        // Nobody can be there: this system has no such names.
        Err(io::ErrorKind::ConnectionRefused.into())
    }

    pub(super) fn listen(_: &[u8]) -> io::Result<UnixListener> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn connect(_: &[u8]) -> io::Result<UnixStream> {
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_holder_and_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let address = address(&folder.path().join("procgroup.toml")).unwrap();
        assert!(is_name(&address) && !is_name(folder.path()));
        assert_eq!(connect(&address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert!(!is_taken(&address));
        let holder = listen(&address).unwrap();
        assert_eq!(listen(&address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(is_taken(&address) && connect(&address).is_ok());
        drop(holder);
        assert!(!is_taken(&address) && listen(&address).is_ok());
    }

    #[test]
    fn another_folder_of_the_same_path_is_another_group() {
        let home = tempfile::tempdir().unwrap();
        let (folder, other) = (home.path().join("app"), home.path().join("other"));
        std::fs::create_dir(&folder).unwrap();
        let before = address(&folder.join("procgroup.toml")).unwrap();
        std::fs::rename(&folder, &other).unwrap();
        std::fs::create_dir(&folder).unwrap();
        assert_ne!(address(&folder.join("procgroup.toml")).unwrap(), before);
    }
}
