//! The files of `env_file`: what they hold, and whether that has changed. They may lie anywhere, be ignored by git, or be
//! links, so they are not followed by way of the tree.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::fingerprint::{self, Fingerprint};
use super::followed_file::FollowedFile;
use super::pending::EventFlags;
use crate::domain::{ChangeKind, EnvFile, GroupSpec, Moment};

/// What was said about them since they were last looked at, and when.
pub(super) type EnvironmentNews = HashMap<PathBuf, (EventFlags, Moment)>;

/// A file that has changed.
#[derive(Debug)]
pub(super) struct EnvironmentChange {
    pub(super) path: PathBuf,
    pub(super) kind: ChangeKind,
    /// What it held before.
    pub(super) was: Fingerprint,
    pub(super) at: Moment,
}

/// The files that are followed for one that a service names: itself, and where it is missing, the one of the main checkout
/// that is read in its place.
pub(super) fn followed(file: &EnvFile) -> impl Iterator<Item = &Path> {
    let or = file.or.as_deref().filter(|_| !file.path.exists());
    std::iter::once(file.path.as_path()).chain(or)
}

/// See the top of the file.
#[derive(Debug, Default)]
pub(super) struct EnvironmentFiles(Vec<EnvironmentFile>);

#[derive(Debug)]
struct EnvironmentFile {
    file: FollowedFile,
    print: Fingerprint,
    /// The nearest folder above it that is there: where its own comes, if that is missing.
    above: Option<PathBuf>,
}

/// The nearest folder above a path that is there.
fn folder_above(path: &Path) -> Option<PathBuf> {
    path.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_path_buf)
}

impl EnvironmentFiles {
    /// Those of all services, as they are now; what is known of a file already stays. `now`: the time on the wall.
    pub(super) fn follow_those_of(&mut self, spec: &GroupSpec, now: SystemTime) {
        let mut known = std::mem::take(&mut self.0);
        for path in spec.services.iter().flat_map(|service| &service.env_files).flat_map(followed) {
            if self.has(path) {
                continue;
            }
            let place = known.iter().position(|known| known.file.path() == path);
            self.0.push(place.map(|place| known.swap_remove(place)).unwrap_or_else(|| {
                let file = FollowedFile::new(path);
                let print = fingerprint::read(file.content(), now).print;
                EnvironmentFile { print, above: folder_above(path), file }
            }));
        }
    }

    /// Whether a path is one of them.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.0.iter().any(|known| known.file.path() == path)
    }

    /// The folders in which something may happen to them.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().flat_map(|known| known.file.folders().chain(known.above.as_deref()))
    }

    /// Puts down what was said about a path, if that is about one of them, or a folder above it.
    pub(super) fn note(&self, path: &Path, flags: EventFlags, at: Moment, news: &mut EnvironmentNews) {
        let concerns = |known: &&EnvironmentFile| known.file.is_at(path) || known.file.path().starts_with(path);
        for known in self.0.iter().filter(concerns) {
            let (said, last) = news.entry(known.file.path().to_path_buf()).or_insert((flags, at));
            said.join(flags);
            *last = at.max(*last);
        }
    }

    /// Anything may have happened.
    pub(super) fn note_all(&self, at: Moment, news: &mut EnvironmentNews) {
        let flags = EventFlags { closed: true, ..EventFlags::default() };
        for known in &self.0 {
            self.note(known.file.path(), flags, at, news);
        }
    }

    /// Finds out anew where those are that something was said of. Whether that is in other folders now: then it is to be
    /// asked again once these are watched, because something may have come before.
    pub(super) fn follow_links(&mut self, news: &EnvironmentNews) -> bool {
        let mut moved = false;
        for known in self.0.iter_mut().filter(|known| news.contains_key(known.file.path())) {
            let above = folder_above(known.file.path());
            moved |= known.file.follow() || known.above != above;
            known.above = above;
        }
        moved
    }

    /// Those of the news that are complete and written anew, or have come, or are gone.
    pub(super) fn changed(&mut self, news: &EnvironmentNews, now: SystemTime) -> Vec<EnvironmentChange> {
        let mut changes = Vec::new();
        for known in &mut self.0 {
            let Some((flags, at)) = news.get(known.file.path()) else { continue };
            let was_there = known.file.is_there();
            if !known.file.was_written(*flags) {
                continue;
            }
            let kind = match (was_there, known.file.is_there()) {
                (_, false) => ChangeKind::Removed,
                (false, true) => ChangeKind::Created,
                (true, true) => ChangeKind::Modified,
            };
            let print = fingerprint::read(known.file.content(), now).print;
            let was = std::mem::replace(&mut known.print, print);
            changes.push(EnvironmentChange { path: known.file.path().to_path_buf(), kind, was, at: *at });
        }
        changes
    }

    /// Those that were written after that moment: nobody knows what they held before.
    pub(super) fn written_since(&mut self, moment: SystemTime, at: Moment) -> Vec<EnvironmentChange> {
        let new = self.0.iter().filter(|known| known.file.is_written_since(moment));
        let change = |known: &EnvironmentFile| EnvironmentChange {
            path: known.file.path().to_path_buf(),
            kind: ChangeKind::Modified,
            was: Fingerprint::Unknown,
            at,
        };
        new.map(change).collect()
    }

    /// What one of them holds now; `None` if the path is none of them.
    pub(super) fn print_now(&self, path: &Path, now: SystemTime) -> Option<Fingerprint> {
        let known = self.0.iter().find(|known| known.file.path() == path)?;
        Some(fingerprint::read(known.file.content(), now).print)
    }
}
