//! What a process of a service gets: its environment, and the words of its command with the variables put in.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::at_start::{self, Fault};
use super::env_file::{self, Entry};
use super::expand::{ExpandError, expand};
use super::pipe::Pipes;
use crate::domain::{
    EnvFile, GroupValues, Kind, RunCommand, ServiceName, ServiceSpec, WorkerSpec, port_variables, visible_path,
};

/// A command and the variables to start it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// A list with all variables put in; a text as it is, for the shell.
    pub command: RunCommand,
    /// Every variable once: the inherited ones in their order, then what files and the configuration add.
    pub variables: Vec<(OsString, OsString)>,
}

/// Why a service cannot be started as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// An environment file is unreadable or has a line that is not understood.
    #[error("{}: {reason}", visible_path(file))]
    File {
        /// Path of the environment file, absolute.
        file: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
    /// A variable is missing, or `${…}` holds something else than a variable.
    #[error("{place} of {service}: {reason}")]
    Value {
        /// Name of the service that reads it.
        service: ServiceName,
        /// Where it is used: `the command`, `env.PORT`.
        place: String,
        /// What is wrong, with the name of the variable.
        reason: String,
        /// The variable that is not set, if it is that.
        unset: Option<String>,
    },
}

/// The environment and the command of one start. Environment files are read anew each time; those that are pipes, once
/// for each start (`pipes`), which may wait for five seconds.
///
/// Later ones win: `inherited`, the files in their order, its ports, `env`. `${NAME}` in a file or in `env` sees everything up to
/// there (so `PATH = "bin:${PATH}"` works); in the words of a list it sees everything. The command is `run`, or another
/// command of the service that runs in the same environment (`stop.command`, `ready.cmd`). A text stays as it is: the
/// shell puts the values in, from the same variables, so that no value is read as a piece of the command and none stands
/// in the list of processes. Inherited values that are not UTF-8 are passed on untouched.
///
/// # Errors
/// See [`EnvironmentError`]; each names the file, or the service, the key and the variable.
pub fn environment(
    spec: &ServiceSpec,
    command: &RunCommand,
    inherited: &[(OsString, OsString)],
    pipes: &Pipes,
) -> Result<Environment, EnvironmentError> {
    let variables = variables(spec, inherited, pipes)?;
    let command = at_start::words("the command", command, &|name| variables.get(name));
    let command = command.map_err(|fault| fault.of_service(spec))?;
    Ok(Environment { command, variables: variables.entries })
}

/// Whether a start of the service would get its environment: its files can be read, and each variable that it names is
/// there, in all of its commands, its folder, its address and its checks. To be asked before a run that lives is ended for a
/// new one. What files that are pipes say is kept for that start, if `pipes` are [`Pipes::for_next_start`].
///
/// # Errors
/// What [`environment`] would answer.
pub fn check_environment(
    spec: &ServiceSpec,
    inherited: &[(OsString, OsString)],
    pipes: &Pipes,
) -> Result<(), EnvironmentError> {
    let variables = variables(spec, &with_task(spec, inherited), pipes)?;
    match at_start::faults_of_values(spec, &|name| variables.get(name)).into_iter().next() {
        Some(fault) => Err(fault.of_service(spec)),
        None => Ok(()),
    }
}

/// The names of the variables that the file and its environment files give. What a pipe gives, only a start knows.
///
/// # Errors
/// An environment file cannot be read.
pub fn given_names(spec: &ServiceSpec) -> Result<BTreeSet<String>, EnvironmentError> {
    let mut names: BTreeSet<String> = spec.env.iter().map(|(name, _)| name.clone()).collect();
    for file in &spec.env_files {
        names.extend(read(env_file::in_use(file))?.unwrap_or_default().into_iter().map(|entry| entry.name));
    }
    Ok(names)
}

/// The names of the variables that an environment file gives; `None`: it is a pipe, which only a start reads.
///
/// # Errors
/// It cannot be read.
pub fn names_in(file: &EnvFile) -> Result<Option<BTreeSet<String>>, EnvironmentError> {
    let entries = read(env_file::in_use(file))?;
    Ok(entries.map(|entries| entries.into_iter().map(|entry| entry.name).collect()))
}

/// The variables of a start; `None`: a file is a pipe, which only a start reads.
pub(super) fn values(
    spec: &ServiceSpec,
    inherited: &[(OsString, OsString)],
) -> Result<Option<Variables>, EnvironmentError> {
    if has_pipe(spec)? {
        return Ok(None);
    }
    variables(spec, &with_task(spec, inherited), &Pipes::default()).map(Some)
}

/// Whether an environment file of the service is a pipe, which only a start reads.
///
/// # Errors
/// An environment file cannot be read.
pub fn has_pipe(spec: &ServiceSpec) -> Result<bool, EnvironmentError> {
    let mut has_pipe = false;
    for file in &spec.env_files {
        has_pipe |= read(env_file::in_use(file))?.is_none();
    }
    Ok(has_pipe)
}

/// What is inherited, and for a worker what each try of a task has besides: here of no task in particular.
fn with_task<'a>(spec: &ServiceSpec, inherited: &'a [(OsString, OsString)]) -> Cow<'a, [(OsString, OsString)]> {
    if spec.kind != Kind::Worker {
        return Cow::Borrowed(inherited);
    }
    let of_task = WorkerSpec::VARIABLES.map(|name| (name.into(), "1".into()));
    Cow::Owned([inherited, &of_task].concat())
}

/// `inherited`, then what files and `env` say.
fn variables(
    spec: &ServiceSpec,
    inherited: &[(OsString, OsString)],
    pipes: &Pipes,
) -> Result<Variables, EnvironmentError> {
    let mut variables = Variables::default();
    for (name, value) in inherited {
        variables.set(name, value.clone());
    }
    variables.set(OsStr::new("DEVGROUP_WORKTREE"), spec.values.worktree.to_string().into());
    let ports = port_variables(&spec.ports);
    for (name, number) in &ports {
        variables.set(OsStr::new(name), number.to_string().into());
    }
    for file in spec.env_files.iter().map(env_file::in_use) {
        let why = |error: &ExpandError| match error {
            ExpandError::Unset(name) => spec.values.why_missing(name).unwrap_or_else(|| error.to_string()),
            ExpandError::Malformed(_) => error.to_string(),
        };
        let refused = |reason: String| EnvironmentError::File { file: file.to_owned(), reason };
        let entries = match read(file)? {
            Some(entries) => entries,
            None => pipes.entries(&spec.name, file).map_err(|errors| refused(env_file::summary(&errors)))?,
        };
        // One file for all worktrees cannot say which port a service has in this one.
        let is_port = |entry: &Entry| ports.iter().any(|(name, _)| *name == entry.name);
        for entry in entries.into_iter().filter(|entry| !is_port(entry)) {
            let value = if entry.literal {
                entry.value.into()
            } else {
                let of_group = |name: &str| spec.values.get(name).filter(|_| GroupValues::knows(name));
                expand(&entry.value, &|name| of_group(name).map(OsString::from).or_else(|| variables.get(name)))
                    .map_err(|error| refused(format!("line {}: {}", entry.line, why(&error))))?
            };
            variables.set(OsStr::new(&entry.name), value);
        }
    }
    for (name, value) in &spec.env {
        let value = expand(value, &|name| variables.get(name))
            .map_err(|error| Fault::of(format!("env.{name}"), &error).of_service(spec))?;
        variables.set(OsStr::new(name), value);
    }
    Ok(variables)
}

/// An environment file; `None`: it is a pipe.
fn read(file: &Path) -> Result<Option<Vec<Entry>>, EnvironmentError> {
    env_file::read(file)
        .map_err(|errors| EnvironmentError::File { file: file.to_owned(), reason: env_file::summary(&errors) })
}

/// Variables in the order in which they were first set.
#[derive(Default)]
pub(super) struct Variables {
    entries: Vec<(OsString, OsString)>,
    places: HashMap<OsString, usize>,
}

impl Variables {
    /// The value of a variable.
    pub(super) fn get(&self, name: &str) -> Option<OsString> {
        let place = *self.places.get(OsStr::new(name))?;
        self.entries.get(place).map(|(_, value)| value.clone())
    }

    fn set(&mut self, name: &OsStr, value: OsString) {
        match self.places.get(name).and_then(|place| self.entries.get_mut(*place)) {
            Some(entry) => entry.1 = value,
            None => {
                self.places.insert(name.to_owned(), self.entries.len());
                self.entries.push((name.to_owned(), value));
            }
        }
    }
}
