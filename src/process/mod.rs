//! The process adapter: terminals, starting, signals, exits, readiness. It knows the operating system and decides
//! nothing.
//!
//! A run begins on one of a few threads: its process is started in a terminal and a session of its own. It has a thread of its
//! own while something happens to it, which feeds the log document with what the terminal says, learns the exit from the
//! process (never from the end of the output), and waits until nobody of the run is left. All runs that are quiet share one
//! thread. What is small and beside the runs (readiness probes, liveness checks, hooks, stop commands, validations) shares
//! another one, which exists only once it is needed. All of them sleep while nothing happens.
//!
//! Architecture invariant: log bytes go from the terminal into the document; only [`RunNews`] goes to the run loop.
//! No process is signalled by a number that may have been given to somebody else.

mod attempt;
mod background_tasks;
mod begin_run;
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
mod quiet_runs;
mod reach;
mod run;
mod run_members;
mod scratch;
mod shell;
#[cfg(target_os = "linux")]
mod spawn;
mod spawners;
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
