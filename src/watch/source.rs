//! The operating system's watches: one watcher, one non-recursive watch for each folder, and what did not work.
//!
//! notify 9.0.0-rc.7 compares each folder that is removed with all watched ones: removing n watched folders at once costs
//! it n² (1,000: 0.15 s, 4,000: 1 s, 10,000: 7 s of its thread, measured). This file is the only one that knows notify,
//! so that another source can take its place.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode, EventKindMask, ModifyKind, RenameMode};
use notify::{
    Config, ErrorKind, Event, EventKind, PathOp, RecommendedWatcher, RecursiveMode, WatchPathConfig, Watcher as _,
};

use super::cookies::Cookies;
use super::pending::{Marks, Pending};
use crate::clock::Clock;

/// The watches.
pub(super) struct Source {
    watcher: Result<RecommendedWatcher, String>,
    watched: HashSet<PathBuf>,
    /// Folders without a watch because there are no more.
    unwatched: HashSet<PathBuf>,
    /// Folders that cannot be read, and why.
    unreadable: BTreeMap<PathBuf, String>,
    pub(super) cookies: Arc<Cookies>,
}

/// Reading a file is not in it, so it wakes nobody; nor are permissions and times, which are no changes.
const KINDS: EventKindMask = EventKindMask::CREATE
    .union(EventKindMask::REMOVE)
    .union(EventKindMask::MODIFY_DATA)
    .union(EventKindMask::MODIFY_NAME)
    .union(EventKindMask::ACCESS_CLOSE);

impl Source {
    /// A source without watches, which puts what it hears into `pending`.
    pub(super) fn new(pending: Arc<Pending>, clock: Clock, cookies: Arc<Cookies>) -> Self {
        let config = Config::default().with_event_kinds(KINDS).with_follow_symlinks(false);
        let own = cookies.own().to_path_buf();
        let handler = move |heard: notify::Result<Event>| match heard {
            Ok(event) if event.paths.first().is_some_and(|path| path.starts_with(&own)) => {
                let name = event.paths.first().and_then(|path| path.file_name());
                if let Some(number) = name.and_then(|name| Cookies::number(name.as_encoded_bytes())) {
                    pending.note_cookie(number);
                }
            }
            Ok(event) => hear(&pending, clock, event),
            Err(error) => log::warn!("watcher: {error}"),
        };
        let watcher = RecommendedWatcher::new(handler, config).map_err(|error| match &error.kind {
            ErrorKind::Io(error) if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
                String::from("out of inotify instances · sudo sysctl fs.inotify.max_user_instances=1024")
            }
            _ => error.to_string(),
        });
        Self { watcher, watched: HashSet::new(), unwatched: HashSet::new(), unreadable: BTreeMap::new(), cookies }
    }

    /// Makes a cookie. Its number, which [`Pending::wait_for_cookie`] waits for; `None` if none can be made.
    pub(super) fn cookie(&mut self) -> Option<u64> {
        let watcher = self.watcher.as_mut().ok()?;
        let baked = self.cookies.folder().map_err(notify::Error::io).and_then(|folder| {
            watcher
                .update_paths(vec![PathOp::Watch(
                    folder.to_path_buf(),
                    WatchPathConfig::new(RecursiveMode::NonRecursive),
                )])
                .map_err(|error| error.source)?;
            self.cookies.bake().map_err(notify::Error::io)
        });
        baked.inspect_err(|error| log::warn!("no sync mark: {error}")).ok()
    }

    /// Whether there can be any watch.
    pub(super) fn works(&self) -> bool {
        self.watcher.is_ok()
    }

    /// Watches these folders, in one request. Those that cannot be watched are remembered for [`Source::problem`].
    pub(super) fn watch<'a>(&mut self, folders: impl IntoIterator<Item = &'a Path>) {
        let Ok(watcher) = &mut self.watcher else { return };
        let config = WatchPathConfig::new(RecursiveMode::NonRecursive);
        let mut new = Vec::new();
        for folder in folders {
            if self.unwatched.is_empty() {
                if self.watched.insert(folder.to_path_buf()) {
                    new.push(PathOp::Watch(folder.to_path_buf(), config.clone()));
                }
            } else if !self.watched.contains(folder) {
                // There was no watch left for another; asking again for each folder would only cost time.
                self.unwatched.insert(folder.to_path_buf());
            }
        }
        while !new.is_empty() {
            let Err(failed) = watcher.update_paths(std::mem::take(&mut new)) else { break };
            if let Some(folder) = failed.origin.map(PathOp::into_path) {
                self.watched.remove(&folder);
                match failed.source.kind {
                    ErrorKind::MaxFilesWatch => {
                        self.unwatched.insert(folder);
                        for rest in failed.remaining {
                            self.watched.remove(rest.as_path());
                            self.unwatched.insert(rest.into_path());
                        }
                        break;
                    }
                    ErrorKind::PathNotFound => {}
                    ErrorKind::Io(error) => note_unreadable(&mut self.unreadable, &folder, &error),
                    other => log::warn!("{}: not watched: {other:?}", folder.display()),
                }
            }
            new = failed.remaining;
        }
    }

    /// Ends the watches of these folders.
    pub(super) fn unwatch(&mut self, folders: impl IntoIterator<Item = PathBuf>) {
        let mut old = Vec::new();
        for folder in folders {
            self.unwatched.remove(&folder);
            self.unreadable.remove(&folder);
            if self.watched.remove(&folder) {
                old.push(PathOp::Unwatch(folder));
            }
        }
        let Ok(watcher) = &mut self.watcher else { return };
        while !old.is_empty() {
            // What has no watch any more needs none removed.
            let Err(failed) = watcher.update_paths(std::mem::take(&mut old)) else { break };
            old = failed.remaining;
        }
    }

    /// Watches these folders anew: after a loss nobody knows which watches are still there.
    pub(super) fn renew(&mut self, folders: &[PathBuf]) {
        self.unwatch(folders.iter().cloned());
        self.watch(folders.iter().map(PathBuf::as_path));
    }

    /// The operating system has ended the watch of a folder that is gone from there.
    pub(super) fn forget(&mut self, folder: &Path) {
        self.watched.remove(folder);
        self.unwatched.remove(folder);
        self.unreadable.remove(folder);
    }

    /// A folder could not be read.
    pub(super) fn note_unreadable(&mut self, folder: &Path, error: &io::Error) {
        note_unreadable(&mut self.unreadable, folder, error);
    }

    /// Folders with a watch.
    pub(super) fn count(&self) -> usize {
        self.watched.len()
    }

    /// What does not work, with the remedy, for people; the worst first.
    pub(super) fn problem(&self, shown: impl Fn(&Path) -> Arc<str>) -> Option<String> {
        if let Err(reason) = &self.watcher {
            return Some(format!("nothing is watched: {reason}"));
        }
        if !self.unwatched.is_empty() {
            let (count, all) = (self.unwatched.len(), self.unwatched.len() + self.watched.len());
            return Some(format!(
                "{count} of {all} folders are not watched: out of inotify watches · sudo sysctl fs.inotify.max_user_watches=524288"
            ));
        }
        let (folder, reason) = self.unreadable.first_key_value()?;
        let more = match self.unreadable.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        Some(format!("not watched: {}{more}: {reason}", shown(folder)))
    }
}

fn note_unreadable(unreadable: &mut BTreeMap<PathBuf, String>, folder: &Path, error: &io::Error) {
    // What is gone again already is no problem.
    if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        unreadable.insert(folder.to_path_buf(), error.kind().to_string());
    }
}

/// Runs on notify's thread: only moves what was said into the set.
fn hear(pending: &Pending, clock: Clock, event: Event) {
    if event.need_rescan() {
        pending.note_loss();
        return;
    }
    let none = Marks::default();
    let marks = match event.kind {
        EventKind::Create(_) => Marks { created: true, ..none },
        EventKind::Remove(_) => Marks { removed: true, ..none },
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Marks { closed: true, ..none },
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Marks { moved_out: true, ..none },
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Marks { moved_in: true, ..none },
        // Both ends were said before, each for itself.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both) | ModifyKind::Metadata(_)) | EventKind::Access(_) => {
            return;
        }
        // Renamed from or to here: the disk will tell.
        EventKind::Modify(ModifyKind::Name(_)) => Marks { moved_in: true, moved_out: true, ..none },
        EventKind::Modify(_) | EventKind::Any | EventKind::Other => Marks { written: true, ..none },
    };
    let at = clock.now();
    for path in event.paths {
        pending.note(path, marks, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_work_is_said_with_its_remedy() {
        let mut source = Source::new(Arc::default(), Clock::start(), Arc::new(Cookies::new(0)));
        let said = |source: &Source| source.problem(|folder| folder.to_string_lossy().into());
        assert_eq!(said(&source), None);
        source.note_unreadable(Path::new("b"), &io::Error::from(io::ErrorKind::PermissionDenied));
        source.note_unreadable(Path::new("c"), &io::Error::from(io::ErrorKind::NotFound));
        assert_eq!(said(&source).as_deref(), Some("not watched: b: permission denied"));
        source.note_unreadable(Path::new("a"), &io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(said(&source).as_deref(), Some("not watched: a and 1 more: permission denied"));
        source.unwatched.insert(PathBuf::from("d"));
        source.watch([Path::new("e")]);
        let problem = said(&source);
        let problem = problem.as_deref().unwrap_or_default();
        assert!(problem.starts_with("2 of 2 folders are not watched: "), "{problem}");
        assert!(problem.ends_with("sudo sysctl fs.inotify.max_user_watches=524288"), "{problem}");
    }

    #[test]
    fn a_loss_is_heard() {
        let pending = Pending::default();
        hear(&pending, Clock::start(), Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan));
        assert!(pending.wait().sweep);
    }
}
