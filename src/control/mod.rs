//! The control socket of a running group: wire format, server and client.
//!
//! Architecture invariant: nothing here runs on the thread of the run loop, and nothing waits for a client.

mod event_line;
mod log_line;
mod place;
mod status;
mod wire;

pub use event_line::{EventLine, RuleLine};
pub use log_line::{Cursor, LEVEL_WORDS, LogLine, Skipped};
pub use place::{Place, SOCKET_VARIABLE};
pub use status::{Change, Exit, Hold, Restarts, Service, Status, Watch};
pub use wire::{
    Ask, Became, Goal, Greeting, Hello, LONGEST, LogsAsk, Message, Order, Outcome, Problem, ProblemCode, Question,
    Reply, VERSION,
};
