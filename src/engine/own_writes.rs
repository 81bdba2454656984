//! A service that restarts itself: it writes a file that it watches, and each start writes it again.
//!
//! Nobody tells who wrote a file. What gives such a service away is the rhythm: the same file changes after each of its
//! starts, always at about the same time after it. When that has caused [`ROUNDS`] restarts in a row, the file stops
//! counting for the service. A person who saves a file again and again, or a formatter that follows a save, keeps no such
//! time; a service whose processes have all slept since before the change is innocent, where the system tells; and a
//! change of the file long after the service has last written it counts again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Difference, Marker, Moment, Notice, OnChange, ServiceName, ignore_line};

use super::Effect;
use super::path_set::PathSet;
use super::service::Service;
use super::turn::Turn;

/// So many restarts for the same file are borne.
const ROUNDS: u32 = 3;
/// What a service writes because it has started, it writes this soon after it.
const REACH: Duration = Duration::from_secs(10);
/// Times after the start are the same if they differ by no more than this …
const TOLERANCE: Duration = Duration::from_millis(150);
/// … or by this part of them, whichever is more: a start takes as long as the machine has time for it.
const TOLERANCE_PART: u32 = 10;
/// Who has slept since so long before the news of a write has not written it.
const WRITING: Duration = Duration::from_millis(15);
/// Files that are suspected at once.
const SUSPECTS: usize = 100;

/// See the top of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnWrites {
    /// When the service last started, or was told of its changes.
    began: Option<Moment>,
    /// Restarts in a row for the suspects.
    rounds: u32,
    /// The files that changed after each start of the row, and how long after the last one.
    suspects: BTreeMap<Arc<str>, Duration>,
    /// The files that do not count any more, and when each was last seen to change.
    caught: BTreeMap<Arc<str>, Moment>,
    /// When a process of the service last ran, if that was asked for and is known.
    active: Option<Moment>,
    /// One that was caught just now and is to be told.
    fresh: Option<Arc<str>>,
}

/// The files of a difference.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    /// Those that count.
    pub(super) matter: PathSet,
    /// Those that the service writes itself.
    pub(super) caught: PathSet,
}

impl OwnWrites {
    /// The service starts with the files as they are.
    pub(super) fn begin(&mut self, now: Moment) {
        self.began = Some(now);
        self.active = None;
    }

    /// All of the service's processes have slept since then.
    pub(super) fn was_active(&mut self, at: Moment) {
        self.active = Some(at);
    }

    /// Somebody has looked into it: everything counts again.
    pub(super) fn forget(&mut self) {
        *self = Self { began: self.began, ..Self::default() };
    }

    fn judge(&mut self, difference: Difference, counts: bool) -> Judged {
        let mut judged = Judged::default();
        let mut early = BTreeMap::new();
        let began = self.began.unwrap_or_default();
        let mut files = difference.files;
        files.retain(|file| {
            let Some(seen) = self.caught.get_mut(&file.path) else { return true };
            if file.last_at.since(began.max(*seen)) >= REACH {
                self.caught.remove(&file.path);
                return true;
            }
            *seen = file.last_at.max(*seen);
            judged.caught.insert(&file.path);
            false
        });
        for file in &files {
            judged.matter.insert(&file.path);
            let delay = file.first_at.since(began);
            if self.began.is_some() && file.first_at >= began && delay <= REACH && early.len() < SUSPECTS {
                early.insert(Arc::clone(&file.path), (delay, file.last_at));
            }
        }
        judged.matter.add_unnamed(difference.more);
        if judged.matter.is_empty() {
            return judged;
        }
        if !counts {
            self.acquit();
            return judged;
        }
        let kept: BTreeMap<Arc<str>, Duration> = early
            .iter()
            .filter(|(path, (delay, _))| self.suspects.get(*path).is_some_and(|before| are_same(*before, *delay)))
            .map(|(path, (delay, _))| (Arc::clone(path), *delay))
            .collect();
        if kept.is_empty() {
            self.rounds = u32::from(!early.is_empty());
            self.suspects = early.into_iter().map(|(path, (delay, _))| (path, delay)).collect();
            return judged;
        }
        self.rounds += 1;
        self.suspects = kept;
        let written = self.suspects.values().min().map(|delay| began + *delay);
        if self.rounds > ROUNDS && self.active.zip(written).is_some_and(|(active, at)| active + WRITING < at) {
            self.acquit();
        }
        if self.rounds > ROUNDS {
            self.rounds = 0;
            judged.matter = PathSet::default();
            for file in files.iter().filter(|file| !self.suspects.contains_key(&file.path)) {
                judged.matter.insert(&file.path);
            }
            judged.matter.add_unnamed(difference.more);
            for path in std::mem::take(&mut self.suspects).into_keys() {
                judged.caught.insert(&path);
                self.fresh.get_or_insert_with(|| Arc::clone(&path));
                let last_at = early.get(&path).map_or(Moment::START, |(_, last_at)| *last_at);
                self.caught.insert(path, last_at);
            }
        }
        judged
    }
}

impl OwnWrites {
    /// It was somebody else.
    fn acquit(&mut self) {
        self.rounds = 0;
        self.suspects.clear();
    }
}

fn are_same(one: Duration, other: Duration) -> bool {
    one.abs_diff(other) <= TOLERANCE.max(one / TOLERANCE_PART)
}

impl Service {
    /// Asks whether the service has slept, if that decides about what it has written itself.
    pub(super) fn observe_on_trial(&self, turn: &mut Turn) {
        if self.own_writes.rounds >= ROUNDS && self.is_live() {
            turn.order(Effect::Observe { service: self.name().clone(), run: self.run });
        }
    }

    /// Sorts out what the service has written itself. `by_itself`: quiet has come, and no hold has ended: those have
    /// owners who know what they do.
    pub(super) fn judge_own_writes(&mut self, difference: Difference, by_itself: bool, turn: &mut Turn) -> Judged {
        let counts = by_itself && self.is_live() && self.spec.on_change != OnChange::Notify;
        let judged = self.own_writes.judge(difference, counts);
        if let Some(path) = &self.own_writes.fresh {
            turn.narrate(&self.spec.name, Marker::WritesItself { path: path.to_string(), restarts: ROUNDS });
        }
        judged
    }

    /// A file that was caught just now, and whose.
    pub(super) fn take_caught(&mut self) -> Option<(Arc<str>, ServiceName)> {
        self.own_writes.fresh.take().map(|path| (path, self.spec.name.clone()))
    }
}

/// What is said about it.
pub(super) fn notice(path: &str, service: &ServiceName, turn: &Turn) -> Notice {
    let line = ignore_line(path);
    Notice {
        at: turn.now,
        problem: true,
        summary: format!("{service} writes {path} itself and is not restarted for it any more · [watch] {line}").into(),
        detail: format!(
            "{service} was restarted {ROUNDS} times in a row because {path} changed, each time at the same time after \
             its start: it seems to write that file itself.\n\nIt does not react to {path} any more. To make that last, \
             add it to procgroup.toml:\n\n    [watch]\n    {line}\n\nA restart by hand (r) or a saved procgroup.toml \
             makes it react again."
        )
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Differs;

    fn changed(files: &[(&str, u64)]) -> Difference {
        let differs = |&(path, at): &(&str, u64)| Differs {
            path: path.into(),
            first_at: Moment::from_millis(at),
            last_at: Moment::from_millis(at),
        };
        Difference { files: files.iter().map(differs).collect(), more: 0 }
    }

    /// A service that is started at these times; after each start the file changes so much later. How often it counts.
    fn counts(starts_and_delays: &[(u64, u64)]) -> usize {
        let mut own = OwnWrites::default();
        let count = |&(start, delay): &(u64, u64)| {
            own.begin(Moment::from_millis(start));
            !own.judge(changed(&[("gen.txt", start + delay)]), true).matter.is_empty()
        };
        starts_and_delays.iter().map(count).filter(|&counts| counts).count()
    }

    #[test]
    fn a_file_that_changes_at_the_same_time_after_each_start_is_caught_after_three_restarts() {
        assert_eq!(counts(&[(0, 30), (100, 5), (200, 110), (500, 40), (600, 30), (700, 1)]), 3);
        assert_eq!(counts(&[(0, 3_000), (4_000, 3_100), (8_000, 2_900), (12_000, 3_050), (16_000, 3_000)]), 3);
    }

    #[test]
    fn saves_of_a_person_and_a_formatter_after_a_save_are_not() {
        assert_eq!(counts(&[(0, 60_000), (60_030, 900), (61_000, 1_300), (62_400, 700), (63_200, 1_100)]), 5);
        let formatter = [(0, 60_000), (60_030, 80), (60_150, 4_000), (64_200, 80), (64_300, 2_500), (66_900, 80)];
        assert_eq!(counts(&formatter), 6);
        let much_later = [(0, 11_000), (11_100, 11_000), (22_200, 11_000), (33_300, 11_000), (44_400, 11_000)];
        assert_eq!(counts(&much_later), 5);
    }

    #[test]
    fn who_has_slept_is_innocent() {
        let mut own = OwnWrites::default();
        for start in [0, 1_000, 2_000, 3_000, 4_000] {
            own.begin(Moment::from_millis(start));
            own.was_active(Moment::from_millis(start + 10));
            assert!(!own.judge(changed(&[("a.rs", start + 200)]), true).matter.is_empty());
        }
        own.begin(Moment::from_millis(5_000));
        own.judge(changed(&[("a.rs", 5_200)]), false);
        assert_eq!(own.rounds, 0, "the end of a hold is nobody's rhythm");
    }

    #[test]
    fn other_files_still_count_and_a_late_change_of_the_file_does_again() {
        let mut own = OwnWrites::default();
        for start in [0, 100, 200, 300] {
            own.begin(Moment::from_millis(start));
            own.judge(changed(&[("gen.txt", start + 10)]), true);
        }
        assert_eq!(own.fresh.as_deref(), Some("gen.txt"));
        let judged = own.judge(changed(&[("gen.txt", 310), ("main.rs", 400)]), true);
        assert_eq!((judged.matter.files().map(|files| files.first), judged.caught.len()), (Some("main.rs".into()), 1));
        // Again and again by itself: its own still.
        let mut again = changed(&[("gen.txt", 310)]);
        again.files[0].last_at = Moment::from_millis(9_000);
        assert!(own.judge(again.clone(), true).matter.is_empty());
        again.files[0].last_at = Moment::from_millis(60_000);
        assert!(!own.judge(again, true).matter.is_empty());
    }
}
