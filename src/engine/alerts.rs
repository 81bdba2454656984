//! Which of what happens is an alert, and which of the alerts are told: at most one of a service and kind in a time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{
    AlertKind, Exited, Fact, FactKind, JobMarker, Marker, Moment, NextTry, ServiceName, ServiceSpec, TaskMarker,
    TaskNews,
};

/// A service that has failed, was stuck or in a crash loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Trouble {
    /// It runs again, without a check that says that it is ready: when that run has lasted.
    lasts: Option<(Moment, Duration)>,
}

/// What is told of an alert.
type Key = (Option<ServiceName>, AlertKind);

/// When one was told last, and how many of its like have come since.
#[derive(Clone, Copy, Debug)]
struct Told {
    at: Moment,
    more: u32,
}

/// Looks at all that happens.
#[derive(Clone, Debug, Default)]
pub struct Alerts {
    troubles: BTreeMap<ServiceName, Trouble>,
    /// The group is being stopped: whatever ends now is meant to.
    is_stopping: bool,
}

impl Alerts {
    /// Which kind of alert a fact is.
    pub fn kind(&mut self, fact: &Fact) -> Option<AlertKind> {
        self.is_stopping |= matches!(fact.kind, FactKind::Stop | FactKind::TimeUp);
        if self.is_stopping {
            return None;
        }
        let kind = AlertKind::of(&fact.kind);
        let service = fact.service.as_ref()?;
        if kind.is_some_and(AlertKind::is_trouble) {
            self.troubles.insert(service.clone(), Trouble::default());
        } else if has_ended(&fact.kind)
            && let Some(trouble) = self.troubles.get_mut(service)
        {
            trouble.lasts = None;
        }
        if kind.is_none() && is_well(&fact.kind) && self.troubles.remove(service).is_some() {
            return Some(AlertKind::Recovered);
        }
        kind
    }

    /// A run begins.
    pub fn begins(&mut self, spec: &ServiceSpec, now: Moment) {
        let trouble = self.troubles.get_mut(&spec.name);
        if let Some(trouble) = trouble.filter(|_| spec.ready.is_none() && spec.worker.is_none()) {
            trouble.lasts = Some((now + spec.backoff.reset_after, spec.backoff.reset_after));
        }
    }

    /// When to ask next for runs that have lasted.
    pub fn next_deadline(&self) -> Option<Moment> {
        if self.is_stopping {
            return None;
        }
        self.troubles.values().filter_map(|trouble| Some(trouble.lasts?.0)).min()
    }

    /// The services whose runs have lasted, and how long that is: each is to be told once.
    pub fn lasted(&mut self, now: Moment) -> Vec<(ServiceName, Duration)> {
        let due = |trouble: &Trouble| trouble.lasts.filter(|(due, _)| *due <= now);
        let lasted = self.troubles.iter().filter_map(|(name, trouble)| Some((name.clone(), due(trouble)?.1)));
        let lasted: Vec<_> = lasted.collect();
        for (name, _) in &lasted {
            if let Some(trouble) = self.troubles.get_mut(name) {
                trouble.lasts = None;
            }
        }
        lasted
    }
}

/// How often something is told.
#[derive(Clone, Debug, Default)]
pub struct AlertPace {
    told: BTreeMap<Key, Told>,
}

impl AlertPace {
    /// Whether an alert is told now, and how many of its like were not told since the last one. `every`: at most one is told
    /// in this time.
    pub fn pass(
        &mut self,
        service: Option<&ServiceName>,
        kind: AlertKind,
        every: Duration,
        now: Moment,
    ) -> Option<u32> {
        let key = (service.cloned(), kind);
        match self.told.get_mut(&key) {
            Some(told) if now.since(told.at) < every => {
                told.more = told.more.saturating_add(1);
                None
            }
            told => {
                let more = told.map_or(0, |told| told.more);
                self.told.insert(key, Told { at: now, more: 0 });
                Some(more)
            }
        }
    }
}

/// A run is over.
fn has_ended(fact: &FactKind) -> bool {
    matches!(fact, FactKind::Ended { .. } | FactKind::NotStarted { .. })
}

/// The service works, or has done what it is for.
fn is_well(fact: &FactKind) -> bool {
    match fact {
        FactKind::Lasted { .. } => true,
        FactKind::Ended { exit, exited: Some(Exited { next: NextTry::None, .. }), .. } => {
            exit.status.is_success() && exit.fault.is_none()
        }
        FactKind::Marked(marker) => matches!(
            marker,
            Marker::Ready { .. }
                | Marker::Job(JobMarker::Unchanged { .. })
                | Marker::Task(TaskMarker::News { news: TaskNews::BreakerClosed, .. })
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RunCommand, RunId, StartCause};

    fn at(seconds: u64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    fn fact(kind: FactKind) -> Fact {
        Fact { at: at(0), service: Some("api".into()), run: Some(RunId(2)), kind }
    }

    fn gave_up() -> Fact {
        let (crashes, within, cooldown) = (5, Duration::from_secs(60), Duration::from_secs(60));
        fact(FactKind::Marked(Marker::GaveUp { crashes, within, cooldown, watches: true }))
    }

    fn ready() -> Fact {
        fact(FactKind::Marked(Marker::Ready { after: Duration::ZERO, restart: true }))
    }

    #[test]
    fn of_many_in_a_short_time_one_is_told_and_the_next_says_how_many() {
        let (mut pace, every) = (AlertPace::default(), Duration::from_secs(30));
        let api = ServiceName::from("api");
        let mut pass = |kind, seconds| pace.pass(Some(&api), kind, every, at(seconds));
        let told: Vec<_> = [0, 1, 10, 20, 29, 30, 31, 61].map(|seconds| pass(AlertKind::CrashLoop, seconds)).into();
        assert_eq!(told, [Some(0), None, None, None, None, Some(4), None, Some(1)]);
        assert_eq!(pass(AlertKind::Stuck, 62), Some(0), "another kind");
        assert_eq!(pace.pass(Some(&"web".into()), AlertKind::CrashLoop, every, at(62)), Some(0), "another service");
        assert_eq!(pace.pass(Some(&api), AlertKind::Stuck, Duration::ZERO, at(62)), Some(0), "every = 0");
    }

    #[test]
    fn what_was_in_trouble_has_recovered_once() {
        let mut alerts = Alerts::default();
        assert_eq!(alerts.kind(&ready()), None, "nothing was wrong");
        assert_eq!(alerts.kind(&gave_up()), Some(AlertKind::CrashLoop));
        assert_eq!(alerts.kind(&fact(FactKind::Ordered { cause: StartCause::Hand, is_restart: true })), None);
        assert_eq!(alerts.kind(&ready()), Some(AlertKind::Recovered));
        assert_eq!(alerts.kind(&ready()), None);
    }

    #[test]
    fn without_a_check_it_has_recovered_when_its_run_lasts() {
        let mut alerts = Alerts::default();
        let spec = ServiceSpec::new("api".into(), RunCommand::Shell("x".into()), "/".into());
        alerts.begins(&spec, at(0));
        assert_eq!(alerts.next_deadline(), None, "nobody is woken while all is well");
        alerts.kind(&gave_up());
        assert_eq!(alerts.next_deadline(), None);
        alerts.begins(&spec, at(60));
        assert_eq!((alerts.next_deadline(), alerts.lasted(at(69))), (Some(at(70)), vec![]));
        alerts.kind(&gave_up());
        assert_eq!(alerts.next_deadline(), None, "it has crashed again");
        alerts.begins(&spec, at(100));
        let lasted = alerts.lasted(at(110));
        assert_eq!((lasted.as_slice(), alerts.next_deadline()), (&[("api".into(), Duration::from_secs(10))][..], None));
        let kind = alerts.kind(&fact(FactKind::Lasted { up: Duration::from_secs(10) }));
        assert_eq!(kind, Some(AlertKind::Recovered));
    }

    #[test]
    fn what_ends_with_the_group_is_no_alert() {
        let mut alerts = Alerts::default();
        alerts.kind(&Fact { service: None, run: None, ..fact(FactKind::Stop) });
        assert_eq!(alerts.kind(&gave_up()), None);
    }
}
