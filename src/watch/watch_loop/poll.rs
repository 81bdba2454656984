//! Looking by ourselves where the operating system's events are not to be had: what differs from what is known is noted
//! as if it had been said. Folders first, whose times tell of what came and went; then the files that are known.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::WatchLoop;
use crate::domain::{Moment, WatchChoice};
use crate::watch::directory::{self, Found, FoundKind, Stamp};
use crate::watch::pending::{Batch, EventFlags, PathEvent};
use crate::watch::source::{Links, Refusal};
use crate::watch::tree::{Entry, Listed};

/// When to look, and what is known of folders that are not in the tree.
#[derive(Debug)]
pub(super) struct Polling {
    /// After the end of the last look.
    next: Moment,
    /// Until the look after that, if nothing happens.
    interval: Duration,
    /// When to see whether the operating system's events are to be had again.
    retry: Moment,
    /// Everything is held: nobody wants to know.
    held: bool,
    /// What was in the folders beside the tree.
    beside: HashMap<PathBuf, HashMap<OsString, Stamp>>,
}

/// What a look says of a file: it is as it should be, as far as can be told.
const CHANGED: EventFlags = EventFlags { closed: true, ..EventFlags::NONE };
const REMOVED: EventFlags = EventFlags { removed: true, ..EventFlags::NONE };

impl Polling {
    /// The next look after one that found a change.
    const SOON: Duration = Duration::from_secs(1);
    /// When nothing happens.
    const QUIET: Duration = Duration::from_secs(5);
    /// Of the time, at most one part in so many is spent on looking.
    const SHARE: u32 = 10;
    /// Between two tries to get the operating system's events again.
    const RETRY: Duration = Duration::from_secs(300);

    pub(super) fn new() -> Self {
        Self { next: Moment::START, interval: Self::SOON, retry: Moment::START, held: false, beside: HashMap::new() }
    }
}

impl WatchLoop {
    /// While everything is held, and not by git, nobody looks; the end of the last hold does, with [`WatchLoop::sync`].
    pub(in crate::watch) fn set_held(&mut self, held: bool) {
        self.polling.held = held;
    }

    /// How long the thread may wait for requests until it has to look; `None` if it need not.
    pub(super) fn patience(&self) -> Option<Duration> {
        let polls = self.source.polls() && !self.polling.held && !self.starts_and_beside_are_empty();
        polls.then(|| self.polling.next.since(self.clock.now()))
    }

    fn starts_and_beside_are_empty(&self) -> bool {
        self.starts.is_empty() && self.beside.is_empty()
    }

    /// Looks, if it is time to.
    pub(super) fn poll_if_due(&mut self) {
        let now = self.clock.now();
        if self.patience() != Some(Duration::ZERO) {
            return;
        }
        if self.polling.retry <= now && self.source.choice() == WatchChoice::Auto {
            self.polling.retry = now + Polling::RETRY;
            if self.return_to_events() {
                return;
            }
        }
        self.poll();
    }

    /// Looks through the whole tree, and takes in what differs.
    pub(super) fn poll(&mut self) {
        // What has no stamp yet would count as changed.
        while !self.pending.stopped() && self.stamp_a_folder() {}
        let began = self.clock.now();
        self.look_at_places(began);
        let path_events = self.differences(began);
        let active = !path_events.is_empty();
        self.take_in(Batch { path_events, ..Batch::default() });
        self.look_at_files_beside();
        let ended = self.clock.now();
        self.polling.interval = match self.poll_interval {
            Some(interval) => interval,
            None if active => Polling::SOON,
            None => (self.polling.interval * 3 / 2).min(Polling::QUIET),
        };
        // Counted from the end, so that a slow file system is not asked without a pause.
        let took = ended.since(began);
        self.polling.next = ended + self.polling.interval.max(took * (Polling::SHARE - 1));
    }

    /// What is not as it is known.
    fn differences(&mut self, at: Moment) -> Vec<PathEvent> {
        let mut path_events = Vec::new();
        let mut folders: Vec<_> = self.tree.keys().cloned().collect();
        // Above before below: what is gone there need not be looked at here.
        folders.sort();
        for path in folders {
            if self.pending.stopped() {
                break;
            }
            self.differences_in(path, at, &mut path_events);
        }
        for path in self.beside.iter().filter(|path| !self.tree.contains_key(*path)) {
            let now = stamps(path);
            let before = self.polling.beside.insert(path.clone(), now.clone());
            // What is beside now and was not before, was looked at when it came to be.
            let Some(before) = before else { continue };
            let gone = before.keys().filter(|name| !now.contains_key(*name)).map(|name| (name, REMOVED));
            let new =
                now.iter().filter(|(name, stamp)| before.get(*name) != Some(stamp)).map(|(name, _)| (name, CHANGED));
            path_events.extend(gone.chain(new).map(|(name, flags)| PathEvent {
                path: path.join(name),
                flags,
                since: at,
                at,
            }));
        }
        self.polling.beside.retain(|path, _| self.beside.contains(path));
        path_events
    }

    fn differences_in(&mut self, path: PathBuf, at: Moment, path_events: &mut Vec<PathEvent>) {
        let is_start = self.starts.contains(&path);
        let Some(folder) = self.tree.get_mut(&path) else { return };
        let note = |path: PathBuf, flags| PathEvent { path, flags, since: at, at };
        let now = if is_start { directory::behind(&path) } else { directory::at(&path) };
        let Some((FoundKind::Folder { inode }, seen)) = now else {
            if is_start {
                path_events.push(note(path, REMOVED));
            }
            // Else the folder above has changed as well.
            return;
        };
        if is_start && folder.listed.is_some_and(|listed| listed.stamp.inode() != inode) {
            path_events.push(note(path, REMOVED));
            return;
        }
        let mut changed = HashSet::new();
        if folder.listed != Some(Listed { stamp: seen.stamp, twice: true }) {
            match directory::list(&path) {
                Ok(listed) => {
                    // What comes within the grain of the file system's clock leaves no other time: a folder that has
                    // changed is listed once more the next time.
                    let twice = folder.listed.is_some_and(|before| before.stamp == seen.stamp);
                    folder.listed = Some(Listed { stamp: seen.stamp, twice });
                    let mut names: HashSet<_> = folder.entries.keys().collect();
                    for Found { name, kind } in &listed {
                        names.remove(name);
                        let same = match (folder.entries.get(name), kind) {
                            (Some(Entry::Folder { inode }), FoundKind::Folder { inode: now }) => inode == now,
                            (Some(Entry::File(_)), FoundKind::File) | (None, FoundKind::Other) => true,
                            _ => false,
                        };
                        if !same {
                            path_events.push(note(path.join(name), CHANGED));
                            changed.insert(name.clone());
                        }
                    }
                    for name in names {
                        path_events.push(note(path.join(name), REMOVED));
                        changed.insert(name.clone());
                    }
                }
                Err(error) => self.source.note_unreadable(&path, &error),
            }
        }
        for (name, entry) in &folder.entries {
            let Entry::File(known) = entry else { continue };
            if changed.contains(name) {
                continue;
            }
            let file = path.join(name);
            match directory::at(&file) {
                Some((_, seen)) if known.stamp == Some(seen.stamp) && known.unfinished.is_none() => {}
                Some(_) => path_events.push(note(file, CHANGED)),
                None => path_events.push(note(file, REMOVED)),
            }
        }
    }

    /// Goes over to looking, as a whole, if the operating system's events are not enough here. Nothing is lost by that: the
    /// first look compares with all that is known.
    pub(super) fn go_over_if_need_be(&mut self) {
        let by_hand = self.source.choice() == WatchChoice::Poll && !self.source.polls();
        let refusal = self.source.refusal(self.starts.iter().map(PathBuf::as_path));
        if by_hand || refusal.is_some() {
            self.go_over(refusal);
        }
    }

    /// Goes over to looking.
    pub(super) fn go_over(&mut self, refusal: Option<Refusal>) {
        self.source.give_up(refusal);
        let now = self.clock.now();
        self.polling = Polling { next: now, retry: now + Polling::RETRY, held: self.polling.held, ..Polling::new() };
        self.note_beside();
    }

    /// What is in the folders beside the tree now is known from now on.
    pub(super) fn note_beside(&mut self) {
        if self.source.polls() {
            for path in &self.beside {
                if !self.polling.beside.contains_key(path) {
                    self.polling.beside.insert(path.clone(), stamps(path));
                }
            }
        }
    }

    /// Tries to get the operating system's events again, and looks once more when they are there. Whether they are.
    pub(super) fn return_to_events(&mut self) -> bool {
        let starts: HashSet<_> = self.starts.iter().map(PathBuf::as_path).collect();
        if self.source.choice() == WatchChoice::Auto
            && starts.iter().any(|start| crate::watch::source::is_silent(start))
        {
            return false;
        }
        let links = |folder: &Path| if starts.contains(folder) { Links::Follow } else { Links::Refuse };
        let folders = self.tree.keys().map(|folder| (folder.as_path(), links(folder)));
        let folders: Vec<_> =
            folders.chain(self.beside.iter().map(|folder| (folder.as_path(), Links::Follow))).collect();
        if !self.source.try_events(folders.into_iter()) {
            return false;
        }
        if self.source.choice() == WatchChoice::Auto && !self.sync_by_cookie(Self::SILENCE) {
            self.source.give_up(Some(Refusal::Silent));
            return false;
        }
        // What has happened since the last look and before there were watches.
        self.poll();
        true
    }

    /// How long an event may take on a machine that is very busy.
    pub(super) const SILENCE: Duration = Duration::from_secs(10);
}

/// The stamps of what is in a folder.
fn stamps(folder: &Path) -> HashMap<OsString, Stamp> {
    let listed = directory::list(folder).unwrap_or_default();
    let stamp = |name: OsString| directory::at(&folder.join(&name)).map(|(_, seen)| (name, seen.stamp));
    listed.into_iter().filter_map(|found| stamp(found.name)).collect()
}
