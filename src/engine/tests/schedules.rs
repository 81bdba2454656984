//! Schedules, as stories: times, what is skipped, what is missed, and clocks that are set.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::{
    Command, Condition, CronTimes, ExitStatus, GroupSpec, Moment, Outcome, Phase, ReadyCheck, Schedule, ServiceSpec,
    Targets, When,
};
use crate::engine::Event;

use super::driver::Scenario;
use super::fixture::{checked, group, job, needs, service};

fn at(expression: &str) -> Schedule {
    let times = CronTimes::parse(expression, None).expect("an expression");
    Schedule { when: When::At(times), run_on_start: false }
}

fn every(seconds: u64) -> Schedule {
    Schedule { when: When::Every(Duration::from_secs(seconds)), run_on_start: false }
}

fn scheduled(name: &str, schedule: Schedule) -> ServiceSpec {
    ServiceSpec { schedule: Some(schedule), ..job(name) }
}

/// A scenario with a clock on the wall, which shows this at the start.
struct Day {
    s: Scenario,
    /// What the clock shows now, less the time since the start.
    offset: SystemTime,
}

impl Day {
    fn new(shows: &str, services: Vec<ServiceSpec>) -> Self {
        Self::of(shows, group(services))
    }

    fn of(shows: &str, spec: Arc<GroupSpec>) -> Self {
        let mut day = Self { s: Scenario::of(spec), offset: time(shows) };
        day.s.engine.in_zone(TimeZone::UTC);
        day.look();
        day.s.begin();
        day
    }

    fn look(&mut self) {
        let now = self.s.now;
        self.s.engine.look_at_wall(now, self.offset + now.since_start());
    }

    /// Lets time pass until the clock shows this, looking at the clock whenever the machine is awake.
    fn until(&mut self, shows: &str) -> &mut Self {
        let end = Moment::after_start(time(shows).duration_since(self.offset).expect("a later time"));
        while let Some(deadline) = self.s.engine.next_deadline().filter(|deadline| *deadline <= end) {
            assert!(deadline > self.s.now, "the machine wants to be woken in the past");
            self.wake(deadline);
        }
        self.wake(end);
        self
    }

    fn wake(&mut self, now: Moment) {
        self.s.now = now;
        self.look();
        self.s.pass();
    }

    /// Somebody sets the clock, or the computer sleeps until then: no time passes here. Then the machine wakes up, when it
    /// wanted to.
    fn set(&mut self, shows: &str) -> &mut Self {
        self.offset = time(shows) - self.s.now.since_start();
        let next = self.s.engine.next_deadline().expect("a look at the clock is due");
        assert!(next.since(self.s.now) <= Duration::from_secs(20), "the clock would not be looked at");
        self.wake(next);
        self
    }

    /// A run of this job begins and ends.
    fn runs(&mut self, name: &str, code: i32) -> &mut Self {
        self.s.started(name).exits(name, code);
        self
    }

    fn state(&self, name: &str) -> &'static str {
        self.s.service(name).state()
    }

    /// When it runs next: `02:00:00`.
    fn next(&self, name: &str) -> String {
        let next = self.s.service(name).next_run.map(|time| Timestamp::try_from(time).expect("a time"));
        next.map_or_else(|| "never".into(), |next| next.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string())
    }

    /// The starts and the markers since it was asked for last, without their moments.
    #[track_caller]
    fn said(&mut self, story: &[&str]) -> &mut Self {
        let orders = self.s.trace().lines().filter(|line| !line.contains(" > "));
        let said: Vec<&str> = orders.filter_map(|line| line.trim().split_once("   ")).map(|(_, text)| text).collect();
        assert_eq!(said, story);
        self.s.forget();
        self
    }
}

fn time(shows: &str) -> SystemTime {
    SystemTime::from(format!("2026-11-24T{shows}Z").parse::<Timestamp>().expect("a time"))
}

#[test]
fn a_job_runs_at_its_times_and_waits_between_them() {
    let mut day = Day::new("13:50:10", vec![scheduled("tidy", at("*/15 * * * *")), service("web")]);
    assert_eq!((day.state("tidy"), day.next("tidy")), ("scheduled", "14:00:00".into()));
    assert!(!day.s.engine.all_settled());
    day.until("14:00:00").said(&["spawn web 1 · at startup", "spawn tidy 1 · on schedule"]);
    day.runs("tidy", 0).said(&["tidy: exited · exit 0"]);
    assert_eq!((day.state("tidy"), day.next("tidy")), ("scheduled", "14:15:00".into()));
    day.until("14:14:59").said(&[]);
    day.until("14:15:00").said(&["spawn tidy 2 · on schedule · was exit 0, up 0ms"]);
    // It is no restart.
    assert_eq!(day.s.service("tidy").restarts, crate::domain::RestartCounts::default());
}

#[test]
fn it_is_never_there_twice() {
    let mut day = Day::new("01:59:00", vec![scheduled("tidy", at("*/15 * * * *"))]);
    day.until("02:00:00").s.started("tidy");
    day.until("02:40:00").said(&[
        "spawn tidy 1 · on schedule",
        "tidy: skipped · still running since 02:00:00",
        "tidy: skipped · still running since 02:00:00",
    ]);
    assert_eq!(day.next("tidy"), "02:45:00");
    day.s.exits("tidy", 0);
    day.until("02:45:00").said(&["tidy: exited · exit 0", "spawn tidy 2 · on schedule · was exit 0, up 2400000ms"]);
}

#[test]
fn a_pause_counts_from_the_end() {
    let mut day = Day::new("12:00:00", vec![scheduled("sync", every(1_800))]);
    assert_eq!(day.next("sync"), "12:30:00");
    day.until("12:30:00").s.started("sync");
    assert_eq!(day.next("sync"), "never");
    day.until("12:50:00").s.exits("sync", 0);
    assert_eq!(day.next("sync"), "13:20:00");
    day.s.forget();
    day.until("13:19:59").said(&[]).until("13:20:00").said(&["spawn sync 2 · on schedule · was exit 0, up 1200000ms"]);
}

#[test]
fn a_failed_run_is_seen_until_the_next_one() {
    let mut day = Day::new("12:59:00", vec![ServiceSpec { retries: 1, ..scheduled("tidy", at("@hourly")) }]);
    day.until("13:00:00").runs("tidy", 1).until("13:00:02").runs("tidy", 3);
    let service = day.s.service("tidy");
    assert_eq!(service.phase, Phase::Scheduled { after: Some(Outcome::Failed(ExitStatus::Code(3))) });
    assert_eq!(
        (service.state(), service.failure().map(|failure| failure.to_string())),
        ("scheduled", Some("exit 3".into()))
    );
    assert_eq!(service.reason.as_deref(), Some("the last run failed: exit 3"));
    // The tries count anew.
    day.s.forget();
    day.until("14:00:00").runs("tidy", 1).until("14:00:02").runs("tidy", 0);
    day.said(&[
        "spawn tidy 3 · on schedule · was exit 3, up 0ms",
        "tidy: exited · exit 1 · try 1 of 2 failed · next try in 1.07s",
        "spawn tidy 4 · try 2 of 2 · was exit 1, up 0ms",
        "tidy: exited · exit 0",
    ]);
    assert_eq!(day.s.service("tidy").failure(), None);
}

#[test]
fn by_hand_it_runs_now_is_suspended_and_resumed() {
    let mut day = Day::new("12:00:30", vec![scheduled("tidy", at("@hourly"))]);
    day.s.restart("tidy");
    day.runs("tidy", 0).said(&["spawn tidy 1 · manually", "tidy: exited · exit 0"]);
    assert_eq!((day.state("tidy"), day.next("tidy")), ("scheduled", "13:00:00".into()));
    day.s.stop("tidy");
    assert_eq!((day.state("tidy"), day.next("tidy")), ("suspended", "never".into()));
    assert_eq!(day.s.engine.next_deadline(), None, "nobody looks at the clock for it");
    day.until("15:30:00").said(&[]);
    day.s.start("tidy");
    assert_eq!((day.state("tidy"), day.next("tidy")), ("scheduled", "16:00:00".into()));
    // Once more is nothing new, and what passed meanwhile is not made up for.
    day.s.start("tidy");
    day.until("16:00:00").said(&["spawn tidy 2 · on schedule · was exit 0, up 0ms"]);
    day.s.started("tidy").stop("tidy").exits("tidy", 0);
    assert_eq!(day.state("tidy"), "suspended");
}

#[test]
fn with_the_group_it_runs_only_if_the_file_says_so() {
    let at_start = Schedule { run_on_start: true, ..every(60) };
    let off = ServiceSpec { autostart: false, ..scheduled("off", at("@hourly")) };
    let mut day = Day::new("12:00:00", vec![scheduled("now", at_start), scheduled("later", every(60)), off]);
    day.runs("now", 0).said(&[
        "off: not started · autostart = false · press s",
        "spawn now 1 · at startup",
        "now: exited · exit 0",
    ]);
    assert_eq!(["now", "later", "off"].map(|name| day.state(name)), ["scheduled", "scheduled", "suspended"]);
}

#[test]
fn it_waits_for_what_it_depends_on_as_others_do() {
    let mut slow = checked("db");
    slow.ready = slow.ready.map(|check| ReadyCheck { timeout: Duration::from_secs(300), ..check });
    let mut day = Day::new("12:59:50", vec![needs(scheduled("tidy", at("* * * * *")), "db", Condition::Ready), slow]);
    day.s.started("db");
    day.until("13:01:00").said(&[
        "spawn db 1 · at startup",
        "tidy: waiting for db to be ready",
        "tidy: skipped · still waiting since 13:00:00",
    ]);
    assert_eq!(day.state("tidy"), "waiting");
    day.s.ready("db");
    day.said(&["db: ready · 70s after start", "spawn tidy 1 · on schedule"]);
}

#[test]
fn what_was_missed_is_named_and_not_made_up_for() {
    let mut day = Day::new("01:30:00", vec![scheduled("tidy", at("0 * * * *")), scheduled("sync", every(3_600))]);
    // The computer sleeps.
    day.set("05:20:00").said(&["tidy: missed · 02:00:00 and 3 more · the clock jumped from 01:30:00 to 05:20:20"]);
    assert_eq!((day.state("tidy"), day.next("tidy")), ("scheduled", "06:00:00".into()));
    day.until("06:00:00").said(&["spawn tidy 1 · on schedule"]);
    // A pause is as long for who is awake: 20 seconds were before the sleep.
    day.runs("tidy", 0).s.forget();
    day.until("06:19:59").said(&[]).until("06:20:00").said(&["spawn sync 1 · on schedule"]);
}

#[test]
fn what_was_due_within_the_last_minute_runs_late() {
    let mut day = Day::new("01:30:00", vec![scheduled("tidy", at("*/30 * * * *"))]);
    day.set("03:00:10").said(&[
        "tidy: missed · 02:00:00 and 1 more · the clock jumped from 01:30:00 to 03:00:30",
        "spawn tidy 1 · on schedule",
    ]);
    day.runs("tidy", 0).s.forget();
    day.set("03:29:50").said(&["spawn tidy 2 · on schedule · was exit 0, up 0ms"]);
}

#[test]
fn a_clock_that_is_set_forward_within_the_pause_brings_the_next_run_nearer() {
    let mut day = Day::new("01:30:00", vec![scheduled("tidy", at("0 * * * *"))]);
    day.set("01:58:00").said(&[]);
    let before = day.s.now;
    day.until("02:00:00").said(&["spawn tidy 1 · on schedule"]);
    assert_eq!(day.s.now.since(before), Duration::from_secs(100));
}

#[test]
fn a_clock_that_is_set_back_counts_as_it_is_and_a_small_correction_runs_nothing_twice() {
    let mut day = Day::new("04:59:50", vec![scheduled("tidy", at("0 * * * *"))]);
    day.until("05:00:00").runs("tidy", 0).s.forget();
    day.set("04:59:35").said(&[]);
    assert_eq!(day.next("tidy"), "06:00:00");
    day.until("05:30:00").said(&[]);
    day.set("03:10:00").said(&["tidy: the clock was set back · from 05:30:00 to 03:10:20 · next run 04:00:00"]);
    day.until("04:00:00").said(&["spawn tidy 2 · on schedule · was exit 0, up 0ms"]);
}

#[test]
fn a_minutely_job_that_sleeps_for_months_is_counted_to_an_end() {
    let mut day = Day::new("00:00:30", vec![scheduled("tidy", at("* * * * *"))]);
    day.offset += Duration::from_secs(90 * 86_400);
    let next = day.s.engine.next_deadline().expect("a look at the clock is due");
    day.wake(next);
    assert!(day.s.trace().contains("tidy: missed · Nov 24 00:01:00 and at least 999 more"), "{}", day.s.trace());
    assert!(day.s.trace().contains("spawn tidy 1"), "the one of this minute: {}", day.s.trace());
}

#[test]
fn a_saved_file_changes_the_times_and_runs_nothing() {
    let mut day = Day::new("12:00:30", vec![scheduled("tidy", at("@hourly"))]);
    day.s.reload(vec![scheduled("tidy", at("30 * * * *")), scheduled("new", every(60))]);
    assert_eq!(
        (day.next("tidy"), day.state("new"), day.next("new")),
        ("12:30:00".into(), "scheduled", "12:01:30".into())
    );
    let elsewhere = |spec: ServiceSpec| ServiceSpec { dir: "/elsewhere".into(), ..spec };
    day.s.reload(vec![elsewhere(scheduled("tidy", at("30 * * * *")))]);
    day.until("12:30:00");
    let starts = |day: &Day| day.s.trace().matches("spawn").count();
    assert_eq!(starts(&day), 1, "{}", day.s.trace());
    // Without its times it is a job that is done; with them it waits again.
    day.runs("tidy", 0).s.reload(vec![elsewhere(job("tidy"))]);
    assert_eq!((day.state("tidy"), starts(&day)), ("done", 1));
    day.s.reload(vec![elsewhere(scheduled("tidy", every(60)))]);
    assert_eq!((day.state("tidy"), starts(&day)), ("scheduled", 1));
    // One that has never run is an ordinary job that has still to.
    day.s.reload(vec![elsewhere(scheduled("tidy", every(60))), scheduled("b", every(60))]);
    day.s.reload(vec![elsewhere(scheduled("tidy", every(60))), job("b")]);
    assert_eq!((day.state("b"), starts(&day)), ("starting", 2));
}

#[test]
fn a_save_runs_it_as_any_job_and_a_quit_calls_it_off() {
    let mut day = Day::new("12:00:30", vec![scheduled("tidy", at("@hourly"))]);
    day.s.until(60.0).save("a.sql", &["tidy"]).until(61.0);
    day.said(&["spawn tidy 1 · a.sql changed"]).runs("tidy", 1);
    assert_eq!(day.state("tidy"), "scheduled");
    day.s.ask(Command::Quit);
    assert!(day.s.trace().contains("failed [\"tidy\"]"), "{}", day.s.trace());
    assert_eq!(day.s.engine.next_deadline(), None);
}

#[test]
fn one_that_has_failed_is_meant_by_failed() {
    let mut day = Day::new("12:59:50", vec![scheduled("tidy", at("@hourly"))]);
    day.until("13:00:00").runs("tidy", 1).s.forget();
    day.s.ask(Command::Restart { targets: Targets::Failed, force: false });
    day.said(&["spawn tidy 2 · manually · was exit 1, up 0ms"]);
}

#[test]
fn without_schedules_nobody_looks_at_the_clock() {
    let mut s = Scenario::new(vec![ServiceSpec { watch: crate::domain::WatchFiles::Off, ..service("web") }]);
    s.event("begin", Event::Begin { paused: false }).started("web").until(3.0);
    assert_eq!(s.engine.next_deadline(), None);
}
