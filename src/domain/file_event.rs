//! What happened to files, which rule said what it means, and what became of it.

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Moment, ServiceName, visible, visible_path};

/// One change of one path, after the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEvent {
    /// When it arrived.
    pub at: Moment,
    /// Relative to the root of the group; absolute if outside. Bytes that are no UTF-8 are escapes (`\xff`).
    pub path: Arc<str>,
    /// Whether the file appeared, was written, or went away.
    pub kind: ChangeKind,
    /// The write is complete: closed after writing, renamed into place, or removed. An unfinished one waits longer.
    pub finished: bool,
    /// What the rules say.
    pub matched: Match,
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new, or was renamed to here.
    Created,
    /// Its content changed.
    Modified,
    /// It is gone, or was renamed to elsewhere.
    Removed,
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Created => "created",
            Self::Modified => "modified",
            Self::Removed => "removed",
        })
    }
}

/// What the rules say about a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// These services watch it.
    Watched {
        /// In the order of the file; never empty.
        services: Arc<[ServiceName]>,
        /// The rule of the first service.
        rule: Rule,
    },
    /// Taken out by this rule.
    Ignored(Rule),
    /// No service watches it.
    NoMatch,
}

/// A rule, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The file or list that it stands in.
    pub source: RuleSource,
    /// Line in that file, 1-based, where it is known.
    pub line: Option<u32>,
    /// Of a key of the configuration: the file that it stands in, relative to the root; `None` if that is the group's own.
    pub file: Option<Arc<str>>,
    /// The pattern as written.
    pub pattern: Arc<str>,
}

/// Where a rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleSource {
    /// In devgroup itself; with what sort of files it is about, for people.
    BuiltIn(&'static str),
    /// An ignore file (`.gitignore`, `.ignore`, `info/exclude`, the global one), relative to the root where it is below it.
    IgnoreFile(PathBuf),
    /// A pattern of `[services.NAME] watch`.
    ServiceWatch(ServiceName),
    /// A pattern of `[services.NAME] ignore`.
    ServiceIgnore(ServiceName),
    /// `[services.NAME] env_file`.
    EnvFile(ServiceName),
    /// A pattern of `[watch] ignore`.
    GroupIgnore,
    /// A pattern of `[watch] also`.
    GroupAlso,
}

impl Rule {
    /// With its place, where that is a file of the group: `services.api.watch (procgroup.toml:14)`. `file`: the group's own.
    pub fn in_file(&self, file: &str) -> String {
        match (&self.source, self.line) {
            (RuleSource::BuiltIn(_) | RuleSource::IgnoreFile(_), _) | (_, None) => self.to_string(),
            (_, Some(line)) => format!("{self} ({}:{line})", visible(self.file.as_deref().unwrap_or(file))),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = visible(&self.pattern);
        match &self.source {
            RuleSource::BuiltIn(sort) => write!(f, "built-in: {sort}"),
            RuleSource::IgnoreFile(file) => match self.line {
                Some(line) => write!(f, "{}:{line}  {pattern}", visible_path(file)),
                None => write!(f, "{}  {pattern}", visible_path(file)),
            },
            RuleSource::ServiceWatch(name) => write!(f, "services.{name}.watch"),
            RuleSource::ServiceIgnore(name) => write!(f, "services.{name}.ignore  {pattern}"),
            RuleSource::EnvFile(name) => write!(f, "services.{name}.env_file"),
            RuleSource::GroupIgnore => write!(f, "watch.ignore  {pattern}"),
            RuleSource::GroupAlso => write!(f, "watch.also  {pattern}"),
        }
    }
}

/// What became of a file event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Matched; waits for quiet.
    Pending,
    /// Matched; a bulk of changes goes on.
    Busy,
    /// Its services were, or are being, restarted or started.
    Restart,
    /// Its services were to be restarted, and are not: its content has not passed `validate`, or a start needs something
    /// that is missing.
    Refused,
    /// Its services were sent a signal.
    Signal,
    /// A command was run for it.
    Run,
    /// Only said so (`on_change = "mark"`).
    Mark,
    /// A hold keeps it.
    Held,
    /// A hold kept it and was ended with discard.
    Discarded,
    /// The content is what it was when its services last started.
    SameContent,
    /// It came right after a start, as others before: it is acted on later.
    Waits,
    /// Its services are stopped: they stay so.
    Stopped,
    /// An ignore rule took it out.
    Ignored,
    /// No service watches it.
    NoMatch,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Pending,
        Self::Busy,
        Self::Restart,
        Self::Refused,
        Self::Signal,
        Self::Run,
        Self::Mark,
        Self::Held,
        Self::Discarded,
        Self::SameContent,
        Self::Waits,
        Self::Stopped,
        Self::Ignored,
        Self::NoMatch,
    ];
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "pending",
            Self::Busy => "busy",
            Self::Restart => "restart",
            Self::Refused => "refused",
            Self::Signal => "signal",
            Self::Run => "run",
            Self::Mark => "mark",
            Self::Held => "held",
            Self::Discarded => "discarded",
            Self::SameContent => "same content",
            Self::Waits => "waits",
            Self::Stopped => "stopped",
            Self::Ignored => "ignored",
            Self::NoMatch => "no match",
        })
    }
}

/// A file event and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Grows by one with each entry.
    pub seq: u64,
    /// The event; of several alike in a row, the last.
    pub event: FileEvent,
    /// How many alike in a row: same path, kind and verdict.
    pub times: u32,
    /// What became of it.
    pub verdict: Verdict,
    /// When that was so.
    pub judged: Moment,
    /// The services that the verdict is about: at first those that watch the path, then those that acted.
    pub services: Vec<ServiceName>,
}

/// The last file events, for the watcher panel. Bounded; the counts are of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileJournal {
    entries: VecDeque<JournalEntry>,
    next_seq: u64,
    /// Events since the start.
    pub events: u64,
    /// How many events came to each verdict, in the order of [`Verdict::ALL`].
    judged: [u64; Verdict::ALL.len()],
}

impl FileJournal {
    /// Entries kept. Enough for an hour of saves; small enough that copying it costs microseconds.
    pub const CAPACITY: usize = 500;

    /// Adds an event. An event like the last one (path, kind and verdict) is counted there.
    pub fn push(&mut self, event: FileEvent, verdict: Verdict) {
        self.events += 1;
        let services = match &event.matched {
            Match::Watched { services, .. } => services.to_vec(),
            Match::Ignored(_) | Match::NoMatch => Vec::new(),
        };
        count(&mut self.judged, verdict, 1);
        if let Some(last) = self.entries.back_mut()
            && last.event.path == event.path
            && last.event.kind == event.kind
            && last.verdict == verdict
        {
            last.times = last.times.saturating_add(1);
            last.judged = event.at;
            last.event = event;
            last.services = services;
            return;
        }
        if self.entries.len() == Self::CAPACITY {
            self.entries.pop_front();
        }
        let judged = event.at;
        self.entries.push_back(JournalEntry { seq: self.next_seq, event, times: 1, verdict, judged, services });
        self.next_seq += 1;
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &JournalEntry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// Gives entries another verdict, from the newest back to the one of that number.
    pub fn judge(&mut self, first: u64, mut judge: impl FnMut(&mut JournalEntry)) {
        for entry in self.entries.iter_mut().rev().take_while(|entry| entry.seq >= first) {
            let before = entry.verdict;
            judge(entry);
            if entry.verdict != before {
                count(&mut self.judged, entry.verdict, u64::from(entry.times));
            }
        }
    }

    /// How many events have come to a verdict since the start, be it the first or a later one. Never falls.
    pub fn judged(&self, verdict: Verdict) -> u64 {
        let place = Verdict::ALL.iter().position(|one| *one == verdict);
        place.and_then(|place| self.judged.get(place)).copied().unwrap_or_default()
    }
}

fn count(judged: &mut [u64], verdict: Verdict, events: u64) {
    for (one, count) in Verdict::ALL.iter().zip(judged) {
        if *one == verdict {
            *count = count.saturating_add(events);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(path: &str) -> FileEvent {
        FileEvent {
            at: Moment::START,
            path: path.into(),
            kind: ChangeKind::Modified,
            finished: true,
            matched: Match::NoMatch,
        }
    }

    #[test]
    fn the_journal_counts_repeats_and_forgets_the_oldest() {
        let mut journal = FileJournal::default();
        for _ in 0..3 {
            journal.push(event("a"), Verdict::Ignored);
        }
        assert_eq!(journal.entries().len(), 1);
        assert_eq!(journal.entries().next().map(|entry| entry.times), Some(3));
        for n in 0..FileJournal::CAPACITY {
            journal.push(event(&n.to_string()), Verdict::NoMatch);
        }
        assert_eq!(journal.entries().len(), FileJournal::CAPACITY);
        assert_eq!((journal.events, journal.judged(Verdict::Ignored)), (3 + FileJournal::CAPACITY as u64, 3));
        assert!(journal.entries().all(|entry| &*entry.event.path != "a"));
    }

    #[test]
    fn each_verdict_that_an_event_comes_to_is_counted() {
        let mut journal = FileJournal::default();
        journal.push(event("old"), Verdict::Pending);
        journal.push(event("a"), Verdict::Pending);
        journal.push(event("a"), Verdict::Pending);
        let counts = |journal: &FileJournal| {
            [Verdict::Pending, Verdict::SameContent, Verdict::Restart].map(|verdict| journal.judged(verdict))
        };
        assert_eq!(counts(&journal), [3, 0, 0]);
        journal.judge(1, |entry| entry.verdict = Verdict::SameContent);
        journal.judge(1, |entry| entry.verdict = Verdict::Restart);
        journal.judge(1, |entry| entry.judged = Moment::from_millis(5));
        assert_eq!(counts(&journal), [3, 2, 2], "two alike in one entry, and the older one is left alone");
        assert_eq!(Verdict::ALL.iter().map(|verdict| journal.judged(*verdict)).sum::<u64>(), 7);
    }
}
