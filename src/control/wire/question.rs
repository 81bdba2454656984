//! What a client asks.

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

/// What can be asked. A key that is not known refuses the whole question: nothing is done that is half understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// The state of the group: now, or now and after each change. A slow reader gets the newest state, not each.
    Status {
        /// Also after each change.
        #[serde(default)]
        follow: bool,
    },
    /// Lines of logs.
    Logs(LogsAsk),
    /// What has happened.
    Events {
        /// Keep sending new events.
        #[serde(default)]
        follow: bool,
        /// Only events after this number.
        #[serde(default)]
        after: u64,
        /// The epoch that the number is of, as the greeting has told it: in another one, all events follow.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<String>,
    },
    /// Which rule decides about a path, as the rules are now.
    Why {
        /// Absolute, or relative to the root of the group. It need not exist; with a slash at the end it is a folder.
        path: String,
        /// The same in bytes, where it is no text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<Vec<u8>>,
    },
    /// Start these services.
    Start(Order),
    /// Stop these services.
    Stop(Order),
    /// Restart these services.
    Restart(Order),
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
    /// Type into a service.
    Send {
        /// Name of the service.
        service: String,
        /// Text to type; a line end is the Enter key.
        text: String,
    },
    /// Hold changes until `resume`, as the key `p` does. A second `pause` only adds services.
    Pause {
        /// Services whose changes are held (empty: all).
        #[serde(default)]
        services: Vec<String>,
    },
    /// End `pause` and the hold of the key `p`.
    Resume {
        /// Services to resume (empty: all).
        #[serde(default)]
        services: Vec<String>,
        /// Discard the held changes.
        #[serde(default)]
        discard: bool,
    },
    /// Hold changes back until this question is ended by `release` or `cancel`, or the connection ends, however it does.
    Hold(HoldAsk),
    /// End a hold. (`cancel` ends it as well, and applies what was held.)
    Release {
        /// The `id` of its question.
        hold: u64,
        /// Discard the held changes.
        #[serde(default)]
        discard: bool,
    },
    /// Stop the group.
    Down {
        /// With SIGKILL at once.
        #[serde(default)]
        now: bool,
    },
    /// Show the dashboard on the client's terminal. The last question of a connection: from here on the client says what
    /// a terminal does, one [`FromTerminal`](crate::remote_terminal::FromTerminal) to a line.
    Attach(Abilities),
    /// End another question.
    Cancel {
        /// The `id` of that question.
        id: u64,
    },
}

/// What to hold back, and how to name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldAsk {
    /// What goes on during the hold, for people.
    pub label: String,
    /// It is a command that the client runs.
    #[serde(default)]
    pub command: bool,
    /// Services whose changes are held (empty: all).
    #[serde(default)]
    pub services: Vec<String>,
}

/// Which services, and whether to wait for what becomes of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Order {
    /// Names of the services.
    pub services: Vec<String>,
    /// Every service of the group.
    pub all: bool,
    /// Those that have failed.
    pub failed: bool,
    /// Answer when they are up (or down), or have failed.
    pub wait: bool,
    /// Stop waiting after this time, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// It is ready; without a readiness check, it runs; a job has ended with 0.
    Ready,
    /// A run has ended: the one that was ordered last, if it is still to begin; otherwise the one that lives; otherwise the
    /// one that is to come by itself, or the last one. Of a job that is restarted meanwhile, the run that follows.
    Exit,
    /// A run has begun after the one that lives now.
    Restart,
}

/// Which lines, and in what form. If several fields say where to begin, the latest line counts.
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
    /// Only lines after these cursors. A service without a cursor begins at the time of the latest one.
    pub cursors: Vec<String>,
    /// Only lines matching this regex (crate `regex`; smart case).
    pub grep: Option<String>,
    /// Only lines at this level or worse.
    pub level: Option<String>,
    /// Send `styled` with each line: the text with its colours.
    pub styled: bool,
    /// The colours of `styled` are those that a terminal of this depth has.
    #[serde(skip_serializing_if = "is_full")]
    pub depth: ColorDepth,
    /// … and their underlines those of a terminal that has one kind of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub plain_underlines: bool,
    /// Send `level` with each line.
    pub levels: bool,
}

impl LogsAsk {
    /// What of the looks of lines is to be told, if any.
    pub fn support(&self) -> Option<StyleSupport> {
        self.styled.then_some(StyleSupport { depth: self.depth, underlines: !self.plain_underlines })
    }
}

/// So that nothing is said of it where nothing is to be said.
fn is_full(depth: &ColorDepth) -> bool {
    *depth == ColorDepth::Full
}
