//! The control socket of a running group: wire format, server and client.
//!
//! Architecture invariant: nothing here runs on the thread of the run loop, and nothing waits for a client.

mod answers;
mod client;
mod connection;
mod event_line;
mod line_reader;
mod log_line;
mod log_reader;
mod outbox;
mod place;
mod server;
mod status;
mod waiting;
mod why_line;
mod wire;

pub use client::{Client, ClientError, Screen, Typist};
pub use event_line::{EventLine, RuleLine};
pub use log_line::{Cursor, LEVEL_WORDS, LogLine, Skipped};
pub use place::{Place, SOCKET_VARIABLE, group_key, sockets, state_home, state_lock};
pub use server::{About, CLIENTS, Door, Server, Stage};
pub use status::{Change, Exit, Hold, Restarts, Service, Status, Watch};
pub use waiting::{Fate, first_start, reason};
pub use why_line::{Why, WhyLine, WhyRule, WhySource, WhyWords};
pub use wire::{
    Ask, Became, Goal, Greeting, Hello, HoldAsk, LONGEST, LogsAsk, Message, Order, Outcome, Problem, ProblemCode,
    Question, Reply, VERSION,
};
