//! What came of changes for one service, from what it does now and what has happened to it: decisions only.

use std::time::Duration;

use super::answer::SettleResult;
use super::happened::Told;
use crate::control::waiting::unproven_until;
use crate::domain::{
    FileJournal, GroupSnapshot, HoldSnapshot, Moment, Outcome, Phase, ServiceName, ServiceSnapshot, Timer, Verdict,
    approx, without_keys,
};

/// Whether something is still to come of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Still {
    /// All is done.
    Done,
    /// This goes on; news will tell of the end of it.
    GoesOn(String),
    /// It is up, and has to stay so until then.
    Unproven(Moment),
}

pub(super) fn still(service: &ServiceSnapshot, now: Moment) -> Still {
    match (&service.going_on, unproven_until(service, now)) {
        (Some(what), _) => Still::GoesOn(what.to_string()),
        (None, Some(until)) => Still::Unproven(until),
        (None, None) => Still::Done,
    }
}

/// It is not as its files want it, and nothing that is still to come will change that.
pub(super) fn has_failed(service: &ServiceSnapshot) -> bool {
    let is_blocked = match &service.phase {
        Phase::Blocked { lost, .. } => service.elsewhere.is_none() && (lost.is_some() || service.going_on.is_none()),
        _ => false,
    };
    service.stale || is_blocked || service.failure().is_some()
}

/// In one word.
pub(super) fn result(service: &ServiceSnapshot, told: Option<&Told>) -> SettleResult {
    let is_done = matches!(service.phase, Phase::Finished(Outcome::Done) | Phase::Scheduled { .. });
    if service.held > 0 || service.next_restart.is_some() {
        SettleResult::Held
    } else if service.stale {
        SettleResult::Stale
    } else if told.is_some_and(|told| told.begun.is_some()) {
        SettleResult::Restarted
    } else if service.phase.live_run().is_some() || is_done || service.elsewhere.is_some() {
        SettleResult::Unchanged
    } else {
        SettleResult::NotStarted
    }
}

/// How long it took from the change until it was ready, up or done, or had failed.
pub(super) fn took(service: &ServiceSnapshot, told: &Told) -> Option<Duration> {
    let Some(begun) = told.begun else {
        // What was validated and has not passed.
        let validated = told.validated.filter(|_| service.stale)?;
        return Some(validated.since(told.changed?));
    };
    let up = || if service.going_on.is_none() { service.up_since } else { None };
    if service.failure().is_some() {
        // Of one that was tried again, how long that took says nothing of the change.
        let ended = service.last_exit.filter(|exit| service.run == begun.run && exit.at >= begun.from)?;
        return Some(ended.at.since(begun.from));
    }
    Some(begun.until.or_else(up)?.since(begun.from))
}

/// When something follows by itself that is not waited for.
pub(super) fn next(service: &ServiceSnapshot, now: Moment) -> Option<(Moment, String)> {
    let (at, timer) = service.next_timer()?;
    let after = approx(at.since(now).max(Duration::from_secs(1)));
    Some((
        at,
        match timer {
            Timer::Try => format!("next try in {after}"),
            Timer::Change => format!("{} in {after}", service.next_action),
        },
    ))
}

/// What its state and the result come from, for people.
pub(super) fn reason(group: &GroupSnapshot, service: &ServiceSnapshot, told: &Told, now: Moment) -> Option<String> {
    let failure = service.failure().map(|failure| failure.to_string());
    let said = service.reason.as_ref().map(|reason| without_keys(reason, service.name.as_str()));
    let known = said.clone().unwrap_or_default();
    let failure = failure.filter(|failure| !known.contains(failure) && failure != service.state());
    let next = next(service, now).map(|(_, text)| text);
    let all: Vec<String> = failure.into_iter().chain(next).chain(held_by(group, service)).chain(said).collect();
    if !all.is_empty() {
        return Some(all.join(" · "));
    }
    // What was done instead of a restart.
    told.said.as_ref().filter(|_| told.begun.is_none()).map(ToString::to_string)
}

fn held_by(group: &GroupSnapshot, service: &ServiceSnapshot) -> Option<String> {
    let covers = |names: &[ServiceName]| names.is_empty() || names.contains(&service.name);
    let holds = group.watch.holds.iter().filter(|hold| covers(&hold.services)).map(HoldSnapshot::holder);
    let holds: Vec<String> = holds.collect();
    (service.held > 0 && !holds.is_empty()).then(|| format!("held by {}", holds.join(", ")))
}

/// Whether nothing was to be done about the last change of its files.
pub(super) fn same_content(journal: &FileJournal, name: &ServiceName, since: Moment) -> bool {
    let mut its = journal.entries().rev().filter(|entry| entry.services.contains(name) && entry.event.at >= since);
    its.next().is_some_and(|entry| entry.verdict == Verdict::SameContent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::settling::happened::{Begun, begun_at};
    use crate::domain::{ExitStatus, GoingOn, Loss, RunId};

    const NOW: Moment = Moment::from_millis(60_000);

    fn service(phase: Phase) -> ServiceSnapshot {
        ServiceSnapshot::blank("api", RunId(2), phase, Moment::from_millis(50_000))
    }

    fn running(since: u64, ready: bool) -> ServiceSnapshot {
        service(Phase::Running { run: RunId(2), since: Moment::from_millis(since), ready })
    }

    #[test]
    fn what_goes_on_is_waited_for_and_what_has_a_time_of_its_own_is_not() {
        let going_on = ServiceSnapshot { going_on: Some(GoingOn::Changes), ..running(1_000, true) };
        assert_eq!(still(&going_on, NOW), Still::GoesOn("waiting for quiet".into()));
        assert_eq!(still(&running(1_000, true), NOW), Still::Done);
        assert_eq!(still(&running(59_900, false), NOW), Still::Unproven(Moment::from_millis(60_150)));
        assert_eq!(still(&running(59_700, false), NOW), Still::Done);
        let until = NOW + Duration::from_millis(7_500);
        let limited = ServiceSnapshot { next_restart: Some(until), ..running(1_000, true) };
        assert_eq!((still(&limited, NOW), result(&limited, None)), (Still::Done, SettleResult::Held));
        assert_eq!(next(&limited, NOW), Some((until, "restart in 7s".into())));
        let outcome = Outcome::Failed(ExitStatus::Code(1));
        let retrying = service(Phase::Retrying { until, attempt: 1, after: outcome });
        assert_eq!(still(&retrying, NOW), Still::Done);
    }

    #[test]
    fn failed_is_all_that_does_not_do_what_its_files_say() {
        let outcome = Outcome::Failed(ExitStatus::Code(1));
        let loss = Loss { name: "db".into(), word: "failed", detail: "".into() };
        let blocked = |lost| service(Phase::Blocked { on: vec!["db".into()], lost });
        let starting = ServiceSnapshot { going_on: Some(GoingOn::Other("db".into())), ..blocked(None) };
        let stale = ServiceSnapshot { stale: true, ..running(1_000, true) };
        for failed in [
            service(Phase::Finished(outcome)),
            service(Phase::CrashLoop { until: NOW }),
            blocked(Some(loss)),
            blocked(None),
            stale,
        ] {
            assert!(has_failed(&failed), "{failed:?}");
        }
        let stopped = ServiceSnapshot { wanted: false, ..service(Phase::Down) };
        for well in [starting, running(1_000, true), service(Phase::Finished(Outcome::Done)), stopped] {
            assert!(!has_failed(&well), "{well:?}");
        }
    }

    #[test]
    fn what_has_failed_took_until_it_ended_unless_it_was_tried_again() {
        use crate::domain::LastExit;
        let status = ExitStatus::Code(1);
        let at = |millis| Moment::from_millis(millis);
        let exit = LastExit { status, at: at(55_000), uptime: Duration::ZERO, asked: false, fault: None };
        let failed = ServiceSnapshot { last_exit: Some(exit), ..service(Phase::Finished(Outcome::Failed(status))) };
        let begun = Begun { until: Some(at(50_028)), ..begun_at(at(50_000)) };
        let told = Told { begun: Some(begun), ..Told::default() };
        assert_eq!(took(&failed, &told), Some(Duration::from_secs(5)), "and not when it was ready");
        let phase = Phase::CrashLoop { until: NOW };
        let looping = ServiceSnapshot { run: RunId(6), phase, reason: Some("too many crashes".into()), ..failed };
        assert_eq!(took(&looping, &told), None);
        let group = GroupSnapshot::empty("shop".into(), "procgroup.toml".into(), std::sync::Arc::default());
        assert_eq!(
            reason(&group, &looping, &told, NOW).as_deref(),
            Some("too many crashes"),
            "the state is not said twice"
        );
    }

    #[test]
    fn the_result_is_what_matters_most() {
        let mut told = Told::default();
        assert_eq!(result(&running(1_000, true), Some(&told)), SettleResult::Unchanged);
        assert_eq!(result(&service(Phase::Down), Some(&told)), SettleResult::NotStarted);
        assert_eq!(result(&service(Phase::Finished(Outcome::Done)), Some(&told)), SettleResult::Unchanged);
        assert_eq!(result(&service(Phase::Finished(Outcome::Invalid)), Some(&told)), SettleResult::NotStarted);
        told.begun = Some(begun_at(NOW));
        assert_eq!(result(&running(1_000, true), Some(&told)), SettleResult::Restarted);
        let stale = ServiceSnapshot { stale: true, ..running(1_000, true) };
        assert_eq!(result(&stale, Some(&told)), SettleResult::Stale);
        assert_eq!(result(&ServiceSnapshot { held: 1, ..stale }, Some(&told)), SettleResult::Held);
    }
}
