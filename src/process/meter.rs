//! Measures what a run uses, from one look to the next.

use std::time::Duration;

use crate::domain::{Moment, Usage};
use crate::process_tree::{self, Process, ticks_per_second};

/// Whoever looks again so soon gets the answer of the last look: in a shorter time no work is to be seen.
const SHORTEST: Duration = Duration::from_millis(200);

/// A look that is older than this says nothing about now.
const LONGEST: Duration = Duration::from_secs(15);

/// The last look at a run.
#[derive(Debug, Default)]
pub(super) struct Meter(Option<(Usage, u64)>);

impl Meter {
    /// Looks at the processes of a run, whose family this is.
    pub(super) fn look(&mut self, family: &[Process], now: Moment) -> Usage {
        if let Some((usage, _)) = self.0
            && now.since(usage.at) < SHORTEST
        {
            return usage;
        }
        let ticks = family.iter().fold(0_u64, |sum, process| sum.saturating_add(process.ticks));
        self.took(ticks, process_tree::memory_of(family), now)
    }

    fn took(&mut self, ticks: u64, memory: u64, now: Moment) -> Usage {
        let before = self.0.filter(|(usage, _)| now.since(usage.at) <= LONGEST);
        let cpu = before.map(|(usage, before)| {
            // Whoever has ended without a parent that waits for it takes its time along: then there are fewer ticks.
            let worked = u128::from(ticks.saturating_sub(before)) * 1_000_000 / u128::from(ticks_per_second());
            let tenths = worked / now.since(usage.at).as_millis().max(1);
            u32::try_from(tenths).unwrap_or(u32::MAX)
        });
        let usage = Usage { at: now, cpu, memory: Some(memory) };
        self.0 = Some((usage, ticks));
        usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_from_one_look_to_the_next() {
        let mut meter = Meter::default();
        let second = ticks_per_second();
        let at = |seconds: u64| Moment::from_millis(seconds * 1000);
        assert_eq!(meter.took(10 * second, 7, at(10)), Usage { at: at(10), cpu: None, memory: Some(7) });
        assert_eq!(meter.took(11 * second, 7, at(12)).cpu, Some(500), "half a core for two seconds");
        assert_eq!(meter.took(15 * second, 7, at(14)).cpu, Some(2_000), "two cores");
        assert_eq!(meter.took(3 * second, 7, at(16)).cpu, Some(0), "one of them has gone");
        assert_eq!(meter.took(9 * second, 7, at(60)).cpu, None, "too long ago");
    }

    #[test]
    fn two_who_look_at_once_get_one_answer() {
        let mut meter = Meter::default();
        let first = meter.look(&[], Moment::from_millis(1_000));
        assert_eq!(meter.look(&[], Moment::from_millis(1_100)), first);
        assert_ne!(meter.look(&[], Moment::from_millis(1_300)), first);
    }
}
