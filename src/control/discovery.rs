//! Which groups of this user run on this machine, by what they leave where others look: a socket in a folder for
//! sockets, a lock in the folder for state.
//!
//! Names of the kernel (`abstract_socket.rs`) are not listed: they would also tell of groups of containers on the same
//! network, whose files are not here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::abstract_socket;
use super::client::{Client, ClientError};
use super::lock_note::{LockNote, LockState, lock_state_of};
use super::meeting::{listener, meet_at};
use super::place::{folders, group_key, lock_folder, variable};

/// A group that may run, as it is known before it is asked.
#[derive(Clone, Debug, Default)]
pub struct GroupTrace {
    key: String,
    sockets: Vec<PathBuf>,
    locks: Vec<PathBuf>,
    note: LockNote,
}

/// The groups that may run. Nobody is asked, so nobody is waited for.
pub fn group_traces() -> Vec<GroupTrace> {
    let mut found: BTreeMap<String, GroupTrace> = BTreeMap::new();
    let in_folders = folders(variable).into_iter().chain(lock_folder());
    for path in in_folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten().map(|entry| entry.path())
    {
        let Some(key) = path.file_stem().and_then(|stem| stem.to_str()).filter(|key| is_key(key)) else { continue };
        let is_socket = match path.extension().and_then(|extension| extension.to_str()) {
            Some("sock") => true,
            Some("lock") => false,
            _ => continue,
        };
        let trace = found.entry(key.to_owned()).or_default();
        trace.key = key.to_owned();
        if is_socket { &mut trace.sockets } else { &mut trace.locks }.push(path);
    }
    let mut traces: Vec<GroupTrace> = found.into_values().collect();
    for trace in &mut traces {
        match lock_state_of(trace.locks.iter().cloned()) {
            LockState::Held(note) => trace.note = note,
            // A socket may be there all the same, of a group whose lock is elsewhere.
            LockState::Free | LockState::Unknown => trace.locks.clear(),
        }
    }
    traces.retain(|trace| !trace.sockets.is_empty() || !trace.locks.is_empty());
    traces
}

/// A name that [`group_key`] gives.
fn is_key(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl GroupTrace {
    /// What the holder of its lock has noted; nothing where its lock is elsewhere.
    pub fn note(&self) -> &LockNote {
        &self.note
    }

    /// Whether this is the group of this file.
    pub fn is_of(&self, file: &Path) -> bool {
        group_key(file) == self.key
    }

    /// Connects to it, at whichever of its addresses it is met.
    ///
    /// # Errors
    /// It does not run any more; or it cannot be asked.
    pub fn meet(&self) -> Result<Client, ClientError> {
        meet_at(self.addresses(), None, || lock_state_of(self.locks.iter().cloned()))
    }

    /// The process that listens at one of its addresses, where the system tells.
    pub fn listener(&self) -> Option<u32> {
        self.addresses().iter().find_map(|address| listener(address))
    }

    fn addresses(&self) -> Vec<PathBuf> {
        let noted = self.note.address().cloned();
        let name = self.note.file.as_deref().and_then(abstract_socket::address);
        let mut addresses = self.sockets.clone();
        addresses.extend(noted.into_iter().chain(name).filter(|address| !self.sockets.contains(address)));
        addresses
    }
}
