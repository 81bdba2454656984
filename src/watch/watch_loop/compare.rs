//! Comparing: what each file holds is found out in the background, and what has changed is compared when it is asked for.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::WatchLoop;
use crate::domain::{ChangeKind, Comparison, Difference, Differs, FileReader, Match, Moment, WatchReport};
use crate::watch::directory;
use crate::watch::fingerprint::{self, Fingerprint, Look};
use crate::watch::own_files::OwnNews;
use crate::watch::pending::{Batch, Request};
use crate::watch::tree::{self, Content, Entry, KnownFile};

/// What is to be read, and what is to be answered.
#[derive(Debug, Default)]
pub(super) struct Comparing {
    /// Folders whose files have not been read yet.
    folders: Vec<PathBuf>,
    /// Files of the folder at hand.
    files: Vec<PathBuf>,
    /// Files that were read too soon after a change, or not since, and when to read them.
    again: VecDeque<(PathBuf, Moment)>,
    /// Questions whose answer waits for a file that is empty for the moment.
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    ask: u64,
    services: Vec<FileReader>,
    tries: u32,
    next: Moment,
}

/// In the background so much time is spent on reading …
const SLICE: Duration = Duration::from_millis(2);
/// … and then so much is left to others.
const PAUSE: Duration = Duration::from_millis(6);
/// Files that wait to be read again; of more, the content stays unknown, which is to say changed.
const AGAIN: usize = 20_000;
/// How long the end of a hold waits for the stream of events to be complete.
const SYNC_PATIENCE: Duration = Duration::from_secs(2);
/// A file that was emptied is looked at again after this time …
const EMPTY_PAUSE: Duration = Duration::from_millis(15);
/// … so many times: editors truncate first and then write.
const EMPTY_TRIES: u32 = 3;

impl WatchLoop {
    /// Folders that were walked silently are to be read.
    pub(super) fn read_later(&mut self, folder: PathBuf) {
        self.comparing.folders.push(folder);
    }

    /// A file has changed: it is read when it cannot change any more without another time stamp.
    pub(super) fn read_again(&mut self, path: &Path, at: Moment) {
        if self.comparing.again.len() < AGAIN {
            self.comparing.again.push_back((path.to_path_buf(), at + fingerprint::GRAIN + fingerprint::GRAIN));
        }
    }

    /// Answers what can be answered now, and reads what is to be read, for a moment. How long until there is more to do.
    pub(super) fn work_in_background(&mut self) -> Option<Duration> {
        let began = self.clock.now();
        self.answer_waiting(began);
        loop {
            let now = self.clock.now();
            if now.since(began) >= SLICE {
                return Some(PAUSE);
            }
            if !self.pending.is_empty() {
                return Some(Duration::ZERO);
            }
            let due = self.comparing.again.front().is_some_and(|(_, due)| *due <= now);
            let next = if due { self.comparing.again.pop_front().map(|(path, _)| path) } else { self.next_unread() };
            let Some(path) = next else { break };
            self.read_file(&path);
        }
        let again = self.comparing.again.front().map(|(_, due)| *due);
        let waiting = self.comparing.waiting.iter().map(|waiting| waiting.next);
        waiting.chain(again).min().map(|due| due.since(began))
    }

    fn next_unread(&mut self) -> Option<PathBuf> {
        loop {
            if let Some(file) = self.comparing.files.pop() {
                return Some(file);
            }
            let path = self.comparing.folders.pop()?;
            let Some(folder) = self.tree.get(&path) else { continue };
            let unread = |entry: &Entry| matches!(entry, Entry::File(KnownFile { content: Content::Unknown, .. }));
            let names = folder.entries.iter().filter(|(_, entry)| unread(entry)).map(|(name, _)| path.join(name));
            self.comparing.files = names
                .filter(|file| matches!(self.rules.decide_in(&folder.folder_state, file, false), Match::Watched { .. }))
                .collect();
        }
    }

    /// Reads a file and puts down what it holds, if it is the file that is known.
    fn read_file(&mut self, path: &Path) -> Fingerprint {
        let now = self.clock.now();
        let look = fingerprint::read(path, self.clock.file_time(now));
        let Look { print: Fingerprint::Hash(hash), seen: Some(seen), sure } = look else { return look.print };
        let Some(known) = tree::file_mut(&mut self.tree, path).filter(|known| known.stamp == Some(seen.stamp)) else {
            return look.print;
        };
        let before = *known;
        known.content = if sure { Content::Sure(hash) } else { Content::Racy(hash) };
        if let Content::Racy(then) = before.content
            && then != hash
            && let Some(folder_state) =
                path.parent().and_then(|folder| self.tree.get(folder)).map(|folder| &folder.folder_state)
        {
            // It was changed again within the grain of the clock, and no event has said so.
            let folder_state = folder_state.clone();
            self.add_event_with_fingerprint(
                &folder_state,
                path,
                ChangeKind::Modified,
                true,
                Fingerprint::Hash(then),
                now,
            );
        }
        if !sure {
            self.read_again(path, now);
        }
        look.print
    }

    /// What a file holds now.
    fn print_now(&mut self, path: &Path) -> Fingerprint {
        if let Some(print) = self.environment_files.print_now(path, self.clock.file_time(self.clock.now())) {
            return print;
        }
        if let Some(Entry::File(KnownFile { stamp: Some(stamp), content: Content::Sure(hash), .. })) =
            tree::entry(&self.tree, path)
            && directory::at(path).is_some_and(|(_, seen)| seen.stamp == stamp)
        {
            return Fingerprint::Hash(hash);
        }
        self.read_file(path)
    }

    /// Takes up what the loop asks for.
    pub(super) fn take_up(&mut self, request: Request) {
        match request {
            Request::Held(held) => self.set_held(held),
            Request::GroupRefused => self.take_in_own_files(OwnNews::of_sweep()),
            Request::CatchUp(number) => {
                self.catch_up();
                // What it knows of is to be reported before it.
                self.report();
                self.outbox.push(WatchReport::CaughtUp(number));
            }
            Request::Baseline { services, at, sync } => {
                if sync {
                    self.catch_up();
                }
                // What was changed surely before that moment, however late the news of it. What comes within the grain
                // of the file system's clock may have been changed after it: that must not be forgotten.
                let before = self.clock.file_time(at).checked_sub(fingerprint::GRAIN).filter(|_| sync);
                let is_old = |path: &Path| {
                    let seen = directory::at(path).map(|(_, seen)| seen.stamp);
                    before.zip(seen).is_some_and(|(before, stamp)| !stamp.is_changed_after(before))
                };
                let mut discarded = Vec::new();
                for name in &services {
                    if sync {
                        discarded.extend(self.baselines.changed(name).0.into_iter().map(|(path, _)| path));
                        self.baselines.forget_beyond(name);
                    }
                    self.baselines.renew(name, at, is_old);
                }
                // What comes next is compared with what is discarded, which has to be known.
                discarded.sort_unstable();
                discarded.dedup();
                for path in discarded {
                    self.print_now(&path);
                }
            }
            Request::Compare { ask, services, sync } => {
                if sync {
                    self.catch_up();
                }
                let now = self.clock.now();
                self.answer(Waiting { ask, services, tries: 0, next: now });
            }
        }
    }

    /// Makes sure that all that has happened until now is known.
    fn catch_up(&mut self) {
        if !self.sync(SYNC_PATIENCE) {
            // The events are not to be trusted: the disk is.
            self.take_in(Batch { sweep: true, ..Batch::default() });
        }
    }

    fn answer_waiting(&mut self, now: Moment) {
        while let Some(place) = self.comparing.waiting.iter().position(|waiting| waiting.next <= now) {
            let waiting = self.comparing.waiting.swap_remove(place);
            self.answer(waiting);
        }
    }

    fn answer(&mut self, waiting: Waiting) {
        let mut prints = HashMap::new();
        let mut emptied = false;
        let mut services = Vec::with_capacity(waiting.services.len());
        for FileReader { service: name, began, until } in &waiting.services {
            let (changed, beyond) = self.baselines.changed(name);
            let mut difference = Difference { files: Vec::new(), more: beyond };
            for (path, was) in changed {
                if self.pending.stopped() {
                    return;
                }
                let now = match prints.get(&path) {
                    Some(print) => *print,
                    None => {
                        let print = self.print_now(&path);
                        prints.insert(path.clone(), print);
                        print
                    }
                };
                let until = if self.environment_files.has(&path) { began } else { until };
                let was_read_between = was.between.is_some_and(|between| between <= *until);
                if was.print.is_same(now) && !was_read_between {
                    self.baselines.forget(name, &path);
                    continue;
                }
                emptied |= now == Fingerprint::EMPTY && was.print != Fingerprint::Absent;
                if difference.files.len() < Difference::NAMED {
                    let (first_at, last_at) = (was.first_at, was.last_at);
                    let is_new = was.print == Fingerprint::Absent;
                    difference.files.push(Differs { path: was.shown, first_at, last_at, is_new });
                } else {
                    difference.more += 1;
                }
            }
            services.push((name.clone(), difference));
        }
        let now = self.clock.now();
        if emptied && waiting.tries < EMPTY_TRIES {
            let waiting = Waiting { tries: waiting.tries + 1, next: now + EMPTY_PAUSE, ..waiting };
            self.comparing.waiting.push(waiting);
            return;
        }
        // What it knows of is to be reported before it.
        self.report();
        self.outbox.push(WatchReport::Compared(Comparison { ask: waiting.ask, services }));
    }

    /// The rules have changed: what is not watched any more is no difference.
    pub(super) fn forget_unwatched(&mut self) {
        let (tree, rules) = (&self.tree, &self.rules);
        self.baselines.retain(|name, path| {
            let matched = rules.decide_environment(path);
            let matched = matched.unwrap_or_else(|| match path.parent().and_then(|folder| tree.get(folder)) {
                Some(folder) => rules.decide_in(&folder.folder_state, path, false),
                None => rules.decide(path, false),
            });
            matches!(matched, Match::Watched { services, .. } if services.contains(name))
        });
    }
}
