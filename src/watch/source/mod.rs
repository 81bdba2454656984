//! Where events come from: one operating-system watch per folder, or polling. The whole tree uses one or the other,
//! never a mix; a problem is reported with its remedy.
//!
//! There are two kinds of [`Watches`]: our own [`inotify`] on Linux, and `notify` on every system. `backend = "auto"`
//! and `"native"` mean the first where it exists. `"notify"`, or [`portable`], means the second everywhere.
//!
//! Why not notify alone: it compares each removed folder with all watched ones (assets/guide/benchmarks.md has the
//! figures), reads 1 KiB at a time, keeps the old names of renamed folders, and does not ask for `IN_EXCL_UNLINK`.
//! Version 8 also subscribes to opens, so that a `grep` would wake us; hence 9.

#[cfg(target_os = "linux")]
mod inotify;
mod limits;
mod refusal;
mod with_notify;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::cookies::Cookies;
use super::pending::{Pending, RawEvents};
use crate::clock::Clock;
use crate::domain::{WatchBackend, WatchChoice};
use crate::mounts;
pub(super) use crate::mounts::points as mount_points;
use crate::portable;
pub(super) use refusal::Refusal;

/// What the watches put what they hear into.
#[derive(Clone, Debug)]
struct EventSink {
    pending: Arc<Pending>,
    clock: Clock,
    /// Whose events are no changes.
    cookies: Arc<Cookies>,
    /// These watches are given up: whoever listens to them may be on his way with half of what a write tells.
    given_up: Arc<Mutex<bool>>,
}

impl EventSink {
    fn new(pending: Arc<Pending>, clock: Clock, cookies: Arc<Cookies>) -> Self {
        Self { pending, clock, cookies, given_up: Arc::default() }
    }

    /// One for other watches.
    fn for_new_watches(&self) -> Self {
        Self { given_up: Arc::default(), ..self.clone() }
    }

    /// Takes what was heard; nothing of watches that are given up, since all is looked at then.
    fn note_all(&self, raw_events: RawEvents) {
        let given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        if !*given_up {
            self.pending.note_all(raw_events, self.clock.now());
        }
    }

    /// The watches are given up. Nothing of them comes after this.
    fn give_up(&self) {
        *self.given_up.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.pending.end_writes();
    }
}

/// The operating system's watches, none of them recursive. Whatever they hear goes into the [`EventSink`].
trait Watches: Send {
    /// Watches a folder. Harmless if it is watched already.
    fn add(&mut self, folder: &Path, links: Links) -> Result<(), Failure>;

    /// Makes sure that the watch of a folder is there, and is that of the folder that is there now.
    fn renew(&mut self, folder: &Path, links: Links) -> Result<(), Failure>;

    /// Whether a folder has a watch.
    fn watches(&self, folder: &Path) -> bool;

    /// Ends watches; those that ended by themselves are no error.
    fn remove(&mut self, folders: Vec<PathBuf>);

    /// Something that perhaps was a watched folder was removed, or renamed away.
    fn forget(&mut self, path: &Path);

    /// Watches the folder of cookies.
    fn add_cookies(&mut self, folder: &Path) -> io::Result<()>;

    /// Wants to know when this folder, or one above it, is renamed or removed: all that is below is elsewhere then.
    fn watch_above(&mut self, folder: &Path);

    /// Wants to know when permissions of what is in this folder change: what could not be read may be readable then.
    fn add_permissions(&mut self, folder: &Path);

    /// Folders with a watch on what is in them.
    fn count(&self) -> usize;
}

/// Whether a link that stands for a folder is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// For a folder that the user or git has named.
    Follow,
    /// For those that a walk has found.
    Refuse,
}

/// Why there are no watches at all.
#[derive(Debug)]
enum Refused {
    /// The user has `max_user_instances` of inotify already.
    OutOfInstances,
    /// Another error of the system.
    Other(io::Error),
}

/// Why a folder has no watch.
#[derive(Debug)]
enum Failure {
    /// The user has `max_user_watches` already.
    OutOfWatches,
    /// It is not there, or is no folder any more.
    Gone,
    /// Another error of the system.
    Other(io::Error),
}

/// The source of events.
pub(super) struct Source {
    choice: WatchChoice,
    feed: Feed,
    sink: EventSink,
    /// How many watches there can be, as it was last read.
    limit: Option<usize>,
    /// Folders without a watch because there are no more.
    unwatched: HashSet<PathBuf>,
    /// Folders that cannot be read, and why.
    unreadable: BTreeMap<PathBuf, String>,
}

enum Feed {
    /// The operating system, and by which of both kinds of watches.
    Events(WatchBackend, Box<dyn Watches>),
    /// Looking. With the reason, unless it was chosen by hand.
    Poll(Option<Refusal>),
    /// Events were chosen by hand, and there are no watches at all.
    Nothing(Refusal),
}

impl Source {
    /// A source without watches, which puts what it hears into `pending`.
    pub(super) fn new(choice: WatchChoice, pending: Arc<Pending>, clock: Clock, cookies: Arc<Cookies>) -> Self {
        let sink = EventSink::new(pending, clock, cookies);
        let feed = match choice {
            WatchChoice::Poll => Feed::Poll(None),
            WatchChoice::Auto | WatchChoice::Native | WatchChoice::Notify => match open(meant_by(choice), &sink) {
                Ok(watches) => Feed::Events(meant_by(choice), watches),
                Err(refusal) if choice.insists_on_events() => Feed::Nothing(refusal),
                Err(refusal) => Feed::Poll(Some(refusal)),
            },
        };
        Self { choice, feed, sink, limit: limits::watches(), unwatched: HashSet::new(), unreadable: BTreeMap::new() }
    }

    /// What was chosen by hand.
    pub(super) fn choice(&self) -> WatchChoice {
        self.choice
    }

    /// Chooses anew. Nothing else changes by that: the watch loop goes over.
    pub(super) fn choose(&mut self, choice: WatchChoice) {
        self.choice = choice;
    }

    /// Where events come from.
    pub(super) fn backend(&self) -> WatchBackend {
        match self.feed {
            Feed::Events(backend, _) => backend,
            Feed::Poll(_) => WatchBackend::Poll,
            Feed::Nothing(_) => WatchBackend::Off,
        }
    }

    /// Whether events are not from where the choice wants them. They never are where it wants none.
    pub(super) fn wants_other_events(&self) -> bool {
        let wanted = meant_by(self.choice);
        wanted != WatchBackend::Poll && self.backend() != wanted
    }

    /// Whether the watch loop has to look by itself.
    pub(super) fn polls(&self) -> bool {
        matches!(self.feed, Feed::Poll(_))
    }

    /// Why the operating system's events are not enough here, where nobody has insisted on them: these folders are on a
    /// file system that does not tell of all changes, or there were not enough watches.
    pub(super) fn refusal<'a>(&self, mut starts: impl Iterator<Item = &'a Path>) -> Option<Refusal> {
        if self.choice != WatchChoice::Auto || self.polls() {
            return None;
        }
        if !self.unwatched.is_empty() {
            return Some(Refusal::out_of_watches(self.count() + self.unwatched.len(), limits::watches()));
        }
        starts.find_map(|start| mounts::silent(start).map(Refusal::FileSystem))
    }

    /// Gives all watches back; from now on the watch loop looks by itself.
    pub(super) fn give_up(&mut self, refusal: Option<Refusal>) {
        // The thread that listens closes the descriptor, so that nobody waits for that.
        self.feed = Feed::Poll(refusal);
        self.unwatched.clear();
    }

    /// Tries the operating system again, with watches on all these folders: all of them or none. Whether it works.
    pub(super) fn try_events<'a>(&mut self, folders: impl ExactSizeIterator<Item = (&'a Path, Links)>) -> bool {
        let insists = self.choice.insists_on_events();
        if !insists && limits::watches().is_some_and(|limit| folders.len() > limit) {
            return false;
        }
        let backend = meant_by(self.choice);
        let mut watches = match open(backend, &self.sink) {
            Ok(watches) => watches,
            Err(refusal) => {
                if insists {
                    self.feed = Feed::Nothing(refusal);
                }
                return false;
            }
        };
        for (folder, links) in folders {
            if matches!(watches.add(folder, links), Err(Failure::OutOfWatches)) {
                if !insists {
                    return false;
                }
                self.unwatched.insert(folder.to_path_buf());
            }
        }
        if let Feed::Events(..) = self.feed {
            // What the watches before have heard and not told.
            self.sink.note_all(RawEvents { loss: true, ..RawEvents::default() });
        }
        self.feed = Feed::Events(backend, watches);
        self.limit = limits::watches();
        true
    }

    /// Watches these folders. Those that cannot be watched are remembered for [`Source::problem`].
    pub(super) fn watch<'a>(&mut self, folders: impl IntoIterator<Item = &'a Path>, links: Links) {
        self.each(folders, |watches, folder| watches.add(folder, links));
    }

    /// Watches these folders anew: after a loss nobody knows which watches are still there.
    pub(super) fn renew<'a>(&mut self, folders: impl IntoIterator<Item = &'a Path>, links: Links) {
        self.unwatched.clear();
        self.each(folders, |watches, folder| watches.renew(folder, links));
    }

    fn each<'a>(
        &mut self,
        folders: impl IntoIterator<Item = &'a Path>,
        mut watch: impl FnMut(&mut dyn Watches, &Path) -> Result<(), Failure>,
    ) {
        let Feed::Events(_, watches) = &mut self.feed else { return };
        for folder in folders {
            // There was no watch left for another; asking again for each folder would only cost time.
            let watched = match self.unwatched.is_empty() {
                true => watch(&mut **watches, folder),
                false if watches.watches(folder) => Ok(()),
                false => Err(Failure::OutOfWatches),
            };
            match watched {
                Ok(()) | Err(Failure::Gone) => {}
                Err(Failure::OutOfWatches) => {
                    self.unwatched.insert(folder.to_path_buf());
                }
                Err(Failure::Other(error)) => {
                    note_unreadable(&mut self.unreadable, folder, &error);
                    if let Some(above) = folder.parent() {
                        watches.add_permissions(above);
                    }
                }
            }
        }
    }

    /// Whether so many more watches are within what the system allows, as far as it tells.
    pub(super) fn affords(&mut self, more: usize) -> bool {
        let Feed::Events(_, watches) = &self.feed else { return true };
        let needed = watches.count() + more;
        if self.limit.is_some_and(|limit| needed > limit) {
            // It may have been raised.
            self.limit = limits::watches();
        }
        self.limit.is_none_or(|limit| needed <= limit)
    }

    /// Whether there are folders without a watch because there are no more.
    pub(super) fn lacks_watches(&self) -> bool {
        !self.unwatched.is_empty()
    }

    /// Notes that these folders cannot have a watch, without asking for one.
    pub(super) fn note_unwatched<'a>(&mut self, folders: impl IntoIterator<Item = &'a Path>) {
        self.unwatched.extend(folders.into_iter().map(Path::to_path_buf));
    }

    /// Wants to know when one of these folders is renamed or removed, or one above it renamed.
    pub(super) fn watch_above(&mut self, folders: &[PathBuf]) {
        if let Feed::Events(_, watches) = &mut self.feed {
            for folder in folders {
                watches.watch_above(folder);
            }
        }
    }

    /// Ends the watches of these folders.
    pub(super) fn unwatch(&mut self, folders: Vec<PathBuf>) {
        for folder in &folders {
            self.unwatched.remove(folder);
            self.unreadable.remove(folder);
        }
        if let Feed::Events(_, watches) = &mut self.feed {
            watches.remove(folders);
        }
    }

    /// Something is gone from there; the operating system ends the watch of what was removed.
    pub(super) fn forget(&mut self, path: &Path) {
        self.unwatched.remove(path);
        self.unreadable.remove(path);
        if let Feed::Events(_, watches) = &mut self.feed {
            watches.forget(path);
        }
    }

    /// A folder could not be read.
    pub(super) fn note_unreadable(&mut self, folder: &Path, error: &io::Error) {
        note_unreadable(&mut self.unreadable, folder, error);
        if let (Feed::Events(_, watches), Some(above)) = (&mut self.feed, folder.parent()) {
            watches.add_permissions(above);
        }
    }

    /// A file in this folder cannot be read.
    pub(super) fn listen_for_permissions(&mut self, folder: &Path) {
        if let Feed::Events(_, watches) = &mut self.feed {
            watches.add_permissions(folder);
        }
    }

    /// The folders that could not be read and can be now, which are forgotten by that.
    pub(super) fn take_readable(&mut self) -> Vec<PathBuf> {
        let readable: Vec<_> =
            self.unreadable.keys().filter(|folder| std::fs::read_dir(folder).is_ok()).cloned().collect();
        for folder in &readable {
            self.unreadable.remove(folder);
        }
        readable
    }

    /// Makes a cookie. Its number, which [`Pending::wait_for_cookie`] waits for; `None` if none can be made.
    pub(super) fn cookie(&mut self) -> Option<u64> {
        let Feed::Events(_, watches) = &mut self.feed else { return None };
        let cookies = &self.sink.cookies;
        let baked = cookies.folder().and_then(|folder| watches.add_cookies(folder)).and_then(|()| cookies.bake());
        baked.inspect_err(|error| log::warn!("no cookie file: {error}")).ok()
    }

    /// Folders with a watch.
    pub(super) fn count(&self) -> usize {
        match &self.feed {
            Feed::Events(_, watches) => watches.count(),
            Feed::Poll(_) | Feed::Nothing(_) => 0,
        }
    }

    /// What does not work, with the remedy, for people; the worst first.
    pub(super) fn problem(&self, shown: impl Fn(&Path) -> Arc<str>) -> Option<String> {
        match &self.feed {
            Feed::Nothing(refusal) => return Some(format!("nothing is watched: {refusal}")),
            Feed::Poll(Some(refusal)) => return Some(format!("polling: {refusal}")),
            Feed::Poll(None) | Feed::Events(..) => {}
        }
        if !self.unwatched.is_empty() {
            let (count, all) = (self.unwatched.len(), self.unwatched.len() + self.count());
            let refusal = Refusal::out_of_watches(all, limits::watches());
            return Some(format!("{count} of {all} folders are not watched: {refusal}"));
        }
        let (folder, reason) = self.unreadable.first_key_value()?;
        let more = match self.unreadable.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        Some(format!("not watched: {}{more}: {reason}", shown(folder)))
    }
}

/// Whether the folder is on a file system that does not tell of all changes.
pub(super) fn is_silent(folder: &Path) -> bool {
    mounts::silent(folder).is_some()
}

/// Where events come from by this choice, if they are to be had.
fn meant_by(choice: WatchChoice) -> WatchBackend {
    match choice {
        WatchChoice::Poll => WatchBackend::Poll,
        WatchChoice::Auto | WatchChoice::Native if cfg!(target_os = "linux") && !portable::is_wanted() => {
            WatchBackend::Native
        }
        WatchChoice::Auto | WatchChoice::Native | WatchChoice::Notify => WatchBackend::Notify,
    }
}

fn open(backend: WatchBackend, sink: &EventSink) -> Result<Box<dyn Watches>, Refusal> {
    let opened: Result<Box<dyn Watches>, Refused> = match backend {
        #[cfg(target_os = "linux")]
        WatchBackend::Native => inotify::Inotify::open(sink.for_new_watches()).map(|watches| Box::new(watches) as _),
        _ => with_notify::Notify::open(sink.for_new_watches()).map(|watches| Box::new(watches) as _),
    };
    opened.map_err(|refused| match refused {
        Refused::OutOfInstances => Refusal::out_of_instances(limits::instances()),
        Refused::Other(error) => Refusal::System(error.to_string().into()),
    })
}

fn note_unreadable(unreadable: &mut BTreeMap<PathBuf, String>, folder: &Path, error: &io::Error) {
    // What is gone again already is no problem.
    if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        unreadable.insert(folder.to_path_buf(), error.kind().to_string());
    }
}

#[cfg(test)]
mod tests;
