//! The circuit breaker: closed (tries go on), open (too many crashes: wait), half-open (one run is tried).
//!
//! The open state itself is [`Phase::CrashLoop`](crate::domain::Phase::CrashLoop); here is what leads there and back.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::{Breaker, Moment};

/// Crash times that are kept, however many the file allows within however long.
const REMEMBERED: usize = 10_000;

/// The crashes of one service since it was last started by hand, by a change, or recovered.
#[derive(Clone, Debug, Default)]
pub(super) struct CrashRecord {
    /// Crashes within the breaker's time, oldest first.
    recent: VecDeque<Moment>,
    /// Crashes in a row, without a run that lasted.
    in_a_row: u32,
    /// The first of that row.
    row_began: Option<Moment>,
    /// The present run is the one try after the cooldown.
    half_open: bool,
}

/// What a crash means for the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CrashCount {
    /// Which crash within the breaker's time this is, from 1.
    pub(super) number: u32,
    /// Which crash in a row, from 1: the exponent of the backoff.
    pub(super) in_a_row: u32,
    /// The circuit opens: so many crashes, within this time.
    pub(super) opens: Option<(u32, Duration)>,
}

impl CrashRecord {
    /// Counts a crash. `lasted`: the run was up for `backoff.reset_after`.
    pub(super) fn crash(&mut self, breaker: &Breaker, lasted: bool, now: Moment) -> CrashCount {
        if lasted {
            if self.half_open {
                *self = Self::default();
            }
            self.in_a_row = 0;
            self.row_began = None;
        }
        while self.recent.front().is_some_and(|&at| now.since(at) > breaker.within) || self.recent.len() >= REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.in_a_row = self.in_a_row.saturating_add(1);
        let row_began = *self.row_began.get_or_insert(now);
        let number = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        let opens = if self.half_open {
            Some((self.in_a_row, Duration::from_secs(now.since(row_began).as_secs())))
        } else if number >= breaker.failures {
            Some((number, breaker.within))
        } else {
            None
        };
        // The one try has failed: that is no first crash of five, but one more on top of them.
        let number = if self.half_open { number.max(self.in_a_row) } else { number };
        self.half_open = false;
        CrashCount { number: number.min(breaker.failures.max(1)), in_a_row: self.in_a_row, opens }
    }

    /// Counts a run that was stuck. Finding that out may take longer than the time in which crashes are counted, so here
    /// a row of runs of which none has lasted opens the circuit, however long it took.
    pub(super) fn stuck(&mut self, breaker: &Breaker, lasted: bool, now: Moment) -> CrashCount {
        let mut count = self.crash(breaker, lasted, now);
        if count.opens.is_none() && count.in_a_row >= breaker.failures {
            let row_began = self.row_began.unwrap_or(now);
            count.opens = Some((count.in_a_row, Duration::from_secs(now.since(row_began).as_secs())));
        }
        count
    }

    /// Counts the failure of a job, which has no circuit. How many there are in a row.
    pub(super) fn failed_again(&mut self) -> u32 {
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.in_a_row
    }

    /// As [`Self::half_open`], where the circuit is open.
    pub(super) fn half_open_if(&mut self, is_open: bool) {
        self.half_open |= is_open;
    }

    /// The cooldown is over: the next run is the one try.
    pub(super) fn half_open(&mut self) {
        self.half_open = true;
    }

    /// The readiness check of the present run has succeeded: if it was the one try, the circuit closes.
    pub(super) fn ready(&mut self) {
        if self.half_open {
            *self = Self::default();
        }
    }

    /// Somebody had a reason to try: a fresh count.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKER: Breaker =
        Breaker { failures: 3, within: Duration::from_secs(60), cooldown: Duration::from_secs(60) };

    fn at(seconds: u64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    #[test]
    fn it_opens_at_the_count_within_the_time() {
        let mut record = CrashRecord::default();
        assert_eq!(record.crash(&BREAKER, false, at(0)).opens, None);
        assert_eq!(record.crash(&BREAKER, false, at(1)).opens, None);
        let third = record.crash(&BREAKER, false, at(2));
        assert_eq!(third, CrashCount { number: 3, in_a_row: 3, opens: Some((3, BREAKER.within)) });
    }

    #[test]
    fn slow_crashes_do_not_open_it() {
        let mut record = CrashRecord::default();
        for n in 0..10 {
            let count = record.crash(&BREAKER, false, at(n * 40));
            assert_eq!(count.opens, None, "crash {n}");
            assert_eq!(count.in_a_row, u32::try_from(n).unwrap() + 1);
        }
    }

    #[test]
    fn a_run_that_lasted_starts_the_row_anew_but_not_the_window() {
        let mut record = CrashRecord::default();
        record.crash(&BREAKER, false, at(0));
        let count = record.crash(&BREAKER, true, at(15));
        assert_eq!((count.number, count.in_a_row), (2, 1));
    }

    #[test]
    fn half_open_one_crash_opens_again() {
        let mut record = CrashRecord::default();
        for n in 0..3 {
            record.crash(&BREAKER, false, at(n));
        }
        record.half_open();
        let count = record.crash(&BREAKER, false, at(100));
        assert_eq!(count.opens, Some((4, Duration::from_secs(100))));
    }

    #[test]
    fn half_open_closes_when_the_run_lasts_or_gets_ready() {
        let mut lasted = CrashRecord::default();
        let mut ready = CrashRecord::default();
        for record in [&mut lasted, &mut ready] {
            for n in 0..3 {
                record.crash(&BREAKER, false, at(n));
            }
            record.half_open();
        }
        assert_eq!(lasted.crash(&BREAKER, true, at(90)).opens, None);
        ready.ready();
        assert_eq!(ready.crash(&BREAKER, false, at(90)).opens, None);
    }
}
