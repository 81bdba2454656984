//! The machine: takes an event and the time, moves every service as far as it goes, and hands out the orders.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;

use crate::domain::{
    FactKind, GroupHistory, GroupSnapshot, GroupSpec, HoldResult, HoldSnapshot, Marker, Moment, Notice, Phase, RunId,
    RunReport, ServiceName, StartCause, UndeliveredAlert, WatchStatus,
};

use super::batch::Batch;
use super::elsewhere::Lease;
use super::git_gate::GitGate;
use super::graph::Graph;
use super::quiet::Timing;
use super::restart_manager::RestartManager;
use super::service::Service;
use super::shutdown::Shutdown;
use super::turn::Turn;
use super::wall::Wall;
use super::{Effect, Event, view};

/// Rounds that one event may take. Two are usual.
const ROUNDS: usize = 16;
/// A deadline that has passed and does not go away is acted on this much later.
const HEAL: Duration = Duration::from_secs(1);

/// The state of a group, and all decisions about it.
///
/// Cheap enough to be asked for every event: a turn of 40 services takes microseconds.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) spec: Arc<GroupSpec>,
    /// The names of the group's files, its own first: made once, because every snapshot holds them.
    pub(super) files: Arc<[Arc<str>]>,
    pub(super) seed: u64,
    /// The time of the last turn: time never goes back.
    pub(super) now: Moment,
    /// [`Event::Begin`] has come.
    pub(super) begun: bool,
    /// In the order of the file; those that are gone from it, and still live, at the end.
    pub(super) services: Vec<Service>,
    pub(super) graph: Graph,
    pub(super) changes: RestartManager,
    pub(super) git: GitGate,
    /// Everything was held at the end of the last turn.
    was_holding: bool,
    /// The holds that have been told.
    pub(super) told_holds: Vec<HoldSnapshot>,
    /// What came of the last hold, for the watcher panel.
    pub(super) last_release: Option<HoldResult>,
    pub(super) watch: WatchStatus,
    /// What the user is to know: made from the facts of each turn, and from nothing else.
    pub(super) notice: Option<Notice>,
    /// What the file says that was saved while all changes are held.
    pub(super) held_file: Option<(Arc<GroupSpec>, Arc<str>)>,
    /// Why the file on disk is not in force, and the remedy.
    pub(super) file_problem: Option<Arc<str>>,
    /// The last alert that did not reach whom it was for.
    pub(super) undelivered: Option<UndeliveredAlert>,
    /// Since when the file has been written and not been read.
    pub(super) file_unread: Option<Moment>,
    /// The last batch of changes.
    pub(super) batch: Batch,
    pub(super) shutdown: Option<Shutdown>,
    /// The group is there for runs in other terminals.
    pub(super) lease: Option<Lease>,
    /// Deadlines before this have been found to stay: they are not acted on sooner.
    not_before: Moment,
    /// What the clock on the wall showed at the start of the program.
    start: SystemTime,
    /// What it has shown since.
    pub(super) wall: Wall,
    /// What earlier calls of devgroup have left.
    pub(super) past: GroupHistory,
    /// What clients see, as of the last turn.
    shown: Arc<GroupSnapshot>,
}

impl Engine {
    /// A group at rest. `seed` decides the jitter of backoffs and nothing else.
    pub fn new(spec: Arc<GroupSpec>, seed: u64) -> Self {
        let now = Moment::START;
        let services = spec.services.iter().map(|service| Service::new(service.clone(), seed, now)).collect();
        let mut engine = Self {
            shown: Arc::new(view::empty(&spec)),
            files: view::files(&spec),
            spec,
            seed,
            now,
            begun: false,
            services,
            graph: Graph::default(),
            changes: RestartManager::default(),
            git: GitGate::default(),
            was_holding: false,
            told_holds: Vec::new(),
            last_release: None,
            watch: WatchStatus::default(),
            notice: None,
            held_file: None,
            file_problem: None,
            undelivered: None,
            file_unread: None,
            batch: Batch::default(),
            shutdown: None,
            lease: None,
            not_before: Moment::START,
            start: SystemTime::UNIX_EPOCH,
            wall: Wall::new(),
            past: GroupHistory::new(),
        };
        engine.services_have_changed();
        engine.shown = Arc::new(engine.view(now));
        engine
    }

    /// The local time zone, for schedules.
    pub fn in_zone(&mut self, zone: TimeZone) {
        self.wall.zone = zone;
    }

    /// What the clock on the wall shows. To come before each event: somebody may have set it, or the computer may have slept.
    pub fn look_at_wall(&mut self, now: Moment, shows: SystemTime) {
        self.wall.look(now, shows);
    }

    /// Takes in an event, and moves every service as far as it goes by itself. The orders are to be carried out in order.
    /// After [`Effect::Finish`] nothing comes any more.
    pub fn update(&mut self, event: Event, now: Moment) -> Vec<Effect> {
        self.update_all([event], now)
    }

    /// The same for news that have come together, each of another service: all services are looked at once for all of them.
    /// A thousand runs that end at the same time would otherwise cost a thousand looks at a thousand services.
    pub fn update_all(&mut self, events: impl IntoIterator<Item = Event>, now: Moment) -> Vec<Effect> {
        if self.has_finished() {
            return Vec::new();
        }
        self.now = self.now.max(now);
        self.changes.set_time(self.now);
        let mut turn = Turn::new(self.now, self.start, self.shutdown.is_some());
        for event in events {
            self.take_in(event, &mut turn);
        }
        self.settle(&mut turn);
        let holding = self.changes.holds().need_no_look();
        if holding != self.was_holding && !self.has_finished() {
            self.was_holding = holding;
            // A question comes after it: what nobody looked for is looked for then.
            turn.effects.insert(0, Effect::Holding(holding));
        }
        for effect in &turn.effects {
            if let Effect::Tell(fact) = effect {
                self.notice = fact.notice(self.notice.take());
            }
        }
        self.show(turn.now);
        self.batch.look(self.changes_go_on(), turn.now);
        debug_assert_eq!(self.check_invariants(&turn.effects), Ok(()));
        turn.effects
    }

    /// Moves every service as far as it goes at this time.
    ///
    /// Each round leaves the deadlines behind that have passed, so that two are enough, but for waits of zero length. A
    /// deadline that stays would be acted on for ever: that is a bug, and is said, but it must not stop the group.
    fn settle(&mut self, turn: &mut Turn) {
        for _ in 0..ROUNDS {
            self.expire(turn);
            self.apply_held_file(turn);
            self.look_at_lease(turn);
            self.reconcile(turn);
            self.tell_holds(turn);
            self.advance_shutdown(turn);
            if self.earliest_deadline().is_none_or(|deadline| deadline > turn.now) {
                self.not_before = Moment::START;
                return;
            }
        }
        self.not_before = turn.now + HEAL;
        let overdue = self.services.iter().filter(|one| one.deadline().is_some_and(|deadline| deadline <= turn.now));
        let names: Vec<String> = overdue.map(|one| format!("{} ({:?})", one.name(), one.phase)).collect();
        // Before the last order: nothing comes after that.
        turn.effects.insert(0, Effect::Broken(format!("a deadline has passed and is still set: {}", names.join(", "))));
    }

    fn take_in(&mut self, event: Event, turn: &mut Turn) {
        match event {
            Event::Begin { paused } => self.begin(paused, turn),
            Event::Recall { start, past } => {
                if !self.begun {
                    self.start = start;
                    self.recall(past);
                }
            }
            Event::Client { id, command } => {
                let answer = self.carry_out(command, turn);
                if let Some(id) = id {
                    // Before the orders that follow from it: nothing comes after a Finish.
                    turn.effects.insert(0, Effect::Answer { id, answer });
                }
            }
            Event::Run { service, run, report } => self.take_report(&service, run, report, turn),
            Event::Files(files) => {
                files.iter().for_each(|file| turn.tell_change(file, &mut self.batch));
                if !turn.stopping {
                    self.take_in_files(files, turn);
                }
            }
            Event::Compared(comparison) => self.compared(comparison, turn),
            Event::Git(work) => {
                if !turn.stopping {
                    self.git.record_git_work(work);
                }
            }
            Event::Watch(status) => {
                if status.problem != self.watch.problem {
                    match (status.problem.clone(), self.watch.problem.take()) {
                        (Some(problem), _) => turn.tell(FactKind::WatchProblem(problem)),
                        (None, Some(was)) => turn.tell(FactKind::WatchWell(was)),
                        (None, None) => {}
                    }
                }
                self.watch = status;
            }
            Event::FileWritten { at } => self.file_written(at, turn),
            Event::FileRead { since } => {
                // What was written meanwhile is still to be read.
                self.file_unread = self.file_unread.filter(|written| *written > since);
            }
            Event::Reloaded { spec, files } => self.file_read(spec, &files, turn),
            Event::Scaled { spec, scalings } => self.scale(spec, scalings, turn),
            Event::FileRefused { summary, remedy, detail } => {
                self.file_problem = Some(format!("{summary} · {remedy}").into());
                turn.tell(FactKind::Notice(Notice { at: turn.now, problem: true, summary, detail }));
            }
            Event::FileRestored { files } => {
                self.file_problem = None;
                let summary = format!("{files} is valid again · nothing changed").into();
                turn.tell(FactKind::Notice(Notice { at: turn.now, problem: false, summary, detail: "".into() }));
            }
            Event::Notice { problem, summary, detail } => {
                turn.tell(FactKind::Notice(Notice { at: turn.now, problem, summary, detail }));
            }
            Event::AlertTold(delivery) => {
                self.undelivered = UndeliveredAlert::after(self.undelivered.take(), delivery, turn.now);
            }
            Event::TimePassed => {}
        }
    }

    fn begin(&mut self, paused: bool, turn: &mut Turn) {
        if self.begun || turn.stopping {
            return;
        }
        self.begun = true;
        if paused {
            self.hold_by_key(turn);
        }
        let first: Vec<usize> = (0..self.services.len()).filter(|&place| self.services[place].spec.autostart).collect();
        self.want_with_needs(&first);
        for service in self.services.iter_mut().filter(|service| service.wanted && service.spec.schedule.is_some()) {
            service.start_at_once(StartCause::First);
        }
        for service in self.services.iter().filter(|service| !service.wanted) {
            let reason = if service.spec.left_out { "not selected" } else { "autostart = false" };
            service.narrate(Marker::NotStarted { reason }, turn);
        }
    }

    fn take_report(&mut self, name: &ServiceName, run: RunId, report: RunReport, turn: &mut Turn) {
        let place = self.graph.place_of(name);
        if let Some(service) = place.and_then(|place| self.services.get_mut(place)) {
            service.report(run, report, turn);
        }
    }

    /// What happens by itself at this time.
    fn expire(&mut self, turn: &mut Turn) {
        for service in &mut self.services {
            service.climb(turn);
            service.give_up_waiting(turn);
            service.give_up_validating(turn);
            service.look_at_memory(turn);
            service.send_due_signal(turn);
        }
        self.keep_timetables(turn);
        self.changes_expire(turn);
        self.correct_end_of_hold(turn);
        self.correct_journal();
    }

    /// When something will happen by itself, if nothing else does. Later than the time of the last update.
    pub fn next_deadline(&self) -> Option<Moment> {
        Some(self.earliest_deadline()?.max(self.not_before))
    }

    pub(super) fn earliest_deadline(&self) -> Option<Moment> {
        if self.has_finished() {
            return None;
        }
        let changes = self.changes.next_due().into_iter().chain(self.git.next_due());
        self.services
            .iter()
            .filter_map(Service::deadline)
            .chain(changes)
            .chain(self.place_due())
            .chain(self.timetable_due())
            .chain(self.lease_until())
            .min()
    }

    /// The group as clients see it: the same pointer until something is to be seen.
    pub fn snapshot(&self) -> Arc<GroupSnapshot> {
        Arc::clone(&self.shown)
    }

    fn show(&mut self, now: Moment) {
        let mut view = self.view(now);
        (view.seq, view.at) = (self.shown.seq, self.shown.at);
        if view != *self.shown {
            (view.seq, view.at) = (self.shown.seq + 1, now);
            self.shown = Arc::new(view);
        }
    }

    /// Nothing will happen by itself any more, and nothing runs: every service has ended, was never started, or waits
    /// for one that will not come. A group of jobs is done then.
    pub fn all_settled(&self) -> bool {
        self.begun
            && !self.changes.is_waiting()
            && self.services.iter().all(|service| {
                service.check().is_none()
                    && !service.waits_for_change()
                    && matches!(service.phase, Phase::Finished(_) | Phase::Down | Phase::Blocked { .. })
            })
    }

    /// To be called when `services` or their specs have changed.
    pub(super) fn services_have_changed(&mut self) {
        self.graph = Graph::new(&self.spec, &self.services);
        let max_wait = self.spec.watch.max_wait;
        let timing: BTreeMap<ServiceName, Timing> = self
            .services
            .iter()
            .filter(|service| !service.retired)
            .map(|service| (service.name().clone(), Timing { debounce: service.spec.debounce, max_wait }))
            .collect();
        self.changes.set_services(timing);
        self.give_past();
    }
}
