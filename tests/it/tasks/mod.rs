//! Workers that work off task files: the real program with real folders.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Project, Stream, wait_for};

mod batches;
mod dashboard;
mod endings;
mod example;
mod folders;
mod hostile;
mod kills;
mod owners;
mod troubles;

/// The folders of a project's workers, from its root.
pub(crate) const DIR: &str = "shared";

/// A project whose worker `marie` runs this, with more keys. Nothing in the text may need an escape in TOML.
pub(crate) fn project(run: &str, keys: &str) -> Project {
    let worker = format!("[services.marie]\nkind = \"worker\"\nrun = {run}\n{keys}\n");
    Project::new(&format!("[tasks]\ndir = \"{DIR}\"\n{worker}"))
}

/// Drops a task for `marie` by a rename, as producers do that want it whole from its first moment.
pub(crate) fn drop_task(project: &Project, id: &str, description: &str) {
    drop_with(project, id, &serde_json::json!({ "task_id": id, "worker": "marie", "description": description }));
}

/// The same with all keys.
pub(crate) fn drop_with(project: &Project, name: &str, task: &Value) {
    drop_text(project, name, &task.to_string());
}

/// The same with these bytes.
pub(crate) fn drop_text(project: &Project, name: &str, task: &str) {
    let folder = path(project, "tasks/marie");
    fs::create_dir_all(&folder).unwrap();
    let begun = folder.join(format!(".{name}.begun"));
    fs::write(&begun, task).unwrap();
    fs::rename(begun, folder.join(format!("{name}.json"))).unwrap();
}

/// A path in the folders of tasks.
pub(crate) fn path(project: &Project, below: &str) -> PathBuf {
    project.path(DIR).join(below)
}

/// A file in JSON; null while it is not there.
pub(crate) fn json(path: &Path) -> Value {
    fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// The result of a task of `marie`; null while there is none.
pub(crate) fn result(project: &Project, id: &str) -> Value {
    json(&path(project, &format!("results/marie/{id}.json")))
}

/// Its dead letter.
pub(crate) fn letter(project: &Project, id: &str) -> Value {
    json(&path(project, &format!("dlq/marie/{id}.json")))
}

/// The names of the files in a folder of tasks, but for hidden ones.
pub(crate) fn names(project: &Project, below: &str) -> Vec<String> {
    let entries = fs::read_dir(path(project, below)).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// What is claimed: the ids.
pub(crate) fn claimed(project: &Project) -> Vec<String> {
    let claims = names(project, "tasks/marie/.work").into_iter();
    claims.filter_map(|name| Some(name.strip_suffix(".task.json")?.to_owned())).collect()
}

/// Waits until a task has a result.
pub(crate) fn wait_for_result(project: &Project, id: &str) -> Value {
    wait_for(&format!("{id} has a result"), || !result(project, id).is_null());
    result(project, id)
}

/// Waits until nothing waits and nothing is claimed.
pub(crate) fn wait_until_done(project: &Project) {
    wait_for("nothing waits", || names(project, "tasks/marie").is_empty() && claimed(project).is_empty());
}

/// The log of `marie`.
pub(crate) fn log(project: &Project) -> String {
    Stream::ask(project, &["logs", "marie", "-n", "10000"]).stdout
}
