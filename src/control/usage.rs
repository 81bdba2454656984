//! Answers `status --usage`: has the runs measured for as long as somebody looks, and tells what was found.

use std::time::Duration;

use tokio::time::sleep;

use super::outbox::Outbox;
use super::status::Status;
use super::wire::{Problem, ProblemCode, Reply};
use crate::domain::{GroupSnapshot, Refusal, Usage};
use crate::group_handle::GroupHandle;

/// Between two measurements for one who follows.
const EVERY: Duration = Duration::from_secs(2);

/// Work is counted from one measurement to the next: so long after a first one, one can tell.
const FIRST: Duration = Duration::from_millis(500);

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
    let refused = |refusal: Refusal| Problem::new(ProblemCode::Refused, refusal.to_string());
    handle.measure().await.map_err(refused)
}

/// What there is to tell of each live run is known.
fn is_known(group: &GroupSnapshot) -> bool {
    let is_known = |usage: Usage| usage.cpu.is_some() || usage.memory.is_none();
    group.services.iter().filter(|one| one.can_be_measured()).all(|one| one.usage.is_some_and(is_known))
}
