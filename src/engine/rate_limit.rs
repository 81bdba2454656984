//! Restart rate limiting: how long a change waits that comes right after a start.
//!
//! Whoever wrote the file, a change that comes so soon after a start may be a consequence of it, and the next start would
//! cause the next change. Nobody guesses whether it is: some such starts are free, then each waits longer than the last. No
//! change is lost by it: at the end of the wait, what is on disk then is what runs.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::{ChangeAction, Difference, Differs, HowSoon, Marker, Moment, Written};

/// Starts that changes cause this soon after a start, and that do not wait.
const FREE: u32 = 5;
/// The waits of those that follow; the last one is that of all others.
const WAITS: [u64; 6] = [1, 2, 4, 8, 16, 30];
/// A change comes right after a start if it comes before the run has become ready or ended, or this soon after the start or
/// that: what a run writes when it is done may be seen when it has ended.
const RIGHT_AFTER: Duration = Duration::from_secs(2);
/// Without a change for so long after a start, or for twice the last wait, whichever is longer, the count begins anew.
const CALM: Duration = Duration::from_secs(10);
/// Changes that come later than right after a start do not wait either, until starts have followed each other for so long
/// without calm: a run that changes what it watches after three seconds is a loop as well, and a person rests.
const BUSY: Duration = Duration::from_secs(40);
/// From then on starts are so far apart at least: never more than three in a minute.
const APART: Duration = Duration::from_secs(21);
/// Files that are remembered to name those that have changed after each start.
const NAMED: usize = 100;

/// The starts of one service and the changes that came right after them.
#[derive(Clone, Debug, Default)]
pub(super) struct RateLimit {
    /// Starts that a change came right after, since the count began.
    right_after: Starts,
    /// Those, and starts that a change came later after, but before it was calm.
    soon_after: Starts,
    /// The first start since the count began.
    busy_since: Option<Moment>,
    /// A start waited because of `BUSY`, since the count began.
    is_busy: bool,
    /// The last start, or what stands in its place: a signal, a hook, a validation.
    began: Option<Moment>,
    /// When that had become ready or had ended.
    settled: Option<Moment>,
    /// A change has been counted for it.
    counted: bool,
    last_change: Moment,
    last_wait: Duration,
    /// The wait that is on.
    until: Option<Moment>,
    /// That wait has been told.
    told: bool,
}

/// Starts, and what has changed after each of them.
#[derive(Clone, Debug, Default)]
struct Starts {
    count: u32,
    each_time: Option<BTreeSet<Written>>,
}

impl RateLimit {
    /// A run is started, or what stands in its place is done. Whatever waited is met by that.
    pub(super) fn begin(&mut self, now: Moment) {
        // It is not for a change that it starts anew, and it was calm before.
        if !self.counted && self.is_calm(now) {
            self.begin_count();
        }
        self.began = Some(now);
        (self.settled, self.counted) = (None, false);
        self.end_wait();
    }

    /// The run is ready, or has ended. Only the first time counts.
    pub(super) fn settle(&mut self, now: Moment) {
        self.settled.get_or_insert(now);
    }

    /// A person ends the wait.
    pub(super) fn end_wait(&mut self) {
        (self.until, self.told) = (None, false);
    }

    /// The changes that wait are none any more, or nobody wants to know of them: the next ones are told anew. Whether these
    /// were told.
    pub(super) fn take_back(&mut self) -> bool {
        std::mem::take(&mut self.told)
    }

    /// After how many starts changes have come, and how soon after each.
    pub(super) fn counted(&self) -> (u32, HowSoon) {
        let (starts, soon) = self.reason();
        (starts.count, soon)
    }

    /// What has changed after each of these starts, if any file has.
    pub(super) fn written(&self) -> Option<&Written> {
        self.reason().0.each_time.as_ref()?.first()
    }

    fn reason(&self) -> (&Starts, HowSoon) {
        if self.is_busy { (&self.soon_after, HowSoon::SoonAfter) } else { (&self.right_after, HowSoon::RightAfter) }
    }

    /// The free starts are used up: a further change is no reason to believe that the next run will do better.
    pub(super) fn is_limiting(&self) -> bool {
        self.right_after.count > FREE || self.is_busy
    }

    /// A change is to be acted on that was first seen at `first_at`. Until when it has to wait, if it has to.
    pub(super) fn wait(&mut self, first_at: Moment, difference: Option<&Difference>, now: Moment) -> Option<Moment> {
        if let Some(until) = self.until {
            return (until > now).then_some(until);
        }
        let began = self.began?;
        let is_calm = self.is_calm(first_at);
        if is_calm {
            self.begin_count();
        }
        self.last_change = now;
        if std::mem::replace(&mut self.counted, true) {
            return None;
        }
        let busy_since = *self.busy_since.get_or_insert(if is_calm { now } else { began });
        let is_right_after = self.settled.is_none_or(|settled| first_at < settled.max(began) + RIGHT_AFTER);
        if is_right_after || !is_calm {
            self.soon_after.add(difference);
        }
        let mut until = now;
        if is_right_after {
            self.right_after.add(difference);
            let beyond = self.right_after.count.checked_sub(FREE + 1)?;
            let last = WAITS.len() - 1;
            let seconds = WAITS.get(beyond as usize).or(WAITS.get(last)).copied().unwrap_or_default();
            self.last_wait = Duration::from_secs(seconds);
            until = now + self.last_wait;
        }
        if now.since(busy_since) >= BUSY && until < began + APART {
            self.is_busy = true;
            until = began + APART;
        }
        self.until = (until > now).then_some(until);
        self.until
    }

    /// There was no change for long enough, at that moment.
    fn is_calm(&self, at: Moment) -> bool {
        let since = self.began.map_or(self.last_change, |began| began.max(self.last_change));
        at.since(since) >= CALM.max(self.last_wait * 2)
    }

    fn begin_count(&mut self) {
        (self.right_after, self.soon_after) = (Starts::default(), Starts::default());
        (self.busy_since, self.is_busy, self.last_wait) = (None, false, Duration::ZERO);
    }

    /// The wait that is on, for the log, once. `action`: what waits.
    pub(super) fn marker(&mut self, action: ChangeAction, now: Moment) -> Option<Marker> {
        let wait = self.until?.since(now);
        if std::mem::replace(&mut self.told, true) {
            return None;
        }
        let (starts, soon) = self.counted();
        Some(Marker::Limited { action, wait, written: self.written().cloned(), starts, soon })
    }
}

impl Starts {
    fn add(&mut self, difference: Option<&Difference>) {
        self.count = self.count.saturating_add(1);
        let files = difference.into_iter().flat_map(|difference| &difference.files).take(NAMED);
        // A file that is new the first time may be the same one each time.
        let counts_as = |file: &Differs| [Written::of(&file.path, file.is_new), Written::of(&file.path, false)];
        let these: BTreeSet<Written> = files.flat_map(counts_as).collect();
        self.each_time = Some(match self.each_time.take() {
            Some(before) => before.intersection(&these).cloned().collect(),
            None => these,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Moment {
        Moment::after_start(Duration::from_secs_f64(seconds))
    }

    fn change(paths: &[&str]) -> Difference {
        let file = |path: &&str| Differs { path: (*path).into(), first_at: at(0.0), last_at: at(0.0), is_new: false };
        Difference { files: paths.iter().map(file).collect(), more: 0 }
    }

    /// Starts, each followed by a change after `delay` seconds and, when that has waited, by the next start. The waits.
    fn waits(limit: &mut RateLimit, mut now: f64, delay: f64, rounds: usize) -> Vec<f64> {
        let mut waits = Vec::new();
        for _ in 0..rounds {
            limit.begin(at(now));
            limit.settle(at(now));
            now += delay;
            let until = limit.wait(at(now), Some(&change(&["gen.txt"])), at(now));
            let wait = until.map_or(0.0, |until| until.since(at(now)).as_secs_f64());
            waits.push(wait);
            now += wait;
        }
        waits
    }

    #[test]
    fn five_starts_are_free_and_then_each_waits_longer() {
        let mut limit = RateLimit::default();
        let expected = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0];
        assert_eq!(waits(&mut limit, 0.0, 0.1, 13), expected);
        // A change that is not right after a start does not wait, and takes nothing back.
        let mut limit = RateLimit::default();
        assert_eq!(waits(&mut limit, 0.0, 0.1, 7), expected[..7]);
        assert_eq!(waits(&mut limit, 4.0, 3.0, 1), [0.0]);
        assert_eq!(waits(&mut limit, 7.0, 0.1, 1), [4.0]);
    }

    /// When each start of a run is that a change follows after `delay` seconds, in five minutes. A job ends with the change.
    fn starts_of_a_loop(delay: f64, is_job: bool) -> Vec<f64> {
        let mut limit = RateLimit::default();
        let mut now = 0.0;
        let mut starts = Vec::new();
        while now < 300.0 {
            starts.push(now);
            limit.begin(at(now));
            if !is_job {
                limit.settle(at(now));
            }
            now += delay;
            limit.settle(at(now));
            if let Some(until) = limit.wait(at(now), Some(&change(&["gen.txt"])), at(now)) {
                now = until.since(at(0.0)).as_secs_f64();
            }
        }
        starts
    }

    #[test]
    fn an_endless_loop_costs_three_starts_in_any_minute_after_the_first() {
        for tenths in 1..100_u32 {
            for is_job in [false, true] {
                let delay = f64::from(tenths) / 10.0;
                let starts = starts_of_a_loop(delay, is_job);
                let late: Vec<f64> = starts.iter().copied().filter(|start| *start >= 60.0).collect();
                for (first, fourth) in late.iter().zip(late.iter().skip(3)) {
                    assert!(fourth - first > 60.0, "delay {delay}, job {is_job}: {starts:?}");
                }
            }
        }
    }

    #[test]
    fn who_saves_for_a_while_waits_for_nothing() {
        let saves = starts_of_a_loop(3.0, false);
        assert_eq!(saves[..14], (0..14).map(|n| f64::from(n) * 3.0).collect::<Vec<_>>()[..]);
        assert_eq!(saves[14] - saves[13], 21.0, "without a rest of ten seconds in forty");
    }

    #[test]
    fn calm_before_a_save_or_a_start_by_hand_is_no_part_of_a_loop() {
        let change = |limit: &mut RateLimit, now: f64| limit.wait(at(now), Some(&change(&["a.txt"])), at(now));
        let begin = |limit: &mut RateLimit, now: f64| {
            limit.begin(at(now));
            limit.settle(at(now));
        };
        for calm in [11.0, 41.0, 1_000.0] {
            let mut limit = RateLimit::default();
            begin(&mut limit, 0.0);
            assert_eq!(change(&mut limit, calm), None);
            begin(&mut limit, calm);
            assert_eq!(change(&mut limit, calm + 3.0), None, "the second save after {calm} s");
            begin(&mut limit, calm + 3.0);
            begin(&mut limit, 2.0 * calm + 3.0);
            assert_eq!(change(&mut limit, 2.0 * calm + 6.0), None, "a save after a start by hand");
        }
    }

    #[test]
    fn a_slow_loop_is_told_with_what_has_changed_each_time() {
        let mut limit = RateLimit::default();
        for round in 0..20_u32 {
            let now = at(f64::from(round) * 3.0);
            limit.begin(now);
            limit.settle(now);
            let now = now + Duration::from_secs(3);
            limit.wait(now, Some(&change(&["gen.txt", &format!("{round}.rs")])), now);
        }
        let marker = limit.marker(ChangeAction::Restart, at(60.0)).map(|marker| marker.words("14:02:11"));
        let expected =
            "restart in 18s · gen.txt changed soon after each of the last 20 starts · ignore = [\"gen.txt\"]";
        assert_eq!(marker.as_deref(), Some(expected));
    }

    #[test]
    fn calm_begins_the_count_anew_if_it_is_long_enough_for_the_last_wait() {
        for (calm, first) in [(59.0, 30.0), (60.0, 0.0)] {
            let mut limit = RateLimit::default();
            waits(&mut limit, 0.0, 0.1, 12);
            limit.begin(at(1_000.0));
            limit.settle(at(1_000.0));
            assert_eq!(limit.wait(at(1_000.0 + calm), None, at(1_000.0 + calm)), None);
            assert_eq!(waits(&mut limit, 1_000.0 + calm, 0.1, 1), [first], "after {calm} s");
        }
    }

    #[test]
    fn before_it_is_ready_a_change_counts_however_late_but_once_a_start() {
        let mut limit = RateLimit::default();
        waits(&mut limit, 0.0, 0.1, 5);
        limit.begin(at(1.0));
        let until = limit.wait(at(6.0), None, at(6.0));
        assert_eq!(until, Some(at(7.0)));
        // Further ones wait with it.
        assert_eq!(limit.wait(at(6.5), None, at(6.5)), until);
        assert_eq!(limit.wait(at(6.5), None, at(7.0)), None);
        limit.end_wait();
        assert_eq!(limit.wait(at(6.8), None, at(6.8)), None);
    }

    #[test]
    fn what_comes_soon_after_it_is_ready_or_has_ended_counts() {
        for (after, wait) in [(1.9, Some(1.0)), (2.1, None)] {
            let mut limit = RateLimit::default();
            waits(&mut limit, 0.0, 0.1, 5);
            limit.begin(at(1.0));
            limit.settle(at(5.0));
            let now = at(5.0 + after);
            let until = limit.wait(now, None, now);
            assert_eq!(until.map(|until| until.since(now).as_secs_f64()), wait, "after {after} s");
        }
    }

    #[test]
    fn a_file_that_was_new_the_first_time_is_named() {
        let mut limit = RateLimit::default();
        for round in 0..6_u32 {
            let now = at(f64::from(round));
            let mut change = change(&["out2"]);
            change.files.iter_mut().for_each(|file| file.is_new = round == 0);
            limit.begin(now);
            limit.wait(now, Some(&change), now);
        }
        let Some(Marker::Limited { written, .. }) = limit.marker(ChangeAction::Restart, at(5.0)) else { panic!() };
        assert_eq!(written, Some(Written::of(&"out2".into(), false)));
    }

    #[test]
    fn only_what_has_changed_each_time_is_named() {
        let mut limit = RateLimit::default();
        for round in 0..6_u32 {
            let now = at(f64::from(round));
            limit.begin(now);
            limit.wait(now, Some(&change(&["gen.txt", &format!("{round}.rs")])), now);
        }
        let written = Written::of(&"gen.txt".into(), false);
        let action = ChangeAction::Restart;
        let marker = Marker::Limited {
            action,
            wait: Duration::from_secs(1),
            written: Some(written),
            starts: 6,
            soon: HowSoon::RightAfter,
        };
        assert_eq!(limit.marker(action, at(5.0)), Some(marker.clone()));
        assert_eq!(limit.marker(action, at(5.0)), None, "once");
        assert_eq!((limit.take_back(), limit.take_back()), (true, false));
        assert_eq!(limit.marker(action, at(5.0)), Some(marker));
    }
}
