//! Which group is meant: that of the file, that of the folder, or the one whose service we are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::arguments::Place;
use super::super::consent;
use super::super::exit_code::Failure;
use crate::app::Occupied;
use crate::clock::Clock;
use crate::config;
use crate::control::{self, Ask, Client, ClientError, Reply, SOCKET_VARIABLE};
use crate::domain::{Moment, plain_error, visible_path};

/// A group that has lost its socket makes a new one with its next upkeep, at least every 30 s.
const RETURN: Duration = Duration::from_secs(35);

/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(50);

/// A group that starts or ends has no socket for a moment, of which nobody need be told.
const UNEXPLAINED: Duration = Duration::from_secs(1);

/// Connects to the group that runs here.
///
/// A file that is named decides. Otherwise a service means its own group; then comes the group that the current folder
/// belongs to, which may be that of a file further up; then the nearest folder, from the current one up, that has a file or a
/// group that runs (its file may have been renamed meanwhile).
pub(in crate::cli) fn group(place: &Place) -> Result<Client, Failure> {
    if let Some(file) = &place.config {
        let file = std::path::absolute(file)
            .map_err(|error| Failure::Usage(format!("-f {}: {}", visible_path(file), plain_error(&error))))?;
        return by_file(&file, place.client.as_deref())?.ok_or(Failure::NotRunning { file: Some(file), foreign: None });
    }
    let mut not_allowed = None;
    if place.directory.is_none()
        && let Some(socket) = std::env::var_os(SOCKET_VARIABLE).filter(|socket| !socket.is_empty())
    {
        match Client::connect_as(Path::new(&socket), place.client.as_deref()) {
            Ok(client) => return Ok(client),
            Err(ClientError::NotRunning) => {}
            // It may be met elsewhere, or be gone.
            Err(error @ ClientError::NotAllowed { .. }) => not_allowed = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    let here = std::env::current_dir()
        .map_err(|error| Failure::Unexpected(format!("cannot read the current folder: {error}")))?;
    let meant = config::find(&here, consent).map(|found| found.file);
    if let Some(client) = meant.as_deref().map(|file| by_file(file, place.client.as_deref())).transpose()?.flatten() {
        return Ok(client);
    }
    for folder in here.ancestors() {
        let file = folder.join(config::FILE_NAME);
        if Some(&file) != meant.as_ref()
            && let Some(client) = by_file(&file, place.client.as_deref())?
        {
            return Ok(client);
        }
        if file.is_file() {
            let file = meant.unwrap_or(file);
            let foreign = consent(&file).err();
            return Err(not_allowed.map_or(Failure::NotRunning { file: Some(file), foreign }, Failure::from));
        }
    }
    Err(not_allowed.map_or(Failure::NotRunning { file: None, foreign: None }, Failure::from))
}

/// Connects to the group that runs here, for a command that needs one.
pub(in crate::cli) fn running(place: &Place) -> Result<Client, Failure> {
    group(place).map_err(|failure| match failure {
        Failure::NotRunning { file: Some(file), .. } if place.config.is_some() && !file.exists() => Failure::NoGroup {
            message: format!("no group is running: {} does not exist", visible_path(&file)),
            help: "check the path of the file (-f or DEVGROUP_CONFIG)".into(),
        },
        failure => failure,
    })
}

/// Connects to the group of a file, if it runs. `client`: who asks, as in [`Client::connect_as`].
pub(super) fn by_file(file: &Path, client: Option<&str>) -> Result<Option<Client>, Failure> {
    let clock = Clock::start();
    let mut told = false;
    loop {
        let waited = clock.now().since(Moment::START);
        match control::meet(file, client) {
            Ok(client) => return Ok(Some(client)),
            Err(ClientError::NotRunning) => return Ok(None),
            Err(ClientError::NoSocket(note)) if waited < RETURN => {
                if waited >= UNEXPLAINED && !told {
                    told = true;
                    let error = ClientError::NoSocket(note);
                    super::super::print_message(&format!(
                        "{error} · waiting up to {}s for a new one",
                        RETURN.as_secs()
                    ));
                }
                std::thread::sleep(LOOK);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// That somebody else runs the group of a file, or is still stopping it. Of a group that ends by itself also what it is there
/// for.
pub(in crate::cli) fn occupied(occupied: Occupied, file: &Path) -> Failure {
    let status = control::meet(file, None).and_then(|mut group| group.ask(Ask::Status { follow: false, usage: false }));
    let Ok(Reply::Status(status)) = status else { return Failure::Occupied(occupied) };
    if status.stopping {
        return Failure::Stopping(occupied);
    }
    let failure = Failure::Occupied(occupied);
    match status.temporary_for() {
        Some(told) => {
            Failure::Noted { failure: failure.into(), note: format!("that group is {told}, and ends with it") }
        }
        None => failure,
    }
}

/// A path as people write it: relative to the current folder, if it is in it.
pub(in crate::cli) fn short(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}
