//! Since when to tell what came of changes: a cursor, a time, or the beginning of the last batch of changes.

use std::fmt;
use std::time::Duration;

use crate::control::wire::{Problem, ProblemCode};
use crate::domain::Moment;
use crate::domain::units::parse_duration;
use crate::group_handle::EventLog;
use crate::logs::Epoch;

/// A place in the history of a group: `17:482013250:5d07c3a1` is after event 17, 482 s after the start, in the group of that
/// epoch. For all others it is a text that only devgroup understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) after: u64,
    pub(super) at: Moment,
    pub(super) epoch: Epoch,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.after, self.at.since_start().as_micros(), self.epoch)
    }
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let after = parts.next()?.parse().ok()?;
        let at = Moment::after_start(Duration::from_micros(parts.next()?.parse().ok()?));
        Some(Self { after, at, epoch: parts.next()?.parse().ok()? })
    }
}

/// What somebody has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The beginning of the last batch.
    LastBatch,
    /// So long ago.
    Ago(Duration),
    /// Where an earlier answer ended.
    From(Place),
}

impl Asked {
    pub(super) fn parse(since: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = since else { return Ok(Self::LastBatch) };
        if let Some(place) = Place::parse(text) {
            return Ok(Self::From(place));
        }
        let invalid = |message: String| Problem::new(ProblemCode::Invalid, message);
        if text.contains(':') {
            return Err(invalid(format!("`{text}` is not a cursor of `settle`: use one that `settle --json` printed")));
        }
        let why =
            |why: String| invalid(format!("since `{text}`: {why}, or give a cursor that `settle --json` printed"));
        parse_duration(text).map(Self::Ago).map_err(why)
    }

    /// The place that this means now, and what there is to say about it. `named`: somebody asks about services by name, so that
    /// without any change all that happened to them counts.
    pub(super) fn place(self, log: &EventLog, named: bool, now: Moment) -> (Place, Option<&'static str>) {
        let epoch = log.epoch();
        let last = *log.changes().borrow();
        let place = |after, at| Place { after, at, epoch };
        match (self, log.last_batch()) {
            (Self::LastBatch, Some((seq, at))) => (place(seq - 1, at), None),
            (Self::LastBatch, None) => (place(if named { 0 } else { last }, Moment::START), None),
            (Self::Ago(ago), _) => {
                let at = Moment::after_start(now.since_start().saturating_sub(ago));
                (place(log.before(at), at), None)
            }
            (Self::From(from), _) if from.epoch != epoch || from.after > last => (
                place(0, Moment::START),
                Some("the cursor is from an earlier run of the group: this is since the start of the present one"),
            ),
            (Self::From(from), _) => (from, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{GroupEvent, GroupEventKind};

    fn log(events: &[(u64, bool)]) -> EventLog {
        let log = EventLog::default();
        for (at, begins) in events {
            let kind = GroupEventKind::Reload { files: "procgroup.toml".into(), begins: *begins };
            log.push(GroupEvent::new(Moment::from_millis(*at), None, None, kind));
        }
        log
    }

    fn place(log: &EventLog, since: Option<&str>, now: u64) -> (u64, Duration) {
        let (place, note) = Asked::parse(since).unwrap().place(log, false, Moment::from_millis(now));
        assert_eq!(note, None);
        (place.after, place.at.since_start())
    }

    #[test]
    fn it_is_the_last_batch_however_late_somebody_asks() {
        let log = log(&[(100, true), (110, false), (500, true), (510, false)]);
        for now in [600, 5_600, 60_600] {
            assert_eq!(place(&log, None, now), (2, Duration::from_millis(500)));
        }
        assert_eq!(place(&log, Some("1s"), 1_105), (1, Duration::from_millis(105)));
        assert_eq!(place(&log, Some("1s"), 9_000), (4, Duration::from_secs(8)));
        assert_eq!(place(&log, Some("1h"), 9_000), (0, Duration::ZERO));
    }

    #[test]
    fn without_a_change_only_those_that_are_named_have_a_past() {
        let log = log(&[(100, false)]);
        let after = |named| Asked::LastBatch.place(&log, named, Moment::from_millis(200)).0.after;
        assert_eq!((after(false), after(true)), (1, 0));
    }

    #[test]
    fn a_cursor_comes_back_as_it_went_and_one_of_another_group_is_told() {
        let log = log(&[(100, true), (500, false)]);
        let from = Place { after: 1, at: Moment::from_millis(482), epoch: log.epoch() };
        assert_eq!(place(&log, Some(&from.to_string()), 900), (1, Duration::from_millis(482)));
        let other = Place { epoch: Epoch::begin(), ..from }.to_string();
        let (place, note) = Asked::parse(Some(&other)).unwrap().place(&log, false, Moment::from_millis(900));
        assert_eq!((place.after, place.at), (0, Moment::START));
        assert!(note.is_some_and(|note| note.contains("an earlier run of the group")));
    }

    #[test]
    fn what_is_neither_a_cursor_nor_a_time_is_refused_with_the_remedy() {
        let problem = |text: &str| Asked::parse(Some(text)).unwrap_err().message;
        assert!(problem("api:8:9412:5d07c3a1").contains("is not a cursor of `settle`"));
        assert_eq!(
            problem("5"),
            "since `5`: the unit is missing; write \"5s\", \"5ms\" or \"5m\", or give a cursor that `settle --json` printed"
        );
        crate::fuzz::run("settle", 3_000, &[b"17:482013250:5d07c3a1", b"2m", b"1:2:3"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            if let Some(place) = Place::parse(&text) {
                assert_eq!(Place::parse(&place.to_string()), Some(place));
            }
            Asked::parse(Some(&text))
                .map_err(|problem| problem.code as u8)
                .ok()
                .map(|asked| matches!(asked, Asked::Ago(_)))
        });
    }
}
