//! The messages on the control socket: JSON, one to a line.
//!
//! A client begins with a [`Greeting`] and then asks, each [`Question`] with a number of its own choice. Every message of
//! the group that belongs to a question carries its number, and the last one is `status`, `why`, `done`, `end` or `error`.
//! Several questions may be open at once.

use serde::{Deserialize, Serialize};

use super::event_line::EventLine;
use super::log_line::{LogLine, Skipped};
use super::status::Status;
use super::why_line::Why;
use crate::domain::visible;
use crate::logs::{ColorDepth, StyleSupport};
use crate::remote_terminal::{Abilities, ToTerminal};

/// The version of the messages. Within a version, keys are only ever added.
pub const VERSION: u32 = 1;

/// So much of what is wrong with a message is said.
const SAID: usize = 200;

/// The longest message that a group takes, in bytes.
pub const LONGEST: usize = 1 << 20;

/// The first message of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Version of the messages: [`VERSION`].
    pub version: u32,
}

/// The first message of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the messages: [`VERSION`].
    pub version: u32,
    /// The name of the group.
    pub project: String,
    /// The process that runs it.
    pub pid: u32,
    /// Path of its `procgroup.toml`.
    pub file: String,
    /// By which the numbers of its events are told from those of another run of the group.
    #[serde(default)]
    pub epoch: String,
}

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
        /// Also what happens from now on.
        #[serde(default)]
        follow: bool,
        /// Only after this number.
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
    /// Wait until something has become of services.
    Wait {
        /// Names of the services.
        services: Vec<String>,
        /// What has to become of each of them.
        goal: Goal,
        /// At most so long, in milliseconds.
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
    /// Type into a service.
    Send {
        /// Name of the service.
        service: String,
        /// What; a line end is the Enter key.
        text: String,
    },
    /// Hold changes back until they are resumed, as the key `p` does. A second time only adds services.
    Pause {
        /// Of these; of all if empty.
        #[serde(default)]
        services: Vec<String>,
    },
    /// End that, and what the key `p` holds.
    Resume {
        /// Of these; of all if empty.
        #[serde(default)]
        services: Vec<String>,
        /// Forget what was held.
        #[serde(default)]
        discard: bool,
    },
    /// Hold changes back until this question is ended by `release` or `cancel`, or the connection ends, however it does.
    Hold(HoldAsk),
    /// End a hold. (`cancel` ends it as well, and applies what was held.)
    Release {
        /// The number of its question.
        hold: u64,
        /// Forget what was held.
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
    /// What is done meanwhile, for people.
    pub label: String,
    /// It is a command that the client runs.
    #[serde(default)]
    pub command: bool,
    /// Of these; of all if empty.
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
    /// Wait at most so long, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// It is ready; without a readiness check, it runs; a task has ended with 0.
    Ready,
    /// A run has ended: the one that was ordered last, if it is still to begin; otherwise the one that lives; otherwise the
    /// one that is to come by itself, or the last one. Of a task that is restarted meanwhile, the run that follows.
    Exit,
    /// A run has begun after the one that lives now.
    Restart,
}

/// Which lines, and with what. Of several ways to say where to begin, the latest line counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogsAsk {
    /// Of these services; of all if empty.
    pub services: Vec<String>,
    /// Also what comes from now on.
    pub follow: bool,
    /// Of what is there, only the last so many: lines, or with a level alone errors, each with its stack trace.
    pub last: Option<u64>,
    /// Only those that are at most so old, in milliseconds.
    pub since_ms: Option<u64>,
    /// Only those of the last run of each service.
    pub since_restart: bool,
    /// Only after these cursors. A service without one begins with the time of the latest.
    pub cursors: Vec<String>,
    /// Only those that this expression is found in (crate `regex`; without capitals, case does not count).
    pub grep: Option<String>,
    /// Only those that are at least so bad.
    pub level: Option<String>,
    /// Lines come with `styled`: the text with its colours.
    pub styled: bool,
    /// The colours of `styled` are those that a terminal of this depth has.
    #[serde(skip_serializing_if = "is_full")]
    pub depth: ColorDepth,
    /// … and their underlines those of a terminal that has one kind of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub plain_underlines: bool,
    /// Lines come with `level`: how bad they are.
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
    pub(super) fn line(id: Option<u64>, reply: &Reply) -> Vec<u8> {
        #[derive(Serialize)]
        struct Borrowed<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<u64>,
            reply: &'a Reply,
        }
        to_line(&Borrowed { id, reply })
    }
}

/// Any message as a line, with its end.
pub(super) fn to_line(message: &impl Serialize) -> Vec<u8> {
    // Cannot fail: no map with keys that are no texts, and memory does not say no.
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Why a line is no message, for people: what is wrong, and the column.
pub(super) fn read_line<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(line).map_err(|error| {
        // A key that is not known is named, whatever is in it and however long it is.
        let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        let said: String = error.to_string().chars().take(SAID).map(plain).collect();
        Problem::new(ProblemCode::Malformed, format!("this is no message: {said}"))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec(any::<String>(), 0..4)
    }

    fn order() -> impl Strategy<Value = Order> {
        (names(), any::<(bool, bool, bool)>(), any::<Option<u64>>())
            .prop_map(|(services, (all, failed, wait), timeout_ms)| Order { services, all, failed, wait, timeout_ms })
    }

    fn logs() -> impl Strategy<Value = LogsAsk> {
        let numbers = any::<(Option<u64>, Option<u64>)>();
        let texts = (any::<Option<String>>(), any::<Option<String>>());
        (names(), names(), numbers, texts, any::<[bool; 4]>()).prop_map(
            |(services, cursors, (last, since_ms), (grep, level), [follow, since_restart, styled, levels])| LogsAsk {
                services,
                follow,
                last,
                since_ms,
                since_restart,
                cursors,
                grep,
                level,
                styled,
                depth: if styled { ColorDepth::Sixteen } else { ColorDepth::Full },
                plain_underlines: styled,
                levels,
            },
        )
    }

    fn ask() -> impl Strategy<Value = Ask> {
        let goal = prop_oneof![Just(Goal::Ready), Just(Goal::Exit), Just(Goal::Restart)];
        prop_oneof![
            any::<bool>().prop_map(|follow| Ask::Status { follow }),
            any::<(String, Option<Vec<u8>>)>().prop_map(|(path, bytes)| Ask::Why { path, bytes }),
            logs().prop_map(Ask::Logs),
            any::<(bool, u64, Option<String>)>().prop_map(|(follow, after, epoch)| Ask::Events {
                follow,
                after,
                epoch
            }),
            order().prop_map(Ask::Start),
            order().prop_map(Ask::Stop),
            order().prop_map(Ask::Restart),
            (names(), goal, any::<Option<u64>>()).prop_map(|(services, goal, timeout_ms)| Ask::Wait {
                services,
                goal,
                timeout_ms
            }),
            any::<(String, String)>().prop_map(|(service, text)| Ask::Send { service, text }),
            names().prop_map(|services| Ask::Pause { services }),
            (names(), any::<bool>()).prop_map(|(services, discard)| Ask::Resume { services, discard }),
            (any::<String>(), any::<bool>(), names()).prop_map(|(label, command, services)| Ask::Hold(HoldAsk {
                label,
                command,
                services
            })),
            any::<(u64, bool)>().prop_map(|(hold, discard)| Ask::Release { hold, discard }),
            any::<bool>().prop_map(|now| Ask::Down { now }),
            (any::<(u16, u16, bool)>(), prop::collection::btree_map(any::<String>(), any::<String>(), 0..4)).prop_map(
                |((columns, rows, copies), variables)| Ask::Attach(Abilities { columns, rows, variables, copies })
            ),
            any::<u64>().prop_map(|id| Ask::Cancel { id }),
        ]
    }

    proptest! {
        #[test]
        fn every_question_comes_back_as_it_went(id in any::<u64>(), ask in ask()) {
            let question = Question { id, ask };
            let line = to_line(&question);
            prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
            prop_assert_eq!(read_line::<Question>(&line).unwrap(), question);
        }
    }

    #[test]
    fn fuzz_of_the_wire() {
        const SEEDS: [&[u8]; 8] = [
            br#"{"version":1}"#,
            br#"{"id":1,"ask":{"status":{"follow":true}}}"#,
            br#"{"id":2,"ask":{"logs":{"services":["api"],"follow":true,"lines":10,"cursors":["api:1:2:3"]}}}"#,
            br#"{"id":3,"ask":{"restart":{"services":["api"],"wait":true,"timeout_ms":5}}}"#,
            br#"{"id":4,"ask":{"why":{"path":"src/\u001b[31m","bytes":[0,255,27]}}}"#,
            br#"{"id":5,"ask":{"hold":{"label":"x","services":[]}}}"#,
            br#"{"id":6,"reply":{"error":{"code":"invalid","message":"a\nb","services":[]}}}"#,
            br#"{"reply":{"hello":{"version":1,"project":"shop","pid":1,"file":"/f","epoch":"1"}}}"#,
        ];
        crate::fuzz::run("wire", 3_000, &SEEDS, |bytes| {
            let question = read_line::<Question>(bytes);
            if let Ok(question) = &question {
                assert_eq!(read_line::<Question>(&to_line(question)).as_ref(), Ok(question));
            }
            let problems = [question.err(), read_line::<Message>(bytes).err(), read_line::<Greeting>(bytes).err()];
            let said = problems.map(|problem| problem.map(|problem| problem.message));
            assert!(said.iter().flatten().all(|said| !said.contains('\n')), "{said:?}");
            // The numbers in a message tell where it went wrong.
            said.map(|said| said.map(|said| said.replace(|c: char| c.is_ascii_digit(), "")))
        });
    }

    #[test]
    fn the_shapes_are_a_contract() {
        let question = |text: &str| read_line::<Question>(text.as_bytes()).map(|question| question.ask);
        assert_eq!(question(r#"{"id":1,"ask":{"status":{}}}"#), Ok(Ask::Status { follow: false }));
        let restart = Order { services: vec!["api".into()], wait: true, ..Order::default() };
        assert_eq!(
            question(r#"{"id":1,"ask":{"restart":{"services":["api"],"wait":true}}}"#),
            Ok(Ask::Restart(restart))
        );
        assert!(question(r#"{"id":1,"ask":{"restart":{"service":["api"]}}}"#).is_err(), "an unknown key");
        assert!(question(r#"{"id":1,"ask":{"explode":{}}}"#).is_err());
        let line = Message::line(None, &Reply::End {});
        assert_eq!(read_line::<Message>(&line), Ok(Message { id: None, reply: Reply::End {} }));
        assert_eq!(line, b"{\"reply\":{\"end\":{}}}\n");
    }

    #[test]
    fn depth_does_no_harm() {
        let deep = "[".repeat(LONGEST);
        assert!(read_line::<Question>(deep.as_bytes()).is_err());
    }
}
