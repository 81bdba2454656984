//! What an order has found: there is nothing to do, or it cannot be done yet. Said to who does not wait for what comes of it.

use crate::domain::{Ordered, Phase, ServiceSnapshot};

/// What an order has found of a service that was so before.
pub(super) type Found = fn(&ServiceSnapshot, Ordered) -> Option<String>;

/// What a start has found.
pub(super) fn by_start(service: &ServiceSnapshot, ordered: Ordered) -> Option<String> {
    let is_same = ordered == Ordered::Run(service.run) && matches!(service.phase, Phase::Running { .. });
    by_restart(service, ordered).or_else(|| is_same.then(|| format!("already {}", service.state())))
}

/// What a restart has found.
pub(super) fn by_restart(service: &ServiceSnapshot, _: Ordered) -> Option<String> {
    let run = service.elsewhere.as_ref()?;
    Some(format!("running in another terminal (pid {}); the group runs it after that", run.pid))
}

/// What a stop has found. A job that waits for its times is told by its state afterwards.
pub(super) fn by_stop(service: &ServiceSnapshot, _: Ordered) -> Option<String> {
    match &service.phase {
        _ if service.elsewhere.is_some() => {
            let pid = service.elsewhere.as_ref().map(|run| run.pid).unwrap_or_default();
            Some(format!("still running in another terminal (pid {pid}): end it there"))
        }
        Phase::Down if !service.wanted => Some(format!("already {}", service.state())),
        phase if phase.live_run().is_none() && !service.scheduled => Some("stopped".into()),
        _ => None,
    }
}
