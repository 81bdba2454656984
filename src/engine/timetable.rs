//! `schedule`: when a job runs by itself, and what becomes of the times at which it could not.
//!
//! A job with a schedule is [`Phase::Scheduled`] where another one would be down or done. It is never there twice: a time
//! that comes while it runs, or still waits to, is skipped. A time at which nobody could look at the clock (the computer
//! slept, devgroup was stopped, the clock was set over it) is missed. Both are said in its log, and neither is made up for.

use std::time::SystemTime;

use crate::domain::{CronTimes, Marker, Moment, Outcome, Phase, StartCause, TimetableMarker, When, local_time};

use super::Engine;
use super::next_start::NextStart;
use super::service::Service;
use super::turn::Turn;
use super::wall::{LATE, LOOK, Wall};

/// More times that were missed are not counted.
const MOST: usize = 1_000;

/// When a job is due by its schedule.
#[derive(Clone, Debug, Default)]
pub(super) struct Timetable {
    due: Option<Due>,
}

#[derive(Clone, Copy, Debug)]
enum Due {
    /// When the clock on the wall shows this.
    At(SystemTime),
    /// So long after an end, and what the clock shows then if nobody sets it.
    After(Moment, SystemTime),
}

impl Timetable {
    /// Of another schedule, or while there is none.
    pub(super) fn forget(&mut self) {
        self.due = None;
    }
}

impl Engine {
    /// Carries out what is due by schedules.
    pub(super) fn keep_timetables(&mut self, turn: &mut Turn) {
        for service in &mut self.services {
            service.keep_timetable(&self.wall, turn);
        }
        self.wall.seen();
    }

    /// Each schedule by the clock has its next time, also while its job runs.
    pub(super) fn fill_timetables(&mut self, turn: &Turn) {
        for service in &mut self.services {
            service.fill_timetable(&self.wall, turn);
        }
    }

    /// When the next job is due, or the clock is to be looked at for one.
    pub(super) fn timetable_due(&self) -> Option<Moment> {
        let due = |service: &Service| {
            Some(match service.timetable.due? {
                Due::After(at, _) => at,
                Due::At(at) => {
                    let wait = at.duration_since(self.wall.now(self.now)).unwrap_or_default();
                    self.now + wait.min(LOOK)
                }
            })
        };
        self.services.iter().filter_map(due).min()
    }
}

impl Service {
    /// It is down or has ended, and its schedule alone says when it starts.
    pub(super) fn rests(&self) -> bool {
        self.spec.schedule.is_some() && self.wanted && self.restarts.next.is_none() && self.check().is_none()
    }

    /// It waits for its time. What became of its last run stays in sight.
    pub(super) fn rest(&mut self, wall: &Wall, turn: &Turn) {
        let after = match self.phase {
            Phase::Finished(outcome) => Some(outcome),
            _ => None,
        };
        if let Some(When::Every(pause)) = self.spec.schedule.as_ref().map(|schedule| &schedule.when) {
            let shown = wall.now(turn.now).checked_add(*pause).unwrap_or(wall.now(turn.now));
            self.timetable.due = Some(Due::After(turn.now + *pause, shown));
        }
        self.enter(Phase::Scheduled { after }, turn);
    }

    /// The file says no schedule any more: it is an ordinary job. What has run is not run again for that.
    pub(super) fn rest_without_schedule(&mut self, after: Option<Outcome>, turn: &Turn) {
        let phase = if self.run.id.0 == 0 { Phase::Down } else { Phase::Finished(after.unwrap_or(Outcome::Done)) };
        self.enter(phase, turn);
    }

    /// `run_on_start`, or no schedule: it starts as soon as it is wanted, for this reason.
    pub(super) fn start_at_once(&mut self, cause: StartCause) {
        if self.spec.schedule.as_ref().is_none_or(|schedule| schedule.run_on_start) {
            self.restarts.merge(NextStart::new(cause));
        }
    }

    /// When it runs next by its schedule.
    pub(super) fn next_run(&self) -> Option<SystemTime> {
        match self.timetable.due? {
            Due::At(at) => Some(at),
            Due::After(_, shown) => matches!(self.phase, Phase::Scheduled { .. }).then_some(shown),
        }
    }

    fn fill_timetable(&mut self, wall: &Wall, turn: &Turn) {
        if let (Some(When::At(times)), None, true) =
            (self.spec.schedule.as_ref().map(|schedule| &schedule.when), self.timetable.due, self.wanted)
        {
            self.timetable.due = times.next_after(wall.now(turn.now), &wall.zone).map(Due::At);
        }
    }

    fn keep_timetable(&mut self, wall: &Wall, turn: &mut Turn) {
        let Some(schedule) = self.spec.schedule.clone().filter(|_| self.wanted && !turn.stopping) else {
            return self.timetable.forget();
        };
        match (&schedule.when, self.timetable.due) {
            (When::Every(_), Some(Due::After(at, _))) if at <= turn.now => {
                self.timetable.forget();
                self.run_by_schedule(turn);
            }
            (When::At(times), Some(Due::At(due))) => self.keep_clock_times(times, due, wall, turn),
            _ => {}
        }
    }

    fn keep_clock_times(&mut self, times: &CronTimes, due: SystemTime, wall: &Wall, turn: &mut Turn) {
        let now = wall.now(turn.now);
        let shown = |time| local_time(time, now, &wall.zone);
        if due > now {
            if !wall.was_set_back() {
                return;
            }
            // By the clock as it is now, times come again that have been.
            let next = times.next_after(now, &wall.zone);
            if let Some(next) = next.filter(|next| *next != due) {
                let marker = TimetableMarker::SetBack { from: shown(wall.before()), to: shown(now), next: shown(next) };
                self.narrate(Marker::Timetable(marker), turn);
            }
            self.timetable.due = next.map(Due::At);
            return;
        }
        let mut missed = Missed::default();
        let mut is_due_now = false;
        let mut next = Some(due);
        while let Some(at) = next.filter(|at| *at <= now) {
            if now.duration_since(at).is_ok_and(|late| late < LATE) {
                // Of several that are late, one run is enough.
                is_due_now = true;
            } else if !missed.add(at) {
                next = times.next_after(now.checked_sub(LATE).unwrap_or(now), &wall.zone);
                continue;
            }
            next = times.next_after(at, &wall.zone);
        }
        self.timetable.due = next.map(Due::At);
        if let Some(first) = missed.first {
            let (from, to) = (shown(wall.before()), shown(now));
            let (more, at_least) = (missed.count.saturating_sub(1), missed.count == MOST);
            let marker = TimetableMarker::Missed { first: shown(first), more, at_least, from, to };
            self.narrate(Marker::Timetable(marker), turn);
        }
        if is_due_now {
            self.run_or_skip(shown, wall, turn);
        }
    }

    /// One of its times has come.
    fn run_or_skip(&mut self, shown: impl Fn(SystemTime) -> String, wall: &Wall, turn: &mut Turn) {
        if let Phase::Scheduled { .. } = self.phase {
            return self.run_by_schedule(turn);
        }
        let since = self.run.up_since.filter(|_| self.is_live()).unwrap_or(self.since);
        let doing = match self.phase {
            Phase::Blocked { lost: None, .. } => "waiting",
            _ if self.is_live() => "running",
            _ => self.phase.word(),
        };
        let marker = TimetableMarker::Skipped { doing, since: shown(wall.now(since)) };
        self.narrate(Marker::Timetable(marker), turn);
    }

    fn run_by_schedule(&mut self, turn: &mut Turn) {
        if let Phase::Scheduled { .. } = self.phase {
            self.want(NextStart::new(StartCause::Schedule), turn);
        }
    }
}

/// Times at which nobody looked at the clock.
#[derive(Default)]
struct Missed {
    first: Option<SystemTime>,
    count: usize,
}

impl Missed {
    /// Whether one more would be counted.
    fn add(&mut self, at: SystemTime) -> bool {
        self.first.get_or_insert(at);
        self.count += 1;
        self.count < MOST
    }
}
