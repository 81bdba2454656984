//! All running groups of this user: asks each at once, and finds the one that `-g` means.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::super::arguments::{Arguments, Task};
use super::super::exit_code::Failure;
use super::ClientTask;
use crate::clock::Clock;
use crate::config;
use crate::control::{Client, ClientError, GroupTrace, group_traces};
use crate::domain::{Moment, path_text, visible, visible_path};

/// A group that lives answers at once. All of them are asked at the same time.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks each group on a thread of its own. Nothing for those that have not answered in time.
pub(super) fn ask_each<T: Send + 'static>(
    traces: Vec<GroupTrace>,
    ask: fn(&GroupTrace) -> T,
) -> Vec<(GroupTrace, Option<T>)> {
    let (tell, told) = mpsc::channel();
    let mut answers: Vec<(GroupTrace, Option<T>)> = traces.into_iter().map(|trace| (trace, None)).collect();
    let clock = Clock::start();
    for (index, (trace, answer)) in answers.iter_mut().enumerate() {
        let (tell, its) = (tell.clone(), trace.clone());
        // Nobody may listen any more.
        let asked = thread::Builder::new().name("ask".into()).spawn(move || drop(tell.send((index, ask(&its)))));
        if asked.is_err() {
            // The system gives no more threads: one after the other, then.
            *answer = Some(ask(trace));
        }
    }
    drop(tell);
    let left = || PATIENCE.saturating_sub(clock.now().since(Moment::START));
    while let Ok((index, told)) = told.recv_timeout(left()) {
        if let Some((_, answer)) = answers.get_mut(index) {
            *answer = Some(told);
        }
    }
    answers
}

/// Connects to each group that runs. Nothing for those that have not answered in time.
pub(super) fn meet_each() -> Vec<(GroupTrace, Option<Result<Client, ClientError>>)> {
    let mut met = ask_each(group_traces(), GroupTrace::meet);
    met.retain(|(_, met)| !matches!(met, Some(Err(ClientError::NotRunning))));
    met
}

/// The name of a group that cannot be asked.
pub(super) fn name_of(trace: &GroupTrace) -> String {
    let note = trace.note();
    let folder = note.file.as_deref().and_then(Path::parent).and_then(Path::file_name);
    match (note.name.as_str(), folder) {
        ("", Some(folder)) => path_text(folder).into_owned(),
        ("", None) => "(unknown)".into(),
        (name, _) => name.to_owned(),
    }
}

/// The file of the running group that `-g` names, for the commands that can use it.
pub(in crate::cli) fn file_of(group: &OsStr, arguments: &Arguments) -> Result<PathBuf, Failure> {
    let name = visible_path(group);
    let refuse = |why: &str| Err(Failure::Usage(format!("`-g {name}` names a running group, but {why}")));
    match &arguments.task {
        Some(Task::Client(ClientTask::Ls { .. })) => refuse("`ls` lists all groups"),
        Some(Task::Client(ClientTask::Down { all: true, .. })) => refuse("`--all` means all groups"),
        Some(
            Task::Client(_)
            | Task::Tasks(_)
            | Task::Check { .. }
            | Task::Export(_)
            | Task::Why(_)
            | Task::Doctor { .. }
            | Task::Mcp { .. }
            | Task::History(_)
            | Task::Alerts(_),
        ) => named(group),
        Some(Task::Setup(_) | Task::Help { .. }) => refuse("this command needs none"),
        Some(Task::Up(_)) | None => {
            let failure = Failure::Usage(format!(
                "`-g {name}` means a running group, and starts nothing\n  help: `devgroup -g {name} attach` opens its \
                 dashboard; `devgroup -g {name} status` shows its state"
            ));
            Err(super::super::mistyped_command(failure, &arguments.run.names()))
        }
    }
}

/// The file of the running group with this name, or in this folder.
pub(in crate::cli) fn named(group: &OsStr) -> Result<PathBuf, Failure> {
    find(group, running()?)
}

/// A running group by its name and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    name: String,
    file: PathBuf,
}

impl Running {
    fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(&self.file)
    }
}

/// What has noted its name and file is asked nothing: whoever is met is asked then.
fn running() -> Result<Vec<Running>, Failure> {
    let (noted, others): (Vec<_>, Vec<_>) =
        group_traces().into_iter().partition(|trace| trace.note().file.is_some() && !trace.note().name.is_empty());
    let noted = noted.into_iter().filter_map(|trace| {
        let note = trace.note();
        Some(Running { name: note.name.clone(), file: note.file.clone()? })
    });
    let mut found: Vec<Running> = noted.collect();
    let mut not_allowed = None;
    for (trace, met) in ask_each(others, GroupTrace::meet) {
        match met {
            Some(Ok(client)) => {
                let file = PathBuf::from(&client.hello().file);
                // One whose path is no text is told in another way, and is not found by that.
                if trace.is_of(&file) {
                    found.push(Running { name: client.hello().project.clone(), file });
                }
            }
            Some(Err(error @ ClientError::NotAllowed { .. })) => not_allowed = Some(error),
            _ => {}
        }
    }
    match not_allowed {
        Some(error) if found.is_empty() => Err(error.into()),
        _ => Ok(found),
    }
}

/// The file of the group with this name; of the group that runs in this folder, or in the nearest above it.
fn find(group: &OsStr, running: Vec<Running>) -> Result<PathBuf, Failure> {
    let named: Vec<&Running> = running.iter().filter(|running| group == running.name.as_str()).collect();
    match named.as_slice() {
        [only] => return Ok(only.file.clone()),
        [] => {}
        several => {
            let folders: Vec<_> = several.iter().map(|running| visible_path(running.folder()).into_owned()).collect();
            let (name, first) = (visible_path(group), folders.first().map_or("", String::as_str));
            return Err(Failure::Usage(format!(
                "{} groups are called `{name}`: {}\n  help: name one by its folder: -g {first}",
                several.len(),
                folders.join(", ")
            )));
        }
    }
    let folder = fs::canonicalize(group).ok().filter(|folder| folder.is_dir());
    for above in folder.iter().flat_map(|folder| folder.ancestors()) {
        let here = |running: &&Running| fs::canonicalize(running.folder()).is_ok_and(|folder| folder == above);
        let inside: Vec<&Running> = running.iter().filter(here).collect();
        match inside.as_slice() {
            [] => {}
            [only] => return Ok(only.file.clone()),
            several => {
                let files: Vec<_> = several.iter().map(|running| visible_path(&running.file).into_owned()).collect();
                return Err(Failure::Usage(format!(
                    "{} groups run in {}: {}\n  help: name one by its file: -f FILE",
                    several.len(),
                    visible_path(above),
                    files.join(", ")
                )));
            }
        }
    }
    Err(no_group(group, folder.as_deref(), &running))
}

fn no_group(group: &OsStr, folder: Option<&Path>, running: &[Running]) -> Failure {
    let mut names: Vec<&str> = running.iter().map(|running| running.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let near = config::near(&group.to_string_lossy(), names.iter().copied());
    let all = visible(&names.join(", ")).into_owned();
    let help = if names.is_empty() {
        "no group is running; `devgroup up` starts the group of this folder".into()
    } else if near.is_empty() {
        format!("running groups: {all}")
    } else {
        format!("did you mean {}? running groups: {all}", config::any_of(&near))
    };
    let is_path = group.as_encoded_bytes().contains(&b'/');
    let message = match folder {
        Some(folder) => format!("no group is running in {}", visible_path(folder)),
        None if is_path => format!("there is no folder {}", visible_path(group)),
        None => format!("no running group is called `{}`, and there is no such folder here", visible_path(group)),
    };
    Failure::NoGroup { message, help }
}

/// The names of the groups that run, by their locks alone: for completion.
pub(in crate::cli) fn noted_names() -> Vec<(String, Option<PathBuf>)> {
    let traces = group_traces().into_iter();
    let notes = traces.map(|trace| trace.note().clone()).filter(|note| !note.name.is_empty());
    notes.map(|note| (note.name, note.file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(name: &str, file: impl Into<PathBuf>) -> Running {
        Running { name: name.into(), file: file.into() }
    }

    #[test]
    fn a_group_is_found_by_its_name_or_by_a_folder_in_it() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| fs::canonicalize(home.path()).unwrap().join(path);
        for folder in ["a/src/deep", "b", "shop"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        let all = || {
            let files = [("shop", "a/procgroup.toml"), ("blog", "b/procgroup.toml"), ("blog", "shop/procgroup.toml")];
            files.map(|(name, file)| running(name, at(file))).to_vec()
        };
        let found = |group: &OsStr| find(group, all()).map_err(|failure| (failure.code(), failure.to_string()));
        assert_eq!(found("shop".as_ref()), Ok(at("a/procgroup.toml")), "a name goes before a folder");
        assert_eq!(found(at("a/src/deep").as_os_str()), Ok(at("a/procgroup.toml")));
        assert_eq!(found(at("shop").as_os_str()), Ok(at("shop/procgroup.toml")));
        let (code, text) = found("blog".as_ref()).unwrap_err();
        assert!(code == 2 && text.contains("2 groups are called `blog`") && text.contains("/b, "), "{text}");
        let (code, text) = found("shp".as_ref()).unwrap_err();
        assert!(code == 4 && text.contains("no running group is called `shp`"), "{text}");
        assert!(text.contains("did you mean `shop`? running groups: blog, shop"), "{text}");
        let (code, text) = found("/nope/shop".as_ref()).unwrap_err();
        assert!(code == 4 && text.contains("there is no folder /nope/shop"), "{text}");
        let none = find("x".as_ref(), Vec::new()).unwrap_err();
        assert!(none.to_string().contains("no group is running; `devgroup up`"), "{none}");
        let two = vec![running("a", at("a/procgroup.toml")), running("b", at("a/other.toml"))];
        let two = find(at("a").as_os_str(), two).unwrap_err().to_string();
        assert!(two.contains("2 groups run in ") && two.contains("-f FILE"), "{two}");
    }
}
