//! `schedule`: when a job runs by itself. The one place that knows what clocks do where a time zone changes.
//!
//! The crate `cronexpr` reads the five fields and walks through the days. It is asked for civil times, those of a clock that
//! is never changed, and they are placed in the time zone here:
//!
//! - A time that does not exist is placed at the end of the gap: 02:30 becomes 03:00, when the clock goes from 02:00 to 03:00.
//! - A time that exists twice is the first of both, whatever the expression: one rule is easier to keep in mind.

mod fields;

use std::iter::successors;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

pub use fields::CronFields;

/// When a job runs by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// At which times.
    pub when: When,
    /// `run_on_start`: also with the group.
    pub run_on_start: bool,
}

/// The times of a schedule.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// At these times of the clock on the wall.
    At(CronTimes),
    /// So long after each end.
    Every(Duration),
}

/// The times of five fields, in a time zone.
#[derive(Clone, Debug)]
pub struct CronTimes {
    written: Arc<str>,
    /// Asked in UTC, where no clock is changed.
    civil: Arc<Crontab>,
    /// `timezone`; the local one without it.
    zone: Option<TimeZone>,
}

impl PartialEq for CronTimes {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written && self.zone == other.zone
    }
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CronFault {
    /// So many fields, and there must be five.
    Fields(usize),
    /// These fields are not what they may be: at least one.
    Wrong(Vec<WrongField>),
    /// There is no such word with an `@`.
    Word,
    /// No day is like that: February 30.
    Never,
}

/// A field that is not what it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongField {
    /// `hour`.
    pub name: &'static str,
    /// What it may be, for people.
    pub allowed: &'static str,
    /// Its bytes in the text.
    pub place: Range<usize>,
}

/// The words for five fields.
const WORDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// The five fields, and what each may be.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day", "1-31"),
    ("month", "1-12 or jan-dec"),
    ("weekday", "0-7 or sun-sat; 0 and 7 are Sunday"),
];

/// The longest text that is read as a schedule.
const LONGEST: usize = 1_000;

/// Steps from one time to the next. A field of minutes has 60 in an hour, and a gap can be a day long.
const MOST_STEPS: usize = 10_000;

/// Years from one time of the rarest schedule to the next: a February 29 that is a certain weekday, across a year like 2100.
const RAREST: i64 = 40;

/// Beyond this year there is no calendar to count with.
const LAST_YEAR: i16 = 9_000;

impl CronTimes {
    /// The words that stand for five fields.
    pub fn words() -> impl Iterator<Item = &'static str> {
        WORDS.iter().map(|(word, _)| *word)
    }

    /// Reads five fields, or a word for them. `zone`: `timezone`; the local one without it.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn parse(text: &str, zone: Option<TimeZone>) -> Result<Self, CronFault> {
        let known = WORDS.iter().find(|(word, _)| *word == text.trim());
        let expression = match known {
            Some((_, expression)) => expression,
            None if text.trim().starts_with('@') => return Err(CronFault::Word),
            None => text,
        };
        let fields: Vec<Range<usize>> = places_of_words(expression);
        if fields.len() != FIELDS.len() || expression.len() > LONGEST {
            return Err(CronFault::Fields(fields.len()));
        }
        let field = |number: usize| fields.get(number).and_then(|place| expression.get(place.clone())).unwrap_or("*");
        let wrong = FIELDS.into_iter().zip(&fields).enumerate().filter_map(|(number, ((name, allowed), place))| {
            let alone: Vec<&str> =
                (0..FIELDS.len()).map(|other| if other == number { field(other) } else { "*" }).collect();
            in_utc(&alone.join(" ")).is_none().then(|| WrongField { name, allowed, place: place.clone() })
        });
        let wrong: Vec<WrongField> = wrong.collect();
        if !wrong.is_empty() {
            return Err(CronFault::Wrong(wrong));
        }
        let all: Vec<&str> = (0..FIELDS.len()).map(field).collect();
        let civil = in_utc(&all.join(" ")).ok_or(CronFault::Fields(fields.len()))?;
        // Any start will do: what the search does not find from here, such as February 30, never comes.
        if next_civil(&civil, Timestamp::UNIX_EPOCH).is_none() {
            return Err(CronFault::Never);
        }
        Ok(Self { written: text.trim().into(), civil: Arc::new(civil), zone })
    }

    /// The same times in another time zone.
    pub fn in_zone(self, zone: TimeZone) -> Self {
        Self { zone: Some(zone), ..self }
    }

    /// The five fields, as numbers; `None` for those that no other engine reads: `L`, `W` and `#`.
    pub fn fields(&self) -> Option<CronFields> {
        CronFields::parse(self.expression())
    }

    /// The five fields, also where a word was written for them.
    pub fn expression(&self) -> &str {
        WORDS.iter().find(|(word, _)| **word == *self.written).map_or(&*self.written, |(_, expression)| expression)
    }

    /// The name of `timezone`: `Europe/Berlin`. `None` for the local one.
    pub fn zone_name(&self) -> Option<&str> {
        self.zone.as_ref().and_then(TimeZone::iana_name)
    }

    /// The first of the times that is later than this one. `local`: the local time zone.
    pub fn next_after(&self, time: SystemTime, local: &TimeZone) -> Option<SystemTime> {
        let after = Timestamp::try_from(time).ok()?;
        let zone = self.zone.as_ref().unwrap_or(local);
        let from = zone.to_datetime(after);
        if !(-LAST_YEAR..LAST_YEAR).contains(&from.year()) {
            return None;
        }
        let from = TimeZone::UTC.to_timestamp(from).ok()?;
        let times = successors(next_civil(&self.civil, from), |last| next_civil(&self.civil, *last));
        for civil in times.take(MOST_STEPS) {
            let at = placed(TimeZone::UTC.to_datetime(civil), zone)?;
            if at > after {
                return Some(at.into());
            }
        }
        None
    }
}

/// The next civil time after this one, both in UTC. The crate gives up after four years: it is asked again from there.
fn next_civil(civil: &Crontab, after: Timestamp) -> Option<Timestamp> {
    (0..=RAREST / 4).find_map(|steps| {
        let from = after.to_zoned(TimeZone::UTC).checked_add((4 * steps).years()).ok()?;
        civil.find_next(cronexpr::MakeTimestamp(from.timestamp())).ok().map(|next| next.timestamp())
    })
}

/// Where a civil time is in a time zone.
fn placed(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    Some(match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(civil).ok()?
        }
        AmbiguousOffset::Gap { after, .. } => {
            // By the clock that is set forward it would have been before the clock was.
            let before_gap = after.to_timestamp(civil).ok()?;
            zone.following(before_gap).next()?.timestamp()
        }
    })
}

fn in_utc(expression: &str) -> Option<Crontab> {
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    cronexpr::parse_crontab_with(expression, options).ok()
}

fn places_of_words(text: &str) -> Vec<Range<usize>> {
    let words = text.split_whitespace();
    // Each word is a part of the text.
    let place = |word: &str| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        start..start + word.len()
    };
    words.map(place).collect()
}

/// A time for people, in the local time zone: `02:00:00`, with the day where that is not the day of `beside`.
pub fn local_time(time: SystemTime, beside: SystemTime, local: &TimeZone) -> String {
    let zoned = |time: SystemTime| Timestamp::try_from(time).map(|time| time.to_zoned(local.clone()));
    match (zoned(time), zoned(beside)) {
        (Ok(time), Ok(beside)) if time.date() == beside.date() => time.strftime("%H:%M:%S").to_string(),
        (Ok(time), _) => time.strftime("%b %d %H:%M:%S").to_string(),
        (Err(_), _) => "--:--:--".into(),
    }
}

#[cfg(test)]
mod tests;
