//! devgroup as a library: what the program is made of, and its map.
//!
#![doc = include_str!("ARCHITECTURE.md")]

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod display;
pub mod domain;
pub mod engine;
pub mod export;
pub mod failpoint;
#[cfg(test)]
#[path = "../tests/fuzz/harness.rs"]
mod fuzz;
pub mod group_files;
pub mod group_handle;
pub mod guard;
pub mod init;
pub mod logs;
pub mod mounts;
pub mod portable;
pub mod private;
pub mod process;
pub mod process_tree;
pub mod regular_file;
pub mod remote_terminal;
pub mod task_folder;
pub mod task_stream;
pub mod tui;
pub mod watch;
pub mod web;
