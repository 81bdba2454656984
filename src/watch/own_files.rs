//! The files that a group is read from: whether one was written, has come or is gone.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::followed_file::FollowedFile;
use super::pending::EventFlags;
use crate::domain::GroupSpec;
use crate::group_files::{GroupFiles, IncludePattern};

/// What was said about the files of the group.
#[derive(Debug, Default)]
pub(super) struct OwnNews {
    /// By the paths of the files.
    said: HashMap<PathBuf, EventFlags>,
    /// Others may have come or gone.
    look: bool,
    /// Anything may have happened.
    sweep: bool,
}

impl OwnNews {
    /// Events were lost.
    pub(super) fn of_sweep() -> Self {
        Self { sweep: true, look: true, ..Self::default() }
    }

    /// Nothing was.
    pub(super) fn is_empty(&self) -> bool {
        self.said.is_empty() && !self.look && !self.sweep
    }
}

/// The files of a group: its own, those that it includes, and the local file beside each, whether there is one or not.
#[derive(Debug)]
pub(super) struct OwnFiles {
    file: PathBuf,
    texts: Vec<String>,
    include: Vec<IncludePattern>,
    files: Vec<FollowedFile>,
    /// The folders whose entries decide which files these are.
    folders: BTreeSet<PathBuf>,
    /// One of them could not be read.
    waits_for_permissions: bool,
}

impl OwnFiles {
    /// The files as they are now, which is not news.
    pub(super) fn new(spec: &GroupSpec) -> Self {
        let include = spec.include.iter().filter_map(|text| IncludePattern::new(text).ok()).collect();
        let texts = spec.include.clone();
        let (file, files, folders) = (spec.file.clone(), Vec::new(), BTreeSet::new());
        let mut own = Self { file, texts, include, files, folders, waits_for_permissions: false };
        let all = GroupFiles::of(&own.file, &own.include);
        own.files = all.files.iter().map(|file| FollowedFile::new(file)).collect();
        own.folders = all.folders;
        own
    }

    /// It is made of the same names.
    pub(super) fn is_of(&self, spec: &GroupSpec) -> bool {
        (&self.file, &self.texts) == (&spec.file, &spec.include)
    }

    /// The folders in which something may happen to them.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().flat_map(FollowedFile::folders).chain(self.folders.iter().map(PathBuf::as_path))
    }

    /// Where permissions are to be listened for, which are no changes otherwise: some of the files cannot be read.
    pub(super) fn unreadable_places(&mut self) -> Vec<PathBuf> {
        let unreadable = self.files.iter().filter(|file| file.is_unreadable());
        let places: Vec<_> = unreadable.flat_map(FollowedFile::folders).map(Path::to_path_buf).collect();
        self.waits_for_permissions = !places.is_empty();
        places
    }

    /// Some of the files could not be read, and may be readable by now.
    pub(super) fn waits_for_permissions(&self) -> bool {
        self.waits_for_permissions
    }

    /// Whether a path is one of them.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.files.iter().any(|file| file.path() == path)
    }

    /// Puts down what was said about a path, if that is about one of them.
    pub(super) fn note(&self, path: &Path, flags: EventFlags, news: &mut OwnNews) {
        for file in self.files.iter().filter(|file| file.is_at(path)) {
            news.said.entry(file.path().to_path_buf()).or_default().join(flags);
        }
        let relative = self.file.parent().and_then(|root| path.strip_prefix(root).ok());
        news.look |= relative.is_some_and(|path| self.include.iter().any(|pattern| pattern.leads_through(path)));
    }

    /// Finds out anew which they are, and where they really are. Whether other folders are to be watched now: then it is to be
    /// asked again once they are, because something may have come before.
    pub(super) fn follow(&mut self, news: &mut OwnNews) -> bool {
        let mut moved = false;
        for file in &mut self.files {
            if news.sweep || news.said.contains_key(file.path()) {
                moved |= file.follow();
            }
        }
        if !news.look {
            return moved;
        }
        let all = GroupFiles::of(&self.file, &self.include);
        for path in &all.files {
            if !self.files.iter().any(|file| file.path() == path) {
                self.files.push(FollowedFile::unseen(path));
                news.said.entry(path.clone()).or_default();
            }
        }
        for gone in self.files.iter().filter(|file| !all.files.iter().any(|path| path == file.path())) {
            news.said.entry(gone.path().to_path_buf()).or_default();
        }
        let before = std::mem::replace(&mut self.folders, all.folders);
        moved || before != self.folders
    }

    /// Whether any of them is complete and another than before, or gone.
    pub(super) fn were_written(&mut self, news: &OwnNews) -> bool {
        let swept = EventFlags { closed: true, ..EventFlags::default() };
        let mut written = false;
        for file in &mut self.files {
            let flags = if news.sweep { Some(&swept) } else { news.said.get(file.path()) };
            // Ask every file, even after the first hit: asking also remembers what it is now.
            written |= flags.is_some_and(|flags| file.was_written(*flags));
        }
        if news.look {
            // What no pattern finds any more has been told by now.
            let all = GroupFiles::of(&self.file, &self.include);
            self.files.retain(|file| file.is_there() || all.files.iter().any(|path| path == file.path()));
        }
        written
    }
}
