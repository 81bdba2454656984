//! The time that a line tells of itself.

use jiff::Timestamp;
use serde_json::Value;

/// Seconds from here on are a time, and no count of something else: 2001-09-09.
const FIRST: f64 = 1e9;

/// RFC 3339, or a number since 1970: in seconds, or, if it is too large for that, in milli-, micro- or nanoseconds. A time
/// without a zone is none: nobody knows whose it is.
pub(super) fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok().or_else(|| since_1970(text)),
        Value::Number(number) => since_1970(&number.to_string()),
        _ => None,
    }
}

fn since_1970(text: &str) -> Option<Timestamp> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    // Each unit has a thousand times as many digits as the one before it; seconds reach this in the year 5138.
    let digits: usize = match number {
        number if number < FIRST => return None,
        number if number < 1e11 => 9,
        number if number < 1e14 => 6,
        number if number < 1e17 => 3,
        _ => 0,
    };
    // Digit by digit: a float of so many digits is not what was printed.
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let zeros = std::iter::repeat('0');
    let nanoseconds: String = whole.chars().chain(fraction.chars().chain(zeros).take(digits)).collect();
    Timestamp::from_nanosecond(nanoseconds.parse().ok()?).ok()
}
