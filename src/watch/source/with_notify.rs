//! Every system but Linux: `notify`, one non-recursive watch for each folder. It is compiled and tested on Linux too.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, EventKindMask, ModifyKind, RenameMode};
use notify::{
    Config, ErrorKind, Event, EventKind, PathOp, RecommendedWatcher, RecursiveMode, WatchPathConfig, Watcher as _,
};

use super::{EventSink, Failure, Links, Refused, Watches};
use crate::watch::cookies::Cookies;
use crate::watch::pending::{EventFlags, RawEvents};

/// The watches.
#[derive(Debug)]
pub(super) struct Notify {
    watcher: RecommendedWatcher,
    watched: HashSet<PathBuf>,
}

/// Reading a file is not in it, so it wakes nobody; nor are permissions and times, which are no changes.
const KINDS: EventKindMask = EventKindMask::CREATE
    .union(EventKindMask::REMOVE)
    .union(EventKindMask::MODIFY_DATA)
    .union(EventKindMask::MODIFY_NAME)
    .union(EventKindMask::ACCESS_CLOSE);

impl Watches for Notify {
    fn open(sink: EventSink) -> Result<Self, Refused> {
        let config = Config::default().with_event_kinds(KINDS).with_follow_symlinks(false);
        let own = sink.cookies.own().to_path_buf();
        let handler = move |said: notify::Result<Event>| match said {
            Ok(event) => sink.pending.note_all(raw_events_of(&own, event), sink.clock.now()),
            Err(error) => log::warn!("watcher: {error}"),
        };
        let watcher = RecommendedWatcher::new(handler, config).map_err(|error| match error.kind {
            ErrorKind::Io(error) if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
                Refused::OutOfInstances
            }
            ErrorKind::Io(error) => Refused::Other(error),
            other => Refused::Other(io::Error::other(notify::Error::new(other).to_string())),
        })?;
        Ok(Self { watcher, watched: HashSet::new() })
    }

    fn add(&mut self, folder: &Path, _: Links) -> Result<(), Failure> {
        if self.watched.contains(folder) {
            return Ok(());
        }
        self.watch(folder)?;
        self.watched.insert(folder.to_path_buf());
        Ok(())
    }

    fn renew(&mut self, folder: &Path, links: Links) -> Result<(), Failure> {
        self.remove(vec![folder.to_path_buf()]);
        self.add(folder, links)
    }

    fn watches(&self, folder: &Path) -> bool {
        self.watched.contains(folder)
    }

    fn remove(&mut self, folders: Vec<PathBuf>) {
        let watched = folders.into_iter().filter(|folder| self.watched.remove(folder));
        let mut old: Vec<_> = watched.map(PathOp::Unwatch).collect();
        while !old.is_empty() {
            // What has no watch any more needs none removed.
            let Err(failed) = self.watcher.update_paths(std::mem::take(&mut old)) else { break };
            old = failed.remaining;
        }
    }

    fn forget(&mut self, path: &Path) {
        // notify ends the watch of what was renamed as well.
        self.watched.remove(path);
    }

    fn add_cookies(&mut self, folder: &Path) -> io::Result<()> {
        self.watch(folder).map_err(|failure| match failure {
            Failure::Other(error) => error,
            other => io::Error::other(format!("{other:?}")),
        })
    }

    fn add_above(&mut self, _: &Path, _: bool) {
        // It knows no watch for this alone, and a whole one would tell of everything around.
    }

    fn add_permissions(&mut self, _: &Path) {
        // Nor this.
    }

    fn count(&self) -> usize {
        self.watched.len()
    }

    fn limit() -> Option<usize> {
        None
    }

    fn instance_limit() -> Option<usize> {
        None
    }
}

impl Notify {
    fn watch(&mut self, folder: &Path) -> Result<(), Failure> {
        let new = PathOp::Watch(folder.to_path_buf(), WatchPathConfig::new(RecursiveMode::NonRecursive));
        self.watcher.update_paths(vec![new]).map_err(|failed| match failed.source.kind {
            ErrorKind::MaxFilesWatch => Failure::OutOfWatches,
            ErrorKind::PathNotFound => Failure::Gone,
            ErrorKind::Io(error) => Failure::Other(error),
            other => Failure::Other(io::Error::other(format!("{other:?}"))),
        })
    }
}

/// What an event says. `own` holds the cookies.
fn raw_events_of(own: &Path, event: Event) -> RawEvents {
    let mut raw_events = RawEvents { loss: event.need_rescan(), ..RawEvents::default() };
    let none = EventFlags::default();
    let flags = match event.kind {
        EventKind::Create(_) => EventFlags { created: true, ..none },
        EventKind::Remove(_) => EventFlags { removed: true, ..none },
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => EventFlags { closed: true, ..none },
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => EventFlags { moved_out: true, ..none },
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => EventFlags { moved_in: true, ..none },
        // Both ends were said before, each for itself.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both) | ModifyKind::Metadata(_)) | EventKind::Access(_) => {
            return raw_events;
        }
        // Renamed from or to here: the disk will tell.
        EventKind::Modify(ModifyKind::Name(_)) => EventFlags { moved_in: true, moved_out: true, ..none },
        EventKind::Modify(_) | EventKind::Any | EventKind::Other => EventFlags { written: true, ..none },
    };
    for path in event.paths {
        if path.starts_with(own) {
            let number = path.file_name().and_then(|name| Cookies::number(name.as_encoded_bytes()));
            raw_events.cookie = raw_events.cookie.max(number.unwrap_or(0));
        } else {
            raw_events.notes.push((path, flags));
        }
    }
    raw_events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_heard() {
        let raw_events =
            raw_events_of(Path::new("/own"), Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan));
        assert!(raw_events.loss);
    }
}
