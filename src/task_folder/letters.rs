//! Dead letters: `dlq/<worker>/`, and `dlq/unrouted/` for tasks that are for nobody.
//!
//! A letter of a task is `<id>.json`, the second one of an id `<id>.2.json`. What is no JSON stays as it came, as
//! `<name>.raw`, and why is beside it, as `<name>.reason.json`. The reason is there first: it takes the number, and a
//! crash between the two leaves a reason without a file, whose number is used again.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};

use super::folder::{Folder, Moved};
use super::layout::Outlet;
use super::listing::LARGEST_TASK;
use super::names::{ENDING, Work, name_of, numbered, stem_of, text_of};
use super::owned::Owned;
use super::trouble::Trouble;
use crate::domain::TaskId;

pub(super) const RAW: &str = ".raw";
pub(super) const REASON: &str = ".reason.json";

/// A letter holds its task and what is said of it.
pub(super) const LARGEST_LETTER: u64 = LARGEST_TASK + (64 << 10);

/// So many numbers are tried one after the other, before one looks which there are.
const TRIES: u32 = 16;

impl Owned {
    /// Makes a dead letter of a file that waits and is JSON: first the letter, then the file goes. Its name is the id, or,
    /// where there is none, that of the file (`letter_name`). Returns its path. What our predecessor had buried
    /// and not removed is not buried twice.
    ///
    /// # Errors
    /// The letter cannot be written, of which nothing stays; or the file cannot be removed: then the same is asked again.
    pub fn bury(&mut self, file: &str, name: &str, letter: &[u8]) -> Result<String, Trouble> {
        let waiting = name_of(file);
        let came = self.queue.waiting.came(&waiting);
        let buried = self.burials.bury(&mut self.outlets.letters, file, came, name, letter)?;
        self.queue.waiting.remove(&waiting)?;
        self.burials.is_over(file);
        Ok(self.path_of_letter(&buried))
    }

    /// Makes a dead letter of a claimed task. The claim stays until it is finished. Returns its path.
    ///
    /// # Errors
    /// The letter cannot be written. Nothing of it stays.
    pub fn bury_claimed(&mut self, id: &TaskId, letter: &[u8]) -> Result<String, Trouble> {
        let task = Work::Task.file(id);
        let came = self.queue.work.came(OsStr::new(&task));
        let buried = self.burials.bury(&mut self.outlets.letters, &task, came, id.as_str(), letter)?;
        Ok(self.path_of_letter(&buried))
    }

    /// Makes a dead letter of a file that waits and is no JSON: it is moved as it is. Returns its path there, and `None`
    /// if it is gone already.
    ///
    /// # Errors
    /// A file cannot be written or moved.
    pub fn bury_raw(&mut self, file: &str, reason: &[u8]) -> Result<Option<String>, Trouble> {
        let buried = bury_raw(&mut self.outlets.letters, &self.queue.waiting, &name_of(file), stem_of(file), reason)?;
        Ok(buried.map(|buried| self.path_of_letter(&buried)))
    }

    /// The same for what was claimed, and is no JSON any more. The claim is gone then.
    ///
    /// # Errors
    /// A file cannot be written or moved.
    pub fn bury_claimed_raw(&mut self, id: &TaskId, reason: &[u8]) -> Result<Option<String>, Trouble> {
        let task = Work::Task.file(id);
        let letters = &mut self.outlets.letters;
        let buried = bury_raw(letters, &self.queue.work, OsStr::new(&task), id.as_str(), reason)?;
        Ok(buried.map(|buried| self.path_of_letter(&buried)))
    }

    /// Where a letter is.
    pub(super) fn path_of_letter(&self, file: &str) -> String {
        self.outlets.letters.path_of(file)
    }

    /// How many dead letters there are.
    pub fn count_letters(&mut self) -> usize {
        self.outlets.letters.in_place().map_or(0, count)
    }
}

/// How many there are in a folder.
pub(super) fn count(folder: &Folder) -> usize {
    folder.files().map_or(0, |files| files.filter(|name| is_letter(&text_of(name))).count())
}

/// Whether a file is a letter, and not the reason of one.
pub(super) fn is_letter(file: &str) -> bool {
    !file.starts_with('.') && (file.ends_with(RAW) || file.ends_with(ENDING) && !file.ends_with(REASON))
}

/// Puts a letter under the first number that is free.
pub(super) fn bury(letters: &mut Outlet, name: &str, letter: &[u8]) -> Result<String, Trouble> {
    letters.put(|folder| {
        let mut used: Option<HashSet<OsString>> = None;
        let mut number = 1;
        loop {
            let file = numbered(name, number) + ENDING;
            let file = name_of(&file);
            let is_used = used.as_ref().is_some_and(|used| used.contains(&*file));
            if !is_used && folder.put_new(&file, letter)? {
                return Ok(text_of(&file).into_owned());
            }
            number += 1;
            if number == TRIES {
                used = Some(folder.files()?.collect());
            }
        }
    })
}

/// Moves a file under the first number that is free, its reason first.
pub(super) fn bury_raw(
    letters: &mut Outlet,
    from: &Folder,
    file: &OsStr,
    stem: &str,
    reason: &[u8],
) -> Result<Option<String>, Trouble> {
    letters.put(|folder| {
        let mut number = 1;
        loop {
            let stem = numbered(stem, number);
            number += 1;
            let (raw, why) = (stem.clone() + RAW, stem + REASON);
            let (raw, why) = (name_of(&raw), name_of(&why));
            if folder.stamp(&raw).is_some() {
                continue;
            }
            // One that is there without its file is of a burial that was not finished.
            folder.replace(&why, reason)?;
            match from.move_to(file, folder, &raw) {
                Ok(Moved::Done) => return Ok(Some(text_of(&raw).into_owned())),
                Ok(Moved::Taken) => {}
                gone => {
                    folder.remove(&why)?;
                    return gone.map(|_| None);
                }
            }
        }
    })
}
