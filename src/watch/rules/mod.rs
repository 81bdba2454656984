//! Which services a file matters to, and which rule says so. Decisions depend only on what was loaded before.
//!
//! Order, highest first: the service's `ignore`, the group's `ignore`, the group's `also` (over git and `.ignore`
//! only), `.ignore`, what git tracks (over the rest), the nearest `.gitignore` up to the top of the repository,
//! `info/exclude`, `core.excludesFile`, the built-ins. An ignored folder ends the search, except in devgroup's own
//! lists, which include something below it only if they name the folder; tracked files in it are watched as well.

mod built_in;
mod could_match;
mod decide;
mod environment;
mod explain;
mod folder;
mod folder_state;
mod git_ignored;
mod git_index;
mod glob;
mod list;
mod load;
mod scope;
mod tracked;
mod unmatched;
mod unseen;
mod watch_list;

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::{
    GroupSpec, OnChange, Rule, RuleSource, ServiceName, ServiceSpec, SpecPattern, TaskFolders, WatchSpec, path_text,
};

use super::git::Repository;
use crate::group_files::{IncludePattern, local_of};
use could_match::CouldMatch;
use environment::Reader;
use folder::FolderRules;
pub(super) use folder_state::FolderState;
pub use git_ignored::is_git_ignored;
use list::{PatternList, Written};
use scope::Scope;
pub(super) use scope::normal;
pub use unmatched::{DeadWatches, UnmatchedReason, UnmatchedWatch, unmatched_watches};

/// All rules of a group. A copy is cheap: lists and globs are shared.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The folder of the group, as in `GroupSpec::root`.
    root: PathBuf,
    /// The group's file.
    file: PathBuf,
    /// The files that devgroup itself acts on: all that the group is read from, or would be.
    group_files: Arc<OwnPaths>,
    /// Folders of devgroup itself.
    own: Vec<PathBuf>,
    /// The folders of the tasks of workers, and files there.
    tasks: Vec<PathBuf>,
    /// Honour git's files and `.ignore`.
    with_git: bool,
    ignore: Arc<PatternList>,
    also: Arc<PatternList>,
    built_in: Arc<PatternList>,
    services: Arc<[ServiceRules]>,
    /// Who reads the files of `env_file`.
    readers: Arc<[Reader]>,
    /// The places of all services in the file.
    order: Arc<HashMap<ServiceName, usize>>,
    /// What the own lists let in below folders that are ignored.
    passages: Arc<[CouldMatch]>,
    /// Folders with rule files, as far as they were loaded.
    folders: HashMap<PathBuf, Arc<FolderRules>>,
    /// Folders of git itself that a file `.git` names, as far as they are not below a folder `.git`.
    git_folders: Vec<PathBuf>,
    /// The rule files of repositories that stand outside of their trees, with the tops of these.
    outside: HashMap<PathBuf, Vec<PathBuf>>,
}

/// The files of a group, by their names.
#[derive(Debug)]
struct OwnPaths {
    files: HashSet<PathBuf>,
    include: Vec<IncludePattern>,
}

impl OwnPaths {
    fn of(spec: &GroupSpec) -> Self {
        let files = spec.files.iter().chain([&spec.file]);
        let files = files.flat_map(|file| [normal(file), normal(&local_of(file))]).collect();
        Self { files, include: spec.include.iter().filter_map(|text| IncludePattern::new(text).ok()).collect() }
    }

    fn contain(&self, path: &Path, root: &Path) -> bool {
        let relative = || below(path, root);
        self.files.contains(path)
            || !self.include.is_empty()
                && relative().is_some_and(|path| self.include.iter().any(|pattern| pattern.matches(path)))
    }
}

/// The rules of one service that watches.
#[derive(Debug)]
struct ServiceRules {
    /// As the file writes it.
    name: ServiceName,
    /// Those that act: it, or its instances, which watch the same.
    names: Vec<ServiceName>,
    /// The file that it stands in.
    file: Arc<str>,
    on_change: OnChange,
    scope: Scope,
    /// Its own lists, and what they let in below folders that are ignored.
    own: Option<OwnList>,
}

/// The lists that hold for one service alone, all relative to the folder of its file.
#[derive(Debug)]
struct OwnList {
    list: PatternList,
    /// `[watch]` of the included file that it stands in.
    file_ignore: PatternList,
    file_also: PatternList,
    passages: Vec<CouldMatch>,
    /// Which of a folder's state's own states is its.
    number: usize,
}

impl Rules {
    /// The rules of a group. `own` are devgroup's own folders. Rule files are loaded later, folder by folder.
    pub fn new(spec: &GroupSpec, own: &[PathBuf]) -> Self {
        let root = normal(&spec.root);
        let (mut lists, mut compiled) = (0, watch_list::Compiled::new());
        let services: Arc<[ServiceRules]> = spec
            .services
            .iter()
            .filter_map(|service| {
                let names = with_siblings(service, spec);
                if names.first() != Some(&service.name) {
                    return None;
                }
                let scope = Scope::new(service, &mut compiled);
                if matches!(scope, Scope::Off) {
                    return None;
                }
                let is_bare =
                    [&service.ignore, &service.file_ignore, &service.file_also].iter().all(|list| list.is_empty());
                let own = (!is_bare).then(|| {
                    lists += 1;
                    OwnList::new(service, lists - 1)
                });
                let (name, file) = (written(service), Arc::clone(&service.file));
                Some(ServiceRules { name, names, file, on_change: service.on_change.clone(), scope, own })
            })
            .collect();
        let ignore = Arc::new(own_list(&root, RuleSource::GroupIgnore, &spec.watch.ignore));
        let also = Arc::new(own_list(&root, RuleSource::GroupAlso, &spec.watch.also));
        Self {
            passages: passages(&ignore, true).into_iter().chain(passages(&also, false)).collect(),
            built_in: Arc::new(built_in::list(&root)),
            file: normal(&spec.file),
            group_files: Arc::new(OwnPaths::of(spec)),
            own: own.iter().map(|folder| normal(folder)).collect(),
            tasks: task_paths(spec),
            with_git: spec.watch.gitignore,
            readers: Reader::all(spec, &root, &services).into(),
            order: Arc::new(spec.services.iter().enumerate().map(|(at, service)| (service.name.clone(), at)).collect()),
            folders: HashMap::new(),
            git_folders: Vec::new(),
            outside: HashMap::new(),
            root,
            ignore,
            also,
            services,
        }
    }

    /// The folders that walks begin at: the root if somebody watches something in it, and folders elsewhere.
    pub(super) fn starts(&self) -> Vec<PathBuf> {
        let mut starts: Vec<_> = self
            .services
            .iter()
            .flat_map(|service| service.scope.starts())
            .map(|start| if start.starts_with(&self.root) { self.root.clone() } else { start })
            .collect();
        starts.sort();
        // A folder sorts before what is below it.
        starts.dedup_by(|below, above| below.starts_with(above));
        starts
    }

    /// Whether the path is devgroup's own, or of the tasks of workers: nobody ever watches it.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        self.own.iter().chain(&self.tasks).any(|own| below(path, own).is_some())
    }

    /// The rule that says so.
    fn own_rule(&self, path: &Path) -> Option<Rule> {
        let holds = |folder: &&PathBuf| below(path, folder).is_some();
        let (sort, pattern) = match self.own.iter().find(holds) {
            Some(_) => ("devgroup's own files are never watched", path),
            None => ("the tasks of workers are never watched", self.tasks.iter().find(holds)?.as_path()),
        };
        Some(Rule { source: RuleSource::BuiltIn(sort), line: None, file: None, pattern: self.shown(pattern) })
    }

    /// The path as people know it: relative to the root where it is below it.
    pub(super) fn shown(&self, path: &Path) -> Arc<str> {
        path_text(below(path, &self.root).unwrap_or(path)).into()
    }

    /// The repository that holds the root, if it was loaded.
    pub(super) fn repository(&self) -> Option<&Repository> {
        let rules = self.root.ancestors().find_map(|folder| self.folders.get(folder)?.repository.as_ref())?;
        Some(&rules.repository)
    }

    /// All repositories that were loaded: the one around the root, and those in its tree.
    pub(super) fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.folders.values().filter_map(|rules| rules.repository.as_ref()).map(|rules| &rules.repository)
    }

    /// The group's root.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the group is read from this file, or would be if it were there.
    pub(super) fn is_of_group(&self, path: &Path) -> bool {
        self.group_files.contain(path, &self.root)
    }

    /// Where the judging of a path begins.
    fn start_of(&self, path: &Path) -> PathBuf {
        let starts = self.starts();
        let start = starts.iter().find(|start| path.starts_with(start));
        start.unwrap_or(&self.root).clone()
    }
}

/// Where the tasks of all workers are, and what becomes of them: each once.
fn task_paths(spec: &GroupSpec) -> Vec<PathBuf> {
    let all = spec.services.iter().filter_map(|service| service.worker.as_ref()).flat_map(|worker| {
        let TaskFolders { tasks, triggers, results, heartbeats, dlq, orchestrator } = &worker.folders;
        [tasks, triggers, results, heartbeats, dlq, orchestrator].map(|path| normal(path))
    });
    let mut paths: Vec<PathBuf> = all.collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The rest of a path that is this folder or below it. As `strip_prefix`, for paths that are [`normal`], and so by their
/// bytes: it is asked for each file of a large tree.
fn below<'a>(path: &'a Path, folder: &Path) -> Option<&'a Path> {
    let folder = folder.as_os_str().as_bytes();
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    let rest = path.as_os_str().as_bytes().strip_prefix(folder)?;
    let rest = if rest.is_empty() { rest } else { rest.strip_prefix(b"/")? };
    Some(Path::new(OsStr::from_bytes(rest)))
}

/// Whether a glob with git's meaning matches all of a text.
pub(super) fn glob_matches(glob: &[u8], text: &[u8], any_case: bool) -> bool {
    glob::Glob::new(glob, any_case).is_match(text)
}

/// A service as the file writes it.
fn written(service: &ServiceSpec) -> ServiceName {
    service.instance.as_ref().map_or(&service.name, |instance| &instance.of).clone()
}

/// A service, with the other instances of what it is one of.
fn with_siblings(service: &ServiceSpec, spec: &GroupSpec) -> Vec<ServiceName> {
    let Some(first) = &service.instance else { return vec![service.name.clone()] };
    let is_sibling = |other: &&Arc<ServiceSpec>| other.instance.as_ref().is_some_and(|other| other.of == first.of);
    spec.services.iter().filter(is_sibling).map(|other| other.name.clone()).collect()
}

/// The ways that a list opens below folders that are ignored.
fn passages(list: &PatternList, lets_in: bool) -> Vec<CouldMatch> {
    list.anchored().filter(|(_, opens)| *opens == lets_in).map(|(pattern, _)| CouldMatch::new(&pattern)).collect()
}

fn own_list(root: &Path, source: RuleSource, patterns: &[SpecPattern]) -> PatternList {
    // Line 0 stands for a default that stands nowhere.
    let written = patterns.iter().map(|pattern| Written {
        number: Some(pattern.line).filter(|line| *line > 0),
        pattern: pattern.text.as_bytes(),
        sort: None,
        // `.env` is the file of the variables. A folder of this name is a virtual environment.
        only_files: matches!(source, RuleSource::GroupAlso) && pattern.text == WatchSpec::ALSO,
    });
    let file = patterns.first().and_then(|pattern| pattern.file.clone());
    PatternList::new(root, source.clone(), false, written).in_file(file)
}

impl OwnList {
    fn new(service: &ServiceSpec, number: usize) -> Self {
        let root = normal(&service.root);
        let list = own_list(&root, RuleSource::ServiceIgnore(service.name.clone()), &service.ignore);
        let file_ignore = own_list(&root, RuleSource::GroupIgnore, &service.file_ignore);
        let file_also = own_list(&root, RuleSource::GroupAlso, &service.file_also);
        let let_in = [passages(&list, true), passages(&file_ignore, true), passages(&file_also, false)];
        Self { list, file_ignore, file_also, passages: let_in.concat(), number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_a_folder_is_told_by_whole_names() {
        let rest = |path: &'static str, folder: &str| below(Path::new(path), Path::new(folder)).and_then(Path::to_str);
        assert_eq!(rest("/a/b/c", "/a/b"), Some("c"));
        assert_eq!(rest("/a/b", "/a/b"), Some(""));
        assert_eq!(rest("/a/bc", "/a/b"), None);
        assert_eq!(rest("/a", "/a/b"), None);
        assert_eq!(rest("/a/b", "/"), Some("a/b"));
    }
}
