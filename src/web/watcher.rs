//! What the watcher has seen last, with what became of it and by which rule: the list that the dashboard shows.

use serde::Serialize;

use crate::clock::Clock;
use crate::domain::{GroupSnapshot, JournalEntry, Match, ServiceName};
use crate::logs::RuleLine;

/// The last file events, oldest first.
#[derive(Serialize)]
pub(super) struct Watcher {
    version: u32,
    entries: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    /// Grows by one with each entry. What is told of an entry changes with its verdict.
    seq: u64,
    at: String,
    path: String,
    /// `created`, `modified`, `removed`.
    kind: String,
    /// What became of it, in a word or two.
    verdict: String,
    /// How many alike in a row.
    times: u32,
    services: Vec<String>,
    rule: Option<RuleLine>,
    /// The rule with its place, for people.
    rule_text: Option<String>,
}

impl Watcher {
    /// Those after an entry, or all.
    pub(super) fn of(group: &GroupSnapshot, after: Option<u64>, clock: Clock) -> Self {
        let is_meant = |entry: &&JournalEntry| after.is_none_or(|after| entry.seq > after);
        let entries = group.journal.entries().filter(is_meant).map(|entry| Entry::of(entry, &group.file, clock));
        Self { version: 1, entries: entries.collect() }
    }
}

impl Entry {
    fn of(entry: &JournalEntry, file: &str, clock: Clock) -> Self {
        let rule = match &entry.event.matched {
            Match::Watched { rule, .. } | Match::Ignored(rule) => Some(rule),
            Match::NoMatch => None,
        };
        Self {
            seq: entry.seq,
            at: clock.rfc3339(entry.event.at),
            path: entry.event.path.to_string(),
            kind: entry.event.kind.to_string(),
            verdict: entry.verdict.to_string(),
            times: entry.times,
            services: entry.services.iter().map(ServiceName::to_string).collect(),
            rule: rule.map(RuleLine::from),
            rule_text: rule.map(|rule| rule.in_file(file)),
        }
    }
}
