//! Which group is meant: that of the file, that of the folder, or the one whose service we are.

use std::path::{Path, PathBuf};

use super::super::arguments::Place;
use super::super::exit_code::Failure;
use crate::config;
use crate::control::{self, Client, ClientError, SOCKET_VARIABLE};

/// Connects to the group that runs here.
///
/// A file that is named decides. Otherwise a service means its own group; then comes the nearest folder, from the current
/// one up, that has a file or a group that runs (its file may have been renamed meanwhile).
pub(in crate::cli) fn group(place: &Place) -> Result<Client, Failure> {
    if let Some(file) = &place.config {
        let file =
            std::path::absolute(file).map_err(|error| Failure::Usage(format!("-f {}: {error}", file.display())))?;
        return by_file(&file)?.ok_or(Failure::NotRunning { file: Some(file) });
    }
    if place.directory.is_none()
        && let Some(socket) = std::env::var_os(SOCKET_VARIABLE)
        && let Some(client) = connect(Path::new(&socket))?
    {
        return Ok(client);
    }
    let here = std::env::current_dir()
        .map_err(|error| Failure::Unexpected(format!("the current folder cannot be read: {error}")))?;
    for folder in here.ancestors() {
        let file = folder.join(config::FILE_NAME);
        if let Some(client) = by_file(&file)? {
            return Ok(client);
        }
        if file.is_file() {
            return Err(Failure::NotRunning { file: Some(file) });
        }
    }
    Err(Failure::NotRunning { file: None })
}

fn by_file(file: &Path) -> Result<Option<Client>, Failure> {
    for socket in control::sockets(file) {
        if let Some(client) = connect(&socket)? {
            return Ok(Some(client));
        }
    }
    Ok(None)
}

fn connect(socket: &Path) -> Result<Option<Client>, Failure> {
    match Client::connect(socket) {
        Ok(client) => Ok(Some(client)),
        Err(ClientError::NotRunning) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A path as people write it: relative to the current folder, if it is in it.
pub(in crate::cli) fn short(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}
