//! Writes down what has happened to the group: for those who listen, for the disk, and for those who do not look.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::alerts::AlertSender;
use super::history_file::HistoryWriter;
use crate::clock::Clock;
use crate::domain::{Fact, FactKind, GroupEvent, GroupEventKind, Holder, Moment, ServiceName, ServiceSpec, StartCause};
use crate::engine::Alerts;
use crate::group_handle::EventLog;
use crate::logs::EventLine;
use crate::web::Counters;

/// The one writer of the group's [`EventLog`]. Clones are the same one.
#[derive(Clone)]
pub(crate) struct EventRecorder {
    log: Arc<EventLog>,
    clock: Clock,
    counters: Arc<Counters>,
    readers: Arc<Mutex<Readers>>,
}

/// Who is told of each event, in their order.
#[derive(Default)]
struct Readers {
    alerts: Alerts,
    sender: Option<AlertSender>,
    history: Option<HistoryWriter>,
}

impl EventRecorder {
    /// An event recorder of a group that has not begun.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { log: Arc::default(), clock, counters: Arc::default(), readers: Arc::default() }
    }

    /// What has happened, counted.
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Where it is written.
    pub(crate) fn log(&self) -> &Arc<EventLog> {
        &self.log
    }

    /// What is to be remembered goes there from now on.
    pub(crate) fn remember_by(&self, history: HistoryWriter) {
        self.readers().history = Some(history);
    }

    /// Nothing more is to be remembered: the way to who writes it is closed.
    pub(crate) fn remember_no_more(&self) {
        self.readers().history = None;
    }

    /// Alerts go there from now on; without it, nowhere.
    pub(crate) fn alert_by(&self, sender: Option<AlertSender>) {
        self.readers().sender = sender;
    }

    /// A run begins.
    pub(crate) fn begins(&self, spec: &ServiceSpec) {
        self.readers().alerts.begins(spec, self.clock.now());
    }

    /// When [`Self::pass_time`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        self.readers().alerts.next_deadline()
    }

    /// Tells which services work again, without a check that says so.
    pub(crate) fn pass_time(&self, now: Moment) {
        let lasted: Vec<(ServiceName, Duration)> = self.readers().alerts.lasted(now);
        for (service, up) in lasted {
            self.record(&Fact { at: now, service: Some(service), run: None, kind: FactKind::Lasted { up } });
        }
    }

    /// Something has happened. A start because of a file is told with the rule by which that file mattered.
    pub(crate) fn record(&self, fact: &Fact) {
        self.counters.record(fact);
        let mut readers = self.readers();
        let alert = readers.alerts.kind(fact);
        if let (Some(history), Some(service), Some(record)) = (&readers.history, &fact.service, fact.record()) {
            history.run(service, record);
        }
        let Some(mut kind) = fact.event() else { return };
        if let GroupEventKind::Start(reason) | GroupEventKind::Restart(reason) = &mut kind
            && let StartCause::Change(files) = &reason.cause
        {
            reason.rule = self.log.rule_of(&files.first);
        }
        let event = GroupEvent::new(fact.at, fact.service.clone(), fact.run, kind);
        let event = self.log.push(GroupEvent { alert, ..event });
        // Held until here: the next event comes after this one for each of them.
        self.remember(&event, &readers);
        self.alert(&event, &readers);
    }

    /// A checkout of 5,000 files is not worth 5,000 lines on disk; what it restarts is.
    fn remember(&self, event: &GroupEvent, readers: &Readers) {
        if let Some(history) = readers.history.as_ref().filter(|_| !matches!(event.kind, GroupEventKind::Change { .. }))
        {
            let epoch = Some(self.log.epoch().to_string());
            history.event(EventLine { epoch, ..EventLine::new(event, self.clock) });
        }
    }

    fn alert(&self, event: &GroupEvent, readers: &Readers) {
        if let (Some(sender), Some(kind)) = (&readers.sender, event.alert) {
            sender.send(kind, (event.service.clone(), event.at), EventLine::new(event, self.clock));
        }
    }

    fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event in words for people. `None`: who knows more says it, or nobody wants to read it.
fn sentence(fact: &FactKind, kind: &GroupEventKind) -> Option<String> {
    Some(match kind {
        GroupEventKind::Start(reason) => format!("starting · {}", reason.cause),
        GroupEventKind::Restart(reason) => format!("restarting · {}", reason.cause),
        // The stop or the restart that asked for it is told.
        GroupEventKind::Exit { asked: true, fault: None, .. } => return None,
        GroupEventKind::Exit { .. } => format!("exited · {kind}"),
        GroupEventKind::Hold(hold) => match hold.by {
            Holder::Key | Holder::Client => format!("watching paused · {hold}"),
            Holder::Git | Holder::Command => format!("changes held · {hold}"),
        },
        GroupEventKind::Release(hold) => match hold.by {
            Holder::Key | Holder::Client => format!("watching resumed · {hold}"),
            Holder::Git | Holder::Command => format!("changes released · {hold}"),
        },
        GroupEventKind::Scale(_) => format!("scaled · {kind}"),
        // What a checkout has come to.
        GroupEventKind::Notice(_) if matches!(fact, FactKind::HoldOver(_)) => kind.to_string(),
        _ => return None,
    })
}

/// Says a fact in devgroup's own log: as the log of the service has it, or else as listeners are told.
pub(crate) fn log_fact(fact: &Fact) {
    let words = match (fact.marker(), fact.event()) {
        (Some(marker), _) => marker.untimed_words(),
        (None, Some(kind)) => match sentence(&fact.kind, &kind) {
            Some(words) => words,
            None => return,
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
