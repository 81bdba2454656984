//! Where a group is met: its socket file and, on Linux, its name (`abstract_socket.rs`).
//!
//! The file can be lost while the group runs: logind removes its folder with the last session of the user, others clean
//! `/tmp`. So it is looked for now and then, and made anew if it is not there.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{UnixListener, UnixStream};

use super::place::Place;
use crate::domain::visible_path;

/// Where the group is met, before anybody is served: clients that come wait. The file is removed at the end.
#[derive(Debug)]
pub struct BoundSocket {
    group: PathBuf,
    socket: Option<(StdListener, SocketFile)>,
    name: Option<(PathBuf, StdListener)>,
}

/// A socket file that we have made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SocketFile {
    path: PathBuf,
    /// Device and inode, so that nobody else's is taken for it.
    identity: (u64, u64),
}

impl SocketFile {
    fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity)
    }

    fn remove(&self) {
        if self.is_there() {
            // It is stale from now on, which the next one sees by itself.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl BoundSocket {
    /// Opens the socket of the group of this file. `name`: its name, if it has one, where it is met as well.
    ///
    /// # Errors
    /// It can be met nowhere; for people.
    pub fn open(file: &Path, name: Option<(PathBuf, StdListener)>) -> Result<Self, String> {
        let socket = match open_socket(file) {
            Ok(socket) => Some(socket),
            Err(why) if name.is_none() => return Err(why),
            Err(why) => {
                log::warn!("no socket file: {why}");
                None
            }
        };
        Ok(Self { group: file.to_owned(), socket, name })
    }

    /// Its address: that of the file, if there is one.
    pub fn address(&self) -> &Path {
        let name = self.name.as_ref().map(|(name, _)| name.as_path());
        self.socket.as_ref().map(|(_, file)| file.path.as_path()).or(name).unwrap_or(Path::new(""))
    }

    /// From here on it is served, inside of the runtime that is entered.
    pub(super) fn serve(mut self) -> io::Result<ServedSocket> {
        let address = self.address().to_owned();
        let name = self.name.take().map(|(_, listener)| listen(listener)).transpose()?;
        let (socket, file) = self.socket.take().unzip();
        let socket = socket.map(listen).transpose()?;
        let file = Arc::new(Mutex::new(Some(file)));
        Ok(ServedSocket { group: self.group.clone(), address, socket, name, file: Removal(file), is_lost: false })
    }
}

impl Drop for BoundSocket {
    fn drop(&mut self) {
        if let Some((_, file)) = &self.socket {
            file.remove();
        }
    }
}

/// Opens the socket of the group of this file. One that nobody listens to any more is replaced.
fn open_socket(file: &Path) -> Result<(StdListener, SocketFile), String> {
    let place = Place::make(file)?;
    let path = place.socket();
    let problem = |error: io::Error| format!("{}: {error}", visible_path(&path));
    match StdStream::connect(&path) {
        Ok(_) => return Err(format!("{}: another devgroup uses it", visible_path(&path))),
        // Whether somebody serves it cannot be known.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.symlink_metadata().is_ok() => {
            return Err(problem(error));
        }
        Err(_) => {}
    }
    // Made under another name and moved: under its own, it always has a listener.
    let draft = place.folder().join(format!("{}.new", std::process::id()));
    let _ = fs::remove_file(&draft);
    let listener = StdListener::bind(&draft).map_err(problem)?;
    let moved = fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))
        .and_then(|()| fs::rename(&draft, &path))
        .and_then(|()| fs::symlink_metadata(&path));
    match moved {
        Ok(found) => Ok((listener, SocketFile { identity: (found.dev(), found.ino()), path })),
        Err(error) => {
            let _ = fs::remove_file(&draft);
            Err(problem(error))
        }
    }
}

fn listen(listener: StdListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// A socket that is served.
pub(super) struct ServedSocket {
    group: PathBuf,
    /// Where services and the note in the lock say that it is.
    address: PathBuf,
    socket: Option<UnixListener>,
    name: Option<UnixListener>,
    file: Removal,
    /// The last try to make the file anew has failed.
    is_lost: bool,
}

/// The socket file that is there now, for whoever removes it: `None` when that is done, and no other is to be made.
#[derive(Clone, Debug)]
pub(super) struct Removal(Arc<Mutex<Option<Option<SocketFile>>>>);

impl Removal {
    /// Removes the file; no other is made after that.
    pub(super) fn remove(&self) {
        if let Some(Some(file)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            file.remove();
        }
    }
}

impl ServedSocket {
    /// The way to remove the file, from wherever.
    pub(super) fn removal(&self) -> Removal {
        self.file.clone()
    }

    /// Where it is met.
    pub(super) fn address(&self) -> &Path {
        &self.address
    }

    /// Waits for the next client. Cancel-safe.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        tokio::select! {
            accepted = accept(self.socket.as_ref()) => accepted,
            accepted = accept(self.name.as_ref()) => accepted,
        }
    }

    /// Makes the socket file anew if it is not there.
    pub(super) fn renew(&mut self) {
        let mut file = self.file.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = file.as_mut() else { return };
        if known.as_ref().is_some_and(SocketFile::is_there) {
            return;
        }
        let made = open_socket(&self.group).and_then(|(listener, made)| {
            let listener = listen(listener).map_err(|error| error.to_string())?;
            Ok((listener, made))
        });
        match made {
            Ok((listener, made)) => {
                log::info!("the control socket was gone and has been recreated: {}", visible_path(&made.path));
                self.socket = Some(listener);
                self.address.clone_from(&made.path);
                *known = Some(made);
                self.is_lost = false;
            }
            Err(why) if !self.is_lost => {
                log::warn!("the control socket is gone and cannot be recreated: {why}");
                self.is_lost = true;
            }
            Err(_) => {}
        }
    }
}

async fn accept(listener: Option<&UnixListener>) -> io::Result<UnixStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(folder: &Path) -> (tokio::runtime::Runtime, ServedSocket, PathBuf) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let path = folder.join("a.sock");
        let inside = runtime.enter();
        let listener = StdListener::bind(&path).unwrap();
        let found = path.symlink_metadata().unwrap();
        let file = SocketFile { path: path.clone(), identity: (found.dev(), found.ino()) };
        // Its group is that of a file of its own, so that nobody else's socket is in the way.
        let group = folder.join("procgroup.toml");
        let bound_socket = BoundSocket { group, socket: Some((listener, file)), name: None }.serve().unwrap();
        drop(inside);
        (runtime, bound_socket, path)
    }

    #[test]
    fn a_socket_that_is_gone_is_made_anew_and_one_that_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (runtime, mut bound_socket, path) = opened(folder.path());
        let _inside = runtime.enter();
        bound_socket.renew();
        assert_eq!(bound_socket.address(), path);
        fs::remove_file(&path).unwrap();
        bound_socket.renew();
        let address = bound_socket.address().to_owned();
        assert!(address != path && StdStream::connect(&address).is_ok(), "where it is by rule");
        bound_socket.removal().remove();
        assert!(!address.exists());
        bound_socket.renew();
        assert!(!address.exists(), "none is made after the end");
    }

    #[test]
    fn at_the_end_nobody_elses_socket_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (_runtime, bound_socket, path) = opened(folder.path());
        fs::remove_file(&path).unwrap();
        let _other = StdListener::bind(&path).unwrap();
        bound_socket.removal().remove();
        assert!(path.exists());
    }
}
