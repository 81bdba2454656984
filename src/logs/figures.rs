//! What the events of a service come to: restarts by cause, how long runs last, when they are ready.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::EventLine;
use crate::domain::{approx, count, human};

/// Hours of the bar.
pub const HOURS: usize = 24;

/// What one service has done in a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// First runs of a group.
    pub starts: u64,
    /// Further runs.
    pub restarts: u64,
    /// Of them, how many for each cause, by its word.
    pub causes: BTreeMap<String, u64>,
    /// The median of how long runs lasted that have ended.
    pub median_up: Option<Duration>,
    /// The median of how long after their starts runs were ready.
    pub median_ready: Option<Duration>,
    /// The file that has restarted it most often, and how often.
    pub most_often: Option<(String, u64)>,
    /// What has come of tasks: how many for each result, by its word.
    pub tasks: BTreeMap<String, u64>,
    /// Alerts, by their words.
    pub alerts: BTreeMap<String, u64>,
    /// Restarts in each of the last hours, the present one last.
    pub by_hour: [u32; HOURS],
}

/// What is collected on the way.
#[derive(Default)]
struct Collected {
    figures: Figures,
    up: Vec<u64>,
    ready: Vec<u64>,
    paths: BTreeMap<String, u64>,
}

impl Figures {
    /// Those of each service that something has happened to, by name. `until`: the end of the last hour.
    pub fn by_service(events: &[EventLine], until: SystemTime) -> BTreeMap<String, Self> {
        let mut all: BTreeMap<String, Collected> = BTreeMap::new();
        for event in events {
            if let Some(service) = &event.service {
                all.entry(service.clone()).or_default().take(event, until);
            }
        }
        all.into_iter().map(|(service, collected)| (service, collected.finish())).collect()
    }

    /// Restarts in an hour, over that time.
    pub fn per_hour(&self, time: Duration) -> f64 {
        let hours = time.as_secs_f64() / 3600.0;
        #[expect(clippy::cast_precision_loss, reason = "nobody counts so many restarts")]
        let restarts = self.restarts as f64;
        if hours > 0.0 { restarts / hours } else { 0.0 }
    }

    /// `31 restarts (27 changes, 3 crashes, 1 stuck) · 1.3/h · median up 18m · …`.
    pub fn words(&self, time: Duration) -> String {
        let mut parts = vec![match self.restarts {
            0 => "no restarts".to_owned(),
            restarts => format!("{} ({})", count(restarts, "restart"), self.causes_in_words()),
        }];
        if self.restarts > 0 {
            // One in a day is not none.
            let rate = format!("{:.1}/h", self.per_hour(time));
            parts.push(if rate == "0.0/h" { "<0.1/h".into() } else { rate });
        }
        if let Some(up) = self.median_up {
            parts.push(format!("median up {}", if up.as_secs() < 60 { human(up) } else { approx(up) }));
        }
        if let Some(ready) = self.median_ready {
            parts.push(format!("ready after {}", human(ready)));
        }
        if let Some((path, times)) = &self.most_often {
            parts.push(format!("most often {path} ({times})"));
        }
        let tasks: Vec<String> = ["completed", "dead", "cancelled"]
            .into_iter()
            .filter_map(|word| Some(format!("{} {word}", self.tasks.get(word)?)))
            .collect();
        if !tasks.is_empty() {
            parts.push(format!("tasks: {}", tasks.join(", ")));
        }
        parts.join(" · ")
    }

    fn causes_in_words(&self) -> String {
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_by_key(|(word, times)| (std::cmp::Reverse(**times), word.as_str()));
        let words = causes.into_iter().map(|(word, times)| match word.as_str() {
            "change" => count(*times, "change"),
            "crash" => count(*times, "crash"),
            "liveness" => format!("{times} stuck"),
            "limit" => format!("{times} over its limit"),
            word => format!("{times} {word}"),
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

impl Collected {
    fn take(&mut self, event: &EventLine, until: SystemTime) {
        let figures = &mut self.figures;
        match event.what.as_str() {
            "start" => figures.starts += 1,
            "restart" => {
                figures.restarts += 1;
                *figures.causes.entry(event.cause.clone().unwrap_or_default()).or_default() += 1;
                if let Some(path) = &event.path {
                    *self.paths.entry(path.clone()).or_default() += 1;
                }
                if let Some(hour) = hour(event, until).and_then(|hour| figures.by_hour.get_mut(hour)) {
                    *hour = hour.saturating_add(1);
                }
            }
            "ready" => self.ready.extend(event.ready_ms),
            "exit" => self.up.extend(event.uptime_ms),
            "task" => {
                if let Some(result) = &event.result {
                    *figures.tasks.entry(result.clone()).or_default() += 1;
                }
            }
            _ => {}
        }
        if let Some(alert) = &event.alert {
            *figures.alerts.entry(alert.clone()).or_default() += 1;
        }
    }

    fn finish(self) -> Figures {
        // Of two that are equal, the first of the alphabet.
        let most_often = self.paths.into_iter().rev().max_by_key(|(_, times)| *times);
        Figures { median_up: median(self.up), median_ready: median(self.ready), most_often, ..self.figures }
    }
}

/// In which hour before that time it was; what is said to be later belongs to the last one.
fn hour(event: &EventLine, until: SystemTime) -> Option<usize> {
    let at = SystemTime::from(event.at.parse::<Timestamp>().ok()?);
    let hours = usize::try_from(until.duration_since(at).unwrap_or_default().as_secs() / 3600).ok()?;
    (HOURS - 1).checked_sub(hours)
}

/// The one in the middle; of an even number, between the two.
fn median(mut millis: Vec<u64>) -> Option<Duration> {
    millis.sort_unstable();
    let upper = *millis.get(millis.len() / 2)?;
    let lower = *millis.get(millis.len().saturating_sub(1) / 2)?;
    Some(Duration::from_millis(lower.midpoint(upper)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(what: &str, cause: Option<&str>, path: Option<&str>) -> EventLine {
        EventLine {
            at: "2026-11-22T14:30:00Z".into(),
            what: what.into(),
            service: Some("api".into()),
            cause: cause.map(Into::into),
            path: path.map(Into::into),
            ..EventLine::default()
        }
    }

    #[test]
    fn the_figures_are_those_of_the_contract() {
        let change = |path| event("restart", Some("change"), Some(path));
        let mut events = vec![event("start", Some("first"), None)];
        events.extend((0..12).map(|_| change("src/routes/user.rs")));
        events.extend((0..15).map(|n| change(["src/a.rs", "src/b.rs"][n % 2])));
        events.extend((0..3).map(|_| event("restart", Some("crash"), None)));
        events.push(event("restart", Some("liveness"), None));
        let up = |uptime_ms| EventLine { uptime_ms: Some(uptime_ms), ..event("exit", None, None) };
        events.extend([up(60_000), up(18 * 60_000), up(3_600_000)]);
        let ready = |ready_ms| EventLine { ready_ms: Some(ready_ms), ..event("ready", None, None) };
        events.extend([ready(2_800), ready(3_000)]);
        let until = SystemTime::from("2026-11-22T15:29:59Z".parse::<Timestamp>().unwrap());
        let api = &Figures::by_service(&events, until)["api"];
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(
            api.words(day),
            "31 restarts (27 changes, 3 crashes, 1 stuck) · 1.3/h · median up 18m · ready after 2.9s · most often \
             src/routes/user.rs (12)"
        );
        assert_eq!((api.starts, api.by_hour[23], api.by_hour[22]), (1, 31, 0));
        let later = Figures::by_service(&events, until + Duration::from_secs(2));
        assert_eq!((later["api"].by_hour[23], later["api"].by_hour[22]), (0, 31));
        let long_after = Figures::by_service(&events, until + 2 * day);
        assert_eq!(long_after["api"].by_hour.iter().sum::<u32>(), 0);
        let before = Figures::by_service(&events, until - day);
        assert_eq!(before["api"].by_hour[23], 31, "the clock was set back");
    }

    #[test]
    fn what_has_not_happened_is_not_said() {
        let until = SystemTime::UNIX_EPOCH;
        let day = Duration::from_secs(24 * 3600);
        let figures = Figures::by_service(&[event("start", Some("first"), None)], until);
        assert_eq!(figures["api"].words(day), "no restarts");
        let one = Figures::by_service(&[event("restart", Some("manual"), None)], until);
        assert_eq!(one["api"].words(Duration::from_secs(1800)), "1 restart (1 manual) · 2.0/h");
        let end = |result: &str| EventLine { result: Some(result.into()), ..event("task", None, None) };
        let tasks = Figures::by_service(&[end("completed"), end("dead"), end("completed")], until);
        assert_eq!(tasks["api"].words(day), "no restarts · tasks: 2 completed, 1 dead");
        assert_eq!(Figures::by_service(&[], until).len(), 0);
        assert_eq!((median(vec![]), median(vec![4, 1])), (None, Some(Duration::from_millis(2))));
    }
}
