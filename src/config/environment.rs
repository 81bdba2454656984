//! What a process of a service gets: its environment, and its command with the variables put in.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::env_file;
use super::expand::{Unknown, expand};
use crate::domain::{RunCommand, ServiceName, ServiceSpec};

/// A command and the variables to start it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// With all variables put in.
    pub command: RunCommand,
    /// Every variable once: the inherited ones in their order, then what files and the configuration add.
    pub variables: Vec<(OsString, OsString)>,
}

/// Why a service cannot be started as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// An environment file is unreadable or has a line that is not understood.
    #[error("{}: {reason}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
    /// A variable is missing, or `${…}` holds something else than a variable.
    #[error("{place} of {service}: {reason}")]
    Value {
        /// Whose.
        service: ServiceName,
        /// Where it is used: `the command`, `env.PORT`.
        place: String,
        /// What is wrong, with the name of the variable.
        reason: String,
    },
}

/// The environment and the command of one start. Environment files are read anew each time.
///
/// Later ones win: `inherited`, the files in their order, `env`. `${NAME}` in a file or in `env` sees everything up to
/// there (so `PATH = "bin:${PATH}"` works); in the command it sees everything. The command is `run`, or another command
/// of the service that runs in the same environment (`stop.command`, `ready.cmd`). In the text of a shell command a
/// variable that nobody knows stays as it is, for the shell; everywhere else it is an error. Inherited values that are
/// not UTF-8 are passed on untouched.
///
/// # Errors
/// See [`EnvironmentError`]; each names the file, or the service, the key and the variable.
pub fn environment(
    spec: &ServiceSpec,
    command: &RunCommand,
    inherited: &[(OsString, OsString)],
) -> Result<Environment, EnvironmentError> {
    let mut variables = Variables::default();
    for (name, value) in inherited {
        variables.set(name, value.clone());
    }
    for file in &spec.env_files {
        let refused = |reason: String| EnvironmentError::File { file: file.clone(), reason };
        for entry in env_file::read(file).map_err(|error| refused(error.to_string()))? {
            let value = if entry.literal {
                entry.value.into()
            } else {
                expand(&entry.value, Unknown::Refuse, &|name| variables.get(name))
                    .map_err(|error| refused(format!("line {}: {error}", entry.line)))?
            };
            variables.set(OsStr::new(&entry.name), value);
        }
    }
    let refused = |place: String, reason: String| EnvironmentError::Value { service: spec.name.clone(), place, reason };
    for (name, value) in &spec.env {
        let value = expand(value, Unknown::Refuse, &|name| variables.get(name))
            .map_err(|error| refused(format!("env.{name}"), error.to_string()))?;
        variables.set(OsStr::new(name), value);
    }
    let put_in = |text: &str, unknown| {
        // A command is text: a variable that is none stays for the shell, or is missing.
        let lookup = |name: &str| variables.get(name).filter(|value| value.to_str().is_some());
        expand(text, unknown, &lookup)
            .map(|value| value.to_string_lossy().into_owned())
            .map_err(|error| refused("the command".into(), error.to_string()))
    };
    let command = match command {
        RunCommand::Shell(text) => RunCommand::Shell(put_in(text, Unknown::Keep)?),
        RunCommand::Argv(argv) => {
            RunCommand::Argv(argv.iter().map(|word| put_in(word, Unknown::Refuse)).collect::<Result<_, _>>()?)
        }
    };
    Ok(Environment { command, variables: variables.entries })
}

/// Variables in the order in which they were first set.
#[derive(Default)]
struct Variables {
    entries: Vec<(OsString, OsString)>,
    places: HashMap<OsString, usize>,
}

impl Variables {
    fn get(&self, name: &str) -> Option<OsString> {
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
