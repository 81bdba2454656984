//! Carries reports from the watcher's thread to the run loop: bounded, coalescing, never blocking.
//!
//! While the loop is slow, several changes of one path become one. Of a flood of paths only some are kept, but the loop
//! still learns of every affected service.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::domain::{ChangeKind, FileEvent, GitWork, Match, Moment, ServiceName, WatchReport, WatchStatus};

/// The news of a watcher, for one reader.
pub struct WatchReports {
    outbox: Arc<Outbox>,
}

impl WatchReports {
    pub(super) fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox }
    }

    /// The next news; `None` when the watcher has ended. Cancel-safe: nothing is taken out before it returns.
    pub async fn next(&mut self) -> Option<WatchReport> {
        loop {
            match self.outbox.take_next() {
                Taken::Report(report) => return Some(report),
                Taken::Closed => return None,
                // A report that comes before the wait has left a permit.
                Taken::Nothing => self.outbox.arrived.notified().await,
            }
        }
    }
}

impl fmt::Debug for WatchReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchReports").finish_non_exhaustive()
    }
}

/// What waits for the loop.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

/// Closes the outbox when the watcher's thread ends, also by a panic.
pub(super) struct Closes(pub(super) Arc<Outbox>);

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.arrived.notify_one();
    }
}

impl Outbox {
    /// Adds news. Never waits for the reader.
    pub(super) fn push(&self, report: WatchReport) {
        {
            let mut waiting = self.lock();
            match report {
                WatchReport::Files(events) => events.into_iter().for_each(|event| waiting.files.push(event)),
                WatchReport::Status(status) => waiting.status = Some(status),
                WatchReport::ConfigWritten(at) => waiting.config_written = waiting.config_written.or(Some(at)),
                answer @ (WatchReport::Compared(_) | WatchReport::CaughtUp(_)) => {
                    let after = waiting.files.end();
                    waiting.answers.push_back((after, answer));
                }
                WatchReport::Git(work) => waiting.git.push_back(work),
            }
        }
        self.arrived.notify_one();
    }

    fn take_next(&self) -> Taken {
        let mut waiting = self.lock();
        if let Some(status) = waiting.status.take() {
            return Taken::Report(WatchReport::Status(status));
        }
        // Before the files: it says what they mean.
        if let Some(work) = waiting.git.pop_front() {
            return Taken::Report(WatchReport::Git(work));
        }
        if let Some(at) = waiting.config_written.take() {
            return Taken::Report(WatchReport::ConfigWritten(at));
        }
        // After the files that it knows of, and not after all that come in a flood.
        let taken = waiting.files.first;
        if waiting.answers.front().is_some_and(|(after, _)| *after <= taken)
            && let Some((_, answer)) = waiting.answers.pop_front()
        {
            return Taken::Report(answer);
        }
        let files = waiting.files.take_events(FilesWaiting::AT_A_TIME);
        if !files.is_empty() {
            return Taken::Report(WatchReport::Files(files));
        }
        if waiting.closed { Taken::Closed } else { Taken::Nothing }
    }

    /// The watcher has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here can be left half done by a panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Taken {
    Report(WatchReport),
    Nothing,
    Closed,
}

#[derive(Default)]
struct Waiting {
    files: FilesWaiting,
    status: Option<WatchStatus>,
    config_written: Option<Moment>,
    /// Each with the number of the file event that it does not know of.
    answers: VecDeque<(usize, WatchReport)>,
    git: VecDeque<GitWork>,
    closed: bool,
}

/// File events in order of arrival, one for each path.
#[derive(Default)]
struct FilesWaiting {
    /// `None`: came and went again.
    events: VecDeque<Option<FileEvent>>,
    /// The number of the first of `events`.
    first: usize,
    /// Path to number.
    numbers: HashMap<Arc<str>, usize>,
    /// The services that `events` concern. Kept only while it is full.
    concerned: HashSet<ServiceName>,
}

impl FilesWaiting {
    /// Paths kept. More than any person's change has; a generator that fills it restarts what it concerns anyway.
    const CAPACITY: usize = 8192;
    /// Events in one report.
    const AT_A_TIME: usize = 256;

    /// The number of the next event.
    fn end(&self) -> usize {
        self.first + self.events.len()
    }

    fn push(&mut self, event: FileEvent) {
        if let Some(slot) =
            self.numbers.get(&event.path).and_then(|number| self.events.get_mut(number.wrapping_sub(self.first)))
            && let Some(before) = slot.take()
        {
            *slot = merge(&before, event);
            if slot.is_none() {
                self.numbers.remove(&before.path);
            }
            return;
        }
        if self.events.len() >= Self::CAPACITY && !self.concerns_another(&event.matched) {
            return;
        }
        self.numbers.insert(Arc::clone(&event.path), self.first + self.events.len());
        self.events.push_back(Some(event));
    }

    /// Whether an event must be kept although there is no room: a service would not learn that it is concerned.
    fn concerns_another(&mut self, matched: &Match) -> bool {
        let Match::Watched { services, .. } = matched else { return false };
        if self.concerned.is_empty() {
            for event in self.events.iter().flatten() {
                if let Match::Watched { services, .. } = &event.matched {
                    self.concerned.extend(services.iter().cloned());
                }
            }
        }
        // Each of them is put down, not only the first that is new.
        services.iter().filter(|service| self.concerned.insert((*service).clone())).count() > 0
    }

    fn take_events(&mut self, most: usize) -> Vec<FileEvent> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(event) = self.events.pop_front() else { break };
            self.first += 1;
            if let Some(event) = event {
                self.numbers.remove(&event.path);
                taken.push(event);
            }
        }
        if !taken.is_empty() {
            self.concerned.clear();
        }
        taken
    }
}

/// Two changes of one path as one; `None` if nothing is left of them.
fn merge(before: &FileEvent, mut after: FileEvent) -> Option<FileEvent> {
    after.kind = match (before.kind, after.kind) {
        (ChangeKind::Created, ChangeKind::Removed) => return None,
        (ChangeKind::Created, _) => ChangeKind::Created,
        (ChangeKind::Removed, ChangeKind::Created) => ChangeKind::Modified,
        (_, kind) => kind,
    };
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Moment, Rule, RuleSource};

    fn event(path: &str, kind: ChangeKind, service: &str) -> FileEvent {
        let name = ServiceName::from(service);
        FileEvent {
            at: Moment::START,
            path: path.into(),
            kind,
            finished: true,
            matched: Match::Watched {
                services: [name.clone()].into(),
                rule: Rule { source: RuleSource::ServiceWatch(name), line: None, file: None, pattern: "**".into() },
            },
        }
    }

    #[test]
    fn changes_of_one_path_become_one_while_the_loop_is_slow() {
        let mut files = FilesWaiting::default();
        files.push(event("gone", ChangeKind::Removed, "api"));
        files.push(event("new", ChangeKind::Created, "api"));
        files.push(event("brief", ChangeKind::Created, "api"));
        files.push(event("new", ChangeKind::Modified, "api"));
        files.push(event("brief", ChangeKind::Removed, "api"));
        files.push(event("gone", ChangeKind::Created, "api"));
        files.push(event("brief", ChangeKind::Created, "api"));
        let taken: Vec<_> =
            files.take_events(10).into_iter().map(|event| (event.path.to_string(), event.kind)).collect();
        let expected = [
            (String::from("gone"), ChangeKind::Modified),
            (String::from("new"), ChangeKind::Created),
            (String::from("brief"), ChangeKind::Created),
        ];
        assert_eq!(taken, expected);
        assert!(files.numbers.is_empty());
    }

    #[test]
    fn an_answer_comes_after_all_that_it_knows_of_and_not_after_what_comes_later() {
        let outbox = Outbox::default();
        let file = |path| WatchReport::Files(vec![event(path, ChangeKind::Created, "api")]);
        outbox.push(file("before"));
        outbox.push(WatchReport::CaughtUp(1));
        outbox.push(file("after"));
        let next = || match outbox.take_next() {
            Taken::Report(WatchReport::Files(files)) => {
                files.iter().map(|file| &*file.path).collect::<Vec<_>>().join(" ")
            }
            Taken::Report(report) => format!("{report:?}"),
            Taken::Nothing | Taken::Closed => String::new(),
        };
        // The file that comes later is taken along.
        assert_eq!([next(), next(), next()], ["before after", "CaughtUp(1)", ""]);
        let outbox = Arc::new(outbox);
        assert!(!outbox.is_closed());
        drop(Closes(Arc::clone(&outbox)));
        assert!(outbox.is_closed());
    }

    #[test]
    fn a_flood_is_bounded_and_still_concerns_every_service() {
        let mut files = FilesWaiting::default();
        for n in 0..3 * FilesWaiting::CAPACITY {
            files.push(event(&format!("generated/{n}"), ChangeKind::Created, "api"));
        }
        files.push(event("mail/template", ChangeKind::Modified, "mail"));
        files.push(event("mail/another", ChangeKind::Modified, "mail"));
        assert_eq!(files.events.len(), FilesWaiting::CAPACITY + 1);
        let mut last = None;
        loop {
            let taken = files.take_events(FilesWaiting::AT_A_TIME);
            assert!(taken.len() <= FilesWaiting::AT_A_TIME);
            let Some(event) = taken.into_iter().next_back() else { break };
            last = Some(event);
        }
        assert_eq!(last.map(|event| event.path.to_string()).as_deref(), Some("mail/template"));
        assert!(files.numbers.is_empty() && files.concerned.is_empty());
    }
}
