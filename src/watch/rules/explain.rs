//! The reason for a decision: every source that is asked about a path, in order, and what came of it.
//!
//! Nothing is decided here: the decision is asked for once, and tells how it came about ([`Trace`]). Beside that, only
//! patterns that come too late are looked for: no decision asks them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::decide::{By, Question, Trace};
use super::folder_state::FolderState;
use super::list::PatternList;
use super::scope::{Asked, normal};
use super::{OwnList, Rules, ServiceRules};
use crate::domain::{
    Explanation, Match, OnChange, PathVerdict, Rule, RuleSource, ServiceName, StepOutcome, WhyStep, path_text,
};

/// The way down to a path, as the decision has told it.
#[derive(Default)]
struct Way(Vec<Level>);

/// A folder on the way, or the path itself.
struct Level {
    /// How things stand in the folder that it is in.
    folder: FolderState,
    path: PathBuf,
    is_dir: bool,
    /// What was decided here, by the number of the own list; `None` for those without one.
    verdicts: Vec<(Option<usize>, Verdict)>,
}

/// Which source has decided, and by which rule.
struct Verdict {
    by: By,
    rule: Rule,
    lets_in: bool,
}

/// The last verdict on the way, which is the one that holds, and where it was.
#[derive(Clone, Copy)]
struct Decided<'a> {
    verdict: Option<&'a Verdict>,
    /// The path itself, if nobody has decided.
    level: usize,
}

impl Trace for Way {
    fn ask(&mut self, &Question { folder, path, is_dir }: &Question<'_>) {
        self.0.push(Level { folder: folder.clone(), path: path.to_path_buf(), is_dir, verdicts: Vec::new() });
    }

    fn decided(&mut self, own: Option<&OwnList>, by: By, rule: &Rule, lets_in: bool) {
        // It has been asked before.
        let Some(level) = self.0.last_mut() else { return };
        level.verdicts.push((own.map(|own| own.number), Verdict { by, rule: rule.clone(), lets_in }));
    }
}

impl<'a> Decided<'a> {
    /// No source above this one has decided.
    fn is_reached(self, by: By) -> bool {
        self.verdict.is_none_or(|verdict| verdict.by >= by)
    }

    /// The verdict, if it is by a rule of this list.
    fn rule_in(self, list: &PatternList, by: By) -> Option<&'a Verdict> {
        self.verdict.filter(|verdict| verdict.by == by && list.has(&verdict.rule))
    }
}

impl Way {
    /// What was decided for a service, or for those without an own list.
    fn decided(&self, service: Option<&ServiceRules>) -> Decided<'_> {
        let number = service.and_then(|service| service.own.as_ref()).map(|own| own.number);
        let found = self.0.iter().enumerate().rev().find_map(|(at, level)| {
            let verdict = level.verdicts.iter().find(|(own, _)| *own == number);
            verdict.map(|(_, verdict)| (verdict, at))
        });
        match found {
            Some((verdict, level)) => Decided { verdict: Some(verdict), level },
            None => Decided { verdict: None, level: self.0.len().saturating_sub(1) },
        }
    }

    /// A pattern that would let in, and that comes too late: a folder above is ignored. No decision asks it.
    fn late(&self, by: By, list: &PatternList, decided: usize) -> Option<(usize, Rule)> {
        self.0.iter().enumerate().skip(decided).rev().find_map(|(at, level)| {
            // `also` has it the other way round: its patterns let in.
            let hit = list.hit(&level.path, level.is_dir).filter(|hit| hit.lets_in != (by == By::GroupAlso));
            Some((at, hit?.rule()))
        })
    }

    /// The folder above the path that was decided about; `None` if it was the path itself.
    fn folder(&self, at: usize) -> Option<&Level> {
        self.0.get(at).filter(|_| at + 1 < self.0.len())
    }
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
        // Files of `env_file` are followed through links, and wherever they are.
        if !self.is_read_at_starts(&absolute) {
            self.add_unseen(&absolute, is_dir, &mut explanation);
        }
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
        if let Some(rule) = self.own_rule(&path) {
            explanation.verdict = PathVerdict::Ignored;
            explanation.chain.push(step("built-in", StepOutcome::Ignores, Some(rule.clone())));
            explanation.rule = Some(rule);
            return explanation;
        }
        let start = self.start_of(&path);
        let Ok(rest) = path.strip_prefix(&start) else {
            explanation.verdict = PathVerdict::Outside;
            explanation.notes.push(format!("it is not in {}", path_text(&self.root)));
            self.explain_readers(&path, None, &mut explanation);
            explanation.effect = self.effect(&explanation.services);
            return explanation;
        };
        let mut way = Way::default();
        let decided = self.walk(start, rest, is_dir, &mut way);
        let asked: Vec<_> =
            self.services.iter().map(|service| (service, service.scope.explain(&path, is_dir))).collect();
        let matched =
            self.matched(asked.iter().filter_map(|(service, asked)| Some((*service, asked.answer()?))), &decided);
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
            explanation.notes.push(String::from("no service watches files: none has the key `watch`"));
        }
        if !is_dir {
            self.explain_readers(&path, Some(&decided), &mut explanation);
        }
        self.lists(&way, &asked, &mut explanation);
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
                let only = only.map(|folder| format!("only below {}/", self.shown(folder)));
                let about = only.or_else(|| service.scope.patterns().map(|patterns| format!("watches {patterns}")));
                let about = about.map(Arc::from);
                WhyStep { about, ..step(&name, StepOutcome::NoMatch, None) }
            }
        }
    }

    /// What a change does to services, in words.
    fn effect(&self, services: &[ServiceName]) -> String {
        let concerned = || {
            let acts = |service: &&ServiceRules| service.names.iter().any(|name| services.contains(name));
            self.services.iter().filter(acts)
        };
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
                OnChange::Mark => effects.push(format!("only marks the log of {name}")),
            }
        }
        effects.join(" · ")
    }

    /// The lists, the files and the built-ins.
    fn lists(&self, way: &Way, asked: &[(&ServiceRules, Asked<'_>)], explanation: &mut Explanation) {
        let concerned = || asked.iter().filter(|(_, asked)| matches!(asked, Asked::In(_))).map(|(service, _)| *service);
        for service in concerned() {
            let Some(own) = &service.own else { continue };
            let name = format!("services.{}.ignore", service.name);
            let of_file = format!("watch.ignore of {}", service.file);
            let lists = [
                (name, By::ServiceIgnore, &own.list),
                (of_file, By::GroupIgnore, &own.file_ignore),
                (format!("watch.also of {}", service.file), By::GroupAlso, &own.file_also),
            ];
            for (name, by, list) in lists.iter().filter(|(_, _, list)| !list.is_empty()) {
                self.list_step(name, *by, list, way, way.decided(Some(service)), explanation);
            }
        }
        let watching = concerned().find(|service| service.names.iter().any(|name| explanation.services.contains(name)));
        let decided = way.decided(watching.or_else(|| concerned().next()));
        for (name, by, list) in
            [("watch.ignore", By::GroupIgnore, &self.ignore), ("watch.also", By::GroupAlso, &self.also)]
        {
            if !list.is_empty() {
                self.list_step(name, by, list, way, decided, explanation);
            }
        }
        self.file_lists(way, decided, explanation);
        self.built_in_step(way, decided, explanation);
    }

    /// The `.ignore` and git's files, with what git tracks between the two.
    fn file_lists(&self, way: &Way, decided: Decided<'_>, explanation: &mut Explanation) {
        let Some(level) = way.0.get(decided.level) else { return };
        let Some(files) = self.git_files(&level.folder) else {
            if !self.with_git {
                explanation.notes.push(String::from("[watch] gitignore = false: git's ignore files are not used"));
            }
            return;
        };
        self.file_steps(files.dot_ignore(), By::DotIgnore, way, decided, explanation);
        let overruled = decided.verdict.filter(|verdict| verdict.by == By::Tracked).map(|verdict| &verdict.rule);
        if files.repository().is_some() {
            let outcome = match overruled {
                Some(_) => StepOutcome::Watches,
                None if decided.is_reached(By::Tracked) => StepOutcome::NoMatch,
                None => StepOutcome::NotReached,
            };
            explanation
                .chain
                .push(WhyStep { about: self.about(way, decided.level), ..step("tracked & ignored", outcome, None) });
        }
        self.file_steps(files.git(), By::Git, way, decided, explanation);
        if let Some(rule) = overruled {
            let place = explanation.place_of(rule);
            explanation.notes.push(format!("git tracks it, so this does not apply:  {place}"));
        } else if level.is_dir && explanation.verdict == PathVerdict::Ignored && files.tracks_below(&level.path) {
            let folder = self.shown(&level.path);
            explanation.notes.push(format!("files in {folder}/ that git tracks are watched anyway"));
        }
    }

    /// What is ignored or not when no list says anything.
    fn built_in_step(&self, way: &Way, decided: Decided<'_>, explanation: &mut Explanation) {
        if way.0.is_empty() {
            return;
        }
        explanation.chain.push(match decided.verdict {
            Some(verdict) if verdict.by == By::BuiltIn => WhyStep {
                about: self.about(way, decided.level),
                ..step("built-in", StepOutcome::Ignores, Some(verdict.rule.clone()))
            },
            Some(_) => step("built-in", StepOutcome::NotReached, None),
            None => step("built-in", StepOutcome::NoMatch, None),
        });
        if let Some(level) = way.folder(decided.level)
            && explanation.verdict == PathVerdict::Ignored
        {
            let folder = self.shown(&level.path);
            explanation.notes.push(format!("{folder}/ is ignored, and so is everything in it"));
        }
    }

    /// The files of one sort, in the order in which they are asked: the first that says something decides.
    fn file_steps<'a>(
        &self,
        files: impl Iterator<Item = &'a PatternList>,
        by: By,
        way: &Way,
        decided: Decided<'_>,
        explanation: &mut Explanation,
    ) {
        let mut has_decided = false;
        for list in files {
            let name = match list.source() {
                RuleSource::IgnoreFile(file) => path_text(file),
                _ => Cow::Borrowed(""),
            };
            if has_decided {
                explanation.chain.push(step(&name, StepOutcome::NotReached, None));
            } else {
                self.list_step(&name, by, list, way, decided, explanation);
                has_decided = decided.rule_in(list, by).is_some();
            }
        }
    }

    /// What one list of patterns says of a path.
    fn list_step(
        &self,
        name: &str,
        by: By,
        list: &PatternList,
        way: &Way,
        decided: Decided<'_>,
        explanation: &mut Explanation,
    ) {
        if !decided.is_reached(by) {
            explanation.chain.push(step(name, StepOutcome::NotReached, None));
            return;
        }
        if let Some(verdict) = decided.rule_in(list, by) {
            let outcome = if verdict.lets_in { StepOutcome::Watches } else { StepOutcome::Ignores };
            let matched = step(name, outcome, Some(verdict.rule.clone()));
            explanation.chain.push(WhyStep { about: self.about(way, decided.level), ..matched });
            return;
        }
        // Git lets nothing in below a folder that is ignored, which is known of it.
        let is_late = explanation.verdict == PathVerdict::Ignored && by != By::Git;
        let late = is_late.then(|| way.late(by, list, decided.level)).flatten();
        explanation.chain.push(match late {
            Some((level, rule)) => {
                WhyStep { about: self.about(way, level), ..step(name, StepOutcome::Powerless, Some(rule)) }
            }
            None => step(name, StepOutcome::NoMatch, None),
        });
    }

    /// The folder above the path that a source was asked about.
    fn about(&self, way: &Way, at: usize) -> Option<Arc<str>> {
        Some(format!("{}/", self.shown(&way.folder(at)?.path)).into())
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
