//! Numbers with a unit: durations (`"150ms"`, `"1.5s"`) and sizes (`"64MiB"`).

use std::time::Duration;

use super::near::shown;

/// Durations above this are slips: ten years.
const MAX_DURATION: Duration = Duration::from_secs(10 * 365 * 86_400);
const DURATIONS: &str = "\"5s\", \"500ms\", \"2m\" or \"1h\"";
const SIZES: &str = "\"64MiB\", \"512KiB\" or \"1GB\"";

/// Why a text is no number with a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// A few words about the text.
    pub label: String,
    /// What to write instead.
    pub help: String,
}

impl Unclear {
    fn new(label: impl Into<String>, help: impl Into<String>) -> Self {
        Self { label: label.into(), help: help.into() }
    }
}

/// A duration as the file and the command line write it: a number, whole or with a fraction, and `ms`, `s`, `m` or `h`.
///
/// # Errors
/// One line that says what is wrong with it and how it is written.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    duration(text).map_err(|unclear| format!("{}; write {}", unclear.label, unclear.help))
}

/// A number and `ms`, `s`, `m` or `h`.
///
/// # Errors
/// What is unclear, and what to write instead.
pub fn duration(text: &str) -> Result<Duration, Unclear> {
    let trimmed = text.trim();
    let (number, unit) = split(trimmed);
    let digits = number.trim_end();
    let plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    let count = match digits.parse::<f64>() {
        Ok(count) if plain => count,
        _ if digits.starts_with('-') => return Err(Unclear::new("a time cannot be negative", DURATIONS)),
        _ => return Err(Unclear::new("not a number with a unit", DURATIONS)),
    };
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "" => {
            let help = format!("\"{digits}s\", \"{digits}ms\" or \"{digits}m\"");
            return Err(Unclear::new("the unit is missing", help));
        }
        other => {
            let in_hours = hours(other).map(|hours| format!("\"{}h\"", count * hours));
            let help = in_hours.or_else(|| Some(format!("\"{digits}{}\"", meant(other)?)));
            let help = help.unwrap_or_else(|| DURATIONS.to_owned());
            return Err(Unclear::new(format!("`{}` is not a unit", shown(other)), help));
        }
    };
    if number.len() != digits.len() || trimmed.len() != text.len() {
        return Err(Unclear::new("it contains a space", format!("\"{digits}{unit}\"")));
    }
    Duration::try_from_secs_f64(count * seconds)
        .ok()
        .filter(|duration| *duration <= MAX_DURATION)
        .ok_or_else(|| Unclear::new("longer than ten years", DURATIONS))
}

/// The unit of time that somebody spelled out.
/// The hours of a longer unit, which is not written.
fn hours(unit: &str) -> Option<f64> {
    match unit.to_lowercase().as_str() {
        "d" | "day" | "days" => Some(24.0),
        "w" | "week" | "weeks" => Some(168.0),
        _ => None,
    }
}

fn meant(unit: &str) -> Option<&'static str> {
    match unit.to_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => Some("ms"),
        "s" | "sec" | "secs" | "second" | "seconds" => Some("s"),
        "m" | "min" | "mins" | "minute" | "minutes" => Some("m"),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some("h"),
        _ => None,
    }
}

/// A whole number and `B`, `KB`, `MB`, `GB` (powers of 1000) or `KiB`, `MiB`, `GiB` (of 1024), in any case.
///
/// # Errors
/// What is unclear, and what to write instead.
pub fn size(text: &str) -> Result<usize, Unclear> {
    let (number, unit) = split(text);
    let factor: usize = match unit.to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "" => return Err(Unclear::new("the unit is missing", SIZES)),
        _ => return Err(Unclear::new(format!("`{}` is not a unit", shown(unit)), SIZES)),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unclear::new("not a whole number with a unit", SIZES));
    }
    let bytes = number.parse::<usize>().ok().and_then(|count| count.checked_mul(factor));
    bytes
        .filter(|bytes| isize::try_from(*bytes).is_ok())
        .ok_or_else(|| Unclear::new("more than any machine has", SIZES))
}

/// The number and the unit behind it.
fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(char::is_alphabetic).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        let good = [("150ms", 150), ("5s", 5_000), ("1.5s", 1_500), ("2m", 120_000), ("1h", 3_600_000), ("0s", 0)];
        for (text, millis) in good {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "5 s", " 5s", "5S", "1e3s", "5sec", "1m30s", "NaNs", "infs", "9999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(parse_duration("5 min").unwrap_err(), "`min` is not a unit; write \"5m\"");
        assert_eq!(parse_duration("7d").unwrap_err(), "`d` is not a unit; write \"168h\"");
        assert_eq!(parse_duration("1.5 weeks").unwrap_err(), "`weeks` is not a unit; write \"252h\"");
        assert_eq!(parse_duration("5").unwrap_err(), "the unit is missing; write \"5s\", \"5ms\" or \"5m\"");
    }

    #[test]
    fn sizes_have_a_number_and_a_unit() {
        let good = [("64MiB", 64 << 20), ("10MB", 10_000_000), ("512kib", 512 << 10), ("1B", 1), ("0GB", 0)];
        for (text, bytes) in good {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "64", "MiB", "-1MB", "1.5GB", "1 MB", "10 megs", "99999999999999999999MB", "18446744073GB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fuzz_of_numbers_with_units() {
        const SEEDS: [&[u8]; 9] =
            [b"150ms", b"1.5s", b"2m", b"1h", b" 5 min", b"7d", b"64MiB", b"512kb", "1\u{212a}B ½s".as_bytes()];
        crate::fuzz::run("units", 3_000, &SEEDS, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let read = (duration(&text), size(&text));
            if let Ok(duration) = &read.0 {
                assert!(*duration <= MAX_DURATION);
            }
            for unclear in [read.0.as_ref().err(), read.1.as_ref().err()].into_iter().flatten() {
                assert!(unclear.label.len() < 200, "{}", unclear.label);
            }
            // Without the word that is no unit.
            let sort = |label: String| label.rsplit('`').next().map(str::to_owned);
            (
                read.0.map(|_| ()).map_err(|unclear| sort(unclear.label)),
                read.1.map(|_| ()).map_err(|unclear| sort(unclear.label)),
            )
        });
    }
}
