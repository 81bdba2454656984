//! The one clock: moments since the start for decisions, local time of day for people.
//!
//! Architecture invariant: no other module asks the operating system for the time of day, so that tests choose it.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use jiff::tz::TimeZone;

use crate::domain::Moment;

/// The local time zone. A file that is named, and `/etc/localtime` where `TZ` says nothing, is read directly: to find its
/// name, jiff lists the whole time zone database, which takes milliseconds that the first marker would wait for; and it
/// would read a device to its end.
static LOCAL: LazyLock<TimeZone> = LazyLock::new(|| {
    let zone = std::env::var("TZ").ok();
    let file = match zone.as_deref().map(|zone| zone.strip_prefix(':').unwrap_or(zone)) {
        None => "/etc/localtime",
        Some("") => return TimeZone::UTC,
        Some(path) if path.starts_with('/') => path,
        Some(_) => return TimeZone::system(),
    };
    let bytes = if is_zone_file(file) { std::fs::read(file).ok() } else { None };
    bytes.and_then(|bytes| TimeZone::tzif("local", &bytes).ok()).unwrap_or(TimeZone::UTC)
});

fn is_zone_file(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= ZONE_FILE)
}

/// What is wrong with `TZ`, if something is. Who asks the time zone library first, as tui-logger does for each record,
/// would have it read a device to its end.
pub fn zone_problem() -> Option<String> {
    let zone = std::env::var("TZ").ok()?;
    let path = zone.strip_prefix(':').unwrap_or(&zone);
    let wrong = path.starts_with('/') && std::fs::exists(path).unwrap_or(true) && !is_zone_file(path);
    wrong.then(|| format!("TZ names {path}, which is no time zone file"))
}

/// Local time of day of a moment in RFC 3339: `14:02:11`. The text itself, if it is none.
pub fn local_time_of_day(rfc3339: &str) -> String {
    match rfc3339.parse::<jiff::Timestamp>() {
        Ok(timestamp) => timestamp.to_zoned(LOCAL.clone()).strftime("%H:%M:%S").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

/// How long ago a moment in RFC 3339 was.
pub fn time_since(rfc3339: &str) -> Option<Duration> {
    let then = SystemTime::from(rfc3339.parse::<jiff::Timestamp>().ok()?);
    Some(SystemTime::now().duration_since(then).unwrap_or_default())
}

/// The largest time zone file that is read. The largest of the database have 4 KB.
const ZONE_FILE: u64 = 1 << 20;

/// Two clocks that are read within this time are read together.
const TOGETHER: Duration = Duration::from_micros(100);
/// So often is tried to.
const TRIES: usize = 5;

/// A clock that started with the program. Copies agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    wall_start: SystemTime,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { start: Instant::now(), wall_start: SystemTime::now() }
    }

    /// Now.
    pub fn now(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    /// The operating system's instant of a moment, for timers.
    pub fn instant(&self, moment: Moment) -> Instant {
        self.start.checked_add(moment.since_start()).unwrap_or_else(|| {
            // A moment beyond what the system can express: as far away as a timer ever needs.
            Instant::now() + Duration::from_secs(86_400)
        })
    }

    /// The time of day of a moment, as the clock on the wall would have shown it if nobody had set it since the start.
    pub fn wall(&self, moment: Moment) -> SystemTime {
        self.wall_start.checked_add(moment.since_start()).unwrap_or(self.wall_start)
    }

    /// The time of day of a moment by the clock on the wall as it is set now: what the system's file times are compared
    /// with. Unlike [`Clock::wall`] it is right after the machine was asleep.
    pub fn file_time(&self, moment: Moment) -> SystemTime {
        let (now, wall) = self.both();
        let (ago, ahead) = (now.since(moment), moment.since(now));
        wall.checked_sub(ago).and_then(|time| time.checked_add(ahead)).unwrap_or(wall)
    }

    /// The moment of a file time; a time before the start is the start.
    pub fn moment_of(&self, file_time: SystemTime) -> Moment {
        let (now, wall) = self.both();
        match wall.duration_since(file_time) {
            Ok(ago) => Moment::after_start(now.since_start().saturating_sub(ago)),
            Err(ahead) => now + ahead.duration(),
        }
    }

    /// Both clocks, read together: whoever loses the processor between the two tries again.
    fn both(&self) -> (Moment, SystemTime) {
        let mut best = None;
        for _ in 0..TRIES {
            let (before, wall) = (self.now(), SystemTime::now());
            let took = self.now().since(before);
            if best.is_none_or(|(least, _, _)| took < least) {
                best = Some((took, before, wall));
            }
            if took < TOGETHER {
                break;
            }
        }
        best.map_or_else(|| (self.now(), SystemTime::now()), |(_, moment, wall)| (moment, wall))
    }

    /// A moment in RFC 3339, UTC, with milliseconds: `2026-11-22T14:02:23.114Z`. Empty if the clock on the wall stands at a
    /// time that cannot be written so.
    pub fn rfc3339(&self, moment: Moment) -> String {
        match jiff::Timestamp::try_from(self.wall(moment)) {
            Ok(timestamp) => format!("{timestamp:.3}"),
            Err(_) => String::new(),
        }
    }

    /// Local date and time: `Nov 25 14:02:11`.
    pub fn date_and_time(time: SystemTime) -> String {
        match jiff::Timestamp::try_from(time) {
            Ok(timestamp) => timestamp.to_zoned(LOCAL.clone()).strftime("%b %d %H:%M:%S").to_string(),
            Err(_) => String::from("--"),
        }
    }

    /// Local time of day of a moment: `14:02:11`.
    pub fn time_of_day(&self, moment: Moment) -> String {
        match jiff::Timestamp::try_from(self.wall(moment)) {
            Ok(timestamp) => timestamp.to_zoned(LOCAL.clone()).strftime("%H:%M:%S").to_string(),
            Err(_) => String::from("--:--:--"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_times_are_moments_and_back() {
        let clock = Clock::start();
        let moment = clock.now();
        let there_and_back = clock.moment_of(clock.file_time(moment + Duration::from_secs(7)));
        let differs = there_and_back.since_start().abs_diff((moment + Duration::from_secs(7)).since_start());
        assert!(differs < Duration::from_secs(5), "{differs:?}");
        assert_eq!(clock.moment_of(SystemTime::UNIX_EPOCH), Moment::START);
    }
}
