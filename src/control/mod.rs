//! The control socket of a running group: wire format, server and client; and the same for a client within the process.
//!
//! Architecture invariant: nothing here runs on the thread of the run loop, and nothing waits for a client.

mod abstract_socket;
mod already;
mod answers;
mod bound_socket;
mod client;
mod connection;
mod discovery;
mod elsewhere;
mod group_cursor;
mod inside;
mod line_reader;
mod lock_note;
mod log_fields;
mod log_line;
mod log_reader;
mod meant;
mod meeting;
mod order_report;
mod outbox;
mod place;
mod room;
mod server;
mod settling;
mod status;
mod usage;
mod waiting;
mod why_line;
mod wire;
mod worker_status;

pub use bound_socket::BoundSocket;
pub use client::{Client, ClientError, Heard, TerminalNews, TerminalOrders};
pub use discovery::{GroupTrace, group_traces};
pub use group_cursor::is_cursor;
pub use inside::{Inside, Replies};
pub use lock_note::{LockNote, LockState, lock_state, mount_namespace};
pub use log_fields::NoField;
pub use log_line::{Cursor, LEVEL_WORDS, LogLine, Skipped};
pub use meeting::{NameTaken, Served, meet, served_by, take_name};
pub use order_report::OrderReport;
pub use place::{Place, SOCKET_VARIABLE, addresses, group_key, state_home, state_lock};
pub use server::{About, AttachHandler, Handlers, Keeper, Server, WebHandler};
pub use settling::{SettleResult, Settled, SettledService};
pub use status::{Change, Exit, Hold, Inputs, Restarts, Service, Status, Unchanged, UndeliveredAlert, Usage, Watch};
pub use waiting::{Fate, Known, first_start};
pub use why_line::{Why, WhyLine, WhyRule, WhySource, WhyWords};
pub use wire::{
    Ask, Became, Goal, Greeting, Hello, HoldAsk, LONGEST, LogsAsk, Message, Order, Outcome, Problem, ProblemCode,
    Question, Reply, RunAsk, RunEnd, Scaled, SettleAsk, VERSION, WebAnswer, WebAsk,
};
pub use worker_status::Worker;
