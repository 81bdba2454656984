//! What the engine wants written, as files; and what came of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::desk::{Desk, Working};
use crate::domain::task::{
    Letter, Receipt, TaskEnd, TaskKeys, TaskResult, Trigger, UNROUTED, letter_json, raw_reason_json, receipt_json,
    result_json, tries_json, trigger_json,
};
use crate::domain::{ServiceName, TaskId, TaskStatus};
use crate::engine::tasks::{LetterWords, ResultOutcome, Subject, TaskEvent, TaskWrite, WriteResult};
use crate::process::Captured;
use crate::task_folder::{Contents, Trouble, letter_name};

impl Desk {
    pub(super) fn write(&mut self, worker: Option<ServiceName>, subject: Subject, write: TaskWrite) {
        let at = self.means.clock.both().1;
        let result = match (&worker, &subject) {
            (None, Subject::File(file)) => self.write_unrouted(file, &write, at),
            (None, Subject::Task(_)) => Ok(WriteResult::Missing),
            (Some(name), subject) => match self.working.get_mut(name) {
                Some(working) => working.write(name, subject, write, at),
                None => Ok(WriteResult::Missing),
            },
        };
        let result = result.unwrap_or_else(|trouble| WriteResult::Failed(trouble.to_string().into()));
        self.answer(TaskEvent::Written { worker, subject, result });
    }

    /// A dead letter for a file of `tasks/*.json`.
    fn write_unrouted(&mut self, file: &str, write: &TaskWrite, at: SystemTime) -> Result<WriteResult, Trouble> {
        let above = self.folders().map(|folders| folders.dlq.join(UNROUTED)).unwrap_or_default();
        let (TaskWrite::Letter(words), Some(hall)) = (write, self.places.hall()) else {
            return Ok(WriteResult::Missing);
        };
        let letter = letter_of(words, at);
        let Some((_, contents)) = hall.look(file) else { return Ok(WriteResult::Missing) };
        let name = match keys_of(&contents) {
            Some(keys) => Some(hall.bury(file, letter_json(&keys, &letter).as_bytes())?),
            None => hall.bury_raw(file, raw_reason_json(file, &letter).as_bytes())?,
        };
        Ok(buried(&above, name))
    }

    /// Writes a result beside its claim, since it cannot be published.
    pub(super) fn keep(&mut self, worker: &ServiceName, id: &TaskId, outcome: &ResultOutcome) {
        let at = self.means.clock.both().1;
        let Some(working) = self.working.get_mut(worker) else { return };
        let text = working.result(worker, id, outcome, at);
        if let Some(folder) = &mut working.folder
            && let Err(trouble) = folder.keep_result(id, outcome.status, text.as_bytes())
        {
            log::warn!("{trouble}");
        }
    }
}

impl Working {
    fn write(
        &mut self,
        worker: &ServiceName,
        subject: &Subject,
        write: TaskWrite,
        at: SystemTime,
    ) -> Result<WriteResult, Trouble> {
        let id = match subject {
            Subject::Task(id) => id,
            Subject::File(file) => return self.bury_waiting(worker, file, &write, at),
        };
        let output = match &write {
            TaskWrite::Result(outcome) => {
                let from_server = self.shared.as_ref().and_then(|shared| shared.result_of(id));
                Some(from_server.unwrap_or_else(|| self.result(worker, id, outcome, at).into_bytes()))
            }
            _ => None,
        };
        let Some(folder) = &mut self.folder else { return Ok(WriteResult::Missing) };
        let done = Ok(WriteResult::Done(None));
        match write {
            TaskWrite::Receipt { number, batch } => {
                let receipt = Receipt { id, worker, number, at, batch: batch.as_deref() };
                folder.receipt(id, receipt_json(&receipt).as_bytes())?;
                done
            }
            TaskWrite::Tries(note) => {
                let text = tries_json(&note, at);
                folder.note_tries(id, text.as_bytes())?;
                self.shared.iter_mut().for_each(|shared| shared.noted(id, &text));
                done
            }
            TaskWrite::Result(outcome) => {
                if outcome.status == TaskStatus::Cancelled {
                    self.cancelled.insert(id.clone());
                }
                // What a predecessor has kept holds what its try has printed.
                let is_published = !self.tries.contains_key(id) && folder.publish_kept(id)?;
                let is_new = is_published || folder.publish(id, &output.unwrap_or_default())?;
                if is_new { done } else { Ok(WriteResult::Existed) }
            }
            TaskWrite::Letter(words) => self.bury_claimed(worker, id, &words, at),
            // Of files that wait alone.
            TaskWrite::Burial { .. } => Ok(WriteResult::Missing),
            TaskWrite::Trigger { end, exit_code, retry_count, letter, batch } => {
                let (result, dlq_file, batch) = (folder.path_of_result(id), letter.as_deref(), batch.as_deref());
                let result_file = Some(result.as_str());
                let trigger = Trigger { end, id, worker, exit_code, retry_count, result_file, dlq_file, at, batch };
                folder.tell_end(id, trigger_json(&trigger).as_bytes())?;
                done
            }
            TaskWrite::Removal => {
                // One that was cancelled can be tried anew.
                folder.finish(id, self.cancelled.contains(id))?;
                self.is_over(id);
                self.shared.iter_mut().for_each(|shared| shared.is_done(id));
                done
            }
            TaskWrite::GiveBack { file, keep_tries } => {
                let file = folder.give_back(id, Some(&file), keep_tries)?;
                self.is_over(id);
                self.shared.iter_mut().for_each(|shared| shared.is_done(id));
                Ok(file.map_or(WriteResult::Missing, |file| WriteResult::Done(Some(file.into()))))
            }
        }
    }

    /// Nothing of a task is claimed any more.
    pub(super) fn is_over(&mut self, id: &TaskId) {
        self.tries.remove(id);
        self.claimed.remove(id);
        self.cancelled.remove(id);
    }

    pub(super) fn result(&self, worker: &ServiceName, id: &TaskId, outcome: &ResultOutcome, at: SystemTime) -> String {
        let nothing = (Captured::default(), Captured::default());
        let (output, errors) = self.tries.get(id).map_or(&nothing, |its| &its.output);
        result_json(&TaskResult {
            id,
            worker,
            status: outcome.status,
            exit_code: outcome.exit_code,
            stdout: &output.text,
            stderr: &errors.text,
            took: outcome.took,
            at,
            retry_count: outcome.retry_count,
            stdout_dropped: output.dropped,
            stderr_dropped: errors.dropped,
            batch: outcome.batch.as_deref(),
        })
    }

    /// Where its dead letters are.
    fn letters(&self, worker: &ServiceName) -> PathBuf {
        self.start.spec.worker.as_ref().map(|spec| spec.folders.dlq.join(worker.as_str())).unwrap_or_default()
    }

    fn bury_waiting(
        &mut self,
        worker: &ServiceName,
        file: &str,
        write: &TaskWrite,
        at: SystemTime,
    ) -> Result<WriteResult, Trouble> {
        let TaskWrite::Burial { words, ends_task, batch } = write else { return Ok(WriteResult::Missing) };
        // The task that ends by it, if one does, is told.
        let trigger = |path: &str| {
            let (id, batch) = (words.id.as_ref().filter(|_| *ends_task)?, batch.as_deref());
            let (end, dlq_file) = (TaskEnd::Dead, Some(path));
            let (exit_code, retry_count, result_file) = (None, 0, None);
            let told = Trigger { end, id, worker, exit_code, retry_count, result_file, dlq_file, at, batch };
            Some((id.clone(), trigger_json(&told)))
        };
        let (above, letter) = (self.letters(worker), letter_of(words, at));
        let Some(folder) = &mut self.folder else { return Ok(WriteResult::Missing) };
        let Some((_, contents)) = folder.look(file) else { return Ok(WriteResult::Missing) };
        let name = match keys_of(&contents) {
            Some(keys) => {
                let name = words.id.as_ref().map_or_else(|| letter_name(file), TaskId::as_str);
                Some(folder.bury(file, name, letter_json(&keys, &letter).as_bytes(), &trigger)?)
            }
            None => folder.bury_raw(file, raw_reason_json(file, &letter).as_bytes(), &trigger)?,
        };
        Ok(buried(&above, name))
    }

    fn bury_claimed(
        &mut self,
        worker: &ServiceName,
        id: &TaskId,
        words: &LetterWords,
        at: SystemTime,
    ) -> Result<WriteResult, Trouble> {
        let (above, letter) = (self.letters(worker), letter_of(words, at));
        let Some(folder) = &mut self.folder else { return Ok(WriteResult::Missing) };
        let Some((_, contents)) = folder.claimed(id) else { return Ok(WriteResult::Missing) };
        let name = match keys_of(&contents) {
            Some(keys) => Some(folder.bury_claimed(id, letter_json(&keys, &letter).as_bytes())?),
            None => folder.bury_claimed_raw(id, raw_reason_json(&format!("{id}.json"), &letter).as_bytes())?,
        };
        Ok(buried(&above, name))
    }
}

pub(super) fn letter_of(words: &LetterWords, at: SystemTime) -> Letter<'_> {
    Letter {
        reason: words.reason,
        at,
        retry_count: words.retry_count,
        detail: &words.detail,
        last_exit_code: words.last_exit_code,
    }
}

/// All that a file says, if it is JSON.
pub(super) fn keys_of(contents: &Contents) -> Option<TaskKeys> {
    match contents {
        Contents::Bytes(bytes) => TaskKeys::parse(bytes).ok(),
        Contents::TooLarge | Contents::Unreadable(_) => None,
    }
}

fn buried(above: &Path, name: Option<String>) -> WriteResult {
    let path = |name: String| Arc::from(above.join(name).to_string_lossy());
    name.map_or(WriteResult::Missing, |name| WriteResult::Done(Some(path(name))))
}
