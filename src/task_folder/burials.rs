//! Letters whose files are still there: a burial is two steps, and after a crash, or a failure, between them the file is
//! found again. It gets no second letter then. Another file with the same fault does.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::time::SystemTime;

use super::layout::Outlet;
use super::letters::{self, LARGEST_LETTER};
use super::names::{ENDING, numbered};
use super::trouble::Trouble;
use crate::domain::task::TaskKeys;

/// What is known of burials that may not be finished.
#[derive(Debug, Default)]
pub(super) struct Burials {
    /// Files with their letters, of which we could not remove the file.
    begun: HashMap<String, String>,
    /// The predecessor was ended in the middle of something: letters until then may be of files that are still there.
    crashed_before: Option<SystemTime>,
    /// Of these it is known whose they are.
    told_apart: HashSet<String>,
}

impl Burials {
    /// The predecessor was ended, at the latest then.
    pub(super) fn after_crash(then: SystemTime) -> Self {
        Self { crashed_before: Some(then), ..Self::default() }
    }

    /// Puts a letter for a file that came then, if it has none yet. Returns its name.
    pub(super) fn bury(
        &mut self,
        letters: &mut Outlet,
        file: &str,
        came: Option<SystemTime>,
        name: &str,
        letter: &[u8],
    ) -> Result<String, Trouble> {
        if let Some(buried) = self.begun.get(file) {
            return Ok(buried.clone());
        }
        let buried = match self.of_predecessor(letters, came, name, letter)? {
            Some(buried) => {
                self.told_apart.insert(buried.clone());
                buried
            }
            None => letters::bury(letters, name, letter)?,
        };
        self.begun.insert(file.to_owned(), buried.clone());
        Ok(buried)
    }

    /// The file is gone.
    pub(super) fn is_over(&mut self, file: &str) {
        self.begun.remove(file);
    }

    /// A letter that says the same, but for its time, and was written after the file came and before we did.
    fn of_predecessor(
        &self,
        letters: &mut Outlet,
        came: Option<SystemTime>,
        name: &str,
        letter: &[u8],
    ) -> Result<Option<String>, Trouble> {
        let (Some(before), Some(came)) = (self.crashed_before, came) else { return Ok(None) };
        let folder = letters.in_place()?;
        for number in 1.. {
            let file = numbered(name, number) + ENDING;
            let Some(stamp) = folder.stamp(OsStr::new(&file)) else { break };
            let may_be_its = (came..=before).contains(&stamp.modified) && !self.told_apart.contains(&file);
            if may_be_its
                && let Some(found) = folder.read(OsStr::new(&file), LARGEST_LETTER)?
                && words_of(&found).is_some_and(|words| Some(words) == words_of(letter))
            {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }
}

/// What a letter says, without its time.
fn words_of(letter: &[u8]) -> Option<Vec<(String, String)>> {
    let keys = TaskKeys::parse(letter).ok()?;
    let words = keys.iter().filter(|(key, _)| *key != "dlq_timestamp");
    Some(words.map(|(key, value)| (key.to_owned(), value.get().to_owned())).collect())
}
