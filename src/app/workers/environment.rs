//! What a try of a task gets: the environment of its worker, made anew for each try, and the task in it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::environment;
use crate::config::{self, Pipes};
use crate::domain::task::DESCRIPTION_IN_ARGUMENTS;
use crate::domain::{RunCommand, RunId, ServiceSpec, TaskId};
use crate::process::{Prepare, Prepared};

/// What the tries of a worker's run have in common.
#[derive(Clone)]
pub(crate) struct TryEnvironment {
    pub(crate) spec: Arc<ServiceSpec>,
    pub(crate) run: RunId,
    pub(crate) inherited: Arc<[(OsString, OsString)]>,
    pub(crate) group: Arc<str>,
    pub(crate) socket: Option<Arc<Path>>,
    /// Files that are pipes are read once, when the worker is started.
    pub(crate) pipes: Pipes,
}

/// A task, as its try is told of it.
#[derive(Clone, Debug)]
pub(super) struct TaskVariables {
    pub(super) id: TaskId,
    /// Which try it is, from 1.
    pub(super) number: u32,
    /// Its file, claimed.
    pub(super) file: PathBuf,
    pub(super) description: Arc<str>,
}

const ID: &str = "TASK_ID";
const WORKER: &str = "TASK_WORKER";
const TRY: &str = "TASK_TRY";
const FILE: &str = "TASK_FILE";
const DESCRIPTION: &str = "TASK_DESCRIPTION";

/// All of them: a try of another task may be around us.
const NAMES: [&str; 5] = [ID, WORKER, TRY, FILE, DESCRIPTION];

/// What is said of a task where there is none yet: whoever only wants to know whether a try could be started.
pub(crate) fn placeholders() -> impl Iterator<Item = (OsString, OsString)> {
    NAMES.iter().map(|name| (name.into(), OsString::new()))
}

impl TryEnvironment {
    /// What a command of the worker is started with for a try of this task. `serial`: no other try of this run has it.
    pub(super) fn of_try(&self, command: &RunCommand, task: TaskVariables, serial: u64) -> Prepare {
        let (common, command) = (self.clone(), command.clone());
        Arc::new(move || {
            let TryEnvironment { spec, run, inherited, group, socket, pipes } = &common;
            let own = |variables: &mut Vec<(OsString, OsString)>| {
                // Each try is known by a mark of its own, which begins as that of a run of this group.
                environment::mark(variables, group, socket.as_deref(), spec, &format_args!("{run}.{serial}"));
                variables.retain(|(name, _)| !NAMES.iter().any(|task| name == OsStr::new(task)));
                variables.extend(task.variables(spec));
            };
            let mut known = inherited.to_vec();
            own(&mut known);
            let resolved = config::environment(spec, &command, &known, pipes).map_err(|error| error.to_string())?;
            let mut env = resolved.variables;
            // No file takes these away.
            own(&mut env);
            Ok(Prepared { command: resolved.command, env })
        })
    }
}

impl TaskVariables {
    fn variables(&self, worker: &ServiceSpec) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<(OsString, OsString)> = vec![
            (ID.into(), self.id.as_str().into()),
            (WORKER.into(), worker.name.as_str().into()),
            (TRY.into(), self.number.to_string().into()),
            (FILE.into(), self.file.clone().into()),
        ];
        // The system takes no longer ones, and then starts nothing: it is on the standard input in any case.
        if self.description.len() <= DESCRIPTION_IN_ARGUMENTS {
            variables.push((DESCRIPTION.into(), (*self.description).into()));
        }
        variables
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ServiceName;
    use crate::process_tree::MARK;

    fn prepared(description: &str, run: RunCommand) -> Result<Prepared, String> {
        let mut spec = ServiceSpec::new(ServiceName::new("marie"), run.clone(), "/".into());
        spec.env = vec![("TASK_ID".into(), "mine".into()), ("ALSO".into(), "${TASK_ID}".into())];
        let inherited = [("TASK_DESCRIPTION", "of another"), ("HOME", "/root")];
        let common = TryEnvironment {
            spec: Arc::new(spec),
            run: RunId(3),
            inherited: inherited.map(|(name, value)| (name.into(), value.into())).into(),
            group: "key".into(),
            socket: None,
            pipes: Pipes::default(),
        };
        let id = TaskId::parse("t-1").unwrap();
        let (file, description) = ("/tasks/t-1.task.json".into(), description.into());
        common.of_try(&run, TaskVariables { id, number: 2, file, description }, 17)()
    }

    fn value<'a>(prepared: &'a Prepared, name: &str) -> Option<&'a str> {
        let mut values =
            prepared.env.iter().filter(|(found, _)| found == name).map(|(_, value)| value.to_str().unwrap());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    }

    #[test]
    fn a_try_is_told_of_its_task_and_nothing_in_a_description_is_read_as_more_than_text() {
        let hostile = "$(touch pwned) ${HOME} '\"\n; rm -rf /";
        let list = RunCommand::Argv(vec!["agent".into(), "-p".into(), "${TASK_DESCRIPTION}".into()]);
        let prepared = prepared(hostile, list).unwrap();
        assert_eq!(prepared.command, RunCommand::Argv(vec!["agent".into(), "-p".into(), hostile.into()]));
        for (name, expected) in [
            (ID, Some("t-1")),
            (WORKER, Some("marie")),
            (TRY, Some("2")),
            (FILE, Some("/tasks/t-1.task.json")),
            (DESCRIPTION, Some(hostile)),
            ("ALSO", Some("mine")),
            ("DEVGROUP_SERVICE", Some("marie")),
        ] {
            assert_eq!(value(&prepared, name), expected, "{name}");
        }
        assert_eq!(value(&prepared, MARK), Some(format!("key-{}-3.17-marie", std::process::id()).as_str()));
    }

    #[test]
    fn a_long_description_is_on_the_standard_input_only() {
        let text = RunCommand::Shell("cat".into());
        let at_most = prepared(&"x".repeat(DESCRIPTION_IN_ARGUMENTS), text.clone()).unwrap();
        assert!(value(&at_most, DESCRIPTION).is_some());
        assert_eq!(value(&prepared(&"x".repeat(DESCRIPTION_IN_ARGUMENTS + 1), text).unwrap(), DESCRIPTION), None);
    }
}
