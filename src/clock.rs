//! The one clock: moments since the start for decisions, local time of day for people.
//!
//! Architecture invariant: no other module asks the operating system for the time of day, so that tests choose it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use jiff::tz::TimeZone;

use crate::domain::Moment;

/// The local time zone. A file that is named, `/etc/localtime` where `TZ` says nothing, and the file of a zone that is named
/// are read directly: to find a name, jiff lists the whole time zone database, which takes milliseconds that the first
/// marker would wait for; and it would read a device to its end.
static LOCAL: LazyLock<TimeZone> = LazyLock::new(|| {
    let zone = std::env::var("TZ").ok();
    match zone.as_deref().map(|zone| zone.strip_prefix(':').unwrap_or(zone)) {
        None => zone_of("/etc/localtime").unwrap_or(TimeZone::UTC),
        Some("") => TimeZone::UTC,
        Some(path) if path.starts_with('/') => zone_of(path).unwrap_or(TimeZone::UTC),
        // Of a name that leads elsewhere, or none there, jiff knows what it means.
        Some(name) if name.split('/').any(|part| matches!(part, "" | "." | "..")) => TimeZone::system(),
        Some(name) => zone_of(&format!("{ZONES}/{name}")).unwrap_or_else(TimeZone::system),
    }
});

/// Where the files of the zones are; who has them elsewhere waits for jiff.
const ZONES: &str = "/usr/share/zoneinfo";

/// The zone of a file.
fn zone_of(file: &str) -> Option<TimeZone> {
    let bytes = if is_zone_file(file) { std::fs::read(file).ok() } else { None };
    TimeZone::tzif("local", &bytes?).ok()
}

fn is_zone_file(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= ZONE_FILE)
}

/// The time that a file gets that is written now. On Linux that is the clock's last tick, some milliseconds ago: the exact
/// time would be later than the times of files that are written after it.
pub fn time_of_a_write() -> SystemTime {
    #[cfg(target_os = "linux")]
    {
        let tick = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        Duration::try_from(tick).map_or_else(|_| SystemTime::now(), |since| SystemTime::UNIX_EPOCH + since)
    }
    #[cfg(not(target_os = "linux"))]
    SystemTime::now()
}

/// What is wrong with `TZ`, if something is. Who asks the time zone library first, as tui-logger does for each record,
/// would have it read a device to its end.
pub fn zone_problem() -> Option<String> {
    let zone = std::env::var("TZ").ok()?;
    let path = zone.strip_prefix(':').unwrap_or(&zone);
    let wrong = path.starts_with('/') && std::fs::exists(path).unwrap_or(true) && !is_zone_file(path);
    wrong.then(|| format!("TZ names {path}, which is not a time zone file"))
}

/// What the clock on the wall shows now, for lines that are about no moment of a group.
pub fn wall_now() -> SystemTime {
    SystemTime::now()
}

/// Local time of day of a moment in RFC 3339: `14:02:11`. The text itself, if it is none.
pub fn local_time_of_day(rfc3339: &str) -> String {
    match rfc3339.parse::<jiff::Timestamp>() {
        Ok(timestamp) => timestamp.to_zoned(LOCAL.clone()).strftime("%H:%M:%S").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

/// The same with milliseconds, `14:02:11.114`, of a moment in RFC 3339.
pub fn local_time_with_milliseconds(rfc3339: &str) -> String {
    rfc3339.parse().map_or_else(|_| rfc3339.to_owned(), Clock::time_with_milliseconds)
}

/// Local date and time of a moment in RFC 3339: `Nov 25 14:02:11`. The text itself, if it is none.
pub fn local_date_and_time(rfc3339: &str) -> String {
    match rfc3339.parse::<jiff::Timestamp>() {
        Ok(timestamp) => Clock::date_and_time(timestamp.into()),
        Err(_) => rfc3339.to_owned(),
    }
}

/// A time to come in RFC 3339, for a column: see [`Clock::short_time`]. The text itself, if it is none.
pub fn short_time(rfc3339: &str) -> String {
    match rfc3339.parse::<jiff::Timestamp>() {
        Ok(timestamp) => Clock::short_time(timestamp.into()),
        Err(_) => rfc3339.to_owned(),
    }
}

/// Times that are nearer than this are told with their seconds: those of a job that runs every few seconds, or `every 90s`.
const NEAR: Duration = Duration::from_secs(120);

/// No time so far away is told by its hour.
const FAR: Duration = Duration::from_secs(20 * 3600);

fn short_time_from(time: SystemTime, now: SystemTime) -> String {
    let Ok(timestamp) = jiff::Timestamp::try_from(time) else { return String::from("--") };
    let wait = time.duration_since(now).unwrap_or_default();
    let format = match timestamp.as_second() % 60 {
        _ if wait > FAR => "%b %-d",
        0 if wait >= NEAR => "%H:%M",
        _ => "%H:%M:%S",
    };
    timestamp.to_zoned(LOCAL.clone()).strftime(format).to_string()
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

/// The clock on the wall is looked at again when so much time has passed.
const LOOK: Duration = Duration::from_millis(100);
/// It was set, or the machine was asleep, when it differs by more than this from what it should show.
const DRIFT: Duration = Duration::from_secs(1);
/// So many of that are remembered.
const ANCHORS: usize = 1_000;

/// A clock that started with the program. Copies agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    /// One for each clock, and a program has one: what copies share without counting.
    wall: &'static Wall,
}

/// What the clock on the wall has shown.
#[derive(Debug)]
struct Wall {
    anchors: RwLock<Anchors>,
    /// In [`LOOK`]s since the start: when it was looked at last.
    looked: AtomicU64,
}

/// Moments and what the clock on the wall showed then, in order; between two of them it went as it should.
#[derive(Debug)]
struct Anchors(Vec<(Moment, SystemTime)>);

impl Anchors {
    /// What it showed at a moment.
    fn wall(&self, moment: Moment) -> SystemTime {
        let last = self.0.partition_point(|(at, _)| *at <= moment).saturating_sub(1);
        let Some(&(at, wall)) = self.0.get(last) else { return SystemTime::UNIX_EPOCH };
        wall.checked_add(moment.since(at)).unwrap_or(wall)
    }

    /// Whether that is not what it should show.
    fn is_news(&self, moment: Moment, wall: SystemTime) -> bool {
        let expected = self.wall(moment);
        wall.duration_since(expected).unwrap_or_else(|behind| behind.duration()) > DRIFT
    }

    /// It shows this from that moment on.
    fn add(&mut self, moment: Moment, wall: SystemTime) {
        if self.0.last().is_some_and(|(last, _)| moment <= *last) || !self.is_news(moment, wall) {
            return;
        }
        if self.0.len() == ANCHORS {
            self.0.remove(0);
        }
        self.0.push((moment, wall));
    }
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        let anchors = RwLock::new(Anchors(vec![(Moment::START, SystemTime::now())]));
        let wall = Wall { anchors, looked: AtomicU64::new(0) };
        Self { start: Instant::now(), wall: Box::leak(Box::new(wall)) }
    }

    /// The time since the start of the program.
    pub fn now(&self) -> Moment {
        let elapsed = self.start.elapsed();
        let look = u64::try_from(elapsed.as_millis() / LOOK.as_millis()).unwrap_or(u64::MAX);
        if self.wall.looked.load(Ordering::Relaxed) != look {
            self.wall.looked.store(look, Ordering::Relaxed);
            self.look_at_the_wall(Moment::after_start(elapsed));
        }
        Moment::after_start(elapsed)
    }

    /// The program's own clock stands still while the machine is asleep; the one on the wall does not, and people set it.
    fn look_at_the_wall(&self, moment: Moment) {
        let wall = SystemTime::now();
        let is_news = self.wall.anchors.read().unwrap_or_else(PoisonError::into_inner).is_news(moment, wall);
        if is_news {
            self.wall.anchors.write().unwrap_or_else(PoisonError::into_inner).add(moment, wall);
        }
    }

    /// The operating system's instant of a moment, for timers.
    pub fn instant(&self, moment: Moment) -> Instant {
        self.start.checked_add(moment.since_start()).unwrap_or_else(|| {
            // A moment beyond what the system can express: as far away as a timer ever needs.
            Instant::now() + Duration::from_secs(86_400)
        })
    }

    /// The time of day of a moment, as the clock on the wall showed it then, to a second.
    pub fn wall(&self, moment: Moment) -> SystemTime {
        self.wall.anchors.read().unwrap_or_else(PoisonError::into_inner).wall(moment)
    }

    /// The time of day of a moment by the clock on the wall as it is set now: what the system's file times are compared
    /// with.
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

    /// The local time zone.
    pub fn zone() -> TimeZone {
        LOCAL.clone()
    }

    /// Both clocks, read together: whoever loses the processor between the two tries again.
    pub fn both(&self) -> (Moment, SystemTime) {
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
        Self::rfc3339_of(self.wall(moment))
    }

    /// The same of a time.
    pub fn rfc3339_of(time: SystemTime) -> String {
        match jiff::Timestamp::try_from(time) {
            Ok(timestamp) => format!("{timestamp:.3}"),
            Err(_) => String::new(),
        }
    }

    /// Local time of day: `14:02:11.114`.
    pub fn time_with_milliseconds(time: jiff::Timestamp) -> String {
        time.to_zoned(LOCAL.clone()).strftime("%H:%M:%S%.3f").to_string()
    }

    /// Local date and time: `Nov 25 14:02:11`.
    pub fn date_and_time(time: SystemTime) -> String {
        match jiff::Timestamp::try_from(time) {
            Ok(timestamp) => timestamp.to_zoned(LOCAL.clone()).strftime("%b %d %H:%M:%S").to_string(),
            Err(_) => String::from("--"),
        }
    }

    /// A time to come, for a column: `14:30`, with its seconds if it has some or is near; `Nov 30` if that is not within a
    /// day.
    pub fn short_time(time: SystemTime) -> String {
        short_time_from(time, SystemTime::now())
    }

    /// Local time of day of a moment: `14:02:11.114`.
    pub fn time_of_day_with_milliseconds(&self, moment: Moment) -> String {
        match jiff::Timestamp::try_from(self.wall(moment)) {
            Ok(timestamp) => Self::time_with_milliseconds(timestamp),
            Err(_) => String::from("--:--:--.---"),
        }
    }

    /// Local time of day of a moment: `14:02:11`.
    pub fn time_of_day(&self, moment: Moment) -> String {
        Self::time_of_day_of(self.wall(moment))
    }

    /// The same of a time.
    pub fn time_of_day_of(time: SystemTime) -> String {
        match jiff::Timestamp::try_from(time) {
            Ok(timestamp) => timestamp.to_zoned(LOCAL.clone()).strftime("%H:%M:%S").to_string(),
            Err(_) => String::from("--:--:--"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_those_of_then_also_when_the_machine_has_slept_or_the_clock_was_set() {
        let seconds = |seconds: u64| Duration::from_secs(seconds);
        let (moment, wall) = (|at| Moment::after_start(seconds(at)), |at| SystemTime::UNIX_EPOCH + seconds(at));
        let mut anchors = Anchors(vec![(moment(0), wall(1_000))]);
        anchors.add(moment(10), wall(1_010) + Duration::from_millis(900));
        assert_eq!(anchors.0.len(), 1, "that is how clocks go");
        // Asleep for an hour, and later set back by two.
        anchors.add(moment(20), wall(4_620));
        anchors.add(moment(30), wall(4_630));
        anchors.add(moment(40), wall(0));
        let shown = [5, 19, 20, 39, 40, 50].map(|at| anchors.wall(moment(at)));
        assert_eq!(shown, [1_005, 1_019, 4_620, 4_639, 0, 10].map(wall));
        for at in 0..2 * u64::try_from(ANCHORS).unwrap() {
            anchors.add(moment(100 + at), wall(1_000_000 + 10 * at));
        }
        assert_eq!((anchors.0.len(), anchors.wall(moment(2_099))), (ANCHORS, wall(1_019_990)));
        let clock = Clock::start();
        let now = clock.now();
        assert!(!Anchors(vec![(now, SystemTime::now())]).is_news(now, clock.wall(now)));
    }

    #[test]
    fn a_time_that_is_near_or_between_two_minutes_has_seconds() {
        let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        // Zones differ from UTC by whole minutes.
        let told = |time, now| short_time_from(at(time), at(now));
        assert_eq!((told(600, 0).len(), told(601, 0).len(), told(600, 510).len()), (5, 8, 8));
        assert!(told(600, 541).ends_with(":00") && told(600, 900).ends_with(":00"), "it is due now");
        assert!(told(30 * 86_400, 0).starts_with("Jan 3"));
    }

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
