//! Letters whose files are still there: a burial is several steps, and after a crash, or a failure, between them the file
//! is found again. It gets no second letter then. Another file with the same fault does.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::time::SystemTime;

use super::layout::Outlet;
use super::letters::{self, LARGEST_LETTER};
use super::names::{ENDING, numbered};
use super::trouble::Trouble;
use crate::domain::task::TaskKeys;
use crate::domain::{DeadReason, FileStamp};

/// The key of the reason.
const REASON: &str = "dlq_reason";

/// What is known of burials that may not be finished.
#[derive(Debug, Default)]
pub(super) struct Burials {
    /// Files that we could not remove, as they were then, with their letters.
    begun: HashMap<String, (Option<FileStamp>, String)>,
    /// When the folder became ours: the predecessor may have left files of which it had written the letters by then.
    owned_since: Option<SystemTime>,
    /// Of these it is known whose they are.
    told_apart: HashSet<String>,
}

impl Burials {
    /// The predecessor has written nothing since then.
    pub(super) fn since(then: SystemTime) -> Self {
        Self { owned_since: Some(then), ..Self::default() }
    }

    /// Puts a letter for a file that came then and is like that, if it has none yet. Returns its name.
    pub(super) fn bury(
        &mut self,
        letters: &mut Outlet,
        file: &str,
        (came, stamp): (Option<SystemTime>, Option<FileStamp>),
        name: &str,
        letter: &[u8],
    ) -> Result<String, Trouble> {
        if let Some((_, buried)) = self.begun.get(file) {
            return Ok(buried.clone());
        }
        let buried = match self.of_predecessor(letters, came, name, letter)? {
            Some(buried) => {
                self.told_apart.insert(buried.clone());
                buried
            }
            None => letters::bury(letters, name, letter)?,
        };
        self.begun.insert(file.to_owned(), (stamp, buried.clone()));
        Ok(buried)
    }

    /// Whether a file is still the one whose letter was put, and not another one that has its name now.
    pub(super) fn is_the_same(&self, file: &str, stamp: Option<FileStamp>) -> bool {
        self.begun.get(file).is_some_and(|(then, _)| *then == stamp)
    }

    /// The file is gone.
    pub(super) fn is_over(&mut self, file: &str) {
        self.begun.remove(file);
    }

    /// A letter of the same task and of a reason that this one may have been, written after the file came and before we did.
    fn of_predecessor(
        &self,
        letters: &mut Outlet,
        came: Option<SystemTime>,
        name: &str,
        letter: &[u8],
    ) -> Result<Option<String>, Trouble> {
        let (Some(before), Some(came)) = (self.owned_since, came) else { return Ok(None) };
        let folder = letters.in_place()?;
        for number in 1.. {
            let file = numbered(name, number) + ENDING;
            let Some(stamp) = folder.stamp(OsStr::new(&file)) else { break };
            let may_be_its = (came..=before).contains(&stamp.modified) && !self.told_apart.contains(&file);
            if may_be_its
                && let Some(found) = folder.read(OsStr::new(&file), LARGEST_LETTER)?
                && is_of_the_same(&found, letter)
            {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }
}

/// Whether both letters may be of one file: how the reason is told depends on what has happened meanwhile.
fn is_of_the_same(before: &[u8], now: &[u8]) -> bool {
    let (Ok(before), Ok(now)) = (TaskKeys::parse(before), TaskKeys::parse(now)) else { return false };
    let (Some(was), Some(is)) = (reason_of(&before), reason_of(&now)) else { return false };
    is.may_have_been(was) && words_of(&before).eq(words_of(&now))
}

fn reason_of(letter: &TaskKeys) -> Option<DeadReason> {
    let (_, reason) = letter.iter().find(|(key, _)| *key == REASON)?;
    DeadReason::parse(reason.get().trim_matches('"'))
}

/// What a letter says, without when and why.
fn words_of(letter: &TaskKeys) -> impl Iterator<Item = (&str, &str)> {
    let words = letter.iter().filter(|(key, _)| ![REASON, "dlq_timestamp", "dlq_detail"].contains(key));
    words.map(|(key, value)| (key, value.get()))
}
