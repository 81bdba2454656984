//! A job, or any command with the environment of a service, in the terminal of the user: what is executed, where, and with
//! what. (`devgroup run`, `devgroup exec`)

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::job_inputs::Inputs;
use super::{environment, state_folder};
use crate::config::{self, Pipes};
use crate::control::group_key;
use crate::domain::{GroupSpec, RunCommand, ServiceSpec, UnchangedInputs, visible_path};
use crate::guard::foreground_command::Foregrounded;
use crate::process::{self, JobInputs, Prepared};

/// Why a command cannot be executed: the exit code that a shell would give, and for people.
pub type NotExecutable = (u8, String);

/// The environment cannot be made, or the service has no folder.
const CANNOT_START: u8 = 126;

/// A command of a service, for the terminal of the user.
pub struct ForegroundCommand {
    /// What is executed.
    pub program: Foregrounded,
    /// Where it is executed; absolute.
    pub dir: PathBuf,
    inputs: Option<Arc<dyn JobInputs>>,
    unchanged: Option<UnchangedInputs>,
}

impl ForegroundCommand {
    /// The command of a job, with more words. `socket`: of the group that runs.
    ///
    /// # Errors
    /// It cannot be executed.
    pub fn of_job(
        group: &GroupSpec,
        job: &Arc<ServiceSpec>,
        more: &[OsString],
        socket: Option<&Path>,
    ) -> Result<Self, NotExecutable> {
        let (prepared, dir) = prepare(group, job, &job.run, socket)?;
        let command = match &prepared.command {
            RunCommand::Shell(text) => RunCommand::Shell(with_arguments(text, more)),
            list @ RunCommand::Argv(_) => list.clone(),
        };
        let mut program = process::find_for_foreground(&command, &dir, &prepared.env)?;
        if let (RunCommand::Shell(_), [_, ..]) = (&command, more) {
            // What messages of the shell begin with.
            program.argv.push("sh".into());
        }
        program.argv.extend(more.iter().cloned());
        let folder = state_folder::of_group(group, state_folder::variable).ok();
        let inputs = Inputs::of(job, folder.as_deref());
        let seen = inputs.as_ref().and_then(|inputs| inputs.look(&prepared));
        let unchanged = seen.filter(|_| more.is_empty());
        let program = Foregrounded { path: program.path, argv: program.argv, env: prepared.env };
        // With other arguments nobody knows what a success means for the next run.
        Ok(Self { program, dir, unchanged, inputs })
    }

    /// Any command, with the environment and in the folder of a service.
    ///
    /// # Errors
    /// It cannot be executed.
    pub fn beside(
        group: &GroupSpec,
        service: &ServiceSpec,
        command: &[OsString],
        socket: Option<&Path>,
    ) -> Result<Self, NotExecutable> {
        let Some((name, more)) = command.split_first() else { return Err((CANNOT_START, "no program given".into())) };
        let Some(name) = name.to_str() else {
            return Err((CANNOT_START, format!("the name of the program is not UTF-8: {}", visible_path(name))));
        };
        // The words are as they were typed: nothing is put in.
        let (prepared, dir) = prepare(group, service, &RunCommand::Shell(String::new()), socket)?;
        let word = RunCommand::Argv(vec![name.to_owned()]);
        let mut program = process::find_for_foreground(&word, &dir, &prepared.env)?;
        program.argv.extend(more.iter().cloned());
        let program = Foregrounded { path: program.path, argv: program.argv, env: prepared.env };
        Ok(Self { program, dir, inputs: None, unchanged: None })
    }

    /// That the inputs of the job are as at its last success, if they are.
    pub fn unchanged(&self) -> Option<&UnchangedInputs> {
        self.unchanged.as_ref()
    }

    /// It is executed now: its last success counts no more. `with_arguments`: more words of the command line.
    pub fn begins(&self, with_arguments: bool) {
        self.inputs.iter().for_each(|inputs| inputs.begins(with_arguments));
    }

    /// It has ended with 0, without words of its own.
    pub fn succeeded(&self) {
        self.inputs.iter().for_each(|inputs| inputs.succeeded());
    }
}

/// The environment of a start, as it would be now, and the folder. What the terminal has stays: it is the user's own.
pub(super) fn prepare(
    group: &GroupSpec,
    service: &ServiceSpec,
    command: &RunCommand,
    socket: Option<&Path>,
) -> Result<(Prepared, PathBuf), NotExecutable> {
    let cannot = |error: config::EnvironmentError| (CANNOT_START, error.to_string());
    let key = group_key(&group.file);
    let mark = |variables: &mut Vec<(OsString, OsString)>| {
        environment::mark_foreground(variables, &key, socket, service);
    };
    let mut known: Vec<_> = std::env::vars_os().collect();
    mark(&mut known);
    let made = config::environment(service, command, &known, &Pipes::default()).map_err(cannot)?;
    let mut env = made.variables;
    // No file takes these away.
    mark(&mut env);
    let dir = config::folder(service, &env).map_err(cannot)?;
    Ok((Prepared { command: made.command, env }, dir))
}

/// A text for the shell, with its arguments behind it, as a shell appends them. A text that says itself where they go is
/// left as it is.
fn with_arguments(text: &str, more: &[OsString]) -> String {
    let places = ["$@", "$*", "${@", "${*", "$1", "${1", "$#"];
    if more.is_empty() || places.iter().any(|place| text.contains(place)) {
        return text.to_owned();
    }
    format!("{} \"$@\"", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_a_text_come_last_unless_it_has_a_place_for_them() {
        let more = [OsString::from("--seed"), "a b".into()];
        assert_eq!(with_arguments("migrate up\n", &more), "migrate up \"$@\"");
        assert_eq!(with_arguments("migrate up", &[]), "migrate up");
        for text in ["migrate \"$@\" | tee log", "set -e; migrate \"$1\"", "echo ${@:2}"] {
            assert_eq!(with_arguments(text, &more), text);
        }
    }
}
