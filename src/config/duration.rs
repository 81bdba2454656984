//! Durations as text: `"150ms"`, `"5s"`, `"1.5s"`, `"2m"`, `"1h"`.

use std::time::Duration;

use super::problems::shown;

/// What to write.
pub(super) const UNITS: &str = "\"5s\", \"500ms\", \"2m\" or \"1h\"";

/// Longer than anybody waits; keeps sums of durations away from overflow.
const MAX: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What is wrong with a duration.
pub(super) struct Problem {
    /// What the place of the text should say.
    pub(super) label: String,
    /// What to write instead.
    pub(super) help: String,
}

/// What to write for a number without a unit.
pub(super) fn units_help(number: &str) -> String {
    format!("\"{number}s\", \"{number}ms\" or \"{number}m\"")
}

/// Parses a duration with a unit, for the command line.
///
/// # Errors
/// What is wrong and what to write, on one line.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    parse(text).map_err(|problem| format!("{}; write {}", problem.label, problem.help))
}

/// Parses a duration with a unit.
pub(super) fn parse(text: &str) -> Result<Duration, Problem> {
    let wrong = |label: &str, help: String| Err(Problem { label: label.into(), help });
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| c.is_alphabetic()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let digits = number.trim_end();
    let plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    let (true, Ok(count)) = (plain, digits.parse::<f64>()) else {
        let label = if digits.starts_with('-') { "time does not go back" } else { "a number with a unit is missing" };
        return wrong(label, UNITS.into());
    };
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "" => return wrong(&format!("{digits} what?"), units_help(digits)),
        other => {
            let meant = match other.to_lowercase().as_str() {
                "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => Some("ms"),
                "s" | "sec" | "secs" | "second" | "seconds" => Some("s"),
                "m" | "min" | "mins" | "minute" | "minutes" => Some("m"),
                "h" | "hr" | "hrs" | "hour" | "hours" => Some("h"),
                _ => None,
            };
            let help = meant.map_or(UNITS.into(), |unit| format!("\"{digits}{unit}\""));
            return wrong(&format!("`{}` is not a unit", shown(other)), help);
        }
    };
    if number.len() != digits.len() || trimmed.len() != text.len() {
        return wrong("there is a blank in it", format!("\"{digits}{unit}\""));
    }
    match Duration::try_from_secs_f64(count * seconds) {
        Ok(duration) if duration <= MAX => Ok(duration),
        _ => wrong("longer than ten years", UNITS.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_say_so() {
        for (text, millis) in [("150ms", 150), ("5s", 5_000), ("1.5s", 1_500), ("2m", 120_000), ("1h", 3_600_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
        }
        assert_eq!(parse_duration("10").unwrap_err(), "10 what?; write \"10s\", \"10ms\" or \"10m\"");
        assert_eq!(parse_duration("10 sec").unwrap_err(), "`sec` is not a unit; write \"10s\"");
        assert_eq!(parse_duration("-5s").unwrap_err(), format!("time does not go back; write {UNITS}"));
        assert!(parse_duration("").is_err() && parse_duration("9e9h").is_err() && parse_duration("99999999h").is_err());
    }
}
