//! Patterns of `watch` that restart nobody: all that they match is ignored, or nothing matches. For `devgroup check`, which
//! has the time to look into the tree; a start never asks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder_state::{FolderState, RuleState};
use super::scope::{Scope, WatchGlob};
use super::unseen::Unseen;
use super::{Rules, ServiceRules};
use crate::domain::{Explanation, GroupSpec, Match, PathVerdict, ServiceName, SpecPattern, WatchFiles};

/// A pattern that restarts nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmatchedWatch {
    /// Name of the service.
    pub service: ServiceName,
    /// Which of its patterns; 0 for `watch = true`.
    pub index: usize,
    /// Why no file makes it act.
    pub reason: UnmatchedReason,
}

/// Why a pattern restarts nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnmatchedReason {
    /// All that it matches is ignored.
    Ignored {
        /// So many files match now.
        files: usize,
        /// Something that it matches, relative to the root.
        example: String,
        /// By this rule, for people: `.gitignore:1` and the pattern.
        rule: String,
        /// A line for the service's `ignore` that lets the example in; it was tried.
        let_in: Option<String>,
    },
    /// No file matches, and none that would is ignored.
    Unmatched,
    /// What it names is a link, or is behind one, and links are not followed.
    Link {
        /// Relative to the root.
        link: String,
        /// What it leads to, as it can be written in its place.
        target: Option<String>,
    },
}

/// Entries that are looked at for one pattern. A tree that is larger is given the benefit of the doubt.
const MOST: usize = 20_000;

/// Entries that are looked at for all patterns together.
const MOST_OF_ALL: usize = 1_000_000;

/// Patterns that are looked at: more are not written by hand, and each costs a look at the disk.
const PATTERNS: usize = 500;

/// Pairs of patterns of one service that are looked at: each is asked beside all others.
const PAIRS: usize = 1_000_000;

/// What was found of all patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadWatches {
    /// Those that restart nobody.
    pub unmatched: Vec<UnmatchedWatch>,
    /// The first one that was not looked at, whose it is, and how many there are.
    pub unlooked: Option<(ServiceName, usize, usize)>,
}

/// Looks for such patterns. Reads the tree as far as the patterns reach, and ends at a bound.
pub fn unmatched_watches(spec: &GroupSpec) -> DeadWatches {
    let mut found = DeadWatches::default();
    let (mut patterns, mut entries) = (0, 0);
    // Without its services, of which there may be many.
    let shell = GroupSpec { services: Vec::new(), replicated: Vec::new(), ..spec.clone() };
    for service in &spec.services {
        if matches!(service.watch, WatchFiles::Off) {
            continue;
        }
        let count = match &service.watch {
            WatchFiles::Off => 0,
            WatchFiles::All { .. } => 1,
            WatchFiles::Globs(globs) => globs.len(),
        };
        let most = (PAIRS / count.max(1)).min(PATTERNS - patterns);
        let left = if entries < MOST_OF_ALL { count.min(most) } else { 0 };
        patterns += left;
        if left < count {
            let (.., unlooked) = found.unlooked.get_or_insert((service.name.clone(), left, 0));
            *unlooked += count - left;
        }
        if left == 0 {
            continue;
        }
        // Alone: what another service lets in is not let in for this one. The folders of tasks are nobody's.
        let workers = spec.services.iter().filter(|service| service.worker.is_some());
        let services = std::iter::once(service).chain(workers).cloned().collect();
        let alone = GroupSpec { services, ..shell.clone() };
        let mut rules = Rules::new(&alone, &[]);
        for index in 0..left {
            if let Some(reason) = rules.unmatched(index, &alone, &mut entries) {
                found.unmatched.push(UnmatchedWatch { service: service.name.clone(), index, reason });
            }
        }
    }
    found
}

/// One pattern, or all of a folder.
enum Wanted<'a> {
    All(&'a Path),
    Glob(&'a WatchGlob),
}

impl Wanted<'_> {
    fn of(service: &ServiceRules, index: usize) -> Option<Wanted<'_>> {
        match &service.scope {
            Scope::Off => None,
            Scope::All { folder, .. } => Some(Wanted::All(folder)),
            Scope::Globs { globs, .. } => globs.get(index).filter(|glob| !glob.takes_out()).map(Wanted::Glob),
        }
    }

    fn matches(&self, file: &Path) -> bool {
        match self {
            Self::All(folder) => file.starts_with(folder),
            Self::Glob(glob) => glob.matches(file),
        }
    }

    fn could_match_in(&self, folder: &Path) -> bool {
        match self {
            Self::All(whole) => folder.starts_with(whole),
            Self::Glob(glob) => glob.could_match_in(folder),
        }
    }

    /// It names just this file.
    fn names(&self, file: &Path) -> bool {
        matches!(self, Self::Glob(glob) if glob.literal().as_deref() == Some(file))
    }

    /// What it names: one file or folder, or the folder that all that it matches lies in.
    fn named(&self) -> PathBuf {
        match self {
            Self::Glob(glob) => glob.literal().unwrap_or_else(|| glob.start()),
            Self::All(folder) => folder.to_path_buf(),
        }
    }

    /// Where all that it matches lies.
    fn start(&self) -> PathBuf {
        match self {
            Self::All(folder) => folder.to_path_buf(),
            Self::Glob(glob) => glob.start(),
        }
    }
}

impl Rules {
    fn unmatched(&mut self, index: usize, spec: &GroupSpec, entries: &mut usize) -> Option<UnmatchedReason> {
        let wanted = Wanted::of(self.services.first()?, index)?;
        let mut start = wanted.start();
        if let Some(Unseen::Link(link)) = self.unseen_in(&wanted.named()) {
            return Some(UnmatchedReason::Link { link: self.shown(&link).to_string(), target: self.target_of(&link) });
        }
        if start.is_file() {
            // A pattern without wildcards names a file.
            start.pop();
        }
        self.load_towards(&start.join("x"));
        let walk = self.start_of(&start);
        let rest = start.strip_prefix(&walk).unwrap_or(Path::new(""));
        let mut folders = vec![(self.walk(walk.clone(), rest, true, &mut ()), start.clone())];
        let (mut seen, mut files, mut example) = (0, 0, None);
        while let Some((folder_state, folder)) = folders.pop() {
            let Ok(listed) = crate::watch::directory::list(&folder) else { continue };
            self.load(&folder);
            let folder_state = self.enter(folder_state, &folder);
            let service = self.services.first()?;
            let wanted = Wanted::of(service, index)?;
            for found in listed {
                seen += 1;
                *entries += 1;
                if seen > MOST || *entries > MOST_OF_ALL {
                    return None;
                }
                let path = folder.join(&found.name);
                if let crate::watch::directory::FoundKind::Folder { .. } = found.kind {
                    if wanted.could_match_in(&path) && !self.is_own(&path) {
                        folders.push((self.decide_folder_state(&folder_state, &path), path));
                    }
                } else if wanted.matches(&path) && matches!(service.scope.decide(&path), Some(Ok(_))) {
                    if self.lets_in(&folder_state, &path, service) {
                        return None;
                    }
                    // Nobody means the group's own files, which are read in any case, but who names one.
                    if !self.is_of_group(&path) || wanted.names(&path) {
                        files += 1;
                        example.get_or_insert(path);
                    }
                }
            }
        }
        let service = self.services.first()?;
        // Without a file: what would match may be ignored whatever it will be.
        let (example, is_typical) = match (example, Wanted::of(service, index)?) {
            (Some(example), _) => (example, true),
            (None, Wanted::Glob(glob)) => match glob.literal() {
                Some(literal) => (literal, true),
                None => match self.samples(glob) {
                    Some(sample) => (sample, true),
                    None => (start.join("x"), false),
                },
            },
            (None, Wanted::All(_)) => return None,
        };
        let explanation = self.explain(&example, false);
        let about_folder = explanation.chain.iter().any(|step| step.about.is_some() && step.rule.is_some());
        if explanation.verdict != PathVerdict::Ignored || !(is_typical || about_folder) {
            return (files == 0).then_some(UnmatchedReason::Unmatched);
        }
        let rule = explanation.rule.as_ref().map(|rule| {
            let line = rule.line.map(|line| format!(":{line}")).unwrap_or_default();
            format!("{}{line} `{}`", explanation.file_of(rule), rule.pattern)
        });
        let rule = rule.unwrap_or_default();
        let let_in = let_in(index, &explanation, &example, files == 1, spec);
        Some(UnmatchedReason::Ignored { files, example: explanation.path.to_string(), rule, let_in })
    }

    /// Whether a change of this file would be seen.
    fn lets_in(&self, folder: &FolderState, file: &Path, service: &ServiceRules) -> bool {
        matches!(self.decide_file_state(folder, file).state(service), RuleState::Open(_)) && !self.is_own(file)
    }

    /// A path that the pattern could match, if every such path is ignored by one rule, as far as two of them tell.
    fn samples(&self, glob: &WatchGlob) -> Option<PathBuf> {
        let [one, other] = ["x", "q7-z"].map(|filler| glob.sample(filler));
        let (one, other) = (one?, other?);
        let explanations = [&one, &other].map(|path| self.explain(path, false));
        let ignored = explanations.iter().all(|explanation| explanation.verdict == PathVerdict::Ignored);
        let [one_rule, other_rule] = explanations.map(|explanation| explanation.rule);
        (ignored && one_rule == other_rule).then_some(one)
    }
}

/// The line that lets a file in: the first of some that does. `alone`: there is no other file.
fn let_in(index: usize, explanation: &Explanation, example: &Path, alone: bool, spec: &GroupSpec) -> Option<String> {
    let pattern = match &spec.services.first()?.watch {
        WatchFiles::Globs(globs) => globs.get(index).map(|glob| glob.text.clone()),
        WatchFiles::Off | WatchFiles::All { .. } => None,
    };
    // The folder that is ignored as a whole, with its slash.
    let folder = explanation.chain.iter().rev().find_map(|step| step.about.as_deref()).map(str::to_owned);
    let candidates = [pattern, folder, alone.then(|| explanation.path.to_string())];
    candidates.into_iter().flatten().map(|pattern| format!("!{pattern}")).find(|line| {
        let mut spec = spec.clone();
        if let Some(service) = spec.services.first_mut() {
            Arc::make_mut(service).ignore.push(SpecPattern { text: line.clone(), line: 0, file: None });
        }
        let mut rules = Rules::new(&spec, &[]);
        rules.load_towards(example);
        matches!(rules.decide(example, false), Match::Watched { .. })
    })
}
