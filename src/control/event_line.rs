//! An event as JSON.

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::domain::{ExitStatus, GroupEvent, GroupEventKind, RestartReason, Rule, RuleSource, StartCause, path_text};

/// Something that has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLine {
    /// From 1, and growing by one.
    pub seq: u64,
    /// When, RFC 3339 UTC.
    pub at: String,
    /// What: `change`, `start`, `restart`, `ready`, `exit`, `validate`, `hold`, `release`, `reload`, `scale`, `stop`,
    /// `error`, `notice`.
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
    pub(super) fn new(event: &GroupEvent, clock: Clock) -> Self {
        let mut line = Self {
            seq: event.seq,
            at: clock.rfc3339(event.at),
            what: event.kind.word().to_owned(),
            service: event.service.as_ref().map(ToString::to_string),
            run: event.run.map(|run| run.0),
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
            GroupEventKind::Exit { status: ExitStatus::Code(code), .. } => line.code = Some(*code),
            GroupEventKind::Exit { status: ExitStatus::Signal(number), .. } => line.signal = Some(*number),
            GroupEventKind::Ready(_)
            | GroupEventKind::Validate(_)
            | GroupEventKind::Reload { .. }
            | GroupEventKind::Scale(_)
            | GroupEventKind::Stop
            | GroupEventKind::Error(_)
            | GroupEventKind::Notice(_) => {}
        }
        line
    }
}
