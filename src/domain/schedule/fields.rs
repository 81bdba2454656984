//! The five fields of a schedule as numbers, for engines that write times in another way.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The times of five fields. A set that holds all numbers of its field says nothing about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronFields {
    /// 0 to 59.
    pub minutes: BTreeSet<u8>,
    /// 0 to 23.
    pub hours: BTreeSet<u8>,
    /// Days of the month, 1 to 31.
    pub days: BTreeSet<u8>,
    /// 1 to 12.
    pub months: BTreeSet<u8>,
    /// 0 to 6, from Sunday on.
    pub weekdays: BTreeSet<u8>,
    /// One of the two, day or weekday, is enough, as cron has it where neither field begins with `*`. Otherwise a time has
    /// both.
    pub either_day: bool,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl CronFields {
    /// Reads five fields that the schedule has accepted.
    pub(super) fn parse(expression: &str) -> Option<Self> {
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else { return None };
        let weekdays = numbers(weekday, 0..=7, &WEEKDAYS, 0)?;
        Some(Self {
            minutes: numbers(minute, 0..=59, &[], 0)?,
            hours: numbers(hour, 0..=23, &[], 0)?,
            days: numbers(day, 1..=31, &[], 0)?,
            months: numbers(month, 1..=12, &MONTHS, 1)?,
            weekdays: weekdays.into_iter().map(|day| day % 7).collect(),
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        })
    }

    /// Whether a time has any day of the month.
    pub fn has_all_days(&self) -> bool {
        self.days.len() == 31
    }

    /// Whether a time has any day of the week.
    pub fn has_all_weekdays(&self) -> bool {
        self.weekdays.len() == 7
    }
}

/// The numbers of a field. `first`: the number of the first name.
fn numbers(field: &str, all: RangeInclusive<u8>, names: &[&str], first: u8) -> Option<BTreeSet<u8>> {
    let number = |text: &str| {
        let named = names.iter().zip(first..).find(|(name, _)| text.eq_ignore_ascii_case(name));
        named.map(|(_, number)| number).or_else(|| text.parse().ok()).filter(|number| all.contains(number))
    };
    let mut found = BTreeSet::new();
    for item in field.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<usize>().ok().filter(|step| *step > 0)?)),
            None => (item, None),
        };
        let range = match (range.split_once('-'), range, step) {
            (_, "*", _) => all.clone(),
            (Some((from, to)), ..) => number(from)?..=number(to)?,
            // A number with a step goes on to the end.
            (None, from, Some(_)) => number(from)?..=*all.end(),
            (None, one, None) => number(one)?..=number(one)?,
        };
        found.extend(range.step_by(step.unwrap_or(1)));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::CronTimes;
    use super::*;

    fn fields(text: &str) -> CronFields {
        CronTimes::parse(text, None).expect("a schedule").fields().expect("plain fields")
    }

    #[test]
    fn fields_are_numbers_and_what_no_other_engine_knows_is_none() {
        let nightly = fields("*/20 2 1-3,7 jan,Dec 5-7");
        assert_eq!(nightly.minutes, BTreeSet::from([0, 20, 40]));
        assert_eq!((nightly.hours, nightly.days), (BTreeSet::from([2]), BTreeSet::from([1, 2, 3, 7])));
        assert_eq!((nightly.months, nightly.weekdays), (BTreeSet::from([1, 12]), BTreeSet::from([0, 5, 6])));
        assert!(nightly.either_day);
        let daily = fields("@daily");
        assert!(daily.has_all_days() && daily.has_all_weekdays() && !daily.either_day);
        assert_eq!(fields("50/5 * * * *").minutes, BTreeSet::from([50, 55]));
        assert!(!fields("0 0 */2 * 1").either_day);
        for odd in ["0 0 L * *", "0 0 15W * *", "0 0 * * 5L", "0 0 * * 5#3"] {
            assert_eq!(CronTimes::parse(odd, None).expect("a schedule").fields(), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn a_time_of_the_schedule_is_a_time_of_its_fields(
            minute in "[*]|[*]/[1-9]|[1-5][0-9]|1-4,7|[0-9]/7",
            hour in "[*]|[*]/[1-9]|1[0-9]|2-6/2",
            day in "[*]|[*]/[2-9]|1[0-9]|1-9,20",
            month in "[*]|[1-9]|feb-may|[*]/2",
            weekday in "[*]|[0-7]|mon-fri|5-7|[*]/2",
            after in 0_u64..2_000_000_000,
        ) {
            // Some days are in none of the months.
            let times = CronTimes::parse(&format!("{minute} {hour} {day} {month} {weekday}"), None);
            prop_assume!(times.is_ok());
            let times = times.expect("a schedule");
            let fields = times.fields().expect("plain fields");
            let mut now = SystemTime::UNIX_EPOCH + Duration::from_secs(after);
            for _ in 0..5 {
                now = times.next_after(now, &TimeZone::UTC).expect("a time");
                let at = TimeZone::UTC.to_datetime(now.try_into().expect("a time"));
                let number = |value: i8| u8::try_from(value).expect("a small number");
                prop_assert!(fields.minutes.contains(&number(at.minute())) && fields.hours.contains(&number(at.hour())));
                prop_assert!(fields.months.contains(&number(at.month())));
                let day = fields.days.contains(&number(at.day()));
                let weekday = fields.weekdays.contains(&number(at.weekday().to_sunday_zero_offset()));
                prop_assert!(if fields.either_day { day || weekday } else { day && weekday }, "{at}");
            }
        }
    }
}
