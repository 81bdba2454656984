//! Walking the tree: adding folders, following changed rules, and looking everywhere after a loss.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Reports, WatchLoop};
use crate::domain::{ChangeKind, Moment};
use crate::watch::directory::{self, Found, FoundKind, Seen, Stamp};
use crate::watch::outcome::{self, Reason};
use crate::watch::pending::EventFlags;
use crate::watch::rules::FolderState;
use crate::watch::source::{self, Links};
use crate::watch::tree::{Entry, Folder, KnownFile};

impl WatchLoop {
    /// Watches and lists folders and all below them that somebody wants. They are watched first: what comes after the
    /// listing is then an event.
    pub(super) fn walk(&mut self, mut level: Vec<(PathBuf, FolderState)>, reports: Reports, at: Moment) {
        // Level by level, so that the watches of many folders are one request.
        while !level.is_empty() && !self.pending.stopped() {
            self.watch_level(&level);
            let mut next = Vec::new();
            for (folder, decided) in level {
                self.list(folder, decided, reports, at, &mut next);
            }
            self.leave_gits_folders(&mut next);
            level = next;
        }
    }

    /// A file `.git` that was found may name a folder that was walked into before.
    fn leave_gits_folders(&mut self, next: &mut Vec<(PathBuf, FolderState)>) {
        if self.rules.git_folders().is_empty() {
            return;
        }
        next.retain(|(folder, _)| !self.rules.is_gits(folder));
        for folder in self.rules.git_folders().to_vec() {
            if !self.is_start(&folder) {
                self.drop_below(&folder, None);
            }
        }
    }

    /// Watches folders, after they have been counted: where there are too few watches for all, none is asked for.
    fn watch_level(&mut self, level: &[(PathBuf, FolderState)]) {
        let (starts, below): (Vec<_>, Vec<_>) =
            level.iter().map(|(folder, _)| folder.as_path()).partition(|folder| self.is_start(folder));
        if self.source.affords(level.len()) || self.source.choice().insists_on_events() {
            self.source.watch(starts, Links::Follow);
            self.source.watch(below, Links::Refuse);
        } else {
            self.source.note_unwatched(starts.into_iter().chain(below));
        }
    }

    fn is_lost(&self, folder: &Path) -> bool {
        self.lost.iter().any(|start| folder.starts_with(start))
    }

    fn is_start(&self, folder: &Path) -> bool {
        self.starts.iter().any(|start| start == folder)
    }

    fn list(
        &mut self,
        path: PathBuf,
        decided: FolderState,
        reports: Reports,
        at: Moment,
        next: &mut Vec<(PathBuf, FolderState)>,
    ) {
        let listed = match directory::list(&path) {
            Ok(listed) => listed,
            Err(error) => {
                self.source.note_unreadable(&path, &error);
                if error.kind() == ErrorKind::NotFound {
                    self.source.unwatch(vec![path]);
                }
                return;
            }
        };
        if listed.iter().any(is_rule_file) {
            self.rules.load(&path);
        }
        let folder_state = self.rules.enter(decided, &path);
        let mut entries = HashMap::with_capacity(listed.len());
        for Found { name, kind } in listed {
            let entry = match kind {
                FoundKind::Other => continue,
                FoundKind::Folder { inode } => {
                    let child = path.join(&name);
                    let decided = self.rules.decide_folder_state(&folder_state, &child);
                    if self.rules.wants(&child, &decided) {
                        next.push((child, decided));
                    }
                    Entry::Folder { inode }
                }
                FoundKind::File if reports == Reports::Nothing => Entry::File(KnownFile::default()),
                FoundKind::File => {
                    let child = path.join(&name);
                    let seen = directory::at(&child).map(|(_, seen)| seen);
                    let (Some(known), _) = outcome::of(None, seen, Reason::Listing) else { continue };
                    self.add_event(&folder_state, &child, ChangeKind::Created, true, at);
                    Entry::File(known)
                }
            };
            entries.insert(name, entry);
        }
        if reports == Reports::Nothing {
            self.unstamped.push(path.clone());
        }
        self.tree.insert(path, Folder { folder_state, entries, listed: None });
    }

    /// Brings the watches in line with the rules: judges every known folder anew, walks into those that are wanted now,
    /// and leaves those that are not. Only what is new is read from the disk.
    pub(super) fn replan(&mut self, reports: Reports) {
        let mut starts = self.rules.starts();
        for start in &mut starts {
            // A pattern without wildcards names a file.
            if start.is_file() {
                start.pop();
            }
        }
        starts.dedup();
        let ended: Vec<_> = self.starts.iter().filter(|start| !starts.contains(start)).cloned().collect();
        self.starts = starts;
        for start in ended {
            self.drop_below(&start, None);
        }
        let lost = std::mem::take(&mut self.lost);
        let mut new = Vec::new();
        for start in self.starts.clone() {
            if self.tree.contains_key(&start) && lost.contains(&start) {
                // What is in it is compared as a whole when it is back.
                self.lost.push(start);
            } else if self.tree.contains_key(&start) {
                let decided = self.rules.state_above(&start);
                self.decide_anew(start, decided, &mut new);
            } else if start.is_dir() {
                self.rules.load_above(&start);
                let decided = self.rules.state_above(&start);
                new.push((start, decided));
            } else {
                self.lost.push(start);
            }
        }
        let at = self.clock.now();
        self.walk(new, reports, at);
        self.watch_beside();
        self.go_over_if_need_be();
        self.identify_starts();
        self.read_head();
    }

    fn decide_anew(&mut self, start: PathBuf, decided: FolderState, new: &mut Vec<(PathBuf, FolderState)>) {
        let mut folders = vec![(start, decided)];
        while let Some((path, decided)) = folders.pop() {
            let folder_state = self.rules.enter(decided, &path);
            let Some(folder) = self.tree.get_mut(&path) else { continue };
            folder.folder_state = folder_state.clone();
            let children: Vec<_> = folder
                .entries
                .iter()
                .filter(|(_, entry)| matches!(entry, Entry::Folder { .. }))
                .map(|(name, _)| path.join(name))
                .collect();
            for child in children {
                let decided = self.rules.decide_folder_state(&folder_state, &child);
                let known = self.tree.contains_key(&child);
                match (self.rules.wants(&child, &decided), known) {
                    (true, true) => folders.push((child, decided)),
                    (true, false) => new.push((child, decided)),
                    (false, true) => self.drop_below(&child, None),
                    (false, false) => {}
                }
            }
        }
    }

    /// Looks everywhere, because events were lost: every watch is renewed, every folder listed, every file compared.
    pub(super) fn sweep(&mut self, at: Moment) {
        self.look_at_starts(at);
        // Those that are back.
        self.lost.retain(|start| !start.is_dir());
        let mut folders: Vec<_> = self.tree.keys().filter(|folder| !self.is_lost(folder)).cloned().collect();
        // Above before below: what is dropped there need not be looked at here.
        folders.sort();
        let (starts, below): (Vec<_>, Vec<_>) =
            folders.iter().map(PathBuf::as_path).partition(|folder| self.is_start(folder));
        self.source.renew(starts, Links::Follow);
        self.source.renew(below, Links::Refuse);
        self.source.renew(self.beside.iter().map(PathBuf::as_path), Links::Follow);
        for folder in &folders {
            self.rules.load(folder);
        }
        self.replan(Reports::Created);
        for folder in folders {
            if self.pending.stopped() {
                return;
            }
            let Some(known) = self.tree.get(&folder) else { continue };
            let mut names: HashSet<_> = known.entries.keys().cloned().collect();
            match directory::list(&folder) {
                Ok(listed) => names.extend(listed.into_iter().map(|found| found.name)),
                Err(error) => self.source.note_unreadable(&folder, &error),
            }
            for name in names {
                self.look_at_path(&folder.join(name), Reason::Listing, at);
            }
        }
    }

    /// A folder that a walk begins at may have been moved, replaced, or something mounted over it, without an event: its
    /// identity tells.
    fn look_at_starts(&mut self, at: Moment) {
        for start in self.starts.clone() {
            let identity = directory::identity(&start);
            // One that was not there when it was to be identified has none before and none after.
            let is_same = identity.is_some() && self.identities.get(&start) == identity.as_ref();
            if self.tree.contains_key(&start) && !is_same {
                self.lose(start, at);
            }
        }
    }

    /// A folder that a walk begins at is not there any more, or not the same one: what was in it is removed. But if the
    /// group's whole root is gone, nobody has changed anything in it: what is known of it stays, and is compared with what
    /// is there when it is back.
    pub(super) fn lose(&mut self, start: PathBuf, at: Moment) {
        if self.lost.contains(&start) {
            return;
        }
        if start == self.rules.root() || self.root_is_gone() {
            let below = self.tree.keys().filter(|folder| folder.starts_with(&start) && !self.beside.contains(*folder));
            self.source.unwatch(below.cloned().collect());
        } else {
            self.drop_below(&start, Some(at));
        }
        self.lost.push(start);
    }

    pub(super) fn root_is_gone(&self) -> bool {
        !self.rules.root().is_dir()
    }

    /// Something was mounted or unmounted, a folder above was renamed, or one became readable: what is elsewhere now is new,
    /// and what was there is gone.
    pub(super) fn look_at_places(&mut self, at: Moment) {
        self.look_at_starts(at);
        let now = source::mount_points();
        let changed: Vec<_> = now.symmetric_difference(&self.mount_points).map(|(path, _)| path.clone()).collect();
        self.mount_points = now;
        for path in changed {
            if self.is_start(&path) {
                continue;
            }
            self.look_at_path(&path, Reason::Event(EventFlags { moved_in: true, ..EventFlags::default() }), at);
        }
        for folder in self.source.take_readable() {
            if self.tree.contains_key(&folder) {
                continue;
            }
            if self.is_start(&folder) {
                self.replan(Reports::Created);
            } else {
                self.walk_into(&folder, at);
            }
        }
    }

    fn identify_starts(&mut self) {
        let identity = |start: &PathBuf| Some((start.clone(), directory::identity(start)?));
        self.identities = self.starts.iter().filter_map(identity).collect();
    }

    /// Takes the stamps of the files of one folder that was walked silently. Whether there was one. After the first walk,
    /// what has changed since the watcher was asked for is reported: services may have started before that. A file that was
    /// renamed into place is dated as it was before; then only the times that no program can set tell, its own and that of
    /// its folder. File systems date with the clock's last tick: what was written within it, but before the watcher was asked
    /// for, is reported too.
    pub(super) fn stamp_a_folder(&mut self) -> bool {
        // What is in a root that is gone, or has just come back, is compared as a whole: a stamp would pass for the old state.
        let Some(place) = self.unstamped.iter().rposition(|folder| !self.is_lost(folder)) else {
            if self.unstamped.is_empty() {
                self.unseen_since = None;
            }
            return false;
        };
        let path = self.unstamped.swap_remove(place);
        self.read_later(path.clone());
        let unseen_since = self.unseen_since;
        let is_changed = |stamp: Stamp| unseen_since.is_some_and(|since| stamp.is_changed_since(since));
        let is_written = |stamp: Stamp| unseen_since.is_some_and(|since| stamp.is_written_since(since));
        let has_comers = directory::at(&path).is_some_and(|(_, seen)| is_changed(seen.stamp));
        let mut unseen = Vec::new();
        if let Some(folder) = self.tree.get_mut(&path) {
            for (name, entry) in &mut folder.entries {
                if let Entry::File(known) = entry
                    && known.stamp.is_none()
                {
                    known.stamp = directory::at(&path.join(name)).map(|(_, Seen { stamp, .. })| stamp);
                    if known.stamp.is_some_and(|stamp| is_written(stamp) || has_comers && is_changed(stamp)) {
                        unseen.push((folder.folder_state.clone(), path.join(name)));
                    }
                }
            }
        }
        let at = self.clock.now();
        // It may be open still: nobody saw whether it was closed. Who polls never sees that.
        let finished = self.source.polls();
        for (folder_state, file) in unseen {
            self.add_event(&folder_state, &file, ChangeKind::Modified, finished, at);
        }
        true
    }
}

fn is_rule_file(found: &Found) -> bool {
    found.name == ".gitignore" || found.name == ".ignore" || found.name == ".git"
}
