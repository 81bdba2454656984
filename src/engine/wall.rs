//! The clock on the wall, as data: schedules go by it, and people set it.
//!
//! The machine's own time never goes back, and stands still while the computer sleeps. What the clock on the wall shows is
//! told to the machine before each turn, so a clock that was set, or a sleep, needs no news of its own: the next turn sees
//! it, and while a schedule exists there is one every [`LOOK`]. That is less than the [`LATE`] that a run may be late, so no
//! run is lost between two looks; and it works on each system, unlike a timer of Linux that is cancelled by a set clock.

use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;

use crate::domain::Moment;

/// So often at least the clock is looked at while a schedule goes by it.
pub(super) const LOOK: Duration = Duration::from_secs(20);

/// What was due no longer ago than this runs late. What was due before was missed.
pub(super) const LATE: Duration = Duration::from_secs(60);

/// What the clock has shown.
#[derive(Clone, Debug)]
pub(super) struct Wall {
    at: Moment,
    shows: SystemTime,
    /// Somebody has looked at it.
    is_known: bool,
    /// What it showed when it was looked at before.
    before: SystemTime,
    /// It was set back since then, by more than [`LATE`]. A small correction brings no time again that has been.
    set_back: bool,
    pub(super) zone: TimeZone,
}

impl Wall {
    /// A clock that nobody has looked at.
    pub(super) fn new() -> Self {
        let shows = SystemTime::UNIX_EPOCH;
        Self { at: Moment::START, shows, is_known: false, before: shows, set_back: false, zone: TimeZone::UTC }
    }

    /// It shows this at that moment.
    pub(super) fn look(&mut self, at: Moment, shows: SystemTime) {
        let expected = self.now(at);
        self.before = if self.is_known { self.shows } else { shows };
        self.set_back |= self.is_known && expected.duration_since(shows).is_ok_and(|back| back > LATE);
        (self.at, self.shows, self.is_known) = (at, shows, true);
    }

    /// What it shows now.
    pub(super) fn now(&self, now: Moment) -> SystemTime {
        let later = self.shows.checked_add(now.since(self.at));
        later.and_then(|time| time.checked_sub(self.at.since(now))).unwrap_or(self.shows)
    }

    /// What it showed before it was looked at last.
    pub(super) fn before(&self) -> SystemTime {
        self.before
    }

    pub(super) fn was_set_back(&self) -> bool {
        self.set_back
    }

    /// That it was set back has been seen to.
    pub(super) fn seen(&mut self) {
        self.set_back = false;
    }
}
