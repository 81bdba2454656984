//! The decisions: one synchronous state machine that is given an event and the time, and returns effects.
//!
//! Architecture invariant: nothing here reads a clock, sleeps, locks or does input or output. The same events give the
//! same effects.
//!
//! The rooms: `machine` takes an event in and hands the orders out; `reconcile` is the one place that starts runs;
//! `next_start` says why the next one happens, and `cascade` who goes along; `runs` says what news of a run means,
//! `commands` what clients may do, `changes` what files do and `on_change` what is done instead of a restart, `reload` what
//! a new `procgroup.toml` does; `restart_manager` keeps changes until they are decided, `quiet` says when they have been
//! quiet, `rate_limit` how long they wait so soon after a start, `holds` who keeps whose, `questions` which comparisons are
//! waited for, `git_gate` when git holds, `going_on` what is still to come; `validation` asks before a run is replaced, and `liveness` whether it is stuck;
//! `places` is how many may start at once; `timetable` is when jobs run by their schedule, and `wall` the clock that they go
//! by; `losses` tells who depends on what has failed; `alerts` says what of all that is told to one who does not look; `run_history` is what is remembered of runs; `stop_ladder` ends runs and
//! `shutdown` the group; `backoff` and `breaker` say when to try again; `view` is what clients see; `invariants` is what
//! always holds. `tasks` is a machine of its own, for the task files of workers.

mod alerts;
mod backoff;
mod batch;
mod breaker;
mod cascade;
mod changes;
mod commands;
mod effect;
mod elsewhere;
mod event;
mod git_gate;
mod going_on;
mod graph;
mod held_file;
mod holds;
mod invariants;
mod liveness;
mod losses;
mod machine;
mod memory_limit;
mod next_start;
mod on_change;
mod path_set;
mod places;
mod questions;
mod quiet;
mod rate_limit;
mod reconcile;
mod reload;
mod restart_manager;
mod restarts;
mod run;
mod run_history;
mod runs;
mod service;
mod shutdown;
mod stop_ladder;
pub mod tasks;
#[cfg(test)]
mod tests;
mod timetable;
mod turn;
mod validation;
mod view;
mod wall;

pub use alerts::{AlertPace, Alerts};
pub use effect::{Effect, Finish};
pub use event::Event;
pub use machine::Engine;
