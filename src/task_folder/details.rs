//! All that is known of one task, for people.

use std::sync::Arc;
use std::time::SystemTime;

use serde::Serializer as _;

use super::check::check;
use super::folder::{Contents, Folder};
use super::letters::{LARGEST_LETTER, RAW, REASON};
use super::listing::{self, LARGEST_TASK};
use super::names::{ENDING, Work};
use super::outcomes::{self, LARGEST_RESULT, Outcome};
use super::outside::dependency;
use super::table::{Listed, Reader, letter_row};
use crate::domain::task::{TaskKeys, read_result};
use crate::domain::{DependencyState, TaskDetails, TaskFolders, TaskHead, TaskId, TaskRefusal, TaskRow, TaskText};

/// All that is known of a task; `None` if there is none of that id.
pub fn details(folders: &TaskFolders, listed: &Listed, id: &TaskId, now: SystemTime) -> Option<TaskDetails> {
    let reader = Reader { folders, listed, now };
    let name = format!("{id}{ENDING}");
    let mut texts = Vec::new();
    let result = reader.results().and_then(|results| results.read(name.as_ref(), LARGEST_RESULT).ok().flatten());
    // One that could not be published lies beside the claim.
    let kept = || reader.work()?.read(Work::Kept.file(id).as_ref(), LARGEST_RESULT).ok().flatten();
    let result = result.or_else(kept);
    // With a result it has ended: its claim goes next.
    let of_result = |row| head_of_result(&reader, id).map_or(row, |result| reader.result_row(id, &result));
    let row = claimed(&reader, id, &mut texts)
        .map(of_result)
        .or_else(|| waiting(&reader, id, &mut texts))
        .or_else(|| ended(&reader, id, &mut texts))?;
    if let Some(bytes) = result {
        texts.extend(text("result", &bytes, &["stdout", "stderr"]));
        if let Some(result) = read_result(&bytes) {
            texts.extend(output("stdout", result.stdout));
            texts.extend(output("stderr", result.stderr));
        }
    }
    Some(TaskDetails { row, texts })
}

fn claimed(reader: &Reader<'_>, id: &TaskId, texts: &mut Vec<TaskText>) -> Option<TaskRow> {
    let work = reader.work()?;
    let row = reader.claim_row(&work, id)?;
    texts.extend(file_text("task", &work, &Work::Task.file(id)));
    texts.extend(file_text("tries", &work, &Work::Tries.file(id)));
    Some(row)
}

/// Mostly a file has the name of its id; if not, all are looked at.
fn waiting(reader: &Reader<'_>, id: &TaskId, texts: &mut Vec<TaskText>) -> Option<TaskRow> {
    let queue = reader.queue()?;
    let home = reader.listed.home();
    let head = |file: &str, contents| check(file, contents, home).map(|task| task.head);
    let is_it = |found: &Result<TaskHead, TaskRefusal>| match found {
        Ok(head) => head.id == *id,
        Err(refusal) => refusal.id.as_ref() == Some(id),
    };
    let name = format!("{id}{ENDING}");
    let near =
        queue.look(name.as_ref(), LARGEST_TASK).map(|(stamp, contents)| (name.clone(), stamp, head(&name, contents)));
    let (file_name, stamp, found) = near.filter(|(_, _, found)| is_it(found)).or_else(|| {
        let seen = listing::list(&queue, head).ok()?.into_iter().find(|seen| is_it(&seen.found))?;
        Some((seen.file.to_string(), seen.stamp, seen.found))
    })?;
    texts.extend(file_text("task", &queue, &file_name));
    let is_unmet = |id: &TaskId| dependency(reader.folders, reader.worker(), id) != DependencyState::Completed;
    Some(reader.waiting_row(&file_name, stamp, found, is_unmet))
}

fn ended(reader: &Reader<'_>, id: &TaskId, texts: &mut Vec<TaskText>) -> Option<TaskRow> {
    let letters = reader.letters();
    let of_letter = letters.as_ref().and_then(|letters| {
        // Those of second files with its id are named by their files.
        let any = outcomes::letter_of(letters, id).ok().flatten().map(|(name, _)| name);
        let raw = || Some(format!("{id}{RAW}")).filter(|raw| letters.stamp(raw.as_ref()).is_some());
        let name = any.or_else(raw)?;
        let row = letter_row(letters, &name, reader.worker())?;
        Some((letters, name, row))
    });
    let of_result = head_of_result(reader, id).map(|result| reader.result_row(id, &result));
    match (of_letter, of_result) {
        // A letter beside a result that is good is of a second file.
        (Some((letters, name, row)), of_result) => {
            if name.ends_with(RAW) {
                texts.extend(file_text("task", letters, &name));
                texts.extend(file_text("dead letter", letters, &format!("{id}{REASON}")));
            } else {
                texts.extend(file_text("dead letter", letters, &name));
            }
            Some(of_result.filter(|of_result| of_result.state.word() != row.state.word()).unwrap_or(row))
        }
        (None, of_result) => {
            if let (Some(work), Some(_)) = (reader.work(), &of_result) {
                texts.extend(file_text("task", &work, &Work::Cancelled.file(id)));
            }
            of_result
        }
    }
}

fn head_of_result(reader: &Reader<'_>, id: &TaskId) -> Option<Outcome> {
    outcomes::result_head(&reader.results()?, format!("{id}{ENDING}").as_ref())
}

/// A file as text, if there is one.
pub(super) fn file_text(title: &'static str, folder: &Folder, name: &str) -> Option<TaskText> {
    match folder.look(super::names::name_of(name).as_ref(), LARGEST_LETTER)?.1 {
        Contents::Bytes(bytes) => text(title, &bytes, &[]),
        Contents::TooLarge => Some(TaskText { title, text: "it is too large to be shown".into() }),
        Contents::Unreadable(why) => Some(TaskText { title, text: why.into() }),
    }
}

/// JSON with a line for each key; what is none as it is.
fn text(title: &'static str, bytes: &[u8], without: &[&str]) -> Option<TaskText> {
    let pretty = || {
        let keys = TaskKeys::parse(bytes).ok()?;
        let mut text = Vec::new();
        let shown = keys.iter().filter(|(key, _)| !without.contains(key));
        serde_json::Serializer::pretty(&mut text).collect_map(shown).ok()?;
        String::from_utf8(text).ok()
    };
    let text = pretty().unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
    Some(TaskText { title, text: text.into() })
}

fn output(title: &'static str, text: String) -> Option<TaskText> {
    (!text.is_empty()).then(|| TaskText { title, text: Arc::from(text) })
}
