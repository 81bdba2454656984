//! News of the folders in which tasks end: their results and dead letters.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::event::EventKindMask;
use notify::{Config, Event, RecommendedWatcher, RecursiveMode, Watcher as _};

/// While a folder cannot be watched, because it is not there yet or has no events, all is looked at this often.
const BLIND_LOOK: Duration = Duration::from_millis(250);

/// Events may be lost, and those of other machines never come: all is looked at this often besides.
const LOOK: Duration = Duration::from_secs(2);

/// Reading a file wakes nobody.
const KINDS: EventKindMask = EventKindMask::CREATE.union(EventKindMask::MODIFY_NAME).union(EventKindMask::MODIFY_DATA);

/// What came of a wait.
#[derive(Debug, PartialEq)]
pub(super) enum News {
    /// These files have come, or have changed.
    Files(BTreeSet<OsString>),
    /// Look at everything.
    LookAgain,
}

/// The events of some folders.
pub(super) struct FolderEvents {
    /// `None`: the system gives no events.
    watcher: Option<RecommendedWatcher>,
    unwatched: Vec<PathBuf>,
    events: Receiver<notify::Result<Event>>,
}

impl FolderEvents {
    /// Watches these folders as soon as they are there.
    pub(super) fn of(folders: Vec<PathBuf>) -> Self {
        let (to, events) = channel();
        // Who is gone needs no events.
        let handler = move |event| drop(to.send(event));
        let watcher = RecommendedWatcher::new(handler, Config::default().with_event_kinds(KINDS)).ok();
        let mut folders = Self { watcher, unwatched: folders, events };
        folders.watch_more();
        folders
    }

    /// Watches what could not be watched so far. True if that is one more folder.
    fn watch_more(&mut self) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let before = self.unwatched.len();
        self.unwatched.retain(|folder| watcher.watch(folder, RecursiveMode::NonRecursive).is_err());
        self.unwatched.len() < before
    }

    /// Waits for news, for at most this time.
    pub(super) fn wait(&mut self, at_most: Duration) -> News {
        if self.watch_more() {
            // What came before the watch is told by nobody.
            return News::LookAgain;
        }
        let look = if self.unwatched.is_empty() && self.watcher.is_some() { LOOK } else { BLIND_LOOK };
        let first = match self.events.recv_timeout(look.min(at_most)) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => return News::LookAgain,
            Err(RecvTimeoutError::Disconnected) => {
                self.watcher = None;
                std::thread::sleep(BLIND_LOOK.min(at_most));
                return News::LookAgain;
            }
        };
        let mut files = BTreeSet::new();
        for event in std::iter::once(first).chain(self.events.try_iter()) {
            match event {
                Ok(event) if !event.need_rescan() => {
                    files.extend(event.paths.iter().filter_map(|path| path.file_name()).map(ToOwned::to_owned));
                }
                _ => return News::LookAgain,
            }
        }
        News::Files(files)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// All news until this file is named, or all is to be looked at.
    fn until(events: &mut FolderEvents, name: &str) -> News {
        let started = std::time::Instant::now();
        while started.elapsed() < PATIENCE {
            match events.wait(PATIENCE) {
                News::Files(files) if files.contains(&OsString::from(name)) => return News::Files(files),
                _ => {}
            }
        }
        panic!("no event of {name}");
    }

    #[test]
    fn a_file_that_comes_is_named_also_in_a_folder_that_came_later() {
        let folder = tempfile::tempdir().unwrap();
        let late = folder.path().join("late");
        let mut events = FolderEvents::of(vec![folder.path().to_owned(), late.clone()]);
        assert_eq!(events.unwatched, std::slice::from_ref(&late));
        fs::write(folder.path().join(".tmp"), "{}").unwrap();
        fs::hard_link(folder.path().join(".tmp"), folder.path().join("t-1.json")).unwrap();
        until(&mut events, "t-1.json");
        fs::create_dir(&late).unwrap();
        while !events.unwatched.is_empty() {
            events.wait(Duration::ZERO);
        }
        fs::write(late.join("t-2.json"), "{}").unwrap();
        until(&mut events, "t-2.json");
    }
}
