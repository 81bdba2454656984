//! Everything that is tested from outside, in one binary: linking is most of a test build.

mod architecture;
mod config;
mod dashboard;
mod harness;
mod logs;
mod process;
mod streaming;
mod supervision;
mod watch;
