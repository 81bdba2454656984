//! `schedule` of a process: times by five fields, or an interval.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::CronTimes;
use crate::init::draft::{Draft, Schedule};
use crate::init::yaml::Node;

/// Reads it, and names what has no counterpart.
pub(super) fn read(entry: &Node, draft: &mut Draft) {
    let Some(said) = entry.get("schedule") else { return };
    let cron = said.text("cron").map(|cron| cron.trim().to_owned());
    let interval = said.text("interval").as_deref().and_then(duration);
    let when = match (&cron, interval) {
        (Some(cron), _) if CronTimes::parse(cron, None).is_ok() => Some(cron.clone()),
        (None, Some(pause)) => Some(format!("every {}s", pause.as_secs_f64().ceil().max(1.0))),
        _ => None,
    };
    let Some(when) = when else {
        draft.autostart &= said.is_true("run_on_start");
        return draft.left.push("`schedule` is not carried over: its times could not be read".into());
    };
    if cron.is_none() {
        draft.left.push("`interval` counts from the start of a run; here it counts from the end".into());
    }
    let zone = said.text("timezone").filter(|_| cron.is_some());
    let known = zone.clone().filter(|zone| TimeZone::get(zone).is_ok());
    if let (Some(zone), None) = (zone, &known) {
        draft.left.push(format!("`timezone: {zone}` is not carried over: it is not known here"));
    }
    if said.number("max_concurrent").is_some_and(|most| most > 1) {
        draft.left.push("`max_concurrent` is not carried over: a job never runs twice at once".into());
    }
    for key in said.others(&["cron", "interval", "timezone", "run_on_start", "max_concurrent"]) {
        draft.left.push(format!("`{key}` of `schedule` is not carried over"));
    }
    draft.schedule = Some(Schedule { when, timezone: known, run_on_start: said.is_true("run_on_start") });
}

/// A duration as Go writes it: `30s`, `1h30m`, `1.5h`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(digits);
        let unit = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit);
        let factor = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = behind;
    }
    // More than ten years are no schedule.
    (0.0 < seconds && seconds < 3.0e8).then(|| Duration::try_from_secs_f64(seconds).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go_are_read() {
        for (text, seconds) in [("30s", 30.0), ("1h30m", 5_400.0), ("1.5h", 5_400.0), ("500ms", 0.5)] {
            assert_eq!(duration(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "30", "s", "1d", "0s", "-3s", "1..5s", "99999999999h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
