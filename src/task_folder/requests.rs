//! What the command line asks the owner of a folder for: a file in `.work/requests/`, and an answer beside it.
//!
//! The answer is there before the request goes, so whoever has asked and finds neither asks again.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::folder::{Folder, Links};
use super::layout::{REQUESTS, WORK};
use super::names::{ENDING, is_task_file, text_of};
use super::owned::Owned;
use super::trouble::Trouble;
use crate::clock::Clock;
use crate::domain::{ServiceName, TaskFolders, TaskId};

/// An answer's name ends so.
pub(super) const ANSWER: &str = ".answer.json";

/// Ids of one request take a part of this.
const LARGEST: u64 = 64 << 20;

/// One looks for the answer so often.
const LOOK: Duration = Duration::from_millis(20);

/// What is to be done with tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Try them anew, from the first try.
    Retry,
    /// End them: they wait no longer, or their try is stopped.
    Cancel,
    /// Remove all that is left of them.
    Drop,
    /// Fetch all tasks back from the server; no task is named.
    Drain,
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub order: Order,
    /// With these.
    pub ids: Vec<TaskId>,
}

/// For each id: done, or why not, for people.
pub type Answers = HashMap<String, Option<String>>;

/// `{"order":"retry","ids":["a"]}`
#[derive(Serialize, Deserialize)]
struct Written {
    order: Order,
    ids: Vec<String>,
}

impl Owned {
    /// What is asked for, with the names of the requests, in the order that they came in. What is no request is removed.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn requests(&mut self) -> Result<Vec<(String, Request)>, Trouble> {
        let folder = &self.queue.requests;
        let mut found = Vec::new();
        for name in folder.files()? {
            let text = text_of(&name).into_owned();
            if !is_task_file(&name) || text.ends_with(ANSWER) {
                continue;
            }
            let Some(bytes) = folder.read(&name, LARGEST)? else { continue };
            match serde_json::from_slice::<Written>(&bytes) {
                Ok(Written { order, ids }) => {
                    let ids = ids.iter().filter_map(|id| TaskId::parse(id)).collect();
                    let at = folder.stamp(&name).map(|stamp| stamp.modified);
                    found.push((at, text, Request { order, ids }));
                }
                Err(_) => {
                    folder.remove(&name)?;
                }
            }
        }
        found.sort_by(|(at, name, _), (other, its, _)| (at, name).cmp(&(other, its)));
        Ok(found.into_iter().map(|(_, name, request)| (name, request)).collect())
    }

    /// Answers a request.
    ///
    /// # Errors
    /// A file cannot be written or removed.
    pub fn answer(&mut self, name: &str, answers: &Answers) -> Result<(), Trouble> {
        let folder = &self.queue.requests;
        let text = serde_json::to_vec(answers).unwrap_or_default();
        folder.replace(OsStr::new(&answer_of(name)), &text)?;
        folder.remove(OsStr::new(name))?;
        Ok(())
    }
}

fn answer_of(request: &str) -> String {
    request.strip_suffix(ENDING).unwrap_or(request).to_owned() + ANSWER
}

/// Asks the owner of a folder, and waits for the answer. `None`: there was none in this time, and nothing was done.
///
/// # Errors
/// A file cannot be written, read or removed.
pub fn ask_owner(
    folders: &TaskFolders,
    worker: &ServiceName,
    request: &Request,
    clock: Clock,
    patience: Duration,
) -> Result<Option<Answers>, Trouble> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let folder = Folder::open(folders.queue(worker).join(WORK).join(REQUESTS), Links::Refuse)?;
    let name = format!("{}-{}{ENDING}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let answer = answer_of(&name);
    // One that a process of the same number has not fetched.
    folder.remove(OsStr::new(&answer))?;
    let ids = request.ids.iter().map(|id| id.as_str().to_owned()).collect();
    let text = serde_json::to_vec(&Written { order: request.order, ids }).unwrap_or_default();
    folder.replace(OsStr::new(&name), &text)?;
    let deadline = clock.now() + patience;
    loop {
        let is_late = clock.now() >= deadline;
        // Whoever has taken it back has not been heard; who has not, will be answered.
        let is_taken_back = is_late && folder.remove(OsStr::new(&name))?;
        if let Some(bytes) = folder.read(OsStr::new(&answer), LARGEST)? {
            folder.remove(OsStr::new(&answer))?;
            folder.remove(OsStr::new(&name))?;
            return Ok(serde_json::from_slice(&bytes).ok());
        }
        if is_taken_back || is_late && folder.stamp(OsStr::new(&name)).is_none() {
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::super::ownership::{Access, take_for_a_moment};
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(30);

    #[test]
    fn an_owner_is_asked_and_answers() {
        let home = tempfile::tempdir().unwrap();
        let folders = TaskFolders::below(home.path().to_path_buf());
        let worker = ServiceName::new("marie");
        let Access::Free(mut owned) = take_for_a_moment(&folders, &worker).unwrap() else { panic!("nobody has it") };
        let ids = ["a", "b"].map(|id| TaskId::parse(id).unwrap()).to_vec();
        let request = Request { order: Order::Retry, ids };
        let (asked, clock) = (request.clone(), Clock::start());
        let places = (folders.clone(), worker.clone());
        let asker = thread::spawn(move || ask_owner(&places.0, &places.1, &asked, clock, DEADLINE).unwrap());
        let deadline = clock.now() + DEADLINE;
        let (name, heard) = loop {
            assert!(clock.now() < deadline, "no request");
            if let Some(found) = owned.requests().unwrap().pop() {
                break found;
            }
            thread::yield_now();
        };
        assert_eq!(heard, request);
        let answers: Answers = [("a".into(), None), ("b".into(), Some("no task b".into()))].into();
        owned.answer(&name, &answers).unwrap();
        assert_eq!(asker.join().unwrap(), Some(answers));
        assert_eq!(owned.queue.requests.names().unwrap(), [], "nothing stays");
    }

    #[test]
    fn who_is_not_answered_takes_the_request_back() {
        let home = tempfile::tempdir().unwrap();
        let folders = TaskFolders::below(home.path().to_path_buf());
        let worker = ServiceName::new("marie");
        let Access::Free(mut owned) = take_for_a_moment(&folders, &worker).unwrap() else { panic!("nobody has it") };
        let request = Request { order: Order::Drop, ids: Vec::new() };
        let answer = ask_owner(&folders, &worker, &request, Clock::start(), Duration::from_millis(1));
        assert_eq!(answer.unwrap(), None);
        std::fs::write(folders.queue(&worker).join(".work/requests/x.json"), "garbage").unwrap();
        assert_eq!(owned.requests().unwrap(), []);
        assert_eq!(owned.queue.requests.names().unwrap(), [], "nothing stays");
    }
}
