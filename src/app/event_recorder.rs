//! Writes down what happens to the group, from what comes into the engine and what goes out.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::{
    Command, GroupEventKind, GroupSnapshot, HoldSnapshot, LastExit, Marker, Match, Moment, RestartReason, RunId,
    RunReport, ServiceName, StartCause,
};
use crate::engine::{Effect, Event};
use crate::group_handle::EventLog;

/// The one writer of the group's [`EventLog`].
pub(crate) struct EventRecorder {
    log: Arc<EventLog>,
    clock: Clock,
    /// The last run of each service.
    runs: HashMap<ServiceName, RunId>,
    holds: Vec<HoldSnapshot>,
    /// What came of the last hold.
    last_release: Option<Arc<str>>,
    /// What the watcher cannot do.
    watch_problem: Option<Arc<str>>,
    stopping: bool,
}

impl EventRecorder {
    /// An event recorder of a group that has not begun.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            log: Arc::default(),
            clock,
            runs: HashMap::new(),
            holds: Vec::new(),
            last_release: None,
            watch_problem: None,
            stopping: false,
        }
    }

    /// Where it is written.
    pub(crate) fn log(&self) -> &Arc<EventLog> {
        &self.log
    }

    /// What comes in.
    pub(crate) fn record_event(&mut self, event: &Event, now: Moment) {
        match event {
            Event::Files(files) => {
                for file in files {
                    if let Match::Watched { services, rule } = &file.matched {
                        let (path, services) = (file.path.clone(), services.clone());
                        let change = GroupEventKind::Change { path, kind: file.kind, services, rule: rule.clone() };
                        self.log.push(file.at.min(now), None, None, change);
                    }
                }
            }
            Event::Run { service, run, report: RunReport::NotStarted { reason } }
                if self.runs.get(service) == Some(run) =>
            {
                let kind = GroupEventKind::Error(format!("could not start: {reason}").into());
                self.log.push(now, Some(service.clone()), Some(*run), kind);
            }
            Event::Reloaded(_) => self.log.push(now, None, None, GroupEventKind::Reload),
            Event::Notice { problem: true, summary, .. } | Event::FileRefused { summary, .. } => {
                self.log.push(now, None, None, GroupEventKind::Error(summary.clone()));
            }
            Event::Watch(status) => {
                let problem = status.problem.clone();
                if let Some(problem) = problem.clone().filter(|_| problem != self.watch_problem) {
                    self.log.push(now, None, None, GroupEventKind::Error(problem));
                }
                self.watch_problem = problem;
            }
            Event::Client { command: Command::TimeOut, .. } => {
                self.log.push(now, None, None, GroupEventKind::Notice("the time is up".into()));
            }
            _ => {}
        }
    }

    /// A run of a service has ended, if that is news to the group.
    pub(crate) fn ended(&self, service: &ServiceName, run: RunId, group: &GroupSnapshot, now: Moment) {
        let last_exit = group.service(service).and_then(|service| service.last_exit);
        if let Some(LastExit { status, asked, at, fault, .. }) = last_exit.filter(|exit| exit.at == now)
            && self.runs.get(service) == Some(&run)
        {
            self.log.push(at, Some(service.clone()), Some(run), GroupEventKind::Exit { status, asked, fault });
        }
    }

    /// What goes out.
    pub(crate) fn ordered(&mut self, effect: &Effect, now: Moment) {
        match effect {
            Effect::Spawn { spec, run, cause, .. } => {
                self.runs.insert(spec.name.clone(), *run);
                let rule = if let StartCause::Change(files) = cause { self.log.rule_of(&files.first) } else { None };
                let reason = RestartReason { cause: cause.clone(), rule };
                let kind = if run.0 > 1 { GroupEventKind::Restart(reason) } else { GroupEventKind::Start(reason) };
                self.log.push(now, Some(spec.name.clone()), Some(*run), kind);
            }
            Effect::Narrate { service, marker } => {
                if let Some(kind) = self.kind_of_marker(marker, now) {
                    self.log.push(now, Some(service.clone()), self.runs.get(service).copied(), kind);
                }
            }
            _ => {}
        }
    }

    /// What is seen: holds come and go with a snapshot.
    pub(crate) fn record_snapshot(&mut self, group: &GroupSnapshot) {
        let now = group.at;
        for gone in self.holds.iter().filter(|hold| !group.watch.holds.contains(hold)) {
            self.log.push(now, None, None, GroupEventKind::Release(gone.clone()));
        }
        for new in group.watch.holds.iter().filter(|hold| !self.holds.contains(hold)) {
            self.log.push(now, None, None, GroupEventKind::Hold(new.clone()));
        }
        self.holds.clone_from(&group.watch.holds);
        if let Some(release) =
            group.watch.last_release.clone().filter(|_| group.watch.last_release != self.last_release)
        {
            self.log.push(now, None, None, GroupEventKind::Notice(release));
        }
        self.last_release.clone_from(&group.watch.last_release);
        if group.stopping.is_some() && !self.stopping {
            self.stopping = true;
            self.log.push(now, None, None, GroupEventKind::Stop);
        }
    }

    fn kind_of_marker(&self, marker: &Marker, now: Moment) -> Option<GroupEventKind> {
        Some(match marker {
            Marker::Ready { after, .. } => GroupEventKind::Ready(*after),
            Marker::Validating { .. } | Marker::Kept { .. } | Marker::HeldUp { .. } | Marker::Valid { .. } => {
                GroupEventKind::Validate(self.sentence(marker, now))
            }
            Marker::NotReady { .. }
            | Marker::Silent { .. }
            | Marker::Stuck { .. }
            | Marker::GaveUp { .. }
            | Marker::Lost { .. } => GroupEventKind::Error(self.sentence(marker, now)),
            // It has not happened; or another event says it already.
            Marker::CouldNotStart { .. }
            | Marker::Exited(_)
            | Marker::Stopped { .. }
            | Marker::NotStarted { .. }
            | Marker::Started { .. }
            | Marker::Restarted { .. } => return None,
            _ => GroupEventKind::Notice(self.sentence(marker, now)),
        })
    }

    fn sentence(&self, marker: &Marker, now: Moment) -> Arc<str> {
        marker.line(&self.clock.time_of_day(now)).trim_matches(['─', ' ']).into()
    }
}
