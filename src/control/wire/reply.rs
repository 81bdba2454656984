//! What a group answers.

use serde::{Deserialize, Serialize};

use super::{Hello, to_line};
use crate::control::log_fields::NoField;
use crate::control::log_line::{LogLine, Skipped};
use crate::control::settling::Settled;
use crate::control::status::Status;
use crate::control::why_line::Why;
use crate::domain::visible;
use crate::logs::EventLine;
use crate::remote_terminal::ToTerminal;

/// A message of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The question that it answers, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// What it answers or reports.
    pub reply: Reply,
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The first message.
    Hello(Hello),
    /// The state of the group.
    Status(Box<Status>),
    /// A line of a log.
    Line(LogLine),
    /// Lines or events that were dropped before they could be sent.
    Skipped(Skipped),
    /// No line has a field that was asked for.
    NoField(NoField),
    /// Something that happened in the group.
    Event(Box<EventLine>),
    /// The answer to `why`.
    Why(Box<Why>),
    /// The hold has begun.
    Held {},
    /// The run that was asked for waits.
    Waits {
        /// For what, for people: `waiting for db to be ready`.
        on: String,
    },
    /// All that the run needs is there: the client begins it now.
    Begin {},
    /// Something that the run needs will not come. The group keeps it as it is until the question ends.
    Lost {
        /// Name of the service.
        service: String,
        /// For people: `db failed (exit 1)`.
        reason: String,
    },
    /// The order is done, with the result for each service.
    Done {
        /// In the order of the file, or of the starts.
        services: Vec<Outcome>,
    },
    /// Services have other numbers of instances.
    Scaled {
        /// Each service, in the order of its name.
        scaled: Vec<Scaled>,
        /// What became of the instances that came or went; with `wait`, of all.
        services: Vec<Outcome>,
    },
    /// What came of changes.
    Settled(Box<Settled>),
    /// Where the web page is.
    Web(WebAnswer),
    /// Output for the terminal of an attached client.
    Terminal(ToTerminal),
    /// The end of the answer.
    End {},
    /// The question was refused, or failed.
    Error(Problem),
    /// The group has ended.
    Ended {
        /// The exit code of the group's program.
        code: u8,
        /// Its last line.
        summary: String,
    },
}

/// The result of an order for a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Name of the service.
    pub name: String,
    /// What the order led to.
    pub result: Became,
    /// Its last run.
    pub run: u32,
    /// The cursor before the first line of that run.
    pub cursor: String,
    /// Why it has failed, or what an order has found, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its state then, in the word of `status`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state: String,
}

/// How many instances a service has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaled {
    /// Name of the service.
    pub name: String,
    /// Instances before.
    pub from: u32,
    /// Instances from now on.
    pub to: u32,
}

/// Where the web page of a group is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebAnswer {
    /// Of this shape: 1. Keys are only ever added.
    pub version: u32,
    /// The address, with a code that is good once and for a minute. Nothing if the page is closed.
    pub url: Option<String>,
}

/// The result in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// The order was given; the client did not wait.
    Asked,
    /// It is up: ready, or running if it has no readiness check.
    Ready,
    /// It has ended with 0, or on request.
    Done,
    /// It was stopped on request.
    Stopped,
    /// A new run has started.
    Restarted,
    /// It has failed, or cannot start.
    Failed,
    /// The goal was not reached in time.
    TimedOut,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// One stable word for programs; the message may change.
    pub code: ProblemCode,
    /// A sentence for people.
    pub message: String,
    /// All services of the group, if one was not found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

/// Why something was not done, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The versions of client and group differ.
    Version,
    /// The message could not be parsed.
    Malformed,
    /// There are too many connections, or open questions.
    TooMany,
    /// No service has this name.
    UnknownService,
    /// An argument is invalid.
    Invalid,
    /// Not possible in this state: the service is not running, or the group is stopping.
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
