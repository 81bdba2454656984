//! Which files matter to whom, and which rule says so. Decisions depend on nothing but what was learnt before.
//!
//! Order, highest first: the service's `ignore`, the group's `ignore`, the group's `also` (over git only), `.ignore`,
//! the nearest `.gitignore` up to the top of the repository, `info/exclude`, `core.excludesFile`, the built-ins. A folder that
//! is ignored ends the search in all but the own lists, and those let in something below it only where they name the folder.

mod built_in;
mod folder;
mod list;
mod reach;
mod scope;
mod standing;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::{GroupSpec, Match, Rule, RuleSource, ServiceName, SpecPattern};

use super::git::Repository;
use folder::FolderRules;
use list::{PatternList, Written};
use reach::Reach;
use scope::Scope;
pub(super) use standing::Standing;
use standing::{Chain, State};

/// All rules of a group.
#[derive(Debug)]
pub struct Rules {
    /// `GroupSpec::root`.
    root: PathBuf,
    /// The group's file, which devgroup itself acts on.
    file: PathBuf,
    /// Folders of devgroup itself.
    own: Vec<PathBuf>,
    /// Honour git's files and `.ignore`.
    with_git: bool,
    ignore: PatternList,
    also: PatternList,
    built_in: PatternList,
    services: Vec<ServiceRules>,
    /// What the own lists let in below folders that are ignored.
    passages: Vec<Reach>,
    /// Folders with rule files, as far as they were learnt.
    folders: HashMap<PathBuf, Arc<FolderRules>>,
}

/// The rules of one service that watches.
#[derive(Debug)]
struct ServiceRules {
    name: ServiceName,
    scope: Scope,
    /// Its own list, and what that lets in below folders that are ignored.
    own: Option<OwnList>,
}

#[derive(Debug)]
struct OwnList {
    list: PatternList,
    passages: Vec<Reach>,
    /// Which of a standing's own states is its.
    number: usize,
}

impl Rules {
    /// The rules of a group. `own` are devgroup's own folders. Rule files are learnt later, folder by folder.
    pub fn new(spec: &GroupSpec, own: &[PathBuf]) -> Self {
        let root = scope::normal(&spec.root);
        let mut lists = 0;
        let services = spec
            .services
            .iter()
            .filter_map(|service| {
                let scope = Scope::new(service, &root);
                if matches!(scope, Scope::Off) {
                    return None;
                }
                let own = (!service.ignore.is_empty()).then(|| {
                    let list = own_list(&root, RuleSource::ServiceIgnore(service.name.clone()), &service.ignore);
                    let passages = list.anchored_let_in().map(Reach::new).collect();
                    lists += 1;
                    OwnList { list, passages, number: lists - 1 }
                });
                Some(ServiceRules { name: service.name.clone(), scope, own })
            })
            .collect();
        let ignore = own_list(&root, RuleSource::GroupIgnore, &spec.watch.ignore);
        let also = own_list(&root, RuleSource::GroupAlso, &spec.watch.also);
        let also_anchored = spec.watch.also.iter().map(|pattern| pattern.text.as_str());
        let also_anchored = also_anchored.filter(|text| list::is_anchored(text)).map(|text| text.trim_matches('/'));
        Self {
            passages: ignore.anchored_let_in().chain(also_anchored).map(Reach::new).collect(),
            built_in: built_in::list(&root),
            file: scope::normal(&spec.file),
            own: own.iter().map(|folder| scope::normal(folder)).collect(),
            with_git: spec.watch.gitignore,
            folders: HashMap::new(),
            root,
            ignore,
            also,
            services,
        }
    }

    /// Takes over what another group of rules has learnt about folders. Only sensible for the same root.
    pub(super) fn learn_from(&mut self, other: Self) {
        self.folders = other.folders;
    }

    /// Reads the rule files of a folder, again if they were known. Whether there are any now, or were.
    pub(super) fn learn(&mut self, folder: &Path) -> bool {
        let any_case = folder
            .ancestors()
            .skip(1)
            .find_map(|above| self.folders.get(above)?.repository.as_ref())
            .is_some_and(|rules| rules.repository.ignores_case);
        let rules = FolderRules::read(folder, &self.root, any_case);
        if rules.is_empty() {
            self.folders.remove(folder).is_some()
        } else {
            self.folders.insert(folder.to_path_buf(), Arc::new(rules));
            true
        }
    }

    /// Learns the root's folder again. Whether there are rules in it.
    pub(super) fn learn_root(&mut self) -> bool {
        let root = self.root.clone();
        self.learn(&root)
    }

    /// Forgets the rule files of a folder that is gone.
    pub(super) fn forget(&mut self, folder: &Path) {
        self.folders.remove(folder);
    }

    /// Learns the folders from the top of the repository down to where a walk begins. Reads rule files.
    pub(super) fn learn_above(&mut self, start: &Path) {
        let top = start.ancestors().find(|folder| Repository::at(folder).is_some()).unwrap_or(start);
        let mut folders: Vec<_> = start.ancestors().take_while(|folder| folder.starts_with(top)).collect();
        folders.reverse();
        for folder in folders {
            self.learn(folder);
        }
    }

    /// Learns all folders down to a path: what [`Rules::decide`] needs to know when nothing has walked the tree.
    /// Reads rule files.
    pub fn learn_towards(&mut self, path: &Path) {
        let path = scope::normal(&self.root.join(path));
        let start = self.start_of(&path);
        self.learn_above(&start);
        let Some(folders) = path.strip_prefix(&start).ok().and_then(Path::parent) else { return };
        let mut folder = start.clone();
        for name in folders.components() {
            folder.push(name);
            self.learn(&folder);
        }
    }

    /// What the rules say about a path: absolute, or relative to the root. It need not exist.
    ///
    /// A path that no service asks for is ignored if a rule of the group, git or devgroup says so, else no match.
    pub fn decide(&self, path: &Path, is_dir: bool) -> Match {
        let path = scope::normal(&self.root.join(path));
        let mut folder = self.start_of(&path);
        let mut standing = self.enter(self.standing_above(&folder), &folder);
        let Some(folders) = path.strip_prefix(&folder).ok().and_then(Path::parent) else {
            return Match::NoMatch;
        };
        for name in folders.components() {
            folder.push(name);
            standing = self.enter(self.judge(&standing, &folder, true), &folder);
        }
        self.decide_in(&standing, &path, is_dir)
    }

    /// What the rules say about something in a folder of which the standing is known.
    pub(super) fn decide_in(&self, folder: &Standing, path: &Path, is_dir: bool) -> Match {
        let judged = self.judge(folder, path, is_dir);
        let mut names = Vec::new();
        let mut watched = None;
        let mut ignored = None;
        for service in &self.services {
            let Some(asked) = service.scope.decide(path) else { continue };
            match (asked, judged.state(service)) {
                (Ok(_), State::Ignored(rule)) | (Err(rule), _) => ignored = ignored.or(Some(rule)),
                (Ok(rule), State::Open(let_in)) => {
                    names.push(service.name.clone());
                    watched = watched.or(Some(let_in.as_ref().unwrap_or(rule)));
                }
            }
        }
        match (watched, ignored, &judged.common) {
            (Some(rule), ..) => Match::Watched { services: names.into(), rule: rule.clone() },
            (None, Some(rule), _) | (None, None, State::Ignored(rule)) => Match::Ignored(rule.clone()),
            (None, None, State::Open(_)) => Match::NoMatch,
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

    /// How things stand just above a folder that a walk begins at. That one is never ignored itself, whatever lies
    /// around it.
    pub(super) fn standing_above(&self, start: &Path) -> Standing {
        let mut above: Vec<_> = start.ancestors().skip(1).filter_map(|folder| self.folders.get(folder)).collect();
        above.reverse();
        let chain = above.into_iter().fold(None, |up, rules| Some(Chain::below(up, rules)));
        Standing::open(chain, self.services.iter().filter(|service| service.own.is_some()).count())
    }

    /// How things stand in a folder, as seen from the one above: without its own rule files.
    pub(super) fn judge_folder(&self, above: &Standing, folder: &Path) -> Standing {
        self.judge(above, folder, true)
    }

    /// How things stand in a folder, its own rule files included.
    pub(super) fn enter(&self, judged: Standing, folder: &Path) -> Standing {
        match self.folders.get(folder) {
            Some(rules) => Standing { chain: Some(Chain::below(judged.chain.clone(), rules)), ..judged },
            None => judged,
        }
    }

    /// Whether somebody needs a watch on this folder.
    pub(super) fn wants(&self, folder: &Path, standing: &Standing) -> bool {
        if self.is_own(folder) {
            return false;
        }
        let relative = folder.strip_prefix(&self.root).ok();
        let passes = |passages: &[Reach]| {
            relative.is_some_and(|relative| passages.iter().any(|passage| passage.may_hold(relative)))
        };
        self.services.iter().any(|service| {
            service.scope.may_reach(folder)
                && (matches!(standing.state(service), State::Open(_))
                    || passes(&self.passages)
                    || service.own.as_ref().is_some_and(|own| passes(&own.passages)))
        })
    }

    /// Whether the path is devgroup's own.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        self.own.iter().any(|own| path.starts_with(own))
    }

    /// The path as people know it: relative to the root where it is below it.
    pub(super) fn shown(&self, path: &Path) -> Arc<str> {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into()
    }

    /// The repository that holds the root, if it was learnt.
    pub(super) fn repository(&self) -> Option<&Repository> {
        let rules = self.root.ancestors().find_map(|folder| self.folders.get(folder)?.repository.as_ref())?;
        Some(&rules.repository)
    }

    /// All repositories that were learnt: the one around the root, and those in its tree.
    pub(super) fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.folders.values().filter_map(|rules| rules.repository.as_ref()).map(|rules| &rules.repository)
    }

    /// Folders above `start` whose rule files matter in it.
    pub(super) fn rule_folders_above<'a>(&'a self, start: &'a Path) -> impl Iterator<Item = &'a Path> {
        start.ancestors().skip(1).filter(|folder| self.folders.contains_key(*folder))
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

    /// What is true of something in a folder, for those without an own list and for each with one.
    fn judge(&self, folder: &Standing, path: &Path, is_dir: bool) -> Standing {
        let lower = self.judge_lower(folder, path, is_dir);
        let common = self.judge_upper(&folder.common, None, &lower, path, is_dir);
        let own = self.services.iter().filter_map(|service| {
            let own = service.own.as_ref()?;
            Some(self.judge_upper(folder.state(service), Some(&own.list), &lower, path, is_dir))
        });
        Standing { own: own.collect(), common, chain: folder.chain.clone() }
    }

    /// What git's files and the built-ins say about this very path.
    fn judge_lower(&self, folder: &Standing, path: &Path, is_dir: bool) -> Lower {
        let git = folder.chain.as_ref().filter(|_| self.with_git).and_then(|chain| chain.hit(path, is_dir));
        let built_in = || {
            if path == self.file {
                let pattern = Arc::from("devgroup acts on its own file itself");
                return Some(Rule { source: RuleSource::BuiltIn, line: None, pattern });
            }
            self.built_in.hit(path, is_dir).map(|hit| hit.rule())
        };
        match git {
            Some(hit) if hit.lets_in => Lower::Nothing,
            Some(hit) => Lower::Git { rule: hit.rule(), without: built_in() },
            None => built_in().map_or(Lower::Nothing, Lower::BuiltIn),
        }
    }

    fn judge_upper(&self, above: &State, own: Option<&PatternList>, lower: &Lower, path: &Path, is_dir: bool) -> State {
        let is_open = matches!(above, State::Open(_));
        for hit in own.into_iter().chain([&self.ignore]).filter_map(|list| list.hit(path, is_dir)) {
            if !hit.lets_in {
                return State::Ignored(hit.rule());
            }
            if is_open || hit.is_anchored() {
                return State::Open(Some(hit.rule()));
            }
        }
        let also = || self.also.hit(path, is_dir).filter(|hit| !hit.lets_in);
        match (above, lower) {
            (State::Ignored(rule), _) => match also() {
                Some(hit) if hit.is_anchored() => State::Open(Some(hit.rule())),
                _ => State::Ignored(rule.clone()),
            },
            (State::Open(let_in), Lower::Nothing) => State::Open(let_in.clone()),
            (State::Open(_), Lower::BuiltIn(rule)) => State::Ignored(rule.clone()),
            (State::Open(_), Lower::Git { rule, without }) => match also() {
                Some(hit) => without.clone().map_or_else(|| State::Open(Some(hit.rule())), State::Ignored),
                None => State::Ignored(rule.clone()),
            },
        }
    }
}

/// What git's files and the built-ins say.
enum Lower {
    Nothing,
    BuiltIn(Rule),
    Git {
        rule: Rule,
        /// What a built-in would say if git did not.
        without: Option<Rule>,
    },
}

fn own_list(root: &Path, source: RuleSource, patterns: &[SpecPattern]) -> PatternList {
    // Line 0 stands for a default that stands nowhere.
    let written = patterns.iter().map(|pattern| Written {
        number: Some(pattern.line).filter(|line| *line > 0),
        pattern: &pattern.text,
        shown: None,
    });
    PatternList::new(root, source, false, written)
}
