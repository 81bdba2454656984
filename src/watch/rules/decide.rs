//! Deciding: what the rules say about a path, on the way down from where a walk begins.

use std::path::Path;

use super::could_match::CouldMatch;
use super::folder_state::{Chain, FolderState, RuleState};
use super::list::PatternList;
use super::{Rules, built_in, scope};
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
    /// devgroup itself.
    BuiltIn,
    /// None: it is as the folder that it is in.
    Folder,
}

impl Rules {
    /// What the rules say about a path: absolute, or relative to the root. It need not exist.
    ///
    /// A path that no service asks for is ignored if a rule of the group, git or devgroup says so, else no match.
    pub fn decide(&self, path: &Path, is_dir: bool) -> Match {
        let path = scope::normal(&self.root.join(path));
        let mut folder = self.start_of(&path);
        let mut folder_state = self.enter(self.state_above(&folder), &folder);
        let Some(folders) = path.strip_prefix(&folder).ok().and_then(Path::parent) else {
            return Match::NoMatch;
        };
        for name in folders.components() {
            folder.push(name);
            folder_state = self.enter(self.decide_state(&folder_state, &folder, true), &folder);
        }
        self.decide_in(&folder_state, &path, is_dir)
    }

    /// What the rules say about something in a folder of which the state is known.
    pub(in crate::watch) fn decide_in(&self, folder: &FolderState, path: &Path, is_dir: bool) -> Match {
        let decided = self.decide_state(folder, path, is_dir);
        let mut names = Vec::new();
        let mut watched = None;
        let mut ignored = None;
        for service in self.services.iter() {
            let Some(asked) = service.scope.decide(path) else { continue };
            match (asked, decided.state(service)) {
                (Ok(_), RuleState::Ignored { rule, .. }) | (Err(rule), _) => ignored = ignored.or(Some(rule)),
                (Ok(rule), RuleState::Open(let_in)) => {
                    names.push(service.name.clone());
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
        self.decide_state(above, folder, true)
    }

    /// How things stand with a file.
    pub(super) fn decide_file_state(&self, above: &FolderState, file: &Path) -> FolderState {
        self.decide_state(above, file, false)
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
        let relative = folder.strip_prefix(&self.root).ok();
        let passes = |passages: &[CouldMatch]| {
            relative.is_some_and(|relative| passages.iter().any(|passage| passage.may_hold(relative)))
        };
        let mut tracks = None;
        let mut tracks_below = || {
            *tracks.get_or_insert_with(|| self.git_files(folder_state).is_some_and(|chain| chain.tracks_below(folder)))
        };
        self.services.iter().any(|service| {
            let state = folder_state.state(service);
            service.scope.could_match_in(folder)
                && (matches!(state, RuleState::Open(_))
                    || passes(&self.passages)
                    || service.own.as_ref().is_some_and(|own| passes(&own.passages))
                    || matches!(state, RuleState::Ignored { yields: true, .. }) && tracks_below())
        })
    }

    /// What is true of something in a folder, for those without an own list and for each with one.
    fn decide_state(&self, folder: &FolderState, path: &Path, is_dir: bool) -> FolderState {
        let mut lower = None;
        let mut decide_state = |above: &RuleState, own| self.decide_one(folder, above, own, path, is_dir, &mut lower).0;
        let common = decide_state(&folder.common, None);
        let own = self.services.iter().filter_map(|service| {
            let own = service.own.as_ref()?;
            Some(decide_state(folder.state(service), Some(&own.list)))
        });
        FolderState { own: own.collect(), common, chain: folder.chain.clone() }
    }

    /// What is true of something in a folder for one service, and who says so. `lower` keeps what is the same for all.
    pub(super) fn decide_one(
        &self,
        folder: &FolderState,
        above: &RuleState,
        own: Option<&PatternList>,
        path: &Path,
        is_dir: bool,
        lower: &mut Option<Lower>,
    ) -> (RuleState, By) {
        let is_open = matches!(above, RuleState::Open(_));
        let lists = [(own, By::ServiceIgnore), (Some(&*self.ignore), By::GroupIgnore)];
        for (list, by) in lists {
            let Some(hit) = list.and_then(|list| list.hit(path, is_dir)) else { continue };
            if !hit.lets_in {
                return (RuleState::Ignored { rule: hit.rule(), yields: false }, by);
            }
            if is_open || hit.is_anchored() {
                return (RuleState::Open(Some(hit.rule())), by);
            }
        }
        let also = || self.also.hit(path, is_dir).filter(|hit| !hit.lets_in);
        let files = self.git_files(folder);
        match above {
            RuleState::Ignored { rule, yields } => match also() {
                Some(hit) if hit.is_anchored() => (RuleState::Open(Some(hit.rule())), By::GroupAlso),
                _ if *yields
                    && path.as_os_str() != self.file.as_os_str()
                    && files.is_some_and(|files| files.tracks(path, is_dir)) =>
                {
                    (RuleState::Open(None), By::Tracked)
                }
                _ => (RuleState::Ignored { rule: rule.clone(), yields: *yields }, By::Folder),
            },
            RuleState::Open(let_in) => {
                let lower = lower.get_or_insert_with(|| self.decide_lower(files, path, is_dir));
                match lower {
                    Lower::Nothing(by) => (RuleState::Open(let_in.clone()), *by),
                    Lower::BuiltIn(rule) => (RuleState::Ignored { rule: rule.clone(), yields: true }, By::BuiltIn),
                    Lower::File { rule, by, without } => match (also(), without) {
                        (Some(_), Some(rule)) => (RuleState::Ignored { rule: rule.clone(), yields: true }, By::BuiltIn),
                        (Some(hit), None) => (RuleState::Open(Some(hit.rule())), By::GroupAlso),
                        (None, _) => (RuleState::Ignored { rule: rule.clone(), yields: *by == By::Git }, *by),
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
            Some((hit, by)) if hit.lets_in => Lower::Nothing(by),
            Some((_, By::Git)) if tracked() => Lower::Nothing(By::Tracked),
            Some((hit, by)) => Lower::File { rule: hit.rule(), by, without: built_in() },
            None => match built_in() {
                None => Lower::Nothing(By::Folder),
                Some(_) if tracked() => Lower::Nothing(By::Tracked),
                Some(rule) => Lower::BuiltIn(rule),
            },
        }
    }

    /// What no rule file can change: the group's own file restarts nothing, and a folder that git has for itself holds no
    /// sources.
    fn firm_rule(&self, path: &Path, is_dir: bool) -> Option<Rule> {
        let sort = if path.as_os_str() == self.file.as_os_str() {
            "devgroup acts on its own file itself"
        } else if is_dir && self.is_gits(path) {
            built_in::VERSION_CONTROL
        } else {
            return None;
        };
        Some(Rule { source: RuleSource::BuiltIn(sort), line: None, pattern: self.shown(path) })
    }

    /// What devgroup itself says about a path.
    pub(super) fn built_in_rule(&self, path: &Path, is_dir: bool) -> Option<Rule> {
        self.firm_rule(path, is_dir).or_else(|| self.built_in.hit(path, is_dir).map(|hit| hit.rule()))
    }
}

/// What `.ignore`, git and the built-ins say.
pub(super) enum Lower {
    /// Nothing against it.
    Nothing(By),
    BuiltIn(Rule),
    File {
        rule: Rule,
        by: By,
        /// What a built-in would say if the file did not.
        without: Option<Rule>,
    },
}
