//! The reason for a decision: every source that is asked about a path, in order, and what came of it.
//!
//! Nothing is decided here: the walk down to the path is that of [`Rules::decide`], and the source that decided is the one
//! that `decide_one` names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::decide::By;
use super::folder_state::{FolderState, RuleState};
use super::list::PatternList;
use super::scope::{Asked, normal};
use super::{Rules, ServiceRules};
use crate::domain::{
    Explanation, Match, OnChange, PathVerdict, Rule, RuleSource, ServiceName, StepOutcome, WhyStep, path_text,
};

/// A folder on the way, or the path itself.
struct Level {
    /// How things stand in the folder that it is in.
    folder: FolderState,
    path: PathBuf,
    is_dir: bool,
}

/// Where on the way it was decided, and by whom.
#[derive(Clone, Copy)]
struct Decided {
    by: By,
    level: usize,
}

impl Rules {
    /// Why a path does or does not restart somebody: absolute, or relative to the root. It need not exist; with a slash at
    /// the end it is a folder. Reads rule files that are not known yet; what is known stays as it is.
    pub fn why(&mut self, path: &Path) -> Explanation {
        use std::os::unix::ffi::OsStrExt;
        let given = normal(&self.root.join(path));
        let absolute = if given.starts_with(&self.root) { given } else { self.in_root(&given).unwrap_or(given) };
        let new = self.load_missing(&absolute);
        let found = std::fs::symlink_metadata(&absolute);
        let is_dir = match &found {
            Ok(found) => found.is_dir(),
            Err(_) => path.as_os_str().as_bytes().ends_with(b"/"),
        };
        let mut explanation = self.explain(&absolute, is_dir);
        if found.is_err() {
            explanation.notes.push(String::from("it does not exist"));
        }
        self.add_unseen(&absolute, is_dir, &mut explanation);
        for folder in new {
            self.forget(&folder);
        }
        explanation
    }

    /// The path below the root, if it is there under another name: the root may be reached through a link.
    fn in_root(&self, path: &Path) -> Option<PathBuf> {
        let root = std::fs::canonicalize(&self.root).ok()?;
        let (there, rest) = path
            .ancestors()
            .find_map(|there| Some((std::fs::canonicalize(there).ok()?, path.strip_prefix(there).ok()?)))?;
        let below = there.strip_prefix(&root).ok()?;
        // Joining nothing would add a slash.
        let mut found = self.root.clone();
        found.extend(below.components().chain(rest.components()));
        Some(found)
    }

    /// The same as [`Rules::decide`], with the reason. The folders on the way must have been loaded.
    pub fn explain(&self, path: &Path, is_dir: bool) -> Explanation {
        let path = normal(&self.root.join(path));
        let mut explanation = Explanation {
            path: if path == self.root { Arc::from(".") } else { self.shown(&path) },
            verdict: PathVerdict::NoMatch,
            services: Vec::new(),
            effect: String::new(),
            rule: None,
            file: self.shown(&self.file),
            notes: Vec::new(),
            chain: Vec::new(),
        };
        if self.is_own(&path) {
            let source = RuleSource::BuiltIn("devgroup's own files are never watched");
            let rule = Rule { source, line: None, pattern: explanation.path.clone() };
            explanation.verdict = PathVerdict::Ignored;
            explanation.chain.push(step("built-in", StepOutcome::Ignores, Some(rule.clone())));
            explanation.rule = Some(rule);
            return explanation;
        }
        let start = self.start_of(&path);
        if !path.starts_with(&start) {
            explanation.verdict = PathVerdict::Outside;
            explanation.notes.push(format!("it is not below {}", path_text(&self.root)));
            return explanation;
        }
        let folder_state = self.enter(self.state_above(&start), &start);
        let levels = self.levels(folder_state.clone(), &start, &path, is_dir);
        let asked: Vec<_> =
            self.services.iter().map(|service| (service, service.scope.explain(&path, is_dir))).collect();
        let matched = match levels.last() {
            Some(last) if !is_dir => self.decide_in(&last.folder, &path, false),
            Some(last) => self.decide_folder(&asked, &self.decide_folder_state(&last.folder, &path)),
            None => self.decide_folder(&asked, &folder_state),
        };
        (explanation.verdict, explanation.rule) = match &matched {
            Match::Watched { services, rule } => {
                explanation.services = services.to_vec();
                (PathVerdict::Watched, Some(rule.clone()))
            }
            Match::Ignored(rule) => (PathVerdict::Ignored, Some(rule.clone())),
            Match::NoMatch => (PathVerdict::NoMatch, None),
        };
        for (service, asked) in &asked {
            explanation.chain.push(self.scope_step(service, asked));
        }
        if self.services.is_empty() {
            explanation.notes.push(String::from("no service watches anything: none has the key `watch`"));
        }
        self.lists(&levels, &asked, &mut explanation);
        let folders = path.ancestors().skip(1).filter_map(|folder| self.folders.get(folder));
        explanation.notes.extend(folders.flat_map(|rules| rules.unread.iter().cloned()));
        explanation.effect = self.effect(&explanation.services);
        explanation
    }

    /// What a service's `watch` says.
    fn scope_step(&self, service: &ServiceRules, asked: &Asked<'_>) -> WhyStep {
        let name = format!("services.{}.watch", service.name);
        match asked {
            Asked::In(rule) => step(&name, StepOutcome::Watches, Some((*rule).clone())),
            Asked::TakenOut(rule) => step(&name, StepOutcome::Ignores, Some((*rule).clone())),
            Asked::No(only) => {
                let about = only.map(|folder| Arc::from(format!("only below {}/", self.shown(folder))));
                WhyStep { about, ..step(&name, StepOutcome::NoMatch, None) }
            }
        }
    }

    /// What a change does to services, in words.
    fn effect(&self, services: &[ServiceName]) -> String {
        let concerned = || self.services.iter().filter(|service| services.contains(&service.name));
        let restarted: Vec<&str> = concerned()
            .filter(|service| service.on_change == OnChange::Restart)
            .map(|service| service.name.as_str())
            .collect();
        let mut effects = Vec::new();
        if !restarted.is_empty() {
            effects.push(format!("restarts {}", restarted.join(", ")));
        }
        for ServiceRules { name, on_change, .. } in concerned() {
            match on_change {
                OnChange::Restart => {}
                OnChange::Signal(signal) => effects.push(format!("sends {} to {name}", signal.name())),
                OnChange::Run(command) => effects.push(format!("runs `{command}` for {name}")),
                OnChange::Notify => effects.push(format!("is only shown for {name}")),
            }
        }
        effects.join(" · ")
    }

    /// The way from where a walk begins to the path.
    fn levels(&self, mut folder_state: FolderState, start: &Path, path: &Path, is_dir: bool) -> Vec<Level> {
        let mut levels = Vec::new();
        let mut here = start.to_path_buf();
        for name in path.strip_prefix(start).unwrap_or(Path::new("")).components() {
            here.push(name);
            let is_dir = is_dir || here != path;
            levels.push(Level { folder: folder_state.clone(), path: here.clone(), is_dir });
            folder_state = self.enter(self.decide_folder_state(&folder_state, &here), &here);
        }
        levels
    }

    /// What a change of some file in a folder means, as far as the folder says it.
    fn decide_folder(&self, asked: &[(&ServiceRules, Asked<'_>)], decided: &FolderState) -> Match {
        let mut services: Vec<ServiceName> = Vec::new();
        let (mut watched, mut ignored) = (None, None);
        for (service, asked) in asked {
            match (asked, decided.state(service)) {
                (Asked::TakenOut(rule), _) => ignored = ignored.or(Some(*rule)),
                (Asked::In(_), RuleState::Ignored { rule, .. }) => ignored = ignored.or(Some(rule)),
                (Asked::In(rule), RuleState::Open(let_in)) => {
                    services.push(service.name.clone());
                    watched = watched.or(Some(let_in.as_ref().unwrap_or(*rule)));
                }
                (Asked::No(_), _) => {}
            }
        }
        match (watched, ignored, &decided.common) {
            (Some(rule), ..) => Match::Watched { services: services.into(), rule: rule.clone() },
            (None, Some(rule), _) | (None, None, RuleState::Ignored { rule, .. }) => Match::Ignored(rule.clone()),
            (None, None, RuleState::Open(_)) => Match::NoMatch,
        }
    }

    /// Who decided for a service, or for those without an own list.
    fn decided(&self, levels: &[Level], service: Option<&ServiceRules>) -> Decided {
        let mut decided = Decided { by: By::Folder, level: levels.len().saturating_sub(1) };
        for (number, level) in levels.iter().enumerate() {
            let above = service.map_or(&level.folder.common, |service| level.folder.state(service));
            let own = service.and_then(|service| Some(&service.own.as_ref()?.list));
            let (_, by) = self.decide_one(&level.folder, above, own, &level.path, level.is_dir, &mut None);
            if by != By::Folder {
                decided = Decided { by, level: number };
            }
        }
        decided
    }

    /// The lists, the files and the built-ins.
    fn lists(&self, levels: &[Level], asked: &[(&ServiceRules, Asked<'_>)], explanation: &mut Explanation) {
        let concerned = || asked.iter().filter(|(_, asked)| matches!(asked, Asked::In(_))).map(|(service, _)| *service);
        for service in concerned() {
            let Some(own) = &service.own else { continue };
            let decided = self.decided(levels, Some(service));
            self.list_step(
                &format!("services.{}.ignore", service.name),
                By::ServiceIgnore,
                &own.list,
                levels,
                decided,
                explanation,
            );
        }
        let watching = concerned().find(|service| explanation.services.contains(&service.name));
        let told = watching.or_else(|| concerned().next());
        let decided = self.decided(levels, told);
        for (name, by, list) in
            [("watch.ignore", By::GroupIgnore, &self.ignore), ("watch.also", By::GroupAlso, &self.also)]
        {
            if !list.is_empty() {
                self.list_step(name, by, list, levels, decided, explanation);
            }
        }
        self.file_lists(levels, decided, explanation);
        self.built_in_step(levels, decided, explanation);
    }

    /// The `.ignore` and git's files, with what git tracks between the two.
    fn file_lists(&self, levels: &[Level], decided: Decided, explanation: &mut Explanation) {
        let Some(level) = levels.get(decided.level) else { return };
        match self.git_files(&level.folder) {
            Some(files) => {
                let name = |list: &PatternList| match list.source() {
                    RuleSource::IgnoreFile(file) => path_text(file).into_owned(),
                    _ => String::new(),
                };
                self.file_steps(
                    files.dot_ignore().map(|list| (name(list), list)),
                    By::DotIgnore,
                    levels,
                    decided,
                    explanation,
                );
                if files.repository().is_some() {
                    let outcome = match decided.by.cmp(&By::Tracked) {
                        std::cmp::Ordering::Less => StepOutcome::NotReached,
                        std::cmp::Ordering::Equal => StepOutcome::Watches,
                        std::cmp::Ordering::Greater => StepOutcome::NoMatch,
                    };
                    let mut tracked = step("git index", outcome, None);
                    tracked.about = self.about(levels, decided.level);
                    explanation.chain.push(tracked);
                }
                self.file_steps(files.git().map(|list| (name(list), list)), By::Git, levels, decided, explanation);
                if decided.by == By::Tracked {
                    self.note_tracked(level, explanation);
                } else if level.is_dir && explanation.verdict == PathVerdict::Ignored && files.tracks_below(&level.path)
                {
                    let folder = self.shown(&level.path);
                    explanation.notes.push(format!("files in {folder}/ that git tracks are watched all the same"));
                }
            }
            None if !self.with_git => {
                explanation.notes.push(String::from("[watch] gitignore = false: git's files are not asked"));
            }
            None => {}
        }
    }

    /// What is ignored or not when no list says anything.
    fn built_in_step(&self, levels: &[Level], decided: Decided, explanation: &mut Explanation) {
        let Some(level) = levels.get(decided.level) else { return };
        let rule = self.built_in_rule(&level.path, level.is_dir);
        let outcome = match decided.by {
            By::BuiltIn => StepOutcome::Ignores,
            By::Folder => StepOutcome::NoMatch,
            _ => StepOutcome::NotReached,
        };
        let mut built_in = step("built-in", outcome, rule.filter(|_| outcome == StepOutcome::Ignores));
        built_in.about = self.about(levels, decided.level).filter(|_| outcome == StepOutcome::Ignores);
        explanation.chain.push(built_in);
        if explanation.verdict == PathVerdict::Ignored && decided.level + 1 < levels.len() {
            let folder = self.shown(&level.path);
            explanation.notes.push(format!("{folder}/ is ignored, and so is what is in it"));
        }
    }

    /// The files of one sort: the first that says something decides.
    fn file_steps<'a>(
        &self,
        files: impl Iterator<Item = (String, &'a PatternList)>,
        by: By,
        levels: &[Level],
        decided: Decided,
        explanation: &mut Explanation,
    ) {
        let mut decided = decided;
        for (name, list) in files {
            self.list_step(&name, by, list, levels, decided, explanation);
            let matched = explanation.chain.last().is_some_and(|step| step.rule.is_some());
            if decided.by == by && matched {
                // What follows is below the one that decided.
                decided.by = By::ServiceIgnore;
            }
        }
    }

    /// What one list of patterns says of a path.
    fn list_step(
        &self,
        name: &str,
        by: By,
        list: &PatternList,
        levels: &[Level],
        decided: Decided,
        explanation: &mut Explanation,
    ) {
        let at = |number: usize| levels.get(number).and_then(|level| list.hit(&level.path, level.is_dir));
        // `also` has it the other way round: its patterns let in.
        let lets_in = |hit: &super::list::Hit<'_>| hit.lets_in != (by == By::GroupAlso);
        if decided.by < by {
            explanation.chain.push(step(name, StepOutcome::NotReached, None));
            return;
        }
        if decided.by == by
            && let Some(hit) = at(decided.level)
        {
            let outcome = if lets_in(&hit) { StepOutcome::Watches } else { StepOutcome::Ignores };
            let mut matched = step(name, outcome, Some(hit.rule()));
            matched.about = self.about(levels, decided.level);
            explanation.chain.push(matched);
            return;
        }
        // A pattern that would let in, and that comes too late: a folder above is ignored.
        let late = (decided.level..levels.len()).rev().find_map(|number| Some((number, at(number).filter(lets_in)?)));
        explanation.chain.push(match late {
            Some((number, hit)) if explanation.verdict == PathVerdict::Ignored && by != By::Git => {
                let mut late = step(name, StepOutcome::Powerless, Some(hit.rule()));
                late.about = self.about(levels, number);
                late
            }
            _ => step(name, StepOutcome::NoMatch, None),
        });
    }

    /// The folder above the path that a source was asked about.
    fn about(&self, levels: &[Level], number: usize) -> Option<Arc<str>> {
        let level = levels.get(number).filter(|_| number + 1 < levels.len())?;
        Some(format!("{}/", self.shown(&level.path)).into())
    }

    /// Which rule would take out what git tracks.
    fn note_tracked(&self, level: &Level, explanation: &mut Explanation) {
        let inherited = match &level.folder.common {
            RuleState::Ignored { rule, .. } => Some(rule.clone()),
            RuleState::Open(_) => None,
        };
        let hit = || {
            let files = self.git_files(&level.folder)?;
            let git = files.git_hit(&level.path, level.is_dir).filter(|hit| !hit.lets_in);
            git.map(|hit| hit.rule()).or_else(|| self.built_in_rule(&level.path, level.is_dir))
        };
        if let Some(rule) = inherited.or_else(hit) {
            let place = explanation.place_of(&rule);
            explanation.notes.push(format!("git tracks it, although this matches:  {place}"));
        }
    }

    /// Learns the folders on the way that are not known. Those that were new.
    fn load_missing(&mut self, path: &Path) -> Vec<PathBuf> {
        let start = self.start_of(path);
        let mut new = Vec::new();
        if self.folders.is_empty() {
            self.load_above(&start);
        }
        let Ok(below) = path.strip_prefix(&start) else { return new };
        let mut folder = start.clone();
        let mut names = below.components();
        loop {
            if !self.folders.contains_key(&folder) && folder.is_dir() && self.load(&folder) && folder != start {
                new.push(folder.clone());
            }
            match names.next() {
                Some(name) => folder.push(name),
                None => return new,
            }
        }
    }
}

fn step(source: &str, outcome: StepOutcome, rule: Option<Rule>) -> WhyStep {
    WhyStep { source: source.into(), outcome, rule, about: None }
}
