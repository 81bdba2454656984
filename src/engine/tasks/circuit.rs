//! The breaker of a worker: so many failed tries in a row, over all tasks, open it; after the cooldown one task is the
//! test.
//!
//! The breaker of services is another one: it counts crashes of one service within a time (`engine/breaker.rs`).

use std::time::Duration;

use crate::domain::{BreakerState, Moment, TaskBreaker, TaskId};

/// Its state.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    state: BreakerState,
    /// Failed tries in a row.
    failures: u32,
    /// The task that is the test.
    test: Option<TaskId>,
}

/// What a try has changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CircuitChange {
    Opened { failures: u32, cooldown: Duration, until: Moment },
    Closed,
}

impl Circuit {
    pub(super) fn state(&self) -> BreakerState {
        self.state
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, BreakerState::Open { .. })
    }

    /// Whether another try may begin.
    pub(super) fn lets_through(&self) -> bool {
        match self.state {
            BreakerState::Closed => true,
            BreakerState::Open { .. } => false,
            BreakerState::HalfOpen => self.test.is_none(),
        }
    }

    /// A task is taken to be tried.
    pub(super) fn took(&mut self, id: &TaskId) {
        if self.state == BreakerState::HalfOpen {
            self.test = Some(id.clone());
        }
    }

    /// Its try says nothing: it was given back, cancelled, or never begun. The next one is the test.
    pub(super) fn says_nothing(&mut self, id: &TaskId) {
        if self.test.as_ref() == Some(id) {
            self.test = None;
        }
    }

    /// A try has ended. Those that have begun before the breaker opened say nothing about the time after it.
    pub(super) fn ended(&mut self, id: &TaskId, good: bool, spec: TaskBreaker, now: Moment) -> Option<CircuitChange> {
        match self.state {
            BreakerState::Open { .. } => return None,
            BreakerState::HalfOpen if self.test.as_ref() != Some(id) => return None,
            BreakerState::Closed | BreakerState::HalfOpen => {}
        }
        let was_test = self.test.take().is_some();
        if good {
            self.failures = 0;
            self.state = BreakerState::Closed;
            return was_test.then_some(CircuitChange::Closed);
        }
        self.failures = self.failures.saturating_add(1);
        (was_test || self.failures >= spec.failures.max(1)).then(|| {
            let until = now + spec.cooldown;
            self.state = BreakerState::Open { until };
            CircuitChange::Opened { failures: self.failures, cooldown: spec.cooldown, until }
        })
    }

    /// The cooldown is over. Whether this changes something.
    pub(super) fn half_open(&mut self, now: Moment) -> bool {
        let over = matches!(self.state, BreakerState::Open { until } if until <= now);
        if over {
            self.state = BreakerState::HalfOpen;
            self.test = None;
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: TaskBreaker = TaskBreaker { failures: 3, cooldown: Duration::from_secs(60) };

    fn id(text: &str) -> TaskId {
        TaskId::parse(text).unwrap()
    }

    fn seconds(seconds: u64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_breaks_the_row() {
        let mut circuit = Circuit::default();
        for good in [false, false, true, false, false] {
            assert_eq!(circuit.ended(&id("a"), good, SPEC, seconds(1)), None);
        }
        let opened = CircuitChange::Opened { failures: 3, cooldown: SPEC.cooldown, until: seconds(61) };
        assert_eq!(circuit.ended(&id("b"), false, SPEC, seconds(1)), Some(opened));
        assert!(!circuit.lets_through());
        // What had begun before says nothing.
        assert_eq!(circuit.ended(&id("c"), true, SPEC, seconds(2)), None);
        assert!(!circuit.half_open(seconds(60)) && circuit.half_open(seconds(61)) && !circuit.half_open(seconds(61)));
    }

    #[test]
    fn one_task_is_the_test() {
        for (good, after) in [(true, "closed"), (false, "open")] {
            let mut circuit = Circuit { state: BreakerState::Open { until: seconds(5) }, failures: 3, test: None };
            circuit.half_open(seconds(5));
            assert!(circuit.lets_through());
            circuit.took(&id("a"));
            assert!(!circuit.lets_through());
            circuit.says_nothing(&id("a"));
            assert!(circuit.lets_through());
            circuit.took(&id("b"));
            assert_eq!(circuit.ended(&id("old"), !good, SPEC, seconds(6)), None);
            assert!(circuit.ended(&id("b"), good, SPEC, seconds(7)).is_some());
            assert_eq!(circuit.state().word(), after);
        }
    }
}
