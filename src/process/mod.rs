//! The process adapter: terminals, starting, signals, exits, readiness. It knows the operating system and decides
//! nothing.
//!
//! Each run has one thread for its whole life: it starts the process in a terminal and a session of its own, feeds the
//! log document with what the terminal says, learns the exit from the process (never from the end of the output), and
//! waits until nobody of the run is left. What is small and beside the runs (readiness probes, liveness checks, hooks, stop
//! commands, validations) shares one thread, which exists only once it is needed. All of them sleep while nothing happens.
//!
//! Architecture invariant: log bytes go from the terminal into the document; only [`RunNews`] goes to the run loop.
//! No process is signalled by a number that may have been given to somebody else.

mod attempt;
mod background_tasks;
mod capture;
mod change_command;
mod child;
mod child_process;
mod details;
mod exit;
mod feeder;
mod host;
mod http;
mod launch;
mod listener;
mod live_run;
mod liveness_probe;
mod looks;
mod meter;
mod notify;
mod outlet;
mod piped;
mod probe;
mod program;
mod reach;
mod run;
mod run_members;
mod scratch;
mod shell;
#[cfg(target_os = "linux")]
mod spawn;
mod terminal;
mod told;
mod try_threads;
mod variables;

pub use attempt::{Attempt, AttemptEnd, AttemptLaunch};
pub use capture::Captured;
pub use host::{Beside, ProcessHost, RunNews};
pub use launch::{ChangeCommand, Expand, Expanded, JobInputs, Launch, LivenessProbe, Prepare, Prepared};
pub use listener::{listener_on, listens_below};
pub use notify::Notify;
pub use program::{Program, find_for_foreground};
pub use told::{Told, tell_program};
