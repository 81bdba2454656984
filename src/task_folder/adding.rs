//! New tasks, put into a queue by who does not own it.

use std::ffi::OsStr;

use super::folder::{Folder, Links};
use super::names::ENDING;
use super::trouble::Trouble;
use crate::domain::{ServiceName, TaskFolders, TaskId};

/// The queue of a worker, to which tasks are added.
#[derive(Debug)]
pub struct Adder(Folder);

impl Adder {
    /// Opens it; makes it if it is missing.
    ///
    /// # Errors
    /// It cannot be opened or made.
    pub fn open(folders: &TaskFolders, worker: &ServiceName) -> Result<Self, Trouble> {
        Folder::make(folders.queue(worker), Links::Follow).map(Self)
    }

    /// Puts a file that is whole from its first moment. False if there is one of that name: nothing is overwritten.
    ///
    /// # Errors
    /// It cannot be written. Nothing of it stays.
    pub fn add(&self, id: &TaskId, task: &[u8]) -> Result<bool, Trouble> {
        self.0.put_new(OsStr::new(&format!("{id}{ENDING}")), task)
    }
}
