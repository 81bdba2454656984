//! The times of a timer: five fields of cron as `OnCalendar=`.

use std::collections::BTreeSet;

use crate::domain::CronFields;

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// The expressions, each of which is enough. `zone`: without it the local time zone.
pub(super) fn times(fields: &CronFields, zone: Option<&str>) -> Vec<String> {
    let weekdays = if fields.has_all_weekdays() {
        String::new()
    } else {
        let names = fields.weekdays.iter().filter_map(|day| WEEKDAYS.get(usize::from(*day)));
        names.copied().collect::<Vec<_>>().join(",") + " "
    };
    let days = list(&fields.days, 31);
    let months = list(&fields.months, 12);
    let (hours, minutes) = (list(&fields.hours, 24), list(&fields.minutes, 60));
    let zone = zone.map(|zone| format!(" {zone}")).unwrap_or_default();
    let one = |weekdays: &str, days: &str| format!("{weekdays}*-{months}-{days} {hours}:{minutes}:00{zone}");
    if fields.either_day && !fields.has_all_days() && !fields.has_all_weekdays() {
        return vec![one("", &days), one(&weekdays, "*")];
    }
    if fields.either_day {
        // One of the two is any day, and that is enough.
        return vec![one("", "*")];
    }
    vec![one(&weekdays, &days)]
}

/// Numbers with commas; `*` for all that there are.
fn list(numbers: &BTreeSet<u8>, all: usize) -> String {
    if numbers.len() == all {
        return "*".into();
    }
    numbers.iter().map(|number| format!("{number:02}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CronTimes;

    #[test]
    fn fields_become_calendar_times() {
        let of = |text: &str, zone| times(&CronTimes::parse(text, None).unwrap().fields().unwrap(), zone);
        assert_eq!(of("@daily", None), ["*-*-* 00:00:00"]);
        assert_eq!(of("*/15 2 * jan-mar *", Some("Europe/Berlin")), ["*-01,02,03-* 02:00,15,30,45:00 Europe/Berlin"]);
        assert_eq!(of("0 9 * * 5-7", None), ["Sun,Fri,Sat *-*-* 09:00:00"]);
        assert_eq!(
            of("0 9 1,15 * mon", None),
            ["*-*-01,15 09:00:00", "Mon *-*-* 09:00:00"],
            "one of the two is enough"
        );
        assert_eq!(of("0 9 */10 * mon", None), ["Mon *-*-01,11,21,31 09:00:00"], "both");
        assert_eq!(of("0 9 1-31 * mon", None), ["*-*-* 09:00:00"]);
    }
}
