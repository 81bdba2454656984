//! Restart rate limiting: how long a change waits that comes right after a start.
//!
//! Whoever wrote the file, a change that comes so soon after a start may be a consequence of it, and the next start would
//! cause the next change. Nobody guesses whether it is: some such starts are free, then each waits longer than the last. No
//! change is lost by it: at the end of the wait, what is on disk then is what runs.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::{ChangeAction, Difference, Differs, Marker, Moment, Written};

/// Starts that changes cause this soon after a start, and that do not wait.
const FREE: u32 = 5;
/// The waits of those that follow; the last one is that of all others.
const WAITS: [u64; 6] = [1, 2, 4, 8, 16, 30];
/// A change comes right after a start if it comes before the run has become ready or ended, or this soon after the start or
/// that: what a run writes when it is done may be seen when it has ended.
const RIGHT_AFTER: Duration = Duration::from_secs(2);
/// Without a change for so long after a start, or for twice the last wait, whichever is longer, the count begins anew.
const CALM: Duration = Duration::from_secs(10);
/// Files that are remembered to name those that have changed after each start.
const NAMED: usize = 100;

/// The starts of one service and the changes that came right after them.
#[derive(Clone, Debug, Default)]
pub(super) struct RateLimit {
    /// Changes that came right after a start, since the count began.
    level: u32,
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
    /// What has changed after each of the starts.
    each_time: Option<BTreeSet<Written>>,
}

impl RateLimit {
    /// A run is started, or what stands in its place is done. Whatever waited is met by that.
    pub(super) fn begin(&mut self, now: Moment) {
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

    /// So many changes have come right after a start.
    pub(super) fn level(&self) -> u32 {
        self.level
    }

    /// The free starts are used up: a further change is no reason to believe that the next run will do better.
    pub(super) fn is_limiting(&self) -> bool {
        self.level > FREE
    }

    /// A change is to be acted on that was first seen at `first_at`. Until when it has to wait, if it has to.
    pub(super) fn wait(&mut self, first_at: Moment, difference: Option<&Difference>, now: Moment) -> Option<Moment> {
        if let Some(until) = self.until {
            return (until > now).then_some(until);
        }
        let began = self.began?;
        if first_at.since(began.max(self.last_change)) >= CALM.max(self.last_wait * 2) {
            (self.level, self.last_wait, self.each_time) = (0, Duration::ZERO, None);
        }
        self.last_change = now;
        let is_right_after = self.settled.is_none_or(|settled| first_at < settled.max(began) + RIGHT_AFTER);
        if !is_right_after || std::mem::replace(&mut self.counted, true) {
            return None;
        }
        self.level = self.level.saturating_add(1);
        self.remember(difference);
        let beyond = self.level.checked_sub(FREE + 1)?;
        let last = WAITS.len() - 1;
        let seconds = WAITS.get(beyond as usize).or(WAITS.get(last)).copied().unwrap_or_default();
        self.last_wait = Duration::from_secs(seconds);
        self.until = Some(now + self.last_wait);
        self.until
    }

    fn remember(&mut self, difference: Option<&Difference>) {
        let files = difference.into_iter().flat_map(|difference| &difference.files).take(NAMED);
        // A file that is new the first time may be the same one each time.
        let counts_as = |file: &Differs| [Written::of(&file.path, file.is_new), Written::of(&file.path, false)];
        let these: BTreeSet<Written> = files.flat_map(counts_as).collect();
        self.each_time = Some(match self.each_time.take() {
            Some(before) => before.intersection(&these).cloned().collect(),
            None => these,
        });
    }

    /// The wait that is on, for the log, once. `action`: what waits.
    pub(super) fn marker(&mut self, action: ChangeAction, now: Moment) -> Option<Marker> {
        let wait = self.until?.since(now);
        if std::mem::replace(&mut self.told, true) {
            return None;
        }
        let written = self.each_time.as_ref().and_then(|each| each.first()).cloned();
        Some(Marker::Limited { action, wait, written, starts: self.level })
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
        assert_eq!(waits(&mut limit, 1_000.0, 3.0, 1), [0.0]);
        assert_eq!(waits(&mut limit, 1_003.0, 0.1, 1), [30.0]);
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
        let marker = Marker::Limited { action, wait: Duration::from_secs(1), written: Some(written), starts: 6 };
        assert_eq!(limit.marker(action, at(5.0)), Some(marker.clone()));
        assert_eq!(limit.marker(action, at(5.0)), None, "once");
        assert_eq!((limit.take_back(), limit.take_back()), (true, false));
        assert_eq!(limit.marker(action, at(5.0)), Some(marker));
    }
}
