//! The state of each service's files when it last started, for the files that have changed since.
//!
//! All other files are as the tree knows them.
//!
//! For a changed file this keeps its fingerprint from before the first change after the start. Beyond 20,000 changed
//! files, further changes count without a comparison, and a service is told of at most a thousand files. Contents are
//! read in the background, at most a quarter of the time, and again once the clock of the file system has advanced
//! (git's "racily clean").

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::fingerprint::Fingerprint;
use crate::domain::{Moment, ServiceName};

/// Changed files that are followed for each service: a few megabytes. More than that is a change in any case.
const CAPACITY: usize = 20_000;

/// If there were more, so many are told: to compare all would change nothing.
const TOLD: usize = 1_000;

/// A write that is not finished and so recent may be going on: a service that starts now may see a part of it.
const BEING_WRITTEN: Duration = Duration::from_millis(200);

/// What nobody has read in this time was there for longer than a file between the steps of one program that writes it.
const UNREAD: Duration = Duration::from_millis(10);

/// The baselines of all services.
#[derive(Debug, Default)]
pub(super) struct Baselines {
    of: HashMap<ServiceName, Changed>,
    next: u64,
}

/// The files that have changed since a service started.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// By their paths as bytes: they are compared often, and are written in one way only.
    files: HashMap<OsString, Was>,
    /// Changes that there was no room for.
    beyond: usize,
    /// The last of them.
    beyond_at: Moment,
}

/// What a file was.
#[derive(Clone, Debug)]
pub(super) struct Was {
    /// When the service started.
    pub(super) print: Fingerprint,
    /// As in [`FileEvent::path`](crate::domain::FileEvent::path).
    pub(super) shown: Arc<str>,
    pub(super) first_at: Moment,
    pub(super) last_at: Moment,
    /// When it first held something else than at the start, of what it held until a later change.
    pub(super) between: Option<Moment>,
    /// Its last change was a write that was not finished.
    open: bool,
    /// For the order.
    number: u64,
}

impl Was {
    /// Whether the file held another content than at the start, `was`, until this change. To be gone, empty or half-written
    /// does not count: a program that clears its output first writes at each start what it wrote before.
    fn held_another(&self, was: Fingerprint, until: Moment) -> bool {
        match was {
            _ if self.open => false,
            Fingerprint::Absent | Fingerprint::EMPTY => false,
            Fingerprint::Unknown => until.since(self.last_at) >= UNREAD,
            was => !was.is_same(self.print),
        }
    }
}

impl Baselines {
    /// A file has changed; `was` is what it was before.
    pub(super) fn note_change(
        &mut self,
        services: &[ServiceName],
        path: &Path,
        shown: &Arc<str>,
        was: Fingerprint,
        at: Moment,
        finished: bool,
    ) {
        for name in services {
            let changed = match self.of.get_mut(name) {
                Some(changed) => changed,
                None => self.of.entry(name.clone()).or_default(),
            };
            if let Some(known) = changed.files.get_mut(path.as_os_str()) {
                if known.held_another(was, at) {
                    known.between.get_or_insert(known.last_at);
                }
                known.last_at = known.last_at.max(at);
                known.open = !finished;
            } else if changed.files.len() < CAPACITY {
                let shown = Arc::clone(shown);
                let (open, number) = (!finished, self.next);
                let was = Was { print: was, shown, first_at: at, last_at: at, between: None, open, number };
                changed.files.insert(path.as_os_str().to_owned(), was);
                self.next += 1;
            } else {
                changed.beyond = changed.beyond.saturating_add(1);
                changed.beyond_at = changed.beyond_at.max(at);
            }
        }
    }

    /// The service knows all that has changed until then. `is_old` tells of a file, of whose change the news came later,
    /// whether it was changed before all the same.
    pub(super) fn renew(&mut self, name: &ServiceName, at: Moment, is_old: impl Fn(&Path) -> bool) {
        let Some(changed) = self.of.get_mut(name) else { return };
        if changed.beyond_at <= at {
            changed.beyond = 0;
        }
        changed.files.retain(|path, was| {
            if was.last_at > at && is_old(Path::new(path)) {
                return false;
            }
            let being_written = was.open && at.since(was.last_at) < BEING_WRITTEN;
            if (was.last_at > at || being_written) && was.first_at <= at {
                // Changed before and after: what it was in between is not known.
                was.print = Fingerprint::Unknown;
                was.first_at = was.last_at;
            }
            was.last_at > at || being_written
        });
        if changed.files.is_empty() && changed.beyond == 0 {
            self.of.remove(name);
        }
    }

    /// The files of a service that have changed, in the order in which they first did, and how many more there are.
    pub(super) fn changed(&self, name: &ServiceName) -> (Vec<(PathBuf, Was)>, usize) {
        let Some(changed) = self.of.get(name) else { return (Vec::new(), 0) };
        let mut files: Vec<_> = changed.files.iter().collect();
        files.sort_unstable_by_key(|(_, was)| was.number);
        let told = if changed.beyond == 0 { files.len() } else { TOLD.min(files.len()) };
        let more = changed.beyond.saturating_add(files.len() - told);
        (files.into_iter().take(told).map(|(path, was)| (path.into(), was.clone())).collect(), more)
    }

    /// Changes that there was no room for are known to the service.
    pub(super) fn forget_beyond(&mut self, name: &ServiceName) {
        if let Some(changed) = self.of.get_mut(name) {
            changed.beyond = 0;
        }
    }

    /// The file is what it was.
    pub(super) fn forget(&mut self, name: &ServiceName, path: &Path) {
        if let Some(changed) = self.of.get_mut(name) {
            changed.files.remove(path.as_os_str());
        }
    }

    /// The rules have changed: keeps what is still watched.
    pub(super) fn retain(&mut self, watched: impl Fn(&ServiceName, &Path) -> bool) {
        for (name, changed) in &mut self.of {
            changed.files.retain(|path, _| watched(name, Path::new(path)));
        }
        self.of.retain(|_, changed| !changed.files.is_empty() || changed.beyond > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_millis(millis)
    }

    fn note_change(baselines: &mut Baselines, path: &str, was: Fingerprint, millis: u64) {
        baselines.note_change(&["api".into(), "web".into()], Path::new(path), &path.into(), was, at(millis), true);
    }

    fn changed(baselines: &Baselines, name: &str) -> Vec<(String, Fingerprint)> {
        let (files, _) = baselines.changed(&name.into());
        files.into_iter().map(|(path, was)| (path.display().to_string(), was.print)).collect()
    }

    #[test]
    fn the_state_before_the_first_change_is_what_counts() {
        let mut baselines = Baselines::default();
        let [one, two, three] = [1, 2, 3].map(|n| Fingerprint::Hash([n, n]));
        note_change(&mut baselines, "b", one, 10);
        note_change(&mut baselines, "a", Fingerprint::Absent, 20);
        note_change(&mut baselines, "b", two, 30);
        assert_eq!(changed(&baselines, "api"), [("b".into(), one), ("a".into(), Fingerprint::Absent)]);
        baselines.renew(&"api".into(), at(25), |_| false);
        // What changed before and after the start cannot be told.
        assert_eq!(changed(&baselines, "api"), [("b".into(), Fingerprint::Unknown)]);
        assert_eq!(changed(&baselines, "web").len(), 2);
        baselines.renew(&"api".into(), at(30), |_| false);
        note_change(&mut baselines, "b", three, 40);
        note_change(&mut baselines, "c", three, 40);
        baselines.renew(&"api".into(), at(35), |path| path == Path::new("c"));
        assert_eq!(changed(&baselines, "api"), [("b".into(), three)]);
    }

    #[test]
    fn what_a_file_held_between_two_changes_is_known_by_its_time() {
        let mut baselines = Baselines::default();
        let [one, two] = [1, 2].map(|n| Fingerprint::Hash([n, n]));
        let between = |baselines: &Baselines, path: &str| {
            let (files, _) = baselines.changed(&"api".into());
            files.iter().find(|(its, _)| its == Path::new(path)).and_then(|(_, was)| was.between)
        };
        note_change(&mut baselines, "touched", one, 10);
        note_change(&mut baselines, "touched", one, 20);
        assert_eq!(between(&baselines, "touched"), None);
        note_change(&mut baselines, "touched", one, 30);
        note_change(&mut baselines, "touched", two, 40);
        note_change(&mut baselines, "touched", Fingerprint::Unknown, 50);
        assert_eq!(between(&baselines, "touched"), Some(at(30)), "it came with the change before");
        note_change(&mut baselines, "unread", one, 10);
        note_change(&mut baselines, "unread", Fingerprint::Unknown, 15);
        assert_eq!(between(&baselines, "unread"), None, "one step of a program");
        note_change(&mut baselines, "unread", Fingerprint::Unknown, 60);
        assert_eq!(between(&baselines, "unread"), Some(at(15)), "nobody knows what it was");
        let names = ["api".into()];
        baselines.note_change(&names, Path::new("out"), &"out".into(), one, at(10), false);
        note_change(&mut baselines, "out", two, 100);
        assert_eq!(between(&baselines, "out"), None, "it was being written");
        note_change(&mut baselines, "out", Fingerprint::Absent, 200);
        note_change(&mut baselines, "out", Fingerprint::EMPTY, 300);
        assert_eq!(between(&baselines, "out"), None, "it was cleared first");
    }

    #[test]
    fn what_is_being_written_during_a_start_is_not_known_by_it() {
        let mut baselines = Baselines::default();
        let names = ["api".into()];
        baselines.note_change(&names, Path::new("a"), &"a".into(), Fingerprint::EMPTY, at(10), false);
        baselines.renew(&names[0], at(50), |_| false);
        assert_eq!(changed(&baselines, "api"), [("a".into(), Fingerprint::Unknown)]);
        baselines.renew(&names[0], at(500), |_| false);
        assert_eq!(changed(&baselines, "api"), []);
    }

    #[test]
    fn its_memory_is_bounded_and_what_is_beyond_counts() {
        let mut baselines = Baselines::default();
        for n in 0..CAPACITY + 5 {
            note_change(&mut baselines, &n.to_string(), Fingerprint::Absent, 1);
        }
        let (files, beyond) = baselines.changed(&"api".into());
        assert_eq!((files.len(), beyond), (TOLD, CAPACITY + 5 - TOLD));
        assert_eq!((&*files[0].1.shown, &*files[1].1.shown), ("0", "1"), "the first");
        note_change(&mut baselines, "late", Fingerprint::Absent, 3);
        baselines.renew(&"api".into(), at(2), |_| false);
        let (files, beyond) = baselines.changed(&"api".into());
        assert!(files.is_empty() && beyond > 0, "one of them has come after that");
        baselines.renew(&"api".into(), at(3), |_| false);
        let (files, beyond) = baselines.changed(&"api".into());
        assert_eq!((files.len(), beyond), (0, 0));
        note_change(&mut baselines, "later", Fingerprint::Absent, 9);
        baselines.forget_beyond(&"web".into());
        assert_eq!(baselines.changed(&"web".into()).0.len(), CAPACITY);
    }
}
