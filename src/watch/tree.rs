//! The known state of the watched folders: their names, and the stamp of each file.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::directory::Stamp;
use super::rules::FolderState;
use crate::domain::ChangeKind;

/// The watched folders, by absolute path.
pub(super) type Tree = HashMap<PathBuf, Folder>;

/// A watched folder.
#[derive(Debug)]
pub(super) struct Folder {
    /// How the rules stand in it.
    pub(super) folder_state: FolderState,
    /// What is in it, ignored or not.
    pub(super) entries: HashMap<OsString, Entry>,
    /// The folder itself when a look has listed it; events need it not.
    pub(super) listed: Option<Listed>,
}

/// A folder as it was when it was listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) stamp: Stamp,
    /// It was the same at the listing before.
    pub(super) twice: bool,
}

/// Something in a watched folder.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    /// A folder, watched or not.
    Folder { inode: u64 },
    /// A file, with what is known of its contents.
    File(KnownFile),
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KnownFile {
    /// `None`: not looked at yet; whatever it is counts as changed.
    pub(super) stamp: Option<Stamp>,
    /// What was reported while it was still being written; its end has to be reported as well.
    pub(super) unfinished: Option<ChangeKind>,
    /// Found by a listing and reported; the event of the operating system may still come and say nothing new.
    pub(super) listed: bool,
    /// What it holds.
    pub(super) content: Content,
}

/// What a file holds, as a hash of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Content {
    /// Not read since it last changed.
    #[default]
    Unknown,
    /// Read so soon after a change that another one need not have left another time stamp.
    Racy([u64; 2]),
    /// Read later than that.
    Sure([u64; 2]),
}

/// What is known at a path.
pub(super) fn entry(tree: &Tree, path: &Path) -> Option<Entry> {
    tree.get(path.parent()?)?.entries.get(path.file_name()?).copied()
}

/// What is known of the file at a path, to be changed.
pub(super) fn file_mut<'a>(tree: &'a mut Tree, path: &Path) -> Option<&'a mut KnownFile> {
    match tree.get_mut(path.parent()?)?.entries.get_mut(path.file_name()?)? {
        Entry::File(known) => Some(known),
        Entry::Folder { .. } => None,
    }
}
