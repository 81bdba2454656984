//! How a task has ended, for who waits for it: few looks, beside an owner that works.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

use super::folder::{Folder, Links};
use super::layout::WORK;
use super::names::{ENDING, Work};
use super::outcomes::{self, Outcome};
use super::owner;
use super::trouble::Trouble;
use crate::domain::{ServiceName, TaskFolders, TaskId};

/// How a task has ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It has a result.
    Result(Outcome),
    /// It is a dead letter, and has no result.
    Letter(Outcome),
}

/// Where the file of a task is that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// It waits, as a file of its id.
    Waiting,
    /// It is claimed.
    Claimed,
}

/// How a task has ended; `None` if it has not, or nothing is known of it.
///
/// # Errors
/// A folder or a file cannot be read.
pub fn ended(folders: &TaskFolders, worker: &ServiceName, id: &TaskId) -> Result<Option<Ended>, Trouble> {
    let result = result(folders, worker, id)?;
    if result.is_some() || open_task(folders, worker, id)?.is_some() {
        return Ok(result);
    }
    let Some(letter) = letter(folders, worker, id)? else { return Ok(None) };
    // A task whose letter is an old one may have moved on between the looks.
    if open_task(folders, worker, id)?.is_some() {
        return Ok(None);
    }
    Ok(Some(self::result(folders, worker, id)?.unwrap_or(Ended::Letter(letter))))
}

fn result(folders: &TaskFolders, worker: &ServiceName, id: &TaskId) -> Result<Option<Ended>, Trouble> {
    let Some(results) = folder(folders.results.join(worker.as_str()), Links::Follow)? else { return Ok(None) };
    let found = outcomes::result_of(&results, OsStr::new(&format!("{id}{ENDING}")))?;
    // What says nothing is still being written by somebody.
    let Some(mut found) = found.filter(|found| !found.word.is_empty()) else { return Ok(None) };
    if found.has_failed() {
        // Its letter knows more than a number: which signal, or why it could not be started.
        found.detail = letter(folders, worker, id)?.filter(Outcome::is_of_tries).and_then(|letter| letter.detail);
    }
    Ok(Some(Ended::Result(found)))
}

fn letter(folders: &TaskFolders, worker: &ServiceName, id: &TaskId) -> Result<Option<Outcome>, Trouble> {
    let Some(letters) = folder(folders.dlq.join(worker.as_str()), Links::Follow)? else { return Ok(None) };
    Ok(outcomes::letter_of(&letters, id)?.map(|(_, letter)| letter))
}

/// Where a task is that has not ended, by the names of files alone. One that waits under another name is not seen.
///
/// # Errors
/// A folder cannot be opened.
pub fn open_task(folders: &TaskFolders, worker: &ServiceName, id: &TaskId) -> Result<Option<Open>, Trouble> {
    let queue = folders.queue(worker);
    let has =
        |folder: Option<Folder>, name: String| folder.is_some_and(|folder| folder.stamp(OsStr::new(&name)).is_some());
    // In the order of its life: what moves on meanwhile is met at its next place.
    if has(folder(queue.clone(), Links::Follow)?, format!("{id}{ENDING}")) {
        return Ok(Some(Open::Waiting));
    }
    let claimed = has(folder(queue.join(WORK), Links::Refuse)?, Work::Task.file(id));
    Ok(claimed.then_some(Open::Claimed))
}

/// A folder, if there is one.
fn folder(path: PathBuf, links: Links) -> Result<Option<Folder>, Trouble> {
    match Folder::open(path, links) {
        Ok(folder) => Ok(Some(folder)),
        Err(trouble) if trouble.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// Looks whether all folders of a worker that are there can be read, before one says that nothing is in them.
///
/// # Errors
/// The first that cannot be read.
pub fn can_be_read(folders: &TaskFolders, worker: &ServiceName) -> Result<(), Trouble> {
    let queue = folders.queue(worker);
    let ended = [&folders.results, &folders.dlq].map(|above| (above.join(worker.as_str()), Links::Follow));
    for (path, links) in [(queue.clone(), Links::Follow), (queue.join(WORK), Links::Refuse)].into_iter().chain(ended) {
        folder(path, links)?;
    }
    Ok(())
}

/// Whether somebody who lives works for this worker.
pub fn is_worked_off(folders: &TaskFolders, worker: &ServiceName) -> bool {
    let work = Folder::open(folders.queue(worker).join(WORK), Links::Refuse);
    work.is_ok_and(|work| owner::is_worked_off(&work))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_task_ends_with_its_result_or_its_letter_and_not_while_it_waits() {
        let home = tempfile::tempdir().unwrap();
        let folders = TaskFolders::below(home.path().to_path_buf());
        let (marie, id) = (ServiceName::new("marie"), TaskId::parse("a").unwrap());
        let ended = || ended(&folders, &marie, &id).unwrap();
        let put = |path: &str, text: &str| {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(ended(), None);
        put("dlq/marie/a.json", r#"{"task_id":"a","dlq_reason":"duplicate_task_id"}"#);
        assert_eq!(ended(), None, "the letter of a second file");
        put("dlq/marie/a.2.json", r#"{"task_id":"a","dlq_reason":"invalid_field","dlq_detail":"x"}"#);
        assert!(matches!(ended(), Some(Ended::Letter(letter)) if letter.word == "invalid_field"));
        put("tasks/marie/a.json", "{}");
        assert_eq!(ended(), None, "it was added again");
        fs::remove_file(home.path().join("tasks/marie/a.json")).unwrap();
        put("tasks/marie/.work/a.task.json", "{}");
        assert_eq!(ended(), None);
        assert_eq!(open_task(&folders, &marie, &id).unwrap(), Some(Open::Claimed));
        put("results/marie/a.json", "{\"task_id\":\"a\",\"sta");
        assert_eq!(ended(), None, "it is half written");
        put("results/marie/a.json", r#"{"task_id":"a","status":"timeout","exit_code":124}"#);
        assert!(matches!(ended(), Some(Ended::Result(result)) if result.exit_code == Some(124)));
        put("results/marie/a.json", r#"{"task_id":"a","status":"failed","exit_code":139}"#);
        assert!(matches!(ended(), Some(Ended::Result(result)) if result.detail.is_none()), "no letter of its tries");
        let letter = r#"{"task_id":"a","dlq_reason":"max_retries_exceeded","dlq_detail":"SIGSEGV"}"#;
        put("dlq/marie/a.3.json", letter);
        assert!(matches!(ended(), Some(Ended::Result(result)) if result.detail.as_deref() == Some("SIGSEGV")));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let home = tempfile::tempdir().unwrap();
        let folders = TaskFolders::below(home.path().to_path_buf());
        let marie = ServiceName::new("marie");
        can_be_read(&folders, &marie).unwrap();
        fs::create_dir_all(&folders.results).unwrap();
        fs::write(folders.results.join("marie"), "a file").unwrap();
        let trouble = can_be_read(&folders, &marie).unwrap_err().to_string();
        assert!(trouble.contains("results/marie: "), "{trouble}");
    }
}
