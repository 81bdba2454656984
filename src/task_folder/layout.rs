//! Where the files of a worker are, and the folders that are held open for them.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

use super::folder::{Folder, Links};
use super::names::name_of;
use super::trouble::Trouble;
use crate::domain::task::UNROUTED;
use crate::domain::{ServiceName, TaskFolders, path_text};

/// The folder of what is claimed, in the queue of a worker.
pub(super) const WORK: &str = ".work";

/// The folder of what the command line asks an owner for, in that.
pub(super) const REQUESTS: &str = "requests";

/// The folder of what has ended, for all workers.
const ORCHESTRATOR: &str = "orchestrator";

/// What waits and what is claimed: the folders that an owner has the lock of.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) waiting: Folder,
    pub(super) work: Folder,
    pub(super) requests: Folder,
}

impl Queue {
    /// Opens them, makes what is missing.
    pub(super) fn make(folders: &TaskFolders, worker: &ServiceName) -> Result<Self, Trouble> {
        Self::make_at(folders.queue(worker))
    }

    /// The same for the folder of what waits.
    pub(super) fn make_at(waiting: PathBuf) -> Result<Self, Trouble> {
        let work = waiting.join(WORK);
        Ok(Self {
            waiting: Folder::make(waiting, Links::Follow)?,
            requests: {
                Folder::make(work.clone(), Links::Refuse)?;
                Folder::make(work.join(REQUESTS), Links::Refuse)?
            },
            work: Folder::open(work, Links::Refuse)?,
        })
    }

    /// Whether all of them are where they were.
    pub(super) fn is_in_place(&self) -> bool {
        [&self.waiting, &self.work, &self.requests].into_iter().all(Folder::is_in_place)
    }
}

/// Where it is told what becomes of tasks. Each of these folders is made when something is put into it.
#[derive(Debug)]
pub(super) struct Outlets {
    /// `results/<worker>`
    pub(super) results: Outlet,
    /// `dlq/<worker>`
    pub(super) letters: Outlet,
    /// `triggers/<worker>`
    pub(super) receipts: Outlet,
    /// `triggers/orchestrator`
    pub(super) ends: Outlet,
    /// `heartbeats`
    pub(super) heartbeats: Outlet,
}

impl Outlets {
    pub(super) fn of(folders: &TaskFolders, worker: &ServiceName) -> Self {
        let worker = worker.as_str();
        Self {
            results: Outlet::at(folders.results.join(worker)),
            letters: Outlet::at(folders.dlq.join(worker)),
            receipts: Outlet::at(folders.triggers.join(worker)),
            ends: Outlet::at(folders.triggers.join(ORCHESTRATOR)),
            heartbeats: Outlet::at(folders.heartbeats.clone()),
        }
    }

    /// Makes those that are missing, so that people see where to look. What cannot be made now is said when it is needed.
    pub(super) fn make(&mut self) {
        for outlet in self.all() {
            let _ = outlet.in_place();
        }
    }

    /// Removes what a process that is gone has left half written.
    pub(super) fn sweep(&mut self, pid: u32) {
        for outlet in self.all() {
            if let Ok(folder) = outlet.in_place() {
                folder.sweep(pid);
            }
        }
    }

    fn all(&mut self) -> [&mut Outlet; 5] {
        [&mut self.results, &mut self.letters, &mut self.receipts, &mut self.ends, &mut self.heartbeats]
    }
}

/// `dlq/unrouted`
pub(super) fn unrouted(folders: &TaskFolders) -> Outlet {
    Outlet::at(folders.dlq.join(UNROUTED))
}

/// A folder that others may empty, move and remove at any time: it is made again when something is put into it.
#[derive(Debug)]
pub(super) struct Outlet {
    path: PathBuf,
    folder: Option<Folder>,
}

impl Outlet {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, folder: None }
    }

    /// Where a file of it is, as others are told.
    pub(super) fn path_of(&self, file: &str) -> String {
        path_text(&self.path.join(name_of(file))).into_owned()
    }

    /// The folder that its path leads to; it is made if it is missing.
    pub(super) fn in_place(&mut self) -> Result<&Folder, Trouble> {
        let folder = match self.folder.take() {
            Some(folder) if folder.is_in_place() => folder,
            _ => Folder::make(self.path.clone(), Links::Follow)?,
        };
        Ok(self.folder.insert(folder))
    }

    /// Does something in it; once more, if it is removed just then.
    pub(super) fn put<T>(&mut self, mut put: impl FnMut(&Folder) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let folder = self.in_place()?;
        match put(folder) {
            Err(trouble) if trouble.kind() == io::ErrorKind::NotFound && !folder.is_in_place() => put(self.in_place()?),
            done => done,
        }
    }

    pub(super) fn put_new(&mut self, name: impl AsRef<OsStr>, bytes: &[u8]) -> Result<bool, Trouble> {
        self.put(|folder| folder.put_new(name.as_ref(), bytes))
    }

    pub(super) fn put_or_replace(&mut self, name: impl AsRef<OsStr>, bytes: &[u8]) -> Result<(), Trouble> {
        self.put(|folder| folder.put(name.as_ref(), bytes))
    }

    pub(super) fn replace_in_turn(&mut self, name: impl AsRef<OsStr>, bytes: &[u8]) -> Result<(), Trouble> {
        self.put(|folder| folder.replace_in_turn(name.as_ref(), bytes))
    }

    /// Ends the turns of a file, where the folder was opened.
    pub(super) fn remove_spare(&self, name: impl AsRef<OsStr>) {
        if let Some(folder) = &self.folder {
            folder.remove_spare(name.as_ref());
        }
    }
}
