//! The wiring: joins the decisions with the adapters, and a group with its client.
//!
//! Architecture invariant: the run loop awaits nothing but its select and does no input or output.

mod background;
mod chronicle;
mod diary;
mod effect_runner;
mod ending;
mod environment;
mod health;
mod history_file;
mod instance;
mod log_files;
mod os_signals;
mod pulse;
mod reload;
mod run_loop;
mod session;
mod state_folder;
mod stderr;
mod stopwatch;
mod stream;

pub use background::Background;
pub use diary::keep_diary;
pub use ending::Ending;
pub use environment::{inherited_by, inside_service_of};
pub use health::{InotifyUse, LastPulse, blindness, inotify_use, last_pulse, leftovers, listener_on, state_folder_of};
pub use instance::{Claim, Occupied, claim};
pub use session::{Face, RunOptions, SessionError, restore_terminal_on_panic, run};
pub use stderr::say;
pub use stream::{LineWriter, StreamOptions, Words};
