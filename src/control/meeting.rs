//! How the running group of a file is found, by its clients and by a second start.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::abstract_socket;
use super::client::{Client, ClientError, peer};
use super::lock_note::{LockState, lock_state};
use super::place::addresses;
use crate::domain::visible_path;

/// Connects to the running group of this file, at whichever of its addresses it is met: the one way of all clients.
/// `client`: who asks, as in [`Client::connect_as`].
///
/// # Errors
/// None runs; or it cannot be asked.
pub fn meet(file: &Path, client: Option<&str>) -> Result<Client, ClientError> {
    meet_at(addresses(file), client, || lock_state(file))
}

/// Connects to the group that is met at one of these addresses. `lock`: looks at its lock.
pub(super) fn meet_at(
    addresses: Vec<PathBuf>,
    client: Option<&str>,
    lock: impl FnOnce() -> LockState,
) -> Result<Client, ClientError> {
    let mut not_allowed = None;
    for address in addresses {
        match Client::connect_as(&address, client) {
            Err(ClientError::NotRunning) => {}
            Err(error @ ClientError::NotAllowed { .. }) => not_allowed = not_allowed.or(Some(error)),
            met => return met,
        }
    }
    Err(match (not_allowed, lock()) {
        // The socket file of a group that was killed: who held its lock is gone.
        (Some(_), LockState::Free) => ClientError::NotRunning,
        (Some(error), _) => error,
        (None, LockState::Held(note)) => match note.address() {
            // A sandbox with a temp folder of its own hides the socket, and none will appear.
            Some(address) if note.is_from_other_mounts() => ClientError::NotAllowed {
                address: address.clone(),
                error: io::Error::new(io::ErrorKind::PermissionDenied, "it is not visible in this mount namespace"),
            },
            _ => ClientError::NoSocket(note),
        },
        (None, LockState::Free | LockState::Unknown) => ClientError::NotRunning,
    })
}

/// Somebody serves a group already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// It has said who it is.
    Known {
        /// The process by which the user knows it.
        pid: u32,
        /// Name of the group.
        name: String,
    },
    /// It says nothing, or nothing that we understand: the process that listens, if the system tells.
    Mute(Option<u32>),
}

/// Who serves the group of this file; for a start, before it serves anything itself.
pub fn served_by(file: &Path) -> Option<Served> {
    addresses(file).iter().find_map(|address| match Client::connect(address) {
        Ok(client) => Some(Served::Known { pid: client.hello().pid, name: client.hello().project.clone() }),
        // Nobody; or somebody who is gone by now; or nobody of whom we could know.
        Err(ClientError::NotRunning | ClientError::Lost | ClientError::NotAllowed { .. } | ClientError::System(_)) => {
            None
        }
        Err(_) => Some(Served::Mute(listener(address))),
    })
}

/// The process of our own user that listens at an address, if the system tells.
pub(super) fn listener(address: &Path) -> Option<u32> {
    let name = abstract_socket::is_name(address);
    let stream = if name { abstract_socket::connect(address) } else { UnixStream::connect(address) };
    peer(&stream.ok()?)
}

/// Somebody has the name of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameTaken;

/// Takes the name of the group of this file, by which there is at most one. `Ok(None)` where that cannot be: the system has
/// no such names, or does not let us.
///
/// # Errors
/// A process of the same user has it.
pub fn take_name(file: &Path) -> Result<Option<(PathBuf, UnixListener)>, NameTaken> {
    let Some(address) = abstract_socket::address(file) else { return Ok(None) };
    match abstract_socket::listen(&address) {
        Ok(listener) => Ok(Some((address, listener))),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match abstract_socket::connect(&address).map(|stream| peer(&stream)) {
                Ok(None) => {
                    log::warn!("another user has taken the name {}", visible_path(&address));
                    Ok(None)
                }
                _ => Err(NameTaken),
            }
        }
        Err(error) => {
            log::info!("no abstract socket for this group: {error}");
            Ok(None)
        }
    }
}
