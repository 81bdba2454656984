//! `devgroup history`: how often and why services were restarted, from the events on disk; and those events themselves.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::arguments::Place;
use super::client::find;
use super::exit_code::Failure;
use super::json;
use crate::app;
use crate::clock::Clock;
use crate::config;
use crate::control::{Ask, Client, ClientError, Problem, ProblemCode, Reply};
use crate::display;
use crate::domain::{GroupSpec, Moment, Scale, short, visible};
use crate::logs::{EventFiles, EventLine, Figures};

/// Of whom, and since when.
#[derive(Debug, Args)]
pub(super) struct HistoryArguments {
    /// Services to show (default: all with recorded events)
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    /// How far back to look (90s, 30m, 24h)
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration, default_value = "24h")]
    since: Duration,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The events of a group on disk, whether it runs or not.
pub(super) struct Past {
    pub(super) events: Vec<EventLine>,
    /// Days that cannot be read, and why.
    unread: Vec<String>,
    /// The time that is asked about begins and ends here.
    pub(super) since: SystemTime,
    until: SystemTime,
}

impl Past {
    /// Those of that time until now.
    pub(super) fn read(spec: &GroupSpec, time: Duration) -> Result<Self, Failure> {
        let no_history = |why: String| Failure::Unexpected(format!("the history cannot be read: {why}"));
        let folder = app::state_folder_of((&spec.name, &spec.file, &spec.root)).map_err(no_history)?;
        let until = Clock::start().wall(Moment::START);
        let since = until.checked_sub(time).unwrap_or(SystemTime::UNIX_EPOCH);
        let kept = EventFiles::of(&folder).read(since).map_err(|error| no_history(error.to_string()))?;
        Ok(Self { events: kept.lines, unread: kept.unread, since, until })
    }

    /// With what the group remembers of its run, this epoch: asked for before the files were read, since what it forgets
    /// meanwhile is in them by then. Each event is there once, and none between the two is left out.
    pub(super) fn with_remembered(mut self, remembered: Vec<EventLine>, epoch: &str) -> Self {
        let Some(last) = remembered.last().map(|event| event.seq) else { return self };
        let since = Clock::rfc3339_of(self.since);
        let (own, mut all): (Vec<_>, Vec<_>) =
            self.events.into_iter().partition(|event| event.epoch.as_deref() == Some(epoch));
        let mut of_this_run: Vec<EventLine> = remembered.into_iter().filter(|event| event.at >= since).collect();
        of_this_run.extend(own.into_iter().filter(|event| event.seq <= last));
        of_this_run.sort_by_key(|event| event.seq);
        of_this_run.dedup_by_key(|event| event.seq);
        all.extend(of_this_run);
        self.events = all;
        self
    }

    /// Says which days are missing.
    pub(super) fn tell_unread(&self) {
        for unread in &self.unread {
            super::print_message(&format!("warning: cannot be read: {unread}\n  note: all other days are shown"));
        }
    }
}

/// What the group remembers of this run.
pub(super) fn remembered(group: &mut Client) -> Result<Vec<EventLine>, Failure> {
    group.send(Ask::Events { follow: false, after: 0, epoch: None })?;
    let mut events = Vec::new();
    loop {
        match group.next_message()?.reply {
            Reply::Event(event) => events.push(*event),
            Reply::End {} => return Ok(events),
            // What it has forgotten is on disk, as far as it counts.
            _ => {}
        }
    }
}

/// The group that is meant, as far as its state folder needs it: by the one that runs, or by the file. And the client, or why
/// there is none.
pub(super) fn whose(place: &Place) -> Result<(GroupSpec, Result<Client, Failure>), Failure> {
    match find::group(place) {
        Ok(client) => {
            let file = Path::new(&client.hello().file).to_owned();
            let root = file.parent().unwrap_or(Path::new("/")).to_owned();
            let spec = GroupSpec { file, ..GroupSpec::new(&client.hello().project, root, Vec::new()) };
            Ok((spec, Ok(client)))
        }
        // What it has left on disk can be read, whatever keeps it from answering.
        Err(failure) => Ok((load(place)?, Err(failure))),
    }
}

fn load(place: &Place) -> Result<GroupSpec, Failure> {
    let file = super::file(place.config.as_deref())?;
    let loaded = file.load().map_err(|found| Failure::Invalid(found.render(super::style())))?;
    Ok(loaded.spec.with_instances(&Scale::new()))
}

/// Prints what has become of services. The result is the exit code.
pub(super) fn run(place: &Place, arguments: &HistoryArguments) -> Result<u8, Failure> {
    let (past, shown) = found(place, &arguments.services, arguments.since)?;
    past.tell_unread();
    let text = match arguments.json {
        true => json::line(&Report::of(&past, arguments.since, shown))?,
        false => table(&shown, arguments.since),
    };
    super::print(&text).map(|()| 0)
}

/// The same as a value.
pub(super) fn report(place: &Place, services: &[String], since: Duration) -> Result<Value, Failure> {
    let (past, shown) = found(place, services, since)?;
    serde_json::to_value(Report::of(&past, since, shown)).map_err(|error| Failure::Unexpected(error.to_string()))
}

/// What is told of each service that is meant, and of which time.
fn found(place: &Place, services: &[String], since: Duration) -> Result<(Past, Vec<(String, Figures)>), Failure> {
    let (group, mut client) = whose(place)?;
    // What has just happened is not on disk yet. If the group does not answer, what is there is told.
    let (epoch, remembered) = match &mut client {
        Ok(client) => (client.hello().epoch.clone(), remembered(client).unwrap_or_default()),
        Err(_) => Default::default(),
    };
    let past = Past::read(&group, since)?.with_remembered(remembered, &epoch);
    let figures = Figures::by_service(&past.events, past.until);
    // The file says the order, if it can be read; what is gone from it comes behind.
    let spec = match client {
        Ok(_) => load(place).ok(),
        Err(_) => Some(group),
    };
    let mut names: Vec<String> =
        spec.iter().flat_map(|spec| &spec.services).map(|service| service.name.as_str().to_owned()).collect();
    names.extend(figures.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
    let shown = if services.is_empty() {
        names.into_iter().filter(|name| figures.contains_key(name)).collect()
    } else {
        chosen(services, names, spec.as_ref())?
    };
    let shown = shown.into_iter().map(|name| (name.clone(), figures.get(&name).cloned().unwrap_or_default()));
    Ok((past, shown.collect()))
}

/// The services that are named, in the order of `names`: as in the file, or as they were called when something happened.
fn chosen(written: &[String], names: Vec<String>, spec: Option<&GroupSpec>) -> Result<Vec<String>, Failure> {
    let roster = spec.map(GroupSpec::roster);
    let mut wanted: Vec<String> = Vec::new();
    for word in written {
        let found = roster.as_ref().map(|roster| roster.resolve([word.as_str()]));
        match found {
            Some(Ok(found)) => wanted.extend(found.iter().map(|name| name.as_str().to_owned())),
            _ if names.contains(word) => wanted.push(word.clone()),
            // Groups are those of the file; names may be older.
            Some(Err(unknown)) if word.starts_with('@') => return Err(unknown.into()),
            found => {
                let message = match found {
                    Some(Err(unknown)) => unknown.to_string(),
                    _ => format!("unknown service `{}`", visible(word)),
                };
                let problem = Problem { services: names, ..Problem::new(ProblemCode::UnknownService, message) };
                return Err(ClientError::Refused(problem).into());
            }
        }
    }
    Ok(names.into_iter().filter(|name| wanted.contains(name)).collect())
}

/// `24h`, as it is asked for.
fn in_hours(time: Duration) -> String {
    match time.as_secs() {
        0 if time.is_zero() => "0s".into(),
        seconds if seconds > 0 && seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ => short(time),
    }
}

fn table(shown: &[(String, Figures)], time: Duration) -> String {
    if shown.is_empty() {
        return format!("nothing has happened in the last {}\n", in_hours(time));
    }
    let width = shown.iter().map(|(name, _)| display::width(name)).max().unwrap_or(0);
    let mut text = String::new();
    for (name, figures) in shown {
        let gap = width - display::width(name) + 2;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}{:gap$}{}", visible(name), "", visible(&figures.words(time)));
    }
    text
}

#[derive(Serialize)]
struct Report {
    version: u32,
    since: String,
    until: String,
    services: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    service: String,
    starts: u64,
    restarts: u64,
    causes: BTreeMap<String, u64>,
    per_hour: f64,
    median_up_ms: Option<u64>,
    median_ready_ms: Option<u64>,
    most_often: Option<MostOften>,
    tasks: BTreeMap<String, u64>,
    alerts: BTreeMap<String, u64>,
    /// Of the last 24 hours, the present one last.
    restarts_by_hour: Vec<u32>,
}

#[derive(Serialize)]
struct MostOften {
    path: String,
    restarts: u64,
}

impl Report {
    fn of(past: &Past, time: Duration, shown: Vec<(String, Figures)>) -> Self {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let entry = |(service, figures): (String, Figures)| Entry {
            service,
            starts: figures.starts,
            restarts: figures.restarts,
            per_hour: (figures.per_hour(time) * 100.0).round() / 100.0,
            causes: figures.causes,
            median_up_ms: figures.median_up.map(millis),
            median_ready_ms: figures.median_ready.map(millis),
            most_often: figures.most_often.map(|(path, restarts)| MostOften { path, restarts }),
            tasks: figures.tasks,
            alerts: figures.alerts,
            restarts_by_hour: figures.by_hour.to_vec(),
        };
        Self {
            version: 1,
            since: Clock::rfc3339_of(past.since),
            until: Clock::rfc3339_of(past.until),
            services: shown.into_iter().map(entry).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_group_remembers_comes_to_what_is_on_disk_and_each_event_once() {
        let event = |seq: u64, epoch: Option<&str>| EventLine {
            seq,
            at: String::from("2026-11-30T16:00:00.000Z"),
            epoch: epoch.map(str::to_owned),
            ..EventLine::default()
        };
        let past = || Past {
            events: vec![event(1, Some("old")), event(1, Some("now")), event(2, Some("now"))],
            unread: Vec::new(),
            since: SystemTime::UNIX_EPOCH,
            until: SystemTime::UNIX_EPOCH,
        };
        let seqs = |past: Past| past.events.iter().map(|event| event.seq).collect::<Vec<_>>();
        let remembered = |from: u64| (from..=4).map(|seq| event(seq, None)).collect::<Vec<_>>();
        assert_eq!(seqs(past().with_remembered(remembered(1), "now")), [1, 1, 2, 3, 4], "the last are not on disk yet");
        assert_eq!(seqs(past().with_remembered(remembered(3), "now")), [1, 1, 2, 3, 4], "it has forgotten the first");
        assert_eq!(seqs(past().with_remembered(Vec::new(), "now")), [1, 1, 2], "it does not answer");
    }
}
