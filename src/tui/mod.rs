//! The dashboard: a client of the group that draws it and turns keys into commands.
//!
//! Keys and clicks become actions ([`action`]), actions change the state of the screen or become commands
//! ([`ui_state`]), and drawing is a function of that state, the snapshot of the group and the visible lines ([`view`]).
//!
//! Architecture invariant: drawing changes nothing; the dashboard's thread is the only one that waits for the terminal,
//! so a terminal that does not read stalls nothing else.

mod dashboard;
mod layout;
mod options;
mod own_log;
mod terminal;

pub use dashboard::Dashboard;
pub use layout::pane_size;
pub use options::{DashboardOptions, GlyphSet};
pub use own_log::keep_own_log;
pub use terminal::restore_terminal;
