//! Answers `status --usage`: has the runs measured for as long as somebody looks, and tells what was found.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::outbox::Outbox;
use super::status::Status;
use super::wire::{Problem, ProblemCode, Reply};
use crate::domain::{Command, GroupSnapshot, Moment};
use crate::group_handle::GroupHandle;

/// Between two measurements for one who follows.
const EVERY: Duration = Duration::from_secs(2);

/// Work is counted from one measurement to the next: so long after a first one, one can tell.
const FIRST: Duration = Duration::from_millis(500);

/// Who measures again so soon after somebody else is told what that one was.
const SHARED: Duration = Duration::from_millis(250);

/// So long a measurement may take; who has not answered by then is told without.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells the state with what each service uses: once, or again and again. `pid`: by which the user knows the group.
pub(super) async fn tell(handle: GroupHandle, pid: u32, follow: bool, mut outbox: Outbox) {
    let mut pause = FIRST;
    if let Err(problem) = measure(&handle).await {
        outbox.send(&Reply::Error(problem)).await;
        return;
    }
    loop {
        // Somebody else may have measured a moment ago: then it is known already.
        if follow || !is_known(&handle.snapshot()) {
            sleep(pause).await;
            if let Err(problem) = measure(&handle).await {
                outbox.send(&Reply::Error(problem)).await;
                return;
            }
        }
        pause = EVERY;
        let group = handle.snapshot();
        let status = Status::new(&group, pid, handle.logs().clock()).with_usage(&group);
        let status = status.with_web(handle.web_address());
        if !outbox.send(&Reply::Status(Box::new(status))).await || !follow {
            return;
        }
    }
}

/// Has all runs measured, and waits until that is done.
async fn measure(handle: &GroupHandle) -> Result<(), Problem> {
    let mut snapshots = handle.snapshots();
    let asked = handle.logs().clock().now();
    let refused = |refusal: crate::domain::Refusal| Problem::new(ProblemCode::Refused, refusal.to_string());
    handle.ask(Command::Measure { services: Vec::new() }).await.map_err(refused)?;
    let is_measured = |group: &std::sync::Arc<GroupSnapshot>| is_measured_since(group, asked);
    // What does not answer in time is told as it was.
    let _ = timeout(PATIENCE, snapshots.wait_for(is_measured)).await;
    Ok(())
}

/// Each live run was measured after that moment, or so shortly before that nobody measured anew.
fn is_measured_since(group: &GroupSnapshot, asked: Moment) -> bool {
    let earliest = asked.since_start().saturating_sub(SHARED);
    let is_new = |at: Moment| at.since_start() >= earliest;
    group.services.iter().filter(|one| one.can_be_measured()).all(|one| one.usage.is_some_and(|usage| is_new(usage.at)))
}

/// What there is to tell of each live run is known.
fn is_known(group: &GroupSnapshot) -> bool {
    let is_known = |usage: crate::domain::Usage| usage.cpu.is_some() || usage.memory.is_none();
    group.services.iter().filter(|one| one.can_be_measured()).all(|one| one.usage.is_some_and(is_known))
}
