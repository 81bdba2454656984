//! `procgroup.toml` → a validated [`GroupSpec`](crate::domain::GroupSpec), with diagnostics that point at the text.
//!
//! The way of a file: `syntax` makes a tree with the place of every value, `group` and `service` walk it by the tables in
//! `keys` and fill a `draft` of each service, `check` looks at what only several values together can get wrong. None of
//! them stops at a mistake: all problems of a file are reported at once, each by a [`Diagnostic`].
//!
//! Architecture invariant: nothing here starts a process or changes a file. The disk is only read: the file itself,
//! environment files, and whether a `dir` exists.

mod alerts;
mod at_start;
mod check;
mod checkout;
mod command_name;
mod diagnostic;
mod draft;
mod env_file;
mod env_file_key;
mod environment;
mod expand;
mod export;
mod find;
mod foreign;
mod form;
mod gather;
mod group;
mod instances;
mod keys;
mod laid_over;
mod load;
mod local;
mod metrics;
mod peers;
mod pipe;
mod place;
mod ports;
mod preferences;
mod probe;
mod problems;
mod references;
mod render;
mod schedule;
mod schema;
mod selection;
mod service;
mod several_files;
mod shell_text;
mod sources;
mod syntax;
mod task_text;
mod task_variables;
#[cfg(test)]
mod tests;
mod trust;
mod unmatched_watch;
mod unset;
mod values;
mod web;
mod worker;
mod writable;

// The keys of task files are read by the same rules, and the pure floor cannot import this one.
use crate::domain::{near, units};

pub use at_start::{checks_now, expanded, folder};
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity};
pub use environment::{Environment, EnvironmentError, check_environment, environment, given_names, has_pipe, names_in};
pub use find::{Found, find, find_nearest};
pub use load::{FILE_NAME, Loaded, load, load_of, parse, service_names, service_words};
pub use near::{any_of, near};
pub use pipe::Pipes;
pub use preferences::{
    Binding, KeyWords, LayoutChoice, NotificationChoice, Preferences, ThemeChoice, load_preferences, preferences_file,
};
pub use references::with_group_values;
pub use render::RenderStyle;
pub use schema::schema;
pub use selection::{Selection, SelectionError, select};
pub use sources::Prints;
pub use task_variables::TaskVariable;
pub use trust::{Foreign, Owners, consent};
pub use units::parse_duration;
