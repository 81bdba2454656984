//! Looking at one path: what was there, what is there, what that means.

use std::path::{Path, PathBuf};

use super::{Reports, WatchLoop};
use crate::domain::{ChangeKind, FileEvent, Match, Moment};
use crate::watch::directory::{self, FoundKind};
use crate::watch::fingerprint::Fingerprint;
use crate::watch::outcome::{self, Reason};
use crate::watch::rules::FolderState;
use crate::watch::tree::{self, Entry};

/// So many events are handed over at once: of a flood, the outbox keeps only some.
const MOST_EVENTS: usize = 1_000;

impl WatchLoop {
    /// Looks at a path that something was said about. Paths in folders that nobody watches are none of our business.
    pub(super) fn look_at_path(&mut self, path: &Path, reason: Reason, at: Moment) {
        if self.starts.iter().any(|start| start == path) {
            if was_replaced(reason) {
                self.lose(path.to_path_buf(), at);
            }
            return;
        }
        if !path.parent().is_some_and(|folder| self.tree.contains_key(folder)) {
            return;
        }
        let before = tree::entry(&self.tree, path);
        let now = directory::at(path);
        if now.is_none() && self.root_is_gone() {
            return;
        }
        let now_folder = match now {
            Some((FoundKind::Folder { inode }, _)) => Some(inode),
            _ => None,
        };
        if let Some(Entry::Folder { inode }) = before {
            // A listing tells the inode below a mount point, a look the one above.
            let is_same = |now| now == inode || self.mount_points.iter().any(|(point, _)| point == path);
            if now_folder.is_some_and(is_same) && !was_replaced(reason) {
                return;
            }
            self.drop_below(path, Some(at));
            self.set_entry(path, None);
        }
        let before_file = match before {
            Some(Entry::File(known)) => Some(known),
            Some(Entry::Folder { .. }) | None => None,
        };
        let seen = now.and_then(|(kind, seen)| (kind == FoundKind::File).then_some(seen));
        let (known, said) = outcome::of(before_file, seen, reason);
        if let Some((kind, finished)) = said
            && let Some(folder) = path.parent().and_then(|folder| self.tree.get(folder))
        {
            // Cheap: a folder's state is a few shared pointers.
            let folder_state = folder.folder_state.clone();
            self.add_event_with_fingerprint(
                &folder_state,
                path,
                kind,
                finished,
                Fingerprint::of(before_file.as_ref()),
                at,
            );
            if known.is_some() {
                self.read_again(path, at);
            }
        }
        match now_folder {
            Some(inode) => {
                self.set_entry(path, Some(Entry::Folder { inode }));
                self.walk_into(path, at);
            }
            None => self.set_entry(path, known.map(Entry::File)),
        }
    }

    /// A folder is new: it is watched, if somebody wants it, and all that is in it is new.
    pub(super) fn walk_into(&mut self, folder: &Path, at: Moment) {
        let Some(above) = folder.parent().and_then(|above| self.tree.get(above)) else { return };
        let decided = self.rules.decide_folder_state(&above.folder_state, folder);
        if self.rules.wants(folder, &decided) {
            self.walk(vec![(folder.to_path_buf(), decided)], Reports::Created, at);
        }
    }

    /// Forgets a folder and all below; with a moment, each file in it is reported as removed. Whether the operating
    /// system has ended the watches by itself depends on how the folder went, so each is ended.
    pub(super) fn drop_below(&mut self, folder: &Path, at: Option<Moment>) {
        let mut folders = vec![folder.to_path_buf()];
        let mut unwatch: Vec<PathBuf> = Vec::new();
        while let Some(path) = folders.pop() {
            let Some(folder) = self.tree.remove(&path) else { continue };
            for (name, entry) in &folder.entries {
                let child = path.join(name);
                match entry {
                    Entry::Folder { .. } => folders.push(child),
                    Entry::File(known) => {
                        if let Some(at) = at {
                            let was = Fingerprint::of(Some(known));
                            self.add_event_with_fingerprint(
                                &folder.folder_state,
                                &child,
                                ChangeKind::Removed,
                                true,
                                was,
                                at,
                            );
                        }
                    }
                }
            }
            self.rules.forget(&path);
            unwatch.push(path);
        }
        unwatch.retain(|folder| !self.beside.contains(folder));
        self.source.unwatch(unwatch);
    }

    /// Adds the event of a file that was not known before to those of this batch.
    pub(super) fn add_event(
        &mut self,
        folder: &FolderState,
        path: &Path,
        kind: ChangeKind,
        finished: bool,
        at: Moment,
    ) {
        let was = if kind == ChangeKind::Created { Fingerprint::Absent } else { Fingerprint::Unknown };
        self.add_event_with_fingerprint(folder, path, kind, finished, was, at);
        self.read_again(path, at);
    }

    /// Adds a file event to those of this batch; `was` is what the file was before.
    pub(super) fn add_event_with_fingerprint(
        &mut self,
        folder: &FolderState,
        path: &Path,
        kind: ChangeKind,
        finished: bool,
        was: Fingerprint,
        at: Moment,
    ) {
        if self.rules.is_own(path) {
            return;
        }
        let is_environment = self.environment_files.has(path);
        if is_environment || self.own_files.has(path) {
            self.seen_in_tree.push(path.to_path_buf());
        }
        // They are read again, which is told by itself.
        if is_environment || self.own_files.has(path) {
            return;
        }
        let matched = self.rules.decide_in(folder, path, false);
        let shown = self.rules.shown(path);
        if let Match::Watched { services, .. } = &matched {
            self.baselines.note_change(services, path, &shown, was, at, finished);
        }
        self.events.push(FileEvent { at, path: shown, kind, finished, matched });
        if self.events.len() >= MOST_EVENTS {
            self.report_files();
        }
    }

    fn set_entry(&mut self, path: &Path, entry: Option<Entry>) {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
        let Some(folder) = self.tree.get_mut(folder) else { return };
        match entry {
            Some(entry) => folder.entries.insert(name.to_os_string(), entry),
            None => folder.entries.remove(name),
        };
    }
}

/// Whether a folder that is there may not be the one that was there: its watch and those below are then worthless.
fn was_replaced(reason: Reason) -> bool {
    match reason {
        Reason::Event(flags) => flags.removed || flags.moved_out || flags.moved_in,
        Reason::Listing => false,
    }
}
