//! What a client asks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::logs::{ColorDepth, StyleSupport};
use crate::remote_terminal::Abilities;

/// A question and its number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Chosen by the client; not that of another open question.
    pub id: u64,
    /// The question itself.
    pub ask: Ask,
}

/// What a client can ask. An unknown key makes the group refuse the whole question, rather than do half of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// The state of the group: now, or now and after each change. A slow reader gets only the newest state.
    Status {
        /// Send the state again after each change.
        #[serde(default)]
        follow: bool,
        /// Measure what each service uses, and send it along.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        usage: bool,
    },
    /// Lines of logs.
    Logs(LogsAsk),
    /// The history of the group: changes, restarts, exits, holds.
    Events {
        /// Keep sending new events.
        #[serde(default)]
        follow: bool,
        /// Only events after this number.
        #[serde(default)]
        after: u64,
        /// The epoch of that number, from the greeting. If the group is in another epoch, it sends all events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<String>,
    },
    /// Which rule applies to a path, by the current rules.
    Why {
        /// Absolute, or relative to the root of the group. It need not exist; a trailing slash marks a folder.
        path: String,
        /// The same as bytes, if it is not UTF-8.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<Vec<u8>>,
    },
    /// Start these services.
    Start(Order),
    /// Stop these services.
    Stop(Order),
    /// Restart these services.
    Restart(Order),
    /// Have other numbers of instances of services with `replicas`.
    Scale {
        /// How many, by the name of each service.
        services: BTreeMap<String, u32>,
        /// Answer only when the instances are up, and the surplus ones down, or have failed.
        #[serde(default)]
        wait: bool,
        /// Stop waiting after this time, in milliseconds.
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
    /// Wait until services reach a goal.
    Wait {
        /// Names of the services.
        services: Vec<String>,
        /// The goal that each of them is to reach.
        goal: Goal,
        /// Stop waiting after this time, in milliseconds.
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
    /// Wait until every change up to now has been acted on, and tell what came of it.
    Settle(SettleAsk),
    /// Type into a service.
    Send {
        /// Name of the service.
        service: String,
        /// Text to type; a line end is the Enter key.
        text: String,
    },
    /// Hold changes until `resume`, like the `p` key. A second `pause` only adds services.
    Pause {
        /// Services whose changes are held (empty: all).
        #[serde(default)]
        services: Vec<String>,
    },
    /// End `pause` and the hold of the `p` key.
    Resume {
        /// Services to resume (empty: all).
        #[serde(default)]
        services: Vec<String>,
        /// Discard the held changes.
        #[serde(default)]
        discard: bool,
    },
    /// Hold changes until `release` or `cancel` ends this question, or the connection closes for any reason.
    Hold(HoldAsk),
    /// End a hold. (`cancel` also ends it, and applies the held changes.)
    Release {
        /// The `id` of its question.
        hold: u64,
        /// Discard the held changes.
        #[serde(default)]
        discard: bool,
    },
    /// Run a job in the client's terminal: the group starts what the job needs, says `waits` and then `begin` (or `lost`).
    /// `run_ended` or `cancel` ends this question, or the connection closes for any reason.
    Run(RunAsk),
    /// The run has ended.
    RunEnded(RunEnd),
    /// Stop the group.
    Down {
        /// With SIGKILL at once.
        #[serde(default)]
        now: bool,
    },
    /// Open the web page of the group, and get an address to log in at; or close it.
    Web(WebAsk),
    /// Show the dashboard on the client's terminal. This is the last question on a connection: from here on the client
    /// sends what its terminal does, one [`FromTerminal`](crate::remote_terminal::FromTerminal) per line.
    Attach(Abilities),
    /// End another question.
    Cancel {
        /// The `id` of that question.
        id: u64,
    },
}

/// Which changes to hold, and what to call the hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldAsk {
    /// A description of what runs during the hold.
    pub label: String,
    /// It is a command that the client runs.
    #[serde(default)]
    pub command: bool,
    /// Services whose changes are held (empty: all).
    #[serde(default)]
    pub services: Vec<String>,
}

/// Which job, and who runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunAsk {
    /// Name of the job.
    pub job: String,
    /// The process that runs it, for people.
    pub pid: u32,
    /// How it ends is how the job ends: it has no arguments of its own.
    pub counts: bool,
}

/// How a run ended; neither code nor signal if it did not begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEnd {
    /// The `id` of its question.
    pub run: u64,
    /// Its exit code.
    #[serde(default)]
    pub code: Option<i32>,
    /// The signal that ended it.
    #[serde(default)]
    pub signal: Option<i32>,
}

/// Whether to open the web page or to close it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebAsk {
    /// Close it; who is logged in is logged out.
    pub stop: bool,
}

/// The services to act on, and whether to wait for the result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Order {
    /// Names of the services.
    pub services: Vec<String>,
    /// Every service of the group.
    pub all: bool,
    /// All services that have failed.
    pub failed: bool,
    /// Answer only when they are up (or down), or have failed.
    pub wait: bool,
    /// Stop waiting after this time, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// Of which services, and since when, to tell what came of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettleAsk {
    /// Names of the services (empty: those concerned).
    pub services: Vec<String>,
    /// The cursor of an earlier answer, or how long ago (`2m`). Without it, the beginning of the last batch of changes.
    pub since: Option<String>,
    /// Stop waiting after this time, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// The most lines to send for each service.
    pub lines: Option<u64>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// The service is ready; without a readiness check, it runs; a job has ended with 0.
    Ready,
    /// A run has ended: the last one ordered, if it has not started yet; otherwise the live one; otherwise the
    /// next automatic one, or the last one. If a job is restarted meanwhile, the run that follows.
    Exit,
    /// A run has started after the current one.
    Restart,
}

/// Which lines to send, and in what form. If several fields say where to start, the latest start wins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogsAsk {
    /// Services whose lines are sent (empty: all).
    pub services: Vec<String>,
    /// Keep sending new lines.
    pub follow: bool,
    /// Send only the last lines, this many. With a level alone, count errors instead, each with its stack trace.
    pub last: Option<u64>,
    /// Only lines newer than this, in milliseconds.
    pub since_ms: Option<u64>,
    /// Only lines of the last run of each service.
    pub since_restart: bool,
    /// Only lines after these cursors. A service without a cursor starts at the time of the latest cursor.
    pub cursors: Vec<String>,
    /// Only lines matching this regex (crate `regex`; smart case).
    pub grep: Option<String>,
    /// Only lines at this level or worse.
    pub level: Option<String>,
    /// Only lines that are data (JSON, logfmt) whose fields are so, each as in `status>=500`.
    #[serde(rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// Send `styled` with each line: the text with its colours.
    pub styled: bool,
    /// Limit the colours in `styled` to this depth.
    #[serde(skip_serializing_if = "is_full")]
    pub depth: ColorDepth,
    /// Reduce the underlines in `styled` to the plain kind.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub plain_underlines: bool,
    /// Keep the links of the services in `styled` (OSC 8).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub links: bool,
    /// Send `level` with each line, and `time` and `fields` with those that are data.
    pub levels: bool,
}

impl LogsAsk {
    /// Which styles to send, if any.
    pub fn support(&self) -> Option<StyleSupport> {
        self.styled.then_some(StyleSupport { depth: self.depth, underlines: !self.plain_underlines })
    }
}

/// Leaves the default out of the message.
fn is_full(depth: &ColorDepth) -> bool {
    *depth == ColorDepth::Full
}
