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
pub(super) struct Meter(Option<Look>);

#[derive(Clone, Copy, Debug)]
struct Look {
    usage: Usage,
    /// Of all its processes together.
    ticks: u64,
    /// All that it has used up to then. What ends takes its ticks along, but was used all the same.
    spent: u64,
}

impl Meter {
    /// Looks at the processes of a run, whose family this is.
    pub(super) fn look(&mut self, family: &[Process], now: Moment) -> Usage {
        if let Some(Look { usage, .. }) = self.0
            && now.since(usage.at) < SHORTEST
        {
            return usage;
        }
        let ticks = family.iter().fold(0_u64, |sum, process| sum.saturating_add(process.ticks));
        let usage = self.took(ticks, process_tree::memory_of(family), now);
        let usage = Usage { processes: Some(u32::try_from(family.len()).unwrap_or(u32::MAX)), ..usage };
        self.0 = self.0.map(|look| Look { usage, ..look });
        usage
    }

    /// The CPU time that the looks so far have found; nothing before the first.
    pub(super) fn cpu_time(&self) -> Option<Duration> {
        self.0?.usage.cpu_time
    }

    fn took(&mut self, ticks: u64, memory: u64, now: Moment) -> Usage {
        let recent = self.0.filter(|look| now.since(look.usage.at) <= LONGEST);
        let cpu = recent.map(|look| {
            // Whoever has ended without a parent that waits for it takes its time along: then there are fewer ticks.
            let worked = u128::from(ticks.saturating_sub(look.ticks)) * 1_000_000 / u128::from(ticks_per_second());
            let tenths = worked / now.since(look.usage.at).as_millis().max(1);
            u32::try_from(tenths).unwrap_or(u32::MAX)
        });
        let spent = self.0.map_or(ticks, |look| look.spent.saturating_add(ticks.saturating_sub(look.ticks)));
        let usage = Usage { cpu, memory: Some(memory), cpu_time: Some(time_of(spent)), ..Usage::unknown(now) };
        self.0 = Some(Look { usage, ticks, spent });
        usage
    }
}

fn time_of(ticks: u64) -> Duration {
    let per_second = ticks_per_second();
    let rest = (ticks % per_second).saturating_mul(1_000_000_000) / per_second;
    Duration::from_secs(ticks / per_second) + Duration::from_nanos(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_from_one_look_to_the_next() {
        let mut meter = Meter::default();
        let second = ticks_per_second();
        let at = |seconds: u64| Moment::from_millis(seconds * 1000);
        let first = meter.took(10 * second, 7, at(10));
        assert_eq!((first.at, first.cpu, first.memory), (at(10), None, Some(7)));
        assert_eq!(meter.took(11 * second, 7, at(12)).cpu, Some(500), "half a core for two seconds");
        assert_eq!(meter.took(15 * second, 7, at(14)).cpu, Some(2_000), "two cores");
        assert_eq!(meter.took(3 * second, 7, at(16)).cpu, Some(0), "one of them has gone");
        assert_eq!(meter.took(9 * second, 7, at(60)).cpu, None, "too long ago");
    }

    #[test]
    fn cpu_time_never_falls_when_a_process_ends() {
        let mut meter = Meter::default();
        let second = ticks_per_second();
        assert_eq!(meter.cpu_time(), None);
        let mut spent = |ticks, at: u64| meter.took(ticks, 0, Moment::from_millis(at * 1000)).cpu_time;
        let seconds = |number| Some(Duration::from_secs(number));
        assert_eq!(spent(10 * second, 10), seconds(10));
        assert_eq!(spent(4 * second, 12), seconds(10), "one that had used six of them has ended");
        assert_eq!(spent(5 * second, 60), seconds(11), "however long ago the last look was");
        assert_eq!(meter.cpu_time(), seconds(11));
        assert_eq!(meter.look(&[], Moment::from_millis(100_000)).processes, Some(0));
        assert_eq!(time_of(second / 4), Duration::from_millis(250));
    }

    #[test]
    fn two_who_look_at_once_get_one_answer() {
        let mut meter = Meter::default();
        let first = meter.look(&[], Moment::from_millis(1_000));
        assert_eq!(meter.look(&[], Moment::from_millis(1_100)), first);
        assert_ne!(meter.look(&[], Moment::from_millis(1_300)), first);
    }
}
