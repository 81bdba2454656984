//! What a service asks to watch, before anything is ignored: its `watch` key.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::below;
use super::could_match::{CouldMatch, has_wildcard};
use super::watch_list::{Compiled, LazyGlob, WatchList};
use crate::domain::{Rule, RuleSource, ServiceSpec, SpecPattern, WatchFiles, some_patterns};

/// Characters of patterns that are told of one service.
const PATTERNS: usize = 80;

/// `watch` of one service.
#[derive(Debug)]
pub(super) enum Scope {
    /// No path is watched.
    Off,
    /// All below a folder.
    All { folder: PathBuf, rule: Rule },
    /// What the last matching glob says.
    Globs {
        globs: Vec<WatchGlob>,
        /// All of them, to be asked at once.
        list: Option<WatchList>,
    },
}

/// One glob of a `watch` list.
#[derive(Debug)]
pub(super) struct WatchGlob {
    /// The folder that the glob is relative to: that of the service's file, or one above it for `../…`.
    base: PathBuf,
    /// As written from there.
    relative: String,
    matcher: LazyGlob,
    /// A glob that ends in a plain name also means everything below it, if it is a folder.
    all_below: Option<LazyGlob>,
    could_match: CouldMatch,
    takes_out: bool,
    rule: Rule,
}

/// What a service's `watch` says about a path.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    /// It is in it, by this rule.
    In(&'a Rule),
    /// It was, and this rule took it out.
    TakenOut(&'a Rule),
    /// It is not; with the folder that the service watches, if it watches all of one.
    No(Option<&'a Path>),
}

impl<'a> Asked<'a> {
    /// As [`Scope::decide`] says it.
    pub(super) fn answer(&self) -> Option<Result<&'a Rule, &'a Rule>> {
        match *self {
            Self::In(rule) => Some(Ok(rule)),
            Self::TakenOut(rule) => Some(Err(rule)),
            Self::No(_) => None,
        }
    }
}

impl Scope {
    /// `compiled`: what was compiled for other services.
    pub(super) fn new(service: &ServiceSpec, compiled: &mut Compiled) -> Self {
        let root = &normal(&service.root);
        let source = RuleSource::ServiceWatch(super::written(service));
        match &service.watch {
            WatchFiles::Off => Self::Off,
            WatchFiles::All { line, file } => Self::All {
                // What only a start knows is refused by the configuration.
                folder: normal(service.dir.known().unwrap_or(&service.root)),
                rule: Rule { source, line: Some(*line), file: file.clone(), pattern: Arc::from("true") },
            },
            WatchFiles::Globs(globs) => {
                let globs: Vec<_> = globs.iter().filter_map(|glob| WatchGlob::new(glob, &source, root)).collect();
                let each = globs.iter().enumerate().flat_map(|(place, glob)| {
                    let matchers = std::iter::once(&glob.matcher).chain(&glob.all_below);
                    matchers.map(move |matcher| (place, glob.base.as_path(), matcher))
                });
                let list = WatchList::new(each, compiled);
                Self::Globs { globs, list }
            }
        }
    }

    /// The pattern that takes a path out, also one that was not in.
    pub(super) fn taken_out(&self, path: &Path) -> Option<&Rule> {
        let Self::Globs { globs, .. } = self else { return None };
        let last = globs.iter().rev().find(|glob| glob.matches(path))?;
        last.takes_out.then_some(&last.rule)
    }

    /// Whether the path is in it, and the rule that says so; `Err` if a rule took it out again.
    pub(super) fn decide(&self, path: &Path) -> Option<Result<&Rule, &Rule>> {
        match self {
            Self::Off => None,
            Self::All { folder, rule } => below(path, folder).is_some().then_some(Ok(rule)),
            Self::Globs { globs, list } => {
                let hits = match list {
                    Some(list) => list.hits(path),
                    None => {
                        (0..globs.len()).filter(|at| globs.get(*at).is_some_and(|glob| glob.matches(path))).collect()
                    }
                };
                let glob = globs.get(hits.iter().copied().max()?)?;
                if !glob.takes_out {
                    return Some(Ok(&glob.rule));
                }
                // It is only taken out if it had been in.
                let was_in = hits.iter().any(|at| globs.get(*at).is_some_and(|glob| !glob.takes_out));
                was_in.then_some(Err(&glob.rule))
            }
        }
    }

    /// The same for people: of a folder, whether something in it could be in it; and why something is not.
    pub(super) fn explain(&self, path: &Path, is_dir: bool) -> Asked<'_> {
        match (self.decide(path), self) {
            (Some(Ok(rule)), _) => Asked::In(rule),
            (Some(Err(rule)), _) => Asked::TakenOut(rule),
            (None, Self::All { folder, rule }) if is_dir && folder.starts_with(path) => Asked::In(rule),
            (None, Self::All { folder, .. }) => Asked::No(Some(folder)),
            (None, Self::Globs { globs, .. }) if is_dir => {
                let reaching = globs.iter().find(|glob| !glob.takes_out && glob.could_match_in(path));
                reaching.map_or(Asked::No(None), |glob| Asked::In(&glob.rule))
            }
            (None, Self::Off | Self::Globs { .. }) => Asked::No(None),
        }
    }

    /// Whether something in this folder or below could be in it.
    pub(super) fn could_match_in(&self, folder: &Path) -> bool {
        match self {
            Self::Off => false,
            Self::All { folder: whole, .. } => folder.starts_with(whole) || whole.starts_with(folder),
            Self::Globs { globs, .. } => globs.iter().any(|glob| !glob.takes_out && glob.could_match_in(folder)),
        }
    }

    /// The patterns for people, where it has some.
    pub(super) fn patterns(&self) -> Option<String> {
        let Self::Globs { globs, .. } = self else { return None };
        some_patterns(globs.iter().map(|glob| &*glob.rule.pattern), PATTERNS)
    }

    /// The folders that a walk must begin at to find all of it.
    pub(super) fn starts(&self) -> Vec<PathBuf> {
        match self {
            Self::Off => Vec::new(),
            Self::All { folder, .. } => vec![folder.clone()],
            Self::Globs { globs, .. } => globs
                .iter()
                .filter(|glob| !glob.takes_out)
                .map(|glob| glob.base.join(glob.could_match.literal_folder()))
                .collect(),
        }
    }
}

impl WatchGlob {
    fn new(pattern: &SpecPattern, source: &RuleSource, root: &Path) -> Option<Self> {
        let rule = Rule {
            source: source.clone(),
            line: Some(pattern.line),
            file: pattern.file.clone(),
            pattern: Arc::from(pattern.text.as_str()),
        };
        let text = pattern.text.strip_prefix('!');
        let takes_out = text.is_some();
        let (base, relative) = resolve(text.unwrap_or(&pattern.text), root);
        let is_folder = relative.ends_with('/');
        let relative = relative.trim_end_matches('/');
        let build = |glob: &str| {
            // The configuration has refused bad globs; what gets here nevertheless matches nothing.
            LazyGlob::new(glob).inspect_err(|error| log::warn!("{}: {error}", pattern.text))
        };
        let matcher = build(relative).ok()?;
        let last = relative.rsplit('/').next().unwrap_or_default();
        let mut could_match = CouldMatch::new(relative);
        let mut all_below = None;
        if is_folder || !has_wildcard(last) {
            all_below = build(&if relative.is_empty() { "**".to_owned() } else { format!("{relative}/**") }).ok();
            could_match = could_match.with_all_below();
        }
        Some(Self { base, relative: relative.to_owned(), matcher, all_below, could_match, takes_out, rule })
    }

    /// It takes out what others have in.
    pub(super) fn takes_out(&self) -> bool {
        self.takes_out
    }

    /// The folder that everything it matches lies in.
    pub(super) fn start(&self) -> PathBuf {
        self.base.join(self.could_match.literal_folder())
    }

    /// The one path that it names, if it has no wildcards.
    pub(super) fn literal(&self) -> Option<PathBuf> {
        self.could_match.literal().map(|path| self.base.join(path))
    }

    /// A path that it could match, with this text for whatever is free in it.
    pub(super) fn sample(&self, filler: &str) -> Option<PathBuf> {
        let mut sample = String::new();
        let mut rest = self.relative.as_str();
        while let Some(char) = rest.chars().next() {
            let after = rest.get(char.len_utf8()..).unwrap_or_default();
            rest = match char {
                '*' if after.starts_with("*/") => after.get(2..).unwrap_or_default(),
                '*' => {
                    sample.push_str(filler);
                    after.trim_start_matches('*')
                }
                '?' => {
                    sample.extend(filler.chars().next());
                    after
                }
                '[' => {
                    let (class, behind) = after.split_once(']')?;
                    sample.extend(class.chars().next());
                    behind
                }
                // Of several choices each may be judged in another way.
                '{' => return None,
                '\\' => {
                    sample.extend(after.chars().next());
                    after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default()
                }
                other => {
                    sample.push(other);
                    after
                }
            };
        }
        // What is nested, or turned around, is not followed.
        Some(self.base.join(sample)).filter(|path| self.matches(path))
    }

    pub(super) fn could_match_in(&self, folder: &Path) -> bool {
        folder
            .strip_prefix(&self.base)
            .map_or_else(|_| self.base.starts_with(folder), |relative| self.could_match.may_hold(relative))
    }

    pub(super) fn matches(&self, path: &Path) -> bool {
        below(path, &self.base).is_some_and(|relative| {
            self.matcher.is_match(relative) || self.all_below.as_ref().is_some_and(|glob| glob.is_match(relative))
        })
    }
}

/// The folder that a glob is relative to, and the rest of the glob: `../shared/**` leaves the root.
fn resolve<'a>(glob: &'a str, root: &Path) -> (PathBuf, &'a str) {
    if let Some(rest) = glob.strip_prefix('/') {
        return (PathBuf::from("/"), rest);
    }
    let mut base = root.to_path_buf();
    let mut rest = glob;
    loop {
        if let Some(after) = rest.strip_prefix("./") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("../") {
            base.pop();
            rest = after;
        } else if rest == "." {
            return (base, "**");
        } else {
            return (base, rest);
        }
    }
}

/// The path without `.` and `..`, by its text alone: links are not followed.
pub(in crate::watch) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
