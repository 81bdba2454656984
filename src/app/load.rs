//! Reading the files of a group as they are meant on this machine: with its variables and the group's own folder.

use std::path::Path;

use super::state_folder;
use crate::config::{self, Diagnostics, Loaded, Owners};

/// Reads and checks the files of a group, if they are those of one of these.
///
/// # Errors
/// All that is wrong with them, or with a variable that is about them; warnings included.
pub fn load_of(file: &Path, owners: Owners) -> Result<Loaded, Diagnostics> {
    config::load_of(file, owners)?
        .in_environment(&|name| std::env::var_os(name), &|spec| state_folder::of_group(spec, state_folder::variable))
}
