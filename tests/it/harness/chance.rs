//! What happens next, by chance, and the same each time.

use std::time::{Duration, SystemTime};

/// A linear congruential generator (Knuth, MMIX): the same numbers on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

/// The number in a variable of the environment, for tests that are run longer, or again, by hand.
pub(crate) fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}

/// The seed in a variable of the environment; without one, another one each time.
pub(crate) fn seed_of(variable: &str) -> u64 {
    let now = || SystemTime::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs() ^ u64::from(since.subsec_nanos()));
    number_of(variable).unwrap_or_else(now)
}

impl Chance {
    /// The numbers that follow from this one.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    /// A time below this one, in whole microseconds.
    pub(crate) fn time_below(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.below(usize::try_from(end.as_micros()).unwrap()) as u64)
    }

    /// One of these.
    pub(crate) fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }
}
