//! What leads from one run of a service to the next: the start that is due, and what speaks for waiting with it.

use crate::domain::{Orders, RestartCounts, ServiceName, StartCause};

use super::backoff::Jitter;
use super::breaker::CrashRecord;
use super::next_start::NextStart;
use super::rate_limit::RateLimit;

/// The restarts of a service: the next one, and what is known of those before.
#[derive(Clone, Debug)]
pub(super) struct Restarts {
    /// The start that somebody has asked for. While a run is up, that one is to be replaced.
    pub(super) next: Option<NextStart>,
    /// The starts that clients have ordered. The next one is for all that are pending.
    pub(super) orders: Orders,
    /// It is to be replaced after a save, and cannot be: these that it depends on are not there.
    pub(super) held_up_by: Vec<ServiceName>,
    /// How long changes wait that come right after a start.
    pub(super) limit: RateLimit,
    pub(super) crashes: CrashRecord,
    pub(super) jitter: Jitter,
    /// The run before the live one had become ready.
    pub(super) was_ready: bool,
    pub(super) counts: RestartCounts,
}

impl Restarts {
    /// Of a service that has not run yet. `seed`: of the jitter.
    pub(super) fn new(seed: u64, service: &ServiceName) -> Self {
        Self {
            next: None,
            orders: Orders::default(),
            held_up_by: Vec::new(),
            limit: RateLimit::default(),
            crashes: CrashRecord::default(),
            jitter: Jitter::new(seed, service),
            was_ready: false,
            counts: RestartCounts::default(),
        }
    }

    /// There is one more reason for the next start.
    pub(super) fn merge(&mut self, next: NextStart) {
        match &mut self.next {
            Some(before) => before.merge(next),
            None => self.next = Some(next),
        }
    }

    /// A run follows another one, for this cause.
    pub(super) fn count(&mut self, cause: &StartCause) {
        let counts = &mut self.counts;
        match cause {
            StartCause::Change(_) => counts.change = counts.change.saturating_add(1),
            StartCause::Hand | StartCause::Client(_) | StartCause::NeededBy(_) => {
                counts.manual = counts.manual.saturating_add(1);
            }
            StartCause::Config { .. } | StartCause::Scaled(_) => counts.config = counts.config.saturating_add(1),
            StartCause::Stuck(_) => counts.liveness = counts.liveness.saturating_add(1),
            StartCause::OverLimit(_) => counts.limit = counts.limit.saturating_add(1),
            StartCause::Dependency(_) => counts.dependency = counts.dependency.saturating_add(1),
            // A crash that this follows by itself was counted when it happened, and what runs by its schedule is not started again.
            StartCause::Crash { .. } | StartCause::Retry { .. } | StartCause::First | StartCause::Schedule => {}
        }
    }
}
