//! What changes in the folders: events of the system, without a delay, and none for reading.
//!
//! Each folder is watched by itself. Where that is not to be had, whoever asked is told, and lists now and then.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use notify::event::{AccessKind, AccessMode, EventKindMask, ModifyKind, RenameMode};
use notify::{Config, Event, EventKind, PathOp, RecommendedWatcher, RecursiveMode, WatchPathConfig, Watcher as _};

use super::layout::{REQUESTS, WORK};
use super::names::{ENDING, is_task_file, text_of};
use crate::domain::{ServiceName, TaskFolders};

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderNews {
    /// A file is in a queue, or was written to; no worker: in `tasks/` itself.
    Seen(Option<ServiceName>, Arc<str>),
    /// A file is not in a queue any more.
    Gone(Option<ServiceName>, Arc<str>),
    /// Somebody asks the owner of a queue for something.
    Request(ServiceName),
    /// The heartbeat of a worker was written.
    Heartbeat(ServiceName),
    /// A result or a dead letter of a worker is there, or gone; or it has a folder for them now, which
    /// [`FolderEvents::watch_outcomes`] has to find.
    Outcome(ServiceName),
    /// A dead letter of a worker that does not work has come or gone.
    Letter(ServiceName),
    /// A folder of this worker was removed or replaced.
    Moved(ServiceName),
    /// Events were lost, or a folder of all workers was removed: whatever is watched is to be looked at.
    Lost,
}

/// What a watched folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holds {
    /// `tasks/`
    Unrouted,
    /// `tasks/<worker>/`
    Tasks(ServiceName),
    /// `tasks/<worker>/.work/requests/`
    Requests(ServiceName),
    /// `heartbeats/`
    Heartbeats,
    /// `results/`, `dlq/`
    AllOutcomes,
    /// `results/<worker>/`, `dlq/<worker>/`
    Outcomes(ServiceName),
    /// `dlq/<worker>/` of a worker that does not work
    Letters(ServiceName),
}

/// All that is watched, with the identity of each folder: another one in its place needs a watch of its own.
type Watched = HashMap<PathBuf, (Holds, (u64, u64))>;

/// The watches of all workers of a group.
pub struct FolderEvents {
    watcher: RecommendedWatcher,
    watched: Arc<RwLock<Watched>>,
}

/// Reading is not in it, so it wakes nobody. Elsewhere than on Linux nobody says that a file was closed.
const KINDS: EventKindMask = {
    let kinds = EventKindMask::CREATE
        .union(EventKindMask::REMOVE)
        .union(EventKindMask::MODIFY_NAME)
        .union(EventKindMask::ACCESS_CLOSE);
    if cfg!(target_os = "linux") { kinds } else { kinds.union(EventKindMask::MODIFY_DATA) }
};

impl FolderEvents {
    /// Without watches. `tell` hears of everything, on a thread of its own.
    ///
    /// # Errors
    /// The system gives no events; why, for people.
    pub fn open(tell: impl Fn(FolderNews) + Send + 'static) -> Result<Self, String> {
        let watched: Arc<RwLock<Watched>> = Arc::default();
        let known = Arc::clone(&watched);
        let handler = move |said: notify::Result<Event>| match said {
            Ok(event) => {
                let watched = known.read().unwrap_or_else(PoisonError::into_inner);
                news_of(&watched, &event).into_iter().for_each(&tell);
            }
            Err(error) => {
                log::warn!("task folders: {error}");
                tell(FolderNews::Lost);
            }
        };
        let config = Config::default().with_event_kinds(KINDS).with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(handler, config).map_err(|error| error.to_string())?;
        Ok(Self { watcher, watched })
    }

    /// Watches the queue of a worker, what is asked of its owner, and `tasks/` itself. To be called again when a folder was
    /// made anew. False where events are not to be had.
    pub fn watch_queue(&mut self, folders: &TaskFolders, worker: &ServiceName) -> bool {
        let queue = folders.queue(worker);
        // Not `.work` itself: each claim would be told, and that it is gone is told by the queue.
        let all = [
            (folders.tasks.clone(), Holds::Unrouted),
            (queue.join(WORK).join(REQUESTS), Holds::Requests(worker.clone())),
            (queue, Holds::Tasks(worker.clone())),
        ];
        // All of them, also after one that cannot be watched.
        all.into_iter().fold(true, |all, (path, holds)| self.watch(path, holds) && all)
    }

    /// Watches what waits for a worker that does not work, and its dead letters, as far as there are folders for them.
    pub fn watch_resting(&mut self, folders: &TaskFolders, worker: &ServiceName) {
        self.watch(folders.queue(worker), Holds::Tasks(worker.clone()));
        self.watch(folders.dlq.join(worker.as_str()), Holds::Letters(worker.clone()));
    }

    /// Watches whether workers get folders of results and dead letters. These have to be there. False where events are not
    /// to be had.
    pub fn watch_all_outcomes(&mut self, folders: &TaskFolders) -> bool {
        let above = [&folders.results, &folders.dlq].into_iter();
        above.filter(|above| !self.watch((*above).clone(), Holds::AllOutcomes)).count() == 0
    }

    /// Watches results and dead letters of a worker. To be called again for a new folder. False where events are not to be
    /// had.
    pub fn watch_outcomes(&mut self, folders: &TaskFolders, worker: &ServiceName) -> bool {
        let its = [&folders.results, &folders.dlq].map(|above| above.join(worker.as_str()));
        // What is not there will be told by the folder above.
        let there = its.into_iter().filter(|path| path.is_dir());
        there.filter(|path| !self.watch(path.clone(), Holds::Outcomes(worker.clone()))).count() == 0
    }

    /// Nobody waits for others any more.
    pub fn unfollow_outcomes(&mut self) {
        self.unwatch_all(|holds| matches!(holds, Holds::AllOutcomes | Holds::Outcomes(_)));
    }

    /// Watches all heartbeats. False where events are not to be had.
    pub fn watch_heartbeats(&mut self, folders: &TaskFolders) -> bool {
        self.watch(folders.heartbeats.clone(), Holds::Heartbeats)
    }

    /// Nobody else works for a worker any more.
    pub fn unfollow_heartbeats(&mut self) {
        self.unwatch_all(|holds| *holds == Holds::Heartbeats);
    }

    /// Watches nothing of a worker any more.
    pub fn forget(&mut self, worker: &ServiceName) {
        self.unwatch_all(|holds| match holds {
            Holds::Tasks(of) | Holds::Requests(of) | Holds::Outcomes(of) | Holds::Letters(of) => of == worker,
            Holds::Unrouted | Holds::Heartbeats | Holds::AllOutcomes => false,
        });
    }

    fn unwatch_all(&mut self, is_meant: impl Fn(&Holds) -> bool) {
        let meant = |watched: &mut Watched| {
            let meant = watched.iter().filter(|(_, (holds, _))| is_meant(holds));
            meant.map(|(path, _)| path.clone()).collect::<Vec<_>>()
        };
        for path in self.known(meant) {
            self.unwatch(&path);
        }
    }

    fn known<T>(&self, look: impl FnOnce(&mut Watched) -> T) -> T {
        look(&mut self.watched.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn unwatch(&mut self, path: &Path) {
        self.known(|watched| watched.remove(path));
        // What has no watch any more needs none removed.
        let _ = self.watcher.update_paths(vec![PathOp::Unwatch(path.to_path_buf())]);
    }

    fn watch(&mut self, path: PathBuf, holds: Holds) -> bool {
        let Ok(found) = fs::metadata(&path) else { return false };
        let identity = (found.dev(), found.ino());
        match self.known(|watched| watched.get(&path).cloned()) {
            Some((_, known)) if known == identity => return true,
            Some(_) => self.unwatch(&path),
            None => {}
        }
        // Before it is watched, so that no event finds it unknown.
        self.known(|watched| watched.insert(path.clone(), (holds, identity)));
        let config = WatchPathConfig::new(RecursiveMode::NonRecursive).with_dereference_symlinks(true);
        let done = self.watcher.update_paths(vec![PathOp::Watch(path.clone(), config)]);
        if let Err(error) = &done {
            log::warn!("task folders: {} has no events: {}", path.display(), error.source);
            self.known(|watched| watched.remove(&path));
        }
        done.is_ok()
    }
}

/// What an event says.
fn news_of(watched: &Watched, event: &Event) -> Vec<FolderNews> {
    if event.need_rescan() {
        return vec![FolderNews::Lost];
    }
    let is_here = match event.kind {
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => false,
        // Both ends were said before, each for itself.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return Vec::new(),
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Create(_) | EventKind::Any => true,
        EventKind::Modify(ModifyKind::Metadata(_)) | EventKind::Access(_) => return Vec::new(),
        EventKind::Modify(ModifyKind::Name(_)) => event.paths.first().is_some_and(|path| path.exists()),
        EventKind::Modify(_) | EventKind::Other => true,
    };
    event.paths.iter().filter_map(|path| one_of(watched, path, is_here)).collect()
}

fn one_of(watched: &Watched, path: &Path, is_here: bool) -> Option<FolderNews> {
    if let Some((holds, _)) = watched.get(path).filter(|_| !is_here) {
        return Some(match holds {
            Holds::Tasks(worker) | Holds::Requests(worker) | Holds::Outcomes(worker) | Holds::Letters(worker) => {
                FolderNews::Moved(worker.clone())
            }
            Holds::Unrouted | Holds::Heartbeats | Holds::AllOutcomes => FolderNews::Lost,
        });
    }
    let (holds, _) = watched.get(path.parent()?)?;
    if *holds == Holds::AllOutcomes {
        let worker = path.file_name()?.to_str().filter(|_| is_here && path.is_dir())?;
        return Some(FolderNews::Outcome(ServiceName::new(worker)));
    }
    if let (Holds::Tasks(worker), false, Some(WORK)) = (holds, is_here, path.file_name()?.to_str()) {
        return Some(FolderNews::Moved(worker.clone()));
    }
    if let Holds::Letters(worker) = holds {
        return Some(FolderNews::Letter(worker.clone()));
    }
    let name = path.file_name().filter(|name| is_task_file(name))?;
    let of_queue = |worker: Option<&ServiceName>| {
        let file: Arc<str> = text_of(name).into();
        if is_here { FolderNews::Seen(worker.cloned(), file) } else { FolderNews::Gone(worker.cloned(), file) }
    };
    match holds {
        Holds::Unrouted => Some(of_queue(None)),
        Holds::Tasks(worker) => Some(of_queue(Some(worker))),
        Holds::Requests(worker) => {
            let is_request = is_here && !text_of(name).ends_with(super::requests::ANSWER);
            is_request.then(|| FolderNews::Request(worker.clone()))
        }
        Holds::Heartbeats => Some(FolderNews::Heartbeat(ServiceName::new(stem(name)?))),
        Holds::Outcomes(worker) => Some(FolderNews::Outcome(worker.clone())),
        Holds::AllOutcomes | Holds::Letters(_) => None,
    }
}

fn stem(name: &OsStr) -> Option<&str> {
    name.to_str()?.strip_suffix(ENDING)
}
