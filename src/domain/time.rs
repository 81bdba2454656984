//! When: a moment on the program's own clock, and durations as people read them.

use std::ops::Add;
use std::time::Duration;

/// A moment on a clock that starts with the program and never goes back. Decisions see no other clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The start of the program.
    pub const START: Self = Self(Duration::ZERO);

    /// The moment that is `elapsed` after the start of the program.
    pub const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The moment that is so many milliseconds after the start of the program.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// Time since the start of the program.
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// Time from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

/// A duration for a sentence: `0.3s`, `2.9s`, `12s`, `9m 12s`, `3h 4m`, `2d 5h`.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => match (duration.as_millis() + 50) / 100 {
            tenths @ 0..100 => format!("{}.{}s", tenths / 10, tenths % 10),
            _ => "10s".into(),
        },
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// A duration in one unit, for a column: `12s`, `41m`, `3h`, `2d`.
pub fn approx(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// A duration that somebody chose, without needless digits: `4s`, `1.5s`, `500ms`, `2m`.
pub fn short(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1000 => format!("{millis}ms"),
        _ if millis.is_multiple_of(60_000) && millis > 60_000 => format!("{}m", millis / 60_000),
        _ if millis.is_multiple_of(1000) => format!("{}s", millis / 1000),
        1000..10_000 => human(duration),
        _ => format!("{}s", duration.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let cases = [
            (300, "0.3s"),
            (283, "0.3s"),
            (9_960, "10s"),
            (2_900, "2.9s"),
            (12_400, "12s"),
            (552_000, "9m 12s"),
            (11_040_000, "3h 4m"),
        ];
        for (millis, text) in cases {
            assert_eq!(human(Duration::from_millis(millis)), text);
        }
        assert_eq!(human(Duration::from_secs(190_800)), "2d 5h");
        assert_eq!(approx(Duration::from_secs(2_460)), "41m");
        assert_eq!(approx(Duration::from_millis(900)), "0s");
    }

    #[test]
    fn time_never_underflows() {
        assert_eq!(Moment::START.since(Moment::from_millis(5)), Duration::ZERO);
        assert_eq!(Moment::START + Duration::MAX + Duration::MAX, Moment::after_start(Duration::MAX));
    }
}
