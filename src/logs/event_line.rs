//! An event as JSON: as it is sent, printed, kept on disk and given to the program of an alert.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::domain::{
    ExitStatus, GroupEvent, GroupEventKind, RestartReason, Rule, RuleSource, StartCause, path_text, visible,
};

/// Something that has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLine {
    /// From 1, and growing by one.
    pub seq: u64,
    /// When, RFC 3339 UTC.
    pub at: String,
    /// What: `change`, `start`, `restart`, `ready`, `exit`, `task`, `validate`, `hold`, `release`, `reload`, `scale`,
    /// `stop`, `error`, `notice`.
    #[serde(rename = "type")]
    pub what: String,
    /// To which service.
    pub service: Option<String>,
    /// In which run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u32>,
    /// Why it starts: `first`, `change`, `manual`, `crash`, `dependency`, `liveness`, `limit`, `config`, `scale`,
    /// `schedule`. Who holds: `key`, `git`, `command`, `client`.
    pub cause: Option<String>,
    /// The file that changed.
    pub path: Option<String>,
    /// The rule that says that it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleLine>,
    /// Who watches the file; whose changes are held, if not those of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// The exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The number of the signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// How long after its start it was ready, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_ms: Option<u64>,
    /// How long the run that has ended was up, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
    /// The run was asked to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
    /// The task, or the name of its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The batch of tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// What has come of the task: `completed`, `cancelled`, `dead`, `batch-done`, `breaker-open`,
    /// `breaker-closed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Which kind of alert it is: `failed`, `crash-loop`, `stuck`, `recovered`, `task-dead`, `batch-done`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// Which run of the group, where events of several can be together: `seq` counts within it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// The same for people; may be empty.
    pub message: String,
}

/// A rule, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLine {
    /// `.gitignore`, `procgroup.toml`, `built-in`.
    pub file: String,
    /// Line in it, from 1, where it is known.
    pub line: Option<u32>,
    /// The pattern, as its file writes it.
    pub pattern: String,
}

impl From<&Rule> for RuleLine {
    fn from(rule: &Rule) -> Self {
        let file = match &rule.source {
            RuleSource::BuiltIn(_) => "built-in".into(),
            RuleSource::IgnoreFile(file) => path_text(file).into_owned(),
            _ => rule.file.as_deref().unwrap_or("procgroup.toml").into(),
        };
        Self { file, line: rule.line, pattern: rule.pattern.to_string() }
    }
}

impl EventLine {
    /// The event as it is sent.
    pub fn new(event: &GroupEvent, clock: Clock) -> Self {
        let mut line = Self {
            seq: event.seq,
            at: clock.rfc3339(event.at),
            what: event.kind.word().to_owned(),
            service: event.service.as_ref().map(ToString::to_string),
            run: event.run.map(|run| run.0),
            alert: event.alert.map(|alert| alert.word().to_owned()),
            message: event.kind.to_string(),
            ..Self::default()
        };
        match &event.kind {
            GroupEventKind::Change { path, services, rule, .. } => {
                line.path = Some(path.to_string());
                line.services = services.iter().map(|name| name.as_str().to_owned()).collect();
                line.rule = Some(rule.into());
            }
            GroupEventKind::Start(RestartReason { cause, rule })
            | GroupEventKind::Restart(RestartReason { cause, rule }) => {
                line.cause = Some(cause.word().to_owned());
                if let StartCause::Change(files) = cause {
                    line.path = Some(files.first.to_string());
                }
                line.rule = rule.as_ref().map(RuleLine::from);
            }
            GroupEventKind::Hold(hold) | GroupEventKind::Release(hold) => {
                line.cause = Some(hold.by.word().to_owned());
                line.services = hold.services.iter().map(|name| name.as_str().to_owned()).collect();
            }
            GroupEventKind::Exit { status, asked, uptime, .. } => {
                match status {
                    ExitStatus::Code(code) => line.code = Some(*code),
                    ExitStatus::Signal(number) => line.signal = Some(*number),
                }
                (line.asked, line.uptime_ms) = (*asked, Some(millis(*uptime)));
            }
            GroupEventKind::Ready(after) => line.ready_ms = Some(millis(*after)),
            GroupEventKind::Task(end, _) => {
                line.task = end.task().map(|task| visible(task).into_owned());
                line.batch = end.batch().map(|batch| visible(batch).into_owned());
                line.result = Some(end.word().to_owned());
            }
            GroupEventKind::Validate(_)
            | GroupEventKind::Reload { .. }
            | GroupEventKind::Scale(_)
            | GroupEventKind::Stop
            | GroupEventKind::Error(_)
            | GroupEventKind::Notice(_) => {}
        }
        line
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
