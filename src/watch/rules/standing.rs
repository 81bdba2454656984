//! How things stand in a folder: what was decided on the way down to it, so that nothing is decided twice.

use std::path::Path;
use std::sync::Arc;

use super::ServiceRules;
use super::folder::FolderRules;
use super::list::Hit;
use crate::domain::Rule;

/// What holds in a folder.
#[derive(Clone, Debug)]
pub(in crate::watch) struct Standing {
    /// The rule files from here upwards.
    pub(super) chain: Option<Arc<Chain>>,
    /// For services without an own `ignore` list, and for those who ask about none.
    pub(super) common: State,
    /// For each service with one.
    pub(super) own: Vec<State>,
}

/// Whether a folder is ignored.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// It is not; with the rule that let it in, if one had to.
    Open(Option<Rule>),
    /// It is.
    Ignored(Rule),
}

impl Standing {
    /// Where a walk begins.
    pub(super) fn open(chain: Option<Arc<Chain>>, lists: usize) -> Self {
        Self { chain, common: State::Open(None), own: vec![State::Open(None); lists] }
    }

    pub(super) fn state(&self, service: &ServiceRules) -> &State {
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

    /// What the files say about this very path: `.ignore` wins over git's, the nearest over those above.
    pub(super) fn hit(&self, path: &Path, is_dir: bool) -> Option<Hit<'_>> {
        let nearest_first = || std::iter::successors(Some(self), |chain| chain.up.as_deref());
        let dot_ignore =
            nearest_first().find_map(|chain| chain.rules.ignore.as_ref().and_then(|list| list.hit(path, is_dir)));
        if dot_ignore.is_some() {
            return dot_ignore;
        }
        for chain in nearest_first() {
            if let Some(hit) = chain.rules.gitignore.as_ref().and_then(|list| list.hit(path, is_dir)) {
                return Some(hit);
            }
            if let Some(repository) = &chain.rules.repository {
                let lists = [&repository.exclude, &repository.global];
                return lists.into_iter().flatten().find_map(|list| list.hit(path, is_dir));
            }
        }
        None
    }
}
