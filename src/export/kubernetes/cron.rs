//! The times of a CronJob. Kubernetes reads five fields as cron does, but for Sunday as 7 and for what few crons know.

use std::time::Duration;

use crate::domain::{CronTimes, Schedule, ServiceSpec, When, short};
use crate::export::remarks::Remarks;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Five fields and a time zone, or nothing where there are none; and comments.
pub(super) fn times(
    schedule: &Schedule,
    service: &ServiceSpec,
    remarks: &mut Remarks,
) -> (Option<(String, Option<String>)>, Vec<String>) {
    let mut comments = Vec::new();
    let found = match &schedule.when {
        When::At(times) => {
            let fields = fields(times);
            match (&fields, times.zone_name()) {
                (None, _) => comments.push(remarks.lost(&service.name, "schedule", "start it by hand")),
                (Some(_), None) => {
                    let how = "without `timezone`, it runs in the time zone of the cluster, often UTC";
                    comments.push(remarks.differs(&service.name, "schedule", how));
                }
                (Some(_), Some(_)) => {}
            }
            fields.map(|fields| (fields, times.zone_name().map(str::to_owned)))
        }
        When::Every(pause) => match every(*pause) {
            Some(fields) => {
                let how = format!("every {} is counted by the clock, not from the end of a run", short(*pause));
                comments.push(remarks.differs(&service.name, "schedule", &how));
                Some((fields, None))
            }
            None => {
                comments.push(remarks.lost(&service.name, "schedule", "start it by hand"));
                None
            }
        },
    };
    if schedule.run_on_start {
        comments.push(remarks.lost(&service.name, "run_on_start", ""));
    }
    (found, comments)
}

fn fields(times: &CronTimes) -> Option<String> {
    let numbers = times.fields()?;
    let mut fields: Vec<String> = times.expression().split_whitespace().map(str::to_owned).collect();
    // What begins with `*` and has a step counts as a day that is said there, and here as one that is not.
    let is_step = |field: &String| field.starts_with('*') && field.len() > 1;
    let both = !numbers.has_all_days() && !numbers.has_all_weekdays();
    if both && fields.iter().skip(2).any(is_step) && !numbers.either_day {
        return None;
    }
    let weekdays: Vec<String> = numbers.weekdays.iter().map(ToString::to_string).collect();
    if let Some(weekday) = fields.last_mut().filter(|_| !numbers.has_all_weekdays()) {
        *weekday = weekdays.join(",");
    }
    Some(fields.join(" "))
}

/// The five fields of a pause that divides an hour or a day.
fn every(pause: Duration) -> Option<String> {
    let seconds = pause.as_secs();
    match seconds {
        _ if pause.subsec_nanos() > 0 || seconds == 0 => None,
        DAY => Some("0 0 * * *".into()),
        HOUR => Some("0 * * * *".into()),
        _ if seconds.is_multiple_of(HOUR) && DAY.is_multiple_of(seconds) => {
            Some(format!("0 */{} * * *", seconds / HOUR))
        }
        _ if seconds.is_multiple_of(MINUTE) && HOUR.is_multiple_of(seconds) => {
            Some(format!("*/{} * * * *", seconds / MINUTE))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_that_the_cluster_reads() {
        let of = |text: &str| fields(&CronTimes::parse(text, None).unwrap());
        assert_eq!(of("30 2 * * *").as_deref(), Some("30 2 * * *"));
        assert_eq!(of("@weekly").as_deref(), Some("0 0 * * 0"));
        assert_eq!(of("0 9 * * 5-7").as_deref(), Some("0 9 * * 0,5,6"));
        assert_eq!(of("0 9 1,15 * mon").as_deref(), Some("0 9 1,15 * 1"));
        assert_eq!((of("0 0 L * *"), of("0 0 */2 * 1")), (None, None));
    }

    #[test]
    fn a_pause_is_fields_where_it_divides_the_clock() {
        let of = |seconds| every(Duration::from_secs(seconds));
        assert_eq!(of(900).as_deref(), Some("*/15 * * * *"));
        assert_eq!((of(HOUR).as_deref(), of(6 * HOUR).as_deref()), (Some("0 * * * *"), Some("0 */6 * * *")));
        assert_eq!((of(DAY).as_deref(), of(90), of(50 * MINUTE), of(7 * HOUR)), (Some("0 0 * * *"), None, None, None));
    }
}
