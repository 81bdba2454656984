//! The group in a browser: an HTTP server on the loopback, one more client of the same questions and answers.
//!
//! With `[web]` and `[metrics]` off there is no socket and no thread. Each listener has a thread of its own: it never holds up
//! the run loop, and a client that does not read holds up nobody but itself.
//!
//! Any page that the user opens can send requests to the loopback, so each request is looked at before it is understood
//! (`security.rs`), and all that tells more than names and counts needs a token (`login.rs`).

mod api;
mod assets;
mod body;
mod command_line;
mod health;
mod hosts;
mod login;
mod metrics;
mod query;
mod refusal;
mod routes;
mod security;
mod server;
mod site;
mod stream;
mod unreadable;
mod watcher;

pub use command_line::{Chore, CommandLine, NewTask, TaskName, Told};
pub use health::Turns;
pub use hosts::Hosts;
pub use login::CODE_LIFE;
pub use metrics::{Counters, Vitals};
pub use server::{Listener, Server, Shows, listen};
pub use site::Site;
