//! Dead letters by the names of their files: those of second files with the id of another task, and those without an id.
//! Whoever owns the folder need not be asked: a letter is nobody's work.

use super::details::file_text;
use super::folder::{Folder, Links, Moved};
use super::generations::without_letter;
use super::letters::{LARGEST_LETTER, RAW, REASON, is_letter, remove};
use super::names::{ENDING, name_of, numbered, text_of};
use super::outcomes::letter_in;
use super::outside::shown;
use super::table::letter_row;
use super::trouble::Trouble;
use crate::domain::{ServiceName, TaskDetails, TaskFolders, TaskId};

/// A dead letter.
#[derive(Debug)]
pub struct NamedLetter {
    /// The name of its file.
    pub file: String,
    /// The id that it says.
    pub id: Option<TaskId>,
    /// All that is known of it.
    pub details: TaskDetails,
}

fn folder(folders: &TaskFolders, worker: &ServiceName) -> Result<Folder, Trouble> {
    Folder::open(folders.dlq.join(worker.as_str()), Links::Follow)
}

/// The dead letter of this file, or the one that a list shows by this name.
pub fn letter_named(folders: &TaskFolders, worker: &ServiceName, name: &str) -> Option<NamedLetter> {
    let letters = folder(folders, worker).ok()?;
    let files = letters.files().ok()?.map(|file| text_of(&file).into_owned()).filter(|file| is_letter(file));
    let as_shown = |file: &str| shown(name_of(file).as_ref());
    let begins_so: Vec<String> = files.filter(|file| as_shown(file).starts_with(name)).collect();
    let is_listed_so = |file: &&String| letter_row(&letters, file, worker).is_some_and(|row| *row.id == *name);
    let exact = begins_so.iter().find(|file| as_shown(file) == name);
    let file = exact.or_else(|| begins_so.iter().find(is_listed_so))?.clone();
    let row = letter_row(&letters, &file, worker)?;
    let texts = match file.strip_suffix(RAW) {
        Some(stem) => [("task", file.clone()), ("dead letter", format!("{stem}{REASON}"))].to_vec(),
        None => vec![("dead letter", file.clone())],
    };
    let texts = texts.iter().filter_map(|(title, name)| file_text(title, &letters, name)).collect();
    Some(NamedLetter { id: id_in(&letters, &file), file, details: TaskDetails { row, texts } })
}

fn id_in(letters: &Folder, file: &str) -> Option<TaskId> {
    letter_in(letters, &name_of(file)).ok()??.task_id.as_deref().and_then(TaskId::parse)
}

/// Removes it. False if it is gone already.
///
/// # Errors
/// It cannot be removed.
pub fn drop_letter(folders: &TaskFolders, worker: &ServiceName, file: &str) -> Result<bool, Trouble> {
    remove(&folder(folders, worker)?, file)
}

/// Its task waits again: first the task is put there, then the letter goes. False if it is gone already.
///
/// # Errors
/// A file cannot be read, written or removed.
pub fn retry_letter(folders: &TaskFolders, worker: &ServiceName, file: &str) -> Result<bool, Trouble> {
    let letters = folder(folders, worker)?;
    let queue = Folder::make(folders.queue(worker), Links::Follow)?;
    if let Some(stem) = file.strip_suffix(RAW) {
        for number in 1.. {
            match letters.move_to(&name_of(file), &queue, &name_of(&(numbered(stem, number) + ENDING)))? {
                Moved::Done => return remove(&letters, file).map(|_| true),
                Moved::Gone => return Ok(false),
                Moved::Taken => {}
            }
        }
    }
    let read = letters.read(&name_of(file), LARGEST_LETTER)?;
    let Some(task) = read.and_then(|bytes| without_letter(&bytes)) else { return Ok(false) };
    let stem = file.strip_suffix(ENDING).unwrap_or(file);
    // Without an id inside, the name of the file is the id, and the number is only that of the letter.
    let is_named_by_file = id_in(&letters, file).is_none();
    let first = stem.rsplit_once('.').filter(|(_, end)| is_named_by_file && end.bytes().all(|it| it.is_ascii_digit()));
    let stem = first.map_or(stem, |(first, _)| first);
    let mut number = 1;
    while !queue.put_new(&name_of(&(numbered(stem, number) + ENDING)), &task)? {
        number += 1;
    }
    remove(&letters, file)
}
