//! The run loop's status file, `status.json` in the state folder, so that others can tell a stuck devgroup from one
//! that lives. Renewed at least every 30 s, and, while nothing happens, not more often: it is the only thing that
//! an idle devgroup wakes up for.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::state_folder;
use crate::clock::Clock;
use crate::domain::{GroupSpec, Moment, visible_path};
use crate::private;
use crate::web::Turns;

const NAME: &str = "status.json";

/// A larger file is none of ours.
const LARGEST: u64 = 64 << 10;

/// From one beat to the next: at least every 30 s is the promise, and a busy machine is late.
const EVERY: Duration = Duration::from_secs(25);

/// The status file of one run of a group.
pub(crate) struct StatusFile {
    /// Where it is written, if there is a place for it.
    place: Option<Arc<Place>>,
    /// Is told of each beat: what is to be looked after now and then.
    upkeep: Arc<Notify>,
    clock: Clock,
    /// When the next beat is due.
    due: Moment,
    turns: Arc<Turns>,
}

/// What the thread that writes needs.
struct Place {
    folder: PathBuf,
    group: Arc<str>,
    /// The process by which the user knows the group.
    pid: u32,
    /// Held while the file is written; whether it must not be any more.
    over: Mutex<bool>,
}

/// The file. Times are RFC 3339 UTC.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
pub(super) struct Status {
    /// Of the format.
    version: u32,
    /// The version of the program.
    devgroup: String,
    /// The process that was started, by which the user knows the group: the guard.
    pub(super) pid: u32,
    /// The process whose loop this is.
    #[serde(default)]
    pub(super) program: Option<u32>,
    group: String,
    since: Timestamp,
    pub(super) last_turn: Timestamp,
    pub(super) longest_turn_ms: u64,
}

/// What stands in the file of a group, if there is one.
pub(super) fn read(folder: &std::path::Path) -> Option<Status> {
    serde_json::from_slice(&private::read(&folder.join(NAME), LARGEST).ok()?).ok()
}

impl StatusFile {
    /// `pid`: the process by which the user knows the group. `upkeep` is told of each beat, `turns` of each turn.
    pub(crate) fn new(spec: &GroupSpec, clock: Clock, pid: u32, upkeep: Arc<Notify>, turns: Arc<Turns>) -> Self {
        let place = state_folder::of_group(spec, state_folder::variable)
            .inspect_err(|why| log::info!("no status file: {why}"))
            .map(|folder| Arc::new(Place { folder, group: Arc::clone(&spec.name), pid, over: Mutex::new(false) }));
        Self { place: place.ok(), upkeep, clock, due: clock.now(), turns }
    }

    /// When the loop is to turn again, whatever else happens.
    pub(crate) fn due(&self) -> Moment {
        self.due
    }

    /// A turn is over. If a beat is due, it is written, on another thread; one that is still being written is enough.
    pub(crate) fn turned(&mut self, now: Moment, took: Duration) {
        self.turns.turned(now, took);
        if now < self.due {
            return;
        }
        self.due = now + EVERY;
        self.upkeep.notify_one();
        let Some(place) = self.place.clone() else { return };
        let status = self.status(&place);
        tokio::task::spawn_blocking(move || place.write(&status));
    }

    fn status(&self, place: &Place) -> Status {
        let time = |moment| Timestamp::try_from(self.clock.wall(moment)).unwrap_or(Timestamp::UNIX_EPOCH);
        Status {
            version: 1,
            devgroup: env!("CARGO_PKG_VERSION").into(),
            pid: place.pid,
            program: Some(std::process::id()),
            group: place.group.to_string(),
            since: time(Moment::START),
            last_turn: time(self.turns.last()),
            longest_turn_ms: u64::try_from(self.turns.longest().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Ends the writing and takes the file away. A beat that is being written just now keeps the file: the disk hangs.
    pub(crate) fn end(&self) {
        if let Some(place) = &self.place {
            place.end();
        }
    }
}

impl Place {
    fn write(&self, status: &Status) {
        // Two beats at once: a disk that took 25 s for one will not take the other either.
        let Ok(over) = self.over.try_lock() else { return };
        if *over {
            return;
        }
        let written = serde_json::to_vec(status).map_err(std::io::Error::other).and_then(|text| {
            state_folder::make(&self.folder)?;
            private::replace(&self.folder, NAME, &text)
        });
        if let Err(error) = written {
            log::debug!("{}: {error}", visible_path(&self.folder.join(NAME)));
        }
    }

    /// Does not wait for a disk that hangs.
    fn end(&self) {
        match self.over.try_lock() {
            Ok(mut over) => *over = true,
            Err(TryLockError::Poisoned(_)) => {}
            Err(TryLockError::WouldBlock) => return,
        }
        // Another devgroup of the same file may have written its own.
        let path = self.folder.join(NAME);
        let ours = Some(std::process::id());
        let is_ours = |text: Vec<u8>| serde_json::from_slice::<Status>(&text).is_ok_and(|s| s.program == ours);
        if private::read(&path, LARGEST).is_ok_and(is_ours) {
            // It may be gone meanwhile.
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_file(folder: &std::path::Path) -> StatusFile {
        let place = Place { folder: folder.join("state"), group: "shop".into(), pid: 7, over: Mutex::new(false) };
        let clock = Clock::start();
        StatusFile {
            place: Some(Arc::new(place)),
            upkeep: Arc::default(),
            clock,
            due: Moment::START,
            turns: Arc::default(),
        }
    }

    #[test]
    fn the_file_says_who_since_when_and_how_it_goes_and_is_gone_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut status_file = status_file(folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let inside = runtime.enter();
        status_file.turned(Moment::from_millis(3), Duration::from_millis(130));
        assert_eq!(status_file.due(), Moment::from_millis(3) + EVERY);
        status_file.turned(Moment::from_millis(9), Duration::from_millis(1));
        drop(inside);
        // Waits for the thread.
        drop(runtime);
        let path = folder.path().join("state").join(NAME);
        let status: Status = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!((status.pid, status.program), (7, Some(std::process::id())));
        assert_eq!((status.group.as_str(), status.longest_turn_ms), ("shop", 130));
        assert!(status.last_turn >= status.since);
        status_file.end();
        assert!(!path.exists());
        status_file.place.as_ref().unwrap().write(&status);
        assert!(!path.exists(), "nothing is written after the end");
    }

    #[test]
    fn the_file_of_another_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let status_file = status_file(folder.path());
        let place = status_file.place.as_ref().unwrap();
        let mut status = status_file.status(place);
        status.program = status.program.map(|program| program + 1);
        place.write(&status);
        status_file.end();
        assert!(folder.path().join("state").join(NAME).exists());
    }
}
