//! `task retry`: a task that has ended badly begins a new generation. Its result and its dead letter move into `.work/`,
//! and it waits again.
//!
//! The order, so that a crash at any place loses nothing:
//! 1. `.work/<id>.<n>.retry.json` is put: the task as it came, without what its dead letter says behind it. From here on
//!    the retry is decided, and whoever owns the folder next goes on with 2.
//! 2. The result moves to `.work/<id>.<n>.result.json`: while it is there, the task would be refused as done already.
//! 3. The dead letter moves to `.work/<id>.<n>.dead.json`.
//! 4. `.work/<id>.<n>.retry.json` moves to those that wait. Only now can it be claimed.
//!
//! What a step would move may have been moved already: the number says which generation it was.

use std::ffi::{OsStr, OsString};

use serde::Serializer as _;

use super::folder::Moved;
use super::letters::{self, LARGEST_LETTER, RAW, REASON};
use super::names::{ENDING, Work, name_of, numbered};
use super::outcomes;
use super::owned::Owned;
use super::trouble::Trouble;
use crate::domain::TaskId;
use crate::domain::task::TaskKeys;

/// What a dead letter says behind the keys of its task.
const OF_LETTERS: [&str; 5] = ["dlq_reason", "dlq_timestamp", "retry_count", "dlq_detail", "last_exit_code"];

/// What became of a retry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It waits again, as this file.
    Waits(String),
    /// There is neither a dead letter nor a cancelled task of that id.
    Nothing,
}

impl Owned {
    /// Begins a new generation of a task that is dead or was cancelled.
    ///
    /// # Errors
    /// A file cannot be read, written or moved. What has begun is finished by the next owner, or the next call.
    pub fn retry(&mut self, id: &TaskId) -> Result<Retried, Trouble> {
        let letter = outcomes::letter_of(self.outlets.letters.in_place()?, id)?;
        let cancelled = Work::Cancelled.file(id);
        let task = match &letter {
            Some((file, _)) => self.outlets.letters.in_place()?.read(OsStr::new(file), LARGEST_LETTER)?,
            None => self.queue.work.read(OsStr::new(&cancelled), LARGEST_LETTER)?,
        };
        let Some(task) = task.and_then(|bytes| without_letter(&bytes)) else {
            return Ok(self.retry_raw(id)?.map_or(Retried::Nothing, Retried::Waits));
        };
        let number = self.next_generation(id)?;
        self.queue.work.put_new(OsStr::new(&Work::Retry(number).file(id)), &task)?;
        let waits = self.finish_generation(id, number)?;
        self.queue.work.remove(OsStr::new(&cancelled))?;
        Ok(waits.map_or(Retried::Nothing, Retried::Waits))
    }

    /// A file that is no JSON waits again as it is: somebody may have mended it.
    fn retry_raw(&mut self, id: &TaskId) -> Result<Option<String>, Trouble> {
        let letters = self.outlets.letters.in_place()?;
        let (raw, reason) = (format!("{id}{RAW}"), format!("{id}{REASON}"));
        if letters.stamp(OsStr::new(&raw)).is_none() {
            return Ok(None);
        }
        let numbers = (1..).map(|number| numbered(id.as_str(), number) + ENDING);
        for file in numbers {
            match letters.move_to(OsStr::new(&raw), &self.queue.waiting, &name_of(&file))? {
                Moved::Done => {
                    letters.remove(OsStr::new(&reason))?;
                    return Ok(Some(file));
                }
                Moved::Gone => break,
                Moved::Taken => {}
            }
        }
        Ok(None)
    }

    /// Goes on with all retries that have begun.
    pub(super) fn finish_generations(&mut self) -> Result<(), Trouble> {
        let names: Vec<OsString> = self.queue.work.files()?.collect();
        for name in names {
            if let Some((id, Work::Retry(number))) = Work::parse(&name) {
                self.finish_generation(&id, number)?;
                self.queue.work.remove(OsStr::new(&Work::Cancelled.file(&id)))?;
            }
        }
        Ok(())
    }

    /// Steps 2 to 4.
    fn finish_generation(&mut self, id: &TaskId, number: u32) -> Result<Option<String>, Trouble> {
        let work = &self.queue.work;
        let (result, dead) = (Work::Result(number).file(id), Work::Dead(number).file(id));
        let name = format!("{id}{ENDING}");
        // Taken: it was moved before, and what is there now is none of this generation.
        self.outlets.results.put(|results| results.move_to(OsStr::new(&name), work, OsStr::new(&result)))?;
        if work.stamp(OsStr::new(&dead)).is_none()
            && let Some((file, _)) = outcomes::letter_of(self.outlets.letters.in_place()?, id)?
        {
            self.outlets.letters.put(|letters| letters.move_to(OsStr::new(&file), work, OsStr::new(&dead)))?;
        }
        // What was tried is of the old generation.
        work.remove(OsStr::new(&Work::Tries.file(id)))?;
        let retry = Work::Retry(number).file(id);
        self.put_back(work, OsStr::new(&retry), id, Some(&name))
    }

    /// The first number of which there is nothing.
    fn next_generation(&self, id: &TaskId) -> Result<u32, Trouble> {
        let mut last = 0;
        for name in self.queue.work.files()? {
            match Work::parse(&name) {
                Some((of, Work::Result(number) | Work::Dead(number) | Work::Retry(number))) if of == *id => {
                    last = last.max(number);
                }
                _ => {}
            }
        }
        Ok(last.saturating_add(1))
    }

    /// Removes all that is left of a task which neither waits nor is claimed: result, dead letters, earlier generations.
    /// Its id is free then. Dead letters of second files with its id are other tasks, and stay. False if there was nothing.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn forget(&mut self, id: &TaskId) -> Result<bool, Trouble> {
        let mut any = false;
        let letters = self.outlets.letters.in_place()?;
        any |= letters.remove(OsStr::new(&format!("{id}{RAW}")))?;
        letters.remove(OsStr::new(&format!("{id}{REASON}")))?;
        let own = outcomes::letters_of(letters, id)?.into_iter().filter(|(_, letter)| !letter.is_of_another_file());
        for (name, _) in own {
            any |= letters.remove(OsStr::new(&name))?;
        }
        let names: Vec<OsString> = self.queue.work.files()?.collect();
        for name in names {
            match Work::parse(&name) {
                Some((of, work)) if of == *id && work != Work::Task => any |= self.queue.work.remove(&name)?,
                _ => {}
            }
        }
        any |= self.outlets.results.put(|results| results.remove(OsStr::new(&format!("{id}{ENDING}"))))?;
        Ok(any)
    }

    /// Removes one dead letter, by the name of its file. False if it is gone already.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget_letter(&mut self, file: &str) -> Result<bool, Trouble> {
        letters::remove(self.outlets.letters.in_place()?, file)
    }
}

/// A task as it came: what its letter says behind it is left out.
pub(super) fn without_letter(bytes: &[u8]) -> Option<Vec<u8>> {
    let keys = TaskKeys::parse(bytes).ok()?;
    let own = keys.iter().filter(|(key, _)| !OF_LETTERS.contains(key));
    let mut text = Vec::new();
    serde_json::Serializer::new(&mut text).collect_map(own).ok()?;
    Some(text)
}
