//! A job that runs in a terminal, held against a second `devgroup run` of it: where no group runs, nobody else knows of it.
//!
//! Each job has a locked file in the group's state folder. The lock ends with its holder, however that ends. Where there is
//! no such folder, the job runs without.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::instance::{is_alive, lock};
use super::state_folder;
use crate::clock::{self, Clock};
use crate::domain::{GroupSpec, Moment, Refusal, ServiceName};
use crate::private;

/// A holder notes who it is at once; and who only asks holds the lock for a moment.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two tries.
const LOOK: Duration = Duration::from_millis(5);

/// A longer note is none of ours.
const LONGEST: u64 = 1_000;

/// A job that this process runs. Others may run it when this is dropped.
#[derive(Debug)]
pub struct JobLock(File);

/// Who runs a job, as noted in its lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Holder {
    pid: u32,
    /// RFC 3339.
    since: String,
}

impl Holder {
    fn read(path: &Path) -> Option<Self> {
        let note = String::from_utf8(private::read(path, LONGEST).ok()?).ok()?;
        let (pid, since) = note.trim_end().split_once(' ')?;
        Some(Self { pid: pid.parse().ok()?, since: since.to_owned() })
    }

    fn told(&self) -> String {
        format!("in another terminal (pid {}, since {})", self.pid, clock::local_time_of_day(&self.since))
    }
}

/// Takes a job of a group for this process. `None`: there is no place for its lock.
///
/// # Errors
/// Another process runs it: who, and since when.
pub fn lock_job(group: &GroupSpec, job: &ServiceName) -> Result<Option<JobLock>, Refusal> {
    let folder = state_folder::of_group(group, state_folder::variable);
    let folder =
        folder.and_then(|folder| state_folder::make(&folder).map(|()| folder).map_err(|error| error.to_string()));
    let path = match folder {
        Ok(folder) => path(&folder, job),
        Err(why) => {
            log::info!("a second run of {job} cannot be seen: {why}");
            return Ok(None);
        }
    };
    take(&path).map_err(|how| Refusal::Runs { job: job.clone(), how: how.into() })
}

/// Whether a process runs this job in a terminal.
pub fn runs_in_terminal(group: &GroupSpec, job: &ServiceName) -> bool {
    let folder = state_folder::of_group(group, state_folder::variable);
    let path = folder.map(|folder| path(&folder, job));
    path.is_ok_and(|path| path.exists() && matches!(lock(&path), Ok(None)))
}

/// Names of jobs are longer than those of files may be.
fn path(folder: &Path, job: &ServiceName) -> PathBuf {
    folder.join(format!("run-{:016x}.lock", xxh3_64(job.as_str().as_bytes())))
}

fn take(path: &Path) -> Result<Option<JobLock>, String> {
    let clock = Clock::start();
    loop {
        match lock(path) {
            Ok(Some(mut file)) => {
                let note = format!("{} {}", std::process::id(), clock.rfc3339(clock.now()));
                // Without the note the job is held as well.
                let _ = file.set_len(0).and_then(|()| file.write_all(note.as_bytes()));
                return Ok(Some(JobLock(file)));
            }
            Ok(None) => {}
            Err(error) => {
                log::info!("a second run cannot be seen: {error}");
                return Ok(None);
            }
        }
        match Holder::read(path).filter(|holder| is_alive(holder.pid)) {
            Some(holder) => return Err(holder.told()),
            None if clock.now().since(Moment::START) >= PATIENCE => return Err("in another terminal".into()),
            None => std::thread::sleep(LOOK),
        }
    }
}

impl Drop for JobLock {
    fn drop(&mut self) {
        // Whoever takes it next is not to be taken for us.
        let _ = self.0.set_len(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_one_holder_which_says_who_it_is_and_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), &"migrate".into());
        let first = take(&path).unwrap().unwrap();
        let told = take(&path).unwrap_err();
        let begin = format!("in another terminal (pid {}, since ", std::process::id());
        let time = told.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(')')).unwrap();
        assert!(time.len() == 8 && time.split(':').count() == 3, "{told}");
        assert!(take(&self::path(folder.path(), &"install".into())).unwrap().is_some(), "another job");
        drop(first);
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        assert!(take(&path).unwrap().is_some());
    }

    #[test]
    fn without_a_place_for_the_lock_the_job_runs() {
        let folder = tempfile::tempdir().unwrap();
        assert!(take(&folder.path().join("missing/job.lock")).unwrap().is_none());
    }
}
