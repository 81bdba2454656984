//! Writes down what has happened to the group, for those who listen.

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::{Fact, GroupEventKind, StartCause};
use crate::group_handle::EventLog;

/// The one writer of the group's [`EventLog`].
pub(crate) struct EventRecorder {
    log: Arc<EventLog>,
    clock: Clock,
}

impl EventRecorder {
    /// An event recorder of a group that has not begun.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { log: Arc::default(), clock }
    }

    /// Where it is written.
    pub(crate) fn log(&self) -> &Arc<EventLog> {
        &self.log
    }

    /// Something has happened. A start because of a file is told with the rule by which that file mattered.
    pub(crate) fn record(&self, fact: &Fact) {
        let Some(mut kind) = fact.event(|at| self.clock.time_of_day(at)) else { return };
        if let GroupEventKind::Start(reason) | GroupEventKind::Restart(reason) = &mut kind
            && let StartCause::Change(files) = &reason.cause
        {
            reason.rule = self.log.rule_of(&files.first);
        }
        self.log.push(fact.at, fact.service.clone(), fact.run, kind);
    }
}

/// Says a fact in devgroup's own log: as the log of the service has it, or else as listeners are told.
pub(crate) fn log_fact(fact: &Fact, clock: Clock) {
    let time_of_day = |at| clock.time_of_day(at);
    let words = match (fact.marker(), fact.event(time_of_day)) {
        (Some(marker), _) => marker.words(&time_of_day(fact.at)),
        (None, Some(kind)) => match &kind {
            GroupEventKind::Start(_)
            | GroupEventKind::Restart(_)
            | GroupEventKind::Ready(_)
            | GroupEventKind::Exit { .. }
            | GroupEventKind::Hold(_)
            | GroupEventKind::Release(_)
            | GroupEventKind::Scale(_) => format!("{} · {kind}", kind.word()),
            // Who knows more says it, or nobody wants to read it.
            _ => return,
        },
        (None, None) => return,
    };
    match &fact.service {
        Some(service) => {
            let run = fact.run.unwrap_or_default().0;
            log::info!(service:% = service, run = run; "{service}: {words}");
        }
        None => log::info!("{words}"),
    }
}
