//! The dashboard: a client of the group that draws it and turns keys into commands.
//!
//! Bytes of the terminal become keys and clicks (`input`), these become actions by the key table (`keymap`), actions
//! change what the user sees or become commands (`ui_state`), and drawing is a function of that state, the snapshot of
//! the group and the visible lines (`view`).
//!
//! A dashboard is drawn for the terminal of this process, or for one that is elsewhere (`host_terminal`); `viewer`
//! is the other end of that: it has the terminal, and decides nothing.
//!
//! Architecture invariant: drawing changes nothing; and the dashboard's thread is the only one that waits for the
//! terminal, so a terminal that does not read stalls nothing else.

mod action;
mod addresses;
mod attachment_loop;
mod clipboard;
mod dashboard;
mod desktop;
mod editor;
mod file_places;
mod find;
#[cfg(test)]
mod fixture;
mod folding;
mod glyphs;
mod host_terminal;
mod ink;
mod input;
mod keymap;
mod known_errors;
mod last_answer;
mod layout;
mod line_edit;
mod links;
mod log_view;
mod message;
mod no_instances;
mod notify;
mod options;
mod panel;
mod ranking;
mod saved_log;
mod searcher;
mod selection;
mod service_filter;
mod sidebar_rows;
mod sizing;
mod source;
mod terminal;
mod text;
mod theme;
mod ticks;
mod tones;
mod typing;
mod ui_state;
mod unseen;
mod view;
mod viewer;
mod words;
#[cfg(test)]
mod worker_fixture;
mod worker_words;

pub use clipboard::clipboard_programs;
pub use dashboard::{Dashboard, THREAD_NAME, attach, warm_up};
pub use desktop::open_address;
pub use keymap::{
    KEY_NAMES, KeyBinding, bind_keys, key_actions, key_contexts, key_problem, key_table_markdown, key_table_text,
};
pub use layout::{Arrangement, pane_size};
pub use options::{DashboardOptions, Preferred};
pub use sizing::Sizing;
pub use terminal::{leave_sequence, restore_terminal};
pub use view::TIME_ENDS;
pub use viewer::{Parting, Viewer, abilities, show};
