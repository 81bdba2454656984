//! How long a turn of the run loop takes, and what it spent the time with.

use std::time::Duration;

use crate::clock::Clock;
use crate::domain::Moment;

/// A turn that takes longer is logged: keys and restarts waited for it.
const LONG_TURN: Duration = Duration::from_millis(100);

/// Measures one turn.
pub(crate) struct Stopwatch {
    clock: Clock,
    started: Moment,
    lap: Moment,
    laps: usize,
    longest: (&'static str, Duration),
}

impl Stopwatch {
    /// The turn begins.
    pub(crate) fn start(clock: Clock) -> Self {
        let now = clock.now();
        Self { clock, started: now, lap: now, laps: 0, longest: ("nothing", Duration::ZERO) }
    }

    /// A part of it is over.
    pub(crate) fn lap(&mut self, name: &'static str) {
        let now = self.clock.now();
        let took = now.since(self.lap);
        if took > self.longest.1 {
            self.longest = (name, took);
        }
        (self.lap, self.laps) = (now, self.laps + 1);
    }

    /// The turn is over: when, and after how long. A long one is logged.
    pub(crate) fn stop(self) -> (Moment, Duration) {
        let took = self.lap.since(self.started);
        if let Some(complaint) = complaint(took, self.longest, self.laps) {
            log::warn!("{complaint}");
        }
        (self.lap, took)
    }
}

fn complaint(took: Duration, (name, longest): (&str, Duration), laps: usize) -> Option<String> {
    (took > LONG_TURN).then(|| {
        let (took, longest) = (took.as_millis(), longest.as_millis());
        format!("a turn of the run loop took {took} ms, {longest} ms of it for {name} ({laps} parts)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_turn_is_told_with_the_name_of_what_took_longest() {
        let ms = Duration::from_millis;
        assert_eq!(complaint(ms(100), ("a timer", ms(100)), 1), None);
        let told = complaint(ms(131), ("the end of a run", ms(120)), 5);
        assert_eq!(told.unwrap(), "a turn of the run loop took 131 ms, 120 ms of it for the end of a run (5 parts)");
        let mut stopwatch = Stopwatch::start(Clock::start());
        stopwatch.lap("a");
        let (now, took) = stopwatch.stop();
        assert!(now.since_start() >= took);
    }
}
