//! Everything that is tested from outside, in one binary: linking is most of a test build.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first thing that is not as it should be")]

mod acceptance;
mod architecture;
mod attached;
mod care;
mod checking;
mod clients;
mod colors;
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
mod failures;
mod generated;
mod git_work;
mod happenings;
mod harness;
mod holds;
mod init;
mod job_control;
mod kept_logs;
mod logs;
mod merged;
mod orders;
mod outcomes;
mod preferences;
mod process;
mod reach;
mod schema;
mod script;
mod strays;
mod streaming;
mod supervision;
mod surroundings;
mod trust;
mod typing;
mod variables;
mod watch;
mod why;
