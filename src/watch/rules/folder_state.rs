//! How things stand in a folder: what was decided on the way down to it, so that nothing is decided twice.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use super::ServiceRules;
use super::folder::{FolderRules, RepositoryRules};
use super::list::{Hit, PatternList};
use crate::domain::Rule;

/// What holds in a folder.
#[derive(Clone, Debug)]
pub(in crate::watch) struct FolderState {
    /// The rule files from here upwards.
    pub(super) chain: Option<Arc<Chain>>,
    /// For services without an own `ignore` list, and for those who ask about none.
    pub(super) common: RuleState,
    /// For each service with one.
    pub(super) own: Vec<RuleState>,
}

/// Whether a folder is ignored.
#[derive(Clone, Debug)]
pub(super) enum RuleState {
    /// It is not; with the rule that let it in, if one had to.
    Open(Option<Rule>),
    /// It is.
    Ignored {
        /// By this rule.
        rule: Rule,
        /// Which gives way to files that git tracks.
        yields: bool,
    },
}

impl FolderState {
    /// Where a walk begins.
    pub(super) fn open(chain: Option<Arc<Chain>>, lists: usize) -> Self {
        Self { chain, common: RuleState::Open(None), own: vec![RuleState::Open(None); lists] }
    }

    pub(super) fn state(&self, service: &ServiceRules) -> &RuleState {
        service.own.as_ref().and_then(|own| self.own.get(own.number)).unwrap_or(&self.common)
    }
}

/// The rule files of a folder, and those above.
#[derive(Debug)]
pub(super) struct Chain {
    rules: Arc<FolderRules>,
    up: Option<Arc<Self>>,
}

impl Chain {
    pub(super) fn below(up: Option<Arc<Self>>, rules: &Arc<FolderRules>) -> Arc<Self> {
        Arc::new(Self { rules: Arc::clone(rules), up })
    }

    fn nearest_first(&self) -> impl Iterator<Item = &FolderRules> {
        std::iter::successors(Some(self), |chain| chain.up.as_deref()).map(|chain| chain.rules.as_ref())
    }

    /// `.ignore` of each folder, the nearest first.
    pub(super) fn dot_ignore(&self) -> impl Iterator<Item = &PatternList> {
        self.nearest_first().filter_map(|rules| rules.ignore.as_ref())
    }

    /// Git's files in the order in which git asks them: the first that says something decides.
    pub(super) fn git(&self) -> impl Iterator<Item = &PatternList> {
        let mut above_top = false;
        let folders = self.nearest_first().take_while(move |rules| {
            // The top of a repository is the last folder that is asked.
            !std::mem::replace(&mut above_top, rules.repository.is_some())
        });
        folders.flat_map(|rules| {
            let repository = rules.repository.as_ref();
            let outside = repository.into_iter().flat_map(|rules| [&rules.exclude, &rules.global]);
            std::iter::once(&rules.gitignore).chain(outside).flatten()
        })
    }

    /// The repository around.
    pub(super) fn repository(&self) -> Option<&RepositoryRules> {
        self.nearest_first().find_map(|rules| rules.repository.as_ref())
    }

    /// What the `.ignore` files say about this very path.
    pub(super) fn dot_ignore_hit(&self, path: &Path, is_dir: bool) -> Option<Hit<'_>> {
        self.dot_ignore().find_map(|list| list.hit(path, is_dir))
    }

    /// What git's files say about this very path.
    pub(super) fn git_hit(&self, path: &Path, is_dir: bool) -> Option<Hit<'_>> {
        self.git().find_map(|list| list.hit(path, is_dir))
    }

    /// Whether git tracks the file, or the folder is a submodule.
    pub(super) fn tracks(&self, path: &Path, is_dir: bool) -> bool {
        self.repository().is_some_and(|rules| {
            let name = path.strip_prefix(&rules.repository.top);
            name.is_ok_and(|name| rules.tracked.has(name.as_os_str().as_bytes(), is_dir))
        })
    }

    /// Whether git tracks something in a folder or below.
    pub(super) fn tracks_below(&self, folder: &Path) -> bool {
        self.repository().is_some_and(|rules| {
            let name = folder.strip_prefix(&rules.repository.top);
            name.is_ok_and(|name| rules.tracked.has_below(name.as_os_str().as_bytes()))
        })
    }
}
