//! A service that restarts itself: it writes a file that it watches, and each start writes it again.
//!
//! Nobody tells who wrote a file. What gives such a service away is the rhythm: the same file, or a new one with a name
//! like it, changes after each of its starts, always at about the same time after it. When that has caused [`ROUNDS`]
//! restarts in a row, the file stops counting for the service. A person who saves a file again and again, or a formatter
//! that follows a save, keeps no such time. And where the system tells whether processes have run, a service whose
//! processes have all slept while the file was written, by the time of the file itself, is innocent, whatever the rhythm:
//! whoever writes runs. To know that, the service is looked at now and then in the seconds in which the next change would
//! be one too many. Later, a change of the file that it has slept through counts again, and so does one long after the
//! last.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{Difference, Differs, Marker, Moment, Notice, OnChange, ServiceName, Written};

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
/// … or by this part of them, whichever is more …
const TOLERANCE_PART: u32 = 10;
/// … or if both are no longer than this: a start takes as long as the machine has time for it, and nobody saves so soon
/// after each of several starts in a row.
const AT_ONCE: Duration = Duration::from_millis(400);
/// Files that are suspected at once.
const SUSPECTS: usize = 100;
/// File systems date with the clock's last tick, which is up to so long ago.
const GRAIN: Duration = Duration::from_millis(20);
/// Between two looks at whether the service sleeps …
const LOOK: Duration = Duration::from_millis(20);
/// … or this part of the time since its start, whichever is more.
const LOOK_PART: u32 = 10;
/// Sleeps of one run that are remembered: more than it can be looked at.
const SLEEPS: usize = 100;

/// See the top of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnWrites {
    /// When the service last started, or was told of its changes.
    began: Option<Moment>,
    /// Restarts in a row for the suspects.
    rounds: u32,
    /// The files that changed after each start of the row, and how long after the last one.
    suspects: BTreeMap<Written, Duration>,
    /// The files that do not count any more, and when each was last seen to change.
    caught: BTreeMap<Written, Moment>,
    /// What came after this start has been a round, or not. Changes come again and again before the next start, where that
    /// has to be validated first: they are no further rounds.
    counted: bool,
    /// When all of its processes are known to have slept since it began.
    slept: Vec<Slept>,
    /// When that was last asked for.
    asked: Option<Moment>,
    /// One that was caught just now and is to be told.
    fresh: Option<Written>,
}

/// No process of a service ran between the two moments.
#[derive(Clone, Copy, Debug)]
struct Slept {
    since: Moment,
    until: Moment,
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
        self.slept.clear();
        (self.asked, self.counted) = (None, false);
    }

    /// All of the service's processes slept between these.
    pub(super) fn has_slept(&mut self, since: Moment, until: Moment) {
        if let Some(last) = self.slept.last_mut().filter(|last| last.since == since) {
            last.until = last.until.max(until);
            return;
        }
        if self.slept.len() == SLEEPS {
            self.slept.remove(0);
        }
        self.slept.push(Slept { since, until });
    }

    /// When the service is to be looked at next.
    fn next_look(&self) -> Option<Moment> {
        let began = self.began.filter(|_| self.rounds >= ROUNDS)?;
        let last = self.asked.unwrap_or(began);
        let next = last + LOOK.max(last.since(began) / LOOK_PART);
        (next <= began + REACH).then_some(next)
    }

    /// Somebody has looked into it: everything counts again.
    pub(super) fn forget(&mut self) {
        *self = Self { began: self.began, ..Self::default() };
    }

    /// Nobody of the service was awake when the file was written.
    fn slept_through(&self, file: &Differs) -> bool {
        file.written_at.is_some_and(|written| {
            self.slept.iter().any(|Slept { since, until }| *since < written && written + GRAIN <= *until)
        })
    }

    fn judge(&mut self, difference: Difference, counts: bool) -> Judged {
        let mut judged = Judged::default();
        let began = self.began.unwrap_or_default();
        let Difference { mut files, more } = difference;
        files.retain(|file| {
            let written = Written::of(&file.path, file.is_new);
            let Some(seen) = self.caught.get(&written).copied() else { return true };
            if self.slept_through(file) || file.last_at.since(began.max(seen)) >= REACH {
                self.caught.remove(&written);
                return true;
            }
            self.caught.insert(written, file.last_at.max(seen));
            judged.caught.insert(&file.path);
            false
        });
        let mut early: BTreeMap<Written, Early> = BTreeMap::new();
        for file in &files {
            judged.matter.insert(&file.path);
            let delay = file.written_at.map_or(file.first_at, |at| at.min(file.first_at)).since(began);
            if self.began.is_none() || file.first_at < began || delay > REACH || early.len() >= SUSPECTS {
                continue;
            }
            let (last_at, slept) = (file.last_at, self.slept_through(file));
            let early = early.entry(Written::of(&file.path, file.is_new)).or_insert(Early { delay, last_at, slept });
            *early = Early {
                delay: early.delay.min(delay),
                last_at: early.last_at.max(last_at),
                slept: early.slept && slept,
            };
        }
        judged.matter.add_unnamed(more);
        if judged.matter.is_empty() || counts && std::mem::replace(&mut self.counted, true) {
            return judged;
        }
        // What happens while they sleep is no round of theirs.
        early.retain(|_, early| !early.slept);
        if !counts {
            early.clear();
        }
        let is_again = |written: &Written, early: &Early| {
            self.suspects.get(written).is_some_and(|before| are_same(*before, early.delay))
        };
        let again: BTreeMap<Written, Duration> = early
            .iter()
            .filter(|(written, early)| is_again(written, early))
            .map(|(written, early)| (written.clone(), early.delay))
            .collect();
        if again.is_empty() {
            self.rounds = u32::from(!early.is_empty());
            self.suspects = early.into_iter().map(|(written, early)| (written, early.delay)).collect();
            return judged;
        }
        self.rounds += 1;
        self.suspects = again;
        if self.rounds > ROUNDS {
            self.rounds = 0;
            let own = std::mem::take(&mut self.suspects);
            judged.matter = PathSet::default();
            for file in &files {
                let is_own = own.contains_key(&Written::of(&file.path, file.is_new));
                if is_own { judged.caught.insert(&file.path) } else { judged.matter.insert(&file.path) }
            }
            judged.matter.add_unnamed(more);
            for written in own.into_keys() {
                self.fresh.get_or_insert_with(|| written.clone());
                let last_at = early.get(&written).map_or(Moment::START, |early| early.last_at);
                self.caught.insert(written, last_at);
            }
        }
        judged
    }
}

/// What changed soon after a start.
struct Early {
    /// How soon.
    delay: Duration,
    last_at: Moment,
    /// Nobody of the service was awake then.
    slept: bool,
}

fn are_same(one: Duration, other: Duration) -> bool {
    one.max(other) <= AT_ONCE || one.abs_diff(other) <= TOLERANCE.max(one / TOLERANCE_PART)
}

impl Service {
    /// Asks whether the service sleeps, if that may decide about what it has written itself, and it is time to.
    pub(super) fn observe_if_due(&mut self, turn: &mut Turn) {
        if self.next_look().is_some_and(|next| next <= turn.now) {
            self.observe(turn);
        }
    }

    /// The same when quiet has come: soon it will be judged.
    pub(super) fn observe_before_judgement(&mut self, turn: &mut Turn) {
        if self.own_writes.rounds >= ROUNDS || !self.own_writes.caught.is_empty() {
            self.observe(turn);
        }
    }

    /// See [`Service::observe_if_due`].
    pub(super) fn next_look(&self) -> Option<Moment> {
        self.own_writes.next_look().filter(|_| self.is_live())
    }

    fn observe(&mut self, turn: &mut Turn) {
        if self.is_live() {
            self.own_writes.asked = Some(turn.now);
            turn.order(Effect::Observe { service: self.name().clone(), run: self.run });
        }
    }

    /// Sorts out what the service has written itself. `by_itself`: quiet has come, and no hold has ended: those have
    /// owners who know what they do.
    pub(super) fn judge_own_writes(&mut self, difference: Difference, by_itself: bool, turn: &mut Turn) -> Judged {
        let counts = by_itself && self.is_live() && self.spec.on_change != OnChange::Notify;
        let judged = self.own_writes.judge(difference, counts);
        if let Some(written) = &self.own_writes.fresh {
            turn.narrate(&self.spec.name, Marker::WritesItself { written: written.clone(), restarts: ROUNDS });
        }
        judged
    }

    /// A file that was caught just now, and whose.
    pub(super) fn take_caught(&mut self) -> Option<(Written, ServiceName)> {
        self.own_writes.fresh.take().map(|written| (written, self.spec.name.clone()))
    }
}

/// What is said about it.
pub(super) fn notice(written: &Written, service: &ServiceName, turn: &Turn) -> Notice {
    let line = written.ignore_line();
    Notice {
        at: turn.now,
        problem: true,
        summary: format!("{service} writes {written} itself and is not restarted for it any more · [watch] {line}").into(),
        detail: format!(
            "{service} was restarted {ROUNDS} times in a row because {written} changed, each time at the same time after \
             its start: it seems to write that file itself.\n\nIt does not react to {written} any more. To make that last, \
             add it to procgroup.toml:\n\n    [watch]\n    {line}\n\nA restart by hand (r) or a saved procgroup.toml \
             makes it react again."
        )
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(files: &[(&str, u64)]) -> Difference {
        let differs = |&(path, at): &(&str, u64)| Differs {
            path: path.into(),
            first_at: Moment::from_millis(at),
            last_at: Moment::from_millis(at),
            written_at: Some(Moment::from_millis(at)),
            is_new: false,
        };
        Difference { files: files.iter().map(differs).collect(), more: 0 }
    }

    #[test]
    fn changes_that_lead_to_no_start_are_no_rounds() {
        let mut own = OwnWrites::default();
        own.begin(Moment::from_millis(1_000));
        for _ in 0..10 {
            assert!(!own.judge(changed(&[("main.rs", 3_000)]), true).matter.is_empty());
        }
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
    fn who_has_slept_is_innocent_however_late_the_news_is() {
        let at = Moment::from_millis;
        let mut own = OwnWrites::default();
        for start in (0..20_000).step_by(2_000) {
            own.begin(at(start));
            own.has_slept(at(start + 190), at(start + 200));
            own.has_slept(at(start + 190), at(start + 500));
            let mut saved = changed(&[("a.rs", start + 400)]);
            saved.files[0].written_at = Some(at(start + 200));
            assert!(!own.judge(saved, true).matter.is_empty());
        }
        own.begin(at(20_000));
        own.judge(changed(&[("a.rs", 20_200)]), false);
        assert_eq!(own.rounds, 0, "the end of a hold is nobody's rhythm");
    }

    #[test]
    fn who_was_awake_at_the_time_of_the_file_is_not_acquitted_by_late_news() {
        let at = Moment::from_millis;
        let mut own = OwnWrites::default();
        let mut matters = 0;
        for start in [0, 2_000, 4_000, 6_000] {
            own.begin(at(start));
            // It slept from the moment on in which it had written; the news came long after that.
            own.has_slept(at(start + 30), at(start + 300));
            let mut wrote = changed(&[("gen.txt", start + 290)]);
            wrote.files[0].written_at = Some(at(start + 30));
            // And by a clock that is late this may have been written after the sleep.
            if start == 4_000 {
                wrote.files[0].written_at = Some(at(start + 295));
            }
            matters += usize::from(!own.judge(wrote, true).matter.is_empty());
        }
        assert_eq!((matters, own.fresh), (3, Some(Written::File("gen.txt".into()))));
    }

    #[test]
    fn it_is_looked_at_only_while_it_is_on_trial_and_ever_more_rarely() {
        let at = Moment::from_millis;
        let mut own = OwnWrites::default();
        for start in [0, 1_000, 2_000] {
            own.begin(at(start));
            assert_eq!(own.next_look(), None);
            own.judge(changed(&[("gen.txt", start + 10)]), true);
        }
        own.begin(at(3_000));
        let mut looks = Vec::new();
        while let Some(next) = own.next_look() {
            own.asked = Some(next);
            looks.push(next);
        }
        assert_eq!(looks[0], at(3_020));
        assert!(looks.len() < SLEEPS && looks.last() > Some(&at(11_000)), "{looks:?}");
    }

    #[test]
    fn a_new_file_with_a_new_number_in_its_name_after_each_start_is_caught() {
        let mut own = OwnWrites::default();
        let mut matters = 0;
        for start in 0..5 {
            own.begin(Moment::from_millis(start * 1_000));
            let mut wrote = changed(&[(format!("out/{}.txt", 4_711 + start * 13).as_str(), start * 1_000 + 20)]);
            wrote.files[0].is_new = true;
            let judged = own.judge(wrote, true);
            matters += usize::from(!judged.matter.is_empty());
            assert_eq!(judged.matter.is_empty(), !judged.caught.is_empty());
        }
        assert_eq!(matters, 3);
        assert_eq!(own.fresh.map(|fresh| fresh.ignore_line()).as_deref(), Some("ignore = [\"/out/*.txt\"]"));
    }

    #[test]
    fn what_was_caught_counts_again_when_the_service_has_slept_through_its_change() {
        let at = Moment::from_millis;
        let mut own = OwnWrites::default();
        for start in [0, 100, 200, 300] {
            own.begin(at(start));
            own.judge(changed(&[("gen.txt", start + 10)]), true);
        }
        own.has_slept(at(310), at(320));
        assert!(own.judge(changed(&[("gen.txt", 321)]), true).matter.is_empty());
        own.has_slept(at(310), at(2_100));
        assert!(!own.judge(changed(&[("gen.txt", 1_990)]), true).matter.is_empty());
    }

    #[test]
    fn other_files_still_count_and_a_late_change_of_the_file_does_again() {
        let mut own = OwnWrites::default();
        for start in [0, 100, 200, 300] {
            own.begin(Moment::from_millis(start));
            own.judge(changed(&[("gen.txt", start + 10)]), true);
        }
        assert_eq!(own.fresh, Some(Written::File("gen.txt".into())));
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
