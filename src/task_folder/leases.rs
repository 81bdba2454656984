//! What lies in a folder of tasks that go through a server: who the folder is there, and copies of what is tried here.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::folder::Contents;
use super::listing::LARGEST_TASK;
use super::names::Work;
use super::owned::Owned;
use super::trouble::Trouble;
use crate::domain::TaskId;
use crate::domain::task::TaskKeys;

/// What the server knows a folder by. Two folders never have the same.
const ORIGIN: &str = "origin.json";

/// A file of ours of this size is none.
const LARGEST: u64 = 4 << 10;

impl Owned {
    /// What the server knows this folder by: made once, and kept in it.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn origin(&mut self) -> Result<String, Trouble> {
        let work = &self.queue.work;
        let read = || -> Result<Option<String>, Trouble> {
            let keys = TaskKeys::parse(&work.read(OsStr::new(ORIGIN), LARGEST)?.unwrap_or_default()).ok();
            let name = keys.and_then(|keys| serde_json::from_str::<String>(keys.get("origin")?).ok());
            Ok(name.filter(|name| name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())))
        };
        if let Some(name) = read()? {
            return Ok(name);
        }
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| {
            Trouble::new("cannot choose", &work.path().join(ORIGIN), std::io::Error::other(error.to_string()))
        })?;
        let name = format!("{:016x}", u64::from_le_bytes(bytes));
        work.replace(OsStr::new(ORIGIN), format!("{{\"origin\":\"{name}\"}}\n").as_bytes())?;
        Ok(name)
    }

    /// Puts a copy of a task that is tried here: its `TASK_FILE`.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn lease(&mut self, id: &TaskId, task: &[u8]) -> Result<(), Trouble> {
        self.queue.work.replace(OsStr::new(&Work::Leased.file(id)), task)
    }

    /// Where it is.
    pub fn leased_path(&self, id: &TaskId) -> PathBuf {
        self.queue.work.path().join(Work::Leased.file(id))
    }

    /// Reads it again, for another try. `None` if somebody has removed it.
    pub fn leased(&self, id: &TaskId) -> Option<Vec<u8>> {
        match self.queue.work.look(OsStr::new(&Work::Leased.file(id)), LARGEST_TASK)?.1 {
            Contents::Bytes(bytes) => Some(bytes),
            Contents::TooLarge | Contents::Unreadable(_) => None,
        }
    }

    /// Removes it.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn end_lease(&mut self, id: &TaskId) -> Result<(), Trouble> {
        self.queue.work.remove(OsStr::new(&Work::Leased.file(id))).map(drop)
    }

    /// The tasks that are with a server, as they were noted.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn published(&self) -> Result<Vec<TaskId>, Trouble> {
        super::outside::published_in(&self.queue.work)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ownership::{Access, take_for_a_moment};
    use crate::domain::{ServiceName, TaskFolders, TaskId};

    #[test]
    fn a_folder_has_one_name_and_copies_go_with_the_next_owner() {
        let home = tempfile::tempdir().unwrap();
        let folders = TaskFolders::below(home.path().to_path_buf());
        let (marie, id) = (ServiceName::new("marie"), TaskId::parse("a.1").unwrap());
        let Access::Free(mut owned) = take_for_a_moment(&folders, &marie).unwrap() else { panic!("nobody has it") };
        let name = owned.origin().unwrap();
        assert_eq!((name.len(), owned.origin().unwrap()), (16, name.clone()));
        owned.lease(&id, b"{}").unwrap();
        assert_eq!(owned.leased(&id).as_deref(), Some(&b"{}"[..]));
        assert!(owned.leased_path(&id).exists());
        let task_home = crate::domain::TaskHome { worker: Some("marie"), names_description: false };
        let claims = owned.claims(task_home, std::time::SystemTime::UNIX_EPOCH, std::time::Duration::ZERO).unwrap();
        assert_eq!((claims.len(), owned.leased(&id)), (0, None));
        owned.end_lease(&id).unwrap();
        assert_eq!(owned.origin().unwrap(), name);
    }

    #[test]
    fn what_is_published_is_found_by_its_note() {
        let home = tempfile::tempdir().unwrap();
        let folders = TaskFolders::below(home.path().to_path_buf());
        let marie = ServiceName::new("marie");
        let Access::Free(mut owned) = take_for_a_moment(&folders, &marie).unwrap() else { panic!("nobody has it") };
        for (name, phase) in [("a", "published"), ("b", "running"), ("c", "waiting")] {
            let id = TaskId::parse(name).unwrap();
            std::fs::write(owned.claimed_path(&id), "{}").unwrap();
            owned.note_tries(&id, format!("{{\"phase\":\"{phase}\"}}").as_bytes()).unwrap();
        }
        let ids = |ids: Vec<TaskId>| ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(owned.published().unwrap()), ["a"]);
        assert_eq!(ids(crate::task_folder::published(&folders, &marie)), ["a"]);
    }
}
