//! `notify`, one non-recursive watch for each folder: for every system, and on Linux where it is asked for.
//!
//! A notify has one mask for all its watches. What is asked of folders besides those of the tree (their own moves, removals
//! in them, permissions) takes a notify of its own each, so that nothing else in them wakes anybody; each is there once it is
//! needed. What is mounted over a folder is not told; the next sweep sees it.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use notify::event::{AccessKind, AccessMode, EventKindMask, ModifyKind, RenameMode};
use notify::{
    Config, ErrorKind, Event, EventKind, PathOp, RecommendedWatcher, RecursiveMode, WatchPathConfig, Watcher as _,
};
use rustix::io::Errno;

use super::{EventSink, Failure, Links, Refused, Watches};
use crate::watch::cookies::Cookies;
use crate::watch::pending::{EventFlags, RawEvents};

/// The watches that the `notify` crate keeps.
pub(super) struct Notify {
    tree: Folders,
    sink: EventSink,
    /// The folders of [`Watches::watch_above`] and all above them.
    places: Arc<RwLock<HashSet<PathBuf>>>,
    /// All above, whose own moves are told.
    above: Option<Folders>,
    /// Those directly above, in which removals are told: a folder that somebody is in, as services are in theirs, says
    /// nothing of its removal itself before the last of them has left it.
    parents: Option<Folders>,
    permissions: Option<Folders>,
}

/// A notify with the folders that it watches.
struct Folders {
    watcher: RecommendedWatcher,
    /// With file system and inode: another folder in the same place needs a watch of its own.
    watched: HashMap<PathBuf, (u64, u64)>,
}

/// Reading a file is not in it, so it wakes nobody; nor are permissions and times, which are no changes.
const KINDS: EventKindMask = EventKindMask::CREATE
    .union(EventKindMask::REMOVE)
    .union(EventKindMask::MODIFY_DATA)
    .union(EventKindMask::MODIFY_NAME)
    .union(EventKindMask::ACCESS_CLOSE);

impl Notify {
    /// Watches of which there are none yet.
    pub(super) fn open(sink: EventSink) -> Result<Self, Refused> {
        let own = sink.cookies.own().to_path_buf();
        let told = sink.clone();
        let tree = Folders::listen(KINDS, move |event| {
            told.note_all(raw_events_of(&own, event));
        });
        let tree = tree.map_err(|error| match error.kind {
            ErrorKind::Io(error) if error.raw_os_error() == Some(Errno::MFILE.raw_os_error()) => {
                Refused::OutOfInstances
            }
            ErrorKind::Io(error) => Refused::Other(error),
            other => Refused::Other(io::Error::other(notify::Error::new(other).to_string())),
        })?;
        Ok(Self { tree, sink, places: Arc::default(), above: None, parents: None, permissions: None })
    }

    /// A notify that says that something is elsewhere now, by those events that are meant.
    fn listen_for_places(
        &self,
        kinds: EventKindMask,
        is_meant: impl Fn(&Path) -> bool + Send + 'static,
    ) -> Option<Folders> {
        let sink = self.sink.clone();
        let folders = Folders::listen(kinds, move |event| {
            if event.need_rescan() || event.paths.iter().any(|path| is_meant(path)) {
                sink.note_all(RawEvents { places: true, ..RawEvents::default() });
            }
        });
        // Without it, the next sweep looks.
        folders.inspect_err(|error| log::warn!("watcher: {error}")).ok()
    }
}

impl Drop for Notify {
    fn drop(&mut self) {
        self.sink.give_up();
    }
}

impl Watches for Notify {
    fn add(&mut self, folder: &Path, links: Links) -> Result<(), Failure> {
        self.tree.add(folder, links)
    }

    fn renew(&mut self, folder: &Path, links: Links) -> Result<(), Failure> {
        self.tree.remove(vec![folder.to_path_buf()]);
        self.tree.add(folder, links)
    }

    fn watches(&self, folder: &Path) -> bool {
        self.tree.watched.contains_key(folder)
    }

    fn remove(&mut self, folders: Vec<PathBuf>) {
        self.tree.remove(folders);
    }

    fn forget(&mut self, path: &Path) {
        // notify ends the watch of what was renamed as well.
        self.tree.remove(vec![path.to_path_buf()]);
    }

    fn add_cookies(&mut self, folder: &Path) -> io::Result<()> {
        // Beside those that are counted.
        watch(&mut self.tree.watcher, folder, Links::Refuse).map_err(|failure| match failure {
            Failure::Other(error) => error,
            other => io::Error::other(format!("{other:?}")),
        })
    }

    fn watch_above(&mut self, folder: &Path) {
        // FSEvents tells of each watched folder when it, or one above it, is renamed (`kFSEventStreamCreateFlagWatchRoot`);
        // and to watch the top would be to hear of the whole disk.
        if cfg!(target_os = "macos") {
            return;
        }
        let places = folder.ancestors().map(Path::to_path_buf);
        self.places.write().unwrap_or_else(PoisonError::into_inner).extend(places);
        let is_meant = || {
            let places = Arc::clone(&self.places);
            move |path: &Path| places.read().unwrap_or_else(PoisonError::into_inner).contains(path)
        };
        if self.above.is_none() {
            self.above = self.listen_for_places(EventKindMask::MODIFY_NAME, is_meant());
        }
        if self.parents.is_none() {
            self.parents = self.listen_for_places(EventKindMask::REMOVE, is_meant());
        }
        for above in self.above.iter_mut() {
            for place in folder.ancestors().skip(1) {
                let _ = above.add(place, Links::Follow);
            }
        }
        if let (Some(parents), Some(parent)) = (&mut self.parents, folder.parent()) {
            let _ = parents.add(parent, Links::Follow);
        }
    }

    fn add_permissions(&mut self, folder: &Path) {
        if self.permissions.is_none() {
            self.permissions = self.listen_for_places(EventKindMask::MODIFY_META, |_| true);
        }
        if let Some(permissions) = &mut self.permissions {
            let _ = permissions.add(folder, Links::Follow);
        }
    }

    fn count(&self) -> usize {
        self.tree.watched.len()
    }
}

impl Folders {
    /// Without watches. Their events of these kinds go there.
    fn listen(kinds: EventKindMask, to: impl Fn(Event) + Send + 'static) -> notify::Result<Self> {
        let config = Config::default().with_event_kinds(kinds).with_follow_symlinks(false);
        let handler = move |said: notify::Result<Event>| match said {
            Ok(event) => to(event),
            Err(error) => log::warn!("watcher: {error}"),
        };
        Ok(Self { watcher: RecommendedWatcher::new(handler, config)?, watched: HashMap::new() })
    }

    fn add(&mut self, folder: &Path, links: Links) -> Result<(), Failure> {
        // Before it is watched: if it is replaced between the two, the next call sees another one.
        let identity = identity(folder, links)?;
        match self.watched.get(folder) {
            Some(known) if *known != identity => self.remove(vec![folder.to_path_buf()]),
            // To be asked for what is watched would begin the stream of FSEvents anew.
            Some(_) if cfg!(target_os = "macos") => return Ok(()),
            // It keeps what it has. But it also ends watches by itself, with those of all below what was moved, and an
            // inode may come back.
            Some(_) | None => {}
        }
        watch(&mut self.watcher, folder, links)?;
        self.watched.insert(folder.to_path_buf(), identity);
        Ok(())
    }

    fn remove(&mut self, folders: Vec<PathBuf>) {
        let watched = folders.into_iter().filter(|folder| self.watched.remove(folder).is_some());
        let mut old: Vec<_> = watched.map(PathOp::Unwatch).collect();
        while !old.is_empty() {
            // What has no watch any more needs none removed.
            let Err(failed) = self.watcher.update_paths(std::mem::take(&mut old)) else { break };
            old = failed.remaining;
        }
    }
}

/// File system and inode of a folder. notify would also watch a file, or a link itself.
fn identity(folder: &Path, links: Links) -> Result<(u64, u64), Failure> {
    let found = match links {
        Links::Follow => fs::metadata(folder),
        Links::Refuse => fs::symlink_metadata(folder),
    };
    match found.map_err(failure_of)? {
        found if Metadata::is_dir(&found) => Ok((found.dev(), found.ino())),
        _ => Err(Failure::Gone),
    }
}

fn failure_of(error: io::Error) -> Failure {
    match Errno::from_io_error(&error) {
        Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Failure::Gone,
        _ => Failure::Other(error),
    }
}

fn watch(watcher: &mut RecommendedWatcher, folder: &Path, links: Links) -> Result<(), Failure> {
    let config = WatchPathConfig::new(RecursiveMode::NonRecursive).with_dereference_symlinks(links == Links::Follow);
    let new = PathOp::Watch(folder.to_path_buf(), config);
    watcher.update_paths(vec![new]).map_err(|failed| match failed.source.kind {
        ErrorKind::MaxFilesWatch => Failure::OutOfWatches,
        ErrorKind::PathNotFound => Failure::Gone,
        ErrorKind::Io(error) => failure_of(error),
        other => Failure::Other(io::Error::other(format!("{other:?}"))),
    })
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
