//! Dead letters: `dlq/<worker>/`, and `dlq/unrouted/` for tasks that are for nobody.
//!
//! A letter of a task is `<id>.json`, the second one of an id `<id>.2.json`. What is no JSON stays as it came, as
//! `<name>.raw`, and why is beside it, as `<name>.reason.json`. The reason is there first: it takes the number, and a
//! crash between the two leaves a reason without a file, whose number is used again.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::time::{Duration, SystemTime};

use super::folder::{Folder, Moved};
use super::layout::{Outlet, Outlets};
use super::listing::LARGEST_TASK;
use super::names::{ENDING, Work, name_of, numbered, stem_of, text_of};
use super::owned::{Owned, put_end};
use super::trouble::Trouble;
use crate::domain::{TaskId, path_text};

pub(super) const RAW: &str = ".raw";
pub(super) const REASON: &str = ".reason.json";

/// A letter holds its task and what is said of it.
pub(super) const LARGEST_LETTER: u64 = LARGEST_TASK + (64 << 10);

/// So many numbers are tried one after the other, before one looks which there are.
const TRIES: u32 = 16;

/// The trigger of a task that ends by its letter, from the path of that; `None` if no task does.
pub type EndTold<'a> = &'a dyn Fn(&str) -> Option<(TaskId, String)>;

impl Owned {
    /// Makes a dead letter of a file that waits and is JSON: first the letter, then the trigger, then the file goes. Its
    /// name is the id, or, where there is none, that of the file (`letter_name`). Returns its path. What our predecessor
    /// had buried and not removed is not buried twice.
    ///
    /// # Errors
    /// The letter cannot be written, of which nothing stays; or the trigger cannot be, or the file cannot be removed: then
    /// the same is asked again.
    pub fn bury(&mut self, file: &str, name: &str, letter: &[u8], told: EndTold<'_>) -> Result<String, Trouble> {
        let waiting = name_of(file);
        let found = (self.queue.waiting.came(&waiting), self.queue.waiting.stamp(&waiting));
        let buried = self.burials.bury(&mut self.outlets.letters, file, found, name, letter)?;
        let path = self.path_of_letter(&buried);
        if let Some((id, trigger)) = told(&path) {
            self.tell_end(&id, trigger.as_bytes())?;
        }
        // Another file of this name may have come while something could not be written.
        if self.burials.is_the_same(file, self.queue.waiting.stamp(&waiting)) {
            self.queue.waiting.remove(&waiting)?;
        }
        self.burials.is_over(file);
        Ok(path)
    }

    /// Makes a dead letter of a claimed task. The claim stays until it is finished. Returns its path.
    ///
    /// # Errors
    /// The letter cannot be written. Nothing of it stays.
    pub fn bury_claimed(&mut self, id: &TaskId, letter: &[u8]) -> Result<String, Trouble> {
        let task = Work::Task.file(id);
        let found = (self.queue.work.came(OsStr::new(&task)), None);
        let buried = self.burials.bury(&mut self.outlets.letters, &task, found, id.as_str(), letter)?;
        Ok(self.path_of_letter(&buried))
    }

    /// Makes a dead letter of a file that waits and is no JSON: it is moved as it is, after the trigger. Returns its path
    /// there, and `None` if it is gone already.
    ///
    /// # Errors
    /// A file cannot be written or moved.
    pub fn bury_raw(&mut self, file: &str, reason: &[u8], told: EndTold<'_>) -> Result<Option<String>, Trouble> {
        let (Outlets { letters, ends, .. }, worker) = (&mut self.outlets, &self.worker);
        let before = |letter: &str| match told(letter) {
            Some((id, trigger)) => put_end(ends, worker, &id, trigger.as_bytes()),
            None => Ok(()),
        };
        let buried = bury_raw(letters, (&self.queue.waiting, &name_of(file)), stem_of(file), reason, before)?;
        Ok(buried.map(|buried| self.path_of_letter(&buried)))
    }

    /// The same for what was claimed, and is no JSON any more. The claim is gone then.
    ///
    /// # Errors
    /// A file cannot be written or moved.
    pub fn bury_claimed_raw(&mut self, id: &TaskId, reason: &[u8]) -> Result<Option<String>, Trouble> {
        let task = Work::Task.file(id);
        let letters = &mut self.outlets.letters;
        let buried = bury_raw(letters, (&self.queue.work, OsStr::new(&task)), id.as_str(), reason, |_| Ok(()))?;
        Ok(buried.map(|buried| self.path_of_letter(&buried)))
    }

    /// Where a letter is.
    pub(super) fn path_of_letter(&self, file: &str) -> String {
        self.outlets.letters.path_of(file)
    }

    /// How many dead letters there are. The folder is only listed if something has changed in it.
    pub fn count_letters(&mut self, now: SystemTime) -> usize {
        self.outlets.letters.in_place().map_or(0, |folder| self.counted.count(folder, now))
    }
}

/// A change that is younger than this may not be the last one with its time: the clocks of file systems are coarse.
const SAME_TIME: Duration = Duration::from_secs(2);

/// Which folder it is, and when a file last came into it or left it.
type FolderState = ((u64, u64), SystemTime);

/// How many letters there were in a folder, and what it was like then.
#[derive(Debug, Default)]
pub(super) struct Counted(Option<(FolderState, usize)>);

impl Counted {
    fn count(&mut self, folder: &Folder, now: SystemTime) -> usize {
        let state = folder.state();
        if let (Some(state), Some((before, count))) = (state, self.0)
            && state == before
        {
            return count;
        }
        let count = count(folder);
        let is_settled = |state: &FolderState| now.duration_since(state.1).is_ok_and(|age| age > SAME_TIME);
        self.0 = state.filter(is_settled).map(|state| (state, count));
        count
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

/// Removes a letter, with the reason beside it. False if it is gone already.
pub(super) fn remove(letters: &Folder, file: &str) -> Result<bool, Trouble> {
    let any = letters.remove(&name_of(file))?;
    if let Some(stem) = file.strip_suffix(RAW) {
        letters.remove(&name_of(&format!("{stem}{REASON}")))?;
    }
    Ok(any)
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

/// Moves a file under the first number that is free, its reason first. `before` is called with the path that it will have,
/// just before that.
pub(super) fn bury_raw(
    letters: &mut Outlet,
    (from, file): (&Folder, &OsStr),
    stem: &str,
    reason: &[u8],
    mut before: impl FnMut(&str) -> Result<(), Trouble>,
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
            before(&path_text(&folder.path().join(&raw)))?;
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

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;
    use crate::task_folder::folder::Links;

    #[test]
    fn letters_are_counted_again_only_if_their_folder_has_changed() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(home.path().to_path_buf(), Links::Follow).unwrap();
        let path = |name: &str| home.path().join(name);
        let set_time = |ago: u64| {
            let time = SystemTime::now() - Duration::from_secs(ago);
            File::open(home.path()).unwrap().set_modified(time).unwrap();
        };
        let mut counted = Counted::default();
        fs::write(path("a.json"), "{}").unwrap();
        assert_eq!(counted.count(&folder, SystemTime::now()), 1);
        assert!(counted.0.is_none(), "it has just changed, and may change again within the same time");
        set_time(10);
        assert_eq!(counted.count(&folder, SystemTime::now()), 1);
        assert!(counted.0.is_some());
        // Nobody could see this: so the folder is not listed again.
        let (state, _) = counted.0.unwrap();
        counted.0 = Some((state, 7));
        assert_eq!(counted.count(&folder, SystemTime::now()), 7);
        for name in ["b.json", "c.raw", "c.reason.json"] {
            fs::write(path(name), "{}").unwrap();
        }
        assert_eq!(counted.count(&folder, SystemTime::now()), 3);
        // Another folder of the same time is another folder.
        set_time(20);
        assert_eq!(counted.count(&folder, SystemTime::now()), 3);
        let other = tempfile::tempdir().unwrap();
        let time = folder.state().unwrap().1;
        File::open(other.path()).unwrap().set_modified(time).unwrap();
        assert_eq!(
            counted.count(&Folder::open(other.path().to_path_buf(), Links::Follow).unwrap(), SystemTime::now()),
            0
        );
    }
}
