//! What is claimed in a folder that has just become ours: nobody works it off any more.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::check::check;
use super::listing::LARGEST_TASK;
use super::names::{ENDING, Work};
use super::outcomes::{self, Outcome};
use super::owned::Owned;
use super::trouble::Trouble;
use crate::domain::task::{read_result, read_tries};
use crate::domain::{FoundClaim, LastTry, TaskHome, TaskId, TaskStatus};

impl Owned {
    /// All that is claimed, by its time of arrival. Finishes first what a `retry` has begun. `longest`: the longest wait
    /// between two tries.
    ///
    /// # Errors
    /// A folder cannot be listed, or read, or a task cannot be moved.
    pub fn claims(
        &mut self,
        home: TaskHome<'_>,
        now: SystemTime,
        longest: Duration,
    ) -> Result<Vec<FoundClaim>, Trouble> {
        self.finish_generations()?;
        let names: Vec<OsString> = self.queue.work.files()?.collect();
        let mut claims = Vec::new();
        for name in names {
            match Work::parse(&name) {
                Some((id, Work::Task)) => claims.extend(self.found(id, &name, home, now, longest)?),
                // What the predecessor could not write is gone with it: nobody knows how that task has ended.
                Some((_, Work::Unwritten(_))) => {
                    self.queue.work.remove(&name)?;
                }
                // A copy: the server hands the task to somebody else.
                Some((_, Work::Leased)) => drop(self.queue.work.remove(&name)?),
                _ => {}
            }
        }
        claims.sort_unstable_by(|a: &FoundClaim, b| (a.stamp.modified, &a.id).cmp(&(b.stamp.modified, &b.id)));
        Ok(claims)
    }

    fn found(
        &mut self,
        id: TaskId,
        name: &OsStr,
        home: TaskHome<'_>,
        now: SystemTime,
        longest: Duration,
    ) -> Result<Option<FoundClaim>, Trouble> {
        let Some((stamp, contents)) = self.queue.work.look(name, LARGEST_TASK) else { return Ok(None) };
        let noted = self.tries(&id)?.and_then(|bytes| read_tries(&bytes, now, longest));
        let (file, tries) = noted.map_or((None, None), |noted| (noted.file, Some(noted.tries)));
        let file = file.unwrap_or_else(|| Arc::from(format!("{id}{ENDING}")));
        let found = check(&file, contents, home).map(|task| task.head);
        let status_of = |result: Outcome| TaskStatus::parse(&result.word).unwrap_or(TaskStatus::Failed);
        let result = self.outcome(&id)?.map(status_of);
        let kept = self.queue.work.read(OsStr::new(&Work::Kept.file(&id)), outcomes::LARGEST_RESULT)?;
        let kept = kept.and_then(|bytes| read_result(&bytes)).map(|kept| LastTry {
            status: kept.status,
            exit_code: kept.exit_code,
            why: kept.status.word().into(),
        });
        let letter = outcomes::letter_of(self.outlets.letters.in_place()?, &id)?;
        // What is claimed becomes a dead letter by its tries only. One that is older than the claim is of another task of
        // this id, and one with another reason of another file.
        let is_its = |letter: &Outcome| {
            letter.is_of_tries() && self.queue.work.came(name).is_some_and(|came| came <= letter.stamp.modified)
        };
        let letter = letter.filter(|(_, letter)| is_its(letter)).map(|(file, _)| self.path_of_letter(&file).into());
        Ok(Some(FoundClaim { id, file, stamp, found, tries, result, kept, letter }))
    }

    /// The result of a task, if there is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn outcome(&mut self, id: &TaskId) -> Result<Option<Outcome>, Trouble> {
        outcomes::result_of(self.outlets.results.in_place()?, format!("{id}{ENDING}").as_ref())
    }

    /// The names of all results: for a listing, in which each would have to be asked for.
    ///
    /// # Errors
    /// The folder of results cannot be opened, made or listed.
    pub fn ids_with_result(&mut self) -> Result<HashSet<String>, Trouble> {
        let names = self.outlets.results.in_place()?.files()?;
        Ok(names.filter_map(|name| Some(name.to_str()?.strip_suffix(ENDING)?.to_owned())).collect())
    }

    /// Whether a task has a result: without reading it.
    ///
    /// # Errors
    /// The folder of results cannot be opened or made.
    pub fn has_result(&mut self, id: &TaskId) -> Result<bool, Trouble> {
        Ok(self.outlets.results.in_place()?.has(format!("{id}{ENDING}").as_ref()))
    }
}
