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
