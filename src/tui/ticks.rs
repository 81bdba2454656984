//! When time alone changes what is on the screen: a dashboard on which no text ages sleeps.

use std::time::Duration;

use super::action::Context;
use super::layout::SidebarStyle;
use super::panel::{Panel, TasksPanel};
use super::view::{Scene, age_of, strip_moments, waits_until};
use super::worker_words;
use crate::domain::{Moment, ServiceSnapshot, TaskRow};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// When a frame would differ although nothing has happened.
pub(super) fn next(scene: &Scene<'_>) -> Option<Moment> {
    if scene.screen.one_line {
        return None;
    }
    let message = scene.ui.messages.next_deadline(scene.snapshot.notice.as_ref(), scene.now);
    let shown = |index: usize| scene.snapshot.services.get(index);
    let waits = |index: usize| shown(index).is_some_and(|service| service.next_try.or(service.next_restart).is_some());
    let counts_seconds = scene.ui.context(scene.snapshot) == Context::Stopping
        || scene.ui.panels.over().is_some_and(Panel::counts_seconds)
        || scene.screen.panes.iter().any(|pane| waits(pane.service))
        || scene.screen.panes.iter().any(|pane| shown(pane.service).is_some_and(counts_down))
        || scene.screen.sidebar.is_some() && scene.snapshot.services.iter().any(counts_down)
        || tells_states(scene) && scene.snapshot.services.iter().any(|service| waits_until(service).is_some());
    let second = counts_seconds.then(|| ceil(scene.now, SECOND));
    let ages = ages(scene).into_iter().map(|since| next_age(since, scene.now)).min();
    let tasks = scene.ui.panels.tasks().and_then(|tasks| next_of_tasks(tasks, scene.now));
    [message, second, ages, tasks].into_iter().flatten().min()
}

/// When the table of tasks asks anew, or an age in it changes.
fn next_of_tasks(tasks: &TasksPanel, now: Moment) -> Option<Moment> {
    let young = |row: &TaskRow| {
        tasks.wait(row, now).is_some_and(|wait| !wait.is_zero()) || tasks.age(row, now).is_some_and(|age| age < MINUTE)
    };
    let step = match tasks.open_task() {
        Some(open) => Some(if young(&open.row) { SECOND } else { MINUTE }),
        None if tasks.count() == 0 => None,
        None => Some(if tasks.rows(0, usize::MAX).any(young) { SECOND } else { MINUTE }),
    };
    tasks.next_question().into_iter().chain(step.map(|step| ceil(now, step))).min()
}

/// A worker that says when its breaker lets a task through.
fn counts_down(service: &ServiceSnapshot) -> bool {
    service.working().is_some_and(worker_words::counts_down)
}

/// The sidebar has room for the words of the states, with ages and times.
fn tells_states(scene: &Scene<'_>) -> bool {
    matches!(scene.screen.sidebar, Some((_, SidebarStyle::Wide | SidebarStyle::Medium)))
}

/// The moments whose age is on the screen.
fn ages(scene: &Scene<'_>) -> Vec<Moment> {
    let (snapshot, screen) = (scene.snapshot, scene.screen);
    let selected = scene.ui.selected(snapshot).and_then(|index| snapshot.services.get(index));
    let change = selected.and_then(|service| service.last_change.as_ref()).map(|change| change.at);
    let mut ages = Vec::new();
    if tells_states(scene) {
        ages.extend(snapshot.services.iter().filter(|service| waits_until(service).is_none()).filter_map(age_of));
    }
    ages.extend(strip_moments(scene));
    if scene.ui.panes.zoom && !screen.compact {
        ages.extend(change);
    }
    if screen.banner.is_some() {
        ages.extend(snapshot.watch.holds.first().map(|hold| hold.since));
    }
    ages
}

/// When the text of an age changes next: every second for the first minute, then every minute, hour, day. All ages tick
/// together, on whole seconds or whole minutes of the clock, so that many of them are one frame.
fn next_age(since: Moment, now: Moment) -> Moment {
    let age = now.since(since);
    let (step, grid) = match age {
        age if age < MINUTE => (SECOND, SECOND),
        age if age < HOUR => (MINUTE, MINUTE),
        age if age < DAY => (HOUR, MINUTE),
        _ => (DAY, MINUTE),
    };
    let steps = u32::try_from(age.as_secs() / step.as_secs()).unwrap_or(u32::MAX - 1) + 1;
    // Just before the next step on the grid.
    let changes = since + step.saturating_mul(steps);
    ceil(Moment::after_start(changes.since_start().saturating_sub(Duration::from_nanos(1))), grid)
}

/// The first moment on the grid that is later.
fn ceil(moment: Moment, grid: Duration) -> Moment {
    let steps = moment.since_start().as_secs() / grid.as_secs() + 1;
    Moment::after_start(Duration::from_secs(steps.saturating_mul(grid.as_secs())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn young_ages_tick_each_second_and_old_ones_each_minute() {
        let now = Moment::from_millis(100_500);
        assert_eq!(next_age(Moment::from_millis(100_100), now), Moment::from_millis(102_000));
        assert_eq!(next_age(Moment::from_millis(100_000), now), Moment::from_millis(101_000));
        assert_eq!(next_age(Moment::from_millis(10_000), now), Moment::from_millis(180_000));
        // Older than an hour: the text changes at the next full hour.
        let late = Moment::from_millis(3_700_000);
        assert_eq!(next_age(Moment::from_millis(40_000), late), Moment::from_millis(7_260_000));
    }

    #[test]
    fn a_tick_is_always_later_than_now() {
        for since in (0..200_000).step_by(777) {
            for now in (since..since + 4_000_000).step_by(33_333) {
                let (since, now) = (Moment::from_millis(since), Moment::from_millis(now));
                assert!(next_age(since, now) > now, "{since:?} {now:?}");
            }
        }
    }
}
