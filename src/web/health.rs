//! `/health`: whether the run loop turns. `/ready`: whether all that is to run is up. For probes and load balancers.
//!
//! An idle loop does not turn by itself, so idleness says nothing: each request for `/health` has it turn once. What the loop
//! does not do within ten seconds of the first request it will hardly do for the next one, which is told so at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::time::{sleep, sleep_until};

use super::body::{self, Body};
use super::site::Site;
use crate::domain::{Command, GroupSnapshot, Kind, Moment, Outcome, Phase, Refusal, ServiceSnapshot};
use crate::group_handle::GroupHandle;

/// A loop hangs if it was asked to turn and has not done so within this time.
const HANGS: Duration = Duration::from_secs(10);

/// A full queue is tried again so soon.
const SOON: Duration = Duration::from_millis(100);

/// How the run loop turns: written by the loop, read by health, metrics and `status.json`.
#[derive(Debug, Default)]
pub struct Turns {
    /// When the last turn ended, in nanoseconds since the start.
    last: AtomicU64,
    /// How long the longest took, in nanoseconds.
    longest: AtomicU64,
    /// Since when somebody has waited for a turn; it may have come.
    awaited: Mutex<Option<Moment>>,
}

impl Turns {
    /// A turn is over, and how long it took.
    pub fn turned(&self, now: Moment, took: Duration) {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.last.store(nanos(now.since_start()), Ordering::Relaxed);
        self.longest.fetch_max(nanos(took), Ordering::Relaxed);
    }

    /// When the last one ended.
    pub fn last(&self) -> Moment {
        Moment::after_start(Duration::from_nanos(self.last.load(Ordering::Relaxed)))
    }

    /// How long the longest has taken so far.
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest.load(Ordering::Relaxed))
    }

    /// Somebody waits for a turn from now on. When the loop hangs if there is none: those who wait already count.
    fn hangs_at(&self, now: Moment) -> Moment {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        let since = awaited.filter(|since| self.last() < *since).unwrap_or(now);
        *awaited = Some(since);
        since + HANGS
    }
}

/// The answer of `/health`.
#[derive(Debug, PartialEq, Serialize)]
struct Health<'h> {
    /// `ok`, `stopping`, or `stuck`: the loop does not turn.
    status: &'static str,
    /// Of this shape: 1. Keys are only ever added.
    version: u32,
    project: &'h str,
    /// The process by which the user knows the group.
    pid: u32,
    uptime_seconds: u64,
    /// How long ago the last turn of the loop ended.
    last_turn_ms: u64,
}

/// `GET /health`: has the loop turn, and says how the group is. Takes ten seconds at most, and mostly no time.
pub(super) async fn health(site: &Site) -> Response<Body> {
    let group = site.inside.handle();
    let has_turned = turns(group, &site.vitals.turns).await;
    let (snapshot, now) = (group.snapshot(), group.logs().clock().now());
    let (code, health) = told((&snapshot, site.inside.about().pid), has_turned, site.vitals.turns.last(), now);
    body::json(code, &health)
}

/// Whether the loop turns.
async fn turns(group: &GroupHandle, turns: &Turns) -> bool {
    let clock = group.logs().clock();
    let hangs_at = turns.hangs_at(clock.now());
    tokio::select! {
        biased;
        () = turn(group) => true,
        () = sleep_until(clock.instant(hangs_at).into()) => false,
    }
}

/// How a group is: of this process, whose loop turns or does not, and has last turned then.
fn told(
    (group, pid): (&GroupSnapshot, u32),
    has_turned: bool,
    last_turn: Moment,
    now: Moment,
) -> (StatusCode, Health<'_>) {
    let (code, status) = match has_turned {
        true if group.stopping.is_some() => (StatusCode::OK, "stopping"),
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "stuck"),
    };
    let health = Health {
        status,
        version: 1,
        project: &group.name,
        pid,
        uptime_seconds: now.since_start().as_secs(),
        last_turn_ms: u64::try_from(now.since(last_turn).as_millis()).unwrap_or(u64::MAX),
    };
    (code, health)
}

/// Comes back after a turn of the loop. Where so much waits for the loop that no more can be asked, somebody else is waiting
/// for that turn as well.
async fn turn(group: &GroupHandle) {
    while let Err(Refusal::Unavailable) = group.ask(Command::CatchUp { files: false }).await {
        sleep(SOON).await;
    }
}

/// The answer of `/ready`.
#[derive(Debug, PartialEq, Serialize)]
struct Ready<'r> {
    ready: usize,
    total: usize,
    not_ready: Vec<&'r str>,
}

/// `GET /ready`
pub(super) fn ready(site: &Site) -> Response<Body> {
    let group = site.inside.handle().snapshot();
    let (code, ready) = readiness(&group);
    body::json(code, &ready)
}

/// Whether all that is to run is up. A group that is being stopped is not ready.
fn readiness(group: &GroupSnapshot) -> (StatusCode, Ready<'_>) {
    let counts = |service: &&ServiceSnapshot| service.wanted && !service.scheduled && service.elsewhere.is_none();
    let wanted: Vec<&ServiceSnapshot> = group.services.iter().filter(counts).collect();
    let not_ready: Vec<&str> =
        wanted.iter().filter(|service| !is_up(service)).map(|service| service.name.as_str()).collect();
    let answer = Ready { ready: wanted.len() - not_ready.len(), total: wanted.len(), not_ready };
    let is_ready = answer.not_ready.is_empty() && group.stopping.is_none();
    (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, answer)
}

/// A service that is ready, or runs where nobody has said what ready is; a job that is done; a worker that works.
fn is_up(service: &ServiceSnapshot) -> bool {
    match service.phase {
        Phase::Finished(Outcome::Done) => true,
        Phase::Running { .. } if service.kind == Kind::Job => false,
        Phase::Running { .. } => service.working().is_none_or(|worker| !worker.is_in_trouble()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::clock::Clock;
    use crate::domain::{Answer, ExitStatus, RunId, Stopping, WorkerHealth, WorkerSnapshot};
    use crate::group_handle::Request;
    use crate::logs::LogStore;

    fn service(name: &str, phase: Phase) -> ServiceSnapshot {
        ServiceSnapshot::blank(name, RunId(1), phase, Moment::START)
    }

    fn running(name: &str, ready: bool) -> ServiceSnapshot {
        service(name, Phase::Running { run: RunId(1), since: Moment::START, ready })
    }

    fn group(services: Vec<ServiceSnapshot>) -> GroupSnapshot {
        let empty = GroupSnapshot::empty("shop".into(), "procgroup.toml".into(), Arc::default());
        GroupSnapshot { services, ..empty }
    }

    #[test]
    fn the_longest_turn_stays_and_the_last_is_the_last() {
        let turns = Turns::default();
        turns.turned(Moment::from_millis(5), Duration::from_millis(40));
        turns.turned(Moment::from_millis(9), Duration::from_micros(20));
        assert_eq!((turns.last(), turns.longest()), (Moment::from_millis(9), Duration::from_millis(40)));
    }

    #[test]
    fn ten_seconds_count_from_the_first_who_waits_until_the_loop_turns() {
        let turns = Turns::default();
        let at = Moment::from_millis;
        // An idle loop: that it has not turned for long says nothing.
        turns.turned(at(1), Duration::ZERO);
        assert_eq!([60_000, 65_000, 70_001].map(|now| turns.hangs_at(at(now))), [at(70_000); 3]);
        turns.turned(at(71_000), Duration::from_secs(11));
        assert_eq!(turns.hangs_at(at(72_000)), at(82_000));
    }

    fn stopping() -> GroupSnapshot {
        let stopping = Some(Stopping { since: Moment::START, killing: false, services: vec![] });
        GroupSnapshot { stopping, ..group(vec![]) }
    }

    #[test]
    fn who_asks_has_the_loop_turn() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let turns = runtime.block_on(async {
            let (requests_in, mut requests) = mpsc::channel::<Request>(1);
            let snapshots = watch::Sender::new(Arc::new(group(vec![])));
            let logs = Arc::new(LogStore::new(Clock::start()));
            tokio::spawn(async move {
                let request = requests.recv().await.unwrap();
                assert_eq!(request.command, Command::CatchUp { files: false });
                request.answer.unwrap().send(Answer::Accepted { at: Moment::START, services: vec![] }).unwrap();
            });
            turns(&GroupHandle::new(requests_in, snapshots.subscribe(), logs, Arc::default()), &Turns::default()).await
        });
        assert!(turns);
    }

    #[test]
    fn a_group_says_how_it_is() {
        let at = Moment::from_millis;
        let told = |group: &GroupSnapshot, has_turned| {
            let (code, health) = told((group, 7), has_turned, at(9_990), at(12_345));
            (code.as_u16(), serde_json::to_string(&health).unwrap())
        };
        let text = |status| {
            let rest = r#""version":1,"project":"shop","pid":7,"uptime_seconds":12,"last_turn_ms":2355"#;
            format!(r#"{{"status":"{status}",{rest}}}"#)
        };
        assert_eq!(told(&group(vec![]), true), (200, text("ok")));
        assert_eq!(told(&stopping(), true), (200, text("stopping")));
        assert_eq!(told(&stopping(), false), (503, text("stuck")));
    }

    fn ready_of(group: &GroupSnapshot) -> (u16, String) {
        let (code, ready) = readiness(group);
        (code.as_u16(), serde_json::to_string(&ready).unwrap())
    }

    #[test]
    fn all_that_is_to_run_has_to_be_up() {
        let done = |name| ServiceSnapshot { kind: Kind::Job, ..service(name, Phase::Finished(Outcome::Done)) };
        let stopped = ServiceSnapshot { wanted: false, ..service("off", Phase::Down) };
        let nightly = ServiceSnapshot { scheduled: true, ..service("nightly", Phase::Scheduled { after: None }) };
        let up = vec![running("db", true), running("web", false), done("migrate"), stopped, nightly];
        let told = |code, text: &str| (code, text.to_owned());
        assert_eq!(ready_of(&group(up.clone())), told(200, r#"{"ready":3,"total":3,"not_ready":[]}"#));
        let failed = Outcome::Failed(ExitStatus::Code(1));
        let more =
            [service("api", Phase::Finished(failed)), ServiceSnapshot { kind: Kind::Job, ..running("seed", false) }];
        let some = group(up.into_iter().chain(more).collect());
        assert_eq!(ready_of(&some), told(503, r#"{"ready":3,"total":5,"not_ready":["api","seed"]}"#));
        assert_eq!(ready_of(&group(vec![])), told(200, r#"{"ready":0,"total":0,"not_ready":[]}"#));
        assert_eq!(ready_of(&stopping()).0, 503);
    }

    #[test]
    fn a_worker_in_trouble_is_not_ready() {
        let of = |health| {
            let worker = Some(Arc::new(WorkerSnapshot { health, ..WorkerSnapshot::busy() }));
            ready_of(&group(vec![ServiceSnapshot { kind: Kind::Worker, worker, ..running("marie", false) }])).0
        };
        assert_eq!((of(WorkerHealth::Healthy), of(WorkerHealth::Unhealthy)), (200, 503));
    }
}
