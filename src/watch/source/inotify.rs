//! Linux: our own inotify, one watch for each folder, and the thread that reads what it says.
//!
//! Why not notify alone: see [`super`].
//!
//! Facts (inotify(7)): an inode has one watch, however many names lead to it; numbers of watches are not used again; the
//! watch goes with a folder that is renamed, and ends with `IN_IGNORED` when it is removed.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::{EventSink, Failure, Links, Refused, Watches};
use crate::watch::cookies::Cookies;
use crate::watch::pending::{EventFlags, RawEvents};

/// Reading a file is not in it, so it wakes nobody; nor are permissions and times, which are no changes. What a watch of
/// the same folder listens to besides that stays.
const KINDS: WatchFlags = WatchFlags::MASK_ADD
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::EXCL_UNLINK)
    .union(WatchFlags::ONLYDIR);

/// Read at once: some 2,000 events with names of usual length.
const BUFFER: usize = 64 << 10;

/// The watches. Dropping it ends the thread without waiting for it; that thread is the one that closes the descriptor,
/// for which the kernel takes many milliseconds.
#[derive(Debug)]
pub(super) struct Inotify {
    /// Shared with the thread.
    inotify: Arc<OwnedFd>,
    table: Arc<Mutex<Table>>,
    /// Written to at the end.
    end: Arc<OwnedFd>,
    sink: EventSink,
}

/// Which watch stands for which folder.
#[derive(Debug, Default)]
struct Table {
    /// Nearly always one folder; several where a folder is reached in several ways.
    folders: HashMap<i32, Vec<Arc<Path>>>,
    watches: HashMap<Arc<Path>, i32>,
    /// That of the folder of cookies.
    cookies: Option<i32>,
    /// Those of folders above, with the folder.
    above: HashMap<i32, PathBuf>,
}

impl Inotify {
    /// Watches of which there are none yet.
    pub(super) fn open(sink: EventSink) -> Result<Self, Refused> {
        // First, so that a lack of descriptors is not taken for one of inotify instances: both are EMFILE.
        let end = eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| Refused::Other(error.into()))?;
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(|error| match error {
            Errno::MFILE => Refused::OutOfInstances,
            other => Refused::Other(other.into()),
        })?;
        let (inotify, end) = (Arc::new(inotify), Arc::new(end));
        let table = Arc::new(Mutex::new(Table::default()));
        let thread = Listener {
            inotify: Arc::clone(&inotify),
            end: Arc::clone(&end),
            table: Arc::clone(&table),
            sink: sink.clone(),
        };
        std::thread::Builder::new()
            .name(String::from("watch-events"))
            .spawn(move || thread.listen())
            .map_err(Refused::Other)?;
        Ok(Self { inotify, table, end, sink })
    }
}

impl Watches for Inotify {
    fn add(&mut self, folder: &Path, links: Links) -> Result<(), Failure> {
        let flags = match links {
            Links::Follow => KINDS,
            Links::Refuse => KINDS | WatchFlags::DONT_FOLLOW,
        };
        let watch = inotify::add_watch(&self.inotify, folder, flags).map_err(|error| match error {
            Errno::NOSPC => Failure::OutOfWatches,
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Failure::Gone,
            other => Failure::Other(other.into()),
        })?;
        // An event that comes before this is one from before the folder was listed.
        let unused = self.lock().insert(folder, watch);
        self.end_watch(unused);
        Ok(())
    }

    fn renew(&mut self, folder: &Path, links: Links) -> Result<(), Failure> {
        // The kernel gives the same watch for the same folder, and a new one where the folder is another: no gap.
        self.add(folder, links)
    }

    fn watches(&self, folder: &Path) -> bool {
        self.lock().watches.contains_key(folder)
    }

    fn remove(&mut self, folders: Vec<PathBuf>) {
        for folder in folders {
            let unused = self.lock().remove_folder(&folder);
            self.end_watch(unused);
        }
    }

    fn forget(&mut self, _: &Path) {
        // The listener has seen the end of the watch, if it has ended: one that was renamed has not.
    }

    fn add_cookies(&mut self, folder: &Path) -> io::Result<()> {
        let flags = WatchFlags::CREATE | WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW;
        let watch = inotify::add_watch(&self.inotify, folder, flags)?;
        self.lock().cookies = Some(watch);
        Ok(())
    }

    fn watch_above(&mut self, folder: &Path) {
        for (steps, above) in folder.ancestors().skip(1).enumerate() {
            // One that is there already keeps all that it listens to.
            let mut flags = WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR | WatchFlags::MASK_ADD;
            if steps == 0 {
                // A folder that somebody is in, as services are in theirs, says nothing of its removal itself before the
                // last of them has left it.
                flags |= WatchFlags::DELETE;
            }
            if let Ok(watch) = inotify::add_watch(&self.inotify, above, flags) {
                self.lock().above.insert(watch, above.to_path_buf());
            }
        }
    }

    fn add_permissions(&mut self, folder: &Path) {
        let flags = WatchFlags::ATTRIB | WatchFlags::ONLYDIR | WatchFlags::MASK_ADD;
        // Where that cannot be had, the next sweep looks.
        let _ = inotify::add_watch(&self.inotify, folder, flags);
    }

    fn count(&self) -> usize {
        self.lock().folders.len()
    }
}

impl Inotify {
    fn end_watch(&self, watch: Option<i32>) {
        if let Some(watch) = watch {
            // It may have ended by itself.
            let _ = inotify::remove_watch(&self.inotify, watch);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        lock(&self.table)
    }
}

impl Drop for Inotify {
    fn drop(&mut self) {
        self.sink.give_up();
        // It cannot fail: nobody else counts it up.
        let _ = rustix::io::write(&self.end, &1_u64.to_ne_bytes());
    }
}

impl Table {
    /// Notes that a watch stands for a folder. A watch that stands for none any more.
    fn insert(&mut self, folder: &Path, watch: i32) -> Option<i32> {
        if self.watches.get(folder) == Some(&watch) {
            return None;
        }
        let unused = self.remove_folder(folder);
        let folder: Arc<Path> = folder.into();
        self.folders.entry(watch).or_default().push(Arc::clone(&folder));
        self.watches.insert(folder, watch);
        unused
    }

    /// Forgets a folder. Its watch, if that stands for no other.
    fn remove_folder(&mut self, folder: &Path) -> Option<i32> {
        let watch = self.watches.remove(folder)?;
        let folders = self.folders.get_mut(&watch)?;
        folders.retain(|other| **other != *folder);
        if !folders.is_empty() {
            return None;
        }
        self.folders.remove(&watch);
        Some(watch)
    }

    /// The kernel has ended a watch.
    fn ended(&mut self, watch: i32) {
        for folder in self.folders.remove(&watch).unwrap_or_default() {
            // It may have another one by now.
            if self.watches.get(&folder) == Some(&watch) {
                self.watches.remove(&folder);
            }
        }
    }

    /// Puts down what an event says.
    fn read_event(&mut self, watch: i32, events: ReadFlags, name: Option<&CStr>, raw_events: &mut RawEvents) {
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            raw_events.loss = true;
            return;
        }
        if self.cookies == Some(watch) {
            if let Some(number) = name.and_then(|name| Cookies::number(name.to_bytes())) {
                raw_events.cookie = raw_events.cookie.max(number);
            }
            return;
        }
        let goes = |above: &PathBuf| match name {
            Some(name) if events.contains(ReadFlags::DELETE | ReadFlags::ISDIR) => {
                self.watches.contains_key(above.join(OsStr::from_bytes(name.to_bytes())).as_path())
            }
            _ => events.contains(ReadFlags::MOVE_SELF),
        };
        // Listened to only where something cannot be read.
        if events.contains(ReadFlags::ATTRIB) || self.above.get(&watch).is_some_and(goes) {
            raw_events.places = true;
        }
        let flags = flags_of(events);
        if flags != EventFlags::default() {
            for folder in self.folders.get(&watch).into_iter().flatten() {
                match name {
                    Some(name) => {
                        raw_events.notes.push((folder.join(OsStr::from_bytes(name.to_bytes())), flags));
                    }
                    // About the folder itself. Where the one above is watched, that has said so already, under the name
                    // that was right then.
                    None if events.contains(ReadFlags::UNMOUNT)
                        || !folder.parent().is_some_and(|above| self.watches.contains_key(above)) =>
                    {
                        raw_events.notes.push((folder.to_path_buf(), flags));
                    }
                    None => {}
                }
            }
        }
        if events.contains(ReadFlags::IGNORED) {
            self.above.remove(&watch);
            self.ended(watch);
        }
    }
}

/// The thread that listens. It only moves what the kernel says into the set: it asks the disk nothing, adds no watch,
/// and waits for nobody but the kernel.
struct Listener {
    inotify: Arc<OwnedFd>,
    end: Arc<OwnedFd>,
    table: Arc<Mutex<Table>>,
    sink: EventSink,
}

impl Listener {
    fn listen(self) {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        // Becomes urgent whenever something is mounted or unmounted: a folder that comes back that way says nothing itself.
        let mounts = File::open("/proc/self/mountinfo").ok();
        loop {
            let mut waits = vec![PollFd::new(&self.inotify, PollFlags::IN), PollFd::new(&self.end, PollFlags::IN)];
            waits.extend(mounts.as_ref().map(|mounts| PollFd::new(mounts, PollFlags::PRI)));
            match poll(&mut waits, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => {
                    log::error!("watcher: {error}");
                    return;
                }
            }
            let became = |n: usize| waits.get(n).is_some_and(|wait| !wait.revents().is_empty());
            if became(1) {
                return;
            }
            let mut raw_events = RawEvents { places: became(2), ..RawEvents::default() };
            if became(0) {
                let mut table = lock(&self.table);
                loop {
                    match reader.next() {
                        Ok(event) => table.read_event(event.wd(), event.events(), event.file_name(), &mut raw_events),
                        Err(Errno::AGAIN | Errno::INTR) => break,
                        Err(error) => {
                            log::error!("watcher: {error}");
                            raw_events.loss = true;
                            break;
                        }
                    }
                    if reader.is_buffer_empty() {
                        break;
                    }
                }
            }
            self.sink.note_all(raw_events);
        }
    }
}

/// What one event says. It names one coming or going at most, and events come in order, so that what it leaves is known.
fn flags_of(events: ReadFlags) -> EventFlags {
    let comes = events.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
    let moved_out = events.intersects(ReadFlags::MOVED_FROM | ReadFlags::MOVE_SELF);
    let removed = events.intersects(ReadFlags::DELETE | ReadFlags::DELETE_SELF | ReadFlags::UNMOUNT);
    EventFlags {
        created: events.contains(ReadFlags::CREATE),
        written: events.contains(ReadFlags::MODIFY),
        closed: events.contains(ReadFlags::CLOSE_WRITE),
        moved_in: events.contains(ReadFlags::MOVED_TO),
        moved_out,
        removed,
        left: (comes || moved_out || removed).then_some(comes),
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    // A panic between two of its maps would leave a folder without events, which the next sweep mends.
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw_events_of(table: &mut Table, watch: i32, events: ReadFlags, name: Option<&CStr>) -> RawEvents {
        let mut raw_events = RawEvents::default();
        table.read_event(watch, events, name, &mut raw_events);
        raw_events
    }

    #[test]
    fn a_folder_that_is_reached_twice_reports_under_both_names_until_one_is_left() {
        let mut table = Table::default();
        assert_eq!(table.insert(Path::new("/a"), 1), None);
        assert_eq!(table.insert(Path::new("/b"), 1), None);
        let raw_events = raw_events_of(&mut table, 1, ReadFlags::CREATE, Some(c"f"));
        let paths: Vec<_> = raw_events.notes.iter().map(|(path, _)| path.to_str()).collect();
        assert_eq!(paths, [Some("/a/f"), Some("/b/f")]);
        assert_eq!(table.remove_folder(Path::new("/a")), None, "it stands for the other");
        assert_eq!(raw_events_of(&mut table, 1, ReadFlags::CREATE, Some(c"f")).notes.len(), 1);
        assert_eq!(table.remove_folder(Path::new("/b")), Some(1));
        assert!(raw_events_of(&mut table, 1, ReadFlags::CREATE, Some(c"f")).notes.is_empty());
    }

    #[test]
    fn a_folder_that_was_replaced_gets_its_new_watch_and_the_old_one_ends() {
        let mut table = Table::default();
        table.insert(Path::new("/a"), 1);
        assert_eq!(table.insert(Path::new("/a"), 2), Some(1));
        raw_events_of(&mut table, 1, ReadFlags::IGNORED, None);
        assert_eq!(raw_events_of(&mut table, 2, ReadFlags::MODIFY, Some(c"f")).notes.len(), 1);
        raw_events_of(&mut table, 2, ReadFlags::IGNORED, None);
        assert!(table.folders.is_empty() && table.watches.is_empty());
    }

    #[test]
    fn an_event_says_what_it_leaves() {
        let left = |events| flags_of(events).left;
        assert_eq!([ReadFlags::CREATE, ReadFlags::MOVED_TO].map(left), [Some(true); 2]);
        assert_eq!([ReadFlags::DELETE, ReadFlags::MOVED_FROM].map(left), [Some(false); 2]);
        assert_eq!([ReadFlags::MODIFY, ReadFlags::CLOSE_WRITE].map(left), [None; 2]);
    }

    #[test]
    fn what_a_folder_says_of_itself_counts_where_nobody_else_says_it() {
        let mut table = Table::default();
        table.insert(Path::new("/a"), 1);
        table.insert(Path::new("/a/b"), 2);
        let gone = flags_of(ReadFlags::MOVE_SELF);
        assert_eq!((gone.moved_out, gone.left), (true, Some(false)));
        assert_eq!(raw_events_of(&mut table, 1, ReadFlags::MOVE_SELF, None).notes, [("/a".into(), gone)]);
        assert!(
            raw_events_of(&mut table, 2, ReadFlags::MOVE_SELF, None).notes.is_empty(),
            "it has another name by now"
        );
        let gone = flags_of(ReadFlags::UNMOUNT);
        assert_eq!((gone.removed, gone.left), (true, Some(false)));
        assert_eq!(raw_events_of(&mut table, 2, ReadFlags::UNMOUNT, None).notes, [("/a/b".into(), gone)]);
        assert!(raw_events_of(&mut table, -1, ReadFlags::QUEUE_OVERFLOW, None).loss);
        table.above.insert(3, "/".into());
        assert!(raw_events_of(&mut table, 3, ReadFlags::MOVE_SELF, None).places);
        assert!(raw_events_of(&mut table, 3, ReadFlags::DELETE | ReadFlags::ISDIR, Some(c"a")).places);
        assert!(
            !raw_events_of(&mut table, 3, ReadFlags::DELETE | ReadFlags::ISDIR, Some(c"c")).places,
            "nobody watches it"
        );
        raw_events_of(&mut table, 3, ReadFlags::IGNORED, None);
        assert!(!raw_events_of(&mut table, 3, ReadFlags::MOVE_SELF, None).places);
        assert!(raw_events_of(&mut table, 1, ReadFlags::ATTRIB | ReadFlags::ISDIR, Some(c"b")).places);
        assert!(raw_events_of(&mut table, 1, ReadFlags::ATTRIB, Some(c"f")).places, "a file of the group too");
    }
}
