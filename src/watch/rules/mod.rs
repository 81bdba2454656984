//! Which services a file matters to, and which rule says so. Decisions depend only on what was loaded before.
//!
//! Order, highest first: the service's `ignore`, the group's `ignore`, the group's `also` (over git and `.ignore`
//! only), `.ignore`, what git tracks (over the rest), the nearest `.gitignore` up to the top of the repository,
//! `info/exclude`, `core.excludesFile`, the built-ins. An ignored folder ends the search, except in devgroup's own
//! lists, which include something below it only if they name the folder; tracked files in it are watched as well.

mod built_in;
mod could_match;
mod decide;
mod explain;
mod folder;
mod folder_state;
mod git_index;
mod glob;
mod list;
mod load;
mod scope;
mod tracked;
mod unmatched;
mod unseen;
mod watch_list;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::{GroupSpec, OnChange, RuleSource, ServiceName, ServiceSpec, SpecPattern, WatchSpec, path_text};

use super::git::Repository;
use could_match::CouldMatch;
use folder::FolderRules;
pub(super) use folder_state::FolderState;
use list::{PatternList, Written};
use scope::Scope;
pub(super) use scope::normal;
pub use unmatched::{DeadWatches, UnmatchedReason, UnmatchedWatch, unmatched_watches};

/// All rules of a group. A copy is cheap: lists and globs are shared.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The folder of the group, as in `GroupSpec::root`.
    root: PathBuf,
    /// The group's file, which devgroup itself acts on.
    file: PathBuf,
    /// Folders of devgroup itself.
    own: Vec<PathBuf>,
    /// Honour git's files and `.ignore`.
    with_git: bool,
    ignore: Arc<PatternList>,
    also: Arc<PatternList>,
    built_in: Arc<PatternList>,
    services: Arc<[ServiceRules]>,
    /// What the own lists let in below folders that are ignored.
    passages: Arc<[CouldMatch]>,
    /// Folders with rule files, as far as they were loaded.
    folders: HashMap<PathBuf, Arc<FolderRules>>,
    /// Folders of git itself that a file `.git` names, as far as they are not below a folder `.git`.
    git_folders: Vec<PathBuf>,
    /// The rule files of repositories that stand outside of their trees, with the tops of these.
    outside: HashMap<PathBuf, Vec<PathBuf>>,
}

/// The rules of one service that watches.
#[derive(Debug)]
struct ServiceRules {
    /// As the file writes it.
    name: ServiceName,
    /// Those that act: it, or its instances, which watch the same.
    names: Vec<ServiceName>,
    on_change: OnChange,
    scope: Scope,
    /// Its own list, and what that lets in below folders that are ignored.
    own: Option<OwnList>,
}

#[derive(Debug)]
struct OwnList {
    list: PatternList,
    passages: Vec<CouldMatch>,
    /// Which of a folder's state's own states is its.
    number: usize,
}

impl Rules {
    /// The rules of a group. `own` are devgroup's own folders. Rule files are loaded later, folder by folder.
    pub fn new(spec: &GroupSpec, own: &[PathBuf]) -> Self {
        let root = normal(&spec.root);
        let (mut lists, mut compiled) = (0, watch_list::Compiled::new());
        let services = spec
            .services
            .iter()
            .filter_map(|service| {
                let names = with_siblings(service, spec);
                if names.first() != Some(&service.name) {
                    return None;
                }
                let scope = Scope::new(service, &root, &mut compiled);
                if matches!(scope, Scope::Off) {
                    return None;
                }
                let own = (!service.ignore.is_empty()).then(|| {
                    let list = own_list(&root, RuleSource::ServiceIgnore(written(service)), &service.ignore);
                    let passages = passages(&list, true);
                    lists += 1;
                    OwnList { list, passages, number: lists - 1 }
                });
                Some(ServiceRules { name: written(service), names, on_change: service.on_change.clone(), scope, own })
            })
            .collect();
        let ignore = Arc::new(own_list(&root, RuleSource::GroupIgnore, &spec.watch.ignore));
        let also = Arc::new(own_list(&root, RuleSource::GroupAlso, &spec.watch.also));
        Self {
            passages: passages(&ignore, true).into_iter().chain(passages(&also, false)).collect(),
            built_in: Arc::new(built_in::list(&root)),
            file: normal(&spec.file),
            own: own.iter().map(|folder| normal(folder)).collect(),
            with_git: spec.watch.gitignore,
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

    /// Whether the path is devgroup's own.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        self.own.iter().any(|own| below(path, own).is_some())
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

    /// The group's own file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Where the judging of a path begins.
    fn start_of(&self, path: &Path) -> PathBuf {
        let starts = self.starts();
        let start = starts.iter().find(|start| path.starts_with(start));
        start.unwrap_or(&self.root).clone()
    }
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
    PatternList::new(root, source.clone(), false, written)
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
