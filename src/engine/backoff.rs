//! How long to wait before the next try: exponential, bounded, with jitter from a generator that is part of the state.

use std::time::Duration;

use crate::domain::{Backoff, ServiceName};

/// The wait may be this share shorter or longer, so that services that fail together do not come back in step.
const SPREAD: f64 = 0.1;

/// A stream of numbers that is the same for the same seed and service: splitmix64 (Steele, Lea, Flood: "Fast splittable
/// pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    /// Each service has a stream of its own: what one draws changes nothing for another.
    pub(super) fn new(seed: u64, service: &ServiceName) -> Self {
        Self(service.as_str().bytes().fold(seed, |state, byte| mix(state ^ u64::from(byte))))
    }

    /// Evenly spread over `-1.0..1.0`.
    fn draw(&mut self) -> f64 {
        let mixed = mix(self.0);
        self.0 = self.0.wrapping_add(GOLDEN);
        // 53 bits are what an f64 holds exactly.
        let unit = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
        unit.mul_add(2.0, -1.0)
    }
}

/// 2⁶⁴ divided by the golden ratio: the step of splitmix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// One step of splitmix64.
fn mix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(GOLDEN);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The wait before try `attempt` (from 1): `initial × factor^(attempt-1)`, ±10 %, never above `max`, in whole milliseconds.
pub(super) fn wait(backoff: &Backoff, attempt: u32, jitter: &mut Jitter) -> Duration {
    let spread = jitter.draw().mul_add(SPREAD, 1.0);
    spread_wait(backoff, attempt, spread)
}

/// The same without jitter: the tries of different tasks are not in step, and people read these waits in files.
pub(super) fn growth(backoff: &Backoff, attempt: u32) -> Duration {
    spread_wait(backoff, attempt, 1.0)
}

fn spread_wait(backoff: &Backoff, attempt: u32, spread: f64) -> Duration {
    if backoff.initial.is_zero() {
        return Duration::ZERO;
    }
    let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    let max = backoff.max.as_secs_f64();
    let grown = (backoff.initial.as_secs_f64() * backoff.factor.max(1.0).powi(exponent)).min(max);
    Duration::from_millis(((grown * spread).min(max) * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_up_to_its_limit() {
        let backoff = Backoff::default();
        let mut jitter = Jitter::new(7, &"api".into());
        for (attempt, seconds) in [(1, 1.0), (2, 2.0), (3, 4.0), (5, 16.0), (6, 30.0), (90, 30.0), (u32::MAX, 30.0)] {
            let wait = wait(&backoff, attempt, &mut jitter).as_secs_f64();
            assert!((seconds * 0.899..=seconds * 1.101).contains(&wait), "try {attempt}: {wait}");
            assert!(wait <= 30.0, "try {attempt}: {wait}");
        }
    }

    #[test]
    fn odd_settings_give_a_wait_all_the_same() {
        let mut jitter = Jitter::new(0, &"api".into());
        let zero = Backoff { initial: Duration::ZERO, factor: 1e300, ..Backoff::default() };
        assert_eq!(wait(&zero, 1000, &mut jitter), Duration::ZERO);
        let nan = Backoff { factor: f64::NAN, ..Backoff::default() };
        assert!(wait(&nan, 1000, &mut jitter) <= Duration::from_millis(1_100));
        let low = Backoff { max: Duration::from_millis(5), ..Backoff::default() };
        assert!(wait(&low, 3, &mut jitter) <= Duration::from_millis(5));
    }

    #[test]
    fn the_jitter_belongs_to_the_seed_and_the_service() {
        let draws = |seed, name: &str| {
            let mut jitter = Jitter::new(seed, &name.into());
            [jitter.draw(), jitter.draw(), jitter.draw()]
        };
        assert_eq!(draws(1, "api"), draws(1, "api"));
        assert_ne!(draws(1, "api"), draws(2, "api"));
        assert_ne!(draws(1, "api"), draws(1, "web"));
        assert!(draws(3, "x").iter().all(|draw| (-1.0..1.0).contains(draw)));
    }
}
