//! What a worker does, in as many words as there is room for.

use super::text::width;
use crate::domain::{BreakerState, Moment, WorkerSnapshot};

/// `breaker open 42s`, `2/3`, `14 waiting`, `1 dead`, `3 blocked`: what matters most comes first. The word of a state that is more than
/// running is not among them.
pub(super) fn parts(worker: &WorkerSnapshot, now: Moment) -> Vec<String> {
    let breaker = worker.breaker_words(now).filter(|_| worker.standby.is_none());
    // An open breaker says why nothing runs.
    let says_it = breaker.is_some() && worker.active == 0 && !worker.remote;
    breaker.into_iter().chain(worker.counts().into_iter().skip(usize::from(says_it))).collect()
}

/// The state and the parts in so many cells: what parts them gives way first, then what stands at the right end, to the last
/// word.
pub(super) fn fitting(worker: &WorkerSnapshot, now: Moment, dot: &str, room: usize) -> Option<String> {
    longest(worker.state().map(str::to_owned).into_iter().chain(parts(worker, now)), dot, room)
}

/// The same of a worker that does not run: what waits for it and what is dead, behind its state if that is to be told.
pub(super) fn resting(worker: &WorkerSnapshot, state: Option<&str>, dot: &str, room: usize) -> Option<String> {
    longest(state.map(str::to_owned).into_iter().chain(worker.counts()), dot, room)
}

/// As much from the beginning as there is room for.
fn longest(parts: impl Iterator<Item = String>, dot: &str, room: usize) -> Option<String> {
    let parts: Vec<String> = parts.collect();
    let gaps = [format!(" {dot} "), " ".to_owned()];
    let beginnings = (1..=parts.len()).rev().filter_map(|count| parts.get(..count));
    let texts = beginnings.flat_map(|parts| gaps.each_ref().map(|gap| parts.join(gap)));
    let first = parts.first().map_or("", String::as_str);
    let words = first.rmatch_indices(' ').filter_map(|(end, _)| first.get(..end)).map(str::to_owned);
    texts.chain(words).find(|text| width(text) <= room)
}

/// It tells a time that runs down.
pub(super) fn counts_down(worker: &WorkerSnapshot) -> bool {
    worker.standby.is_none() && matches!(worker.breaker, BreakerState::Open { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture::NOW;

    #[test]
    fn the_right_end_goes_first() {
        let told = |worker: &WorkerSnapshot, room| fitting(worker, NOW, "·", room);
        let all = "2/3 · 14 waiting · 1 dead · 3 blocked · 1 retrying";
        assert_eq!(told(&WorkerSnapshot::busy(), 80).as_deref(), Some(all));
        assert_eq!(told(&WorkerSnapshot::busy(), 30).as_deref(), Some("2/3 · 14 waiting · 1 dead"));
        assert_eq!(told(&WorkerSnapshot::busy(), 25).as_deref(), Some("2/3 · 14 waiting · 1 dead"));
        assert_eq!(told(&WorkerSnapshot::busy(), 24).as_deref(), Some("2/3 14 waiting 1 dead"));
        assert_eq!(told(&WorkerSnapshot::busy(), 20).as_deref(), Some("2/3 · 14 waiting"));
        assert_eq!(told(&WorkerSnapshot::busy(), 15).as_deref(), Some("2/3 14 waiting"));
        assert_eq!(told(&WorkerSnapshot::busy(), 9).as_deref(), Some("2/3"));
        assert_eq!(told(&WorkerSnapshot::busy(), 2), None);
    }

    #[test]
    fn what_waits_for_one_that_does_not_run_stands_behind_its_state() {
        let stopped = WorkerSnapshot { waiting: 14, dead: 1, ..WorkerSnapshot::stopped(3) };
        let told = |state, room| resting(&stopped, state, "·", room);
        assert_eq!(told(Some("stopped"), 80).as_deref(), Some("stopped · 14 waiting · 1 dead"));
        assert_eq!(told(Some("stopped"), 20).as_deref(), Some("stopped · 14 waiting"));
        assert_eq!(told(Some("stopped"), 9).as_deref(), Some("stopped"));
        assert_eq!(told(None, 17).as_deref(), Some("14 waiting 1 dead"));
        assert_eq!(told(None, 1), None);
    }

    #[test]
    fn an_open_breaker_stands_in_the_place_of_what_does_not_run() {
        let until = NOW + std::time::Duration::from_secs(42);
        let busy = WorkerSnapshot { blocked: 0, retrying: 0, ..WorkerSnapshot::busy() };
        let open = WorkerSnapshot { breaker: BreakerState::Open { until }, active: 0, ..busy };
        assert_eq!(fitting(&open, NOW, "·", 80).as_deref(), Some("breaker open 42s · 14 waiting · 1 dead"));
        let busy = WorkerSnapshot { active: 1, ..open };
        assert_eq!(fitting(&busy, NOW, "·", 80).as_deref(), Some("breaker open 42s · 1/3 · 14 waiting · 1 dead"));
        let narrow = [15, 11, 6].map(|room| fitting(&busy, NOW, "·", room));
        assert_eq!(narrow.each_ref().map(Option::as_deref), [Some("breaker open"), Some("breaker"), None]);
        assert!(counts_down(&busy) && !counts_down(&WorkerSnapshot::busy()));
    }
}
