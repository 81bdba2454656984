//! Tables: which times follow each other, where clocks are changed and where not.

use super::*;

/// A time zone as the system knows it, or by the rule that it has now.
fn zone(name: &str) -> TimeZone {
    let rule = match name {
        BERLIN => "CET-1CEST,M3.5.0,M10.5.0/3",
        NEW_YORK => "EST5EDT,M3.2.0,M11.1.0",
        LORD_HOWE => "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        _ => "UTC0",
    };
    TimeZone::get(name).or_else(|_| TimeZone::posix(rule)).expect("a rule")
}

/// The times after `from`, until `to`, as an RFC 9557 clock in the zone shows them: `03:00+02`.
fn times(expression: &str, name: &str, from: &str, to: &str) -> String {
    let times = CronTimes::parse(expression, Some(zone(name))).expect("an expression");
    let moment = |text: &str| SystemTime::from(text.parse::<Timestamp>().expect("a time"));
    let (mut now, end) = (moment(from), moment(to));
    let mut found = Vec::new();
    while let Some(next) = times.next_after(now, &TimeZone::UTC).filter(|next| *next <= end) {
        assert!(next > now, "{expression}: {next:?} after {now:?}");
        let shown = Timestamp::try_from(next).expect("a time").to_zoned(zone(name));
        found.push(shown.strftime("%d %H:%M%:::z").to_string());
        now = next;
    }
    found.join(", ")
}

const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";
const LORD_HOWE: &str = "Australia/Lord_Howe";

/// From midnight to six, on the night in which the clock goes from 02:00 to 03:00.
fn spring_in_berlin(expression: &str) -> String {
    times(expression, BERLIN, "2026-03-28T22:59:00Z", "2026-03-29T04:00:00Z")
}

/// The same, when it goes from 03:00 to 02:00.
fn autumn_in_berlin(expression: &str) -> String {
    times(expression, BERLIN, "2026-10-24T21:59:00Z", "2026-10-25T05:00:00Z")
}

fn spring_in_new_york(expression: &str) -> String {
    times(expression, NEW_YORK, "2026-03-08T04:59:00Z", "2026-03-08T10:00:00Z")
}

/// From 02:00 to 01:00.
fn autumn_in_new_york(expression: &str) -> String {
    times(expression, NEW_YORK, "2026-11-01T03:59:00Z", "2026-11-01T11:00:00Z")
}

#[test]
fn a_time_that_does_not_exist_is_right_after_the_gap() {
    assert_eq!(spring_in_berlin("30 2 * * *"), "29 03:00+02");
    assert_eq!(spring_in_berlin("0 2 * * *"), "29 03:00+02");
    assert_eq!(spring_in_berlin("59 1 * * *"), "29 01:59+01");
    assert_eq!(spring_in_berlin("0 3 * * *"), "29 03:00+02");
    // All of an hour that is not there are one run.
    assert_eq!(spring_in_berlin("*/10 2 * * *"), "29 03:00+02");
    assert_eq!(spring_in_berlin("30 1-3 * * *"), "29 01:30+01, 29 03:00+02, 29 03:30+02");
    assert_eq!(spring_in_berlin("0 */2 * * *"), "29 00:00+01, 29 03:00+02, 29 04:00+02, 29 06:00+02");
    assert_eq!(spring_in_new_york("30 2 * * *"), "08 03:00-04");
    assert_eq!(spring_in_new_york("0 1,2,3 * * *"), "08 01:00-05, 08 03:00-04");
}

#[test]
fn a_time_that_exists_twice_is_the_first() {
    assert_eq!(autumn_in_berlin("30 2 * * *"), "25 02:30+02");
    assert_eq!(autumn_in_berlin("0 3 * * *"), "25 03:00+01");
    assert_eq!(autumn_in_berlin("0,30 2 * * *"), "25 02:00+02, 25 02:30+02");
    assert_eq!(autumn_in_berlin("0 */2 * * *"), "25 00:00+02, 25 02:00+02, 25 04:00+01, 25 06:00+01");
    assert_eq!(autumn_in_berlin("@daily"), "25 00:00+02");
    assert_eq!(autumn_in_new_york("30 1 * * *"), "01 01:30-04");
    assert_eq!(autumn_in_new_york("0 2 * * *"), "01 02:00-05");
}

#[test]
fn what_runs_in_each_hour_keeps_to_the_same_rule() {
    assert_eq!(
        spring_in_berlin("0 * * * *"),
        "29 00:00+01, 29 01:00+01, 29 03:00+02, 29 04:00+02, 29 05:00+02, 29 06:00+02"
    );
    assert_eq!(
        autumn_in_berlin("0 * * * *"),
        "25 00:00+02, 25 01:00+02, 25 02:00+02, 25 03:00+01, 25 04:00+01, 25 05:00+01, 25 06:00+01"
    );
    let night = times("*/30 * * * *", BERLIN, "2026-10-24T23:45:00Z", "2026-10-25T02:00:00Z");
    assert_eq!(night, "25 02:00+02, 25 02:30+02, 25 03:00+01");
    let night = times("*/30 * * * *", NEW_YORK, "2026-11-01T04:45:00Z", "2026-11-01T07:00:00Z");
    assert_eq!(night, "01 01:00-04, 01 01:30-04, 01 02:00-05");
    assert_eq!(times("*/30 0-23 * * *", NEW_YORK, "2026-11-01T04:45:00Z", "2026-11-01T07:00:00Z"), night);
    // Half an hour is lost: 02:00 becomes 02:30.
    let half = times("15 * * * *", LORD_HOWE, "2026-10-03T14:30:00Z", "2026-10-03T17:00:00Z");
    assert_eq!(half, "04 01:15+10:30, 04 02:30+11, 04 03:15+11");
}

#[test]
fn days_months_and_weekdays_are_those_of_cron() {
    let year = |expression| times(expression, "UTC", "2026-01-01T00:00:00Z", "2026-02-10T00:00:00Z");
    assert_eq!(year("0 12 1 * *"), "01 12:00+00, 01 12:00+00");
    assert_eq!(year("0 0 * * sun").len(), "04 00:00+00, ".len() * 6 - 2);
    assert_eq!(year("0 0 * * 7"), year("@weekly"));
    assert_eq!(year("0 0 1 jan *"), "");
    assert_eq!(year("@monthly"), "01 00:00+00");
    // One of both is enough.
    assert_eq!(year("0 0 5 * mon").matches("00:00").count(), 6 + 1);
    let leap = times("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z");
    assert_eq!(leap, "29 00:00+00");
    // Starred days count together: a February 29 that is a Sunday is rare, and rarer across 2100.
    let rare = |from, to| times("0 0 29 2 */7", "UTC", from, to);
    assert_eq!(rare("1970-01-01T00:00:00Z", "2005-01-01T00:00:00Z"), "29 00:00+00, 29 00:00+00");
    assert_eq!(rare("2088-03-01T00:00:00Z", "2129-01-01T00:00:00Z"), "29 00:00+00");
    // A whole day that was left out, when Samoa changed sides. Only the database knows that.
    if TimeZone::get("Pacific/Apia").is_err() {
        return eprintln!("skipped: needs the time zone database");
    }
    assert_eq!(times("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2012-01-02T00:00:00Z"), "31 00:00+14");
}

#[test]
fn without_a_time_zone_it_is_the_local_one() {
    let times = CronTimes::parse("0 12 * * *", None).expect("an expression");
    let noon = |local: &TimeZone| times.next_after(SystemTime::UNIX_EPOCH, local);
    let hours = |hours: u64| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(hours * 3600));
    assert_eq!((noon(&TimeZone::UTC), noon(&zone(BERLIN))), (hours(12), hours(11)));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let fault = |text: &str| CronTimes::parse(text, None).err();
    let field = |text: &str| match fault(text) {
        Some(CronFault::Wrong(fields)) => {
            let fields = fields.into_iter().map(|field| format!("{} {}", field.name, &text[field.place]));
            fields.collect::<Vec<_>>().join(", ")
        }
        other => panic!("{text}: {other:?}"),
    };
    let cases = ["60 * * * *", "*  24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *", "H * * * *"];
    let named = ["minute 60", "hour 24", "day 0", "month 13", "weekday 8", "minute */0", "minute H"];
    assert_eq!(cases.map(field), named);
    assert_eq!(field("0 0 * * mondays"), "weekday mondays");
    assert_eq!(field("99 * 0 * x"), "minute 99, day 0, weekday x", "all of them");
    assert_eq!(fault("* * * *"), Some(CronFault::Fields(4)));
    assert_eq!(fault("0 0 2 * * *"), Some(CronFault::Fields(6)));
    assert_eq!(fault(""), Some(CronFault::Fields(0)));
    assert_eq!(fault("@reboot"), Some(CronFault::Word));
    assert_eq!(fault("0 0 30 2 *"), Some(CronFault::Never));
    assert_eq!(fault(&format!("{}0 * * * *", "0,".repeat(1_000))), Some(CronFault::Fields(5)));
    assert_eq!(fault(" @daily "), None);
}

#[test]
fn a_clock_that_is_far_off_breaks_nothing() {
    let times = CronTimes::parse("0 12 * * *", None).expect("an expression");
    for seconds in [1, 1_u64 << 33, 1 << 36, 1 << 38, 1 << 62] {
        let Some(late) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) else { continue };
        assert!(times.next_after(late, &TimeZone::UTC).is_none_or(|next| next > late));
    }
}

#[test]
fn fuzz_of_schedules() {
    const SEEDS: [&[u8]; 8] = [
        b"*/15 8-18 * * mon-fri",
        b"0 0 29 2 *",
        b"30 7 1,15 jan-mar,Dec 0-7/2",
        b"@daily",
        b"59 23 L * 5#3",
        b"0 0 15W * 5L",
        b"0-59/7 */5 */31 12 sun",
        b"* * * * * *",
    ];
    let zone = zone(BERLIN);
    crate::fuzz::run("schedules", 500, &SEEDS, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        match CronTimes::parse(&text, None) {
            Ok(times) => {
                // Through a spring and an autumn.
                let mut now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_774_700_000);
                for _ in 0..4 {
                    let Some(next) = times.next_after(now, &zone) else { break };
                    assert!(next > now, "{text}: {next:?} after {now:?}");
                    now = next;
                }
                let again = CronTimes::parse(times.expression(), None).map(|again| again.fields());
                assert_eq!(again, Ok(times.fields()), "{text}");
                Ok(times.fields().map(|fields| (fields.either_day, fields.months.len(), fields.weekdays.len())))
            }
            Err(CronFault::Wrong(fields)) => {
                assert!(fields.iter().all(|field| text.get(field.place.clone()).is_some()));
                Err(fields.len())
            }
            Err(CronFault::Fields(count)) => Err(10 + count.min(10)),
            Err(CronFault::Word) => Err(30),
            Err(CronFault::Never) => Err(31),
        }
    });
}
