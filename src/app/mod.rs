//! The wiring: joins the decisions with the adapters, and a group with its client.
//!
//! Architecture invariant: the run loop awaits nothing but its select and does no input or output.

mod alerts;
mod background;
mod effect_runner;
mod ending;
mod environment;
mod event_recorder;
mod foreground;
mod group_run;
mod health;
mod history_file;
mod instance;
mod job_inputs;
mod job_lock;
mod load;
mod log_files;
mod os_signals;
mod own_log;
mod port_claims;
mod preferences;
mod reload;
mod run_loop;
mod state_folder;
mod status_file;
mod stderr;
mod stopwatch;
mod stream;
mod viewer;
mod web_desk;
mod workers;

pub use crate::tui::{
    DashboardOptions, clipboard_programs, key_table_text, leave_sequence, open_address, warm_up as warm_up_dashboard,
};
pub use crate::watch::branch_of;
pub use alerts::{UserAlerts, alert_programs, alerts_are_off, test_alerts};
pub use background::{BY_KEY, Background};
pub use ending::Ending;
pub use environment::{inherited_by, inside_service_of, is_foreground_of};
pub use foreground::{ForegroundCommand, NotExecutable};
pub use group_run::{Frontend, GroupRunError, RunOptions, restore_terminal_on_panic, run};
pub use health::{
    InotifyUse, LastStatus, blindness, inotify_use, last_status, leftovers, listener_on, listens_below, state_folder_of,
};
pub use history_file::remember;
pub use instance::{Claim, Occupied, claim, guard_of};
pub use job_inputs::{InputsNow, inputs_now, missing_inputs, unreadable_inputs};
pub use job_lock::{JobLock, lock_job, runs_in_terminal};
pub use load::load_of;
pub use own_log::{LogFormat, OwnLogOptions, finish_file as finish_own_log, set_own_log, start_logger, tell_end};
pub use port_claims::with_ports_of_now;
pub use preferences::{alerts_of_user, apply_preferences};
pub use stderr::write_stderr_line;
pub use stream::StreamForm;
pub use viewer::{ViewEnd, ViewError, view_group};
pub use web_desk::WebOptions;
