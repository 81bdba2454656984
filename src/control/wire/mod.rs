//! The messages on the control socket: JSON, one per line.
//!
//! A client sends a [`Greeting`], then questions, each [`Question`] with a number of its choice. Every message of
//! the group that belongs to a question carries its number, and the last one is `status`, `why`, `done`, `end` or `error`.
//! Several questions may be open at once.

mod question;
mod reply;

use serde::{Deserialize, Serialize};

pub use question::{Ask, Goal, HoldAsk, LogsAsk, Order, Question, RunAsk, RunEnd, SettleAsk, WebAsk};
pub use reply::{Became, Message, Outcome, Problem, ProblemCode, Reply, Scaled, WebAnswer};

/// The version of the messages. Within a version, keys are only ever added.
pub const VERSION: u32 = 1;

/// How much of a parse error is repeated to the client, in characters.
const SAID: usize = 200;

/// The longest message that a group accepts, in bytes.
pub const LONGEST: usize = 1 << 20;

/// The first message of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Version of the messages: [`VERSION`].
    pub version: u32,
    /// Who asks, for people: `devgroup restart`, `agent claude-code`. What it starts, restarts and stops says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
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
    /// Identifies this run of the group: event numbers are only comparable within one epoch.
    #[serde(default)]
    pub epoch: String,
}

/// Any message as a line, with its end.
pub(super) fn to_line(message: &impl Serialize) -> Vec<u8> {
    // Cannot fail: every map has string keys.
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Parses a line; the error says what is wrong, and the column.
pub(super) fn read_line<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(line).map_err(|error| {
        // The error quotes an unknown key, which may be long and contain anything.
        let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        let said: String = error.to_string().chars().take(SAID).map(plain).collect();
        Problem::new(ProblemCode::Malformed, format!("not a message: {said}"))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logs::ColorDepth;
    use crate::remote_terminal::{Abilities, FromTerminal, ToTerminal};

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
        ((names(), names(), names()), numbers, texts, any::<[bool; 4]>()).prop_map(
            |(
                (services, cursors, conditions),
                (last, since_ms),
                (grep, level),
                [follow, since_restart, styled, levels],
            )| LogsAsk {
                services,
                follow,
                last,
                since_ms,
                since_restart,
                cursors,
                grep,
                level,
                conditions,
                styled,
                depth: if styled { ColorDepth::Sixteen } else { ColorDepth::Full },
                plain_underlines: styled,
                links: follow,
                levels,
            },
        )
    }

    fn ask() -> impl Strategy<Value = Ask> {
        let goal = prop_oneof![Just(Goal::Ready), Just(Goal::Exit), Just(Goal::Restart)];
        prop_oneof![
            any::<(bool, bool)>().prop_map(|(follow, usage)| Ask::Status { follow, usage }),
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
            (prop::collection::btree_map(any::<String>(), any::<u32>(), 0..4), any::<(bool, Option<u64>)>())
                .prop_map(|(services, (wait, timeout_ms))| Ask::Scale { services, wait, timeout_ms }),
            (names(), goal, any::<Option<u64>>()).prop_map(|(services, goal, timeout_ms)| Ask::Wait {
                services,
                goal,
                timeout_ms
            }),
            (names(), any::<(Option<String>, Option<u64>, Option<u64>)>()).prop_map(
                |(services, (since, timeout_ms, lines))| Ask::Settle(SettleAsk { services, since, timeout_ms, lines })
            ),
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
            any::<bool>().prop_map(|stop| Ask::Web(WebAsk { stop })),
            any::<(String, u32, bool)>().prop_map(|(job, pid, counts)| Ask::Run(RunAsk { job, pid, counts })),
            any::<(u64, Option<i32>, Option<i32>)>().prop_map(|(run, code, signal)| Ask::RunEnded(RunEnd {
                run,
                code,
                signal
            })),
            (any::<(u16, u16, bool, bool)>(), prop::collection::btree_map(any::<String>(), any::<String>(), 0..4))
                .prop_map(|((columns, rows, copies, browses), variables)| {
                    Ask::Attach(Abilities { columns, rows, variables, copies, browses })
                }),
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
        const SEEDS: [&[u8]; 13] = [
            br#"{"keys":"q\u001b[A"}"#,
            br#"{"size":{"columns":65535,"rows":0}}"#,
            br#"{"edit":{"path":"src/a.rs","line":41}}"#,
            br#"{"version":1}"#,
            br#"{"version":1,"client":"devgroup restart"}"#,
            br#"{"id":7,"ask":{"settle":{"services":["api"],"since":"2m","timeout_ms":5,"lines":20}}}"#,
            br#"{"id":1,"ask":{"status":{"follow":true}}}"#,
            br#"{"id":2,"ask":{"logs":{"services":["api"],"follow":true,"last":10,"cursors":["api:1:2:3"],"where":["a.b>=1"]}}}"#,
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
            let (from, to) = (read_line::<FromTerminal>(bytes), read_line::<ToTerminal>(bytes));
            if let Ok(from) = &from {
                assert_eq!(read_line::<FromTerminal>(&to_line(from)).as_ref(), Ok(from));
            }
            if let Ok(to) = &to {
                assert_eq!(read_line::<ToTerminal>(&to_line(to)).as_ref(), Ok(to));
            }
            let (message, greeting) = (read_line::<Message>(bytes).err(), read_line::<Greeting>(bytes).err());
            let problems = [question.err(), message, greeting, from.err(), to.err()];
            let said = problems.map(|problem| problem.map(|problem| problem.message));
            assert!(said.iter().flatten().all(|said| !said.contains('\n')), "{said:?}");
            // The numbers in a message tell where it went wrong.
            said.map(|said| said.map(|said| said.replace(|c: char| c.is_ascii_digit(), "")))
        });
    }

    #[test]
    fn the_shapes_are_a_contract() {
        let question = |text: &str| read_line::<Question>(text.as_bytes()).map(|question| question.ask);
        assert_eq!(question(r#"{"id":1,"ask":{"status":{}}}"#), Ok(Ask::Status { follow: false, usage: false }));
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
