//! Where the file stands, and the paths in it.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::checkout::Worktree;
use super::diagnostic::Diagnostic;
use super::expand::Dollars;
use super::near::{any_of, near};
use super::problems::{Slot, shown};
use super::sources::Sources;
use crate::domain::{Expandable, path_text, visible_path};

/// The file that is being read.
#[derive(Clone)]
pub(super) struct Place<'t> {
    /// The texts of all files of the group.
    sources: &'t Sources,
    /// The same as one text.
    pub(super) text: &'t str,
    /// The end of its own.
    pub(super) end: usize,
    /// Path of the file, absolute.
    pub(super) file: PathBuf,
    /// Its folder, absolute.
    pub(super) root: PathBuf,
    worktree: Worktree,
}

impl<'t> Place<'t> {
    /// The file of that number. It need not exist; a relative one is below the current folder.
    pub(super) fn new(sources: &'t Sources, number: usize) -> Self {
        let file = full(sources.file(number));
        let root = file.parent().unwrap_or(&file).to_owned();
        let worktree = Worktree::of(&root);
        Self { sources, text: sources.text(), end: sources.end(number), file, root, worktree }
    }

    /// The checkout that it is in.
    pub(super) fn worktree(&self) -> &Worktree {
        &self.worktree
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> u32 {
        u32::try_from(self.sources.place(span).0).unwrap_or(u32::MAX)
    }

    /// The file that a place is in, for people; `None` if that is the group's own.
    pub(super) fn other_file(&self, span: &Range<usize>) -> Option<Arc<str>> {
        self.sources.other_name_at(span)
    }

    /// The same of any file, of its own, too.
    pub(super) fn name(&self) -> Arc<str> {
        self.sources.name(&self.file).into()
    }

    /// A path of the file, absolute, without `.` and `..`.
    pub(super) fn path(&self, slot: Slot<'_, '_>) -> Result<PathBuf, Diagnostic> {
        Ok(clean(&self.root.join(slot.word()?)))
    }

    /// `dir`: a folder that exists, or one that only a start knows.
    pub(super) fn folder(&self, slot: Slot<'_, '_>) -> Result<Expandable<PathBuf>, Diagnostic> {
        let written = slot.word()?;
        let Some(text) = slot.fixed(written, Dollars::Ours)? else { return Ok(Expandable::Text(written.into())) };
        let text = text.as_str();
        let path = clean(&self.root.join(text));
        let problem = |message: String, label: String| Diagnostic::error("dir", message).at(slot.span(), label);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(Expandable::Known(path)),
            Ok(_) => Err(problem(format!("`{}` is not a folder", shown(text)), "this is a file".into())
                .help("`dir` is the folder to run the command in")),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                let near = self.near_folders(&path);
                let label = match near.as_slice() {
                    [] => "no such file or folder".into(),
                    names => format!("did you mean {}?", any_of(names)),
                };
                Err(problem(format!("the folder `{}` does not exist", shown(text)), label)
                    .help(format!("`dir` is relative to this file: {}", visible_path(&path))))
            }
            Err(error) => Err(problem(format!("cannot use the folder `{}`", shown(text)), error.to_string())),
        }
    }

    /// Folders beside a missing one with a similar name, as `dir` would name them.
    fn near_folders(&self, missing: &Path) -> Vec<String> {
        let (Some(name), Some(parent)) = (missing.file_name().and_then(|name| name.to_str()), missing.parent()) else {
            return Vec::new();
        };
        let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
        // A folder with more entries than this is not one that somebody keeps an overview of.
        let folders = entries.take(1000).flatten().filter(|entry| entry.path().is_dir());
        let mut names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let relative = parent.strip_prefix(&self.root).unwrap_or(parent);
        near(name, names.iter().map(String::as_str))
            .into_iter()
            .map(|name| path_text(&relative.join(name)).into_owned())
            .collect()
    }
}

/// A path as it is from the top, without `.` and `..`.
pub(super) fn full(path: &Path) -> PathBuf {
    clean(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// A path without `.`, and with `..` resolved by the text alone.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            // The parent of the top is the top.
            Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}
