//! The folder of a worker in real folders, without processes.

mod endings;
mod lives;
mod looks;
mod recovery;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;
use crate::domain::{FoundClaim, ServiceName, TaskFolders, TaskHome, TaskId};

const HOME: TaskHome<'_> = TaskHome { worker: Some("marie"), names_description: false };

/// A project with a worker `marie`.
struct Project {
    home: TempDir,
    folders: TaskFolders,
}

impl Project {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let folders = TaskFolders::below(home.path().to_path_buf());
        Self { home, folders }
    }

    /// Its folder, in our hands.
    fn owned(&self) -> Owned {
        match take_for_a_moment(&self.folders, &marie()).unwrap() {
            Access::Free(owned) => *owned,
            other => panic!("{other:?}"),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// All files below the project, but `owner.json`.
    fn files(&self) -> Vec<String> {
        let (mut files, mut folders) = (Vec::new(), vec![self.home.path().to_path_buf()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    files.push(entry.path().strip_prefix(self.home.path()).unwrap().display().to_string());
                }
            }
        }
        files.retain(|file| !file.ends_with("/.work/owner.json"));
        files.sort();
        files
    }

    fn claims(&self, owned: &mut Owned) -> BTreeMap<String, FoundClaim> {
        let claims = owned.claims(HOME, SystemTime::UNIX_EPOCH, Duration::from_secs(300)).unwrap();
        claims.into_iter().map(|claim| (claim.id.to_string(), claim)).collect()
    }
}

fn marie() -> ServiceName {
    ServiceName::new("marie")
}

fn id(text: &str) -> TaskId {
    TaskId::parse(text).unwrap()
}

fn task(id: &str) -> String {
    format!(r#"{{"task_id":"{id}","description":"do it"}}"#)
}

fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}
