//! Since when to tell what came of changes: a cursor, a time, or the beginning of the last batch of changes.

use std::time::Duration;

use crate::control::group_cursor::GroupCursor;
use crate::control::log_line::Cursor;
use crate::control::wire::{Problem, ProblemCode};
use crate::domain::Moment;
use crate::domain::units::parse_duration;
use crate::group_handle::EventLog;
use crate::logs::{LineId, LogStore};

/// What somebody has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The beginning of the last batch.
    LastBatch,
    /// So long ago.
    Ago(Duration),
    /// Where an earlier answer ended.
    From(GroupCursor),
    /// When the line before the cursor of a log arrived; nothing if that is of an earlier run of the group.
    FromLine(Option<Moment>),
}

impl Asked {
    /// `logs`: those of the group.
    pub(super) fn parse(since: Option<&str>, logs: &LogStore) -> Result<Self, Problem> {
        let Some(text) = since else { return Ok(Self::LastBatch) };
        if let Some(cursor) = GroupCursor::parse(text) {
            return Ok(Self::From(cursor));
        }
        if let Some(cursor) = Cursor::parse(text) {
            return Ok(Self::FromLine(arrival(&cursor, logs)));
        }
        let invalid = |message: String| Problem::new(ProblemCode::Invalid, message);
        if text.contains(':') {
            return Err(invalid(format!(
                "`{text}` is not a cursor: use one that `settle --json` or `logs --json` printed"
            )));
        }
        let why =
            |why: String| invalid(format!("since `{text}`: {why}, or give a cursor that `settle --json` printed"));
        parse_duration(text).map(Self::Ago).map_err(why)
    }

    /// The place that this means now, and what there is to say about it. `named`: somebody asks about services by name, so that
    /// without any change all that happened to them counts.
    pub(super) fn place(self, log: &EventLog, named: bool, now: Moment) -> (GroupCursor, Option<&'static str>) {
        const EARLIER: &str = "the cursor is from an earlier run of the group, or from another group: this is since the \
                               start of the present one";
        let epoch = log.epoch();
        let last = *log.changes().borrow();
        let place = |after, at| GroupCursor { after, at, epoch };
        match (self, log.last_batch()) {
            (Self::LastBatch, Some((seq, at))) => (place(seq - 1, at), None),
            (Self::LastBatch, None) => (place(if named { 0 } else { last }, Moment::START), None),
            (Self::Ago(ago), _) => {
                let at = Moment::after_start(now.since_start().saturating_sub(ago));
                (place(log.before(at), at), None)
            }
            (Self::FromLine(Some(at)), _) => (place(log.before(at), at), None),
            (Self::FromLine(None), _) => (place(0, Moment::START), Some(EARLIER)),
            (Self::From(from), _) if from.epoch != epoch || from.after > last => {
                (place(0, Moment::START), Some(EARLIER))
            }
            (Self::From(from), _) => (from, None),
        }
    }
}

/// When the line before a cursor arrived. Of one that is not kept any more, all that is kept comes after it.
fn arrival(cursor: &Cursor, logs: &LogStore) -> Option<Moment> {
    let document = logs.get(&cursor.service).filter(|document| cursor.is_of(document))?;
    let mut reader = document.read();
    let line = cursor.next.0.checked_sub(1).and_then(|before| reader.line(LineId(before)));
    Some(line.map_or(Moment::START, |line| line.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::{GroupEvent, GroupEventKind, RunId, ServiceName};
    use crate::logs::Epoch;

    fn log(events: &[(u64, bool)]) -> EventLog {
        let log = EventLog::default();
        for (at, begins) in events {
            let kind = GroupEventKind::Reload { files: "procgroup.toml".into(), begins: *begins };
            log.push(GroupEvent::new(Moment::from_millis(*at), None, None, kind));
        }
        log
    }

    fn parse(since: Option<&str>) -> Result<Asked, Problem> {
        Asked::parse(since, &LogStore::new(Clock::start()))
    }

    fn place(log: &EventLog, since: Option<&str>, now: u64) -> (u64, Duration) {
        let (place, note) = parse(since).unwrap().place(log, false, Moment::from_millis(now));
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
    fn a_cursor_of_another_group_is_told() {
        let log = log(&[(100, true), (500, false)]);
        let from = GroupCursor { after: 1, at: Moment::from_millis(482), epoch: log.epoch() };
        assert_eq!(place(&log, Some(&from.to_string()), 900), (1, Duration::from_millis(482)));
        let other = GroupCursor { epoch: Epoch::begin(), ..from }.to_string();
        let (place, note) = parse(Some(&other)).unwrap().place(&log, false, Moment::from_millis(900));
        assert_eq!((place.after, place.at), (0, Moment::START));
        assert!(note.is_some_and(|note| note.contains("an earlier run of the group")));
    }

    #[test]
    fn a_cursor_of_a_log_is_when_its_line_arrived() {
        let logs = LogStore::new(Clock::start());
        let api = ServiceName::from("api");
        let document = logs.open(&api, 1 << 20);
        document.feed(b"one\r\ntwo\r\n");
        let end = document.read().end();
        let arrived = document.read().line(LineId(end.0 - 1)).unwrap().at;
        let cursor = Cursor { service: api, run: RunId(0), next: end, epoch: Some(document.epoch()) };
        let asked = |cursor: &Cursor| Asked::parse(Some(&cursor.to_string()), &logs).unwrap();
        assert_eq!(asked(&cursor), Asked::FromLine(Some(arrived)));
        let begin = Cursor { next: LineId(0), ..cursor.clone() };
        assert_eq!(asked(&begin), Asked::FromLine(Some(Moment::START)));
        for other in [
            Cursor { epoch: Some(Epoch::begin()), ..cursor.clone() },
            Cursor { next: LineId(end.0 + 9), ..cursor.clone() },
            Cursor { service: "gone".into(), ..cursor.clone() },
        ] {
            assert_eq!(asked(&other), Asked::FromLine(None), "{other}");
        }
        let log = log(&[(100, true), (500, false)]);
        let at = Asked::FromLine(Some(Moment::from_millis(200))).place(&log, false, Moment::from_millis(900)).0;
        assert_eq!((at.after, at.at), (1, Moment::from_millis(200)));
        let (place, note) = Asked::FromLine(None).place(&log, false, Moment::from_millis(900));
        assert_eq!((place.after, note.is_some()), (0, true));
    }

    #[test]
    fn what_is_neither_a_cursor_nor_a_time_is_refused_with_the_remedy() {
        let problem = |text: &str| parse(Some(text)).unwrap_err().message;
        assert!(problem("api:eight").contains("is not a cursor: use one that `settle --json` or `logs --json`"));
        assert_eq!(
            problem("5"),
            "since `5`: the unit is missing; write \"5s\", \"5ms\" or \"5m\", or give a cursor that `settle --json` printed"
        );
        crate::fuzz::run("settle", 3_000, &[b"17:482013250:5d07c3a1", b"2m", b"1:2:3", b"api:8:9412:1f"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            if let Some(place) = GroupCursor::parse(&text) {
                assert_eq!(GroupCursor::parse(&place.to_string()), Some(place));
            }
            parse(Some(&text)).map_err(|problem| problem.code as u8).ok().map(|asked| matches!(asked, Asked::Ago(_)))
        });
    }
}
