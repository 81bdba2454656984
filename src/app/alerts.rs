//! Tells somebody who does not look: the desktop, and the program of `[alerts]`. Each has its own process, for which nobody
//! waits; the end of the group waits for those that are on their way, a while.
//!
//! The user's own file is read for each alert, beside the loop: what it says then counts, as `alerts test` and `doctor` say.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::environment;
use super::preferences::alerts_of_user;
use crate::clock::Clock;
use crate::domain::{
    AlertDelivery, AlertKeys, AlertKind, AlertSpec, GroupSpec, Moment, RunCommand, ServiceName, path_text, visible,
};
use crate::engine::AlertPace;
use crate::logs::EventLine;
use crate::process::{ProcessHost, Told, find_for_foreground, tell_program};

/// How long the end of the group waits for what is on its way.
const PATIENCE: Duration = Duration::from_secs(2);

/// Characters of a message: what the system or a program says may be long.
const LONGEST_MESSAGE: usize = 1_000;

/// What the user's own file says of alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserAlerts {
    /// Its `[alerts]`.
    pub keys: AlertKeys,
    /// `notifications = "desktop"`.
    pub desktop: bool,
}

impl UserAlerts {
    /// What counts for a group: key by key, the user's file before the project's.
    pub fn with(&self, project: &AlertKeys) -> AlertSpec {
        AlertSpec::new(&self.keys.clone().over(project), self.desktop)
    }
}

/// One thing to be told.
#[derive(Clone, Debug)]
struct Alert {
    /// `None`: nothing has happened, it is a test.
    kind: Option<AlertKind>,
    /// How many of its like have not been told since the last one.
    more: u32,
    event: EventLine,
}

/// An alert as the program gets it: the event, and what it needs to be understood elsewhere.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(flatten)]
    event: &'a EventLine,
    /// Name of the group.
    project: &'a str,
    /// Its file.
    file: String,
    /// How many of its like have not been told since the last one.
    more: u32,
    /// All of it for people, on one line.
    text: String,
}

/// Whose alerts they are.
#[derive(Clone)]
struct Group {
    name: Arc<str>,
    file: PathBuf,
    root: PathBuf,
}

impl Alert {
    /// `api failed`.
    fn title(&self) -> String {
        let Some(kind) = self.kind else { return "test alert".into() };
        let who = self.event.service.as_deref().unwrap_or("the group");
        let what = match kind {
            AlertKind::Failed => "failed",
            AlertKind::CrashLoop => "is in a crash loop",
            AlertKind::Stuck => "is stuck",
            AlertKind::Recovered => "works again",
            AlertKind::TaskDead => "has a dead letter",
            AlertKind::BatchDone => "has finished a batch",
        };
        format!("{who} {what}")
    }

    /// What there is to say beside that.
    fn detail(&self) -> String {
        let more = (self.more > 0).then(|| format!("and {} more", self.more));
        // What the title says is not said twice; and who is in a crash loop is tried again.
        let said = ["stuck · ", "gave up · "];
        let message = &self.event.message;
        let message = said.iter().find_map(|said| message.strip_prefix(said)).unwrap_or(message).to_owned();
        let parts = [Some(message).filter(|message| !message.is_empty()), more];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    fn text(&self, group: &Group) -> String {
        let detail = self.detail();
        let end = if detail.is_empty() { String::new() } else { format!(" · {detail}") };
        visible(&format!("{}: {}{end}", group.name, self.title())).into_owned()
    }

    /// With a message that is not too long for a pipe.
    fn bounded(mut self) -> Self {
        if let Some((end, _)) = self.event.message.char_indices().nth(LONGEST_MESSAGE) {
            self.event.message.truncate(end);
            self.event.message.push('…');
        }
        self
    }

    fn json(&self, group: &Group) -> Vec<u8> {
        let message = Message {
            event: &self.event,
            project: &group.name,
            file: path_text(&group.file).into_owned(),
            more: self.more,
            text: self.text(group),
        };
        let mut json = serde_json::to_vec(&message).unwrap_or_default();
        json.push(b'\n');
        json
    }
}

/// The way of alerts to those who are told.
#[derive(Clone)]
pub(crate) struct AlertSender {
    /// What the project says.
    keys: AlertKeys,
    group: Group,
    means: Means,
    /// Each that is on its way has a clone.
    on_the_way: Sender<()>,
}

/// What alerts are told by.
#[derive(Clone)]
struct Means {
    host: ProcessHost,
    /// Where files are read.
    runtime: Handle,
    pace: Arc<Mutex<AlertPace>>,
    /// Who wants to know what came of it.
    deliveries: UnboundedSender<AlertDelivery>,
}

/// Makes the ways to those who are told, and waits for what is on its way when the group is over.
pub(crate) struct AlertTeller {
    means: Means,
    /// What has come of each.
    deliveries: UnboundedReceiver<AlertDelivery>,
    on_the_way: Option<Sender<()>>,
    ended: Receiver<()>,
}

impl AlertTeller {
    /// Nothing is on its way. To be called inside of the event loop.
    pub(crate) fn new(host: ProcessHost) -> Self {
        let (on_the_way, ended) = mpsc::channel();
        let (deliver, deliveries) = unbounded_channel();
        let means = Means { host, runtime: Handle::current(), pace: Arc::default(), deliveries: deliver };
        Self { means, deliveries, on_the_way: Some(on_the_way), ended }
    }

    /// The way for a group as its files say it now; none when the group is over.
    pub(crate) fn sender(&self, group: &GroupSpec) -> Option<AlertSender> {
        let on_the_way = self.on_the_way.clone()?;
        Some(AlertSender { keys: group.alerts.clone(), group: Group::of(group), means: self.means.clone(), on_the_way })
    }

    /// What has come of the next alert. Waits as long as it takes.
    pub(crate) async fn next_delivery(&mut self) -> Option<AlertDelivery> {
        self.deliveries.recv().await
    }

    /// Waits for what is on its way, a while. There must be no sender any more.
    pub(crate) fn wait(&mut self) {
        // Each that is on its way has one of these.
        self.on_the_way = None;
        if self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            log::warn!("an alert was not delivered in time");
        }
    }
}

impl AlertSender {
    /// Begins to tell what has happened, if that is to be told, and returns at once. `what`: the service, and when.
    pub(crate) fn send(&self, kind: AlertKind, what: (Option<ServiceName>, Moment), event: EventLine) {
        let way = self.clone();
        self.means.runtime.spawn_blocking(move || way.tell(kind, what, event));
    }

    fn tell(self, kind: AlertKind, (service, at): (Option<ServiceName>, Moment), event: EventLine) {
        // Held while it reads: one at a time.
        let mut pace = self.means.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let spec = alerts_of_user().0.with(&self.keys);
        if !spec.is_on() || !spec.on.contains(&kind) {
            return;
        }
        let Some(more) = pace.pass(service.as_ref(), kind, spec.every, at) else { return };
        drop(pace);
        let alert = Alert { kind: Some(kind), more, event }.bounded();
        for (what, told) in told(&spec, &self.group, &alert) {
            let (on_the_way, deliveries) = (self.on_the_way.clone(), self.means.deliveries.clone());
            self.means.host.tell_program(told, move |result| {
                if let Err(problem) = &result {
                    log::warn!("alert not delivered: {what}: {problem}");
                }
                let problem = result.err().map(Arc::from);
                // The group may be over.
                let _ = deliveries.send(AlertDelivery { to: what.into(), problem });
                drop(on_the_way);
            });
        }
    }
}

impl Group {
    fn of(spec: &GroupSpec) -> Self {
        Self { name: spec.name.clone(), file: spec.file.clone(), root: spec.root.clone() }
    }
}

/// The programs that are to be told, each with what it is called.
fn told(spec: &AlertSpec, group: &Group, alert: &Alert) -> Vec<(String, Told)> {
    let env: Arc<[(OsString, OsString)]> = environment::inherited().into();
    let mut all = Vec::new();
    if spec.desktop {
        let argv = desktop_argv(&format!("{}: {}", group.name, alert.title()), &alert.detail());
        let what = argv.first().cloned().unwrap_or_default();
        all.push((
            what,
            Told { command: RunCommand::Argv(argv), dir: group.root.clone(), env: env.clone(), input: Vec::new() },
        ));
    }
    if let Some(run) = &spec.run {
        let command = RunCommand::Argv(run.argv.clone());
        let what = command.display();
        all.push((what, Told { command, dir: run.dir.clone(), env, input: alert.json(group) }));
    }
    all
}

/// What shows a notification. Neither text becomes a piece of a script or of a markup.
fn desktop_argv(title: &str, text: &str) -> Vec<String> {
    let (title, text) = (visible(title), visible(text));
    let words: Vec<&str> = if cfg!(target_os = "macos") {
        let script = "display notification (item 2 of argv) with title (item 1 of argv)";
        vec!["osascript", "-e", "on run argv", "-e", script, "-e", "end run", &title, &text]
    } else {
        vec!["notify-send", "--app-name=devgroup", "--", &title, &text]
    };
    let mut argv: Vec<String> = words.into_iter().map(str::to_owned).collect();
    // notify-send reads escapes, and the desktop a markup, in the text that is not the title.
    if let Some(text) = argv.last_mut().filter(|_| !cfg!(target_os = "macos")) {
        *text = text.replace('\\', "\\\\").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    }
    argv
}

/// The programs that are told of alerts, by what these files say; and why one cannot be started, for people.
pub fn alert_programs(group: &GroupSpec, user: &UserAlerts) -> Vec<(String, Option<String>)> {
    let spec = user.with(&group.alerts);
    if !spec.is_on() {
        return Vec::new();
    }
    let problem = |told: &Told| find_for_foreground(&told.command, &told.dir, &told.env).err();
    let programs = told(&spec, &Group::of(group), &test_alert()).into_iter();
    programs.map(|(what, told)| (what, problem(&told).map(|(_, problem)| problem))).collect()
}

/// Somebody would be told, but `on` names no alert.
pub fn alerts_are_off(group: &GroupSpec, user: &UserAlerts) -> bool {
    let spec = user.with(&group.alerts);
    spec.on.is_empty() && (spec.run.is_some() || spec.desktop)
}

/// Tells a test alert in all ways that are set. What is called how, and what came of it.
pub fn test_alerts(group: &GroupSpec, user: &UserAlerts) -> Vec<(String, Result<(), String>)> {
    told(&user.with(&group.alerts), &Group::of(group), &test_alert())
        .into_iter()
        .map(|(what, told)| (what, tell_program(told)))
        .collect()
}

fn test_alert() -> Alert {
    let event = EventLine {
        at: Clock::rfc3339_of(Clock::start().wall(Moment::START)),
        what: "notice".into(),
        alert: Some("test".into()),
        message: "a test of [alerts] by devgroup alerts test".into(),
        ..EventLine::default()
    };
    Alert { kind: None, more: 0, event }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> Alert {
        let event = EventLine {
            seq: 7,
            at: "2026-11-22T14:02:11.000Z".into(),
            what: "exit".into(),
            service: Some("api".into()),
            code: Some(1),
            alert: Some("failed".into()),
            message: "exit 1".into(),
            ..EventLine::default()
        };
        Alert { kind: Some(AlertKind::Failed), more: 4, event }
    }

    fn group() -> Group {
        Group { name: "shop".into(), file: "/w/procgroup.toml".into(), root: "/w".into() }
    }

    #[test]
    fn a_program_gets_the_event_and_a_line_for_people() {
        let json = alert().json(&group());
        assert_eq!(json.last(), Some(&b'\n'));
        let message: serde_json::Value = serde_json::from_slice(&json).unwrap();
        for (key, value) in [
            ("type", "exit"),
            ("alert", "failed"),
            ("service", "api"),
            ("project", "shop"),
            ("file", "/w/procgroup.toml"),
            ("text", "shop: api failed · exit 1 · and 4 more"),
        ] {
            assert_eq!(message[key], value, "{message}");
        }
        assert_eq!((&message["code"], &message["more"], &message["seq"]), (&1.into(), &4.into(), &7.into()));
    }

    #[test]
    fn what_the_title_says_is_said_once() {
        let text = |kind, message: &str| {
            let event = EventLine { message: message.into(), ..alert().event };
            Alert { kind: Some(kind), more: 0, event }.text(&group())
        };
        let stuck = text(AlertKind::Stuck, "stuck · port 4000 refused · next try in 1s");
        assert_eq!(stuck, "shop: api is stuck · port 4000 refused · next try in 1s");
        let looping = text(AlertKind::CrashLoop, "gave up · 5 crashes in 60s · fix it (or wait 60s)");
        assert_eq!(looping, "shop: api is in a crash loop · 5 crashes in 60s · fix it (or wait 60s)");
    }

    #[test]
    fn no_text_is_an_option_a_script_or_a_markup() {
        let argv = desktop_argv("--help\x1b", "<b>a & b</b> \\n");
        let text = argv.last().unwrap();
        if cfg!(target_os = "macos") {
            assert_eq!((argv[0].as_str(), text.as_str()), ("osascript", "<b>a & b</b> \\n"));
        } else {
            assert_eq!(argv[..4], ["notify-send", "--app-name=devgroup", "--", "--help\\u{1b}"]);
            assert_eq!(text, "&lt;b&gt;a &amp; b&lt;/b&gt; \\\\n");
        }
    }

    #[test]
    fn each_way_that_is_set_is_told() {
        let ways = |desktop, run: bool| {
            let run = run.then(|| crate::domain::AlertCommand { argv: vec!["./hook".into()], dir: "/u".into() });
            let spec = AlertSpec { on: Vec::new(), run, desktop, every: Duration::ZERO };
            told(&spec, &group(), &alert()).into_iter().map(|(_, told)| told.dir).collect::<Vec<_>>()
        };
        assert_eq!(ways(true, true), [PathBuf::from("/w"), PathBuf::from("/u")]);
        assert!(ways(false, false).is_empty());
    }
}
