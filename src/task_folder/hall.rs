//! `tasks/*.json`: tasks that name their worker themselves. Whoever has a worker moves them; of two that are at it at
//! once, one is faster, and the other does nothing.

use super::folder::{Contents, Folder, Links, Moved};
use super::layout::{self, Outlet};
use super::letters;
use super::listing::{self, LARGEST_TASK, Seen};
use super::names::{name_of, stem_of};
use super::trouble::Trouble;
use crate::domain::{FileStamp, ServiceName, TaskFolders};

/// The folder above the queues of all workers.
#[derive(Debug)]
pub struct Hall {
    folders: TaskFolders,
    tasks: Outlet,
    letters: Outlet,
}

impl Hall {
    /// Opens it; makes it if it is missing.
    ///
    /// # Errors
    /// It cannot be opened or made.
    pub fn open(folders: &TaskFolders) -> Result<Self, Trouble> {
        let mut tasks = Outlet::at(folders.tasks.clone());
        tasks.in_place()?;
        Ok(Self { folders: folders.clone(), tasks, letters: layout::unrouted(folders) })
    }

    /// All files in it, by their time of arrival.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn list<T: Send>(&mut self, check: impl Fn(&str, Contents) -> T + Sync) -> Result<Vec<Seen<T>>, Trouble> {
        listing::list(self.tasks.in_place()?, check)
    }

    /// Looks at one file. `None` if there is none of that name, or it is no regular file.
    pub fn look(&mut self, file: &str) -> Option<(FileStamp, Contents)> {
        self.tasks.in_place().ok()?.look(&name_of(file), LARGEST_TASK)
    }

    /// Moves a file to those that wait for a worker, under that name.
    ///
    /// # Errors
    /// A folder cannot be opened, made or written.
    pub fn route(&mut self, file: &str, worker: &ServiceName, new: &str) -> Result<Moved, Trouble> {
        let queue = Folder::make(self.folders.queue(worker), Links::Follow)?;
        self.tasks.put(|tasks| tasks.move_to(&name_of(file), &queue, &name_of(new)))
    }

    /// Makes a dead letter of a task that is for nobody: first the letter, then the file goes. Returns its path.
    ///
    /// # Errors
    /// A file cannot be written or removed.
    pub fn bury(&mut self, file: &str, letter: &[u8]) -> Result<String, Trouble> {
        let name = letters::bury(&mut self.letters, stem_of(file), letter)?;
        self.tasks.put(|tasks| tasks.remove(&name_of(file)))?;
        Ok(self.letters.path_of(&name))
    }

    /// The same for what is no JSON: it is moved as it is. `None` if it is gone already.
    ///
    /// # Errors
    /// A file cannot be written or moved.
    pub fn bury_raw(&mut self, file: &str, reason: &[u8]) -> Result<Option<String>, Trouble> {
        let tasks = self.tasks.in_place()?;
        let name = letters::bury_raw(&mut self.letters, (tasks, &name_of(file)), stem_of(file), reason, |_| Ok(()))?;
        Ok(name.map(|name| self.letters.path_of(&name)))
    }
}
