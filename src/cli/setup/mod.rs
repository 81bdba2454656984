//! The commands that make files: a first procgroup.toml, the schema, completions, manual pages.

mod arguments;
mod completions;
mod init;
mod man;

pub(super) use arguments::SetupTask;
pub(super) use completions::complete;

use super::arguments::Place;
use super::exit_code::Failure;
use super::print;
use crate::config;

/// Carries a command out. The result is the exit code.
pub(super) fn run(task: SetupTask, place: &Place) -> Result<u8, Failure> {
    match task {
        SetupTask::Init(arguments) => return init::run(&arguments, place),
        SetupTask::Schema => print(&format!("{:#}\n", config::schema()))?,
        SetupTask::Completions { shell } => print(&completions::script(&shell)?)?,
        SetupTask::Man { command, dir: None } => print(&man::page(command.as_deref())?)?,
        SetupTask::Man { dir: Some(folder), .. } => man::write(&folder)?,
    }
    Ok(0)
}
