//! Which services have a pane of their own, and which of them matter most. It is decided when the layout is made, and then
//! only when a service fails or is selected: nothing jumps while one reads.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::layout::Arrangement;
use crate::domain::{GroupSnapshot, Moment, Outcome, Phase, ServiceName, ServiceSnapshot, WorkerSnapshot};

/// What a layout is made for. Another one is a new layout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MadeFor {
    /// The service of the first pane.
    pub(super) main: Option<ServiceName>,
    /// What the user has chosen.
    pub(super) arrangement: Arrangement,
    /// Columns and rows of the terminal.
    pub(super) size: (u16, u16),
}

/// The services with a pane of their own, in the order of what they matter.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranking {
    order: Vec<ServiceName>,
    made_for: Option<MadeFor>,
    /// Those whose failures have been taken in since it was made.
    failed: BTreeSet<ServiceName>,
}

impl Ranking {
    /// Takes in what has become of the group. `has_unseen`: a service has errors that nobody has seen; `spoke`: when it has
    /// printed its last line.
    pub(super) fn update(
        &mut self,
        snapshot: &GroupSnapshot,
        made_for: MadeFor,
        has_unseen: impl Fn(&ServiceName) -> bool,
        spoke: impl Fn(&ServiceName) -> Option<Moment>,
    ) {
        let failed = snapshot.services.iter().filter(|service| service.failure().is_some());
        let failed: BTreeSet<_> = failed.map(|service| service.name.clone()).collect();
        let is_new = self.made_for.as_ref() != Some(&made_for);
        if is_new || !failed.is_subset(&self.failed) {
            let mut services: Vec<_> = snapshot.services.iter().filter(|service| has_pane(service)).collect();
            services.sort_by_cached_key(|service| (class(service, &has_unseen), Reverse(moment(service, &spoke))));
            self.order = services.into_iter().map(|service| service.name.clone()).collect();
            self.made_for = Some(made_for);
            // One that fails again and again is taken in once.
            self.failed = if is_new { failed } else { &self.failed | &failed };
            return;
        }
        let shown = || snapshot.services.iter().filter(|service| has_pane(service)).map(|service| &service.name);
        let with_pane: HashSet<&ServiceName> = shown().collect();
        self.order.retain(|name| with_pane.contains(name));
        if self.order.len() < with_pane.len() {
            let known: HashSet<&ServiceName> = self.order.iter().collect();
            let new: Vec<ServiceName> = shown().filter(|name| !known.contains(name)).cloned().collect();
            self.order.extend(new);
        }
    }

    /// The places of the services in the snapshot, but for that of the first pane.
    pub(super) fn others(&self, snapshot: &GroupSnapshot, main: usize) -> Vec<usize> {
        let all = snapshot.services.iter().enumerate().map(|(place, service)| (&service.name, place));
        let places: HashMap<&ServiceName, usize> = all.collect();
        let place = |name: &ServiceName| places.get(name).copied();
        let shown = |index: &usize| *index != main && snapshot.services.get(*index).is_some_and(has_pane);
        self.order.iter().filter_map(place).filter(shown).collect()
    }
}

/// A service that lives, or has failed. One that is done or was stopped has a row in the sidebar.
fn has_pane(service: &ServiceSnapshot) -> bool {
    !matches!(service.phase, Phase::Down | Phase::Finished(Outcome::Done))
}

/// Those that have failed, workers that somebody should look at, those that start, those with errors that nobody has seen,
/// the others.
fn class(service: &ServiceSnapshot, has_unseen: impl Fn(&ServiceName) -> bool) -> u8 {
    if service.failure().is_some() {
        0
    } else if service.working().is_some_and(WorkerSnapshot::needs_attention) {
        1
    } else if is_starting(service) {
        2
    } else if has_unseen(&service.name) {
        3
    } else {
        4
    }
}

fn is_starting(service: &ServiceSnapshot) -> bool {
    matches!(service.phase, Phase::Starting { .. } | Phase::Validating { .. })
}

/// When that was, or when it has said something last.
fn moment(service: &ServiceSnapshot, spoke: impl Fn(&ServiceName) -> Option<Moment>) -> Option<Moment> {
    let is_new = service.failure().is_some()
        || service.working().is_some_and(WorkerSnapshot::needs_attention)
        || is_starting(service);
    if is_new { Some(service.since) } else { spoke(&service.name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ExitStatus;
    use crate::tui::fixture::shop;

    /// Names in the order of the panes. `api` is in the first one; `web` has spoken last, and `mail` never.
    fn names(ranking: &Ranking) -> Vec<&str> {
        ranking.order.iter().map(ServiceName::as_str).collect()
    }

    fn update(ranking: &mut Ranking, snapshot: &GroupSnapshot, main: &str) {
        update_with(ranking, snapshot, main, "");
    }

    /// One service has errors that nobody has seen.
    fn update_with(ranking: &mut Ranking, snapshot: &GroupSnapshot, main: &str, unseen: &str) {
        let made_for = MadeFor { main: Some(main.into()), ..MadeFor::default() };
        let spoke = ["mail", "db", "api", "web"];
        ranking.update(
            snapshot,
            made_for,
            |name| name.as_str() == unseen,
            |name| {
                let place = spoke.iter().position(|spoke| *spoke == name.as_str())?;
                Some(Moment::from_millis(u64::try_from(place).unwrap_or(0)))
            },
        );
    }

    #[test]
    fn failures_come_first_then_starts_then_who_spoke_last_and_who_is_stopped_has_no_pane() {
        let mut ranking = Ranking::default();
        update(&mut ranking, &shop(), "api");
        assert_eq!(names(&ranking), ["worker", "css", "web", "api", "db"]);
        assert_eq!(ranking.others(&shop(), 1), [2, 4, 3, 0], "without the first pane");
    }

    #[test]
    fn errors_that_nobody_has_seen_come_before_who_spoke_last() {
        let mut ranking = Ranking::default();
        update_with(&mut ranking, &shop(), "api", "db");
        assert_eq!(names(&ranking), ["worker", "css", "db", "web", "api"]);
        update(&mut ranking, &shop(), "api");
        assert_eq!(names(&ranking)[2], "db", "nothing jumps while one reads");
        update(&mut ranking, &shop(), "web");
        assert_eq!(names(&ranking), ["worker", "css", "web", "api", "db"]);
    }

    #[test]
    fn the_order_changes_only_when_a_service_fails_or_is_selected() {
        let (mut ranking, mut group) = (Ranking::default(), shop());
        update(&mut ranking, &group, "api");
        // The failed one is well again, another one starts, one is stopped and one comes.
        group.services[2].phase = group.services[0].phase.clone();
        group.services[3].phase = group.services[4].phase.clone();
        group.services[0].phase = Phase::Down;
        group.services[5].phase = group.services[4].phase.clone();
        update(&mut ranking, &group, "api");
        assert_eq!(names(&ranking), ["worker", "css", "web", "api", "mail"]);
        // It fails again: that is known. Another one is not.
        group.services[2].phase = Phase::Finished(Outcome::Failed(ExitStatus::Code(1)));
        update(&mut ranking, &group, "api");
        assert_eq!(names(&ranking), ["worker", "css", "web", "api", "mail"]);
        group.services[5].phase = Phase::Finished(Outcome::Failed(ExitStatus::Code(2)));
        group.services[5].since = group.services[2].since + std::time::Duration::from_secs(1);
        update(&mut ranking, &group, "api");
        assert_eq!(names(&ranking), ["mail", "worker", "css", "web", "api"]);
        group.services[5].phase = group.services[1].phase.clone();
        update(&mut ranking, &group, "api");
        assert_eq!(names(&ranking)[0], "mail", "nothing jumps");
        update(&mut ranking, &group, "web");
        assert_eq!(names(&ranking), ["worker", "css", "web", "api", "mail"]);
    }
}
