//! How a worker is told in a few words: the same on the screen, in `status` and in JSON.

use std::time::Duration;

use super::{BreakerState, Standby, TaskId, WorkerHealth, WorkerSnapshot};
use crate::domain::{Moment, ServiceName, approx, visible};

/// `2/3`, `14 waiting`, `1 dead`, `3 blocked`, `1 retrying`. `places`: tries that run, and how many may; nothing where nobody
/// knows. `counts`: waiting, dead, blocked, retrying; nothing is said of none.
pub fn worker_counts(places: Option<(u32, u32)>, counts: [u32; 4]) -> Vec<String> {
    let places = places.map(|(active, concurrency)| format!("{active}/{concurrency}"));
    let named = counts.into_iter().zip(["waiting", "dead", "blocked", "retrying"]);
    let some = named.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    places.into_iter().chain(some).collect()
}

/// Why a task is not dropped that has not ended.
pub fn is_open(id: &TaskId) -> String {
    format!("{id} is waiting or running; cancel it first")
}

impl WorkerSnapshot {
    /// The word for its state, where there is more to say than that it runs.
    pub fn state(&self) -> Option<&'static str> {
        if self.standby.is_some() {
            Some("standby")
        } else if self.lost {
            Some("lost")
        } else if self.health == WorkerHealth::Unhealthy {
            Some("unhealthy")
        } else if self.remote {
            Some("remote")
        } else {
            None
        }
    }

    /// Why it is in that state: `marie belongs to shop, pid 48001`.
    pub fn reason(&self, name: &ServiceName) -> Option<String> {
        if let Some(Standby { group, pid }) = &self.standby {
            let owner = if group.is_empty() { "another group".into() } else { visible(group) };
            let pid = pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
            return Some(format!("{name} belongs to {owner}{pid}"));
        }
        let problem = self.problem.as_deref().map(|problem| visible(problem).into_owned());
        problem.or_else(|| match (self.lost, self.breaker) {
            (true, _) => Some("its heartbeat is too old".into()),
            (false, BreakerState::Open { .. }) => Some("too many tries in a row have failed".into()),
            (false, BreakerState::HalfOpen) => Some("one task tests whether tries work again".into()),
            (false, BreakerState::Closed) => None,
        })
    }

    /// Something is wrong, and it does not work as it should: told like a failure.
    pub fn is_in_trouble(&self) -> bool {
        self.standby.is_none() && (self.lost || self.health == WorkerHealth::Unhealthy)
    }

    /// Somebody should look at it: it is in trouble, has dead letters, or claims nothing because tries fail.
    pub fn needs_attention(&self) -> bool {
        self.is_in_trouble() || self.standby.is_none() && (self.dead > 0 || self.breaker != BreakerState::Closed)
    }

    /// `2/3`, `14 waiting`, `1 dead`, `3 blocked`: what it does with its tasks. Nothing is said of none; one that does not
    /// work has no places.
    pub fn counts(&self) -> Vec<String> {
        let works_here = self.works_here();
        let counts = [self.waiting, self.dead, self.blocked, self.retrying];
        worker_counts(works_here.then_some((self.active, self.concurrency)), counts)
    }

    /// Tries of it run here, or may.
    pub fn works_here(&self) -> bool {
        !self.remote && self.standby.is_none() && self.health != WorkerHealth::Stopped
    }

    /// `breaker open 42s`, `breaker half-open`; nothing while it is closed.
    pub fn breaker_words(&self, now: Moment) -> Option<String> {
        match self.breaker {
            BreakerState::Closed => None,
            BreakerState::HalfOpen => Some("breaker half-open".into()),
            BreakerState::Open { until } => {
                let seconds = until.since(now).as_millis().div_ceil(1000);
                let left = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
                Some(format!("breaker open {}", approx(left)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker() -> WorkerSnapshot {
        WorkerSnapshot { blocked: 0, retrying: 0, ..WorkerSnapshot::busy() }
    }

    #[test]
    fn a_worker_that_works_is_told_by_its_counts() {
        let marie = worker();
        assert_eq!((marie.state(), marie.reason(&"marie".into())), (None, None));
        assert_eq!(marie.counts(), ["2/3", "14 waiting", "1 dead"]);
        assert!(marie.needs_attention() && !marie.is_in_trouble());
        assert_eq!(WorkerSnapshot::busy().counts(), ["2/3", "14 waiting", "1 dead", "3 blocked", "1 retrying"]);
        let idle = WorkerSnapshot { active: 0, waiting: 0, dead: 0, ..worker() };
        assert_eq!(idle.counts(), ["0/3"]);
        assert!(!idle.needs_attention());
    }

    #[test]
    fn one_that_does_not_work_tells_what_waits() {
        let stopped = WorkerSnapshot { waiting: 14, dead: 1, ..WorkerSnapshot::stopped(3) };
        assert_eq!(stopped.counts(), ["14 waiting", "1 dead"]);
        assert!(WorkerSnapshot::stopped(3).counts().is_empty());
    }

    #[test]
    fn a_state_comes_with_its_reason() {
        let told = |worker: WorkerSnapshot| (worker.state(), worker.reason(&"marie".into()).unwrap_or_default());
        let standby = |group: &str, pid| Some(Standby { group: group.into(), pid });
        let waits = WorkerSnapshot { standby: standby("shop", Some(48_001)), ..worker() };
        assert_eq!(told(waits.clone()), (Some("standby"), "marie belongs to shop, pid 48001".into()));
        assert!(!waits.needs_attention(), "the dead letters are the owner's");
        let unread = WorkerSnapshot { standby: standby("", None), ..worker() };
        assert_eq!(told(unread).1, "marie belongs to another group");
        let full = Some("cannot write results/marie: no space left on device".into());
        let full = WorkerSnapshot { health: WorkerHealth::Unhealthy, problem: full, ..worker() };
        assert!(full.is_in_trouble());
        assert_eq!(told(full), (Some("unhealthy"), "cannot write results/marie: no space left on device".into()));
        let far = WorkerSnapshot { remote: true, lost: true, ..worker() };
        assert_eq!(far.counts(), ["14 waiting", "1 dead"], "nobody knows how many tries run there");
        assert_eq!(told(far), (Some("lost"), "its heartbeat is too old".into()));
        assert_eq!(told(WorkerSnapshot { remote: true, ..worker() }), (Some("remote"), String::new()));
    }

    #[test]
    fn the_time_until_the_breaker_lets_a_task_through_is_never_zero() {
        let open = |millis| {
            let breaker = BreakerState::Open { until: Moment::from_millis(millis) };
            WorkerSnapshot { breaker, ..worker() }.breaker_words(Moment::from_millis(1_000))
        };
        assert_eq!(open(43_000).as_deref(), Some("breaker open 42s"));
        assert_eq!(open(1_001).as_deref(), Some("breaker open 1s"));
        assert_eq!(worker().breaker_words(Moment::START), None);
        let half = WorkerSnapshot { breaker: BreakerState::HalfOpen, ..worker() };
        assert_eq!(half.breaker_words(Moment::START).as_deref(), Some("breaker half-open"));
    }
}
