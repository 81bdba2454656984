//! Everything that is tested from outside, in one binary: linking is most of a test build.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first thing that is not as it should be")]

mod architecture;
mod attached;
mod care;
mod clients;
mod config;
mod contents;
mod control;
mod copying;
mod dashboard;
mod detached;
mod doctor;
mod documents;
mod ends;
mod endurance;
mod generated;
mod git_work;
mod harness;
mod init;
mod kept_logs;
mod logs;
mod merged;
mod process;
mod schema;
mod streaming;
mod supervision;
mod typing;
mod watch;
mod why;
