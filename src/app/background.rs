//! A group in the background: nobody looks at it at first, and it tells once how its start went.

use std::fmt::Write;
use std::time::Duration;

use tokio::time::sleep_until;

use super::say;
use crate::control::{Became, first_start};
use crate::domain::{GroupSnapshot, Kind, Moment, Outcome, Phase, ServiceName, ServiceSnapshot};
use crate::group_handle::GroupHandle;
use crate::guard::Report;
use crate::logs::LineId;

/// A service without a readiness check is up when it has run for so long: a command that does not exist, or a port that
/// is taken, ends sooner.
const SETTLED: Duration = Duration::from_millis(250);

/// Where there is no terminal, services write for one of this size: logs are wider than 80 columns.
const NO_TERMINAL: (u16, u16) = (160, 50);

/// Last lines that are told of a service that has failed …
const WORDS: usize = 5;

/// … which are looked for so far back.
const LOOK_BACK: u64 = 50;

/// How long a launcher that does not read may delay the report.
const PATIENCE: Duration = Duration::from_secs(2);

/// The exit code of the launcher if a service has failed.
const FAILED: u8 = 5;

/// How a group runs in the background.
#[derive(Debug)]
pub struct Background {
    /// Of the terminal that it was started in, for which the services get their first sizes; 0×0 if there was none.
    pub size: (u16, u16),
    /// Who waits for the end of the start.
    pub report: Report,
}

impl Background {
    /// The terminal that the first sizes are for.
    pub(super) fn terminal_size(&self) -> (u16, u16) {
        if self.size == (0, 0) { NO_TERMINAL } else { self.size }
    }
}

/// Waits until each service that is wanted is up or has failed, and reports. `pid`: by which the user knows the group.
pub(super) async fn report_start(handle: GroupHandle, report: Report, name: String, pid: u32) {
    let clock = handle.logs().clock();
    let mut snapshots = handle.snapshots();
    let first = handle.snapshot();
    let wanted: Vec<_> = first.services.iter().filter(|service| service.wanted).map(|s| s.name.clone()).collect();
    let group = loop {
        let group = snapshots.borrow_and_update().clone();
        if group.stopping.is_some() {
            // Its own last line tells, and its code.
            return;
        }
        let Some(wake) = next_look(&group, &wanted, clock.now()) else { break group };
        let sleep = async {
            match wake {
                Some(moment) => sleep_until(clock.instant(moment).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = snapshots.changed() => if changed.is_err() { return },
            () = sleep => {}
        }
    };
    let (text, code) = words(&group, &wanted, &name, pid, |service| last_lines(&handle, service));
    let tell = move || {
        say(text.trim_end(), PATIENCE);
        report.send(code);
    };
    // Nobody waits for it: the runtime may end first.
    drop(tokio::task::spawn_blocking(tell));
}

/// What has become of a service, once it is known; or when it is to be looked at again, if not only after news.
fn outcome(service: &ServiceSnapshot, now: Moment) -> Result<Became, Option<Moment>> {
    match (first_start(service), &service.phase) {
        (Some(Became::Ready), Phase::Running { ready: false, since, .. }) if *since + SETTLED > now => {
            Err(Some(*since + SETTLED))
        }
        (Some(became), _) => Ok(became),
        (None, _) => Err(None),
    }
}

/// When to look next: `None` if all is known, `Some(None)` after the next news.
fn next_look(group: &GroupSnapshot, wanted: &[ServiceName], now: Moment) -> Option<Option<Moment>> {
    let services = wanted.iter().filter_map(|name| group.service(name));
    let open: Vec<_> = services.filter_map(|service| outcome(service, now).err()).collect();
    (!open.is_empty()).then(|| open.into_iter().flatten().min())
}

/// What is reported, and with which code.
fn words(
    group: &GroupSnapshot,
    wanted: &[ServiceName],
    name: &str,
    pid: u32,
    last_lines: impl Fn(&ServiceName) -> Vec<String>,
) -> (String, u8) {
    let services: Vec<_> = wanted.iter().filter_map(|name| group.service(name)).collect();
    let failed: Vec<_> = services.iter().filter(|service| first_start(service) == Some(Became::Failed)).collect();
    let mut text = String::new();
    for service in &failed {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "error: {}: {}", service.name, reason(service));
        for line in last_lines(&service.name) {
            let _ = writeln!(text, "  {} │ {line}", service.name);
        }
    }
    let up = services.len() - failed.len();
    let plural = if services.len() == 1 { "service" } else { "services" };
    let state = match (services.len(), failed.len()) {
        (0, _) => "no service starts by itself".to_owned(),
        (all, 0) => format!("{all} {plural} started"),
        (all, _) => format!("{up} of {all} {plural} started"),
    };
    let _ = writeln!(
        text,
        "{name}: {state} · runs in the background, pid {pid} · `devgroup attach` opens it, `devgroup down` ends it"
    );
    (text, if failed.is_empty() { 0 } else { FAILED })
}

/// Why a service has failed.
fn reason(service: &ServiceSnapshot) -> String {
    match &service.phase {
        Phase::Finished(outcome) => of_outcome(*outcome, service.kind).into_owned(),
        Phase::BackingOff { after, .. } => format!("{}, and is tried again", of_outcome(*after, service.kind)),
        Phase::CircuitOpen { .. } => "has crashed too often".into(),
        Phase::Blocked { lost: Some(loss), .. } => format!("waits in vain: {loss}"),
        _ => match service.last_exit {
            Some(exit) => format!("has ended ({}), and was tried again", exit.status),
            None => "has failed".into(),
        },
    }
}

fn of_outcome(outcome: Outcome, kind: Kind) -> std::borrow::Cow<'static, str> {
    match outcome {
        Outcome::Done if kind == Kind::Service => "has ended at once (exit 0)".into(),
        Outcome::Done => "is done".into(),
        Outcome::Failed(status) => format!("failed ({status})").into(),
        Outcome::NotStarted => "could not be started".into(),
        Outcome::NotReady => "was not ready in time".into(),
        Outcome::Stuck => "is stuck".into(),
        Outcome::Invalid => "its `validate` failed".into(),
    }
}

/// The last lines of a service's log: what it has printed, and the markers, which tell how it ended.
fn last_lines(handle: &GroupHandle, name: &ServiceName) -> Vec<String> {
    let Some(document) = handle.logs().get(name) else { return Vec::new() };
    let mut reader = document.read();
    let (first, end) = (reader.first().0, reader.end().0);
    let lines = (first.max(end.saturating_sub(LOOK_BACK))..end).rev().filter_map(|id| reader.line(LineId(id)));
    let words = lines.filter(|line| !line.content.text.trim().is_empty());
    let mut last: Vec<_> = words.take(WORDS).map(|line| line.content.text.trim_end().to_owned()).collect();
    last.reverse();
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ExitStatus, PaneView, RestartCounts, RunHistory, RunId};

    const SINCE: Moment = Moment::from_millis(100);

    fn service(phase: Phase) -> ServiceSnapshot {
        ServiceSnapshot {
            pid: None,
            phase,
            run: RunId(1),
            name: "api".into(),
            kind: Kind::Service,
            group: None,
            url: None,
            command: "".into(),
            view: PaneView::Auto,
            since: SINCE,
            wanted: true,
            watches: false,
            up_since: None,
            restarts: RestartCounts::default(),
            last_change: None,
            last_exit: None,
            next_try: None,
            held: 0,
            pending: 0,
            kept: false,
            history: RunHistory::default(),
            facts: None,
        }
    }

    fn running(ready: bool) -> ServiceSnapshot {
        service(Phase::Running { run: RunId(1), since: SINCE, ready })
    }

    #[test]
    fn a_service_without_a_readiness_check_is_up_when_it_has_run_for_a_while() {
        assert_eq!(outcome(&running(true), SINCE), Ok(Became::Ready));
        assert_eq!(outcome(&running(false), SINCE), Err(Some(SINCE + SETTLED)));
        assert_eq!(outcome(&running(false), SINCE + SETTLED), Ok(Became::Ready));
        let starting = Phase::Starting { run: RunId(1), since: SINCE, ready_by: None, spawned: true };
        assert_eq!(outcome(&service(starting), SINCE + SETTLED * 100), Err(None), "only news can tell");
    }

    #[test]
    fn the_first_failure_of_a_service_counts_even_if_it_is_tried_again() {
        let failed = Outcome::Failed(ExitStatus::Code(3));
        let again = service(Phase::BackingOff { until: SINCE, attempt: 1, after: failed });
        assert_eq!(
            (outcome(&again, SINCE), reason(&again)),
            (Ok(Became::Failed), "failed (exit 3), and is tried again".to_owned())
        );
        let crashed =
            ServiceSnapshot { restarts: RestartCounts { crash: 1, ..RestartCounts::default() }, ..running(false) };
        assert_eq!(outcome(&crashed, SINCE), Ok(Became::Failed));
        assert_eq!(reason(&service(Phase::Finished(Outcome::NotReady))), "was not ready in time");
    }
}
