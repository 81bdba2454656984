//! Deciding: what the rules say about a path, on the way down from where a walk begins. Who wants to know how a decision
//! came about listens to it by a [`Trace`].

use std::path::{Path, PathBuf};

use super::could_match::CouldMatch;
use super::folder_state::{Chain, FolderState, RuleState};
use super::{OwnList, Rules, ServiceRules, built_in, scope};
use crate::domain::{Match, Rule, RuleSource};

/// Which source has decided about a path, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    /// The service's `ignore`.
    ServiceIgnore,
    /// The group's `ignore`.
    GroupIgnore,
    /// The group's `also`.
    GroupAlso,
    /// An `.ignore` file.
    DotIgnore,
    /// Git tracks it.
    Tracked,
    /// One of git's files.
    Git,
    /// The built-in list of devgroup.
    BuiltIn,
}

/// What is decided about: something in a folder, where things stand so.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) folder: &'a FolderState,
    pub(super) path: &'a Path,
    pub(super) is_dir: bool,
}

/// Is told how a decision comes about. `()` is told nothing, and costs nothing.
pub(super) trait Trace {
    /// This is asked next: the folders on the way to a path from above, then the path.
    fn ask(&mut self, question: &Question<'_>);

    /// A source has decided about it, for a service with its own list, or for all without one. If git's index has, `rule` is
    /// the one that it outweighs.
    fn decided(&mut self, own: Option<&OwnList>, by: By, rule: &Rule, lets_in: bool);

    /// A rule ignores it.
    fn ignored(&mut self, own: Option<&OwnList>, by: By, rule: Rule, yields: bool) -> RuleState {
        self.decided(own, by, &rule, false);
        RuleState::Ignored { rule, yields }
    }

    /// A rule lets it in.
    fn let_in(&mut self, own: Option<&OwnList>, by: By, rule: Rule) -> RuleState {
        self.decided(own, by, &rule, true);
        RuleState::Open(Some(rule))
    }
}

impl Trace for () {
    fn ask(&mut self, _: &Question<'_>) {}

    fn decided(&mut self, _: Option<&OwnList>, _: By, _: &Rule, _: bool) {}
}

impl Rules {
    /// What the rules say about a path: absolute, or relative to the root. It need not exist.
    ///
    /// A path that no service asks for is ignored if a rule of the group, git or devgroup says so, else no match.
    pub fn decide(&self, path: &Path, is_dir: bool) -> Match {
        let path = scope::normal(&self.root.join(path));
        if let Some(rule) = self.own_rule(&path) {
            return Match::Ignored(rule);
        }
        let start = self.start_of(&path);
        // Nothing is decided about the folder that a walk begins at.
        let Some(rest) = path.strip_prefix(&start).ok().filter(|rest| !rest.as_os_str().is_empty()) else {
            return Match::NoMatch;
        };
        let decided = self.walk(start, rest, is_dir, &mut ());
        self.matched(self.asked(&path), &decided)
    }

    /// What the rules say about something in a folder of which the state is known.
    pub(in crate::watch) fn decide_in(&self, folder: &FolderState, path: &Path, is_dir: bool) -> Match {
        let decided = self.decide_state(Question { folder, path, is_dir }, &mut ());
        self.matched(self.asked(path), &decided)
    }

    /// What each service's `watch` says about a path.
    pub(super) fn asked<'a>(
        &'a self,
        path: &'a Path,
    ) -> impl Iterator<Item = (&'a ServiceRules, Result<&'a Rule, &'a Rule>)> {
        self.services.iter().filter_map(move |service| Some((service, service.scope.decide(path)?)))
    }

    /// The decision, from what the services ask for and what the rules say of the folder.
    pub(super) fn matched<'a>(
        &self,
        asked: impl Iterator<Item = (&'a ServiceRules, Result<&'a Rule, &'a Rule>)>,
        decided: &FolderState,
    ) -> Match {
        let mut names = Vec::new();
        let mut watched = None;
        let mut ignored = None;
        for (service, asked) in asked {
            match (asked, decided.state(service)) {
                (Ok(_), RuleState::Ignored { rule, .. }) | (Err(rule), _) => ignored = ignored.or(Some(rule)),
                (Ok(rule), RuleState::Open(let_in)) => {
                    names.extend(service.names.iter().cloned());
                    watched = watched.or(Some(let_in.as_ref().unwrap_or(rule)));
                }
            }
        }
        match (watched, ignored, &decided.common) {
            (Some(rule), ..) => Match::Watched { services: names.into(), rule: rule.clone() },
            (None, Some(rule), _) | (None, None, RuleState::Ignored { rule, .. }) => Match::Ignored(rule.clone()),
            (None, None, RuleState::Open(_)) => Match::NoMatch,
        }
    }

    /// The way down to a path from where a walk begins: how things stand with the path, without its own rule files. `rest` is
    /// the path from there.
    pub(super) fn walk(&self, start: PathBuf, rest: &Path, is_dir: bool, trace: &mut impl Trace) -> FolderState {
        let mut folder_state = self.state_above(&start);
        let mut here = start;
        let mut names = rest.components().peekable();
        while let Some(name) = names.next() {
            let folder = self.enter(folder_state, &here);
            here.push(name);
            let is_dir = is_dir || names.peek().is_some();
            folder_state = self.decide_state(Question { folder: &folder, path: &here, is_dir }, trace);
        }
        folder_state
    }

    /// How things stand just above a folder that a walk begins at. That one is never ignored itself, whatever lies
    /// around it.
    pub(in crate::watch) fn state_above(&self, start: &Path) -> FolderState {
        let mut above: Vec<_> = start.ancestors().skip(1).filter_map(|folder| self.folders.get(folder)).collect();
        above.reverse();
        let chain = above.into_iter().fold(None, |up, rules| Some(Chain::below(up, rules)));
        FolderState::open(chain, self.services.iter().filter(|service| service.own.is_some()).count())
    }

    /// How things stand in a folder, as seen from the one above: without its own rule files.
    pub(in crate::watch) fn decide_folder_state(&self, above: &FolderState, folder: &Path) -> FolderState {
        self.decide_state(Question { folder: above, path: folder, is_dir: true }, &mut ())
    }

    /// How things stand with a file.
    pub(super) fn decide_file_state(&self, above: &FolderState, file: &Path) -> FolderState {
        self.decide_state(Question { folder: above, path: file, is_dir: false }, &mut ())
    }

    /// How things stand in a folder, its own rule files included.
    pub(in crate::watch) fn enter(&self, decided: FolderState, folder: &Path) -> FolderState {
        match self.folders.get(folder) {
            Some(rules) => FolderState { chain: Some(Chain::below(decided.chain.clone(), rules)), ..decided },
            None => decided,
        }
    }

    /// Whether somebody needs a watch on this folder.
    pub(in crate::watch) fn wants(&self, folder: &Path, folder_state: &FolderState) -> bool {
        if self.is_own(folder) {
            return false;
        }
        let passes = |base: &Path, passages: &[CouldMatch]| match folder.strip_prefix(base) {
            Ok(relative) => passages.iter().any(|passage| passage.may_hold(relative)),
            // On the way to where they begin.
            Err(_) => !passages.is_empty() && base.starts_with(folder),
        };
        let mut tracks = None;
        let mut tracks_below = || {
            *tracks.get_or_insert_with(|| self.git_files(folder_state).is_some_and(|chain| chain.tracks_below(folder)))
        };
        self.services.iter().any(|service| {
            let state = folder_state.state(service);
            service.scope.could_match_in(folder)
                && (matches!(state, RuleState::Open(_))
                    || passes(&self.root, &self.passages)
                    || service.own.as_ref().is_some_and(|own| passes(own.list.base(), &own.passages))
                    || matches!(state, RuleState::Ignored { yields: true, .. }) && tracks_below())
        })
    }

    /// What is true of something in a folder, for those without an own list and for each with one.
    fn decide_state(&self, question: Question<'_>, trace: &mut impl Trace) -> FolderState {
        trace.ask(&question);
        let folder = question.folder;
        let mut lower = None;
        let common = self.decide_one(question, &folder.common, None, &mut lower, trace);
        let own = self.services.iter().filter_map(|service| {
            let own = service.own.as_ref()?;
            Some(self.decide_one(question, folder.state(service), Some(own), &mut lower, trace))
        });
        FolderState { own: own.collect(), common, chain: folder.chain.clone() }
    }

    /// What is true of something in a folder for one service. `above` is true of the folder, and `lower` keeps what is the
    /// same for all.
    fn decide_one(
        &self,
        question: Question<'_>,
        above: &RuleState,
        own: Option<&OwnList>,
        lower: &mut Option<Lower>,
        trace: &mut impl Trace,
    ) -> RuleState {
        let Question { folder, path, is_dir } = question;
        let lists = [
            (own.map(|own| &own.list), By::ServiceIgnore),
            (own.map(|own| &own.file_ignore), By::GroupIgnore),
            (Some(&*self.ignore), By::GroupIgnore),
        ];
        for (list, by) in lists {
            let Some(hit) = list.and_then(|list| list.hit(path, is_dir)) else { continue };
            if !hit.lets_in {
                return trace.ignored(own, by, hit.rule(), false);
            }
            if matches!(above, RuleState::Open(_)) || hit.is_anchored() {
                return trace.let_in(own, by, hit.rule());
            }
        }
        let also = || {
            let of_file = own.and_then(|own| own.file_also.hit(path, is_dir));
            of_file.or_else(|| self.also.hit(path, is_dir)).filter(|hit| !hit.lets_in)
        };
        let files = self.git_files(folder);
        match above {
            RuleState::Ignored { rule, yields } => match also() {
                Some(hit) if hit.is_anchored() => trace.let_in(own, By::GroupAlso, hit.rule()),
                _ if *yields && !self.is_of_group(path) && files.is_some_and(|files| files.tracks(path, is_dir)) => {
                    trace.decided(own, By::Tracked, rule, true);
                    RuleState::Open(None)
                }
                _ => RuleState::Ignored { rule: rule.clone(), yields: *yields },
            },
            RuleState::Open(let_in) => {
                let lower = lower.get_or_insert_with(|| self.decide_lower(files, path, is_dir));
                match lower {
                    Lower::Open(decided) => {
                        if let Some((by, rule)) = decided {
                            trace.decided(own, *by, rule, true);
                        }
                        RuleState::Open(let_in.clone())
                    }
                    Lower::BuiltIn(rule) => trace.ignored(own, By::BuiltIn, rule.clone(), true),
                    Lower::File { rule, by, without } => match (also(), without) {
                        (Some(_), Some(rule)) => trace.ignored(own, By::BuiltIn, rule.clone(), true),
                        (Some(hit), None) => trace.let_in(own, By::GroupAlso, hit.rule()),
                        (None, _) => trace.ignored(own, *by, rule.clone(), *by == By::Git),
                    },
                }
            }
        }
    }

    /// The rule files that hold in a folder, if they are to be honoured.
    pub(super) fn git_files<'a>(&self, folder: &'a FolderState) -> Option<&'a Chain> {
        folder.chain.as_deref().filter(|_| self.with_git)
    }

    /// What `.ignore`, git and the built-ins say about this very path.
    fn decide_lower(&self, files: Option<&Chain>, path: &Path, is_dir: bool) -> Lower {
        if let Some(rule) = self.firm_rule(path, is_dir) {
            return Lower::BuiltIn(rule);
        }
        let built_in = || self.built_in.hit(path, is_dir).map(|hit| hit.rule());
        let dot_ignore = files.and_then(|files| files.dot_ignore_hit(path, is_dir)).map(|hit| (hit, By::DotIgnore));
        let hit = dot_ignore.or_else(|| files?.git_hit(path, is_dir).map(|hit| (hit, By::Git)));
        let tracked = || files.is_some_and(|files| files.tracks(path, is_dir));
        match hit {
            Some((hit, by)) if hit.lets_in => Lower::Open(Some((by, hit.rule()))),
            Some((hit, By::Git)) if tracked() => Lower::Open(Some((By::Tracked, hit.rule()))),
            Some((hit, by)) => Lower::File { rule: hit.rule(), by, without: built_in() },
            None => match built_in() {
                None => Lower::Open(None),
                Some(rule) if tracked() => Lower::Open(Some((By::Tracked, rule))),
                Some(rule) => Lower::BuiltIn(rule),
            },
        }
    }

    /// What no rule file can change: the group's own files restart nothing, and a folder that git has for itself holds no
    /// sources.
    fn firm_rule(&self, path: &Path, is_dir: bool) -> Option<Rule> {
        let sort = if !is_dir && self.is_of_group(path) {
            "devgroup reloads its own file instead"
        } else if is_dir && self.is_gits(path) {
            built_in::VERSION_CONTROL
        } else {
            return None;
        };
        Some(Rule { source: RuleSource::BuiltIn(sort), line: None, file: None, pattern: self.shown(path) })
    }
}

/// What `.ignore`, git and the built-ins say.
enum Lower {
    /// Nothing against it. With the source that says so, if one does, and the rule of [`Trace::decided`].
    Open(Option<(By, Rule)>),
    BuiltIn(Rule),
    File {
        rule: Rule,
        by: By,
        /// What a built-in would say if the file did not.
        without: Option<Rule>,
    },
}
