//! `devgroup task add`: files for a worker, checked by its own rules before the first of them is written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::super::exit_code::Failure;
use super::super::json::line as json_line;
use super::super::{print, print_message};
use super::arguments::AddArguments;
use super::new_task::{Described, NewFile, new_id};
use super::store::{self, NotPut};
use super::task_input;
use super::wait::Wanted;
use super::workers::{Worker, Workers};
use crate::control;
use crate::domain::{TaskId, count, path_text};
use crate::task_folder;

/// Ids that are drawn until one is free. More is no bad luck any more.
const DRAWS: usize = 8;

/// What has been added.
#[derive(Serialize)]
struct Report<'t> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<&'t str>,
    tasks: Vec<Added<'t>>,
}

#[derive(Serialize)]
struct Added<'t> {
    task_id: &'t str,
    worker: &'t str,
    /// Where it waits.
    file: String,
}

/// What is to be added.
struct NewTasks {
    files: Vec<NewFile>,
    batch: Option<TaskId>,
}

/// Adds them, and waits for them if that is asked for. The result is the exit code.
pub(super) fn run(arguments: &AddArguments, workers: &Workers) -> Result<u8, Failure> {
    let worker = workers.named(&arguments.worker)?;
    let new = match &arguments.file {
        Some(file) => of_input(worker, file)?,
        None => described(worker, arguments, text(arguments)?)?,
    };
    let paths = write(worker, &new.files)?;
    let batch = new.batch.as_ref().map(TaskId::as_str);
    if !arguments.json {
        match batch {
            Some(batch) => print(&format!("{batch}\n"))?,
            None => print(&new.files.iter().map(|file| format!("{}\n", file.id)).collect::<String>())?,
        }
    }
    if let Some(nobody) = nobody_works(worker, new.files.len()).filter(|_| !arguments.json) {
        print_message(&nobody);
    }
    if arguments.wait {
        let wanted = new.files.iter().map(|file| Wanted { worker, id: file.id.clone() }).collect();
        return super::wait_for(wanted, None, batch, arguments.json);
    }
    if arguments.json {
        print(&json_line(&report(worker, &new, &paths))?)?;
    }
    Ok(0)
}

/// Adds the task with this text that the options describe; for a reader, and for programs.
pub(super) fn add(arguments: &AddArguments, text: String, workers: &Workers) -> Result<(String, Value), Failure> {
    let worker = workers.named(&arguments.worker)?;
    let new = described(worker, arguments, text)?;
    let paths = write(worker, &new.files)?;
    let ids = new.files.iter().map(|file| format!("{}\n", file.id)).collect::<String>();
    let nobody = nobody_works(worker, new.files.len()).map(|nobody| nobody + "\n").unwrap_or_default();
    let value = serde_json::to_value(report(worker, &new, &paths));
    Ok((ids + &nobody, value.map_err(|error| Failure::Unexpected(error.to_string()))?))
}

fn report<'t>(worker: &'t Worker, new: &'t NewTasks, paths: &[PathBuf]) -> Report<'t> {
    let tasks = new.files.iter().zip(paths).map(|(file, path)| Added {
        task_id: file.id.as_str(),
        worker: worker.name().as_str(),
        file: path_text(path).into_owned(),
    });
    Report { version: control::VERSION, batch: new.batch.as_ref().map(TaskId::as_str), tasks: tasks.collect() }
}

/// That tasks wait until their worker runs, if they do.
fn nobody_works(worker: &Worker, tasks: usize) -> Option<String> {
    if worker.spec.remote || task_folder::is_worked_off(&worker.spec.folders, worker.name()) {
        return None;
    }
    let what = if tasks == 1 { "the task waits" } else { "the tasks wait" };
    let name = worker.name();
    Some(format!("no group is running {name} now: {what} until one does"))
}

/// What is to be done.
fn text(arguments: &AddArguments) -> Result<String, Failure> {
    match arguments.text.as_slice() {
        [dash] if dash == "-" => task_input::read(Path::new("-")),
        words => Ok(words.join(" ")),
    }
}

/// The task, or the batch, that the options describe.
fn described(worker: &Worker, arguments: &AddArguments, text: String) -> Result<NewTasks, Failure> {
    let mut described = Described {
        worker: worker.name().to_string(),
        text,
        timeout: arguments.timeout,
        priority: arguments.priority.clone(),
        after: arguments.after.clone(),
        ..Described::default()
    };
    for (key, value) in &arguments.meta {
        if arguments.batch.is_some() && key == "batch" {
            return Err(Failure::Usage("--batch names the batch: leave `--meta batch=…` out".into()));
        }
        if described.metadata.insert(key.clone(), value.clone()).is_some() {
            return Err(Failure::Usage(format!("--meta has `{key}` twice")));
        }
    }
    let cannot = |error: serde_json::Error| Failure::Unexpected(error.to_string());
    let letter = if arguments.batch.is_some() { 'b' } else { 't' };
    for _ in 0..DRAWS {
        let Some(id) = arguments.id.clone().or_else(|| new_id(letter)) else { break };
        let (files, batch) = match arguments.batch {
            None => (vec![described.file(&id).map_err(cannot)?], None),
            Some(count) => {
                let files = described.files_of_batch(&id, count);
                let too_long = || Failure::Usage(format!("--id {id} leaves no room for the numbers of the batch"));
                (files.ok_or_else(too_long)?.map_err(cannot)?, Some(id))
            }
        };
        for file in &files {
            store::check(worker, file).map_err(Failure::Usage)?;
        }
        match (first_taken(worker, &files)?, &arguments.id) {
            (None, _) => return Ok(NewTasks { files, batch }),
            (Some((id, state)), Some(_)) => return Err(taken(worker, &id, state)),
            // Somebody has drawn the same one in the same millisecond.
            (Some(_), None) => {}
        }
    }
    Err(Failure::Unexpected("found no free id\n  help: choose one with --id".into()))
}

/// The tasks of a file, as their bytes stand there.
fn of_input(worker: &Worker, file: &Path) -> Result<NewTasks, Failure> {
    let name = task_input::name(file);
    let text = task_input::read(file)?;
    let wrong = |line: usize, message: &str| Failure::Usage(format!("{name}:{line}: {message}"));
    let found = task_input::tasks(&text).map_err(|problem| wrong(problem.line, &problem.message))?;
    if found.is_empty() {
        return Err(Failure::Usage(format!("no tasks in {name}\n  help: write a JSON object for each")));
    }
    let drawn = new_id('t').ok_or_else(|| Failure::Unexpected("found no free id".into()))?;
    let width = found.len().to_string().len();
    let mut files = Vec::with_capacity(found.len());
    let mut lines: HashMap<TaskId, usize> = HashMap::new();
    for (index, task) in found.iter().enumerate() {
        // What has no id of its own is named by its file.
        let own = if found.len() == 1 { drawn.to_string() } else { format!("{drawn}-{:0width$}", index + 1) };
        let bytes = format!("{}\n", task.text).into_bytes();
        let id = store::id_of(worker, &bytes, &own).map_err(|problem| wrong(task.line, &problem))?;
        if let Some(before) = lines.insert(id.clone(), task.line) {
            return Err(wrong(task.line, &format!("`{id}` is the id of the task in line {before} as well")));
        }
        files.push(NewFile { id, bytes });
    }
    match first_taken(worker, &files)? {
        None => Ok(NewTasks { files, batch: None }),
        Some((id, state)) => Err(taken(worker, &id, state)),
    }
}

/// The first of these whose id waits, runs or has a result.
fn first_taken(worker: &Worker, files: &[NewFile]) -> Result<Option<(TaskId, &'static str)>, Failure> {
    for file in files {
        if let Some(state) = store::holder_of(worker, &file.id)? {
            return Ok(Some((file.id.clone(), state)));
        }
    }
    Ok(None)
}

fn taken(worker: &Worker, id: &TaskId, state: &str) -> Failure {
    let worker = worker.name();
    Failure::Usage(format!(
        "{worker} has a task {id} already; it is {state}\n  help: `devgroup task show {id}` shows it, `devgroup task drop {id}` \
         frees its id once it has ended"
    ))
}

/// Writes all of them, and says how far it came if it cannot.
fn write(worker: &Worker, files: &[NewFile]) -> Result<Vec<PathBuf>, Failure> {
    let (paths, stopped) = store::put_all(worker, files);
    let Some(stopped) = stopped else { return Ok(paths) };
    if !paths.is_empty() {
        print(&files.iter().take(paths.len()).map(|file| format!("{}\n", file.id)).collect::<String>())?;
        let all = count(files.len(), "task");
        print_message(&format!("only {} of {all} were added: those whose ids were printed", paths.len()));
    }
    Err(match stopped {
        NotPut::Taken(id) => taken(worker, &id, "waiting"),
        NotPut::Failed(trouble) => store::failure(&trouble),
    })
}
