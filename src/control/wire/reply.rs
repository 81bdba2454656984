//! What a group says.

use serde::{Deserialize, Serialize};

use super::{Hello, to_line};
use crate::control::event_line::EventLine;
use crate::control::log_line::{LogLine, Skipped};
use crate::control::status::Status;
use crate::control::why_line::Why;
use crate::domain::visible;
use crate::remote_terminal::ToTerminal;

/// A message of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The question that it belongs to, if it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// What it says.
    pub reply: Reply,
}

/// What a group says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The first message.
    Hello(Hello),
    /// The state of the group.
    Status(Box<Status>),
    /// A line of a log.
    Line(LogLine),
    /// Lines or events that are not there any more.
    Skipped(Skipped),
    /// Something that has happened.
    Event(EventLine),
    /// The answer to `why`.
    Why(Box<Why>),
    /// The hold has begun.
    Held {},
    /// It is done, with what became of each service.
    Done {
        /// In the order of the file, or of the starts.
        services: Vec<Outcome>,
    },
    /// For the terminal of a client that has attached.
    Terminal(ToTerminal),
    /// Nothing more comes.
    End {},
    /// It was not done.
    Error(Problem),
    /// The group has ended.
    Ended {
        /// The exit code of the group's program.
        code: u8,
        /// Its last line.
        summary: String,
    },
}

/// What became of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Name of the service.
    pub name: String,
    /// What became of it.
    pub result: Became,
    /// Its last run.
    pub run: u32,
    /// The cursor at which that run began to speak.
    pub cursor: String,
    /// Why it has failed, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a service, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It was told; nobody waited.
    Asked,
    /// It is up: ready, or running if it has no readiness check.
    Ready,
    /// It has ended with 0, or as it was asked to.
    Done,
    /// It does not run, as it was asked to.
    Stopped,
    /// A further run has begun.
    Restarted,
    /// It has failed, or does not start.
    Failed,
    /// Neither in time.
    TimedOut,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// One word for programs, which stays when the message changes.
    pub code: ProblemCode,
    /// A sentence for people.
    pub message: String,
    /// The services that there are, where one was not found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

/// Why something was not done, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The versions of client and group differ.
    Version,
    /// The message is no message.
    Malformed,
    /// There are too many connections, or open questions.
    TooMany,
    /// No service has this name.
    UnknownService,
    /// An argument means nothing.
    Invalid,
    /// Not in this state: the service does not run, the group is stopping.
    Refused,
}

impl Problem {
    /// A problem. What it quotes is made visible, on one line.
    pub fn new(code: ProblemCode, message: impl AsRef<str>) -> Self {
        Self { code, message: visible(message.as_ref()).into_owned(), services: Vec::new() }
    }
}

impl Message {
    /// A message as a line, with its end.
    pub(in crate::control) fn line(id: Option<u64>, reply: &Reply) -> Vec<u8> {
        #[derive(Serialize)]
        struct Borrowed<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<u64>,
            reply: &'a Reply,
        }
        to_line(&Borrowed { id, reply })
    }
}
