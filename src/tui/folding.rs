//! Instances of a service fold to one row: whom a row stands for, which of them it shows, and how it is told.
//!
//! The instances of a service stand side by side ([`super::sidebar_rows::arranged`]). A folded row shows one of them: the
//! selected one, or else the worst. Its pane is the log of that one.

use std::collections::BTreeSet;
use std::ops::Range;

use super::no_instances;
use crate::domain::{GroupSnapshot, Outcome, Phase, RestartCounts, ServiceName, ServiceSnapshot, Usage};

/// Which instances have a row each. All others are folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Folds {
    open: BTreeSet<ServiceName>,
}

impl Folds {
    /// The services of this place stand in one row.
    pub(super) fn is_folded(&self, snapshot: &GroupSnapshot, index: usize) -> bool {
        let of = instance_of(snapshot, index);
        siblings(snapshot, index).len() > 1 && of.is_some_and(|of| !self.open.contains(of))
    }

    /// Each instance of the service of this place gets a row.
    pub(super) fn open(&mut self, snapshot: &GroupSnapshot, index: usize) {
        self.open.extend(instance_of(snapshot, index).cloned());
    }

    /// They fold again.
    pub(super) fn close(&mut self, snapshot: &GroupSnapshot, index: usize) {
        if let Some(of) = instance_of(snapshot, index) {
            self.open.remove(of);
        }
    }

    /// The rows of services: each the places that it stands for.
    pub(super) fn rows(&self, snapshot: &GroupSnapshot) -> Vec<Range<usize>> {
        let apart = |unit: Range<usize>| {
            let folded = self.is_folded(snapshot, unit.start);
            let each = (!folded).then(|| unit.clone().map(|index| index..index + 1)).into_iter().flatten();
            folded.then_some(unit).into_iter().chain(each)
        };
        units(snapshot).into_iter().flat_map(apart).collect()
    }
}

fn instance_of(snapshot: &GroupSnapshot, index: usize) -> Option<&ServiceName> {
    Some(&snapshot.services.get(index)?.instance.as_ref()?.of)
}

/// The places of a service and the other instances of what it is one of.
pub(super) fn siblings(snapshot: &GroupSnapshot, index: usize) -> Range<usize> {
    let Some(of) = instance_of(snapshot, index) else { return index..index + 1 };
    let is_other = |place: &usize| instance_of(snapshot, *place) != Some(of);
    let start = (0..index).rev().find(is_other).map_or(0, |before| before + 1);
    let end = (index..snapshot.services.len()).find(is_other).unwrap_or(snapshot.services.len());
    start..end
}

/// The services as the file writes them: each the places of its instances.
pub(super) fn units(snapshot: &GroupSnapshot) -> Vec<Range<usize>> {
    let mut units = Vec::new();
    let mut next = 0;
    while next < snapshot.services.len() {
        let unit = siblings(snapshot, next);
        next = unit.end;
        units.push(unit);
    }
    units
}

/// The number by which a key selects a service, from 1: its instances have one together.
pub(super) fn number(snapshot: &GroupSnapshot, index: usize) -> usize {
    units(snapshot).iter().take_while(|unit| unit.start <= index).count()
}

/// The place that a row shows: that of the selected one, or else of the worst.
pub(super) fn shown(snapshot: &GroupSnapshot, row: &Range<usize>, selected: Option<usize>) -> usize {
    let badness = |index: &usize| snapshot.services.get(*index).map_or(u8::MAX, badness);
    selected.filter(|selected| row.contains(selected)).or_else(|| row.clone().min_by_key(badness)).unwrap_or(row.start)
}

/// The worst instance beside this one, if that has failed, or will not come, and this one is better off.
pub(super) fn worse(snapshot: &GroupSnapshot, index: usize) -> Option<usize> {
    const FAILED: u8 = 2;
    let worst = shown(snapshot, &siblings(snapshot, index), None);
    let badness = |index: usize| snapshot.services.get(index).map_or(u8::MAX, badness);
    (badness(worst) <= FAILED && badness(worst) < badness(index)).then_some(worst)
}

/// The lower, the worse.
fn badness(service: &ServiceSnapshot) -> u8 {
    if service.failure().is_some() {
        return 0;
    }
    match &service.phase {
        Phase::Blocked { lost: Some(_), .. } | Phase::CrashLoop { .. } => 1,
        Phase::Retrying { .. } => 2,
        Phase::Blocked { .. } | Phase::Queued => 3,
        Phase::Validating { .. } | Phase::Starting { .. } => 4,
        Phase::Stopping { .. } => 5,
        Phase::Running { .. } if service.stale => 6,
        Phase::Running { .. } => 7,
        Phase::Finished(_) | Phase::Scheduled { .. } => 8,
        Phase::Down => 9,
    }
}

/// How many of a row are up, or done, and of how many: `2/3`.
pub(super) fn ready_of_all(snapshot: &GroupSnapshot, row: &Range<usize>) -> String {
    let services = snapshot.services.get(row.clone()).unwrap_or_default();
    let is_up =
        |service: &&ServiceSnapshot| matches!(service.phase, Phase::Running { .. } | Phase::Finished(Outcome::Done));
    let of = instance_of(snapshot, row.start);
    // What is too many and ends is none of them.
    let wanted = snapshot.replicated.iter().find(|one| Some(&one.name) == of).map(|one| one.count);
    let counts = |service: &&ServiceSnapshot| {
        let number = service.instance.as_ref().map_or(0, |instance| instance.number);
        wanted.is_none_or(|wanted| number <= wanted)
    };
    let all = wanted.and_then(|wanted| usize::try_from(wanted).ok()).unwrap_or(services.len());
    format!("{}/{all}", services.iter().filter(counts).filter(is_up).count())
}

/// How many are up, and of how many, where a row stands for instances, or for none.
pub(super) fn count(snapshot: &GroupSnapshot, row: &Range<usize>) -> Option<String> {
    if row.len() > 1 {
        return Some(ready_of_all(snapshot, row));
    }
    let none = snapshot.services.get(row.start).is_some_and(|service| no_instances::is_one(snapshot, service));
    none.then(|| "0/0".to_owned())
}

/// The state of a row: that of the worst, with the restarts, the held changes and the usage of all.
pub(super) fn told(snapshot: &GroupSnapshot, row: &Range<usize>) -> Option<ServiceSnapshot> {
    let mut told = snapshot.services.get(shown(snapshot, row, None))?.clone();
    let mut all = RestartCounts::default();
    let mut held = 0;
    let mut usage: Option<Usage> = None;
    for service in snapshot.services.get(row.clone()).unwrap_or_default() {
        let RestartCounts { change, crash, manual, config, dependency, liveness, limit } = service.restarts;
        all.change = all.change.saturating_add(change);
        all.crash = all.crash.saturating_add(crash);
        all.manual = all.manual.saturating_add(manual);
        all.config = all.config.saturating_add(config);
        all.dependency = all.dependency.saturating_add(dependency);
        all.liveness = all.liveness.saturating_add(liveness);
        all.limit = all.limit.saturating_add(limit);
        held += service.held;
        usage = usage.zip(service.usage).map(|(sum, one)| sum.with(one)).or(usage).or(service.usage);
    }
    (told.restarts, told.held, told.usage) = (all, held, usage);
    Some(told)
}

/// The name of a row: of the service whose instances it stands for, or of the one service.
pub(super) fn name<'s>(snapshot: &'s GroupSnapshot, row: &Range<usize>) -> &'s str {
    let own = snapshot.services.get(row.start).map(|service| &service.name);
    let of = instance_of(snapshot, row.start).filter(|_| row.len() > 1);
    of.or(own).map(ServiceName::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ExitStatus;
    use crate::tui::fixture::{farm, shop};

    #[test]
    fn instances_are_one_row_and_one_number_until_they_are_opened() {
        let (farm, mut folds) = (farm(), Folds::default());
        assert_eq!(folds.rows(&farm), [0..1, 1..4, 4..5]);
        let numbers: Vec<_> = (0..5).map(|index| number(&farm, index)).collect();
        assert_eq!(numbers, [1, 2, 2, 2, 3]);
        folds.open(&farm, 2);
        assert_eq!(folds.rows(&farm), [0..1, 1..2, 2..3, 3..4, 4..5]);
        assert_eq!(number(&farm, 4), 3, "numbers stay");
        folds.close(&farm, 1);
        assert!(folds.is_folded(&farm, 3) && !folds.is_folded(&farm, 4));
        assert_eq!(Folds::default().rows(&shop()).len(), 6, "nothing folds there");
    }

    #[test]
    fn a_row_shows_the_selected_one_or_the_worst() {
        let mut farm = farm();
        assert_eq!((shown(&farm, &(1..4), None), shown(&farm, &(1..4), Some(3))), (2, 3));
        assert_eq!((ready_of_all(&farm, &(1..4)).as_str(), name(&farm, &(1..4))), ("2/3", "worker"));
        let told = told(&farm, &(1..4)).unwrap();
        assert_eq!((told.state(), told.restarts.crash), ("retrying", 4));
        farm.services[3].phase = Phase::Finished(Outcome::Failed(ExitStatus::Code(1)));
        farm.services[2].phase = Phase::Down;
        assert_eq!(shown(&farm, &(1..4), None), 3, "one that was stopped is not the worst");
    }

    #[test]
    fn a_row_uses_what_all_its_instances_use() {
        let mut farm = farm();
        let usage = |cpu, memory| Some(Usage { cpu, memory, ..Usage::unknown(crate::domain::Moment::START) });
        farm.services[1].usage = usage(Some(15), Some(3 << 20));
        farm.services[2].usage = usage(None, Some(4 << 20));
        assert_eq!(told(&farm, &(1..4)).unwrap().usage, usage(Some(15), Some(7 << 20)));
        assert_eq!(told(&farm, &(3..4)).unwrap().usage, None);
    }

    #[test]
    fn what_is_too_many_and_ends_does_not_count() {
        let mut farm = farm();
        farm.replicated = [crate::domain::Replicated { name: "worker".into(), group: None, count: 1 }].into();
        assert_eq!(ready_of_all(&farm, &(1..4)), "1/1");
    }
}
